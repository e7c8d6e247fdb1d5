//! When a letter that did not arrive is tried again.

use core::time::Duration;
use router::chance::Chance;

/// How long is waited, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After the first tries, one after the other.
    pub first: &'static [Duration],
    /// After each later one.
    pub later: Duration,
    /// A letter that is older than this is dead.
    pub give_up: Duration,
}

impl Pace {
    /// For how long to wait after so many tries, up to a fifth less; `None` if it was long enough. `age`: since when the
    /// letter is on its way.
    #[must_use]
    pub fn wait(&self, tries: u32, age: Duration, chance: &mut Chance) -> Option<Duration> {
        if age >= self.give_up {
            return None;
        }
        let nth = usize::try_from(tries).unwrap_or(usize::MAX).saturating_sub(1);
        let wait = self.first.get(nth).copied().unwrap_or(self.later);
        // The last try is when the time is over, not hours before.
        Some(chance.pause(wait).min(self.give_up.saturating_sub(age)))
    }
}

/// Most failures are over in a moment; an outage of a mail server is over within a weekend.
pub const PACE: Pace = Pace {
    first: &[
        Duration::from_secs(10),
        Duration::from_secs(30),
        Duration::from_secs(120),
        Duration::from_secs(600),
        Duration::from_secs(3_600),
    ],
    later: Duration::from_secs(4 * 3_600),
    give_up: Duration::from_secs(3 * 86_400),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_ever_later_for_three_days() {
        let mut chance = Chance::new(7);
        let (mut age, mut tries, mut waits) = (Duration::ZERO, 1, Vec::new());
        while let Some(wait) = PACE.wait(tries, age, &mut chance) {
            waits.push(wait.as_secs());
            age += wait;
            tries += 1;
        }
        let bounds = [(8, 10), (24, 30), (96, 120), (480, 600), (2_880, 3_600)];
        for (wait, (least, most)) in waits.iter().zip(bounds) {
            assert!((least..=most).contains(wait), "{waits:?}");
        }
        let (last, later) = waits[bounds.len()..].split_last().unwrap();
        assert!(later.iter().all(|wait| (11_520..=14_400).contains(wait)), "{waits:?}");
        assert!(*last <= 14_400 && age == PACE.give_up, "{age:?}");
        assert!((18..=24).contains(&later.len()), "{waits:?}");
        assert_ne!(waits[5], waits[6], "letters that failed together are not tried together");
    }
}
