//! The clock: the only file that asks the operating system for the time.

use core::time::Duration;
use sip::Time;
use std::time::SystemTime;

/// Turns the monotonic clock of the operating system into [`Time`]. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: tokio::time::Instant,
}

impl Clock {
    /// A clock that reads [`Time::ZERO`] now.
    #[must_use]
    pub fn start() -> Self {
        Self { zero: tokio::time::Instant::now() }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(self) -> Time {
        Time::ZERO + self.zero.elapsed()
    }

    /// Microseconds since 1970 (UTC) at [`Time::ZERO`], as the time of day is set now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
    pub fn epoch(self) -> i64 {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let unix = i64::try_from(unix.as_micros()).unwrap_or(i64::MAX);
        unix.saturating_sub(i64::try_from(self.now().as_micros()).unwrap_or(i64::MAX))
    }

    /// Microseconds since 1970 (UTC), as the time of day is set now.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.epoch().saturating_add_unsigned(self.now().as_micros())
    }

    /// The time of day, for what is decided by date while a plan file is read.
    #[must_use]
    pub fn today(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.unix()).unwrap_or_default()
    }

    /// Waits until `time`; for ever if there is none. At the most a millisecond late, never early.
    pub async fn until(self, time: Option<Time>) {
        let Some(time) = time else { return core::future::pending().await };
        match self.zero.checked_add(Duration::from_micros(time.as_micros())) {
            Some(instant) => tokio::time::sleep_until(instant).await,
            None => core::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn waiting_never_ends_early() {
        let clock = Clock::start();
        let due = clock.now() + Duration::from_millis(5);
        clock.until(Some(due)).await;
        assert!(clock.now() >= due);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_epoch_stays_while_time_passes() {
        let clock = Clock::start();
        let before = clock.epoch();
        clock.until(Some(clock.now() + Duration::from_millis(5))).await;
        assert!(clock.epoch().abs_diff(before) < 100_000, "two readings of one clock differ");
        assert!(before > 1_700_000_000_000_000, "it is after 2023");
    }
}
