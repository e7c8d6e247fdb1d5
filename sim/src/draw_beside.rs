//! What a seed draws of streams beside datagrams: who takes them, who swallows them, and INVITEs that are too long for a
//! datagram.

use crate::caller::Script;
use crate::chance::Chance;
use crate::manner::Manner;
use crate::town::{ANSWERING, ANSWERING_HOST, CARRIER_A, CARRIER_A_HOST, CARRIER_B, CARRIER_B_HOST};
use crate::town::{OFFICE, OFFICE_2, OFFICE_HOST};
use crate::world::{Beside, Move, World};
use core::net::SocketAddr;
use core::time::Duration;
use sip::Time;

/// Those who are spoken to by datagrams: host, place, address.
const ALL: [(usize, usize, SocketAddr); 5] = [
    (OFFICE_HOST, 0, OFFICE),
    (OFFICE_HOST, 1, OFFICE_2),
    (ANSWERING_HOST, 0, ANSWERING),
    (CARRIER_A_HOST, 0, CARRIER_A),
    (CARRIER_B_HOST, 0, CARRIER_B),
];

/// Makes every INVITE longer than 1,300 bytes.
const LONG: [u8; 911] = {
    let mut line = [b'x'; 911];
    (line[0], line[1], line[2], line[3], line[4]) = (b'X', b'-', b'A', b':', b' ');
    (line[909], line[910]) = (b'\r', b'\n');
    line
};

/// In two runs of five some take streams or swallow them, and some callers have much to say. Any may find an INVITE too
/// long for a while (513).
pub(crate) fn draw_beside(
    seed: u64,
    world: &mut World,
    scripts: &mut [Script],
    storm: Duration,
) -> Vec<(Time, Move)> {
    let mut chance = Chance::new(seed ^ 0x1811);
    let mut moves = Vec::new();
    if chance.permille(600) {
        return moves;
    }
    for (host, place, address) in ALL {
        let beside = [Some(Beside::Taken), Some(Beside::Swallowed), None];
        let beside = chance.pick(&beside).copied().flatten();
        if let Some(beside) = beside.filter(|_| !world.streams.contains(&address)) {
            world.beside.insert(address, beside);
        }
        let mut when = || Time::ZERO + chance.span(Duration::ZERO, storm);
        let (close, stall, long) = (when(), when(), when());
        if beside == Some(Beside::Taken) {
            moves.extend([(close, Move::Close(address)), (stall, Move::Stall(address))]);
        }
        if chance.permille(200) {
            let manner = Some(Manner::refuses(513));
            moves.push((long, Move::Place { host, place, manner }));
        }
    }
    let extra = core::str::from_utf8(&LONG).unwrap_or("");
    for script in scripts.iter_mut().filter(|script| script.extra.is_empty()) {
        if chance.permille(400) {
            script.extra = extra;
        }
    }
    moves
}
