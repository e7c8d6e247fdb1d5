//! Which paths lead to a peer now: its addresses, seen from our listeners.

use crate::path::{Listener, Path, listener_for};
use crate::plan::Plan;
use crate::senders::Senders;
use crate::target::{Peer, PeerHost, PeerId, Probe};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The addresses of host names, as they were last resolved.
pub type Names = BTreeMap<Arc<str>, Vec<IpAddr>>;

/// The paths of every peer of one plan, made anew whenever the plan or an address changes.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    by_peer: Vec<Vec<Path>>,
    senders: Senders,
}

/// Addresses of one name that are used; more are cut off. A pool of 16 gateways behind one name is large.
pub const ADDRESSES_MAX: usize = 16;

impl Roads {
    /// Works out all paths.
    #[must_use]
    pub fn new(plan: &Plan, listeners: &[Listener], names: &Names) -> Self {
        let by_peer: Vec<_> = plan.peers.iter().map(|peer| paths(peer, listeners, names)).collect();
        let all = (0..).map(PeerId).zip(by_peer.iter().map(Vec::as_slice));
        let senders = Senders::new(all, &plan.networks);
        Self { by_peer, senders }
    }

    /// The paths of one peer, in order of preference; empty while its name is not resolved, or if no listener of ours
    /// speaks its transport and address family.
    #[must_use]
    pub fn of(&self, peer: PeerId) -> &[Path] {
        self.by_peer.get(peer.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Every path with how it is probed: what health has to watch. A path that two peers share is probed as the
    /// first of them says.
    #[must_use]
    pub fn watched(&self, plan: &Plan) -> Vec<(Path, Option<Probe>)> {
        let mut watched = BTreeMap::new();
        for (peer, paths) in plan.peers.iter().zip(&self.by_peer) {
            for path in paths {
                watched.entry(*path).or_insert(peer.probe);
            }
        }
        watched.into_iter().collect()
    }

    /// The names of the peers that use a path.
    #[must_use]
    pub fn users(&self, plan: &Plan, path: Path) -> Vec<Arc<str>> {
        let users = plan.peers.iter().zip(&self.by_peer).filter(|(_, paths)| paths.contains(&path));
        users.map(|(peer, _)| Arc::clone(&peer.name)).collect()
    }

    /// The peer that sends from this address; `None` for a stranger.
    #[must_use]
    pub fn sender(&self, from: SocketAddr) -> Option<PeerId> {
        self.senders.at(from)
    }
}

fn paths(peer: &Peer, listeners: &[Listener], names: &Names) -> Vec<Path> {
    let port = peer.port.unwrap_or(peer.transport.default_port());
    let addresses = match &peer.host {
        PeerHost::Ip(ip) => core::slice::from_ref(ip),
        PeerHost::Name(name) => names.get(name).map_or(&[][..], Vec::as_slice),
    };
    let reach = |ip: &IpAddr| {
        let local = listener_for(listeners, peer.transport, *ip)?;
        Some(Path { transport: peer.transport, local, remote: SocketAddr::new(*ip, port) })
    };
    addresses.iter().filter_map(reach).take(ADDRESSES_MAX).collect()
}
