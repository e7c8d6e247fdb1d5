//! Invariant 16 for what has a limit: what a node counts lies between what is certainly carried and what may be, by the
//! wire.

use super::legs::target_of;
use super::{Homes, Leg, Oracle, Turn, addresses_at};
use crate::glance::Verb;
use core::net::SocketAddr;
use core::time::Duration;
use router::Plan;
use router::load::Counted;
use router::plan::Limited;
use router::target::{PeerId, TargetId};
use sip::Time;

/// A leg is forgotten by then, whatever was missed.
const LEG_LIFE: Duration = Duration::from_secs(180 + 32);

/// A cancelled leg is forgotten by then.
const CANCEL_LIFE: Duration = Duration::from_secs(32);

/// A leg of which nothing was heard is forgotten after 64 · T1, of the shortest T1 that there is (RFC 3261 §17.1.1.2).
const SILENT_LIFE: Duration = Duration::from_millis(64 * 50);

/// What a leg or a call is for those that count it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carried {
    No,
    Perhaps,
    Yes,
}

impl Oracle {
    /// Takes note of a BYE that passes: its call is up no longer.
    pub(super) fn note_byes(&mut self, turn: &Turn<'_>) {
        for (_, glance) in turn.went().filter(|(_, glance)| glance.is_request() && glance.verb == Verb::Bye) {
            let (one, other) = (glance.from_tag, glance.to_tag);
            self.byes.insert((turn.life, glance.call, one.min(other), one.max(other)));
        }
    }

    /// Holds the node's counts against the wire, once it has acted on all that is due: a leg is forgotten on a tick.
    pub(super) fn inv_16_carried(&mut self, turn: &Turn<'_>) {
        if turn.node.deadline().is_some_and(|due| due <= turn.now) {
            return;
        }
        let counts: Vec<(Counted, u32)> =
            turn.node.load().counts().map(|(of, calls)| (of.clone(), calls)).collect();
        for (of, calls) in counts {
            let (least, most) = self.carried(turn.life, turn.now, &of);
            self.looked(16);
            if calls < least || calls > most {
                self.broken(16, || {
                    format!("{of} carries {least} to {most} calls and is said to carry {calls}")
                });
            }
        }
    }

    /// Is something that this leg would go by certainly at its limit of calls at once?
    pub(super) fn is_full(&self, turn: &Turn<'_>, plan: &Plan, to: SocketAddr, user: &[u8]) -> bool {
        if plan.limits.is_empty() {
            return false;
        }
        limits_of(plan, &self.homes, to, target_of(plan, &self.homes, to, user)).any(|limited| {
            let limit = plan.limits.get(&limited);
            limit.is_some_and(|limit| {
                limit
                    .channels
                    .is_some_and(|channels| self.carried(turn.life, turn.now, &limit.of).0 >= channels)
            })
        })
    }

    /// What a leg of this context to this address and user counts for, by the plan of its call.
    pub(super) fn counted(&self, context: (u32, u64), to: SocketAddr, user: &[u8]) -> Vec<Counted> {
        let plan = self.contexts.get(&context).and_then(|context| self.plan_of(context));
        let Some(plan) = plan.filter(|plan| !plan.limits.is_empty()) else { return Vec::new() };
        limits_of(plan, &self.homes, to, target_of(plan, &self.homes, to, user))
            .filter_map(|limited| plan.limits.get(&limited))
            .map(|limit| limit.of.clone())
            .collect()
    }

    /// The calls that something carries in one life of a node: at least, and at most.
    fn carried(&self, life: u32, now: Time, of: &Counted) -> (u32, u32) {
        let (mut least, mut most) = (0, 0);
        for leg in self.legs.values().filter(|leg| leg.life == life && leg.counted.contains(of)) {
            match self.state_of(leg, now) {
                Carried::No => (),
                Carried::Perhaps => most += 1,
                Carried::Yes => (least, most) = (least + 1, most + 1),
            }
        }
        (least, most)
    }

    fn state_of(&self, leg: &Leg, now: Time) -> Carried {
        let age = now.since(leg.began);
        // What was first heard of when its transaction may have timed out is not asked about any more, and not counted
        // if it answers after all.
        let in_time = leg.heard.is_some_and(|heard| heard < leg.began + SILENT_LIFE);
        if let (true, Some(tag), Some(invite)) = (leg.answered, leg.to_tag, &leg.packet.glance) {
            let (one, other) = (invite.from_tag, tag);
            let over = self.byes.contains(&(leg.life, invite.call, one.min(other), one.max(other)));
            // A BYE that overtook its 2xx ended nothing that was known.
            return match (over, leg.overtaken) {
                // Whoever answers after all, over a stream that was given up, is counted no more.
                (false, _) if leg.unreachable.is_some() || !in_time => Carried::Perhaps,
                (false, _) => Carried::Yes,
                (true, true) => Carried::Perhaps,
                (true, false) => Carried::No,
            };
        }
        // RFC 3261 §9.1: what was cancelled and says nothing for 64 · T1 is over.
        let forgotten = leg.cancel.as_ref().is_some_and(|(at, _)| now.since(*at) > CANCEL_LIFE);
        // A leg that was given up before is not asked for again when its stream is closed, and does not end with it.
        let gone = leg.unreachable.is_some() && leg.closed.is_none();
        if leg.last.is_some() || gone || forgotten || age > LEG_LIFE {
            return Carried::No;
        }
        let certain = in_time && leg.cancel.is_none() && leg.closed != Some(true);
        let certain = certain && leg.unreachable.is_none() && age < Duration::from_secs(180);
        if certain { Carried::Yes } else { Carried::Perhaps }
    }
}

/// Has this way to a target any limit?
pub(super) fn is_limited(plan: &Plan, homes: &Homes, to: SocketAddr, target: TargetId) -> bool {
    limits_of(plan, homes, to, Some(target)).any(|limited| plan.limits.contains_key(&limited))
}

/// What may have a limit on the way to a target by an address.
fn limits_of(
    plan: &Plan,
    homes: &Homes,
    to: SocketAddr,
    target: Option<TargetId>,
) -> impl Iterator<Item = Limited> {
    let at = |id: &PeerId| plan.peer(*id).is_some_and(|peer| addresses_at(peer, homes).contains(&to));
    let peers: Vec<PeerId> = (0..).map(PeerId).take(plan.peers.len()).filter(at).collect();
    let carriers: Vec<Limited> =
        peers.iter().filter_map(|id| plan.peer(*id)?.carrier()).map(Limited::Carrier).collect();
    target.map(Limited::Target).into_iter().chain(peers.into_iter().map(Limited::Peer)).chain(carriers)
}
