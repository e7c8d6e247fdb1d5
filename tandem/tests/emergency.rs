//! Emergency numbers in a plan file.

use jiff::Timestamp;
use tandem::config::{Loaded, Source, read};

const CARRIERS: &str = "[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n";

fn load(top: &str, carriers: &str, number: &str) -> Result<Loaded, Vec<String>> {
    let text = format!(
        "{top}[sites]\nhq = \"192.0.2.10\"\n[services]\ndesk = \"192.0.2.11\"\n[numbers]\n\"{number}\" = \"main\"\n\
         [plans]\nmain = [\"hq\", \"desk\", \"last\"]\n{carriers}[announcements]\nlast = \"busy\"\n"
    );
    let source = Source::new("plan.toml", text);
    read(source, Timestamp::UNIX_EPOCH).map_err(|refused| refused.lines().collect())
}

/// What `check` says, without the help.
fn said(top: &str, carriers: &str, number: &str) -> Vec<String> {
    let lines = match load(top, carriers, number) {
        Ok(loaded) => loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect(),
        Err(lines) => lines,
    };
    lines.iter().filter_map(|line| line.split("; help").next().map(str::to_owned)).collect()
}

#[test]
fn three_numbers_are_emergency_numbers_unless_the_file_says_otherwise() {
    let numbers = |top| {
        let loaded = load(top, CARRIERS, "+15035550100").unwrap();
        loaded.plan.emergency.numbers.iter().map(|number| number.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(""), ["112", "911", "999"]);
    assert_eq!(numbers("emergency = [\"110\", \"112\"]\n"), ["110", "112"]);
    assert_eq!(
        said("emergency = [\"+911\", 911, \"1\"]\n", CARRIERS, "+15035550100"),
        [
            "plan.toml:1:14: error[E015]: `+911` is no emergency number",
            "plan.toml:1:22: error[E011]: `emergency` must be a list of emergency numbers such as `[\"911\"]`, not a bare number",
            "plan.toml:1:27: error[E015]: `1` is no emergency number",
        ]
    );
}

#[test]
fn an_emergency_number_has_no_plan() {
    assert_eq!(
        said("", CARRIERS, "911"),
        ["plan.toml:6:1: error[E115]: 911 is an emergency number: no plan may have it"]
    );
    assert_eq!(said("emergency = [\"112\"]\n", CARRIERS, "911"), [""; 0]);
}

#[test]
fn every_single_outage_leaves_a_call_for_help_a_way_out_or_is_warned_of() {
    let help = |top, carriers| {
        let lines = said(top, carriers, "+15035550100");
        lines.into_iter().filter(|line| line.contains("L021")).collect::<Vec<_>>()
    };
    let warned = |line: u32, why: &str| {
        vec![format!("plan.toml:{line}:1: warning[L021]: a call for help of site `hq` {why}")]
    };
    assert_eq!(help("", CARRIERS), [""; 0]);
    assert_eq!(help("", ""), warned(2, "has no way out: there is no carrier"));
    assert_eq!(help("", "[carriers]\none = \"192.0.2.1\"\n"), warned(2, "has no way out when `one` is down"));
    assert_eq!(help("emergency = []\n", CARRIERS), warned(3, "is refused here: `emergency` is empty"));
    let both = "[carriers]\none = { sip = \"192.0.2.1\", domains = [\"fibre\"] }\ntwo = { sip = \"192.0.2.2\", domains = [\"fibre\"] }\n";
    assert_eq!(
        help("", both),
        warned(2, "has no way out when all carriers go down together: both are in `fibre`")
    );
}
