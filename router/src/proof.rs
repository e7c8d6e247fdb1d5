//! All outages of a plan: for each course every single thing and every pair of things that fail. Most touch few courses, so a course is
//! walked only for those that hold somebody whom its calls may meet, and a pair only if the second changes what is met after the first.

use crate::foretell::Fault;
use crate::outage::Thing;
use crate::plan::{CourseId, Plan};
use crate::position::Frame;
use crate::roads::Roads;
use crate::target::{PeerId, TargetId};
use crate::way::Way;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// How many things fail together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None.
    Nothing,
    /// Each by itself.
    Singles,
    /// Each by itself, and every two.
    Pairs,
}

/// The worst that callers meet while so many things have failed, noticed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What has failed: places among the things.
    pub things: Vec<usize>,
    /// Who of those whose job is to answer rings then, and after how long; `None`: nobody does.
    pub live: Option<(TargetId, Duration)>,
}

/// What callers of a course have to expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst {
    /// The worst while at most none, one, two things have failed; as many as the depth asks for.
    pub cases: Vec<Case>,
    /// How many ways have been walked for it.
    pub walks: u64,
}

/// What can fail of a plan, and whom that concerns.
#[derive(Debug)]
pub struct Outages<'a> {
    plan: &'a Plan,
    roads: &'a Roads,
    things: &'a [Thing],
    /// The things that each peer is in.
    of: BTreeMap<PeerId, Vec<usize>>,
}

impl<'a> Outages<'a> {
    /// Works out what each peer is in.
    #[must_use]
    pub fn new(plan: &'a Plan, roads: &'a Roads, things: &'a [Thing]) -> Self {
        let mut of: BTreeMap<PeerId, Vec<usize>> = BTreeMap::new();
        for (place, thing) in things.iter().enumerate() {
            for peer in &thing.peers {
                of.entry(*peer).or_default().push(place);
            }
        }
        Self { plan, roads, things, of }
    }

    /// Walks a course in every case that is its concern, and shows each way: what fails, whether that is known, what comes of it. A case
    /// that is not shown is as the one without what does not concern it.
    pub fn of_course(
        &self,
        course: CourseId,
        unix: i64,
        depth: Depth,
        mut show: impl FnMut(&[usize], bool, &Way),
    ) {
        let entrance = self.plan.entrance(course, unix);
        show(&[], false, &self.way(entrance, unix, &[], false));
        if depth == Depth::Nothing {
            return;
        }
        let concern = self.concern(course);
        for (nth, one) in concern.iter().enumerate() {
            self.both(entrance, unix, &[*one], &mut show);
            let others = if depth == Depth::Pairs { concern.get(nth + 1..).unwrap_or_default() } else { &[] };
            for other in others {
                self.both(entrance, unix, &[*one, *other], &mut show);
            }
        }
    }

    /// The worst of all these ways.
    #[must_use]
    pub fn worst(&self, course: CourseId, unix: i64, depth: Depth) -> Worst {
        let mut worst = Worst { cases: Vec::new(), walks: 0 };
        self.of_course(course, unix, depth, |things, _, way| {
            worst.walks += 1;
            let live = way.live(self.plan);
            let late = |live: Option<(TargetId, Duration)>| live.map_or(Duration::MAX, |(_, after)| after);
            // The first way is the one without an outage.
            let nothing = || Case { things: Vec::new(), live };
            while worst.cases.len() <= things.len() {
                let before = worst.cases.last().cloned();
                worst.cases.push(before.unwrap_or_else(nothing));
            }
            for case in worst.cases.iter_mut().skip(things.len()) {
                if late(live) > late(case.live) {
                    *case = Case { things: things.to_vec(), live };
                }
            }
        });
        let wanted = match depth {
            Depth::Nothing => 1,
            Depth::Singles => 2,
            Depth::Pairs => 3,
        };
        while worst.cases.len() < wanted {
            let Some(last) = worst.cases.last().cloned() else { break };
            worst.cases.push(last);
        }
        worst
    }

    /// How many ways [`of_course`](Self::of_course) walks.
    #[must_use]
    pub fn walks(&self, course: CourseId, depth: Depth) -> u64 {
        let concern = u64::try_from(self.concern(course).len()).unwrap_or(u64::MAX);
        match depth {
            Depth::Nothing => 1,
            Depth::Singles => 1 + 2 * concern,
            Depth::Pairs => 1 + 2 * concern + concern * concern.saturating_sub(1),
        }
    }

    fn both(
        &self,
        entrance: Frame,
        unix: i64,
        broken: &[usize],
        show: &mut impl FnMut(&[usize], bool, &Way),
    ) {
        for known in [false, true] {
            show(broken, known, &self.way(entrance, unix, broken, known));
        }
    }

    fn way(&self, entrance: Frame, unix: i64, broken: &[usize], known: bool) -> Way {
        let down = broken.iter().filter_map(|place| self.things.get(*place)).flat_map(|thing| &thing.peers);
        self.plan.foretell(self.roads, entrance, unix, &Fault { down: down.copied().collect(), known })
    }

    /// The things whose failure a call that enters this course may notice: those that hold somebody whom it may meet.
    #[must_use]
    pub fn concern(&self, course: CourseId) -> Vec<usize> {
        let met = self.plan.met(course);
        let places: BTreeSet<usize> =
            met.iter().filter_map(|peer| self.of.get(peer)).flatten().copied().collect();
        places.into_iter().collect()
    }
}

impl Depth {
    /// The deepest that takes some seconds at most, where a depth means so many walks.
    #[must_use]
    pub fn affordable(walks: impl Fn(Self) -> u64) -> Self {
        let depth = [Self::Pairs, Self::Singles].into_iter().find(|depth| walks(*depth) <= WALKS_MAX);
        depth.unwrap_or(Self::Nothing)
    }
}

/// Some seconds, at some microseconds a walk.
const WALKS_MAX: u64 = 2_000_000;
