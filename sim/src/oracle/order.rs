//! Invariant 14: health only reorders. What is down, full, or in a failure domain that has failed is rung last; after a silence
//! what shares no domain with it is tried first.

use super::crowd::is_limited;
use super::legs::target_of;
use super::upstream::Name;
use super::{Homes, Inbound, Leg, Oracle, Sent, Turn, addresses_at};
use crate::glance::Glance;
use core::net::SocketAddr;
use router::Plan;
use router::health::Standing;
use router::path::{Path, Transport};
use router::plan::Member;
use router::record::{CallRecord, Entry, LegRecord};
use router::target::{Peer, PeerHost, PeerId, TargetId};
use sip::Time;
use std::sync::Arc;

/// Peers of one failure domain that are down when it has failed.
const DOWN_MIN: usize = 2;

/// What was believed of an address while a call was walked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// This, all the time.
    Steady(Standing),
    /// It changed, perhaps after the choice.
    Changed,
}

/// Has a peer's domain failed?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doom {
    No,
    Perhaps,
    Yes,
}

impl Oracle {
    /// `None` if the new leg is not to somebody who comes last, or if the plan has ways (hours, busy, budget, courses
    /// inside of courses) that this check does not follow; else why it comes last, and the target that is well and was
    /// passed over, if there is one.
    pub(super) fn inv_14_passed_over(
        &self,
        turn: &Turn<'_>,
        context: &Inbound,
        sent: &Sent,
        glance: &Glance,
    ) -> Option<(&'static str, Option<TargetId>)> {
        let (plan, to) = (self.plan_of(context).filter(|_| !context.confined && !context.urgent)?, sent.to);
        let user = glance.user(&sent.packet.bytes);
        // A way that a redirection has named is taken whatever its limits.
        let named = turn.came().is_some_and(|(_, _, came)| (300..400).contains(&came.status));
        let fault = match self.belief(turn, context, to) {
            Belief::Steady(Standing::Down) => "is down",
            Belief::Steady(Standing::Unknown | Standing::Suspect)
                if self.doom(turn, context, plan, to) == Doom::Yes =>
            {
                "is in a failed domain"
            }
            _ if !named && self.is_full(turn, plan, to, user) => "is full",
            Belief::Steady(_) | Belief::Changed => return None,
        };
        let number = core::str::from_utf8(Self::number_of(context)).ok()?;
        let course = plan.course(*plan.numbers.get(number)?)?;
        if course.busy.is_some()
            || course.full.is_some()
            || course.hours.is_some()
            || course.steps.iter().any(|step| step.when.is_some())
            || course.live_within.as_secs() < 600
        {
            return None;
        }
        let rung = |target: TargetId| {
            context.legs.iter().filter_map(|branch| self.legs.get(branch)).any(|leg| {
                let user = leg.packet.glance.as_ref().map(|glance| glance.user(&leg.packet.bytes));
                target_of(plan, &self.homes, leg.to, user.unwrap_or_default()) == Some(target)
            })
        };
        let well = |target: TargetId| {
            let mut ways = addresses_of(plan, &self.homes, target).into_iter();
            ways.any(|way| {
                self.is_well(turn, context, plan, way) && !is_limited(plan, &self.homes, way, target)
            })
        };
        let mut targets = Vec::new();
        for member in course.steps.iter().flat_map(|step| &step.members) {
            match member {
                Member::Target(target) => targets.push(*target),
                Member::Course(_) => return None,
            }
        }
        Some((fault, targets.into_iter().find(|target| well(*target) && !rung(*target))))
    }

    /// The addresses by which the target of a new leg could be rung now with nothing against them.
    pub(super) fn well_ways(
        &self,
        turn: &Turn<'_>,
        context: &Inbound,
        sent: &Sent,
        glance: &Glance,
    ) -> Vec<SocketAddr> {
        let Some(plan) = self.plan_of(context) else { return Vec::new() };
        let target = target_of(plan, &self.homes, sent.to, glance.user(&sent.packet.bytes));
        let Some(target) = target else { return Vec::new() };
        let mut ways = addresses_of(plan, &self.homes, target);
        ways.retain(|address| {
            let suspect = Belief::Steady(Standing::Suspect);
            // Of a name the node may know fewer addresses than it has.
            let mut written = peers_at(plan, &self.homes, *address);
            written.any(|peer| matches!(peer.host, PeerHost::Ip(_)))
                && self.is_well(turn, context, plan, *address)
                && !is_limited(plan, &self.homes, *address, target)
                && self.belief(turn, context, *address) != suspect
        });
        ways
    }

    /// After a silence nothing that shares a failure domain with it is tried while a way of the same destination that is
    /// well, and of which nothing was tried, lies outside.
    pub(super) fn inv_14_after_silence(&mut self, turn: &Turn<'_>, record: &CallRecord) {
        let Some(context) = self.context_of_record(turn.life, record) else { return };
        let (branches, invite, plan) = (context.legs.clone(), Arc::clone(&context.invite), context.plan);
        let plans = self.lives.get(&turn.life).map(|life| &life.plans);
        let Some(plan) = plans.and_then(|plans| plans.get(plan)).map(Arc::clone) else { return };
        let silent: Vec<&LegRecord> =
            record.legs.iter().filter(|leg| leg.outcome.starts_with("silent for")).collect();
        let homes = self.homes.clone();
        for (place, leg) in record.legs.iter().enumerate() {
            let at = leg.path.remote;
            let is_before = |other: &&&LegRecord| {
                let ended = other.ended.is_some_and(|ended| ended < leg.began);
                ended || other.ended == Some(leg.began) && other.target == leg.target
            };
            // What a hop that was chosen before has asked for is said to the same hop.
            let is_same = |other: &LegRecord| other.path == leg.path && other.target == leg.target;
            if record.legs.iter().take(place).any(is_same) {
                continue;
            }
            let Some(cause) = silent
                .iter()
                .filter(is_before)
                .find(|other| surely_share(&plan, &homes, other.path.remote, at))
            else {
                continue;
            };
            let tried = |way: &SocketAddr| {
                record.legs.iter().take(place).any(|other| may_share(&plan, &homes, other.path.remote, *way))
            };
            let sent: Option<&Leg> = branches.get(place).and_then(|branch| self.legs.get(branch));
            let outside = sent.and_then(|sent| sent.outside.iter().copied().find(|way| !tried(way)));
            let cause = cause.path.remote;
            self.looked(14);
            if let Some(outside) = outside {
                self.broken(14, || {
                    let name = Name(&invite);
                    format!(
                        "{name}: {at} dies with {cause}, which was silent, and was tried before {outside}"
                    )
                });
            }
        }
    }

    fn belief(&self, turn: &Turn<'_>, context: &Inbound, address: SocketAddr) -> Belief {
        let life = self.lives.get(&turn.life);
        let plain = Path { transport: Transport::Udp, local: 0, remote: address };
        let mut paths = life.into_iter().flat_map(|life| life.watched.keys());
        let path = paths.find(|path| path.remote == address).copied().unwrap_or(plain);
        let known = life.and_then(|life| life.standing.get(&path)).copied();
        let (now, since) = known.unwrap_or((Standing::Unknown, Time::ZERO));
        let beside = life.and_then(|life| life.sides.get(&path)).copied();
        let aside = beside.is_some_and(|(side, since)| side.is_some() || since > context.began);
        // Whoever has only asked to be left alone may be the last way to his destination.
        let aside = aside || life.is_some_and(|life| life.away.contains(&path));
        // Of a name the node may know fewer addresses than it has.
        let watched = life.and_then(|life| life.watched.get(&path)).copied();
        let known = watched.is_some_and(|since| since <= context.began);
        // Who will not have our credentials is tried last.
        let plans = life.into_iter().flat_map(|life| &life.plans);
        let names =
            plans.flat_map(|plan| peers_at(plan, &self.homes, address)).map(|peer| peer.name.to_string());
        let aside = aside || self.is_refused(turn.life, names, context.began);
        let is_of = |entry: &Entry| matches!(entry, Entry::Health { path, .. } | Entry::Side { path, .. } if path.remote == address);
        if known && since <= context.began && !aside && !turn.records.iter().any(is_of) {
            Belief::Steady(now)
        } else {
            Belief::Changed
        }
    }

    fn is_well(&self, turn: &Turn<'_>, context: &Inbound, plan: &Plan, address: SocketAddr) -> bool {
        match self.belief(turn, context, address) {
            Belief::Steady(Standing::Up) => true,
            Belief::Steady(Standing::Unknown | Standing::Suspect) => {
                self.doom(turn, context, plan, address) == Doom::No
            }
            // On probation it may have its one call.
            Belief::Steady(Standing::Probation | Standing::Down) | Belief::Changed => false,
        }
    }

    /// Of an address that is two peers' the node may have meant either.
    fn doom(&self, turn: &Turn<'_>, context: &Inbound, plan: &Plan, address: SocketAddr) -> Doom {
        let mut dooms =
            peers_at(plan, &self.homes, address).map(|peer| self.doom_of(turn, context, plan, peer));
        let Some(first) = dooms.next() else { return Doom::No };
        if dooms.all(|other| other == first) { first } else { Doom::Perhaps }
    }

    fn doom_of(&self, turn: &Turn<'_>, context: &Inbound, plan: &Plan, peer: &Peer) -> Doom {
        let mut doom = Doom::No;
        for domain in domains_of(peer) {
            let (mut down, mut changed, mut well, mut unsure) = (0, 0, false, false);
            for member in plan.peers.iter().filter(|peer| domains_of(peer).contains(&domain)) {
                let beliefs: Vec<Belief> = addresses_at(member, &self.homes)
                    .into_iter()
                    .map(|address| self.belief(turn, context, address))
                    .collect();
                let is = |wanted: Belief| beliefs.contains(&wanted);
                let (is_down, all_down) = (
                    is(Belief::Steady(Standing::Down)),
                    beliefs.iter().all(|belief| *belief == Belief::Steady(Standing::Down)),
                );
                let is_well =
                    |belief: &Belief| matches!(belief, Belief::Steady(Standing::Up | Standing::Probation));
                // Of a name the node may know fewer addresses than it has.
                let named = matches!(member.host, PeerHost::Name(_));
                if beliefs.iter().any(is_well) {
                    let sure = !named || beliefs.iter().all(is_well);
                    (well, unsure) = (well || sure, unsure || !sure);
                    changed += usize::from(!sure && is_down);
                } else if is_down && all_down {
                    down += 1;
                } else if is_down || is(Belief::Changed) {
                    changed += 1;
                }
            }
            match (well, down >= DOWN_MIN, changed) {
                (false, true, 0) if !unsure => return Doom::Yes,
                (false, _, _) if down + changed >= DOWN_MIN => doom = Doom::Perhaps,
                _ => (),
            }
        }
        doom
    }
}

/// Does what kills the one kill the other, whichever peers they are taken for?
fn surely_share(plan: &Plan, homes: &Homes, one: SocketAddr, other: SocketAddr) -> bool {
    one == other
        || peers_at(plan, homes, one)
            .all(|first| peers_at(plan, homes, other).all(|second| die_together(first, second)))
}

/// May what kills the one kill the other?
fn may_share(plan: &Plan, homes: &Homes, one: SocketAddr, other: SocketAddr) -> bool {
    one == other
        || peers_at(plan, homes, one)
            .any(|first| peers_at(plan, homes, other).any(|second| die_together(first, second)))
}

fn die_together(one: &Peer, other: &Peer) -> bool {
    one.name == other.name || domains_of(one).iter().any(|domain| domains_of(other).contains(domain))
}

fn peers_at<'a>(plan: &'a Plan, homes: &Homes, address: SocketAddr) -> impl Iterator<Item = &'a Peer> {
    plan.peers.iter().filter(move |peer| addresses_at(peer, homes).contains(&address))
}

/// What a peer can die of, together with others: the domains of the plan, and its carrier.
fn domains_of(peer: &Peer) -> Vec<String> {
    let carrier = peer.carrier().map(|carrier| format!("carrier {}", carrier.0));
    carrier.into_iter().chain(peer.domains.iter().map(|name| format!("domain {name}"))).collect()
}

/// All addresses by which a target is reached, but what somebody has taken out by hand.
fn addresses_of(plan: &Plan, homes: &Homes, target: TargetId) -> Vec<SocketAddr> {
    let orders = &plan.orders;
    let is_open = |id: &PeerId| !orders.drained.contains(&target) && !orders.closed.contains(id);
    let peers = plan.ways(target).filter(is_open).filter_map(|id| plan.peer(id));
    peers.flat_map(|peer| addresses_at(peer, homes)).collect()
}
