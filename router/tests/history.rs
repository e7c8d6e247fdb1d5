//! What is kept of a call: that it has begun, how it ends, and whom it passed over.

mod door;

use core::time::Duration;
use door::{CALLER, Door, OFFICE, SPARE, invite, lines, reply};
use router::orders::Orders;
use router::record::{End, Entry, Passed, Why};
use router::target::{Probe, TargetId};
use router::{Event, Plan};
use sip::Time;
use std::sync::Arc;

fn of_calls(entries: Vec<Entry>) -> Vec<Entry> {
    let is_one = |entry: &Entry| matches!(entry, Entry::Begun(_) | Entry::Call(_));
    entries.into_iter().filter(is_one).collect()
}

#[test]
fn a_call_is_told_at_what_follows_its_invite_once_and_its_end_bears_its_beginning() {
    let mut door = Door::new();
    let out = door.hears(CALLER, &invite("z9hG4bKa"));
    let to_office = out.into_iter().find_map(|(_, message)| message.filter(|it| it.status().is_none()));
    let to_office = to_office.expect("the office is rung");
    let ringing = reply(&to_office, "180 Ringing", "o");
    let told = of_calls(door.records(OFFICE, &ringing));
    let [Entry::Begun(begun)] = &told[..] else { unreachable!("{told:?}") };
    assert_eq!((begun.id, &*begun.number, &*begun.caller), (1, "+15035550100", "+4411"));
    assert_eq!((&*begun.course, begun.closed, begun.began), ("main", false, Time::ZERO));
    assert_eq!(of_calls(door.records(OFFICE, &ringing)), []);
    let told = of_calls(door.records(OFFICE, &reply(&to_office, "200 OK", "o")));
    let [Entry::Call(call)] = &told[..] else { unreachable!("{told:?}") };
    assert_eq!(&call.begun, begun);
    assert_eq!((&call.end, call.passed.len()), (&End::Answered { target: "office".into() }, 0));
}

#[test]
fn a_call_that_nothing_happens_to_is_told_five_milliseconds_later_and_waits_for_all_else_as_before() {
    let mut door = Door::new();
    door.hears(CALLER, &invite("z9hG4bKa"));
    assert_eq!(door.records_after(4), []);
    assert!(matches!(&door.records_after(1)[..], [Entry::Begun(_)]));
    assert_eq!(door.ticks(494), [""; 0]);
    assert_eq!(door.ticks(1), [format!("{OFFICE} <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0")]);
}

#[test]
fn a_call_that_gets_no_walk_has_its_end_once_and_what_nobody_listed_is_nobodys() {
    let mut door = Door::new();
    door.node.handle(door.now, Event::Drain, &mut Vec::new());
    let invite = String::from_utf8_lossy(&invite("z9hG4bKa")).into_owned();
    let told = of_calls(door.records(CALLER, invite.as_bytes()));
    let [Entry::Call(call)] = &told[..] else { unreachable!("{told:?}") };
    assert!(matches!(call.end, End::Refused { status: 503, .. }), "{:?}", call.end);
    assert_eq!((call.begun.id, &*call.begun.number, &*call.begun.caller), (1, "+15035550100", "+4411"));
    assert_eq!((&*call.begun.course, call.legs.len(), call.ended), ("", 0, Time::ZERO));
    assert_eq!(of_calls(door.records(CALLER, invite.as_bytes())), [], "a copy");
    let other = invite.replace("z9hG4bKa", "z9hG4bKb").replace("+15035550100", "100");
    assert_eq!(of_calls(door.records("203.0.113.66:5060", other.as_bytes())), []);
}

#[test]
fn who_is_down_is_told_as_passed_over_though_he_is_rung_at_last() {
    let mut plan = Plan::clone(&door::plan());
    plan.peers.iter_mut().for_each(|peer| peer.probe = Some(Probe::every(Duration::from_secs(5))));
    // Its second step stands in another file.
    plan.files = vec![(1, "acme.toml".into())];
    let mut door = Door::with(Arc::new(plan));
    // Nobody answers a probe.
    (0..60).for_each(|_| drop(door.ticks(500)));
    let out = door.hears(CALLER, &invite("z9hG4bKa"));
    assert_eq!(lines(&out)[1..], [format!("{OFFICE} <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0")]);
    let to_office = out.into_iter().find_map(|(_, message)| message.filter(|it| it.status().is_none()));
    let answer = reply(&to_office.expect("the office is rung"), "200 OK", "o");
    let told = of_calls(door.records(OFFICE, &answer));
    let [Entry::Call(call)] = &told[..] else { unreachable!("{told:?}") };
    let passed = |target: &str, file: Option<&str>| Passed {
        target: target.into(),
        file: file.map(Arc::from),
        line: 1,
        at: call.begun.began,
        why: Why::Down { since: Some(Time::from_micros(8_500_000)) },
    };
    assert_eq!(call.passed, [passed("office", None), passed("spare", Some("acme.toml"))]);
    assert_eq!((&call.legs[0].file, call.legs[0].line), (&None, 1));
}

#[test]
fn who_was_taken_out_by_hand_is_told_as_drained() {
    let base = door::plan();
    let mut orders = Orders::default();
    orders.drain(&base, TargetId(0));
    let mut door = Door::with(base.ordered(orders));
    let out = door.hears(CALLER, &invite("z9hG4bKa"));
    assert_eq!(lines(&out)[1..], [format!("{SPARE} <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0")]);
    let to_spare = out.into_iter().find_map(|(_, message)| message.filter(|it| it.status().is_none()));
    let told = of_calls(door.records(SPARE, &reply(&to_spare.expect("the spare is rung"), "200 OK", "o")));
    let [Entry::Call(call)] = &told[..] else { unreachable!("{told:?}") };
    let office =
        Passed { target: "office".into(), file: None, line: 1, at: call.begun.began, why: Why::Drained };
    assert_eq!(call.passed, [office]);
}
