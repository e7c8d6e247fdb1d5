//! What callers and callees say.

use super::super::draw::Draw;
use super::plans::NUMBERS;
use router::path::Flow;
use sip::{Message, Name};

/// The INVITE number `count` from there, with what the bytes choose.
pub fn invite(draw: &mut Draw<'_>, from: Flow, count: usize) -> Vec<u8> {
    let number = draw.one_of(&NUMBERS).unwrap_or_default();
    let kind = draw.byte();
    let via = via(from, count, kind & 1 != 0);
    let mut text = format!("INVITE sip:{number}@192.0.2.100 SIP/2.0\r\n{via}");
    if kind & 2 != 0 {
        text.push_str(
            "Via: SIP/2.0/TLS carrier.example.com;branch=z9hG4bKdeeper, SIP/2.0/UDP [2001:db8::9]:5062\r\n",
        );
    }
    if kind & 4 != 0 {
        text.push_str("Route: <sip:192.0.2.100;lr>\r\nRecord-Route: <sip:192.0.2.99;lr>\r\n");
    }
    let hops = draw.one_of(&["70", "0", "1", "255"]).unwrap_or_default();
    text.push_str(&format!(
        "Max-Forwards: {hops}\r\nFrom: \"A, B\" <sip:+4411@192.0.2.1>;tag=f{count}\r\nTo: <sip:{number}@192.0.2.100>\r\n\
         Call-ID: c{count}@example.com\r\nCSeq: {} INVITE\r\nContact: <sip:{}>\r\nX-Odd :  kept\r\n\tand folded\r\n",
        count + 1,
        from.path.remote,
    ));
    if kind & 8 != 0 {
        text.push_str(
            draw.one_of(&["Max-Breadth: 1\r\n", "Max-Breadth: 0\r\n", "Proxy-Require: x\r\n"])
                .unwrap_or_default(),
        );
    }
    let body = if kind & 16 != 0 { "" } else { "v=0\r\n" };
    text.push_str(&format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

/// A response to a request that the node sent.
pub fn response(draw: &mut Draw<'_>, request: &Message) -> Vec<u8> {
    let status = draw.one_of(&STATUS).unwrap_or_default();
    let kind = draw.byte();
    let mut text = format!("SIP/2.0 {status} Said\r\n").into_bytes();
    let copied = [Name::Via, Name::From, Name::CallId, Name::CSeq, Name::RecordRoute];
    for field in request.fields() {
        if copied.contains(&field.name) {
            text.extend_from_slice(request.at(field.line));
        } else if field.name == Name::To {
            text.extend_from_slice(b"To: ");
            text.extend_from_slice(request.at(field.value));
            if request.to_tag().is_empty() && status != 100 {
                text.extend_from_slice(format!(";tag=t{}", kind & 3).as_bytes());
            }
            text.extend_from_slice(b"\r\n");
        }
    }
    if kind & 4 != 0 {
        text.extend_from_slice(b"Retry-After: 7 (soon)\r\n");
    }
    text.extend_from_slice(b"Contact: <sip:192.0.2.10:5062>\r\nContent-Length: 0\r\n\r\n");
    text
}

const STATUS: [u16; 22] = [
    200, 180, 100, 183, 486, 503, 480, 404, 603, 302, 401, 408, 487, 500, 482, 199, 202, 181, 600, 403, 484,
    99,
];

/// A request within a call, from either side, by the Record-Route of what it got from the node.
pub fn within(draw: &mut Draw<'_>, from: Flow, count: usize, got: &Message) -> Vec<u8> {
    let method = draw.one_of(&["ACK", "BYE", "INVITE", "INFO", "CANCEL", "PRACK"]).unwrap_or_default();
    let kind = draw.byte();
    let via = via(from, count, kind & 1 != 0);
    let contact = got.elements(Name::Contact).next().map(|span| got.at(span)).and_then(sip::NameAddr::parse);
    let uri = contact.map_or(&b"sip:192.0.2.10"[..], |contact| contact.uri);
    let mut routes: Vec<Vec<u8>> =
        got.elements(Name::RecordRoute).map(|span| got.at(span).to_vec()).collect();
    if kind & 2 != 0 {
        routes.reverse();
    }
    if kind & 4 != 0 {
        routes.push(b"<sip:192.0.2.98>".to_vec());
    }
    let (mut first, mut second) = (got.value(Name::From), got.value(Name::To));
    if kind & 8 != 0 {
        core::mem::swap(&mut first, &mut second);
    }
    let mut text = format!("{method} ").into_bytes();
    // A strict router on the way has put the Route into the Request-URI.
    if kind & 16 != 0 && !routes.is_empty() {
        let own = routes.remove(0);
        text.extend_from_slice(sip::NameAddr::parse(&own).map_or(uri, |route| route.uri));
        routes.push([b"<", uri, b">"].concat());
    } else {
        text.extend_from_slice(uri);
    }
    text.extend_from_slice(format!(" SIP/2.0\r\n{via}Max-Forwards: 70\r\n").as_bytes());
    for route in routes {
        text.extend_from_slice(&[b"Route: ", &route[..], b"\r\n"].concat());
    }
    let lines = [(&b"From: "[..], first), (b"To: ", second), (b"Call-ID: ", got.value(Name::CallId))];
    for (name, value) in lines {
        text.extend_from_slice(&[name, value.unwrap_or_default(), b"\r\n"].concat());
    }
    text.extend_from_slice(format!("CSeq: 2 {method}\r\nContent-Length: 0\r\n\r\n").as_bytes());
    text
}

fn via(from: Flow, count: usize, rport: bool) -> String {
    let transport = from.path.transport.in_via();
    let rport = if rport { ";rport" } else { "" };
    format!("Via: SIP/2.0/{transport} {};branch=z9hG4bKn{count}{rport}\r\n", from.path.remote)
}
