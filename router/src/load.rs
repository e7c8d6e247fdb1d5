//! How many calls carriers, trunks, sites and services carry now, and whether one more fits.
//!
//! Counted is only what has a limit: by the plan (`channels`, `cps`), or learned from its own refusals. A leg counts from
//! its INVITE to its final response. A call that is up counts from its 2xx until its BYE passes here, or until nothing was
//! heard of it for so long that it must be over: a proxy holds no dialogs. So this is an estimate. It begins empty with
//! the process, and does not know what other nodes carry; what it calls full is tried last, never refused.

use crate::pace::Pace;
use crate::spent::{Cap, Spent};
use core::fmt;
use core::time::Duration;
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whose calls are counted together: by name, so that a count outlives the plan that began it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// All trunks of a carrier.
    Carrier(Arc<str>),
    /// One peer: a trunk.
    Peer(Arc<str>),
    /// A destination, by whatever way it is reached.
    Target(Arc<str>),
}

/// How much something takes. Without either it takes all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What.
    pub of: Counted,
    /// Calls at once.
    pub channels: Option<u32>,
    /// New calls a second; as many may come in one burst.
    pub cps: Option<u32>,
}

/// One counted leg, and the call it may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What load has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// What is full now.
    pub of: Counted,
    /// The calls that it carries.
    pub calls: u32,
}

/// All counts.
#[derive(Clone, Debug, Default)]
pub struct Load {
    gauges: BTreeMap<Counted, Gauge>,
    held: BTreeMap<Ticket, Held>,
    until: BTreeSet<(Time, Ticket)>,
    dialogs: BTreeMap<u64, Ticket>,
    spent: BTreeMap<Arc<str>, Spent>,
    learned: u32,
    last: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    calls: u32,
    /// How fast its calls have come.
    pace: Pace,
    learned: Option<(u32, Time)>,
    told: Option<Time>,
}

#[derive(Clone, Debug)]
struct Held {
    of: Vec<Counted>,
    until: Time,
    dialog: Option<(u64, Duration)>,
    /// The course that has sent it out to a phone number, if that may not send out all, and when it was answered.
    sent_out: Option<(Arc<str>, Option<Time>)>,
}

/// Legs and calls that are counted at once; what comes beyond is not counted. As many as a node holds.
pub const HELD_MAX: usize = 200_000;

/// A leg is over by then, whatever was missed: the longest walk, and 64 · T1.
const LEG_LIFE: Duration = Duration::from_secs(180 + 32);

/// A call whose BYE never came is forgotten by then, if its session timer says nothing earlier.
pub const CALL_LIFE: Duration = Duration::from_secs(4 * 3600);

/// A session timer may be late by so much (RFC 4028 §10 ends the call 32 s before).
const TIMER_SLACK: Duration = Duration::from_secs(32);

/// That something is full is told again after so long at the earliest: at its limit it is full after every call.
const TOLD_EVERY: Duration = Duration::from_secs(60);

impl Load {
    /// Would a further call be too much? By what the plan says, and by what was learned.
    #[must_use]
    pub fn is_full(&self, limit: &Limit, now: Time) -> bool {
        let Some(gauge) = self.gauges.get(&limit.of) else { return limit.channels == Some(0) };
        limit.channels.is_some_and(|channels| gauge.calls >= channels) || gauge.pace.is_spent(limit.cps, now)
    }

    /// Has a peer shown by its refusals that it takes no more than it carries?
    #[must_use]
    pub fn is_at_learned(&self, peer: &Arc<str>, now: Time) -> bool {
        let gauge = || self.gauges.get(&Counted::Peer(Arc::clone(peer)));
        let learned = || gauge()?.learned.filter(|(_, until)| *until > now);
        self.learned > 0
            && learned().is_some_and(|(limit, _)| self.calls(&Counted::Peer(Arc::clone(peer))) >= limit)
    }

    /// A peer of the plan has shown that it takes no more than so many calls at once; it is believed until then. What is not counted
    /// carries none as far as is known, and is full all that time.
    pub fn learn(&mut self, peer: &Arc<str>, limit: u32, until: Time) {
        let gauge = self.gauges.entry(Counted::Peer(Arc::clone(peer))).or_default();
        self.learned += u32::from(gauge.learned.replace((limit, until)).is_none());
    }

    /// The calls that something carries, as far as they are counted.
    #[must_use]
    pub fn calls(&self, of: &Counted) -> u32 {
        self.gauges.get(of).map_or(0, |gauge| gauge.calls)
    }

    /// Legs and calls that are counted now; never more than [`HELD_MAX`].
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// All that is counted, with its calls.
    pub fn counts(&self) -> impl Iterator<Item = (&Counted, u32)> {
        self.gauges.iter().map(|(of, gauge)| (of, gauge.calls))
    }

    /// A leg begins that counts for all these, and for the course that sends it out to a phone number, if that has a cap. What is
    /// full by it is told.
    pub fn on_begun(
        &mut self,
        limits: &[&Limit],
        course: Option<&Arc<str>>,
        now: Time,
        told: &mut Vec<Filled>,
    ) -> Option<Ticket> {
        if limits.is_empty() && course.is_none() || self.held.len() >= HELD_MAX {
            return None;
        }
        for limit in limits {
            let gauge = self.gauges.entry(limit.of.clone()).or_default();
            gauge.calls += 1;
            gauge.pace.take(limit.cps, now);
            let calls = gauge.calls;
            let quiet = gauge.told.is_none_or(|told| now >= told + TOLD_EVERY);
            if quiet && self.is_full(limit, now) {
                told.push(Filled { of: limit.of.clone(), calls });
                self.gauges.entry(limit.of.clone()).or_default().told = Some(now);
            }
        }
        self.last += 1;
        let (ticket, until) = (Ticket(self.last), now + LEG_LIFE);
        self.until.insert((until, ticket));
        let of = limits.iter().map(|limit| limit.of.clone()).collect();
        let sent_out = course.map(|course| (Arc::clone(course), None));
        self.held.insert(ticket, Held { of, until, dialog: None, sent_out });
        Some(ticket)
    }

    /// The leg was answered: it is a call now, known by a hash of Call-ID and both tags. `timer` is its session timer
    /// (RFC 4028), if it has one.
    pub fn on_answered(&mut self, ticket: Ticket, dialog: u64, timer: Option<Duration>, now: Time) {
        let life = timer.map_or(CALL_LIFE, |timer| (timer + TIMER_SLACK).min(CALL_LIFE));
        let Some(held) = self.held.get_mut(&ticket) else { return };
        held.dialog = Some((dialog, life));
        if let Some((course, answered)) = &mut held.sent_out {
            *answered = Some(now);
            self.spent.entry(Arc::clone(course)).or_default().on_answered(now);
        }
        // A 2xx that came twice, or a hash that hits twice: the elder waits for its end of life.
        self.dialogs.insert(dialog, ticket);
        self.put_off(ticket, now + life);
    }

    /// A request inside of this call passed: it is still up.
    pub fn on_refreshed(&mut self, dialog: u64, now: Time) {
        let Some(ticket) = self.dialogs.get(&dialog).copied() else { return };
        if let Some((_, life)) = self.held.get(&ticket).and_then(|held| held.dialog) {
            self.put_off(ticket, now + life);
        }
    }

    /// The BYE of this call passed.
    pub fn on_bye(&mut self, dialog: u64, now: Time) {
        if let Some(ticket) = self.dialogs.get(&dialog).copied() {
            self.on_call_over(ticket, now);
        }
    }

    /// Has a course spent all that it may send out to phone numbers?
    #[must_use]
    pub fn is_spent(&self, course: &Arc<str>, cap: &Cap, now: Time) -> bool {
        self.spent.get(course).is_some_and(|spent| spent.is_over(cap, now))
    }

    fn on_call_over(&mut self, ticket: Ticket, now: Time) {
        let sent_out = self.held.get(&ticket).and_then(|held| held.sent_out.clone());
        if let Some((course, Some(answered))) = sent_out {
            self.spent.entry(course).or_default().on_over(now.since(answered), now);
        }
        self.on_over(ticket);
    }

    /// A leg is over, or a call.
    pub fn on_over(&mut self, ticket: Ticket) {
        let Some(held) = self.held.remove(&ticket) else { return };
        self.until.remove(&(held.until, ticket));
        if let Some((dialog, _)) = held.dialog
            && self.dialogs.get(&dialog) == Some(&ticket)
        {
            self.dialogs.remove(&dialog);
        }
        for of in &held.of {
            if let Some(gauge) = self.gauges.get_mut(of) {
                gauge.calls = gauge.calls.saturating_sub(1);
            }
        }
    }

    /// Forgets what must be over by now.
    pub fn on_deadline(&mut self, now: Time) {
        while let Some(&(until, ticket)) = self.until.first() {
            if until > now {
                break;
            }
            self.on_call_over(ticket, now);
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.until.first().map(|(until, _)| *until)
    }

    /// Does it know of any call that is up?
    #[must_use]
    pub fn has_dialogs(&self) -> bool {
        !self.dialogs.is_empty()
    }

    /// Keeps the counts of what has a limit by this plan or still carries calls, and forgets the others.
    pub fn keep<'a>(&mut self, limits: impl Iterator<Item = &'a Limit>, now: Time) {
        let wanted: BTreeSet<&Counted> = limits.map(|limit| &limit.of).collect();
        for gauge in self.gauges.values_mut() {
            gauge.learned = gauge.learned.filter(|(_, until)| *until > now);
        }
        self.spent.retain(|_, spent| !spent.is_nothing(now));
        self.gauges.retain(|of, gauge| gauge.calls > 0 || gauge.learned.is_some() || wanted.contains(of));
        let learned = self.gauges.values().filter(|gauge| gauge.learned.is_some()).count();
        self.learned = u32::try_from(learned).unwrap_or(u32::MAX);
    }

    fn put_off(&mut self, ticket: Ticket, until: Time) {
        if let Some(held) = self.held.get_mut(&ticket) {
            self.until.remove(&(held.until, ticket));
            held.until = until;
            self.until.insert((until, ticket));
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier(name) => write!(out, "carrier {name}"),
            Self::Peer(name) | Self::Target(name) => write!(out, "{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Time {
        Time::from_micros(milliseconds * 1_000)
    }

    fn trunk(channels: Option<u32>, cps: Option<u32>) -> Limit {
        Limit { of: Counted::Peer("lumen/east".into()), channels, cps }
    }

    fn begin(load: &mut Load, limit: &Limit, now: Time) -> Ticket {
        load.on_begun(&[limit], None, now, &mut Vec::new()).unwrap()
    }

    #[test]
    fn a_leg_counts_until_it_is_over_and_a_call_until_its_bye() {
        let (mut load, limit) = (Load::default(), trunk(Some(2), None));
        let (failed, answered) = (begin(&mut load, &limit, at(0)), begin(&mut load, &limit, at(1)));
        assert!(load.is_full(&limit, at(1)));
        load.on_over(failed);
        assert!(!load.is_full(&limit, at(1)));
        load.on_answered(answered, 77, None, at(5));
        begin(&mut load, &limit, at(6));
        assert!(load.is_full(&limit, at(6)));
        load.on_bye(78, at(7));
        assert!(load.is_full(&limit, at(7)), "the BYE of another call");
        load.on_bye(77, at(7));
        load.on_bye(77, at(7));
        assert_eq!((load.is_full(&limit, at(7)), load.calls(&limit.of)), (false, 1));
    }

    #[test]
    fn what_is_never_heard_of_again_is_forgotten() {
        let (mut load, limit) = (Load::default(), trunk(Some(9), None));
        begin(&mut load, &limit, at(0));
        let [plain, timed, kept] = [(); 3].map(|()| begin(&mut load, &limit, at(0)));
        load.on_answered(plain, 1, None, at(0));
        load.on_answered(timed, 2, Some(Duration::from_secs(1_800)), at(0));
        load.on_answered(kept, 3, Some(Duration::from_secs(1_800)), at(0));
        let mut told = Vec::new();
        load.on_refreshed(3, at(900_000));
        while let Some(due) = load.deadline() {
            load.on_deadline(due);
            told.push((due.as_micros() / 1_000_000, load.calls(&limit.of)));
        }
        assert_eq!(told, [(212, 3), (1_832, 2), (2_732, 1), (14_400, 0)]);
    }

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_they_come_evenly() {
        let (mut load, limit) = (Load::default(), trunk(None, Some(4)));
        let mut taken = Vec::new();
        for now in (0..2_000).step_by(50).map(at) {
            if !load.is_full(&limit, now) {
                begin(&mut load, &limit, now);
                taken.push(now.as_micros() / 1_000);
            }
        }
        assert_eq!(taken, [0, 50, 100, 150, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    }

    #[test]
    fn calls_in_spite_of_the_rate_are_not_held_against_it_for_long() {
        let (mut load, limit) = (Load::default(), trunk(None, Some(1)));
        (0..500).for_each(|_| _ = begin(&mut load, &limit, at(0)));
        assert_eq!((load.is_full(&limit, at(1_900)), load.is_full(&limit, at(2_000))), (true, false));
    }

    #[test]
    fn a_learned_limit_holds_for_its_time() {
        let (mut load, limit) = (Load::default(), trunk(Some(9), None));
        let peer: Arc<str> = "lumen/east".into();
        let first = begin(&mut load, &limit, at(0));
        load.learn(&peer, load.calls(&limit.of), at(10_000));
        assert!(load.is_at_learned(&peer, at(1)));
        load.on_over(first);
        assert!(!load.is_at_learned(&peer, at(2)), "one call less than it refused at");
        begin(&mut load, &limit, at(3));
        assert_eq!(
            (load.is_at_learned(&peer, at(9_999)), load.is_at_learned(&peer, at(10_000))),
            (true, false)
        );
        let uncounted: Arc<str> = "sinch".into();
        load.learn(&uncounted, 0, at(10_000));
        assert!(load.is_at_learned(&uncounted, at(9_999)));
    }

    #[test]
    fn that_it_is_full_is_told_once_a_minute() {
        let (mut load, limit) = (Load::default(), trunk(Some(1), None));
        let mut told = Vec::new();
        for now in [0, 1_000, 59_000, 60_000].map(at) {
            load.on_begun(&[&limit], None, now, &mut told);
        }
        let calls: Vec<u32> = told.iter().map(|filled| filled.calls).collect();
        assert_eq!(calls, [1, 4]);
    }

    #[test]
    fn a_new_plan_keeps_what_is_carried() {
        let (mut load, limit) = (Load::default(), trunk(Some(1), None));
        let ticket = begin(&mut load, &limit, at(0));
        load.keep(core::iter::empty(), at(1));
        assert_eq!(load.calls(&limit.of), 1);
        load.on_over(ticket);
        load.keep(core::iter::empty(), at(2));
        assert_eq!(load.counts().count(), 0);
    }
}
