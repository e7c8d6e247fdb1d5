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
    /// The mean sizes of the last frames in a row that sound like a voice, and are not told yet.
    stretch: Vec<u32>,
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
            stretch: Vec::with_capacity(STRETCH),
        }
    }

    /// Hears what comes next, and tells for how much somebody has spoken: at the end of each word, or of each half second of it.
    pub fn hear(&mut self, sound: &[u8], law: Law) -> Duration {
        let mut spoken = 0;
        for byte in sound {
            self.double(law.decode(*byte));
            if self.frame.len() == FRAME * 2 {
                spoken += self.judge();
                self.frame.clear();
            }
        }
        Duration::from_secs((spoken * FRAME) as u64) / RATE
    }

    /// Nothing comes any more: tells what was not told yet.
    pub fn end(&mut self) -> Duration {
        let spoken = self.tell();
        Duration::from_secs((spoken * FRAME) as u64) / RATE
    }

    /// Judges a frame; tells how many there were in the stretch of speech that ends with it.
    fn judge(&mut self) -> usize {
        let size = self.frame.iter().map(|sample| u32::from(sample.unsigned_abs())).sum::<u32>();
        let size = size / (FRAME as u32 * 2);
        let is_voice = size >= FAINT && self.detector.predict_i16(&self.frame) >= SPEAKS;
        if is_voice {
            self.stretch.push(size);
        }
        if is_voice && self.stretch.len() < STRETCH {
            return 0;
        }
        self.tell()
    }

    /// The stretch ends here.
    fn tell(&mut self) -> usize {
        let spoken = if is_even(&mut self.stretch) { 0 } else { self.stretch.len() };
        self.stretch.clear();
        spoken
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

/// Frames that are judged together: half a second.
const STRETCH: usize = 31;

/// Is it a tone? To the detector those of an exchange, at 350 to 620 Hz, are a voice, and a line that was left open would be recorded
/// to the longest. No voice is as even as they are.
fn is_even(sizes: &mut [u32]) -> bool {
    sizes.sort_unstable();
    let middle = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    let near = sizes.iter().filter(|size| size.abs_diff(middle) * 4 <= middle).count();
    near * 5 >= sizes.len() * 4
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
    fn the_tones_of_an_exchange_are_no_voice() {
        for frequencies in [&[425.0][..], &[400.0], &[450.0], &[350.0, 440.0], &[480.0, 620.0]] {
            let steady = tone(frequencies);
            let on = |n: usize| n % RATE as usize * 2 < RATE as usize;
            let busy: Vec<u8> =
                steady.iter().enumerate().map(|(n, byte)| if on(n) { *byte } else { 0xff }).collect();
            let heard = [steady, busy].map(|sound| {
                let mut voice = Voice::new();
                spoken(&mut voice, &sound, 160) + voice.end().as_millis()
            });
            assert_eq!(heard, [0, 0], "{frequencies:?}");
        }
    }

    #[test]
    fn who_is_cut_off_in_the_middle_of_a_word_has_spoken() {
        let mut voice = Voice::new();
        let told = spoken(&mut voice, &prompts::KEPT[..8_000], 160);
        assert_eq!((told, voice.end().as_millis(), voice.end().as_millis()), (496, 368, 0));
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
