//! Keep-alives: who is pinged, and who is dead.

use crate::pair::{Edge, OK, options};
use core::time::Duration;
use router::path::Loss;
use router::{Event, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Only [`pass`] lets time pass from here on.
fn stop_time() {
    tokio::time::pause();
    // A runtime that is never idle does not move its clock by itself.
    tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
}

/// Lets time pass, and then what is on its way arrive. Timers are late by a millisecond.
async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds) + Duration::from_millis(5)).await;
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
}

async fn connected(planned: bool) -> (Edge, TcpStream) {
    let peer = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let at = peer.local_addr().expect("it is bound");
    let mut node = Edge::new(Transport::Tcp, "127.0.0.1:0");
    if planned {
        node.expects(at, "127.0.0.1");
    }
    assert!(node.sends(at, &options("h")).is_empty());
    let (mut stream, _) = peer.accept().await.expect("it connects");
    let mut request = vec![0; options("h").len()];
    stream.read_exact(&mut request).await.expect("the request");
    stream.write_all(OK.as_bytes()).await.expect("it is open");
    assert_eq!(node.hears_message().await.0, "200");
    (node, stream)
}

fn read(stream: &TcpStream) -> Vec<u8> {
    let mut read = vec![0; 64];
    let length = stream.try_read(&mut read).unwrap_or_default();
    read.truncate(length);
    read
}

#[tokio::test]
async fn a_peer_that_has_answered_a_ping_is_dead_ten_seconds_after_it_stops() {
    let (mut node, mut peer) = connected(true).await;
    stop_time();
    pass(30).await;
    assert_eq!(read(&peer), b"\r\n\r\n");
    peer.write_all(b"\r\n").await.expect("it is open");
    pass(29).await;
    assert_eq!(read(&peer), b"");
    pass(1).await;
    assert_eq!(read(&peer), b"\r\n\r\n");
    pass(9).await;
    assert_eq!(node.net.connections(), 1);
    pass(2).await;
    let lost = node.hears().await;
    assert!(matches!(lost, Event::Lost { loss: Loss::Stalled, .. }), "{lost:?}");
    assert_eq!(node.net.connections(), 0);
}

#[tokio::test]
async fn a_peer_that_never_answers_pings_keeps_its_connection() {
    let (mut node, mut peer) = connected(true).await;
    stop_time();
    for _ in 0..3 {
        pass(30).await;
        assert_eq!(read(&peer), b"\r\n\r\n");
    }
    peer.write_all(options("h").as_bytes()).await.expect("it is open");
    assert_eq!(node.hears_message().await.0, "OPTIONS");
}

#[tokio::test]
async fn nobody_pings_an_address_that_is_not_in_the_plan() {
    let (_node, peer) = connected(false).await;
    stop_time();
    pass(100).await;
    assert_eq!(read(&peer), b"");
}
