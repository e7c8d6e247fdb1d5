//! Framing of a byte stream (TCP, TLS) into messages, RFC 3261 §18.3.

use crate::header::Name;
use crate::message::{Bytes, Message};
use crate::parse::{Lines, content_length, split_field};
use memchr::memchr;

/// Why a stream cannot be framed any further: the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Headers or body are over [`Message::BYTES_MAX`](crate::Message::BYTES_MAX).
    TooLong,
    /// No, or two different, or a malformed Content-Length: where the message ends is not certain.
    Ambiguous,
}

/// What the stream holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One whole message.
    Message(Bytes),
    /// CRLF CRLF: a keep-alive that wants one CRLF back (RFC 5626 §4.4.1).
    Ping,
    /// A single CRLF: the answer to our keep-alive, given out without waiting for what follows. So a `Ping` that
    /// arrives in two halves of one CRLF each is two of these.
    Pong,
}

/// Cuts a stream into messages. The caller takes frames until there is none before it pushes again; then at most
/// one message is held here.
#[derive(Clone, Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes at the front of `buffer` that were given out.
    taken: usize,
    progress: Progress,
}

/// How much of the next message is known, so that no byte is looked at twice.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// The headers have not ended; this many bytes were looked at.
    Headers { looked: usize },
    /// The headers have ended; the message has this many bytes.
    Body { whole: usize },
}

impl Default for Progress {
    fn default() -> Self {
        Self::Headers { looked: 0 }
    }
}

impl Framer {
    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes the next frame; `Ok(None)` if more bytes are needed.
    ///
    /// # Errors
    /// The stream has lost its framing; close the connection. If the headers of a request could be read they
    /// are in [`rest`](Self::rest), so that it can be answered 400 first.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            match self.progress {
                Progress::Headers { looked: 0 } if matches!(self.rest().first(), Some(b'\r' | b'\n')) => {
                    match self.empty_lines() {
                        Empty::Frame(frame) => return Ok(Some(frame)),
                        Empty::Skipped => (),
                        Empty::Unfinished => return Ok(None),
                    }
                }
                Progress::Headers { looked } => match self.headers_end(looked) {
                    Some(end) => self.progress = Progress::Body { whole: self.whole(end)? },
                    None if self.rest().len() > Message::BYTES_MAX => return Err(FrameError::TooLong),
                    None => {
                        self.progress = Progress::Headers { looked: self.rest().len() };
                        return Ok(None);
                    }
                },
                Progress::Body { whole } => {
                    let Some(message) = self.rest().get(..whole).map(Bytes::from) else { return Ok(None) };
                    self.take(whole);
                    return Ok(Some(Frame::Message(message)));
                }
            }
        }
    }

    /// What is in the buffer now.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        self.progress = Progress::default();
    }

    fn empty_lines(&mut self) -> Empty {
        let (count, found) = match self.rest() {
            [b'\r', b'\n', b'\r', b'\n', ..] => (4, Empty::Frame(Frame::Ping)),
            [b'\r'] | [b'\r', b'\n', b'\r'] => (0, Empty::Unfinished),
            [b'\r', b'\n', ..] => (2, Empty::Frame(Frame::Pong)),
            _ => (1, Empty::Skipped),
        };
        self.take(count);
        found
    }

    /// One past the empty line that ends the headers.
    fn headers_end(&self, looked: usize) -> Option<usize> {
        let bytes = self.rest();
        let mut at = looked;
        while let Some(offset) = bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
            let line_end = at + offset;
            let before = bytes.get(..line_end).unwrap_or_default();
            if before.ends_with(b"\n") || before.ends_with(b"\n\r") {
                return Some(line_end + 1);
            }
            at = line_end + 1;
        }
        None
    }

    /// The length of a message whose headers end at `headers_end`.
    fn whole(&self, headers_end: usize) -> Result<usize, FrameError> {
        let headers = self.rest().get(..headers_end).unwrap_or_default();
        let mut lines = Lines::of(headers);
        let _start_line = lines.next_line();
        let mut length = None;
        while let Some(line) = lines.next_field() {
            let Some((Name::ContentLength, start, end)) = split_field(headers, &line) else { continue };
            let stated = content_length(headers.get(start..end).unwrap_or_default());
            if stated.is_none() || length.is_some() && stated != length {
                return Err(FrameError::Ambiguous);
            }
            length = stated;
        }
        let whole = headers_end.saturating_add(length.ok_or(FrameError::Ambiguous)?);
        if whole > Message::BYTES_MAX { Err(FrameError::TooLong) } else { Ok(whole) }
    }
}

/// What stood before a start line.
enum Empty {
    Frame(Frame),
    /// One byte that means nothing.
    Skipped,
    /// The next byte decides.
    Unfinished,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(framer: &mut Framer) -> Result<Vec<Frame>, FrameError> {
        core::iter::from_fn(|| framer.next_frame().transpose()).collect()
    }

    fn frames_of(stream: &[u8]) -> Result<Vec<Frame>, FrameError> {
        let mut framer = Framer::new();
        framer.push(stream);
        frames(&mut framer)
    }

    fn message(text: &str) -> Frame {
        Frame::Message(text.as_bytes().into())
    }

    const ONE: &str = "OPTIONS sip:a SIP/2.0\r\nl : 2\r\n\r\n\r\n";
    const TWO: &str = "SIP/2.0 200 OK\nX: a\n b\nContent-Length:\n 1\nl: 01\n\nz";
    const THREE: &str = "ACK sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn every_split_of_the_stream_gives_the_same_messages() {
        let stream = format!("{ONE}\r\n{TWO}\r\n\r\n{THREE}{ONE}\n\n{TWO}");
        let expected = [ONE, TWO, THREE, ONE, TWO].map(message);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut framer = Framer::new();
                let mut found = Vec::new();
                for piece in [&stream[..first], &stream[first..second], &stream[second..]] {
                    framer.push(piece.as_bytes());
                    found.extend(frames(&mut framer).unwrap());
                }
                found.retain(|frame| matches!(frame, Frame::Message(_)));
                assert_eq!(found, expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn keep_alives_are_told_apart_and_a_pong_does_not_wait() {
        let mut framer = Framer::new();
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), Ok(vec![Frame::Pong]));
        framer.push(b"\r\n\r");
        assert_eq!(frames(&mut framer), Ok(vec![]));
        framer.push(b"\n\r\nACK");
        assert_eq!(frames(&mut framer), Ok(vec![Frame::Ping, Frame::Pong]));
        assert_eq!(framer.rest(), b"ACK");
    }

    #[test]
    fn an_uncertain_length_ends_the_stream_and_leaves_the_headers_readable() {
        let cases = ["", "l: 1\r\nl: 2\r\n", "l: -1\r\n", "l: 1, 1\r\n", "l:\r\n", "l: 1\r\nl: x\r\n"];
        for case in cases {
            let text = format!("BYE sip:a SIP/2.0\r\n{case}\r\n");
            let mut framer = Framer::new();
            framer.push(text.as_bytes());
            assert_eq!(framer.next_frame(), Err(FrameError::Ambiguous), "{case}");
            assert_eq!(framer.next_frame(), Err(FrameError::Ambiguous), "{case}");
            assert_eq!(framer.rest(), text.as_bytes());
        }
    }

    #[test]
    fn a_message_of_exactly_the_bound_passes_and_one_byte_more_does_not() {
        let head = "BYE sip:a SIP/2.0\r\nl: 65504\r\n\r\n";
        assert_eq!(head.len() + 65504, Message::BYTES_MAX);
        let text = head.to_owned() + &"x".repeat(65504);
        assert_eq!(frames_of(text.as_bytes()), Ok(vec![message(&text)]));
        assert_eq!(frames_of(head.replace("65504", "65505").as_bytes()), Err(FrameError::TooLong));
        assert_eq!(
            frames_of(b"BYE sip:a SIP/2.0\r\nl: 99999999999999999999999\r\n\r\n"),
            Err(FrameError::TooLong)
        );
        assert_eq!(frames_of(&[b'x'; Message::BYTES_MAX]), Ok(vec![]));
        assert_eq!(frames_of(&[b'x'; Message::BYTES_MAX + 1]), Err(FrameError::TooLong));
    }

    #[test]
    fn a_framed_message_is_what_the_parser_reads() {
        let Ok(Some(Frame::Message(bytes))) = ({
            let mut framer = Framer::new();
            framer.push(TWO.as_bytes());
            framer.next_frame()
        }) else {
            panic!("no message")
        };
        assert_eq!(Message::parse(bytes).unwrap().body(), b"z");
    }
}
