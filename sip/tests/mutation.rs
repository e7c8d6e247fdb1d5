//! No input panics, and what comes out of it stays true: seeded random damage to valid messages.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use sip::frame::{Frame, FrameError, Framer};
use sip::{Edits, Message, Name, build};

/// Xorshift: the same seed, the same damage.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &'a [&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

const SEEDS: [&[u8]; 3] = [
    b"INVITE sip:+1503;npdi:pw@[2001:db8::7]:5070;lr;user=phone?a=b%20c SIP/2.0\r\n\
    Via: SIP/2.0/UDP a.example:5060;rport;received=192.0.2.1;branch=z9hG4bKa, SIP/2.0/TLS [::1]\r\n\
    v: SIP / 2.0 / TCP\r\n 192.0.2.9 ;branch=z9hG4bKb\r\n\
    Max-Forwards: 70\r\nRoute: <sip:r1;lr>, \"x,\" <sip:r2;lr>\r\nRecord-Route: <sip:r3;lr>\r\n\
    From: \"A \\\" B\" <sip:a@b.example>;tag=1\r\nt: sip:c@d.example ; x=\"y;\"\r\ni: e@f\r\n\
    CSeq: 7 INVITE\r\nm: <sip:a@192.0.2.1>;q=0.5, sip:b@c\r\nTimestamp: 5\r\nl: 4\r\n\r\nv=0\r\nsurplus",
    b"SIP/2.0 183 Session  Progress\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nf: <sip:a@b>;tag=1\r\n\
    To: <sip:c@d>;tag=2\r\nCall-ID: e\r\nCSeq: 7 INVITE\r\nDate: Fri, 01 Jan 2010 16:00:00 GMT\r\n\r\n",
    b"\r\n\r\nREGISTER sip:d.example SIP/2.0\nv:SIP/2.0/UDP h\nf:a:b\nt:a:b\ni:1\nCSeq:1 REGISTER\nm:*\nl:0\n\n",
];

const PIECES: [&[u8]; 30] = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"\"",
    b"\\",
    b"<",
    b">",
    b"@",
    b"%",
    b"%4",
    b"[",
    b"]",
    b"=",
    b"/",
    b"?",
    b"\0",
    b"\xff",
    b"\r\n ",
    b"\r\n\r\n",
    b"Via: ",
    b"\r\nl: 99999999999999999999",
    b"SIP/2.0",
    b"z9hG4bK",
    b"65536",
    b"\r\nTo:",
];

fn damaged(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = chance.pick(&SEEDS).to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(6)).min(bytes.len());
        match chance.below(5) {
            0 => drop(bytes.splice(at..at, chance.pick(&PIECES).iter().copied())),
            1 => drop(bytes.splice(at..end, chance.pick(&PIECES).iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            _ => {
                let copy = bytes[at..end].to_vec();
                let to = chance.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
        }
    }
    bytes
}

/// Calls everything that reads a message.
fn read_all(message: &Message) {
    let _ = (message.method(), message.method_name(), message.status(), message.reason(), message.cseq());
    let _ = (message.from_tag(), message.to_tag(), message.max_forwards(), message.second_via().is_some());
    let uris = [Name::Contact, Name::Route, Name::RecordRoute, Name::From, Name::To];
    let spans = uris.into_iter().flat_map(|name| message.elements(name));
    let addresses = spans.filter_map(|span| sip::NameAddr::parse(message.at(span)));
    let uris: Vec<_> = addresses.filter_map(|addr| addr.sip_uri()).collect();
    for uri in &uris {
        assert!(uri.same_as(uri) || uri.params.iter().count() > 1, "a URI equals itself: {uri:?}");
        assert_eq!(uri.same_as(&uris[0]), uris[0].same_as(uri));
        let _ = sip::uri::unescape(uri.user.unwrap_or_default());
    }
    for field in message.fields() {
        assert!(message.at(field.line).len() > message.at(field.value).len() || field.name == Name::Other);
    }
}

/// What is built from a message is a message with the same identity.
fn build_all(message: &Message) {
    let source = "198.51.100.7:5999".parse().unwrap();
    let extra = build::Extra { to_tag: b"ours", lines: b"Retry-After: 1\r\n" };
    let answer = Message::parse(build::response(message, source, 503, "Service Unavailable", extra)).unwrap();
    assert_eq!(answer.call_id(), message.call_id());
    assert_eq!(answer.cseq(), message.cseq());
    assert_eq!(answer.fields_of(Name::Via).count(), message.fields_of(Name::Via).count());
    if let Some(via) = message.top_via() {
        let stamped = answer.top_via().expect("the top Via stays readable");
        assert_eq!(stamped.branch(), via.branch());
        assert_eq!(stamped.reply_to().map(|to| to.ip()), Some(source.ip()));
    }
    let _ = (build::ack(message, &answer), build::cancel(message, Some("SIP")));
}

/// What passes the gate can be edited and still passes it.
fn edit(message: &Message) {
    let mut edits = Edits::new();
    let top = message.top_via().expect("the gate wants a Via");
    let line = message.field(Name::Via).unwrap().line;
    edits.insert(line.start, "Via: SIP/2.0/UDP ours;branch=z9hG4bKours\r\n");
    if let Some(stamped) = top.stamped(message.at(top.span), "198.51.100.7:5999".parse().unwrap()) {
        edits.replace(top.span, stamped);
    }
    let sent = Message::parse(edits.apply(message)).unwrap();
    if message.fields().len() < Message::FIELDS_MAX {
        assert_eq!(sip::check(&sent), Ok(()), "{}", sent.bytes().escape_ascii());
    }
    assert_eq!(sent.body(), message.body());
    assert_eq!(sent.second_via().unwrap().branch(), top.branch());
}

#[test]
fn no_damage_panics_and_what_passes_stays_sound() {
    let seed = 0x5eed_5150;
    let mut chance = Chance(seed);
    let mut passed = 0;
    for round in 0..50_000 {
        let bytes = damaged(&mut chance);
        let Ok(message) = Message::parse(bytes.as_slice().into()) else { continue };
        read_all(&message);
        build_all(&message);
        if sip::check(&message).is_ok() {
            passed += 1;
            edit(&message);
        }
        assert!(message.fields().len() <= Message::FIELDS_MAX, "seed {seed:#x}, round {round}");
    }
    assert!(passed > 1000, "the damage leaves enough messages whole: {passed}");
}

type Cut = (Vec<Frame>, Option<FrameError>);

fn cut(stream: &[u8], mut piece: impl FnMut() -> usize) -> Cut {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
        rest = later;
        framer.push(now);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Ping | Frame::Pong)) => (),
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

#[test]
fn framing_does_not_depend_on_how_the_stream_was_cut() {
    let mut chance = Chance(0xf4a3);
    for _ in 0..1_000 {
        let stream: Vec<u8> = (0..3).flat_map(|_| damaged(&mut chance)).collect();
        let whole = cut(&stream, || usize::MAX);
        assert_eq!(cut(&stream, || 1), whole, "{}", stream.escape_ascii());
        assert_eq!(cut(&stream, || chance.below(40)), whole, "{}", stream.escape_ascii());
    }
}
