//! What a node writes down and counts.

use super::upstream::Name;
use super::{Oracle, Turn};
use crate::glance::Head;
use core::time::Duration;
use router::health::Sign;
use router::record::{CallRecord, End, Entry, LegRecord};
use std::sync::Arc;

/// Calls that are walked at once in one node of a run.
const CALLS_MAX: usize = 5_000;
/// Transactions and walks in memory at once in one node of a run.
const LINGERING_MAX: usize = 50_000;

impl Oracle {
    /// Invariant 15: every change of belief has evidence and follows on the last one. Invariant 16: counters stay
    /// within their caps. Invariant 17: after an event nothing is left that was due.
    pub(crate) fn inv_15_16_17_books(&mut self, turn: &Turn<'_>) {
        self.looked(16);
        self.looked(17);
        let (calls, lingering) = (turn.node.calls(), turn.node.lingering());
        if calls > CALLS_MAX || lingering > LINGERING_MAX || calls > lingering {
            self.broken(16, || format!("{calls} calls and {lingering} in memory"));
        }
        if let Some(deadline) = turn.node.deadline()
            && deadline <= turn.now
            && turn.sent.is_empty()
            && matches!(turn.cause, super::Cause::Other)
        {
            self.broken(17, || format!("still due at {deadline} after a tick at {}", turn.now));
        }
        for entry in turn.records {
            if let Entry::Health { at, path, from, to, evidence, .. } = entry {
                self.looked(15);
                let before =
                    self.lives.get_mut(&turn.life).and_then(|life| life.standing.insert(*path, (*to, *at)));
                let torn = before.is_some_and(|(before, _)| before != *from);
                let future = evidence.iter().any(|piece| piece.at > turn.now) || *at != turn.now;
                let good = evidence.iter().any(|piece| matches!(piece.sign, Sign::Alive { .. }));
                let up = *to == router::health::Standing::Up;
                if from == to || torn || future || evidence.is_empty() || evidence.len() > 5 || (up && !good)
                {
                    self.broken(15, || format!("{} from {from:?} to {to:?} by {evidence:?}", path.remote));
                }
            }
        }
    }

    /// Invariant 19: each admitted INVITE yields one record that says what went over the wire.
    pub(crate) fn inv_19_accounting(&mut self, turn: &Turn<'_>) {
        for entry in turn.records {
            if let Entry::Call(record) = entry {
                self.looked(19);
                if let Some(fault) = self.fault_of(turn, record) {
                    self.broken(19, || format!("{}: {fault}", record.call_id));
                }
                self.inv_05_order_and_cause(turn, record);
            }
        }
    }

    fn fault_of(&mut self, turn: &Turn<'_>, record: &CallRecord) -> Option<String> {
        let Some(context) = self.context_of_record(turn.life, record) else {
            return Some("a record of a call that never came".into());
        };
        context.records += 1;
        let (records, legs) = (context.records, context.legs.clone());
        let (accepted, refused, cancelled) = (context.accepted, context.refused, context.cancelled);
        let right = match record.end {
            End::Answered { .. } => accepted.is_some(),
            End::Cancelled => cancelled.is_some(),
            End::Failed { status } => refused.is_some_and(|(_, said, _)| said == status),
        };
        let first = context.began;
        if records != 1 {
            return Some(format!("{records} records"));
        }
        if !right {
            return Some(format!("{:?} is not what the caller was told", record.end));
        }
        if record.began != first {
            return Some(format!("began at {} but the record says {}", first, record.began));
        }
        if record.legs.len() != legs.len() {
            return Some(format!("{} legs, {} in the record", legs.len(), record.legs.len()));
        }
        let same = |(branch, leg): (&u64, &LegRecord)| {
            self.legs.get(branch).is_some_and(|sent| sent.to == leg.path.remote && sent.began == leg.began)
        };
        let all = legs.iter().zip(&record.legs).all(same);
        (!all).then(|| "the legs of the record are not those on the wire".into())
    }

    /// Invariant 5: a leg of a later step begins only when those of the steps before are over, and each of them was
    /// over for a reason that can be seen on the wire.
    fn inv_05_order_and_cause(&mut self, turn: &Turn<'_>, record: &CallRecord) {
        let Some(context) = self.context_of_record(turn.life, record) else { return };
        let (branches, invite) = (context.legs.clone(), Arc::clone(&context.invite));
        let closing = [context.answered, context.cancelled, context.over()].into_iter().flatten().min();
        let live_within = self.live_within(turn, record);
        self.looked(5);
        for (place, leg) in record.legs.iter().enumerate() {
            let later = record.legs.iter().skip(place + 1).find(|later| later.line != leg.line);
            if let Some(later) = later
                && leg.ended.is_none_or(|ended| ended > later.began)
            {
                self.broken(5, || {
                    format!("{}: {} began before {} was over", Name(&invite), later.target, leg.target)
                });
            }
            let (Some(ended), Some(branch)) = (leg.ended, branches.get(place)) else { continue };
            let by_call = closing.is_some_and(|closing| closing <= ended);
            let by_budget = live_within.is_some_and(|limit| ended.since(record.began) >= limit);
            if !by_call && !by_budget && !self.ended_for_a_reason(turn, *branch, leg) {
                self.broken(5, || {
                    format!(
                        "{}: {} ended at {ended} without a reason: {}",
                        Name(&invite),
                        leg.target,
                        leg.outcome
                    )
                });
            }
        }
    }

    fn live_within(&self, turn: &Turn<'_>, record: &CallRecord) -> Option<Duration> {
        let plans = &self.lives.get(&turn.life)?.plans;
        let courses = plans.iter().flat_map(|plan| plan.courses.iter());
        courses.filter(|course| course.name == record.course).map(|course| course.live_within).min()
    }

    fn ended_for_a_reason(&self, turn: &Turn<'_>, branch: u64, record: &LegRecord) -> bool {
        let Some(leg) = self.legs.get(&branch) else { return false };
        let Some(ended) = record.ended else { return true };
        let final_came = leg.last.is_some_and(|(at, _)| at <= ended);
        let gone = leg.unreachable.is_some_and(|at| at <= ended);
        let span = ended.since(leg.began);
        let patience = self.patience(turn, leg);
        let silent = span >= Duration::from_millis(500) && leg.heard.is_none_or(|heard| heard >= ended);
        let stalled = leg.rang.is_none_or(|rang| rang >= ended) && span >= patience.0;
        final_came || gone || silent || stalled || span >= patience.1
    }

    /// The shortest `progress` of the peers at an address, and the shortest `ring` of any target or step.
    fn patience(&self, turn: &Turn<'_>, leg: &super::Leg) -> (Duration, Duration) {
        let plans = self.lives.get(&turn.life).map(|life| &life.plans);
        let plans = || plans.into_iter().flatten();
        let at = |peer: &&router::target::Peer| matches!(&peer.host, router::target::PeerHost::Ip(ip) if *ip == leg.to.ip());
        let progress = plans().flat_map(|plan| plan.peers.iter()).filter(at).map(|peer| peer.progress).min();
        let steps = plans().flat_map(|plan| plan.courses.iter()).flat_map(|course| {
            let lists = [Some(&course.steps), course.closed.as_ref(), course.busy.as_ref()];
            lists.into_iter().flatten().flatten()
        });
        let targets = plans().flat_map(|plan| plan.targets.iter()).map(|target| target.ring);
        let ring = steps.filter_map(|step| step.ring).chain(targets).min();
        (progress.unwrap_or_default(), ring.unwrap_or_default())
    }

    /// The number that a context called, for violations.
    pub(crate) fn number_of(context: &super::Inbound) -> &[u8] {
        let bytes = &context.invite.bytes;
        let user = context.invite.glance.as_ref().map(|glance| glance.user(bytes));
        debug_assert!(
            context.invite.glance.as_ref().is_none_or(|glance| !glance.value(bytes, Head::To).is_empty())
        );
        user.unwrap_or_default()
    }
}
