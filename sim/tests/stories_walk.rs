//! Stories: how a call goes from target to target. The network takes no time here.

mod told;

use router::Plan;
use router::plan::{Course, Step};
use sim::manner::Manner;
use sim::story::{caller, story};
use sim::town::{self, ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, ana_then_answering, office_then_answering};
use told::{ms, tells};

#[test]
fn a_503_moves_on_at_once() {
    let manners = [
        ("office", Manner::refuses(503)),
        ("office-2", Manner::refuses(503)),
        ("answering", Manner::says(0, 1000)),
    ];
    tells(
        &story(office_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 503 <- office",
            "0.000s call 1 INVITE -> office-2",
            "0.000s call 1 503 <- office-2",
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
fn a_silent_first_hop_costs_two_seconds() {
    let manners = [("office-2", Manner::says(0, 3000))];
    tells(
        &story(town::town(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> office-2",
            "2.000s call 1 180 <- office-2",
            "2.000s call 1 180 -> caller",
            "5.000s call 1 200 <- office-2",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 ACK -> office-2",
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> office-2",
        ],
    );
}

#[test]
fn a_port_without_a_listener_costs_nothing() {
    let manners = [("office", Manner::Icmp), ("office-2", Manner::says(0, 1000))];
    tells(
        &story(town::town(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE -> office-2",
            "0.000s call 1 180 <- office-2",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- office-2",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> office-2",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> office-2",
        ],
    );
}

#[test]
fn a_trunk_that_dies_is_left_for_the_other_carrier() {
    let manners = [("carrier-a", Manner::Dead), ("ana", Manner::says(0, 1000))];
    tells(
        &story(ana_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "2.000s call 1 INVITE -> ana by carrier-b",
            "2.000s call 1 180 <- ana by carrier-b",
            "2.000s call 1 180 -> caller",
            "3.000s call 1 200 <- ana by carrier-b",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 ACK -> carrier-b",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> carrier-b",
        ],
    );
}

#[test]
fn a_trunk_that_only_says_100_is_left_after_its_progress() {
    let manners = [("carrier-a", Manner::Trying), ("ana", Manner::says(0, 1000))];
    tells(
        &story(ana_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "2.500s call 1 180 -> caller",
            "8.000s call 1 CANCEL -> ana by carrier-a",
            "8.000s call 1 INVITE -> ana by carrier-b",
            "8.000s call 1 487 <- ana by carrier-a",
            "8.000s call 1 180 <- ana by carrier-b",
            "8.000s call 1 180 -> caller",
            "9.000s call 1 200 <- ana by carrier-b",
            "9.000s call 1 200 -> caller",
            "9.000s call 1 ACK -> carrier-b",
            "19.000s call 1 BYE <- caller",
            "19.000s call 1 BYE -> carrier-b",
        ],
    );
}

#[test]
fn busy_takes_the_busy_route() {
    let mut plan = town::town();
    plan.courses =
        vec![Course { busy: Some(vec![town::step(&[ANSWERING_TARGET], 9)]), ..plan.courses[0].clone() }];
    let manners = [("office", Manner::refuses(486)), ("answering", Manner::says(0, 1000))];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 486 <- office",
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
fn nobody_home_rings_out_and_the_next_is_rung() {
    let manners = [("office", Manner::Ring { after: ms(100) }), ("answering", Manner::says(0, 1000))];
    tells(
        &story(office_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.100s call 1 180 <- office",
            "0.100s call 1 180 -> caller",
            "20.100s call 1 CANCEL -> office",
            "20.100s call 1 INVITE -> answering",
            "20.100s call 1 487 <- office",
            "20.100s call 1 180 <- answering",
            "20.100s call 1 180 -> caller",
            "21.100s call 1 200 <- answering",
            "21.100s call 1 200 -> caller",
            "21.100s call 1 ACK -> answering",
            "31.100s call 1 BYE <- caller",
            "31.100s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_staggered_step_starts_one_after_the_other() {
    let step = Step { stagger: ms(3000), ..town::step(&[ANA_TARGET, BEN_TARGET], 1) };
    let manners = [("ana", Manner::Ring { after: ms(0) }), ("ben", Manner::says(0, 2000))];
    tells(
        &story(town::town_with(vec![step]), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "3.000s call 1 INVITE -> ben by carrier-a",
            "3.000s call 1 180 <- ben by carrier-a",
            "3.000s call 1 180 -> caller",
            "5.000s call 1 200 <- ben by carrier-a",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 CANCEL -> ana by carrier-a",
            "5.000s call 1 487 <- ana by carrier-a",
            "5.000s call 1 ACK -> carrier-a",
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn a_person_who_declines_ends_only_that_person() {
    let plan =
        town::town_with(vec![town::step(&[ANA_TARGET, BEN_TARGET], 1), town::step(&[ANSWERING_TARGET], 2)]);
    let manners = [
        ("ana", Manner::RingRefuse { after: ms(2000), status: 603 }),
        ("ben", Manner::RingRefuse { after: ms(3000), status: 603 }),
        ("answering", Manner::says(0, 500)),
    ];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ben by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 <- ben by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.000s call 1 180 -> caller",
            "2.000s call 1 603 <- ana by carrier-a",
            "3.000s call 1 603 <- ben by carrier-a",
            "3.000s call 1 INVITE -> answering",
            "3.000s call 1 180 <- answering",
            "3.000s call 1 180 -> caller",
            "3.500s call 1 200 <- answering",
            "3.500s call 1 200 -> caller",
            "3.500s call 1 ACK -> answering",
            "13.500s call 1 BYE <- caller",
            "13.500s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn strict_6xx_ends_the_walk() {
    let plan = Plan { strict_6xx: true, ..ana_then_answering() };
    let manners =
        [("ana", Manner::RingRefuse { after: ms(2000), status: 603 }), ("answering", Manner::says(0, 500))];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s call 1 603 <- ana by carrier-a",
            "2.000s call 1 603 -> caller",
        ],
    );
}

#[test]
fn a_503_of_the_last_target_is_not_passed_up_as_503() {
    let manners = [
        ("office", Manner::refuses(503)),
        ("office-2", Manner::refuses(503)),
        ("answering", Manner::refuses(503)),
    ];
    tells(
        &story(office_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 503 <- office",
            "0.000s call 1 INVITE -> office-2",
            "0.000s call 1 503 <- office-2",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 503 <- answering",
            "0.000s call 1 500 -> caller",
        ],
    );
}

#[test]
fn early_media_then_a_failure_goes_on_to_the_next() {
    let early = Manner::Early { media: ms(500), after: ms(3000), status: 480 };
    let manners = [("ana", early), ("answering", Manner::says(0, 1000))];
    tells(
        &story(ana_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.500s call 1 183 <- ana by carrier-a",
            "0.500s call 1 183 -> caller",
            "3.000s call 1 480 <- ana by carrier-a",
            "3.000s call 1 INVITE -> answering",
            "3.000s call 1 180 <- answering",
            "3.000s call 1 180 -> caller",
            "4.000s call 1 200 <- answering",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 ACK -> answering",
            "14.000s call 1 BYE <- caller",
            "14.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn after_a_silent_office_the_carrier_on_another_fibre_is_taken() {
    let mut plan = town::town();
    for peer in
        plan.peers.iter_mut().filter(|peer| ["office", "office-2", "carrier-a"].contains(&&*peer.name))
    {
        peer.domains = vec!["fibre".into()];
    }
    let manners = [("ana", Manner::says(0, 1000)), ("ben", Manner::Dead)];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> office-2",
            "2.500s call 1 180 -> caller",
            "4.000s call 1 INVITE -> ana by carrier-b",
            "4.000s call 1 INVITE -> ben by carrier-b",
            "4.000s call 1 180 <- ana by carrier-b",
            "4.000s call 1 180 -> caller",
            "5.000s call 1 200 <- ana by carrier-b",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 ACK -> carrier-b",
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> carrier-b",
        ],
    );
}
