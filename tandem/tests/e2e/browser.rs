//! A browser: a WebSocket that a test plays by hand, and calls by it.

use crate::messages::{Message, Messages, header};
use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, in_dialog, response};
use crate::secure::Paper;
use crate::street::{Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Error, WebSocket};

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

/// A WebSocket, and all that went through it.
struct Browser<S> {
    socket: WebSocket<S>,
    at: SocketAddr,
    messages: Messages,
}

/// Opens a WebSocket that offers these subprotocols.
fn open(at: SocketAddr, offers: &'static str) -> Result<Browser<TcpStream>, String> {
    open_inside(at, offers, |stream| stream)
}

/// As [`open`], inside of something.
fn open_inside<S: Read + Write>(
    at: SocketAddr,
    offers: &'static str,
    inside: impl FnOnce(TcpStream) -> S,
) -> Result<Browser<S>, String> {
    let stream = TcpStream::connect(at).expect("the node listens");
    let own = stream.local_addr().expect("it is connected");
    let timeouts = stream.try_clone().expect("a socket can be held twice");
    let mut request = format!("ws://{at}/").into_client_request().expect("an address");
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(offers));
    let (socket, response) =
        tungstenite::client(request, inside(stream)).map_err(|error| error.to_string())?;
    let agreed = response.headers().get("Sec-WebSocket-Protocol");
    assert_eq!(agreed, Some(&HeaderValue::from_static("sip")));
    timeouts.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout can be set");
    Ok(Browser { socket, at: own, messages: Messages::default() })
}

impl<S: Read + Write> Browser<S> {
    fn says(&mut self, text: &str) {
        self.socket.send(tungstenite::Message::text(text)).expect("the node reads");
        self.messages.0.push(Message { sent: true, at: Duration::ZERO, text: text.to_owned() });
    }

    /// Waits for the next message; it must be this in short.
    fn hears(&mut self, short: &str) -> String {
        let text = until(short, || self.frame()?.into_text().ok(), String::new);
        let message = Message { sent: false, at: Duration::ZERO, text: text.as_str().to_owned() };
        assert_eq!(message.short(), short, "after {:?}", self.messages.short());
        self.messages.0.push(message.clone());
        message.text
    }

    /// The next frame, if one is there soon.
    fn frame(&mut self) -> Option<tungstenite::Message> {
        self.socket.read().ok()
    }

    /// Where a browser is nobody knows, itself included (RFC 7118 §5.2.1).
    fn invite(&self, node: SocketAddr) -> String {
        let tag = format!("{}-{}", self.at.port(), self.messages.0.len());
        format!(
            "INVITE sip:{NUMBER}@{node} SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{tag}\r\n\
            Max-Forwards: 70\r\nFrom: <sip:+15035550999@browser.example>;tag={tag}\r\nTo: <sip:{NUMBER}@{node}>\r\n\
            Call-ID: {tag}@browser\r\nCSeq: 1 INVITE\r\nContact: <sip:b@df7jal23ls0d.invalid;transport=ws>\r\n\r\n"
        )
    }
}

fn node(street: &Street) -> Tandem {
    let office = street.house(OFFICE);
    let plan = format!(
        "[sites]\noffice = {{ sip = \"{office}\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n"
    );
    Tandem::start_listening(street, &plan, "", &[&format!("ws:{}", web(street))])
}

/// Where the node takes WebSockets.
fn web(street: &Street) -> SocketAddr {
    let at = street.house(TANDEM);
    SocketAddr::new(at.ip(), at.port() + 2)
}

#[test]
fn a_call_from_a_browser_is_answered_and_hung_up_along_its_websocket() {
    let street = Street::new();
    let node = node(&street);
    let mut browser = open(web(&street), "other, sip").expect("it speaks sip");
    let mut office = Phone::new(&street, OFFICE);
    let invite = browser.invite(street.house(TANDEM));
    browser.says(&invite);
    browser.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    office.replies(&rung, "200 OK", "one");
    let answer = browser.hears("< 200 INVITE");
    browser.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");
    let routes: Vec<&str> = crate::messages::headers(&rung, "Record-Route").collect();
    let bye = format!(
        "BYE sip:b@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n\
        Route: {}\r\nFrom: {};tag=one\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
        office.at,
        routes.join(", "),
        header(&rung, "To"),
        header(&rung, "From"),
        header(&rung, "Call-ID"),
    );
    office.says(&bye);
    let bye = browser.hears("< BYE");
    assert!(header(&bye, "Via").starts_with("SIP/2.0/WS "), "{bye}");
    let ok = response(&bye, browser.at, "200 OK", "");
    browser.says(&ok);
    office.hears("< 200 BYE");
    assert_eq!(node.call().end(), "answered by office");
}

#[test]
fn a_browser_that_insists_on_tls_is_shown_our_certificate() {
    let street = Street::new();
    let paper = Paper::new(&street);
    paper.renew();
    let office = street.house(OFFICE);
    let plan = format!(
        "[sites]\noffice = {{ sip = \"{office}\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n"
    );
    let _node = Tandem::start_listening(&street, &plan, &paper.lines(), &[&format!("wss:{}", web(&street))]);
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_file(&paper.certificate).expect("it was written");
    roots.add(own).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("sip.example").expect("a name");
    let tls = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut browser =
        open_inside(web(&street), "sip", |stream| StreamOwned::new(tls, stream)).expect("it speaks sip");
    let mut office = Phone::new(&street, OFFICE);
    let invite = browser.invite(street.house(TANDEM)).replace("SIP/2.0/WS", "SIP/2.0/WSS");
    browser.says(&invite);
    browser.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    office.replies(&rung, "486 Busy Here", "one");
    browser.hears("< 486 INVITE");
}

#[test]
fn pings_are_answered_and_a_message_that_is_too_long_ends_the_websocket() {
    let street = Street::new();
    let _node = node(&street);
    let mut browser = open(web(&street), "sip").expect("it speaks sip");
    browser.socket.send(tungstenite::Message::Ping(b"are you there"[..].into())).expect("it is open");
    let pong = until("a pong", || browser.frame(), String::new);
    assert_eq!(pong, tungstenite::Message::Pong(b"are you there"[..].into()));
    browser.socket.send(tungstenite::Message::text("\r\n\r\n")).expect("it is open");
    let pong = until("a pong", || browser.frame(), String::new);
    assert_eq!(pong, tungstenite::Message::text("\r\n"));

    browser.socket.send(tungstenite::Message::text("x".repeat(70_000))).expect("it is open");
    let over = || match browser.socket.read() {
        Ok(tungstenite::Message::Close(Some(farewell))) => Some(u16::from(farewell.code)),
        Err(Error::ConnectionClosed | Error::Protocol(_)) => Some(0),
        Ok(_) | Err(_) => None,
    };
    assert_eq!(until("the end", over, String::new), 1009);
}

#[test]
fn whoever_does_not_offer_sip_is_told_so() {
    let street = Street::new();
    let _node = node(&street);
    let refused = open(web(&street), "chat").err();
    assert!(refused.as_deref().is_some_and(|why| why.contains("400")), "{refused:?}");
}
