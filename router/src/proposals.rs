//! Networks that call the plan's numbers and stand nowhere in it: counted, and whose they may be.

use crate::networks::Network;
use crate::plan::Plan;
use crate::roads::Roads;
use crate::target::{Peer, PeerHost, PeerKind};
use core::net::IpAddr;
use core::time::Duration;
use sip::{Host, Message, Name, NameAddr, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often each network has called.
#[derive(Debug, Default)]
pub struct Proposals {
    networks: BTreeMap<Network, Seen>,
    /// Each one that is told moves it on by [`PAUSE`].
    spent_until: Time,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    calls: u64,
    /// It is told again with that many calls.
    next: u64,
    last: Time,
}

/// What makes a carrier the likely owner of a network: a guess, and told as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue {
    /// The call names its domain in From, To, Contact or Via.
    Domain,
    /// One of its known addresses is near: it shares a /16, or of IPv6 a /32.
    Near,
    /// There is no other.
    OnlyOne,
}

/// Networks that are counted at once. At the bound the one with the fewest calls goes, of several the one that has not
/// called for longest: forged addresses call once each.
pub const NETWORKS_MAX: usize = 1_024;

/// So many are told in a row: more are read by nobody.
const BURST: u32 = 10;

/// After so long one more is told.
const PAUSE: Duration = Duration::from_secs(60);

impl Proposals {
    /// Counts a call from there to a listed number: how many there were, and whether that is worth telling somebody:
    /// the first, the tenth, the hundredth, as long as that are not too many.
    pub fn on_call(&mut self, from: IpAddr, now: Time) -> (u64, bool) {
        let network = Network::of_carrier(from);
        if !self.networks.contains_key(&network) && self.networks.len() >= NETWORKS_MAX {
            let least = self.networks.iter().min_by_key(|(_, seen)| (seen.calls, seen.last));
            if let Some(least) = least.map(|(network, _)| *network) {
                self.networks.remove(&least);
            }
        }
        let seen = self.networks.entry(network).or_insert(Seen { calls: 0, next: 1, last: now });
        seen.calls += 1;
        seen.last = now;
        let spent = self.spent_until.max(now) + PAUSE;
        let is_told = seen.calls >= seen.next && spent <= now + PAUSE * BURST;
        if is_told {
            self.spent_until = spent;
            seen.next = seen.calls.saturating_mul(10);
        }
        (seen.calls, is_told)
    }
}

/// The carrier whose call this may be, and why.
#[must_use]
pub fn guess(plan: &Plan, roads: &Roads, request: &Message, from: IpAddr) -> Option<(Arc<str>, Clue)> {
    let domains = domains(request);
    let by_domain = || {
        trunks(plan).find(|(_, peer)| match &peer.host {
            PeerHost::Name(host) => domains.contains(&domain(host.as_bytes())),
            PeerHost::Ip(_) => false,
        })
    };
    let near = Network::around(from, if from.is_ipv4() { 16 } else { 32 });
    let is_near = |at: usize| {
        let id = crate::target::PeerId(u32::try_from(at).unwrap_or(u32::MAX));
        roads.of(id).iter().any(|path| near.contains(path.remote.ip()))
    };
    let by_address = || trunks(plan).find(|(at, _)| is_near(*at));
    let only = || trunks(plan).next().filter(|_| plan.carriers.len() == 1);
    let found = by_domain().map(|found| (found, Clue::Domain));
    let found = found.or_else(|| Some((by_address()?, Clue::Near)));
    let ((_, peer), clue) = found.or_else(|| Some((only()?, Clue::OnlyOne)))?;
    Some((Arc::clone(&plan.carriers.get(peer.carrier()?.0 as usize)?.name), clue))
}

fn trunks(plan: &Plan) -> impl Iterator<Item = (usize, &Peer)> {
    plan.peers.iter().enumerate().filter(|(_, peer)| matches!(peer.kind, PeerKind::Trunk(_)))
}

/// The domains of the host names in a call.
fn domains(request: &Message) -> Vec<Vec<u8>> {
    let contact = request.elements(Name::Contact).next().and_then(|span| NameAddr::parse(request.at(span)));
    let uris = [request.from(), request.to(), contact].into_iter().flatten();
    let hosts = uris.filter_map(|part| Some(part.sip_uri()?.host));
    let hosts = hosts.chain(request.top_via().map(|via| via.host));
    let names = hosts.filter_map(|host| match host {
        Host::Name(name) => Some(domain(name)),
        Host::Ip(_) => None,
    });
    names.collect()
}

/// What of a host name its owner has registered, roughly, in small letters: two labels, or three under such as `co.uk`.
fn domain(host: &[u8]) -> Vec<u8> {
    let host = host.to_ascii_lowercase();
    let labels: Vec<&[u8]> = host.split(|byte| *byte == b'.').filter(|label| !label.is_empty()).collect();
    let is_shared = |label: &[u8]| label.len() <= SHARED_LABEL_MAX;
    let count = match labels.as_slice() {
        [.., second, _] if is_shared(second) => 3,
        _ => 2,
    };
    labels.get(labels.len().saturating_sub(count)..).unwrap_or_default().join(&b'.')
}

/// `co`, `com`, `net`, `org`, `gov` below a country.
const SHARED_LABEL_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_network_is_told_with_its_first_call_its_tenth_and_its_hundredth() {
        let mut proposals = Proposals::default();
        let mut told = Vec::new();
        for n in 0..1000_u32 {
            // Any address of the network counts.
            let from = ip(&format!("198.51.100.{}", n % 250));
            let (calls, is_told) = proposals.on_call(from, at(0));
            told.extend(is_told.then_some(calls));
        }
        assert_eq!(told, [1, 10, 100, 1000]);
        assert_eq!(proposals.on_call(ip("2001:db8::1"), at(0)), (1, true));
        assert_eq!(proposals.on_call(ip("2001:db8:0:9::1"), at(0)), (2, false));
    }

    #[test]
    fn a_flood_of_forged_networks_is_told_ten_times_and_pushes_no_true_one_out() {
        let mut proposals = Proposals::default();
        for _ in 0..2 {
            proposals.on_call(ip("198.51.100.1"), at(0));
        }
        let mut told = 0;
        for n in 0..5_000_u32 {
            let from = IpAddr::V4(core::net::Ipv4Addr::from_bits(0x0a00_0000 + (n << 8)));
            told += usize::from(proposals.on_call(from, at(1)).1);
            assert!(proposals.networks.len() <= NETWORKS_MAX);
        }
        assert_eq!(told, 9, "the first call was the first of ten");
        assert_eq!(proposals.on_call(ip("198.51.100.1"), at(2)), (3, false));
        assert_eq!(proposals.on_call(ip("203.0.113.1"), at(2)), (1, false), "too soon");
        assert_eq!(proposals.on_call(ip("203.0.113.1"), at(62)), (2, true), "told late");
    }

    #[test]
    fn a_domain_is_two_labels_or_three_under_a_country() {
        let of = |host: &str| String::from_utf8(domain(host.as_bytes())).unwrap();
        assert_eq!(of("sbc1.iad.SIP.telnyx.example"), "telnyx.example");
        assert_eq!(of("sip.acme.co.uk."), "acme.co.uk");
        assert_eq!(of("pbx"), "pbx");
        assert_eq!(of(""), "");
    }
}
