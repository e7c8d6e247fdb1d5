//! What orders do to callers, and whom they leave without anybody who is alive.

use crate::foretold::{Group, in_both, in_full, is_same, named};
use crate::moment::weekly;
use core::fmt;
use core::ops::Range;
use router::Plan;
use router::foretell::Fault;
use router::plan::CourseId;
use router::roads::Roads;
use router::target::{PeerId, TargetId, TargetKind};
use router::way::Way;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What changes for callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What changes for which numbers, in the order of the numbers.
    pub changes: Vec<Change>,
    /// For how many numbers something changes, and for how many nothing.
    pub numbers: (usize, usize),
}

/// What changes for the numbers of one plan, from one moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which numbers.
    pub numbers: Vec<String>,
    /// The first moment of which this is so: seconds since 1970.
    pub unix: i64,
    /// The same as the plan's clock says it.
    pub at: String,
    /// Who is rung before, in words.
    pub was: String,
    /// Who is rung afterwards.
    pub now: String,
    /// Do they lose the last whom their calls have rung: a site, a person or a service?
    pub loses: bool,
}

impl Effect {
    /// The changes by which numbers lose their last human.
    pub fn losses(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.loses)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.numbers {
            (0, _) => return out.write_str("Nothing changes for callers.\n"),
            (1, 0) => out.write_str("The one number changes.\n")?,
            (1, same) => writeln!(out, "1 number changes, {same} do not.")?,
            (all, 0) => writeln!(out, "All {all} numbers change.")?,
            (changed, same) => writeln!(out, "{changed} numbers change, {same} do not.")?,
        }
        self.changes.iter().take(SHOWN).try_for_each(|change| write!(out, "{change}"))?;
        match self.changes.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(out, "  … and {more} more"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<&str> = self.numbers.iter().map(String::as_str).collect();
        let loses = if self.loses { "  loses its last human" } else { "" };
        let loses = if self.loses && numbers.len() > 1 { "  lose their last human" } else { loses };
        writeln!(out, "  {}, {}{loses}", named(&numbers), self.at)?;
        writeln!(out, "    was  {}\n    now  {}", self.was, self.now)
    }
}

/// What callers notice of the step from one plan to another that differs from it in orders alone, in this span of seconds since 1970, while
/// these are down. Nobody is rung by it, and nothing else is walked than what these orders may touch.
#[must_use]
pub fn effect(
    before: &Arc<Plan>,
    after: &Arc<Plan>,
    roads: &Roads,
    fault: &Fault,
    span: Range<i64>,
) -> Effect {
    let touched = Touched::of(before, after);
    let ask = Ask { before, after, roads, fault, span };
    let (mut changes, mut changed, mut same) = (Vec::new(), 0, 0);
    for group in in_both(before, after) {
        let (Some(old), Some(new)) = (group.old, group.new) else { continue };
        let told = if touched.holds(before, old, new) { ask.changes(&group, old, new) } else { Vec::new() };
        *if told.is_empty() { &mut same } else { &mut changed } += group.numbers.len();
        changes.extend(told);
    }
    Effect { changes, numbers: (changed, same) }
}

/// What one plan has switched and the other has not.
struct Touched {
    overrides: BTreeSet<Arc<str>>,
    targets: BTreeSet<TargetId>,
    peers: BTreeSet<PeerId>,
    /// The courses that the file has; what comes behind them was made for a number that is diverted.
    written: usize,
}

impl Touched {
    fn of(before: &Arc<Plan>, after: &Arc<Plan>) -> Self {
        let (old, new) = (&before.orders, &after.orders);
        Self {
            overrides: &old.overrides ^ &new.overrides,
            targets: &old.drained ^ &new.drained,
            peers: &old.closed ^ &new.closed,
            written: before.unordered().courses.len(),
        }
    }

    /// May a call notice, that had this course and has that one?
    fn holds(&self, plan: &Plan, old: CourseId, new: CourseId) -> bool {
        let is_made = |course: CourseId| course.0 as usize >= self.written;
        old != new || is_made(old) || plan.walked(old).into_iter().any(|course| self.is_in(plan, course))
    }

    fn is_in(&self, plan: &Plan, course: CourseId) -> bool {
        let Some(course) = plan.course(course) else { return false };
        let rings = |target: TargetId| {
            self.targets.contains(&target) || plan.ways(target).any(|way| self.peers.contains(&way))
        };
        !self.overrides.is_empty() && course.overrides().flatten().any(|name| self.overrides.contains(name))
            || course.every_step().flat_map(router::plan::Step::rings).any(rings)
    }
}

struct Ask<'a> {
    before: &'a Plan,
    after: &'a Plan,
    roads: &'a Roads,
    fault: &'a Fault,
    span: Range<i64>,
}

impl Ask<'_> {
    fn changes(&self, group: &Group<'_>, old: CourseId, new: CourseId) -> Vec<Change> {
        let mut found: Vec<Change> = Vec::new();
        let moments = |plan: &Plan, course| plan.moments_until(course, self.span.start, self.span.end);
        let both = [moments(self.before, old), moments(self.after, new)];
        let moments: BTreeSet<i64> = both.into_iter().flatten().map(|moment| moment.unix).collect();
        for unix in moments {
            let way = |plan: &Plan, course| {
                plan.foretell(self.roads, plan.entrance(course, unix), unix, self.fault)
            };
            let (was, now) = (way(self.before, old), way(self.after, new));
            if is_same((self.before, &was), (self.after, &now)) {
                continue;
            }
            let loses = rings_a_human(self.before, &was) && !rings_a_human(self.after, &now);
            let (was, now) = (in_full(self.before, &was), in_full(self.after, &now));
            if found.iter().all(|known| (&known.was, &known.now) != (&was, &now)) {
                let zone = self.after.zone_of(new);
                let at = weekly(unix.saturating_add(i64::from(zone.offset_at(unix))));
                let numbers = group.numbers.iter().map(ToString::to_string).collect();
                found.push(Change { numbers, unix, at, was, now, loses });
            }
        }
        found
    }
}

/// Does it ring at a site, a person's or a service's?
fn rings_a_human(plan: &Plan, way: &Way) -> bool {
    way.tries.iter().filter(|it| it.rings).any(|it| match plan.target(it.target).map(|target| target.kind) {
        Some(TargetKind::Site | TargetKind::Person | TargetKind::Service) => true,
        Some(TargetKind::Agent | TargetKind::Word) | None => false,
    })
}

/// Changes that are shown; who wants all of them asks for JSON.
const SHOWN: usize = 20;
