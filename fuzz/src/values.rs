//! The values that name somebody or some way: URIs, name-addr lists (From, Contact, Route), Vias, parameters.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use sip::{Bytes, Host, Message, Method, Name, NameAddr, Params, Uri, Via};

/// Takes bytes as each kind of value by itself, as two URIs that are compared (cut at the first NUL), and as what
/// stands in a Route and in a Via line.
///
/// # Panics
/// If a promise of a view is broken.
pub fn run(bytes: &[u8]) {
    every(bytes);
    let _ = (Name::of(bytes), Method::of(bytes), sip::uri::unescape(bytes));
    if let Some(cut) = bytes.iter().position(|&byte| byte == 0) {
        let (one, two) = bytes.split_at(cut);
        alike(one, two.get(1..).unwrap_or_default());
    }
    if !bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        line(Name::Route, "Route", bytes);
        line(Name::Via, "Via", bytes);
    }
}

/// Takes bytes as one of each kind.
pub(crate) fn every(bytes: &[u8]) {
    uri(bytes);
    name_addr(bytes);
    via(bytes);
    params(Params { bytes });
    host(bytes);
}

/// A URI's parts stand in it in order, and it is its own equal.
pub(crate) fn uri(bytes: &[u8]) {
    let Some(uri) = Uri::parse(bytes) else { return };
    params(uri.params);
    let tail = uri.params.bytes.len() + uri.headers.map_or(0, |headers| 1 + headers.len());
    let head = bytes.len().checked_sub(tail).and_then(|end| bytes.get(..end));
    let Some(head) = head else { broken("parameters and headers are its end") };
    let headers = uri.headers.map(|headers| [b"?", headers].concat()).unwrap_or_default();
    assert!(bytes.ends_with(&[uri.params.bytes, &headers].concat()), "parameters, then headers");
    assert!(Uri::parse(head).is_some(), "without its end it is still a URI");
    assert_eq!(Uri::user_of(bytes), uri.user, "the quick way finds the same user");
    let shorter = bytes.get(..bytes.len() - 1).and_then(Uri::parse);
    if let Some(other) = shorter {
        assert_eq!(uri.same_as(&other), other.same_as(&uri), "equality goes both ways");
    }
    let few = uri.params.iter().count() <= 1 && uri.headers.is_none();
    assert!(!few || uri.same_as(&uri), "it equals itself");
}

/// Two URIs are equal both ways or not at all; equal ones have one host and one user (RFC 3261 §19.1.4).
fn alike(one: &[u8], two: &[u8]) {
    let (Some(one), Some(two)) = (Uri::parse(one), Uri::parse(two)) else { return };
    let same = one.same_as(&two);
    assert_eq!(same, two.same_as(&one), "equality goes both ways");
    if same {
        assert!(one.host.same_as(&two.host) && one.port == two.port && one.secure == two.secure);
        let plain = |uri: &Uri<'_>| uri.user.map(sip::uri::unescape);
        assert_eq!(plain(&one), plain(&two), "equal users");
    }
}

pub(crate) fn name_addr(bytes: &[u8]) {
    let Some(addr) = NameAddr::parse(bytes) else { return };
    assert!(!addr.uri.is_empty(), "there is a URI");
    params(addr.params);
    let _ = (addr.tag(), addr.sip_uri().map(|uri| uri.same_as(&uri)));
    // Written anew in brackets it says the same: this is how a Route goes on.
    let again = [addr.display, b"<", addr.uri, b">", addr.params.bytes].concat();
    if let Some(read) = NameAddr::parse(&again) {
        assert_eq!((read.uri, read.params.bytes), (addr.uri, addr.params.bytes), "brackets add nothing");
    } else {
        assert!(addr.uri.contains(&b'>') || addr.uri.contains(&b'<'), "it can be written in brackets");
    }
}

pub(crate) fn via(bytes: &[u8]) {
    let Some(via) = Via::parse(bytes) else { return };
    params(via.params);
    let _ = via.reply_to();
    let Some(stamped) = via.stamped(bytes, source()) else {
        assert_eq!(via.reply_to().map(|to| to.ip().to_canonical()), Some(source().ip()), "it told the truth");
        return;
    };
    let Some(after) = Via::parse(&stamped) else { broken("a stamped Via is a Via") };
    let asked = via.params.get("rport").is_some();
    let back = after.reply_to();
    assert_eq!(back.map(|back| back.ip().to_canonical()), Some(source().ip()), "it goes where it came from");
    assert!(!asked || back.map(|back| back.port()) == Some(source().port()), "by the port it came from");
    assert_eq!(after.branch(), via.branch(), "the branch is untouched");
    assert!(
        after.stamped(&stamped, source()).is_none_or(|again| again == stamped),
        "a second stamp adds nothing"
    );
}

pub(crate) fn params(params: Params<'_>) {
    for (name, value) in params.iter() {
        assert!(!name.is_empty() || value.is_some(), "empty ones are passed over");
        if let Ok(name) = core::str::from_utf8(name) {
            assert!(params.get(name).is_some(), "what is listed is found");
        }
    }
}

/// An address is read as the standard library reads it, but for what RFC 4475 has us forgive.
fn host(bytes: &[u8]) {
    let read = Host::parse(bytes);
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        assert_eq!(read, Some(Host::Ip(IpAddr::V4(ip))), "an address is no name");
    }
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(Ok(ip)) = inside.map(str::parse::<Ipv6Addr>) {
        assert_eq!(read, Some(Host::Ip(IpAddr::V6(ip))), "an address in brackets");
    }
}

/// The elements of a line stand in it in order and do not overlap, and each by itself reads as it does there.
fn line(name: Name, written: &str, value: &[u8]) {
    let text = [b"OPTIONS sip:a SIP/2.0\r\n", written.as_bytes(), b": ", value, b"\r\n\r\n"].concat();
    let Ok(message) = Message::parse(Bytes::from(text)) else { return };
    let Some(field) = message.field(name) else { return };
    let mut end = field.value.start;
    for element in message.elements(name) {
        assert!(end <= element.start && element.start < element.end, "in order, none empty");
        assert!(element.end <= field.value.end, "inside the line");
        end = element.end;
        every(message.at(element));
    }
    if name == Name::Via
        && let Some(top) = message.top_via()
    {
        let first = message.elements(name).next().map(|span| message.at(span));
        assert_eq!(first, Some(message.at(top.span)), "the topmost Via is the first element");
    }
}

const fn source() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 40_000)
}

#[expect(clippy::panic, reason = "this is what a broken promise does here")]
fn broken(promise: &str) -> ! {
    panic!("{promise}")
}
