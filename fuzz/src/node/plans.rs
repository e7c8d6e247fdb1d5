//! The plans and the network around the node.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use router::door::{CALLS_MAX, Identity};
use router::hours::{Hours, Window};
use router::locate::{Kind, Record};
use router::path::{Flow, Listener, Path, Transport};
use router::plan::{Course, CourseId, Declined, Member, Plan, Step};
use router::target::{
    Carrier, CarrierId, Peer, PeerHost, PeerId, PeerKind, Probe, Reach, Target, TargetId, TargetKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of one peer.
pub const NAME: &str = "sip.example.net";

/// The addresses of that name, once it is resolved.
pub const NAMED: [IpAddr; 2] = [v4(50), v4(51)];

/// What the DNS knows of that name, and of whatever it is asked beside it: drawn from a byte.
pub fn records(kind: Kind, drawn: u8) -> Vec<Record> {
    let [first, second] = NAMED.map(Record::Address);
    let target = if drawn % 16 == 15 { "." } else { NAME };
    match (kind, drawn % 4) {
        (Kind::A, 0 | 1) => vec![first, second],
        (Kind::A, _) => vec![second],
        (Kind::Aaaa, _) => Vec::new(),
        (Kind::Srv, priority) => (0..2)
            .map(|n| Record::Srv {
                priority: u16::from(priority) * n,
                weight: u16::from(drawn),
                port: 5060,
                target: target.into(),
            })
            .collect(),
        (Kind::Naptr, preference) => vec![Record::Naptr {
            order: 1,
            preference: u16::from(preference),
            flags: "s".to_owned(),
            service: "SIP+D2U".to_owned(),
            replacement: "_sip._udp.example.net".into(),
        }],
    }
}

/// What callers dial; the last one nobody has listed.
pub const NUMBERS: [&str; 4] = ["+15035550100", "+15035550101", "5035550100", "+15035550199"];

/// How many plans there are.
pub const PLANS: u8 = 3;

/// Where callers and strangers send from.
pub fn sources() -> [Flow; 4] {
    [
        flow(Transport::Udp, 0, SocketAddr::new(v4(1), 5060), 0),
        flow(Transport::Udp, 0, SocketAddr::new(v4(2), 33_000), 0),
        flow(Transport::Tcp, 1, SocketAddr::new(v4(3), 44_000), 7),
        flow(Transport::Udp, 2, SocketAddr::new(v6(1), 5060), 0),
    ]
}

/// Every path a plan can lead to.
pub fn paths() -> [Path; 7] {
    let at = |transport, local, ip| Path { transport, local, remote: SocketAddr::new(ip, 5060) };
    [
        at(Transport::Udp, 0, v4(10)),
        at(Transport::Udp, 0, v4(20)),
        at(Transport::Tcp, 1, v4(30)),
        at(Transport::Udp, 2, v6(40)),
        at(Transport::Udp, 0, NAMED[0]),
        at(Transport::Udp, 0, NAMED[1]),
        at(Transport::Udp, 0, v4(60)),
    ]
}

/// Who the node is.
pub fn identity() -> Identity {
    let listener = |transport, ip: IpAddr, host: &str| Listener {
        transport,
        address: SocketAddr::new(ip, 5060),
        advertise: (host.to_owned(), 5060),
    };
    let listeners = vec![
        listener(Transport::Udp, v4(100), "192.0.2.100"),
        listener(Transport::Tcp, v4(100), "tandem.example.com"),
        listener(Transport::Udp, v6(100), "2001:db8::100"),
    ];
    Identity {
        name: "a".to_owned(),
        listeners,
        key: [7; 16],
        seed: 1,
        epoch: EPOCH,
        calls_max: CALLS_MAX,
        cps: None,
    }
}

/// A Thursday at noon.
const EPOCH: i64 = 1_772_712_000_000_000;

/// Plan 0 has all there is, plan 1 little, plan 2 no probes at all.
pub fn plan(which: u8) -> Arc<Plan> {
    let mut plan = full();
    match which % PLANS {
        1 => {
            plan.courses.truncate(1);
            plan.numbers = BTreeMap::from([(NUMBERS[0].into(), CourseId(0))]);
            plan.unlisted = None;
            plan.strict_6xx = true;
        }
        2 => plan.peers.iter_mut().for_each(|peer| peer.probe = None),
        _ => {}
    }
    Arc::new(plan)
}

fn full() -> Plan {
    let every = |seconds| Some(Probe::every(Duration::from_secs(seconds)));
    let (site, service) = (PeerKind::Site, PeerKind::Service);
    let (first, second) = (PeerKind::Trunk(CarrierId(0)), PeerKind::Trunk(CarrierId(1)));
    let ip = |last| PeerHost::Ip(v4(last));
    let peers = vec![
        peer("office", site, ip(10), Transport::Udp, every(5)),
        peer("spare", site, ip(20), Transport::Udp, None),
        peer("one", first, ip(30), Transport::Tcp, every(10)),
        peer("two", second, PeerHost::Name(NAME.into()), Transport::Udp, every(10)),
        peer("desk", service, PeerHost::Ip(v6(40)), Transport::Udp, every(5)),
        peer("three", second, ip(60), Transport::Udp, None),
    ];
    let carrier = |name: &str, trunks: &[u32]| Carrier {
        name: name.into(),
        trunks: trunks.iter().map(|trunk| PeerId(*trunk)).collect(),
    };
    let sip = |list: &[u32]| Reach::Sip(list.iter().map(|peer| PeerId(*peer)).collect());
    let targets = vec![
        target("office", TargetKind::Site, sip(&[0, 1])),
        target("spare", TargetKind::Site, sip(&[1])),
        target("ana", TargetKind::Person, Reach::Number("+15035550111".into())),
        target("ben", TargetKind::Person, Reach::Number("+15035550122".into())),
        target("desk", TargetKind::Service, sip(&[4])),
    ];
    Plan {
        business: "test".into(),
        peers,
        carriers: vec![carrier("first", &[2]), carrier("second", &[3, 5])],
        targets,
        courses: vec![main_course(), other_course()],
        numbers: BTreeMap::from([(NUMBERS[0].into(), CourseId(0)), (NUMBERS[1].into(), CourseId(1))]),
        unlisted: Some(CourseId(0)),
        ..Plan::default()
    }
}

fn main_course() -> Course {
    Course {
        name: "main".into(),
        steps: vec![step(&[0], 0, 1), step(&[1, 2, 3], 2, 2), step(&[4], 0, 3)],
        closed: None,
        busy: Some(vec![step(&[4], 0, 5)]),
        full: None,
        hours: None,
        live_within: Duration::from_secs(40),
    }
}

fn other_course() -> Course {
    let inside = Step {
        say: None,
        members: vec![Member::Course(CourseId(0))],
        ring: None,
        stagger: Duration::ZERO,
        declined: Declined::Next,
        from: None,
        confirm: None,
        when: None,
        line: 8,
    };
    let window = Window { days: 0b1_1111, from: 480, to: 1080 };
    Course {
        name: "other".into(),
        steps: vec![step(&[3, 0], 0, 7), inside],
        closed: Some(vec![step(&[4], 0, 9)]),
        busy: None,
        full: None,
        hours: Some(Hours { windows: vec![window], ..Hours::default() }),
        live_within: Duration::from_secs(40),
    }
}

fn step(targets: &[u32], stagger: u64, line: u32) -> Step {
    let members = targets.iter().map(|target| Member::Target(TargetId(*target))).collect();
    Step {
        say: None,
        members,
        ring: None,
        stagger: Duration::from_secs(stagger),
        declined: Declined::Next,
        from: None,
        confirm: None,
        when: None,
        line,
    }
}

fn target(name: &str, kind: TargetKind, reach: Reach) -> Target {
    Target { name: name.into(), kind, reach, ring: Duration::from_secs(20), confirm: false }
}

fn peer(name: &str, kind: PeerKind, host: PeerHost, transport: Transport, probe: Option<Probe>) -> Peer {
    Peer {
        name: name.into(),
        kind,
        host,
        port: None,
        transport: Some(transport),
        user: None,
        probe,
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

fn flow(transport: Transport, local: u8, remote: SocketAddr, connection: u64) -> Flow {
    Flow { path: Path { transport, local, remote }, connection }
}

const fn v4(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

const fn v6(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))
}
