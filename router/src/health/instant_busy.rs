//! "Busy" that is not busy: a trunk at its limit that says so in the only word it has.
//!
//! A machine that answers 486 or 603 within half a second, without ringing and without a cause, has asked no phone. Once
//! may be somebody who has blocked us. Three times within a minute for two different numbers is the trunk's.

use core::time::Duration;
use sip::Time;
use std::collections::VecDeque;
use std::sync::Arc;

/// The fast refusals of one path that may still count.
#[derive(Clone, Debug, Default)]
pub(super) struct InstantBusy {
    /// When, and for which number; oldest first.
    seen: VecDeque<(Time, Arc<str>)>,
}

/// So many in one minute are too many. No more are kept: had the ones before been for different numbers, the rule would
/// have spoken then.
const BUSIES: usize = 3;

/// How long one counts.
const WINDOW: Duration = Duration::from_secs(60);

/// How long the trunk is left alone, as after a 503 with this Retry-After.
pub(super) const REST: Duration = Duration::from_secs(10);

impl InstantBusy {
    /// Is there nothing that could count?
    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes a fast refusal of a call to this number. True if the trunk is at its limit; it then has to say so anew.
    pub(super) fn on_busy(&mut self, number: &Arc<str>, now: Time) -> bool {
        self.seen.retain(|(at, _)| now.since(*at) < WINDOW);
        if self.seen.len() >= BUSIES {
            self.seen.pop_front();
        }
        self.seen.push_back((now, Arc::clone(number)));
        let is_other = self.seen.iter().any(|(_, other)| other != number);
        let at_limit = self.seen.len() >= BUSIES && is_other;
        if at_limit {
            self.seen.clear();
        }
        at_limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said to fast refusals at these seconds for these numbers.
    fn told(busies: &[(u64, &str)]) -> Vec<bool> {
        let mut machine = InstantBusy::default();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        busies.iter().map(|(second, number)| machine.on_busy(&(*number).into(), at(*second))).collect()
    }

    #[test]
    fn three_in_a_minute_for_two_numbers_are_the_trunks() {
        assert_eq!(told(&[(0, "a"), (20, "b"), (59, "a")]), [false, false, true]);
        assert_eq!(told(&[(0, "a"), (0, "b"), (0, "c")]), [false, false, true]);
    }

    #[test]
    fn two_or_three_for_one_number_or_in_more_than_a_minute_are_not() {
        assert_eq!(told(&[(0, "a"), (1, "b")]), [false, false]);
        assert_eq!(told(&[(0, "a"), (1, "a"), (2, "a"), (3, "a")]), [false; 4]);
        assert_eq!(told(&[(0, "a"), (30, "b"), (60, "a")]), [false; 3]);
        assert_eq!(told(&[(0, "a"), (30, "b"), (60, "a"), (61, "a")]), [false, false, false, true]);
    }

    #[test]
    fn somebody_who_blocks_us_hides_nobody_else() {
        let mut busies = vec![(0, "a"); 100];
        busies.push((1, "b"));
        let told = told(&busies);
        assert_eq!((told.iter().filter(|told| **told).count(), told.last()), (1, Some(&true)));
    }

    #[test]
    fn a_trunk_that_has_said_so_has_to_say_it_anew() {
        let busies = [(0, "a"), (1, "b"), (2, "c"), (13, "a"), (14, "b"), (15, "c")];
        assert_eq!(told(&busies), [false, false, true, false, false, true]);
    }

    #[test]
    fn it_keeps_three() {
        let mut machine = InstantBusy::default();
        for second in 0..1000 {
            machine.on_busy(&"a".into(), Time::ZERO + Duration::from_millis(second));
            assert!(machine.seen.len() <= BUSIES);
        }
    }
}
