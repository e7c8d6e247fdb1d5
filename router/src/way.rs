//! The way of a call in virtual time: [`Plan::next`] is asked as the walk asks it, and what becomes of each try is told by whoever wants to
//! know where the call would go.

use crate::emergency::Urgent;
use crate::health::{Health, Recalled, Sign, Source};
use crate::inside::Unconfirmed;
use crate::leg::CONFIRM;
use crate::load::{Limit, Ticket};
use crate::next::{Act, Move};
use crate::outcome::{Outcome, Reached};
use crate::path::Path;
use crate::plan::{Declined, Plan};
use crate::position::{Cursor, Position};
use crate::roads::Roads;
use crate::target::{PeerId, Target, TargetId, TargetKind};
use crate::verdict::{Go, Meaning, judged};
use crate::walk::LEAVE;
use core::time::Duration;
use sip::Time;

/// The way of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Every try, in order.
    pub tries: Vec<Try>,
    /// Who answered; `None` if the call ended with nobody.
    pub answered: Option<TargetId>,
    /// Had the caller hung up?
    pub gone: bool,
    /// When it was over, after it came.
    pub end: Duration,
    /// When `live_within` cut a step short, if it did.
    pub cut: Option<Duration>,
}

impl Way {
    /// Who of those whose job is to answer rings first, and after how long; `None` if nobody does.
    #[must_use]
    pub fn live(&self, plan: &Plan) -> Option<(TargetId, Duration)> {
        let is_live = |it: &&Try| {
            let kind = plan.target(it.target).map(|target| target.kind);
            it.rings && matches!(kind, Some(TargetKind::Service | TargetKind::Agent))
        };
        self.tries.iter().find(is_live).map(|it| (it.target, it.after))
    }

    /// Does it end without anybody being rung, of this process or outside?
    #[must_use]
    pub fn rings_nobody(&self) -> bool {
        self.answered.is_none() && !self.tries.iter().any(|it| it.rings)
    }

    /// The tries of which it is not known what becomes of them as long as the way takes them: they are taken to ring, or to be silent if
    /// that was believed of them.
    pub fn unknown(&self) -> impl Iterator<Item = &Try> {
        self.tries.iter().filter(|it| {
            let lived = it.lasts.min(self.end.saturating_sub(it.after));
            it.known.is_some_and(|known| known < lived)
        })
    }
}

/// One destination that is tried by one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Where in the plan.
    pub cursor: Cursor,
    /// Who.
    pub target: TargetId,
    /// By which peer.
    pub peer: PeerId,
    /// Does it ring there before it is given up? If not, there is silence or a refusal.
    pub rings: bool,
    /// How long after the call came.
    pub after: Duration,
    /// How long it rings at most, or is waited for.
    pub lasts: Duration,
    /// How long after its beginning it is known what becomes of it; `None` for all of its time.
    pub known: Option<Duration>,
    /// The line of the step in the plan file.
    pub line: u32,
}

/// A try that has just begun, of which is asked what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(crate) target: TargetId,
    pub(crate) peer: PeerId,
    pub(crate) path: Path,
    /// Does whoever answers have to press 1?
    pub(crate) confirm: bool,
    /// How long it may ring.
    pub(crate) ring: Duration,
}

/// What becomes of a try if nobody gives it up. Spans count from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// When its INVITE was sent for the last time with a change that was asked for, and how often that was so.
    pub(crate) again: (Duration, u32),
    /// How long it is waited for without a word, if the plan does not say.
    pub(crate) first: Option<Duration>,
    /// When its first response comes; `None` if that says more than 100, or nothing comes.
    pub(crate) heard: Option<Duration>,
    /// When it rings.
    pub(crate) rang: Option<Duration>,
    /// When somebody answers who has to press 1.
    pub(crate) asked: Option<Duration>,
    /// How it ends by itself, if it does.
    pub(crate) end: Option<(Duration, Ending)>,
    /// What is believed of its path after its end, if that is known: else what its end says is weighed.
    pub(crate) leaves: Option<Recalled>,
    /// See [`Try::known`].
    pub(crate) known: Option<Duration>,
}

/// How a try ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered,
    Failed(Outcome, Reached),
}

/// What is given of a call beside its plan.
pub(crate) struct Walker<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) roads: &'a Roads,
    pub(crate) health: Health,
    pub(crate) position: Position,
    /// When the caller hangs up.
    pub(crate) gone: Option<Time>,
}

/// A try that is not over.
struct Leg {
    target: TargetId,
    peer: PeerId,
    path: Path,
    declined: Declined,
    began: Time,
    rang: Option<Time>,
    asked: Option<Time>,
    /// Has health heard that it rings?
    heard: bool,
    over: Time,
    ending: Ending,
    leaves: Option<Recalled>,
    /// When it is answered though it was given up.
    late: Option<Time>,
    ticket: Option<Ticket>,
    /// Its place among the tries; of what is said it has none.
    place: Option<usize>,
}

/// A call has 20 INVITEs at most, and waits no more than twice for each.
const MOVES_MAX: usize = 1_000;

impl Walker<'_> {
    /// Walks it to its end. What is believed may change beside it: `pass` hears the time before the plan is asked.
    pub(crate) fn walk(
        mut self,
        mut fate: impl FnMut(Begun, &Health) -> Fate,
        mut pass: impl FnMut(Time, &mut Health),
    ) -> Way {
        let mut way = Way { tries: Vec::new(), answered: None, gone: false, end: Duration::ZERO, cut: None };
        let (mut legs, mut late): (Vec<Leg>, Vec<(Time, TargetId)>) = (Vec::new(), Vec::new());
        let mut now = self.position.began;
        for _ in 0..MOVES_MAX {
            way.end = now.since(self.position.began);
            let Move { cursor, act } = self.plan.next(&self.position, &self.health, now, self.roads);
            self.position.cursor = cursor.clone();
            match act {
                Act::Ring { target, peer, path, ring, declined, line } => {
                    let confirm = self.asks(target);
                    let fate = fate(Begun { target, peer, path, confirm, ring }, &self.health);
                    let leg = self.ring((target, peer, path), (ring, declined), fate, now);
                    let place = (!self.is_word(target)).then_some(way.tries.len());
                    let it = Try {
                        cursor,
                        target,
                        peer,
                        rings: leg.rang.is_some_and(|rang| rang <= leg.over),
                        after: way.end,
                        lasts: if leg.ending == Ending::Answered { ring } else { leg.over.since(now) },
                        known: fate.known,
                        line,
                    };
                    way.tries.extend(place.map(|_| it));
                    legs.push(Leg { place, ..leg });
                }
                Act::Wait(until) => {
                    let over = legs.iter().map(|leg| leg.over).chain(late.iter().map(|(at, _)| *at)).min();
                    let Some(next) = over.into_iter().chain(until).min() else { return way };
                    if let Some(gone) = self.gone.filter(|gone| *gone <= now.max(next)) {
                        (way.gone, way.end) = (true, gone.since(self.position.began));
                        return way;
                    }
                    now = now.max(next);
                    pass(now, &mut self.health);
                    self.hear(&mut legs, now);
                    way.end = now.since(self.position.began);
                    if let Some((_, target)) = late.iter().find(|(at, _)| *at <= now) {
                        way.answered = Some(*target);
                        return way;
                    }
                    if let Some(ended) = legs.iter().position(|leg| leg.over <= now) {
                        let leg = legs.remove(ended);
                        late.extend(leg.late.map(|at| (at, leg.target)));
                        if leg.ending == Ending::Answered {
                            way.answered = Some(leg.target);
                            return way;
                        }
                        if self.end(leg, now) {
                            return way;
                        }
                    }
                }
                Act::Leave => {
                    // With nobody ringing nothing is cut short.
                    way.cut = if legs.is_empty() { way.cut } else { Some(way.end) };
                    for leg in legs.drain(..) {
                        late.extend(leg.late.map(|at| (at, leg.target)));
                        if let Some(it) = leg.place.and_then(|place| way.tries.get_mut(place)) {
                            it.lasts = way.end.saturating_sub(it.after);
                            it.rings = leg.is_rung(now);
                        }
                        self.leave(leg, now);
                    }
                }
                Act::End => return way,
            }
        }
        way
    }

    /// A try begins, and how it is to end is settled, unless it is given up before.
    fn ring(
        &mut self,
        (target, peer, path): (TargetId, PeerId, Path),
        (ring, declined): (Duration, Declined),
        fate: Fate,
        now: Time,
    ) -> Leg {
        let limits: Vec<&Limit> = self.plan.limits_of(target, peer).collect();
        let ticket = self.health.load_mut().on_begun(&limits, None, now, &mut Vec::new());
        self.position.on_begun(target, path, now);
        (0..fate.again.1).for_each(|_| self.position.on_again());
        self.health.on_call_begun(path);
        let plan = self.plan.peer(peer);
        let first = plan.and_then(|peer| peer.first).or(fate.first);
        let first = first.unwrap_or_else(|| self.health.first(path));
        let progress = plan.map_or(Duration::ZERO, |peer| peer.progress);
        let (over, ending) = fate.comes_to(first, progress, ring);
        let late = fate.late(over).map(|late| now + late);
        let [rang, asked] = [fate.rang, fate.asked].map(|at| at.map(|at| now + at));
        let over = now + over;
        Leg {
            target,
            peer,
            path,
            declined,
            began: now,
            rang,
            asked,
            heard: false,
            over,
            ending,
            leaves: fate.leaves,
            late,
            ticket,
            place: None,
        }
    }

    /// What has rung by now, or asks somebody to press 1, says so.
    fn hear(&mut self, legs: &mut [Leg], now: Time) {
        for leg in legs {
            let by_now = |at: Option<Time>| at.filter(|at| *at <= now.min(leg.over));
            if let Some(rang) = by_now(leg.rang).filter(|_| !leg.heard) {
                leg.heard = true;
                let well = Sign::Alive { round_trip: None, resent: 0 };
                self.health.on_sign(leg.path, Source::Call, well, rang, &mut Vec::new());
            }
            if by_now(leg.asked).is_some() {
                self.position.on_hears(leg.target);
            }
        }
    }

    /// A try is over as the router judges it; `true` if the walk is over by that.
    fn end(&mut self, leg: Leg, now: Time) -> bool {
        self.health.on_call_over(leg.path);
        leg.ticket.into_iter().for_each(|ticket| self.health.load_mut().on_over(ticket));
        let (Some(_), Ending::Failed(outcome, reached)) = (leg.place, leg.ending) else {
            self.position.on_said(leg.target);
            return false;
        };
        let Some(peer) = self.plan.peer(leg.peer) else { return false };
        let mut verdict = judged(peer, outcome, reached, now.since(leg.began));
        if self.position.urgent == Some(Urgent::Emergency) {
            verdict.go = verdict.go.min(Go::NextCarrier);
        }
        let mut out = Vec::new();
        if let Some(sign) = verdict.sign {
            self.health.on_sign(leg.path, Source::Call, sign, now, &mut out);
        }
        if let Some(leaves) = leg.leaves {
            self.health.recall(leg.path, leaves, now);
        }
        let status = outcome.status();
        if status.is_some() {
            self.health.on_refused(leg.path, verdict.mark, now, &mut out);
        }
        self.position.to_floor |= outcome == Outcome::Unconfirmed(Unconfirmed::ToMessage);
        self.position.on_over(leg.target, leg.peer, peer.carrier(), verdict.go, verdict.meaning);
        verdict.ends(self.plan, &self.position, leg.declined, status)
    }

    /// A try is given up for the next step.
    fn leave(&mut self, leg: Leg, now: Time) {
        self.health.on_call_over(leg.path);
        leg.ticket.into_iter().for_each(|ticket| self.health.load_mut().on_over(ticket));
        if leg.place.is_none() {
            return self.position.on_said(leg.target);
        }
        let meaning = if leg.is_rung(now) { Meaning::NoAnswer } else { Meaning::Silence };
        self.position.on_over(leg.target, leg.peer, None, Go::NextTarget, meaning);
    }

    fn asks(&self, target: TargetId) -> bool {
        let step = self.plan.step(self.position.cursor.frame);
        let asks = |it: &Target| it.is_confirmed(step.and_then(|step| step.confirm));
        self.position.urgent.is_none() && self.plan.target(target).is_some_and(asks)
    }

    fn is_word(&self, target: TargetId) -> bool {
        self.plan.target(target).is_some_and(|target| target.kind == TargetKind::Word)
    }
}

impl Leg {
    fn is_rung(&self, now: Time) -> bool {
        self.rang.is_some_and(|rang| rang <= now.min(self.over))
    }
}

impl Fate {
    /// It is silent.
    pub(crate) const SILENT: Self = Self {
        again: (Duration::ZERO, 0),
        first: None,
        heard: None,
        rang: None,
        asked: None,
        end: None,
        leaves: None,
        known: None,
    };

    /// It rings at once.
    pub(crate) const RINGS: Self = Self { rang: Some(Duration::ZERO), ..Self::SILENT };

    /// It is answered at once.
    pub(crate) const ANSWERS: Self = Self { end: Some((Duration::ZERO, Ending::Answered)), ..Self::RINGS };

    /// It is said for so long.
    pub(crate) fn said(lasts: Duration) -> Self {
        Self { end: Some((lasts, Ending::Failed(Outcome::Spoken, Reached::Media))), ..Self::RINGS }
    }

    /// How it ends, and when, with so much patience for it: it may be given up before it comes to its own end.
    fn comes_to(&self, first: Duration, progress: Duration, ring: Duration) -> (Duration, Ending) {
        let end = self.end.map(|(at, _)| at);
        let least = |times: [Option<Duration>; 3]| times.into_iter().flatten().min();
        let wait = self.again.0 + first;
        let failed = |outcome, reached| Ending::Failed(outcome, reached);
        if least([self.heard, self.rang, end]).is_none_or(|heard| heard > wait) {
            return (wait, failed(Outcome::Silent(wait), Reached::Nobody));
        }
        let stall = self.heard.map(|heard| heard + progress);
        if let Some(stall) = stall.filter(|stall| least([self.rang, end, None]).is_none_or(|at| at > *stall))
        {
            return (stall, failed(Outcome::Stalled(stall), Reached::Nobody));
        }
        let rung = self.rang.map(|rang| rang + ring);
        // Whoever answers in time is waited for to press 1.
        let asked = self.asked.filter(|asked| rung.is_none_or(|rung| *asked <= rung));
        let until = asked.map(|asked| asked + CONFIRM).or(rung);
        match (self.end, until) {
            (Some((at, ending)), until) if until.is_none_or(|until| at <= until) => (at, ending),
            (_, until) => (until.unwrap_or(wait), failed(Outcome::RangOut(ring), Reached::Rang)),
        }
    }

    /// When an answer comes though it was given up then: if nothing had come before there was nothing to take back, and one may cross.
    fn late(&self, over: Duration) -> Option<Duration> {
        let (at, ending) = self.end?;
        let crosses = self.heard.is_none() && self.rang.is_none() || at <= over + LEAVE;
        (ending == Ending::Answered && at > over && crosses).then_some(at)
    }
}
