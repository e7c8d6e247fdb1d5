//! The edge against the operating system: loopback sockets on ports that the kernel chooses, and a data directory.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use core::net::SocketAddr;
use core::time::Duration;
use router::path::Loss;
use router::{Event, Flow, Path, Transport};
use sip::Bytes;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use tandem::clock::Clock;
use tandem::key;
use tandem::net::Net;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const OPTIONS: &str = "OPTIONS sip:tandem SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\n\
    From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:tandem>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(5);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

/// Everything that comes until there are `count` events.
async fn events(net: &mut Net, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let all = async {
        while events.len() < count {
            net.ready().await;
            net.receive(&mut events);
        }
    };
    in_time(all).await;
    events
}

fn bind(transport: Transport, address: &str) -> (Net, SocketAddr) {
    let listen = [(transport, address.parse().expect("an address"))];
    let net = Net::bind(&listen, Clock::start(), 0).expect("the loopback has a free port");
    let address = net.addresses().next().expect("one listener").1;
    (net, address)
}

fn flow(transport: Transport, remote: SocketAddr) -> Flow {
    Flow { path: Path { transport, local: 0, remote }, connection: 0 }
}

fn messages(events: &[Event]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    for event in events {
        if let Event::Received { bytes, .. } = event {
            messages.push(&**bytes);
        }
    }
    messages
}

fn closed_udp_port(address: &str) -> SocketAddr {
    UdpSocket::bind(address).and_then(|socket| socket.local_addr()).expect("a free port")
}

async fn nobody_is_there(transport: Transport, address: &str, remote: SocketAddr) {
    let (mut net, _) = bind(transport, address);
    let mut at_once = Vec::new();
    let clock = Clock::start();
    net.send(flow(transport, remote), Bytes::from(OPTIONS.as_bytes()), &mut at_once);
    let mut heard = at_once;
    if heard.is_empty() {
        heard = events(&mut net, 1).await;
    }
    let took = clock.now().since(sip::Time::ZERO);
    assert!(
        matches!(heard[..], [Event::Lost { path, loss: Loss::Unreachable }] if path == flow(transport, remote).path),
        "{heard:?}"
    );
    assert!(took < Duration::from_millis(50), "took {took:?}");
}

#[tokio::test]
async fn a_closed_udp_port_is_heard_of_within_50_ms() {
    nobody_is_there(Transport::Udp, "127.0.0.1:0", closed_udp_port("127.0.0.1:0")).await;
}

#[tokio::test]
async fn a_closed_udp_port_is_heard_of_over_ipv6_too() {
    nobody_is_there(Transport::Udp, "[::1]:0", closed_udp_port("[::1]:0")).await;
}

#[tokio::test]
async fn a_closed_port_is_heard_of_by_a_socket_on_all_addresses() {
    nobody_is_there(Transport::Udp, "0.0.0.0:0", closed_udp_port("127.0.0.1:0")).await;
}

#[tokio::test]
async fn a_refused_tcp_connection_is_heard_of_within_50_ms() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let remote = listener.local_addr().expect("it is bound");
    drop(listener);
    nobody_is_there(Transport::Tcp, "127.0.0.1:0", remote).await;
}

#[tokio::test]
async fn an_error_of_one_datagram_does_not_cost_the_next() {
    let (mut net, _) = bind(Transport::Udp, "127.0.0.1:0");
    let dead = closed_udp_port("127.0.0.1:0");
    let live = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    live.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let to_live = flow(Transport::Udp, live.local_addr().expect("it is bound"));
    let mut heard = Vec::new();
    for _ in 0..20 {
        net.send(flow(Transport::Udp, dead), Bytes::from(&b"to nobody"[..]), &mut heard);
        net.send(to_live, Bytes::from(&b"to somebody"[..]), &mut heard);
        let mut buffer = [0; 64];
        let length = live.recv(&mut buffer).expect("the datagram comes");
        assert_eq!(&buffer[..length], b"to somebody");
    }
    if heard.len() < 20 {
        heard.extend(events(&mut net, 20 - heard.len()).await);
    }
    let all_dead = heard
        .iter()
        .all(|event| matches!(event, Event::Lost { path, loss: Loss::Unreachable } if path.remote == dead));
    assert!(all_dead && heard.len() == 20, "{heard:?}");
}

#[tokio::test]
async fn datagrams_come_with_their_sender_and_keep_alives_do_not_come() {
    let (mut net, address) = bind(Transport::Udp, "127.0.0.1:0");
    let phone = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    for bytes in [&b"\r\n\r\n"[..], b"", b"\0\0\0\0", OPTIONS.as_bytes()] {
        phone.send_to(bytes, address).expect("loopback");
    }
    let heard = events(&mut net, 1).await;
    let [Event::Received { flow: from, bytes }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*from, flow(Transport::Udp, phone.local_addr().expect("it is bound")));
    assert_eq!(**bytes, *OPTIONS.as_bytes());
    assert_eq!(net.counts().noise, 3);
}

#[tokio::test]
async fn more_datagrams_than_a_batch_all_come() {
    let (mut net, address) = bind(Transport::Udp, "127.0.0.1:0");
    let phone = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let sent: Vec<String> = (0..200).map(|n| format!("OPTIONS {n}")).collect();
    for text in &sent {
        phone.send_to(text.as_bytes(), address).expect("loopback");
    }
    let heard = events(&mut net, 200).await;
    let sent: Vec<&[u8]> = sent.iter().map(String::as_bytes).collect();
    assert_eq!(messages(&heard), sent);
}

#[tokio::test]
async fn a_tcp_message_that_comes_byte_by_byte_and_two_that_come_at_once_are_whole() {
    let (mut net, address) = bind(Transport::Tcp, "127.0.0.1:0");
    let mut phone = tokio::net::TcpStream::connect(address).await.expect("loopback");
    let client = async {
        for byte in OPTIONS.as_bytes() {
            phone.write_all(core::slice::from_ref(byte)).await.expect("the connection is open");
            tokio::task::yield_now().await;
        }
        phone.write_all(format!("{OPTIONS}{OPTIONS}").as_bytes()).await.expect("the connection is open");
        phone
    };
    let (phone, heard) = tokio::join!(client, events(&mut net, 3));
    assert_eq!(messages(&heard), [OPTIONS.as_bytes(); 3]);
    let local = phone.local_addr().expect("it is connected");
    for event in &heard {
        let Event::Received { flow: from, .. } = event else { panic!("{event:?}") };
        assert_eq!(*from, Flow { path: flow(Transport::Tcp, local).path, connection: 1 });
    }
}

#[tokio::test]
async fn a_tcp_response_goes_back_along_its_connection_and_pings_are_answered() {
    let (mut net, address) = bind(Transport::Tcp, "127.0.0.1:0");
    let mut phone = tokio::net::TcpStream::connect(address).await.expect("loopback");
    phone.write_all(format!("\r\n\r\n{OPTIONS}").as_bytes()).await.expect("the connection is open");
    let heard = events(&mut net, 1).await;
    let [Event::Received { flow: from, .. }] = heard[..] else { panic!("{heard:?}") };
    let mut failed = Vec::new();
    net.send(from, Bytes::from(&b"SIP/2.0 200 OK\r\n\r\n"[..]), &mut failed);
    let mut answer = [0; 20];
    in_time(phone.read_exact(&mut answer)).await.expect("20 bytes");
    assert_eq!(&answer, b"\r\nSIP/2.0 200 OK\r\n\r\n");
    assert!(failed.is_empty());
}

#[tokio::test]
async fn one_connection_carries_all_messages_to_an_address_and_their_answers() {
    let peer = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let to = flow(Transport::Tcp, peer.local_addr().expect("it is bound"));
    let (mut net, _) = bind(Transport::Tcp, "127.0.0.1:0");
    let mut failed = Vec::new();
    net.send(to, Bytes::from(&b"one "[..]), &mut failed);
    net.send(to, Bytes::from(&b"two"[..]), &mut failed);
    let (mut stream, _) = in_time(peer.accept()).await.expect("it connects");
    let mut both = [0; 7];
    in_time(stream.read_exact(&mut both)).await.expect("seven bytes");
    assert_eq!(&both, b"one two");
    stream.write_all(OPTIONS.as_bytes()).await.expect("the connection is open");
    let heard = events(&mut net, 1).await;
    let [Event::Received { flow: from, .. }] = heard[..] else { panic!("{heard:?}") };
    assert_eq!(from, Flow { path: to.path, connection: 1 });
    assert_eq!((failed.len(), net.connections()), (0, 1));
}

#[tokio::test]
async fn a_connection_that_is_reset_or_closed_is_told_so() {
    for linger in [Some(Duration::ZERO), None] {
        let peer = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let to = flow(Transport::Tcp, peer.local_addr().expect("it is bound"));
        let (mut net, _) = bind(Transport::Tcp, "127.0.0.1:0");
        let mut heard = Vec::new();
        net.send(to, Bytes::from(&b"one"[..]), &mut heard);
        let (mut stream, _) = in_time(peer.accept()).await.expect("it connects");
        in_time(stream.read_exact(&mut [0; 3])).await.expect("three bytes");
        socket2::SockRef::from(&stream).set_linger(linger).expect("lingering can be set");
        drop(stream);
        let gone = async {
            while net.connections() > 0 {
                net.ready().await;
                net.receive(&mut heard);
            }
        };
        in_time(gone).await;
        assert!(
            matches!(heard[..], [Event::Lost { path, loss: Loss::Closed }] if path == to.path),
            "{heard:?}"
        );
    }
}

#[tokio::test]
async fn a_message_for_a_closed_connection_opens_a_new_one() {
    let peer = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let path = flow(Transport::Tcp, peer.local_addr().expect("it is bound")).path;
    let (mut net, _) = bind(Transport::Tcp, "127.0.0.1:0");
    net.send(Flow { path, connection: 77 }, Bytes::from(&b"late"[..]), &mut Vec::new());
    let (mut stream, _) = in_time(peer.accept()).await.expect("it connects");
    let mut late = [0; 4];
    in_time(stream.read_exact(&mut late)).await.expect("four bytes");
    assert_eq!(&late, b"late");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_told_and_costs_nobody_else() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = flow(Transport::Tcp, peer.local_addr().expect("it is bound"));
    let (mut net, _) = bind(Transport::Tcp, "127.0.0.1:0");
    let large = Bytes::from(vec![b'x'; 60_000]);
    let mut heard = Vec::new();
    for _ in 0..2_000 {
        net.send(to, large.clone(), &mut heard);
        if !heard.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(matches!(heard[..], [Event::Lost { path, loss: Loss::Stalled }] if path == to.path), "{heard:?}");
    assert_eq!(net.connections(), 0);
}

#[tokio::test]
async fn a_request_without_a_length_is_answered_400_and_the_connection_closed() {
    let (mut net, address) = bind(Transport::Tcp, "127.0.0.1:0");
    let mut phone = tokio::net::TcpStream::connect(address).await.expect("loopback");
    let vague = OPTIONS.replace("Content-Length: 0\r\n", "") + "and what is this?";
    phone.write_all(vague.as_bytes()).await.expect("the connection is open");
    let mut answer = String::new();
    let all = async {
        tokio::select! {
            read = phone.read_to_string(&mut answer) => read,
            () = async { loop { net.ready().await; net.receive(&mut Vec::new()); } } => unreachable!(),
        }
    };
    in_time(all).await.expect("closed in order");
    assert!(answer.starts_with("SIP/2.0 400 ") && answer.contains("z9hG4bK1"), "{answer}");
}

#[tokio::test]
async fn messages_ahead_of_bytes_that_cannot_be_framed_get_their_answers() {
    let (mut net, address) = bind(Transport::Tcp, "127.0.0.1:0");
    let mut phone = tokio::net::TcpStream::connect(address).await.expect("loopback");
    let stray = format!("{OPTIONS}{OPTIONS}stray\r\n\r\n");
    phone.write_all(stray.as_bytes()).await.expect("the connection is open");
    let heard = events(&mut net, 2).await;
    assert_eq!(messages(&heard), [OPTIONS.as_bytes(); 2]);
    let mut failed = Vec::new();
    for event in &heard {
        let Event::Received { flow: from, .. } = event else { panic!("{event:?}") };
        net.send(*from, Bytes::from(&b"SIP/2.0 200 OK\r\n\r\n"[..]), &mut failed);
    }
    let mut answers = String::new();
    in_time(phone.read_to_string(&mut answers)).await.expect("closed in order");
    assert_eq!(answers, "SIP/2.0 200 OK\r\n\r\n".repeat(2));
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let error =
        Net::bind(&[(Transport::Udp, address)], Clock::start(), 0).expect_err("it is taken").to_string();
    let start = format!("cannot listen on udp {address}: ");
    assert!(error.starts_with(&start) && error.ends_with("change `listen` in [node]"), "{error}");
}

#[test]
fn the_seal_key_is_made_once_for_its_owner_alone_and_kept() {
    let data = std::env::temp_dir().join(format!("tandem-key-{}", std::process::id()));
    let made = key::load_or_make(&data.join("deep")).expect("a new directory");
    let again = key::load_or_make(&data.join("deep")).expect("the same directory");
    let other = key::load_or_make(&data.join("other")).expect("another directory");
    assert_eq!(made, again);
    assert_ne!(made.bytes, other.bytes);
    let mode = std::fs::metadata(&made.file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!made.exposed);
    let files = std::fs::read_dir(data.join("deep")).expect("it is there").count();
    assert_eq!(files, 1, "no draft is left behind");

    std::fs::write(&made.file, "not a key\n").expect("it is ours");
    let error = key::load_or_make(&data.join("deep")).expect_err("it is no key").to_string();
    assert!(error.contains("seal.key is not a key of 32 hexadecimal digits"), "{error}");
    std::fs::remove_dir_all(&data).expect("it is ours");
}

#[tokio::test]
async fn connections_of_strangers_who_say_nothing_do_not_delay_others() {
    let (mut net, address) = bind(Transport::Tcp, "127.0.0.1:0");
    let mut silent = Vec::new();
    for _ in 0..150 {
        silent.push(TcpStream::connect(address).expect("the backlog has room"));
    }
    let mut phone = tokio::net::TcpStream::connect(address).await.expect("loopback");
    phone.write_all(OPTIONS.as_bytes()).await.expect("the connection is open");
    let clock = Clock::start();
    assert_eq!(messages(&events(&mut net, 1).await), [OPTIONS.as_bytes()]);
    let took = clock.now().since(sip::Time::ZERO);
    assert!(took < Duration::from_millis(50), "took {took:?}");
    assert_eq!(net.connections(), 151);
}
