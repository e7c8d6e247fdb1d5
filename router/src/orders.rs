//! What people have switched by hand: overrides that are in force, who gets no new calls, numbers that ring elsewhere. It is a part of
//! the plan value, so that all who ask the plan know it: a switch is a plan that says the same but for its orders.

use crate::next::DEPTH_MAX;
use crate::plan::{Course, CourseId, Member, Plan, Step};
use crate::target::{CarrierId, Peer, PeerId, Reach, TargetId};
use crate::when::When;
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
        let first = Step::ringing(vec![to], 0);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emergency::Emergency;
    use crate::hours::Zone;
    use crate::spent::Cap;
    use crate::target::{Peer, PeerKind, Target, TargetKind, made};
    use core::time::Duration;

    const OFFICE: Member = Member::Target(TargetId(0));
    const ANA: Member = Member::Target(TargetId(1));
    const INBOX: Member = Member::Target(TargetId(2));
    const NIGHT: Member = Member::Target(TargetId(3));

    fn step(members: &[Member], line: u32) -> Step {
        Step::ringing(members.to_vec(), line)
    }

    fn course(name: &str, steps: Vec<Step>, closed: Option<Vec<Step>>) -> Course {
        let live_within = Duration::from_secs(40);
        Course {
            name: name.into(),
            steps,
            closed,
            busy: Some(Vec::new()),
            full: None,
            hours: None,
            live_within,
        }
    }

    /// An office, Ana, two mailboxes; a number with these courses.
    fn plan(courses: Vec<Course>) -> Arc<Plan> {
        let target = |name: &str, kind| Target {
            name: name.into(),
            kind,
            reach: Reach::Number("+15035550111".into()),
            ring: Duration::from_secs(20),
            confirm: false,
        };
        let mut plan = Plan {
            targets: vec![
                target("office", TargetKind::Site),
                target("ana", TargetKind::Person),
                target("inbox", TargetKind::Agent),
                target("night", TargetKind::Agent),
            ],
            courses,
            numbers: BTreeMap::from([("100".into(), CourseId(0)), ("101".into(), CourseId(0))]),
            ..Plan::default()
        };
        plan.emergency = Emergency::of(&plan, BTreeSet::from(["911".into()]));
        Arc::new(plan)
    }

    fn divert(number: &str, to: Member) -> Orders {
        Orders { diverted: BTreeMap::from([(number.into(), to)]), ..Orders::default() }
    }

    fn members(steps: &[Step]) -> Vec<(&[Member], u32)> {
        steps.iter().map(|step| (step.members.as_slice(), step.line)).collect()
    }

    #[test]
    fn a_diverted_course_is_in_all_else_as_the_one_that_it_stands_for() {
        let main = course("main", vec![step(&[OFFICE], 1), step(&[INBOX], 2)], Some(vec![step(&[NIGHT], 3)]));
        let mut base = Plan::clone(&plan(vec![main]));
        let zone = Arc::new(Zone { name: "UTC".into(), offsets: Vec::new() });
        base.zones.insert(CourseId(0), Arc::clone(&zone));
        base.caps.insert(CourseId(0), Cap { calls_per_hour: Some(7), ..Cap::default() });
        let base = Arc::new(base);
        let plan = base.ordered(divert("101", ANA));
        assert_eq!(plan.numbers, BTreeMap::from([("100".into(), CourseId(0)), ("101".into(), CourseId(1))]));
        let diverted = plan.course(CourseId(1)).unwrap();
        assert_eq!(members(&diverted.steps), [(&[ANA][..], 0), (&[INBOX], 2)]);
        assert_eq!(members(diverted.closed.as_ref().unwrap()), [(&[ANA][..], 0), (&[NIGHT], 3)]);
        assert_eq!((&*diverted.name, &diverted.busy), ("main", &None), "its cap is counted by its name");
        assert_eq!(plan.zones.get(&CourseId(1)), Some(&zone));
        assert_eq!(plan.caps.get(&CourseId(1)), base.caps.get(&CourseId(0)));
        let callback = |course| plan.emergency.callback(CourseId(course));
        assert!(
            callback(1).is_some() && callback(1) == callback(0),
            "a call back rings whom it would have rung"
        );
        // What nobody lists is nobody's to divert; and the file is still there.
        assert!(plan.ordered(divert("102", ANA)).courses.len() == 1 && Arc::ptr_eq(plan.unordered(), &base));
    }

    #[test]
    fn the_floor_is_the_first_step_that_always_answers_however_deep_it_lies() {
        let storm = When::Override(vec!["storm".into()]);
        let unsure = Step { when: Some(storm), ..step(&[NIGHT], 1) };
        let inner = |closed| course("inner", vec![step(&[ANA, INBOX], 5)], closed);
        let outer = || vec![unsure.clone(), step(&[Member::Course(CourseId(1))], 2), step(&[NIGHT], 3)];
        let of = |courses: Vec<Course>| {
            let plan = plan(courses).ordered(divert("100", ANA));
            let root = plan.numbers.get("100").copied().unwrap();
            let steps = plan.course(root).unwrap().steps.clone();
            let inside = steps.last().and_then(|step| match step.members.first() {
                Some(Member::Course(id)) => plan.course(*id).cloned(),
                Some(Member::Target(_)) | None => None,
            });
            (steps.last().cloned().unwrap(), inside)
        };
        let (last, inside) = of(vec![course("main", outer(), None), inner(Some(vec![step(&[NIGHT], 6)]))]);
        let inside = inside.unwrap();
        assert_eq!(
            (last.line, members(&inside.steps)),
            (2, vec![(&[INBOX][..], 5)]),
            "Ana is not rung by it"
        );
        assert_eq!(members(&inside.closed.unwrap()), [(&[NIGHT][..], 6)]);
        // One that answers while it is open alone is none.
        let (last, inside) = of(vec![course("main", outer(), None), inner(Some(vec![step(&[ANA], 6)]))]);
        assert_eq!((members(&[last]), inside), (vec![(&[NIGHT][..], 3)], None));
        let (last, _) = of(vec![course("main", vec![step(&[OFFICE], 1)], None)]);
        assert_eq!(members(&[last]), [(&[ANA][..], 0)], "there was none");
    }

    #[test]
    fn a_drained_site_is_its_machines_and_the_places_that_are_named_for_them() {
        let peer = |name: &str, last: u8, follow: &[u32]| Peer {
            follow: follow.iter().map(|id| PeerId(*id)).collect(),
            ..made::peer(name, PeerKind::Site, [192, 0, 2, last].into())
        };
        let mut plan = Plan::clone(&plan(Vec::new()));
        plan.peers = vec![
            peer("office", 1, &[1]),
            peer("office/follow/1", 2, &[1]),
            peer("ava", 3, &[3, 4]),
            peer("ava/follow/1", 1, &[3, 4]),
            peer("ava/follow/2", 4, &[3, 4]),
        ];
        plan.targets.iter_mut().take(1).for_each(|office| office.reach = Reach::Sip(vec![PeerId(0)]));
        let mut orders = Orders::default();
        orders.drain(&plan, TargetId(0));
        assert_eq!(orders.closed, BTreeSet::from([0, 1, 3].map(PeerId)));
        assert_eq!(orders.drained, BTreeSet::from([TargetId(0)]));
    }
}
