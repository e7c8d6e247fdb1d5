//! The call list: one JSON line for every call that is over.

use router::emergency::Urgent;
use router::position::Confined;
use router::record::{CallRecord, End, LegRecord};
use serde_json::{Value, json};
use sip::Time;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallsTo {
    /// `-`: standard output.
    Stdout,
    /// Appended to this file.
    File(PathBuf),
}

/// The writer of the call list. It has a thread of its own: a disk that stalls holds up no call.
#[derive(Debug)]
pub struct Calls {
    lines: mpsc::Sender<Order>,
    writer: JoinHandle<()>,
    lost: u64,
}

#[derive(Debug)]
enum Order {
    Line(String),
    /// The file was moved away: begin it anew.
    Reopen,
}

impl Calls {
    /// Opens the list. To be called inside the runtime.
    ///
    /// # Errors
    /// The file cannot be opened for appending.
    pub fn start(to: CallsTo) -> io::Result<Self> {
        let mut out = Out::open(&to)?;
        let (lines, mut orders) = mpsc::channel(LINES_MAX);
        let writer = tokio::task::spawn_blocking(move || {
            while let Some(order) = orders.blocking_recv() {
                if let Err(error) = out.obey(order, &to) {
                    tracing::error!("cannot write the call list: {error}");
                }
            }
        });
        Ok(Self { lines, writer, lost: 0 })
    }

    /// Adds a call. `epoch`: microseconds since 1970 at [`Time::ZERO`].
    pub fn add(&mut self, call: &CallRecord, epoch: i64) {
        let mut line = line(call, epoch).to_string();
        line.push('\n');
        if self.lines.try_send(Order::Line(line)).is_err() {
            self.lost += 1;
        }
    }

    /// Begins the file anew, for programs that move it away by night.
    pub fn reopen(&self) {
        // With the queue full of lines the next time will do.
        let _ = self.lines.try_send(Order::Reopen);
    }

    /// Lines that were lost since the start because the disk was slower than the calls.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Writes what is left.
    pub async fn finish(self) {
        drop(self.lines);
        // A writer that panicked has nothing left.
        let _ = self.writer.await;
    }
}

/// One call as JSON. All `*_ms` count from the moment the call came; `at` is that moment.
#[must_use]
pub fn line(call: &CallRecord, epoch: i64) -> Value {
    let begun = &*call.begun;
    let after = |time: Time| time.since(begun.began).as_millis();
    let (address, carrier) = &begun.from;
    json!({
        "id": begun.id,
        "call_id": begun.call_id,
        "at": at(begun.began, epoch),
        "number": begun.number,
        "caller": begun.caller,
        "plan": &*begun.course,
        "closed": begun.closed,
        "urgent": begun.urgent.map(Urgent::as_str),
        "no_phone_numbers": begun.confined.map(Confined::as_str),
        "from": { "address": address.to_string(), "peer": carrier.as_deref() },
        "rang_after_ms": call.rang.map(after),
        "ended_after_ms": after(call.ended),
        "end": end(&call.end),
        "legs": call.legs.iter().map(|each| leg(each, begun.began)).collect::<Vec<_>>(),
    })
}

impl FromStr for CallsTo {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Self::Stdout } else { Self::File(PathBuf::from(text)) })
    }
}

fn end(end: &End) -> Value {
    match end {
        End::Answered { target } => json!({ "kind": "answered", "target": &**target }),
        End::Cancelled => json!({ "kind": "cancelled" }),
        End::Failed { status } => json!({ "kind": "failed", "status": status }),
        End::Refused { status, why } => json!({ "kind": "refused", "status": status, "why": why }),
    }
}

fn leg(leg: &LegRecord, call_began: Time) -> Value {
    let after = |time: Time| time.since(call_began).as_millis();
    json!({
        "target": &*leg.target,
        "by": &*leg.peer,
        "address": leg.path.remote.to_string(),
        "file": leg.file.as_deref(),
        "line": leg.line,
        "after_ms": after(leg.began),
        "rang_after_ms": leg.rang.map(after),
        "asked_after_ms": leg.asked.map(after),
        "ended_after_ms": leg.ended.map(after),
        "again": leg.fix.map(|fix| fix.to_string()),
        "outcome": leg.outcome,
    })
}

fn at(time: Time, epoch: i64) -> String {
    let unix = epoch.saturating_add_unsigned(time.as_micros());
    jiff::Timestamp::from_microsecond(unix).map(|at| format!("{at:.3}")).unwrap_or_default()
}

const LINES_MAX: usize = 4096; // Some megabytes: a disk may stall for minutes.

const MODE: u32 = 0o640; // It holds numbers of people.

#[derive(Debug)]
enum Out {
    Stdout(io::Stdout),
    File(File),
}

impl Out {
    fn open(to: &CallsTo) -> io::Result<Self> {
        match to {
            CallsTo::Stdout => Ok(Self::Stdout(io::stdout())),
            CallsTo::File(path) => {
                OpenOptions::new().create(true).append(true).mode(MODE).open(path).map(Self::File)
            }
        }
    }

    fn obey(&mut self, order: Order, to: &CallsTo) -> io::Result<()> {
        match (order, self) {
            (Order::Line(line), Self::Stdout(stdout)) => {
                stdout.write_all(line.as_bytes())?;
                stdout.flush()
            }
            (Order::Line(line), Self::File(file)) => file.write_all(line.as_bytes()),
            (Order::Reopen, out) => {
                *out = Self::open(to)?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use router::record::Begun;
    use router::{Path, Transport};
    use std::sync::Arc;

    fn call() -> CallRecord {
        let path = |last| Path {
            transport: Transport::Udp,
            local: 0,
            remote: SocketAddr::from(([192, 0, 2, last], 5060)),
        };
        let time = |millis: u64| Time::from_micros(millis * 1000);
        let leg = |target: &str, last, began, rang, ended, outcome: &str| LegRecord {
            target: target.into(),
            peer: target.into(),
            path: path(last),
            file: None,
            line: 30,
            fix: None,
            began: time(began),
            rang,
            asked: None,
            ended: Some(time(ended)),
            outcome: outcome.into(),
        };
        let begun = Arc::new(Begun {
            id: 7,
            call_id: "abc@example".into(),
            caller: "+15035550999".into(),
            number: "+15035550100".into(),
            course: "main".into(),
            confined: None,
            urgent: None,
            closed: false,
            from: (SocketAddr::from(([192, 0, 2, 1], 5060)), Some("telnyx".into())),
            began: time(1_000),
        });
        CallRecord {
            begun,
            rang: Some(time(1_100)),
            ended: time(9_000),
            end: End::Answered { target: "answering".into() },
            legs: vec![
                leg("office", 2, 1_001, None, 1_020, "503"),
                leg("answering", 3, 1_020, Some(time(1_100)), 9_000, "answered"),
            ],
            passed: Vec::new(),
        }
    }

    #[test]
    fn a_call_becomes_one_line_with_every_leg_and_why() {
        let expected = json!({
            "id": 7, "call_id": "abc@example", "at": "2026-01-02T03:04:06.500Z",
            "number": "+15035550100", "caller": "+15035550999", "plan": "main", "closed": false,
            "urgent": null, "no_phone_numbers": null,
            "from": { "address": "192.0.2.1:5060", "peer": "telnyx" },
            "rang_after_ms": 100, "ended_after_ms": 8000,
            "end": { "kind": "answered", "target": "answering" },
            "legs": [
                { "target": "office", "by": "office", "address": "192.0.2.2:5060", "file": null, "line": 30,
                  "after_ms": 1, "rang_after_ms": null, "asked_after_ms": null,
                  "ended_after_ms": 20, "again": null, "outcome": "503" },
                { "target": "answering", "by": "answering", "address": "192.0.2.3:5060", "file": null, "line": 30,
                  "after_ms": 20, "rang_after_ms": 100, "asked_after_ms": null,
                  "ended_after_ms": 8000, "again": null, "outcome": "answered" },
            ],
        });
        assert_eq!(line(&call(), 1_767_323_045_500_000), expected);
    }

    #[test]
    fn the_other_ends_say_what_they_are() {
        assert_eq!(end(&End::Cancelled), json!({ "kind": "cancelled" }));
        assert_eq!(end(&End::Failed { status: 480 }), json!({ "kind": "failed", "status": 480 }));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn lines_are_appended_and_a_file_that_was_moved_away_is_begun_anew() {
        let file = std::env::temp_dir().join(format!("tandem-calls-{}", std::process::id()));
        let moved = file.with_extension("1");
        let lines = |path: &PathBuf| std::fs::read_to_string(path).expect("it is there").lines().count();
        let mut calls = Calls::start(CallsTo::File(file.clone())).expect("a new file");
        calls.add(&call(), 0);
        calls.finish().await;
        let mut calls = Calls::start(CallsTo::File(file.clone())).expect("the same file");
        calls.add(&call(), 0);
        std::fs::rename(&file, &moved).expect("it is ours");
        calls.reopen();
        calls.add(&call(), 0);
        calls.finish().await;
        assert_eq!((lines(&moved), lines(&file)), (2, 1));
        std::fs::remove_file(&file).and_then(|()| std::fs::remove_file(&moved)).expect("they are ours");
    }
}
