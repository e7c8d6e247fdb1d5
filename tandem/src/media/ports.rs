//! The ports of the agents' sound: one for each side of a call, and beside it the one of its reports.

use agent::house::Port;
use core::net::{IpAddr, SocketAddr};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;

/// The ports that are open, and those that may be.
#[derive(Debug)]
pub(super) struct Ports {
    bind: IpAddr,
    told: IpAddr,
    range: RangeInclusive<u16>,
    next: u16,
    open: Vec<Option<Open>>,
    free: Vec<usize>,
    by_port: BTreeMap<Port, usize>,
}

/// One open port, and the one beside it.
#[derive(Debug)]
struct Open {
    port: Port,
    sound: UdpSocket,
    reports: UdpSocket,
}

/// What comes to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Sound (RTP).
    Sound,
    /// Reports (RTCP).
    Reports,
}

/// Ports that are tried for one call: somebody else may have some of them.
const TRIES: usize = 64;

impl Ports {
    pub(super) const fn new(bind: IpAddr, told: IpAddr, range: RangeInclusive<u16>) -> Self {
        let next = *range.start();
        Self { bind, told, range, next, open: Vec::new(), free: Vec::new(), by_port: BTreeMap::new() }
    }

    /// Opens a port, an even one, and the next one (RFC 3550 §11); says the address that the other side is told.
    pub(super) fn open(&mut self, port: Port, registry: &Registry) -> io::Result<SocketAddr> {
        let (mut sound, mut reports, number) = self.bind()?;
        let place = self.free.last().copied().unwrap_or(self.open.len());
        registry.register(&mut sound, token(place, Part::Sound), Interest::READABLE)?;
        registry.register(&mut reports, token(place, Part::Reports), Interest::READABLE)?;
        let open = Some(Open { port, sound, reports });
        match self.free.pop().and_then(|place| self.open.get_mut(place)) {
            Some(slot) => *slot = open,
            None => self.open.push(open),
        }
        self.by_port.insert(port, place);
        Ok(SocketAddr::new(self.told, number))
    }

    pub(super) fn close(&mut self, port: Port, registry: &Registry) {
        let Some(place) = self.by_port.remove(&port) else { return };
        if let Some(mut open) = self.open.get_mut(place).and_then(Option::take) {
            // They are closed in a moment anyway.
            let _ = registry.deregister(&mut open.sound);
            let _ = registry.deregister(&mut open.reports);
        }
        self.free.push(place);
    }

    /// What a token stands for: whose socket, for what, and it.
    pub(super) fn at(&self, token: Token) -> Option<(Port, Part, &UdpSocket)> {
        let open = self.open.get(token.0 / 2)?.as_ref()?;
        let part = if token.0.is_multiple_of(2) { Part::Sound } else { Part::Reports };
        Some((open.port, part, open.socket(part)))
    }

    pub(super) fn socket(&self, port: Port, part: Part) -> Option<&UdpSocket> {
        let place = *self.by_port.get(&port)?;
        self.open.get(place)?.as_ref().map(|open| open.socket(part))
    }

    fn bind(&mut self) -> io::Result<(UdpSocket, UdpSocket, u16)> {
        let mut failed = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            let number = self.next & !1;
            self.next = match number.checked_add(2) {
                Some(next) if next < *self.range.end() => next,
                Some(_) | None => *self.range.start(),
            };
            if number < *self.range.start() {
                continue;
            }
            let bind = |number| UdpSocket::bind(SocketAddr::new(self.bind, number));
            match bind(number).and_then(|sound| Ok((sound, bind(number | 1)?))) {
                Ok((sound, reports)) => return Ok((sound, reports, number)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

impl Open {
    const fn socket(&self, part: Part) -> &UdpSocket {
        match part {
            Part::Sound => &self.sound,
            Part::Reports => &self.reports,
        }
    }
}

/// Each place has two tokens.
const fn token(place: usize, part: Part) -> Token {
    match part {
        Part::Sound => Token(2 * place),
        Part::Reports => Token(2 * place + 1),
    }
}
