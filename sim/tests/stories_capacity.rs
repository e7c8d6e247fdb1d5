//! Stories: what is full is passed by, and tried last.

mod told;

use router::Plan;
use router::load::{Counted, Limit};
use router::plan::{Course, Limited};
use router::target::{CarrierId, PeerId};
use sim::manner::Manner;
use sim::story::{caller, caller_at, story};
use sim::town::{
    self, ANA_TARGET, ANSWERING_TARGET, OFFICE_TARGET, ana_then_answering, office_then_answering,
};
use told::{ms, tells};

fn limited(mut plan: Plan, limited: Limited, of: Counted, channels: u32) -> Plan {
    plan.limits.insert(limited, Limit { of, channels: Some(channels), cps: None });
    plan
}

/// The first carrier takes one call at once.
fn one_channel(plan: Plan) -> Plan {
    limited(plan, Limited::Carrier(CarrierId(0)), Counted::Carrier("carrier-a".into()), 1)
}

/// The office takes one call at once, whichever of its machines has it.
fn one_line(plan: Plan) -> Plan {
    limited(plan, Limited::Target(OFFICE_TARGET), Counted::Target("office".into()), 1)
}

#[test]
fn the_second_trunk_is_tried_when_the_first_is_full_and_the_first_again_after_a_bye() {
    let manners = [("ana", Manner::says(0, 1000))];
    let callers = [caller(), caller_at(ms(2_000)), caller_at(ms(11_500))];
    tells(
        &story(one_channel(ana_then_answering()), &manners, &callers),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- ana by carrier-a",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> carrier-a",
            "2.000s call 2 INVITE <- caller",
            "2.000s call 2 INVITE -> ana by carrier-b",
            "2.000s call 2 180 <- ana by carrier-b",
            "2.000s call 2 180 -> caller",
            "3.000s call 2 200 <- ana by carrier-b",
            "3.000s call 2 200 -> caller",
            "3.000s call 2 ACK -> carrier-b",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> carrier-a",
            "11.500s call 3 INVITE <- caller",
            "11.500s call 3 INVITE -> ana by carrier-a",
            "11.500s call 3 180 <- ana by carrier-a",
            "11.500s call 3 180 -> caller",
            "12.500s call 3 200 <- ana by carrier-a",
            "12.500s call 3 200 -> caller",
            "12.500s call 3 ACK -> carrier-a",
            "13.000s call 2 BYE <- caller",
            "13.000s call 2 BYE -> carrier-b",
            "22.500s call 3 BYE <- caller",
            "22.500s call 3 BYE -> carrier-a",
        ],
    );
}

#[test]
fn a_leg_that_rings_is_a_channel_too_and_one_that_was_refused_is_none() {
    let manners =
        [("ana", Manner::RingRefuse { after: ms(3_000), status: 486 }), ("answering", Manner::says(0, 500))];
    let callers = [caller(), caller_at(ms(1_000)), caller_at(ms(5_000))];
    tells(
        &story(one_channel(ana_then_answering()), &manners, &callers),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "1.000s call 2 INVITE <- caller",
            "1.000s call 2 INVITE -> ana by carrier-b",
            "1.000s call 2 180 <- ana by carrier-b",
            "1.000s call 2 180 -> caller",
            "3.000s call 1 486 <- ana by carrier-a",
            "3.000s call 1 INVITE -> answering",
            "3.000s call 1 180 <- answering",
            "3.000s call 1 180 -> caller",
            "3.500s call 1 200 <- answering",
            "3.500s call 1 200 -> caller",
            "3.500s call 1 ACK -> answering",
            "4.000s call 2 486 <- ana by carrier-b",
            "4.000s call 2 INVITE -> answering",
            "4.000s call 2 180 <- answering",
            "4.000s call 2 180 -> caller",
            "4.500s call 2 200 <- answering",
            "4.500s call 2 200 -> caller",
            "4.500s call 2 ACK -> answering",
            "5.000s call 3 INVITE <- caller",
            "5.000s call 3 INVITE -> ana by carrier-a",
            "5.000s call 3 180 <- ana by carrier-a",
            "5.000s call 3 180 -> caller",
            "8.000s call 3 486 <- ana by carrier-a",
            "8.000s call 3 INVITE -> answering",
            "8.000s call 3 180 <- answering",
            "8.000s call 3 180 -> caller",
            "8.500s call 3 200 <- answering",
            "8.500s call 3 200 -> caller",
            "8.500s call 3 ACK -> answering",
            "13.500s call 1 BYE <- caller",
            "13.500s call 1 BYE -> answering",
            "14.500s call 2 BYE <- caller",
            "14.500s call 2 BYE -> answering",
            "18.500s call 3 BYE <- caller",
            "18.500s call 3 BYE -> answering",
        ],
    );
}

#[test]
fn when_everybody_in_the_step_is_full_the_full_list_is_walked() {
    let mut plan = one_line(town::town());
    plan.courses =
        vec![Course { full: Some(vec![town::step(&[ANSWERING_TARGET], 9)]), ..plan.courses[0].clone() }];
    let manners = [
        ("office", Manner::says(0, 500)),
        ("answering", Manner::says(0, 500)),
        ("ana", Manner::says(0, 500)),
    ];
    tells(
        &story(plan, &manners, &[caller(), caller_at(ms(1_000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "0.500s call 1 200 <- office",
            "0.500s call 1 200 -> caller",
            "0.500s call 1 ACK -> office",
            "1.000s call 2 INVITE <- caller",
            "1.000s call 2 INVITE -> answering",
            "1.000s call 2 180 <- answering",
            "1.000s call 2 180 -> caller",
            "1.500s call 2 200 <- answering",
            "1.500s call 2 200 -> caller",
            "1.500s call 2 ACK -> answering",
            "10.500s call 1 BYE <- caller",
            "10.500s call 1 BYE -> office",
            "11.500s call 2 BYE <- caller",
            "11.500s call 2 BYE -> answering",
        ],
    );
}

#[test]
fn what_is_full_is_tried_last_and_never_refused() {
    let manners = [("office", Manner::says(0, 500)), ("answering", Manner::refuses(486))];
    tells(
        &story(one_line(office_then_answering()), &manners, &[caller(), caller_at(ms(1_000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "0.500s call 1 200 <- office",
            "0.500s call 1 200 -> caller",
            "0.500s call 1 ACK -> office",
            "1.000s call 2 INVITE <- caller",
            "1.000s call 2 INVITE -> answering",
            "1.000s call 2 486 <- answering",
            "1.000s call 2 INVITE -> office",
            "1.000s call 2 180 <- office",
            "1.000s call 2 180 -> caller",
            "1.500s call 2 200 <- office",
            "1.500s call 2 200 -> caller",
            "1.500s call 2 ACK -> office",
            "10.500s call 1 BYE <- caller",
            "10.500s call 1 BYE -> office",
            "11.500s call 2 BYE <- caller",
            "11.500s call 2 BYE -> office",
        ],
    );
}

#[test]
fn calls_that_come_too_fast_for_a_trunk_go_by_the_next() {
    let mut plan = town::town_with(vec![town::step(&[ANA_TARGET], 1)]);
    let of = Counted::Peer("carrier-a".into());
    plan.limits.insert(Limited::Peer(PeerId(2)), Limit { of, channels: None, cps: Some(1) });
    let manners = [("ana", Manner::RingRefuse { after: ms(100), status: 486 })];
    tells(
        &story(plan, &manners, &[caller(), caller_at(ms(500)), caller_at(ms(1_600))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.100s call 1 486 <- ana by carrier-a",
            "0.100s call 1 486 -> caller",
            "0.500s call 2 INVITE <- caller",
            "0.500s call 2 INVITE -> ana by carrier-b",
            "0.500s call 2 180 <- ana by carrier-b",
            "0.500s call 2 180 -> caller",
            "0.600s call 2 486 <- ana by carrier-b",
            "0.600s call 2 486 -> caller",
            "1.600s call 3 INVITE <- caller",
            "1.600s call 3 INVITE -> ana by carrier-a",
            "1.600s call 3 180 <- ana by carrier-a",
            "1.600s call 3 180 -> caller",
            "1.700s call 3 486 <- ana by carrier-a",
            "1.700s call 3 486 -> caller",
        ],
    );
}
