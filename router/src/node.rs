//! The node: all of it behind one door. Routes between its parts and decides nothing itself.

use crate::door::{Effect, Event, Identity};
use crate::health::{Evidence, Standing};
use crate::door::Path;
use crate::plan::Plan;
use sip::Time;
use std::sync::Arc;

/// Everything one Tandem process believes and does. One owner, no locks.
#[derive(Debug)]
pub struct Node {
    plan: Arc<Plan>,
}

impl Node {
    /// A node that knows its plan and nothing else yet.
    #[must_use]
    pub fn new(identity: Identity, plan: Arc<Plan>, now: Time) -> Self {
        let _ = (identity, now);
        Self { plan }
    }

    /// Takes one event; what has to be done is pushed to `out` in the order to be done.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Vec<Effect>) {
        todo!("{now} {event:?} {out:?}")
    }

    /// When [`handle`](Self::handle) wants to be called with [`Event::Tick`]; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }

    /// The plan that new calls get.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Calls that are being walked now: INVITE taken, no final response sent yet.
    #[must_use]
    pub fn calls(&self) -> usize {
        todo!()
    }

    /// Transactions and walks in memory, lingering ones too; zero when everything has settled.
    #[must_use]
    pub fn lingering(&self) -> usize {
        todo!()
    }

    /// All paths with what is believed of them and why.
    pub fn beliefs(&self) -> impl Iterator<Item = (Path, Standing, &[Evidence])> {
        core::iter::empty()
    }
}
