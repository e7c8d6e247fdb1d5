//! Messages made here: responses, ACK for a refusal, CANCEL, OPTIONS.

use crate::message::{Bytes, Message};
use core::net::SocketAddr;

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
    todo!("{request:?} {source} {status} {reason} {extra:?}")
}

/// Makes the ACK for a final response of 300 and up to an INVITE that *we* sent (RFC 3261 §17.1.1.3): the
/// request's URI, top Via, From, Call-ID, Route; the response's To; CSeq with the same number.
#[must_use]
pub fn ack(request: &Message, response: &Message) -> Bytes {
    todo!("{request:?} {response:?}")
}

/// Makes the CANCEL for an INVITE that *we* sent (RFC 3261 §9.1), with a `Reason` value if one is given (RFC 3326).
#[must_use]
pub fn cancel(request: &Message, reason: Option<&str>) -> Bytes {
    todo!("{request:?} {reason:?}")
}

/// The reason phrase of RFC 3261 §21 and later RFCs for a status; `"Unknown"` for one without.
#[must_use]
pub fn phrase(status: u16) -> &'static str {
    todo!("{status}")
}
