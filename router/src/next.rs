//! The one decision: what a call does next. Asked by the live router, the simulator and every explanation.

use crate::choice::Choice;
use crate::emergency::Urgent;
use crate::health::Health;
use crate::path::Path;
use crate::plan::{Course, CourseId, Declined, Member, Plan, Step};
use crate::position::{Cursor, Frame, INVITES_MAX, List, Party, Pass, Position};
use crate::roads::Roads;
use crate::target::{PeerId, TargetId};
use crate::verdict::Meaning;
use crate::when::{Facts, When};
use core::time::Duration;
use sip::Time;
use std::sync::Arc;

/// What a call does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The step this belongs to.
    pub cursor: Cursor,
    /// What to do.
    pub act: Act,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ring this destination by this path now, then ask again.
    Ring {
        /// Who.
        target: TargetId,
        /// By which peer.
        peer: PeerId,
        /// By which path.
        path: Path,
        /// How long it may ring.
        ring: Duration,
        /// What follows if he declines.
        declined: Declined,
        /// The line of the step in the plan file.
        line: u32,
    },
    /// Nothing to begin: ask again when a leg is over, or at this time.
    Wait(Option<Time>),
    /// The legs that live are given up for the step of this move; then ask again.
    Leave,
    /// Nobody is left.
    End,
}

/// How long a whole walk may take: under Timer C (RFC 3261 §16.6 step 11), which is a backstop and not a plan.
pub const WALK_MAX: Duration = Duration::from_secs(180);

/// Steps looked at in one decision, nested courses included: more than any plan has.
pub(crate) const STEPS_MAX: usize = 1_000;

/// Courses inside courses. The plan file's are checked for circles; this bounds what is left.
pub const DEPTH_MAX: usize = 16;

impl Plan {
    /// Says what a call at this position does next. Pure: the same position, beliefs and time give the same move,
    /// live, simulated, in a drill and in an explanation.
    #[must_use]
    pub fn next(&self, at: &Position, health: &Health, now: Time, roads: &Roads) -> Move {
        let ask = Ask { plan: self, at, health, now, roads };
        if at.to_floor || now >= at.began + WALK_MAX || at.invites >= INVITES_MAX && at.live() == 0 {
            return ask.at_last();
        }
        if let Some(cursor) = ask.cut_short() {
            return Move { cursor, act: Act::Leave };
        }
        let mut cursor = at.cursor.clone();
        for _ in 0..STEPS_MAX {
            let Some(step) = ask.settle(&mut cursor) else {
                if cursor.pass == Pass::Second {
                    return Move { cursor, act: Act::End };
                }
                cursor = Cursor::new(at.root, Pass::Second);
                continue;
            };
            // What is down is tried before a machine of ours answers, but for who is full where the plan says what then.
            let waits = cursor.pass == Pass::First && cursor.frame.list != List::Full;
            if waits && self.is_floor(step) {
                // Once it is late there is no time for that.
                let here = Cursor { pass: Pass::Second, ..cursor.clone() };
                cursor = if ask.is_late() { here } else { Cursor::new(at.root, Pass::Second) };
                continue;
            }
            match ask.after_word(step, ask.begin(step, cursor.pass)) {
                Some(act) => return Move { cursor, act },
                None => ask.leave(&mut cursor, step),
            }
        }
        Move { cursor, act: Act::End }
    }

    /// The course that a call to this user part has; else the one of `"*"`.
    #[must_use]
    pub fn course_of(&self, user: &[u8]) -> Option<(CourseId, bool)> {
        let listed = self.listed(user).map(|(_, course)| (course, true));
        listed.or(self.unlisted.map(|course| (course, false)))
    }

    /// The number that this user part stands for, as it is listed: as it is written, without its parameters and visual
    /// separators, with and without the plus and the country code of North America.
    #[must_use]
    pub fn listed(&self, user: &[u8]) -> Option<(&Arc<str>, CourseId)> {
        // Most numbers are written as they are listed.
        let listed =
            |number: &str| self.numbers.get_key_value(number).map(|(number, course)| (number, *course));
        if let Some(found) = core::str::from_utf8(user).ok().and_then(listed) {
            return Some(found);
        }
        let written = sip::uri::unescape(user);
        let written = String::from_utf8_lossy(&written);
        let bare = written.split(';').next().unwrap_or_default();
        let digits: String = bare.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
        let plain = digits.strip_prefix('+').or(digits.strip_prefix("00")).unwrap_or(&digits);
        listed(bare)
            .or_else(|| listed(&digits))
            .or_else(|| listed(&format!("+{plain}")))
            .or_else(|| listed(plain))
            .or_else(|| if plain.len() == 10 { listed(&format!("+1{plain}")) } else { None })
    }

    /// Which of our numbers was called: as it is listed, else as it is written, without its parameters.
    #[must_use]
    pub fn number_of<'a>(&'a self, user: &'a [u8]) -> &'a [u8] {
        let listed = self.listed(user).map(|(number, _)| number.as_bytes());
        listed.or_else(|| user.split(|byte| *byte == b';').next()).unwrap_or_default()
    }

    /// Where a course is entered at this second since 1970: its first step, or the first of `closed`.
    #[must_use]
    pub fn entrance(&self, course: CourseId, unix: i64) -> Frame {
        let closed = self.course(course).is_some_and(|it| {
            it.closed.is_some()
                && it.hours.as_ref().is_some_and(|hours| !hours.open_at(self.zone_of(course), unix))
        });
        Frame { course, list: if closed { List::Closed } else { List::Steps }, step: 0 }
    }

    /// Where a course is entered by a call that may be urgent: a call back rings all phones, whatever the hours.
    #[must_use]
    pub fn entrance_for(&self, urgent: Option<Urgent>, course: CourseId, unix: i64) -> Frame {
        let has_phones = || self.emergency.callback(course).is_some_and(|steps| !steps.is_empty());
        match urgent {
            Some(Urgent::Callback) if has_phones() => Frame { course, list: List::Callback, step: 0 },
            Some(Urgent::Callback | Urgent::Emergency) | None => self.entrance(course, unix),
        }
    }

    /// The steps of one of a course's lists.
    #[must_use]
    pub fn list(&self, frame: Frame) -> &[Step] {
        let Some(course) = self.course(frame.course) else { return &[] };
        let list = match frame.list {
            List::Steps => Some(&course.steps),
            List::Closed => course.closed.as_ref(),
            List::Busy => course.busy.as_ref(),
            List::Full => course.full.as_ref(),
            List::Callback => self.emergency.callback(frame.course),
        };
        list.map_or(&[], Vec::as_slice)
    }

    /// The step that a frame stands on.
    #[must_use]
    pub fn step(&self, frame: Frame) -> Option<&Step> {
        self.list(frame).get(frame.step)
    }

    fn rings_a_service(&self, step: &Step) -> impl Iterator<Item = TargetId> {
        step.members.iter().filter_map(|member| match member {
            Member::Target(id) if self.target(*id).is_some_and(|it| it.kind.answers()) => Some(*id),
            Member::Target(_) | Member::Course(_) => None,
        })
    }
}

/// One question to the plan.
pub(crate) struct Ask<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) at: &'a Position,
    pub(crate) health: &'a Health,
    pub(crate) now: Time,
    pub(crate) roads: &'a Roads,
}

impl<'a> Ask<'a> {
    pub(crate) const fn choice(&self) -> Choice<'_> {
        Choice { plan: self.plan, at: self.at, health: self.health, roads: self.roads, now: self.now }
    }

    /// Goes into courses and out of finished ones, past what is not to be now, until the cursor stands on a step that rings somebody;
    /// `None` at the end of the plan.
    pub(crate) fn settle(&self, cursor: &mut Cursor) -> Option<&'a Step> {
        for _ in 0..STEPS_MAX {
            let frame = cursor.frame;
            let Some(step) = self.plan.list(frame).get(frame.step) else {
                cursor.go_out()?;
                cursor.advance();
                continue;
            };
            if step
                .when
                .as_ref()
                .is_some_and(|when| !self.is_begun(cursor) && !self.is_so(when, frame.course))
            {
                cursor.advance();
                continue;
            }
            let Some(Member::Course(inner)) = step.members.first() else { return Some(step) };
            if cursor.frames().count() >= DEPTH_MAX || cursor.frames().any(|outer| outer.course == *inner) {
                cursor.advance();
            } else {
                cursor.enter(self.plan.entrance(*inner, self.at.unix));
            }
        }
        None
    }

    /// Is it the step that the call is in? What it asked for has been asked.
    fn is_begun(&self, cursor: &Cursor) -> bool {
        self.at.invites > 0 && *cursor == self.at.cursor
    }

    fn is_so(&self, when: &When, course: CourseId) -> bool {
        let (health, roads, zone) = (self.health, self.roads, self.plan.zone_of(course));
        when.holds(Facts { health, roads, zone, orders: &self.plan.orders, unix: self.at.unix })
    }

    /// What to do in this step; `None` if it is over.
    fn begin(&self, step: &Step, pass: Pass) -> Option<Act> {
        let live = step.rings().any(|target| self.at.party(target).is_some_and(|party| party.live));
        let room = self.at.live() < self.at.breadth && self.at.invites < INVITES_MAX;
        let (live_by, mut turn) = (self.live_by(), None);
        if room && live_by.is_some_and(|by| by <= self.now) {
            // Their turn has come, whatever the pauses of the step.
            let service = self.plan.rings_a_service(step).find(|target| self.may_ring(*target));
            let way = service.and_then(|target| Some((target, self.choice().best(target, pass)?)));
            if let Some((target, way)) = way {
                return Some(self.ring(step, target, way));
            }
        }
        for target in step.rings() {
            let party = self.at.party(target);
            if !room || party.is_some_and(|party| party.live || party.done.is_some()) {
                continue;
            }
            let Some((peer, path)) = self.choice().best(target, pass) else { continue };
            let due = self.at.last_begun + step.stagger;
            if party.is_some() || !live || self.now >= due {
                return Some(self.ring(step, target, (peer, path)));
            }
            turn = Some(due);
            break;
        }
        let live_by = live_by.filter(|by| *by > self.now);
        live.then(|| Act::Wait(earlier(turn, live_by)))
    }

    /// Ringing this destination of a step by this way.
    pub(crate) fn ring(&self, step: &Step, target: TargetId, (peer, path): (PeerId, Path)) -> Act {
        let ring = step.ring.or(self.plan.target(target).map(|target| target.ring));
        let (ring, declined, line) = (ring.unwrap_or(WALK_MAX), step.declined, step.line);
        Act::Ring { target, peer, path, ring, declined, line }
    }

    /// What would follow if this destination were done and had not answered.
    pub(crate) fn without(&self, target: TargetId) -> Move {
        let mut without = self.at.clone();
        without.pass_by(target);
        self.plan.next(&without, self.health, self.now, self.roads)
    }

    /// The step is over: on to the next one, or to the `busy` list if somebody in it was busy, or to the `full` list if
    /// everybody in it is full.
    pub(crate) fn leave(&self, cursor: &mut Cursor, step: &Step) {
        let said = |target: TargetId| self.at.party(target).and_then(Party::meaning);
        let open = |target: TargetId| self.at.party(target).is_none_or(|party| party.done.is_none());
        let full = |target: TargetId| open(target) && self.choice().is_full(target);
        let (mut busy, mut all_full, mut some_full) = (false, cursor.pass == Pass::First, false);
        for member in &step.members {
            match member {
                Member::Target(target) => {
                    busy |= said(*target) == Some(Meaning::Busy);
                    // Whoever was taken out by hand is as if he were not in it.
                    if all_full && !self.choice().is_drained(*target) {
                        all_full = full(*target);
                        some_full |= all_full;
                    }
                }
                Member::Course(_) => all_full = false,
            }
        }
        let frame = &mut cursor.frame;
        let course = self.plan.course(frame.course);
        let has = |list: List| match list {
            List::Busy => {
                course.is_some_and(|course| course.busy.is_some())
                    && !matches!(frame.list, List::Busy | List::Callback)
            }
            List::Full => {
                course.is_some_and(|course| course.full.is_some())
                    && matches!(frame.list, List::Steps | List::Closed)
            }
            List::Steps | List::Closed | List::Callback => false,
        };
        if busy && has(List::Busy) {
            *frame = Frame { list: List::Busy, step: 0, ..*frame };
        } else if some_full && all_full && has(List::Full) {
            *frame = Frame { list: List::Full, step: 0, ..*frame };
        } else {
            cursor.advance();
        }
    }

    /// `live_within` is over and nobody whose job is to answer is rung: the next step that rings one.
    fn cut_short(&self) -> Option<Cursor> {
        if self.live_by()? > self.now {
            return None;
        }
        let mut cursor = self.at.cursor.clone();
        let here = self.settle(&mut cursor)?;
        if self.plan.rings_a_service(here).any(|target| self.may_ring(target)) {
            return None;
        }
        for _ in 0..STEPS_MAX {
            cursor.advance();
            let step = self.settle(&mut cursor)?;
            if self.plan.rings_a_service(step).any(|target| self.may_ring(target)) {
                return Some(cursor);
            }
        }
        None
    }

    fn may_ring(&self, target: TargetId) -> bool {
        let party = self.at.party(target);
        party.is_none_or(|party| party.done.is_none()) && self.choice().best(target, Pass::First).is_some()
    }

    /// Is it high time for somebody whose job is to answer?
    fn is_late(&self) -> bool {
        self.live_by().is_some_and(|by| by <= self.now)
    }

    /// When somebody whose job is to answer must be ringing; `None` if one is already.
    pub(crate) fn live_by(&self) -> Option<Time> {
        // Whoever waits for help is rung for until somebody answers.
        if self.at.urgent.is_some() {
            return None;
        }
        let is_service =
            |party: &Party| self.plan.target(party.target).is_some_and(|target| target.kind.answers());
        // Nor is somebody passed by who has answered and is about to press 1.
        if self.at.parties.iter().any(|party| party.live && (party.hears || is_service(party))) {
            return None;
        }
        let course: &Course = self.plan.course(self.at.root.course)?;
        Some(self.at.began + course.live_within)
    }
}

/// The earlier of two times that lies ahead; a time that has passed asks for nothing.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (time, None) | (None, time) => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Sign, Source};
    use crate::hours::{Hours, Window};
    use crate::names::Names;
    use crate::path::{Listener, Transport};
    use crate::presentation::Reason;
    use crate::target::TargetKind;
    use crate::target::{Carrier, CarrierId, Peer, PeerKind, Reach, Target, made};
    use crate::verdict::Go;
    use std::collections::BTreeMap;

    const OFFICE: u32 = 0;
    const ANA: u32 = 1;
    const BEN: u32 = 2;
    const ANSWERING: u32 = 3;

    fn peer(name: &str, kind: PeerKind, last: u8) -> Peer {
        made::peer(name, kind, [192, 0, 2, last].into())
    }

    fn step(targets: &[u32]) -> Step {
        let members = targets.iter().map(|target| Member::Target(TargetId(*target))).collect();
        Step::ringing(members, 0)
    }

    /// Two carriers (.1, .2), an office with two machines (.11, .12), two mobiles, an answering service by number.
    fn plan(steps: Vec<Step>, busy: Option<Vec<Step>>, closed: Option<Vec<Step>>) -> Plan {
        let target = |name: &str, kind, reach, ring| Target {
            name: name.into(),
            kind,
            reach,
            ring: Duration::from_secs(ring),
            confirm: false,
        };
        let number = |number: &str| Reach::Number(number.into());
        Plan {
            peers: vec![
                peer("telnyx", PeerKind::Trunk(CarrierId(0)), 1),
                peer("bandwidth", PeerKind::Trunk(CarrierId(1)), 2),
                peer("office-1", PeerKind::Site, 11),
                peer("office-2", PeerKind::Site, 12),
            ],
            carriers: vec![
                Carrier { name: "telnyx".into(), trunks: vec![PeerId(0)] },
                Carrier { name: "bandwidth".into(), trunks: vec![PeerId(1)] },
            ],
            targets: vec![
                target("office", TargetKind::Site, Reach::Sip(vec![PeerId(2), PeerId(3)]), 20),
                target("ana", TargetKind::Person, number("+15035550111"), 18),
                target("ben", TargetKind::Person, number("+15035550112"), 18),
                target("answering", TargetKind::Service, number("+18005550199"), 20),
            ],
            courses: vec![Course {
                name: "main".into(),
                steps,
                closed,
                busy,
                full: None,
                hours: Some(Hours {
                    windows: vec![Window { days: 0b1_1111, from: 480, to: 1_020 }],
                    ..Hours::default()
                }),
                live_within: Duration::from_secs(40),
            }],
            ..Plan::default()
        }
    }

    /// One call against a plan, decision by decision.
    struct Try {
        plan: Plan,
        roads: Roads,
        health: Health,
        at: Position,
        now: Time,
    }

    impl Try {
        /// Begins on a Thursday at this hour, UTC.
        fn at_hour(plan: Plan, hour: i64) -> Self {
            let listener = Listener {
                transport: Transport::Udp,
                address: "192.0.2.100:5060".parse().unwrap(),
                advertise: ("192.0.2.100".to_owned(), 5060),
            };
            let roads = Roads::new(&plan, &[listener], &Names::new());
            let mut health = Health::new(1);
            health.watch(&roads.watched(&plan), Time::ZERO);
            let unix = hour * 3_600;
            let at = Position::new(plan.entrance(CourseId(0), unix), 60, Time::ZERO, unix);
            Self { plan, roads, health, at, now: Time::ZERO }
        }

        fn open(plan: Plan) -> Self {
            Self::at_hour(plan, 10)
        }

        fn down(mut self, peers: &[u32]) -> Self {
            for peer in peers {
                for path in self.roads.of(PeerId(*peer)) {
                    for second in 0..3 {
                        let at = Time::ZERO + Duration::from_secs(second);
                        self.health.on_sign(*path, Source::Call, Sign::Miss, at, &mut Vec::new());
                    }
                }
            }
            self
        }

        /// What the plan says until it waits: `office by 11`.
        fn rings(&mut self) -> Vec<String> {
            let mut rung = Vec::new();
            loop {
                let step = self.plan.next(&self.at, &self.health, self.now, &self.roads);
                self.at.cursor = step.cursor;
                match step.act {
                    Act::Ring { target, path, .. } => {
                        let core::net::IpAddr::V4(ip) = path.remote.ip() else { panic!("no IPv6 here") };
                        let name = Arc::clone(&self.plan.target(target).unwrap().name);
                        rung.push(format!("{name} by {}", ip.octets()[3]));
                        self.at.on_begun(target, path, self.now);
                    }
                    Act::Wait(None) => return rung,
                    Act::Wait(Some(until)) => {
                        rung.push(format!("ask at {until}"));
                        return rung;
                    }
                    Act::Leave => {
                        rung.push("leave".to_owned());
                        return rung;
                    }
                    Act::End => {
                        rung.push("end".to_owned());
                        return rung;
                    }
                }
            }
        }

        fn over(&mut self, target: u32, peer: u32, go: Go, meaning: Meaning) -> Vec<String> {
            let carrier = self.plan.peer(PeerId(peer)).and_then(Peer::carrier);
            self.at.on_over(TargetId(target), PeerId(peer), carrier, go, meaning);
            self.rings()
        }
    }

    #[test]
    fn each_step_follows_when_the_one_before_is_over() {
        let mut call =
            Try::open(plan(vec![step(&[OFFICE]), step(&[ANA, BEN]), step(&[ANSWERING])], None, None));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        assert_eq!(
            call.over(OFFICE, 2, Go::NextTarget, Meaning::NoAnswer),
            ["ana by 1", "ben by 1", "ask at 40.000s"]
        );
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::Declined), ["ask at 40.000s"]);
        assert_eq!(call.over(BEN, 0, Go::NextTarget, Meaning::NoAnswer), ["answering by 1"]);
        assert_eq!(call.over(ANSWERING, 0, Go::NextTarget, Meaning::NoAnswer), ["end"]);
    }

    #[test]
    fn a_failed_path_is_followed_by_the_next_to_the_same_destination() {
        let mut call = Try::open(plan(vec![step(&[OFFICE]), step(&[ANA])], None, None));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        assert_eq!(
            call.over(OFFICE, 2, Go::NextAddress, Meaning::Silence),
            ["office by 12", "ask at 40.000s"]
        );
        assert_eq!(call.over(OFFICE, 3, Go::NextAddress, Meaning::Silence), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextCarrier, Meaning::PathFailure), ["ana by 2", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 1, Go::NextCarrier, Meaning::PathFailure), ["end"]);
    }

    #[test]
    fn an_unknown_number_is_asked_of_one_other_carrier_only() {
        let mut plan = plan(vec![step(&[ANA])], None, None);
        plan.peers.push(peer("third", PeerKind::Trunk(CarrierId(2)), 3));
        plan.carriers.push(Carrier { name: "third".into(), trunks: vec![PeerId(4)] });
        let mut call = Try::open(plan);
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(
            call.over(ANA, 0, Go::OtherCarrierOnce, Meaning::NotFound),
            ["ana by 2", "ask at 40.000s"]
        );
        assert_eq!(call.over(ANA, 1, Go::OtherCarrierOnce, Meaning::NotFound), ["end"]);
    }

    #[test]
    fn what_is_down_is_skipped_and_tried_last() {
        let steps = vec![step(&[OFFICE]), step(&[ANA]), step(&[ANSWERING])];
        let mut call = Try::open(plan(steps, None, None)).down(&[0, 2, 3]);
        assert_eq!(call.rings(), ["ana by 2", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 1, Go::NextCarrier, Meaning::PathFailure), ["answering by 2"]);
        assert_eq!(
            call.over(ANSWERING, 1, Go::NextTarget, Meaning::NoAnswer),
            ["office by 11", "ask at 40.000s"]
        );
        assert_eq!(
            call.over(OFFICE, 2, Go::NextAddress, Meaning::Silence),
            ["office by 12", "ask at 40.000s"]
        );
        assert_eq!(call.over(OFFICE, 3, Go::NextAddress, Meaning::Silence), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextCarrier, Meaning::PathFailure), ["end"]);
    }

    /// The plan whose first carrier has a second trunk (.3).
    fn two_trunks(steps: Vec<Step>) -> Plan {
        let mut plan = plan(steps, None, None);
        plan.peers.push(peer("telnyx-2", PeerKind::Trunk(CarrierId(0)), 3));
        plan.carriers[0].trunks.push(PeerId(4));
        plan
    }

    #[test]
    fn after_silence_a_way_that_shares_no_domain_is_tried_first() {
        let mut call = Try::open(two_trunks(vec![step(&[ANA]), step(&[BEN])]));
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextAddress, Meaning::Silence), ["ana by 2", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 1, Go::NextTrunk, Meaning::PathFailure), ["ana by 3", "ask at 40.000s"]);
        assert_eq!(
            call.over(ANA, 4, Go::NextTarget, Meaning::NoAnswer),
            ["ben by 2", "ask at 40.000s"],
            "the next destination of this call has no need to find out again"
        );
    }

    #[test]
    fn after_an_answer_the_next_trunk_of_the_same_carrier_is_tried() {
        let mut call = Try::open(two_trunks(vec![step(&[ANA])]));
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextTrunk, Meaning::PathFailure), ["ana by 3", "ask at 40.000s"]);
    }

    #[test]
    fn a_way_that_is_suspect_is_no_better_for_sharing_nothing() {
        let mut call = Try::open(two_trunks(vec![step(&[ANA])]));
        let other = call.roads.of(PeerId(1))[0];
        call.health.on_sign(other, Source::Call, Sign::Miss, Time::ZERO, &mut Vec::new());
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextAddress, Meaning::Silence), ["ana by 3", "ask at 40.000s"]);
    }

    /// An office with two machines and an annex (.13), all on one grid.
    fn one_grid() -> Plan {
        let annex = Target {
            name: "annex".into(),
            kind: TargetKind::Site,
            reach: Reach::Sip(vec![PeerId(4)]),
            ring: Duration::from_secs(20),
            confirm: false,
        };
        let mut plan = plan(vec![step(&[4]), step(&[ANA])], None, None);
        plan.peers.push(peer("annex", PeerKind::Site, 13));
        plan.targets.push(annex);
        plan.peers.iter_mut().skip(2).for_each(|peer| peer.domains = vec!["grid".into()]);
        plan
    }

    #[test]
    fn what_is_in_a_failed_domain_comes_after_what_is_outside() {
        let mut call = Try::open(one_grid()).down(&[2, 3]);
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::NoAnswer), ["annex by 13", "ask at 40.000s"]);
    }

    #[test]
    fn a_domain_has_not_failed_while_one_is_down_or_one_is_well() {
        let mut call = Try::open(one_grid()).down(&[2]);
        assert_eq!(call.rings(), ["annex by 13", "ask at 40.000s"]);
        let mut plan = one_grid();
        plan.peers.push(Peer { domains: vec!["grid".into()], ..peer("shop", PeerKind::Site, 14) });
        let mut call = Try::open(plan).down(&[2, 3]);
        let shop = call.roads.of(PeerId(5))[0];
        let alive = Sign::Alive { round_trip: None, resent: 0 };
        call.health.on_sign(shop, Source::Probe, alive, Time::ZERO, &mut Vec::new());
        assert_eq!(call.rings(), ["annex by 13", "ask at 40.000s"]);
    }

    #[test]
    fn everything_down_is_tried_all_the_same_in_the_plans_order() {
        let mut call = Try::open(plan(vec![step(&[OFFICE]), step(&[ANA])], None, None)).down(&[0, 1, 2, 3]);
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
    }

    #[test]
    fn busy_takes_the_busy_list_and_never_the_same_destination() {
        let steps = vec![step(&[OFFICE]), step(&[ANA])];
        let busy = vec![step(&[OFFICE]), step(&[BEN])];
        let mut call = Try::open(plan(steps, Some(busy), None));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        assert_eq!(call.over(OFFICE, 2, Go::NextTarget, Meaning::Busy), ["ben by 1", "ask at 40.000s"]);
        assert_eq!(call.over(BEN, 0, Go::NextTarget, Meaning::NoAnswer), ["end"]);
    }

    #[test]
    fn outside_the_hours_the_closed_list_is_walked() {
        let closed = Some(vec![step(&[ANSWERING])]);
        let mut call = Try::at_hour(plan(vec![step(&[OFFICE])], None, closed), 20);
        assert_eq!(call.rings(), ["answering by 1"]);
    }

    #[test]
    fn members_follow_each_other_by_the_stagger_or_at_once_when_nobody_is_left_ringing() {
        let staggered = Step { stagger: Duration::from_secs(5), ..step(&[ANA, BEN, ANSWERING]) };
        let mut call = Try::open(plan(vec![staggered], None, None));
        assert_eq!(call.rings(), ["ana by 1", "ask at 5.000s"]);
        call.now = Time::from_micros(5_000_000);
        assert_eq!(call.rings(), ["ben by 1", "ask at 10.000s"]);
        call.now = Time::from_micros(7_000_000);
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::Declined), ["ask at 10.000s"]);
        assert_eq!(call.over(BEN, 0, Go::NextTarget, Meaning::Declined), ["answering by 1"]);
    }

    #[test]
    fn live_within_jumps_to_somebody_whose_job_is_to_answer() {
        let steps = vec![step(&[OFFICE]), step(&[ANA]), step(&[BEN]), step(&[ANSWERING])];
        let mut call = Try::open(plan(steps, None, None));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        assert_eq!(call.over(OFFICE, 2, Go::NextTarget, Meaning::NoAnswer), ["ana by 1", "ask at 40.000s"]);
        call.now = Time::from_micros(40_000_000);
        let jump = call.plan.next(&call.at, &call.health, call.now, &call.roads);
        assert_eq!(jump.act, Act::Leave, "ana's leg is given up");
        call.at.cursor = jump.cursor;
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::NoAnswer), ["answering by 1"]);
    }

    #[test]
    fn pauses_of_a_step_keep_nobody_waiting_beyond_live_within() {
        let staggered = Step { stagger: Duration::from_secs(30), ..step(&[ANA, BEN, ANSWERING]) };
        let mut call = Try::open(plan(vec![staggered], None, None));
        assert_eq!(call.rings(), ["ana by 1", "ask at 30.000s"]);
        call.now = Time::from_micros(30_000_000);
        assert_eq!(call.rings(), ["ben by 1", "ask at 40.000s"]);
        call.now = Time::from_micros(40_000_000);
        assert_eq!(call.rings(), ["answering by 1"]);
    }

    #[test]
    fn a_step_with_a_condition_is_passed_by_unless_it_is_so_when_its_turn_comes() {
        let branch = Step { when: Some(When::Down(vec![PeerId(2)])), ..step(&[ANA]) };
        let steps = vec![branch, step(&[BEN]), step(&[ANSWERING])];
        let mut call = Try::open(plan(steps.clone(), None, None));
        assert_eq!(call.rings(), ["ben by 1", "ask at 40.000s"], "the office is up");
        let mut call = Try::open(plan(steps, None, None)).down(&[2]);
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"], "the office is down");
        // It comes up again while ana's phone rings: who rings goes on ringing, and the step is over when he is.
        let office = call.roads.of(PeerId(2))[0];
        for second in 10..60 {
            let alive = Sign::Alive { round_trip: None, resent: 0 };
            let at = Time::ZERO + Duration::from_secs(second);
            call.health.on_sign(office, Source::Call, alive, at, &mut Vec::new());
        }
        assert_ne!(call.health.believed(office), crate::health::Standing::Down);
        assert_eq!(call.rings(), ["ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::NoAnswer), ["ben by 1", "ask at 40.000s"]);
        assert_eq!(call.over(BEN, 0, Go::NextTarget, Meaning::NoAnswer), ["answering by 1"]);
    }

    #[test]
    fn a_course_inside_a_course_is_walked_and_left_again() {
        let mut plan = plan(vec![step(&[OFFICE])], None, None);
        let inner = Step { members: vec![Member::Course(CourseId(1))], ..step(&[]) };
        plan.courses[0].steps = vec![inner, step(&[BEN])];
        plan.courses.push(Course {
            name: "inner".into(),
            steps: vec![step(&[ANA])],
            ..plan.courses[0].clone()
        });
        let mut call = Try::open(plan);
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::NoAnswer), ["ben by 1", "ask at 40.000s"]);
    }

    #[test]
    fn a_walk_ends_after_180_seconds_or_20_invites() {
        let mut call = Try::open(plan(vec![step(&[OFFICE])], None, None));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        call.now = Time::ZERO + WALK_MAX;
        assert_eq!(call.rings(), ["end"]);
        let mut call = Try::open(plan(vec![step(&[OFFICE])], None, None));
        call.at.invites = INVITES_MAX;
        assert_eq!(call.rings(), ["end"]);
    }

    #[test]
    fn a_number_is_found_however_the_carrier_writes_it() {
        let mut plan = plan(vec![step(&[OFFICE])], None, None);
        plan.numbers =
            BTreeMap::from([("+15035550100".into(), CourseId(0)), ("reception".into(), CourseId(0))]);
        for written in [
            "+15035550100",
            "15035550100",
            "5035550100",
            "0015035550100",
            "+1-503-555-0100",
            "+15035550100;npdi",
            "%2B15035550100",
            "reception",
        ] {
            assert_eq!(plan.course_of(written.as_bytes()), Some((CourseId(0), true)), "{written}");
        }
        assert_eq!(plan.course_of(b"+15035550101"), None);
        plan.unlisted = Some(CourseId(0));
        assert_eq!(plan.course_of(b"+15035550101"), Some((CourseId(0), false)));
    }

    /// The plan, and what is said before the step with this number: by the site at .21.
    fn with_word(mut plan: Plan, before: usize) -> Plan {
        plan.peers.push(peer("notice", PeerKind::Agent, 21));
        plan.targets.push(Target {
            name: "notice".into(),
            kind: TargetKind::Word,
            reach: Reach::Sip(vec![PeerId(4)]),
            ring: Duration::from_secs(10),
            confirm: false,
        });
        plan.courses[0].steps[before].say = Some(TargetId(4));
        plan
    }

    #[test]
    fn what_is_said_before_a_step_comes_once_and_before_whoever_is_rung_in_it() {
        let steps = vec![step(&[OFFICE]), step(&[ANA, BEN]), step(&[ANSWERING])];
        let mut call = Try::open(with_word(plan(steps, None, None), 1));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        assert_eq!(
            call.over(OFFICE, 2, Go::NextTarget, Meaning::NoAnswer),
            ["notice by 21", "ask at 40.000s"]
        );
        call.at.on_said(TargetId(4));
        assert_eq!(call.rings(), ["ana by 1", "ben by 1", "ask at 40.000s"]);
        assert_eq!(call.at.reason(TargetId(ANA)), Reason::NoAnswer);
        assert_eq!(call.over(ANA, 0, Go::NextCarrier, Meaning::PathFailure), ["ana by 2", "ask at 40.000s"]);
    }

    #[test]
    fn nothing_is_said_before_a_step_that_is_passed_over_until_the_second_pass() {
        let steps = || vec![step(&[OFFICE]), step(&[ANA])];
        let mut call = Try::open(with_word(plan(steps(), None, None), 0)).down(&[2, 3]);
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::NoAnswer), ["notice by 21", "ask at 40.000s"]);
        call.at.on_said(TargetId(4));
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
        // What is down itself says nothing.
        let mut call = Try::open(with_word(plan(steps(), None, None), 0)).down(&[4]);
        assert_eq!(call.rings(), ["office by 11", "ask at 40.000s"]);
    }

    #[test]
    fn a_floor_that_is_late_is_not_kept_waiting_for_who_is_down() {
        let mut plan = plan(vec![step(&[OFFICE]), step(&[ANA]), step(&[ANSWERING])], None, None);
        plan.targets[ANSWERING as usize].kind = TargetKind::Agent;
        let mut call = Try::open(plan).down(&[2, 3]);
        assert_eq!(call.rings(), ["ana by 1", "ask at 40.000s"]);
        call.now = Time::ZERO + Duration::from_secs(40);
        assert_eq!(call.rings(), ["leave"]);
        assert_eq!(call.over(ANA, 0, Go::NextTarget, Meaning::NoAnswer), ["answering by 1"]);
    }
}
