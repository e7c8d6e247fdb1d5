use super::*;
use crate::mouth::FRAMES_MAX;
use crate::srtp::{Key, Seal, Suite};
use sip::txn::{Reliability, Timers};

/// One line, and what was told of it: packets as when, how many and of what.
struct Story {
    line: Line,
    told: Vec<String>,
    now: Time,
    sent: u32,
    /// The timestamps of what was sent.
    stamps: Vec<u32>,
    /// The reports.
    reports: Vec<(Time, SocketAddr, Vec<u8>)>,
}

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n";

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn place(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn request(method: &str, to_tag: &str, number: u32, body: &str) -> Message {
    let text = format!(
        "{method} sip:inbox@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{number}{method}\r\n\
        From: <sip:ana@a.example>;tag=1\r\nTo: <sip:inbox@127.0.0.1>{to_tag}\r\nCall-ID: c\r\nCSeq: {number} {method}\r\n\
        Contact: <sip:ana@10.0.0.1>\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Message::parse(text.as_bytes().into()).unwrap()
}

fn here(text: &str) -> Here {
    Here { address: place(text), key: Key::new([7; 30]) }
}

fn start(offer: &str, out: &mut Vec<Output>) -> Result<Line, Bytes> {
    let desk = Desk {
        contact: "<sip:inbox@127.0.0.1:5070>".into(),
        via: "SIP/2.0/UDP 127.0.0.1:5070".into(),
        reliability: Reliability::Reliable,
        timers: Timers::default(),
    };
    Line::start(
        request("INVITE", "", 7, offer),
        place("127.0.0.1:5060"),
        desk,
        here("192.0.2.1:20000"),
        0xabc,
        out,
    )
}

impl Story {
    /// A line that is answered at 0 s.
    fn new(offer: &str, acknowledged: &str) -> Self {
        let mut out = Vec::new();
        let mut line = start(offer, &mut out).unwrap();
        line.accept(at(0), &mut out);
        line.on_request(request("ACK", ";tag=abc", 7, acknowledged), at(0), &mut out);
        let mut story =
            Self { line, told: Vec::new(), now: at(0), sent: 0, stamps: Vec::new(), reports: Vec::new() };
        story.tell(out);
        let answered = ["0.000 SIP/2.0 100 Trying", "0.000 SIP/2.0 200 OK", "0.000 Up"];
        assert_eq!(core::mem::take(&mut story.told), answered);
        story
    }

    fn tell(&mut self, out: Vec<Output>) {
        for output in out {
            let line = match output {
                Output::Report { to, bytes } => {
                    self.reports.push((self.now, to, bytes));
                    continue;
                }
                Output::Sip(bytes) => String::from_utf8_lossy(&bytes).lines().next().unwrap().into(),
                Output::Rtp { to, bytes } => {
                    let packet = rtp::read(&bytes).unwrap();
                    self.stamps.push(packet.timestamp);
                    let runs = packet.payload.chunk_by(|one, other| one == other);
                    let runs: Vec<String> = runs.map(|run| format!("{}x{:02x}", run.len(), run[0])).collect();
                    format!("{} {} to {to}", packet.payload_type, runs.join(" "))
                }
                Output::Sound(sound) => format!("heard {} {:?} {:?}", sound.sequence, sound.law, sound.bytes),
                Output::Said(response) => format!("said {}", response.status().unwrap()),
                other @ (Output::Up
                | Output::Pressed(_)
                | Output::Referred(_)
                | Output::Quiet
                | Output::Held(_)
                | Output::Played
                | Output::Over(_)) => {
                    format!("{other:?}")
                }
            };
            self.told.push(format!("{:.3} {line}", self.now.since(Time::ZERO).as_secs_f64()));
        }
    }

    fn until(&mut self, milliseconds: u64) {
        while let Some(due) = self.line.deadline().filter(|due| *due <= at(milliseconds)) {
            self.now = due;
            let mut out = Vec::new();
            self.line.on_deadline(due, &mut out);
            self.tell(out);
        }
        self.now = at(milliseconds);
    }

    fn act(&mut self, act: impl FnOnce(&mut Line, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.line, self.now, &mut out);
        self.tell(out);
    }

    fn on_request(&mut self, method: &str, number: u32, body: &str) {
        let mut out = Vec::new();
        self.line.on_request(request(method, ";tag=abc", number, body), self.now, &mut out);
        self.tell(out);
    }

    fn hear(&mut self, from: &str, payload_type: u8, payload: &[u8]) {
        self.sent += 1;
        let sent = self.sent.to_be_bytes();
        let mut datagram = [&[0x80, payload_type], &sent[2..], &sent, &[0, 0, 0, 1], payload].concat();
        let mut out = Vec::new();
        self.line.on_datagram(place(from), &mut datagram, self.now, &mut out);
        self.tell(out);
    }
}

fn clip(byte: u8, samples: usize) -> Clip {
    vec![byte; samples].into()
}

#[test]
fn clips_are_played_one_after_the_other_in_frames() {
    let mut story = Story::new(OFFER, "");
    story.until(100);
    story.line.play(clip(1, 200), story.now);
    story.line.play(clip(2, 60), story.now);
    story.line.play(clip(9, 0), story.now);
    story.until(1_000);
    story.line.play(clip(3, 160), story.now);
    story.until(2_000);
    assert_eq!(
        story.told,
        [
            "0.100 0 160x01 to 10.0.0.1:4000",
            "0.120 0 40x01 60x02 60xff to 10.0.0.1:4000",
            "0.120 Played",
            "1.000 0 160x03 to 10.0.0.1:4000",
            "1.000 Played",
        ]
    );
}

#[test]
fn what_is_hushed_or_over_is_played_no_further() {
    let mut story = Story::new(OFFER, "");
    story.line.play(clip(1, 8_000), story.now);
    story.until(20);
    story.line.hush();
    story.until(100);
    story.line.play(clip(2, 8_000), story.now);
    story.until(110);
    story.on_request("BYE", 8, "");
    story.until(9_000);
    assert_eq!(
        story.told,
        [
            "0.000 0 160x01 to 10.0.0.1:4000",
            "0.020 0 160x01 to 10.0.0.1:4000",
            "0.100 0 160x02 to 10.0.0.1:4000",
            "0.110 SIP/2.0 200 OK",
            "0.110 Over(There)",
        ]
    );
}

#[test]
fn who_wakes_up_late_sends_a_few_frames_and_goes_on_from_there() {
    let mut story = Story::new(OFFER, "");
    story.line.play(clip(1, 160 * 50), story.now);
    let mut out = Vec::new();
    story.line.on_deadline(at(60), &mut out);
    assert_eq!((out.len(), story.line.deadline()), (4, Some(at(80))));
    out.clear();
    story.line.on_deadline(at(700), &mut out);
    assert_eq!((out.len(), story.line.deadline()), (FRAMES_MAX, Some(at(700))));
}

#[test]
fn a_caller_with_the_other_law_hears_it() {
    let offer = OFFER.replace("AVP 0 101", "AVP 8");
    let mut story = Story::new(&offer, "");
    story.line.play(clip(0x80, 100), story.now);
    story.until(100);
    let loud = Law::A.encode(Law::Mu.decode(0x80));
    assert_eq!(story.told, [format!("0.000 8 100x{loud:02x} 60xd5 to 10.0.0.1:4000"), "0.000 Played".into()]);
}

#[test]
fn the_caller_is_heard_and_nobody_else() {
    let mut story = Story::new(OFFER, "");
    story.hear("192.0.2.77:9", 0, &[1, 2]);
    story.hear("198.51.100.9:4000", 0, &[3]);
    story.hear("192.0.2.77:9", 8, &[4]);
    story.hear("192.0.2.77:9", 18, &[5]);
    story.hear("192.0.2.77:9", 13, &[60]);
    story.hear("198.51.100.9:4000", 13, &[60]);
    story.hear("192.0.2.77:9", 101, &[1, 10, 0, 160]);
    story.until(30);
    story.on_request("INFO", 8, "Signal=1\r\n");
    story.on_request("INFO", 9, "Signal=2\r\n");
    story.line.play(clip(1, 160), story.now);
    story.until(40);
    assert_eq!(
        story.told,
        [
            "0.000 heard 1 Mu [1, 2]",
            "0.000 heard 3 A [4]",
            "0.000 Quiet",
            "0.000 Pressed('1')",
            "0.030 SIP/2.0 200 OK",
            "0.030 SIP/2.0 200 OK",
            "0.030 Pressed('2')",
            "0.030 0 160x01 to 192.0.2.77:9",
            "0.030 Played",
        ]
    );
}

#[test]
fn a_caller_on_hold_hears_nothing_and_is_not_waited_for() {
    let mut story = Story::new(OFFER, "");
    story.line.play(clip(1, 160 * 4), story.now);
    story.until(10);
    story.on_request("INVITE", 8, &format!("{OFFER}a=sendonly\r\n"));
    story.until(50);
    story.on_request("INVITE", 9, &OFFER.replace("4000", "4002"));
    story.until(200);
    assert_eq!(
        story.told,
        [
            "0.000 0 160x01 to 10.0.0.1:4000",
            "0.010 Held(true)",
            "0.010 SIP/2.0 200 OK",
            "0.050 Held(false)",
            "0.050 SIP/2.0 200 OK",
            "0.060 0 160x01 to 10.0.0.1:4002",
            "0.060 Played",
        ]
    );
    let [first, last] = story.stamps[..] else { panic!("{:?}", story.stamps) };
    assert_eq!(last.wrapping_sub(first), 3 * 160, "time passes on hold");
}

#[test]
fn a_caller_without_an_offer_answers_ours() {
    let mut story = Story::new("", &OFFER.replace("0 101", "8"));
    story.line.play(clip(0xff, 160), story.now);
    story.until(10);
    assert_eq!(story.told, ["0.000 8 160xd5 to 10.0.0.1:4000", "0.000 Played"]);
    let mut out = Vec::new();
    let mut line = start("", &mut out).unwrap();
    line.accept(at(0), &mut out);
    out.clear();
    line.on_request(request("ACK", ";tag=abc", 7, ""), at(0), &mut out);
    assert!(
        matches!(&out[..], [Output::Over(Why::Here), Output::Sip(bye)] if bye.starts_with(b"BYE ")),
        "{out:?}"
    );
}

#[test]
fn a_caller_with_whom_nothing_can_be_spoken_is_refused_at_once() {
    for (offer, status) in [(OFFER.replace("AVP 0 101", "AVP 18"), 488), ("nonsense".to_owned(), 400)] {
        let mut out = Vec::new();
        let refusal = start(&offer, &mut out).map(drop).unwrap_err();
        let refusal = String::from_utf8_lossy(&refusal).into_owned();
        assert!(refusal.starts_with(&format!("SIP/2.0 {status} ")) && out.is_empty(), "{refusal}");
    }
    let mut story = Story::new(OFFER, "");
    story.on_request("UPDATE", 8, &OFFER.replace("AVP 0 101", "AVP 18"));
    story.line.play(clip(1, 160), story.now);
    story.until(10);
    assert_eq!(story.told[..2], ["0.000 SIP/2.0 488 Not Acceptable Here", "0.000 0 160x01 to 10.0.0.1:4000"]);
}

#[test]
fn a_call_that_is_made_here_has_its_sound_too() {
    let call = Call {
        uri: b"sip:ben@b.example".to_vec(),
        from: b"<sip:ana@a.example>".to_vec(),
        tag: b"abc".to_vec(),
        to: b"<sip:ben@b.example>".to_vec(),
        call_id: b"c".to_vec(),
        number: 1,
        max_forwards: 70,
        lines: Vec::new(),
        sdp: Vec::new(),
    };
    let desk = Desk {
        contact: "<sip:x@127.0.0.1:5070>".into(),
        via: "SIP/2.0/UDP 127.0.0.1:5070".into(),
        reliability: Reliability::Reliable,
        timers: Timers::default(),
    };
    let (proxy, media, mut out) = (
        place("127.0.0.1:5060"),
        (here("192.0.2.1:20000"), Terms { laws: Law::A.only(), ..ANY }),
        Vec::new(),
    );
    let mut line = Line::call(call, desk, proxy, media, 0xabc, at(0), &mut out).unwrap();
    let answer = |status: u16, sdp: &str| {
        let via = "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKabc";
        let text = format!(
            "SIP/2.0 {status} X\r\nVia: {via}\r\nFrom: <sip:ana@a.example>;tag=abc\r\nTo: <sip:ben@b.example>;tag=1\r\nCall-ID: c\r\n\
            CSeq: 1 INVITE\r\nContact: <sip:ben@10.0.0.1>\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        );
        Message::parse(text.as_bytes().into()).unwrap()
    };
    line.on_response(answer(180, ""), at(0), &mut out);
    line.on_response(answer(200, &OFFER.replace("AVP 0", "AVP 8")), at(0), &mut out);
    let mut story =
        Story { line, told: Vec::new(), now: at(0), sent: 0, stamps: Vec::new(), reports: Vec::new() };
    story.tell(out);
    story.line.play(clip(0xff, 160), story.now);
    story.until(10);
    story.hear("10.0.0.1:4000", 8, &[1]);
    story.act(|line, now, out| line.hang_up(now, out));
    assert_eq!(
        story.told,
        [
            "0.000 INVITE sip:ben@b.example SIP/2.0",
            "0.000 said 180",
            "0.000 ACK sip:ben@10.0.0.1 SIP/2.0",
            "0.000 Up",
            "0.000 8 160xd5 to 10.0.0.1:4000",
            "0.000 Played",
            "0.010 heard 1 A [1]",
            "0.010 Over(Here)",
            "0.010 BYE sip:ben@10.0.0.1 SIP/2.0",
        ]
    );
}

#[test]
fn timestamps_go_on_while_nothing_is_said() {
    let mut story = Story::new(OFFER, "");
    for milliseconds in [0, 50, 1_000] {
        story.until(milliseconds);
        story.line.play(clip(1, 160), story.now);
    }
    story.until(2_000);
    let [first, second, third] = story.stamps[..] else { panic!("{:?}", story.stamps) };
    assert_eq!([second, third].map(|stamp| stamp.wrapping_sub(first)), [400, 8_000]);
}

/// When each report left, where to, and what kinds of packet are in it (RFC 3550 §12.1).
fn reports(story: &Story) -> Vec<String> {
    let kinds = |bytes: &[u8]| {
        let (mut rest, mut kinds) = (bytes, Vec::new());
        while let [_, kind, high, low, ..] = *rest {
            kinds.push(kind);
            rest = &rest[4 + 4 * usize::from(u16::from_be_bytes([high, low]))..];
        }
        kinds
    };
    let told = |(at, to, bytes): &(Time, SocketAddr, Vec<u8>)| {
        format!("{:.1} to {to}: {:?}", at.since(Time::ZERO).as_secs_f64(), kinds(bytes))
    };
    story.reports.iter().map(told).collect()
}

#[test]
fn every_five_seconds_a_line_reports_and_at_its_end_it_says_so() {
    let mut story = Story::new(OFFER, "");
    story.hear("10.0.0.1:4000", 0, &[1; 160]);
    story.until(3_000);
    story.line.play(clip(1, 160), story.now);
    story.until(8_000);
    // Behind an address translator: known once it has reported itself, and nobody else is taken for it.
    let theirs = |line: &mut Line, from: &str| {
        let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        line.on_report(place(from), &mut report, at(8_000));
    };
    theirs(&mut story.line, "198.51.100.7:4001");
    story.until(13_000);
    theirs(&mut story.line, "10.0.0.1:61001");
    story.until(18_000);
    story.until(19_000);
    story.on_request("BYE", 8, "");
    story.until(60_000);
    assert_eq!(
        reports(&story),
        [
            "2.5 to 10.0.0.1:4001: [201, 202]",
            "7.5 to 10.0.0.1:4001: [200, 202]",
            "12.5 to 10.0.0.1:4001: [200, 202]",
            "17.5 to 10.0.0.1:61001: [201, 202]",
            "19.0 to 10.0.0.1:61001: [201, 202, 203]",
        ]
    );
}

#[test]
fn reports_go_among_the_sound_where_that_was_offered() {
    let mut story = Story::new(&format!("{OFFER}a=rtcp-mux\r\n"), "");
    let report = [0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0x12, 0x34, 0x56, 0x78];
    let mut report = [&report[..], &[0; 14]].concat();
    let mut out = Vec::new();
    story.line.on_datagram(place("10.0.0.9:61000"), &mut report, at(0), &mut out);
    assert!(out.is_empty());
    story.line.on_deadline(at(2_500), &mut out);
    let [Output::Rtp { to, bytes }] = &out[..] else { panic!("{out:?}") };
    assert_eq!((*to, bytes[1]), (place("10.0.0.9:61000"), 201));
}

#[test]
fn reports_of_a_sealed_call_are_sealed() {
    let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [1; 30]);
    let offer = format!(
        "{}a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n",
        OFFER.replace("RTP/AVP", "RTP/SAVP")
    );
    let mut story = Story::new(&offer, "");
    story.until(3_000);
    let (_, to, mut bytes) = story.reports.pop().unwrap();
    let mut ours = Seal::new(&Key::new([7; 30]), Suite::Long);
    assert_eq!((to, ours.open_report(&mut bytes)), (place("10.0.0.1:4001"), Some(())));
    assert_eq!(bytes.get(..4), Some(&[0x80, 201, 0, 1][..]));
}

#[test]
fn sealed_sound_is_heard_and_said_and_stays_sealed() {
    let keyed = |byte: u8| {
        let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [byte; 30]);
        format!("{}a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:{key}\r\n", OFFER.replace("RTP/AVP", "RTP/SAVP"))
    };
    let seal = |byte| Seal::new(&Key::new([byte; 30]), Suite::Short);
    let mut story = Story::new(&keyed(1), "");
    let (mut theirs, mut ours, mut out) = (seal(1), seal(7), Vec::new());
    story.line.play(clip(0x11, 320), at(0));
    story.line.on_deadline(at(20), &mut out);
    for output in out.drain(..).filter(|output| !matches!(output, Output::Played)) {
        let Output::Rtp { to, mut bytes } = output else { panic!("{output:?}") };
        assert_eq!((to, bytes.len()), (place("10.0.0.1:4000"), 12 + 160 + 4));
        assert_eq!(ours.open(&mut bytes), Some(()));
        assert_eq!(rtp::read(&bytes).unwrap().payload, [0x11; 160]);
    }
    let packet = |number: u8, seal: Option<&mut Seal>| {
        let mut packet = vec![0x80, 0, 0, number, 0, 0, 0, 0, 0, 0, 0, 1, 0x22, 0x22];
        let tag = seal.and_then(|seal| seal.seal(&mut packet));
        tag.into_iter().for_each(|tag| packet.extend_from_slice(&tag));
        packet
    };
    let hear = |story: &mut Story, from: &str, mut packet: Vec<u8>| {
        let mut out = Vec::new();
        story.line.on_datagram(place(from), &mut packet, at(20), &mut out);
        out.len()
    };
    // Whoever is quicker than the caller and has no key is nobody.
    assert_eq!(hear(&mut story, "198.51.100.7:9", packet(1, None)), 0);
    assert_eq!(hear(&mut story, "198.51.100.7:9", packet(1, Some(&mut seal(9)))), 0);
    let first = packet(1, Some(&mut theirs));
    assert_eq!(hear(&mut story, "10.0.0.9:61000", first.clone()), 1);
    assert_eq!(hear(&mut story, "10.0.0.9:61000", first), 0, "it comes a second time");
    // The same key goes on, another one begins anew; what would go in the clear from now on is refused.
    story.on_request("UPDATE", 8, &keyed(1));
    assert_eq!(hear(&mut story, "10.0.0.9:61000", packet(2, Some(&mut theirs))), 1);
    story.on_request("UPDATE", 9, &keyed(4));
    assert_eq!(hear(&mut story, "10.0.0.9:61000", packet(3, Some(&mut theirs))), 0);
    assert_eq!(hear(&mut story, "10.0.0.9:61000", packet(3, Some(&mut seal(4)))), 1);
    story.on_request("UPDATE", 10, OFFER);
    let answers: Vec<&str> = story.told.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(answers, ["SIP/2.0 200 OK", "SIP/2.0 200 OK", "SIP/2.0 488 Not Acceptable Here"]);
}
