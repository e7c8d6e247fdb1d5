//! Paths for a plan that is only thought about.

use core::net::{IpAddr, Ipv4Addr};
use router::Plan;
use router::names::Names;
use router::path::Listener;
use router::roads::Roads;
use router::target::PeerHost;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A path to every peer: names are not looked up here, each gets an address of its own that means nothing.
pub(crate) fn roads(plan: &Plan) -> Roads {
    let mut addresses = BTreeMap::new();
    // The peers alone lead anywhere: a million numbers need not be there twice.
    let mut plan = Plan { peers: plan.peers.clone(), networks: plan.networks.clone(), ..Plan::default() };
    for peer in &mut plan.peers {
        if let PeerHost::Name(name) = &peer.host {
            let next = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
            let address = IpAddr::V4(Ipv4Addr::from_bits(FIRST_ADDRESS.saturating_add(next)));
            peer.host = PeerHost::Ip(*addresses.entry(Arc::clone(name)).or_insert(address));
        }
    }
    Roads::new(&plan, &Listener::everywhere(), &Names::new())
}

const FIRST_ADDRESS: u32 = 0xf000_0001; // 240.0.0.1: reserved, so that no written address is the same.
