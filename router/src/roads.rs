//! Which paths lead to a peer now: its addresses, seen from our listeners.

use crate::path::{Listener, Path, listener_for};
use crate::plan::Plan;
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
}

/// Addresses of one name that are used; more are cut off. A pool of 16 gateways behind one name is large.
pub const ADDRESSES_MAX: usize = 16;

impl Roads {
    /// Works out all paths.
    #[must_use]
    pub fn new(plan: &Plan, listeners: &[Listener], names: &Names) -> Self {
        Self { by_peer: plan.peers.iter().map(|peer| paths(peer, listeners, names)).collect() }
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

    /// The name of the peer that sends from this address, whatever its port: a carrier's calls often come from
    /// another port than the one it listens on.
    #[must_use]
    pub fn sender(&self, plan: &Plan, from: SocketAddr) -> Option<Arc<str>> {
        let here = |paths: &Vec<Path>| paths.iter().any(|path| path.remote.ip() == from.ip());
        let exact = |paths: &Vec<Path>| paths.iter().any(|path| path.remote == from);
        let mut peers = plan.peers.iter().zip(&self.by_peer);
        let found =
            peers.clone().find(|(_, paths)| exact(paths)).or_else(|| peers.find(|(_, paths)| here(paths)));
        found.map(|(peer, _)| Arc::clone(&peer.name))
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
