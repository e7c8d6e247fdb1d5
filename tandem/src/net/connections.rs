//! The connections of a node: taken, opened, reused, closed.

use super::listen::Accepted;
use super::wire::{Order, Wire};
use crate::clock::Clock;
use crate::tls::{Dialling, Expected, Tls};
use core::net::SocketAddr;
use router::path::Loss;
use router::{Flow, Path, Transport};
use sip::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// What the tasks that own listeners and connections tell the loop.
#[derive(Debug)]
pub enum News {
    /// A connection came in.
    Accepted(Accepted),
    /// A connection that we opened is there, and its other side is who it should be.
    Opened {
        /// Which.
        connection: u64,
    },
    /// One whole message came.
    Message {
        /// Where from.
        flow: Flow,
        /// What.
        bytes: Bytes,
    },
    /// The other side of a connection that it opened wants requests to that port of it along the same connection
    /// (RFC 5923), and shows who it is.
    Alias {
        /// Which.
        connection: u64,
        /// Its port.
        port: u16,
        /// Its certificate, whose key it has.
        certificate: CertificateDer<'static>,
    },
    /// A connection is over.
    Closed {
        /// Which.
        connection: u64,
        /// How.
        end: End,
    },
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It never was: why not.
    NeverOpened(String),
    /// The other side no longer took what was sent, or no longer answered our pings.
    Silent,
    /// The other side closed or reset it, or we closed it after a long silence or a stream that makes no sense.
    Closed,
}

/// A path, and what became of it.
pub type Lost = (Path, Loss);

/// All connections of a node, each with a task of its own. A number is never used again.
#[derive(Debug)]
pub struct Connections {
    clock: Clock,
    last: u64,
    open: BTreeMap<u64, Connection>,
    /// Which one requests on a path go over: one that we opened, or one that its peer has offered for it.
    outbound: BTreeMap<Path, u64>,
    /// Which one came from an address.
    inbound: BTreeMap<Path, u64>,
    /// Those that came and have not said anything yet, the oldest first.
    strangers: BTreeSet<u64>,
    news: mpsc::Sender<News>,
    tls: Arc<Tls>,
    /// Who of the plan is at an address, and who was there before it changed: for calls that began then.
    expected: [BTreeMap<Path, Vec<Expected>>; 2],
    /// Where a connection failed last time; it has been said.
    failing: BTreeSet<Path>,
}

#[derive(Debug)]
struct Connection {
    path: Path,
    /// The path whose requests went over it from some time on.
    carries: Option<Path>,
    orders: mpsc::Sender<Order>,
    task: AbortHandle,
}

impl Connections {
    /// No connections yet; what happens on those to come is told to `news`. Numbers count up behind `last`: from
    /// elsewhere after each start, so that what names one of the last run names none of this one.
    #[must_use]
    pub fn new(clock: Clock, last: u64, news: mpsc::Sender<News>) -> Self {
        Self {
            clock,
            last,
            open: BTreeMap::new(),
            outbound: BTreeMap::new(),
            inbound: BTreeMap::new(),
            strangers: BTreeSet::new(),
            news,
            tls: Arc::new(Tls::none()),
            expected: Default::default(),
            failing: BTreeSet::new(),
        }
    }

    /// How many connections are open or being opened.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The peers of the plan that are at an address of a stream now.
    pub fn expect(&mut self, expected: BTreeMap<Path, Vec<Expected>>) {
        if self.expected[0] != expected {
            self.expected[1] = core::mem::replace(&mut self.expected[0], expected);
        }
    }

    /// Handshakes from now on are made with this. If it differs from before, new requests go over new connections;
    /// those that are open go on with what belongs to them, and end when they are quiet.
    pub fn renew(&mut self, tls: Arc<Tls>) {
        let same = self.tls.is_same(&tls);
        self.tls = tls;
        if same {
            return;
        }
        let open = &mut self.open;
        self.outbound.retain(|path, number| {
            if path.transport.is_secure()
                && let Some(connection) = open.get_mut(number)
            {
                connection.carries = None;
                // One whose queue is full is closed by the next message.
                let _ = connection.orders.try_send(Order::Retire);
            }
            !path.transport.is_secure()
        });
    }

    /// Takes an accepted connection; `false` closes it: there are [`CONNECTIONS_MAX`], or there is no certificate.
    /// Among too many that say nothing the oldest gives way.
    pub fn accept(&mut self, transport: Transport, accepted: Accepted) -> bool {
        let Accepted { local, remote, stream } = accepted;
        let with = match transport {
            Transport::Udp | Transport::Tcp | Transport::Ws | Transport::Inside => Ok(None),
            Transport::Tls => self.tls.server().ok_or(()).map(Some),
            Transport::Wss => self.tls.web().ok_or(()).map(Some),
        };
        let Ok(with) = with.map(Option::<&Arc<_>>::cloned) else { return false };
        if self.strangers.len() >= STRANGERS_MAX
            && let Some(oldest) = self.strangers.pop_first()
        {
            self.abort(oldest);
        }
        if self.open.len() >= CONNECTIONS_MAX {
            return false;
        }
        let path = Path { transport, local, remote };
        let (wire, number, orders) = self.prepare(path);
        let task = tokio::spawn(wire.inbound(stream, with)).abort_handle();
        self.open.insert(number, Connection { path, carries: None, orders, task });
        self.inbound.insert(path, number);
        self.strangers.insert(number);
        true
    }

    /// A whole message came by this connection.
    pub fn on_message(&mut self, connection: u64) {
        self.strangers.remove(&connection);
    }

    /// A connection that we opened is there.
    pub fn on_opened(&mut self, connection: u64) {
        if let Some(connection) = self.open.get(&connection)
            && self.failing.remove(&connection.path)
        {
            tracing::info!("connected to {} again", Shown(connection.path));
        }
    }

    /// Requests to a port of the other side may go over the connection that it opened, if the plan has a peer there
    /// and this is its certificate (RFC 5923 §5).
    pub fn on_alias(&mut self, number: u64, port: u16, certificate: &CertificateDer<'_>) {
        let Some(connection) = self.open.get_mut(&number) else { return };
        let there = Path { remote: SocketAddr::new(connection.path.remote.ip(), port), ..connection.path };
        let proven = self.expected[0].get(&there).is_some_and(|all| self.tls.prove(certificate, all));
        if proven && !self.outbound.contains_key(&there) {
            connection.carries = Some(there);
            self.outbound.insert(there, number);
            tracing::debug!("requests to {} go over the connection that it opened", Shown(there));
        }
    }

    /// Sends a message: along the connection that `flow` names while it is open, else along an open one to that
    /// address, else along a new one from `from`.
    ///
    /// # Errors
    /// The queue of the connection is full, and it was closed; or there can be no new one.
    pub fn send(&mut self, flow: Flow, from: SocketAddr, bytes: Bytes) -> Result<(), Lost> {
        let path = flow.path;
        let named = Some(flow.connection).filter(|number| self.speaks(*number, path.transport));
        let came = self.inbound.get(&path).copied().filter(|_| may_go_back(path.transport, &bytes));
        let mut order = Order::Send(bytes);
        for number in [named, self.outbound.get(&path).copied(), came].into_iter().flatten() {
            let Some(connection) = self.open.get(&number) else { continue };
            match connection.orders.try_send(order) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    let loss = self.loss_of(number, &End::Silent);
                    self.abort(number);
                    return Err(loss.unwrap_or((path, Loss::Unreachable)));
                }
                // Over, but the news of it is still under way.
                Err(mpsc::error::TrySendError::Closed(unsent)) => order = unsent,
            }
        }
        self.open_and_send(path, from, order)
    }

    /// A connection's task has ended; says what is lost with it.
    ///
    /// # Errors
    /// Something is.
    pub fn on_closed(&mut self, number: u64, end: &End) -> Result<(), Lost> {
        let loss = self.loss_of(number, end);
        if let (Some(connection), End::NeverOpened(why)) = (self.open.get(&number), end)
            && self.failing.len() < CONNECTIONS_MAX
            && self.failing.insert(connection.path)
        {
            tracing::warn!("cannot connect to {}: {why}", Shown(connection.path));
        }
        self.forget(number);
        loss.map_or(Ok(()), Err)
    }

    /// Is it open, and of this kind? Whose it is was said with it: the address of a caller behind NAT is another one, and
    /// what names a connection of another node, or of a run before, names none here.
    fn speaks(&self, number: u64, transport: Transport) -> bool {
        self.open.get(&number).is_some_and(|connection| connection.path.transport == transport)
    }

    /// What is lost if this connection ends so.
    fn loss_of(&self, number: u64, end: &End) -> Option<Lost> {
        let connection = self.open.get(&number)?;
        match (connection.carries, end) {
            (Some(path), End::NeverOpened(_)) => Some((path, Loss::Unreachable)),
            (Some(path), End::Closed) => Some((path, Loss::Closed)),
            (Some(path), End::Silent) => Some((path, Loss::Stalled)),
            (None, End::Silent) => Some((connection.path, Loss::Unreachable)),
            // One that came and ended, or a retired one: nothing waits for it.
            (None, End::NeverOpened(_) | End::Closed) => None,
        }
    }

    fn open_and_send(&mut self, path: Path, from: SocketAddr, order: Order) -> Result<(), Lost> {
        // A path to nowhere was for one connection alone, and that is gone.
        if self.open.len() >= CONNECTIONS_MAX || path.remote.ip().is_unspecified() {
            return Err((path, Loss::Unreachable));
        }
        let with = match self.dialling(path) {
            Ok(with) => with,
            Err(why) => {
                if self.failing.len() < CONNECTIONS_MAX && self.failing.insert(path) {
                    tracing::warn!("cannot connect to {}: {why}", Shown(path));
                }
                return Err((path, Loss::Unreachable));
            }
        };
        let keep = self.expected[0].contains_key(&path);
        let (wire, number, orders) = self.prepare(path);
        let task = tokio::spawn(wire.outbound(from, with, keep)).abort_handle();
        // The queue is new and has room for one.
        let queued = orders.try_send(order).map_err(|_| (path, Loss::Unreachable));
        self.open.insert(number, Connection { path, carries: Some(path), orders, task });
        self.outbound.insert(path, number);
        queued
    }

    /// How a new connection there is opened: inside TLS with those whom the plan has at this very address, else with those
    /// whom it has at another port of this machine: a Contact may name one.
    fn dialling(&self, path: Path) -> Result<Option<Dialling>, String> {
        match path.transport {
            Transport::Udp | Transport::Tcp | Transport::Inside => return Ok(None),
            // RFC 7118 §5.3: only the client opens it.
            Transport::Ws | Transport::Wss => return Err("its WebSocket is gone".to_owned()),
            Transport::Tls => {}
        }
        let exact = self.expected.iter().find_map(|all| all.get(&path));
        let near = || {
            let all = self.expected[0].iter();
            let near =
                |other: &Path| other.transport == Transport::Tls && other.remote.ip() == path.remote.ip();
            all.filter(|(other, _)| near(other)).map(|(_, there)| there).next()
        };
        let there = exact.or_else(near).map(Vec::as_slice).unwrap_or_default();
        self.tls.dialling(there).map(Some).map_err(|error| error.to_string())
    }

    fn prepare(&mut self, path: Path) -> (Wire, u64, mpsc::Sender<Order>) {
        self.last += 1;
        let (orders, queue) = mpsc::channel(OUTGOING_MAX);
        let flow = Flow { path, connection: self.last };
        (Wire::new(flow, self.clock, self.news.clone(), queue), self.last, orders)
    }

    fn abort(&mut self, number: u64) {
        if let Some(connection) = self.open.get(&number) {
            connection.task.abort();
        }
        self.forget(number);
    }

    fn forget(&mut self, number: u64) {
        let Some(connection) = self.open.remove(&number) else { return };
        self.strangers.remove(&number);
        for index in [&mut self.outbound, &mut self.inbound] {
            for path in [Some(connection.path), connection.carries].into_iter().flatten() {
                if index.get(&path) == Some(&number) {
                    index.remove(&path);
                }
            }
        }
    }
}

/// May this go along a connection that came from the very address it goes to? A response may. A request may where
/// nothing but the address says who is there; inside TLS its other side has to have proven it (RFC 5923 §8.2).
fn may_go_back(transport: Transport, bytes: &[u8]) -> bool {
    transport == Transport::Tcp || bytes.starts_with(b"SIP/2.0 ")
}

/// A path for people.
struct Shown(Path);

impl core::fmt::Display for Shown {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "{}:{}", self.0.transport.in_uri(), self.0.remote)
    }
}

/// Connections at once, in and out: a large business has some thousand phones, and each costs a file descriptor and
/// a few kilobytes.
pub const CONNECTIONS_MAX: usize = 20_000;

/// Connections at once that have not said anything yet, half-open handshakes among them. All phones of a large office
/// that come back together are fewer, or have said something a moment later.
pub const STRANGERS_MAX: usize = 2_000;

/// Messages that wait for one connection. A peer that lets more pile up does not read.
pub const OUTGOING_MAX: usize = 256;
