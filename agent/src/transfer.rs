//! Warm transfer: a caller who speaks with an agent is led to a person, and stays with the agent if nobody takes the call. Who is
//! rung is the plan's to say: the call goes to the node as any other does, and whoever is reached by phone number is asked.

use crate::bridge::{Bridge, Side};
use crate::caller::Call;
use crate::g711::Law;
use crate::line::{self, Line};
use crate::sdp::{Here, Terms};
use crate::talk::Desk;
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Message, Time};

/// One caller who is to be led to a person. The caller's line stays with its owner.
#[derive(Clone, Debug)]
pub struct Transfer {
    person: Line,
    state: State,
}

/// What it asks of its owner.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this to the proxy.
    Sip(Bytes),
    /// Send this from the person's port.
    Rtp {
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Send this report (RTCP) from the port beside the person's.
    Report {
        /// Where to.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Tell the caller that somebody is being looked for.
    Say,
    /// Somebody has the call: the caller hears him, and nothing of the owner's.
    Joined,
    /// Nobody took it, with the last word of the plan if there was one. The caller is the owner's again.
    Nobody(Option<u16>),
    /// The person has hung up: so may the caller.
    Over,
}

#[derive(Clone, Debug)]
enum State {
    /// Somebody is looked for.
    Hunting {
        /// When the caller is told so again.
        say_at: Time,
        /// When it is given up.
        until: Time,
        /// How it was refused.
        refused: Option<u16>,
    },
    /// Both hear each other.
    Joined(Bridge),
    /// There is nothing left but to be polite.
    Over,
}

/// The caller hears as often that somebody is looked for: who hears nothing for longer hangs up.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Nobody is looked for longer: who has spoken with an agent has waited already. A walk that still rings is cancelled.
const HUNT_MAX: Duration = Duration::from_secs(90);

impl Transfer {
    /// Calls whom the plan says, by the proxy there, in the law that the caller speaks. `None` if the call makes no message.
    pub fn start(
        call: Call,
        desk: Desk,
        proxy: SocketAddr,
        (here, law): (Here, Law),
        chance: u64,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Option<Self> {
        let mut said = Vec::new();
        let terms = Terms { laws: law.only(), ..line::ANY };
        let person = Line::call(call, desk, proxy, (here, terms), chance, now, &mut said)?;
        let state = State::Hunting { say_at: now + SAY_EVERY, until: now + HUNT_MAX, refused: None };
        let mut transfer = Self { person, state };
        out.push(Output::Say);
        said.into_iter().for_each(|output| transfer.on_person(output, now, out));
        Some(transfer)
    }

    /// Is this message one of the person's call?
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        self.person.owns(message)
    }

    /// Do both hear each other?
    #[must_use]
    pub const fn is_joined(&self) -> bool {
        matches!(self.state, State::Joined(_))
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Over) && self.person.is_done()
    }

    /// The caller wants no more, or has hung up.
    pub fn hang_up(&mut self, now: Time, out: &mut Vec<Output>) {
        self.state = State::Over;
        self.with(now, out, |person, said| person.hang_up(now, said));
    }

    /// A request of the person's call came.
    pub fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |person, said| person.on_request(request, now, said));
    }

    /// A response to a request of ours came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |person, said| person.on_response(response, now, said));
    }

    /// A datagram came from there to the port of this side, once both hear each other. `Some` says where it is to be sent, as it
    /// reads now, from the port of the other side.
    pub fn on_datagram(
        &mut self,
        side: Side,
        caller: &mut Line,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
    ) -> Option<SocketAddr> {
        match (&mut self.state, side) {
            (State::Joined(bridge), side) => {
                bridge.relay(side, (caller, &mut self.person), from, datagram, now)
            }
            // The caller's line is the owner's to hear.
            (State::Hunting { .. } | State::Over, Side::Caller | Side::Person) => None,
        }
    }

    /// A datagram came from there to the port beside the person's.
    pub fn on_report(&mut self, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        self.person.on_report(from, datagram, now);
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with(now, out, |person, said| person.on_deadline(now, said));
        let State::Hunting { say_at, until, .. } = &mut self.state else {
            if matches!(&self.state, State::Joined(bridge) if bridge.ends() <= now) {
                self.hang_up(now, out);
                out.push(Output::Over);
            }
            return;
        };
        if *until <= now {
            self.hang_up(now, out);
            out.push(Output::Nobody(None));
        } else if *say_at <= now {
            *say_at = now + SAY_EVERY;
            out.push(Output::Say);
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let own = match &self.state {
            State::Hunting { say_at, until, .. } => Some(*say_at.min(until)),
            State::Joined(bridge) => Some(bridge.ends()),
            State::Over => None,
        };
        [self.person.deadline(), own].into_iter().flatten().min()
    }

    fn on_person(&mut self, output: line::Output, now: Time, out: &mut Vec<Output>) {
        match output {
            line::Output::Sip(bytes) => out.push(Output::Sip(bytes)),
            line::Output::Rtp { to, bytes } => out.push(Output::Rtp { to, bytes }),
            line::Output::Report { to, bytes } => out.push(Output::Report { to, bytes }),
            line::Output::Said(response) => {
                if let State::Hunting { refused, .. } = &mut self.state {
                    *refused = response.status().filter(|status| *status >= 300);
                }
            }
            line::Output::Up if matches!(self.state, State::Hunting { .. }) => {
                self.state = State::Joined(Bridge::new(now));
                out.push(Output::Joined);
            }
            line::Output::Over(_) => match core::mem::replace(&mut self.state, State::Over) {
                State::Hunting { refused, .. } => out.push(Output::Nobody(refused)),
                State::Joined(_) => out.push(Output::Over),
                // It was ended here.
                State::Over => {}
            },
            // What is heard goes over, digits too.
            line::Output::Up
            | line::Output::Pressed(_)
            | line::Output::Referred(_)
            | line::Output::Sound(_)
            | line::Output::Quiet
            | line::Output::Held(_)
            | line::Output::Played => {}
        }
    }

    fn with(
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

#[cfg(test)]
mod tests;
