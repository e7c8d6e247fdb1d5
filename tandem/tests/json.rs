//! A plan in JSON says the same as in TOML, and what is wrong with it is shown in it.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod folder;

use folder::Folder;
use jiff::Timestamp;
use router::Plan;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tandem::cli::check::say;
use tandem::cli::fmt::{Mode, answer};
use tandem::config::{Loaded, Source, load, read};
use tandem::diagnostic::Colour;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A table as JSON, its keys in the order of the file, each in a line of its own.
fn object(table: &DeTable<'_>) -> String {
    let mut entries: Vec<(&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        format!("{}: {}", serde_json::Value::from(key.get_ref().as_ref()), value_of(value.get_ref()))
    };
    let entries: Vec<String> = entries.into_iter().map(entry).collect();
    format!("{{\n{}\n}}", entries.join(",\n"))
}

fn value_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(table) => object(table),
        DeValue::Array(list) => {
            let list: Vec<String> = list.iter().map(|value| value_of(value.get_ref())).collect();
            format!("[{}]", list.join(", "))
        }
        DeValue::String(text) => serde_json::Value::from(text.as_ref()).to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Float(_) | DeValue::Datetime(_) => unreachable!("no plan has one"),
    }
}

fn in_json(toml: &str) -> String {
    object(&DeTable::parse(toml).unwrap().into_inner()).replace(".toml\"", ".json\"")
}

/// All files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

/// A plan but for the lines that its steps stand in.
fn without_lines(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for course in &mut plan.courses {
        let others = [&mut course.closed, &mut course.busy, &mut course.full].into_iter().flatten();
        others.chain([&mut course.steps]).flatten().for_each(|step| step.line = 0);
    }
    plan.files.clear();
    plan
}

#[test]
fn every_example_is_the_same_plan_in_json() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut plans = 0;
    for entry in fs::read_dir(&examples).unwrap().flatten().map(|entry| entry.path()) {
        let folder = Folder::with(&[]);
        let mut found = Vec::new();
        if entry.is_dir() {
            files(&entry, &mut found)
        } else {
            found.push(entry.clone())
        }
        for file in &found {
            let text = fs::read_to_string(file).unwrap();
            let name = match file.strip_prefix(&entry) {
                Ok(name) if entry.is_dir() => name.to_owned(),
                Ok(_) | Err(_) => "tandem.toml".into(),
            };
            match name.to_str().unwrap().strip_suffix(".toml") {
                Some(name) => folder.write(&format!("{name}.json"), in_json(&text).as_bytes()),
                None => folder.write(name.to_str().unwrap(), text.as_bytes()),
            }
        }
        let toml = load(&entry, now()).unwrap_or_else(|refused| panic!("{refused}"));
        let json = folder.load().unwrap_or_else(|refused| panic!("{refused}"));
        let of = |loaded: Loaded| {
            let codes: Vec<_> = loaded.warnings.iter().map(|warning| warning.code).collect();
            (without_lines(&loaded.plan), loaded.node, loaded.guide, loaded.drills.len(), codes)
        };
        // Comments allow a warning or two; JSON has none.
        let (toml, json) = (of(toml), of(json));
        assert_eq!((toml.0, toml.1, toml.2, toml.3), (json.0, json.1, json.2, json.3), "{}", entry.display());
        plans += 1;
    }
    assert!(plans >= 12, "only {plans}");
}

/// What `tandem check` says of a file in JSON.
fn said(text: &str) -> String {
    say(&read(Source::new("tandem.json", text), now()), Colour::Off).text
}

const PLAN: &str = r#"{
  "timezone": "UTC",
  "carriers": { "a": "192.0.2.1", "b": "192.0.2.2" },
  "sites": { "office": "192.0.2.3" },
  "announcements": { "sorry": "busy" },
  "numbers": { "+15035550100": "main" },
  "plans": {
    "main": ["office", "sorry"]
  }
}
"#;

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let of = |text: &str| Arc::clone(&read(Source::new("a.json", text), now()).unwrap().plan);
    assert_eq!(of(PLAN), of(&format!("\u{feff}{}", PLAN.replace('\n', "\r\n"))));
}

#[test]
fn what_is_wrong_is_underlined_in_the_json() {
    let wrong = PLAN.replace("\"office\", ", "\"ofice\", ").replace("\"timezone\"", "\"timezonx\"");
    assert_eq!(
        said(&wrong),
        r#"error[E010]: the file has no key `timezonx`
 --> tandem.json:2:4
  |
2 |   "timezonx": "UTC",
  |    ^^^^^^^^ unknown key
  |
help: did you mean `timezone`?
  |
2 -   "timezonx": "UTC",
2 +   "timezone": "UTC",
  |

error[E101]: plan `main` rings `ofice`, which is not defined
 --> tandem.json:8:14
  |
4 |   "sites": { "office": "192.0.2.3" },
  |               ------ `office` is defined here, a site
...
8 |     "main": ["ofice", "sorry"]
  |              ^^^^^^^ nobody is called so
  |
help: did you mean `office`?
  |
8 |     "main": ["office", "sorry"]
  |                 +

tandem check: 2 errors in tandem.json. `tandem help E010` explains a code.
"#
    );
    // A change that is none in JSON is said in words.
    let bare = said(&PLAN.replace(", \"sorry\"]", "]"));
    assert!(bare.contains("error[E116]") && !bare.contains("floor = false\n"), "{bare}");
    let unquoted = said(&PLAN.replace("\"UTC\"", "UTC"));
    assert_eq!(
        unquoted.lines().take(7).collect::<Vec<_>>(),
        [
            "error[E001]: this is not JSON: this is no value",
            " --> tandem.json:2:15",
            "  |",
            "2 |   \"timezone\": UTC,",
            "  |               ^^^ not quoted",
            "  |",
            "  = help: text stands in quotes; a number does not begin with 0 or a plus: phone numbers and times of day are text",
        ]
    );
    let twice = said(&PLAN.replace("\"b\":", "\"a\":"));
    let head: Vec<&str> = twice.lines().take(6).collect();
    assert_eq!(head[0], "error[E102]: `a` is defined twice");
    assert_eq!(head[4], "  |                  - the first time  ^ the second time", "{twice}");
}

#[test]
fn a_secret_in_json_is_never_printed() {
    let secret = PLAN.replace(
        "\"a\": \"192.0.2.1\"",
        "\"a\": { \"sip\": \"192.0.2.1\", \"user\": \"n\", \"password\": \"hünter2\" }",
    );
    assert!(said(&secret).contains("L030") && !said(&secret).contains("nter2"), "{}", said(&secret));
}

#[test]
fn files_of_both_kinds_include_each_other_and_each_problem_is_shown_in_its_own() {
    let toml = "include = [\"*.json\"]\ntimezone = \"UTC\"\n[carriers]\na = \"192.0.2.1\"\nb = \"192.0.2.2\"\n[announcements]\nsorry = \"busy\"\n";
    let json = "{ \"sites\": { \"office\": \"192.0.2.3\" }, \"numbers\": { \"+15035550100\": \"main\" },\n\
                \"plans\": { \"main\": [\"office\", \"sory\"] } }";
    let folder = Folder::with(&[("tandem.toml", toml.as_bytes()), ("more.json", json.as_bytes())]);
    let lines = folder.lines();
    assert!(lines[0].starts_with("DIR/more.json:2:31: error[E101]: plan `main` rings `sory`"), "{lines:?}");
    let plan = PLAN.replacen('{', "{ \"include\": \"more.toml\",", 1);
    let folder = Folder::with(&[("tandem.json", plan.as_bytes()), ("more.toml", b"[people]\nana = 7\n")]);
    let lines = folder.lines();
    assert!(lines[0].starts_with("DIR/more.toml:2:7: error[E011]"), "{lines:?}");
    assert!(
        folder
            .check()
            .ends_with("tandem check: 1 error in DIR/tandem.json. `tandem help E011` explains a code.\n")
    );
}

#[test]
fn fmt_leaves_json_as_it_is_and_says_so() {
    let folder = Folder::with(&[("tandem.json", PLAN.as_bytes())]);
    let said = answer(&folder.0, Mode::Check, now());
    let text = said.text.replace(folder.0.to_str().unwrap(), "DIR");
    assert_eq!(text, "DIR/tandem.json: JSON stays as it is\ntandem fmt: 1 file, nothing to change.\n");
    assert!(said.fine);
    assert_eq!(fs::read(folder.0.join("tandem.json")).unwrap(), PLAN.as_bytes());
}

#[test]
fn no_change_to_a_file_panics() {
    let text = in_json(include_str!("../../examples/two-trunks.toml"));
    let pieces = ["\"", "[", "]", "{", "}", ",", ":", "\n", "\\", "null", "1e9", "\\u12", "é", "//", "-"];
    for (n, at) in (0..text.len()).step_by(7).enumerate() {
        let Some((before, after)) = text.split_at_checked(at) else { continue };
        let mut rest = after.chars();
        rest.next();
        for changed in [
            format!("{before}{}{after}", pieces[n % pieces.len()]),
            format!("{before}{}", rest.as_str()),
            before.to_owned(),
        ] {
            let _ = said(&changed);
        }
    }
}
