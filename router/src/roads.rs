//! Which paths lead to a peer now: its addresses, seen from our listeners; and who dies together. Calls, probes and all else that is sent to a
//! peer go by these.

use crate::chance::Chance;
use crate::fates::Fates;
use crate::locate::{Place, SPOTS_MAX, Spot};
use crate::names::Names;
use crate::path::{Listener, Path, Transport, listener_for};
use crate::plan::Plan;
use crate::senders::Senders;
use crate::target::{Peer, PeerHost, PeerId, Probe};
use core::net::SocketAddr;
use core::ops::Range;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The paths of every peer of one plan, made anew whenever the plan or an address changes.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    by_peer: Vec<Road>,
    domains: BTreeMap<Path, Arc<str>>,
    senders: Senders,
    fates: Fates,
    streams: bool,
}

/// The paths of one peer.
#[derive(Clone, Debug, Default)]
struct Road {
    /// By priority.
    paths: Vec<Path>,
    /// Which of them are drawn for: one list for each priority with more than one target.
    lots: Vec<Vec<Lot>>,
}

/// One SRV target among others of its priority.
#[derive(Clone, Debug)]
struct Lot {
    paths: Range<usize>,
    weight: u16,
}

impl Roads {
    /// Works out all paths.
    #[must_use]
    pub fn new(plan: &Plan, listeners: &[Listener], names: &Names) -> Self {
        Self::over(plan, listeners, |peer| match place(peer) {
            Some(place) => names.spots(&place).to_vec(),
            None => Vec::new(),
        })
    }

    /// Works out all paths, where names have these addresses.
    #[must_use]
    pub fn over(plan: &Plan, listeners: &[Listener], spots: impl Fn(&Peer) -> Vec<Spot>) -> Self {
        let by_peer: Vec<Road> = plan.peers.iter().map(|peer| Road::new(peer, listeners, &spots)).collect();
        let mut domains = BTreeMap::new();
        for (peer, road) in plan.peers.iter().zip(&by_peer) {
            if let PeerHost::Name(name) = &peer.host {
                for path in &road.paths {
                    domains.entry(*path).or_insert_with(|| Arc::clone(name));
                }
            }
        }
        // Nobody outside sends from where our agents are.
        let outside = |road: &Road| !road.paths.iter().any(|path| path.transport.is_inside());
        let all = (0..).map(PeerId).zip(&by_peer).filter(|(_, road)| outside(road));
        let all = all.map(|(id, road)| (id, road.paths.as_slice()));
        let senders = Senders::new(all, &plan.networks);
        let streams = listeners.iter().any(|listener| listener.transport == Transport::Tcp);
        Self { by_peer, domains, senders, fates: Fates::new(plan), streams }
    }

    /// The paths of one peer, by priority; empty while its name is not resolved, or if no listener of ours speaks its
    /// transport and address family.
    #[must_use]
    pub fn of(&self, peer: PeerId) -> &[Path] {
        self.by_peer.get(peer.0 as usize).map_or(&[], |road| &road.paths)
    }

    /// The paths of one peer in the order in which one call tries them: by priority, and within a priority as the
    /// weights and this draw have it (RFC 2782). The same draw gives the same order.
    #[must_use]
    pub fn drawn(&self, peer: PeerId, draw: u64) -> Cow<'_, [Path]> {
        match self.by_peer.get(peer.0 as usize) {
            Some(road) if !road.lots.is_empty() => {
                Cow::Owned(road.drawn(Chance::new(draw ^ u64::from(peer.0))))
            }
            Some(road) => Cow::Borrowed(&road.paths),
            None => Cow::Borrowed(&[]),
        }
    }

    /// The name that a path was found by, as the plan has it: what a certificate there has to be for (RFC 5922 §7).
    /// Of two peers that share a path the first counts.
    #[must_use]
    pub fn domain(&self, path: Path) -> Option<&Arc<str>> {
        self.domains.get(&path)
    }

    /// Every path of every peer, in the order of the plan.
    pub fn all<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Peer, Path)> {
        let roads = plan.peers.iter().zip(&self.by_peer);
        roads.flat_map(|(peer, road)| road.paths.iter().map(move |path| (peer, *path)))
    }

    /// Can what is too long for a datagram go over a stream at all?
    #[must_use]
    pub const fn have_streams(&self) -> bool {
        self.streams
    }

    /// Which peers share a failure domain.
    #[must_use]
    pub const fn fates(&self) -> &Fates {
        &self.fates
    }

    /// Every path with how it is probed: what health has to watch. A path that two peers share is probed as the
    /// first of them says.
    #[must_use]
    pub fn watched(&self, plan: &Plan) -> Vec<(Path, Option<Probe>)> {
        let mut watched = BTreeMap::new();
        for (peer, road) in plan.peers.iter().zip(&self.by_peer) {
            for path in &road.paths {
                watched.entry(*path).or_insert(peer.probe);
            }
        }
        watched.into_iter().collect()
    }

    /// The names of the peers that use a path.
    #[must_use]
    pub fn users(&self, plan: &Plan, path: Path) -> Vec<Arc<str>> {
        let users = plan.peers.iter().zip(&self.by_peer).filter(|(_, road)| road.paths.contains(&path));
        users.map(|(peer, _)| Arc::clone(&peer.name)).collect()
    }

    /// The first peer that has this path.
    #[must_use]
    pub fn peer_at(&self, path: Path) -> Option<PeerId> {
        let mut ids = (0..).map(PeerId).zip(&self.by_peer);
        ids.find(|(_, road)| road.paths.contains(&path)).map(|(id, _)| id)
    }

    /// The paths of the peers that have these names.
    #[must_use]
    pub fn named<'a>(&self, plan: &Plan, names: impl Iterator<Item = &'a Arc<str>>) -> BTreeSet<Path> {
        let names: BTreeSet<_> = names.collect();
        let ids = (0..).map(PeerId).zip(&plan.peers).filter(|(_, peer)| names.contains(&peer.name));
        ids.flat_map(|(id, _)| self.of(id).iter().copied()).collect()
    }

    /// The peer that sends along this path; `None` for a stranger.
    #[must_use]
    pub fn sender_by(&self, path: Path) -> Option<PeerId> {
        if path.transport.is_inside() { self.peer_at(path) } else { self.sender(path.remote) }
    }

    /// The peer that sends from this address; `None` for a stranger, and for who is inside.
    #[must_use]
    pub fn sender(&self, from: SocketAddr) -> Option<PeerId> {
        self.senders.at(from)
    }
}

impl Road {
    fn new(peer: &Peer, listeners: &[Listener], spots: &impl Fn(&Peer) -> Vec<Spot>) -> Self {
        match &peer.host {
            PeerHost::Ip(ip) => {
                let transport = peer.transport.unwrap_or(Transport::Udp);
                let address = SocketAddr::new(*ip, peer.port.unwrap_or(transport.default_port()));
                let spot = Spot { transport, address, priority: 0, weight: 0, target: 0 };
                Self::over(&[spot], listeners)
            }
            PeerHost::Name(_) => Self::over(&spots(peer), listeners),
        }
    }

    fn over(spots: &[Spot], listeners: &[Listener]) -> Self {
        let mut road = Self::default();
        for same in spots.chunk_by(|one, next| one.priority == next.priority) {
            let mut lots = Vec::new();
            for target in same.chunk_by(|one, next| one.target == next.target) {
                let from = road.paths.len();
                road.paths.extend(target.iter().filter_map(|spot| reach(spot, listeners)));
                let weight = target.first().map_or(0, |spot| spot.weight);
                lots.push(Lot { paths: from..road.paths.len(), weight });
            }
            if lots.len() > 1 {
                road.lots.push(lots);
            }
        }
        road
    }

    /// RFC 2782: of those that are left, each is next with a chance as its weight is to their sum; those without weight
    /// have a small one.
    fn drawn(&self, mut chance: Chance) -> Vec<Path> {
        let mut order = self.paths.clone();
        for lots in &self.lots {
            let mut left: Vec<&Lot> = lots.iter().filter(|lot| lot.weight == 0).collect();
            left.extend(lots.iter().filter(|lot| lot.weight > 0));
            let first = lots.first().map_or(0, |lot| lot.paths.start);
            let mut next = Vec::with_capacity(SPOTS_MAX);
            while !left.is_empty() {
                let sum: u64 = left.iter().map(|lot| u64::from(lot.weight)).sum();
                let drawn = chance.draw() % (sum + 1);
                let mut running = 0;
                let place = left.iter().position(|lot| {
                    running += u64::from(lot.weight);
                    running >= drawn
                });
                let lot = left.remove(place.unwrap_or(0));
                next.extend_from_slice(self.paths.get(lot.paths.clone()).unwrap_or_default());
            }
            if let Some(part) = order.get_mut(first..first + next.len()) {
                part.copy_from_slice(&next);
            }
        }
        order
    }
}

/// What has to be located for a peer; `None` if it is an address already.
#[must_use]
pub fn place(peer: &Peer) -> Option<Place> {
    match &peer.host {
        PeerHost::Name(name) => {
            let host = name.to_ascii_lowercase().into();
            Some(Place { host, port: peer.port, transport: peer.transport })
        }
        PeerHost::Ip(_) => None,
    }
}

/// The path to a spot from the first of our listeners that can send there.
#[must_use]
pub fn reach(spot: &Spot, listeners: &[Listener]) -> Option<Path> {
    let local = listener_for(listeners, spot.transport, spot.address.ip())?;
    Some(Path { transport: spot.transport, local, remote: spot.address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(last: u8, priority: u16, weight: u16) -> Spot {
        let address = ([192, 0, 2, last], 5060).into();
        Spot { transport: Transport::Udp, address, priority, weight, target: last.into() }
    }

    fn road(spots: &[Spot]) -> Road {
        let listener = Listener {
            transport: Transport::Udp,
            address: ([192, 0, 2, 100], 5060).into(),
            advertise: ("192.0.2.100".to_owned(), 5060),
        };
        Road::over(spots, &[listener])
    }

    fn order(road: &Road, draw: u64) -> Vec<u8> {
        let last = |path: Path| match path.remote.ip() {
            core::net::IpAddr::V4(ip) => ip.octets()[3],
            core::net::IpAddr::V6(_) => 0,
        };
        road.drawn(Chance::new(draw)).into_iter().map(last).collect()
    }

    #[test]
    fn targets_of_one_priority_are_drawn_by_weight_and_the_same_draw_gives_the_same_order() {
        let road = road(&[spot(1, 10, 60), spot(2, 10, 30), spot(3, 10, 10), spot(9, 20, 1000)]);
        let mut first = BTreeMap::new();
        for draw in 0..10_000 {
            let drawn = order(&road, draw);
            assert_eq!(drawn, order(&road, draw));
            assert_eq!(drawn.last(), Some(&9), "a higher priority number never comes first");
            *first.entry(drawn[0]).or_insert(0) += 1;
        }
        for (target, share) in [(1, 6_000), (2, 3_000), (3, 1_000)] {
            let drawn: i32 = first[&target];
            assert!(drawn.abs_diff(share) < 200, "{first:?}");
        }
    }

    #[test]
    fn targets_without_weight_are_rare_among_others_and_in_order_among_themselves() {
        let mixed = road(&[spot(1, 0, 0), spot(2, 0, 99)]);
        let rare = (0..10_000).filter(|draw| order(&mixed, *draw)[0] == 1).count();
        assert!((50..200).contains(&rare), "{rare}");
        let equal = road(&[spot(1, 0, 0), spot(2, 0, 0)]);
        assert!((0..100).all(|draw| order(&equal, draw) == [1, 2]));
    }

    #[test]
    fn addresses_of_one_target_stay_together() {
        let second = Spot { target: 1, ..spot(2, 0, 50) };
        let road = road(&[spot(1, 0, 50), second, spot(3, 0, 50)]);
        let orders: BTreeSet<Vec<u8>> = (0..100).map(|draw| order(&road, draw)).collect();
        assert_eq!(orders.into_iter().collect::<Vec<_>>(), [vec![1, 2, 3], vec![3, 1, 2]]);
    }
}
