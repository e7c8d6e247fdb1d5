//! From, To, Contact, Route and Record-Route values.

use crate::param::Params;
use crate::uri::Uri;

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
    /// Reads one element of such a header.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        todo!("{bytes:?}")
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
