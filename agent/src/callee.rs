//! One call that is answered here: RFC 3261 as the user agent that was called. What it says and records is its owner's.

use crate::dialog::{Body, Dialog};
use crate::digits;
use core::net::SocketAddr;
use core::time::Duration;
use sip::build::{Extra, answer, answer_with, phrase, response};
use sip::txn::{ClientOutput, ClientRequest, Reliability, ServerInvite, ServerOutput, Timers};
use sip::{Bytes, Message, Method, Name, Stamp, Time};
use std::collections::VecDeque;

/// Who answers, and how its messages reach the proxy in front of it.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Its Contact, as a whole value.
    pub contact: String,
    /// What its Via says before the branch: `SIP/2.0/UDP 127.0.0.1:5070`.
    pub via: String,
    /// Whether the way to the proxy loses datagrams.
    pub reliability: Reliability,
    /// Its timers.
    pub timers: Timers,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Callee {
    desk: Desk,
    invite: Message,
    stamp: Option<Stamp>,
    tag: Vec<u8>,
    branches: u64,
    dialog: Option<Dialog>,
    server: ServerInvite,
    state: State,
    /// What was answered to requests inside of the call, by their branch: copies get it again.
    answered: VecDeque<(Vec<u8>, Bytes)>,
    /// An answer of ours to an INVITE that waits for its ACK (RFC 3261 §13.3.1.4).
    unheard: Option<Unheard>,
    /// The re-INVITE or UPDATE that waits for our answer to its offer.
    asked: Option<Message>,
    /// The session timer that was agreed on (RFC 4028), and when it ends the call.
    timer: Option<(Duration, Time)>,
}

#[derive(Clone, Debug)]
enum State {
    /// No final answer was given.
    Early,
    /// Answered.
    Up,
    /// Our BYE is out.
    Leaving(ClientRequest),
    /// Nothing more will happen.
    Over,
}

/// A 2xx that goes out again until its ACK comes.
#[derive(Clone, Debug)]
struct Unheard {
    number: u32,
    bytes: Bytes,
    again_at: Time,
    pause: Duration,
    until: Time,
}

/// What it asks of its owner.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this to the proxy.
    Send(Bytes),
    /// The caller has acknowledged the answer: it may be spoken. With what the acknowledgement carries: the answer to an
    /// offer of ours.
    Up(Vec<u8>),
    /// The caller offers new media: [`Callee::agree`] or [`Callee::disagree`]. Empty if it asks for an offer.
    Offered(Vec<u8>),
    /// The caller answers the offer that [`Callee::agree`] has made.
    Answered(Vec<u8>),
    /// The caller has pressed a digit, and said so by INFO.
    Pressed(char),
    /// The call is over, and why.
    Over(Why),
}

/// How a call came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The caller hung up.
    Caller,
    /// The caller gave up before it was answered.
    Cancelled,
    /// It was refused here.
    Refused,
    /// It was ended here.
    Here,
    /// The caller never acknowledged the answer.
    Unheard,
    /// The caller did not refresh the call in time (RFC 4028 §10).
    Expired,
}

/// Answers that are kept for copies of their requests. A caller has one request under way at a time, or two.
const ANSWERED_MAX: usize = 8;

/// What is understood inside of a call.
const ALLOW: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n";

const SDP: &str = "application/sdp";

impl Callee {
    /// Takes an INVITE that came from there, and says that it is being worked on. `chance` makes its tag and its branches.
    ///
    /// # Errors
    /// The refusal, to be sent as it is: it has no Contact, or requires what is not known here.
    pub fn start(
        invite: Message,
        from: SocketAddr,
        desk: Desk,
        chance: u64,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        let stamp = invite.top_via().map(|via| via.stamp(invite.at(via.span), from));
        let tag = format!("{chance:x}").into_bytes();
        let required = invite.elements(Name::Require).map(|span| String::from_utf8_lossy(invite.at(span)));
        let unknown: Vec<_> = required.filter(|option| !is_known(option)).collect();
        if !unknown.is_empty() {
            let unsupported = format!("Unsupported: {}\r\n", unknown.join(", "));
            return Err(refused(&invite, from, 420, chance, &unsupported));
        }
        let dialog = Dialog::of_called(&invite, &tag).ok_or_else(|| refusal(&invite, from, 400, chance))?;
        let trying = answer(&invite, stamp.as_ref(), 100, "Trying", Extra::default());
        let mut sent = Vec::new();
        let server = ServerInvite::start(trying, desk.reliability, desk.timers, &mut sent);
        let (dialog, answered, unheard, asked, timer) = (Some(dialog), VecDeque::new(), None, None, None);
        let state = State::Early;
        let call = Self {
            desk,
            invite,
            stamp,
            tag,
            branches: chance,
            dialog,
            server,
            state,
            answered,
            unheard,
            asked,
            timer,
        };
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
        is_first || self.dialog.as_ref().is_some_and(|dialog| dialog.has(request))
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Over) && self.deadline().is_none()
    }

    /// Lets the caller hear ringing. A caller that requires every answer to be acknowledged (RFC 3262) hears none.
    pub fn ring(&mut self, now: Time, out: &mut Vec<Output>) {
        if matches!(self.state, State::Early) && !self.invite.has(Name::Require) {
            self.respond(180, ("", b""), now, out);
        }
    }

    /// Answers the call, with this answer to its offer, or this offer if it has none.
    pub fn accept(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        if matches!(self.state, State::Early) {
            self.state = State::Up;
            self.timer = timer_of(&self.invite).map(|interval| (interval, now + lasts(interval)));
            self.respond(200, (SDP, sdp), now, out);
        }
    }

    /// Refuses the call with a status from 300 on; the walk that led here goes on.
    pub fn refuse(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        if matches!(self.state, State::Early) {
            self.respond(status, ("", b""), now, out);
            self.end(Why::Refused, out);
        }
    }

    /// Ends the call.
    pub fn hang_up(&mut self, now: Time, out: &mut Vec<Output>) {
        match self.state {
            State::Early => self.refuse(480, now, out),
            State::Up => self.bye(Why::Here, now, out),
            State::Leaving(_) | State::Over => {}
        }
    }

    /// Answers an offer that was made inside of the call.
    pub fn agree(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        if let Some(request) = self.asked.take() {
            self.answer(&request, 200, (SDP, sdp), now, out);
        }
    }

    /// Refuses such an offer: the call goes on as it was.
    pub fn disagree(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        if let Some(request) = self.asked.take() {
            self.answer(&request, status, ("", b""), now, out);
        }
    }

    /// A request of this call came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        let branch = request.top_via().map(|via| via.branch().to_vec()).unwrap_or_default();
        let is_first = self.invite.top_via().is_some_and(|via| via.branch() == branch);
        let method = request.method();
        // A copy of what the owner has not answered yet.
        let is_asked =
            self.asked.as_ref().and_then(Message::top_via).is_some_and(|via| via.branch() == branch);
        if method == Method::Ack {
            // Some acknowledge an answer with the branch of its INVITE.
            if is_first && self.unheard.is_none() {
                self.with_server(out, |server, sent| server.on_ack(now, sent));
            } else {
                self.on_ack(&request, out);
            }
        } else if method == Method::Cancel {
            self.on_cancel(&request, is_first, now, out);
        } else if is_first {
            self.with_server(out, ServerInvite::on_retransmission);
        } else if request.to_tag().is_empty() {
            self.answer(&request, 482, ("", b""), now, out);
        } else if let Some((_, answer)) = self.answered.iter().find(|(other, _)| *other == branch) {
            out.push(Output::Send(answer.clone()));
        } else if !is_asked {
            self.on_inside(request, now, out);
        }
    }

    /// A response to our BYE came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        self.with_bye(out, |bye, said| bye.on_response(response, now, said));
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with_server(out, |server, sent| server.on_deadline(now, sent));
        self.with_bye(out, |bye, said| bye.on_deadline(now, said));
        if self.timer.is_some_and(|(_, end)| end <= now) {
            self.bye(Why::Expired, now, out);
        }
        let Some(unheard) = &mut self.unheard else { return };
        if unheard.until <= now {
            self.unheard = None;
            // RFC 3261 §13.3.1.4: the call is up, and has to be ended.
            self.bye(Why::Unheard, now, out);
        } else if unheard.again_at <= now {
            unheard.pause = (unheard.pause * 2).min(self.desk.timers.t2);
            unheard.again_at = now + unheard.pause;
            out.push(Output::Send(unheard.bytes.clone()));
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let bye = match &self.state {
            State::Leaving(bye) => bye.deadline(),
            State::Early | State::Up | State::Over => None,
        };
        let unheard = self.unheard.as_ref().map(|unheard| unheard.again_at.min(unheard.until));
        let timer = self.timer.map(|(_, end)| end);
        [self.server.deadline(), bye, unheard, timer].into_iter().flatten().min()
    }

    fn on_ack(&mut self, ack: &Message, out: &mut Vec<Output>) {
        let number = ack.cseq().map(|(number, _)| number);
        let is_its = |unheard: &mut Unheard| Some(unheard.number) == number;
        let is_first = self.invite.cseq().map(|(number, _)| number) == number;
        if self.unheard.take_if(|unheard| is_its(unheard)).is_none() || !matches!(self.state, State::Up) {
            return;
        }
        match ack.body() {
            body if is_first => out.push(Output::Up(body.to_vec())),
            [] => {}
            body => out.push(Output::Answered(body.to_vec())),
        }
    }

    fn on_cancel(&mut self, cancel: &Message, is_first: bool, now: Time, out: &mut Vec<Output>) {
        let status = if is_first { 200 } else { 481 };
        self.answer(cancel, status, ("", b""), now, out);
        if is_first && matches!(self.state, State::Early) {
            self.respond(487, ("", b""), now, out);
            self.end(Why::Cancelled, out);
        }
    }

    /// A request inside of the call that is no copy.
    fn on_inside(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        let is_live = matches!(self.state, State::Early | State::Up);
        let taken = self.dialog.as_mut().filter(|_| is_live).map_or(Err(481), |dialog| dialog.take(&request));
        if let Err(status) = taken {
            return self.answer(&request, status, ("", b""), now, out);
        }
        match request.method() {
            Method::Bye => {
                self.answer(&request, 200, ("", b""), now, out);
                if matches!(self.state, State::Early) {
                    self.respond(487, ("", b""), now, out);
                }
                self.end(Why::Caller, out);
            }
            // RFC 3261 §14.2: one offer at a time, and none before the first is answered.
            Method::Invite | Method::Update if self.asked.is_some() || matches!(self.state, State::Early) => {
                self.answer(&request, 491, ("", b""), now, out);
            }
            Method::Update if request.body().is_empty() => {
                self.refresh(&request, now);
                self.answer(&request, 200, ("", b""), now, out);
            }
            Method::Invite | Method::Update => {
                self.refresh(&request, now);
                out.push(Output::Offered(request.body().to_vec()));
                self.asked = Some(request);
            }
            Method::Info => {
                let digit = digits::of_info(request.body());
                self.answer(&request, 200, ("", b""), now, out);
                out.extend(digit.map(Output::Pressed));
            }
            Method::Options => self.answer(&request, 200, ("", b""), now, out),
            Method::Ack | Method::Cancel => {}
            Method::Register
            | Method::Prack
            | Method::Subscribe
            | Method::Notify
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other => self.answer(&request, 405, ("", b""), now, out),
        }
    }

    /// A caller that refreshes the call keeps it, or gives its timer up.
    fn refresh(&mut self, request: &Message, now: Time) {
        self.timer = timer_of(request).map(|interval| (interval, now + lasts(interval)));
    }

    /// What is said of the timer in an answer that agrees on it.
    fn timer_lines(&self, status: u16) -> String {
        let agreed = self.timer.filter(|_| (200..300).contains(&status));
        agreed.map_or_else(String::new, |(interval, _)| {
            format!("Require: timer\r\nSession-Expires: {};refresher=uac\r\n", interval.as_secs())
        })
    }

    /// Answers the INVITE that the call began with.
    fn respond(&mut self, status: u16, body: Body<'_>, now: Time, out: &mut Vec<Output>) {
        let lines = format!("Contact: {}\r\n{ALLOW}{}", self.desk.contact, self.timer_lines(status));
        let extra = Extra { to_tag: &self.tag, lines: lines.as_bytes() };
        let mut recorded = Vec::new();
        // RFC 3261 §12.1.1: what was recorded goes back as it came.
        for field in self.invite.fields_of(Name::RecordRoute).filter(|_| status < 300) {
            recorded.extend_from_slice(self.invite.at(field.line));
        }
        recorded.extend_from_slice(extra.lines);
        let extra = Extra { lines: &recorded, ..extra };
        let bytes = answer_with(&self.invite, self.stamp.as_ref(), status, phrase(status), extra, body);
        if (200..300).contains(&status) {
            self.wait_for_ack(self.invite.cseq().map_or(0, |(number, _)| number), &bytes, now);
        }
        self.with_server(out, |server, sent| server.respond(status, bytes, now, sent));
    }

    /// Answers a request inside of the call, and keeps the answer for its copies.
    fn answer(&mut self, request: &Message, status: u16, body: Body<'_>, now: Time, out: &mut Vec<Output>) {
        let via = request.top_via();
        // Whatever it comes from, it came by the proxy that the INVITE came by.
        let from = self.stamp.as_ref().map(|stamp| stamp.reply_to);
        let stamp = via.as_ref().zip(from).map(|(via, from)| via.stamp(request.at(via.span), from));
        let mut lines = String::new();
        let is_offer = matches!(request.method(), Method::Invite | Method::Update);
        if is_offer || request.method() == Method::Options {
            lines += &format!("Contact: {}\r\n{ALLOW}", self.desk.contact);
        }
        if is_offer {
            lines += &self.timer_lines(status);
        }
        let extra = Extra { to_tag: &self.tag, lines: lines.as_bytes() };
        let bytes = answer_with(request, stamp.as_ref(), status, phrase(status), extra, body);
        if request.method() == Method::Invite && (200..300).contains(&status) {
            self.wait_for_ack(request.cseq().map_or(0, |(number, _)| number), &bytes, now);
        }
        if self.answered.len() == ANSWERED_MAX {
            self.answered.pop_front();
        }
        if request.method() != Method::Cancel {
            let branch = via.map(|via| via.branch().to_vec()).unwrap_or_default();
            self.answered.push_back((branch, bytes.clone()));
        }
        out.push(Output::Send(bytes));
    }

    fn wait_for_ack(&mut self, number: u32, bytes: &Bytes, now: Time) {
        let Timers { t1, life, .. } = self.desk.timers;
        self.unheard =
            Some(Unheard { number, bytes: bytes.clone(), again_at: now + t1, pause: t1, until: now + life });
    }

    fn bye(&mut self, why: Why, now: Time, out: &mut Vec<Output>) {
        let Some(dialog) = &mut self.dialog else { return self.end(why, out) };
        self.branches = self.branches.wrapping_add(1);
        let via = format!("{};branch=z9hG4bK{:x}", self.desk.via, self.branches);
        let bye = dialog.request("BYE", via.as_bytes(), b"", ("", b""));
        let mut said = Vec::new();
        let bye = ClientRequest::start(bye, self.desk.reliability, self.desk.timers, now, &mut said);
        self.end(why, out);
        self.state = State::Leaving(bye);
        self.on_client(said, out);
    }

    fn end(&mut self, why: Why, out: &mut Vec<Output>) {
        (self.state, self.unheard, self.asked, self.timer) = (State::Over, None, None, None);
        out.push(Output::Over(why));
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

    fn with_bye(
        &mut self,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut ClientRequest, &mut Vec<ClientOutput>),
    ) {
        if let State::Leaving(bye) = &mut self.state {
            let mut said = Vec::new();
            act(bye, &mut said);
            self.on_client(said, out);
        }
    }

    fn on_server(&self, sent: Vec<ServerOutput>, out: &mut Vec<Output>) {
        out.extend(sent.into_iter().filter_map(|output| match output {
            ServerOutput::Send(bytes) => Some(Output::Send(bytes)),
            ServerOutput::Acked | ServerOutput::AckMissing | ServerOutput::Done => None,
        }));
    }

    fn on_client(&mut self, said: Vec<ClientOutput>, out: &mut Vec<Output>) {
        for output in said {
            match output {
                ClientOutput::Send(bytes) => out.push(Output::Send(bytes)),
                ClientOutput::Done | ClientOutput::TimedOut | ClientOutput::Unreachable => {
                    self.state = State::Over
                }
                // Whatever is said to a BYE, the call is over.
                ClientOutput::Pass(_) => {}
            }
        }
    }
}

/// The refusal of an INVITE that no call is made of, to be sent as it is.
#[must_use]
pub fn refusal(invite: &Message, from: SocketAddr, status: u16, chance: u64) -> Bytes {
    refused(invite, from, status, chance, "")
}

fn refused(invite: &Message, from: SocketAddr, status: u16, chance: u64, lines: &str) -> Bytes {
    let tag = format!("{chance:x}");
    let extra = Extra { to_tag: tag.as_bytes(), lines: lines.as_bytes() };
    response(invite, from, status, phrase(status), extra)
}

/// Extensions that may be required of us: who wants its provisional answers acknowledged gets none.
fn is_known(option: &str) -> bool {
    ["timer", "100rel"].iter().any(|known| known.eq_ignore_ascii_case(option))
}

/// The session timer that a request asks for, if its sender will refresh (RFC 4028 §9); we never do.
fn timer_of(request: &Message) -> Option<Duration> {
    let can = |name| {
        let mut options = request.elements(name);
        options.any(|span| request.at(span).eq_ignore_ascii_case(b"timer"))
    };
    let value = request.value(Name::SessionExpires).filter(|_| can(Name::Supported) || can(Name::Require))?;
    let (seconds, params) =
        value.split_at(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
    let ours = params.to_ascii_lowercase().windows(13).any(|part| part == b"refresher=uas");
    let seconds = core::str::from_utf8(seconds.trim_ascii()).ok()?.parse::<u32>().ok()?;
    (!ours && seconds >= TIMER_MIN).then_some(Duration::from_secs(seconds.into()))
}

/// The shortest timer (RFC 4028 §5). Who asks for less goes without.
const TIMER_MIN: u32 = 90;

/// RFC 4028 §10: the call ends a third of the interval before its end, 32 s at most.
fn lasts(interval: Duration) -> Duration {
    interval - (interval / 3).min(Duration::from_secs(32))
}

#[cfg(test)]
mod tests;
