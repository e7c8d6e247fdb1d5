//! Just enough SIP to set calls up and to end them.

use core::net::SocketAddr;
use core::time::Duration;
use sip::{Message, Name};
use std::net::UdpSocket;

/// Where SIP is spoken.
pub(crate) struct Phone {
    pub(crate) socket: UdpSocket,
    node: SocketAddr,
}

impl Phone {
    pub(crate) fn new(port: u16, node: SocketAddr) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a port of our own");
        Self { socket, node }
    }

    pub(crate) fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.node).expect("the loopback takes it");
    }

    /// The first message that is wanted; others are passed over.
    pub(crate) fn wait(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.hear(Duration::from_secs(10)).expect("an answer within ten seconds");
            if wanted(&message) {
                return message;
            }
        }
    }

    /// The next message; `None` if none comes for so long.
    pub(crate) fn hear(&self, patience: Duration) -> Option<Message> {
        self.socket.set_read_timeout(Some(patience)).expect("it is a socket");
        let mut buffer = [0; 65_536];
        loop {
            let (length, _) = self.socket.recv_from(&mut buffer).ok()?;
            if let Ok(message) = Message::parse(buffer[..length].into()) {
                return Some(message);
            }
        }
    }

    /// The answer with this status to a call.
    pub(crate) fn answer(&self, call: &str, status: u16) -> Message {
        self.wait(|message| {
            let is_its = message.call_id() == call.as_bytes();
            let found = message.status().filter(|_| is_its).filter(|found| *found >= 200);
            assert!(found.is_none_or(|found| found == status), "{call} got {found:?}");
            found.is_some()
        })
    }
}

/// The value of a header.
pub(crate) fn value(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.value(name).unwrap_or_default()).into_owned()
}

/// The port of the sound in a body.
pub(crate) fn port(sdp: &[u8]) -> u16 {
    let sdp = String::from_utf8_lossy(sdp);
    let rest = sdp.split_once("m=audio ").map(|(_, rest)| rest).expect("there is sound");
    rest.split_once(' ').and_then(|(port, _)| port.parse().ok()).expect("a port")
}

/// A request inside of a call, as who has called sends it: along the Record-Route of the answer, reversed.
pub(crate) fn inside(answer: &Message, method: &str, number: u32, branch: &str) -> String {
    let mut routes: Vec<String> = answer
        .elements(Name::RecordRoute)
        .map(|route| format!("Route: {}\r\n", String::from_utf8_lossy(answer.at(route))))
        .collect();
    routes.reverse();
    let [from, to, call, contact] =
        [Name::From, Name::To, Name::CallId, Name::Contact].map(|name| value(answer, name));
    let contact = contact.split(['<', '>']).nth(1).expect("an address").to_owned();
    format!(
        "{method} {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {AT};branch=z9hG4bK{branch}\r\n{}From: {from}\r\nTo: {to}\r\n\
        Call-ID: {call}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        routes.concat()
    )
}

/// Our own place for SIP.
pub(crate) const AT: &str = "127.0.0.1:15060";
pub(crate) const PORT: u16 = 15_060;
