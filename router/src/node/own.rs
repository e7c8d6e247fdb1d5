//! The requests that a node sends of its own accord.

use super::{Node, Owner};
use crate::door::Effect;
use crate::health::{self, Health};
use crate::probes::Probes;
use crate::slots::Slot;
use sip::Time;

impl Node {
    pub(super) fn with_probe(
        &mut self,
        slot: Slot,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Probes, (&mut Health, &mut Vec<health::Output>), &mut Vec<Effect>),
    ) {
        let Some(path) = self.probes.path(slot) else { return };
        let mut beliefs = Vec::new();
        act(&mut self.probes, (&mut self.health, &mut beliefs), out);
        self.deadlines.keep(Owner::Probe(slot), self.probes.deadline(slot));
        if self.probes.path(slot).is_none() {
            self.waiting.remove(path, Owner::Probe(slot));
        }
        self.on_beliefs(beliefs, now, out);
    }
}
