//! Stories: what users of other systems complain of about codes.

mod told;

use core::time::Duration;
use router::Plan;
use router::dialect::Dialect;
use router::verdict::CodeRule;
use sim::manner::Manner;
use sim::story::{alarming, caller, caller_at, story};
use sim::town::{self, ANA_TARGET, BEN_TARGET, ana_then_answering};
use std::collections::BTreeMap;
use std::sync::Arc;
use told::{ms, tells};

/// "The called party has to reject the call three times": whoever was rung is not rung by another carrier.
#[test]
fn somebody_who_rejects_the_call_is_asked_once() {
    for status in [486, 603, 480, 404] {
        let manners =
            [("ana", Manner::RingRefuse { after: ms(300), status }), ("answering", Manner::says(0, 500))];
        let lines = story(ana_then_answering(), &manners, &[caller()]);
        let ana: Vec<&String> = lines.iter().filter(|line| line.contains("INVITE -> ana")).collect();
        assert_eq!(ana.len(), 1, "{status}: {lines:?}");
    }
}

/// Two rung together say 480 and 486: the caller hears "busy", whichever number is lower and whichever came first.
#[test]
fn of_480_and_486_the_busy_is_passed_on() {
    let both = || town::town_with(vec![town::step(&[ANA_TARGET, BEN_TARGET], 1)]);
    let refuse = |after, status| Manner::RingRefuse { after: ms(after), status };
    for (ana, ben) in [(refuse(300, 486), refuse(500, 480)), (refuse(500, 486), refuse(300, 480))] {
        let lines = story(both(), &[("ana", ana), ("ben", ben)], &[caller()]);
        assert_eq!(lines.last().map(String::as_str), Some("0.500s call 1 486 -> caller"), "{lines:?}");
    }
}

/// One of two rung together is busy: the other goes on ringing.
#[test]
fn the_busy_of_one_does_not_end_the_other() {
    let plan = town::town_with(vec![town::step(&[ANA_TARGET, BEN_TARGET], 1)]);
    let ana = Manner::RingRefuse { after: ms(300), status: 486 };
    tells(
        &story(plan, &[("ana", ana), ("ben", Manner::says(0, 900))], &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ben by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 <- ben by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.000s call 1 180 -> caller",
            "0.300s call 1 486 <- ana by carrier-a",
            "0.900s call 1 200 <- ben by carrier-a",
            "0.900s call 1 200 -> caller",
            "0.900s call 1 ACK -> carrier-a",
            "10.900s call 1 BYE <- caller",
            "10.900s call 1 BYE -> carrier-a",
        ],
    );
}

fn speaks(mut plan: Plan, peer: &str, dialect: Dialect) -> Plan {
    let dialect = Arc::new(dialect);
    for peer in plan.peers.iter_mut().filter(|other| &*other.name == peer) {
        peer.dialect = Arc::clone(&dialect);
    }
    plan
}

/// "A 503 would be convenient so that Twilio fails over": a ring-out is answered as the caller's side takes it best.
#[test]
fn a_ring_out_is_answered_in_the_dialect_of_whoever_sent_the_call() {
    let plan = || town::town_with(vec![town::step(&[ANA_TARGET], 1)]);
    let last = |plan: Plan, manner| {
        let lines = story(plan, &[("ana", manner)], &[caller()]);
        let up = lines.iter().rfind(|line| line.ends_with("-> caller"));
        assert!(!lines.iter().any(|line| line.contains("invariant")), "{lines:?}");
        up.cloned().unwrap_or_default()
    };
    let silent = Manner::Ring { after: Duration::ZERO };
    let refuses = Manner::RingRefuse { after: Duration::ZERO, status: 480 };
    let declines = Manner::RingRefuse { after: Duration::ZERO, status: 603 };
    let twilio = || speaks(plan(), "pstn", Dialect { ring_out: 503, ..Dialect::default() });
    assert_eq!(last(plan(), silent), "20.000s call 1 480 -> caller");
    assert_eq!(last(twilio(), silent), "20.000s call 1 503 -> caller");
    assert_eq!(last(plan(), refuses), "0.000s call 1 480 -> caller");
    assert_eq!(last(twilio(), refuses), "0.000s call 1 503 -> caller");
    assert_eq!(last(twilio(), declines), "0.000s call 1 603 -> caller", "who declines has answered");
}

/// "Any webhook error becomes 480": where that is so, a 480 is the machine's, and its next address is asked.
#[test]
fn where_a_480_is_a_failed_application_the_next_machine_is_asked() {
    let codes = BTreeMap::from([(480, CodeRule::NextTrunk)]);
    let plan = speaks(town::office_then_answering(), "office", Dialect { codes, ..Dialect::default() });
    let manners = [("office", Manner::refuses(480)), ("office-2", Manner::says(0, 500))];
    let lines = story(plan, &manners, &[caller()]);
    assert_eq!(lines.get(3).map(String::as_str), Some("0.000s call 1 INVITE -> office-2"));
}

/// "First trunk full → the second is never tried": it is, and the full one is left alone for as long as it said.
#[test]
fn a_full_trunk_is_passed_by_and_tried_again_when_its_time_is_over() {
    let extra = "Reason: Q.850;cause=34\r\nRetry-After: 5\r\n";
    let full = Manner::Refuse { after: Duration::ZERO, status: 503, extra };
    let manners = [("carrier-a", full), ("ana", Manner::says(0, 100))];
    let lines = story(ana_then_answering(), &manners, &[caller(), caller_at(ms(2000)), caller_at(ms(6000))]);
    let invites: Vec<&str> =
        lines.iter().filter(|line| line.contains("INVITE ->")).map(String::as_str).collect();
    assert_eq!(
        invites,
        [
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ana by carrier-b",
            "2.000s call 2 INVITE -> ana by carrier-b",
            "6.000s call 3 INVITE -> ana by carrier-a",
            "6.000s call 3 INVITE -> ana by carrier-b",
        ]
    );
}

/// Five calls in a row refused with 403: the sixth goes by the other carrier first, and the first one is not forgotten.
#[test]
fn a_carrier_that_refuses_five_in_a_row_is_tried_last() {
    let manners = [("carrier-a", Manner::refuses(403)), ("ana", Manner::says(0, 100))];
    let callers: Vec<_> = (0..7).map(|nth| caller_at(Duration::from_secs(nth))).collect();
    let lines = story(ana_then_answering(), &manners, &callers);
    let by = |carrier: &str| {
        lines.iter().filter(|line| line.ends_with(&format!("INVITE -> ana by {carrier}"))).count()
    };
    // Each of the five is offered in three forms.
    assert_eq!((by("carrier-a"), by("carrier-b")), (5 * 3, 7));
}

/// Out of credit: the next call does not ask again; with nobody else left it is asked all the same.
#[test]
fn a_carrier_without_credit_is_tried_last_and_not_never() {
    let manners = [("carrier-a", Manner::refuses(402)), ("carrier-b", Manner::Icmp)];
    let plan = town::town_with(vec![town::step(&[ANA_TARGET], 1)]);
    let lines = story(plan, &manners, &[caller(), caller_at(ms(1000))]);
    let invites: Vec<&str> =
        lines.iter().filter(|line| line.contains("INVITE ->")).map(String::as_str).collect();
    assert_eq!(
        invites,
        [
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ana by carrier-b",
            "1.000s call 2 INVITE -> ana by carrier-b",
            "1.000s call 2 INVITE -> ana by carrier-a",
        ]
    );
}

/// "The entire system will be off for five minutes": whoever has asked to be left alone is passed by while there is another
/// way to the same destination, and asked all the same if there is none; a full list of steps behind it changes nothing.
#[test]
fn retry_after_never_keeps_the_last_way_out() {
    let away = Manner::Refuse { after: Duration::ZERO, status: 503, extra: "Retry-After: 86400\r\n" };
    let well = Manner::says(0, 100);
    let invited = |manners: &[(&str, Manner)], times: &[u64]| -> Vec<String> {
        let callers: Vec<_> = times.iter().map(|second| caller_at(Duration::from_secs(*second))).collect();
        let lines = story(town::office_then_answering(), manners, &callers);
        assert!(!lines.iter().any(|line| line.contains("invariant")), "{lines:?}");
        lines.iter().filter(|line| line.contains("INVITE -> ")).cloned().collect()
    };
    assert_eq!(
        invited(&[("office", away), ("office-2", well)], &[0, 10, 299, 301]),
        [
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE -> office-2",
            "10.000s call 2 INVITE -> office-2",
            "299.000s call 3 INVITE -> office-2",
            "301.000s call 4 INVITE -> office-2",
        ],
        "after five minutes it is suspect, and the other one is not"
    );
    assert_eq!(
        invited(&[("office", away), ("office-2", away), ("answering", well)], &[0, 10]),
        [
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 INVITE -> office-2",
            "0.000s call 1 INVITE -> answering",
            "10.000s call 2 INVITE -> office",
            "10.000s call 2 INVITE -> office-2",
            "10.000s call 2 INVITE -> answering",
        ]
    );
}

/// "Vendor trouble sent as busy": three of them at once for two people are the trunk's. The third goes on by the other
/// carrier although it "declined", and for ten seconds nobody asks the trunk.
#[test]
fn busy_that_is_not_busy_is_a_trunk_at_its_limit_for_ten_seconds() {
    let plan = town::town_with(vec![
        town::step(&[ANA_TARGET, BEN_TARGET], 1),
        town::step(&[town::ANSWERING_TARGET], 2),
    ]);
    let well = Manner::says(0, 100);
    let people = [("carrier-a", Manner::refuses(603)), ("ana", well), ("answering", well)];
    let callers = [0, 1000, 2000, 12_000].map(|at| caller_at(ms(at)));
    let lines = alarming(plan, &people, &callers, &[]);
    let is_told = |line: &&String| line.contains("INVITE -> ") || !line.contains(" call ");
    let lines: Vec<&str> = lines.iter().filter(is_told).map(String::as_str).collect();
    assert_eq!(
        lines,
        [
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ben by carrier-a",
            "0.000s call 1 INVITE -> answering",
            "1.000s call 2 INVITE -> ana by carrier-a",
            "1.000s call 2 INVITE -> ben by carrier-a",
            "1.000s carrier-a has no room for more calls than 2 (+15035550111)",
            "1.000s carrier-a is Full",
            "1.000s call 2 INVITE -> ana by carrier-b",
            "2.000s call 3 INVITE -> ana by carrier-b",
            "2.000s call 3 INVITE -> ben by carrier-b",
            "11.000s carrier-a is no longer Full",
            "12.000s call 4 INVITE -> ana by carrier-a",
            "12.000s call 4 INVITE -> ben by carrier-a",
            "12.000s carrier-a has no room for more calls than 1 (+15035550112)",
            "12.000s carrier-a is Full",
            "12.000s call 4 INVITE -> ben by carrier-b",
            "14.000s call 4 INVITE -> answering",
            "22.000s carrier-a is no longer Full",
        ],
    );
}

/// "Callers are rung twice after somebody has declined": a carrier that goes on after 603 gets the status that ends the
/// call there; one that goes on after 503 alone gets that for a failure of all our ways.
#[test]
fn whoever_sent_a_call_is_answered_in_its_own_dialect() {
    for (says, hears) in [(603, 480), (486, 486), (500, 503)] {
        let mut plan = town::one_address_then_answering();
        plan.peers[5].dialect =
            Arc::new(Dialect { next: vec![503, 603], stop: vec![480], ..Dialect::default() });
        let manners = [("office", Manner::refuses(says)), ("answering", Manner::refuses(says))];
        let lines = story(plan, &manners, &[caller()]);
        let last = format!("0.000s call 1 {hears} -> caller");
        assert_eq!(lines.last(), Some(&last), "{lines:#?}");
    }
}
