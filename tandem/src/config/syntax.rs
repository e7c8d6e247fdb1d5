//! Problems of TOML itself, in the words of this file's users.

use crate::codes::Code;
use crate::config::reader::{Problems, entries, quoted, shown};
use crate::diagnostic::{DRAWN_MAX, Diagnostic, Span};
use toml::de::{DeTable, DeValue, Error};

/// How much of a file can be believed after its syntax errors.
pub(super) enum Trust {
    /// All of it: the errors leave no doubt about what was meant.
    Whole,
    /// Not what one part says about another: something may have been swallowed. Of single values not those on
    /// these lines, and none from this byte on.
    Parts {
        /// Lines with a syntax error.
        lines: Vec<usize>,
        /// Where a bracket is known to be open.
        end: usize,
    },
}

/// Reports the syntax errors, at most one a line.
pub(super) fn report(errors: &[Error], root: &DeTable<'_>, problems: &mut Problems<'_>) -> Trust {
    let open = errors.iter().any(|error| error.message().starts_with("unclosed"));
    let mut sorted: Vec<(Span, &Error)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    sorted.sort_by_key(|(span, _)| span.start);
    let mut last = 0;
    let mut lines = Vec::new();
    for (span, error) in sorted {
        let line = problems.source.line(span.start);
        if line == last {
            continue;
        }
        last = line;
        if error.message() == "duplicate key" {
            let problem = doubled(span, root, problems);
            problems.add(problem);
        } else if let Some(problem) = unquoted(error, &span, problems) {
            problems.add(problem);
        } else if open && is_of_brackets(error.message()) {
            // What follows an open bracket is this one mistake again and again.
            problems.add(unclosed(error.message(), &span, problems));
            lines.push(line);
            return Trust::Parts { lines, end: span.start };
        } else {
            problems.add(plain(error, &span, problems));
            lines.push(line);
        }
        if problems.found.len() >= DRAWN_MAX {
            break;
        }
    }
    if lines.is_empty() { Trust::Whole } else { Trust::Parts { lines, end: usize::MAX } }
}

fn is_of_brackets(message: &str) -> bool {
    ["missing comma", "unexpected", "unclosed", "key with no value", "extra comma"]
        .iter()
        .any(|start| message.starts_with(start))
}

fn unclosed(message: &str, span: &Span, problems: &Problems<'_>) -> Diagnostic {
    let (bracket, what) = if message.contains("array") { ("]", "list") } else { ("}", "table") };
    let at = span.start.min(problems.source.text().len());
    Diagnostic::new(Code::E001, format!("this is not TOML: a {what} before this is not closed"))
        .at(at..at, format!("expected `,` or `{bracket}`"))
        .help("what stands after this place is not checked before the bracket is closed")
}

fn doubled(span: Span, root: &DeTable<'_>, problems: &Problems<'_>) -> Diagnostic {
    let key = problems.source.slice(&span).trim_matches('"');
    let title = format!("`{}` is defined twice", shown(key));
    let problem = Diagnostic::new(Code::E102, title).at(span.clone(), "the second time");
    let problem = match first_of(key, &span, root, problems) {
        Some(first) => problem.at(first, "the first time"),
        None => problem,
    };
    problem.help("take one of the two out, or give it another name")
}

/// Where a doubled key was first: for a header the same header, for a key the nearest of that name before it.
fn first_of(key: &str, again: &Span, root: &DeTable<'_>, problems: &Problems<'_>) -> Option<Span> {
    let text = problems.source.text();
    let start = text.get(..again.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    if line.starts_with('[') && !line.contains('=') {
        let header = line.split(']').next()?;
        let at = text.get(..start)?.find(header)?;
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

fn plain(error: &Error, span: &Span, problems: &Problems<'_>) -> Diagnostic {
    let message = error.message();
    let (title, wanted) = message.split_once(", expected ").unwrap_or((message, ""));
    let label = match wanted {
        "" => String::new(),
        "nothing" => "not allowed here".into(),
        wanted => format!("expected {wanted}"),
    };
    let end = span.end.max(span.start).min(problems.source.text().len());
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
        problem
    }
}
