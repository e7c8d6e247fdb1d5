//! The least that anything between two SIP peers can do: each datagram that comes at the front goes to the peer behind, each that comes at the
//! back goes to whoever spoke last at the front. What it costs is the kernel's: FRONT BACK PEER single|batch.

use core::net::SocketAddr;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt, sockopt};
use std::io::{IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, AsRawFd as _};

/// The argument that makes this program that process.
pub(crate) const WORD: &str = "--forward";

pub(crate) fn run(words: &[String]) {
    let [front, back, peer, how] = words else { unreachable!("FRONT BACK PEER single|batch") };
    let bind = |address: &str| {
        let socket = UdpSocket::bind(address).expect("the address is free");
        socket.set_nonblocking(true).expect("a socket");
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &(16 << 20));
        socket
    };
    let (front, back) = (bind(front), bind(back));
    let peer: SocketAddr = peer.parse().expect("an address");
    let mut caller = peer;
    let pass = if how == "batch" { batch } else { single };
    loop {
        let mut ends = [&front, &back].map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        poll(&mut ends, PollTimeout::NONE).expect("it waits");
        if let Some(from) = pass(&front, &back, peer) {
            caller = from;
        }
        pass(&back, &front, caller);
    }
}

/// One datagram a call of the system.
fn single(from: &UdpSocket, to: &UdpSocket, peer: SocketAddr) -> Option<SocketAddr> {
    let mut buffer = [0; SIZE];
    let mut last = None;
    for _ in 0..BATCH {
        let Ok((length, sender)) = from.recv_from(&mut buffer) else { return last };
        last = Some(sender);
        let _ = to.send_to(buffer.get(..length).unwrap_or_default(), peer);
    }
    last
}

/// As many as have come.
fn batch(from: &UdpSocket, to: &UdpSocket, peer: SocketAddr) -> Option<SocketAddr> {
    let mut buffers = vec![[0_u8; SIZE]; BATCH];
    let mut parts: Vec<[IoSliceMut<'_>; 1]> =
        buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    let flags = MsgFlags::MSG_DONTWAIT;
    let came = recvmmsg(from.as_raw_fd(), &mut headers, parts.iter_mut(), flags, None).ok()?;
    let came: Vec<(usize, Option<SockaddrIn>)> =
        came.map(|message| (message.bytes, message.address)).collect();
    let last = came.last().and_then(|(_, address)| *address)?;
    let SocketAddr::V4(peer) = peer else { return None };
    let slices: Vec<[IoSlice<'_>; 1]> = came
        .iter()
        .zip(&buffers)
        .map(|((length, _), buffer)| [IoSlice::new(buffer.get(..*length).unwrap_or_default())])
        .collect();
    let to_whom = vec![Some(SockaddrIn::from(peer)); slices.len()];
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(slices.len(), None);
    let _ = sendmmsg(to.as_raw_fd(), &mut headers, slices.iter(), &to_whom, [], flags);
    Some(core::net::SocketAddrV4::new(last.ip(), last.port()).into())
}

const BATCH: usize = 32;
const SIZE: usize = 4096;
