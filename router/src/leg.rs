//! One leg of a walk: an INVITE to one destination by one path, and how far it has come.

use crate::load::Ticket;
use crate::outcome::Reached;
use crate::path::Path;
use crate::plan::Declined;
use crate::presentation::Who;
use crate::target::{PeerId, TargetId};
use crate::verdict::Fix;
use core::time::Duration;
use sip::{Message, Time};

/// One INVITE of the walk.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) target: TargetId,
    pub(crate) peer: PeerId,
    pub(crate) path: Path,
    pub(crate) ring: Duration,
    pub(crate) declined: Declined,
    /// Who stands in From, if its step says so.
    pub(crate) from: Option<Who>,
    pub(crate) line: u32,
    /// What its INVITE has that the received one does not, and which refusals asked for it.
    pub(crate) fixes: Vec<(Fix, Message)>,
    pub(crate) began: Time,
    pub(crate) rang: Option<Time>,
    /// When somebody answered who has to press 1.
    pub(crate) asked: Option<Time>,
    pub(crate) ended: Option<Time>,
    pub(crate) reached: Reached,
    /// The To tags of the early dialogs in which the caller was given media.
    pub(crate) early: Vec<Vec<u8>>,
    pub(crate) outcome: String,
    pub(crate) phase: Phase,
    /// Does whoever answers have to press 1? An agent of ours calls him then, and tells us by a 182 that he has answered.
    pub(crate) confirm: bool,
    /// Is it what the caller hears before a step?
    pub(crate) word: bool,
    /// Is it known that no stream to its peer is to be had?
    pub(crate) no_stream: bool,
    /// What counts it, if something that it goes by has a limit.
    pub(crate) ticket: Option<Ticket>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// The INVITE is out, nothing came back.
    Calling { until: Time },
    /// A 100 came.
    Trying { until: Time },
    /// An 18x came.
    Ringing { until: Time },
    /// Given up before anything came back: it must not be cancelled yet (RFC 3261 §9.1); its first 1xx will be.
    Straggling,
    /// A CANCEL went out; without a final by then the leg is forgotten (RFC 3261 §9.1).
    Cancelling { until: Time },
    /// Its final came, or it was forgotten.
    Ended,
}

impl Leg {
    /// The leg that tries the same hop once more, with one more change; or another hop, where nothing of what the last one
    /// asked for is said but where it has led.
    pub(crate) fn again(
        &self,
        change: (Fix, Message),
        (peer, path): (PeerId, Path),
        now: Time,
        first: Duration,
    ) -> Self {
        let is_unasked = change.0 == Fix::Unasked;
        let kept = self.fixes.iter().filter(|(fix, _)| path == self.path || *fix == Fix::Follow);
        Self {
            peer,
            path,
            fixes: kept.cloned().chain([change]).collect(),
            began: now,
            rang: None,
            asked: None,
            ended: None,
            reached: Reached::Nobody,
            early: Vec::new(),
            outcome: String::new(),
            phase: Phase::Calling { until: now + first },
            from: self.from.clone(),
            confirm: self.confirm && !is_unasked,
            no_stream: false,
            ..*self
        }
    }

    /// An 18x came: is it the first that says so?
    pub(crate) fn on_ringing(&mut self, response: &Message, now: Time) -> bool {
        let reached = match response.status() {
            Some(183) if response.body().is_empty() => Reached::Progress,
            Some(183) => Reached::Media,
            _ => Reached::Rang,
        };
        self.reached = self.reached.max(reached);
        let tag = response.to_tag();
        let is_new = !tag.is_empty() && !self.early.iter().any(|known| known == tag);
        if reached == Reached::Media && is_new && self.early.len() < EARLY_MAX {
            self.early.push(tag.to_vec());
        }
        match self.phase {
            _ if self.confirm && response.status() == Some(182) => {
                self.asked.get_or_insert(now);
                self.phase = Phase::Ringing { until: now + CONFIRM };
            }
            Phase::Ringing { .. } => {}
            Phase::Calling { .. }
            | Phase::Trying { .. }
            | Phase::Straggling
            | Phase::Cancelling { .. }
            | Phase::Ended => self.phase = Phase::Ringing { until: now + self.ring },
        }
        self.rang.replace(self.rang.unwrap_or(now)).is_none()
    }

    pub(crate) fn end(&mut self, outcome: String, now: Time) {
        if self.ended.is_none() {
            self.ended = Some(now);
            self.outcome = outcome;
        }
    }
}

impl Phase {
    pub(crate) const fn deadline(self) -> Option<Time> {
        match self {
            Self::Calling { until }
            | Self::Trying { until }
            | Self::Ringing { until }
            | Self::Cancelling { until } => Some(until),
            Self::Straggling | Self::Ended => None,
        }
    }

    /// Is it still rung for the plan?
    pub(crate) const fn is_wanted(self) -> bool {
        matches!(self, Self::Calling { .. } | Self::Trying { .. } | Self::Ringing { .. })
    }
}

/// How long somebody who has answered is waited for to press 1: the agent that asks gives up before.
pub(crate) const CONFIRM: Duration = Duration::from_secs(20);

/// Early dialogs of one leg that are told to be over; more forks with media than that nobody mixes.
const EARLY_MAX: usize = 4;
