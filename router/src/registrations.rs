//! All our registrations: one for each peer whose plan asks for it, and for a moment those that are being given up.

use crate::call::Means;
use crate::chance::Chance;
use crate::health::Standing;
use crate::path::{Loss, Path};
use crate::plan::Plan;
use crate::probes::There;
use crate::registration::{Registered, Registration};
use crate::slots::{Slot, Slots};
use crate::target::{Peer, PeerId};
use core::time::Duration;
use sip::{Edits, Message, Span, Time, Uri};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The registrations.
#[derive(Debug)]
pub struct Registrations {
    held: Slots<Registration>,
    slots: BTreeSet<Slot>,
    /// The users of the plan's accounts.
    accounts: BTreeSet<Arc<str>>,
    draining: bool,
    chance: Chance,
}

/// At the start the first ones leave one after the other, so that a node with a thousand of them makes no burst.
const STAGGER: Duration = Duration::from_millis(20);

/// Those that are being given up at once; if there are more, the peer forgets the others by itself.
const LEAVING_MAX: usize = 1_000;

impl Registrations {
    /// None yet.
    #[must_use]
    pub fn new(mut chance: Chance) -> Self {
        let generation = u32::try_from(chance.draw() >> 32).unwrap_or_default();
        let (slots, accounts) = (BTreeSet::new(), BTreeSet::new());
        Self { held: Slots::new(generation), slots, accounts, draining: false, chance }
    }

    /// These are the plan's from now on: new ones begin, those of peers that are no more or are another account are given
    /// up.
    pub fn keep(&mut self, plan: &Plan, now: Time) {
        if self.draining {
            return;
        }
        self.accounts =
            plan.peers.iter().filter_map(Peer::register).map(|terms| Arc::clone(&terms.user)).collect();
        let wanted = |peer: &&Peer| peer.register().is_some();
        let mut kept = BTreeSet::new();
        let mut nth = 0;
        for peer in plan.peers.iter().filter(wanted) {
            if let Some(slot) = self.slot_of(peer) {
                kept.insert(slot);
                if let Some(registration) = self.held.get_mut(slot) {
                    registration.on_plan(peer, now);
                }
                continue;
            }
            let chance = Chance::new(self.chance.draw());
            if let Some(registration) = Registration::new(peer, now + STAGGER * nth, chance) {
                let slot = self.held.insert(registration);
                self.slots.insert(slot);
                kept.insert(slot);
                nth += 1;
            }
        }
        self.leave(now, |slot, _| !kept.contains(&slot));
    }

    /// No calls are wanted any more: all are given up.
    pub fn drain(&mut self, now: Time) {
        self.draining = true;
        self.leave(now, |_, _| true);
    }

    /// The paths of peers have changed: what is registered where nobody is any more is asked for anew.
    pub fn on_roads(&mut self, there: There<'_>, now: Time) {
        let (plan, roads) = there;
        for (id, peer) in (0..).map(PeerId).zip(&plan.peers) {
            if peer.register().is_none() {
                continue;
            }
            let Some(registration) = self.slot_of(peer).and_then(|slot| self.held.get_mut(slot)) else {
                continue;
            };
            let paths = roads.of(id);
            let lost = registration.held_on().is_some_and(|path| !paths.contains(&path));
            if !paths.is_empty() && (lost || registration.is_failing()) {
                registration.hurry(now);
            }
        }
    }

    /// What is believed of a path has changed: a peer that is back is asked at once, and who is registered where nobody
    /// answers any more is asked for anew.
    pub fn on_belief(&mut self, path: Path, to: Standing, there: There<'_>, now: Time) {
        let (plan, roads) = there;
        let users = (0..).map(PeerId).zip(&plan.peers).filter(|(id, _)| roads.of(*id).contains(&path));
        for (_, peer) in users {
            let Some(registration) = self.slot_of(peer).and_then(|slot| self.held.get_mut(slot)) else {
                continue;
            };
            let hurry = match to {
                Standing::Up | Standing::Probation => registration.is_failing(),
                Standing::Down => registration.held_on() == Some(path),
                Standing::Unknown | Standing::Suspect => false,
            };
            if hurry {
                registration.hurry(now);
            }
        }
    }

    /// A call to one of our accounts is to the number of the plan that its To names, if it names one: by the rules of a
    /// registrar (RFC 3261 §16.5) the Request-URI is the one that was registered, whatever was dialled.
    #[must_use]
    pub fn to_number(&self, invite: &Message, plan: &Plan) -> Option<Message> {
        if self.accounts.is_empty() {
            return None;
        }
        let uri = invite.request_uri()?;
        let user = Uri::user_of(invite.at(uri))?;
        let number = invite.to_uri().and_then(|to| Uri::user_of(invite.at(to)))?;
        let account = core::str::from_utf8(user).ok().filter(|user| self.accounts.contains(*user))?;
        plan.listed(number).filter(|(listed, _)| ***listed != *account)?;
        let start = invite.at(uri).iter().position(|byte| *byte == b':')? + 1;
        let start = uri.start + u32::try_from(start).ok()?;
        let span = Span { start, end: start + u32::try_from(user.len()).ok()? };
        let mut edits = Edits::new();
        edits.replace(span, number);
        Message::parse(edits.apply(invite)).ok().filter(|_| invite.at(span) == user)
    }

    /// Acts if the deadline of one has come.
    pub fn on_deadline(&mut self, slot: Slot, there: There<'_>, means: &mut Means<'_>) {
        if let Some(registration) = self.held.get_mut(slot) {
            registration.on_deadline(slot, there, means);
        }
        self.tidy(slot);
    }

    /// Takes the answer to the nth try of one.
    pub fn on_response(
        &mut self,
        (slot, nth): (Slot, u32),
        from: Path,
        response: Message,
        there: There<'_>,
        means: &mut Means<'_>,
    ) {
        if let Some(registration) = self.held.get_mut(slot) {
            registration.on_response((slot, nth), from, response, there, means);
        }
        self.tidy(slot);
    }

    /// The way that one waits on is lost.
    pub fn on_loss(&mut self, slot: Slot, loss: Loss, there: There<'_>, means: &mut Means<'_>) {
        if let Some(registration) = self.held.get_mut(slot) {
            registration.on_loss(slot, loss, there, means);
        }
        self.tidy(slot);
    }

    /// When one wants to be called, and the path it waits on; `None` if it is no more.
    #[must_use]
    pub fn wants(&self, slot: Slot) -> Option<(Option<Time>, Option<Path>)> {
        self.held.get(slot).map(|one| (one.deadline(), one.path()))
    }

    /// All of them.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().copied()
    }

    /// Those of the plan: the peer, how it stands, and until when it is held.
    pub fn states(&self, now: Time) -> impl Iterator<Item = (&Arc<str>, Registered, Option<Time>)> {
        let all = self.slots.iter().filter_map(|slot| self.held.get(*slot));
        all.filter(|one| !one.is_leaving()).map(move |one| (&one.peer().name, one.standing(), one.until(now)))
    }

    /// How many are being given up.
    #[must_use]
    pub fn leaving(&self) -> usize {
        self.slots.iter().filter_map(|slot| self.held.get(*slot)).filter(|one| one.is_leaving()).count()
    }

    /// All in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn slot_of(&self, peer: &Peer) -> Option<Slot> {
        let is_it = |slot: &&Slot| {
            self.held.get(**slot).is_some_and(|one| one.peer().name == peer.name && one.is_of(peer))
        };
        self.slots.iter().find(is_it).copied()
    }

    fn leave(&mut self, now: Time, whom: impl Fn(Slot, &Registration) -> bool) {
        let mut leaving = self.leaving();
        for slot in self.slots.clone() {
            let Some(one) = self.held.get_mut(slot).filter(|one| !one.is_leaving()) else { continue };
            if !whom(slot, one) {
                continue;
            }
            one.leave(now);
            leaving += 1;
            if leaving > LEAVING_MAX {
                self.held.remove(slot);
            }
            self.tidy(slot);
        }
    }

    /// Forgets what is no more.
    fn tidy(&mut self, slot: Slot) {
        if self.held.get(slot).is_some_and(Registration::is_gone) {
            self.held.remove(slot);
        }
        if self.held.get(slot).is_none() {
            self.slots.remove(&slot);
        }
    }
}
