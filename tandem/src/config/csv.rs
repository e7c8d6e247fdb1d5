//! Customers as rows of a file that a spreadsheet wrote (RFC 4180): the first row has the keys, each other one a customer. A
//! row becomes the table that somebody would have written as `[customers.acme]`, each value with the place of its cell.

use crate::codes::Code;
use crate::config::names::nearest;
use crate::config::reader::{Problems, shown};
use crate::config::settings::{COLUMNS_MAX, CUSTOMERS_MAX};
use crate::diagnostic::{Diagnostic, Span};
use csv_core::{ReadFieldResult, Reader};
use std::borrow::Cow;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// As it stands.
    Text,
    /// As a list: its parts stand between spaces or semicolons.
    List,
    /// As a list whose parts have spaces in them: they stand between semicolons.
    Hours,
    /// As a number, or as `true` or `false`.
    Plain,
}

/// A cell with its place, without its quotes.
struct Cell<'a> {
    text: Cow<'a, str>,
    span: Span,
}

/// The customers of one file. `roles` are the keys that templates of the plan add; `start` is where the file begins.
pub(super) fn customers<'a>(
    text: &'a str,
    start: usize,
    roles: &BTreeMap<String, Column>,
    problems: &mut Problems<'_>,
) -> DeTable<'a> {
    let mut rows = rows(text, start, problems).into_iter();
    let mut customers = DeTable::new();
    let Some(header) = rows.next() else { return customers };
    let Some(columns) = columns(&header, roles, problems) else { return customers };
    for row in rows.take(CUSTOMERS_MAX + 1) {
        let ends = row.last().map_or(start, |cell| cell.span.end);
        if row.len() != header.len() {
            problems.add(uneven(&row, header.len(), ends));
            continue;
        }
        let whole = row.first().map_or(start, |cell| cell.span.start)..ends;
        let mut name = None;
        let mut customer = DeTable::new();
        for (cell, column) in row.into_iter().zip(&columns) {
            let span = cell.span.clone();
            match column {
                None => {}
                Some((NAME, _)) => name = Some(cell),
                // What is empty is not written.
                Some(_) if cell.text.is_empty() => {}
                Some((key, column)) => {
                    let key = Spanned::new(span, DeString::from((*key).to_owned()));
                    customer.insert(key, column.value(cell));
                }
            }
        }
        let Some(name) = name else { continue };
        if name.text.is_empty() {
            let problem =
                Diagnostic::new(Code::E012, "a customer has no name").at(name.span, "an empty cell");
            problems.add(problem.help(
                "write a short word, such as `nguyen-dental`: its names are `nguyen-dental/…` everywhere",
            ));
            continue;
        }
        if let Some((first, _)) = customers.get_key_value(&*name.text) {
            let title = format!("customer `{}` has two rows", shown(&name.text));
            let problem = Diagnostic::new(Code::E102, title).at(name.span, "the second one");
            problems.add(problem.at(first.span(), "the first one").help("take one of the two out"));
            continue;
        }
        customers.insert(Spanned::new(name.span, name.text), Spanned::new(whole, DeValue::Table(customer)));
    }
    customers
}

/// What each column is, `None` for one that has been refused.
type Columns<'h> = Vec<Option<(&'h str, Column)>>;

fn columns<'h>(
    header: &'h [Cell<'_>],
    roles: &BTreeMap<String, Column>,
    problems: &mut Problems<'_>,
) -> Option<Columns<'h>> {
    let refuse = |title: String, span: &Span, help: &str| {
        Diagnostic::new(Code::E005, title).at(span.clone(), "in the first row").help(help)
    };
    let all =
        header.first().map_or(0..0, |first| first.span.start..header.last().map_or(0, |cell| cell.span.end));
    if let [only] = header
        && only.text.contains([';', '\t'])
    {
        let title = "the cells of this file are not separated by commas".to_owned();
        problems.add(refuse(title, &all, "save it as CSV with commas, as RFC 4180 has it"));
        return None;
    }
    if header.len() > COLUMNS_MAX {
        let title = format!("the first row has more than {COLUMNS_MAX} cells");
        problems.add(refuse(title, &all, "each is a key of customers: `name,use,numbers,timezone`"));
        return None;
    }
    if !header.iter().any(|cell| cell.text == NAME) {
        let title = "the file has no column `name`".to_owned();
        problems.add(refuse(
            title,
            &all,
            "the first row has the keys of customers: `name,use,numbers,timezone`",
        ));
        return None;
    }
    let mut columns: Columns<'_> = Vec::new();
    for cell in header {
        let key = &*cell.text;
        let column = KEYS.iter().find(|(known, _)| *known == key).map(|(_, column)| *column);
        let column = column.or_else(|| roles.get(key).copied());
        if columns.iter().flatten().any(|(known, _)| *known == key) {
            let title = format!("the file has two columns `{}`", shown(key));
            problems.add(refuse(title, &cell.span, "take one of the two out"));
            columns.push(None);
        } else if let Some(column) = column {
            columns.push(Some((key, column)));
        } else {
            let title = format!("customers have no key `{}`", shown(key));
            let problem = Diagnostic::new(Code::E010, title).at(cell.span.clone(), "unknown key");
            let known = KEYS.iter().map(|(known, _)| *known).chain(roles.keys().map(String::as_str));
            problems.add(match nearest(key, known.clone()) {
                Some(near) => problem.fix(format!("did you mean `{near}`?"), cell.span.clone(), near),
                None => problem.help(format!("it may be one of {}", known.collect::<Vec<_>>().join(", "))),
            });
            columns.push(None);
        }
    }
    Some(columns)
}

fn uneven(row: &[Cell<'_>], wanted: usize, ends: usize) -> Diagnostic {
    let title = format!("this row has {} cells, and the first one {wanted}", row.len());
    let problem = Diagnostic::new(Code::E005, title);
    let problem = match row.get(wanted) {
        Some(over) => problem.at(over.span.clone(), "one too many"),
        None => problem.at(ends..ends, "ends here"),
    };
    problem.help("a list in a cell is written with spaces or semicolons: `+15035550111;+15035550112`; a cell with a comma in it stands in quotes")
}

/// All rows that have cells.
fn rows<'a>(text: &'a str, start: usize, problems: &mut Problems<'_>) -> Vec<Vec<Cell<'a>>> {
    let mut reader = Reader::new();
    let mut unquoted = vec![0; text.len()];
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let (mut at, mut began, mut wrote) = (0, 0, 0);
    loop {
        let input = text.as_bytes().get(at..).unwrap_or_default();
        let output = unquoted.get_mut(wrote..).unwrap_or_default();
        let (result, read, written) = reader.read_field(input, output);
        (at, wrote) = (at + read, wrote + written);
        match result {
            // What is read next is the end.
            ReadFieldResult::InputEmpty => {}
            ReadFieldResult::Field { record_end } => {
                let written = unquoted.get(..wrote).and_then(|bytes| core::str::from_utf8(bytes).ok());
                row.push(cell(text, began..at, start, written.unwrap_or_default(), problems));
                (began, wrote) = (at, 0);
                if record_end {
                    rows.push(core::mem::take(&mut row));
                }
            }
            // There is room for all of it.
            ReadFieldResult::OutputFull | ReadFieldResult::End => return rows,
        }
    }
}

/// A cell: `whole` is what was read of it, with what separates it from the next; `unquoted` is what it says.
fn cell<'a>(
    text: &'a str,
    whole: Span,
    start: usize,
    unquoted: &str,
    problems: &mut Problems<'_>,
) -> Cell<'a> {
    let raw = text.get(whole.clone()).unwrap_or_default();
    // Line ends before it are of the row before.
    let led = raw.trim_start_matches(['\r', '\n', ' ', '\t']);
    let from = whole.start + (raw.len() - led.len());
    let body = led.strip_suffix([',', '\r', '\n']).unwrap_or(led).trim_end();
    let span = start + from..start + from + body.len();
    let is_quoted = body.starts_with('"');
    let inner = body.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|_| body.len() > 1);
    let odd = !body.matches('"').count().is_multiple_of(2);
    if (is_quoted && (inner.is_none() || odd)) || (!is_quoted && body.contains('"')) {
        let title =
            if is_quoted { "a quote is not closed" } else { "a quote stands in the middle of a cell" };
        let first = span.start..span.start + body.lines().next().unwrap_or_default().len();
        let problem = Diagnostic::new(Code::E005, title).at(first, "this cell");
        problems.add(
            problem.help(
                "a cell with a quote in it stands in quotes, and has that quote twice: `\"5\"\" pipe\"`",
            ),
        );
    }
    match inner {
        Some(inner) if !inner.contains('"') => {
            let led = inner.trim_start();
            let from = span.start + 1 + (inner.len() - led.len());
            let text = led.trim_end();
            Cell { text: Cow::Borrowed(text), span: from..from + text.len() }
        }
        Some(_) => Cell { text: Cow::Owned(unquoted.trim().to_owned()), span },
        None => Cell { text: Cow::Borrowed(body), span },
    }
}

impl Column {
    /// What a cell of this column says.
    fn value(self, cell: Cell<'_>) -> Spanned<DeValue<'_>> {
        let parts = match self {
            Self::Text => return text_of(cell),
            Self::Plain => {
                let Cow::Borrowed(text) = cell.text else { return text_of(cell) };
                return match DeValue::parse(text).map(Spanned::into_inner) {
                    Ok(plain @ (DeValue::Integer(_) | DeValue::Boolean(_))) => Spanned::new(cell.span, plain),
                    Ok(_) | Err(_) => text_of(cell),
                };
            }
            Self::List => parts(&cell.text, |letter| letter == ';' || letter.is_whitespace()),
            Self::Hours => parts(&cell.text, |letter| letter == ';'),
        };
        let is_as_written = cell.text.len() == cell.span.len();
        let part = |part: &Span| {
            let text = cell.text.get(part.clone()).unwrap_or_default().to_owned();
            let (start, whole) = (cell.span.start, cell.span.clone());
            let span = if is_as_written { start + part.start..start + part.end } else { whole };
            Spanned::new(span, DeValue::String(Cow::Owned(text)))
        };
        match parts.as_slice() {
            [_, _, ..] => {
                let list: DeArray<'_> = parts.iter().map(part).collect();
                Spanned::new(cell.span.clone(), DeValue::Array(list))
            }
            [] | [_] => text_of(cell),
        }
    }
}

fn text_of(cell: Cell<'_>) -> Spanned<DeValue<'_>> {
    Spanned::new(cell.span, DeValue::String(cell.text))
}

/// The parts of a list. What has an equals sign in it belongs to the address before: `pbx.example;transport=tls`.
fn parts(text: &str, separates: impl Fn(char) -> bool) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let mut at = 0;
    for piece in text.split(separates) {
        let led = piece.trim_start();
        let from = at + (piece.len() - led.len());
        let to = from + led.trim_end().len();
        at += piece.len() + 1;
        match found.last_mut() {
            Some(last) if piece.contains('=') && from > 0 => last.end = to,
            Some(_) | None if to > from => found.push(from..to),
            Some(_) | None => {}
        }
    }
    found
}

/// The column that names the customer.
const NAME: &str = "name";

/// Keys of customers that fit into a cell.
const KEYS: [(&str, Column); 17] = [
    (NAME, Column::Text),
    ("use", Column::Text),
    ("business", Column::Text),
    ("timezone", Column::Text),
    ("numbers", Column::List),
    ("hours", Column::Hours),
    ("steps", Column::List),
    ("closed", Column::List),
    ("busy", Column::List),
    ("full", Column::List),
    ("live_within", Column::Text),
    ("declined", Column::Text),
    ("floor", Column::Plain),
    ("confirm", Column::Plain),
    ("calls_per_hour", Column::Plain),
    ("calls_per_day", Column::Plain),
    ("minutes_per_day", Column::Plain),
];
