//! What is said of the room for calls.

use super::{BLOCKED_MAX, Known, Load, erlang};
use crate::cli::calls::table;
use crate::cli::check::count;
use crate::config::{Loaded, words};
use crate::explain::and;
use crate::moment::weekly;
use core::time::Duration;
use router::Plan;
use router::outage::Thing;
use router::plan::Limited;
use router::target::TargetKind;
use serde_json::json;

/// From what it is known, a line for each limit, and what does not fit.
pub(super) fn told(
    loaded: &Loaded,
    things: &[Thing],
    known: &Known<'_>,
    loads: &[Load],
    grow: f64,
) -> String {
    let plan = &*loaded.plan;
    let (timed, answered) = known.timed;
    let mut text = format!(
        "From {} on {}, by {}",
        count(known.calls.len(), "call"),
        count(known.days, "day"),
        loaded.source.path()
    );
    text += &if (grow - 1.0).abs() > 0.0 {
        format!(", as if {grow} times as many came.\n")
    } else {
        ".\n".to_owned()
    };
    if timed < answered {
        let rest = count(answered - timed, "answered call");
        let talk = words(Duration::from_secs(known.talk.as_secs()));
        text += &format!("  How long {rest} lasted was not kept: {talk} each are taken.\n");
    }
    text += "  Calls that a failed carrier brings are taken to come by the first other one; limits that were learned are not counted.\n\n";
    text += &table(&rows(plan, things, loads));
    let lost: Vec<String> = loads.iter().filter_map(|load| problem(plan, things, load)).collect();
    if !lost.is_empty() {
        text += "\n";
        text += &lost.concat();
    }
    let mut open: Vec<String> = Vec::new();
    for load in loads.iter().filter(|load| load.channels.is_none() && !has_limit(plan, load.at)) {
        let name = name(plan, load.at);
        if !open.contains(&name) {
            open.push(name);
        }
    }
    if !open.is_empty() {
        let names: Vec<&str> = open.iter().map(String::as_str).collect();
        let has = if names.len() == 1 { "has" } else { "have" };
        text += &format!("\n  {} {has} no `channels`: nothing is known of the room there.\n", and(&names));
    }
    text
}

/// The head and a row for each limit, in each outage by which it gets more.
pub(super) fn rows(plan: &Plan, things: &[Thing], loads: &[Load]) -> Vec<[String; 7]> {
    let head =
        ["IF THIS FAILS", "IT GOES BY", "BUSIEST", "ERLANGS", "HAS", "NEEDS", "BLOCKED"].map(str::to_owned);
    let row = |load: &Load| {
        [
            failed(things, load),
            name(plan, load.at),
            weekly(load.hour.saturating_mul(3_600)),
            format!("{:.2}", load.traffic),
            load.channels.map_or("?".into(), |channels| channels.to_string()),
            needs(load).map_or("-".into(), |needed| needed.to_string()),
            load.blocked().map_or("?".into(), percent),
        ]
    };
    core::iter::once(head).chain(loads.iter().map(row)).collect()
}

/// Everything for programs.
pub(super) fn value(plan: &Plan, things: &[Thing], known: &Known<'_>, loads: &[Load], grow: f64) -> String {
    let rows: Vec<_> = loads
        .iter()
        .map(|load| {
            json!({
                "fails": load.failed.and_then(|nth| things.get(nth)).map(ToString::to_string),
                "at": name(plan, load.at), "busiest": weekly(load.hour.saturating_mul(3_600)), "erlangs": load.traffic,
                "channels": load.channels, "needed": needs(load), "blocked": load.blocked(),
            })
        })
        .collect();
    let said = json!({
        "calls": known.calls.len(), "days": known.days, "answered": known.timed.1, "timed": known.timed.0,
        "talk_seconds": known.talk.as_secs_f64(), "grow": grow, "loads": rows,
    });
    format!("{said:#}\n")
}

fn problem(plan: &Plan, things: &[Thing], load: &Load) -> Option<String> {
    let (channels, blocked) = (load.channels?, load.blocked().filter(|share| *share > BLOCKED_MAX)?);
    let when = weekly(load.hour.saturating_mul(3_600));
    let needed = needs(load).map_or_else(|| "more than any trunk has".to_owned(), count_of);
    let if_it = match load.failed.and_then(|nth| things.get(nth)) {
        Some(thing) => format!("If {thing} fails on {when}"),
        None => format!("On {when}"),
    };
    Some(format!(
        "  {if_it} you need {needed}, {} has {channels}: {} of callers are blocked (Erlang B).\n",
        name(plan, load.at),
        percent(blocked)
    ))
}

fn needs(load: &Load) -> Option<u32> {
    erlang::needed(load.traffic, BLOCKED_MAX)
}

fn count_of(channels: u32) -> String {
    count(usize::try_from(channels).unwrap_or(usize::MAX), "channel")
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

fn failed(things: &[Thing], load: &Load) -> String {
    load.failed.and_then(|nth| things.get(nth)).map_or("nothing".into(), ToString::to_string)
}

/// As the plan calls it: `carrier telnyx`.
fn name(plan: &Plan, at: Limited) -> String {
    match at {
        Limited::Carrier(id) => {
            let carrier = plan.carriers.get(id.0 as usize);
            carrier.map(|carrier| format!("carrier {}", carrier.name)).unwrap_or_default()
        }
        Limited::Peer(id) => plan.peer(id).map(|peer| format!("trunk {}", peer.name)).unwrap_or_default(),
        Limited::Target(id) => {
            let kind = |kind| match kind {
                TargetKind::Site => "site",
                TargetKind::Person => "person",
                TargetKind::Service => "service",
                TargetKind::Agent => "mailbox",
                TargetKind::Word => "announcement",
            };
            plan.target(id).map(|it| format!("{} {}", kind(it.kind), it.name)).unwrap_or_default()
        }
    }
}

/// Has it, or all that it is made of, a limit?
fn has_limit(plan: &Plan, at: Limited) -> bool {
    let Limited::Carrier(id) = at else { return false };
    let trunks =
        plan.carriers.get(id.0 as usize).map(|carrier| carrier.trunks.as_slice()).unwrap_or_default();
    let limited = |trunk: &router::target::PeerId| {
        plan.limits.get(&Limited::Peer(*trunk)).is_some_and(|limit| limit.channels.is_some())
    };
    !trunks.is_empty() && trunks.iter().all(limited)
}
