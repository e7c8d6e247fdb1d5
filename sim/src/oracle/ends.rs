//! What must hold when all is over.

use super::upstream::Name;
use super::{Inbound, Oracle};
use core::time::Duration;
use router::Node;
use sip::Time;
use std::sync::Arc;

/// A walk lasts 180 s at most (TRIGGERS, section 4, I9), then the last legs have 64 · T1 to hear of it.
const WALK_MAX: Duration = Duration::from_secs(180 + 32);

/// A caller who gives up is told so when the legs that rang have had their chance to answer, and not much later.
const LEAVE_MAX: Duration = Duration::from_secs(3);

impl Oracle {
    /// Judges a run that has come to rest.
    pub(crate) fn at_end<'a>(&mut self, now: Time, nodes: impl Iterator<Item = &'a Node>) {
        self.now = now;
        let ended: Vec<(u32, u64)> = self.contexts.keys().copied().collect();
        for key in ended {
            self.inv_03_always_an_end(key, now);
            self.inv_07_no_orphan_leg(key, now);
            self.inv_19_one_record(key);
        }
        self.at_end_asked(now);
        for node in nodes {
            self.looked(16);
            let census = node.census();
            if node.lingering() > 0 || census.probes > PROBES_MAX {
                self.broken(16, || format!("after all is over: {census:?}"));
            }
        }
    }

    /// Invariant 3: every admitted INVITE gets a final response in time, as long as its node runs.
    fn inv_03_always_an_end(&mut self, key: (u32, u64), now: Time) {
        let Some(context) = self.contexts.get(&key) else { return };
        let ran = self.ran(context, now);
        if !context.admitted || ran < WALK_MAX {
            return;
        }
        let (over, began, invite) = (context.over(), context.began, Arc::clone(&context.invite));
        let paused = self.was_paused(key.0);
        let left = context.cancelled.zip(over).map(|(cancelled, over)| over.since(cancelled));
        self.looked(3);
        if let Some(left) = left.filter(|left| *left > LEAVE_MAX && !paused) {
            self.broken(3, || {
                format!("{}: the caller gave up {left:?} before it was told so", Name(&invite))
            });
        }
        match over {
            None => self.broken(3, || format!("{}: no final response", Name(&invite))),
            Some(over) if over.since(began) > WALK_MAX && !paused => {
                self.broken(3, || {
                    format!("{}: the final response took {:?}", Name(&invite), over.since(began))
                });
            }
            Some(_) => (),
        }
    }

    /// Invariant 7: each leg ended by a final response, or was cancelled, or never said anything.
    fn inv_07_no_orphan_leg(&mut self, key: (u32, u64), now: Time) {
        let Some(context) = self.contexts.get(&key) else { return };
        if self.ran(context, now) < WALK_MAX {
            return;
        }
        let orphan = |leg: &&super::Leg| {
            // What comes after 64 · T1 finds nobody who could cancel.
            let early = leg.heard.is_some_and(|heard| heard.since(leg.began).as_secs() < 32);
            early && leg.unreachable.is_none() && leg.last.is_none() && leg.cancel.is_none()
        };
        let left =
            context.legs.iter().filter_map(|branch| self.legs.get(branch)).find(orphan).map(|leg| leg.to);
        let invite = Arc::clone(&context.invite);
        self.looked(7);
        if let Some(to) = left {
            self.broken(7, || format!("{}: the leg to {to} was never ended", Name(&invite)));
        }
    }

    /// Invariant 19: exactly one record for each INVITE that was admitted and whose node lived on.
    fn inv_19_one_record(&mut self, key: (u32, u64)) {
        let Some(context) = self.contexts.get(&key) else { return };
        let died = self.lives.get(&key.0).is_some_and(|life| life.died.is_some());
        let (records, admitted, invite) = (context.records, context.admitted, Arc::clone(&context.invite));
        if died || !admitted {
            return;
        }
        if records != 1 {
            self.broken(19, || format!("{}: {records} records", Name(&invite)));
        }
    }

    /// How long a context's node ran after its INVITE came.
    fn ran(&self, context: &Inbound, now: Time) -> Duration {
        let died = self.lives.get(&context.life).and_then(|life| life.died);
        died.unwrap_or(now).since(context.began)
    }
}

/// Health probes that may be under way at any time, also at the end.
const PROBES_MAX: usize = 8;
