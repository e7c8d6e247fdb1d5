//! What keeps a path out of selection beside what is believed of it: what its peer has said to us, not whether it
//! answers. Such a path is tried last, as one that is down.

use super::instant_busy::{InstantBusy, REST};
use crate::path::Path;
use core::time::Duration;
use sip::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A state beside the standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It has no room for one more call. Ends by itself.
    Full,
    /// It has refused five calls in a row with 403. Ends when a call gets through, or the plan is loaded again.
    Refused,
    /// It has said that our account has no credit (402). Ends when the plan is loaded again: somebody has to pay.
    Out,
}

/// What an answer leaves behind beside the path's health. TRIGGERS, section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// 402: the account is out of credit.
    NoCredit,
    /// 403: it does not want this call from us.
    Forbidden,
    /// 400 and its like: it does not understand what is asked.
    Misfit,
    /// 404 and its like: it does not know the number.
    Unknown,
    /// 482, 483: the call comes round in a circle.
    Loop,
    /// 3xx: it sends us elsewhere.
    Redirected,
    /// It has no room for one more call, for so many seconds if it named them.
    Full(Option<u32>),
    /// A fast 486 or 603 without a cause: a machine's word, perhaps for "no room".
    InstantBusy,
}

/// What is remembered of all paths beside beliefs: only of those that have something to remember.
#[derive(Clone, Debug, Default)]
pub(super) struct Sides {
    tallies: BTreeMap<Path, Tally>,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    forbidden: u8,
    misfits: u8,
    lasting: Option<Side>,
    full_until: Option<Time>,
    busies: InstantBusy,
}

/// Refusals with 403 in a row until a path is REFUSED.
const FORBIDDEN_MAX: u8 = 5;

/// Answers of the 400 class in a row until somebody should look at the configuration.
const MISFITS_MAX: u8 = 3;

/// The longest that FULL lasts without being said again; as for Retry-After.
const FULL_MAX: Duration = Duration::from_secs(300);

impl Sides {
    /// Keeps what is known of these paths only.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Path) -> bool) {
        self.tallies.retain(|path, _| wanted(path));
    }

    /// Somebody has looked at it all: nothing is held against anybody.
    pub(super) fn clear(&mut self) {
        self.tallies.clear();
    }

    /// As it stood once.
    pub(super) fn recall(&mut self, path: Path, side: Option<Side>, at: Time) {
        let tally = self.tallies.entry(path).or_default();
        (tally.lasting, tally.full_until) = match side {
            Some(Side::Full) => (None, Some(at + FULL_MAX)),
            lasting => (lasting, None),
        };
        self.drop_if_bare(path);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Path, Side)> {
        self.tallies.iter().filter_map(|(path, tally)| Some((*path, tally.side()?)))
    }

    pub(super) fn of(&self, path: Path) -> Option<Side> {
        if self.tallies.is_empty() { None } else { self.tallies.get(&path).and_then(Tally::side) }
    }

    /// A call was answered or rings by this path.
    pub(super) fn on_through(&mut self, path: Path) {
        let Some(tally) = self.tallies.get_mut(&path) else { return };
        (tally.forbidden, tally.misfits) = (0, 0);
        match tally.lasting {
            // The account may have credit for one call and none for the next.
            Some(Side::Out) => {}
            Some(Side::Refused | Side::Full) | None => tally.lasting = None,
        }
        self.drop_if_bare(path);
    }

    /// Takes a final refusal with what it leaves behind. True if it is the one too many of its kind in a row that
    /// somebody should know of.
    pub(super) fn on_refused(&mut self, path: Path, mark: Option<Mark>, now: Time) -> bool {
        let counts = matches!(mark, Some(Mark::Forbidden | Mark::Misfit | Mark::NoCredit | Mark::Full(_)));
        if !counts && !self.tallies.contains_key(&path) {
            return false;
        }
        let tally = self.tallies.entry(path).or_default();
        let (forbidden, misfits) = (tally.forbidden, tally.misfits);
        (tally.forbidden, tally.misfits) = (0, 0);
        match mark {
            Some(Mark::NoCredit) => tally.lasting = Some(Side::Out),
            Some(Mark::Forbidden) => {
                tally.forbidden = forbidden.saturating_add(1);
                if tally.forbidden >= FORBIDDEN_MAX {
                    tally.lasting = tally.lasting.max(Some(Side::Refused));
                }
            }
            Some(Mark::Misfit) => tally.misfits = misfits.saturating_add(1),
            Some(Mark::Full(Some(seconds))) => {
                let until = now + Duration::from_secs(u64::from(seconds.max(1))).min(FULL_MAX);
                tally.full_until = tally.full_until.max(Some(until));
            }
            Some(Mark::Full(None) | Mark::Unknown | Mark::Loop | Mark::Redirected | Mark::InstantBusy)
            | None => {}
        }
        let one_too_many = tally.misfits == MISFITS_MAX;
        self.drop_if_bare(path);
        one_too_many
    }

    /// A call to this number was refused as [`Mark::InstantBusy`]. True if the path's peer is at its limit by that.
    pub(super) fn on_instant_busy(&mut self, path: Path, number: &Arc<str>, now: Time) -> bool {
        let tally = self.tallies.entry(path).or_default();
        let at_limit = tally.busies.on_busy(number, now);
        if at_limit {
            tally.full_until = tally.full_until.max(Some(now + REST));
        }
        at_limit
    }

    /// The paths whose FULL has had its time.
    pub(super) fn due(&self, now: Time) -> Vec<Path> {
        let over = |tally: &Tally| tally.full_until.is_some_and(|until| until <= now);
        self.tallies.iter().filter(|(_, tally)| over(tally)).map(|(path, _)| *path).collect()
    }

    /// A path is full no longer.
    pub(super) fn on_full_over(&mut self, path: Path) {
        if let Some(tally) = self.tallies.get_mut(&path) {
            tally.full_until = None;
            self.drop_if_bare(path);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.tallies.values().filter_map(|tally| tally.full_until).min()
    }

    fn drop_if_bare(&mut self, path: Path) {
        let bare = |tally: &Tally| {
            tally.side().is_none() && tally.forbidden == 0 && tally.misfits == 0 && tally.busies.is_empty()
        };
        if self.tallies.get(&path).is_some_and(bare) {
            self.tallies.remove(&path);
        }
    }
}

impl Tally {
    fn side(&self) -> Option<Side> {
        match (self.lasting, self.full_until) {
            (Some(side), _) => Some(side),
            (None, Some(_)) => Some(Side::Full),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Transport;

    fn path(last: u8) -> Path {
        Path { transport: Transport::Udp, local: 0, remote: ([192, 0, 2, last], 5060).into() }
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn refuse(sides: &mut Sides, marks: &[Option<Mark>]) -> Vec<bool> {
        marks.iter().map(|mark| sides.on_refused(path(1), *mark, at(0))).collect()
    }

    #[test]
    fn five_403_in_a_row_are_refused_until_a_call_gets_through() {
        let mut sides = Sides::default();
        refuse(&mut sides, &[Some(Mark::Forbidden); 4]);
        assert_eq!(sides.of(path(1)), None);
        refuse(&mut sides, &[None]);
        refuse(&mut sides, &[Some(Mark::Forbidden); 4]);
        assert_eq!(sides.of(path(1)), None, "a busy in between: not in a row");
        refuse(&mut sides, &[Some(Mark::Forbidden)]);
        assert_eq!(sides.of(path(1)), Some(Side::Refused));
        assert_eq!(sides.of(path(2)), None);
        refuse(&mut sides, &[None]);
        assert_eq!(sides.of(path(1)), Some(Side::Refused), "a refusal of another kind lets nobody through");
        sides.on_through(path(1));
        assert_eq!((sides.of(path(1)), sides.tallies.len()), (None, 0));
    }

    #[test]
    fn without_credit_it_is_out_until_somebody_has_paid() {
        let mut sides = Sides::default();
        refuse(&mut sides, &[Some(Mark::NoCredit)]);
        refuse(&mut sides, &[Some(Mark::Forbidden); 5]);
        sides.on_through(path(1));
        assert_eq!(sides.of(path(1)), Some(Side::Out));
        sides.clear();
        assert_eq!(sides.of(path(1)), None);
    }

    #[test]
    fn the_third_misfit_in_a_row_is_one_too_many_and_told_once() {
        let mut sides = Sides::default();
        let told = refuse(&mut sides, &[Some(Mark::Misfit); 5]);
        assert_eq!(told, [false, false, true, false, false]);
        let told = refuse(&mut sides, &[Some(Mark::Unknown), Some(Mark::Misfit), Some(Mark::Misfit)]);
        assert_eq!(told, [false, false, false]);
        sides.on_through(path(1));
        assert_eq!(refuse(&mut sides, &[Some(Mark::Misfit); 3]), [false, false, true]);
        assert_eq!(sides.of(path(1)), None);
    }

    #[test]
    fn full_lasts_as_long_as_it_was_said_and_at_most_five_minutes() {
        let mut sides = Sides::default();
        assert!(!sides.on_refused(path(1), Some(Mark::Full(Some(7))), at(0)));
        assert_eq!((sides.of(path(1)), sides.deadline()), (Some(Side::Full), Some(at(7))));
        sides.on_refused(path(1), Some(Mark::Full(Some(3))), at(1));
        assert_eq!(sides.deadline(), Some(at(7)), "the longer counts");
        sides.on_through(path(1));
        assert_eq!(sides.of(path(1)), Some(Side::Full), "one call fewer is no room for one more");
        assert_eq!((sides.due(at(6)), sides.due(at(7))), (vec![], vec![path(1)]));
        sides.on_full_over(path(1));
        assert_eq!((sides.of(path(1)), sides.deadline(), sides.tallies.len()), (None, None, 0));
        sides.on_refused(path(1), Some(Mark::Full(Some(86_400))), at(0));
        assert_eq!(sides.deadline(), Some(at(300)));
        sides.on_refused(path(2), Some(Mark::Full(Some(0))), at(0));
        assert_eq!(sides.deadline(), Some(at(1)));
        sides.on_refused(path(3), Some(Mark::Full(None)), at(0));
        assert_eq!(sides.of(path(3)), None, "a limit without a time keeps nobody out");
    }

    #[test]
    fn only_what_has_something_to_remember_takes_room() {
        let mut sides = Sides::default();
        refuse(&mut sides, &[None, Some(Mark::Unknown), Some(Mark::Loop), Some(Mark::Redirected)]);
        assert!(sides.tallies.is_empty());
        refuse(&mut sides, &[Some(Mark::NoCredit)]);
        sides.retain(|other| *other == path(1));
        assert_eq!(sides.all().collect::<Vec<_>>(), [(path(1), Side::Out)]);
        sides.retain(|other| *other == path(2));
        assert_eq!(sides.all().count(), 0);
    }
}
