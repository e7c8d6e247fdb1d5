//! What each drill of a plan would show: who would be rung in each of its cases, at the next time that it may be.

use crate::config::{Drill, Loaded};
use crate::explain::broken::change;
use crate::foretold::{by_course, named};
use crate::imagined;
use crate::moment::At;
use jiff::Timestamp;
use router::Plan;
use serde_json::{Map, Value, json};

/// One drill and what it would show.
#[derive(Debug)]
struct Foreseen<'a> {
    drill: &'a Drill,
    /// When it may be next.
    unix: i64,
    cases: Vec<Case>,
}

/// What one case of it would show.
#[derive(Debug)]
struct Case {
    things: String,
    /// For those to whom something happens.
    changes: Vec<Told>,
    /// Would a call end without anybody being rung?
    loses: bool,
}

/// What becomes of the calls to some numbers of one plan.
#[derive(Debug)]
struct Told {
    numbers: String,
    plan: String,
    /// When, and what.
    told: Vec<(&'static str, String)>,
}

fn foreseen(loaded: &Loaded, unix: i64) -> Vec<Foreseen<'_>> {
    if loaded.drills.is_empty() {
        return Vec::new();
    }
    let plan = &*loaded.plan;
    let (roads, courses) = (imagined::roads(plan), by_course(plan));
    let of_drill = |drill: &Drill, unix: i64| {
        let case = |one: &crate::config::Break| {
            let mut case = Case { things: one.things.join(" + "), changes: Vec::new(), loses: false };
            for (course, numbers) in &courses {
                let Some(name) = plan.course(*course).map(|course| &*course.name) else { continue };
                if !drill.is_about(name) {
                    continue;
                }
                let Some(change) = change((plan, plan), &roads, *course, unix, &one.down) else { continue };
                case.loses |= change.rings_nobody;
                let told = match change.at_first == change.noticed {
                    true => vec![("then", change.noticed)],
                    false => vec![("at first", change.at_first), ("once noticed", change.noticed)],
                };
                case.changes.push(Told { numbers: named(numbers), plan: name.to_owned(), told });
            }
            case
        };
        drill.breaks.iter().map(case).collect()
    };
    let drills = loaded.drills.iter().map(|drill| {
        let next = drill.next(plan, unix);
        Foreseen { drill, unix: next, cases: of_drill(drill, next) }
    });
    drills.collect()
}

/// What they would show, in words; nothing if there are none.
pub(crate) fn text(loaded: &Loaded, unix: i64) -> String {
    let drills = foreseen(loaded, unix);
    let mut text = String::new();
    for foreseen in drills.iter().take(DRILLS_SHOWN) {
        text += &format!("\n  {}\n", foreseen.head(&loaded.plan));
        for case in &foreseen.cases {
            text += &format!("    {}: {}\n", case.things, case.sum());
            for Told { numbers, plan, told } in case.changes.iter().take(CHANGES_SHOWN) {
                text += &format!("      {numbers}  plan {plan}\n");
                told.iter().for_each(|(when, what)| text += &format!("        {when:<12}  {what}\n"));
            }
            if let Some(more) = case.changes.len().checked_sub(CHANGES_SHOWN).filter(|more| *more > 0) {
                text += &format!("      … and {more} more plans\n");
            }
        }
    }
    if let Some(more) = drills.len().checked_sub(DRILLS_SHOWN).filter(|more| *more > 0) {
        text += &format!("\n  … and {more} more drills\n");
    }
    text
}

/// The same for programs.
pub(crate) fn values(loaded: &Loaded, unix: i64) -> Vec<Value> {
    let case = |case: &Case| {
        let changes = case.changes.iter().map(|change| {
            let told: Map<String, Value> =
                change.told.iter().map(|(when, what)| (when.replace(' ', "_"), json!(what))).collect();
            json!({ "numbers": change.numbers, "plan": change.plan, "rings": told })
        });
        json!({ "down": case.things, "changes": changes.collect::<Vec<_>>(), "loses_calls": case.loses })
    };
    let drill = |foreseen: &Foreseen<'_>| {
        json!({
            "name": &*foreseen.drill.name,
            "every": foreseen.drill.every.to_string(),
            "window": foreseen.drill.window.as_ref().map(|window| &window.words),
            "unix": foreseen.unix,
            "breaks": foreseen.cases.iter().map(case).collect::<Vec<_>>(),
        })
    };
    foreseen(loaded, unix).iter().map(drill).collect()
}

impl Foreseen<'_> {
    /// `Drill semiannual, every 6 months, sun 02:00-04:00; next Sun 02:00 in America/Chicago.`
    fn head(&self, plan: &Plan) -> String {
        let drill = self.drill;
        let mut text = format!("Drill {}, {}", drill.name, drill.every);
        if let Some(window) = &drill.window {
            let zone = drill.zone(plan);
            let at = Timestamp::from_second(self.unix).unwrap_or_default();
            let next = At::words(Some(At::Exactly(at)), zone, self.unix);
            text += &format!(", {}; next {next} in {}", window.words, zone.name);
        }
        if let Some(evidence) = &drill.evidence {
            text += &format!("; evidence to {}", evidence.to.join(", "));
        }
        if let Some(evidence) = drill.evidence.as_ref().filter(|evidence| !evidence.frameworks.is_empty()) {
            text += &format!(" ({})", evidence.frameworks.join(", "));
        }
        text + ". It would show:"
    }
}

impl Case {
    fn sum(&self) -> String {
        let end = if self.loses { "a call may ring NOBODY" } else { "each call rings somebody" };
        match self.changes.len() {
            0 => "nothing changes for callers".to_owned(),
            1 => format!("1 plan changes, {end}"),
            many => format!("{many} plans change, {end}"),
        }
    }
}

/// Drills that fit beside the table; `-o json` has all.
const DRILLS_SHOWN: usize = 12;
/// Plans of one case that are told.
const CHANGES_SHOWN: usize = 8;
