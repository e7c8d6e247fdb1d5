//! Is somebody speaking? What decides when a recording ends, and whether there is a message in it.

use crate::g711::{Law, RATE};
use core::time::Duration;
use earshot::Detector;

/// Hears one stream. About 8 KiB, on the heap.
pub struct Voice {
    detector: Box<Detector>,
    /// The last samples, oldest first: what the next ones are seen against when they are doubled.
    near: [i16; TAPS.len() * 2],
    /// What the detector has not heard yet, at twice the telephone's rate.
    frame: Vec<i16>,
}

/// Samples of the telephone in one frame of the detector: it wants 256 at 16,000 a second.
pub const FRAME: usize = 128;

/// From this score on it is a voice.
const SPEAKS: f32 = 0.5;

/// Softer than this, on average, is nobody who speaks into a telephone: 20 of 32,768, -64 dBFS.
const FAINT: u32 = 20;

impl Voice {
    /// Has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            detector: Box::new(Detector::default()),
            near: [0; TAPS.len() * 2],
            frame: Vec::with_capacity(FRAME * 2),
        }
    }

    /// Hears what comes next, and tells for how much of it somebody has spoken. What does not fill a frame is told with the next.
    pub fn hear(&mut self, sound: &[u8], law: Law) -> Duration {
        let mut spoken = 0;
        for byte in sound {
            self.double(law.decode(*byte));
            if self.frame.len() == FRAME * 2 {
                spoken += usize::from(self.is_spoken()) * FRAME;
                self.frame.clear();
            }
        }
        Duration::from_secs(spoken as u64) / RATE
    }

    fn is_spoken(&mut self) -> bool {
        let size: u32 = self.frame.iter().map(|sample| u32::from(sample.unsigned_abs())).sum();
        size / (FRAME as u32 * 2) >= FAINT && self.detector.predict_i16(&self.frame) >= SPEAKS
    }

    /// One sample becomes two: itself, some samples late, and the one between it and the next.
    fn double(&mut self, sample: i16) {
        self.near.rotate_left(1);
        self.near[TAPS.len() * 2 - 1] = sample;
        let (before, after) = self.near.split_at(TAPS.len());
        let pairs = before.iter().rev().zip(after).map(|(one, other)| i32::from(*one) + i32::from(*other));
        let between = pairs.zip(TAPS).map(|(pair, tap)| pair * tap).sum::<i32>() >> 15;
        // Whatever is louder than the loudest is as loud.
        let between = between.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        self.frame.extend([before.last().copied().unwrap_or_default(), between]);
    }
}

/// A half-band filter: a sinc in a Hann window, of 32,768 parts, from the middle outwards. It mirrors what is said below 3,000 Hz into what
/// the telephone does not carry, above 4,000 Hz, by 39 dB less.
const TAPS: [i32; 6] = [20_487, -5_930, 2_624, -1_103, 339, -33];

impl core::fmt::Debug for Voice {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Voice").finish_non_exhaustive()
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts;
    use core::f64::consts::TAU;

    /// Milliseconds of speech that are heard, in packets of this length.
    fn spoken(voice: &mut Voice, sound: &[u8], packet: usize) -> u128 {
        sound.chunks(packet).map(|packet| voice.hear(packet, Law::Mu)).sum::<Duration>().as_millis()
    }

    fn seconds(count: usize, sample: impl FnMut(usize) -> f64) -> Vec<u8> {
        (0..count * RATE as usize).map(sample).map(|sample| Law::Mu.encode(sample as i16)).collect()
    }

    fn tone(frequencies: &[f64]) -> Vec<u8> {
        let of = |n: usize, it: &f64| (TAU * it * n as f64 / f64::from(RATE)).sin() * 3_000.0;
        seconds(5, |n| frequencies.iter().map(|it| of(n, it)).sum())
    }

    /// White noise that is at most this loud.
    fn noise(loudest: f64) -> Vec<u8> {
        let mut chance = 12_345_u64;
        seconds(5, |_| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((chance >> 32) as f64 / f64::from(u32::MAX) * 2.0 - 1.0) * loudest
        })
    }

    #[test]
    fn whoever_speaks_is_heard_and_the_pauses_are_not() {
        let heard = [&prompts::GREETING, &prompts::FULL, &prompts::KEPT].map(|prompt| {
            let all = prompt.len() as u128 * 1_000 / u128::from(RATE);
            (spoken(&mut Voice::new(), prompt, 160), all)
        });
        assert_eq!(heard, [(6_752, 7_217), (2_624, 2_899), (1_184, 1_441)]);
    }

    #[test]
    fn the_cut_into_packets_and_the_law_change_nothing() {
        let [one, other] = [160, 77].map(|packet| spoken(&mut Voice::new(), &prompts::FULL, packet));
        assert_eq!(one, other);
        let a_law: Vec<u8> = prompts::FULL.iter().map(|byte| Law::A.encode(Law::Mu.decode(*byte))).collect();
        let heard = Voice::new().hear(&a_law, Law::A).as_millis();
        assert!(heard.abs_diff(one) <= 64, "{heard} {one}");
    }

    #[test]
    fn noise_after_a_voice_is_silence_at_once() {
        for loudest in [0.0, 30.0, 100.0, 300.0, 1_000.0] {
            let mut voice = Voice::new();
            spoken(&mut voice, &prompts::KEPT, 160);
            let noise = noise(loudest);
            let (first, rest) = noise.split_at(RATE as usize);
            let heard = [first, rest].map(|part| spoken(&mut voice, part, 160));
            assert!(heard[0] < 1_000 && heard[1] == 0, "{loudest}: {heard:?}");
        }
    }

    #[test]
    fn our_own_tones_a_fax_and_a_hum_are_no_voice() {
        for tone in [&[1_000.0][..], &[1_400.0], &[1_100.0], &[50.0], &[100.0, 150.0]].map(tone) {
            assert_eq!(spoken(&mut Voice::new(), &tone, 160), 0);
        }
    }

    #[test]
    fn what_is_too_faint_is_no_voice() {
        let far: Vec<u8> =
            prompts::FULL.iter().map(|byte| Law::Mu.encode(Law::Mu.decode(*byte) / 200)).collect();
        assert_eq!(spoken(&mut Voice::new(), &far, 160), 0);
    }

    #[test]
    fn junk_is_heard_without_harm() {
        let mut voice = Voice::new();
        for sound in [vec![], vec![0; 2_048], vec![0x80; 3_001], [0, 0x80].repeat(3_000)] {
            voice.hear(&sound, Law::Mu);
            voice.hear(&sound, Law::A);
        }
    }
}
