//! The requests that a node sends of its own accord.

use super::{Node, Owner};
use crate::call::Means;
use crate::door::Effect;
use crate::path::Path;
use crate::probes::{Probes, There};
use crate::registrations::Registrations;
use crate::slots::Slot;
use sip::Time;
use std::collections::BTreeMap;

impl Node {
    pub(super) fn probe(&mut self, path: Path, now: Time, out: &mut Vec<Effect>) {
        let slot = self.lend(now, out, |(probes, _), there, means| probes.start(path, there, means));
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
        self.lend(now, out, |(probes, _), there, means| act(probes, there, means));
        self.deadlines.keep(Owner::Probe(slot), self.probes.deadline(slot));
        if self.probes.path(slot).is_none() {
            self.waiting.remove(path, Owner::Probe(slot));
        }
    }

    pub(super) fn with_registration(
        &mut self,
        slot: Slot,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Registrations, There<'_>, &mut Means<'_>),
    ) {
        let before = self.registrations.wants(slot).and_then(|(_, path)| path);
        self.lend(now, out, |(_, registrations), there, means| act(registrations, there, means));
        self.file(slot, before);
    }

    /// Lets many registrations act that are not waited for, and brings the indices in step with all of them.
    pub(super) fn with_registrations(&mut self, act: impl FnOnce(&mut Registrations, There<'_>)) {
        let path = |it: &Registrations, slot| it.wants(slot).and_then(|(_, path)| path);
        let all =
            |it: &Registrations| it.slots().map(|slot| (slot, path(it, slot))).collect::<BTreeMap<_, _>>();
        let mut before = all(&self.registrations);
        act(&mut self.registrations, (&self.plan, &self.roads));
        for slot in self.registrations.slots() {
            before.entry(slot).or_default();
        }
        for (slot, path) in before {
            self.file(slot, path);
        }
    }

    /// Brings the indices in step with a registration that waited on this path before.
    fn file(&mut self, slot: Slot, before: Option<Path>) {
        let owner = Owner::Registration(slot);
        let (deadline, path) = self.registrations.wants(slot).unwrap_or_default();
        self.deadlines.keep(owner, deadline);
        if before == path {
            return;
        }
        if let Some(path) = before {
            self.waiting.remove(path, owner);
        }
        if let Some(path) = path {
            self.waiting.add(path, owner);
        }
    }

    /// Lends all that a request of our own needs, and passes on what came of it.
    fn lend<T>(
        &mut self,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce((&mut Probes, &mut Registrations), There<'_>, &mut Means<'_>) -> T,
    ) -> T {
        let mut beliefs = Vec::new();
        let Self { identity, seal, health, learned, edits, probes, registrations, plan, roads, .. } = self;
        let mut means = Means { identity, seal, health, learned, edits, beliefs: &mut beliefs, out, now };
        let done = act((probes, registrations), (plan, roads), &mut means);
        if self.learned.logins.has_changed() {
            self.on_logins(now, out);
        }
        self.on_beliefs(beliefs, now, out);
        done
    }
}
