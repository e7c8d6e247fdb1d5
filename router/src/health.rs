//! What is believed of each path, and why.

use crate::door::Path;
use crate::target::Probe;
use core::time::Duration;
use sip::Time;

/// What is believed of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Answers.
    Up,
    /// Was down, answers again: one call at a time until three were answered or rang.
    Probation,
    /// Nothing is known yet.
    Unknown,
    /// Missed once, or told us to stay away for a moment.
    Suspect,
    /// Does not answer: tried last, never refused outright.
    Down,
}

/// Who gave a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One of our OPTIONS.
    Probe,
    /// A live call.
    Call,
}

/// What was seen of a path. Table in TRIGGERS, section 2, column "health".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A final response or ringing came; for the first answer to a request that was sent once, the round trip.
    Alive {
        /// Request out to first response in, only where the request was not sent again.
        round_trip: Option<Duration>,
        /// How often the request had to be sent again: a sign of loss.
        resent: u32,
    },
    /// No answer at all in time, or 408 / 504: one step towards DOWN.
    Miss,
    /// 5xx, or no ringing after 100: half a step.
    Soft,
    /// The network says nobody is there (ICMP, refused, reset): SUSPECT at once, a whole step.
    Unreachable,
    /// 503; with Retry-After the seconds it named (clamped to 1–300 here): DOWN for so long; without: SUSPECT, with a
    /// back-off of 5 s doubling to 60 s.
    Unavailable(Option<u32>),
}

/// One piece of evidence for a belief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When.
    pub at: Time,
    /// By whom.
    pub source: Source,
    /// What.
    pub sign: Sign,
}

/// What health asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send an OPTIONS along this path now, and report its outcome with `on_sign`.
    Probe(Path),
    /// A belief has changed.
    Changed {
        /// Of which path.
        path: Path,
        /// What was believed.
        from: Standing,
        /// What is believed now.
        to: Standing,
        /// Why: the last samples, oldest first, at most five.
        evidence: Vec<Evidence>,
    },
}

/// What is believed of all paths.
#[derive(Clone, Debug)]
pub struct Health {}

impl Health {
    /// Nothing is known yet. The seed draws the jitter of probes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        todo!("{seed}")
    }

    /// Watches these paths and no others: new ones begin as UNKNOWN and are probed at once (spread over one
    /// interval if there are many), known ones keep all that is believed of them, others are forgotten. `None`
    /// watches without probing.
    pub fn watch(&mut self, paths: &[(Path, Option<Probe>)], now: Time) {
        todo!("{paths:?} {now}")
    }

    /// Takes a sign. Signs of paths that are not watched are ignored.
    pub fn on_sign(&mut self, path: Path, source: Source, sign: Sign, now: Time, out: &mut Vec<Output>) {
        todo!("{path:?} {source:?} {sign:?} {now} {out:?}")
    }

    /// A call has begun to try this path: on probation it is the only one until [`on_call_over`](Self::on_call_over).
    pub fn on_call_begun(&mut self, path: Path) {
        todo!("{path:?}")
    }

    /// The try is over, however it ended.
    pub fn on_call_over(&mut self, path: Path) {
        todo!("{path:?}")
    }

    /// Acts if a deadline has come: probes that are due, holds and retry-afters that are over.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        todo!("{now} {out:?}")
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }

    /// What is believed of a path. A path that is not watched is [`Standing::Unknown`]; one on probation that
    /// already has its one call is [`Standing::Down`] for the next.
    #[must_use]
    pub fn standing(&self, path: Path) -> Standing {
        todo!("{path:?}")
    }

    /// First retransmission of a request on this path: 4 × the measured round trip, 50 to 500 ms; 500 ms while it is
    /// not known.
    #[must_use]
    pub fn t1(&self, path: Path) -> Duration {
        todo!("{path:?}")
    }

    /// How long an INVITE may stay without any response: max(1 s, min(4 s, 4 × round trip + 1 s)); 2 s while the
    /// round trip is not known.
    #[must_use]
    pub fn first(&self, path: Path) -> Duration {
        todo!("{path:?}")
    }

    /// All paths with what is believed of them and why, in order of path.
    pub fn beliefs(&self) -> impl Iterator<Item = (Path, Standing, &[Evidence])> {
        core::iter::empty()
    }
}
