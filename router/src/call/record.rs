//! What is kept of a call once its caller has a final response.

use super::{Call, Means, called, text};
use crate::door::Effect;
use crate::position::List;
use crate::record::{CallRecord, End, Entry};
use std::sync::Arc;

impl Call {
    /// Gives out the record; all that it says of the beginning the call holds anyway.
    pub(super) fn end(&mut self, end: End, means: &mut Means<'_>) {
        let Some(id) = self.record.take() else { return };
        let (plan, at, request) = (self.walk.plan(), self.walk.position(), &self.request);
        let caller = request.from().and_then(|from| from.sip_uri()).and_then(|uri| uri.user);
        let from = self.came.path.remote;
        let sender = self.walk.roads().sender(from).and_then(|sender| plan.peer(sender));
        let record = Box::new(CallRecord {
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
            rang: self.walk.rang(),
            ended: means.now,
            end,
            legs: self.walk.legs().collect(),
        });
        means.out.push(Effect::Record(Entry::Call(record)));
    }
}
