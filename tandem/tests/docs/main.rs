//! The texts keep their word: each command that stands in a block of them is run, in a folder that holds what the text speaks of, and what
//! stands below `$ command` is what it prints, to the last letter; only a date may be any date, and so a moment that is told with its day of the
//! week, milliseconds, and the name of who runs it. Each plan or part of one in them is read.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

mod blocks;
mod place;
mod plans;

use blocks::{Block, Command, blocks, in_ticks};
use nix::unistd::{User, getuid};
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

/// Verbs that ask a running node.
const ASKING: [&str; 8] =
    ["apply", "confirm", "rollback", "status", "revisions", "override", "drain", "undo"];

/// Commands that only make the folder what the text says it is.
const MAKING: [&str; 1] = ["cp new.toml tandem.toml"];

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
        let asks = |command: &Command| {
            ASKING.iter().any(|verb| command.words.starts_with(&format!("tandem {verb}")))
        };
        let _node = commands.iter().any(asks).then(|| place.node());
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
    if !words.starts_with("tandem ") && !MAKING.contains(&words.as_str()) {
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
    let said = said.replace(&format!("{}/", place.0.display()), "");
    (undated(shown) != undated(&said)).then(|| format!("`{words}` prints\n{said}{errors}and not\n{shown}"))
}

/// A text with the same word for what differs from day to day: dates, moments of a day of the week, milliseconds, and who runs it.
fn undated(text: &str) -> String {
    let digits = |word: &str, form: &[usize], between: char| {
        let parts: Vec<&str> = word.split(between).collect();
        parts.iter().map(|part| part.len()).eq(form.iter().copied())
            && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_day = |word: &str| ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word);
    let user = User::from_uid(getuid()).ok().flatten().map_or_else(String::new, |user| user.name);
    let line = |line: &str| {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for at in 0..words.len() {
            let word = words[at].trim_end_matches([',', ':', '.']).to_owned();
            let after = words.get(at + 1).map_or("", |word| word.trim_end_matches('.'));
            let comes_by_day = at > 0 && is_day(&words[at - 1]);
            let mask = if digits(&word, &[4, 2, 2], '-') {
                "DATE"
            } else if (digits(&word, &[2, 2, 2], ':') || digits(&word, &[2, 2], ':')) && comes_by_day {
                "MOMENT"
            } else if after == "ms" && word.parse::<u64>().is_ok() {
                "N"
            } else if word == user || word == "rdiaz" {
                "USER"
            } else {
                continue;
            };
            words[at] = words[at].replace(&word, mask);
            if comes_by_day {
                words[at - 1] = "DAY".into();
            }
        }
        words.join(" ")
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_date_may_be_any_date_and_little_else_may() {
    assert_eq!(undated("on Tue 2026-11-24, 14:06"), undated("on Fri 2027-01-01, 14:06"));
    assert_ne!(undated("on Tue 2026-11-24, 14:06"), undated("on Tue 2026-11-24, 14:07"));
    assert_eq!(
        undated("at Tue 14:06:01 by rdiaz: after 18 ms."),
        undated("at Fri 01:02:03 by rdiaz: after 2 ms.")
    );
    assert_ne!(undated("after 18 s"), undated("after 19 s"));
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
