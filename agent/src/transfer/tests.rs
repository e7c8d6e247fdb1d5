use super::*;
use crate::rtp;
use crate::srtp::Key;
use sip::Name;
use sip::build::phrase;
use sip::txn::{Reliability, Timers};

/// A caller who is with an agent, and what was told of the person who is looked for.
struct Story {
    caller: Line,
    transfer: Transfer,
    told: Vec<String>,
    now: Time,
    /// What was sent to the person's side last.
    sent: Message,
}

const CALLER: &str = "10.0.0.1:4000";
const PERSON: &str = "10.0.0.9:6000";

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn place(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn message(text: &str) -> Message {
    Message::parse(text.as_bytes().into()).unwrap()
}

fn desk() -> Desk {
    Desk {
        contact: "<sip:voicemail@[100::3]:5060>".into(),
        via: "SIP/2.0/TCP [100::3]:5060".into(),
        reliability: Reliability::Reliable,
        timers: Timers::default(),
    }
}

fn sdp(remote: &str) -> String {
    let (ip, port) = (place(remote).ip(), place(remote).port());
    format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n")
}

fn of_caller(method: &str, to_tag: &str, body: &str) -> Message {
    message(&format!(
        "{method} sip:inbox@us.example SIP/2.0\r\nVia: SIP/2.0/TCP [100::1]:5060;branch=z9hG4bK{method}\r\n\
        From: <sip:ana@a.example>;tag=1\r\nTo: <sip:inbox@us.example>{to_tag}\r\nCall-ID: theirs\r\nCSeq: 7 {method}\r\n\
        Contact: <sip:ana@10.0.0.1>\r\n\r\n{body}"
    ))
}

impl Story {
    fn new() -> Self {
        let (proxy, mut said, mut out) = (place("[100::1]:5060"), Vec::new(), Vec::new());
        let here = |text| Here { address: place(text), key: Key::new([7; 30]) };
        let invite = of_caller("INVITE", "", &sdp(CALLER));
        let mut caller = Line::start(invite, proxy, desk(), here("192.0.2.1:20000"), 0xa, &mut said).unwrap();
        caller.accept(at(0), &mut said);
        caller.on_request(of_caller("ACK", ";tag=a", ""), at(0), &mut said);
        let call = Call {
            uri: b"sip:oncall@us.example".to_vec(),
            from: b"<sip:ana@a.example>".to_vec(),
            tag: b"me".to_vec(),
            to: b"<sip:oncall@us.example>".to_vec(),
            call_id: b"own".to_vec(),
            number: 1,
            max_forwards: 70,
            lines: Vec::new(),
            sdp: Vec::new(),
        };
        let media = (here("192.0.2.1:20002"), caller.law().unwrap());
        let transfer = Transfer::start(call, desk(), proxy, media, 0xb, at(0), &mut out).unwrap();
        let sent = of_caller("ACK", "", "");
        let mut story = Self { caller, transfer, told: Vec::new(), now: at(0), sent };
        story.tell(out);
        assert_eq!(core::mem::take(&mut story.told), ["0.000 Say", "0.000 INVITE"]);
        story
    }

    fn tell(&mut self, out: Vec<Output>) {
        for output in out {
            let line = match output {
                Output::Sip(bytes) => {
                    self.sent = message(&String::from_utf8_lossy(&bytes));
                    let start = String::from_utf8_lossy(&bytes).lines().next().unwrap().to_owned();
                    start
                        .strip_prefix("SIP/2.0 ")
                        .unwrap_or_else(|| start.split(' ').next().unwrap())
                        .to_owned()
                }
                // Those of a line are told of it.
                Output::Report { .. } => continue,
                other @ (Output::Rtp { .. }
                | Output::Say
                | Output::Joined
                | Output::Nobody(_)
                | Output::Over) => format!("{other:?}"),
            };
            self.told.push(format!("{:.3} {line}", self.now.since(Time::ZERO).as_secs_f64()));
        }
    }

    fn act(&mut self, act: impl FnOnce(&mut Transfer, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.transfer, self.now, &mut out);
        self.tell(out);
    }

    fn until(&mut self, milliseconds: u64) {
        while let Some(due) = self.transfer.deadline().filter(|due| *due <= at(milliseconds)) {
            self.now = due;
            self.act(|transfer, now, out| transfer.on_deadline(now, out));
        }
        self.now = at(milliseconds);
    }

    fn answer(&mut self, request: &Message, status: u16, body: &str) {
        let text = |name| String::from_utf8_lossy(request.value(name).unwrap()).into_owned();
        let tag = if request.to_tag().is_empty() { ";tag=p" } else { "" };
        let response = message(&format!(
            "SIP/2.0 {status} {}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: own\r\nCSeq: {}\r\n\
            Contact: <sip:ben@10.0.0.9>\r\n\r\n{body}",
            phrase(status),
            text(Name::Via),
            text(Name::From),
            text(Name::To),
            text(Name::CSeq),
        ));
        assert!(self.transfer.owns(&response));
        self.act(|transfer, now, out| transfer.on_response(response, now, out));
    }

    fn invite(&self) -> Message {
        self.transfer.person.invite().clone()
    }

    fn packet(&mut self, side: Side, from: &str) -> Option<(SocketAddr, u8)> {
        let mut datagram = rtp::Sender::new(5).sound(8, &[1; 160]);
        let to = self.transfer.on_datagram(side, &mut self.caller, place(from), &mut datagram, self.now)?;
        rtp::read(&datagram).map(|heard| (to, heard.payload_type))
    }
}

#[test]
fn a_caller_who_waits_hears_so_and_then_the_person() {
    let mut story = Story::new();
    story.answer(&story.invite(), 180, "");
    story.until(25_000);
    assert_eq!(story.packet(Side::Caller, CALLER), None);
    story.answer(&story.invite(), 200, &sdp(PERSON));
    assert_eq!(story.packet(Side::Caller, CALLER), Some((place(PERSON), 8)));
    assert_eq!(story.packet(Side::Person, PERSON), Some((place(CALLER), 8)));
    story.until(60_000);
    let bye = message(
        "BYE sip:voicemail@[100::3]:5060 SIP/2.0\r\nVia: SIP/2.0/TCP [100::1]:5060;branch=z9hG4bKbye\r\n\
        From: <sip:oncall@us.example>;tag=p\r\nTo: <sip:ana@a.example>;tag=me\r\nCall-ID: own\r\nCSeq: 1 BYE\r\n\r\n",
    );
    story.act(|transfer, now, out| transfer.on_request(bye, now, out));
    assert_eq!(
        story.told,
        ["10.000 Say", "20.000 Say", "25.000 ACK", "25.000 Joined", "60.000 200 OK", "60.000 Over"]
    );
    story.until(90_000);
    assert!(story.transfer.is_done());
}

#[test]
fn a_caller_for_whom_nobody_is_there_comes_back() {
    let mut story = Story::new();
    story.until(5_000);
    story.answer(&story.invite(), 480, "");
    story.until(60_000);
    assert_eq!(story.told, ["5.000 ACK", "5.000 Nobody(Some(480))"]);
    assert!(story.transfer.is_done());

    let mut endless = Story::new();
    endless.answer(&endless.invite(), 180, "");
    endless.until(200_000);
    let told: Vec<&String> = endless.told.iter().filter(|line| !line.ends_with("Say")).collect();
    assert_eq!(told, ["90.000 CANCEL", "90.000 Nobody(None)"]);
    assert!(endless.transfer.is_done());
}

#[test]
fn a_caller_who_hangs_up_or_wants_no_more_is_waited_for_no_longer() {
    let mut story = Story::new();
    story.answer(&story.invite(), 180, "");
    story.act(Transfer::hang_up);
    // The answer crosses the CANCEL.
    story.answer(&story.invite(), 200, &sdp(PERSON));
    story.answer(&story.sent.clone(), 200, "");
    story.until(60_000);
    assert_eq!(story.told, ["0.000 CANCEL", "0.000 ACK", "0.000 BYE"]);

    let mut joined = Story::new();
    joined.answer(&joined.invite(), 200, &sdp(PERSON));
    joined.act(Transfer::hang_up);
    joined.answer(&joined.sent.clone(), 200, "");
    joined.until(60_000);
    assert_eq!(joined.told, ["0.000 ACK", "0.000 Joined", "0.000 BYE"]);
    assert!(joined.transfer.is_done());
}
