//! `[templates.*]`: plans with blanks that customers fill in. A template may be made of another one; what it says itself comes
//! first.

use crate::codes::Code;
use crate::config::later::{self, Place};
use crate::config::names::{Kind, nearest};
use crate::config::reader::{Key, Problems, Table, Value, entries, one_of, quoted, shown, table, text};
use crate::config::sections::Entries;
use crate::config::settings::{ROLES_MAX, TEMPLATES_MAX};
use crate::diagnostic::{Diagnostic, Span};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeValue;

/// All templates of a plan.
#[derive(Debug, Default)]
pub(super) struct Templates<'a> {
    by_name: BTreeMap<&'a str, Template<'a>>,
    used: BTreeSet<&'a str>,
}

/// A plan with blanks.
#[derive(Clone, Debug)]
pub(super) struct Template<'a> {
    pub(super) key: Key<'a>,
    /// What it says, and behind that what those say that it is made of.
    pub(super) says: Entries<'a>,
    /// Its blanks, and theirs.
    pub(super) roles: Vec<Role<'a>>,
}

/// A blank.
#[derive(Clone, Debug)]
pub(super) struct Role<'a> {
    pub(super) key: Key<'a>,
    pub(super) kind: Blank,
}

/// What fills a blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    Site,
    /// One person or several, who are rung as one.
    People,
    Service,
    Mailbox,
    Announcement,
}

impl Blank {
    /// What a name stands for that fills it.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Site => Kind::Site,
            Self::People => Kind::Person,
            Self::Service => Kind::Service,
            Self::Mailbox => Kind::Mailbox,
            Self::Announcement => Kind::Announcement,
        }
    }

    /// What may be written there.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Site => "\"pbx.acme.example\"",
            Self::People => "[\"+15035550111\", \"+15035550112\"]",
            Self::Service => "\"+18005550199\"",
            Self::Mailbox => "\"office@acme.example\"",
            Self::Announcement => "\"notice.wav\"",
        }
    }
}

/// A template as it is written.
struct Written<'a> {
    key: Key<'a>,
    uses: Option<(&'a str, Span)>,
    says: Entries<'a>,
    roles: Vec<Role<'a>>,
}

impl<'a> Templates<'a> {
    /// Reads all templates.
    pub(super) fn read(top: &mut Table<'a>, problems: &mut Problems<'_>) -> Self {
        let listed = crate::config::reader::section(top, "templates", problems);
        crate::config::peers::bound("templates", TEMPLATES_MAX, &listed, problems);
        let listed = listed.into_iter().take(TEMPLATES_MAX);
        let written: BTreeMap<&str, Written<'_>> = listed
            .filter_map(|(key, value)| written(key, value, problems))
            .map(|written| (written.key.text, written))
            .collect();
        let mut templates = Self::default();
        for one in written.values() {
            let whole = templates.whole(one, &written, problems);
            refuse_unused(&whole, one, problems);
            templates.by_name.insert(one.key.text, whole);
        }
        templates
    }

    /// A template with all that it has of others.
    fn whole(
        &mut self,
        one: &Written<'a>,
        written: &BTreeMap<&'a str, Written<'a>>,
        problems: &mut Problems<'_>,
    ) -> Template<'a> {
        let mut whole = Template { key: one.key.clone(), says: one.says.clone(), roles: one.roles.clone() };
        let mut way = vec![one];
        while let Some((name, span)) = way.last().and_then(|last| last.uses.clone()) {
            let Some(base) = written.get(name) else {
                // Of one that is used by another this is said there.
                if way.len() == 1 {
                    problems.add(unknown(name, span, written.keys().copied()));
                }
                break;
            };
            self.used.insert(base.key.text);
            if way.iter().any(|seen| seen.key.text == name) {
                // Each circle is told once: of the first of its names.
                if way.iter().all(|seen| seen.key.text >= one.key.text) && name == one.key.text {
                    problems.add(looped(&way, span));
                }
                break;
            }
            let is_new = |key: &Key<'_>| !whole.says.iter().any(|(known, _)| known.text == key.text);
            let more: Entries<'_> = base.says.iter().filter(|(key, _)| is_new(key)).cloned().collect();
            whole.says.extend(more);
            let is_new = |role: &&Role<'_>| !whole.roles.iter().any(|known| known.key.text == role.key.text);
            let more: Vec<Role<'_>> = base.roles.iter().filter(is_new).cloned().collect();
            whole.roles.extend(more);
            way.push(base);
        }
        whole
    }

    /// The template that a customer uses.
    pub(super) fn used(&mut self, value: &'a Value<'a>, problems: &mut Problems<'_>) -> Option<Template<'a>> {
        let name = text("use", "the name of a template", value, problems)?;
        let found = self.by_name.get(name);
        match found {
            Some(template) => _ = self.used.insert(template.key.text),
            None => problems.add(unknown(name, value.span(), self.by_name.keys().copied())),
        }
        found.cloned()
    }

    /// Where they say something, in order.
    pub(super) fn places(&self) -> Vec<Span> {
        let says = self.by_name.values().flat_map(|it| &it.says);
        let mut found: Vec<Span> =
            says.map(|(key, value)| key.span.start..value.span().end.max(key.span.end)).collect();
        found.sort_by_key(|span| span.start);
        found.dedup();
        found
    }

    /// L005: those that nobody uses.
    pub(super) fn warn_of_unused(&self, problems: &mut Problems<'_>) {
        for template in self.by_name.values().filter(|it| !self.used.contains(it.key.text)) {
            let title = format!(
                "no customer uses template `{}`: its steps are not checked",
                shown(template.key.text)
            );
            let problem = Diagnostic::new(Code::L005, title).at(template.key.span.clone(), "used by nobody");
            problems.add(
                problem.help(format!(
                    "write `use = {}` in a customer, or take it out",
                    quoted(template.key.text)
                )),
            );
        }
    }
}

fn written<'a>(key: Key<'a>, value: &'a Value<'a>, problems: &mut Problems<'_>) -> Option<Written<'a>> {
    let place = format!("[templates.{}]", shown(key.text));
    let mut keys = table(place, key.span.clone(), "a table with `roles` and `steps`", value, problems)?;
    let uses = keys
        .take("use")
        .and_then(|value| Some((text("use", "the name of a template", value, problems)?, value.span())));
    let roles = match keys.take_entry("roles") {
        Some((place, value)) => roles(&place, value, problems),
        None => Vec::new(),
    };
    let says = SAYS.iter().filter_map(|key| keys.take_entry(key)).collect();
    later::refuse(&mut keys, Place::Plan, problems);
    keys.finish(problems);
    Some(Written { key, uses, says, roles })
}

fn roles<'a>(place: &Key<'a>, value: &'a Value<'a>, problems: &mut Problems<'_>) -> Vec<Role<'a>> {
    let DeValue::Table(found) = value.get_ref() else {
        problems.kind("roles", "a table such as `{ office = \"site\" }`", value);
        return Vec::new();
    };
    let found = entries(found);
    if let Some((over, _)) = found.get(ROLES_MAX) {
        problems.add(crate::config::reader::too_many("roles", ROLES_MAX, over.span.clone()));
    }
    let mut roles = Vec::new();
    for (key, value) in found.into_iter().take(ROLES_MAX) {
        if SAYS.contains(&key.text) || OF_CUSTOMERS.contains(&key.text) {
            let title = format!("`{}` cannot be a role: it is a key of every customer", shown(key.text));
            let problem = Diagnostic::new(Code::E122, title).at(key.span, "taken");
            problems.add(
                problem
                    .at(place.span.clone(), "among these")
                    .help("give it another name, here and in the steps"),
            );
            continue;
        }
        if let Some(kind) = one_of(key.text, &BLANKS, value, problems) {
            roles.push(Role { key, kind });
        }
    }
    roles
}

/// E122: a blank that is in no step would have to be filled for nothing.
fn refuse_unused(whole: &Template<'_>, one: &Written<'_>, problems: &mut Problems<'_>) {
    let mut named = BTreeSet::new();
    for (_, value) in whole.says.iter().filter(|(key, _)| LISTS.contains(&key.text)) {
        words(value, &mut named);
    }
    if named.is_empty() {
        return;
    }
    for role in one.roles.iter().filter(|role| !named.contains(role.key.text)) {
        let title =
            format!("role `{}` is in no step of template `{}`", shown(role.key.text), shown(one.key.text));
        let problem = Diagnostic::new(Code::E122, title).at(role.key.span.clone(), "rung by no step");
        problems.add(problem.help("take it out, or name it in `steps`"));
    }
}

/// All texts in a list of steps.
fn words<'a>(value: &'a Value<'_>, found: &mut BTreeSet<&'a str>) {
    match value.get_ref() {
        DeValue::String(text) => _ = found.insert(text),
        DeValue::Array(list) => list.iter().for_each(|value| words(value, found)),
        DeValue::Table(table) => table.values().for_each(|value| words(value, found)),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

fn unknown<'b>(name: &str, span: Span, known: impl Iterator<Item = &'b str>) -> Diagnostic {
    let title = format!("there is no template called `{}`", shown(name));
    let problem = Diagnostic::new(Code::E101, title).at(span.clone(), "not under `[templates]`");
    match nearest(name, known) {
        Some(near) => problem.fix(format!("did you mean `{}`?", shown(near)), span, quoted(near)),
        None => problem.help(format!("write it as `[templates.{}]`", shown(name))),
    }
}

fn looped(way: &[&Written<'_>], closing: Span) -> Diagnostic {
    let names: Vec<String> = way.iter().take(WAY_SHOWN).map(|one| shown(one.key.text)).collect();
    let first = names.first().cloned().unwrap_or_default();
    let title = match way {
        [_] => format!("template `{first}` is made of itself"),
        [..] => format!("templates are made of each other: {} → {first}", names.join(" → ")),
    };
    let mut problem = Diagnostic::new(Code::E121, title).at(closing, format!("goes back to `{first}`"));
    for one in way.iter().take(WAY_SHOWN) {
        if let Some((name, span)) = one.uses.clone().filter(|(name, _)| *name != first) {
            problem = problem.at(span, format!("made of `{}`", shown(name)));
        }
    }
    problem.help("take one of these `use` out: the first of them says all by itself")
}

/// The words for blanks.
const BLANKS: [(&str, Blank); 6] = [
    ("site", Blank::Site),
    ("people", Blank::People),
    ("person", Blank::People),
    ("service", Blank::Service),
    ("mailbox", Blank::Mailbox),
    ("announcement", Blank::Announcement),
];

/// Keys that are lists of steps.
const LISTS: [&str; 4] = ["steps", "closed", "busy", "full"];

/// What a template may say, and a customer otherwise.
const SAYS: [&str; 15] = [
    "holidays",
    "drills",
    "steps",
    "closed",
    "busy",
    "full",
    "hours",
    "timezone",
    "live_within",
    "declined",
    "floor",
    "confirm",
    "calls_per_hour",
    "calls_per_day",
    "minutes_per_day",
];

/// What customers have beside that.
const OF_CUSTOMERS: [&str; 13] = [
    "expect",
    "use",
    "roles",
    "name",
    "business",
    "numbers",
    "sites",
    "people",
    "services",
    "mailboxes",
    "announcements",
    "plans",
    "main",
];

/// Templates of a circle that a problem names.
const WAY_SHOWN: usize = 6;
