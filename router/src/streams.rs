//! What is too long for a datagram goes over a stream (RFC 3261 §18.1.1): who has been seen to take one, and who not.

use crate::path::Path;
use core::time::Duration;
use sip::Time;
use std::collections::BTreeMap;

/// The streams that were tried beside datagrams, by their paths.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    known: BTreeMap<Path, Word>,
    /// The streams that INVITEs of our agents went over, by the keys in our branches: what has no state here goes as they did.
    agents: BTreeMap<(u32, u32), Path>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Taken,
    Refused { until: Time },
}

/// A longer request does not go as a datagram to whoever takes streams (RFC 3261 §18.1.1): it would travel in pieces, and
/// many a firewall lets no pieces through.
pub const DATAGRAM_MAX: usize = 1_300;

/// How long nobody asks again whether there is a stream now.
pub const REFUSED: Duration = Duration::from_secs(600);

/// INVITEs of agents that are remembered: each is soon answered, and one that is forgotten is only tried once more.
const AGENTS_MAX: usize = 1_000;

/// Streams that are remembered: as many peers as a plan of an operator has, each with two addresses.
const KNOWN_MAX: usize = 2_000;

impl Streams {
    /// Is it worth trying this one with a call: was it not refused of late?
    #[must_use]
    pub fn is_worth_trying(&self, stream: Path, now: Time) -> bool {
        match self.known.get(&stream) {
            Some(Word::Refused { until }) => *until <= now,
            Some(Word::Taken) | None => true,
        }
    }

    /// Has this one been seen to work?
    #[must_use]
    pub fn is_taken(&self, stream: Path) -> bool {
        self.known.get(&stream) == Some(&Word::Taken)
    }

    /// An answer came to what was sent there.
    pub fn on_taken(&mut self, stream: Path) {
        self.learn(stream, Word::Taken);
    }

    /// Nobody took it, or nobody answered.
    pub fn on_refused(&mut self, stream: Path, now: Time) {
        self.learn(stream, Word::Refused { until: now + REFUSED });
    }

    /// The stream that the INVITE of an agent with this key went over.
    #[must_use]
    pub fn of_agent(&self, key: (u32, u32)) -> Option<Path> {
        self.agents.get(&key).copied()
    }

    /// The INVITE of an agent with this key leaves by this path, for the first time or once more. What is sent once more as a datagram
    /// was answered by nobody on its stream.
    pub fn on_agent(&mut self, key: (u32, u32), path: Path, now: Time) {
        match self.of_agent(key) {
            Some(stream) if stream != path => {
                self.agents.remove(&key);
                self.on_refused(stream, now);
            }
            None if path.transport.is_reliable() => {
                if self.agents.len() >= AGENTS_MAX {
                    self.agents.pop_first();
                }
                self.agents.insert(key, path);
            }
            Some(_) | None => {}
        }
    }

    /// An answer came to a request of an agent with this key.
    pub fn on_agent_heard(&mut self, key: (u32, u32)) {
        self.of_agent(key).into_iter().for_each(|stream| self.on_taken(stream));
    }

    /// A stream is lost, perhaps one of these: what it took before goes as datagrams again.
    pub fn on_lost(&mut self, stream: Path, now: Time) {
        let is_tried = || self.agents.values().any(|tried| *tried == stream);
        if self.is_taken(stream) || stream.transport.is_reliable() && is_tried() {
            self.on_refused(stream, now);
        }
    }

    /// The plan has changed, and its peers may have with it.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// Among too many one gives way: all that it costs is another try.
    fn learn(&mut self, stream: Path, word: Word) {
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&stream) {
            self.known.pop_first();
        }
        self.known.insert(stream, word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Transport;

    fn stream(port: u16) -> Path {
        Path { transport: Transport::Tcp, local: 1, remote: ([192, 0, 2, 1], port).into() }
    }

    #[test]
    fn a_refused_stream_is_tried_again_after_ten_minutes_and_a_taken_one_always() {
        let mut streams = Streams::default();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert!(streams.is_worth_trying(stream(1), at(0)) && !streams.is_taken(stream(1)));
        streams.on_refused(stream(1), at(0));
        assert!(!streams.is_worth_trying(stream(1), at(599)) && streams.is_worth_trying(stream(1), at(600)));
        streams.on_taken(stream(1));
        assert!(streams.is_worth_trying(stream(1), at(1)) && streams.is_taken(stream(1)));
        streams.on_lost(stream(2), at(1));
        assert!(streams.is_worth_trying(stream(2), at(1)), "none of these");
        streams.on_lost(stream(1), at(1));
        assert!(!streams.is_taken(stream(1)) && !streams.is_worth_trying(stream(1), at(600)));
        streams.forget();
        assert!(!streams.is_taken(stream(1)));
    }

    #[test]
    fn what_an_agent_sends_once_more_as_a_datagram_was_not_taken_by_its_stream() {
        let (mut streams, now) = (Streams::default(), Time::ZERO);
        let datagrams = Path { transport: Transport::Udp, ..stream(1) };
        streams.on_agent((1, 1), datagrams, now);
        assert_eq!(streams.of_agent((1, 1)), None);
        streams.on_agent((1, 1), stream(1), now);
        assert_eq!(streams.of_agent((1, 1)), Some(stream(1)));
        streams.on_agent_heard((2, 2));
        streams.on_agent((1, 1), datagrams, now);
        assert!(streams.of_agent((1, 1)).is_none() && !streams.is_worth_trying(stream(1), now));
        streams.on_agent((3, 3), stream(2), now);
        streams.on_agent_heard((3, 3));
        assert!(streams.is_taken(stream(2)));
        streams.on_agent((4, 4), stream(3), now);
        streams.on_lost(stream(3), now);
        assert!(!streams.is_worth_trying(stream(3), now));
        (0..2_000).for_each(|key| streams.on_agent((9, key), stream(4), now));
        assert_eq!(streams.agents.len(), AGENTS_MAX);
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut streams = Streams::default();
        for port in 0..3_000 {
            streams.on_taken(stream(port));
        }
        assert_eq!(streams.known.len(), KNOWN_MAX);
        assert!(streams.is_taken(stream(2_999)) && !streams.is_taken(stream(0)));
    }
}
