//! `[drills.*]`: what is to be tried on purpose is read, and what it would show is foreseen.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use std::process::Command;
use tandem::cli::check::say;
use tandem::config::{Loaded, Period, Refused, Source, Unit, read};
use tandem::diagnostic::Colour;

const PLAN: &str = r#"business = "Nguyen Dental"
timezone = "America/Los_Angeles"
[carriers]
first = "192.0.2.1"
second = "192.0.2.2"
[sites]
office = "192.0.2.3"
branch = "192.0.2.4"
[announcements]
sorry = "busy"
[hours]
open = "mon-fri 08:00-17:00"
[numbers]
"+15035550100" = "main"
"+15035550101" = "bare"
[plans.main]
steps = ["office", "branch", "sorry"]
closed = ["sorry"]
[plans.bare]
steps = ["office", "branch"]
floor = false
"#;

/// On Thursday, 1 January 2026, 12:00 UTC.
fn load(more: &str) -> Result<Loaded, Refused> {
    read(Source::new("plan.toml", format!("{PLAN}{more}")), "2026-01-01T12:00:00Z".parse().unwrap())
}

/// Titles and helps of what is wrong with these drills.
fn said(more: &str) -> Vec<String> {
    let text = say(&load(more), Colour::Off).text;
    let is_told = |line: &&str| line.starts_with("error") || line.starts_with("warning[L022");
    let lines = text.lines().filter(|line| {
        is_told(line) || line.contains("help: ") && !line.contains("carrier goes on elsewhere")
    });
    lines.map(|line| line.trim().trim_start_matches("= ").to_owned()).collect()
}

#[test]
fn a_drill_is_read_with_all_that_it_names() {
    let loaded = load(
        r#"
[drills.spring]
every = "6 months"
window = "sun 02:00-04:00"
break = ["carrier first", "office + branch"]
evidence = { to = "audit@nguyen.example", frameworks = ["iso22301", "ffiec"] }
[drills.often]
every = "quarter"
break = "site branch"
"#,
    );
    let loaded = loaded.unwrap();
    let (spring, often) = (&loaded.drills[0], &loaded.drills[1]);
    assert_eq!((&*spring.name, spring.every), ("spring", Period { count: 6, unit: Unit::Month }));
    let breaks: Vec<String> = spring.breaks.iter().map(|one| one.things.join(" and ")).collect();
    assert_eq!(breaks, ["carrier first", "site office and site branch"]);
    let evidence = spring.evidence.as_ref().unwrap();
    let rules = evidence.frameworks.as_slice();
    assert_eq!((&*evidence.to[0], rules), ("audit@nguyen.example", &["iso22301", "ffiec"][..]));
    assert_eq!(often.every.to_string(), "every quarter");
    assert_eq!((&often.window, &often.evidence), (&None, &None));
    // On Sunday, 4 January at 02:00 in Los Angeles; in the middle of its window it may be at once.
    let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    assert_eq!(spring.next(&loaded.plan, at("2026-01-01T12:00:00Z")), at("2026-01-04T10:00:00Z"));
    assert_eq!(spring.next(&loaded.plan, at("2026-01-04T11:00:00Z")), at("2026-01-04T11:00:00Z"));
    assert_eq!(often.next(&loaded.plan, 7), 7);
}

#[test]
fn what_is_wrong_in_a_drill_is_named_with_what_to_write() {
    let drills = r#"
[drills.a]
every = "6 monts"
break = ["site ofice + carrier first", "first + ", "grid"]
window = "sunday night"
evidence = { frameworks = ["ISO-22301", "gdpr"] }
[drills.b]
every = "0 days"
breaks = "office"
evidence = { to = "audit" }
[drills.c]
every = "now and then"
break = []
[drills.d]
every = "10 years"
break = "office"
"#;
    assert_eq!(
        said(drills),
        [
            "error[E037]: `6 monts` is no period",
            "help: write",
            "error[E101]: nothing that can fail is called `site ofice`",
            "help: did you mean `site office`?",
            "error[E021]: a case of `break` is empty",
            "help: write `carrier first + site office`",
            "error[E101]: nothing that can fail is called `grid`",
            "help: `carrier …`, `site …`, `service …` (by SIP) or `domain …`",
            "error[E017]: `sunday night` are no opening hours",
            "help: write days and times: \"mon-fri 08:00-17:00\", \"mon,wed 22:00-06:00\", \"sat\"; several of them as a list",
            "error[E012]: evidence goes to nobody",
            "help: write `to = \"audit@acme.example\"` in it",
            "error[E011]: evidence is not written for `ISO-22301`",
            "help: did you mean `iso22301`?",
            "error[E011]: evidence is not written for `gdpr`",
            "help: it may be iso22301, ffiec, hipaa, dora, soc2",
            "error[E012]: drill `b` has no `break`",
            "help: write `break = [\"site office\"]`",
            "error[E037]: `0 days` is no period",
            "help: a period is at least a day and at most 3 years",
            "error[E010]: [drills.b] has no key `breaks`",
            "help: did you mean `break`?",
            "error[E032]: `audit` is no address for mail",
            "help: an address is `name@domain`, alone, in ASCII",
            "error[E037]: `now and then` is no period",
            "help: write `month`, `quarter`, `year`, `6 months` or `2 weeks`",
            "error[E021]: `break` is empty",
            "help: write what belongs in it, or take it out",
            "error[E037]: `10 years` is no period",
            "help: a period is at least a day and at most 3 years",
        ]
    );
}

#[test]
fn a_drill_that_leaves_callers_with_nobody_is_warned_of() {
    let drill = "[drills.a]\nevery = \"month\"\nbreak = [\"site office\", \"site office + site branch\"]\n";
    assert_eq!(
        said(drill),
        [
            "warning[L022]: drill `a` would leave calls of plan `bare` with nobody who rings",
            "help: end the plan with a mailbox or an announcement, as in `[\"office\", \"inbox\"]`, or take this case out of the drill",
        ]
    );
    let allowed = drill.replace("break", "# tandem: allow(L022), nobody calls that number\nbreak");
    assert_eq!(said(&allowed), [""; 0]);
}

const OPERATOR: &str = r#"operator = "Cascadia"
[carriers]
lumen = "192.0.2.1"
sinch = "192.0.2.2"
[templates.shop]
roles = { office = "site" }
steps = ["office", "sorry"]
drills.yearly = { every = "year", break = ["site office", "carrier lumen"] }
[announcements]
sorry = "busy"
[customers.acme]
use = "shop"
timezone = "America/Chicago"
numbers = ["+13125550100"]
office = "192.0.2.3"
[customers.acme.drills.own]
every = "2 weeks"
window = "sat"
break = "site office"
[customers.bolt]
use = "shop"
timezone = "Europe/Berlin"
numbers = ["+493055500100"]
office = "192.0.2.4"
"#;

#[test]
fn customers_and_templates_have_drills_with_names_and_clocks_of_their_own() {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let with = |more: &str| read(Source::new("plan.toml", format!("{OPERATOR}{more}")), now);
    let loaded = with("").unwrap_or_else(|refused| panic!("{refused}"));
    let drills: Vec<String> = loaded
        .drills
        .iter()
        .map(|drill| {
            let breaks: Vec<String> = drill.breaks.iter().map(|one| one.things.join(" + ")).collect();
            format!("{}: {}", drill.name, breaks.join(", "))
        })
        .collect();
    // What a customer says himself comes before what the template says.
    assert_eq!(drills, ["acme/own: site acme/office", "bolt/yearly: site bolt/office, carrier lumen"]);
    let saturday: Timestamp = "2026-01-03T06:00:00Z".parse().unwrap();
    assert_eq!(loaded.drills[0].next(&loaded.plan, now.as_second()), saturday.as_second());
    let wrong = |more: &str| with(more).unwrap_err().to_string();
    let at_top = wrong("[drills.a]\nevery = \"year\"\nbreak = \"site office\"\n");
    assert!(at_top.contains("help: did you mean `site acme/office`?"), "{at_top}");
    let others = wrong("[customers.bolt.drills.a]\nevery = \"year\"\nbreak = \"site ofice\"\n");
    assert!(others.contains("help: did you mean `site office`?"), "{others}");
}

#[test]
fn check_says_who_would_answer_in_each_case() {
    let folder = std::env::temp_dir().join(format!("tandem-drills-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tandem.toml");
    let drill = r#"
[drills.spring]
every = "month"
window = "mon 09:00-10:00"
break = ["office + branch", "carrier first"]
evidence = { to = "a@b.example", frameworks = "dora" }
"#;
    std::fs::write(&file, format!("{PLAN}{drill}")).unwrap();
    let said = |form: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        let out = command.args(["check", "-o", form]).arg(&file).output().unwrap();
        assert!(out.status.success());
        String::from_utf8(out.stdout).unwrap()
    };
    let text = said("text");
    let (_, told) = text.split_once("\n  Drill ").unwrap();
    let (head, cases) = told.split_once('\n').unwrap();
    assert!(head.starts_with("spring, every month, mon 09:00-10:00; next "), "{head}");
    let end = ", Mon 09:00 in America/Los_Angeles; evidence to a@b.example (dora). It would show:";
    assert!(head.ends_with(end), "{head}");
    assert_eq!(
        cases.lines().collect::<Vec<_>>(),
        [
            "    site office + site branch: 2 plans change, a call may ring NOBODY",
            "      +15035550100  plan main",
            "        then          sorry answers after 4 s",
            "      +15035550101  plan bare",
            "        then          NOBODY: a failure after 4 s",
            "    carrier first: nothing changes for callers",
        ]
    );
    let value: serde_json::Value = serde_json::from_str(&said("json")).unwrap();
    let case = &value["drills"][0]["breaks"][0];
    assert_eq!((&case["down"], &case["loses_calls"]), (&"site office + site branch".into(), &true.into()));
    std::fs::remove_dir_all(&folder).unwrap();
}
