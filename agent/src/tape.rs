//! A recording: sound placed by its RTP timestamps, so that what is late finds its place, and what is lost keeps it: a packet or two are covered
//! by what was heard before, as a phone would do for who listens; more stays silent.

use crate::g711::{Law, RATE};
use crate::rtp::Heard;
use core::time::Duration;
use sip::Time;

/// One recording, in the law of its first packet. Nothing is decoded and encoded again, unless the other side changes its law.
#[derive(Clone, Debug)]
pub struct Tape {
    law: Law,
    began: Time,
    /// Bytes that were sealed before `rest`.
    sealed: usize,
    rest: Vec<u8>,
    stream: Option<Stream>,
    heard: usize,
}

/// Where a source's timestamps lie on the tape.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    timestamp: u32,
    place: usize,
}

/// A part of this length is handed out as soon as it is complete: whoever dies loses no more.
pub const SEGMENT: usize = 5 * RATE as usize;

/// What is said again: a packet of the usual length.
const COVER: usize = RATE as usize / 50;

/// So much of it at most; longer it would be heard as what it is.
const COVERED: usize = 2 * COVER;

/// A packet may be late by this.
const LATE: usize = RATE as usize / 5;

/// A timestamp that is further than this from when its packet came means nothing: the stream is placed anew.
const ASTRAY: usize = RATE as usize;

impl Tape {
    /// Begins to record now.
    #[must_use]
    pub const fn new(law: Law, now: Time) -> Self {
        Self { law, began: now, sealed: 0, rest: Vec::new(), stream: None, heard: 0 }
    }

    /// The law of its bytes.
    #[must_use]
    pub const fn law(&self) -> Law {
        self.law
    }

    /// Its length so far.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_secs((self.sealed + self.rest.len()) as u64) / RATE
    }

    /// How much of it was heard, of a thousand parts; the rest is silence that was filled in.
    #[must_use]
    pub fn heard_permille(&self) -> usize {
        (self.heard * 1_000).checked_div(self.sealed + self.rest.len()).unwrap_or(0).min(1_000)
    }

    /// Places a packet of sound in this law. What is further than a second from now, by its timestamp, begins anew at now. Tells
    /// whether it was taken: not if its part is sealed, nor if more came than time has passed.
    pub fn write(&mut self, packet: &Heard<'_>, law: Law, now: Time) -> bool {
        let here = self.place_of(now);
        let by_stamp = self.stream.filter(|stream| stream.ssrc == packet.ssrc).and_then(|stream| {
            // Timestamps wrap; the difference has a sign.
            let ahead = packet.timestamp.wrapping_sub(stream.timestamp) as i32;
            let place = stream.place.checked_add_signed(isize::try_from(ahead).ok()?)?;
            (place.abs_diff(here) <= ASTRAY).then_some(place)
        });
        let place = by_stamp.unwrap_or_else(|| here.max(self.sealed + self.rest.len()));
        if place > here + ASTRAY {
            return false;
        }
        if by_stamp.is_none() {
            self.stream = Some(Stream { ssrc: packet.ssrc, timestamp: packet.timestamp, place });
        }
        // What came after its part was sealed is lost.
        let Some(start) = place.checked_sub(self.sealed) else { return false };
        let end = start + packet.payload.len();
        if by_stamp.is_some() {
            self.cover(start);
        }
        if self.rest.len() < end {
            self.rest.resize(end, self.law.silence());
        }
        for (at, byte) in self.rest.iter_mut().skip(start).zip(packet.payload) {
            *at = if law == self.law { *byte } else { self.law.encode(law.decode(*byte)) };
        }
        self.heard += packet.payload.len();
        true
    }

    /// Something is missing up to there: if it is little, what was heard last is said again.
    fn cover(&mut self, start: usize) {
        let (length, missing) = (self.rest.len(), start.saturating_sub(self.rest.len()));
        if missing <= COVERED && length >= COVER {
            (0..missing).for_each(|at| self.rest.extend(self.rest.get(length - COVER + at % COVER).copied()));
        }
    }

    /// The next part that is complete; `None` if there is none. To be asked until there is none.
    pub fn seal(&mut self) -> Option<Vec<u8>> {
        if self.rest.len() < SEGMENT + LATE {
            return None;
        }
        let later = self.rest.split_off(SEGMENT);
        self.sealed += SEGMENT;
        Some(core::mem::replace(&mut self.rest, later))
    }

    /// What is left, up to now: the end of the recording.
    #[must_use]
    pub fn finish(mut self, now: Time) -> Vec<u8> {
        let end = self.place_of(now).saturating_sub(self.sealed).min(self.rest.len() + ASTRAY);
        if self.rest.len() < end {
            self.rest.resize(end, self.law.silence());
        }
        self.rest
    }

    /// The sample that is recorded at this time.
    fn place_of(&self, now: Time) -> usize {
        // A recording is a few minutes long: neither overflows.
        usize::try_from(now.since(self.began).as_micros() * u128::from(RATE) / 1_000_000)
            .unwrap_or(usize::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Time {
        Time::from_micros(milliseconds * 1_000)
    }

    fn write(tape: &mut Tape, now: u64, ssrc: u32, timestamp: u32, payload: &[u8]) {
        let packet = Heard { payload_type: 0, marker: false, sequence: 0, timestamp, ssrc, payload };
        tape.write(&packet, Law::Mu, at(now));
    }

    #[test]
    fn a_flood_of_sources_is_no_longer_than_its_time() {
        let mut tape = Tape::new(Law::Mu, at(0));
        for packet in 0..1_000_u32 {
            write(&mut tape, u64::from(packet), packet, packet, &[7; 1_600]);
        }
        assert!(tape.length() < Duration::from_millis(2_300), "{:?}", tape.length());
    }

    /// How the tape reads: each run of one byte, with its length in milliseconds.
    fn runs(bytes: &[u8]) -> Vec<(u8, usize)> {
        bytes.chunk_by(|one, other| one == other).map(|run| (run[0], run.len() / 8)).collect()
    }

    #[test]
    fn a_packet_that_is_lost_is_covered_and_what_is_late_finds_its_place() {
        let mut tape = Tape::new(Law::Mu, at(0));
        for (now, timestamp, byte) in [(0, 1_000, 1), (20, 1_160, 2), (80, 1_640, 5), (90, 1_480, 4)] {
            write(&mut tape, now, 7, timestamp, &[byte; 160]);
        }
        assert_eq!(tape.heard_permille(), 800);
        assert_eq!(runs(&tape.finish(at(100))), [(1, 20), (2, 40), (4, 20), (5, 20)]);
    }

    #[test]
    fn of_three_packets_nobody_knows_what_was_in_them() {
        let mut tape = Tape::new(Law::Mu, at(0));
        for (now, timestamp, byte) in [(0, 0, 1), (60, 480, 4), (140, 1_120, 8)] {
            write(&mut tape, now, 1, timestamp, &[byte; 160]);
        }
        assert_eq!(runs(&tape.finish(at(160))), [(1, 60), (4, 20), (0xff, 60), (8, 20)]);
    }

    #[test]
    fn a_timestamp_that_leaps_and_a_new_source_are_placed_by_when_they_came() {
        let mut tape = Tape::new(Law::Mu, at(0));
        let stream = [
            (0, 1, 0, 1),
            (20, 1, 160, 2),
            (40, 1, 3_000_000_000, 3),
            (60, 1, 3_000_000_160, 4),
            (100, 9, 5, 5),
        ];
        for (now, ssrc, timestamp, byte) in stream {
            write(&mut tape, now, ssrc, timestamp, &[byte; 160]);
        }
        assert_eq!(runs(&tape.finish(at(120))), [(1, 20), (2, 20), (3, 20), (4, 20), (0xff, 20), (5, 20)]);
    }

    #[test]
    fn parts_are_sealed_when_nothing_late_can_belong_to_them() {
        let mut tape = Tape::new(Law::Mu, at(0));
        let mut sealed = Vec::new();
        for packet in 0..510_u32 {
            write(&mut tape, u64::from(packet) * 20, 1, packet * 160, &[7; 160]);
            if let Some(part) = tape.seal() {
                sealed.push((packet * 20, part.len()));
            }
        }
        assert_eq!(sealed, [(5_180, SEGMENT), (10_180, SEGMENT)]);
        assert_eq!(tape.length(), Duration::from_millis(10_200));
        // Its part is sealed.
        write(&mut tape, 10_200, 1, 79_840, &[9; 160]);
        assert_eq!(runs(&tape.finish(at(10_200))), [(7, 200)]);
    }

    #[test]
    fn a_stream_that_falls_silent_is_silent_to_the_end() {
        let mut tape = Tape::new(Law::A, at(0));
        write(&mut tape, 0, 1, 0, &[0x80; 160]);
        let recorded = tape.clone().finish(at(500));
        assert_eq!(runs(&recorded), [(Law::A.encode(Law::Mu.decode(0x80)), 20), (0xd5, 480)]);
        // No more than a second of it: whoever ends it later has waited for something else.
        assert_eq!(tape.finish(at(60_000)).len(), 160 + ASTRAY);
    }

    #[test]
    fn a_recording_without_sound_is_empty() {
        let tape = Tape::new(Law::Mu, at(0));
        assert_eq!((tape.heard_permille(), tape.length()), (0, Duration::ZERO));
        assert_eq!(tape.finish(at(0)), [0_u8; 0]);
    }
}
