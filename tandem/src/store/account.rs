//! A call of the history, as the node that had it would have told it.

use super::beliefs::{moment, path};
use super::past::{Call, End, Leg};
use core::net::{Ipv4Addr, SocketAddr};
use router::Path;
use router::Transport;
use router::emergency::Urgent;
use router::position::Confined;
use router::record::{Begun, CallRecord, End as Ended, LegRecord, Passed, Why};
use router::verdict::Fix;
use sip::Time;
use std::sync::Arc;

/// When a call came, where its times are a node's: what was believed before lies before.
pub const CAME: Time = Time::from_micros(1_000_000_000_000_000);

/// The record of a call; `None` of one that is not over, or of which nobody knows how it ended.
#[must_use]
pub fn record(call: &Call) -> Option<CallRecord> {
    let after = |micros: i64| moment(CAME, micros);
    let end = match &call.end {
        End::Answered(target) => Ended::Answered { target: target.as_str().into() },
        End::Cancelled => Ended::Cancelled,
        End::Failed(status) => Ended::Failed { status: *status },
        End::Refused(status, _) => Ended::Refused { status: *status, why: "" },
        End::Unknown | End::UnderWay => return None,
    };
    let nowhere = || SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let confined = [Confined::CameBack, Confined::ForwardedOften, Confined::Spent];
    let urgent = [Urgent::Emergency, Urgent::Callback];
    let begun = Begun {
        id: call.id.unsigned_abs(),
        call_id: call.call_id.clone(),
        caller: call.caller.clone(),
        number: call.number.clone(),
        course: call.course.as_str().into(),
        closed: call.closed,
        confined: confined.into_iter().find(|it| call.confined.as_deref() == Some(it.as_str())),
        urgent: urgent.into_iter().find(|it| call.urgent.as_deref() == Some(it.as_str())),
        from: (call.address.parse().unwrap_or_else(|_| nowhere()), call.peer.as_deref().map(Arc::from)),
        began: CAME,
    };
    let passed = call.passed.iter().filter_map(|one| {
        let since = one.since.map(after);
        let why = Why::all(since).into_iter().find(|why| why.as_str() == one.why)?;
        let line = u32::try_from(one.line).unwrap_or(0);
        let file = one.file.as_deref().map(Arc::from);
        Some(Passed { target: one.target.as_str().into(), file, line, at: after(one.at), why })
    });
    Some(CallRecord {
        begun: Arc::new(begun),
        rang: call.rang.map(after),
        ended: after(call.ended?),
        end,
        legs: call.legs.iter().map(leg).collect(),
        passed: passed.collect(),
    })
}

fn leg(leg: &Leg) -> LegRecord {
    let after = |micros: i64| moment(CAME, micros);
    let nowhere = || Path { transport: Transport::Udp, local: 0, remote: (Ipv4Addr::UNSPECIFIED, 0).into() };
    LegRecord {
        target: leg.target.as_str().into(),
        peer: leg.peer.as_str().into(),
        path: path(&leg.transport, &leg.address).unwrap_or_else(nowhere),
        file: leg.file.as_deref().map(Arc::from),
        line: u32::try_from(leg.line).unwrap_or(0),
        fix: leg.fix.as_ref().and_then(|text| Fix::ALL.into_iter().find(|fix| fix.to_string() == *text)),
        began: after(leg.began),
        rang: leg.rang.map(after),
        asked: leg.asked.map(after),
        ended: leg.ended.map(after),
        outcome: leg.outcome.clone(),
    }
}
