//! The program under test: `tandem run`, with its plan file, log and call list.

use crate::folder::Folder;
use crate::patience::until;
use crate::street::{Street, TANDEM};
use core::net::SocketAddr;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running node. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Tandem {
    child: Child,
    folder: Folder,
    settings: String,
}

impl Tandem {
    /// Starts a node on house 1 with this plan, and waits until it is ready. `[node]` is added to the plan.
    pub(crate) fn start(street: &Street, plan: &str) -> Self {
        Self::start_with(street, plan, "")
    }

    /// As [`start`](Self::start), with further lines for `[node]`. With a certificate it listens for TLS, too, one
    /// port higher.
    pub(crate) fn start_with(street: &Street, plan: &str, lines: &str) -> Self {
        let at = street.house(TANDEM);
        let tls = format!("tls:{}", SocketAddr::new(at.ip(), at.port() + 1));
        let more: &[&str] = if lines.contains("certificate") { &[&tls] } else { &[] };
        Self::start_listening(street, plan, lines, more)
    }

    /// As [`start_with`](Self::start_with), listening on these, too.
    pub(crate) fn start_listening(street: &Street, plan: &str, lines: &str, more: &[&str]) -> Self {
        let folder = Folder::new();
        let (at, data) = (street.house(TANDEM), folder.file("state"));
        let more: String = more.iter().map(|one| format!(", \"{one}\"")).collect();
        let settings = format!(
            "\n[node]\nlisten = [\"udp:{at}\", \"tcp:{at}\"{more}]\ndata = \"{}\"\n{lines}\n",
            data.display()
        );
        let file = folder.file("plan.toml");
        std::fs::write(file, format!("{plan}{settings}")).expect("the folder is ours");
        let child = spawn(&folder);
        let mut node = Self { child, folder, settings };
        node.wait_until_ready();
        node
    }

    fn wait_until_ready(&mut self) {
        let ready = || {
            let over = self.child.try_wait().ok().flatten();
            assert_eq!(over, None, "it ended at once:\n{}", self.folder.read("log"));
            self.folder.read("log").contains("tandem: ready on").then_some(())
        };
        until("ready", ready, || "no ready line".to_owned());
    }

    /// Kills it as it stands, and starts it again.
    pub(crate) fn die_and_come_back(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it runs");
        self.child = spawn(&self.folder);
        self.wait_until_ready();
    }

    /// What another program of ours says of this node: its output, and its exit status.
    pub(crate) fn asked(&self, words: &[&str]) -> (String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        let done = command.args(words).arg("--plan").arg(self.folder.file("plan.toml")).output();
        let done = done.expect("the program starts");
        let text = [done.stdout, done.stderr].concat();
        (String::from_utf8_lossy(&text).into_owned(), done.status.code())
    }

    /// A file of its data folder.
    pub(crate) fn state(&self, name: &str) -> std::path::PathBuf {
        self.folder.file("state").join(name)
    }

    /// Its plan file.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.file("plan.toml")
    }

    /// Writes another plan over its plan file.
    pub(crate) fn write(&self, plan: &str) {
        let text = format!("{plan}{}", self.settings);
        std::fs::write(self.folder.file("plan.toml"), text).expect("the folder is ours");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("it runs");
    }

    /// Waits for a line of its log that contains this.
    pub(crate) fn logs(&self, part: &str) -> String {
        let line = || self.log().lines().find(|line| line.contains(part)).map(str::to_owned);
        until(&format!("a line of the log with `{part}`"), line, || self.log())
    }

    /// Everything that it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.folder.read("log")
    }

    /// The lines of the call list, once there are so many.
    pub(crate) fn calls(&self, count: usize) -> Vec<Call> {
        let lines = || {
            let text = self.folder.read("calls");
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let calls: Vec<Call> = whole.lines().map(Call::read).collect();
            (calls.len() >= count).then_some(calls)
        };
        let calls = until("the call list", lines, || self.log());
        assert_eq!(calls.len(), count, "{calls:?}");
        calls
    }

    /// The only line of the call list.
    pub(crate) fn call(&self) -> Call {
        self.calls(1).remove(0)
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let Self { child, folder, .. } = self;
        until("the end", || child.try_wait().ok().flatten(), || folder.read("log"))
    }
}

fn spawn(folder: &Folder) -> Child {
    let log = File::create(folder.file("log")).expect("the folder is ours");
    Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["run", "--level", "debug", "--calls"])
        .arg(folder.file("calls"))
        .arg(folder.file("plan.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the program starts")
}

impl Drop for Tandem {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("--- the node's log\n{log}--- its call list\n{}---", self.folder.read("calls"));
        } else {
            assert!(!log.contains("a bug:"), "{log}");
        }
    }
}

/// One line of the call list.
#[derive(Debug)]
pub(crate) struct Call(Value);

impl Call {
    fn read(line: &str) -> Self {
        Self(serde_json::from_str(line).expect("a line of JSON"))
    }

    /// A field in words: `answered by b`, `failed with 404`, `cancelled`.
    pub(crate) fn end(&self) -> String {
        let end = &self.0["end"];
        match end["kind"].as_str() {
            Some("answered") => format!("answered by {}", text(&end["target"])),
            Some("failed") => format!("failed with {}", end["status"]),
            Some("refused") => format!("refused with {}", end["status"]),
            other => other.unwrap_or("?").to_owned(),
        }
    }

    /// Its legs in words: `a: 503`.
    pub(crate) fn legs(&self) -> Vec<String> {
        let legs = self.0["legs"].as_array().map_or(&[][..], Vec::as_slice);
        legs.iter().map(|leg| format!("{}: {}", text(&leg["target"]), text(&leg["outcome"]))).collect()
    }

    /// When a leg began, in milliseconds after the call.
    pub(crate) fn began(&self, leg: usize) -> u64 {
        self.0["legs"][leg]["after_ms"].as_u64().expect("milliseconds")
    }

    /// A field as it stands.
    pub(crate) fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
