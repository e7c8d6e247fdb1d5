//! What one line says: clips, frame by frame, and what comes from other lines, as one stream.

use crate::g711::{Law, samples};
use crate::line::Clip;
use crate::rtcp::Said;
use crate::rtp::{self, FRAME, HEADER, Sender};
use core::time::Duration;
use sip::Time;
use std::collections::VecDeque;

/// What is played, and how far it is; one stream for all of the call.
#[derive(Clone, Debug)]
pub(crate) struct Mouth {
    sender: Sender,
    clips: VecDeque<Clip>,
    /// Samples of the first clip that were sent.
    played: usize,
    /// When the next frame is due.
    frame_at: Option<Time>,
    /// When what is sent next was said, by the timestamps so far.
    said_until: Option<Time>,
}

/// The length of a frame.
const FRAME_TIME: Duration = Duration::from_millis(20);

/// Frames that are sent at once by somebody who woke up late; beyond it the clip waits with him.
pub(crate) const FRAMES_MAX: usize = 5;

/// Clips that wait to be played.
const CLIPS_MAX: usize = 64;

impl Mouth {
    /// Nothing is said yet. `chance` makes the stream.
    pub(crate) fn new(chance: u64) -> Self {
        let (sender, clips) = (Sender::new(chance), VecDeque::new());
        Self { sender, clips, played: 0, frame_at: None, said_until: None }
    }

    /// Plays a clip after those that are played already. An empty one, or one too many, is passed over.
    pub(crate) fn play(&mut self, clip: Clip, now: Time) {
        if clip.is_empty() || self.clips.len() >= CLIPS_MAX {
            return;
        }
        if self.clips.is_empty() {
            // What was said last may last a little longer.
            let begins_at = self.said_until.unwrap_or(now).max(now);
            self.resume(begins_at);
            self.frame_at = Some(begins_at);
        }
        self.clips.push_back(clip);
    }

    /// Falls silent.
    pub(crate) fn hush(&mut self) {
        self.clips.clear();
        (self.played, self.frame_at) = (0, None);
    }

    /// When the next frame is due.
    pub(crate) const fn deadline(&self) -> Option<Time> {
        self.frame_at
    }

    /// Says the frames that are due, in this law under this payload type; with nobody to send them to the clip goes on unheard, as a
    /// person would. `true` if all that was to be played was played.
    pub(crate) fn speak(
        &mut self,
        law: Law,
        payload_type: Option<u8>,
        now: Time,
        mut send: impl FnMut(Vec<u8>),
    ) -> bool {
        for _ in 0..FRAMES_MAX {
            let Some(due) = self.frame_at.filter(|due| *due <= now) else { return false };
            self.frame_at = Some(due + FRAME_TIME);
            self.said_until = self.frame_at;
            let frame = self.frame(law);
            match payload_type {
                Some(payload_type) => send(self.sender.sound(payload_type, &frame)),
                None => self.sender.skip(FRAME),
            }
            if self.clips.is_empty() {
                self.frame_at = None;
                return true;
            }
        }
        self.frame_at = self.frame_at.map(|due| due.max(now));
        false
    }

    /// Speech begins anew: timestamps have gone on meanwhile. The sequence number and timestamp that come next.
    pub(crate) fn resume(&mut self, now: Time) -> (u16, u32) {
        if let Some(until) = self.said_until.filter(|until| *until < now) {
            // Timestamps wrap.
            self.sender.skip(samples(now.since(until)) as usize);
        }
        self.said_until = Some(now);
        self.sender.begin();
        self.sender.next()
    }

    /// Makes a packet of another line one of what is said here; how many samples it has, if it is the newest.
    pub(crate) fn pass(
        &mut self,
        datagram: &mut [u8],
        (payload_type, marker): (u8, bool),
        numbers: (u16, u32),
        newest: Option<usize>,
        now: Time,
    ) {
        rtp::rewrite(datagram, payload_type, marker, numbers, self.sender.ssrc());
        self.sender.count(datagram.len().saturating_sub(HEADER));
        if let Some(length) = newest {
            self.sender.follow(numbers, length);
            self.said_until = Some(now + FRAME_TIME);
        }
    }

    /// What was said so far.
    pub(crate) fn said(&self, now: Time) -> Said {
        let ((packets, octets), (_, next)) = (self.sender.counts(), self.sender.next());
        // What is said next may be due a little later; timestamps wrap.
        let until = self.said_until.unwrap_or(now);
        let timestamp = next
            .wrapping_add(samples(now.since(until)) as u32)
            .wrapping_sub(samples(until.since(now)) as u32);
        Said { ssrc: self.sender.ssrc(), packets, octets, timestamp }
    }

    /// The next 20 ms of what is played; of a clip that ends within, the rest is the next one's, or silence.
    fn frame(&mut self, law: Law) -> Vec<u8> {
        let mut frame = Vec::with_capacity(FRAME);
        while let Some(clip) = self.clips.front().filter(|_| frame.len() < FRAME) {
            let rest = clip.get(self.played..).unwrap_or_default();
            let taken = rest.get(..FRAME - frame.len()).unwrap_or(rest);
            frame.extend(taken.iter().map(|byte| match law {
                Law::Mu => *byte,
                Law::A => Law::A.encode(Law::Mu.decode(*byte)),
            }));
            self.played += taken.len();
            if self.played >= clip.len() {
                self.clips.pop_front();
                self.played = 0;
            }
        }
        frame.resize(FRAME, law.silence());
        frame
    }
}
