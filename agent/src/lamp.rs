//! The lamp on one phone: its subscription to how many messages wait in a mailbox (RFC 3842), as the notifier of RFC 6665.

use crate::dialog::Dialog;
use crate::talk::Desk;
use core::net::SocketAddr;
use core::time::Duration;
use sip::build::{Extra, answer, phrase};
use sip::text::leading_decimal;
use sip::txn::{ClientOutput, ClientRequest};
use sip::{Bytes, Message, Method, Name, Params, Time, is_token};
use std::sync::Arc;

/// One subscription.
#[derive(Clone, Debug)]
pub struct Lamp {
    mailbox: Arc<str>,
    /// What Message-Account says.
    account: String,
    desk: Desk,
    /// Where its requests come from.
    agent: SocketAddr,
    dialog: Dialog,
    /// What tells it from another one of the same phone (RFC 6665 §8.2.1); empty for nothing.
    id: Vec<u8>,
    branches: u64,
    state: State,
    /// It is given up then, however often it was refreshed.
    ends: Time,
    /// What was answered last, by the branch of its request, and until when a copy of that may come.
    answered: (Vec<u8>, Bytes, Time),
    /// The NOTIFY that is under way, by its branch.
    asked: Option<(String, ClientRequest)>,
    /// Is a NOTIFY due, whatever has changed?
    owes: bool,
    waiting: Waiting,
    /// What the phone was told last; `None` if that is not known.
    told: Option<Waiting>,
    /// Nothing is told before then that nobody has asked for.
    quiet_until: Time,
}

/// How many messages wait in a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// That nobody has heard yet.
    pub new: u32,
    /// That somebody has heard, or takes care of.
    pub old: u32,
}

/// How far it has come.
#[derive(Clone, Debug)]
enum State {
    /// The phone is told of changes.
    Active {
        /// Until then.
        expires: Time,
    },
    /// It was told, or is to be told, that it is told no more, and why.
    Terminated(Why),
    /// It does not listen.
    Gone,
}

/// Why a subscription ends (RFC 6665 §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was not refreshed, or was given up by the phone.
    Timeout,
    /// It is to begin anew at once: its Record-Route is about to end, or its node.
    Deactivated,
    /// There is no such mailbox any more.
    NoResource,
}

/// The only event package here.
pub const PACKAGE: &str = "message-summary";

/// What a refusal of any other says.
const ALLOW_EVENTS: &str = "Allow-Events: message-summary\r\n";

/// The type of what a phone is told.
pub(crate) const SUMMARY: &str = "application/simple-message-summary";

/// What a subscription lasts that says nothing (RFC 3842 §3.4), and the longest: a phone whose node has died finds out when it
/// refreshes.
const USUAL: u64 = 3_600;

/// The shortest that may be asked for (RFC 6665 §4.2.1.1).
const SHORTEST: u64 = 60;

/// A Record-Route of ours is good for a week; before it ends the phone begins anew.
const LIFE: Duration = Duration::from_secs(6 * 24 * 3_600);

/// RFC 3842 §3.11: a phone is told of changes no more than once a second.
const PAUSE: Duration = Duration::from_secs(1);

/// A phone that could not take it now is told again after so long.
const BUSY: Duration = Duration::from_secs(60);

impl Lamp {
    /// Takes a SUBSCRIBE that an agent got for its mailbox, answers it and says at once what waits. `chance` makes its tag and its
    /// branches; `account` is what the mailbox is called by outside.
    ///
    /// # Errors
    /// The refusal, to be sent as it is: another event package, too short a time, no Contact.
    pub fn start(
        subscribe: &Message,
        agent: SocketAddr,
        desk: Desk,
        (mailbox, account, waiting): (Arc<str>, String, Waiting),
        chance: u64,
        now: Time,
        out: &mut Vec<Bytes>,
    ) -> Result<Self, Bytes> {
        let tag = format!("{chance:x}").into_bytes();
        let refused = |status, lines: &str| {
            respond(subscribe, agent, status, Extra { to_tag: &tag, lines: lines.as_bytes() })
        };
        let id = event(subscribe).ok_or_else(|| refused(489, ALLOW_EVENTS))?;
        let seconds = asked(subscribe).map_err(|status| refused(status, &min_expires()))?;
        if let Some(required) = subscribe.value(Name::Require) {
            let unsupported = format!("Unsupported: {}\r\n", String::from_utf8_lossy(required));
            return Err(refused(420, &unsupported));
        }
        let dialog = Dialog::of_called(subscribe, &tag).ok_or_else(|| refused(400, ""))?;
        let mut lamp = Self {
            mailbox,
            account,
            desk,
            agent,
            dialog,
            id,
            branches: chance,
            state: State::Gone,
            ends: now + LIFE,
            answered: (Vec::new(), Bytes::default(), now),
            asked: None,
            owes: false,
            waiting,
            told: None,
            quiet_until: now,
        };
        lamp.grant(subscribe, seconds, now, out);
        Ok(lamp)
    }

    /// The mailbox whose messages it is about.
    #[must_use]
    pub const fn mailbox(&self) -> &Arc<str> {
        &self.mailbox
    }

    /// Its Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &[u8] {
        self.dialog.call_id()
    }

    /// Is the phone told of changes?
    #[must_use]
    pub const fn is_lit(&self) -> bool {
        matches!(self.state, State::Active { .. })
    }

    /// Has everything been said, and can no copy come any more?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.deadline().is_none()
    }

    /// Is this request one of this subscription, or does this response answer one of ours? A copy of the SUBSCRIBE that it began
    /// with is its too.
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        if message.is_request() {
            self.dialog.has(message) || message.to_tag().is_empty() && self.is_copy(message)
        } else {
            message.from_tag() == self.dialog.tag()
        }
    }

    /// A request of the phone came.
    pub fn on_request(&mut self, request: &Message, now: Time, out: &mut Vec<Bytes>) {
        if self.is_copy(request) {
            return out.push(self.answered.1.clone());
        }
        if request.method() != Method::Subscribe {
            return self.answer(request, 405, "Allow: SUBSCRIBE\r\n", now, out);
        }
        if let Err(status) = self.dialog.take(request) {
            return self.answer(request, status, "", now, out);
        }
        match (event(request), asked(request)) {
            (None, _) => self.answer(request, 489, ALLOW_EVENTS, now, out),
            // RFC 6665 §4.2.1.2: there is nothing to refresh.
            (Some(id), _) if id != self.id || !self.is_lit() => self.answer(request, 481, "", now, out),
            (Some(_), Err(status)) => self.answer(request, status, &min_expires(), now, out),
            (Some(_), Ok(seconds)) => self.grant(request, seconds, now, out),
        }
    }

    /// A response to a NOTIFY came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Bytes>) {
        let mut said = Vec::new();
        if let Some((branch, notify)) = &mut self.asked
            && response.top_via().is_some_and(|via| via.branch() == branch.as_bytes())
        {
            notify.on_response(response, now, &mut said);
        }
        self.hear(said, now, out);
    }

    /// So many messages wait now.
    pub fn on_waiting(&mut self, waiting: Waiting, now: Time, out: &mut Vec<Bytes>) {
        self.waiting = waiting;
        self.tell(now, out);
    }

    /// Ends it, and says why.
    pub fn end(&mut self, why: Why, now: Time, out: &mut Vec<Bytes>) {
        if self.is_lit() {
            (self.state, self.owes) = (State::Terminated(why), true);
            self.tell(now, out);
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Bytes>) {
        let mut said = Vec::new();
        if let Some((_, notify)) = &mut self.asked {
            notify.on_deadline(now, &mut said);
        }
        self.hear(said, now, out);
        if let State::Active { expires } = self.state {
            if self.ends <= now {
                self.end(Why::Deactivated, now, out);
            } else if expires <= now {
                self.end(Why::Timeout, now, out);
            }
        }
        if self.answered.2 <= now {
            self.answered.0.clear();
        }
        self.tell(now, out);
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let copies = (!self.answered.0.is_empty()).then_some(self.answered.2);
        let asked = self.asked.as_ref().and_then(|(_, notify)| notify.deadline());
        let (expires, change) = match self.state {
            State::Active { expires } => {
                let is_stale = self.asked.is_none() && self.told != Some(self.waiting);
                (Some(expires.min(self.ends)), is_stale.then_some(self.quiet_until))
            }
            // What is left to be said waits for the answer to the NOTIFY before it.
            State::Terminated(_) | State::Gone => (None, None),
        };
        [copies, asked, expires, change].into_iter().flatten().min()
    }

    /// Takes a SUBSCRIBE for so many seconds: 200, and a NOTIFY at once (RFC 6665 §4.2.1.1 and §4.2.1.2).
    fn grant(&mut self, subscribe: &Message, seconds: u64, now: Time, out: &mut Vec<Bytes>) {
        let left = self.ends.since(now).as_secs();
        let seconds = seconds.min(USUAL).min(left);
        let mut lines = Vec::new();
        for field in subscribe.fields_of(Name::RecordRoute) {
            lines.extend_from_slice(subscribe.at(field.line));
        }
        let contact = &self.desk.contact;
        lines.extend_from_slice(format!("Contact: {contact}\r\nExpires: {seconds}\r\n").as_bytes());
        self.answer_with(subscribe, 200, &lines, now, out);
        self.state = match seconds {
            0 => State::Terminated(Why::Timeout),
            _ => State::Active { expires: now + Duration::from_secs(seconds) },
        };
        self.owes = true;
        self.tell(now, out);
    }

    /// Tells the phone what it has to be told now, if anything. One NOTIFY is under way at a time: what changes meanwhile is told once.
    fn tell(&mut self, now: Time, out: &mut Vec<Bytes>) {
        let is_stale = self.is_lit() && self.told != Some(self.waiting) && self.quiet_until <= now;
        if self.asked.is_some() || !self.owes && !is_stale {
            return;
        }
        let state = match &self.state {
            State::Active { expires } => format!("active;expires={}", expires.since(now).as_secs()),
            State::Terminated(why) => format!("terminated;reason={}", why.name()),
            State::Gone => return self.owes = false,
        };
        self.branches = self.branches.wrapping_add(1);
        let branch = format!("z9hG4bK{:x}", self.branches);
        let via = format!("{};branch={branch}", self.desk.via);
        let id = if self.id.is_empty() {
            String::new()
        } else {
            format!(";id={}", String::from_utf8_lossy(&self.id))
        };
        let contact = &self.desk.contact;
        let lines = format!("Event: {PACKAGE}{id}\r\nSubscription-State: {state}\r\nContact: {contact}\r\n");
        let body = summary(self.waiting, &self.account);
        let notify =
            self.dialog.request("NOTIFY", via.as_bytes(), lines.as_bytes(), (SUMMARY, body.as_bytes()));
        let mut said = Vec::new();
        let client = ClientRequest::start(notify, self.desk.reliability, self.desk.timers, now, &mut said);
        (self.owes, self.told, self.quiet_until) = (false, Some(self.waiting), now + PAUSE);
        self.asked = Some((branch, client));
        self.hear(said, now, out);
    }

    fn hear(&mut self, said: Vec<ClientOutput>, now: Time, out: &mut Vec<Bytes>) {
        for output in said {
            match output {
                ClientOutput::Send(bytes) => out.push(bytes),
                ClientOutput::Pass(answer) => {
                    if let Some(status) = answer.status().filter(|status| *status >= 200) {
                        self.asked = None;
                        self.on_told(status, now);
                        self.tell(now, out);
                    }
                }
                // RFC 6665 §4.2.2: who has crashed or moved is told nothing more.
                ClientOutput::TimedOut | ClientOutput::Unreachable => {
                    (self.asked, self.state, self.owes) = (None, State::Gone, false);
                }
                // Only what was given up is done here.
                ClientOutput::Done => {}
            }
        }
    }

    /// What the phone has said to a NOTIFY.
    fn on_told(&mut self, status: u16, now: Time) {
        match status {
            200..=299 => {}
            // RFC 5057 §5.1: these are about this request alone.
            401 | 407 | 491 | 500 | 503 | 504 => (self.told, self.quiet_until) = (None, now + BUSY),
            _ => (self.state, self.owes) = (State::Gone, false),
        }
    }

    fn answer(&mut self, request: &Message, status: u16, lines: &str, now: Time, out: &mut Vec<Bytes>) {
        self.answer_with(request, status, lines.as_bytes(), now, out);
    }

    fn answer_with(&mut self, request: &Message, status: u16, lines: &[u8], now: Time, out: &mut Vec<Bytes>) {
        let bytes = respond(request, self.agent, status, Extra { to_tag: self.dialog.tag(), lines });
        // Timer J (RFC 3261 §17.2.2).
        self.answered = (branch(request), bytes.clone(), now + self.desk.timers.life);
        out.push(bytes);
    }

    fn is_copy(&self, request: &Message) -> bool {
        let branch = branch(request);
        !branch.is_empty() && branch == self.answered.0
    }
}

impl Why {
    const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Deactivated => "deactivated",
            Self::NoResource => "noresource",
        }
    }
}

/// What a phone is told (RFC 3842 §3.5). Nothing of it is urgent: a caller cannot say so.
#[must_use]
pub fn summary(waiting: Waiting, account: &str) -> String {
    let Waiting { new, old } = waiting;
    let is_lit = if new > 0 { "yes" } else { "no" };
    format!(
        "Messages-Waiting: {is_lit}\r\nMessage-Account: {account}\r\nVoice-Message: {new}/{old} (0/0)\r\n"
    )
}

fn respond(request: &Message, agent: SocketAddr, status: u16, extra: Extra<'_>) -> Bytes {
    let stamp = request.top_via().map(|via| via.stamp(request.at(via.span), agent));
    answer(request, stamp.as_ref(), status, phrase(status), extra)
}

fn branch(request: &Message) -> Vec<u8> {
    request.top_via().map(|via| via.branch().to_vec()).unwrap_or_default()
}

/// The id that Event has beside the package, empty if there is none; `None` for another package, or none at all.
fn event(subscribe: &Message) -> Option<Vec<u8>> {
    let value = subscribe.value(Name::Event)?;
    let (package, params) =
        value.split_at(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
    let id = Params { bytes: params }.value("id").filter(|id| is_token(id)).unwrap_or_default();
    package.trim_ascii().eq_ignore_ascii_case(PACKAGE.as_bytes()).then(|| id.to_vec())
}

/// For how many seconds the phone asks. What is no number says nothing.
fn asked(subscribe: &Message) -> Result<u64, u16> {
    match subscribe.value(Name::Expires).and_then(leading_decimal) {
        Some(1..SHORTEST) => Err(423),
        Some(seconds) => Ok(seconds),
        None => Ok(USUAL),
    }
}

fn min_expires() -> String {
    format!("Min-Expires: {SHORTEST}\r\n")
}

#[cfg(test)]
mod tests;
