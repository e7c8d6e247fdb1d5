//! When a call ends by itself unless it is refreshed (RFC 4028).

use core::time::Duration;
use sip::text::leading_decimal;
use sip::{Message, Name, Params, Time};

/// The session timer of one call. Who is called never refreshes it; who calls does if the other side demands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry {
    interval: Duration,
    /// When we refresh the call; `None` if the other side does, or we have just done so.
    pub(crate) refresh_at: Option<Time>,
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
        let (interval, who) = of(request).filter(|_| can(Name::Supported) || can(Name::Require))?;
        (who != Some(Who::Uas)).then(|| Self::new(interval, now))
    }

    /// The one that an answer to our request grants (RFC 4028 §7.2). Whoever answers says who refreshes.
    pub(crate) fn granted_by(answer: &Message, now: Time) -> Option<Self> {
        let (interval, who) = of(answer)?;
        let is_ours = who == Some(Who::Uac);
        // RFC 4028 §7.4: half of the interval leaves time for a second try.
        let refresh_at = is_ours.then(|| now + interval / 2);
        Some(Self { refresh_at, ..Self::new(interval, now) })
    }

    /// The same, as long as a refusal demands (RFC 4028 §6), to be asked for at once; `None` if it demands nothing.
    pub(crate) fn raised(self, refusal: &Message, now: Time) -> Option<Self> {
        let least = leading_decimal(refusal.value(Name::MinSe)?).filter(|least| *least < 1 << 31)?;
        let interval = Duration::from_secs(least);
        (interval > self.interval).then_some(Self { interval, refresh_at: Some(now), ends: self.ends })
    }

    /// The same, refreshed by us then.
    pub(crate) fn refreshed_at(self, at: Time) -> Self {
        Self { refresh_at: Some(at), ..self }
    }

    fn new(interval: Duration, now: Time) -> Self {
        // RFC 4028 §10: the call ends a third of the interval before its end, 32 s at most.
        let ends = now + (interval - (interval / 3).min(Duration::from_secs(32)));
        Self { interval, refresh_at: None, ends }
    }

    /// What an answer says that agrees on it.
    pub(crate) fn lines(self) -> String {
        format!("Require: timer\r\nSession-Expires: {};refresher=uac\r\n", self.interval.as_secs())
    }

    /// What a refresh of ours says.
    pub(crate) fn asks(self) -> String {
        format!("Session-Expires: {};refresher=uac\r\n", self.interval.as_secs())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Uac,
    Uas,
}

/// What a message says of the timer, and of who refreshes.
fn of(message: &Message) -> Option<(Duration, Option<Who>)> {
    let value = message.value(Name::SessionExpires)?;
    let (seconds, params) =
        value.split_at(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
    let seconds = core::str::from_utf8(seconds.trim_ascii()).ok()?.parse::<u32>().ok()?;
    let who = Params { bytes: params }.value("refresher").and_then(|who| {
        let is = |name: &[u8]| who.eq_ignore_ascii_case(name);
        if is(b"uac") { Some(Who::Uac) } else { is(b"uas").then_some(Who::Uas) }
    });
    (seconds >= INTERVAL_MIN).then(|| (Duration::from_secs(seconds.into()), who))
}
