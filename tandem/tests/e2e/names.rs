//! Names: a peer behind SRV records of a real DNS server, and a DNS that is dead, killed or knows nothing.

use crate::folder::Folder;
use crate::node::Tandem;
use crate::patience::{until, within};
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street};
use core::net::SocketAddr;
use core::time::Duration;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;
const PLAIN: u8 = 13;
const SERVER: u8 = 18;

/// A dnsmasq with a zone of its own. Killed when it is dropped.
#[derive(Debug)]
struct Dnsmasq(Child);

/// Is dnsmasq here? If not, a test passes over, unless the environment says `TANDEM_PEERS=required`.
fn is_here() -> bool {
    let found = Command::new("dnsmasq").arg("--version").stdout(Stdio::null()).status().is_ok();
    let required = std::env::var_os("TANDEM_PEERS").is_some_and(|value| value == "required");
    assert!(found || !required, "there is no `dnsmasq` (Debian: dnsmasq-base), and TANDEM_PEERS=required");
    if !found {
        eprintln!("passed over: there is no `dnsmasq`; Debian has it in dnsmasq-base");
    }
    found
}

impl Dnsmasq {
    /// Serves `carrier.test`, with these houses behind SRV records in this order; of `.test` it knows nothing else.
    fn start(street: &Street, houses: &[u8]) -> Self {
        let at = street.house(SERVER);
        let mut server = Command::new("dnsmasq");
        server.args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="]);
        server.args(["--bind-interfaces", "--local=/test/", "--local-ttl=1"]);
        server.arg(format!("--port={}", at.port())).arg(format!("--listen-address={}", at.ip()));
        for house in houses {
            let there = street.house(*house);
            server.arg(format!("--host-record=gw{house}.carrier.test,{}", there.ip()));
            let srv = format!("gw{house}.carrier.test,{},{house},0", there.port());
            server.arg(format!("--srv-host=_sip._udp.carrier.test,{srv}"));
        }
        let child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Self(child.expect("it is here"));
        until("the DNS server", || answers(at).then_some(()), String::new);
        server
    }

    fn kill(&mut self) {
        self.0.kill().expect("it is ours");
        self.0.wait().expect("it is ours");
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        // It may have been killed by its test.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does somebody answer a question for the SRV records of `_sip._udp.carrier.test`?
fn answers(at: SocketAddr) -> bool {
    let question =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04_sip\x04_udp\x07carrier\x04test\x00\x00\x21\x00\x01";
    let socket = UdpSocket::bind((at.ip(), 0)).expect("loopback");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
    let _ = socket.send_to(question, at);
    socket.recv(&mut [0; 512]).is_ok()
}

/// The peer by its name, somebody by address, and what `[node]` needs to know.
fn plan(street: &Street, steps: &str) -> (String, String) {
    let plan = format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nnamed = \"carrier.test\"\nghost = \"ghost.test\"\nplain = \"{}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = {steps}\n",
        street.house(PLAIN)
    );
    (plan, format!("dns = [\"{}\"]", street.house(SERVER)))
}

#[test]
fn explain_says_where_srv_records_lead() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let _dns = Dnsmasq::start(&street, &[FIRST, SECOND]);
    let (plan, node) = plan(&street, "[\"named\", \"ghost\", \"plain\"]");
    let folder = Folder::new();
    std::fs::write(folder.file("plan.toml"), format!("{plan}[node]\n{node}\n")).expect("the folder is ours");
    let said = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["explain", NUMBER, "--plan"])
        .arg(folder.file("plan.toml"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let told = said.split_once("  By the DNS now:\n").map(|(_, told)| told);
    let expected = format!(
        "    carrier.test leads to udp {}, then {}\n    ghost.test leads nowhere: the DNS knows no address of it\n",
        street.house(FIRST),
        street.house(SECOND)
    );
    assert_eq!(told, Some(expected.as_str()), "{said}");
}

/// One call from its INVITE to the end.
fn call(caller: &mut Phone, callee: &mut Phone) {
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = callee.hears("< INVITE");
    callee.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    callee.hears("< ACK");
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    let bye = callee.hears("< BYE");
    callee.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");
}

#[test]
fn of_two_srv_targets_the_second_is_called_after_two_seconds_when_the_first_is_dead() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let _dns = Dnsmasq::start(&street, &[FIRST, SECOND]);
    let _dead = UdpSocket::bind(street.house(FIRST)).expect("the house is ours");
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, SECOND));
    let (plan, dns) = plan(&street, "[\"ghost\", \"named\"]");
    let node = Tandem::start_with(&street, &plan, &dns);
    node.logs("the DNS knows no address for the name of ghost");
    call(&mut caller, &mut callee);
    let call = node.call();
    assert_eq!(call.legs(), ["named: silent for 2 s", "named: answered"]);
    assert!((1_900..3_000).contains(&call.began(1)), "the second leg began after {} ms", call.began(1));
}

#[test]
fn calls_go_on_when_the_dns_server_is_killed() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let mut dns = Dnsmasq::start(&street, &[SECOND]);
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, SECOND));
    let (plan, lines) = plan(&street, "[\"named\"]");
    let node = Tandem::start_with(&street, &plan, &lines);
    call(&mut caller, &mut callee);
    dns.kill();
    // No record is asked for again in less than 30 s.
    let told = || node.log().contains("no DNS server answers for the name of named").then_some(());
    within(Duration::from_secs(60), "a warning", told, || node.log());
    call(&mut caller, &mut callee);
    let calls = node.calls(2);
    assert!(calls.iter().all(|call| call.legs() == ["named: answered"]), "{calls:?}");
}

#[test]
fn a_dns_server_that_never_answers_blocks_nothing() {
    let street = Street::new();
    let _silent = UdpSocket::bind(street.house(SERVER)).expect("the house is ours");
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, PLAIN));
    let (plan, dns) = plan(&street, "[\"named\", \"plain\"]");
    let node = Tandem::start_with(&street, &plan, &dns);
    for _ in 0..20 {
        call(&mut caller, &mut callee);
    }
    let calls = node.calls(20);
    assert!(calls.iter().all(|call| call.legs() == ["plain: answered"]), "{calls:?}");
    let slowest = calls.iter().map(|call| call.began(0)).max();
    assert!(slowest.is_some_and(|millis| millis < 100), "{slowest:?} ms until the only leg began");
}
