//! Listening for connections.

use super::connections::News;
use core::net::SocketAddr;
use core::time::Duration;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A connection that came in.
#[derive(Debug)]
pub struct Accepted {
    /// On which listener.
    pub local: u8,
    /// From whom.
    pub remote: SocketAddr,
    /// The connection.
    pub stream: TcpStream,
}

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
                if news.send(News::Accepted(Accepted { local, remote, stream })).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !failing && !is_peers_fault(&error) {
                    failing = true;
                    tracing::warn!("cannot accept connections: {error}; trying again every 100 ms");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Is this an error of the connection that was to be accepted, and of no other?
fn is_peers_fault(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

const BACKLOG: i32 = 1024; // All phones of a large office after a power cut.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100); // Ten tries a second cost nothing.
