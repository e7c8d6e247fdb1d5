//! `tandem demo`: the real program between phones and carriers that live on 127.0.0.1 for twenty seconds. No file, no
//! root, no network.

mod caller;
mod carrier;
mod child;
mod folder;
mod ladder;
mod phone;
mod plan;
mod stage;
mod story;
mod town;
mod wire;

use crate::cli::check::colour;
use folder::Folder;
use plan::BUSINESS;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use town::Town;

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A folder that the demo's plan file is written to and stays in; `None` for one that is gone with the demo.
    pub keep: Option<PathBuf>,
}

/// How the demo ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Every call was answered where the plan says, in time.
    Fine,
    /// One was not.
    Wrong,
    /// A signal ended it.
    Stopped,
}

/// Plays the demo; exit status 0 if every call was answered where the plan says, in time; 1 if not, or if it could not
/// be played; 130 if a signal ended it.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the operating system refuses: {error}"))
        .and_then(|runtime| runtime.block_on(play_or_stop(options)));
    match ended {
        Ok(Ended::Fine) => ExitCode::SUCCESS,
        Ok(Ended::Wrong) => ExitCode::FAILURE,
        Ok(Ended::Stopped) => ExitCode::from(130),
        Err(error) => {
            eprintln!("tandem demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A signal drops all that the demo has: sockets, folder, and the program it started.
async fn play_or_stop(options: &Options) -> Result<Ended, String> {
    let catch = |kind| signal(kind).map_err(|error| format!("cannot catch signals: {error}"));
    let mut interrupt = catch(SignalKind::interrupt())?;
    let mut terminate = catch(SignalKind::terminate())?;
    let mut hangup = catch(SignalKind::hangup())?;
    tokio::select! {
        ended = play(options.keep.as_deref()) => ended,
        _ = interrupt.recv() => Ok(Ended::Stopped),
        _ = terminate.recv() => Ok(Ended::Stopped),
        _ = hangup.recv() => Ok(Ended::Stopped),
    }
}

async fn play(keep: Option<&Path>) -> Result<Ended, String> {
    let folder = Folder::make(keep)?;
    let mut stage = Stage::new(colour());
    stage.say(
        "Tandem demo: two carriers, an office, two mobiles and an answering service, all on 127.0.0.1;\n\
         nothing leaves this computer. The plan: the office; then Ana and Ben together; then the answering\n\
         service. The ladders show what arrived at the sockets (answers to CANCEL and BYE are left out).",
    );
    let mut town = Town::build(&folder).await?;
    let played = story::play(&mut town, &mut stage).await?;
    stage.summary(&played);
    if keep.is_some() {
        let plan = folder.plan().display();
        stage.say(&format!("The plan is kept: {plan}\n  try    tandem explain {BUSINESS} --plan {plan}"));
    }
    Ok(if played.iter().all(|call| call.fine) { Ended::Fine } else { Ended::Wrong })
}
