//! `tandem explain` as people read it: whole outputs, of the examples and of small plans.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn explain(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.arg("explain").args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command.output().expect("it starts")
}

/// What it prints for a call that is in the plan, but for what the DNS of this machine says.
fn said(arguments: &[&str]) -> String {
    let out = explain(arguments);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).expect("it prints UTF-8");
    text.split("  By the DNS now:\n").next().unwrap_or_default().to_owned()
}

/// What it prints for a plan in a file of its own, from the first step on.
fn said_of(name: &str, plan: &str) -> String {
    let file: PathBuf =
        std::env::temp_dir().join(format!("tandem-explain-{name}-{}.toml", std::process::id()));
    std::fs::write(&file, plan).expect("the folder for temporary files can be written");
    let out =
        said(&["+15035550100", "--plan", file.to_str().expect("its name is plain"), "--at", "Tue 10:00"]);
    std::fs::remove_file(file).expect("it is there");
    out.split_once("\n\n").map(|(_, steps)| steps.to_owned()).expect("the steps stand apart")
}

#[test]
fn an_open_office_is_rung_first() {
    assert_eq!(
        said(&["+15035550100", "--plan", "examples/nguyen-dental.toml", "--at", "Tue 10:00"]),
        "\
+15035550100: plan main in examples/nguyen-dental.toml
  at           Tue 10:00 in America/Los_Angeles: open until Tue 17:00
  arrives by   telnyx or bandwidth

  1  office                20 s  from 0 s   :29  by pbx.nguyen.example
  2  ana and ben together  18 s  from 20 s  :29  by telnyx, else bandwidth (press 1)
  3  answering             20 s  from 38 s  :29  by telnyx, else bandwidth
  4  inbox                 10 s  from 58 s  :29  by this machine

  Times count from the arrival of the call, with every phone ringing to its end and nobody answering.
  A step is over at once when all in it are busy, decline, fail or are known to be down; a way is given
  up after
    2 s* without a word, 5 s without ringing  by office
    2 s* without a word, 8 s without ringing  by telnyx, bandwidth
    * as long as its round trip is not known; then 1 to 4 s by that
  The plan ends with inbox, which answers on this machine.
"
    );
}

#[test]
fn a_closed_one_is_not_and_the_moment_may_be_anywhere_on_earth() {
    assert_eq!(
        said(&["5035550100", "--plan", "examples/nguyen-dental.toml", "--at", "2026-11-25T08:10:00+01:00"]),
        "\
5035550100: plan main in examples/nguyen-dental.toml
  at           2026-11-24, Tue 23:10 in America/Los_Angeles: closed until Wed 08:00
  arrives by   telnyx or bandwidth

  1  answering  20 s  from 0 s   :30  by telnyx, else bandwidth
  2  inbox      10 s  from 20 s  :30  by this machine

  Times count from the arrival of the call, with every phone ringing to its end and nobody answering.
  A step is over at once when all in it are busy, decline, fail or are known to be down; a way is given
  up after
    2 s* without a word, 8 s without ringing  by telnyx, bandwidth
    * as long as its round trip is not known; then 1 to 4 s by that
  The plan ends with inbox, which answers on this machine.
"
    );
}

#[test]
fn a_call_for_help_has_no_plan() {
    assert_eq!(
        said(&["911", "--plan", "examples/two-trunks.toml"]),
        "\
911 is an emergency number: a call of a site goes out at once, as it came, before every plan, schedule and limit.
  by lumen, then sinch
  Half an hour long all phones ring if the number is called that it showed. Calls of others are refused.
"
    );
}

#[test]
fn a_number_that_nobody_listed_has_the_plan_for_all_others() {
    assert_eq!(
        said(&["998", "--plan", "examples/two-trunks.toml", "--at", "Mon 10:00"]),
        "\
998: plan main in examples/two-trunks.toml, as for all numbers that are not listed
  at           Mon 10:00 in America/Chicago: open until Mon 18:00
  arrives by   lumen or sinch

  1  hq         10 s  from 0 s   :50  by 192.0.2.10, else 192.0.2.11
  2  branch     15 s  from 10 s  :50  by 10.12.0.5:5070
  3  answer-co  30 s  from 25 s  :50  by lumen/ord, else lumen/pdx, else sinch
  4  sorry      10 s  from 55 s  :50  by this machine
  Once somebody in plan main was busy, it goes on with branch (:52), then answer-co (:52), then sorry (:52).

  Times count from the arrival of the call, with every phone ringing to its end and nobody answering.
  A step is over at once when all in it are busy, decline, fail or are known to be down; a way is given
  up after
    2 s* without a word, 6 s without ringing  by hq/1, hq/2, branch, lumen/ord, lumen/pdx, sinch
    * as long as its round trip is not known; then 1 to 4 s by that
  The plan ends with sorry, which answers on this machine.
"
    );
}

#[test]
fn a_plan_inside_a_plan_is_counted_out() {
    assert_eq!(
        said(&["+13125550100", "--plan", "examples/two-trunks.toml", "--at", "Sun 10:00"]),
        "\
+13125550100: plan main in examples/two-trunks.toml
  at           Sun 10:00 in America/Chicago: closed until Mon 07:30
  arrives by   lumen or sinch

  1    plan desk:                                                      :51
  1.1  branch and hq, each 5 s after the other  15 s, 20 s  from 0 s   :55  by 10.12.0.5:5070; 192.0.2.10, else 192.0.2.11
  1.2  ava                                      20 s        from 25 s  :55  by agent.example;transport=tcp
  1.3  sorry                                    10 s        from 45 s  :55  by this machine

  Times count from the arrival of the call, with every phone ringing to its end and nobody answering.
  A step is over at once when all in it are busy, decline, fail or are known to be down; a way is given
  up after
    2 s* without a word, 6 s without ringing  by branch, hq/1, hq/2
    5 s without a word, 6 s without ringing  by ava
    * as long as its round trip is not known; then 1 to 4 s by that
  The plan ends with sorry, which answers on this machine.
"
    );
}

#[test]
fn a_walk_that_takes_too_long_jumps_to_whoever_must_answer() {
    let plan = r#"
business = "B"
carriers.acme = "192.0.2.1"
sites.office = "192.0.2.10"
people.ana = "+15035550111"
services.answering = "+18005550199"
numbers = { "+15035550100" = "main" }
[plans.main]
steps = [
  "office",
  "ana",
  "office",
  "answering",
]
live_within = "15s"
floor = false
"#;
    assert_eq!(
        said_of("cut", plan),
        "  \
  1  office     15 s  from 0 s                 :10  by 192.0.2.10
  2  ana        18 s  from 35 s, second round  :11  by acme (press 1)
  3  office           has rung before          :12  by 192.0.2.10
  4  answering  20 s  from 15 s                :13  by acme
  After 15 s somebody whose job is to answer must ring (`live_within`): the walk jumps there.

  Times count from the arrival of the call, with every phone ringing to its end and nobody answering.
  A step is over at once when all in it are busy, decline, fail or are known to be down; a way is given
  up after
    2 s* without a word, 5 s without ringing  by office
    2 s* without a word, 8 s without ringing  by acme
    * as long as its round trip is not known; then 1 to 4 s by that
  The plan can end with nobody: if ana does not answer either, the caller hears 480 after 53 s.
"
    );
}

#[test]
fn an_unknown_number_is_told_the_nearest() {
    let out = explain(&["+15035550010", "--plan", "examples/nguyen-dental.toml"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "tandem explain: the plan does not list +15035550010: its caller would hear 404.\n  \
         did you mean +15035550100?\n"
    );
}

#[test]
fn a_plan_with_errors_explains_nothing() {
    let file = std::env::temp_dir().join(format!("tandem-explain-{}.toml", std::process::id()));
    std::fs::write(&file, "[numbers]\n\"+15035550100\" = \"mian\"\n").expect("a new file");
    let out = explain(&["+15035550100", "--plan", &file.to_string_lossy()]);
    std::fs::remove_file(&file).expect("it is ours");
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(1));
    assert!(text.contains("error[E101]"), "{text}");
    assert!(text.ends_with("\ntandem explain: no call would be routed by this plan file.\n"), "{text}");
}

#[test]
fn a_time_that_is_none_is_a_slip_of_the_command_line() {
    let out = explain(&["+15035550100", "--plan", "examples/nguyen-dental.toml", "--at", "noon"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn ways_that_die_together_are_named() {
    let plan = "\
[carriers]
acme = { trunks = [{ name = \"east\", sip = \"192.0.2.1\" }], domains = [\"fibre-i5\"] }
zenith = \"192.0.2.2\"
[sites]
office = { sip = [\"192.0.2.10\", \"192.0.2.11\"], domains = [\"fibre-i5\", \"grid\"] }
[services]
answering = \"+18005550199\"
[numbers]
\"+15035550100\" = \"main\"
[plans.main]
steps = [\"office\", \"answering\"]
floor = false
";
    let said = said_of("fates", plan);
    let shared: Vec<&str> = said.lines().filter(|line| line.contains("share domain")).collect();
    assert_eq!(
        shared,
        ["  office and acme share domain fibre-i5: after silence in it a way outside is tried first."]
    );
}

#[test]
fn what_may_be_full_says_how_much_it_takes_and_where_calls_go_then() {
    let plan = "\
[carriers]
acme = { trunks = [{ name = \"east\", sip = \"192.0.2.1\", cps = 5 }], channels = 60 }
[sites]
office = { sip = \"192.0.2.10\", channels = 46, cps = 2 }
[services]
answering = \"+18005550199\"
[numbers]
\"+15035550100\" = \"main\"
[plans.main]
steps = [\"office\"]
full = [\"answering\"]
floor = false
";
    let said = said_of("full", plan);
    let full: Vec<&str> = said.lines().filter(|line| line.contains(" full")).collect();
    assert_eq!(
        full,
        [
            "  office takes 46 calls at once and 2 new ones a second: when full, it is passed by and tried last.",
            "  When all of a step of plan main are full, it goes on with answering (:11)."
        ]
    );
}

#[test]
fn it_says_which_number_those_see_whose_step_says_so() {
    let plan = "business = \"B\"\n[carriers]\na = \"192.0.2.1\"\n[people]\nana = \"+15035550111\"\n\
                [numbers]\n\"+15035550100\" = \"main\"\n[plans.main]\nsteps = [{ ring = \"ana\", from = \"owned\" }]\nfloor = false\n";
    let said = said_of("step-from", plan);
    let seen = said.split_once("Whoever rings sees as the caller\n").map(|(_, seen)| seen);
    let seen = seen.unwrap().lines().take(2).collect::<Vec<_>>();
    assert_eq!(
        seen,
        [
            "    the caller's own number  by a",
            "    +15035550100, forwarded by +15035550100 (Diversion)  by whatever peer the step at :9 goes by",
        ]
    );
}

#[test]
fn it_says_which_number_a_mobile_sees() {
    let plan = |carriers: &str| {
        format!(
            "business = \"B\"\n[carriers]\n{carriers}[people]\nana = \"+15035550111\"\n\
             [numbers]\n\"+15035550100\" = \"main\"\n[plans.main]\nsteps = [\"ana\"]\nfloor = false\n"
        )
    };
    let seen = |name: &str, carriers: &str| {
        let said = said_of(name, &plan(carriers));
        let (_, seen) = said.split_once("Whoever rings sees as the caller\n")?;
        Some(seen.lines().take_while(|line| line.starts_with("    ")).map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(seen("plain", "a = \"192.0.2.1\"\nb = \"192.0.2.2\"\n"), None);
    assert_eq!(
        seen(
            "seen",
            "a = { sip = \"192.0.2.1\", from = \"owned\" }\nb = \"192.0.2.2\"\nc = { sip = \"192.0.2.3\", from = \"+15035550199\", pai = true, diversion = \"none\" }\n"
        ),
        Some(vec![
            "    +15035550100, forwarded by +15035550100 (Diversion)  by a".to_owned(),
            "    the caller's own number  by b".to_owned(),
            "    +15035550199, and the caller in P-Asserted-Identity  by c".to_owned(),
        ])
    );
}

#[test]
fn where_redirections_may_lead_is_said() {
    let plan = "[sites]\nhq = { sip = [\"192.0.2.10\", \"192.0.2.11\"], follow = [\"192.0.2.20:5070\", \"[2001:db8::1]\"] }\n\
        [numbers]\n\"*\" = \"main\"\n[plans.main]\nsteps = [\"hq\"]\nfloor = false\n";
    let out = said_of("follow", plan);
    assert!(out.contains("  hq may send a call on to 192.0.2.20:5070 or [2001:db8::1].\n"), "{out}");
}
