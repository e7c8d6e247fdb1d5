//! The node: all of it behind one door. Routes between its parts and decides nothing itself.

mod calls;
mod own;
mod passing;
mod told;
mod turned;

use crate::admission::{self, Room};
use crate::call::Call;
use crate::census::Census;
use crate::chance::Chance;
use crate::circles::Circles;
use crate::deadlines::Deadlines;
use crate::door::{Effect, Event, Identity};
use crate::emergency;
use crate::fix::Learned;
use crate::foretell::Fault;
use crate::health::{Evidence, Health, Standing};
use crate::load::Load;
use crate::locate::Place;
use crate::name::NameState;
use crate::names::Names;
use crate::pace::Pace;
use crate::parked::Parked;
use crate::path::{Flow, Loss, Path};
use crate::plan::Plan;
use crate::probes::Probes;
use crate::proposals::Proposals;
use crate::record::Entry;
use crate::registration::Registered;
use crate::registrations::Registrations;
use crate::relay::{self, Below, Refusal};
use crate::reply::Reply;
use crate::roads::Roads;
use crate::seal::{Kind, Proof, Seal};
use crate::slots::{Slot, Slots};
use crate::strangers::Strangers;
use crate::target::PeerId;
use crate::transit::Transits;
use crate::waiting::Waiting;
use core::net::IpAddr;
use sip::{Edits, Message, Method, Name, Time, inspect};
use std::collections::BTreeMap;
use std::sync::Arc;
use turned::Turned;

/// Everything one Tandem process believes and does. One owner, no locks.
#[derive(Debug)]
pub struct Node {
    identity: Identity,
    seal: Seal,
    chance: Chance,
    plan: Arc<Plan>,
    names: Names,
    roads: Arc<Roads>,
    health: Health,
    learned: Learned,
    edits: Edits,
    probes: Probes,
    registrations: Registrations,
    transits: Transits,
    strangers: Strangers,
    proposals: Proposals,
    circles: Circles,
    helped: emergency::Waiting,
    parked: Parked,
    calls: Slots<Held>,
    open: usize,
    served: u64,
    by_transaction: BTreeMap<u64, Slot>,
    waiting: Waiting<Owner>,
    deadlines: Deadlines<Owner>,
    draining: bool,
    cut_off: bool,
    pace: Pace,
    turned: Turned,
}

/// A call, and what of it stands in the node's indices.
#[derive(Debug)]
struct Held {
    call: Call,
    key: u64,
    open: bool,
    paths: usize,
    legs: usize,
    stranger: Option<IpAddr>,
}

/// Who waits for a deadline or on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Call(Slot),
    Probe(Slot),
    Registration(Slot),
    Transit((u32, u32)),
}

impl Node {
    /// A node that knows its plan and nothing else yet.
    #[must_use]
    pub fn new(identity: Identity, plan: Arc<Plan>, now: Time) -> Self {
        let mut chance = Chance::new(identity.seed);
        let mut generation = || u32::try_from(chance.draw() >> 32).unwrap_or_default();
        let (calls, probes) = (Slots::new(generation()), generation());
        let mut node = Self {
            seal: Seal::new(identity.key),
            names: Names::new(),
            roads: Arc::default(),
            health: Health::new(chance.draw()),
            learned: Learned::new(Chance::new(chance.draw())),
            edits: Edits::new(),
            probes: Probes::new(Chance::new(chance.draw()), probes),
            registrations: Registrations::new(Chance::new(!identity.seed)),
            transits: Transits::default(),
            strangers: Strangers::default(),
            proposals: Proposals::default(),
            circles: Circles::default(),
            helped: emergency::Waiting::default(),
            parked: Parked::default(),
            calls,
            open: 0,
            served: 0,
            by_transaction: BTreeMap::new(),
            waiting: Waiting::new(),
            deadlines: Deadlines::new(),
            draining: false,
            cut_off: false,
            pace: Pace::default(),
            turned: Turned::default(),
            identity,
            chance,
            plan,
        };
        node.survey(now);
        node.with_registrations(|registrations, (plan, _)| registrations.keep(plan, now));
        node
    }

    /// Takes one event; what has to be done is pushed to `out` in the order to be done.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Received { flow, bytes } => self.on_received(flow, bytes, now, out),
            Event::Lost { path, loss } => self.on_loss(path, loss, now, out),
            Event::Resolved { query, answer } => {
                let mut said = Vec::new();
                self.names.on_answer(&query, &answer, now, &mut said);
                self.on_names(said, now, out);
            }
            // Nobody has looked at anything.
            Event::Apply(plan) if plan.differs_in_orders_alone(&self.plan) => self.plan = plan,
            Event::Apply(plan) => {
                let mut forgiven = Vec::new();
                self.health.forgive(&mut forgiven);
                self.on_beliefs(forgiven, now, out);
                self.plan = plan;
                self.learned.on_apply();
                self.survey(now);
                self.with_registrations(|registrations, (plan, _)| registrations.keep(plan, now));
            }
            Event::Drain => {
                self.draining = true;
                self.with_registrations(|registrations, _| registrations.drain(now));
            }
            Event::Clock { epoch } => self.identity.epoch = epoch,
            Event::Tick => self.on_due(now, out),
        }
    }

    /// When [`handle`](Self::handle) wants to be called with [`Event::Tick`]; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let others = [self.health.deadline(), self.names.deadline(), self.parked.deadline()];
        let others = others.into_iter().chain([self.learned.logins.deadline()]).flatten();
        self.deadlines.first().into_iter().chain(others).min()
    }

    /// The plan that new calls get.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The paths of that plan's peers, as they are known now.
    #[must_use]
    pub fn roads(&self) -> &Arc<Roads> {
        &self.roads
    }

    /// Calls that are being walked now: INVITE taken, no final response sent yet.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.open
    }

    /// Transactions and walks in memory, lingering ones too, and registrations that are being given up; zero when
    /// everything has settled.
    #[must_use]
    pub fn lingering(&self) -> usize {
        self.calls.len() + self.transits.len() + self.registrations.leaving()
    }

    /// How many of everything it holds.
    #[must_use]
    pub fn census(&self) -> Census {
        Census {
            calls: self.calls.len(),
            probes: self.probes.len(),
            registrations: self.registrations.len(),
            transits: self.transits.len(),
            transactions: self.by_transaction.len(),
            waiting: self.waiting.len(),
            deadlines: self.deadlines.len(),
            out: self.circles.len(),
            counted: self.health.load().held(),
        }
    }

    /// All paths with what is believed of them and why.
    pub fn beliefs(&self) -> impl Iterator<Item = (Path, Standing, &[Evidence])> {
        self.health.beliefs()
    }

    /// The peers that are down by all of their paths, and since when.
    pub fn down(&self) -> impl Iterator<Item = (PeerId, Time)> {
        self.peers().filter_map(|id| {
            let paths = self.roads.of(id);
            let since = paths.iter().filter_map(|path| self.health.down_since(*path)).max();
            self.health.is_down_by(paths).then_some((id, since?))
        })
    }

    /// The peers that would take no call now, for all that is known.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let down = self.peers().filter(|id| self.health.is_lost_by(self.roads.of(*id))).collect();
        Fault { down, known: true }
    }

    /// The peers that no path leads to: their names are not known.
    pub fn unreached(&self) -> impl Iterator<Item = PeerId> {
        self.peers().filter(|id| self.roads.of(*id).is_empty())
    }

    fn peers(&self) -> impl Iterator<Item = PeerId> {
        (0..).map(PeerId).take(self.plan.peers.len())
    }

    /// The host names of the plan, how well each is known, and how many addresses of it are in use.
    pub fn names(&self) -> impl Iterator<Item = (&Place, NameState, usize)> {
        self.names.states()
    }

    /// The peers that we are registered at or want to be, how that stands, and until when it is held.
    pub fn registrations(&self, now: Time) -> impl Iterator<Item = (&Arc<str>, Registered, Option<Time>)> {
        self.registrations.states(now)
    }

    /// How many calls those carry that have a limit.
    #[must_use]
    pub const fn load(&self) -> &Load {
        self.health.load()
    }

    fn room(&self) -> Room {
        Room::of(self.draining, self.cut_off, self.calls.len(), self.identity.calls_max)
    }

    fn unix(&self, now: Time) -> i64 {
        self.identity.unix(now).div_euclid(1_000_000)
    }

    fn on_received(&mut self, flow: Flow, bytes: sip::Bytes, now: Time, out: &mut Vec<Effect>) {
        let drop = |why| Effect::Record(Entry::Dropped { flow, why });
        let Ok(message) = Message::parse(bytes) else { return out.push(drop("no SIP message")) };
        match inspect(&message) {
            Ok(vias) if message.is_request() => {
                if let Some(below) = Below::new(&message, &vias, flow.path.remote, &self.seal) {
                    self.on_request(flow, message, below, now, out);
                }
            }
            Ok(vias) => match self.seal.read_branch(&message, &vias) {
                Some(proof) => self.on_response(flow, message, proof, now, out),
                None => out.push(drop("a response to nothing of ours")),
            },
            Err(fault) if !message.is_request() => out.push(drop(fault.reason)),
            Err(_) if message.method() == Method::Ack => out.push(drop("an ACK with a fault")),
            Err(fault) => {
                let refusal = Refusal::plain(fault.status, fault.reason);
                self.reply(flow, now, out).refuse(&message, &refusal);
            }
        }
    }

    fn on_request(&mut self, flow: Flow, request: Message, below: Below, now: Time, out: &mut Vec<Effect>) {
        let known = self.by_transaction.get(&below.key).copied();
        match (request.method(), known) {
            (Method::Invite, Some(slot)) => {
                self.with_call(slot, now, out, |call, means| call.on_retransmission(means));
            }
            (Method::Ack, Some(slot)) => {
                let mut taken = false;
                self.with_call(slot, now, out, |call, means| taken = call.on_ack(means));
                if !taken {
                    self.pass_on(flow, &request, &below, now, out);
                }
            }
            (Method::Cancel, Some(slot))
                if self.calls.get(slot).is_some_and(|held| held.call.came_from(flow)) =>
            {
                let reply = Reply { strangers: None, ..self.reply(flow, now, out) };
                reply.answer(&request, 200, b"");
                self.with_call(slot, now, out, |call, means| call.on_cancel(means));
            }
            (Method::Ack, None) if self.seal.is_refusals(&request) => {}
            (Method::Options, _) if request.to_tag().is_empty() => {
                let asked = admission::options(&request, self.room());
                let reply = self.reply(flow, now, out);
                match asked {
                    Err(refusal) => reply.refuse(&request, &refusal),
                    Ok(()) => reply.answer(&request, 200, b""),
                }
            }
            // With a Route it is an agent's, on the way that the node has chosen for it.
            (Method::Invite, None) if flow.path.transport.is_inside() && request.has(Name::Route) => {
                self.pass_on(flow, &request, &below, now, out);
            }
            (Method::Invite, None) if request.to_tag().is_empty() => {
                self.on_invite(flow, request, below, now, out)
            }
            (Method::Subscribe, _) if request.to_tag().is_empty() => {
                self.on_subscribe(flow, &request, &below, now, out);
            }
            (Method::Notify, _) if flow.path.transport.is_inside() && request.to_tag().is_empty() => {
                self.on_lamp(flow, &request, &below, now, out);
            }
            _ => self.pass_on(flow, &request, &below, now, out),
        }
    }

    fn reply<'a>(&'a mut self, flow: Flow, now: Time, out: &'a mut Vec<Effect>) -> Reply<'a> {
        let is_peer = flow.path.transport.is_inside() || self.roads.sender(flow.path.remote).is_some();
        let strangers = (!is_peer).then_some(&mut self.strangers);
        Reply { seal: &self.seal, strangers, flow, now, out }
    }

    fn on_response(&mut self, flow: Flow, response: Message, proof: Proof, now: Time, out: &mut Vec<Effect>) {
        let (branch, intact) = match proof {
            Proof::Whole(branch) => (branch, true),
            Proof::WrongBelow(branch) => (branch, false),
        };
        let response = relay::unveiled(relay::lower(response, branch.shift), branch, &self.seal);
        let slot = Slot { place: branch.slot, generation: branch.generation };
        match branch.kind {
            Kind::Probe => {
                self.with_probe(slot, now, out, |probes, there, means| {
                    probes.on_response((slot, branch.leg), flow.path, response, there, means);
                });
            }
            Kind::Registration => {
                self.with_registration(slot, now, out, |registrations, there, means| {
                    registrations.on_response((slot, branch.leg), flow.path, response, there, means);
                });
            }
            Kind::Leg if self.calls.get(slot).is_some() => {
                if intact && relay::is_answer(&response) {
                    self.meet_names(Some(slot), &response, now, out);
                }
                let leg = branch.leg as usize;
                self.with_call(slot, now, out, |call, means| call.on_response(leg, response, intact, means));
            }
            // The node that sent this INVITE is gone, or has forgotten it: an answer is still the caller's.
            Kind::Leg if intact && relay::is_answer(&response) => {
                self.on_stray_answer(flow, response, branch.connection, now, out)
            }
            Kind::Passing if intact => {
                let key = (branch.slot, branch.generation);
                if flow.path.transport.is_reliable() {
                    self.learned.streams.on_agent_heard(key);
                }
                if let Some(response) = self.transits.on_response(key, response, now, out) {
                    self.send_back(flow, &response, branch.connection, out);
                }
                self.deadlines.keep(Owner::Transit(key), self.transits.deadline(key));
            }
            Kind::Leg | Kind::Passing => {
                out.push(Effect::Record(Entry::Dropped { flow, why: "a response that comes too late" }));
            }
        }
    }

    fn on_loss(&mut self, path: Path, loss: Loss, now: Time, out: &mut Vec<Effect>) {
        if loss != Loss::Closed {
            self.learned.streams.on_lost(path, now);
        }
        for owner in self.waiting.on(path) {
            match owner {
                Owner::Call(slot) => {
                    self.with_call(slot, now, out, |call, means| call.on_loss(path, loss, means));
                }
                Owner::Probe(slot) => {
                    self.with_probe(slot, now, out, |probes, there, means| {
                        probes.on_loss(slot, loss, there, means);
                    });
                }
                Owner::Registration(slot) => {
                    self.with_registration(slot, now, out, |registrations, there, means| {
                        registrations.on_loss(slot, loss, there, means);
                    });
                }
                Owner::Transit(_) => {}
            }
        }
    }

    fn on_due(&mut self, now: Time, out: &mut Vec<Effect>) {
        // Whoever waits for the trial of our credentials finds it begun.
        if self.learned.logins.on_deadline(now) {
            self.on_logins(now, out);
        }
        while let Some(owner) = self.deadlines.due(now) {
            match owner {
                Owner::Call(slot) => self.with_call(slot, now, out, |call, means| call.on_deadline(means)),
                Owner::Probe(slot) => {
                    self.with_probe(slot, now, out, |probes, there, means| {
                        probes.on_deadline(slot, there, means);
                    });
                }
                Owner::Registration(slot) => {
                    self.with_registration(slot, now, out, |registrations, there, means| {
                        registrations.on_deadline(slot, there, means);
                    });
                }
                Owner::Transit(key) => {
                    self.transits.on_deadline(key, now, out);
                    self.deadlines.keep(owner, self.transits.deadline(key));
                }
            }
        }
        if self.names.deadline().is_some_and(|at| at <= now) {
            let mut said = Vec::new();
            self.names.on_deadline(now, &mut said);
            self.on_names(said, now, out);
        }
        for parked in self.parked.over(now) {
            self.pass_on_at_last(parked, now, out);
        }
        if self.health.deadline().is_some_and(|at| at <= now) {
            let mut beliefs = Vec::new();
            self.health.on_deadline(now, &mut beliefs);
            self.on_beliefs(beliefs, now, out);
        }
    }
}
