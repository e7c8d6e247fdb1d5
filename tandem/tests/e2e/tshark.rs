//! Wireshark's word on the sound of a test: what it has seen on the wire, and whether any of it was lost.

use crate::folder::Folder;
use crate::patience::until;
use crate::street::{Street, TANDEM};
use core::net::IpAddr;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::process::{Child, Command, Stdio};

/// The sound of a street on its way. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Capture {
    child: Child,
    folder: Folder,
}

/// What went from one port to another under one SSRC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) packets: usize,
    pub(crate) lost: i32,
}

/// Is Wireshark here? If not, a test passes over, unless the environment says `TANDEM_PEERS=required`.
pub(crate) fn is_here() -> bool {
    let is_here = |program: &&str| {
        Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let found = ["tshark", "dumpcap"].iter().all(is_here);
    let required = std::env::var_os("TANDEM_PEERS").is_some_and(|value| value == "required");
    assert!(found || !required, "there is no `tshark` (Debian: tshark), and TANDEM_PEERS=required");
    if !found {
        eprintln!("passed over: there is no `tshark`; Debian has it in tshark");
    }
    found
}

impl Capture {
    /// Listens, from now on.
    pub(crate) fn start(street: &Street) -> Self {
        let (folder, node) = (Folder::new(), street.house(TANDEM));
        let out = File::create(folder.file("out")).expect("the folder is ours");
        let IpAddr::V4(ip) = node.ip() else { unreachable!("a street that is captured is one of IPv4") };
        let [a, b, c, _] = ip.octets();
        // Sound has even ports, and what is said of it odd ones (RFC 3550 §11).
        let sound = format!("udp and net {a}.{b}.{c}.0/24 and not port {} and udp[3] & 1 = 0", node.port());
        let child = Command::new("dumpcap")
            // It must not outlive a test that was killed.
            .args(["-q", "-i", "lo", "-a", "duration:60", "-f", &sound, "-w"])
            .arg(folder.file("sound.pcapng"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            .spawn()
            .expect("it is here");
        let listens = || folder.read("out").contains("File: ").then_some(());
        until("dumpcap listens", listens, || folder.read("out"));
        Self { child, folder }
    }

    /// Ends, once all is written that came.
    pub(crate) fn finish(&mut self) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGINT).expect("it runs");
        self.child.wait().expect("it runs");
    }

    /// All streams, in the order of their beginning.
    pub(crate) fn streams(&self) -> Vec<Stream> {
        self.ask(&["-q", "-z", "rtp,streams"]).lines().filter_map(Stream::read).collect()
    }

    /// How many packets of sound of this one byte came to a house.
    pub(crate) fn heard(&self, byte: u8, at: IpAddr) -> usize {
        let four = [format!("{byte:02x}").as_str(); 4].join(":");
        let filter = format!("ip.dst == {at} and rtp.payload[0:4] == {four}");
        self.ask(&["-Y", &filter]).lines().count()
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.args(["--enable-heuristic", "rtp_udp", "-r"]).arg(self.folder.file("sound.pcapng"));
        let done = command.args(words).output().expect("it is here");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    }
}

impl Stream {
    /// A row of its table: begin, end, source and port, destination and port, SSRC, payload types, packets, lost …
    fn read(row: &str) -> Option<Self> {
        let words: Vec<&str> = row.split_ascii_whitespace().collect();
        let ssrc = words.iter().position(|word| word.starts_with("0x"))?;
        let address = |before: usize| words.get(ssrc.checked_sub(before)?)?.parse().ok();
        let percent = words.iter().position(|word| word.ends_with("%)"))?;
        let counts = |before: usize| words.get(percent.checked_sub(before)?);
        Some(Self {
            from: address(4)?,
            to: address(2)?,
            packets: counts(2)?.parse().ok()?,
            lost: counts(1)?.parse().ok()?,
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
