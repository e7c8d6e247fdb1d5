//! Whether there is room for all calls, also where they go when something has failed: from the calls that have come.

pub mod erlang;
pub mod offered;
mod words;

use crate::cli::calls::{Form, ago};
use crate::cli::check::Answer;
use crate::cli::folder::Folder;
use crate::config::Loaded;
use crate::imagined;
use crate::store::past::{self, Call, End, Which};
use clap::Args;
use core::time::Duration;
use jiff::Timestamp;
use offered::{Offered, Terms};
use router::Plan;
use router::outage::Thing;
use router::plan::Limited;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// What the command line says.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// From the calls of the last so many: 7d, 30d
    #[arg(long, value_name = "TIME", value_parser = ago, default_value = "30d")]
    since: i64,
    /// As if so many times as many calls came: 1.5
    #[arg(long, value_name = "FACTOR", value_parser = factor, default_value = "1")]
    grow: f64,
    /// How long a call lasts of which that was not kept; else as long as the others: 90s, 3m
    #[arg(long, value_name = "TIME", value_parser = ago)]
    talk: Option<i64>,
    /// How it is printed
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
    #[command(flatten)]
    folder: Folder,
}

/// What is known of the traffic, whatever fails.
pub(crate) struct Known<'a> {
    /// All calls that count.
    pub(crate) calls: &'a [Call],
    /// The days on which they came, by the business's clock.
    pub(crate) days: usize,
    /// How many of those that were answered lasted for a time that is kept, and how many were answered.
    pub(crate) timed: (usize, usize),
    /// How long the others are taken to have lasted.
    pub(crate) talk: Duration,
}

/// One limit while something has failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Load {
    /// What has failed, by its place among the things of the plan; nothing, if there is none.
    pub(crate) failed: Option<usize>,
    /// What has the limit.
    pub(crate) at: Limited,
    /// The busiest hour since 1970, by the business's clock.
    pub(crate) hour: i64,
    /// What is offered to it then, in erlangs.
    pub(crate) traffic: f64,
    /// Calls at once; `None` where the plan does not say.
    pub(crate) channels: Option<u32>,
}

impl Load {
    /// The share of callers who find no channel; `None` if nothing is known of its room.
    pub(crate) fn blocked(&self) -> Option<f64> {
        self.channels.map(|channels| erlang::blocked(self.traffic, channels))
    }
}

/// Says whether there is room; exit status 1 if more than one caller in a hundred is blocked anywhere, or of too few calls is known; else
/// see `Trouble::tell` of `cli::folder`.
#[must_use]
pub fn run(options: &Options, now: Timestamp) -> ExitCode {
    options.folder.ask("capacity", now, |db, loaded| answer(db, loaded, options, now))
}

fn answer(db: &Connection, loaded: &Loaded, options: &Options, now: Timestamp) -> rusqlite::Result<Answer> {
    let since = Some(now.as_microsecond().saturating_sub(options.since));
    let mut calls = past::calls(db, &Which { since, limit: CALLS_MAX, ..Which::default() })?;
    calls.retain(|call| matches!(call.end, End::Answered(_) | End::Cancelled | End::Failed(_)));
    let known = match Known::of(&calls, options.talk) {
        Ok(known) => known,
        Err(why) => return Ok(Answer { text: format!("tandem capacity: {why}\n"), fine: false }),
    };
    let things = loaded.plan.things();
    let loads = loads(&loaded.plan, &things, &known, options.grow);
    let fine = !loads.iter().any(|load| load.blocked().is_some_and(|share| share > BLOCKED_MAX));
    let text = match options.output {
        Form::Json => words::value(&loaded.plan, &things, &known, &loads, options.grow),
        Form::Tsv => {
            words::rows(&loaded.plan, &things, &loads).iter().map(|row| row.join("\t") + "\n").collect()
        }
        Form::Table => words::told(loaded, &things, &known, &loads, options.grow),
    };
    Ok(Answer { text, fine })
}

impl<'a> Known<'a> {
    /// What these calls tell; or why that is too little to go by.
    fn of(calls: &'a [Call], talk: Option<i64>) -> Result<Self, String> {
        let day = |call: &Call| offered::local(call, 0).div_euclid(86_400_000_000);
        let days = calls.iter().map(day).collect::<BTreeSet<_>>().len();
        if calls.len() < CALLS_MIN || days < DAYS_MIN {
            let [calls, days] =
                [(calls.len(), "call"), (days, "day")].map(|(n, word)| crate::cli::check::count(n, word));
            return Err(format!(
                "{calls} on {days} {} too few to say anything by: at least {CALLS_MIN} on {DAYS_MIN} days are asked for",
                if calls.starts_with("1 ") { "is" } else { "are" }
            ));
        }
        let answered: Vec<&Call> = calls.iter().filter(|call| matches!(call.end, End::Answered(_))).collect();
        let timed: Vec<i64> = answered.iter().filter_map(|call| offered::talked(call)).collect();
        let mean =
            i64::try_from(timed.len()).ok().and_then(|many| timed.iter().sum::<i64>().checked_div(many));
        let Some(talk) = talk.or(mean) else {
            return Err(
                "of none of these calls it is known how long it lasted; say how long with `--talk 3m`".into(),
            );
        };
        let talk = Duration::from_micros(u64::try_from(talk).unwrap_or(0));
        Ok(Self { calls, days, timed: (timed.len(), answered.len()), talk })
    }
}

/// Every limit while nothing has failed, and every one that gets more while something has; and whatever gets calls and has no limit.
fn loads(plan: &Plan, things: &[Thing], known: &Known<'_>, grow: f64) -> Vec<Load> {
    let roads = imagined::roads(plan);
    let terms = Terms { plan, roads: &roads, talk: known.talk };
    let offered = |failed: Option<&Thing>| Offered::of(&terms, known.calls, failed);
    let usual = offered(None);
    let mut loads = Vec::new();
    for (failed, offered) in core::iter::once((None, usual.clone()))
        .chain(things.iter().enumerate().map(|(nth, it)| (Some(nth), offered(Some(it)))))
    {
        for (at, hour, traffic) in offered.busiest() {
            let channels = plan.limits.get(&at).and_then(|limit| limit.channels);
            let is_more = failed.is_none() || traffic > usual.most(at) + TRAFFIC_MIN;
            if is_more && is_one(plan, at, channels) {
                loads.push(Load { failed, at, hour, traffic: traffic * grow, channels });
            }
        }
    }
    loads
}

/// Is it something whose room matters? A trunk is told by its carrier, unless it has a limit of its own.
fn is_one(plan: &Plan, at: Limited, channels: Option<u32>) -> bool {
    use router::target::{Reach, TargetKind};
    match at {
        Limited::Carrier(_) => true,
        Limited::Peer(_) => channels.is_some(),
        Limited::Target(id) => plan.target(id).is_some_and(|target| match target.kind {
            TargetKind::Site | TargetKind::Service => true,
            TargetKind::Person => channels.is_some() && matches!(target.reach, Reach::Sip(_)),
            // It is this process.
            TargetKind::Agent | TargetKind::Word => false,
        }),
    }
}

/// Reads `1.5`.
fn factor(text: &str) -> Result<f64, &'static str> {
    let read = text.parse().ok().filter(|factor: &f64| (0.01..=1_000.0).contains(factor));
    read.ok_or("write `1.5`, from 0.01 to 1000")
}

/// Fewer are chance.
const CALLS_MIN: usize = 50;
/// Less than a week has not seen its busiest day; so many working days have most weeks.
const DAYS_MIN: usize = 5;
/// One caller in a hundred in the busiest hour: what trunks are planned by.
const BLOCKED_MAX: f64 = 0.01;
/// Less is no difference.
const TRAFFIC_MIN: f64 = 0.005;
const CALLS_MAX: i64 = 200_000; // Some seconds of walks.
