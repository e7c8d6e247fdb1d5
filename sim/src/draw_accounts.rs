//! What a seed draws of accounts: who asks who we are, whether we know it rightly, where we register, and when somebody
//! changes a password.

use crate::chance::Chance;
use crate::glance::Verb;
use crate::guard::Guard;
use crate::town::{ANSWERING_HOST, CARRIER_A_HOST, CARRIER_B_HOST, OFFICE_HOST};
use crate::world::{Move, World};
use core::time::Duration;
use router::Plan;
use router::target::{Login, Register};
use sip::Time;

/// Peers that belong together, with their host and how many places it has.
const OWNERS: [(&[&str], usize, usize); 4] = [
    (&["office", "office-2"], OFFICE_HOST, 2),
    (&["carrier-a"], CARRIER_A_HOST, 1),
    (&["carrier-b"], CARRIER_B_HOST, 1),
    (&["answering"], ANSWERING_HOST, 1),
];

const ASKS: [&[Verb]; 4] = [
    &[Verb::Invite],
    &[Verb::Invite, Verb::Register],
    &[Verb::Register, Verb::Options],
    &[Verb::Invite, Verb::Options, Verb::Register],
];

const ALGORITHMS: [&[&str]; 4] = [&["MD5"], &["SHA-256"], &["MD5", "SHA-256"], &["SHA-512-256", "MD5"]];

/// Lets some peers ask who we are, in a third of all runs. When the storm is over each knows us as the plan has it.
pub(crate) fn draw_accounts(
    seed: u64,
    plan: &mut Plan,
    world: &mut World,
    (storm, heal_at): (Duration, Time),
) -> Vec<(Time, Move)> {
    let mut chance = Chance::new(seed ^ 0xacc0);
    let mut moves = Vec::new();
    if chance.permille(650) {
        return moves;
    }
    for (peers, host, places) in OWNERS {
        if chance.permille(400) {
            continue;
        }
        let guard = draw_guard(&mut chance, seed);
        let login = chance.permille(850).then(|| draw_login(&mut chance));
        for peer in plan.peers.iter_mut().filter(|peer| peers.contains(&&*peer.name)) {
            peer.login.clone_from(&login);
        }
        // Two phones of the town have this password; any other is wrong until somebody corrects it.
        let right = Some(Guard { password: "right", ..guard }).filter(|_| login.is_some());
        for place in 0..places {
            if let Some(place) = world.hosts.get_mut(host).and_then(|host| host.places.get_mut(place)) {
                place.guard = Some(guard);
            }
            if chance.permille(300) {
                let at = Time::ZERO + chance.span(Duration::ZERO, storm);
                let guard = Some(Guard { password: "revoked", ..guard });
                moves.push((at, Move::Guard { host, place, guard }));
            }
            moves.push((heal_at, Move::Guard { host, place, guard: right }));
        }
    }
    moves
}

fn draw_guard(chance: &mut Chance, seed: u64) -> Guard {
    let wrong = chance.permille(250);
    Guard {
        seed,
        password: if wrong { "another" } else { "right" },
        asks: chance.pick(&ASKS).copied().unwrap_or_default(),
        status: if chance.permille(500) { 401 } else { 407 },
        algorithms: chance.pick(&ALGORITHMS).copied().unwrap_or_default(),
        // Some are stale before they can be said.
        life: *chance.pick(&[1, 5, 30, 3_600]).unwrap_or(&30),
        grants: chance.permille(800).then(|| u32::try_from(1 + chance.below(90)).unwrap_or(60)),
        ..Guard::new("town", "right")
    }
}

fn draw_login(chance: &mut Chance) -> Login {
    let expires = Duration::from_secs(60);
    let register = chance.permille(600).then(|| Register { user: "town".into(), domain: None, expires });
    Login { user: "town".into(), password: "right".into(), realm: None, register, line: 1 }
}
