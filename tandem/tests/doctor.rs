//! `tandem doctor`, as people type it: peers on this machine that answer, are silent, are not there or rewrite what they pass on; a mail
//! server that does not know us; and what is printed.
#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

use core::time::Duration;
use sip::Time;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use tandem::clock::Clock;

/// A folder with a plan, gone with the test.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str, plan: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tandem-doctor-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("data")).expect("a folder");
        std::fs::write(path.join("tandem.toml"), plan).expect("a plan");
        Self(path)
    }

    /// What the program finds, without what depends on the machine, and its exit status.
    fn look(&self, words: &[&str], names: &[(SocketAddr, &str)]) -> (Vec<String>, i32) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tandem"));
        let out = program.arg("doctor").args(words).current_dir(&self.0).output().expect("it runs");
        let mut said = String::from_utf8([out.stdout, out.stderr].concat()).expect("UTF-8");
        for (address, name) in names {
            said = said.replace(&address.to_string(), name);
        }
        let is_machine = |line: &str| {
            let what = line.split_once(' ').map_or("", |(_, rest)| rest);
            MACHINE.iter().any(|known| what.starts_with(known))
        };
        let lines = said.lines().filter(|line| !is_machine(line));
        (lines.map(same).collect(), out.status.code().unwrap_or(-1))
    }
}

/// What is found of these is the machine's.
const MACHINE: [&str; 6] = ["sound ", "files ", "buffers ", "clock ", "time zone ", "ports "];

/// A line with what is free and how long it took left out.
fn same(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let numbered = |nth: usize| matches!(words.get(nth + 1), Some(&("GiB" | "MiB" | "ms" | "ms;")));
    let shown = words.iter().enumerate().map(|(nth, word)| if numbered(nth) { "N" } else { word });
    shown.collect::<Vec<_>>().join(" ")
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody who answers each OPTIONS with this status and these lines of it, as `change` leaves them.
fn answers(status: &'static str, change: fn(&str) -> String) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = socket.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let asked = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
            let is_copied = |line: &&str| copied.iter().any(|name| line.starts_with(&format!("{name}:")));
            let lines: Vec<String> = asked.lines().filter(is_copied).map(change).collect();
            let answer = format!("SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"));
            let _ = socket.send_to(answer.as_bytes(), from);
        }
    });
    address
}

/// A mail server that knows nobody.
fn mail_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut out = stream.try_clone().expect("it can be shared");
            let _ = out.write_all(b"220 mail.example\r\n");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let said: &[u8] = match line.get(..4).unwrap_or_default() {
                    "EHLO" => b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n",
                    "AUTH" => b"535 5.7.8 who are you?\r\n",
                    _ => b"250 fine\r\n",
                };
                let _ = out.write_all(said);
            }
        }
    });
    address
}

/// An address where nobody is.
fn nobody() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port was free")
}

/// A plan where everybody is here.
fn plan([telnyx, rewritten, office, lab, branch, hook, mail, free]: [SocketAddr; 8]) -> String {
    format!(
        r#"
business = "Nguyen Dental"
timezone = "America/Los_Angeles"
carriers = {{ telnyx = "{telnyx}", bandwidth = "{rewritten}" }}
sites    = {{ office = "{office}", lab = "{lab}", branch = "{branch}" }}
numbers  = {{ "+15035550100" = "main" }}
plans.main = ["office", "lab", "branch", "inbox"]

[mailboxes.inbox]
email = "office@nguyen.example"
webhook = "http://{hook}/calls"
secret = "file:secret"

[mail]
smtp = "{mail}"
tls = "none"
user = "voicemail"
password = "file:secret"
from = "voicemail@nguyen.example"

[node]
listen = ["udp:{free}"]
data = "data"
"#
    )
}

#[test]
fn each_thing_that_the_plan_names_is_asked_and_told_in_a_line() {
    let unchanged = str::to_owned;
    let (telnyx, office) = (answers("200 OK", unchanged), answers("405 Method Not Allowed", unchanged));
    let rewritten = answers("200 OK", |line| {
        line.replace("Via: SIP/2.0/UDP 127.0.0.1:", "Via: SIP/2.0/UDP 192.168.1.1:")
    });
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let (lab, branch, mail) = (silent.local_addr().expect("it is bound"), nobody(), mail_server());
    let hook = TcpListener::bind("127.0.0.1:0").and_then(|hook| hook.local_addr()).expect("a port was free");
    let free = nobody();
    let desk = Desk::new("all", &plan([telnyx, rewritten, office, lab, branch, hook, mail, free]));
    std::fs::write(desk.0.join("secret"), "hush\n").expect("it can be written");
    std::fs::write(desk.0.join("data/seal.key"), format!("{:032x}\n", 7)).expect("it can be written");
    let shared = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(desk.0.join("data/seal.key"), shared).expect("it is ours");
    let names = [
        (telnyx, "TELNYX"),
        (rewritten, "BANDWIDTH"),
        (office, "OFFICE"),
        (lab, "LAB"),
        (branch, "BRANCH"),
        (mail, "MAIL"),
        (hook, "HOOK"),
    ];
    let clock = Clock::start();
    let (said, status) = desk.look(&[], &names);
    assert_eq!(
        said,
        [
            "! plan                     tandem.toml: no error, 5 warnings (L007)   fix: tandem check tandem.toml",
            "✓ data                     data: N GiB free",
            "✗ key                      others than its owner may read data/seal.key   fix: chmod 600 data/seal.key",
            "✓ carrier telnyx           udp TELNYX answers 200 after N ms",
            "✗ carrier bandwidth        udp BANDWIDTH answers 200 after N ms; our Via came back changed: something on the way rewrites SIP   fix: switch off SIP ALG (SIP helper) in the router or firewall",
            "✓ site office              udp OFFICE answers 405 after N ms",
            "✗ site lab                 udp LAB: no answer to OPTIONS in 2 s   fix: is it running, and does its firewall let this machine in? `probe = \"off\"` if it answers no OPTIONS",
            "✗ site branch              udp BRANCH: nobody listens there   fix: is it running, and does its firewall let this machine in? `probe = \"off\"` if it answers no OPTIONS",
            "✗ mail                     MAIL: 535 5.7.8 who are you?   fix: look at `password` of [mail] (tandem.toml:18)",
            "✗ webhook HOOK  Connection refused (os error 111)   fix: look at `webhook` (tandem.toml:11)"
        ]
    );
    assert_eq!(status, 1);
    let took = clock.now().since(Time::ZERO);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let (said, status) = desk.look(&["--offline"], &names);
    assert_eq!(
        said,
        [
            "! plan       tandem.toml: no error, 5 warnings (L007)   fix: tandem check tandem.toml",
            "✓ data       data: N GiB free",
            "✗ key        others than its owner may read data/seal.key   fix: chmod 600 data/seal.key"
        ]
    );
    assert_eq!(status, 1);
}

#[test]
fn a_plan_with_errors_is_the_first_thing_to_mend() {
    let desk = Desk::new("errors", "business = \"a\"\n[plans]\nmain = [\"nobody\"]\n");
    let (said, status) = desk.look(&[], &[]);
    assert_eq!(
        said,
        [
            "✗ plan  2 errors; the first is tandem.toml: error[E012]: the file has no numbers: every call would get 404; help: write `\"+15035550100\" = \"main\"` under `[numbers]`; `\"*\"` is for all others   fix: tandem check tandem.toml"
        ]
    );
    assert_eq!(status, 1);
}

#[test]
fn a_port_that_somebody_has_is_told_with_who_to_ask() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound");
    let desk = Desk::new(
        "port",
        &format!(
            "business = \"a\"\n[numbers]\n\"+15035550100\" = \"main\"\n[defaults]\nfloor = false\n[plans]\nmain = [\"desk\"]\n\
             [services]\ndesk = \"192.0.2.40\"\n[node]\nlisten = [\"udp:{address}\"]\ndata = \"data\"\n"
        ),
    );
    let mut program = Command::new(env!("CARGO_BIN_EXE_tandem"));
    let out = program.args(["doctor", "--offline"]).current_dir(&desk.0).output().expect("it runs");
    let said = String::from_utf8(out.stdout).expect("UTF-8").replace(&address.port().to_string(), "PORT");
    let ports: Vec<&str> = said.lines().filter(|line| line.contains("ports")).collect();
    assert_eq!(
        ports,
        [
            "✗ ports      udp 127.0.0.1:PORT: Address already in use (os error 98)   fix: ss -lnp 'sport = :PORT' says who has it; end that, or change `listen` in [node]"
        ]
    );
    assert_eq!(out.status.code(), Some(1));
}
