//! When to send again what may have been lost: timers A, E and G of RFC 3261 §17.

use super::{Reliability, Timers};
use crate::time::Time;
use core::time::Duration;

/// The next retransmission.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resend {
    /// When it is due.
    at: Time,
    /// The pause that ends with it.
    pause: Duration,
}

impl Resend {
    /// The first one, `t1` after `now`; `None` over a transport that retransmits by itself.
    pub(super) fn first(reliability: Reliability, timers: Timers, now: Time) -> Option<Self> {
        match reliability {
            Reliability::Reliable => None,
            Reliability::Unreliable => Some(Self::after(timers.t1, now)),
        }
    }

    /// One that comes `pause` after `now`.
    pub(super) fn after(pause: Duration, now: Time) -> Self {
        Self { at: now + pause, pause }
    }

    /// The one after this one: twice the pause, but not over `pause_max`. It is counted from `now`, so that an
    /// owner that comes late sends one copy and not a burst.
    pub(super) fn doubled(self, pause_max: Duration, now: Time) -> Self {
        Self::after(self.pause.saturating_mul(2).min(pause_max), now)
    }

    /// Has its time come?
    pub(super) fn is_due(self, now: Time) -> bool {
        self.at <= now
    }

    /// The earlier of `resend`, if there is one, and `end`.
    pub(super) fn or(resend: Option<Self>, end: Time) -> Time {
        resend.map_or(end, |resend| resend.at.min(end))
    }
}
