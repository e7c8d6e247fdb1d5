//! The plans of an MSP and of an operator that lie in `examples/`.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use std::path::PathBuf;
use tandem::cli::check;
use tandem::config::load;
use tandem::diagnostic::Colour;
use tandem::explain::{answer, broken};

#[test]
fn both_are_fine_but_for_a_password_that_is_not_here() {
    for (folder, sizes) in [
        ("northwest-it", "18 numbers, 5 plans, 17 destinations"),
        ("cascadia", "50 numbers, 2 plans, 5 destinations"),
    ] {
        let loaded = load(&example(folder), now()).unwrap_or_else(|refused| panic!("{refused}"));
        let codes: Vec<&str> = loaded.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert!(codes.iter().all(|code| *code == "L032"), "{folder}: {codes:?}");
        let found = check::answer(&example(folder), now(), Colour::Off);
        assert!(found.fine && found.text.contains(sizes), "{}", found.text);
    }
}

#[test]
fn an_office_rings_15_s_then_staff_then_the_night_desk_then_a_receptionist_then_voicemail() {
    assert_eq!(
        explain("northwest-it", "+15035550100", "Tue 10:00")[..9],
        [
            "+15035550100: plan nguyen-dental/main in DIR/tandem.toml",
            "at           Tue 10:00 in America/Los_Angeles: open until Tue 18:00",
            "arrives by   telnyx or inteliquent",
            "",
            "1  nguyen-dental/office                                      15 s  from 0 s   :27  by pbx.nguyen.example",
            "2  nguyen-dental/staff/1 and nguyen-dental/staff/2 together  18 s  from 15 s  :27  by telnyx, else inteliquent (press 1)",
            "3  night-desk                                                20 s  from 33 s  :27  by telnyx, else inteliquent",
            "4  ava                                                       20 s  from 53 s  :27  by agent.example;transport=tls",
            "5  nguyen-dental/voicemail                                   10 s  from 73 s  :27  by this machine",
        ]
    );
    let closed = explain("northwest-it", "+12085550142", "Tue 17:30");
    assert_eq!(
        closed[..2],
        [
            "+12085550142: plan lopez-law/main in DIR/tandem.toml",
            "at           Tue 17:30 in America/Boise: open until Tue 18:00"
        ]
    );
    assert!(closed[5].starts_with(
        "2  lopez-law/staff/1, lopez-law/staff/2 and lopez-law/staff/3, each 5 s after the other"
    ));
}

#[test]
fn a_bank_has_its_answering_service_within_25_s() {
    assert_eq!(
        explain("cascadia", "+13125550149", "Tue 10:00")[4..],
        [
            "1    acme-bank/hq          8 s   from 0 s         acme-bank.toml:23  by pbx1.acme.example, else pbx2.acme.example",
            "2    acme-bank/branch-12   8 s   from 8 s         acme-bank.toml:23  by 10.12.0.5",
            "3    plan acme-bank/main:                         acme-bank.toml:23",
            "3.1  acme-bank/hq                has rung before  acme-bank.toml:18  by pbx1.acme.example, else pbx2.acme.example",
            "3.2  acme-bank/dr-site     10 s  from 16 s        acme-bank.toml:18  by pbx.dr.acme.example",
            "3.3  acme-bank/answer-co   20 s  from 26 s        acme-bank.toml:18  by lumen/pdx, else lumen/ord, else sinch/iad",
            "3.4  acme-bank/desk-vm     10 s  from 46 s        acme-bank.toml:18  by this machine",
        ]
    );
}

#[test]
fn what_fails_at_one_customer_changes_nothing_for_the_others() {
    let things = ["site nguyen-dental/office".to_owned()];
    let at = Some("Tue 10:00".parse().unwrap());
    let found = broken::answer(&things, &example("northwest-it"), at, now());
    let changed: Vec<&str> = found.text.lines().filter(|line| line.contains("  plan ")).collect();
    assert_eq!(changed, ["  +15035550100 and +15035550101  plan nguyen-dental/main"]);
    assert!(found.text.contains("2 numbers change, 16 do not"), "{}", found.text);
}

/// The first lines of what `tandem explain` says, up to what it takes.
fn explain(folder: &str, number: &str, at: &str) -> Vec<String> {
    let path = example(folder);
    let found = answer(number, &path, Some(at.parse().unwrap()), now());
    assert!(found.fine, "{}", found.text);
    let text = found.text.replace(path.to_str().unwrap(), "DIR");
    text.lines().take(11).map(|line| line.trim_start().to_owned()).collect()
}

fn example(folder: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).join(folder)
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}
