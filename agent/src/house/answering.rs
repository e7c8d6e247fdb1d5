//! A call that is answered here: a mailbox or an announcement, with its line.

use super::held::Turn;
use super::led::Led;
use super::{Output, Take};
use crate::announcement::{self, Announcement};
use crate::bridge::Side;
use crate::guide::{Guide, Role, Room};
use crate::line::{self, Line};
use crate::prompts;
use crate::sdp::Here;
use crate::talk::Desk;
use crate::transfer;
use crate::voicemail::{self, Operator, Rest, Told, Voicemail};
use core::net::SocketAddr;
use router::chance::Chance;
use router::inside::{SPOKEN, WHY};
use sip::{Bytes, Message, Name, NameAddr, Time, Uri};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One such call.
#[derive(Debug)]
pub(super) struct Answering {
    line: Line,
    machine: Machine,
    about: About,
    led: Led,
}

#[derive(Debug)]
enum Machine {
    Mailbox(Box<Voicemail>),
    Announcement(Announcement),
}

/// Whose call it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The mailbox; empty for an announcement.
    pub mailbox: Arc<str>,
    /// Who calls: the user part, as it came; empty if it is hidden.
    pub caller: String,
    /// The caller's name as it came; may be empty.
    pub name: String,
    /// Which number was called.
    pub number: String,
    /// Why the call came here: the reason of a Diversion (RFC 5806).
    pub why: String,
    /// Had it been forwarded before it came to us (RFC 5806, RFC 7044)?
    pub is_forwarded: bool,
    /// Is nobody left who could answer it?
    pub is_last: bool,
    /// Its Call-ID.
    pub call_id: String,
    /// When it came.
    pub began: Time,
}

impl About {
    fn of(invite: &Message, mailbox: Arc<str>, now: Time) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let why = invite.fields().iter().find(|field| invite.is_named(field, WHY.as_bytes()));
        let why = why.map(|field| text(invite.at(field.value))).unwrap_or_default();
        let mut parts = why.split(';').map(str::trim);
        let reason = parts.next().unwrap_or_default().to_owned();
        let (mut number, mut is_last) = (String::new(), false);
        for part in parts {
            match part.split_once('=') {
                Some(("number", called)) => called.clone_into(&mut number),
                None if part == "last" => is_last = true,
                Some(_) | None => {}
            }
        }
        let asserted = invite.elements(Name::PAssertedIdentity).next();
        let shown = asserted.and_then(|span| NameAddr::parse(invite.at(span))).or_else(|| invite.from());
        let (caller, name) = shown.map_or_else(Default::default, |from| {
            let user = Uri::user_of(from.uri).unwrap_or_default();
            (text(user), text(from.display).trim_matches('"').to_owned())
        });
        let is_hidden = caller.eq_ignore_ascii_case("anonymous");
        let caller = if is_hidden { String::new() } else { caller };
        let call_id = text(invite.call_id());
        let is_forwarded = is_forwarded(invite);
        Self { mailbox, caller, name, number, why: reason, is_forwarded, is_last, call_id, began: now }
    }
}

impl Answering {
    /// Takes an INVITE whose sound comes to `here`.
    ///
    /// # Errors
    /// The refusal, to be sent as it is.
    pub(super) fn start(
        invite: Message,
        desk: Desk,
        here: Here,
        role: Role,
        (guide, rooms): (&Guide, &BTreeMap<Arc<str>, Room>),
        chance: u64,
        turn: &mut Turn<'_>,
    ) -> Result<Self, Bytes> {
        let refused =
            |invite: &Message, status| crate::callee::refusal(invite, turn.agent.address(), status, chance);
        let mut asked = Vec::new();
        let mailbox = if let Role::Mailbox(name) = &role { Arc::clone(name) } else { Arc::default() };
        let about = About::of(&invite, mailbox, turn.now);
        let found = match role {
            Role::Mailbox(name) => {
                let mailbox = guide.mailboxes.get(&name).map(Arc::clone);
                let rest = if about.is_last { Rest::Nobody } else { Rest::Others };
                let room = rooms.get(&name).cloned();
                let floor = guide.disk_floor;
                mailbox.map(|mailbox| {
                    let mut said = Vec::new();
                    let operator = if mailbox.operator { Operator::There } else { Operator::None };
                    let machine = Voicemail::start(mailbox, room, floor, rest, operator, &mut said);
                    asked = said.into_iter().map(Asked::Mailbox).collect();
                    Machine::Mailbox(Box::new(machine))
                })
            }
            Role::Announcement(name) => guide.announcements.get(&name).cloned().map(|clip| {
                let mut said = Vec::new();
                let machine = Announcement::start(clip, TIMES, &mut said);
                asked = said.into_iter().map(Asked::Announcement).collect();
                Machine::Announcement(machine)
            }),
            Role::Word(_) if invite.body().is_empty() => {
                // Whoever leaves the offer to us hears nothing before the call is answered (RFC 3261 §13.2.1).
                return Err(refused(&invite, 488));
            }
            Role::Word(name) => guide.announcements.get(&name).cloned().map(|clip| {
                let mut said = Vec::new();
                let machine = Announcement::before(clip, &mut said);
                asked = said.into_iter().map(Asked::Announcement).collect();
                Machine::Announcement(machine)
            }),
            Role::Screen => None,
        };
        // Of a plan that was replaced a moment ago.
        let Some(machine) = found else { return Err(refused(&invite, 404)) };
        let mut said = Vec::new();
        let line = Line::start(invite, turn.agent.address(), desk, here, chance, &mut said)?;
        let led = Led::new(Chance::new(chance.rotate_left(29)));
        let mut answering = Self { line, machine, about, led };
        answering.on_line(said, turn);
        answering.carry_out(asked, turn);
        Ok(answering)
    }

    pub(super) const fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn owns(&self, message: &Message) -> bool {
        self.line.owns(message) || self.led.owns(message)
    }

    pub(super) fn is_done(&self) -> bool {
        self.line.is_done() && self.led.is_done()
    }

    /// Is the caller with a person?
    pub(super) fn is_joined(&self) -> bool {
        self.led.is_joined()
    }

    /// A datagram for the other side, once both hear each other.
    pub(super) fn relay(
        &mut self,
        side: Side,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
    ) -> Option<SocketAddr> {
        self.led.relay(side, &mut self.line, from, datagram, now)
    }

    /// The port for the sound of a person is open, or could not be: he is called. The Call-ID of that call.
    pub(super) fn lead(&mut self, here: Option<Here>, desk: Desk, turn: &mut Turn<'_>) -> Option<Vec<u8>> {
        if !core::mem::take(&mut self.led.waits) {
            // The caller has hung up meanwhile.
            turn.out.push(Output::Close(turn.port(Side::Person)));
            return None;
        }
        let mut said = Vec::new();
        let proxy = turn.agent.address();
        let call = (self.line.invite(), self.about.number.as_str());
        let begun = here
            .zip(self.line.law())
            .and_then(|sound| self.led.start(call, desk, proxy, sound, turn.now, &mut said));
        self.on_led(said, turn);
        if begun.is_none() {
            self.on_nobody(turn);
        }
        begun
    }

    pub(super) fn on_message(&mut self, message: Message, turn: &mut Turn<'_>) {
        let mut said = Vec::new();
        if !self.line.owns(&message) && self.led.owns(&message) {
            let mut led = Vec::new();
            self.led.on_message(message, turn.now, &mut led);
            return self.on_led(led, turn);
        }
        if message.is_request() {
            self.line.on_request(message, turn.now, &mut said);
        } else {
            self.line.on_response(message, turn.now, &mut said);
        }
        self.on_line(said, turn);
    }

    pub(super) fn on_datagram(&mut self, from: SocketAddr, datagram: &mut Vec<u8>, turn: &mut Turn<'_>) {
        let mut said = Vec::new();
        self.line.on_datagram(from, datagram, turn.now, &mut said);
        self.on_line(said, turn);
    }

    pub(super) fn on_report(&mut self, side: Side, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        match side {
            Side::Caller => self.line.on_report(from, datagram, now),
            Side::Person => self.led.on_report(from, datagram, now),
        }
    }

    pub(super) fn on_told(&mut self, told: Told, turn: &mut Turn<'_>) {
        self.with_mailbox(turn, |mailbox, now, out| mailbox.on_told(told, now, out));
    }

    pub(super) fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        let mut said = Vec::new();
        self.line.on_deadline(turn.now, &mut said);
        self.on_line(said, turn);
        let mut led = Vec::new();
        self.led.on_deadline(turn.now, &mut led);
        self.on_led(led, turn);
        if let Machine::Mailbox(mailbox) = &self.machine
            && mailbox.deadline().is_some_and(|due| due <= turn.now)
        {
            self.with_mailbox(turn, Voicemail::on_deadline);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let own = match &self.machine {
            Machine::Mailbox(mailbox) => mailbox.deadline(),
            Machine::Announcement(_) => None,
        };
        [self.line.deadline(), self.led.deadline(), own].into_iter().flatten().min()
    }

    /// Hangs up; what was said is kept.
    pub(super) fn end(&mut self, turn: &mut Turn<'_>) {
        let mut said = Vec::new();
        self.line.hang_up(turn.now, &mut said);
        self.on_line(said, turn);
    }

    /// Who called, for those who count wrong PINs.
    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    fn on_line(&mut self, said: Vec<line::Output>, turn: &mut Turn<'_>) {
        for output in said {
            match (output, &mut self.machine) {
                (line::Output::Sip(bytes), _) => turn.sip(bytes),
                (line::Output::Rtp { to, bytes }, _) => turn.rtp(Side::Caller, to, bytes),
                (line::Output::Report { to, bytes }, _) => turn.report(Side::Caller, to, bytes),
                (line::Output::Up, Machine::Mailbox(_)) => {
                    self.with_mailbox(turn, |mailbox, _, out| mailbox.on_up(out))
                }
                (line::Output::Played, Machine::Mailbox(_)) => {
                    self.with_mailbox(turn, Voicemail::on_played);
                }
                (line::Output::Pressed(digit), Machine::Mailbox(_)) => {
                    self.with_mailbox(turn, |mailbox, now, out| mailbox.on_pressed(digit, now, out));
                }
                (line::Output::Sound(sound), Machine::Mailbox(_)) => {
                    self.with_mailbox(turn, |mailbox, now, out| mailbox.on_sound(&sound, now, out));
                }
                (line::Output::Quiet, Machine::Mailbox(mailbox)) => mailbox.on_quiet(),
                (line::Output::Held(is_held), Machine::Mailbox(mailbox)) => {
                    mailbox.on_held(is_held, turn.now)
                }
                (line::Output::Over(why), Machine::Mailbox(_)) => {
                    let mut led = Vec::new();
                    self.led.hang_up(turn.now, &mut led);
                    self.on_led(led, turn);
                    self.with_mailbox(turn, |mailbox, now, out| mailbox.on_over(why, now, out));
                }
                (line::Output::Up, Machine::Announcement(_)) => {
                    self.with_announcement(turn, Announcement::on_up);
                }
                (line::Output::Played, Machine::Announcement(_)) => {
                    self.with_announcement(turn, Announcement::on_played);
                }
                (line::Output::Over(_), Machine::Announcement(announcement)) => announcement.on_over(),
                // Nobody listens; and what is called here says nothing before it is answered.
                (
                    line::Output::Pressed(_)
                    | line::Output::Sound(_)
                    | line::Output::Quiet
                    | line::Output::Held(_),
                    _,
                )
                | (line::Output::Said(_) | line::Output::Referred(_), _) => {}
            }
        }
    }

    fn with_mailbox(
        &mut self,
        turn: &mut Turn<'_>,
        act: impl FnOnce(&mut Voicemail, Time, &mut Vec<voicemail::Output>),
    ) {
        if let Machine::Mailbox(mailbox) = &mut self.machine {
            let mut asked = Vec::new();
            act(mailbox, turn.now, &mut asked);
            self.carry_out(asked.into_iter().map(Asked::Mailbox).collect(), turn);
        }
    }

    /// What comes of looking for a person.
    fn on_led(&mut self, said: Vec<transfer::Output>, turn: &mut Turn<'_>) {
        for output in said {
            match output {
                transfer::Output::Sip(bytes) => turn.sip(bytes),
                transfer::Output::Rtp { to, bytes } => turn.rtp(Side::Person, to, bytes),
                transfer::Output::Report { to, bytes } => turn.report(Side::Person, to, bytes),
                transfer::Output::Say => self.line.play(prompts::HOLD.clone(), turn.now),
                transfer::Output::Joined => {
                    self.line.hush();
                    self.with_mailbox(turn, |mailbox, _, out| mailbox.on_joined(out));
                }
                transfer::Output::Nobody(_) => self.on_nobody(turn),
                transfer::Output::Over => self.end(turn),
            }
        }
    }

    fn on_nobody(&mut self, turn: &mut Turn<'_>) {
        turn.out.push(Output::Close(turn.port(Side::Person)));
        self.with_mailbox(turn, Voicemail::on_nobody);
    }

    fn with_announcement(
        &mut self,
        turn: &mut Turn<'_>,
        act: impl FnOnce(&mut Announcement, &mut Vec<announcement::Output>),
    ) {
        if let Machine::Announcement(announcement) = &mut self.machine {
            let mut asked = Vec::new();
            act(announcement, &mut asked);
            self.carry_out(asked.into_iter().map(Asked::Announcement).collect(), turn);
        }
    }

    fn carry_out(&mut self, asked: Vec<Asked>, turn: &mut Turn<'_>) {
        let mut said = Vec::new();
        for asked in asked {
            let now = turn.now;
            match asked {
                Asked::Announcement(announcement::Output::Accept)
                | Asked::Mailbox(voicemail::Output::Accept) => {
                    self.line.accept(now, &mut said);
                }
                Asked::Announcement(announcement::Output::Play(clip))
                | Asked::Mailbox(voicemail::Output::Play(clip)) => self.line.play(clip, now),
                Asked::Announcement(announcement::Output::HangUp)
                | Asked::Mailbox(voicemail::Output::HangUp) => self.line.hang_up(now, &mut said),
                Asked::Announcement(announcement::Output::Progress) => self.line.progress(now, &mut said),
                Asked::Announcement(announcement::Output::GoOn) => {
                    let said_so = format!("Reason: {SPOKEN}\r\n");
                    self.line.refuse_saying(480, said_so.as_bytes(), now, &mut said);
                }
                Asked::Mailbox(voicemail::Output::Refuse(status)) => self.line.refuse(status, now, &mut said),
                Asked::Mailbox(voicemail::Output::Hush) => self.line.hush(),
                Asked::Mailbox(voicemail::Output::Person) => {
                    self.led.waits = true;
                    turn.out.push(Output::Open(turn.port(Side::Person)));
                }
                Asked::Mailbox(asked) => self.keep(asked, turn),
            }
        }
        self.on_line(said, turn);
    }

    /// What a mailbox asks for that outlives the call.
    fn keep(&self, asked: voicemail::Output, turn: &mut Turn<'_>) {
        let (call, take) = (turn.key, |number| Take { call: turn.key, number });
        let about = || Box::new(self.about.clone());
        let mailbox = || Arc::clone(&self.about.mailbox);
        let asked = match asked {
            voicemail::Output::Begin { take: number, law } => Output::Begin(take(number), about(), law),
            voicemail::Output::Keep { take: number, segment } => Output::Keep(take(number), segment),
            voicemail::Output::Finish { take: number, message } => Output::Finish(take(number), message),
            voicemail::Output::Forget { take: number } => Output::Forget(take(number)),
            voicemail::Output::Notice(notice) => Output::Notice(about(), notice),
            voicemail::Output::Check(pin) => {
                let Machine::Mailbox(mailbox) = &self.machine else { return };
                // Without a hash nobody could have asked to log in.
                let Some(hash) = mailbox.pin().cloned() else { return };
                Output::Check(call, hash, pin)
            }
            voicemail::Output::Wish(wish) => Output::Wish(call, mailbox(), wish),
            voicemail::Output::Greeting(clip) => Output::Greeting(mailbox(), clip),
            // These are the line's.
            voicemail::Output::Person
            | voicemail::Output::Accept
            | voicemail::Output::Refuse(_)
            | voicemail::Output::Play(_)
            | voicemail::Output::Hush
            | voicemail::Output::HangUp => return,
        };
        turn.out.push(asked);
    }
}

/// A History-Info of a call that nobody has forwarded says only whom it was for: a cause tells why it went on (RFC 4458, RFC 7544).
fn is_forwarded(invite: &Message) -> bool {
    let has_cause = |span| invite.at(span).to_ascii_lowercase().windows(7).any(|part| part == b";cause=");
    invite.has(Name::Diversion) || invite.elements(Name::HistoryInfo).any(has_cause)
}

/// What either machine asks for.
enum Asked {
    Mailbox(voicemail::Output),
    Announcement(announcement::Output),
}

/// Who has not understood an announcement hears it once more.
const TIMES: u8 = 2;
