//! One call of a house, whatever it is: which machine has it.

use super::answering::Answering;
use super::{CallKey, Output, Port};
use crate::bridge::Side;
use crate::guide::Role;
use crate::screen::{self, Screen};
use core::net::SocketAddr;
use router::inside::AgentId;
use sip::{Bytes, Message, Method, Time};

#[derive(Debug)]
pub(super) struct Held {
    pub(super) agent: AgentId,
    /// When it is looked at next: at its deadline, or before.
    pub(super) due: Option<Time>,
    pub(super) ids: Vec<Vec<u8>>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Its ports are being opened; what came first waits.
    Opening(Box<Opening>),
    /// A mailbox or an announcement.
    Answering(Box<Answering>),
    /// Somebody who is asked to press 1.
    Screen(Box<Screen>),
}

#[derive(Debug)]
pub(super) struct Opening {
    pub(super) invite: Message,
    pub(super) role: Role,
    pub(super) caller: Option<SocketAddr>,
    /// The caller gave up meanwhile.
    pub(super) is_cancelled: bool,
}

/// One event of one call.
pub(super) struct Turn<'a> {
    pub(super) key: CallKey,
    pub(super) agent: AgentId,
    pub(super) now: Time,
    pub(super) out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    pub(super) const fn port(&self, side: Side) -> Port {
        Port { call: self.key, side }
    }

    pub(super) fn sip(&mut self, bytes: Bytes) {
        self.out.push(Output::Sip { agent: self.agent, bytes });
    }

    pub(super) fn rtp(&mut self, side: Side, to: SocketAddr, bytes: Vec<u8>) {
        self.out.push(Output::Rtp { port: self.port(side), to, bytes });
    }

    pub(super) fn report(&mut self, side: Side, to: SocketAddr, bytes: Vec<u8>) {
        self.out.push(Output::Report { port: self.port(side), to, bytes });
    }
}

/// What a screen asks for; that somebody claims the call it says itself when it is asked.
pub(super) fn carry_out(said: Vec<screen::Output>, turn: &mut Turn<'_>) {
    for output in said {
        match output {
            screen::Output::Sip(bytes) => turn.sip(bytes),
            screen::Output::Rtp { side, to, bytes } => turn.rtp(side, to, bytes),
            screen::Output::Report { side, to, bytes } => turn.report(side, to, bytes),
            screen::Output::Claims => {}
        }
    }
}

impl Opening {
    /// Its INVITE once more, or the CANCEL of it (RFC 3261 §9.2).
    fn owns(&self, message: &Message) -> bool {
        matches!(message.method(), Method::Invite | Method::Cancel)
            && message.is_request()
            && message.branch() == self.invite.branch()
    }
}

impl Held {
    pub(super) fn owns(&self, message: &Message) -> bool {
        match &self.kind {
            Kind::Opening(opening) => opening.owns(message),
            Kind::Answering(answering) => answering.owns(message),
            Kind::Screen(screen) => screen.owns(message),
        }
    }

    pub(super) fn invite(&self) -> Option<&Message> {
        match &self.kind {
            Kind::Opening(opening) => Some(&opening.invite),
            Kind::Answering(answering) => Some(answering.line().invite()),
            Kind::Screen(screen) => Some(screen.invite()),
        }
    }

    pub(super) fn claims(&self) -> bool {
        matches!(&self.kind, Kind::Screen(screen) if screen.claims())
    }

    pub(super) fn is_done(&self) -> bool {
        match &self.kind {
            Kind::Opening(_) => false,
            Kind::Answering(answering) => answering.is_done(),
            Kind::Screen(screen) => screen.is_done(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.kind {
            Kind::Opening(_) => None,
            Kind::Answering(answering) => answering.deadline(),
            Kind::Screen(screen) => screen.deadline(),
        }
    }

    pub(super) fn on_message(&mut self, message: Message, turn: &mut Turn<'_>) {
        match &mut self.kind {
            // A copy of its INVITE waits with it.
            Kind::Opening(opening) => opening.is_cancelled |= message.method() == Method::Cancel,
            Kind::Answering(answering) => answering.on_message(message, turn),
            Kind::Screen(screen) => {
                let mut said = Vec::new();
                if message.is_request() {
                    screen.on_request(message, turn.now, &mut said);
                } else {
                    screen.on_response(message, turn.now, &mut said);
                }
                carry_out(said, turn);
            }
        }
    }

    /// Do its two sides hear each other?
    pub(super) fn is_joined(&self) -> bool {
        match &self.kind {
            Kind::Opening(_) => false,
            Kind::Answering(answering) => answering.is_joined(),
            Kind::Screen(screen) => screen.is_joined(),
        }
    }

    /// A datagram of one side for the other, once they do: where it goes on to.
    pub(super) fn relay(
        &mut self,
        side: Side,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
    ) -> Option<SocketAddr> {
        match &mut self.kind {
            Kind::Opening(_) => None,
            Kind::Answering(answering) => answering.relay(side, from, datagram, now),
            Kind::Screen(screen) => screen.on_datagram(side, from, datagram, now, &mut Vec::new()),
        }
    }

    pub(super) fn on_datagram(
        &mut self,
        side: Side,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        turn: &mut Turn<'_>,
    ) {
        match &mut self.kind {
            Kind::Opening(_) => {}
            // Nobody hears a person before he has the call.
            Kind::Answering(answering) if side == Side::Caller => answering.on_datagram(from, datagram, turn),
            Kind::Answering(_) => {}
            Kind::Screen(screen) => {
                let mut said = Vec::new();
                screen.on_datagram(side, from, datagram, turn.now, &mut said);
                carry_out(said, turn);
            }
        }
    }

    pub(super) fn on_report(&mut self, side: Side, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        match &mut self.kind {
            Kind::Opening(_) => {}
            Kind::Answering(answering) => answering.on_report(side, from, datagram, now),
            Kind::Screen(screen) => screen.on_report(side, from, datagram, now),
        }
    }

    pub(super) fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        match &mut self.kind {
            Kind::Opening(_) => {}
            Kind::Answering(answering) => answering.on_deadline(turn),
            Kind::Screen(screen) => {
                let mut said = Vec::new();
                screen.on_deadline(turn.now, &mut said);
                carry_out(said, turn);
            }
        }
    }
}
