//! WAV files: what a message is delivered as, and what a greeting comes as.

use crate::g711::{Law, RATE};
use core::f64::consts::PI;

/// A recording as a file that plays everywhere: linear, 16 bits, one channel, 8,000 samples a second.
#[must_use]
pub fn write(sound: &[u8], law: Law) -> Vec<u8> {
    let bytes = u32::try_from(sound.len()).unwrap_or(u32::MAX / 4) * 2;
    let mut out = Vec::with_capacity(HEAD as usize + sound.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(HEAD - 8 + bytes).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16_u32.to_le_bytes());
    out.extend_from_slice(&PCM.to_le_bytes());
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&RATE.to_le_bytes());
    out.extend_from_slice(&(RATE * 2).to_le_bytes());
    out.extend_from_slice(&2_u16.to_le_bytes());
    out.extend_from_slice(&16_u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&bytes.to_le_bytes());
    sound.iter().for_each(|byte| out.extend_from_slice(&law.decode(*byte).to_le_bytes()));
    out
}

/// Why a file cannot be played. Each is for the operator: what to do is in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unplayable {
    /// Not a WAV file at all.
    NoWav,
    /// Neither linear nor G.711, or in an odd number of bits.
    Coding,
    /// No sound in it.
    Empty,
    /// Longer than [`PROMPT_MAX`] seconds.
    TooLong,
}

/// Seconds that a prompt may have.
pub const PROMPT_MAX: usize = 300;

impl core::fmt::Display for Unplayable {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoWav => write!(out, "is no WAV file; save the sound as WAV"),
            Self::Coding => {
                write!(out, "is coded in a way that is not known here; save it as linear PCM with 16 bits")
            }
            Self::Empty => write!(out, "has no sound in it"),
            Self::TooLong => write!(out, "is longer than {PROMPT_MAX} seconds"),
        }
    }
}

/// A file of any rate and number of channels as the telephone plays it: µ-law, one channel, 8,000 samples a second.
///
/// # Errors
/// What keeps it from being played.
pub fn read(file: &[u8]) -> Result<Vec<u8>, Unplayable> {
    let form = Form::of(file)?;
    let samples = form.samples()?;
    let rate = form.rate as usize;
    if samples.len() / rate.max(1) >= PROMPT_MAX {
        return Err(Unplayable::TooLong);
    }
    let sound: Vec<u8> =
        resample(&samples, form.rate).into_iter().map(|sample| Law::Mu.encode(sample)).collect();
    if sound.is_empty() { Err(Unplayable::Empty) } else { Ok(sound) }
}

const HEAD: u32 = 44;
const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
/// The true format stands later in the same chunk.
const EXTENSIBLE: u16 = 0xfffe;

/// What stands in a file.
struct Form<'a> {
    format: u16,
    channels: usize,
    rate: u32,
    bits: u16,
    sound: &'a [u8],
}

impl<'a> Form<'a> {
    fn of(file: &'a [u8]) -> Result<Self, Unplayable> {
        let is_wav = file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WAVE");
        let mut rest = file.get(12..).filter(|_| is_wav).ok_or(Unplayable::NoWav)?;
        let mut format = None;
        while let Some((head, body)) = rest.split_first_chunk::<8>() {
            let [a, b, c, d, length @ ..] = head;
            let length = u32::from_le_bytes(*length) as usize;
            // A file that was cut off, or whose writer never came back to its length, plays as far as it goes.
            let (chunk, after) = body.split_at(length.min(body.len()));
            match &[*a, *b, *c, *d] {
                b"fmt " => format = Some(chunk),
                b"data" => return Self::with(format.ok_or(Unplayable::NoWav)?, chunk),
                _ => {}
            }
            // Chunks begin at even places.
            rest = after.get(length % 2..).unwrap_or_default();
        }
        Err(Unplayable::Empty)
    }

    fn with(format: &'a [u8], sound: &'a [u8]) -> Result<Self, Unplayable> {
        let short =
            |at: usize| format.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes);
        let long =
            |at: usize| format.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
        let known = || {
            let coding =
                short(0).map(|coding| if coding == EXTENSIBLE { short(24) } else { Some(coding) })??;
            Some(Self {
                format: coding,
                channels: usize::from(short(2)?),
                rate: long(4)?,
                bits: short(14)?,
                sound,
            })
        };
        let form = known().ok_or(Unplayable::NoWav)?;
        let is_sane = (1..=8).contains(&form.channels) && (4_000..=192_000).contains(&form.rate);
        if is_sane { Ok(form) } else { Err(Unplayable::Coding) }
    }

    /// All channels together, as linear samples of 16 bits.
    fn samples(&self) -> Result<Vec<i16>, Unplayable> {
        let wide = |sample: &[u8]| {
            i32::from(sample.iter().rev().fold(0_i32, |sum, byte| sum << 8 | i32::from(*byte)) as i16)
        };
        let width = usize::from(self.bits / 8);
        let one = |sample: &[u8]| match (self.format, sample) {
            (PCM, [byte]) => Some((i32::from(*byte) - 128) << 8),
            (PCM, [_, _]) => Some(wide(sample)),
            (PCM, [lower @ .., _, _]) if lower.len() <= 2 => sample.get(lower.len()..).map(wide),
            (MU_LAW, [byte]) => Some(i32::from(Law::Mu.decode(*byte))),
            (A_LAW, [byte]) => Some(i32::from(Law::A.decode(*byte))),
            _ => None,
        };
        let is_odd = width == 0 || !self.bits.is_multiple_of(8) || one(&[0; 4][..width.min(4)]).is_none();
        if is_odd || width > 4 {
            return Err(Unplayable::Coding);
        }
        let mixed = self.sound.chunks_exact(width * self.channels).map(|frame| {
            let sum: i32 = frame.chunks_exact(width).filter_map(one).sum();
            // A mean of values of 16 bits has 16 bits.
            (sum / i32::try_from(self.channels).unwrap_or(1)) as i16
        });
        Ok(mixed.collect())
    }
}

/// Lobes of the filter on each side.
const LOBES: f64 = 8.0;

/// Brings samples to the telephone's rate: a windowed sinc that cuts off what would be folded back into what is heard.
fn resample(samples: &[i16], rate: u32) -> Vec<i16> {
    if rate == RATE {
        return samples.to_vec();
    }
    let step = f64::from(rate) / f64::from(RATE);
    // Below both rates' halves.
    let cut = (1.0 / step).min(1.0);
    let reach = LOBES / cut;
    let count = samples.len() * RATE as usize / rate as usize;
    let at = |place: f64| {
        // A prompt has some million samples: exact as a float.
        let (first, last) =
            ((place - reach).ceil().max(0.0) as usize, (place + reach).floor().max(0.0) as usize);
        let taken = samples.iter().enumerate().take(last + 1).skip(first);
        let (sum, weight) = taken.fold((0.0, 0.0), |(sum, weight), (index, sample)| {
            let away = place - index as f64;
            let tap = sinc(away * cut) * sinc(away / reach);
            (sum + tap * f64::from(*sample), weight + tap)
        });
        // At the ends some taps find nothing.
        let level = if weight.abs() < 1e-9 { 0.0 } else { sum / weight };
        level.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
    };
    (0..count).map(|index| at(index as f64 * step)).collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this format and these bytes, and a chunk of odd length before them.
    fn file(format: u16, channels: u16, rate: u32, bits: u16, sound: &[u8]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        out.extend([format.to_le_bytes(), channels.to_le_bytes()].concat());
        out.extend([rate.to_le_bytes(), [0; 4]].concat());
        out.extend([[0; 2], bits.to_le_bytes()].concat());
        out.extend(b"LIST\x03\0\0\0abc\0data");
        out.extend(u32::try_from(sound.len()).unwrap().to_le_bytes());
        out.extend(sound);
        out
    }

    fn tone(hertz: f64, rate: u32, seconds: f64) -> Vec<i16> {
        let count = (f64::from(rate) * seconds) as usize;
        (0..count)
            .map(|n| ((n as f64 * hertz * 2.0 * PI / f64::from(rate)).sin() * 10_000.0) as i16)
            .collect()
    }

    fn bytes(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    /// The loudness of a sound, as the root of the mean square; what lies at its ends is left out.
    fn level(sound: &[u8]) -> f64 {
        let inner = &sound[sound.len() / 10..sound.len() * 9 / 10];
        let sum: f64 = inner.iter().map(|byte| f64::from(Law::Mu.decode(*byte)).powi(2)).sum();
        (sum / inner.len() as f64).sqrt()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let sound: Vec<u8> = (0..=255).filter(|byte| *byte != 0x7f).collect();
        let wav = write(&sound, Law::Mu);
        assert_eq!((wav.len(), &wav[..4], &wav[36..44]), (554, &b"RIFF"[..], &b"data\xfe\x01\0\0"[..]));
        assert_eq!(read(&wav), Ok(sound));
    }

    #[test]
    fn any_rate_channels_and_width_come_out_as_the_same_tone() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
            let tone = tone(440.0, rate, 0.5);
            let stereo: Vec<i16> = tone.iter().flat_map(|sample| [*sample, *sample]).collect();
            let narrow: Vec<u8> = tone.iter().map(|sample| ((sample >> 8) + 128) as u8).collect();
            let wide: Vec<u8> = tone.iter().flat_map(|s| [[0, 0], s.to_le_bytes()].concat()).collect();
            let files = [
                file(PCM, 1, rate, 16, &bytes(&tone)),
                file(PCM, 2, rate, 16, &bytes(&stereo)),
                file(PCM, 1, rate, 8, &narrow),
                file(PCM, 1, rate, 32, &wide),
            ];
            for (nth, file) in files.iter().enumerate() {
                let sound = read(file).unwrap();
                assert!(sound.len().abs_diff(4_000) < 3, "{rate} {nth}: {} samples", sound.len());
                let level = level(&sound);
                assert!((6_900.0..7_250.0).contains(&level), "{rate} {nth}: {level}");
            }
        }
    }

    #[test]
    fn what_the_telephone_cannot_carry_is_cut_off_and_not_folded_back() {
        let sound = read(&file(PCM, 1, 48_000, 16, &bytes(&tone(6_000.0, 48_000, 0.5)))).unwrap();
        assert!(level(&sound) < 100.0, "{}", level(&sound));
    }

    #[test]
    fn a_file_that_is_no_audio_is_told_apart() {
        for (bytes, fault) in [
            (b"".to_vec(), Unplayable::NoWav),
            (b"ID3\x03 an mp3 of great length and beauty".to_vec(), Unplayable::NoWav),
            (b"RIFF\0\0\0\0WAVE".to_vec(), Unplayable::Empty),
            (b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd".to_vec(), Unplayable::NoWav),
            (file(PCM, 1, 8_000, 16, b""), Unplayable::Empty),
            (file(PCM, 1, 8_000, 12, b"abcdef"), Unplayable::Coding),
            (file(PCM, 0, 8_000, 16, b"abcdef"), Unplayable::Coding),
            (file(PCM, 1, 0, 16, b"abcdef"), Unplayable::Coding),
            (file(0x55, 1, 8_000, 0, b"abcdef"), Unplayable::Coding),
            (file(MU_LAW, 1, 8_000, 8, &vec![0xff; 8_000 * PROMPT_MAX]), Unplayable::TooLong),
        ] {
            assert_eq!(read(&bytes), Err(fault), "{:?}", bytes.get(..60.min(bytes.len())));
        }
    }

    #[test]
    fn a_length_that_was_never_filled_in_is_taken_as_what_is_there() {
        let mut file = file(A_LAW, 1, 8_000, 8, &[0xd5; 800]);
        let place = file.len() - 804;
        file.splice(place..place + 4, u32::MAX.to_le_bytes());
        assert_eq!(read(&file).map(|sound| sound.len()), Ok(800));
    }
}
