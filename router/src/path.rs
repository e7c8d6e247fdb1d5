//! Where messages come from and go to: transports, paths, connections, our listeners.

use core::net::{IpAddr, SocketAddr};

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams; lost ones are sent again by the transactions.
    Udp,
    /// A stream, framed by Content-Length.
    Tcp,
    /// The same stream, inside TLS.
    Tls,
    /// WebSocket, one message a frame (RFC 7118).
    Ws,
    /// The same, inside TLS.
    Wss,
    /// To and from the agents of this process: nothing is lost, nobody listens in, no socket.
    Inside,
}

impl Transport {
    /// All of them, in the order of their names in this list.
    pub const ALL: [Self; 6] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss, Self::Inside];

    /// Its name in a Via (RFC 3261 §20.42, RFC 7118 §5.2): upper case.
    #[must_use]
    pub const fn in_via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Inside => "INSIDE",
        }
    }

    /// Its name in a `transport` parameter (RFC 3261 §19.1.1) and in the plan file: lower case.
    #[must_use]
    pub const fn in_uri(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Inside => "inside",
        }
    }

    /// The transport of this name, in whatever case; `None` for one that is not spoken here.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|one| name.eq_ignore_ascii_case(one.in_uri().as_bytes()))
    }

    /// What a URI gets appended to say so: nothing for UDP, which needs no saying.
    #[must_use]
    pub const fn as_param(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
            Self::Ws => ";transport=ws",
            Self::Wss => ";transport=wss",
            Self::Inside => ";transport=inside",
        }
    }

    /// The port that is meant where none is written (RFC 3261 §19.1.2, RFC 6455 §3).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp | Self::Inside => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// Does it send again what is lost? What leaves a stream for datagrams has to be sent again by us.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss | Self::Inside => true,
        }
    }

    /// Is a connection of this kind ours to open? A WebSocket is opened by who registers here or calls (RFC 7118 §5.3); to
    /// who is inside there is none.
    #[must_use]
    pub const fn can_be_opened(self) -> bool {
        !self.is_web() && !self.is_inside()
    }

    /// Does it lead to an agent of this process?
    #[must_use]
    pub const fn is_inside(self) -> bool {
        matches!(self, Self::Inside)
    }

    /// Is it a WebSocket?
    #[must_use]
    pub const fn is_web(self) -> bool {
        match self {
            Self::Udp | Self::Tcp | Self::Tls | Self::Inside => false,
            Self::Ws | Self::Wss => true,
        }
    }

    /// Is it encrypted?
    #[must_use]
    pub const fn is_secure(self) -> bool {
        match self {
            Self::Udp | Self::Tcp | Self::Ws | Self::Inside => false,
            Self::Tls | Self::Wss => true,
        }
    }

    /// The same, encrypted: what `sips:` makes of it (RFC 3261 §26.2.2).
    #[must_use]
    pub const fn secured(self) -> Self {
        match self {
            Self::Udp | Self::Tcp | Self::Tls => Self::Tls,
            Self::Ws | Self::Wss => Self::Wss,
            Self::Inside => Self::Inside,
        }
    }
}

/// One way to a peer: from one of our listeners to an address. Health is kept per path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// Transport.
    pub transport: Transport,
    /// Which of our listeners, by its place in the node's list.
    pub local: u8,
    /// The other side.
    pub remote: SocketAddr,
}

/// A path, and for a stream the connection on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The path.
    pub path: Path,
    /// Which connection, numbered by the edge from 1; 0 for datagrams and for "any, open one if there is none".
    pub connection: u64,
}

/// What became of the way to the other side of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The network says that nothing listens there: ICMP unreachable, connection refused; or there is somebody else than
    /// should be. All that waits for a first answer on this path fails now.
    Unreachable,
    /// The connection that requests on this path went over was closed or reset by the other side. What waits for an
    /// answer is sent once more, over a new connection; if there is none to be had, [`Unreachable`](Self::Unreachable)
    /// follows, and then what had been answered provisionally fails too.
    Closed,
    /// The connection that requests on this path went over no longer answers: nothing was acknowledged for seconds, or a
    /// keep-alive had no answer. All that waits for an answer fails now, what rings too.
    Stalled,
}

/// One of a node's listening addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Transport.
    pub transport: Transport,
    /// The address it is bound to.
    pub address: SocketAddr,
    /// What peers are told: written into Via and Record-Route. A host name or an address, and the port.
    pub advertise: (String, u16),
}

impl Listener {
    /// Every transport, from every address and for agents: for a node that is only thought about.
    #[must_use]
    pub fn everywhere() -> Vec<Self> {
        let any = [SocketAddr::from(([0; 4], 5060)), SocketAddr::from(([0_u16; 8], 5060))];
        let listener = |transport, address| Self { transport, address, advertise: (String::new(), 5060) };
        let both = |address| Transport::ALL.map(|transport| listener(transport, address));
        any.into_iter().flat_map(both).collect()
    }
}

/// The first of our listeners that speaks this transport and this address family.
#[must_use]
pub fn listener_for(listeners: &[Listener], transport: Transport, to: IpAddr) -> Option<u8> {
    let fits =
        |listener: &Listener| listener.transport == transport && listener.address.is_ipv4() == to.is_ipv4();
    listeners.iter().position(fits).and_then(|place| u8::try_from(place).ok())
}

/// The stream to the same address beside this path of datagrams, if we have a listener to open it from.
#[must_use]
pub fn stream_beside(path: Path, listeners: &[Listener]) -> Option<Path> {
    let local = listener_for(listeners, Transport::Tcp, path.remote.ip())?;
    (path.transport == Transport::Udp).then_some(Path { transport: Transport::Tcp, local, ..path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport_is_found_by_its_names_and_says_how_to_be_reached() {
        let shape = |one: Transport| {
            assert_eq!(Transport::named(one.in_via().as_bytes()), Some(one));
            (
                one.in_uri(),
                one.as_param(),
                one.default_port(),
                one.is_reliable(),
                one.is_secure(),
                one.secured(),
            )
        };
        let (tls, wss) = (Transport::Tls, Transport::Wss);
        let expected = [
            ("udp", "", 5060, false, false, tls),
            ("tcp", ";transport=tcp", 5060, true, false, tls),
            ("tls", ";transport=tls", 5061, true, true, tls),
            ("ws", ";transport=ws", 80, true, false, wss),
            ("wss", ";transport=wss", 443, true, true, wss),
            ("inside", ";transport=inside", 5060, true, false, Transport::Inside),
        ];
        assert_eq!(Transport::ALL.map(shape), expected);
        assert_eq!(Transport::named(b"sctp"), None);
    }
}
