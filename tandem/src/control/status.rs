//! How a node stands: who is reached, who is down, what is in force and what is switched, in words and as values.

use super::changes::View;
use super::state::{State, Switched, Unconfirmed};
use super::words::{by, clock};
use super::{Answer, End};
use crate::config::words as length;
use crate::explain::and;
use crate::foretold::by_course;
use crate::imagined;
use crate::orders::Unmeant;
use core::time::Duration;
use router::Plan;
use router::foretell::Fault;
use router::outage::{Kind, Thing};
use router::target::{PeerId, TargetId, TargetKind};
use router::way::{Try, Way};
use serde_json::json;

/// How a node stands.
pub(super) struct Standing<'a> {
    /// What the node itself knows.
    pub(super) view: &'a View,
    /// Which plan is in force.
    pub(super) state: &'a State,
    /// What of that which is switched means nothing.
    pub(super) meaningless: Vec<(&'a Switched, Unmeant)>,
    /// Now, in seconds since 1970.
    pub(super) unix: i64,
}

/// How a node stands: who is reached, who is down, what is in force.
pub(super) fn status(standing: &Standing<'_>) -> Answer {
    let Standing { view, state, unix, .. } = standing;
    let plan = &*view.plan;
    let reached = Reached::of(view, *unix);
    let mut text = reached.words();
    let mut down = Vec::new();
    for thing in plan.things().iter().filter(|thing| thing.kind != Kind::Domain) {
        let unknown = !thing.peers.is_empty() && thing.peers.iter().all(|peer| view.lost.contains(peer));
        if unknown {
            text += &format!("  ■ {thing}  no address is known for its name\n");
            down.push(json!({ "thing": thing.to_string(), "since": null }));
        }
        let Some(since) = since(thing, view) else { continue };
        let lasts = Duration::from_secs(u64::try_from(unix.saturating_sub(since)).unwrap_or(0));
        text += &format!("  ■ {thing}  down for {}\n", length(lasts));
        down.push(json!({ "thing": thing.to_string(), "since": since }));
    }
    let who = by(&state.who, &state.why);
    text +=
        &format!("  revision {}  in force since {}{who}\n", state.in_force, clock(&plan.zone, state.since));
    if let Some(Unconfirmed { back_to, until }) = state.unconfirmed {
        let (until, revision) = (clock(&plan.zone, until), state.in_force);
        text +=
            &format!("  it goes back to {back_to} at {until} unless you run: tandem confirm {revision}\n");
    }
    for it in &state.switched {
        let (until, who) = (clock(&plan.zone, it.until), by(&it.who, &it.why));
        text += &format!("  {}  until {until}{who}. To undo it: tandem undo {}\n", it.order, it.id);
        if let Some((_, why)) = standing.meaningless.iter().find(|(other, _)| other.id == it.id) {
            text += &format!("    it means nothing in this plan: {why}\n");
        }
    }
    text += &match view.calls {
        0 => "  no call is being put through\n".to_owned(),
        1 => "  1 call is being put through\n".to_owned(),
        calls => format!("  {calls} calls are being put through\n"),
    };
    let values = json!({
        "numbers": reached.numbers,
        "reach_nobody": reached.lost,
        "on_a_backup": reached.on_backup,
        "down": down,
        "revision": state.in_force,
        "since": state.since,
        "who": state.who,
        "why": state.why,
        "unconfirmed": state.unconfirmed,
        "switched": state.switched,
        "calls": view.calls,
    });
    Answer { end: if reached.lost.is_empty() { End::Done } else { End::Found }, text, values }
}

/// Since when all of a thing is down; `None` if it is not.
fn since(thing: &Thing, view: &View) -> Option<i64> {
    let of = |peer: &PeerId| view.down.iter().find(|(down, _)| down == peer).map(|(_, since)| *since);
    let all: Option<Vec<i64>> = thing.peers.iter().map(of).collect();
    all?.into_iter().max()
}

/// What calls to each number would meet now.
struct Reached {
    numbers: usize,
    /// Who would ring nobody.
    lost: Vec<String>,
    /// Who would ring another first than if all were well.
    on_backup: Vec<String>,
}

impl Reached {
    fn of(view: &View, unix: i64) -> Self {
        let (plan, roads) = (&view.plan, &*view.roads);
        // If all were well, and nothing switched.
        let (planned, all_roads) = (plan.unordered(), imagined::roads(plan.unordered()));
        let well = Fault::default();
        let mut found = Self { numbers: 0, lost: Vec::new(), on_backup: Vec::new() };
        for (course, numbers) in by_course(plan) {
            found.numbers += numbers.len();
            let now = plan.foretell(roads, plan.entrance(course, unix), unix, &view.fault);
            let as_planned = numbers.first().and_then(|number| planned.course_of(number.as_bytes()));
            let as_planned = as_planned.map_or_else(
                || now.clone(),
                |(course, _)| planned.foretell(&all_roads, planned.entrance(course, unix), unix, &well),
            );
            let names = || numbers.iter().map(|number| (*number).to_owned());
            if !rings_somebody(plan, &now) {
                found.lost.extend(names());
            } else if first(&as_planned) != first(&now) {
                found.on_backup.extend(names());
            }
        }
        found
    }

    fn words(&self) -> String {
        let all = self.numbers;
        let of = |some: &[String], one: &str, more: &str| {
            let verb = if some.len() == 1 { one } else { more };
            let shown: Vec<&str> = some.iter().take(SHOWN).map(|number| &**number).collect();
            let rest = some.len().saturating_sub(SHOWN);
            let names = if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { and(&shown) };
            format!("{} of {all} {verb}: {names}.", some.len())
        };
        let mut text = match (self.lost.is_empty(), all) {
            (true, 1) => "The number reaches somebody.".to_owned(),
            (true, _) => "Every number reaches somebody.".to_owned(),
            (false, _) => of(&self.lost, "number reaches NOBODY", "numbers reach NOBODY"),
        };
        if !self.on_backup.is_empty() {
            text += &format!(" {}", of(&self.on_backup, "is on a backup", "are on a backup"));
        }
        text + "\n"
    }
}

/// Does anybody ring on the way, or answer at its end?
fn rings_somebody(plan: &Plan, way: &Way) -> bool {
    let is_machine = |it: &Try| plan.target(it.target).is_none_or(|target| target.kind == TargetKind::Word);
    way.answered.is_some() || way.tries.iter().any(|it| it.rings && !is_machine(it))
}

/// Who rings first.
fn first(way: &Way) -> Option<TargetId> {
    way.tries.iter().find(|it| it.rings).map(|it| it.target)
}

/// Numbers that are named; of more, these.
const SHOWN: usize = 3;
