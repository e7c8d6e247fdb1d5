//! All sockets of a node: events come out of them, bytes go in.

pub mod connections;
pub mod listen;
pub mod stream;
pub mod udp;
pub mod wire;

use crate::clock::Clock;
use crate::media::Media;
use crate::tls::{Expected, Tls};
use connections::{Connections, Lost, News};
use core::fmt;
use core::future::poll_fn;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::pin::{Pin, pin};
use core::task::Poll;
use router::path::Loss;
use router::roads::Roads;
use router::streams::DATAGRAM_MAX;
use router::{Event, Flow, Path, Plan, Transport};
use sip::Bytes;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::Arc;
use tokio::sync::mpsc;
use udp::{BATCH_MAX, Heard, Rest, Sent, Udp};

/// All sockets of a node, in the order of its listeners.
#[derive(Debug)]
pub struct Net {
    sockets: Vec<Socket>,
    connections: Connections,
    /// The agents of this process.
    media: Option<Media>,
    sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    /// Taken from `news` while waiting, not yet looked at.
    held: Option<News>,
    heard: Vec<Heard>,
    counts: Counts,
}

/// What went through the sockets since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams and framed messages that came.
    pub received: u64,
    /// Keep-alives and binary junk among datagrams: dropped unparsed.
    pub noise: u64,
    /// Datagrams and messages handed to the kernel or to a connection.
    pub sent: u64,
    /// Datagrams of those that are longer than they should be: no stream leads there.
    pub long: u64,
    /// Datagrams that the kernel had no room for.
    pub lost: u64,
    /// Times that the network said that nobody is there.
    pub unreachable: u64,
    /// Connections that were closed at once: there were too many, or no certificate to show.
    pub turned_away: u64,
}

/// Why a listening address cannot be used.
#[derive(Debug)]
pub struct BindError {
    /// Transport.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

#[derive(Debug)]
enum Socket {
    Udp(Udp),
    Stream(Transport, SocketAddr),
    /// To the agents of this process.
    Inside(SocketAddr),
}

impl Net {
    /// Binds all of these, in this order; at most 255. Connections are numbered behind `last`. To be called inside the
    /// runtime.
    ///
    /// # Errors
    /// The first that cannot be bound.
    pub fn bind(listen: &[(Transport, SocketAddr)], clock: Clock, last: u32) -> Result<Self, BindError> {
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let mut sockets = Vec::new();
        for (place, &(transport, address)) in (0..=u8::MAX).zip(listen) {
            let failed = |error| BindError { transport, address, error };
            sockets.push(match transport {
                Transport::Udp => Socket::Udp(Udp::bind(address).map_err(failed)?),
                Transport::Inside => Socket::Inside(address),
                Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                    let listener = listen::bind(address).map_err(failed)?;
                    let bound = listener.local_addr().map_err(failed)?;
                    tokio::spawn(listen::accept_all(listener, place, sender.clone()));
                    Socket::Stream(transport, bound)
                }
            });
        }
        let connections = Connections::new(clock, u64::from(last), sender.clone());
        let (media, held, heard, counts) = (None, None, Vec::new(), Counts::default());
        Ok(Self { sockets, connections, media, sender, news, held, heard, counts })
    }

    /// The bound addresses, with the ports that the kernel chose for port 0.
    pub fn addresses(&self) -> impl Iterator<Item = (Transport, SocketAddr)> {
        self.sockets.iter().map(Socket::address)
    }

    /// What agents of this process say goes by this; `false` if there is no room for it now.
    pub fn listen_inside(&self) -> impl Fn(Flow, Bytes) -> bool + Send + use<> {
        let sender = self.sender.clone();
        move |flow, bytes| sender.try_send(News::Message { flow, bytes }).is_ok()
    }

    /// What is sent to agents of this process goes there.
    pub fn speak_inside(&mut self, media: Media) {
        self.media = Some(media);
    }

    /// Speaks with the agents of this process no more.
    pub const fn take_media(&mut self) -> Option<Media> {
        self.media.take()
    }

    /// The agents of this process, if it has any.
    #[must_use]
    pub const fn media(&self) -> Option<&Media> {
        self.media.as_ref()
    }

    /// The least receive buffer that a UDP socket was granted, in bytes; `None` without UDP.
    #[must_use]
    pub fn receive_buffer(&self) -> Option<usize> {
        let granted = |socket: &Socket| match socket {
            Socket::Udp(udp) => udp.receive_buffer().ok(),
            Socket::Stream(..) | Socket::Inside(_) => None,
        };
        self.sockets.iter().filter_map(granted).min()
    }

    /// What went through so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Connections that are open or being opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The peers of the plan that are at an address of a stream now: connections to them are kept alive, and inside TLS
    /// they have to be who they are.
    pub fn expect(&mut self, expected: BTreeMap<Path, Vec<Expected>>) {
        self.connections.expect(expected);
    }

    /// Handshakes from now on are made with this.
    pub fn renew(&mut self, tls: Arc<Tls>) {
        self.connections.renew(tls);
    }

    /// Waits until [`receive`](Self::receive) has something. May be cancelled.
    pub async fn ready(&mut self) {
        if self.held.is_some() {
            return;
        }
        tokio::select! {
            () = any_ready(&self.sockets) => (),
            // Never `None`: `connections` holds a sender.
            news = self.news.recv() => self.held = news,
        }
    }

    /// Pushes what has come, a bounded batch from each socket and from all connections together; says whether there
    /// may be more.
    pub fn receive(&mut self, out: &mut Vec<Event>) -> Rest {
        let mut heard = core::mem::take(&mut self.heard);
        let mut rest = Rest::None;
        for place in 0..self.sockets.len() {
            if let Some(Socket::Udp(udp)) = self.sockets.get_mut(place) {
                rest = rest.max(udp.receive(&mut heard));
                self.translate(place, &mut heard, out);
            }
        }
        self.heard = heard;
        for _ in 0..BATCH_MAX {
            let Some(news) = self.held.take().or_else(|| self.news.try_recv().ok()) else { return rest };
            self.on_news(news, out);
        }
        Rest::Some
    }

    /// Sends bytes. What becomes known to be unreachable by that is pushed to `out`.
    pub fn send(&mut self, flow: Flow, bytes: Bytes, out: &mut Vec<Event>) {
        let place = usize::from(flow.path.local);
        match self.sockets.get(place) {
            Some(Socket::Udp(udp)) => {
                let mut heard = core::mem::take(&mut self.heard);
                match udp.send(flow.path.remote, &bytes, &mut heard) {
                    Sent::Yes => {
                        self.counts.sent += 1;
                        self.counts.long += u64::from(bytes.len() > DATAGRAM_MAX);
                    }
                    Sent::Lost => self.counts.lost += 1,
                    Sent::Unreachable => heard.push(Heard::Unreachable(flow.path.remote)),
                }
                self.translate(place, &mut heard, out);
                self.heard = heard;
            }
            Some(Socket::Stream(_, address)) => match self.connections.send(flow, *address, bytes) {
                Ok(()) => self.counts.sent += 1,
                Err(loss) => self.on_loss(loss, out),
            },
            Some(Socket::Inside(_))
                if self.media.as_ref().is_some_and(|media| media.say(flow.path, bytes)) => {}
            Some(Socket::Inside(_)) | None => self.on_loss((flow.path, Loss::Unreachable), out),
        }
    }

    fn translate(&mut self, place: usize, heard: &mut Vec<Heard>, out: &mut Vec<Event>) {
        let local = u8::try_from(place).unwrap_or(u8::MAX);
        let path = |remote| Path { transport: Transport::Udp, local, remote };
        for heard in heard.drain(..) {
            match heard {
                Heard::Datagram { from, bytes } => {
                    self.counts.received += 1;
                    out.push(Event::Received { flow: Flow { path: path(from), connection: 0 }, bytes });
                }
                Heard::Noise => self.counts.noise += 1,
                Heard::Unreachable(remote) => self.on_loss((path(remote), Loss::Unreachable), out),
            }
        }
    }

    fn on_news(&mut self, news: News, out: &mut Vec<Event>) {
        match news {
            News::Accepted(accepted) => {
                let listener = self.sockets.get(usize::from(accepted.local));
                let transport = listener.map_or(Transport::Tcp, |socket| socket.address().0);
                if !self.connections.accept(transport, accepted) {
                    self.counts.turned_away += 1;
                }
            }
            News::Opened { connection } => self.connections.on_opened(connection),
            News::Message { flow, bytes } => {
                self.counts.received += 1;
                self.connections.on_message(flow.connection);
                out.push(Event::Received { flow, bytes });
            }
            News::Alias { connection, port, certificate } => {
                self.connections.on_alias(connection, port, &certificate);
            }
            News::Closed { connection, end } => {
                if let Err(loss) = self.connections.on_closed(connection, &end) {
                    self.on_loss(loss, out);
                }
            }
        }
    }

    fn on_loss(&mut self, (path, loss): Lost, out: &mut Vec<Event>) {
        if loss != Loss::Closed {
            self.counts.unreachable += 1;
        }
        out.push(Event::Lost { path, loss });
    }
}

impl Socket {
    fn address(&self) -> (Transport, SocketAddr) {
        match self {
            Self::Udp(udp) => (Transport::Udp, udp.address()),
            Self::Stream(transport, address) => (*transport, *address),
            Self::Inside(address) => (Transport::Inside, *address),
        }
    }
}

/// Says what to do, too.
impl fmt::Display for BindError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, address, error } = self;
        write!(out, "cannot listen on {} {address}: {error}; ", transport.in_uri())?;
        let kind = error.kind();
        out.write_str(if kind == ErrorKind::AddrInUse {
            "another program has this port: stop it, or change `listen` in [node]"
        } else if kind == ErrorKind::AddrNotAvailable {
            "this machine does not have that address: change `listen` in [node]"
        } else if kind == ErrorKind::PermissionDenied {
            "ports below 1024 need CAP_NET_BIND_SERVICE: grant it, or change `listen` in [node]"
        } else {
            "change `listen` in [node]"
        })
    }
}

/// Which peers of a plan are at which address of a stream, as far as their names are known.
#[must_use]
pub fn expected(plan: &Plan, roads: &Roads) -> BTreeMap<Path, Vec<Expected>> {
    let mut found = BTreeMap::<Path, Vec<Expected>>::new();
    for (peer, path) in roads.all(plan).filter(|(_, path)| path.transport.is_reliable()) {
        let expected = Expected { peer: Arc::clone(&peer.name), host: peer.host.clone() };
        found.entry(path).or_default().push(expected);
    }
    found
}

/// Can this be bound now? Leaves nothing behind. To be called inside the runtime.
///
/// # Errors
/// Why not.
pub fn try_bind(transport: Transport, address: SocketAddr) -> Result<(), BindError> {
    let bound = match transport {
        Transport::Udp => Udp::bind(address).map(|_| ()),
        Transport::Inside => Ok(()),
        Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => listen::bind(address).map(|_| ()),
    };
    bound.map_err(|error| BindError { transport, address, error })
}

/// The address that peers see, for a listener on `[::]` or `0.0.0.0`: the one of the way to the world. Sends nothing.
///
/// # Errors
/// There is no way to the world.
pub fn outgoing_address(bound: IpAddr) -> io::Result<IpAddr> {
    // Any address outside would do; these are for documentation and belong to nobody (RFC 5737, RFC 3849).
    let (from, world): (IpAddr, IpAddr) = match bound {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        IpAddr::V6(_) => {
            (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
        }
    };
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect((world, 9))?;
    Ok(socket.local_addr()?.ip())
}

/// What connections may have told before the loop looks: sixteen batches.
const NEWS_MAX: usize = 1024;

async fn any_ready(sockets: &[Socket]) {
    let udp = sockets.iter().filter_map(|socket| match socket {
        Socket::Udp(udp) => Some(udp),
        Socket::Stream(..) | Socket::Inside(_) => None,
    });
    let mut waits: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for socket in udp {
        waits.push(Box::pin(socket.ready()));
    }
    let all = poll_fn(|cx| match waits.iter_mut().any(|wait| wait.as_mut().poll(cx).is_ready()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    pin!(all).await;
}
