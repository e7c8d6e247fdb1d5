//! A loopback socket of the demo, and the tap on it: what was sent and received, by whom and when.

use crate::clock::Clock;
use core::net::SocketAddr;
use sip::build::{self, Extra};
use sip::{Bytes, Message, Method, Name, Time};
use std::io;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Everybody in the demo, in the order of the ladder's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Caller,
    Tandem,
    Office,
    North,
    South,
    Ana,
    Ben,
    Answering,
}

impl Who {
    /// The name, as the plan has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Tandem => "tandem",
            Self::Office => "office",
            Self::North => "north",
            Self::South => "south",
            Self::Ana => "ana",
            Self::Ben => "ben",
            Self::Answering => "answering",
        }
    }
}

/// One message, as one of the demo's sockets saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) at: Time,
    pub(super) from: Who,
    pub(super) to: Who,
    pub(super) call_id: Vec<u8>,
    /// Of the request, or of the request that a response answers.
    pub(super) method: Method,
    /// `None` for a request.
    pub(super) status: Option<u16>,
    /// Of the topmost Via.
    pub(super) branch: Vec<u8>,
    /// As it is drawn: `INVITE`, `180`.
    pub(super) word: String,
}

/// Who lives at which address.
pub(super) type Directory = Arc<Vec<(SocketAddr, Who)>>;

/// Where all sockets tell what they have seen.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) clock: Clock,
    pub(super) directory: Directory,
    pub(super) out: mpsc::Sender<Seen>,
}

impl Tap {
    /// Who lives there.
    pub(super) fn who(&self, address: SocketAddr) -> Option<Who> {
        self.directory.iter().find(|(known, _)| *known == address).map(|(_, who)| *who)
    }

    fn saw(&self, from: Who, to: Who, message: &Message) {
        let seen = Seen {
            at: self.clock.now(),
            from,
            to,
            call_id: message.call_id().to_vec(),
            method: message.method(),
            status: message.status(),
            branch: message.branch().to_vec(),
            word: match message.status() {
                Some(status) => status.to_string(),
                None => String::from_utf8_lossy(message.method_name()).into_owned(),
            },
        };
        // A drawing that lacks a line is better than a phone that waits for it.
        let _ = self.out.try_send(seen);
    }
}

/// A socket on the loopback, with its tap.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) who: Who,
    pub(super) address: SocketAddr,
    pub(super) tap: Tap,
    socket: UdpSocket,
}

impl Line {
    /// Puts a bound socket under the tap.
    ///
    /// # Errors
    /// The socket has no address.
    pub(super) fn new(who: Who, socket: UdpSocket, tap: Tap) -> io::Result<Self> {
        Ok(Self { who, address: socket.local_addr()?, tap, socket })
    }

    /// The next message, and where it came from. May be dropped and called again without losing one.
    pub(super) async fn receive(&self) -> (Message, SocketAddr) {
        let mut bytes = vec![0; Message::BYTES_MAX];
        loop {
            // An error is that of a message sent before; what comes next is not touched by it.
            let Ok((length, from)) = self.socket.recv_from(&mut bytes).await else { continue };
            let Ok(message) = Message::parse(bytes.get(..length).unwrap_or_default().into()) else {
                continue;
            };
            if let Some(sender) = self.tap.who(from) {
                self.tap.saw(sender, self.who, &message);
                return (message, from);
            }
        }
    }

    /// Sends a message. The tap sees it here only if it goes to Tandem: everybody else in the demo has a tap.
    pub(super) async fn send(&self, bytes: &Bytes, to: SocketAddr) {
        if self.tap.who(to) == Some(Who::Tandem)
            && let Ok(message) = Message::parse(Arc::clone(bytes))
        {
            self.tap.saw(self.who, Who::Tandem, &message);
        }
        // Whoever is not there does not hear it; that is what the demo is about.
        let _ = self.socket.send_to(bytes, to).await;
    }

    /// Answers a request where its Via asks for it.
    pub(super) async fn answer(&self, bytes: &Bytes, request: &Message, from: SocketAddr) {
        let to = request.top_via().and_then(|via| via.reply_to());
        self.send(bytes, to.filter(|to| to.ip() == from.ip()).unwrap_or(from)).await;
    }
}

/// A response; `tag` for a To without one.
pub(super) fn response(request: &Message, from: SocketAddr, status: u16, tag: &str, lines: &[u8]) -> Bytes {
    build::response(request, from, status, build::phrase(status), Extra { to_tag: tag.as_bytes(), lines })
}

/// Whole lines of a response that begins a dialog: the Record-Routes of the request and who answers (RFC 3261 §12.1.1).
pub(super) fn dialog_lines(request: &Message, who: Who, address: SocketAddr) -> Vec<u8> {
    let mut lines = Vec::new();
    for field in request.fields_of(Name::RecordRoute) {
        lines.extend_from_slice(request.at(field.line));
    }
    lines.extend_from_slice(format!("Contact: <sip:{}@{address}>\r\n", who.name()).as_bytes());
    lines
}

/// Puts a session description into a message without a body: one stream of G.711.
pub(super) fn with_sdp(bytes: &Bytes, address: SocketAddr) -> Bytes {
    let (ip, port) = (address.ip(), address.port());
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    );
    let head = bytes.strip_suffix(b"Content-Length: 0\r\n\r\n").unwrap_or(bytes);
    let body = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
    [head, body.as_bytes()].concat().into()
}
