//! Our registrations at peers, as they and nobody else see them: asked for, kept alive, refused, given up.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

mod door;

use core::time::Duration;
use door::{Door, OFFICE, invite, lines, plan, show, with};
use router::Plan;
use router::door::{Effect, Event};
use router::health::Standing;
use router::target::{Login, PeerId, Probe, Reach, Register};
use sip::{Message, Name};
use std::sync::Arc;

const ASKS: &str = "WWW-Authenticate: Digest realm=\"office\", nonce=\"n1\", qop=\"auth\"\r\n";

/// What a node did: each line, and the message if one was sent.
type Seen = Vec<(String, Option<Message>)>;

fn login(password: &str) -> Login {
    let register = Register { user: "nguyen".into(), domain: None, expires: Duration::from_secs(300) };
    Login { user: "nguyen".into(), password: password.into(), realm: None, register: Some(register), line: 5 }
}

/// We register at the office; calls to it may go by the spare as well.
fn registered(password: &str) -> Arc<Plan> {
    let mut plan = Arc::unwrap_or_clone(plan());
    plan.peers[0].login = Some(login(password));
    plan.targets[0].reach = Reach::Sip(vec![PeerId(0), PeerId(1)]);
    Arc::new(plan)
}

/// What the node does next of its own accord, and when; `None` if that is nothing for an hour.
fn next(door: &mut Door) -> Option<(u64, Seen)> {
    let until = door.now + Duration::from_secs(3_600);
    loop {
        let out = tick(door);
        if !out.is_empty() {
            return Some((door.now.as_micros() / 1_000, out));
        }
        door.now = door.node.deadline().filter(|at| *at <= until)?;
    }
}

fn tick(door: &mut Door) -> Seen {
    let mut out: Vec<Effect> = Vec::new();
    door.node.handle(door.now, Event::Tick, &mut out);
    out.into_iter().map(show).collect()
}

/// The next REGISTER, and after how many milliseconds.
fn register(door: &mut Door) -> (u64, Message) {
    let from = door.now;
    loop {
        let (_, out) = next(door).unwrap();
        if let Some((_, Some(sent))) = out.into_iter().find(|(line, _)| line.contains("<- REGISTER")) {
            return ((door.now.as_micros() - from.as_micros()) / 1_000, sent);
        }
    }
}

fn says(door: &mut Door, request: &Message, status: &str, line: &str) -> Seen {
    door.hears(OFFICE, &with(request, status, "o", line))
}

fn value(message: &Message, name: Name) -> String {
    message.value(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn told(out: &[(String, Option<Message>)]) -> Vec<&str> {
    lines(out)
        .into_iter()
        .filter(|line| line.starts_with("Registration") || line.starts_with("Login"))
        .collect()
}

/// The Contact that a registrar has taken, with what is left of it.
fn bound(request: &Message, seconds: u32) -> String {
    format!(
        "Contact: <sip:other@192.0.2.77>;expires=9, {};expires={seconds}\r\n",
        value(request, Name::Contact)
    )
}

#[test]
fn a_registration_is_asked_for_says_who_we_are_and_is_refreshed_before_it_ends() {
    let mut door = Door::with(registered("secret"));
    let (after, first) = register(&mut door);
    assert_eq!(
        (after, first.request_uri().map(|uri| first.at(uri))),
        (0, Some(b"sip:192.0.2.10".as_slice()))
    );
    assert_eq!(value(&first, Name::To), "<sip:nguyen@192.0.2.10>");
    assert!(value(&first, Name::From).starts_with("<sip:nguyen@192.0.2.10>;tag="));
    assert_eq!(value(&first, Name::Contact), "<sip:nguyen@192.0.2.100:5060>");
    assert_eq!(
        (value(&first, Name::Expires), value(&first, Name::CSeq)),
        ("300".into(), "1 REGISTER".into())
    );

    let asked = says(&mut door, &first, "401 Asks", ASKS);
    assert_eq!(lines(&asked), ["192.0.2.10:5060 <- REGISTER sip:192.0.2.10 SIP/2.0"]);
    let again = asked[0].1.clone().unwrap();
    let answer = value(&again, Name::Authorization);
    assert!(
        answer.starts_with(
            "Digest username=\"nguyen\", realm=\"office\", nonce=\"n1\", uri=\"sip:192.0.2.10\""
        )
    );
    assert_eq!((again.call_id(), value(&again, Name::CSeq)), (first.call_id(), "2 REGISTER".into()));
    assert_eq!(lines(&says(&mut door, &first, "401 Asks", ASKS)), [""; 0], "a copy");

    let up = says(&mut door, &again, "200 OK", &bound(&again, 100));
    assert!(told(&up)[0].contains("from: Asked, to: Held"), "{:?}", lines(&up));
    // 80 to 100 % of three quarters of what was granted, not of what was asked for.
    for cseq in [3_u32, 5, 7] {
        let (after, refresh) = register(&mut door);
        assert!((60_000..=75_000).contains(&after), "{after}");
        assert_eq!(
            (refresh.call_id(), value(&refresh, Name::CSeq)),
            (first.call_id(), format!("{cseq} REGISTER"))
        );
        let again = says(&mut door, &refresh, "401 Asks", ASKS)[0].1.clone().unwrap();
        let nc = format!("nc=0000000{}", cseq.div_ceil(2));
        assert!(value(&again, Name::Authorization).contains(&nc), "the same nonce is counted on");
        assert_eq!(told(&says(&mut door, &again, "200 OK", &bound(&again, 100))), [""; 0], "no news");
    }
}

#[test]
fn a_registrar_may_want_longer_registrations_and_may_say_how_long_in_a_header() {
    let mut door = Door::with(registered("secret"));
    let (_, first) = register(&mut door);
    let longer = says(&mut door, &first, "423 Too Brief", "Min-Expires: 3600\r\n")[0].1.clone().unwrap();
    assert_eq!(value(&longer, Name::Expires), "3600");
    // It does not come to an end with a registrar that wants ever more.
    let end = says(&mut door, &longer, "423 Too Brief", "Min-Expires: 7200\r\n");
    assert!(told(&end)[0].contains("to: Failing(Refused(423))"), "{:?}", lines(&end));
    let (_, later) = register(&mut door);
    assert_eq!(value(&later, Name::Expires), "3600", "it is remembered");
    let up = says(&mut door, &later, "200 OK", "Expires: 1000\r\n");
    assert!(told(&up)[0].contains("to: Held"));
    let (after, _) = register(&mut door);
    assert!((600_000..=750_000).contains(&after), "{after}");
}

#[test]
fn it_is_asked_for_again_for_ever_after_pauses_that_double_up_to_five_minutes() {
    let mut door = Door::with(registered("secret"));
    let mut pauses = Vec::new();
    let (_, mut sent) = register(&mut door);
    for _ in 0..200 {
        says(&mut door, &sent, "500 Broken", "");
        let (after, next) = register(&mut door);
        pauses.push(after / 1_000);
        sent = next;
    }
    let longest = [5, 10, 20, 40, 80, 160, 300, 300];
    for (pause, most) in pauses.iter().zip(longest) {
        assert!((most * 4 / 5 - 1..=most).contains(pause), "{pauses:?}");
    }
    assert!(pauses[7..].iter().all(|pause| (239..=300).contains(pause)));
    let up = says(&mut door, &sent, "200 OK", "");
    assert!(told(&up)[0].contains("from: Failing(Refused(500)), to: Held"), "{:?}", lines(&up));
}

#[test]
fn silence_is_told_and_the_peer_is_asked_at_once_when_its_probes_are_answered_again() {
    let mut plan = Arc::unwrap_or_clone(registered("secret"));
    plan.peers[0].probe = Some(Probe { hold: Duration::ZERO, ..Probe::every(Duration::from_secs(5)) });
    let mut door = Door::with(Arc::new(plan));
    let (mut told_of, mut registers) = (Vec::new(), 0);
    while door.now.as_micros() < 200_000_000 {
        let (at, out) = next(&mut door).unwrap();
        registers += lines(&out).iter().filter(|line| line.contains("<- REGISTER")).count();
        told_of.extend(told(&out).into_iter().map(|line| (at, line.to_owned())));
    }
    assert!(told_of[0].0 == 5_000 && told_of[0].1.contains("to: Failing(Silent)"), "{told_of:?}");
    assert_eq!(told_of.len(), 1, "the same is told once");
    assert!(registers > 20, "{registers} with copies");
    // The office is back: a probe finds out.
    let options = loop {
        let (_, out) = next(&mut door).unwrap();
        if let Some((_, Some(sent))) = out.into_iter().find(|(line, _)| line.contains("<- OPTIONS")) {
            break sent;
        }
    };
    door.hears(OFFICE, &with(&options, "200 OK", "o", ""));
    while door.node.beliefs().next().unwrap().1 == Standing::Down {
        let (_, out) = next(&mut door).unwrap();
        if let Some((_, Some(sent))) = out.into_iter().find(|(line, _)| line.contains("<- OPTIONS")) {
            door.hears(OFFICE, &with(&sent, "200 OK", "o", ""));
        }
    }
    let (after, _) = register(&mut door);
    assert!(after <= 2_000, "{after}");
}

#[test]
fn what_is_refused_with_our_credentials_three_times_is_tried_last_and_not_said_for_ever() {
    let mut door = Door::with(registered("wrong"));
    let mut said = Vec::new();
    for nth in 1..=3 {
        let (_, first) = register(&mut door);
        let again = says(&mut door, &first, "401 Asks", &ASKS.replace("n1", &format!("a{nth}")))[0].1.clone();
        let end = says(&mut door, &again.unwrap(), "401 Asks", &ASKS.replace("n1", &format!("b{nth}")));
        said.extend(told(&end).into_iter().map(str::to_owned));
    }
    assert!(said[0].contains("from: Asked, to: Failing(Refused(401))"), "{said:?}");
    assert!(said[1].contains("peer: \"office\", line: Some(5), word: Refused"), "{said:?}");
    assert_eq!(said.len(), 2);
    // Calls pass it by.
    let begun = door.hears(door::CALLER, &invite("z9hG4bKa"));
    assert!(
        lines(&begun).iter().any(|line| line.starts_with("192.0.2.20:5060 <- INVITE")),
        "{:?}",
        lines(&begun)
    );
    // Its trial is not before half a minute is over, and then ever later.
    let mut pauses = Vec::new();
    for nth in 4..=9 {
        let (after, first) = register(&mut door);
        pauses.push(after / 1_000);
        let asked = says(&mut door, &first, "401 Asks", &ASKS.replace("n1", &format!("a{nth}")));
        says(&mut door, &asked[0].1.clone().unwrap(), "403 Forbidden", "");
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 600]);
    // Somebody writes the right password and reloads.
    door.node.handle(door.now, Event::Apply(registered("right")), &mut Vec::new());
    let (after, first) = register(&mut door);
    assert_eq!(after, 0);
    let again = says(&mut door, &first, "401 Asks", ASKS)[0].1.clone().unwrap();
    assert!(told(&says(&mut door, &again, "200 OK", ""))[0].contains("to: Held"));
    let begun = door.hears(door::CALLER, &invite("z9hG4bKb"));
    assert!(
        lines(&begun).iter().any(|line| line.starts_with("192.0.2.10:5060 <- INVITE")),
        "{:?}",
        lines(&begun)
    );
}

#[test]
fn a_node_that_drains_and_a_plan_without_it_give_a_registration_up() {
    let leave = [Event::Drain, Event::Apply(plan())];
    for event in leave {
        let mut door = Door::with(registered("secret"));
        let (_, first) = register(&mut door);
        says(&mut door, &first, "200 OK", &bound(&first, 100));
        door.now = door.now + Duration::from_secs(20);
        door.node.handle(door.now, event, &mut Vec::new());
        assert_eq!(door.node.lingering(), 1, "its end is waited for");
        let out = tick(&mut door);
        assert!(told(&out)[0].contains("from: Held, to: Left"), "{:?}", lines(&out));
        let parting = out.into_iter().find_map(|(_, sent)| sent).unwrap();
        assert_eq!(value(&parting, Name::Expires), "0");
        let again = says(&mut door, &parting, "401 Asks", ASKS)[0].1.clone().unwrap();
        assert_eq!((value(&again, Name::Expires), again.has(Name::Authorization)), ("0".into(), true));
        assert_eq!(lines(&says(&mut door, &again, "200 OK", "")), [""; 0]);
        assert_eq!((door.node.lingering(), door.node.census().registrations), (0, 0));
        assert!(next(&mut door).is_none(), "nothing is left of it");
    }
}

#[test]
fn a_call_to_our_account_is_to_the_number_of_the_plan_that_its_to_names() {
    let mut door = Door::with(registered("secret"));
    let to_account = |branch: &str, to: &str| {
        let text = String::from_utf8_lossy(&invite(branch)).into_owned();
        let text = text.replacen("INVITE sip:+15035550100@", "INVITE sip:nguyen@", 1);
        text.replacen("To: <sip:+15035550100@", &format!("To: <sip:{to}@"), 1).into_bytes()
    };
    let begun = door.hears(door::CALLER, &to_account("z9hG4bKa", "15035550100"));
    let line = "192.0.2.10:5060 <- INVITE sip:15035550100@192.0.2.10:5060 SIP/2.0";
    assert!(lines(&begun).contains(&line), "{:?}", lines(&begun));
    for to in ["nguyen", "+15035550199"] {
        let refused = door.hears(door::CALLER, &to_account(&format!("z9hG4bK{to}"), to));
        assert!(
            lines(&refused).contains(&"192.0.2.1:5060 <- SIP/2.0 404 Not Found"),
            "{:?}",
            lines(&refused)
        );
    }
    // Whoever has no account there is called as it is written.
    let mut door = Door::with(plan());
    let refused = door.hears(door::CALLER, &to_account("z9hG4bKa", "+15035550100"));
    assert!(lines(&refused).contains(&"192.0.2.1:5060 <- SIP/2.0 404 Not Found"), "{:?}", lines(&refused));
}

#[test]
fn a_registrar_that_is_silent_to_the_last_does_not_hold_up_a_node_that_drains() {
    let mut door = Door::with(registered("secret"));
    register(&mut door);
    door.node.handle(door.now, Event::Drain, &mut Vec::new());
    let mut last = 0;
    while let Some((at, _)) = next(&mut door) {
        last = at;
    }
    assert_eq!(door.node.census(), router::census::Census::default());
    assert!(last < 5_000, "{last}");
}
