//! Where the names of a call's peers lead by the DNS now: transports, addresses, in which order and with which shares.

use super::rows::address;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::names;
use core::time::Duration;
use router::locate::{Place, Spot};
use router::name::NameState;
use router::names::{Names, Output};
use router::path::Listener;
use router::roads;
use router::target::PeerId;
use std::collections::BTreeSet;

/// What the DNS says of these peers, as far as it says anything within [`PATIENCE`]; nothing for peers at addresses.
pub(super) fn words_for(loaded: &Loaded, peers: &[PeerId]) -> String {
    let place = |id: &PeerId| Some((*id, roads::place(loaded.plan.peer(*id)?)?));
    let named: Vec<(PeerId, Place)> = peers.iter().filter_map(place).collect();
    if named.is_empty() {
        return String::new();
    }
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = built else { return String::new() };
    let places = named.iter().map(|(_, place)| place.clone()).collect();
    let found = runtime.block_on(look_up(loaded, &places, PATIENCE));
    let mut seen = BTreeSet::new();
    let mut text = "  By the DNS now:\n".to_owned();
    for (id, place) in named.into_iter().filter(|(_, place)| seen.insert(place.clone())) {
        let state = found.states().find(|(other, ..)| **other == place).map(|(_, state, _)| state);
        let name = address(&loaded.plan, id).unwrap_or_default();
        let leads = state.map_or_else(String::new, |state| leads(found.spots(&place), state));
        text += &format!("    {name} {leads}\n");
    }
    text
}

/// What the DNS says of these places, as far as it says anything in this time. To be called inside a runtime.
pub(crate) async fn look_up(loaded: &Loaded, places: &BTreeSet<Place>, patience: Duration) -> Names {
    let listener = |listen: &crate::config::Listen| Listener {
        transport: listen.transport,
        address: listen.address,
        advertise: (String::new(), 0),
    };
    let listeners: Vec<Listener> = loaded.node.listen.iter().map(listener).collect();
    let (clock, mut found, mut said) = (Clock::start(), Names::new(), Vec::new());
    let mut dns = names::Names::new(loaded.node.dns.clone());
    let until = clock.now() + patience;
    found.want(places, &listeners, clock.now());
    found.on_deadline(clock.now(), &mut said);
    loop {
        for output in said.drain(..) {
            match output {
                Output::Ask(query) => dns.ask(query),
                // What they lead to is read in the end.
                Output::Changed { .. } | Output::Moved | Output::Settled(_) => {}
            }
        }
        let asking = found.states().any(|(_, state, _)| state == NameState::Asking);
        if !asking || clock.now() >= until {
            return found;
        }
        let next = found.deadline().map_or(until, |due| due.min(until));
        tokio::select! {
            (query, answer) = dns.next() => found.on_answer(&query, &answer, clock.now(), &mut said),
            () = clock.until(Some(next)) => found.on_deadline(clock.now(), &mut said),
        }
    }
}

/// `leads to udp 192.0.2.1:5060 (60 %) or 192.0.2.2:5060 (40 %), then 192.0.2.3:5060`.
fn leads(spots: &[Spot], state: NameState) -> String {
    let groups: Vec<String> =
        spots.chunk_by(|one, next| one.priority == next.priority).map(in_one_priority).collect();
    match (spots.first(), state) {
        (Some(first), _) => format!("leads to {} {}", first.transport.in_uri(), groups.join(", then ")),
        (None, NameState::Asking | NameState::Silent) => {
            format!("is not known: the DNS has not answered within {} s", PATIENCE.as_secs())
        }
        (None, NameState::Missing) => "leads nowhere: the DNS knows no address of it".into(),
        (None, NameState::Resolved) => {
            "leads nowhere: this node listens by nothing that is spoken there".into()
        }
    }
}

/// Of the targets of one priority one is drawn by weight; its addresses stand together.
fn in_one_priority(spots: &[Spot]) -> String {
    let targets: Vec<&[Spot]> = spots.chunk_by(|one, next| one.target == next.target).collect();
    let weight = |target: &[Spot]| target.first().map_or(0, |spot| u32::from(spot.weight));
    let sum: u32 = targets.iter().map(|target| weight(target)).sum();
    let words = |target: &&[Spot]| {
        let addresses: Vec<String> = target.iter().map(|spot| spot.address.to_string()).collect();
        let share = match (targets.len(), sum) {
            (1, _) | (_, 0) => String::new(),
            (_, sum) => format!(" ({} %)", weight(target) * 100 / sum),
        };
        format!("{}{share}", addresses.join(", "))
    };
    targets.iter().map(words).collect::<Vec<_>>().join(" or ")
}

/// Long enough for a server that is lost once.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;
    use router::Transport;

    #[test]
    fn priorities_come_one_after_the_other_and_weights_are_shares() {
        let spot = |last: u8, priority, weight, target| Spot {
            transport: Transport::Udp,
            address: ([192, 0, 2, last], 5060).into(),
            priority,
            weight,
            target,
        };
        let spots = [spot(1, 10, 60, 0), spot(2, 10, 60, 0), spot(3, 10, 20, 1), spot(4, 20, 0, 2)];
        assert_eq!(
            leads(&spots, NameState::Resolved),
            "leads to udp 192.0.2.1:5060, 192.0.2.2:5060 (75 %) or 192.0.2.3:5060 (25 %), then 192.0.2.4:5060"
        );
        assert_eq!(leads(&[], NameState::Silent), "is not known: the DNS has not answered within 4 s");
    }
}
