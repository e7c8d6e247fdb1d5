//! The moments that differ for a call: which of the courses that it may walk are open then.

use crate::hours::{Hours, Zone};
use crate::plan::{CourseId, Member, Plan};
use crate::when::When;
use std::collections::BTreeSet;

/// A moment, and what is closed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub unix: i64,
    /// The courses with a list for it that are closed then, of all that the call may walk.
    pub closed: BTreeSet<CourseId>,
}

/// Hours that a course looks at.
struct Clock<'a> {
    /// The course that is closed outside of them, if one is.
    closes: Option<CourseId>,
    hours: &'a Hours,
    zone: &'a Zone,
}

impl Plan {
    /// One moment for each way in which what a call of this course may walk is open or closed, each the first from `unix` on and within
    /// fifteen days; at most [`MOMENTS_MAX`]. The one with the least that is closed comes first.
    #[must_use]
    pub fn moments(&self, course: CourseId, unix: i64) -> Vec<Moment> {
        self.moments_until(course, unix, unix.saturating_add(SPAN))
    }

    /// The same before the second `until`: the first of them is `unix` whenever that is.
    #[must_use]
    pub fn moments_until(&self, course: CourseId, unix: i64, until: i64) -> Vec<Moment> {
        let until = until.min(unix.saturating_add(SPAN));
        let clocks: Vec<Clock<'_>> = self.walked(course).into_iter().flat_map(|id| self.clocks(id)).collect();
        let mut found: Vec<(Vec<bool>, Moment)> = Vec::new();
        let (mut at, all) = (unix, 1_usize << clocks.len().min(MOMENTS_MAX));
        for _ in 0..EDGES_MAX {
            let open: Vec<bool> = clocks.iter().map(|clock| clock.hours.open_at(clock.zone, at)).collect();
            if found.iter().all(|(known, _)| *known != open) {
                let shut = clocks.iter().zip(&open).filter(|(_, open)| !**open);
                let closed = shut.filter_map(|(clock, _)| clock.closes).collect();
                found.push((open, Moment { unix: at, closed }));
            }
            let next = clocks.iter().filter_map(|clock| clock.hours.next_change(clock.zone, at)).min();
            let Some(next) = next.filter(|next| *next < until) else { break };
            if found.len() >= all.min(MOMENTS_MAX) {
                break;
            }
            at = next;
        }
        let mut found: Vec<Moment> = found.into_iter().map(|(_, moment)| moment).collect();
        found.sort_by_key(|moment| (moment.closed.len(), moment.unix));
        found
    }

    /// The clocks that a course looks at.
    fn clocks(&self, id: CourseId) -> Vec<Clock<'_>> {
        let (Some(course), zone) = (self.course(id), self.zone_of(id)) else { return Vec::new() };
        let own = course.hours.as_ref().filter(|_| course.closed.is_some());
        let own = own.map(|hours| Clock { closes: Some(id), hours, zone });
        let steps = course.every_step().filter_map(|step| step.when.as_ref());
        let asked = steps.flat_map(When::hours).map(|hours| Clock { closes: None, hours, zone });
        own.into_iter().chain(asked).collect()
    }

    /// Every course that a call may walk that enters this one, itself first.
    #[must_use]
    pub fn walked(&self, course: CourseId) -> Vec<CourseId> {
        let (mut seen, mut walked, mut open) = (BTreeSet::from([course]), Vec::new(), vec![course]);
        while let Some(id) = open.pop() {
            let Some(course) = self.course(id) else { continue };
            walked.push(id);
            for member in course.every_step().flat_map(|step| &step.members) {
                match member {
                    Member::Course(inner) => open.extend(seen.insert(*inner).then_some(*inner)),
                    Member::Target(_) => {}
                }
            }
        }
        walked
    }
}

/// More ways of being open are more than anybody reads; a plan has two, or one.
pub const MOMENTS_MAX: usize = 8;

/// A course that opens twice a day has sixty edges in fifteen days.
const EDGES_MAX: usize = 400;

/// Two weeks and a day: a weekly window that the clock skips comes again after two weeks.
const SPAN: i64 = 15 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::Window;
    use crate::plan::{Course, Step};
    use core::time::Duration;

    fn step(members: Vec<Member>) -> Step {
        Step::ringing(members, 0)
    }

    fn course(inner: Option<u32>, open: Option<(u8, u16, u16)>) -> Course {
        let members = inner.map(|id| Member::Course(CourseId(id))).into_iter().collect();
        let window = |(days, from, to)| Window { days, from, to };
        Course {
            name: "a".into(),
            steps: vec![step(members)],
            closed: Some(Vec::new()),
            busy: None,
            full: None,
            hours: open.map(|open| Hours { windows: vec![window(open)], ..Hours::default() }),
            live_within: Duration::from_secs(40),
        }
    }

    /// 2026-01-01 00:00 UTC, a Thursday.
    const NEW_YEAR: i64 = 1_767_225_600;
    const HOUR: i64 = 3600;

    fn moments(courses: Vec<Course>) -> Vec<(i64, Vec<u32>)> {
        let plan = Plan { courses, ..Plan::default() };
        let moments = plan.moments(CourseId(0), NEW_YEAR).into_iter();
        moments
            .map(|moment| ((moment.unix - NEW_YEAR) / HOUR, moment.closed.iter().map(|id| id.0).collect()))
            .collect()
    }

    #[test]
    fn open_comes_before_closed_each_at_its_next_hour() {
        assert_eq!(moments(vec![course(None, Some((0b001_1111, 480, 1020)))]), [(8, vec![]), (0, vec![0])]);
    }

    #[test]
    fn a_course_without_hours_has_one_moment_and_so_has_one_that_never_opens() {
        assert_eq!(moments(vec![course(None, None)]), [(0, vec![])]);
        assert_eq!(moments(vec![course(None, Some((0, 480, 1020)))]), [(0, vec![0])]);
    }

    #[test]
    fn courses_in_courses_are_open_or_closed_by_themselves() {
        // The inner one is open on weekends from noon on; the outer one on all days until six.
        let both =
            vec![course(Some(1), Some((0b111_1111, 0, 1080))), course(None, Some((0b110_0000, 720, 1440)))];
        assert_eq!(
            moments(both),
            [(2 * 24 + 12, vec![]), (0, vec![1]), (2 * 24 + 18, vec![0]), (18, vec![0, 1])]
        );
    }

    #[test]
    fn courses_that_lead_to_each_other_are_walked_once() {
        let round = vec![course(Some(1), None), course(Some(0), None)];
        let plan = Plan { courses: round, ..Plan::default() };
        assert_eq!(plan.walked(CourseId(0)), [CourseId(0), CourseId(1)]);
        assert_eq!(plan.moments(CourseId(0), NEW_YEAR).len(), 1);
    }
}
