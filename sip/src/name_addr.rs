//! From, To, Contact, Route and Record-Route values.

use crate::param::Params;
use crate::scan::{quoted_end, trim};
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
        let bytes = trim(bytes);
        let quoted = if bytes.first() == Some(&b'"') { quoted_end(bytes, 0)? } else { 0 };
        let found =
            memchr3(b'<', b';', b'"', bytes.get(quoted..)?).map_or(bytes.len(), |offset| quoted + offset);
        match bytes.get(found) {
            Some(b'<') => Self::bracketed(bytes, found),
            Some(b';') | None if quoted == 0 => Self::bare(bytes, found),
            Some(_) | None => None,
        }
    }

    fn bracketed(bytes: &'a [u8], open: usize) -> Option<Self> {
        let display = trim(bytes.get(..open)?);
        let rest = bytes.get(open..)?.strip_prefix(b"<")?;
        let close = memchr(b'>', rest)?;
        let uri = rest.get(..close)?;
        let params = trim(rest.get(close + 1..)?);
        let is_whole = !uri.is_empty() && (params.is_empty() || params.first() == Some(&b';'));
        is_whole.then_some(Self { display, uri, params: Params { bytes: params } })
    }

    fn bare(bytes: &'a [u8], semicolon: usize) -> Option<Self> {
        let (uri, params) = bytes.split_at(semicolon);
        let uri = trim(uri);
        (!uri.is_empty()).then_some(Self { display: b"", uri, params: Params { bytes: params } })
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
