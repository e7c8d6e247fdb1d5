//! What is known of the peers that ask for credentials.

use crate::chance::Chance;
use crate::target::Peer;
use sip::digest::{Asked, Challenge, Credentials};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The last challenge of each peer, and how often it was answered.
#[derive(Debug)]
pub struct Logins {
    chance: Chance,
    by_peer: BTreeMap<Arc<str>, Answered>,
}

#[derive(Debug)]
struct Answered {
    challenge: Challenge,
    count: u32,
}

impl Logins {
    /// Nobody has asked yet. The chance draws the client's nonces.
    #[must_use]
    pub const fn new(chance: Chance) -> Self {
        Self { chance, by_peer: BTreeMap::new() }
    }

    /// The header line that answers a challenge of this peer; empty if the plan has no credentials for it. A nonce that
    /// is answered again is counted (RFC 7616 §3.4, `nc`).
    pub fn answer(&mut self, peer: &Peer, challenge: Challenge, asked: Asked<'_>) -> Vec<u8> {
        let mut line = Vec::with_capacity(LINE_USUAL);
        let Some(login) = &peer.login else { return line };
        let known = self.by_peer.remove(&peer.name).filter(|known| known.challenge.is_of(&challenge));
        let count = known.map_or(1, |known| known.count.saturating_add(1));
        let who = Credentials { user: &login.user, password: &login.password };
        challenge.push_answer(&mut line, &who, asked, (count, self.chance.draw()));
        self.by_peer.insert(Arc::clone(&peer.name), Answered { challenge, count });
        line
    }
}

/// Most answers fit.
const LINE_USUAL: usize = 384;
