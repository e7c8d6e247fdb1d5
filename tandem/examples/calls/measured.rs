//! A process and its children on the first core of this machine, and what they take.

use core::time::Duration;
use std::fs;
use std::process::{Child, Command, Stdio};

/// A process that ends with the measurement.
pub(crate) struct Measured(Child);

impl Measured {
    /// The first core is its own; whoever calls has another one.
    pub(crate) fn start(command: Command) -> Self {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
        let child = pinned.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("taskset is there");
        let measured = Self(child);
        // Nobody wakes it sooner.
        std::thread::park_timeout(Duration::from_millis(1_500));
        measured
    }

    /// The time that all of its threads, and those of its children, have had: from the scheduler, in nanoseconds.
    pub(crate) fn time(&self) -> Duration {
        let of = |pid: u32| {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
            tasks.filter_map(|task| {
                let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
                text.split_whitespace().next()?.parse().ok()
            })
        };
        self.family().into_iter().flat_map(of).map(Duration::from_nanos).sum()
    }

    /// What it holds of the memory of this machine, in KiB: what is shared is shared out.
    pub(crate) fn memory(&self) -> u64 {
        let of = |pid: u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        self.family().into_iter().filter_map(of).sum()
    }

    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.0.id()];
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
                let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
                let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
                Some((pid, parent))
            })
            .collect();
        let mut at = 0;
        while let Some(parent) = family.get(at).copied() {
            family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
            at += 1;
        }
        family
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        let family = self.family();
        for pid in family.iter().rev() {
            let _ = kill(Pid::from_raw(i32::try_from(*pid).unwrap_or(0)), Signal::SIGKILL);
        }
        let _ = self.0.wait();
        // Whoever comes next wants the same port: a large memory takes its time to go.
        for _ in 0..100 {
            if family.iter().all(|pid| fs::metadata(format!("/proc/{pid}/fd/0")).is_err()) {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}
