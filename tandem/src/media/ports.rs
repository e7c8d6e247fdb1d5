//! The ports of the agents' sound: one for each side of a call.

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

/// One open port.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) port: Port,
    pub(super) socket: UdpSocket,
}

/// Ports that are tried for one call: somebody else may have some of them.
const TRIES: usize = 64;

impl Ports {
    pub(super) const fn new(bind: IpAddr, told: IpAddr, range: RangeInclusive<u16>) -> Self {
        let next = *range.start();
        Self { bind, told, range, next, open: Vec::new(), free: Vec::new(), by_port: BTreeMap::new() }
    }

    /// Opens a port, an even one (RFC 3550 §11); says the address that the other side is told.
    pub(super) fn open(&mut self, port: Port, registry: &Registry) -> io::Result<SocketAddr> {
        let (mut socket, number) = self.bind()?;
        let place = self.free.pop().unwrap_or(self.open.len());
        registry.register(&mut socket, Token(place), Interest::READABLE)?;
        if place == self.open.len() {
            self.open.push(None);
        }
        if let Some(slot) = self.open.get_mut(place) {
            *slot = Some(Open { port, socket });
        }
        self.by_port.insert(port, place);
        Ok(SocketAddr::new(self.told, number))
    }

    pub(super) fn close(&mut self, port: Port, registry: &Registry) {
        let Some(place) = self.by_port.remove(&port) else { return };
        if let Some(mut open) = self.open.get_mut(place).and_then(Option::take) {
            // It is closed in a moment anyway.
            let _ = registry.deregister(&mut open.socket);
        }
        self.free.push(place);
    }

    pub(super) fn at(&self, token: Token) -> Option<&Open> {
        self.open.get(token.0)?.as_ref()
    }

    pub(super) fn socket(&self, port: Port) -> Option<&UdpSocket> {
        let place = *self.by_port.get(&port)?;
        self.open.get(place)?.as_ref().map(|open| &open.socket)
    }

    fn bind(&mut self) -> io::Result<(UdpSocket, u16)> {
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
            match UdpSocket::bind(SocketAddr::new(self.bind, number)) {
                Ok(socket) => return Ok((socket, number)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}
