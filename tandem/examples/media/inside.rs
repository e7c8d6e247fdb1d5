//! The thread of the agents as it stands in a node, in a process of its own, with a socket in the place of the node: what comes is
//! said to who asks people to press 1, what he says is sent.

use crate::words;
use agent::guide::Room;
use agent::house::{CallKey, Output};
use agent::voicemail::Told;
use core::net::{Ipv4Addr, SocketAddr};
use router::inside::SCREEN;
use router::path::{Path, Transport};
use std::net::UdpSocket;
use std::sync::Arc;
use tandem::clock::Clock;
use tandem::media::{Means, Media, Shelf};

/// The argument that makes this program that process.
pub(crate) const WORD: &str = "--agents";

/// Where it listens.
pub(crate) const AT: &str = "127.0.0.1:15062";

pub(crate) fn run() {
    let to: SocketAddr = words::AT.parse().expect("an address");
    let socket = Arc::new(UdpSocket::bind(AT).expect("a port of our own"));
    let node = Arc::clone(&socket);
    let means = Means {
        clock: Clock::start(),
        guide: Arc::default(),
        public: AT.to_owned(),
        bind: Ipv4Addr::LOCALHOST.into(),
        told: Ipv4Addr::LOCALHOST.into(),
        ports: 16_384..=32_767,
        chance: (7, agent::srtp::Key::new([7; 30])),
        shelf: Box::new(Bare),
        say: Box::new(move |_, bytes| node.send_to(&bytes, to).is_ok()),
        local: 0,
    };
    let media = Media::start(means).expect("a thread");
    let path = Path { transport: Transport::Inside, local: 0, remote: SCREEN.address() };
    let mut buffer = [0; 65_536];
    loop {
        let (length, _) = socket.recv_from(&mut buffer).expect("it is bound");
        assert!(media.say(path, buffer[..length].into()), "too much waits");
    }
}

/// Nobody leaves a message here.
struct Bare;

impl Shelf for Bare {
    fn take(&mut self, _: Output) {}

    fn room(&mut self, _: &str) -> Option<Room> {
        None
    }

    fn told(&mut self) -> Vec<(CallKey, Told)> {
        Vec::new()
    }
}
