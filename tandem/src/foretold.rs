//! What is foretold of a call, in words; and by which words people mean what can fail.

use crate::config::words;
use core::time::Duration;
use router::Plan;
use router::foretell::{Try, Way};
use router::outage::Thing;
use router::target::TargetKind;

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
    let fits = |thing: &&Thing| *thing.name == *written || thing.to_string() == written;
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

fn moment(after: Duration) -> String {
    if after.is_zero() { "at once".into() } else { format!("after {}", words(after)) }
}
