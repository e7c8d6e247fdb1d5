//! One OPTIONS to one address of a peer, and what comes back.

use super::PATIENCE;
use crate::clock::Clock;
use crate::key::chance;
use crate::net::outgoing_address;
use crate::net::stream::Stream;
use crate::tls::{Expected, Tls};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use router::Transport;
use router::locate::Spot;
use router::own::Own;
use router::path::Listener;
use router::seal::{Kind, Seal};
use router::slots::Slot;
use router::target::Peer;
use sip::{Message, Time};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) after: Duration,
    /// What was changed on the way of what only we write.
    pub(super) changed: Option<&'static str>,
    /// Where it was seen to come from, if it said so.
    pub(super) seen_from: Option<IpAddr>,
}

/// Asks, and waits for two seconds.
pub(super) async fn ask(peer: &Peer, spot: Spot, tls: &Arc<Tls>) -> Result<Heard, String> {
    let asking = async {
        if spot.transport == Transport::Udp {
            by_datagrams(peer, spot).await
        } else {
            by_stream(peer, spot, tls).await
        }
    };
    match timeout(PATIENCE, asking).await {
        Ok(heard) => heard.map_err(|error| why(&error)),
        Err(_) => Err(format!("no answer to OPTIONS in {} s", PATIENCE.as_secs())),
    }
}

fn why(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        "nobody listens there".into()
    } else if error.kind() == io::ErrorKind::TimedOut {
        "no connection in time".into()
    } else {
        error.to_string()
    }
}

async fn by_datagrams(peer: &Peer, spot: Spot) -> io::Result<Heard> {
    let any: IpAddr =
        if spot.address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(spot.address).await?;
    let (request, sent) = written(peer, spot, socket.local_addr()?)?;
    let resending = async {
        for pause in RESENT {
            // What the network says of it is heard by whoever receives.
            let _ = socket.send(&request).await;
            sleep(pause).await;
        }
        core::future::pending::<io::Error>().await
    };
    let receiving = async {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            let length = socket.recv(&mut buffer).await?;
            let text: sip::Bytes = buffer.get(..length).unwrap_or_default().into();
            if let Some(heard) = heard(&request, text, sent) {
                return Ok(heard);
            }
        }
    };
    tokio::select! {
        error = resending => Err(error),
        heard = receiving => heard,
    }
}

async fn by_stream(peer: &Peer, spot: Spot, tls: &Tls) -> io::Result<Heard> {
    let any: IpAddr =
        if spot.address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let own = outgoing_address(any).unwrap_or(any);
    let with = if spot.transport.is_secure() {
        let there = [Expected { peer: Arc::clone(&peer.name), host: peer.host.clone() }];
        Some(tls.dialling(&there).map_err(io::Error::other)?)
    } else {
        None
    };
    let mut stream = Stream::connect(SocketAddr::new(any, 0), spot.address, with).await?;
    let (request, sent) = written(peer, spot, SocketAddr::new(own, spot.transport.default_port()))?;
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut text = Vec::new();
    while text.len() < DATAGRAM_MAX {
        if stream.read_buf(&mut text).await? == 0 {
            return Err(io::Error::other("it has closed the connection without an answer"));
        }
        // An answer to OPTIONS has seldom a body; what it has is not read.
        if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: sip::Bytes = text.get(..end + 4).unwrap_or_default().into();
            if let Some(heard) = heard(&request, head, sent) {
                return Ok(heard);
            }
            text.drain(..end + 4);
        }
    }
    Err(io::Error::other("what it says is no answer"))
}

/// The request as a probe of the node says it.
fn written(peer: &Peer, spot: Spot, from: SocketAddr) -> io::Result<(sip::Bytes, Clock)> {
    let uri = String::from_utf8_lossy(&peer.uri(b"")).into_owned();
    let leaves = Listener {
        transport: spot.transport,
        address: from,
        advertise: (from.ip().to_string(), from.port()),
    };
    let number = u64::from_ne_bytes(chance()?);
    let mut own = Own {
        kind: Kind::Probe,
        method: "OPTIONS",
        to: uri.clone(),
        uri,
        from: None,
        call_id: format!("{number:016x}@doctor"),
        tag: number,
        tries: 0,
        said: 0,
    };
    let text = own.write(Slot { place: 0, generation: 0 }, &leaves, &Seal::new(chance()?), b"");
    Ok((text, Clock::start()))
}

/// What an answer says; `None` for what is none to this request.
fn heard(request: &[u8], text: sip::Bytes, sent: Clock) -> Option<Heard> {
    let (asked, answer) = (Message::parse(request.into()).ok()?, Message::parse(text).ok()?);
    let status = answer.status().filter(|status| *status >= 200)?;
    let (ours, theirs) = (asked.top_via()?, answer.top_via()?);
    let sent_by = ours.port == theirs.port && format!("{:?}", ours.host) == format!("{:?}", theirs.host);
    let changed = if asked.call_id() != answer.call_id() {
        Some("Call-ID")
    } else if ours.branch() != theirs.branch() || !sent_by {
        Some("Via")
    } else {
        None
    };
    let received = theirs.params.value("received").and_then(|it| core::str::from_utf8(it).ok()?.parse().ok());
    Some(Heard { status, after: sent.now().since(Time::ZERO), changed, seen_from: received })
}

/// Pauses after each copy: T1, and twice that (RFC 3261 §17.1.2.2).
const RESENT: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
const DATAGRAM_MAX: usize = 65_536; // More than IP can carry.
