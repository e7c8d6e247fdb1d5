//! The moment that is asked about: `Tue 23:10`, or RFC 3339.

use jiff::Timestamp;
use router::hours::Zone;
use std::str::FromStr;

/// What `--at` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A day of the week (0 is Monday) and a minute of that day, by the plan's clock: the next one from today on.
    Weekly {
        /// 0 to 6.
        day: u8,
        /// 0 to 1439.
        minute: u16,
    },
    /// A moment, wherever its clock hangs.
    Exactly(Timestamp),
}

impl At {
    /// Seconds since 1970.
    pub fn unix(self, zone: &Zone, now: Timestamp) -> i64 {
        match self {
            Self::Exactly(at) => at.as_second(),
            Self::Weekly { day, minute } => {
                let local = now.as_second().saturating_add(i64::from(zone.offset_at(now.as_second())));
                let today = local.div_euclid(DAY);
                let ahead = (i64::from(day) - (today + THURSDAY)).rem_euclid(7);
                let wall = (today + ahead) * DAY + i64::from(minute) * 60;
                // Right but for the hour in which the clock is set, which no weekly time means.
                let guess = wall - i64::from(zone.offset_at(wall));
                wall - i64::from(zone.offset_at(guess))
            }
        }
    }

    /// As people write it; `unix` by the clock of `zone`.
    pub(crate) fn words(at: Option<Self>, zone: &Zone, unix: i64) -> String {
        let local = unix.saturating_add(i64::from(zone.offset_at(unix)));
        match at {
            None => format!("now, {}", weekly(local)),
            Some(Self::Weekly { .. }) => weekly(local),
            Some(Self::Exactly(_)) => {
                let date = Timestamp::from_second(local).map(|at| at.strftime("%Y-%m-%d").to_string());
                format!("{}, {}", date.unwrap_or_default(), weekly(local))
            }
        }
    }
}

/// `Tue 23:10`, of a local time.
pub(crate) fn weekly(local: i64) -> String {
    let day = usize::try_from((local.div_euclid(DAY) + THURSDAY).rem_euclid(7)).unwrap_or(0);
    let minute = local.rem_euclid(DAY) / 60;
    format!("{} {:02}:{:02}", DAYS.get(day).copied().unwrap_or_default(), minute / 60, minute % 60)
}

impl FromStr for At {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::Exactly(at));
        }
        read_weekly(text).ok_or("write `Tue 23:10`, by the plan's clock, or `2026-11-24T23:10:00-08:00`")
    }
}

fn read_weekly(text: &str) -> Option<At> {
    let (day, time) = text.trim().split_once(' ')?;
    let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day))?;
    let (hour, minute) = time.trim().split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (hour, minute) =
        (Some(hour).filter(|h| digits(h))?, Some(minute).filter(|m| digits(m) && m.len() == 2)?);
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(())?;
    Some(At::Weekly { day: u8::try_from(day).ok()?, minute: hour * 60 + minute })
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY: i64 = 86_400;
/// The day of the week that 1970 began on.
const THURSDAY: i64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn pacific() -> Zone {
        Zone { name: "America/Los_Angeles".into(), offsets: vec![(0, -8 * 3600)] }
    }

    #[test]
    fn a_weekly_time_is_the_next_one_by_the_plans_clock() {
        // Sunday 2026-11-22 20:00 UTC: noon in Los Angeles.
        let now = Timestamp::from_second(1_795_377_600).unwrap();
        let at: At = "tue 23:10".parse().unwrap();
        let unix = at.unix(&pacific(), now);
        assert_eq!(Timestamp::from_second(unix).unwrap().to_string(), "2026-11-25T07:10:00Z");
        assert_eq!(At::words(Some(at), &pacific(), unix), "Tue 23:10");
        assert_eq!(At::words(None, &pacific(), now.as_second()), "now, Sun 12:00");
    }

    #[test]
    fn an_exact_time_is_shown_by_the_plans_clock() {
        let at: At = "2026-11-24T23:10:00Z".parse().unwrap();
        let unix = at.unix(&pacific(), Timestamp::UNIX_EPOCH);
        assert_eq!(At::words(Some(at), &pacific(), unix), "2026-11-24, Tue 15:10");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "Tue", "Tue 24:00", "Tue 9:60", "Die 10:00", "Tue +9:00", "23:10", "tomorrow"] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
    }
}
