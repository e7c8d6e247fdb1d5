//! `tandem`: keeps inbound calls answered.

use clap::{Args, CommandFactory, Parser, Subcommand};
use jiff::Timestamp;
use std::path::PathBuf;
use std::process::ExitCode;
use tandem::calls::CallsTo;
use tandem::cli::calls::{self, Form, ago, tries};
use tandem::cli::folder::Folder;
use tandem::cli::{check, help, messages, trace, why};
use tandem::config::{LogFormat, LogLevel};
use tandem::start::{self, Options, StartError};
use tandem::store::past::Which;
use tandem::{demo, explain};

/// Keeps inbound calls answered: detects what can no longer take calls, evaluates the plan, reroutes each call.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, infer_subcommands = true)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
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
    /// Say all that is wrong with a plan file, or what it amounts to
    Check {
        /// The plan file, or a folder with a `tandem.toml`
        plan: PathBuf,
    },
    /// Say what would happen to a call: who rings, from when on, for how long, by which ways, and what comes after; or why
    /// a call that has come went where it went
    Explain {
        /// The number that is called, or another SIP user part; or the name of a call (c-4f1d09, c-4f)
        number: String,
        #[command(flatten)]
        at_hand: AtHand,
        /// When: `Tue 23:10` by the plan's clock, or `2026-11-24T23:10:00-08:00`; now, if not given
        #[arg(long, value_name = "TIME")]
        at: Option<explain::At>,
    },
    /// Say what messages callers left, or play, claim, delete and deliver one of them
    Messages(messages::Options),
    /// List the calls that have come, the newest first; times are those of the business's clock
    Calls {
        #[command(flatten)]
        asked: Asked,
        #[command(flatten)]
        at_hand: AtHand,
    },
    /// Draw the ladder of a call that has come: who was rung, when, and what came of it
    Trace {
        /// The name of the call (c-4f1d09), as much of it as is unique, or its Call-ID
        id: String,
        #[command(flatten)]
        at_hand: AtHand,
    },
    /// See it work: calls to a small business whose office, carrier and phones die one by one, all on 127.0.0.1
    Demo {
        /// Write the demo's plan file into this folder and leave it there
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Explain a code (E101), list all of them (codes), or list every setting with its bounds (settings)
    Help {
        /// A code, `codes` or `settings`
        topic: Option<String>,
    },
}

/// Where the files of a node are.
#[derive(Debug, Args)]
struct AtHand {
    /// The plan file, or a folder with a `tandem.toml`; the one here, if not given
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// The data folder of the node, if not the one that the plan file names
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Which calls, and how they are printed.
#[derive(Debug, Args)]
struct Asked {
    /// Those of the last so many: 90s, 15m, 1h, 7d
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<i64>,
    /// Those that rang so many, one after the other or together: 2, '>1', '<3'
    #[arg(long, value_name = "COUNT", value_parser = tries)]
    tries: Option<(i64, i64)>,
    /// Those to numbers with this in it, or to this plan
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Those of callers with this in their number, or that came by this peer
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// Those that ended so
    #[arg(long, value_name = "END", value_parser = ["answered", "cancelled", "failed", "unknown"])]
    end: Option<String>,
    /// No more than so many
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// As a table, json or tsv
    #[arg(short, long, value_name = "FORM", default_value = "table", value_parser = listed)]
    output: Form,
}

fn main() -> ExitCode {
    match Line::parse().verb {
        Verb::Run { plan, log, level, calls } => run(&Options { plan, format: log, level, calls }),
        Verb::Check { plan } => check::run(&plan),
        Verb::Messages(options) => messages::run(&options),
        Verb::Explain { number, at_hand, at: None } if why::is_name(&number) => {
            why::run(&number, &at_hand.folder(), Timestamp::now())
        }
        Verb::Explain { number, at_hand, at } => {
            let plan = at_hand.plan.unwrap_or_else(|| "tandem.toml".into());
            explain::run(&explain::Options { number, plan, at })
        }
        Verb::Calls { asked, at_hand } => calls::run(&asked.options(at_hand.folder()), Timestamp::now()),
        Verb::Trace { id, at_hand } => trace::run(&id, &at_hand.folder(), Timestamp::now()),
        Verb::Demo { keep } => demo::run(&demo::Options { keep }),
        Verb::Help { topic: Some(topic) } => help::run(&topic),
        Verb::Help { topic: None } => usage(),
    }
}

impl AtHand {
    fn folder(self) -> Folder {
        Folder { data: self.data, plan: self.plan }
    }
}

impl Asked {
    fn options(self, folder: Folder) -> calls::Options {
        let Self { since, tries, to, from, end, limit, output } = self;
        calls::Options { which: Which { since, to, from, end, tries, limit }, form: output, folder }
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

fn listed(text: &str) -> Result<Form, &'static str> {
    match text {
        "table" => Ok(Form::Table),
        "json" => Ok(Form::Json),
        "tsv" => Ok(Form::Tsv),
        _ => Err("`table`, `json` or `tsv`"),
    }
}

fn level(text: &str) -> Result<LogLevel, &'static str> {
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let named = levels.into_iter().find(|level| level.as_str() == text);
    named.ok_or("`error`, `warn`, `info`, `debug` or `trace`")
}
