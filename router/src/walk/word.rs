//! What a walk says to its caller before a step: no answer to be judged, and no ringing.

use super::{LegId, Output, RINGBACK, State, Walk};
use crate::health::Health;
use crate::outcome::Outcome;
use sip::{Message, Time};

impl Walk {
    /// The caller hears this leg, so none of our own ringing: of a phone it is ringing, of a word what is said.
    pub(super) fn caller_hears(&mut self, id: LegId, now: Time) {
        if self.legs.get(id).is_some_and(|leg| !leg.word) {
            self.rang.get_or_insert(now);
        }
        if let State::Hunting { ringback_at, .. } = &mut self.state {
            *ringback_at = None;
        }
    }

    /// It was said, or could not be. Neither is anybody's fault: the plan goes on as if nothing had been tried.
    pub(super) fn on_word_over(
        &mut self,
        id: LegId,
        outcome: Outcome,
        response: Option<&Message>,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.end(if outcome == Outcome::Spoken { "said".into() } else { format!("not said: {outcome}") }, now);
        health.on_call_over(leg.path);
        let target = leg.target;
        self.position.on_said(target);
        if !self.early(id).is_empty() {
            out.push(Output::Gone { leg: id, status: response.and_then(Message::status).unwrap_or(408) });
        }
        // Whom the next one does not let hear ringing hears it from us.
        if let State::Hunting { ringback_at, .. } = &mut self.state {
            ringback_at.get_or_insert(now + RINGBACK);
        }
    }
}
