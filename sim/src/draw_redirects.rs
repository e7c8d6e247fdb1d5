//! What a seed draws of redirections: where those of the office may lead, and when it sends calls elsewhere.

use crate::chance::Chance;
use crate::draw::draw_manner;
use crate::manner::Manner;
use crate::phone::Place;
use crate::town::{OFFICE, OFFICE_2, OFFICE_HOST};
use crate::world::{Move, World};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use router::Plan;
use router::target::{Peer, PeerHost, PeerId};
use sip::Time;

/// A desk that is reached by redirections alone.
const DESK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 3, 3)), 5060);

/// Where calls are sent: some of it is never allowed, and some leads round in a circle.
const CONTACTS: [&str; 7] = [
    "Contact: <sip:desk@10.0.3.3:5060>\r\n",
    "Contact: \"Desk\" <sip:+15035550100@10.0.3.3>;expires=60\r\n",
    "Contact: <sip:desk@10.0.3.9>, <sip:desk@10.0.3.2>;q=0.5\r\n",
    "Contact: <sip:desk@10.0.3.1>, sip:desk@10.0.3.3\r\nContact: <sip:desk@10.0.3.2>\r\n",
    "Contact: <sip:desk@10.0.3.2:5062>, <sip:desk@10.0.3.1:5060>\r\n",
    "Contact: <tel:+1900>, <sip:desk@10.0.3.3;transport=tcp>\r\n",
    "Contact: <sip:desk@10.0.77.7>\r\n",
];

const STATUSES: [u16; 6] = [300, 301, 302, 302, 305, 380];

/// In one run of three redirections of the office may lead to a desk, and perhaps to the office's own addresses.
pub(crate) fn draw_redirects(
    seed: u64,
    plan: &mut Plan,
    world: &mut World,
    storm: Duration,
) -> Vec<(Time, Move)> {
    let mut chance = Chance::new(seed ^ 0x0302);
    let mut moves = Vec::new();
    if chance.permille(670) {
        return moves;
    }
    let ring = plan.targets.first().map_or(Duration::from_secs(6), |target| target.ring);
    let desk = world.add_host(vec![Place::new("desk", DESK, Some(draw_manner(&mut chance, ring)))]);
    allow(&mut chance, plan);
    for (host, place) in [(OFFICE_HOST, 0), (OFFICE_HOST, 1), (desk, 0)] {
        for _ in 0..chance.below(4) {
            let manner = if host == desk && chance.permille(600) {
                draw_manner(&mut chance, ring)
            } else {
                draw_redirection(&mut chance)
            };
            let at = Time::ZERO + chance.span(Duration::ZERO, storm);
            moves.push((at, Move::Place { host, place, manner: Some(manner) }));
        }
    }
    moves
}

/// As in a plan file: each place is a peer of its own, with the manners of the office but without probes and credentials,
/// and redirections of each may lead to all of them.
fn allow(chance: &mut Chance, plan: &mut Plan) {
    let written = |peer: &Peer| matches!(peer.host, PeerHost::Ip(_));
    let (Some(office), Some(other)) = (plan.peers.first().cloned(), plan.peers.get(1).cloned()) else {
        return;
    };
    let mut places = vec![(DESK, office.clone())];
    if chance.permille(600) {
        places.push((OFFICE_2, other));
    }
    // Of a name the DNS says where it leads, and no Contact here names it.
    if chance.permille(400) && written(&office) {
        places.push((OFFICE, office));
    }
    let first = u32::try_from(plan.peers.len()).unwrap_or(u32::MAX);
    let follow: Vec<PeerId> = (first..).map(PeerId).take(places.len()).collect();
    for (nth, (address, like)) in (1..).zip(places) {
        plan.peers.push(Peer {
            name: format!("office/follow/{nth}").into(),
            host: PeerHost::Ip(address.ip()),
            port: Some(address.port()),
            probe: None,
            login: None,
            ..like
        });
    }
    for (place, peer) in (0..).zip(&mut plan.peers) {
        if place < 2 || place >= first {
            peer.follow.clone_from(&follow);
        }
    }
}

fn draw_redirection(chance: &mut Chance) -> Manner {
    let after = if chance.permille(600) {
        Duration::ZERO
    } else {
        chance.span(Duration::ZERO, Duration::from_secs(3))
    };
    let status = *chance.pick(&STATUSES).unwrap_or(&302);
    Manner::Refuse { after, status, extra: chance.pick(&CONTACTS).unwrap_or(&"") }
}
