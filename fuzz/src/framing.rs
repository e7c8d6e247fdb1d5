//! Framing of a stream: however it is cut into pieces, the same messages come out.

use sip::frame::{Frame, FrameError, Framer};
use sip::{Bytes, Message, check};

/// Takes bytes as a list of piece lengths (how many, then one byte each) and the stream.
///
/// # Panics
/// If a way of cutting changes what is framed, or a frame is not what [`Message::parse`] takes for one message.
pub fn run(bytes: &[u8]) {
    let (&count, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (cuts, stream) = rest.split_at(usize::from(count).min(rest.len()));
    let whole = frames(&[stream]);
    let mut pieces = Vec::new();
    let mut left = stream;
    for cut in cuts {
        let (piece, after) = left.split_at(usize::from(*cut).min(left.len()));
        pieces.push(piece);
        left = after;
    }
    pieces.push(left);
    assert_eq!(frames(&pieces), whole, "cut at {cuts:?}");
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(frames(&single), whole, "byte by byte");
    for seen in whole {
        if let Seen::Message(bytes) = seen {
            is_one_message(bytes, stream);
        }
    }
}

/// A frame. A ping is two pongs, for it may come in two halves.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Message(Bytes),
    Crlf,
    Broken(FrameError),
}

fn frames(pieces: &[&[u8]]) -> Vec<Seen> {
    let mut framer = Framer::new();
    let mut seen = Vec::new();
    for piece in pieces.iter().chain([&LAST]) {
        framer.push(piece);
        loop {
            let before = framer.rest().len();
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => seen.push(Seen::Message(bytes)),
                Ok(Some(Frame::Pong)) => seen.push(Seen::Crlf),
                Ok(Some(Frame::Ping)) => seen.extend([Seen::Crlf, Seen::Crlf]),
                Ok(None) => break,
                Err(error) => {
                    seen.push(Seen::Broken(error));
                    return seen;
                }
            }
            assert!(framer.rest().len() < before, "a frame takes bytes from the stream");
        }
        assert!(framer.rest().len() <= Message::BYTES_MAX, "the framer holds one message at most");
    }
    seen
}

/// Whether a CR that ends the stream would have begun a ping is not for this test to say.
const LAST: &[u8] = b"-";

fn is_one_message(bytes: Bytes, stream: &[u8]) {
    assert!(bytes.len() <= Message::BYTES_MAX, "a message within bounds");
    assert!(
        [stream, LAST].concat().windows(bytes.len()).any(|window| window == &*bytes),
        "a piece of the stream"
    );
    let Ok(message) = Message::parse(bytes) else { return };
    if check(&message).is_ok() {
        assert!(message.bytes().ends_with(message.body()), "it ends where its body does");
        assert!(message.bytes().len() > message.body().len(), "it has a header");
    }
}
