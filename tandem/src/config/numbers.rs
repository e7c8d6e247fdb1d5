//! `[numbers]`: which plan a called number has. Ranges are counted out here.

use crate::codes::Code;
use crate::config::address::is_user;
use crate::config::draft::Draft;
use crate::config::names::{Kind, Names};
use crate::config::phone;
use crate::config::reader::{Key, Problems, Value, quoted, shown, text};
use crate::config::settings::{NUMBERS_MAX, RANGE_MAX};
use crate::diagnostic::{DRAWN_MAX, Diagnostic, Span};
use router::plan::CourseId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The numbers that have been listed so far. There may be a million of them: a number has only the place of its key.
#[derive(Debug, Default)]
pub(super) struct Listing<'a> {
    /// By which of the keys each was listed first.
    firsts: BTreeMap<Arc<str>, u32>,
    /// All keys as they are written.
    pub(super) keys: Vec<Listed<'a>>,
    /// Are there more than a plan may have?
    is_full: bool,
}

/// A key that lists numbers.
#[derive(Clone, Debug)]
pub(super) struct Listed<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
    customer: Option<&'a str>,
}

impl Listed<'_> {
    /// Does it list a range, and not one number by itself?
    fn is_range(&self) -> bool {
        self.text.contains("..")
    }
}

/// Reads numbers into the draft, each with the plan that it names.
pub(super) fn read<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    names: &mut Names<'a>,
    draft: &mut Draft,
    listing: &mut Listing<'a>,
    problems: &mut Problems<'_>,
) {
    for (key, value) in entries {
        let course = plan(&key, value, names, problems);
        if key.text == "*" && names.customer().is_none() {
            draft.plan.unlisted = course;
            listing.keys.push(Listed { text: key.text, span: key.span, customer: None });
        } else {
            listing.list(key, names.customer(), course, draft, problems);
        }
    }
}

/// E012: a plan without numbers. `section` is the key `[numbers]`, if it is there.
pub(super) fn none(section: Option<Span>, problems: &mut Problems<'_>) {
    let blank = problems.source.text().trim().is_empty();
    let title = if blank { "the file is empty" } else { "the file has no numbers: every call would get 404" };
    let problem = Diagnostic::new(Code::E012, title);
    let problem = section.into_iter().fold(problem, |problem, span| problem.at(span, "nothing in here"));
    problems.add(
        problem.help("write `\"+15035550100\" = \"main\"` under `[numbers]`; `\"*\"` is for all others"),
    );
}

impl<'a> Listing<'a> {
    /// Lists what a key says, for a customer or for nobody.
    pub(super) fn list(
        &mut self,
        key: Key<'a>,
        customer: Option<&'a str>,
        course: Option<CourseId>,
        draft: &mut Draft,
        problems: &mut Problems<'_>,
    ) {
        let here = Listed { text: key.text, span: key.span.clone(), customer };
        self.keys.push(here.clone());
        if key.text == "*" {
            let title = "`*` is for numbers that nobody listed: they are no customer's";
            let problem = Diagnostic::new(Code::E020, title).at(key.span, "not here");
            problems.add(problem.help("write it under `[numbers]` of the plan file"));
            return;
        }
        let numbers = match listed(key.text) {
            Ok(numbers) => numbers,
            Err(bad) => return problems.add(bad.problem(&key)),
        };
        if self.firsts.len() + numbers.len() > NUMBERS_MAX {
            if !core::mem::replace(&mut self.is_full, true) {
                let title = format!("the file has more than {NUMBERS_MAX} numbers");
                let problem = Diagnostic::new(Code::E013, title).at(key.span, "one over");
                problems.add(problem.help("run a second node"));
            }
            return;
        }
        // A number of a plan that is not there still counts as listed: it is not to be called doubled or missing.
        self.enter(numbers, course.unwrap_or(CourseId(u32::MAX)), &here, draft, problems);
    }

    /// A number by itself is an exception to the range that it lies in.
    fn enter(
        &mut self,
        numbers: Vec<Arc<str>>,
        course: CourseId,
        here: &Listed<'a>,
        draft: &mut Draft,
        problems: &mut Problems<'_>,
    ) {
        let mut doubled = None;
        let place = u32::try_from(self.keys.len().saturating_sub(1)).unwrap_or(u32::MAX);
        for number in numbers {
            let first = self.firsts.get(&number).and_then(|first| self.keys.get(*first as usize));
            match first {
                Some(first) if first.is_range() == here.is_range() || first.customer != here.customer => {
                    doubled.get_or_insert((number, first.clone()));
                    continue;
                }
                Some(_) if here.is_range() => continue,
                Some(_) | None => {}
            }
            self.firsts.insert(Arc::clone(&number), place);
            draft.plan.numbers.insert(number, course);
        }
        if let Some((number, first)) = doubled {
            problems.add(twice(&number, &first, here));
        }
    }
}

fn twice(number: &str, first: &Listed<'_>, again: &Listed<'_>) -> Diagnostic {
    let number = shown(number);
    if first.customer == again.customer {
        let problem = Diagnostic::new(Code::E103, format!("number {number} has two plans"));
        let problem =
            problem.at(again.span.clone(), "here again").at(first.span.clone(), "listed here first");
        return problem.help("a call takes one of them: take the other out");
    }
    let whose = |it: &Listed<'_>| {
        it.customer.map_or_else(|| "the operator's".to_owned(), |name| format!("of `{}`", shown(name)))
    };
    let title = format!("number {number} is {} and {}", whose(first), whose(again));
    let problem = Diagnostic::new(Code::E103, title).at(again.span.clone(), whose(again));
    problem.at(first.span.clone(), whose(first)).help("a call goes to one of them: take the other out")
}

/// The numbers that a key lists.
fn listed(key: &str) -> Result<Vec<Arc<str>>, Bad> {
    if key.contains("..") {
        return range(key);
    }
    if key.starts_with('+') {
        return if phone::is_e164(key) { Ok(vec![key.into()]) } else { Err(Bad::Number) };
    }
    // As a user part this would never match: numbers arrive with, or are given, their plus.
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    if phone::is_meant(key) && digits >= LOCAL_DIGITS {
        return Err(Bad::Number);
    }
    if is_user(key) { Ok(vec![key.into()]) } else { Err(Bad::User) }
}

/// `+13125550101..0149`: the digits after the dots replace as many at the end.
fn range(key: &str) -> Result<Vec<Arc<str>>, Bad> {
    let Some((first, end)) = key.split_once("..") else { return Err(Bad::Range("no range")) };
    let plain = !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    if !phone::is_e164(first) || !plain {
        return Err(Bad::Range(
            "a range is a number with its plus, two dots, and the last digits of its end",
        ));
    }
    let digits = first.trim_start_matches('+');
    let Some(keep) = digits.len().checked_sub(end.len()) else {
        return Err(Bad::Range("the end has more digits than the number"));
    };
    let (head, tail) = digits.split_at(keep);
    let (Ok(from), Ok(to)) = (tail.parse::<u64>(), end.parse::<u64>()) else {
        return Err(Bad::Range("too long"));
    };
    if to < from {
        return Err(Bad::Range("ends before it begins"));
    }
    if to - from >= RANGE_MAX {
        return Err(Bad::Range("more than 10000 numbers"));
    }
    let width = end.len();
    Ok((from..=to).map(|n| format!("+{head}{n:0width$}").into()).collect())
}

/// Why a key is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    Number,
    User,
    Range(&'static str),
}

impl Bad {
    fn problem(self, key: &Key<'_>) -> Diagnostic {
        match self {
            Self::Number => phone::problem(key.text, key.span.clone()),
            Self::User => Diagnostic::new(Code::E020, format!("`{}` cannot be called", shown(key.text)))
                .at(key.span.clone(), "no number and no SIP user part")
                .help(
                    "write a number as `\"+15035550100\"`, a user part as `reception`, all others as `\"*\"`",
                ),
            Self::Range(reason) => {
                Diagnostic::new(Code::E020, format!("`{}` is no range of numbers", shown(key.text)))
                    .at(key.span.clone(), reason)
                    .help("write `\"+13125550101..0149\"`: the last digits count up")
            }
        }
    }
}

/// The plan that a number names.
fn plan<'a>(
    key: &Key<'a>,
    value: &'a Value<'a>,
    names: &mut Names<'a>,
    problems: &mut Problems<'_>,
) -> Option<CourseId> {
    let name = text(key.text, "the name of a plan", value, problems)?;
    let number = shown(key.text);
    if let Some(named) = names.find(name) {
        if named.kind == Kind::Plan {
            return Some(CourseId(named.id));
        }
        let shown = shown(name);
        let title = format!("number {number} is given to `{shown}`, which is {}", named.kind.word());
        let problem = Diagnostic::new(Code::E106, title).at(value.span(), "not a plan");
        let problem = problem.at(named.span.clone(), format!("{} here", named.kind.word()));
        problems.add(problem.help(format!("write a plan of one step: `[plans]` and `main = [\"{shown}\"]`")));
        return None;
    }
    let title = format!("number {number} has no plan: calls to it would get 404");
    let problem =
        Diagnostic::new(Code::E101, title).at(value.span(), format!("no plan is called `{}`", shown(name)));
    let many = problems.found.len() > DRAWN_MAX;
    let near = if many { None } else { names.nearest(name, |kind| kind == Kind::Plan) };
    problems.add(match near {
        Some((near, named)) => problem
            .at(named.span.clone(), format!("`{}` is defined here", shown(near)))
            .fix(format!("did you mean `{}`?", shown(near)), value.span(), quoted(near)),
        None => problem.help(format!("write it as `[plans.{}]`", shown(name))),
    });
    None
}

/// As many digits are a whole number somewhere; fewer are an extension.
const LOCAL_DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_its_last_digits_up() {
        let list = |key| listed(key).map(|numbers| numbers.iter().map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(
            list("+13125550108..11"),
            Ok(vec![
                "+13125550108".into(),
                "+13125550109".into(),
                "+13125550110".into(),
                "+13125550111".into()
            ])
        );
        assert_eq!(list("+13125550100..0100").map(|numbers| numbers.len()), Ok(1));
        assert_eq!(list("+13125550000..9999").map(|numbers| numbers.len()), Ok(10_000));
        assert_eq!(list("+13125550000..60000"), Err(Bad::Range("more than 10000 numbers")));
        assert_eq!(list("+13125550101..0100"), Err(Bad::Range("ends before it begins")));
        assert_eq!(
            list("+13125550101.."),
            Err(Bad::Range("a range is a number with its plus, two dots, and the last digits of its end"))
        );
        assert_eq!(
            list("+13125550101..99999999999999"),
            Err(Bad::Range("the end has more digits than the number"))
        );
    }

    #[test]
    fn a_key_is_a_number_a_user_part_or_a_problem() {
        for good in ["+15035550100", "reception", "100", "555-0100", "front.desk"] {
            assert_eq!(listed(good).map(|list| list.len()), Ok(1), "{good}");
        }
        for (bad, why) in [
            ("15035550100", Bad::Number),
            ("5035550100", Bad::Number),
            ("+1 503 555 0100", Bad::Number),
            ("+", Bad::Number),
            ("", Bad::User),
            ("front desk", Bad::User),
            ("büro", Bad::User),
            ("a@b", Bad::User),
        ] {
            assert_eq!(listed(bad), Err(why), "{bad}");
        }
    }
}
