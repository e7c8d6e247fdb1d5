//! A standard small business to tell stories about: two carriers, an office with two addresses, two mobiles by
//! number, an answering service by SIP; and the phones that belong to it.

use crate::manner::Manner;
use crate::phone::{People, Place};
use crate::world::World;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use router::Plan;
use router::door::{CALLS_MAX, Identity};
use router::hours::Zone;
use router::path::{Listener, Transport};
use router::plan::{Course, CourseId, Member, Step};
use router::target::{
    Carrier, CarrierId, Peer, PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the node listens.
pub const NODE: SocketAddr = at(0, 1);
/// Where callers call from.
pub const PSTN: SocketAddr = at(9, 1);
/// The first carrier's way out.
pub const CARRIER_A: SocketAddr = at(1, 1);
/// The second carrier's way out.
pub const CARRIER_B: SocketAddr = at(2, 1);
/// The office.
pub const OFFICE: SocketAddr = at(3, 1);
/// The office's second address: the same PBX.
pub const OFFICE_2: SocketAddr = at(3, 2);
/// The answering service.
pub const ANSWERING: SocketAddr = at(4, 1);
/// An address of the office where nobody is.
pub const NOBODY: SocketAddr = at(3, 9);
/// Nobody that anybody knows.
pub const STRANGER: SocketAddr = at(66, 1);

/// The number that everybody calls.
pub const NUMBER: &str = "+15035550100";
/// Ana's mobile.
pub const ANA: &str = "+15035550111";
/// Ben's mobile.
pub const BEN: &str = "+15035550112";

/// Target 0 of [`town`].
pub const OFFICE_TARGET: TargetId = TargetId(0);
/// Target 1 of [`town`].
pub const ANA_TARGET: TargetId = TargetId(1);
/// Target 2 of [`town`].
pub const BEN_TARGET: TargetId = TargetId(2);
/// Target 3 of [`town`].
pub const ANSWERING_TARGET: TargetId = TargetId(3);

/// Tuesday, 6 January 2026, 10:00 UTC, in microseconds since 1970.
pub const TUESDAY_TEN: i64 = 1_767_693_600_000_000;

/// Host numbers in a world made by [`people_of`].
pub const PSTN_HOST: usize = 0;
/// The first carrier.
pub const CARRIER_A_HOST: usize = 1;
/// The second carrier.
pub const CARRIER_B_HOST: usize = 2;
/// The office, with its two places.
pub const OFFICE_HOST: usize = 3;
/// The answering service.
pub const ANSWERING_HOST: usize = 4;

const fn at(net: u8, host: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, net, host)), 5060)
}

/// The standard plan: the office; then Ana and Ben together; then the answering service. No probes.
#[must_use]
pub fn town() -> Plan {
    let trunk = |carrier| PeerKind::Trunk(CarrierId(carrier));
    let steps =
        vec![step(&[OFFICE_TARGET], 1), step(&[ANA_TARGET, BEN_TARGET], 2), step(&[ANSWERING_TARGET], 3)];
    Plan {
        business: "Town".into(),
        zone: Zone { name: "UTC".into(), offsets: Vec::new() },
        peers: vec![
            peer("office", PeerKind::Site, OFFICE),
            peer("office-2", PeerKind::Site, OFFICE_2),
            peer("carrier-a", trunk(0), CARRIER_A),
            peer("carrier-b", trunk(1), CARRIER_B),
            peer("answering", PeerKind::Service, ANSWERING),
            peer("pstn", PeerKind::Service, PSTN),
        ],
        carriers: vec![
            Carrier { name: "carrier-a".into(), trunks: vec![PeerId(2)] },
            Carrier { name: "carrier-b".into(), trunks: vec![PeerId(3)] },
        ],
        targets: vec![
            target("office", TargetKind::Site, Reach::Sip(vec![PeerId(0), PeerId(1)])),
            target("ana", TargetKind::Person, Reach::Number(ANA.into())),
            target("ben", TargetKind::Person, Reach::Number(BEN.into())),
            target("answering", TargetKind::Service, Reach::Sip(vec![PeerId(4)])),
        ],
        courses: vec![course("main", steps)],
        numbers: BTreeMap::from([(NUMBER.into(), CourseId(0))]),
        ..Plan::default()
    }
}

/// The standard plan with other steps.
#[must_use]
pub fn town_with(steps: Vec<Step>) -> Plan {
    Plan { courses: vec![course("main", steps)], ..town() }
}

/// The office, then the answering service.
#[must_use]
pub fn office_then_answering() -> Plan {
    town_with(vec![step(&[OFFICE_TARGET], 1), step(&[ANSWERING_TARGET], 2)])
}

/// The office by its first address only, then the answering service.
#[must_use]
pub fn one_address_then_answering() -> Plan {
    let mut plan = office_then_answering();
    for target in plan.targets.iter_mut().take(1) {
        target.reach = Reach::Sip(vec![PeerId(0)]);
    }
    plan
}

/// Ana, then the answering service.
#[must_use]
pub fn ana_then_answering() -> Plan {
    town_with(vec![step(&[ANA_TARGET], 1), step(&[ANSWERING_TARGET], 2)])
}

/// A peer at an address, not probed, with 2 s of patience for a first response.
#[must_use]
pub fn peer(name: &str, kind: PeerKind, address: SocketAddr) -> Peer {
    let progress = if matches!(kind, PeerKind::Trunk(_)) { 8 } else { 5 };
    Peer {
        name: name.into(),
        kind,
        host: PeerHost::Ip(address.ip()),
        port: Some(address.port()),
        transport: None,
        user: None,
        probe: None,
        first: Some(Duration::from_secs(2)),
        progress: Duration::from_secs(progress),
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

/// A target that may ring for 20 s.
#[must_use]
pub fn target(name: &str, kind: TargetKind, reach: Reach) -> Target {
    Target { name: name.into(), kind, reach, ring: Duration::from_secs(20), confirm: false }
}

/// A course that is always open, without a busy route, in no hurry.
#[must_use]
pub fn course(name: &str, steps: Vec<Step>) -> Course {
    let live_within = Duration::from_secs(1000);
    Course { name: name.into(), steps, closed: None, busy: None, full: None, hours: None, live_within }
}

/// A step that rings these together.
#[must_use]
pub fn step(members: &[TargetId], line: u32) -> Step {
    let members = members.iter().map(|target| Member::Target(*target)).collect();
    Step::ringing(members, line)
}

/// The node's listener for a transport.
fn listener(transport: Transport) -> Listener {
    Listener { transport, address: NODE, advertise: (NODE.ip().to_string(), NODE.port()) }
}

/// The node's identity.
#[must_use]
pub fn identity(seed: u64) -> Identity {
    Identity {
        name: "node".into(),
        listeners: [Transport::Udp, Transport::Tcp].map(listener).into(),
        key: *b"sixteen byte key",
        seed,
        epoch: TUESDAY_TEN,
        calls_max: CALLS_MAX,
        cps: None,
    }
}

/// Adds the phones of the town to a world. Everybody is dead until told otherwise.
pub fn people_of(world: &mut World) {
    let dead = Some(Manner::Dead);
    world.add_host(vec![Place::new("caller", PSTN, Some(Manner::refuses(404)))]);
    world.add_host(vec![Place::new("carrier-a", CARRIER_A, None)]);
    world.add_host(vec![Place::new("carrier-b", CARRIER_B, None)]);
    world.add_host(vec![Place::new("office", OFFICE, dead), Place::new("office-2", OFFICE_2, dead)]);
    world.add_host(vec![Place::new("answering", ANSWERING, dead)]);
    for carrier in [CARRIER_A_HOST, CARRIER_B_HOST] {
        if let Some(host) = world.hosts.get_mut(carrier) {
            host.merges = false;
        }
    }
    let people: People = vec![(ANA, "ana", Manner::Dead), (BEN, "ben", Manner::Dead)];
    world.people = people;
}

/// Sets the manner of everybody of that name: a place (`office`, `carrier-a`) or a person (`ana`).
pub fn set_manner(world: &mut World, name: &str, manner: Manner) {
    for place in world.hosts.iter_mut().flat_map(|host| host.places.iter_mut()) {
        if place.name == name {
            place.manner = Some(manner);
        }
    }
    for person in world.people.iter_mut().filter(|person| person.1 == name) {
        person.2 = manner;
    }
}
