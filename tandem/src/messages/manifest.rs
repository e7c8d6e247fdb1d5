//! What is known of a message beside its sound.

use super::id::MessageId;
use agent::g711;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What stands in `message.json`; in `head.json` as far as it is known when the message begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its name.
    pub id: MessageId,
    /// Whose it is: the mailbox's name in the plan.
    pub mailbox: String,
    /// The number that was called.
    pub number: String,
    /// Who called: a number, or another SIP user part; empty if it was hidden.
    pub caller: String,
    /// The caller's name as the carrier said it; empty if nothing was said.
    pub name: String,
    /// Why the call came here.
    pub why: Why,
    /// Call-ID of the call.
    pub call_id: String,
    /// The node that it was left at.
    pub node: String,
    /// When it began.
    pub at: Timestamp,
    /// How its sound is written.
    pub law: Law,
    /// Its length in milliseconds.
    pub millis: u64,
    /// Packets of sound that never came, of a hundred.
    pub lost_percent: f64,
    /// How unevenly packets came (RFC 3550 §6.4.1), in milliseconds.
    pub jitter_millis: f64,
    /// How often the sound began to come from another source.
    pub source_changes: u32,
    /// How it ended.
    pub end: End,
    /// Whether all that was heard is there. False after a crash, and where a disk was too slow.
    pub whole: bool,
    /// Whether the caller marked it urgent.
    pub urgent: bool,
    /// Whether its sound is sealed: this node cannot play it.
    pub sealed: bool,
}

impl Manifest {
    /// About how many bytes it takes up: what others say of themselves may be long.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let said = [&self.mailbox, &self.number, &self.caller, &self.name, &self.call_id, &self.node];
        size_of::<Self>() + said.iter().map(|text| text.len()).sum::<usize>()
    }
}

/// Why a call came to a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The business was closed.
    Closed,
    /// Whoever was rung did not answer.
    NoAnswer,
    /// All lines were engaged.
    Busy,
    /// Nobody could be reached: phones or carriers were down.
    Unreachable,
    /// A phone or PBX had forwarded it here.
    Forwarded,
    /// The plan has it so.
    Plan,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It has not ended, or the node ended first.
    Unfinished,
    /// The caller hung up.
    HungUp,
    /// The caller pressed a key.
    Key,
    /// The caller had fallen silent.
    Silence,
    /// It was as long as it may be.
    Longest,
    /// No sound came any more.
    NoSound,
    /// The mailbox was full before it began.
    Full,
    /// It was a fax machine.
    Fax,
}

/// The two laws of G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Law {
    /// µ-law.
    #[serde(rename = "u")]
    Mu,
    /// A-law.
    #[serde(rename = "a")]
    A,
}

impl Law {
    /// The law as those who decode it know it.
    #[must_use]
    pub const fn g711(self) -> g711::Law {
        match self {
            Self::Mu => g711::Law::Mu,
            Self::A => g711::Law::A,
        }
    }

    /// How names of files end whose bytes are in it.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mu => "ul",
            Self::A => "al",
        }
    }
}

impl From<g711::Law> for Law {
    fn from(law: g711::Law) -> Self {
        match law {
            g711::Law::Mu => Self::Mu,
            g711::Law::A => Self::A,
        }
    }
}

impl Why {
    /// Why, as a sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Closed => "The call came outside of opening hours.",
            Self::NoAnswer => "Nobody answered the call.",
            Self::Busy => "All lines were engaged.",
            Self::Unreachable => "Nobody could be reached: phones or lines were out of order.",
            Self::Forwarded => "The call had been forwarded to this mailbox.",
            Self::Plan => "Calls to this number go to this mailbox.",
        }
    }
}

impl End {
    /// How, as a sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Unfinished => "The recording broke off: this system failed while the caller was speaking.",
            Self::HungUp => "The caller hung up.",
            Self::Key => "The caller ended it by a key.",
            Self::Silence => "The caller had fallen silent.",
            Self::Longest => "It was as long as a message may be.",
            Self::NoSound => "The caller's line fell silent.",
            Self::Full => "The mailbox was full, and the caller was told so.",
            Self::Fax => "It was a fax machine.",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A message of twelve seconds that was left at this minute.
    pub(crate) fn manifest(minute: i64) -> Manifest {
        let at = Timestamp::from_second(1_795_762_800 + minute * 60).unwrap();
        Manifest {
            id: MessageId::of(at.as_second(), [7; 10]),
            mailbox: "inbox".into(),
            number: "+15035550100".into(),
            caller: "+15035550999".into(),
            name: "Lopez, Maria".into(),
            why: Why::NoAnswer,
            call_id: "abc@example".into(),
            node: "pdx-1".into(),
            at,
            law: Law::Mu,
            millis: 12_000,
            lost_percent: 0.5,
            jitter_millis: 1.25,
            source_changes: 0,
            end: End::HungUp,
            whole: true,
            urgent: false,
            sealed: false,
        }
    }

    #[test]
    fn it_is_written_so_that_people_can_read_it() {
        let written = serde_json::to_value(manifest(1)).unwrap();
        let expected = json!({
            "id": "1ngjanc0w3ge1r70w3ge1r7", "mailbox": "inbox", "number": "+15035550100",
            "caller": "+15035550999", "name": "Lopez, Maria", "why": "no-answer", "call_id": "abc@example",
            "node": "pdx-1", "at": "2026-11-27T07:01:00Z", "law": "u", "millis": 12_000, "lost_percent": 0.5,
            "jitter_millis": 1.25, "source_changes": 0, "end": "hung-up", "whole": true, "urgent": false,
            "sealed": false,
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Manifest>(written).unwrap(), manifest(1));
    }
}
