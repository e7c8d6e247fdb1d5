//! Our own OPTIONS, and peers that ask who we are before they answer them.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

mod door;

use core::time::Duration;
use door::{Door, OFFICE, plan, show, with};
use router::Plan;
use router::door::Event;
use router::target::{Login, Probe};
use sip::{Message, Name};
use std::sync::Arc;

const ASKS: &str = "WWW-Authenticate: Digest realm=\"office\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n\
     WWW-Authenticate: Digest realm=\"office\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n";
const STALE: &str = "WWW-Authenticate: Digest realm=\"office\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth\", stale=true\r\n";

/// The office is probed every five seconds; we have credentials for it, or not.
fn probed(login: bool) -> Arc<Plan> {
    let mut plan = Arc::unwrap_or_clone(plan());
    plan.peers[0].probe = Some(Probe::every(Duration::from_secs(5)));
    plan.peers[0].login = login.then(|| Login {
        user: "nguyen".into(),
        password: "secret".into(),
        realm: None,
        register: None,
        line: 5,
    });
    Arc::new(plan)
}

/// The office's next probe, after it was waited for.
fn probe(door: &mut Door) -> Message {
    loop {
        let mut out = Vec::new();
        door.node.handle(door.now, Event::Tick, &mut out);
        let options = out.into_iter().map(show).find(|(line, _)| line.contains("<- OPTIONS"));
        if let Some((_, options)) = options {
            return options.unwrap();
        }
        door.now = door.node.deadline().unwrap();
    }
}

/// What the office says to a request, and what comes of it.
fn says(door: &mut Door, request: &Message, status: &str, line: &str) -> Vec<(String, Option<Message>)> {
    door.now = door.now + Duration::from_millis(10);
    door.hears(OFFICE, &with(request, status, "o", line))
}

fn value(message: &Message, name: Name) -> String {
    message.value(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

#[test]
fn a_challenge_to_a_probe_is_answered_once_and_then_the_answer_counts() {
    let mut door = Door::with(probed(true));
    let first = probe(&mut door);
    assert_eq!(first.value(Name::Authorization), None);
    let asked = says(&mut door, &first, "401 Asks", ASKS);
    assert_eq!(door::lines(&asked), ["192.0.2.10:5060 <- OPTIONS sip:192.0.2.10:5060 SIP/2.0"]);
    let again = asked[0].1.clone().unwrap();
    let answer = value(&again, Name::Authorization);
    let begin = "Digest username=\"nguyen\", realm=\"office\", nonce=\"n1\", uri=\"sip:192.0.2.10:5060\", response=\"";
    assert!(
        answer.starts_with(begin) && answer.contains("algorithm=SHA-256, qop=auth, nc=00000001"),
        "{answer}"
    );
    assert_eq!([value(&first, Name::CSeq), value(&again, Name::CSeq)], ["1 OPTIONS", "2 OPTIONS"]);
    assert_eq!(first.call_id(), again.call_id());
    assert_eq!(first.from_tag(), again.from_tag());
    assert_ne!(first.top_via().unwrap().branch(), again.top_via().unwrap().branch());
    // A copy of the challenge is about the try before.
    assert_eq!(door::lines(&says(&mut door, &first, "401 Asks", ASKS)), [""; 0]);
    let up = says(&mut door, &again, "200 OK", "");
    assert_eq!(door::lines(&up), ["[\"office\"] Unknown -> Up"]);
}

#[test]
fn a_nonce_may_grow_old_once_within_the_patience_of_one_probe() {
    let mut door = Door::with(probed(true));
    let first = probe(&mut door);
    let second = says(&mut door, &first, "401 Asks", ASKS)[0].1.clone().unwrap();
    let third = says(&mut door, &second, "401 Stale", STALE)[0].1.clone().unwrap();
    assert!(value(&third, Name::Authorization).contains("nonce=\"n2\""));
    let told = says(&mut door, &third, "401 Stale", STALE);
    assert_eq!(door::lines(&told), ["[\"office\"] Unknown -> Up"], "it lives, whatever it thinks of us");

    let mut door = Door::with(probed(true));
    let first = probe(&mut door);
    says(&mut door, &first, "401 Asks", ASKS);
    let told: Vec<String> = door.ticks(1_990);
    assert!(
        told.contains(&"[\"office\"] Unknown -> Suspect".to_owned()),
        "who is behind it is silent: {told:?}"
    );
}

#[test]
fn without_credentials_a_challenge_is_a_sign_of_life() {
    for (status, line) in
        [("401 Asks", ASKS), ("407 Asks", ""), ("401 Asks", "WWW-Authenticate: Basic x\r\n")]
    {
        for login in [false, line.is_empty() || line.contains("Basic")] {
            let mut door = Door::with(probed(login));
            let first = probe(&mut door);
            let told = says(&mut door, &first, status, line);
            assert_eq!(door::lines(&told), ["[\"office\"] Unknown -> Up"], "{status} {line}");
        }
    }
}

#[test]
fn a_wrong_password_is_found_by_probes_and_then_said_no_more() {
    let mut door = Door::with(probed(true));
    let mut said = Vec::new();
    for nth in 1..=5 {
        let first = probe(&mut door);
        let asked = says(&mut door, &first, "401 Asks", &ASKS.replace("n1", &format!("a{nth}")));
        let again = asked.into_iter().find_map(|(line, sent)| sent.filter(|_| line.contains("<- OPTIONS")));
        let Some(again) = again else {
            said.push("not said".to_owned());
            continue;
        };
        let told = says(&mut door, &again, "401 Asks", &ASKS.replace("n1", &format!("b{nth}")));
        let told = told.into_iter().find(|(line, _)| line.starts_with("Login"));
        said.push(told.map_or_else(|| "refused".to_owned(), |(line, _)| line));
    }
    assert_eq!(said[..2], ["refused", "refused"]);
    assert!(said[2].contains("peer: \"office\", line: Some(5), word: Refused"), "{}", said[2]);
    assert_eq!(said[3..], ["not said", "not said"]);
    // The trial, half a minute later, is met by the right password.
    door.ticks(31_000);
    let first = probe(&mut door);
    let again = says(&mut door, &first, "401 Asks", ASKS)[0].1.clone().unwrap();
    let told = says(&mut door, &again, "200 OK", "");
    assert!(told.iter().any(|(line, _)| line.contains("word: Through")), "{:?}", door::lines(&told));
}
