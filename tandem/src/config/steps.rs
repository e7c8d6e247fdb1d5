//! The steps of a plan: a destination, a list of destinations rung together, or a table with options.

use crate::codes::Code;
use crate::config::draft::{ListDraft, Rung, Said, StepDraft};
use crate::config::duration::duration;
use crate::config::later::{Place, refuse};
use crate::config::names::{Kind, Names, or_nearest};
use crate::config::phone;
use crate::config::presentation::who;
use crate::config::reader::{Key, Problems, Table, Value, empty, flag, quoted, shown, table, text, too_many};
use crate::config::settings::{FOR, MEMBERS_MAX, STAGGER, STEPS_MAX};
use crate::config::when::when;
use crate::diagnostic::{DRAWN_MAX, Diagnostic, Span};
use core::time::Duration;
use router::Plan;
use router::hours::Hours;
use router::plan::{CourseId, Declined};
use router::target::{Reach, Target, TargetId};
use std::sync::Arc;
use toml::de::DeValue;

/// The plan whose steps are read, and all names.
pub(super) struct Walk<'n, 'a> {
    pub(super) names: &'n mut Names<'a>,
    pub(super) plan: &'n str,
    /// All but the plans has been read.
    pub(super) so_far: &'n Plan,
    /// The hours of the plan whose steps are read.
    pub(super) hours: Option<Hours>,
}

/// A list of steps; `what` is its key. One destination alone is a list of one step.
pub(super) fn steps<'a>(
    what: &str,
    value: &'a Value<'a>,
    walk: &mut Walk<'_, 'a>,
    problems: &mut Problems<'_>,
) -> ListDraft {
    let found = |steps| ListDraft { steps, span: value.span() };
    let list = match value.get_ref() {
        DeValue::Array(list) => list,
        DeValue::String(_) => return found(step(value, walk, problems).into_iter().collect()),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => {
            problems.kind(what, "a list of steps, such as `[\"office\", \"answering\"]`", value);
            return found(Vec::new());
        }
    };
    if list.is_empty() {
        let title = format!("`{what}` of plan `{}` is empty", shown(walk.plan));
        let problem = Diagnostic::new(Code::E021, title).at(value.span(), "nobody is rung");
        problems.add(problem.help("name at least one destination"));
    }
    if let Some(over) = list.get(STEPS_MAX) {
        problems.add(too_many(what, STEPS_MAX, over.span()));
    }
    found(list.iter().take(STEPS_MAX).filter_map(|value| step(value, walk, problems)).collect())
}

fn step<'a>(value: &'a Value<'a>, walk: &mut Walk<'_, 'a>, problems: &mut Problems<'_>) -> Option<StepDraft> {
    let line = u32::try_from(problems.source.row(value.span().start)).unwrap_or(u32::MAX);
    let mut step = StepDraft {
        members: Vec::new(),
        say: None,
        ring: None,
        stagger: Duration::ZERO,
        declined: None,
        from: None,
        confirm: None,
        when: None,
        span: value.span(),
        line,
    };
    match value.get_ref() {
        DeValue::String(_) | DeValue::Array(_) => step.members = members(value, walk, problems),
        DeValue::Table(_) => {
            let mut keys = table("a step", value.span(), "a table with `ring`", value, problems)?;
            match keys.take("ring") {
                Some(value) => step.members = members(value, walk, problems),
                None => {
                    let problem =
                        Diagnostic::new(Code::E012, "a step rings nobody").at(value.span(), "no `ring`");
                    problems.add(problem.help("write `{ ring = \"office\", for = \"15s\" }`"));
                }
            }
            step.ring = keys.take("for").and_then(|value| duration("for", &FOR, value, problems));
            let stagger = keys.take_entry("stagger");
            if let Some((key, value)) = stagger {
                step.stagger = duration("stagger", &STAGGER, value, problems).unwrap_or_default();
                if let [one] = step.members.as_slice()
                    && !walk.stands_for_several(one, problems)
                {
                    let problem =
                        Diagnostic::new(Code::E024, "`stagger` has no effect on one destination alone");
                    let problem = problem.at(key.span, "the pause between the members of a list");
                    let problem = problem.at(one.1.clone(), "one member");
                    problems
                        .add(problem.help("take it out, or ring others too: `ring = [\"ana\", \"ben\"]`"));
                }
            }
            step.declined = declined(&mut keys, problems);
            step.from = keys.take("from").and_then(|value| who(value, problems));
            let asks = keys.take_entry("confirm");
            step.confirm =
                asks.and_then(|(key, value)| confirm(&key, value, &step, &walk.so_far.targets, problems));
            let hours = walk.hours.clone();
            step.when = keys.take("when").and_then(|value| when(value, hours.as_ref(), walk, problems));
            step.say = keys.take("say").and_then(|value| said(value, walk, problems));
            refuse(&mut keys, Place::Step, problems);
            keys.finish(problems);
            refuse_plan_options(&step, problems);
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            problems.kind("a step", WANTED, value);
            return None;
        }
    }
    Some(step)
}

/// `declined`: what follows if somebody declines.
pub(super) fn declined(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Declined> {
    let wanted = "\"next\" (the next one is rung) or \"stop\" (the call ends)";
    let value = keys.take("declined")?;
    match text("declined", wanted, value, problems)? {
        "next" => Some(Declined::Next),
        "stop" => Some(Declined::Stop),
        word => {
            let title = format!("`declined` cannot be `{}`", shown(word));
            problems.add(
                Diagnostic::new(Code::E011, title).at(value.span(), "").help(format!("it may be {wanted}")),
            );
            None
        }
    }
}

/// `confirm`: whether whoever answers by phone number in this step has to press 1.
fn confirm(
    key: &Key<'_>,
    value: &Value<'_>,
    step: &StepDraft,
    targets: &[Target],
    problems: &mut Problems<'_>,
) -> Option<bool> {
    let by_sip = |rung: &Rung| match rung {
        Rung::Target(id) => {
            let target = targets.get(id.0 as usize);
            target.is_some_and(|target| matches!(target.reach, Reach::Sip(_)))
        }
        Rung::Course(_) | Rung::Later | Rung::Nobody => false,
    };
    if !step.members.is_empty() && step.members.iter().all(|(rung, _)| by_sip(rung)) {
        let title = "`confirm` has no effect on a step that rings no phone number";
        let problem = Diagnostic::new(Code::E024, title).at(key.span.clone(), "is for a phone number");
        problems.add(problem.help(
            "take it out: people press 1 where a phone number is rung, since a mobile's own voicemail may answer there",
        ));
    }
    flag("confirm", value, problems)
}

/// `say`: the announcement that a caller hears before the step.
fn said<'a>(value: &'a Value<'a>, walk: &mut Walk<'_, 'a>, problems: &mut Problems<'_>) -> Option<Said> {
    let name = text("say", "the name of an announcement", value, problems)?;
    let title = format!("`{}` cannot be said: it is no announcement", shown(name));
    let problem = Diagnostic::new(Code::E101, title);
    let problem = match walk.names.find(name) {
        Some(named) if named.kind == Kind::Announcement => {
            return Some(Said { name: Arc::clone(&named.full), word: None });
        }
        Some(named) if named.kind == Kind::Unfilled => return None,
        Some(named) => problem
            .at(value.span(), "not an announcement")
            .at(named.span.clone(), format!("{} here", named.kind.word()))
            .help(ANNOUNCE),
        None => {
            let problem = problem.at(value.span(), "not under `[announcements]`");
            match walk.names.nearest(name, |kind| kind == Kind::Announcement) {
                Some((near, _)) => {
                    problem.fix(format!("did you mean `{}`?", shown(near)), value.span(), quoted(near))
                }
                None => problem.help(ANNOUNCE),
            }
        }
    };
    problems.add(problem);
    None
}

/// `for`, `say`, `declined`, `from` and `confirm` on a plan would be about nobody: its own steps say so.
fn refuse_plan_options(step: &StepDraft, problems: &mut Problems<'_>) {
    let Some((_, span)) = step.course() else { return };
    for (key, _) in [
        ("for", step.ring.is_some()),
        ("say", step.say.is_some()),
        ("declined", step.declined.is_some()),
        ("from", step.from.is_some()),
        ("confirm", step.confirm.is_some()),
    ]
    .iter()
    .filter(|it| it.1)
    {
        let title = format!("`{key}` has no effect on a plan");
        let problem = Diagnostic::new(Code::E024, title).at(span.clone(), "this is a plan");
        problems.add(problem.help(format!("set `{key}` on the steps of that plan")));
    }
}

/// One destination, or a list of destinations that ring together.
fn members<'a>(
    value: &'a Value<'a>,
    walk: &mut Walk<'_, 'a>,
    problems: &mut Problems<'_>,
) -> Vec<(Rung, Span)> {
    let DeValue::Array(list) = value.get_ref() else {
        let Some(name) = text("a step", WANTED, value, problems) else { return Vec::new() };
        let rungs = rungs(name, value.span(), walk, problems);
        return rungs.into_iter().map(|rung| (rung, value.span())).collect();
    };
    if list.is_empty() {
        problems.add(empty("a step", value.span()));
    }
    if let Some(over) = list.get(MEMBERS_MAX) {
        problems.add(too_many("a step", MEMBERS_MAX, over.span()));
    }
    let mut found: Vec<(Rung, Span)> = Vec::new();
    for value in list.iter().take(MEMBERS_MAX) {
        let Some(name) = text("a destination in a list", "a name", value, problems) else { continue };
        for rung in rungs(name, value.span(), walk, problems) {
            member(name, rung, value.span(), list.len(), &mut found, problems);
        }
    }
    if let Some((_, over)) = found.get(MEMBERS_MAX) {
        problems.add(too_many("a step", MEMBERS_MAX, over.clone()));
    }
    found
}

/// One more destination that rings together with those that were found.
fn member(
    name: &str,
    rung: Rung,
    span: Span,
    listed: usize,
    found: &mut Vec<(Rung, Span)>,
    problems: &mut Problems<'_>,
) {
    if let (Rung::Course(_), 2..) = (rung, listed) {
        let title = format!("plan `{}` cannot ring together with others", shown(name));
        let problem = Diagnostic::new(Code::E112, title).at(span.clone(), "a plan is walked step by step");
        problems.add(problem.help("make it a step of its own, as in `[[\"ana\", \"ben\"], \"night\"]`, or name its destinations here"));
    }
    let first = found.iter().find(|(other, _)| *other == rung && !matches!(rung, Rung::Later | Rung::Nobody));
    if let Some((_, first)) = first {
        let title = format!("`{}` is twice in one step", shown(name));
        let problem = Diagnostic::new(Code::E111, title).at(span, "again");
        problems.add(
            problem.at(first.clone(), "rings already").help("take one out: a phone rings once at a time"),
        );
    } else {
        found.push((rung, span));
    }
}

impl Walk<'_, '_> {
    /// Does the name of this member stand for several, of whom one is there now?
    fn stands_for_several(&mut self, (_, span): &(Rung, Span), problems: &Problems<'_>) -> bool {
        let name = problems.source.slice(span).trim_matches(['"', '\'']);
        self.names.find(name).is_some_and(|named| named.several.is_some())
    }
}

/// All that a name in a step stands for.
fn rungs(name: &str, span: Span, walk: &mut Walk<'_, '_>, problems: &mut Problems<'_>) -> Vec<Rung> {
    let several = walk.names.find(name).and_then(|named| named.several.clone());
    match several {
        Some(ids) => ids.into_iter().map(|id| Rung::Target(TargetId(id))).collect(),
        None => vec![rung(name, span, walk, problems)],
    }
}

/// What a name in a step stands for.
fn rung(name: &str, span: Span, walk: &mut Walk<'_, '_>, problems: &mut Problems<'_>) -> Rung {
    let Some(named) = walk.names.find(name) else {
        problems.add(unknown(name, span, walk, problems.found.len()));
        return Rung::Nobody;
    };
    match named.kind {
        Kind::Site | Kind::Person | Kind::Service | Kind::Mailbox | Kind::Announcement => {
            Rung::Target(TargetId(named.id))
        }
        Kind::Plan => Rung::Course(CourseId(named.id)),
        Kind::Later(_) => {
            named.used.push(span);
            Rung::Later
        }
        // What is wrong with a group that is none has been said.
        Kind::Group | Kind::Unfilled => Rung::Nobody,
        Kind::Customer => {
            let title = format!("`{}` is a customer, and a customer cannot be rung", shown(name));
            let problem = Diagnostic::new(Code::E104, title).at(span, "a step names a destination");
            let problem = problem.at(named.span.clone(), "a customer");
            problems.add(problem.help("its plans are entered by its numbers alone"));
            Rung::Nobody
        }
        Kind::Carrier => {
            let title = format!("`{}` is a carrier, and a carrier cannot be rung", shown(name));
            let defined = named.span.clone();
            let problem = Diagnostic::new(Code::E104, title).at(span, "a step names a destination");
            let problem = problem.at(defined, "a carrier");
            problems.add(problem.help(
                "carriers are the way to phone numbers: name the person or service, as in `ana = \"+15035550111\"` under `[people]`; the \
                 carriers are tried in turn",
            ));
            Rung::Nobody
        }
    }
}

fn unknown(name: &str, span: Span, walk: &Walk<'_, '_>, so_far: usize) -> Diagnostic {
    let title = format!("plan `{}` rings `{}`, which is not defined", shown(walk.plan), shown(name));
    if let Some(named) = walk.names.of_the_operator(name) {
        let problem = Diagnostic::new(Code::E101, title).at(span, "not this customer's");
        let problem = problem.at(named.span.clone(), format!("{} of the operator", named.kind.word()));
        return problem.help(
            "customers share the operator's carriers, services and announcements; all else they have of their own",
        );
    }
    let problem = Diagnostic::new(Code::E101, title).at(span.clone(), "nobody is called so");
    if phone::is_meant(name) {
        return problem
            .help("a step names somebody: put the number under `[people]` or `[services]` with a name");
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return problem.help("in a step `ring` says who, and `for` says how long");
    }
    // Comparing names costs; whoever has so many problems has another one.
    let near = if so_far > DRAWN_MAX { None } else { walk.names.nearest(name, Kind::is_rung) };
    let otherwise = "define it under `[sites]`, `[people]`, `[services]` or `[plans]`, or take it out";
    or_nearest(problem, span, near, otherwise)
}

const ANNOUNCE: &str = "write `[announcements]` and `notice = \"notice.wav\"`, and here `say = \"notice\"`";

const WANTED: &str = "the name of a destination, a list of these, or a table with `ring`";
