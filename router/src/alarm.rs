//! What somebody should look at: what an answer says of a plan, a number or an account, not of one call.

use core::fmt;

/// One thing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Three answers of the 400 class in a row: what we send does not suit it.
    Misfit {
        /// The last of them.
        status: u16,
    },
    /// A carrier does not know this number: unproven until somebody answers there.
    Unproven,
    /// A site does not know a number that the plan sends there.
    Stale,
    /// The call came round in a circle there.
    Loop {
        /// 482 or 483.
        status: u16,
    },
    /// It sends us elsewhere, and the plan does not say to follow it.
    Redirected {
        /// The status.
        status: u16,
    },
    /// It had no room for one more call.
    Full {
        /// Our calls that were being tried there at that moment, this one too: the limit that it has shown.
        calls: u32,
    },
}

/// In words for logs, without numbers of people.
impl fmt::Display for Alarm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misfit { status } => {
                write!(out, "does not take what we send: the last answer was {status}")
            }
            Self::Unproven => write!(out, "does not know a number of the plan"),
            Self::Stale => write!(out, "does not know a number that the plan sends there"),
            Self::Loop { status } => write!(out, "sends calls round in a circle: {status}"),
            Self::Redirected { status } => {
                write!(out, "sends calls elsewhere ({status}), which the plan does not follow")
            }
            Self::Full { calls } => write!(out, "has no room for more calls than {calls}"),
        }
    }
}

impl Alarm {
    /// A word for a label: one for each kind.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Misfit { .. } => "misfit",
            Self::Unproven => "unproven",
            Self::Stale => "stale",
            Self::Loop { .. } => "loop",
            Self::Redirected { .. } => "redirected",
            Self::Full { .. } => "full",
        }
    }
}
