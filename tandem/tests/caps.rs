//! How much a plan may send out to phone numbers.

use jiff::Timestamp;
use router::plan::CourseId;
use router::presentation::Who;
use router::spent::Cap;
use std::collections::BTreeMap;
use tandem::config::{Loaded, Source, read};

fn load(keys: &str) -> Result<Loaded, Vec<String>> {
    let text = format!(
        "timezone = \"UTC\"\n[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[services]\ndesk = \"+18005550177\"\n[numbers]\n\
         \"+15035550100\" = \"main\"\n[plans.other]\nsteps = [\"desk\"]\n[plans.main]\nsteps = [\"desk\", \"last\"]\n{keys}[announcements]\nlast = \"busy\"\n"
    );
    read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH).map_err(|refused| refused.lines().collect())
}

#[test]
fn a_plan_has_the_caps_that_it_says_and_no_others() {
    assert_eq!(load("").unwrap().plan.caps, BTreeMap::new());
    let cap = Cap { calls_per_hour: Some(30), calls_per_day: None, minutes_per_day: Some(600) };
    let loaded = load("calls_per_hour = 30\nminutes_per_day = 600\n").unwrap();
    assert_eq!(loaded.plan.caps, BTreeMap::from([(CourseId(1), cap)]));
}

#[test]
fn a_step_says_who_stands_in_from() {
    let from = |step: &str| {
        let loaded = load(&format!(
            "closed = [{step}, \"last\"]\nhours = \"open\"\n[hours]\nopen = \"mon-fri 08:00-17:00\"\n"
        ))?;
        Ok::<_, Vec<String>>(loaded.plan.courses[1].closed.clone().unwrap()[0].from.clone())
    };
    let number = Who::Number("+15035550199".into());
    assert_eq!(from("\"desk\""), Ok(None));
    assert_eq!(from("{ ring = \"desk\", from = \"+15035550199\" }"), Ok(Some(number)));
    assert_eq!(from("{ ring = \"desk\", from = \"owned\" }"), Ok(Some(Who::Called)));
    let said = |step: &str| from(step).unwrap_err().remove(0).split("; help").next().unwrap().to_owned();
    assert_eq!(
        said("{ ring = \"desk\", from = \"me\" }"),
        "plan.toml:13:35: error[E027]: `from` cannot be `me`"
    );
    assert_eq!(
        said("{ ring = \"other\", from = \"owned\" }"),
        "plan.toml:13:20: error[E024]: `from` has no effect on a plan"
    );
}

#[test]
fn a_cap_of_nothing_and_one_that_is_no_number_are_problems() {
    assert_eq!(
        load("calls_per_hour = 0\ncalls_per_day = \"many\"\n").unwrap_err(),
        [
            "plan.toml:13:18: error[E013]: `calls_per_hour` is 0: it may be 1 to 1000000; help: not written, it is no limit: answered \
             calls that a plan sends out to phone numbers; after them its calls ring only who is reached by SIP",
            "plan.toml:14:17: error[E011]: `calls_per_day` must be a number from 1 to 1000000, not a string",
        ]
    );
}
