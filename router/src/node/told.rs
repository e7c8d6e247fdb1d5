//! What the parts of a node tell it of the world: names, addresses, beliefs, credentials.

use super::Node;
use crate::door::Effect;
use crate::health::Standing;
use crate::record::Entry;
use crate::roads::{self, Roads};
use crate::target::Peer;
use crate::{health, names};
use sip::Time;
use std::sync::Arc;

impl Node {
    /// The plan or an address has changed: which names and paths there are, and which are watched.
    pub(super) fn survey(&mut self, now: Time) {
        let places = self.plan.peers.iter().filter_map(roads::place).collect();
        self.names.want(&places, &self.identity.listeners, now);
        let roads = Roads::new(&self.plan, &self.identity.listeners, &self.names);
        self.health.watch(&roads.watched(&self.plan), now);
        self.health.try_last(roads.named(&self.plan, self.learned.logins.broken()));
        self.health.load_mut().keep(self.plan.limits.values(), now);
        self.roads = Arc::new(roads);
        self.with_registrations(|registrations, there| registrations.on_roads(there, now));
    }

    pub(super) fn on_names(&mut self, said: Vec<names::Output>, now: Time, out: &mut Vec<Effect>) {
        for output in said {
            match output {
                names::Output::Ask(query) => out.push(Effect::Resolve { query }),
                names::Output::Changed { place, from, to, kept } => {
                    let here = |peer: &&Peer| roads::place(peer).as_ref() == Some(&place);
                    let peers = self.plan.peers.iter().filter(here).map(|peer| Arc::clone(&peer.name));
                    let (peers, host) = (peers.collect(), place.host);
                    out.push(Effect::Record(Entry::Name { at: now, peers, host, from, to, kept }));
                }
                names::Output::Moved => self.survey(now),
                names::Output::Settled(place) => {
                    for parked in self.parked.of(&place) {
                        self.pass_on_at_last(parked, now, out);
                    }
                }
            }
        }
    }

    pub(super) fn on_beliefs(&mut self, beliefs: Vec<health::Output>, now: Time, out: &mut Vec<Effect>) {
        let fell =
            |belief: &health::Output| matches!(belief, health::Output::Changed { to: Standing::Down, .. });
        if self.cut_off || beliefs.iter().any(fell) {
            self.listen(now, out);
        }
        for belief in beliefs {
            if let health::Output::Probe(path) = belief {
                self.probe(path, now, out);
            }
            if let health::Output::Changed { path, to, .. } = belief
                && !self.registrations.is_empty()
            {
                self.with_registrations(|registrations, there| registrations.on_belief(path, to, there, now));
            }
            let users = |path| self.roads.users(&self.plan, path);
            out.extend(Entry::of_health(belief, now, users).map(Effect::Record));
        }
    }

    /// Is anybody heard?
    pub(super) fn listen(&mut self, now: Time, out: &mut Vec<Effect>) {
        let cut_off = self.health.hears_nobody();
        if core::mem::replace(&mut self.cut_off, cut_off) != cut_off {
            out.push(Effect::Record(Entry::CutOff { at: now, cut_off }));
        }
    }

    /// Our credentials have been refused or taken somewhere: who is tried last is another now.
    pub(super) fn on_logins(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.health.try_last(self.roads.named(&self.plan, self.learned.logins.broken()));
        let changes = self.learned.logins.take_changes().into_iter();
        out.extend(changes.map(|change| Effect::Record(Entry::Login { at: now, change })));
    }
}
