//! Answers before the final one, each of which goes out again until it is acknowledged (RFC 3262): for a caller who requires it.

use core::time::Duration;
use sip::text::leading_decimal;
use sip::txn::Timers;
use sip::{Bytes, Message, Name, Time};

/// The provisional answers of one INVITE.
#[derive(Clone, Debug)]
pub(crate) struct Reliable {
    timers: Timers,
    /// The number of the last one (RSeq).
    number: u32,
    out: Option<Out>,
    /// What is to be said next: one waits for the other.
    next: Option<u16>,
}

#[derive(Clone, Debug)]
struct Out {
    bytes: Bytes,
    again_at: Time,
    pause: Duration,
    until: Time,
}

/// What has become of one.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    /// It is to be sent once more.
    Again(Bytes),
    /// The caller does not hear us.
    Nothing,
}

impl Reliable {
    /// For an INVITE that requires it.
    pub(crate) fn asked_by(invite: &Message, timers: Timers) -> Option<Self> {
        let mut required = invite.elements(Name::Require);
        let is_required = required.any(|span| invite.at(span).eq_ignore_ascii_case(b"100rel"));
        is_required.then_some(Self { timers, number: 0, out: None, next: None })
    }

    /// The header lines of a provisional answer that goes out now; `None` if it has to wait for the one before it.
    pub(crate) fn lines(&mut self, status: u16) -> Option<String> {
        if self.out.is_some() {
            self.next = Some(status);
            return None;
        }
        self.number += 1;
        Some(format!("Require: 100rel\r\nRSeq: {}\r\n", self.number))
    }

    /// It went out.
    pub(crate) fn sent(&mut self, bytes: Bytes, now: Time) {
        let Timers { t1, life, .. } = self.timers;
        self.out = Some(Out { bytes, again_at: now + t1, pause: t1, until: now + life });
    }

    /// Does this PRACK acknowledge it? Then what is said next may be, which is told.
    pub(crate) fn on_prack(&mut self, prack: &Message) -> Option<Option<u16>> {
        let number = prack.value(Name::RAck).and_then(leading_decimal)?;
        self.out.take_if(|_| number == u64::from(self.number))?;
        Some(self.next.take())
    }

    pub(crate) fn on_deadline(&mut self, now: Time) -> Option<Came> {
        let out = self.out.as_mut().filter(|out| out.again_at.min(out.until) <= now)?;
        if out.until <= now {
            self.out = None;
            return Some(Came::Nothing);
        }
        out.pause *= 2;
        out.again_at = now + out.pause;
        Some(Came::Again(out.bytes.clone()))
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.out.as_ref().map(|out| out.again_at.min(out.until))
    }
}
