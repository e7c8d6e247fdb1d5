//! What is believed of one path: a state machine over its signs.

use super::cadence::Cadence;
use super::damping::Damping;
use super::deafness::Deafness;
use super::rtt::Rtt;
use super::{Evidence, Sign, Source, Standing};
use crate::chance::Chance;
use crate::target::Probe;
use core::time::Duration;
use sip::Time;

/// One path. Steps towards DOWN are counted in halves: a miss is two, a soft failure one.
#[derive(Clone, Debug)]
pub(super) struct Belief {
    state: State,
    cadence: Cadence,
    rtt: Rtt,
    deafness: Deafness,
    damping: Damping,
    evidence: Vec<Evidence>,
    /// When it was last believed something else than before.
    turned: Option<Time>,
    last_bad: Option<Time>,
    back_off: Duration,
    call_halves: u16,
    calls: u32,
    calls_unheard: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No sign has come that would decide anything, or the last ones were bad and too long ago to go by.
    Unknown { halves: u16 },
    /// The last sign that counts was good, or there is half a step against it.
    Up { halves: u16 },
    /// At least one step against it, not enough for DOWN. Before `until` no probe clears it, only a call: it was a
    /// call that failed. `well` once the last sign was good and only the wait is left.
    Suspect { halves: u16, until: Time, well: bool },
    /// It asked to be left alone for a while; by whom we heard it.
    Away { halves: u16, until: Time, by: Source },
    /// It missed too often, the last time at `last`.
    Down { last: Time },
    /// It was DOWN and has answered since then, with no bad sign in between.
    Returning { since: Time, answers: u8 },
    /// Calls return one at a time; how many were answered, and how many probes.
    Probation { since: Time, halves: u16, calls: u8, answers: u8 },
}

impl Belief {
    /// Nothing is known; the first probe is due at `first_probe`.
    pub(super) fn new(probe: Option<Probe>, first_probe: Time) -> Self {
        Self {
            state: State::Unknown { halves: 0 },
            cadence: Cadence::new(probe, first_probe),
            rtt: Rtt::default(),
            deafness: Deafness::default(),
            damping: Damping::new(probe.unwrap_or(PASSIVE).hold),
            evidence: Vec::with_capacity(EVIDENCE_MAX),
            turned: None,
            last_bad: None,
            back_off: BACK_OFF_MIN,
            call_halves: 0,
            calls: 0,
            calls_unheard: 0,
        }
    }

    /// As it was believed once.
    pub(super) fn recall(&mut self, standing: Standing, away: bool, at: Time) {
        self.state = match standing {
            Standing::Unknown => State::Unknown { halves: 0 },
            Standing::Up => State::Up { halves: 0 },
            Standing::Suspect => State::Suspect { halves: 2, until: at, well: false },
            Standing::Down if away => State::Away { halves: 0, until: at + AWAY_MAX, by: Source::Call },
            Standing::Down => State::Down { last: at },
            Standing::Probation => State::Probation { since: at, halves: 0, calls: 0, answers: 0 },
        };
    }

    /// What is believed has just changed, by the last sign.
    pub(super) fn turn(&mut self) {
        self.turned = self.evidence.last().map(|sign| sign.at);
    }

    /// Since when what is believed is believed.
    pub(super) const fn since(&self) -> Option<Time> {
        self.turned
    }

    /// Probes by other terms from now on; all beliefs stay.
    pub(super) fn retune(&mut self, probe: Option<Probe>, now: Time) {
        self.cadence.retune(probe, now);
        self.damping.retune(self.terms().hold);
    }

    /// Takes a sign of this path.
    pub(super) fn on_sign(&mut self, seen: Evidence, chance: &mut Chance) {
        if !self.is_same_sample(seen) {
            if self.counts(seen) {
                self.keep(seen);
            }
            self.weigh(seen);
        }
        if seen.source == Source::Probe {
            self.cadence.on_probe_over(seen.at, chance);
        }
        let failed = matches!(seen.sign, Sign::Miss | Sign::Soft | Sign::Unreachable);
        if failed && matches!(self.state, State::Suspect { .. }) {
            self.cadence.hurry(seen.at);
        }
    }

    /// See [`Health::on_heard`](super::Health::on_heard).
    pub(super) fn on_heard(&mut self, round_trip: Option<Duration>, resent: u32) {
        self.rtt.on_answer(round_trip, resent);
    }

    /// A call tries this path.
    pub(super) const fn on_call_begun(&mut self) {
        self.calls = self.calls.saturating_add(1);
        self.calls_unheard = self.calls_unheard.saturating_add(1);
    }

    /// A call no longer tries this path.
    pub(super) fn on_call_over(&mut self) {
        self.calls = self.calls.saturating_sub(1);
        self.calls_unheard = self.calls_unheard.min(self.calls);
    }

    /// Acts if a deadline has come; true if a probe has to be sent.
    pub(super) fn on_deadline(&mut self, now: Time, chance: &mut Chance) -> bool {
        if self.state_deadline().is_some_and(|at| at <= now) {
            self.on_wait_over(now);
        }
        let is_up = matches!(self.state, State::Up { .. });
        let proof = self.deafness.call_answered().filter(|_| is_up);
        self.cadence.on_deadline(now, proof, chance)
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    pub(super) fn deadline(&self) -> Option<Time> {
        [self.cadence.deadline(), self.state_deadline()].into_iter().flatten().min()
    }

    /// What is believed, whatever calls are under way.
    pub(super) const fn standing(&self) -> Standing {
        match self.state {
            State::Unknown { .. } => Standing::Unknown,
            State::Up { .. } => Standing::Up,
            State::Suspect { .. } => Standing::Suspect,
            State::Away { .. } | State::Down { .. } | State::Returning { .. } => Standing::Down,
            State::Probation { .. } => Standing::Probation,
        }
    }

    /// What is believed, as a further call has to see it.
    pub(super) const fn standing_for_next_call(&self) -> Standing {
        if self.calls > 0 && matches!(self.state, State::Probation { .. }) {
            return Standing::Down;
        }
        self.standing()
    }

    /// Has it asked to be left alone for a while?
    pub(super) const fn is_away(&self) -> bool {
        matches!(self.state, State::Away { .. })
    }

    /// Calls that are being tried.
    pub(super) const fn calls(&self) -> u32 {
        self.calls
    }

    pub(super) const fn rtt(&self) -> &Rtt {
        &self.rtt
    }

    pub(super) const fn deafness(&self) -> &Deafness {
        &self.deafness
    }

    /// Has it answered a probe, ever?
    pub(super) const fn has_answered(&self) -> bool {
        self.deafness.has_answered()
    }

    /// Is it DOWN, and was silence the last that was seen of it?
    pub(super) fn is_silent(&self) -> bool {
        let last = self.evidence.last().map(|seen| seen.sign);
        self.standing() == Standing::Down && matches!(last, Some(Sign::Miss | Sign::Unreachable))
    }

    /// The last samples, oldest first, at most five.
    pub(super) fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// A PBX that dies fails all its calls in one moment; that is one sample, not twenty.
    fn is_same_sample(&self, seen: Evidence) -> bool {
        match seen.sign {
            Sign::Miss | Sign::Soft | Sign::Unreachable => {
                self.last_bad.is_some_and(|last| seen.at < last + SAMPLE)
            }
            Sign::Alive { .. } | Sign::Unavailable(_) => false,
        }
    }

    /// Evidence is what counted: not the silence of probes where it says nothing, nor good probes that change nothing of
    /// what calls have said.
    fn counts(&self, seen: Evidence) -> bool {
        match (seen.source, seen.sign) {
            (Source::Probe, Sign::Miss | Sign::Soft) => !self.deafness.is_deaf(seen.at),
            (Source::Probe, Sign::Alive { .. }) => !matches!(self.state, State::Suspect { well: true, .. }),
            (Source::Probe, Sign::Unreachable | Sign::Unavailable(_)) | (Source::Call, _) => true,
        }
    }

    fn keep(&mut self, seen: Evidence) {
        if self.evidence.len() >= EVIDENCE_MAX {
            self.evidence.remove(0);
        }
        self.evidence.push(seen);
    }

    fn weigh(&mut self, Evidence { at: now, source, sign }: Evidence) {
        match (sign, source) {
            (Sign::Alive { .. }, Source::Call) => self.deafness.on_call_answered(now),
            (Sign::Alive { .. } | Sign::Unavailable(_), Source::Probe) => self.deafness.on_probe_answered(),
            (Sign::Miss | Sign::Soft | Sign::Unreachable, Source::Probe) => {
                self.deafness.on_probe_missed(now);
            }
            (Sign::Miss | Sign::Soft | Sign::Unreachable | Sign::Unavailable(_), Source::Call) => (),
        }
        let deaf = source == Source::Probe && self.deafness.is_deaf(now);
        match sign {
            Sign::Alive { round_trip, resent } => {
                self.rtt.on_answer(round_trip, resent);
                self.on_alive(source, now);
            }
            Sign::Miss | Sign::Soft if deaf => (),
            Sign::Miss | Sign::Unreachable => self.on_bad(source, 2, now),
            Sign::Soft => self.on_bad(source, 1, now),
            Sign::Unavailable(retry_after) => self.on_unavailable(source, retry_after, now),
        }
    }

    fn on_alive(&mut self, source: Source, now: Time) {
        self.last_bad = None;
        if source == Source::Call {
            self.back_off = BACK_OFF_MIN;
            self.call_halves = 0;
        }
        match self.state {
            State::Up { .. } => {
                self.call_halves = 0;
                self.state = State::Up { halves: 0 };
            }
            State::Suspect { halves, until, .. } => {
                // Live calls outrank probes: what a call has said only a call takes back before its time.
                let early = source == Source::Probe && now < until;
                let (halves, until) = if early { (halves.min(self.call_halves), until) } else { (0, now) };
                self.state = State::Suspect { halves, until, well: true };
                self.rise_if_ripe(now);
            }
            State::Away { until, by, .. }
                if (by, source) == (Source::Call, Source::Probe) || now < self.damping.up_from() =>
            {
                self.state = State::Away { halves: 0, until, by };
            }
            State::Unknown { .. } | State::Away { .. } => {
                self.state = State::Suspect { halves: 0, until: now, well: true };
                self.rise_if_ripe(now);
            }
            State::Down { .. } => self.on_answer_while_down(now, 0, source, now),
            State::Returning { since, answers } => self.on_answer_while_down(since, answers, source, now),
            State::Probation { since, halves, calls, answers } => {
                let heard = u8::from(source == Source::Call && self.calls_unheard > 0);
                self.calls_unheard -= u32::from(heard);
                let calls = calls.saturating_add(heard);
                let answers = answers.saturating_add(u8::from(source == Source::Probe));
                self.state = State::Probation { since, halves, calls, answers };
                self.rise_if_ripe(now);
            }
        }
    }

    /// A call proves as much as all the probes that are asked for.
    fn on_answer_while_down(&mut self, since: Time, answers: u8, source: Source, now: Time) {
        let answers = match source {
            Source::Probe => answers.saturating_add(1),
            Source::Call => u8::MAX,
        };
        self.state = State::Returning { since, answers };
        if self.state_deadline().is_some_and(|at| at <= now) {
            self.on_wait_over(now);
        }
    }

    fn on_bad(&mut self, source: Source, weight: u16, now: Time) {
        self.last_bad = Some(now);
        if source == Source::Call {
            self.call_halves = self.call_halves.saturating_add(weight);
        }
        let limit = u16::from(self.terms().down_after.max(1)) * 2;
        match self.state {
            State::Unknown { halves } if halves + weight < 2 => {
                self.state = State::Unknown { halves: halves + weight };
            }
            State::Up { halves } if halves + weight < 2 => self.state = State::Up { halves: halves + weight },
            State::Unknown { halves } if halves >= 2 && halves + weight >= limit => self.fall(now),
            // Never DOWN on one sample, not even if one miss is all the plan asks for.
            State::Unknown { halves } => self.suspect(source, halves + weight, now, now),
            State::Up { halves } => {
                self.damping.on_leave_up(now);
                self.suspect(source, halves + weight, now, now);
            }
            State::Suspect { halves, .. } if halves + weight >= limit => self.fall(now),
            State::Suspect { halves, until, .. } => self.suspect(source, halves + weight, until, now),
            State::Away { halves, .. } if halves + weight >= limit => self.fall(now),
            State::Away { halves, until, by } => {
                self.state = State::Away { halves: halves + weight, until, by };
            }
            State::Down { .. } | State::Returning { .. } => self.state = State::Down { last: now },
            State::Probation { since, halves, calls, answers } if halves + weight < 2 => {
                self.state = State::Probation { since, halves: halves + weight, calls, answers };
            }
            State::Probation { .. } => self.fall(now),
        }
    }

    fn on_unavailable(&mut self, source: Source, retry_after: Option<u32>, now: Time) {
        let away =
            retry_after.map(|named| now + Duration::from_secs(u64::from(named)).clamp(AWAY_MIN, AWAY_MAX));
        match (self.state, away) {
            (State::Up { halves }, _) => {
                self.damping.on_leave_up(now);
                self.leave_alone(source, halves, now, away, now);
            }
            (State::Unknown { halves }, _) => self.leave_alone(source, halves, now, away, now),
            (State::Suspect { halves, until, .. }, _) => {
                // One that flaps is tried after the others anyway, for longer than it has asked.
                let away = away.filter(|away| *away > self.damping.up_from());
                self.leave_alone(source, halves, until, away, now);
            }
            (State::Away { halves, until, by }, Some(away)) => {
                let by = if by == Source::Call { by } else { source };
                self.state = State::Away { halves, until: until.max(away), by };
            }
            // It has named a time already.
            (State::Away { .. }, None) => (),
            (State::Down { .. } | State::Returning { .. }, _) => self.state = State::Down { last: now },
            (State::Probation { .. }, _) => self.fall(now),
        }
    }

    fn leave_alone(&mut self, source: Source, halves: u16, until: Time, away: Option<Time>, now: Time) {
        match away {
            Some(away) => self.state = State::Away { halves, until: away, by: source },
            None => self.suspect(source, halves, until, now),
        }
    }

    /// `until` is how long probes were not to clear it. A failed call puts that off, but only once it is over: a burst of
    /// failures is one failure. Where probes tell nothing, it is how long nobody is asked.
    fn suspect(&mut self, source: Source, halves: u16, until: Time, now: Time) {
        let until = if (source == Source::Call || !self.is_probed(now)) && now >= until {
            let until = now + self.back_off;
            self.back_off = (self.back_off * 2).min(BACK_OFF_MAX);
            until
        } else {
            until
        };
        self.state = State::Suspect { halves, until, well: false };
    }

    fn fall(&mut self, now: Time) {
        self.damping.on_down();
        self.state = State::Down { last: now };
    }

    fn rise_if_ripe(&mut self, now: Time) {
        let ripe = match self.state {
            State::Suspect { well: true, .. } => self.state_deadline().is_some_and(|at| at <= now),
            State::Probation { calls, .. } => {
                calls >= PROOFS || self.state_deadline().is_some_and(|at| at <= now)
            }
            State::Unknown { .. }
            | State::Up { .. }
            | State::Suspect { .. }
            | State::Away { .. }
            | State::Down { .. }
            | State::Returning { .. } => false,
        };
        if ripe {
            self.damping.on_up(now);
            self.call_halves = 0;
            self.state = State::Up { halves: 0 };
        }
    }

    /// The wait of this state is over, by [`state_deadline`](Self::state_deadline).
    fn on_wait_over(&mut self, now: Time) {
        match self.state {
            State::Suspect { well: true, .. } | State::Probation { .. } => self.rise_if_ripe(now),
            // Nobody asks any more whether it answers, so nothing new is known; but the misses were misses.
            State::Suspect { halves, well: false, .. } => self.state = State::Unknown { halves },
            State::Away { halves, .. } => {
                let until = if self.is_probed(now) { now } else { now + BACK_OFF_MIN };
                self.state = State::Suspect { halves, until, well: false };
            }
            State::Down { .. } | State::Returning { .. } => {
                self.damping.on_probation();
                self.state = State::Probation { since: now, halves: 0, calls: 0, answers: 0 };
            }
            // They wait for nothing.
            State::Unknown { .. } | State::Up { .. } => (),
        }
    }

    fn state_deadline(&self) -> Option<Time> {
        let hold = self.damping.hold();
        match self.state {
            State::Unknown { .. } | State::Up { .. } => None,
            State::Suspect { until, well: true, .. } => Some(until.max(self.damping.up_from())),
            State::Suspect { until, well: false, .. } => (!self.is_probed(until)).then_some(until),
            State::Away { until, .. } => Some(until),
            // Without probes only a call can tell: one may try after the hold.
            State::Down { last } => (!self.is_probed(last + hold)).then_some(last + hold),
            State::Returning { since, answers } => (answers >= self.terms().up_after).then_some(since + hold),
            // A quiet line has no calls to prove it: probes do, if it stays well for a second hold.
            State::Probation { since, answers, .. } => (answers >= PROOFS).then_some(since + hold),
        }
    }

    /// Are there probes at that moment, and do they tell anything?
    fn is_probed(&self, at: Time) -> bool {
        self.cadence.probe().is_some() && !self.deafness.is_deaf(at)
    }

    fn terms(&self) -> Probe {
        self.cadence.probe().unwrap_or(PASSIVE)
    }
}

/// What counts on a path that is not probed.
const PASSIVE: Probe = Probe::every(Duration::from_secs(5));

/// As many samples as decide anything at the defaults, and a little of what was before.
const EVIDENCE_MAX: usize = 5;

/// Bad signs closer together than this are one sample.
const SAMPLE: Duration = Duration::from_millis(100);

/// How long a failed call outranks good probes the first time.
const BACK_OFF_MIN: Duration = Duration::from_secs(5);

/// And after many in a row: one call a minute finds out.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// Retry-After below this would change nothing.
const AWAY_MIN: Duration = Duration::from_secs(1);

/// Retry-After above this keeps a recovered peer out for longer than anybody meant.
const AWAY_MAX: Duration = Duration::from_secs(300);

/// Calls answered or rung on probation until UP; as many probes if there are no calls.
const PROOFS: u8 = 3;
