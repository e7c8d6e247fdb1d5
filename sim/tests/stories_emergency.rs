//! Stories: calls for help, and back (C44; TRIGGERS, section 6). The network takes no time here.

mod told;

use core::time::Duration;
use router::Plan;
use router::emergency::Emergency;
use router::hours::{Hours, Window};
use router::load::{Counted, Limit};
use router::plan::{Course, CourseId, Limited};
use router::presentation::{Diverts, Form, Presentation, Who};
use router::target::CarrierId;
use sim::caller::Script;
use sim::manner::Manner;
use sim::story::{Diary, stage, tell};
use sim::town::{
    self, ANSWERING_TARGET, NODE, NUMBER, OFFICE_HOST, OFFICE_TARGET, PSTN_HOST, step, town_with,
};
use sim::world::Move;
use sip::Time;
use std::sync::Arc;
use told::{ms, tells};

/// The plan with 911 and 112.
fn helped(mut plan: Plan) -> Plan {
    plan.emergency = Emergency::of(&plan, ["911", "112"].map(Arc::from).into());
    plan
}

/// What goes over the wire, with alarms, when these hosts call.
fn story(
    plan: Plan,
    manners: &[(&str, Manner)],
    calls: &[(usize, Script)],
    moves: &[(Duration, Move)],
    who: bool,
) -> Vec<String> {
    let mut world = stage(plan, manners, &[]);
    world.people.push(("911", "help", Manner::says(0, 1000)));
    for (name, manner) in manners {
        town::set_manner(&mut world, name, *manner);
    }
    for (host, script) in calls {
        world.add_call(*host, 0, *script);
    }
    for (at, what) in moves {
        world.plan_move(Time::ZERO + *at, what.clone());
    }
    let mut diary = Diary::of(&world);
    (diary.alarms, diary.who) = (true, who);
    world.diary = Some(diary);
    world.run(Time::ZERO + Duration::from_secs(4_000));
    tell(world)
}

/// The office calls for help, showing the number of the business.
fn help(at: Duration) -> (usize, Script) {
    (OFFICE_HOST, Script { caller: Some(NUMBER), ..Script::patient(at, "911", NODE) })
}

/// A carrier's call to the business.
fn call(at: Duration, extra: &'static str) -> (usize, Script) {
    (PSTN_HOST, Script { extra, ..Script::patient(at, NUMBER, NODE) })
}

/// Closed, with the answering service for those who call then; the office and Ana are in its steps.
fn closed() -> Plan {
    let mut plan = town_with(vec![step(&[OFFICE_TARGET], 1), step(&[town::ANA_TARGET], 2)]);
    let never = Hours { windows: vec![Window { days: 0, from: 0, to: 1 }], ..Hours::default() };
    for course in &mut plan.courses {
        *course = Course {
            hours: Some(never.clone()),
            closed: Some(vec![step(&[ANSWERING_TARGET], 3)]),
            ..course.clone()
        };
    }
    helped(plan)
}

#[test]
fn a_call_for_help_goes_out_as_it_came_whatever_the_plan_shows_to_carriers() {
    let mut plan = helped(town::town());
    let form = Form { who: Who::Number("+15035550199".into()), diverts: Diverts::Both };
    for peer in &mut plan.peers {
        peer.presentation = Some(Arc::new(Presentation { form: form.clone(), trusted: false }));
    }
    tells(
        &story(plan, &[("help", Manner::says(0, 1000))], &[help(ms(0))], &[], true),
        &[
            "0.000s call 1 INVITE <- office, +15035550100 calls 911",
            "0.000s urgent: emergency by office (911)",
            "0.000s call 1 INVITE -> help by carrier-a, +15035550100 calls 911",
            "0.000s call 1 180 <- help by carrier-a, +15035550100 calls 911",
            "0.000s call 1 180 -> office, +15035550100 calls 911",
            "1.000s call 1 200 <- help by carrier-a, +15035550100 calls 911",
            "1.000s call 1 200 -> office, +15035550100 calls 911",
            "1.000s call 1 ACK -> carrier-a, +15035550100 calls 911",
            "11.000s call 1 BYE <- office, +15035550100 calls 911",
            "11.000s call 1 BYE -> carrier-a, +15035550100 calls 911",
        ],
    );
}

#[test]
fn no_answer_of_one_carrier_is_the_last_word_for_who_calls_for_help() {
    for manner in [Manner::refuses(486), Manner::refuses(603), Manner::refuses(404), Manner::refuses(487)] {
        let manners = [("carrier-a", manner), ("help", Manner::says(0, 1000))];
        let lines = story(helped(town::town()), &manners, &[help(ms(0))], &[], false);
        assert!(lines.iter().any(|line| line.contains("200 <- help by carrier-b")), "{lines:#?}");
    }
}

#[test]
fn a_call_for_help_leaves_a_dead_carrier_after_two_seconds() {
    let manners = [("carrier-a", Manner::Dead), ("help", Manner::says(0, 1000))];
    tells(
        &story(helped(town::town()), &manners, &[help(ms(0))], &[], false),
        &[
            "0.000s call 1 INVITE <- office",
            "0.000s urgent: emergency by office (911)",
            "0.000s call 1 INVITE -> help by carrier-a",
            "2.000s call 1 INVITE -> help by carrier-b",
            "2.000s call 1 180 <- help by carrier-b",
            "2.000s call 1 180 -> office",
            "3.000s call 1 200 <- help by carrier-b",
            "3.000s call 1 200 -> office",
            "3.000s call 1 ACK -> carrier-b",
            "13.000s call 1 BYE <- office",
            "13.000s call 1 BYE -> carrier-b",
        ],
    );
}

#[test]
fn a_full_carrier_and_a_draining_node_take_calls_for_help() {
    let mut plan = helped(town_with(vec![step(&[town::ANA_TARGET], 1)]));
    let of = Counted::Carrier("carrier-a".into());
    let limit = Limit { of, channels: Some(1), cps: None };
    plan.limits.insert(Limited::Carrier(CarrierId(0)), limit);
    let manners = [("ana", Manner::Ring { after: ms(0) }), ("help", Manner::says(0, 1000))];
    let calls = [call(ms(0), ""), help(ms(2_000))];
    tells(
        &story(plan, &manners, &calls, &[(ms(1_000), Move::Drain(0))], false),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s call 2 INVITE <- office",
            "2.000s urgent: emergency by office (911)",
            "2.000s call 2 INVITE -> help by carrier-a",
            "2.000s call 2 180 <- help by carrier-a",
            "2.000s call 2 180 -> office",
            "3.000s call 2 200 <- help by carrier-a",
            "3.000s call 2 200 -> office",
            "3.000s call 2 ACK -> carrier-a",
            "13.000s call 2 BYE <- office",
            "13.000s call 2 BYE -> carrier-a",
            "20.000s call 1 CANCEL -> ana by carrier-a",
            "20.000s call 1 480 -> caller",
            "20.000s call 1 487 <- ana by carrier-a",
        ],
    );
}

#[test]
fn a_call_for_help_is_no_call_to_a_number_that_nobody_listed() {
    let mut plan = town::town();
    plan.unlisted = Some(CourseId(0));
    plan.carriers.clear();
    let plan = helped(plan);
    tells(
        &story(plan, &[("office", Manner::says(0, 1000))], &[help(ms(0))], &[], false),
        &[
            "0.000s call 1 INVITE <- office",
            "0.000s urgent: emergency by office (911)",
            "0.000s call 1 503 -> office",
        ],
    );
}

#[test]
fn only_sites_call_for_help_by_way_of_us() {
    let calls = [(PSTN_HOST, Script::patient(ms(0), "911", NODE))];
    tells(
        &story(helped(town::town()), &[], &calls, &[], false),
        &["0.000s call 1 INVITE <- caller", "0.000s call 1 404 -> caller"],
    );
}

#[test]
fn a_call_back_rings_all_phones_together_although_the_office_is_closed() {
    let back = call(ms(0), "Priority: psap-callback\r\n");
    let manners = [("office", Manner::Ring { after: ms(0) }), ("ana", Manner::says(0, 3000))];
    tells(
        &story(closed(), &manners, &[back], &[], false),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s urgent: callback by pstn (+15035550100)",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.000s call 1 180 -> caller",
            "3.000s call 1 200 <- ana by carrier-a",
            "3.000s call 1 200 -> caller",
            "3.000s call 1 CANCEL -> office",
            "3.000s call 1 487 <- office",
            "3.000s call 1 ACK -> carrier-a",
            "13.000s call 1 BYE <- caller",
            "13.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn for_half_an_hour_a_call_to_the_number_that_called_for_help_is_one_back() {
    let manners = [
        ("office", Manner::says(0, 1000)),
        ("ana", Manner::Ring { after: ms(0) }),
        ("answering", Manner::says(0, 1000)),
        ("help", Manner::says(0, 1000)),
    ];
    let calls = [help(ms(0)), call(ms(1_799_000), ""), call(ms(1_800_000), "")];
    let lines = story(closed(), &manners, &calls, &[], false);
    let legs = |line: &&String| line.contains("INVITE ->") || line.contains("urgent");
    tells(
        &lines.iter().filter(legs).cloned().collect::<Vec<_>>(),
        &[
            "0.000s urgent: emergency by office (911)",
            "0.000s call 1 INVITE -> help by carrier-a",
            "1799.000s urgent: callback by pstn (+15035550100)",
            "1799.000s call 2 INVITE -> office",
            "1799.000s call 2 INVITE -> ana by carrier-a",
            "1800.000s call 3 INVITE -> answering",
        ],
    );
}

#[test]
fn if_no_phone_answers_a_call_back_the_answering_service_does() {
    let back = call(ms(0), "Priority: psap-callback\r\n");
    let manners = [
        ("office", Manner::Ring { after: ms(0) }),
        ("ana", Manner::refuses(486)),
        ("answering", Manner::says(0, 1000)),
    ];
    let lines = story(closed(), &manners, &[back], &[], false);
    let legs = |line: &&String| line.contains("INVITE ->");
    tells(
        &lines.iter().filter(legs).cloned().collect::<Vec<_>>(),
        &[
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ana by carrier-b",
            "60.000s call 1 INVITE -> answering",
        ],
    );
}

#[test]
fn a_call_back_to_a_plan_that_knows_no_phones_is_walked_as_any_other() {
    let back = call(ms(0), "Priority: psap-callback\r\n");
    let mut plan = town_with(vec![step(&[ANSWERING_TARGET], 1)]);
    plan.emergency = Emergency::default();
    let lines = story(plan, &[("answering", Manner::says(0, 1000))], &[back], &[], false);
    assert!(lines.iter().any(|line| line == "1.000s call 1 200 -> caller"), "{lines:#?}");
}

#[test]
fn a_call_back_that_a_mobile_sends_round_makes_no_storm() {
    let back = call(ms(0), "Priority: psap-callback\r\n");
    let round = Manner::Forwards { to: NUMBER, keeps: false };
    let manners =
        [("office", Manner::Ring { after: ms(0) }), ("ana", round), ("help", Manner::says(0, 1000))];
    let calls = [help(ms(0)), (back.0, Script { at: ms(1_000), ..back.1 })];
    let lines = story(closed(), &manners, &calls, &[], false);
    let invites = lines.iter().filter(|line| line.contains("INVITE -> ana")).count();
    assert_eq!(invites, 1, "{lines:#?}");
}
