//! A peer over TCP that a test plays by hand.

use crate::messages::{Message, Messages, header};
use crate::patience::{PATIENCE, until};
use crate::phone::response;
use crate::street::{Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// A connection, and all that went through it.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    /// What it says of itself in Via and Contact.
    pub(crate) at: SocketAddr,
    node: SocketAddr,
    unread: Vec<u8>,
    messages: Messages,
}

/// Listens for connections in a house.
pub(crate) fn listen(street: &Street, house: u8) -> TcpListener {
    let listener = TcpListener::bind(street.house(house)).expect("the house is ours");
    listener.set_nonblocking(true).expect("a listener can be asked whether somebody is there");
    listener
}

impl Line {
    /// Connects to the node from a house, by a port that nobody listens on.
    pub(crate) fn dial(street: &Street, house: u8) -> Self {
        let node = street.house(TANDEM);
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        let from = SocketAddr::new(street.house(house).ip(), 0);
        socket.bind(&from.into()).expect("the house is ours");
        socket.connect(&node.into()).expect("the node listens");
        Self::new(socket.into(), node, |stream| stream.local_addr().expect("it is connected"))
    }

    /// Waits for the node to connect.
    pub(crate) fn accept(street: &Street, listener: &TcpListener) -> Self {
        let there = || listener.accept().ok();
        let (stream, _) = until("a connection", there, || "nobody has connected".to_owned());
        let at = listener.local_addr().expect("it is bound");
        Self::new(stream, street.house(TANDEM), |_| at)
    }

    fn new(stream: TcpStream, node: SocketAddr, at: impl FnOnce(&TcpStream) -> SocketAddr) -> Self {
        stream.set_nonblocking(false).expect("it can be waited on");
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout can be set");
        let at = at(&stream);
        Self { stream, at, node, unread: Vec::new(), messages: Messages::default() }
    }

    /// Closes the connection, and waits for the node to do so too: it knows then.
    pub(crate) fn hangs_up(mut self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
        until("the other end", || (self.stream.read(&mut [0; 512]).ok()? == 0).then_some(()), String::new);
    }

    /// Sends this to the node.
    pub(crate) fn says(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("the node reads");
        self.messages.0.push(Message { sent: true, at: Duration::ZERO, text: text.to_owned() });
    }

    /// Answers a request, in this dialog if it has a tag.
    pub(crate) fn replies(&mut self, request: &str, status: &str, tag: &str) {
        let response = response(request, self.at, status, tag);
        self.says(&response);
    }

    /// Waits for the next message; it must be this in short.
    pub(crate) fn hears(&mut self, short: &str) -> String {
        let at = self.at;
        let message = until(short, || self.read(), || format!("{at} waited in vain"));
        assert_eq!(message.short(), short, "at {}, after {:?}", self.at, self.messages.short());
        self.messages.0.push(message.clone());
        message.text
    }

    /// An INVITE of its own.
    pub(crate) fn invite(&self, number: &str) -> String {
        let (at, node) = (self.at, self.node);
        let tag = format!("{}-{}", at.port(), self.messages.0.len());
        format!(
            "INVITE sip:{number}@{node};transport=tcp SIP/2.0\r\n\
            Via: SIP/2.0/TCP {at};branch=z9hG4bK{tag}\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:+15035550999@{at}>;tag={tag}\r\n\
            To: <sip:{number}@{node}>\r\n\
            Call-ID: {tag}@{at}\r\n\
            CSeq: 1 INVITE\r\n\
            Contact: <sip:{at};transport=tcp>\r\n\
            Content-Length: 0\r\n\r\n"
        )
    }

    /// A whole message, if one is there soon.
    fn read(&mut self) -> Option<Message> {
        let mut chunk = [0; 65_536];
        match self.stream.read(&mut chunk) {
            Ok(length) => self.unread.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => unreachable!("{}: {error} after {PATIENCE:?} at most", self.at),
        }
        let text = String::from_utf8_lossy(&self.unread).into_owned();
        let head = text.find("\r\n\r\n")? + 4;
        let length: usize = header(&text, "Content-Length").parse().unwrap_or(0);
        let text = text.get(..head + length)?.to_owned();
        self.unread.drain(..head + length);
        Some(Message { sent: false, at: Duration::ZERO, text })
    }
}
