//! A stream of bytes to one other side, encrypted or not, from its first packet on.

use crate::tls::Dialling;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use socket2::SockRef;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// The stream of one connection.
#[derive(Debug)]
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Inside TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Opens one, from the address of `from`.
    ///
    /// # Errors
    /// Nobody is there, not in time, or somebody else than was asked for.
    pub async fn connect(from: SocketAddr, to: SocketAddr, with: Option<Dialling>) -> io::Result<Self> {
        let opening = async {
            let stream = connect(from, to).await?;
            tune(&stream);
            let Some((config, name)) = with else { return Ok(Self::Plain(stream)) };
            let stream = TlsConnector::from(config).connect(name, stream).await?;
            Ok(Self::Tls(Box::new(stream.into())))
        };
        match tokio::time::timeout(CONNECT_PATIENCE, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(ErrorKind::TimedOut.into()),
        }
    }

    /// Makes one of a connection that was accepted.
    ///
    /// # Errors
    /// The handshake failed or was not over in time.
    pub async fn accept(stream: TcpStream, with: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        tune(&stream);
        let Some(config) = with else { return Ok(Self::Plain(stream)) };
        match tokio::time::timeout(HANDSHAKE_PATIENCE, TlsAcceptor::from(config).accept(stream)).await {
            Ok(accepted) => Ok(Self::Tls(Box::new(accepted?.into()))),
            Err(_) => Err(ErrorKind::TimedOut.into()),
        }
    }

    /// The certificate that the other side has proven to be its own.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => {
                let shown = stream.get_ref().1.peer_certificates()?.first()?;
                Some(shown.clone().into_owned())
            }
        }
    }
}

async fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !from.ip().is_unspecified() && from.is_ipv4() == to.is_ipv4() {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    socket.connect(to).await
}

/// Both only make waiting shorter: a connection without them works.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_user_timeout(Some(WRITE_PATIENCE));
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into).map(|read| match read {
                // Many close without TLS's own farewell; where a message ends is said by Content-Length.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
                read => read,
            }),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// How long bytes may wait for the other side to take them: by then a call has long moved on.
pub const WRITE_PATIENCE: Duration = Duration::from_secs(5);

const CONNECT_PATIENCE: Duration = Duration::from_secs(4); // Three SYNs, or one and a handshake.
/// How long somebody who connects may take to say who he is.
pub const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10); // A phone on a bad line takes two.
