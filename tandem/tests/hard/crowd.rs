//! Many callers with one socket, as RFC 3261 wants them: what is not answered they send again, T1 500 ms, up to 32 s;
//! each answer gets its ACK, each call its BYE.

use crate::desk::{PATIENCE, T1, T2, status};
use crate::messages::header;
use crate::node::since;
use crate::phone::{ack_refusal, in_dialog};
use crate::street::{Street, TANDEM};
use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::UdpSocket;
use tandem::clock::Clock;

/// The callers.
#[derive(Debug)]
pub(crate) struct Crowd {
    socket: UdpSocket,
    at: SocketAddr,
    node: SocketAddr,
    clock: Clock,
    calls: Vec<Call>,
    by_id: BTreeMap<String, usize>,
}

/// One call of a crowd.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its Call-ID.
    pub(crate) id: String,
    /// How it is or ended.
    pub(crate) state: State,
    /// From the first INVITE to the answer.
    pub(crate) answer: Option<Duration>,
    invite: String,
    began: Duration,
    ack: String,
}

/// How a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The INVITE has no response yet.
    Calling(Resend),
    /// A provisional response came; nothing is sent again.
    Proceeding {
        /// Then nobody waits any longer.
        until: Duration,
    },
    /// Answered; the BYE has no response yet.
    HangingUp(String, Resend),
    /// Answered and hung up in order.
    HungUp,
    /// Answered, but nobody took the BYE.
    Hanging,
    /// A final response that is no answer.
    Refused(u16),
    /// No final response came.
    Silence,
}

/// When a request is sent again, after how long then, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resend {
    at: Duration,
    pause: Duration,
    until: Duration,
}

/// How the calls of a crowd ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// All calls.
    pub(crate) calls: usize,
    /// Those that were answered.
    pub(crate) answered: usize,
    /// Those that were answered and hung up in order.
    pub(crate) hung_up: usize,
    /// Those that were refused, by status.
    pub(crate) refused: BTreeMap<u16, usize>,
    /// Those that got no final response.
    pub(crate) silent: usize,
    /// From INVITE to answer: the median, and the longest.
    pub(crate) answer: (Duration, Duration),
}

impl Crowd {
    /// Callers in this house.
    pub(crate) fn new(street: &Street, house: u8) -> Self {
        let at = street.house(house);
        let socket = UdpSocket::bind(at).expect("the house is ours");
        Self {
            socket,
            at,
            node: street.house(TANDEM),
            clock: Clock::start(),
            calls: Vec::new(),
            by_id: BTreeMap::new(),
        }
    }

    /// So many calls to this number, one each `pause`, until all are over.
    pub(crate) fn call(mut self, number: &str, count: usize, pause: Duration) -> Vec<Call> {
        let mut buffer = vec![0; 65_536];
        while self.calls.len() < count || self.calls.iter().any(Call::goes_on) {
            let now = since(self.clock);
            let next = pause * u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
            if self.calls.len() < count && next <= now {
                self.begin(number, now);
            }
            let (socket, node) = (&self.socket, self.node);
            for call in &mut self.calls {
                // As on any network: lost if the kernel has no room.
                call.on_time(now, |text| drop(socket.send_to(text.as_bytes(), node)));
            }
            self.socket.set_read_timeout(Some(LOOK)).expect("a timeout can be set");
            for _ in 0..BATCH {
                let Ok(length) = self.socket.recv(&mut buffer) else { break };
                self.on_message(&String::from_utf8_lossy(&buffer[..length]));
            }
        }
        self.calls
    }

    fn begin(&mut self, number: &str, now: Duration) {
        let (at, node, n) = (self.at, self.node, self.calls.len());
        let unique = CALLS.fetch_add(1, Ordering::Relaxed);
        let id = format!("{unique}@{at}");
        let invite = format!(
            "INVITE sip:{number}@{node} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{unique}\r\n\
            Max-Forwards: 70\r\nFrom: <sip:+15035550999@{at}>;tag=c{unique}\r\nTo: <sip:{number}@{node}>\r\n\
            Call-ID: {id}\r\nCSeq: 1 INVITE\r\nContact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n"
        );
        let state = State::Calling(Resend::from(now));
        self.by_id.insert(id.clone(), n);
        self.calls.push(Call { id, state, answer: None, invite, began: now, ack: String::new() });
    }

    fn on_message(&mut self, text: &str) {
        let (Some((status, method)), now) = (status(text), since(self.clock)) else { return };
        let call = self.by_id.get(header(text, "Call-ID")).and_then(|n| self.calls.get_mut(*n));
        if let Some(call) = call
            && let Some(reply) = call.on_response(status, &method, text, now)
        {
            // As on any network: lost if the kernel has no room.
            let _ = self.socket.send_to(reply.as_bytes(), self.node);
        }
    }
}

impl Call {
    fn goes_on(&self) -> bool {
        matches!(self.state, State::Calling(_) | State::Proceeding { .. } | State::HangingUp(..))
    }

    fn on_time(&mut self, now: Duration, say: impl FnOnce(&str)) {
        match &mut self.state {
            State::Calling(resend) if resend.until <= now => self.state = State::Silence,
            State::Calling(resend) => {
                if resend.is_due(now, PATIENCE) {
                    say(&self.invite);
                }
            }
            State::Proceeding { until } if *until <= now => self.state = State::Silence,
            State::HangingUp(_, resend) if resend.until <= now => self.state = State::Hanging,
            State::HangingUp(bye, resend) => {
                if resend.is_due(now, T2) {
                    say(bye);
                }
            }
            State::Proceeding { .. }
            | State::HungUp
            | State::Hanging
            | State::Refused(_)
            | State::Silence => (),
        }
    }

    /// What is said to a response.
    fn on_response(&mut self, status: u16, method: &str, text: &str, now: Duration) -> Option<String> {
        match (&self.state, method, status) {
            (State::Calling(_), "INVITE", 100..=199) => {
                self.state = State::Proceeding { until: now + CALL_MAX };
                None
            }
            (State::Calling(_) | State::Proceeding { .. }, "INVITE", 200..=299) => {
                self.answer = Some(now - self.began);
                self.ack = in_dialog(&self.invite, text, "ACK", 1);
                let bye = in_dialog(&self.invite, text, "BYE", 2);
                self.state = State::HangingUp(bye, Resend::from(now));
                Some(self.ack.clone())
            }
            (_, "INVITE", 200..=299) => Some(self.ack.clone()),
            (State::Calling(_) | State::Proceeding { .. }, "INVITE", 300..) => {
                self.state = State::Refused(status);
                Some(ack_refusal(&self.invite, text))
            }
            (_, "INVITE", 300..) => Some(ack_refusal(&self.invite, text)),
            (State::HangingUp(..), "BYE", 200..) => {
                self.state = if status < 300 { State::HungUp } else { State::Hanging };
                None
            }
            // Copies, and provisional responses that change nothing.
            _ => None,
        }
    }
}

impl Resend {
    fn from(now: Duration) -> Self {
        Self { at: now, pause: T1, until: now + PATIENCE }
    }

    fn is_due(&mut self, now: Duration, pause_max: Duration) -> bool {
        let due = self.at <= now;
        if due {
            self.at += self.pause;
            self.pause = (self.pause * 2).min(pause_max);
        }
        due
    }
}

impl Tally {
    /// Counts.
    pub(crate) fn of(calls: &[Call]) -> Self {
        let mut refused = BTreeMap::new();
        for call in calls {
            if let State::Refused(status) = call.state {
                *refused.entry(status).or_default() += 1;
            }
        }
        let mut times: Vec<Duration> = calls.iter().filter_map(|call| call.answer).collect();
        times.sort_unstable();
        let at = |n: usize| times.get(n).copied().unwrap_or_default();
        Self {
            calls: calls.len(),
            answered: times.len(),
            hung_up: calls.iter().filter(|call| call.state == State::HungUp).count(),
            refused,
            silent: calls.iter().filter(|call| call.state == State::Silence).count(),
            answer: (at(times.len() / 2), at(times.len().saturating_sub(1))),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, answered, hung_up, refused, silent, answer: (median, longest) } = self;
        write!(
            out,
            "{calls} calls: {answered} answered (median {median:.1?}, longest {longest:.1?}), {hung_up} hung up in order, \
            refused {refused:?}, {silent} without a final"
        )
    }
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// A caller waits no longer for somebody to answer.
const CALL_MAX: Duration = Duration::from_secs(45);

const LOOK: Duration = Duration::from_millis(1);

const BATCH: usize = 50; // Then the timers are looked at again.
