//! Via elements.

use crate::message::Span;
use crate::param::Params;
use crate::uri::Host;
use core::net::SocketAddr;

/// One Via element, `SIP/2.0/UDP host:port;params`.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// Where the element stands in its message, trimmed; all zero if it was parsed by itself.
    pub span: Span,
    /// `UDP`, `TCP`, `TLS` …, as it was written.
    pub transport: &'a [u8],
    /// The sent-by host.
    pub host: Host<'a>,
    /// The sent-by port, if one is written.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// The beginning of every branch of RFC 3261.
    pub const MAGIC: &'static [u8] = b"z9hG4bK";

    /// Reads one element; white space around the slashes and the colon is allowed (RFC 3261 §25.1).
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        todo!("{bytes:?}")
    }

    /// The `branch` parameter; empty if there is none.
    #[must_use]
    pub fn branch(&self) -> &'a [u8] {
        self.params.value("branch").unwrap_or_default()
    }

    /// The edits' raw material for RFC 3261 §18.2.1 and RFC 3581 §4: this element with `received` set to the
    /// source's address where the sent-by host differs from it or where `rport` was asked for, and `rport` filled
    /// in; `None` if nothing has to change. A `received` or a filled `rport` that the sender wrote itself is
    /// replaced, never believed.
    #[must_use]
    pub fn stamped(&self, element: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
        todo!("{element:?} {source}")
    }

    /// Where a response goes, RFC 3261 §18.2.2 and RFC 3581 §4: `maddr` (ignored), `received` or sent-by address,
    /// `rport`, sent-by port, or 5060 (5061 for TLS). `None` if the sent-by is a name and nothing was received.
    #[must_use]
    pub fn reply_to(&self) -> Option<SocketAddr> {
        todo!()
    }
}
