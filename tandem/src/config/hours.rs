//! `timezone` and `[hours]`: `"mon-fri 08:00-17:00"`, `"sat"`, `"mon,wed 22:00-06:00"`.

use crate::codes::Code;
use crate::config::holidays::Holidays;
use crate::config::reader::{Key, Problems, Table, Value, quoted, shown, text, texts};
use crate::config::settings::{HOURS_MAX, WINDOWS_MAX};
use crate::diagnostic::{Diagnostic, Span};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use router::hours::{Hours, Window, Zone};
use std::sync::Arc;

/// One entry of `[hours]`.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) hours: Hours,
}

/// The `timezone`, as a list of offsets around `now`; `None` if none is written.
pub(super) fn zone(top: &mut Table<'_>, now: Timestamp, problems: &mut Problems<'_>) -> Option<Zone> {
    let value = top.take("timezone")?;
    let Some(name) = text("timezone", "a name such as \"America/New_York\"", value, problems) else {
        return Some(Zone::default());
    };
    let found = TimeZone::get(name).ok();
    match found {
        Some(zone) => Some(offsets(name, &zone, now)),
        None => {
            let title = format!("there is no time zone `{}`", shown(name));
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let problem = Diagnostic::new(Code::E018, title).at(value.span(), "");
            problems.add(match super::names::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => problem.fix(format!("did you mean `{near}`?"), value.span(), quoted(near)),
                None if known.is_empty() => problem.help("this machine has no time zones: install `tzdata`"),
                None => problem
                    .help("a zone is written as `Area/City`: `America/Los_Angeles`, `Europe/Berlin`, `UTC`"),
            });
            Some(Zone::default())
        }
    }
}

/// Whole years, so that reading the file again within a year gives the same plan.
fn offsets(name: &str, zone: &TimeZone, now: Timestamp) -> Zone {
    let year = now.to_zoned(TimeZone::UTC).year();
    let start_of =
        |year: i16| date(year.clamp(1, 9999), 1, 1).to_zoned(TimeZone::UTC).map(|time| time.timestamp());
    let from = start_of(year.saturating_sub(YEARS_BEFORE)).unwrap_or(now);
    let to = start_of(year.saturating_add(YEARS_AFTER + 1)).unwrap_or(now);
    let first = (from.as_second(), zone.to_offset(from).seconds());
    let later = zone.following(from).take_while(|change| change.timestamp() < to);
    let mut offsets = vec![first];
    for change in later.take(CHANGES_MAX) {
        offsets.push((change.timestamp().as_second(), change.offset().seconds()));
    }
    // A change of name or of the rule alone, with the same offset, says nothing.
    offsets.dedup_by_key(|(_, offset)| *offset);
    Zone { name: name.into(), offsets }
}

/// E012: hours by a clock that nobody knows.
pub(super) fn without_zone(hours: Span) -> Diagnostic {
    let problem = Diagnostic::new(Code::E012, "opening hours need a time zone").at(hours, "by which clock?");
    problem.help("write `timezone = \"America/Los_Angeles\"` at the top of the file")
}

/// All entries of `[hours]`, which are closed on these days.
pub(super) fn read<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    holidays: &Holidays,
    problems: &mut Problems<'_>,
) -> Vec<Clock> {
    let mut found = Vec::new();
    super::peers::bound("hours", HOURS_MAX, &entries, problems);
    for (key, value) in entries.into_iter().take(HOURS_MAX) {
        let windows = windows(&format!("hours.{}", shown(key.text)), value, problems);
        if let Some(gap) = gap(&windows) {
            let title = format!("hours `{}` have a gap of {gap}", shown(key.text));
            let problem = Diagnostic::new(Code::L014, title).at(value.span(), "closed in between");
            problems.add(problem.help(
                "an end is the first minute that is closed: write `24:00` for midnight, and let the next span begin where this one ends",
            ));
        }
        let hours = Hours { windows, holidays: Arc::clone(holidays) };
        found.push(Clock { name: key.text.into(), span: key.span, hours });
    }
    found
}

/// One or several spans of the week.
pub(super) fn windows(what: &str, value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<Window> {
    let mut found = Vec::new();
    let wanted = "hours such as \"mon-fri 08:00-17:00\"";
    for (written, span) in texts(what, wanted, WINDOWS_MAX, value, problems) {
        match window(written) {
            Ok(window) => found.push(window),
            Err(reason) => {
                let title = format!("`{}` are no opening hours", shown(written));
                let problem = Diagnostic::new(Code::E017, title).at(span, reason);
                problems.add(problem.help(
                    "write days and times: \"mon-fri 08:00-17:00\", \"mon,wed 22:00-06:00\", \"sat\"; \
                     several of them as a list",
                ));
            }
        }
    }
    found
}

fn window(written: &str) -> Result<Window, String> {
    let written = written.trim();
    let (days, times) = match written.split_once(char::is_whitespace) {
        Some((days, times)) => (days, times.trim()),
        None => (written, "00:00-24:00"),
    };
    let days = parse_days(days)?;
    let (from, to) = times.split_once('-').ok_or("a time span is written as 08:00-17:00")?;
    let (from, to) = (minute(from.trim())?, minute(to.trim())?);
    if from == DAY {
        return Err("24:00 can only be an end".into());
    }
    if from == to {
        return Err("begins and ends at the same minute; a whole day is 00:00-24:00".into());
    }
    Ok(Window { days, from, to })
}

/// A pause that nobody makes on purpose: how long it is, and when it first is.
fn gap(windows: &[Window]) -> Option<String> {
    let (day, week) = (usize::from(DAY), 7 * usize::from(DAY));
    let mut open = vec![false; week];
    for window in windows {
        let (from, to) = (usize::from(window.from), usize::from(window.to));
        let length = if to > from { to - from } else { to + day - from };
        let days = (0..7).filter(|n| window.days & 1 << n != 0);
        days.for_each(|n| (0..length).for_each(|minute| open[(n * day + from + minute) % week] = true));
    }
    let is_open = |minute: usize| open.get(minute % week).copied().unwrap_or_default();
    let closes = |minute: &usize| !is_open(*minute) && is_open(minute + week - 1);
    let gap = |start: usize| {
        let length = (0..=GAP_MAX).take_while(|minute| !is_open(start + minute)).count();
        (length <= GAP_MAX).then_some((start, length))
    };
    let (start, length) = (0..week).filter(closes).find_map(gap)?;
    let at = |minute: usize| {
        let (name, minute) = (DAYS.get(minute / day % 7).map_or("", |name| &name[..3]), minute % day);
        format!("{name} {:02}:{:02}", minute / 60, minute % 60)
    };
    let unit = if length == 1 { "minute" } else { "minutes" };
    Some(format!("{length} {unit}: from {} to {}", at(start), at(start + length)))
}

/// Days as bits: `mon-fri`, `sat`, `mon,wed-fri`; a span may run over the week's end.
fn parse_days(written: &str) -> Result<u8, String> {
    let mut bits = 0;
    for part in written.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let length = (last + 7 - first) % 7;
        bits |= (0..=length).fold(0, |bits, n| bits | 1 << ((first + n) % 7));
    }
    Ok(bits)
}

fn day(written: &str) -> Result<u8, String> {
    let lower = written.to_ascii_lowercase();
    let short = |(n, name): (u8, &&str)| (lower == *name || lower == name[..3]).then_some(n);
    let found = (0..7).zip(&DAYS).find_map(short);
    found.ok_or_else(|| format!("`{}` is no day: mon, tue, wed, thu, fri, sat, sun", shown(written)))
}

fn minute(written: &str) -> Result<u16, String> {
    let bad = || format!("`{}` is no time of day from 00:00 to 24:00", shown(written));
    let (hour, minute) = written.split_once(':').ok_or_else(bad)?;
    let digits = |text: &str, most: usize| {
        let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { text.parse::<u16>().ok() } else { None }
    };
    let (hour, minute) = (digits(hour, 2).ok_or_else(bad)?, digits(minute, 2).ok_or_else(bad)?);
    let total = hour * 60 + minute;
    if minute > 59 || total > DAY || written.len() < 4 { Err(bad()) } else { Ok(total) }
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const DAY: u16 = 24 * 60;
/// Minutes; a pause that is meant lasts longer.
const GAP_MAX: usize = 5;
/// Calls under way and records of the past are far younger.
pub(super) const YEARS_BEFORE: i16 = 2;
/// A node that has not been restarted for longer has other troubles.
pub(super) const YEARS_AFTER: i16 = 10;
/// Zones with more than four changes a year do not exist; Morocco has up to four.
const CHANGES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_hours_are_days_and_a_span_of_the_clock() {
        let read = |written| window(written).map(|w| (w.days, w.from, w.to));
        assert_eq!(read("mon-fri 08:00-17:00"), Ok((0b001_1111, 480, 1020)));
        assert_eq!(read("sat"), Ok((0b010_0000, 0, 1440)));
        assert_eq!(read("Sat,Sun 9:00-12:30"), Ok((0b110_0000, 540, 750)));
        assert_eq!(read("mon,wed,fri"), Ok((0b001_0101, 0, 1440)));
        assert_eq!(read("fri-mon 22:00-06:00"), Ok((0b111_0001, 1320, 360)));
        assert_eq!(read("mon-sun 00:00-24:00"), Ok((0b111_1111, 0, 1440)));
        assert_eq!(read("Monday 22:00-00:00"), Ok((0b000_0001, 1320, 0)));
    }

    #[test]
    fn what_are_no_opening_hours_is_refused() {
        let long = "mon ".repeat(50);
        for bad in [
            "",
            " ",
            "08:00-17:00",
            "mon 8-17",
            "mon 08:00",
            "mon 24:00-06:00",
            "mon 08:00-08:00",
            "mon 08:60-09:00",
            "mon 08:00-24:01",
            "mon 25:00-26:00",
            "mo 08:00-17:00",
            "mon- 08:00-17:00",
            "mon,,tue",
            "mon -1:00-2:00",
            "mon 08:00-12:00,13:00-17:00",
            "mön 08:00-17:00",
            "mon 8:0-9:00",
            long.as_str(),
        ] {
            assert!(window(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pause_of_a_minute_is_a_slip_and_one_of_an_hour_is_lunch() {
        let found = |written: &[&str]| {
            let windows: Vec<Window> = written.iter().map(|written| window(written).unwrap()).collect();
            gap(&windows)
        };
        let midnight = found(&["mon-sun 00:00-23:59"]);
        assert_eq!(midnight.as_deref(), Some("1 minute: from mon 23:59 to tue 00:00"));
        let noon = found(&["fri 08:00-11:55", "mon-fri 12:00-17:00"]);
        assert_eq!(noon.as_deref(), Some("5 minutes: from fri 11:55 to fri 12:00"));
        let week = found(&["sun 22:00-23:58", "mon 00:00-06:00"]);
        assert_eq!(week.as_deref(), Some("2 minutes: from sun 23:58 to mon 00:00"));
        for fine in [
            &["mon-fri 08:00-12:00", "mon-fri 13:00-17:00"][..],
            &["mon-sun 00:00-24:00"],
            &["mon-fri 22:00-06:00", "mon-fri 06:00-22:00"],
            &["mon 08:00-11:54", "mon 12:00-17:00"],
            &["sat"],
            &[],
        ] {
            assert_eq!(found(fine), None, "{fine:?}");
        }
    }

    #[test]
    fn a_zone_becomes_its_changes_from_two_years_ago_to_ten_years_ahead() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let zone = offsets("America/Los_Angeles", &TimeZone::get("America/Los_Angeles").unwrap(), now);
        assert_eq!(zone.offsets.len(), 1 + 13 * 2);
        assert_eq!(zone.offsets[0], (1_704_067_200, -8 * 3600));
        // Clocks go forward on 8 March 2026 at 10:00 UTC and back on 1 November at 09:00 UTC.
        assert_eq!(zone.offsets[5..7], [(1_772_964_000, -7 * 3600), (1_793_523_600, -8 * 3600)]);
        assert_eq!(offsets("UTC", &TimeZone::UTC, now).offsets, [(1_704_067_200, 0)]);
        assert_eq!(offsets("Asia/Tokyo", &TimeZone::get("Asia/Tokyo").unwrap(), now).offsets.len(), 1);
    }
}
