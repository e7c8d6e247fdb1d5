//! `tandem check FILE`: all that is wrong with a plan file, or what it amounts to.

use crate::cli::forms::{self, Form};
use crate::config::{Loaded, Refused, load};
use crate::diagnostic::{Colour, Diagnostic, draw_all};
use crate::drilled;
use crate::proven::prove;
use crate::tls::Tls;
use jiff::Timestamp;
use router::proof::Depth;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a verb has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To print, with its last line break.
    pub text: String,
    /// Whether nothing was found: exit status 0, else 1.
    pub fine: bool,
}

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The plan file, or a folder with a `tandem.toml`.
    pub plan: PathBuf,
    /// How many things fail together; `None` for as many as take a few seconds.
    pub outages: Option<Depth>,
    /// Every line of the table, however many.
    pub all: bool,
    /// For whom it is said.
    pub form: Form,
}

/// Checks a plan file and prints the answer; exit status 0 for fine (warnings too), 1 for problems.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let colour = colour();
    let now = Timestamp::now();
    let read = checked(&options.plan, now);
    print(&match options.form {
        Form::Text => {
            let mut answer = say(&read, colour);
            if let Ok(loaded) = &read {
                let proven = prove(&loaded.plan, now.as_second(), options.outages);
                answer.text.push('\n');
                answer.text.push_str(&proven.table(if options.all { usize::MAX } else { ROWS }));
                answer.text.push_str(&drilled::text(loaded, now.as_second()));
            }
            answer
        }
        Form::Json | Form::Sarif | Form::Github => for_programs(&read, now, options),
    })
}

/// Colour for a terminal, unless `NO_COLOR` is set.
pub(crate) fn colour() -> Colour {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    if std::io::stdout().is_terminal() && !unwanted { Colour::On } else { Colour::Off }
}

/// The same for programs.
#[must_use]
pub fn for_programs(read: &Result<Loaded, Refused>, now: Timestamp, options: &Options) -> Answer {
    let (problems, source) = match read {
        Ok(loaded) => (&loaded.warnings, &loaded.source),
        Err(refused) => (&refused.problems, &refused.source),
    };
    let fine = read.is_ok();
    let text = match options.form {
        Form::Sarif => forms::sarif(problems, source),
        Form::Github => forms::github(problems, source),
        Form::Text | Form::Json => {
            let proven =
                read.as_ref().ok().map(|loaded| prove(&loaded.plan, now.as_second(), options.outages));
            let said = json!({
                "file": source.path(),
                "fine": fine,
                "problems": forms::values(problems, source),
                "calls": proven.map(|proven| proven.values()),
                "drills": read.as_ref().ok().map(|loaded| drilled::values(loaded, now.as_second())),
            });
            format!("{said:#}\n")
        }
    };
    Answer { text, fine }
}

/// Prints an answer to standard output; a reader who has gone away is no problem.
pub(crate) fn print(answer: &Answer) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(answer.text.as_bytes()).and_then(|()| out.flush());
    ExitCode::from(u8::from(!answer.fine))
}

/// What `tandem check` says of a file, but for its outages.
#[must_use]
pub fn answer(path: &Path, now: Timestamp, colour: Colour) -> Answer {
    say(&checked(path, now), colour)
}

fn checked(path: &Path, now: Timestamp) -> Result<Loaded, Refused> {
    let mut read = load(path, now);
    if let Ok(loaded) = &mut read {
        let (_, problems) = Tls::read(&loaded.tls, None, now.as_second());
        loaded.warnings.extend(problems);
    }
    read
}

/// What `tandem check` says of a file that has been read.
#[must_use]
pub fn say(read: &Result<Loaded, Refused>, colour: Colour) -> Answer {
    match read {
        Ok(loaded) => {
            let mut text = draw_all(&loaded.warnings, &loaded.source, colour);
            text.push_str(&format!("tandem check: {} is fine: {}.", loaded.source.path(), amounts(loaded)));
            text.push_str(&match loaded.warnings.first() {
                None => "\n".into(),
                Some(first) => format!(" {}. {}\n", tally(&loaded.warnings), explain(first)),
            });
            Answer { text, fine: true }
        }
        Err(refused) => {
            let mut text = draw_all(&refused.problems, &refused.source, colour);
            let tally = tally(&refused.problems);
            let explain = refused.problems.first().map(explain).unwrap_or_default();
            text.push_str(&format!("tandem check: {tally} in {}. {explain}\n", refused.source.path()));
            Answer { text, fine: false }
        }
    }
}

fn amounts(loaded: &Loaded) -> String {
    let plan = &loaded.plan;
    let domains: BTreeSet<_> = plan.peers.iter().flat_map(|peer| &peer.domains).collect();
    let mut parts = vec![
        count(plan.numbers.len() + usize::from(plan.unlisted.is_some()), "number"),
        count(plan.courses.len(), "plan"),
        count(plan.targets.len(), "destination"),
        count(plan.carriers.len(), "carrier"),
    ];
    if !domains.is_empty() {
        parts.push(count(domains.len(), "failure domain"));
    }
    parts.join(", ")
}

fn tally(problems: &[Diagnostic]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let parts = [(errors, "error"), (problems.len() - errors, "warning")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| count(*n, word)).collect();
    parts.join(", ")
}

pub(crate) fn count(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn explain(problem: &Diagnostic) -> String {
    format!("`tandem help {}` explains a code.", problem.code)
}

/// Lines of the table that fit on a screen.
const ROWS: usize = 40;
