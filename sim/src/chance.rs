//! Chance, from a seed: the same seed draws the same run.

use core::time::Duration;

/// The node's own generator, with the draws that a simulation needs. Not for secrets.
#[derive(Clone, Debug)]
pub struct Chance(router::chance::Chance);

impl Chance {
    /// Begins at a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(router::chance::Chance::new(seed))
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// A number below `bound`; 0 if the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.draw() % bound }
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, rate: u16) -> bool {
        rate > 0 && self.below(1000) < u64::from(rate)
    }

    /// A span between two, both in, to the microsecond.
    pub fn span(&mut self, from: Duration, to: Duration) -> Duration {
        let low = u64::try_from(from.as_micros()).unwrap_or(u64::MAX);
        let high = u64::try_from(to.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1))))
    }

    /// One of these, or `None` of none.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let place = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list.get(place)
    }
}

/// Mixes bytes into a running hash; fast, not for secrets.
#[must_use]
pub fn mix(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = mix_word(hash, u64::from_le_bytes(word));
    }
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(chunks.remainder()) {
        *to = *from;
    }
    mix_word(mix_word(hash, u64::from_le_bytes(word)), bytes.len() as u64)
}

/// Mixes one word into a running hash.
#[must_use]
pub const fn mix_word(hash: u64, word: u64) -> u64 {
    let mixed = (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let (mut one, mut other) = (Chance::new(7), Chance::new(7));
        assert!((0..100).all(|_| one.draw() == other.draw()));
        assert_ne!(Chance::new(7).draw(), Chance::new(8).draw());
    }

    #[test]
    fn a_rate_is_met_about_as_often_as_it_says() {
        let mut chance = Chance::new(1);
        let hits = (0..10_000).filter(|_| chance.permille(300)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }

    #[test]
    fn hashes_tell_lengths_and_bytes_apart() {
        assert_ne!(mix(0, b"abc"), mix(0, b"abc\0"));
        assert_ne!(mix(0, b"12345678a"), mix(0, b"12345678b"));
    }
}
