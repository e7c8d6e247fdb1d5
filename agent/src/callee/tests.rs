use super::*;
use sip::txn::{Reliability, Timers};

/// A call at one desk, and what was said in it: one line for each output.
struct Story {
    call: Callee,
    told: Vec<String>,
    now: Time,
    branches: u32,
    /// Our last request.
    ours: Option<Message>,
}

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn desk() -> Desk {
    Desk {
        contact: "<sip:inbox@127.0.0.1:5070>".into(),
        via: "SIP/2.0/UDP 127.0.0.1:5070".into(),
        reliability: Reliability::Unreliable,
        timers: Timers::default(),
    }
}

fn proxy() -> SocketAddr {
    "127.0.0.1:5060".parse().unwrap()
}

fn message(text: &str) -> Message {
    let message = Message::parse(text.as_bytes().into()).unwrap();
    sip::check(&message).unwrap();
    message
}

fn request(method: &str, branch: &str, to_tag: &str, number: u32, more: &str) -> Message {
    let (lines, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
    let lines = if lines.is_empty() { String::new() } else { format!("{lines}\r\n") };
    let length = body.len();
    message(&format!(
        "{method} sip:inbox@127.0.0.1:5070 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{branch}\r\n\
        Record-Route: <sip:127.0.0.1;lr;t=1>\r\n\
        From: <sip:ana@a.example>;tag=1\r\n\
        To: <sip:inbox@127.0.0.1>{to_tag}\r\n\
        Call-ID: c\r\n\
        CSeq: {number} {method}\r\n\
        Max-Forwards: 70\r\n\
        Contact: <sip:ana@10.0.0.1>\r\n\
        {lines}Content-Length: {length}\r\n\r\n{body}"
    ))
}

impl Story {
    fn new(more: &str) -> Self {
        let invite = request("INVITE", "first", "", 7, more);
        let mut out = Vec::new();
        let call = Callee::start(invite, proxy(), desk(), 0xabc, Trying::AtOnce, &mut out).unwrap();
        let mut story = Self { call, told: Vec::new(), now: at(0), branches: 0, ours: None };
        story.tell(out);
        story
    }

    fn tell(&mut self, out: Vec<Output>) {
        for output in out {
            let line = match output {
                Output::Send(bytes) => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    let sent = Message::parse(bytes).unwrap();
                    assert_eq!(sip::check(&sent), Ok(()), "{text}");
                    self.ours = sent.is_request().then(|| sent.clone()).or(self.ours.take());
                    let (number, method) = sent.cseq().unwrap();
                    let start = text.lines().next().unwrap_or_default().replace("SIP/2.0 ", "");
                    let allowed = sent.value(Name::Allow).filter(|_| sent.status() == Some(405));
                    let allowed = allowed.map(|names| format!(", but {}", String::from_utf8_lossy(names)));
                    let rest = allowed.unwrap_or_default();
                    format!("{start} ({number} {}){rest}", String::from_utf8_lossy(method))
                }
                other @ (Output::Said(_)
                | Output::Up(_)
                | Output::Offered(_)
                | Output::Answered(_)
                | Output::Pressed(_)
                | Output::Referred(_)
                | Output::Over(_)) => {
                    format!("{other:?}")
                }
            };
            self.told.push(format!("{:.3} {line}", self.now.since(Time::ZERO).as_secs_f64()));
        }
    }

    /// What happens by itself until then.
    fn until(&mut self, milliseconds: u64) {
        while let Some(due) = self.call.deadline().filter(|due| *due <= at(milliseconds)) {
            self.now = due;
            let mut out = Vec::new();
            self.call.on_deadline(due, &mut out);
            self.tell(out);
        }
        self.now = at(milliseconds);
    }

    fn act(&mut self, act: impl FnOnce(&mut Callee, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.call, self.now, &mut out);
        self.tell(out);
    }

    /// A request inside of the call, on a branch of its own.
    fn inside(&mut self, method: &str, number: u32, more: &str) {
        self.branches += 1;
        let request = request(method, &format!("in{}", self.branches), ";tag=abc", number, more);
        assert!(self.call.has(&request));
        self.act(|call, now, out| call.on_request(request, now, out));
    }

    /// The same request as the last, once more.
    fn again(&mut self, method: &str, number: u32, more: &str) {
        self.branches -= 1;
        self.inside(method, number, more);
    }

    fn on_first(&mut self, method: &str, to_tag: &str) {
        let request = request(method, "first", to_tag, 7, "");
        self.act(|call, now, out| call.on_request(request, now, out));
    }

    /// An answer to our last request.
    fn answer_ours(&mut self, status: u16) {
        let ours = self.ours.clone().unwrap();
        let answer = response(&ours, proxy(), status, phrase(status), Extra::default());
        self.act(|call, now, out| call.on_response(Message::parse(answer).unwrap(), now, out));
    }

    /// A call that is up at 0.1 s, with what was told so far forgotten.
    fn up(more: &str) -> Self {
        let mut story = Self::new(more);
        story.act(|call, now, out| call.accept(b"v=0\r\n", now, out));
        story.until(100);
        story.inside("ACK", 7, "");
        assert_eq!(
            core::mem::take(&mut story.told),
            ["0.000 100 Trying (7 INVITE)", "0.000 200 OK (7 INVITE)", "0.100 Up([])"]
        );
        story
    }
}

#[test]
fn a_call_rings_is_answered_and_hung_up_by_the_caller() {
    let mut story = Story::new("");
    story.act(Callee::ring);
    story.until(2_000);
    story.act(|call, now, out| call.accept(b"v=0\r\n", now, out));
    story.until(2_100);
    story.inside("ACK", 7, "");
    story.until(9_000);
    story.inside("BYE", 8, "");
    story.again("BYE", 8, "");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 100 Trying (7 INVITE)",
            "0.000 180 Ringing (7 INVITE)",
            "2.000 200 OK (7 INVITE)",
            "2.100 Up([])",
            "9.000 200 OK (8 BYE)",
            "9.000 Over(There)",
            "9.000 200 OK (8 BYE)",
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn an_answer_says_who_answers_along_which_way_and_with_what() {
    let mut out = Vec::new();
    let mut call = Callee::start(
        request("INVITE", "first", "", 7, ""),
        proxy(),
        desk(),
        0xabc,
        Trying::AtOnce,
        &mut out,
    )
    .unwrap();
    out.clear();
    call.accept(b"v=0\r\n", at(0), &mut out);
    let [Output::Send(bytes)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(
        String::from_utf8_lossy(bytes),
        "SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKfirst\r\n\
        From: <sip:ana@a.example>;tag=1\r\n\
        To: <sip:inbox@127.0.0.1>;tag=abc\r\n\
        Call-ID: c\r\n\
        CSeq: 7 INVITE\r\n\
        Record-Route: <sip:127.0.0.1;lr;t=1>\r\n\
        Contact: <sip:inbox@127.0.0.1:5070>\r\n\
        Allow: INVITE, ACK, PRACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: 5\r\n\r\nv=0\r\n"
    );
}

#[test]
fn an_answer_that_is_not_heard_is_repeated_and_the_call_ended() {
    let mut story = Story::new("");
    story.act(|call, now, out| call.accept(b"v=0\r\n", now, out));
    story.until(70_000);
    let times: Vec<&str> = story.told.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        times.get(1..12),
        Some(
            &[
                "0.000", "0.500", "1.500", "3.500", "7.500", "11.500", "15.500", "19.500", "23.500",
                "27.500", "31.500"
            ][..]
        )
    );
    assert_eq!(
        story.told.get(12..14),
        Some(&["32.000 Over(Unheard)".to_owned(), "32.000 BYE sip:ana@10.0.0.1 SIP/2.0 (1 BYE)".into()][..])
    );
    assert!(story.call.is_done());
}

#[test]
fn a_caller_who_gives_up_is_told_so() {
    let mut story = Story::new("");
    story.act(Callee::ring);
    story.until(1_000);
    story.on_first("CANCEL", "");
    story.on_first("CANCEL", "");
    story.until(1_100);
    story.on_first("ACK", ";tag=abc");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 100 Trying (7 INVITE)",
            "0.000 180 Ringing (7 INVITE)",
            "1.000 200 OK (7 CANCEL)",
            "1.000 487 Request Terminated (7 INVITE)",
            "1.000 Over(Cancelled)",
            "1.000 200 OK (7 CANCEL)",
        ]
    );
}

#[test]
fn a_call_that_is_refused_or_hung_up_early_goes_on_elsewhere() {
    for (act, end) in [
        (
            (|call, now, out| call.refuse(503, b"", now, out)) as fn(&mut Callee, Time, &mut Vec<Output>),
            "503 Service Unavailable",
        ),
        (Callee::hang_up, "480 Temporarily Unavailable"),
    ] {
        let mut story = Story::new("");
        story.act(act);
        story.act(|call, now, out| call.accept(b"late", now, out));
        story.on_first("ACK", ";tag=abc");
        story.until(60_000);
        let refused = format!("0.000 {end} (7 INVITE)");
        assert_eq!(story.told, ["0.000 100 Trying (7 INVITE)", &refused, "0.000 Over(Refused)"]);
    }
}

#[test]
fn a_call_that_is_ended_here_says_bye_until_it_is_heard() {
    let mut story = Story::up("");
    story.until(5_000);
    story.act(Callee::hang_up);
    story.act(Callee::hang_up);
    story.until(5_600);
    let answer = message(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKabd\r\nFrom: <sip:b>;tag=abc\r\nTo: <sip:a>;tag=1\r\n\
        Call-ID: c\r\nCSeq: 1 BYE\r\n\r\n",
    );
    story.act(|call, now, out| call.on_response(answer, now, out));
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "5.000 Over(Here)",
            "5.000 BYE sip:ana@10.0.0.1 SIP/2.0 (1 BYE)",
            "5.500 BYE sip:ana@10.0.0.1 SIP/2.0 (1 BYE)",
        ]
    );
    assert!(story.call.is_done());
}

#[test]
fn what_comes_inside_of_a_call_is_answered_once_and_in_its_order() {
    let mut story = Story::up("");
    story.inside("INFO", 8, "Content-Type: application/dtmf-relay\r\n\r\nSignal=1\r\n");
    story.again("INFO", 8, "Content-Type: application/dtmf-relay\r\n\r\nSignal=1\r\n");
    story.inside("OPTIONS", 9, "");
    story.inside("INFO", 8, "");
    story.inside("REFER", 10, "Refer-To: <sip:x@y>");
    story.on_first("INVITE", "");
    assert_eq!(
        story.told,
        [
            "0.100 200 OK (8 INFO)",
            "0.100 Pressed('1')",
            "0.100 200 OK (8 INFO)",
            "0.100 200 OK (9 OPTIONS)",
            "0.100 500 Server Internal Error (8 INFO)",
            "0.100 405 Method Not Allowed (10 REFER), but INVITE, ACK, PRACK, CANCEL, BYE, OPTIONS, INFO, UPDATE",
        ]
    );
}

#[test]
fn who_is_asked_to_join_two_calls_says_how_it_goes_perhaps_before_he_says_that_he_has_understood() {
    let fragment = |state: &str, says: &str| {
        format!("Event: refer\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag\r\n\r\n{says}")
    };
    let refer = |story: &mut Story| {
        story.act(|call, now, out| call.refer(b"<sip:b@h?Replaces=x>", now, out));
    };
    let mut story = Story::up("");
    story.inside("NOTIFY", 8, &fragment("active", "SIP/2.0 100 Trying"));
    refer(&mut story);
    story.inside("NOTIFY", 9, &fragment("active", "SIP/2.0 100 Trying"));
    story.answer_ours(202);
    story.inside("NOTIFY", 10, &fragment("terminated;reason=noresource", "SIP/2.0 200 OK"));
    story.inside("NOTIFY", 11, &fragment("active", "SIP/2.0 100 Trying"));
    refer(&mut story);
    story.answer_ours(603);
    refer(&mut story);
    story.until(60_000);
    story.told.retain(|line| !line.contains("REFER sip:") || line.starts_with("0.100"));
    assert_eq!(
        story.told,
        [
            "0.100 481 Call/Transaction Does Not Exist (8 NOTIFY)",
            "0.100 REFER sip:ana@10.0.0.1 SIP/2.0 (1 REFER)",
            "0.100 200 OK (9 NOTIFY)",
            "0.100 Referred(100)",
            "0.100 Referred(100)",
            "0.100 200 OK (10 NOTIFY)",
            "0.100 Referred(200)",
            "0.100 481 Call/Transaction Does Not Exist (11 NOTIFY)",
            "0.100 REFER sip:ana@10.0.0.1 SIP/2.0 (2 REFER)",
            "0.100 Referred(603)",
            "0.100 REFER sip:ana@10.0.0.1 SIP/2.0 (3 REFER)",
            "32.100 Referred(408)",
        ]
    );
}

#[test]
fn an_offer_inside_of_a_call_waits_for_its_answer_and_keeps_others_out() {
    let mut story = Story::up("");
    let offer = "Content-Type: application/sdp\r\n\r\nv=0";
    story.inside("INVITE", 8, offer);
    story.again("INVITE", 8, offer);
    story.inside("UPDATE", 9, offer);
    story.act(|call, now, out| call.agree(b"v=0\r\n", now, out));
    story.act(|call, now, out| call.agree(b"v=0\r\n", now, out));
    story.until(700);
    story.inside("ACK", 8, "Content-Type: application/sdp\r\n\r\nv=1");
    story.inside("UPDATE", 10, offer);
    story.act(|call, now, out| call.disagree(488, now, out));
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.100 Offered([118, 61, 48])",
            "0.100 491 Request Pending (9 UPDATE)",
            "0.100 200 OK (8 INVITE)",
            "0.600 200 OK (8 INVITE)",
            "0.700 Answered([118, 61, 49])",
            "0.700 Offered([118, 61, 48])",
            "0.700 488 Not Acceptable Here (10 UPDATE)",
        ]
    );
}

#[test]
fn a_caller_with_a_session_timer_keeps_the_call_by_refreshing_it() {
    let mut story = Story::up("Supported: timer, replaces\r\nSession-Expires: 90;refresher=uac");
    story.until(45_000);
    story.inside("UPDATE", 8, "Supported: timer\r\nSession-Expires: 90");
    story.until(104_000);
    assert_eq!(core::mem::take(&mut story.told), ["45.000 200 OK (8 UPDATE)"]);
    story.until(105_000);
    assert_eq!(story.told, ["105.000 Over(Expired)", "105.000 BYE sip:ana@10.0.0.1 SIP/2.0 (1 BYE)"]);
    for without in ["Session-Expires: 90", "Supported: timer\r\nSession-Expires: 90;refresher=uas"] {
        let mut story = Story::up(without);
        story.until(1_000_000);
        assert_eq!(story.told, [""; 0], "{without}");
    }
}

#[test]
fn who_requires_what_is_not_known_here_is_refused() {
    let refused = |invite: Message| {
        let refusal =
            Callee::start(invite, proxy(), desk(), 1, Trying::AtOnce, &mut Vec::new()).map(drop).unwrap_err();
        String::from_utf8_lossy(&refusal).into_owned()
    };
    let refusal = refused(request("INVITE", "first", "", 7, "Require: 100rel, precondition, foo"));
    assert!(refusal.starts_with("SIP/2.0 420 Bad Extension\r\n"), "{refusal}");
    assert!(refusal.contains("Unsupported: precondition, foo\r\n"), "{refusal}");
}

#[test]
fn a_caller_hears_what_the_owner_tells_and_nothing_before() {
    let invite = request("INVITE", "first", "", 7, "");
    let mut out = Vec::new();
    let call = Callee::start(invite, proxy(), desk(), 0xabc, Trying::WhenTold, &mut out).unwrap();
    let mut story = Story { call, told: Vec::new(), now: at(0), branches: 0, ours: None };
    story.tell(out);
    story.on_first("INVITE", "");
    story.act(|call, now, out| call.tell(100, now, out));
    story.on_first("INVITE", "");
    story.act(|call, now, out| call.tell(182, now, out));
    story.act(|call, now, out| call.tell(200, now, out));
    story.act(|call, now, out| call.refuse(302, b"Contact: <sip:x@y>\r\n", now, out));
    assert_eq!(
        story.told,
        [
            "0.000 100 Trying (7 INVITE)",
            "0.000 100 Trying (7 INVITE)",
            "0.000 182 Queued (7 INVITE)",
            "0.000 302 Moved Temporarily (7 INVITE)",
            "0.000 Over(Refused)",
        ]
    );
}

#[test]
fn a_caller_who_requires_it_hears_each_provisional_answer_until_it_acknowledges_it() {
    let mut story = Story::new("Require: 100rel");
    story.act(Callee::ring);
    story.act(|call, now, out| call.tell(183, now, out));
    story.act(|call, now, out| call.tell(182, now, out));
    story.until(1_500);
    story.inside("PRACK", 8, "RAck: 7 7 INVITE");
    story.inside("PRACK", 9, "RAck: 1 7 INVITE");
    story.again("PRACK", 9, "RAck: 1 7 INVITE");
    story.until(2_000);
    story.act(|call, now, out| call.accept(b"v=0\r\n", now, out));
    story.inside("ACK", 7, "");
    story.inside("PRACK", 10, "RAck: 2 7 INVITE");
    story.until(60_000);
    assert_eq!(
        story.told,
        [
            "0.000 100 Trying (7 INVITE)",
            "0.000 180 Ringing (7 INVITE)",
            "0.500 180 Ringing (7 INVITE)",
            "1.500 180 Ringing (7 INVITE)",
            "1.500 481 Call/Transaction Does Not Exist (8 PRACK)",
            "1.500 200 OK (9 PRACK)",
            "1.500 182 Queued (7 INVITE)",
            "1.500 200 OK (9 PRACK)",
            "2.000 182 Queued (7 INVITE)",
            "2.000 200 OK (7 INVITE)",
            "2.000 Up([])",
            "2.000 481 Call/Transaction Does Not Exist (10 PRACK)",
        ]
    );
}

#[test]
fn a_caller_who_acknowledges_nothing_is_refused() {
    let mut story = Story::new("Require: 100rel");
    story.act(Callee::ring);
    story.told.clear();
    story.until(31_900);
    assert_eq!(story.told.len(), 6);
    story.told.clear();
    story.until(32_000);
    story.on_first("ACK", ";tag=abc");
    story.until(90_000);
    assert_eq!(story.told, ["32.000 504 Server Time-out (7 INVITE)", "32.000 Over(Refused)"]);
}
