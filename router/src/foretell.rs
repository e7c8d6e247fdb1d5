//! What a call would live through: the same [`Plan::next`] is asked in virtual time, with these peers dead, and nobody there to answer but
//! this process. Who is rung on the way might: each of them ends the call sooner.

use crate::health::{Health, Sign, Source, Standing};
use crate::plan::{CourseId, Plan, Step};
use crate::position::{Frame, LEGS_MAX, Position};
use crate::roads::Roads;
use crate::target::{PeerId, TargetKind};
use crate::way::{Begun, Fate, Walker, Way};
use crate::when::When;
use crate::word::SPARE;
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

/// The call comes when all that is known has been seen.
const BEGAN: Time = Time::from_micros(60_000_000);

impl Plan {
    /// What a call that enters the plan there, at this second since 1970, would live through. Pure, and without a network: nothing is
    /// as far as a call takes to get there.
    #[must_use]
    pub fn foretell(&self, roads: &Roads, entrance: Frame, unix: i64, fault: &Fault) -> Way {
        let health = self.seen(roads, entrance.course, fault);
        let position = Position::new(entrance, LEGS_MAX, BEGAN, unix);
        let fate = |it: Begun, _: &Health| match self.target(it.target).map(|target| target.kind) {
            _ if fault.down.contains(&it.peer) => Fate::SILENT,
            // It is not waited for any longer than it lasts.
            Some(TargetKind::Word) => Fate::said(it.ring.saturating_sub(SPARE)),
            Some(TargetKind::Agent) => Fate::ANSWERS,
            Some(TargetKind::Site | TargetKind::Person | TargetKind::Service) | None => Fate::RINGS,
        };
        Walker { plan: self, roads, health, position, gone: None }.walk(fate, |_, _| ())
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
}
