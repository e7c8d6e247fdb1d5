//! The door: all that can happen to a node, and all that it can ask for.

use crate::locate::{Answer, Query};
use crate::path::{Flow, Listener, Loss, Path};
use crate::plan::Plan;
use crate::record::Entry;
use sip::{Bytes, Time};
use std::sync::Arc;

/// What can happen to a node.
#[derive(Clone, Debug)]
pub enum Event {
    /// A datagram, or one framed message of a stream, came.
    Received {
        /// Where from.
        flow: Flow,
        /// What.
        bytes: Bytes,
    },
    /// The way to the other side of a path is lost.
    Lost {
        /// The path.
        path: Path,
        /// How.
        loss: Loss,
    },
    /// The DNS has answered a question, or has failed to.
    Resolved {
        /// The question.
        query: Query,
        /// What it said.
        answer: Answer,
    },
    /// A new plan takes force for new calls; calls that are under way end on the plan they began with. What was held against peers is
    /// forgiven, if more than [its orders](crate::orders) is new.
    Apply(Arc<Plan>),
    /// Take no new calls from now on, let those under way finish.
    Drain,
    /// The time of day: microseconds since 1970 (UTC) at [`Time::ZERO`]. At the start, and whenever the clock was set.
    Clock {
        /// Microseconds since 1970 at `Time::ZERO`.
        epoch: i64,
    },
    /// Nothing but time has passed: the only event that deadlines act on. Whoever drives a node hands in what came
    /// first, so that an answer that waited while the process stood still counts before the silence it ended.
    Tick,
}

/// What a node asks for.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send these bytes.
    Send {
        /// Where to.
        flow: Flow,
        /// What.
        bytes: Bytes,
    },
    /// Ask the DNS, and report with [`Event::Resolved`]; at most some dozens are out at once.
    Resolve {
        /// The question.
        query: Query,
    },
    /// Something worth keeping: for the log, the metrics, the call list.
    Record(Entry),
}

/// What a node is given once, for its life.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name in records.
    pub name: String,
    /// Where it listens, at most 255; order is preference.
    pub listeners: Vec<Listener>,
    /// The key of the cluster's seals: the same on every node behind one address, kept over restarts.
    pub key: [u8; 16],
    /// Seed of this node's chance (branches, tags, probe jitter): different on every node and at every start.
    pub seed: u64,
    /// Microseconds since 1970 (UTC) at [`Time::ZERO`].
    pub epoch: i64,
    /// Calls in memory at once, lingering ones too; a new one beyond them is refused with 503, so that the carrier goes
    /// elsewhere. [`CALLS_MAX`] is a good number.
    pub calls_max: usize,
    /// New calls a second, as many in one burst; one beyond them is refused with 503. `None` for any number.
    pub cps: Option<u32>,
}

/// As many calls as a node is given room for if nobody says otherwise: at 16 KiB each this is 3 GiB.
pub const CALLS_MAX: usize = 200_000;

impl Identity {
    /// Microseconds since 1970 at `now`.
    #[must_use]
    pub fn unix(&self, now: Time) -> i64 {
        self.epoch.saturating_add(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
    }
}
