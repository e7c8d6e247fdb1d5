//! What is foretold of a call, in words; by which words people mean what can fail, and which numbers have which plan.

use crate::config::words;
use core::time::Duration;
use router::Plan;
use router::outage::Thing;
use router::plan::CourseId;
use router::target::TargetKind;
use router::way::{Try, Way};
use std::collections::BTreeMap;

/// Why no one thing is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfound<'a> {
    /// Nothing is called so; these are all.
    Nothing(Vec<&'a Thing>),
    /// Each of these is.
    Several(Vec<&'a Thing>),
}

/// The thing that is meant by `site office`, or by its name alone if nothing else has it.
pub(crate) fn find<'a>(things: &'a [Thing], written: &str) -> Result<&'a Thing, Unfound<'a>> {
    let name = |thing: &Thing| written.strip_prefix(thing.kind.as_str())?.strip_prefix(' ');
    let fits = |thing: &&Thing| *thing.name == *written || name(thing) == Some(&*thing.name);
    let found: Vec<&Thing> = things.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Unfound::Nothing(things.iter().collect())),
        [..] => Err(Unfound::Several(found)),
    }
}

/// Who rings first, who is rung whose job it is to answer, and who answers if nobody does.
pub(crate) fn in_words(plan: &Plan, way: &Way) -> String {
    let kind = |it: &Try| plan.target(it.target).map(|target| target.kind);
    let rung = || way.tries.iter().filter(|it| it.rings);
    let mut parts: Vec<String> = Vec::new();
    if let Some(first) = rung().next().filter(|it| kind(it) != Some(TargetKind::Agent)) {
        let together = rung().filter(|it| it.after == first.after && kind(it) != Some(TargetKind::Agent));
        let names: Vec<&str> =
            together.filter_map(|it| plan.target(it.target)).map(|target| &*target.name).collect();
        let verb = if names.len() == 1 { "rings" } else { "ring" };
        parts.push(format!("{} {verb} {}", crate::explain::and(&names), moment(first.after)));
        let service =
            rung().find(|it| kind(it) == Some(TargetKind::Service)).filter(|it| it.after > first.after);
        let service = service.and_then(|it| Some((it, plan.target(it.target)?)));
        parts.extend(service.map(|(it, target)| format!("{} rings {}", target.name, moment(it.after))));
    }
    let end = way.answered.and_then(|id| plan.target(id));
    parts.push(match end {
        Some(agent) => format!("{} answers {}", agent.name, moment(way.end)),
        None => format!("NOBODY: a failure {}", moment(way.end)),
    });
    parts.join(", ")
}

/// Numbers by the plan that they have, in the order of their first.
pub(crate) fn by_course(plan: &Plan) -> Vec<(CourseId, Vec<&str>)> {
    let mut found: Vec<(CourseId, Vec<&str>)> = Vec::new();
    let mut places: BTreeMap<CourseId, usize> = BTreeMap::new();
    let listed = plan.numbers.iter().map(|(number, course)| (&**number, *course));
    for (number, course) in listed.chain(plan.unlisted.map(|course| ("*", course))) {
        let place = *places.entry(course).or_insert_with(|| {
            found.push((course, Vec::new()));
            found.len() - 1
        });
        if let Some((_, numbers)) = found.get_mut(place) {
            numbers.push(number);
        }
    }
    found
}

/// Numbers that share their plan before, and their plan after.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) numbers: Vec<&'a str>,
    pub(crate) old: Option<CourseId>,
    pub(crate) new: Option<CourseId>,
}

/// All numbers of two plans.
pub(crate) fn in_both<'a>(old: &'a Plan, new: &'a Plan) -> Vec<Group<'a>> {
    let mut of: BTreeMap<&str, (Option<CourseId>, Option<CourseId>)> = BTreeMap::new();
    for (course, numbers) in by_course(old) {
        for number in numbers {
            of.entry(number).or_default().0 = Some(course);
        }
    }
    for (course, numbers) in by_course(new) {
        for number in numbers {
            of.entry(number).or_default().1 = Some(course);
        }
    }
    let (mut found, mut places): (Vec<Group<'_>>, BTreeMap<_, usize>) = (Vec::new(), BTreeMap::new());
    for (number, (old, new)) in of {
        let place = *places.entry((old, new)).or_insert_with(|| {
            found.push(Group { numbers: Vec::new(), old, new });
            found.len() - 1
        });
        if let Some(group) = found.get_mut(place) {
            group.numbers.push(number);
        }
    }
    found
}

/// Some numbers of one plan; of more than three, the first.
pub(crate) fn named(numbers: &[&str]) -> String {
    match numbers {
        [first, rest @ ..] if rest.len() >= NUMBERS_MAX => format!("{first} and {} more", rest.len()),
        _ => crate::explain::and(numbers),
    }
}

/// Numbers of one plan that are all named; of more, the first.
const NUMBERS_MAX: usize = 3;

/// Everybody who is rung, and when, and who answers if nobody of them does.
pub(crate) fn in_full(plan: &Plan, way: &Way) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rung = rung(plan, way).peekable();
    while let Some((first, after)) = rung.next() {
        let mut names = vec![first];
        while let Some((name, _)) = rung.next_if(|(_, at)| *at == after) {
            names.push(name);
        }
        let is_end = way.answered.is_some() && rung.peek().is_none();
        let verb = match (is_end, names.len()) {
            (true, _) => "answers",
            (false, 1) => "rings",
            (false, _) => "ring",
        };
        parts.push(format!("{} {verb} {}", crate::explain::and(&names), moment(after)));
    }
    if way.answered.is_none() {
        parts.push(format!("NOBODY: a failure {}", moment(way.end)));
    }
    parts.join(", ")
}

/// Who is rung, by name, and when; a destination that is rung by several ways in one moment once.
pub(crate) fn rung<'a>(plan: &'a Plan, way: &'a Way) -> impl Iterator<Item = (&'a str, Duration)> {
    let named = way
        .tries
        .iter()
        .filter(|it| it.rings)
        .filter_map(|it| Some((&*plan.target(it.target)?.name, it.after)));
    named.scan(None, |before, it| Some((before.replace(it) != Some(it)).then_some(it))).flatten()
}

/// Do callers notice nothing: are the same people rung at the same times, with the same end?
pub(crate) fn is_same((old, before): (&Plan, &Way), (new, after): (&Plan, &Way)) -> bool {
    let last =
        |plan: &'_ Plan, way: &Way| way.answered.and_then(|id| plan.target(id)).map(|it| it.name.clone());
    before.end == after.end && rung(old, before).eq(rung(new, after)) && last(old, before) == last(new, after)
}

fn moment(after: Duration) -> String {
    if after.is_zero() { "at once".into() } else { format!("after {}", words(after)) }
}
