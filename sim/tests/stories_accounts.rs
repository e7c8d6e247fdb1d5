//! Stories: peers that ask who we are, and those that we register at. The network takes no time here.

mod told;

use core::time::Duration;
use router::Plan;
use router::target::{Login, PeerHost, Probe, Register};
use sim::Script;
use sim::glance::Verb;
use sim::guard::Guard;
use sim::manner::Manner;
use sim::story::{caller, caller_at, stage, tell};
use sim::town::{CARRIER_A, CARRIER_A_HOST, CARRIER_B, CARRIER_B_HOST, ana_then_answering};
use sim::world::Move;
use sip::Time;
use std::sync::Arc;
use told::{ms, tells};

/// Ana, then the answering service; who we are to the first carrier, which is registered at or not.
fn known(password: &str, registered: bool) -> Plan {
    let mut plan = ana_then_answering();
    let expires = Duration::from_secs(60);
    let register = registered.then(|| Register { user: "town".into(), domain: None, expires });
    plan.peers[2].login =
        Some(Login { user: "town".into(), password: password.into(), realm: None, register, line: 7 });
    plan
}

/// What is told until then of a town whose first carrier asks for this.
fn told(
    plan: Plan,
    asks: &'static [Verb],
    callers: &[Script],
    moves: &[(Duration, Move)],
    until: Duration,
) -> Vec<String> {
    let manners = [("ana", Manner::says(0, 1000)), ("answering", Manner::says(0, 1000))];
    let mut world = stage(plan, &manners, callers);
    world.hosts[CARRIER_A_HOST].places[0].guard = Some(Guard { asks, ..Guard::new("town", "right") });
    world.diary.iter_mut().for_each(|diary| diary.alarms = true);
    for (at, what) in moves {
        world.plan_move(Time::ZERO + *at, what.clone());
    }
    world.run(Time::ZERO + until);
    tell(world)
}

#[test]
fn a_carrier_that_asks_is_told_and_the_call_goes_on() {
    tells(
        &told(known("right", false), &[Verb::Invite], &[caller()], &[], ms(600_000)),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 407 <- ana by carrier-a",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- ana by carrier-a",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> carrier-a",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn a_wrong_password_costs_three_calls_a_moment_and_no_call_its_answer() {
    let calls = [ms(0), ms(20_000), ms(40_000), ms(60_000)].map(caller_at);
    let lines = told(known("wrong", false), &[Verb::Invite], &calls, &[], ms(600_000));
    let of_carriers: Vec<_> =
        lines.iter().filter(|line| line.contains("carrier-a") || line.contains("200 <-")).collect();
    assert_eq!(
        of_carriers,
        [
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 407 <- ana by carrier-a",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 407 <- ana by carrier-a",
            "1.000s call 1 200 <- ana by carrier-b",
            "20.000s call 2 INVITE -> ana by carrier-a",
            "20.000s call 2 407 <- ana by carrier-a",
            "20.000s call 2 INVITE -> ana by carrier-a",
            "20.000s call 2 407 <- ana by carrier-a",
            "21.000s call 2 200 <- ana by carrier-b",
            "40.000s call 3 INVITE -> ana by carrier-a",
            "40.000s call 3 407 <- ana by carrier-a",
            "40.000s call 3 INVITE -> ana by carrier-a",
            "40.000s call 3 407 <- ana by carrier-a",
            "40.000s credentials at carrier-a: Refused",
            "41.000s call 3 200 <- ana by carrier-b",
            "61.000s call 4 200 <- ana by carrier-b",
        ],
        "{}",
        lines.join("\n")
    );
}

#[test]
fn probes_find_a_wrong_password_before_a_call_meets_it() {
    let probed = |password| {
        let mut plan = known(password, false);
        plan.peers[2].probe = Some(Probe::every(ms(5000)));
        plan
    };
    let moves = [(ms(30_000), Move::Apply(0, Arc::new(probed("right"))))];
    let calls = [caller_at(ms(20_000)), caller_at(ms(40_000))];
    let lines = told(probed("wrong"), &[Verb::Options, Verb::Invite], &calls, &moves, ms(600_000));
    tells(
        &lines,
        &[
            "9.065s credentials at carrier-a: Refused",
            "20.000s call 1 INVITE <- caller",
            "20.000s call 1 INVITE -> ana by carrier-b",
            "20.000s call 1 180 <- ana by carrier-b",
            "20.000s call 1 180 -> caller",
            "21.000s call 1 200 <- ana by carrier-b",
            "21.000s call 1 200 -> caller",
            "21.000s call 1 ACK -> carrier-b",
            "31.000s call 1 BYE <- caller",
            "31.000s call 1 BYE -> carrier-b",
            "40.000s call 2 INVITE <- caller",
            "40.000s call 2 INVITE -> ana by carrier-a",
            "40.000s call 2 407 <- ana by carrier-a",
            "40.000s call 2 INVITE -> ana by carrier-a",
            "40.000s call 2 180 <- ana by carrier-a",
            "40.000s call 2 180 -> caller",
            "41.000s call 2 200 <- ana by carrier-a",
            "41.000s call 2 200 -> caller",
            "41.000s call 2 ACK -> carrier-a",
            "51.000s call 2 BYE <- caller",
            "51.000s call 2 BYE -> carrier-a",
        ],
    );
}

/// C21, the one half: a registration whose tries ran out, so that the trunk stayed dead.
#[test]
fn a_registration_outlives_an_outage_and_is_given_up_in_the_end() {
    let mut plan = known("right", true);
    plan.peers[2].probe = Some(Probe { hold: ms(0), ..Probe::every(ms(5000)) });
    let moves = [
        (ms(30_000), Move::Hole(CARRIER_A)),
        (ms(1_230_000), Move::Fill(CARRIER_A)),
        (ms(1_270_000), Move::Drain(0)),
    ];
    tells(
        &told(plan, &[Verb::Register], &[], &moves, ms(1_300_000)),
        &[
            "0.000s REGISTER -> carrier-a",
            "0.000s 407 for REGISTER <- carrier-a",
            "0.000s REGISTER -> carrier-a",
            "0.000s 200 for REGISTER <- carrier-a",
            "0.000s registration at carrier-a: Held",
            "39.871s REGISTER -> carrier-a",
            "44.871s not registered at carrier-a: nobody answers",
            "49.049s REGISTER -> carrier-a",
            "63.050s REGISTER -> carrier-a",
            "68.050s not registered at carrier-a: nobody answers",
            "87.134s REGISTER -> carrier-a",
            "131.808s REGISTER -> carrier-a",
            "207.995s REGISTER -> carrier-a",
            "360.747s REGISTER -> carrier-a",
            "651.239s REGISTER -> carrier-a",
            "914.295s REGISTER -> carrier-a",
            "1198.890s REGISTER -> carrier-a",
            "1244.143s REGISTER -> carrier-a",
            "1244.143s 407 for REGISTER <- carrier-a",
            "1244.143s REGISTER -> carrier-a",
            "1244.143s 200 for REGISTER <- carrier-a",
            "1244.143s registration at carrier-a: Held",
            "1270.000s registration at carrier-a: Left",
            "1270.000s REGISTER -> carrier-a",
            "1270.000s 407 for REGISTER <- carrier-a",
            "1270.000s REGISTER -> carrier-a",
            "1270.000s 200 for REGISTER <- carrier-a",
        ],
    );
}

/// C21, the other half: credentials that were revoked and are said for ever, while the trunk attracts calls.
#[test]
fn a_registration_with_a_wrong_password_is_an_alarm_and_attracts_no_calls() {
    let moves = [(ms(120_000), Move::Apply(0, Arc::new(known("right", true))))];
    let lines = told(
        known("wrong", true),
        &[Verb::Register, Verb::Invite],
        &[caller_at(ms(60_000))],
        &moves,
        ms(130_000),
    );
    tells(
        &lines,
        &[
            "0.000s REGISTER -> carrier-a",
            "0.000s 407 for REGISTER <- carrier-a",
            "0.000s REGISTER -> carrier-a",
            "0.000s 407 for REGISTER <- carrier-a",
            "0.000s not registered at carrier-a: it was refused with 407",
            "4.504s REGISTER -> carrier-a",
            "4.504s 407 for REGISTER <- carrier-a",
            "4.504s REGISTER -> carrier-a",
            "4.504s 407 for REGISTER <- carrier-a",
            "13.315s REGISTER -> carrier-a",
            "13.315s 407 for REGISTER <- carrier-a",
            "13.315s REGISTER -> carrier-a",
            "13.315s 407 for REGISTER <- carrier-a",
            "13.315s credentials at carrier-a: Refused",
            "43.315s REGISTER -> carrier-a",
            "43.315s 407 for REGISTER <- carrier-a",
            "43.315s REGISTER -> carrier-a",
            "43.315s 407 for REGISTER <- carrier-a",
            "60.000s call 1 INVITE <- caller",
            "60.000s call 1 INVITE -> ana by carrier-b",
            "60.000s call 1 180 <- ana by carrier-b",
            "60.000s call 1 180 -> caller",
            "61.000s call 1 200 <- ana by carrier-b",
            "61.000s call 1 200 -> caller",
            "61.000s call 1 ACK -> carrier-b",
            "71.000s call 1 BYE <- caller",
            "71.000s call 1 BYE -> carrier-b",
            "103.315s REGISTER -> carrier-a",
            "103.315s 407 for REGISTER <- carrier-a",
            "103.315s REGISTER -> carrier-a",
            "103.315s 407 for REGISTER <- carrier-a",
            "120.000s REGISTER -> carrier-a",
            "120.000s 407 for REGISTER <- carrier-a",
            "120.000s REGISTER -> carrier-a",
            "120.000s 200 for REGISTER <- carrier-a",
            "120.000s registration at carrier-a: Held",
        ],
    );
}

/// C8: registered at the second server, probed at the dead first one, called by neither.
#[test]
fn of_several_addresses_the_registration_is_at_one_that_lives() {
    let mut plan = known("right", true);
    plan.peers[2].host = PeerHost::Name("carrier.town".into());
    (plan.peers[2].port, plan.peers[2].probe) = (None, Some(Probe::every(ms(5000))));
    let mut world = stage(plan, &[], &[]);
    let records = [
        ("_sip._udp.carrier.town", "SRV 10 0 5060 one.town"),
        ("_sip._udp.carrier.town", "SRV 20 0 5060 two.town"),
        ("one.town", "A 10.0.1.1"),
        ("two.town", "A 10.0.2.1"),
    ];
    records.iter().for_each(|(name, record)| world.dns.add(name, record));
    for (host, address) in [(CARRIER_A_HOST, CARRIER_A), (CARRIER_B_HOST, CARRIER_B)] {
        world.hosts[host].places[0].guard = Some(Guard { seed: 7, ..Guard::new("town", "right") });
        world.oracle.houses("carrier.town", address);
    }
    world.diary.iter_mut().for_each(|diary| diary.alarms = true);
    world.plan_move(Time::ZERO + ms(20_000), Move::Hole(CARRIER_A));
    world.run(Time::ZERO + ms(60_000));
    tells(
        &tell(world),
        &[
            "0.060s carrier.town: Asking -> Resolved, 2 kept",
            "0.486s REGISTER -> carrier-a",
            "0.486s 407 for REGISTER <- carrier-a",
            "0.486s REGISTER -> carrier-a",
            "0.486s 200 for REGISTER <- carrier-a",
            "0.486s registration at carrier-a: Held",
            "31.551s REGISTER -> carrier-b",
            "31.551s 407 for REGISTER <- carrier-b",
            "31.551s REGISTER -> carrier-b",
            "31.551s 200 for REGISTER <- carrier-b",
            "31.551s registration at carrier-a: Held",
        ],
    );
}
