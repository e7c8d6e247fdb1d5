//! Who sends from an address: the peers of one plan by the addresses of their paths and by their networks.

use crate::networks::Network;
use crate::path::Path;
use crate::target::PeerId;
use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

/// An index, made anew whenever the plan or an address changes.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    by_address: BTreeMap<SocketAddr, PeerId>,
    by_ip: BTreeMap<IpAddr, PeerId>,
    by_network: BTreeMap<Network, PeerId>,
    /// The lengths of the networks, the longest first: so many look-ups at most.
    prefixes: BTreeSet<core::cmp::Reverse<u8>>,
}

impl Senders {
    /// Takes the paths of all peers in the order of the plan, and the plan's networks. What two peers share is the
    /// first one's.
    #[must_use]
    pub fn new<'a>(
        paths: impl Iterator<Item = (PeerId, &'a [Path])>,
        networks: &BTreeMap<Network, PeerId>,
    ) -> Self {
        let prefixes = networks.keys().map(|network| core::cmp::Reverse(network.prefix())).collect();
        let mut senders = Self { by_network: networks.clone(), prefixes, ..Self::default() };
        for (peer, paths) in paths {
            for path in paths {
                senders.by_address.entry(path.remote).or_insert(peer);
                senders.by_ip.entry(path.remote.ip()).or_insert(peer);
            }
        }
        senders
    }

    /// The peer that sends from this address: by address and port, by address whatever the port (a carrier's calls
    /// often come from another port than the one it listens on), by the smallest network around it.
    #[must_use]
    pub fn at(&self, from: SocketAddr) -> Option<PeerId> {
        let by_path = self.by_address.get(&from).or_else(|| self.by_ip.get(&from.ip()));
        let by_network = || {
            let around = |prefix: &core::cmp::Reverse<u8>| Network::around(from.ip(), prefix.0);
            self.prefixes.iter().find_map(|prefix| self.by_network.get(&around(prefix)))
        };
        by_path.or_else(by_network).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Transport;

    fn path(remote: &str) -> Path {
        Path { transport: Transport::Udp, local: 0, remote: remote.parse().unwrap() }
    }

    fn network(first: &str, prefix: u8) -> Network {
        Network::new(first.parse().unwrap(), prefix).unwrap()
    }

    #[test]
    fn a_sender_is_known_by_address_then_by_host_then_by_the_smallest_network() {
        let paths = [vec![path("192.0.2.1:5060"), path("192.0.2.1:5070")], vec![path("192.0.2.1:5080")]];
        let networks = BTreeMap::from([
            (network("198.51.0.0", 16), PeerId(2)),
            (network("198.51.100.0", 24), PeerId(3)),
            (network("2001:db8::", 32), PeerId(4)),
            (network("192.0.2.0", 24), PeerId(5)),
        ]);
        let by_peer = paths.iter().zip(0..).map(|(paths, id)| (PeerId(id), paths.as_slice()));
        let senders = Senders::new(by_peer, &networks);
        let at = |from: &str| senders.at(from.parse().unwrap()).map(|peer| peer.0);
        assert_eq!(at("192.0.2.1:5070"), Some(0));
        assert_eq!(at("192.0.2.1:5080"), Some(1));
        assert_eq!(at("192.0.2.1:40000"), Some(0), "the first of the plan");
        assert_eq!(at("192.0.2.2:5060"), Some(5));
        assert_eq!(at("198.51.100.9:5060"), Some(3));
        assert_eq!(at("198.51.99.9:5060"), Some(2));
        assert_eq!(at("[2001:db8:7::1]:5060"), Some(4));
        assert_eq!(at("203.0.113.1:5060"), None);
        assert_eq!(at("[2001:db9::1]:5060"), None);
    }
}
