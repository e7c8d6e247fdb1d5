//! Stories: names, what the DNS says of them, and what becomes of calls meanwhile. The network takes no time here, an
//! answer of the DNS 20 ms: a name with SRV records is known 70 ms after the start.

mod told;

use core::net::SocketAddr;
use core::time::Duration;
use router::Plan;
use router::target::{PeerHost, Probe};
use sim::World;
use sim::dns::Mood;
use sim::manner::Manner;
use sim::story::{caller_at, stage, tell};
use sim::town::{self, OFFICE, OFFICE_2, STRANGER, one_address_then_answering};
use sim::world::Move;
use sip::Time;
use told::{ms, tells};

/// The office has a name, with both of its addresses behind SRV records; who calls the name itself calls a stranger.
const ZONE: [(&str, &str); 5] = [
    ("_sip._udp.office.town", "SRV 10 0 5060 one.town"),
    ("_sip._udp.office.town", "SRV 20 0 5060 two.town"),
    ("one.town", "A 10.0.3.1"),
    ("two.town", "A 10.0.3.2"),
    ("office.town", "A 10.0.66.1"),
];

/// The office by its name, then the answering service.
fn plan(probe: Option<Probe>) -> Plan {
    let mut plan = one_address_then_answering();
    if let Some(office) = plan.peers.first_mut() {
        office.host = PeerHost::Name("office.town".into());
        (office.port, office.probe) = (None, probe);
    }
    plan
}

/// Calls at these seconds, with things that happen to the world; what went over the wire, and what was recorded of names.
fn story(
    plan: Plan,
    manners: &[(&str, Manner)],
    calls: &[u64],
    moves: &[(u64, Move)],
    look: impl FnOnce(&World),
) -> Vec<String> {
    let callers: Vec<_> = calls.iter().map(|at| caller_at(Duration::from_secs(*at))).collect();
    let mut world = stage(plan, manners, &callers);
    for (name, record) in ZONE {
        world.dns.add(name, record);
    }
    world.oracle.houses("office.town", OFFICE);
    world.oracle.houses("office.town", OFFICE_2);
    if let Some(diary) = &mut world.diary {
        diary.alarms = true;
    }
    for (at, what) in moves {
        world.plan_move(Time::ZERO + Duration::from_secs(*at), what.clone());
    }
    world.run(Time::ZERO + Duration::from_secs(600));
    look(&world);
    tell(world)
}

fn watched(world: &World) -> Vec<SocketAddr> {
    world.node(0).into_iter().flat_map(router::Node::beliefs).map(|(path, ..)| path.remote).collect()
}

/// Without what a call does after it was answered.
fn until_answered(lines: Vec<String>) -> Vec<String> {
    let later = |line: &String| line.contains("ACK") || line.contains("BYE");
    lines.into_iter().filter(|line| !later(line)).collect()
}

#[test]
fn when_the_first_srv_target_is_dead_the_second_takes_the_call_after_two_seconds() {
    let manners = [("office-2", Manner::says(0, 1000))];
    tells(
        &story(plan(None), &manners, &[1], &[], |_| ()),
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "1.000s call 1 INVITE <- caller",
            "1.000s call 1 INVITE -> office",
            "3.000s call 1 INVITE -> office-2",
            "3.000s call 1 180 <- office-2",
            "3.000s call 1 180 -> caller",
            "4.000s call 1 200 <- office-2",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 ACK -> office-2",
            "14.000s call 1 BYE <- caller",
            "14.000s call 1 BYE -> office-2",
        ],
    );
}

#[test]
fn after_the_srv_list_comes_the_next_target_and_never_the_name_itself() {
    let manners = [
        ("office", Manner::refuses(503)),
        ("office-2", Manner::refuses(503)),
        ("answering", Manner::says(0, 1000)),
    ];
    let lines = story(plan(None), &manners, &[1], &[], |world| {
        assert_eq!(watched(world).iter().filter(|at| **at == STRANGER).count(), 0);
    });
    tells(
        &until_answered(lines),
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "1.000s call 1 INVITE <- caller",
            "1.000s call 1 INVITE -> office",
            "1.000s call 1 503 <- office",
            "1.000s call 1 INVITE -> office-2",
            "1.000s call 1 503 <- office-2",
            "1.000s call 1 INVITE -> answering",
            "1.000s call 1 180 <- answering",
            "1.000s call 1 180 -> caller",
            "2.000s call 1 200 <- answering",
            "2.000s call 1 200 -> caller",
        ],
    );
}

#[test]
fn each_refusal_is_acknowledged_before_the_next_address_is_tried() {
    let manners = [("office", Manner::refuses(503)), ("office-2", Manner::refuses(503))];
    let mut world = stage(plan(None), &manners, &[caller_at(Duration::from_secs(1))]);
    ZONE.iter().for_each(|(name, record)| world.dns.add(name, record));
    world.oracle.houses("office.town", OFFICE);
    world.oracle.houses("office.town", OFFICE_2);
    if let Some(diary) = &mut world.diary {
        diary.all = true;
    }
    world.run(Time::ZERO + ms(1_000));
    let lines = tell(world);
    let to_offices: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("1.000s call 1 "))
        .filter(|line| line.contains("office"))
        .collect();
    assert_eq!(
        to_offices,
        [
            "INVITE -> office",
            "503 <- office",
            "ACK -> office",
            "INVITE -> office-2",
            "503 <- office-2",
            "ACK -> office-2",
        ]
    );
}

#[test]
fn probes_and_calls_go_by_the_same_paths_so_a_dead_target_costs_no_call_anything() {
    let manners = [("office-2", Manner::says(0, 1000))];
    let probed = plan(Some(Probe::every(Duration::from_secs(5))));
    let lines = story(probed, &manners, &[30], &[], |_| ());
    tells(
        &until_answered(lines),
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "30.000s call 1 INVITE <- caller",
            "30.000s call 1 INVITE -> office-2",
            "30.000s call 1 180 <- office-2",
            "30.000s call 1 180 -> caller",
            "31.000s call 1 200 <- office-2",
            "31.000s call 1 200 -> caller",
        ],
    );
}

#[test]
fn when_the_dns_dies_calls_go_to_the_last_good_addresses_and_somebody_is_told() {
    let manners = [("office", Manner::says(0, 1000))];
    let moves = [(10, Move::Dns(Mood::Dead)), (400, Move::Dns(Mood::Well))];
    let lines = story(plan(None), &manners, &[300, 500], &moves, |_| ());
    tells(
        &until_answered(lines),
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            // NAPTR was asked again after a minute; it is given up ten seconds later.
            "70.020s office.town: Resolved -> Silent, 2 kept",
            "300.000s call 1 INVITE <- caller",
            "300.000s call 1 INVITE -> office",
            "300.000s call 1 180 <- office",
            "300.000s call 1 180 -> caller",
            "301.000s call 1 200 <- office",
            "301.000s call 1 200 -> caller",
            // It is asked every 70 s by now: a minute of back-off, ten seconds of silence.
            "452.080s office.town: Silent -> Resolved, 2 kept",
            "500.000s call 2 INVITE <- caller",
            "500.000s call 2 INVITE -> office",
            "500.000s call 2 180 <- office",
            "500.000s call 2 180 -> caller",
            "501.000s call 2 200 <- office",
            "501.000s call 2 200 -> caller",
        ],
    );
}

#[test]
fn while_the_dns_is_dead_probes_go_on_and_a_dead_address_is_passed_by() {
    let manners = [("office", Manner::says(0, 1000)), ("answering", Manner::says(0, 1000))];
    let dead = |place| Move::Place { host: town::OFFICE_HOST, place, manner: Some(Manner::Dead) };
    let moves = [(10, Move::Dns(Mood::Failing)), (200, dead(0)), (200, dead(1))];
    let probed = plan(Some(Probe::every(Duration::from_secs(5))));
    let lines = story(probed, &manners, &[300], &moves, |_| ());
    tells(
        &until_answered(lines),
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "60.040s office.town: Resolved -> Silent, 2 kept",
            "300.000s call 1 INVITE <- caller",
            "300.000s call 1 INVITE -> answering",
            "300.000s call 1 180 <- answering",
            "300.000s call 1 180 -> caller",
            "301.000s call 1 200 <- answering",
            "301.000s call 1 200 -> caller",
        ],
    );
}

#[test]
fn a_name_that_the_dns_denies_keeps_its_addresses_and_is_called_missing() {
    let manners = [("office", Manner::says(0, 1000))];
    let moves = [(10, Move::Dns(Mood::Denying))];
    let lines = story(plan(None), &manners, &[300], &moves, |_| ());
    tells(
        &until_answered(lines),
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "60.080s office.town: Resolved -> Missing, 2 kept",
            "300.000s call 1 INVITE <- caller",
            "300.000s call 1 INVITE -> office",
            "300.000s call 1 180 <- office",
            "300.000s call 1 180 -> caller",
            "301.000s call 1 200 <- office",
            "301.000s call 1 200 -> caller",
        ],
    );
}

#[test]
fn a_target_without_any_address_left_keeps_its_last_ones_as_long_as_srv_names_it() {
    let moves = [
        (10, Move::Zone("one.town", vec![])),
        (200, Move::Zone("_sip._udp.office.town", vec!["SRV 20 0 5060 two.town"])),
    ];
    let lines = story(plan(None), &[], &[], &moves, |world| {
        assert!(!watched(world).contains(&OFFICE), "it is no longer named");
    });
    tells(
        &lines,
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "60.080s office.town: Resolved -> Missing, 2 kept",
            "240.120s office.town: Missing -> Resolved, 1 kept",
        ],
    );
}

#[test]
fn a_name_that_was_never_known_is_passed_by_at_once() {
    let manners = [("office", Manner::says(0, 1000)), ("answering", Manner::says(0, 1000))];
    for mood in [Mood::Dead, Mood::Failing, Mood::Denying] {
        let moves = [(0, Move::Dns(mood))];
        let lines = story(plan(None), &manners, &[60], &moves, |_| ());
        let lines: Vec<String> = lines.into_iter().filter(|line| line.contains("call")).collect();
        tells(
            &until_answered(lines),
            &[
                "60.000s call 1 INVITE <- caller",
                "60.000s call 1 INVITE -> answering",
                "60.000s call 1 180 <- answering",
                "60.000s call 1 180 -> caller",
                "61.000s call 1 200 <- answering",
                "61.000s call 1 200 -> caller",
            ],
        );
    }
}

#[test]
fn an_address_that_vanishes_keeps_its_calls_and_gets_no_new_ones() {
    let manners = [("office", Manner::says(0, 1000)), ("office-2", Manner::says(0, 1000))];
    let moves = [(30, Move::Zone("_sip._udp.office.town", vec!["SRV 20 0 5060 two.town"]))];
    let lines = story(plan(None), &manners, &[59, 100], &moves, |world| {
        let left = watched(world);
        assert!(!left.contains(&OFFICE) && left.contains(&OFFICE_2), "{left:?}");
    });
    tells(
        &lines,
        &[
            "0.060s office.town: Asking -> Resolved, 2 kept",
            "59.000s call 1 INVITE <- caller",
            "59.000s call 1 INVITE -> office",
            "59.000s call 1 180 <- office",
            "59.000s call 1 180 -> caller",
            "60.000s call 1 200 <- office",
            "60.000s call 1 200 -> caller",
            "60.000s call 1 ACK -> office",
            // It has vanished by now.
            "70.000s call 1 BYE <- caller",
            "70.000s call 1 BYE -> office",
            "100.000s call 2 INVITE <- caller",
            "100.000s call 2 INVITE -> office-2",
            "100.000s call 2 180 <- office-2",
            "100.000s call 2 180 -> caller",
            "101.000s call 2 200 <- office-2",
            "101.000s call 2 200 -> caller",
            "101.000s call 2 ACK -> office-2",
            "111.000s call 2 BYE <- caller",
            "111.000s call 2 BYE -> office-2",
        ],
    );
}

#[test]
fn a_node_that_begins_again_finds_its_names_again() {
    let manners = [("office", Manner::says(0, 1000))];
    let moves = [(10, Move::Crash(0)), (20, Move::Restart(0))];
    let lines = story(plan(None), &manners, &[30], &moves, |_| ());
    assert_eq!(
        lines.iter().filter(|line| line.contains("office.town")).collect::<Vec<_>>(),
        ["0.060s office.town: Asking -> Resolved, 2 kept", "20.060s office.town: Asking -> Resolved, 2 kept"]
    );
    assert!(lines.iter().any(|line| line == "30.000s call 1 INVITE -> office"), "{lines:?}");
}
