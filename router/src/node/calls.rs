//! The calls that a node holds: how they begin, and how its indices keep in step with them.

use super::{Held, Node, Owner};
use crate::admission::{Admission, Admitted};
use crate::call::{Call, Means, Opening, called, text};
use crate::circles::{self, Caller, Mark};
use crate::door::Effect;
use crate::emergency::{self, Urgent};
use crate::path::Flow;
use crate::plan::CourseId;
use crate::position::{Confined, Position};
use crate::record::Entry;
use crate::relay::{self, Below};
use crate::slots::Slot;
use crate::target::PeerId;
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
        let (room, unix) = (self.room(), self.unix(now));
        let request = self.registrations.to_number(&request, &self.plan).unwrap_or(request);
        let mark = Mark::of(&request, unix, &self.seal, || self.plan.number_of(called(&request)));
        let Self { plan, roads, strangers, proposals, pace, identity, .. } = self;
        let cps = identity.cps;
        let asked = Admission { plan, roads, strangers, proposals, room, pace, cps, flow, now, out };
        let admitted = relay::admit(&request, &below).and_then(|()| mark.admit());
        let decided = admitted.and_then(|()| asked.decide(&request));
        let Admitted { course, sender, urgent } = match decided {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.turn_away((flow, below.key), &request, &refusal, now, out);
                return self.reply(flow, now, out).refuse(&request, &refusal);
            }
        };
        let key = below.key;
        let breadth = relay::breadth(&request);
        let urgent = self.urgent(urgent, sender, &request, now, out);
        let root = self.plan.entrance_for(urgent, course, unix);
        let draw = self.chance.draw();
        let confined = self.confined((course, urgent), mark, &request, flow, now, out);
        let position = Position { draw, confined, urgent, ..Position::new(root, breadth, now, unix) };
        self.served += 1;
        let stranger = sender.is_none().then_some(flow.path.remote.ip());
        let slot = self.calls.next_slot();
        let tag = self.chance.draw();
        let (plan, roads, came) = (Arc::clone(&self.plan), Arc::clone(&self.roads), flow);
        let opening = Opening { slot, plan, roads, position, came, tag, below, record: self.served };
        let mut beliefs = Vec::new();
        let Self { identity, seal, health, learned, edits, .. } = self;
        let mut means = Means { identity, seal, health, learned, edits, beliefs: &mut beliefs, out, now };
        let call = Call::start(request, opening, &mut means);
        self.calls.insert(Held { call, key, open: true, paths: 0, legs: 0, stranger });
        self.open += 1;
        self.by_transaction.insert(key, slot);
        self.settle(slot, now);
        self.on_beliefs(beliefs, now, out);
    }

    /// What is urgent about a new call; whoever calls for help is remembered.
    fn urgent(
        &mut self,
        said: Option<Urgent>,
        sender: Option<PeerId>,
        request: &Message,
        now: Time,
        out: &mut Vec<Effect>,
    ) -> Option<Urgent> {
        let waits = || {
            let waits =
                !self.helped.is_empty() && self.helped.waits(self.plan.number_of(called(request)), now);
            waits.then_some(Urgent::Callback)
        };
        let what = said.or_else(waits)?;
        let number = called(request);
        if what == Urgent::Emergency
            && let Some(shown) = emergency::shown(request)
        {
            self.helped.on_call(shown, now);
        }
        let sender = sender.and_then(|id| self.plan.peer(id)).map(|peer| Arc::clone(&peer.name));
        out.push(Effect::Record(Entry::Urgent { at: now, what, number: text(number), sender }));
        Some(what)
    }

    /// Why a new call is to ring no phone numbers, if it is not.
    fn confined(
        &self,
        (course, urgent): (CourseId, Option<Urgent>),
        mark: Mark,
        request: &Message,
        flow: Flow,
        now: Time,
        out: &mut Vec<Effect>,
    ) -> Option<Confined> {
        let came_back = || self.has_come_back(mark, request, now).then_some(Confined::CameBack);
        let why = match urgent {
            Some(Urgent::Emergency) => None,
            // A call back may come round too, and would ring all phones each time.
            Some(Urgent::Callback) => circles::forwarded_too_often(request).or_else(came_back),
            None => {
                let spent = || self.spent(course, now);
                circles::forwarded_too_often(request).or_else(came_back).or_else(spent)
            }
        }?;
        let number = text(called(request));
        out.push(Effect::Record(Entry::Confined { at: now, number, flow, why }));
        Some(why)
    }

    /// Has its course sent out all that it may?
    fn spent(&self, course: CourseId, now: Time) -> Option<Confined> {
        let cap = self.plan.caps.get(&course)?;
        let name = &self.plan.course(course)?.name;
        self.health.load().is_spent(name, cap, now).then_some(Confined::Spent)
    }

    /// Is a call of this caller's being sent out at this moment? The same call by another way, as forks go, is not another.
    fn has_come_back(&self, mark: Mark, request: &Message, now: Time) -> bool {
        let from = request.from_uri().filter(|_| mark == Mark::None && !self.circles.is_empty());
        let caller = from.and_then(|uri| Caller::of_uri(request.at(uri)));
        let is_another = |slot| {
            self.calls.get(slot).is_some_and(|held| held.call.request().call_id() != request.call_id())
        };
        caller.is_some_and(|caller| self.circles.of(caller, now).any(is_another))
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
            held.call.begin(&mut means);
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
        while let Some(caller) = held.call.caller(held.legs) {
            held.legs += 1;
            caller.into_iter().for_each(|caller| self.circles.on_out(caller, slot, now));
        }
        if held.open && !held.call.is_open() {
            held.open = false;
            self.open -= 1;
            for caller in (0..held.legs).filter_map(|leg| held.call.caller(leg)?) {
                self.circles.on_over(caller, slot);
            }
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
