//! `[[expect]]`: what has to hold of a plan, asked each time its file is read.

use jiff::Timestamp;
use tandem::cli::check::say;
use tandem::config::{Source, read};
use tandem::diagnostic::Colour;

const PLAN: &str = r#"timezone = "UTC"
[carriers]
a = "192.0.2.1"
b = "192.0.2.2"
[sites]
office = { sip = "192.0.2.3", domains = ["grid"] }
branch = "192.0.2.4"
[people]
ana = "+15035550111"
[mailboxes]
inbox = { email = "a@b.example" }
[mail]
smtp = "127.0.0.1:25"
tls = "none"
from = "a@b.example"
[hours]
open = "mon-fri 08:00-17:00"
[numbers]
"+15035550100" = "main"
[plans.main]
steps = ["office", "branch", { ring = "ana", confirm = true }, "inbox"]
closed = ["ana", "inbox"]
live_within = "60s"
"#;

/// What `tandem check` says of the plan with these expectations, and whether it may come into force.
fn said(expects: &str) -> (String, bool) {
    let source = Source::new("plan.toml", format!("{PLAN}{expects}"));
    let now = Timestamp::from_second(1_767_693_600).unwrap_or_default();
    let answer = say(&read(source, now), Colour::Off);
    (answer.text, answer.fine)
}

#[test]
fn what_holds_says_nothing() {
    let (text, fine) = said(
        "[[expect]]\nnumber = \"+15035550100\"\nat = \"Tue 10:00\"\nreaches = \"office\"\nwithin = \"1s\"\n\
         [[expect]]\nnumber = \"+15035550100\"\ndown = [\"site office\"]\nat = \"Tue 10:00\"\nreaches = \"branch\"\nwithin = \"2s\"\n\
         [[expect]]\nnumber = \"5035550100\"\ndown = [\"domain grid\", \"carrier a\"]\nat = \"Tue 10:00\"\nreaches = \"ana\"\nwithin = \"24s\"\n\
         [[expect]]\nnumber = \"+15035550100\"\ndown = [\"a\", \"b\"]\nat = \"Sun 10:00\"\nreaches = \"inbox\"\nwithin = \"10s\"\n",
    );
    assert_eq!(
        text,
        "tandem check: plan.toml is fine: 1 number, 1 plan, 4 destinations, 2 carriers, 1 failure domain.\n"
    );
    assert!(fine);
}

#[test]
fn what_does_not_hold_keeps_the_plan_out_and_says_what_comes_instead() {
    let (text, fine) = said(
        "[[expect]]\nnumber = \"+15035550100\"\ndown = \"site office\"\nat = \"Tue 10:00\"\nreaches = \"branch\"\nwithin = \"1s\"\n\
         [[expect]]\nnumber = \"+15035550100\"\nat = \"Sun 10:00\"\nreaches = \"office\"\n",
    );
    assert_eq!(
        text,
        "\
error[E117]: `branch` rings after 2 s, and is expected after 1 s at the latest
  --> plan.toml:28:11
   |
28 | reaches = \"branch\"
   |           ^^^^^^^^ is expected
   |
   = help: what comes instead: branch rings after 2 s, inbox answers after 40 s

error[E117]: `office` is expected to ring, and does not
  --> plan.toml:33:11
   |
33 | reaches = \"office\"
   |           ^^^^^^^^ is expected
   |
   = help: what comes instead: ana rings at once, inbox answers after 18 s

tandem check: 2 errors in plan.toml. `tandem help E117` explains a code.
"
    );
    assert!(!fine);
}

#[test]
fn a_name_that_is_none_is_named_with_the_nearest() {
    let (text, fine) = said(
        "[[expect]]\nnumber = \"+15035550101\"\ndown = [\"site offce\", \"grid\", \"nothing like it\"]\nat = \"Tuesday\"\nreaches = \"inbx\"\nwithin = \"1h\"\n\
         [[expect]]\nreach = \"office\"\n",
    );
    let lines: Vec<&str> =
        text.lines().filter(|line| line.starts_with("error") || line.contains("help:")).collect();
    assert_eq!(
        lines,
        [
            "error[E101]: `+15035550101` is no number of this plan",
            "   = help: did you mean `+15035550100`?",
            "error[E101]: nothing that can fail is called `site offce`",
            "   = help: did you mean `site office`?",
            "error[E101]: nothing that can fail is called `nothing like it`",
            "   = help: `carrier …`, `site …`, `service …` (by SIP) or `domain …`",
            "error[E018]: `Tuesday` is no moment",
            "   = help: write `Tue 23:10`, by the plan's clock, or `2026-11-24T23:10:00-08:00`",
            "error[E101]: no destination is called `inbx`",
            "   = help: did you mean `inbox`?",
            "error[E013]: `within` is 3600 s: it may be 1 s to 180 s",
            "   = help: the default is 180 s: no call is walked for longer than three minutes",
            "help: the nearest is",
            "error[E012]: an expectation has no `number`",
            "   = help: write `number = \"+15035550100\"` and `reaches = \"inbox\"` in it",
            "error[E012]: an expectation has no `reaches`",
            "   = help: write `number = \"+15035550100\"` and `reaches = \"inbox\"` in it",
            "error[E010]: [[expect]] has no key `reach`",
            "help: did you mean `reaches`?",
        ]
    );
    assert!(!fine);
    assert!(said("expect = 7\n").0.contains("`expect`"), "a list of tables");
}

const OPERATOR: &str = r#"operator = "Cascadia"
timezone = "UTC"
[carriers]
lumen = "192.0.2.1"
sinch = "192.0.2.2"
[announcements]
sorry = "busy"
[customers.acme]
timezone = "America/Chicago"
hours = "mon-fri 08:00-17:00"
numbers = ["+13125550100"]
sites.office = "192.0.2.3"
steps = ["office", "sorry"]
closed = ["sorry"]
EXPECT
[customers.bolt]
numbers = ["+13125550200"]
sites.office = "192.0.2.4"
steps = ["office", "sorry"]
"#;

#[test]
fn a_customer_expects_by_his_own_names_numbers_and_clock() {
    let said = |expects: &str| {
        let source = Source::new("plan.toml", OPERATOR.replace("EXPECT", expects));
        let now = Timestamp::from_second(1_767_693_600).unwrap_or_default();
        let text = say(&read(source, now), Colour::Off).text;
        let is_told = |line: &&str| line.starts_with("error") || line.contains("help:");
        text.lines().filter(is_told).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    // At 16:00 in Chicago it is 22:00 by the operator's clock.
    let holds =
        "expect = [{ number = \"+13125550100\", at = \"Tue 16:00\", reaches = \"office\", within = \"1s\" }]";
    assert_eq!(said(holds), [""; 0]);
    let table =
        "[[customers.acme.expect]]\nnumber = \"+13125550100\"\nat = \"Tue 22:00\"\nreaches = \"office\"\n";
    assert_eq!(
        said(table),
        [
            "error[E117]: `acme/office` is expected to ring, and does not",
            "= help: what comes instead: sorry answers at once"
        ]
    );
    let wrong = "expect = [{ number = \"+13125550200\", reaches = \"ofice\", down = \"site ofice\" }]";
    assert_eq!(
        said(wrong),
        [
            "error[E101]: `+13125550200` is no number of customer `acme`",
            "= help: did you mean `+13125550100`?",
            "error[E101]: no destination is called `ofice`",
            "= help: did you mean `office`?",
            "error[E101]: nothing that can fail is called `site ofice`",
            "= help: did you mean `site office`?",
        ]
    );
    assert!(said("expect = 7")[0].contains("`expect` must be a list of tables"), "{:?}", said("expect = 7"));
}
