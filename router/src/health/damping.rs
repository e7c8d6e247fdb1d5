//! How long a path must be well before it is trusted again: longer with every relapse.

use core::time::Duration;
use sip::Time;

/// The hold of one path: the plan's at first, doubled with every relapse, the plan's again after an hour well.
///
/// A relapse is to leave UP within one hold of the return to it, or to go DOWN again; one fall counts once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Damping {
    plan: Duration,
    hold: Duration,
    returned: Option<Time>,
    left_up: bool,
    was_down: bool,
    counted: bool,
}

impl Damping {
    /// No relapse yet.
    pub(super) const fn new(plan: Duration) -> Self {
        Self { plan, hold: plan, returned: None, left_up: false, was_down: false, counted: false }
    }

    /// Takes the hold of another plan; what was earned under the old one is forgotten only if they differ.
    pub(super) fn retune(&mut self, plan: Duration) {
        if plan != self.plan {
            self.plan = plan;
            self.hold = plan;
        }
    }

    /// How long a path that is DOWN must be well before calls return.
    pub(super) const fn hold(&self) -> Duration {
        self.hold
    }

    /// The path may not return to UP before this moment: one return per hold.
    pub(super) fn up_from(&self) -> Time {
        self.returned.map_or(Time::ZERO, |at| at + self.hold)
    }

    /// The path is UP; the first time is no return.
    pub(super) fn on_up(&mut self, now: Time) {
        self.returned = (self.left_up || self.was_down).then_some(now);
        self.counted = false;
    }

    /// The path is on probation: to go DOWN from here is a relapse of its own.
    pub(super) const fn on_probation(&mut self) {
        self.counted = false;
    }

    /// The path is no longer UP.
    pub(super) fn on_leave_up(&mut self, now: Time) {
        if self.returned.is_some_and(|at| now >= at + WELL) {
            *self = Self::new(self.plan);
        } else if now < self.up_from() {
            self.relapse();
        }
        self.left_up = true;
    }

    /// The path is DOWN.
    pub(super) fn on_down(&mut self) {
        if self.was_down {
            self.relapse();
        }
        self.was_down = true;
    }

    fn relapse(&mut self) {
        if !self.counted {
            self.hold = self.hold.saturating_mul(2).min(HOLD_MAX).max(self.plan);
            self.counted = true;
        }
    }
}

/// A longer hold would keep a repaired path out of use for longer than people wait before they call for help.
const HOLD_MAX: Duration = Duration::from_secs(600);

/// After an hour without leaving UP the past is forgotten.
const WELL: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Duration = Duration::from_secs(30);

    const fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_hold_doubles_with_every_fall_up_to_ten_minutes() {
        let mut damping = Damping::new(PLAN);
        let mut holds = Vec::new();
        for _ in 0..7 {
            damping.on_down();
            holds.push(damping.hold().as_secs());
            damping.on_probation();
        }
        assert_eq!(holds, [30, 60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn one_fall_from_up_to_down_counts_once() {
        let mut damping = Damping::new(PLAN);
        damping.on_down();
        damping.on_probation();
        damping.on_up(at(100));
        damping.on_leave_up(at(110));
        damping.on_down();
        assert_eq!(damping.hold().as_secs(), 60);
    }

    #[test]
    fn an_hour_well_brings_back_the_hold_of_the_plan() {
        let mut damping = Damping::new(PLAN);
        for _ in 0..4 {
            damping.on_down();
            damping.on_probation();
        }
        damping.on_up(at(1_000));
        damping.on_leave_up(at(4_600));
        damping.on_down();
        assert_eq!(damping.hold(), PLAN);
    }

    #[test]
    fn a_hold_of_the_plan_above_ten_minutes_stands() {
        let mut damping = Damping::new(Duration::from_secs(900));
        damping.on_down();
        damping.on_down();
        assert_eq!(damping.hold().as_secs(), 900);
    }
}
