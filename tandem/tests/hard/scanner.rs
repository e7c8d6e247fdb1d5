//! A scanner that found the port: it asks for everything as fast as it can, and the calls of a carrier go on.

use crate::crowd::{Crowd, Tally};
use crate::desk::{Desk, Manner};
use crate::long;
use crate::node::{Node, since};
use crate::patience::until;
use crate::street::{CALLER, Street, TANDEM};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::UdpSocket;
use tandem::clock::Clock;

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;
const SCANNER: u8 = 3;

/// 50 calls a second.
const PAUSE: Duration = Duration::from_millis(20);

/// What a node remembers of strangers and of their networks is far less; KiB.
const GROWTH_MAX: u64 = 16 * 1024;

/// What was sent and what came back, in bytes and messages.
#[derive(Debug, Default)]
struct Traffic {
    sent: u64,
    bytes_sent: u64,
    answers: u64,
    bytes_back: u64,
}

#[test]
fn a_scanner_gets_a_few_answers_and_costs_a_carrier_no_call() {
    let seconds = if long() { 65 } else { 3 };
    let street = Street::new();
    let office = street.house(OFFICE);
    let plan = format!(
        "[sites]\noffice = \"{office}\"\n\
        [carriers]\nacme = {{ sip = \"{office}\", probe = \"off\", networks = \"{}\" }}\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n\"*\" = \"main\"\n[defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n",
        street.house(CALLER).ip(),
    );
    let _desk = Desk::open(office, Manner::Answers(Duration::ZERO));
    let node = Node::start(&street, &plan);
    let before = node.memory();
    let over = AtomicBool::new(false);
    let (calls, traffic) = std::thread::scope(|scope| {
        let scan = scope.spawn(|| scan(&street, &over));
        let calls = Crowd::new(&street, CALLER).call(NUMBER, seconds * 50, PAUSE);
        over.store(true, Ordering::Relaxed);
        (Tally::of(&calls), scan.join().expect("a scan has no bugs"))
    });
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let ratio = traffic.bytes_back as f64 / traffic.bytes_sent as f64;
    println!("scan: {traffic:?}, {ratio:.5} bytes back for each");
    println!("calls of the carrier meanwhile: {calls}");
    println!("memory: {before} KiB before, {} KiB after", node.memory());
    assert!(traffic.sent > 10_000, "that was no scan");
    assert!(ratio <= 1.1);
    // A burst, and another after each minute of silence.
    assert!((20..=20 * (2 + seconds as u64 / 60)).contains(&traffic.answers), "{traffic:?}");
    assert_eq!((calls.answered, calls.hung_up), (calls.calls, calls.calls), "{calls}");
    assert_eq!(node.calls().len(), calls.calls, "not one of the scanner's");
    assert!(node.memory() <= before + GROWTH_MAX, "{} KiB, {before} before", node.memory());
    assert!(node.metric("tandem_panics_total") == 0.0);
}

/// A call with all that belongs to it; KiB.
const CALL_MAX: u64 = 8;

const HALF_OPEN: usize = 3_000;

#[test]
fn calls_that_are_never_acknowledged_are_a_hundred_of_a_strangers_and_of_a_carriers_cheap() {
    let street = Street::new();
    let office = street.house(OFFICE);
    let plan = format!(
        "[sites]\noffice = {{ sip = \"{office}\", networks = \"{}\" }}\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n",
        street.house(CALLER).ip(),
    );
    let _desk = Desk::open(office, Manner::Answers(Duration::from_secs(60)));
    let node = Node::start(&street, &plan);
    for (house, most) in [(SCANNER, 100), (CALLER, HALF_OPEN)] {
        let before = (node.memory(), node.metric("tandem_lingering"));
        half_open(&street, house);
        until("all came", || (node.metric("tandem_calls_now") > 0.0).then_some(()), || node.log());
        crate::pass(Duration::from_secs(2));
        let held = node.metric("tandem_lingering") - before.1;
        let grown = node.memory().saturating_sub(before.0);
        println!("{HALF_OPEN} half-open INVITEs of house {house}: {held} held, {grown} KiB more");
        assert!(held <= f64::from(u32::try_from(most).expect("few")), "{held}");
        assert!(grown <= CALL_MAX * most as u64 + 1_024, "{grown} KiB");
    }
}

/// INVITEs from a house that listens to no answer.
fn half_open(street: &Street, house: u8) {
    let (at, node) = (street.house(house), street.house(TANDEM));
    let socket = UdpSocket::bind(at).expect("the house is ours");
    for n in 0..HALF_OPEN {
        let text = format!(
            "INVITE sip:{NUMBER}@{node} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKh{n}\r\nMax-Forwards: 70\r\n\
            From: <sip:a@{at}>;tag={n}\r\nTo: <sip:{NUMBER}@{node}>\r\nCall-ID: {n}@{at}\r\nCSeq: 1 INVITE\r\n\
            Contact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(text.as_bytes(), node).expect("loopback");
        if n % 100 == 99 {
            crate::pass(Duration::from_millis(20));
        }
    }
}

/// Asks for this and that until it is over.
fn scan(street: &Street, over: &AtomicBool) -> Traffic {
    let (at, node) = (street.house(SCANNER), street.house(TANDEM));
    let socket = UdpSocket::bind(at).expect("the house is ours");
    socket.set_nonblocking(true).expect("a socket can wait for nothing");
    let (clock, mut traffic, mut buffer) = (Clock::start(), Traffic::default(), vec![0; 65_536]);
    while !over.load(Ordering::Relaxed) {
        let n = traffic.sent;
        let (method, user) = match n % 4 {
            0 => ("OPTIONS", "100".to_owned()),
            1 => ("REGISTER", (1_000 + n).to_string()),
            2 => ("INVITE", format!("00{n:03}972592000000")),
            _ => ("INVITE", format!("+1503555{:04}", 101 + n % 9_000)),
        };
        let text = format!(
            "{method} sip:{user}@{node} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK-{n};rport\r\n\
            From: \"sipvicious\"<sip:{user}@1.1.1.1>;tag={n:08x}\r\nTo: \"sipvicious\"<sip:{user}@1.1.1.1>\r\n\
            Call-ID: {n}\r\nCSeq: 1 {method}\r\nContact: <sip:{user}@{at}>\r\nMax-Forwards: 70\r\n\
            User-Agent: friendly-scanner\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n"
        );
        if socket.send_to(text.as_bytes(), node).is_ok() {
            traffic.sent += 1;
            traffic.bytes_sent += text.len() as u64;
        }
        while let Ok(length) = socket.recv(&mut buffer) {
            traffic.answers += 1;
            traffic.bytes_back += length as u64;
        }
        // Ten thousand a second.
        if let Some(early) =
            (Duration::from_micros(100) * u32::try_from(n).unwrap_or(u32::MAX)).checked_sub(since(clock))
        {
            crate::pass(early);
        }
    }
    traffic
}
