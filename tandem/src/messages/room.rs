//! How much is kept already: what a mailbox asks before it answers a call.

use super::heard::Standing;
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
    /// Those that nobody has heard yet.
    pub new: u32,
    /// Those that somebody has.
    pub heard: u32,
}

/// What all mailboxes hold, and what is left of the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes that are free on the disk.
    pub free: u64,
    /// By the mailbox's name; one that holds nothing is not there.
    pub used: BTreeMap<Arc<str>, Used>,
}

/// Every message that counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    messages: BTreeMap<MessageId, Entry>,
    /// The sums: a mailbox may hold as many messages as there are.
    used: BTreeMap<Arc<str>, Used>,
}

#[derive(Clone, Debug)]
struct Entry {
    mailbox: Arc<str>,
    bytes: u64,
    standing: Standing,
}

impl Index {
    /// Counts a message of this size that nobody can hear yet; one that is counted already grows to it.
    pub(super) fn put(&mut self, id: &MessageId, mailbox: &str, bytes: u64) {
        self.remove(id);
        let known = self.used.get_key_value(mailbox).map(|(name, _)| Arc::clone(name));
        let mailbox = known.unwrap_or_else(|| mailbox.into());
        let entry = Entry { mailbox, bytes, standing: Standing::Silent };
        self.used.entry(Arc::clone(&entry.mailbox)).or_default().gain(&entry);
        self.messages.insert(id.clone(), entry);
    }

    /// Is it counted?
    pub(super) fn has(&self, id: &MessageId) -> bool {
        self.messages.contains_key(id)
    }

    /// Counts a message as this from now on.
    pub(super) fn stand(&mut self, id: &MessageId, standing: Standing) {
        if let Some(entry) = self.messages.get_mut(id) {
            let used = self.used.entry(Arc::clone(&entry.mailbox)).or_default();
            used.lose(entry);
            entry.standing = standing;
            used.gain(entry);
        }
    }

    /// Somebody has heard a message, or nobody any more; one without sound stays what it is.
    pub(super) fn hear(&mut self, id: &MessageId, is_heard: bool) {
        let standing = self.messages.get(id).map(|entry| entry.standing);
        if standing.is_some_and(|standing| standing != Standing::Silent) {
            self.stand(id, if is_heard { Standing::Heard } else { Standing::New });
        }
    }

    /// Looks who of them was heard.
    pub(super) fn look(&mut self, is_heard: impl Fn(&MessageId) -> bool) {
        let all: Vec<MessageId> = self.messages.keys().cloned().collect();
        all.into_iter().for_each(|id| self.hear(&id, is_heard(&id)));
    }

    /// Counts it no more.
    pub(super) fn remove(&mut self, id: &MessageId) {
        if let Some(entry) = self.messages.remove(id) {
            self.used.entry(Arc::clone(&entry.mailbox)).or_default().lose(&entry);
        }
    }

    /// Counts only those that this wants.
    pub(super) fn retain(&mut self, wanted: impl Fn(&MessageId) -> bool) {
        self.messages.retain(|id, _| wanted(id));
        self.used.clear();
        for entry in self.messages.values() {
            self.used.entry(Arc::clone(&entry.mailbox)).or_default().gain(entry);
        }
    }

    /// What there is to be heard in a mailbox, the newest first; no more than this of each standing.
    pub(super) fn list(&self, mailbox: &str) -> Vec<(MessageId, Standing)> {
        let mine = self.messages.iter().rev().filter(|(_, entry)| &*entry.mailbox == mailbox);
        let mut left = (LISTED_MAX, LISTED_MAX);
        let listed = mine.filter(|(_, entry)| {
            let left = match entry.standing {
                Standing::Silent => return false,
                Standing::New => &mut left.0,
                Standing::Heard => &mut left.1,
            };
            let is_listed = *left > 0;
            *left = left.saturating_sub(1);
            is_listed
        });
        listed.map(|(id, entry)| (id.clone(), entry.standing)).collect()
    }

    /// What each mailbox holds.
    pub(super) fn used(&self) -> BTreeMap<Arc<str>, Used> {
        let holds = |(name, used): (&Arc<str>, &Used)| (used.messages > 0).then(|| (Arc::clone(name), *used));
        self.used.iter().filter_map(holds).collect()
    }
}

/// Messages of each standing that are listed: nobody hears more of them by phone in one call.
const LISTED_MAX: usize = 100;

impl Used {
    const fn gain(&mut self, entry: &Entry) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(entry.bytes);
        match entry.standing {
            Standing::Silent => {}
            Standing::New => self.new = self.new.saturating_add(1),
            Standing::Heard => self.heard = self.heard.saturating_add(1),
        }
    }

    const fn lose(&mut self, entry: &Entry) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        match entry.standing {
            Standing::Silent => {}
            Standing::New => self.new = self.new.saturating_sub(1),
            Standing::Heard => self.heard = self.heard.saturating_sub(1),
        }
    }
}
