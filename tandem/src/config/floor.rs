//! The floor of a plan: what answers on this machine where nobody else does, so that no call ends with nobody.

use crate::codes::Code;
use crate::config::Source;
use crate::config::draft::{CourseDraft, Draft, ListDraft, Rung, StepDraft};
use crate::config::names::split;
use crate::config::reader::{Problems, quoted, shown};
use crate::config::settings::DEPTH_MAX;
use crate::diagnostic::{Diagnostic, Span};
use router::plan::CourseId;
use router::target::{Target, TargetId, TargetKind};
use std::collections::BTreeSet;

/// Looks at the plans that a number has. A plan inside of others needs no floor: the walk comes back from it.
pub(super) fn run(draft: &Draft, problems: &mut Problems<'_>) {
    let mut floors = Floors { draft, known: vec![None; draft.courses.len()] };
    let numbers = draft.plan.numbers.values().copied();
    for id in numbers.chain(draft.plan.unlisted).collect::<BTreeSet<CourseId>>() {
        let Some(course) = draft.courses.get(id.0 as usize) else { continue };
        for (name, list) in course.lists() {
            let floor = list.steps.iter().position(|step| floors.step(step, DEPTH_MAX));
            problems.found.extend(match floor {
                Some(floor) => never_reached(&mut floors, list, floor),
                None => open_end(draft, course, name, list, problems.source),
            });
        }
    }
}

/// Which plans always end with what answers on this machine, each judged once.
struct Floors<'a> {
    draft: &'a Draft,
    known: Vec<Option<bool>>,
}

impl Floors<'_> {
    fn is_agent(&self, id: TargetId) -> bool {
        self.draft.plan.target(id).is_some_and(|target| target.kind == TargetKind::Agent)
    }

    fn step(&mut self, step: &StepDraft, deep: usize) -> bool {
        let is_sure = step.when.is_none();
        step.members.is_empty() || is_sure && step.members.iter().any(|(rung, _)| self.rung(*rung, deep))
    }

    fn rung(&mut self, rung: Rung, deep: usize) -> bool {
        match rung {
            Rung::Target(id) => self.is_agent(id),
            Rung::Course(id) => self.course(id, deep),
            // It has been refused already, and might have been one.
            Rung::Later | Rung::Nobody => true,
        }
    }

    /// Whether all lists of a plan have one: any of them may be the one that is walked.
    fn course(&mut self, id: CourseId, deep: usize) -> bool {
        let slot = id.0 as usize;
        let (Some(course), Some(deeper)) = (self.draft.courses.get(slot), deep.checked_sub(1)) else {
            return false;
        };
        if let Some(Some(known)) = self.known.get(slot) {
            return *known;
        }
        let found = course.lists().all(|(_, list)| list.steps.iter().any(|step| self.step(step, deeper)));
        if let Some(slot) = self.known.get_mut(slot) {
            *slot = Some(found);
        }
        found
    }
}

/// E116: a list in which each step may fail; L003, if the plan says that it may.
fn open_end(
    draft: &Draft,
    course: &CourseDraft,
    key: &str,
    list: &ListDraft,
    source: &Source,
) -> Option<Diagnostic> {
    let last = list.steps.last()?;
    let name = shown(&course.name);
    let at = |problem: Diagnostic| problem.at(list.span.clone(), "if all of this fails, so does the call");
    if !course.floor {
        let title = format!("`{key}` of plan `{name}` may end with nobody: the carrier has the last word");
        let problem = at(Diagnostic::new(Code::L003, title));
        return Some(
            problem.help("see to it that the carrier goes on elsewhere then, or end it with a mailbox"),
        );
    }
    let title = format!("`{key}` of plan `{name}` can end with nobody: it has no floor");
    let mut problem = at(Diagnostic::new(Code::E116, title));
    if let Some(inner) = last.course().and_then(|(id, _)| draft.courses.get(id.0 as usize)) {
        problem = problem.at(inner.span.clone(), "nor do all lists of this one have one");
    }
    let (customer, _) = split(&course.name);
    let is_at_hand = |target: &&Target| {
        let (whose, _) = split(&target.name);
        let shared = whose.is_none() && !draft.mailboxes.by_name.contains_key(&target.name);
        target.kind == TargetKind::Agent && (whose == customer || shared)
    };
    let own_first = |target: &&Target| split(&target.name).0 != customer;
    let problem = match draft.plan.targets.iter().filter(is_at_hand).min_by_key(own_first) {
        Some(agent) => {
            let (span, text) = longer(list, last, split(&agent.name).1, source);
            problem.fix("end it with what answers on this machine:", span, text)
        }
        None => problem.help(DEFINE_ONE),
    };
    Some(problem.help(OR_SAY_SO))
}

/// A list with one more step, as a change to the file.
fn longer(list: &ListDraft, last: &StepDraft, floor: &str, source: &Source) -> (Span, String) {
    let floor = quoted(floor);
    if last.span != list.span {
        return (last.span.end..last.span.end, format!(", {floor}"));
    }
    let alone = source.text().get(last.span.clone()).unwrap_or_default();
    (list.span.clone(), format!("[{alone}, {floor}]"))
}

/// L003: whoever stands after a floor, or rings together with it, has no chance.
fn never_reached(floors: &mut Floors<'_>, list: &ListDraft, at: usize) -> Option<Diagnostic> {
    // What is nobody might have been anybody.
    let is_known = |(rung, _): &(Rung, Span)| !matches!(rung, Rung::Later | Rung::Nobody);
    let floor =
        list.steps.get(at).filter(|floor| !floor.members.is_empty() && floor.members.iter().all(is_known))?;
    let beside = floor.members.iter().find(|(rung, _)| !floors.rung(*rung, DEPTH_MAX));
    if let Some((_, beside)) = beside.filter(|_| floor.stagger.is_zero()) {
        let problem = Diagnostic::new(Code::L003, "what always answers rings together with others");
        let problem =
            problem.at(beside.clone(), "has no time to answer").at(floor.span.clone(), "in this step");
        return Some(
            problem.help("make the mailbox or announcement the next step, or give it time with `stagger`"),
        );
    }
    let after = list.steps.get(at + 1..)?.iter().find(|step| !floors.step(step, DEPTH_MAX))?;
    let problem = Diagnostic::new(Code::L003, "a step stands behind what always answers");
    let problem = problem.at(after.span.clone(), "rings only if that one cannot answer");
    Some(problem.at(floor.span.clone(), "always answers").help("put it before that one, or take it out"))
}

const DEFINE_ONE: &str = "define `inbox = \"office@nguyen.example\"` under `[mailboxes]`, or `sorry = \"busy\"` under `[announcements]`, \
     and end it with that: it answers on this machine";
const OR_SAY_SO: &str = "if the carrier is to have the last word, say so in the plan: `floor = false`; or for all of them in `[defaults]`";
