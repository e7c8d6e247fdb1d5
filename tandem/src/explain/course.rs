//! The way of one call at worst: `Plan::next` is asked as the router asks it, and every phone rings to the end.

use crate::config::SPARE;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use router::names::Names;
use router::next::{Act, Move};
use router::path::Listener;
use router::plan::CourseId;
use router::position::{Cursor, LEGS_MAX, Position};
use router::roads::Roads;
use router::target::{Peer, PeerHost, PeerId, TargetId, TargetKind};
use router::verdict::{Go, Meaning};
use router::{Health, Plan, Transport};
use sip::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One destination that is rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    /// Where in the plan.
    pub(super) cursor: Cursor,
    /// Who.
    pub(super) target: TargetId,
    /// How long after the call came.
    pub(super) after: Duration,
    /// How long it rings, until it is given up.
    pub(super) ring: Duration,
}

/// The way of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// Everybody who is rung, in order.
    pub(super) rung: Vec<Rung>,
    /// When nobody is left.
    pub(super) end: Duration,
    /// When `live_within` cut a step short, if it did.
    pub(super) cut: Option<Duration>,
}

/// A leg that rings.
struct Leg {
    target: TargetId,
    peer: PeerId,
    over: Time,
}

/// Walks a course from its entrance at this second since 1970.
pub(super) fn at_worst(plan: &Plan, course: CourseId, unix: i64) -> Way {
    let (roads, health) = (roads(plan), Health::new(0));
    let mut position = Position::new(plan.entrance(course, unix), LEGS_MAX, Time::ZERO, unix);
    let mut way = Way { rung: Vec::new(), end: Duration::ZERO, cut: None };
    let mut legs: Vec<Leg> = Vec::new();
    let mut now = Time::ZERO;
    for _ in 0..MOVES_MAX {
        let Move { cursor, act } = plan.next(&position, &health, now, &roads);
        way.end = now.since(Time::ZERO);
        if cursor != position.cursor {
            if !legs.is_empty() {
                way.cut = Some(way.end);
            }
            for leg in legs.drain(..) {
                let rung = way.rung.iter_mut().rfind(|rung| rung.target == leg.target);
                rung.into_iter().for_each(|rung| rung.ring = way.end.saturating_sub(rung.after));
                rings_out(&leg, plan, &mut position);
            }
            position.cursor = cursor.clone();
        }
        match act {
            Act::Ring { target, peer, path, ring, .. } => {
                position.on_begun(target, path, now);
                let word = plan.target(target).filter(|it| it.kind == TargetKind::Word);
                // What is said is nobody who is rung; it takes its time all the same.
                let lasts = word.map_or(ring, |_| ring.saturating_sub(SPARE));
                legs.push(Leg { target, peer, over: now + lasts });
                if word.is_none() {
                    way.rung.push(Rung { cursor, target, after: way.end, ring });
                }
            }
            Act::Wait(until) => {
                let Some(next) = legs.iter().map(|leg| leg.over).chain(until).min() else { return way };
                now = next;
                for leg in legs.extract_if(.., |leg| leg.over <= now) {
                    rings_out(&leg, plan, &mut position);
                }
            }
            // The legs were given up above.
            Act::Leave => {}
            Act::End => return way,
        }
    }
    way
}

/// It has rung for its time and nobody came.
fn rings_out(leg: &Leg, plan: &Plan, position: &mut Position) {
    let carrier = plan.peer(leg.peer).and_then(Peer::carrier);
    position.on_over(leg.target, leg.peer, carrier, Go::NextTarget, Meaning::NoAnswer);
}

/// A path to every peer: names are not looked up here, each gets an address of its own that means nothing.
pub(super) fn roads(plan: &Plan) -> Roads {
    let mut addresses = BTreeMap::new();
    let mut plan = plan.clone();
    for peer in &mut plan.peers {
        if let PeerHost::Name(name) = &peer.host {
            let next = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
            let address = IpAddr::V4(Ipv4Addr::from_bits(FIRST_ADDRESS.saturating_add(next)));
            peer.host = PeerHost::Ip(*addresses.entry(Arc::clone(name)).or_insert(address));
        }
    }
    let any = [SocketAddr::from(([0; 4], 5060)), SocketAddr::from(([0_u16; 8], 5060))];
    let listener = |transport, address| Listener { transport, address, advertise: (String::new(), 5060) };
    let both = |address| Transport::ALL.map(|transport| listener(transport, address));
    let listeners: Vec<Listener> = any.into_iter().flat_map(both).collect();
    Roads::new(&plan, &listeners, &Names::new())
}

const MOVES_MAX: usize = 1_000; // A call has 20 INVITEs at most, and waits no more than twice for each.
const FIRST_ADDRESS: u32 = 0xf000_0001; // 240.0.0.1: reserved, so that no written address is the same.
