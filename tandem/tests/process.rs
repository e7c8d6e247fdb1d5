//! The program as it is started: its lines, its signals, its exit status.
#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use core::net::SocketAddr;
use core::time::Duration;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

const PATIENCE: Duration = Duration::from_secs(10);

/// A started program. Ends with the test.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

/// A directory of its own for each test, gone with it.
struct Folder(PathBuf);

impl Running {
    fn start(plan: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tandem"))
            .arg("run")
            .arg(plan)
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is there");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Self { child, lines }
    }

    /// The next line that has these words.
    fn line(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| unreachable!("no line says `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// The exit status, after all lines.
    fn end(mut self) -> (Vec<String>, ExitStatus) {
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        (lines, self.child.wait().expect("it was started"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tandem-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a new directory");
        Self(folder)
    }

    fn plan(&self, listen: SocketAddr, steps: &str, numbers: &[&str]) -> PathBuf {
        let numbers: Vec<String> =
            numbers.iter().map(|number| format!("\"{number}\" = \"main\"\n")).collect();
        let text = format!(
            "business = \"Test\"\n\
             [node]\nlisten = [\"udp:{listen}\", \"tcp:{listen}\"]\ndata = \"{}\"\n\
             [sites]\noffice = \"127.0.0.1:9\"\n\
             [numbers]\n{}\
             [plans.main]\nfloor = false\nsteps = [{steps}]\n",
            self.0.join("data").display(),
            numbers.concat(),
        );
        let plan = self.0.join("tandem.toml");
        std::fs::write(&plan, text).expect("it is ours");
        plan
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn free_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}

#[test]
fn a_node_says_that_it_is_ready_answers_follows_its_plan_file_and_ends_on_a_signal() {
    let folder = Folder::new("ready");
    let address = free_port();
    let plan = folder.plan(address, "\"office\"", &["+15035550100"]);
    let node = Running::start(&plan, &[]);
    assert_eq!(node.line("tandem: ready on"), format!("tandem: ready on udp {address} tcp {address}"));

    let phone = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    phone.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let own = phone.local_addr().expect("it is bound");
    let options = format!(
        "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@{own}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    phone.send_to(options.as_bytes(), address).expect("loopback");
    let mut answer = [0; 2048];
    let length = phone.recv(&mut answer).expect("an answer comes");
    assert!(answer[..length].starts_with(b"SIP/2.0 200 "));

    folder.plan(address, "\"office\"", &["+15035550100", "+15035550101"]);
    node.signal(Signal::SIGHUP);
    let changed = "the new plan is in force; numbers 1 → 2";
    assert!(node.line("new plan").ends_with(changed));

    folder.plan(address, "\"ofice\", \"offfice\"", &["+15035550100"]);
    node.signal(Signal::SIGHUP);
    node.line("has problems; the plan in force stays");
    for name in ["`ofice`", "`offfice`"] {
        assert!(node.line("error[E101]").contains(name), "every problem has its line");
    }

    node.signal(Signal::SIGTERM);
    node.line("taking no new calls");
    node.signal(Signal::SIGTERM);
    assert_eq!(node.end().1.code(), Some(0));
}

#[test]
fn every_line_of_a_json_log_is_json() {
    let folder = Folder::new("json");
    let address = free_port();
    let node = Running::start(&folder.plan(address, "\"office\"", &["+15035550100"]), &["--log", "json"]);
    let ready: serde_json::Value = serde_json::from_str(&node.line("tandem: ready on")).expect("it is JSON");
    assert_eq!(ready["fields"]["message"], format!("tandem: ready on udp {address} tcp {address}"));
    node.signal(Signal::SIGINT);
    node.signal(Signal::SIGINT);
    let (lines, status) = node.end();
    assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{lines:?}");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn taken_ports_and_a_wrong_plan_end_the_start_with_what_to_do() {
    let folder = Folder::new("wrong");
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let _also_taken = TcpListener::bind(address).expect("a free port");
    let (lines, status) = Running::start(&folder.plan(address, "\"office\"", &["+15035550100"]), &[]).end();
    let last = lines.last().expect("it says why");
    assert!(last.starts_with(&format!("tandem: cannot listen on tcp {address}: ")), "{lines:?}");
    assert_eq!(status.code(), Some(1));

    let (lines, status) = Running::start(&folder.plan(address, "\"ofice\"", &["+15035550100"]), &[]).end();
    assert!(lines.iter().any(|line| line.contains("error[E101]")), "{lines:?}");
    assert_eq!(status.code(), Some(2));
}

#[test]
fn a_node_that_cannot_have_one_of_its_addresses_serves_the_others_and_says_which_is_missing() {
    let folder = Folder::new("one-taken");
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let node = Running::start(&folder.plan(address, "\"office\"", &["+15035550100"]), &[]);
    let said = node.line("L042");
    assert!(
        said.contains(&format!("cannot listen on udp {address}: ")) && said.contains("tandem.toml:3:10"),
        "{said}"
    );
    assert!(said.contains("another program has this port: stop it"), "{said}");
    assert_eq!(node.line("tandem: ready on"), format!("tandem: ready on tcp {address}"));
    TcpStream::connect(address).expect("it is there");
    node.signal(Signal::SIGTERM);
    assert_eq!(node.end().1.code(), Some(0));
}
