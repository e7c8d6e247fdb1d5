//! The calls that a node holds: how they begin, and how its indices keep in step with them.

use super::{Held, Node, Owner};
use crate::admission::{Admission, Admitted};
use crate::call::{Call, Means, Opening};
use crate::door::Effect;
use crate::path::Flow;
use crate::position::Position;
use crate::relay::{self, Below};
use crate::slots::Slot;
use sip::text::push_hex;
use sip::{Message, Time};
use std::sync::Arc;

impl Node {
    /// A new call.
    pub(super) fn on_invite(
        &mut self,
        flow: Flow,
        request: Message,
        below: Below,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let room = self.room();
        let Self { plan, roads, strangers, proposals, .. } = self;
        let asked = Admission { plan, roads, strangers, proposals, room, flow, now, out };
        let decided = relay::admit(&request, &below).and_then(|()| asked.decide(&request));
        let Admitted { course, sender } = match decided {
            Ok(admitted) => admitted,
            Err(refusal) => return self.reply(flow, now, out).refuse(&request, &refusal),
        };
        let key = below.key;
        let unix = self.unix(now);
        let breadth = relay::breadth(&request);
        let root = self.plan.entrance(course, unix);
        let draw = self.chance.draw();
        let position = Position { draw, ..Position::new(root, breadth, now, unix) };
        self.served += 1;
        let stranger = sender.is_none().then_some(flow.path.remote.ip());
        let slot = self.calls.next_slot();
        let mut tag = Vec::with_capacity(16);
        push_hex(&mut tag, self.chance.draw(), 1);
        let (plan, roads, came) = (Arc::clone(&self.plan), Arc::clone(&self.roads), flow);
        let opening = Opening { slot, plan, roads, position, came, tag, below, record: self.served };
        let mut beliefs = Vec::new();
        let Self { identity, seal, health, learned, edits, .. } = self;
        let mut means = Means { identity, seal, health, learned, edits, beliefs: &mut beliefs, out, now };
        let call = Call::start(request, opening, &mut means);
        self.calls.insert(Held { call, key, open: true, paths: 0, stranger });
        self.open += 1;
        self.by_transaction.insert(key, slot);
        self.settle(slot, now);
        self.on_beliefs(beliefs, now, out);
    }

    pub(super) fn with_call(
        &mut self,
        slot: Slot,
        now: Time,
        out: &mut Vec<Effect>,
        act: impl FnOnce(&mut Call, &mut Means<'_>),
    ) {
        let mut beliefs = Vec::new();
        let Self { identity, seal, health, learned, edits, calls, .. } = self;
        let mut means = Means { identity, seal, health, learned, edits, beliefs: &mut beliefs, out, now };
        if let Some(held) = calls.get_mut(slot) {
            act(&mut held.call, &mut means);
        }
        self.settle(slot, now);
        if self.learned.logins.has_changed() {
            self.on_logins(now, out);
        }
        self.on_beliefs(beliefs, now, out);
    }

    /// Brings the indices in step with a call; lets it go when it is done.
    pub(super) fn settle(&mut self, slot: Slot, now: Time) {
        let Some(held) = self.calls.get_mut(slot) else {
            return self.deadlines.keep(Owner::Call(slot), None);
        };
        for path in held.call.paths().skip(held.paths) {
            self.waiting.add(path, Owner::Call(slot));
            held.paths += 1;
        }
        if held.open && !held.call.is_open() {
            held.open = false;
            self.open -= 1;
        }
        let done = held.call.is_done();
        self.deadlines.keep(Owner::Call(slot), if done { None } else { held.call.deadline() });
        if done && let Some(held) = self.calls.remove(slot) {
            self.by_transaction.remove(&held.key);
            if let Some(stranger) = held.stranger {
                self.strangers.call_over(stranger, now);
            }
            for path in held.call.paths() {
                self.waiting.remove(path, Owner::Call(slot));
            }
        }
    }
}
