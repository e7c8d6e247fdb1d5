//! What is measured: a process on the first core of this machine.

use core::time::Duration;
use std::process::{Child, Command};

/// A process that ends with the measurement.
pub(crate) struct Measured(pub(crate) Child);

impl Measured {
    /// The first core is its own; whoever sends has another one.
    pub(crate) fn on_first_core(program: &str) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", program]);
        command
    }

    /// The time that it has had, of all its threads or of those with this name.
    pub(crate) fn time(&self, thread: Option<&str>) -> Duration {
        let tasks = format!("/proc/{}/task", self.0.id());
        let tasks = std::fs::read_dir(tasks).expect("it runs").map_while(Result::ok);
        let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
        stats.filter_map(|stat| ticks(&stat, thread)).map(|ticks| TICK * ticks).sum()
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// What /proc counts in (USER_HZ, proc(5)).
const TICK: Duration = Duration::from_millis(10);

/// The time in user and kernel mode: the 14th and 15th field, the second being the name in parentheses.
fn ticks(stat: &str, thread: Option<&str>) -> Option<u32> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    if thread.is_some_and(|thread| thread != name) {
        return None;
    }
    let mut fields = tail.split_whitespace().skip(11).map_while(|field| field.parse::<u32>().ok());
    Some(fields.next()? + fields.next()?)
}

/// Lets time pass.
pub(crate) fn pause(time: Duration) {
    // Nobody wakes it sooner.
    std::thread::park_timeout(time);
}
