//! The steps as a table: who, for how long, from when on, which line of the file, by which ways.

use super::steps::Item;
use crate::config::words;
use core::time::Duration;
use router::plan::{Member, Step};
use router::position::Pass;
use router::target::{PeerHost, PeerId, PeerKind, Reach, TargetId, TargetKind};
use router::way::{Try, Way};
use router::{Plan, Transport};

/// The table of all steps.
pub(super) fn table(plan: &Plan, items: &[Item<'_>], way: &Way) -> String {
    let rows: Vec<[String; 6]> = items.iter().map(|item| row(plan, item, way)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("  {}\n", cells.join("  ").trim_end());
    }
    text
}

/// A step as part of a sentence, with its line.
pub(super) fn in_words(plan: &Plan, step: &Step) -> String {
    let who = match step.members.first() {
        Some(Member::Course(id)) => format!("plan {}", plan.course(*id).map_or("", |course| &*course.name)),
        Some(Member::Target(_)) | None => members(plan, step),
    };
    format!("{who} ({})", place(plan, step.line))
}

/// Where a step stands: `:25` of the plan file, `acme.toml:7` of another; nowhere, if somebody has switched it.
pub(super) fn place(plan: &Plan, line: u32) -> String {
    if line == 0 {
        return "by hand".into();
    }
    let (file, line) = plan.place(line);
    let name = file.map(|file| file.rsplit('/').next().unwrap_or_default());
    format!("{}:{line}", name.unwrap_or_default())
}

/// `ana, ben and eve`.
pub(crate) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Number, who, for how long, from when on, line, by which ways.
fn row(plan: &Plan, item: &Item<'_>, way: &Way) -> [String; 6] {
    match item {
        Item::Course { number, name, closed, line } => {
            let closed = if *closed { ", closed" } else { "" };
            let what = format!("plan {name}{closed}:");
            [number.clone(), what, String::new(), String::new(), place(plan, *line), String::new()]
        }
        Item::Step { number, frames, step } => {
            let is_here = |it: &&Try| it.cursor.frames().eq(frames.iter().copied());
            let tries: Vec<&Try> = way.tries.iter().filter(is_here).collect();
            let (ring, from) = match tries.first() {
                Some(first) => (rings(&tries), from(plan, first)),
                None => (String::new(), passed_by(plan, step, way)),
            };
            let said =
                step.say.and_then(|id| plan.target(id)).map(|word| format!(" (after “{}”)", word.name));
            let who = members(plan, step) + &said.unwrap_or_default();
            [number.clone(), who, ring, from, place(plan, step.line), ways(plan, step)]
        }
    }
}

fn from(plan: &Plan, it: &Try) -> String {
    let is_floor = plan.target(it.target).is_some_and(|target| target.kind == TargetKind::Agent);
    let round = match it.cursor.pass {
        // The floor ends every round.
        Pass::Second if !is_floor => ", second round",
        Pass::First | Pass::Second => "",
    };
    format!("from {}{round}", words(it.after))
}

/// Why a step is not reached.
fn passed_by(plan: &Plan, step: &Step, way: &Way) -> String {
    let before = |id: &TargetId| way.tries.iter().any(|it| it.target == *id);
    if targets(step).all(|id| before(&id)) {
        return "has rung before".into();
    }
    let is_reachable =
        |id: TargetId| plan.target(id).is_some_and(|target| !by(plan, &target.reach).is_empty());
    if !targets(step).any(is_reachable) {
        return "no way there".into();
    }
    if targets(step).all(|id| plan.orders.drained.contains(&id)) {
        return "drained".into();
    }
    if step.when.is_some() {
        return "not now: `when`".into();
    }
    match way.cut {
        Some(_) => "cut: live_within".into(),
        None => "not reached".into(),
    }
}

fn rings(tries: &[&Try]) -> String {
    let mut times: Vec<Duration> = tries.iter().map(|it| it.lasts).collect();
    times.dedup();
    times.into_iter().map(words).collect::<Vec<_>>().join(", ")
}

fn members(plan: &Plan, step: &Step) -> String {
    let names: Vec<&str> =
        targets(step).filter_map(|id| plan.target(id)).map(|target| &*target.name).collect();
    match names.as_slice() {
        [one] => (*one).into(),
        _ if step.stagger.is_zero() => format!("{} together", and(&names)),
        _ => format!("{}, each {} after the other", and(&names), words(step.stagger)),
    }
}

/// By which ways all members of a step are reached.
fn ways(plan: &Plan, step: &Step) -> String {
    let mut ways: Vec<String> = Vec::new();
    for target in targets(step).filter_map(|id| plan.target(id)) {
        let asked = if target.is_confirmed(step.confirm) { " (press 1)" } else { "" };
        let way = by(plan, &target.reach).join(", else ") + asked;
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    format!("by {}", ways.join("; "))
}

/// The ways to a destination, in order of preference.
fn by(plan: &Plan, reach: &Reach) -> Vec<String> {
    match reach {
        Reach::Sip(peers) => peers.iter().filter_map(|id| address(plan, *id)).collect(),
        Reach::Number(_) => {
            let trunks = plan.carriers.iter().flat_map(|carrier| &carrier.trunks);
            trunks.filter_map(|id| plan.peer(*id)).map(|peer| peer.name.to_string()).collect()
        }
    }
}

/// Where a peer is, as the plan has it.
pub(super) fn address(plan: &Plan, id: PeerId) -> Option<String> {
    let peer = plan.peer(id)?;
    if peer.kind == PeerKind::Agent {
        return Some("this machine".into());
    }
    let host = match &peer.host {
        PeerHost::Name(name) => name.to_string(),
        PeerHost::Ip(ip) if ip.is_ipv6() => format!("[{ip}]"),
        PeerHost::Ip(ip) => ip.to_string(),
    };
    let port = peer.port.map_or(String::new(), |port| format!(":{port}"));
    let transport = peer.transport.map_or("", Transport::as_param);
    Some(format!("{host}{port}{transport}"))
}

fn targets(step: &Step) -> impl Iterator<Item = TargetId> {
    step.members.iter().filter_map(|member| match member {
        Member::Target(id) => Some(*id),
        Member::Course(_) => None,
    })
}
