use super::*;
use sip::txn::{Reliability, Timers};

/// A call from one desk, and what was said in it: one line for each output.
struct Story {
    call: Caller,
    told: Vec<String>,
    now: Time,
    /// What was sent last.
    sent: Message,
}

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn proxy() -> SocketAddr {
    "127.0.0.1:5060".parse().unwrap()
}

fn message(text: &str) -> Message {
    let message = Message::parse(text.as_bytes().into()).unwrap();
    sip::check(&message).unwrap_or_else(|fault| panic!("{fault:?} {text}"));
    message
}

fn call() -> Call {
    Call {
        uri: b"sip:+15035550111@carrier.example".to_vec(),
        from: b"\"Ana\" <sip:+15035550199@us.example>".to_vec(),
        tag: b"me".to_vec(),
        to: b"<sip:+15035550111@carrier.example>".to_vec(),
        call_id: b"own".to_vec(),
        number: 1,
        max_forwards: 69,
        lines: b"Route: <sip:hop.example;lr>\r\n".to_vec(),
        sdp: b"v=0\r\n".to_vec(),
    }
}

fn desk(reliability: Reliability) -> Desk {
    Desk {
        contact: "<sip:screen@127.0.0.1:5070>".into(),
        via: "SIP/2.0/UDP 127.0.0.1:5070".into(),
        reliability,
        timers: Timers::default(),
    }
}

impl Story {
    fn new(reliability: Reliability) -> Self {
        let mut out = Vec::new();
        let call = Caller::start(&call(), desk(reliability), proxy(), 0xabc, at(0), &mut out).unwrap();
        let sent = call.invite().clone();
        let mut story = Self { call, told: Vec::new(), now: at(0), sent };
        story.tell(out);
        story
    }

    fn tell(&mut self, out: Vec<Output>) {
        for output in out {
            let line = match output {
                Output::Send(bytes) => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    self.sent = message(&text);
                    let (number, method) = self.sent.cseq().unwrap();
                    let start = text.lines().next().unwrap_or_default().replace("SIP/2.0", "");
                    format!("> {} ({number} {})", start.trim(), String::from_utf8_lossy(method))
                }
                Output::Said(response) => format!("said {}", response.status().unwrap()),
                Output::Up(sdp) => format!("up {}", String::from_utf8_lossy(&sdp).trim()),
                Output::Answered(sdp) => format!("answered {}", String::from_utf8_lossy(&sdp).trim()),
                other @ (Output::Offered(_) | Output::Pressed(_) | Output::Referred(_) | Output::Over(_)) => {
                    format!("{other:?}")
                }
            };
            self.told.push(format!("{:.3} {line}", self.now.since(Time::ZERO).as_secs_f64()));
        }
    }

    fn until(&mut self, milliseconds: u64) {
        while let Some(due) = self.call.deadline().filter(|due| *due <= at(milliseconds)) {
            self.now = due;
            let mut out = Vec::new();
            self.call.on_deadline(due, &mut out);
            self.tell(out);
        }
        self.now = at(milliseconds);
    }

    fn act(&mut self, act: impl FnOnce(&mut Caller, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.call, self.now, &mut out);
        self.tell(out);
    }

    fn hang_up(&mut self) {
        self.act(|call, now, out| {
            call.hang_up(Some("SIP;cause=200;text=\"Call completed elsewhere\""), now, out);
        });
    }

    /// An answer to this request, with this To tag and these lines, perhaps a body behind an empty line.
    fn answer_to(&mut self, request: &Message, status: u16, tag: &str, more: &str) {
        let (lines, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
        let lines = if lines.is_empty() { String::new() } else { format!("{lines}\r\n") };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let (to, to_tag) = (request.to().unwrap().uri, request.to_tag());
        let tag = if to_tag.is_empty() { tag } else { format!(";tag={}", String::from_utf8_lossy(to_tag)) };
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let response = message(&format!(
            "SIP/2.0 {status} {}\r\nVia: {}\r\nFrom: {}\r\nTo: <{}>{tag}\r\nCall-ID: own\r\nCSeq: {}\r\n\
            Contact: <sip:ben@10.0.0.9>\r\n{lines}{kind}Content-Length: {}\r\n\r\n{body}",
            phrase(status),
            text(request.value(Name::Via).unwrap()),
            text(request.value(Name::From).unwrap()),
            text(to),
            text(request.value(Name::CSeq).unwrap()),
            body.len()
        ));
        assert!(self.call.has(&response));
        self.act(|call, now, out| call.on_response(response, now, out));
    }

    /// An answer to the INVITE.
    fn answer(&mut self, status: u16, tag: &str, more: &str) {
        let invite = self.call.invite().clone();
        self.answer_to(&invite, status, tag, more);
    }

    /// An answer to what was sent last.
    fn answer_last(&mut self, status: u16, more: &str) {
        let sent = self.sent.clone();
        self.answer_to(&sent, status, "b", more);
    }

    /// A request of theirs.
    fn inside(&mut self, method: &str, tag: &str, number: u32, more: &str) {
        let (lines, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
        let lines = if lines.is_empty() { String::new() } else { format!("{lines}\r\n") };
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let request = message(&format!(
            "{method} sip:screen@127.0.0.1:5070 SIP/2.0\r\n\
            Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKin{method}{number}\r\n\
            From: <sip:+15035550111@carrier.example>{tag}\r\nTo: <sip:+15035550199@us.example>;tag=me\r\n\
            Call-ID: own\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\nContact: <sip:ben@10.0.0.9>\r\n{lines}\
            Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert!(self.call.has(&request));
        self.act(|call, now, out| call.on_request(request, now, out));
    }

    /// A call that is up at 0 s, with what was told so far forgotten.
    fn up(more: &str) -> Self {
        let mut story = Self::new(Reliability::Reliable);
        story.answer(200, "b", &format!("{more}\r\n\r\nv=1"));
        assert_eq!(
            core::mem::take(&mut story.told),
            [
                "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
                "0.000 > ACK sip:ben@10.0.0.9 (1 ACK)",
                "0.000 up v=1"
            ]
        );
        story
    }
}

#[test]
fn an_invite_says_what_it_was_told_to_say() {
    let story = Story::new(Reliability::Unreliable);
    assert_eq!(
        String::from_utf8_lossy(story.call.invite().bytes()),
        "INVITE sip:+15035550111@carrier.example SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKabc\r\n\
        From: \"Ana\" <sip:+15035550199@us.example>;tag=me\r\n\
        To: <sip:+15035550111@carrier.example>\r\n\
        Call-ID: own\r\n\
        CSeq: 1 INVITE\r\n\
        Max-Forwards: 69\r\n\
        Contact: <sip:screen@127.0.0.1:5070>\r\n\
        Allow: INVITE, ACK, PRACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n\
        Supported: timer\r\n\
        Route: <sip:hop.example;lr>\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: 5\r\n\r\nv=0\r\n"
    );
    let nonsense = Call { to: b"".to_vec(), ..call() };
    let mut out = Vec::new();
    assert!(Caller::start(&nonsense, desk(Reliability::Reliable), proxy(), 1, at(0), &mut out).is_none());
    assert_eq!(out.len(), 0);
}

#[test]
fn a_call_rings_is_answered_and_hung_up_there() {
    let mut story = Story::new(Reliability::Unreliable);
    story.until(600);
    story.answer(100, "", "");
    story.answer(183, "b", "");
    story.answer(180, "b", "");
    story.until(2_000);
    story.answer(200, "b", "Record-Route: <sip:far.example;lr>, <sip:near.example;lr>\r\n\r\nv=1");
    let routes: Vec<_> = story.sent.elements(Name::Route).map(|span| story.sent.at(span).to_vec()).collect();
    assert_eq!(routes, [b"<sip:near.example;lr>".to_vec(), b"<sip:far.example;lr>".to_vec()]);
    let ack = story.sent.bytes().clone();
    story.until(2_500);
    story.answer(200, "b", "\r\n\r\nv=1");
    assert_eq!(*story.sent.bytes(), ack);
    story.inside("BYE", "b", 9, "");
    story.inside("BYE", "b", 9, "");
    story.answer(200, "b", "");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.500 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.600 said 100",
            "0.600 said 183",
            "0.600 said 180",
            "2.000 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "2.000 up v=1",
            "2.500 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "2.500 > 200 OK (9 BYE)",
            "2.500 Over(There)",
            "2.500 > 200 OK (9 BYE)",
            "2.500 > ACK sip:ben@10.0.0.9 (1 ACK)",
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn who_answers_without_a_tag_has_the_call_and_nothing_of_it_names_one() {
    let mut story = Story::new(Reliability::Reliable);
    story.answer(100, "", "");
    story.answer(183, "", "Require: 100rel\r\nRSeq: 7\r\n\r\nv=1");
    let to = |story: &Story| String::from_utf8_lossy(story.sent.value(Name::To).unwrap()).into_owned();
    let prack = to(&story);
    story.answer(200, "", "");
    let ack = to(&story);
    story.inside("BYE", "", 9, "");
    assert_eq!([prack, ack], ["<sip:+15035550111@carrier.example>"; 2]);
    assert_eq!(
        story.told,
        [
            "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.000 said 100",
            "0.000 > PRACK sip:ben@10.0.0.9 (2 PRACK)",
            "0.000 said 183",
            "0.000 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "0.000 up v=1",
            "0.000 > 200 OK (9 BYE)",
            "0.000 Over(There)",
        ]
    );
}

#[test]
fn a_refusal_is_passed_as_it_came_and_acknowledged_again_for_each_copy() {
    for status in [302, 401, 486, 503, 603] {
        let mut story = Story::new(Reliability::Unreliable);
        story.answer(status, "x", "Reason: Q.850;cause=17");
        story.answer(status, "x", "Reason: Q.850;cause=17");
        story.hang_up();
        story.until(60_000);
        let ack = "0.000 > ACK sip:+15035550111@carrier.example (1 ACK)";
        assert_eq!(
            story.told,
            [
                "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
                ack,
                &format!("0.000 said {status}"),
                "0.000 Over(Refused)",
                ack,
            ]
        );
        assert!(story.call.is_done());
    }
}

#[test]
fn of_two_who_answer_the_second_hears_bye() {
    let mut story = Story::new(Reliability::Unreliable);
    story.answer(180, "b", "");
    story.answer(180, "c", "");
    story.answer(200, "c", "\r\n\r\nv=1");
    story.until(100);
    story.answer(200, "b", "\r\n\r\nv=2");
    story.answer_last(200, "");
    story.until(300);
    story.answer(200, "b", "\r\n\r\nv=2");
    story.answer(200, "c", "\r\n\r\nv=1");
    story.inside("INFO", "c", 1, "\r\n\r\nSignal=1\r\n");
    story.inside("INFO", "b", 1, "\r\n\r\nSignal=2\r\n");
    story.inside("INFO", "z", 1, "\r\n\r\nSignal=3\r\n");
    story.until(1_000);
    story.hang_up();
    story.answer_last(200, "");
    story.until(100_000);
    assert_eq!(
        story.told[3..],
        [
            "0.000 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "0.000 up v=1",
            "0.100 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "0.100 > BYE sip:ben@10.0.0.9 (2 BYE)",
            "0.300 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "0.300 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "0.300 > 200 OK (1 INFO)",
            "0.300 Pressed('1')",
            "0.300 > 481 Call/Transaction Does Not Exist (1 INFO)",
            "0.300 > 481 Call/Transaction Does Not Exist (1 INFO)",
            "1.000 Over(Here)",
            "1.000 > BYE sip:ben@10.0.0.9 (2 BYE)",
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn who_rings_is_cancelled_at_once() {
    let mut story = Story::new(Reliability::Unreliable);
    story.answer(180, "b", "");
    story.hang_up();
    assert!(
        String::from_utf8_lossy(story.sent.bytes())
            .contains("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n")
    );
    story.answer_last(200, "");
    story.hang_up();
    story.answer(487, "b", "");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.000 said 180",
            "0.000 Over(Here)",
            "0.000 > CANCEL sip:+15035550111@carrier.example (1 CANCEL)",
            "0.000 > ACK sip:+15035550111@carrier.example (1 ACK)",
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn a_straggler_is_cancelled_at_its_first_word_and_not_before() {
    let mut story = Story::new(Reliability::Unreliable);
    story.until(600);
    story.hang_up();
    story.until(20_000);
    story.answer(180, "b", "");
    story.answer(180, "b", "");
    story.answer_last(200, "");
    story.answer(200, "b", "\r\n\r\nv=1");
    story.answer_last(200, "");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.500 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.600 Over(Here)",
            "20.000 > CANCEL sip:+15035550111@carrier.example (1 CANCEL)",
            "20.000 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "20.000 > BYE sip:ben@10.0.0.9 (2 BYE)",
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn a_straggler_that_answers_without_a_word_hears_bye_and_one_that_never_does_is_forgotten() {
    let mut story = Story::new(Reliability::Reliable);
    story.hang_up();
    story.until(9_000);
    story.answer(200, "b", "\r\n\r\nv=1");
    story.answer_last(200, "");
    story.until(60_000);
    let invite = "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)";
    let bye = ["9.000 > ACK sip:ben@10.0.0.9 (1 ACK)", "9.000 > BYE sip:ben@10.0.0.9 (2 BYE)"];
    assert_eq!(story.told, [invite, "0.000 Over(Here)", bye[0], bye[1]]);
    assert!(story.call.is_done());

    let mut silent = Story::new(Reliability::Reliable);
    silent.hang_up();
    silent.until(31_999);
    assert!(!silent.call.is_done());
    silent.until(32_000);
    assert_eq!(silent.told, [invite, "0.000 Over(Here)"]);
    assert!(silent.call.is_done());
}

#[test]
fn whoever_says_nothing_or_rings_for_ever_is_given_up() {
    let mut story = Story::new(Reliability::Reliable);
    story.until(60_000);
    let invite = "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)";
    assert_eq!(story.told, [invite, "32.000 Over(Silent)"]);
    assert!(story.call.is_done());

    let mut story = Story::new(Reliability::Reliable);
    story.answer(180, "b", "");
    story.until(400_000);
    let cancel = "200.000 > CANCEL sip:+15035550111@carrier.example (1 CANCEL)";
    assert_eq!(story.told, [invite, "0.000 said 180", "200.000 Over(Silent)", cancel]);
    assert!(story.call.is_done());
}

#[test]
fn a_provisional_answer_that_demands_it_is_acknowledged_once() {
    let mut story = Story::new(Reliability::Reliable);
    let demands = |number: u32| format!("Require: 100rel\r\nRSeq: {number}\r\n\r\nv={number}");
    story.answer(183, "b", &demands(7));
    assert_eq!(
        story
            .sent
            .fields()
            .iter()
            .filter(|field| story.sent.at(field.line) == b"RAck: 7 1 INVITE\r\n")
            .count(),
        1
    );
    story.answer_last(200, "");
    story.answer(183, "b", &demands(7));
    story.answer(183, "b", &demands(9));
    story.answer(183, "b", &demands(8));
    story.answer_last(481, "");
    story.answer(200, "b", "");
    story.hang_up();
    assert_eq!(
        story.told,
        [
            "0.000 > INVITE sip:+15035550111@carrier.example (1 INVITE)",
            "0.000 > PRACK sip:ben@10.0.0.9 (2 PRACK)",
            "0.000 said 183",
            "0.000 > PRACK sip:ben@10.0.0.9 (3 PRACK)",
            "0.000 said 183",
            "0.000 > ACK sip:ben@10.0.0.9 (1 ACK)",
            "0.000 up v=8",
            "0.000 Over(Here)",
            "0.000 > BYE sip:ben@10.0.0.9 (4 BYE)",
        ]
    );
}

#[test]
fn offers_of_the_other_side_wait_for_ours_and_unknown_requests_are_refused() {
    let mut story = Story::up("");
    let offer = "Content-Type: application/sdp\r\n\r\nv=2";
    story.inside("INVITE", "b", 1, offer);
    story.inside("INVITE", "b", 1, offer);
    story.inside("UPDATE", "b", 2, offer);
    story.act(|call, now, out| call.agree(b"v=3\r\n", now, out));
    story.inside("ACK", "b", 1, "");
    story.inside("UPDATE", "b", 3, offer);
    story.act(|call, now, out| call.disagree(488, now, out));
    story.inside("OPTIONS", "b", 4, "");
    story.inside("REFER", "b", 5, "Refer-To: <sip:x@y>");
    story.inside("FOO", "b", 6, "");
    story.inside("OPTIONS", "b", 5, "");
    story.until(200_000);
    assert_eq!(
        story.told,
        [
            "0.000 Offered([118, 61, 50])",
            "0.000 > 491 Request Pending (2 UPDATE)",
            "0.000 > 200 OK (1 INVITE)",
            "0.000 Offered([118, 61, 50])",
            "0.000 > 488 Not Acceptable Here (3 UPDATE)",
            "0.000 > 200 OK (4 OPTIONS)",
            "0.000 > 405 Method Not Allowed (5 REFER)",
            "0.000 > 405 Method Not Allowed (6 FOO)",
            "0.000 > 500 Server Internal Error (5 OPTIONS)",
        ]
    );
}

#[test]
fn a_call_that_the_other_side_refreshes_ends_when_it_does_not() {
    let mut story = Story::up("Require: timer\r\nSession-Expires: 90;refresher=uas");
    story.until(40_000);
    story.inside("UPDATE", "b", 1, "Supported: timer\r\nSession-Expires: 90;refresher=uac");
    story.until(99_000);
    assert_eq!(core::mem::take(&mut story.told), ["40.000 > 200 OK (1 UPDATE)"]);
    story.until(100_000);
    assert_eq!(story.told, ["100.000 Over(Expired)", "100.000 > BYE sip:ben@10.0.0.9 (2 BYE)"]);
}

#[test]
fn a_call_that_is_to_be_refreshed_here_is() {
    let granted = "Session-Expires: 100;refresher=uac";
    let mut story = Story::up(&format!("Allow: INVITE, UPDATE\r\n{granted}"));
    story.until(50_000);
    story.answer_last(405, "");
    story.until(50_000);
    story.answer_last(491, "");
    story.until(53_000);
    story.answer_last(200, &format!("{granted}\r\n\r\nv=4"));
    story.until(103_000);
    assert_eq!(String::from_utf8_lossy(story.sent.body()), "v=0\r\n");
    story.answer_last(422, "Min-SE: 1800");
    story.until(103_000);
    assert_eq!(story.sent.value(Name::SessionExpires), Some(&b"1800;refresher=uac"[..]));
    story.answer_last(200, "Session-Expires: 1800;refresher=uas\r\n\r\nv=5");
    story.until(1_870_000);
    story.inside("BYE", "b", 1, "");
    let invite = |number: u32| format!("> INVITE sip:ben@10.0.0.9 ({number} INVITE)");
    let refused = |number: u32| format!("> ACK sip:ben@10.0.0.9 ({number} ACK)");
    assert_eq!(
        story.told,
        [
            "50.000 > UPDATE sip:ben@10.0.0.9 (2 UPDATE)",
            &format!("50.000 {}", invite(3)),
            &format!("50.000 {}", refused(3)),
            &format!("52.500 {}", invite(4)),
            "53.000 > ACK sip:ben@10.0.0.9 (4 ACK)",
            "53.000 answered v=4",
            &format!("103.000 {}", invite(5)),
            &format!("103.000 {}", refused(5)),
            &format!("103.000 {}", invite(6)),
            "103.000 > ACK sip:ben@10.0.0.9 (6 ACK)",
            "103.000 answered v=5",
            "1870.000 > 200 OK (1 BYE)",
            "1870.000 Over(There)",
        ]
    );
}

#[test]
fn who_does_not_answer_a_refresh_is_gone() {
    let mut story = Story::up("Allow: INVITE, UPDATE\r\nSession-Expires: 90;refresher=uac");
    story.until(46_000);
    story.answer_last(481, "");
    story.answer_last(200, "");
    assert_eq!(
        story.told,
        [
            "45.000 > UPDATE sip:ben@10.0.0.9 (2 UPDATE)",
            "46.000 Over(Expired)",
            "46.000 > BYE sip:ben@10.0.0.9 (3 BYE)"
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn forks_are_bounded() {
    let mut story = Story::new(Reliability::Reliable);
    for fork in 0..100 {
        story.answer(180, &format!("f{fork}"), "");
    }
    assert_eq!(story.call.forks.len(), FORKS_MAX);
    for fork in 50..100 {
        story.answer(200, &format!("f{fork}"), "\r\n\r\nv=1");
    }
    assert_eq!(story.call.forks.len(), FORKS_MAX);
    assert_eq!(story.told.iter().filter(|line| line.contains("BYE")).count(), FORKS_MAX);
    story.until(300_000);
    story.hang_up();
    story.until(600_000);
    assert!(story.call.is_done());
}
