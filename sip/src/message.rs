//! A message: an index over the bytes that arrived.

use crate::header::Name;
use crate::method::Method;
use crate::name_addr::NameAddr;
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
    pub(crate) body: Span,
    pub(crate) excess: bool,
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
        todo!()
    }

    /// The method's name as it was written: of the request line, or of a response's CSeq.
    #[must_use]
    pub fn method_name(&self) -> &[u8] {
        todo!()
    }

    /// The Request-URI as it was written; `None` for a response.
    #[must_use]
    pub fn request_uri(&self) -> Option<Span> {
        todo!()
    }

    /// The status code; `None` for a request. 0 to 999 as it was written; `check` refuses those outside 100 to 699.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        todo!()
    }

    /// The reason phrase; empty for a request.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        todo!()
    }

    /// All header fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields of one name, in order.
    pub fn fields_of(&self, name: Name) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The first field of that name.
    #[must_use]
    pub fn field(&self, name: Name) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The value of the first field of that name, without surrounding white space.
    #[must_use]
    pub fn value(&self, name: Name) -> Option<&[u8]> {
        self.field(name).map(|field| self.at(field.value))
    }

    /// Each element of a comma-separated header, across all its lines, in order: the span of each, trimmed.
    /// Commas inside quotes and angle brackets do not separate.
    pub fn elements(&self, name: Name) -> impl Iterator<Item = Span> {
        let _ = name;
        core::iter::empty()
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
        todo!()
    }

    /// The topmost Via element, with its span; `None` if missing or malformed.
    #[must_use]
    pub fn top_via(&self) -> Option<Via<'_>> {
        todo!()
    }

    /// The second Via element, across lines and commas.
    #[must_use]
    pub fn second_via(&self) -> Option<Via<'_>> {
        todo!()
    }

    /// The From header; `None` if missing or malformed.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'_>> {
        todo!()
    }

    /// The To header; `None` if missing or malformed.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'_>> {
        todo!()
    }

    /// The tag of From; empty if there is none.
    #[must_use]
    pub fn from_tag(&self) -> &[u8] {
        todo!()
    }

    /// The tag of To; empty if there is none.
    #[must_use]
    pub fn to_tag(&self) -> &[u8] {
        todo!()
    }

    /// Max-Forwards; `None` if missing or not a number.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        todo!()
    }
}
