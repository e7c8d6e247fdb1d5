//! A call that was and the same call by another plan, side by side.

use super::Replayed;
use super::worth::{Worth, first_unknown};
use crate::cli::told::{after, end, moment, seconds, whom};
use crate::explain::and;
use crate::foretold::rung;
use crate::store::past::{Call, End, Leg};
use core::time::Duration;
use jiff::Timestamp;
use router::Plan;
use router::replay::Untold;
use router::way::{Try, Way};
use serde_json::{Value, json};
use std::path::Path;

/// A file's name without its folder.
pub(super) fn name_of(path: &str) -> String {
    Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy()).into_owned()
}

/// All of it, in lines.
pub(super) fn told(one: &Replayed, plan: &Plan, file: &str) -> String {
    let call = &one.call;
    let when = moment(call, "%a %Y-%m-%d, %H:%M:%S", call.began);
    let by = format!("by {file}");
    let width = by.chars().count().max(4);
    let mut text =
        format!("{}: {} called {} on {when}\n", call.name, shown(&call.caller), shown(&call.number));
    text += &format!("  {:<width$}  {}\n", "then", then(call));
    text += &format!("  {by:<width$}  {}\n", now(one, plan));
    let mut lines = one.way.iter().flatten().flat_map(|way| assumed(call, way, plan)).collect::<Vec<_>>();
    lines.push(verdict(one, plan));
    lines.iter().map(|line| format!("  {line}\n")).fold(text, |text, line| text + &line)
}

/// Who was tried, and how it ended.
pub(super) fn then(call: &Call) -> String {
    let is_end = |leg: &Leg| {
        matches!(&call.end, End::Answered(target) if *target == leg.target) && leg.outcome == "answered"
    };
    let passed =
        call.passed.iter().map(|one| (one.at, format!("{} was passed over: {}", one.target, one.why)));
    let legs = call.legs.iter().filter(|leg| !leg.is_word() && !is_end(leg));
    let legs = legs.map(|leg| {
        let told = match (leg.rang, leg.outcome.starts_with("cancelled")) {
            (Some(rang), _) => format!("{} rang {}", whom(&leg.target, &leg.peer), after(rang)),
            (None, true) => format!("{} was tried {}", whom(&leg.target, &leg.peer), after(leg.began)),
            (None, false) => format!("{}: {}", whom(&leg.target, &leg.peer), leg.outcome),
        };
        (leg.began, told)
    });
    let mut parts: Vec<(i64, String)> = passed.chain(legs).collect();
    parts.sort_by_key(|(at, _)| *at);
    let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
    let end = ended(call);
    if parts.is_empty() { end } else { format!("{}; {end}", parts.join(", ")) }
}

/// How it ended.
pub(super) fn ended(call: &Call) -> String {
    let nobody = if matches!(call.end, End::Cancelled) { "nobody: " } else { "" };
    format!("{nobody}{}", end(call, call.seen))
}

/// How it would end, and who would ring before of whom nothing is known.
pub(super) fn ends(one: &Replayed, plan: &Plan) -> String {
    let Some(Ok(way)) = &one.way else { return now(one, plan) };
    let first = first_unknown(plan, way).and_then(|it| Some((name(plan, it)?, after(micros(it.after)))));
    let unless = first.map(|(name, at)| format!("; unless {name} does, rung {at}")).unwrap_or_default();
    format!("{}{unless}", end_of(way, plan))
}

/// Who would be tried, and how it would end.
pub(super) fn now(one: &Replayed, plan: &Plan) -> String {
    match &one.way {
        Some(Ok(way)) => by_plan(&one.call, way, plan),
        Some(Err(Untold::Unlisted)) => "nobody: the number is not listed, its caller would hear 404".into(),
        Some(Err(Untold::Refused)) => "the same: it was refused for a reason that no plan changes".into(),
        Some(Err(Untold::ForHelp)) => "the same: a call for help goes by no plan".into(),
        None => "not known: the call is not over".into(),
    }
}

fn by_plan(call: &Call, way: &Way, plan: &Plan) -> String {
    let mut parts: Vec<String> = Vec::new();
    let tries: Vec<&Try> = way.tries.iter().filter(|it| !is_end(way, it)).collect();
    for same in tries.chunk_by(|one, next| (one.after, one.rings) == (next.after, next.rings)) {
        let Some(first) = same.first() else { continue };
        let mut names: Vec<&str> = Vec::new();
        for name in same.iter().filter_map(|it| name(plan, it)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let verb = match (first.rings, names.len()) {
            (true, 1) => "rings",
            (true, _) => "ring",
            (false, 1) => "is tried in vain",
            (false, _) => "are tried in vain",
        };
        let fresh = names.iter().all(|name| !call.legs.iter().any(|leg| leg.target == **name));
        let note = match (fresh && first.rings, names.len()) {
            (false, _) => "",
            (true, 1) => " (not rung then)",
            (true, _) => " (none of them was rung then)",
        };
        parts.push(format!("{} {verb} {}{note}", and(&names), after(micros(first.after))));
    }
    parts.push(end_of(way, plan));
    parts.join(", ")
}

fn end_of(way: &Way, plan: &Plan) -> String {
    let end = after(micros(way.end));
    match way.answered.and_then(|id| plan.target(id)) {
        Some(target) => format!("{} answers {end}", target.name),
        None if way.gone => format!("nobody: the caller hangs up {end}"),
        None => format!("NOBODY: a failure {end}"),
    }
}

/// What is not known, and what is taken to be so.
fn assumed(call: &Call, way: &Way, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    let names = |wanted: &dyn Fn(&Try) -> bool| {
        let mut names: Vec<&str> = Vec::new();
        for name in way.unknown().filter(|it| wanted(it)).filter_map(|it| name(plan, it)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    let new = names(&|it| it.known == Some(Duration::ZERO) && it.rings);
    if !new.is_empty() {
        let was = if new.len() == 1 { "was" } else { "were" };
        lines.push(format!("Not known: {} {was} not rung then. Here nobody answers there.", and(&new)));
    }
    let down = names(&|it| it.known == Some(Duration::ZERO) && !it.rings);
    if !down.is_empty() {
        let was = if down.len() == 1 { "was" } else { "were" };
        lines.push(format!(
            "Not known: {} {was} believed to be down then. Here nothing is heard from there.",
            and(&down)
        ));
    }
    let drained = call.passed.iter().filter(|one| one.why == "drained").map(|one| one.target.as_str());
    let drained: Vec<&str> = drained.filter(|name| rung(plan, way).any(|(rung, _)| rung == *name)).collect();
    if !drained.is_empty() {
        let was = if drained.len() == 1 { "was" } else { "were" };
        lines.push(format!("Not so then: {} {was} drained by hand. Here nobody is.", and(&drained)));
    }
    for it in way.unknown().filter(|it| it.known != Some(Duration::ZERO)) {
        let known = seconds(micros(it.known.unwrap_or_default()));
        lines.push(format!(
            "Not known: what {} would have done after the {known} that were seen. Here nobody answers there.",
            name(plan, it).unwrap_or_default()
        ));
    }
    let waited = call.ended.unwrap_or(0);
    if way.answered.is_some() && micros(way.end) > waited + 100_000 && !matches!(call.end, End::Cancelled) {
        lines.push(format!(
            "Not known: whether the caller would have waited longer than {}.",
            seconds(waited)
        ));
    }
    lines
}

fn verdict(one: &Replayed, plan: &Plan) -> String {
    let way = one.way.as_ref().and_then(|way| way.as_ref().ok());
    let first = way.and_then(|way| first_unknown(plan, way));
    let first = first.and_then(|it| Some((name(plan, it)?, after(micros(it.after)))));
    let answers = way.and_then(|way| way.answered).and_then(|id| plan.target(id)).map(|target| &*target.name);
    let would = first.map(|(name, at)| format!("{name} would have rung {at}"));
    match one.worth(plan) {
        Worth::Same => "The same as then.".into(),
        Worth::Other => "No better and no worse.".into(),
        Worth::Better => match (answers, would) {
            (Some(name), Some(would)) => format!("Better: {name} answers; and {would}."),
            (Some(name), None) => format!("Better: {name} answers."),
            (None, _) => "Better: somebody rings.".into(),
        },
        Worth::PerhapsBetter => format!("Perhaps better: {}.", would.unwrap_or_default()),
        Worth::PerhapsWorse => format!(
            "Perhaps worse: {}, but whether anybody would have answered is not known.",
            would.unwrap_or_default()
        ),
        Worth::Worse => match &one.call.end {
            End::Answered(target) => format!("Worse: {target} answered then."),
            End::Cancelled | End::Failed(_) | End::Refused(..) | End::Unknown | End::UnderWay => {
                "Worse: somebody rang then.".into()
            }
        },
    }
}

/// Everything for programs.
pub(super) fn value(one: &Replayed, plan: &Plan) -> Value {
    let ms = |micros: Option<i64>| micros.map(|micros| micros.div_euclid(1_000));
    let call = &one.call;
    let answered_by = if let End::Answered(target) = &call.end { Some(target) } else { None };
    let way = one.way.as_ref().and_then(|way| way.as_ref().ok());
    let tries = way.map(|way| {
        let one = |it: &Try| {
            json!({
                "target": name(plan, it), "by": plan.peer(it.peer).map(|peer| &*peer.name), "line": plan.place(it.line).1,
                "after_ms": ms(Some(micros(it.after))), "rings": it.rings, "known_ms": it.known.map(|known| ms(Some(micros(known)))),
            })
        };
        way.tries.iter().map(one).collect::<Vec<_>>()
    });
    json!({
        "id": call.name,
        "at": Timestamp::from_microsecond(call.began).map(|at| format!("{at:.3}")).unwrap_or_default(),
        "number": call.number,
        "then": { "end": call.end.word(), "answered_by": answered_by, "ended_after_ms": ms(call.ended) },
        "now": {
            "end": way.map(|way| if way.answered.is_some() { "answered" } else if way.gone { "cancelled" } else { "failed" }),
            "answered_by": way.and_then(|way| way.answered).and_then(|id| plan.target(id)).map(|target| &*target.name),
            "ended_after_ms": way.map(|way| ms(Some(micros(way.end)))),
            "first_unknown": way.and_then(|way| first_unknown(plan, way)).and_then(|it| name(plan, it)),
            "tries": tries,
        },
        "verdict": match one.worth(plan) {
            Worth::Same => "same",
            Worth::Other => "other",
            Worth::Better => "better",
            Worth::PerhapsBetter => "perhaps better",
            Worth::PerhapsWorse => "perhaps worse",
            Worth::Worse => "worse",
        },
    })
}

/// Is it the try that is answered?
fn is_end(way: &Way, it: &Try) -> bool {
    let last = way.tries.iter().rposition(|one| Some(one.target) == way.answered);
    last.and_then(|last| way.tries.get(last)).is_some_and(|last| last == it) && it.after == way.end
}

fn name<'a>(plan: &'a Plan, it: &Try) -> Option<&'a str> {
    plan.target(it.target).map(|target| &*target.name)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// What somebody else has written, as one can print it.
fn shown(text: &str) -> String {
    let clean: String = text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    if clean.is_empty() { "somebody without a number".into() } else { clean }
}
