//! A node behind its door, and what is said to it. Each file of tests uses a part of it.

#![allow(dead_code, unreachable_pub, reason = "each file of tests is a crate of its own")]
#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

use core::net::SocketAddr;
use core::time::Duration;
use router::Node;
use router::door::{CALLS_MAX, Effect, Event, Identity};
use router::networks::Network;
use router::path::{Flow, Listener, Path, Transport};
use router::plan::{Course, CourseId, Declined, Member, Plan, Step};
use router::record::Entry;
use router::target::{Peer, PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind};
use sip::{Message, Name, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

pub const CALLER: &str = "192.0.2.1:5060";
pub const OFFICE: &str = "192.0.2.10:5060";
pub const SPARE: &str = "192.0.2.20:5060";

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn peer(name: &str, at: &str) -> Peer {
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
        presentation: None,
        domains: Vec::new(),
        login: None,
        follow: Vec::new(),
        srtp: false,
        refer: false,
    }
}

pub fn plan() -> Arc<Plan> {
    let target = |name: &str, peer| Target {
        name: name.into(),
        kind: TargetKind::Site,
        reach: Reach::Sip(vec![PeerId(peer)]),
        ring: Duration::from_secs(20),
        confirm: false,
    };
    let step = |target, line| Step {
        say: None,
        members: vec![Member::Target(TargetId(target))],
        ring: None,
        stagger: Duration::ZERO,
        declined: Declined::Next,
        from: None,
        confirm: None,
        when: None,
        line,
    };
    Arc::new(Plan {
        business: "test".into(),
        peers: vec![peer("office", OFFICE), peer("spare", SPARE)],
        targets: vec![target("office", 0), target("spare", 1)],
        courses: vec![Course {
            name: "main".into(),
            steps: vec![step(0, 1), step(1, 2)],
            closed: None,
            busy: None,
            full: None,
            hours: None,
            live_within: Duration::from_secs(40),
        }],
        numbers: BTreeMap::from([("+15035550100".into(), CourseId(0))]),
        networks: BTreeMap::from([(Network::of_sender(address(CALLER).ip()), PeerId(0))]),
        ..Plan::default()
    })
}

pub struct Door {
    pub node: Node,
    pub now: Time,
}

impl Door {
    pub fn new() -> Self {
        Self::with(plan())
    }

    pub fn with(plan: Arc<Plan>) -> Self {
        let listener = Listener {
            transport: Transport::Udp,
            address: address("192.0.2.100:5060"),
            advertise: ("192.0.2.100".to_owned(), 5060),
        };
        let identity = Identity {
            name: "a".to_owned(),
            listeners: vec![listener],
            key: [7; 16],
            seed: 1,
            epoch: 0,
            calls_max: CALLS_MAX,
            cps: None,
        };
        Self { node: Node::new(identity, plan, Time::ZERO), now: Time::ZERO }
    }

    /// What the node does when these bytes come from there: first lines with their destinations, and records.
    pub fn hears(&mut self, from: &str, bytes: &[u8]) -> Vec<(String, Option<Message>)> {
        let path = Path { transport: Transport::Udp, local: 0, remote: address(from) };
        let flow = Flow { path, connection: 0 };
        let mut out = Vec::new();
        self.node.handle(self.now, Event::Received { flow, bytes: bytes.into() }, &mut out);
        out.into_iter().filter(is_worth_a_line).map(show).collect()
    }

    /// What the node writes down when these bytes come from there.
    pub fn records(&mut self, from: &str, bytes: &[u8]) -> Vec<Entry> {
        let path = Path { transport: Transport::Udp, local: 0, remote: address(from) };
        self.writes(Event::Received { flow: Flow { path, connection: 0 }, bytes: bytes.into() })
    }

    /// What the node writes down so many milliseconds later.
    pub fn records_after(&mut self, millis: u64) -> Vec<Entry> {
        self.now = self.now + Duration::from_millis(millis);
        self.writes(Event::Tick)
    }

    fn writes(&mut self, event: Event) -> Vec<Entry> {
        let mut out = Vec::new();
        self.node.handle(self.now, event, &mut out);
        let record = |effect| if let Effect::Record(entry) = effect { Some(entry) } else { None };
        out.into_iter().filter_map(record).collect()
    }

    pub fn ticks(&mut self, millis: u64) -> Vec<String> {
        self.now = self.now + Duration::from_millis(millis);
        let mut out = Vec::new();
        self.node.handle(self.now, Event::Tick, &mut out);
        out.into_iter().filter(is_worth_a_line).map(|effect| show(effect).0).collect()
    }
}

/// That a call has begun is told by what it does.
fn is_worth_a_line(effect: &Effect) -> bool {
    !matches!(effect, Effect::Record(Entry::Begun(_)))
}

pub fn show(effect: Effect) -> (String, Option<Message>) {
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
        Effect::Record(Entry::HungUp { call_id, .. }) => (format!("{call_id} has hung up"), None),
        Effect::Record(entry) => (format!("{entry:?}"), None),
    }
}

pub fn lines(effects: &[(String, Option<Message>)]) -> Vec<&str> {
    effects.iter().map(|(line, _)| line.as_str()).collect()
}

pub fn invite(branch: &str) -> Vec<u8> {
    format!(
        "INVITE sip:+15035550100@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch={branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Z\u{fc}rich\" <sip:+4411@192.0.2.1>;tag=ft\r\nTo: <sip:+15035550100@192.0.2.100>\r\n\
         Call-ID: c1@192.0.2.1\r\nCSeq: 1 INVITE\r\nContact: <sip:192.0.2.1:5060>\r\nX-Odd :  kept \r\n\
         Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n"
    )
    .into_bytes()
}

/// A response of a callee to a request it got.
pub fn reply(request: &Message, status: &str, tag: &str) -> Vec<u8> {
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

/// A response with a header line of its own.
pub fn with(request: &Message, status: &str, tag: &str, line: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&reply(request, status, tag)).replacen("\r\n", "\r\n\u{0}", 1);
    text.replace('\u{0}', line).into_bytes()
}
