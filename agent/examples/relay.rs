//! Relays the sound of one confirmed call in memory, both ways, for `bench/relay`: `relay 1000`.
#![expect(clippy::print_stdout, reason = "says that the packets went over")]

use agent::bridge::Side;
use agent::screen::{Booth, Output, Prompts, Screen};
use agent::sdp::Here;
use agent::srtp::Key;
use agent::talk::Desk;
use core::hint::black_box;
use core::net::SocketAddr;
use core::time::Duration;
use sip::txn::{Reliability, Timers};
use sip::{Message, Name, Time};

fn main() {
    let packets = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_u32);
    let (mut screen, mut now, mut sent) = (joined(), Time::ZERO, 0_u32);
    let mut datagram = vec![0xd5; 172];
    for number in 0..packets {
        let (side, from, ssrc) =
            if number % 2 == 0 { (Side::Caller, CALLER, 1) } else { (Side::Person, PERSON, 2) };
        let stamp = (number / 2 * 160).to_be_bytes();
        let [_, _, high, low] = (number / 2).to_be_bytes();
        let header = [0x80, 0, high, low, stamp[0], stamp[1], stamp[2], stamp[3], 0, 0, 0, ssrc];
        datagram[..12].copy_from_slice(&header);
        now = now + Duration::from_millis(10);
        let to = relayed(&mut screen, side, address(from), &mut datagram, now);
        sent += u32::from(to.is_some());
    }
    assert_eq!(sent, packets);
    println!("{sent} packets went over");
}

const CALLER: &str = "10.0.0.1:4000";
const PERSON: &str = "10.0.0.2:4000";

/// A function of its own, so that a profiler can tell it apart.
#[inline(never)]
fn relayed(
    screen: &mut Screen,
    side: Side,
    from: SocketAddr,
    datagram: &mut Vec<u8>,
    now: Time,
) -> Option<SocketAddr> {
    let mut out = Vec::new();
    let to = screen.on_datagram(side, from, datagram, now, &mut out);
    black_box(&out);
    to
}

/// A call that a person has taken.
fn joined() -> Screen {
    let prompt: agent::line::Clip = vec![0xff; 160].into();
    let desk = Desk {
        contact: "<sip:screen@[100::2]:5060>".into(),
        via: "SIP/2.0/TCP [100::2]:5060".into(),
        reliability: Reliability::Reliable,
        timers: Timers::default(),
    };
    let booth = Booth {
        desk,
        proxy: address("[100::1]:5060"),
        caller: Here { address: address("192.0.2.1:20000"), key: Key::new([1; 30]) },
        person: Here { address: address("192.0.2.1:20002"), key: Key::new([2; 30]) },
        prompts: Prompts { call: prompt.clone(), again: prompt.clone(), taken: prompt },
    };
    let invite = format!(
        "INVITE sip:ben@b.example SIP/2.0\r\nVia: SIP/2.0/TCP [100::1];branch=z9hG4bKa\r\nX-Tandem-Hop: <sip:192.0.2.9;lr>\r\n\
        From: <sip:ana@a.example>;tag=1\r\nTo: <sip:ben@b.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
        Contact: <sip:ana@10.0.0.1>\r\n\r\n{}",
        sdp(CALLER)
    );
    let mut out = Vec::new();
    let Ok(mut screen) = Screen::start(message(&invite), booth, None, [1, 2], Time::ZERO, &mut out) else {
        unreachable!("there is an offer and a hop")
    };
    let Some(Output::Sip(asked)) = out.pop() else { unreachable!("an INVITE") };
    let asked = message(&String::from_utf8_lossy(&asked));
    let value = |name| String::from_utf8_lossy(asked.value(name).unwrap_or_default()).into_owned();
    let answer = format!(
        "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=2\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:ben@10.0.0.2>\r\n\r\n{}",
        value(Name::Via),
        value(Name::From),
        value(Name::To),
        value(Name::CallId),
        value(Name::CSeq),
        sdp(PERSON)
    );
    screen.on_response(message(&answer), Time::ZERO, &mut out);
    let mut pressed = vec![0x80, 0x80 | 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 10, 0, 160];
    screen.on_datagram(Side::Person, address(PERSON), &mut pressed, Time::ZERO, &mut out);
    screen.join(Time::ZERO, &mut out);
    screen
}

fn sdp(at: &str) -> String {
    let (ip, port) = (address(at).ip(), address(at).port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
        a=rtpmap:101 telephone-event/8000\r\n"
    )
}

fn message(text: &str) -> Message {
    Message::parse(text.as_bytes().into()).unwrap_or_else(|error| unreachable!("{error}"))
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|error| unreachable!("{error}"))
}
