//! `tandem replay CALL --plan NEW`: what a call that has come would live through by another plan, as far as it is known who does what.

mod many;
mod words;
mod worth;

use crate::cli::calls::{Form, ago};
use crate::cli::check::Answer;
use crate::cli::folder::Folder;
use crate::cli::told::about;
use crate::config::Loaded;
use crate::store::account::{CAME, record};
use crate::store::beliefs;
use crate::store::past::{self, Call, End, Which};
use clap::Args;
use jiff::Timestamp;
use router::Plan;
use router::replay::{Account, Untold};
use router::way::Way;
use rusqlite::Connection;
use serde_json::Value;
use std::process::ExitCode;
use worth::Worth;

/// What the command line says.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The name of the call (c-4f1d09), as much of it as is unique, or its Call-ID
    #[arg(required_unless_present_any = ["since", "failed"], conflicts_with_all = ["since", "failed"])]
    call: Option<String>,
    /// Instead all calls of the last so many: 90s, 15m, 1h, 7d; told are those that would go otherwise
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<i64>,
    /// Instead all calls that nobody answered
    #[arg(long)]
    failed: bool,
    /// How it is printed
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
    #[command(flatten)]
    folder: Folder,
}

/// Replays calls; exit status 1 if somebody is worse off for certain, or there is no such call; else see `Trouble::tell` of `cli::folder`.
#[must_use]
pub fn run(options: &Options, now: Timestamp) -> ExitCode {
    options.folder.ask("replay", now, |db, loaded| answer(db, loaded, options, now))
}

fn answer(db: &Connection, loaded: &Loaded, options: &Options, now: Timestamp) -> rusqlite::Result<Answer> {
    let file = words::name_of(loaded.source.path());
    let Some(asked) = &options.call else {
        let since = options.since.map(|back| now.as_microsecond().saturating_sub(back));
        let mut calls = past::calls(db, &Which { since, limit: CALLS_MAX, ..Which::default() })?;
        calls.retain(|call| {
            !options.failed || matches!(call.end, End::Cancelled | End::Failed(_) | End::Refused(..))
        });
        let replayed = calls.into_iter().map(|call| Replayed::new(db, &loaded.plan, call));
        return many::told(
            &replayed.collect::<rusqlite::Result<Vec<_>>>()?,
            &loaded.plan,
            &file,
            options.output,
            now,
        );
    };
    let mut fault = None;
    let mut fine = true;
    let told = about(db, "replay", asked, |call| match Replayed::new(db, &loaded.plan, call.clone()) {
        Ok(one) if one.way.is_none() => {
            fine = false;
            format!(
                "tandem replay: {} is not over, or nobody knows how it ended: its legs are not known\n",
                call.name
            )
        }
        Ok(one) => {
            fine = one.worth(&loaded.plan) != Worth::Worse;
            match options.output {
                Form::Json => format!("{:#}\n", one.value(&loaded.plan)),
                Form::Table => words::told(&one, &loaded.plan, &file),
                Form::Tsv => many::lines(&[&one], &loaded.plan, &file, now)
                    .iter()
                    .map(|row| row.join("\t") + "\n")
                    .collect(),
            }
        }
        Err(error) => {
            fault = Some(error);
            String::new()
        }
    })?;
    fault.map_or(Ok(Answer { fine: told.fine && fine, text: told.text }), Err)
}

/// A call, and what it would live through by the plan; `None` of one that is not over.
struct Replayed {
    call: Call,
    way: Option<Result<Way, Untold>>,
}

impl Replayed {
    fn new(db: &Connection, plan: &Plan, call: Call) -> rusqlite::Result<Self> {
        let believed = beliefs::of(db, &call, CAME)?;
        let unix = call.began.div_euclid(1_000_000);
        let record = record(&call);
        let way = record.map(|record| plan.replay(Account { call: &record, unix, believed: &believed }));
        Ok(Self { call, way })
    }

    fn worth(&self, plan: &Plan) -> Worth {
        worth::of(&self.call, self.way.as_ref(), plan)
    }

    /// Everything for programs. All `*_ms` count from the moment the call came.
    fn value(&self, plan: &Plan) -> Value {
        words::value(self, plan)
    }
}

/// Calls that are replayed in one go: some seconds.
const CALLS_MAX: i64 = 100_000;
