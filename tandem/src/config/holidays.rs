//! `holidays`: days on which a business is closed, whatever its hours: of a named set, of an iCalendar file, or written as dates.

use crate::codes::Code;
use crate::config::calendar;
use crate::config::hours::{YEARS_AFTER, YEARS_BEFORE};
use crate::config::names::nearest;
use crate::config::reader::{Problems, Table, Value, quoted, shown, too_many};
use crate::config::settings::HOLIDAYS_MAX;
use crate::config::source::{Unreadable, text_of};
use crate::diagnostic::{Diagnostic, Span};
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::de::DeValue;

/// Days since 1970, in order.
pub(super) type Holidays = Arc<[i32]>;

/// Reads the key out of a table; `None` if it does not stand there.
pub(super) fn read(keys: &mut Table<'_>, now: Timestamp, problems: &mut Problems<'_>) -> Option<Holidays> {
    let value = keys.take("holidays")?;
    let one = core::slice::from_ref(value);
    let list = match value.get_ref() {
        DeValue::Array(list) => list,
        DeValue::String(_)
        | DeValue::Datetime(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Table(_) => one,
    };
    if let Some(over) = list.get(HOLIDAYS_MAX) {
        problems.add(too_many("holidays", HOLIDAYS_MAX, over.span()));
    }
    let year = now.to_zoned(TimeZone::UTC).year();
    let years = (year.saturating_sub(YEARS_BEFORE).max(1), year.saturating_add(YEARS_AFTER).min(9998));
    let mut days = BTreeSet::new();
    for value in list.iter().take(HOLIDAYS_MAX) {
        days.extend(some(value, years, problems).into_iter().map(number));
    }
    Some(days.into_iter().collect())
}

/// The days that one entry means, in these years.
fn some(value: &Value<'_>, years: (i16, i16), problems: &mut Problems<'_>) -> Vec<Date> {
    let written = match value.get_ref() {
        DeValue::String(written) => written.to_string(),
        // TOML has dates of its own: quotes are as good.
        DeValue::Datetime(written) if written.time.is_none() && written.offset.is_none() => {
            written.to_string()
        }
        DeValue::Datetime(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => {
            problems.kind("holidays", "a named set, a file or a date", value);
            return Vec::new();
        }
    };
    if let Some((_, rules)) = SETS.iter().find(|(name, _)| *name == written) {
        return (years.0..=years.1).flat_map(|year| of_a_year(rules, year)).collect();
    }
    if written.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case("ics")) {
        return of_a_file(&written, value.span(), years, problems);
    }
    if let Ok(day) = written.parse::<Date>() {
        return vec![day];
    }
    if let Some((month, day)) = of_each_year(&written) {
        return (years.0..=years.1).filter_map(|year| Date::new(year, month, day).ok()).collect();
    }
    let title = format!("`{}` is no set of holidays, no calendar and no date", shown(&written));
    let problem = Diagnostic::new(Code::E029, title).at(value.span(), "which days?");
    let sets: Vec<&str> = SETS.iter().map(|(name, _)| *name).collect();
    problems.add(match nearest(&written, sets.iter().copied()) {
        Some(near) => problem.fix(format!("did you mean `{near}`?"), value.span(), quoted(near)),
        None => problem.help(format!(
            "write one of `{}`, a file such as `closed.ics`, or dates: `2026-12-24`, `12-24` for each year",
            sets.join("`, `")
        )),
    });
    Vec::new()
}

/// `12-24`.
fn of_each_year(written: &str) -> Option<(i8, i8)> {
    let (month, day) = written.split_once('-')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (month, day) = (Some(month).filter(|m| digits(m))?, Some(day).filter(|d| digits(d))?);
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // A leap year has all days.
    Date::new(2024, month, day).ok().map(|_| (month, day))
}

fn of_a_file(written: &str, span: Span, years: (i16, i16), problems: &mut Problems<'_>) -> Vec<Date> {
    let path = problems.source.beside(span.start, written);
    let text = match text_of(&path, FILE_MAX) {
        Ok(text) => text,
        Err(unreadable) => {
            let why = match unreadable {
                Unreadable::NoFile => "it is no file".into(),
                Unreadable::System(error) => error.to_string(),
                Unreadable::TooLarge => format!("it is larger than {} MiB", FILE_MAX >> 20),
                Unreadable::NotUtf8(place) => place,
            };
            let title = format!("the calendar `{}` cannot be read: {why}", shown(written));
            let problem = Diagnostic::new(Code::E029, title).at(span, "named here");
            problems.add(problem.help(format!("it was looked for at {}", path.display())));
            return Vec::new();
        }
    };
    let found = calendar::days(&text, years);
    for fault in found.faults.iter().take(FAULTS_SHOWN) {
        let title = format!("line {} of the calendar `{}` {}", fault.line, shown(written), fault.what);
        let code = if fault.is_left_out { Code::L015 } else { Code::E029 };
        problems.add(Diagnostic::new(code, title).at(span.clone(), "named here").help(fault.help));
    }
    found.days
}

fn number(day: Date) -> i32 {
    day.since(date(1970, 1, 1)).map_or(0, |since| since.get_days())
}

/// How a day is found in a year.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// A month and a day of it.
    On(i8, i8),
    /// The nth such day of a month; -1 is the last.
    Nth(i8, Weekday, i8),
    /// The last such day before a day of a month.
    Before(Weekday, i8, i8),
    /// So many days after Easter Sunday.
    Easter(i32),
    /// A month and a day of it; where that is a Saturday, the Friday before too, where it is a Sunday, the Monday after too.
    Observed(i8, i8),
    /// A month and a day of it; where that is no working day or has been taken by the one before, the next that is free too.
    Substitute(i8, i8),
}

use Rule::{Before, Easter, Nth, Observed, On, Substitute};

/// Sets by the country and whose days they are.
const SETS: [(&str, &[Rule]); 5] = [
    (
        "us-federal",
        &[
            Observed(1, 1),
            Nth(3, Weekday::Monday, 1),
            Nth(3, Weekday::Monday, 2),
            Nth(-1, Weekday::Monday, 5),
            Observed(6, 19),
            Observed(7, 4),
            Nth(1, Weekday::Monday, 9),
            Nth(2, Weekday::Monday, 10),
            Observed(11, 11),
            Nth(4, Weekday::Thursday, 11),
            Observed(12, 25),
        ],
    ),
    (
        "ca-federal",
        &[
            On(1, 1),
            Easter(-2),
            Easter(1),
            Before(Weekday::Monday, 5, 25),
            On(7, 1),
            Nth(1, Weekday::Monday, 9),
            On(9, 30),
            Nth(2, Weekday::Monday, 10),
            On(11, 11),
            On(12, 25),
            On(12, 26),
        ],
    ),
    (
        "uk-england",
        &[
            Substitute(1, 1),
            Easter(-2),
            Easter(1),
            Nth(1, Weekday::Monday, 5),
            Nth(-1, Weekday::Monday, 5),
            Nth(-1, Weekday::Monday, 8),
            Substitute(12, 25),
            Substitute(12, 26),
        ],
    ),
    (
        "de",
        &[
            On(1, 1),
            Easter(-2),
            Easter(1),
            On(5, 1),
            Easter(39),
            Easter(50),
            On(10, 3),
            On(12, 25),
            On(12, 26),
        ],
    ),
    (
        "fr",
        &[
            On(1, 1),
            Easter(1),
            On(5, 1),
            On(5, 8),
            Easter(39),
            Easter(50),
            On(7, 14),
            On(8, 15),
            On(11, 1),
            On(11, 11),
            On(12, 25),
        ],
    ),
];

fn of_a_year(rules: &[Rule], year: i16) -> BTreeSet<Date> {
    let mut days = BTreeSet::new();
    for rule in rules {
        let found = match *rule {
            On(month, day) | Observed(month, day) | Substitute(month, day) => {
                Date::new(year, month, day).ok()
            }
            Nth(nth, weekday, month) => {
                Date::new(year, month, 1).and_then(|first| first.nth_weekday_of_month(nth, weekday)).ok()
            }
            Before(weekday, month, day) => {
                Date::new(year, month, day).and_then(|day| day.nth_weekday(-1, weekday)).ok()
            }
            Easter(after) => easter(year).and_then(|easter| easter.checked_add(after.days()).ok()),
        };
        let Some(day) = found else { continue };
        let was_free = days.insert(day);
        let also = match (*rule, day.weekday()) {
            (Observed(..), Weekday::Saturday) => day.yesterday().ok(),
            (Observed(..), Weekday::Sunday) => day.tomorrow().ok(),
            (Substitute(..), weekday) if !was_free || is_weekend(weekday) => {
                let mut next = day.tomorrow().ok();
                while let Some(day) = next.filter(|day| is_weekend(day.weekday()) || days.contains(day)) {
                    next = day.tomorrow().ok();
                }
                next
            }
            (On(..) | Nth(..) | Before(..) | Easter(_) | Observed(..) | Substitute(..), _) => None,
        };
        days.extend(also);
    }
    days
}

const fn is_weekend(day: Weekday) -> bool {
    matches!(day, Weekday::Saturday | Weekday::Sunday)
}

/// Easter Sunday by the Gregorian calendar (Meeus, Jones and Butcher).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let (month, day) = ((h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Ten years of a country's calendar have some hundred kilobytes.
const FILE_MAX: u64 = 4 << 20;

/// Faults of one calendar that are told; more are the same fault.
const FAULTS_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &str, year: i16) -> String {
        let (_, rules) = SETS.iter().find(|(name, _)| *name == set).unwrap();
        let days = of_a_year(rules, year).into_iter();
        days.map(|day| day.strftime("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_sets_are_those_that_are_published() {
        // Independence Day of 2026 is a Saturday, and observed on Friday.
        assert_eq!(
            of("us-federal", 2026),
            "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"
        );
        // Christmas of 2027 is a Saturday, Juneteenth too; Independence Day is a Sunday.
        assert_eq!(
            of("us-federal", 2027),
            "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25"
        );
        // Boxing Day of 2026 is a Saturday: Monday the 28th is its substitute.
        assert_eq!(of("uk-england", 2026), "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26 12-28");
        // In 2027 both are on the weekend: Monday and Tuesday.
        assert_eq!(of("uk-england", 2027), "01-01 03-26 03-29 05-03 05-31 08-30 12-25 12-26 12-27 12-28");
        assert_eq!(of("de", 2026), "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26");
        assert_eq!(of("fr", 2026), "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25");
        assert_eq!(
            of("ca-federal", 2026),
            "01-01 04-03 04-06 05-18 07-01 09-07 09-30 10-12 11-11 12-25 12-26"
        );
    }

    #[test]
    fn easter_is_when_the_tables_say() {
        let found: Vec<String> = [1961, 2000, 2008, 2024, 2025, 2038, 2285]
            .iter()
            .filter_map(|year| easter(*year))
            .map(|day| day.to_string())
            .collect();
        assert_eq!(
            found,
            [
                "1961-04-02",
                "2000-04-23",
                "2008-03-23",
                "2024-03-31",
                "2025-04-20",
                "2038-04-25",
                "2285-03-22"
            ]
        );
    }

    #[test]
    fn a_day_of_each_year_has_two_digits_twice() {
        assert_eq!(
            ["12-24", "02-29", "1-1", "13-01", "02-30", "+1-01"].map(of_each_year),
            [Some((12, 24)), Some((2, 29)), None, None, None, None]
        );
    }
}
