//! How much is kept already: what a mailbox asks before it answers a call.

use super::id::MessageId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a mailbox holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Messages, those that are being left included.
    pub messages: u32,
    /// Bytes of their sound.
    pub bytes: u64,
}

/// What all mailboxes hold, and what is left of the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes that are free on the disk.
    pub free: u64,
    /// By the mailbox's name; one that holds nothing is not there.
    pub used: BTreeMap<Arc<str>, Used>,
}

/// Every message that counts, with its mailbox and the bytes of its sound.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    messages: BTreeMap<MessageId, (Arc<str>, u64)>,
}

impl Index {
    /// Counts a message of this size; one that is counted already grows to it.
    pub(super) fn put(&mut self, id: &MessageId, mailbox: &str, bytes: u64) {
        match self.messages.get_mut(id) {
            Some((_, counted)) => *counted = bytes,
            None => _ = self.messages.insert(id.clone(), (mailbox.into(), bytes)),
        }
    }

    /// Counts only those that this wants.
    pub(super) fn retain(&mut self, wanted: impl Fn(&MessageId) -> bool) {
        self.messages.retain(|id, _| wanted(id));
    }

    /// What each mailbox holds.
    pub(super) fn used(&self) -> BTreeMap<Arc<str>, Used> {
        let mut used: BTreeMap<Arc<str>, Used> = BTreeMap::new();
        for (mailbox, bytes) in self.messages.values() {
            let sum = used.entry(Arc::clone(mailbox)).or_default();
            sum.messages = sum.messages.saturating_add(1);
            sum.bytes = sum.bytes.saturating_add(*bytes);
        }
        used
    }
}
