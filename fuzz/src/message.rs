//! One message: read, judged, answered, changed on the way.

use super::values;
use core::net::SocketAddr;
use sip::build::{self, Extra};
use sip::{Bytes, Edits, Message, Method, Name, Uri, check};

/// Takes bytes as one datagram.
///
/// # Panics
/// If a promise of the `sip` crate is broken.
pub fn run(bytes: &[u8]) {
    let Ok(message) = Message::parse(Bytes::from(bytes)) else { return };
    let is_good = check(&message).is_ok();
    views(&message);
    if is_good {
        promises(&message);
    }
    edits_touch_nothing_else(&message, is_good);
    if message.is_request() {
        made_here(&message, is_good);
    } else {
        popped(&message, is_good);
    }
}

/// Reads everything there is to read.
fn views(message: &Message) {
    for field in message.fields() {
        let (line, value) = (field.line, field.value);
        assert!(line.start <= value.start && value.start <= value.end && value.end <= line.end, "{field:?}");
        assert!(line.end as usize <= message.bytes().len(), "{field:?}");
        for element in message.elements(field.name).take(ELEMENTS) {
            assert!(element.start < element.end, "no element is empty");
            values::every(message.at(element));
        }
    }
    for pair in message.fields().windows(2) {
        if let [one, two] = pair {
            assert_eq!(one.line.end, two.line.start, "lines follow each other");
        }
    }
    let _ = (message.method(), message.method_name(), message.status(), message.reason(), message.call_id());
    let _ = (message.cseq(), message.top_via(), message.second_via(), message.max_forwards());
    let _ = (message.from(), message.to(), message.from_tag(), message.to_tag(), message.value(Name::Other));
    if let Some(span) = message.request_uri() {
        values::uri(message.at(span));
    }
    assert!(message.bytes().len() >= message.body().len(), "the body is a part");
}

/// Elements that are looked at for each field: all, in any message that means no harm.
const ELEMENTS: usize = 8;

/// What the code behind the gate relies on.
fn promises(message: &Message) {
    assert!(message.top_via().is_some(), "a top Via");
    assert!(message.cseq().is_some(), "a CSeq");
    assert!(!message.call_id().is_empty(), "a Call-ID");
    assert!(message.fields().len() <= Message::FIELDS_MAX, "a bounded number of fields");
    if message.is_request() {
        assert!(message.from().is_some() && message.to().is_some(), "From and To");
        let uri = message.request_uri().map(|span| message.at(span)).and_then(Uri::parse);
        assert!(uri.is_some(), "a SIP URI");
        assert!(
            message.field(Name::MaxForwards).is_none() || message.max_forwards().is_some(),
            "Max-Forwards"
        );
    } else {
        assert!(message.status().is_some_and(|status| (100..700).contains(&status)), "a status");
    }
}

/// Changes what a proxy changes; the rest leaves as it came.
fn edits_touch_nothing_else(message: &Message, is_good: bool) {
    let mut edits = Edits::new();
    if let Some(span) = message.request_uri() {
        edits.replace(span, "sip:there@192.0.2.7");
    }
    for field in message.fields_of(Name::Route) {
        edits.remove(field.line);
    }
    if let Some(field) = message.field(Name::MaxForwards) {
        edits.replace(field.value, "69");
    }
    if let Some(via) = message.top_via()
        && let Some(stamped) = via.stamped(message.at(via.span), source())
    {
        edits.replace(via.span, stamped);
    }
    if let Some(field) = message.field(Name::Via) {
        edits.insert(field.line.start, OWN_VIA);
    }
    let Ok(after) = Message::parse(edits.apply(message)) else { panic_out("it is still a message") };
    // One line more than the bound would push the last one out of the index.
    if message.fields().len() >= Message::FIELDS_MAX {
        return;
    }
    assert_eq!(after.body(), message.body(), "the body is untouched");
    let kept = |message: &Message| -> Vec<Vec<u8>> {
        let ours = [Name::Via, Name::Route, Name::MaxForwards];
        let kept = message.fields().iter().filter(|field| !ours.contains(&field.name));
        kept.map(|field| message.at(field.line).to_vec()).collect()
    };
    assert_eq!(kept(&after), kept(message), "every other line is untouched");
    if is_good {
        assert_eq!(check(&after), Ok(()), "it is still a good one");
        let second = after.second_via().map(|via| via.branch().to_vec());
        assert_eq!(second, message.top_via().map(|via| via.branch().to_vec()), "the Via below is theirs");
    }
}

/// What is made from a request: its responses, its ACK, its CANCEL.
fn made_here(request: &Message, is_good: bool) {
    let extra = Extra { to_tag: b"our-tag", lines: b"Retry-After: 5\r\n" };
    let refusal = build::response(request, source(), 503, build::phrase(503), extra);
    let trying = build::response(request, source(), 100, build::phrase(100), Extra::default());
    let (ack, cancel) = match Message::parse(refusal.clone()) {
        Ok(response) => (build::ack(request, &response), build::cancel(request, Some("SIP;cause=200"))),
        Err(_) => panic_out("a response is a message"),
    };
    if !is_good {
        return;
    }
    for (bytes, status) in [(refusal, 503), (trying, 100)] {
        let Ok(response) = Message::parse(bytes) else { panic_out("a response is a message") };
        assert_eq!(check(&response), Ok(()), "a response to a good request is good");
        assert_eq!(response.status(), Some(status));
        assert_eq!(response.call_id(), request.call_id());
        assert_eq!(response.cseq(), request.cseq());
        assert_eq!(response.from_tag(), request.from_tag());
        let vias = |message: &Message| message.elements(Name::Via).count();
        assert_eq!(vias(&response), vias(request), "all Vias come back");
        let back = response.top_via().and_then(|via| via.reply_to());
        assert_eq!(
            back.map(|back| back.ip().to_canonical()),
            Some(source().ip()),
            "it goes where it came from"
        );
        let is_untagged = request.to().is_some_and(|to| to.params.get("tag").is_none());
        if status != 100 && is_untagged {
            assert_eq!(response.to_tag(), b"our-tag", "it bears our tag");
        }
    }
    for (bytes, method) in [(ack, Method::Ack), (cancel, Method::Cancel)] {
        let Ok(made) = Message::parse(bytes) else { panic_out("what we make is a message") };
        assert_eq!(check(&made), Ok(()), "what we make of a good request is good");
        assert_eq!(made.method(), method);
        let branch = |message: &Message| message.top_via().map(|via| via.branch().to_vec());
        assert_eq!(branch(&made), branch(request), "it belongs to the transaction");
        assert_eq!(made.cseq().map(|cseq| cseq.0), request.cseq().map(|cseq| cseq.0));
    }
}

/// A response without its top Via, as it goes on.
fn popped(response: &Message, is_good: bool) {
    let Ok(popped) = Message::parse(router::relay::pop_via(response, &mut Edits::new())) else {
        panic_out("it is still a message")
    };
    assert_eq!(popped.body(), response.body(), "the body is untouched");
    if is_good {
        let below: Vec<&[u8]> = response.elements(Name::Via).skip(1).map(|span| response.at(span)).collect();
        let left: Vec<&[u8]> = popped.elements(Name::Via).map(|span| popped.at(span)).collect();
        assert_eq!(left, below, "the other Vias are untouched");
    }
}

const OWN_VIA: &str = "Via: SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bKours\r\n";

const fn source() -> SocketAddr {
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 40_000)
}

#[expect(clippy::panic, reason = "this is what a broken promise does here")]
fn panic_out(promise: &str) -> ! {
    panic!("{promise}")
}
