//! A recording: sound placed by its RTP timestamps, so that what is late finds its place, and what is lost keeps it, and is made up
//! ([`conceal`]) once nothing late can belong there.

use crate::conceal::{self, CONTEXT};
use crate::g711::{Law, RATE};
use crate::rtp::Heard;
use core::ops::Range;
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
    /// The end of what was sealed last.
    before: Vec<u8>,
    /// Where in `rest` something is missing, in order.
    gaps: Vec<Range<usize>>,
    stream: Option<Stream>,
    heard: usize,
}

/// Where a source's timestamps lie on the tape.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    timestamp: u32,
    place: usize,
    /// The number of the last packet in the order of sending.
    sequence: u16,
}

/// A part of this length is handed out as soon as it is complete: whoever dies loses no more.
pub const SEGMENT: usize = 5 * RATE as usize;

/// A packet may be late by this.
const LATE: usize = RATE as usize / 5;

/// Gaps of one part that are made up; further ones stay silent. Of 250 packets every second one may be missing.
const GAPS_MAX: usize = 128;

/// A timestamp that is further than this from when its packet came means nothing: the stream is placed anew.
const ASTRAY: usize = RATE as usize;

impl Tape {
    /// Begins to record now.
    #[must_use]
    pub const fn new(law: Law, now: Time) -> Self {
        Self {
            law,
            began: now,
            sealed: 0,
            rest: Vec::new(),
            before: Vec::new(),
            gaps: Vec::new(),
            stream: None,
            heard: 0,
        }
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
        let (ssrc, timestamp, sequence) = (packet.ssrc, packet.timestamp, packet.sequence);
        if by_stamp.is_none() {
            self.stream = Some(Stream { ssrc, timestamp, place, sequence });
        }
        // What came after its part was sealed is lost.
        let Some(start) = place.checked_sub(self.sealed) else { return false };
        let end = start + packet.payload.len();
        if by_stamp.is_some() {
            self.miss(start, sequence, packet.payload.len());
        }
        if self.rest.len() < end {
            self.rest.resize(end, self.law.silence());
        }
        self.find(start..end);
        for (at, byte) in self.rest.iter_mut().skip(start).zip(packet.payload) {
            *at = if law == self.law { *byte } else { self.law.encode(law.decode(*byte)) };
        }
        self.heard += packet.payload.len();
        true
    }

    /// A packet of so many samples and with this number belongs there: is something missing before it that was sent? Who falls silent
    /// sends nothing, and keys and comfort noise are numbered too: only numbers that are missing together with their time were sound.
    fn miss(&mut self, start: usize, sequence: u16, samples: usize) {
        let (Some(stream), Some(missing)) = (&mut self.stream, start.checked_sub(self.rest.len())) else {
            return;
        };
        let lost = usize::from(sequence.wrapping_sub(stream.sequence).wrapping_sub(1)) * samples;
        stream.sequence = sequence;
        if missing > 0 && missing == lost && self.gaps.len() < GAPS_MAX {
            self.gaps.push(self.rest.len()..start);
        }
    }

    /// What was missing there has come.
    fn find(&mut self, found: Range<usize>) {
        if self.gaps.last().is_none_or(|gap| gap.end <= found.start) {
            return;
        }
        let parts =
            |gap: Range<usize>| [gap.start..gap.end.min(found.start), gap.start.max(found.end)..gap.end];
        let left = core::mem::take(&mut self.gaps).into_iter().flat_map(parts);
        self.gaps = left.filter(|part| !part.is_empty()).take(GAPS_MAX).collect();
    }

    /// Makes up what is missing from before there on: all around it has come.
    fn conceal(&mut self, until: usize) {
        let due = self.gaps.iter().take_while(|gap| gap.start < until).count();
        let ends = self.gaps.iter().skip(1).map(|gap| gap.start).chain([self.rest.len()]);
        let ends: Vec<usize> = ends.take(due).collect();
        for (gap, end) in self.gaps.drain(..due).zip(ends) {
            let (known, rest) = self.rest.split_at_mut(gap.start);
            let (missing, after) = rest.split_at_mut(gap.len());
            let known = known.get(known.len().saturating_sub(CONTEXT)..).unwrap_or_default();
            let older = (known.len() + self.before.len()).saturating_sub(CONTEXT);
            let before = [self.before.get(older..).unwrap_or_default(), known].concat();
            conceal::fill(&before, missing, after.get(..end - gap.end).unwrap_or_default(), self.law);
        }
    }

    /// The next part that is complete; `None` if there is none. To be asked until there is none.
    pub fn seal(&mut self) -> Option<Vec<u8>> {
        if self.rest.len() < SEGMENT + LATE {
            return None;
        }
        self.conceal(SEGMENT);
        let later = self.rest.split_off(SEGMENT);
        self.sealed += SEGMENT;
        let part = core::mem::replace(&mut self.rest, later);
        self.before = part.get(SEGMENT - CONTEXT..).unwrap_or_default().to_vec();
        self.gaps.iter_mut().for_each(|gap| *gap = gap.start - SEGMENT..gap.end - SEGMENT);
        Some(part)
    }

    /// What is left, up to now: the end of the recording.
    #[must_use]
    pub fn finish(mut self, now: Time) -> Vec<u8> {
        self.conceal(self.rest.len());
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
        let sequence = (timestamp / 160) as u16;
        let packet = Heard { payload_type: 0, marker: false, sequence, timestamp, ssrc, payload };
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

    /// What is kept of a stream of packets of 20 ms that begins at 0, in which these never came.
    fn kept(sound: &[u8], lost: &[usize]) -> Vec<u8> {
        let (mut tape, mut kept) = (Tape::new(Law::Mu, at(0)), Vec::new());
        let packets: Vec<&[u8]> = sound.chunks(160).collect();
        for (number, payload) in packets.iter().enumerate().filter(|(number, _)| !lost.contains(number)) {
            let number = u32::try_from(number).unwrap();
            write(&mut tape, u64::from(number) * 20, 1, number * 160, payload);
            kept.extend(tape.seal().unwrap_or_default());
        }
        kept.extend(tape.finish(at(packets.len() as u64 * 20)));
        kept
    }

    #[test]
    fn what_is_lost_is_made_up_of_both_sides_and_all_that_came_is_as_it_came() {
        // A tone that rises: no two packets are the same.
        let tone = |at: usize| (9_000.0 * (at as f32 * (0.05 + at as f32 * 1e-6)).sin()) as i16;
        let sound: Vec<u8> = (0..600 * 160).map(|at| Law::Mu.encode(tone(at))).collect();
        // Packets 249 and 250 are on either side of where a part ends.
        for lost in
            [&[7][..], &[7, 9], &[7, 8], &[249], &[250], &[249, 250], &[248, 251], &[252], &[500, 502]]
        {
            let mut expected = sound.clone();
            for number in lost {
                expected[number * 160..][..160].fill(0xff);
            }
            let gaps = lost.chunk_by(|one, next| one + 1 == *next);
            for gap in gaps.map(|gap| gap[0] * 160..(gap[gap.len() - 1] + 1) * 160) {
                let (before, rest) = expected.split_at_mut(gap.start);
                let (missing, after) = rest.split_at_mut(gap.len());
                let next = lost.iter().map(|number| number * 160).find(|start| *start >= gap.end);
                let known = next.map_or(after.len(), |next| next - gap.end);
                conceal::fill(before, missing, &after[..known], Law::Mu);
                assert!(missing.iter().any(|byte| *byte != 0xff));
            }
            assert!(kept(&sound, lost) == expected, "{lost:?}");
        }
    }

    #[test]
    fn what_is_late_finds_its_place() {
        let mut tape = Tape::new(Law::Mu, at(0));
        // The third comes after the fifth, of which the fourth was missing too, and the first half of that later still.
        let stream = [(0, 1_000, 1), (20, 1_160, 2), (80, 1_640, 5), (90, 1_320, 3)];
        for (now, timestamp, byte) in stream {
            write(&mut tape, now, 7, timestamp, &[byte; 160]);
        }
        write(&mut tape, 95, 7, 1_480, &[4; 80]);
        assert_eq!((tape.gaps.len(), tape.gaps.first()), (1, Some(&(560..640))));
        write(&mut tape, 99, 7, 1_560, &[4; 80]);
        assert_eq!((&tape.gaps[..], tape.heard_permille()), (&[][..], 1_000));
        assert_eq!(runs(&tape.finish(at(100))), [(1, 20), (2, 20), (3, 20), (4, 20), (5, 20)]);
    }

    #[test]
    fn who_sends_nothing_or_a_key_was_silent() {
        let silent = |sequence: u16, timestamp: u32| {
            let mut tape = Tape::new(Law::Mu, at(0));
            write(&mut tape, 0, 1, 0, &[9; 160]);
            let packet =
                Heard { payload_type: 0, marker: true, sequence, timestamp, ssrc: 1, payload: &[9; 160] };
            tape.write(&packet, Law::Mu, at(120));
            runs(&tape.finish(at(120)))
        };
        // The next number, and a key of 100 ms in seven packets.
        for sequence in [1, 8] {
            assert_eq!(silent(sequence, 960), [(9, 20), (0xff, 100), (9, 20)]);
        }
        // Two packets that were numbered and never came.
        assert_eq!(silent(3, 480), [(9, 80), (0xff, 40)]);
    }

    #[test]
    fn of_a_flood_of_gaps_a_bounded_number_is_made_up() {
        let mut tape = Tape::new(Law::Mu, at(0));
        for packet in 0..2_000_u32 {
            let sequence = (packet * 2) as u16;
            let sound = Heard {
                payload_type: 0,
                marker: false,
                sequence,
                timestamp: packet * 2,
                ssrc: 1,
                payload: &[9],
            };
            tape.write(&sound, Law::Mu, at(u64::from(packet) / 4));
        }
        assert_eq!(tape.gaps.len(), GAPS_MAX);
        assert_eq!(tape.finish(at(500)).len(), 4_000);
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
