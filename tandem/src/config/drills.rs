//! `[drills.*]`: what is to be tried on purpose, how often and when, and who gets the evidence.

use crate::codes::Code;
use crate::config::customers::Wish;
use crate::config::draft::Draft;
use crate::config::hours;
use crate::config::mail;
use crate::config::names::{full, nearest, split};
use crate::config::reader::{
    Key, Problems, Table, Value, entries, quoted, section, shown, table, text, texts, too_many,
};
use crate::config::settings::{DRILLS_MAX, EMAILS_MAX, THINGS_MAX};
use crate::config::things::thing;
use crate::diagnostic::{Diagnostic, Span};
use crate::imagined;
use core::fmt;
use jiff::Timestamp;
use router::Plan;
use router::foretell::Fault;
use router::hours::{Hours, Zone};
use router::outage::Thing;
use router::plan::CourseId;
use router::target::PeerId;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::de::DeValue;

/// An exercise that the plan asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// Its name, with the customer before it whose it is.
    pub name: Arc<str>,
    /// The customer whose calls it is about; `None` for all calls.
    pub customer: Option<Arc<str>>,
    /// How often.
    pub every: Period,
    /// When it may be; at any time, if none.
    pub window: Option<Window>,
    /// What fails, one after the other.
    pub breaks: Vec<Break>,
    /// Who gets a report.
    pub evidence: Option<Evidence>,
}

/// So many days, weeks, months, quarters or years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// How many; at least one.
    pub count: u16,
    /// Of which.
    pub unit: Unit,
}

/// What a period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 24 hours.
    Day,
    /// Seven days.
    Week,
    /// As in the calendar.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

/// When a drill may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// As it is written.
    pub words: String,
    /// The same; no day is a holiday for it.
    pub hours: Hours,
}

/// What fails together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// What: `carrier lumen`, `site acme/hq`.
    pub things: Vec<String>,
    /// Who is dead then.
    pub down: BTreeSet<PeerId>,
    pub(super) span: Span,
}

/// What is left of a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Who gets it by mail.
    pub to: Vec<Arc<str>>,
    /// By whose rules it is read.
    pub frameworks: Vec<&'static str>,
}

/// Reads all drills, those of customers too, once everything else has been read.
pub(super) fn read<'a>(
    top: &mut Table<'a>,
    wishes: &[Wish<'a>],
    draft: &Draft,
    problems: &mut Problems<'_>,
) -> Vec<Drill> {
    let mut listed: Vec<(Option<&str>, Key<'a>, &Value<'a>)> =
        section(top, "drills", problems).into_iter().map(|(key, value)| (None, key, value)).collect();
    for wish in wishes {
        let DeValue::Table(found) = wish.value.get_ref() else {
            problems.kind("drills", "a table of names: `drills.spring`", wish.value);
            continue;
        };
        listed.extend(entries(found).into_iter().map(|(key, value)| (Some(wish.customer), key, value)));
    }
    if let Some((_, over, _)) = listed.get(DRILLS_MAX) {
        problems.add(too_many("drills", DRILLS_MAX, over.span.clone()));
    }
    let things = draft.plan.things();
    let listed = listed.into_iter().take(DRILLS_MAX);
    listed.filter_map(|(customer, key, value)| one(customer, &key, value, draft, &things, problems)).collect()
}

fn one(
    customer: Option<&str>,
    key: &Key<'_>,
    value: &Value<'_>,
    draft: &Draft,
    things: &[Thing],
    problems: &mut Problems<'_>,
) -> Option<Drill> {
    let place = format!("[drills.{}]", shown(key.text));
    let wanted = "a table with `every` and `break`";
    let mut keys = table(place, key.span.clone(), wanted, value, problems)?;
    let every = required(&mut keys, key, "every", "\"6 months\"", problems);
    let every = every.and_then(|value| period(value, problems));
    let breaks = required(&mut keys, key, "break", "[\"site office\"]", problems);
    let breaks = breaks.map(|value| breaks_of(value, customer, things, problems));
    let window = keys.take_entry("window").and_then(|(key, value)| {
        if !has_clock(customer, draft) {
            problems.add(hours::without_zone(key.span));
        }
        window(value, problems)
    });
    let evidence = keys.take_entry("evidence").and_then(|(key, value)| evidence(&key, value, problems));
    keys.finish(problems);
    let (every, breaks) = (every?, breaks?);
    Some(Drill {
        name: full(customer, key.text),
        customer: customer.map(Arc::from),
        every,
        window,
        breaks,
        evidence,
    })
}

/// Is it known by which clock a window is?
fn has_clock(customer: Option<&str>, draft: &Draft) -> bool {
    let name = |id: &CourseId| draft.courses.get(id.0 as usize).and_then(|course| split(&course.name).0);
    !draft.plan.zone.name.is_empty()
        || customer.is_some() && draft.plan.zones.keys().any(|id| name(id) == customer)
}

fn required<'a>(
    keys: &mut Table<'a>,
    drill: &Key<'_>,
    key: &'static str,
    example: &str,
    problems: &mut Problems<'_>,
) -> Option<&'a Value<'a>> {
    let found = keys.take(key);
    if found.is_none() {
        let title = format!("drill `{}` has no `{key}`", shown(drill.text));
        let problem = Diagnostic::new(Code::E012, title).at(drill.span.clone(), "in this one");
        problems.add(problem.help(format!("write `{key} = {example}`")));
    }
    found
}

/// `6 months`, `quarter`, `2 weeks`.
fn period(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Period> {
    let written = text("every", "a period such as \"6 months\"", value, problems)?;
    let (count, word) = match written.trim().split_once(' ') {
        Some((count, word)) => (count.parse().ok(), word.trim()),
        None => (Some(1), written.trim()),
    };
    let known = |(name, _): &&(&str, Unit)| word.strip_suffix('s').unwrap_or(word) == *name;
    let unit = UNITS.iter().find(known).map(|(_, unit)| *unit);
    let found = count.zip(unit).map(|(count, unit)| Period { count, unit });
    let fits = found.filter(|found| (1..=YEARS_MAX * 365).contains(&found.days()));
    if fits.is_none() {
        let title = format!("`{}` is no period", shown(written));
        let problem = Diagnostic::new(Code::E037, title).at(value.span(), "how often?");
        let most = format!("a period is at least a day and at most {YEARS_MAX} years");
        let word = nearest(word, UNITS.iter().map(|(name, _)| *name));
        problems.add(match (found, count, word) {
            (Some(_), ..) => problem.help(most),
            (None, Some(count), Some(word)) => {
                let plural = if count == 1 { "" } else { "s" };
                problem.fix("write", value.span(), quoted(&format!("{count} {word}{plural}")))
            }
            (None, ..) => problem.help("write `month`, `quarter`, `year`, `6 months` or `2 weeks`"),
        });
    }
    fits
}

impl Period {
    /// About so many days.
    const fn days(self) -> u32 {
        let of_one = match self.unit {
            Unit::Day => 1,
            Unit::Week => 7,
            Unit::Month => 30,
            Unit::Quarter => 91,
            Unit::Year => 365,
        };
        self.count as u32 * of_one
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = UNITS.iter().find(|(_, unit)| *unit == self.unit).map_or("", |(word, _)| word);
        match self.count {
            1 => write!(out, "every {word}"),
            count => write!(out, "every {count} {word}s"),
        }
    }
}

fn window(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Window> {
    let windows = hours::windows("window", value, problems);
    let words = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Array(list) => {
            list.iter().filter_map(|value| value.get_ref().as_str()).collect::<Vec<_>>().join(", ")
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => String::new(),
    };
    (!windows.is_empty()).then(|| Window { words, hours: Hours { windows, ..Hours::default() } })
}

/// Each text is one case; what fails together in it stands with `+` between.
fn breaks_of(
    value: &Value<'_>,
    customer: Option<&str>,
    things: &[Thing],
    problems: &mut Problems<'_>,
) -> Vec<Break> {
    let wanted = "what is to fail, such as \"site office\"";
    let mut found = Vec::new();
    for (written, span) in texts("break", wanted, BREAKS_MAX, value, problems).into_iter().take(BREAKS_MAX) {
        let mut one = Break { things: Vec::new(), down: BTreeSet::new(), span: span.clone() };
        for name in written.split('+').take(THINGS_MAX).map(str::trim) {
            if name.is_empty() {
                let problem = Diagnostic::new(Code::E021, "a case of `break` is empty");
                let problem = problem.at(span.clone(), "nothing beside the `+`");
                problems.add(problem.help("write `carrier first + site office`"));
                continue;
            }
            let Some(thing) = thing(name, span.clone(), customer, things, problems) else { continue };
            one.things.push(thing.to_string());
            one.down.extend(&thing.peers);
        }
        found.push(one);
    }
    found
}

fn evidence(key: &Key<'_>, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Evidence> {
    let wanted = "a table such as `{ to = \"audit@acme.example\", frameworks = [\"iso22301\"] }`";
    let mut keys = table("evidence", key.span.clone(), wanted, value, problems)?;
    let mut to = Vec::new();
    match keys.take("to") {
        Some(value) => {
            let wanted = "an address for mail such as \"audit@acme.example\"";
            for (written, span) in texts("to", wanted, EMAILS_MAX, value, problems) {
                to.extend(mail::address(written, &span, problems));
            }
        }
        None => {
            let problem =
                Diagnostic::new(Code::E012, "evidence goes to nobody").at(key.span.clone(), "no `to`");
            problems.add(problem.help("write `to = \"audit@acme.example\"` in it"));
        }
    }
    let mut frameworks = Vec::new();
    if let Some(value) = keys.take("frameworks") {
        let wanted = "a framework such as \"iso22301\"";
        for (written, span) in texts("frameworks", wanted, FRAMEWORKS.len(), value, problems) {
            match FRAMEWORKS.iter().find(|known| **known == written) {
                Some(known) => frameworks.push(*known),
                None => problems.add(no_framework(written, span)),
            }
        }
    }
    keys.finish(problems);
    Some(Evidence { to, frameworks })
}

fn no_framework(written: &str, span: Span) -> Diagnostic {
    let title = format!("evidence is not written for `{}`", shown(written));
    let problem = Diagnostic::new(Code::E011, title).at(span.clone(), "");
    let plain: String = written.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let near = FRAMEWORKS.iter().find(|known| known.replace('-', "") == plain).copied();
    match near.or_else(|| nearest(written, FRAMEWORKS.iter().copied())) {
        Some(near) => problem.fix(format!("did you mean `{near}`?"), span, quoted(near)),
        None => problem.help(format!("it may be {}", FRAMEWORKS.join(", "))),
    }
}

impl Drill {
    /// When it may be next: now, if its window is open; else when that opens, by the clock of whoever's it is.
    #[must_use]
    pub fn next(&self, plan: &Plan, unix: i64) -> i64 {
        let zone = self.zone(plan);
        let Some(window) = &self.window else { return unix };
        if window.hours.open_at(zone, unix) {
            return unix;
        }
        window.hours.next_change(zone, unix).unwrap_or(unix)
    }

    /// The clock of whoever's it is.
    #[must_use]
    pub fn zone<'a>(&self, plan: &'a Plan) -> &'a Zone {
        let mut courses = (0..).map(CourseId).zip(&plan.courses);
        let own = courses.find(|(_, course)| self.customer.is_some() && self.is_about(&course.name));
        own.map_or(&plan.zone, |(id, _)| plan.zone_of(id))
    }

    /// Is it about the calls of this plan of the file?
    #[must_use]
    pub fn is_about(&self, course: &str) -> bool {
        self.customer.is_none() || split(course).0 == self.customer.as_deref()
    }
}

/// L022: drills by which callers would reach nobody.
pub(super) fn judge(plan: &Plan, drills: &[Drill], now: Timestamp) -> Vec<Diagnostic> {
    if drills.is_empty() {
        return Vec::new();
    }
    let roads = imagined::roads(plan);
    let courses: BTreeSet<CourseId> = plan.numbers.values().copied().chain(plan.unlisted).collect();
    let mut found = Vec::new();
    for drill in drills {
        let unix = drill.next(plan, now.as_second());
        for one in &drill.breaks {
            let rings_nobody = |id: &&CourseId| {
                plan.course(**id).is_some_and(|course| drill.is_about(&course.name))
                    && [false, true].iter().any(|known| {
                        let fault = Fault { down: one.down.clone(), known: *known };
                        plan.foretell(&roads, plan.entrance(**id, unix), unix, &fault).rings_nobody()
                    })
            };
            let lost = courses.iter().filter(rings_nobody).collect::<Vec<_>>();
            let Some(first) = lost.first().and_then(|id| plan.course(**id)) else { continue };
            let others = if lost.len() > 1 { format!(" and {} more", lost.len() - 1) } else { String::new() };
            let title = format!(
                "drill `{}` would leave calls of plan `{}`{others} with nobody who rings",
                shown(&drill.name),
                shown(&first.name)
            );
            let problem = Diagnostic::new(Code::L022, title).at(one.span.clone(), "with this down");
            found.push(
                problem.help(
                    "end the plan with a mailbox or an announcement, as in `[\"office\", \"inbox\"]`, or take this case out of the drill",
                ),
            );
        }
    }
    found
}

const UNITS: [(&str, Unit); 5] = [
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("quarter", Unit::Quarter),
    ("year", Unit::Year),
];

/// By whose rules evidence is read.
pub(crate) const FRAMEWORKS: [&str; 5] = ["iso22301", "ffiec", "hipaa", "dora", "soc2"];

/// What is tried more rarely is not tried.
const YEARS_MAX: u32 = 3;
/// Cases of one drill: more take longer than a night.
const BREAKS_MAX: usize = 64;
