//! `tandem demo` as people start it: the built program, its story, and what it leaves behind.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use core::time::Duration;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tandem::clock::Clock;

/// A folder for temporary files that is the demo's alone.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tandem-test-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    fn demo(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.arg("demo").env("TMPDIR", &self.0);
        command
    }

    fn left(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0)
            .expect("it is there")
            .map(|entry| entry.expect("it can be read").path())
            .collect()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Processes that were started with something of this folder.
fn processes_of(folder: &Path) -> usize {
    let name = folder.to_str().expect("its name is plain").as_bytes();
    let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
    let command_lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    command_lines.filter(|line| line.windows(name.len()).any(|part| part == name)).count()
}

fn explain(plan: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    let out = command.args(["explain", "+15035550100", "--plan"]).arg(plan).output().expect("it starts");
    String::from_utf8(out.stdout).expect("it prints UTF-8")
}

#[test]
fn every_call_is_answered_where_the_plan_says_while_all_breaks() {
    let (temporary, kept) = (Temporary::new("story"), Temporary::new("kept"));
    let clock = Clock::start();
    let out = temporary.demo().arg("--keep").arg(&kept.0).output().expect("it starts");
    let took = clock.now().since(sip::Time::ZERO);
    let text = String::from_utf8(out.stdout).expect("it prints UTF-8");
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}\n{errors}");
    assert!(took < Duration::from_secs(25), "took {took:?}");
    for calls in [
        "1  nothing                              office after 0.",
        "2  office, silent for a moment          ana after 2.",
        "3  office, known to be down             ben after 0.",
        "4  office, carrier north                ana after 0.",
        "5  office, carrier north, both mobiles  answering after 5.",
        "6  carrier north                        office after 0.",
        "6 of 6 calls were answered where the plan says, in time.",
        "✗ office: silent for 2 s, INVITE sent ",
        "✗ ana by north: nobody listens there (tandem.toml:35)",
        "✗ ben by south: rang for 5 s without an answer (tandem.toml:35)",
        "│──CANCEL────────────────────▶│──CANCEL────────────────────▶│",
    ] {
        assert!(text.contains(calls), "{calls:?} is not in:\n{text}");
    }
    let too_wide = text.lines().find(|line| line.chars().count() > 100 && !line.contains("--plan"));
    assert_eq!(too_wide, None);
    assert!(!text.contains('\x1b'), "no colour into a pipe");
    assert_eq!(temporary.left(), [] as [PathBuf; 0]);
    assert_eq!(kept.left(), [kept.0.join("tandem.toml")]);
    assert!(explain(&kept.0.join("tandem.toml")).contains("2  ana and ben together  5 s   from 20 s  :35"));
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let temporary = Temporary::new("stopped");
    let mut demo = temporary.demo().stdout(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(demo.stdout.take().expect("it is a pipe")).lines();
    let first_call = lines.map_while(Result::ok).find(|line| line.starts_with("Call 1"));
    assert!(first_call.is_some());
    assert_eq!((temporary.left().len(), processes_of(&temporary.0)), (1, 1), "it has a folder and a child");
    let pid = Pid::from_raw(demo.id().try_into().expect("it is a process number"));
    kill(pid, Signal::SIGINT).expect("it can be sent");
    let status = demo.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert_eq!((temporary.left().len(), processes_of(&temporary.0)), (0, 0));
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_a_way_out() {
    let temporary = Temporary::new("nowhere");
    let out = temporary.demo().env("TMPDIR", "/proc/nowhere").output().expect("it starts");
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(errors.contains("cannot make a folder in /proc/nowhere: "), "{errors}");
    assert!(errors.contains("set TMPDIR to one you may write"), "{errors}");
}
