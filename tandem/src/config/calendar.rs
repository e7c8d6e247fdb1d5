//! The days of an iCalendar file (RFC 5545): events of whole days, once or each year. Nothing else of it closes a business.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use std::collections::BTreeSet;

/// What a calendar says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) days: Vec<Date>,
    pub(super) faults: Vec<Fault>,
}

/// What of it cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1.
    pub(super) line: usize,
    /// Behind "line 7 of the calendar".
    pub(super) what: String,
    pub(super) help: &'static str,
    /// An event that is understood and closes nothing; else it might, and is not understood.
    pub(super) is_left_out: bool,
}

/// One event while it is read.
#[derive(Debug, Default)]
struct Event {
    line: usize,
    first: Option<Date>,
    /// The day after the last.
    end: Option<Date>,
    is_timed: bool,
    is_cancelled: bool,
    rule: Option<(usize, String)>,
    except: BTreeSet<Date>,
}

/// All days of its events that are in these years.
#[must_use]
pub(super) fn days(text: &str, years: (i16, i16)) -> Found {
    let mut found = Found::default();
    let mut days = BTreeSet::new();
    let mut event: Option<Event> = None;
    let mut has_begun = false;
    for (line, content) in unfolded(text) {
        let (name, value) = content.split_once(':').unwrap_or((&content, ""));
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        let (name, value) = (name.trim().to_ascii_uppercase(), value.trim());
        match (name.as_str(), event.as_mut()) {
            ("BEGIN", None) if value.eq_ignore_ascii_case("VCALENDAR") => has_begun = true,
            ("BEGIN", None) if value.eq_ignore_ascii_case("VEVENT") => {
                event = Some(Event { line, ..Event::default() })
            }
            ("END", Some(_)) if value.eq_ignore_ascii_case("VEVENT") => {
                if let Some(event) = event.take() {
                    take(&event, years, &mut days, &mut found.faults);
                }
            }
            ("DTSTART" | "DTEND", Some(event)) => {
                event.is_timed |=
                    value.contains('T') || parameters.to_ascii_uppercase().contains("DATE-TIME");
                let day = day(value);
                if day.is_none() {
                    found.faults.push(bad(line, "has no date"));
                }
                *(if name == "DTSTART" { &mut event.first } else { &mut event.end }) = day;
            }
            ("EXDATE", Some(event)) => event.except.extend(value.split(',').filter_map(day)),
            ("RRULE", Some(event)) => event.rule = Some((line, value.to_ascii_uppercase())),
            ("STATUS", Some(event)) => event.is_cancelled |= value.eq_ignore_ascii_case("CANCELLED"),
            _ => {}
        }
        if days.len() > DAYS_MAX {
            found.faults.push(bad(line, "is where it has more days than ten years"));
            break;
        }
    }
    if !has_begun {
        found.faults.push(bad(1, "does not begin a calendar"));
    }
    found.days = days.into_iter().collect();
    found
}

/// Lines with their number; one that begins with a blank goes on with the one before (§3.1).
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
        let line = line.trim_end_matches('\r');
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((_, before))) => before.push_str(more),
            (Some(_) | None, _) => lines.push((number, line.to_owned())),
        }
    }
    lines
}

fn bad(line: usize, what: &str) -> Fault {
    let help = "export the calendar anew, or write the days as dates: `holidays = [\"2026-12-24\"]`";
    Fault { line, what: what.to_owned(), help, is_left_out: false }
}

fn day(value: &str) -> Option<Date> {
    let digits = value.get(..8).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn take(event: &Event, years: (i16, i16), days: &mut BTreeSet<Date>, faults: &mut Vec<Fault>) {
    let Some(first) = event.first.filter(|_| !event.is_cancelled) else { return };
    if event.is_timed {
        let what = "begins an event of some hours, which is left out".to_owned();
        let help = "only events of whole days close a business; for some hours change `[hours]`";
        faults.push(Fault { line: event.line, what, help, is_left_out: true });
        return;
    }
    let long = event.end.map_or(1, |end| (end - first).get_days()).clamp(1, LONGEST);
    let starts = match &event.rule {
        None => vec![first],
        Some((line, rule)) => match Yearly::read(rule, first) {
            Some(yearly) => yearly.starts(first, years),
            None => {
                let what = "has a rule of repetition that is not understood";
                faults.push(Fault {
                    help: "only what comes each year on one day is: write the other days as events of their own",
                    ..bad(*line, what)
                });
                return;
            }
        },
    };
    for start in starts.into_iter().filter(|start| !event.except.contains(start)) {
        let all = (0..long).filter_map(|after| start.checked_add(after.days()).ok());
        days.extend(all.filter(|day| (years.0..=years.1).contains(&day.year())));
    }
}

/// `FREQ=YEARLY`, on the day that it began on, or on the nth such day of a month.
struct Yearly {
    every: i16,
    count: Option<usize>,
    until: Option<Date>,
    nth: Option<(i8, Weekday, i8)>,
}

impl Yearly {
    fn read(rule: &str, first: Date) -> Option<Self> {
        let mut yearly = Self { every: 1, count: None, until: None, nth: None };
        let (mut is_yearly, mut month, mut weekday) = (false, None, None);
        for part in rule.split(';').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=')?;
            match key {
                "FREQ" => is_yearly = value == "YEARLY",
                "INTERVAL" => yearly.every = value.parse().ok().filter(|every| *every > 0)?,
                "COUNT" => yearly.count = Some(value.parse().ok()?),
                "UNTIL" => yearly.until = Some(day(value)?),
                "BYMONTH" => month = Some(value.parse::<i8>().ok().filter(|month| (1..=12).contains(month))?),
                "BYMONTHDAY" => (value.parse() == Ok(first.day())).then_some(())?,
                "BYDAY" => weekday = Some(nth_weekday(value)?),
                "WKST" => {}
                _ => return None,
            }
        }
        yearly.nth = match (month, weekday) {
            (Some(month), Some((nth, weekday))) => Some((nth, weekday, month)),
            (None, Some(_)) => return None,
            (Some(month), None) => (month == first.month()).then_some(None)?,
            (None, None) => None,
        };
        is_yearly.then_some(yearly)
    }

    fn starts(&self, first: Date, years: (i16, i16)) -> Vec<Date> {
        let step = usize::try_from(self.every).unwrap_or(1);
        let all = (first.year()..=years.1).step_by(step).filter_map(|year| match self.nth {
            Some((nth, weekday, month)) => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
            None => Date::new(year, first.month(), first.day()).ok(),
        });
        let all = all.filter(|day| *day >= first && self.until.is_none_or(|until| *day <= until));
        all.take(self.count.unwrap_or(usize::MAX)).collect()
    }
}

/// `4TH`, `-1MO`.
fn nth_weekday(value: &str) -> Option<(i8, Weekday)> {
    let (nth, name) = value.split_at_checked(value.len().checked_sub(2)?)?;
    let weekday = match name {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let nth: i8 = nth.parse().ok()?;
    ((-5..=5).contains(&nth) && nth != 0).then_some((nth, weekday))
}

/// Longer than a year nobody is on holiday.
const LONGEST: i32 = 366;

/// Every day of the years that are looked at.
const DAYS_MAX: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(events: &str) -> (Vec<String>, Vec<(usize, String)>) {
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n");
        let found = days(&text, (2025, 2028));
        let days = found.days.iter().map(ToString::to_string).collect();
        (days, found.faults.into_iter().map(|fault| (fault.line, fault.what)).collect())
    }

    fn event(lines: &[&str]) -> String {
        format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.join("\r\n"))
    }

    #[test]
    fn an_event_of_whole_days_ends_before_its_end() {
        let summer = event(&["SUMMARY:Summer", "DTSTART;VALUE=DATE:20260803", "DTEND;VALUE=DATE:20260806"]);
        let one = event(&["DTSTART;VALUE=DATE:20261224"]);
        assert_eq!(
            of(&(summer + &one)),
            (["2026-08-03", "2026-08-04", "2026-08-05", "2026-12-24"].map(str::to_owned).to_vec(), vec![])
        );
    }

    #[test]
    fn what_comes_each_year_comes_until_it_ends() {
        let eve = event(&["DTSTART;VALUE=DATE:20201224", "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20261224"]);
        assert_eq!(of(&eve).0, ["2025-12-24", "2027-12-24", "2028-12-24"]);
        let thanks = event(&[
            "DTSTART;VALUE=DATE:20201126",
            "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20271231T000000Z",
        ]);
        assert_eq!(of(&thanks).0, ["2025-11-27", "2026-11-26", "2027-11-25"]);
        let thrice = event(&["DTSTART;VALUE=DATE:20240501", "RRULE:FREQ=YEARLY;INTERVAL=2;COUNT=2"]);
        assert_eq!(of(&thrice).0, ["2026-05-01"]);
        // Who is born on the 29th of February has a birthday each four years here.
        let leap = event(&["DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY"]);
        assert_eq!(of(&leap).0, ["2028-02-29"]);
    }

    #[test]
    fn folded_lines_are_one_and_a_cancelled_event_is_none() {
        let folded = event(&["DTSTART;VALUE=DATE:2026", " 1224"]);
        assert_eq!(of(&folded).0, ["2026-12-24"]);
        let cancelled = event(&["DTSTART;VALUE=DATE:20261224", "STATUS:CANCELLED"]);
        assert_eq!(of(&cancelled), (vec![], vec![]));
    }

    #[test]
    fn what_is_not_understood_has_its_line() {
        let timed = event(&["DTSTART:20261224T120000Z", "DTEND:20261224T130000Z"]);
        assert_eq!(of(&timed).1, [(3, "begins an event of some hours, which is left out".to_owned())]);
        let weekly = event(&["DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=WEEKLY;BYDAY=SU"]);
        assert_eq!(of(&weekly).1, [(5, "has a rule of repetition that is not understood".to_owned())]);
        let odd = event(&["DTSTART;VALUE=DATE:20261324"]);
        assert_eq!(of(&odd).1, [(4, "has no date".to_owned())]);
        let none = days("<html>", (2025, 2028));
        assert_eq!(none.faults.first().map(|fault| fault.what.as_str()), Some("does not begin a calendar"));
    }

    #[test]
    fn no_calendar_takes_more_than_its_years() {
        let long = event(&["DTSTART;VALUE=DATE:00010101", "DTEND;VALUE=DATE:99991231", "RRULE:FREQ=YEARLY"]);
        let (days, faults) = of(&long.repeat(100));
        assert_eq!((days.len(), faults), (4 * 365 + 1, vec![]));
    }
}
