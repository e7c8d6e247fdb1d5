//! A message: an index over the bytes that arrived.

use crate::header::Name;
use crate::method::Method;
use crate::name_addr::{NameAddr, Tagged};
use crate::parse::{Flaws, Names};
use crate::scan::{Elements, number};
use crate::via::Via;
use core::fmt;
use std::sync::Arc;

/// The bytes of one message or datagram, shared and never changed.
pub type Bytes = Arc<[u8]>;

/// Where something stands in a message's bytes: `start..end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// One header field as it stands in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, long or compact.
    pub name: Name,
    /// The whole line or lines (folding included), with the line end.
    pub line: Span,
    /// The value without surrounding white space; inner folding is still there.
    pub value: Span,
}

/// Why bytes are no SIP message at all: nothing can be answered, the datagram is dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Longer than [`Message::BYTES_MAX`].
    TooLong,
    /// No start line that could be a request or a status line.
    NoStartLine,
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(out, "message is over {} bytes", Message::BYTES_MAX),
            Self::NoStartLine => write!(out, "no SIP start line"),
        }
    }
}

/// A request or a response: an index over its bytes. Cloning shares the bytes.
///
/// Parsing is lenient: what [`parse`](Self::parse) accepts may still be refused by [`check`](crate::check()).
#[derive(Clone, Debug)]
pub struct Message {
    pub(crate) bytes: Bytes,
    pub(crate) start: Start,
    pub(crate) fields: Vec<Field>,
    pub(crate) names: Names,
    pub(crate) from: Option<Tagged>,
    pub(crate) to: Option<Tagged>,
    pub(crate) cseq: Option<(u32, Span)>,
    pub(crate) body: Span,
    pub(crate) flaws: Flaws,
}

/// The first line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    Request { method: Method, name: Span, uri: Span, version: Span },
    Response { version: Span, status: u16, reason: Span },
}

impl Message {
    /// Bytes of one message. RFC 3261 §18.1.1 asks for at least 65,535.
    pub const BYTES_MAX: usize = 65_535;
    /// Header fields of one message; ordinary carrier INVITEs have 15 to 40. More are refused with 400 by `check`.
    pub const FIELDS_MAX: usize = 96;

    /// Indexes the bytes of one datagram or one framed message.
    ///
    /// # Errors
    /// Only where nothing could be answered: see [`ParseError`].
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        crate::parse::message(bytes)
    }

    /// The bytes this is an index over.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes of a span of this message; empty if the span is not of this message.
    #[must_use]
    pub fn at(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Is this a request?
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method: of the request line, or of a response's CSeq.
    #[must_use]
    pub fn method(&self) -> Method {
        match self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => Method::of(self.method_name()),
        }
    }

    /// The method's name as it was written: of the request line, or of a response's CSeq.
    #[must_use]
    pub fn method_name(&self) -> &[u8] {
        match self.start {
            Start::Request { name, .. } => self.at(name),
            Start::Response { .. } => self.cseq().map_or(b"", |(_, name)| name),
        }
    }

    /// The Request-URI as it was written; `None` for a response.
    #[must_use]
    pub fn request_uri(&self) -> Option<Span> {
        match self.start {
            Start::Request { uri, .. } => Some(uri),
            Start::Response { .. } => None,
        }
    }

    /// The status code; `None` for a request. 0 to 999 as it was written; `check` refuses those outside 100 to 699.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase; empty for a request.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        match self.start {
            Start::Request { .. } => b"",
            Start::Response { reason, .. } => self.at(reason),
        }
    }

    /// All header fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields of one name, in order.
    pub fn fields_of(&self, name: Name) -> impl Iterator<Item = &Field> {
        self.names.of(name, &self.fields).iter().filter(move |field| field.name == name)
    }

    /// Is there a field of that name?
    #[must_use]
    pub fn has(&self, name: Name) -> bool {
        self.names.has(name)
    }

    /// The first field of that name.
    #[must_use]
    pub fn field(&self, name: Name) -> Option<&Field> {
        self.names.of(name, &self.fields).first()
    }

    /// The value of the first field of that name, without surrounding white space.
    #[must_use]
    pub fn value(&self, name: Name) -> Option<&[u8]> {
        self.field(name).map(|field| self.at(field.value))
    }

    /// Is this field called so, in any case? For names that no [`Name`] stands for.
    #[must_use]
    pub fn is_named(&self, field: &Field, name: &[u8]) -> bool {
        let line = self.at(field.line);
        let (found, rest) = line.split_at_checked(name.len()).unwrap_or_default();
        // Where a name ends is the quicker test: nearly every other line has none there.
        matches!(rest.first(), Some(b':' | b' ' | b'\t')) && found.eq_ignore_ascii_case(name)
    }

    /// Each element of a comma-separated header, across all its lines, in order: the span of each, trimmed.
    /// Commas inside quotes and angle brackets do not separate.
    pub fn elements(&self, name: Name) -> impl Iterator<Item = Span> {
        self.fields_of(name).flat_map(|field| {
            let base = field.value.start;
            // Offsets inside a value are below BYTES_MAX.
            let place = move |at: usize| base + u32::try_from(at).unwrap_or_default();
            let place_both = move |(start, end)| Span { start: place(start), end: place(end) };
            Elements::of(self.at(field.value)).map(place_both)
        })
    }

    /// The body. Over UDP a missing Content-Length means "to the end of the datagram"; bytes beyond a stated
    /// length are not part of it (RFC 3261 §18.3).
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.at(self.body)
    }

    /// The Call-ID; empty if there is none.
    #[must_use]
    pub fn call_id(&self) -> &[u8] {
        self.value(Name::CallId).unwrap_or_default()
    }

    /// The CSeq number and method name; `None` if missing or malformed.
    #[must_use]
    pub fn cseq(&self) -> Option<(u32, &[u8])> {
        self.cseq.map(|(sequence, name)| (sequence, self.at(name)))
    }

    /// The topmost Via element, with its span; `None` if missing or malformed.
    #[must_use]
    pub fn top_via(&self) -> Option<Via<'_>> {
        self.via_at(self.elements(Name::Via).next()?)
    }

    /// The branch of the topmost Via; empty if there is none.
    #[must_use]
    pub fn branch(&self) -> &[u8] {
        self.top_via().map_or(b"", |via| via.branch())
    }

    /// The second Via element, across lines and commas.
    #[must_use]
    pub fn second_via(&self) -> Option<Via<'_>> {
        self.via_at(self.elements(Name::Via).nth(1)?)
    }

    /// The From header; `None` if missing or malformed.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'_>> {
        self.from.map(|from| from.parts.view(&self.bytes))
    }

    /// Where the URI of From stands; `None` if From is missing or malformed.
    #[must_use]
    pub fn from_uri(&self) -> Option<Span> {
        self.from.map(|from| from.parts.uri)
    }

    /// Where the URI of To stands; `None` if To is missing or malformed.
    #[must_use]
    pub fn to_uri(&self) -> Option<Span> {
        self.to.map(|to| to.parts.uri)
    }

    /// The To header; `None` if missing or malformed.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'_>> {
        self.to.map(|to| to.parts.view(&self.bytes))
    }

    /// The tag of From; empty if there is none.
    #[must_use]
    pub fn from_tag(&self) -> &[u8] {
        self.from.map_or(b"", |from| self.at(from.tag))
    }

    /// The tag of To; empty if there is none.
    #[must_use]
    pub fn to_tag(&self) -> &[u8] {
        self.to.map_or(b"", |to| self.at(to.tag))
    }

    /// Max-Forwards; `None` if missing or not a number.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        u32::try_from(number(self.value(Name::MaxForwards)?)?).ok()
    }

    pub(crate) fn via_at(&self, span: Span) -> Option<Via<'_>> {
        let mut via = Via::parse(self.at(span))?;
        via.span = span;
        Some(via)
    }

    /// Where the start line begins: after the empty lines that may come first.
    pub(crate) fn begin(&self) -> u32 {
        match self.start {
            Start::Request { name, .. } => name.start,
            Start::Response { version, .. } => version.start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Message {
        Message::parse(format!("SIP/2.0 200 OK\r\n{lines}\r\n").as_bytes().into()).unwrap()
    }

    #[test]
    fn elements_run_across_lines_and_commas() {
        let message = parse("m: <sip:a,b> ,, \"x,\" <sip:c>\r\nTo: d\r\nContact:\r\nContact: <sip:e>\r\n");
        let found: Vec<&[u8]> = message.elements(Name::Contact).map(|span| message.at(span)).collect();
        assert_eq!(found, [&b"<sip:a,b>"[..], b"\"x,\" <sip:c>", b"<sip:e>"]);
    }

    #[test]
    fn the_second_via_may_stand_on_the_first_line_or_the_next() {
        for vias in
            ["Via: SIP/2.0/UDP a, SIP/2.0/TCP b\r\n", "v: SIP/2.0/UDP a\r\nX: y\r\nv: SIP/2.0/TCP b\r\n"]
        {
            let message = parse(vias);
            let (top, second) = (message.top_via().unwrap(), message.second_via().unwrap());
            assert_eq!(message.at(top.span), b"SIP/2.0/UDP a");
            assert_eq!(message.at(second.span), b"SIP/2.0/TCP b");
            assert_eq!(second.transport, b"TCP");
        }
        assert!(parse("Via: SIP/2.0/UDP a\r\n").second_via().is_none());
    }

    #[test]
    fn a_name_that_nothing_here_knows_is_found_by_its_letters() {
        let message = parse("Privacy: id\r\nprivacy : user\r\nPrivacy-Plus: x\r\nPriv: y\r\n");
        let found = message.fields().iter().filter(|field| message.is_named(field, b"Privacy"));
        let found: Vec<&[u8]> = found.map(|field| message.at(field.value)).collect();
        assert_eq!(found, [&b"id"[..], b"user"]);
    }

    #[test]
    fn the_uris_of_from_and_to_are_found_where_they_stand() {
        let message = parse("f: \"<sip:x>\" <sip:a@b;x=y>;tag=1\r\nTo: sip:c@d;tag=2\r\n");
        let at = |span: Option<Span>| span.map(|span| message.at(span));
        assert_eq!(at(message.from_uri()), Some(&b"sip:a@b;x=y"[..]));
        assert_eq!(at(message.to_uri()), Some(&b"sip:c@d"[..]));
        assert_eq!(parse("").from_uri(), None);
    }

    #[test]
    fn a_responses_method_is_that_of_its_cseq() {
        let message = parse("CSeq: 0009\r\n  INVITE\r\n");
        assert_eq!(message.cseq(), Some((9, &b"INVITE"[..])));
        assert_eq!(message.method(), Method::Invite);
        assert_eq!(parse("").method(), Method::Other);
    }

    #[test]
    fn a_malformed_cseq_or_max_forwards_is_none() {
        for cseq in ["", "INVITE", "1", "1INVITE", "-1 INVITE", "1 INV ITE", "4294967296 INVITE"] {
            assert_eq!(parse(&format!("CSeq: {cseq}\r\n")).cseq(), None, "{cseq}");
        }
        let hops = |value: &str| parse(&format!("Max-Forwards: {value}\r\n")).max_forwards();
        assert_eq!([hops("0068"), hops(""), hops("-1"), hops("99999999999")], [Some(68), None, None, None]);
    }

    #[test]
    fn a_span_of_another_message_reads_nothing() {
        assert_eq!(parse("").at(Span { start: 5, end: 9000 }), b"");
        assert_eq!(parse("").at(Span { start: 9, end: 5 }), b"");
    }
}
