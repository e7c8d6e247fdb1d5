//! Problems of TOML itself, in the words of this file's users.

use crate::codes::Code;
use crate::config::json;
use crate::config::reader::{Problems, entries, quoted, shown};
use crate::diagnostic::{DRAWN_MAX, Diagnostic, Span};
use toml::de::{DeTable, DeValue, Error};

/// What cannot be believed of a plan after its syntax errors: not what one part of it says about another, since something
/// may have been swallowed. Of single values not those on rows with an error, and none behind a bracket that is open.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Rows with a syntax error.
    rows: Vec<usize>,
    /// What a file has behind a bracket that is known to be open.
    unread: Vec<Span>,
}

impl Doubts {
    /// Is all of it to be believed? The errors leave no doubt about what was meant.
    pub(super) fn is_none(&self) -> bool {
        self.rows.is_empty()
    }

    /// Is a value at this byte one of those?
    pub(super) fn hold(&self, at: usize, row: usize) -> bool {
        self.rows.contains(&row) || self.unread.iter().any(|span| span.contains(&at))
    }
}

/// Reports the syntax errors of one file, at most one a line. Their places count from the beginning of that file.
pub(super) fn report(
    errors: &[Error],
    file: &Span,
    root: &DeTable<'_>,
    doubts: &mut Doubts,
    problems: &mut Problems<'_>,
) {
    let before = problems.found.len();
    let open = errors.iter().any(|error| error.message().starts_with("unclosed"));
    let place = |error: &Error| {
        let span = error.span().unwrap_or(0..0);
        file.start + span.start..file.start + span.end
    };
    let mut sorted: Vec<(Span, &Error)> = errors.iter().map(|error| (place(error), error)).collect();
    sorted.sort_by_key(|(span, _)| span.start);
    let mut last = 0;
    for (span, error) in sorted {
        let row = problems.source.row(span.start);
        if row == last {
            continue;
        }
        last = row;
        if error.message() == "duplicate key" {
            let problem = doubled(span, file, root, problems);
            problems.add(problem);
        } else if let Some(problem) = unquoted(error, &span, problems) {
            problems.add(problem);
        } else if open && is_of_brackets(error.message()) {
            // What follows an open bracket is this one mistake again and again.
            problems.add(unclosed(error.message(), &span, file));
            doubts.rows.push(row);
            doubts.unread.push(span.start..file.end + 1);
            return;
        } else {
            problems.add(plain(error, &span, file));
            doubts.rows.push(row);
        }
        if problems.found.len() - before >= DRAWN_MAX {
            break;
        }
    }
}

/// Reports what is wrong with a file as JSON. Behind a fault nothing was read.
pub(super) fn report_json(
    read: &json::Read<'_>,
    file: &Span,
    doubts: &mut Doubts,
    problems: &mut Problems<'_>,
) {
    let place = |span: &Span| file.start + span.start..file.start + span.end;
    for (again, first) in read.doubled.iter().take(DRAWN_MAX) {
        let (again, first) = (place(again), place(first));
        let problem = json::twice(problems.source.slice(&again), again, first);
        problems.add(problem);
    }
    if let Some(fault) = &read.fault {
        problems.add(fault.problem(file));
        doubts.rows.push(problems.source.row(place(&fault.span).start));
        doubts.unread.push(place(&fault.span).start..file.end + 1);
    }
}

fn is_of_brackets(message: &str) -> bool {
    ["missing comma", "unexpected", "unclosed", "key with no value", "extra comma"]
        .iter()
        .any(|start| message.starts_with(start))
}

fn unclosed(message: &str, span: &Span, file: &Span) -> Diagnostic {
    let (bracket, what) = if message.contains("array") { ("]", "list") } else { ("}", "table") };
    let at = span.start.min(file.end);
    Diagnostic::new(Code::E001, format!("this is not TOML: a {what} before this is not closed"))
        .at(at..at, format!("expected `,` or `{bracket}`"))
        .help("what stands after this place is not checked before the bracket is closed")
}

fn doubled(span: Span, file: &Span, root: &DeTable<'_>, problems: &Problems<'_>) -> Diagnostic {
    let key = problems.source.slice(&span).trim_matches('"');
    let title = format!("`{}` is defined twice", shown(key));
    let problem = Diagnostic::new(Code::E102, title).at(span.clone(), "the second time");
    let problem = match first_of(key, &span, file, root, problems) {
        Some(first) => problem.at(first, "the first time"),
        None => problem,
    };
    problem.help("take one of the two out, or give it another name")
}

/// Where a doubled key was first: for a header the same header, for a key the nearest of that name before it.
fn first_of(
    key: &str,
    again: &Span,
    file: &Span,
    root: &DeTable<'_>,
    problems: &Problems<'_>,
) -> Option<Span> {
    let text = problems.source.text();
    let start = text.get(..again.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    if line.starts_with('[') && !line.contains('=') {
        let header = line.split(']').next()?;
        let at = file.start + text.get(file.start..start)?.find(header)?;
        return Some(at..at + header.len() + 1);
    }
    let mut nearest = None;
    find(key, again.start, root, &mut nearest);
    nearest
}

fn find(key: &str, before: usize, table: &DeTable<'_>, nearest: &mut Option<Span>) {
    for (found, value) in entries(table) {
        let later = nearest.as_ref().is_none_or(|span| span.start < found.span.start);
        if found.text == key && found.span.start < before && later {
            *nearest = Some(found.span);
        }
        if let DeValue::Table(inner) = value.get_ref() {
            find(key, before, inner, nearest);
        }
    }
}

/// Text without its quotes: what was meant is plain.
fn unquoted(error: &Error, span: &Span, problems: &Problems<'_>) -> Option<Diagnostic> {
    let text = problems.source.text();
    if error.message().starts_with("string values must be quoted") {
        let written = problems.source.slice(span);
        let plain = !written.is_empty() && !written.contains(['"', '\'', '\n', ',', '[', ']', '{', '}']);
        // In a list that lost its bracket whole lines look like words.
        let alone = text.get(span.end..)?.lines().next()?.trim_start();
        if !plain || alone.starts_with('=') {
            return None;
        }
        let problem = Diagnostic::new(Code::E001, "text needs quotes").at(span.clone(), "not quoted");
        return Some(problem.fix("write", span.clone(), quoted(written)));
    }
    if error.message().starts_with("invalid unquoted key") {
        let line = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let before = text.get(line..span.start)?.trim();
        let rest = text.get(span.start..)?.lines().next()?;
        let key = rest.split(['=', '#']).next()?.trim_end();
        if !before.is_empty() || !rest.contains('=') || key.contains(['"', '\'', ' ']) {
            return None;
        }
        let whole = span.start..span.start + key.len();
        let problem = Diagnostic::new(Code::E001, "this key needs quotes").at(whole.clone(), "not quoted");
        return Some(problem.fix("write", whole, quoted(key)));
    }
    None
}

fn plain(error: &Error, span: &Span, file: &Span) -> Diagnostic {
    let message = error.message();
    let (title, wanted) = message.split_once(", expected ").unwrap_or((message, ""));
    let label = match wanted {
        "" => String::new(),
        "nothing" => "not allowed here".into(),
        wanted => format!("expected {wanted}"),
    };
    let end = span.end.max(span.start).min(file.end);
    let problem =
        Diagnostic::new(Code::E001, format!("this is not TOML: {title}")).at(span.start.min(end)..end, label);
    let title_is = |start: &str| title.starts_with(start);
    if title_is("unexpected leading zero") {
        problem.help("a number does not begin with 0; times and phone numbers stand in quotes: \"08:00\"")
    } else if title_is("invalid basic string") || title_is("invalid literal string") {
        problem.help("the quote at the end is missing")
    } else if title_is("missing comma") {
        problem.help("a comma is missing, or a bracket before it was not closed")
    } else if title_is("key with no value") {
        problem.help("a line is `name = \"value\"`, a `[section]`, or a `# comment`")
    } else {
        problem.help("text stands between quotes: `name = \"value\"`; `tandem help E001` has the usual slips")
    }
}
