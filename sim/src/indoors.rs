//! The agents of a node, beside it: the ports of their sound, and the shelf on which they keep what callers leave.

use agent::guide::{Guide, Room};
use agent::house::{About, House, Output, Port, Take};
use agent::recording::Message;
use agent::srtp::{KEY_LENGTH, Key};
use agent::voicemail::Told;
use core::net::SocketAddr;
use core::time::Duration;
use router::inside::AgentId;
use sip::{Bytes, Time};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The agents of one node, and what outlives them.
#[derive(Debug)]
pub struct Indoors {
    /// What their mailboxes hold.
    pub rooms: BTreeMap<Arc<str>, Room>,
    /// What callers have left.
    pub shelf: Shelf,
    guide: Arc<Guide>,
    /// The node's own address.
    node: SocketAddr,
    house: House,
    ports: BTreeMap<SocketAddr, Port>,
    next_port: u16,
    pub(crate) wake: Option<Time>,
}

/// What callers have left.
#[derive(Debug, Default)]
pub struct Shelf {
    /// What was kept so far of recordings that are under way, or whose node has died.
    pub begun: BTreeMap<(u32, Take), Sound>,
    /// The messages, as they came.
    pub messages: Vec<Left>,
}

/// What was said into a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// By whom.
    pub about: About,
    /// Its parts.
    pub parts: Vec<Vec<u8>>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its sound.
    pub sound: Sound,
    /// What is known of it.
    pub message: Message,
}

/// What comes of it outside.
#[derive(Debug)]
pub(crate) enum Out {
    /// An agent says this to its node.
    Say(AgentId, Bytes),
    /// A packet of sound leaves.
    Sound { from: SocketAddr, to: SocketAddr, bytes: Vec<u8> },
    /// A line for the diary.
    Line(String),
}

/// What comes to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Sound,
    Reports,
}

/// The first port of sound.
const FIRST_PORT: u16 = 20_000;

/// What keys are made of: no secret in a simulation.
const SECRET: Key = Key::new([3; KEY_LENGTH]);

/// A terabyte is free.
const FREE: u64 = 1 << 40;

impl Indoors {
    /// Agents whose mailboxes are empty.
    #[must_use]
    pub fn new(guide: &Arc<Guide>, node: SocketAddr) -> Self {
        let room = Room { messages: 0, bytes: 0, new: 0, heard: 0, disk_free: FREE, greeting: None };
        let rooms = guide.mailboxes.keys().map(|name| (Arc::clone(name), room.clone())).collect();
        Self {
            rooms,
            shelf: Shelf::default(),
            guide: Arc::clone(guide),
            node,
            house: House::new(Arc::clone(guide), node.to_string(), (0, SECRET)),
            ports: BTreeMap::new(),
            next_port: FIRST_PORT,
            wake: None,
        }
    }

    /// Their node begins: nothing is left of the calls before.
    pub(crate) fn start(&mut self, life: u32) {
        self.house = House::new(Arc::clone(&self.guide), self.node.to_string(), (u64::from(life), SECRET));
        self.ports.clear();
        self.wake = None;
    }

    /// Whose port is this, or the one before it, where it is one of reports?
    pub(crate) fn port(&self, address: SocketAddr) -> Option<(Port, Part)> {
        let before = SocketAddr::new(address.ip(), address.port().wrapping_sub(1));
        let sound = self.ports.get(&address).map(|port| (*port, Part::Sound));
        sound.or_else(|| self.ports.get(&before).map(|port| (*port, Part::Reports)))
    }

    /// When they want to be called.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.house.deadline()
    }

    /// Lets them do something, and tells what comes of it outside.
    pub(crate) fn with(
        &mut self,
        life: u32,
        now: Time,
        act: impl FnOnce(&mut House, &mut Vec<Output>),
    ) -> Vec<Out> {
        let (mut asked, mut out) = (Vec::new(), Vec::new());
        self.tell_rooms(now, &mut asked);
        act(&mut self.house, &mut asked);
        let mut asked = VecDeque::from(asked);
        loop {
            while let Some(output) = asked.pop_front() {
                let mut more = Vec::new();
                self.carry_out(output, life, now, &mut more, &mut out);
                // What comes of one comes before the next.
                more.into_iter().rev().for_each(|output| asked.push_front(output));
            }
            // What was left meanwhile is told to phones.
            let mut more = Vec::new();
            self.tell_rooms(now, &mut more);
            if more.is_empty() {
                return out;
            }
            asked.extend(more);
        }
    }

    fn tell_rooms(&mut self, now: Time, asked: &mut Vec<Output>) {
        for (mailbox, room) in &self.rooms {
            self.house.on_room(mailbox, Some(room.clone()), now, asked);
        }
    }

    /// A packet came to one of their ports.
    pub(crate) fn hear(
        &mut self,
        (port, part): (Port, Part),
        from: SocketAddr,
        packet: &[u8],
        (life, now): (u32, Time),
    ) -> Vec<Out> {
        if part == Part::Reports {
            self.house.on_report(port, from, &mut packet.to_vec(), now);
            return Vec::new();
        }
        let (mut packet, mut relayed) = (packet.to_vec(), None);
        let mut out = self
            .with(life, now, |house, asked| relayed = house.on_datagram(port, from, &mut packet, now, asked));
        if let Some((port, to)) = relayed {
            out.extend(self.address(port).map(|from| Out::Sound { from, to, bytes: packet }));
        }
        out
    }

    fn address(&self, port: Port) -> Option<SocketAddr> {
        self.ports.iter().find(|(_, other)| **other == port).map(|(address, _)| *address)
    }

    fn carry_out(
        &mut self,
        output: Output,
        life: u32,
        now: Time,
        more: &mut Vec<Output>,
        out: &mut Vec<Out>,
    ) {
        match output {
            Output::Sip { agent, bytes } => out.push(Out::Say(agent, bytes)),
            Output::Rtp { port, to, bytes } => {
                out.extend(self.address(port).map(|from| Out::Sound { from, to, bytes }));
            }
            Output::Report { port, to, bytes } => {
                out.extend(self.address(port).map(|from| Out::Sound { from: beside(from), to, bytes }));
            }
            Output::Open(port) => {
                let address = SocketAddr::new(self.node.ip(), self.next_port);
                self.next_port += 2;
                self.ports.insert(address, port);
                self.house.on_open(port, Some(address), now, more);
            }
            Output::Close(port) => self.ports.retain(|_, other| *other != port),
            Output::Begin(take, about, _) => {
                out.push(Out::Line(format!("{} records {}", about.mailbox, about.caller)));
                self.shelf.begun.insert((life, take), Sound { about: *about, parts: Vec::new() });
            }
            Output::Keep(take, segment) => {
                if let Some(sound) = self.shelf.begun.get_mut(&(life, take)) {
                    sound.parts.truncate(segment.number);
                    sound.parts.push(segment.bytes);
                }
            }
            Output::Finish(take, message) => {
                let Some(sound) = self.shelf.begun.remove(&(life, take)) else { return };
                let (end, length) = (message.end, message.length.as_millis());
                let (whose, why) = (&sound.about.mailbox, &sound.about.why);
                out.push(Out::Line(format!("{whose} keeps {length} ms, {why}, ended by {end:?}")));
                if let Some(room) = self.rooms.get_mut(whose) {
                    room.messages += 1;
                    room.new += 1;
                    room.bytes += sound.length() as u64;
                }
                self.shelf.messages.push(Left { sound, message });
            }
            Output::Forget(take) => {
                self.shelf.begun.remove(&(life, take));
                out.push(Out::Line("what was recorded is no message".into()));
            }
            Output::Notice(about, notice) => {
                let (whose, why) = (&about.mailbox, &about.why);
                out.push(Out::Line(format!("{whose} tells of a call: {notice:?}, {why}")));
            }
            // No owner of a mailbox is in town.
            Output::Check(call, ..) => self.house.on_told(call, Told::Checked(false), now, more),
            Output::Wish(..) => {}
            Output::Greeting(mailbox, clip) => {
                if let Some(room) = self.rooms.get_mut(&mailbox) {
                    room.greeting = Some(clip);
                }
            }
        }
    }
}

/// Where reports come to that are about the sound there.
pub(crate) fn beside(sound: SocketAddr) -> SocketAddr {
    SocketAddr::new(sound.ip(), sound.port().wrapping_add(1))
}

impl Sound {
    /// How many samples were kept.
    #[must_use]
    pub fn length(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// How long that is.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        Duration::from_micros(self.length() as u64 * 125)
    }
}
