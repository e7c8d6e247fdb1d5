//! The same calls through Tandem, through Kamailio and through a bare forwarder of datagrams, in turn, round by round: what each of them takes
//! of one core for a call, and how long callers wait. Run by `bench/run`: PROGRAM [ROUNDS] [CALLS A SECOND] [SECONDS] [JOB...].

#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no figure")]

mod forwarder;
mod job;
mod load;
mod measured;
mod peer;
mod table;

use job::Job;
use measured::Measured;
use peer::Peer;
use std::io::Write as _;
use table::{Row, Table};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((word, rest)) if word == load::WORD => return load::run(rest),
        Some((word, rest)) if word == forwarder::WORD => return forwarder::run(rest),
        Some(_) => {}
        None => unreachable!("bench/run names the program"),
    }
    let [program, rest @ ..] = &words[..] else { return };
    let (numbers, jobs): (Vec<&String>, Vec<&String>) =
        rest.iter().partition(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let number =
        |at: usize, default: u64| numbers.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
    let (rounds, rate, seconds) = (number(0, 5), number(1, 1_000), number(2, 5));
    let chosen: Vec<Job> = Job::ALL
        .into_iter()
        .filter(|job| jobs.is_empty() || jobs.iter().any(|word| **word == job.name()))
        .collect();
    let mut table = Table::default();
    for round in 0..rounds {
        for job in &chosen {
            for peer in Peer::ALL.into_iter().filter(|peer| peer.can(*job)) {
                let Some(command) = peer.command(*job, program) else {
                    say(&format!("{} is not installed", peer.name()));
                    continue;
                };
                let measured = Measured::start(command);
                let before = measured.time();
                let heard = load::start(*job, job.rate(rate), seconds);
                let cpu = measured.time().saturating_sub(before);
                table.add((*job, peer), Row { cpu, memory: measured.memory(), heard });
                say(&format!(
                    "round {} of {rounds}: {} {}: {}",
                    round + 1,
                    job.name(),
                    peer.name(),
                    table.last((*job, peer))
                ));
            }
        }
    }
    say(&table.words());
    say(&table.json());
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("stdout");
}
