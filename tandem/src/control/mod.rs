//! What people ask a running node for: a new plan, an old one, what is switched by hand, how it stands. One request and one answer,
//! a line of JSON each, over a socket in the data folder that its owner alone may open; whoever may not write there may not change
//! who gets a call.

pub mod changes;
pub mod client;
pub mod desk;
pub mod revisions;
pub mod socket;
pub mod state;
mod status;
mod switches;
pub(crate) mod words;

use crate::orders::Order;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the socket in the data folder.
pub const SOCKET: &str = "tandem.sock";

/// The longest request, in bytes: a reason is a sentence.
pub const REQUEST_MAX: usize = 16 << 10;

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What.
    pub verb: Verb,
    /// By whom, as they are called there. The system says it too, for all but root.
    #[serde(default)]
    pub who: String,
    /// Why, in their words.
    #[serde(default)]
    pub why: String,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// How does it stand?
    Status,
    /// Read the plan file anew, and let it come into force.
    Apply {
        /// Seconds after which the plan before is in force again, unless somebody confirms.
        confirm_within: Option<u64>,
    },
    /// The plan in force stays.
    Confirm {
        /// Which it is; whichever it is, if not given.
        revision: Option<u64>,
    },
    /// Let an earlier plan come into force again.
    Rollback {
        /// Which; the one before, if not given.
        to: Option<u64>,
    },
    /// Switch something by hand, for a time.
    Order {
        /// What.
        order: Order,
        /// For how long.
        lasts: Lasts,
        /// Even if a number loses its last human by it.
        even_so: bool,
    },
    /// Take back what was switched.
    Undo {
        /// Which: [`state::Switched::id`].
        id: u64,
    },
}

/// For how long something is switched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lasts {
    /// So many seconds.
    For(u64),
    /// Until `17:00`, `Tue 17:00` by the clock of the business, or a moment as RFC 3339 has it.
    Until(String),
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// How it went.
    pub end: End,
    /// For people, with its last line break.
    pub text: String,
    /// For programs: what the text says, and no less.
    pub values: Value,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// It was done.
    Done,
    /// It was done, and there is something to look at: a number that reaches nobody.
    Found,
    /// It was not done: nothing has changed.
    Refused,
}

impl Answer {
    /// It was not done.
    #[must_use]
    pub fn refused(why: impl Into<String>) -> Self {
        let why = why.into();
        let values = serde_json::json!({ "refused": why });
        Self { end: End::Refused, text: format!("{}\n", why.trim_end()), values }
    }
}

/// The longest time for which something is switched by hand: what is to last is written into the plan file.
pub const SWITCHED_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// The shortest and the longest time in which a new plan may have to be confirmed.
pub const CONFIRM_WITHIN: core::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
