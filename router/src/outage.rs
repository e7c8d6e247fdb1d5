//! What can fail by itself: a carrier with all its trunks, a site or a service with all its addresses, a failure domain with all that is
//! in it.

use crate::plan::Plan;
use crate::target::{PeerId, Reach, TargetKind};
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something that can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// Its name in the plan file.
    pub name: Arc<str>,
    /// Who answers nothing then.
    pub peers: BTreeSet<PeerId>,
}

/// What such a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A carrier.
    Carrier,
    /// A site.
    Site,
    /// A service that is reached by SIP: one that is reached by phone number fails with its carriers.
    Service,
    /// What several share.
    Domain,
}

impl Kind {
    /// As the plan file has it: `carrier`, `site`, `service`, `domain`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Site => "site",
            Self::Service => "service",
            Self::Domain => "domain",
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind.as_str(), self.name)
    }
}

impl Plan {
    /// Everything that can fail by itself, in the order of the file; domains last, by name.
    #[must_use]
    pub fn things(&self) -> Vec<Thing> {
        let carriers = self.carriers.iter().map(|carrier| Thing {
            kind: Kind::Carrier,
            name: Arc::clone(&carrier.name),
            peers: carrier.trunks.iter().copied().collect(),
        });
        let targets = self.targets.iter().filter_map(|target| {
            let Reach::Sip(peers) = &target.reach else { return None };
            let kind = match target.kind {
                TargetKind::Site => Kind::Site,
                TargetKind::Service => Kind::Service,
                // A person's phone is somebody's, and this process does not outlive itself.
                TargetKind::Person | TargetKind::Agent | TargetKind::Word => return None,
            };
            Some(Thing { kind, name: Arc::clone(&target.name), peers: peers.iter().copied().collect() })
        });
        let mut domains: BTreeMap<&Arc<str>, BTreeSet<PeerId>> = BTreeMap::new();
        for (id, peer) in (0..).map(PeerId).zip(&self.peers) {
            for domain in &peer.domains {
                domains.entry(domain).or_default().insert(id);
            }
        }
        let domains = domains.into_iter().map(|(name, peers)| Thing {
            kind: Kind::Domain,
            name: Arc::clone(name),
            peers,
        });
        carriers.chain(targets).chain(domains).collect()
    }
}
