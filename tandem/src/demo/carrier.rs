//! A carrier: a stateless proxy with a trunk to Tandem that knows where each phone number lives (RFC 3261 §16.11).

use super::wire::{Line, response};
use core::net::SocketAddr;
use router::relay;
use sip::{Bytes, Edits, Host, Message, Method, Name, NameAddr, Uri};

/// One carrier.
#[derive(Debug)]
pub(super) struct Carrier {
    line: Line,
    numbers: Vec<(&'static str, SocketAddr)>,
}

impl Carrier {
    /// A carrier that reaches these numbers.
    pub(super) fn new(line: Line, numbers: Vec<(&'static str, SocketAddr)>) -> Self {
        Self { line, numbers }
    }

    /// Carries messages until it is dropped; its socket is closed then.
    pub(super) async fn live(self) {
        loop {
            let (message, from) = self.line.receive().await;
            if message.is_request() {
                self.on_request(&message, from).await;
            } else {
                self.on_response(&message).await;
            }
        }
    }

    async fn on_request(&self, request: &Message, from: SocketAddr) {
        if request.method() == Method::Options {
            return self.line.answer(&response(request, from, 200, "t1", b""), request, from).await;
        }
        match self.onward(request, from) {
            Some((bytes, to)) => self.line.send(&bytes, to).await,
            None if request.method() == Method::Ack => {}
            None => self.line.answer(&response(request, from, 404, "t1", b""), request, from).await,
        }
    }

    async fn on_response(&self, response: &Message) {
        if let Some(to) = response.second_via().and_then(|via| via.reply_to()) {
            self.line.send(&relay::pop_via(response, &mut Edits::new()), to).await;
        }
    }

    /// The request as it goes on, and where to: along its Route if we stand in it, else by the number.
    fn onward(&self, request: &Message, from: SocketAddr) -> Option<(Bytes, SocketAddr)> {
        let mut edits = Edits::new();
        let span = request.request_uri()?;
        let uri = Uri::parse(request.at(span))?;
        let via = request.top_via()?;
        let route = request.field(Name::Route);
        let ours = route.filter(|_| self.stands_first(request));
        let to = match ours {
            Some(route) => {
                edits.remove(route.line);
                address(&uri)?
            }
            None => {
                let user = uri.user?;
                let (number, to) = self.numbers.iter().find(|(number, _)| number.as_bytes() == user)?;
                edits.replace(span, format!("sip:{number}@{to}"));
                *to
            }
        };
        if let Some(stamped) = via.stamped(request.at(via.span), from) {
            edits.replace(via.span, stamped);
        }
        if let Some(field) = request.field(Name::MaxForwards) {
            edits.replace(field.value, request.max_forwards()?.checked_sub(1)?.to_string());
        }
        // The branch follows from the one below: a CANCEL, and the ACK of a refusal, bear that of their INVITE.
        let branch = String::from_utf8_lossy(via.branch());
        let here = self.line.address;
        let mut head = format!("Via: SIP/2.0/UDP {here};branch={branch}.{}\r\n", self.line.who.name());
        if request.method() == Method::Invite {
            head.push_str(&format!("Record-Route: <sip:{here};lr>\r\n"));
        }
        edits.insert(request.field(Name::Via)?.line.start, head);
        Some((edits.apply(request), to))
    }

    /// Is the first Route ours? Nobody in the demo writes two of them on one line.
    fn stands_first(&self, request: &Message) -> bool {
        let first =
            request.value(Name::Route).and_then(NameAddr::parse).and_then(|route| Uri::parse(route.uri));
        first.and_then(|uri| address(&uri)) == Some(self.line.address)
    }
}

fn address(uri: &Uri<'_>) -> Option<SocketAddr> {
    match uri.host {
        Host::Ip(ip) => Some(SocketAddr::new(ip, uri.port.unwrap_or(5060))),
        Host::Name(_) => None,
    }
}
