//! The world: nodes, phones and the network between them, in virtual time, one event after the other.

mod aside;
mod moves;

use crate::caller::{Script, Seen};
use crate::chance::{Chance, mix, mix_word};
use crate::dns::Dns;
use crate::glance::{Glance, Head, Packet};
use crate::indoors::Indoors;
use crate::lamp::LampPhone;
use crate::manner::Manner;
use crate::network::Network;
use crate::oracle::{Cause, Oracle, Sent, Turn};
use crate::phone::{Alarm, Ask, Host, People, Place};
use crate::story::Diary;
use crate::voice::Voice;
use aside::Aside;
use core::cmp::Ordering;
use core::net::SocketAddr;
use router::door::Identity;
use router::locate::Query;
use router::path::{Flow, Listener, Loss, Path, Transport};
use router::record::Entry;
use router::{Effect, Event, Node, Plan};
use sip::Time;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

pub use moves::Move;

#[derive(Debug)]
enum Due {
    Deliver { from: SocketAddr, to: SocketAddr, over: Transport, packet: Arc<Packet> },
    Bounce { at: SocketAddr, remote: SocketAddr, over: Transport },
    Wake { host: usize, alarm: Alarm },
    Answer { life: u32, query: Query },
    Tick { seat: usize },
    Move(Box<Move>),
    Aside(Aside),
}

/// What is due when; among what is due at one moment, what was asked for first.
#[derive(Debug)]
struct Slot {
    at: Time,
    serial: u64,
    due: Due,
}

impl Ord for Slot {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

impl PartialOrd for Slot {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Slot {}

/// One process: a node, or the place of one that was killed.
#[derive(Debug)]
struct Seat {
    identity: Identity,
    plan: Arc<Plan>,
    node: Option<Node>,
    life: u32,
    waiting: Option<Vec<(Event, Cause)>>,
    wake: Option<Time>,
    /// Its agents, if it has some.
    indoors: Option<Box<Indoors>>,
    /// Does the oracle judge it?
    is_watched: bool,
}

/// What comes of a stream to somebody who is spoken to by datagrams; whoever is none of these refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// It is taken.
    Taken,
    /// A firewall swallows it.
    Swallowed,
}

/// Nodes, phones, the network, and who watches them.
#[derive(Debug)]
pub struct World {
    /// The present moment.
    pub now: Time,
    /// Phones, PBXs and carriers.
    pub hosts: Vec<Host>,
    /// The numbers that trunks lead to.
    pub people: People,
    /// The network.
    pub network: Network,
    /// Who knows the addresses of names.
    pub dns: Dns,
    /// Who watches.
    pub oracle: Oracle,
    /// What is written down for a story.
    pub diary: Option<Diary>,
    /// What nodes have told, if it is kept.
    pub kept: Option<Vec<Entry>>,
    /// Who is spoken to over streams: nothing is lost, doubled or late on the way there and back.
    pub streams: BTreeSet<SocketAddr>,
    /// What else comes of streams.
    pub beside: BTreeMap<SocketAddr, Beside>,
    /// Whose sound is heard.
    pub voices: Vec<Voice>,
    /// Phones with a lamp.
    pub lamps: Vec<LampPhone>,
    /// Datagrams sent so far.
    pub datagrams: u64,
    seats: Vec<Seat>,
    lives: u32,
    places: BTreeMap<SocketAddr, (usize, usize)>,
    queue: BinaryHeap<Slot>,
    serial: u64,
    fed: u64,
    ticks: (Time, u32),
    chance: Chance,
    hash: u64,
    callers: Vec<usize>,
    asks: Vec<Ask>,
    effects: Vec<Effect>,
}

impl World {
    /// An empty world; the seed draws everything that is left to chance.
    #[must_use]
    pub fn new(seed: u64, network: Network) -> Self {
        Self {
            now: Time::ZERO,
            hosts: Vec::new(),
            people: Vec::new(),
            network,
            dns: Dns::default(),
            oracle: Oracle::new(seed),
            diary: None,
            kept: None,
            streams: BTreeSet::new(),
            beside: BTreeMap::new(),
            voices: Vec::new(),
            lamps: Vec::new(),
            datagrams: 0,
            seats: Vec::new(),
            lives: 0,
            places: BTreeMap::new(),
            queue: BinaryHeap::new(),
            serial: 0,
            fed: 0,
            ticks: (Time::ZERO, 0),
            chance: Chance::new(seed),
            hash: 0,
            callers: Vec::new(),
            asks: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Adds a phone, a PBX or a carrier.
    pub fn add_host(&mut self, places: Vec<Place>) -> usize {
        let number = self.hosts.len();
        for (index, place) in places.iter().enumerate() {
            self.places.insert(place.address, (number, index));
            self.oracle.know(place.address);
        }
        self.hosts.push(Host::new(number, places));
        number
    }

    /// Adds a node and starts it. Several may listen on one address: the first that runs gets everything.
    pub fn add_node(&mut self, identity: Identity, plan: &Arc<Plan>) -> usize {
        let seat = self.seats.len();
        self.oracle.sits(&identity, plan);
        let plan = Arc::clone(plan);
        self.seats.push(Seat {
            identity,
            plan,
            node: None,
            life: 0,
            waiting: None,
            wake: None,
            indoors: None,
            is_watched: true,
        });
        self.start(seat);
        seat
    }

    /// Adds a call that a host places.
    pub fn add_call(&mut self, host: usize, place: usize, script: Script) -> u32 {
        let call = u32::try_from(self.callers.len()).unwrap_or(u32::MAX);
        self.callers.push(host);
        if let Some(caller) = self.hosts.get_mut(host) {
            caller.plan_call(call, place, script);
        }
        self.push(Time::ZERO + script.at, Due::Wake { host, alarm: Alarm::Dial(call) });
        call
    }

    /// Does something to the world at a time.
    pub fn plan_move(&mut self, at: Time, what: Move) {
        self.push(at, Due::Move(Box::new(what)));
    }

    /// Lets time pass until then.
    pub fn run(&mut self, until: Time) {
        while self.queue.peek().is_some_and(|slot| slot.at <= until) {
            let Some(slot) = self.queue.pop() else { break };
            self.now = slot.at;
            self.happen(slot.due);
            if self.datagrams > DATAGRAMS_MAX * (1 + self.callers.len() as u64) {
                self.oracle.broken(16, || "a storm of datagrams without end".to_owned());
                self.queue.clear();
            }
        }
        self.now = until;
    }

    /// Lets the oracle judge the end of a run.
    pub fn judge_end(&mut self) {
        self.oracle.at_end(self.now, self.seats.iter().filter_map(|seat| seat.node.as_ref()));
    }

    /// What the caller saw of a call.
    #[must_use]
    pub fn seen(&self, call: u32) -> Option<Seen> {
        let host = self.callers.get(usize::try_from(call).ok()?)?;
        self.hosts.get(*host)?.seen(call)
    }

    /// How many calls were planned.
    #[must_use]
    pub fn calls(&self) -> u32 {
        u32::try_from(self.callers.len()).unwrap_or(u32::MAX)
    }

    /// A node, if it runs.
    #[must_use]
    pub fn node(&self, seat: usize) -> Option<&Node> {
        self.seats.get(seat).and_then(|seat| seat.node.as_ref())
    }

    /// Which life of which node gets what comes for an address now.
    #[must_use]
    pub fn life_at(&self, address: SocketAddr) -> Option<u32> {
        self.seat_at(address, Transport::Udp).and_then(|(seat, _)| self.seats.get(seat)).map(|seat| seat.life)
    }

    /// How many seats there are for nodes.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.seats.len()
    }

    /// The hash over all that was sent, with its times.
    #[must_use]
    pub const fn trace(&self) -> u64 {
        self.hash
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Deliver { from, to, over, packet } => self.deliver((from, to), over, &packet),
            Due::Bounce { at, remote, over } => self.lose(at, remote, over, Loss::Unreachable),
            Due::Wake { host, alarm } => {
                let mut asks = core::mem::take(&mut self.asks);
                if let Some(woken) = self.hosts.get_mut(host) {
                    woken.wake(alarm, &self.people, self.now, &mut asks);
                }
                self.grant(host, asks);
            }
            Due::Answer { life, query } => {
                let seat = self.seats.iter().position(|seat| seat.life == life && seat.node.is_some());
                if let (Some(seat), Some(answer)) = (seat, self.dns.answer(&query)) {
                    self.feed(seat, Event::Resolved { query, answer }, Cause::Other);
                }
            }
            Due::Tick { seat } => self.tick(seat),
            Due::Move(what) => self.make(*what),
            Due::Aside(aside) => self.go_on_aside(aside),
        }
    }

    fn deliver(&mut self, (from, to): (SocketAddr, SocketAddr), over: Transport, packet: &Arc<Packet>) {
        if let Some(&(number, _)) = self.places.get(&to) {
            self.voices.iter_mut().for_each(|voice| voice.on_message(packet));
            let mut asks = core::mem::take(&mut self.asks);
            if let Some(host) = self.hosts.get_mut(number) {
                host.receive((from, to), packet, &self.people, self.now, &mut asks);
            }
            self.grant(number, asks);
        } else if let Some(lamp) = self.lamps.iter().position(|lamp| lamp.here == to) {
            self.tell_lamp(lamp, from, packet);
        } else if let Some((seat, local)) = self.seat_at(to, over) {
            let path = Path { transport: over, local, remote: from };
            let flow = Flow { path, connection: 0 };
            let cause = Cause::Packet { from, to, packet: Arc::clone(packet) };
            self.feed(seat, Event::Received { flow, bytes: Arc::clone(&packet.bytes) }, cause);
        }
    }

    /// The node at this address loses its way to another.
    fn lose(&mut self, at: SocketAddr, remote: SocketAddr, transport: Transport, loss: Loss) {
        if let Some((seat, local)) = self.seat_at(at, transport) {
            let path = Path { transport, local, remote };
            self.feed(seat, Event::Lost { path, loss }, Cause::Lost(path, loss));
        }
    }

    /// How somebody is spoken to.
    fn transport(&self, host: SocketAddr) -> Transport {
        if self.streams.contains(&host) { Transport::Tcp } else { Transport::Udp }
    }

    /// How a host sends this: what was asked over a stream is answered there (RFC 3261 §18.2.2).
    fn way_of(&self, from: SocketAddr, packet: &Packet) -> Transport {
        let answers = packet.glance.as_ref().filter(|glance| !glance.is_request());
        let via = answers.map_or(&[][..], |glance| glance.value(&packet.bytes, Head::Via));
        if self.beside.contains_key(&from) && via.starts_with(b"SIP/2.0/TCP ") {
            Transport::Tcp
        } else {
            self.transport(from)
        }
    }

    /// Does what a host asked for.
    fn grant(&mut self, host: usize, mut asks: Vec<Ask>) {
        for ask in asks.drain(..) {
            match ask {
                Ask::Send { from, to, bytes } => {
                    let packet = Packet::new(bytes);
                    self.send(from, to, self.way_of(from, &packet), Arc::new(packet));
                }
                Ask::Wake { at, alarm } => self.push(at, Due::Wake { host, alarm }),
            }
        }
        self.asks = asks;
    }

    /// Puts a datagram on its way.
    fn send(&mut self, from: SocketAddr, to: SocketAddr, over: Transport, packet: Arc<Packet>) {
        self.datagrams += 1;
        self.hash = mix(mix_word(self.hash, self.now.as_micros()), &packet.bytes);
        if let Some(diary) = &mut self.diary {
            let asks = packet.glance.as_ref().is_some_and(Glance::is_request);
            let chosen = asks && over.is_reliable() && ![from, to].iter().any(|it| self.streams.contains(it));
            diary.sent(self.now, from, to, chosen.then_some(over), &packet);
        }
        let latency = self.network.weather.latency;
        let streams = [from, to].iter().any(|address| self.streams.contains(address));
        let [first, second] = if streams || over.is_reliable() {
            let lost = [from, to].iter().any(|address| self.network.holes.contains(address));
            [(!lost).then_some(self.now + latency), None]
        } else {
            self.network.carry(from, to, self.now, &mut self.chance)
        };
        let beside = [to, from].iter().find_map(|it| self.beside.get(it)).copied();
        let refused = over.is_reliable() && !streams && beside.is_none();
        if over.is_reliable() && !streams && beside == Some(Beside::Swallowed) {
            return;
        }
        if refused || !self.listens(to) {
            if let Some(at) = first {
                self.push(at + latency, Due::Bounce { at: from, remote: to, over });
            }
            return;
        }
        if let Some(at) = second {
            self.push(at, Due::Deliver { from, to, over, packet: Arc::clone(&packet) });
        }
        if let Some(at) = first {
            self.push(at, Due::Deliver { from, to, over, packet });
        }
    }

    fn listens(&self, address: SocketAddr) -> bool {
        match self.places.get(&address) {
            Some(&(host, place)) => {
                let place = self.hosts.get(host).and_then(|host| host.places.get(place));
                place.is_some_and(|place| place.manner != Some(Manner::Icmp))
            }
            None => {
                self.lamps.iter().any(|lamp| lamp.here == address)
                    || self.seat_at(address, Transport::Udp).is_some()
            }
        }
    }

    fn seat_at(&self, address: SocketAddr, transport: Transport) -> Option<(usize, u8)> {
        self.seats.iter().enumerate().find_map(|(index, seat)| {
            seat.node.as_ref()?;
            let fits = |one: &Listener| one.address == address && one.transport == transport;
            let local = seat.identity.listeners.iter().position(fits)?;
            Some((index, u8::try_from(local).ok()?))
        })
    }

    /// Hands an event to a node, or keeps it if the node stands still.
    fn feed(&mut self, number: usize, event: Event, cause: Cause) {
        let Some(seat) = self.seats.get_mut(number) else { return };
        if let Some(waiting) = &mut seat.waiting {
            waiting.push((event, cause));
            return;
        }
        let Some(node) = &mut seat.node else { return };
        let mut effects = core::mem::take(&mut self.effects);
        let is_watched = seat.is_watched;
        if is_watched {
            self.oracle.before(seat.life, &event, self.now);
        }
        self.fed += 1;
        let twin_event = (self.fed.is_multiple_of(TWIN_EVERY) && cause.is_in_dialog()).then(|| event.clone());
        node.handle(self.now, event, &mut effects);
        let (mut sent, mut records) = (Vec::with_capacity(effects.len()), Vec::new());
        let asked = sort_out(&seat.identity, &mut effects, &mut sent, &mut records);
        let life = seat.life;
        let turn = Turn { life, now: self.now, cause: &cause, sent: &sent, records: &records, node };
        if is_watched {
            self.oracle.turn(&turn);
        } else {
            self.oracle.turn_asked(&turn);
        }
        if let Some(event) = twin_event.filter(|_| is_watched) {
            let identity = Identity { seed: seat.identity.seed ^ 0x7415, ..seat.identity.clone() };
            let mut twin = Node::new(identity, Arc::default(), self.now);
            twin.handle(self.now, event, &mut effects);
            let (mut others, mut other_records) = (Vec::new(), Vec::new());
            sort_out(&seat.identity, &mut effects, &mut others, &mut other_records);
            self.oracle.inv_13_any_node(&turn, &others);
        }
        self.effects = effects;
        if let Some(diary) = &mut self.diary {
            for entry in &records {
                diary.recorded(self.now, entry);
            }
        }
        self.kept.iter_mut().for_each(|kept| kept.extend(records.iter().cloned()));
        for query in asked {
            self.push(self.now + self.dns.delay, Due::Answer { life, query });
        }
        for Sent { from, to, over, packet } in sent {
            if over.is_inside() {
                self.say_inside(life, to, &packet);
            } else {
                self.send(from, to, over, packet);
            }
        }
        self.set_wake(number);
    }

    fn set_wake(&mut self, number: usize) {
        let Some(seat) = self.seats.get_mut(number) else { return };
        let Some(at) = seat.node.as_ref().and_then(Node::deadline).map(|at| at.max(self.now)) else { return };
        if seat.wake.is_none_or(|wake| at < wake) {
            seat.wake = Some(at);
            self.push(at, Due::Tick { seat: number });
        }
    }

    fn tick(&mut self, number: usize) {
        let Some(seat) = self.seats.get_mut(number) else { return };
        if seat.wake != Some(self.now) {
            return;
        }
        seat.wake = None;
        if seat.waiting.is_some() {
            return;
        }
        let due = seat.node.as_ref().and_then(Node::deadline).is_some_and(|at| at <= self.now);
        self.ticks = if self.ticks.0 == self.now { (self.now, self.ticks.1 + 1) } else { (self.now, 0) };
        if self.ticks.1 > TICKS_MAX {
            self.oracle.broken(17, || "a node wants to be called for ever in one moment".to_owned());
        } else if due {
            self.feed(number, Event::Tick, Cause::Tick);
        } else {
            self.set_wake(number);
        }
    }

    fn start(&mut self, number: usize) {
        self.lives += 1;
        let Some(seat) = self.seats.get_mut(number) else { return };
        seat.life = self.lives;
        seat.wake = None;
        let identity = Identity {
            seed: seat.identity.seed.wrapping_add(u64::from(self.lives)),
            ..seat.identity.clone()
        };
        self.oracle.begins(seat.life, &seat.plan, self.now);
        seat.indoors.iter_mut().for_each(|indoors| indoors.start(self.lives));
        seat.node = Some(Node::new(identity, Arc::clone(&seat.plan), self.now));
        self.feed(number, Event::Tick, Cause::Tick);
    }

    fn push(&mut self, at: Time, due: Due) {
        self.serial += 1;
        self.queue.push(Slot { at: at.max(self.now), serial: self.serial, due });
    }
}

/// Effects as what was sent and what was recorded; returns what the DNS is asked.
fn sort_out(
    identity: &Identity,
    effects: &mut Vec<Effect>,
    sent: &mut Vec<Sent>,
    records: &mut Vec<Entry>,
) -> Vec<Query> {
    let mut asked = Vec::new();
    for effect in effects.drain(..) {
        match effect {
            Effect::Send { flow, bytes } => {
                let listener = identity.listeners.get(usize::from(flow.path.local));
                let from = listener.map_or(flow.path.remote, |listener| listener.address);
                let (to, over, packet) =
                    (flow.path.remote, flow.path.transport, Arc::new(Packet::new(bytes)));
                sent.push(Sent { from, to, over, packet });
            }
            Effect::Resolve { query } => asked.push(query),
            Effect::Record(entry) => records.push(entry),
        }
    }
    asked
}

/// Every so manieth event that is a request inside of a call is also shown to a node that knows nothing but the key.
const TWIN_EVERY: u64 = 7;

/// More datagrams for a call than this are an echo between two who never stop; the run ends there.
const DATAGRAMS_MAX: u64 = 5_000;

/// Calls for time alone in one moment; a node that asks for more never lets time pass.
const TICKS_MAX: u32 = 1_000;
