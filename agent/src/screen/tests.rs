use super::*;
use crate::rtp;
use crate::srtp::Key;
use core::f64::consts::TAU;
use sip::build::phrase;
use sip::txn::{Reliability, Timers};

/// One screen, and what it said to both sides: one line for each message, and one for each change of what the person hears.
struct Story {
    screen: Screen,
    told: Vec<String>,
    now: Time,
    /// What was sent to the person last, and what he hears.
    sent: Message,
    hears: &'static str,
    /// Numbers of the packets that come.
    number: u16,
}

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n";
const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8 97\r\n\
    a=rtpmap:97 telephone-event/8000\r\n";
const CALLER: &str = "10.0.0.1:4000";
const PERSON: &str = "10.0.0.9:6000";

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn place(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn message(text: &str) -> Message {
    let message = Message::parse(text.as_bytes().into()).unwrap();
    sip::check(&message).unwrap_or_else(|fault| panic!("{fault:?} {text}"));
    message
}

fn here(text: &str) -> Here {
    Here { address: place(text), key: Key::new([7; 30]) }
}

/// A second of what is said, and half a second of what is said to who comes late.
fn booth() -> Booth {
    let desk = Desk {
        contact: "<sip:screen@[100::2]:5060>".into(),
        via: "SIP/2.0/TCP [100::2]:5060".into(),
        reliability: Reliability::Reliable,
        timers: Timers::default(),
    };
    let call: Clip = vec![0x11; 8_000].into();
    let prompts = Prompts { again: call.clone(), call, taken: vec![0x22; 4_000].into() };
    Booth {
        desk,
        proxy: place("[100::1]:5060"),
        caller: here("192.0.2.1:20000"),
        person: here("192.0.2.1:20002"),
        prompts,
    }
}

/// A request of the caller's side.
fn of_caller(method: &str, branch: &str, to_tag: &str, number: u32, lines: &str, body: &str) -> Message {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    message(&format!(
        "{method} sip:+15035550111@carrier.example SIP/2.0\r\n\
        Via: SIP/2.0/TCP [100::1]:5060;branch=z9hG4bK{branch}\r\n\
        Record-Route: <sip:[100::1];lr;t=1>\r\n\
        From: \"Ana\" <sip:+15035550199@us.example>;cpc=ordinary;tag=1\r\n\
        To: <sip:+15035550111@carrier.example>{to_tag}\r\n\
        Call-ID: theirs\r\nCSeq: {number} {method}\r\nMax-Forwards: 60\r\nContact: <sip:ana@10.0.0.1>\r\n\
        {lines}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn invite(branch: &str, number: u32, lines: &str, body: &str) -> Message {
    let lines = format!("X-Tandem-Hop: <sip:192.0.2.50;lr>\r\n{lines}");
    of_caller("INVITE", branch, "", number, &lines, body)
}

fn start(invite: Message, earlier: Option<&Screen>, out: &mut Vec<Output>) -> Result<Screen, Bytes> {
    Screen::start(invite, booth(), earlier, [0xa, 0xb], at(0), out)
}

impl Story {
    fn with(invite: Message, earlier: Option<&Screen>) -> Self {
        let mut out = Vec::new();
        let screen = start(invite.clone(), earlier, &mut out).unwrap();
        let mut story = Self { screen, told: Vec::new(), now: at(0), sent: invite, hears: "", number: 0 };
        story.tell(out);
        story
    }

    fn new() -> Self {
        Self::with(invite("first", 7, "", OFFER), None)
    }

    /// A screen whose person has answered at 0 s, with what was told so far forgotten.
    fn answered() -> Self {
        let mut story = Self::new();
        story.answer(180, "");
        story.answer(200, ANSWER);
        let told = [
            "0.000 person INVITE",
            "0.000 caller 180 Ringing",
            "0.000 person ACK",
            "0.000 caller 182 Queued",
        ];
        assert_eq!(core::mem::take(&mut story.told), told);
        story
    }

    /// A screen where both hear each other since 1 s.
    fn joined() -> Self {
        let mut story = Self::answered();
        story.until(1_000);
        story.event(1, 900);
        story.act(|screen, now, out| screen.join(now, out));
        story.caller("ACK", "ack", 7, "");
        let told = [
            "0.000 person hears silence",
            "0.300 person hears the call",
            "1.000 claims",
            "1.000 caller 200 OK",
        ];
        assert_eq!(core::mem::take(&mut story.told), told);
        story
    }

    fn say(&mut self, line: &str) {
        self.told.push(format!("{:.3} {line}", self.now.since(Time::ZERO).as_secs_f64()));
    }

    fn tell(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Sip(bytes) => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    let sent = message(&text);
                    let side = if sent.call_id() == b"theirs" { "caller" } else { "person" };
                    let start = text.lines().next().unwrap_or_default();
                    let start =
                        start.strip_prefix("SIP/2.0 ").unwrap_or_else(|| start.split(' ').next().unwrap());
                    let reason = sent.value(Name::Reason).map(String::from_utf8_lossy).unwrap_or_default();
                    self.say(format!("{side} {start} {reason}").trim_end());
                    self.sent = sent;
                }
                Output::Rtp { side, to, bytes } => {
                    assert_eq!((side, to), (Side::Person, place(PERSON)));
                    let heard = rtp::read(&bytes).unwrap();
                    assert_eq!(heard.payload_type, 8);
                    let hears = match heard.payload[0] {
                        0xd5 => "silence",
                        byte if byte == Law::A.encode(Law::Mu.decode(0x11)) => "the call",
                        byte if byte == Law::A.encode(Law::Mu.decode(0x22)) => "that it is taken",
                        byte => panic!("{byte:x}"),
                    };
                    if hears != core::mem::replace(&mut self.hears, hears) {
                        self.say(&format!("person hears {hears}"));
                    }
                }
                // Those of a line are told of it.
                Output::Report { .. } => {}
                Output::Claims => self.say("claims"),
            }
        }
    }

    fn act(&mut self, act: impl FnOnce(&mut Screen, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.screen, self.now, &mut out);
        self.tell(out);
    }

    fn until(&mut self, milliseconds: u64) {
        while let Some(due) = self.screen.deadline().filter(|due| *due <= at(milliseconds)) {
            self.now = due;
            self.act(|screen, now, out| screen.on_deadline(now, out));
        }
        self.now = at(milliseconds);
    }

    /// A request of the caller's side inside of its call.
    fn caller(&mut self, method: &str, branch: &str, number: u32, body: &str) {
        let request = of_caller(method, branch, ";tag=a", number, "", body);
        assert!(self.screen.owns(&request));
        self.act(|screen, now, out| screen.on_request(request, now, out));
    }

    fn cancel(&mut self, reason: &str) {
        let lines = if reason.is_empty() { String::new() } else { format!("Reason: {reason}\r\n") };
        let request = of_caller("CANCEL", "first", "", 7, &lines, "");
        assert!(self.screen.owns(&request));
        self.act(|screen, now, out| screen.on_request(request, now, out));
    }

    /// An answer of the person's side to its INVITE, with these header lines before an empty one, or a body alone.
    fn answer(&mut self, status: u16, more: &str) {
        let invite = self.screen.person.invite().clone();
        self.answer_to(&invite, status, more);
    }

    fn answer_to(&mut self, request: &Message, status: u16, more: &str) {
        let (lines, body) = if more.starts_with("v=") { ("", more) } else { (more, "") };
        let text = |name| String::from_utf8_lossy(request.value(name).unwrap()).into_owned();
        let contact = if status / 100 == 3 { "" } else { "Contact: <sip:ben@10.0.0.9>\r\n" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let tag = if request.to_tag().is_empty() && status > 100 { ";tag=p" } else { "" };
        let response = message(&format!(
            "SIP/2.0 {status} {}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{contact}{lines}{kind}\
            Content-Length: {}\r\n\r\n{body}",
            phrase(status),
            text(Name::Via),
            text(Name::From),
            text(Name::To),
            text(Name::CallId),
            text(Name::CSeq),
            body.len()
        ));
        assert!(self.screen.owns(&response));
        self.act(|screen, now, out| screen.on_response(response, now, out));
    }

    /// A request of the person's side inside of its call.
    fn person(&mut self, method: &str, number: u32, body: &str) {
        let ours = self.screen.person.invite();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let request = message(&format!(
            "{method} sip:screen@[100::2]:5060 SIP/2.0\r\nVia: SIP/2.0/TCP [100::1]:5060;branch=z9hG4bKp{method}{number}\r\n\
            From: <sip:+15035550111@carrier.example>;tag=p\r\nTo: <sip:+15035550199@us.example>;tag={}\r\nCall-ID: {}\r\n\
            CSeq: {number} {method}\r\nMax-Forwards: 70\r\nContact: <sip:ben@10.0.0.9>\r\nContent-Length: {}\r\n\r\n{body}",
            text(ours.from_tag()),
            text(ours.call_id()),
            body.len()
        ));
        assert!(self.screen.owns(&request));
        self.act(|screen, now, out| screen.on_request(request, now, out));
    }

    /// A packet from there, to the port of this side; what it is for the other side, and where that is.
    fn packet(
        &mut self,
        side: Side,
        from: &str,
        ssrc: u8,
        head: [u8; 2],
        stamp: u32,
        payload: &[u8],
    ) -> Option<(SocketAddr, Vec<u8>)> {
        self.number += 1;
        let [[_, kind], number] = [head, self.number.to_be_bytes()];
        let mut datagram =
            [&[0x80, kind][..], &number, &stamp.to_be_bytes(), &[0, 0, 0, ssrc], payload].concat();
        let mut out = Vec::new();
        let to = self.screen.on_datagram(side, place(from), &mut datagram, self.now, &mut out);
        self.tell(out);
        to.map(|to| (to, datagram))
    }

    /// A telephone event of the person.
    fn event(&mut self, code: u8, stamp: u32) {
        assert_eq!(self.packet(Side::Person, PERSON, 9, [0, 0x80 | 97], stamp, &[code, 10, 0, 160]), None);
    }
}

#[test]
fn a_person_who_presses_1_has_the_call() {
    let mut story = Story::new();
    story.answer(100, "");
    story.until(1_500);
    story.answer(183, ANSWER);
    story.answer(180, "");
    story.answer(199, "");
    story.until(4_000);
    story.answer(200, ANSWER);
    story.until(6_000);
    story.event(1, 800);
    story.event(1, 800);
    story.act(|screen, now, out| screen.join(now, out));
    assert_eq!(
        String::from_utf8_lossy(story.sent.body()),
        "v=0\r\no=- 0 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8 101\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    story.until(6_020);
    story.caller("ACK", "ack", 7, "");
    story.until(60_000);
    assert!(story.screen.has_taken(&invite("other", 7, "", OFFER)));
    story.person("BYE", 1, "");
    story.answer_to(&story.sent.clone(), 200, "");
    story.until(200_000);
    assert_eq!(
        story.told,
        [
            "0.000 person INVITE",
            "0.000 caller 100 Trying",
            "1.500 caller 183 Session Progress",
            "1.500 caller 180 Ringing",
            "4.000 person ACK",
            "4.000 caller 182 Queued",
            "4.000 person hears silence",
            "4.300 person hears the call",
            "5.300 person hears silence",
            "6.000 claims",
            "6.000 caller 200 OK",
            "60.000 person 200 OK",
            "60.000 caller BYE",
        ]
    );
    assert!(story.screen.is_done());
}

#[test]
fn the_person_is_called_under_another_name_with_what_the_carrier_is_to_know() {
    let lines = "Diversion: <sip:+15035550100@us.example>;reason=unavailable\r\nHistory-Info: <sip:x@y>;index=1\r\n\
        P-Asserted-Identity: <sip:+15035550199@us.example>\r\nPrivacy: id\r\nIdentity: abc;info=<https://x>\r\n\
        Date: Fri, 27 Nov 2026 08:00:00 GMT\r\nX-Tandem-Walk: seal\r\nAlert-Info: <urn:alert:x>\r\nProxy-Authorization: Digest a=\"b\"\r\nSubject: tooth\r\n\
        X-Secret: theirs\r\nSupported: replaces\r\n";
    let story = Story::with(invite("first", 7, lines, OFFER), None);
    assert_eq!(
        String::from_utf8_lossy(story.sent.bytes()),
        "INVITE sip:+15035550111@carrier.example SIP/2.0\r\n\
        Via: SIP/2.0/TCP [100::2]:5060;branch=z9hG4bKb\r\n\
        From: \"Ana\" <sip:+15035550199@us.example>;cpc=ordinary;tag=0000160000000000\r\n\
        To: <sip:+15035550111@carrier.example>\r\n\
        Call-ID: 0000000000160000\r\n\
        CSeq: 1 INVITE\r\n\
        Max-Forwards: 59\r\n\
        Contact: <sip:screen@[100::2]:5060>\r\n\
        Allow: INVITE, ACK, PRACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n\
        Supported: timer\r\n\
        Route: <sip:192.0.2.50;lr>\r\n\
        Diversion: <sip:+15035550100@us.example>;reason=unavailable\r\n\
        History-Info: <sip:x@y>;index=1\r\n\
        P-Asserted-Identity: <sip:+15035550199@us.example>\r\n\
        Privacy: id\r\n\
        Identity: abc;info=<https://x>\r\n\
        Date: Fri, 27 Nov 2026 08:00:00 GMT\r\n\
        X-Tandem-Walk: seal\r\n\
        Alert-Info: <urn:alert:x>\r\n\
        Proxy-Authorization: Digest a=\"b\"\r\n\
        Subject: tooth\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: 190\r\n\r\n\
        v=0\r\no=- 0 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 20002 RTP/AVP 8 101\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn a_voicemail_that_answers_does_not_have_the_call() {
    let mut story = Story::answered();
    story.until(30_000);
    assert_eq!(
        story.told,
        [
            "0.000 person hears silence",
            "0.300 person hears the call",
            "1.300 person hears silence",
            "3.300 person hears the call",
            "9.280 caller 480 Temporarily Unavailable SIP;cause=480;text=\"nobody pressed 1\"",
            "9.280 person BYE",
        ]
    );
    story.answer_to(&story.sent.clone(), 200, "");
    story.caller("ACK", "first", 7, "");
    story.until(60_000);
    assert!(story.screen.is_done());
}

#[test]
fn who_hears_the_call_for_long_has_twelve_seconds_in_all() {
    let mut booth = booth();
    booth.prompts.call = vec![0x11; 8_000 * 30].into();
    let mut out = Vec::new();
    let screen = Screen::start(invite("first", 7, "", OFFER), booth, None, [1, 2], at(0), &mut out).unwrap();
    let sent = invite("first", 7, "", OFFER);
    let mut story = Story { screen, told: Vec::new(), now: at(0), sent, hears: "", number: 0 };
    story.answer(200, ANSWER);
    story.until(13_000);
    assert_eq!(
        story.told[4..],
        [
            "12.000 caller 480 Temporarily Unavailable SIP;cause=480;text=\"nobody pressed 1\"",
            "12.000 person BYE"
        ]
    );
}

#[test]
fn of_two_who_press_1_within_ten_milliseconds_one_has_the_call() {
    let mut first = Story::answered();
    let mut second = Story::with(invite("second", 7, "", OFFER), None);
    second.answer(200, ANSWER);
    first.until(2_000);
    second.until(2_010);
    second.told.clear();
    first.told.clear();
    first.event(1, 800);
    assert!(!second.screen.has_taken(first.screen.invite()));
    first.act(|screen, now, out| screen.join(now, out));
    second.event(1, 800);
    assert!(first.screen.has_taken(second.screen.invite()));
    second.act(|screen, now, out| screen.lose(now, out));
    second.event(1, 8_000);
    second.act(|screen, now, out| screen.join(now, out));
    second.until(2_050);
    let cancel = of_caller(
        "CANCEL",
        "second",
        "",
        7,
        "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n",
        "",
    );
    assert!(second.screen.owns(&cancel) && !first.screen.owns(&cancel));
    second.act(|screen, now, out| screen.on_request(cancel, now, out));
    second.until(9_000);
    assert_eq!(first.told, ["2.000 claims", "2.000 caller 200 OK"]);
    assert_eq!(
        second.told,
        [
            "2.010 claims",
            "2.010 caller 480 Temporarily Unavailable SIP;cause=200;text=\"Call completed elsewhere\"",
            "2.020 person hears that it is taken",
            "2.050 caller 200 OK",
            "2.500 person BYE",
        ]
    );
}

#[test]
fn who_is_asked_when_somebody_else_has_the_call_is_told_so() {
    let mut story = Story::answered();
    story.until(1_000);
    story.cancel("SIP;cause=200;text=\"Call completed elsewhere\"");
    story.until(1_100);
    story.event(1, 800);
    story.until(9_000);
    assert_eq!(
        story.told,
        [
            "0.000 person hears silence",
            "0.300 person hears the call",
            "1.000 caller 200 OK",
            "1.000 caller 487 Request Terminated",
            "1.020 person hears that it is taken",
            "1.500 person BYE",
        ]
    );
}

#[test]
fn a_caller_who_hangs_up_while_the_person_is_asked_ends_it_at_once() {
    let mut story = Story::answered();
    story.until(1_000);
    story.cancel("");
    story.answer_to(&story.sent.clone(), 200, "");
    story.until(9_000);
    assert_eq!(
        story.told,
        [
            "0.000 person hears silence",
            "0.300 person hears the call",
            "1.000 caller 200 OK",
            "1.000 caller 487 Request Terminated",
            "1.000 person BYE",
        ]
    );
}

#[test]
fn who_rings_is_cancelled_for_the_same_reason() {
    let mut story = Story::new();
    story.answer(180, "");
    story.until(1_000);
    story.cancel("SIP;cause=200;text=\"Call completed elsewhere\"");
    story.answer_to(&story.sent.clone(), 200, "");
    story.answer(487, "");
    story.caller("ACK", "first", 7, "");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 person INVITE",
            "0.000 caller 180 Ringing",
            "1.000 caller 200 OK",
            "1.000 caller 487 Request Terminated",
            "1.000 person CANCEL SIP;cause=200;text=\"Call completed elsewhere\"",
            "1.000 person ACK",
        ]
    );
    assert!(story.screen.is_done());
}

#[test]
fn a_straggler_is_cancelled_at_its_first_word_and_a_late_answer_hears_bye() {
    for (status, sdp, end) in
        [(180, "", &["person CANCEL"][..]), (200, ANSWER, &["person ACK", "person BYE"])]
    {
        let mut story = Story::new();
        story.until(2_000);
        story.cancel("");
        story.until(20_000);
        story.answer(status, sdp);
        let mut told = vec![
            "0.000 person INVITE".to_owned(),
            "2.000 caller 200 OK".into(),
            "2.000 caller 487 Request Terminated".into(),
        ];
        told.extend(end.iter().map(|line| format!("20.000 {line}")));
        assert_eq!(story.told, told);
        story.answer_to(&story.sent.clone(), 200, "");
        story.until(90_000);
        assert!(story.screen.is_done());
    }
}

#[test]
fn a_refusal_goes_back_with_all_that_says_how_to_ask_again() {
    for (status, lines) in [
        (302, "Contact: <sip:+1@other.example>\r\n"),
        (401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"),
        (407, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"),
        (422, "Min-SE: 1800\r\n"),
        (420, "Unsupported: timer\r\n"),
        (486, "Reason: Q.850;cause=17;text=\"busy\"\r\nReason: SIP;cause=486\r\n"),
        (488, "Warning: 304 carrier.example \"no\"\r\n"),
        (503, "Retry-After: 30\r\nError-Info: <sip:x@y>\r\n"),
        (603, ""),
    ] {
        let mut story = Story::new();
        story.answer(status, &format!("{lines}Server: secret\r\n"));
        let refusal = String::from_utf8_lossy(story.sent.bytes()).into_owned();
        let more = refusal.split_once("OPTIONS, INFO, UPDATE\r\n").unwrap().1;
        assert_eq!(more, format!("{lines}Content-Length: 0\r\n\r\n"), "{refusal}");
        assert_eq!(refusal.matches("Contact").count(), 1, "{refusal}");
        let (code, start) = (story.told.pop().unwrap(), format!("0.000 caller {status} {}", phrase(status)));
        assert!(code.starts_with(&start), "{code}");
        assert_eq!(story.told, ["0.000 person INVITE", "0.000 person ACK"]);
        story.caller("ACK", "first", 7, "");
        story.until(60_000);
        assert!(story.screen.is_done());
    }
}

#[test]
fn a_second_try_with_credentials_goes_on_where_the_first_was() {
    let mut story = Story::new();
    let second = invite("again", 8, "Authorization: Digest a=\"b\"\r\n", OFFER);
    assert!(!story.screen.precedes(&second), "the first is not over");
    story.answer(401, "WWW-Authenticate: Digest realm=\"r\"\r\n");
    assert!(story.screen.precedes(&second) && !story.screen.owns(&second));
    assert!(!story.screen.precedes(&invite("again", 6, "", OFFER)));
    assert!(!story.screen.precedes(&of_caller(
        "INVITE",
        "again",
        "",
        8,
        "X-Tandem-Hop: <sip:192.0.2.51;lr>\r\n",
        OFFER
    )));
    let again = Story::with(second, Some(&story.screen));
    let names = |story: &Story| {
        let invite = story.screen.person.invite();
        (invite.call_id().to_vec(), invite.from_tag().to_vec(), invite.cseq().unwrap().0)
    };
    let (call, tag, number) = names(&story);
    assert_eq!((names(&again), number), ((call, tag, 2), 1));
}

#[test]
fn keys_decline_and_ask_again_and_others_are_nothing() {
    for (code, digit) in [(2, '2'), (10, '*')] {
        let mut story = Story::answered();
        story.until(500);
        story.event(7, 100);
        story.event(code, 800);
        story.until(60_000);
        let told = [
            "0.000 person hears silence",
            "0.300 person hears the call",
            "0.500 caller 603 Decline SIP;cause=603;text=\"declined\"",
            "0.500 person BYE",
        ];
        assert_eq!(story.told, told, "{digit}");
    }
    let mut story = Story::answered();
    story.until(4_000);
    story.event(9, 800);
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 person hears silence",
            "0.300 person hears the call",
            "1.300 person hears silence",
            "3.300 person hears the call",
            "9.280 caller 480 Temporarily Unavailable SIP;cause=480;text=\"nobody pressed 1\"",
            "9.280 person BYE",
        ]
    );
}

#[test]
fn digits_come_by_info_too() {
    let mut story = Story::answered();
    story.person("INFO", 1, "Signal=1\r\nDuration=160\r\n");
    assert_eq!(story.told, ["0.000 person 200 OK", "0.000 claims"]);
}

#[test]
fn digits_in_the_sound_are_heard_where_there_are_no_events() {
    let tone = |n: u32| {
        let sine = |hertz: f64| 6_000.0 * (TAU * hertz * f64::from(n) / 8_000.0).sin();
        Law::A.encode((sine(697.0) + sine(1_209.0)) as i16)
    };
    for (answer, claims) in [(ANSWER.replace(" 97", ""), true), (ANSWER.to_owned(), false)] {
        let mut story = Story::new();
        story.answer(200, &answer);
        story.told.clear();
        for packet in 0..5 {
            let sound: Vec<u8> = (0..160).map(|n| tone(packet * 160 + n)).collect();
            story.packet(Side::Person, PERSON, 9, [0, 8], packet * 160, &sound);
        }
        assert_eq!(story.told == ["0.000 claims"], claims, "{:?}", story.told);
    }
}

#[test]
fn one_press_of_ten_minutes_is_one_and_junk_is_none() {
    let mut story = Story::answered();
    // A digit that means nothing, held; from elsewhere; of no RTP at all; too long; of the other law.
    story.event(5, 800);
    for n in 0..30_000_u32 {
        story.number += 1;
        let stamp = (800 + n / 400 * 65_535).to_be_bytes();
        let mut datagram =
            [&[0x80, 97][..], &story.number.to_be_bytes(), &stamp, &[0, 0, 0, 9], &[5, 10, 0xff, 0xff]]
                .concat();
        let mut out = Vec::new();
        let to = story.screen.on_datagram(
            Side::Person,
            place(PERSON),
            &mut datagram,
            at(u64::from(n) / 10),
            &mut out,
        );
        assert!(to.is_none() && out.is_empty());
    }
    assert_eq!(
        story.packet(Side::Person, "198.51.100.7:9", 9, [0, 0x80 | 97], 9_000, &[1, 10, 0, 160]),
        None
    );
    assert_eq!(story.packet(Side::Caller, CALLER, 9, [0, 0x80 | 101], 9_000, &[1, 10, 0, 160]), None);
    for junk in [vec![], vec![0xff; 65_535], vec![0x80; 11], b"OPTIONS sip:a SIP/2.0\r\n\r\n".to_vec()] {
        let (mut junk, mut out) = (junk, Vec::new());
        assert_eq!(
            story.screen.on_datagram(Side::Person, place(PERSON), &mut junk, at(3_000), &mut out),
            None
        );
        assert_eq!(out.len(), 0);
    }
    assert_eq!(story.told, [""; 0]);
    story.event(1, 99_000);
    assert_eq!(story.told, ["0.000 claims"]);
}

#[test]
fn both_hear_each_other_and_nobody_else() {
    let mut story = Story::joined();
    let told = |sent: Option<(SocketAddr, Vec<u8>)>| {
        sent.map(|(to, bytes)| {
            let heard = rtp::read(&bytes).unwrap();
            (to.to_string(), heard.payload_type, heard.marker, heard.payload.to_vec())
        })
    };
    let sound = story.packet(Side::Caller, CALLER, 1, [0, 8], 5, &[1; 160]);
    assert_eq!(told(sound), Some((PERSON.into(), 8, true, vec![1; 160])));
    let sound = story.packet(Side::Person, PERSON, 9, [0, 8], 5, &[2; 160]);
    assert_eq!(told(sound), Some((CALLER.into(), 8, true, vec![2; 160])));
    let digit = story.packet(Side::Caller, CALLER, 1, [0, 0x80 | 101], 165, &[1, 10, 0, 160]);
    assert_eq!(told(digit), Some((PERSON.into(), 97, true, vec![1, 10, 0, 160])));
    assert_eq!(told(story.packet(Side::Caller, "198.51.100.7:9", 1, [0, 8], 5, &[6; 160])), None);
    assert_eq!(told(story.packet(Side::Caller, CALLER, 1, [0, 0], 5, &[6; 160])), None);
    assert_eq!(told(story.packet(Side::Caller, CALLER, 1, [0, 13], 5, &[6])), None);

    // The person holds the call, and takes it back.
    story.person("INVITE", 1, &format!("{ANSWER}a=sendonly\r\n"));
    story.person("ACK", 1, "");
    assert_eq!(told(story.packet(Side::Caller, CALLER, 1, [0, 8], 325, &[3; 160])), None);
    let music = story.packet(Side::Person, PERSON, 9, [0, 8], 165, &[4; 160]);
    assert_eq!(told(music), Some((CALLER.into(), 8, false, vec![4; 160])));
    story.person("INVITE", 2, ANSWER);
    story.person("ACK", 2, "");
    let sound = story.packet(Side::Caller, CALLER, 1, [0, 8], 485, &[5; 160]);
    assert_eq!(told(sound), Some((PERSON.into(), 8, false, vec![5; 160])));

    // Another law is not spoken here.
    story.caller("UPDATE", "up", 8, &OFFER.replace("8 0 101", "0 101"));
    story.caller("BYE", "bye", 9, "");
    story.answer_to(&story.sent.clone(), 200, "");
    story.until(90_000);
    assert_eq!(
        story.told,
        [
            "1.000 person 200 OK",
            "1.000 person 200 OK",
            "1.000 caller 488 Not Acceptable Here",
            "1.000 caller 200 OK",
            "1.000 person BYE",
        ]
    );
    assert!(story.screen.is_done());
}

#[test]
fn a_bridge_between_two_who_are_gone_ends_after_half_an_hour() {
    let mut story = Story::joined();
    assert!(story.packet(Side::Caller, CALLER, 1, [0, 8], 5, &[1; 160]).is_some());
    story.until(1_700_000);
    // Who is heard once more has half an hour more.
    assert!(story.packet(Side::Person, PERSON, 9, [0, 8], 5, &[2; 160]).is_some());
    story.until(3_499_999);
    assert_eq!(story.told, [""; 0]);
    story.until(3_500_000);
    assert_eq!(story.told, ["3500.000 caller BYE", "3500.000 person BYE"]);
}

#[test]
fn a_caller_without_an_offer_answers_ours_in_the_law_of_the_person() {
    let mut story = Story::with(invite("first", 7, "", ""), None);
    assert!(String::from_utf8_lossy(story.sent.body()).contains("m=audio 20002 RTP/AVP 0 8 101\r\n"));
    story.answer(200, ANSWER);
    story.until(100);
    story.event(1, 800);
    story.act(|screen, now, out| screen.join(now, out));
    assert!(String::from_utf8_lossy(story.sent.body()).contains("m=audio 20000 RTP/AVP 8 101\r\n"));
    let request = of_caller("ACK", "ack", ";tag=a", 7, "", &OFFER.replace("8 0 101", "8 101"));
    story.act(|screen, now, out| screen.on_request(request, now, out));
    let sound = story.packet(Side::Person, PERSON, 9, [0, 8], 5, &[2; 160]);
    assert_eq!(sound.unwrap().0, place(CALLER));
}

#[test]
fn a_caller_who_never_acknowledges_ends_the_persons_call_too() {
    let mut story = Story::answered();
    story.event(1, 800);
    story.act(|screen, now, out| screen.join(now, out));
    story.told.clear();
    story.until(31_999);
    story.told.retain(|line| !line.ends_with("caller 200 OK"));
    assert_eq!(story.told, [""; 0]);
    story.until(32_000);
    assert_eq!(story.told, ["32.000 person BYE", "32.000 caller BYE"]);
}

#[test]
fn a_person_who_says_nothing_hangs_up_or_answers_nonsense_does_not_have_the_call() {
    let mut silent = Story::new();
    silent.until(40_000);
    assert_eq!(silent.told, ["0.000 person INVITE", "32.000 caller 408 Request Timeout"]);

    let unconfirmed = |why| format!("caller 480 Temporarily Unavailable SIP;cause={why}");
    let hung_up = format!("0.200 {}", unconfirmed("480;text=\"hung up without pressing 1\""));
    let mut gone = Story::answered();
    gone.until(200);
    gone.person("BYE", 1, "");
    assert_eq!(gone.told, ["0.000 person hears silence", "0.200 person 200 OK", &hung_up]);

    for nonsense in ["v=nonsense", &ANSWER.replace(" 8 97", " 0"), ""] {
        let mut story = Story::new();
        story.answer(200, nonsense);
        assert_eq!(
            story.told,
            [
                "0.000 person INVITE",
                "0.000 person ACK",
                "0.000 caller 182 Queued",
                &format!("0.000 {}", unconfirmed("488;text=\"no sound in common\"")),
                "0.000 person BYE"
            ],
            "{nonsense}"
        );
    }
}

#[test]
fn a_carrier_that_takes_only_sealed_sound_is_offered_it() {
    for (behind, proto, keys) in [("", "RTP/AVP", 0), (";srtp", "RTP/SAVP", 1)] {
        let mut out = Vec::new();
        let hop = format!("X-Tandem-Hop: <sip:192.0.2.9:5061;transport=tls;lr>{behind}\r\n");
        start(of_caller("INVITE", "first", "", 7, &hop, OFFER), None, &mut out).map(drop).unwrap();
        let asked = out.iter().find_map(|output| match output {
            Output::Sip(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Output::Rtp { .. } | Output::Report { .. } | Output::Claims => None,
        });
        let asked = asked.unwrap();
        assert!(asked.contains("Route: <sip:192.0.2.9:5061;transport=tls;lr>\r\n"), "{asked}");
        assert!(
            asked.contains(&format!(" {proto} ")) && asked.matches("a=crypto:").count() == keys,
            "{asked}"
        );
    }
}

#[test]
fn what_cannot_be_passed_on_is_refused_at_once() {
    let fax =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=image 4000 udptl t38\r\n";
    let none = message(
        &String::from_utf8_lossy(invite("x", 1, "", OFFER).bytes())
            .replace("Max-Forwards: 60", "Max-Forwards: 0"),
    );
    for (invite, status, is_sound) in [
        (invite("first", 7, "", fax), 488, true),
        (invite("first", 7, "", &OFFER.replace("8 0 101", "18")), 488, true),
        (invite("first", 7, "", "nonsense"), 400, true),
        (invite("first", 7, "Require: precondition\r\n", OFFER), 420, true),
        (of_caller("INVITE", "first", "", 7, "", OFFER), 403, false),
        (of_caller("INVITE", "first", "", 7, "X-Tandem-Hop: \"\r\n", OFFER), 400, false),
        (none, 483, false),
    ] {
        let mut out = Vec::new();
        let refusal = start(invite, None, &mut out).map(drop).unwrap_err();
        let refusal = String::from_utf8_lossy(&refusal).into_owned();
        assert!(refusal.starts_with(&format!("SIP/2.0 {status} ")), "{status} {refusal}");
        // It is the caller's sound: whoever needs none of it may ring the person.
        assert_eq!(refusal.contains("X-Tandem-Unasked"), is_sound, "{refusal}");
        assert_eq!(out.len(), 0);
    }
}

/// Numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One thing that may happen, in any state.
fn happens(story: &mut Story, dice: &mut Dice, number: u32) {
    let statuses = [100, 180, 182, 183, 199, 200, 302, 401, 408, 486, 487, 503, 603];
    match dice.of(14) {
        0 | 1 => {
            let status = statuses[usize::try_from(dice.of(statuses.len() as u64)).unwrap()];
            let sdp = if (180..=200).contains(&status) && dice.of(4) > 0 { ANSWER } else { "" };
            story.answer(status, sdp);
        }
        2 => story.cancel(["", "SIP;cause=200", "Q.850;cause=16"][dice.of(3) as usize]),
        3 => story.caller("BYE", &format!("b{number}"), 8 + number, ""),
        4 => story.person("BYE", 1 + number, ""),
        5 => story.caller("ACK", "ack", 7, ""),
        6 => story.event([1, 1, 1, 2, 9, 10][dice.of(6) as usize], number * 1_600),
        7 => story.act(|screen, now, out| screen.join(now, out)),
        8 => story.act(|screen, now, out| screen.lose(now, out)),
        9 => story.person("INVITE", 1 + number, [ANSWER, "", "v=junk"][dice.of(3) as usize]),
        10 => story.caller(
            "UPDATE",
            &format!("u{number}"),
            8 + number,
            [OFFER, "", "v=junk"][dice.of(3) as usize],
        ),
        11 => {
            let (side, from) = if dice.of(2) == 0 { (Side::Caller, CALLER) } else { (Side::Person, PERSON) };
            story.packet(
                side,
                from,
                dice.of(2) as u8,
                [0, [0, 8, 13, 72][dice.of(4) as usize]],
                number * 160,
                &[0xd5; 160],
            );
        }
        12 => {
            let sent = story.sent.clone();
            if sent.is_request() && sent.call_id() != b"theirs" {
                story.answer_to(&sent, 200, "");
            }
        }
        _ => {
            let milliseconds = story.now.since(Time::ZERO).as_millis() as u64 + dice.of(3_000);
            story.until(milliseconds);
        }
    }
}

#[test]
fn whatever_happens_in_whatever_order_it_ends_for_both_sides_and_once() {
    for seed in 0..500 {
        let (mut dice, mut story) = (Dice(seed), Story::new());
        (0..30).for_each(|number| happens(&mut story, &mut dice, number));
        story.cancel("");
        story.caller("ACK", "ack", 7, "");
        story.caller("BYE", "last", 100, "");
        let end = story.now.since(Time::ZERO).as_millis() as u64 + 300_000;
        story.until(end);
        assert!(story.screen.is_done(), "seed {seed}: {:#?}", story.told);
        let of = |what: &str| {
            story.told.iter().filter(|line| line[line.find(' ').unwrap() + 1..].starts_with(what)).count()
        };
        assert!(of("claims") <= 1 && of("person INVITE") == 1, "seed {seed}: {:#?}", story.told);
        // A phone that was answered hears BYE, unless it says so itself.
        let is_answered = of("caller 182") > 0;
        let is_ended = of("person BYE") > 0 || story.told.iter().any(|line| line.ends_with("person 200 OK"));
        assert!(!is_answered || is_ended, "seed {seed}: {:#?}", story.told);
    }
}
