//! The INVITE of a leg: what stands in it, by which way it travels, how it is taken back. One that is too long for a datagram goes over a
//! stream where there is one (RFC 3261 §18.1.1).

use super::{Call, Client, Means, Offer, called, reliability, text, timers};
use crate::circles::Caller;
use crate::fix::{self, may_stream};
use crate::inside::{HOP, JOINS, SCREEN, SEALED, WHY};
use crate::path::{Flow, Loss, Path, stream_beside};
use crate::position::LEGS_MAX;
use crate::relay;
use crate::route;
use crate::seal::{Branch, Carried, Kind};
use crate::slots::Slot;
use crate::streams::DATAGRAM_MAX;
use crate::target::{Peer, PeerKind, Reach, Target};
use crate::verdict::Fix;
use crate::walk::LegId;
use sip::txn::{ClientInvite, ClientRequest};
use sip::{Bytes, Message, Time, build};
use std::sync::Arc;

/// How the messages of a leg travel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// By the path of the plan.
    Planned,
    /// Over a stream beside it; if nothing has come back by then, as datagrams after all.
    Stream { stream: Path, until: Time },
    /// By the path of the plan, since nobody took this stream.
    Back { stream: Path },
    /// By an agent of ours, who asks whoever answers to press 1 and calls by the path of the plan.
    Asking { agent: Path },
}

impl Way {
    /// The stream that its INVITE goes over.
    pub(super) const fn over(self) -> Option<Path> {
        match self {
            Self::Stream { stream, .. } => Some(stream),
            Self::Planned | Self::Back { .. } | Self::Asking { .. } => None,
        }
    }

    /// The stream that was tried.
    pub(super) const fn stream(self) -> Option<Path> {
        match self {
            Self::Stream { stream, .. } | Self::Back { stream } => Some(stream),
            Self::Planned | Self::Asking { .. } => None,
        }
    }
}

impl Client {
    /// The path that its messages go by now.
    pub(super) fn goes_by(&self) -> Path {
        match self.way {
            Way::Asking { agent } => agent,
            Way::Stream { stream, .. } => stream,
            Way::Planned | Way::Back { .. } => self.path,
        }
    }

    /// Does an agent of ours ask whoever answers?
    pub(super) const fn asks(&self) -> bool {
        matches!(self.way, Way::Asking { .. })
    }
}

impl Call {
    /// Sends the INVITE of the next leg.
    pub(super) fn ring(&mut self, leg: LegId, path: Path, means: &mut Means<'_>) {
        let Some(offer) = self.offer_of(leg, path, means) else { return };
        let agent = SCREEN.path(&means.identity.listeners).filter(|_| self.walk.confirms(leg));
        let by = agent.unwrap_or(path);
        let Some((mut bytes, caller)) = self.write(leg, by, offer, means) else { return };
        let mut way = agent.map_or(Way::Planned, |agent| Way::Asking { agent });
        // What an agent calls with goes as the plan has it.
        if agent.is_none()
            && let Some(stream) = self.stream_for(leg, path, bytes.len(), means)
            && let Some((over_stream, _)) = self.write(leg, stream, offer, means)
        {
            // Half of its patience is left for datagrams then, and for their answer.
            let until = means.now + self.walk.first_of(leg, means.health) / 2;
            (bytes, way) = (over_stream, Way::Stream { stream, until });
        }
        let mut sent = Vec::with_capacity(1);
        let (timers, by) = (timers(means.health, path), way.over().unwrap_or(by));
        let invite = ClientInvite::start(bytes, reliability(by), timers, means.now, &mut sent);
        let (now, invite) = (means.now, Some(invite));
        self.clients.push(Client { path, way, caller, offer, sent: now, heard: false, invite, cancel: None });
        self.on_client(leg, sent, true, means);
    }

    /// Is this the end of the stream over which a leg waits for its first answer?
    pub(super) fn falls_back(&self, leg: LegId, path: Path, loss: Loss) -> bool {
        let is_its = |client: &Client| client.way.over() == Some(path);
        loss != Loss::Closed && self.clients.get(leg).is_some_and(is_its) && self.falls_back_at(leg).is_some()
    }

    /// When a leg will have waited long enough for a first answer over its stream.
    pub(super) fn falls_back_at(&self, leg: LegId) -> Option<Time> {
        let client = self.clients.get(leg)?;
        match client.way {
            Way::Stream { until, .. } if !client.heard && self.walk.wants(leg) => Some(until),
            Way::Stream { .. } | Way::Planned | Way::Back { .. } | Way::Asking { .. } => None,
        }
    }

    /// Takes the INVITE of a leg back, if it may be (RFC 3261 §9.1).
    pub(super) fn cancel(&mut self, leg: LegId, reason: &'static str, means: &mut Means<'_>) {
        let Some(client) = self.clients.get_mut(leg) else { return };
        // An agent of ours knows when its own INVITE may be cancelled.
        let may = |invite: &&ClientInvite| client.asks() || invite.may_cancel();
        let Some(invite) = client.invite.as_ref().filter(may) else { return };
        let Some(Ok(request)) = invite.request().map(|bytes| Message::parse(Arc::clone(bytes))) else {
            return;
        };
        let bytes = build::cancel(&request, Some(reason));
        let mut sent = Vec::new();
        let timers = timers(means.health, client.path);
        client.cancel =
            Some(ClientRequest::start(bytes, reliability(client.goes_by()), timers, means.now, &mut sent));
        self.on_cancel_client(leg, sent, means);
    }

    /// Sends the INVITE of a leg as a datagram after all (RFC 3261 §18.1.1). On the same branch: whoever has it from the
    /// stream already takes it for a copy.
    pub(super) fn fall_back(&mut self, leg: LegId, means: &mut Means<'_>) {
        let Some((stream, path, offer)) =
            self.clients.get(leg).and_then(|client| Some((client.way.over()?, client.path, client.offer)))
        else {
            return;
        };
        means.learned.streams.on_refused(stream, means.now);
        let Some((bytes, _)) = self.write(leg, path, offer, means) else { return };
        let Some(client) = self.clients.get_mut(leg) else { return };
        (client.way, client.sent) = (Way::Back { stream }, means.now);
        let mut sent = Vec::new();
        let timers = timers(means.health, path);
        client.invite = Some(ClientInvite::start(bytes, reliability(path), timers, means.now, &mut sent));
        self.on_client(leg, sent, true, means);
    }

    /// The stream that an INVITE of this length goes over, if one is to be had.
    fn stream_for(&self, leg: LegId, path: Path, length: usize, means: &Means<'_>) -> Option<Path> {
        let is_asked = || self.walk.fixes(leg).iter().any(|(fix, _)| *fix == Fix::Stream);
        if length <= DATAGRAM_MAX && !is_asked() {
            return None;
        }
        self.stream_to(leg, path, means)
    }

    /// The stream beside a leg's path, if it may be taken and is worth trying.
    pub(super) fn stream_to(&self, leg: LegId, path: Path, means: &Means<'_>) -> Option<Path> {
        let peer = self.walk.leg_peer(leg)?;
        let stream = stream_beside(path, &means.identity.listeners)?;
        (may_stream(peer) && means.learned.streams.is_worth_trying(stream, means.now)).then_some(stream)
    }

    /// The connection along which the caller gets the requests of the other side; 0 if they go by his address. A peer of the
    /// plan may have come by a proxy that leaves the call: where his Contact or Record-Route leads, somebody listens.
    fn along(&self) -> u64 {
        let Flow { path, connection } = self.came;
        let is_peer = || self.walk.roads().sender(path.remote).is_some();
        if connection > 0 && is_peer() && route::leads_elsewhere(&self.request, path) {
            0
        } else {
            connection
        }
    }

    /// What an agent of ours is told beside the INVITE: where the leg would have gone, or why the call comes to it.
    fn for_agent(&self, leg: LegId, path: Path, means: &Means<'_>) -> Vec<u8> {
        if !path.transport.is_inside() {
            let Path { transport, remote, .. } = path;
            let mut line = format!("{HOP}: <sip:{remote}{};lr>", transport.as_param());
            let sealed = self.walk.leg_peer(leg).is_some_and(|peer| peer.srtp);
            let said = [(SEALED, sealed), (JOINS, self.is_at_one_peer(leg))];
            said.iter().filter(|(_, holds)| *holds).for_each(|(what, _)| line.extend([";", what]));
            return (line + "\r\n").into_bytes();
        }
        let target = self.walk.leg_way(leg).map(|(target, ..)| target);
        let why = target.map_or("", |target| self.walk.position().reason(target).in_diversion());
        let number = text(self.walk.plan().number_of(called(&self.request)));
        let last = if self.walk.is_last(leg, means.health, means.now) { ";last" } else { "" };
        // A user part may hold what a parameter may not.
        let number: String = number.chars().filter(|c| !matches!(c, ';' | '"' | '\r' | '\n')).collect();
        format!("{WHY}: {why};number={number}{last}\r\n").into_bytes()
    }

    /// Does the call come from where this leg goes, and does who is there join two calls of his? Two trunks of one carrier may be one
    /// exchange; if they are not, it says no, and nothing is lost.
    fn is_at_one_peer(&self, leg: LegId) -> bool {
        let (plan, sender) = (self.walk.plan(), self.walk.roads().sender(self.came.path.remote));
        let (from, to) = (sender.and_then(|id| plan.peer(id)), self.walk.leg_peer(leg));
        let is_carrier = |peer: &Peer| matches!(peer.kind, PeerKind::Trunk(_));
        to.filter(|to| to.refer && is_carrier(to)).zip(from).is_some_and(|(to, from)| to.kind == from.kind)
    }

    fn offer_of(&self, leg: LegId, path: Path, means: &Means<'_>) -> Option<Offer> {
        let (target, ..) = self.walk.leg_way(leg)?;
        let peer = self.walk.leg_peer(leg)?;
        Some(self.offer(target, peer, path, self.walk.fixes(leg), &means.learned.accepted))
    }

    /// The INVITE of a leg as it leaves by this path, and the caller that it shows to a phone number. Each change at the same hop raises its
    /// CSeq by one (RFC 3261 §22.2).
    fn write(
        &self,
        leg: LegId,
        by: Path,
        offer: Offer,
        means: &mut Means<'_>,
    ) -> Option<(Bytes, Option<Caller>)> {
        let (target, peer, path) = self.walk.leg_way(leg)?;
        let for_agent = by.transport.is_inside().then(|| self.for_agent(leg, path, means));
        let (fixes, redirected) = (self.walk.fixes(leg), self.walk.redirected_user(leg));
        // Who follows is elsewhere, and who was not asked has not heard of it.
        let here = fixes.iter().filter(|(fix, _)| !matches!(fix, Fix::Follow | Fix::Unasked)).count();
        let shift = u32::try_from(here).unwrap_or(u32::MAX);
        let leg = u32::try_from(leg).unwrap_or(u32::MAX);
        let listeners = &means.identity.listeners;
        let plan = self.walk.plan();
        let peer = plan.peer(peer)?;
        let leaves = listeners.get(usize::from(by.local))?;
        let came = listeners.get(usize::from(self.came.path.local))?;
        let user = redirected.unwrap_or_else(|| self.user_at(plan.target(target), peer));
        let uri = peer.uri(user);
        let Slot { place, generation } = self.slot;
        let connection = self.came.connection;
        // Ten legs at most live at once: together they never get more than came in (RFC 5393 §5.3.3).
        let breadth = (relay::breadth(&self.request) / LEGS_MAX).max(1);
        let shown = if by.transport.is_inside() { listeners.get(usize::from(path.local))? } else { leaves };
        let guise = self.guise((target, peer), offer, shown, &uri, leg);
        let pair = guise.as_ref().and_then(|guise| self.veil(guise, means.seal));
        let veil = pair.as_ref().map(|(_, veil)| veil.as_slice());
        let branch = Branch {
            kind: Kind::Leg,
            slot: place,
            generation,
            leg,
            routing: self.routing,
            shift,
            veiled: veil.is_some(),
            connection,
        };
        let (call_id, from_tag) = (self.request.call_id(), self.request.from_tag());
        let token = &means.seal.route(
            call_id,
            from_tag,
            self.unix,
            Carried { shift, veil, connection: self.along() },
        );
        means.edits.clear();
        fix::apply(fixes, &self.request, &uri, peer, &mut means.learned.logins, means.edits);
        let mut lines = for_agent.unwrap_or_default();
        if let Some(guise) = &guise {
            guise.edit(&self.request, pair.as_ref().map(|(pair, _)| pair), means.edits, &mut lines);
        }
        let outward = matches!(plan.target(target), Some(Target { reach: Reach::Number(_), .. }));
        let pair = pair.as_ref().map(|(pair, _)| pair);
        let caller = outward.then(|| self.mark(pair, means.seal, &mut lines)).flatten();
        let leg = relay::Leg { uri: &uri, leaves, came, branch, token, veil, lines: &lines, breadth };
        Some((relay::invite(&self.request, &self.below, &leg, means.seal, means.edits), caller))
    }
}
