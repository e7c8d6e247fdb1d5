//! Strangers send as much as the machine can; calls go on.

use crate::crowd::{Crowd, Tally};
use crate::desk::{Desk, Manner};
use crate::hostile::datagrams;
use crate::node::{Node, since};
use crate::street::{CALLER, Street, TANDEM};
use crate::{long, pass};
use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::UdpSocket;
use tandem::clock::Clock;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;
const STRANGER: u8 = 3;
const ASKER: u8 = 4;

/// 50 calls a second.
const PAUSE: Duration = Duration::from_millis(20);

/// Datagrams of strangers in a second, if the machine can send them.
const RATE: u32 = 100_000;

/// A node may keep of a flood what its queues hold, and not a byte for each datagram; KiB.
const GROWTH_MAX: u64 = 48 * 1024;

#[test]
fn a_flood_of_hostile_datagrams_costs_no_call_that_is_sent_again_and_no_memory() {
    let seconds = if long() { 10 } else { 3 };
    let street = Street::new();
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    let plan = format!(
        "[sites]\nfirst = {{ sip = \"{first}\", networks = [\"{}\", \"{}\"] }}\nsecond = \"{second}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[defaults]\nfloor = false\n[plans]\nmain = [\"first\", \"second\"]\n",
        street.house(CALLER).ip(),
        street.house(ASKER).ip(),
    );
    let _desks = [first, second].map(|at| Desk::open(at, Manner::Answers(Duration::ZERO)));
    let node = Node::start(&street, &plan);
    let asker = UdpSocket::bind(street.house(ASKER)).expect("the house is ours");
    println!("OPTIONS before: {}", ask(&asker, street.house(TANDEM), &mut (0..300)));
    let before = node.memory();

    let over = AtomicBool::new(false);
    let (tally, (sent, took), drops, meanwhile) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(&street, Duration::from_secs(seconds), &over));
        let asking = scope.spawn(|| {
            let mut until_over = (1_000..).take_while(|_| {
                // Not only in the moments in which the node is quick.
                pass(Duration::from_millis(7));
                !over.load(Ordering::Relaxed)
            });
            ask(&asker, street.house(TANDEM), &mut until_over)
        });
        let count = usize::try_from(seconds).unwrap_or(1) * 50;
        let calls = Crowd::new(&street, CALLER).call(NUMBER, count, PAUSE);
        let told = flood.join().expect("a flood has no bugs");
        (Tally::of(&calls), told, node.drops(), asking.join().expect("so has whoever asks"))
    });
    let rate = f64::from(sent) / took.as_secs_f64();
    println!("flood: {sent} datagrams in {took:.1?}, {rate:.0} a second; the socket had no room for {drops}");
    println!("calls in the flood: {tally}");
    let lost: Vec<String> = node
        .calls()
        .into_iter()
        .filter(|call| !call.starts_with("answered by first [first: answered"))
        .collect();
    println!(
        "calls that were not answered by the first at once: {}: {:#?}",
        lost.len(),
        &lost[..lost.len().min(10)]
    );
    println!("memory: {before} KiB before, {} KiB after", node.memory());
    let after = ask(&asker, street.house(TANDEM), &mut (1_000_000..1_000_300));
    println!("OPTIONS meanwhile: {meanwhile}; after: {after}");

    assert!(sent >= 1_000, "that was no flood");
    assert_eq!(node.calls().len(), tally.calls, "none of a stranger");
    assert!(node.metric("tandem_panics_total") == 0.0);
    assert!(node.memory() <= before + GROWTH_MAX, "{} KiB, {before} before", node.memory());
    assert!(after.unanswered == 0 && after.worst_of_100 < Duration::from_millis(200), "{after}");
    // Whatever the socket had room for is answered; and what it had not is sent again.
    let unanswered = tally.calls - tally.answered;
    assert!(if drops == 0 { unanswered == 0 } else { unanswered * 20 <= tally.calls }, "{tally}");
}

/// Sends until the time is over, and says so; how many, and how long that took.
fn flood(street: &Street, time: Duration, over: &AtomicBool) -> (u32, Duration) {
    let socket = UdpSocket::bind(street.house(STRANGER)).expect("the house is ours");
    let node = street.house(TANDEM);
    let bank = datagrams(node);
    let clock = Clock::start();
    let (mut sent, mut now) = (0, Duration::ZERO);
    for hundred in bank.chunks(100).cycle().take_while(|_| since(clock) < time) {
        for bytes in hundred {
            // As on any network: lost if the kernel has no room.
            let _ = socket.send_to(bytes, node);
        }
        sent += 100;
        now = since(clock);
        if let Some(early) = (Duration::from_secs(1) * sent / RATE).checked_sub(now) {
            pass(early);
        }
    }
    over.store(true, Ordering::Relaxed);
    (sent, now)
}

/// Round trips of OPTIONS, one after the other.
struct RoundTrips {
    asked: usize,
    unanswered: usize,
    median: Duration,
    worst_of_100: Duration,
}

/// Asks as often as there are numbers.
fn ask(socket: &UdpSocket, node: SocketAddr, numbers: &mut dyn Iterator<Item = u32>) -> RoundTrips {
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout can be set");
    let at = socket.local_addr().expect("it is bound");
    let (mut asked, mut times) = (0, Vec::new());
    for n in numbers {
        let options = format!(
            "OPTIONS sip:{node} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKo{n}\r\nMax-Forwards: 70\r\n\
            From: <sip:a@{at}>;tag=1\r\nTo: <sip:{node}>\r\nCall-ID: o{n}@{at}\r\nCSeq: 1 OPTIONS\r\n\
            Content-Length: 0\r\n\r\n"
        );
        let clock = Clock::start();
        socket.send_to(options.as_bytes(), node).expect("loopback");
        asked += 1;
        let mut buffer = [0; 2_000];
        while let Ok(length) = socket.recv(&mut buffer) {
            let answer = String::from_utf8_lossy(&buffer[..length]);
            // What answers an earlier one comes too late.
            if answer.contains(&format!("Call-ID: o{n}@")) {
                assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
                times.push(since(clock));
                break;
            }
        }
    }
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    RoundTrips { asked, unanswered: asked - times.len(), median: at(50), worst_of_100: at(99) }
}

impl fmt::Display for RoundTrips {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, unanswered, median, worst_of_100 } = self;
        write!(
            out,
            "{unanswered} of {asked} without an answer in 500 ms, median {median:.1?}, p99 {worst_of_100:.1?}"
        )
    }
}
