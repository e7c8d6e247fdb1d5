//! Stories: what is said to the caller before a step. It is heard, nobody has answered, and the call goes on.

mod told;

use agent::guide::{Guide, Role};
use router::plan::Step;
use sim::caller::Script;
use sim::floor::{self, MAILBOX_TARGET, WORD, WORD_TARGET, caller, caller_says};
use sim::manner::Manner;
use sim::town::{ANA_TARGET, ANSWERING_TARGET, OFFICE_TARGET, step};
use sim::voice::Says::Silence;
use sim::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use told::{ms, tells};

/// A step before which something is said.
fn saying(step: Step) -> Step {
    Step { say: Some(WORD_TARGET), ..step }
}

/// Somebody who hears what is said calls a plan with these steps.
fn heard(steps: Vec<Step>, manners: &[(&str, Manner)], script: Script) -> World {
    let mut world = floor::stage(floor::floor(steps), manners, &[script]);
    world.add_voice(caller_says(&[(Silence, 60_000)]));
    world
}

#[test]
fn what_is_said_before_a_step_is_heard_and_then_it_rings() {
    let steps = vec![step(&[OFFICE_TARGET], 1), saying(step(&[ANSWERING_TARGET], 2))];
    let manners = [("office", Manner::refuses(486)), ("answering", Manner::says(100, 1_000))];
    tells(
        &floor::tell(heard(steps, &manners, caller(Some(ms(2_000))))),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 486 <- office",
            "0.000s call 1 INVITE -> word",
            "0.000s call 1 183 <- word",
            "0.000s call 1 183 -> caller",
            "0.400s caller hears closed",
            "3.680s call 1 480 <- word",
            "3.680s call 1 INVITE -> answering",
            "3.780s call 1 180 <- answering",
            "3.780s call 1 180 -> caller",
            "4.680s call 1 200 <- answering",
            "4.680s call 1 200 -> caller",
            "4.680s call 1 ACK -> answering",
            "6.680s call 1 BYE <- caller",
            "6.680s call 1 BYE -> answering",
            "caller has heard 185 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_does_not_ring_after_it_is_rung_for_by_us_and_it_is_said_once() {
    let steps = vec![saying(step(&[OFFICE_TARGET], 1)), saying(step(&[MAILBOX_TARGET], 2))];
    tells(
        &floor::tell(heard(steps, &[], caller(Some(ms(10_000))))),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> word",
            "0.000s call 1 183 <- word",
            "0.000s call 1 183 -> caller",
            "0.400s caller hears closed",
            "3.680s call 1 480 <- word",
            "3.680s call 1 INVITE -> office",
            "5.680s call 1 INVITE -> office-2",
            "6.180s call 1 180 -> caller",
            "7.680s call 1 INVITE -> mailbox",
            "7.680s call 1 200 <- mailbox",
            "7.680s call 1 200 -> caller",
            "7.680s call 1 ACK -> mailbox",
            "8.080s caller hears greeting",
            "15.200s caller hears tone",
            "15.580s front records +15035550199",
            "17.680s call 1 BYE <- caller",
            "17.680s call 1 BYE -> mailbox",
            "17.680s what was recorded is no message",
            "17.680s front tells of a call: Missed, unavailable",
            "caller has heard 581 packets of 2 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_hangs_up_while_it_is_said_has_hung_up() {
    let steps = vec![saying(step(&[OFFICE_TARGET], 1)), step(&[MAILBOX_TARGET], 2)];
    let script = Script { cancel: Some(ms(2_000)), ..caller(None) };
    tells(
        &floor::tell(heard(steps, &[("office", Manner::says(0, 0))], script)),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> word",
            "0.000s call 1 183 <- word",
            "0.000s call 1 183 -> caller",
            "0.400s caller hears closed",
            "2.000s call 1 CANCEL <- caller",
            "2.000s call 1 CANCEL -> word",
            "2.000s call 1 487 <- word",
            "2.000s call 1 487 -> caller",
            "caller has heard 101 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn what_cannot_be_said_is_passed_by_at_once() {
    let steps = vec![saying(step(&[ANSWERING_TARGET], 1)), step(&[MAILBOX_TARGET], 2)];
    let plan = floor::floor(steps);
    let manners = [("answering", Manner::says(100, 1_000))];
    let mut world = floor::stage(plan, &manners, &[caller(Some(ms(2_000)))]);
    // What the plan before this one had to say.
    let agents = BTreeMap::from([(WORD, Role::Word("welcome".into()))]);
    world.add_agents(0, &Arc::new(Guide { agents, ..Guide::default() }));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> word",
            "0.000s call 1 404 <- word",
            "0.000s call 1 INVITE -> answering",
            "0.100s call 1 180 <- answering",
            "0.100s call 1 180 -> caller",
            "1.000s call 1 200 <- answering",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> answering",
            "3.000s call 1 BYE <- caller",
            "3.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn who_must_be_live_by_then_is_not_kept_waiting_by_words() {
    let steps = vec![saying(step(&[ANA_TARGET], 1)), step(&[MAILBOX_TARGET], 2)];
    let mut plan = floor::floor(steps);
    plan.courses.iter_mut().for_each(|course| course.live_within = ms(2_000));
    let mut world = floor::stage(plan, &[], &[caller(Some(ms(10_000)))]);
    world.add_voice(caller_says(&[(Silence, 60_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> word",
            "0.000s call 1 183 <- word",
            "0.000s call 1 183 -> caller",
            "0.400s caller hears closed",
            "2.000s call 1 CANCEL -> word",
            "2.000s call 1 INVITE -> mailbox",
            "2.000s call 1 487 <- word",
            "2.000s call 1 200 <- mailbox",
            "2.000s call 1 200 -> caller",
            "2.000s call 1 ACK -> mailbox",
            "2.400s caller hears greeting",
            "9.520s caller hears tone",
            "9.900s front records +15035550199",
            "12.000s call 1 BYE <- caller",
            "12.000s call 1 BYE -> mailbox",
            "12.000s what was recorded is no message",
            "12.000s front tells of a call: Missed, unavailable",
            "caller has heard 497 packets of 2 sources, 0 are missing",
        ],
    );
}
