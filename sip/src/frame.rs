//! Framing of a byte stream (TCP, TLS) into messages, RFC 3261 §18.3.

use crate::message::Bytes;

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
    /// A single CRLF: the answer to our keep-alive.
    Pong,
}

/// Cuts a stream into messages. Holds at most one message more than was taken out.
#[derive(Clone, Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    looked: usize,
}

impl Framer {
    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let _ = self.looked;
    }

    /// Takes the next frame; `Ok(None)` if more bytes are needed.
    ///
    /// # Errors
    /// The stream has lost its framing; close the connection. If the headers of a request could be read they
    /// are in [`rest`](Self::rest), so that it can be answered 400 first.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        todo!()
    }

    /// What is in the buffer now.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }
}
