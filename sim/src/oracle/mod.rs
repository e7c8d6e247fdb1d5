//! Who watches: the invariants, judged after every event by what goes over the wire and by the records alone.
//!
//! A context is one INVITE that came from a caller; a leg is one INVITE that a node sent for it.

mod accounts;
mod asked;
mod books;
mod callers;
mod crowd;
mod ends;
mod legs;
mod names;
mod order;
mod reach;
mod upstream;
mod wire;

use crate::chance::{mix, mix_word};
use crate::glance::{Glance, Packet, Verb};
use asked::Asked;
use core::fmt;
use core::net::SocketAddr;
use names::Named;
use router::door::{Event, Identity};
use router::health::{Side, Standing};
use router::load::Counted;
use router::path::{Loss, Path, Transport};
use router::record::{CallRecord, Entry};
use router::target::{Peer, PeerHost};
use router::{Node, Plan};
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed of the run.
    pub seed: u64,
    /// When.
    pub at: Time,
    /// Which invariant.
    pub invariant: u8,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "seed {} at {}: invariant {}: {}", self.seed, self.at, self.invariant, self.text)
    }
}

/// What made a node act.
#[derive(Clone, Debug)]
pub enum Cause {
    /// A datagram.
    Packet {
        /// From.
        from: SocketAddr,
        /// To which of the node's addresses.
        to: SocketAddr,
        /// What.
        packet: Arc<Packet>,
    },
    /// The way along a path was lost.
    Lost(Path, Loss),
    /// Time.
    Tick,
    /// Its owner.
    Other,
}

impl Cause {
    /// Is it a request inside of a call?
    pub(crate) fn is_in_dialog(&self) -> bool {
        match self {
            Self::Packet { packet, .. } => {
                let glance = packet.glance.as_ref();
                glance.is_some_and(|glance| glance.is_request() && glance.to_tag != 0)
            }
            Self::Lost(..) | Self::Tick | Self::Other => false,
        }
    }
}

/// A datagram that a node sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// From which of its addresses.
    pub from: SocketAddr,
    /// Where to.
    pub to: SocketAddr,
    /// How.
    pub over: Transport,
    /// What.
    pub packet: Arc<Packet>,
}

/// One event at one node, and all that came of it.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Which life of which node.
    pub life: u32,
    /// When.
    pub now: Time,
    /// Why.
    pub cause: &'a Cause,
    /// What it sent, in order.
    pub sent: &'a [Sent],
    /// What it recorded, in order.
    pub records: &'a [Entry],
    /// The node itself, for its counters.
    pub node: &'a Node,
}

impl<'a> Turn<'a> {
    /// The message that caused it, if one did.
    fn came(&self) -> Option<(SocketAddr, &'a Packet, &'a Glance)> {
        match self.cause {
            Cause::Packet { from, packet, .. } => {
                packet.glance.as_ref().map(|glance| (*from, &**packet, glance))
            }
            Cause::Lost(..) | Cause::Tick | Cause::Other => None,
        }
    }

    /// The messages that were sent.
    fn went(&self) -> impl Iterator<Item = (&'a Sent, &'a Glance)> + use<'a> {
        self.sent.iter().filter_map(|sent| sent.packet.glance.as_ref().map(|glance| (sent, glance)))
    }
}

/// A life of a node: from its start to its end.
#[derive(Debug, Default)]
struct Life {
    plans: Vec<Arc<Plan>>,
    /// Since when it takes no new calls.
    draining: Option<Time>,
    died: Option<Time>,
    /// When it stood still, each time.
    pauses: Vec<Time>,
    /// What it knows of names.
    named: Named,
    /// The paths it watches, and since when.
    watched: BTreeMap<Path, Time>,
    /// What it believes of each path, and since when.
    standing: BTreeMap<Path, (Standing, Time)>,
    /// What stands beside that, and since when.
    sides: BTreeMap<Path, (Option<Side>, Time)>,
    /// Which paths it has ever believed UP, and when each came back to that last.
    returned: BTreeMap<Path, Option<Time>>,
    /// Which of those that are DOWN have asked for it themselves, for a time.
    away: BTreeSet<Path>,
    /// Who has asked who we are.
    askers: BTreeSet<SocketAddr>,
    /// Which peers have refused our credentials or taken them again: whether they do now, and since when.
    logins: BTreeMap<Arc<str>, (bool, Time)>,
    /// The ids of its call records.
    records: BTreeSet<u64>,
    /// What it had in memory after its last event.
    lingering: usize,
}

/// One INVITE that came from a caller.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) life: u32,
    pub(crate) call: u64,
    pub(crate) invite: Arc<Packet>,
    pub(crate) source: SocketAddr,
    pub(crate) began: Time,
    /// Which plan of its life was in force.
    plan: usize,
    pub(crate) admitted: bool,
    pub(crate) legs: Vec<u64>,
    /// When the caller was first told that it rings.
    pub(crate) rang: Option<Time>,
    pub(crate) cancelled: Option<Time>,
    /// The first 2xx that a node took for it.
    pub(crate) answered: Option<Time>,
    /// The refusal that went up, with its To tag.
    pub(crate) refused: Option<(Time, u16, u64)>,
    /// When a 2xx went up.
    pub(crate) accepted: Option<Time>,
    acked: Option<Time>,
    records: u32,
    /// Is it a call for help or back? Limits do not hold for it.
    pub(crate) urgent: bool,
    /// Does it ring no phone numbers, since it came back or its plan has sent out enough?
    pub(crate) confined: bool,
    /// How often an INVITE of the same branch had begun a context before.
    pub(crate) copies: u32,
}

impl Inbound {
    /// When its final response went up.
    pub(crate) fn over(&self) -> Option<Time> {
        match (self.accepted, self.refused) {
            (Some(accepted), Some((refused, _, _))) => Some(accepted.min(refused)),
            (Some(at), None) | (None, Some((at, _, _))) => Some(at),
            (None, None) => None,
        }
    }
}

/// One INVITE that a node sent.
#[derive(Debug)]
pub(crate) struct Leg {
    /// What it counts for.
    pub(crate) counted: Vec<Counted>,
    pub(crate) life: u32,
    pub(crate) context: u64,
    /// Which context of that branch: see [`Inbound::copies`].
    pub(crate) copy: u32,
    /// The INVITE that came for it.
    pub(crate) invite: Arc<Packet>,
    pub(crate) packet: Arc<Packet>,
    pub(crate) to: SocketAddr,
    pub(crate) over: Transport,
    /// Did it begin over a stream?
    pub(crate) streamed: bool,
    /// By which addresses its target could have been rung as well when it began.
    pub(crate) outside: Vec<SocketAddr>,
    pub(crate) began: Time,
    pub(crate) heard: Option<Time>,
    pub(crate) rang: Option<Time>,
    pub(crate) last: Option<(Time, u16)>,
    /// Its refusal as it came: the To tag, and all that a proxy leaves alone.
    pub(crate) refusal: Option<(u64, u64)>,
    pub(crate) answered: bool,
    /// The To tag of its first 2xx.
    pub(crate) to_tag: Option<u64>,
    /// Had the BYE of its call passed before its 2xx came?
    pub(crate) overtaken: bool,
    /// Was it told that somebody is busy, or a site that it has no line left: by status, or by a cause (RFC 6432)?
    pub(crate) busy: bool,
    /// Was it told by a cause that who calls is not accepted?
    pub(crate) identity: bool,
    pub(crate) cancel: Option<(Time, Arc<Packet>)>,
    pub(crate) unreachable: Option<Time>,
    /// Its stream was closed, once, and whether nothing has come since.
    pub(crate) closed: Option<bool>,
    /// Its stream no longer answered, after it had.
    pub(crate) stalled: Option<Time>,
}

impl Leg {
    /// Takes note of a loss on its path.
    fn lose(&mut self, loss: Loss, now: Time) {
        match (loss, self.closed) {
            (Loss::Unreachable, Some(true)) | (Loss::Closed, Some(_)) => {
                self.unreachable.get_or_insert(now);
            }
            (Loss::Closed, None) => self.closed = Some(true),
            (Loss::Unreachable | Loss::Stalled, _) if self.heard.is_none() => {
                self.unreachable.get_or_insert(now);
            }
            (Loss::Stalled, _) => {
                self.stalled.get_or_insert(now);
            }
            (Loss::Unreachable, None | Some(false)) => {}
        }
    }
}

/// How often each promise was looked at: a check that never had anything to look at proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// By number of the invariant.
    pub looked: [u64; 23],
    /// How often somebody pressed 1.
    pub pressed: u64,
    /// How often a carrier said that it has joined two calls by itself.
    pub joined: u64,
}

/// The watcher.
#[derive(Debug)]
pub struct Oracle {
    /// What was broken so far.
    pub violations: Vec<Violation>,
    /// How often was looked.
    pub stats: Stats,
    /// Does a 2xx on a leg of a former life, passed on by its seal, have to end the walk that a copy of the same
    /// INVITE began in this life?
    pub across_lives: bool,
    seed: u64,
    now: Time,
    lives: BTreeMap<u32, Life>,
    contexts: BTreeMap<(u32, u64), Inbound>,
    by_call: BTreeMap<(u32, u64, u64), u64>,
    legs: BTreeMap<u64, Leg>,
    /// Which leg each callee has answered on, by Call-ID and the callee's tag.
    by_tag: BTreeMap<(u64, u64), u64>,
    known: BTreeSet<SocketAddr>,
    /// Where each request came from, by its branch and method.
    askers: BTreeMap<(u64, Verb), SocketAddr>,
    /// Call-ID and To tag of every 2xx that went up.
    answers: BTreeSet<(u64, u64)>,
    /// Life, Call-ID and both tags of every BYE that was passed on.
    byes: BTreeSet<(u32, u64, u64, u64)>,
    node_addresses: BTreeSet<SocketAddr>,
    asked: Asked,
    /// All addresses that a host name ever leads to.
    homes: Homes,
    key: [u8; 16],
}

/// Host names with all addresses that they ever lead to.
type Homes = BTreeMap<&'static str, BTreeSet<SocketAddr>>;

/// All addresses that a peer ever has.
fn addresses_at(peer: &Peer, homes: &Homes) -> BTreeSet<SocketAddr> {
    match &peer.host {
        PeerHost::Ip(ip) => BTreeSet::from([SocketAddr::new(*ip, peer.port.unwrap_or(5060))]),
        PeerHost::Name(host) => homes.get(&**host).cloned().unwrap_or_default(),
    }
}

/// More violations of one run than this say nothing new.
const VIOLATIONS_MAX: usize = 50;

impl Oracle {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            violations: Vec::new(),
            stats: Stats { looked: [0; 23], pressed: 0, joined: 0 },
            across_lives: true,
            seed,
            now: Time::ZERO,
            lives: BTreeMap::new(),
            contexts: BTreeMap::new(),
            by_call: BTreeMap::new(),
            legs: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            known: BTreeSet::new(),
            askers: BTreeMap::new(),
            answers: BTreeSet::new(),
            byes: BTreeSet::new(),
            node_addresses: BTreeSet::new(),
            asked: Asked::new(),
            homes: Homes::new(),
            key: [0; 16],
        }
    }

    /// An address of somebody a node may write to.
    pub(crate) fn know(&mut self, address: SocketAddr) {
        self.known.insert(address);
    }

    /// An address that a host name may lead to.
    pub fn houses(&mut self, host: &'static str, address: SocketAddr) {
        self.homes.entry(host).or_default().insert(address);
    }

    /// A node's place.
    pub(crate) fn sits(&mut self, identity: &Identity, _plan: &Arc<Plan>) {
        self.key = identity.key;
        self.node_addresses.extend(identity.listeners.iter().map(|listener| listener.address));
    }

    /// A node starts.
    pub(crate) fn begins(&mut self, life: u32, plan: &Arc<Plan>, now: Time) {
        self.now = now;
        self.asked.change(now);
        self.lives.insert(life, Life { plans: vec![Arc::clone(plan)], ..Life::default() });
    }

    /// A node is killed.
    pub(crate) fn dies(&mut self, life: u32, now: Time) {
        self.asked.change(now);
        if let Some(life) = self.lives.get_mut(&life) {
            life.died = Some(now);
        }
    }

    /// A node stands still.
    pub(crate) fn pauses(&mut self, life: u32, now: Time) {
        if let Some(life) = self.lives.get_mut(&life) {
            life.pauses.push(now);
        }
    }

    /// An event is about to be handed to a node.
    pub(crate) fn before(&mut self, life: u32, event: &Event, now: Time) {
        self.now = now;
        let Some(life) = self.lives.get_mut(&life) else { return };
        match event {
            Event::Apply(plan) => {
                let switched = life.plans.last().is_some_and(|last| plan.differs_in_orders_alone(last));
                life.plans.push(Arc::clone(plan));
                // A new plan is a new trial; what is switched by hand is not.
                life.logins.values_mut().filter(|_| !switched).for_each(|known| *known = (false, now));
            }
            Event::Drain => _ = life.draining.get_or_insert(now),
            Event::Received { .. }
            | Event::Lost { .. }
            | Event::Resolved { .. }
            | Event::Clock { .. }
            | Event::Tick => (),
        }
    }

    /// Judges what a node did with one event.
    pub(crate) fn turn(&mut self, turn: &Turn<'_>) {
        self.note_accounts(turn);
        let fresh = self.notice(turn);
        self.inv_01_one_verdict(turn);
        self.inv_02_every_2xx_counts(turn);
        self.inv_10_hiding(turn);
        self.inv_11_other_methods(turn);
        self.inv_05_09_legs(turn);
        self.inv_09_refusals_are_acknowledged(turn, fresh);
        self.inv_09_acks_of_answers_are_passed_on(turn);
        self.inv_07_the_others_are_cancelled(turn);
        self.inv_12_fidelity(turn);
        self.inv_18_shedding(turn);
        self.inv_18_cut_off(turn);
        self.inv_20_no_stray_output(turn);
        self.inv_20_credentials(turn);
        self.note_byes(turn);
        self.inv_15_16_17_books(turn);
        self.inv_19_accounting(turn);
        self.inv_21_names(turn);
    }

    /// Writes a violation down.
    pub(crate) fn broken(&mut self, invariant: u8, text: impl FnOnce() -> String) {
        if self.violations.len() < VIOLATIONS_MAX {
            let violation = Violation { seed: self.seed, at: self.now, invariant, text: text() };
            self.violations.push(violation);
        }
    }

    pub(crate) const fn looked(&mut self, invariant: usize) {
        self.stats.looked[invariant] += 1;
    }

    fn plan_of(&self, context: &Inbound) -> Option<&Arc<Plan>> {
        self.lives.get(&context.life).and_then(|life| life.plans.get(context.plan))
    }

    /// Takes note of what came before anything is judged. True if a leg got its first final response by it.
    fn notice(&mut self, turn: &Turn<'_>) -> bool {
        if let Cause::Lost(path, loss) = turn.cause {
            // A stream that is not to be had says nothing of datagrams.
            let here = |leg: &Leg| leg.to == path.remote && leg.over == path.transport;
            let hit = |leg: &&mut Leg| here(leg) && leg.life == turn.life && leg.last.is_none();
            self.legs.values_mut().filter(hit).for_each(|leg| leg.lose(*loss, turn.now));
        }
        let Some((from, packet, glance)) = turn.came() else { return false };
        if glance.is_request() && glance.to_tag != 0 {
            self.notice_callee(packet, glance);
        }
        if !glance.is_request() {
            return glance.verb == Verb::Invite && self.notice_response(turn, glance);
        }
        self.askers.insert((glance.branch, glance.verb), from);
        let key = (turn.life, glance.branch);
        match glance.verb {
            Verb::Invite if glance.to_tag == 0 => self.notice_invite(turn, from, glance),
            Verb::Cancel => {
                if let Some(context) = self.contexts.get_mut(&key)
                    && context.over().is_none()
                    && context.source.ip() == from.ip()
                {
                    context.cancelled.get_or_insert(turn.now);
                }
            }
            Verb::Ack => {
                if let Some(context) = self.contexts.get_mut(&key) {
                    context.acked.get_or_insert(turn.now);
                }
            }
            Verb::Invite
            | Verb::Bye
            | Verb::Options
            | Verb::Register
            | Verb::Subscribe
            | Verb::Notify
            | Verb::Other => (),
        }
        false
    }

    fn notice_response(&mut self, turn: &Turn<'_>, glance: &Glance) -> bool {
        if glance.to_tag != 0 && self.legs.contains_key(&glance.branch) {
            self.by_tag.entry((glance.call, glance.to_tag)).or_insert(glance.branch);
        }
        let Some(leg) = self.legs.get_mut(&glance.branch).filter(|leg| leg.life == turn.life) else {
            return false;
        };
        // With another CSeq it is no answer to what was asked; a node may pass it on or not, but not act on it.
        if leg.packet.glance.as_ref().is_none_or(|invite| invite.cseq != glance.cseq) {
            return false;
        }
        leg.heard.get_or_insert(turn.now);
        leg.closed = leg.closed.map(|_| false);
        if glance.status < 200 {
            if glance.status > 100 {
                leg.rang.get_or_insert(turn.now);
            }
            return false;
        }
        // RFC 3261 §16.7 step 3: without a Via beneath ours it is not for us to forward.
        let usable = glance.second == leg.context;
        let first = leg.last.is_none();
        if first {
            leg.last = Some((turn.now, glance.status));
            let bytes = turn.came().map_or(&[][..], |(_, packet, _)| &packet.bytes);
            let reason = glance.named(bytes, "Reason").unwrap_or_default();
            let caused = |causes: &[&[u8]]| causes.iter().any(|cause| reason.ends_with(cause));
            leg.identity = caused(&[b"cause=21", b"cause=29", b"cause=50", b"cause=57"]);
            let caused = caused(&[b"cause=17", b"cause=34"]);
            leg.busy = matches!(glance.status, 486 | 600) || caused;
            leg.refusal = (glance.status >= 300).then_some((glance.to_tag, glance.rest));
        }
        if glance.status < 300 && usable {
            if leg.to_tag.is_none() {
                let (call, one, other) = (glance.call, glance.from_tag, glance.to_tag);
                leg.to_tag = Some(other);
                leg.overtaken = self.byes.contains(&(leg.life, call, one.min(other), one.max(other)));
            }
            leg.answered = true;
            let context = self.contexts.get_mut(&(leg.life, leg.context));
            if let Some(context) = context.filter(|context| context.copies == leg.copy) {
                context.answered.get_or_insert(turn.now);
            }
        }
        first
    }

    fn notice_invite(&mut self, turn: &Turn<'_>, from: SocketAddr, glance: &Glance) {
        let key = (turn.life, glance.branch);
        if self.contexts.get(&key).is_some_and(|old| !old.is_forgotten(turn.now)) {
            return;
        }
        let Cause::Packet { packet: shared, .. } = turn.cause else { return };
        let copies = self.contexts.get(&key).map_or(0, |old| old.copies + 1);
        let plans = self.lives.get(&turn.life).map_or(1, |life| life.plans.len());
        let context = Inbound {
            life: turn.life,
            call: glance.call,
            invite: Arc::clone(shared),
            source: from,
            began: turn.now,
            plan: plans.saturating_sub(1),
            admitted: false,
            legs: Vec::new(),
            rang: None,
            cancelled: None,
            answered: None,
            refused: None,
            accepted: None,
            acked: None,
            records: 0,
            confined: turn.records.iter().any(|entry| matches!(entry, Entry::Confined { .. })),
            urgent: turn.records.iter().any(|entry| matches!(entry, Entry::Urgent { .. })),
            copies,
        };
        let number = number_from(glance.user(&shared.bytes), from);
        self.by_call.insert((turn.life, glance.call, number), glance.branch);
        self.contexts.insert(key, context);
    }

    fn context_of_record(&mut self, life: u32, record: &CallRecord) -> Option<&mut Inbound> {
        let call = mix(1, record.begun.call_id.as_bytes());
        let number = number_from(record.begun.number.as_bytes(), record.begun.from.0);
        let branch = self.by_call.get(&(life, call, number))?;
        self.contexts.get_mut(&(life, *branch))
    }
}

impl Inbound {
    /// May a node have forgotten it, so that a late copy of its INVITE is a new call? After a refusal that was
    /// acknowledged: T4; after any other final response: 64 · T1 (RFC 3261 §17.2.1, RFC 6026 §7.1). Of what was refused without
    /// state nothing is known: each copy is judged anew.
    fn is_forgotten(&self, now: Time) -> bool {
        if !self.admitted {
            return now > self.began;
        }
        let Some(over) = self.over() else { return false };
        let acked =
            self.acked.is_some_and(|acked| now.since(acked).as_secs() >= 5) && self.accepted.is_none();
        acked || now.since(over).as_secs() >= 32
    }
}

/// Who was called, from where: a call that comes back by another way is another call.
fn number_from(number: &[u8], source: SocketAddr) -> u64 {
    let ip = match source {
        SocketAddr::V4(address) => u64::from(u32::from(*address.ip())),
        SocketAddr::V6(address) => mix(0, &address.ip().octets()),
    };
    mix(mix_word(1, ip), number)
}
