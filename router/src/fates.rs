//! What dies together: peers that share a failure domain, and the trunks of one carrier.

use crate::plan::Plan;
use crate::target::{Peer, PeerId};
use std::collections::BTreeMap;

/// The failure domains of one plan that have more than one member.
#[derive(Clone, Debug, Default)]
pub struct Fates {
    members: Vec<Vec<PeerId>>,
    by_peer: BTreeMap<PeerId, Vec<usize>>,
}

/// What a domain is known by: a carrier is one without a word in the plan file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Domain<'a> {
    Carrier(u32),
    Named(&'a str),
}

impl Fates {
    /// Works out who shares what.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut domains: BTreeMap<Domain<'_>, Vec<PeerId>> = BTreeMap::new();
        for (id, peer) in (0..).map(PeerId).zip(&plan.peers) {
            for domain in domains_of(peer) {
                domains.entry(domain).or_default().push(id);
            }
        }
        let mut fates = Self::default();
        for members in domains.into_values().filter(|members| members.len() > 1) {
            for member in &members {
                fates.by_peer.entry(*member).or_default().push(fates.members.len());
            }
            fates.members.push(members);
        }
        fates
    }

    /// The members of every domain that a peer is in, itself among them, in the order of the plan.
    pub fn of(&self, peer: PeerId) -> impl Iterator<Item = &[PeerId]> {
        self.domains(peer).iter().filter_map(|domain| self.members.get(*domain)).map(Vec::as_slice)
    }

    /// Does what kills the one kill the other? Whatever a peer dies of it shares with itself.
    #[must_use]
    pub fn share(&self, one: PeerId, other: PeerId) -> bool {
        one == other || self.domains(one).iter().any(|domain| self.domains(other).contains(domain))
    }

    fn domains(&self, peer: PeerId) -> &[usize] {
        self.by_peer.get(&peer).map_or(&[], Vec::as_slice)
    }
}

fn domains_of(peer: &Peer) -> impl Iterator<Item = Domain<'_>> {
    let carrier = peer.carrier().map(|carrier| Domain::Carrier(carrier.0));
    carrier.into_iter().chain(peer.domains.iter().map(|name| Domain::Named(name)))
}
