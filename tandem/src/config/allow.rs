//! `# tandem: allow(L007) until 2027-01-01, reason`: a warning that somebody has read and taken on himself.

use crate::codes::Code;
use crate::config::reader::shown;
use crate::config::source::Source;
use crate::diagnostic::{Diagnostic, Span};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Which warnings are silent on which rows.
#[derive(Debug, Default)]
pub(super) struct Allows {
    by_row: BTreeMap<usize, Vec<Code>>,
}

impl Allows {
    /// Reads the comments of a plan: each holds for its own line, or for the next one of its file if it stands alone.
    pub(super) fn read(source: &Source, today: Date, found: &mut Vec<Diagnostic>) -> Self {
        let mut allows = Self::default();
        let mut waiting = Vec::new();
        let mut offset = 0;
        for (n, line) in source.text().split_inclusive('\n').enumerate() {
            let alone = line.trim_start().starts_with('#');
            if source.part(offset).is_some_and(|part| part.span.start == offset) {
                waiting.clear();
            }
            if let Some(at) = line.find(MARK) {
                let span = offset + at..offset + line.trim_end().len();
                let comment = line.get(at + MARK.len()..).unwrap_or("");
                match read(comment.trim(), today) {
                    Ok(codes) if alone => waiting.extend(codes),
                    Ok(codes) => allows.by_row.entry(n + 1).or_default().extend(codes),
                    Err(bad) => found.push(bad.problem(span)),
                }
            }
            if !alone && !line.trim().is_empty() && !waiting.is_empty() {
                allows.by_row.entry(n + 1).or_default().append(&mut waiting);
            }
            offset += line.len();
        }
        allows
    }

    /// Whether a warning on a row is silent.
    pub(super) fn silence(&self, code: Code, row: usize) -> bool {
        self.by_row.get(&row).is_some_and(|codes| codes.contains(&code))
    }
}

/// Why a comment allows nothing.
enum Bad {
    Form,
    Code(String),
    Error(Code),
    Reason,
    Expired(Date),
}

fn read(comment: &str, today: Date) -> Result<Vec<Code>, Bad> {
    let (list, rest) =
        comment.strip_prefix("allow(").and_then(|rest| rest.split_once(')')).ok_or(Bad::Form)?;
    let mut codes = Vec::new();
    for word in list.split(',').map(str::trim) {
        let code = Code::find(word).ok_or_else(|| Bad::Code(shown(word)))?;
        if code.is_error() {
            return Err(Bad::Error(code));
        }
        codes.push(code);
    }
    let (until, reason) = rest.split_once(',').unwrap_or((rest, ""));
    let until = match until.trim() {
        "" => None,
        until => {
            let date = until.strip_prefix("until").ok_or(Bad::Form)?;
            Some(date.trim().parse::<Date>().map_err(|_| Bad::Form)?)
        }
    };
    if reason.trim().is_empty() {
        return Err(Bad::Reason);
    }
    match until.filter(|until| *until <= today) {
        Some(until) => Err(Bad::Expired(until)),
        None => Ok(codes),
    }
}

impl Bad {
    fn problem(self, span: Span) -> Diagnostic {
        let form =
            "write `# tandem: allow(L007) until 2027-01-01, reason`; without `until` it holds for ever";
        match self {
            Self::Form => Diagnostic::new(Code::L090, "this comment allows nothing")
                .at(span, "not understood")
                .help(form),
            Self::Code(word) => {
                Diagnostic::new(Code::L090, format!("there is no code `{word}`")).at(span, "").help(form)
            }
            Self::Error(code) => {
                Diagnostic::new(Code::L090, format!("{code} is an error and cannot be allowed"))
                    .at(span, "")
                    .help("warnings can, they begin with `L`")
            }
            Self::Reason => Diagnostic::new(Code::L090, "a warning is allowed only with a reason")
                .at(span, "no reason")
                .help("add a comma and why: `# tandem: allow(L007), the second line is being dug`"),
            Self::Expired(until) => Diagnostic::new(Code::L091, format!("this was allowed until {until}"))
                .at(span, "holds no more")
                .help("mend what it allows, or set a new date: `until 2027-01-01`"),
        }
    }
}

const MARK: &str = "# tandem:";
