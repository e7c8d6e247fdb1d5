//! A node with one office and one carrier, and what comes out of its door.

use core::net::SocketAddr;
use core::time::Duration;
use router::Node;
use router::door::{CALLS_MAX, Effect, Event, Identity};
use router::hours::Zone;
use router::networks::Network;
use router::path::{Flow, Listener, Path, Transport};
use router::plan::{Course, CourseId, Declined, Member, Plan, Step};
use router::record::Entry;
use router::strangers::Welcome;
use router::target::{
    Carrier, CarrierId, Peer, PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind,
};
use sip::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const NODE: &str = "192.0.2.100:5060";
pub(crate) const OFFICE: &str = "192.0.2.10:5060";
pub(crate) const CARRIER: &str = "192.0.2.20:5060";
/// Sends for the carrier, and stands in its networks.
pub(crate) const CARRIERS_OWN: &str = "198.51.100.7:5060";
pub(crate) const STRANGER: &str = "203.0.113.9:5060";
pub(crate) const VICTIM: &str = "203.0.113.66:5060";

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn peer(name: &str, kind: PeerKind, host: PeerHost) -> Peer {
    Peer {
        name: name.into(),
        kind,
        host,
        port: None,
        transport: None,
        user: None,
        probe: None,
        first: None,
        progress: Duration::from_secs(5),
        codes: BTreeMap::new(),
        presentation: None,
        domains: Vec::new(),
        login: None,
        follow: Vec::new(),
        srtp: false,
        refer: false,
        dialect: Arc::default(),
    }
}

pub(crate) fn plan(strangers: Welcome) -> Plan {
    let trunk = PeerKind::Trunk(CarrierId(0));
    let step = Step {
        say: None,
        members: vec![Member::Target(TargetId(0))],
        ring: None,
        stagger: Duration::ZERO,
        declined: Declined::Next,
        from: None,
        confirm: None,
        when: None,
        line: 1,
    };
    Plan {
        business: "test".into(),
        zone: Zone::default(),
        peers: vec![
            peer("office", PeerKind::Site, PeerHost::Ip(at(OFFICE).ip())),
            peer("acme", trunk, PeerHost::Ip(at(CARRIER).ip())),
            peer("acme/2", trunk, PeerHost::Name("sip.acme.example".into())),
        ],
        carriers: vec![Carrier { name: "acme".into(), trunks: vec![PeerId(1), PeerId(2)] }],
        targets: vec![Target {
            name: "office".into(),
            kind: TargetKind::Site,
            reach: Reach::Sip(vec![PeerId(0)]),
            ring: Duration::from_secs(20),
            confirm: false,
        }],
        limits: BTreeMap::new(),
        courses: vec![Course {
            name: "main".into(),
            steps: vec![step],
            closed: None,
            busy: None,
            full: None,
            hours: None,
            live_within: Duration::from_secs(40),
        }],
        numbers: BTreeMap::from([("+15035550100".into(), CourseId(0))]),
        unlisted: None,
        of_agents: BTreeMap::new(),
        lamps: BTreeMap::new(),
        strict_6xx: false,
        networks: BTreeMap::from([(Network::of_carrier(at(CARRIERS_OWN).ip()), PeerId(1))]),
        strangers,
        ..Plan::default()
    }
}

pub(crate) struct Door {
    pub(crate) node: Node,
    pub(crate) now: Time,
}

impl Door {
    pub(crate) fn new(plan: Plan) -> Self {
        let listener = |transport| Listener {
            transport,
            address: at(NODE),
            advertise: (at(NODE).ip().to_string(), at(NODE).port()),
        };
        let identity = Identity {
            name: "a".into(),
            listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
            key: [7; 16],
            seed: 1,
            epoch: 0,
            calls_max: CALLS_MAX,
            cps: None,
        };
        Self { node: Node::new(identity, Arc::new(plan), Time::ZERO), now: Time::ZERO }
    }

    pub(crate) fn hears(&mut self, from: &str, text: &str) -> Vec<Effect> {
        self.hears_by(Transport::Udp, from, text)
    }

    pub(crate) fn hears_by(&mut self, transport: Transport, from: &str, text: &str) -> Vec<Effect> {
        let path = Path { transport, local: u8::from(transport == Transport::Tcp), remote: at(from) };
        let flow = Flow { path, connection: u64::from(transport == Transport::Tcp) };
        let mut out = Vec::new();
        self.node.handle(self.now, Event::Received { flow, bytes: text.as_bytes().into() }, &mut out);
        out
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.node.handle(self.now, Event::Tick, &mut Vec::new());
    }
}

/// What was sent: to whom, and the text.
pub(crate) fn sent(effects: &[Effect]) -> Vec<(String, String)> {
    let text = |bytes: &sip::Bytes| String::from_utf8_lossy(bytes).into_owned();
    effects
        .iter()
        .filter_map(|effect| {
            let Effect::Send { flow, bytes } = effect else { return None };
            Some((flow.path.remote.to_string(), text(bytes)))
        })
        .collect()
}

/// The status of the one answer that went to whom it was due; 0 for silence.
pub(crate) fn status(effects: &[Effect], to: &str) -> u16 {
    match sent(effects).as_slice() {
        [] => 0,
        [(at, text)] if at == to => text.get(8..11).and_then(|status| status.parse().ok()).unwrap(),
        more => unreachable!("more than an answer to {to}: {more:?}"),
    }
}

pub(crate) fn dropped(effects: &[Effect]) -> Vec<&'static str> {
    effects
        .iter()
        .filter_map(|effect| {
            let Effect::Record(Entry::Dropped { why, .. }) = effect else { return None };
            Some(*why)
        })
        .collect()
}

/// A request as carriers send it.
pub(crate) fn request(method: &str, number: &str, from: &str, n: usize) -> String {
    format!(
        "{method} sip:{number}@{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {from};rport;branch=z9hG4bK{n}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:+15035550199@{from}>;tag=f{n}\r\nTo: <sip:{number}@{NODE}>\r\n\
         Call-ID: {n}@{from}\r\nCSeq: 1 {method}\r\nContact: <sip:{from}>\r\nUser-Agent: test\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

pub(crate) fn invite(number: &str, from: &str, n: usize) -> String {
    request("INVITE", number, from, n)
}
