//! Lets a node record, and relay, as many calls as are asked for, and says what each costs it; a relay by rtpengine beside it. Run by
//! `bench/media`: PROGRAM RECORDINGS RELAYS SECONDS.

#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no figure")]

mod inside;
mod process;
mod recordings;
mod relays;
mod rtpengine;
mod side;
mod words;

use std::io::Write as _;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == inside::WORD) {
        return inside::run();
    }
    let [program, numbers @ ..] = &words[..] else { unreachable!("bench/media names the program") };
    let mut numbers = numbers.iter().map(|word| word.parse().expect("a number"));
    let mut number = || numbers.next().expect("bench/media says how many");
    let (recorded, relayed, seconds) = (number(), number(), u32::try_from(number()).expect("seconds"));
    if recorded > 0 {
        say(&recordings::measure(program, recorded, seconds));
    }
    if relayed > 0 {
        let ours = relays::measure(relayed, seconds);
        say(&ours.line("tandem"));
        match rtpengine::measure(relayed, seconds) {
            Some(theirs) => {
                say(&theirs.line("rtpengine"));
                say(&format!(
                    "ratio: {:.1}",
                    ours.packets_per_cpu_second() / theirs.packets_per_cpu_second()
                ));
            }
            None => say("rtpengine is not installed"),
        }
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("stdout");
}
