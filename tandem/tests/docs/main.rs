//! The texts keep their word: each command that stands in a block of them is run, in a folder that holds what the text speaks of, and what
//! stands below `$ command` is what it prints, to the last letter; a date alone may be any date. Each plan or part of one in them is read.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

mod blocks;
mod place;
mod plans;

use blocks::{Block, Command, blocks, in_ticks};
use place::{Place, root};
use std::collections::BTreeSet;
use std::fs;

/// The texts that people read.
const TEXTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONVENTIONS.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "agent/prompts/README.md",
    "tandem/src/codes.md",
];

/// Commands that are not run here, each with its reason.
const ELSEWHERE: [(&str, &str); 3] = [
    ("cargo run --release -- demo", "tests/demo.rs runs the built program, and reads all that it says"),
    ("cargo build --release", "a test cannot build the program that it belongs to"),
    ("./test", "this test is a part of it"),
];

/// Commands that end with another exit status than 0.
const ENDS: [(&str, i32); 1] = [("tandem diff tandem.toml new.toml", 1)];

/// Words of blocks without commands: plans and rows are read by another test, drawings by people.
const NO_COMMANDS: [&str; 3] = ["toml", "csv", "text"];

fn all_blocks() -> Vec<Block> {
    let read = |file: &str| fs::read_to_string(root().join(file)).expect("the text is there");
    TEXTS.iter().flat_map(|file| blocks(file, &read(file))).collect()
}

/// The plan that the texts speak of as `tandem.toml`: the first one of README.
fn plan() -> String {
    let is_plan = |block: &Block| block.place.0 == "README.md" && block.tag == "toml";
    all_blocks().into_iter().find(is_plan).expect("README has a plan").text
}

#[test]
fn every_command_in_a_block_runs_and_prints_what_stands_below_it() {
    let (plan, mut wrong, mut ran) = (plan(), Vec::new(), 0);
    let mut unused: BTreeSet<&str> = ELSEWHERE.iter().map(|(words, _)| *words).collect();
    for block in all_blocks() {
        let commands = block.commands();
        if NO_COMMANDS.contains(&&*block.tag) {
            let is_one = |found: &Command| found.shown.is_some() || found.words.starts_with("tandem ");
            assert!(!commands.iter().any(is_one), "{:?}: a command in a block of {}", block.place, block.tag);
            continue;
        }
        // Who is asked for a first plan has none.
        let begins = commands.iter().any(|command| command.words.starts_with("tandem init "));
        let place = if begins { Place::empty() } else { Place::prepared(&plan) };
        for command in &commands {
            if ELSEWHERE.iter().any(|(words, _)| *words == command.words) {
                unused.remove(&*command.words);
                continue;
            }
            ran += 1;
            wrong.extend(
                fault(&place, command).map(|fault| format!("{}:{}: {fault}", block.place.0, block.place.1)),
            );
        }
        if begins {
            let checked = place.run("tandem check tandem.toml");
            assert!(checked.status.success(), "{:?}: what `tandem init` wrote is no good plan", block.place);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran >= 14, "only {ran} commands were found");
    assert!(unused.is_empty(), "no text has these any more: {unused:?}");
}

/// What is wrong with a command.
fn fault(place: &Place, command: &Command) -> Option<String> {
    let Command { words, shown } = command;
    if !words.starts_with("tandem ") {
        return Some(format!(
            "`{words}` is run by nobody: make it a command of `tandem`, or say in this test who does"
        ));
    }
    let out = place.run(words);
    let (said, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let wanted = ENDS.iter().find(|(known, _)| known == words).map_or(0, |(_, end)| *end);
    if out.status.code() != Some(wanted) {
        return Some(format!("`{words}` ends with {}, not with {wanted}:\n{said}{errors}", out.status));
    }
    let shown = shown.as_ref()?;
    (undated(shown) != undated(&said)).then(|| format!("`{words}` prints\n{said}{errors}and not\n{shown}"))
}

/// A text with every date, and the day before it, as the same word.
fn undated(text: &str) -> String {
    let is_date = |word: &str| {
        let parts: Vec<&str> = word.trim_end_matches(',').split('-').collect();
        parts.iter().map(|part| part.len()).eq([4, 2, 2])
            && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut words: Vec<String> = Vec::new();
    for word in text.trim_end().split(' ') {
        let day = word.split('\n').next_back().unwrap_or_default();
        if is_date(day) {
            if let Some(before) = words.last_mut().filter(|before| before.len() >= 3) {
                before.replace_range(before.len() - 3.., "DAY");
            }
            words.push(word.replace(day.trim_end_matches(','), "DATE"));
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

#[test]
fn a_date_may_be_any_date_and_nothing_else_may() {
    assert_eq!(undated("on Tue 2026-11-24, 14:06"), undated("on Fri 2027-01-01, 14:06"));
    assert_ne!(undated("on Tue 2026-11-24, 14:06"), undated("on Tue 2026-11-24, 14:07"));
    assert_ne!(undated("c-4a7c15  ana"), undated("c-4a7c15 ana"));
}

/// `tandem calls`, or `tandem explain c-… --data …`, in the middle of a sentence: the verb and its flags are there.
#[test]
fn every_command_in_a_sentence_has_a_verb_and_flags_that_are_there() {
    let place = Place::empty();
    let (mut wrong, mut found) = (Vec::new(), 0);
    for file in TEXTS {
        let text = fs::read_to_string(root().join(file)).expect("it is there");
        for (line, command) in in_ticks(&text) {
            found += 1;
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            let is_verb = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let (verb, second) = (words.first().copied().unwrap_or_default(), words.get(1).filter(is_verb));
            let asked = |words: &str| {
                let out = place.run(&format!("tandem {words} --help"));
                out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
            };
            let Some(help) = asked(verb) else {
                wrong.push(format!("{file}:{line}: `{command}`: there is no verb `{verb}`"));
                continue;
            };
            let further = second.and_then(|second| asked(&format!("{verb} {second}"))).unwrap_or_default();
            let flags = words
                .iter()
                .filter(|word| word.starts_with('-'))
                .map(|word| word.trim_end_matches([',', '.']));
            let unknown = flags.filter(|flag| !format!("{help}{further}").contains(flag));
            wrong.extend(unknown.map(|flag| format!("{file}:{line}: `{command}`: `{verb}` has no `{flag}`")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found >= 20, "only {found} commands were found");
}

/// The comments at the top of an example say how to ask it.
#[test]
fn every_command_in_a_comment_of_an_example_runs() {
    let place = Place::prepared(&plan());
    let mut ran = 0;
    for file in plans::examples() {
        let text = fs::read_to_string(&file).expect("it is there");
        for words in text
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .filter(|words| words.starts_with("tandem "))
        {
            let command =
                Command { words: words.split_whitespace().collect::<Vec<_>>().join(" "), shown: None };
            assert_eq!(fault(&place, &command), None, "{}", file.display());
            ran += 1;
        }
    }
    assert!(ran >= 5, "only {ran} commands were found");
}
