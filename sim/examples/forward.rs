//! Drives a node through complete calls in memory, for `bench/instructions`: `forward 1000`.
//!
//! Each kind of message goes through a function of its own, so that a profiler can tell them apart. What callers and
//! callees do is not part of them.
#![expect(clippy::print_stdout, reason = "says that the calls were complete")]

use core::hint::black_box;
use core::net::SocketAddr;
use core::time::Duration;
use router::Node;
use router::door::{CALLS_MAX, Effect, Event, Identity};
use router::path::{Flow, Listener, Path, Transport};
use router::plan::{Course, CourseId, Declined, Member, Plan, Step};
use router::target::{
    Carrier, CarrierId, Peer, PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind,
};
use sip::{Bytes, Message, Name, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

fn main() {
    let calls = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let mut bench = Bench::new();
    for call in 0..calls {
        bench.call(call);
    }
    bench.settle();
    println!("{calls} calls, {} datagrams sent", bench.sent);
}

/// The node, and those around it.
struct Bench {
    node: Node,
    now: Time,
    out: Vec<Effect>,
    sent: u64,
}

const CALLER: &str = "203.0.113.5:5060";
const OFFICE: &str = "192.0.2.10:5060";

/// Pause between two messages: 14 calls a second, so that about 450 linger.
const PAUSE: Duration = Duration::from_millis(10);

impl Bench {
    fn new() -> Self {
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
        let node = Node::new(identity, plan(), Time::ZERO);
        Self { node, now: Time::ZERO, out: Vec::with_capacity(16), sent: 0 }
    }

    /// INVITE, 100, 180, 200, ACK, BYE, 200.
    fn call(&mut self, call: u32) {
        let begun = self.hears(invite, CALLER, invite_text(call).into_bytes());
        let [_, leg] = &begun[..] else { unreachable!("100 and INVITE") };
        let leg = leg.clone();
        let rings = self.hears(ringing, OFFICE, response(&leg, "180 Ringing", ""));
        assert_eq!(rings.len(), 1, "180");
        let answered = self.hears(answer, OFFICE, response(&leg, "200 OK", SDP));
        let [answered] = &answered[..] else { unreachable!("200") };
        let route = answered.value(Name::RecordRoute).unwrap_or_default().to_vec();
        let acked = self.hears(ack, CALLER, within("ACK", call, &route));
        assert_eq!(acked.len(), 1, "ACK");
        let ended = self.hears(bye, CALLER, within("BYE", call, &route));
        let [ended] = &ended[..] else { unreachable!("BYE") };
        let confirmed = self.hears(bye_answer, OFFICE, response(&ended.clone(), "200 OK", ""));
        assert_eq!(confirmed.len(), 1, "200");
    }

    fn hears(&mut self, step: StepFn, from: &str, bytes: Vec<u8>) -> Vec<Message> {
        self.pass(PAUSE);
        let path = Path { transport: Transport::Udp, local: 0, remote: address(from) };
        let event = Event::Received { flow: Flow { path, connection: 0 }, bytes: Bytes::from(bytes) };
        self.out.clear();
        step(&mut self.node, self.now, event, &mut self.out);
        let sent = self.out.iter().filter_map(|effect| match effect {
            Effect::Send { bytes, .. } => Message::parse(Arc::clone(bytes)).ok(),
            Effect::Resolve { .. } | Effect::Record(_) => None,
        });
        let sent: Vec<Message> = sent.collect();
        self.sent += sent.len() as u64;
        sent
    }

    /// Time passes; the node is woken at its deadlines.
    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.node.deadline().filter(|at| *at <= until) {
            self.now = at;
            self.out.clear();
            wake(&mut self.node, self.now, Event::Tick, &mut self.out);
        }
        self.now = until;
    }

    fn settle(&mut self) {
        self.pass(Duration::from_secs(100));
        assert_eq!(self.node.lingering(), 0, "all calls are over");
    }
}

type StepFn = fn(&mut Node, Time, Event, &mut Vec<Effect>);

/// Functions that differ in nothing would be made one by the compiler.
macro_rules! steps {
    ($($name:ident)*) => {
        $(
            #[inline(never)]
            fn $name(node: &mut Node, now: Time, event: Event, out: &mut Vec<Effect>) {
                black_box(stringify!($name));
                node.handle(now, event, out);
            }
        )*
    };
}

steps! { invite ringing answer ack bye bye_answer wake }

fn plan() -> Arc<Plan> {
    let peer = |name: &str, at: &str| Peer {
        name: name.into(),
        kind: PeerKind::Site,
        host: PeerHost::Ip(address(at).ip()),
        port: Some(address(at).port()),
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
    };
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
        business: "bench".into(),
        peers: vec![
            peer("office", OFFICE),
            peer("spare", "192.0.2.20:5060"),
            Peer { kind: PeerKind::Trunk(CarrierId(0)), ..peer("carrier", CALLER) },
        ],
        carriers: vec![Carrier { name: "carrier".into(), trunks: vec![PeerId(2)] }],
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
        numbers: (100..150).map(|number| (format!("+15035550{number}").into(), CourseId(0))).collect(),
        ..Plan::default()
    })
}

/// What a carrier sends: 20 header fields, about a thousand bytes.
fn invite_text(call: u32) -> String {
    format!(
        "INVITE sip:+15035550100@192.0.2.100:5060 SIP/2.0\r\n\
         Record-Route: <sip:203.0.113.5;lr;ftag=gK0c{call:06x}>\r\n\
         Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK4d1c.{call:08x}.0;rport\r\n\
         Via: SIP/2.0/UDP 203.0.113.77:5060;branch=z9hG4bK0cB{call:08x};received=203.0.113.77\r\n\
         From: \"PORTLAND OR\" <sip:+15035550188@203.0.113.77;isup-oli=0>;tag=gK0c{call:06x}\r\n\
         To: <sip:+15035550100@203.0.113.5>\r\n\
         Call-ID: 1342177{call:08x}_84533220@203.0.113.77\r\n\
         CSeq: 9813 INVITE\r\n\
         Max-Forwards: 66\r\n\
         Contact: <sip:+15035550188@203.0.113.77:5060;transport=udp>\r\n\
         Allow: INVITE,ACK,CANCEL,BYE,REGISTER,REFER,INFO,SUBSCRIBE,NOTIFY,PRACK,UPDATE,OPTIONS,MESSAGE\r\n\
         Accept: application/sdp, application/isup\r\n\
         Supported: timer, 100rel, precondition\r\n\
         Session-Expires: 1800\r\n\
         Min-SE: 90\r\n\
         P-Asserted-Identity: \"PORTLAND OR\" <sip:+15035550188@203.0.113.77:5060>\r\n\
         Privacy: none\r\n\
         P-Charge-Info: <sip:+15035550188@203.0.113.77>\r\n\
         User-Agent: Carrier-SBC/9.2\r\n\
         Content-Disposition: session; handling=required\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
}

const SDP: &str = "v=0\r\no=- 84533220 1 IN IP4 203.0.113.80\r\ns=-\r\nc=IN IP4 203.0.113.80\r\nt=0 0\r\n\
    m=audio 30112 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

/// What a callee answers.
fn response(request: &Message, status: &str, body: &str) -> Vec<u8> {
    let mut text = format!("SIP/2.0 {status}\r\n").into_bytes();
    for field in request.fields() {
        let copied = [Name::Via, Name::From, Name::CallId, Name::CSeq, Name::RecordRoute];
        if copied.contains(&field.name) {
            text.extend_from_slice(request.at(field.line));
        } else if field.name == Name::To {
            let tag = if request.to_tag().is_empty() { ";tag=as6f3b11c2" } else { "" };
            text.extend_from_slice(&[b"To: ", request.at(field.value), tag.as_bytes(), b"\r\n"].concat());
        }
    }
    let rest = format!(
        "Contact: <sip:+15035550100@192.0.2.10:5060>\r\nServer: PBX 20.1\r\nAllow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    text.extend_from_slice(rest.as_bytes());
    text
}

/// A request of the caller within the call.
fn within(method: &str, call: u32, route: &[u8]) -> Vec<u8> {
    let route = String::from_utf8_lossy(route);
    format!(
        "{method} sip:+15035550100@192.0.2.10:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK4d1c.{call:08x}.{method};rport\r\n\
         Via: SIP/2.0/UDP 203.0.113.77:5060;branch=z9hG4bK0cB{call:08x}{method};received=203.0.113.77\r\n\
         Route: {route}\r\nMax-Forwards: 66\r\n\
         From: \"PORTLAND OR\" <sip:+15035550188@203.0.113.77;isup-oli=0>;tag=gK0c{call:06x}\r\n\
         To: <sip:+15035550100@203.0.113.5>;tag=as6f3b11c2\r\n\
         Call-ID: 1342177{call:08x}_84533220@203.0.113.77\r\nCSeq: 9813 {method}\r\n\
         User-Agent: Carrier-SBC/9.2\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[expect(clippy::expect_used, reason = "our own constants")]
fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
