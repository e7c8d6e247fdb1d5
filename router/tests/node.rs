//! The node's door, message by message: what goes in and every byte's worth of what comes out.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

use core::net::SocketAddr;
use core::time::Duration;
use router::Node;
use router::door::{Effect, Event, Identity};
use router::hours::Zone;
use router::networks::Network;
use router::path::{Flow, Listener, Path, Transport};
use router::plan::{Course, CourseId, Declined, Member, Plan, Step};
use router::record::Entry;
use router::strangers::Welcome;
use router::target::{Peer, PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind};
use sip::{Message, Name, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

const CALLER: &str = "192.0.2.1:5060";
const OFFICE: &str = "192.0.2.10:5060";
const SPARE: &str = "192.0.2.20:5060";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn peer(name: &str, at: &str) -> Peer {
    let at = address(at);
    Peer {
        name: name.into(),
        kind: PeerKind::Site,
        host: PeerHost::Ip(at.ip()),
        port: Some(at.port()),
        transport: None,
        user: None,
        probe: None,
        first: None,
        progress: Duration::from_secs(5),
        codes: BTreeMap::new(),
        dialect: Arc::default(),
        domains: Vec::new(),
    }
}

fn plan() -> Arc<Plan> {
    let target = |name: &str, peer| Target {
        name: name.into(),
        kind: TargetKind::Site,
        reach: Reach::Sip(vec![PeerId(peer)]),
        ring: Duration::from_secs(20),
    };
    let step = |target, line| Step {
        members: vec![Member::Target(TargetId(target))],
        ring: None,
        stagger: Duration::ZERO,
        declined: Declined::Next,
        line,
    };
    Arc::new(Plan {
        business: "test".into(),
        zone: Zone::default(),
        peers: vec![peer("office", OFFICE), peer("spare", SPARE)],
        carriers: Vec::new(),
        targets: vec![target("office", 0), target("spare", 1)],
        courses: vec![Course {
            name: "main".into(),
            steps: vec![step(0, 1), step(1, 2)],
            closed: None,
            busy: None,
            hours: None,
            live_within: Duration::from_secs(40),
        }],
        numbers: BTreeMap::from([("+15035550100".into(), CourseId(0))]),
        unlisted: None,
        strict_6xx: false,
        networks: BTreeMap::from([(Network::of_sender(address(CALLER).ip()), PeerId(0))]),
        strangers: Welcome::default(),
    })
}

struct Door {
    node: Node,
    now: Time,
}

impl Door {
    fn new() -> Self {
        Self::with(plan())
    }

    fn with(plan: Arc<Plan>) -> Self {
        let listener = Listener {
            transport: Transport::Udp,
            address: address("192.0.2.100:5060"),
            advertise: ("192.0.2.100".to_owned(), 5060),
        };
        let identity =
            Identity { name: "a".to_owned(), listeners: vec![listener], key: [7; 16], seed: 1, epoch: 0 };
        Self { node: Node::new(identity, plan, Time::ZERO), now: Time::ZERO }
    }

    /// What the node does when these bytes come from there: first lines with their destinations, and records.
    fn hears(&mut self, from: &str, bytes: &[u8]) -> Vec<(String, Option<Message>)> {
        let path = Path { transport: Transport::Udp, local: 0, remote: address(from) };
        let flow = Flow { path, connection: 0 };
        let mut out = Vec::new();
        self.node.handle(self.now, Event::Received { flow, bytes: bytes.into() }, &mut out);
        out.into_iter().map(show).collect()
    }

    fn ticks(&mut self, millis: u64) -> Vec<String> {
        self.now = self.now + Duration::from_millis(millis);
        let mut out = Vec::new();
        self.node.handle(self.now, Event::Tick, &mut out);
        out.into_iter().map(|effect| show(effect).0).collect()
    }
}

fn show(effect: Effect) -> (String, Option<Message>) {
    match effect {
        Effect::Send { flow, bytes } => {
            let message = Message::parse(bytes).unwrap();
            let first = message.bytes().split(|byte| *byte == b'\r').next().unwrap();
            let first = String::from_utf8_lossy(first).into_owned();
            (format!("{} <- {first}", flow.path.remote), Some(message))
        }
        Effect::Record(Entry::Call(call)) => {
            (format!("call {:?} after {} legs", call.end, call.legs.len()), None)
        }
        Effect::Record(Entry::Health { peers, from, to, .. }) => {
            (format!("{peers:?} {from:?} -> {to:?}"), None)
        }
        Effect::Resolve { query } => (format!("dns <- {:?} {}", query.kind, query.name), None),
        Effect::Record(entry) => (format!("{entry:?}"), None),
    }
}

fn lines(effects: &[(String, Option<Message>)]) -> Vec<&str> {
    effects.iter().map(|(line, _)| line.as_str()).collect()
}

fn invite(branch: &str) -> Vec<u8> {
    format!(
        "INVITE sip:+15035550100@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch={branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Z\u{fc}rich\" <sip:+4411@192.0.2.1>;tag=ft\r\nTo: <sip:+15035550100@192.0.2.100>\r\n\
         Call-ID: c1@192.0.2.1\r\nCSeq: 1 INVITE\r\nContact: <sip:192.0.2.1:5060>\r\nX-Odd :  kept \r\n\
         Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n"
    )
    .into_bytes()
}

/// A response of a callee to a request it got.
fn reply(request: &Message, status: &str, tag: &str) -> Vec<u8> {
    let mut text = format!("SIP/2.0 {status}\r\n").into_bytes();
    for field in request.fields() {
        let wanted = [Name::Via, Name::From, Name::CallId, Name::CSeq, Name::RecordRoute];
        if wanted.contains(&field.name) {
            text.extend_from_slice(request.at(field.line));
        } else if field.name == Name::To {
            text.extend_from_slice(b"To: ");
            text.extend_from_slice(request.at(field.value));
            text.extend_from_slice(format!(";tag={tag}\r\n").as_bytes());
        }
    }
    text.extend_from_slice(b"Contact: <sip:192.0.2.10:5060>\r\nContent-Length: 0\r\n\r\n");
    text
}

#[test]
fn a_503_moves_on_at_once_and_the_answer_connects() {
    let mut door = Door::new();
    let begun = door.hears(CALLER, &invite("z9hG4bKa"));
    assert_eq!(
        lines(&begun),
        [
            "192.0.2.1:5060 <- SIP/2.0 100 Trying",
            "192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0",
        ]
    );
    let first = begun[1].1.clone().unwrap();
    assert_eq!(first.max_forwards(), Some(69));
    assert_eq!(
        first.value(Name::MaxBreadth),
        Some(&b"6"[..]),
        "ten legs share the 60 of a request that says nothing"
    );
    assert!(first.bytes().windows(18).any(|w| w == b"X-Odd :  kept \r\nCo"));

    let moved = door.hears(OFFICE, &reply(&first, "503 Out", "o"));
    assert_eq!(
        lines(&moved),
        [
            "192.0.2.10:5060 <- ACK sip:+15035550100@192.0.2.10:5060 SIP/2.0",
            "192.0.2.20:5060 <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0",
            "[\"office\"] Unknown -> Suspect",
        ]
    );
    let second = moved[1].1.clone().unwrap();
    let rings = door.hears(SPARE, &reply(&second, "180 Ringing", "s"));
    assert_eq!(lines(&rings), ["192.0.2.1:5060 <- SIP/2.0 180 Ringing", "[\"spare\"] Unknown -> Up"]);
    let answered = door.hears(SPARE, &reply(&second, "200 OK", "s"));
    assert_eq!(
        lines(&answered),
        ["192.0.2.1:5060 <- SIP/2.0 200 OK", "call Answered { target: \"spare\" } after 2 legs"]
    );

    // The ACK and the BYE go by our own Record-Route; without its seal they go nowhere.
    let ok = answered[0].1.clone().unwrap();
    let route = String::from_utf8(ok.value(Name::RecordRoute).unwrap().to_vec()).unwrap();
    let within = |method: &str, route: &str| {
        format!(
            "{method} sip:192.0.2.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{method}\r\n\
             Max-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:+4411@192.0.2.1>;tag=ft\r\n\
             To: <sip:+15035550100@192.0.2.100>;tag=s\r\nCall-ID: c1@192.0.2.1\r\nCSeq: 1 {method}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    };
    let acked = door.hears(CALLER, &within("ACK", &route));
    assert_eq!(lines(&acked), ["192.0.2.10:5060 <- ACK sip:192.0.2.10:5060 SIP/2.0"]);
    let bye = door.hears(CALLER, &within("BYE", &route));
    assert_eq!(lines(&bye), ["192.0.2.10:5060 <- BYE sip:192.0.2.10:5060 SIP/2.0"]);
    let bye = bye[0].1.clone().unwrap();
    assert_eq!(lines(&door.hears(OFFICE, &reply(&bye, "200 OK", ""))), ["192.0.2.1:5060 <- SIP/2.0 200 OK"]);
    let forged = route.replace("t=", "t=1");
    assert_eq!(
        lines(&door.hears(CALLER, &within("BYE", &forged)))[0],
        "192.0.2.1:5060 <- SIP/2.0 481 Call/Transaction Does Not Exist"
    );
}

#[test]
fn a_silent_hop_is_left_after_two_seconds_and_its_late_answer_still_counts() {
    let mut door = Door::new();
    let begun = door.hears(CALLER, &invite("z9hG4bKb"));
    let first = begun[1].1.clone().unwrap();
    assert_eq!(door.ticks(500), ["192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0"]);
    assert_eq!(door.ticks(1_000), ["192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0"]);
    assert_eq!(
        door.ticks(500),
        [
            "192.0.2.20:5060 <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0",
            "[\"office\"] Unknown -> Suspect",
        ]
    );
    let late = door.hears(OFFICE, &reply(&first, "200 OK", "o"));
    assert_eq!(
        lines(&late),
        [
            "192.0.2.1:5060 <- SIP/2.0 200 OK",
            "call Answered { target: \"office\" } after 2 legs",
            "[\"office\"] Suspect -> Up",
        ]
    );
    assert_eq!(door.node.calls(), 0);
    let mut seconds = 0;
    while let Some(at) = door.node.deadline() {
        seconds += 1;
        door.now = at;
        door.ticks(0);
        assert!(seconds < 100);
    }
    assert_eq!(door.node.lingering(), 0);
}

#[test]
fn a_plan_whose_names_are_not_known_yet_leaves_the_call_to_the_carriers_next_step() {
    let mut plan = Arc::unwrap_or_clone(plan());
    for peer in &mut plan.peers {
        peer.host = PeerHost::Name("pbx.example".into());
    }
    let mut door = Door::with(Arc::new(plan));
    assert_eq!(
        lines(&door.hears(CALLER, &invite("z9hG4bKc"))),
        [
            "192.0.2.1:5060 <- SIP/2.0 100 Trying",
            "192.0.2.1:5060 <- SIP/2.0 503 Service Unavailable",
            "call Failed { status: 503 } after 0 legs",
        ]
    );
}
