//! What a node makes of names.

use super::{Oracle, Turn};
use core::time::Duration;
use router::name::NameState;
use router::record::Entry;
use sip::Time;
use std::collections::BTreeMap;

/// An address that has become known is in use after that at the latest.
const GATHERED: Duration = Duration::from_millis(20);

/// What is known of a node's names in one of its lives.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// How well each is known, as it was recorded.
    states: BTreeMap<String, NameState>,
    /// Since when each has had addresses.
    since: BTreeMap<String, Time>,
    /// Since when each has once been resolved with nothing left open.
    resolved: BTreeMap<String, Time>,
}

impl Oracle {
    /// Invariant 21: a name that had addresses once has some for ever, whatever becomes of the DNS; and every change of
    /// what is known of it follows on the last one.
    pub(crate) fn inv_21_names(&mut self, turn: &Turn<'_>) {
        for entry in turn.records {
            if let Entry::Name { at, host, from, to, .. } = entry {
                self.looked(21);
                let life = self.lives.get_mut(&turn.life);
                let before = life.and_then(|life| {
                    if *to == NameState::Resolved {
                        life.named.resolved.entry(host.to_string()).or_insert(turn.now);
                    }
                    life.named.states.insert(host.to_string(), *to)
                });
                let before = before.unwrap_or(NameState::Asking);
                if before != *from || from == to || *at != turn.now {
                    self.broken(21, || format!("{host} became {to:?} from {from:?}, it was {before:?}"));
                }
            }
        }
        for (place, _, kept) in turn.node.names() {
            self.looked(21);
            let Some(life) = self.lives.get_mut(&turn.life) else { return };
            if kept > 0 {
                life.named.since.entry(place.host.to_string()).or_insert(turn.now);
            } else if life.named.since.contains_key(&*place.host) {
                self.broken(21, || format!("{} has lost its last addresses", place.host));
            }
        }
        self.forget_paths(turn);
    }

    /// Was a name resolved in this life before that?
    pub(super) fn was_known(&self, life: u32, host: &str, at: Time) -> bool {
        let since = self.lives.get(&life).and_then(|life| life.named.resolved.get(host));
        since.is_some_and(|since| *since + GATHERED < at)
    }

    /// Of a path that is no longer watched nothing is believed any more; one that is new begins with nothing.
    fn forget_paths(&mut self, turn: &Turn<'_>) {
        let Some(life) = self.lives.get_mut(&turn.life) else { return };
        let watched: Vec<_> = turn.node.beliefs().map(|(path, ..)| path).collect();
        life.watched.retain(|path, _| watched.contains(path));
        watched.iter().for_each(|path| _ = life.watched.entry(*path).or_insert(turn.now));
        life.standing.retain(|path, _| watched.contains(path));
        life.sides.retain(|path, _| watched.contains(path));
        life.returned.retain(|path, _| watched.contains(path));
        life.away.retain(|path| watched.contains(path));
    }
}
