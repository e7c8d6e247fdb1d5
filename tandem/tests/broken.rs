//! `tandem break` as people read it: whole outputs, of the examples and of small plans.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use std::path::PathBuf;
use std::process::Command;

/// What it prints, and its exit status.
fn said(arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.arg("break").args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let out = command.output().expect("it starts");
    (String::from_utf8(out.stdout).expect("it prints UTF-8"), out.status.code())
}

fn of_clinic(things: &[&str]) -> (String, Option<i32>) {
    said(&[things, &["--plan", "examples/nguyen-dental.toml", "--at", "Tue 10:00"]].concat())
}

#[test]
fn a_broken_office_is_left_out_and_late_only_until_it_is_noticed() {
    let (text, status) = of_clinic(&["site office"]);
    assert_eq!(
        text,
        "\
With site office down, Tue 10:00 in America/Los_Angeles: the one number changes for callers.

  +15035550100  plan main
    now           office rings at once, answering rings after 38 s, inbox answers after 58 s
    at first      ana and ben ring after 2 s, answering rings after 20 s, inbox answers after 40 s
    once noticed  ana and ben ring at once, answering rings after 18 s, inbox answers after 40 s
"
    );
    assert_eq!(status, Some(0));
}

#[test]
fn several_things_fail_together_and_a_name_alone_is_enough() {
    let (text, status) = of_clinic(&["telnyx", "bandwidth", "office"]);
    assert_eq!(
        text,
        "\
With carrier telnyx, carrier bandwidth and site office down, Tue 10:00 in America/Los_Angeles: the one number changes for callers.

  +15035550100  plan main
    now           office rings at once, answering rings after 38 s, inbox answers after 58 s
    then          inbox answers after 10 s
"
    );
    assert_eq!(status, Some(0));
}

#[test]
fn numbers_of_one_plan_are_told_once_and_what_does_not_change_is_left_out() {
    let (text, _) = said(&["branch", "--plan", "examples/two-trunks.toml", "--at", "Tue 10:00"]);
    assert!(text.starts_with("With site branch down, Tue 10:00 in America/Chicago: "), "{text}");
    assert!(text.contains("  +13125550101 and 3 more  plan desk\n"), "{text}");
    let (text, status) = said(&["carrier sinch", "--plan", "examples/two-trunks.toml", "--at", "Tue 10:00"]);
    assert_eq!(text, "With carrier sinch down, Tue 10:00 in America/Chicago: nothing changes for callers.\n");
    assert_eq!(status, Some(0));
}

#[test]
fn who_would_reach_nobody_is_an_exit_status() {
    let file: PathBuf = std::env::temp_dir().join(format!("tandem-break-{}.toml", std::process::id()));
    let plan = "[sites]\noffice = \"192.0.2.1\"\n[numbers]\n\"+15035550100\" = \"main\"\n[plans.main]\nsteps = [\"office\"]\nfloor = false\n";
    std::fs::write(&file, plan).expect("the folder for temporary files can be written");
    let (text, status) =
        said(&["office", "--plan", file.to_str().expect("its name is plain"), "--at", "Tue 10:00"]);
    std::fs::remove_file(file).expect("it is there");
    assert_eq!(
        text,
        "\
With site office down, Tue 10:00 in UTC: the one number changes for callers.

  +15035550100  plan main
    now           office rings at once, NOBODY: a failure after 20 s
    then          NOBODY: a failure after 2 s
"
    );
    assert_eq!(status, Some(1));
}

#[test]
fn what_nothing_is_called_or_two_things_are_is_said_with_what_there_is() {
    let (text, status) = of_clinic(&["offce"]);
    assert_eq!(
        text,
        "tandem break: nothing that can fail is called `offce`\n  \
         there is `carrier telnyx`, `carrier bandwidth`, `site office`\n  \
         who is reached by phone number alone fails with the carriers\n"
    );
    assert_eq!(status, Some(1));
}

#[test]
fn each_customer_is_asked_by_his_own_clock() {
    // By the operator's clock it would be half past six in Boise, and the office closed.
    let (text, _) = said(&["site lopez-law/office", "--plan", "examples/northwest-it", "--at", "Tue 17:30"]);
    let head = "With site lopez-law/office down, Tue 17:30 by the clock of each number: 5 numbers change, 13 do not for callers.\n";
    assert!(text.starts_with(head), "{text}");
    assert!(text.contains("at first      lopez-law/staff/1 rings after 2 s"), "{text}");
}
