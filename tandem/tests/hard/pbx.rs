//! A PBX that is a process of its own: SIPp, which answers OPTIONS and calls until it is stopped.

use core::net::SocketAddr;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A PBX. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Pbx(Child);

impl Pbx {
    /// Starts one at this address; `None` if there is no SIPp.
    pub(crate) fn start(at: SocketAddr) -> Option<Self> {
        Self::start_over("u1", at)
    }

    /// As [`start`](Self::start), over what SIPp calls so: `u1` for UDP, `t1` for TCP.
    pub(crate) fn start_over(transport: &str, at: SocketAddr) -> Option<Self> {
        let (ip, port) = (at.ip().to_string(), at.port().to_string());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hard/scenarios");
        let child = Command::new("sipp")
            .arg("-sf")
            .arg(folder.join("pbx.xml"))
            .args(["-i", &ip, "-p", &port, "-bind_local", "-t", transport, "-nostdin"])
            // It must not outlive a test that was killed.
            .args(["-timeout", "180s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        child.ok().map(Self)
    }

    /// It stands still from now on; its port stays open.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// It goes on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(i32::try_from(self.0.id()).expect("a process id"));
        kill(process, signal).expect("it runs");
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
