//! Peers that ask for credentials: the INVITE is sent once more to the same hop, and its CSeq is one higher there for
//! all of the call, on any node.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

mod door;

use door::{CALLER, Door, OFFICE, SPARE, invite, lines, plan, reply, with};
use router::logins::Word;
use router::record::Entry;
use router::target::{Login, PeerId, Reach};
use router::verdict::Fix;
use router::{Event, Plan};
use sip::{Message, Name};
use std::sync::Arc;

const ASKS: &str = "Proxy-Authenticate: Digest realm=\"office\", nonce=\"n1\", qop=\"auth\"\r\n";
const STALE: &str = "Proxy-Authenticate: Digest realm=\"office\", nonce=\"n2\", qop=\"auth\", stale=true\r\n";

/// The office asks for credentials, the spare does not; who we are to the office.
fn guarded(realm: Option<&str>) -> Arc<Plan> {
    let mut plan = Arc::unwrap_or_clone(plan());
    plan.peers[0].login = Some(Login {
        user: "nguyen".into(),
        password: "secret".into(),
        realm: realm.map(Into::into),
        register: None,
        line: 5,
    });
    Arc::new(plan)
}

/// The same, and one site has both.
fn reachable_by_both() -> Arc<Plan> {
    let mut plan = Arc::unwrap_or_clone(guarded(None));
    plan.targets[0].reach = Reach::Sip(vec![PeerId(0), PeerId(1)]);
    Arc::new(plan)
}

fn value(message: &Message, name: Name) -> String {
    message.value(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn invite_at(effects: &[(String, Option<Message>)], address: &str) -> Message {
    let begin = format!("{address} <- INVITE");
    effects.iter().find(|(line, _)| line.starts_with(&begin)).and_then(|(_, sent)| sent.clone()).unwrap()
}

/// A request inside of the call, along this route.
fn within(method: &str, cseq: u32, route: &str, (from, to): (&str, &str), more: &str) -> Vec<u8> {
    format!(
        "{method} sip:192.0.2.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:a@192.0.2.1>;tag={from}\r\nTo: <sip:b@192.0.2.1>;tag={to}\r\n\
         Call-ID: c1@192.0.2.1\r\nCSeq: {cseq} {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// The call has been answered by an office that asked first; the INVITE it took, and the 200 as the caller got it.
fn answered(door: &mut Door) -> (Message, Message) {
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    let up = door.hears(OFFICE, &reply(&again, "200 OK", "o"));
    (again, up[0].1.clone().unwrap())
}

#[test]
fn a_challenge_is_answered_at_the_same_hop_with_a_higher_cseq() {
    let mut door = Door::with(guarded(None));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    assert_eq!(first.value(Name::ProxyAuthorization), None);
    let asked = door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS));
    assert_eq!(
        lines(&asked),
        [
            "192.0.2.10:5060 <- ACK sip:+15035550100@192.0.2.10:5060 SIP/2.0",
            "192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0",
            "[\"office\"] Unknown -> Up",
        ]
    );
    let (ack, again) = (asked[0].1.clone().unwrap(), asked[1].1.clone().unwrap());
    assert_eq!([value(&ack, Name::CSeq), value(&again, Name::CSeq)], ["1 ACK", "2 INVITE"]);
    assert_ne!(first.top_via().unwrap().branch(), again.top_via().unwrap().branch());
    let answer = value(&again, Name::ProxyAuthorization);
    let begin = "Digest username=\"nguyen\", realm=\"office\", nonce=\"n1\", \
                 uri=\"sip:+15035550100@192.0.2.10:5060\", response=\"";
    assert!(answer.starts_with(begin) && answer.contains(", qop=auth, nc=00000001, "), "{answer}");
    assert_eq!(again.body(), first.body());

    let rings = door.hears(OFFICE, &reply(&again, "180 Ringing", "o"));
    assert_eq!(value(rings[0].1.as_ref().unwrap(), Name::CSeq), "1 INVITE");
    let up = door.hears(OFFICE, &reply(&again, "200 OK", "o"));
    assert_eq!(
        lines(&up),
        ["192.0.2.1:5060 <- SIP/2.0 200 OK", "call Answered { target: \"office\" } after 2 legs"]
    );
    assert_eq!(value(up[0].1.as_ref().unwrap(), Name::CSeq), "1 INVITE");
}

#[test]
fn each_try_is_a_leg_of_its_own_in_the_record() {
    let mut door = Door::with(guarded(Some("office")));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    let third = invite_at(&door.hears(OFFICE, &with(&again, "407 Stale", "x", STALE)), OFFICE);
    assert_eq!(value(&third, Name::CSeq), "3 INVITE");
    assert!(value(&third, Name::ProxyAuthorization).contains("nonce=\"n2\""));
    assert_eq!(third.fields_of(Name::ProxyAuthorization).count(), 1);
    // A nonce may grow old once, not twice.
    let spare = invite_at(&door.hears(OFFICE, &with(&third, "407 Stale", "x", STALE)), SPARE);
    assert_eq!((value(&spare, Name::CSeq), spare.has(Name::ProxyAuthorization)), ("1 INVITE".into(), false));
    let records = door.records(SPARE, &reply(&spare, "200 OK", "s"));
    let legs: Vec<_> = records
        .iter()
        .filter_map(|entry| if let Entry::Call(call) = entry { Some(&call.legs) } else { None })
        .flatten()
        .map(|leg| (&*leg.target, leg.fix, leg.outcome.as_str()))
        .collect();
    let with = Some(Fix::Credentials);
    assert_eq!(
        legs,
        [
            ("office", None, "407"),
            ("office", with, "407"),
            ("office", with, "407"),
            ("spare", None, "answered")
        ]
    );
}

#[test]
fn what_was_refused_is_not_said_twice_and_a_stranger_is_told_nothing() {
    let another = ASKS.replace("n1", "n2");
    let mut door = Door::with(guarded(None));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    invite_at(&door.hears(OFFICE, &with(&again, "407 Asks", "x", &another)), SPARE);

    let mut door = Door::with(guarded(Some("another realm")));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), SPARE);

    // The spare may ask as much as it likes: who we are to the office is not its business.
    let mut door = Door::with(guarded(None));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let spare = invite_at(&door.hears(OFFICE, &reply(&first, "503 Out", "x")), SPARE);
    let end = door.hears(SPARE, &with(&spare, "401 Asks", "x", &ASKS.replace("Proxy-", "WWW-")));
    assert!(
        lines(&end).contains(&"192.0.2.1:5060 <- SIP/2.0 500 Server Internal Error"),
        "{:?}",
        lines(&end)
    );
}

/// One call that the office refuses with another nonce, and the spare answers; who got its INVITE first, and what was
/// recorded of credentials.
fn refused_call(door: &mut Door, n: u32) -> (bool, Vec<Word>) {
    let begun = door.hears(CALLER, &invite(&format!("z9hG4bKcall{n}")));
    let words = |records: Vec<Entry>| {
        let word = |entry| if let Entry::Login { change, .. } = entry { Some(change.word) } else { None };
        records.into_iter().filter_map(word).collect()
    };
    if !lines(&begun).iter().any(|line| line.starts_with("192.0.2.10:5060 <- INVITE")) {
        door.hears(SPARE, &reply(&invite_at(&begun, SPARE), "200 OK", "s"));
        return (false, Vec::new());
    }
    let asks = ASKS.replace("n1", &format!("n{n}"));
    let again =
        invite_at(&door.hears(OFFICE, &with(&invite_at(&begun, OFFICE), "407 Asks", "x", &asks)), OFFICE);
    (true, words(door.records(OFFICE, &with(&again, "407 Asks", "x", &asks))))
}

#[test]
fn credentials_that_are_refused_three_times_take_the_peer_out_until_a_trial() {
    let mut door = Door::with(reachable_by_both());
    assert_eq!(refused_call(&mut door, 1), (true, vec![]));
    assert_eq!(refused_call(&mut door, 2), (true, vec![]));
    assert_eq!(refused_call(&mut door, 3), (true, vec![Word::Refused]));
    assert_eq!(refused_call(&mut door, 4), (false, vec![]), "the spare is tried first now");
    door.ticks(29_000);
    assert_eq!(refused_call(&mut door, 5), (false, vec![]));
    door.ticks(1_000);
    assert_eq!(refused_call(&mut door, 6), (true, vec![]), "its trial");
    assert_eq!(refused_call(&mut door, 7), (false, vec![]));
    door.ticks(59_000);
    assert_eq!(refused_call(&mut door, 8), (false, vec![]));
    door.ticks(1_000);
    // Somebody has corrected the password there.
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKlast")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    let records = door.records(OFFICE, &reply(&again, "180 Ringing", "o"));
    let held = |entry: &Entry| matches!(entry, Entry::Login { change, .. } if change.word == Word::Through);
    assert!(records.iter().any(held));
}

#[test]
fn a_challenge_that_cannot_be_met_takes_the_peer_out_at_once_and_a_new_plan_brings_it_back() {
    let mut plan = Arc::unwrap_or_clone(reachable_by_both());
    plan.peers[0].login = None;
    let plan = Arc::new(plan);
    let mut door = Door::with(Arc::clone(&plan));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let records = door.records(OFFICE, &with(&first, "407 Asks", "x", ASKS));
    let unmet = |entry: &Entry| matches!(entry, Entry::Login { change, .. } if change.word == Word::Unmet);
    assert!(records.iter().any(unmet));
    invite_at(&door.hears(CALLER, &invite("z9hG4bKb")), SPARE);
    door.node.handle(door.now, Event::Apply(Arc::new(Plan::clone(&plan))), &mut Vec::new());
    invite_at(&door.hears(CALLER, &invite("z9hG4bKc")), OFFICE);
}

#[test]
fn the_same_nonce_is_counted_on() {
    let mut door = Door::with(guarded(None));
    for (call, count) in [("z9hG4bKa", "nc=00000001"), ("z9hG4bKb", "nc=00000002")] {
        let first = invite_at(&door.hears(CALLER, &invite(call)), OFFICE);
        let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
        let answer = value(&again, Name::ProxyAuthorization);
        assert!(answer.contains(count), "{answer}");
    }
}

#[test]
fn any_node_raises_the_callers_cseq_and_lowers_that_of_the_answers() {
    let mut first = Door::with(guarded(None));
    let (_, ok) = answered(&mut first);
    let route = value(&ok, Name::RecordRoute);
    assert!(route.len() < 120, "{route}");
    let caller = ("ft", "o");
    for door in [&mut first, &mut Door::new()] {
        for (method, cseq, expected) in
            [("ACK", 1, "2 ACK"), ("INVITE", 2, "3 INVITE"), ("ACK", 2, "3 ACK"), ("BYE", 3, "4 BYE")]
        {
            let passed = door.hears(CALLER, &within(method, cseq, &route, caller, ""));
            let passed = passed[0].1.clone().unwrap();
            assert_eq!(value(&passed, Name::CSeq), expected);
            if method != "ACK" {
                let back = door.hears(OFFICE, &reply(&passed, "200 OK", ""));
                assert_eq!(value(back[0].1.as_ref().unwrap(), Name::CSeq), format!("{cseq} {method}"));
            }
        }
        let rack = "RAck: 77 1 INVITE\r\n";
        let prack = door.hears(CALLER, &within("PRACK", 4, &route, caller, rack));
        assert_eq!(value(prack[0].1.as_ref().unwrap(), Name::RAck), "77 2 INVITE");
        // The callee counts for itself.
        let bye = door.hears(OFFICE, &within("BYE", 7, &route, ("o", "ft"), ""));
        assert_eq!(value(bye[0].1.as_ref().unwrap(), Name::CSeq), "7 BYE");
    }
}

#[test]
fn requests_inside_of_the_call_say_who_we_are_at_once_and_only_to_whom_has_asked() {
    let mut door = Door::with(guarded(None));
    let (_, ok) = answered(&mut door);
    let route = value(&ok, Name::RecordRoute);
    let passed = |door: &mut Door, from, request: Vec<u8>| {
        value(door.hears(from, &request)[0].1.as_ref().unwrap(), Name::ProxyAuthorization)
    };
    let bye = passed(&mut door, CALLER, within("BYE", 2, &route, ("ft", "o"), ""));
    let begin = "Digest username=\"nguyen\", realm=\"office\", nonce=\"n1\", uri=\"sip:192.0.2.10:5060\"";
    assert!(bye.starts_with(begin) && bye.contains("nc=00000002"), "{bye}");
    assert_eq!(passed(&mut door, CALLER, within("ACK", 1, &route, ("ft", "o"), "")), "");
    let to_caller = String::from_utf8(within("BYE", 7, &route, ("o", "ft"), "")).unwrap();
    let to_caller = to_caller.replacen("sip:192.0.2.10:5060", "sip:192.0.2.1:5060", 1);
    assert_eq!(passed(&mut door, OFFICE, to_caller.into_bytes()), "");
}

#[test]
fn an_answer_reaches_the_caller_by_a_node_that_knows_nothing_of_the_call() {
    let mut door = Door::with(guarded(None));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    let mut restarted = Door::new();
    let up = restarted.hears(OFFICE, &reply(&again, "200 OK", "o"));
    assert_eq!(lines(&up), ["192.0.2.1:5060 <- SIP/2.0 200 OK"]);
    assert_eq!(value(up[0].1.as_ref().unwrap(), Name::CSeq), "1 INVITE");
}

#[test]
fn an_answer_with_another_cseq_than_the_one_sent_is_no_answer() {
    let mut door = Door::with(guarded(None));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    for wrong in ["CSeq: 1 INVITE", "CSeq: 3 INVITE", "CSeq: 0 INVITE"] {
        let text = String::from_utf8_lossy(&reply(&again, "200 OK", "o")).replace("CSeq: 2 INVITE", wrong);
        assert_eq!(lines(&door.hears(OFFICE, text.as_bytes())), [""; 0], "{wrong}");
    }
}

#[test]
fn a_cancel_bears_the_cseq_of_its_invite() {
    let mut door = Door::with(guarded(None));
    let first = invite_at(&door.hears(CALLER, &invite("z9hG4bKa")), OFFICE);
    let again = invite_at(&door.hears(OFFICE, &with(&first, "407 Asks", "x", ASKS)), OFFICE);
    door.hears(OFFICE, &reply(&again, "180 Ringing", "o"));
    let cancel = String::from_utf8_lossy(&invite("z9hG4bKa")).replace("INVITE", "CANCEL");
    let cancelled = door.hears(CALLER, cancel.as_bytes());
    let cancel = cancelled.iter().find(|(line, _)| line.starts_with("192.0.2.10:5060 <- CANCEL")).unwrap();
    assert_eq!(value(cancel.1.as_ref().unwrap(), Name::CSeq), "2 CANCEL");
}
