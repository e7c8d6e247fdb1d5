//! What of a node's plan is not in its file: which revision is in force, whether it has to be confirmed, which were taken back. One file in
//! the data folder, replaced as a whole.

use crate::orders::Order;
use crate::whole::{json_of, replace};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// It.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The revision that is in force; 0 before the first.
    pub in_force: u64,
    /// Since when, in seconds since 1970.
    pub since: i64,
    /// Who brought it into force, then.
    pub who: String,
    /// And why.
    pub why: String,
    /// Until when somebody has to confirm it.
    pub unconfirmed: Option<Unconfirmed>,
    /// Revisions that somebody, or time, took out of force for an earlier one. Their text does not come into force by a mere start.
    pub taken_back: Vec<u64>,
    /// What is switched by hand, in the order in which it was.
    #[serde(default)]
    pub switched: Vec<Switched>,
    /// How many things ever were: the next is one more.
    #[serde(default)]
    pub orders: u64,
}

/// Something that is switched by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switched {
    /// What it is called where it is taken back.
    pub id: u64,
    /// What is switched.
    pub order: Order,
    /// By whom.
    pub who: String,
    /// And why.
    pub why: String,
    /// Since when, in seconds since 1970.
    pub since: i64,
    /// Until when.
    pub until: i64,
}

/// What becomes of a revision that nobody confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unconfirmed {
    /// The revision that is in force again then.
    pub back_to: u64,
    /// When, in seconds since 1970.
    pub until: i64,
}

impl State {
    /// Reads it; the beginning of all if it was never written.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn read(data: &Path) -> io::Result<Self> {
        Ok(json_of(&data.join(FILE), SIZE_MAX)?.unwrap_or_default())
    }

    /// Writes it: it is on the disk when this returns.
    ///
    /// # Errors
    /// The disk does not take it; what was written before is still there.
    pub fn write(&self, data: &Path) -> io::Result<()> {
        replace(data, FILE, &serde_json::to_vec_pretty(self)?)
    }

    /// Puts a file that cannot be read out of the way, so that somebody can look at it.
    pub fn set_aside(data: &Path) {
        // If that fails the next write says why.
        let _ = fs::rename(data.join(FILE), data.join(format!("{FILE}.unreadable")));
    }

    /// What is switched, as orders.
    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.switched.iter().map(|switched| &switched.order)
    }

    /// Another revision is in force from now on; the one before was taken back if it is a later one.
    pub(super) fn go_to(&mut self, revision: u64, unix: i64, (who, why): (&str, &str)) {
        if revision < self.in_force {
            self.taken_back.push(self.in_force);
        }
        self.taken_back.retain(|taken| *taken != revision);
        let surplus = self.taken_back.len().saturating_sub(TAKEN_BACK_MAX);
        self.taken_back.drain(..surplus);
        (self.in_force, self.since, self.unconfirmed) = (revision, unix, None);
        (self.who, self.why) = (who.to_owned(), why.to_owned());
    }
}

const FILE: &str = "control.json";
const SIZE_MAX: u64 = 1 << 20;
/// As many revisions as are kept.
const TAKEN_BACK_MAX: usize = super::revisions::KEPT;

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: (&str, &str) = ("ana", "new numbers");

    #[test]
    fn who_goes_back_takes_back_what_was_in_force_and_who_returns_to_it_forgives_it() {
        let mut state = State { in_force: 3, ..State::default() };
        state.go_to(2, 10, ANA);
        assert_eq!((state.in_force, state.since, &*state.taken_back), (2, 10, &[3][..]));
        state.go_to(4, 20, ANA);
        assert_eq!(state.taken_back, [3]);
        state.go_to(3, 30, ANA);
        assert_eq!(state.taken_back, [4]);
    }
}
