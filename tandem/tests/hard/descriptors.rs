//! More TCP connections than file descriptors: calls over UDP go on, nothing spins, and room that comes back is used.

use crate::crowd::{Crowd, Tally};
use crate::desk::{Desk, Manner};
use crate::node::Node;
use crate::pass;
use crate::patience::until;
use crate::street::{CALLER, Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

/// It takes calls over TCP alone.
const STREAM: u8 = 12;

const DESCRIPTORS: u32 = 128;
const CONNECTIONS: usize = 200;

/// A number whose plan begins with an office over TCP.
const OTHER: &str = "+15035550101";

#[test]
fn with_more_connections_than_descriptors_calls_over_udp_go_on() {
    let street = Street::new();
    let (office, stream, callers) = (street.house(OFFICE), street.house(STREAM), street.house(CALLER).ip());
    let plan = format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\noffice = {{ sip = \"{office}\", networks = \"{callers}\" }}\nstream = \"sip:{stream};transport=tcp\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n\"{OTHER}\" = \"other\"\n\
        [plans]\nmain = [\"office\"]\nother = [\"stream\", \"office\"]\n"
    );
    let _answers = Desk::open(office, Manner::Answers(Duration::ZERO));
    let _listens = TcpListener::bind(stream).expect("the house is ours");
    let node = Node::start_with(&street, &plan, Some(DESCRIPTORS));
    let at = street.house(TANDEM);
    let open: Vec<TcpStream> =
        (0..CONNECTIONS).map(|_| TcpStream::connect(at).expect("the backlog has room")).collect();
    node.logs("cannot accept connections");
    assert!(is_served(&open[0], at), "one that was taken is served");

    let calls = Tally::of(&Crowd::new(&street, CALLER).call(NUMBER, 40, Duration::from_millis(25)));
    println!("with {CONNECTIONS} connections and {DESCRIPTORS} descriptors: {calls}");
    assert_eq!((calls.answered, calls.hung_up), (40, 40), "{calls}");
    assert!(calls.answer.1 < Duration::from_secs(1), "{calls}");

    // No descriptor for a connection to the first office: that costs no time.
    let calls = Tally::of(&Crowd::new(&street, CALLER).call(OTHER, 1, Duration::ZERO));
    println!("a call whose first office takes TCP: {calls}; {:?}", node.calls().last());
    assert_eq!(calls.hung_up, 1, "{calls}");
    assert!(calls.answer.1 < Duration::from_millis(500), "{calls}");

    let before = node.processor();
    pass(Duration::from_secs(2));
    let used = node.processor() - before;
    println!("processor time in two idle seconds: {used:?}");
    assert!(used < Duration::from_millis(200), "it spins: {used:?}");

    drop(open);
    let served = || TcpStream::connect(at).is_ok_and(|stream| is_served(&stream, at)).then_some(());
    until("a new connection is served", served, || node.log());
}

/// Is an OPTIONS on this connection answered?
fn is_served(mut stream: &TcpStream, at: SocketAddr) -> bool {
    let options = format!(
        "OPTIONS sip:{at} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
        From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:{at}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout can be set");
    let mut answer = [0; 11];
    stream.write_all(options.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer == *b"SIP/2.0 200"
}
