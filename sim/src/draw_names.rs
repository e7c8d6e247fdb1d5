//! What a seed draws of names: who has one, what the DNS says of it, and what becomes of the DNS meanwhile.

use crate::chance::Chance;
use crate::dns::Mood;
use crate::town::{CARRIER_A, NOBODY, OFFICE, OFFICE_2};
use crate::world::{Move, World};
use core::time::Duration;
use router::Plan;
use router::target::PeerHost;
use sip::Time;

/// The name of the office: its first address is behind each of [`OFFICES`].
pub(crate) const OFFICE_NAME: &str = "office.town";

const CARRIER_NAME: &str = "carrier-a.town";

/// The SRV records that the office has at one time or another; nobody is at `dead.town`.
const OFFICES: [&[&str]; 6] = [
    &["SRV 10 0 5060 one.town"],
    &["SRV 10 0 5060 one.town", "SRV 20 0 5060 two.town"],
    &["SRV 10 70 5060 one.town", "SRV 10 30 5060 two.town"],
    &["SRV 10 0 5060 dead.town", "SRV 20 0 5060 one.town"],
    &["SRV 10 50 5060 dead.town", "SRV 10 50 5060 two.town", "SRV 10 50 5060 one.town"],
    &["SRV 5 0 5060 two.town", "SRV 10 0 5060 none.town", "SRV 20 9 5060 one.town"],
];

/// Gives the office and a carrier names, in half of all runs, and lets the DNS come and go until the storm is over.
pub(crate) fn draw_names(
    seed: u64,
    world: &mut World,
    plan: &mut Plan,
    storm: Duration,
) -> Vec<(Time, Move)> {
    let mut chance = Chance::new(seed ^ 0x0d45);
    let mut moves = Vec::new();
    if chance.permille(500) {
        return moves;
    }
    for (host, addresses) in [(OFFICE_NAME, &[OFFICE, OFFICE_2, NOBODY][..]), (CARRIER_NAME, &[CARRIER_A])] {
        addresses.iter().for_each(|address| world.oracle.houses(host, *address));
    }
    world.oracle.know(NOBODY);
    let records = [
        ("one.town", "A 10.0.3.1"),
        ("two.town", "A 10.0.3.2"),
        ("dead.town", "A 10.0.3.9"),
        ("carrier-a.town", "A 10.0.1.1"),
    ];
    records.iter().for_each(|(name, record)| world.dns.add(name, record));
    let mut named = vec![("office", OFFICE_NAME)];
    if chance.permille(500) {
        named.push(("carrier-a", CARRIER_NAME));
    }
    for (peer, host) in named {
        for peer in plan.peers.iter_mut().filter(|other| *other.name == *peer) {
            peer.host = PeerHost::Name(host.into());
            peer.port = None;
        }
    }
    let office = |chance: &mut Chance| {
        let records = chance.pick(&OFFICES).copied().unwrap_or_default();
        Move::Zone("_sip._udp.office.town", records.to_vec())
    };
    moves.push((Time::ZERO, office(&mut chance)));
    world.dns.good = chance.span(Duration::from_secs(5), Duration::from_secs(90));
    world.dns.delay = chance.span(Duration::from_millis(1), Duration::from_secs(3));
    let when = |chance: &mut Chance| Time::ZERO + chance.span(Duration::ZERO, storm);
    for _ in 0..chance.below(4) {
        let at = when(&mut chance);
        moves.push((at, office(&mut chance)));
    }
    for _ in 0..chance.below(4) {
        let mood = *chance.pick(&[Mood::Dead, Mood::Failing, Mood::Denying]).unwrap_or(&Mood::Dead);
        let at = when(&mut chance);
        moves.push((at, Move::Dns(mood)));
        moves
            .push((at + chance.span(Duration::from_secs(1), Duration::from_secs(60)), Move::Dns(Mood::Well)));
    }
    moves
}
