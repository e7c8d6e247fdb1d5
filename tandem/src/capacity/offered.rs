//! How much traffic each carrier, trunk and destination gets, hour by hour, from the calls that have come: as it was, or as it would have been
//! with something failed. Then calls go where the plan sends them, and are taken by whoever took them, or else by the first site, service
//! or mailbox that rings.

use crate::store::past::{Call, End, Leg};
use core::time::Duration;
use router::Plan;
use router::foretell::Fault;
use router::outage::Thing;
use router::plan::Limited;
use router::roads::Roads;
use router::target::{Peer, PeerId, TargetId, TargetKind};
use router::way::Try;
use std::collections::{BTreeMap, BTreeSet};

/// What is given beside the calls.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The ways of the plan.
    pub roads: &'a Roads,
    /// How long an answered call lasted of which that was not kept.
    pub talk: Duration,
}

/// Seconds of calls, by what carried them and by the hour since 1970 of the business's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offered(BTreeMap<(Limited, i64), f64>);

impl Offered {
    /// Of these calls, if this has failed and is known to have.
    #[must_use]
    pub fn of(terms: &Terms<'_>, calls: &[Call], failed: Option<&Thing>) -> Self {
        let mut offered = Self::default();
        let nobody = BTreeSet::new();
        let down = failed.map_or(&nobody, |thing| &thing.peers);
        let names = Names::of(terms.plan);
        for call in calls {
            let span = Span { call, talk: talk(call, terms) };
            offered.bring(terms.plan, &names, span, down);
            let is_met =
                call.legs.iter().any(|leg| names.peer(&leg.peer).is_some_and(|peer| down.contains(&peer)));
            match terms.plan.course_of(call.number.as_bytes()).filter(|_| is_met) {
                Some((course, _)) => {
                    let unix = call.began.div_euclid(1_000_000);
                    let fault = Fault { down: down.clone(), known: true };
                    let way =
                        terms.plan.foretell(terms.roads, terms.plan.entrance(course, unix), unix, &fault);
                    offered.led(terms.plan, &names, span, &way.tries);
                }
                None => offered.was_led(terms.plan, &names, span),
            }
        }
        offered
    }

    /// The busiest hour of each, in erlangs.
    pub fn busiest(&self) -> impl Iterator<Item = (Limited, i64, f64)> {
        let mut most: BTreeMap<Limited, (i64, f64)> = BTreeMap::new();
        for ((at, hour), seconds) in &self.0 {
            let erlangs = seconds / HOUR;
            let held = most.entry(*at).or_insert((*hour, erlangs));
            if erlangs > held.1 {
                *held = (*hour, erlangs);
            }
        }
        most.into_iter().map(|(at, (hour, erlangs))| (at, hour, erlangs))
    }

    /// What one gets in its busiest hour, in erlangs.
    #[must_use]
    pub fn most(&self, at: Limited) -> f64 {
        self.busiest().find(|(one, ..)| *one == at).map_or(0.0, |(.., erlangs)| erlangs)
    }

    /// A call takes a channel of the carrier that brings it, too: if that has failed, of the first other one.
    fn bring(&mut self, plan: &Plan, names: &Names<'_>, span: Span<'_>, down: &BTreeSet<PeerId>) {
        let Some(came) = span.call.peer.as_deref().and_then(|name| names.peer(name)) else { return };
        if plan.peer(came).and_then(Peer::carrier).is_none() {
            return;
        }
        let mut trunks = plan.carriers.iter().flat_map(|carrier| carrier.trunks.iter().copied());
        let by = if down.contains(&came) { trunks.find(|trunk| !down.contains(trunk)) } else { Some(came) };
        let whole = span.call.ended.unwrap_or(0).saturating_add(span.talk);
        by.into_iter().for_each(|by| self.hold(plan, by, None, span.call, 0, whole));
    }

    /// It went where its record says.
    fn was_led(&mut self, plan: &Plan, names: &Names<'_>, span: Span<'_>) {
        for leg in span.call.legs.iter().filter(|leg| !leg.is_word()) {
            let Some(peer) = names.peer(&leg.peer) else { continue };
            let until = leg.ended.or(span.call.ended).unwrap_or(leg.began);
            let talk = if is_taker(span.call, leg) { span.talk } else { 0 };
            self.hold(
                plan,
                peer,
                names.target(&leg.target),
                span.call,
                leg.began,
                until.saturating_add(talk),
            );
        }
    }

    /// It goes where it is foretold to.
    fn led(&mut self, plan: &Plan, names: &Names<'_>, span: Span<'_>, tries: &[Try]) {
        let took = if let End::Answered(target) = &span.call.end { names.target(target) } else { None };
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        for it in tries.iter().filter(|it| it.rings) {
            let kind = plan.target(it.target).map(|target| target.kind);
            let takes = matches!(kind, Some(TargetKind::Site | TargetKind::Service | TargetKind::Agent))
                || Some(it.target) == took;
            let began = micros(it.after);
            if took.is_some() && takes {
                return self.hold(
                    plan,
                    it.peer,
                    Some(it.target),
                    span.call,
                    began,
                    began.saturating_add(span.talk),
                );
            }
            // Whom nobody answered did not wait for longer.
            let rings = began.saturating_add(micros(it.lasts));
            let until = if took.is_some() { rings } else { rings.min(span.call.ended.unwrap_or(rings)) };
            self.hold(plan, it.peer, Some(it.target), span.call, began, until);
        }
    }

    /// A channel of each of these is taken, from one moment after the call came to another.
    fn hold(
        &mut self,
        plan: &Plan,
        peer: PeerId,
        target: Option<TargetId>,
        call: &Call,
        from: i64,
        until: i64,
    ) {
        let carrier = plan.peer(peer).and_then(Peer::carrier).map(Limited::Carrier);
        let all: Vec<Limited> =
            carrier.into_iter().chain([Limited::Peer(peer)]).chain(target.map(Limited::Target)).collect();
        let (mut from, until) = (local(call, from), local(call, until));
        while from < until {
            let hour = from.div_euclid(HOUR_MICROS);
            let end = until.min(hour.saturating_add(1).saturating_mul(HOUR_MICROS));
            let seconds = Duration::from_micros(end.abs_diff(from)).as_secs_f64();
            for at in &all {
                *self.0.entry((*at, hour)).or_default() += seconds;
            }
            from = end;
        }
    }
}

/// One call, and how long it was talked in, in microseconds.
#[derive(Clone, Copy)]
struct Span<'a> {
    call: &'a Call,
    talk: i64,
}

/// Who is called what in the plan.
struct Names<'a> {
    peers: BTreeMap<&'a str, PeerId>,
    targets: BTreeMap<&'a str, TargetId>,
}

impl<'a> Names<'a> {
    fn of(plan: &'a Plan) -> Self {
        let peers = (0..).map(PeerId).zip(&plan.peers).map(|(id, peer)| (&*peer.name, id));
        let targets = (0..).map(TargetId).zip(&plan.targets).map(|(id, target)| (&*target.name, id));
        Self { peers: peers.collect(), targets: targets.collect() }
    }

    fn peer(&self, name: &str) -> Option<PeerId> {
        self.peers.get(name).copied()
    }

    fn target(&self, name: &str) -> Option<TargetId> {
        self.targets.get(name).copied()
    }
}

/// How long an answered call was talked in, in microseconds, if that is kept.
#[must_use]
pub fn talked(call: &Call) -> Option<i64> {
    let talked = call.hung_up?.checked_sub(call.ended?)?;
    (matches!(call.end, End::Answered(_)) && talked >= 0).then_some(talked)
}

/// So many microseconds after a call came, by the business's clock.
#[must_use]
pub fn local(call: &Call, after: i64) -> i64 {
    call.began.saturating_add(call.ahead.saturating_mul(1_000_000)).saturating_add(after)
}

fn talk(call: &Call, terms: &Terms<'_>) -> i64 {
    let usual = || i64::try_from(terms.talk.as_micros()).unwrap_or(i64::MAX);
    if matches!(call.end, End::Answered(_)) { talked(call).unwrap_or_else(usual) } else { 0 }
}

fn is_taker(call: &Call, leg: &Leg) -> bool {
    matches!(&call.end, End::Answered(target) if *target == leg.target) && leg.outcome == "answered"
}

const HOUR: f64 = 3_600.0;
const HOUR_MICROS: i64 = 3_600_000_000;
