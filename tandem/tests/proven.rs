//! The table of `tandem check`: all outages of the examples, and of plans that can end with nobody.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use std::process::Command;

/// The table that `tandem check` prints of a plan, and its exit status.
fn table(arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.arg("check").args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let out = command.output().expect("it starts");
    let text = String::from_utf8(out.stdout).expect("it prints UTF-8");
    let table = text.split_once("\n\n  CALLS TO").map(|(_, table)| format!("CALLS TO{table}"));
    (table.unwrap_or(text), out.status.code())
}

#[test]
fn a_clinic_open_and_closed_in_every_outage() {
    let (text, status) = table(&["examples/nguyen-dental.toml"]);
    assert_eq!(
        text,
        "\
CALLS TO      PLAN  WHEN    SOMEBODY WHO ANSWERS RINGS  WITH ONE OUTAGE, AT WORST             WITH TWO
  +15035550100  main  open    answering after 38 s        answering after 40 s: carrier telnyx  no worse
                      closed  answering at once           answering after 2 s: carrier telnyx   inbox after 4 s: carrier telnyx + carrier bandwidth
  26 calls were walked: each of 3 things and every two of them failed, noticed or not; somebody answers each.
"
    );
    assert_eq!(status, Some(0));
}

#[test]
fn fewer_outages_if_that_is_asked_for() {
    let (text, _) = table(&["examples/two-trunks.toml", "--outages", "singles"]);
    assert_eq!(
        text,
        "\
CALLS TO                 PLAN  WHEN    SOMEBODY WHO ANSWERS RINGS  WITH ONE OUTAGE, AT WORST
  +13125550100 and *       main  open    answer-co after 25 s        answer-co after 27 s: carrier lumen
                                 closed  ava after 25 s              sorry after 30 s: service ava
  +13125550101 and 3 more  desk  always  ava after 25 s              sorry after 30 s: service ava
  57 calls were walked: each of 11 things failed, noticed or not; somebody answers each.
"
    );
    let (text, _) = table(&["examples/two-trunks.toml", "--outages", "none"]);
    assert_eq!(
        text,
        "\
CALLS TO                 PLAN  WHEN    SOMEBODY WHO ANSWERS RINGS
  +13125550100 and *       main  open    answer-co after 25 s
                                 closed  ava after 25 s
  +13125550101 and 3 more  desk  always  ava after 25 s
  3 calls were walked: nothing failed, of 11 things that may; somebody answers each.
"
    );
}

#[test]
fn who_would_reach_nobody_is_told_loudly() {
    let file = std::env::temp_dir().join(format!("tandem-proven-{}.toml", std::process::id()));
    let plan = "[sites]\noffice = \"192.0.2.1\"\n[services]\nava = \"192.0.2.2\"\n[numbers]\n\"+15035550100\" = \"main\"\n\
                [plans.main]\nsteps = [\"office\", \"ava\"]\nfloor = false\n";
    std::fs::write(&file, plan).expect("the folder for temporary files can be written");
    let (text, status) = table(&[file.to_str().expect("its name is plain")]);
    std::fs::remove_file(file).expect("it is there");
    assert_eq!(
        text,
        "\
CALLS TO      PLAN  WHEN    SOMEBODY WHO ANSWERS RINGS  WITH ONE OUTAGE, AT WORST  WITH TWO
  +15035550100  main  always  ava after 20 s              NOBODY: service ava        no worse
  7 calls were walked: each of 2 things and every two of them failed, noticed or not; it can end with NOBODY.
"
    );
    assert_eq!(status, Some(0));
}
