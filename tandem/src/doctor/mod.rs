//! `tandem doctor`: what of this machine, and of all that the plan names, would keep a node from working; with what to do about it.

mod deliveries;
mod machine;
mod options;
mod peers;

use crate::cli::check::{Answer, print};
use crate::config::{Loaded, Refused, load};
use crate::tls::Tls;
use clap::{Args, ValueEnum};
use core::time::Duration;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What the command line says.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The plan file, or a folder with a `tandem.toml`
    #[arg(default_value = "tandem.toml")]
    plan: PathBuf,
    /// Only what needs no network: nobody is asked anything
    #[arg(long)]
    offline: bool,
    /// How it is printed
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Text,
    /// A JSON list of all findings
    Json,
}

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    mark: Mark,
    what: String,
    told: String,
    fix: Option<String>,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Fine,
    /// Somebody should look at it, or it cannot be told.
    Look,
    /// It has to be mended.
    Wrong,
}

impl Finding {
    fn fine(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self { mark: Mark::Fine, what: what.into(), told: told.into(), fix: None }
    }

    fn look(what: impl Into<String>, told: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { mark: Mark::Look, what: what.into(), told: told.into(), fix: Some(fix.into()) }
    }

    fn wrong(what: impl Into<String>, told: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { mark: Mark::Wrong, what: what.into(), told: told.into(), fix: Some(fix.into()) }
    }

    fn value(&self) -> Value {
        let mark = match self.mark {
            Mark::Fine => "fine",
            Mark::Look => "look",
            Mark::Wrong => "wrong",
        };
        json!({ "what": self.what, "mark": mark, "told": self.told, "fix": self.fix })
    }
}

/// Looks, and says what was found; exit status 1 if something has to be mended.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let now = Timestamp::now();
    let findings = match load(&options.plan, now) {
        Ok(loaded) => look(&Arc::new(loaded), options.offline, now),
        Err(refused) => vec![plan_refused(&refused)],
    };
    print(&match options.output {
        Form::Text => told(&findings),
        Form::Json => {
            let text = format!("{:#}\n", findings.iter().map(Finding::value).collect::<Value>());
            Answer { text, fine: is_fine(&findings) }
        }
    })
}

/// Everything that can be found out, in the order in which it is told.
fn look(loaded: &Arc<Loaded>, offline: bool, now: Timestamp) -> Vec<Finding> {
    let (tls, problems) = Tls::read(&loaded.tls, None, now.as_second());
    let tls = Arc::new(tls);
    let mut findings = vec![plan(loaded, problems.len())];
    findings.extend(problems.iter().map(|problem| {
        let fix = format!("see `tandem check`, and `tandem help {}`", problem.code);
        let found = (problem.line(&loaded.source), fix);
        if problem.is_error() {
            Finding::wrong("tls", found.0, found.1)
        } else {
            Finding::look("tls", found.0, found.1)
        }
    }));
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = built else {
        findings.push(Finding::wrong("system", "it gives no sockets to wait on", "ulimit -n"));
        return findings;
    };
    findings.extend(runtime.block_on(async { machine::look(loaded, now) }));
    findings.extend(peers::certificate(loaded, &tls, now.as_second()));
    if !offline {
        findings.extend(runtime.block_on(async {
            let (peers, deliveries) = tokio::join!(peers::look(loaded, &tls), deliveries::look(loaded));
            peers.into_iter().chain(deliveries)
        }));
    }
    // A look-up that hangs is not waited for.
    runtime.shutdown_background();
    findings
}

fn plan(loaded: &Loaded, tls_problems: usize) -> Finding {
    let warnings = loaded.warnings.len();
    let file = loaded.source.path();
    match (loaded.warnings.first(), tls_problems) {
        (None, 0) => Finding::fine("plan", format!("{file}: no error, no warning")),
        (first, _) => {
            let codes = first.map(|first| format!(" ({})", first.code)).unwrap_or_default();
            let count = crate::cli::check::count(warnings + tls_problems, "warning");
            Finding::look("plan", format!("{file}: no error, {count}{codes}"), format!("tandem check {file}"))
        }
    }
}

fn plan_refused(refused: &Refused) -> Finding {
    let errors = refused.problems.iter().filter(|problem| problem.is_error()).count();
    let first = refused.problems.first().map(|problem| problem.line(&refused.source)).unwrap_or_default();
    let count = crate::cli::check::count(errors, "error");
    Finding::wrong(
        "plan",
        format!("{count}; the first is {first}"),
        format!("tandem check {}", refused.source.path()),
    )
}

fn is_fine(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.mark != Mark::Wrong)
}

/// A line for each finding.
fn told(findings: &[Finding]) -> Answer {
    let width = findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or(0);
    let line = |finding: &Finding| {
        let mark = match finding.mark {
            Mark::Fine => "✓",
            Mark::Look => "!",
            Mark::Wrong => "✗",
        };
        let fix = finding.fix.as_ref().map(|fix| format!("   fix: {fix}")).unwrap_or_default();
        format!("{mark} {:<width$}  {}{fix}\n", finding.what, finding.told)
    };
    Answer { text: findings.iter().map(line).collect(), fine: is_fine(findings) }
}

/// Nobody is waited for longer: names, and then who they lead to, come one after the other.
const PATIENCE: Duration = Duration::from_secs(2);
