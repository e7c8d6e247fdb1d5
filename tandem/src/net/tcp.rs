//! The TCP connections of a node: taken, opened, reused, closed.

use super::wire::{self, Wire};
use crate::clock::Clock;
use core::net::SocketAddr;
use core::time::Duration;
use router::{Flow, Path, Transport};
use sip::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What the tasks that own listeners and connections tell the loop.
#[derive(Debug)]
pub enum News {
    /// A connection came in.
    Accepted {
        /// On which listener.
        local: u8,
        /// From whom.
        remote: SocketAddr,
        /// The connection.
        stream: TcpStream,
    },
    /// One whole message came.
    Message {
        /// Where from.
        flow: Flow,
        /// What.
        bytes: Bytes,
    },
    /// A connection is over.
    Closed {
        /// Which.
        connection: u64,
        /// Refused, reset, timed out, or over with messages unsent.
        lost: bool,
    },
}

/// All connections of a node, each with a task of its own. Numbers count up from 1 and are never used again.
#[derive(Debug)]
pub struct Tcp {
    clock: Clock,
    last: u64,
    open: BTreeMap<u64, Connection>,
    outbound: BTreeMap<Path, u64>,
    news: mpsc::Sender<News>,
}

#[derive(Debug)]
struct Connection {
    path: Path,
    outgoing: mpsc::Sender<Bytes>,
    task: AbortHandle,
}

/// There is no way to send this: nobody is there, or somebody who does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable(pub Path);

impl Tcp {
    /// No connections yet; what happens on those to come is told to `news`.
    #[must_use]
    pub fn new(clock: Clock, news: mpsc::Sender<News>) -> Self {
        Self { clock, last: 0, open: BTreeMap::new(), outbound: BTreeMap::new(), news }
    }

    /// How many connections are open or being opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.open.len()
    }

    /// Takes an accepted connection; `None` closes it: there are [`CONNECTIONS_MAX`].
    pub fn accept(&mut self, local: u8, remote: SocketAddr, stream: TcpStream) -> Option<Flow> {
        if self.open.len() >= CONNECTIONS_MAX {
            return None;
        }
        let path = Path { transport: Transport::Tcp, local, remote };
        let (flow, wire, connection) = self.prepare(path);
        let task = tokio::spawn(wire.inbound(stream)).abort_handle();
        self.open.insert(flow.connection, connection(task));
        Some(flow)
    }

    /// Sends a message: along the connection that `flow` names while it is open, else along an open one to that
    /// address that we opened, else along a new one from `from`.
    ///
    /// # Errors
    /// The queue of the connection is full, and it was closed; or there are [`CONNECTIONS_MAX`].
    pub fn send(&mut self, flow: Flow, from: SocketAddr, bytes: Bytes) -> Result<(), Unreachable> {
        let reused = self.outbound.get(&flow.path).copied();
        let mut bytes = bytes;
        for number in [Some(flow.connection), reused].into_iter().flatten() {
            let Some(connection) = self.open.get(&number) else { continue };
            match connection.outgoing.try_send(bytes) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    connection.task.abort();
                    let path = connection.path;
                    self.forget(number);
                    return Err(Unreachable(path));
                }
                // Over, but the news of it is still under way.
                Err(mpsc::error::TrySendError::Closed(unsent)) => bytes = unsent,
            }
        }
        self.open_and_send(flow.path, from, bytes)
    }

    /// A connection's task has ended; says what became unreachable with it.
    ///
    /// # Errors
    /// It did not end in peace.
    pub fn on_closed(&mut self, connection: u64, lost: bool) -> Result<(), Unreachable> {
        match self.forget(connection) {
            Some(path) if lost => Err(Unreachable(path)),
            // Ended in peace, or closed by us and told then.
            Some(_) | None => Ok(()),
        }
    }

    fn open_and_send(&mut self, path: Path, from: SocketAddr, bytes: Bytes) -> Result<(), Unreachable> {
        if self.open.len() >= CONNECTIONS_MAX {
            return Err(Unreachable(path));
        }
        let (flow, wire, connection) = self.prepare(path);
        let task = tokio::spawn(wire.outbound(from)).abort_handle();
        let connection = connection(task);
        // The queue is new and has room for one.
        let queued = connection.outgoing.try_send(bytes).map_err(|_| Unreachable(path));
        self.open.insert(flow.connection, connection);
        self.outbound.insert(path, flow.connection);
        queued
    }

    fn prepare(&mut self, path: Path) -> (Flow, Wire, impl FnOnce(AbortHandle) -> Connection + use<>) {
        self.last += 1;
        let flow = Flow { path, connection: self.last };
        let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
        let wire = Wire::new(flow, self.clock, self.news.clone(), queue);
        (flow, wire, move |task| Connection { path, outgoing, task })
    }

    fn forget(&mut self, number: u64) -> Option<Path> {
        let path = self.open.remove(&number)?.path;
        if self.outbound.get(&path) == Some(&number) {
            self.outbound.remove(&path);
        }
        Some(path)
    }
}

/// Connections at once, in and out: a large business has hundreds of phones, and each costs a file descriptor and a
/// few kilobytes.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Messages that wait for one connection. A peer that lets more pile up does not read.
pub const OUTGOING_MAX: usize = 256;

/// Binds a listener. To be called inside the runtime.
///
/// # Errors
/// The address is taken, not ours or not allowed: nothing is bound.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of the last run may still linger on the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts for ever and tells of each connection. Without file descriptors it waits a little and tries again.
pub async fn accept_all(listener: TcpListener, local: u8, news: mpsc::Sender<News>) {
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                failing = false;
                if news.send(News::Accepted { local, remote, stream }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !failing && !wire::is_peers_fault(&error) {
                    failing = true;
                    tracing::warn!("cannot accept TCP connections: {error}; trying again every 100 ms");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

const BACKLOG: i32 = 1024; // All phones of a large office after a power cut.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100); // Ten tries a second cost nothing.
