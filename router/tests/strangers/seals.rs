//! Seals that are forged, of another call, of another tag or run out, and ways to be sent on without one.

use crate::door::{Door, NODE, OFFICE, STRANGER, VICTIM, invite, plan, sent};
use core::time::Duration;
use router::door::Event;
use router::plan::{CourseId, Plan};
use router::strangers::Welcome;

/// A call of the stranger's that is answered, and the token of its Record-Route.
fn answered_call(door: &mut Door, from: &str, n: usize) -> String {
    let out = door.hears(from, &invite("+15035550100", from, n));
    let leg = sent(&out).into_iter().find(|(to, _)| to == OFFICE).unwrap().1;
    let token = leg.split_once(";t=").unwrap().1.split_once('>').unwrap().0.to_owned();
    let lines: String = leg
        .lines()
        .filter(|line| {
            ["Via", "From", "Call-ID", "CSeq", "Record-Route"].iter().any(|name| line.starts_with(name))
        })
        .map(|line| format!("{line}\r\n"))
        .collect();
    let answer = format!(
        "SIP/2.0 200 OK\r\n{lines}To: <sip:+15035550100@{NODE}>;tag=office\r\nContact: <sip:desk@{OFFICE}>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(sent(&door.hears(OFFICE, &answer)).len(), 1, "the answer goes to the caller");
    token
}

#[derive(Clone, Copy)]
struct Within<'a> {
    method: &'a str,
    uri: &'a str,
    route: &'a str,
    from_tag: &'a str,
    to_tag: &'a str,
    call: &'a str,
}

impl Within<'_> {
    fn text(self) -> String {
        let Self { method, uri, route, from_tag, to_tag, call } = self;
        let tag = |tag: &str| if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};rport;branch=z9hG4bKwithin\r\nMax-Forwards: 70\r\n\
             {route}From: <sip:+15035550199@{STRANGER}>{}\r\nTo: <sip:+15035550100@{NODE}>{}\r\nCall-ID: {call}\r\n\
             CSeq: 2 {method}\r\nContact: <sip:{STRANGER}>\r\nContent-Length: 0\r\n\r\n",
            tag(from_tag),
            tag(to_tag)
        )
    }
}

#[test]
fn a_seal_is_good_for_its_own_call_in_both_directions_and_for_nothing_else() {
    let mut door = Door::new(plan(Welcome::Listed));
    let token = answered_call(&mut door, STRANGER, 1);
    let other = answered_call(&mut door, STRANGER, 2);
    let call = format!("1@{STRANGER}");
    let (uri, ours) = (format!("sip:desk@{OFFICE}"), format!("Route: <sip:{NODE};lr;t={token}>\r\n"));
    let good =
        Within { method: "BYE", uri: &uri, route: &ours, from_tag: "f1", to_tag: "office", call: &call };
    let mut goes = |within: Within<'_>| {
        // Slow enough to be answered each time.
        door.wait(Duration::from_secs(2));
        let out = door.hears(STRANGER, &within.text());
        sent(&out).first().map(|(to, text)| (to.clone(), text.get(..11).unwrap_or_default().to_owned()))
    };
    let on = Some((OFFICE.to_owned(), "BYE sip:des".to_owned()));
    let no = Some((STRANGER.to_owned(), "SIP/2.0 481".to_owned()));
    assert_eq!(goes(good), on);
    // The callee's requests have the tags the other way round, and the same route.
    assert_eq!(goes(Within { from_tag: "office", to_tag: "f1", ..good }), on);
    // Who was called and gave no tag is spoken to without, and speaks without (RFC 3261 §12.1.2).
    assert_eq!(goes(Within { to_tag: "", ..good }), on);
    assert_eq!(goes(Within { from_tag: "", to_tag: "f1", ..good }), on);

    let route = |t: &str| format!("Route: <sip:{NODE};lr;t={t}>\r\n");
    let flip = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        route(core::str::from_utf8(&bytes).unwrap())
    };
    let forged: Vec<String> = (0..token.len()).map(flip).collect();
    for forged in &forged {
        assert_eq!(goes(Within { route: forged, ..good }), no, "{forged}");
    }
    let (until, mac) = token.split_once('.').unwrap();
    for t in [
        "",
        ".",
        until,
        mac,
        &format!("{until}."),
        &format!(".{mac}"),
        &format!("{token}.{mac}"),
        &format!("{token}.0"),
        &format!("0{token}0"),
        &format!("{mac}.{until}"),
        "ffffffff.ffffffffffffffff",
        &other,
    ] {
        assert_eq!(goes(Within { route: &route(t), ..good }), no, "{t}");
    }
    let swapped = format!("2@{STRANGER}");
    for within in [
        Within { call: &swapped, ..good },
        Within { call: "3", ..good },
        Within { from_tag: "f2", ..good },
        Within { from_tag: "office", to_tag: "f2", ..good },
        Within { from_tag: "F1", ..good },
        Within { from_tag: "f1x", to_tag: "f", ..good },
        Within { from_tag: "office", to_tag: "office", ..good },
        Within { route: "", ..good },
        Within { route: &format!("Route: <sip:{NODE};lr>\r\n"), ..good },
        Within { route: &format!("Route: <sip:{VICTIM};lr;t={token}>\r\n"), ..good },
    ] {
        assert_eq!(goes(within), no, "{}", within.text());
    }
}

#[test]
fn a_seal_that_has_run_out_is_none() {
    let mut door = Door::new(plan(Welcome::Listed));
    let token = answered_call(&mut door, STRANGER, 1);
    let (uri, call) = (format!("sip:desk@{OFFICE}"), format!("1@{STRANGER}"));
    let route = format!("Route: <sip:{NODE};lr;t={token}>\r\n");
    let bye =
        Within { method: "BYE", uri: &uri, route: &route, from_tag: "f1", to_tag: "office", call: &call };
    let day = 24 * 3_600 * 1_000_000;
    for (days, expected) in [(6, OFFICE), (8, STRANGER)] {
        door.node.handle(door.now, Event::Clock { epoch: days * day }, &mut Vec::new());
        assert_eq!(sent(&door.hears(STRANGER, &bye.text()))[0].0, expected, "after {days} days");
    }
}

/// Six ways to be sent on to somebody else's door, each without and with a seal of a call of one's own.
#[test]
fn nobody_is_sent_on_to_where_the_plan_does_not_lead() {
    let mut door = Door::new(Plan { unlisted: Some(CourseId(0)), ..plan(Welcome::Listed) });
    let token = answered_call(&mut door, STRANGER, 1);
    let call = format!("1@{STRANGER}");
    let us = format!("Route: <sip:{NODE};lr>, <sip:{VICTIM};lr>\r\n");
    let sealed = format!("Route: <sip:{NODE};lr;t={token}>, <sip:{VICTIM};lr>\r\n");
    let victims = format!("Route: <sip:{VICTIM};lr>\r\n");
    let strict = format!("Route: <sip:{VICTIM}>\r\n");
    let (there, here) = (format!("sip:a@{VICTIM}"), format!("sip:+15035550100@{NODE}"));
    let own_in_uri = format!("sip:{NODE};lr;t={token}");
    let new = Within { method: "INVITE", uri: &there, route: "", from_tag: "f1", to_tag: "", call: &call };
    let within = Within { to_tag: "forged", ..new };
    let attempts = [
        ("a Request-URI of another's", Within { call: "a", ..new }),
        ("a Route of another's", Within { uri: &here, route: &victims, call: "b", from_tag: "x", ..new }),
        ("our Route before another's", Within { uri: &here, route: &us, call: "c", from_tag: "x", ..new }),
        ("a forged To tag", within),
        ("a forged To tag and our Route", Within { route: &us, ..within }),
        ("a strict route", Within { uri: &format!("sip:{NODE};lr"), route: &strict, ..within }),
        ("a new call with the seal of an old one", Within { uri: &here, route: &sealed, ..new }),
        ("no call at all, with the seal of one", Within { method: "MESSAGE", route: &sealed, ..new }),
        ("the same, by a strict route", Within { method: "REFER", uri: &own_in_uri, route: &strict, ..new }),
        ("a registration elsewhere, with a seal", Within { method: "REGISTER", route: &sealed, ..new }),
        ("a cancellation elsewhere, with a seal", Within { method: "CANCEL", route: &sealed, ..new }),
    ];
    for (name, attempt) in attempts {
        for (to, text) in sent(&door.hears(STRANGER, &attempt.text())) {
            assert!(to == STRANGER || to == OFFICE, "{name}: {to} gets {text}");
            assert!(!text.contains("\r\nRoute:"), "{name}: {text}");
        }
    }
}
