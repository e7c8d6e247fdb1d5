//! `[customers.*]`: businesses beside each other on one node. Each has names of its own, that nobody else sees; carriers,
//! services and announcements of the operator are there for all.

use crate::codes::Code;
use crate::config::draft::Draft;
use crate::config::duration::duration;
use crate::config::holidays::{self, Holidays};
use crate::config::hours::{self, Clock};
use crate::config::mailboxes::Customer;
use crate::config::names::{Kind, Names};
use crate::config::numbers::{self, Listing};
use crate::config::peers::{Defaults, bound};
use crate::config::reader::{Key, Problems, Table, Value, entries, flag, shown, table, text, texts};
use crate::config::roles::InUse;
use crate::config::sections::{Entries, Sections};
use crate::config::settings::{CUSTOMERS_MAX, LIST_MAX, LIVE_WITHIN, TARGETS_MAX};
use crate::config::templates::Templates;
use crate::config::{courses, later};
use crate::diagnostic::Diagnostic;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use router::plan::CourseId;
use std::sync::Arc;
use toml::de::DeValue;

/// What the top of the plan says that holds for customers who say nothing else.
pub(super) struct Base<'b> {
    pub(super) defaults: &'b Defaults,
    pub(super) clocks: &'b [Clock],
    /// On which days they are closed.
    pub(super) holidays: Holidays,
    pub(super) now: Timestamp,
    /// The operator's time zone, if one is written.
    pub(super) zone: Option<TimeZone>,
}

/// Plans with blanks, and the numbers of all.
pub(super) struct Shared<'c, 'a> {
    pub(super) templates: &'c mut Templates<'a>,
    pub(super) listing: &'c mut Listing<'a>,
    pub(super) wishes: &'c mut Wishes<'a>,
}

/// What customers want to hold and to be tried: read once all names are known.
#[derive(Debug, Default)]
pub(super) struct Wishes<'a> {
    pub(super) expects: Vec<Wish<'a>>,
    pub(super) drills: Vec<Wish<'a>>,
}

/// One key of that.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    pub(super) customer: &'a str,
    pub(super) key: Key<'a>,
    pub(super) value: &'a Value<'a>,
}

/// Reads all customers into the draft.
pub(super) fn read<'a>(
    entries: Entries<'a>,
    base: &Base<'_>,
    names: &mut Names<'a>,
    draft: &mut Draft,
    shared: &mut Shared<'_, 'a>,
    problems: &mut Problems<'_>,
) {
    bound("customers", CUSTOMERS_MAX, &entries, problems);
    for (key, value) in entries.into_iter().take(CUSTOMERS_MAX) {
        let place = format!("[customers.{}]", shown(key.text));
        let wanted = "a table with `numbers`, and `use` or `steps`";
        if let Some(keys) = table(place, key.span.clone(), wanted, value, problems) {
            one(&key, keys, base, names, draft, shared, problems);
        }
        if draft.plan.targets.len() > TARGETS_MAX {
            let title = format!("the plan has more than {TARGETS_MAX} destinations");
            problems
                .add(Diagnostic::new(Code::E013, title).at(key.span, "one over").help("run a second node"));
            break;
        }
    }
    names.go_to(None);
    draft.customer = None;
}

fn one<'a>(
    key: &Key<'a>,
    mut keys: Table<'a>,
    base: &Base<'_>,
    names: &mut Names<'a>,
    draft: &mut Draft,
    shared: &mut Shared<'_, 'a>,
    problems: &mut Problems<'_>,
) {
    names.begin(key.text);
    let before = problems.found.len();
    let used =
        keys.take("use").and_then(|value| Some((shared.templates.used(value, problems)?, value.span())));
    let mut used = used.map(|(template, uses)| InUse::new(template, uses));
    if let Some(used) = &used {
        keys.add_missing(&used.template.says);
    }
    let business =
        keys.take("business").and_then(|value| text("business", "the name of the customer", value, problems));
    let zone = hours::zone(&mut keys, base.now, problems);
    let own = zone.as_ref().and_then(|zone| TimeZone::get(&zone.name).ok());
    draft.customer = Some(Arc::new(Customer {
        key: key.text.into(),
        business: business.unwrap_or(key.text).into(),
        zone: own.or_else(|| base.zone.clone()).unwrap_or(TimeZone::UTC),
    }));
    let clocks = clocks(&mut keys, zone.is_some(), base, problems);
    let defaults = defaults(&mut keys, base.defaults, problems);
    let mut sections = Sections::take(&mut keys, problems);
    if let Some(used) = &mut used {
        used.fill(key, &mut keys, &mut sections, names, problems);
    }
    sections.define(names, problems);
    later::define(&mut keys, names, problems);
    let main = main(&mut keys, names, problems);
    let first = draft.courses.len();
    sections.read((&defaults, &clocks), names, draft, problems);
    if let Some(main) = main {
        courses::read_one(&main, &mut keys, (&defaults, &clocks), names, draft, problems);
    }
    if let Some(zone) = zone.map(Arc::new) {
        let own = (first..draft.courses.len()).filter_map(|id| u32::try_from(id).ok());
        draft.plan.zones.extend(own.map(|id| (CourseId(id), Arc::clone(&zone))));
    }
    read_numbers(key, &mut keys, names, draft, shared.listing, problems);
    for (word, wishes) in [("expect", &mut shared.wishes.expects), ("drills", &mut shared.wishes.drills)] {
        let wish = keys.take_entry(word).map(|(name, value)| Wish { customer: key.text, key: name, value });
        wishes.extend(wish);
    }
    later::refuse(&mut keys, later::Place::Plan, problems);
    keys.finish(problems);
    if let (Some(used), Some(found)) = (used, problems.found.get_mut(before..)) {
        used.place(found);
    }
}

/// The plan that stands in the customer itself, if one does: all its numbers have it that name no other.
fn main<'a>(keys: &mut Table<'a>, names: &mut Names<'a>, problems: &mut Problems<'_>) -> Option<Key<'a>> {
    let steps = keys.place_of(&OF_A_PLAN)?;
    let main = names.define(Kind::Plan, vec![(Key { text: MAIN, span: steps }, ())], problems);
    let found = main.into_iter().next().map(|(key, ())| key);
    if found.is_none() {
        // That there are two was said; of this one there is no more to say.
        keys.take_all(|key| OF_A_PLAN.contains(&key) || key == "declined");
    }
    found
}

/// The customer's hours, and behind them the operator's.
fn clocks(keys: &mut Table<'_>, has_zone: bool, base: &Base<'_>, problems: &mut Problems<'_>) -> Vec<Clock> {
    let own = holidays::read(keys, base.now, problems);
    let others = base.clocks.iter().cloned().map(|mut clock| {
        if let Some(own) = &own {
            clock.hours.holidays = Arc::clone(own);
        }
        clock
    });
    let Some((key, value)) = keys.take_entry("hours") else { return others.collect() };
    let written = match value.get_ref() {
        DeValue::Table(table) => entries(table),
        DeValue::String(_)
        | DeValue::Array(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => vec![(Key { text: "open", span: key.span.clone() }, value)],
    };
    if !has_zone && base.zone.is_none() {
        problems.add(hours::without_zone(key.span));
    }
    let mut found = hours::read(written, own.as_ref().unwrap_or(&base.holidays), problems);
    found.extend(others);
    found
}

/// What holds for all plans of a customer.
fn defaults(keys: &mut Table<'_>, base: &Defaults, problems: &mut Problems<'_>) -> Defaults {
    let live = keys.take("live_within");
    let live = live.and_then(|value| duration("live_within", &LIVE_WITHIN, value, problems));
    let floor = keys.take("floor").and_then(|value| flag("floor", value, problems));
    let confirm = keys.take("confirm").and_then(|value| flag("confirm", value, problems));
    let mut found = base.clone();
    found.live_within = live.or(base.live_within);
    found.floor = floor.or(base.floor);
    found.confirm = confirm.or(base.confirm);
    found.cap = courses::cap(keys, base.cap, problems);
    found
}

/// `numbers`: each with its plan, or a list of those that have the plan `main`.
fn read_numbers<'a>(
    key: &Key<'a>,
    keys: &mut Table<'a>,
    names: &mut Names<'a>,
    draft: &mut Draft,
    listing: &mut Listing<'a>,
    problems: &mut Problems<'_>,
) {
    let customer = shown(key.text);
    let Some((place, value)) = keys.take_entry("numbers") else {
        let title = format!("customer `{customer}` has no numbers: no call has its plan");
        let problem = Diagnostic::new(Code::E012, title).at(key.span.clone(), "no `numbers`");
        problems.add(problem.help("write `numbers = [\"+15035550100\"]`"));
        return;
    };
    if let DeValue::Table(table) = value.get_ref() {
        numbers::read(entries(table), names, draft, listing, problems);
        return;
    }
    let main = names.find(MAIN).filter(|named| named.kind == Kind::Plan).map(|named| CourseId(named.id));
    if main.is_none() {
        let title = format!("customer `{customer}` has numbers and no plan `main`");
        let problem = Diagnostic::new(Code::E101, title).at(place.span, "a list of numbers is for that plan");
        problems.add(problem.help(
            "write `steps = [\"office\", \"voicemail\"]`, or give each number its plan: `numbers = { \"+15035550100\" = \"desk\" }`",
        ));
    }
    for (written, span) in texts("numbers", "a number such as \"+15035550100\"", LIST_MAX, value, problems) {
        listing.list(Key { text: written, span }, Some(key.text), main, draft, problems);
    }
}

/// The plan of numbers that name no other.
const MAIN: &str = "main";
/// Keys that make a plan of a customer.
const OF_A_PLAN: [&str; 4] = ["steps", "closed", "busy", "full"];
