//! The node's door, message by message: what goes in and every byte's worth of what comes out.

mod door;

use door::{CALLER, Door, OFFICE, SPARE, invite, lines, plan, reply};
use router::target::{PeerHost, PeerId};
use sip::{Message, Name};
use std::sync::Arc;
#[test]
fn a_503_moves_on_at_once_and_the_answer_connects() {
    let mut door = Door::new();
    let begun = door.hears(CALLER, &invite("z9hG4bKa"));
    assert_eq!(
        lines(&begun),
        [
            "192.0.2.1:5060 <- SIP/2.0 100 Trying",
            "192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0",
        ]
    );
    let first = begun[1].1.clone().unwrap();
    assert_eq!(first.max_forwards(), Some(69));
    assert_eq!(
        first.value(Name::MaxBreadth),
        Some(&b"6"[..]),
        "ten legs share the 60 of a request that says nothing"
    );
    assert!(first.bytes().windows(18).any(|w| w == b"X-Odd :  kept \r\nCo"));

    let moved = door.hears(OFFICE, &reply(&first, "503 Out", "o"));
    assert_eq!(
        lines(&moved),
        [
            "192.0.2.10:5060 <- ACK sip:+15035550100@192.0.2.10:5060 SIP/2.0",
            "192.0.2.20:5060 <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0",
            "[\"office\"] Unknown -> Suspect",
        ]
    );
    let second = moved[1].1.clone().unwrap();
    let rings = door.hears(SPARE, &reply(&second, "180 Ringing", "s"));
    assert_eq!(lines(&rings), ["192.0.2.1:5060 <- SIP/2.0 180 Ringing", "[\"spare\"] Unknown -> Up"]);
    let answered = door.hears(SPARE, &reply(&second, "200 OK", "s"));
    assert_eq!(
        lines(&answered),
        ["192.0.2.1:5060 <- SIP/2.0 200 OK", "call Answered { target: \"spare\" } after 2 legs"]
    );

    // The ACK and the BYE go by our own Record-Route; without its seal they go nowhere.
    let ok = answered[0].1.clone().unwrap();
    let route = String::from_utf8(ok.value(Name::RecordRoute).unwrap().to_vec()).unwrap();
    let within = |method: &str, route: &str| {
        format!(
            "{method} sip:192.0.2.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{method}\r\n\
             Max-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:+4411@192.0.2.1>;tag=ft\r\n\
             To: <sip:+15035550100@192.0.2.100>;tag=s\r\nCall-ID: c1@192.0.2.1\r\nCSeq: 1 {method}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    };
    let acked = door.hears(CALLER, &within("ACK", &route));
    assert_eq!(lines(&acked), ["192.0.2.10:5060 <- ACK sip:192.0.2.10:5060 SIP/2.0"]);
    let bye = door.hears(CALLER, &within("BYE", &route));
    assert_eq!(
        lines(&bye),
        ["192.0.2.10:5060 <- BYE sip:192.0.2.10:5060 SIP/2.0", "c1@192.0.2.1 has hung up"]
    );
    let bye = bye[0].1.clone().unwrap();
    assert_eq!(lines(&door.hears(OFFICE, &reply(&bye, "200 OK", ""))), ["192.0.2.1:5060 <- SIP/2.0 200 OK"]);
    let forged = route.replace("t=", "t=1");
    assert_eq!(
        lines(&door.hears(CALLER, &within("BYE", &forged)))[0],
        "192.0.2.1:5060 <- SIP/2.0 481 Call/Transaction Does Not Exist"
    );
}

#[test]
fn a_silent_hop_is_left_after_two_seconds_and_its_late_answer_still_counts() {
    let mut door = Door::new();
    let begun = door.hears(CALLER, &invite("z9hG4bKb"));
    let first = begun[1].1.clone().unwrap();
    assert_eq!(door.ticks(500), ["192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0"]);
    assert_eq!(door.ticks(1_000), ["192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0"]);
    assert_eq!(
        door.ticks(500),
        [
            "192.0.2.20:5060 <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0",
            "[\"office\"] Unknown -> Suspect",
        ]
    );
    let late = door.hears(OFFICE, &reply(&first, "200 OK", "o"));
    assert_eq!(
        lines(&late),
        [
            "192.0.2.1:5060 <- SIP/2.0 200 OK",
            "call Answered { target: \"office\" } after 2 legs",
            "[\"office\"] Suspect -> Up",
        ]
    );
    assert_eq!(door.node.calls(), 0);
    let mut seconds = 0;
    while let Some(at) = door.node.deadline() {
        seconds += 1;
        door.now = at;
        door.ticks(0);
        assert!(seconds < 100);
    }
    assert_eq!(door.node.lingering(), 0);
}

#[test]
fn a_plan_whose_names_are_not_known_yet_leaves_the_call_to_the_carriers_next_step() {
    let mut plan = Arc::unwrap_or_clone(plan());
    for peer in &mut plan.peers {
        peer.host = PeerHost::Name("pbx.example".into());
    }
    let mut door = Door::with(Arc::new(plan));
    assert_eq!(
        lines(&door.hears(CALLER, &invite("z9hG4bKc"))),
        [
            "192.0.2.1:5060 <- SIP/2.0 100 Trying",
            "192.0.2.1:5060 <- SIP/2.0 503 Service Unavailable",
            "call Failed { status: 503 } after 0 legs",
        ]
    );
}

/// An INVITE whose caller understands 199, and perhaps wants to hear of everything reliably.
fn understands_199(require: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&invite("z9hG4bKc")).replace("Z\u{fffd}rich", "Zurich");
    text.replace("X-Odd", &format!("Supported: timer, 199\r\n{require}X-Odd")).into_bytes()
}

#[test]
fn an_early_dialog_with_media_that_is_over_is_told_to_whoever_understands_it() {
    let told = |asked: &[u8], status: &str, body: &str| {
        let mut door = Door::new();
        let begun = door.hears(CALLER, asked);
        let first = begun[1].1.clone().unwrap();
        let early = String::from_utf8(reply(&first, status, "o")).unwrap();
        let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        door.hears(OFFICE, early.replace("Content-Length: 0\r\n\r\n", &length).as_bytes());
        door.hears(OFFICE, &reply(&first, "486 Busy Here", "o"))
    };
    let progress = "183 Session Progress";
    let over = told(&understands_199(""), progress, "v=0\n");
    assert_eq!(
        lines(&over),
        [
            "192.0.2.10:5060 <- ACK sip:+15035550100@192.0.2.10:5060 SIP/2.0",
            "192.0.2.1:5060 <- SIP/2.0 199 Early Dialog Terminated",
            "192.0.2.20:5060 <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0",
        ]
    );
    let gone = over[1].1.clone().unwrap();
    assert_eq!((gone.to_tag(), gone.value(Name::Reason)), (&b"o"[..], Some(&b"SIP;cause=486"[..])));
    assert!(gone.body().is_empty());
    let is_told = |over: &[(String, Option<Message>)]| over.iter().any(|(line, _)| line.contains("199"));
    assert!(!is_told(&told(&invite("z9hG4bKc"), progress, "v=0\n")), "who does not understand it");
    assert!(!is_told(&told(&understands_199("Require: 100rel\r\n"), progress, "v=0\n")), "never reliably");
    assert!(!is_told(&told(&understands_199(""), progress, "")), "no media, nothing to stop");
}

#[test]
fn a_session_timer_that_is_too_short_is_lengthened_once_at_the_same_hop() {
    let asked = String::from_utf8_lossy(&invite("z9hG4bKd")).replace("Z\u{fffd}rich", "Zurich");
    let asked = asked.replace("X-Odd", "Session-Expires: 90;refresher=uac\r\nX-Odd");
    let refuse = |request: &Message, min: &str| {
        let text = String::from_utf8(reply(request, "422 Session Interval Too Small", "o")).unwrap();
        text.replace("Content-Length", &format!("{min}Content-Length")).into_bytes()
    };
    let mut door = Door::new();
    let first = door.hears(CALLER, asked.as_bytes())[1].1.clone().unwrap();
    let again = door.hears(OFFICE, &refuse(&first, "Min-SE: 1800\r\n"));
    let office = "192.0.2.10:5060 <- INVITE sip:+15035550100@192.0.2.10:5060 SIP/2.0";
    assert_eq!(lines(&again)[1], office);
    let second = again[1].1.clone().unwrap();
    assert_eq!(second.value(Name::SessionExpires), Some(&b"1800;refresher=uac"[..]));
    assert_eq!(second.value(Name::MinSe), Some(&b"1800"[..]));
    let left = door.hears(OFFICE, &refuse(&second, "Min-SE: 3600\r\n"));
    assert_eq!(lines(&left)[1], "192.0.2.20:5060 <- INVITE sip:+15035550100@192.0.2.20:5060 SIP/2.0");
    let spare = left[1].1.clone().unwrap();
    assert_eq!(
        spare.value(Name::SessionExpires),
        Some(&b"90;refresher=uac"[..]),
        "the spare has asked for nothing"
    );
    let mut door = Door::new();
    let first = door.hears(CALLER, asked.as_bytes())[1].1.clone().unwrap();
    let left = door.hears(OFFICE, &refuse(&first, "Min-SE: 9999999\r\n"));
    assert!(lines(&left)[1].starts_with("192.0.2.20:5060 <- INVITE"), "no call lasts as long");
}

#[test]
fn a_redirection_rings_whom_it_names_and_says_nothing_of_what_was_asked_before() {
    let mut plan = plan();
    Arc::make_mut(&mut plan).peers[0].follow = vec![PeerId(1)];
    let mut door = Door::with(plan);
    let first = door.hears(CALLER, &invite("z9hG4bKe"))[1].1.clone().unwrap();
    let moved = String::from_utf8(reply(&first, "302 Moved", "o")).unwrap();
    let moved = moved.replace("<sip:192.0.2.10:5060>", "\"Desk\" <sip:desk@192.0.2.20;x=y>;q=1");
    let led = door.hears(OFFICE, moved.as_bytes());
    assert_eq!(
        lines(&led),
        [
            "192.0.2.10:5060 <- ACK sip:+15035550100@192.0.2.10:5060 SIP/2.0",
            "192.0.2.20:5060 <- INVITE sip:desk@192.0.2.20:5060 SIP/2.0",
            "[\"office\"] Unknown -> Up",
        ]
    );
    let second = led[1].1.clone().unwrap();
    assert_eq!(second.cseq(), first.cseq());
    let answered = door.hears(SPARE, &reply(&second, "200 OK", "s"));
    assert!(lines(&answered).contains(&"192.0.2.1:5060 <- SIP/2.0 200 OK"));
}
