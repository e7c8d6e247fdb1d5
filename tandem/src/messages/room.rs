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
    /// The sums: a mailbox may hold as many messages as there are.
    used: BTreeMap<Arc<str>, Used>,
}

impl Index {
    /// Counts a message of this size; one that is counted already grows to it.
    pub(super) fn put(&mut self, id: &MessageId, mailbox: &str, bytes: u64) {
        self.remove(id);
        let known = self.used.get_key_value(mailbox).map(|(name, _)| Arc::clone(name));
        let mailbox = known.unwrap_or_else(|| mailbox.into());
        self.used.entry(Arc::clone(&mailbox)).or_default().gain(bytes);
        self.messages.insert(id.clone(), (mailbox, bytes));
    }

    /// Counts it no more.
    pub(super) fn remove(&mut self, id: &MessageId) {
        if let Some((mailbox, counted)) = self.messages.remove(id) {
            self.used.entry(mailbox).or_default().lose(counted);
        }
    }

    /// Counts only those that this wants.
    pub(super) fn retain(&mut self, wanted: impl Fn(&MessageId) -> bool) {
        self.messages.retain(|id, _| wanted(id));
        self.used.clear();
        for (mailbox, bytes) in self.messages.values() {
            self.used.entry(Arc::clone(mailbox)).or_default().gain(*bytes);
        }
    }

    /// What each mailbox holds.
    pub(super) fn used(&self) -> BTreeMap<Arc<str>, Used> {
        let holds = |(name, used): (&Arc<str>, &Used)| (used.messages > 0).then(|| (Arc::clone(name), *used));
        self.used.iter().filter_map(holds).collect()
    }
}

impl Used {
    const fn gain(&mut self, bytes: u64) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    const fn lose(&mut self, bytes: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
