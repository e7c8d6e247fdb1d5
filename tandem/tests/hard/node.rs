//! The program under test, which may be killed and started again on the same data.

use crate::folder::Folder;
use crate::patience::until;
use crate::street::{Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tandem::clock::Clock;

/// A node on house 1. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    folder: Folder,
    at: SocketAddr,
    descriptors: Option<u32>,
    /// How often it was started.
    runs: usize,
}

impl Node {
    /// Starts a node with this plan and waits until it is ready. `[node]` is added to the plan.
    pub(crate) fn start(street: &Street, plan: &str) -> Self {
        Self::start_with(street, plan, None)
    }

    /// As [`start`](Self::start), with so many file descriptors and no more.
    pub(crate) fn start_with(street: &Street, plan: &str, descriptors: Option<u32>) -> Self {
        let (folder, at) = (Folder::new(), street.house(TANDEM));
        let text = format!(
            "{plan}\n[node]\nlisten = [\"udp:{at}\", \"tcp:{at}\"]\nmetrics = \"{}\"\ndata = \"{}\"\n",
            page_of(at),
            folder.file("state").display()
        );
        std::fs::write(folder.file("plan.toml"), text).expect("the folder is ours");
        let child = spawn(&folder, descriptors, 1);
        let mut node = Self { child, folder, at, descriptors, runs: 1 };
        node.is_ready();
        node
    }

    /// `kill -9`, and it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }

    /// Starts it again; how long that took.
    pub(crate) fn start_again(&mut self) -> Duration {
        let clock = Clock::start();
        self.runs += 1;
        self.child = spawn(&self.folder, self.descriptors, self.runs);
        self.is_ready();
        since(clock)
    }

    fn signal(&self, signal: Signal) {
        kill(self.process(), signal).expect("it runs");
    }

    /// Stops it: it stands still from when this returns until it is told to go on.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        until("stopped", || (self.status_word() == "T").then_some(()), || self.proc("stat"));
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// What this run has logged so far.
    pub(crate) fn log(&self) -> String {
        self.folder.read(&log_name(self.runs))
    }

    /// Waits for a line of its log that contains this.
    pub(crate) fn logs(&self, part: &str) -> String {
        let line = || self.log().lines().find(|line| line.contains(part)).map(str::to_owned);
        until(&format!("a line of the log with `{part}`"), line, || self.log())
    }

    /// The calls that are over: how each ended and its legs, in one line.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = self.folder.read("calls");
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(in_words).collect()
    }

    /// Waits until so many calls are over.
    pub(crate) fn calls_over(&self, count: usize) -> Vec<String> {
        let calls = || Some(self.calls()).filter(|calls| calls.len() >= count);
        until("the call list", calls, || self.log())
    }

    /// A number on its page of metrics; 0 if it is not there.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let mut stream = TcpStream::connect(page_of(self.at)).expect("the page is served");
        let ask = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).expect("it listens");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("it ends");
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_default()
    }

    /// Memory that it has in use, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
        number.expect("a process has memory")
    }

    /// Processor time that it has used.
    pub(crate) fn processor(&self) -> Duration {
        let words = self.status_words();
        let ticks = words.split_ascii_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|number| number.parse::<u64>().ok()).sum();
        // Hundredths of a second (proc(5)).
        Duration::from_millis(ticks * 10)
    }

    /// Datagrams that its UDP socket had no room for.
    pub(crate) fn drops(&self) -> u64 {
        let SocketAddr::V4(at) = self.at else { return 0 };
        let own = format!("{:08X}:{:04X}", u32::from_ne_bytes(at.ip().octets()), at.port());
        let table = self.proc("net/udp");
        let line = table.lines().find(|line| line.split_ascii_whitespace().nth(1) == Some(&own));
        line.and_then(|line| line.split_ascii_whitespace().last()?.parse().ok()).expect("it listens")
    }

    /// All that stands behind the name, which is in brackets.
    fn status_words(&self) -> String {
        self.proc("stat").rsplit_once(')').map_or_else(String::new, |(_, rest)| rest.to_owned())
    }

    fn status_word(&self) -> String {
        self.status_words().split_ascii_whitespace().next().unwrap_or_default().to_owned()
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("it runs")
    }

    fn process(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    fn is_ready(&mut self) {
        let name = log_name(self.runs);
        let ready = || {
            let over = self.child.try_wait().ok().flatten();
            assert_eq!(over, None, "it ended at once:\n{}", self.folder.read(&name));
            self.folder.read(&name).contains("tandem: ready on").then_some(())
        };
        until("ready", ready, || "no ready line".to_owned());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for run in 1..=self.runs {
            let log = self.folder.read(&log_name(run));
            if std::thread::panicking() {
                let lines: Vec<&str> = log.lines().rev().take(LINES_SHOWN).collect();
                let lines: Vec<&str> = lines.into_iter().rev().collect();
                eprintln!("--- the end of log {run}\n{}\n---", lines.join("\n"));
            } else {
                assert!(!log.contains("a bug:"), "{log}");
            }
        }
        if std::thread::panicking() {
            let calls = self.calls();
            let last = calls.get(calls.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
            eprintln!("--- its last calls\n{}\n---", last.join("\n"));
        }
    }
}

const LINES_SHOWN: usize = 60; // Enough for one scenario; a flood has thousands.

/// The time since a clock was started.
pub(crate) fn since(clock: Clock) -> Duration {
    Duration::from_micros(clock.now().as_micros())
}

fn spawn(folder: &Folder, descriptors: Option<u32>, run: usize) -> Child {
    let limit = descriptors.map_or(String::new(), |count| format!("ulimit -n {count} && "));
    let log = File::create(folder.file(&log_name(run))).expect("the folder is ours");
    Command::new("sh")
        .args(["-c", &format!("{limit}exec \"$@\""), "sh", env!("CARGO_BIN_EXE_tandem")])
        .args(["run", "--level", "info", "--calls"])
        .arg(folder.file("calls"))
        .arg(folder.file("plan.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the program starts")
}

fn log_name(run: usize) -> String {
    format!("log.{run}")
}

fn page_of(at: SocketAddr) -> SocketAddr {
    SocketAddr::new(at.ip(), at.port() + 1)
}

/// `answered by b after 120 ms: a: 503 at 0 ms; b: answered at 2 ms`.
fn in_words(line: &str) -> String {
    let call: Value = serde_json::from_str(line).expect("a line of JSON");
    let end = match call["end"]["kind"].as_str() {
        Some("answered") => format!("answered by {}", text(&call["end"]["target"])),
        Some("failed") => format!("failed with {}", call["end"]["status"]),
        other => other.unwrap_or("?").to_owned(),
    };
    let legs = call["legs"].as_array().map_or(&[][..], Vec::as_slice);
    let leg = |leg: &Value| {
        format!("{}: {} at {} ms", text(&leg["target"]), text(&leg["outcome"]), leg["after_ms"])
    };
    format!("{end} [{}]", legs.iter().map(leg).collect::<Vec<_>>().join("; "))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
