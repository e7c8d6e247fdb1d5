//! One call that is made here: RFC 3261 as the user agent that calls, with every fork that answers.

use crate::dialog::Dialog;
use crate::expiry::Expiry;
use crate::talk::{ALLOW, Desk, Output, SDP, SUPPORTED, Talk, Why, branch_of};
use core::net::SocketAddr;
use core::time::Duration;
use sip::build::{Extra, cancel, phrase, push_body, response};
use sip::text::leading_decimal;
use sip::txn::{ClientInvite, ClientOutput, ClientRequest};
use sip::{Bytes, Message, Method, Name, NameAddr, Time};
use std::io::Write;

/// Whom an INVITE calls, and what it says.
#[derive(Clone, Debug)]
pub struct Call {
    /// The Request-URI.
    pub uri: Vec<u8>,
    /// From, without a tag.
    pub from: Vec<u8>,
    /// The tag of From.
    pub tag: Vec<u8>,
    /// To.
    pub to: Vec<u8>,
    /// The Call-ID.
    pub call_id: Vec<u8>,
    /// The number of its CSeq: one more than that of the last try with this Call-ID.
    pub number: u32,
    /// How many hops are left to it.
    pub max_forwards: u32,
    /// Further header lines, Route among them, each ended by CRLF.
    pub lines: Vec<u8>,
    /// The offer.
    pub sdp: Vec<u8>,
}

/// Who calls, as another call of the same may say it: without the tag.
pub(crate) fn untagged(from: &NameAddr<'_>) -> Vec<u8> {
    let mut named = [from.display, b" <", from.uri, b">"].concat().trim_ascii_start().to_vec();
    for (name, value) in from.params.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"tag")) {
        named.extend_from_slice(&[b";", name].concat());
        value.into_iter().for_each(|value| named.extend_from_slice(&[b"=", value].concat()));
    }
    named
}

/// One call.
#[derive(Clone, Debug)]
pub struct Caller {
    desk: Desk,
    proxy: SocketAddr,
    branches: u64,
    invite: Message,
    client: ClientInvite,
    cancel: Option<ClientRequest>,
    state: State,
    /// Who has answered first: the call, once it is up.
    up: Option<Fork>,
    /// Who else has been heard of: those that ring, and those that answered too late.
    forks: Vec<Fork>,
}

#[derive(Clone, Debug)]
enum State {
    /// Nobody has answered yet. Who rings on is given up at the end.
    Calling { until: Time },
    /// Given up here: it is cancelled at the first provisional answer, not before (RFC 3261 §9.1), and whoever answers all the
    /// same hears BYE. Once cancelled it is waited for until the end.
    Leaving { reason: Option<String>, until: Option<Time> },
    /// It was answered, or nobody will.
    Settled,
}

/// One of those that a call may reach.
#[derive(Clone, Debug)]
struct Fork {
    tag: Vec<u8>,
    talk: Talk,
    /// What it answered to our offer before its final answer.
    early: Vec<u8>,
    /// The number of its last provisional answer that had to be acknowledged (RFC 3262).
    heard: Option<u32>,
    /// The ACK of its answer: it goes out again for each copy.
    ack: Option<Bytes>,
}

/// Rings no longer than this, whatever its owner does: the longest walk takes 180 s.
const RINGS_MAX: Duration = Duration::from_secs(200);

/// Forks that are known apart. A carrier rings one phone; what it does beyond is its own.
const FORKS_MAX: usize = 10;

impl Caller {
    /// Sends an INVITE to the proxy there. `chance` makes its branches. `None` if what the call says makes no message.
    pub fn start(
        call: &Call,
        desk: Desk,
        proxy: SocketAddr,
        chance: u64,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Option<Self> {
        let invite = Message::parse(written(call, &desk, chance)).ok()?;
        sip::check(&invite).ok()?;
        let mut said = Vec::new();
        let client =
            ClientInvite::start(invite.bytes().clone(), desk.reliability, desk.timers, now, &mut said);
        let (cancel, up, forks, branches) = (None, None, Vec::new(), chance);
        let state = State::Calling { until: now + RINGS_MAX };
        let mut caller = Self { desk, proxy, branches, invite, client, cancel, state, up, forks };
        caller.on_client(said, now, out);
        Some(caller)
    }

    /// The INVITE as it was sent.
    #[must_use]
    pub const fn invite(&self) -> &Message {
        &self.invite
    }

    /// Is this request, or the request that this response answers, one of this call?
    #[must_use]
    pub fn has(&self, message: &Message) -> bool {
        let our_tag = if message.is_request() { message.to_tag() } else { message.from_tag() };
        message.call_id() == self.invite.call_id() && our_tag == self.invite.from_tag()
    }

    /// Is this request one of this call, or does this response answer one? Of several INVITEs with one Call-ID, as the tries of one
    /// call are, only its own is its.
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        let is_of_fork = || self.up.iter().chain(&self.forks).any(|fork| fork.tag == message.to_tag());
        let is_ours = || message.branch() == self.invite.branch() || is_of_fork();
        self.has(message) && (message.is_request() || is_ours())
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        let is_over = self.up.as_ref().is_none_or(|up| up.talk.is_over());
        matches!(self.state, State::Settled) && is_over && self.deadline().is_none()
    }

    /// Gives up, for this reason (a value of Reason), or hangs up.
    pub fn hang_up(&mut self, reason: Option<&str>, now: Time, out: &mut Vec<Output>) {
        match &self.state {
            State::Calling { .. } => self.give_up(Why::Here, reason, now, out),
            State::Leaving { .. } => {}
            State::Settled => {
                if let Some(up) = self.up.as_mut().filter(|up| up.talk.is_up()) {
                    up.talk.bye(Why::Here, now, out);
                }
            }
        }
    }

    /// Who is called to take this call over from us, as the value of a Refer-To; `None` while it is not up.
    #[must_use]
    pub fn replaced(&self) -> Option<Vec<u8>> {
        let up = self.up.as_ref().filter(|up| up.talk.is_up())?;
        Some(up.talk.dialog().replaced())
    }

    /// Answers an offer that was made inside of the call.
    pub fn agree(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        self.up.iter_mut().for_each(|up| up.talk.agree(sdp, now, out));
    }

    /// Refuses such an offer: the call goes on as it was.
    pub fn disagree(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        self.up.iter_mut().for_each(|up| up.talk.disagree(status, now, out));
    }

    /// A request of this call came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        if let Some(up) = self.up.as_mut().filter(|up| up.talk.has(&request)) {
            up.talk.on_request(request, now, out);
        } else if let Some(fork) = self.forks.iter_mut().find(|fork| fork.talk.has(&request)) {
            aside(out, |said| fork.talk.on_request(request, now, said));
        } else {
            out.extend(unknown(&request, self.proxy).map(Output::Send));
        }
    }

    /// A response to a request of ours came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        let mut said = Vec::new();
        if response.branch() != self.invite.branch() {
            let tag = response.to_tag();
            if let Some(up) = self.up.as_mut().filter(|up| up.tag == tag) {
                up.talk.on_response(response, now, out);
            } else if let Some(fork) = self.forks.iter_mut().find(|fork| fork.tag == tag) {
                aside(out, |said| fork.talk.on_response(response, now, said));
            }
        } else if response.cseq().is_some_and(|(_, method)| method == b"CANCEL") {
            self.cancel.iter_mut().for_each(|cancel| cancel.on_response(response.clone(), now, &mut said));
            self.on_cancel(said, out);
        } else {
            self.client.on_response(response, now, &mut said);
            self.on_client(said, now, out);
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut said = Vec::new();
        self.client.on_deadline(now, &mut said);
        self.on_client(said, now, out);
        let mut said = Vec::new();
        self.cancel.iter_mut().for_each(|cancel| cancel.on_deadline(now, &mut said));
        self.on_cancel(said, out);
        match &self.state {
            State::Calling { until } if *until <= now => self.give_up(Why::Silent, None, now, out),
            // RFC 3261 §9.1: whoever answers nothing to the CANCEL is not waited for.
            State::Leaving { until: Some(until), .. } if *until <= now => self.state = State::Settled,
            State::Calling { .. } | State::Leaving { .. } | State::Settled => {}
        }
        self.up.iter_mut().for_each(|up| up.talk.on_deadline(now, out));
        self.forks.iter_mut().for_each(|fork| aside(out, |said| fork.talk.on_deadline(now, said)));
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let state = match &self.state {
            State::Calling { until } => Some(*until),
            State::Leaving { until, .. } => *until,
            State::Settled => None,
        };
        let cancel = self.cancel.as_ref().and_then(ClientRequest::deadline);
        let talks = self.up.iter().chain(&self.forks).filter_map(|fork| fork.talk.deadline());
        talks.chain([self.client.deadline(), cancel, state].into_iter().flatten()).min()
    }

    fn give_up(&mut self, why: Why, reason: Option<&str>, now: Time, out: &mut Vec<Output>) {
        self.state = State::Leaving { reason: reason.map(String::from), until: None };
        out.push(Output::Over(why));
        if self.client.may_cancel() {
            self.cancel(now, out);
        } else {
            self.client.hush();
        }
    }

    fn cancel(&mut self, now: Time, out: &mut Vec<Output>) {
        let State::Leaving { reason, until: until @ None } = &mut self.state else { return };
        let Desk { reliability, timers, .. } = self.desk;
        *until = Some(now + timers.life);
        let request = cancel(&self.invite, reason.as_deref());
        let mut said = Vec::new();
        self.cancel = Some(ClientRequest::start(request, reliability, timers, now, &mut said));
        self.on_cancel(said, out);
    }

    fn on_client(&mut self, said: Vec<ClientOutput>, now: Time, out: &mut Vec<Output>) {
        for output in said {
            match output {
                ClientOutput::Send(bytes) => out.push(Output::Send(bytes)),
                ClientOutput::Pass(response) => match response.status().unwrap_or_default() {
                    0..=199 => self.on_provisional(response, now, out),
                    200..=299 => self.on_answer(&response, now, out),
                    300.. => self.on_refusal(response, out),
                },
                // An answer that cannot be acknowledged is none either.
                ClientOutput::TimedOut | ClientOutput::Unreachable | ClientOutput::Done => {
                    if matches!(self.state, State::Calling { .. }) {
                        out.push(Output::Over(Why::Silent));
                    }
                    self.state = State::Settled;
                }
            }
        }
    }

    fn on_cancel(&mut self, said: Vec<ClientOutput>, out: &mut Vec<Output>) {
        for output in said {
            match output {
                ClientOutput::Send(bytes) => out.push(Output::Send(bytes)),
                // What becomes of the INVITE is what counts.
                ClientOutput::Pass(_) | ClientOutput::TimedOut | ClientOutput::Unreachable => {}
                ClientOutput::Done => self.cancel = None,
            }
        }
    }

    fn on_provisional(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        match self.state {
            State::Calling { .. } => {}
            State::Leaving { .. } => return self.cancel(now, out),
            State::Settled => return,
        }
        let number = reliable(&response);
        // RFC 3261 §8.2.6.2: 100 is no word of whoever is called.
        if response.status() > Some(100)
            && let Some(fork) = self.fork_of(&response)
        {
            if let Some(number) = number {
                // RFC 3262 §4: one that came before is a copy, and whatever is missing in between comes again.
                if fork.heard.is_some_and(|heard| number != heard.wrapping_add(1)) {
                    return;
                }
                fork.heard = Some(number);
                let invite = response.cseq().map_or(0, |(number, _)| number);
                aside(out, |said| fork.talk.heard(number, invite, now, said));
            }
            if !response.body().is_empty() {
                fork.early = response.body().to_vec();
            }
        }
        out.push(Output::Said(response));
    }

    fn on_answer(&mut self, answer: &Message, now: Time, out: &mut Vec<Output>) {
        let tag = answer.to_tag();
        let number = self.invite.cseq().map_or(0, |(number, _)| number);
        let known = self.up.iter().chain(&self.forks).find(|fork| fork.tag == tag);
        if let Some(ack) = known.and_then(|fork| fork.ack.clone()) {
            return out.push(Output::Send(ack));
        }
        let Some(fork) = self.fork_of(answer) else { return };
        let (ack, early) = (fork.talk.answered(number, answer), core::mem::take(&mut fork.early));
        fork.ack = Some(ack.clone());
        out.push(Output::Send(ack));
        let Some(place) = self.forks.iter().position(|fork| fork.tag == tag) else { return };
        if matches!(self.state, State::Calling { .. }) {
            let mut fork = self.forks.swap_remove(place);
            fork.talk.begin(Expiry::granted_by(answer, now), self.invite.body());
            out.push(Output::Up(if answer.body().is_empty() { early } else { answer.body().to_vec() }));
            (self.up, self.state) = (Some(fork), State::Settled);
            self.forks.retain(|fork| fork.ack.is_some());
        } else if let Some(fork) = self.forks.get_mut(place) {
            // Another one was quicker, or nobody waits any more.
            fork.talk.begin(None, b"");
            aside(out, |said| fork.talk.bye(Why::Here, now, said));
        }
    }

    fn on_refusal(&mut self, response: Message, out: &mut Vec<Output>) {
        if matches!(self.state, State::Calling { .. }) {
            out.push(Output::Said(response));
            out.push(Output::Over(Why::Refused));
        }
        self.state = State::Settled;
        self.forks.retain(|fork| fork.ack.is_some());
    }

    /// Who has sent this: those who give no tag are one.
    fn fork_of(&mut self, response: &Message) -> Option<&mut Fork> {
        let tag = response.to_tag();
        if let Some(place) = self.forks.iter().position(|fork| fork.tag == tag) {
            return self.forks.get_mut(place);
        }
        let dialog = Dialog::of_caller(&self.invite, response)?;
        if self.forks.len() == FORKS_MAX {
            // Who only rings may be forgotten.
            let place = self.forks.iter().position(|fork| fork.ack.is_none())?;
            self.forks.remove(place);
        }
        // Each takes branches of its own.
        self.branches = self.branches.wrapping_add(1 << 32);
        let talk = Talk::new(dialog, self.desk.clone(), self.proxy, None, self.branches);
        self.forks.push(Fork { tag: tag.to_vec(), talk, early: Vec::new(), heard: None, ack: None });
        self.forks.last_mut()
    }
}

/// The INVITE.
fn written(call: &Call, desk: &Desk, chance: u64) -> Bytes {
    let mut out = Vec::with_capacity(1_024 + call.lines.len() + call.sdp.len());
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    put(&[b"INVITE ", &call.uri, b" SIP/2.0\r\nVia: ", desk.via.as_bytes()]);
    put(&[b";branch=", branch_of(chance).as_bytes(), b"\r\nFrom: ", &call.from, b";tag=", &call.tag]);
    put(&[b"\r\nTo: ", &call.to, b"\r\nCall-ID: ", &call.call_id]);
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "\r\nCSeq: {} INVITE\r\nMax-Forwards: {}\r\nContact: {}\r\n{ALLOW}{SUPPORTED}",
        call.number, call.max_forwards, desk.contact
    );
    out.extend_from_slice(&call.lines);
    push_body(&mut out, SDP, &call.sdp);
    out.into()
}

/// The number of a provisional answer that has to be acknowledged (RFC 3262 §4). We do not offer to; who demands it all the
/// same would end the call.
fn reliable(response: &Message) -> Option<u32> {
    let mut required = response.elements(Name::Require);
    let is_required = required.any(|span| response.at(span).eq_ignore_ascii_case(b"100rel"));
    let mut fields = response.fields().iter().filter(|_| is_required && response.status() > Some(100));
    let field = fields.find(|field| response.is_named(field, b"RSeq"))?;
    leading_decimal(response.at(field.value)).and_then(|number| u32::try_from(number).ok())
}

/// What is said to a request that belongs to no dialog of a call; nothing to an ACK.
fn unknown(request: &Message, from: SocketAddr) -> Option<Bytes> {
    (request.method() != Method::Ack).then(|| response(request, from, 481, phrase(481), Extra::default()))
}

/// What does not concern the owner: only what is to be sent is passed on.
fn aside(out: &mut Vec<Output>, act: impl FnOnce(&mut Vec<Output>)) {
    let mut said = Vec::new();
    act(&mut said);
    out.extend(said.into_iter().filter(|output| matches!(output, Output::Send(_))));
}

#[cfg(test)]
mod tests;
