//! How much a course has sent out to phone numbers lately, and how much it may: whoever finds a way to make it ring numbers
//! that he earns by does not earn for long.

use core::time::Duration;
use sip::Time;

/// How much a course may send out to phone numbers. Without any it may all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cap {
    /// Answered calls within an hour.
    pub calls_per_hour: Option<u32>,
    /// Answered calls within a day.
    pub calls_per_day: Option<u32>,
    /// Minutes of calls that ended within a day.
    pub minutes_per_day: Option<u32>,
}

/// What a course has spent, as far as it is remembered: a restart forgets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    hour: Window<12>,
    day: Window<24>,
    seconds: Window<24>,
}

/// Sums over the last so many spans of time, the present one too.
#[derive(Clone, Copy, Debug)]
struct Window<const N: usize> {
    spans: [u32; N],
    last: u64,
}

/// An hour is seen in twelve spans, a day in twenty-four: what was spent is forgotten early by less than one span.
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3_600);

impl Spent {
    /// A phone number has answered.
    pub fn on_answered(&mut self, now: Time) {
        self.hour.add(1, FIVE_MINUTES, now);
        self.day.add(1, HOUR, now);
    }

    /// A call with a phone number is over that has lasted so long.
    pub fn on_over(&mut self, lasted: Duration, now: Time) {
        self.seconds.add(u32::try_from(lasted.as_secs()).unwrap_or(u32::MAX), HOUR, now);
    }

    /// Has it spent all that it may?
    #[must_use]
    pub fn is_over(&self, cap: &Cap, now: Time) -> bool {
        let over = |most: Option<u32>, spent: u64| most.is_some_and(|most| spent >= u64::from(most));
        over(cap.calls_per_hour, self.hour.sum(FIVE_MINUTES, now))
            || over(cap.calls_per_day, self.day.sum(HOUR, now))
            || over(cap.minutes_per_day, self.seconds.sum(HOUR, now) / 60)
    }

    /// Is nothing of it left?
    #[must_use]
    pub fn is_nothing(&self, now: Time) -> bool {
        self.day.sum(HOUR, now) == 0 && self.seconds.sum(HOUR, now) == 0
    }
}

impl<const N: usize> Default for Window<N> {
    fn default() -> Self {
        Self { spans: [0; N], last: 0 }
    }
}

impl<const N: usize> Window<N> {
    fn add(&mut self, amount: u32, span: Duration, now: Time) {
        let present = span_of(span, now);
        for passed in self.last + 1..=present.min(self.last + N as u64) {
            if let Some(slot) = self.spans.get_mut(place::<N>(passed)) {
                *slot = 0;
            }
        }
        self.last = self.last.max(present);
        if let Some(slot) = self.spans.get_mut(place::<N>(present)) {
            *slot = slot.saturating_add(amount);
        }
    }

    fn sum(&self, span: Duration, now: Time) -> u64 {
        let present = span_of(span, now);
        let first = present.saturating_sub(N as u64 - 1).max(self.last.saturating_sub(N as u64 - 1));
        let spans = first..=self.last;
        spans.filter_map(|at| self.spans.get(place::<N>(at))).map(|amount| u64::from(*amount)).sum()
    }
}

fn span_of(span: Duration, now: Time) -> u64 {
    u64::try_from(u128::from(now.as_micros()) / span.as_micros()).unwrap_or(u64::MAX)
}

fn place<const N: usize>(at: u64) -> usize {
    usize::try_from(at % N as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Time {
        Time::ZERO + Duration::from_secs(60 * minutes)
    }

    #[test]
    fn calls_count_for_an_hour_and_for_a_day() {
        let (hourly, daily) = (
            Cap { calls_per_hour: Some(2), ..Cap::default() },
            Cap { calls_per_day: Some(3), ..Cap::default() },
        );
        let mut spent = Spent::default();
        let over = |spent: &Spent, minutes| {
            (spent.is_over(&hourly, at(minutes)), spent.is_over(&daily, at(minutes)))
        };
        spent.on_answered(at(0));
        assert_eq!(over(&spent, 1), (false, false));
        spent.on_answered(at(30));
        assert_eq!(
            [over(&spent, 30), over(&spent, 59), over(&spent, 60)],
            [(true, false), (true, false), (false, false)]
        );
        spent.on_answered(at(61));
        assert_eq!(
            [over(&spent, 61), over(&spent, 89), over(&spent, 90)],
            [(true, true), (true, true), (false, true)]
        );
        assert_eq!([over(&spent, 1_439), over(&spent, 1_440)], [(false, true), (false, false)]);
        assert_eq!([spent.is_nothing(at(1_440)), spent.is_nothing(at(100_000))], [false, true]);
        assert!(!spent.is_over(&Cap::default(), at(61)));
    }

    #[test]
    fn minutes_count_when_a_call_is_over() {
        let cap = Cap { minutes_per_day: Some(90), ..Cap::default() };
        let mut spent = Spent::default();
        spent.on_over(Duration::from_secs(60 * 89 + 59), at(100));
        assert!(!spent.is_over(&cap, at(100)));
        spent.on_over(Duration::from_secs(1), at(2_000));
        assert!(!spent.is_over(&cap, at(2_000)), "the first is a day ago");
        spent.on_over(Duration::from_secs(60 * 90), at(2_001));
        assert!(spent.is_over(&cap, at(2_002)));
    }
}
