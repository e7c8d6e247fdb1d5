//! What of the ways of a call dies together.

use super::patience::peers;
use super::rows::and;
use super::steps::Item;
use router::Plan;
use router::target::{Peer, PeerKind, Target};
use std::collections::BTreeMap;

/// The failure domains that different ways of these steps have in common, a line each.
pub(super) fn shared(plan: &Plan, items: &[Item<'_>]) -> String {
    let mut domains: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for peer in peers(plan, items).into_iter().filter_map(|id| plan.peer(id)) {
        for domain in &peer.domains {
            let members = domains.entry(domain).or_default();
            let owner = owner(plan, peer);
            if !members.contains(&owner) {
                members.push(owner);
            }
        }
    }
    let shared = domains.into_iter().filter(|(_, members)| members.len() > 1);
    let line = |(domain, members): (&str, Vec<&str>)| {
        let members = and(&members);
        format!("  {members} share domain {domain}: after silence in it a way outside is tried first.\n")
    };
    shared.map(line).collect()
}

/// Whose peer it is: the carrier, or the site or service with all its addresses.
pub(super) fn owner<'a>(plan: &'a Plan, peer: &'a Peer) -> &'a str {
    match peer.kind {
        PeerKind::Trunk(carrier) => {
            plan.carriers.get(carrier.0 as usize).map_or("", |carrier| &*carrier.name)
        }
        PeerKind::Site | PeerKind::Service | PeerKind::Agent => {
            // Behind its name there may be which of its addresses it is.
            let own = |target: &&Target| {
                peer.name
                    .strip_prefix(&*target.name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            plan.targets.iter().find(own).map_or("", |target| &*target.name)
        }
    }
}
