//! Requests inside of calls that wait until the name of their next hop is known.

use crate::locate::Place;
use crate::path::Flow;
use crate::relay::Below;
use core::time::Duration;
use sip::{Message, Time};
use std::collections::VecDeque;

/// The requests that wait, in the order in which they came.
#[derive(Debug, Default)]
pub struct Parked {
    waiting: VecDeque<Waiting>,
}

/// One of them.
#[derive(Debug)]
pub struct Waiting {
    /// What it waits for.
    pub place: Place,
    /// Where it came from.
    pub flow: Flow,
    /// The request.
    pub request: Message,
    /// Its topmost Via.
    pub below: Below,
    /// Until when it waits.
    pub until: Time,
}

/// How long a request waits for a name: its sender's first two retransmissions are out by then, and the third is a
/// second away. A resolver that is well answers in a tenth of it.
pub const WAIT: Duration = Duration::from_secs(1);

/// Requests that wait at once; a further one is refused. At 64 KiB each, the most a message has, this is 32 MiB.
const WAITING_MAX: usize = 512;

impl Parked {
    /// Lets a request wait; `false` if there is no room.
    pub fn push(&mut self, waiting: Waiting) -> bool {
        let room = self.waiting.len() < WAITING_MAX;
        if room {
            self.waiting.push_back(waiting);
        }
        room
    }

    /// Those that wait for this place.
    pub fn of(&mut self, place: &Place) -> Vec<Waiting> {
        let (theirs, others) =
            core::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.place == *place);
        self.waiting = others;
        Vec::from(theirs)
    }

    /// Those that have waited long enough.
    pub fn over(&mut self, now: Time) -> Vec<Waiting> {
        let over = self.waiting.iter().take_while(|waiting| waiting.until <= now).count();
        self.waiting.drain(..over).collect()
    }

    /// When the first has waited long enough; `None` if none waits.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.waiting.front().map(|waiting| waiting.until)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
