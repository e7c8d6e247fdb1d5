//! A folder in which the commands of a text can be run: its plan, another one, the examples, and a call that has come.

use core::net::SocketAddr;
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use router::record::{Begun, CallRecord, End, LegRecord};
use router::{Path as Way, Transport};
use sip::Time;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use tandem::clock::Clock;
use tandem::config::load;
use tandem::store::history::{Kept, When};
use tandem::store::{Run, Store};

/// The folder; gone with its owner.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let nth = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tandem-docs-{}-{nth}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    /// A folder with this plan as `tandem.toml`, one like it without mobiles as `new.toml`, the examples, and a call in its store. The node of
    /// the plan takes whatever port is free.
    pub(crate) fn prepared(plan: &str) -> Self {
        let place = Self::empty();
        let free =
            UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port is free");
        let node = format!("[node]\nlisten = [\"udp:{free}\"]\ndata = \"{}/data\"\n", place.0.display());
        let without = plan.replacen("[\"ana\", \"ben\"], ", "", 1);
        assert_ne!(without, plan, "the plan rings two mobiles together");
        place.write("tandem.toml", &format!("{plan}\n{node}"));
        place.write("new.toml", &format!("{without}\n{node}"));
        symlink(root().join("examples"), place.0.join("examples")).expect("a link can be made");
        place.is_called();
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("it can be written");
    }

    /// Runs a command as a shell does, with the built program as `tandem`. What does not end by itself is ended as soon as it is ready.
    pub(crate) fn run(&self, words: &str) -> Output {
        if words.starts_with("tandem run ") {
            return self.started(words).end();
        }
        self.shell(words).output().expect("there is a shell")
    }

    /// A node of the plan, which runs until it is dropped: at whatever hour, its business is open, and its peers are where nobody answers.
    pub(crate) fn node(&self) -> Running {
        for name in ["tandem.toml", "new.toml"] {
            let file = self.0.join(name);
            let mut text = fs::read_to_string(&file)
                .expect("it is there")
                .replace("mon-fri 08:00-17:00", "mon-sun 00:00-24:00");
            for (peer, at) in PEERS.iter().zip(2..) {
                assert!(text.contains(peer), "the plan names {peer}");
                text = text.replace(peer, &format!("192.0.2.{at}"));
            }
            fs::write(file, text).expect("it can be written");
        }
        self.started("tandem run tandem.toml")
    }

    fn shell(&self, words: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_tandem"));
        let before = std::env::var("PATH").unwrap_or_default();
        let path =
            format!("{}:{before}", program.parent().map_or("", |folder| folder.to_str().unwrap_or("")));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec {words}")]).current_dir(&self.0).env("PATH", path);
        shell.stdin(Stdio::null());
        shell
    }

    fn started(&self, words: &str) -> Running {
        let mut child = self
            .shell(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let mut lines = BufReader::new(child.stderr.take().expect("it is a pipe"));
        let mut said = String::new();
        while !said.contains("tandem: ready on ") && lines.read_line(&mut said).is_ok_and(|read| read > 0) {}
        let rest = std::thread::spawn(move || {
            let _ = lines.read_to_string(&mut said);
            said
        });
        Running { child: Some(child), rest: Some(rest) }
    }

    /// A call has come a minute ago, at 14:06:31 by the clock of its business: nobody at the office answers, and Ana does.
    fn is_called(&self) {
        let plan = load(&self.0.join("tandem.toml"), Timestamp::now()).expect("the plan is good").plan;
        let line = |nth: usize| {
            plan.courses.first().and_then(|course| course.steps.get(nth)).map_or(0, |step| step.line)
        };
        let at = |millis: u64| Time::from_micros(millis * 1000);
        let address = |last: u8| SocketAddr::from(([192, 0, 2, last], 5060));
        let leg = |target: &str, peer: &str, last, line, (began, rang): (u64, Option<u64>)| LegRecord {
            target: target.into(),
            peer: peer.into(),
            path: Way { transport: Transport::Udp, local: 0, remote: address(last) },
            file: None,
            line,
            fix: None,
            began: at(began),
            rang: rang.map(at),
            asked: None,
            ended: Some(at(5_910)),
            outcome: "cancelled: answered elsewhere".into(),
        };
        let office = LegRecord {
            ended: Some(at(2_000)),
            outcome: "silent for 2 s".into(),
            ..leg("office", "office", 10, line(0), (0, None))
        };
        let ana = LegRecord {
            asked: Some(at(3_900)),
            outcome: "answered".into(),
            ..leg("ana", "telnyx", 1, line(1), (2_000, Some(2_300)))
        };
        let ben = leg("ben", "telnyx", 1, line(1), (2_000, None));
        let begun = Arc::new(Begun {
            id: 1,
            call_id: "abc@example".into(),
            caller: "+15035550999".into(),
            number: "+15035550100".into(),
            course: "main".into(),
            closed: false,
            confined: None,
            urgent: None,
            from: (address(1), Some("telnyx".into())),
            began: Time::ZERO,
        });
        let end = End::Answered { target: "ana".into() };
        let (rang, ended) = (Some(at(2_300)), at(5_910));
        let record = CallRecord { begun, rang, ended, end, legs: vec![office, ana, ben], passed: Vec::new() };
        let run = Run { node: "a".into(), plan: "tandem.toml".into() };
        fs::create_dir_all(self.0.join("data")).expect("a folder can be made");
        let store = Store::start(&self.0.join("data"), run, Clock::start()).expect("there is a thread");
        let second = Timestamp::now().as_second() - 60;
        let ahead =
            (14 * 3_600 + 6 * 60 + 31 - second.rem_euclid(86_400) + 43_200).rem_euclid(86_400) - 43_200;
        let when =
            When { epoch: second * 1_000_000, offset: i32::try_from(ahead).expect("it is within a day") };
        store.keep(Kept::Over(Box::new(record), when));
        store.ask(|_| Ok(())).blocking_recv().expect("the store lives").expect("the call is kept");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program that does not end by itself.
pub(crate) struct Running {
    child: Option<Child>,
    /// What it says.
    rest: Option<JoinHandle<String>>,
}

impl Running {
    /// Ends it as a supervisor does.
    fn end(mut self) -> Output {
        let child = self.child.take().expect("it runs");
        let pid = Pid::from_raw(child.id().try_into().expect("it is a process number"));
        kill(pid, Signal::SIGTERM).expect("it can be sent");
        let out = child.wait_with_output().expect("it ends");
        let stderr = self.rest.take().and_then(|rest| rest.join().ok()).unwrap_or_default();
        Output { stderr: stderr.into_bytes(), ..out }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

/// Whom the plan names.
const PEERS: [&str; 3] = ["sip.telnyx.example", "nguyen.bandwidth.example", "pbx.nguyen.example"];

/// Where the workspace lies.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
