//! The four transaction machines: RFC 3261 §17, RFC 6026, RFC 4320.
//!
//! Each is started with `start`, fed with `on_*`, and says when it wants to be called with `deadline()`. What is to
//! be done is pushed to `out` in order; the last output of a machine's life is `Done`.
//!
//! A call that comes late is harmless: `on_deadline` acts only if the deadline has come, sends at most one copy, and
//! counts the next pause from `now`.

pub mod client_invite;
pub mod client_request;
mod resend;
pub mod server_invite;
pub mod server_request;
#[cfg(test)]
mod story;

pub use client_invite::ClientInvite;
pub use client_request::ClientRequest;
pub use server_invite::ServerInvite;
pub use server_request::ServerRequest;

use crate::message::{Bytes, Message};
use core::time::Duration;

/// The three timers of RFC 3261 §17, set per target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate: first retransmission; the rest are multiples. 50 to 500 ms here; never zero.
    pub t1: Duration,
    /// Longest pause between retransmissions of a request that is not an INVITE, and of a response.
    pub t2: Duration,
    /// How long a message can linger in the network.
    pub t4: Duration,
    /// How long a transaction waits for its end (timers B, F, H, J, L, M, and D): 64 · 500 ms whatever `t1` is, so
    /// that a short T1 for fast retransmission never shortens the time in which a late answer is accepted.
    pub life: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            life: Duration::from_secs(32),
        }
    }
}

/// Does the transport retransmit by itself?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// TCP, TLS: no retransmissions here, and no waiting for late copies.
    Reliable,
    /// UDP.
    Unreliable,
}

/// What a client transaction asks for.
#[derive(Clone, Debug)]
pub enum ClientOutput {
    /// Send these bytes to where the request went.
    Send(Bytes),
    /// A response for the user of the transaction. Copies of the same final of 300 and up are not passed; every
    /// reception of a 2xx to an INVITE is (RFC 6026 §7.2).
    Pass(Message),
    /// No final response in time (timer B or F).
    TimedOut,
    /// The transport could not deliver the request.
    Unreachable,
    /// The transaction is over; drop it.
    Done,
}

/// What a server transaction asks for.
#[derive(Clone, Debug)]
pub enum ServerOutput {
    /// Send these bytes to where the request came from.
    Send(Bytes),
    /// The ACK for our refusal has come; it ends here.
    Acked,
    /// No ACK came for our refusal (timer H).
    AckMissing,
    /// The transaction is over; drop it.
    Done,
}

/// What a status code means to a transaction (RFC 3261 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// 1xx: more will follow.
    Provisional,
    /// 2xx.
    Success,
    /// 300 and up: redirection, failure, or refusal.
    Refusal,
}

impl Class {
    /// Codes outside 100 to 699 count as the nearest class: a transaction that is told one still ends.
    fn of(status: u16) -> Self {
        match status {
            0..=199 => Self::Provisional,
            200..=299 => Self::Success,
            300.. => Self::Refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn each_code_has_a_class_and_those_outside_the_nearest() {
        let classes = [0, 99, 100, 199, 200, 299, 300, 699, 700, 999].map(Class::of);
        let [provisional, success, refusal] = [Class::Provisional, Class::Success, Class::Refusal];
        assert_eq!(classes[..4], [provisional; 4]);
        assert_eq!(classes[4..6], [success; 2]);
        assert_eq!(classes[6..], [refusal; 4]);
    }
}
