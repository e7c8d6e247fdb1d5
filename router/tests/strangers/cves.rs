//! What has broken other SIP servers, a row for each weakness that has a number and that a proxy without media and TLS
//! can have: the message comes from a carrier, so that all of it is answered, and the node serves afterwards.

use crate::door::{CARRIER, Door, NODE, OFFICE, VICTIM, plan, request, sent, status};
use router::strangers::Welcome;
use sip::frame::{Frame, FrameError, Framer};

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It goes on to the office; header fields that are no proxy's business and the body are byte for byte as they came.
    Passes,
    /// It is answered with this status.
    Refused(u16),
    /// It is met with silence.
    Silence,
}
use Fate::{Passes, Refused, Silence};

const INVITE: &str = "INVITE sip:+15035550100@192.0.2.100:5060 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKcve\r\n\
    Max-Forwards: 70\r\n\
    From: <sip:+15035550199@192.0.2.20>;tag=1\r\n\
    To: <sip:+15035550100@192.0.2.100>\r\n\
    Call-ID: cve\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:192.0.2.20:5060>\r\n\
    Content-Length: 0\r\n\
    \r\n";

/// The INVITE with one part changed.
fn with(old: &str, new: &str) -> String {
    assert!(INVITE.contains(old), "{old}");
    INVITE.replacen(old, new, 1)
}

/// The INVITE with lines before its Contact.
fn and(lines: &str) -> String {
    with("Contact:", &format!("{lines}Contact:"))
}

fn body(kind: &str, body: &str) -> String {
    let length = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    with("Content-Length: 0\r\n\r\n", &length)
}

fn method(method: &str) -> String {
    INVITE.replace("INVITE", method)
}

/// Weakness, what it was, the message, what becomes of it here.
#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<(&'static str, &'static str, String, Fate)> {
    let (long, digits) = ("a".repeat(20_000), "9".repeat(40));
    let to = "To: <sip:+15035550100@192.0.2.100>\r\n";
    let from = "From: <sip:+15035550199@192.0.2.20>;tag=1";
    let accepts = "Accept: a/b\r\n".repeat(64);
    let length = |length: &str| with("Content-Length: 0", &format!("Content-Length: {length}"));
    let cseq = |method: &str| with("CSeq: 1 INVITE", &format!("CSeq: 1 {method}"));
    vec![
        ("CVE-2018-8828", "From tag and branch without a value", with("tag=1", "tag="), Refused(400)),
        ("CVE-2018-8828", "branch of nothing but its beginning", with("z9hG4bKcve", "z9hG4bK"), Passes),
        (
            "CVE-2018-8828",
            "a branch that does not end",
            with("z9hG4bKcve", &format!("z9hG4bK{long}")),
            Passes,
        ),
        (
            "CVE-2018-14767",
            "two To, one with an empty tag",
            with(to, &format!("{to}To: <sip:b@c>;tag=\r\n")),
            Refused(400),
        ),
        ("CVE-2018-14767", "two To, one compact", with(to, &format!("{to}t: <sip:b@c>\r\n")), Refused(400)),
        ("CVE-2018-14767", "a To with an empty tag", with(to, "To: <sip:b@c>;tag=\r\n"), Refused(400)),
        ("CVE-2020-27507", "two From, one folded", and("F\r\n : <sip:b@c>;tag=2\r\n"), Refused(400)),
        (
            "CVE-2020-27507",
            "two From and an overlong tag",
            and(&format!("f: <sip:b@c>;tag={long}\r\n")),
            Refused(400),
        ),
        ("CVE-2020-27507", "an overlong tag", with("tag=1", &format!("tag={long}")), Passes),
        (
            "CVE-2016-2385",
            "longer than somebody's buffer",
            and(&format!("X: {long}\r\nY: {long}\r\n")),
            Passes,
        ),
        (
            "CVE-2016-2385",
            "longer than a datagram can be",
            and(&format!("X: {long}{long}{long}{long}\r\n")),
            Silence,
        ),
        (
            "CVE-2020-28361",
            "a space before the colon",
            and(&format!("Route : <sip:{VICTIM};lr>\r\n")),
            Passes,
        ),
        (
            "CVE-2020-28361",
            "tabs before the colon",
            and(&format!("rOUTE\t \t: <sip:{VICTIM};lr>\r\n")),
            Passes,
        ),
        ("CVE-2020-28361", "folded", and(&format!("Route:\r\n <sip:{VICTIM};lr>\r\n")), Passes),
        (
            "CVE-2020-28361",
            "folded before the colon",
            and(&format!("Route\r\n : <sip:{VICTIM};lr>\r\n")),
            Passes,
        ),
        (
            "CVE-2023-27596",
            "SDP whose lines are cut",
            body("application/sdp", "v=0\r\no=\r\nm=\r\na=\r\nb"),
            Passes,
        ),
        ("CVE-2023-27597", "a Via without a host", with("192.0.2.20:5060;branch", ";branch"), Refused(400)),
        (
            "CVE-2023-27598",
            "a Via without anything",
            with("SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKcve", ""),
            Refused(400),
        ),
        ("CVE-2023-27599", "a To that does not close", with(to, "To: <sip:b@c\r\n"), Refused(400)),
        (
            "CVE-2023-27600",
            "SDP with a stream and no connection",
            body("application/sdp", "m=audio 1 RTP/AVP 0\r\n"),
            Passes,
        ),
        ("CVE-2023-27601", "SDP without a line end", body("application/sdp", "v=0"), Passes),
        (
            "CVE-2023-28095",
            "a Request-URI to be written anew",
            with("@192.0.2.100:5060 SIP", &format!(";{long}@192.0.2.100 SIP")),
            Passes,
        ),
        ("CVE-2023-28097", "a Content-Length of 2^31 - 1", length("2147483647"), Refused(400)),
        ("CVE-2023-28097", "a Content-Length of 2^32", length("4294967296"), Refused(400)),
        ("CVE-2023-28097", "a Content-Length beyond all numbers", length(&digits), Refused(400)),
        ("CVE-2023-28097", "a Content-Length below zero", length("-1"), Refused(400)),
        ("CVE-2023-28097", "two of them", length("0\r\nl: 5"), Refused(400)),
        (
            "CVE-2023-28098",
            "Authorization without names",
            and("Authorization: Digest =\"\",,=,a\r\n"),
            Passes,
        ),
        ("CVE-2023-28099", "a list of nothing", and("Supported: ,,,\r\nAllow:\r\n"), Passes),
        ("CVE-2017-9372", "a CSeq method that does not end", cseq(&"A".repeat(20_000)), Refused(400)),
        ("CVE-2017-9372", "a method that does not end", method(&"A".repeat(9_000)), Refused(405)),
        (
            "CVE-2017-9372",
            "a CSeq number that does not end",
            with("CSeq: 1", &format!("CSeq: {digits}")),
            Refused(400),
        ),
        (
            "AST-2017-003",
            "a multipart body that does not end",
            body("multipart/mixed;boundary=x", "--x\r\nContent-Type: a/b"),
            Passes,
        ),
        (
            "AST-2017-003",
            "a multipart body without a boundary",
            body("multipart/mixed;boundary=\"\"", "----"),
            Passes,
        ),
        ("CVE-2018-7284", "64 Accept", and(&accepts), Passes),
        (
            "CVE-2018-7284",
            "64 Accept of a subscription",
            method("SUBSCRIBE").replace("Contact:", &format!("{accepts}Contact:")),
            Refused(405),
        ),
        ("CVE-2018-7284", "more header fields than are read", and(&accepts.repeat(3)), Refused(400)),
        (
            "CVE-2018-1000098",
            "SDP with a format of no stream",
            body("application/sdp", "v=0\r\na=fmtp:\r\na=rtpmap:999999999999\r\n"),
            Passes,
        ),
        (
            "CVE-2018-1000099",
            "SDP of formats beyond counting",
            body("application/sdp", &format!("m=audio 1 RTP/AVP{}\r\n", " 0".repeat(5_000))),
            Passes,
        ),
        (
            "CVE-2022-24764",
            "SDP whose connection is long",
            body("application/sdp", &format!("c=IN IP4 {long}\r\n")),
            Passes,
        ),
        ("CVE-2022-24763", "XML in itself", body("application/xml", &"<a>".repeat(6_000)), Passes),
        (
            "CVE-2022-31001",
            "SDP with a number beyond all",
            body("application/sdp", &format!("m=audio {digits}/{digits} RTP/AVP 0\r\n")),
            Passes,
        ),
        (
            "CVE-2023-32307",
            "STUN where SIP is spoken",
            "\u{0}\u{1}\u{0}\u{8}!\u{12}\u{24}B0123456789ab\u{3}\u{0}\u{4}".into(),
            Silence,
        ),
        ("CVE-2021-41157", "a subscription of nobody", method("SUBSCRIBE"), Refused(405)),
        ("CVE-2021-37624", "a message of nobody", method("MESSAGE"), Refused(405)),
        ("CVE-2021-43610", "a From without parameters", with(from, "From: <sip:a@b>"), Passes),
        (
            "CVE-2021-43611",
            "a backslash at the end of the display name",
            with(from, "From: \"Bob\\ \" <sip:a@b>"),
            Passes,
        ),
        (
            "CVE-2021-43611",
            "a quote that the backslash keeps open",
            with(from, "From: \"Bob\\\" <sip:a@b>;tag=1"),
            Refused(400),
        ),
        ("CVE-2021-43611", "nothing but a quote and a backslash", with(from, "From: \"\\"), Refused(400)),
        (
            "escaped CRLF",
            "in the number",
            with(
                "+15035550100@192.0.2.100:5060 SIP",
                "+15035550100;x=%0d%0aRoute:%20%3csip:v%3e@192.0.2.100 SIP",
            ),
            Passes,
        ),
        (
            "escaped CRLF",
            "in a display name",
            with(from, "From: \"a%0d%0aRoute: <sip:v>\" <sip:a@b>;tag=1"),
            Passes,
        ),
        ("lone CR", "before what looks like a header", and("X: a\rRoute: <sip:v>\r\n"), Refused(400)),
        ("NUL", "in a header", and("X: a\u{0}b\r\n"), Passes),
        ("NUL", "in the Request-URI", with("@192.0.2.100:5060 SIP", "\u{0}@192.0.2.100 SIP"), Refused(400)),
    ]
}

#[test]
fn what_has_broken_others_is_passed_on_as_it_came_or_refused() {
    for (weakness, what, text, fate) in rows() {
        let name = format!("{weakness}: {what}");
        let mut door = Door::new(plan(Welcome::Listed));
        let out = door.hears(CARRIER, &text);
        match fate {
            Silence => assert_eq!(sent(&out), [], "{name}"),
            Refused(expected) => assert_eq!(status(&out, CARRIER), expected, "{name}"),
            Passes => {
                let sent = sent(&out);
                let to: Vec<&str> = sent.iter().map(|(to, _)| to.as_str()).collect();
                assert_eq!(to, [CARRIER, OFFICE], "{name}: {sent:?}");
                passes_whole(&text, &sent[1].1, &name);
            }
        }
        // Whatever it was, the next one is served.
        assert_eq!(
            status(&door.hears(CARRIER, &request("OPTIONS", "a", CARRIER, 9)), CARRIER),
            200,
            "{name}"
        );
    }
}

/// All of it that is no proxy's business is in what was sent on, in order; and no Route at all.
fn passes_whole(came: &str, went: &str, name: &str) {
    let (head, body) = came.split_once("\r\n\r\n").unwrap();
    assert!(went.ends_with(&format!("\r\n\r\n{body}")), "{name}: another body");
    let ours = ["via", "max-forwards", "route"];
    let is_ours = |line: &str| {
        let field = line.split([':', '\r']).next().unwrap_or_default();
        ours.iter().any(|ours| field.trim().eq_ignore_ascii_case(ours))
    };
    let folded = head.replace("\r\n ", "\u{1a}");
    let mut rest = went;
    for line in folded.split("\r\n").skip(1).map(|line| line.replace('\u{1a}', "\r\n ")) {
        if !is_ours(&line) {
            let at = rest.find(&format!("\r\n{line}\r\n"));
            rest = at
                .and_then(|at| rest.get(at + 2..))
                .unwrap_or_else(|| unreachable!("{name}: {line} is gone"));
        }
    }
    let (head, _) = went.split_once("\r\n\r\n").unwrap();
    for line in head.split("\r\n") {
        let field = line.split([':', '\r']).next().unwrap_or_default();
        assert!(!field.trim().eq_ignore_ascii_case("route"), "{name}: {line} leads on");
    }
    assert!(!head.contains(VICTIM), "{name}: {head}");
}

/// Weakness, what it was, what is changed in a response, its status line, and what the caller gets; 0 for nothing yet.
type Answer = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, u16);

const ANSWERS: [Answer; 8] = [
    (
        "CVE-2018-16657",
        "a Via without a host",
        &[("Via: SIP/2.0/UDP 192.0.2.100", "Via: SIP/2.0/UDP ")],
        "486 Busy",
        0,
    ),
    (
        "CVE-2018-16657",
        "a second Via that is none",
        &[("Via: SIP/2.0/UDP 192.0.2.20:5060", "Via: ,")],
        "486 Busy",
        0,
    ),
    (
        "CVE-2018-16657",
        "no Via of the caller's",
        &[("\r\nVia: SIP/2.0/UDP 192.0.2.20", "\r\nX: SIP/2.0/UDP 192.0.2.20")],
        "200 OK",
        500,
    ),
    (
        "CVE-2017-9372",
        "a CSeq method that does not end",
        &[("CSeq: 1 INVITE", "CSeq: 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
        "486 Busy",
        0,
    ),
    (
        "CVE-2022-24754",
        "a challenge that does not end",
        &[("Content-Length", "WWW-Authenticate: Digest realm=\"LONG\",nonce=LONG\r\nContent-Length")],
        "401 No",
        500,
    ),
    (
        "CVE-2021-41158",
        "a challenge of who is called",
        &[("Content-Length", "Proxy-Authenticate: Digest realm=\"office\",nonce=\"1\"\r\nContent-Length")],
        "407 No",
        500,
    ),
    (
        "CVE-2023-27585",
        "a Contact that no name server knows",
        &[("Content-Length", "Contact: <sip:LONG.example>\r\nContent-Length")],
        "302 Moved",
        500,
    ),
    (
        "CVE-2023-28097",
        "a Content-Length beyond the datagram",
        &[("Content-Length: 0", "Content-Length: 4294967296")],
        "486 Busy",
        0,
    ),
];

#[test]
fn a_response_that_has_broken_others_ends_its_leg_or_nothing() {
    let long = "a".repeat(20_000);
    for (weakness, what, changes, line, expected) in ANSWERS {
        let name = format!("{weakness}: {what}");
        let mut door = Door::new(plan(Welcome::Listed));
        let leg = sent(&door.hears(CARRIER, INVITE)).remove(1).1;
        let answer = |line: &str, changes: &[(&str, &str)]| {
            let kept = ["Via", "From", "Call-ID", "CSeq"];
            let lines: String = leg
                .lines()
                .filter(|line| kept.iter().any(|name| line.starts_with(name)))
                .map(|line| format!("{line}\r\n"))
                .collect();
            let whole = format!(
                "SIP/2.0 {line}\r\n{lines}To: <sip:+15035550100@{NODE}>;tag=office\r\nContent-Length: 0\r\n\r\n"
            );
            changes.iter().fold(whole, |text, (old, new)| {
                assert!(text.contains(old), "{name}: {old} in {text}");
                text.replacen(old, &new.replace("LONG", &long), 1)
            })
        };
        let got = |door: &mut Door, text: &str| {
            let out = door.hears(OFFICE, text);
            let to_caller: Vec<String> =
                sent(&out).into_iter().filter(|(to, _)| to == CARRIER).map(|(_, text)| text).collect();
            assert!(!to_caller.concat().contains("uthenticate"), "{name}: nobody's challenge goes up");
            to_caller.first().and_then(|text| text.get(8..11)?.parse().ok()).unwrap_or(0)
        };
        assert_eq!(got(&mut door, &answer(line, changes)), expected, "{name}");
        if expected == 0 {
            assert_eq!(got(&mut door, &answer("486 Busy", &[])), 486, "{name}: the leg goes on");
        }
        assert_eq!(
            status(&door.hears(CARRIER, &request("OPTIONS", "a", CARRIER, 9)), CARRIER),
            200,
            "{name}"
        );
    }
}

/// CVE-2021-21375, CVE-2022-23608: early media twice and then a refusal; an answer twice, of two who forked.
#[test]
fn early_media_twice_and_two_answers_confuse_nobody() {
    for (lines, expected) in [
        (["183 a", "183 b", "488 c"], &["183", "183", "488"]),
        (["183 a", "200 b", "200 c"], &["183", "200", "200"]),
    ] {
        let mut door = Door::new(plan(Welcome::Listed));
        let leg = sent(&door.hears(CARRIER, INVITE)).remove(1).1;
        let mut got = Vec::new();
        for line in lines {
            let (code, tag) = line.split_once(' ').unwrap();
            let kept: String = leg
                .lines()
                .filter(|line| ["Via", "From", "Call-ID", "CSeq"].iter().any(|name| line.starts_with(name)))
                .map(|line| format!("{line}\r\n"))
                .collect();
            let text = format!(
                "SIP/2.0 {code} x\r\n{kept}To: <sip:+15035550100@{NODE}>;tag={tag}\r\nContact: <sip:{tag}@{OFFICE}>\r\n\
                 Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0"
            );
            let out = sent(&door.hears(OFFICE, &text));
            got.extend(out.iter().filter(|(to, _)| to == CARRIER).map(|(_, text)| text[8..11].to_owned()));
        }
        assert_eq!(got, *expected);
    }
}

/// CVE-2023-28097, CVE-2018-7286 and request smuggling: a stream whose next message begins nobody knows where ends.
#[test]
fn a_stream_that_can_be_read_in_two_ways_ends() {
    let lengths = |lines: &str| INVITE.replace("Content-Length: 0\r\n", lines);
    for lines in [
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nl: 0\r\n",
        "Content-Length: 0\r\nCONTENT-LENGTH : 1\r\n",
        "Content-Length: 0\r\nl:\r\n 7\r\n",
        "Content-Length: 0, 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: -0\r\n",
        "Content-Length:\r\n",
        "",
    ] {
        let mut framer = Framer::new();
        framer.push(lengths(lines).as_bytes());
        assert_eq!(framer.next_frame(), Err(FrameError::Ambiguous), "{lines:?}");
    }
    for length in ["65536", "2147483647", "4294967296", "99999999999999999999999"] {
        let mut framer = Framer::new();
        framer.push(lengths(&format!("Content-Length: {length}\r\n")).as_bytes());
        assert_eq!(framer.next_frame(), Err(FrameError::TooLong), "{length}");
    }
    let mut framer = Framer::new();
    framer.push(lengths("Content-Length: 0\r\nl : 0\r\n").as_bytes());
    assert!(matches!(framer.next_frame(), Ok(Some(Frame::Message(_)))), "twice the same is one");
}
