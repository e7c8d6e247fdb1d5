//! Answer confirmation: a person who is called by phone number has a call once he has pressed 1, and not before, since what
//! answers may be his voicemail. To the caller's side it is who is called, and does not answer until then; to the person it is
//! who calls.

mod handed;

use crate::bridge::{Bridge, Side};
use crate::callee::{refusal, refused};
use crate::g711::{Law, samples};
use crate::line::{self, Clip, Line};
use crate::refer::{Joining, KEPT, Next};
use crate::sdp::{Here, Terms};
use crate::talk::{Desk, Why};
use crate::tones::Tones;
use core::net::SocketAddr;
use core::time::Duration;
use handed::{call_of, hop, is_at_one_peer, is_sealed, refusal_lines};
use router::inside::{UNASKED, Unconfirmed};
use sip::reason::Reason;
use sip::{Bytes, Message, Method, Name, Time};

/// One person who is asked whether he takes one call.
#[derive(Clone, Debug)]
pub struct Screen {
    caller: Line,
    person: Line,
    prompts: Prompts,
    tones: Tones,
    /// Why the caller's side gave up: a value of Reason.
    reason: Option<String>,
    /// Whether the peer of both sides is to join them by itself.
    joining: Joining,
    state: State,
}

/// Where a screen sits, and what it says.
#[derive(Clone, Debug)]
pub struct Booth {
    /// How its messages reach the proxy, on both sides.
    pub desk: Desk,
    /// Where the proxy is.
    pub proxy: SocketAddr,
    /// Where the caller's sound comes to.
    pub caller: Here,
    /// Where the person's sound comes to.
    pub person: Here,
    /// What it says.
    pub prompts: Prompts,
}

/// What the person hears.
#[derive(Clone, Debug)]
pub struct Prompts {
    /// Whose call it is, and that 1 takes it.
    pub call: Clip,
    /// The same once more, with all that can be done.
    pub again: Clip,
    /// That somebody else has it.
    pub taken: Clip,
}

/// What it asks of its owner.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this to the proxy.
    Sip(Bytes),
    /// Send this from the port of this side.
    Rtp {
        /// Whose port.
        side: Side,
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Send this report (RTCP) from the port beside the one of this side.
    Report {
        /// Whose port.
        side: Side,
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// The person has pressed 1: [`Screen::join`], unless another screen [has taken](Screen::has_taken) this call, else
    /// [`Screen::lose`]. To be asked before anything else happens to any screen.
    Claims,
}

#[derive(Clone, Debug)]
enum State {
    /// The person's phone is called.
    Ringing,
    /// It was answered, and says whose call it is.
    Asking {
        /// When nobody is waited for any more.
        until: Time,
        /// Was it said to its end?
        is_said: bool,
    },
    /// The person has pressed 1.
    Claiming,
    /// Both hear each other.
    Joined(Bridge),
    /// The caller's side was ended while its peer is asked to take the person over, too.
    Left {
        /// When it has had its time.
        until: Time,
    },
    /// The person hears that somebody else has the call.
    Late,
    /// There is nothing left but to be polite.
    Over,
}

/// So long nothing is said after an answer: the first packets are lost where the other side first has to hear from us, and
/// people take a phone to their ear.
const HUSH: Duration = Duration::from_millis(300);

/// So long nothing is said before it is said again.
const PAUSE: Duration = Duration::from_secs(2);

/// So long after it was said once a digit is waited for: it takes as long to hear that 1 is to be pressed as the business's
/// name is long, and nobody can press before he knows.
const WINDOW: Duration = Duration::from_secs(8);

/// So long after an answer at most: the caller hears ringing meanwhile.
const WINDOW_MAX: Duration = Duration::from_secs(12);

const ELSEWHERE: &[u8] = b"Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";

impl Screen {
    /// Takes an INVITE as it would be sent to the carrier of a person, with the hop that leads there, and calls it. `earlier` is
    /// the screen that it is a try [after](Self::precedes), if there is one; `chances` make what the caller's side and the
    /// person's see.
    ///
    /// # Errors
    /// The refusal, to be sent as it is: [`unasked`] if the caller says nothing that is spoken here, else the INVITE cannot be passed on.
    pub fn start(
        invite: Message,
        booth: Booth,
        earlier: Option<&Self>,
        chances: [u64; 2],
        now: Time,
        out: &mut Vec<Output>,
    ) -> Result<Self, Bytes> {
        let [chance, other] = chances;
        let no = |status| refusal(&invite, booth.proxy, status, chance);
        let call = call_of(&invite, earlier.map(|earlier| earlier.person.invite()), other).map_err(no)?;
        let mut said = Vec::new();
        let caller = Line::start_silently(
            invite.clone(),
            booth.proxy,
            booth.desk.clone(),
            booth.caller,
            chance,
            &mut said,
        )
        .map_err(|refusal| {
            let status = Message::parse(refusal).ok().and_then(|refusal| refusal.status());
            unasked(&invite, booth.proxy, status.unwrap_or(500), chance)
        })?;
        // Both sides speak one law: nothing is coded anew.
        let laws = caller.law().map_or(line::ANY.laws, Law::only);
        let terms = Terms { laws, clear: !is_sealed(&invite), ..line::ANY };
        let sound = (booth.person, terms);
        let person = Line::call(call, booth.desk.clone(), booth.proxy, sound, other, now, &mut said)
            .ok_or_else(|| no(400))?;
        let (tones, reason, state) = (Tones::default(), None, State::Ringing);
        let joining = Joining::new(is_at_one_peer(&invite));
        let mut screen = Self { caller, person, prompts: booth.prompts, tones, reason, joining, state };
        screen.speak_one_law();
        said.into_iter().for_each(|output| screen.on_person(output, now, out));
        Ok(screen)
    }

    /// The INVITE of the caller's side.
    #[must_use]
    pub fn invite(&self) -> &Message {
        self.caller.invite()
    }

    /// Is this message one of either side's call?
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        self.caller.owns(message) || self.person.owns(message)
    }

    /// Is this INVITE another try to reach the same person by the same hop for the same call, after a refusal: with
    /// credentials, say?
    #[must_use]
    pub fn precedes(&self, invite: &Message) -> bool {
        let before = self.invite();
        let number = |message: &Message| message.cseq().map(|(number, _)| number);
        let uri = |message: &Message| message.request_uri().map(|uri| message.at(uri).to_vec());
        is_same_call(before, invite)
            && matches!(self.state, State::Over)
            && number(before) < number(invite)
            && uri(before) == uri(invite)
            && hop(before) == hop(invite)
    }

    /// Does the person's press of 1 wait for [`join`](Self::join) or [`lose`](Self::lose)?
    #[must_use]
    pub const fn claims(&self) -> bool {
        matches!(self.state, State::Claiming)
    }

    /// Do both hear each other?
    #[must_use]
    pub const fn is_joined(&self) -> bool {
        matches!(self.state, State::Joined(_))
    }

    /// The Call-ID under which the person is called.
    #[must_use]
    pub fn person_call_id(&self) -> &[u8] {
        self.person.invite().call_id()
    }

    /// Has this person taken the call of that INVITE?
    #[must_use]
    pub fn has_taken(&self, invite: &Message) -> bool {
        let has = matches!(self.state, State::Joined(_) | State::Left { .. });
        has && is_same_call(self.invite(), invite)
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.caller.is_done() && self.person.is_done()
    }

    /// The person has the call: the caller's side is answered, and both hear each other.
    pub fn join(&mut self, now: Time, out: &mut Vec<Output>) {
        if matches!(self.state, State::Claiming) {
            self.state = State::Joined(Bridge::new(now));
            self.with_caller(now, out, |caller, said| caller.accept(now, said));
        }
    }

    /// Somebody else was quicker.
    pub fn lose(&mut self, now: Time, out: &mut Vec<Output>) {
        if matches!(self.state, State::Claiming) {
            self.say_taken(now, out);
            self.with_caller(now, out, |caller, said| caller.refuse_saying(480, ELSEWHERE, now, said));
        }
    }

    /// A request of either side came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        if self.caller.owns(&request) {
            if request.method() == Method::Cancel {
                let reason =
                    request.value(Name::Reason).map(|reason| String::from_utf8_lossy(reason).into_owned());
                self.reason = reason.filter(|reason| !reason.contains(['\r', '\n']));
            }
            self.with_caller(now, out, |caller, said| caller.on_request(request, now, said));
        } else {
            self.with_person(now, out, |person, said| person.on_request(request, now, said));
        }
    }

    /// A response to a request of ours came, on either side.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        if self.caller.owns(&response) {
            self.with_caller(now, out, |caller, said| caller.on_response(response, now, said));
        } else {
            self.with_person(now, out, |person, said| person.on_response(response, now, said));
        }
    }

    /// A datagram came from there to the port of this side. `Some` says where it is to be sent, as it reads now, from the port of
    /// the other side.
    pub fn on_datagram(
        &mut self,
        side: Side,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Option<SocketAddr> {
        match (&mut self.state, side) {
            (State::Joined(bridge), side) => {
                bridge.relay(side, (&mut self.caller, &mut self.person), from, datagram, now)
            }
            (State::Asking { .. }, Side::Person) => {
                self.with_person(now, out, |person, said| person.on_datagram(from, datagram, now, said));
                None
            }
            // Nobody listens.
            (
                State::Ringing | State::Claiming | State::Left { .. } | State::Late | State::Over,
                Side::Person | Side::Caller,
            )
            | (State::Asking { .. }, Side::Caller) => None,
        }
    }

    /// A report came from there to the port beside the one of this side.
    pub fn on_report(&mut self, side: Side, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        match side {
            Side::Caller => self.caller.on_report(from, datagram, now),
            Side::Person => self.person.on_report(from, datagram, now),
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with_caller(now, out, |caller, said| caller.on_deadline(now, said));
        self.with_person(now, out, |person, said| person.on_deadline(now, said));
        match &self.state {
            State::Asking { until, .. } if *until <= now => self.turn_down(Unconfirmed::Unpressed, now, out),
            State::Joined(bridge)
                if bridge.ends() <= now || self.joining.on_deadline(bridge.heard(), now) == Next::Part =>
            {
                self.part(now, out);
            }
            State::Left { until } if *until <= now => self.part(now, out),
            State::Asking { .. }
            | State::Joined(_)
            | State::Left { .. }
            | State::Ringing
            | State::Claiming
            | State::Late
            | State::Over => {}
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let until = match &self.state {
            State::Asking { until, .. } => Some(*until),
            State::Joined(bridge) => self.joining.deadline().into_iter().chain([bridge.ends()]).min(),
            State::Left { until } => Some(*until),
            State::Ringing | State::Claiming | State::Late | State::Over => None,
        };
        [self.caller.deadline(), self.person.deadline(), until].into_iter().flatten().min()
    }

    /// What the person's line asks for.
    fn on_person(&mut self, output: line::Output, now: Time, out: &mut Vec<Output>) {
        match output {
            line::Output::Sip(bytes) => out.push(Output::Sip(bytes)),
            line::Output::Rtp { to, bytes } => out.push(Output::Rtp { side: Side::Person, to, bytes }),
            line::Output::Report { to, bytes } => out.push(Output::Report { side: Side::Person, to, bytes }),
            line::Output::Said(response) => self.on_said(&response, now, out),
            line::Output::Up => self.on_up(now, out),
            line::Output::Pressed(digit) => self.on_digit(digit, now, out),
            // Who says digits as events says them in the sound too, and both might not be taken for one.
            line::Output::Sound(sound) if !self.person.has_events() => {
                let digit = self.tones.hear(sound.law, &sound.bytes);
                digit.into_iter().for_each(|digit| self.on_digit(digit, now, out));
            }
            line::Output::Sound(_)
            | line::Output::Quiet
            | line::Output::Held(_)
            | line::Output::Referred(_) => {}
            line::Output::Played => self.on_played(now, out),
            line::Output::Over(why) => self.on_person_over(why, now, out),
        }
    }

    /// What the caller's line asks for.
    fn on_caller(&mut self, output: line::Output, now: Time, out: &mut Vec<Output>) {
        match output {
            line::Output::Sip(bytes) => out.push(Output::Sip(bytes)),
            line::Output::Rtp { to, bytes } => out.push(Output::Rtp { side: Side::Caller, to, bytes }),
            line::Output::Report { to, bytes } => out.push(Output::Report { side: Side::Caller, to, bytes }),
            line::Output::Up => self.on_joined(now, out),
            line::Output::Referred(status) => self.joining.on_said(status, now),
            line::Output::Over(why) => self.on_caller_over(why, now, out),
            // What the caller presses is the person's to hear.
            line::Output::Said(_)
            | line::Output::Pressed(_)
            | line::Output::Sound(_)
            | line::Output::Quiet
            | line::Output::Held(_)
            | line::Output::Played => {}
        }
    }

    /// The person's side says this before it answers, or refuses with it: the caller's side hears it as if it had called itself.
    fn on_said(&mut self, response: &Message, now: Time, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Ringing) {
            return;
        }
        let status = response.status().unwrap_or_default();
        let told = match status {
            ..=100 => 100,
            // To the caller's side 182 says that somebody is asked.
            180 | 182 => 180,
            181 => 181,
            // A fork has gone, others ring on.
            199 => return,
            101..=299 => 183,
            300.. => {
                self.state = State::Over;
                let lines = refusal_lines(response);
                return self
                    .with_caller(now, out, |caller, said| caller.refuse_saying(status, &lines, now, said));
            }
        };
        self.with_caller(now, out, |caller, said| caller.tell(told, now, said));
    }

    fn on_up(&mut self, now: Time, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Ringing) {
            return;
        }
        self.state = State::Asking { until: now + WINDOW_MAX, is_said: false };
        self.speak_one_law();
        self.with_caller(now, out, |caller, said| caller.tell(182, now, said));
        self.say(self.prompts.call.clone(), HUSH, now);
    }

    /// Both have heard each other since the answer went out, and now the caller's side knows its call, too.
    fn on_joined(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.is_joined() && self.joining.is_due(now) {
            let mut said = Vec::new();
            self.caller.refer(&self.person, now, &mut said);
            said.into_iter().for_each(|output| self.on_caller(output, now, out));
        }
    }

    fn on_played(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Asking { until, is_said: is_said @ false } => {
                (*until, *is_said) = ((*until).min(now + WINDOW), true);
                self.say(self.prompts.again.clone(), PAUSE, now);
            }
            State::Late => {
                self.state = State::Over;
                self.with_person(now, out, |person, said| person.hang_up(now, said));
            }
            // It was said twice.
            State::Asking { is_said: true, .. } => {}
            State::Ringing | State::Claiming | State::Joined(_) | State::Left { .. } | State::Over => {}
        }
    }

    fn on_digit(&mut self, digit: char, now: Time, out: &mut Vec<Output>) {
        let State::Asking { is_said, .. } = &mut self.state else { return };
        match digit {
            '1' => {
                self.state = State::Claiming;
                self.person.hush();
                out.push(Output::Claims);
            }
            '2' | '*' => self.turn_down(Unconfirmed::Declined, now, out),
            '3' => self.turn_down(Unconfirmed::ToMessage, now, out),
            '9' => {
                // He has heard it once: it is not said again by itself, and the caller is not kept waiting for longer.
                *is_said = true;
                self.person.hush();
                self.say(self.prompts.again.clone(), Duration::ZERO, now);
            }
            _ => {}
        }
    }

    fn on_person_over(&mut self, why: Why, now: Time, out: &mut Vec<Output>) {
        let why = match (&self.state, why) {
            (State::Ringing, Why::Silent) => {
                self.state = State::Over;
                return self.with_caller(now, out, |caller, said| caller.refuse_saying(408, b"", now, said));
            }
            // It was answered, and there was nothing to speak.
            (State::Ringing, _) => {
                self.with_caller(now, out, |caller, said| caller.tell(182, now, said));
                Unconfirmed::Mute
            }
            // His voicemail would hang up, too.
            (State::Asking { .. } | State::Claiming, _) => Unconfirmed::HungUp,
            (State::Joined(_), _) => {
                self.state = State::Over;
                return self.with_caller(now, out, |caller, said| caller.hang_up(now, said));
            }
            (State::Left { .. } | State::Late | State::Over, _) => {
                self.state = State::Over;
                return;
            }
        };
        self.turn_down(why, now, out);
    }

    fn on_caller_over(&mut self, why: Why, now: Time, out: &mut Vec<Output>) {
        let is_taken = why == Why::Cancelled && self.reason.as_deref().is_some_and(is_elsewhere);
        match &self.state {
            State::Asking { .. } | State::Claiming if is_taken => self.say_taken(now, out),
            State::Joined(_) if self.joining.is_under_way() => self.state = State::Left { until: now + KEPT },
            State::Ringing | State::Asking { .. } | State::Claiming | State::Joined(_) => {
                self.state = State::Over;
                let reason = self.reason.take();
                self.with_person(now, out, |person, said| person.give_up(reason.as_deref(), now, said));
            }
            // It was refused here, or is over already.
            State::Left { .. } | State::Late | State::Over => {}
        }
    }

    /// Both sides are ended.
    fn part(&mut self, now: Time, out: &mut Vec<Output>) {
        self.state = State::Over;
        self.with_caller(now, out, |caller, said| caller.hang_up(now, said));
        self.with_person(now, out, |person, said| person.hang_up(now, said));
    }

    /// This person does not have the call.
    fn turn_down(&mut self, why: Unconfirmed, now: Time, out: &mut Vec<Output>) {
        self.state = State::Over;
        let line = format!("Reason: {}\r\n", why.reason());
        self.with_caller(now, out, |caller, said| {
            caller.refuse_saying(why.status(), line.as_bytes(), now, said);
        });
        self.with_person(now, out, |person, said| person.hang_up(now, said));
    }

    fn say_taken(&mut self, now: Time, out: &mut Vec<Output>) {
        self.state = State::Late;
        self.person.hush();
        if self.prompts.taken.is_empty() {
            return self.on_played(now, out);
        }
        self.person.play(self.prompts.taken.clone(), now);
    }

    /// Says this after a pause.
    fn say(&mut self, words: Clip, after: Duration, now: Time) {
        let silence = vec![Law::Mu.silence(); usize::try_from(samples(after)).unwrap_or_default()];
        self.person.play(silence.into(), now);
        self.person.play(words, now);
    }

    /// The law of whoever is bound to one binds the other.
    fn speak_one_law(&mut self) {
        if let Some(law) = self.caller.law().or(self.person.law()) {
            self.caller.speak_only(law);
            self.person.speak_only(law);
        }
    }

    fn with_caller(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Line, &mut Vec<line::Output>),
    ) {
        let mut said = Vec::new();
        act(&mut self.caller, &mut said);
        said.into_iter().for_each(|output| self.on_caller(output, now, out));
    }

    fn with_person(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Line, &mut Vec<line::Output>),
    ) {
        let mut said = Vec::new();
        act(&mut self.person, &mut said);
        said.into_iter().for_each(|output| self.on_person(output, now, out));
    }
}

/// The refusal of an INVITE whose caller cannot be heard here: the person is rung all the same, unasked.
#[must_use]
pub fn unasked(invite: &Message, from: SocketAddr, status: u16, chance: u64) -> Bytes {
    refused(invite, from, status, chance, &format!("{UNASKED}: {status}\r\n"))
}

fn is_same_call(one: &Message, other: &Message) -> bool {
    one.call_id() == other.call_id() && one.from_tag() == other.from_tag()
}

/// Does a Reason say that somebody else has the call?
fn is_elsewhere(reason: &str) -> bool {
    let reason = Reason::parse(reason.as_bytes());
    reason.protocol.eq_ignore_ascii_case(b"SIP") && reason.cause == Some(200)
}

#[cfg(test)]
mod tests;
