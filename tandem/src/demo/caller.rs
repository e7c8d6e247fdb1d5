//! The caller: dials, listens, says goodbye.

use super::wire::{Line, with_sdp};
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Message, Method, Name, NameAddr, Time, Uri, build};

/// What the caller heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// When the INVITE left.
    pub(super) dialled: Time,
    /// How long after that the first ringing came.
    pub(super) rang: Option<Duration>,
    /// How the call ended.
    pub(super) end: End,
}

/// How a call ended for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Somebody answered: the user part of the Contact, and how long after dialling.
    Answered(String, Duration),
    /// A final response without an answer.
    Refused(u16, Duration),
    /// No final response while the caller had patience.
    Nothing,
}

/// One caller, who calls again and again.
#[derive(Debug)]
pub(super) struct Caller {
    line: Line,
    tandem: SocketAddr,
}

impl Caller {
    /// A caller whose calls are handed to `tandem`, as by a carrier.
    pub(super) fn new(line: Line, tandem: SocketAddr) -> Self {
        Self { line, tandem }
    }

    /// Calls a number, talks for a moment if somebody answers, and hangs up.
    pub(super) async fn call(&self, number: &str, call_id: &str) -> Heard {
        let here = self.line.address;
        let invite = with_sdp(&self.request("INVITE", 1, number, call_id), here);
        let dialled = self.line.tap.clock.now();
        self.line.send(&invite, self.tandem).await;
        let mut heard = Heard { dialled, rang: None, end: End::Nothing };
        let talk = self.listen(&invite, call_id, &mut heard);
        // A caller without an answer by then has hung up long ago.
        let _ = tokio::time::timeout(PATIENCE, talk).await;
        heard
    }

    async fn listen(&self, invite: &Bytes, call_id: &str, heard: &mut Heard) {
        loop {
            let (message, _) = self.line.receive().await;
            let after = self.line.tap.clock.now().since(heard.dialled);
            let ours = message.call_id() == call_id.as_bytes() && message.method() == Method::Invite;
            match message.status().filter(|_| ours) {
                None | Some(..=100) => {}
                Some(101..=199) => {
                    heard.rang.get_or_insert(after);
                }
                Some(200..=299) => {
                    heard.end = End::Answered(contact_user(&message), after);
                    self.send_within(&message, "ACK", 1).await;
                    self.line.tap.clock.until(Some(self.line.tap.clock.now() + TALK)).await;
                    self.send_within(&message, "BYE", 2).await;
                    return self.hear_goodbye(call_id).await;
                }
                Some(status) => {
                    heard.end = End::Refused(status, after);
                    if let Ok(invite) = Message::parse(invite.clone()) {
                        self.line.send(&build::ack(&invite, &message), self.tandem).await;
                    }
                    return;
                }
            }
        }
    }

    async fn hear_goodbye(&self, call_id: &str) {
        loop {
            let (message, _) = self.line.receive().await;
            if message.call_id() == call_id.as_bytes() && message.method() == Method::Bye {
                return;
            }
        }
    }

    /// Sends a request of the call that `answer` began: to its Contact, by its Record-Routes backwards (RFC 3261
    /// §12.1.2, §12.2.1.1).
    async fn send_within(&self, answer: &Message, method: &str, sequence: u32) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = |name| answer.value(name).map(text).unwrap_or_default();
        let uri = answer.value(Name::Contact).and_then(NameAddr::parse).map(|contact| text(contact.uri));
        let mut routes: Vec<String> =
            answer.elements(Name::RecordRoute).map(|span| text(answer.at(span))).collect();
        routes.reverse();
        let route =
            if routes.is_empty() { String::new() } else { format!("Route: {}\r\n", routes.join(", ")) };
        let (here, call_id) = (self.line.address, text(answer.call_id()));
        let request = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};rport;branch=z9hG4bK{method}-{call_id}\r\n\
             {route}Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {call_id}\r\n\
             CSeq: {sequence} {method}\r\nContent-Length: 0\r\n\r\n",
            uri.unwrap_or_default(),
            value(Name::From),
            value(Name::To),
        );
        self.line.send(&request.into_bytes().into(), self.tandem).await;
    }

    fn request(&self, method: &str, sequence: u32, number: &str, call_id: &str) -> Bytes {
        let (here, tandem) = (self.line.address, self.tandem);
        let request = format!(
            "{method} sip:{number}@{tandem} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {here};rport;branch=z9hG4bK{method}-{call_id}\r\nMax-Forwards: 70\r\n\
             From: <sip:{CALLER}@{here}>;tag=c1\r\nTo: <sip:{number}@{tandem}>\r\nCall-ID: {call_id}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:{CALLER}@{here}>\r\nContent-Length: 0\r\n\r\n"
        );
        request.into_bytes().into()
    }
}

fn contact_user(message: &Message) -> String {
    let contact = message.value(Name::Contact).and_then(NameAddr::parse);
    let user = contact.and_then(|contact| Uri::parse(contact.uri)).and_then(|uri| uri.user);
    String::from_utf8_lossy(user.unwrap_or_default()).into_owned()
}

const CALLER: &str = "+15035550987";
const PATIENCE: Duration = Duration::from_secs(15); // Longer than all of the demo's plan.
const TALK: Duration = Duration::from_millis(200); // Enough for the ACK to be there before the BYE.
