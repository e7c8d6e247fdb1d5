//! `when` of a step: the facts that it asks for before anybody in it is rung.

use crate::health::Health;
use crate::hours::{Hours, Zone};
use crate::orders::Orders;
use crate::roads::Roads;
use crate::target::PeerId;
use std::sync::Arc;

/// What has to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// All of these are down, each by all of its paths: a carrier, a site or a service. Who says that he is away for a while is not.
    Down(Vec<PeerId>),
    /// Of these one is down and none is well: a failure domain.
    Failed(Vec<PeerId>),
    /// The clock is outside these hours.
    Closed(Hours),
    /// One of these overrides is in force; the name that holds for most comes last.
    Override(Vec<Arc<str>>),
    /// It is not so.
    Not(Box<Self>),
    /// All of these are so.
    All(Vec<Self>),
    /// One of these is so.
    Any(Vec<Self>),
}

/// What is known at the moment that is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) health: &'a Health,
    pub(crate) roads: &'a Roads,
    pub(crate) zone: &'a Zone,
    pub(crate) orders: &'a Orders,
    pub(crate) unix: i64,
}

impl When {
    /// Is it so?
    pub(crate) fn holds(&self, facts: Facts<'_>) -> bool {
        match self {
            Self::Down(peers) => !peers.is_empty() && peers.iter().all(|peer| facts.is_down(*peer)),
            Self::Failed(peers) => {
                peers.iter().any(|peer| facts.is_down(*peer))
                    && !peers.iter().any(|peer| facts.is_well(*peer))
            }
            Self::Closed(hours) => !hours.open_at(facts.zone, facts.unix),
            Self::Override(names) => names.iter().any(|name| facts.orders.overrides.contains(name)),
            Self::Not(inner) => !inner.holds(facts),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
        }
    }

    /// Whoever it asks about.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        match self {
            Self::Down(peers) | Self::Failed(peers) => peers.clone(),
            Self::Closed(_) | Self::Override(_) => Vec::new(),
            Self::Not(inner) => inner.peers(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::peers).collect(),
        }
    }

    /// Every set of hours that it asks about.
    #[must_use]
    pub fn hours(&self) -> Vec<&Hours> {
        match self {
            Self::Closed(hours) => vec![hours],
            Self::Down(_) | Self::Failed(_) | Self::Override(_) => Vec::new(),
            Self::Not(inner) => inner.hours(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::hours).collect(),
        }
    }

    /// Every override that it asks about: the names of which one has to be in force, the one that holds for most last.
    #[must_use]
    pub fn overrides(&self) -> Vec<&[Arc<str>]> {
        match self {
            Self::Override(names) => vec![names],
            Self::Down(_) | Self::Failed(_) | Self::Closed(_) => Vec::new(),
            Self::Not(inner) => inner.overrides(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::overrides).collect(),
        }
    }
}

impl Facts<'_> {
    fn is_down(self, peer: PeerId) -> bool {
        self.health.is_down_by(self.roads.of(peer))
    }

    fn is_well(self, peer: PeerId) -> bool {
        self.health.is_well_by(self.roads.of(peer))
    }
}
