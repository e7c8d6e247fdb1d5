//! Calls at a fixed rate through whatever forwards them, with both ends in one process: it sends when the clock says so, however slow the
//! answers are. A process of its own, on a core of its own; it says in one line of JSON what became of the calls.

mod callee;
mod caller;
mod text;

use crate::job::{CALLEES, CALLER, Job, PROXY};
use callee::{Callee, Role};
use caller::{Caller, Settings};
use core::net::SocketAddr;
use core::time::Duration;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What the command line says: `PROXY CALLER RATE SECONDS HOLD_MS ROLE=CALLEE...`.
struct Line {
    settings: Settings,
    from: SocketAddr,
    seconds: u64,
    callees: Vec<(Role, SocketAddr)>,
}

impl Line {
    fn read(words: &[String]) -> Self {
        let [proxy, from, rate, seconds, hold, callees @ ..] = words else {
            unreachable!("PROXY CALLER RATE SECONDS HOLD_MS ROLE=CALLEE...")
        };
        let address = |word: &str| word.parse().expect("an address");
        let number = |word: &str| word.parse().expect("a number");
        let callee = |word: &String| {
            let (role, at) = word.split_once('=').expect("ROLE=ADDRESS");
            (Role::of(role), address(at))
        };
        let settings = Settings {
            to: address(proxy),
            every: Duration::from_secs(1) / u32::try_from(number(rate)).expect("a rate"),
            hold: Duration::from_millis(number(hold)),
        };
        let callees = callees.iter().map(callee).collect();
        Self { settings, from: address(from), seconds: number(seconds), callees }
    }
}

/// The argument that makes this program that process.
pub(crate) const WORD: &str = "--load";

/// What became of the calls of one run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) calls: u64,
    pub(crate) completed: u64,
    pub(crate) refused: u64,
    /// INVITEs that reached a callee more than once.
    pub(crate) resent: u64,
    /// From INVITE to 200, in microseconds.
    pub(crate) setup_p50: u64,
    pub(crate) setup_p99: u64,
    /// How late an INVITE was at worst, in microseconds: then it was this end that was too slow.
    pub(crate) late: u64,
}

/// Runs the calls of a job, and waits for their end.
pub(crate) fn start(job: Job, rate: u64, seconds: u64) -> Heard {
    let callees = job.roles().iter().zip(CALLEES).map(|(role, at)| format!("{role}={at}"));
    let mut command = Command::new("taskset");
    command.args(["-c", "1"]).arg(std::env::current_exe().expect("this program"));
    command.args([WORD, PROXY, CALLER, &rate.to_string(), &seconds.to_string(), "0"]).args(callees);
    let out = command.stderr(Stdio::inherit()).output().expect("taskset is there");
    serde_json::from_slice(&out.stdout).expect("it says what became of them")
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
pub(crate) fn run(words: &[String]) {
    let Line { settings, from, seconds, callees } = Line::read(words);
    let mut callees: Vec<Callee> =
        callees.into_iter().map(|(role, address)| Callee::new(role, address)).collect();
    let begun = Instant::now();
    let mut caller = Caller::new(from, settings, Duration::from_secs(seconds));
    loop {
        let now = begun.elapsed();
        let next = caller.on_time(now);
        let mut idle = caller.receive(|| begun.elapsed());
        for callee in &mut callees {
            idle &= callee.receive();
        }
        if now > Duration::from_secs(seconds)
            && (caller.is_over() || now > Duration::from_secs(seconds) + LATE)
        {
            break;
        }
        // The kernel's clock for poll counts milliseconds: under that it looks again and again.
        let wait = next.saturating_sub(begun.elapsed()).min(TURN);
        if idle && wait >= Duration::from_millis(1) {
            let mut ends: Vec<PollFd<'_>> = callees
                .iter()
                .map(|callee| callee.socket.as_fd())
                .chain([caller.socket.as_fd()])
                .map(|end| PollFd::new(end, PollFlags::POLLIN))
                .collect();
            let millis = u16::try_from(wait.as_millis()).unwrap_or(1);
            let _ = poll(&mut ends, PollTimeout::from(millis));
        }
    }
    let resent: u64 = callees.iter().map(|callee| callee.resent).sum();
    let heard = serde_json::to_string(&caller.heard(resent)).expect("it is JSON");
    writeln!(std::io::stdout(), "{heard}").expect("stdout");
}

const TURN: Duration = Duration::from_millis(20);
/// How long after the last call answers are waited for: longer than the longest of all jobs takes.
const LATE: Duration = Duration::from_secs(40);
