//! The same hop once more with a changed INVITE, where a refusal asks for a change; or the place that a redirection names.

use super::{LegId, Output, Walk};
use crate::fix;
use crate::health::Health;
use crate::leg::Leg;
use crate::logins::Word;
use crate::path::{Path, Transport};
use crate::position::{INVITES_MAX, Pass};
use crate::target::{Peer, PeerHost, PeerId};
use crate::verdict::Fix;
use sip::{Host, Message, Name, NameAddr, Time, Uri};

impl Walk {
    /// A leg whose INVITE is too long for its peer can do nothing about that: nobody takes a stream there.
    pub fn has_no_stream(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.no_stream = true;
        }
    }

    /// May the hop of a leg that was refused be tried once more with this change?
    pub(super) fn may_fix(&self, id: LegId, fix: Fix, refusal: &Message, now: Time, health: &Health) -> bool {
        let (Some(leg), Some(peer)) = (self.legs.get(id), self.leg_peer(id)) else { return false };
        let done = leg.fixes.iter().filter(|(done, _)| *done == fix).count();
        let once = done == 0 || done == 1 && fix::may_be_repeated(fix, refusal, peer);
        let possible = match fix {
            Fix::Stream => self.roads.have_streams() && !leg.no_stream,
            Fix::Follow => self.redirected(id, refusal, now, health).is_some(),
            Fix::Credentials | Fix::SessionTimer | Fix::Presentation | Fix::Unasked => true,
        };
        once && possible && self.position.invites < INVITES_MAX && fix::can_be_met(fix, refusal, peer)
    }

    /// What a challenge that gets no further answer says of our credentials.
    pub(super) fn word(&self, id: LegId, fix: Option<Fix>) -> Option<Word> {
        let said = |(fix, _): &(Fix, Message)| *fix == Fix::Credentials;
        match fix? {
            Fix::Credentials if self.fixes(id).iter().any(said) => Some(Word::Refused),
            Fix::Credentials if self.position.invites < INVITES_MAX => Some(Word::Unmet),
            // There was no room to say them; or it is not about them.
            Fix::Credentials
            | Fix::SessionTimer
            | Fix::Stream
            | Fix::Follow
            | Fix::Presentation
            | Fix::Unasked => None,
        }
    }

    /// Tries it: a leg of its own, with the patience of any other.
    pub(super) fn again(
        &mut self,
        id: LegId,
        change: (Fix, Message),
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let elsewhere = match change.0 {
            Fix::Follow => self.redirected(id, &change.1, now, health),
            Fix::Credentials | Fix::SessionTimer | Fix::Stream | Fix::Presentation | Fix::Unasked => None,
        };
        let Some(before) = self.legs.get(id) else { return };
        let target = before.target;
        let (peer, path) = elsewhere.unwrap_or((before.peer, before.path));
        let leg = self.legs.len();
        let next = before.again(change, (peer, path), now, self.first(peer, path, health));
        let ticket = self.count(target, peer, now, health, out);
        self.legs.push(Leg { ticket, ..next });
        match elsewhere {
            Some(_) => self.position.on_begun(target, path, now),
            None => self.position.on_again(),
        }
        health.on_call_begun(path);
        out.push(Output::Ring { leg, target, peer, path });
    }

    /// The peer that a redirection of this leg leads to, and the best of its paths that this call has not tried: of those
    /// that the plan allows, the first that a Contact names (RFC 3261 §8.1.3.4). To what is down it leads only if nobody
    /// who is well is left in the plan.
    fn redirected(&self, id: LegId, refusal: &Message, now: Time, health: &Health) -> Option<(PeerId, Path)> {
        let leg = self.legs.get(id)?;
        let allowed = &self.plan.peer(leg.peer)?.follow;
        let tried = |path: &Path| self.position.party(leg.target).is_some_and(|at| at.tried.contains(path));
        let ask = self.ask(health, now);
        let choice = ask.choice();
        let lead = |pass: Pass| {
            contacts(refusal).find_map(|uri| {
                let is_there = |id: &&PeerId| self.plan.peer(**id).is_some_and(|peer| is_at(&uri, peer));
                let peer = *allowed.iter().find(is_there)?;
                let paths = self.roads.of(peer).iter();
                let paths = paths.filter(|path| !tried(path) && choice.is_open(peer, **path, pass));
                Some((peer, *paths.min_by_key(|path| health.standing(**path))?))
            })
        };
        let is_last = || ask.without(leg.target).cursor.pass == Pass::Second;
        lead(Pass::First).or_else(|| lead(Pass::Second).filter(|_| is_last()))
    }

    /// The user part that a redirection has named for a leg.
    pub(crate) fn redirected_user(&self, id: LegId) -> Option<&[u8]> {
        let (_, refusal) = self.fixes(id).iter().rfind(|(fix, _)| *fix == Fix::Follow)?;
        let peer = self.leg_peer(id)?;
        contacts(refusal).find(|uri| is_at(uri, peer))?.user
    }
}

/// The SIP URIs in Contact, in order.
fn contacts(refusal: &Message) -> impl Iterator<Item = Uri<'_>> {
    refusal.elements(Name::Contact).take(CONTACTS_MAX).filter_map(|span| {
        let element = refusal.at(span);
        Uri::parse(NameAddr::parse(element).map_or(element, |contact| contact.uri))
    })
}

/// Does a URI lead to this peer: by the same host and port, and by no other transport?
fn is_at(uri: &Uri<'_>, peer: &Peer) -> bool {
    let same_host = match (uri.host, &peer.host) {
        (Host::Ip(ip), PeerHost::Ip(own)) => ip == *own,
        (Host::Name(name), PeerHost::Name(own)) => name.eq_ignore_ascii_case(own.as_bytes()),
        (Host::Ip(_), PeerHost::Name(_)) | (Host::Name(_), PeerHost::Ip(_)) => false,
    };
    let spoken = peer.transport.unwrap_or(Transport::Udp);
    let named = match uri.params.value("transport") {
        Some(written) => Transport::named(written),
        None => Some(spoken),
    };
    let port = |written: Option<u16>| written.unwrap_or(spoken.default_port());
    same_host
        && named == Some(spoken)
        && port(uri.port) == port(peer.port)
        && (!uri.secure || spoken.is_secure())
}

/// More places than that nobody chooses from.
const CONTACTS_MAX: usize = 10;
