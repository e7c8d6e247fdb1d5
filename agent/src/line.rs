//! One call that is answered here, with its sound: what is said is played frame by frame, what is heard is told.

use crate::callee::{self, Callee};
use crate::digits::Ear;
use crate::g711::Law;
use crate::rtp::{self, FRAME, Latch, Sender};
use crate::sdp::{self, Agreed, Version};
use crate::talk::{self, Desk, Why};
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Message, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// What is played: µ-law, 8,000 samples a second.
pub type Clip = Arc<[u8]>;

/// One call and its sound.
#[derive(Clone, Debug)]
pub struct Line {
    callee: Callee,
    local: SocketAddr,
    version: Version,
    /// What is agreed on; `None` while our own offer is not answered.
    agreed: Option<Agreed>,
    /// What our answer says.
    answer: Vec<u8>,
    latch: Latch,
    sender: Sender,
    ear: Ear,
    clips: VecDeque<Clip>,
    /// Samples of the first clip that were sent.
    played: usize,
    /// When the next frame is due.
    frame_at: Option<Time>,
}

/// What it asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this to the proxy.
    Sip(Bytes),
    /// Send this from the line's port.
    Rtp {
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// The caller hears us from now on.
    Up,
    /// The caller has pressed a digit.
    Pressed(char),
    /// The caller was heard.
    Sound(Sound),
    /// The caller says that there is nothing to be heard (RFC 3389): packets may stay away from now on.
    Quiet,
    /// All that was to be played was played.
    Played,
    /// The call is over, and why.
    Over(Why),
}

/// What was heard in one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// How it is coded.
    pub law: Law,
    /// Its source.
    pub ssrc: u32,
    /// Its number in the order of sending.
    pub sequence: u16,
    /// When it was sampled.
    pub timestamp: u32,
    /// The samples.
    pub bytes: Vec<u8>,
}

/// The length of a frame.
const FRAME_TIME: Duration = Duration::from_millis(20);

/// The payload type of comfort noise (RFC 3551 §6). It is sent by some who were not asked for it.
const COMFORT_NOISE: u8 = 13;

/// Frames that are sent at once by somebody who woke up late; beyond it the clip waits with him.
const FRAMES_MAX: usize = 5;

/// Clips that wait to be played.
const CLIPS_MAX: usize = 64;

impl Line {
    /// Takes an INVITE whose sound is to come to `local`. `chance` makes tags, branches and the stream.
    ///
    /// # Errors
    /// The refusal, to be sent as it is: there is nothing that both sides could speak, or the INVITE cannot be answered.
    pub fn start(
        invite: Message,
        from: SocketAddr,
        desk: Desk,
        local: SocketAddr,
        chance: u64,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        let version = Version { call: chance >> 16, count: 1 };
        let negotiated = match invite.body() {
            [] => Ok((None, sdp::offer(local, Law::Mu, version))),
            offer => sdp::answer(offer, local, version).map(|(agreed, answer)| (Some(agreed), answer)),
        };
        let (agreed, answer) =
            negotiated.map_err(|unfit| callee::refusal(&invite, from, unfit.status(), chance))?;
        let mut asked = Vec::new();
        let callee = Callee::start(invite, from, desk, chance, &mut asked)?;
        let latch = Latch::new(agreed.and_then(|agreed| agreed.remote));
        let (sender, ear, clips) = (Sender::new(chance.rotate_left(23)), Ear::default(), VecDeque::new());
        let (played, frame_at) = (0, None);
        // A call that begins says nothing but that it is being worked on.
        out.extend(asked.into_iter().filter_map(|output| match output {
            talk::Output::Send(bytes) => Some(Output::Sip(bytes)),
            talk::Output::Up(_)
            | talk::Output::Said(_)
            | talk::Output::Offered(_)
            | talk::Output::Answered(_)
            | talk::Output::Pressed(_)
            | talk::Output::Over(_) => None,
        }));
        Ok(Self { callee, local, version, agreed, answer, latch, sender, ear, clips, played, frame_at })
    }

    /// The INVITE that the call began with.
    #[must_use]
    pub const fn invite(&self) -> &Message {
        self.callee.invite()
    }

    /// Is this request one of this call?
    #[must_use]
    pub fn has(&self, request: &Message) -> bool {
        self.callee.has(request)
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.callee.is_done()
    }

    /// Lets the caller hear ringing.
    pub fn ring(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, Callee::ring);
    }

    /// Answers. There is no way back: the walk that led here is over.
    pub fn accept(&mut self, now: Time, out: &mut Vec<Output>) {
        let answer = core::mem::take(&mut self.answer);
        self.with(now, out, |callee, now, asked| callee.accept(&answer, now, asked));
    }

    /// Refuses with a status from 300 on; the walk that led here goes on.
    pub fn refuse(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |callee, now, asked| callee.refuse(status, now, asked));
    }

    /// Ends the call.
    pub fn hang_up(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, Callee::hang_up);
    }

    /// Plays a clip after those that are played already. An empty one, or one too many, is passed over.
    pub fn play(&mut self, clip: Clip, now: Time) {
        if clip.is_empty() || self.clips.len() >= CLIPS_MAX {
            return;
        }
        if self.clips.is_empty() {
            self.sender.begin();
            self.frame_at = Some(self.frame_at.unwrap_or(now).max(now));
        }
        self.clips.push_back(clip);
    }

    /// Falls silent. Nothing is told.
    pub fn hush(&mut self) {
        self.clips.clear();
        (self.played, self.frame_at) = (0, None);
    }

    /// A request of this call came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |callee, now, asked| callee.on_request(request, now, asked));
    }

    /// A response to a request of ours came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |callee, now, asked| callee.on_response(response, now, asked));
    }

    /// A datagram came to the line's port, from anybody.
    pub fn on_datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Time, out: &mut Vec<Output>) {
        let (Some(agreed), Some(packet)) = (self.agreed, rtp::read(datagram)) else { return };
        if !self.latch.takes(from, now) {
            return;
        }
        if agreed.digits == Some(packet.payload_type) {
            out.extend(self.ear.hear(&packet, now).map(Output::Pressed));
            return;
        }
        let law = match packet.payload_type {
            own if own == agreed.sound => agreed.law,
            // Some send the other law, which they have offered too (RFC 3264 §6.1).
            0 => Law::Mu,
            8 => Law::A,
            COMFORT_NOISE => return out.push(Output::Quiet),
            _ => return,
        };
        let (sequence, bytes) = (packet.sequence, packet.payload.to_vec());
        out.push(Output::Sound(Sound {
            law,
            ssrc: packet.ssrc,
            sequence,
            timestamp: packet.timestamp,
            bytes,
        }));
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, Callee::on_deadline);
        for _ in 0..FRAMES_MAX {
            let Some(due) = self.frame_at.filter(|due| *due <= now) else { return };
            self.frame_at = Some(due + FRAME_TIME);
            self.send_frame(out);
        }
        self.frame_at = self.frame_at.map(|due| due.max(now));
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        [self.callee.deadline(), self.frame_at].into_iter().flatten().min()
    }

    /// The next 20 ms of what is played; of a clip that ends within, the rest is the next one's, or silence.
    fn send_frame(&mut self, out: &mut Vec<Output>) {
        let law = self.agreed.map_or(Law::Mu, |agreed| agreed.law);
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
        match self.agreed.filter(|agreed| agreed.sends).zip(self.latch.remote()) {
            Some((agreed, to)) => {
                out.push(Output::Rtp { to, bytes: self.sender.sound(agreed.sound, &frame) })
            }
            // On hold the clip goes on unheard, as a person would.
            None => self.sender.skip(FRAME),
        }
        if self.clips.is_empty() {
            self.frame_at = None;
            out.push(Output::Played);
        }
    }

    fn with(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Callee, Time, &mut Vec<talk::Output>),
    ) {
        let mut asked = Vec::new();
        act(&mut self.callee, now, &mut asked);
        self.carry_out(asked, now, out);
    }

    fn carry_out(&mut self, asked: Vec<talk::Output>, now: Time, out: &mut Vec<Output>) {
        for output in asked {
            match output {
                talk::Output::Send(bytes) => out.push(Output::Sip(bytes)),
                // Who is called says nothing before its answer.
                talk::Output::Said(_) => {}
                talk::Output::Up(answer) => self.on_up(&answer, now, out),
                talk::Output::Offered(offer) => self.on_offer(&offer, now, out),
                talk::Output::Answered(answer) => {
                    sdp::accept(&answer).into_iter().for_each(|agreed| self.agree(agreed));
                }
                talk::Output::Pressed(digit) => {
                    out.extend(self.ear.press(digit, now).map(Output::Pressed));
                }
                talk::Output::Over(why) => {
                    self.hush();
                    out.push(Output::Over(why));
                }
            }
        }
    }

    fn on_up(&mut self, answer: &[u8], now: Time, out: &mut Vec<Output>) {
        if self.agreed.is_none() {
            match sdp::accept(answer) {
                Ok(agreed) => self.agree(agreed),
                // Nothing of our offer is taken: there is nothing to say it in.
                Err(_) => return self.hang_up(now, out),
            }
        }
        out.push(Output::Up);
    }

    fn on_offer(&mut self, offer: &[u8], now: Time, out: &mut Vec<Output>) {
        self.version.count += 1;
        let answered = match offer {
            // RFC 3261 §14.2: who asks for an offer is told what holds.
            [] => Ok((None, sdp::offer(self.local, Law::Mu, self.version))),
            offer => {
                sdp::answer(offer, self.local, self.version).map(|(agreed, answer)| (Some(agreed), answer))
            }
        };
        match answered {
            Ok((agreed, answer)) => {
                agreed.into_iter().for_each(|agreed| self.agree(agreed));
                self.with(now, out, |callee, now, asked| callee.agree(&answer, now, asked));
            }
            Err(unfit) => {
                self.with(now, out, |callee, now, asked| callee.disagree(unfit.status(), now, asked))
            }
        }
    }

    /// Another place is another sender; the same one goes on.
    fn agree(&mut self, agreed: Agreed) {
        if self.agreed.and_then(|before| before.remote) != agreed.remote {
            self.latch = Latch::new(agreed.remote);
        }
        self.agreed = Some(agreed);
    }
}

#[cfg(test)]
mod tests;
