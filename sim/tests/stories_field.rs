//! Stories that answer a complaint about other systems and stand nowhere else. The others: of detection (C1 to C3, C5, C6, C10,
//! C11, C14) in `router/src/health/stories.rs`; of names (C4, C9, C19) in `stories_dns`; of accounts (C8, C21) in
//! `stories_accounts`; of a node that is cut off (C13) in `stories_cut_off`; of what codes mean (C22, C23, C24, C27) in
//! `stories_codes` and `stories_walk`; of limits (C28) in `stories_capacity`; of streams (C33) in `stories_streams`; of callers (C40) in
//! `stories_callers`; of loops (C31) and emergencies (C44) in files of their names; of certificates (C42) in the tests of the binary.

mod told;

use core::net::SocketAddr;
use router::door::{CALLS_MAX, Effect, Event, Identity};
use router::path::{Flow, Path, Transport};
use router::plan::{Declined, Step};
use router::target::{PeerHost, Probe};
use router::{Node, Plan};
use sim::caller::Script;
use sim::manner::Manner;
use sim::story::{alarming, caller, caller_at, stage, story, story_with, tell};
use sim::town::{self, ANSWERING_TARGET, NODE, OFFICE, OFFICE_HOST, STRANGER, office_then_answering, step};
use sim::world::Move;
use sip::Time;
use std::sync::Arc;
use told::{ms, tells};

/// The office is probed every second and trusted again after ten.
fn probed() -> Plan {
    let mut plan = office_then_answering();
    for peer in plan.peers.iter_mut().take(2) {
        peer.probe = Some(Probe { hold: ms(10_000), ..Probe::every(ms(1_000)) });
    }
    plan
}

/// What a node says to somebody who asks whether it takes calls.
fn asked(node: &mut Node) -> String {
    let options = format!(
        "OPTIONS sip:{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {OFFICE};rport;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=o\r\nTo: <sip:{NODE}>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    let mut out = Vec::new();
    let bytes = options.into_bytes().into();
    node.handle(Time::ZERO, Event::Received { flow: flow(OFFICE), bytes }, &mut out);
    let said = out.iter().find_map(|effect| match effect {
        Effect::Send { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
        Effect::Resolve { .. } | Effect::Record(_) => None,
    });
    said.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

fn flow(remote: SocketAddr) -> Flow {
    Flow { path: Path { transport: Transport::Udp, local: 0, remote }, connection: 0 }
}

/// C7: a server says 200 to OPTIONS while it cannot take calls.
#[test]
fn c7_we_say_that_we_take_calls_only_while_we_do() {
    let node = |calls_max| {
        let identity = Identity { calls_max, ..town::identity(1) };
        Node::new(identity, Arc::new(office_then_answering()), Time::ZERO)
    };
    let (mut well, mut full) = (node(CALLS_MAX), node(0));
    assert_eq!([asked(&mut well), asked(&mut full)], ["SIP/2.0 200 OK", "SIP/2.0 503 Service Unavailable"]);
    well.handle(Time::ZERO, Event::Drain, &mut Vec::new());
    assert_eq!(asked(&mut well), "SIP/2.0 503 Service Unavailable");
}

/// C7: a prober counts a 503 to OPTIONS as life.
#[test]
fn c7_who_says_503_to_options_is_behind_who_says_200() {
    let manners = [("office", Manner::says(0, 1000)), ("office-2", Manner::says(0, 1000))];
    let mut world = stage(probed(), &manners, &[]);
    for place in world.hosts.iter_mut().flat_map(|host| &mut host.places) {
        place.options = Some(if place.name == "office" { 503 } else { 200 });
    }
    world.add_call(town::PSTN_HOST, 0, caller_at(ms(20_000)));
    world.run(Time::ZERO + ms(100_000));
    let legs: Vec<String> = tell(world).into_iter().filter(|line| line.contains("INVITE ->")).collect();
    tells(&legs, &["20.000s call 1 INVITE -> office-2"]);
}

/// C12: what probes have disabled waits for a human, and when all of them are disabled nobody is rung.
#[test]
fn c12_when_all_are_down_all_are_rung_all_the_same_and_come_back_by_themselves() {
    let dead = |host, place| Move::Place { host, place, manner: Some(Manner::Dead) };
    let back = |host, place| Move::Place { host, place, manner: Some(Manner::says(0, 1000)) };
    let manners = [("office", Manner::says(0, 1000)), ("office-2", Manner::says(0, 1000))];
    let mut plan = probed();
    plan.courses = town::town_with(vec![step(&[town::OFFICE_TARGET], 1)]).courses;
    let moves = [
        (ms(1_000), dead(OFFICE_HOST, 0)),
        (ms(1_000), dead(OFFICE_HOST, 1)),
        (ms(61_000), back(OFFICE_HOST, 0)),
    ];
    let calls = [caller_at(ms(60_000)), caller_at(ms(120_000))];
    let mut lines = alarming(plan, &manners, &calls, &moves);
    lines.retain(|line| ["INVITE", "200 ->", "408", "invariant"].iter().any(|word| line.contains(word)));
    tells(
        &lines,
        &[
            "60.000s call 1 INVITE <- caller",
            "60.000s call 1 INVITE -> office",
            "62.550s call 1 200 -> caller",
            "120.000s call 2 INVITE <- caller",
            "120.000s call 2 INVITE -> office",
            "121.000s call 2 200 -> caller",
        ],
    );
}

/// C20: failback moves half of a call.
#[test]
fn c20_calls_stay_where_they_are_when_the_office_comes_back() {
    let back = Move::Place { host: OFFICE_HOST, place: 0, manner: Some(Manner::says(0, 1000)) };
    let long = Script { talk: Some(ms(90_000)), reinvite: Some(ms(80_000)), ..caller_at(ms(20_000)) };
    let calls = [long, caller_at(ms(90_000))];
    let lines = story_with(probed(), &[("answering", Manner::says(0, 1000))], &calls, &[(ms(30_000), back)]);
    let requests =
        |line: &String| line.contains("INVITE ->") || line.contains("BYE ->") || line.contains("ACK ->");
    tells(
        &lines.into_iter().filter(requests).collect::<Vec<_>>(),
        &[
            "20.000s call 1 INVITE -> answering",
            "21.000s call 1 ACK -> answering",
            "90.000s call 2 INVITE -> office",
            "91.000s call 2 ACK -> office",
            "101.000s call 1 INVITE -> answering",
            "101.000s call 2 BYE -> office",
            "101.000s call 1 ACK -> answering",
            "111.000s call 1 BYE -> answering",
        ],
    );
}

/// C25: trouble inside becomes a 480, on which no carrier goes on to its own next step.
#[test]
fn c25_what_we_cannot_do_is_a_503() {
    let mut plan = office_then_answering();
    for peer in plan.peers.iter_mut().take(5) {
        (peer.port, peer.host) = (None, PeerHost::Name("pbx.example.net".into()));
    }
    tells(&story(plan, &[], &[caller()]), &["0.000s call 1 INVITE <- caller", "0.000s call 1 503 -> caller"]);
}

/// C26: the provider sends a call to its own failover after somebody has declined it, and nobody knew.
#[test]
fn c26_a_decline_goes_where_the_plan_says_and_ends_at_the_carrier_as_a_decline() {
    let declines = [
        ("office", Manner::RingRefuse { after: ms(1000), status: 603 }),
        ("answering", Manner::says(0, 1000)),
    ];
    let end = |declined| {
        let last = step(&[ANSWERING_TARGET], 2);
        let first = Step { declined, ..step(&[town::OFFICE_TARGET], 1) };
        let mut lines = story(town::town_with(vec![first, last]), &declines, &[caller()]);
        lines.retain(|line| line.contains("-> caller") && !line.contains("180"));
        lines
    };
    assert_eq!(end(Declined::Stop), ["1.000s call 1 603 -> caller"]);
    assert_eq!(end(Declined::Next), ["2.000s call 1 200 -> caller"]);
}

/// C7: a stranger that asks hears the same.
#[test]
fn c7_strangers_are_told_the_truth_too() {
    let mut node = Node::new(town::identity(1), Arc::new(office_then_answering()), Time::ZERO);
    node.handle(Time::ZERO, Event::Drain, &mut Vec::new());
    let mut out = Vec::new();
    let options = format!(
        "OPTIONS sip:{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bKs\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=o\r\nTo: <sip:{NODE}>\r\nCall-ID: s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    node.handle(
        Time::ZERO,
        Event::Received { flow: flow(STRANGER), bytes: options.into_bytes().into() },
        &mut out,
    );
    let is_503 =
        |effect: &Effect| matches!(effect, Effect::Send { bytes, .. } if bytes.starts_with(b"SIP/2.0 503"));
    assert!(out.iter().any(is_503));
}
