//! Chaos: from a seed a plan, people, calls and a storm of faults; then one target is healed, and every call that
//! can still reach it must.

use crate::draw::{Drawn, draw};
use crate::oracle::{Stats, Violation};
use crate::story::Diary;
use crate::town::{NODE, OFFICE_HOST};
use crate::world::{Move, World};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// The hash over all that was sent, with its times: the same for the same seed.
    pub trace: u64,
    /// How often each invariant was looked at.
    pub stats: Stats,
    /// Calls that were placed.
    pub calls: u32,
    /// Calls that were answered.
    pub answered: u32,
    /// Calls for which the premises of invariant 4 (reachability) held.
    pub reachable: u32,
    /// Datagrams that were sent.
    pub datagrams: u64,
}

/// Lets so many calls go through a storm. The same seed and number give the same run, to the byte.
#[must_use]
pub fn run(seed: u64, calls: u32) -> Outcome {
    let (mut world, drawn) = prepare(seed, calls);
    finish(&mut world, &drawn)
}

/// As [`run`], and asks for more: a 2xx that is passed on by its seal alone must end the walk that a copy of the same
/// INVITE began meanwhile.
#[must_use]
pub fn run_across_lives(seed: u64, calls: u32) -> Outcome {
    let (mut world, drawn) = prepare(seed, calls);
    world.oracle.across_lives = true;
    finish(&mut world, &drawn)
}

/// Runs a seed again and tells everything that went over the wire.
#[must_use]
pub fn trace(seed: u64, calls: u32) -> (Vec<String>, Outcome) {
    let (mut world, drawn) = prepare(seed, calls);
    let mut diary = Diary::of(&world);
    diary.all = true;
    world.diary = Some(diary);
    let outcome = finish(&mut world, &drawn);
    (world.diary.map(|diary| diary.lines).unwrap_or_default(), outcome)
}

fn finish(world: &mut World, drawn: &Drawn) -> Outcome {
    world.run(drawn.heal_at);
    let life = world.life_at(NODE);
    world.run(drawn.rest_at);
    // All calls are over by now; the weather clears, so that the last BYEs and ACKs find their way.
    world.run(drawn.end_at);
    world.judge_end();
    let reachable = inv_04_reachability(world, drawn, life);
    let is_answered = |call: &u32| world.seen(*call).is_some_and(|seen| seen.answered.is_some());
    let answered = (0..world.calls()).filter(is_answered).count();
    Outcome {
        answered: u32::try_from(answered).unwrap_or(u32::MAX),
        trace: world.trace(),
        stats: world.oracle.stats.clone(),
        calls: world.calls(),
        reachable,
        datagrams: world.datagrams,
        violations: core::mem::take(&mut world.oracle.violations),
    }
}

/// The world of a seed before anything has happened.
fn prepare(seed: u64, calls: u32) -> (World, Drawn) {
    let (mut world, drawn) = draw(seed, calls);
    for script in &drawn.scripts {
        world.add_call(drawn.by, 0, *script);
    }
    for script in &drawn.help {
        world.add_call(OFFICE_HOST, 0, *script);
    }
    for (at, what) in &drawn.moves {
        world.plan_move(*at, what.clone());
    }
    world.plan_move(drawn.heal_at, Move::Calm(drawn.calm.clone()));
    (world, drawn)
}

/// Invariant 4: a call that can reach the healed target ends in a 2xx. Returns for how many calls its premises held.
fn inv_04_reachability(world: &mut World, drawn: &Drawn, life: Option<u32>) -> u32 {
    let mut held = 0;
    let mut lost = Vec::new();
    for (call, script) in (0..).zip(&drawn.scripts) {
        let Some(seen) = world.seen(call) else { continue };
        if script.cancel.is_some() || seen.silent.is_some() || life.is_none() {
            continue;
        }
        if !world.oracle.could_reach(call, life.unwrap_or(0), drawn) {
            continue;
        }
        held += 1;
        world.oracle.stats.looked[4] += 1;
        if seen.answered.is_none() {
            lost.push((call, seen));
        }
    }
    for (call, seen) in lost {
        let target = drawn.healed;
        world.oracle.broken(4, || format!("call-{call} did not reach target {}: {seen:?}", target.0));
    }
    held
}
