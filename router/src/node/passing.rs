//! Requests inside of calls, and answers to calls that nobody here remembers: passed on by what our seal proves.

use super::{Node, Owner};
use crate::call::text;
use crate::door::Effect;
use crate::lamps;
use crate::locate::Place;
use crate::names::Found;
use crate::parked::{WAIT, Waiting};
use crate::path::Flow;
use crate::record::Entry;
use crate::relay::{self, Below, Refusal};
use crate::reply;
use crate::route::{self, Here, Passed};
use crate::slots::Slot;
use crate::tally;
use sip::digest::Asked;
use sip::txn::Timers;
use sip::{Bytes, Edits, Message, Method, Name, Time};
use std::sync::Arc;

impl Node {
    /// A request that belongs to no walk: passed on by our own seal in its Route, or refused. If its next hop has a
    /// name that is not known yet, it waits for that for a moment.
    pub(super) fn pass_on(
        &mut self,
        flow: Flow,
        request: &Message,
        below: &Below,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let refusal = match relay::admit(request, below).map(|()| self.route(flow, request, below, now)) {
            Err(refusal) => refusal,
            Ok(Passed::To { to, key, bytes, by }) => {
                if let Some(place) = by {
                    self.find(&place, now, out);
                }
                return self.send_on(flow, request, to, key, bytes, now, out);
            }
            Ok(Passed::Unknown(place)) => match self.find(&place, now, out) {
                Found::Soon => {
                    let (request, below, until) = (request.clone(), below.clone(), now + WAIT);
                    if self.parked.push(Waiting { place, flow, request, below, until }) {
                        return;
                    }
                    too_late()
                }
                Found::Spots | Found::Nothing => nowhere(),
            },
            Ok(refused @ (Passed::Unsealed | Passed::Nowhere)) => not_passed(&refused, request),
        };
        self.refuse(flow, request, &refusal, now, out);
    }

    /// A phone wants to be told what waits in a mailbox: that agent of ours hears it, as long as the node goes on.
    pub(super) fn on_subscribe(
        &mut self,
        flow: Flow,
        request: &Message,
        below: &Below,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let sender = self.roads.sender_by(flow.path);
        let found = relay::admit(request, below)
            .and_then(|()| lamps::mailbox(&self.plan, sender, request, self.draining))
            .and_then(|agent| agent.path(&self.identity.listeners).ok_or(nowhere()));
        let unix = self.unix(now);
        match found {
            Ok(path) => {
                let (seal, listeners) = (&self.seal, &self.identity.listeners);
                let bytes =
                    route::inward(request, below, flow, path, (listeners, seal, unix), &mut self.edits);
                out.extend(bytes.map(|bytes| Effect::Send { flow: Flow { path, connection: 0 }, bytes }));
            }
            Err(refusal) => self.refuse(flow, request, &refusal, now, out),
        }
    }

    /// An agent tells a phone of the plan what waits, which has not asked: it goes by the way that stands best.
    pub(super) fn on_lamp(
        &mut self,
        flow: Flow,
        request: &Message,
        below: &Below,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let found = relay::admit(request, below)
            .and_then(|()| lamps::way(&self.plan, &self.roads, &self.health, request));
        match found {
            Ok((path, uri)) => {
                let (seal, listeners) = (&self.seal, &self.identity.listeners);
                let bytes =
                    route::outward(request, below, flow, (path, &uri), (listeners, seal), &mut self.edits);
                let to = Flow { path, connection: 0 };
                out.extend(bytes.map(|bytes| Effect::Send {
                    flow: to,
                    bytes: self.with_credentials(Method::Notify, flow, to, bytes),
                }));
            }
            Err(refusal) => self.refuse(flow, request, &refusal, now, out),
        }
    }

    /// A request has waited for the name of its next hop: it goes on now, or never.
    pub(super) fn pass_on_at_last(&mut self, waiting: Waiting, now: Time, out: &mut Vec<Effect>) {
        let Waiting { place, flow, request, below, .. } = waiting;
        let refusal = match self.route(flow, &request, &below, now) {
            Passed::To { to, key, bytes, .. } => {
                return self.send_on(flow, &request, to, key, bytes, now, out);
            }
            Passed::Unknown(_) if self.find(&place, now, out) == Found::Soon => too_late(),
            refused @ (Passed::Unsealed | Passed::Unknown(_) | Passed::Nowhere) => {
                not_passed(&refused, &request)
            }
        };
        self.refuse(flow, &request, &refusal, now, out);
    }

    /// An answer to an INVITE passes: the names that later requests of its call will need are looked up from now on.
    pub(super) fn meet_names(
        &mut self,
        slot: Option<Slot>,
        answer: &Message,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let invite = slot.and_then(|slot| self.calls.get(slot)).map(|held| held.call.request());
        for place in route::names_ahead(invite, answer, &self.identity.listeners) {
            self.find(&place, now, out);
        }
    }

    fn find(&mut self, place: &Place, now: Time, out: &mut Vec<Effect>) -> Found {
        let mut said = Vec::new();
        let found = self.names.meet(place, now, &mut said);
        self.on_names(said, now, out);
        found
    }

    fn refuse(&mut self, flow: Flow, request: &Message, refusal: &Refusal, now: Time, out: &mut Vec<Effect>) {
        if request.method() == Method::Ack {
            out.push(Effect::Record(Entry::Dropped { flow, why: refusal.why }));
        } else {
            self.reply(flow, now, out).refuse(request, refusal);
        }
    }

    fn route(&mut self, came: Flow, request: &Message, below: &Below, now: Time) -> Passed {
        let (unix, seal, health) = (self.unix(now), &self.seal, &self.health);
        let (listeners, streams) = (&self.identity.listeners, &self.learned.streams);
        let (names, plan, roads) = (&self.names, &*self.plan, &*self.roads);
        let here = Here { listeners, names, health, streams, seal, plan, roads, unix, now };
        route::in_dialog(request, below, came, here, &mut self.edits)
    }

    #[expect(clippy::too_many_arguments, reason = "one request, where it came from and where it goes")]
    fn send_on(
        &mut self,
        from: Flow,
        request: &Message,
        to: Flow,
        key: (u32, u32),
        bytes: Bytes,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        tally::passed(self.health.load_mut(), &self.seal, request, now);
        let method = request.method();
        let hung_up = || Entry::HungUp { at: now, call_id: text(request.call_id()) };
        let told = (method == Method::Bye).then(|| Effect::Record(hung_up()));
        if from.path.transport.is_inside() && method == Method::Invite && request.to_tag().is_empty() {
            self.learned.streams.on_agent(key, to.path, now);
        }
        let bytes = self.with_credentials(method, from, to, bytes);
        if self.transits.wants(method, from.path.transport, to.path.transport) {
            let timers = Timers { t1: self.health.t1(to.path), ..Timers::default() };
            self.transits.start(key, to.path, (method, bytes), timers, now, out);
            self.deadlines.keep(Owner::Transit(key), self.transits.deadline(key));
        } else {
            out.push(Effect::Send { flow: to, bytes });
        }
        out.extend(told);
    }

    /// A request to a peer that has asked for credentials before says them at once: a challenge inside of a call could
    /// not be answered with a higher CSeq, which is the sender's next.
    fn with_credentials(&mut self, method: Method, from: Flow, to: Flow, bytes: Bytes) -> Bytes {
        // What an agent calls with says what the walk has decided.
        let decided = from.path.transport.is_inside() && method == Method::Invite;
        if decided || self.learned.logins.is_idle() || matches!(method, Method::Ack | Method::Cancel) {
            return bytes;
        }
        let Some(peer) = self.roads.peer_at(to.path).and_then(|id| self.plan.peer(id)) else { return bytes };
        let Ok(request) = Message::parse(Arc::clone(&bytes)) else { return bytes };
        let (Some(uri), Some(cseq)) = (request.request_uri(), request.field(Name::CSeq)) else {
            return bytes;
        };
        let asked = Asked { method: request.method_name(), uri: request.at(uri), body: request.body() };
        let Some(line) = self.learned.logins.answer_ahead(peer, asked) else { return bytes };
        let mut edits = Edits::new();
        edits.insert(cseq.line.start, line);
        edits.apply(&request)
    }

    /// An answer to a leg that nobody here remembers. A copy of its INVITE may have begun a new walk meanwhile.
    pub(super) fn on_stray_answer(
        &mut self,
        from: Flow,
        response: Message,
        connection: u64,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let key = response.second_via().and_then(|via| self.seal.invite_transaction(&via));
        match key.and_then(|key| self.by_transaction.get(&key)) {
            Some(slot) => {
                self.with_call(*slot, now, out, |call, means| call.on_stray_answer(response, means));
            }
            None => self.send_back(from, &response, connection, out),
        }
    }

    /// Passes a response on to whoever asked, along the connection that the request came by if it was one.
    pub(super) fn send_back(
        &mut self,
        from: Flow,
        response: &Message,
        connection: u64,
        out: &mut Vec<Effect>,
    ) {
        match relay::back(response, connection, &self.identity.listeners) {
            Some(flow) => out.push(Effect::Send { flow, bytes: relay::pop_via(response, &mut self.edits) }),
            None => out.push(Effect::Record(Entry::Dropped { flow: from, why: "its way back is not known" })),
        }
    }
}

fn not_passed(passed: &Passed, request: &Message) -> Refusal {
    match passed {
        Passed::Unsealed if request.to_tag().is_empty() && request.method() != Method::Cancel => {
            reply::not_taken()
        }
        Passed::Unsealed => Refusal::plain(481, "it belongs to no call of ours"),
        Passed::To { .. } | Passed::Unknown(_) | Passed::Nowhere => nowhere(),
    }
}

const fn nowhere() -> Refusal {
    Refusal::plain(500, "there is no way to its next hop")
}

/// RFC 3261 §21.5.5.
const fn too_late() -> Refusal {
    Refusal::plain(504, "the name of its next hop was not resolved in time")
}
