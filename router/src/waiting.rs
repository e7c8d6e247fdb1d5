//! Who waits on which path.

use crate::path::Path;
use std::collections::{BTreeMap, BTreeSet};

/// The owners that wait on each path. There are few paths and many calls on each, so that a path is compared a few times
/// and not once for every call.
#[derive(Clone, Debug)]
pub struct Waiting<K> {
    on: BTreeMap<Path, BTreeSet<K>>,
}

impl<K: Ord + Copy> Waiting<K> {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { on: BTreeMap::new() }
    }

    /// `owner` waits on this path.
    pub fn add(&mut self, path: Path, owner: K) {
        self.on.entry(path).or_default().insert(owner);
    }

    /// `owner` waits on this path no more.
    pub fn remove(&mut self, path: Path, owner: K) {
        let Some(owners) = self.on.get_mut(&path) else { return };
        owners.remove(&owner);
        if owners.is_empty() {
            self.on.remove(&path);
        }
    }

    /// Who waits on this path, in order.
    #[must_use]
    pub fn on(&self, path: Path) -> Vec<K> {
        self.on.get(&path).into_iter().flatten().copied().collect()
    }

    /// How many wait; one that waits on two paths is two.
    #[must_use]
    pub fn len(&self) -> usize {
        self.on.values().map(BTreeSet::len).sum()
    }

    /// Nobody at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.on.is_empty()
    }
}

impl<K: Ord + Copy> Default for Waiting<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Transport;

    #[test]
    fn an_owner_waits_on_each_of_its_paths_until_it_is_taken_off() {
        let path =
            |last| Path { transport: Transport::Udp, local: 0, remote: ([192, 0, 2, last], 5060).into() };
        let mut waiting = Waiting::new();
        for (last, owner) in [(1, 'b'), (1, 'a'), (2, 'a'), (2, 'a')] {
            waiting.add(path(last), owner);
        }
        assert_eq!((waiting.on(path(1)), waiting.on(path(2)), waiting.len()), (vec!['a', 'b'], vec!['a'], 3));
        waiting.remove(path(2), 'a');
        waiting.remove(path(2), 'a');
        assert_eq!((waiting.on(path(1)), waiting.on(path(2)), waiting.len()), (vec!['a', 'b'], vec![], 2));
        waiting.remove(path(1), 'a');
        waiting.remove(path(1), 'b');
        assert!(waiting.is_empty());
    }
}
