//! Stories: calls over connections that end. The network takes no time here.

mod told;

use core::time::Duration;
use router::{Plan, Transport};
use sim::manner::Manner;
use sim::story::{caller, story_over_streams};
use sim::town::{OFFICE, OFFICE_HOST, one_address_then_answering};
use sim::world::Move;
use told::{ms, tells};

/// The office by one address, and over TCP; then the answering service.
fn plan() -> Plan {
    let mut plan = one_address_then_answering();
    for peer in plan.peers.iter_mut().filter(|peer| &*peer.name == "office") {
        peer.transport = Some(Transport::Tcp);
    }
    plan
}

/// What happens to a call to the office whose phone rings at once and is answered after `answers`.
fn told(answers: u64, moves: &[(Duration, Move)]) -> Vec<String> {
    let manners = [("office", Manner::says(0, answers)), ("answering", Manner::says(0, 1000))];
    story_over_streams(plan(), &manners, &[caller()], moves, &[OFFICE])
}

/// The first lines of every story here.
const BEGUN: [&str; 4] = [
    "0.000s call 1 INVITE <- caller",
    "0.000s call 1 INVITE -> office",
    "0.000s call 1 180 <- office",
    "0.000s call 1 180 -> caller",
];

/// The last lines of a call that the answering service has at this second.
const ANSWERED_ELSEWHERE: [&str; 6] = [
    "3.000s call 1 INVITE -> answering",
    "3.000s call 1 180 <- answering",
    "3.000s call 1 180 -> caller",
    "4.000s call 1 200 <- answering",
    "4.000s call 1 200 -> caller",
    "4.000s call 1 ACK -> answering",
];

#[test]
fn a_ringing_phone_behind_a_closed_connection_is_found_again_over_a_new_one() {
    let lines = told(5000, &[(ms(3000), Move::Close(OFFICE))]);
    let answered = [
        "5.000s call 1 200 <- office",
        "5.000s call 1 200 -> caller",
        "5.000s call 1 ACK -> office",
        "15.000s call 1 BYE <- caller",
        "15.000s call 1 BYE -> office",
    ];
    tells(&lines, &[&BEGUN[..], &answered].concat());
}

#[test]
fn a_pbx_that_died_while_it_rang_is_left_at_once() {
    let dead = Move::Place { host: OFFICE_HOST, place: 0, manner: Some(Manner::Icmp) };
    let lines = told(5000, &[(ms(3000), dead), (ms(3000), Move::Close(OFFICE))]);
    let hangs_up = ["14.000s call 1 BYE <- caller", "14.000s call 1 BYE -> answering"];
    tells(&lines, &[&BEGUN[..], &ANSWERED_ELSEWHERE, &hangs_up].concat());
}

#[test]
fn a_connection_that_no_longer_answers_is_left_at_once_and_what_rang_is_cancelled() {
    let lines = told(9000, &[(ms(3000), Move::Stall(OFFICE))]);
    let cancelled = ["3.000s call 1 CANCEL -> office"];
    let hangs_up = ["14.000s call 1 BYE <- caller", "14.000s call 1 BYE -> answering"];
    let mut expected = [&BEGUN[..], &cancelled, &ANSWERED_ELSEWHERE, &hangs_up].concat();
    expected.insert(6, "3.000s call 1 487 <- office");
    tells(&lines, &expected);
}
