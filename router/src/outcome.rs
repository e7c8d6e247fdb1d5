//! How a leg ends without an answer, and how far it had come.

use crate::inside::Unconfirmed;
use core::fmt;
use core::time::Duration;
use sip::Cause;
use sip::reason::Location;

/// How a leg ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No response at all within `first`.
    Silent(Duration),
    /// The network says that nobody is there.
    Unreachable,
    /// It had said something, and then its connection no longer answered.
    Lost,
    /// A 100, but no ringing within `progress`.
    Stalled(Duration),
    /// It rang, and nobody answered within `ring`.
    RangOut(Duration),
    /// A final response of 300 and up.
    Refused(Said),
    /// It has said what the caller was to hear, and that was all.
    Spoken,
    /// It was answered, but by nobody who pressed 1.
    Unconfirmed(Unconfirmed),
    /// Nobody can be asked there to press 1, as this status says: its carrier has not heard of the call.
    Unasked(u16),
    /// A final response that cannot be forwarded: its second Via is not the one that was sent.
    Broken,
}

/// What a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// Retry-After in seconds, if it had one.
    pub retry_after: Option<u32>,
    /// The release cause of the telephone network, if it had one (RFC 6432).
    pub cause: Option<Cause>,
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

impl Outcome {
    /// Reads what was written of one in words; `None` for anything else. Of a refusal only its status and cause are written.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let between = |start: &str, end: &str| Seconds::read(text.strip_prefix(start)?.strip_suffix(end)?);
        let first = text.split_once(' ').map_or(text, |(first, _)| first).trim_end_matches(',');
        let waits = between("silent for ", "")
            .map(Self::Silent)
            .or_else(|| between("no ringing in ", "").map(Self::Stalled));
        let rang = || between("rang for ", " without an answer").map(Self::RangOut);
        let plain = || {
            [Self::Unreachable, Self::Lost, Self::Spoken, Self::Broken]
                .into_iter()
                .find(|it| it.to_string() == text)
        };
        let unasked = || text.strip_prefix("cannot be asked to press 1: ")?.parse().ok().map(Self::Unasked);
        let refused = || {
            let status = first.parse().ok().filter(|status| (300..700).contains(status))?;
            Some(Self::Refused(Said { cause: cause(text), ..Said::plain(status) }))
        };
        let unconfirmed = || Unconfirmed::read(text).map(Self::Unconfirmed);
        waits.or_else(rang).or_else(plain).or_else(unasked).or_else(unconfirmed).or_else(refused)
    }

    /// The status of the response that says so; `None` if nothing came, or nothing that can be read.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Refused(said) => Some(said.status),
            Self::Unconfirmed(why) => Some(why.status()),
            Self::Unasked(status) => Some(status),
            Self::Silent(_)
            | Self::Unreachable
            | Self::Lost
            | Self::Stalled(_)
            | Self::RangOut(_)
            | Self::Spoken
            | Self::Broken => None,
        }
    }
}

impl Said {
    /// A status and nothing else.
    #[must_use]
    pub const fn plain(status: u16) -> Self {
        Self { status, retry_after: None, cause: None }
    }
}

/// In words for records: `503`, `486 (cause 34 at LN)`, `silent for 2 s`. A refusal begins with its status.
impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(after) => write!(out, "silent for {}", Seconds(*after)),
            Self::Unreachable => write!(out, "nobody listens there"),
            Self::Lost => write!(out, "its connection no longer answered"),
            Self::Stalled(after) => write!(out, "no ringing in {}", Seconds(*after)),
            Self::RangOut(after) => write!(out, "rang for {} without an answer", Seconds(*after)),
            Self::Refused(said) => said.fmt(out),
            Self::Spoken => write!(out, "said"),
            Self::Unconfirmed(why) => why.fmt(out),
            Self::Unasked(status) => write!(out, "cannot be asked to press 1: {status}"),
            Self::Broken => write!(out, "its answer came with a wrong Via"),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.status)?;
        match self.cause {
            Some(Cause { value, location: Some(location) }) => {
                write!(out, " (cause {value} at {})", location.as_str())
            }
            Some(Cause { value, location: None }) => write!(out, " (cause {value})"),
            None => Ok(()),
        }
    }
}

/// Reads `(cause 34 at LN)`.
fn cause(text: &str) -> Option<Cause> {
    let (_, rest) = text.split_once("(cause ")?;
    let (written, _) = rest.split_once(')')?;
    let (value, place) =
        written.split_once(" at ").map_or((written, None), |(value, place)| (value, Some(place)));
    let location = place.and_then(|place| Location::ALL.into_iter().find(|one| one.as_str() == place));
    Some(Cause { value: value.parse().ok()?, location })
}

struct Seconds(Duration);

impl Seconds {
    fn read(text: &str) -> Option<Duration> {
        let (whole, tenths) =
            text.strip_suffix(" s")?.split_once('.').unwrap_or((text.strip_suffix(" s")?, "0"));
        let (whole, tenths): (u64, u64) =
            (whole.parse().ok()?, tenths.parse().ok().filter(|tenths| *tenths < 10)?);
        Some(Duration::from_millis(whole.checked_mul(1_000)?.checked_add(tenths * 100)?))
    }
}

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

    #[test]
    fn what_is_written_of_an_outcome_is_read_back() {
        let tenths = |tenths: u64| Duration::from_millis(tenths * 100);
        let refused = |status, cause| Outcome::Refused(Said { cause, ..Said::plain(status) });
        let mut all = vec![
            Outcome::Silent(tenths(20)),
            Outcome::Silent(tenths(15)),
            Outcome::Unreachable,
            Outcome::Lost,
            Outcome::Stalled(tenths(81)),
            Outcome::RangOut(tenths(200)),
            Outcome::Spoken,
            Outcome::Unasked(488),
            Outcome::Broken,
            refused(503, None),
            refused(486, Some(Cause { value: 17, location: None })),
        ];
        all.extend(Location::ALL.map(|it| refused(480, Some(Cause { value: 34, location: Some(it) }))));
        all.extend(Unconfirmed::ALL.map(Outcome::Unconfirmed));
        for outcome in all {
            assert_eq!(Outcome::read(&outcome.to_string()), Some(outcome), "{outcome}");
        }
        let with_more = "608 (cause 21), see <https://analytics.example/why>";
        assert_eq!(Outcome::read(with_more), Some(refused(608, Some(Cause { value: 21, location: None }))));
        for text in
            ["", "answered", "cancelled: answered elsewhere", "200", "silent for x s", "silent for 1.23 s"]
        {
            assert_eq!(Outcome::read(text), None, "{text}");
        }
    }
}
