//! Server transaction of every other method: RFC 3261 §17.2.2 as amended by RFC 4320.

use super::{Reliability, ServerOutput, Timers};
use crate::message::Bytes;
use crate::time::Time;

/// One request (not an INVITE) that was received, and what was answered.
#[derive(Clone, Debug)]
pub struct ServerRequest {}

impl ServerRequest {
    /// Begins; nothing is sent (RFC 4320 §4.1: no 100 before Timer E would reach T2).
    #[must_use]
    pub fn start(reliability: Reliability, timers: Timers, now: Time) -> Self {
        todo!("{reliability:?} {timers:?} {now}")
    }

    /// The same request came again: the last response, if any, is repeated.
    pub fn on_retransmission(&mut self, out: &mut Vec<ServerOutput>) {
        todo!("{out:?}")
    }

    /// Sends the final response. A provisional and a 408 are never sent (RFC 4320 §4.1, §4.2), nor a second final.
    pub fn respond(&mut self, status: u16, response: Bytes, now: Time, out: &mut Vec<ServerOutput>) {
        todo!("{status} {response:?} {now} {out:?}")
    }

    /// Acts if a deadline has come. A request that is not answered for `timers.life` is dropped silently.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
        todo!("{now} {out:?}")
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
