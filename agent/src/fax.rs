//! A fax machine that calls: 1,100 Hz for half a second, every three seconds (ITU-T T.30 §4.3.3.1.1).

use crate::g711::Law;
use crate::goertzel::{Goertzel, power_of, power_of_all};

/// Listens for the tone.
#[derive(Clone, Debug)]
pub struct Fax {
    tone: Goertzel,
    energy: f32,
    filled: usize,
    /// Blocks in a row that were nothing but the tone.
    pure: u32,
}

/// Samples that are judged at once: 8 ms, in which a tone 38 Hz beside it, as is allowed, looks like it, and one of 1,000 Hz does not.
const BLOCK: usize = 64;

const TONE: f32 = 1_100.0;

/// So much of all that is heard is the tone.
const PURE: f32 = 0.6;

/// The least size of the tone: 40 dB below the loudest.
const SIZE_MIN: f32 = 320.0;

/// Blocks that are one tone: 384 of its 500 ms.
const BLOCKS: u32 = 48;

impl Default for Fax {
    fn default() -> Self {
        Self { tone: Goertzel::new(TONE), energy: 0.0, filled: 0, pure: 0 }
    }
}

impl Fax {
    /// Hears what comes next. True once the tone was heard for most of its length.
    pub fn hear(&mut self, sound: &[u8], law: Law) -> bool {
        for byte in sound {
            let sample = f32::from(law.decode(*byte));
            self.tone.hear(sample);
            self.energy += sample * sample;
            self.filled += 1;
            if self.filled == BLOCK {
                self.judge();
            }
        }
        self.pure >= BLOCKS
    }

    fn judge(&mut self) {
        let (power, all) = (self.tone.power(), power_of_all(self.energy, BLOCK));
        let is_tone = power >= power_of(SIZE_MIN, BLOCK) && power >= PURE * all;
        self.pure = if is_tone { self.pure + 1 } else { 0 };
        self.tone.clear();
        (self.energy, self.filled) = (0.0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::RATE;
    use crate::prompts;
    use core::f32::consts::TAU;

    /// After how many packets of 20 ms it is told.
    fn heard(fax: &mut Fax, sound: &[u8]) -> Option<usize> {
        sound.chunks(160).position(|packet| fax.hear(packet, Law::Mu))
    }

    fn tone(frequency: f32, size: f32, milliseconds: usize) -> Vec<u8> {
        let at = |n: usize| (TAU * frequency * n as f32 / RATE as f32).sin() * size;
        (0..milliseconds * 8).map(|n| Law::Mu.encode(at(n) as i16)).collect()
    }

    #[test]
    fn a_fax_machine_is_told_within_its_first_tone() {
        for frequency in [1_062.0, 1_100.0, 1_138.0] {
            for size in [400.0, 8_000.0] {
                let told = heard(&mut Fax::default(), &tone(frequency, size, 500));
                assert!(told.is_some_and(|packet| packet <= 19), "{frequency} {size}: {told:?}");
            }
        }
    }

    #[test]
    fn the_tone_is_found_in_the_middle_of_anything_else() {
        let sound = [prompts::KEPT.to_vec(), tone(1_100.0, 3_000.0, 500)].concat();
        let begins = prompts::KEPT.len() / 160;
        let told = heard(&mut Fax::default(), &sound);
        assert!(told.is_some_and(|packet| (begins..begins + 24).contains(&packet)), "{told:?}");
    }

    #[test]
    fn people_our_own_tones_and_other_tones_are_no_fax_machine() {
        let mut fax = Fax::default();
        for (name, prompt) in prompts::ALL {
            assert_eq!(heard(&mut fax, prompt), None, "{name}");
        }
        for frequency in [425.0, 1_000.0, 1_200.0, 1_209.0, 2_100.0] {
            assert_eq!(heard(&mut fax, &tone(frequency, 8_000.0, 2_000)), None, "{frequency}");
        }
        for sound in
            [tone(1_100.0, 8_000.0, 380), vec![0xff; 8_000], vec![0; 8_000], tone(1_100.0, 100.0, 900)]
        {
            assert_eq!(heard(&mut fax, &sound), None);
        }
    }
}
