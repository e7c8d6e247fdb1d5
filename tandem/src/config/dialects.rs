//! `dialect`: how a peer uses SIP codes. A name of a file that is shipped, or a table that begins with one.

use crate::codes::Code;
use crate::config::names::nearest;
use crate::config::peers::codes;
use crate::config::reader::{Problems, Table, Value, quoted, shown, table, text};
use crate::config::source::Source;
use crate::diagnostic::{Diagnostic, Span};
use router::dialect::{Dialect, RING_OUT};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// The dialects that are shipped, by name, in order.
pub(super) const SHIPPED: [(&str, &str); 9] = [
    ("3cx", include_str!("../../dialects/3cx.toml")),
    ("freeswitch", include_str!("../../dialects/freeswitch.toml")),
    ("ivozprovider", include_str!("../../dialects/ivozprovider.toml")),
    ("jambonz", include_str!("../../dialects/jambonz.toml")),
    ("livekit", include_str!("../../dialects/livekit.toml")),
    ("surecall", include_str!("../../dialects/surecall.toml")),
    ("teams", include_str!("../../dialects/teams.toml")),
    ("telnyx", include_str!("../../dialects/telnyx.toml")),
    ("twilio", include_str!("../../dialects/twilio.toml")),
];

/// Reads the key `dialect` of a carrier, trunk, site or service; `None` if it is not there or wrong.
pub(super) fn read(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Arc<Dialect>> {
    let (key, value) = keys.take_entry("dialect")?;
    match value.get_ref() {
        DeValue::String(name) => named(name, value.span(), problems),
        DeValue::Table(_) => {
            let mut written = table("`dialect`", key.span, WANTED, value, problems)?;
            let like = written.take("like").map(|value| {
                let name = text("like", "the name of a dialect", value, problems)?;
                named(name, value.span(), problems)
            });
            let base = match like {
                Some(found) => found?,
                None => Arc::default(),
            };
            let dialect = Arc::new(over(Dialect::clone(&base), &mut written, problems));
            written.finish(problems);
            Some(dialect)
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            problems.kind("dialect", WANTED, value);
            None
        }
    }
}

fn named(name: &str, span: Span, problems: &mut Problems<'_>) -> Option<Arc<Dialect>> {
    if let Some(found) = shipped(name) {
        return Some(Arc::new(found));
    }
    let title = format!("there is no dialect called `{}`", shown(name));
    let problem = Diagnostic::new(Code::E107, title).at(span.clone(), "not among those that are shipped");
    let names = || SHIPPED.iter().map(|(name, _)| *name);
    problems.add(match nearest(name, names()) {
        Some(near) => problem.fix(format!("did you mean `{near}`?"), span, quoted(near)),
        None => {
            let names: Vec<&str> = names().collect();
            problem.help(format!(
                "there are: {}; another one is a table: `dialect = {{ codes = {{ 480 = \"next trunk\" }} }}`",
                names.join(", ")
            ))
        }
    });
    None
}

/// A dialect that is shipped.
fn shipped(name: &str) -> Option<Dialect> {
    let (name, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
    let source = Source::new(*name, *text);
    let (root, _) = DeTable::parse_recoverable(source.text());
    let mut problems = Problems { source: &source, found: Vec::new(), secrets: Vec::new() };
    let mut keys = Table::new(*name, 0..0, root.get_ref());
    let dialect = over(Dialect { name: (*name).into(), ..Dialect::default() }, &mut keys, &mut problems);
    Some(dialect)
}

/// What is written over a dialect.
fn over(base: Dialect, keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Dialect {
    let mut written = codes(keys, problems);
    for (status, rule) in base.codes {
        written.entry(status).or_insert(rule);
    }
    let mut list = |key, low, old: Vec<u16>| match keys.take(key) {
        Some(value) => statuses(key, low, value, problems),
        None => old,
    };
    let alive = list("alive", 200, base.alive);
    let (next, stop) = (list("next", 300, base.next), list("stop", 300, base.stop));
    let ring_out = match keys.take("ring_out") {
        None => base.ring_out,
        Some(value) => {
            let known = status(300, value).filter(|status| [480, 503].contains(status));
            if known.is_none() {
                let problem = Diagnostic::new(Code::E023, "a ring-out is answered with 480 or 503");
                problems
                    .add(problem.at(value.span(), "").help("480: the call has ended; 503: go on elsewhere"));
            }
            known.unwrap_or(RING_OUT)
        }
    };
    Dialect { name: base.name, codes: written, alive, next, stop, ring_out }
}

fn statuses(key: &str, low: u16, value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<u16> {
    let DeValue::Array(list) = value.get_ref() else {
        problems.kind(key, "a list of statuses such as `[480, 503]`", value);
        return Vec::new();
    };
    let mut found = Vec::new();
    for value in list.iter().take(STATUSES_MAX) {
        match status(low, value) {
            Some(status) => found.push(status),
            None => {
                let title = format!("{key} lists statuses from {low} to 699");
                problems.add(Diagnostic::new(Code::E023, title).at(value.span(), "none of them"));
            }
        }
    }
    found
}

fn status(low: u16, value: &Value<'_>) -> Option<u16> {
    let DeValue::Integer(number) = value.get_ref() else { return None };
    let status: u16 = number.as_str().parse().ok().filter(|_| number.radix() == 10)?;
    (low..=699).contains(&status).then_some(status)
}

/// Statuses of one list: there are no more between 200 and 699 that mean anything.
const STATUSES_MAX: usize = 500;

const WANTED: &str =
    "the name of a dialect, or a table with `like`, `codes`, `alive`, `next`, `stop`, `ring_out`";

#[cfg(test)]
mod tests {
    use super::*;
    use router::verdict::CodeRule::{BadCli, Next, NextTrunk};

    /// A dialect with all its rows.
    fn rows(name: &str) -> String {
        let it = shipped(name).unwrap_or_else(|| panic!("{name} is shipped"));
        let codes: Vec<String> = it.codes.iter().map(|(status, rule)| format!("{status}={rule:?}")).collect();
        let (alive, next, stop) = (it.alive, it.next, it.stop);
        format!("{} alive {alive:?} next {next:?} stop {stop:?} ring_out {}", codes.join(" "), it.ring_out)
    }

    #[test]
    fn every_dialect_that_is_shipped_has_its_rows_and_no_problem() {
        for (name, text) in SHIPPED {
            let source = Source::new(name, text);
            let (root, errors) = DeTable::parse_recoverable(source.text());
            assert!(errors.is_empty(), "{name}: {errors:?}");
            let mut problems = Problems { source: &source, found: Vec::new(), secrets: Vec::new() };
            let mut keys = Table::new(name, 0..0, root.get_ref());
            over(Dialect::default(), &mut keys, &mut problems);
            keys.finish(&mut problems);
            assert!(problems.found.is_empty(), "{name}: {:?}", problems.found);
        }
        let expected = [
            ("3cx", " alive [] next [] stop [486, 600] ring_out 480"),
            ("freeswitch", " alive [] next [] stop [] ring_out 480"),
            ("ivozprovider", " alive [200, 403, 404, 405, 501] next [] stop [] ring_out 480"),
            ("jambonz", "480=NextTrunk alive [200] next [503] stop [480] ring_out 503"),
            ("livekit", "486=Next alive [] next [] stop [] ring_out 480"),
            (
                "surecall",
                " alive [] next [404, 408, 410, 413, 414, 415, 416, 417, 420, 421, 423, 493, 500, 502, 503, 504, 505, \
                 513, 603] stop [480, 486] ring_out 503",
            ),
            ("teams", " alive [] next [408, 503, 504] stop [404, 480, 486, 600, 603] ring_out 480"),
            ("telnyx", " alive [] next [408, 480, 503, 504] stop [404, 486, 603] ring_out 480"),
            ("twilio", "403=BadCli alive [] next [503] stop [486] ring_out 503"),
        ];
        assert_eq!(expected.map(|(name, _)| name), SHIPPED.map(|(name, _)| name));
        for (name, told) in expected {
            assert_eq!(rows(name), told, "{name}");
        }
    }

    #[test]
    fn the_rows_mean_what_the_words_say() {
        let rule = |name, status| shipped(name).and_then(|it| it.codes.get(&status).copied());
        assert_eq!(rule("jambonz", 480), Some(NextTrunk));
        assert_eq!(rule("livekit", 486), Some(Next));
        assert_eq!(rule("twilio", 403), Some(BadCli));
        assert_eq!(shipped("nobody"), None);
    }
}
