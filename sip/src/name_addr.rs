//! From, To, Contact, Route and Record-Route values.

use crate::message::Span;
use crate::param::Params;
use crate::scan::{quoted_end, span, span_of, trim_range};
use crate::uri::Uri;
use memchr::{memchr, memchr3};

/// One `"Display" <uri>;params` or `uri;params`.
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    /// The display name as it was written, quotes kept; empty if there is none.
    pub display: &'a [u8],
    /// The URI as it was written, without the angle brackets.
    pub uri: &'a [u8],
    /// The header's parameters (`;tag=…`). Without angle brackets all parameters are the header's (RFC 3261 §20).
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one element of such a header; `None` if quotes or brackets are not closed, if there is no URI, or if
    /// something other than parameters follows it.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Parts::of(bytes, 0, bytes.len()).map(|parts| parts.view(bytes))
    }

    /// The URI taken apart; `None` if it is no SIP URI.
    #[must_use]
    pub fn sip_uri(&self) -> Option<Uri<'a>> {
        Uri::parse(self.uri)
    }

    /// The `tag` parameter; empty if there is none.
    #[must_use]
    pub fn tag(&self) -> &'a [u8] {
        self.params.value("tag").unwrap_or_default()
    }
}

/// Where the parts of one stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    display: Span,
    pub(crate) uri: Span,
    params: Span,
}

impl Parts {
    /// Reads what stands in `start..end`.
    pub(crate) fn of(bytes: &[u8], start: usize, end: usize) -> Option<Self> {
        let (start, end) = trim_range(bytes, start, end);
        let bytes = bytes.get(..end)?;
        let quoted = match bytes.get(start) {
            Some(b'<') => return Self::bracketed(bytes, start, start),
            Some(b'"') => quoted_end(bytes, start)?,
            Some(_) | None => start,
        };
        let found = memchr3(b'<', b';', b'"', bytes.get(quoted..)?).map_or(end, |offset| quoted + offset);
        match bytes.get(found) {
            Some(b'<') => Self::bracketed(bytes, start, found),
            Some(b';') | None if quoted == start => Self::bare(bytes, start, found),
            Some(_) | None => None,
        }
    }

    fn bracketed(bytes: &[u8], start: usize, open: usize) -> Option<Self> {
        let close = open + memchr(b'>', bytes.get(open..)?)?;
        let params = trim_range(bytes, close + 1, bytes.len());
        let is_whole = open + 1 < close && (params.0 == params.1 || bytes.get(params.0) == Some(&b';'));
        let display = trim_range(bytes, start, open);
        let parts = Self { display: span(display), uri: span((open + 1, close)), params: span(params) };
        is_whole.then_some(parts)
    }

    fn bare(bytes: &[u8], start: usize, semicolon: usize) -> Option<Self> {
        let uri = trim_range(bytes, start, semicolon);
        let params = (semicolon, bytes.len());
        let parts = Self { display: span((start, start)), uri: span(uri), params: span(params) };
        (uri.0 < uri.1).then_some(parts)
    }

    /// The parts of the bytes they were found in.
    pub(crate) fn view<'a>(&self, bytes: &'a [u8]) -> NameAddr<'a> {
        let at = |span: Span| bytes.get(span.start as usize..span.end as usize).unwrap_or_default();
        let params = Params { bytes: at(self.params) };
        NameAddr { display: at(self.display), uri: at(self.uri), params }
    }
}

/// A From or To: where its parts stand, and what of its parameters is asked for again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tagged {
    pub(crate) parts: Parts,
    /// The value of its `tag` parameter; empty if there is none.
    pub(crate) tag: Span,
    /// Are all parameters well formed, and has a tag a value? One without would hide the one that an answer adds.
    pub(crate) are_params_sound: bool,
}

impl Tagged {
    /// Reads what stands in a span of a message.
    pub(crate) fn of(bytes: &[u8], value: Span) -> Option<Self> {
        let parts = Parts::of(bytes, value.start as usize, value.end as usize)?;
        let (mut tag, mut are_params_sound) = (None, true);
        for param in parts.view(bytes).params.all() {
            are_params_sound &= param.is_well_formed;
            if tag.is_none() && param.name.eq_ignore_ascii_case(b"tag") {
                let value = param.value.unwrap_or_default();
                are_params_sound &= !value.is_empty();
                tag = Some(span_of(bytes, value));
            }
        }
        Some(Self { parts, tag: tag.unwrap_or_default(), are_params_sound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(&str, &str, &str)> {
        let addr = NameAddr::parse(text.as_bytes())?;
        let text = |bytes| str::from_utf8(bytes).unwrap();
        Some((text(addr.display), text(addr.uri), text(addr.params.bytes)))
    }

    #[test]
    fn display_uri_and_parameters_are_told_apart() {
        let cases = [
            ("<sip:a@b;lr>", ("", "sip:a@b;lr", "")),
            ("sip:a@b;tag=1", ("", "sip:a@b", ";tag=1")),
            ("sip:a@b \r\n ; tag = 1", ("", "sip:a@b", "; tag = 1")),
            ("Al B. <sip:a@b?x=y> ;tag=1", ("Al B.", "sip:a@b?x=y", ";tag=1")),
            ("\"<sip:x@y>, \\\"\"<sips:a@b>;q=\"<>\"", ("\"<sip:x@y>, \\\"\"", "sips:a@b", ";q=\"<>\"")),
            ("sip:a@b;x=\"<y>\"", ("", "sip:a@b", ";x=\"<y>\"")),
            ("isbn:2983792873", ("", "isbn:2983792873", "")),
            ("*", ("", "*", "")),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        for text in [
            "",
            " ",
            "\"A <sip:a@b>",
            "<sip:a@b",
            "\"A\" sip:a@b",
            "A \"B\" <sip:a@b>",
            "<>",
            "<sip:a> x",
            ";tag=1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_tag_is_the_headers_not_the_uris() {
        assert_eq!(NameAddr::parse(b"<sip:a@b;tag=1>").unwrap().tag(), b"");
        assert_eq!(NameAddr::parse(b"<sip:a@b;tag=1>;TAG=2").unwrap().tag(), b"2");
    }
}
