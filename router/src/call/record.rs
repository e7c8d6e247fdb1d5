//! What is kept of a call: how it begins, and how it ends once its caller has a final response.

use super::{Call, Means, called, text};
use crate::door::Effect;
use crate::position::List;
use crate::record::{Begun, CallRecord, End, Entry};
use core::time::Duration;
use sip::Time;
use std::sync::Arc;

/// How far a record has come that is not given out yet.
#[derive(Debug)]
pub(super) enum Record {
    /// Nothing was said of the call: this is its number.
    New(u64),
    /// It was said that it has begun.
    Begun(Arc<Begun>),
}

/// Whoever is rung has mostly said something by then: the record leaves with what comes of that.
const BEGINS: Duration = Duration::from_millis(5);

impl Call {
    /// Gives out that it has begun, once. To be called at the first event after its INVITE: that one has to leave at once,
    /// and a call that is over by then needs no word of its beginning.
    pub fn begin(&mut self, means: &mut Means<'_>) {
        if let Some(Record::New(id)) = self.record {
            let begun = self.begun(id);
            self.record = Some(Record::Begun(Arc::clone(&begun)));
            means.out.push(Effect::Record(Entry::Begun(begun)));
        }
    }

    /// When that is due, if it was not given out: with nothing else to wait for, a node that is killed half a second later would leave no
    /// trace of the call.
    pub(super) fn begins_at(&self) -> Option<Time> {
        matches!(self.record, Some(Record::New(_))).then(|| self.walk.position().began + BEGINS)
    }

    /// Gives out the record.
    pub(super) fn end(&mut self, end: End, means: &mut Means<'_>) {
        let begun = match self.record.take() {
            Some(Record::Begun(begun)) => begun,
            Some(Record::New(id)) => self.begun(id),
            None => return,
        };
        let record = Box::new(CallRecord {
            begun,
            rang: self.walk.rang(),
            ended: means.now,
            end,
            legs: self.walk.legs().collect(),
            passed: self.walk.take_passed(),
        });
        means.out.push(Effect::Record(Entry::Call(record)));
    }

    /// All that it says the call holds anyway.
    fn begun(&self, id: u64) -> Arc<Begun> {
        let (plan, at, request) = (self.walk.plan(), self.walk.position(), &self.request);
        let caller = request.from().and_then(|from| from.sip_uri()).and_then(|uri| uri.user);
        let from = self.came.path.remote;
        let sender = self.walk.roads().sender_by(self.came.path).and_then(|sender| plan.peer(sender));
        Arc::new(Begun {
            id,
            call_id: text(request.call_id()),
            caller: text(caller.unwrap_or_default()),
            number: text(called(request)),
            course: plan.course(at.root.course).map(|course| Arc::clone(&course.name)).unwrap_or_default(),
            closed: at.root.list == List::Closed,
            confined: at.confined,
            urgent: at.urgent,
            from: (from, sender.map(|peer| Arc::clone(&peer.name))),
            began: at.began,
        })
    }
}
