//! A long run of chaos: `cargo run --release -p sim --example chaos -- --seeds 10000 --calls 200 --from 0`.
#![expect(clippy::print_stdout, reason = "prints what it found")]
#![expect(clippy::disallowed_methods, reason = "measures its own speed")]
#![expect(clippy::disallowed_types, reason = "measures its own speed")]

use std::time::Instant;

fn main() {
    let seeds = argument("--seeds").unwrap_or(1000);
    let calls = u32::try_from(argument("--calls").unwrap_or(200)).unwrap_or(200);
    let from = argument("--from").unwrap_or(0);
    let most = argument("--most").unwrap_or(20);
    if let Some(seed) = argument("--trace") {
        let (lines, outcome) = sim::chaos::trace(seed, calls);
        let call = argument("--call").map(|call| format!(" call {} ", call + 1));
        for line in lines
            .iter()
            .filter(|line| call.as_ref().is_none_or(|call| line.contains(call) || !line.contains(" call ")))
        {
            println!("{line}");
        }
        for violation in outcome.violations {
            println!("{violation}");
        }
        return;
    }
    let across = std::env::args().any(|word| word == "--across-lives");
    let (mut placed, mut answered, mut reachable, mut datagrams) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut trace, mut pressed, mut joined) = (0_u64, 0_u64, 0_u64);
    let mut looked = [0_u64; 23];
    let mut broken = [0_u64; 23];
    let mut shown = 0;
    let began = Instant::now();
    for seed in from..from + seeds {
        let run = if across { sim::chaos::run_across_lives } else { sim::chaos::run };
        let Ok(outcome) = std::panic::catch_unwind(|| run(seed, calls)) else {
            println!("seed {seed}: panic");
            continue;
        };
        placed += u64::from(outcome.calls);
        answered += u64::from(outcome.answered);
        reachable += u64::from(outcome.reachable);
        datagrams += outcome.datagrams;
        trace = trace.rotate_left(1) ^ outcome.trace;
        pressed += outcome.stats.pressed;
        joined += outcome.stats.joined;
        for (sum, more) in looked.iter_mut().zip(outcome.stats.looked) {
            *sum += more;
        }
        for violation in &outcome.violations {
            if let Some(count) = broken.get_mut(usize::from(violation.invariant)) {
                *count += 1;
            }
            shown += 1;
            if shown <= most {
                println!("{violation}");
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds, {placed} calls, {answered} answered, {reachable} had to be, {pressed} digits, {joined} joined elsewhere, {datagrams} datagrams, trace {trace:016x}"
    );
    println!("{:.1} s, {:.0} calls a second", seconds, placed as f64 / seconds);
    for (invariant, (looked, broken)) in
        looked.iter().zip(broken).enumerate().filter(|(_, (looked, _))| **looked > 0)
    {
        println!("invariant {invariant:2}: looked at {looked} times, broken {broken} times");
    }
}

fn argument(name: &str) -> Option<u64> {
    let list: Vec<String> = std::env::args().collect();
    let at = list.iter().position(|word| word == name)?;
    list.get(at + 1)?.parse().ok()
}
