//! How fast new calls are taken, if somebody says so.

use core::time::Duration;
use sip::Time;

/// New calls a second; as many may come in one burst.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause between calls that come evenly; zero for no bound.
    every: Duration,
    /// When the next one would come if all came evenly (the "theoretical arrival time" of a leaky bucket).
    due: Time,
}

const SECOND: Duration = Duration::from_secs(1);

impl Pace {
    /// So many calls a second; `None` for any number.
    #[must_use]
    pub fn new(cps: Option<u32>) -> Self {
        let every = cps.map_or(Duration::ZERO, |cps| SECOND / cps.max(1));
        Self { every, due: Time::ZERO }
    }

    /// Would one more be too much now?
    #[must_use]
    pub fn is_spent(&self, now: Time) -> bool {
        self.due > now + SECOND.saturating_sub(self.every)
    }

    /// One more is taken.
    pub fn take(&mut self, now: Time) {
        if !self.every.is_zero() {
            self.due = self.due.max(now) + self.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_they_come_evenly() {
        let mut pace = Pace::new(Some(4));
        let mut taken = Vec::new();
        for milliseconds in (0..2_000).step_by(50) {
            let now = Time::from_micros(milliseconds * 1_000);
            if !pace.is_spent(now) {
                pace.take(now);
                taken.push(milliseconds);
            }
        }
        assert_eq!(taken, [0, 50, 100, 150, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    }

    #[test]
    fn without_a_bound_every_call_is_taken() {
        let mut pace = Pace::new(None);
        (0..10_000).for_each(|_| pace.take(Time::ZERO));
        assert!(!pace.is_spent(Time::ZERO));
    }
}
