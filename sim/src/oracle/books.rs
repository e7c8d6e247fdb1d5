//! What a node writes down and counts.

use super::upstream::Name;
use super::{Leg, Oracle, Turn, addresses_at};
use crate::glance::Head;
use core::time::Duration;
use router::census::Census;
use router::health::{Evidence, Sign, Standing};
use router::path::Path;
use router::plan::Course;
use router::record::{CallRecord, End, Entry, LegRecord};
use router::target::{Peer, Probe};
use sip::Time;
use std::sync::Arc;

/// Calls that are walked at once in one node of a run.
const CALLS_MAX: usize = 5_000;
/// Transactions and walks in memory at once in one node of a run.
const LINGERING_MAX: usize = 50_000;

/// Legs and calls that count for limits at once in one node of a run.
const COUNTED_MAX: usize = 5_000;

/// What does not fit in what a node holds: all that is in memory can be found, and wakes again to be let go.
fn fault_of_census(census: Census) -> Option<&'static str> {
    let Census { calls, probes, registrations, transits, transactions, waiting, deadlines, out, counted } =
        census;
    let wakes = calls + probes + registrations + transits;
    (transactions != calls)
        .then_some("not one transaction for each call")
        .or((deadlines != wakes).then_some("not one deadline for each that is in memory"))
        .or((waiting < probes).then_some("a probe that waits on no path"))
        .or((counted > COUNTED_MAX).then_some("more is counted than there was"))
        .or((calls == 0 && out > 0).then_some("somebody is out without a call"))
        .or((calls == 0 && waiting > probes + registrations).then_some("paths of what is over"))
}

/// A change of belief, as it was recorded.
#[derive(Clone, Copy)]
struct Change<'a> {
    path: Path,
    from: Standing,
    to: Standing,
    evidence: &'a [Evidence],
}

impl Oracle {
    /// Invariant 15: every change of belief has evidence and follows on the last one. Invariant 16: counters stay
    /// within their caps. Invariant 17: after a tick nothing is left that was due.
    pub(crate) fn inv_15_16_17_books(&mut self, turn: &Turn<'_>) {
        self.looked(16);
        self.looked(17);
        let (calls, lingering) = (turn.node.calls(), turn.node.lingering());
        if calls > CALLS_MAX || lingering > LINGERING_MAX || calls > lingering {
            self.broken(16, || format!("{calls} calls and {lingering} in memory"));
        }
        let census = turn.node.census();
        if let Some(fault) = fault_of_census(census) {
            self.broken(16, || format!("{fault}: {census:?}"));
        }
        if let Some(deadline) = turn.node.deadline()
            && deadline <= turn.now
            && turn.sent.is_empty()
            && matches!(turn.cause, super::Cause::Tick)
        {
            self.broken(17, || format!("still due at {deadline} after a tick at {}", turn.now));
        }
        self.inv_15_evidence(turn);
    }

    fn inv_15_evidence(&mut self, turn: &Turn<'_>) {
        for entry in turn.records {
            if let Entry::Side { path, from, to, .. } = entry {
                self.looked(15);
                let before =
                    self.lives.get_mut(&turn.life).and_then(|it| it.sides.insert(*path, (*to, turn.now)));
                if before.and_then(|(before, _)| before) != *from || from == to {
                    self.broken(15, || format!("{} became {to:?} from {from:?}", path.remote));
                }
            }
            if let Entry::Health { at, path, from, to, evidence, .. } = entry {
                self.looked(15);
                let change = Change { path: *path, from: *from, to: *to, evidence };
                let fault =
                    self.fault_of_change(turn, change).or((*at != turn.now).then_some("at another time"));
                if let Some(fault) = fault {
                    self.broken(15, || {
                        format!("{} {fault}: from {from:?} to {to:?} by {evidence:?}", path.remote)
                    });
                }
            }
        }
        let standing = self.lives.get(&turn.life).map(|life| &life.standing);
        let said =
            |path: &Path| standing.and_then(|standing| standing.get(path)).map(|(standing, _)| *standing);
        let unsaid =
            |(path, standing, _): &(Path, Standing, _)| said(path).unwrap_or(Standing::Unknown) != *standing;
        if let Some((path, standing, _)) = turn.node.beliefs().find(unsaid) {
            self.broken(15, || format!("{} became {standing:?} without a record", path.remote));
        }
    }

    /// What is wrong with a change of belief: it does not follow on the last one, nothing speaks for it, it goes DOWN by
    /// less than the plan asks for, or it comes back to UP twice within one hold.
    fn fault_of_change(&mut self, turn: &Turn<'_>, change: Change<'_>) -> Option<&'static str> {
        let Change { path, from, to, evidence } = change;
        let terms = self.terms_of(turn.life, path);
        let life = self.lives.get_mut(&turn.life)?;
        let before = life.standing.insert(path, (to, turn.now));
        let torn = before.map_or(Standing::Unknown, |(before, _)| before) != from || from == to;
        let weighed = evidence.iter().all(|piece| piece.at <= turn.now) && (1..=5).contains(&evidence.len());
        let good = evidence.iter().any(|piece| matches!(piece.sign, Sign::Alive { .. }));
        // It named the time itself; or it was on probation, where it has missed often enough before.
        let hard = evidence.iter().any(|piece| matches!(piece.sign, Sign::Unavailable(Some(_))));
        let steps = evidence.iter().map(|piece| halves_of(piece.sign)).sum::<u32>();
        let enough = hard || from == Standing::Probation || evidence.len() == 5;
        let enough = enough || from != Standing::Up && steps >= u32::from(terms.down_after) * 2;
        let up = to == Standing::Up;
        let last = life.returned.get(&path).copied();
        let hasty = last.flatten().is_some_and(|last| turn.now.since(last) < terms.hold);
        if up {
            life.returned.insert(path, last.map(|_| turn.now));
        }
        // A call that gets through takes back what the far side has asked for, and nothing else (TRIGGERS, section 8).
        let away = life.away.remove(&path);
        let named = evidence.last().is_some_and(|piece| matches!(piece.sign, Sign::Unavailable(Some(_))));
        if named && to == Standing::Down {
            life.away.insert(path);
        }
        let (down, suspect) = (to == Standing::Down, to == Standing::Suspect);
        let once =
            evidence.windows(2).any(|pair| matches!(pair, [one, other] if is_one_sample(*one, *other)));
        let begun = suspect && matches!(from, Standing::Up | Standing::Unknown);
        let last_bad = evidence.last().is_some_and(|piece| halves_of(piece.sign) > 0);
        let faults = [
            (torn, "does not follow on the last change"),
            (!weighed, "has no evidence"),
            (up && !good, "came UP by nothing good"),
            (up && from == Standing::Down && !away, "came UP without probation"),
            (up && hasty, "flaps"),
            (down && !enough, "went DOWN by too little"),
            (begun && last_bad && steps < 2 && evidence.len() < 5, "is SUSPECT by half a step"),
            (once, "counts one moment twice"),
        ];
        faults.into_iter().find_map(|(wrong, text)| wrong.then_some(text))
    }

    /// How a path is probed: the most lenient of what the plans of a life say.
    fn terms_of(&self, life: u32, path: Path) -> Probe {
        let plans = self.lives.get(&life).into_iter().flat_map(|life| &life.plans);
        let here = |peer: &&Peer| addresses_at(peer, &self.homes).contains(&path.remote);
        let peers = plans.flat_map(|plan| plan.peers.iter()).filter(here);
        let usual = Probe::every(Duration::from_secs(5));
        let terms = peers.map(|peer| peer.probe.unwrap_or(usual));
        terms
            .reduce(|one, other| Probe {
                down_after: one.down_after.min(other.down_after),
                hold: one.hold.min(other.hold),
                ..one
            })
            .unwrap_or(usual)
    }

    /// Invariant 19: each admitted INVITE yields one record that says what went over the wire.
    pub(crate) fn inv_19_accounting(&mut self, turn: &Turn<'_>) {
        for entry in turn.records {
            if let Entry::Call(record) = entry
                && let End::Refused { status, .. } = record.end
            {
                if !turn.went().any(|(_, glance)| glance.status == status) {
                    self.broken(19, || format!("{}: {:?} was not said", record.begun.call_id, record.end));
                }
            } else if let Entry::Call(record) = entry {
                self.looked(19);
                if let Some(fault) = self.fault_of(turn, record) {
                    self.broken(19, || format!("{}: {fault}", record.begun.call_id));
                }
                self.inv_05_order_and_cause(turn, record);
                self.inv_14_after_silence(turn, record);
                self.inv_16_carried(turn);
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
        let (first, rang) = (context.began, context.rang);
        let answered = |target: &str| {
            let is_it = |(leg, branch): (&LegRecord, &u64)| {
                &*leg.target == target && self.legs.get(branch).is_some_and(|leg| leg.answered)
            };
            record.legs.iter().zip(&legs).any(is_it) || target == "a leg from before a restart"
        };
        let right = match &record.end {
            End::Answered { target } => accepted.is_some() && answered(target),
            End::Cancelled => cancelled.is_some() && refused.is_some_and(|(_, said, _)| said == 487),
            End::Failed { status } | End::Refused { status, .. } => {
                *status != 487 && refused.is_some_and(|(_, said, _)| said == *status)
            }
        };
        let new = self.lives.get_mut(&turn.life).is_some_and(|life| life.records.insert(record.begun.id));
        if records != 1 {
            return Some(format!("{records} records"));
        }
        if !right {
            return Some(format!("{:?} is not what the caller was told", record.end));
        }
        if record.begun.began != first {
            return Some(format!("began at {} but the record says {}", first, record.begun.began));
        }
        if record.ended != turn.now || record.rang != rang {
            return Some(format!("ended {}, rang {:?}, but the record says otherwise", turn.now, rang));
        }
        if !new {
            return Some(format!("{} is the id of another record too", record.begun.id));
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
            if self.legs.get(branch).is_some_and(|sent| !is_told_truly(leg, sent, ended)) {
                self.broken(5, || {
                    format!("{}: it is not true of {} that {:?}", Name(&invite), leg.target, leg.outcome)
                });
            }
            let by_call = closing.is_some_and(|closing| closing <= ended);
            let by_budget = live_within.is_some_and(|limit| ended.since(record.begun.began) >= limit);
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
        courses.filter(|course| course.name == record.begun.course).map(|course| course.live_within).min()
    }

    fn ended_for_a_reason(&self, turn: &Turn<'_>, branch: u64, record: &LegRecord) -> bool {
        let Some(leg) = self.legs.get(&branch) else { return false };
        let Some(ended) = record.ended else { return true };
        let final_came = leg.last.is_some_and(|(at, _)| at <= ended);
        let gone = [leg.unreachable, leg.stalled].into_iter().flatten().any(|at| at <= ended);
        let span = ended.since(leg.began);
        let patience = self.patience(turn, leg);
        let silent = span >= Duration::from_millis(500) && leg.heard.is_none_or(|heard| heard >= ended);
        let stalled = leg.rang.is_none_or(|rang| rang >= ended) && span >= patience.0;
        final_came || gone || silent || stalled || span >= patience.1
    }

    /// The shortest `progress` of the peers at an address, and the shortest `ring` of any target or step.
    fn patience(&self, turn: &Turn<'_>, leg: &Leg) -> (Duration, Duration) {
        let plans = self.lives.get(&turn.life).map(|life| &life.plans);
        let plans = || plans.into_iter().flatten();
        let at = |peer: &&Peer| addresses_at(peer, &self.homes).contains(&leg.to);
        let progress = plans().flat_map(|plan| plan.peers.iter()).filter(at).map(|peer| peer.progress).min();
        let steps = plans().flat_map(|plan| plan.courses.iter()).flat_map(Course::every_step);
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

/// Steps towards DOWN, in halves: the table of TRIGGERS, section 2.
const fn halves_of(sign: Sign) -> u32 {
    match sign {
        Sign::Miss | Sign::Unreachable => 2,
        Sign::Soft => 1,
        Sign::Alive { .. } | Sign::Unavailable(_) => 0,
    }
}

/// Bad signs that come within 100 ms are one: a PBX that dies fails all its calls in one moment.
fn is_one_sample(one: Evidence, other: Evidence) -> bool {
    let bad = halves_of(one.sign) > 0 && halves_of(other.sign) > 0;
    bad && other.at.since(one.at) < Duration::from_millis(100)
}

/// Did what the record says of a leg's end happen on the wire before that end?
fn is_told_truly(record: &LegRecord, leg: &Leg, ended: Time) -> bool {
    let (heard, rang) = (leg.heard.filter(|at| *at < ended), leg.rang.filter(|at| *at < ended));
    let last = leg.last.filter(|(at, _)| *at <= ended).map(|(_, status)| status);
    match record.outcome.strip_prefix("not said: ").unwrap_or(&record.outcome) {
        "said" => rang.is_some() && last == Some(480),
        // A leg that was given up before may still answer.
        "answered" => leg.answered,
        "nobody listens there" => leg.unreachable.is_some(),
        "its connection no longer answered" => leg.stalled.is_some(),
        "its answer came with a wrong Via" => last.is_some(),
        told if told.starts_with("silent for ") => heard.is_none(),
        told if told.starts_with("no ringing in ") => heard.is_some() && rang.is_none(),
        told if told.starts_with("rang for ") => rang.is_some(),
        told if told.starts_with("cancelled: ") || told.starts_with("said in part: ") => true,
        told => status_of(told) == last && last.is_some(),
    }
}

/// The status that a told refusal begins with.
fn status_of(told: &str) -> Option<u16> {
    told.get(..3)
        .filter(|_| told.as_bytes().get(3).is_none_or(|next| matches!(next, b' ' | b',')))?
        .parse()
        .ok()
}
