//! The lamps of a house: who is told how many messages wait in which mailbox.

use super::Output;
use crate::guide::{Guide, Mailbox, Role};
use crate::lamp::{Lamp, Waiting, Why};
use crate::talk::Desk;
use crate::unasked::Unasked;
use router::deadlines::Deadlines;
use router::inside::AgentId;
use sip::build::{Extra, phrase, response};
use sip::{Bytes, Message, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All subscriptions, and what waits.
#[derive(Debug)]
pub(super) struct Lamps {
    waiting: BTreeMap<Arc<str>, Waiting>,
    lamps: BTreeMap<LampKey, (AgentId, Lamp)>,
    /// Phones that are told without having asked.
    unasked: BTreeMap<LampKey, (AgentId, Unasked)>,
    /// They by their Call-IDs.
    by_id: BTreeMap<Vec<u8>, BTreeSet<LampKey>>,
    deadlines: Deadlines<LampKey>,
    next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LampKey(u64);

/// Subscriptions at once: some kilobytes each.
const LAMPS_MAX: usize = 10_000;

/// Those of one mailbox: phones of a large office, so that a phone that forgets what it has asked for takes no other mailbox's place.
const LAMPS_OF_ONE: usize = 500;

/// What a phone is told for which there is no place: 503 would lead its calls elsewhere too.
const FULL: (u16, &[u8]) = (480, b"Retry-After: 600\r\n");

impl Lamps {
    pub(super) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            lamps: BTreeMap::new(),
            unasked: BTreeMap::new(),
            by_id: BTreeMap::new(),
            deadlines: Deadlines::new(),
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lamps.len()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadlines.first()
    }

    /// A phone wants to know what waits in this mailbox.
    pub(super) fn subscribe(
        &mut self,
        subscribe: &Message,
        (agent, desk): (AgentId, Desk),
        (mailbox, account): (&Arc<str>, String),
        chance: u64,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let of_it = self.lamps.values().filter(|(_, lamp)| lamp.is_lit() && lamp.mailbox() == mailbox);
        if self.lamps.len() >= LAMPS_MAX || of_it.count() >= LAMPS_OF_ONE {
            let (tag, (status, lines)) = (format!("{chance:x}"), FULL);
            let extra = Extra { to_tag: tag.as_bytes(), lines };
            let bytes = response(subscribe, agent.address(), status, phrase(status), extra);
            return out.push(Output::Sip { agent, bytes });
        }
        let waiting = self.waiting.get(mailbox).copied().unwrap_or_default();
        let told = (Arc::clone(mailbox), account, waiting);
        let mut said = Vec::new();
        match Lamp::start(subscribe, agent.address(), desk, told, chance, now, &mut said) {
            Ok(lamp) => {
                let key = self.key();
                self.by_id.entry(subscribe.call_id().to_vec()).or_default().insert(key);
                self.deadlines.keep(key, lamp.deadline());
                self.lamps.insert(key, (agent, lamp));
            }
            Err(refusal) => said.push(refusal),
        }
        say(agent, said, out);
    }

    /// Takes a message that belongs to a subscription; `false` if it belongs to none.
    pub(super) fn on_message(&mut self, message: &Message, now: Time, out: &mut Vec<Output>) -> bool {
        let owns = |key: &LampKey| {
            self.lamps.get(key).is_some_and(|(_, lamp)| lamp.owns(message)) || self.unasked.contains_key(key)
        };
        let Some(key) = self.by_id.get(message.call_id()).and_then(|keys| keys.iter().copied().find(owns))
        else {
            return false;
        };
        if self.unasked.contains_key(&key) {
            if !message.is_request() {
                self.with_unasked(key, out, |phone, said| phone.on_response(message.clone(), now, said));
            }
            return !message.is_request();
        }
        self.with(key, out, |lamp, said| {
            if message.is_request() {
                lamp.on_request(message, now, said);
            } else {
                lamp.on_response(message.clone(), now, said);
            }
        });
        true
    }

    /// So many messages wait in a mailbox now.
    pub(super) fn on_waiting(
        &mut self,
        mailbox: &Arc<str>,
        waiting: Waiting,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        if self.waiting.insert(Arc::clone(mailbox), waiting) == Some(waiting) {
            return;
        }
        self.each(|lamp| lamp.mailbox() == mailbox, out, |lamp, said| lamp.on_waiting(waiting, now, said));
        let of_it = self.unasked.iter().filter(|(_, (_, phone))| phone.mailbox() == mailbox);
        let keys: Vec<LampKey> = of_it.map(|(key, _)| *key).collect();
        for key in keys {
            self.with_unasked(key, out, |phone, said| phone.on_waiting(waiting, now, said));
        }
    }

    /// Another plan holds: what it does not have is subscribed to no more.
    pub(super) fn apply(&mut self, guide: &Guide, now: Time, out: &mut Vec<Output>) {
        self.waiting.retain(|mailbox, _| guide.mailboxes.contains_key(mailbox));
        let is_gone = |lamp: &Lamp| !guide.mailboxes.contains_key(lamp.mailbox());
        self.each(is_gone, out, |lamp, said| lamp.end(Why::NoResource, now, said));
        let is_told = |agent: &AgentId, phone: &Unasked| {
            let is_his = |mailbox: &Mailbox| mailbox.lamps.contains(phone.uri());
            matches!(guide.agents.get(agent), Some(Role::Mailbox(name)) if name == phone.mailbox())
                && guide.mailboxes.get(phone.mailbox()).is_some_and(|mailbox| is_his(mailbox))
        };
        let others = self.unasked.iter().filter(|(_, (agent, phone))| !is_told(agent, phone));
        let others: Vec<LampKey> = others.map(|(key, _)| *key).collect();
        for key in others {
            if let Some((_, phone)) = self.unasked.remove(&key) {
                self.by_id.remove(phone.call_id().as_bytes());
                self.deadlines.keep(key, None);
            }
        }
    }

    /// A phone is told what waits in this mailbox without having asked, if it is not already.
    pub(super) fn add_unasked(
        &mut self,
        (agent, desk): (AgentId, Desk),
        told: (Arc<str>, String),
        uri: &Arc<str>,
        chance: u64,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut all = self.unasked.values();
        if all.any(|(_, phone)| phone.mailbox() == &told.0 && phone.uri() == uri) {
            return;
        }
        let (key, waiting) = (self.key(), self.waiting.get(&told.0).copied());
        let phone = Unasked::new(told, Arc::clone(uri), desk, chance, now);
        self.by_id.entry(phone.call_id().into_bytes()).or_default().insert(key);
        self.unasked.insert(key, (agent, phone));
        if let Some(waiting) = waiting {
            self.with_unasked(key, out, |phone, said| phone.on_waiting(waiting, now, said));
        }
    }

    /// Acts if a deadline has come.
    pub(super) fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(key) = self.deadlines.due(now) {
            if self.unasked.contains_key(&key) {
                self.with_unasked(key, out, |phone, said| phone.on_deadline(now, said));
            } else {
                self.with(key, out, |lamp, said| lamp.on_deadline(now, said));
            }
        }
    }

    const fn key(&mut self) -> LampKey {
        self.next += 1;
        LampKey(self.next)
    }

    fn with_unasked(
        &mut self,
        key: LampKey,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Unasked, &mut Vec<Bytes>),
    ) {
        let Some((agent, phone)) = self.unasked.get_mut(&key) else { return };
        let mut said = Vec::new();
        act(phone, &mut said);
        self.deadlines.keep(key, phone.deadline());
        say(*agent, said, out);
    }

    fn each(
        &mut self,
        wanted: impl Fn(&Lamp) -> bool,
        out: &mut Vec<Output>,
        act: impl Fn(&mut Lamp, &mut Vec<Bytes>),
    ) {
        let those = self.lamps.iter().filter(|(_, (_, lamp))| wanted(lamp));
        let keys: Vec<LampKey> = those.map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.with(key, out, &act));
    }

    /// Lets a subscription do something, and keeps the tables in step with it.
    fn with(&mut self, key: LampKey, out: &mut Vec<Output>, act: impl FnOnce(&mut Lamp, &mut Vec<Bytes>)) {
        let Some((agent, lamp)) = self.lamps.get_mut(&key) else { return self.deadlines.keep(key, None) };
        let mut said = Vec::new();
        act(lamp, &mut said);
        say(*agent, said, out);
        self.deadlines.keep(key, lamp.deadline());
        if lamp.is_done() {
            let id = lamp.call_id().to_vec();
            self.lamps.remove(&key);
            if let Some(keys) = self.by_id.get_mut(&id) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.by_id.remove(&id);
                }
            }
        }
    }
}

fn say(agent: AgentId, said: Vec<Bytes>, out: &mut Vec<Output>) {
    out.extend(said.into_iter().map(|bytes| Output::Sip { agent, bytes }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::txn::{Reliability, Timers};

    #[test]
    fn who_only_ever_looks_takes_no_more_places_than_there_are_and_gives_them_back() {
        let (agent, mailbox): (_, Arc<str>) = (AgentId(2), "inbox".into());
        let desk = Desk {
            contact: "<sip:agent-2@192.0.2.1>".into(),
            via: "SIP/2.0/INSIDE [100::2]:5060".into(),
            reliability: Reliability::Reliable,
            timers: Timers::default(),
        };
        let mut lamps = Lamps::new();
        let mut look = |number: usize, now| {
            let text = format!(
                "SUBSCRIBE sip:inbox@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/INSIDE [100::]:5060;branch=z9hG4bK{number}\r\n\
                From: <sip:100@10.0.0.1>;tag=1\r\nTo: <sip:inbox@192.0.2.1>\r\nCall-ID: {number}\r\nCSeq: 1 SUBSCRIBE\r\n\
                Contact: <sip:100@10.0.0.1>\r\nEvent: message-summary\r\nExpires: 0\r\n\r\n"
            );
            let (subscribe, mut out) = (Message::parse(text.into_bytes().into()).unwrap(), Vec::new());
            let told = (&mailbox, "sip:inbox@192.0.2.1".to_owned());
            lamps.on_deadline(now, &mut Vec::new());
            lamps.subscribe(&subscribe, (agent, desk.clone()), told, number as u64, now, &mut out);
            let Some(Output::Sip { bytes, .. }) = out.first() else { unreachable!("it is answered") };
            Message::parse(bytes.clone()).unwrap().status()
        };
        let all: BTreeSet<_> = (0..LAMPS_MAX).map(|number| look(number, Time::ZERO)).collect();
        assert_eq!((all, look(LAMPS_MAX, Time::ZERO)), (BTreeSet::from([Some(200)]), Some(480)));
        // Nobody has answered what he was told.
        let later = Time::ZERO + core::time::Duration::from_secs(32);
        assert_eq!(look(LAMPS_MAX + 1, later), Some(200));
        assert_eq!(lamps.len(), 1);
    }
}
