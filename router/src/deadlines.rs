//! Who wants to be called when.

use sip::Time;
use std::collections::{BTreeMap, BTreeSet};

/// The deadlines of many owners, earliest first. The owner's own deadline is the truth; [`keep`](Self::keep) brings
/// this index in step after every call of it.
#[derive(Clone, Debug)]
pub struct Deadlines<K> {
    due: BTreeSet<(Time, K)>,
    of: BTreeMap<K, Time>,
}

impl<K: Ord + Copy> Deadlines<K> {
    /// Nobody wants anything.
    #[must_use]
    pub const fn new() -> Self {
        Self { due: BTreeSet::new(), of: BTreeMap::new() }
    }

    /// `owner` wants to be called at `at` and at no other time; `None` for not at all.
    pub fn keep(&mut self, owner: K, at: Option<Time>) {
        let before = match at {
            Some(at) => self.of.insert(owner, at),
            None => self.of.remove(&owner),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.due.remove(&(before, owner));
        }
        if let Some(at) = at {
            self.due.insert((at, owner));
        }
    }

    /// The earliest deadline.
    #[must_use]
    pub fn first(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// How many have one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Does nobody want anything?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// An owner whose deadline has come.
    #[must_use]
    pub fn due(&self, now: Time) -> Option<K> {
        self.due.first().filter(|(at, _)| *at <= now).map(|(_, owner)| *owner)
    }
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_one_deadline_and_loses_it_when_it_moves() {
        let mut deadlines = Deadlines::new();
        let at = |seconds: u64| Some(Time::from_micros(seconds * 1_000_000));
        deadlines.keep('a', at(3));
        deadlines.keep('b', at(2));
        deadlines.keep('b', at(5));
        assert_eq!((deadlines.first(), deadlines.due(Time::from_micros(4_000_000))), (at(3), Some('a')));
        deadlines.keep('a', None);
        assert_eq!((deadlines.first(), deadlines.due(Time::from_micros(4_000_000))), (at(5), None));
    }
}
