//! Where people have to press 1 a call is two for who watches the wire: the caller's, and the one by which somebody is asked. So
//! less is promised there: a call has its end, nobody is left ringing or up, of those who press 1 one has the call, and it ends when one of
//! the two has hung up, or when their carrier says that it has joined them by itself.

use super::upstream::Name;
use super::{Cause, Oracle, Sent, Turn};
use crate::glance::{Glance, Head, Packet, Verb};
use core::net::SocketAddr;
use core::time::Duration;
use router::inside::{AgentId, SCREEN};
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was seen of a node that asks.
#[derive(Debug)]
pub(super) struct Asked {
    /// By life and branch.
    calls: BTreeMap<(u32, u64), Call>,
    rings: BTreeMap<(u32, u64), Ring>,
    /// Calls that somebody hung up: Call-ID and both tags.
    over: BTreeSet<Tags>,
    /// Calls whose caller has acknowledged an answer.
    heard: BTreeSet<Tags>,
    /// Calls that their carrier says to have joined to others.
    told: BTreeSet<Tags>,
    /// How often somebody pressed 1.
    pressed: u64,
    /// In which call, with which tag, and when, the last one did who was told that it was heard.
    presses: Option<(u64, u64, Time)>,
    /// When a node last began or died: the calls of agents end there, and nobody else knows them.
    changed: Time,
}

/// A call: its Call-ID and both tags.
type Tags = (u64, u64, u64);

/// One INVITE that came from a caller.
#[derive(Debug)]
struct Call {
    invite: Arc<Packet>,
    began: Time,
    taken: bool,
    ended: Option<Time>,
    /// Who has it after having pressed 1.
    joined: BTreeSet<u64>,
}

/// One INVITE that went out, by whomever.
#[derive(Debug)]
struct Ring {
    invite: Arc<Packet>,
    call: u64,
    from_tag: u64,
    /// The branch below its own; what comes without it goes no further.
    below: u64,
    to: SocketAddr,
    began: Time,
    heard: Option<Time>,
    ended: bool,
    cancelled: Option<Time>,
    lost: bool,
    /// The call of whom it was for, if 1 was pressed, and his own.
    joined: Option<(Tags, Tags)>,
    answers: BTreeSet<u64>,
}

/// The longest walk, and 64 · T1 behind it.
const WALK_MAX: Duration = Duration::from_secs(180 + 32);

/// What comes of an INVITE later than this after its CANCEL, or after nothing, finds nobody here.
const LIFE: Duration = Duration::from_secs(32);

impl Asked {
    pub(super) const fn new() -> Self {
        Self {
            calls: BTreeMap::new(),
            rings: BTreeMap::new(),
            over: BTreeSet::new(),
            heard: BTreeSet::new(),
            told: BTreeSet::new(),
            pressed: 0,
            presses: None,
            changed: Time::ZERO,
        }
    }

    /// A node begins or dies.
    pub(super) const fn change(&mut self, now: Time) {
        self.changed = now;
    }

    /// Was all that began then to come to its end by itself, and has it had the time for it?
    fn is_judged(&self, began: Time, now: Time) -> bool {
        began > self.changed && now.since(began) >= WALK_MAX
    }

    fn came(&mut self, turn: &Turn<'_>, packet: &Packet, glance: &Glance) {
        let (key, now) = ((turn.life, glance.branch), turn.now);
        match (glance.is_request(), glance.verb) {
            (true, Verb::Invite) if glance.to_tag == 0 => {
                let Cause::Packet { packet, .. } = turn.cause else { return };
                let (invite, ended, joined) = (Arc::clone(packet), None, BTreeSet::new());
                let call = Call { invite, began: now, taken: false, ended, joined };
                // A copy that comes when nobody knows its call any more (RFC 6026 §7.1) is another call.
                let is_over = |call: &Call| call.ended.is_some_and(|ended| now.since(ended) >= LIFE);
                if self.calls.get(&key).is_none_or(is_over) {
                    self.calls.insert(key, call);
                }
            }
            (true, Verb::Bye) => _ = self.over.insert(tags(glance)),
            (true, Verb::Other) if packet.bytes.starts_with(b"INFO ") => self.pressed += 1,
            (true, Verb::Notify) if packet.bytes.ends_with(b"\r\n\r\nSIP/2.0 200 So\r\n") => {
                self.told.insert(tags(glance));
            }
            (true, Verb::Ack) => _ = self.heard.insert(tags(glance)),
            (false, Verb::Invite) => {
                let Some(ring) = self.rings.get_mut(&key) else { return };
                let first = *ring.heard.get_or_insert(now);
                let waited = ring.cancelled.map_or(first.since(ring.began), |at| now.since(at));
                match glance.status {
                    0..=199 => {}
                    200..=299 if waited < LIFE && ring.below == glance.second => {
                        (ring.ended, _) = (true, ring.answers.insert(glance.to_tag));
                    }
                    200.. => ring.ended = true,
                }
            }
            (
                true,
                Verb::Invite
                | Verb::Cancel
                | Verb::Options
                | Verb::Register
                | Verb::Subscribe
                | Verb::Notify
                | Verb::Other,
            )
            | (
                false,
                Verb::Ack
                | Verb::Bye
                | Verb::Cancel
                | Verb::Options
                | Verb::Register
                | Verb::Subscribe
                | Verb::Notify
                | Verb::Other,
            ) => {}
        }
    }

    /// Takes note of what went out, and says what is wrong with it.
    fn went(&mut self, turn: &Turn<'_>, sent: &Sent, glance: &Glance) -> Option<Wrong> {
        let (key, now, to) = ((turn.life, glance.branch), turn.now, sent.to);
        match (glance.is_request(), glance.verb) {
            (true, Verb::Invite) if glance.to_tag == 0 => {
                let ring = Ring {
                    invite: Arc::clone(&sent.packet),
                    call: glance.call,
                    from_tag: glance.from_tag,
                    below: glance.second,
                    to,
                    began: now,
                    heard: None,
                    ended: false,
                    cancelled: None,
                    lost: false,
                    joined: None,
                    answers: BTreeSet::new(),
                };
                self.rings.entry(key).or_insert(ring);
            }
            (true, Verb::Cancel) => {
                let ring = self.rings.get_mut(&key);
                ring.into_iter().for_each(|ring| _ = ring.cancelled.get_or_insert(now));
            }
            (true, Verb::Bye) => {
                let wrong = self.is_cut(tags(glance)).then_some((22, "nobody has hung up, and it ends"));
                self.over.insert(tags(glance));
                return wrong;
            }
            (false, Verb::Invite) => return self.answered(key, &sent.packet, glance, now),
            // Of several who press at once each is told so just before his caller is answered: what came last says nothing.
            (false, Verb::Other) if glance.value(&sent.packet.bytes, Head::CSeq).ends_with(b" INFO") => {
                self.presses = Some((glance.call, glance.from_tag, now));
            }
            (
                true,
                Verb::Invite
                | Verb::Ack
                | Verb::Options
                | Verb::Register
                | Verb::Subscribe
                | Verb::Notify
                | Verb::Other,
            )
            | (
                false,
                Verb::Ack
                | Verb::Bye
                | Verb::Cancel
                | Verb::Options
                | Verb::Register
                | Verb::Subscribe
                | Verb::Notify
                | Verb::Other,
            ) => {}
        }
        None
    }

    /// Takes note of what a caller is answered.
    fn answered(&mut self, key: (u32, u64), packet: &Packet, glance: &Glance, now: Time) -> Option<Wrong> {
        let call = self.calls.get_mut(&key)?;
        call.taken = true;
        if glance.status >= 200 {
            call.ended.get_or_insert(now);
        }
        let screen = format!("sip:{}@", SCREEN.contact());
        let contact = glance.value(&packet.bytes, Head::Contact);
        let is_screen = contact.windows(screen.len()).any(|part| part == screen.as_bytes());
        if is_screen && (200..300).contains(&glance.status) {
            let is_new = call.joined.insert(glance.to_tag);
            let (of, tag, at) = self.presses.unwrap_or_default();
            // A try that was refused for want of credentials bears the same Call-ID as the one that was answered.
            let is_his = |ring: &Ring| (ring.call, now) == (of, at) && ring.answers.contains(&tag);
            let is_it = |ring: &&mut Ring| is_new && ring.joined.is_none() && is_his(ring);
            if let Some(ring) = self.rings.values_mut().find(is_it) {
                ring.joined = Some((tags(glance), ends(of, ring.from_tag, tag)));
            }
        }
        (call.joined.len() > 1).then_some((5, "two who pressed 1 have it"))
    }

    /// Does a BYE from here end a call that somebody took by pressing 1, and that nobody has ended? Who never acknowledged its answer has
    /// none.
    fn is_cut(&self, call: Tags) -> bool {
        let joined = self.rings.values().filter_map(|ring| ring.joined);
        let mut its = joined.filter(|(caller, person)| [caller, person].contains(&&call));
        its.any(|(caller, person)| {
            let is_over = [caller, person].iter().any(|end| self.over.contains(end));
            !is_over && self.heard.contains(&caller) && !self.told.contains(&caller)
        })
    }
}

impl Oracle {
    /// Takes note of what a node that asks did with one event.
    pub(crate) fn turn_asked(&mut self, turn: &Turn<'_>) {
        self.now = turn.now;
        if let Cause::Lost(path, _) = turn.cause {
            let is_its = |(life, _): &(u32, u64), ring: &Ring| *life == turn.life && ring.to == path.remote;
            let rings = self.asked.rings.iter_mut().filter(|(key, ring)| is_its(key, ring));
            rings.for_each(|(_, ring)| ring.lost = true);
        }
        if let Some((from, packet, glance)) = turn.came()
            && AgentId::at(from).is_none()
        {
            self.asked.came(turn, packet, glance);
        }
        for (sent, glance) in turn.went().filter(|(sent, _)| !sent.over.is_inside()) {
            self.looked(if glance.is_request() && glance.verb == Verb::Bye { 22 } else { 5 });
            if let Some((invariant, wrong)) = self.asked.went(turn, sent, glance) {
                self.broken(invariant, || format!("{}: {wrong}", Name(&sent.packet)));
            }
        }
    }

    /// Judges a run of nodes that ask, when it has come to rest.
    pub(crate) fn at_end_asked(&mut self, now: Time) {
        let asked = core::mem::replace(&mut self.asked, Asked::new());
        for ((life, _), call) in &asked.calls {
            if !call.taken || !asked.is_judged(call.began, now) {
                continue;
            }
            self.looked(3);
            match call.ended {
                None => self.broken(3, || format!("{}: no final response", Name(&call.invite))),
                Some(ended) if ended.since(call.began) > WALK_MAX && !self.was_paused(*life) => {
                    self.broken(3, || format!("{}: the final response came late", Name(&call.invite)));
                }
                Some(_) => {}
            }
        }
        for ((life, _), ring) in &asked.rings {
            if !asked.is_judged(ring.began, now) {
                continue;
            }
            self.looked(7);
            let is_early = ring.heard.is_some_and(|heard| heard.since(ring.began) < LIFE);
            let is_over = ring.ended || ring.cancelled.is_some() || ring.lost;
            if is_early && !is_over {
                self.broken(7, || {
                    format!("{}: {} was left ringing, rung at {}", Name(&ring.invite), ring.to, ring.began)
                });
            }
            // Of a call that only passes both sides hang up.
            let passes = asked.calls.contains_key(&(*life, ring.below));
            // Whoever has hung up may not be heard; then nobody here can know.
            let talks = ring.joined.is_some_and(|(call, _)| !asked.over.contains(&call));
            let is_up = |tag: &u64| !talks && !asked.over.contains(&ends(ring.call, ring.from_tag, *tag));
            if !passes && ring.answers.iter().any(is_up) {
                self.broken(7, || {
                    format!("{}: nobody hung up at {}, rung at {}", Name(&ring.invite), ring.to, ring.began)
                });
            }
        }
        self.stats.pressed += asked.pressed;
        self.stats.joined += asked.told.len() as u64;
    }
}

/// The number of an invariant, and how it is broken.
type Wrong = (u8, &'static str);

fn tags(glance: &Glance) -> Tags {
    ends(glance.call, glance.from_tag, glance.to_tag)
}

fn ends(call: u64, one: u64, other: u64) -> Tags {
    (call, one.min(other), one.max(other))
}
