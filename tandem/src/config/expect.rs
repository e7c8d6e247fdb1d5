//! `[[expect]]`: whom a call has to reach when something fails, asked of the plan before it comes into force.

use crate::codes::Code;
use crate::config::customers::Wish;
use crate::config::draft::{CourseDraft, Draft};
use crate::config::duration::{duration, words};
use crate::config::names::{full, nearest, split};
use crate::config::reader::{Problems, Table, Value, shown, table, text, texts, too_many};
use crate::config::settings::{EXPECTS_MAX, THINGS_MAX, WITHIN};
use crate::config::things::thing;
use crate::diagnostic::{Diagnostic, Span};
use crate::foretold::in_words;
use crate::imagined;
use crate::moment::At;
use core::time::Duration;
use jiff::Timestamp;
use router::Plan;
use router::foretell::Fault;
use router::orders::Orders;
use router::outage::Thing;
use router::plan::CourseId;
use router::target::{PeerId, TargetId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use toml::de::DeValue;

/// One expectation, all names in it known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expect {
    course: CourseId,
    down: BTreeSet<PeerId>,
    /// What is in force.
    overrides: BTreeSet<Arc<str>>,
    at: Option<At>,
    reaches: TargetId,
    within: Duration,
    /// Where `reaches` stands.
    span: Span,
}

/// Reads all of them, those of customers too, once everything else has been read.
pub(super) fn read<'a>(
    top: &mut Table<'a>,
    wishes: &[Wish<'a>],
    draft: &Draft,
    problems: &mut Problems<'_>,
) -> Vec<Expect> {
    let own = top.take_entry("expect").map(|(key, value)| (None, key.span, value));
    let others = wishes.iter().map(|wish| (Some(wish.customer), wish.key.span.clone(), wish.value));
    let things = draft.plan.things();
    let mut found = Vec::new();
    for (customer, key, value) in own.into_iter().chain(others) {
        let DeValue::Array(list) = value.get_ref() else {
            problems.kind("expect", "a list of tables: `[[expect]]`", value);
            continue;
        };
        let left = EXPECTS_MAX.saturating_sub(found.len());
        if let Some(over) = list.get(left) {
            problems.add(too_many("expect", EXPECTS_MAX, over.span()));
        }
        let read = |value| one(value, customer, &key, draft, &things, problems);
        found.extend(list.iter().take(left).filter_map(read));
    }
    found
}

fn one(
    value: &Value<'_>,
    customer: Option<&str>,
    key: &Span,
    draft: &Draft,
    things: &[Thing],
    problems: &mut Problems<'_>,
) -> Option<Expect> {
    let mut keys = table("[[expect]]", key.clone(), "a table", value, problems)?;
    let course =
        required(&mut keys, "number", value, problems).and_then(|at| number(at, customer, draft, problems));
    // Names are first those of the customer whose number it is.
    let name = course.and_then(|id| draft.courses.get(id.0 as usize)).map(|course| &*course.name);
    let customer = customer.or_else(|| name.and_then(|name| split(name).0));
    let reaches = required(&mut keys, "reaches", value, problems)
        .and_then(|at| Some((target(at, customer, draft, problems)?, at.span())));
    let down = keys.take("down").map(|value| down(value, customer, things, problems)).unwrap_or_default();
    let overrides = keys.take("override");
    let overrides = overrides.map(|value| switched(value, customer, draft, problems)).unwrap_or_default();
    let at = keys.take("at").and_then(|value| moment(value, problems));
    let within = keys.take("within").and_then(|value| duration("within", &WITHIN, value, problems));
    keys.finish(problems);
    let (reaches, span) = reaches?;
    let within = within.unwrap_or(WITHIN.default);
    Some(Expect { course: course?, down, overrides, at, reaches, within, span })
}

fn required<'a>(
    keys: &mut Table<'a>,
    key: &'static str,
    value: &Value<'_>,
    problems: &mut Problems<'_>,
) -> Option<&'a Value<'a>> {
    let found = keys.take(key);
    if found.is_none() {
        let title = format!("an expectation has no `{key}`");
        let problem = Diagnostic::new(Code::E012, title).at(value.span(), "in this one");
        problems.add(problem.help("write `number = \"+15035550100\"` and `reaches = \"inbox\"` in it"));
    }
    found
}

/// The plan of a number; of a customer it has to be one of his.
fn number(
    value: &Value<'_>,
    customer: Option<&str>,
    draft: &Draft,
    problems: &mut Problems<'_>,
) -> Option<CourseId> {
    let written = text("number", "a number of the plan", value, problems)?;
    let is_here = |id: &CourseId| {
        let name = draft.courses.get(id.0 as usize).map(|course| &*course.name);
        customer.is_none() || name.is_some_and(|name| split(name).0 == customer)
    };
    let found = draft.plan.course_of(written.as_bytes()).map(|(course, _)| course).filter(is_here);
    if found.is_none() {
        let (whose, place) = match customer {
            Some(customer) => (format!("customer `{}`", shown(customer)), "is not under his `numbers`"),
            None => ("this plan".to_owned(), "is not under `[numbers]`"),
        };
        let title = format!("`{}` is no number of {whose}", shown(written));
        let problem = Diagnostic::new(Code::E101, title).at(value.span(), place);
        let known = draft.plan.numbers.iter().filter(|(_, id)| is_here(id)).map(|(number, _)| &**number);
        problems.add(match nearest(written, known) {
            Some(near) => problem.help(format!("did you mean `{}`?", shown(near))),
            None => problem.help("write it as it stands there"),
        });
    }
    found
}

fn target(
    value: &Value<'_>,
    customer: Option<&str>,
    draft: &Draft,
    problems: &mut Problems<'_>,
) -> Option<TargetId> {
    let written = text("reaches", "the name of a destination", value, problems)?;
    let place = |name: &str| draft.plan.targets.iter().position(|target| &*target.name == name);
    let own = customer.and_then(|customer| place(&full(Some(customer), written)));
    let found = own.or_else(|| place(written)).and_then(|place| u32::try_from(place).ok());
    if found.is_none() {
        let title = format!("no destination is called `{}`", shown(written));
        let problem = Diagnostic::new(Code::E101, title).at(value.span(), "not defined");
        let known = draft.plan.targets.iter().map(|target| match split(&target.name) {
            (whose, name) if whose == customer => name,
            _ => &*target.name,
        });
        let near = nearest(written, known);
        problems.add(match near {
            Some(near) => problem.help(format!("did you mean `{}`?", shown(near))),
            None => problem.help("a site, a person, a service, a mailbox or an announcement; not a plan"),
        });
    }
    found.map(TargetId)
}

fn down(
    value: &Value<'_>,
    customer: Option<&str>,
    things: &[Thing],
    problems: &mut Problems<'_>,
) -> BTreeSet<PeerId> {
    let mut found = BTreeSet::new();
    for (written, span) in
        texts("down", "what has failed, such as \"site office\"", THINGS_MAX, value, problems)
    {
        if let Some(thing) = thing(written, span, customer, things, problems) {
            found.extend(&thing.peers);
        }
    }
    found
}

/// The overrides that are in force: first those of the customer alone.
fn switched(
    value: &Value<'_>,
    customer: Option<&str>,
    draft: &Draft,
    problems: &mut Problems<'_>,
) -> BTreeSet<Arc<str>> {
    let asked: BTreeSet<&Arc<str>> = draft.courses.iter().flat_map(CourseDraft::overrides).collect();
    let mut found = BTreeSet::new();
    for (written, span) in texts("override", "an override such as \"storm\"", THINGS_MAX, value, problems) {
        let own = customer.and_then(|_| asked.get(&full(customer, written)));
        if let Some(name) = own.or_else(|| asked.get(&Arc::from(written))) {
            found.insert(Arc::clone(name));
            continue;
        }
        let title = format!("no step asks for `override {}`", shown(written));
        let problem = Diagnostic::new(Code::E101, title).at(span, "makes no difference");
        problems.add(match nearest(written, asked.iter().map(|name| split(name).1)) {
            Some(near) => problem.help(format!("did you mean `{}`?", shown(near))),
            None => problem.help("an override is what a step asks for: `when = \"override storm\"`"),
        });
    }
    found
}

fn moment(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<At> {
    let written = text("at", "a moment such as \"Tue 10:00\"", value, problems)?;
    let found = written.parse();
    if let Err(help) = found {
        let title = format!("`{}` is no moment", shown(written));
        problems.add(Diagnostic::new(Code::E018, title).at(value.span(), "when?").help(help));
    }
    found.ok()
}

/// E117: what does not hold of a plan that is otherwise good.
pub(super) fn judge(plan: &Arc<Plan>, expects: &[Expect], now: Timestamp) -> Vec<Diagnostic> {
    if expects.is_empty() {
        return Vec::new();
    }
    let roads = imagined::roads(plan);
    let mut plans: BTreeMap<&BTreeSet<Arc<str>>, Arc<Plan>> = BTreeMap::new();
    for Expect { overrides, .. } in expects {
        let orders = || Orders { overrides: overrides.clone(), ..Orders::default() };
        plans.entry(overrides).or_insert_with(|| plan.ordered(orders()));
    }
    let broken = |expect: &Expect| {
        let plan = plans.get(&expect.overrides)?;
        let unix = expect.at.unwrap_or(At::Exactly(now)).unix(plan.zone_of(expect.course), now);
        let ways = [false, true].map(|known| {
            let fault = Fault { down: expect.down.clone(), known };
            plan.foretell(&roads, plan.entrance(expect.course, unix), unix, &fault)
        });
        let rung = |way: &router::way::Way| {
            way.tries.iter().find(|it| it.rings && it.target == expect.reaches).map(|it| it.after)
        };
        let failed = ways.iter().find(|way| rung(way).is_none_or(|after| after > expect.within))?;
        let name = plan.target(expect.reaches).map_or("", |target| &*target.name);
        let title = match rung(failed) {
            Some(after) => format!(
                "`{}` rings after {}, and is expected after {} at the latest",
                shown(name),
                words(after),
                words(expect.within)
            ),
            None => format!("`{}` is expected to ring, and does not", shown(name)),
        };
        let problem = Diagnostic::new(Code::E117, title).at(expect.span.clone(), "is expected");
        Some(problem.help(format!("what comes instead: {}", in_words(plan, failed))))
    };
    expects.iter().filter_map(broken).collect()
}
