//! What happens to a call once those it would go by are full.

use super::patience::peers;
use super::rows;
use super::steps::Item;
use router::Plan;
use router::load::Limit;
use router::plan::{Course, CourseId, Limited, Member, Step};
use router::target::Peer;
use std::collections::BTreeSet;

/// The limits of all that these steps use, a line each, and the `full` lists of their plans.
pub(super) fn words_for(plan: &Plan, items: &[Item<'_>], courses: &[CourseId]) -> String {
    let mut limited: BTreeSet<Limited> = BTreeSet::new();
    for id in peers(plan, items) {
        limited.insert(Limited::Peer(id));
        limited.extend(plan.peer(id).and_then(Peer::carrier).map(Limited::Carrier));
    }
    for item in items {
        if let Item::Step { step, .. } = item {
            limited.extend(targets(step));
        }
    }
    let limits = limited.iter().filter_map(|limited| plan.limits.get(limited)).map(takes);
    let lists = courses.iter().filter_map(|id| plan.course(*id)).filter_map(|course| goes_on(plan, course));
    limits.chain(lists).collect()
}

fn takes(limit: &Limit) -> String {
    let calls = limit.channels.map(|channels| format!("{channels} calls at once"));
    let rate = limit.cps.map(|cps| format!("{cps} new ones a second"));
    let most: Vec<String> = calls.into_iter().chain(rate).collect();
    format!("  {} takes {}: when full, it is passed by and tried last.\n", limit.of, most.join(" and "))
}

/// How much the plan that a call begins with sends out to phone numbers, if not all.
pub(super) fn cap(plan: &Plan, id: CourseId) -> Option<String> {
    let (name, cap) = (&plan.course(id)?.name, plan.caps.get(&id)?);
    let most = [
        (cap.calls_per_hour, "calls an hour"),
        (cap.calls_per_day, "calls a day"),
        (cap.minutes_per_day, "minutes a day"),
    ];
    let most: Vec<String> = most.iter().filter_map(|(most, of)| Some(format!("{} {of}", (*most)?))).collect();
    Some(format!(
        "  Plan {name} sends out {} to phone numbers at most: after that it rings only who is reached by SIP.\n",
        most.join(", ")
    ))
}

fn goes_on(plan: &Plan, course: &Course) -> Option<String> {
    let steps: Vec<String> = course.full.as_ref()?.iter().map(|step| rows::in_words(plan, step)).collect();
    let then = steps.join(", then ");
    Some(format!("  When all of a step of plan {} are full, it goes on with {then}.\n", course.name))
}

fn targets(step: &Step) -> impl Iterator<Item = Limited> {
    step.members.iter().filter_map(|member| match member {
        Member::Target(id) => Some(Limited::Target(*id)),
        Member::Course(_) => None,
    })
}
