//! Who calls: INVITE, ACK, BYE, at its own pace, and how long each call took to be put through.

use super::Heard;
use super::callee::{BATCH, bind};
use super::text::{SDP, field, fields, number};
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::net::UdpSocket;

/// How it calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) to: SocketAddr,
    pub(crate) every: Duration,
    /// How long a call lasts.
    pub(crate) hold: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Called,
    Answered,
    Over,
    Refused,
}

struct Call {
    sent: Duration,
    state: State,
}

/// Who calls.
pub(crate) struct Caller {
    pub(crate) socket: UdpSocket,
    address: SocketAddr,
    settings: Settings,
    until: Duration,
    calls: Vec<Call>,
    /// BYEs to be sent, by when.
    byes: VecDeque<(Duration, String)>,
    over: usize,
    refused: usize,
    /// From INVITE to 200, in microseconds.
    setup: Vec<u32>,
    /// How late an INVITE was sent at worst.
    late: Duration,
    buffer: Vec<u8>,
}

impl Caller {
    pub(crate) fn new(address: SocketAddr, settings: Settings, until: Duration) -> Self {
        let (calls, byes, setup) = (Vec::new(), VecDeque::new(), Vec::new());
        let (socket, late) = (bind(address), Duration::ZERO);
        Self {
            socket,
            address,
            settings,
            until,
            calls,
            byes,
            over: 0,
            refused: 0,
            setup,
            late,
            buffer: vec![0; 65_536],
        }
    }

    /// Sends what is due; when the next is.
    pub(crate) fn on_time(&mut self, now: Duration) -> Duration {
        while let Some((_, bye)) = self.byes.front().filter(|(due, _)| *due <= now) {
            let _ = self.socket.send_to(bye.as_bytes(), self.settings.to);
            self.byes.pop_front();
        }
        let bye = self.byes.front().map(|(due, _)| *due);
        for _ in 0..BATCH {
            let due = self.settings.every * u32::try_from(self.calls.len()).expect("a number of calls");
            if due >= self.until {
                return bye.unwrap_or(now + Duration::from_millis(5));
            }
            if due > now {
                return bye.map_or(due, |bye| bye.min(due));
            }
            self.late = self.late.max(now - due);
            let invite = self.invite(self.calls.len());
            let _ = self.socket.send_to(invite.as_bytes(), self.settings.to);
            self.calls.push(Call { sent: now, state: State::Called });
        }
        now
    }

    /// Takes what has come; true if nothing had.
    pub(crate) fn receive(&mut self, now: impl Fn() -> Duration) -> bool {
        for turn in 0..BATCH {
            let mut buffer = core::mem::take(&mut self.buffer);
            let came = self.socket.recv_from(&mut buffer);
            if let Ok((length, _)) = came {
                let text = core::str::from_utf8(buffer.get(..length).unwrap_or_default()).unwrap_or("");
                self.on_response(text, now());
            }
            self.buffer = buffer;
            if came.is_err() {
                return turn == 0;
            }
        }
        false
    }

    /// Has every call come to its end?
    pub(crate) fn is_over(&self) -> bool {
        self.over + self.refused == self.calls.len()
    }

    fn on_response(&mut self, text: &str, now: Duration) {
        let Some(nth) = number(text) else { return };
        let status = text.get(8..11).unwrap_or("");
        let Some(call) = self.calls.get_mut(nth) else { return };
        let is_invite = field(text, "CSeq").ends_with("INVITE");
        match (is_invite, status.as_bytes().first(), call.state) {
            (true, Some(b'2'), State::Called) => {
                call.state = State::Answered;
                self.setup.push(u32::try_from((now - call.sent).as_micros()).unwrap_or(u32::MAX));
                let (ack, bye) = (self.inside("ACK", 1, nth, text), self.inside("BYE", 2, nth, text));
                let _ = self.socket.send_to(ack.as_bytes(), self.settings.to);
                self.byes.push_back((now + self.settings.hold, bye));
            }
            (true, Some(b'2'), State::Answered | State::Over) => {
                let ack = self.inside("ACK", 1, nth, text);
                let _ = self.socket.send_to(ack.as_bytes(), self.settings.to);
            }
            (true, Some(b'3'..=b'6'), State::Called | State::Refused) => {
                self.refused += usize::from(call.state == State::Called);
                call.state = State::Refused;
                let ack = self.request("ACK", "load", 1, nth, field(text, "To"), "", "invite");
                let _ = self.socket.send_to(ack.as_bytes(), self.settings.to);
            }
            (false, Some(b'2'), State::Answered) => {
                call.state = State::Over;
                self.over += 1;
            }
            _ => {}
        }
    }

    fn invite(&self, nth: usize) -> String {
        let more = format!(
            "Contact: <sip:caller@{}>\r\nAllow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\nUser-Agent: a phone that says what it is\r\n\
            Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
            self.address,
            SDP.len()
        );
        self.request("INVITE", &format!("sip:{NUMBER}@{}", self.settings.to), 1, nth, &to(), &more, "invite")
    }

    /// A request inside of the call that this answer has begun.
    fn inside(&self, method: &str, cseq: u32, nth: usize, answer: &str) -> String {
        let contact = field(answer, "Contact").split(['<', '>']).nth(1).unwrap_or("").to_owned();
        let mut routes: Vec<&str> = fields(answer, "Record-Route").collect();
        routes.reverse();
        let routes: String = routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
        let more = format!("{routes}Content-Length: 0\r\n\r\n");
        self.request(method, &contact, cseq, nth, field(answer, "To"), &more, method)
    }

    #[expect(clippy::too_many_arguments, reason = "the lines of a request")]
    fn request(
        &self,
        method: &str,
        uri: &str,
        cseq: u32,
        nth: usize,
        to: &str,
        more: &str,
        branch: &str,
    ) -> String {
        let uri = if uri == "load" { format!("sip:{NUMBER}@{}", self.settings.to) } else { uri.to_owned() };
        let more = if more.is_empty() { "Content-Length: 0\r\n\r\n" } else { more };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{branch}{nth}\r\nMax-Forwards: 70\r\n\
            From: <sip:+15035550999@127.0.0.1>;tag=c{nth}\r\nTo: {to}\r\nCall-ID: load-{nth}@127.0.0.1\r\nCSeq: {cseq} {method}\r\n{more}",
            self.address
        )
    }

    /// What became of it all.
    pub(crate) fn heard(mut self, resent: u64) -> Heard {
        self.setup.sort_unstable();
        let last = self.setup.len().saturating_sub(1);
        let at =
            |part: usize| self.setup.get((self.setup.len() * part / 1000).min(last)).copied().unwrap_or(0);
        let (calls, completed, refused) = (self.calls.len() as u64, self.over as u64, self.refused as u64);
        let late = u64::try_from(self.late.as_micros()).unwrap_or(u64::MAX);
        Heard {
            calls,
            completed,
            refused,
            resent,
            setup_p50: at(500).into(),
            setup_p99: at(990).into(),
            late,
        }
    }
}

fn to() -> String {
    format!("<sip:{NUMBER}@127.0.0.1>")
}

const NUMBER: &str = "+15035550100";
