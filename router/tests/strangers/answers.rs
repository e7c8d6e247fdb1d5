//! What strangers are answered: little, alike, and never more than they sent.

use crate::door::{
    CARRIER, CARRIERS_OWN, Door, NODE, OFFICE, STRANGER, dropped, invite, plan, request, sent, status,
};
use core::time::Duration;
use router::door::{Effect, Event};
use router::path::Transport;
use router::plan::{CourseId, Plan};
use router::record::Entry;
use router::strangers::{BURST, CALLS_OF_ONE, Welcome};

#[test]
fn a_stranger_cannot_tell_one_number_from_another() {
    let catch_all = |strangers| Plan { unlisted: Some(CourseId(0)), ..plan(strangers) };
    let open = Plan { unlisted: None, ..plan(Welcome::Nobody) };
    for (plan, numbers) in [
        (catch_all(Welcome::Nobody), ["+15035550100", "+15035550177", "1000"].as_slice()),
        (open, &["+15035550100", "+15035550177", "1000"]),
        (catch_all(Welcome::Listed), &["+15035550177", "1000", "00972592000000"]),
    ] {
        let mut door = Door::new(plan);
        let answers: Vec<String> = numbers
            .iter()
            .map(|number| {
                let out = door.hears(STRANGER, &invite(number, STRANGER, 1));
                assert_eq!(status(&out, STRANGER), 503, "{number}");
                sent(&out).remove(0).1.replace(number, "NUMBER")
            })
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        assert_eq!(door.node.lingering(), 0, "a refusal keeps no state");
    }
}

#[test]
fn a_refusal_of_a_stranger_has_what_rfc_3261_requires_and_nothing_else() {
    let mut door = Door::new(plan(Welcome::Nobody));
    let out = door.hears(STRANGER, &invite("100", STRANGER, 1));
    let text = sent(&out).remove(0).1;
    let (head, tag) = text.split_once(";tag=r").unwrap();
    assert_eq!(
        (head, tag.get(16..).unwrap()),
        (
            "SIP/2.0 503 Service Unavailable\r\n\
             Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;rport=5060;received=203.0.113.9\r\n\
             From: <sip:+15035550199@203.0.113.9:5060>;tag=f1\r\n\
             To: <sip:100@192.0.2.100:5060>",
            "\r\nCall-ID: 1@203.0.113.9:5060\r\nCSeq: 1 INVITE\r\n\r\n"
        )
    );
    let tagged = format!("<sip:100@{NODE}>;tag=r{}", &tag[..16]);
    let ack = request("ACK", "100", STRANGER, 1).replace(&format!("<sip:100@{NODE}>"), &tagged);
    assert!(door.hears(STRANGER, &ack).is_empty(), "the ACK of the refusal is known");
}

#[test]
fn a_carriers_networks_and_addresses_are_the_carriers() {
    for from in [CARRIER, "192.0.2.20:40000", CARRIERS_OWN, "198.51.100.250:9"] {
        let mut door = Door::new(Plan { unlisted: Some(CourseId(0)), ..plan(Welcome::Nobody) });
        let out = door.hears(from, &invite("+15035550100", from, 1));
        let to: Vec<String> = sent(&out).into_iter().map(|(to, _)| to).collect();
        assert_eq!(to, [from, OFFICE], "100, and on to the office");
        let out = door.hears(from, &invite("+15035550177", from, 2));
        assert_eq!(sent(&out).len(), 2, "`*` is for peers");
    }
    let mut door = Door::new(plan(Welcome::Nobody));
    assert_eq!(status(&door.hears(CARRIER, &invite("+15035550177", CARRIER, 1)), CARRIER), 404);
    for n in 2..200 {
        let out = door.hears(CARRIER, &request("OPTIONS", "a", CARRIER, n));
        assert_eq!(status(&out, CARRIER), 200, "a peer asks as often as it likes");
    }
}

#[test]
fn a_call_from_an_unknown_network_is_taken_and_its_network_proposed() {
    let guess = |from: &str, contact: &str| {
        let mut door = Door::new(plan(Welcome::Listed));
        let text =
            invite("+15035550100", from, 1).replace("Contact: <sip:", &format!("Contact: <sip:{contact}@"));
        let text =
            if contact.contains('.') { text.replace(&format!("{contact}@{from}"), contact) } else { text };
        let out = door.hears(from, &text);
        assert_eq!(sent(&out).len(), 2, "100, and on to the office");
        let told: Vec<String> = out
            .iter()
            .filter_map(|effect| {
                let Effect::Record(Entry::Stranger { network, calls, taken, guess, news }) = effect else {
                    return None;
                };
                assert!(*taken && *news && *calls == 1);
                Some(format!("{network} {guess:?}"))
            })
            .collect();
        told.join(" ")
    };
    assert_eq!(guess("203.0.113.9:5060", "a"), "203.0.113.0/24 Some((\"acme\", OnlyOne))");
    assert_eq!(guess("192.0.77.9:5060", "a"), "192.0.77.0/24 Some((\"acme\", Near))");
    assert_eq!(
        guess("203.0.113.9:5060", "sbc7.ord.ACME.example:5070"),
        "203.0.113.0/24 Some((\"acme\", Domain))"
    );
}

#[test]
fn a_scanner_is_answered_a_few_times_and_then_not_at_all_for_a_minute() {
    let mut door = Door::new(plan(Welcome::Listed));
    let mut answers = Vec::new();
    for n in 0..1000 {
        let method = ["OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE"][n % 4];
        let out = door.hears(STRANGER, &request(method, "100", STRANGER, n));
        answers.extend((status(&out, STRANGER) > 0).then(|| status(&out, STRANGER)));
        if answers.len() == BURST as usize && status(&out, STRANGER) == 0 {
            assert_eq!(dropped(&out), ["a stranger that asks too much"]);
        }
    }
    assert_eq!(answers, [200, 405, 503, 405].repeat(5));

    // Whoever sends in a carrier's name silences no call of it.
    let out = door.hears(STRANGER, &invite("+15035550100", STRANGER, 2000));
    assert_eq!(sent(&out).len(), 2, "100, and on to the office");

    door.wait(Duration::from_secs(60));
    assert_eq!(status(&door.hears(STRANGER, &request("OPTIONS", "a", STRANGER, 3000)), STRANGER), 200);
}

#[test]
fn a_stranger_has_so_many_calls_at_once_and_no_more_until_some_are_forgotten() {
    let mut door = Door::new(plan(Welcome::Listed));
    let mut taken = 0;
    for n in 0..1000 {
        let out = door.hears(STRANGER, &invite("+15035550100", STRANGER, n));
        taken += usize::from(sent(&out).len() == 2);
    }
    assert_eq!((taken, door.node.calls(), door.node.lingering()), (CALLS_OF_ONE, CALLS_OF_ONE, CALLS_OF_ONE));
    let other = "203.0.113.10:5060";
    assert_eq!(sent(&door.hears(other, &invite("+15035550100", other, 0))).len(), 2, "another has his own");
    assert_eq!(sent(&door.hears(CARRIER, &invite("+15035550100", CARRIER, 0))).len(), 2);
    // They are never acknowledged; all is over in the end all the same.
    for _ in 0..1000 {
        door.wait(Duration::from_secs(1));
    }
    assert_eq!((door.node.calls(), door.node.lingering()), (0, 0));
    assert_eq!(sent(&door.hears(STRANGER, &invite("+15035550100", STRANGER, 5000))).len(), 2);
}

/// Requests that could want a long answer, each with what the answer is.
const SHAPES: &[(&str, u16, &str)] = &[
    (
        "the least OPTIONS",
        0,
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n",
    ),
    (
        "short, with no port to answer to",
        0,
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;rport;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n",
    ),
    (
        "an ordinary OPTIONS",
        200,
        "OPTIONS sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "an extension",
        420,
        "OPTIONS sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nRequire: something-very-long-that-nobody-knows, and-more-of-it\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a short extension",
        0,
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\nRequire:x\r\n\r\n",
    ),
    (
        "a registration",
        405,
        "REGISTER sip:192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\nFrom: <sip:100@192.0.2.100>;tag=1\r\nTo: <sip:100@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:100@203.0.113.9:5060>\r\nExpires: 3600\r\nUser-Agent: friendly-scanner\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a short registration",
        0,
        "REGISTER sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 REGISTER\r\n\r\n",
    ),
    (
        "a BYE of no call",
        481,
        "BYE sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nRoute: <sip:192.0.2.100;lr>\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a call to nobody",
        503,
        "INVITE sip:100@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:100@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:a@203.0.113.9>\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a short call",
        0,
        "INVITE sip:1@a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 INVITE\r\n\r\n",
    ),
    (
        "too many hops",
        483,
        "MESSAGE sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 0\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nhello",
    ),
    (
        "a fault",
        400,
        "OPTIONS sip:a@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    ),
    ("a fault of few bytes", 0, "X sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\n\r\n"),
    (
        "a version",
        505,
        "OPTIONS sip:a@192.0.2.100 SIP/7.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@203.0.113.9>;tag=1\r\nTo: <sip:a@192.0.2.100>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    ),
];

#[test]
fn no_answer_to_a_stranger_is_longer_than_its_request_by_more_than_a_tenth() {
    let mut answered = 0;
    for (name, expected, text) in SHAPES {
        for draining in [false, true] {
            // Forged or not, mapped to another port or not, and as far away as addresses are long.
            for from in [STRANGER, "203.0.113.9:1", "255.255.255.255:65535"] {
                let mut door = Door::new(plan(Welcome::Listed));
                if draining {
                    door.node.handle(door.now, Event::Drain, &mut Vec::new());
                }
                let out = door.hears(from, text);
                let bytes: usize = sent(&out).iter().map(|(_, answer)| answer.len()).sum();
                assert!(bytes * 10 <= text.len() * 11, "{name}: {bytes} for {}", text.len());
                answered += usize::from(bytes > 0);
                if bytes == 0 {
                    assert_eq!(dropped(&out), ["its answer would be longer than itself"], "{name}");
                } else if from == STRANGER && !draining {
                    let code = sent(&out)[0].1.get(8..11).and_then(|code| code.parse().ok());
                    assert_eq!(code, Some(*expected), "{name}");
                }
                if from == STRANGER && !draining {
                    assert_eq!(*expected == 0, bytes == 0, "{name}");
                }
            }
        }
    }
    assert!(answered > SHAPES.len() * 2, "too few of them were answered: {answered}");
    // Over a stream the other end is who it says it is.
    let mut door = Door::new(plan(Welcome::Listed));
    let out = door.hears_by(Transport::Tcp, STRANGER, SHAPES[0].2);
    assert!(sent(&out)[0].1.starts_with("SIP/2.0 200 OK\r\n"));
    assert!(sent(&out)[0].1.ends_with("Content-Length: 0\r\n\r\n"), "a stream wants to know the length");
}
