//! `tandem`: keeps inbound calls answered.

use clap::{CommandFactory, Parser, Subcommand};
use jiff::Timestamp;
use router::proof::Depth;
use std::path::PathBuf;
use std::process::ExitCode;
use tandem::calls::CallsTo;
use tandem::cli::ask::{self, Apply, Asking, Switch};
use tandem::cli::folder::Folder;
use tandem::cli::forms::Form;
use tandem::cli::{calls, check, diff, fmt, help, init, messages, replay, schema, trace, why};
use tandem::config::{LogFormat, LogLevel};
use tandem::explain::broken;
use tandem::orders::{self, Order};
use tandem::start::{self, Options, StartError};
use tandem::{capacity, control, demo, doctor, explain};

/// Keeps inbound calls answered: detects what can no longer take calls, evaluates the plan, reroutes each call.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, infer_subcommands = true)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Ask a few questions and write a commented plan file of the answers; each question has a flag
    Init(init::Options),
    /// Route calls by a plan file until a signal ends it (HUP: read the file anew; TERM: end when no call is left)
    Run {
        /// The plan file, or a folder with a `tandem.toml`
        plan: PathBuf,
        /// The form of the log on standard error: text or json; overrides the plan file
        #[arg(long, value_name = "FORM", value_parser = form)]
        log: Option<LogFormat>,
        /// From which level up: error, warn, info, debug or trace; overrides the plan file
        #[arg(long, value_name = "LEVEL", value_parser = level)]
        level: Option<LogLevel>,
        /// Write one JSON line for each call that is over to this file; `-` for standard output
        #[arg(long, value_name = "FILE")]
        calls: Option<CallsTo>,
    },
    /// Say how the node that runs stands: who is reached, who is down, which plan is in force; exit status 1 if a number
    /// reaches nobody
    Status(Asking),
    /// Let the plan file come into force on the node that runs. No call is touched, and of a file with errors nothing is taken
    Apply(Apply),
    /// Say that the plan in force stays, after `apply --confirm-within`
    Confirm {
        /// Which it is; whichever it is, if not given
        revision: Option<u64>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Let an earlier plan come into force again
    Rollback {
        /// Which; the one before, if not given
        to: Option<u64>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Say by hand that something is so that steps ask for (`when = "override storm"`), or have calls to a number ring somebody else;
    /// for a time, and with a reason
    Override {
        /// The override, or the number
        what: String,
        /// Whom calls to that number ring: a destination or a plan; what always answers comes after it
        #[arg(long, value_name = "WHO")]
        to: Option<String>,
        #[command(flatten)]
        switch: Switch,
    },
    /// Let no new call ring a site, a service or a person, or go out by a carrier; for a time, and with a reason. Refused if calls to a
    /// number would then ring nobody but a machine
    Drain {
        /// `site office`, `carrier telnyx`, `service ava`, `person ana`, or the name alone
        what: String,
        #[command(flatten)]
        switch: Switch,
    },
    /// Take back an override or a drain
    Undo {
        /// Which: `tandem status` says
        id: u64,
        #[command(flatten)]
        asking: Asking,
    },
    /// Say all that is wrong with a plan file, or what it amounts to
    Check {
        /// The plan file, or a folder with a `tandem.toml`
        plan: PathBuf,
        /// How many things fail together in what it thinks of: none, singles or pairs; else as many as take a few seconds
        #[arg(long, value_name = "HOW MANY", value_parser = depth)]
        outages: Option<Depth>,
        /// Every line of the table, not only the worst forty
        #[arg(long)]
        all: bool,
        /// text, json, sarif, or github (annotations of a workflow)
        #[arg(short, long, value_name = "FORM", value_parser = check_form, default_value = "text")]
        output: Form,
    },
    /// Say what would happen to a call: who rings, from when on, for how long, by which ways, and what comes after; or why
    /// a call that has come went where it went
    Explain {
        /// The number that is called, or another SIP user part; or the name of a call (c-4f1d09, c-4f)
        number: String,
        #[command(flatten)]
        folder: Folder,
        /// When: `Tue 23:10` by the plan's clock, or `2026-11-24T23:10:00-08:00`; now, if not given
        #[arg(long, value_name = "TIME")]
        at: Option<explain::At>,
        /// As if this override were in force: `storm`
        #[arg(long = "override", value_name = "NAME")]
        overrides: Vec<String>,
    },
    /// Say what would change for callers if something failed: a carrier, a site, a service, a failure domain, or several at once
    Break {
        /// What fails: `site office`, `carrier telnyx`, `service ava`, `domain grid`, or the name alone; or what is switched:
        /// `override storm`
        #[arg(required = true)]
        things: Vec<String>,
        /// The plan file, or a folder with a `tandem.toml`
        #[arg(long, default_value = "tandem.toml")]
        plan: PathBuf,
        /// When: `Tue 23:10` by the plan's clock, or `2026-11-24T23:10:00-08:00`; now, if not given
        #[arg(long, value_name = "TIME")]
        at: Option<explain::At>,
    },
    /// Say who would get which call by another plan file, across all outages; nothing and exit status 0 if nothing differs
    Diff {
        /// The plan file that is in force, or a folder with a `tandem.toml`
        old: PathBuf,
        /// The plan file that might be
        new: PathBuf,
        /// How many things fail together in what it thinks of: none, singles or pairs; else as many as take a few seconds
        #[arg(long, value_name = "HOW MANY", value_parser = depth)]
        outages: Option<Depth>,
    },
    /// Bring a plan file, and those that it includes, into one form: `=` below `=`, one blank line before a section, one
    /// blank where one belongs. What they say, their lines and their comments stay
    Fmt {
        /// The plan file, or a folder with a `tandem.toml`
        plan: PathBuf,
        /// Write nothing; exit status 1 if a file would change
        #[arg(long)]
        check: bool,
    },
    /// Say what messages callers left, or play, claim, delete and deliver one of them
    Messages(messages::Options),
    /// List the calls that have come, the newest first; times are those of the business's clock
    Calls(calls::Options),
    /// Draw the ladder of a call that has come: who was rung, when, and what came of it
    Trace {
        /// The name of the call (c-4f1d09), as much of it as is unique, or its Call-ID
        id: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// What a call that has come would live through by another plan: would it have been answered?
    Replay(replay::Options),
    /// Is there room for all calls, also where they go when something has failed? From the calls that have come, by Erlang B
    Capacity(capacity::Options),
    /// Look at this machine and at all that the plan names, and say what would keep a node from working
    Doctor(doctor::Options),
    /// See it work: calls to a small business whose office, carrier and phones die one by one, all on 127.0.0.1
    Demo {
        /// Write the demo's plan file into this folder and leave it there
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Print a JSON Schema of the plan file, by which editors complete its keys and show what they mean
    Schema,
    /// Explain a code (E101), list all of them (codes), or list every setting with its bounds (settings)
    Help {
        /// A code, `codes` or `settings`
        topic: Option<String>,
    },
}

fn main() -> ExitCode {
    match Line::parse().verb {
        Verb::Init(options) => init::run(&options),
        Verb::Run { plan, log, level, calls } => run(&Options { plan, format: log, level, calls }),
        Verb::Check { plan, outages, all, output: form } => {
            check::run(&check::Options { plan, outages, all, form })
        }
        Verb::Status(asking) => ask::ask(control::Verb::Status, &asking, ("status", Timestamp::now())),
        Verb::Apply(options) => ask::apply(&options, Timestamp::now()),
        Verb::Confirm { revision, asking } => {
            ask::ask(control::Verb::Confirm { revision }, &asking, ("confirm", Timestamp::now()))
        }
        Verb::Rollback { to, asking } => {
            ask::ask(control::Verb::Rollback { to }, &asking, ("rollback", Timestamp::now()))
        }
        Verb::Override { what, to, switch } => {
            let order = Order { verb: orders::Verb::Override, what, to };
            ask::switch(order, &switch, Timestamp::now())
        }
        Verb::Drain { what, switch } => {
            let order = Order { verb: orders::Verb::Drain, what, to: None };
            ask::switch(order, &switch, Timestamp::now())
        }
        Verb::Undo { id, asking } => {
            ask::ask(control::Verb::Undo { id }, &asking, ("undo", Timestamp::now()))
        }
        Verb::Messages(options) => messages::run(&options),
        Verb::Explain { number, folder, at: None, overrides }
            if overrides.is_empty() && why::is_name(&number) =>
        {
            why::run(&number, &folder, Timestamp::now())
        }
        Verb::Explain { number, folder, at, overrides } => {
            let plan = folder.file();
            explain::run(&explain::Options { number, plan, at, overrides })
        }
        Verb::Break { things, plan, at } => broken::run(&broken::Options { things, plan, at }),
        Verb::Diff { old, new, outages } => diff::run(&diff::Options { old, new, outages }),
        Verb::Fmt { plan, check } => fmt::run(&plan, if check { fmt::Mode::Check } else { fmt::Mode::Write }),
        Verb::Calls(options) => calls::run(&options, Timestamp::now()),
        Verb::Trace { id, folder } => trace::run(&id, &folder, Timestamp::now()),
        Verb::Replay(options) => replay::run(&options, Timestamp::now()),
        Verb::Capacity(options) => capacity::run(&options, Timestamp::now()),
        Verb::Doctor(options) => doctor::run(&options),
        Verb::Demo { keep } => demo::run(&demo::Options { keep }),
        Verb::Schema => schema::run(),
        Verb::Help { topic: Some(topic) } => help::run(&topic),
        Verb::Help { topic: None } => usage(),
    }
}

/// `tandem help` without a topic is what people try first.
fn usage() -> ExitCode {
    // Standard output that is closed has no reader to tell.
    let _ = Line::command().print_long_help();
    ExitCode::SUCCESS
}

fn run(options: &Options) -> ExitCode {
    match start::run(options) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error @ StartError::Plan(_)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("tandem: {error}");
            ExitCode::FAILURE
        }
    }
}

fn form(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("`text` or `json`"),
    }
}

fn check_form(text: &str) -> Result<Form, &'static str> {
    match text {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        "sarif" => Ok(Form::Sarif),
        "github" => Ok(Form::Github),
        _ => Err("`text`, `json`, `sarif` or `github`"),
    }
}

fn depth(text: &str) -> Result<Depth, &'static str> {
    match text {
        "none" => Ok(Depth::Nothing),
        "singles" => Ok(Depth::Singles),
        "pairs" => Ok(Depth::Pairs),
        _ => Err("`none`, `singles` or `pairs`"),
    }
}

fn level(text: &str) -> Result<LogLevel, &'static str> {
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let named = levels.into_iter().find(|level| level.as_str() == text);
    named.ok_or("`error`, `warn`, `info`, `debug` or `trace`")
}
