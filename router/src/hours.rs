//! Opening hours: when is a business open, by its own clock on the wall.

use std::sync::Arc;

/// The offsets of a time zone from UTC, as a list of changes: made by the edge from the zone database, since
/// nothing in here reads files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The IANA name, for people.
    pub name: String,
    /// From this second since 1970 (UTC) on, local time is UTC plus so many seconds. Sorted; the first entry also
    /// holds before it; empty means UTC.
    pub offsets: Vec<(i64, i32)>,
}

impl Zone {
    /// How far the wall clock is ahead of UTC at this second since 1970, in seconds.
    #[must_use]
    pub fn offset_at(&self, unix_seconds: i64) -> i32 {
        let after = self.offsets.partition_point(|(from, _)| *from <= unix_seconds);
        self.offsets.get(after.saturating_sub(1)).map_or(0, |(_, offset)| *offset)
    }

    /// When the wall clock is next set, if that is before `end`.
    fn next_change(&self, unix_seconds: i64, end: i64) -> Option<i64> {
        let after = self.offsets.partition_point(|(from, _)| *from <= unix_seconds);
        self.offsets.get(after).map(|(from, _)| *from).filter(|from| *from < end)
    }
}

/// When a plan is open: weekly windows in the plan's zone, but for holidays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// The windows; open is the union of them. None at all: never open.
    pub windows: Vec<Window>,
    /// Days since 1970 by the clock on the wall, in order, on which it is closed from midnight to midnight.
    pub holidays: Arc<[i32]>,
}

/// One weekly window. `from` is in, `to` is out; a window with `to` at or before `from` runs over midnight into the
/// next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days it begins on: bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// Minute of the day it begins at, 0 to 1439.
    pub from: u16,
    /// Minute of the day it ends at, 0 to 1440.
    pub to: u16,
}

impl Hours {
    /// Whether it is open at this second since 1970, by what a clock on the wall in that zone shows: where an hour is
    /// skipped, a window in it does not happen; where an hour is repeated, a window in it happens twice.
    #[must_use]
    pub fn open_at(&self, zone: &Zone, unix_seconds: i64) -> bool {
        let wall = Wall::at(zone, unix_seconds);
        !self.is_holiday(wall.date) && self.windows.iter().any(|window| window.holds(wall))
    }

    /// The next second since 1970, after this one, at which it opens or closes; `None` if it does neither within
    /// fifteen days.
    #[must_use]
    pub fn next_change(&self, zone: &Zone, unix_seconds: i64) -> Option<i64> {
        let open = self.open_at(zone, unix_seconds);
        let end = unix_seconds.saturating_add(LOOK_AHEAD);
        let mut at = unix_seconds;
        while at < end {
            at = self.next_edge(zone, at, end);
            if self.open_at(zone, at) != open {
                return Some(at);
            }
        }
        None
    }

    fn is_holiday(&self, date: i64) -> bool {
        i32::try_from(date).is_ok_and(|date| self.holidays.binary_search(&date).is_ok())
    }

    /// The next moment at which anything can change: a day that begins before or after a holiday, a window's edge, or the clock being set; else `end`.
    fn next_edge(&self, zone: &Zone, unix_seconds: i64, end: i64) -> i64 {
        let local = unix_seconds.saturating_add(i64::from(zone.offset_at(unix_seconds)));
        let second = local.rem_euclid(DAY);
        let midnight = (!self.holidays.is_empty()).then_some(0);
        let minutes = self.windows.iter().flat_map(|window| [window.from, window.to]).chain(midnight);
        let edges = minutes.map(|minute| {
            let wait = (i64::from(minute) * 60 - second).rem_euclid(DAY);
            unix_seconds.saturating_add(if wait == 0 { DAY } else { wait })
        });
        edges.chain(zone.next_change(unix_seconds, end)).min().unwrap_or(end).min(end)
    }
}

impl Window {
    fn holds(&self, wall: Wall) -> bool {
        let begins = |day: u8| self.days >> day & 1 == 1;
        if self.from < self.to {
            return begins(wall.day) && (self.from..self.to).contains(&wall.minute);
        }
        let yesterday = (wall.day + 6) % 7;
        begins(wall.day) && wall.minute >= self.from || begins(yesterday) && wall.minute < self.to
    }
}

/// What a clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wall {
    /// Days since 1970.
    date: i64,
    /// 0 is Monday, 6 Sunday.
    day: u8,
    /// Of the day, 0 to 1439.
    minute: u16,
}

impl Wall {
    fn at(zone: &Zone, unix_seconds: i64) -> Self {
        let local = unix_seconds.saturating_add(i64::from(zone.offset_at(unix_seconds)));
        let date = local.div_euclid(DAY);
        let day = (date + THURSDAY).rem_euclid(7);
        let minute = local.rem_euclid(DAY) / 60;
        Self { date, day: u8::try_from(day).unwrap_or(0), minute: u16::try_from(minute).unwrap_or(0) }
    }
}

/// Seconds in a day without a change of the clock.
const DAY: i64 = 86_400;

/// The day of the week that 1970 began on.
const THURSDAY: i64 = 3;

/// Two weeks and a day: a weekly window that the clock skips comes again after two weeks.
const LOOK_AHEAD: i64 = 15 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01 00:00 UTC, a Thursday.
    const NEW_YEAR: i64 = 1_767_225_600;
    /// 2026-03-08 07:00 UTC: in New York 02:00 becomes 03:00.
    const SPRING: i64 = 1_772_953_200;
    /// 2026-11-01 06:00 UTC: in New York 02:00 becomes 01:00.
    const AUTUMN: i64 = 1_793_512_800;
    const WORKDAYS: u8 = 0b001_1111;
    const SATURDAY: u8 = 0b010_0000;
    const SUNDAY: u8 = 0b100_0000;

    fn new_york() -> Zone {
        let offsets = vec![(NEW_YEAR - 60 * DAY, -5 * 3600), (SPRING, -4 * 3600), (AUTUMN, -5 * 3600)];
        Zone { name: "America/New_York".to_owned(), offsets }
    }

    fn hours(windows: &[(u8, u16, u16)]) -> Hours {
        let windows = windows.iter().map(|&(days, from, to)| Window { days, from, to }).collect();
        Hours { windows, ..Hours::default() }
    }

    /// A week as 10,080 minutes from Monday, painted window by window, minute by minute.
    fn painted(hours: &Hours) -> Vec<bool> {
        let mut week = vec![false; 7 * 1440];
        for window in &hours.windows {
            for day in (0..7).filter(|day| window.days & (1 << day) != 0) {
                let first = day * 1440 + usize::from(window.from);
                let mut length = usize::from(window.to) + 1440 - usize::from(window.from);
                if window.to > window.from {
                    length -= 1440;
                }
                for minute in first..first + length {
                    week[minute % (7 * 1440)] = true;
                }
            }
        }
        week
    }

    /// The minute of the week that a clock shows that somebody sets twice a year.
    fn clock_over_2026() -> impl Iterator<Item = (i64, usize)> {
        // 19:00 on a Wednesday in New York.
        let mut shown = 2 * 1440 + 19 * 60;
        (0..365 * 1440).map(move |minute| {
            let unix = NEW_YEAR + minute * 60;
            if unix == SPRING {
                shown += 60;
            }
            if unix == AUTUMN {
                shown -= 60;
            }
            let now = shown % (7 * 1440);
            shown += 1;
            (unix, now)
        })
    }

    fn business() -> [Hours; 5] {
        [
            hours(&[(WORKDAYS, 8 * 60, 12 * 60), (WORKDAYS, 13 * 60, 18 * 60)]),
            hours(&[(0b111_1111, 22 * 60, 6 * 60), (SATURDAY, 10 * 60, 1440)]),
            hours(&[(SATURDAY | SUNDAY, 23 * 60 + 30, 2 * 60 + 30), (SUNDAY, 60 + 15, 60 + 45)]),
            hours(&[(SUNDAY, 0, 0), (0b000_0001, 0, 1440)]),
            hours(&[]),
        ]
    }

    #[test]
    fn every_minute_of_a_year_agrees_with_a_clock_that_is_set_by_hand() {
        for hours in business() {
            let week = painted(&hours);
            for (unix, minute) in clock_over_2026() {
                let open = [hours.open_at(&new_york(), unix), hours.open_at(&new_york(), unix + 59)];
                assert_eq!(open, [week[minute]; 2], "{unix} {hours:?}");
            }
        }
    }

    #[test]
    fn the_next_change_is_the_first_minute_that_differs() {
        for hours in business() {
            let open: Vec<bool> =
                (0..365 * 1440).map(|minute| hours.open_at(&new_york(), NEW_YEAR + minute * 60)).collect();
            let mut next = None;
            for minute in (0..open.len() - 1).rev() {
                let unix = |minute: usize| NEW_YEAR + i64::try_from(minute).unwrap() * 60;
                if open[minute] != open[minute + 1] {
                    next = Some(unix(minute + 1));
                }
                if minute % 7 == 0 && minute < 345 * 1440 {
                    assert_eq!(hours.next_change(&new_york(), unix(minute)), next, "{minute} {hours:?}");
                }
            }
        }
    }

    #[test]
    fn a_skipped_window_does_not_happen_and_a_repeated_one_happens_twice() {
        let skipped = hours(&[(SUNDAY, 2 * 60, 3 * 60)]);
        let repeated = hours(&[(SUNDAY, 60, 2 * 60)]);
        let zone = new_york();
        let minutes = |hours: &Hours, around: i64| {
            (-720..720).filter(|minute| hours.open_at(&zone, around + minute * 60)).count()
        };
        assert_eq!([minutes(&skipped, SPRING), minutes(&repeated, AUTUMN)], [0, 120]);
    }

    #[test]
    fn a_zone_without_offsets_is_utc_and_the_first_offset_holds_before_it() {
        let utc = Zone::default();
        let zone = Zone { name: String::new(), offsets: vec![(100, 3600), (200, 7200)] };
        assert_eq!(
            [
                utc.offset_at(0),
                zone.offset_at(i64::MIN),
                zone.offset_at(99),
                zone.offset_at(100),
                zone.offset_at(199)
            ],
            [0, 3600, 3600, 3600, 3600]
        );
        assert_eq!([zone.offset_at(200), zone.offset_at(i64::MAX)], [7200, 7200]);
    }

    #[test]
    fn no_moment_and_no_window_is_too_odd_to_answer_for() {
        let odd = hours(&[(u8::MAX, u16::MAX, 0), (0x80, 0, u16::MAX), (1, 5000, 6000)]);
        for unix in [i64::MIN, -1, 0, i64::MAX] {
            let open = odd.open_at(&new_york(), unix);
            let next = odd.next_change(&new_york(), unix);
            assert!(next.is_none_or(|next| next > unix && odd.open_at(&new_york(), next) != open));
        }
    }

    #[test]
    fn a_holiday_is_closed_from_midnight_to_midnight() {
        let zone = new_york();
        // Thursday, the first of January, and the day on which the clocks are set forward.
        let days = [NEW_YEAR, SPRING].map(|unix| i32::try_from(unix / DAY).unwrap());
        let nights = Hours { holidays: days.into(), ..hours(&[(0b111_1111, 22 * 60, 6 * 60)]) };
        let plain = hours(&[(0b111_1111, 22 * 60, 6 * 60)]);
        for minute in -3 * 1440..100 * 1440 {
            let unix = NEW_YEAR + minute * 60;
            let local = unix + i64::from(zone.offset_at(unix));
            let is_holiday = days.contains(&i32::try_from(local.div_euclid(DAY)).unwrap());
            assert_eq!(nights.open_at(&zone, unix), !is_holiday && plain.open_at(&zone, unix), "{minute}");
        }
        // Wednesday 23:00: it closes at midnight, and opens at the next one.
        let eve = NEW_YEAR + 4 * 3600;
        assert_eq!(nights.next_change(&zone, eve), Some(NEW_YEAR + 5 * 3600));
        assert_eq!(nights.next_change(&zone, NEW_YEAR + 5 * 3600), Some(NEW_YEAR + 29 * 3600));
    }

    #[test]
    fn always_open_never_changes() {
        let always = hours(&[(0b111_1111, 0, 1440)]);
        assert_eq!(
            (always.open_at(&new_york(), SPRING), always.next_change(&new_york(), SPRING - 1)),
            (true, None)
        );
    }
}
