//! One call that is answered here: RFC 3261 as the user agent that was called, until it is up.

use crate::dialog::{Body, Dialog};
use crate::expiry::Expiry;
use crate::reliable::{Came, Reliable};
use crate::talk::{ALLOW, Desk, Output, SDP, Talk, Why};
use core::net::SocketAddr;
use sip::build::{Extra, answer, answer_with, phrase, response};
use sip::txn::{ServerInvite, ServerOutput};
use sip::{Bytes, Message, Method, Name, Stamp, Time};

/// One call.
#[derive(Clone, Debug)]
pub struct Callee {
    invite: Message,
    stamp: Option<Stamp>,
    server: ServerInvite,
    talk: Talk,
    /// Was nothing said to the INVITE yet?
    is_silent: bool,
    /// What the caller has to acknowledge, until a final answer.
    reliable: Option<Reliable>,
}

/// Who says 100 (RFC 3261 §8.2.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trying {
    /// It is said as soon as the INVITE comes.
    AtOnce,
    /// The owner says it, when it is true of whom he asks himself.
    WhenTold,
}

impl Callee {
    /// Takes an INVITE that came from there, and says that it is being worked on, or leaves it to its owner. `chance` makes its tag and its branches.
    ///
    /// # Errors
    /// The refusal, to be sent as it is: it has no Contact, or requires what is not known here.
    pub fn start(
        invite: Message,
        from: SocketAddr,
        desk: Desk,
        chance: u64,
        trying: Trying,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        let required = invite.elements(Name::Require).map(|span| String::from_utf8_lossy(invite.at(span)));
        let unknown: Vec<_> = required.filter(|option| !is_known(option)).collect();
        if !unknown.is_empty() {
            let unsupported = format!("Unsupported: {}\r\n", unknown.join(", "));
            return Err(refused(&invite, from, 420, chance, &unsupported));
        }
        let tag = format!("{chance:x}").into_bytes();
        let dialog = Dialog::of_called(&invite, &tag).ok_or_else(|| refusal(&invite, from, 400, chance))?;
        let stamp = invite.top_via().map(|via| via.stamp(invite.at(via.span), from));
        let first = answer(&invite, stamp.as_ref(), 100, "Trying", Extra::default());
        let mut sent = Vec::new();
        let server = ServerInvite::start(first, desk.reliability, desk.timers, &mut sent);
        // Whatever comes inside of the call comes by the proxy that the INVITE came by.
        let proxy = stamp.as_ref().map_or(from, |stamp| stamp.reply_to);
        let number = invite.cseq().map(|(number, _)| number);
        let reliable = Reliable::asked_by(&invite, desk.timers);
        let talk = Talk::new(dialog, desk, proxy, number, chance);
        let is_silent = trying == Trying::WhenTold;
        let call = Self { invite, stamp, server, talk, is_silent, reliable };
        call.on_server(sent, out);
        Ok(call)
    }

    /// The INVITE.
    #[must_use]
    pub const fn invite(&self) -> &Message {
        &self.invite
    }

    /// Is this request one of this call?
    #[must_use]
    pub fn has(&self, request: &Message) -> bool {
        let is_first = self.invite.call_id() == request.call_id()
            && self.invite.from_tag() == request.from_tag()
            && request.to_tag().is_empty();
        is_first || self.talk.has(request)
    }

    /// Is this request one of this call, or does this response answer one? Of several INVITEs of one call only its own is its.
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        if message.is_request() {
            let is_same = message.call_id() == self.invite.call_id();
            self.talk.has(message) || is_same && message.branch() == self.invite.branch()
        } else {
            message.call_id() == self.invite.call_id() && message.from_tag() == self.talk.tag()
        }
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.talk.is_done() && self.server.deadline().is_none()
    }

    /// Lets the caller hear ringing.
    pub fn ring(&mut self, now: Time, out: &mut Vec<Output>) {
        self.tell(180, now, out);
    }

    /// Tells the caller how far his call is: 100 to 199. Where he requires it, each waits until he has heard the one before it.
    pub fn tell(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        self.tell_with(status, ("", b""), now, out);
    }

    /// Lets the caller hear us before the call is answered, with this answer to his offer. To be called once, before anything else is
    /// told: what waits for an acknowledgement has no body.
    pub fn progress(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        self.tell_with(183, (SDP, sdp), now, out);
    }

    fn tell_with(&mut self, status: u16, body: Body<'_>, now: Time, out: &mut Vec<Output>) {
        if !self.talk.is_early() || !(100..200).contains(&status) {
            return;
        }
        let Some(reliable) = self.reliable.as_mut().filter(|_| status > 100) else {
            self.respond(status, b"", body, now, out);
            return;
        };
        if let Some(lines) = reliable.lines(status) {
            let bytes = self.respond(status, lines.as_bytes(), body, now, out);
            self.reliable.iter_mut().for_each(|reliable| reliable.sent(bytes.clone(), now));
        }
    }

    /// Answers the call, with this answer to its offer, or this offer if it has none.
    pub fn accept(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        if self.talk.is_early() {
            self.talk.begin(Expiry::asked_by(&self.invite, now), sdp);
            self.respond(200, b"", (SDP, sdp), now, out);
        }
    }

    /// Refuses the call with a status from 300 on, and these header lines; the walk that led here goes on.
    pub fn refuse(&mut self, status: u16, lines: &[u8], now: Time, out: &mut Vec<Output>) {
        if self.talk.is_early() {
            self.respond(status, lines, ("", b""), now, out);
            self.talk.end(Why::Refused, out);
        }
    }

    /// Ends the call.
    pub fn hang_up(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.talk.is_early() {
            self.refuse(480, b"", now, out);
        } else if self.talk.is_up() {
            self.talk.bye(Why::Here, now, out);
        }
    }

    /// Asks the caller's side to call there, in place of another call of ours with it: a value of Refer-To.
    pub fn refer(&mut self, to: &[u8], now: Time, out: &mut Vec<Output>) {
        self.talk.refer(to, now, out);
    }

    /// Answers an offer that was made inside of the call.
    pub fn agree(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        self.talk.agree(sdp, now, out);
    }

    /// Refuses such an offer: the call goes on as it was.
    pub fn disagree(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        self.talk.disagree(status, now, out);
    }

    /// A request of this call came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        let is_first = self.invite.branch() == request.branch();
        let method = request.method();
        // Some acknowledge an answer with the branch of its INVITE.
        if method == Method::Ack && is_first && !self.talk.waits() {
            self.with_server(out, |server, sent| server.on_ack(now, sent));
        } else if method == Method::Cancel && is_first {
            self.on_cancel(&request, now, out);
        } else if method != Method::Ack && is_first {
            self.with_server(out, |server, sent| server.on_retransmission(sent));
        } else if method != Method::Ack && method != Method::Cancel && request.to_tag().is_empty() {
            self.talk.answer(&request, 482, ("", b""), now, out);
        } else if let Some(next) = self.heard(&request) {
            self.talk.answer(&request, 200, ("", b""), now, out);
            next.into_iter().for_each(|status| self.tell(status, now, out));
        } else {
            let was_early = self.talk.is_early();
            self.talk.on_request(request, now, out);
            if was_early && self.talk.is_over() {
                self.respond(487, b"", ("", b""), now, out);
            }
        }
    }

    /// A response to a request of ours came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        self.talk.on_response(response, now, out);
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with_server(out, |server, sent| server.on_deadline(now, sent));
        self.talk.on_deadline(now, out);
        match self.reliable.as_mut().and_then(|reliable| reliable.on_deadline(now)) {
            Some(Came::Again(bytes)) => out.push(Output::Send(bytes)),
            // RFC 3262 §3.
            Some(Came::Nothing) => self.refuse(504, b"", now, out),
            None => {}
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let reliable = self.reliable.as_ref().and_then(Reliable::deadline);
        [self.server.deadline(), self.talk.deadline(), reliable].into_iter().flatten().min()
    }

    /// Does a PRACK say that the caller has heard us? With what he is told next.
    fn heard(&mut self, request: &Message) -> Option<Option<u16>> {
        let is_prack = request.method() == Method::Prack && self.talk.has(request);
        self.reliable.as_mut().filter(|_| is_prack)?.on_prack(request)
    }

    fn on_cancel(&mut self, cancel: &Message, now: Time, out: &mut Vec<Output>) {
        self.talk.answer(cancel, 200, ("", b""), now, out);
        if self.talk.is_early() {
            self.respond(487, b"", ("", b""), now, out);
            self.talk.end(Why::Cancelled, out);
        }
    }

    /// Answers the INVITE that the call began with.
    fn respond(
        &mut self,
        status: u16,
        more: &[u8],
        body: Body<'_>,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Bytes {
        self.is_silent = false;
        if status >= 200 {
            self.reliable = None;
        }
        let mut lines = Vec::new();
        // RFC 3261 §12.1.1: what was recorded goes back as it came.
        for field in self.invite.fields_of(Name::RecordRoute).filter(|_| status < 300) {
            lines.extend_from_slice(self.invite.at(field.line));
        }
        // In a redirection Contact says where to (RFC 3261 §21.3).
        if !(300..400).contains(&status) {
            lines.extend_from_slice(format!("Contact: {}\r\n", self.talk.desk().contact).as_bytes());
        }
        lines.extend_from_slice(format!("{ALLOW}{}", self.talk.expiry_lines(status)).as_bytes());
        lines.extend_from_slice(more);
        // RFC 3261 §8.2.6.2: 100 opens no dialog.
        let to_tag = if status == 100 { b"" } else { self.talk.tag() };
        let extra = Extra { to_tag, lines: &lines };
        let bytes = answer_with(&self.invite, self.stamp.as_ref(), status, phrase(status), extra, body);
        if (200..300).contains(&status) {
            self.talk.wait_for_ack(self.invite.cseq().map_or(0, |(number, _)| number), &bytes, now);
        }
        self.with_server(out, |server, sent| server.respond(status, bytes.clone(), now, sent));
        bytes
    }

    fn with_server(
        &mut self,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut ServerInvite, &mut Vec<ServerOutput>),
    ) {
        let mut sent = Vec::new();
        act(&mut self.server, &mut sent);
        self.on_server(sent, out);
    }

    fn on_server(&self, sent: Vec<ServerOutput>, out: &mut Vec<Output>) {
        let heard = sent.into_iter().filter(|_| !self.is_silent);
        out.extend(heard.filter_map(|output| match output {
            ServerOutput::Send(bytes) => Some(Output::Send(bytes)),
            ServerOutput::Acked | ServerOutput::AckMissing | ServerOutput::Done => None,
        }));
    }
}

/// The refusal of an INVITE that no call is made of, to be sent as it is.
#[must_use]
pub fn refusal(invite: &Message, from: SocketAddr, status: u16, chance: u64) -> Bytes {
    refused(invite, from, status, chance, "")
}

/// As [`refusal`], with these header lines.
#[must_use]
pub(crate) fn refused(invite: &Message, from: SocketAddr, status: u16, chance: u64, lines: &str) -> Bytes {
    let tag = format!("{chance:x}");
    let extra = Extra { to_tag: tag.as_bytes(), lines: lines.as_bytes() };
    response(invite, from, status, phrase(status), extra)
}

/// Extensions that may be required of us.
fn is_known(option: &str) -> bool {
    ["timer", "100rel"].iter().any(|known| known.eq_ignore_ascii_case(option))
}

#[cfg(test)]
mod tests;
