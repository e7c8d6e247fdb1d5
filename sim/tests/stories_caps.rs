//! Stories: a plan that may send out only so much to phone numbers (toll fraud). The network takes no time here.

mod told;

use core::time::Duration;
use router::Plan;
use router::plan::CourseId;
use router::spent::Cap;
use sim::caller::Script;
use sim::manner::Manner;
use sim::story::{Diary, caller_at, stage, tell};
use sim::town::{ANA_TARGET, OFFICE_TARGET, step, town_with};
use sim::world::Move;
use sip::Time;
use std::sync::Arc;
use told::{ms, tells};

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Ana, then the office, with a cap on what goes out.
fn capped(cap: Cap) -> Plan {
    let mut plan = town_with(vec![step(&[ANA_TARGET], 1), step(&[OFFICE_TARGET], 2)]);
    plan.caps.insert(CourseId(0), cap);
    plan
}

/// Who is rung for these calls, and what is alarming.
fn rung(plan: Plan, office: Manner, calls: &[Script], moves: &[(Duration, Move)]) -> Vec<String> {
    let mut world = stage(plan, &[("ana", Manner::says(0, 0)), ("office", office)], calls);
    for (at, what) in moves {
        world.plan_move(Time::ZERO + *at, what.clone());
    }
    let mut diary = Diary::of(&world);
    diary.alarms = true;
    world.diary = Some(diary);
    world.run(Time::ZERO + minutes(3_000));
    let mut lines = tell(world);
    lines.retain(|line| ["INVITE ->", "no phone", "503", "invariant"].iter().any(|word| line.contains(word)));
    lines
}

#[test]
fn after_so_many_calls_in_an_hour_only_the_office_rings_until_the_hour_is_over() {
    let cap = Cap { calls_per_hour: Some(2), ..Cap::default() };
    let calls = [0, 10, 20, 59, 60].map(|at| caller_at(minutes(at)));
    tells(
        &rung(capped(cap), Manner::says(0, 0), &calls, &[]),
        &[
            "0.000s call 1 INVITE -> ana by carrier-a",
            "600.000s call 2 INVITE -> ana by carrier-a",
            "1200.000s rings no phone numbers: cap reached",
            "1200.000s call 3 INVITE -> office",
            "3540.000s rings no phone numbers: cap reached",
            "3540.000s call 4 INVITE -> office",
            "3600.000s call 5 INVITE -> ana by carrier-a",
        ],
    );
}

#[test]
fn minutes_count_once_a_call_is_over() {
    let cap = Cap { minutes_per_day: Some(30), ..Cap::default() };
    let long = Script { talk: Some(minutes(30)), ..caller_at(ms(0)) };
    let calls = [long, caller_at(minutes(29)), caller_at(minutes(31)), caller_at(minutes(1_501))];
    tells(
        &rung(capped(cap), Manner::says(0, 0), &calls, &[]),
        &[
            "0.000s call 1 INVITE -> ana by carrier-a",
            "1740.000s call 2 INVITE -> ana by carrier-a",
            "1860.000s rings no phone numbers: cap reached",
            "1860.000s call 3 INVITE -> office",
            "90060.000s call 4 INVITE -> ana by carrier-a",
        ],
    );
}

#[test]
fn with_nobody_left_to_ring_a_call_over_the_cap_is_left_to_the_carrier() {
    let cap = Cap { calls_per_day: Some(1), ..Cap::default() };
    let mut plan = town_with(vec![step(&[ANA_TARGET], 1)]);
    plan.caps.insert(CourseId(0), cap);
    tells(
        &rung(plan, Manner::Dead, &[caller_at(ms(0)), caller_at(minutes(1))], &[]),
        &[
            "0.000s call 1 INVITE -> ana by carrier-a",
            "60.000s rings no phone numbers: cap reached",
            "60.000s call 2 503 -> caller",
        ],
    );
}

#[test]
fn calls_that_nobody_answers_spend_nothing_and_a_reload_forgets_nothing() {
    let cap = Cap { calls_per_day: Some(1), ..Cap::default() };
    let plan = capped(cap);
    let again = Move::Apply(0, Arc::new(plan.clone()));
    let deaf = |at| (at, Move::Person("+15035550111", Manner::refuses(486)));
    let hears = |at| (at, Move::Person("+15035550111", Manner::says(0, 0)));
    let moves = [deaf(ms(0)), hears(minutes(2)), (minutes(4), again)];
    let calls = [1, 3, 5].map(|at| caller_at(minutes(at)));
    tells(
        &rung(plan, Manner::says(0, 0), &calls, &moves),
        &[
            "60.000s call 1 INVITE -> ana by carrier-a",
            "60.000s call 1 INVITE -> ana by carrier-b",
            "60.000s call 1 INVITE -> office",
            "180.000s call 2 INVITE -> ana by carrier-a",
            "300.000s rings no phone numbers: cap reached",
            "300.000s call 3 INVITE -> office",
        ],
    );
}
