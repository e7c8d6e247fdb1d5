use super::*;
use crate::g711::Law;
use crate::rtp::{self, Sender};
use crate::sdp::Here;
use crate::srtp::{Key, Seal, Suite};
use crate::talk::Desk;
use sip::Message;
use sip::txn::{Reliability, Timers};

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn place(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const HERE: &str = "10.0.0.1:4000";
const THERE: &str = "10.0.0.2:4000";

fn request(method: &str, number: u32, tag: &str, sdp: &str) -> Message {
    let text = format!(
        "{method} sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{number}{method}\r\n\
        From: <sip:ana@a.example>;tag=1\r\nTo: <sip:x@127.0.0.1>{tag}\r\nCall-ID: c\r\nCSeq: {number} {method}\r\n\
        Contact: <sip:ana@10.0.0.1>\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    Message::parse(text.as_bytes().into()).unwrap()
}

fn sdp(remote: &str, formats: &str, more: &str) -> String {
    let remote = place(remote);
    let (ip, port) = (remote.ip(), remote.port());
    let digits = formats.split(' ').find(|format| ["101", "97"].contains(format));
    let digits =
        digits.map_or_else(String::new, |digits| format!("a=rtpmap:{digits} telephone-event/8000\r\n"));
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n{digits}{more}"
    )
}

/// A line to there that is up since 0 s.
fn line(remote: &str, formats: &str, chance: u64) -> Line {
    line_of(&sdp(remote, formats, ""), chance)
}

fn line_of(offer: &str, chance: u64) -> Line {
    let desk = Desk {
        contact: "<sip:x@127.0.0.1:5070>".into(),
        via: "SIP/2.0/UDP 127.0.0.1:5070".into(),
        reliability: Reliability::Reliable,
        timers: Timers::default(),
    };
    let (proxy, mut out) = (place("127.0.0.1:5060"), Vec::new());
    let here = Here { address: place("192.0.2.1:20000"), key: Key::new([7; 30]) };
    let invite = request("INVITE", 1, "", offer);
    let mut line = Line::start(invite, proxy, desk, here, chance, &mut out).unwrap();
    line.accept(at(0), &mut out);
    line.on_request(request("ACK", 1, &format!(";tag={chance:x}"), ""), at(0), &mut out);
    line
}

fn packet(kind: u8, number: u16, stamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    [&[0x80, kind][..], &number.to_be_bytes(), &stamp.to_be_bytes(), &ssrc.to_be_bytes(), payload].concat()
}

/// Two lines, and one way between them.
struct Pair {
    here: Line,
    there: Line,
    way: Way,
    now: Time,
    /// The numbers of the first packet that went over: others are told from there on.
    first: Option<(u16, u32)>,
}

/// Payload type, marker, number, timestamp, length.
type Told = (u8, bool, i16, i32, usize);

impl Pair {
    fn new(here: &str, there: &str) -> Self {
        let (here, there) = (line(HERE, here, 0xa), line(THERE, there, 0xb));
        Self { here, there, way: Way::default(), now: at(0), first: None }
    }

    fn relay(&mut self, milliseconds: u64, mut datagram: Vec<u8>) -> Option<Told> {
        self.now = at(milliseconds);
        let ssrc = rtp::read(&datagram).map(|heard| heard.ssrc);
        let to = self.way.relay(&mut self.here, place(HERE), &mut self.there, &mut datagram, self.now)?;
        assert_eq!(to, place(THERE));
        let heard = rtp::read(&datagram).unwrap();
        assert!(heard.ssrc == Sender::new(0xb_u64.rotate_left(23)).ssrc() && Some(heard.ssrc) != ssrc);
        let (number, stamp) = *self.first.get_or_insert((heard.sequence, heard.timestamp));
        let number = heard.sequence.wrapping_sub(number) as i16;
        let stamp = heard.timestamp.wrapping_sub(stamp) as i32;
        Some((heard.payload_type, heard.marker, number, stamp, heard.payload.len()))
    }

    fn sound(&mut self, milliseconds: u64, number: u16, stamp: u32) -> Option<Told> {
        self.relay(milliseconds, packet(0, number, stamp, 7, &[3; 160]))
    }
}

#[test]
fn what_is_heard_here_is_said_there_under_its_numbers() {
    let mut pair = Pair::new("0 101", "0 97");
    assert_eq!(pair.sound(0, 65_534, 4_294_967_000), Some((0, true, 0, 0, 160)));
    assert_eq!(pair.sound(20, 65_535, 4_294_967_160), Some((0, false, 1, 160, 160)));
    // One is lost, one late, one there twice.
    assert_eq!(pair.sound(60, 1, 184), Some((0, false, 3, 480, 160)));
    assert_eq!(pair.sound(62, 0, 24), Some((0, false, 2, 320, 160)));
    assert_eq!(pair.sound(62, 0, 24), Some((0, false, 2, 320, 160)));
    // A digit, a pause, and speech that begins anew.
    let event = |number, marker: u8| packet(101 | marker, number, 344, 7, &[1, 10, 0, 160]);
    assert_eq!(pair.relay(80, event(2, 0x80)), Some((97, true, 4, 640, 4)));
    assert_eq!(pair.relay(100, event(3, 0)), Some((97, false, 5, 640, 4)));
    assert_eq!(pair.relay(9_080, packet(0x80, 4, 72_344, 7, &[3; 160])), Some((0, true, 6, 72_640, 160)));
}

#[test]
fn each_side_has_its_payload_types_and_what_the_other_does_not_know_leaves_no_gap() {
    let mut pair = Pair::new("0 101", "0");
    assert_eq!(pair.sound(0, 10, 0), Some((0, true, 0, 0, 160)));
    assert_eq!(pair.relay(20, packet(101, 11, 160, 7, &[1, 10, 0, 160])), None);
    assert_eq!(pair.relay(20, packet(13, 12, 160, 7, &[60])), None);
    assert_eq!(pair.relay(20, packet(8, 13, 160, 7, &[1; 160])), None);
    // One more is lost, which stays so.
    assert_eq!(pair.relay(80, packet(13, 15, 160, 7, &[60])), None);
    assert_eq!(pair.sound(100, 16, 800), Some((0, false, 2, 800, 160)));
    let mut named = Pair::new("0", "0");
    named.there.speak_only(Law::Mu);
    let renegotiated = sdp(THERE, "98", "a=rtpmap:98 PCMU/8000\r\n");
    named.there.on_request(request("UPDATE", 2, ";tag=b", &renegotiated), at(0), &mut Vec::new());
    assert_eq!(named.sound(0, 10, 0), Some((98, true, 0, 0, 160)));
}

#[test]
fn another_source_or_a_leap_goes_on_where_the_last_ended() {
    let mut pair = Pair::new("0", "0");
    assert_eq!(pair.sound(0, 10, 0), Some((0, true, 0, 0, 160)));
    assert_eq!(pair.relay(1_000, packet(0, 9_000, 5, 8, &[3; 160])), Some((0, true, 1, 8_000, 160)));
    assert_eq!(pair.relay(1_020, packet(0, 9_001, 165, 8, &[3; 160])), Some((0, false, 2, 8_160, 160)));
    // Its timestamp leaps, then its number.
    assert_eq!(pair.relay(1_040, packet(0, 9_002, 4_000_000, 8, &[3; 160])), Some((0, true, 3, 8_320, 160)));
    assert_eq!(pair.relay(1_060, packet(0, 30_000, 4_000_160, 8, &[3; 160])), Some((0, true, 4, 8_480, 160)));
}

#[test]
fn sound_goes_on_after_what_was_played() {
    let mut pair = Pair::new("0", "0");
    pair.there.play(vec![1; 320].into(), at(0));
    let mut played = Vec::new();
    while let Some(due) = pair.there.deadline().filter(|due| *due < at(1_000)) {
        pair.there.on_deadline(due, &mut played);
    }
    let numbers = |played: &[crate::line::Output]| {
        let crate::line::Output::Rtp { bytes, .. } = played.iter().rev().nth(1)? else { return None };
        rtp::read(bytes).map(|heard| (heard.sequence, heard.timestamp))
    };
    pair.first = numbers(&played);
    assert_eq!(pair.sound(100, 10, 0), Some((0, true, 1, 640, 160)));
    // Then something is played again.
    pair.there.play(vec![1; 160].into(), at(200));
    played.clear();
    pair.there.on_deadline(at(200), &mut played);
    let ((number, stamp), (first, first_stamp)) = (numbers(&played).unwrap(), pair.first.unwrap());
    assert_eq!((number.wrapping_sub(first), stamp.wrapping_sub(first_stamp)), (2, 1_440));
}

#[test]
fn who_holds_the_call_hears_nothing_and_who_may_not_speak_is_not_heard() {
    let mut pair = Pair::new("0", "0");
    assert_eq!(pair.sound(0, 10, 0), Some((0, true, 0, 0, 160)));
    let hold = |direction: &str| sdp(THERE, "0", &format!("a={direction}\r\n"));
    pair.there.on_request(request("INVITE", 2, ";tag=b", &hold("sendonly")), at(0), &mut Vec::new());
    assert_eq!(pair.sound(20, 11, 160), None);
    pair.there.on_request(request("ACK", 2, ";tag=b", ""), at(0), &mut Vec::new());
    pair.there.on_request(request("INVITE", 3, ";tag=b", &hold("sendrecv")), at(0), &mut Vec::new());
    assert_eq!(pair.sound(40, 12, 320), Some((0, false, 1, 320, 160)));
    let mute = sdp(HERE, "0", "a=recvonly\r\n");
    pair.here.on_request(request("INVITE", 2, ";tag=a", &mute), at(0), &mut Vec::new());
    assert_eq!(pair.sound(60, 13, 480), None);
}

#[test]
fn junk_goes_nowhere() {
    let mut pair = Pair::new("0", "0");
    for junk in [
        vec![],
        vec![0x80; 11],
        vec![0xff; 65_535],
        packet(0, 1, 1, 7, &[1; 4_000]),
        packet(72, 1, 1, 7, &[1; 20]),
    ] {
        assert_eq!(pair.relay(0, junk), None);
    }
    let mut stray = packet(0, 1, 1, 7, &[1; 160]);
    assert!(pair.sound(0, 1, 0).is_some());
    let before = stray.clone();
    let to = pair.way.relay(&mut pair.here, place("198.51.100.1:9"), &mut pair.there, &mut stray, at(1));
    assert_eq!((to, stray), (None, before));
}

#[test]
fn each_side_has_its_own_seal_or_none() {
    let sealed = |remote, byte: u8, tag| {
        let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [byte; 30]);
        let keys = format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n");
        sdp(remote, "0", &keys).replace("RTP/AVP", "RTP/SAVP")
    };
    let seal = |byte| Seal::new(&Key::new([byte; 30]), Suite::Long);
    for (is_here, is_there) in [(true, false), (false, true), (true, true)] {
        let here = if is_here { sealed(HERE, 1, 1) } else { sdp(HERE, "0", "") };
        let there = if is_there { sealed(THERE, 2, 4) } else { sdp(THERE, "0", "") };
        let (mut here, mut there, mut way) = (line_of(&here, 0xa), line_of(&there, 0xb), Way::default());
        // What they seal, and what opens what we seal.
        let (mut theirs, mut ours) = (seal(1), seal(7));
        for number in 0..3_u16 {
            let mut datagram = packet(0, number, u32::from(number) * 160, 7, &[3; 160]);
            let in_the_clear = datagram.clone();
            if is_here {
                let tag = theirs.seal(&mut datagram).unwrap();
                datagram.extend_from_slice(&tag);
            }
            let (now, mut again) = (at(u64::from(number) * 20), datagram.clone());
            let to = way.relay(&mut here, place(HERE), &mut there, &mut datagram, now);
            assert_eq!(to, Some(place(THERE)));
            if is_here {
                for stray in [&mut again, &mut in_the_clear.clone()] {
                    assert_eq!(way.relay(&mut here, place(HERE), &mut there, stray, now), None);
                }
            }
            if is_there {
                assert_eq!(ours.open(&mut datagram), Some(()));
            }
            assert_eq!(rtp::read(&datagram).unwrap().payload, [3; 160]);
        }
    }
}
