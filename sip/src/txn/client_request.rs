//! Client transaction of every other method: RFC 3261 §17.1.2.

use super::{ClientOutput, Reliability, Timers};
use crate::message::{Bytes, Message};
use crate::time::Time;

/// One request (not an INVITE) that was sent, and its responses.
#[derive(Clone, Debug)]
pub struct ClientRequest {}

impl ClientRequest {
    /// Sends the request.
    pub fn start(
        request: Bytes,
        reliability: Reliability,
        timers: Timers,
        now: Time,
        out: &mut Vec<ClientOutput>,
    ) -> Self {
        todo!("{request:?} {reliability:?} {timers:?} {now} {out:?}")
    }

    /// Takes a response whose branch and CSeq method matched this transaction.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<ClientOutput>) {
        todo!("{response:?} {now} {out:?}")
    }

    /// The transport says that the request cannot be delivered (ICMP, reset).
    pub fn on_unreachable(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        todo!("{now} {out:?}")
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        todo!("{now} {out:?}")
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }

    /// How often the request was sent again so far: a sign of loss, not of death.
    #[must_use]
    pub fn resent(&self) -> u32 {
        todo!()
    }
}
