//! `[groups]`: several destinations under one name.

use jiff::Timestamp;
use router::plan::Member;
use tandem::config::{Source, read};

fn load(groups: &str, steps: &str) -> Result<Vec<Vec<String>>, Vec<String>> {
    let text = format!(
        "[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[sites]\noffice = \"192.0.2.11\"\n[people]\nana = \"+15035550111\"\n\
         ben = \"+15035550112\"\n[mailboxes]\ninbox = \"a@b.example\"\n[mail]\nsmtp = \"192.0.2.77\"\nfrom = \"a@b.example\"\n\
         [groups]\n{groups}\n[numbers]\n\"*\" = \"main\"\n[plans]\nmain = {steps}\nother = [\"office\", \"inbox\"]\n"
    );
    let problem = |line: String| line;
    let loaded = read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH).map_err(|refused| {
        refused.lines().map(problem).filter(|line| line.contains("error")).collect::<Vec<_>>()
    })?;
    let plan = &loaded.plan;
    let name = |member: &Member| match member {
        Member::Target(id) => plan.target(*id).map_or(String::new(), |target| target.name.to_string()),
        Member::Course(_) => "a plan".to_owned(),
    };
    let main = plan.courses.iter().find(|course| &*course.name == "main").into_iter();
    Ok(main.flat_map(|course| &course.steps).map(|step| step.members.iter().map(name).collect()).collect())
}

#[test]
fn a_group_is_the_list_that_it_names_alone_and_among_others() {
    let rings = |steps| load("night = [\"ana\", \"ben\"]\nboss = \"ana\"", steps).expect("a good plan");
    assert_eq!(rings("[\"night\", \"inbox\"]"), [vec!["ana", "ben"], vec!["inbox"]]);
    assert_eq!(rings("[[\"office\", \"night\"], \"inbox\"]"), [vec!["office", "ana", "ben"], vec!["inbox"]]);
    assert_eq!(
        rings("[{ ring = \"night\", stagger = \"5s\" }, \"boss\", \"inbox\"]"),
        [vec!["ana", "ben"], vec!["ana"], vec!["inbox"]]
    );
}

#[test]
fn what_is_no_group_is_said_where_it_stands() {
    let says = |groups: &str| load(groups, "[\"night\", \"inbox\"]").expect_err("a bad plan");
    assert_eq!(
        says("night = [\"ana\", \"bne\"]"),
        [
            "plan.toml:15:17: error[E101]: a group names `bne`, which is not defined; help: did you mean `ben`? \"ben\""
        ]
    );
    assert_eq!(
        says("night = [\"ana\", \"other\"]"),
        [
            "plan.toml:15:17: error[E112]: `other` cannot be in a group: it is a plan; help: name sites, people and services in it; a plan is a step of its own"
        ]
    );
    assert_eq!(
        says("night = [\"ana\", \"night\"]"),
        [
            "plan.toml:15:17: error[E112]: `night` cannot be in a group: it is a group; help: name sites, people and services in it; a plan is a step of its own"
        ]
    );
    assert_eq!(
        says("night = [\"ana\", \"ana\"]"),
        [
            "plan.toml:15:17: error[E111]: `ana` is twice in group `night`; help: take one out: a phone rings once at a time"
        ]
    );
    let empty = says("night = []");
    assert!(empty[0].starts_with("plan.toml:15:9: error[E021]"), "{empty:?}");
    let twice = load("night = [\"ana\", \"ben\"]", "[[\"night\", \"ana\"], \"inbox\"]").expect_err("twice");
    assert!(twice[0].contains("error[E111]: `ana` is twice in one step"), "{twice:?}");
    let taken = says("night = \"ana\"\nana = \"ben\"");
    assert!(taken[0].contains("error[E102]: the name `ana` is taken"), "{taken:?}");
}

#[test]
fn a_customers_group_is_his_and_what_he_shares_may_be_in_it() {
    let text = "operator = \"N\"\n[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[services]\nnight-desk = \"+18005550177\"\n\
                [mail]\nsmtp = \"192.0.2.77\"\nfrom = \"a@b.example\"\n[customers.acme]\ntimezone = \"UTC\"\nnumbers = [\"+15035550100\"]\n\
                steps = [\"all\", \"vm\"]\n[customers.acme.sites]\nhq = \"192.0.2.11\"\n[customers.acme.mailboxes]\nvm = \"a@b.example\"\n\
                [customers.acme.groups]\nall = [\"hq\", \"night-desk\"]\n";
    let loaded = read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH).expect("a good plan");
    let members = loaded.plan.courses[0].steps[0].rings();
    let names: Vec<_> = members.filter_map(|id| loaded.plan.target(id)).map(|target| &*target.name).collect();
    assert_eq!(names, ["acme/hq", "night-desk"]);
}
