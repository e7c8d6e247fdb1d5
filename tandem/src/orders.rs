//! What people switch by hand, in their words, and what these words mean in a plan. A plan file that comes later may mean something else by
//! them: so the words are kept, and asked again.

mod effect;

pub use effect::{Change, Effect, effect};

use crate::config::nearest;
use core::fmt;
use router::Plan;
use router::orders::Orders;
use router::plan::{CourseId, Member};
use router::target::{CarrierId, Target, TargetId, TargetKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One thing that somebody has switched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What is done.
    pub verb: Verb,
    /// To what: the name of an override or a number, a carrier or a destination.
    pub what: String,
    /// Whom calls to that number ring; `None` for an override by name, and for whoever is drained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What can be done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// What `when = "override storm"` asks for is so; or calls to a number ring somebody else.
    Override,
    /// No new calls go there.
    Drain,
}

/// Why an order means nothing in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmeant {
    /// No step asks for such an override; these are asked for.
    NoOverride(String, Vec<String>),
    /// No number of the plan is written so.
    NoNumber(String),
    /// There is no such carrier or destination; these there are.
    NoName(String, Vec<String>),
    /// It may be any of these.
    Several(String, Vec<String>),
    /// It is a machine of ours that always answers.
    Always(String),
    /// A number of one customer would ring what is another's.
    NotTheirs(String, String),
    /// It is to be drained, and something else is to be rung.
    DrainedTo(String),
}

/// What an order means in a plan.
enum Meant {
    Override(Arc<str>),
    Divert(Arc<str>, Member, Arc<str>),
    Drain(Named),
}

/// A carrier or a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Carrier(CarrierId),
    Target(TargetId),
    Course(CourseId),
}

impl Order {
    /// The same in full words: `drain office` is `drain site office`.
    ///
    /// # Errors
    /// It means nothing in this plan, and why.
    pub fn in_full(&self, plan: &Plan) -> Result<Self, Unmeant> {
        let (what, to) = match meant(plan, self)? {
            Meant::Override(name) => (name.to_string(), None),
            Meant::Divert(number, _, to) => (number.to_string(), Some(to.to_string())),
            Meant::Drain(named) => (in_full(plan, named), None),
        };
        Ok(Self { verb: self.verb, what, to })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verb {
            Verb::Override => "override",
            Verb::Drain => "drain",
        };
        write!(out, "{verb} {}", self.what)?;
        self.to.iter().try_for_each(|to| write!(out, " to {to}"))
    }
}

impl fmt::Display for Unmeant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOverride(name, all) if all.is_empty() => {
                write!(out, "no step asks for `override {name}`, nor for any other")
            }
            Self::NoOverride(name, all) => {
                write!(out, "no step asks for `override {name}`; {}", instead(name, all))
            }
            Self::NoNumber(number) => write!(out, "the plan does not list the number {number}"),
            Self::NoName(name, all) => write!(out, "nothing is called `{name}`; {}", instead(name, all)),
            Self::Several(name, all) => write!(out, "`{name}` may be {}", listed(all, " or ")),
            Self::Always(name) => {
                write!(out, "`{name}` is on this machine and always answers: it cannot be drained")
            }
            Self::NotTheirs(number, name) => {
                write!(out, "{number} may not ring `{name}`, which is another customer's")
            }
            Self::DrainedTo(name) => {
                write!(
                    out,
                    "who is rung instead of `{name}` is what the plan says; only a number rings somebody else by hand"
                )
            }
        }
    }
}

impl core::error::Error for Unmeant {}

/// The plan with these orders, instead of those that it has; and for each whether it means something, in their order.
pub fn with_orders<'o>(
    plan: &Arc<Plan>,
    orders: impl IntoIterator<Item = &'o Order>,
) -> (Arc<Plan>, Vec<Result<(), Unmeant>>) {
    let plan = plan.unordered();
    let mut found = Orders::default();
    let mut take = |order: &Order| {
        match meant(plan, order)? {
            Meant::Override(name) => _ = found.overrides.insert(name),
            Meant::Divert(number, to, _) => _ = found.diverted.insert(number, to),
            Meant::Drain(Named::Carrier(id)) => found.drain_carrier(plan, id),
            Meant::Drain(Named::Target(id)) => found.drain(plan, id),
            // It has been refused as what cannot be drained.
            Meant::Drain(Named::Course(_)) => {}
        }
        Ok(())
    };
    let said = orders.into_iter().map(&mut take).collect();
    (plan.ordered(found), said)
}

/// The plan with what somebody has switched by hand, whatever of it means nothing, and with these overrides, as people name them.
pub(crate) fn under<'o>(
    plan: &Arc<Plan>,
    by_hand: impl Iterator<Item = &'o Order>,
    words: &[String],
) -> Result<Arc<Plan>, Unmeant> {
    let order = |word: &String| Order { verb: Verb::Override, what: word.clone(), to: None };
    let orders: Vec<Order> = by_hand.cloned().chain(words.iter().map(order)).collect();
    let (plan, mut said) = with_orders(plan, &orders);
    let supposed = said.split_off(orders.len().saturating_sub(words.len()));
    supposed.into_iter().collect::<Result<Vec<()>, _>>().map(|_| plan)
}

/// Everything that can be drained, in full words: `carrier telnyx`, `site office`, `person ana`.
#[must_use]
pub fn drainable(plan: &Plan) -> Vec<String> {
    all(plan).filter(|named| is_drainable(plan, *named)).map(|named| in_full(plan, named)).collect()
}

fn meant(plan: &Plan, order: &Order) -> Result<Meant, Unmeant> {
    let what = plain(&order.what);
    match (order.verb, &order.to) {
        (Verb::Override, None) => {
            let asked = plan.overrides();
            match asked.get(&Arc::from(&*what)) {
                Some(name) => Ok(Meant::Override(Arc::clone(name))),
                None => Err(Unmeant::NoOverride(what, asked.iter().map(ToString::to_string).collect())),
            }
        }
        (Verb::Override, Some(to)) => divert(plan, what, plain(to)),
        (Verb::Drain, Some(_)) => Err(Unmeant::DrainedTo(what)),
        (Verb::Drain, None) => {
            let drainable = || all(plan).filter(|named| is_drainable(plan, *named));
            let found: Vec<Named> = drainable().filter(|named| is_called(plan, *named, &what)).collect();
            match found.as_slice() {
                [one] => Ok(Meant::Drain(*one)),
                [] if all(plan).any(|named| is_agent(plan, named) && is_called(plan, named, &what)) => {
                    Err(Unmeant::Always(what))
                }
                [] => Err(Unmeant::NoName(what, drainable().map(|named| in_full(plan, named)).collect())),
                [..] => {
                    Err(Unmeant::Several(what, found.iter().map(|named| in_full(plan, *named)).collect()))
                }
            }
        }
    }
}

/// A number, and whom it is to ring: by his full name, or by the name that he has for the customer whose number it is.
fn divert(plan: &Plan, written: String, to: String) -> Result<Meant, Unmeant> {
    let listed = plan.listed(written.as_bytes()).map(|(number, course)| (Arc::clone(number), course));
    let unlisted = || plan.unlisted.filter(|_| written == "*").map(|course| ("*".into(), course));
    let Some((number, course)) = listed.or_else(unlisted) else { return Err(Unmeant::NoNumber(written)) };
    let of_whom = plan.course(course).and_then(|course| customer(&course.name));
    let own = of_whom.map(|customer| of_customer(customer, &to));
    let rung = || all(plan).filter(|named| is_rung(*named));
    let called = |name: &str| rung().find(|named| is_called(plan, *named, name));
    let Some(found) = own.and_then(|own| called(&own)).or_else(|| called(&to)) else {
        let may = |named: &Named| customer(name_of(plan, *named)).is_none_or(|it| Some(it) == of_whom);
        let names = rung().filter(may).map(|named| in_full(plan, named)).collect();
        return Err(Unmeant::NoName(to, names));
    };
    let name = name_of(plan, found);
    if customer(name).is_some_and(|it| Some(it) != of_whom) {
        return Err(Unmeant::NotTheirs(number.to_string(), name.into()));
    }
    let member = match found {
        Named::Target(id) => Member::Target(id),
        Named::Course(id) => Member::Course(id),
        Named::Carrier(_) => return Err(Unmeant::NoName(to, Vec::new())),
    };
    Ok(Meant::Divert(number, member, name.into()))
}

/// All carriers, destinations and plans.
fn all(plan: &Plan) -> impl Iterator<Item = Named> {
    let carriers = (0..).map(CarrierId).zip(&plan.carriers).map(|(id, _)| Named::Carrier(id));
    let is_somebody = |(_, target): &(TargetId, &Target)| target.kind != TargetKind::Word;
    let targets = (0..).map(TargetId).zip(&plan.targets).filter(is_somebody);
    let courses = (0..).map(CourseId).zip(&plan.courses).map(|(id, _)| Named::Course(id));
    carriers.chain(targets.map(|(id, _)| Named::Target(id))).chain(courses)
}

fn name_of(plan: &Plan, named: Named) -> &str {
    let name = match named {
        Named::Carrier(id) => plan.carriers.get(id.0 as usize).map(|carrier| &carrier.name),
        Named::Target(id) => plan.target(id).map(|target| &target.name),
        Named::Course(id) => plan.course(id).map(|course| &course.name),
    };
    name.map_or("", |name| name)
}

/// The words for what it is, the one that it is told by first.
fn kinds(plan: &Plan, named: Named) -> &'static [&'static str] {
    match named {
        Named::Carrier(_) => &["carrier"],
        Named::Course(_) => &["plan"],
        Named::Target(id) => match plan.target(id).map(|target| target.kind) {
            Some(TargetKind::Site) => &["site"],
            Some(TargetKind::Person) => &["person"],
            Some(TargetKind::Service) => &["service"],
            Some(TargetKind::Agent | TargetKind::Word) | None => &["mailbox", "announcement"],
        },
    }
}

fn in_full(plan: &Plan, named: Named) -> String {
    let name = name_of(plan, named);
    match kinds(plan, named) {
        [kind] => format!("{kind} {name}"),
        [..] => name.into(),
    }
}

fn is_called(plan: &Plan, named: Named, written: &str) -> bool {
    let name = name_of(plan, named);
    let said =
        |kind: &&str| written.strip_prefix(*kind).and_then(|rest| rest.strip_prefix(' ')) == Some(name);
    written == name || kinds(plan, named).iter().any(said)
}

fn is_agent(plan: &Plan, named: Named) -> bool {
    matches!(named, Named::Target(id) if plan.target(id).is_some_and(|target| target.kind == TargetKind::Agent))
}

/// Carriers, sites, people and services.
fn is_drainable(plan: &Plan, named: Named) -> bool {
    match named {
        Named::Carrier(_) => true,
        Named::Target(_) => !is_agent(plan, named),
        Named::Course(_) => false,
    }
}

/// Whatever a step may name.
const fn is_rung(named: Named) -> bool {
    match named {
        Named::Target(_) | Named::Course(_) => true,
        Named::Carrier(_) => false,
    }
}

fn customer(name: &str) -> Option<&str> {
    name.split_once('/').map(|(customer, _)| customer)
}

/// `site hq` as everybody else calls it: `site acme/hq`.
pub(crate) fn of_customer(customer: &str, written: &str) -> String {
    match written.split_once(' ') {
        Some((kind, name)) => format!("{kind} {customer}/{name}"),
        None => format!("{customer}/{written}"),
    }
}

/// What was probably meant, or all that there is.
fn instead(wrong: &str, all: &[String]) -> String {
    let bare = |name: &str| name.rsplit([' ', '/']).next().unwrap_or_default().to_owned();
    let same: Vec<String> = all.iter().filter(|name| bare(name) == bare(wrong)).cloned().collect();
    let name = |full: &str| full.split_once(' ').map_or(full, |(_, name)| name).to_owned();
    let near = || {
        let names: Vec<String> = all.iter().map(|full| name(full)).collect();
        let near = nearest(&name(wrong), names.iter().map(String::as_str))?;
        all.iter().find(|full| name(full) == near).cloned()
    };
    let meant = if same.is_empty() { near().into_iter().collect() } else { same };
    if meant.is_empty() {
        format!("there is {}", listed(all, ", "))
    } else {
        format!("did you mean {}?", listed(&meant, " or "))
    }
}

fn listed(names: &[String], between: &str) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    shown.join(between) + if names.len() > SHOWN { ", …" } else { "" }
}

/// What somebody has typed, without what would not be seen.
fn plain(written: &str) -> String {
    written.trim().chars().filter(|letter| !letter.is_control()).collect()
}

/// Names that are told when none fits.
const SHOWN: usize = 8;
