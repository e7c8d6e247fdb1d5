//! Stories: a node that hears nobody any more, or is asked for more than it takes (C13). The network takes no time here.

mod told;

use core::net::SocketAddr;
use core::time::Duration;
use router::Plan;
use router::door::Identity;
use router::target::Probe;
use sim::manner::Manner;
use sim::story::{alarming, caller_at, stage_of, tell};
use sim::town::{self, ANSWERING, CARRIER_A, CARRIER_B, NODE, OFFICE, OFFICE_2, office_then_answering};
use sim::world::Move;
use sip::Time;
use told::{ms, tells};

/// Everybody is probed every five seconds; callers call from addresses that the plan does not know.
fn probed() -> Plan {
    let mut plan = office_then_answering();
    plan.peers.pop();
    plan.peers.iter_mut().for_each(|peer| peer.probe = Some(Probe::every(ms(5_000))));
    plan
}

const ALL: [SocketAddr; 5] = [OFFICE, OFFICE_2, CARRIER_A, CARRIER_B, ANSWERING];
const WELL: [(&str, Manner); 3] = [
    ("office", Manner::says(0, 1000)),
    ("office-2", Manner::says(0, 1000)),
    ("answering", Manner::says(0, 1000)),
];

/// What these send no longer gets to the node.
fn cut(at: Duration, from: &[SocketAddr]) -> Vec<(Duration, Move)> {
    from.iter().map(|from| (at, Move::Cut(*from, NODE))).collect()
}

#[test]
fn a_node_that_hears_nobody_says_503_at_once_until_somebody_is_heard() {
    let mut moves = cut(ms(10_000), &ALL);
    moves.push((ms(70_000), Move::Mend(OFFICE, NODE)));
    let calls = [caller_at(ms(60_000)), caller_at(ms(80_000))];
    tells(
        &alarming(probed(), &WELL, &calls, &moves),
        &[
            "21.741s nobody is heard any more",
            "60.000s call 1 INVITE <- caller",
            "60.000s call 1 503 -> caller",
            "70.040s somebody is heard again",
            "80.000s call 2 INVITE <- caller",
            "80.000s call 2 INVITE -> office",
            "80.000s call 2 180 <- office",
            "80.000s call 2 180 -> caller",
            "81.000s call 2 200 <- office",
            "81.000s call 2 200 -> caller",
            "81.000s call 2 ACK -> office",
            "91.000s call 2 BYE <- caller",
            "91.000s call 2 BYE -> office",
        ],
    );
}

#[test]
fn a_node_that_hears_one_of_them_takes_calls() {
    let moves = cut(ms(10_000), &[OFFICE, OFFICE_2, CARRIER_A, CARRIER_B]);
    tells(
        &alarming(probed(), &WELL, &[caller_at(ms(60_000))], &moves),
        &[
            "60.000s call 1 INVITE <- caller",
            "60.000s call 1 INVITE -> answering",
            "60.000s call 1 180 <- answering",
            "60.000s call 1 180 -> caller",
            "61.000s call 1 200 <- answering",
            "61.000s call 1 200 -> caller",
            "61.000s call 1 ACK -> answering",
            "71.000s call 1 BYE <- caller",
            "71.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn what_never_answered_a_probe_is_no_witness_that_the_node_is_cut_off() {
    let mut world = stage_of(town::identity(1), probed(), &WELL, &[caller_at(ms(60_000))]);
    for place in world.hosts.iter_mut().flat_map(|host| &mut host.places) {
        place.options = place.options.filter(|_| [CARRIER_B, ANSWERING].contains(&place.address));
    }
    for (at, what) in cut(ms(10_000), &[CARRIER_B, ANSWERING]) {
        world.plan_move(Time::ZERO + at, what);
    }
    world.run(Time::ZERO + Duration::from_secs(100));
    let lines = tell(world);
    assert!(lines.iter().any(|line| line == "60.000s call 1 INVITE -> office"), "{lines:#?}");
}

#[test]
fn calls_that_come_faster_than_the_node_takes_them_get_503() {
    let identity = Identity { cps: Some(2), ..town::identity(1) };
    let calls: Vec<_> = (0..8).map(|n| caller_at(ms(n * 200))).collect();
    let mut world = stage_of(identity, office_then_answering(), &WELL, &calls);
    world.run(Time::ZERO + Duration::from_secs(100));
    let lines = tell(world);
    let refused = |line: &&String| line.contains(" 503 ") || line.contains("INVITE -> ");
    tells(
        &lines.iter().filter(refused).cloned().collect::<Vec<_>>(),
        &[
            "0.000s call 1 INVITE -> office",
            "0.200s call 2 INVITE -> office",
            "0.400s call 3 503 -> caller",
            "0.600s call 4 INVITE -> office",
            "0.800s call 5 503 -> caller",
            "1.000s call 6 INVITE -> office",
            "1.200s call 7 503 -> caller",
            "1.400s call 8 503 -> caller",
        ],
    );
}
