//! Who is called: answers, refuses, is silent or rings until it is cancelled.

use super::text::{SDP, number, response};
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;

/// What a callee does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Rings and answers at once.
    Answers,
    /// Says 503.
    Refuses,
    /// Says nothing.
    Silent,
    /// Rings until it is cancelled.
    Rings,
}

impl Role {
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "answers" => Self::Answers,
            "refuses" => Self::Refuses,
            "silent" => Self::Silent,
            "rings" => Self::Rings,
            _ => unreachable!("answers, refuses, silent or rings"),
        }
    }
}

/// One of them.
pub(crate) struct Callee {
    pub(crate) socket: UdpSocket,
    role: Role,
    address: SocketAddr,
    /// INVITEs that came twice.
    pub(crate) resent: u64,
    seen: BTreeSet<usize>,
    ringing: BTreeMap<usize, String>,
    buffer: Vec<u8>,
}

impl Callee {
    pub(crate) fn new(role: Role, address: SocketAddr) -> Self {
        let socket = bind(address);
        Self {
            socket,
            role,
            address,
            resent: 0,
            seen: BTreeSet::new(),
            ringing: BTreeMap::new(),
            buffer: vec![0; 65_536],
        }
    }

    /// Takes what has come; true if nothing had.
    pub(crate) fn receive(&mut self) -> bool {
        for turn in 0..BATCH {
            let mut buffer = core::mem::take(&mut self.buffer);
            let came = self.socket.recv_from(&mut buffer);
            if let Ok((length, from)) = came {
                let text = core::str::from_utf8(buffer.get(..length).unwrap_or_default()).unwrap_or("");
                self.on_request(text, from);
            }
            self.buffer = buffer;
            if came.is_err() {
                return turn == 0;
            }
        }
        false
    }

    fn on_request(&mut self, text: &str, from: SocketAddr) {
        let method = text.split(' ').next().unwrap_or("");
        if method == "OPTIONS" {
            // A probe, whatever becomes of calls.
            return self.say(&response(text, "200 OK", "callee", END), from);
        }
        let Some(call) = number(text) else { return };
        match method {
            "INVITE" => self.on_invite(call, text, from),
            "CANCEL" => {
                self.say(&response(text, "200 OK", "callee", END), from);
                if let Some(invite) = self.ringing.remove(&call) {
                    self.say(&response(&invite, "487 Request Terminated", "callee", END), from);
                }
            }
            "BYE" => self.say(&response(text, "200 OK", "callee", END), from),
            _ => {}
        }
    }

    fn on_invite(&mut self, call: usize, text: &str, from: SocketAddr) {
        if self.role == Role::Silent {
            return;
        }
        self.resent += u64::from(!self.seen.insert(call));
        let contact = format!("Contact: <sip:callee@{}>\r\n", self.address);
        match self.role {
            Role::Silent => {}
            Role::Refuses => self.say(&response(text, "503 Service Unavailable", "callee", END), from),
            Role::Rings => {
                self.say(&response(text, "180 Ringing", "callee", &format!("{contact}{END}")), from);
                self.ringing.insert(call, text.to_owned());
            }
            Role::Answers => {
                self.say(&response(text, "180 Ringing", "callee", &format!("{contact}{END}")), from);
                let more = format!(
                    "{contact}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                    SDP.len()
                );
                self.say(&response(text, "200 OK", "callee", &more), from);
            }
        }
    }

    fn say(&self, text: &str, to: SocketAddr) {
        // What the kernel does not take is a lost datagram: the call fails, and is counted so.
        let _ = self.socket.send_to(text.as_bytes(), to);
    }
}

pub(crate) fn bind(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).expect("the address is free");
    socket.set_nonblocking(true).expect("a socket");
    // Never the end that loses something.
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &(16 << 20));
    socket
}

const END: &str = "Content-Length: 0\r\n\r\n";
pub(crate) const BATCH: usize = 32;
