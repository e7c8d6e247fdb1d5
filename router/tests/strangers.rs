//! What the door has for somebody it does not know: requests that ask for more than they are due, and what comes of
//! them byte for byte.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

use core::net::SocketAddr;
use core::time::Duration;
use router::Node;
use router::door::{Effect, Event, Identity};
use router::hours::Zone;
use router::networks::Network;
use router::path::{Flow, Listener, Path, Transport};
use router::plan::{Course, CourseId, Member, Plan, Step};
use router::record::Entry;
use router::strangers::{BURST, CALLS_OF_ONE, Welcome};
use router::target::{
    Carrier, CarrierId, Peer, PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind,
};
use sip::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

const NODE: &str = "192.0.2.100:5060";
const OFFICE: &str = "192.0.2.10:5060";
const CARRIER: &str = "192.0.2.20:5060";
/// Sends for the carrier, and stands in its networks.
const CARRIERS_OWN: &str = "198.51.100.7:5060";
const STRANGER: &str = "203.0.113.9:5060";
const VICTIM: &str = "203.0.113.66:5060";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn peer(name: &str, kind: PeerKind, host: PeerHost) -> Peer {
    Peer {
        name: name.into(),
        kind,
        host,
        port: None,
        transport: Transport::Udp,
        user: None,
        probe: None,
        first: None,
        progress: Duration::from_secs(5),
        codes: BTreeMap::new(),
        domains: Vec::new(),
    }
}

fn plan(strangers: Welcome) -> Plan {
    let trunk = PeerKind::Trunk(CarrierId(0));
    let step =
        Step { members: vec![Member::Target(TargetId(0))], ring: None, stagger: Duration::ZERO, line: 1 };
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
        }],
        courses: vec![Course {
            name: "main".into(),
            steps: vec![step],
            closed: None,
            busy: None,
            hours: None,
            live_within: Duration::from_secs(40),
        }],
        numbers: BTreeMap::from([("+15035550100".into(), CourseId(0))]),
        unlisted: None,
        strict_6xx: false,
        networks: BTreeMap::from([(Network::of_carrier(at(CARRIERS_OWN).ip()), PeerId(1))]),
        strangers,
    }
}

struct Door {
    node: Node,
    now: Time,
}

impl Door {
    fn new(plan: Plan) -> Self {
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
        };
        Self { node: Node::new(identity, Arc::new(plan), Time::ZERO), now: Time::ZERO }
    }

    fn hears(&mut self, from: &str, text: &str) -> Vec<Effect> {
        self.hears_by(Transport::Udp, from, text)
    }

    fn hears_by(&mut self, transport: Transport, from: &str, text: &str) -> Vec<Effect> {
        let path = Path { transport, local: u8::from(transport == Transport::Tcp), remote: at(from) };
        let flow = Flow { path, connection: u64::from(transport == Transport::Tcp) };
        let mut out = Vec::new();
        self.node.handle(self.now, Event::Received { flow, bytes: text.as_bytes().into() }, &mut out);
        out
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.node.handle(self.now, Event::Tick, &mut Vec::new());
    }
}

/// What was sent: to whom, and the text.
fn sent(effects: &[Effect]) -> Vec<(String, String)> {
    let text = |bytes: &sip::Bytes| String::from_utf8_lossy(bytes).into_owned();
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { flow, bytes } => Some((flow.path.remote.to_string(), text(bytes))),
            Effect::Record(_) => None,
        })
        .collect()
}

/// The status of the one answer that went to whom it was due; 0 for silence.
fn status(effects: &[Effect], to: &str) -> u16 {
    match sent(effects).as_slice() {
        [] => 0,
        [(at, text)] if at == to => text.get(8..11).and_then(|status| status.parse().ok()).unwrap(),
        more => panic!("more than an answer to {to}: {more:?}"),
    }
}

fn dropped(effects: &[Effect]) -> Vec<&'static str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record(Entry::Dropped { why, .. }) => Some(*why),
            Effect::Record(_) | Effect::Send { .. } => None,
        })
        .collect()
}

/// A request as carriers send it.
fn request(method: &str, number: &str, from: &str, n: usize) -> String {
    format!(
        "{method} sip:{number}@{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {from};rport;branch=z9hG4bK{n}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:+15035550199@{from}>;tag=f{n}\r\nTo: <sip:{number}@{NODE}>\r\n\
         Call-ID: {n}@{from}\r\nCSeq: 1 {method}\r\nContact: <sip:{from}>\r\nUser-Agent: test\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn invite(number: &str, from: &str, n: usize) -> String {
    request("INVITE", number, from, n)
}

#[test]
fn a_stranger_cannot_tell_one_number_from_another() {
    let catch_all = |strangers| Plan { unlisted: Some(CourseId(0)), ..plan(strangers) };
    let open = Plan { unlisted: None, ..plan(Welcome::Nobody) };
    for (plan, numbers) in [
        (catch_all(Welcome::Nobody), ["+15035550100", "+15035550177", "1000"].as_slice()),
        (open, &["+15035550100", "+15035550177", "1000"]),
        (catch_all(Welcome::Listed), &["+15035550177", "1000", "00972592000000"]),
    ] {
        let mut door = Door::new(plan);
        let answers: Vec<String> = numbers
            .iter()
            .map(|number| {
                let out = door.hears(STRANGER, &invite(number, STRANGER, 1));
                assert_eq!(status(&out, STRANGER), 503, "{number}");
                sent(&out).remove(0).1.replace(number, "NUMBER")
            })
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        assert_eq!(door.node.lingering(), 0, "a refusal keeps no state");
    }
}

#[test]
fn a_refusal_of_a_stranger_has_what_rfc_3261_requires_and_nothing_else() {
    let mut door = Door::new(plan(Welcome::Nobody));
    let out = door.hears(STRANGER, &invite("100", STRANGER, 1));
    let text = sent(&out).remove(0).1;
    let (head, tag) = text.split_once(";tag=r").unwrap();
    assert_eq!(
        (head, tag.get(16..).unwrap()),
        (
            "SIP/2.0 503 Service Unavailable\r\n\
             Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;rport=5060;received=203.0.113.9\r\n\
             From: <sip:+15035550199@203.0.113.9:5060>;tag=f1\r\n\
             To: <sip:100@192.0.2.100:5060>",
            "\r\nCall-ID: 1@203.0.113.9:5060\r\nCSeq: 1 INVITE\r\n\r\n"
        )
    );
    let tagged = format!("<sip:100@{NODE}>;tag=r{}", &tag[..16]);
    let ack = request("ACK", "100", STRANGER, 1).replace(&format!("<sip:100@{NODE}>"), &tagged);
    assert!(door.hears(STRANGER, &ack).is_empty(), "the ACK of the refusal is known");
}

#[test]
fn a_carriers_networks_and_addresses_are_the_carriers() {
    for from in [CARRIER, "192.0.2.20:40000", CARRIERS_OWN, "198.51.100.250:9"] {
        let mut door = Door::new(Plan { unlisted: Some(CourseId(0)), ..plan(Welcome::Nobody) });
        let out = door.hears(from, &invite("+15035550100", from, 1));
        let to: Vec<String> = sent(&out).into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, [from, OFFICE], "100, and on to the office");
        let out = door.hears(from, &invite("+15035550177", from, 2));
        assert_eq!(sent(&out).len(), 2, "`*` is for peers");
    }
    let mut door = Door::new(plan(Welcome::Nobody));
    assert_eq!(status(&door.hears(CARRIER, &invite("+15035550177", CARRIER, 1)), CARRIER), 404);
    for n in 2..200 {
        let out = door.hears(CARRIER, &request("OPTIONS", "a", CARRIER, n));
        assert_eq!(status(&out, CARRIER), 200, "a peer asks as often as it likes");
    }
}

#[test]
fn a_call_from_an_unknown_network_is_taken_and_its_network_proposed() {
    let guess = |from: &str, contact: &str| {
        let mut door = Door::new(plan(Welcome::Listed));
        let text =
            invite("+15035550100", from, 1).replace("Contact: <sip:", &format!("Contact: <sip:{contact}@"));
        let text =
            if contact.contains('.') { text.replace(&format!("{contact}@{from}"), contact) } else { text };
        let out = door.hears(from, &text);
        assert_eq!(sent(&out).len(), 2, "100, and on to the office");
        let told: Vec<String> = out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Record(Entry::Stranger { network, calls, taken, guess, news }) => {
                    assert!(*taken && *news && *calls == 1);
                    Some(format!("{network} {guess:?}"))
                }
                Effect::Record(_) | Effect::Send { .. } => None,
            })
            .collect();
        told.join(" ")
    };
    assert_eq!(guess("203.0.113.9:5060", "a"), "203.0.113.0/24 Some((\"acme\", OnlyOne))");
    assert_eq!(guess("192.0.77.9:5060", "a"), "192.0.77.0/24 Some((\"acme\", Near))");
    assert_eq!(
        guess("203.0.113.9:5060", "sbc7.ord.ACME.example:5070"),
        "203.0.113.0/24 Some((\"acme\", Domain))"
    );
}

#[test]
fn a_scanner_is_answered_a_few_times_and_then_not_at_all_for_a_minute() {
    let mut door = Door::new(plan(Welcome::Listed));
    let mut answers = Vec::new();
    for n in 0..1000 {
        let method = ["OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE"][n % 4];
        let out = door.hears(STRANGER, &request(method, "100", STRANGER, n));
        answers.extend((status(&out, STRANGER) > 0).then(|| status(&out, STRANGER)));
        if answers.len() == BURST as usize && status(&out, STRANGER) == 0 {
            assert_eq!(dropped(&out), ["a stranger that asks too much"]);
        }
    }
    assert_eq!(answers, [200, 405, 503, 405].repeat(5));

    // Whoever sends in a carrier's name silences no call of it.
    let out = door.hears(STRANGER, &invite("+15035550100", STRANGER, 2000));
    assert_eq!(sent(&out).len(), 2, "100, and on to the office");

    door.wait(Duration::from_secs(60));
    assert_eq!(status(&door.hears(STRANGER, &request("OPTIONS", "a", STRANGER, 3000)), STRANGER), 200);
}

#[test]
fn a_stranger_has_so_many_calls_at_once_and_no_more_until_some_are_forgotten() {
    let mut door = Door::new(plan(Welcome::Listed));
    let mut taken = 0;
    for n in 0..1000 {
        let out = door.hears(STRANGER, &invite("+15035550100", STRANGER, n));
        taken += usize::from(sent(&out).len() == 2);
    }
    assert_eq!((taken, door.node.calls(), door.node.lingering()), (CALLS_OF_ONE, CALLS_OF_ONE, CALLS_OF_ONE));
    let other = "203.0.113.10:5060";
    assert_eq!(sent(&door.hears(other, &invite("+15035550100", other, 0))).len(), 2, "another has his own");
    assert_eq!(sent(&door.hears(CARRIER, &invite("+15035550100", CARRIER, 0))).len(), 2);
    // They are never acknowledged; all is over in the end all the same.
    for _ in 0..1000 {
        door.wait(Duration::from_secs(1));
    }
    assert_eq!((door.node.calls(), door.node.lingering()), (0, 0));
    assert_eq!(sent(&door.hears(STRANGER, &invite("+15035550100", STRANGER, 5000))).len(), 2);
}

/// Requests that could want a long answer, each with what the answer is.
const SHAPES: &[(&str, u16, &str)] = &[
    (
        "the least OPTIONS",
        0,
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n",
    ),
    (
        "short, with no port to answer to",
        0,
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;rport;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n",
    ),
    (
        "an ordinary OPTIONS",
        200,
        "OPTIONS sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "an extension",
        420,
        "OPTIONS sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nRequire: something-very-long-that-nobody-knows, and-more-of-it\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a short extension",
        0,
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\nRequire:x\r\n\r\n",
    ),
    (
        "a registration",
        405,
        "REGISTER sip:192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\nFrom: <sip:100@192.0.2.100>;tag=1\r\nTo: <sip:100@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:100@203.0.113.9:5060>\r\nExpires: 3600\r\nUser-Agent: friendly-scanner\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a short registration",
        0,
        "REGISTER sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 REGISTER\r\n\r\n",
    ),
    (
        "a BYE of no call",
        481,
        "BYE sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nRoute: <sip:192.0.2.100;lr>\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a call to nobody",
        503,
        "INVITE sip:100@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:100@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:a@203.0.113.9>\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a short call",
        0,
        "INVITE sip:1@a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 INVITE\r\n\r\n",
    ),
    (
        "too many hops",
        483,
        "MESSAGE sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 0\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nhello",
    ),
    (
        "a fault",
        400,
        "OPTIONS sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    ),
    ("a fault of few bytes", 0, "X sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\n\r\n"),
    (
        "a version",
        505,
        "OPTIONS sip:a@192.0.2.100 SIP/7.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    ),
];

#[test]
fn no_answer_to_a_stranger_is_longer_than_its_request_by_more_than_a_tenth() {
    let mut answered = 0;
    for (name, expected, text) in SHAPES {
        for draining in [false, true] {
            // Forged or not, mapped to another port or not, and as far away as addresses are long.
            for from in [STRANGER, "203.0.113.9:1", "255.255.255.255:65535"] {
                let mut door = Door::new(plan(Welcome::Listed));
                if draining {
                    door.node.handle(door.now, Event::Drain, &mut Vec::new());
                }
                let out = door.hears(from, text);
                let bytes: usize = sent(&out).iter().map(|(_, answer)| answer.len()).sum();
                assert!(bytes * 10 <= text.len() * 11, "{name}: {bytes} for {}", text.len());
                answered += usize::from(bytes > 0);
                if bytes == 0 {
                    assert_eq!(dropped(&out), ["its answer would be longer than itself"], "{name}");
                } else if from == STRANGER && !draining {
                    let code = sent(&out)[0].1.get(8..11).and_then(|code| code.parse().ok());
                    assert_eq!(code, Some(*expected), "{name}");
                }
                if from == STRANGER && !draining {
                    assert_eq!(*expected == 0, bytes == 0, "{name}");
                }
            }
        }
    }
    assert!(answered > SHAPES.len() * 2, "too few of them were answered: {answered}");
    // Over a stream the other end is who it says it is.
    let mut door = Door::new(plan(Welcome::Listed));
    let out = door.hears_by(Transport::Tcp, STRANGER, SHAPES[0].2);
    assert!(sent(&out)[0].1.starts_with("SIP/2.0 200 OK\r\n"));
    assert!(sent(&out)[0].1.ends_with("Content-Length: 0\r\n\r\n"), "a stream wants to know the length");
}

/// A call of the stranger's that is answered, and the token of its Record-Route.
fn answered_call(door: &mut Door, from: &str, n: usize) -> String {
    let out = door.hears(from, &invite("+15035550100", from, n));
    let leg = sent(&out).into_iter().find(|(to, _)| to == OFFICE).unwrap().1;
    let token = leg.split_once(";t=").unwrap().1.split_once('>').unwrap().0.to_owned();
    let lines: String = leg
        .lines()
        .filter(|line| {
            ["Via", "From", "Call-ID", "CSeq", "Record-Route"].iter().any(|name| line.starts_with(name))
        })
        .map(|line| format!("{line}\r\n"))
        .collect();
    let answer = format!(
        "SIP/2.0 200 OK\r\n{lines}To: <sip:+15035550100@{NODE}>;tag=office\r\nContact: <sip:desk@{OFFICE}>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(sent(&door.hears(OFFICE, &answer)).len(), 1, "the answer goes to the caller");
    token
}

#[derive(Clone, Copy)]
struct Within<'a> {
    method: &'a str,
    uri: &'a str,
    route: &'a str,
    from_tag: &'a str,
    to_tag: &'a str,
    call: &'a str,
}

impl Within<'_> {
    fn text(self) -> String {
        let Self { method, uri, route, from_tag, to_tag, call } = self;
        let tag = |tag: &str| if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bKwithin\r\nMax-Forwards: 70\r\n\
             {route}From: <sip:+15035550199@{STRANGER}>{}\r\nTo: <sip:+15035550100@{NODE}>{}\r\nCall-ID: {call}\r\n\
             CSeq: 2 {method}\r\nContact: <sip:{STRANGER}>\r\nContent-Length: 0\r\n\r\n",
            tag(from_tag),
            tag(to_tag)
        )
    }
}

#[test]
fn a_seal_is_good_for_its_own_call_in_both_directions_and_for_nothing_else() {
    let mut door = Door::new(plan(Welcome::Listed));
    let token = answered_call(&mut door, STRANGER, 1);
    let other = answered_call(&mut door, STRANGER, 2);
    let call = format!("1@{STRANGER}");
    let (uri, ours) = (format!("sip:desk@{OFFICE}"), format!("Route: <sip:{NODE};lr;t={token}>\r\n"));
    let good =
        Within { method: "BYE", uri: &uri, route: &ours, from_tag: "f1", to_tag: "office", call: &call };
    let mut goes = |within: Within<'_>| {
        // Slow enough to be answered each time.
        door.wait(Duration::from_secs(2));
        let out = door.hears(STRANGER, &within.text());
        sent(&out).first().map(|(to, text)| (to.clone(), text.get(..11).unwrap_or_default().to_owned()))
    };
    let on = Some((OFFICE.to_owned(), format!("BYE sip:des")));
    let no = Some((STRANGER.to_owned(), "SIP/2.0 481".to_owned()));
    assert_eq!(goes(good), on);
    // The callee's requests have the tags the other way round, and the same route.
    assert_eq!(goes(Within { from_tag: "office", to_tag: "f1", ..good }), on);

    let route = |t: &str| format!("Route: <sip:{NODE};lr;t={t}>\r\n");
    let flip = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        route(core::str::from_utf8(&bytes).unwrap())
    };
    let forged: Vec<String> = (0..token.len()).map(flip).collect();
    for forged in &forged {
        assert_eq!(goes(Within { route: forged, ..good }), no, "{forged}");
    }
    let (until, mac) = token.split_once('.').unwrap();
    for t in [
        "",
        ".",
        until,
        mac,
        &format!("{until}."),
        &format!(".{mac}"),
        &format!("{token}.{mac}"),
        &format!("{token}.0"),
        &format!("0{token}0"),
        &format!("{mac}.{until}"),
        "ffffffff.ffffffffffffffff",
        &other,
    ] {
        assert_eq!(goes(Within { route: &route(t), ..good }), no, "{t}");
    }
    let swapped = format!("2@{STRANGER}");
    for within in [
        Within { call: &swapped, ..good },
        Within { call: "3", ..good },
        Within { from_tag: "f2", ..good },
        Within { from_tag: "office", to_tag: "f2", ..good },
        Within { from_tag: "F1", ..good },
        Within { from_tag: "f1x", to_tag: "f", ..good },
        Within { from_tag: "office", to_tag: "office", ..good },
        Within { route: "", ..good },
        Within { route: &format!("Route: <sip:{NODE};lr>\r\n"), ..good },
        Within { route: &format!("Route: <sip:{VICTIM};lr;t={token}>\r\n"), ..good },
    ] {
        assert_eq!(goes(within), no, "{}", within.text());
    }
}

#[test]
fn a_seal_that_has_run_out_is_none() {
    let mut door = Door::new(plan(Welcome::Listed));
    let token = answered_call(&mut door, STRANGER, 1);
    let (uri, call) = (format!("sip:desk@{OFFICE}"), format!("1@{STRANGER}"));
    let route = format!("Route: <sip:{NODE};lr;t={token}>\r\n");
    let bye =
        Within { method: "BYE", uri: &uri, route: &route, from_tag: "f1", to_tag: "office", call: &call };
    let day = 24 * 3_600 * 1_000_000;
    for (days, expected) in [(6, OFFICE), (8, STRANGER)] {
        door.node.handle(door.now, Event::Clock { epoch: days * day }, &mut Vec::new());
        assert_eq!(sent(&door.hears(STRANGER, &bye.text()))[0].0, expected, "after {days} days");
    }
}

/// Six ways to be sent on to somebody else's door, each without and with a seal of a call of one's own.
#[test]
fn nobody_is_sent_on_to_where_the_plan_does_not_lead() {
    let mut door = Door::new(Plan { unlisted: Some(CourseId(0)), ..plan(Welcome::Listed) });
    let token = answered_call(&mut door, STRANGER, 1);
    let call = format!("1@{STRANGER}");
    let us = format!("Route: <sip:{NODE};lr>, <sip:{VICTIM};lr>\r\n");
    let sealed = format!("Route: <sip:{NODE};lr;t={token}>, <sip:{VICTIM};lr>\r\n");
    let victims = format!("Route: <sip:{VICTIM};lr>\r\n");
    let strict = format!("Route: <sip:{VICTIM}>\r\n");
    let (there, here) = (format!("sip:a@{VICTIM}"), format!("sip:+15035550100@{NODE}"));
    let own_in_uri = format!("sip:{NODE};lr;t={token}");
    let new = Within { method: "INVITE", uri: &there, route: "", from_tag: "f1", to_tag: "", call: &call };
    let within = Within { to_tag: "forged", ..new };
    let attempts = [
        ("a Request-URI of another's", Within { call: "a", ..new }),
        ("a Route of another's", Within { uri: &here, route: &victims, call: "b", from_tag: "x", ..new }),
        ("our Route before another's", Within { uri: &here, route: &us, call: "c", from_tag: "x", ..new }),
        ("a forged To tag", within),
        ("a forged To tag and our Route", Within { route: &us, ..within }),
        ("a strict route", Within { uri: &format!("sip:{NODE};lr"), route: &strict, ..within }),
        ("a new call with the seal of an old one", Within { uri: &here, route: &sealed, ..new }),
        ("no call at all, with the seal of one", Within { method: "MESSAGE", route: &sealed, ..new }),
        ("the same, by a strict route", Within { method: "REFER", uri: &own_in_uri, route: &strict, ..new }),
        ("a registration elsewhere, with a seal", Within { method: "REGISTER", route: &sealed, ..new }),
        ("a cancellation elsewhere, with a seal", Within { method: "CANCEL", route: &sealed, ..new }),
    ];
    for (name, attempt) in attempts {
        for (to, text) in sent(&door.hears(STRANGER, &attempt.text())) {
            assert!(to == STRANGER || to == OFFICE, "{name}: {to} gets {text}");
            assert!(!text.contains("\r\nRoute:"), "{name}: {text}");
        }
    }
}
