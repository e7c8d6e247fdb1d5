//! How fast new calls are taken, by a node or by what has a limit.

use core::time::Duration;
use sip::Time;

/// New calls a second; as many may come in one burst. `None` is any number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// When the next one would come if all came evenly (the "theoretical arrival time" of a leaky bucket).
    due: Time,
}

const SECOND: Duration = Duration::from_secs(1);

impl Pace {
    /// Would one more be too much now?
    #[must_use]
    pub fn is_spent(&self, cps: Option<u32>, now: Time) -> bool {
        cps.is_some_and(|cps| self.due > now + (SECOND - pause(cps)))
    }

    /// One more is taken. What is taken in spite of the pace is not held against it for long.
    pub fn take(&mut self, cps: Option<u32>, now: Time) {
        if let Some(cps) = cps {
            self.due = (self.due.max(now) + pause(cps)).min(now + SECOND * 2);
        }
    }
}

/// The pause between calls that come evenly.
fn pause(cps: u32) -> Duration {
    SECOND / cps.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_they_come_evenly() {
        let mut pace = Pace::default();
        let mut taken = Vec::new();
        for milliseconds in (0..2_000).step_by(50) {
            let now = Time::from_micros(milliseconds * 1_000);
            if !pace.is_spent(Some(4), now) {
                pace.take(Some(4), now);
                taken.push(milliseconds);
            }
        }
        assert_eq!(taken, [0, 50, 100, 150, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    }

    #[test]
    fn without_a_bound_every_call_is_taken() {
        let mut pace = Pace::default();
        (0..10_000).for_each(|_| pace.take(None, Time::ZERO));
        assert!(!pace.is_spent(None, Time::ZERO));
    }
}
