//! The verbs that ask the node that runs: how it stands, and which plan is in force. They say what it says.

use crate::cli::check::{Answer, print};
use crate::cli::diff;
use crate::cli::folder::Folder;
use crate::config::{self, long};
use crate::control::revisions::Revisions;
use crate::control::state::State;
use crate::control::{End, Lasts, Request, Verb, client};
use crate::orders::{self, Order};
use clap::{Args, ValueEnum};
use core::time::Duration;
use jiff::Timestamp;
use nix::unistd::{User, getuid};
use std::path::Path;
use std::process::ExitCode;

/// What every such verb takes.
#[derive(Clone, Debug, Args)]
pub struct Asking {
    /// Why: it is kept, and shown by `tandem status`
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub why: String,
    /// How the answer is printed
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub output: Form,
    /// Which node
    #[command(flatten)]
    pub folder: Folder,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// What `tandem apply` takes.
#[derive(Clone, Debug, Args)]
pub struct Apply {
    /// Go back to the plan before, unless `tandem confirm` says within so long that this one stays: 30s, 5m
    #[arg(long, value_name = "TIME", value_parser = long)]
    pub confirm_within: Option<Duration>,
    /// Only say what would change for callers, across all outages
    #[arg(long, conflicts_with = "confirm_within")]
    pub dry_run: bool,
    /// Of which node, and why
    #[command(flatten)]
    pub asking: Asking,
}

/// What `tandem override` and `tandem drain` take.
#[derive(Clone, Debug, Args)]
#[group(id = "lasting", required = true, args = ["for_", "until"])]
pub struct Switch {
    /// For how long: 30m, 2h, 3d
    #[arg(long = "for", value_name = "TIME", value_parser = long, conflicts_with = "until")]
    pub for_: Option<Duration>,
    /// Until when: 17:00, "Tue 17:00" by the clock of the business, or 2026-11-24T17:00:00-08:00
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Even if calls to a number then ring nobody but a machine
    #[arg(long)]
    pub even_so: bool,
    /// Of which node, and why
    #[command(flatten)]
    pub asking: Asking,
}

/// `tandem override` and `tandem drain`: switches something by hand, for a time.
#[must_use]
pub fn switch(order: Order, options: &Switch, now: Timestamp) -> ExitCode {
    let named = match order.verb {
        orders::Verb::Override => "override",
        orders::Verb::Drain => "drain",
    };
    let until = options.until.clone().map(Lasts::Until);
    let lasts = options.for_.map(|length| Lasts::For(length.as_secs())).or(until).unwrap_or(Lasts::For(0));
    let verb = Verb::Order { order, lasts, even_so: options.even_so };
    ask(verb, &options.asking, (named, now))
}

/// `tandem apply`: lets the plan file come into force.
#[must_use]
pub fn apply(options: &Apply, now: Timestamp) -> ExitCode {
    if options.dry_run {
        return match options.asking.folder.data(now).and_then(|data| foreseen(&data, &options.asking, now)) {
            Ok(answer) => print(&answer),
            Err(why) => trouble("apply", &why),
        };
    }
    let confirm_within = options.confirm_within.map(|within| within.as_secs());
    ask(Verb::Apply { confirm_within }, &options.asking, ("apply", now))
}

/// Asks the node, and prints what it says; exit status 0 if it was done, 1 if not or if there is something to look at, 3 if no node can
/// be asked.
#[must_use]
pub fn ask(verb: Verb, asking: &Asking, (named, now): (&str, Timestamp)) -> ExitCode {
    let request = Request { verb, who: who(), why: asking.why.clone() };
    let answer = asking.folder.data(now).and_then(|data| client::ask(&data, &request));
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return trouble(named, &why),
    };
    let text = match asking.output {
        Form::Json => format!("{:#}\n", answer.values),
        Form::Text if answer.end == End::Refused => {
            // A whole drawing says by itself whose it is.
            let whose = if answer.text.trim_end().contains('\n') {
                String::new()
            } else {
                format!("tandem {named}: ")
            };
            eprint!("{whose}{}", answer.text);
            return ExitCode::FAILURE;
        }
        Form::Text => answer.text,
    };
    print(&Answer { text, fine: answer.end == End::Done })
}

fn trouble(named: &str, why: &str) -> ExitCode {
    eprintln!("tandem {named}: {why}");
    ExitCode::from(3)
}

/// What would change for callers if the plan file came into force.
fn foreseen(data: &Path, asking: &Asking, now: Timestamp) -> Result<Answer, String> {
    let file = asking.folder.file();
    let new = match config::load(&file, now) {
        Ok(new) => new,
        Err(refused) => return Ok(Answer { text: format!("{refused}It would be refused.\n"), fine: false }),
    };
    let number = State::read(data).map_err(|error| error.to_string())?.in_force;
    let old = Revisions::new(data).source(number, new.source.path());
    let old = old.map_err(|error| format!("what is in force is not kept in {}: {error}", data.display()))?;
    let old = config::read_again(old, now).map_err(|refused| refused.to_string())?;
    let differences = diff::differences(&old, &new, None, now.as_second());
    let text = match &*differences {
        "" => format!(
            "For callers nothing would change: revision {number} and the plan file differ in nothing that they notice.\n"
        ),
        differences => format!("From revision {number} to the plan file:\n{differences}"),
    };
    Ok(Answer { text, fine: true })
}

/// Who sits at the keyboard: whoever became root to say this, too.
fn who() -> String {
    let sudo = std::env::var_os("SUDO_USER").filter(|_| getuid().is_root());
    let named = || User::from_uid(getuid()).ok().flatten().map(|user| user.name);
    sudo.map(|name| name.to_string_lossy().into_owned()).or_else(named).unwrap_or_default()
}
