//! Does the silence of probes mean anything on this path?

use core::time::Duration;
use sip::Time;

/// What probes and calls say against each other. Some peers never answer OPTIONS, some only after a recent call.
///
/// A path is deaf to probes while calls have proven it and no probe was ever answered; or, for five minutes after
/// the call, while a call has proven it since the first of the probes that miss now. An answered probe ends both.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deafness {
    call_answered: Option<Time>,
    probe_answered: bool,
    missing_since: Option<Time>,
}

impl Deafness {
    /// A call was answered or rang.
    pub(super) const fn on_call_answered(&mut self, now: Time) {
        self.call_answered = Some(now);
    }

    /// A probe was answered, with whatever status.
    pub(super) const fn on_probe_answered(&mut self) {
        self.probe_answered = true;
        self.missing_since = None;
    }

    /// A probe was not answered.
    pub(super) fn on_probe_missed(&mut self, now: Time) {
        self.missing_since.get_or_insert(now);
    }

    /// Was any probe answered, ever?
    pub(super) const fn has_answered(&self) -> bool {
        self.probe_answered
    }

    /// When a call was last answered or rang.
    pub(super) const fn call_answered(&self) -> Option<Time> {
        self.call_answered
    }

    /// By all that is known now: would a silent probe at this moment say nothing?
    pub(super) fn is_deaf(&self, at: Time) -> bool {
        match (self.call_answered, self.missing_since) {
            (None, _) => false,
            (Some(_), _) if !self.probe_answered => true,
            (Some(call), Some(missing)) => call > missing && at < call + PROOF,
            (Some(_), None) => false,
        }
    }
}

/// How long a call outranks the silence of probes: long enough for the next call of a busy line, short enough that a
/// trunk that dies in just that moment is found the same morning.
const PROOF: Duration = Duration::from_secs(300);
