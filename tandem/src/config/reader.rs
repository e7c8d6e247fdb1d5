//! Typed reading of the parsed file: every reader takes a value and the list of problems, says what is wrong, and
//! goes on, so that one run finds all problems.

use crate::codes::Code;
use crate::config::names::nearest;
use crate::config::source::Source;
use crate::diagnostic::{Diagnostic, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of the file, with its place.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A key of the file, with its place.
#[derive(Clone, Debug)]
pub(super) struct Key<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

/// All that is wrong so far.
pub(super) struct Problems<'a> {
    pub(super) source: &'a Source,
    pub(super) found: Vec<Diagnostic>,
    /// Places that nothing may print.
    pub(super) secrets: Vec<Span>,
}

/// A table that is being read: keys are taken out one by one, what is left is unknown.
pub(super) struct Table<'a> {
    /// What people call it: `[carriers.telnyx]`.
    pub(super) place: String,
    /// Its key.
    pub(super) span: Span,
    left: Vec<(Key<'a>, &'a Value<'a>)>,
    asked: Vec<&'a str>,
}

impl Problems<'_> {
    pub(super) fn add(&mut self, problem: Diagnostic) {
        self.found.push(problem);
    }

    /// A value of the wrong kind. `wanted` reads after "must be".
    pub(super) fn kind(&mut self, what: &str, wanted: &str, value: &Value<'_>) {
        let found = kind(value.get_ref());
        let title = format!("{} must be {wanted}, not {found}", ticked(what));
        self.add(Diagnostic::new(Code::E011, title).at(value.span(), format!("this is {found}")));
    }
}

impl<'a> Table<'a> {
    /// The whole file, or a table inside of it.
    pub(super) fn new(place: impl Into<String>, span: Span, table: &'a DeTable<'a>) -> Self {
        Self { place: place.into(), span, left: entries(table), asked: Vec::new() }
    }

    /// Adds entries whose keys are not there.
    pub(super) fn add_missing(&mut self, entries: &[(Key<'a>, &'a Value<'a>)]) {
        for (key, value) in entries {
            if !self.left.iter().any(|(known, _)| known.text == key.text) {
                self.left.push((key.clone(), value));
            }
        }
    }

    /// Where the first of these keys stands that is there.
    pub(super) fn place_of(&self, keys: &[&str]) -> Option<Span> {
        let found = self.left.iter().find(|(found, _)| keys.contains(&found.text));
        found.map(|(key, _)| key.span.clone())
    }

    /// The value of a key, which is then known.
    pub(super) fn take(&mut self, key: &'a str) -> Option<&'a Value<'a>> {
        self.take_entry(key).map(|(_, value)| value)
    }

    /// Key and value of a key, which is then known.
    pub(super) fn take_entry(&mut self, key: &'a str) -> Option<(Key<'a>, &'a Value<'a>)> {
        self.asked.push(key);
        let at = self.left.iter().position(|(found, _)| found.text == key)?;
        Some(self.left.remove(at))
    }

    /// The value of a key that stays there.
    pub(super) fn peek(&self, key: &str) -> Option<&'a Value<'a>> {
        self.left.iter().find(|(found, _)| found.text == key).map(|(_, value)| *value)
    }

    /// Takes out all keys that `wanted` names.
    pub(super) fn take_all(&mut self, wanted: impl Fn(&str) -> bool) -> Vec<(Key<'a>, &'a Value<'a>)> {
        let (taken, left) = self.left.drain(..).partition(|(key, _)| wanted(key.text));
        self.left = left;
        taken
    }

    /// Says what is left: keys nobody knows.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for (key, _) in &self.left {
            let title = format!("{} has no key `{}`", self.place, shown(key.text));
            let problem = Diagnostic::new(Code::E010, title).at(key.span.clone(), "unknown key");
            problems.add(match nearest(key.text, self.asked.iter().copied()) {
                Some(near) => problem.fix(format!("did you mean `{near}`?"), key.span.clone(), near),
                None => {
                    let mut known = self.asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    problem.help(format!("it may have: {}", known.join(", ")))
                }
            });
        }
    }
}

/// The entries of a table in the order of the file.
pub(super) fn entries<'a>(table: &'a DeTable<'a>) -> Vec<(Key<'a>, &'a Value<'a>)> {
    let key = |key: &'a Spanned<_>| Key { text: AsRef::<str>::as_ref(key.get_ref()), span: key.span() };
    let mut entries: Vec<_> = table
        .iter()
        .map(|(found, value): (&'a Spanned<toml::de::DeString<'a>>, _)| (key(found), value))
        .collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    entries
}

/// The entries of a section such as `[sites]`; none if it is missing or no table.
pub(super) fn section<'a>(
    top: &mut Table<'a>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Vec<(Key<'a>, &'a Value<'a>)> {
    match top.take(key) {
        None => Vec::new(),
        Some(value) => match value.get_ref() {
            DeValue::Table(table) => entries(table),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                problems.kind(key, &format!("a table of names: `[{key}]`"), value);
                Vec::new()
            }
        },
    }
}

/// A string.
pub(super) fn text<'a>(
    what: &str,
    wanted: &str,
    value: &'a Value<'a>,
    problems: &mut Problems<'_>,
) -> Option<&'a str> {
    if let DeValue::String(text) = value.get_ref() {
        Some(text)
    } else {
        problems.kind(what, wanted, value);
        None
    }
}

/// A string or a list of strings, with their places. An empty list is a problem.
pub(super) fn texts<'a>(
    what: &str,
    wanted: &str,
    most: usize,
    value: &'a Value<'a>,
    problems: &mut Problems<'_>,
) -> Vec<(&'a str, Span)> {
    let found = match value.get_ref() {
        DeValue::String(text) => vec![(text.as_ref(), value.span())],
        DeValue::Array(list) => {
            let one = |value: &'a Value<'a>| Some((text(what, wanted, value, problems)?, value.span()));
            let found: Vec<_> = list.iter().take(most + 1).filter_map(one).collect();
            if list.is_empty() {
                problems.add(empty(what, value.span()));
            }
            found
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => {
            problems.kind(what, &format!("{wanted}, or a list of these"), value);
            Vec::new()
        }
    };
    if let Some((_, span)) = found.get(most) {
        problems.add(too_many(what, most, span.clone()));
    }
    found
}

/// One word of several.
pub(super) fn one_of<T: Copy>(
    key: &str,
    words: &[(&str, T)],
    value: &Value<'_>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let wanted = format!("one of {}", known.join(", "));
    let written = text(key, &wanted, value, problems)?;
    let found = words.iter().find(|(word, _)| *word == written).map(|(_, found)| *found);
    if found.is_none() {
        let title = format!("`{key}` cannot be `{}`", shown(written));
        problems
            .add(Diagnostic::new(Code::E011, title).at(value.span(), "").help(format!("it may be {wanted}")));
    }
    found
}

/// True or false.
pub(super) fn flag(what: &str, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<bool> {
    if let DeValue::Boolean(flag) = value.get_ref() {
        Some(*flag)
    } else {
        problems.kind(what, "`true` or `false`", value);
        None
    }
}

/// A table.
pub(super) fn table<'a>(
    place: impl Into<String>,
    span: Span,
    wanted: &str,
    value: &'a Value<'a>,
    problems: &mut Problems<'_>,
) -> Option<Table<'a>> {
    let place = place.into();
    if let DeValue::Table(table) = value.get_ref() {
        Some(Table::new(place, span, table))
    } else {
        problems.kind(place.trim_matches(['[', ']', '`']), wanted, value);
        None
    }
}

/// An empty list where somebody must be named.
pub(super) fn empty(what: &str, span: Span) -> Diagnostic {
    let problem = Diagnostic::new(Code::E021, format!("{} is empty", ticked(what)));
    problem.at(span, "nothing in here").help("write what belongs in it, or take it out")
}

/// A list over its bound.
pub(super) fn too_many(what: &str, most: usize, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E013, format!("{} has more than {most} entries", ticked(what)))
        .at(span, format!("one over {most}"))
}

/// What a value is, for people.
pub(super) const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a bare number",
        DeValue::Float(_) => "a bare decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a bare date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A text of the file inside a message: cut, without control characters.
pub(super) fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(SHOWN_MAX).map(clean).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        short.push('…');
    }
    short
}

/// A key in ticks; words as they are.
fn ticked(what: &str) -> String {
    if what.contains(' ') { what.into() } else { format!("`{what}`") }
}

/// A text as a TOML string on one line, whatever is in it.
pub(crate) fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            // None of these has more than four digits.
            c if c.is_control() => written.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

/// Characters of a text that a message repeats; the drawing shows the rest.
const SHOWN_MAX: usize = 60;
