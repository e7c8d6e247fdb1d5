//! Everybody whom the plan names: whether their names lead anywhere, whether they answer, who we are to them.

use super::options::{Heard, ask};
use super::{Finding, PATIENCE};
use crate::config::Loaded;
use crate::explain::dns::look_up;
use crate::net::outgoing_address;
use crate::tls::Tls;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use router::Transport;
use router::locate::{Place, Spot};
use router::name::NameState;
use router::names::Names;
use router::roads;
use router::target::{Peer, PeerHost, PeerKind};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The certificate that this node shows: its time, and whom it names.
pub(super) fn certificate(loaded: &Loaded, tls: &Tls, unix: i64) -> Option<Finding> {
    let names = tls.names()?;
    let days = (names.valid.1 - unix).div_euclid(86_400);
    let named = names.identities().join(", ");
    if days < DAYS_MIN {
        let told = format!("the certificate of this node ends in {days} days");
        return Some(Finding::wrong(
            "certificate",
            told,
            "renew it; the files are read again within a minute",
        ));
    }
    let host = loaded.node.advertise.as_ref().map(|advertise| advertise.host.as_str());
    Some(match host.filter(|host| !names.prove(host)) {
        Some(host) => Finding::wrong(
            "certificate",
            format!("it names {named}, and peers are told {host}"),
            "have one made for `advertise` of [node], or change that",
        ),
        None => Finding::fine("certificate", format!("it names {named}, and is good for {days} days")),
    })
}

/// All peers at once.
pub(super) async fn look(loaded: &Arc<Loaded>, tls: &Arc<Tls>) -> Vec<Finding> {
    let plan = &loaded.plan;
    let outside = || plan.peers.iter().filter(|peer| peer.kind != PeerKind::Agent);
    let places: BTreeSet<Place> = outside().filter_map(roads::place).collect();
    let found = look_up(loaded, &places, PATIENCE).await;
    let mut findings = names(&places, &found);
    let mut asking = JoinSet::new();
    for (nth, peer) in outside().enumerate() {
        let spots: Vec<Spot> = match roads::place(peer) {
            Some(place) => found.spots(&place).iter().take(SPOTS_MAX).copied().collect(),
            None => address(peer).into_iter().collect(),
        };
        for spot in spots {
            let (peer, tls) = (peer.clone(), Arc::clone(tls));
            asking.spawn(async move { (nth, spot, ask(&peer, spot, &tls).await) });
        }
    }
    let mut heard = asking.join_all().await;
    heard.sort_by_key(|(nth, spot, _)| (*nth, spot.priority, spot.address));
    for (nth, peer) in outside().enumerate() {
        let of_it: Vec<_> =
            heard.iter().filter(|(of, ..)| *of == nth).map(|(_, spot, heard)| (*spot, heard)).collect();
        findings.extend(standing(peer, &of_it));
    }
    let spots: Vec<(Spot, &Result<Heard, String>)> =
        heard.iter().map(|(_, spot, heard)| (*spot, heard)).collect();
    findings.extend(beyond(loaded, &spots));
    findings
}

/// Which names lead nowhere, or how many lead somewhere.
fn names(places: &BTreeSet<Place>, found: &Names) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut addresses = 0;
    for place in places {
        let spots = found.spots(place).len();
        addresses += spots;
        if spots > 0 {
            continue;
        }
        let state = found.states().find(|(other, ..)| *other == place).map(|(_, state, _)| state);
        let (told, fix) = match state {
            Some(NameState::Missing) => {
                ("the DNS knows no address of it", "correct it in the plan or in the DNS")
            }
            Some(NameState::Resolved) => {
                ("this node listens by nothing that is spoken there", "change `listen` in [node]")
            }
            Some(NameState::Asking | NameState::Silent) | None => {
                ("the DNS has not answered", "look at /etc/resolv.conf, or set `dns` in [node]")
            }
        };
        findings.push(Finding::wrong(format!("name {}", place.host), told, fix));
    }
    if findings.is_empty() && !places.is_empty() {
        let names = crate::cli::check::count(places.len(), "name");
        let told = format!(
            "{names} of the plan: {}",
            crate::cli::check::count(addresses, "address").replace("addresss", "addresses")
        );
        findings.push(Finding::fine("names", told));
    }
    findings
}

/// How one peer answers, by all of its addresses.
fn standing(peer: &Peer, heard: &[(Spot, &Result<Heard, String>)]) -> Option<Finding> {
    let what = format!("{} {}", kind(peer), peer.name);
    let shown = |spot: &Spot| format!("{} {}", spot.transport.in_uri(), spot.address);
    let (mut good, mut bad, mut changed) = (Vec::new(), Vec::new(), None);
    for (spot, heard) in heard {
        match heard {
            Ok(heard) => {
                changed = changed.or(heard.changed);
                good.push(format!(
                    "{} answers {} after {} ms",
                    shown(spot),
                    heard.status,
                    heard.after.as_millis()
                ));
            }
            Err(why) => bad.push(format!("{}: {why}", shown(spot))),
        }
    }
    if let Some(field) = changed {
        let told =
            format!("{}; our {field} came back changed: something on the way rewrites SIP", good.join(", "));
        return Some(Finding::wrong(what, told, "switch off SIP ALG (SIP helper) in the router or firewall"));
    }
    let fix = || {
        format!(
            "is it running, and does its firewall let {} in? `probe = \"off\"` if it answers no OPTIONS",
            "this machine"
        )
    };
    Some(match (good.is_empty(), bad.is_empty()) {
        // Its name is told of above.
        (true, true) => return None,
        (false, true) => Finding::fine(what, good.join(", ")),
        (false, false) => Finding::look(what, format!("{}; {}", good.join(", "), bad.join(", ")), fix()),
        (true, false) if peer.probe.is_none() => {
            Finding::look(what, format!("{}; it is not probed", bad.join(", ")), "call it once")
        }
        (true, false) => Finding::wrong(what, bad.join(", "), fix()),
    })
}

/// Are peers beyond a NAT told an address that leads to nobody there?
fn beyond(loaded: &Loaded, heard: &[(Spot, &Result<Heard, String>)]) -> Option<Finding> {
    let outside = heard.iter().find(|(spot, _)| is_public(spot.address.ip()))?;
    let seen = heard.iter().filter_map(|(_, heard)| heard.as_ref().ok()?.seen_from).find(|ip| is_public(*ip));
    let told = match &loaded.node.advertise {
        Some(advertise) => advertise.host.parse().ok()?,
        None => outgoing_address(Ipv4Addr::UNSPECIFIED.into()).ok()?,
    };
    if is_public(told) && seen.is_none_or(|seen| seen == told) {
        return None;
    }
    let better = seen.map_or_else(|| "the public address".to_owned(), |seen| seen.to_string());
    Some(Finding::look(
        "nat",
        format!(
            "peers are told {told}, and {} is elsewhere: their requests may not come back",
            outside.0.address
        ),
        format!("advertise = \"{better}\" in [node], and its ports let in"),
    ))
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b); // RFC 6598.
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || is_shared)
        }
        IpAddr::V6(ip) => {
            let is_local = ip.segments()[0] & 0xfe00 == 0xfc00 || ip.segments()[0] & 0xffc0 == 0xfe80;
            !(ip.is_loopback() || ip.is_unspecified() || is_local)
        }
    }
}

fn address(peer: &Peer) -> Option<Spot> {
    let PeerHost::Ip(ip) = peer.host else { return None };
    let transport = peer.transport.unwrap_or(Transport::Udp);
    let address = SocketAddr::new(ip, peer.port.unwrap_or(transport.default_port()));
    Some(Spot { transport, address, priority: 0, weight: 0, target: 0 })
}

const fn kind(peer: &Peer) -> &'static str {
    match peer.kind {
        PeerKind::Trunk(_) => "carrier",
        PeerKind::Site => "site",
        PeerKind::Service => "service",
        PeerKind::Agent => "mailbox",
    }
}

const SPOTS_MAX: usize = 4; // Of one name; the others are its spares.
const DAYS_MIN: i64 = 14; // Whoever renews by himself has done so by then.
