//! Kamailio as a carrier that asks who calls (407) and who registers (401), and sends its calls to whoever has registered.

use crate::folder::Folder;
use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street};
use core::net::SocketAddr;
use core::time::Duration;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

const NUMBER: &str = "+15035550100";
const ANA: &str = "+15035550111";

const CARRIER: u8 = 11;
/// Where the carrier's phone numbers lead to.
const MOBILE: u8 = 12;
const DESK: u8 = 13;
const OTHER: u8 = 14;
/// Somebody who calls by the carrier.
const CUSTOMER: u8 = 15;

/// A Kamailio in the carrier's house. Ended when it is dropped.
#[derive(Debug)]
struct Kamailio {
    child: Child,
    folder: Folder,
}

/// Is Kamailio here? If not, a test passes over, unless the environment says `TANDEM_PEERS=required`.
fn is_here() -> bool {
    let found =
        Command::new("kamailio").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("TANDEM_PEERS").is_some_and(|value| value == "required");
    assert!(found || !required, "there is no `kamailio` (Debian: kamailio), and TANDEM_PEERS=required");
    if !found {
        eprintln!("passed over: there is no `kamailio`; Debian has it in kamailio");
    }
    found
}

impl Kamailio {
    /// A carrier whose customer `nguyen` has the password `right`, and that asks for it by this algorithm.
    fn start(street: &Street, algorithm: &str) -> Self {
        let (folder, at) = (Folder::new(), street.house(CARRIER));
        let config = include_str!("kamailio.cfg")
            .replace("{{at}}", &at.to_string())
            .replace("{{mobile}}", &street.house(MOBILE).to_string())
            .replace("{{algorithm}}", algorithm);
        std::fs::write(folder.file("kamailio.cfg"), config).expect("the folder is ours");
        let log = File::create(folder.file("log")).expect("the folder is ours");
        // It must not outlive a test that was killed.
        let child = Command::new("timeout")
            .args(["--kill-after=2", "120", "kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f"])
            .arg(folder.file("kamailio.cfg"))
            .arg("-Y")
            .arg(folder.file(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kamailio starts");
        let mut carrier = Self { child, folder };
        let answers = || {
            let over = carrier.child.try_wait().ok().flatten();
            assert_eq!(over, None, "it ended at once:\n{}", carrier.folder.read("log"));
            answers(at).then_some(())
        };
        until("the carrier", answers, String::new);
        carrier
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its own processes end with it only if it is asked to.
        let id = i32::try_from(self.child.id()).expect("a process id");
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the carrier's log\n{}---", self.folder.read("log"));
        }
    }
}

/// Does somebody answer OPTIONS there?
fn answers(at: SocketAddr) -> bool {
    let socket = UdpSocket::bind((at.ip(), 0)).expect("loopback");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
    let here = socket.local_addr().expect("a socket");
    let options = format!(
        "OPTIONS sip:{at} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKup\r\nMax-Forwards: 70\r\n\
         From: <sip:up@{here}>;tag=up\r\nTo: <sip:{at}>\r\nCall-ID: up\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    let _ = socket.send_to(options.as_bytes(), at);
    socket.recv(&mut [0; 2048]).is_ok()
}

/// The carrier with this password, and another one; Ana by either, the desk by itself.
fn plan(street: &Street, password: &str, register: &str) -> String {
    let (carrier, other, desk) = (street.house(CARRIER), street.house(OTHER), street.house(DESK));
    format!(
        "business = \"Nguyen Dental\"\n[defaults]\nprobe = \"off\"\nfloor = false\nconfirm = false\n[carriers.first]\nsip = \"{carrier}\"\nuser = \"nguyen\"\n\
         password = \"{password}\"\n{register}\n[carriers.other]\nsip = \"{other}\"\n[people]\nana = \"{ANA}\"\n\
         [sites]\ndesk = \"{desk}\"\n[numbers]\n\"{NUMBER}\" = \"main\"\nnguyen = \"desk-first\"\n\
         [plans]\nmain = [\"ana\"]\ndesk-first = [\"desk\"]\n"
    )
}

const REGISTER: &str = "register = \"carrier.test\"\nexpires = \"60s\"";

/// A call from its INVITE to its end, between these two.
fn call(caller: &mut Phone, number: &str, callee: &mut Phone) {
    let invite = caller.invite(number);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    taken(caller, &invite, callee);
}

/// A call that was placed is answered and ended.
fn taken(caller: &mut Phone, invite: &str, callee: &mut Phone) {
    let rung = callee.hears("< INVITE");
    assert!(!rung.contains("Authorization"), "who we are is the carrier's business alone: {rung}");
    callee.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(invite, &answer, "ACK", 1));
    callee.hears("< ACK");
    caller.says(&in_dialog(invite, &answer, "BYE", 2));
    let bye = callee.hears("< BYE");
    callee.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");
}

#[test]
fn a_carrier_that_asks_who_calls_is_told_and_the_call_goes_on() {
    if !is_here() {
        return;
    }
    for algorithm in ["MD5", "SHA-256"] {
        let street = Street::new();
        let _carrier = Kamailio::start(&street, algorithm);
        let node = Tandem::start(&street, &plan(&street, "right", ""));
        let (mut caller, mut mobile) =
            (Phone::new(&street, CALLER), Phone::facing(&street, MOBILE, street.house(CARRIER)));
        call(&mut caller, NUMBER, &mut mobile);
        call(&mut caller, NUMBER, &mut mobile);
        for call in node.calls(2) {
            assert_eq!(call.legs(), ["ana: 407", "ana: answered"], "{algorithm}");
        }
    }
}

#[test]
fn a_carrier_sends_its_calls_to_a_node_that_has_registered_until_it_drains() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let _carrier = Kamailio::start(&street, "SHA-256");
    let mut customer = Phone::facing(&street, CUSTOMER, street.house(CARRIER));
    let early = customer.invite("nguyen");
    customer.says(&early);
    customer.hears("< 404 INVITE");
    let mut node = Tandem::start(&street, &plan(&street, "right", REGISTER));
    let mut desk = Phone::new(&street, DESK);
    node.logs("first sends us calls: registered there");
    call(&mut customer, "nguyen", &mut desk);
    assert_eq!(node.call().legs(), ["desk: answered"]);
    node.signal(Signal::SIGTERM);
    node.logs("no longer registered at first");
    assert_eq!(node.ended().code(), Some(0));
    let late = customer.invite("nguyen");
    customer.says(&late);
    customer.hears("< 404 INVITE");
}

#[test]
fn a_wrong_password_is_an_error_with_its_line_and_the_other_carrier_has_the_calls_until_it_is_right() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let _carrier = Kamailio::start(&street, "MD5");
    let node = Tandem::start(&street, &plan(&street, "wrong", REGISTER));
    let (mut caller, mut other) = (Phone::new(&street, CALLER), Phone::new(&street, OTHER));
    let lost = node.logs("not registered at first, so it sends us no calls: it was refused with 401");
    assert!(lost.contains("ERROR"), "{lost}");
    let refused = node.logs("first refuses our credentials: tried last");
    let fix = "correct user and password in line 9 of the plan file, then reload";
    assert!(refused.contains("ERROR") && refused.contains(fix), "{refused}");
    call(&mut caller, NUMBER, &mut other);
    assert_eq!(node.call().legs(), ["ana: answered"], "the first was not even tried");
    node.write(&plan(&street, "right", REGISTER));
    node.signal(Signal::SIGHUP);
    node.logs("first sends us calls: registered there");
    let mut mobile = Phone::facing(&street, MOBILE, street.house(CARRIER));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = other.hears("< INVITE");
    other.replies(&rung, "503 Out", "o");
    taken(&mut caller, &invite, &mut mobile);
    assert_eq!(node.calls(2)[1].legs(), ["ana: 503", "ana: 407", "ana: answered"]);
}
