//! `tandem fmt`: one form for plan files that changes nothing of what they say.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod folder;

use core::fmt::Write as _;
use folder::Folder;
use jiff::Timestamp;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use tandem::cli::diff::differences;
use tandem::cli::fmt::{Mode, answer};
use tandem::cli::layout::in_form;
use tandem::config::{Source, read};
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

const EXAMPLES: [&str; 14] = [
    include_str!("../../examples/nguyen-dental.toml"),
    include_str!("../../examples/nguyen-dental-full.toml"),
    include_str!("../../examples/two-trunks.toml"),
    include_str!("../../examples/registered.toml"),
    include_str!("../../examples/law-office.toml"),
    include_str!("../../examples/restaurant.toml"),
    include_str!("../../examples/hotel.toml"),
    include_str!("../../examples/plumber.toml"),
    include_str!("../../examples/school.toml"),
    include_str!("../../examples/remote-team.toml"),
    include_str!("../../examples/cascadia/tandem.toml"),
    include_str!("../../examples/cascadia/customers/acme-bank.toml"),
    include_str!("../../examples/northwest-it/tandem.toml"),
    include_str!("../../examples/northwest-it/customers/harbor-inn.toml"),
];

#[test]
fn the_examples_are_in_form() {
    for text in EXAMPLES {
        assert_eq!(in_form(text).as_deref(), Some(text));
    }
}

const MAIN: &str = "include = [\"more/*\"]\n[sites]\nhq=\"192.0.2.10\"\n\n[carriers]\na = \"a.example\"\nb = \"b.example\"\n\n\
                    [announcements]\nsorry = \"busy\"\n\n[numbers]\n\"+15035550100\" = \"main\"\n\n[plans]\nmain=[\"hq\",\"branch\",\"sorry\"]\n";
const BRANCH: &str = "\u{feff}[sites] # a remark\r\n# tandem: allow(L001) until 2030-01-01, it is what there is\r\nbranch   = \"192.0.2.20\"\r\n";
const ROWS: &str = "name,numbers\n";

#[test]
fn a_plan_of_several_files_is_checked_then_written_and_says_the_same_as_before() {
    let folder = Folder::with(&[
        ("tandem.toml", MAIN.as_bytes()),
        ("elsewhere/branch.toml", BRANCH.as_bytes()),
        ("more/people.toml", b"[people]\nana = \"192.0.2.30\"\n"),
        ("more/rows.csv", ROWS.as_bytes()),
    ]);
    let path = |name: &str| folder.0.join(name);
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    symlink("../elsewhere/branch.toml", path("more/branch.toml")).unwrap();
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(path("elsewhere/branch.toml"), mode).unwrap();
    let (before, problems) = (folder.load().unwrap(), codes(&folder.lines()));

    let checked = said(&folder, Mode::Check);
    let would = "DIR/tandem.toml:2: would change from here on\nDIR/more/branch.toml:1: would change from here on\n\
                 tandem fmt: 3 files, 2 would change.\n";
    assert_eq!(checked, (would.to_owned(), false));
    assert_eq!((read("tandem.toml"), read("more/branch.toml")), (MAIN.to_owned(), BRANCH.to_owned()));

    let written = said(&folder, Mode::Write);
    let changed =
        "DIR/tandem.toml: changed\nDIR/more/branch.toml: changed\ntandem fmt: 3 files, 2 changed.\n";
    assert_eq!(written, (changed.to_owned(), true));
    let nothing = ("tandem fmt: 3 files, nothing to change.\n".to_owned(), true);
    assert_eq!(said(&folder, Mode::Check), nothing);
    assert_eq!(said(&folder, Mode::Write), nothing);

    assert_eq!(
        read("tandem.toml"),
        MAIN.replace("\n[sites]\nhq=", "\n\n[sites]\nhq = ")
            .replace("main=[\"hq\",\"branch\",", "main = [\"hq\", \"branch\", ")
    );
    assert_eq!(read("more/branch.toml"), BRANCH.replace("] #", "]  #").replace("branch   =", "branch ="));
    assert_eq!(read("more/rows.csv"), ROWS);
    assert!(path("more/branch.toml").is_symlink());
    let mode = std::fs::metadata(path("elsewhere/branch.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(path("elsewhere")).unwrap().count(), 1);
    assert_eq!(differences(&before, &folder.load().unwrap(), None, now().as_second()), "");
    assert_eq!(codes(&folder.lines()), problems);
}

#[test]
fn a_file_that_is_not_toml_stays_as_it_is_and_the_others_do_not() {
    let folder = Folder::with(&[
        ("tandem.toml", MAIN.as_bytes()),
        ("more/wrong.toml", b"[sites]\nbranch='192.0.2.20\nx=1\nx=2\n"),
    ]);
    let expected = "\
error[E001]: this is not TOML: invalid literal string
 --> DIR/more/wrong.toml:2:19
  |
2 | branch='192.0.2.20
  |                   ^ expected `'`
  |
  = help: the quote at the end is missing

error[E102]: `x` is defined twice
 --> DIR/more/wrong.toml:4:1
  |
3 | x=1
  | - the first time
4 | x=2
  | ^ the second time
  |
  = help: take one of the two out, or give it another name

DIR/tandem.toml: changed
DIR/more/wrong.toml: this is not TOML
tandem fmt: 2 files, 1 changed, 1 left as found.
";
    assert_eq!(said(&folder, Mode::Write), (expected.to_owned(), false));
    let wrong = std::fs::read_to_string(folder.0.join("more/wrong.toml")).unwrap();
    assert_eq!(wrong, "[sites]\nbranch='192.0.2.20\nx=1\nx=2\n");
    let checked = folder.check();
    assert!(checked.starts_with("error[E001]"), "{checked}");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = Folder::with(&[("tandem.toml", b"include = \"more.toml\"\n")]);
    let (text, fine) = said(&folder, Mode::Check);
    assert!(text.starts_with("error[E002]: `DIR/more.toml` cannot be read: No such file"), "{text}");
    assert!(text.ends_with("tandem fmt: 1 file, nothing to change.\n") && !fine, "{text}");
    std::fs::remove_file(folder.0.join("tandem.toml")).unwrap();
    let (text, fine) = said(&folder, Mode::Write);
    assert!(text.starts_with("error[E002]: this folder has no `tandem.toml`") && !fine, "{text}");
    assert!(text.ends_with("tandem fmt: nothing was read.\n"), "{text}");
}

/// Edits that often leave a file TOML.
const PIECES: [&str; 30] = [
    " ",
    "   ",
    "\t",
    "\n",
    "\n\n\n",
    "\r\n",
    " # a remark\n",
    "\n# another  \n",
    "\n      # a third\n",
    "#",
    ",",
    ", ",
    "=",
    " = ",
    ".",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[ a ]\n",
    "\n[[ b . c ]] # d\n",
    "\nkey=[1,2 , { x=3 }, ]\n",
    "\nd.\"e\" = 1979-05-27 07:32:00\n",
    "ü",
    "x",
    "1",
];

#[test]
fn no_edit_of_the_examples_makes_a_file_whose_form_says_something_else() {
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut draw = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below
    };
    let (mut rounds, mut formed, mut changed) = (0, 0, 0);
    while formed < 2_000 {
        rounds += 1;
        assert!(rounds < 40_000, "too few edits leave a file TOML: {formed}");
        let example = EXAMPLES[draw(EXAMPLES.len())];
        let typed = match draw(4) {
            0 => example.to_owned(),
            1 => example.replace(" = ", "=").replace(", ", ",").replace("\n\n", "\n"),
            2 => example.replace('\n', "  \n").replace('[', "[ ").replace('{', "{\t"),
            _ => example.replace('\n', "\r\n").replace("  ", " "),
        };
        let mut text: Vec<char> = typed.chars().collect();
        for _ in 0..=draw(5) {
            let from = draw(text.len());
            let to = (from + [0, 0, 0, 1, 3][draw(5)]).min(text.len());
            text.splice(from..to, PIECES[draw(PIECES.len())].chars());
        }
        let text: String = text.iter().collect();
        let Some(once) = in_form(&text) else { continue };
        formed += 1;
        changed += usize::from(once != text);
        assert_eq!(in_form(&once).as_ref(), Some(&once), "{text}");
        assert_eq!(values(&once), values(&text), "{text}");
        assert_eq!(comments(&once), comments(&text), "{text}");
        if formed % 8 == 0 {
            assert_eq!(problems(&once), problems(&text), "{text}");
        }
    }
    assert!(changed > 1_000, "{changed}");
}

/// What a file says, without where.
fn values(text: &str) -> String {
    let mut said = String::new();
    draw_table(&DeTable::parse(text).unwrap().into_inner(), &mut said);
    said
}

fn draw_table(table: &DeTable<'_>, said: &mut String) {
    said.push('{');
    for (key, value) in table {
        write!(said, "{:?}:", key.get_ref()).unwrap();
        draw_value(value.get_ref(), said);
    }
    said.push('}');
}

fn draw_value(value: &DeValue<'_>, said: &mut String) {
    match value {
        DeValue::Table(table) => draw_table(table, said),
        DeValue::Array(list) => {
            said.push('[');
            list.iter().for_each(|value| draw_value(value.get_ref(), said));
            said.push(']');
        }
        plain @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => write!(said, "{plain:?},").unwrap(),
    }
}

fn comments(text: &str) -> Vec<&str> {
    let tokens = toml_parser::Source::new(text).lex();
    let comments = tokens.filter(|token| token.kind() == TokenKind::Comment);
    comments
        .map(|token| text[token.span().start()..token.span().end()].trim_end_matches([' ', '\t']))
        .collect()
}

/// The codes of all problems in order, those that a comment allows left out.
fn problems(text: &str) -> Vec<&'static str> {
    let found = match read(Source::new("plan.toml", text), now()) {
        Ok(loaded) => loaded.warnings,
        Err(refused) => refused.problems,
    };
    found.iter().map(|problem| problem.code.as_str()).collect()
}

/// The problems without their places, which may be on other lines.
fn codes(lines: &[String]) -> Vec<String> {
    let after_place = |line: &String| line.split_once(": ").map(|(_, rest)| rest.to_owned());
    lines.iter().filter_map(after_place).collect()
}

fn said(folder: &Folder, mode: Mode) -> (String, bool) {
    let found = answer(&folder.0, mode, now());
    (found.text.replace(folder.0.to_str().unwrap(), "DIR"), found.fine)
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}
