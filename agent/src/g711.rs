//! G.711: eight bits for a sample of the telephone's 8,000 a second, in two laws.

use core::time::Duration;

/// Samples a second.
pub const RATE: u32 = 8_000;

/// The two ways that G.711 writes a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// µ-law: North America and Japan. Payload type 0.
    Mu,
    /// A-law: everywhere else. Payload type 8.
    A,
}

/// How many samples are taken in this time.
#[must_use]
pub fn samples(time: Duration) -> u64 {
    // A call is shorter than 70,000 years.
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 8) * 8 / 1_000
}

/// How long so many samples last.
#[must_use]
pub const fn lasts(samples: usize) -> Duration {
    // No clip is as long as 70,000 years.
    Duration::from_micros((samples as u64).saturating_mul(125))
}

impl Law {
    /// Both, the one of North America first.
    pub const BOTH: [Self; 2] = [Self::Mu, Self::A];

    /// This law and no other.
    #[must_use]
    pub const fn only(self) -> &'static [Self] {
        match self {
            Self::Mu => &[Self::Mu],
            Self::A => &[Self::A],
        }
    }

    /// The byte of the least sound.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xff,
            Self::A => 0xd5,
        }
    }

    /// A byte as a linear sample of 16 bits.
    #[must_use]
    pub const fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Mu => MU[byte as usize],
            Self::A => A[byte as usize],
        }
    }

    /// The byte that stands nearest to a linear sample of 16 bits.
    #[must_use]
    pub fn encode(self, sample: i16) -> u8 {
        let loud = i32::from(sample);
        match self {
            Self::Mu => {
                let (sign, size) = if loud < 0 { (0x80, -loud) } else { (0, loud) };
                let size = size.min(MU_CLIP) + MU_BIAS;
                let segment = segment_of(size >> 8);
                !(sign | segment << 4 | low_four(size >> (segment + 3)))
            }
            Self::A => {
                // The negative half is counted from -1 on.
                let (sign, size) = if loud < 0 { (0, !loud) } else { (0x80, loud) };
                let segment = segment_of(size >> 8);
                let within = if segment == 0 { size >> 4 } else { size >> (segment + 3) };
                (sign | segment << 4 | low_four(within)) ^ A_TOGGLE
            }
        }
    }
}

/// What G.711 adds to a sample before it looks for its segment.
const MU_BIAS: i32 = 0x84;

/// Louder than this µ-law cannot say.
const MU_CLIP: i32 = 32_635;

/// A-law goes over the line with every second bit turned.
const A_TOGGLE: u8 = 0x55;

/// How many bits the upper part of a size needs: 0 to 7.
fn segment_of(upper: i32) -> u8 {
    // A size is at most 15 bits wide here, so its upper part has at most 7.
    (u32::BITS - upper.unsigned_abs().leading_zeros()).min(7) as u8
}

const fn low_four(size: i32) -> u8 {
    (size & 0x0f) as u8
}

const MU: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let turned = !(byte as u8);
        let (segment, within) = (((turned >> 4) & 7) as i32, (turned & 0x0f) as i32);
        let size = (((within << 3) + MU_BIAS) << segment) - MU_BIAS;
        table[byte] = (if turned & 0x80 == 0 { size } else { -size }) as i16;
        byte += 1;
    }
    table
};

const A: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let turned = byte as u8 ^ A_TOGGLE;
        let (segment, within) = (((turned >> 4) & 7) as i32, (turned & 0x0f) as i32);
        let size = match segment {
            0 => (within << 4) + 8,
            _ => ((within << 4) + 0x108) << (segment - 1),
        };
        table[byte] = (if turned & 0x80 == 0 { -size } else { size }) as i16;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_are_those_of_the_recommendation() {
        let mu = [0x00, 0x80, 0x7f, 0xff, 0xe7].map(|byte| Law::Mu.decode(byte));
        assert_eq!(mu, [-32_124, 32_124, 0, 0, 260]);
        let a = [0x2a, 0xaa, 0x55, 0xd5, 0x80].map(|byte| Law::A.decode(byte));
        assert_eq!(a, [-32_256, 32_256, -8, 8, 5_504]);
    }

    #[test]
    fn a_byte_that_was_decoded_is_encoded_as_itself() {
        for byte in 0..=u8::MAX {
            assert_eq!(Law::A.encode(Law::A.decode(byte)), byte, "A-law {byte:#x}");
            // µ-law has two zeros.
            let again = Law::Mu.encode(Law::Mu.decode(byte));
            assert_eq!(if byte == 0x7f { 0xff } else { byte }, again, "µ-law {byte:#x}");
        }
    }

    #[test]
    fn no_sample_is_further_from_its_byte_than_half_a_step() {
        for law in [Law::Mu, Law::A] {
            for sample in i16::MIN..=i16::MAX {
                let back = i32::from(law.decode(law.encode(sample)));
                let (wrong, size) = ((back - i32::from(sample)).abs(), i32::from(sample).abs());
                // The widest step of a segment is an eighth of what begins it, and what is clipped is at most 644 off.
                assert!(wrong <= size / 32 + 12 || size > 32_000 && wrong <= 644, "{law:?} {sample} {back}");
            }
        }
    }

    #[test]
    fn silence_is_the_least_sound() {
        assert_eq!([Law::Mu, Law::A].map(|law| law.decode(law.silence()).abs()), [0, 8]);
    }
}
