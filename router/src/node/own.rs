//! The requests that a node sends of its own accord.

use super::{Node, Owner};
use crate::call::Means;
use crate::door::Effect;
use crate::path::Path;
use crate::probes::{Probes, There};
use crate::slots::Slot;
use sip::Time;

impl Node {
    pub(super) fn probe(&mut self, path: Path, now: Time, out: &mut Vec<Effect>) {
        let slot = self.lend(now, out, |probes, there, means| probes.start(path, there, means));
        if let Some(slot) = slot {
            self.waiting.add(path, Owner::Probe(slot));
            self.deadlines.keep(Owner::Probe(slot), self.probes.deadline(slot));
        }
    }

    pub(super) fn with_probe(
        &mut self,
        slot: Slot,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Probes, There<'_>, &mut Means<'_>),
    ) {
        let Some(path) = self.probes.path(slot) else { return };
        self.lend(now, out, act);
        self.deadlines.keep(Owner::Probe(slot), self.probes.deadline(slot));
        if self.probes.path(slot).is_none() {
            self.waiting.remove(path, Owner::Probe(slot));
        }
    }

    /// Lends all that a request of our own needs, and passes on what came of it.
    fn lend<T>(
        &mut self,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Probes, There<'_>, &mut Means<'_>) -> T,
    ) -> T {
        let mut beliefs = Vec::new();
        let Self { identity, seal, health, learned, edits, probes, plan, roads, .. } = self;
        let mut means = Means { identity, seal, health, learned, edits, beliefs: &mut beliefs, out, now };
        let done = act(probes, (plan, roads), &mut means);
        if self.learned.logins.has_changed() {
            self.on_logins(now, out);
        }
        self.on_beliefs(beliefs, now, out);
        done
    }
}
