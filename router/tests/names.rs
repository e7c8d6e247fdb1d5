//! Requests inside of calls whose next hop is a host name that stands in no plan.

#![expect(clippy::unwrap_used, reason = "a test fails where it does not get what it asks for")]

mod door;

use core::time::Duration;
use door::{CALLER, Door, OFFICE, invite, lines, reply, show};
use router::Event;
use router::locate::{Answer, Kind, Query, Record};
use sip::Name;

const CALLEES_NAME: &str = "desk.example:5070";

/// A call to an office whose Contact is a host name: the effects of the answer, and what makes requests inside it.
fn answered_by_name(door: &mut Door) -> (Vec<String>, impl Fn(&str, u32) -> Vec<u8> + use<>) {
    let begun = door.hears(CALLER, &invite("z9hG4bKn"));
    let rung = begun[1].1.clone().unwrap();
    let ok = String::from_utf8_lossy(&reply(&rung, "200 OK", "o")).into_owned();
    let ok = ok.replace("<sip:192.0.2.10:5060>", &format!("<sip:{CALLEES_NAME}>"));
    let answered = door.hears(OFFICE, ok.as_bytes());
    let route = answered.iter().find_map(|(_, message)| {
        let message = message.as_ref().filter(|message| message.status() == Some(200))?;
        String::from_utf8(message.value(Name::RecordRoute)?.to_vec()).ok()
    });
    let route = route.unwrap();
    let within = move |method: &str, cseq: u32| {
        format!(
            "{method} sip:{CALLEES_NAME} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{method}\r\n\
             Max-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:+4411@192.0.2.1>;tag=ft\r\n\
             To: <sip:+15035550100@192.0.2.100>;tag=o\r\nCall-ID: c1@192.0.2.1\r\nCSeq: {cseq} {method}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    };
    (lines(&answered).into_iter().map(str::to_owned).collect(), within)
}

fn desk_is_at(last: u8) -> Answer {
    Answer::Records(vec![Record::Address([192, 0, 2, last].into())], Duration::from_secs(60))
}

const NOWHERE: Answer = Answer::NoName(Duration::from_secs(60));

#[test]
fn a_contact_that_is_a_name_is_looked_up_with_the_answer_and_the_ack_waits_for_it() {
    let mut door = Door::new();
    let (answered, within) = answered_by_name(&mut door);
    assert_eq!(
        answered,
        [
            "dns <- A desk.example",
            "dns <- Aaaa desk.example",
            "192.0.2.1:5060 <- SIP/2.0 200 OK",
            "call Answered { target: \"office\" } after 1 legs",
            "[\"office\"] Unknown -> Up",
        ]
    );
    assert!(door.hears(CALLER, &within("ACK", 1)).is_empty());
    assert!(
        resolves(&mut door, Kind::A, desk_is_at(40)).is_empty(),
        "its other addresses may be on their way"
    );
    assert_eq!(
        resolves(&mut door, Kind::Aaaa, NOWHERE),
        [format!("192.0.2.40:5070 <- ACK sip:{CALLEES_NAME} SIP/2.0")]
    );
    let bye = door.hears(CALLER, &within("BYE", 2));
    assert_eq!(
        lines(&bye),
        ["192.0.2.40:5070 <- BYE sip:desk.example:5070 SIP/2.0", "c1@192.0.2.1 has hung up"]
    );
}

#[test]
fn what_waits_for_a_name_waits_a_second_and_is_told_so() {
    let mut door = Door::new();
    let (_, within) = answered_by_name(&mut door);
    assert!(door.hears(CALLER, &within("ACK", 1)).is_empty());
    assert!(door.hears(CALLER, &within("BYE", 2)).is_empty());
    assert!(door.ticks(999).iter().all(|line| line.contains("INVITE")));
    let over = door.ticks(1);
    assert!(
        over.iter().any(|line| line.contains("Dropped") && line.contains("not resolved in time")),
        "{over:?}"
    );
    assert!(over.contains(&"192.0.2.1:5060 <- SIP/2.0 504 Server Time-out".to_owned()), "{over:?}");
    resolves(&mut door, Kind::A, desk_is_at(40));
    resolves(&mut door, Kind::Aaaa, NOWHERE);
    let bye = door.hears(CALLER, &within("BYE", 2));
    assert_eq!(
        lines(&bye),
        ["192.0.2.40:5070 <- BYE sip:desk.example:5070 SIP/2.0", "c1@192.0.2.1 has hung up"],
        "sent again, it goes"
    );
}

#[test]
fn a_name_that_leads_nowhere_refuses_at_once_and_only_calls_of_ours_are_looked_up() {
    let mut door = Door::new();
    let (_, within) = answered_by_name(&mut door);
    resolves(&mut door, Kind::A, NOWHERE);
    resolves(&mut door, Kind::Aaaa, NOWHERE);
    let bye = door.hears(CALLER, &within("BYE", 2));
    assert_eq!(lines(&bye)[0], "192.0.2.1:5060 <- SIP/2.0 500 Server Internal Error");
    let forged =
        String::from_utf8(within("BYE", 3)).unwrap().replace(";t=", ";t=1").replace("desk.", "other.");
    let refused = door.hears(CALLER, forged.as_bytes());
    assert_eq!(lines(&refused)[0], "192.0.2.1:5060 <- SIP/2.0 481 Call/Transaction Does Not Exist");
    assert_eq!(refused.iter().filter(|(line, _)| line.starts_with("dns")).count(), 0);
}

#[test]
fn a_callers_contact_is_looked_up_too_once_the_call_is_answered() {
    let mut door = Door::new();
    let named = String::from_utf8_lossy(&invite("z9hG4bKm"))
        .replace("<sip:192.0.2.1:5060>", "<sip:me@phone.example:5060>");
    let begun = door.hears(CALLER, named.as_bytes());
    let rung = begun[1].1.clone().unwrap();
    assert_eq!(begun.iter().filter(|(line, _)| line.starts_with("dns")).count(), 0);
    let answered = door.hears(OFFICE, &reply(&rung, "200 OK", "o"));
    assert_eq!(lines(&answered)[..2], ["dns <- A phone.example", "dns <- Aaaa phone.example"]);
}

/// The DNS answers a question about the callee's name.
fn resolves(door: &mut Door, kind: Kind, answer: Answer) -> Vec<String> {
    let query = Query { name: "desk.example".into(), kind };
    let mut out = Vec::new();
    door.node.handle(door.now, Event::Resolved { query, answer }, &mut out);
    out.into_iter().map(|effect| show(effect).0).collect()
}
