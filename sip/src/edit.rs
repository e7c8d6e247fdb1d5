//! Changes to a message as edits over its bytes: everything untouched leaves byte for byte as it came.

use crate::message::{Bytes, Message, Span};

/// A list of changes to one message. Spans are those of the message; they may be added in any order but must not
/// overlap. Several insertions at one place come out in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    list: Vec<(Span, Vec<u8>)>,
}

impl Edits {
    /// No change yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `with` in place of a span.
    pub fn replace(&mut self, span: Span, with: impl Into<Vec<u8>>) {
        self.list.push((span, with.into()));
    }

    /// Puts `bytes` before the byte at `at`.
    pub fn insert(&mut self, at: u32, bytes: impl Into<Vec<u8>>) {
        self.replace(Span { start: at, end: at }, bytes);
    }

    /// Takes a span out.
    pub fn remove(&mut self, span: Span) {
        self.replace(span, Vec::new());
    }

    /// The message with all changes made. Bytes of the datagram beyond the body are not copied.
    #[must_use]
    pub fn apply(self, message: &Message) -> Bytes {
        todo!("{message:?}")
    }
}
