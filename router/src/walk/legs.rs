//! What is asked of a walk about one of its legs.

use super::{LegId, Walk};
use crate::fix::Fixes;
use crate::health::Health;
use crate::inside::{SPOKEN, UNASKED, Unconfirmed};
use crate::next::{Act, Ask};
use crate::outcome::Outcome;
use crate::path::Path;
use crate::presentation::Who;
use crate::said::said;
use crate::target::{Peer, PeerId, TargetId};
use sip::{Message, Name, Time};

impl Walk {
    /// The peer that a leg goes by.
    #[must_use]
    pub fn leg_peer(&self, id: LegId) -> Option<&Peer> {
        self.legs.get(id).and_then(|leg| self.plan.peer(leg.peer))
    }

    /// Is a leg still rung for the plan?
    #[must_use]
    pub fn wants(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.phase.is_wanted())
    }

    /// Who a leg rings, by which peer and path.
    #[must_use]
    pub fn leg_way(&self, id: LegId) -> Option<(TargetId, PeerId, Path)> {
        self.legs.get(id).map(|leg| (leg.target, leg.peer, leg.path))
    }

    /// What is changed in a leg's INVITE.
    #[must_use]
    pub fn fixes(&self, id: LegId) -> &Fixes {
        self.legs.get(id).map_or(&[], |leg| &leg.fixes)
    }

    /// Who stands in a leg's From, if its step says so.
    #[must_use]
    pub fn from(&self, id: LegId) -> Option<&Who> {
        self.legs.get(id).and_then(|leg| leg.from.as_ref())
    }

    /// The To tags of a leg's early dialogs with media.
    #[must_use]
    pub fn early(&self, id: LegId) -> &[Vec<u8>] {
        self.legs.get(id).map_or(&[], |leg| &leg.early)
    }

    /// Does whoever answers this leg have to press 1?
    #[must_use]
    pub fn confirms(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.confirm)
    }

    /// How a leg ends that is refused so: by its peer, or by whoever asked somebody to press 1 there.
    #[must_use]
    pub fn refusal(&self, id: LegId, response: &Message) -> Outcome {
        if self.is_unasked(id, response) {
            return Outcome::Unasked(response.status().unwrap_or_default());
        }
        let is_said = || response.value(Name::Reason) == Some(SPOKEN.as_bytes());
        if self.legs.get(id).is_some_and(|leg| leg.word) && is_said() {
            return Outcome::Spoken;
        }
        // Until it is answered, what is said is the carrier's.
        let asked = self.legs.get(id).and_then(|leg| leg.asked);
        let unconfirmed = asked.and_then(|_| Unconfirmed::of(response));
        unconfirmed.map_or_else(|| Outcome::Refused(said(response)), Outcome::Unconfirmed)
    }

    /// Does an agent of ours say that it cannot ask anybody by this leg? Then its carrier has not heard of the call.
    #[must_use]
    pub fn is_unasked(&self, id: LegId, response: &Message) -> bool {
        let is_said = || response.fields().iter().any(|field| response.is_named(field, UNASKED.as_bytes()));
        self.confirms(id) && is_said()
    }

    /// Is nobody left if this leg does not answer?
    #[must_use]
    pub fn is_last(&self, id: LegId, health: &Health, now: Time) -> bool {
        self.legs.get(id).is_some_and(|leg| self.ask(health, now).without(leg.target).act == Act::End)
    }

    /// What is asked of the plan where this walk stands.
    pub(super) fn ask<'a>(&'a self, health: &'a Health, now: Time) -> Ask<'a> {
        Ask { plan: &self.plan, at: &self.position, health, now, roads: &self.roads }
    }
}
