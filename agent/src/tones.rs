//! Digits heard in the sound itself, where the other side says them in no better way: two tones at once (ITU-T Q.23), by
//! Goertzel's filter. Speech must not be taken for one: somebody's greeting would take the call.

use crate::g711::Law;
use crate::goertzel::{Goertzel, power_of, power_of_all};

/// What is heard on one stream.
#[derive(Clone, Debug)]
pub struct Tones {
    tones: [Goertzel; 8],
    energy: f32,
    /// Samples of this block.
    filled: usize,
    /// What the last block was.
    before: Option<char>,
    /// The digit that is being pressed, and for how many blocks it was not heard.
    pressed: Option<(char, u8)>,
}

/// Samples that are judged at once: 12.75 ms. A press of 40 ms (ITU-T Q.24) holds two of them, wherever it begins.
const BLOCK: usize = 102;

/// The rows and columns of the keys, in Hz.
const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];

const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The least size of a tone, of 32,124: -36 dB of the loudest.
const SIZE_MIN: f32 = 500.0;

/// So much of all that is heard are the two tones: 1.5 % beside their pitch they still are, a vowel is not.
const PURE: f32 = 0.75;

/// So much louder than the others of its group a tone is: 8 dB.
const ALONE: f32 = 6.3;

/// How much louder the column may be than the row: 5 dB.
const COLUMN_MAX: f32 = 3.2;

/// How much louder the row may be than the column, over a long line: 9 dB.
const ROW_MAX: f32 = 8.0;

/// Blocks without the digit that end its press: one may fall into a click.
const MISSED_MAX: u8 = 2;

impl Default for Tones {
    fn default() -> Self {
        let tones = TONES.map(Goertzel::new);
        Self { tones, energy: 0.0, filled: 0, before: None, pressed: None }
    }
}

impl Tones {
    /// Sound that comes right after what came before. Tells a digit once, when 25 ms of it were heard; the last, if there is
    /// more than one in the same packet.
    pub fn hear(&mut self, law: Law, sound: &[u8]) -> Option<char> {
        let mut digit = None;
        for byte in sound {
            let sample = f32::from(law.decode(*byte));
            self.tones.iter_mut().for_each(|tone| tone.hear(sample));
            self.energy += sample * sample;
            self.filled += 1;
            if self.filled == BLOCK {
                digit = self.judge().or(digit);
            }
        }
        digit
    }

    fn judge(&mut self) -> Option<char> {
        let heard = self.key();
        self.tones.iter_mut().for_each(Goertzel::clear);
        (self.energy, self.filled) = (0.0, 0);
        let is_sure = heard == core::mem::replace(&mut self.before, heard);
        match (&mut self.pressed, heard) {
            (Some((digit, missed)), Some(key)) if *digit == key => *missed = 0,
            (_, Some(key)) if is_sure => {
                self.pressed = Some((key, 0));
                return Some(key);
            }
            (Some((_, missed)), _) => {
                *missed += 1;
                if *missed >= MISSED_MAX {
                    self.pressed = None;
                }
            }
            (None, _) => {}
        }
        None
    }

    /// The key whose tones this block is.
    fn key(&self) -> Option<char> {
        let mut powers = self.tones.iter().map(Goertzel::power);
        let mut group = || [(); 4].map(|()| powers.next().unwrap_or_default());
        let (rows, columns) = (group(), group());
        let ((row, low), (column, high)) = (loudest(rows)?, loudest(columns)?);
        let all = power_of_all(self.energy, BLOCK);
        let is_tone = low.min(high) >= power_of(SIZE_MIN, BLOCK) && low + high >= PURE * all;
        let is_even = high <= COLUMN_MAX * low && low <= ROW_MAX * high;
        (is_tone && is_even).then(|| KEYS.get(row)?.get(column).copied()).flatten()
    }
}

/// The loudest of a group, if it is alone.
fn loudest(group: [f32; 4]) -> Option<(usize, f32)> {
    let (place, loud) = group.into_iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let is_alone = group.iter().enumerate().all(|(other, power)| other == place || power * ALONE <= loud);
    is_alone.then_some((place, loud))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::TAU;

    /// Tones of these frequencies and sizes, as many milliseconds.
    fn tones(parts: &[(f64, f64)], milliseconds: usize) -> Vec<f64> {
        let sample =
            |n: usize| parts.iter().map(move |(hertz, size)| size * (TAU * hertz * n as f64 / 8_000.0).sin());
        (0..milliseconds * 8).map(|n| sample(n).sum()).collect()
    }

    fn hear_all(law: Law, sound: &[f64]) -> Vec<(usize, char)> {
        let mut ear = Tones::default();
        let bytes: Vec<u8> = sound.iter().map(|sample| law.encode(*sample as i16)).collect();
        let packets = bytes.chunks(160).enumerate();
        packets.filter_map(|(n, packet)| ear.hear(law, packet).map(|digit| (n * 20, digit))).collect()
    }

    fn digits(sound: &[f64]) -> String {
        hear_all(Law::Mu, sound).into_iter().map(|(_, digit)| digit).collect()
    }

    /// Numbers that look like chance, from -1 to 1.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
        }
    }

    #[test]
    fn each_key_is_heard_once_however_long_it_is_pressed_and_again_when_it_is_pressed_again() {
        let mut sound = Vec::new();
        for (row, keys) in KEYS.iter().enumerate() {
            for (column, _) in keys.iter().enumerate() {
                let pair = [TONES[row], TONES[4 + column]].map(|tone| (f64::from(tone), 4_000.0));
                for milliseconds in [40, 3_000] {
                    sound.extend(tones(&pair, milliseconds));
                    sound.extend(tones(&[], 40));
                }
            }
        }
        assert_eq!(digits(&sound), "112233AA445566BB778899CC**00##DD");
    }

    #[test]
    fn a_press_of_forty_milliseconds_is_heard_wherever_it_begins() {
        for law in [Law::Mu, Law::A] {
            for start in 0..BLOCK {
                let mut sound = vec![0.0; start];
                sound.extend(tones(&[(697.0, 3_000.0), (1_209.0, 3_000.0)], 40));
                sound.extend(vec![0.0; 800]);
                assert_eq!(hear_all(law, &sound).len(), 1, "{law:?} {start}");
            }
        }
    }

    #[test]
    fn tones_beside_their_pitch_and_of_unequal_loudness_are_heard_within_limits() {
        for (low, high, row, column, heard) in [
            (697.0 * 1.015, 1_209.0 * 0.985, 4_000.0, 4_000.0, "1"),
            (941.0 * 1.015, 1_477.0 * 1.015, 4_000.0, 4_000.0, "#"),
            (697.0 * 1.04, 1_209.0 * 1.04, 4_000.0, 4_000.0, ""),
            (697.0, 1_209.0, 2_000.0, 3_170.0, "1"),
            (697.0, 1_209.0, 2_000.0, 4_500.0, ""),
            (697.0, 1_209.0, 5_000.0, 2_000.0, "1"),
            (697.0, 1_209.0, 8_000.0, 2_000.0, ""),
            (697.0, 1_209.0, 700.0, 700.0, "1"),
            (697.0, 1_209.0, 300.0, 300.0, ""),
            (697.0, 1_209.0, 9_000.0, 0.0, ""),
        ] {
            let sound = tones(&[(low, row), (high, column)], 60);
            assert_eq!(digits(&sound), heard, "{low} {high} {row} {column}");
        }
    }

    #[test]
    fn a_press_is_heard_through_noise() {
        let (mut chance, mut heard) = (Noise(7), String::new());
        for _ in 0..50 {
            let mut sound = tones(&[(852.0, 3_000.0), (1_477.0, 3_000.0)], 60);
            sound.extend(tones(&[], 60));
            // Each tone 15 dB over the noise.
            sound.iter_mut().for_each(|sample| *sample += chance.next() * 650.0);
            heard += &digits(&sound);
        }
        assert_eq!(heard, "9".repeat(50));
    }

    #[test]
    fn what_speech_and_music_are_like_is_no_digit() {
        let mut chance = Noise(1);
        for _ in 0..150 {
            // A voice: harmonics of a pitch that glides, through formants, with breath in it.
            let (pitch, glide) = (90.0 + 90.0 * (chance.next() + 1.0), chance.next() * 40.0);
            let formants: Vec<(f64, f64)> = (0..3)
                .map(|n| {
                    (
                        500.0 + 900.0 * f64::from(n) + 350.0 * chance.next(),
                        60.0 + 40.0 * (chance.next() + 1.0),
                    )
                })
                .collect();
            let mut phase = 0.0;
            let voice = (0..1_600).map(|n| {
                phase += TAU * (pitch + glide * f64::from(n) / 1_600.0) / 8_000.0;
                let loud = |harmonic: f64| {
                    let hertz = harmonic * pitch;
                    formants.iter().map(|(at, wide)| 1.0 / (1.0 + ((hertz - at) / wide).powi(2))).sum::<f64>()
                };
                let harmonics = (1..20).map(f64::from).take_while(|harmonic| harmonic * pitch < 3_800.0);
                let sum: f64 = harmonics.map(|harmonic| loud(harmonic) * (harmonic * phase).sin()).sum();
                3_000.0 * sum + 200.0 * chance.next()
            });
            let voice: Vec<f64> = voice.collect();
            assert_eq!(digits(&voice), "", "{pitch} {glide} {formants:?}");
        }
        // Chords: three notes of twelve in an octave, and their overtones.
        for root in 0..36 {
            for third in [3, 4] {
                let note = |steps: i32| 196.0 * 2.0_f64.powf(f64::from(root + steps) / 12.0);
                let parts: Vec<(f64, f64)> = [0, third, 7]
                    .into_iter()
                    .flat_map(|steps| [(note(steps), 3_000.0), (2.0 * note(steps), 1_500.0)])
                    .filter(|(hertz, _)| *hertz < 3_800.0)
                    .collect();
                assert_eq!(digits(&tones(&parts, 500)), "", "{parts:?}");
            }
        }
        for (name, prompt) in crate::prompts::ALL {
            assert_eq!(Tones::default().hear(Law::Mu, prompt), None, "{name}");
        }
        let hiss: Vec<f64> = (0..80_000).map(|_| 8_000.0 * chance.next()).collect();
        assert_eq!(digits(&hiss), "");
    }
}
