//! A day that nobody plans, thought of before: `check`, `explain`, `break` and `[[expect]]` with an override in force.
#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use std::process::Command;
use tandem::config::{Source, read};

/// On a snow day nobody is in the office, and an announcement says so before the answering service is rung.
const PLAN: &str = r#"timezone = "America/Denver"
[carriers]
telnyx = "192.0.2.1"
[sites]
office = "192.0.2.2"
[services]
answering = "+18005550199"
[announcements]
sorry = "closed"
[hours]
open = "mon-fri 08:00-16:00"
[numbers]
"+13035550100" = "main"
"+13035550101" = "desk"
[plans.main]
steps = [{ ring = "office", when = "not override snow" }, { ring = "answering", when = "not override quiet" }]
closed = ["answering"]
floor = false
[plans.desk]
steps = ["office", "sorry"]
"#;

/// What a verb prints of the plan, without the name of its file; and its exit status.
fn said(verb: &[&str]) -> (String, Option<i32>) {
    static PLANS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let nth = PLANS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("tandem-overrides-{}-{nth}.toml", std::process::id()));
    std::fs::write(&file, PLAN).expect("the folder for temporary files can be written");
    let name = file.to_str().expect("its name is plain");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.args(verb.iter().map(|word| if *word == "PLAN" { name } else { word }));
    let out = command.output().expect("it starts");
    std::fs::remove_file(&file).expect("it is there");
    let text = String::from_utf8(out.stdout).expect("it prints UTF-8").replace(name, "plan.toml");
    (text, out.status.code())
}

#[test]
fn check_walks_each_number_with_each_override_that_its_plan_asks_for() {
    let (text, status) = said(&["check", "PLAN", "--outages", "singles"]);
    let table = text.split_once("\n\n  CALLS").map(|(_, table)| format!("CALLS{table}")).expect("a table");
    assert_eq!(
        table,
        "\
CALLS TO      PLAN  WHEN         SOMEBODY WHO ANSWERS RINGS  WITH ONE OUTAGE, AT WORST
  +13035550100  main  open         answering after 20 s        NOBODY: carrier telnyx
                      open, quiet  NOBODY                      no worse
                      open, snow   answering at once           NOBODY: carrier telnyx
                      closed       answering at once           NOBODY: carrier telnyx
  +13035550101  desk  always       sorry after 20 s            no worse
  33 calls were walked: each of 2 things failed, noticed or not, with and without each override; 4 of 5 lines can end with NOBODY.
"
    );
    assert_eq!(status, Some(0));
    let (text, _) = said(&["check", "PLAN", "--outages", "none", "-o", "json"]);
    let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let lines = read["calls"].as_array().expect("a list").iter();
    let told: Vec<String> =
        lines.map(|line| format!("{} {} {}", line["plan"], line["when"], line["override"])).collect();
    assert_eq!(told.len(), 7, "those too that are as without it: {told:?}");
    assert_eq!(told.iter().filter(|line| line.contains("\"snow\"")).count(), 2);
}

#[test]
fn explain_and_break_show_the_calls_of_such_a_day() {
    let (text, status) =
        said(&["explain", "+13035550100", "--plan", "PLAN", "--at", "Tue 10:00", "--override", "snow"]);
    assert_eq!(
        text.lines().take(7).collect::<Vec<_>>(),
        [
            "+13035550100: plan main in plan.toml",
            "  at           Tue 10:00 in America/Denver: open until Tue 16:00",
            "  override     snow",
            "  arrives by   telnyx alone: while telnyx is down no call arrives here, whatever the plan says",
            "",
            "  1  office           not now: `when`  :16  by 192.0.2.2",
            "  2  answering  20 s  from 0 s         :16  by telnyx",
        ]
    );
    assert_eq!(status, Some(0));
    let at = ["--plan", "PLAN", "--at", "Tue 10:00"];
    let (text, status) = said(&[&["break", "override snow"][..], &at].concat());
    assert_eq!(
        text,
        "\
With override snow in force, Tue 10:00 in America/Denver: 1 number changes, 1 do not for callers.

  +13035550100  plan main
    now           office rings at once, answering rings after 20 s, NOBODY: a failure after 40 s
    then          answering rings at once, NOBODY: a failure after 20 s
"
    );
    assert_eq!(status, Some(1));
    let (text, _) = said(&[&["break", "override snow", "carrier telnyx"][..], &at].concat());
    assert!(text.starts_with("With carrier telnyx down and override snow in force, Tue 10:00"), "{text}");
    let (text, status) = said(&[&["break", "override snwo"][..], &at].concat());
    assert_eq!(
        (&*text, status),
        ("tandem break: no step asks for `override snwo`; did you mean `snow`?\n", Some(1))
    );
    let (text, status) = said(&["explain", "+13035550100", "--plan", "PLAN", "--override", "rain"]);
    let why = "tandem explain: no step asks for `override rain`; there is `quiet`, `snow`\n";
    assert_eq!((&*text, status), (why, Some(1)));
}

/// What keeps the plan out, with these expectations.
fn wrong(expects: &str) -> Vec<String> {
    let source = Source::new("plan.toml", format!("{PLAN}{expects}"));
    let now = Timestamp::from_second(1_767_693_600).expect("a moment");
    let Err(refused) = read(source, now) else { return Vec::new() };
    let told = |line: String| line.split_once(": error").map(|(_, problem)| problem.to_owned());
    refused.lines().filter_map(told).collect()
}

#[test]
fn an_expectation_may_be_of_such_a_day() {
    let expect = |with: &str| format!("[[expect]]\nnumber = \"+13035550100\"\nat = \"Tue 10:00\"\n{with}\n");
    assert_eq!(wrong(&expect("override = \"snow\"\nreaches = \"answering\"\nwithin = \"1s\"")), [""; 0]);
    assert_eq!(wrong(&expect("override = [\"quiet\"]\nreaches = \"office\"\nwithin = \"1s\"")), [""; 0]);
    assert_eq!(
        wrong(&expect("override = [\"quiet\", \"snow\"]\nreaches = \"answering\"")),
        [
            "[E117]: `answering` is expected to ring, and does not; help: what comes instead: NOBODY: a failure at once"
        ]
    );
    assert_eq!(
        wrong(&expect("override = [\"snwo\", \"rain\"]\nreaches = \"answering\"")),
        [
            "[E101]: no step asks for `override snwo`; help: did you mean `snow`?",
            "[E101]: no step asks for `override rain`; help: an override is what a step asks for: `when = \"override storm\"`"
        ]
    );
}
