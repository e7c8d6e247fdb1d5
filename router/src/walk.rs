//! One call going through its plan.

mod again;
mod judge;
mod legs;
mod word;

use crate::alarm::Alarm;
use crate::dialect::RING_OUT;
use crate::health::{self, Health};
use crate::leg::{Leg, Phase};
use crate::load::{Limit, Ticket};
use crate::logins::Word;
use crate::next::{Act, Move, WALK_MAX};
use crate::outcome::{Outcome, Reached};
use crate::path::Path;
use crate::plan::{Declined, Plan};
use crate::position::{Confined, Position};
use crate::record::{LegRecord, Passed};
use crate::roads::Roads;
use crate::target::{PeerId, Reach, Target, TargetId, TargetKind};
use crate::verdict::{Go, Meaning};
use core::time::Duration;
use judge::through;
use sip::{Message, Time};
use std::sync::Arc;

/// Names a leg by its place in the walk: the first INVITE is leg 0.
pub type LegId = usize;

/// One call: its legs, and what the caller was told.
#[derive(Debug)]
pub struct Walk {
    plan: Arc<Plan>,
    roads: Arc<Roads>,
    position: Position,
    legs: Vec<Leg>,
    state: State,
    best: Option<(Meaning, Message)>,
    worst: Meaning,
    rang: Option<Time>,
    passed: Vec<Passed>,
}

#[derive(Debug)]
enum State {
    /// Legs are rung, one after the other or together. The plan wants to be asked again at `ask_at`, the caller
    /// hears ringing at `ringback_at` even if nobody rings yet.
    Hunting { ask_at: Option<Time>, ringback_at: Option<Time> },
    /// The caller gave up; the legs that rang are being cancelled, one of them may still answer.
    Leaving { until: Time },
    /// The caller has a final response. Answers that come now are still passed on.
    Over,
}

/// What a walk asks for.
#[derive(Debug)]
pub enum Output {
    /// Send the INVITE to this leg. Legs are numbered in order.
    Ring {
        /// The leg.
        leg: LegId,
        /// Who.
        target: TargetId,
        /// By which peer.
        peer: PeerId,
        /// By which path.
        path: Path,
    },
    /// Send a CANCEL for this leg; a provisional has come and no final yet.
    Cancel {
        /// The leg.
        leg: LegId,
        /// The value of its Reason header (RFC 3326).
        reason: &'static str,
    },
    /// Send this leg's INVITE no more, but go on listening.
    Hush(LegId),
    /// Forget this leg's transaction: it was cancelled and stayed silent.
    Forget(LegId),
    /// Pass this response of a leg on to the caller.
    Forward(Message),
    /// Tell the caller that the early dialogs of this leg, which gave it media, are over by this status (RFC 6228).
    Gone {
        /// The leg.
        leg: LegId,
        /// Its final, or the one that comes nearest.
        status: u16,
    },
    /// The peer of this leg asks for credentials, and this is what is to be held against ours.
    Login(LegId, Word),
    /// Answer the caller with this status, made here.
    Answer(u16),
    /// Everybody who could be rung was, and nobody answered: pass this response of a leg on, or answer as the caller's side
    /// takes it best.
    Unanswered(Option<Message>),
    /// A belief about a path has changed, or a probe is due.
    Believe(health::Output),
    /// Somebody should look at what this leg was answered.
    Alarm {
        /// The leg.
        leg: LegId,
        /// Why.
        alarm: Alarm,
    },
}

/// The caller hears ringing after so long even if nobody rings yet; TRIGGERS I7 asks for 3 s.
pub const RINGBACK: Duration = Duration::from_millis(2_500);

/// How long a caller's CANCEL waits for the legs that rang, so that an answer that crosses it is not lost.
pub const LEAVE: Duration = Duration::from_secs(2);

/// How long a cancelled leg is waited for: 64 · T1 (RFC 3261 §9.1).
const CANCEL_LIFE: Duration = Duration::from_secs(32);

const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
const CALLER_GONE: &str = "SIP;cause=487;text=\"Caller has hung up\"";
/// Why a leg is cancelled that was left for another.
pub(crate) const MOVED_ON: &str = "SIP;cause=408;text=\"No answer in time\"";

impl Walk {
    /// Begins at the course's first step and rings who is to be rung at once.
    pub fn start(
        plan: Arc<Plan>,
        roads: Arc<Roads>,
        position: Position,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) -> Self {
        let now = position.began;
        let state = State::Hunting { ask_at: None, ringback_at: Some(now + RINGBACK) };
        let (legs, best, rang) = (Vec::with_capacity(1), None, None);
        let (worst, passed) = (Meaning::Silence, Vec::new());
        let mut walk = Self { plan, roads, position, legs, state, best, worst, rang, passed };
        walk.go_on(now, health, out);
        walk
    }

    /// Takes a provisional response of a leg.
    pub fn on_provisional(
        &mut self,
        id: LegId,
        response: Message,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let status = response.status().unwrap_or_default();
        let progress = self.leg_peer(id).map_or(CANCEL_LIFE, |peer| peer.progress);
        let Some(leg) = self.legs.get_mut(id) else { return };
        match (leg.phase, status) {
            (Phase::Calling { .. }, 100) => leg.phase = Phase::Trying { until: now + progress },
            (Phase::Calling { .. } | Phase::Trying { .. } | Phase::Ringing { .. }, 101..=199) => {
                let first = leg.on_ringing(&response, now);
                let path = leg.path;
                if first {
                    through(health, path, now, out);
                }
                // 182: somebody hears that he is to press 1. 183: what it would let the caller hear is not passed on.
                let is_ours = leg.confirm && matches!(status, 182 | 183);
                if is_ours && status == 182 {
                    self.position.on_hears(leg.target);
                }
                // 199 says that an early dialog of a fork below is over (RFC 6228); that is not ours to say.
                if matches!(self.state, State::Hunting { .. }) && status != 199 && !is_ours {
                    self.caller_hears(id, now);
                    out.push(Output::Forward(response));
                }
            }
            (Phase::Straggling, _) => self.cancel(id, MOVED_ON, now, out),
            // A further 100 says nothing; a provisional of a leg that was cancelled or has ended is too late.
            (Phase::Trying { .. } | Phase::Ringing { .. } | Phase::Cancelling { .. } | Phase::Ended, _)
            | (Phase::Calling { .. }, _) => {}
        }
    }

    /// Takes a 2xx of a leg. It is always passed on, whatever has happened before (RFC 3261 §16.7 step 5); the
    /// first one ends the walk.
    pub fn on_answer(
        &mut self,
        id: LegId,
        response: Message,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        "answered".clone_into(&mut leg.outcome);
        if !matches!(leg.phase, Phase::Ended) {
            let (path, wanted) = (leg.path, leg.phase.is_wanted());
            leg.ended.get_or_insert(now);
            leg.phase = Phase::Ended;
            through(health, path, now, out);
            if wanted {
                health.on_call_over(path);
            }
        }
        self.on_stray_answer(response, now, health, out);
    }

    /// Takes a 2xx to this call of a leg that is none of these: a node that is gone had rung it.
    pub fn on_stray_answer(
        &mut self,
        response: Message,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        out.push(Output::Forward(response));
        if !matches!(self.state, State::Over) {
            self.state = State::Over;
            self.give_up_all(ELSEWHERE, "answered elsewhere", now, health, out);
        }
    }

    /// Takes a leg's end without an answer: a final response of 300 and up, with it, or a failure on the way.
    pub fn on_failure(
        &mut self,
        id: LegId,
        outcome: Outcome,
        response: Option<Message>,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let wanted = leg.phase.is_wanted();
        if matches!(leg.phase, Phase::Ended) {
            return;
        }
        leg.phase = Phase::Ended;
        leg.ticket.take().into_iter().for_each(|ticket| health.load_mut().on_over(ticket));
        if wanted && matches!(self.state, State::Hunting { .. }) {
            self.judge(id, outcome, response, now, health, out);
            self.go_on(now, health, out);
        }
        self.leave_if_quiet(out);
    }

    /// The connection to a leg that has said something no longer answers: it counts as gone, and is cancelled in case it
    /// comes back.
    pub fn on_lost(&mut self, id: LegId, now: Time, health: &mut Health, out: &mut Vec<Output>) {
        if self.wants(id) && matches!(self.state, State::Hunting { .. }) {
            self.give_up(id, MOVED_ON, now, out);
            self.judge(id, Outcome::Lost, None, now, health, out);
            self.go_on(now, health, out);
        }
    }

    /// The caller has cancelled: nobody is rung any more (TRIGGERS I3), and the caller gets a 487 as soon as the legs
    /// that rang are over, unless one of them answers first.
    pub fn on_caller_gone(&mut self, now: Time, health: &mut Health, out: &mut Vec<Output>) {
        if matches!(self.state, State::Hunting { .. }) {
            self.state = State::Leaving { until: now + LEAVE };
            self.give_up_all(CALLER_GONE, "caller hung up", now, health, out);
            self.leave_if_quiet(out);
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, health: &mut Health, out: &mut Vec<Output>) {
        for id in 0..self.legs.len() {
            self.on_leg_deadline(id, now, health, out);
        }
        match &mut self.state {
            State::Hunting { ask_at, ringback_at } => {
                if ringback_at.is_some_and(|at| at <= now) {
                    *ringback_at = None;
                    self.rang.get_or_insert(now);
                    out.push(Output::Answer(180));
                }
                if ask_at.is_some_and(|at| at <= now) {
                    *ask_at = None;
                    self.go_on(now, health, out);
                }
            }
            State::Leaving { until } if *until <= now => {
                self.state = State::Over;
                out.push(Output::Answer(487));
            }
            State::Leaving { .. } | State::Over => {}
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let own = match &self.state {
            State::Hunting { ask_at, ringback_at } => ask_at.iter().chain(ringback_at).min().copied(),
            State::Leaving { until } => Some(*until),
            State::Over => None,
        };
        self.legs.iter().filter_map(|leg| leg.phase.deadline()).chain(own).min()
    }

    /// Has the caller no final response yet?
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Over)
    }

    /// The plan this walk began with.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The paths it began with.
    #[must_use]
    pub fn roads(&self) -> &Roads {
        &self.roads
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// When the caller was first told that it rings.
    #[must_use]
    pub fn rang(&self) -> Option<Time> {
        self.rang
    }

    /// All legs so far, in order.
    pub fn legs(&self) -> impl Iterator<Item = LegRecord> {
        self.legs.iter().map(|leg| LegRecord {
            target: self.plan.target(leg.target).map(|target| Arc::clone(&target.name)).unwrap_or_default(),
            peer: self.plan.peer(leg.peer).map(|peer| Arc::clone(&peer.name)).unwrap_or_default(),
            path: leg.path,
            file: self.plan.place(leg.line).0.cloned(),
            line: self.plan.place(leg.line).1,
            fix: leg.fixes.last().map(|(fix, _)| *fix),
            began: leg.began,
            rang: leg.rang,
            asked: leg.asked,
            ended: leg.ended,
            outcome: leg.outcome.clone(),
        })
    }

    /// Who was passed over so far; they are the asker's from now on.
    pub(crate) fn take_passed(&mut self) -> Vec<Passed> {
        core::mem::take(&mut self.passed)
    }

    /// What counts a leg, if something does; it is the asker's from now on.
    pub(crate) fn take_ticket(&mut self, id: LegId) -> Option<Ticket> {
        self.legs.get_mut(id).and_then(|leg| leg.ticket.take())
    }

    /// Asks the plan until it wants to wait.
    fn go_on(&mut self, now: Time, health: &mut Health, out: &mut Vec<Output>) {
        while matches!(self.state, State::Hunting { .. }) {
            let plan = Arc::clone(&self.plan);
            let next = plan.next(&self.position, health, now, &self.roads);
            if next.cursor != self.position.cursor {
                plan.passed(&self.position, &next, health, now, &self.roads, &mut self.passed);
            }
            let Move { cursor, act } = next;
            self.position.cursor = cursor;
            match act {
                Act::Ring { target, peer, path, ring, declined, line } => {
                    self.ring(target, peer, path, (ring, declined), line, now, health, out);
                }
                Act::Wait(until) => {
                    // Whatever the plan waits for, a walk has its end.
                    let end = self.position.began + WALK_MAX;
                    if let State::Hunting { ask_at, .. } = &mut self.state {
                        // Past it nothing but the floor is rung, which has an end of its own.
                        *ask_at = Some(until.map_or(end, |until| until.min(end))).filter(|at| *at > now);
                    }
                    return;
                }
                Act::Leave => self.give_up_all(MOVED_ON, "the next step had to begin", now, health, out),
                Act::End => self.finish("the plan is at its end", now, health, out),
            }
        }
    }

    /// Is this a phone number, and may the course not send out all to those?
    fn is_capped(&self, target: TargetId) -> bool {
        let is_number = || matches!(self.plan.target(target).map(|it| &it.reach), Some(Reach::Number(_)));
        self.plan.caps.contains_key(&self.position.root.course) && is_number()
    }

    /// A leg counts from now on for all that it goes by and that has a limit.
    fn count(
        &self,
        target: TargetId,
        peer: PeerId,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) -> Option<Ticket> {
        let limits: Vec<&Limit> = self.plan.limits_of(target, peer).collect();
        let course = self.plan.course(self.position.root.course).filter(|_| self.is_capped(target));
        let course = course.map(|course| &course.name);
        let mut filled = Vec::new();
        let ticket = health.load_mut().on_begun(&limits, course, now, &mut filled);
        out.extend(filled.into_iter().map(|filled| Output::Believe(health::Output::Filled(filled))));
        ticket
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one move, and the three that every step takes"
    )]
    fn ring(
        &mut self,
        target: TargetId,
        peer: PeerId,
        path: Path,
        (ring, declined): (Duration, Declined),
        line: u32,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let leg = self.legs.len();
        let ticket = self.count(target, peer, now, health, out);
        let (step, rung) = (self.plan.step(self.position.cursor.frame), self.plan.target(target));
        // Nobody who helps, or calls back to help, is asked to press 1.
        let asks = |it: &Target| it.is_confirmed(step.and_then(|step| step.confirm));
        let confirm = self.position.urgent.is_none() && rung.is_some_and(asks);
        self.legs.push(Leg {
            target,
            peer,
            path,
            ring,
            declined,
            from: step.and_then(|step| step.from.clone()),
            line,
            confirm,
            word: rung.is_some_and(|it| it.kind == TargetKind::Word),
            fixes: Vec::new(),
            began: now,
            rang: None,
            asked: None,
            ended: None,
            reached: Reached::Nobody,
            early: Vec::new(),
            outcome: String::new(),
            phase: Phase::Calling { until: now + self.first(peer, path, health) },
            // What an agent of ours calls goes as the plan has it.
            no_stream: confirm,
            ticket,
        });
        self.position.on_begun(target, path, now);
        health.on_call_begun(path);
        out.push(Output::Ring { leg, target, peer, path });
    }

    /// How long a leg may stay without any response.
    #[must_use]
    pub fn first_of(&self, id: LegId, health: &Health) -> Duration {
        self.leg_way(id).map_or(Duration::ZERO, |(_, peer, path)| self.first(peer, path, health))
    }

    fn first(&self, peer: PeerId, path: Path, health: &Health) -> Duration {
        self.plan.peer(peer).and_then(|peer| peer.first).unwrap_or_else(|| health.first(path))
    }

    /// Nobody is left: the best answer by meaning. Challenges, redirections and 503s of targets are theirs, not the
    /// caller's (RFC 3261 §16.7 step 6).
    fn finish(&mut self, why: &str, now: Time, health: &mut Health, out: &mut Vec<Output>) {
        self.give_up_all(MOVED_ON, why, now, health, out);
        self.state = State::Over;
        let passable = |status: u16| !matches!(status, 300..=399 | 401 | 407 | 408 | 487 | 503);
        match self.best.take() {
            Some((meaning, response)) if meaning >= self.worst && response.status().is_some_and(passable) => {
                out.push(match meaning {
                    Meaning::NoAnswer => Output::Unanswered(Some(response)),
                    Meaning::Silence
                    | Meaning::PathFailure
                    | Meaning::NotFound
                    | Meaning::Declined
                    | Meaning::Busy => Output::Forward(response),
                });
            }
            _ if self.worst == Meaning::NoAnswer => out.push(Output::Unanswered(None)),
            _ => out.push(Output::Answer(match self.worst {
                // Nobody could even be tried: the carrier's own next step is better than ours.
                Meaning::Silence if self.legs.iter().all(|leg| leg.word) => {
                    self.position.confined.map_or(503, Confined::status)
                }
                Meaning::Silence => 408,
                Meaning::PathFailure => 500,
                Meaning::NotFound => 404,
                Meaning::NoAnswer => RING_OUT,
                Meaning::Declined => 603,
                Meaning::Busy => 486,
            })),
        }
    }

    fn on_leg_deadline(&mut self, id: LegId, now: Time, health: &mut Health, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if leg.phase.deadline().is_none_or(|until| until > now) {
            return;
        }
        let waited = now.since(leg.began);
        let outcome = match leg.phase {
            Phase::Calling { .. } => Outcome::Silent(waited),
            Phase::Trying { .. } => Outcome::Stalled(waited),
            Phase::Ringing { .. } => Outcome::RangOut(leg.ring),
            Phase::Cancelling { .. } => {
                leg.phase = Phase::Ended;
                leg.ticket.take().into_iter().for_each(|ticket| health.load_mut().on_over(ticket));
                out.push(Output::Forget(id));
                return self.leave_if_quiet(out);
            }
            Phase::Straggling | Phase::Ended => return,
        };
        self.give_up(id, MOVED_ON, now, out);
        self.judge(id, outcome, None, now, health, out);
        self.go_on(now, health, out);
    }

    /// Stops wanting a leg: cancels it if that is allowed yet.
    fn give_up(&mut self, id: LegId, reason: &'static str, now: Time, out: &mut Vec<Output>) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        match leg.phase {
            Phase::Calling { .. } => {
                leg.phase = Phase::Straggling;
                out.push(Output::Hush(id));
            }
            Phase::Trying { .. } | Phase::Ringing { .. } => self.cancel(id, reason, now, out),
            Phase::Straggling | Phase::Cancelling { .. } | Phase::Ended => {}
        }
    }

    fn give_up_all(
        &mut self,
        reason: &'static str,
        why: &str,
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        for id in 0..self.legs.len() {
            let Some(leg) = self.legs.get_mut(id) else { continue };
            if leg.phase.is_wanted() {
                let over = if leg.word { "said in part" } else { "cancelled" };
                leg.end(format!("{over}: {why}"), now);
                health.on_call_over(leg.path);
                if leg.word {
                    self.position.on_said(leg.target);
                } else {
                    let meaning = if leg.rang.is_some() { Meaning::NoAnswer } else { Meaning::Silence };
                    self.position.on_over(leg.target, leg.peer, None, Go::NextTarget, meaning);
                    self.worst = self.worst.max(meaning);
                }
                self.give_up(id, reason, now, out);
            }
        }
    }

    fn cancel(&mut self, id: LegId, reason: &'static str, now: Time, out: &mut Vec<Output>) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.phase = Phase::Cancelling { until: now + CANCEL_LIFE };
            out.push(Output::Cancel { leg: id, reason });
        }
    }

    /// A caller who gave up is told so once no leg that rang is waited for.
    fn leave_if_quiet(&mut self, out: &mut Vec<Output>) {
        let waiting = self.legs.iter().any(|leg| matches!(leg.phase, Phase::Cancelling { .. }));
        if matches!(self.state, State::Leaving { .. }) && !waiting {
            self.state = State::Over;
            out.push(Output::Answer(487));
        }
    }
}
