//! `tandem diff` as people read it: who would get a call that somebody else gets today.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use tandem::cli::diff::differences;
use tandem::config::{Loaded, Source, read};

/// Monday, 5 January 2026, 12:00 in Los Angeles.
const MONDAY: i64 = 1_767_643_200;

const CLINIC: &str = include_str!("../../examples/nguyen-dental.toml");

fn plan(text: &str) -> Loaded {
    let now = Timestamp::from_second(MONDAY).expect("a moment");
    read(Source::new("plan.toml", text), now).expect("a plan without errors")
}

fn between(old: &str, new: &str) -> String {
    differences(&plan(old), &plan(new), None, MONDAY)
}

#[test]
fn what_callers_do_not_notice_is_not_a_difference() {
    assert_eq!(between(CLINIC, CLINIC), "");
    let other =
        CLINIC.replace("business = \"Nguyen Dental\"", "business = \"Nguyen\"").replace("ana", "anna");
    let renamed = other.replace("anna", "ana");
    assert_ne!(other, renamed, "a name that changes is somebody else");
    assert_eq!(between(CLINIC, &renamed), "");
    // Another address of the same office is the same office.
    assert_eq!(between(CLINIC, &CLINIC.replace("pbx.nguyen.example", "pbx2.nguyen.example")), "");
}

#[test]
fn a_step_that_is_dropped_is_told_once_for_all_outages_that_show_it() {
    let new = CLINIC.replace("[\"ana\", \"ben\"], ", "");
    assert_eq!(
        between(CLINIC, &new),
        "\
The one number differs.

  +15035550100
    Mon 12:00, nothing down; and in 3 other cases
      was  office rings at once, ana and ben ring after 20 s, answering rings after 38 s, inbox answers after 58 s
      now  office rings at once, answering rings after 20 s, inbox answers after 40 s
    Mon 12:00, carrier telnyx down, at first
      was  office rings at once, ana and ben ring after 22 s, answering rings after 40 s, inbox answers after 60 s
      now  office rings at once, answering rings after 22 s, inbox answers after 42 s
    Mon 12:00, site office down, at first; and in 1 other case
      was  ana and ben ring after 2 s, answering rings after 20 s, inbox answers after 40 s
      now  answering rings after 2 s, inbox answers after 22 s
    Mon 12:00, site office down, once noticed; and in 2 other cases
      was  ana and ben ring at once, answering rings after 18 s, inbox answers after 40 s
      now  answering rings at once, inbox answers after 22 s
    … and 2 more changes, in other outages
"
    );
}

#[test]
fn what_shows_only_in_an_outage_is_found_there() {
    let new = CLINIC.replace(
        "bandwidth = \"nguyen.bandwidth.example\"",
        "bandwidth = { sip = \"nguyen.bandwidth.example\", domains = [\"grid\"] }",
    );
    let new = new.replace(
        "telnyx    = \"sip.telnyx.example\"",
        "telnyx = { sip = \"sip.telnyx.example\", domains = [\"grid\"] }",
    );
    assert_eq!(
        between(CLINIC, &new),
        "\
The one number differs.

  +15035550100
    Mon 12:00, domain grid down, at first; and in 4 other cases
      was  office rings at once, ana and ben ring after 20 s, answering rings after 38 s, inbox answers after 58 s
      now  office rings at once, inbox answers after 28 s
    Mon 12:00, carrier telnyx and domain grid down, at first
      was  office rings at once, ana and ben ring after 22 s, answering rings after 40 s, inbox answers after 60 s
      now  office rings at once, inbox answers after 28 s
    Mon 12:00, domain grid and site office down, at first
      was  ana and ben ring after 2 s, answering rings after 20 s, inbox answers after 40 s
      now  inbox answers after 10 s
    Mon 12:00, domain grid and site office down, once noticed
      was  ana and ben ring at once, answering rings after 18 s, inbox answers after 40 s
      now  inbox answers after 10 s
    … and 2 more changes, in other outages
"
    );
}

#[test]
fn numbers_come_and_go() {
    let new = CLINIC
        .replace("\"+15035550100\" = \"main\"", "\"+15035550101\" = \"main\"\n\"+15035550102\" = \"main\"");
    assert_eq!(
        between(CLINIC, &new),
        "\
All 3 numbers differ.

  +15035550100  is not listed any more: callers hear 404

  +15035550101 and +15035550102  is new: office rings at once, ana and ben ring after 20 s, answering rings after 38 s, inbox answers after 58 s
"
    );
}

#[test]
fn what_shows_only_under_an_override_is_found_before_it_is_switched() {
    let old = CLINIC
        .replace("steps  = [\"office\",", "steps  = [{ ring = \"office\", when = \"not override storm\" },");
    assert_ne!(old, CLINIC);
    let new =
        old.replace("[\"ana\", \"ben\"]", "{ ring = [\"ana\", \"ben\"], when = \"not override storm\" }");
    assert_ne!(old, new);
    assert_eq!(
        differences(&plan(&old), &plan(&new), Some(router::proof::Depth::Nothing), MONDAY),
        "\
The one number differs.

  +15035550100
    Mon 12:00, override storm, nothing down
      was  ana and ben ring at once, answering rings after 18 s, inbox answers after 38 s
      now  answering rings at once, inbox answers after 20 s
"
    );
    // A plan that asks for nothing, and one whose other word changes nothing.
    let said = differences(&plan(CLINIC), &plan(&old), Some(router::proof::Depth::Nothing), MONDAY);
    assert!(said.contains("Mon 12:00, override storm, nothing down"), "{said}");
}
