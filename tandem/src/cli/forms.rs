//! What is wrong with a plan file, for programs: JSON, SARIF 2.1.0 (what editors and code hosts read), and the annotations of GitHub.

use crate::config::Source;
use crate::diagnostic::{Diagnostic, Span};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// In which form `tandem check` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people, underlined.
    Text,
    /// One JSON object, with the table of all outages.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// A line for each problem, as a workflow of GitHub prints it to annotate a change.
    Github,
}

/// The problems as JSON values: code, level, title, places and helps. Lines and columns begin at 1, columns count characters, an end
/// is the first that does not belong to it.
#[must_use]
pub fn values(problems: &[Diagnostic], source: &Source) -> Vec<Value> {
    let one = |problem: &Diagnostic| {
        let places = problem.labels.iter().map(|label| {
            let mut place = place(&label.span, source);
            set(&mut place, "text", json!(label.text));
            place
        });
        let helps = problem.helps.iter().map(|help| {
            let fix = help.fix.as_ref().map(|(span, replacement)| {
                let mut fix = place(span, source);
                set(&mut fix, "replacement", json!(replacement));
                fix
            });
            json!({ "text": help.text, "fix": fix })
        });
        json!({
            "code": problem.code.as_str(),
            "level": level(problem),
            "title": problem.title,
            "places": places.collect::<Vec<_>>(),
            "helps": helps.collect::<Vec<_>>(),
        })
    };
    problems.iter().map(one).collect()
}

/// A SARIF log of one run.
#[must_use]
pub fn sarif(problems: &[Diagnostic], source: &Source) -> String {
    let codes: BTreeSet<_> = problems.iter().map(|problem| problem.code).collect();
    let rule = |code: &crate::codes::Code| {
        json!({
            "id": code.as_str(),
            "shortDescription": { "text": code.title() },
            "fullDescription": { "text": code.page() },
        })
    };
    let location = |span: &Span, text: &str| {
        let ((line, column), (end_line, end_column)) = (source.place(span.start), source.place(span.end));
        json!({
            "physicalLocation": {
                "artifactLocation": { "uri": source.path_of(span.start) },
                "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
            },
            "message": { "text": text },
        })
    };
    let result = |problem: &Diagnostic| {
        let (first, others) =
            problem.labels.split_first().map_or((None, &[][..]), |(one, more)| (Some(one), more));
        let file = json!({ "physicalLocation": { "artifactLocation": { "uri": source.path() } } });
        let helps: Vec<&str> = problem.helps.iter().map(|help| help.text.as_str()).collect();
        let text = core::iter::once(problem.title.as_str()).chain(helps).collect::<Vec<_>>().join(". ");
        json!({
            "ruleId": problem.code.as_str(),
            "level": level(problem),
            "message": { "text": text },
            "locations": [first.map_or(file, |label| location(&label.span, &label.text))],
            "relatedLocations": others.iter().map(|label| location(&label.span, &label.text)).collect::<Vec<_>>(),
        })
    };
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tandem check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": problems.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

/// One workflow command a line.
#[must_use]
pub fn github(problems: &[Diagnostic], source: &Source) -> String {
    let one = |problem: &Diagnostic| {
        let place = match problem.labels.first() {
            Some(label) => {
                let (line, column) = source.place(label.span.start);
                let (end_line, end_column) = source.place(label.span.end);
                let file = property(source.path_of(label.span.start));
                // A column past the line's own end would be no place there.
                let end = if end_line == line { format!(",endColumn={end_column}") } else { String::new() };
                format!("file={file},line={line},endLine={end_line},col={column}{end}")
            }
            None => format!("file={}", property(source.path())),
        };
        let helps = problem.helps.iter().map(|help| format!("\nhelp: {}", help.text));
        let text = data(&(problem.title.clone() + &helps.collect::<String>()));
        format!("::{} {place},title={}::{text}\n", level(problem), problem.code)
    };
    problems.iter().map(one).collect()
}

const fn level(problem: &Diagnostic) -> &'static str {
    if problem.is_error() { "error" } else { "warning" }
}

fn place(span: &Span, source: &Source) -> Value {
    let ((line, column), (end_line, end_column)) = (source.place(span.start), source.place(span.end));
    json!({
        "file": source.path_of(span.start),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}

fn set(value: &mut Value, key: &str, to: Value) {
    if let Value::Object(map) = value {
        map.insert(key.to_owned(), to);
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
