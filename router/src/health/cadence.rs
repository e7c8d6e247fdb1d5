//! When the next probe of a path is due.

use crate::chance::Chance;
use crate::target::Probe;
use core::time::Duration;
use sip::Time;

/// The probes of one path: none at all, or one at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cadence {
    /// The path is not probed.
    Off,
    /// The next probe is sent then.
    Due {
        /// How it is probed.
        probe: Probe,
        /// When.
        at: Time,
    },
    /// A probe is under way; its sign will come.
    Asked {
        /// How it is probed.
        probe: Probe,
    },
}

impl Cadence {
    /// The first probe is due at `first`.
    pub(super) fn new(probe: Option<Probe>, first: Time) -> Self {
        probe.map_or(Self::Off, |probe| Self::Due { probe, at: first })
    }

    /// Other terms from now on; a probe that is under way stays so.
    pub(super) fn retune(&mut self, probe: Option<Probe>, now: Time) {
        *self = match (probe, *self) {
            (None, _) => Self::Off,
            (Some(probe), Self::Off) => Self::Due { probe, at: now },
            (Some(probe), Self::Due { at, .. }) => Self::Due { probe, at: at.min(now + probe.every) },
            (Some(probe), Self::Asked { .. }) => Self::Asked { probe },
        };
    }

    /// The terms of the probes; `None` if there are none.
    pub(super) const fn probe(&self) -> Option<Probe> {
        match self {
            Self::Off => None,
            Self::Due { probe, .. } | Self::Asked { probe } => Some(*probe),
        }
    }

    /// The probe that was under way has its sign.
    pub(super) fn on_probe_over(&mut self, now: Time, chance: &mut Chance) {
        if let Self::Asked { probe } = *self {
            *self = Self::Due { probe, at: now + chance.pause(probe.every) };
        }
    }

    /// The path may be dead, and calls wait for the verdict: the next probe comes soon.
    pub(super) fn hurry(&mut self, now: Time) {
        if let Self::Due { probe, at } = *self {
            *self = Self::Due { probe, at: at.min(now + probe.every.min(GAP)) };
        }
    }

    /// Whether a probe has to be sent now. `proof` is when a call has shown last what a probe would ask: it is put off
    /// to one interval after that.
    pub(super) fn on_deadline(&mut self, now: Time, proof: Option<Time>, chance: &mut Chance) -> bool {
        let Self::Due { probe, at } = *self else { return false };
        if at > now {
            return false;
        }
        let later = proof.map(|proof| proof + chance.pause(probe.every)).filter(|later| *later > now);
        *self = later.map_or(Self::Asked { probe }, |at| Self::Due { probe, at });
        later.is_none()
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    pub(super) const fn deadline(&self) -> Option<Time> {
        match self {
            Self::Due { at, .. } => Some(*at),
            Self::Off | Self::Asked { .. } => None,
        }
    }
}

/// Pause between probes of a path that may be dead.
const GAP: Duration = Duration::from_secs(1);
