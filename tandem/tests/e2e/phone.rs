//! A peer over UDP that a test plays by hand, where the order of things is the point.

use crate::messages::{Message, Messages, header, headers};
use crate::patience::PATIENCE;
use crate::street::{Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use std::net::UdpSocket;
use tandem::clock::Clock;

/// A socket, and all that went through it.
#[derive(Debug)]
pub(crate) struct Phone {
    socket: UdpSocket,
    /// Where it is.
    pub(crate) at: SocketAddr,
    node: SocketAddr,
    clock: Clock,
    messages: Messages,
}

impl Phone {
    /// A phone in this house.
    pub(crate) fn new(street: &Street, house: u8) -> Self {
        Self::facing(street, house, street.house(TANDEM))
    }

    /// A phone in this house that speaks to somebody else than the node.
    pub(crate) fn facing(street: &Street, house: u8, node: SocketAddr) -> Self {
        let at = street.house(house);
        let socket = UdpSocket::bind(at).expect("the house is ours");
        Self { socket, at, node, clock: Clock::start(), messages: Messages::default() }
    }

    /// Sends this to the node.
    pub(crate) fn says(&mut self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.node).expect("loopback");
        self.note(true, text);
    }

    /// Answers a request, in this dialog if it has a tag.
    pub(crate) fn replies(&mut self, request: &str, status: &str, tag: &str) {
        let response = response(request, self.at, status, tag);
        self.says(&response);
    }

    /// Waits for the next message that is not one that came before; it must be this in short.
    pub(crate) fn hears(&mut self, short: &str) -> String {
        let message = self.next(PATIENCE);
        let Some(message) = message else {
            unreachable!("{} waited for `{short}` after {:?}", self.at, self.messages.short());
        };
        assert_eq!(message.short(), short, "at {}, after {:?}", self.at, self.messages.short());
        message.text
    }

    /// As [`hears`](Self::hears), whatever comes.
    pub(crate) fn hears_any(&mut self) -> Message {
        let message = self.next(PATIENCE);
        message.unwrap_or_else(|| unreachable!("{} waited after {:?}", self.at, self.messages.short()))
    }

    /// Sends on what came last, changed like this.
    pub(crate) fn passes_on(&mut self, change: impl FnOnce(&str) -> String) {
        let received = self.messages.0.iter().rev().find(|message| !message.sent);
        let changed = received.map(|message| change(&message.text)).unwrap_or_default();
        self.says(&changed);
    }

    /// Waits until this comes again, byte for byte.
    pub(crate) fn hears_again(&mut self, text: &str) {
        let give_up_at = self.clock.now() + PATIENCE;
        while self.clock.now() < give_up_at {
            if self.receive(PATIENCE).is_some_and(|message| message.text == text) {
                return;
            }
        }
        unreachable!("{} did not hear this again:\n{text}", self.at);
    }

    /// Nothing new comes in this time.
    pub(crate) fn hears_nothing(&mut self, time: Duration) {
        let message = self.next(time);
        assert_eq!(message, None, "at {}", self.at);
    }

    /// All that went through it.
    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// How often something came that is this in short, sent again or not.
    pub(crate) fn count(&self, short: &str) -> usize {
        self.messages.0.iter().filter(|message| message.short() == short).count()
    }

    /// An INVITE of its own.
    pub(crate) fn invite(&self, number: &str) -> String {
        self.request("INVITE", number)
    }

    /// A request of its own outside of any call.
    pub(crate) fn request(&self, method: &str, number: &str) -> String {
        let (at, node, unique) = (self.at, self.node, self.messages.0.len());
        let tag = format!("{}-{unique}", at.ip());
        format!(
            "{method} sip:{number}@{node} SIP/2.0\r\n\
            Via: SIP/2.0/UDP {at};branch=z9hG4bK{tag}\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:+15035550999@{at}>;tag={tag}\r\n\
            To: <sip:{number}@{node}>\r\n\
            Call-ID: {tag}@{at}\r\n\
            CSeq: 1 {method}\r\n\
            Contact: <sip:{at}>\r\n\
            Content-Length: 0\r\n\r\n"
        )
    }

    fn next(&mut self, time: Duration) -> Option<Message> {
        let give_up_at = self.clock.now() + time;
        while self.clock.now() < give_up_at {
            let before = self.messages.0.len();
            let message = self.receive(give_up_at.since(self.clock.now()))?;
            if self.messages.0[..before].iter().all(|other| other.text != message.text) {
                return Some(message);
            }
        }
        None
    }

    fn receive(&mut self, time: Duration) -> Option<Message> {
        let mut buffer = [0; 65_536];
        self.socket.set_read_timeout(Some(time.max(Duration::from_millis(1)))).expect("a timeout can be set");
        let length = self.socket.recv(&mut buffer).ok()?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        self.note(false, &text);
        self.messages.0.last().cloned()
    }

    fn note(&mut self, sent: bool, text: &str) {
        let at = Duration::from_micros(self.clock.now().as_micros());
        self.messages.0.push(Message { sent, at, text: text.to_owned() });
    }
}

/// The response to a request, as a user agent at this address makes it.
pub(crate) fn response(request: &str, at: SocketAddr, status: &str, tag: &str) -> String {
    let mut lines = vec![format!("SIP/2.0 {status}")];
    for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
        for value in headers(request, name) {
            let tag = if name == "To" && !tag.is_empty() && !value.contains(";tag=") {
                format!(";tag={tag}")
            } else {
                String::new()
            };
            lines.push(format!("{name}: {value}{tag}"));
        }
    }
    lines.push(format!("Contact: <sip:{at}>"));
    lines.push("Content-Length: 0\r\n\r\n".to_owned());
    lines.join("\r\n")
}

/// A request of the caller in the dialog that a 2xx has begun (RFC 3261 §12.2.1.1, §13.2.2.4).
pub(crate) fn in_dialog(invite: &str, answer: &str, method: &str, cseq: u32) -> String {
    let mut routes: Vec<&str> =
        headers(answer, "Record-Route").flat_map(|line| line.split(',')).map(str::trim).collect();
    routes.reverse();
    let target = header(answer, "Contact").trim_matches(['<', '>']);
    let via = header(invite, "Via");
    format!(
        "{method} {target} SIP/2.0\r\nVia: {via}{method}{cseq}\r\nMax-Forwards: 70\r\nRoute: {}\r\n\
        From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        header(invite, "From"),
        header(answer, "To"),
        header(invite, "Call-ID"),
    )
}

/// The CANCEL of an INVITE, or the ACK of its refusal (RFC 3261 §9.1, §17.1.1.3).
pub(crate) fn of_same_transaction(invite: &str, to: &str, method: &str) -> String {
    let uri = invite.split_ascii_whitespace().nth(1).unwrap_or_default();
    format!(
        "{method} {uri} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\n\
        CSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n",
        header(invite, "Via"),
        header(invite, "From"),
        header(invite, "Call-ID"),
    )
}

/// The CANCEL of an INVITE.
pub(crate) fn cancel(invite: &str) -> String {
    of_same_transaction(invite, header(invite, "To"), "CANCEL")
}

/// The ACK of a refusal.
pub(crate) fn ack_refusal(invite: &str, refusal: &str) -> String {
    of_same_transaction(invite, header(refusal, "To"), "ACK")
}
