//! A peer over TCP that a test plays by hand.

use crate::messages::{Message, Messages, header};
use crate::patience::{PATIENCE, until};
use crate::phone::response;
use crate::street::Street;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A connection, and all that went through it.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    /// What it says of itself in Via and Contact.
    pub(crate) at: SocketAddr,
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
    /// Waits for the node to connect.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        let there = || listener.accept().ok();
        let (stream, _) = until("a connection", there, || "nobody has connected".to_owned());
        let at = listener.local_addr().expect("it is bound");
        Self::new(stream, at)
    }

    fn new(stream: TcpStream, at: SocketAddr) -> Self {
        stream.set_nonblocking(false).expect("it can be waited on");
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout can be set");
        Self { stream, at, unread: Vec::new(), messages: Messages::default() }
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
