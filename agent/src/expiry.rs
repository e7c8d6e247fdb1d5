//! When a call ends by itself unless it is refreshed (RFC 4028).

use core::time::Duration;
use sip::{Message, Name, Time};

/// The session timer of one call, refreshed by the other side: we never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry {
    interval: Duration,
    /// When the call ends.
    pub(crate) ends: Time,
}

/// The shortest timer (RFC 4028 §5). Who asks for less goes without.
const INTERVAL_MIN: u32 = 90;

impl Expiry {
    /// The one that a request asks for, if its sender will refresh (RFC 4028 §9). Who refreshes a call keeps it, or gives its
    /// timer up.
    pub(crate) fn asked_by(request: &Message, now: Time) -> Option<Self> {
        let can = |name| {
            let mut options = request.elements(name);
            options.any(|span| request.at(span).eq_ignore_ascii_case(b"timer"))
        };
        let value =
            request.value(Name::SessionExpires).filter(|_| can(Name::Supported) || can(Name::Require))?;
        let (seconds, params) =
            value.split_at(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
        let ours = params.to_ascii_lowercase().windows(13).any(|part| part == b"refresher=uas");
        let seconds = core::str::from_utf8(seconds.trim_ascii()).ok()?.parse::<u32>().ok()?;
        (!ours && seconds >= INTERVAL_MIN).then(|| {
            let interval = Duration::from_secs(seconds.into());
            // RFC 4028 §10: the call ends a third of the interval before its end, 32 s at most.
            Self { interval, ends: now + (interval - (interval / 3).min(Duration::from_secs(32))) }
        })
    }

    /// What an answer says that agrees on it.
    pub(crate) fn lines(self) -> String {
        format!("Require: timer\r\nSession-Expires: {};refresher=uac\r\n", self.interval.as_secs())
    }
}
