//! What is done to a world while it runs.

use super::{Cause, World};
use crate::dns::Mood;
use crate::glance::Packet;
use crate::guard::Guard;
use crate::manner::Manner;
use crate::network::Weather;
use crate::town::NODE;
use core::net::SocketAddr;
use router::path::{Loss, Transport};
use router::{Event, Plan};
use sip::Bytes;
use std::sync::Arc;

/// Something that is done to the world.
#[derive(Clone, Debug)]
pub enum Move {
    /// A node is killed: its memory is gone, its address answers nobody.
    Crash(usize),
    /// A node that was killed begins again with the same key and another seed.
    Restart(usize),
    /// A node stands still; what comes for it waits.
    Pause(usize),
    /// It goes on, and gets all that waited at once.
    Resume(usize),
    /// A place behaves otherwise from now on.
    Place {
        /// Which host.
        host: usize,
        /// Which of its places.
        place: usize,
        /// How.
        manner: Option<Manner>,
    },
    /// A place asks otherwise who calls from now on.
    Guard {
        /// Which host.
        host: usize,
        /// Which of its places.
        place: usize,
        /// What it asks for; `None` for nothing.
        guard: Option<Guard>,
    },
    /// A number behaves otherwise from now on.
    Person(&'static str, Manner),
    /// Nothing gets from the first to the second any more.
    Cut(SocketAddr, SocketAddr),
    /// It gets there again.
    Mend(SocketAddr, SocketAddr),
    /// An address swallows everything from now on.
    Hole(SocketAddr),
    /// It does so no longer.
    Fill(SocketAddr),
    /// The weather changes.
    Weather(Weather),
    /// Between these addresses all is well from now on.
    Calm(Vec<SocketAddr>),
    /// A node gets a new plan.
    Apply(usize, Arc<Plan>),
    /// A node's clock is set: microseconds since 1970 at [`Time::ZERO`](sip::Time::ZERO).
    Clock(usize, i64),
    /// A node takes no new calls.
    Drain(usize),
    /// The DNS behaves otherwise from now on.
    Dns(Mood),
    /// A name has these records from now on, and no others: each as in [`Dns::add`](crate::dns::Dns::add).
    Zone(&'static str, Vec<&'static str>),
    /// The other side of a stream closes it.
    Close(SocketAddr),
    /// The other side of a stream no longer answers.
    Stall(SocketAddr),
    /// Somebody sends these bytes.
    Inject {
        /// From.
        from: SocketAddr,
        /// To.
        to: SocketAddr,
        /// What.
        bytes: Bytes,
    },
}

impl World {
    pub(super) fn make(&mut self, what: Move) {
        match what {
            Move::Crash(seat) => self.crash(seat),
            Move::Restart(seat) => {
                if self.seats.get(seat).is_some_and(|seat| seat.node.is_none()) {
                    self.start(seat);
                }
            }
            Move::Pause(seat) => {
                if let Some(seat) = self.seats.get_mut(seat)
                    && seat.node.is_some()
                {
                    seat.waiting.get_or_insert_default();
                    self.oracle.pauses(seat.life, self.now);
                }
            }
            Move::Resume(seat) => self.resume(seat),
            Move::Place { host, place, manner } => {
                if let Some(place) = self.hosts.get_mut(host).and_then(|host| host.places.get_mut(place)) {
                    place.manner = manner;
                }
            }
            Move::Guard { host, place, guard } => {
                if let Some(place) = self.hosts.get_mut(host).and_then(|host| host.places.get_mut(place)) {
                    place.guard = guard;
                }
            }
            Move::Person(number, manner) => {
                for person in self.people.iter_mut().filter(|person| person.0 == number) {
                    person.2 = manner;
                }
            }
            Move::Cut(from, to) => self.network.cuts.push((from, to)),
            Move::Mend(from, to) => self.network.cuts.retain(|cut| *cut != (from, to)),
            Move::Hole(address) => self.network.holes.push(address),
            Move::Fill(address) => self.network.holes.retain(|hole| *hole != address),
            Move::Weather(weather) => self.network.weather = weather,
            Move::Calm(addresses) => self.network.calm = addresses,
            Move::Apply(seat, plan) => {
                if let Some(chair) = self.seats.get_mut(seat) {
                    chair.plan = Arc::clone(&plan);
                }
                self.feed(seat, Event::Apply(plan), Cause::Other);
            }
            Move::Clock(seat, epoch) => {
                if let Some(chair) = self.seats.get_mut(seat) {
                    chair.identity.epoch = epoch;
                }
                self.feed(seat, Event::Clock { epoch }, Cause::Other);
            }
            Move::Drain(seat) => self.feed(seat, Event::Drain, Cause::Other),
            Move::Dns(mood) => self.dns.mood = mood,
            Move::Zone(name, records) => {
                self.dns.remove(name);
                records.iter().for_each(|record| self.dns.add(name, record));
            }
            Move::Close(remote) => self.lose(NODE, remote, Transport::Tcp, Loss::Closed),
            Move::Stall(remote) => self.lose(NODE, remote, Transport::Tcp, Loss::Stalled),
            Move::Inject { from, to, bytes } => {
                self.send(from, to, self.transport(from), Arc::new(Packet::new(bytes)));
            }
        }
    }

    fn crash(&mut self, number: usize) {
        let Some(seat) = self.seats.get_mut(number) else { return };
        if seat.node.take().is_some() {
            seat.waiting = None;
            seat.wake = None;
            self.oracle.dies(seat.life, self.now);
        }
    }

    fn resume(&mut self, number: usize) {
        let Some(waiting) = self.seats.get_mut(number).and_then(|seat| seat.waiting.take()) else { return };
        for (event, cause) in waiting {
            self.feed(number, event, cause);
        }
        if let Some(seat) = self.seats.get_mut(number) {
            seat.wake = None;
        }
        self.set_wake(number);
    }
}
