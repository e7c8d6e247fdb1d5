//! Stories: what is forged, foreign or too much, and a node that takes no new calls. The network takes no time here.

mod told;

use core::net::SocketAddr;
use router::door::{Effect, Event};
use router::health::Standing;
use router::hours::{Hours, Window};
use router::path::{Flow, Path, Transport};
use router::plan::{Course, CourseId, Member, Step};
use router::target::{PeerHost, Probe, Reach, TargetId, TargetKind};
use router::{Node, Plan};
use sim::Script;
use sim::manner::Manner;
use sim::story::{caller, caller_at, story, story_with};
use sim::town::{
    self, ANSWERING_TARGET, NODE, OFFICE, STRANGER, office_then_answering, one_address_then_answering,
};
use sim::world::Move;
use sip::{Bytes, Message, Time, build};
use std::sync::Arc;
use told::{ms, tells};

#[test]
fn a_draining_node_walks_on_with_the_calls_it_has() {
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 1000))];
    let calls = [Script { reinvite: Some(ms(2000)), ..caller() }, caller_at(ms(3000))];
    let options = format!(
        "OPTIONS sip:{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=o\r\nTo: <sip:{NODE}>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    let moves = [(ms(1000), Move::Drain(0)), (ms(2000), from_a_stranger(options))];
    tells(
        &story_with(one_address_then_answering(), &manners, &calls, &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "3.000s call 2 INVITE <- caller",
            "3.000s call 2 503 -> caller",
            "20.000s call 1 CANCEL -> office",
            "20.000s call 1 INVITE -> answering",
            "20.000s call 1 487 <- office",
            "20.000s call 1 180 <- answering",
            "20.000s call 1 180 -> caller",
            "21.000s call 1 200 <- answering",
            "21.000s call 1 200 -> caller",
            "21.000s call 1 ACK -> answering",
            "23.000s call 1 INVITE <- caller",
            "23.000s call 1 INVITE -> answering",
            "23.000s call 1 200 <- answering",
            "23.000s call 1 200 -> caller",
            "23.000s call 1 ACK -> answering",
            "31.000s call 1 BYE <- caller",
            "31.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_cancel_from_another_address_cancels_nothing() {
    let cancel = format!(
        "CANCEL sip:{0}@{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {1};rport;branch=z9hG4bK0p1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=c0\r\nTo: <sip:{0}@{NODE}>\r\nCall-ID: call-0\r\nCSeq: 101 CANCEL\r\n\
         Content-Length: 0\r\n\r\n",
        town::NUMBER,
        town::PSTN,
    );
    let moves = [(ms(1000), from_a_stranger(cancel))];
    tells(
        &story_with(town::town(), &[("office", Manner::says(0, 3000))], &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 CANCEL <- stranger",
            "1.000s call 1 481 for CANCEL -> stranger",
            "3.000s call 1 200 <- office",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 ACK -> office",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn a_recorded_route_leads_nowhere_after_a_week() {
    let eight_days = 8 * 24 * 3_600_000_000;
    let moves = [(ms(5000), Move::Clock(0, town::TUESDAY_TEN + eight_days))];
    tells(
        &story_with(town::town(), &[("office", Manner::says(0, 1000))], &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- office",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> office",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 481 for BYE -> caller",
        ],
    );
}

#[test]
fn a_recorded_route_leads_its_own_call_along_the_routes_that_are_left_and_no_other_anywhere() {
    let token = token_of("mine").unwrap();
    let bye = |call: &str| {
        from_a_stranger(format!(
            "BYE sip:x@{OFFICE} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\n\
             Route: <sip:{NODE};lr;t={token}>, <sip:{};lr>\r\nFrom: <sip:a@b>;tag=s\r\nTo: <sip:c@d>;tag=2\r\n\
             Call-ID: {call}\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n",
            town::CARRIER_A,
        ))
    };
    let moves = [(ms(1000), bye("mine")), (ms(2000), bye("yours"))];
    tells(
        &story_with(town::town(), &[], &[], &moves),
        &[
            "1.000s BYE <- stranger",
            "1.000s BYE -> carrier-a",
            "1.000s 481 for BYE <- carrier-a",
            "1.000s 481 for BYE -> stranger",
            "2.000s BYE <- stranger",
            "2.000s 481 for BYE -> stranger",
        ],
    );
}

#[test]
fn the_ack_of_an_answer_is_passed_on_even_if_it_bears_the_branch_of_its_invite() {
    let token = token_of("odd").unwrap();
    let ack = format!(
        "ACK sip:x@{OFFICE} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.77.7:5070;rport;branch=z9hG4bKodd\r\n\
         Max-Forwards: 70\r\nRoute: <sip:{NODE};lr;t={token}>\r\nFrom: <sip:a@10.0.77.7>;tag=s\r\n\
         To: <sip:{}@{NODE}>;tag=h3n1f0\r\nCall-ID: odd\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        town::NUMBER
    );
    let moves = [(ms(0), from_a_stranger(invite("odd"))), (ms(1200), from_a_stranger(ack))];
    tells(
        &story_with(town::town(), &[("office", Manner::says(0, 1000))], &[], &moves),
        &[
            "0.000s INVITE <- stranger",
            "0.000s INVITE -> office",
            "0.000s 180 <- office",
            "0.000s 180 -> stranger",
            "1.000s 200 <- office",
            "1.000s 200 -> stranger",
            "1.200s ACK -> office",
        ],
    );
}

#[test]
fn responses_go_where_the_request_came_from_and_a_call_is_forgotten_in_the_end() {
    let moves = [(ms(0), from_a_stranger(invite("nat"))), (ms(60_000), from_a_stranger(invite("nat")))];
    let manners = [
        ("office", Manner::RingRefuse { after: ms(1000), status: 486 }),
        ("answering", Manner::RingRefuse { after: ms(1000), status: 486 }),
    ];
    tells(
        &story_with(one_address_then_answering(), &manners, &[], &moves),
        &[
            "0.000s INVITE <- stranger",
            "0.000s INVITE -> office",
            "0.000s 180 <- office",
            "0.000s 180 -> stranger",
            "1.000s 486 <- office",
            "1.000s INVITE -> answering",
            "1.000s 180 <- answering",
            "1.000s 180 -> stranger",
            "2.000s 486 <- answering",
            "2.000s 486 -> stranger",
            "60.000s INVITE -> office",
            "60.000s 180 <- office",
            "60.000s 180 -> stranger",
            "61.000s 486 <- office",
            "61.000s INVITE -> answering",
            "61.000s 180 <- answering",
            "61.000s 180 -> stranger",
            "62.000s 486 <- answering",
            "62.000s 486 -> stranger",
        ],
    );
}

#[test]
fn a_challenge_and_a_redirection_of_targets_are_not_passed_up() {
    for (one, other) in [(401, 407), (302, 301)] {
        let manners = [("office", Manner::refuses(one)), ("answering", Manner::refuses(other))];
        tells(
            &story(one_address_then_answering(), &manners, &[caller()]),
            &[
                "0.000s call 1 INVITE <- caller",
                "0.000s call 1 INVITE -> office",
                &format!("0.000s call 1 {one} <- office"),
                "0.000s call 1 INVITE -> answering",
                &format!("0.000s call 1 {other} <- answering"),
                "0.000s call 1 500 -> caller",
            ],
        );
    }
}

#[test]
fn a_call_that_nobody_can_be_rung_for_is_left_to_the_carrier() {
    let mut plan = town::town_with(vec![town::step(&[town::OFFICE_TARGET], 1)]);
    for peer in plan.peers.iter_mut().take(2) {
        peer.host = PeerHost::Name("pbx.example.net".into());
    }
    tells(&story(plan, &[], &[caller()]), &["0.000s call 1 INVITE <- caller", "0.000s call 1 503 -> caller"]);
}

#[test]
fn a_call_has_twenty_legs_and_no_more() {
    let steps = (4..16).map(|target| town::step(&[TargetId(target)], target)).collect();
    let lines = story(twelve(steps), &[], &[caller()]);
    let legs = lines.iter().filter(|line| line.contains("INVITE -> carrier-")).count();
    assert_eq!((legs, lines.last().map(String::as_str)), (20, Some("0.000s call 1 404 -> caller")));
}

#[test]
fn ten_legs_ring_at_once_and_no_more() {
    let members: Vec<TargetId> = (4..16).map(TargetId).collect();
    let manners =
        [("carrier-a", Manner::Ring { after: ms(0) }), ("carrier-b", Manner::Ring { after: ms(0) })];
    let lines = story(twelve(vec![town::step(&members, 1)]), &manners, &[caller()]);
    let at_once = |line: &&String| line.starts_with("0.000s") && line.contains("INVITE -> carrier-");
    assert_eq!(lines.iter().filter(at_once).count(), 10);
    let later: Vec<&String> = lines.iter().filter(|line| line.starts_with("20.000s call 1 INVITE")).collect();
    assert_eq!(later.len(), 2, "{lines:#?}");
}

#[test]
fn a_walk_ends_after_three_minutes() {
    let steps = (4..16).map(|target| town::step(&[TargetId(target)], target)).collect();
    let manners = [("carrier-a", Manner::Ring { after: ms(0) })];
    let lines = story(twelve(steps), &manners, &[caller()]);
    let is_leg = |line: &&String| line.contains("INVITE -> carrier-a");
    let legs: Vec<&str> = lines.iter().filter(is_leg).map(|line| line.split('s').next().unwrap()).collect();
    let times = ["0.000", "20.000", "40.000", "60.000", "80.000", "100.000", "120.000", "140.000", "160.000"];
    assert_eq!(legs, times, "{lines:#?}");
    let last: Vec<&String> = lines.iter().filter(|line| line.starts_with("180.000s")).collect();
    let lines = ["CANCEL -> carrier-a", "480 -> caller", "487 <- carrier-a"];
    assert_eq!(last, lines.map(|line| format!("180.000s call 1 {line}")).iter().collect::<Vec<_>>());
}

#[test]
fn hours_are_judged_once_in_a_call() {
    let mut plan = town::town();
    let first_minute = Hours { windows: vec![Window { days: 0x7f, from: 600, to: 601 }], ..Hours::default() };
    let inner = Step { members: vec![Member::Course(CourseId(1))], ..town::step(&[], 2) };
    plan.courses = vec![
        town::course("main", vec![town::step(&[town::OFFICE_TARGET], 1), inner]),
        Course {
            hours: Some(first_minute),
            closed: Some(vec![town::step(&[town::BEN_TARGET], 8)]),
            ..town::course("inner", vec![town::step(&[ANSWERING_TARGET], 9)])
        },
    ];
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 1000))];
    tells(
        &story(plan, &manners, &[caller_at(ms(50_000))]),
        &[
            "50.000s call 1 INVITE <- caller",
            "50.000s call 1 INVITE -> office",
            "50.000s call 1 180 <- office",
            "50.000s call 1 180 -> caller",
            "70.000s call 1 CANCEL -> office",
            "70.000s call 1 INVITE -> answering",
            "70.000s call 1 487 <- office",
            "70.000s call 1 180 <- answering",
            "70.000s call 1 180 -> caller",
            "71.000s call 1 200 <- answering",
            "71.000s call 1 200 -> caller",
            "71.000s call 1 ACK -> answering",
            "81.000s call 1 BYE <- caller",
            "81.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn an_answer_to_a_probe_counts_only_from_whom_was_probed() {
    let mut plan = office_then_answering();
    plan.peers[0].probe = Some(Probe::every(ms(5000)));
    let mut node = Node::new(town::identity(1), Arc::new(plan), Time::ZERO);
    let mut out = Vec::new();
    node.handle(Time::ZERO, Event::Tick, &mut out);
    let probe = out.iter().find_map(|effect| sent(effect, "OPTIONS ")).expect("a probe");
    let probe = Message::parse(probe).expect("a message");
    let answer = build::response(&probe, NODE, 200, "OK", build::Extra { to_tag: b"p", lines: b"" });
    let mut standing_after = |from| {
        node.handle(Time::ZERO, Event::Received { flow: flow(from), bytes: answer.clone() }, &mut out);
        node.beliefs().find(|(path, ..)| path.remote == OFFICE).map(|(_, standing, _)| standing)
    };
    assert_eq!(standing_after(STRANGER), Some(Standing::Unknown));
    assert_eq!(standing_after(OFFICE), Some(Standing::Up));
}

#[test]
fn an_answer_counts_only_with_the_branch_and_the_call_it_was_asked_for() {
    let mut node = Node::new(town::identity(1), Arc::new(town::town()), Time::ZERO);
    let mut out = Vec::new();
    let bytes = invite("asked").into_bytes().into();
    node.handle(Time::ZERO, Event::Received { flow: flow(STRANGER), bytes }, &mut out);
    let leg = out.iter().find_map(|effect| sent(effect, "INVITE ")).unwrap();
    let leg = Message::parse(leg).unwrap();
    let answer = build::response(&leg, NODE, 200, "OK", build::Extra { to_tag: b"o", lines: b"" });
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let branch = leg.top_via().map(|via| String::from_utf8_lossy(via.branch()).into_owned()).unwrap();
    let (start, end) = branch.split_at(branch.len() - 1);
    let forged = answer.replacen(&branch, &format!("{start}{}", if end == "0" { "1" } else { "0" }), 1);
    let foreign = answer.replacen("Call-ID: asked", "Call-ID: other", 1);
    let mut told_by = |answer: &str| {
        out.clear();
        let bytes = answer.as_bytes().into();
        node.handle(Time::ZERO, Event::Received { flow: flow(OFFICE), bytes }, &mut out);
        out.iter().filter(|effect| sent(effect, "SIP/2.0 200").is_some()).count()
    };
    assert_eq!([&forged, &foreign, &answer].map(|answer| told_by(answer)), [0, 0, 1]);
}

/// Twelve people whom both carriers call unknown, as targets 4 to 15.
fn twelve(steps: Vec<Step>) -> Plan {
    let mut plan = town::town_with(steps);
    let reach = |place| Reach::Number(format!("+150355502{place:02}").into());
    plan.targets.extend((4..16).map(|place| town::target("somebody", TargetKind::Person, reach(place))));
    plan
}

/// An INVITE whose Via and Contact name other addresses than the one it comes from.
fn invite(call: &str) -> String {
    format!(
        "INVITE sip:{0}@{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.77.7:5070;rport;branch=z9hG4bK{call}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@10.0.77.7>;tag=s\r\nTo: <sip:{0}@{NODE}>\r\nCall-ID: {call}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:a@10.0.77.8>\r\nContent-Length: 0\r\n\r\n",
        town::NUMBER
    )
}

/// What the node records for a call of a stranger.
fn token_of(call: &str) -> Option<String> {
    let mut node = Node::new(town::identity(2), Arc::new(town::town()), Time::ZERO);
    let mut out = Vec::new();
    let bytes = invite(call).into_bytes().into();
    node.handle(Time::ZERO, Event::Received { flow: flow(STRANGER), bytes }, &mut out);
    let leg = out.iter().find_map(|effect| sent(effect, "INVITE "))?;
    let leg = String::from_utf8_lossy(&leg);
    let (_, rest) = leg.split_once(";t=")?;
    rest.split_once('>').map(|(token, _)| token.to_owned())
}

fn sent(effect: &Effect, start: &str) -> Option<Bytes> {
    match effect {
        Effect::Send { bytes, .. } => bytes.starts_with(start.as_bytes()).then(|| bytes.clone()),
        Effect::Resolve { .. } | Effect::Record(_) => None,
    }
}

fn flow(remote: SocketAddr) -> Flow {
    Flow { path: Path { transport: Transport::Udp, local: 0, remote }, connection: 0 }
}

fn from_a_stranger(text: String) -> Move {
    Move::Inject { from: STRANGER, to: NODE, bytes: text.into_bytes().into() }
}
