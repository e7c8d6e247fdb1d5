//! The real program, running as a child: its call list and its log, and its end on every way out.

use crate::clock::Clock;
use core::time::Duration;
use serde_json::Value;
use sip::Time;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// `tandem run`; killed when this is dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    clock: Clock,
    calls: Receiver<(Time, String)>,
    log: Receiver<(Time, String)>,
    /// The last lines of the log, for when something goes wrong.
    last: VecDeque<String>,
}

impl Child {
    /// Starts this very program with `run PLAN`.
    ///
    /// # Errors
    /// What went wrong, in a sentence with a way out.
    pub(super) fn start(plan: &Path, clock: Clock) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| {
            format!("cannot find the program itself ({error}); start `tandem demo` by its full path")
        })?;
        let mut command = Command::new(&program);
        command.arg("run").arg(plan).args(["--calls", "-", "--log", "json", "--level", "info"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A process group of its own: Ctrl-C is for the demo, and the demo ends its child.
        let mut process = command.process_group(0).spawn().map_err(|error| {
            let program = program.display();
            format!("cannot start {program}: {error}; was it moved or deleted meanwhile? Install it again")
        })?;
        let calls = lines(process.stdout.take(), clock);
        let log = lines(process.stderr.take(), clock);
        Ok(Self { process, clock, calls, log, last: VecDeque::new() })
    }

    /// Waits for a line of the log that says this; `None` if it does not come in time. Lines before it are gone then.
    pub(super) async fn log_says(&mut self, words: &str, patience: Duration) -> Option<Time> {
        let until = self.clock.now() + patience;
        loop {
            let (at, line) = tokio::select! {
                line = self.log.recv() => line?,
                () = self.clock.until(Some(until)) => return None,
            };
            let said = message(&line);
            let found = said.contains(words);
            if self.last.len() >= LAST_MAX {
                self.last.pop_front();
            }
            self.last.push_back(said);
            if found {
                return Some(at);
            }
        }
    }

    /// The line of the call list about this call; `None` if it does not come in time.
    pub(super) async fn record_of(&mut self, call_id: &str) -> Option<Value> {
        let until = self.clock.now() + RECORD_PATIENCE;
        loop {
            let (_, line) = tokio::select! {
                line = self.calls.recv() => line?,
                () = self.clock.until(Some(until)) => return None,
            };
            let record: Value = serde_json::from_str(&line).unwrap_or_default();
            if record["call_id"].as_str() == Some(call_id) {
                return Some(record);
            }
        }
    }

    /// What it said last, and whether it still lives: for people.
    pub(super) async fn last_words(&mut self) -> String {
        // What is still in the pipe.
        let _ = self.log_says("\0", Duration::from_millis(100)).await;
        let state = match self.process.try_wait() {
            Ok(Some(status)) => format!("it has ended: {status}"),
            Ok(None) | Err(_) => "it still runs".to_owned(),
        };
        let lines: String = self.last.iter().map(|line| format!("\n  | {line}")).collect();
        format!("{state}{lines}")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and that is all right.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The text of a line of the log; the line itself if it is none.
fn message(line: &str) -> String {
    let parsed: Value = serde_json::from_str(line).unwrap_or_default();
    let message = parsed["fields"]["message"].as_str().map(ToOwned::to_owned);
    message.unwrap_or_else(|| line.to_owned())
}

/// A pipe as lines, each with the time it came. The thread ends with the pipe, or when nobody wants lines any more.
fn lines(pipe: Option<impl Read + Send + 'static>, clock: Clock) -> Receiver<(Time, String)> {
    let (out, lines): (Sender<(Time, String)>, _) = mpsc::channel(LINES_MAX);
    if let Some(pipe) = pipe {
        std::thread::spawn(move || {
            let lines = BufReader::new(pipe).lines().map_while(io::Result::ok);
            for line in lines {
                if out.blocking_send((clock.now(), line)).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

const LINES_MAX: usize = 1024; // The demo makes some hundred; a child that says more waits.
const LAST_MAX: usize = 12; // Enough to see why it did not start.
const RECORD_PATIENCE: Duration = Duration::from_secs(2); // It is written when the caller is answered.
