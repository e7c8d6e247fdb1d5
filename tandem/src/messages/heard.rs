//! Whether somebody has heard a message: a mark beside its sound, so that a node that starts anew, the lamp of a phone and the command
//! line say the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What stands in `heard.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Who has heard it, or has taken it in hand.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a message is to those who are to hear it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is being left, or has no sound: there is nothing to hear.
    #[default]
    Silent,
    /// Nobody has heard it.
    New,
    /// Somebody has.
    Heard,
}

impl Standing {
    /// That of a message of this length that is complete.
    #[must_use]
    pub const fn of(millis: u64, is_heard: bool) -> Self {
        match (millis, is_heard) {
            (0, _) => Self::Silent,
            (_, false) => Self::New,
            (_, true) => Self::Heard,
        }
    }
}
