//! How much of a tone is in a sound: Goertzel's filter.

use crate::g711::RATE;
use core::f32::consts::TAU;

/// Listens for one tone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goertzel {
    /// Two times the cosine of the tone's angle per sample.
    turn: f32,
    last: f32,
    older: f32,
}

impl Goertzel {
    pub(crate) fn new(frequency: f32) -> Self {
        Self { turn: 2.0 * (TAU * frequency / RATE as f32).cos(), last: 0.0, older: 0.0 }
    }

    pub(crate) fn hear(&mut self, sample: f32) {
        (self.last, self.older) = (sample + self.turn * self.last - self.older, self.last);
    }

    /// The power of the tone in what was heard: of a sine of size A in n samples (A·n/2)².
    pub(crate) fn power(&self) -> f32 {
        let Self { turn, last, older } = self;
        last * last + older * older - turn * last * older
    }

    /// Forgets what was heard.
    pub(crate) fn clear(&mut self) {
        (self.last, self.older) = (0.0, 0.0);
    }
}

/// The power of a sine of this size in so many samples.
pub(crate) fn power_of(size: f32, samples: usize) -> f32 {
    let half = size * samples as f32 / 2.0;
    half * half
}

/// The power of all that was heard in so many samples, whose squares have this sum, if it were one sine.
pub(crate) fn power_of_all(energy: f32, samples: usize) -> f32 {
    energy * samples as f32 / 2.0
}
