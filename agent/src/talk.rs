//! What goes on inside of a call, whoever called: RFC 3261 §12 to §15 and RFC 3311. What is said and recorded is its owner's.

use crate::dialog::{Body, Dialog};
use crate::digits;
use crate::expiry::Expiry;
use crate::ours::{Came, Ours, What};
use crate::refer;
use core::net::SocketAddr;
use core::time::Duration;
use sip::build::{Extra, answer_with, phrase};
use sip::txn::{Reliability, Timers};
use sip::{Bytes, Message, Method, Name, Time};
use std::collections::VecDeque;

/// Who talks here, and how its messages reach the proxy in front of it.
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

/// What a call asks of its owner.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this to the proxy.
    Send(Bytes),
    /// The other side says this before it answers, 100 too, or refuses with it; never a 2xx.
    Said(Message),
    /// The call is up and may be spoken: it was answered, or our answer was acknowledged. With the answer to an offer of ours,
    /// if there was one.
    Up(Vec<u8>),
    /// The other side offers new media: agree or disagree. Empty if it asks for an offer.
    Offered(Vec<u8>),
    /// The other side answers an offer that was made inside of the call.
    Answered(Vec<u8>),
    /// The other side has pressed a digit, and said so by INFO.
    Pressed(char),
    /// The other side was asked to join this call and another one, and says how that goes: as a status.
    Referred(u16),
    /// The call is over, and why.
    Over(Why),
}

/// How a call came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The other side hung up.
    There,
    /// The caller gave up before it was answered.
    Cancelled,
    /// It was refused.
    Refused,
    /// It was ended here.
    Here,
    /// The caller never acknowledged the answer.
    Unheard,
    /// Nobody answered.
    Silent,
    /// The call was not refreshed in time (RFC 4028 §10).
    Expired,
}

/// One end of a call, with what is under way inside of it.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    desk: Desk,
    /// Where the requests of this call come from.
    proxy: SocketAddr,
    dialog: Dialog,
    branches: u64,
    /// The number of their INVITE that it began with; `None` if it was ours.
    first: Option<u32>,
    stage: Stage,
    /// What was answered to requests inside of the call, by their branch: copies get it again.
    answered: VecDeque<(Vec<u8>, Bytes)>,
    /// An answer of ours to an INVITE that waits for its ACK (RFC 3261 §13.3.1.4).
    unheard: Option<Unheard>,
    /// The re-INVITE or UPDATE that waits for our answer to its offer.
    asked: Option<Message>,
    /// The session timer that was agreed on.
    expiry: Option<Expiry>,
    /// Requests of ours that are under way.
    ours: Vec<Ours>,
    /// What we have said of our media last.
    said: Vec<u8>,
    /// Does the other side know UPDATE?
    updates: bool,
    /// Is the other side to say how it goes to join two calls?
    refers: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// No final answer was given.
    Early,
    /// Answered.
    Up,
    /// Ended. Our BYE may still be out.
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

/// Answers that are kept for copies of their requests. The other side has one request under way at a time, or two.
const ANSWERED_MAX: usize = 8;

/// Requests of ours that are under way at a time. Who makes us send more has not answered those.
const OURS_MAX: usize = 8;

/// So long a refresh waits that has met an offer of the other side (RFC 3261 §14.1).
const GLARE: Duration = Duration::from_millis(2_500);

/// What is understood inside of a call.
pub(crate) const ALLOW: &str = "Allow: INVITE, ACK, PRACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n";

/// What is accepted in answers.
pub(crate) const SUPPORTED: &str = "Supported: timer\r\n";

pub(crate) const SDP: &str = "application/sdp";

impl Talk {
    /// A call that nobody has answered yet. The branches of its requests are those after `branches`.
    pub(crate) fn new(
        dialog: Dialog,
        desk: Desk,
        proxy: SocketAddr,
        first: Option<u32>,
        branches: u64,
    ) -> Self {
        let (stage, answered, unheard, asked, expiry) = (Stage::Early, VecDeque::new(), None, None, None);
        let (ours, said, updates, refers) = (Vec::new(), Vec::new(), false, false);
        Self {
            desk,
            proxy,
            dialog,
            branches,
            first,
            stage,
            answered,
            unheard,
            asked,
            expiry,
            ours,
            said,
            updates,
            refers,
        }
    }

    pub(crate) const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Our tag.
    pub(crate) fn tag(&self) -> &[u8] {
        self.dialog.tag()
    }

    pub(crate) const fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// Is this request one of theirs, inside of this call?
    pub(crate) fn has(&self, request: &Message) -> bool {
        self.dialog.has(request)
    }

    pub(crate) const fn is_early(&self) -> bool {
        matches!(self.stage, Stage::Early)
    }

    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up)
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Has everything been said?
    pub(crate) fn is_done(&self) -> bool {
        self.is_over() && self.deadline().is_none()
    }

    /// Does an answer of ours wait for its ACK?
    pub(crate) const fn waits(&self) -> bool {
        self.unheard.is_some()
    }

    /// The call was answered, and this is what we have said of our media.
    pub(crate) fn begin(&mut self, expiry: Option<Expiry>, said: &[u8]) {
        (self.stage, self.expiry, self.said) = (Stage::Up, expiry, said.to_vec());
    }

    /// Nothing more happens.
    pub(crate) fn end(&mut self, why: Why, out: &mut Vec<Output>) {
        (self.stage, self.unheard, self.asked, self.expiry) = (Stage::Over, None, None, None);
        self.ours.retain(|ours| ours.what() == What::Bye);
        out.push(Output::Over(why));
    }

    /// Ends a call that is up.
    pub(crate) fn bye(&mut self, why: Why, now: Time, out: &mut Vec<Output>) {
        self.end(why, out);
        self.request(What::Bye, "BYE", "", now, out);
    }

    /// Our INVITE with this number was answered: the ACK (RFC 3261 §13.2.2.4).
    pub(crate) fn answered(&mut self, number: u32, answer: &Message) -> Bytes {
        self.dialog.renew(answer);
        self.updates = answer.elements(Name::Allow).any(|span| answer.at(span) == b"UPDATE");
        let (_, via) = self.via();
        self.dialog.ack(number, via.as_bytes())
    }

    /// Asks the other side to call there, in place of another call of ours with it: a value of Refer-To.
    pub(crate) fn refer(&mut self, to: &[u8], now: Time, out: &mut Vec<Output>) {
        if self.is_up() {
            self.refers = true;
            let (to, contact) = (String::from_utf8_lossy(to), &self.desk.contact);
            let lines = format!("Contact: {contact}\r\nRefer-To: {to}\r\n");
            self.request(What::Refer, "REFER", &lines, now, out);
        }
    }

    /// A provisional answer to our INVITE was heard that has this number (RFC 3262 §7.2).
    pub(crate) fn heard(&mut self, number: u32, invite: u32, now: Time, out: &mut Vec<Output>) {
        self.request(What::Prack, "PRACK", &format!("RAck: {number} {invite} INVITE\r\n"), now, out);
    }

    /// Answers an offer that was made inside of the call.
    pub(crate) fn agree(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        if let Some(request) = self.asked.take() {
            self.said = sdp.to_vec();
            self.answer(&request, 200, (SDP, sdp), now, out);
        }
    }

    /// Refuses such an offer: the call goes on as it was.
    pub(crate) fn disagree(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        if let Some(request) = self.asked.take() {
            self.answer(&request, status, ("", b""), now, out);
        }
    }

    /// A request inside of the call came.
    pub(crate) fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        // A copy of what the owner has not answered yet.
        let is_asked = self.asked.as_ref().is_some_and(|asked| asked.branch() == request.branch());
        if request.method() == Method::Ack {
            self.on_ack(&request, out);
        } else if request.method() == Method::Cancel {
            self.answer(&request, 481, ("", b""), now, out);
        } else if let Some((_, answer)) = self.answered.iter().find(|(branch, _)| branch == request.branch())
        {
            out.push(Output::Send(answer.clone()));
        } else if !is_asked {
            self.on_inside(request, now, out);
        }
    }

    /// A response to a request of ours inside of the call came.
    pub(crate) fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        let mut came = Vec::new();
        if let Some(ours) = self.ours.iter_mut().find(|ours| ours.has(&response)) {
            ours.on_response(response, now, &mut came);
        }
        self.on_ours(came, now, out);
    }

    /// Acts if a deadline has come.
    pub(crate) fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut came = Vec::new();
        self.ours.iter_mut().for_each(|ours| ours.on_deadline(now, &mut came));
        self.on_ours(came, now, out);
        if self.expiry.is_some_and(|expiry| expiry.ends <= now) {
            self.bye(Why::Expired, now, out);
        } else if let Some(expiry) = &mut self.expiry
            && expiry.refresh_at.take_if(|at| *at <= now).is_some()
        {
            self.refresh(now, out);
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
    pub(crate) fn deadline(&self) -> Option<Time> {
        let ours = self.ours.iter().filter_map(Ours::deadline).min();
        let unheard = self.unheard.as_ref().map(|unheard| unheard.again_at.min(unheard.until));
        let expiry = self.expiry.map(|expiry| expiry.refresh_at.unwrap_or(expiry.ends).min(expiry.ends));
        [ours, unheard, expiry].into_iter().flatten().min()
    }

    /// Answers a request, and keeps the answer for its copies.
    pub(crate) fn answer(
        &mut self,
        request: &Message,
        status: u16,
        body: Body<'_>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let via = request.top_via();
        let stamp = via.as_ref().map(|via| via.stamp(request.at(via.span), self.proxy));
        let mut lines = String::new();
        let is_offer = matches!(request.method(), Method::Invite | Method::Update);
        if is_offer || request.method() == Method::Options {
            lines += &format!("Contact: {}\r\n{ALLOW}", self.desk.contact);
        } else if status == 405 {
            // RFC 3261 §21.4.6: who asked for a transfer is told what else there is.
            lines += ALLOW;
        }
        if is_offer {
            lines += &self.expiry_lines(status);
        }
        let extra = Extra { to_tag: self.dialog.tag(), lines: lines.as_bytes() };
        let bytes = answer_with(request, stamp.as_ref(), status, phrase(status), extra, body);
        if request.method() == Method::Invite && (200..300).contains(&status) {
            self.wait_for_ack(request.cseq().map_or(0, |(number, _)| number), &bytes, now);
        }
        if self.answered.len() == ANSWERED_MAX {
            self.answered.pop_front();
        }
        if request.method() != Method::Cancel {
            self.answered.push_back((request.branch().to_vec(), bytes.clone()));
        }
        out.push(Output::Send(bytes));
    }

    /// An answer of ours to the INVITE with this number goes out again until its ACK comes.
    pub(crate) fn wait_for_ack(&mut self, number: u32, bytes: &Bytes, now: Time) {
        let Timers { t1, life, .. } = self.desk.timers;
        self.unheard =
            Some(Unheard { number, bytes: bytes.clone(), again_at: now + t1, pause: t1, until: now + life });
    }

    /// What is said of the timer in an answer that agrees on it.
    pub(crate) fn expiry_lines(&self, status: u16) -> String {
        let agreed = self.expiry.filter(|_| (200..300).contains(&status));
        agreed.map_or_else(String::new, |expiry| expiry.lines())
    }

    fn on_ack(&mut self, ack: &Message, out: &mut Vec<Output>) {
        let number = ack.cseq().map(|(number, _)| number);
        let is_its = |unheard: &mut Unheard| Some(unheard.number) == number;
        if self.unheard.take_if(|unheard| is_its(unheard)).is_none() || !self.is_up() {
            return;
        }
        match ack.body() {
            body if self.first == number => out.push(Output::Up(body.to_vec())),
            [] => {}
            body => out.push(Output::Answered(body.to_vec())),
        }
    }

    /// A request that is no copy.
    fn on_inside(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        // RFC 5057 §4.1: how it went is told behind a BYE, too.
        let tells = request.method() == Method::Notify && self.refers;
        let is_live = self.is_early() || self.is_up() || tells;
        let taken = if is_live { self.dialog.take(&request) } else { Err(481) };
        if let Err(status) = taken {
            return self.answer(&request, status, ("", b""), now, out);
        }
        match request.method() {
            Method::Bye => {
                self.answer(&request, 200, ("", b""), now, out);
                self.end(Why::There, out);
            }
            // RFC 3261 §14.2: one offer at a time, and none before the first is answered.
            Method::Invite | Method::Update if self.asked.is_some() || self.is_early() => {
                self.answer(&request, 491, ("", b""), now, out);
            }
            Method::Update if request.body().is_empty() => {
                self.expiry = Expiry::asked_by(&request, now);
                self.answer(&request, 200, ("", b""), now, out);
            }
            Method::Invite | Method::Update => {
                self.expiry = Expiry::asked_by(&request, now);
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
            // It acknowledges nothing that waits for it.
            Method::Prack => self.answer(&request, 481, ("", b""), now, out),
            Method::Notify if self.refers => {
                self.answer(&request, 200, ("", b""), now, out);
                let mut states =
                    request.fields().iter().filter(|field| request.is_named(field, b"Subscription-State"));
                let is_last = states.any(|field| request.at(field.value).starts_with(b"terminated"));
                self.on_referred(refer::told(request.body(), is_last), out);
            }
            // RFC 6665 §4.1.3: nobody was asked for it.
            Method::Notify => self.answer(&request, 481, ("", b""), now, out),
            Method::Register
            | Method::Subscribe
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other => self.answer(&request, 405, ("", b""), now, out),
        }
    }

    /// The other side says how it goes to join two calls. It may say so before it answers the question.
    fn on_referred(&mut self, status: u16, out: &mut Vec<Output>) {
        if self.refers {
            self.refers = status < 200;
            out.push(Output::Referred(status));
        }
    }

    /// Keeps the call up (RFC 4028 §7.4): by an offer of what holds, unless the other side knows UPDATE.
    fn refresh(&mut self, now: Time, out: &mut Vec<Output>) {
        let method = if self.updates { "UPDATE" } else { "INVITE" };
        let asks = self.expiry.map_or_else(String::new, Expiry::asks);
        let lines = format!("Contact: {}\r\n{ALLOW}{SUPPORTED}{asks}", self.desk.contact);
        self.request(What::Refresh, method, &lines, now, out);
    }

    /// Sends a request of ours.
    fn request(&mut self, what: What, method: &str, lines: &str, now: Time, out: &mut Vec<Output>) {
        if self.ours.len() == OURS_MAX {
            return;
        }
        let (branch, via) = self.via();
        let body: &[u8] = if method == "INVITE" { &self.said } else { b"" };
        let request = self.dialog.request(method, via.as_bytes(), lines.as_bytes(), (SDP, body));
        let mut came = Vec::new();
        self.ours.push(Ours::start(what, branch, request, &self.desk, now, &mut came));
        self.on_ours(came, now, out);
    }

    fn on_ours(&mut self, came: Vec<Came>, now: Time, out: &mut Vec<Output>) {
        for came in came {
            match came {
                Came::Send(bytes) => out.push(Output::Send(bytes)),
                Came::Answer(What::Refresh, answer) => self.on_refreshed(&answer, now, out),
                // RFC 4028 §10.
                Came::Nothing(What::Refresh) => self.bye(Why::Expired, now, out),
                Came::Answer(What::Refer, answer) => {
                    // That it was understood says nothing of how it goes.
                    let status = answer.status().filter(|status| *status >= 300).unwrap_or(100);
                    self.on_referred(status, out);
                }
                Came::Nothing(What::Refer) => self.on_referred(408, out),
                // Whatever is said to a BYE, the call is over; an answer to our INVITE comes with PRACK or without.
                Came::Answer(What::Bye | What::Prack, _) | Came::Nothing(What::Bye | What::Prack) => {}
            }
        }
        self.ours.retain(|ours| !ours.is_done());
    }

    fn on_refreshed(&mut self, answer: &Message, now: Time, out: &mut Vec<Output>) {
        let status = answer.status().unwrap_or_default();
        if (200..300).contains(&status) && answer.cseq().is_some_and(|(_, method)| method == b"INVITE") {
            let number = answer.cseq().map_or(0, |(number, _)| number);
            let (_, via) = self.via();
            out.push(Output::Send(self.dialog.ack(number, via.as_bytes())));
            if self.is_up() && !answer.body().is_empty() {
                out.push(Output::Answered(answer.body().to_vec()));
            }
        }
        let Some(expiry) = self.expiry.filter(|_| self.is_up()) else { return };
        match status {
            0..=199 => {}
            200..=299 => self.expiry = Expiry::granted_by(answer, now),
            408 | 481 => self.bye(Why::Expired, now, out),
            422 => self.expiry = expiry.raised(answer, now),
            491 => self.expiry = Some(expiry.refreshed_at(now + GLARE)),
            // Some say that they know UPDATE, and do not.
            300.. if self.updates => {
                self.updates = false;
                self.expiry = Some(expiry.refreshed_at(now));
            }
            // Nobody keeps the call up any more.
            300.. => {}
        }
    }

    /// The next branch of ours, and the Via with it.
    fn via(&mut self) -> (String, String) {
        self.branches = self.branches.wrapping_add(1);
        let branch = branch_of(self.branches);
        let via = format!("{};branch={branch}", self.desk.via);
        (branch, via)
    }
}

/// A branch of ours (RFC 3261 §8.1.1.7).
pub(crate) fn branch_of(chance: u64) -> String {
    format!("z9hG4bK{chance:x}")
}
