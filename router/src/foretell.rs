//! What a call would live through: the same [`Plan::next`] is asked in virtual time, with these peers dead, and nobody there to answer but
//! this process. Who is rung on the way might: each of them ends the call sooner.

use crate::health::{Health, Sign, Source, Standing};
use crate::next::{Act, Move};
use crate::outcome::{Outcome, Reached};
use crate::path::Path;
use crate::plan::{CourseId, Plan, Step};
use crate::position::{Cursor, Frame, LEGS_MAX, Position};
use crate::roads::Roads;
use crate::target::{Peer, PeerId, TargetId, TargetKind};
use crate::verdict::{Case, Go, Meaning, Rules, Speaker, verdict};
use crate::when::When;
use crate::word::SPARE;
use core::time::Duration;
use sip::Time;
use std::collections::BTreeSet;

/// Who is dead, and whether that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Peers that answer nothing at all.
    pub down: BTreeSet<PeerId>,
    /// Has health noticed? If not they have died a moment ago.
    pub known: bool,
}

/// The way of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Every try, in order.
    pub tries: Vec<Try>,
    /// Who of this process answered; `None` if the call ended with nobody.
    pub answered: Option<TargetId>,
    /// When it was over, after it came.
    pub end: Duration,
    /// When `live_within` cut a step short, if it did.
    pub cut: Option<Duration>,
}

impl Way {
    /// Who of those whose job is to answer rings first, and after how long; `None` if nobody does.
    #[must_use]
    pub fn live(&self, plan: &Plan) -> Option<(TargetId, Duration)> {
        let is_live = |it: &&Try| {
            let kind = plan.target(it.target).map(|target| target.kind);
            it.rings && matches!(kind, Some(TargetKind::Service | TargetKind::Agent))
        };
        self.tries.iter().find(is_live).map(|it| (it.target, it.after))
    }

    /// Does it end without anybody being rung, of this process or outside?
    #[must_use]
    pub fn rings_nobody(&self) -> bool {
        self.answered.is_none() && !self.tries.iter().any(|it| it.rings)
    }
}

/// One destination that is tried by one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Where in the plan.
    pub cursor: Cursor,
    /// Who.
    pub target: TargetId,
    /// By which peer.
    pub peer: PeerId,
    /// Does it ring there? If not, there is silence.
    pub rings: bool,
    /// How long after the call came.
    pub after: Duration,
    /// How long it rings at most, or is waited for.
    pub lasts: Duration,
    /// The line of the step in the plan file.
    pub line: u32,
}

/// A try that is not over.
struct Leg {
    target: TargetId,
    peer: PeerId,
    path: Path,
    rings: bool,
    began: Time,
    over: Time,
    /// Its place among the tries; of what is said it has none.
    place: Option<usize>,
}

/// The call comes when all that is known has been seen.
const BEGAN: Time = Time::from_micros(60_000_000);

/// A call has 20 INVITEs at most, and waits no more than twice for each.
const MOVES_MAX: usize = 1_000;

impl Plan {
    /// What a call that enters the plan there, at this second since 1970, would live through. Pure, and without a network: nothing is
    /// as far as a call takes to get there.
    #[must_use]
    pub fn foretell(&self, roads: &Roads, entrance: Frame, unix: i64, fault: &Fault) -> Way {
        let mut health = self.seen(roads, entrance.course, fault);
        let mut position = Position::new(entrance, LEGS_MAX, BEGAN, unix);
        let mut way = Way { tries: Vec::new(), answered: None, end: Duration::ZERO, cut: None };
        let (mut legs, mut now): (Vec<Leg>, Time) = (Vec::new(), BEGAN);
        for _ in 0..MOVES_MAX {
            way.end = now.since(BEGAN);
            let Move { cursor, act } = self.next(&position, &health, now, roads);
            position.cursor = cursor.clone();
            match act {
                Act::Ring { target, peer, path, ring, line, .. } => {
                    let (rings, is_word) = (!fault.down.contains(&peer), self.is(target, TargetKind::Word));
                    let first = || self.peer(peer).and_then(|peer| peer.first);
                    let lasts = match (rings, is_word) {
                        // It is not waited for any longer than it lasts.
                        (true, true) => ring.saturating_sub(SPARE),
                        (true, false) => ring,
                        (false, _) => first().unwrap_or_else(|| health.first(path)),
                    };
                    position.on_begun(target, path, now);
                    let place = (!is_word).then_some(way.tries.len());
                    legs.push(Leg { target, peer, path, rings, began: now, over: now + lasts, place });
                    let it = Try { cursor, target, peer, rings, after: way.end, lasts, line };
                    way.tries.extend(place.map(|_| it));
                }
                Act::Wait(until) => {
                    // Whoever is rung with it is rung in the same moment.
                    let agent = legs.iter().find(|leg| leg.rings && self.is(leg.target, TargetKind::Agent));
                    if let Some(agent) = agent {
                        way.answered = Some(agent.target);
                        return way;
                    }
                    let over = legs.iter().map(|leg| leg.over).min();
                    let Some(next) = over.into_iter().chain(until).min() else { return way };
                    now = now.max(next);
                    if let Some(ended) = legs.iter().position(|leg| leg.over <= now) {
                        let leg = legs.remove(ended);
                        self.ends(&leg, now, &mut position, &mut health);
                    }
                }
                Act::Leave => {
                    // With nobody ringing nothing is cut short.
                    way.cut = if legs.is_empty() { way.cut } else { Some(way.end) };
                    for leg in legs.drain(..) {
                        let Some(place) = leg.place else {
                            position.on_said(leg.target);
                            continue;
                        };
                        let meaning = if leg.rings { Meaning::NoAnswer } else { Meaning::Silence };
                        position.on_over(leg.target, leg.peer, None, Go::NextTarget, meaning);
                        if let Some(it) = way.tries.get_mut(place) {
                            it.lasts = way.end.saturating_sub(it.after);
                        }
                    }
                }
                Act::End => return way,
            }
        }
        way
    }

    /// Every peer that a call may meet that enters this course: nothing else of a fault is its concern.
    #[must_use]
    pub fn met(&self, course: CourseId) -> BTreeSet<PeerId> {
        let mut met = BTreeSet::new();
        for course in self.walked(course).into_iter().filter_map(|id| self.course(id)) {
            met.extend(course.every_step().filter_map(|step| step.when.as_ref()).flat_map(When::peers));
            met.extend(course.every_step().flat_map(Step::rings).flat_map(|target| self.ways(target)));
        }
        met
    }

    /// What is believed of those whom a call may meet: all well, but for the dead, if that is known.
    fn seen(&self, roads: &Roads, course: CourseId, fault: &Fault) -> Health {
        // Who shares a failure domain with one of those says nothing of them: whoever is alive is known to be well, and whoever is dead is
        // tried last, or not known to be dead.
        let seen = self.met(course);
        let watched: Vec<_> = seen
            .iter()
            .flat_map(|id| {
                roads.of(*id).iter().map(|path| (*path, self.peer(*id).and_then(|peer| peer.probe)))
            })
            .collect();
        let (mut health, mut out) = (Health::new(0), Vec::new());
        health.watch(&watched, Time::ZERO);
        for peer in seen {
            for path in roads.of(peer) {
                let well = Sign::Alive { round_trip: None, resent: 0 };
                health.on_sign(*path, Source::Probe, well, Time::ZERO, &mut out);
                let mut second = 0;
                while fault.known
                    && fault.down.contains(&peer)
                    && health.believed(*path) != Standing::Down
                    && second < BEGAN.as_micros() / 1_000_000
                {
                    second += 1;
                    let at = Time::from_micros(second * 1_000_000);
                    health.on_sign(*path, Source::Probe, Sign::Miss, at, &mut out);
                }
            }
        }
        health
    }

    fn is(&self, target: TargetId, kind: TargetKind) -> bool {
        self.target(target).is_some_and(|target| target.kind == kind)
    }

    /// A try is over as the router judges it.
    fn ends(&self, leg: &Leg, now: Time, position: &mut Position, health: &mut Health) {
        if leg.place.is_none() {
            return position.on_said(leg.target);
        }
        let carrier = self.peer(leg.peer).and_then(Peer::carrier);
        let speaker = if carrier.is_some() { Speaker::Trunk } else { Speaker::Site };
        let took = now.since(leg.began);
        let (outcome, reached) = match leg.rings {
            true => (Outcome::RangOut(took), Reached::Rang),
            false => (Outcome::Silent(took), Reached::Nobody),
        };
        let rules = Rules { own: None, dialect: None };
        let verdict = verdict(Case { speaker, outcome, reached, took }, rules);
        if let Some(sign) = verdict.sign {
            health.on_sign(leg.path, Source::Call, sign, now, &mut Vec::new());
        }
        position.on_over(leg.target, leg.peer, carrier, verdict.go, verdict.meaning);
    }
}
