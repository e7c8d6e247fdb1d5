//! Calls that are refused before they have a walk: they came all the same, and have their one end.

use super::Node;
use crate::call::{called, text};
use crate::door::Effect;
use crate::path::Flow;
use crate::record::{Begun, CallRecord, End, Entry};
use crate::relay::Refusal;
use core::time::Duration;
use sip::{Message, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// Which of them are told of.
#[derive(Debug, Default)]
pub(super) struct Turned {
    /// The keys of the last ones: refusals keep no state, and a copy is no other call.
    known: VecDeque<(u64, Time)>,
}

/// So long copies of an INVITE come (RFC 3261 §17.1.1.2).
const COPIES: Duration = Duration::from_secs(32);

/// 482: it was here before, or bears our mark.
const LOOP: u16 = 482;

/// So many are told of in that time: two a second. In a flood the others are counted only, by [`Entry::Refused`].
const KNOWN_MAX: usize = 64;

impl Turned {
    /// Is the INVITE with this key another call that is to be told of?
    fn takes(&mut self, key: u64, now: Time) -> bool {
        while self.known.front().is_some_and(|(_, at)| now.since(*at) >= COPIES) {
            self.known.pop_front();
        }
        let is_copy = self.known.iter().any(|(known, _)| *known == key);
        let is_told = !is_copy && self.known.len() < KNOWN_MAX;
        if is_told {
            self.known.push_back((key, now));
        }
        is_told
    }
}

impl Node {
    /// A call gets no walk. It is one of the business's if it is to a number of the plan or comes from a peer: what scanners call is
    /// nobody's. One that comes back to us is told of as it was when it came.
    pub(super) fn turn_away(
        &mut self,
        (flow, key): (Flow, u64),
        request: &Message,
        refusal: &Refusal,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let sender = self.roads.sender_by(flow.path).and_then(|id| self.plan.peer(id));
        let number = self.plan.number_of(called(request));
        let is_ours = sender.is_some() || self.plan.listed(called(request)).is_some();
        let comes_back = refusal.status == LOOP;
        if !is_ours || comes_back || !self.turned.takes(key, now) {
            return;
        }
        self.served += 1;
        let caller = request.from().and_then(|from| from.sip_uri()).and_then(|uri| uri.user);
        let begun = Begun {
            id: self.served,
            call_id: text(request.call_id()),
            caller: text(caller.unwrap_or_default()),
            number: text(number),
            course: Arc::default(),
            closed: false,
            confined: None,
            urgent: None,
            from: (flow.path.remote, sender.map(|peer| Arc::clone(&peer.name))),
            began: now,
        };
        let end = End::Refused { status: refusal.status, why: refusal.why };
        let (begun, legs, passed) = (Arc::new(begun), Vec::new(), Vec::new());
        let record = CallRecord { begun, rang: None, ended: now, end, legs, passed };
        out.push(Effect::Record(Entry::Call(Box::new(record))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_no_other_calls_and_of_a_flood_some_are_told_of() {
        let mut turned = Turned::default();
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        assert!(turned.takes(7, at(0)) && !turned.takes(7, at(500)) && !turned.takes(7, at(31_999)));
        assert!(turned.takes(7, at(32_000)), "another call with the same name");
        let told = (0..100_000).filter(|nth| turned.takes(1_000 + nth, at(40_000 + nth / 10))).count();
        assert_eq!((told, turned.known.len()), (KNOWN_MAX - 1, KNOWN_MAX));
        assert!(turned.takes(1, at(64_000)), "and some of the next");
    }
}
