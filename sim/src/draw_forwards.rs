//! What a seed draws of phones that are forwarded to a number of the plan, of caps on what goes out to phones, and of calls
//! for help.

use crate::caller::Script;
use crate::chance::Chance;
use crate::manner::Manner;
use crate::town::{ANA, BEN, NODE, NUMBER};
use crate::world::{Move, World};
use core::time::Duration;
use router::Plan;
use router::emergency::Emergency;
use router::plan::CourseId;
use router::spent::Cap;
use sip::Time;
use std::sync::Arc;

/// In one run of four a phone is forwarded back for some time, in one of five the plan has a cap.
pub(crate) fn draw_forwards(seed: u64, plan: &mut Plan, moves: &mut Vec<(Time, Move)>, storm: Duration) {
    let mut chance = Chance::new(seed ^ 0xf0d5);
    if chance.permille(200) {
        let most = 1 + u32::try_from(chance.below(3)).unwrap_or(0);
        plan.caps.insert(CourseId(0), Cap { calls_per_hour: Some(most), ..Cap::default() });
    }
    if !chance.permille(250) {
        return;
    }
    for number in [ANA, BEN] {
        let at = Time::ZERO + chance.span(Duration::ZERO, storm / 2);
        let keeps = chance.permille(300);
        moves.push((at, Move::Person(number, Manner::Forwards { to: NUMBER, keeps })));
        let until = at + chance.span(Duration::ZERO, storm / 2);
        moves.push((until, Move::Person(number, Manner::says(0, 1000))));
    }
}

/// In one run of four the office calls for help now and then, and is called back at any time after.
pub(crate) fn draw_help(seed: u64, world: &mut World, plan: &mut Plan, until: Duration) -> Vec<Script> {
    let mut chance = Chance::new(seed ^ 0x0911);
    if !chance.permille(250) {
        return Vec::new();
    }
    plan.emergency = Emergency::of(plan, ["911"].map(Arc::from).into());
    world.people.push(("911", "help", Manner::says(0, 1000)));
    let call = |chance: &mut Chance| {
        let own = chance.permille(500).then_some(NUMBER);
        Script { caller: own, ..Script::patient(chance.span(Duration::ZERO, until), "911", NODE) }
    };
    (0..=chance.below(3)).map(|_| call(&mut chance)).collect()
}
