//! What makes a step go on before it has rung to its end.

use super::steps::Item;
use crate::config::words;
use core::time::Duration;
use router::plan::Member;
use router::target::{PeerId, Reach, TargetKind};
use router::{Health, Plan};

/// The patience with every peer that these steps use, in words; peers with the same patience share a line.
pub(super) fn words_for(plan: &Plan, items: &[Item<'_>]) -> String {
    let unknown = Health::new(0);
    let roads = crate::imagined::roads(plan);
    let mut lines: Vec<(Patience, Vec<&str>)> = Vec::new();
    for id in peers(plan, items) {
        let Some(peer) = plan.peer(id) else { continue };
        let usual = roads.of(id).first().map_or(Duration::ZERO, |path| unknown.first(*path));
        let patience = Patience {
            first: peer.first.unwrap_or(usual),
            measured: peer.first.is_none(),
            progress: peer.progress,
        };
        match lines.iter_mut().find(|(known, _)| *known == patience) {
            Some((_, names)) => names.push(&peer.name),
            None => lines.push((patience, vec![&peer.name])),
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n  Times count from the arrival of the call, with every phone ringing to its end and nobody answering.\n  \
         A step is over at once when all in it are busy, decline, fail or are known to be down; a way is given\n  \
         up after\n",
    );
    for (patience, names) in &lines {
        text += &format!("    {}  by {}\n", patience.words(), names.join(", "));
    }
    if lines.iter().any(|(patience, _)| patience.measured) {
        text += "    * as long as its round trip is not known; then 1 to 4 s by that\n";
    }
    text
}

/// How long a peer is waited for before it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Patience {
    first: Duration,
    /// `first` follows the round trip once that is known.
    measured: bool,
    progress: Duration,
}

impl Patience {
    fn words(self) -> String {
        let measured = if self.measured { "*" } else { "" };
        format!("{}{measured} without a word, {} without ringing", words(self.first), words(self.progress))
    }
}

/// All peers of these steps, and those that their redirections may lead to.
pub(super) fn peers_and_followed(plan: &Plan, items: &[Item<'_>]) -> Vec<PeerId> {
    let mut found = peers(plan, items);
    let followed: Vec<PeerId> =
        found.iter().filter_map(|id| plan.peer(*id)).flat_map(|peer| peer.follow.clone()).collect();
    for id in followed {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

/// All peers of these steps, each once, in order; but for agents of this process, with whom nobody has to be patient.
pub(super) fn peers(plan: &Plan, items: &[Item<'_>]) -> Vec<PeerId> {
    let mut found = Vec::new();
    for item in items {
        let Item::Step { step, .. } = item else { continue };
        for member in &step.members {
            let Member::Target(id) = member else { continue };
            let target = plan.target(*id).filter(|target| target.kind != TargetKind::Agent);
            let ids: Vec<PeerId> = match target.map(|target| &target.reach) {
                Some(Reach::Sip(peers)) => peers.clone(),
                Some(Reach::Number(_)) => {
                    plan.carriers.iter().flat_map(|carrier| carrier.trunks.clone()).collect()
                }
                None => Vec::new(),
            };
            for id in ids {
                if !found.contains(&id) {
                    found.push(id);
                }
            }
        }
    }
    found
}
