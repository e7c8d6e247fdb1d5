//! The strict gate: which status a request deserves that is not as it should be.

use crate::header::Name;
use crate::message::{Message, Start};
use crate::method::Method;
use crate::name_addr::{NameAddr, Tagged};
use crate::parse::content_length;
use crate::scan::{Elements, URI, find_comma, is_all, is_space, is_token, span, trim_range};
use crate::uri::{Uri, scheme};
use crate::via::Via;

/// What is wrong with a message. A request is answered with `status` and `reason`; a response with a fault is
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 400, 416, 505 …
    pub status: u16,
    /// The reason phrase; says which header is at fault.
    pub reason: &'static str,
}

/// Judges a parsed message by RFC 3261 §8.1.1, §16.3 and RFC 4475.
///
/// # Errors
/// The fault; the caller answers a request with it and drops a response.
pub fn check(message: &Message) -> Result<(), Fault> {
    inspect(message).map(drop)
}

/// Judges a message as [`check`](check()) does and hands out what it has read: all Vias, the topmost first, at least
/// one.
///
/// # Errors
/// The same.
pub fn inspect(message: &Message) -> Result<Vec<Via<'_>>, Fault> {
    check_start(message)?;
    check_shape(message)?;
    check_counts(message)?;
    let vias = check_vias(message)?;
    check_addresses(message)?;
    check_cseq(message)?;
    check_length(message)?;
    if message.is_request() {
        check_max_forwards(message)?;
        check_routes(message)?;
        check_contacts(message)?;
        check_date(message)?;
    }
    Ok(vias)
}

/// CSeq numbers are below this (RFC 3261 §8.1.1.5).
const CSEQ_LIMIT: u32 = 1 << 31;

/// Max-Forwards is a number of 0 to this (RFC 3261 §20.22).
const MAX_FORWARDS_MAX: u32 = 255;

const fn bad(reason: &'static str) -> Fault {
    Fault { status: 400, reason }
}

fn require(holds: bool, reason: &'static str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(bad(reason)) }
}

fn check_start(message: &Message) -> Result<(), Fault> {
    match message.start {
        Start::Request { name, uri, version, .. } => {
            check_version(message.at(version))?;
            require(is_token(message.at(name)), "Malformed Method")?;
            check_request_uri(message.at(uri))
        }
        Start::Response { version, status, .. } => {
            check_version(message.at(version))?;
            require((100..700).contains(&status), "Status Code Out Of Range")
        }
    }
}

fn check_version(version: &[u8]) -> Result<(), Fault> {
    if version.eq_ignore_ascii_case(b"SIP/2.0") {
        Ok(())
    } else if version.iter().copied().any(is_space) {
        Err(bad("Malformed Start Line"))
    } else {
        Err(Fault { status: 505, reason: "Version Not Supported" })
    }
}

fn check_request_uri(uri: &[u8]) -> Result<(), Fault> {
    match Uri::parse(uri) {
        // RFC 3261 §19.1.1: no headers in a Request-URI.
        Some(uri) => require(uri.headers.is_none(), "Headers In Request-URI"),
        None if is_foreign(uri) => Err(Fault { status: 416, reason: "Unsupported URI Scheme" }),
        None => Err(bad("Malformed Request-URI")),
    }
}

/// A URI of another scheme than ours?
fn is_foreign(uri: &[u8]) -> bool {
    let is_ours = |scheme: &[u8]| scheme.eq_ignore_ascii_case(b"sip") || scheme.eq_ignore_ascii_case(b"sips");
    is_all(uri, URI) && scheme(uri).is_some_and(|scheme| !is_ours(scheme))
}

fn check_shape(message: &Message) -> Result<(), Fault> {
    require(!message.flaws.excess, "Too Many Header Fields")?;
    require(!message.flaws.stray, "Malformed Header Field")?;
    require(!message.flaws.cut, "Message Is Cut Off")?;
    // Whoever takes a lone CR for a line end would see other headers than we do.
    require(!message.flaws.lone_return, "Lone CR In Headers")
}

/// Exactly one of these, RFC 3261 §8.1.1 and §7.3.1.
const ONCE: [(Name, &str, &str); 4] = [
    (Name::From, "Missing From", "Repeated From"),
    (Name::To, "Missing To", "Repeated To"),
    (Name::CallId, "Missing Call-ID", "Repeated Call-ID"),
    (Name::CSeq, "Missing CSeq", "Repeated CSeq"),
];

fn check_counts(message: &Message) -> Result<(), Fault> {
    for (name, missing, repeated) in ONCE {
        require(message.names.has(name), missing)?;
        require(!message.names.repeats(name), repeated)?;
    }
    require(!message.names.repeats(Name::MaxForwards), "Repeated Max-Forwards")?;
    let call_id = message.call_id();
    require(!call_id.is_empty() && !call_id.iter().copied().any(is_space), "Malformed Call-ID")
}

fn check_vias(message: &Message) -> Result<Vec<Via<'_>>, Fault> {
    let mut vias = Vec::with_capacity(2);
    for field in message.fields_of(Name::Via) {
        let (mut at, end) = (field.value.start as usize, field.value.end as usize);
        // An empty element is a fault here, so this is no work for `elements`.
        while at <= end {
            let comma = find_comma(message.bytes.get(..end).unwrap_or_default(), at);
            let element = span(trim_range(&message.bytes, at, comma));
            let via = message.via_at(element).filter(Via::is_well_formed).ok_or(bad("Malformed Via"))?;
            vias.push(via);
            at = comma + 1;
        }
    }
    require(!vias.is_empty(), "Missing Via")?;
    Ok(vias)
}

fn check_addresses(message: &Message) -> Result<(), Fault> {
    // A response's are read leniently: losing an answered call is worse than passing on an odd tag.
    let is_good = |addr: Tagged| {
        !message.is_request() || addr.are_params_sound && has_address(&addr.parts.view(&message.bytes))
    };
    require(message.from.is_some_and(is_good), "Malformed From")?;
    require(message.to.is_some_and(is_good), "Malformed To")
}

fn is_address(addr: &NameAddr<'_>) -> bool {
    has_address(addr) && addr.params.are_well_formed()
}

/// Any scheme will do here (RFC 4475 §3.3.3); the URI's inside is for those who use it.
fn has_address(addr: &NameAddr<'_>) -> bool {
    let is_display = addr.display.first() == Some(&b'"') || !addr.display.contains(&b',');
    is_display && is_all(addr.uri, URI) && scheme(addr.uri).is_some()
}

fn check_cseq(message: &Message) -> Result<(), Fault> {
    let (sequence, name) = message.cseq().ok_or(bad("Malformed CSeq"))?;
    require(sequence < CSEQ_LIMIT, "CSeq Out Of Range")?;
    require(!message.is_request() || name == message.method_name(), "CSeq Method Mismatch")
}

fn check_length(message: &Message) -> Result<(), Fault> {
    let mut first = None;
    for field in message.fields_of(Name::ContentLength) {
        let length = content_length(message.at(field.value)).ok_or(bad("Malformed Content-Length"))?;
        require(first.is_none_or(|first| first == length), "Contradictory Content-Length")?;
        first = Some(length);
    }
    // RFC 3261 §18.3: a datagram that ends before its body does.
    require(first.is_none_or(|length| length <= message.body().len()), "Content-Length Beyond Datagram")
}

fn check_max_forwards(message: &Message) -> Result<(), Fault> {
    let is_number = message.max_forwards().is_some_and(|hops| hops <= MAX_FORWARDS_MAX);
    require(!message.names.has(Name::MaxForwards) || is_number, "Malformed Max-Forwards")
}

fn check_routes(message: &Message) -> Result<(), Fault> {
    let is_address = |element: &[u8]| NameAddr::parse(element).is_some_and(|addr| is_address(&addr));
    require(are_all(message, Name::Route, is_address), "Malformed Route")?;
    require(are_all(message, Name::RecordRoute, is_address), "Malformed Record-Route")
}

fn check_contacts(message: &Message) -> Result<(), Fault> {
    let is_only = || !message.names.repeats(Name::Contact) && message.method() == Method::Register;
    let is_star = message.value(Name::Contact) == Some(b"*") && is_only();
    require(is_star || are_all(message, Name::Contact, is_contact), "Malformed Contact")
}

/// Are all elements of a comma-separated header good?
fn are_all(message: &Message, name: Name, is_good: impl Fn(&[u8]) -> bool) -> bool {
    message.fields_of(name).all(|field| {
        let value = message.at(field.value);
        Elements::of(value).all(|(start, end)| value.get(start..end).is_some_and(&is_good))
    })
}

/// Without angle brackets a `?` is not allowed (RFC 3261 §20).
fn is_contact(element: &[u8]) -> bool {
    NameAddr::parse(element)
        .is_some_and(|addr| is_address(&addr) && (element.contains(&b'<') || !addr.uri.contains(&b'?')))
}

/// RFC 3261 §20.17 knows one time zone. Strict, since Identity (RFC 8224) signs over it.
fn check_date(message: &Message) -> Result<(), Fault> {
    let is_gmt = |date: &[u8]| date.len() > 3 && date.to_ascii_uppercase().ends_with(b"GMT");
    require(message.value(Name::Date).is_none_or(is_gmt), "Malformed Date")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\n\
        Max-Forwards: 70\r\n\
        From: <sip:alice@example.com>;tag=1\r\n\
        To: <sip:bob@example.com>\r\n\
        Call-ID: a@b\r\n\
        CSeq: 7 INVITE\r\n\
        Contact: <sip:alice@192.0.2.1>\r\n\
        Content-Length: 2\r\n\
        \r\n\
        xy";
    const RESPONSE: &str = "SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\n\
        From: <sip:alice@example.com>;tag=1\r\n\
        To: <sip:bob@example.com>;tag=2\r\n\
        Call-ID: a@b\r\n\
        CSeq: 7 INVITE\r\n\
        Content-Length: 0\r\n\
        \r\n";

    fn verdict(text: &str) -> (u16, &'static str) {
        let message = Message::parse(text.as_bytes().into()).unwrap();
        check(&message).map_or_else(|fault| (fault.status, fault.reason), |()| (0, "fine"))
    }

    /// The verdict over a message in which `old`, which must be there, is replaced by `new`.
    fn altered(text: &str, old: &str, new: &str) -> (u16, &'static str) {
        assert!(text.contains(old), "{old}");
        verdict(&text.replacen(old, new, 1))
    }

    #[test]
    fn an_ordinary_request_and_response_are_fine() {
        assert_eq!(verdict(REQUEST), (0, "fine"));
        assert_eq!(verdict(RESPONSE), (0, "fine"));
    }

    #[test]
    fn each_fault_of_a_request_is_named_with_its_status() {
        let long = "X: y\r\n".repeat(Message::FIELDS_MAX);
        let cases: &[(&str, &str, (u16, &str))] = &[
            ("INVITE sip", "INV(ITE sip", (400, "Malformed Method")),
            ("sip:bob@example.com SIP/2.0", "sip:bob@example.com SIP/3.0", (505, "Version Not Supported")),
            ("sip:bob@example.com SIP/2.0", "sip:bob@example.com SIP/2.0 ", (400, "Malformed Start Line")),
            ("sip:bob@example.com SIP/2.0", "sip:bob@example.com  SIP/2.0", (400, "Malformed Request-URI")),
            ("sip:bob@example.com SIP/2.0", "sip:b b@example.com SIP/2.0", (400, "Malformed Request-URI")),
            ("sip:bob@example.com SIP/2.0", "bob SIP/2.0", (400, "Malformed Request-URI")),
            ("sip:bob@example.com SIP/2.0", "sip:bob@example.com:0 SIP/2.0", (400, "Malformed Request-URI")),
            ("sip:bob@example.com SIP/2.0", "tel:+15550100 SIP/2.0", (416, "Unsupported URI Scheme")),
            (
                "sip:bob@example.com SIP/2.0",
                "sip:bob@example.com?a=b SIP/2.0",
                (400, "Headers In Request-URI"),
            ),
            ("\r\nContact", &format!("\r\n{long}Contact"), (400, "Too Many Header Fields")),
            ("\r\nContact", "\r\nno colon\r\nContact", (400, "Malformed Header Field")),
            ("\r\nContact", "\r\nTwo Words: x\r\nContact", (400, "Malformed Header Field")),
            ("\r\n\r\nxy", "", (400, "Message Is Cut Off")),
            ("Contact", "X: y\rVia: z\r\nContact", (400, "Lone CR In Headers")),
            ("From", "X-From", (400, "Missing From")),
            ("To:", "X-To:", (400, "Missing To")),
            ("Call-ID", "X-Call-ID", (400, "Missing Call-ID")),
            ("CSeq", "X-CSeq", (400, "Missing CSeq")),
            ("Via", "X-Via", (400, "Missing Via")),
            ("Contact: <sip:alice@192.0.2.1>", "f: <sip:eve@example.com>", (400, "Repeated From")),
            ("Contact: <sip:alice@192.0.2.1>", "t: <sip:eve@example.com>", (400, "Repeated To")),
            ("Contact: <sip:alice@192.0.2.1>", "i: a@b", (400, "Repeated Call-ID")),
            ("Contact: <sip:alice@192.0.2.1>", "CSeq: 7 INVITE", (400, "Repeated CSeq")),
            ("Contact: <sip:alice@192.0.2.1>", "Max-Forwards: 70", (400, "Repeated Max-Forwards")),
            ("Contact: <sip:alice@192.0.2.1>", "l: 1", (400, "Contradictory Content-Length")),
            ("Contact: <sip:alice@192.0.2.1>", "l: 2", (0, "fine")),
            ("a@b", "", (400, "Malformed Call-ID")),
            ("a@b", "a b", (400, "Malformed Call-ID")),
            ("SIP/2.0/UDP", "SIP/3.0/UDP", (400, "Malformed Via")),
            ("SIP/2.0/UDP", "sip / 2.0 / udp", (0, "fine")),
            (":5060;", ":70000;", (400, "Malformed Via")),
            (";branch", ";;branch", (400, "Malformed Via")),
            ("z9hG4bKa", "z9hG4bKa,", (400, "Malformed Via")),
            ("<sip:alice@example.com>;", "\"<sip:alice@example.com>;", (400, "Malformed From")),
            ("<sip:alice@example.com>;", "A, B <sip:alice@example.com>;", (400, "Malformed From")),
            ("<sip:alice@example.com>;", "A. B <news:x>;", (0, "fine")),
            ("<sip:bob@example.com>", "< sip:bob@example.com>", (400, "Malformed To")),
            ("7 INVITE", "-7 INVITE", (400, "Malformed CSeq")),
            ("7 INVITE", "7INVITE", (400, "Malformed CSeq")),
            ("7 INVITE", "2147483647 INVITE", (0, "fine")),
            ("7 INVITE", "2147483648 INVITE", (400, "CSeq Out Of Range")),
            ("7 INVITE", "4294967296 INVITE", (400, "Malformed CSeq")),
            ("7 INVITE", "7 invite", (400, "CSeq Method Mismatch")),
            ("Length: 2", "Length: -2", (400, "Malformed Content-Length")),
            ("Length: 2", "Length: 3", (400, "Content-Length Beyond Datagram")),
            ("Length: 2", "Length: 1", (0, "fine")),
            ("Content-Length: 2", "X: y", (0, "fine")),
            ("Max-Forwards: 70", "X: y", (0, "fine")),
            ("70", "255", (0, "fine")),
            ("70", "256", (400, "Malformed Max-Forwards")),
            ("70", "x", (400, "Malformed Max-Forwards")),
            ("Contact: ", "Route: <sip:a;lr>, \r\nContact: ", (0, "fine")),
            ("Contact: ", "Route: <sip:a;lr> b\r\nContact: ", (400, "Malformed Route")),
            ("Contact: ", "Record-Route: a\r\nContact: ", (400, "Malformed Record-Route")),
            ("<sip:alice@192.0.2.1>", "sip:alice@192.0.2.1?a=b", (400, "Malformed Contact")),
            ("<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1?a=b>", (0, "fine")),
            ("<sip:alice@192.0.2.1>", "*", (400, "Malformed Contact")),
            ("Contact: ", "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nContact: ", (400, "Malformed Date")),
            ("Contact: ", "Date: Fri, 01 Jan 2010 16:00:00 GMT\r\nContact: ", (0, "fine")),
        ];
        for (old, new, expected) in cases {
            assert_eq!(altered(REQUEST, old, new), *expected, "{old} -> {new}");
        }
    }

    #[test]
    fn a_tag_without_a_value_is_refused() {
        for tag in [";tag", ";tag="] {
            let to = format!("<sip:bob@example.com>{tag}");
            assert_eq!(altered(REQUEST, "<sip:bob@example.com>", &to), (400, "Malformed To"));
        }
    }

    #[test]
    fn a_vias_version_is_2_0_and_nothing_near_it() {
        for near in ["SIP/2.00/UDP", "SIP/2.0.0/UDP", "SIPS/2.0/UDP", "SIP/2/UDP"] {
            assert_eq!(altered(REQUEST, "SIP/2.0/UDP", near), (400, "Malformed Via"), "{near}");
        }
    }

    #[test]
    fn a_response_is_refused_only_for_what_a_proxy_needs() {
        let cases = [
            ("200", "99", (400, "Status Code Out Of Range")),
            ("200", "700", (400, "Status Code Out Of Range")),
            ("200", "4294967496", (400, "Status Code Out Of Range")),
            ("200 OK", "200", (0, "fine")),
            ("SIP/2.0 200", "SIP/3.0 200", (505, "Version Not Supported")),
            ("7 INVITE", "9292394834772304023312 INVITE", (400, "Malformed CSeq")),
            ("Via", "X-Via", (400, "Missing Via")),
            ("tag=2", "tag=", (0, "fine")),
            ("Content-Length", "Max-Forwards: x\r\nContact: ?\r\nDate: now\r\nContent-Length", (0, "fine")),
        ];
        for (old, new, expected) in cases {
            assert_eq!(altered(RESPONSE, old, new), expected, "{old} -> {new}");
        }
    }

    #[test]
    fn only_a_register_may_have_a_star_for_its_contact() {
        let text = REQUEST.replace("INVITE", "REGISTER");
        assert_eq!(altered(&text, "<sip:alice@192.0.2.1>", "*"), (0, "fine"));
    }
}
