//! One UDP socket: datagrams in and out, and what the network says about those that found nobody.

use core::net::SocketAddr;
use nix::errno::Errno;
use nix::libc::{sock_extended_err, sockaddr_in6};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use sip::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One bound UDP socket.
#[derive(Debug)]
pub struct Udp {
    socket: AsyncFd<UdpSocket>,
    address: SocketAddr,
    buffer: Box<[u8]>,
}

/// What a socket has for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A datagram.
    Datagram {
        /// Who sent it.
        from: SocketAddr,
        /// What it holds.
        bytes: Bytes,
    },
    /// A keep-alive or plain noise: nothing to parse, nothing to answer.
    Noise,
    /// The network says that nobody is there for what we sent to this address.
    Unreachable(SocketAddr),
}

/// What a batch has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rest {
    /// Nothing.
    None,
    /// The batch was full: perhaps more.
    Some,
}

/// What became of a datagram that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The kernel has it.
    Yes,
    /// The kernel's buffer is full, or the datagram is longer than one can be: lost, as any datagram may be.
    Lost,
    /// There is no way to that address.
    Unreachable,
}

impl Udp {
    /// Binds a socket; `[::]` takes IPv6 alone. To be called inside the runtime.
    ///
    /// # Errors
    /// The address is taken, not ours or not allowed: nothing is bound.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        match address {
            SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?,
            SocketAddr::V6(_) => {
                socket.set_only_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
            }
        }
        // Past the kernel's limit only with CAP_NET_ADMIN; without it, as much as the limit allows.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        let address = socket.local_addr()?;
        let socket = watched(socket)?;
        Ok(Self { socket, address, buffer: vec![0; DATAGRAM_MAX].into_boxed_slice() })
    }

    /// The address it is bound to, with the port that the kernel chose for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes of datagrams the kernel keeps until they are read; 4 MB are asked for.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn receive_buffer(&self) -> io::Result<usize> {
        // The kernel reports twice what may be used: the other half is its own bookkeeping (socket(7)).
        Ok(socket2::SockRef::from(self.socket.get_ref()).recv_buffer_size()? / 2)
    }

    /// Waits until [`receive`](Self::receive) has something. May be cancelled.
    pub async fn ready(&self) {
        if self.socket.ready(Interest::READABLE | Interest::ERROR).await.is_err() {
            // Only while the runtime shuts down.
            core::future::pending::<()>().await;
        }
    }

    /// Pushes what has come, errors first, at most [`BATCH_MAX`] of each; says whether there may be more datagrams.
    pub fn receive(&mut self, out: &mut Vec<Heard>) -> Rest {
        for _ in 0..BATCH_MAX {
            match self.socket.try_io(Interest::ERROR, next_error) {
                Ok(Some(address)) => out.push(Heard::Unreachable(address)),
                Ok(None) => (),
                Err(_) => break,
            }
        }
        for _ in 0..BATCH_MAX {
            let buffer = &mut self.buffer;
            match self.socket.try_io(Interest::READABLE, |socket| socket.recv_from(buffer)) {
                Ok((length, from)) => out.push(heard(plain(from), buffer.get(..length).unwrap_or_default())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Rest::None,
                // The error of an earlier datagram: what it was about is in the error queue.
                Err(_) => self.drain_errors(out),
            }
        }
        Rest::Some
    }

    /// Sends a datagram. An error that an *earlier* datagram left behind does not cost this one; what it was about is
    /// pushed to `out`.
    pub fn send(&self, to: SocketAddr, bytes: &[u8], out: &mut Vec<Heard>) -> Sent {
        for _ in 0..SEND_TRIES {
            let Err(error) = self.socket.get_ref().send_to(bytes, to) else { return Sent::Yes };
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN | Errno::ENOBUFS | Errno::EMSGSIZE) => return Sent::Lost,
                _ => self.drain_errors(out),
            }
        }
        Sent::Unreachable
    }

    fn drain_errors(&self, out: &mut Vec<Heard>) {
        for _ in 0..BATCH_MAX {
            match next_error(self.socket.get_ref()) {
                Ok(Some(address)) => out.push(Heard::Unreachable(address)),
                Ok(None) => (),
                Err(_) => return,
            }
        }
    }
}

/// Datagrams taken at once: enough to spare wake-ups, few enough that a deadline is never late by more than a
/// millisecond or two.
pub const BATCH_MAX: usize = 64;

/// Bytes of datagrams that may wait: half a second of 8,000 INVITEs per second.
pub const RECEIVE_BUFFER: usize = 4 << 20;

const DATAGRAM_MAX: usize = 65_536; // More than IP can carry.
const SEND_TRIES: usize = 2; // The second one shows whether the error was of this datagram.

/// Registers the socket without interest in room for sending: tokio's own UDP socket would wake up for each datagram
/// that has left.
#[expect(
    deprecated,
    reason = "sound for a type that owns its descriptor; the replacement is an unsafe function"
)]
fn watched(socket: UdpSocket) -> io::Result<AsyncFd<UdpSocket>> {
    AsyncFd::with_interest(socket, Interest::READABLE | Interest::ERROR)
}

/// Takes one entry of the error queue; `None` for one that says nothing about who is there.
fn next_error(socket: &UdpSocket) -> io::Result<Option<SocketAddr>> {
    let mut start = [0; 1]; // The start of our own datagram: of no interest.
    let mut parts = [IoSliceMut::new(&mut start)];
    let mut control = nix::cmsg_space!(sock_extended_err, sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let nobody = message.cmsgs()?.any(|part| {
        if let ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) = part
        {
            is_unreachable(&error)
        } else {
            false
        }
    });
    Ok(message.address.filter(|_| nobody).and_then(address_of))
}

/// ICMP 3 but for code 4, a packet too big; ICMPv6 1 (RFC 792, RFC 4443 §3.1).
fn is_unreachable(error: &sock_extended_err) -> bool {
    const ORIGIN_ICMP: u8 = 2;
    const ORIGIN_ICMP6: u8 = 3;
    match (error.ee_origin, error.ee_type, error.ee_code) {
        (ORIGIN_ICMP, 3, code) => code != 4,
        (ORIGIN_ICMP6, 1, _) => true,
        _ => false,
    }
}

fn address_of(storage: SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::from((v4.ip(), v4.port())));
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddrV6::new(v6.ip(), v6.port(), 0, v6.scope_id()).into())
}

/// Without flow label, so that one peer is one address; the scope stays, link-local addresses need it.
fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
    }
}

/// A SIP message begins with a graphic character, line ends before it aside (RFC 3261 §7.5): keep-alives (CRLF, NUL,
/// STUN) and binary junk are told by a look at the first bytes.
fn heard(from: SocketAddr, bytes: &[u8]) -> Heard {
    let first = bytes.iter().find(|byte| !matches!(byte, b'\r' | b'\n'));
    if first.is_some_and(u8::is_ascii_graphic) {
        Heard::Datagram { from, bytes: Bytes::from(bytes) }
    } else {
        Heard::Noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_alives_and_binary_junk_are_noise() {
        let from = SocketAddr::from(([192, 0, 2, 1], 5060));
        for noise in [&b""[..], b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b"\x00\x01\x00\x00!\x12\xa4B", b"\xff\xfe"]
        {
            assert_eq!(heard(from, noise), Heard::Noise, "{noise:?}");
        }
        for kept in [&b"OPTIONS sip:a SIP/2.0\r\n"[..], b"\r\nSIP/2.0 200 OK\r\n", b"!odd"] {
            assert_eq!(heard(from, kept), Heard::Datagram { from, bytes: Bytes::from(kept) });
        }
    }
}
