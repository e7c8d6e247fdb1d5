//! An office that is busy, a node that rings it for every number, and whoever sends messages to that node.

use crate::node::Tandem;
use crate::patience::until;
use crate::street::{CALLER, Street, TANDEM};
use core::time::Duration;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use tandem::clock::Clock;

/// The node, its office, and the sockets of whoever sends.
pub(crate) struct Office {
    node: Tandem,
    at: SocketAddr,
    phone: UdpSocket,
    /// The first one sends; answers go to the port that a Via names.
    sockets: Vec<UdpSocket>,
    /// Refusals of calls come again until they have their ACK, and these have none.
    refused: BTreeSet<String>,
    asked: usize,
    _street: Street,
}

/// The default ports of UDP and TLS, and those that the messages name.
const PORTS: [u16; 5] = [5_060, 5_061, 5_050, 6_050, 19_823];

const HOUSE: u8 = 11;

/// So long a stream says nothing that waits for more.
const A_WHILE: Duration = Duration::from_millis(100);

impl Office {
    pub(crate) fn open() -> Self {
        let street = Street::new();
        let (house, caller) = (street.house(HOUSE), street.house(CALLER).ip());
        let plan = format!(
            "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\noffice = {{ sip = \"{house}\", networks = [\"{caller}\", \"127.0.0.1\"] }}\n[numbers]\n\"*\" = \"main\"\n\
            [plans]\nmain = [\"office\"]\n"
        );
        let node = Tandem::start(&street, &plan);
        let bind = |at: SocketAddr| {
            let socket = UdpSocket::bind(at).expect("the port is free on all addresses");
            socket.set_nonblocking(true).expect("it can be asked");
            socket
        };
        Self {
            node,
            at: street.house(TANDEM),
            phone: bind(house),
            sockets: PORTS.map(|port| bind(SocketAddr::new(caller, port))).into(),
            refused: BTreeSet::new(),
            asked: 0,
            _street: street,
        }
    }

    /// The statuses that a datagram draws. Waits for so many; one more would be seen before the node has answered
    /// what comes behind it.
    pub(crate) fn datagram(&mut self, bytes: &[u8], count: usize) -> Vec<u16> {
        self.say(bytes);
        let mut drawn = Vec::new();
        self.until_answered(&mut drawn, |drawn| drawn.len() >= count);
        let options = self.options("UDP");
        self.say(options.as_bytes());
        self.until_answered(&mut drawn, |drawn| drawn.contains(&ASKED));
        drawn.retain(|status| *status != ASKED);
        drawn
    }

    /// The statuses that a message draws in a stream that goes on.
    pub(crate) fn stream(&mut self, bytes: &[u8], count: usize) -> Vec<u16> {
        let mut stream = self.connect(bytes);
        let mut drawn = Vec::new();
        self.until_read(&mut stream, &mut drawn, |drawn| drawn.len() >= count);
        let options = self.options("TCP");
        stream.write_all(options.as_bytes()).expect("it is open");
        self.until_read(&mut stream, &mut drawn, |drawn| drawn.contains(&ASKED));
        drawn.retain(|status| *status != ASKED);
        drawn
    }

    /// The statuses that a message draws in a stream that nobody uses any more.
    pub(crate) fn spoiled_stream(&mut self, bytes: &[u8], count: usize) -> Vec<u16> {
        let mut stream = self.connect(bytes);
        let mut drawn = Vec::new();
        self.until_read(&mut stream, &mut drawn, |drawn| drawn.len() >= count);
        self.is_there();
        drawn
    }

    /// The statuses that a message draws in a stream that is then closed.
    pub(crate) fn closed_stream(&mut self, bytes: &[u8]) -> Vec<u16> {
        let mut stream = self.connect(bytes);
        let mut drawn = Vec::new();
        self.until_read(&mut stream, &mut drawn, |drawn| drawn.contains(&CLOSED));
        drawn.retain(|status| *status != CLOSED);
        self.is_there();
        drawn
    }

    /// The statuses that a message draws in a while.
    pub(crate) fn silent_stream(&mut self, bytes: &[u8]) -> Vec<u16> {
        let mut stream = self.connect(bytes);
        let mut drawn = Vec::new();
        let clock = Clock::start();
        let over = clock.now() + A_WHILE;
        self.until_read(&mut stream, &mut drawn, |_| clock.now() >= over);
        self.is_there();
        drawn
    }

    /// Somebody else is served.
    fn is_there(&mut self) {
        assert_eq!(self.stream(b"", 0), [0; 0]);
    }

    fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).expect("it listens");
        stream.write_all(bytes).expect("it is open");
        stream.set_nonblocking(true).expect("it can be asked");
        stream
    }

    fn say(&self, bytes: &[u8]) {
        if let Some(first) = self.sockets.first() {
            first.send_to(bytes, self.at).expect("loopback");
        }
    }

    fn options(&mut self, transport: &str) -> String {
        self.asked += 1;
        let n = self.asked;
        let port = PORTS[0];
        format!(
            "OPTIONS sip:tandem SIP/2.0\r\nVia: SIP/2.0/{transport} 192.0.2.1:{port};branch=z9hG4bKasked{n}\r\n\
            From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:tandem>\r\nCall-ID: asked{n}\r\nCSeq: 1 OPTIONS\r\n\
            Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    }

    fn until_answered(&mut self, drawn: &mut Vec<u16>, enough: impl Fn(&[u16]) -> bool) {
        let Self { phone, sockets, refused, asked, node, .. } = self;
        let mut seen = Vec::new();
        let look = || {
            is_busy(phone);
            let mut buffer = [0; 65_536];
            for socket in sockets.iter() {
                while let Ok(length) = socket.recv(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    drawn.extend(status(&text, *asked, refused));
                    seen.push(text);
                }
            }
            enough(drawn).then_some(())
        };
        until("the answers", look, || node.log());
    }

    fn until_read(&mut self, stream: &mut TcpStream, drawn: &mut Vec<u16>, enough: impl Fn(&[u16]) -> bool) {
        let Self { phone, refused, asked, node, .. } = self;
        let mut bytes = Vec::new();
        let look = || {
            is_busy(phone);
            let mut buffer = [0; 65_536];
            match stream.read(&mut buffer) {
                Ok(0) => drawn.push(CLOSED),
                Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
            // None of its responses has a body.
            while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                let text = String::from_utf8_lossy(&core::mem::replace(&mut bytes, rest)).into_owned();
                drawn.extend(status(&text, *asked, refused));
            }
            enough(drawn).then_some(())
        };
        until("the answers", look, || node.log());
    }
}

/// Stands for the 200 to the last OPTIONS of our own.
const ASKED: u16 = 1;

/// Stands for the end of a stream.
const CLOSED: u16 = 2;

fn status(response: &str, asked: usize, refused: &mut BTreeSet<String>) -> Option<u16> {
    let status = response.split(' ').nth(1)?.parse().ok()?;
    if status == 200 && response.contains(&format!("Call-ID: asked{asked}\r\n")) {
        return Some(ASKED);
    }
    let again = status == 486 && !refused.insert(response.to_owned());
    (status != 100 && !again).then_some(status)
}

/// The office answers what has come.
fn is_busy(phone: &UdpSocket) {
    let mut buffer = [0; 65_536];
    while let Ok((length, from)) = phone.recv_from(&mut buffer) {
        if let Some(refusal) = refusal(&buffer[..length]) {
            phone.send_to(&refusal, from).expect("loopback");
        }
    }
}

/// 486 to an INVITE, with its header lines as they came.
fn refusal(request: &[u8]) -> Option<Vec<u8>> {
    if !request.starts_with(b"INVITE ") {
        return None;
    }
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut answer = b"SIP/2.0 486 Busy Here".to_vec();
    let mut wanted = false;
    for line in request[..end].split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next()?.trim_ascii().to_ascii_lowercase();
            wanted = COPIED.iter().any(|copied| copied.as_bytes() == name);
        }
        if wanted {
            answer.extend_from_slice(b"\r\n");
            answer.extend_from_slice(line);
        }
    }
    answer.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
    Some(answer)
}

const COPIED: [&str; 9] = ["via", "v", "from", "f", "to", "t", "call-id", "i", "cseq"];
