//! The strict gate: which status a request deserves that is not as it should be.

use crate::message::Message;

/// What is wrong with a message. A request is answered with `status` and `reason`; a response with a fault is
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 400, 416, 505 …
    pub status: u16,
    /// The reason phrase; says which header is at fault.
    pub reason: &'static str,
}

/// Judges a parsed message by RFC 3261 §8.1.1, §16.3 and RFC 4475.
///
/// # Errors
/// The fault; the caller answers a request with it and drops a response.
pub fn check(message: &Message) -> Result<(), Fault> {
    todo!("{message:?}")
}
