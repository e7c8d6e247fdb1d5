//! One host name: its records with the time each is good for, and the last good set of addresses.

use crate::locate::{Answer, Kind, Located, Place, Query, Spot, locate};
use crate::path::Transport;
use core::time::Duration;
use sip::Time;
use std::collections::BTreeMap;

/// How well a name is known. Whatever it says, the last good addresses stay in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameState {
    /// It was asked for and nothing came back yet.
    Asking,
    /// It has addresses, and all that was asked for is answered.
    Resolved,
    /// The DNS says that the name, or everything that its records lead to, does not exist.
    Missing,
    /// The DNS does not answer.
    Silent,
}

/// What an answer has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// The state before, if it is another one now.
    pub(crate) was: Option<NameState>,
    /// There are other addresses now.
    pub(crate) moved: bool,
}

/// One name.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    place: Place,
    records: BTreeMap<Query, Known>,
    spots: Vec<Spot>,
    state: NameState,
}

/// What is known of one question on the way.
#[derive(Clone, Debug)]
struct Known {
    /// The last answer of somebody who knew.
    answer: Option<Answer>,
    /// The last one that had records.
    full: Option<Answer>,
    /// Silences since then.
    failures: u32,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// To be asked, for the first time or again.
    Due(Time),
    /// Asked; somebody else keeps the time for it.
    Asked,
}

/// Records are asked for again no sooner than that, whatever their TTL says, and no later.
pub const GOOD_MIN: Duration = Duration::from_secs(30);
/// See [`GOOD_MIN`].
pub const GOOD_MAX: Duration = Duration::from_hours(1);
/// That there is nothing is believed no longer than that: somebody may be mending it.
pub const NOTHING_MAX: Duration = Duration::from_mins(5);
/// After a silence, doubling up to [`BACK_OFF_MAX`].
pub const BACK_OFF_MIN: Duration = Duration::from_secs(2);
/// See [`BACK_OFF_MIN`].
pub const BACK_OFF_MAX: Duration = Duration::from_mins(1);

impl Name {
    /// Nothing is known; the first questions are due now.
    pub(crate) fn new(place: Place, spoken: &[Transport], now: Time) -> Self {
        let mut name = Self { place, records: BTreeMap::new(), spots: Vec::new(), state: NameState::Asking };
        name.look(spoken, now);
        name
    }

    /// The addresses to be used, by priority.
    pub(crate) fn spots(&self) -> &[Spot] {
        &self.spots
    }

    pub(crate) const fn state(&self) -> NameState {
        self.state
    }

    /// The questions that are due; each is to be asked, and [`on_asked`](Self::on_asked) called.
    pub(crate) fn due(&self, now: Time) -> impl Iterator<Item = &Query> {
        let due = move |known: &Known| matches!(known.phase, Phase::Due(at) if at <= now);
        self.records.iter().filter(move |(_, known)| due(known)).map(|(query, _)| query)
    }

    /// A question was asked.
    pub(crate) fn on_asked(&mut self, query: &Query) {
        if let Some(known) = self.records.get_mut(query) {
            known.phase = Phase::Asked;
        }
    }

    /// Takes an answer, and goes on to the next questions.
    pub(crate) fn on_answer(
        &mut self,
        query: &Query,
        answer: &Answer,
        spoken: &[Transport],
        now: Time,
    ) -> News {
        if let Some(known) = self.records.get_mut(query) {
            known.learn(answer, now);
        }
        let before = self.state;
        let moved = self.look(spoken, now);
        News { was: (self.state != before).then_some(before), moved }
    }

    /// Is an answer waited for, or a question due?
    pub(crate) fn is_waiting(&self, now: Time) -> bool {
        self.records.values().any(|known| match known.phase {
            Phase::Asked => true,
            Phase::Due(at) => at <= now,
        })
    }

    /// When the next question is due; `None` while all are asked.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let due = |known: &Known| match known.phase {
            Phase::Due(at) => Some(at),
            Phase::Asked => None,
        };
        self.records.values().filter_map(due).min()
    }

    /// Locates the place by what is known now: true if there are other addresses than before. An empty set never
    /// takes the place of one that is not.
    fn look(&mut self, spoken: &[Transport], now: Time) -> bool {
        let Located { way, is_open, spots } = locate(&self.place, spoken, |query| self.known(query));
        self.records.retain(|query, _| way.contains(query));
        for query in way {
            self.records.entry(query).or_insert(Known {
                answer: None,
                full: None,
                failures: 0,
                phase: Phase::Due(now),
            });
        }
        // A NAPTR question that nobody ever answered is no failure: the way leads round it.
        let failed = |(query, known): (&Query, &Known)| {
            let passed_over = query.kind == Kind::Naptr && known.answer.is_none();
            known.failures > 0 && !passed_over
        };
        if self.records.iter().any(failed) {
            self.state = NameState::Silent;
        } else if !is_open {
            let lost = spots.is_empty() || self.records.keys().any(|query| self.lost(query).is_some());
            self.state = if lost { NameState::Missing } else { NameState::Resolved };
        }
        let moved = !spots.is_empty() && spots != self.spots;
        if moved {
            self.spots = spots;
        }
        moved
    }

    fn known(&self, query: &Query) -> Option<&Answer> {
        let known = self.records.get(query)?;
        let silence = (known.failures > 0).then_some(&Answer::Silence);
        self.lost(query).or(known.answer.as_ref()).or(silence)
    }

    /// The last addresses of a host that records still lead to and that has none at all now: somebody is changing both,
    /// or breaking them. Probes say whether anybody is left there.
    fn lost(&self, query: &Query) -> Option<&Answer> {
        let other = match query.kind {
            Kind::A => Kind::Aaaa,
            Kind::Aaaa => Kind::A,
            Kind::Naptr | Kind::Srv => return None,
        };
        let known = self.records.get(query)?;
        let sibling = self.records.get(&Query { name: query.name.clone(), kind: other });
        let is_empty = |known: &Known| known.answer.as_ref().is_some_and(|said| said.records().is_empty());
        known.full.as_ref().filter(|_| is_empty(known) && sibling.is_some_and(is_empty))
    }
}

impl Known {
    fn learn(&mut self, answer: &Answer, now: Time) {
        let wait = match answer {
            Answer::Records(_, good) => (*good).clamp(GOOD_MIN, GOOD_MAX),
            Answer::NoRecords(good) | Answer::NoName(good) => (*good).clamp(GOOD_MIN, NOTHING_MAX),
            Answer::Silence => {
                let doubled = BACK_OFF_MIN.saturating_mul(1 << self.failures.min(10));
                self.failures = self.failures.saturating_add(1);
                self.phase = Phase::Due(now + doubled.min(BACK_OFF_MAX));
                return;
            }
        };
        if !answer.records().is_empty() {
            self.full = Some(answer.clone());
        }
        (self.answer, self.failures, self.phase) = (Some(answer.clone()), 0, Phase::Due(now + wait));
    }
}
