//! `tandem help E101`: the page of a code; `tandem help settings`: every setting with its bounds and its reason.

use crate::cli::check::{Answer, print};
use crate::codes::Code;
use crate::config::settings::{
    CALLS_MAX, COUNTS, Count, DISK_FLOOR, MESSAGES, MOSTS, Most, Ports, RTP_PORTS, WAITS,
};
use crate::config::words;
use core::fmt::Display;
use std::process::ExitCode;

/// Prints a page; exit status 0, or 1 if there is none.
#[must_use]
pub fn run(topic: &str) -> ExitCode {
    print(&answer(topic))
}

/// The page of a topic: a code, `codes` or `settings`.
#[must_use]
pub fn answer(topic: &str) -> Answer {
    if let Some(code) = Code::find(topic) {
        return Answer { text: format!("{code}: {}\n\n{}\n", code.title(), code.page()), fine: true };
    }
    match topic {
        "codes" => Answer { text: codes(), fine: true },
        "settings" => Answer { text: settings(), fine: true },
        _ => {
            let clean: String = topic.chars().filter(|c| !c.is_control()).take(40).collect();
            let text = format!(
                "tandem help: there is no page `{clean}`. There are `codes`, `settings`, and every code.\n"
            );
            Answer { text, fine: false }
        }
    }
}

fn codes() -> String {
    let line = |code: &Code| format!("{code}  {}\n", code.title());
    let list: String = Code::ALL.iter().map(line).collect();
    format!("E-codes refuse a plan file, L-codes warn. `tandem help E101` explains one.\n\n{list}")
}

fn settings() -> String {
    let wait = |wait: &&crate::config::settings::Wait| {
        let (default, min, max) = (words(wait.default), words(wait.min), words(wait.max));
        format!("{}\n    {default}; from {min} to {max}\n    {}\n", wait.name, wait.why)
    };
    WAITS
        .iter()
        .map(wait)
        .chain(COUNTS.iter().map(|count| counted(count)))
        .chain([counted(&CALLS_MAX), counted(&MESSAGES), counted(&DISK_FLOOR), ranged(&RTP_PORTS)])
        .chain(MOSTS.iter().map(|most| bounded(most)))
        .collect()
}

fn bounded(most: &Most) -> String {
    let Most { name, max, why } = most;
    format!("{name}\n    no bound; from 1 to {max}\n    {why}\n")
}

fn ranged(ports: &Ports) -> String {
    let Ports { name, default, min, least, why } = ports;
    let (first, last) = (default.start(), default.end());
    format!("{name}\n    {first}..{last}; {least} at least, from {min} on\n    {why}\n")
}

fn counted<N: Display>(count: &Count<N>) -> String {
    let Count { name, default, min, max, why } = count;
    format!("{name}\n    {default}; from {min} to {max}\n    {why}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_in_small_letters_has_its_page_and_a_wrong_one_is_a_problem() {
        assert!(answer("e101").text.starts_with("E101: "));
        assert!(answer("e101").fine);
        assert!(!answer("E999").fine);
        assert!(answer("settings").text.contains("timers.first\n    2 s; from 500 ms to 10 s\n"));
        assert!(answer("settings").text.contains("node.calls_max\n    200000; from 1 to 1000000\n"));
        let media = [
            "node.rtp_ports\n    16384..32767; 4 at least, from 1024 on\n",
            "node.disk_floor, in MiB\n    256; from",
        ];
        assert!(media.iter().all(|said| answer("settings").text.contains(said)));
        assert!(answer("codes").text.contains("\nE110  "));
    }
}
