//! Who we are is told to nobody but those who have asked for it and are meant to know it.

use super::upstream::Name;
use super::{Oracle, Turn, addresses_at};
use crate::glance::{Head, Verb};
use core::net::SocketAddr;
use router::logins::Word;
use router::record::Entry;
use sip::Time;

impl Oracle {
    /// Takes note of who has asked who we are, and of who will not have us.
    pub(super) fn note_accounts(&mut self, turn: &Turn<'_>) {
        let Some(life) = self.lives.get_mut(&turn.life) else { return };
        if let Some((from, _, came)) = turn.came()
            && matches!(came.status, 401 | 407)
        {
            life.askers.insert(from);
        }
        for entry in turn.records {
            if let Entry::Login { change, .. } = entry {
                let broken = change.word != Word::Through;
                life.logins.insert(change.peer.clone(), (broken, turn.now));
            }
        }
    }

    /// Of invariant 20: credentials stand in no message to somebody whom the plan has none for, or who has never asked; and
    /// in none that answers nothing: ACK and CANCEL.
    pub(super) fn inv_20_credentials(&mut self, turn: &Turn<'_>) {
        for (sent, glance) in turn.went() {
            let shown = glance.value(&sent.packet.bytes, Head::Credentials);
            if shown.is_empty() || !glance.is_request() {
                continue;
            }
            self.looked(20);
            let idle = matches!(glance.verb, Verb::Ack | Verb::Cancel);
            if idle || !self.is_asked(turn.life, sent.to, shown) {
                let (name, verb) = (Name(&sent.packet), glance.verb.name());
                self.broken(20, || format!("{name}: {verb} to {} says who we are", sent.to));
            }
        }
    }

    /// Has a peer at this address asked, and is it this account that the plan has for it?
    fn is_asked(&self, life: u32, to: SocketAddr, shown: &[u8]) -> bool {
        let Some(life) = self.lives.get(&life) else { return false };
        let peers = life.plans.iter().flat_map(|plan| plan.peers.iter());
        peers.filter_map(|peer| Some((peer, peer.login.as_ref()?))).any(|(peer, login)| {
            let addresses = addresses_at(peer, &self.homes);
            let user = format!("username=\"{}\"", login.user);
            addresses.contains(&to)
                && addresses.iter().any(|address| life.askers.contains(address))
                && shown.windows(user.len()).any(|part| part == user.as_bytes())
        })
    }

    /// Does one of these peers refuse our credentials, or did that change since then?
    pub(super) fn is_refused(&self, life: u32, mut peers: impl Iterator<Item = String>, since: Time) -> bool {
        let Some(life) = self.lives.get(&life) else { return false };
        peers.any(|peer| life.logins.get(&*peer).is_some_and(|(broken, at)| *broken || *at >= since))
    }
}
