//! Calls for help, and calls back from those who were asked for it: before every plan (TRIGGERS, section 6).

use crate::circles::Caller;
use crate::hours::Hours;
use crate::next::{DEPTH_MAX, WALK_MAX};
use crate::plan::{Course, CourseId, Member, Plan, Step};
use crate::target::{Reach, Target, TargetId, TargetKind};
use core::time::Duration;
use sip::{Message, Name, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is urgent about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgent {
    /// A site calls for help: the call goes out by every carrier in turn, whatever is believed of them, as it came.
    Emergency,
    /// Those who were asked for help call back: every phone rings, whatever the hours.
    Callback,
}

/// How a plan has urgent calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emergency {
    /// The emergency numbers, as they are dialled.
    pub numbers: BTreeSet<Arc<str>>,
    /// What a call for help is to: all trunks in the order of the plan.
    target: Option<Target>,
    course: Option<Course>,
    /// For each course of the plan: all its phones together, then its services.
    callbacks: Vec<Vec<Step>>,
}

/// Our numbers that have called for help a moment ago, and are called back perhaps. Bounded by [`WAITING_MAX`]; a restart
/// forgets them.
#[derive(Debug, Default)]
pub struct Waiting {
    until: BTreeMap<Caller, Time>,
}

/// The course of a call for help.
pub const COURSE: CourseId = CourseId(u32::MAX - 1);

/// Whom a call for help is to.
pub const TARGET: TargetId = TargetId(u32::MAX - 1);

/// How long whoever has called for help may be called back: an operator who lost a call tries at once, a patrol that does not
/// find the door within the half hour.
pub const CALLBACK: Duration = Duration::from_secs(1_800);

/// Numbers that are remembered at once: far more than call for help in half an hour. At the bound the one is forgotten that
/// would be next.
pub const WAITING_MAX: usize = 1_024;

/// How long all phones ring for a call back: as long as it takes to come to one.
const RING: Duration = Duration::from_secs(60);

impl Urgent {
    /// In a word, for lists and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Callback => "callback",
        }
    }
}

impl Emergency {
    /// Of a plan, with these numbers.
    #[must_use]
    pub fn of(plan: &Plan, numbers: BTreeSet<Arc<str>>) -> Self {
        let trunks = plan.carriers.iter().flat_map(|carrier| carrier.trunks.iter().copied()).collect();
        let name: Arc<str> = "emergency".into();
        // Whoever waits for help is not given up for another.
        let target = Target {
            name: Arc::clone(&name),
            kind: TargetKind::Service,
            reach: Reach::Sip(trunks),
            ring: WALK_MAX,
            confirm: false,
        };
        let course = Course {
            name,
            steps: vec![step(vec![Member::Target(TARGET)], None)],
            closed: None,
            busy: None,
            full: None,
            hours: None::<Hours>,
            live_within: WALK_MAX,
        };
        let callbacks = plan.courses.iter().map(|course| callback(plan, course)).collect();
        Self { numbers, target: Some(target), course: Some(course), callbacks }
    }

    /// A course was added: a call back rings for it whom it rings for this one.
    pub(crate) fn add(&mut self, like: CourseId) {
        if let Some(steps) = self.callback(like).cloned() {
            self.callbacks.push(steps);
        }
    }

    /// The emergency number that this user part is, however it is written.
    #[must_use]
    pub fn number(&self, user: &[u8]) -> Option<&Arc<str>> {
        let mut digits = [0; DIGITS_MAX];
        let mut count = 0;
        for byte in user.iter().take_while(|byte| **byte != b';') {
            match byte {
                // Most numbers that are called are longer.
                b'0'..=b'9' => *digits.get_mut(count)? = *byte,
                b'-' | b'.' | b'(' | b')' | b' ' | b'+' => continue,
                _ => return None,
            }
            count += 1;
        }
        self.numbers.get(core::str::from_utf8(digits.get(..count)?).ok()?)
    }

    /// Whom a call for help is to.
    #[must_use]
    pub const fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// The course of a call for help.
    #[must_use]
    pub const fn course(&self) -> Option<&Course> {
        self.course.as_ref()
    }

    /// What is walked for a call back that has this course.
    #[must_use]
    pub fn callback(&self, course: CourseId) -> Option<&Vec<Step>> {
        self.callbacks.get(course.0 as usize)
    }
}

/// Digits of the longest emergency number.
pub const DIGITS_MAX: usize = 6;

impl Waiting {
    /// One of our numbers calls for help.
    pub fn on_call(&mut self, number: Caller, now: Time) {
        self.until.retain(|_, until| *until > now);
        if self.until.len() >= WAITING_MAX && !self.until.contains_key(&number) {
            let next = self.until.iter().min_by_key(|(_, until)| **until).map(|(number, _)| *number);
            next.into_iter().for_each(|number| _ = self.until.remove(&number));
        }
        self.until.insert(number, now + CALLBACK);
    }

    /// May a call to this number of ours be the one back?
    #[must_use]
    pub fn waits(&self, called: &[u8], now: Time) -> bool {
        let until = || self.until.get(&Caller::of_number(called)?);
        !self.until.is_empty() && until().is_some_and(|until| *until > now)
    }

    /// How many there are; never more than [`WAITING_MAX`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }
}

/// The number that a call for help shows, to which those who help will call back.
#[must_use]
pub fn shown(request: &Message) -> Option<Caller> {
    let from = request.from_uri().and_then(|uri| Caller::of_uri(request.at(uri)));
    let asserted = || {
        let mut asserted = request.elements(Name::PAssertedIdentity);
        asserted.find_map(|span| Caller::of_uri(sip::NameAddr::parse(request.at(span))?.uri))
    };
    from.or_else(asserted)
}

/// Does it say that it is a call back (RFC 7090)?
#[must_use]
pub fn says_callback(request: &Message) -> bool {
    request.value(Name::Priority).is_some_and(|value| value.eq_ignore_ascii_case(b"psap-callback"))
}

/// All phones of a course together, wherever in it they stand, then its services one after the other.
fn callback(plan: &Plan, course: &Course) -> Vec<Step> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    collect(plan, course, &mut found, &mut seen, 0);
    let kind = |id: &TargetId| plan.target(*id).map(|target| target.kind);
    // No machine of ours comes between those who help and who waits for them.
    found.retain(|id| kind(id) != Some(TargetKind::Agent));
    let (services, phones): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|id| kind(id) == Some(TargetKind::Service));
    let phones: Vec<Member> = phones.into_iter().map(Member::Target).collect();
    let services = services.into_iter().map(|id| step(vec![Member::Target(id)], None));
    let first = (!phones.is_empty()).then(|| step(phones, Some(RING)));
    first.into_iter().chain(services).collect()
}

fn collect(
    plan: &Plan,
    course: &Course,
    found: &mut Vec<TargetId>,
    seen: &mut BTreeSet<CourseId>,
    depth: usize,
) {
    for member in course.every_step().flat_map(|step| &step.members) {
        match member {
            Member::Target(id) if !found.contains(id) => found.push(*id),
            Member::Course(id) if depth < DEPTH_MAX && seen.insert(*id) => {
                if let Some(inner) = plan.course(*id) {
                    collect(plan, inner, found, seen, depth + 1);
                }
            }
            Member::Target(_) | Member::Course(_) => {}
        }
    }
}

fn step(members: Vec<Member>, ring: Option<Duration>) -> Step {
    Step { ring, ..Step::ringing(members, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn an_emergency_number_is_known_however_it_is_written_and_nothing_else_is() {
        let numbers = ["911", "112"].map(Arc::from).into();
        let emergency = Emergency::of(&Plan::default(), numbers);
        let found = |user: &str| emergency.number(user.as_bytes()).map(|number| &**number);
        for user in ["911", "+911", "9-1-1", "(911)", "911;phone-context=+1"] {
            assert_eq!(found(user), Some("911"), "{user}");
        }
        for user in ["", "9", "11", "9911", "+15035550911", "911x", "sos", "112112112"] {
            assert_eq!(found(user), None, "{user}");
        }
    }

    #[test]
    fn who_called_for_help_is_waited_for_half_an_hour() {
        let mut waiting = Waiting::default();
        let number = |number: &str| Caller::of_number(number.as_bytes()).unwrap();
        waiting.on_call(number("+15035550100"), at(0));
        let waits = |waiting: &Waiting, called: &str, now| waiting.waits(called.as_bytes(), at(now));
        assert!(waits(&waiting, "+15035550100", 1_799));
        assert!(!waits(&waiting, "+15035550100", 1_800));
        assert!(!waits(&waiting, "+15035550101", 0) && !waits(&waiting, "reception", 0));
        waiting.on_call(number("+15035550101"), at(1_800));
        assert_eq!(waiting.len(), 1, "the first is forgotten");
    }

    #[test]
    fn of_too_many_the_one_is_forgotten_that_would_be_next() {
        let mut waiting = Waiting::default();
        let number = |n: usize| format!("+1503{n:07}");
        for n in 0..=WAITING_MAX {
            waiting.on_call(Caller::of_number(number(n).as_bytes()).unwrap(), at(n as u64 / 100));
        }
        assert_eq!(waiting.len(), WAITING_MAX);
        let waits = |n: usize| waiting.waits(number(n).as_bytes(), at(11));
        assert_eq!((0..=WAITING_MAX).filter(|n| !waits(*n)).collect::<Vec<_>>(), [0]);
    }
}
