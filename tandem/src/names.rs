//! Host names of the plan, resolved in the background: never in a call's path.

use core::net::IpAddr;
use core::time::Duration;
use router::Plan;
use router::target::PeerHost;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The task that resolves, and its mailbox.
#[derive(Debug)]
pub struct Names {
    wanted: watch::Sender<Vec<Arc<str>>>,
    found: mpsc::Receiver<Found>,
}

/// What is known of a name now: told after its first look-up, and whenever its addresses have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name as it stands in the plan.
    pub host: Arc<str>,
    /// Its addresses in the resolver's order, at most [`ADDRESSES_MAX`]; empty if the first look-up failed.
    pub addresses: Vec<IpAddr>,
}

/// The host names that a plan's peers have, each once, in order.
#[must_use]
pub fn hosts(plan: &Plan) -> Vec<Arc<str>> {
    let name = |host: &PeerHost| match host {
        PeerHost::Name(name) => Some(name.clone()),
        PeerHost::Ip(_) => None,
    };
    let hosts: BTreeSet<Arc<str>> = plan.peers.iter().filter_map(|peer| name(&peer.host)).collect();
    hosts.into_iter().collect()
}

impl Names {
    /// Resolves these now and every [`PAUSE`]. To be called inside the runtime.
    #[must_use]
    pub fn start(hosts: Vec<Arc<str>>) -> Self {
        let (wanted, wants) = watch::channel(hosts);
        let (sender, found) = mpsc::channel(FOUND_MAX);
        tokio::spawn(resolve_for_ever(wants, sender));
        Self { wanted, found }
    }

    /// Resolves these from now on, new ones at once; what was found of the others is kept.
    pub fn want(&self, hosts: Vec<Arc<str>>) {
        self.wanted.send_replace(hosts);
    }

    /// The next thing that became known. May be cancelled.
    pub async fn next(&mut self) -> Found {
        match self.found.recv().await {
            Some(found) => found,
            // The task ends only with the runtime.
            None => core::future::pending().await,
        }
    }
}

/// Between two rounds of look-ups. The resolver of the machine caches for as long as the records say.
pub const PAUSE: Duration = Duration::from_secs(30);

/// Addresses kept of one name; a provider with more has them behind an anycast or a load balancer.
pub const ADDRESSES_MAX: usize = 16;

const LOOKUPS_MAX: usize = 8; // At once; each holds a thread for as long as the machine's resolver waits.
const FOUND_MAX: usize = 64; // Results that wait for the loop; the look-ups wait with them.

/// What this task has learned of a name.
#[derive(Debug, Default)]
struct Known {
    addresses: Vec<IpAddr>,
    told: bool,
    failing: bool,
}

async fn resolve_for_ever(mut wants: watch::Receiver<Vec<Arc<str>>>, found: mpsc::Sender<Found>) {
    let mut known = BTreeMap::new();
    loop {
        let hosts = wants.borrow_and_update().clone();
        known.retain(|host, _| hosts.contains(host));
        let round = async {
            resolve_all(&hosts, &mut known, &found).await;
            tokio::time::sleep(PAUSE).await;
        };
        tokio::select! {
            () = round => (),
            changed = wants.changed() => if changed.is_err() {
                return;
            }
        }
    }
}

async fn resolve_all(hosts: &[Arc<str>], known: &mut BTreeMap<Arc<str>, Known>, found: &mpsc::Sender<Found>) {
    let mut lookups = JoinSet::new();
    let mut waiting = hosts.iter().cloned();
    loop {
        while lookups.len() < LOOKUPS_MAX {
            let Some(host) = waiting.next() else { break };
            lookups.spawn(look_up(host));
        }
        let Some(looked_up) = lookups.join_next().await else { return };
        // A look-up that panicked has told nothing.
        let Ok((host, result)) = looked_up else { continue };
        let news = known.entry(host.clone()).or_default().learn(&host, result);
        if let Some(addresses) = news
            && found.send(Found { host, addresses }).await.is_err()
        {
            return;
        }
    }
}

async fn look_up(host: Arc<str>) -> (Arc<str>, io::Result<Vec<IpAddr>>) {
    let result = tokio::net::lookup_host((&*host, 0)).await.map(|all| {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in all.map(|address| address.ip()) {
            if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    });
    (host, result)
}

impl Known {
    /// What is to be told, if anything. A resolver that turns its answers round tells nothing new by that.
    fn learn(&mut self, host: &str, result: io::Result<Vec<IpAddr>>) -> Option<Vec<IpAddr>> {
        let first = !core::mem::replace(&mut self.told, true);
        let addresses = match result {
            Ok(addresses) if !addresses.is_empty() => addresses,
            failed => {
                self.complain(host, failed.err());
                return first.then(Vec::new);
            }
        };
        if core::mem::take(&mut self.failing) {
            tracing::info!(host, "the name is resolved again");
        }
        let set = |addresses: &[IpAddr]| addresses.iter().copied().collect::<BTreeSet<_>>();
        if set(&addresses) == set(&self.addresses) {
            return None;
        }
        self.addresses.clone_from(&addresses);
        Some(addresses)
    }

    fn complain(&mut self, host: &str, error: Option<io::Error>) {
        if core::mem::replace(&mut self.failing, true) {
            return;
        }
        let error = error.map_or_else(|| "it has no address".to_owned(), |error| error.to_string());
        let kept = self.addresses.len();
        tracing::warn!(host, kept, "cannot resolve the name, trying again every 30 s: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(known: &mut Known, addresses: Option<&[u8]>) -> Option<Vec<u8>> {
        let address = |last: &u8| IpAddr::from([192, 0, 2, *last]);
        let last = |address: &IpAddr| match address {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(_) => 0,
        };
        let result = addresses.ok_or_else(|| io::Error::other("no resolver"));
        let told = known.learn("pbx.example", result.map(|all| all.iter().map(address).collect()));
        told.map(|all| all.iter().map(last).collect())
    }

    #[test]
    fn the_first_result_and_each_change_are_told_and_failures_keep_the_last_good_set() {
        let mut known = Known::default();
        let said = [
            learn(&mut known, Some(&[1, 2])),
            learn(&mut known, Some(&[2, 1])),
            learn(&mut known, None),
            learn(&mut known, Some(&[])),
            learn(&mut known, Some(&[1, 2])),
            learn(&mut known, Some(&[1, 3])),
        ];
        assert_eq!(said, [Some(vec![1, 2]), None, None, None, None, Some(vec![1, 3])]);
    }

    #[test]
    fn a_first_failure_is_told_once_as_an_empty_set() {
        let mut known = Known::default();
        let said = [learn(&mut known, None), learn(&mut known, None), learn(&mut known, Some(&[7]))];
        assert_eq!(said, [Some(vec![]), None, Some(vec![7])]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_address_as_a_name_is_itself() {
        let mut names = Names::start(vec!["127.0.0.1".into()]);
        let found = names.next().await;
        assert_eq!(found, Found { host: "127.0.0.1".into(), addresses: vec![IpAddr::from([127, 0, 0, 1])] });
        names.want(vec!["::1".into()]);
        let found = names.next().await;
        assert_eq!(found.addresses, [IpAddr::V6(core::net::Ipv6Addr::LOCALHOST)]);
    }
}
