//! Loopback addresses that one test has for itself, so that all tests run side by side.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::net::UdpSocket;

/// A street of houses: addresses with ports, each good for UDP and TCP.
#[derive(Debug)]
pub(crate) struct Street {
    place: Place,
    /// Whoever holds this socket has the street, also against other runs of these tests.
    _sign: UdpSocket,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// A network of the 65,536 in 127.0.0.0/8; a house is an address.
    Network(u8, u8),
    /// `::1` has no other addresses; a house is a port behind this one.
    Ports(u16),
}

/// The house of the node under test.
pub(crate) const TANDEM: u8 = 1;

/// The house of whoever calls.
pub(crate) const CALLER: u8 = 2;

impl Street {
    /// A free street.
    pub(crate) fn new() -> Self {
        Self::lease(|n| {
            let byte = |n: usize| u8::try_from(1 + n % 250).unwrap_or(1);
            Place::Network(byte(n / 250), byte(n))
        })
    }

    /// A free street in IPv6; `None` if this machine has none.
    pub(crate) fn ipv6() -> Option<Self> {
        UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).ok()?;
        Some(Self::lease(|n| Place::Ports(u16::try_from(10_000 + n % 500 * 20).unwrap_or(10_000))))
    }

    /// The address of a house, 1 to 19.
    pub(crate) fn house(&self, number: u8) -> SocketAddr {
        match self.place {
            Place::Network(high, low) => (Ipv4Addr::new(127, high, low, number), PORT).into(),
            Place::Ports(first) => (Ipv6Addr::LOCALHOST, first + u16::from(number)).into(),
        }
    }

    fn lease(place: impl Fn(usize) -> Place) -> Self {
        // Another run begins elsewhere.
        let start = usize::try_from(std::process::id()).unwrap_or(0) * 37;
        for _ in 0..TRIES {
            let place = place(start + STREETS.fetch_add(1, Ordering::Relaxed));
            let sign: SocketAddr = match place {
                Place::Network(high, low) => (Ipv4Addr::new(127, high, low, 250), PORT).into(),
                Place::Ports(first) => (Ipv6Addr::LOCALHOST, first).into(),
            };
            if let Ok(sign) = UdpSocket::bind(sign) {
                return Self { place, _sign: sign };
            }
        }
        unreachable!("all {TRIES} streets are taken");
    }
}

static STREETS: AtomicUsize = AtomicUsize::new(0);

/// Not 5060, where a machine may have a PBX of its own; not one of those that the kernel gives away.
const PORT: u16 = 15_060;

const TRIES: usize = 200;
