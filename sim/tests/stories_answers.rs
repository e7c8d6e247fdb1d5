//! Stories: answers, cancels and the races between them. The network takes no time here.

mod told;

use sim::manner::Manner;
use sim::story::{caller, impatient, story, story_with};
use sim::town::{
    self, ANA_TARGET, BEN_TARGET, NODE, OFFICE, office_then_answering, one_address_then_answering,
};
use sim::world::Move;
use told::{ms, tells};

#[test]
fn the_first_target_answers() {
    let lines = story(town::town(), &[("office", Manner::says(0, 3000))], &[caller()]);
    tells(
        &lines,
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "3.000s call 1 200 <- office",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 ACK -> office",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn two_rung_together_and_the_first_to_answer_wins() {
    let plan = town::town_with(vec![town::step(&[ANA_TARGET, BEN_TARGET], 1)]);
    let manners = [("ana", Manner::says(0, 5000)), ("ben", Manner::says(100, 4000))];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ben by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.100s call 1 180 <- ben by carrier-a",
            "0.100s call 1 180 -> caller",
            "4.000s call 1 200 <- ben by carrier-a",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 CANCEL -> ana by carrier-a",
            "4.000s call 1 487 <- ana by carrier-a",
            "4.000s call 1 ACK -> carrier-a",
            "14.000s call 1 BYE <- caller",
            "14.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn two_who_answer_at_once_are_both_passed_on() {
    let plan = town::town_with(vec![town::step(&[ANA_TARGET, BEN_TARGET], 1)]);
    let manners = [("ana", Manner::says(0, 4000)), ("ben", Manner::Crossing)];
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
            "4.000s call 1 200 <- ana by carrier-a",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 CANCEL -> ben by carrier-a",
            "4.000s call 1 200 <- ben by carrier-a",
            "4.000s call 1 ACK -> carrier-a",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 BYE <- caller",
            "4.000s call 1 ACK -> carrier-a",
            "4.000s call 1 BYE -> carrier-a",
            "14.000s call 1 BYE <- caller",
            "14.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn a_forking_pbx_with_two_answers_gets_both_through() {
    let manners = [("office", Manner::Twins { answer: ms(2000) })];
    tells(
        &story(town::town(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "2.000s call 1 200 <- office",
            "2.000s call 1 200 -> caller",
            "2.000s call 1 ACK -> office",
            "2.020s call 1 200 <- office",
            "2.020s call 1 200 -> caller",
            "2.020s call 1 BYE <- caller",
            "2.020s call 1 ACK -> office",
            "2.020s call 1 BYE -> office",
            "12.000s call 1 BYE <- caller",
            "12.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn a_caller_who_gives_up_stops_everything() {
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 500))];
    tells(
        &story(office_then_answering(), &manners, &[impatient(ms(5000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "5.000s call 1 CANCEL <- caller",
            "5.000s call 1 CANCEL -> office",
            "5.000s call 1 487 <- office",
            "5.000s call 1 487 -> caller",
        ],
    );
}

#[test]
fn a_caller_who_gives_up_before_anybody_rings_rings_nobody_later() {
    let manners = [("office", Manner::Dead), ("office-2", Manner::Dead), ("answering", Manner::says(0, 500))];
    tells(
        &story(office_then_answering(), &manners, &[impatient(ms(1000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "1.000s call 1 CANCEL <- caller",
            "1.000s call 1 487 -> caller",
        ],
    );
}

#[test]
fn an_answer_that_crosses_the_cancel_reaches_the_caller() {
    let manners = [("office", Manner::Crossing)];
    tells(
        &story(office_then_answering(), &manners, &[impatient(ms(5000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "5.000s call 1 CANCEL <- caller",
            "5.000s call 1 CANCEL -> office",
            "5.000s call 1 200 <- office",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 BYE <- caller",
            "5.000s call 1 ACK -> office",
            "5.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn the_late_answer_of_a_leg_given_up_wins_if_it_is_the_first() {
    let manners = [("office", Manner::Sudden(ms(3000))), ("answering", Manner::Ring { after: ms(0) })];
    let plan = one_address_then_answering();
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> answering",
            "2.000s call 1 180 <- answering",
            "2.000s call 1 180 -> caller",
            "3.000s call 1 200 <- office",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 CANCEL -> answering",
            "3.000s call 1 487 <- answering",
            "3.000s call 1 ACK -> office",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn the_late_answer_of_a_leg_given_up_is_passed_on_after_another() {
    let manners = [("office", Manner::Sudden(ms(6000))), ("answering", Manner::says(0, 1000))];
    let plan = one_address_then_answering();
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> answering",
            "2.000s call 1 180 <- answering",
            "2.000s call 1 180 -> caller",
            "3.000s call 1 200 <- answering",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 ACK -> answering",
            "6.000s call 1 200 <- office",
            "6.000s call 1 200 -> caller",
            "6.000s call 1 BYE <- caller",
            "6.000s call 1 ACK -> office",
            "6.000s call 1 BYE -> office",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn an_answer_in_the_moment_of_the_ring_limit_wins() {
    let manners = [("office", Manner::Crossing), ("answering", Manner::says(0, 1000))];
    tells(
        &story(office_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "20.000s call 1 CANCEL -> office",
            "20.000s call 1 INVITE -> answering",
            "20.000s call 1 200 <- office",
            "20.000s call 1 180 <- answering",
            "20.000s call 1 200 -> caller",
            "20.000s call 1 CANCEL -> answering",
            "20.000s call 1 487 <- answering",
            "20.000s call 1 ACK -> office",
            "30.000s call 1 BYE <- caller",
            "30.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn a_leg_given_up_before_it_said_anything_is_cancelled_when_it_does() {
    let manners = [("office", Manner::Slow(ms(4000))), ("answering", Manner::says(0, 9000))];
    let plan = one_address_then_answering();
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> answering",
            "2.000s call 1 180 <- answering",
            "2.000s call 1 180 -> caller",
            "4.000s call 1 180 <- office",
            "4.000s call 1 CANCEL -> office",
            "4.000s call 1 487 <- office",
            "11.000s call 1 200 <- answering",
            "11.000s call 1 200 -> caller",
            "11.000s call 1 ACK -> answering",
            "21.000s call 1 BYE <- caller",
            "21.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn the_second_path_to_the_same_pbx_finds_the_call_there_already() {
    let manners = [
        ("office", Manner::says(0, 9000)),
        ("office-2", Manner::says(0, 9000)),
        ("answering", Manner::says(0, 1000)),
    ];
    let moves = [(ms(0), Move::Cut(OFFICE, NODE))];
    tells(
        &story_with(office_then_answering(), &manners, &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "2.000s call 1 INVITE -> office-2",
            "2.000s call 1 482 <- office-2",
            "2.000s call 1 INVITE -> answering",
            "2.000s call 1 180 <- answering",
            "2.000s call 1 180 -> caller",
            "3.000s call 1 200 <- answering",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 ACK -> answering",
            "9.000s call 1 200 <- office",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> answering",
            "44.500s call 1 BYE <- office",
        ],
    );
}

#[test]
fn an_answer_without_the_callers_via_fails_the_leg() {
    let manners = [("office", Manner::LostVia { answer: ms(1000) }), ("answering", Manner::says(0, 1000))];
    let plan = one_address_then_answering();
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- office",
            "1.000s call 1 INVITE -> answering",
            "1.000s call 1 180 <- answering",
            "1.000s call 1 180 -> caller",
            "2.000s call 1 200 <- answering",
            "2.000s call 1 200 -> caller",
            "2.000s call 1 ACK -> answering",
            "12.000s call 1 BYE <- caller",
            "12.000s call 1 BYE -> answering",
            "36.500s call 1 BYE <- office",
            "36.500s call 1 BYE -> caller",
            "36.500s call 1 481 for BYE <- caller",
            "36.500s call 1 481 for BYE -> office",
        ],
    );
}

#[test]
fn nobody_at_all_gives_the_best_answer_by_meaning() {
    let manners = [
        ("office", Manner::refuses(404)),
        ("office-2", Manner::refuses(404)),
        ("answering", Manner::RingRefuse { after: ms(1000), status: 486 }),
    ];
    tells(
        &story(office_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 404 <- office",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 180 <- answering",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 486 <- answering",
            "1.000s call 1 486 -> caller",
        ],
    );
}
