//! What reaches agents: messages from the node, and packets from anybody.

use super::super::draw::Draw;
use core::net::SocketAddr;
use sip::{Message, Name};

/// Descriptions: what phones offer, what they should not, and none at all.
const OFFERS: [&str; 12] = [
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\na=sendonly\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\na=inactive\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC|2^31\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=image 4000 udptl t38\r\n",
    "v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\nm=video 1 RTP/AVP 96\r\nm=audio 9 RTP/AVPF 96\r\na=rtpmap:96 PCMA/8000\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 phone.example\r\nt=0 0\r\nm=audio 65535 RTP/AVP 0\r\n",
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n",
    "hello",
    "",
];

/// Lines that change what an INVITE asks for.
const LINES: [&str; 8] = [
    "",
    "Supported: 100rel, timer\r\n",
    "Require: 100rel\r\n",
    "Session-Expires: 90;refresher=uas\r\nSupported: timer\r\n",
    "Require: nonsense\r\n",
    "X-Tandem-Why: no-answer;number=+15035550100;last\r\nPrivacy: id\r\n",
    "Diversion: <sip:+15035550100@a.example>;reason=user-busy;counter=6\r\nP-Asserted-Identity: <tel:+15035550199>\r\n",
    "Replaces: a;to-tag=b;from-tag=c\r\nRequire: replaces\r\n",
];

/// The INVITE number `count`; for the screen mostly with a hop.
pub fn invite(draw: &mut Draw<'_>, count: u16, is_screen: bool) -> Vec<u8> {
    let (kind, body) = (draw.byte(), draw.one_of(&OFFERS).unwrap_or_default());
    let lines = draw.one_of(&LINES).unwrap_or_default();
    // Forks and tries of one call share its name.
    let (call, number) = (u16::from(kind & 3).min(count), if kind & 4 != 0 { 1 } else { count });
    let hop = match kind & 0x38 {
        0x38 => "",
        0x30 => "X-Tandem-Hop: <sip:192.0.2.9:5061;transport=tls;lr>;srtp\r\n",
        0x20 | 0x28 => "X-Tandem-Hop: <sip:192.0.2.9:5060;lr>;joins\r\n",
        _ => "X-Tandem-Hop: <sip:192.0.2.9:5060;lr>\r\n",
    };
    let hop = if is_screen { hop } else { "" };
    format!(
        "INVITE sip:inbox@[100::2]:5060 SIP/2.0\r\nVia: SIP/2.0/TCP [100::]:5060;branch=z9hG4bKi{count}\r\n\
        Record-Route: <sip:[100::]:5060;transport=tcp;lr;t=x>\r\nMax-Forwards: 69\r\n{hop}From: \"A\" <sip:+4411@192.0.2.1>;tag=f\r\n\
        To: <sip:+15035550100@192.0.2.100>\r\nCall-ID: c{call}\r\nCSeq: {number} INVITE\r\nContact: <sip:a@10.0.0.1>\r\n{lines}\
        Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

const STATUS: [u16; 14] = [200, 180, 183, 100, 182, 486, 503, 480, 603, 302, 401, 422, 487, 199];

/// A response to a request that an agent sent.
pub fn response(draw: &mut Draw<'_>, request: &Message) -> Vec<u8> {
    let (status, kind) = (draw.one_of(&STATUS).unwrap_or_default(), draw.byte());
    let mut text = format!("SIP/2.0 {status} Said\r\n").into_bytes();
    let copied = [Name::Via, Name::From, Name::CallId, Name::CSeq, Name::RecordRoute];
    for field in request.fields() {
        if copied.contains(&field.name) {
            text.extend_from_slice(request.at(field.line));
        } else if field.name == Name::To {
            text.extend_from_slice(&[b"To: ", request.at(field.value)].concat());
            if request.to_tag().is_empty() && status != 100 {
                text.extend_from_slice(format!(";tag=t{}", kind & 3).as_bytes());
            }
            text.extend_from_slice(b"\r\n");
        }
    }
    if kind & 4 != 0 {
        text.extend_from_slice(b"Require: 100rel\r\nRSeq: 7\r\n");
    }
    if kind & 8 != 0 {
        text.extend_from_slice(b"Session-Expires: 120;refresher=uac\r\nMin-SE: 90\r\n");
    }
    let body = if kind & 16 != 0 { "" } else { draw.one_of(&OFFERS).unwrap_or_default() };
    text.extend_from_slice(
        format!(
            "Contact: <sip:ben@10.0.0.2>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .as_bytes(),
    );
    text
}

/// A request within a call, by what its other side said: of the caller after a response, of the callee after a request.
pub fn within(draw: &mut Draw<'_>, got: &Message, count: u16) -> Vec<u8> {
    let methods =
        ["ACK", "BYE", "INVITE", "UPDATE", "INFO", "PRACK", "OPTIONS", "REFER", "MESSAGE", "NOTIFY"];
    let (method, kind) = (draw.one_of(&methods).unwrap_or_default(), draw.byte());
    let (mut from, mut to) = (got.value(Name::From), got.value(Name::To));
    if got.is_request() {
        core::mem::swap(&mut from, &mut to);
    }
    let mut text = format!(
        "{method} sip:agent-2@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/TCP [100::]:5060;branch=z9hG4bKw{count}\r\nMax-Forwards: 70\r\n"
    )
    .into_bytes();
    for (name, value) in [("From", from), ("To", to), ("Call-ID", got.value(Name::CallId))] {
        text.extend_from_slice(&[name.as_bytes(), b": ", value.unwrap_or_default(), b"\r\n"].concat());
    }
    let number = if kind & 1 != 0 { 1 } else { count + 1 };
    let (lines, body) = match method {
        "INFO" => ("Content-Type: application/dtmf-relay\r\n", "Signal=1\r\nDuration=160\r\n"),
        "PRACK" => ("RAck: 1 1 INVITE\r\n", ""),
        "REFER" => ("Refer-To: <sip:b@b.example>\r\n", ""),
        "NOTIFY" => {
            let told = ["SIP/2.0 100 T", "SIP/2.0 200 OK", "SIP/2.0 603 No", "SIP/2.0 9", ""];
            let state =
                ["Event: refer\r\nSubscription-State: active\r\n", "Subscription-State: terminated\r\n"];
            (state[usize::from(kind >> 7)], draw.one_of(&told).unwrap_or_default())
        }
        "INVITE" | "UPDATE" | "ACK" => {
            ("Content-Type: application/sdp\r\n", draw.one_of(&OFFERS).unwrap_or_default())
        }
        _ => ("", ""),
    };
    text.extend_from_slice(
        format!(
            "CSeq: {number} {method}\r\nContact: <sip:a@10.0.0.1>\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .as_bytes(),
    );
    text
}

/// What is subscribed to, and for how long.
const EVENTS: [&str; 10] = [
    "Event: message-summary\r\nExpires: 3600\r\n",
    "Event: message-summary\r\n",
    "o: message-summary;id=7\r\nExpires: 60\r\n",
    "Event: message-summary\r\nExpires: 0\r\n",
    "Event: message-summary\r\nExpires: 59\r\n",
    "Event: message-summary\r\nExpires: 99999999999999999999\r\n",
    "Event: message-summary;id=\"a b\"\r\nExpires: -1\r\n",
    "Event: presence\r\nExpires: 600\r\n",
    "Event: message-summary\r\nRequire: eventlist\r\n",
    "",
];

/// A SUBSCRIBE: one that begins something, or one within what an answer has said.
pub fn subscribe(draw: &mut Draw<'_>, answer: Option<&Message>, count: u16) -> Vec<u8> {
    let (lines, kind) = (draw.one_of(&EVENTS).unwrap_or_default(), draw.byte());
    let (call, number) = (u16::from(kind & 3).min(count), if kind & 4 != 0 { 1 } else { count });
    let of = |name| answer.and_then(|answer| answer.value(name)).map(|it| it.escape_ascii().to_string());
    let from = of(Name::From).unwrap_or_else(|| "<sip:100@10.0.0.1>;tag=f".into());
    let to = of(Name::To).unwrap_or_else(|| "<sip:front@192.0.2.100>".into());
    let id = of(Name::CallId).unwrap_or_else(|| format!("s{call}"));
    let contact = if kind & 0x38 == 0x38 { "" } else { "Contact: <sip:100@10.0.0.1>\r\n" };
    format!(
        "SUBSCRIBE sip:front@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/INSIDE [100::]:5060;branch=z9hG4bKs{count}\r\n\
        Record-Route: <sip:192.0.2.100:5060;lr;t=x>\r\nMax-Forwards: 69\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {id}\r\n\
        CSeq: {number} SUBSCRIBE\r\n{contact}{lines}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// From where packets come, and which.
pub fn packets(draw: &mut Draw<'_>, count: u16) -> (SocketAddr, Vec<Vec<u8>>) {
    let places = ["10.0.0.1:4000", "10.0.0.1:4000", "10.0.0.2:4000", "198.51.100.7:9"];
    let from =
        draw.one_of(&places).and_then(|place| place.parse().ok()).unwrap_or(([10, 0, 0, 1], 4_000).into());
    let (kind, more) = (draw.byte(), usize::from(draw.byte()) % 64);
    let numbers =
        (0..=more).map(|place| count.wrapping_mul(70).wrapping_add(u16::try_from(place).unwrap_or_default()));
    let digit = kind >> 4;
    let packets = numbers.map(|number| {
        let [a, b] = number.to_be_bytes();
        let [c, d, e, f] = (u32::from(number) * 160).to_be_bytes();
        let head = |payload_type| [0x80, payload_type, a, b, c, d, e, f, 0, 0, 0, 7];
        match kind % 8 {
            0 => [&head(0)[..], &[0xff; 160]].concat(),
            1 => [&head(0)[..], &[0x12, 0x92, 0x31, 0xb0].repeat(40)].concat(),
            2 => [&head(8)[..], &[0x55; 160]].concat(),
            // One press: its timestamp is that of its beginning.
            3 => [&[0x80, 101, a, b, 0, 0, 0, kind, 0, 0, 0, 7][..], &[digit, 0x8a, 0, 160]].concat(),
            4 => [&head(13)[..], &[60]].concat(),
            5 => [&head(0)[..], &vec![1; 4_000]].concat(),
            6 => draw.bytes(20).to_vec(),
            _ => [&head(0)[..], draw.bytes(8)].concat(),
        }
    });
    (from, packets.collect())
}
