//! Stories: an office that says where else somebody is (3xx). Followed is what the plan allows, twice and no more. The
//! network takes no time here.

mod told;

use router::Plan;
use router::target::{Peer, PeerId, PeerKind};
use sim::manner::Manner;
use sim::story::{alarming, caller, caller_at, story};
use sim::town::{CARRIER_A, CARRIER_B, OFFICE_TARGET, one_address_then_answering, peer, step};
use told::{ms, tells};

/// A redirection there.
const fn moved(contact: &'static str) -> Manner {
    Manner::Refuse { after: ms(0), status: 302, extra: contact }
}

const TO_OFFICE: Manner = moved("Contact: <sip:desk@10.0.3.1:5060>\r\n");
const TO_OFFICE_2: Manner = moved("Contact: <sip:desk@10.0.3.2>;q=0.5, <sip:desk@10.0.3.9>\r\n");
const TO_THIRD: Manner = moved("Contact: sip:desk@10.0.1.1\r\n");
const TO_FOURTH: Manner = moved("Contact: \"Desk\" <sip:desk@10.0.2.1:5060>;expires=60\r\n");

/// The office by one address, whose redirections may lead to three more; then the answering service.
fn plan() -> Plan {
    let mut plan = one_address_then_answering();
    let first = PeerId(u32::try_from(plan.peers.len()).unwrap_or_default());
    plan.peers.push(peer("office/follow/2", PeerKind::Site, CARRIER_A));
    plan.peers.push(peer("office/follow/3", PeerKind::Site, CARRIER_B));
    let follow = vec![PeerId(1), first, PeerId(first.0 + 1)];
    let leads = |(at, peer): (usize, &mut Peer)| {
        if at < 2 || at >= first.0 as usize {
            peer.follow.clone_from(&follow);
        }
    };
    plan.peers.iter_mut().enumerate().for_each(leads);
    plan
}

/// The answering service has the call, which came to it at once.
const ANSWERED_ELSEWHERE: [&str; 8] = [
    "0.000s call 1 INVITE -> answering",
    "0.000s call 1 180 <- answering",
    "0.000s call 1 180 -> caller",
    "1.000s call 1 200 <- answering",
    "1.000s call 1 200 -> caller",
    "1.000s call 1 ACK -> answering",
    "11.000s call 1 BYE <- caller",
    "11.000s call 1 BYE -> answering",
];

#[test]
fn a_redirection_is_followed_and_the_next_one_too() {
    let manners = [("office", TO_OFFICE_2), ("office-2", TO_FOURTH), ("carrier-b", Manner::says(0, 1000))];
    let expected = [
        "0.000s call 1 INVITE <- caller",
        "0.000s call 1 INVITE -> office",
        "0.000s call 1 302 <- office",
        "0.000s call 1 INVITE -> office-2",
        "0.000s call 1 302 <- office-2",
        "0.000s call 1 INVITE -> carrier-b",
        "0.000s call 1 180 <- carrier-b",
        "0.000s call 1 180 -> caller",
        "1.000s call 1 200 <- carrier-b",
        "1.000s call 1 200 -> caller",
        "1.000s call 1 ACK -> carrier-b",
        "11.000s call 1 BYE <- caller",
        "11.000s call 1 BYE -> carrier-b",
    ];
    tells(&story(plan(), &manners, &[caller()]), &expected);
}

#[test]
fn a_third_redirection_in_a_row_is_not_followed() {
    let manners = [
        ("office", TO_OFFICE_2),
        ("office-2", TO_THIRD),
        ("carrier-a", TO_FOURTH),
        ("answering", Manner::says(0, 1000)),
    ];
    let begun = [
        "0.000s call 1 INVITE <- caller",
        "0.000s call 1 INVITE -> office",
        "0.000s call 1 302 <- office",
        "0.000s call 1 INVITE -> office-2",
        "0.000s call 1 302 <- office-2",
        "0.000s call 1 INVITE -> carrier-a",
        "0.000s call 1 302 <- carrier-a",
    ];
    tells(&story(plan(), &manners, &[caller()]), &[&begun[..], &ANSWERED_ELSEWHERE].concat());
}

#[test]
fn two_that_redirect_to_each_other_are_asked_once_each() {
    let manners = [("office", TO_OFFICE_2), ("office-2", TO_OFFICE), ("answering", Manner::says(0, 1000))];
    let begun = [
        "0.000s call 1 INVITE <- caller",
        "0.000s call 1 INVITE -> office",
        "0.000s call 1 302 <- office",
        "0.000s call 1 INVITE -> office-2",
        "0.000s call 1 302 <- office-2",
    ];
    let mut plan = plan();
    plan.peers[1].follow.push(PeerId(0));
    tells(&story(plan, &manners, &[caller()]), &[&begun[..], &ANSWERED_ELSEWHERE].concat());
}

#[test]
fn a_redirection_to_a_place_that_the_plan_does_not_allow_is_an_alarm_and_the_next_step_comes() {
    let elsewhere = moved("Contact: <sip:desk@10.0.3.9:5060>, <sip:desk@10.0.3.2:5062>, <tel:+1900>\r\n");
    let manners = [("office", elsewhere), ("answering", Manner::says(0, 1000))];
    let begun =
        ["0.000s call 1 INVITE <- caller", "0.000s call 1 INVITE -> office", "0.000s call 1 302 <- office"];
    let lines = alarming(plan(), &manners, &[caller()], &[]);
    let (alarms, told): (Vec<String>, Vec<String>) =
        lines.into_iter().partition(|line| line.contains("sends calls elsewhere (302)"));
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    tells(&told, &[&begun[..], &ANSWERED_ELSEWHERE].concat());
}

/// The fourth call of an office that sends all calls to somebody who is silent, and is down when it comes.
fn fourth(plan: Plan) -> Vec<String> {
    let manners = [("office", TO_FOURTH), ("carrier-b", Manner::Dead), ("answering", Manner::says(0, 1000))];
    let callers = [0, 10_000, 20_000, 30_000].map(|at| caller_at(ms(at)));
    story(plan, &manners, &callers).into_iter().filter(|line| line.contains(" call 4 ")).collect()
}

#[test]
fn a_redirection_to_somebody_who_is_down_is_not_followed_while_others_are_well() {
    let expected = [
        "30.000s call 4 INVITE <- caller",
        "30.000s call 4 INVITE -> office",
        "30.000s call 4 302 <- office",
        "30.000s call 4 INVITE -> answering",
        "30.000s call 4 180 <- answering",
        "30.000s call 4 180 -> caller",
        "31.000s call 4 200 <- answering",
        "31.000s call 4 200 -> caller",
        "31.000s call 4 ACK -> answering",
        "41.000s call 4 BYE <- caller",
        "41.000s call 4 BYE -> answering",
    ];
    tells(&fourth(plan()), &expected);
}

#[test]
fn a_redirection_to_somebody_who_is_down_is_followed_when_nobody_else_is_left() {
    let mut plan = plan();
    plan.courses[0].steps = vec![step(&[OFFICE_TARGET], 1)];
    let expected = [
        "30.000s call 4 INVITE <- caller",
        "30.000s call 4 INVITE -> office",
        "30.000s call 4 302 <- office",
        "30.000s call 4 INVITE -> carrier-b",
        "32.000s call 4 408 -> caller",
    ];
    tells(&fourth(plan), &expected);
}
