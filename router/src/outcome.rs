//! How a leg ends without an answer, and how far it had come.

use crate::inside::Unconfirmed;
use core::fmt;
use core::time::Duration;
use sip::Cause;

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
