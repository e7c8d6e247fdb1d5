//! An edge, and what it hears.

use core::net::SocketAddr;
use core::time::Duration;
use router::target::PeerHost;
use router::{Event, Flow, Path, Transport};
use sip::Bytes;
use std::sync::Arc;
use tandem::clock::Clock;
use tandem::net::Net;
use tandem::tls::{Expected, Tls};

/// One edge with one listener.
pub(crate) struct Edge {
    pub(crate) net: Net,
    pub(crate) at: SocketAddr,
    transport: Transport,
}

impl Edge {
    /// Listens on this address, on any port.
    pub(crate) fn new(transport: Transport, address: &str) -> Self {
        let listen = [(transport, address.parse().expect("an address"))];
        let net = Net::bind(&listen, Clock::start(), 0).expect("loopback has a free port");
        let at = net.addresses().next().expect("one listener").1;
        Self { net, at, transport }
    }

    /// The same, with TLS.
    pub(crate) fn secure(address: &str, tls: Arc<Tls>) -> Self {
        let mut edge = Self::new(Transport::Tls, address);
        edge.net.renew(tls);
        edge
    }

    /// The path to another edge.
    pub(crate) fn path(&self, to: SocketAddr) -> Path {
        Path { transport: self.transport, local: 0, remote: to }
    }

    /// The plan has its peer there, by this host.
    pub(crate) fn expects(&mut self, there: SocketAddr, host: &str) {
        let host = host.parse().map_or_else(|_| PeerHost::Name(host.into()), PeerHost::Ip);
        let path = self.path(there);
        self.net.expect([(path, vec![Expected { peer: "peer".into(), host }])].into());
    }

    /// Sends a message to an address.
    pub(crate) fn sends(&mut self, to: SocketAddr, text: &str) -> Vec<Event> {
        let mut lost = Vec::new();
        let flow = Flow { path: self.path(to), connection: 0 };
        self.net.send(flow, Bytes::from(text.as_bytes()), &mut lost);
        lost
    }

    /// Sends a message along a connection.
    pub(crate) fn answers(&mut self, flow: Flow, text: &str) {
        let mut lost = Vec::new();
        self.net.send(flow, Bytes::from(text.as_bytes()), &mut lost);
        assert!(lost.is_empty(), "{lost:?}");
    }

    /// The next thing that happens.
    pub(crate) async fn hears(&mut self) -> Event {
        let mut heard = Vec::new();
        let next = async {
            while heard.is_empty() {
                self.net.ready().await;
                self.net.receive(&mut heard);
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("it comes in time");
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard.remove(0)
    }

    /// The next thing is a message: its method or status, and how it came.
    pub(crate) async fn hears_message(&mut self) -> (String, Flow) {
        let heard = self.hears().await;
        let message = if let Event::Received { flow, bytes } = &heard { Some((*flow, bytes)) } else { None };
        let (flow, bytes) = message.ok_or(&heard).expect("a message");
        let text = String::from_utf8_lossy(bytes).into_owned();
        let words: Vec<&str> = text.split(' ').collect();
        let first = if words[0] == "SIP/2.0" { words[1] } else { words[0] };
        (first.to_owned(), flow)
    }

    /// Takes what comes for so long: nothing that is told.
    pub(crate) async fn hears_nothing(&mut self, during: Duration) {
        let mut heard = Vec::new();
        let all = async {
            loop {
                self.net.ready().await;
                self.net.receive(&mut heard);
            }
        };
        let _: Result<(), _> = tokio::time::timeout(during, all).await;
        assert!(heard.is_empty(), "{heard:?}");
    }
}

/// A request whose Via says this of where it came from.
pub(crate) fn options(via: &str) -> String {
    format!(
        "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TLS {via};branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n\
         To: <sip:a@example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

pub(crate) const OK: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n\
    To: <sip:a@example.com>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

const PATIENCE: Duration = Duration::from_secs(10);
