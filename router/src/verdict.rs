//! What an outcome means: how far to go next, how it ranks as an answer, and what it says of the path's health.
//! The table of TRIGGERS, section 2, as one total function.

use crate::health::Sign;
use core::fmt;
use core::time::Duration;

/// What the plan file may say a status means at one peer (`codes = { 404 = "next trunk" }`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRule {
    /// `next`: this destination is done, the next one is rung.
    Next,
    /// `next trunk`: the path failed, the same destination is tried by another.
    NextTrunk,
    /// `busy`: this destination is busy.
    Busy,
    /// `stop`: the walk ends.
    Stop,
}

/// Who said it: the column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A carrier's trunk, on a leg to a phone number.
    Trunk,
    /// A site or service reached by SIP itself.
    Site,
}

/// How a leg ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No response at all within `first`.
    Silent(Duration),
    /// The network says that nobody is there.
    Unreachable,
    /// A 100, but no ringing within `progress`.
    Stalled(Duration),
    /// It rang, and nobody answered within `ring`.
    RangOut(Duration),
    /// A final response of 300 and up.
    Refused {
        /// The status.
        status: u16,
        /// Retry-After in seconds, if it had one.
        retry_after: Option<u32>,
    },
    /// A final response that cannot be forwarded: its second Via is not the one that was sent.
    Broken,
}

/// How far a leg had come before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// No 18x.
    Nobody,
    /// 183 without a body: a gateway's word, perhaps not a phone's.
    Progress,
    /// 183 with a body: the caller has been given media.
    Media,
    /// 180, 181 or 182: a phone rings.
    Rang,
}

/// How far to go for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// The path failed: another address of the same peer, then another peer.
    NextAddress,
    /// The peer failed: another trunk of the same carrier, then another carrier.
    NextTrunk,
    /// The carrier failed: another carrier.
    NextCarrier,
    /// The number is at fault, or the carrier's idea of it: one other carrier, then the next destination.
    OtherCarrierOnce,
    /// The destination is done for this call.
    NextTarget,
    /// The walk ends.
    Stop,
}

/// How good an answer it is for the caller if nothing better comes (by meaning, not by number; TRIGGERS I8). Higher
/// is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Nothing but silence: a 408 made here ranks below any peer's answer.
    Silence,
    /// The way there failed.
    PathFailure,
    /// The number is not known there.
    NotFound,
    /// Nobody answered.
    NoAnswer,
    /// A person declined.
    Declined,
    /// A person or an office is busy.
    Busy,
}

/// What follows from an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far to go.
    pub go: Go,
    /// How it ranks as an answer.
    pub meaning: Meaning,
    /// What it says of the path.
    pub sign: Option<Sign>,
}

/// Judges an outcome. `rule` is what the plan file says of this status at this peer; it overrides the table, never
/// the rule that somebody who was rung is not rung again by another path.
#[must_use]
pub fn verdict(speaker: Speaker, outcome: Outcome, reached: Reached, rule: Option<CodeRule>) -> Verdict {
    let mut verdict = match outcome {
        Outcome::Silent(_) => row(Go::NextAddress, Meaning::Silence, Some(Sign::Miss)),
        Outcome::Unreachable => row(Go::NextAddress, Meaning::PathFailure, Some(Sign::Unreachable)),
        Outcome::Stalled(_) => row(by(speaker, Go::NextCarrier), Meaning::Silence, Some(Sign::Soft)),
        Outcome::RangOut(_) => row(Go::NextTarget, Meaning::NoAnswer, None),
        Outcome::Broken => row(by(speaker, Go::NextTrunk), Meaning::PathFailure, Some(Sign::Soft)),
        Outcome::Refused { status, retry_after } => refused(speaker, status, retry_after, reached),
    };
    if let Some(rule) = rule {
        (verdict.go, verdict.meaning) = match rule {
            CodeRule::Next => (Go::NextTarget, verdict.meaning),
            CodeRule::NextTrunk => (Go::NextTrunk, Meaning::PathFailure),
            CodeRule::Busy => (Go::NextTarget, Meaning::Busy),
            CodeRule::Stop => (Go::Stop, verdict.meaning),
        };
    }
    if reached >= Reached::Media && verdict.go != Go::Stop {
        verdict.go = Go::NextTarget;
    }
    verdict
}

const fn row(go: Go, meaning: Meaning, sign: Option<Sign>) -> Verdict {
    Verdict { go, meaning, sign }
}

/// A failure of the way at a trunk; at a site the destination itself is done.
const fn by(speaker: Speaker, trunk: Go) -> Go {
    match speaker {
        Speaker::Trunk => trunk,
        Speaker::Site => Go::NextTarget,
    }
}

fn refused(speaker: Speaker, status: u16, retry_after: Option<u32>, reached: Reached) -> Verdict {
    use Meaning::{Busy, Declined, NoAnswer, NotFound, PathFailure};
    let alive = Some(Sign::Alive { round_trip: None, resent: 0 });
    match status {
        404 | 410 | 484 | 485 | 604 => row(by(speaker, Go::OtherCarrierOnce), NotFound, alive),
        408 if reached >= Reached::Progress => row(Go::NextTarget, NoAnswer, alive),
        408 => row(by(speaker, Go::NextTrunk), PathFailure, Some(Sign::Miss)),
        433 => row(Go::NextTarget, Declined, alive),
        // 487 without a CANCEL of ours: whatever ended it there, our caller is still waiting.
        480 | 487 => row(Go::NextTarget, NoAnswer, alive),
        430 | 481 => row(by(speaker, Go::NextTrunk), PathFailure, alive),
        // "Already there", or a loop: the same destination by another path would meet the same answer.
        482 | 483 => row(Go::NextTarget, PathFailure, alive),
        486 | 600 => row(Go::NextTarget, Busy, alive),
        // RFC 3263 §4.3 sends a 503 on to the next address, at a site with two addresses as well.
        503 => {
            let go = if speaker == Speaker::Trunk { Go::NextTrunk } else { Go::NextAddress };
            row(go, PathFailure, Some(Sign::Unavailable(retry_after)))
        }
        504 => row(by(speaker, Go::NextCarrier), PathFailure, Some(Sign::Miss)),
        505 | 513 => row(by(speaker, Go::NextCarrier), PathFailure, alive),
        500..=599 => row(by(speaker, Go::NextTrunk), PathFailure, Some(Sign::Soft)),
        606 => row(by(speaker, Go::NextCarrier), PathFailure, alive),
        600..=699 => row(Go::NextTarget, Declined, alive),
        // 300–399, and every other 4xx as 400 (RFC 3261 §8.1.3.2): this carrier will not have it.
        _ => row(by(speaker, Go::NextCarrier), PathFailure, alive),
    }
}

/// In words for records: `503`, `no answer in 2s`.
impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(after) => write!(out, "silent for {}", Seconds(*after)),
            Self::Unreachable => write!(out, "nobody listens there"),
            Self::Stalled(after) => write!(out, "no ringing in {}", Seconds(*after)),
            Self::RangOut(after) => write!(out, "rang for {} without an answer", Seconds(*after)),
            Self::Refused { status, .. } => write!(out, "{status}"),
            Self::Broken => write!(out, "its answer came with a wrong Via"),
        }
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_millis() / 100;
        match tenths % 10 {
            0 => write!(out, "{} s", tenths / 10),
            rest => write!(out, "{}.{rest} s", tenths / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(speaker: Speaker, status: u16, reached: Reached) -> (Go, Meaning) {
        let outcome = Outcome::Refused { status, retry_after: None };
        let verdict = verdict(speaker, outcome, reached, None);
        (verdict.go, verdict.meaning)
    }

    #[test]
    fn each_row_of_the_table_says_how_far_to_go() {
        use Go::{NextAddress, NextCarrier, NextTarget, NextTrunk, OtherCarrierOnce};
        use Meaning::{Busy, Declined, NoAnswer, NotFound, PathFailure};
        #[rustfmt::skip]
        let rows: &[(&[u16], Go, Go, Meaning)] = &[
            // statuses, at a trunk, at a site, meaning
            (&[300, 301, 302, 305, 380, 399], NextCarrier, NextTarget, PathFailure),
            (&[400, 405, 406, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 469, 488, 493, 494, 499], NextCarrier, NextTarget, PathFailure),
            (&[401, 402, 403, 407, 428, 436, 437, 438], NextCarrier, NextTarget, PathFailure),
            (&[404, 410, 484, 485, 604], OtherCarrierOnce, NextTarget, NotFound),
            (&[408, 430, 481], NextTrunk, NextTarget, PathFailure),
            (&[433], NextTarget, NextTarget, Declined),
            (&[480, 487], NextTarget, NextTarget, NoAnswer),
            (&[482, 483], NextTarget, NextTarget, PathFailure),
            (&[486, 600], NextTarget, NextTarget, Busy),
            (&[500, 501, 502, 580, 599], NextTrunk, NextTarget, PathFailure),
            (&[503], NextTrunk, NextAddress, PathFailure),
            (&[504, 505, 513, 606], NextCarrier, NextTarget, PathFailure),
            (&[603, 607, 608, 699], NextTarget, NextTarget, Declined),
        ];
        for (statuses, trunk, site, meaning) in rows {
            for &status in *statuses {
                assert_eq!(said(Speaker::Trunk, status, Reached::Nobody), (*trunk, *meaning), "{status}");
                assert_eq!(said(Speaker::Site, status, Reached::Nobody), (*site, *meaning), "{status}");
            }
        }
    }

    #[test]
    fn whoever_rang_is_not_rung_by_another_path() {
        for status in 300..700 {
            let after_ringing = said(Speaker::Trunk, status, Reached::Rang).0;
            assert_eq!(after_ringing, Go::NextTarget, "{status}");
        }
        // 183 alone may be a gateway's announcement: a 5xx may still go on by another path, unless media began.
        assert_eq!(said(Speaker::Trunk, 500, Reached::Progress).0, Go::NextTrunk);
        assert_eq!(said(Speaker::Trunk, 500, Reached::Media).0, Go::NextTarget);
    }

    #[test]
    fn the_plan_file_overrides_the_table() {
        let busy = Outcome::Refused { status: 404, retry_after: None };
        let ruled = |rule, reached| verdict(Speaker::Trunk, busy, reached, Some(rule));
        assert_eq!(ruled(CodeRule::Busy, Reached::Nobody).meaning, Meaning::Busy);
        assert_eq!(ruled(CodeRule::NextTrunk, Reached::Nobody).go, Go::NextTrunk);
        assert_eq!(ruled(CodeRule::Stop, Reached::Rang).go, Go::Stop);
        assert_eq!(ruled(CodeRule::NextTrunk, Reached::Rang).go, Go::NextTarget);
    }

    #[test]
    fn health_hears_what_the_table_says() {
        let sign = |outcome| verdict(Speaker::Trunk, outcome, Reached::Nobody, None).sign;
        let refused = |status, retry_after| sign(Outcome::Refused { status, retry_after });
        assert_eq!(sign(Outcome::Silent(Duration::from_secs(2))), Some(Sign::Miss));
        assert_eq!(sign(Outcome::Unreachable), Some(Sign::Unreachable));
        assert_eq!(sign(Outcome::Stalled(Duration::from_secs(8))), Some(Sign::Soft));
        assert_eq!(sign(Outcome::RangOut(Duration::from_secs(20))), None);
        assert_eq!(refused(503, Some(7)), Some(Sign::Unavailable(Some(7))));
        assert_eq!(refused(500, None), Some(Sign::Soft));
        assert_eq!(refused(504, None), Some(Sign::Miss));
        assert_eq!(refused(408, None), Some(Sign::Miss));
        assert_eq!(refused(486, None), Some(Sign::Alive { round_trip: None, resent: 0 }));
    }
}
