//! What a leg's end means: for the plan, for health, for the answer, and for whoever runs all this.

use super::{LegId, Output, Walk};
use crate::alarm::Alarm;
use crate::emergency::Urgent;
use crate::health::{Health, Mark, Sign, Source};
use crate::inside::Unconfirmed;
use crate::load::Counted;
use crate::outcome::Outcome;
use crate::path::Path;
use crate::said::rejected_because;
use crate::target::{Peer, PeerId, Reach};
use crate::verdict::{Go, Meaning, Verdict, judged};
use core::time::Duration;
use sip::{Message, Time};
use std::sync::Arc;

impl Walk {
    /// What a leg's end means for the plan, for health and for the answer.
    pub(super) fn judge(
        &mut self,
        id: LegId,
        outcome: Outcome,
        response: Option<Message>,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if leg.word {
            return self.on_word_over(id, outcome, response.as_ref(), now, health, out);
        }
        let Some(peer) = self.plan.peer(leg.peer) else { return };
        let carrier = peer.carrier();
        let status = response.as_ref().and_then(Message::status);
        let mut verdict = judged(peer, outcome, leg.reached, now.since(leg.began));
        if self.position.urgent == Some(Urgent::Emergency) {
            // No answer of one carrier is the last word for who calls for help.
            verdict.go = verdict.go.min(Go::NextCarrier);
        }
        let because = response.as_ref().and_then(rejected_because);
        leg.end(format!("{outcome}{}", because.unwrap_or_default()), now);
        let (target, peer, path, stops) = (leg.target, leg.peer, leg.path, leg.declined);
        if let Some(sign) = verdict.sign {
            believe(health, path, sign, now, out);
        }
        if let (Some(fix), Some(refusal)) = (verdict.fix, &response)
            && self.may_fix(id, fix, refusal, now, health)
        {
            health.on_call_over(path);
            return self.again(id, (fix, refusal.clone()), now, health, out);
        }
        out.extend(self.word(id, verdict.fix).map(|word| Output::Login(id, word)));
        if let Some(status) = status {
            self.remember(id, status, verdict, now, health, out);
        }
        if verdict.mark == Some(Mark::InstantBusy) && self.is_at_limit(id, now, health, out) {
            // It was the trunk's word, not the person's: as 503.
            (verdict.go, verdict.meaning) = (Go::NextTrunk, Meaning::PathFailure);
        }
        health.on_call_over(path);
        self.position.to_floor |= outcome == Outcome::Unconfirmed(Unconfirmed::ToMessage);
        self.position.on_over(target, peer, carrier, verdict.go, verdict.meaning);
        self.worst = self.worst.max(verdict.meaning);
        if let Some(response) = response
            && self.best.as_ref().is_none_or(|(meaning, _)| *meaning < verdict.meaning)
        {
            self.best = Some((verdict.meaning, response));
        }
        if verdict.ends(&self.plan, &self.position, stops, status) {
            self.finish("the walk was stopped", now, health, out);
        } else if !self.early(id).is_empty() {
            out.push(Output::Gone { leg: id, status: status.unwrap_or(408) });
        }
    }

    /// Is the trunk that has just refused this leg at once at its limit?
    fn is_at_limit(&self, id: LegId, now: Time, health: &mut Health, out: &mut Vec<Output>) -> bool {
        let Some((target, _, path)) = self.leg_way(id) else { return false };
        let Some(Reach::Number(number)) = self.plan.target(target).map(|target| &target.reach) else {
            return false;
        };
        let mut sides = Vec::new();
        let at_limit = health.on_instant_busy(path, number, now, &mut sides);
        out.extend(sides.into_iter().map(Output::Believe));
        if at_limit {
            out.push(Output::Alarm { leg: id, alarm: Alarm::Full { calls: health.calls(path) } });
        }
        at_limit
    }

    /// What an answer leaves behind beside the path's health, and what somebody should look at.
    fn remember(
        &self,
        id: LegId,
        status: u16,
        verdict: Verdict,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let Some((_, peer, path)) = self.leg_way(id) else { return };
        let mut sides = Vec::new();
        let one_too_many = health.on_refused(path, verdict.mark, now, &mut sides);
        if verdict.mark == Some(Mark::NoCredit) {
            // It is the account that is out of credit, whichever of its addresses has said so.
            for other in self.roads.of(peer).iter().filter(|other| **other != path) {
                health.on_refused(*other, verdict.mark, now, &mut sides);
            }
        }
        out.extend(sides.into_iter().map(Output::Believe));
        let alarm = match verdict.mark {
            Some(Mark::Misfit) => one_too_many.then_some(Alarm::Misfit { status }),
            Some(Mark::Unknown) => Some(match self.plan.peer(peer).and_then(Peer::carrier) {
                Some(_) => Alarm::Unproven,
                None => Alarm::Stale,
            }),
            Some(Mark::Loop) => Some(Alarm::Loop { status }),
            Some(Mark::Redirected) => Some(Alarm::Redirected { status }),
            Some(Mark::Full(_)) => {
                self.learn(peer, now, health);
                Some(Alarm::Full { calls: health.calls(path) })
            }
            // Those are states: they are recorded as such.
            Some(Mark::NoCredit | Mark::Forbidden) => None,
            // One may be somebody who has blocked us.
            Some(Mark::InstantBusy) | None => None,
        };
        out.extend(alarm.map(|alarm| Output::Alarm { leg: id, alarm }));
    }

    /// A peer that had no room for one more has shown how many calls it takes, if its calls are counted.
    fn learn(&self, peer: PeerId, now: Time, health: &mut Health) {
        let Some(name) = self.plan.peer(peer).map(|peer| Arc::clone(&peer.name)) else { return };
        let calls = health.load().calls(&Counted::Peer(Arc::clone(&name)));
        if calls > 0 {
            health.load_mut().learn(&name, calls, now + LEARNED);
        }
    }
}

/// How long a limit is believed that a peer has shown: long enough to spare callers its refusals, short enough to find
/// out that it has more room now.
const LEARNED: Duration = Duration::from_secs(600);

/// A leg rings or is answered: the path is well, and its peer takes our calls.
pub(super) fn through(health: &mut Health, path: Path, now: Time, out: &mut Vec<Output>) {
    believe(health, path, Sign::Alive { round_trip: None, resent: 0 }, now, out);
    let mut changes = Vec::new();
    health.on_through(path, &mut changes);
    out.extend(changes.into_iter().map(Output::Believe));
}

fn believe(health: &mut Health, path: Path, sign: Sign, now: Time, out: &mut Vec<Output>) {
    let mut changes = Vec::new();
    health.on_sign(path, Source::Call, sign, now, &mut changes);
    out.extend(changes.into_iter().map(Output::Believe));
}
