//! What the agents need of the plan file: their mailboxes and announcements, as plain values.

use crate::g711::RATE;
use crate::line::Clip;
use core::time::Duration;
use router::inside::{AgentId, SCREEN};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All of it. A name stands in it once; what is said was proven to be sound when the file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// What the business calls itself.
    pub business: Arc<str>,
    /// The mailboxes, by name.
    pub mailboxes: BTreeMap<Arc<str>, Arc<Mailbox>>,
    /// What is announced, by name.
    pub announcements: BTreeMap<Arc<str>, Clip>,
    /// Who is at which address inside.
    pub agents: BTreeMap<AgentId, Role>,
    /// Bytes of the disk that no message takes: the system and the store live there too.
    pub disk_floor: u64,
}

/// What an agent does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes messages for this mailbox.
    Mailbox(Arc<str>),
    /// It says what is announced under this name.
    Announcement(Arc<str>),
    /// It says that to a caller who is about to ring somebody else.
    Word(Arc<str>),
    /// It asks people to press 1.
    Screen,
}

/// One mailbox: how a message gets into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its name in the file.
    pub name: Arc<str>,
    /// What a caller hears before the tone; `None` for the one that is shipped. What its owner has recorded by phone comes first
    /// ([`Room::greeting`]).
    pub greeting: Option<Clip>,
    /// How long a message may be.
    pub longest: Duration,
    /// How much of it has to be speech: with less it is no message, but a call that was missed.
    pub shortest: Duration,
    /// A silence of this length ends it.
    pub silence: Duration,
    /// Messages that it holds.
    pub messages_max: u32,
    /// Bytes of sound that it holds.
    pub bytes_max: u64,
    /// What its owner's PIN is checked against: an argon2id hash, as a PHC string. `None`: nobody can log in.
    pub pin: Option<Arc<str>>,
    /// May nobody delete a message of it?
    pub hold: bool,
    /// Does the key 0 lead to somebody? To whom is the plan's to say.
    pub operator: bool,
    /// The phones that are told what waits in it without having asked: URIs for which the plan knows a way.
    pub lamps: Vec<Arc<str>>,
}

/// What a mailbox holds now, told by the edge for each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Messages in it.
    pub messages: u32,
    /// Bytes of their sound.
    pub bytes: u64,
    /// Those that nobody has heard yet.
    pub new: u32,
    /// Those that somebody has.
    pub heard: u32,
    /// Bytes that are free on its disk.
    pub disk_free: u64,
    /// What its owner has recorded as its greeting.
    pub greeting: Option<Clip>,
}

impl Default for Guide {
    fn default() -> Self {
        Self {
            business: Arc::default(),
            mailboxes: BTreeMap::new(),
            announcements: BTreeMap::new(),
            agents: BTreeMap::from([(SCREEN, Role::Screen)]),
            disk_floor: DISK_FLOOR,
        }
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            name: Arc::default(),
            greeting: None,
            longest: Duration::from_secs(180),
            shortest: Duration::from_secs(2),
            silence: Duration::from_secs(8),
            messages_max: MESSAGES_MAX,
            bytes_max: u64::from(MESSAGES_MAX) * 180 * u64::from(RATE),
            pin: None,
            hold: false,
            operator: false,
            lamps: Vec::new(),
        }
    }
}

/// Messages in a mailbox that nobody has set a number for: more is a box that nobody empties.
const MESSAGES_MAX: u32 = 100;

/// A disk is not filled up by callers: 256 MiB are left.
pub const DISK_FLOOR: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_of_which_nothing_is_said_holds_a_hundred_of_the_longest_messages() {
        let mailbox = Mailbox::default();
        let longest = mailbox.longest.as_secs() * u64::from(RATE);
        assert_eq!((longest, mailbox.bytes_max), (1_440_000, longest * u64::from(mailbox.messages_max)));
        assert_eq!((mailbox.greeting, mailbox.pin), (None, None));
    }
}
