//! `when` of a step: what a plan may ask for, and what it does with a call.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use router::foretell::Fault;
use router::plan::CourseId;
use router::roads::Roads;
use router::target::PeerId;
use tandem::cli::check::say;
use tandem::config::{Loaded, Refused, Source, read};
use tandem::diagnostic::Colour;

/// Monday, 5 January 2026, 12:00 in New York.
const NOON: i64 = 1_767_632_400;
const MIDNIGHT: i64 = NOON + 12 * 3600;

fn plan(condition: &str) -> Result<Loaded, Refused> {
    let text = format!(
        "timezone = \"America/New_York\"
[carriers]
telnyx = \"192.0.2.1\"
[sites]
office = {{ sip = \"192.0.2.2\", domains = [\"grid\"] }}
branch = {{ sip = \"192.0.2.3\", domains = [\"grid\"] }}
[services]
answering = \"+18005550199\"
ava = \"192.0.2.4\"
[hours]
open = \"mon-fri 08:00-17:00\"
[announcements]
sorry = \"closed\"
[numbers]
\"+15035550100\" = \"main\"
[plans.main]
steps = [{{ ring = \"ava\", when = \"{condition}\" }}, \"office\", \"sorry\"]
"
    );
    read(Source::new("plan.toml", text), Timestamp::from_second(NOON).expect("a moment"))
}

/// Who rings first, with these peers down, and that is known.
fn first(condition: &str, down: &[&str], unix: i64) -> String {
    let loaded = plan(condition).map_err(|refused| refused.to_string()).expect("a plan without errors");
    let plan = &*loaded.plan;
    let any = "0.0.0.0:5060".parse().expect("an address");
    let udp = router::path::Listener {
        transport: router::Transport::Udp,
        address: any,
        advertise: (String::new(), 5060),
    };
    let roads = Roads::new(plan, &[udp, router::inside::listener()], &router::names::Names::new());
    let is_down = |(_, peer): &(PeerId, &router::target::Peer)| down.contains(&&*peer.name);
    let down = (0..).map(PeerId).zip(&plan.peers).filter(is_down).map(|(id, _)| id).collect();
    let way = plan.foretell(&roads, plan.entrance(CourseId(0), unix), unix, &Fault { down, known: true });
    let first = way.tries.first().and_then(|it| plan.target(it.target));
    first.map_or("nobody", |target| &target.name).to_owned()
}

/// The problem that a condition has, without its place.
fn problem(condition: &str) -> Vec<String> {
    let Err(refused) = plan(condition) else { return Vec::new() };
    let errors = refused.lines().filter_map(|line| Some(line.split_once(": error")?.1.to_owned()));
    errors.map(|line| line.replace(MADE_OF, "…")).collect()
}

/// What helps in most cases.
const MADE_OF: &str = "; help: it is made of `site office down`, `carrier telnyx down`, `service ava down`, `domain grid down`, \
                       `override storm`, `closed` and `open`, joined by `and`, `or`, `not` and parentheses";

#[test]
fn a_step_is_rung_only_if_it_is_so() {
    let asked = [
        ("site office down", &[][..], "office"),
        ("site office down", &["office"], "ava"),
        ("not site office down", &[], "ava"),
        ("carrier telnyx down", &["telnyx"], "ava"),
        ("domain grid down", &["office", "branch"], "ava"),
        ("domain grid down", &["office"], "office"),
        // Not so; and what is down is tried before a machine of ours answers.
        ("site office down and site branch down", &["office"], "office"),
        ("site office down and site branch down", &["office", "branch"], "ava"),
        ("site branch down or site office down", &["branch"], "ava"),
        ("not (site branch down or site office down)", &["branch"], "office"),
        // `and` binds more than `or`.
        ("site branch down or site office down and carrier telnyx down", &["branch"], "ava"),
        ("(site branch down or site office down) and carrier telnyx down", &["branch"], "office"),
    ];
    for (condition, down, who) in asked {
        assert_eq!(first(condition, down, NOON), who, "{condition} {down:?}");
    }
}

#[test]
fn open_and_closed_are_the_hours_of_the_plan() {
    for (condition, unix, who) in [
        ("closed", NOON, "office"),
        ("closed", MIDNIGHT, "ava"),
        ("open", NOON, "ava"),
        ("open", MIDNIGHT, "office"),
        ("not closed and not site office down", NOON, "ava"),
    ] {
        assert_eq!(first(condition, &[], unix), who, "{condition}");
    }
}

#[test]
fn what_cannot_be_understood_is_named() {
    for (condition, problem_is) in [
        ("", "[E028]: `when` ends where a fact should stand…"),
        ("site", "[E028]: `when` does not say which site…"),
        ("site office", "[E028]: `site office` may be `down`…"),
        ("site ofice down", "[E101]: there is no site called `ofice`; help: did you mean `office`?"),
        (
            "carrier office down",
            "[E101]: there is no carrier called `office`; help: `when` asks for a carrier of this plan by the name that it has there",
        ),
        (
            "service answering down",
            "[E028]: nobody knows whether `answering` is down: it is reached by phone number; help: ask for the carriers, by which it is reached: `carrier telnyx down`",
        ),
        ("domain gird down", "[E101]: there is no domain called `gird`; help: did you mean `grid`?"),
        ("site office down site branch down", "[E028]: `site` cannot follow there in `when`…"),
        ("(site office down", "[E028]: `when` has a `(` without its `)`…"),
        ("site office down)", "[E028]: `)` cannot follow there in `when`…"),
        ("site office down and", "[E028]: `when` ends where a fact should stand…"),
        ("override", "[E028]: `when` does not say which override…"),
        ("override and closed", "[E028]: `when` does not say which override…"),
        (
            "override acme/storm",
            "[E022]: `acme/storm` cannot be the name of an override; help: a name is 1 to 64 letters, digits, `-`, `_` or `.`",
        ),
        ("override storm down", "[E028]: `down` cannot follow there in `when`…"),
        ("raining", "[E028]: `raining` is no fact…"),
    ] {
        assert_eq!(problem(condition), [problem_is], "{condition}");
    }
    let deep = "(".repeat(40) + "closed" + &")".repeat(40);
    assert_eq!(problem(&deep), ["[E028]: `when` has more than 16 of `not` and `(` in each other…"]);
    let long = vec!["closed"; 40].join(" or ");
    assert_eq!(problem(&long), ["[E028]: `when` asks for more than 32 facts…"]);
}

#[test]
fn a_last_step_that_may_be_passed_by_is_no_floor() {
    let text = "[sites]\noffice = \"192.0.2.2\"\n[announcements]\nsorry = \"closed\"\n[numbers]\n\"+15035550100\" = \"main\"\n\
                [plans.main]\nsteps = [\"office\", { ring = \"sorry\", when = \"site office down\" }]\n";
    let read = read(Source::new("plan.toml", text), Timestamp::from_second(NOON).expect("a moment"));
    let said = say(&read, Colour::Off).text;
    assert!(
        said.contains("error[E116]: `steps` of plan `main` can end with nobody: it has no floor"),
        "{said}"
    );
}
