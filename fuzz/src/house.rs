//! The agents: messages, packets, keys and deadlines drawn from bytes, in any order and at any time.

mod compose;

use super::draw::Draw;
use agent::guide::{Guide, Mailbox, Role, Room};
use agent::house::{CallKey, House, Output, Port};
use agent::srtp::Key;
use agent::voicemail::{Entry, Fetched, Told};
use core::net::SocketAddr;
use core::time::Duration;
use router::inside::{AgentId, SCREEN};
use sip::{Bytes, Message, Method, Time, build, check};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Takes bytes as choices: what the node and the other sides of calls say and send to the agents, and where that is garbled.
///
/// # Panics
/// If an agent says what is no message, answers one INVITE twice, keeps what it has not begun, sends from a port that is closed, or
/// if something lasts on after everything should be over.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut street = Street::new();
    for _ in 0..EVENTS_MAX {
        if draw.is_empty() {
            break;
        }
        street.step(&mut draw);
    }
    street.wind_up();
}

/// Events in one run; more find nothing new and cost time.
const EVENTS_MAX: usize = 150;

/// The agents: who asks for 1, a mailbox, an announcement, one of an older plan, and who says something before a step.
const AGENTS: [AgentId; 5] = [SCREEN, AgentId(2), AgentId(3), AgentId(4), AgentId(5)];

/// A message lasts three minutes, and what leads to it and away from it some more; a call that is up and silent an hour.
const WIND_UP: Duration = Duration::from_secs(7_200);

/// So long copies of an INVITE come, at the most (RFC 3261 §17.1.1.2).
const COPIES: Duration = Duration::from_secs(32);

/// Wake-ups until then: 50 frames a second while something is played.
const WAKES_MAX: usize = 100_000;

/// The agents and all who talk to them.
struct Street {
    house: House,
    now: Time,
    /// What came to an agent.
    heard: Vec<(AgentId, Bytes)>,
    /// INVITEs that came.
    invites: Vec<(AgentId, Message)>,
    /// Requests that agents sent.
    asked: Vec<(AgentId, Message)>,
    /// Responses of agents to INVITEs.
    answered: Vec<(AgentId, Message)>,
    /// Those to SUBSCRIBEs.
    subscribed: Vec<(AgentId, Message)>,
    /// Ports that are to be opened, and those that are open.
    wanted: Vec<Port>,
    open: BTreeMap<Port, SocketAddr>,
    /// PINs that are to be checked.
    checks: Vec<CallKey>,
    /// Recordings that have begun.
    takes: BTreeSet<agent::house::Take>,
    /// The final response to each INVITE and when it came first, by its branch and Call-ID.
    finals: BTreeMap<(Vec<u8>, Vec<u8>), (u16, Time)>,
    /// How often each came: two with the same name cannot be told apart.
    names: BTreeMap<(Vec<u8>, Vec<u8>), BTreeSet<Bytes>>,
    count: u16,
}

impl Street {
    fn new() -> Self {
        let name: Arc<str> = "front".into();
        let mailbox = Mailbox {
            name: Arc::clone(&name),
            greeting: None,
            longest: Duration::from_secs(20),
            shortest: Duration::from_secs(2),
            silence: Duration::from_secs(8),
            messages_max: 100,
            bytes_max: 1 << 20,
            pin: Some("$argon2id$x".into()),
            hold: false,
            operator: true,
            lamps: vec!["sip:200@10.0.0.9".into()],
        };
        let clip: agent::line::Clip = vec![0x55; 1_000].into();
        let guide = Guide {
            business: "Nguyen".into(),
            mailboxes: BTreeMap::from([(Arc::clone(&name), Arc::new(mailbox))]),
            announcements: BTreeMap::from([("closed".into(), clip)]),
            agents: BTreeMap::from([
                (AGENTS[0], Role::Screen),
                (AGENTS[1], Role::Mailbox(Arc::clone(&name))),
                (AGENTS[2], Role::Announcement("closed".into())),
                (AGENTS[4], Role::Word("closed".into())),
            ]),
            ..Guide::default()
        };
        let mut house = House::new(Arc::new(guide), "192.0.2.100:5060".into(), (7, Key::new([7; 30])));
        house.on_room(&name, Some(room(1, 0)), Time::ZERO, &mut Vec::new());
        let (names, finals, now, count) = (BTreeMap::new(), BTreeMap::new(), Time::ZERO, 0);
        let (heard, invites, asked, answered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let subscribed = Vec::new();
        let (wanted, open, checks, takes) = (Vec::new(), BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self {
            house,
            now,
            heard,
            invites,
            asked,
            answered,
            subscribed,
            wanted,
            open,
            checks,
            takes,
            finals,
            names,
            count,
        }
    }

    /// One thing happens.
    fn step(&mut self, draw: &mut Draw<'_>) {
        self.count += 1;
        let byte = draw.byte();
        match byte {
            240..=246 => {
                let agent = draw.one_of(&AGENTS).unwrap_or(SCREEN);
                let subscribe = compose::subscribe(draw, None, self.count);
                return self.hears(draw, agent, subscribe);
            }
            247..=251 => {
                let Some((agent, answer)) = draw.latest(&self.subscribed).cloned() else { return };
                let subscribe = compose::subscribe(draw, Some(&answer), self.count);
                return self.hears(draw, agent, subscribe);
            }
            252..=255 => {
                let room = room(u32::from(draw.byte() % 3), u32::from(draw.byte() % 3));
                return self.happens(|house, now, out| house.on_room(&"front".into(), Some(room), now, out));
            }
            0..=239 => {}
        }
        let kind = byte % 16;
        match kind {
            0 | 1 => {
                let agent = draw.one_of(&AGENTS).unwrap_or(SCREEN);
                let invite = compose::invite(draw, self.count, agent == SCREEN);
                self.hears(draw, agent, invite);
            }
            2 | 3 => {
                let Some((agent, request)) = draw.latest(&self.asked).cloned() else { return };
                let response = compose::response(draw, &request);
                self.hears(draw, agent, response);
            }
            4 => {
                let Some((agent, response)) = draw.latest(&self.answered).cloned() else { return };
                let Some(invite) = self.invite_of(&response) else { return };
                let ack = build::ack(&invite, &response).to_vec();
                self.hears(draw, agent, ack);
            }
            5 | 6 => {
                let of = if kind == 5 { &self.answered } else { &self.asked };
                let Some((agent, message)) = draw.latest(of).cloned() else { return };
                let within = compose::within(draw, &message, self.count);
                self.hears(draw, agent, within);
            }
            7 => {
                let Some((agent, invite)) = draw.latest(&self.invites).cloned() else { return };
                self.hears(draw, agent, build::cancel(&invite, None).to_vec());
            }
            8 => {
                let Some((agent, bytes)) = draw.latest(&self.heard).cloned() else { return };
                self.hears(draw, agent, bytes.to_vec());
            }
            9..=11 => self.packets(draw),
            12 | 13 => self.opens(draw),
            14 => self.is_told(draw),
            _ => {
                let until = self.now + Duration::from_millis(u64::from(draw.word()) / 2);
                self.pass(until);
            }
        }
    }

    /// Something that an owner has asked for, or not.
    fn is_told(&mut self, draw: &mut Draw<'_>) {
        let (Some(call), byte) = (self.checks.pop(), draw.byte()) else { return };
        let entry = |is_new| Entry { name: "a".into(), is_new };
        let sound = || Fetched::Sound { caller: "+1503".into(), clip: [byte; 400].as_slice().into() };
        let told = match byte % 8 {
            0 | 2 | 4 => Told::Checked(true),
            1 => Told::Checked(false),
            3 => Told::Listed(vec![entry(true), entry(false)]),
            5 => Told::Listed(Vec::new()),
            6 => Told::Fetched(Fetched::Sealed { caller: String::new() }),
            _ => Told::Fetched(sound()),
        };
        self.happens(|house, now, out| house.on_told(call, told, now, out));
    }

    /// Packets come to a port, some in a row.
    fn packets(&mut self, draw: &mut Draw<'_>) {
        let ports: Vec<Port> = self.open.keys().copied().collect();
        let Some(port) = draw.latest(&ports).copied() else { return };
        let (from, packets) = compose::packets(draw, self.count);
        for mut packet in packets {
            let mut relayed = None;
            self.happens(|house, now, out| relayed = house.on_datagram(port, from, &mut packet, now, out));
            assert!(relayed.is_none_or(|(port, _)| self.open.contains_key(&port)), "a relay has two ports");
            self.now = self.now + Duration::from_millis(20);
        }
    }

    fn opens(&mut self, draw: &mut Draw<'_>) {
        let Some(port) = self.wanted.pop() else { return };
        let place = u16::try_from(self.open.len()).unwrap_or_default();
        let local = SocketAddr::from(([192, 0, 2, 100], 20_000 + 2 * place));
        let local = (draw.byte() % 8 != 7).then_some(local);
        self.open.extend(local.map(|local| (port, local)));
        self.happens(|house, now, out| house.on_open(port, local, now, out));
    }

    fn invite_of(&self, response: &Message) -> Option<Message> {
        let of = |(_, invite): &&(AgentId, Message)| invite.call_id() == response.call_id();
        self.invites.iter().find(of).map(|(_, invite)| invite.clone())
    }

    fn hears(&mut self, draw: &mut Draw<'_>, agent: AgentId, mut bytes: Vec<u8>) {
        draw.mutate(&mut bytes);
        let bytes = Bytes::from(bytes);
        self.heard.push((agent, bytes.clone()));
        // The node sends its agents only what has passed its own gate.
        let Ok(message) = Message::parse(bytes.clone()) else { return };
        if check(&message).is_err() {
            return;
        }
        if message.is_request() && message.method() == Method::Invite {
            let name = name(&message);
            // Refusals keep no state, and calls are forgotten once they are over: a copy is judged anew.
            let is_over = |(status, at): &(u16, Time)| *status >= 300 || self.now > *at + COPIES;
            if self.finals.get(&name).is_some_and(is_over) {
                self.finals.remove(&name);
            }
            self.names.entry(name).or_default().insert(bytes.clone());
            self.invites.push((agent, message));
        }
        self.happens(|house, now, out| house.on_sip(agent, bytes, now, out));
    }

    fn pass(&mut self, until: Time) {
        for _ in 0..WAKES_MAX {
            let Some(at) = self.house.deadline().filter(|at| *at <= until) else { break };
            self.now = at.max(self.now);
            self.happens(House::on_deadline);
        }
        self.now = until;
    }

    fn happens(&mut self, act: impl FnOnce(&mut House, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.house, self.now, &mut out);
        for output in out {
            match output {
                Output::Sip { agent, bytes } => self.says(agent, bytes),
                Output::Open(port) => self.wanted.push(port),
                Output::Close(port) => {
                    self.open.remove(&port);
                    self.wanted.retain(|wanted| *wanted != port);
                }
                Output::Rtp { port, bytes, .. } => {
                    assert!(self.open.contains_key(&port), "a port that is not open sends nothing");
                    assert!(bytes.len() > 12, "what is sent carries something");
                }
                Output::Report { port, .. } => {
                    assert!(self.open.contains_key(&port), "a port that is not open reports nothing");
                }
                Output::Begin(take, ..) => assert!(self.takes.insert(take), "a recording begins once"),
                Output::Keep(take, _) => assert!(self.takes.contains(&take), "what is kept has begun"),
                Output::Finish(take, _) | Output::Forget(take) => {
                    assert!(self.takes.remove(&take), "what ends has begun");
                }
                Output::Check(call, ..) | Output::Wish(call, ..) => self.checks.push(call),
                Output::Notice(..) | Output::Greeting(..) => {}
            }
        }
    }

    fn says(&mut self, agent: AgentId, bytes: Bytes) {
        let parsed = Message::parse(bytes.clone());
        assert!(parsed.is_ok(), "no message: {}", bytes.escape_ascii());
        let Ok(message) = parsed else { return };
        // The ACK of a refusal says To as the refusal did (RFC 3261 §17.1.1.3).
        let is_copied = message.is_request() && message.method() == Method::Ack;
        assert!(is_copied || check(&message).is_ok(), "{:?} {}", check(&message), bytes.escape_ascii());
        let Some(status) = message.status() else { return self.asked.push((agent, message)) };
        if message.method() == Method::Subscribe {
            return self.subscribed.push((agent, message));
        }
        if message.method() != Method::Invite {
            return;
        }
        let name = name(&message);
        let is_one = self.names.get(&name).is_some_and(|same| same.len() == 1);
        if status >= 200 && is_one {
            let (before, _) = *self.finals.entry(name).or_insert((status, self.now));
            assert_eq!(before, status, "one INVITE has one answer: {}", bytes.escape_ascii());
        }
        self.answered.push((agent, message));
    }

    /// Nothing more comes: everything that was begun ends by itself.
    fn wind_up(mut self) {
        while let Some(port) = self.wanted.pop() {
            self.happens(|house, now, out| house.on_open(port, None, now, out));
        }
        let end = self.now + WIND_UP;
        for _ in 0..WAKES_MAX {
            let Some(at) = self.house.deadline().filter(|at| *at <= end) else { break };
            assert!(at >= self.now || self.house.deadline() == Some(at), "time goes on");
            self.now = at.max(self.now);
            self.happens(House::on_deadline);
        }
        assert!(self.house.is_empty(), "{} calls last on", self.house.len());
        assert!(self.house.lamps() == 0, "{} lamps last on", self.house.lamps());
        assert!(self.open.is_empty() && self.takes.is_empty(), "nothing stays open");
    }
}

/// What a mailbox holds.
const fn room(new: u32, heard: u32) -> Room {
    Room { messages: 1, bytes: 9, new, heard, disk_free: 1 << 40, greeting: None }
}

fn name(message: &Message) -> (Vec<u8>, Vec<u8>) {
    (message.branch().to_vec(), message.call_id().to_vec())
}
