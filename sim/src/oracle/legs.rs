//! What nodes ask of targets.

use super::callers::is_about_caller;
use super::upstream::Name;
use super::wire::calls_for_help;
use super::{Cause, Homes, Inbound, Leg, Oracle, Sent, Turn, addresses_at};
use crate::glance::{Glance, Head, Packet, Verb};
use core::net::SocketAddr;
use router::Plan;
use router::emergency;
use router::inside::AgentId;
use router::path::Loss;
use router::target::{PeerId, PeerKind, Reach, TargetId};
use std::sync::Arc;

/// Legs of one call at most (TRIGGERS, section 4, I9).
const LEGS_MAX: usize = 20;

impl Oracle {
    /// Invariants 5, 6, 8 and 9 over all requests that a node sent on branches of its own.
    pub(crate) fn inv_05_09_legs(&mut self, turn: &Turn<'_>) {
        for (sent, glance) in turn.went().filter(|(_, glance)| glance.is_request()) {
            match glance.verb {
                Verb::Invite if glance.to_tag == 0 => self.on_leg(turn, sent, glance),
                Verb::Cancel => self.inv_08_cancel_discipline(turn, sent, glance),
                Verb::Ack => self.inv_09_no_acks_of_our_own(turn, sent, glance),
                Verb::Invite
                | Verb::Bye
                | Verb::Options
                | Verb::Register
                | Verb::Subscribe
                | Verb::Notify
                | Verb::Other => (),
            }
        }
    }

    fn on_leg(&mut self, turn: &Turn<'_>, sent: &Sent, glance: &Glance) {
        if self.legs.contains_key(&glance.branch) {
            return self.on_leg_again(turn, sent, glance);
        }
        let key = (turn.life, glance.second);
        let Some(context) = self.contexts.get(&key) else {
            self.broken(20, || format!("{}: a leg for an INVITE that never came", Name(&sent.packet)));
            return;
        };
        let faults = self.inv_05_06_new_leg(turn, context, sent, glance);
        let invite = Arc::clone(&context.invite);
        let told = context.admitted;
        let life = self.lives.get(&turn.life);
        let shed = life.is_some_and(|life| {
            let for_help = invite.glance.as_ref().is_some_and(|came| calls_for_help(life, &invite, came));
            !for_help && life.draining.is_some_and(|at| at < context.began)
        });
        let passed_over = self.inv_14_passed_over(turn, context, sent, glance);
        let outside = self.well_ways(turn, context, sent, glance);
        if let Some((fault, passed)) = passed_over {
            self.looked(14);
            if let Some(target) = passed {
                self.broken(14, || {
                    let name = Name(&sent.packet);
                    format!("{name}: {} {fault} and was rung before target {}", sent.to, target.0)
                });
            }
        }
        self.looked(5);
        self.looked(6);
        if !told {
            self.broken(3, || format!("{}: a leg began before the caller had its 100", Name(&sent.packet)));
        }
        if shed {
            self.broken(18, || format!("{}: a new call on a node that is draining", Name(&sent.packet)));
        }
        for (invariant, fault) in faults.into_iter().flatten() {
            self.broken(invariant, || format!("{}: {fault} (to {})", Name(&sent.packet), sent.to));
        }
        let leg = Leg {
            counted: self.counted(key, sent.to, glance.user(&sent.packet.bytes)),
            life: turn.life,
            context: glance.second,
            copy: self.contexts.get(&key).map_or(0, |context| context.copies),
            invite: Arc::clone(&invite),
            packet: Arc::clone(&sent.packet),
            to: sent.to,
            over: sent.over,
            streamed: sent.over.is_reliable(),
            outside,
            began: turn.now,
            heard: None,
            rang: None,
            last: None,
            refusal: None,
            answered: false,
            to_tag: None,
            overtaken: false,
            busy: false,
            identity: false,
            cancel: None,
            unreachable: None,
            closed: None,
            stalled: None,
        };
        self.legs.insert(glance.branch, leg);
        if let Some(context) = self.contexts.get_mut(&key) {
            context.admitted = true;
            context.legs.push(glance.branch);
        }
    }

    /// The INVITE of a leg is sent again: the same one, and only until something was heard or its connection is gone.
    fn on_leg_again(&mut self, turn: &Turn<'_>, sent: &Sent, glance: &Glance) {
        let Some(leg) = self.legs.get_mut(&glance.branch) else { return };
        // RFC 3261 §18.1.1: no stream was to be had for what is too long for a datagram.
        let falls_back = leg.over.is_reliable() && !sent.over.is_reliable() && leg.to == sent.to;
        if falls_back && leg.heard.is_none() {
            (leg.over, leg.packet) = (sent.over, Arc::clone(&sent.packet));
            // It was the stream that was not to be had, not the leg.
            (leg.unreachable, leg.closed) = (None, None);
        }
        let same = leg.packet.bytes == sent.packet.bytes && leg.to == sent.to;
        let late = leg.heard.is_some_and(|heard| heard < turn.now);
        if !same {
            self.broken(6, || format!("{}: a branch was used twice", Name(&sent.packet)));
        } else if late && !matches!(turn.cause, Cause::Lost(path, Loss::Closed) if path.remote == leg.to) {
            self.broken(6, || format!("{}: INVITE was sent again after a response", Name(&sent.packet)));
        }
    }

    /// Invariant 5: no new leg after the caller gave up, after a 2xx, or after the final response. Invariant 6: no
    /// target by the same path twice; the walk is finite; every leg is one of the plan the call began with (17).
    fn inv_05_06_new_leg(
        &self,
        turn: &Turn<'_>,
        context: &Inbound,
        sent: &Sent,
        glance: &Glance,
    ) -> [Option<(u8, &'static str)>; 7] {
        let user = glance.user(&sent.packet.bytes);
        let same = |leg: &Leg| {
            let first = leg.packet.glance.as_ref();
            leg.to == sent.to && first.is_some_and(|first| first.user(&leg.packet.bytes) == user)
        };
        // A refusal that the next INVITE does something about allows one more, with a CSeq of its own (RFC 3261 §22.2).
        let plan = self.plan_of(context);
        let met = |leg: &Leg| {
            let raised = leg.packet.glance.as_ref().is_some_and(|first| first.cseq < glance.cseq);
            let cseq_of = |leg: &Leg| leg.packet.glance.as_ref().map(|invite| invite.cseq);
            let later = |other: &&Leg| same(other) && other.streamed && cseq_of(other) > cseq_of(leg);
            let mut legs = context.legs.iter().filter_map(|branch| self.legs.get(branch));
            // The one that went over a stream may have come back to datagrams since.
            let streams = leg.over != sent.over || legs.any(|other| later(&other));
            let asked =
                matches!(leg.last, Some((_, 401 | 407))) || streams && matches!(leg.last, Some((_, 513)));
            raised && (asked || plan.is_some_and(|plan| is_about_caller(plan, leg)))
        };
        let before = context.legs.iter().filter_map(|branch| self.legs.get(branch));
        let again = before.filter(|leg| same(leg)).any(|leg| !met(leg));
        let over = context.over().is_some_and(|over| over < turn.now);
        let planned =
            self.plan_of(context).is_some_and(|plan| target_of(plan, &self.homes, sent.to, user).is_some());
        let plan = plan.filter(|_| !context.urgent);
        let drained = plan.is_some_and(|plan| is_drained(plan, &self.homes, sent.to, user));
        let no = |wrong: bool, invariant, text| wrong.then_some((invariant, text));
        [
            no(context.cancelled.is_some(), 5, "a new leg after the caller gave up"),
            no(context.answered.is_some(), 5, "a new leg after a 2xx"),
            no(over, 5, "a new leg after the final response"),
            no(again, 6, "a target was tried twice by one path"),
            no(context.legs.len() >= LEGS_MAX && AgentId::at(sent.to).is_none(), 6, "more than 20 legs"),
            no(!planned, 17, "a leg to nobody of the plan that the call began with"),
            no(drained, 17, "a leg to who was drained when the call began"),
        ]
    }

    /// Invariant 8: CANCEL only after a provisional response and before a final one, once, and made of its INVITE.
    fn inv_08_cancel_discipline(&mut self, turn: &Turn<'_>, sent: &Sent, glance: &Glance) {
        let name = Name(&sent.packet);
        let Some(leg) = self.legs.get_mut(&glance.branch) else {
            self.broken(8, || format!("{name}: CANCEL for no leg"));
            return;
        };
        let again = leg.cancel.clone();
        let (heard, last, like) = (leg.heard.is_some(), leg.last, is_cancel_of(&leg.packet, sent));
        let to_other = leg.to != sent.to;
        if again.is_none() {
            leg.cancel = Some((turn.now, Arc::clone(&sent.packet)));
        }
        self.looked(8);
        if let Some((_, first)) = again {
            if first.bytes != sent.packet.bytes {
                self.broken(8, || format!("{name}: a second CANCEL that differs"));
            }
            return;
        }
        if !heard {
            self.broken(8, || format!("{name}: CANCEL before any response"));
        }
        if let Some((_, status)) = last {
            self.broken(8, || format!("{name}: CANCEL after {status}"));
        }
        if !like || to_other {
            self.broken(8, || format!("{name}: CANCEL is not made of its INVITE"));
        }
    }

    /// Invariant 9: an ACK is either for a refusal of a leg, in the turn in which the refusal came, or one that came
    /// from a caller and is passed on once.
    fn inv_09_no_acks_of_our_own(&mut self, turn: &Turn<'_>, sent: &Sent, glance: &Glance) {
        self.looked(9);
        let came = turn.came().map(|(_, _, came)| came);
        let passed_on =
            came.is_some_and(|came| came.is_request() && came.verb == Verb::Ack && came.call == glance.call);
        let refused = came.is_some_and(|came| came.status >= 300 && came.branch == glance.branch);
        if !passed_on && !refused {
            self.broken(9, || format!("{}: an ACK of our own making", Name(&sent.packet)));
        }
        let (Some(leg), Some((_, response, _)), true) = (self.legs.get(&glance.branch), turn.came(), refused)
        else {
            return;
        };
        if !is_ack_of(&leg.packet, response, sent) || leg.to != sent.to {
            self.broken(9, || format!("{}: an ACK that is not made of its INVITE", Name(&sent.packet)));
        }
    }

    /// Invariant 9: the ACK of an answer is passed on once for each time it comes.
    pub(crate) fn inv_09_acks_of_answers_are_passed_on(&mut self, turn: &Turn<'_>) {
        let Some((_, packet, came)) = turn.came() else { return };
        let of_an_answer = came.is_request() && came.verb == Verb::Ack;
        if !of_an_answer || !self.answers.contains(&(came.call, came.to_tag)) {
            return;
        }
        let is_it = |went: &Glance| {
            went.is_request() && (went.verb, went.call, went.to_tag) == (Verb::Ack, came.call, came.to_tag)
        };
        let count = turn.went().filter(|(_, went)| is_it(went)).count();
        self.looked(9);
        if count != 1 {
            self.broken(9, || format!("{}: the ACK of an answer was passed on {count} times", Name(packet)));
        }
    }

    /// Invariant 9: each refusal that comes is acknowledged once on its branch, before a new leg starts; copies too,
    /// for 64 · T1.
    pub(crate) fn inv_09_refusals_are_acknowledged(&mut self, turn: &Turn<'_>, first: bool) {
        let Some((from, packet, glance)) = turn.came() else { return };
        if glance.status < 300 || glance.verb != Verb::Invite {
            return;
        }
        let Some(leg) = self.legs.get(&glance.branch) else { return };
        let alive = leg.life == turn.life && leg.to == from && turn.now.since(leg.began).as_secs() < 32;
        let invited = leg.packet.glance.as_ref().is_some_and(|invite| invite.cseq == glance.cseq);
        let again = leg.last.is_some_and(|(at, status)| status >= 300 && turn.now.since(at).as_secs() < 32);
        // Over a stream nothing comes twice but what was asked twice.
        let again = again && invited && !is_over_stream(leg);
        let alive = alive && (first || again) && leg.unreachable.is_none();
        let is_ack = |other: &Glance| other.verb == Verb::Ack && other.branch == glance.branch;
        let acks = turn.went().filter(|(_, other)| other.is_request() && is_ack(other)).count();
        let ack_at = turn.went().position(|(_, other)| other.is_request() && is_ack(other));
        let is_leg = |other: &Glance| other.is_request() && other.verb == Verb::Invite && other.to_tag == 0;
        let leg_at = turn.went().position(|(_, other)| is_leg(other));
        if alive {
            self.looked(9);
        }
        if acks > 1 || (alive && acks != 1) {
            self.broken(9, || format!("{}: {} was acknowledged {acks} times", Name(packet), glance.status));
        }
        if let (Some(ack), Some(leg)) = (ack_at, leg_at)
            && leg < ack
        {
            self.broken(9, || format!("{}: a new leg began before the ACK", Name(packet)));
        }
    }

    /// Invariant 7: once a call is over for its walk, every leg that has said something provisional and nothing
    /// final is cancelled in that same turn, or with its first provisional response.
    pub(crate) fn inv_07_the_others_are_cancelled(&mut self, turn: &Turn<'_>) {
        let Some((_, _, glance)) = turn.came() else { return };
        let branch = if glance.is_request() {
            glance.branch
        } else {
            let Some(leg) = self.legs.get(&glance.branch) else { return };
            leg.context
        };
        let Some(context) = self.contexts.get(&(turn.life, branch)) else { return };
        if context.answered.is_none() && context.cancelled.is_none() {
            return;
        }
        // What is first heard after 64 · T1, or after the network said that nobody is there, finds nobody who could cancel.
        let early = |leg: &Leg| leg.heard.is_some_and(|heard| heard.since(leg.began).as_secs() < 32);
        let open = |leg: &&Leg| {
            early(leg) && leg.unreachable.is_none() && leg.last.is_none() && leg.cancel.is_none()
        };
        let left = context.legs.iter().filter_map(|branch| self.legs.get(branch)).find(open);
        let left = left.map(|leg| leg.to);
        let invite = Arc::clone(&context.invite);
        self.looked(7);
        if let Some(to) = left {
            self.broken(7, || format!("{}: the leg to {to} was left ringing", Name(&invite)));
        }
    }
}

/// Which target of a plan a leg to this address and user is for.
pub(super) fn target_of(plan: &Plan, homes: &Homes, to: SocketAddr, user: &[u8]) -> Option<TargetId> {
    let is_at = |id: &PeerId| plan.peer(*id).is_some_and(|peer| addresses_at(peer, homes).contains(&to));
    let trunk = plan.peers.iter().enumerate().any(|(id, peer)| {
        matches!(peer.kind, PeerKind::Trunk(_)) && u32::try_from(id).is_ok_and(|id| is_at(&PeerId(id)))
    });
    let place = plan.targets.iter().position(|target| match &target.reach {
        Reach::Sip(peers) => {
            // Where its redirections may lead, too.
            let led = peers.iter().filter_map(|id| plan.peer(*id)).flat_map(|peer| &peer.follow);
            peers.iter().chain(led).any(is_at)
        }
        Reach::Number(number) => trunk && number.as_bytes() == user,
    });
    let help = || (trunk && plan.emergency.number(user).is_some()).then_some(emergency::TARGET);
    place.and_then(|place| u32::try_from(place).ok()).map(TargetId).or_else(help)
}

/// Has somebody taken out by hand whom a leg to this address and user is for, or everybody who is there?
fn is_drained(plan: &Plan, homes: &Homes, to: SocketAddr, user: &[u8]) -> bool {
    let ids = (0..).map(PeerId).zip(&plan.peers);
    let mut there = ids.filter(|(_, peer)| addresses_at(peer, homes).contains(&to)).peekable();
    let target = target_of(plan, homes, to, user);
    target.is_some_and(|target| plan.orders.drained.contains(&target))
        || there.peek().is_some() && there.all(|(id, _)| plan.orders.closed.contains(&id))
}

/// RFC 3261 §17.1.1.3: all as the INVITE's, but the To of the response.
fn is_ack_of(invite: &Packet, response: &Packet, sent: &Sent) -> bool {
    let (Some(first), Some(refusal), Some(ack)) = (&invite.glance, &response.glance, &sent.packet.glance)
    else {
        return false;
    };
    is_of_transaction(invite, first, &sent.packet, ack)
        && ack.value(&sent.packet.bytes, Head::To) == refusal.value(&response.bytes, Head::To)
}

/// RFC 3261 §9.1: Request-URI, Call-ID, To, From, the number of CSeq, Route and the one Via are the INVITE's.
fn is_cancel_of(invite: &Packet, sent: &Sent) -> bool {
    let (Some(first), Some(cancel)) = (&invite.glance, &sent.packet.glance) else { return false };
    is_of_transaction(invite, first, &sent.packet, cancel)
        && cancel.value(&sent.packet.bytes, Head::To) == first.value(&invite.bytes, Head::To)
}

/// What CANCEL and the ACK of a refusal have in common with their INVITE.
fn is_of_transaction(invite: &Packet, first: &Glance, other: &Packet, second: &Glance) -> bool {
    let same = |head| first.values(&invite.bytes, head).eq(second.values(&other.bytes, head));
    first.uri(&invite.bytes) == second.uri(&other.bytes)
        && first.cseq == second.cseq
        && first.value(&invite.bytes, Head::Via) == second.value(&other.bytes, Head::Via)
        && second.vias == 1
        && same(Head::CallId)
        && same(Head::From)
        && same(Head::Route)
}

/// Did it go over a stream? Callers of these worlds send datagrams.
fn is_over_stream(leg: &Leg) -> bool {
    leg.packet.bytes.windows(12).any(|word| word == b"SIP/2.0/TCP ")
}
