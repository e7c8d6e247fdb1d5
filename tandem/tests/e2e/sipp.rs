//! SIPp as a peer: it plays a scenario and fails if the other side does anything else.

use crate::folder::Folder;
use crate::messages::{Message, Messages};
use crate::patience::until;
use crate::street::{CALLER, Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// How a peer is reached and reaches the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Udp,
    Tcp,
}

/// A SIPp that plays. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Sipp {
    scenario: &'static str,
    child: Child,
    folder: Folder,
}

/// Is SIPp here? If not, a test passes over, unless the environment says `TANDEM_PEERS=required`.
pub(crate) fn is_here() -> bool {
    let found = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("TANDEM_PEERS").is_some_and(|value| value == "required");
    assert!(found || !required, "there is no `sipp` (Debian: sip-tester), and TANDEM_PEERS=required");
    if !found {
        eprintln!("passed over: there is no `sipp`; Debian has it in sip-tester");
    }
    found
}

impl Sipp {
    /// A callee in this house, once it listens. `words` are put into the scenario.
    pub(crate) fn callee(
        street: &Street,
        house: u8,
        by: By,
        scenario: &'static str,
        words: &[(&str, &str)],
    ) -> Self {
        let at = street.house(house);
        let mut callee = Self::start(street, at, by, scenario, words, &[]);
        let listens = || {
            let over = callee.child.try_wait().ok().flatten();
            assert_eq!(over, None, "{}", callee.told());
            is_bound(by, at).then_some(())
        };
        until("a callee listens", listens, || format!("{scenario} at {at}"));
        callee
    }

    /// A caller who calls this number now.
    pub(crate) fn caller(
        street: &Street,
        by: By,
        scenario: &'static str,
        number: &str,
        words: &[(&str, &str)],
    ) -> Self {
        Self::start(street, street.house(CALLER), by, scenario, words, &["-s", number])
    }

    /// Waits for its end; it must have played its scenario to the end.
    pub(crate) fn played(mut self) -> Messages {
        let child = &mut self.child;
        let status: ExitStatus =
            until("a peer is done", || child.try_wait().ok().flatten(), || self.scenario.to_owned());
        assert!(status.success(), "{} ended with {status}\n{}", self.scenario, self.told());
        self.messages()
    }

    fn messages(&self) -> Messages {
        read(&self.folder.read("messages"))
    }

    fn start(
        street: &Street,
        at: SocketAddr,
        by: By,
        scenario: &'static str,
        words: &[(&str, &str)],
        more: &[&str],
    ) -> Self {
        let folder = Folder::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/scenarios");
        let source = source.join(format!("{scenario}.xml"));
        let mut text = std::fs::read_to_string(source).expect("the scenario is there");
        for (word, value) in words {
            text = text.replace(&format!("{{{{{word}}}}}"), value);
        }
        assert!(!text.contains("{{"), "{scenario} wants more words than {words:?}");
        std::fs::write(folder.file("scenario.xml"), text).expect("the folder is ours");
        let (ip, port) = (at.ip().to_string(), at.port().to_string());
        let out = File::create(folder.file("out")).expect("the folder is ours");
        let child = Command::new("sipp")
            .arg(street.house(TANDEM).to_string())
            .arg("-sf")
            .arg(folder.file("scenario.xml"))
            .arg("-message_file")
            .arg(folder.file("messages"))
            .arg("-error_file")
            .arg(folder.file("errors"))
            .args(["-i", &ip, "-p", &port, "-bind_local", "-ci", &ip, "-mi", &ip])
            .args(["-t", if by == By::Tcp { "t1" } else { "u1" }])
            .args(["-m", "1", "-nostdin", "-trace_msg", "-trace_err"])
            // It must not outlive a test that was killed.
            .args(["-timeout", "30s", "-timeout_error"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file can be written twice"))
            .stderr(out)
            .spawn()
            .expect("sipp starts");
        Self { scenario, child, folder }
    }

    fn told(&self) -> String {
        let Self { scenario, folder, .. } = self;
        let out = folder.read("out");
        let last: Vec<&str> = out.lines().rev().take(LINES_SHOWN).collect();
        let out: Vec<&str> = last.into_iter().rev().collect();
        let (errors, messages) = (folder.read("errors"), folder.read("messages"));
        format!("--- {scenario}\n{}\n{errors}\n{messages}---", out.join("\n"))
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.told());
        }
    }
}

const LINES_SHOWN: usize = 20; // The last screen says how the calls went.

/// Reads SIPp's log of messages. The last one may be there in part.
fn read(log: &str) -> Messages {
    let mut messages = Vec::new();
    for part in log.split("----------------------------------------------- ").skip(1) {
        let Some((at, rest)) = part.split_once('\n') else { continue };
        let Some((how, text)) = rest.split_once("\n\n") else { continue };
        let Ok(at) = at.trim().parse::<jiff::civil::DateTime>() else { continue };
        let at = at.duration_since(jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0));
        let at = Duration::try_from(at).unwrap_or_default();
        if !text.trim().is_empty() {
            messages.push(Message { sent: how.contains(" sent "), at, text: text.trim_start().to_owned() });
        }
    }
    Messages(messages)
}

/// Does somebody on this machine listen there? A connection or a datagram to see it would be a call to SIPp.
fn is_bound(by: By, at: SocketAddr) -> bool {
    let table = match (by, at.is_ipv4()) {
        (By::Udp, true) => "/proc/net/udp",
        (By::Udp, false) => "/proc/net/udp6",
        (By::Tcp, true) => "/proc/net/tcp",
        (By::Tcp, false) => "/proc/net/tcp6",
    };
    let ip = match at.ip() {
        core::net::IpAddr::V4(ip) => hex(&ip.octets()),
        core::net::IpAddr::V6(ip) => hex(&ip.octets()),
    };
    let address = format!("{ip}:{:04X}", at.port());
    let listens = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (local, _, state) = (words.next(), words.next(), words.next());
        local == Some(&address) && (by == By::Udp || state == Some("0A"))
    };
    std::fs::read_to_string(table).is_ok_and(|text| text.lines().any(listens))
}

/// As the kernel prints an address: words of four bytes in the machine's order.
fn hex(octets: &[u8]) -> String {
    let word = |four: &[u8]| four.try_into().map(u32::from_ne_bytes).unwrap_or_default();
    octets.chunks(4).map(|four| format!("{:08X}", word(four))).collect()
}
