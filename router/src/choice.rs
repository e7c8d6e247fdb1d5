//! Which way to a destination is tried next: by what is believed of it, of what it shares a failure domain with, of what
//! fell silent in this very call, and by how much it carries already.

use crate::health::{Health, Side, Standing};
use crate::path::Path;
use crate::plan::Plan;
use crate::position::{Party, Pass, Position};
use crate::record::Why;
use crate::roads::Roads;
use crate::target::{Peer, PeerId, Reach, TargetId};
use sip::Time;

/// One question: what is known, at one moment of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) at: &'a Position,
    pub(crate) health: &'a Health,
    pub(crate) roads: &'a Roads,
    pub(crate) now: Time,
}

/// How late a way is tried; the least is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Somebody has taken it out by hand, and the call is urgent: for the second pass, behind all others.
    drained: bool,
    /// Believed to be down, by more than its own word: for the second pass.
    down: bool,
    /// In a domain that has failed: for the second pass too.
    doomed: bool,
    /// A further call is more than it takes: for the second pass too.
    full: bool,
    /// Has asked to be left alone for a while: the last way to a destination, but no reason to leave it.
    away: bool,
    suspect: bool,
    /// Shares a domain with what fell silent in this call.
    shares: bool,
    standing: Standing,
}

impl Rank {
    /// Is there nothing that puts it off to the second pass?
    const fn is_well(self) -> bool {
        !self.drained && !self.down && !self.doomed && !self.full
    }
}

impl Choice<'_> {
    /// The best path to a destination that was not tried yet; among equals the first of the plan, then the
    /// first by the DNS. What is down, full, or in
    /// a domain that has failed comes only in the second pass.
    pub(crate) fn best(&self, target: TargetId, pass: Pass) -> Option<(PeerId, Path)> {
        let (rank, peer, path) = self.least(target)?;
        (pass == Pass::Second || rank.is_well()).then_some((peer, path))
    }

    /// Would its best way be taken now, if only it were not full?
    pub(crate) fn is_full(&self, target: TargetId) -> bool {
        self.least(target).is_some_and(|(rank, ..)| Rank { full: false, ..rank }.is_well() && rank.full)
    }

    /// Why a destination is not rung in the first pass.
    pub(crate) fn put_off(&self, target: TargetId) -> Why {
        let is_number = || self.plan.target(target).is_some_and(|it| matches!(it.reach, Reach::Number(_)));
        match self.least(target) {
            _ if self.is_drained(target) => Why::Drained,
            None if self.at.confined.is_some() && is_number() => Why::Confined,
            None => Why::NoWay,
            Some((rank, _, path)) if rank.down => Why::Down { since: self.health.down_since(path) },
            Some((rank, ..)) if rank.doomed => Why::Doomed,
            Some((rank, ..)) if rank.full => Why::Full,
            Some(_) => Why::NoRoom,
        }
    }

    /// May a way that somebody has named be taken in this pass, whatever its limits?
    pub(crate) fn is_open(&self, id: PeerId, path: Path, pass: Pass) -> bool {
        let shut = self.plan.orders.drain_somebody() && self.plan.orders.closed.contains(&id);
        let open = !shut || self.at.urgent.is_some() && pass == Pass::Second;
        open && (pass == Pass::Second || self.rank(id, path, (false, shut)).is_well())
    }

    /// Does it get no call because somebody has taken it out by hand, or all that leads there?
    pub(crate) fn is_drained(&self, target: TargetId) -> bool {
        let orders = &self.plan.orders;
        if !orders.drain_somebody() || self.at.urgent.is_some() {
            return false;
        }
        let mut ways = self.plan.ways(target).peekable();
        let is_shut = |id: PeerId| orders.closed.contains(&id);
        orders.drained.contains(&target) || ways.peek().is_some() && ways.all(is_shut)
    }

    fn least(&self, target: TargetId) -> Option<(Rank, PeerId, Path)> {
        let party = self.at.party(target);
        let mut best: Option<(Rank, PeerId, Path)> = None;
        let orders = &self.plan.orders;
        let drain = orders.drain_somebody();
        let mut weigh = |id: PeerId| {
            let drained = drain && (orders.drained.contains(&target) || orders.closed.contains(&id));
            if drained && self.at.urgent.is_none() {
                return;
            }
            let full = self.takes_no_more(target, id);
            for path in self.roads.drawn(id, self.at.draw).iter() {
                if party.is_some_and(|party| party.tried.contains(path)) {
                    continue;
                }
                let rank = self.rank(id, *path, (full, drained));
                if best.is_none_or(|(other, ..)| rank < other) {
                    best = Some((rank, id, *path));
                }
            }
        };
        match &self.plan.target(target)?.reach {
            Reach::Sip(peers) => {
                peers.iter().filter(|id| !self.is_barred(**id, party)).for_each(|id| weigh(*id));
            }
            Reach::Number(_) if self.at.confined.is_some() => {}
            Reach::Number(_) => {
                let trunks = self.plan.carriers.iter().flat_map(|carrier| &carrier.trunks);
                trunks.filter(|id| !self.is_barred(**id, party)).for_each(|id| weigh(*id));
            }
        }
        best
    }

    fn rank(&self, id: PeerId, path: Path, (full, drained): (bool, bool)) -> Rank {
        let standing = self.health.standing_unless_full(path);
        let full = full || self.health.side(path) == Some(Side::Full);
        let suspect = standing == Standing::Suspect;
        // Whoever is well proves that its domains are: only the others need a look around.
        let doomed = (suspect || standing == Standing::Unknown) && self.is_doomed(id);
        let shares = self.at.silent.iter().any(|silent| self.roads.fates().share(*silent, id));
        let away = standing == Standing::Down && self.health.is_away(path);
        Rank {
            drained,
            down: standing == Standing::Down && !away,
            doomed,
            full,
            away,
            suspect,
            shares,
            standing,
        }
    }

    /// Is it at a limit, of its own or of what it is part of?
    fn takes_no_more(&self, target: TargetId, id: PeerId) -> bool {
        if self.at.urgent.is_some() {
            return false;
        }
        let load = self.health.load();
        let planned = || self.plan.limits_of(target, id).any(|limit| load.is_full(limit, self.now));
        let learned = || self.plan.peer(id).is_some_and(|peer| load.is_at_learned(&peer.name, self.now));
        !self.plan.limits.is_empty() && planned() || learned()
    }

    /// Is it in a domain that has failed: two of its peers are down by all their paths, and none is well?
    fn is_doomed(&self, id: PeerId) -> bool {
        self.roads.fates().of(id).any(|members| {
            let (mut down, mut well) = (0, false);
            for member in members.iter().take(MEMBERS_MAX) {
                let paths = self.roads.of(*member);
                well |= self.health.is_well_by(paths);
                down += usize::from(self.health.is_down_by(paths));
            }
            down >= DOWN_MIN && !well
        })
    }

    fn is_barred(&self, id: PeerId, party: Option<&Party>) -> bool {
        let carrier = self.plan.peer(id).and_then(Peer::carrier);
        party.is_some_and(|party| {
            party.barred_peers.contains(&id) || carrier.is_some_and(|c| party.barred_carriers.contains(&c))
        })
    }
}

/// One peer that is down is that peer's fault; two that share something are that something's.
const DOWN_MIN: usize = 2;

/// Members of a domain that are looked at: a power grid with more offices on it is judged by the first of them.
const MEMBERS_MAX: usize = 32;
