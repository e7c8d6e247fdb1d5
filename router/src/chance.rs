//! Chance from a seed: the same seed draws the same numbers.

use core::time::Duration;

/// A SplitMix64 generator (Steele, Lea, Flood 2014): for jitter, tags and Call-IDs, not for keys.
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Starts at a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A pause of 80 to 100 % of `every`. Never longer, so that the promised worst case to DOWN holds at any draw.
    #[must_use]
    pub fn pause(&mut self, every: Duration) -> Duration {
        let cut = self.draw() % (u64::from(u32::MAX) / JITTER_PART);
        let cut = u32::try_from(cut).unwrap_or(0);
        let micros = every.as_micros() * u128::from(cut) / u128::from(u32::MAX);
        every.saturating_sub(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }
}

/// Jitter takes away up to one fifth.
const JITTER_PART: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_80_to_100_percent_of_the_interval_and_uses_all_of_that_range() {
        let mut chance = Chance::new(7);
        let draws: Vec<u128> =
            (0..10_000).map(|_| chance.pause(Duration::from_secs(5)).as_millis()).collect();
        assert!(draws.iter().all(|draw| (4_000..=5_000).contains(draw)), "{draws:?}");
        assert!(draws.iter().any(|draw| *draw < 4_010) && draws.iter().any(|draw| *draw > 4_990));
    }
}
