//! Chaos: 200 fixed seeds of 20 calls each, every one run twice. `SEED=7 cargo test -p sim --test chaos` replays one.

#![expect(clippy::disallowed_methods, reason = "the seed to replay comes from the environment")]

use sim::chaos;

const SEEDS: u64 = 200;
const CALLS: u32 = 20;

#[test]
fn every_promise_holds_in_every_storm_and_the_same_seed_tells_the_same() {
    let only = std::env::var("SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds = only.map_or(0..SEEDS, |seed| seed..seed + 1);
    let (mut faults, mut reachable, mut answered, mut looked) = (Vec::new(), 0, 0, [0_u64; 23]);
    let (mut pressed, mut joined) = (0, 0);
    for seed in seeds {
        let first = chaos::run(seed, CALLS);
        let second = chaos::run(seed, CALLS);
        assert_eq!(first, second, "seed {seed} does not tell the same twice");
        faults.extend(first.violations.iter().map(ToString::to_string));
        reachable += first.reachable;
        answered += first.answered;
        pressed += first.stats.pressed;
        joined += first.stats.joined;
        for (sum, more) in looked.iter_mut().zip(first.stats.looked) {
            *sum += more;
        }
    }
    println!("{answered} calls answered, {reachable} had to be; looked: {looked:?}");
    assert!(faults.is_empty(), "replay with SEED=…:\n{}", faults.join("\n"));
    if only.is_none() {
        assert!(pressed > 50, "hardly anybody was asked to press 1: {pressed}");
        assert!(joined > 10, "hardly ever did a carrier join two calls by itself: {joined}");
        assert!(reachable > 500, "invariant 4 was hardly ever looked at: {reachable}");
        let unseen: Vec<usize> = (1..=22).filter(|invariant| looked[*invariant] == 0).collect();
        assert!(unseen.is_empty(), "never looked at: {unseen:?}");
    }
}

/// Many calls at once: people who press 1 at the same moment, and who were rung once more with credentials.
#[test]
fn who_pressed_is_told_from_others_in_a_crowd() {
    for seed in [344, 697] {
        let outcome = chaos::run(seed, 200);
        let faults: Vec<String> = outcome.violations.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert!(outcome.stats.pressed > 30, "hardly anybody was asked to press 1: {}", outcome.stats.pressed);
    }
}

/// A copy of an INVITE that the network holds back until its call is forgotten begins another one, which somebody else may take.
#[test]
fn a_copy_of_a_call_that_nobody_knows_any_more_is_another_call() {
    let outcome = chaos::run(1907, 200);
    let faults: Vec<String> = outcome.violations.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn another_seed_tells_another_story() {
    assert_ne!(chaos::run(1, CALLS).trace, chaos::run(2, CALLS).trace);
}
