//! All agents of a node, beside it: who answers where, which message belongs to which call, whose port a packet came to.

mod answering;
mod held;
mod lamps;
mod led;

use crate::bridge::Side;
use crate::g711::Law;
use crate::guide::{Guide, Role, Room};
use crate::lamp::Waiting;
use crate::prompts;
use crate::screen::{self, Booth, Prompts, Screen};
use crate::sdp::Here;
use crate::srtp::Key;
use crate::talk::Desk;
use crate::voicemail::{Attempts, Notice, Pin, Told, Wish};
use crate::{callee, recording};
pub use answering::About;
use answering::Answering;
use core::net::SocketAddr;
use held::{Held, Kind, Opening, Turn, carry_out};
use lamps::Lamps;
use router::chance::Chance;
use router::inside::{AgentId, SCREEN};
use sip::build::{Extra, phrase, response};
use sip::txn::{Reliability, Timers};
use sip::uri::user_part;
use sip::{Bytes, Message, Method, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The agents of one node and their calls. One owner, no locks.
#[derive(Debug)]
pub struct House {
    guide: Arc<Guide>,
    rooms: BTreeMap<Arc<str>, Room>,
    /// What an agent's Contact says behind the user part: one of the node's own addresses.
    public: String,
    chance: Chance,
    calls: BTreeMap<CallKey, Held>,
    /// The calls by the Call-IDs of their sides.
    by_id: BTreeMap<Vec<u8>, BTreeSet<CallKey>>,
    deadlines: BTreeSet<(Time, CallKey)>,
    next: u64,
    /// What the keys of sealed sound are made of.
    secret: Key,
    /// How many were made.
    keys: u64,
    wrong: BTreeMap<Tried, Attempts>,
    lamps: Lamps,
}

/// Names a call of this house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(u64);

/// A port for the sound of one side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Whose.
    pub call: CallKey,
    /// Which of its sides: only who is asked to press 1 has two.
    pub side: Side,
}

/// One recording of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Take {
    /// Which call.
    pub call: CallKey,
    /// Which of its recordings.
    pub number: u32,
}

/// Whose PINs were wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tried {
    Mailbox(Arc<str>),
    Caller(String),
}

/// What it asks for.
#[derive(Clone, Debug)]
pub enum Output {
    /// An agent says this to the node.
    Sip {
        /// Which.
        agent: AgentId,
        /// What.
        bytes: Bytes,
    },
    /// Open a port and the one beside it, and report by [`House::on_open`].
    Open(Port),
    /// Close it.
    Close(Port),
    /// Send this from a port.
    Rtp {
        /// Which.
        port: Port,
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Send this report (RTCP) from the port beside a port, which is the next one.
    Report {
        /// Beside which.
        port: Port,
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// A recording begins, in this law.
    Begin(Take, Box<About>, Law),
    /// Keep this part of it; the last ones may come again, shorter.
    Keep(Take, recording::Segment),
    /// It is a message.
    Finish(Take, recording::Message),
    /// It is none: delete what is kept of it.
    Forget(Take),
    /// A call has left no message, but people are to know of it.
    Notice(Box<About>, Notice),
    /// Is this the PIN that has this hash? To be answered by [`House::on_told`].
    Check(CallKey, Arc<str>, Pin),
    /// The owner of this mailbox wants this of its messages. To be answered there too, if there is an answer.
    Wish(CallKey, Arc<str>, Wish),
    /// This is the greeting of a mailbox from now on.
    Greeting(Arc<str>, crate::line::Clip),
}

/// Calls at once; a further one is refused, so that the walk goes on.
const CALLS_MAX: usize = 10_000;

/// Callers and mailboxes whose wrong PINs are remembered.
const TRIED_MAX: usize = 10_000;

impl House {
    /// Nobody is here yet. `public` is what an agent's Contact says behind the user part: host, port and transport of one of
    /// the node's listeners; the keys of sealed sound are made of the secret, which no other run of a node may have.
    #[must_use]
    pub fn new(guide: Arc<Guide>, public: String, (seed, secret): (u64, Key)) -> Self {
        let mut house = Self {
            guide,
            rooms: BTreeMap::new(),
            public,
            chance: Chance::new(seed),
            calls: BTreeMap::new(),
            by_id: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next: 0,
            secret,
            keys: 0,
            wrong: BTreeMap::new(),
            lamps: Lamps::new(),
        };
        // What waits is not known yet: nothing is said.
        house.light(Time::ZERO, &mut Vec::new());
        house
    }

    /// Another plan holds for new calls.
    pub fn apply(&mut self, guide: Arc<Guide>, now: Time, out: &mut Vec<Output>) {
        self.lamps.apply(&guide, now, out);
        self.guide = guide;
        self.light(now, out);
    }

    /// Has the phones told that never ask.
    fn light(&mut self, now: Time, out: &mut Vec<Output>) {
        let guide = Arc::clone(&self.guide);
        for (agent, role) in &guide.agents {
            let Role::Mailbox(name) = role else { continue };
            for uri in guide.mailboxes.get(name).into_iter().flat_map(|mailbox| &mailbox.lamps) {
                let (desk, chance) = (self.desk(*agent), self.chance.draw());
                let told = (Arc::clone(name), self.account(name));
                self.lamps.add_unasked((*agent, desk), told, uri, chance, now, out);
            }
        }
    }

    /// What a mailbox is called by outside: a customer's own names do not say whose they are.
    fn account(&self, mailbox: &str) -> String {
        let name = mailbox.rsplit('/').next().unwrap_or_default();
        format!("sip:{}@{}", user_part(name), self.public)
    }

    /// What holds for new calls.
    #[must_use]
    pub const fn guide(&self) -> &Arc<Guide> {
        &self.guide
    }

    /// What a mailbox holds now; `None` if nothing can be kept. Phones that have asked are told what waits in it.
    pub fn on_room(&mut self, mailbox: &Arc<str>, room: Option<Room>, now: Time, out: &mut Vec<Output>) {
        match room {
            Some(room) => {
                let waiting = Waiting { new: room.new, old: room.heard };
                self.lamps.on_waiting(mailbox, waiting, now, out);
                self.rooms.insert(Arc::clone(mailbox), room);
            }
            None => _ = self.rooms.remove(mailbox),
        }
    }

    /// Phones that are told what waits in mailboxes, or were until a moment ago.
    #[must_use]
    pub fn lamps(&self) -> usize {
        self.lamps.len()
    }

    /// Calls that are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The node says this to an agent.
    pub fn on_sip(&mut self, agent: AgentId, bytes: Bytes, now: Time, out: &mut Vec<Output>) {
        let Ok(message) = Message::parse(bytes) else { return };
        if let Some(key) = self.owner(&message) {
            let held = self.calls.get(&key).map(|held| &held.kind);
            if message.method() == Method::Cancel && matches!(held, Some(Kind::Opening(_))) {
                self.reply(agent, &message, 200, out);
            }
            return self.with(key, now, out, |held, turn| held.on_message(message, turn));
        }
        if self.lamps.on_message(&message, now, out) {
            return;
        }
        let (method, is_new) = (message.method(), message.to_tag().is_empty());
        if !message.is_request() || method == Method::Ack {
            // Of a call that is over.
        } else if method == Method::Options && is_new {
            self.reply(agent, &message, 200, out);
        } else if method == Method::Invite && is_new {
            self.on_invite(agent, message, out);
        } else if method == Method::Subscribe && is_new {
            self.on_subscribe(agent, &message, now, out);
        } else {
            self.reply(agent, &message, 481, out);
        }
    }

    /// A port was opened at this address, or could not be.
    pub fn on_open(&mut self, port: Port, local: Option<SocketAddr>, now: Time, out: &mut Vec<Output>) {
        let Some(Held { kind: Kind::Opening(opening), agent, .. }) = self.calls.get_mut(&port.call) else {
            return self.lead(port, local, now, out);
        };
        let (agent, invite) = (*agent, opening.invite.clone());
        let ports = match (local, opening.is_cancelled, opening.caller) {
            (_, true, _) => Err(487),
            // Without a port nothing can be heard: the walk goes on.
            (None, false, _) => Err(503),
            (Some(local), false, None) if opening.role == Role::Screen => {
                opening.caller = Some(local);
                return out.push(Output::Open(Port { side: Side::Person, ..port }));
            }
            (Some(local), false, caller) => Ok((caller.unwrap_or(local), local)),
        };
        match ports {
            Ok(ports) => self.begin(port.call, ports, now, out),
            Err(status) => {
                self.refuse(agent, &invite, status, out);
                self.forget(port.call, out);
            }
        }
    }

    /// A datagram came from there to a port. `Some` says from which other port it goes on as it reads now, and where to.
    pub fn on_datagram(
        &mut self,
        port: Port,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Option<(Port, SocketAddr)> {
        // What is relayed changes nothing here.
        let held = self.calls.get_mut(&port.call)?;
        if held.is_joined() {
            let to = held.relay(port.side, from, datagram, now)?;
            return Some((Port { side: port.side.other(), ..port }, to));
        }
        self.with(port.call, now, out, |held, turn| held.on_datagram(port.side, from, datagram, turn));
        None
    }

    /// A datagram came from there to the port beside a port. Nothing comes of it but what is reported later.
    pub fn on_report(&mut self, port: Port, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        if let Some(held) = self.calls.get_mut(&port.call) {
            held.on_report(port.side, from, datagram, now);
        }
    }

    /// What the owner of a mailbox has asked for in this call.
    pub fn on_told(&mut self, call: CallKey, told: Told, now: Time, out: &mut Vec<Output>) {
        let told = match told {
            Told::Checked(is_right) => Told::Checked(self.count_try(call, is_right, now) && is_right),
            Told::Listed(_) | Told::Fetched(_) => told,
        };
        self.with(call, now, out, |held, turn| {
            if let Kind::Answering(answering) = &mut held.kind {
                answering.on_told(told, turn);
            }
        });
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.lamps.on_deadline(now, out);
        while let Some(&(due, key)) = self.deadlines.first().filter(|(due, _)| *due <= now) {
            self.deadlines.remove(&(due, key));
            let Some(held) = self.calls.get_mut(&key) else { continue };
            held.due = None;
            let is_due = held.deadline().is_some_and(|due| due <= now);
            self.with(key, now, out, |held, turn| {
                if is_due {
                    held.on_deadline(turn);
                }
            });
        }
    }

    /// The node ends: every call does, and what was said is kept.
    pub fn end(&mut self, now: Time, out: &mut Vec<Output>) {
        let keys: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in keys {
            self.with(key, now, out, |held, turn| {
                if let Kind::Answering(answering) = &mut held.kind {
                    answering.end(turn);
                }
            });
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called, if only to look again; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let first = self.deadlines.first().map(|(due, _)| *due);
        first.into_iter().chain(self.lamps.deadline()).min()
    }

    /// Counts a try of a PIN. `false`: there were too many wrong ones, so this was none.
    fn count_try(&mut self, call: CallKey, is_right: bool, now: Time) -> bool {
        let Some(Kind::Answering(answering)) = self.calls.get(&call).map(|held| &held.kind) else {
            return false;
        };
        let about = answering.about();
        let tried = [Tried::Mailbox(Arc::clone(&about.mailbox)), Tried::Caller(about.caller.clone())];
        if !tried.iter().all(|whose| self.wrong.get(whose).is_none_or(|attempts| attempts.may(now))) {
            return false;
        }
        for whose in tried {
            if is_right {
                self.wrong.remove(&whose);
            } else {
                if self.wrong.len() >= TRIED_MAX {
                    self.wrong.pop_first();
                }
                self.wrong.entry(whose).or_default().on_wrong(now);
            }
        }
        true
    }

    fn owner(&self, message: &Message) -> Option<CallKey> {
        let keys = self.by_id.get(message.call_id())?;
        // The tries before the last have been refused: whoever asks something asks it of the last.
        keys.iter().rev().copied().find(|key| self.calls.get(key).is_some_and(|held| held.owns(message)))
    }

    fn on_invite(&mut self, agent: AgentId, invite: Message, out: &mut Vec<Output>) {
        let role = match self.guide.agents.get(&agent) {
            Some(role) if self.calls.len() < CALLS_MAX => role.clone(),
            Some(_) => return self.refuse(agent, &invite, 503, out),
            None => return self.refuse(agent, &invite, 404, out),
        };
        let key = CallKey(self.next);
        self.next += 1;
        let id = invite.call_id().to_vec();
        self.by_id.entry(id.clone()).or_default().insert(key);
        let opening = Opening { invite, role, caller: None, is_cancelled: false };
        let kind = Kind::Opening(Box::new(opening));
        self.calls.insert(key, Held { agent, due: None, ids: vec![id], kind });
        out.push(Output::Open(Port { call: key, side: Side::Caller }));
    }

    fn on_subscribe(&mut self, agent: AgentId, subscribe: &Message, now: Time, out: &mut Vec<Output>) {
        let Some(Role::Mailbox(mailbox)) = self.guide.agents.get(&agent).cloned() else {
            return self.reply(agent, subscribe, 404, out);
        };
        let account = self.account(&mailbox);
        let (desk, chance) = (self.desk(agent), self.chance.draw());
        self.lamps.subscribe(subscribe, (agent, desk), (&mailbox, account), chance, now, out);
    }

    /// All ports of a call are open: it begins.
    fn begin(&mut self, key: CallKey, ports: (SocketAddr, SocketAddr), now: Time, out: &mut Vec<Output>) {
        let Some(Held { agent, kind: Kind::Opening(opening), .. }) = self.calls.get(&key) else { return };
        let (agent, invite, role) = (*agent, opening.invite.clone(), opening.role.clone());
        let (caller, person) = (self.here(ports.0), self.here(ports.1));
        let begun = match role {
            Role::Screen => self.ask(key, agent, invite, (caller, person), now, out),
            Role::Mailbox(_) | Role::Announcement(_) | Role::Word(_) => {
                let chance = self.chance.draw();
                let desk = self.desk(agent);
                let (guide, rooms) = (Arc::clone(&self.guide), &self.rooms);
                let mut turn = Turn { key, agent, now, out };
                let began = Answering::start(invite, desk, caller, role, (&guide, rooms), chance, &mut turn);
                began.map(|answering| Kind::Answering(Box::new(answering)))
            }
        };
        match begun {
            Ok(kind) => {
                if let Some(held) = self.calls.get_mut(&key) {
                    held.kind = kind;
                }
                self.with(key, now, out, |_, _| {});
            }
            Err(refusal) => {
                out.push(Output::Sip { agent, bytes: refusal });
                self.forget(key, out);
            }
        }
    }

    fn ask(
        &mut self,
        key: CallKey,
        agent: AgentId,
        invite: Message,
        (caller, person): (Here, Here),
        now: Time,
        out: &mut Vec<Output>,
    ) -> Result<Kind, Bytes> {
        let [call, again] = [&prompts::ASKED, &prompts::OPTIONS].map(|clip| crate::line::Clip::clone(clip));
        let prompts = Prompts { call, again, taken: prompts::TAKEN.clone() };
        let booth = Booth { desk: self.desk(agent), proxy: agent.address(), caller, person, prompts };
        let keys = self.by_id.get(invite.call_id()).into_iter().flatten();
        let screens = keys.filter_map(|key| match &self.calls.get(key)?.kind {
            Kind::Screen(screen) => Some(&**screen),
            Kind::Opening(_) | Kind::Answering(_) => None,
        });
        let earlier = screens.into_iter().find(|screen| screen.precedes(&invite));
        let chances = [self.chance.draw(), self.chance.draw()];
        let mut said = Vec::new();
        let screen = Screen::start(invite, booth, earlier, chances, now, &mut said)?;
        let id = screen.person_call_id().to_vec();
        self.by_id.entry(id.clone()).or_default().insert(key);
        if let Some(held) = self.calls.get_mut(&key) {
            held.ids.push(id);
        }
        carry_out(said, &mut Turn { key, agent, now, out });
        Ok(Kind::Screen(Box::new(screen)))
    }

    /// A port for the sound of a person to whom a caller of a mailbox is led.
    fn lead(&mut self, port: Port, local: Option<SocketAddr>, now: Time, out: &mut Vec<Output>) {
        let here = local.map(|local| self.here(local));
        let Some(agent) = self.calls.get(&port.call).map(|held| held.agent) else {
            return out.push(Output::Close(port));
        };
        let (desk, mut begun) = (self.desk(agent), None);
        self.with(port.call, now, out, |held, turn| match &mut held.kind {
            Kind::Answering(answering) => begun = answering.lead(here, desk, turn),
            Kind::Opening(_) | Kind::Screen(_) => turn.out.push(Output::Close(port)),
        });
        if let (Some(id), Some(held)) = (begun, self.calls.get_mut(&port.call)) {
            self.by_id.entry(id.clone()).or_default().insert(port.call);
            held.ids.push(id);
        }
    }

    /// Lets a call do something, and keeps the tables in step with it.
    fn with(
        &mut self,
        key: CallKey,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Held, &mut Turn<'_>),
    ) {
        let Some(held) = self.calls.get_mut(&key) else { return };
        let mut turn = Turn { key, agent: held.agent, now, out };
        act(held, &mut turn);
        let claims = held.claims();
        if claims {
            self.settle_claim(key, now, out);
        }
        let Some(held) = self.calls.get_mut(&key) else { return };
        if held.is_done() {
            return self.forget(key, out);
        }
        // Each packet puts off when its absence would be noticed: what is later than it was is seen when it would have been due.
        if let Some(due) = held.deadline().filter(|due| held.due.is_none_or(|before| *due < before)) {
            held.due.into_iter().for_each(|before| _ = self.deadlines.remove(&(before, key)));
            self.deadlines.insert((due, key));
            held.due = Some(due);
        }
    }

    /// Somebody has pressed 1: the call is his, unless somebody else of the same call was quicker.
    fn settle_claim(&mut self, key: CallKey, now: Time, out: &mut Vec<Output>) {
        let Some(invite) = self.calls.get(&key).and_then(Held::invite).cloned() else { return };
        let is_taken = self.by_id.get(invite.call_id()).into_iter().flatten().any(|other| {
            let held = self.calls.get(other);
            matches!(held.map(|held| &held.kind), Some(Kind::Screen(screen)) if screen.has_taken(&invite))
        });
        let Some(Held { agent, kind: Kind::Screen(screen), .. }) = self.calls.get_mut(&key) else { return };
        let mut said = Vec::new();
        if is_taken {
            screen.lose(now, &mut said);
        } else {
            screen.join(now, &mut said);
        }
        carry_out(said, &mut Turn { key, agent: *agent, now, out });
    }

    fn forget(&mut self, key: CallKey, out: &mut Vec<Output>) {
        let Some(held) = self.calls.remove(&key) else { return };
        held.due.into_iter().for_each(|due| _ = self.deadlines.remove(&(due, key)));
        for id in held.ids {
            if let Some(keys) = self.by_id.get_mut(&id) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.by_id.remove(&id);
                }
            }
        }
        out.extend([Side::Caller, Side::Person].map(|side| Output::Close(Port { call: key, side })));
    }

    fn refuse(&mut self, agent: AgentId, invite: &Message, status: u16, out: &mut Vec<Output>) {
        let refusal = if agent == SCREEN { screen::unasked } else { callee::refusal };
        let bytes = refusal(invite, agent.address(), status, self.chance.draw());
        out.push(Output::Sip { agent, bytes });
    }

    fn reply(&mut self, agent: AgentId, request: &Message, status: u16, out: &mut Vec<Output>) {
        let tag = format!("{:x}", self.chance.draw());
        let extra = Extra { to_tag: tag.as_bytes(), lines: b"" };
        let bytes = response(request, agent.address(), status, phrase(status), extra);
        out.push(Output::Sip { agent, bytes });
    }

    fn here(&mut self, address: SocketAddr) -> Here {
        self.keys += 1;
        Here { address, key: self.secret.branch(self.keys) }
    }

    fn desk(&self, agent: AgentId) -> Desk {
        let contact = format!("<sip:{}@{}>", agent.contact(), self.public);
        let via = format!("SIP/2.0/INSIDE {}", agent.address());
        // The way on from the node may lose datagrams.
        Desk { contact, via, reliability: Reliability::Unreliable, timers: Timers::default() }
    }
}

#[cfg(test)]
mod tests;
