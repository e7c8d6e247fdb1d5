//! `[plans.*]`: lists of steps.

use crate::codes::Code;
use crate::config::draft::{CourseDraft, Draft, ListDraft, StepDraft};
use crate::config::duration::duration;
use crate::config::hours::Clock;
use crate::config::later::{Place, refuse};
use crate::config::limits::most;
use crate::config::names::Names;
use crate::config::peers::{Defaults, bound};
use crate::config::reader::{Key, Problems, Table, Value, flag, shown, table, text};
use crate::config::settings::{
    CALLS_PER_DAY, CALLS_PER_HOUR, DEPTH_MAX, LIVE_WITHIN, MINUTES_PER_DAY, Most, PLANS_MAX,
};
use crate::config::steps::{Walk, declined, steps};
use crate::diagnostic::{DRAWN_MAX, Diagnostic, Span};
use router::plan::{CourseId, Declined};
use router::spent::Cap;
use toml::de::DeValue;

/// Reads all plans into the draft.
pub(super) fn read<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    defaults: &Defaults,
    clocks: &[Clock],
    names: &mut Names<'a>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    bound("plans", PLANS_MAX, &entries, problems);
    for (key, value) in entries {
        let name = draft.full(key.text);
        let mut walk = Walk { names, plan: &name, so_far: &draft.plan, hours: None };
        let course = course(&key, value, defaults, clocks, &mut walk, problems);
        draft.courses.push(course);
    }
}

/// Reads the plan whose keys stand in this table beside others, which are left in it.
pub(super) fn read_one<'a>(
    key: &Key<'a>,
    keys: &mut Table<'a>,
    (defaults, clocks): (&Defaults, &[Clock]),
    names: &mut Names<'a>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    let name = draft.full(key.text);
    let mut walk = Walk { names, plan: &name, so_far: &draft.plan, hours: None };
    let mut course = bare(&name, key.span.clone(), defaults);
    fill(&mut course, keys, clocks, &mut walk, problems);
    draft.courses.push(course);
}

/// A plan that says nothing yet.
fn bare(name: &str, span: Span, defaults: &Defaults) -> CourseDraft {
    CourseDraft {
        name: name.into(),
        span,
        steps: ListDraft::default(),
        closed: None,
        busy: None,
        full: None,
        hours: None,
        live_within: defaults.live_within.unwrap_or(LIVE_WITHIN.default),
        declined: Declined::default(),
        floor: defaults.floor.unwrap_or(true),
        cap: defaults.cap,
    }
}

fn course<'a>(
    key: &Key<'a>,
    value: &'a Value<'a>,
    defaults: &Defaults,
    clocks: &[Clock],
    walk: &mut Walk<'_, 'a>,
    problems: &mut Problems<'_>,
) -> CourseDraft {
    let mut course = bare(walk.plan, key.span.clone(), defaults);
    if matches!(value.get_ref(), DeValue::String(_) | DeValue::Array(_)) {
        course.steps = steps("steps", value, walk, problems);
        return course;
    }
    let place = format!("[plans.{}]", shown(key.text));
    let wanted = "a list of steps, or a table with `steps`";
    let Some(mut keys) = table(place, key.span.clone(), wanted, value, problems) else { return course };
    fill(&mut course, &mut keys, clocks, walk, problems);
    keys.finish(problems);
    course
}

/// Reads the keys of a plan.
fn fill<'a>(
    course: &mut CourseDraft,
    keys: &mut Table<'a>,
    clocks: &[Clock],
    walk: &mut Walk<'_, 'a>,
    problems: &mut Problems<'_>,
) {
    let is_open = clock(keys, clocks);
    walk.hours = is_open.map(|clock| clock.hours.clone());
    match keys.take("steps") {
        Some(value) => course.steps = steps("steps", value, walk, problems),
        None => {
            let title = format!("plan `{}` has no steps", shown(walk.plan));
            let problem =
                Diagnostic::new(Code::E021, title).at(course.span.clone(), "calls to it reach nobody");
            problems.add(problem.help("write `steps = [\"office\", \"answering\"]`"));
        }
    }
    course.closed = keys.take("closed").map(|value| steps("closed", value, walk, problems));
    course.busy = keys.take("busy").map(|value| steps("busy", value, walk, problems));
    course.full = keys.take("full").map(|value| steps("full", value, walk, problems));
    let live = keys.take("live_within");
    let live = live.and_then(|value| duration("live_within", &LIVE_WITHIN, value, problems));
    course.live_within = live.unwrap_or(course.live_within);
    course.cap = cap(keys, course.cap, problems);
    let asks = course
        .lists()
        .flat_map(|(_, list)| &list.steps)
        .any(|step| step.when.as_ref().is_some_and(|when| !when.hours().is_empty()));
    course.hours = hours(keys, course.closed.is_some(), asks, clocks, problems);
    course.declined = declined(keys, problems).unwrap_or_default();
    let floor = keys.take("floor").and_then(|value| flag("floor", value, problems));
    course.floor = floor.unwrap_or(course.floor);
    refuse(keys, Place::Plan, problems);
}

/// How much may be sent out to phone numbers; what is not written is as `usual`.
pub(super) fn cap(keys: &mut Table<'_>, usual: Cap, problems: &mut Problems<'_>) -> Cap {
    let mut cap = |setting: &Most| keys.take(setting.name).and_then(|value| most(setting, value, problems));
    Cap {
        calls_per_hour: cap(&CALLS_PER_HOUR).or(usual.calls_per_hour),
        calls_per_day: cap(&CALLS_PER_DAY).or(usual.calls_per_day),
        minutes_per_day: cap(&MINUTES_PER_DAY).or(usual.minutes_per_day),
    }
}

/// The hours that `closed` and `open` mean in `when`: those that the plan keeps.
fn clock<'c>(keys: &Table<'_>, clocks: &'c [Clock]) -> Option<&'c Clock> {
    let name = match keys.peek("hours").map(|value| value.get_ref()) {
        Some(DeValue::String(name)) => name,
        Some(_) => return None,
        None => "open",
    };
    clocks.iter().find(|clock| clock.name == name)
}

/// Which named hours a plan keeps: what `hours` says, else `open`.
fn hours(
    keys: &mut Table<'_>,
    needed: bool,
    asked: bool,
    clocks: &[Clock],
    problems: &mut Problems<'_>,
) -> Option<Clock> {
    let find = |name: &str| clocks.iter().find(|clock| clock.name == name).cloned();
    let place = keys.place.clone();
    let Some((key, value)) = keys.take_entry("hours") else {
        let open = find("open");
        if needed && open.is_none() {
            let title = format!("{place} has `closed`, but nothing says when it is open");
            let problem = Diagnostic::new(Code::E101, title).at(keys.span.clone(), "in this plan");
            problems.add(problem.help("write `open = \"mon-fri 08:00-17:00\"` under `[hours]`"));
        }
        return open.filter(|_| needed);
    };
    let name = text("hours", "the name of an entry under `[hours]`", value, problems)?;
    let found = find(name);
    if found.is_none() {
        let candidates = if problems.found.len() > DRAWN_MAX { &[] } else { clocks };
        problems.add(unknown_hours(name, value.span(), candidates));
    } else if !needed && !asked {
        let title = format!("{place} has `hours`, but no `closed`: it walks its steps at any time");
        let problem = Diagnostic::new(Code::L004, title).at(key.span, "without effect");
        problems.add(problem.help("add `closed = [\"answering\"]`, or take `hours` out"));
    }
    found
}

fn unknown_hours(name: &str, span: Span, clocks: &[Clock]) -> Diagnostic {
    let title = format!("there are no hours called `{}`", shown(name));
    let problem = Diagnostic::new(Code::E101, title).at(span.clone(), "not under `[hours]`");
    let near = super::names::nearest(name, clocks.iter().map(|clock| clock.name.as_str()));
    match near.and_then(|near| clocks.iter().find(|clock| clock.name == near)) {
        Some(clock) => problem.at(clock.span.clone(), format!("`{}` is defined here", clock.name)).fix(
            format!("did you mean `{}`?", clock.name),
            span,
            format!("\"{}\"", clock.name),
        ),
        None => problem.help("the hours of a plan stand in the plan as a name, under `[hours]` as times"),
    }
}

/// Refuses plans that contain themselves, and plans that lie too deep in each other.
pub(super) fn refuse_loops(draft: &Draft, problems: &mut Problems<'_>) {
    let mut done = vec![Depth::Unseen; draft.courses.len()];
    for start in 0..draft.courses.len() {
        if done.get(start) != Some(&Depth::Unseen) {
            continue;
        }
        // Own stack: the depth of plans in a file is not the depth of ours.
        let mut way: Vec<(usize, Vec<(CourseId, Span)>)> = vec![(start, inside(draft, start))];
        mark(&mut done, start, Depth::OnTheWay);
        while let Some((course, members)) = way.last_mut() {
            let course = *course;
            let Some((next, span)) = members.pop() else {
                way.pop();
                let deepest = inside(draft, course).iter().map(|(id, _)| depth(&done, id.0 as usize)).max();
                mark(&mut done, course, Depth::Known(deepest.unwrap_or(0) + 1));
                continue;
            };
            let next = next.0 as usize;
            match done.get(next) {
                Some(Depth::Unseen) => {
                    mark(&mut done, next, Depth::OnTheWay);
                    way.push((next, inside(draft, next)));
                }
                Some(Depth::OnTheWay) => {
                    let circle: Vec<usize> =
                        way.iter().map(|(course, _)| *course).skip_while(|course| *course != next).collect();
                    problems.add(looped(draft, &circle, span));
                }
                Some(Depth::Known(_)) | None => {}
            }
        }
    }
    for (course, depth) in draft.courses.iter().zip(&done) {
        // Only the first level over the bound: those above it are too deep by the same fault.
        if *depth == Depth::Known(DEPTH_MAX + 1) {
            let title =
                format!("plan `{}` has more than {DEPTH_MAX} plans inside each other", shown(&course.name));
            let problem = Diagnostic::new(Code::E113, title).at(course.span.clone(), "the outermost");
            problems.add(problem.help("write the steps of the inner plans where they are walked"));
        }
    }
}

/// What is known of a plan: how many plans deep it goes, itself counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Unseen,
    OnTheWay,
    Known(usize),
}

fn depth(done: &[Depth], course: usize) -> usize {
    match done.get(course) {
        Some(Depth::Known(depth)) => *depth,
        Some(Depth::Unseen | Depth::OnTheWay) | None => 0,
    }
}

fn mark(done: &mut [Depth], course: usize, depth: Depth) {
    if let Some(slot) = done.get_mut(course) {
        *slot = depth;
    }
}

/// The plans inside a plan, the last first.
fn inside(draft: &Draft, course: usize) -> Vec<(CourseId, Span)> {
    let Some(course) = draft.courses.get(course) else { return Vec::new() };
    let mut found: Vec<_> =
        course.lists().flat_map(|(_, list)| list.steps.iter().filter_map(StepDraft::course)).collect();
    found.reverse();
    found
}

fn looped(draft: &Draft, circle: &[usize], closing: Span) -> Diagnostic {
    let name =
        |course: &usize| draft.courses.get(*course).map_or_else(String::new, |course| shown(&course.name));
    let first = circle.first().map(name).unwrap_or_default();
    let mut way: Vec<String> = circle.iter().map(name).take(CIRCLE_SHOWN).collect();
    if circle.len() > CIRCLE_SHOWN {
        way.push("…".into());
    }
    way.push(first.clone());
    let title = match circle {
        [_] => format!("plan `{first}` contains itself"),
        _ => format!("plans go round in a circle: {}", way.join(" → ")),
    };
    let mut problem = Diagnostic::new(Code::E110, title).at(closing, format!("goes back to `{first}`"));
    for pair in circle.windows(2).take(CIRCLE_SHOWN) {
        let [from, to] = pair else { continue };
        let into = inside(draft, *from).into_iter().find(|(id, _)| id.0 as usize == *to);
        if let Some((_, span)) = into {
            problem = problem.at(span, format!("`{}` goes to `{}`", name(from), name(to)));
        }
    }
    problem.help("a call would go round for ever: take one of these steps out")
}

/// Plans of a circle that a problem names.
const CIRCLE_SHOWN: usize = 6;
