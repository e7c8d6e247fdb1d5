//! Changes to a message as edits over its bytes: everything untouched leaves byte for byte as it came.

use crate::message::{Bytes, Message, Span};
use core::ops::Range;

/// A list of changes to one message. Spans are those of the message; they may be added in any order but must not
/// overlap. Several insertions at one place come out in the order they were added.
///
/// Once applied the list is empty and serves the next message, so that whoever forwards many of them does not ask for
/// the memory each time.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    list: Vec<Edit>,
    /// What is put in, of all edits.
    text: Vec<u8>,
    /// The message with its changes, until it is handed out.
    made: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Edit {
    span: Span,
    with: Range<usize>,
}

/// Room for the edits of most messages without a second allocation.
const EDITS_USUAL: usize = 8;

/// Room for what is put into most messages.
const TEXT_USUAL: usize = 512;

impl Edits {
    /// No change yet.
    #[must_use]
    pub fn new() -> Self {
        Self { list: Vec::with_capacity(EDITS_USUAL), text: Vec::new(), made: Vec::new() }
    }

    /// Forgets what a message that was never made has left behind.
    pub fn clear(&mut self) {
        self.list.clear();
        self.text.clear();
    }

    /// Puts what `write` pushes in place of a span.
    pub fn write(&mut self, span: Span, write: impl FnOnce(&mut Vec<u8>)) {
        if self.text.is_empty() {
            self.text.reserve(TEXT_USUAL);
        }
        let start = self.text.len();
        write(&mut self.text);
        self.list.push(Edit { span, with: start..self.text.len() });
    }

    /// Puts `with` in place of a span.
    pub fn replace(&mut self, span: Span, with: impl AsRef<[u8]>) {
        self.write(span, |text| text.extend_from_slice(with.as_ref()));
    }

    /// Puts `bytes` before the byte at `at`.
    pub fn insert(&mut self, at: u32, bytes: impl AsRef<[u8]>) {
        self.replace(Span { start: at, end: at }, bytes);
    }

    /// Takes a span out.
    pub fn remove(&mut self, span: Span) {
        self.list.push(Edit { span, with: 0..0 });
    }

    /// The message with all changes made. Bytes of the datagram before the start line and beyond the body are not
    /// copied.
    ///
    /// # Panics
    /// If two edits overlap or one is not within the message: a mistake of the caller, never of the input.
    #[must_use]
    pub fn apply(&mut self, message: &Message) -> Bytes {
        // An insertion stands before what is replaced at its place; the sort is stable.
        self.list.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let end = message.body.end;
        self.made.clear();
        self.made.reserve(message.bytes().len() + self.text.len());
        let mut at = message.begin();
        for Edit { span, with } in self.list.drain(..) {
            assert!(at <= span.start && span.start <= span.end && span.end <= end, "edits must not overlap");
            self.made.extend_from_slice(message.at(Span { start: at, end: span.start }));
            self.made.extend_from_slice(self.text.get(with).unwrap_or_default());
            at = span.end;
        }
        self.made.extend_from_slice(message.at(Span { start: at, end }));
        self.text.clear();
        self.made.as_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"\r\nBYE sip:a SIP/2.0\r\nA: 1\r\nl: 2\r\n\r\nxySURPLUS";

    fn message() -> Message {
        Message::parse(TEXT.into()).unwrap()
    }

    fn text(mut edits: Edits) -> String {
        String::from_utf8(edits.apply(&message()).to_vec()).unwrap()
    }

    #[test]
    fn without_edits_the_message_alone_is_copied() {
        assert_eq!(text(Edits::new()), "BYE sip:a SIP/2.0\r\nA: 1\r\nl: 2\r\n\r\nxy");
    }

    #[test]
    fn edits_take_effect_in_order_of_place_whatever_the_order_they_were_added_in() {
        let message = message();
        let line = message.fields()[0].line;
        let mut edits = Edits::new();
        edits.replace(message.body, "z");
        edits.remove(line);
        edits.insert(line.start, "B: 2\r\n");
        edits.insert(line.end, "D: 4\r\n");
        edits.insert(line.start, "C: 3\r\n");
        edits.replace(message.request_uri().unwrap(), "sip:b");
        assert_eq!(text(edits), "BYE sip:b SIP/2.0\r\nB: 2\r\nC: 3\r\nD: 4\r\nl: 2\r\n\r\nz");
    }

    #[test]
    fn nothing_of_one_message_gets_into_the_next() {
        let mut edits = Edits::new();
        edits.insert(message().fields()[0].line.start, "B: 2\r\n");
        let _ = edits.apply(&message());
        assert_eq!(text(edits.clone()), "BYE sip:a SIP/2.0\r\nA: 1\r\nl: 2\r\n\r\nxy");
        edits.insert(message().fields()[0].line.start, "C: 3\r\n");
        edits.clear();
        assert_eq!(text(edits), "BYE sip:a SIP/2.0\r\nA: 1\r\nl: 2\r\n\r\nxy");
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn edits_that_overlap_are_a_mistake_of_ours() {
        let line = message().fields()[0].line;
        let mut edits = Edits::new();
        edits.remove(line);
        edits.insert(line.start + 1, "x");
        let _ = edits.apply(&message());
    }
}
