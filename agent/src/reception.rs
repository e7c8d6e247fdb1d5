//! How well a stream came: what was lost of it, how unevenly it came, from how many sources.

use crate::g711::RATE;
use crate::line::Sound;
use core::time::Duration;
use sip::Time;

/// What is counted of one call's sound.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    last: Option<Last>,
    /// Interarrival jitter in samples, sixteenfold (RFC 3550 §A.8).
    jitter: u64,
    came: u32,
    lost: u32,
    changes: u32,
}

/// The last packet in the order of sending.
#[derive(Clone, Copy, Debug)]
struct Last {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    samples: u32,
    at: Time,
}

/// Packets further behind than this are not late, but of a stream that was numbered anew.
const LATE: u16 = 100;

/// A packet that came this much earlier or later than its timestamp says tells nothing of jitter: the clock was set anew.
const ASTRAY: u64 = RATE as u64;

impl Reception {
    /// Counts a packet of sound.
    pub fn take(&mut self, sound: &Sound, now: Time) {
        self.came += 1;
        // A packet has at most a few thousand samples.
        let samples = sound.bytes.len() as u32;
        let this =
            Last { ssrc: sound.ssrc, sequence: sound.sequence, timestamp: sound.timestamp, samples, at: now };
        let Some(last) = self.last else { return self.last = Some(this) };
        if last.ssrc != this.ssrc {
            self.changes += 1;
            return self.last = Some(this);
        }
        let ahead = this.sequence.wrapping_sub(last.sequence);
        if ahead == 0 || ahead > LATE.wrapping_neg() {
            // It had been counted as lost.
            self.lost = self.lost.saturating_sub(u32::from(ahead > 0));
            return;
        }
        let missing = u32::from(ahead - 1);
        let apart = this.timestamp.wrapping_sub(last.timestamp);
        // Digits and comfort noise are numbered too: only numbers that are missing together with their time were sound.
        if missing > 0 && u64::from(apart) == u64::from(last.samples) * u64::from(ahead) {
            self.lost += missing;
        }
        let passed = now.since(last.at).as_micros() as u64 * u64::from(RATE) / 1_000_000;
        let uneven = passed.abs_diff(u64::from(apart));
        if uneven < ASTRAY {
            self.jitter = self.jitter + uneven - (self.jitter + 8) / 16;
        }
        self.last = Some(this);
    }

    /// Packets that never came, of a thousand.
    #[must_use]
    pub fn lost_permille(&self) -> u32 {
        let sent = u64::from(self.came) + u64::from(self.lost);
        // At most a thousand.
        (u64::from(self.lost) * 1_000).checked_div(sent).unwrap_or(0) as u32
    }

    /// How unevenly they came (RFC 3550 §6.4.1).
    #[must_use]
    pub fn jitter(&self) -> Duration {
        Duration::from_secs(self.jitter / 16) / RATE
    }

    /// How often sound began to come from another source.
    #[must_use]
    pub const fn changes(&self) -> u32 {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;

    /// When, source, number, timestamp.
    fn told(packets: &[(u64, u32, u16, u32)]) -> (u32, u128, u32) {
        let mut reception = Reception::default();
        for (now, ssrc, sequence, timestamp) in packets {
            let sound = Sound {
                law: Law::Mu,
                ssrc: *ssrc,
                sequence: *sequence,
                timestamp: *timestamp,
                bytes: vec![0; 160],
            };
            reception.take(&sound, Time::from_micros(now * 1_000));
        }
        (reception.lost_permille(), reception.jitter().as_micros(), reception.changes())
    }

    #[test]
    fn what_is_missing_by_its_number_and_its_time_was_lost() {
        assert_eq!(told(&[]), (0, 0, 0));
        let even: Vec<_> = (0..100).map(|n| (u64::from(n) * 20, 1, n, u32::from(n) * 160)).collect();
        assert_eq!(told(&even), (0, 0, 0));
        let lossy: Vec<_> = even.iter().copied().filter(|(_, _, n, _)| n % 10 != 5).collect();
        assert_eq!(told(&lossy), (100, 0, 0));
    }

    #[test]
    fn what_is_late_was_not_lost_and_what_comes_twice_comes_once() {
        let swapped = [(0, 1, 0, 0), (40, 1, 2, 320), (41, 1, 1, 160), (42, 1, 2, 320), (60, 1, 3, 480)];
        assert_eq!(told(&swapped).0, 0);
    }

    #[test]
    fn digits_and_comfort_noise_between_are_not_lost_sound() {
        // Ten packets of a digit in eight frames' time; one packet of comfort noise in a second of silence.
        assert_eq!(told(&[(0, 1, 0, 0), (180, 1, 11, 1_440), (1_180, 1, 13, 9_440)]), (0, 0, 0));
    }

    #[test]
    fn numbers_and_timestamps_wrap() {
        let last = u32::MAX - 159;
        assert_eq!(told(&[(0, 1, 65_534, last - 160), (20, 1, 65_535, last), (60, 1, 1, 160)]), (250, 0, 0));
    }

    #[test]
    fn packets_that_come_unevenly_are_told_by_rfc_3550() {
        // Each second packet comes 10 ms late: the difference is 80 samples each time.
        let uneven: Vec<_> =
            (0..400).map(|n| (u64::from(n) * 20 + u64::from(n % 2) * 10, 1, n, u32::from(n) * 160)).collect();
        assert_eq!(told(&uneven), (0, 9_875, 0));
        let leap = [(0, 1, 0, 0), (20, 1, 1, 3_000_000_000), (40, 1, 2, 3_000_000_160)];
        assert_eq!(told(&leap), (0, 0, 0));
    }

    #[test]
    fn another_source_is_another_stream() {
        assert_eq!(told(&[(0, 1, 0, 0), (20, 2, 700, 7), (40, 2, 701, 167), (60, 1, 3, 480)]), (0, 0, 2));
    }
}
