//! Stories: calls that come back. A phone that is rung for a number of ours is forwarded to one of our numbers (C31). The
//! network takes no time here.

mod told;

use core::time::Duration;
use router::Plan;
use router::plan::CourseId;
use router::presentation::{Diverts, Form, Presentation, Who};
use sim::caller::Script;
use sim::manner::Manner;
use sim::story::{alarming, caller, caller_at, story};
use sim::town::{
    self, ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, CARRIER_B, NODE, NUMBER, OFFICE_TARGET,
    ana_then_answering, step, town_with,
};
use sim::world::Move;
use std::sync::Arc;
use told::{ms, tells};

const OTHER: &str = "+15035550199";

/// Forwarded to the number that was called.
const fn back(keeps: bool) -> Manner {
    Manner::Forwards { to: NUMBER, keeps }
}

/// Both mobiles together, then the answering service.
fn mobiles_then_answering() -> Plan {
    town_with(vec![step(&[ANA_TARGET, BEN_TARGET], 1), step(&[ANSWERING_TARGET], 2)])
}

/// Ana, and nobody else.
fn ana_alone() -> Plan {
    town_with(vec![step(&[ANA_TARGET], 1)])
}

#[test]
fn a_mobile_that_is_forwarded_back_is_found_out_at_once_where_its_carrier_keeps_our_mark() {
    let manners = [("ana", back(true)), ("answering", Manner::says(0, 1000))];
    tells(
        &alarming(ana_then_answering(), &manners, &[caller()], &[]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s 482 -> carrier-a",
            "0.000s call 1 482 <- ana by carrier-a",
            "0.000s carrier-a sends calls round in a circle: 482 (+15035550111)",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 180 <- answering",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- answering",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> answering",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_call_that_comes_back_without_any_mark_rings_no_mobile_again() {
    let manners = [("ana", back(false)), ("answering", Manner::says(0, 1000))];
    tells(
        &alarming(ana_then_answering(), &manners, &[caller()], &[]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s rings no phone numbers: came back",
            "0.000s INVITE -> answering",
            "0.000s 180 <- answering",
            "0.000s 180 -> carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "1.000s 200 <- answering",
            "1.000s 200 -> carrier-a",
            "1.000s call 1 200 <- ana by carrier-a",
            "1.000s call 1 200 -> caller",
            "1.000s ACK -> answering",
            "1.000s call 1 ACK -> carrier-a",
            "11.000s BYE <- carrier-a",
            "11.000s call 1 BYE <- caller",
            "11.000s BYE -> answering",
            "11.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn two_mobiles_that_are_forwarded_back_make_two_calls_and_no_storm() {
    let manners = [("ana", back(false)), ("ben", back(false)), ("answering", Manner::says(0, 1000))];
    let lines = story(mobiles_then_answering(), &manners, &[caller()]);
    let invites = |to: &str| lines.iter().filter(|line| line.contains(&format!("INVITE {to}"))).count();
    assert_eq!((invites("<- carrier-a"), invites("-> ana"), invites("-> ben")), (2, 1, 1), "{lines:#?}");
}

#[test]
fn a_call_that_comes_back_to_mobiles_alone_is_refused_as_a_loop() {
    tells(
        &story(ana_alone(), &[("ana", back(false))], &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s 482 -> carrier-a",
            "0.000s call 1 482 <- ana by carrier-a",
            "0.000s call 1 482 -> caller",
        ],
    );
}

#[test]
fn a_mobile_may_be_forwarded_to_another_number_of_ours_and_from_there_to_a_mobile() {
    let mut plan = ana_then_answering();
    plan.courses.push(town::course("desk", vec![step(&[BEN_TARGET], 3)]));
    plan.numbers.insert(OTHER.into(), CourseId(1));
    let ana = Manner::Forwards { to: OTHER, keeps: true };
    tells(
        &story(plan, &[("ana", ana), ("ben", Manner::says(0, 1000))], &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s INVITE -> ben by carrier-a",
            "0.000s 180 <- ben by carrier-a",
            "0.000s 180 -> carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "1.000s 200 <- ben by carrier-a",
            "1.000s 200 -> carrier-a",
            "1.000s call 1 200 <- ana by carrier-a",
            "1.000s call 1 200 -> caller",
            "1.000s ACK -> carrier-a",
            "1.000s call 1 ACK -> carrier-a",
            "11.000s BYE <- carrier-a",
            "11.000s call 1 BYE <- caller",
            "11.000s BYE -> carrier-a",
            "11.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn a_circle_by_two_numbers_of_ours_ends_where_it_began() {
    let mut plan = ana_alone();
    plan.courses.push(town::course("desk", vec![step(&[BEN_TARGET], 3)]));
    plan.numbers.insert(OTHER.into(), CourseId(1));
    let ana = Manner::Forwards { to: OTHER, keeps: true };
    tells(
        &story(plan, &[("ana", ana), ("ben", back(true))], &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s INVITE -> ben by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s 482 -> carrier-a",
            "0.000s 482 <- ben by carrier-a",
            "0.000s 482 -> carrier-a",
            "0.000s call 1 482 <- ana by carrier-a",
            "0.000s call 1 482 -> caller",
        ],
    );
}

#[test]
fn where_mobiles_see_our_number_a_call_of_our_number_is_the_one_that_comes_back() {
    let mut plan = ana_alone();
    let form = Form { who: Who::Called, diverts: Diverts::Nothing };
    for peer in plan.peers.iter_mut().filter(|peer| &*peer.name == "carrier-a") {
        peer.presentation = Some(Arc::new(Presentation { form: form.clone(), trusted: false }));
    }
    tells(
        &story(plan, &[("ana", back(false))], &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s INVITE <- carrier-a",
            "0.000s 482 -> carrier-a",
            "0.000s call 1 482 <- ana by carrier-a",
            "0.000s call 1 482 -> caller",
        ],
    );
}

#[test]
fn a_call_that_was_forwarded_five_times_rings_the_office_and_no_mobile() {
    let often = Script {
        extra: "Diversion: <sip:+15550002000@a.example>;reason=no-answer;counter=5\r\n",
        ..caller()
    };
    let plan = town_with(vec![step(&[OFFICE_TARGET], 1), step(&[ANA_TARGET], 2)]);
    let manners =
        [("office", Manner::RingRefuse { after: ms(1000), status: 480 }), ("ana", Manner::says(0, 1000))];
    tells(
        &alarming(plan, &manners, &[often], &[]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s rings no phone numbers: forwarded too often",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 480 <- office",
            "1.000s call 1 480 -> caller",
        ],
    );
}

#[test]
fn a_caller_who_calls_again_rings_no_mobile_until_twenty_seconds_are_over_or_his_first_call() {
    let calls = [caller(), again(ms(17_999)), again(ms(20_000))];
    let lines = story(ana_alone(), &[("ana", Manner::Ring { after: ms(0) })], &calls);
    let refused = |line: &&String| line.contains("INVITE -> ana") || line.contains(" 482 ");
    let told: Vec<&String> = lines.iter().filter(refused).collect();
    let expected = [
        "0.000s call 1 INVITE -> ana by carrier-a",
        "17.999s call 2 482 -> caller",
        "20.000s call 3 INVITE -> ana by carrier-a",
    ];
    assert_eq!(told, expected);
    let answers = [("ana", Manner::says(0, 1000))];
    let lines = story(ana_alone(), &answers, &[caller(), again(ms(2_000))]);
    assert!(lines.iter().any(|line| line.starts_with("2.000s call 2 INVITE -> ana")), "{lines:#?}");
}

/// Another call by the first caller.
const fn again(at: Duration) -> Script {
    Script { caller: Some("5550001000"), ..caller_at(at) }
}

#[test]
fn the_same_call_by_another_way_is_none_that_came_back() {
    let copy = format!(
        "INVITE sip:{NUMBER}@{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER_B};rport;branch=z9hG4bKfork\r\nMax-Forwards: 70\r\n\
         From: <sip:+15550001000@a.example>;tag=c0\r\nTo: <sip:{NUMBER}@{NODE}>\r\nCall-ID: call-0\r\nCSeq: 101 INVITE\r\n\
         Contact: <sip:a@{CARRIER_B}>\r\nContent-Length: 0\r\n\r\n"
    );
    let fork = Move::Inject { from: CARRIER_B, to: NODE, bytes: copy.into_bytes().into() };
    let ringing = [("ana", Manner::Ring { after: ms(0) })];
    let lines = alarming(ana_alone(), &ringing, &[caller()], &[(ms(1_000), fork)]);
    assert!(lines.iter().any(|line| line.starts_with("1.000s call 1 INVITE -> ana")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("no phone numbers")), "{lines:#?}");
}
