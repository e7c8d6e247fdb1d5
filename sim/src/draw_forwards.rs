//! What a seed draws of phones that are forwarded to a number of the plan, and of caps on what goes out to phones.

use crate::chance::Chance;
use crate::manner::Manner;
use crate::town::{ANA, BEN, NUMBER};
use crate::world::Move;
use core::time::Duration;
use router::Plan;
use router::plan::CourseId;
use router::spent::Cap;
use sip::Time;

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
