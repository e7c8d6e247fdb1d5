//! What the thread does: it waits for packets, orders and deadlines, and hands each to the house.

use super::ports::{Part, Ports};
use super::{Flow, Order, Path, Shelf, Transport, WOKEN};
use crate::clock::Clock;
use agent::house::{House, Output};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use mio::{Events, Poll, Token};
use sip::{Bytes, Time};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

/// Takes what agents say to the node.
type Say = Box<dyn Fn(Flow, Bytes) -> bool + Send>;

/// All that the thread has.
pub(super) struct Work {
    clock: Clock,
    house: House,
    ports: Ports,
    shelf: Box<dyn Shelf>,
    say: Say,
    /// The place of the listener for agents.
    local: u8,
    orders: Receiver<Order>,
    /// How many calls there are, for others to read.
    calls: Arc<AtomicUsize>,
    /// Empty between events, kept for its memory.
    asked: Vec<Output>,
    /// What is read.
    buffer: Box<[u8; PACKET_MAX]>,
    /// The packet of it that is worked on, kept for its memory.
    packet: Vec<u8>,
    next_beat: Time,
    /// Ports of which not all was read: the poll tells of a packet once.
    rest: Vec<Token>,
}

/// A packet of sound has 172 bytes; what is longer than this is none.
const PACKET_MAX: usize = 2_048;

/// Packets of one port that are read before others have their turn.
const BATCH: usize = 16;

/// So often at most all ports are read before orders are obeyed: nobody is kept waiting by who floods a port.
const LATE_MAX: u32 = 4;

const EVENTS_MAX: usize = 1_024;

/// How soon it is asked again while the disk has not said anything.
const SOON: Duration = Duration::from_millis(20);

/// How often it is asked what mailboxes hold.
const BEAT: Duration = Duration::from_secs(1);

impl Work {
    pub(super) fn new(
        clock: Clock,
        house: House,
        ports: Ports,
        shelf: Box<dyn Shelf>,
        (say, local): (Say, u8),
        (orders, calls): (Receiver<Order>, Arc<AtomicUsize>),
    ) -> Self {
        let (asked, next_beat, rest) = (Vec::new(), Time::ZERO, Vec::new());
        let (buffer, packet) = (Box::new([0; PACKET_MAX]), Vec::new());
        Self { clock, house, ports, shelf, say, local, orders, calls, asked, buffer, packet, next_beat, rest }
    }

    /// Works until nobody gives orders any more.
    pub(super) fn run(mut self, mut poll: Poll) {
        let (mut events, mut late) = (Events::with_capacity(EVENTS_MAX), 0_u32);
        loop {
            let next = self.house.deadline().map_or(self.next_beat, |due| due.min(self.next_beat));
            let wait = if self.rest.is_empty() { next.since(self.clock.now()) } else { Duration::ZERO };
            if let Err(error) = poll.poll(&mut events, Some(wait))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("mailboxes and announcements cannot go on: {error}");
                return;
            }
            let rest = core::mem::take(&mut self.rest);
            for token in rest.into_iter().chain(events.iter().map(mio::event::Event::token)) {
                self.hear(token, &poll);
            }
            // Who is late hears what somebody has said before that he has hung up.
            late = if self.rest.is_empty() { 0 } else { late.wrapping_add(1) };
            if late % LATE_MAX == 0 && !self.obey(&poll) {
                return self.end(&poll);
            }
            let now = self.clock.now();
            if self.house.deadline().is_some_and(|due| due <= now) {
                let mut asked = core::mem::take(&mut self.asked);
                self.house.on_deadline(now, &mut asked);
                self.carry_out(asked, now, &poll);
            }
            if now >= self.next_beat {
                self.next_beat = now + if self.look(now, &poll) { BEAT } else { SOON };
            }
            for (call, told) in self.shelf.told() {
                let mut asked = core::mem::take(&mut self.asked);
                self.house.on_told(call, told, now, &mut asked);
                self.carry_out(asked, now, &poll);
            }
        }
    }

    /// What was said is kept.
    fn end(&mut self, poll: &Poll) {
        let (now, mut asked) = (self.clock.now(), Vec::new());
        self.house.end(now, &mut asked);
        self.carry_out(asked, now, poll);
    }

    /// What mailboxes hold; `false` if nothing is known of one.
    fn look(&mut self, now: Time, poll: &Poll) -> bool {
        let (mut all, mut asked) = (true, core::mem::take(&mut self.asked));
        let guide = Arc::clone(self.house.guide());
        for mailbox in guide.mailboxes.keys() {
            let room = self.shelf.room(mailbox);
            all &= room.is_some();
            self.house.on_room(mailbox, room, now, &mut asked);
        }
        self.carry_out(asked, now, poll);
        all
    }

    fn hear(&mut self, token: Token, poll: &Poll) {
        if token == WOKEN {
            return;
        }
        let mut packet = core::mem::take(&mut self.packet);
        let is_all = self.read(token, &mut packet, poll);
        self.packet = packet;
        if !is_all {
            self.rest.push(token);
        }
    }

    /// `false` if there is more to be read.
    fn read(&mut self, token: Token, packet: &mut Vec<u8>, poll: &Poll) -> bool {
        for _ in 0..BATCH {
            let Some((port, part, socket)) = self.ports.at(token) else { return true };
            let (length, from) = match socket.recv_from(&mut *self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // What was sent has met nobody: whether somebody is there is not for this socket to say.
                Err(_) => continue,
            };
            packet.clear();
            packet.extend_from_slice(self.buffer.get(..length).unwrap_or_default());
            let now = self.clock.now();
            if part == Part::Reports {
                self.house.on_report(port, plain(from), packet, now);
                continue;
            }
            let mut asked = core::mem::take(&mut self.asked);
            let relayed = self.house.on_datagram(port, plain(from), packet, now, &mut asked);
            if let Some((port, to)) = relayed {
                let socket = self.ports.socket(port, Part::Sound);
                socket.into_iter().for_each(|socket| send(socket, packet, to));
            }
            self.carry_out(asked, now, poll);
        }
        false
    }

    /// `false` once nobody gives orders any more.
    fn obey(&mut self, poll: &Poll) -> bool {
        loop {
            let order = match self.orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            };
            let now = self.clock.now();
            match order {
                Order::Sip(agent, bytes) => {
                    let mut asked = core::mem::take(&mut self.asked);
                    self.house.on_sip(agent, bytes, now, &mut asked);
                    self.carry_out(asked, now, poll);
                }
                Order::Look => _ = self.look(now, poll),
                Order::Apply(guide) => {
                    let mut asked = core::mem::take(&mut self.asked);
                    self.house.apply(guide, now, &mut asked);
                    self.carry_out(asked, now, poll);
                    self.next_beat = Time::ZERO;
                }
            }
        }
    }

    fn carry_out(&mut self, mut asked: Vec<Output>, now: Time, poll: &Poll) {
        for output in asked.drain(..) {
            match output {
                Output::Sip { agent, bytes } => {
                    let path =
                        Path { transport: Transport::Inside, local: self.local, remote: agent.address() };
                    if !(self.say)(Flow { path, connection: 0 }, bytes) {
                        tracing::warn!("an agent is not heard: too much waits for the node");
                    }
                }
                Output::Open(port) => {
                    let opened = self.ports.open(port, poll.registry());
                    if let Err(error) = &opened {
                        tracing::error!("no port for the sound of a call: {error}");
                    }
                    let mut more = Vec::new();
                    self.house.on_open(port, opened.ok(), now, &mut more);
                    self.carry_out(more, now, poll);
                }
                Output::Close(port) => self.ports.close(port, poll.registry()),
                Output::Rtp { port, to, bytes } => {
                    let socket = self.ports.socket(port, Part::Sound);
                    socket.into_iter().for_each(|socket| send(socket, &bytes, to));
                }
                Output::Report { port, to, bytes } => {
                    let socket = self.ports.socket(port, Part::Reports);
                    socket.into_iter().for_each(|socket| send(socket, &bytes, to));
                }
                kept @ (Output::Begin(..)
                | Output::Keep(..)
                | Output::Finish(..)
                | Output::Forget(_)
                | Output::Notice(..)
                | Output::Check(..)
                | Output::Wish(..)
                | Output::Greeting(..)) => self.shelf.take(kept),
            }
        }
        self.asked = asked;
        self.calls.store(self.house.len(), Ordering::Relaxed);
    }
}

/// A packet of sound that cannot leave is late already: it is lost.
fn send(socket: &mio::net::UdpSocket, packet: &[u8], to: SocketAddr) {
    let _ = socket.send_to(packet, to);
}

/// An address of IPv4 that an IPv6 socket has received from.
fn plain(from: SocketAddr) -> SocketAddr {
    SocketAddr::new(from.ip().to_canonical(), from.port())
}
