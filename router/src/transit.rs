//! Requests of calls that are up, on their way from a stream to datagrams: whoever sent one over a stream sends it
//! once, so the retransmissions over datagrams are ours. Everything else of such requests passes without state.

use crate::door::Effect;
use crate::path::{Flow, Path, Transport};
use core::time::Duration;
use sip::txn::{ClientInvite, ClientOutput, ClientRequest, Reliability, Timers};
use sip::{Bytes, Message, Method, Time};
use std::collections::BTreeMap;

/// The requests under way, by the key in our branch.
#[derive(Debug, Default)]
pub struct Transits {
    under_way: BTreeMap<(u32, u32), Transit>,
}

#[derive(Debug)]
struct Transit {
    path: Path,
    until: Time,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Invite(ClientInvite),
    Request(ClientRequest),
}

/// A request under way for so long is given up, whatever was heard of it: Timer C (RFC 3261 §16.6 step 11).
const LIFE_MAX: Duration = Duration::from_secs(185);

/// Requests that are sent again by us at once; further ones are passed on without. One per call of a full node.
const TRANSITS_MAX: usize = 100_000;

impl Transits {
    /// Does a request that came by `from` and leaves by `to` need us to send it again?
    #[must_use]
    pub fn wants(&self, method: Method, from: Transport, to: Transport) -> bool {
        // Our own agents send again by themselves.
        let crosses = from.is_reliable() && !from.is_inside() && !to.is_reliable();
        crosses && !matches!(method, Method::Ack | Method::Cancel) && self.under_way.len() < TRANSITS_MAX
    }

    /// Sends a request, and sends it again until it is answered.
    pub fn start(
        &mut self,
        key: (u32, u32),
        path: Path,
        (method, bytes): (Method, Bytes),
        timers: Timers,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let mut asked = Vec::new();
        let reliability = Reliability::Unreliable;
        let machine = if method == Method::Invite {
            Machine::Invite(ClientInvite::start(bytes, reliability, timers, now, &mut asked))
        } else {
            Machine::Request(ClientRequest::start(bytes, reliability, timers, now, &mut asked))
        };
        self.under_way.insert(key, Transit { path, until: now + LIFE_MAX, machine });
        self.carry_out(key, asked, out);
    }

    /// Takes a response; what is to be passed on upstream comes back. A response to a request that is not under way
    /// here comes back as it is.
    pub fn on_response(
        &mut self,
        key: (u32, u32),
        response: Message,
        now: Time,
        out: &mut Vec<Effect>,
    ) -> Option<Message> {
        let Some(transit) = self.under_way.get_mut(&key) else { return Some(response) };
        if response.method() == Method::Cancel {
            return Some(response);
        }
        let mut asked = Vec::new();
        match &mut transit.machine {
            Machine::Invite(machine) => machine.on_response(response, now, &mut asked),
            Machine::Request(machine) => machine.on_response(response, now, &mut asked),
        }
        self.carry_out(key, asked, out)
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, key: (u32, u32), now: Time, out: &mut Vec<Effect>) {
        let Some(transit) = self.under_way.get_mut(&key) else { return };
        if transit.until <= now {
            self.under_way.remove(&key);
            return;
        }
        let mut asked = Vec::new();
        match &mut transit.machine {
            Machine::Invite(machine) => machine.on_deadline(now, &mut asked),
            Machine::Request(machine) => machine.on_deadline(now, &mut asked),
        }
        self.carry_out(key, asked, out);
    }

    /// When a request wants to be called; `None` for not at all, or if it is over.
    #[must_use]
    pub fn deadline(&self, key: (u32, u32)) -> Option<Time> {
        let transit = self.under_way.get(&key)?;
        let machine = match &transit.machine {
            Machine::Invite(machine) => machine.deadline(),
            Machine::Request(machine) => machine.deadline(),
        };
        machine.into_iter().chain([transit.until]).min()
    }

    /// Requests under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    fn carry_out(
        &mut self,
        key: (u32, u32),
        asked: Vec<ClientOutput>,
        out: &mut Vec<Effect>,
    ) -> Option<Message> {
        let path = self.under_way.get(&key)?.path;
        let mut up = None;
        for output in asked {
            match output {
                ClientOutput::Send(bytes) => {
                    out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
                }
                ClientOutput::Pass(response) => up = Some(response),
                ClientOutput::Done => {
                    self.under_way.remove(&key);
                }
                // Whoever sent the request has a timer of its own, and RFC 4320 §4.2 forbids a 408.
                ClientOutput::TimedOut | ClientOutput::Unreachable => {}
            }
        }
        up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_a_stream_for_datagrams_is_sent_again() {
        let transits = Transits::default();
        let (tcp, udp) = (Transport::Tcp, Transport::Udp);
        assert!(transits.wants(Method::Bye, tcp, udp) && transits.wants(Method::Invite, tcp, udp));
        assert!(!transits.wants(Method::Ack, tcp, udp) && !transits.wants(Method::Cancel, tcp, udp));
        assert!(!transits.wants(Method::Bye, udp, udp) && !transits.wants(Method::Bye, udp, tcp));
    }

    #[test]
    fn a_bye_is_sent_again_until_it_is_answered() {
        let path = Path { transport: Transport::Udp, local: 0, remote: ([192, 0, 2, 1], 5060).into() };
        let (mut transits, mut out) = (Transits::default(), Vec::new());
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let bye: Bytes = b"BYE sip:a SIP/2.0\r\n\r\n"[..].into();
        transits.start((1, 2), path, (Method::Bye, bye), Timers::default(), at(0), &mut out);
        transits.on_deadline((1, 2), at(500), &mut out);
        assert_eq!((out.len(), transits.deadline((1, 2))), (2, Some(at(1_500))));
        let ok = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 2 BYE\r\n\r\n";
        let response = Message::parse(ok[..].into()).expect("a response");
        assert!(transits.on_response((1, 2), response.clone(), at(600), &mut out).is_some());
        assert!(transits.on_response((1, 2), response, at(700), &mut out).is_none(), "a copy is absorbed");
        transits.on_deadline((1, 2), at(10_000), &mut out);
        assert!(transits.is_empty());
    }

    #[test]
    fn an_invite_that_only_ever_rings_is_forgotten_in_the_end() {
        let path = Path { transport: Transport::Udp, local: 0, remote: ([192, 0, 2, 1], 5060).into() };
        let (mut transits, mut out) = (Transits::default(), Vec::new());
        let invite: Bytes = b"INVITE sip:a SIP/2.0\r\n\r\n"[..].into();
        transits.start((1, 2), path, (Method::Invite, invite), Timers::default(), Time::ZERO, &mut out);
        let ringing = b"SIP/2.0 180 R\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 2 INVITE\r\n\r\n";
        let ringing = Message::parse(ringing[..].into()).expect("a response");
        assert!(transits.on_response((1, 2), ringing, Time::ZERO, &mut out).is_some());
        assert_eq!(transits.deadline((1, 2)), Some(Time::ZERO + LIFE_MAX));
        transits.on_deadline((1, 2), Time::ZERO + LIFE_MAX, &mut out);
        assert!(transits.is_empty());
    }
}
