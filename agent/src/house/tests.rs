use super::*;
use crate::guide::Mailbox;
use core::time::Duration;

const MAILBOX: AgentId = AgentId(2);

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

/// Agents of which one is a mailbox with a PIN, and a call to it with these header lines.
fn called(lines: &str) -> (House, CallKey) {
    let mailbox = Mailbox { pin: Some("$argon2id$".into()), ..Mailbox::default() };
    let guide = Guide {
        mailboxes: BTreeMap::from([("inbox".into(), Arc::new(mailbox))]),
        agents: BTreeMap::from([(MAILBOX, Role::Mailbox("inbox".into()))]),
        ..Guide::default()
    };
    let mut house = House::new(guide.into(), "192.0.2.1:5060".into(), (7, Key::new([7; 30])));
    let sdp =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let invite = format!(
        "INVITE sip:inbox@b.example SIP/2.0\r\nVia: SIP/2.0/TCP [100::1];branch=z9hG4bKa\r\nX-Tandem-Why: unconditional;last\r\n\
        From: <sip:+1503@a.example>;tag=1\r\nTo: <sip:inbox@b.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
        Contact: <sip:ana@10.0.0.1>\r\n{lines}\r\n{sdp}"
    );
    let mut out = Vec::new();
    house.on_sip(MAILBOX, invite.as_bytes().into(), at(0), &mut out);
    let [Output::Open(port)] = out[..] else { panic!("{out:?}") };
    house.on_open(port, Some(SocketAddr::from(([192, 0, 2, 1], 20_000))), at(0), &mut out);
    (house, port.call)
}

#[test]
fn wrong_pins_are_counted_over_all_calls_and_a_right_one_is_none_during_a_pause() {
    let (mut house, call) = called("");
    let mut check = |is_right, seconds| {
        house.on_told(call, Told::Checked(is_right), at(seconds), &mut Vec::new());
        house.wrong.values().map(|attempts| attempts.may(at(seconds))).collect::<Vec<_>>()
    };
    assert_eq!([check(false, 0), check(false, 1)], [[true, true], [true, true]]);
    // The mailbox and the caller: for a minute.
    assert_eq!(check(false, 2), [false, false]);
    assert_eq!(check(true, 61), [false, false]);
    assert_eq!(check(true, 62), [true; 0]);
}

#[test]
fn a_call_that_was_forwarded_to_us_says_so() {
    for (lines, forwarded) in [
        ("", false),
        ("History-Info: <sip:+1503@a.example>;index=1\r\n", false),
        ("History-Info: <sip:+1503@a.example>;index=1, <sip:in@b;cause=302>;index=1.1\r\n", true),
        ("Diversion: <sip:+1504@a.example>;reason=user-busy\r\n", true),
    ] {
        let (house, call) = called(lines);
        let Kind::Answering(answering) = &house.calls[&call].kind else { panic!("{lines}") };
        assert_eq!(answering.about().is_forwarded, forwarded, "{lines}");
    }
}
