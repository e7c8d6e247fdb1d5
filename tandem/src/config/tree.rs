//! The files of a plan as one tree: each is parsed by itself, its places are counted through all files, and what an
//! included file defines is put beside what the others do.

use crate::codes::Code;
use crate::config::csv::{self, Column};
use crate::config::json;
use crate::config::later;
use crate::config::reader::{Problems, shown};
use crate::config::source::Source;
use crate::config::syntax::{self, Doubts};
use crate::diagnostic::{Diagnostic, Span};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Parses all files.
pub(super) fn read<'a>(source: &'a Source, doubts: &mut Doubts, problems: &mut Problems<'_>) -> DeTable<'a> {
    let mut root = None;
    let (rows, files): (Vec<_>, Vec<_>) = source.parts().iter().partition(|part| part.is_csv());
    for part in files {
        let text = source.slice(&part.span);
        let table = if part.is_json() {
            let read = json::read(text);
            syntax::report_json(&read, &part.span, doubts, problems);
            moved(read.table, part.span.start)
        } else {
            let (table, errors) = DeTable::parse_recoverable(text);
            let table = moved(table.into_inner(), part.span.start);
            syntax::report(&errors, &part.span, &table, doubts, problems);
            table
        };
        later::find_secrets(&table, &mut problems.secrets);
        match &mut root {
            None => root = Some(table),
            Some(root) => merge(root, table, problems),
        }
    }
    let mut root = root.unwrap_or_default();
    // The keys of rows are known once all templates are.
    let roles = if rows.is_empty() { BTreeMap::new() } else { roles(&root) };
    for part in rows {
        let customers = csv::customers(source.slice(&part.span), part.span.start, &roles, problems);
        let place = part.span.start..part.span.start;
        let mut table = DeTable::new();
        let key = Spanned::new(place.clone(), DeString::from("customers"));
        table.insert(key, Spanned::new(place, DeValue::Table(customers)));
        merge(&mut root, table, problems);
    }
    root
}

/// The plan file by itself, as far as it can be read.
pub(super) fn plan_file(source: &Source) -> DeTable<'_> {
    let Some(part) = source.parts().first() else { return DeTable::new() };
    let text = source.slice(&part.span);
    if part.is_json() {
        return json::read(text).table;
    }
    DeTable::parse_recoverable(text).0.into_inner()
}

/// The roles of all templates, and how their cells are read.
fn roles(root: &DeTable<'_>) -> BTreeMap<String, Column> {
    let mut found = BTreeMap::new();
    let templates = root.get("templates").and_then(|value| value.get_ref().as_table());
    for template in templates.into_iter().flat_map(|templates| templates.values()) {
        let roles = template.get_ref().get("roles").and_then(|value| value.get_ref().as_table());
        for (key, kind) in roles.into_iter().flatten() {
            let column = match kind.get_ref().as_str() {
                Some("mailbox" | "announcement") => Column::Text,
                Some(_) | None => Column::List,
            };
            found.insert(AsRef::<str>::as_ref(key.get_ref()).to_owned(), column);
        }
    }
    found
}

/// The same tree with its places so many bytes further on.
fn moved<'a>(table: DeTable<'a>, by: usize) -> DeTable<'a> {
    if by == 0 {
        return table;
    }
    // Made at once, so that its nodes are full: a list of numbers has a million entries.
    let further = |(key, value): (Spanned<DeString<'a>>, Spanned<DeValue<'a>>)| {
        let span = further(&key.span(), by);
        (Spanned::new(span, key.into_inner()), moved_value(value, by))
    };
    table.into_iter().map(further).collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = further(&value.span(), by);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved(table, by)),
        DeValue::Array(list) => {
            DeValue::Array(list.into_iter().map(|value| moved_value(value, by)).collect())
        }
        plain @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => plain,
    };
    Spanned::new(span, value)
}

fn further(span: &Span, by: usize) -> Span {
    span.start + by..span.end + by
}

/// Puts what an included file has beside what is there.
fn merge<'a>(root: &mut DeTable<'a>, included: DeTable<'a>, problems: &mut Problems<'_>) {
    for (key, value) in included {
        let name = AsRef::<str>::as_ref(key.get_ref());
        if name == "include" {
            let problem = Diagnostic::new(Code::E003, "an included file includes nothing");
            let problem = problem.at(key.span(), "not here");
            problems.add(
                problem.help("write it into `include` of the plan file: all files of a plan stand there"),
            );
            continue;
        }
        if OF_THE_PLAN_FILE.contains(&name) {
            let title = format!("`{name}` stands in the plan file, not in one that it includes");
            let problem = Diagnostic::new(Code::E004, title).at(key.span(), "not here");
            problems.add(
                problem.help(format!("it is about the whole node: write it into {}", problems.source.path())),
            );
            continue;
        }
        match (root.get_mut(name).map(Spanned::get_mut), value.get_ref()) {
            (None, _) => _ = root.insert(key, value),
            (Some(DeValue::Table(there)), DeValue::Table(_)) => {
                let DeValue::Table(more) = value.into_inner() else { continue };
                for (key, value) in more {
                    match there.get_key_value(AsRef::<str>::as_ref(key.get_ref())) {
                        Some((first, _)) => problems.add(twice(name == "numbers", &key, first.span())),
                        None => _ = there.insert(key, value),
                    }
                }
            }
            (Some(DeValue::Array(there)), DeValue::Array(_)) => {
                let DeValue::Array(more) = value.into_inner() else { continue };
                more.into_iter().for_each(|value| there.push(value));
            }
            (Some(_), _) => {
                let problem =
                    Diagnostic::new(Code::E102, format!("`{}` is defined in two files", shown(name)));
                problems.add(problem.at(key.span(), "the second time").help("take one of the two out"));
            }
        }
    }
}

fn twice(is_number: bool, key: &Spanned<DeString<'_>>, first: Span) -> Diagnostic {
    let name = shown(AsRef::<str>::as_ref(key.get_ref()));
    let problem = if is_number {
        Diagnostic::new(Code::E103, format!("number {name} has two plans"))
    } else {
        Diagnostic::new(Code::E102, format!("`{name}` is defined twice"))
    };
    let problem = problem.at(key.span(), "the second time").at(first, "the first time");
    problem.help("take one of the two out, or give it another name")
}

/// What is about the node as a whole, and is looked for in one place.
const OF_THE_PLAN_FILE: [&str; 12] = [
    "business",
    "operator",
    "timezone",
    "strict_6xx",
    "deny",
    "emergency",
    "node",
    "defaults",
    "mail",
    "cluster",
    "console",
    "holidays",
];
