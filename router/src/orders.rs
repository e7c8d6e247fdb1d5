//! What people have switched by hand: overrides that are in force, who gets no new calls, numbers that ring elsewhere. It is a part of
//! the plan value, so that all who ask the plan know it: a switch is a plan that says the same but for its orders.

use crate::next::DEPTH_MAX;
use crate::plan::{Course, CourseId, Declined, Member, Plan, Step};
use crate::target::{CarrierId, Peer, PeerId, Reach, TargetId};
use crate::when::When;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that is switched by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// The overrides that are in force: `storm`, or `acme/storm` for one customer alone.
    pub overrides: BTreeSet<Arc<str>>,
    /// Destinations that get no new calls.
    pub drained: BTreeSet<TargetId>,
    /// Peers by which no new call goes out: the trunks of drained carriers, the machines of drained sites and services.
    pub closed: BTreeSet<PeerId>,
    /// Whom calls to a number ring first, instead of what its course says; `*` is the numbers that nobody listed. A number that the plan does
    /// not list is not diverted.
    pub diverted: BTreeMap<Arc<str>, Member>,
}

impl Orders {
    /// Is nothing switched?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.overrides.is_empty() && !self.drain_somebody() && self.diverted.is_empty()
    }

    /// Is there anybody who gets no new calls?
    pub(crate) fn drain_somebody(&self) -> bool {
        !self.drained.is_empty() || !self.closed.is_empty()
    }

    /// No new call rings this destination, and none is redirected to where it is.
    pub fn drain(&mut self, plan: &Plan, target: TargetId) {
        self.drained.insert(target);
        let Some(Reach::Sip(ways)) = plan.target(target).map(|target| &target.reach) else { return };
        let ways: Vec<&Peer> = ways.iter().filter_map(|id| plan.peer(*id)).collect();
        let leads_there = |id: &PeerId| {
            let is_there =
                |peer: &Peer| ways.iter().any(|way| way.host == peer.host && way.port == peer.port);
            plan.peer(*id).is_some_and(is_there)
        };
        if let Some(Reach::Sip(own)) = plan.target(target).map(|target| &target.reach) {
            self.closed.extend(own);
        }
        self.closed.extend(ways.iter().flat_map(|way| &way.follow));
        self.closed.extend(plan.peers.iter().flat_map(|peer| &peer.follow).filter(|id| leads_there(id)));
    }

    /// No new call goes out by this carrier; what comes in from it is taken.
    pub fn drain_carrier(&mut self, plan: &Plan, carrier: CarrierId) {
        let of_it = (0..).map(PeerId).zip(&plan.peers).filter(|(_, peer)| peer.carrier() == Some(carrier));
        self.closed.extend(of_it.map(|(id, _)| id));
    }
}

impl Plan {
    /// The plan that says the same, with these orders instead of those that it has.
    #[must_use]
    pub fn ordered(self: &Arc<Self>, orders: Orders) -> Arc<Self> {
        let base = self.unordered();
        if orders.is_empty() {
            return Arc::clone(base);
        }
        let mut plan = Self { base: Some(Arc::clone(base)), ..Self::clone(base) };
        for (number, to) in &orders.diverted {
            let course = if &**number == "*" { base.unlisted } else { base.numbers.get(number).copied() };
            let Some(diverted) = course.and_then(|course| plan.divert(course, *to)) else { continue };
            match plan.numbers.get_mut(number) {
                Some(course) => *course = diverted,
                None => plan.unlisted = Some(diverted),
            }
        }
        plan.orders = orders;
        Arc::new(plan)
    }

    /// The plan as its file has it, with nothing switched.
    #[must_use]
    pub fn unordered(self: &Arc<Self>) -> &Arc<Self> {
        self.base.as_ref().unwrap_or(self)
    }

    /// Has only been switched by hand what one of them says otherwise than the other? For plans that
    /// [`ordered`](Self::ordered) has made; of two that were read from files it says no, whatever they say.
    #[must_use]
    pub fn differs_in_orders_alone(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self.unordered(), other.unordered())
    }

    /// Every override that a step of this plan asks for.
    #[must_use]
    pub fn overrides(&self) -> BTreeSet<&Arc<str>> {
        self.courses.iter().flat_map(Course::overrides).flatten().collect()
    }

    /// The overrides that make a difference, each by the name that holds for most.
    #[must_use]
    pub fn words(&self) -> BTreeSet<&Arc<str>> {
        self.courses.iter().flat_map(Course::overrides).filter_map(<[_]>::last).collect()
    }

    /// The same for calls that enter this course.
    #[must_use]
    pub fn words_of(&self, course: CourseId) -> BTreeSet<&Arc<str>> {
        let courses = self.walked(course).into_iter().filter_map(|id| self.course(id));
        courses.flat_map(Course::overrides).filter_map(<[_]>::last).collect()
    }

    /// The plan that says the same, with one more override in force.
    #[must_use]
    pub fn under(self: &Arc<Self>, word: &Arc<str>) -> Arc<Self> {
        let mut orders = self.orders.clone();
        orders.overrides.insert(Arc::clone(word));
        self.ordered(orders)
    }

    /// A course of its own for calls that ring somebody else first: he, and then what always answers in the course that they would have had.
    fn divert(&mut self, from: CourseId, to: Member) -> Option<CourseId> {
        let mut course = self.course(from)?.clone();
        let first = Step {
            members: vec![to],
            when: None,
            say: None,
            ring: None,
            stagger: Duration::ZERO,
            declined: Declined::Next,
            from: None,
            confirm: None,
            line: 0,
        };
        course.steps = self.then_floor(&first, &course.steps);
        course.closed = course.closed.map(|closed| self.then_floor(&first, &closed));
        Some(self.add(Course { busy: None, full: None, ..course }, from))
    }

    fn then_floor(&mut self, first: &Step, steps: &[Step]) -> Vec<Step> {
        let floor = self.floor_of(steps, 0);
        core::iter::once(first.clone()).chain(floor).collect()
    }

    /// What always answers in a list.
    fn floor_of(&mut self, steps: &[Step], depth: usize) -> Option<Step> {
        let mut sure = steps.iter().filter(|step| step.when.is_none() && depth < DEPTH_MAX);
        sure.find_map(|step| {
            let inner = step.members.iter().find_map(|member| match member {
                Member::Course(inner) => Some(*inner),
                Member::Target(_) => None,
            });
            let members: Vec<Member> = match inner {
                Some(inner) => vec![Member::Course(self.floor_course(inner, depth + 1)?)],
                None => step.members.iter().copied().filter(|member| self.agent(member).is_some()).collect(),
            };
            (!members.is_empty()).then(|| Step { members, ..step.clone() })
        })
    }

    /// A course of nothing but what always answers in another one, open and closed.
    fn floor_course(&mut self, of: CourseId, depth: usize) -> Option<CourseId> {
        let course = self.course(of)?.clone();
        let steps = vec![self.floor_of(&course.steps, depth)?];
        let closed = match &course.closed {
            Some(closed) => Some(vec![self.floor_of(closed, depth)?]),
            None => None,
        };
        Some(self.add(Course { steps, closed, busy: None, full: None, ..course }, of))
    }

    /// Adds a course that is in all else as another one: its clock, its cap, whom a call back rings.
    fn add(&mut self, course: Course, like: CourseId) -> CourseId {
        let id = CourseId(u32::try_from(self.courses.len()).unwrap_or(u32::MAX));
        self.courses.push(course);
        if let Some(zone) = self.zones.get(&like).cloned() {
            self.zones.insert(id, zone);
        }
        if let Some(cap) = self.caps.get(&like).copied() {
            self.caps.insert(id, cap);
        }
        self.emergency.add(like);
        id
    }
}

impl Course {
    /// Every override that a step of it asks for: see [`When::overrides`].
    pub fn overrides(&self) -> impl Iterator<Item = &[Arc<str>]> {
        self.every_step().filter_map(|step| step.when.as_ref()).flat_map(When::overrides)
    }
}
