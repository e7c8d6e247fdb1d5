//! The plan: who gets a call, in which order.

use crate::emergency::{self, Emergency};
use crate::hours::{Hours, Zone};
use crate::load::Limit;
use crate::networks::Network;
use crate::orders::Orders;
use crate::presentation::Who;
use crate::spent::Cap;
use crate::strangers::Welcome;
use crate::target::{Carrier, CarrierId, Peer, PeerId, Reach, Target, TargetId};
use crate::when::When;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names a [`Course`] by its place in [`Plan::courses`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CourseId(pub u32);

/// The compiled plan file: everything one generation of it says. It cannot be wrong: every id is in range, every
/// list has a member, courses do not contain themselves; the edge's `config` sees to that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The business.
    pub business: Arc<str>,
    /// Its time zone.
    pub zone: Zone,
    /// All SIP peers.
    pub peers: Vec<Peer>,
    /// All carriers, in order of preference for the way out.
    pub carriers: Vec<Carrier>,
    /// All targets.
    pub targets: Vec<Target>,
    /// How much those take that do not take all.
    pub limits: BTreeMap<Limited, Limit>,
    /// All `[plans.*]`.
    pub courses: Vec<Course>,
    /// The time zones of those that do not live by the business's.
    pub zones: BTreeMap<CourseId, Arc<Zone>>,
    /// How much those may send out to phone numbers that may not send out all.
    pub caps: BTreeMap<CourseId, Cap>,
    /// Which course a number has: E.164 with the plus, or any SIP user part.
    pub numbers: BTreeMap<Arc<str>, CourseId>,
    /// The course of numbers that nobody listed (`"*"`).
    pub unlisted: Option<CourseId>,
    /// Which course the calls of an agent have, whatever they are to: nobody else is led there.
    pub of_agents: BTreeMap<PeerId, CourseId>,
    /// The phones that our agents tell what waits in mailboxes, by the URI that they call them, and the ways to them.
    pub lamps: BTreeMap<Arc<str>, Vec<PeerId>>,
    /// `strict_6xx`: a 6xx ends the walk as RFC 3261 §16.7 has it.
    pub strict_6xx: bool,
    /// The networks that peers call from, beside the addresses of their names.
    pub networks: BTreeMap<Network, PeerId>,
    /// What becomes of calls that come from nobody of these.
    pub strangers: Welcome,
    /// Calls for help, and back.
    pub emergency: Emergency,
    /// The files of the plan behind its first one: each with the number of lines that are before it in all others.
    pub files: Vec<(u32, Arc<str>)>,
    /// What people have switched by hand.
    pub orders: Orders,
    /// The plan that this one is but for its orders: see [`Plan::ordered`]. `None` if nothing is switched.
    pub base: Option<Arc<Self>>,
}

/// What may have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limited {
    /// All trunks of a carrier.
    Carrier(CarrierId),
    /// One trunk.
    Peer(PeerId),
    /// A destination, by whatever way.
    Target(TargetId),
}

/// One `[plans.*]`: lists of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The key in the plan file.
    pub name: Arc<str>,
    /// What is walked while open.
    pub steps: Vec<Step>,
    /// What is walked outside the hours; `None` walks `steps` at any time.
    pub closed: Option<Vec<Step>>,
    /// Where a call goes once a step is over and somebody in it was busy; `None` goes on with the next step.
    pub busy: Option<Vec<Step>>,
    /// Where a call goes instead of a step in which everybody is full; `None` goes on with the next step.
    pub full: Option<Vec<Step>>,
    /// When it is open; `None` for always.
    pub hours: Option<Hours>,
    /// By then somebody whose job is to answer is ringing.
    pub live_within: Duration,
}

/// One step: who is rung, together or one shortly after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who. A course stands alone.
    pub members: Vec<Member>,
    /// What has to be so when its turn comes; else it is passed by. `None` for nothing.
    pub when: Option<When>,
    /// What the caller hears before anybody in it is rung: a [`Word`](crate::target::TargetKind::Word).
    pub say: Option<TargetId>,
    /// How long each may ring (`for`); `None` for the target's own.
    pub ring: Option<Duration>,
    /// Pause between the starts of the members; zero rings all at once.
    pub stagger: Duration,
    /// What follows if one of them declines.
    pub declined: Declined,
    /// Who stands in From of the calls of this step; `None` for what the plan says of each peer.
    pub from: Option<Who>,
    /// Does whoever answers by a phone number have to press 1? `None` for what each target says.
    pub confirm: Option<bool>,
    /// The line in the plan, counted through all of its files: see [`Plan::place`].
    pub line: u32,
}

impl Step {
    /// These ring together, and nothing else is said of it.
    #[must_use]
    pub const fn ringing(members: Vec<Member>, line: u32) -> Self {
        Self {
            members,
            when: None,
            say: None,
            ring: None,
            stagger: Duration::ZERO,
            declined: Declined::Next,
            from: None,
            confirm: None,
            line,
        }
    }
}

/// What follows if somebody declines (603 and its like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Declined {
    /// Only that one is done: the others and the next step are rung.
    #[default]
    Next,
    /// The call ends.
    Stop,
}

/// One member of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// Somebody to ring.
    Target(TargetId),
    /// Another course, walked to its end; then the walk comes back.
    Course(CourseId),
}

impl Course {
    /// The steps of all its lists.
    pub fn every_step(&self) -> impl Iterator<Item = &Step> {
        let others = [&self.closed, &self.busy, &self.full];
        self.steps.iter().chain(others.into_iter().flatten().flatten())
    }
}

impl Step {
    /// The targets that it rings.
    pub fn rings(&self) -> impl Iterator<Item = TargetId> {
        self.members.iter().filter_map(|member| match member {
            Member::Target(target) => Some(*target),
            Member::Course(_) => None,
        })
    }
}

impl Plan {
    /// A peer of this plan.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(id.0 as usize)
    }

    /// The file of a line that is counted through all files, if it is not the first one, and the line in it.
    #[must_use]
    pub fn place(&self, line: u32) -> (Option<&Arc<str>>, u32) {
        let after = self.files.partition_point(|(before, _)| *before < line);
        let file = after.checked_sub(1).and_then(|at| self.files.get(at));
        file.map_or((None, line), |(before, path)| (Some(path), line - before))
    }

    /// The clock that a course lives by.
    #[must_use]
    pub fn zone_of(&self, course: CourseId) -> &Zone {
        self.zones.get(&course).map_or(&self.zone, |zone| zone)
    }

    /// The limits that a call to this target by this peer counts for.
    pub fn limits_of(&self, target: TargetId, peer: PeerId) -> impl Iterator<Item = &Limit> {
        let carrier = self.peer(peer).and_then(Peer::carrier).map(Limited::Carrier);
        let all = carrier.into_iter().chain([Limited::Peer(peer), Limited::Target(target)]);
        all.filter_map(|limited| self.limits.get(&limited))
    }

    /// The peers that lead to a target, in order of preference.
    pub fn ways(&self, id: TargetId) -> impl Iterator<Item = PeerId> {
        let (own, trunks) = match self.target(id).map(|target| &target.reach) {
            Some(Reach::Sip(peers)) => (peers.as_slice(), false),
            Some(Reach::Number(_)) => (&[][..], true),
            None => (&[][..], false),
        };
        let trunks = self.carriers.iter().filter(move |_| trunks).flat_map(|carrier| &carrier.trunks);
        own.iter().chain(trunks).copied()
    }

    /// A target of this plan.
    #[must_use]
    pub fn target(&self, id: TargetId) -> Option<&Target> {
        let urgent = || self.emergency.target().filter(|_| id == emergency::TARGET);
        self.targets.get(id.0 as usize).or_else(urgent)
    }

    /// A course of this plan.
    #[must_use]
    pub fn course(&self, id: CourseId) -> Option<&Course> {
        let urgent = || self.emergency.course().filter(|_| id == emergency::COURSE);
        self.courses.get(id.0 as usize).or_else(urgent)
    }
}
