//! `say` of a step: an announcement that the caller hears before anybody in it is rung.

use agent::guide::Role;
use jiff::Timestamp;
use router::target::{Reach, TargetKind};
use tandem::config::{Loaded, Source, read};

fn load(plans: &str) -> Result<Loaded, Vec<String>> {
    let text = format!(
        "timezone = \"UTC\"\n[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[sites]\nhq = \"192.0.2.10\"\n\
         [services]\ndesk = \"+18005550199\"\n[announcements]\nnotice = \"closed\"\nsorry = \"busy\"\n\
         [numbers]\n\"*\" = \"main\"\n{plans}"
    );
    read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH).map_err(|refused| refused.lines().collect())
}

#[test]
fn what_is_said_is_a_destination_of_its_own_for_each_step_and_one_agent_for_each_announcement() {
    let plans = "[plans.main]\nsteps = [{ ring = \"hq\", say = \"notice\" }, { ring = \"desk\", say = \"notice\" }, \"sorry\"]\n\
                 busy = [{ ring = \"sorry\", say = \"sorry\" }]\n";
    let loaded = load(plans).unwrap();
    let course = &loaded.plan.courses[0];
    let words = course.steps.iter().chain(course.busy.iter().flatten()).map(|step| step.say);
    let words: Vec<_> = words.map(|id| id.and_then(|id| loaded.plan.target(id))).collect();
    let told: Vec<_> = words.iter().map(|word| word.map(|word| (&*word.name, word.kind))).collect();
    let word = |name| Some((name, TargetKind::Word));
    assert_eq!(told, [word("notice"), word("notice"), None, word("sorry")]);
    let by = |nth: usize| match &words[nth].unwrap().reach {
        Reach::Sip(peers) => peers.clone(),
        Reach::Number(_) => Vec::new(),
    };
    assert!(by(0) == by(1) && by(0) != by(3) && course.steps[0].say != course.steps[1].say);
    let roles: Vec<_> = loaded.guide.agents.values().collect();
    let announced = |name: &str| Role::Announcement(name.into());
    let said = |name: &str| Role::Word(name.into());
    assert_eq!(
        roles,
        [&Role::Screen, &announced("notice"), &announced("sorry"), &said("notice"), &said("sorry")]
    );
    // It is waited for as long as it lasts, and two seconds more.
    let lasts = loaded.guide.announcements["notice"].len() as u128 / 8;
    assert_eq!(words[0].unwrap().ring.as_millis(), lasts + 2_000);
}

#[test]
fn what_cannot_be_said_is_named_with_what_can() {
    let plans = "[plans.main]\nsteps = [{ ring = \"hq\", say = \"notise\" }, { ring = \"hq\", say = \"desk\" }, { ring = \"hq\", say = \"x\" }, \
                 { ring = \"inner\", say = \"notice\" }, \"sorry\"]\n[plans.inner]\nsteps = [\"hq\"]\n[defaults]\nsay = \"notice\"\n";
    assert_eq!(
        load(plans).unwrap_err().iter().filter(|line| line.contains("error[")).collect::<Vec<_>>(),
        [
            "plan.toml:15:31: error[E101]: `notise` cannot be said: it is no announcement; help: did you mean `notice`? \"notice\"",
            "plan.toml:15:64: error[E101]: `desk` cannot be said: it is no announcement; help: write `[announcements]` and \
             `notice = \"notice.wav\"`, and here `say = \"notice\"`",
            "plan.toml:15:95: error[E101]: `x` cannot be said: it is no announcement; help: write `[announcements]` and \
             `notice = \"notice.wav\"`, and here `say = \"notice\"`",
            "plan.toml:15:111: error[E024]: `say` has no effect on a plan; help: set `say` on the steps of that plan",
            "plan.toml:19:1: error[E209]: `say` outside of a step is not in this version; help: write it in the steps: `{ ring = \
             \"office\", say = \"notice\" }`",
        ]
    );
}

#[test]
fn the_time_that_it_takes_counts_for_live_within() {
    let late = |say: &str| {
        let plans = format!(
            "[plans.main]\nsteps = [{{ ring = \"hq\", for = \"8s\"{say} }}, \"desk\", \"sorry\"]\nlive_within = \"10s\"\n"
        );
        let loaded = load(&plans).unwrap();
        loaded.warnings.iter().any(|problem| problem.code.as_str() == "L009")
    };
    assert!(!late("") && late(", say = \"notice\""));
}
