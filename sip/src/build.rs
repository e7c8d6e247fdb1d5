//! Messages made here: responses, ACK for a refusal, CANCEL, OPTIONS.

use crate::header::Name;
use crate::message::{Bytes, Field, Message, Span};
use crate::text::push_decimal;
use crate::via::Stamp;
use core::net::SocketAddr;
use std::io::Write;

/// What a response gets beyond what it copies from the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'a> {
    /// Tag for a To that has none; empty for none (100 only).
    pub to_tag: &'a [u8],
    /// Whole header lines, each ended by CRLF.
    pub lines: &'a [u8],
}

/// Makes a response (RFC 3261 §8.2.6): all Via lines (the top one stamped with `source`), From, To, Call-ID, CSeq
/// copied byte for byte; for 100 also Timestamp. Works for requests that `check` refuses, as far as they go.
#[must_use]
pub fn response(request: &Message, source: SocketAddr, status: u16, reason: &str, extra: Extra<'_>) -> Bytes {
    let stamp = request.top_via().map(|via| via.stamp(request.at(via.span), source));
    answer(request, stamp.as_ref(), status, reason, extra)
}

/// Makes a [`response`] where the stamp of the top Via is known already; `None` for a Via that cannot be read.
#[must_use]
pub fn answer(
    request: &Message,
    stamp: Option<&Stamp>,
    status: u16,
    reason: &str,
    extra: Extra<'_>,
) -> Bytes {
    let mut out = copied(request, stamp, status, reason, extra);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    out.into()
}

/// Makes an [`answer`] with nothing in it that a datagram can do without: no Content-Length (RFC 3261 §18.3).
#[must_use]
pub fn terse_answer(
    request: &Message,
    stamp: Option<&Stamp>,
    status: u16,
    reason: &str,
    extra: Extra<'_>,
) -> Bytes {
    let mut out = copied(request, stamp, status, reason, extra);
    out.extend_from_slice(b"\r\n");
    out.into()
}

/// Makes an [`answer`] that carries a body, with the type of it.
#[must_use]
pub fn answer_with(
    request: &Message,
    stamp: Option<&Stamp>,
    status: u16,
    reason: &str,
    extra: Extra<'_>,
    (kind, body): (&str, &[u8]),
) -> Bytes {
    let mut out = copied(request, stamp, status, reason, extra);
    push_body(&mut out, kind, body);
    out.into()
}

/// Ends a header, with a body if there is one.
pub fn push_body(out: &mut Vec<u8>, kind: &str, body: &[u8]) {
    if !body.is_empty() {
        push_fmt(out, format_args!("Content-Type: {kind}\r\n"));
    }
    push_fmt(out, format_args!("Content-Length: {}\r\n\r\n", body.len()));
    out.extend_from_slice(body);
}

fn copied(request: &Message, stamp: Option<&Stamp>, status: u16, reason: &str, extra: Extra<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(request.bytes().len().min(RESPONSE_USUAL) + extra.lines.len());
    out.extend_from_slice(b"SIP/2.0 ");
    push_decimal(&mut out, u64::from(status));
    out.push(b' ');
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
    push_vias(&mut out, request, stamp);
    push_first(&mut out, request, Name::From);
    push_to(&mut out, request, extra.to_tag);
    push_first(&mut out, request, Name::CallId);
    push_first(&mut out, request, Name::CSeq);
    if status == 100 {
        push_first(&mut out, request, Name::Timestamp);
    }
    out.extend_from_slice(extra.lines);
    out
}

/// Makes the ACK for a final response of 300 and up to an INVITE that *we* sent (RFC 3261 §17.1.1.3): the
/// request's URI, top Via, From, Call-ID, Route; the response's To; CSeq with the same number.
#[must_use]
pub fn ack(request: &Message, response: &Message) -> Bytes {
    let to = if response.field(Name::To).is_some() { response } else { request };
    let mut out = same_branch(request, "ACK", to);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    out.into()
}

/// Makes the CANCEL for an INVITE that *we* sent (RFC 3261 §9.1), with a `Reason` value if one is given (RFC 3326).
#[must_use]
pub fn cancel(request: &Message, reason: Option<&str>) -> Bytes {
    let mut out = same_branch(request, "CANCEL", request);
    if let Some(reason) = reason {
        push_fmt(&mut out, format_args!("Reason: {reason}\r\n"));
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    out.into()
}

/// The reason phrase of RFC 3261 §21 and later RFCs for a status; `"Unknown"` for one without.
#[must_use]
pub fn phrase(status: u16) -> &'static str {
    let found = PHRASES.binary_search_by_key(&status, |(known, _)| *known).ok();
    found.and_then(|at| PHRASES.get(at)).map_or("Unknown", |(_, phrase)| phrase)
}

/// Most responses fit; a longer one costs a second allocation.
const RESPONSE_USUAL: usize = 1024;

/// The lines of a request that belongs to the transaction of an INVITE, up to Max-Forwards.
fn same_branch(request: &Message, method: &str, to: &Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(RESPONSE_USUAL);
    push_fmt(&mut out, format_args!("{method} "));
    out.extend_from_slice(request.request_uri().map_or(b"", |uri| request.at(uri)));
    out.extend_from_slice(b" SIP/2.0\r\nVia: ");
    out.extend_from_slice(request.elements(Name::Via).next().map_or(b"", |via| request.at(via)));
    out.extend_from_slice(b"\r\n");
    request.fields_of(Name::Route).for_each(|field| push_line(&mut out, request, field));
    push_first(&mut out, request, Name::From);
    push_first(&mut out, to, Name::To);
    push_first(&mut out, request, Name::CallId);
    let sequence = request.cseq().map_or(0, |(sequence, _)| sequence);
    push_fmt(&mut out, format_args!("CSeq: {sequence} {method}\r\nMax-Forwards: 70\r\n"));
    out
}

fn push_vias(out: &mut Vec<u8>, request: &Message, stamp: Option<&Stamp>) {
    let stamped = stamp.and_then(|stamp| Some((stamp.span, stamp.element.as_ref()?)));
    for field in request.fields_of(Name::Via) {
        match stamped.filter(|(span, _)| field.line.start <= span.start && span.end <= field.line.end) {
            Some((span, element)) => {
                out.extend_from_slice(request.at(Span { start: field.line.start, end: span.start }));
                out.extend_from_slice(element);
                push_ended(out, request.at(Span { start: span.end, end: field.line.end }));
            }
            None => push_line(out, request, field),
        }
    }
}

fn push_to(out: &mut Vec<u8>, request: &Message, tag: &[u8]) {
    let Some(field) = request.field(Name::To) else { return };
    if tag.is_empty() || !request.to_tag().is_empty() {
        push_line(out, request, field);
        return;
    }
    out.extend_from_slice(request.at(Span { start: field.line.start, end: field.value.end }));
    out.extend_from_slice(b";tag=");
    out.extend_from_slice(tag);
    out.extend_from_slice(b"\r\n");
}

fn push_first(out: &mut Vec<u8>, message: &Message, name: Name) {
    if let Some(field) = message.field(name) {
        push_line(out, message, field);
    }
}

fn push_line(out: &mut Vec<u8>, message: &Message, field: &Field) {
    push_ended(out, message.at(field.line));
}

/// Pushes the end of a line; the last line of a datagram may have come without its line end.
fn push_ended(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    if line.last() != Some(&b'\n') {
        out.extend_from_slice(b"\r\n");
    }
}

fn push_fmt(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

/// In order of status. The names are those of the IANA registry of SIP response codes.
const PHRASES: [(u16, &str); 75] = [
    (100, "Trying"),
    (180, "Ringing"),
    (181, "Call Is Being Forwarded"),
    (182, "Queued"),
    (183, "Session Progress"),
    (199, "Early Dialog Terminated"),
    (200, "OK"),
    (202, "Accepted"),
    (204, "No Notification"),
    (300, "Multiple Choices"),
    (301, "Moved Permanently"),
    (302, "Moved Temporarily"),
    (305, "Use Proxy"),
    (380, "Alternative Service"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (402, "Payment Required"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (406, "Not Acceptable"),
    (407, "Proxy Authentication Required"),
    (408, "Request Timeout"),
    (410, "Gone"),
    (412, "Conditional Request Failed"),
    (413, "Request Entity Too Large"),
    (414, "Request-URI Too Long"),
    (415, "Unsupported Media Type"),
    (416, "Unsupported URI Scheme"),
    (417, "Unknown Resource-Priority"),
    (420, "Bad Extension"),
    (421, "Extension Required"),
    (422, "Session Interval Too Small"),
    (423, "Interval Too Brief"),
    (424, "Bad Location Information"),
    (425, "Bad Alert Message"),
    (428, "Use Identity Header"),
    (429, "Provide Referrer Identity"),
    (430, "Flow Failed"),
    (433, "Anonymity Disallowed"),
    (436, "Bad Identity Info"),
    (437, "Unsupported Credential"),
    (438, "Invalid Identity Header"),
    (439, "First Hop Lacks Outbound Support"),
    (440, "Max-Breadth Exceeded"),
    (469, "Bad Info Package"),
    (470, "Consent Needed"),
    (480, "Temporarily Unavailable"),
    (481, "Call/Transaction Does Not Exist"),
    (482, "Loop Detected"),
    (483, "Too Many Hops"),
    (484, "Address Incomplete"),
    (485, "Ambiguous"),
    (486, "Busy Here"),
    (487, "Request Terminated"),
    (488, "Not Acceptable Here"),
    (489, "Bad Event"),
    (491, "Request Pending"),
    (493, "Undecipherable"),
    (494, "Security Agreement Required"),
    (500, "Server Internal Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Server Time-out"),
    (505, "Version Not Supported"),
    (513, "Message Too Large"),
    (555, "Push Notification Service Not Supported"),
    (580, "Precondition Failure"),
    (600, "Busy Everywhere"),
    (603, "Decline"),
    (604, "Does Not Exist Anywhere"),
    (606, "Not Acceptable"),
    (607, "Unwanted"),
    (608, "Rejected"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Message {
        Message::parse(text.as_bytes().into()).unwrap()
    }

    fn text(bytes: &Bytes) -> &str {
        str::from_utf8(bytes).unwrap()
    }

    fn source() -> SocketAddr {
        "192.0.2.9:7000".parse().unwrap()
    }

    const REQUEST: &str = "INVITE sip:b@h SIP/2.0\r\n\
        vIa :  SIP/2.0/UDP a.b;rport;branch=z9hG4bK1 , SIP/2.0/TCP c\r\n\
        Timestamp: 5\r\n\
        Route: <sip:r1;lr>,\r\n <sip:r2;lr>\r\n\
        To: sip:b@h\r\n \r\n\
        X: y\r\n\
        v: SIP/2.0/TCP d\r\n\
        f: <sip:a@h>;tag=1\r\n\
        Route: <sip:r3;lr>\r\n\
        Call-ID: i\r\n\
        CSeq: 0009\r\n  INVITE\r\n\r\nbody";

    #[test]
    fn a_response_copies_what_it_must_and_stamps_the_top_via() {
        let extra = Extra { to_tag: b"t", lines: b"Retry-After: 5\r\n" };
        assert_eq!(
            text(&response(&parse(REQUEST), source(), 503, "Service Unavailable", extra)),
            "SIP/2.0 503 Service Unavailable\r\n\
            vIa :  SIP/2.0/UDP a.b;branch=z9hG4bK1;rport=7000;received=192.0.2.9 , SIP/2.0/TCP c\r\n\
            v: SIP/2.0/TCP d\r\n\
            f: <sip:a@h>;tag=1\r\n\
            To: sip:b@h;tag=t\r\n\
            Call-ID: i\r\n\
            CSeq: 0009\r\n  INVITE\r\n\
            Retry-After: 5\r\n\
            Content-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_terse_answer_does_without_a_length() {
        let request = parse("BYE sip:b SIP/2.0\r\nTo: <sip:b>\r\nCall-ID: i");
        let extra = Extra { to_tag: b"t", lines: b"" };
        let expected = "SIP/2.0 481 No\r\nTo: <sip:b>;tag=t\r\nCall-ID: i\r\n\r\n";
        assert_eq!(text(&terse_answer(&request, None, 481, "No", extra)), expected);
    }

    #[test]
    fn a_100_has_the_timestamp_and_no_tag_of_ours() {
        let request = "ACK sip:b SIP/2.0\r\nTimestamp: 5\r\nt: <sip:b>\r\n";
        assert_eq!(
            text(&response(&parse(request), source(), 100, "Trying", Extra::default())),
            "SIP/2.0 100 Trying\r\nt: <sip:b>\r\nTimestamp: 5\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_to_that_has_a_tag_keeps_it() {
        let extra = Extra { to_tag: b"t", lines: b"" };
        let request = parse("BYE sip:b SIP/2.0\r\nTo: <sip:b>;tag=x");
        let expected = "SIP/2.0 481 No\r\nTo: <sip:b>;tag=x\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(text(&response(&request, source(), 481, "No", extra)), expected);
    }

    #[test]
    fn an_ack_has_the_to_of_the_response() {
        let answer = parse("SIP/2.0 486 Busy\r\nTo: sip:b@h;tag=9\r\n\r\n");
        assert_eq!(
            text(&ack(&parse(REQUEST), &answer)),
            "ACK sip:b@h SIP/2.0\r\n\
            Via: SIP/2.0/UDP a.b;rport;branch=z9hG4bK1\r\n\
            Route: <sip:r1;lr>,\r\n <sip:r2;lr>\r\n\
            Route: <sip:r3;lr>\r\n\
            f: <sip:a@h>;tag=1\r\n\
            To: sip:b@h;tag=9\r\n\
            Call-ID: i\r\n\
            CSeq: 9 ACK\r\n\
            Max-Forwards: 70\r\n\
            Content-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_cancel_has_the_to_of_the_request_and_says_why() {
        let expected = "CANCEL sip:b@h SIP/2.0\r\n\
            Via: SIP/2.0/UDP a.b;rport;branch=z9hG4bK1\r\n\
            Route: <sip:r1;lr>,\r\n <sip:r2;lr>\r\n\
            Route: <sip:r3;lr>\r\n\
            f: <sip:a@h>;tag=1\r\n\
            To: sip:b@h\r\n \r\n\
            Call-ID: i\r\n\
            CSeq: 9 CANCEL\r\n\
            Max-Forwards: 70\r\n\
            Reason: SIP;cause=200\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(text(&cancel(&parse(REQUEST), Some("SIP;cause=200"))), expected);
        let silent = expected.replace("Reason: SIP;cause=200\r\n", "");
        assert_eq!(text(&cancel(&parse(REQUEST), None)), silent);
    }

    #[test]
    fn a_body_comes_with_its_type_and_its_length() {
        let extra = Extra { to_tag: b"9", lines: b"" };
        let answer = answer_with(&parse(REQUEST), None, 200, "OK", extra, ("application/sdp", b"v=0\r\n"));
        let end = "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
        assert!(text(&answer).ends_with(end) && text(&answer).matches("Content-").count() == 2);
        let mut without = Vec::new();
        push_body(&mut without, "application/sdp", b"");
        assert_eq!(without, b"Content-Length: 0\r\n\r\n");
    }

    #[test]
    fn phrases_are_found_for_known_codes_only() {
        assert!(PHRASES.is_sorted_by(|one, two| one.0 < two.0));
        let found = [100, 408, 487, 503, 608, 99, 199, 299, 700].map(phrase);
        let expected = [
            "Trying",
            "Request Timeout",
            "Request Terminated",
            "Service Unavailable",
            "Rejected",
            "Unknown",
            "Early Dialog Terminated",
            "Unknown",
            "Unknown",
        ];
        assert_eq!(found, expected);
    }
}
