//! Whether a caller is better off: how his call ended, and how it would end, if of whom nothing is known nobody answers, or somebody does.

use crate::store::past::{Call, End};
use router::Plan;
use router::replay::Untold;
use router::target::TargetKind;
use router::way::{Try, Way};

/// How the new plan compares for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// He notices nothing.
    Same,
    /// He is led otherwise, to no better or worse an end.
    Other,
    /// His call ends better even if nobody answers of whom nothing is known.
    Better,
    /// It does if the first of those answers.
    PerhapsBetter,
    /// It ends worse unless one of those answers.
    PerhapsWorse,
    /// It ends worse, whoever answers.
    Worse,
}

/// How a call ends; the greatest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ends {
    /// Nobody was even rung.
    NobodyRung,
    /// Somebody rang and did not answer.
    Unanswered,
    /// A mailbox or an announcement answered.
    ByMachine,
    /// Somebody answered.
    ByPerson,
}

/// Compares.
pub(super) fn of(call: &Call, way: Option<&Result<Way, Untold>>, plan: &Plan) -> Worth {
    let then = then(call);
    let (least, most) = match way {
        None | Some(Err(Untold::Refused | Untold::ForHelp)) => return Worth::Same,
        Some(Err(Untold::Unlisted)) => (Ends::NobodyRung, Ends::NobodyRung),
        Some(Ok(way)) => {
            let least = least(plan, way);
            let most = if first_unknown(plan, way).is_some() { Ends::ByPerson } else { least };
            (least, most)
        }
    };
    match (least.cmp(&then), most.cmp(&then)) {
        (_, core::cmp::Ordering::Less) => Worth::Worse,
        (core::cmp::Ordering::Greater, _) => Worth::Better,
        (core::cmp::Ordering::Less, _) => Worth::PerhapsWorse,
        (core::cmp::Ordering::Equal, core::cmp::Ordering::Greater) => Worth::PerhapsBetter,
        (core::cmp::Ordering::Equal, core::cmp::Ordering::Equal) => {
            let same = way.is_none_or(|way| way.as_ref().map_or(true, |way| is_same(call, way, plan)));
            if same { Worth::Same } else { Worth::Other }
        }
    }
}

/// The first who would ring of whom nothing is known, and who might have answered.
pub(super) fn first_unknown<'a>(plan: &Plan, way: &'a Way) -> Option<&'a Try> {
    let is_somebody =
        |it: &&Try| plan.target(it.target).is_some_and(|target| target.kind != TargetKind::Agent);
    way.unknown().find(|it| it.rings && is_somebody(it))
}

fn then(call: &Call) -> Ends {
    let of = |target: &String| call.legs.iter().rev().find(|leg| leg.target == *target);
    match &call.end {
        End::Answered(target) if of(target).is_some_and(|leg| leg.transport == INSIDE) => Ends::ByMachine,
        End::Answered(_) => Ends::ByPerson,
        End::Cancelled | End::Failed(_) | End::Refused(..) | End::Unknown | End::UnderWay => {
            let rang = call.legs.iter().any(|leg| leg.rang.is_some() && leg.transport != INSIDE);
            if rang { Ends::Unanswered } else { Ends::NobodyRung }
        }
    }
}

fn least(plan: &Plan, way: &Way) -> Ends {
    let kind = |id| plan.target(id).map(|target| target.kind);
    match way.answered.map(kind) {
        Some(Some(TargetKind::Agent)) => Ends::ByMachine,
        Some(_) => Ends::ByPerson,
        None if way.tries.iter().any(|it| it.rings && kind(it.target) != Some(TargetKind::Agent)) => {
            Ends::Unanswered
        }
        None => Ends::NobodyRung,
    }
}

/// The same tries at the same moments, and the same end?
fn is_same(call: &Call, way: &Way, plan: &Plan) -> bool {
    let tenths = |micros: i64| micros / 100_000;
    let mut now: Vec<(i64, &str, &str)> = way
        .tries
        .iter()
        .filter_map(|it| {
            let (target, peer) = (plan.target(it.target)?, plan.peer(it.peer)?);
            let after = i64::try_from(it.after.as_micros()).unwrap_or(i64::MAX);
            Some((tenths(after), &*target.name, &*peer.name))
        })
        .collect();
    let legs = call.legs.iter().filter(|leg| leg.fix.is_none() && !leg.is_word());
    let mut then: Vec<(i64, &str, &str)> =
        legs.map(|leg| (tenths(leg.began), &*leg.target, &*leg.peer)).collect();
    now.sort_unstable();
    then.sort_unstable();
    let answered = way.answered.and_then(|id| plan.target(id)).map(|target| &*target.name);
    let was = if let End::Answered(target) = &call.end { Some(target.as_str()) } else { None };
    now == then && answered == was
}

const INSIDE: &str = "inside";
