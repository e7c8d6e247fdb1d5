//! `operator` of a mailbox: to whom the key 0 leads. A person or a plan of people: whoever presses 0 has had enough of machines.

use crate::codes::Code;
use crate::config::draft::{CourseDraft, Draft, ListDraft, Rung, StepDraft};
use crate::config::names::{Kind, Names, split};
use crate::config::reader::{Problems, quoted, shown};
use crate::config::settings::LIVE_WITHIN;
use crate::diagnostic::{Diagnostic, Span};
use core::time::Duration;
use router::plan::{CourseId, Declined};
use router::spent::Cap;
use router::target::{Reach, TargetId, TargetKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Gives the calls of every mailbox that has an operator a course.
pub(super) fn read(names: &mut Names<'_>, draft: &mut Draft, problems: &mut Problems<'_>) {
    let mailboxes = draft.mailboxes.by_name.iter();
    let wanted: Vec<_> =
        mailboxes.filter_map(|(mailbox, it)| Some((Arc::clone(mailbox), it.operator.clone()?))).collect();
    for (mailbox, (name, span)) in wanted {
        let (customer, own) = split(&mailbox);
        names.go_to(customer);
        let Some(course) = course(&mailbox, &name, &span, names, draft, problems) else { continue };
        let target = names.find(own).and_then(|named| draft.plan.targets.get(named.id as usize));
        if let Some(Reach::Sip(peers)) = target.map(|target| &target.reach) {
            draft.plan.of_agents.extend(peers.iter().map(|peer| (*peer, course)));
        }
    }
    names.go_to(None);
}

/// The plan that is named, or one with the destination that is named alone.
fn course(
    mailbox: &str,
    name: &str,
    span: &Span,
    names: &mut Names<'_>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) -> Option<CourseId> {
    let to_whom = format!("0 in mailbox `{}` leads to `{}`", shown(mailbox), shown(name));
    let Some((kind, id, defined)) = names.find(name).map(|named| (named.kind, named.id, named.span.clone()))
    else {
        let problem = Diagnostic::new(Code::E101, format!("{to_whom}, which is not defined"));
        let problem = problem.at(span.clone(), "nobody is called so");
        let is_somebody = |kind| matches!(kind, Kind::Site | Kind::Person | Kind::Service | Kind::Plan);
        problems.add(match names.nearest(name, is_somebody) {
            Some((near, _)) => {
                problem.fix(format!("did you mean `{}`?", shown(near)), span.clone(), quoted(near))
            }
            None => problem.help("name somebody of `[sites]`, `[people]` or `[services]`, or a plan"),
        });
        return None;
    };
    let no_person = |what: &str| {
        let problem = Diagnostic::new(Code::E118, format!("{to_whom}, which {what}"));
        let problem = problem.at(span.clone(), "no person").at(defined.clone(), "this one");
        problem.help("name a person, an office or a service (`operator = \"ana\"`), or a plan of these alone: nobody there is not the end, the caller leaves a message")
    };
    match kind {
        Kind::Plan if answers_itself(draft, CourseId(id)) => {
            problems.add(no_person("rings a machine of this node"));
            None
        }
        Kind::Plan => Some(CourseId(id)),
        Kind::Site | Kind::Person | Kind::Service => {
            let course = CourseId(u32::try_from(draft.courses.len()).ok()?);
            draft.courses.push(alone(mailbox, TargetId(id), span, problems));
            Some(course)
        }
        Kind::Mailbox | Kind::Announcement => {
            problems.add(no_person("is a machine of this node"));
            None
        }
        Kind::Group => {
            problems.add(no_person("is a group"));
            None
        }
        Kind::Carrier | Kind::Customer | Kind::Unfilled | Kind::Later(_) => {
            problems.add(no_person("cannot be rung"));
            None
        }
    }
}

/// Does a plan ring a mailbox or an announcement, itself or in a plan inside of it?
fn answers_itself(draft: &Draft, course: CourseId) -> bool {
    let (mut open, mut seen) = (vec![course], BTreeSet::new());
    // Each is looked at once, so that plans in a circle end too.
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(course) = draft.courses.get(id.0 as usize) else { continue };
        for step in course.lists().flat_map(|(_, list)| &list.steps) {
            let kinds = step.targets().filter_map(|(id, _)| draft.plan.target(id)).map(|target| target.kind);
            if kinds.into_iter().any(|kind| kind == TargetKind::Agent) {
                return true;
            }
            open.extend(step.course().map(|(id, _)| id));
        }
    }
    false
}

/// A plan with one destination.
fn alone(mailbox: &str, target: TargetId, span: &Span, problems: &Problems<'_>) -> CourseDraft {
    let step = StepDraft {
        members: vec![(Rung::Target(target), span.clone())],
        say: None,
        ring: None,
        stagger: Duration::ZERO,
        declined: None,
        from: None,
        confirm: None,
        when: None,
        span: span.clone(),
        line: u32::try_from(problems.source.row(span.start)).unwrap_or(u32::MAX),
    };
    CourseDraft {
        name: format!("operator of {mailbox}").into(),
        span: span.clone(),
        steps: ListDraft { steps: vec![step], span: span.clone() },
        closed: None,
        busy: None,
        full: None,
        hours: None,
        live_within: LIVE_WITHIN.default,
        declined: Declined::default(),
        floor: false,
        cap: Cap::default(),
    }
}
