//! One call with its sound, answered here or made here: what is said is played frame by frame, what is heard is told.

mod reports;

use crate::callee::{self, Callee, Trying};
use crate::caller::{Call, Caller};
use crate::digits::Ear;
use crate::end::End;
use crate::g711::Law;
use crate::mouth::Mouth;
use crate::rtcp::{Reports, is_report};
use crate::rtp::{self, Heard, Latch};
use crate::sdes::Seals;
use crate::sdp::{self, Agreed, Here, Terms, Version};
use crate::srtp::Suite;
use crate::talk::{self, Desk, Why};
use core::net::SocketAddr;
use sip::{Bytes, Message, Time};
use std::sync::Arc;

/// What is played: µ-law, 8,000 samples a second.
pub type Clip = Arc<[u8]>;

/// One call and its sound.
#[derive(Clone, Debug)]
pub struct Line {
    end: End,
    here: Here,
    version: Version,
    /// What may be agreed on.
    may: Terms,
    /// What is agreed on; `None` while our own offer is not answered.
    agreed: Option<Agreed>,
    /// What our answer says.
    answer: Vec<u8>,
    /// What seals our packets and opens theirs, if they are sealed.
    seals: Option<Box<Seals>>,
    latch: Latch,
    mouth: Mouth,
    ear: Ear,
    reports: Reports,
}

/// What it asks of its owner.
#[derive(Clone, Debug)]
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
    /// Send this report (RTCP) from the port beside the line's, which is the next one.
    Report {
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// The other side says this before it answers, or refuses with it: only where the call was made here.
    Said(Message),
    /// The other side hears us from now on.
    Up,
    /// The other side has pressed a digit.
    Pressed(char),
    /// The other side was asked to join this call and another one, and says how that goes: as a status.
    Referred(u16),
    /// The other side was heard.
    Sound(Sound),
    /// The other side says that there is nothing to be heard (RFC 3389): packets may stay away from now on.
    Quiet,
    /// The other side does not listen from now on (RFC 3264 §8.4), or does again: who is on hold says nothing himself, if anything is heard.
    Held(bool),
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

/// What another line is told of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is sound, in the law that was agreed on.
    Sound,
    /// It is a digit.
    Digit,
}

/// The payload type of comfort noise (RFC 3551 §6). It is sent by some who were not asked for it.
const COMFORT_NOISE: u8 = 13;

impl Line {
    /// Takes an INVITE whose sound is to come to `here`. `chance` makes tags, branches and the stream.
    ///
    /// # Errors
    /// The refusal, to be sent as it is: there is nothing that both sides could speak, or the INVITE cannot be answered.
    pub fn start(
        invite: Message,
        from: SocketAddr,
        desk: Desk,
        here: Here,
        chance: u64,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        Self::take(invite, from, desk, here, chance, Trying::AtOnce, out)
    }

    /// Takes an INVITE as [`start`](Self::start) does, but says nothing of its own to it: what is to be said is told with
    /// [`tell`](Self::tell).
    ///
    /// # Errors
    /// The same.
    pub fn start_silently(
        invite: Message,
        from: SocketAddr,
        desk: Desk,
        here: Here,
        chance: u64,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        Self::take(invite, from, desk, here, chance, Trying::WhenTold, out)
    }

    fn take(
        invite: Message,
        from: SocketAddr,
        desk: Desk,
        here: Here,
        chance: u64,
        trying: Trying,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        let (version, may) = (first(chance), ANY);
        let negotiated = match invite.body() {
            [] => Ok((None, sdp::offer(&here, may, version))),
            offer => sdp::answer(offer, &here, may, version).map(|(agreed, answer)| (Some(agreed), answer)),
        };
        let (agreed, answer) =
            negotiated.map_err(|unfit| callee::refusal(&invite, from, unfit.status(), chance))?;
        let mut asked = Vec::new();
        let callee = Callee::start(invite, from, desk, chance, trying, &mut asked)?;
        // A call that begins says nothing but that it is being worked on.
        out.extend(asked.into_iter().filter_map(sent));
        let mut line = Self { answer, ..Self::new(End::Called(Box::new(callee)), here, may, chance) };
        agreed.into_iter().for_each(|agreed| line.agree(agreed));
        Ok(line)
    }

    /// Calls somebody by way of the proxy there, with an offer of these terms; what else the offer of `call` says is passed over.
    /// `None` if what it says makes no message.
    pub fn call(
        call: Call,
        desk: Desk,
        proxy: SocketAddr,
        (here, may): (Here, Terms),
        chance: u64,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Option<Self> {
        let call = Call { sdp: sdp::offer(&here, may, first(chance)), ..call };
        let mut asked = Vec::new();
        let caller = Caller::start(&call, desk, proxy, chance, now, &mut asked)?;
        out.extend(asked.into_iter().filter_map(sent));
        Some(Self::new(End::Calling(Box::new(caller)), here, may, chance))
    }

    fn new(end: End, here: Here, may: Terms, chance: u64) -> Self {
        Self {
            end,
            here,
            version: first(chance),
            may,
            agreed: None,
            answer: Vec::new(),
            seals: None,
            latch: Latch::new(None),
            mouth: Mouth::new(chance.rotate_left(23)),
            ear: Ear::default(),
            reports: Reports::new(chance.rotate_left(41)),
        }
    }

    /// The INVITE that the call began with.
    #[must_use]
    pub fn invite(&self) -> &Message {
        self.end.invite()
    }

    /// Is this request one of this call? Of a call that was made here responses are known too.
    #[must_use]
    pub fn has(&self, message: &Message) -> bool {
        self.end.has(message)
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.end.is_done()
    }

    /// Is this request one of this call, or does this response answer one? Of several INVITEs of one call, as forks are, only
    /// its own is its.
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        match &self.end {
            End::Called(callee) => callee.owns(message),
            End::Calling(caller) => caller.owns(message),
        }
    }

    /// The law that is spoken; `None` while nothing is agreed on.
    #[must_use]
    pub fn law(&self) -> Option<Law> {
        self.agreed.map(|agreed| agreed.law)
    }

    /// Does the other side say its digits as events (RFC 4733)?
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.agreed.is_some_and(|agreed| agreed.digits.is_some())
    }

    /// Speaks this law alone from now on, whatever else is offered.
    pub fn speak_only(&mut self, law: Law) {
        self.may.laws = law.only();
        if self.agreed.is_none() {
            self.answer = sdp::offer(&self.here, self.may, self.version);
        }
    }

    /// Lets the caller hear ringing.
    pub fn ring(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with_called(now, out, Callee::ring);
    }

    /// Tells the caller how far his call is: 100 to 199.
    pub fn tell(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        self.with_called(now, out, |callee, now, asked| callee.tell(status, now, asked));
    }

    /// Lets the caller hear what is played before the call is answered; not one whose INVITE has no offer.
    pub fn progress(&mut self, now: Time, out: &mut Vec<Output>) {
        let answer = self.answer.clone();
        self.with_called(now, out, |callee, now, asked| callee.progress(&answer, now, asked));
    }

    /// Answers. There is no way back: the walk that led here is over.
    pub fn accept(&mut self, now: Time, out: &mut Vec<Output>) {
        let answer = core::mem::take(&mut self.answer);
        self.with_called(now, out, |callee, now, asked| callee.accept(&answer, now, asked));
    }

    /// Refuses with a status from 300 on; the walk that led here goes on.
    pub fn refuse(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        self.refuse_saying(status, b"", now, out);
    }

    /// Refuses, with these header lines, each ended by CRLF.
    pub fn refuse_saying(&mut self, status: u16, lines: &[u8], now: Time, out: &mut Vec<Output>) {
        self.with_called(now, out, |callee, now, asked| callee.refuse(status, lines, now, asked));
    }

    /// Ends the call.
    pub fn hang_up(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |end, now, asked| end.hang_up(None, now, asked));
    }

    /// Ends the call; where it still rings, for this reason (a value of Reason).
    pub fn give_up(&mut self, reason: Option<&str>, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |end, now, asked| end.hang_up(reason, now, asked));
    }

    /// Asks the other side to call who is on another line, in place of that line's call: both are calls with it.
    pub fn refer(&mut self, other: &Self, now: Time, out: &mut Vec<Output>) {
        if let Some(there) = other.end.replaced() {
            self.with(now, out, |end, now, asked| end.refer(&there, now, asked));
        }
    }

    /// Plays a clip after those that are played already. An empty one, or one too many, is passed over.
    pub fn play(&mut self, clip: Clip, now: Time) {
        self.mouth.play(clip, now);
    }

    /// Falls silent. Nothing is told.
    pub fn hush(&mut self) {
        self.mouth.hush();
    }

    /// A request of this call came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |end, now, asked| end.on_request(request, now, asked));
    }

    /// A response to a request of ours came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |end, now, asked| end.on_response(response, now, asked));
    }

    /// A datagram came to the line's port, from anybody.
    pub fn on_datagram(
        &mut self,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        if is_report(datagram) {
            return self.hear_among(from, datagram, now);
        }
        let Some(()) = self.open(datagram) else { return };
        let (Some(agreed), Some(packet)) = (self.agreed, rtp::read(datagram)) else { return };
        if !self.latch.takes(from, now) {
            return;
        }
        self.reports.on_packet(&packet, packet.payload_type == agreed.sound, now);
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
        self.with(now, out, End::on_deadline);
        let report = self.reports.on_deadline(self.mouth.said(now), now);
        report.into_iter().for_each(|report| self.send_report(report, out));
        let law = self.law().unwrap_or(Law::Mu);
        let heard_by = self.agreed.filter(|agreed| agreed.sends).zip(self.latch.remote());
        let (payload_type, to) = heard_by.map(|(agreed, to)| (agreed.sound, to)).unzip();
        let seals = &mut self.seals;
        let send = |mut bytes| {
            seal(seals, &mut bytes);
            out.extend(to.map(|to| Output::Rtp { to, bytes }));
        };
        if self.mouth.speak(law, payload_type, now, send) {
            out.push(Output::Played);
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        [self.end.deadline(), self.mouth.deadline(), self.reports.deadline()].into_iter().flatten().min()
    }

    /// What came from the other side to this line's port and may go on to another, and what it is there.
    pub(crate) fn overhear<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &'a mut Vec<u8>,
        now: Time,
    ) -> Option<(Option<Kind>, Heard<'a>)> {
        if is_report(datagram) {
            self.hear_among(from, datagram, now);
            return None;
        }
        self.open(datagram)?;
        let (agreed, packet) = (self.agreed?, rtp::read(datagram)?);
        let kind = match packet.payload_type {
            sound if sound == agreed.sound => Some(Kind::Sound),
            // What was pressed here is not the other line's.
            digit if Some(digit) == agreed.digits => (!self.ear.knows(&packet)).then_some(Kind::Digit),
            // Comfort noise, or nothing that was agreed on.
            _ => None,
        };
        if !self.latch.takes(from, now) {
            return None;
        }
        self.reports.on_packet(&packet, kind == Some(Kind::Sound), now);
        Some((kind.filter(|_| agreed.hears), packet))
    }

    /// How something of another line is said here, and to whom; `None` if the other side is on hold, or does not know it.
    pub(crate) fn says(&self, kind: Kind) -> Option<(u8, SocketAddr)> {
        let agreed = self.agreed.filter(|agreed| agreed.sends)?;
        let payload_type = match kind {
            Kind::Sound => agreed.sound,
            Kind::Digit => agreed.digits?,
        };
        Some((payload_type, self.latch.remote()?))
    }

    /// Speech begins anew: timestamps have gone on meanwhile. The sequence number and timestamp that come next.
    pub(crate) fn resume(&mut self, now: Time) -> (u16, u32) {
        self.mouth.resume(now)
    }

    /// Makes a packet of another line one of what is said here; how many samples it has, if it is the newest.
    pub(crate) fn pass(
        &mut self,
        datagram: &mut Vec<u8>,
        (payload_type, marker): (u8, bool),
        numbers: (u16, u32),
        newest: Option<usize>,
        now: Time,
    ) {
        self.mouth.pass(datagram, (payload_type, marker), numbers, newest, now);
        seal(&mut self.seals, datagram);
    }

    fn with(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut End, Time, &mut Vec<talk::Output>),
    ) {
        let mut asked = Vec::new();
        act(&mut self.end, now, &mut asked);
        self.carry_out(asked, now, out);
    }

    /// What only concerns a call that is answered here.
    fn with_called(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Callee, Time, &mut Vec<talk::Output>),
    ) {
        self.with(now, out, |end, now, asked| {
            if let Some(callee) = end.called() {
                act(callee, now, asked);
            }
        });
    }

    fn carry_out(&mut self, asked: Vec<talk::Output>, now: Time, out: &mut Vec<Output>) {
        for output in asked {
            match output {
                talk::Output::Send(bytes) => out.push(Output::Sip(bytes)),
                talk::Output::Said(response) => out.push(Output::Said(response)),
                talk::Output::Up(answer) => self.on_up(&answer, now, out),
                talk::Output::Offered(offer) => self.on_offer(&offer, now, out),
                talk::Output::Answered(answer) => {
                    sdp::accept(&answer, self.may).into_iter().for_each(|agreed| self.agree(agreed));
                }
                talk::Output::Pressed(digit) => {
                    out.extend(self.ear.press(digit, now).map(Output::Pressed));
                }
                talk::Output::Referred(status) => out.push(Output::Referred(status)),
                talk::Output::Over(why) => {
                    self.hush();
                    let last = self.reports.end(self.mouth.said(now), now);
                    last.into_iter().for_each(|last| self.send_report(last, out));
                    out.push(Output::Over(why));
                }
            }
        }
    }

    fn on_up(&mut self, answer: &[u8], now: Time, out: &mut Vec<Output>) {
        if self.agreed.is_none() {
            match sdp::accept(answer, self.may) {
                Ok(agreed) => self.agree(agreed),
                // Nothing of our offer is taken: there is nothing to say it in.
                Err(_) => return self.hang_up(now, out),
            }
        }
        self.reports.begin(now);
        out.push(Output::Up);
    }

    fn on_offer(&mut self, offer: &[u8], now: Time, out: &mut Vec<Output>) {
        self.version.count += 1;
        let answered = match offer {
            // RFC 3261 §14.2: who asks for an offer is told what holds.
            [] => Ok((None, sdp::offer(&self.here, self.may, self.version))),
            offer => {
                let answered = sdp::answer(offer, &self.here, self.may, self.version);
                answered.map(|(agreed, answer)| (Some(agreed), answer))
            }
        };
        match answered {
            Ok((agreed, answer)) => {
                let was_held = self.is_held();
                agreed.into_iter().for_each(|agreed| self.agree(agreed));
                if self.is_held() != was_held {
                    out.push(Output::Held(self.is_held()));
                }
                self.with(now, out, |end, now, asked| end.agree(&answer, now, asked));
            }
            Err(unfit) => self.with(now, out, |end, now, asked| end.disagree(unfit.status(), now, asked)),
        }
    }

    fn is_held(&self) -> bool {
        self.agreed.is_some_and(|agreed| !agreed.sends)
    }

    /// Another place is another sender; the same one goes on.
    fn agree(&mut self, agreed: Agreed) {
        if self.agreed.and_then(|before| before.remote) != agreed.remote {
            self.latch = Latch::new(agreed.remote);
        }
        if self.agreed.map(|before| before.control) != Some(agreed.control) {
            self.reports.agree(agreed.control);
        }
        match (&mut self.seals, agreed.sealed) {
            (Some(seals), Some(sealed)) => seals.agree(sealed),
            (seals @ None, Some(sealed)) => *seals = Some(Box::new(Seals::new(sealed, &self.here.key))),
            (Some(_) | None, None) => {}
        }
        // What is sealed stays so.
        if let Some(seals) = &self.seals {
            self.may = Terms { suites: seals.suite().only(), clear: false, ..self.may };
        }
        self.agreed = Some(agreed);
    }

    /// A packet as it was before it was sealed; `None` if it is not one of the other side.
    fn open(&mut self, datagram: &mut Vec<u8>) -> Option<()> {
        self.seals.as_mut().map_or(Some(()), |seals| seals.theirs.open(datagram))
    }
}

fn seal(seals: &mut Option<Box<Seals>>, packet: &mut Vec<u8>) {
    let tag = seals.as_mut().and_then(|seals| seals.ours.seal(packet));
    tag.into_iter().for_each(|tag| packet.extend_from_slice(&tag));
}

/// What we can do: either law, sealed or in the clear.
pub const ANY: Terms = Terms { laws: &Law::BOTH, suites: &Suite::BOTH, clear: true };

/// The first description of a call.
const fn first(chance: u64) -> Version {
    Version { call: chance >> 16, count: 1 }
}

/// What a call sends as it begins.
fn sent(output: talk::Output) -> Option<Output> {
    match output {
        talk::Output::Send(bytes) => Some(Output::Sip(bytes)),
        talk::Output::Said(_)
        | talk::Output::Up(_)
        | talk::Output::Offered(_)
        | talk::Output::Answered(_)
        | talk::Output::Pressed(_)
        | talk::Output::Referred(_)
        | talk::Output::Over(_) => None,
    }
}

#[cfg(test)]
mod tests;
