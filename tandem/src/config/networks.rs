//! `networks = ["192.0.2.0/24", "2001:db8::/48"]`: where a peer calls from, beside the addresses of its name.

use crate::codes::Code;
use crate::config::draft::Draft;
use crate::config::reader::{Problems, Table, quoted, shown, texts};
use crate::config::settings::{NETWORKS_MAX, PREFIX_MIN_V4, PREFIX_MIN_V6};
use crate::diagnostic::{Diagnostic, Span};
use core::net::IpAddr;
use router::networks::Network;
use router::target::PeerId;

/// Networks with their places.
pub(super) type Networks = Vec<(Network, Span)>;

/// Reads the `networks` of a carrier, site or service.
pub(super) fn networks(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Networks {
    let Some(value) = keys.take("networks") else { return Vec::new() };
    let wanted = "a network such as \"192.0.2.0/24\"";
    let mut found = Vec::new();
    for (written, span) in texts("networks", wanted, NETWORKS_MAX, value, problems) {
        match network(written, &span) {
            Ok(network) => found.push((network, span)),
            Err(problem) => problems.add(problem),
        }
    }
    found
}

/// Gives networks to the peer whose calls come from there. What another has is refused.
pub(super) fn give(
    networks: &Networks,
    peer: Option<PeerId>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    let Some(peer) = peer else { return };
    for (network, span) in networks {
        if let Some(first) = draft.networks.get(network) {
            let problem = Diagnostic::new(Code::E102, format!("the network `{network}` is listed twice"));
            let problem = problem.at(span.clone(), "the second time").at(first.clone(), "the first time");
            problems
                .add(problem.help("calls from there are of one carrier, site or service: leave it there"));
            continue;
        }
        draft.networks.insert(*network, span.clone());
        draft.plan.networks.insert(*network, peer);
    }
}

fn network(written: &str, span: &Span) -> Result<Network, Diagnostic> {
    let problem = |label: &str| {
        let title = format!("`{}` is no network that calls can come from", shown(written));
        Diagnostic::new(Code::E025, title).at(span.clone(), label)
    };
    let (address, prefix) = match written.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (written, None),
    };
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let Ok(address) = bare.parse::<IpAddr>() else {
        let help = "write the first address and the length: `192.0.2.0/24`, `2001:db8::/48`; \
                    names are resolved where they stand as `sip`";
        return Err(problem("no address").help(help));
    };
    let (widest, all) = if address.is_ipv4() { (PREFIX_MIN_V4, 32) } else { (PREFIX_MIN_V6, 128) };
    let plain = |prefix: &&str| prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = prefix.map_or(Some(all), |prefix| Some(prefix).filter(plain)?.parse().ok());
    let Some(prefix) = prefix.filter(|prefix| *prefix <= all) else {
        return Err(problem(&format!("its length is a number from {widest} to {all}")));
    };
    if prefix < widest {
        let help = format!("the widest is /{widest}: more than any carrier has would let strangers in");
        return Err(problem("too wide").help(help));
    }
    if address.is_multicast() || address.is_unspecified() {
        return Err(problem("nobody calls from there"));
    }
    Network::new(address, prefix).ok_or_else(|| {
        let meant = quoted(&Network::around(address, prefix).to_string());
        problem("begins at an address inside of it").fix("write", span.clone(), meant)
    })
}
