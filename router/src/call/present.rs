//! How the legs of a call are presented: which form each peer is offered, and what it has accepted.

use super::{Call, Means, called};
use crate::circles::{Caller, WALK};
use crate::door::Effect;
use crate::fix::Fixes;
use crate::forwarded::{Guise, Pair};
use crate::path::{Listener, Path};
use crate::presentation::{Accepted, Presentation, country};
use crate::record::Entry;
use crate::seal::Seal;
use crate::target::{Peer, PeerKind, Reach, TargetId};
use crate::verdict::Fix;
use crate::walk::LegId;
use std::sync::Arc;

/// Which form of a presentation a leg has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offer {
    /// The one that the first leg of its hop had.
    first: u8,
    /// How many others were refused since.
    refused: u8,
}

impl Call {
    /// The form that the next leg is to have.
    pub(super) fn offer(
        &self,
        target: TargetId,
        peer: &Peer,
        path: Path,
        fixes: &Fixes,
        accepted: &Accepted,
    ) -> Offer {
        if fixes.is_empty() && accepted.is_empty() {
            return Offer::default();
        }
        if fixes.is_empty() {
            let first =
                self.party(target, peer).map_or(0, |(carrier, number)| accepted.first(carrier, number));
            return Offer { first, refused: 0 };
        }
        let is_first = |leg: LegId| self.walk.leg_way(leg).is_some_and(|(other, _, _)| other == target);
        let mut before =
            self.clients.iter().enumerate().filter(|(leg, client)| client.path == path && is_first(*leg));
        let first = before.next().map_or(0, |(_, client)| client.offer.first);
        let refused = fixes.iter().filter(|(fix, _)| *fix == Fix::Presentation).count();
        Offer { first, refused: u8::try_from(refused).unwrap_or(u8::MAX) }
    }

    /// How the call is presented to a peer; `None` if it is to see what came.
    pub(super) fn guise<'a>(
        &'a self,
        (target, peer): (TargetId, &'a Peer),
        offer: Offer,
        leaves: &'a Listener,
        uri: &'a [u8],
        leg: u32,
    ) -> Option<Guise<'a>> {
        let step = offer.first + offer.refused;
        let of_step = self
            .walk
            .from(leg as usize)
            .map(|who| peer.presentation.as_deref().unwrap_or(&Presentation::PLAIN).with(who));
        let wanted = match of_step.as_ref().or(peer.presentation.as_deref()) {
            // Whoever helps has to know who calls; a carrier that refuses that is offered what it takes.
            Some(_) if step == 0 && self.is_for_help() => return None,
            Some(wanted) => wanted,
            None if step.is_multiple_of(Presentation::PLAIN.forms()) => return None,
            None => &Presentation::PLAIN,
        };
        let called = self.walk.plan().number_of(called(&self.request));
        let reason = self.walk.position().reason(target);
        Some(Guise { form: wanted.form(step), trusted: wanted.trusted, called, reason, leaves, uri, leg })
    }

    /// Marks a leg to a phone number as one that has been here, and says which caller that number will see.
    pub(super) fn mark(&self, pair: Option<&Pair>, seal: &Seal, lines: &mut Vec<u8>) -> Option<Caller> {
        let mark = seal.walk(self.walk.plan().number_of(called(&self.request)), self.unix);
        [WALK, b": ", &mark, b"\r\n"].iter().for_each(|part| lines.extend_from_slice(part));
        let from = self.request.from_uri().map(|uri| self.request.at(uri));
        Caller::of_uri(pair.map(|pair| pair.shown.as_slice()).or(from)?)
    }

    /// What a leg's From changes from and to, and the same hidden for whoever routes this call later.
    pub(super) fn veil(&self, guise: &Guise<'_>, seal: &Seal) -> Option<(Pair, Vec<u8>)> {
        let pair = guise.pair(&self.request)?;
        let veil = seal.veil(&pair.to_bytes(), self.request.call_id(), self.request.from_tag());
        Some((pair, veil))
    }

    /// A leg rings or is answered: the carrier accepts what it was offered after it had refused another form.
    pub(super) fn on_accepted(&self, leg: LegId, means: &mut Means<'_>) {
        let Some(offer) = self.clients.get(leg).map(|client| client.offer).filter(|offer| offer.refused > 0)
        else {
            return;
        };
        let Some((target, peer, _)) = self.walk.leg_way(leg) else { return };
        let Some(peer) = self.walk.plan().peer(peer) else { return };
        // What a step asks for is no habit of the carrier's.
        let Some((carrier, number)) = self.party(target, peer).filter(|_| self.walk.from(leg).is_none())
        else {
            return;
        };
        let wanted = peer.presentation.as_deref().unwrap_or(&Presentation::PLAIN);
        let step = (offer.first + offer.refused) % wanted.forms();
        if means.learned.accepted.on_accepted(carrier, number, step) {
            let (at, carrier, country) = (means.now, Arc::clone(carrier), country(number));
            let entry = Entry::Presented { at, carrier, country, form: wanted.form(step) };
            means.out.push(Effect::Record(entry));
        }
    }

    /// The carrier of a trunk, and the number that it is asked for.
    fn party(&self, target: TargetId, peer: &Peer) -> Option<(&Arc<str>, &str)> {
        let plan = self.walk.plan();
        match (peer.kind, &plan.target(target)?.reach) {
            (PeerKind::Trunk(id), Reach::Number(number)) => {
                Some((&plan.carriers.get(id.0 as usize)?.name, number))
            }
            (
                PeerKind::Trunk(_) | PeerKind::Site | PeerKind::Service | PeerKind::Agent,
                Reach::Number(_) | Reach::Sip(_),
            ) => None,
        }
    }
}
