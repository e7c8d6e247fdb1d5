//! Templates: plans with blanks that customers fill in.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use core::time::Duration;
use jiff::Timestamp;
use router::Plan;
use router::plan::{Course, Step};
use tandem::cli::check::say;
use tandem::config::{Loaded, Refused, Source, read};
use tandem::diagnostic::Colour;

const OPERATOR: &str = r#"operator = "Northwest IT"
[carriers]
telnyx = "sip.telnyx.example"
inteliquent = "sbc.nwit.example"
[services]
night-desk = { number = "+18005550177", channels = 4 }
[announcements]
notice = "closed"
[mail]
smtp = "127.0.0.1:25"
tls = "none"
from = "vm@nwit.example"
[templates.clinic]
roles = { office = "site", staff = "people", voicemail = "mailbox" }
timezone = "UTC"
hours = "mon-fri 08:00-18:00"
steps = [{ ring = "office", for = "15s" }, "staff", "night-desk", "voicemail"]
closed = [{ ring = "night-desk", say = "notice" }, "voicemail"]
live_within = "60s"
[templates.law]
use = "clinic"
steps = [{ ring = "office", for = "10s" }, { ring = "staff", stagger = "5s" }, "night-desk", "voicemail"]
"#;

const NGUYEN: &str = r#"[customers.nguyen]
use = "clinic"
numbers = ["+15035550100", "+15035550101"]
timezone = "America/Los_Angeles"
office = "pbx.nguyen.example"
staff = ["+15035550111", "+15035550112"]
voicemail = "office@nguyen.example"
"#;

const LAW: &str = r#"[customers.lopez]
use = "law"
numbers = { "+15035550200" = "main", "+15035550201" = "fax" }
office = { sip = "pbx.lopez.example", channels = 8 }
staff = { number = "+15035550211", ring = "30s" }
hours = ["mon-thu 09:00-16:00", "fri 09:00-12:00"]
closed = ["voicemail"]
[customers.lopez.mailboxes]
voicemail = { email = "office@lopez.example", keep = "90d" }
[customers.lopez.plans]
fax = ["office", "voicemail"]
"#;

#[test]
fn a_customer_fills_the_blanks_of_a_template() {
    let plan = load(&format!("{OPERATOR}{NGUYEN}{LAW}")).unwrap().plan;
    let main = course(&plan, "nguyen/main");
    assert_eq!(
        words(&plan, &main.steps),
        ["15 s nguyen/office", "nguyen/staff/1 + nguyen/staff/2", "night-desk", "nguyen/voicemail"]
    );
    assert_eq!(words(&plan, main.closed.as_ref().unwrap()), ["night-desk after notice", "nguyen/voicemail"]);
    assert_eq!((main.live_within, main.hours.as_ref().unwrap().windows.len()), (Duration::from_secs(60), 1));
    let zone = |name: &str| {
        let at = plan.courses.iter().position(|course| &*course.name == name).unwrap();
        &*plan.zone_of(router::plan::CourseId(u32::try_from(at).unwrap())).name
    };
    assert_eq!([zone("nguyen/main"), zone("lopez/main")], ["America/Los_Angeles", "UTC"]);
    assert_eq!(plan.course_of(b"+15035550101").unwrap().0.0, 0);
}

#[test]
fn a_template_is_made_of_another_and_the_customer_has_the_last_word() {
    let plan = load(&format!("{OPERATOR}{NGUYEN}{LAW}")).unwrap().plan;
    let main = course(&plan, "lopez/main");
    assert_eq!(
        words(&plan, &main.steps),
        ["10 s lopez/office", "lopez/staff each 5 s", "night-desk", "lopez/voicemail"]
    );
    assert_eq!(words(&plan, main.closed.as_ref().unwrap()), ["lopez/voicemail"]);
    assert_eq!((main.live_within, main.hours.as_ref().unwrap().windows.len()), (Duration::from_secs(60), 2));
    assert_eq!(words(&plan, &course(&plan, "lopez/fax").steps), ["lopez/office", "lopez/voicemail"]);
    let staff = plan.targets.iter().find(|target| &*target.name == "lopez/staff").unwrap();
    assert_eq!((staff.ring, staff.confirm), (Duration::from_secs(30), true));
}

#[test]
fn a_blank_that_is_not_filled_is_shown_in_both_places() {
    let text = check(&format!("{OPERATOR}{}", NGUYEN.replace("office = \"pbx.nguyen.example\"\n", "")));
    assert!(
        text.starts_with(
            "\
error[E120]: customer `nguyen` does not fill role `office` of template `clinic`
  --> plan.toml:24:7
   |
14 | roles = { office = \"site\", staff = \"people\", voicemail = \"mailbox\" }
   |           ------ a site is wanted here
...
24 | use = \"clinic\"
   |       ^^^^^^^^ no `office` beside this
   |
   = help: write `office = \"pbx.acme.example\"` into the customer

"
        ),
        "{text}"
    );
}

#[test]
fn what_is_wrong_in_a_template_is_told_once_with_its_first_customer() {
    let operator = OPERATOR.replace("\"staff\", \"night-desk\"", "\"staf\", \"night-desk\"");
    let others: String = ["b", "c"]
        .iter()
        .map(|name| {
            NGUYEN
                .replace("nguyen", name)
                .replace("+15035550", &format!("+1503555{}", name.len() + usize::from(*name == "c")))
        })
        .collect();
    let text = check(&format!("{operator}{NGUYEN}{others}"));
    let problem = text.split("\n\n").find(|problem| problem.contains("E101")).unwrap();
    assert_eq!(
        problem,
        "\
error[E101]: plan `nguyen/main` rings `staf`, which is not defined
  --> plan.toml:17:44
   |
17 | steps = [{ ring = \"office\", for = \"15s\" }, \"staf\", \"night-desk\", \"voicemail\"]
   |                                            ^^^^^^ nobody is called so
...
24 | use = \"clinic\"
   |       -------- used here
...
28 | staff = [\"+15035550111\", \"+15035550112\"]
   | ----- `staff` is defined here, a person
   |
   = help: 2 more customers have the same
help: did you mean `staff`?
   |
17 | steps = [{ ring = \"office\", for = \"15s\" }, \"staff\", \"night-desk\", \"voicemail\"]
   |                                                 +"
    );
    assert_eq!(text.matches("error[E101]").count(), 1, "{text}");
}

#[test]
fn what_is_wrong_with_a_template_is_said_with_its_place() {
    let unused = lines(&format!("{OPERATOR}{NGUYEN}"));
    assert_eq!(unused, ["20:12 L005 no customer uses template `law`: its steps are not checked"]);
    said(&[
        (
            "[templates]\nt = 7\n",
            vec!["42:5 E011 `templates.t` must be a table with `roles` and `steps`, not a bare number"],
        ),
        ("[templates.t]\nuse = \"clinik\"\n", vec!["42:7 E101 there is no template called `clinik`"]),
        ("[templates.t]\nuse = \"t\"\n", vec!["42:7 E121 template `t` is made of itself"]),
        (
            "[templates.t1]\nuse = \"t2\"\n[templates.t2]\nuse = \"t3\"\n[templates.t3]\nuse = \"t1\"\n[templates.t0]\nuse = \"t1\"\n",
            vec!["46:7 E121 templates are made of each other: t1 → t2 → t3 → t1"],
        ),
        (
            "[templates.t]\nroles = { office = \"building\", hours = \"site\", spare = \"site\", staff = \"people\" }\nsteps = [\"staff\"]\nstep = 1\n",
            vec![
                "42:20 E011 `office` cannot be `building`",
                "42:32 E122 `hours` cannot be a role: it is a key of every customer",
                "42:48 E122 role `spare` is in no step of template `t`",
                "44:1 E010 [templates.t] has no key `step`",
            ],
        ),
        (
            "[templates.t]\nroles = [\"a\"]\n",
            vec!["42:9 E011 `roles` must be a table such as `{ office = \"site\" }`, not a list"],
        ),
    ]);
}

#[test]
fn what_is_wrong_with_the_use_of_a_template_is_said_with_its_place() {
    let filled =
        |rest: &str| format!("[customers.x]\nuse = \"clinic\"\nnumbers = [\"+15035550300\"]\n{rest}");
    said(&[
        (
            &filled("office = \"+15035550111\"\nstaff = []\nvoicemail = \"nobody\"\nstafff = \"x\"\n"),
            vec![
                "44:10 E016 `+15035550111` is no SIP address",
                "45:9 E021 `staff` is empty",
                "46:13 E032 `nobody` is no address for mail",
                "47:1 E010 [customers.x] has no key `stafff`",
            ],
        ),
        (
            &filled(
                "staff = [\"+15035550111\", \"+15035550111x\", 7]\nvoicemail = \"a@b.example\"\n[customers.x.people]\noffice = \"+15035550117\"\n",
            ),
            vec![
                "44:26 E016 `+15035550111x` is no SIP address",
                "44:43 E011 the phone number of `staff` needs quotes",
                "47:1 E120 role `office` of template `clinic` is a site",
            ],
        ),
        (
            &filled(
                "office = \"192.0.2.7\"\nstaff = \"+15035550111\"\nvoicemail = \"a@b.example\"\n[customers.x.sites]\noffice = \"192.0.2.8\"\n",
            ),
            vec!["44:1 E102 the name `office` is taken: it is a site already"],
        ),
        (
            "[customers.x]\nuse = \"clinik\"\nnumbers = [\"+15035550300\"]\n",
            vec![
                "42:7 E101 there is no template called `clinik`",
                "43:1 E101 customer `x` has numbers and no plan `main`",
            ],
        ),
        (
            "[customers.x]\nuse = 7\nnumbers = { \"+15035550300\" = \"p\" }\nplans.p = [\"notice\"]\n",
            vec!["42:7 E011 `use` must be the name of a template, not a bare number"],
        ),
    ]);
    let kind = check(&format!("{OPERATOR}{}", NGUYEN.replace("\"pbx.nguyen.example\"", "\"+15035550111\"")));
    assert!(
        kind.contains("------ a site is wanted here") && kind.contains("27 | office = \"+15035550111\""),
        "{kind}"
    );
}

/// What is said of a plan with these customers and something more.
fn said(cases: &[(&str, Vec<&str>)]) {
    for (rest, expected) in cases {
        let mut found = lines(&format!("{OPERATOR}{NGUYEN}{LAW}{rest}"));
        found.retain(|line| !line.contains("L005 no customer uses template `t"));
        assert_eq!(found.len(), expected.len(), "{rest}\n{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }
}

#[test]
fn a_service_of_the_operator_fills_a_role_by_its_name() {
    let template = "[templates.shop]\nroles = { office = \"site\", backup = \"service\", word = \"announcement\" }\n\
                    steps = [\"office\", { ring = \"backup\", say = \"word\" }, \"notice\"]\n";
    let shop = |backup: &str| {
        format!(
            "{OPERATOR}{NGUYEN}{LAW}{template}[customers.shop]\nuse = \"shop\"\nnumbers = [\"+15035550300\"]\n\
             office = \"telnyx\"\nbackup = \"{backup}\"\nword = \"notice\"\n"
        )
    };
    let plan = load(&shop("night-desk")).unwrap().plan;
    let steps = |plan: &Plan| words(plan, &course(plan, "shop/main").steps);
    assert_eq!(steps(&plan), ["shop/office", "night-desk after notice", "notice"]);
    let plan = load(&shop("+18005550199")).unwrap().plan;
    assert_eq!(steps(&plan), ["shop/office", "shop/backup after notice", "notice"]);
}

#[test]
fn people_of_a_role_are_a_member_among_others() {
    let steps = "steps = [[\"staff\", \"office\"], \"voicemail\"]\n";
    let plan = load(&format!("{OPERATOR}{NGUYEN}{steps}{LAW}")).unwrap().plan;
    assert_eq!(
        words(&plan, &course(&plan, "nguyen/main").steps),
        ["nguyen/staff/1 + nguyen/staff/2 + nguyen/office", "nguyen/voicemail"]
    );
    let many: Vec<String> = (0..33).map(|n| format!("\"+150355501{n:02}\"")).collect();
    let text = lines(&format!(
        "{OPERATOR}{}{LAW}",
        NGUYEN.replace("\"+15035550111\", \"+15035550112\"", &many.join(", "))
    ));
    assert_eq!(text, ["28:522 E013 `staff` has more than 32 entries"]);
}

fn course<'a>(plan: &'a Plan, name: &str) -> &'a Course {
    plan.courses.iter().find(|course| &*course.name == name).unwrap()
}

/// Steps in words: how long, who, after what.
fn words(plan: &Plan, steps: &[Step]) -> Vec<String> {
    let step = |step: &Step| {
        let names: Vec<&str> = step.rings().map(|id| &*plan.target(id).unwrap().name).collect();
        let ring = step.ring.map(|ring| format!("{} s ", ring.as_secs())).unwrap_or_default();
        let stagger = match step.stagger.as_secs() {
            0 => String::new(),
            seconds => format!(" each {seconds} s"),
        };
        let said = step.say.map(|id| format!(" after {}", plan.target(id).unwrap().name)).unwrap_or_default();
        format!("{ring}{}{stagger}{said}", names.join(" + "))
    };
    steps.iter().map(step).collect()
}

/// All that is said, a line each: place, code, title.
fn lines(text: &str) -> Vec<String> {
    let (problems, source) = match load(text) {
        Ok(loaded) => (loaded.warnings, loaded.source),
        Err(refused) => (refused.problems, refused.source),
    };
    let line = |problem: &tandem::diagnostic::Diagnostic| {
        let (line, column) = source.place(problem.start());
        format!("{line}:{column} {} {}", problem.code, problem.title)
    };
    problems.iter().map(line).collect()
}

fn load(text: &str) -> Result<Loaded, Refused> {
    read(Source::new("plan.toml", text), now())
}

fn check(text: &str) -> String {
    say(&load(text), Colour::Off).text
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}
