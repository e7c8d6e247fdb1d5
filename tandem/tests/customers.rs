//! Customers of an operator: names, numbers and clocks of their own on one node.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use router::Plan;
use router::plan::{CourseId, Member};
use tandem::cli::check::say;
use tandem::config::{Loaded, Refused, Source, read};
use tandem::diagnostic::Colour;

const OPERATOR: &str = r#"operator = "Cascadia Telecom"
timezone = "UTC"
[carriers]
lumen = "sbc.lumen.example"
sinch = "sbc.sinch.example"
[sites]
noc = "192.0.2.1"
[services]
answer-co = "+18005550166"
[announcements]
sorry = "busy"
[mail]
smtp = "127.0.0.1:25"
tls = "none"
from = "vm@cascadia.example"
"#;

const ACME: &str = r#"[customers.acme]
business = "Acme Bank"
timezone = "America/Chicago"
hours = "mon-fri 09:00-17:00"
numbers = { "+13125550100" = "main", "+13125550101..0109" = "desk", "+13125550105" = "main" }
live_within = "25s"
calls_per_hour = 7
[customers.acme.sites]
hq = { sip = ["pbx1.acme.example", "pbx2.acme.example"], domains = ["chi-grid"], channels = 46 }
branch = "10.12.0.5"
[customers.acme.services]
answer-co = { number = "+18005550177", channels = 20 }
[customers.acme.mailboxes]
vm = "voicemail@acme.example"
[customers.acme.announcements]
notice = "closed"
[customers.acme.plans.main]
steps = [{ ring = "hq", for = "10s" }, "answer-co", "vm"]
closed = [{ ring = "answer-co", say = "notice" }, "vm"]
[customers.acme.plans.desk]
steps = ["branch", "main"]
live_within = "40s"
calls_per_hour = 3
"#;

const NGUYEN: &str = r#"[customers.nguyen]
numbers = ["+15035550100", "+15035550101"]
steps = ["office", "answer-co", "inbox"]
[customers.nguyen.sites]
office = "pbx.nguyen.example"
[customers.nguyen.mailboxes]
inbox = "office@nguyen.example"
"#;

#[test]
fn each_customer_has_names_of_its_own_and_shares_those_of_the_operator() {
    let loaded = load(&format!("{OPERATOR}{ACME}{NGUYEN}")).unwrap();
    let plan = &loaded.plan;
    let names: Vec<&str> = plan.targets.iter().map(|target| &*target.name).collect();
    assert_eq!(
        names,
        [
            "noc",
            "answer-co",
            "sorry",
            "acme/hq",
            "acme/branch",
            "acme/answer-co",
            "acme/vm",
            "acme/notice",
            "nguyen/office",
            "nguyen/inbox",
            "acme/notice"
        ]
    );
    let peers: Vec<&str> = plan.peers.iter().map(|peer| &*peer.name).collect();
    assert_eq!(
        peers,
        [
            "lumen",
            "sinch",
            "noc",
            "sorry",
            "acme/hq/1",
            "acme/hq/2",
            "acme/branch",
            "acme/vm",
            "acme/notice",
            "nguyen/office",
            "nguyen/inbox",
            "acme/notice"
        ]
    );
    let walks = |number: &str| walk(plan, number);
    assert_eq!(
        walks("+13125550100"),
        "acme/main: acme/hq, acme/answer-co, acme/vm | closed acme/answer-co, acme/vm"
    );
    assert_eq!(walks("+13125550101"), "acme/desk: acme/branch, plan acme/main");
    assert_eq!(
        walks("+13125550105"),
        walks("+13125550100"),
        "a number by itself is an exception to its range"
    );
    assert_eq!(walks("+15035550101"), "nguyen/main: nguyen/office, answer-co, nguyen/inbox");
    assert_eq!((&*plan.business, plan.numbers.len()), ("Cascadia Telecom", 12));
    let clock = |course| &*plan.zone_of(CourseId(course)).name;
    assert_eq!([clock(0), clock(1), clock(2)], ["America/Chicago", "America/Chicago", "UTC"]);
    let caps: Vec<Option<u32>> = plan.caps.values().map(|cap| cap.calls_per_hour).collect();
    let within: Vec<u64> = plan.courses.iter().map(|course| course.live_within.as_secs()).collect();
    assert_eq!((caps, within), (vec![Some(7), Some(3)], vec![25, 40, 40]));
    let mailbox = |name: &str| {
        let of = loaded.mailboxes.by_name[name].of.clone().unwrap();
        (of.business.to_string(), of.zone.iana_name().unwrap_or_default().to_owned())
    };
    assert_eq!(mailbox("acme/vm"), ("Acme Bank".into(), "America/Chicago".into()));
    assert_eq!(mailbox("nguyen/inbox"), ("nguyen".into(), "UTC".into()));
}

#[test]
fn a_customer_is_open_by_its_own_clock() {
    let plan = load(&format!("{OPERATOR}{ACME}{NGUYEN}")).unwrap().plan;
    // A Monday in winter, 14:00 and 22:00 in London: 08:00 and 16:00 in Chicago.
    for (unix, closed) in [(1_767_621_600, true), (1_767_650_400, false)] {
        let frame = plan.entrance(CourseId(0), unix);
        assert_eq!(frame.list == router::position::List::Closed, closed, "{unix}");
    }
}

#[test]
fn a_number_of_two_customers_is_refused_with_both_places() {
    let other = NGUYEN.replace("\"+15035550101\"", "\"+13125550104\"");
    let text = check(&format!("{OPERATOR}{ACME}{other}[numbers]\n\"+13125550100\" = \"main\"\n"));
    let shown = |from: &str| {
        let at = text.find(from).unwrap_or_else(|| panic!("{from} is not in {text}"));
        text[at..].lines().take(9).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        shown("error[E103]: number +13125550104"),
        "\
error[E103]: number +13125550104 is of `acme` and of `nguyen`
  --> plan.toml:40:28
   |
20 | numbers = { \"+13125550100\" = \"main\", \"+13125550101..0109\" = \"desk\", \"+13125550105\" = \"main\" }
   |                                      -------------------- of `acme`
...
40 | numbers = [\"+15035550100\", \"+13125550104\"]
   |                            ^^^^^^^^^^^^^^ of `nguyen`
   |"
    );
    assert!(text.contains("error[E103]: number +13125550100 is the operator's and of `acme`"), "{text}");
}

#[test]
fn what_is_wrong_with_a_customer_is_said_with_its_place() {
    let said = |customer: &str| lines(&format!("{OPERATOR}{customer}"));
    for (customer, expected) in [
        (
            "[customers.a]\nsteps = [\"sorry\"]\n",
            vec!["16:12 E012 customer `a` has no numbers: no call has its plan"],
        ),
        (
            "[customers.a]\nnumbers = \"+15035550100\"\n",
            vec!["17:1 E101 customer `a` has numbers and no plan `main`"],
        ),
        (
            "[customers]\na = 7\n",
            vec![
                "17:5 E011 `customers.a` must be a table with `numbers`, and `use` or `steps`, not a bare number",
            ],
        ),
        (
            "[customers.lumen]\nnumbers = [\"+15035550100\"]\nsteps = [\"sorry\"]\n",
            vec!["16:12 E102 the name `lumen` is taken: it is a carrier already"],
        ),
        (
            "[customers.a]\nnumbers = { \"*\" = \"main\" }\nsteps = [\"sorry\"]\n",
            vec!["17:13 E020 `*` is for numbers that nobody listed: they are no customer's"],
        ),
        (
            "[customers.a]\nnumbers = [\"+15035550100\"]\nsteps = [\"noc\", \"b\", \"lumen\", \"sory\", \"sorry\"]\n[customers.b]\nnumbers = []\nsteps = [\"sorry\"]\n",
            vec![
                "18:10 E101 plan `a/main` rings `noc`, which is not defined",
                "18:17 E104 `b` is a customer, and a customer cannot be rung",
                "18:22 E104 `lumen` is a carrier, and a carrier cannot be rung",
                "18:31 E101 plan `a/main` rings `sory`, which is not defined",
                "20:11 E021 `numbers` is empty",
            ],
        ),
        (
            "[customers.a]\nnumbers = [\"+15035550100\", 7]\nsteps = [\"vm\"]\nstep = 1\ntimezone = \"Mars\"\nbusiness = 7\n[customers.a.plans]\nmain = [\"sorry\"]\n[customers.a.sites]\nvm = 1\n",
            vec![
                "17:28 E011 `numbers` must be a number such as \"+15035550100\", not a bare number",
                "18:1 E102 the name `main` is taken: it is a plan already",
                "19:1 E010 [customers.a] has no key `step`",
                "20:12 E018 there is no time zone `Mars`",
                "21:12 E011 `business` must be the name of the customer, not a bare number",
                "25:6 E011 `sites.vm` must be a SIP address",
            ],
        ),
        (
            "[customers.a]\nnumbers = [\"+15035550100\"]\nsteps = [\"office\"]\n[customers.a.sites]\noffice = \"192.0.2.9\"\n[customers.a.mailboxes]\nvm = \"a@b.example\"\n[mailboxes]\ninbox = \"c@d.example\"\n",
            vec!["18:9 E116 `steps` of plan `a/main` can end with nobody: it has no floor"],
        ),
        (
            "[customers.a]\nnumbers = [\"+15035550100\", \"+15035550100\", \"911\"]\nsteps = [\"sorry\"]\n",
            vec![
                "17:28 E103 number +15035550100 has two plans",
                "17:44 E115 911 is an emergency number: no plan may have it",
            ],
        ),
    ] {
        let found = said(customer);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }
    let floor = check(&format!(
        "{OPERATOR}[customers.a]\nnumbers = [\"+15035550100\"]\nsteps = [\"office\"]\n[customers.a.sites]\noffice = \"192.0.2.9\"\n[customers.a.mailboxes]\nvm = \"a@b.example\"\n"
    ));
    assert!(floor.contains("18 | steps = [\"office\", \"vm\"]"), "its own mailbox is proposed: {floor}");
    let shared =
        check(&format!("{OPERATOR}[customers.a]\nnumbers = [\"+15035550100\"]\nsteps = [\"noc\"]\n"));
    assert!(shared.contains("a site of the operator"), "{shared}");
}

#[test]
fn hours_need_a_clock_that_the_customer_or_the_operator_has() {
    let customer = "[customers.a]\nnumbers = [\"+15035550100\"]\nhours = { open = \"mon-fri 08:00-17:00\" }\nsteps = [\"sorry\"]\nclosed = [\"sorry\"]\n";
    let operator = OPERATOR.replace("timezone = \"UTC\"\n", "");
    assert_eq!(lines(&format!("{operator}{customer}")), ["17:1 E012 opening hours need a time zone"]);
    assert!(lines(&format!("{operator}{customer}timezone = \"UTC\"\n")).is_empty());
    let shared = format!(
        "{OPERATOR}[hours]\nopen = \"sat\"\n{}",
        customer.replace("hours = { open = \"mon-fri 08:00-17:00\" }\n", "")
    );
    assert_eq!(load(&shared).unwrap().plan.courses[0].hours.as_ref().unwrap().windows.len(), 1);
}

#[test]
fn expectations_name_what_the_customer_of_the_number_names() {
    let expect = |rest: &str| {
        format!("{OPERATOR}{ACME}{NGUYEN}[[expect]]\nnumber = \"+13125550100\"\nat = \"Tue 10:00\"\n{rest}")
    };
    let fine = [
        "down = [\"site hq\"]\nreaches = \"answer-co\"\nwithin = \"4s\"\n",
        "down = [\"site acme/hq\", \"noc\"]\nreaches = \"acme/answer-co\"\n",
    ];
    for rest in fine {
        assert!(load(&expect(rest)).is_ok(), "{}", check(&expect(rest)));
    }
    let broken = check(&expect("down = [\"site nguyen/office\"]\nreaches = \"vm\"\nwithin = \"5s\"\n"));
    assert!(broken.contains("error[E117]: `acme/vm` rings after"), "{broken}");
    // It is 10:00 in Chicago, not in London, where nobody would be there yet.
    assert!(broken.contains("acme/hq rings at once"), "{broken}");
    assert!(
        check(&expect("reaches = \"office\"\n")).contains("error[E101]: no destination is called `office`")
    );
}

#[test]
fn two_hundred_customers_have_nothing_to_do_with_each_other() {
    let customers: String = (0..200)
        .map(|n| {
            NGUYEN
                .replace("nguyen", &format!("c{n}"))
                .replace("+150355501", &format!("+1503{:04}1", 1_000 + n))
        })
        .collect();
    let plan = load(&format!("{OPERATOR}{customers}")).unwrap().plan;
    assert_eq!((plan.numbers.len(), plan.courses.len(), plan.targets.len()), (400, 200, 403));
    for (n, course) in plan.courses.iter().enumerate() {
        let own = format!("c{n}/");
        assert!(course.name.starts_with(&own));
        for target in course.steps.iter().flat_map(|step| step.rings()).filter_map(|id| plan.target(id)) {
            assert!(target.name.starts_with(&own) || &*target.name == "answer-co", "{}", target.name);
        }
    }
}

/// The plan of a number in words.
fn walk(plan: &Plan, number: &str) -> String {
    let (id, _) = plan.course_of(number.as_bytes()).unwrap();
    let course = plan.course(id).unwrap();
    let list = |steps: &[router::plan::Step]| {
        let member = |member: &Member| match member {
            Member::Target(id) => plan.target(*id).unwrap().name.to_string(),
            Member::Course(id) => format!("plan {}", plan.course(*id).unwrap().name),
        };
        let step = |step: &router::plan::Step| step.members.iter().map(member).collect::<Vec<_>>().join("+");
        steps.iter().map(step).collect::<Vec<_>>().join(", ")
    };
    let closed = course.closed.as_ref().map(|steps| format!(" | closed {}", list(steps)));
    format!("{}: {}{}", course.name, list(&course.steps), closed.unwrap_or_default())
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
