//! What callers are told.

use super::{Inbound, Leg, Oracle, Turn, addresses_at};
use crate::glance::{Glance, Head, Packet, Verb};
use core::fmt;
use core::time::Duration;
use router::target::{Peer, Reach, TargetKind};
use sip::Time;
use std::sync::Arc;

impl Oracle {
    /// Invariant 1: a context sends at most one refusal, and none after a 2xx; nothing provisional after either.
    pub(crate) fn inv_01_one_verdict(&mut self, turn: &Turn<'_>) {
        let foreign = self.passes_for_another_life(turn);
        let spoken = self.passes_a_word(turn);
        for (_, glance) in
            turn.went().filter(|(_, glance)| !glance.is_request() && glance.verb == Verb::Invite)
        {
            if foreign && (200..300).contains(&glance.status) {
                self.answers.insert((glance.call, glance.to_tag));
                continue;
            }
            let Some(context) = self.contexts.get_mut(&(turn.life, glance.branch)) else { continue };
            let invite = Arc::clone(&context.invite);
            let call = Name(&invite);
            let before = (context.accepted.is_some(), context.refused);
            match glance.status {
                0..=199 => {
                    context.admitted = true;
                    if glance.status > 100 && !spoken {
                        context.rang.get_or_insert(turn.now);
                    }
                }
                200..=299 => _ = context.accepted.get_or_insert(turn.now),
                _ => _ = context.refused.get_or_insert((turn.now, glance.status, glance.to_tag)),
            }
            if (200..300).contains(&glance.status) {
                self.answers.insert((glance.call, glance.to_tag));
            }
            self.looked(1);
            match (glance.status, before) {
                (0..=199, (true, _) | (_, Some(_))) => {
                    self.broken(1, || format!("{call}: {} after the final response", glance.status));
                }
                (300.., (true, _)) => self.broken(1, || format!("{call}: {} after a 2xx", glance.status)),
                (300.., (false, Some((_, status, tag))))
                    if (status, tag) != (glance.status, glance.to_tag) =>
                {
                    self.broken(1, || format!("{call}: {} after {status}", glance.status));
                }
                _ => (),
            }
        }
    }

    /// Was this caused by a 2xx on a leg of another life or of a call long over, passed on by its seal alone? It ends no walk of this life
    /// unless the oracle is told to ask for that.
    fn passes_for_another_life(&self, turn: &Turn<'_>) -> bool {
        let came = turn.came().filter(|(_, _, came)| (200..300).contains(&came.status));
        let leg = came.and_then(|(_, _, came)| self.legs.get(&came.branch));
        let is_of = |leg: &Leg| {
            let context = self.contexts.get(&(turn.life, leg.context));
            leg.life == turn.life && context.is_some_and(|context| context.copies == leg.copy)
        };
        !self.across_lives && leg.is_some_and(|leg| !is_of(leg))
    }

    /// Was this caused by what is said to a caller before a step? He hears it, and no ringing.
    fn passes_a_word(&self, turn: &Turn<'_>) -> bool {
        let leg = turn.came().and_then(|(_, _, came)| self.legs.get(&came.branch));
        let plan = |leg: &Leg| self.plan_of(self.contexts.get(&(turn.life, leg.context))?);
        leg.zip(leg.and_then(plan)).is_some_and(|(leg, plan)| {
            let words = plan.targets.iter().filter(|target| target.kind == TargetKind::Word);
            let peers = words.flat_map(|word| match &word.reach {
                Reach::Sip(peers) => peers.as_slice(),
                Reach::Number(_) => &[],
            });
            let mut peers = peers.filter_map(|peer| plan.peer(*peer));
            peers.any(|peer| addresses_at(peer, &self.homes).contains(&leg.to))
        })
    }

    /// Invariant 2: each 2xx that comes on a leg goes up once for each time it comes, whatever was before.
    pub(crate) fn inv_02_every_2xx_counts(&mut self, turn: &Turn<'_>) {
        let Some((_, packet, glance)) = turn.came() else { return };
        if !(200..300).contains(&glance.status) || glance.verb != Verb::Invite {
            return;
        }
        let Some(leg) = self.legs.get(&glance.branch) else { return };
        let invite = leg.packet.glance.as_ref();
        let odd = invite.is_none_or(|invite| invite.cseq != glance.cseq);
        let lost_via = glance.second != leg.context;
        let from_upstream = |other: &Glance| {
            other.status == glance.status && other.branch == leg.context && other.to_tag == glance.to_tag
        };
        let count = turn.went().filter(|(_, other)| from_upstream(other)).count();
        let altered = turn.went().any(|(_, other)| from_upstream(other) && other.rest != glance.rest);
        let name = Name(packet);
        self.looked(2);
        match (odd, lost_via) {
            (_, true) if count > 0 => {
                self.broken(2, || format!("{name}: a 2xx without the caller's Via was sent up"));
            }
            (false, false) if count != 1 => {
                self.broken(2, || format!("{name}: a 2xx was sent up {count} times"));
            }
            _ => (),
        }
        if altered {
            self.broken(12, || format!("{name}: a 2xx was altered on its way up"));
        }
    }

    /// Invariant 10: nothing of a leg that is over or given up goes up except a 2xx; never a target's 503; 487 only
    /// for a caller who gave up.
    pub(crate) fn inv_10_hiding(&mut self, turn: &Turn<'_>) {
        for (_, glance) in
            turn.went().filter(|(_, glance)| !glance.is_request() && glance.verb == Verb::Invite)
        {
            let Some(context) = self.contexts.get(&(turn.life, glance.branch)) else { continue };
            let invite = Arc::clone(&context.invite);
            let name = Name(&invite);
            let (legs, cancelled) = (context.legs.len(), context.cancelled.is_some());
            let began = context.began;
            let first = context.refused.is_some_and(|(at, ..)| at == turn.now);
            let fresh = context.cancelled.is_some_and(|at| turn.now.since(at) < CROSSING);
            let awaited = first && fresh && self.is_awaited(context, turn.now);
            let rings_out = glance.status == 503 && self.may_ring_out(context, glance);
            self.looked(10);
            match glance.status {
                101..=199 => self.inv_10_ringing(turn, glance, name),
                487 if !cancelled => {
                    self.broken(10, || format!("{name}: 487 to a caller who did not give up"))
                }
                487 if awaited => {
                    self.broken(10, || {
                        format!("{name}: 487 while a leg that was cancelled may still answer")
                    });
                }
                401 | 407 | 300..=399 if legs > 0 => {
                    self.broken(10, || format!("{name}: a target's {} was sent up", glance.status));
                }
                503 if legs > 0 && !rings_out => {
                    self.broken(10, || format!("{name}: a target's 503 was sent up"))
                }
                100 if turn.now.since(began).as_millis() > 200 && !self.was_paused(turn.life) => {
                    // A copy of the INVITE is answered with the last response, which may be the 100.
                    let copy = turn.came().is_some_and(|(_, _, came)| came.verb == Verb::Invite);
                    if !copy {
                        self.broken(3, || format!("{name}: the 100 came late"));
                    }
                }
                _ => (),
            }
        }
    }

    /// May this 503 be what the caller's side is answered if nobody picks up, or all ways have failed: does its dialect ask
    /// for it, and is it none of the legs' own?
    fn may_ring_out(&self, context: &Inbound, went: &Glance) -> bool {
        let plan = self.plan_of(context);
        let at = context.source.ip();
        let here = |peer: &&Peer| addresses_at(peer, &self.homes).iter().any(|address| address.ip() == at);
        let asked = plan
            .and_then(|plan| plan.peers.iter().find(here))
            .is_some_and(|peer| peer.dialect.ring_out == 503 || peer.dialect.goes_on(503) == Some(true));
        let mut legs = context.legs.iter().filter_map(|branch| self.legs.get(branch));
        asked && !legs.any(|leg| leg.refusal.is_some_and(|(tag, _)| tag == went.to_tag))
    }

    /// Was a leg cancelled a moment ago, and nothing final has come of it? Its answer may cross the CANCEL.
    fn is_awaited(&self, context: &Inbound, now: Time) -> bool {
        context.legs.iter().filter_map(|branch| self.legs.get(branch)).any(|leg| {
            let crossing = leg.cancel.as_ref().is_some_and(|(at, _)| now.since(*at) < CROSSING);
            crossing && leg.last.is_none()
        })
    }

    fn inv_10_ringing(&mut self, turn: &Turn<'_>, went: &Glance, name: Name<'_>) {
        let Some((_, _, came)) = turn.came() else { return };
        // Ringing of the node's own making may fall into the same turn.
        if came.is_request() || came.rest != went.rest {
            return;
        }
        let Some(leg) = self.legs.get(&came.branch) else { return };
        let given_up = leg.cancel.is_some() || leg.last.is_some();
        if given_up {
            self.broken(10, || format!("{name}: ringing of a leg that was given up was sent up"));
        }
    }

    /// Invariant 11: requests other than INVITE get no provisional response but 100, and never 408 (RFC 4320).
    pub(crate) fn inv_11_other_methods(&mut self, turn: &Turn<'_>) {
        for (sent, glance) in
            turn.went().filter(|(_, glance)| !glance.is_request() && glance.verb != Verb::Invite)
        {
            let status = glance.status;
            self.looked(11);
            if glance.verb == Verb::Ack {
                self.broken(9, || format!("{}: an ACK was answered with {status}", Name(&sent.packet)));
            }
            if matches!(status, 100..=199 | 408) {
                self.broken(11, || format!("{}: {status} to {}", Name(&sent.packet), glance.verb.name()));
            }
        }
    }

    pub(crate) fn was_paused(&self, life: u32) -> bool {
        self.lives.get(&life).is_some_and(|life| !life.pauses.is_empty())
    }
}

/// For so long at least after the caller's CANCEL an answer that crosses ours has its chance before the 487 goes up.
const CROSSING: Duration = Duration::from_secs(1);

/// What violations call a message: its Call-ID.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a>(pub(crate) &'a Packet);

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = &self.0.bytes;
        let value = self.0.glance.as_ref().map_or(&b"junk"[..], |glance| glance.value(bytes, Head::CallId));
        out.write_str(&String::from_utf8_lossy(value))
    }
}
