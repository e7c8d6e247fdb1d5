//! `operator` of a mailbox: to whom the key 0 leads.

use jiff::Timestamp;
use router::plan::Member;
use router::target::Reach;
use tandem::config::{Loaded, Source, read};

fn load(operator: &str) -> Result<Loaded, Vec<String>> {
    let text = format!(
        "timezone = \"UTC\"\n[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[people]\nana = \"+15035550111\"\n\
         [mailboxes.inbox]\nemail = \"a@b.example\"\noperator = \"{operator}\"\n[mailboxes]\nother = \"a@b.example\"\n\
         [mail]\nsmtp = \"192.0.2.77\"\nfrom = \"a@b.example\"\n[numbers]\n\"*\" = \"main\"\n[plans]\nmain = [\"ana\", \"inbox\"]\n\
         on-call = [\"ana\"]\naround = [\"on-call\", \"main\"]\n"
    );
    let problem = |line: String| line.split("; help").next().unwrap_or_default().to_owned();
    read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH)
        .map_err(|refused| refused.lines().map(problem).collect())
}

#[test]
fn the_calls_of_a_mailbox_have_the_plan_of_its_operator_and_no_number_leads_there() {
    for (operator, name) in [("ana", "operator of inbox"), ("on-call", "on-call")] {
        let loaded = load(operator).unwrap();
        let plan = &loaded.plan;
        let inbox = plan.targets.iter().find(|target| &*target.name == "inbox").unwrap();
        let Reach::Sip(peers) = &inbox.reach else { unreachable!("it is inside") };
        let led: Vec<_> = plan.of_agents.iter().collect();
        let course = *led[0].1;
        assert_eq!((led.len(), led[0].0, &*plan.course(course).unwrap().name), (1, &peers[0], name));
        let ana = plan.course(course).unwrap().steps[0].members.first();
        assert!(matches!(ana, Some(Member::Target(id)) if &*plan.target(*id).unwrap().name == "ana"));
        assert!(plan.numbers.values().all(|other| *other != course) && plan.unlisted != Some(course));
        assert!(loaded.guide.mailboxes["inbox"].operator && !loaded.guide.mailboxes["other"].operator);
    }
}

#[test]
fn an_operator_that_is_no_person_is_refused() {
    let refused = |operator| load(operator).unwrap_err().join("\n");
    let says = |rest: &str| format!("plan.toml:9:12: error[{rest}");
    assert_eq!(refused("anna"), says("E101]: 0 in mailbox `inbox` leads to `anna`, which is not defined"));
    assert_eq!(refused("one"), says("E118]: 0 in mailbox `inbox` leads to `one`, which cannot be rung"));
    for machine in ["inbox", "other"] {
        let title =
            format!("E118]: 0 in mailbox `inbox` leads to `{machine}`, which is a machine of this node");
        assert_eq!(refused(machine), says(&title));
    }
    for plan in ["main", "around"] {
        let title =
            format!("E118]: 0 in mailbox `inbox` leads to `{plan}`, which rings a machine of this node");
        assert_eq!(refused(plan), says(&title));
    }
}
