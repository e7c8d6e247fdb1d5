//! What people switch by hand, in their words: what the words mean in a plan, and what calls do then.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use router::Plan;
use router::foretell::Fault;
use router::path::Listener;
use router::roads::Roads;
use router::target::PeerId;
use std::sync::Arc;
use tandem::config::{Source, read};
use tandem::orders::{Effect, Order, Verb, drainable, effect, with_orders};

/// Monday, 5 January 2026, 12:00 UTC.
const NOON: i64 = 1_767_614_400;
const MIDNIGHT: i64 = NOON + 12 * 3600;

const PLAN: &str = r#"operator = "Cascadia"
timezone = "UTC"
[carriers]
telnyx = "192.0.2.1"
lumen = "192.0.2.2"
[services]
answering = "+18005550199"
[mail]
smtp = "127.0.0.1:25"
tls = "none"
from = "vm@cascadia.example"
[customers.acme]
numbers = ["+13125550100", "+13125550101"]
hours = "mon-fri 09:00-17:00"
steps = [{ ring = "hq", when = "not override storm" }, ["ana", "ben"], "desk"]
closed = ["answering", "night"]
[customers.acme.sites]
hq = "192.0.2.11"
[customers.acme.people]
ana = "+13125550111"
ben = "+13125550112"
[customers.acme.mailboxes]
desk = "desk@acme.example"
night = "night@acme.example"
[customers.nguyen]
numbers = ["+15035550100"]
steps = ["office", { ring = "answering", when = "override storm or override quiet" }, "inbox"]
[customers.nguyen.sites]
office = "192.0.2.21"
[customers.nguyen.mailboxes]
inbox = "office@nguyen.example"
"#;

fn plan() -> Arc<Plan> {
    let now = Timestamp::from_second(NOON).unwrap();
    read(Source::new("plan.toml", PLAN.to_owned()), now).unwrap().plan
}

fn order(words: &str) -> Order {
    let (verb, rest) = words.split_once(' ').unwrap();
    let verb = if verb == "drain" { Verb::Drain } else { Verb::Override };
    let (what, to) = rest.split_once(" to ").map_or((rest, None), |(what, to)| (what, Some(to.to_owned())));
    Order { verb, what: what.to_owned(), to }
}

fn ordered(words: &[&str]) -> Arc<Plan> {
    let (plan, said) = with_orders(&plan(), &words.iter().map(|words| order(words)).collect::<Vec<_>>());
    said.into_iter().for_each(|it| it.unwrap());
    plan
}

fn roads(plan: &Plan) -> Roads {
    let any = "0.0.0.0:5060".parse().unwrap();
    let udp = Listener { transport: router::Transport::Udp, address: any, advertise: (String::new(), 5060) };
    Roads::new(plan, &[udp, router::inside::listener()], &router::names::Names::new())
}

/// Who is rung by a call to this number, in order, and by which carriers.
fn rung(plan: &Plan, number: &str, unix: i64) -> String {
    let (course, _) = plan.course_of(number.as_bytes()).unwrap();
    let way = plan.foretell(&roads(plan), plan.entrance(course, unix), unix, &Fault::default());
    let name = |it: &router::way::Try| {
        let (target, peer) = (plan.target(it.target).unwrap(), plan.peer(it.peer).unwrap());
        let name = target.name.rsplit('/').next().unwrap();
        if peer.carrier().is_some() { format!("{name} by {}", peer.name) } else { name.to_owned() }
    };
    way.tries.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What an order would be in full words, or why it means nothing.
fn meant(words: &str) -> String {
    order(words).in_full(&plan()).map_or_else(|unmeant| unmeant.to_string(), |order| order.to_string())
}

const ACME: &str = "+13125550100";
const NGUYEN: &str = "+15035550100";

#[test]
fn an_override_is_for_one_customer_or_for_all_who_ask_for_it() {
    let asked = plan().overrides().into_iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(asked, ["acme/storm", "nguyen/quiet", "nguyen/storm", "quiet", "storm"]);
    for (orders, acme, nguyen) in [
        (&[][..], "hq, ana by telnyx, ben by telnyx, desk", "office, inbox"),
        (&["override storm"], "ana by telnyx, ben by telnyx, desk", "office, answering by telnyx, inbox"),
        (&["override acme/storm"], "ana by telnyx, ben by telnyx, desk", "office, inbox"),
        (
            &["override nguyen/storm"],
            "hq, ana by telnyx, ben by telnyx, desk",
            "office, answering by telnyx, inbox",
        ),
        (&["override quiet"], "hq, ana by telnyx, ben by telnyx, desk", "office, answering by telnyx, inbox"),
    ] {
        let plan = ordered(orders);
        assert_eq!(rung(&plan, ACME, NOON), acme, "{orders:?}");
        assert_eq!(rung(&plan, NGUYEN, NOON), nguyen, "{orders:?}");
    }
}

#[test]
fn who_is_drained_gets_no_call_and_what_is_left_is_rung() {
    for (orders, acme) in [
        (&["drain site acme/hq"][..], "ana by telnyx, ben by telnyx, desk"),
        (&["drain acme/ana"], "hq, ben by telnyx, desk"),
        (&["drain telnyx"], "hq, ana by lumen, ben by lumen, desk"),
        (&["drain telnyx", "drain carrier lumen"], "hq, desk"),
        (&["drain answering"], "hq, ana by telnyx, ben by telnyx, desk"),
    ] {
        assert_eq!(rung(&ordered(orders), ACME, NOON), acme, "{orders:?}");
    }
}

#[test]
fn a_diverted_number_rings_somebody_else_and_then_what_always_answers_at_that_hour() {
    let plan = ordered(&["override +13125550100 to answering", "drain telnyx"]);
    assert_eq!(rung(&plan, ACME, NOON), "answering by lumen, desk");
    assert_eq!(rung(&plan, ACME, MIDNIGHT), "answering by lumen, night");
    assert_eq!(rung(&plan, "+13125550101", NOON), "hq, ana by lumen, ben by lumen, desk");
    assert_eq!(rung(&plan, NGUYEN, NOON), "office, inbox");
    // A plan, a person and a mailbox may be named too.
    for (to, who) in [
        ("main", "hq, ana by telnyx, ben by telnyx, desk"),
        ("ben", "ben by telnyx, night"),
        ("night", "night"),
    ] {
        let plan = ordered(&[&format!("override +1 (312) 555-0100 to {to}")]);
        let unix = if to == "main" { NOON } else { MIDNIGHT };
        assert_eq!(rung(&plan, ACME, unix), who, "{to}");
    }
}

#[test]
fn orders_are_told_in_full_words() {
    for (words, full) in [
        ("override storm", "override storm"),
        ("override 3125550100 to ana", "override +13125550100 to acme/ana"),
        ("override +13125550100 to person acme/ana", "override +13125550100 to acme/ana"),
        ("override +13125550100 to service answering", "override +13125550100 to answering"),
        ("override +13125550100 to plan main", "override +13125550100 to acme/main"),
        ("drain  acme/hq", "drain site acme/hq"),
        ("drain telnyx", "drain carrier telnyx"),
        ("drain service answering", "drain service answering"),
    ] {
        assert_eq!(meant(words), full, "{words}");
    }
}

#[test]
fn what_means_nothing_says_what_there_is() {
    for (words, why) in [
        ("override strom", "no step asks for `override strom`; did you mean `storm`?"),
        (
            "override snow",
            "no step asks for `override snow`; there is `acme/storm`, `nguyen/quiet`, `nguyen/storm`, `quiet`, `storm`",
        ),
        ("override +13125550199 to ana", "the plan does not list the number +13125550199"),
        ("override * to ana", "the plan does not list the number *"),
        (
            "override +15035550100 to acme/hq",
            "+15035550100 may not ring `acme/hq`, which is another customer's",
        ),
        (
            "override +15035550100 to anna",
            "nothing is called `anna`; there is `service answering`, `site nguyen/office`, `nguyen/inbox`, `plan nguyen/main`",
        ),
        (
            "override +13125550100 to telnyx",
            "nothing is called `telnyx`; there is `service answering`, `site acme/hq`, `person acme/ana`, `person acme/ben`, `acme/desk`, `acme/night`, `plan acme/main`",
        ),
        ("drain hq", "nothing is called `hq`; did you mean `site acme/hq`?"),
        ("drain site telnix", "nothing is called `site telnix`; did you mean `carrier telnyx`?"),
        ("drain acme/desk", "`acme/desk` is on this machine and always answers: it cannot be drained"),
        (
            "drain acme/hq to ana",
            "who is rung instead of `acme/hq` is what the plan says; only a number rings somebody else by hand",
        ),
    ] {
        assert_eq!(meant(words), why, "{words}");
    }
    let all = [
        "carrier telnyx",
        "carrier lumen",
        "service answering",
        "site acme/hq",
        "person acme/ana",
        "person acme/ben",
        "site nguyen/office",
    ];
    assert_eq!(drainable(&plan()), all);
}

#[test]
fn orders_are_asked_anew_of_each_plan_and_those_that_mean_nothing_change_nothing() {
    let before = ordered(&["drain acme/hq"]);
    assert_eq!(rung(&before, ACME, NOON), "ana by telnyx, ben by telnyx, desk");
    let orders = [order("drain gone"), order("override storm"), order("override nothing")];
    let (after, said) = with_orders(&before, &orders);
    assert_eq!(said.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(rung(&after, NGUYEN, NOON), "office, answering by telnyx, inbox");
    // Instead of those that it had.
    assert!(after.orders.drained.is_empty() && after.differs_in_orders_alone(&before));
    let (none, _) = with_orders(&after, &[]);
    assert!(Arc::ptr_eq(&none, before.unordered()) && none.differs_in_orders_alone(&after));
    assert!(!none.differs_in_orders_alone(&plan()), "a file that was read again");
    assert!(!ordered(&["override storm"]).differs_in_orders_alone(&before), "and has other orders");
}

#[test]
fn an_order_is_kept_as_words() {
    for (words, kept) in [
        ("override storm", r#"{"verb":"override","what":"storm"}"#),
        ("override +13125550100 to ana", r#"{"verb":"override","what":"+13125550100","to":"ana"}"#),
        ("drain acme/hq", r#"{"verb":"drain","what":"acme/hq"}"#),
    ] {
        assert_eq!(serde_json::to_string(&order(words)).unwrap(), kept);
        assert_eq!(serde_json::from_str::<Order>(kept).unwrap(), order(words));
    }
}

/// What these orders do to callers for so many hours from noon on, while these peers are down.
fn does(before: &[&str], after: &[&str], down: &[&str], hours: i64) -> Effect {
    let (before, after) = (ordered(before), ordered(after));
    let after = with_base_of(&before, &after);
    let named = |(_, peer): &(PeerId, &router::target::Peer)| down.contains(&&*peer.name);
    let down = (0..).map(PeerId).zip(&before.peers).filter(named).map(|(id, _)| id).collect();
    let fault = Fault { down, known: true };
    effect(&before, &after, &roads(&before), &fault, NOON..NOON + hours * 3600)
}

/// The orders of one plan in another that says the same.
fn with_base_of(plan: &Arc<Plan>, other: &Arc<Plan>) -> Arc<Plan> {
    plan.ordered(other.orders.clone())
}

#[test]
fn what_orders_change_for_callers_is_told_and_nothing_else_is() {
    assert_eq!(
        does(&[], &["drain acme/hq"], &[], 1).to_string(),
        "\
2 numbers change, 1 do not.
  +13125550100 and +13125550101, Mon 12:00
    was  acme/hq rings at once, acme/ana and acme/ben ring after 20 s, acme/desk answers after 38 s
    now  acme/ana and acme/ben ring at once, acme/desk answers after 18 s
"
    );
    assert_eq!(
        does(&["drain acme/hq"], &["drain acme/hq", "override acme/storm"], &[], 1).to_string(),
        "Nothing changes for callers.\n"
    );
    assert_eq!(does(&[], &["drain answering"], &[], 1).numbers, (0, 3), "it is open, and there is no storm");
}

#[test]
fn who_would_lose_the_last_human_is_found_in_all_of_the_time_that_an_order_is_for() {
    let losses = |before: &[&str], after: &[&str], down: &[&str], hours| -> Vec<String> {
        let effect = does(before, after, down, hours);
        let told = |change: &tandem::orders::Change| format!("{} {}", change.numbers.join(" "), change.at);
        effect.losses().map(told).collect()
    };
    let (acme, nguyen) = ("+13125550100 +13125550101", "+15035550100");
    assert_eq!(losses(&[], &["drain nguyen/office"], &[], 1), [format!("{nguyen} Mon 12:00")]);
    // Who is down already is lost already.
    assert!(losses(&[], &["drain nguyen/office"], &["nguyen/office"], 1).is_empty());
    // At 17:00 only the answering service is left.
    assert!(losses(&[], &["drain answering"], &[], 5).is_empty());
    assert_eq!(losses(&[], &["drain answering"], &[], 6), [format!("{acme} Mon 17:00")]);
    // Who is left is down, or reached by carriers that are.
    assert!(losses(&[], &["drain acme/hq"], &["telnyx"], 1).is_empty());
    assert_eq!(losses(&[], &["drain acme/hq"], &["telnyx", "lumen"], 1), [format!("{acme} Mon 12:00")]);
    assert_eq!(
        losses(&["drain telnyx"], &["drain telnyx", "drain lumen"], &["acme/hq"], 1),
        [format!("{acme} Mon 12:00")]
    );
    // A number that was diverted to somebody who is taken out; another is not concerned.
    let diverted = "override +13125550100 to acme/ana";
    assert_eq!(losses(&[diverted], &[diverted, "drain acme/ana"], &[], 1), ["+13125550100 Mon 12:00"]);
    assert_eq!(losses(&[], &["override +13125550100 to acme/night"], &[], 1), ["+13125550100 Mon 12:00"]);
    // Who rings instead may change.
    let other = ["override +13125550100 to acme/night"];
    assert_eq!(losses(&[diverted], &other, &[], 1), ["+13125550100 Mon 12:00"]);
    assert_eq!(losses(&other, &[diverted], &[], 1), [""; 0]);
    assert_eq!(does(&other, &[diverted], &[], 1).numbers, (1, 2));
    // An override may do it as well.
    assert_eq!(
        losses(
            &["drain acme/ana", "drain acme/ben"],
            &["drain acme/ana", "drain acme/ben", "override storm"],
            &[],
            1
        ),
        [format!("{acme} Mon 12:00")]
    );
}
