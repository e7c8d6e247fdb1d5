//! Every plan that a number has ends with what answers on this machine, or says aloud that it does not.

use jiff::Timestamp;
use tandem::config::{Source, read};
use tandem::diagnostic::{Colour, draw_all};

/// What is said of these plans, drawn.
fn check(plans: &str) -> String {
    let text = format!(
        "timezone = \"UTC\"\n[carriers]\none = \"192.0.2.1\"\ntwo = \"192.0.2.2\"\n[sites]\nhq = \"192.0.2.10\"\n\
         [announcements]\nsorry = \"busy\"\nlast = \"closed\"\n[hours]\nopen = \"mon-fri 08:00-17:00\"\n\
         [numbers]\n\"*\" = \"main\"\n{plans}"
    );
    match read(Source::new("plan.toml", text), Timestamp::UNIX_EPOCH) {
        Ok(loaded) => draw_all(&loaded.warnings, &loaded.source, Colour::Off),
        Err(refused) => refused.to_string(),
    }
}

/// The first line of each problem.
fn short(plans: &str) -> Vec<String> {
    let drawn = check(plans);
    drawn.lines().filter(|line| line.contains("]: ")).map(str::to_owned).collect()
}

#[test]
fn a_list_without_a_floor_is_refused_with_the_change_that_gives_it_one() {
    assert_eq!(
        check("[plans.main]\nsteps = [\n  \"hq\",   # the only one\n]\nclosed = \"hq\"\nbusy = [\"hq\", \"sorry\"]\n"),
        "error[E116]: `steps` of plan `main` can end with nobody: it has no floor
  --> plan.toml:15:9
   |
15 |   steps = [
   |  _________^
16 | |   \"hq\",   # the only one
17 | | ]
   | |_^ if all of this fails, so does the call
   |
   = help: if the carrier is to have the last word, say so in the plan: `floor = false`; or for all of them in `[defaults]`
help: end it with what answers on this machine:
   |
16 |   \"hq\", \"sorry\",   # the only one
   |       +++++++++

error[E116]: `closed` of plan `main` can end with nobody: it has no floor
  --> plan.toml:18:10
   |
18 | closed = \"hq\"
   |          ^^^^ if all of this fails, so does the call
   |
   = help: if the carrier is to have the last word, say so in the plan: `floor = false`; or for all of them in `[defaults]`
help: end it with what answers on this machine:
   |
18 - closed = \"hq\"
18 + closed = [\"hq\", \"sorry\"]
   |

"
    );
}

#[test]
fn a_plan_that_says_that_it_may_end_with_nobody_is_warned_of() {
    let open = |list: &str| {
        format!("warning[L003]: `{list}` of plan `main` may end with nobody: the carrier has the last word")
    };
    let plan = "[plans.main]\nsteps = [\"hq\"]\nclosed = [\"hq\"]\n";
    assert_eq!(short(&format!("{plan}floor = false\n")), [open("steps"), open("closed")]);
    assert_eq!(short(&format!("{plan}[defaults]\nfloor = false\n")), [open("steps"), open("closed")]);
    let refused = short(&format!("{plan}floor = true\n[defaults]\nfloor = false\n"));
    assert_eq!(refused.iter().filter(|line| line.starts_with("error[E116]")).count(), 2);
    assert_eq!(short("[plans.main]\nsteps = [\"hq\", \"sorry\"]\nfloor = false\n"), Vec::<String>::new());
    assert_eq!(
        short("[plans.main]\nsteps = [\"sorry\"]\nfloor = 0\n"),
        ["error[E011]: `floor` must be `true` or `false`, not a bare number"]
    );
}

#[test]
fn a_plan_inside_of_others_may_be_their_floor_if_each_list_of_it_has_one() {
    let plan = |inner: &str| format!("[plans.main]\nsteps = [\"hq\", \"inner\"]\n[plans.inner]\n{inner}");
    assert_eq!(short(&plan("steps = [\"sorry\"]\n")), Vec::<String>::new());
    let refused = check(&plan("steps = [\"sorry\"]\nclosed = [\"hq\"]\n"));
    assert!(refused.starts_with("error[E116]: `steps` of plan `main` can end with nobody"), "{refused}");
    assert!(refused.contains("nor do all lists of this one have one"), "{refused}");
    // The walk comes back from the first, and goes on with what has a floor.
    assert_eq!(
        short("[plans]\nmain = [\"first\", \"sorry\"]\nfirst = [\"hq\"]\nnobody = [\"hq\"]\n"),
        Vec::<String>::new()
    );
    let around = short("[plans]\nmain = [\"inner\"]\ninner = [\"main\"]\n");
    assert!(around.iter().any(|line| line.starts_with("error[E110]")), "{around:?}");
}

#[test]
fn who_stands_behind_a_floor_or_rings_together_with_it_is_pointed_at() {
    assert_eq!(
        check("[plans]\nmain = [\"sorry\", \"last\", \"hq\", \"sorry\"]\n"),
        "warning[L003]: a step stands behind what always answers
  --> plan.toml:15:26
   |
15 | main = [\"sorry\", \"last\", \"hq\", \"sorry\"]
   |         -------          ^^^^ rings only if that one cannot answer
   |         |
   |         always answers
   |
   = help: put it before that one, or take it out

"
    );
    let beside = "warning[L003]: what always answers rings together with others";
    assert_eq!(short("[plans]\nmain = [[\"hq\", \"sorry\"]]\n"), [beside]);
    let later = "[plans]\nmain = [{ ring = [\"hq\", \"sorry\"], stagger = \"10s\" }]\n";
    assert_eq!(short(later), Vec::<String>::new());
}
