//! INVITE server transaction: RFC 3261 §17.2.1 as amended by RFC 6026 §7.1.

use super::{Reliability, ServerOutput, Timers};
use crate::message::Bytes;
use crate::time::Time;

/// One INVITE that was received, and what was answered.
#[derive(Clone, Debug)]
pub struct ServerInvite {}

impl ServerInvite {
    /// Begins with the 100 that is sent at once.
    pub fn start(
        trying: Bytes,
        reliability: Reliability,
        timers: Timers,
        out: &mut Vec<ServerOutput>,
    ) -> Self {
        todo!("{trying:?} {reliability:?} {timers:?} {out:?}")
    }

    /// The same INVITE came again: the last response is repeated, or nothing after a 2xx (RFC 6026 §7.1).
    pub fn on_retransmission(&mut self, out: &mut Vec<ServerOutput>) {
        todo!("{out:?}")
    }

    /// Sends a response. A provisional after a final, and a final of 300 and up after any final, are not sent; a
    /// 2xx is always sent, whatever came before.
    pub fn respond(&mut self, status: u16, response: Bytes, now: Time, out: &mut Vec<ServerOutput>) {
        todo!("{status} {response:?} {now} {out:?}")
    }

    /// An ACK with this transaction's branch came.
    pub fn on_ack(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
        todo!("{now} {out:?}")
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
        todo!("{now} {out:?}")
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }

    /// The status of the final response that was sent, if one was.
    #[must_use]
    pub fn answered(&self) -> Option<u16> {
        todo!()
    }
}
