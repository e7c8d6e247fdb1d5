//! Stories: hours, health, loops, and what happens to the node itself. The network takes no time here.

mod told;

use router::door::Identity;
use router::hours::{Hours, Window};
use router::plan::{Course, CourseId};
use router::target::Probe;
use sim::Script;
use sim::manner::Manner;
use sim::story::{caller, caller_at, stage, stage_of, story, story_with, tell};
use sim::town::{
    self, ANSWERING_TARGET, NODE, OFFICE, OFFICE_2, STRANGER, office_then_answering,
    one_address_then_answering,
};
use sim::world::Move;
use sip::Time;
use std::sync::Arc;
use told::{ms, tells};

#[test]
fn what_answers_pings_and_no_calls_is_left_as_if_dead() {
    let manners =
        [("office", Manner::Gray), ("office-2", Manner::Gray), ("answering", Manner::says(0, 1000))];
    tells(
        &story(office_then_answering(), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> office-2",
            "2.500s call 1 180 -> caller",
            "4.000s call 1 INVITE -> answering",
            "4.000s call 1 180 <- answering",
            "4.000s call 1 180 -> caller",
            "5.000s call 1 200 <- answering",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 ACK -> answering",
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_destination_whose_every_way_said_to_stay_away_is_asked_in_its_turn() {
    let busy = Manner::Refuse { after: ms(0), status: 503, extra: "Retry-After: 60\r\n" };
    let manners = [
        ("office", busy),
        ("office-2", busy),
        ("answering", Manner::RingRefuse { after: ms(500), status: 480 }),
    ];
    tells(
        &story(office_then_answering(), &manners, &[caller(), caller_at(ms(5000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 503 <- office",
            "0.000s call 1 INVITE -> office-2",
            "0.000s call 1 503 <- office-2",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 180 <- answering",
            "0.000s call 1 180 -> caller",
            "0.500s call 1 480 <- answering",
            "0.500s call 1 480 -> caller",
            "5.000s call 2 INVITE <- caller",
            "5.000s call 2 INVITE -> office",
            "5.000s call 2 503 <- office",
            "5.000s call 2 INVITE -> office-2",
            "5.000s call 2 503 <- office-2",
            "5.000s call 2 INVITE -> answering",
            "5.000s call 2 180 <- answering",
            "5.000s call 2 180 -> caller",
            "5.500s call 2 480 <- answering",
            "5.500s call 2 480 -> caller",
        ],
    );
}

#[test]
fn what_probes_find_dead_is_skipped_and_comes_back() {
    let mut plan = office_then_answering();
    for peer in plan.peers.iter_mut().take(2) {
        peer.probe = Some(Probe { hold: ms(2000), ..Probe::every(ms(5000)) });
    }
    let manners = [("office", Manner::Dead), ("answering", Manner::says(0, 500))];
    let answers = Some(Manner::says(0, 500));
    let host = town::OFFICE_HOST;
    let moves = [(ms(40_000), Move::Place { host, place: 0, manner: answers })];
    tells(
        &story_with(plan, &manners, &[caller_at(ms(30_000)), caller_at(ms(80_000))], &moves),
        &[
            "30.000s call 1 INVITE <- caller",
            "30.000s call 1 INVITE -> answering",
            "30.000s call 1 180 <- answering",
            "30.000s call 1 180 -> caller",
            "30.500s call 1 200 <- answering",
            "30.500s call 1 200 -> caller",
            "30.500s call 1 ACK -> answering",
            "40.500s call 1 BYE <- caller",
            "40.500s call 1 BYE -> answering",
            "80.000s call 2 INVITE <- caller",
            "80.000s call 2 INVITE -> office",
            "80.000s call 2 180 <- office",
            "80.000s call 2 180 -> caller",
            "80.500s call 2 200 <- office",
            "80.500s call 2 200 -> caller",
            "80.500s call 2 ACK -> office",
            "90.500s call 2 BYE <- caller",
            "90.500s call 2 BYE -> office",
        ],
    );
}

#[test]
fn when_all_are_down_all_are_tried_all_the_same() {
    let away = Manner::Refuse { after: ms(0), status: 503, extra: "Retry-After: 60\r\n" };
    let manners = [("office", away), ("office-2", away), ("answering", away)];
    tells(
        &story(office_then_answering(), &manners, &[caller(), caller_at(ms(5000))]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 503 <- office",
            "0.000s call 1 INVITE -> office-2",
            "0.000s call 1 503 <- office-2",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 503 <- answering",
            "0.000s call 1 500 -> caller",
            "5.000s call 2 INVITE <- caller",
            "5.000s call 2 INVITE -> office",
            "5.000s call 2 503 <- office",
            "5.000s call 2 INVITE -> office-2",
            "5.000s call 2 503 <- office-2",
            "5.000s call 2 INVITE -> answering",
            "5.000s call 2 503 <- answering",
            "5.000s call 2 500 -> caller",
        ],
    );
}

#[test]
fn live_within_jumps_to_whoever_must_answer() {
    let mut plan = town::town();
    plan.courses = vec![Course { live_within: ms(7000), ..plan.courses[0].clone() }];
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 1000))];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "7.000s call 1 CANCEL -> office",
            "7.000s call 1 INVITE -> answering",
            "7.000s call 1 487 <- office",
            "7.000s call 1 180 <- answering",
            "7.000s call 1 180 -> caller",
            "8.000s call 1 200 <- answering",
            "8.000s call 1 200 -> caller",
            "8.000s call 1 ACK -> answering",
            "18.000s call 1 BYE <- caller",
            "18.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn outside_the_hours_the_closed_steps_are_walked_at_once() {
    let mut plan = town::town();
    let night =
        Hours { windows: vec![Window { days: 0x7f, from: 20 * 60, to: 21 * 60 }], ..Hours::default() };
    let closed = Some(vec![town::step(&[ANSWERING_TARGET], 9)]);
    plan.courses = vec![Course { hours: Some(night), closed, ..plan.courses[0].clone() }];
    let manners = [("office", Manner::says(0, 1000)), ("answering", Manner::says(0, 1000))];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
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
fn a_call_that_comes_back_for_the_same_number_is_a_loop() {
    let manners = [("office", Manner::Return(town::NUMBER)), ("answering", Manner::says(0, 1000))];
    let plan = one_address_then_answering();
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE <- office",
            "0.000s call 1 482 -> office",
            "0.000s call 1 482 <- office",
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
fn a_call_that_comes_back_for_another_number_is_a_spiral_and_goes_on() {
    let mut plan = one_address_then_answering();
    plan.courses.push(town::course("night", vec![town::step(&[ANSWERING_TARGET], 9)]));
    plan.numbers.insert("+15035550199".into(), CourseId(1));
    let manners = [("office", Manner::Return("+15035550199")), ("answering", Manner::says(0, 1000))];
    tells(
        &story(plan, &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE <- office",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 180 <- answering",
            "0.000s call 1 180 -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- answering",
            "1.000s call 1 200 -> office",
            "1.000s call 1 200 <- office",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> answering",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_call_without_hops_is_refused() {
    let script = Script { hops: 0, ..caller() };
    tells(
        &story(town::town(), &[("office", Manner::says(0, 1000))], &[script]),
        &["0.000s call 1 INVITE <- caller", "0.000s call 1 483 -> caller"],
    );
}

#[test]
fn an_unknown_number_is_refused() {
    let script = Script { number: "+15035550177", ..caller() };
    tells(
        &story(town::town(), &[("office", Manner::says(0, 1000))], &[script]),
        &["0.000s call 1 INVITE <- caller", "0.000s call 1 404 -> caller"],
    );
}

#[test]
fn the_called_side_hangs_up_by_the_recorded_route() {
    let script = Script { talk: None, reinvite: Some(ms(2000)), ..caller() };
    let mut world = stage(town::town(), &[("office", Manner::says(0, 1000))], &[script]);
    world.hosts[town::OFFICE_HOST].places[0].hang_up = Some(ms(5000));
    world.run(Time::ZERO + ms(120_000));
    tells(
        &tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- office",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> office",
            "3.000s call 1 INVITE <- caller",
            "3.000s call 1 INVITE -> office",
            "3.000s call 1 200 <- office",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 ACK -> office",
            "6.000s call 1 BYE <- office",
            "6.000s call 1 BYE -> caller",
        ],
    );
}

#[test]
fn a_node_that_is_killed_takes_no_call_that_is_up_with_it() {
    let moves = [(ms(5000), Move::Crash(0)), (ms(6000), Move::Restart(0))];
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
            "11.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn an_answer_to_a_node_that_was_killed_while_it_rang_reaches_the_caller() {
    let moves = [(ms(2000), Move::Crash(0)), (ms(2500), Move::Restart(0))];
    tells(
        &story_with(town::town(), &[("office", Manner::says(0, 4000))], &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "4.000s call 1 200 <- office",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 ACK -> office",
            "14.000s call 1 BYE <- caller",
            "14.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn the_other_node_behind_the_address_takes_over_what_is_up() {
    let mut world =
        stage(town::town(), &[("office", Manner::says(0, 1000))], &[caller(), caller_at(ms(6000))]);
    world.add_node(town::identity(77), &Arc::new(town::town()));
    world.plan_move(Time::ZERO + ms(5000), Move::Crash(0));
    world.run(Time::ZERO + ms(120_000));
    tells(
        &tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- office",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> office",
            "6.000s call 2 INVITE <- caller",
            "6.000s call 2 INVITE -> office",
            "6.000s call 2 180 <- office",
            "6.000s call 2 180 -> caller",
            "7.000s call 2 200 <- office",
            "7.000s call 2 200 -> caller",
            "7.000s call 2 ACK -> office",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> office",
            "17.000s call 2 BYE <- caller",
            "17.000s call 2 BYE -> office",
        ],
    );
}

#[test]
fn a_node_that_stood_still_goes_on_without_harm() {
    let moves = [(ms(2000), Move::Pause(0)), (ms(12_000), Move::Resume(0))];
    let manners = [("office", Manner::says(0, 4000)), ("answering", Manner::says(0, 1000))];
    tells(
        &story_with(office_then_answering(), &manners, &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "4.000s call 1 200 <- office",
            "12.000s call 1 200 -> caller",
            "12.000s call 1 ACK -> office",
            "22.000s call 1 BYE <- caller",
            "22.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn a_reload_changes_new_calls_and_not_those_under_way() {
    let moves =
        [(ms(1000), Move::Apply(0, Arc::new(town::town_with(vec![town::step(&[ANSWERING_TARGET], 5)]))))];
    let manners = [
        ("office", Manner::Ring { after: ms(0) }),
        ("answering", Manner::says(0, 1000)),
        ("ana", Manner::says(0, 1500)),
    ];
    let calls = [caller(), caller_at(ms(2000))];
    tells(
        &story_with(town::town(), &manners, &calls, &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "2.000s call 2 INVITE <- caller",
            "2.000s call 2 INVITE -> answering",
            "2.000s call 2 180 <- answering",
            "2.000s call 2 180 -> caller",
            "3.000s call 2 200 <- answering",
            "3.000s call 2 200 -> caller",
            "3.000s call 2 ACK -> answering",
            "13.000s call 2 BYE <- caller",
            "13.000s call 2 BYE -> answering",
            "20.000s call 1 CANCEL -> office",
            "20.000s call 1 INVITE -> ana by carrier-a",
            "20.000s call 1 INVITE -> ben by carrier-a",
            "20.000s call 1 487 <- office",
            "20.000s call 1 180 <- ana by carrier-a",
            "20.000s call 1 180 -> caller",
            "21.500s call 1 200 <- ana by carrier-a",
            "21.500s call 1 200 -> caller",
            "21.500s call 1 ACK -> carrier-a",
            "31.500s call 1 BYE <- caller",
            "31.500s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn a_draining_node_refuses_new_calls_and_serves_those_that_are_up() {
    let moves = [(ms(2000), Move::Drain(0))];
    let calls = [caller(), caller_at(ms(3000))];
    tells(
        &story_with(town::town(), &[("office", Manner::says(0, 1000))], &calls, &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- office",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> office",
            "3.000s call 2 INVITE <- caller",
            "3.000s call 2 503 -> caller",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> office",
        ],
    );
}

#[test]
fn a_full_node_refuses_new_calls_until_it_has_forgotten_one_and_serves_those_it_has() {
    let identity = Identity { calls_max: 1, ..town::identity(1) };
    let calls = [caller(), caller_at(ms(500)), caller_at(ms(32_000)), caller_at(ms(34_000))];
    let mut world = stage_of(identity, town::town(), &[("office", Manner::says(0, 1000))], &calls);
    world.run(Time::ZERO + ms(600_000));
    tells(
        &tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "0.500s call 2 INVITE <- caller",
            "0.500s call 2 503 -> caller",
            "1.000s call 1 200 <- office",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> office",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> office",
            "32.000s call 3 INVITE <- caller",
            "32.000s call 3 503 -> caller",
            "34.000s call 4 INVITE <- caller",
            "34.000s call 4 INVITE -> office",
            "34.000s call 4 180 <- office",
            "34.000s call 4 180 -> caller",
            "35.000s call 4 200 <- office",
            "35.000s call 4 200 -> caller",
            "35.000s call 4 ACK -> office",
            "45.000s call 4 BYE <- caller",
            "45.000s call 4 BYE -> office",
        ],
    );
}

#[test]
fn a_clock_that_jumps_moves_no_timer() {
    let moves = [(ms(1000), Move::Clock(0, town::TUESDAY_TEN + 7_200_000_000))];
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 1000))];
    tells(
        &story_with(office_then_answering(), &manners, &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "20.000s call 1 CANCEL -> office",
            "20.000s call 1 INVITE -> answering",
            "20.000s call 1 487 <- office",
            "20.000s call 1 180 <- answering",
            "20.000s call 1 180 -> caller",
            "21.000s call 1 200 <- answering",
            "21.000s call 1 200 -> caller",
            "21.000s call 1 ACK -> answering",
            "31.000s call 1 BYE <- caller",
            "31.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_forged_bye_is_sent_to_nobody() {
    let bye = format!(
        "BYE sip:x@10.0.77.7 SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bKforged\r\nMax-Forwards: 70\r\n\
         Route: <sip:{NODE};lr>\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: forged\r\nCSeq: 1 BYE\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let bytes = bye.into_bytes().into();
    let moves = [(ms(1000), Move::Inject { from: STRANGER, to: NODE, bytes })];
    tells(
        &story_with(town::town(), &[], &[], &moves),
        &["1.000s BYE <- stranger", "1.000s 481 for BYE -> stranger"],
    );
}

#[test]
fn both_addresses_swallow_everything_and_the_next_answers() {
    let moves = [(ms(0), Move::Hole(OFFICE)), (ms(0), Move::Hole(OFFICE_2))];
    let manners = [
        ("office", Manner::says(0, 500)),
        ("office-2", Manner::says(0, 500)),
        ("answering", Manner::says(0, 500)),
    ];
    tells(
        &story_with(office_then_answering(), &manners, &[caller()], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> office-2",
            "2.500s call 1 180 -> caller",
            "4.000s call 1 INVITE -> answering",
            "4.000s call 1 180 <- answering",
            "4.000s call 1 180 -> caller",
            "4.500s call 1 200 <- answering",
            "4.500s call 1 200 -> caller",
            "4.500s call 1 ACK -> answering",
            "14.500s call 1 BYE <- caller",
            "14.500s call 1 BYE -> answering",
        ],
    );
}
