//! What is believed of each path, and why.
//!
//! | from | sign | to |
//! |---|---|---|
//! | UNKNOWN | a good sign | UP |
//! | UNKNOWN, UP | a miss, two soft failures, 503 | SUSPECT |
//! | SUSPECT | a good sign; of a probe only once the back-off of a failed call is over (5 s, doubling to 60 s) | UP |
//! | SUSPECT | `down_after` steps in all | DOWN |
//! | UNKNOWN, UP, SUSPECT | 503 with Retry-After | DOWN for so long, then SUSPECT |
//! | DOWN | `up_after` answers, or one call, and `hold` since the first of them with no bad sign in between | PROBATION |
//! | PROBATION | three calls answered or rang; or three probes and another `hold` | UP |
//! | PROBATION | a miss, two soft failures, 503 | DOWN |
//!
//! - *Never DOWN on one sample.* Bad signs within 100 ms of each other are one sample. The one exception is a peer that
//!   itself names a time to stay away.
//! - *Live calls outrank probes.* A call that is answered or rings clears SUSPECT at once; while it has proven the path
//!   since the first of the probes that miss now, those misses are disregarded (for five minutes; for ever if the path has
//!   never answered a probe).
//! - *Flapping is damped.* Between two returns to UP lies at least the hold; it doubles with each relapse up to ten minutes
//!   and is the plan's again after an hour well.
//! - *Without probes* a SUSPECT path is UNKNOWN again after its back-off, and a DOWN path is on probation after its hold.
//! - *What a peer has said to us* is not how well it is: out of credit, refusing us, full ([`Side`]) stand beside the
//!   standing, and such a path is tried last as well.
//! - *Loss is not death*: requests that had to be sent again are counted and change no standing.
//!
//! While SUSPECT a path is probed every second, else after 80 to 100 % of `every` from the last answer of a probe, or of
//! a call while UP. So a path that falls silent is DOWN within `every` + 3 × `timeout` + 2 s at `down_after` = 3.

mod belief;
mod cadence;
mod damping;
mod deafness;
mod instant_busy;
mod rtt;
mod side;
#[cfg(test)]
mod stories;

use crate::chance::Chance;
use crate::load::{Filled, Load};
use crate::networks::Network;
use crate::path::Path;
use crate::target::Probe;
use belief::Belief;
use core::time::Duration;
use rtt::Rtt;
use side::Sides;
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use side::{Mark, Side};

/// What is believed of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Answers.
    Up,
    /// Was down, answers again: one call at a time until three were answered or rang.
    Probation,
    /// Nothing is known yet.
    Unknown,
    /// Missed once, or told us to stay away for a moment.
    Suspect,
    /// Does not answer: tried last, never refused outright.
    Down,
}

/// Who gave a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One of our OPTIONS.
    Probe,
    /// A live call.
    Call,
}

/// What was seen of a path. Table in TRIGGERS, section 2, column "health".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A final response or ringing came; for the first answer to a request that was sent once, the round trip.
    Alive {
        /// Request out to first response in, only where the request was not sent again.
        round_trip: Option<Duration>,
        /// How often the request had to be sent again: a sign of loss.
        resent: u32,
    },
    /// No answer at all in time, or 408 / 504: one step towards DOWN.
    Miss,
    /// 5xx, or no ringing after 100: half a step.
    Soft,
    /// The network says nobody is there (ICMP, refused, reset): SUSPECT at once, a whole step.
    Unreachable,
    /// 503; with Retry-After the seconds it named (clamped to 1–300 here): DOWN for so long; without: SUSPECT, with a
    /// back-off of 5 s doubling to 60 s.
    Unavailable(Option<u32>),
}

/// One piece of evidence for a belief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When.
    pub at: Time,
    /// By whom.
    pub source: Source,
    /// What.
    pub sign: Sign,
}

/// What was believed of a path from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// How well it was.
    Standing {
        /// What it was.
        to: Standing,
        /// By whose sign.
        by: Source,
        /// Had it asked for that itself, by a 503 with Retry-After?
        away: bool,
    },
    /// What stood beside that.
    Side(Option<Side>),
}

/// What health asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send an OPTIONS along this path now, and report its outcome with `on_sign`.
    Probe(Path),
    /// A belief has changed.
    Changed {
        /// Of which path.
        path: Path,
        /// What was believed.
        from: Standing,
        /// What is believed now.
        to: Standing,
        /// Why: the last samples, oldest first, at most five.
        evidence: Vec<Evidence>,
    },
    /// What stands beside a belief has changed.
    Side {
        /// Of which path.
        path: Path,
        /// What it was.
        from: Option<Side>,
        /// What it is now.
        to: Option<Side>,
    },
    /// Something has reached its limit.
    Filled(Filled),
}

/// What is believed of all paths.
#[derive(Clone, Debug)]
pub struct Health {
    beliefs: BTreeMap<Path, Belief>,
    sides: Sides,
    last: BTreeSet<Path>,
    deadlines: BTreeSet<(Time, Path)>,
    load: Load,
    chance: Chance,
}

impl Health {
    /// Nothing is known yet. The seed draws the jitter of probes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (beliefs, sides, deadlines) = (BTreeMap::new(), Sides::default(), BTreeSet::new());
        let last = BTreeSet::new();
        Self { beliefs, sides, last, deadlines, load: Load::default(), chance: Chance::new(seed) }
    }

    /// Watches these paths and no others: new ones begin as UNKNOWN and are probed at once (spread over one
    /// interval if there are more than fifty), known ones keep all that is believed of them, others are forgotten.
    /// `None` watches without probing. Of a path that stands here twice the first counts.
    pub fn watch(&mut self, paths: &[(Path, Option<Probe>)], now: Time) {
        let mut wanted = BTreeMap::new();
        for (path, probe) in paths {
            wanted.entry(*path).or_insert(*probe);
        }
        let mut known = core::mem::take(&mut self.beliefs);
        self.deadlines.clear();
        let fresh = wanted.keys().filter(|path| !known.contains_key(path)).count();
        let mut nth = 0;
        for (path, probe) in wanted {
            let belief = if let Some(mut belief) = known.remove(&path) {
                belief.retune(probe, now);
                belief
            } else {
                nth += 1;
                Belief::new(probe, now + wait_for_turn(nth - 1, fresh, probe))
            };
            self.deadlines.extend(belief.deadline().map(|at| (at, path)));
            self.beliefs.insert(path, belief);
        }
        self.sides.retain(|path| self.beliefs.contains_key(path));
    }

    /// Takes a sign. Signs of paths that are not watched are ignored.
    pub fn on_sign(&mut self, path: Path, source: Source, sign: Sign, now: Time, out: &mut Vec<Output>) {
        self.change(path, out, |belief, chance| {
            belief.on_sign(Evidence { at: now, source, sign }, chance);
            false
        });
    }

    /// Believes of a watched path what was believed once, as it was kept; what that was made of is not known.
    pub fn recall(&mut self, path: Path, what: Recalled, at: Time) {
        match what {
            Recalled::Standing { to, away, .. } => self.change(path, &mut Vec::new(), |belief, _| {
                belief.recall(to, away, at);
                false
            }),
            Recalled::Side(side) => self.sides.recall(path, side, at),
        }
    }

    /// The first response to an INVITE came, be it a 100: it says how far and how lossy the path is, and nothing of
    /// who is behind it. `round_trip` only where the INVITE was sent once.
    pub fn on_heard(&mut self, path: Path, round_trip: Option<Duration>, resent: u32) {
        if let Some(belief) = self.beliefs.get_mut(&path) {
            belief.on_heard(round_trip, resent);
        }
    }

    /// A call has begun to try this path: on probation it is the only one until [`on_call_over`](Self::on_call_over).
    pub fn on_call_begun(&mut self, path: Path) {
        if let Some(belief) = self.beliefs.get_mut(&path) {
            belief.on_call_begun();
        }
    }

    /// The try is over, however it ended. To be called after the signs of this try: on probation they count only while
    /// it lasts, and once a try.
    pub fn on_call_over(&mut self, path: Path) {
        if let Some(belief) = self.beliefs.get_mut(&path) {
            belief.on_call_over();
        }
    }

    /// A call was answered or rings by this path: it takes our calls.
    pub fn on_through(&mut self, path: Path, out: &mut Vec<Output>) {
        self.change_side(path, out, |sides| sides.on_through(path));
    }

    /// Takes a final refusal with what it leaves behind. True if it is the one too many of its kind in a row that
    /// somebody should know of. Refusals by paths that are not watched are ignored.
    pub fn on_refused(&mut self, path: Path, mark: Option<Mark>, now: Time, out: &mut Vec<Output>) -> bool {
        self.beliefs.contains_key(&path)
            && self.change_side(path, out, |sides| sides.on_refused(path, mark, now))
    }

    /// A call to this number was refused as [`Mark::InstantBusy`]. True if the path's peer is at its limit by that: it is
    /// full for ten seconds. Refusals by paths that are not watched are ignored.
    pub fn on_instant_busy(
        &mut self,
        path: Path,
        number: &Arc<str>,
        now: Time,
        out: &mut Vec<Output>,
    ) -> bool {
        self.beliefs.contains_key(&path)
            && self.change_side(path, out, |sides| sides.on_instant_busy(path, number, now))
    }

    /// Somebody has loaded a plan: what peers had said to us is forgotten, what is believed of them is not.
    pub fn forgive(&mut self, out: &mut Vec<Output>) {
        let before: Vec<_> = self.sides().collect();
        self.sides.clear();
        out.extend(before.into_iter().map(|(path, side)| Output::Side { path, from: Some(side), to: None }));
    }

    /// Acts if a deadline has come: probes that are due, holds and retry-afters that are over. After
    /// [`Output::Probe`] the path is not probed again until a sign with [`Source::Probe`] has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.load.on_deadline(now);
        for path in self.sides.due(now) {
            self.change_side(path, out, |sides| sides.on_full_over(path));
        }
        while let Some(&(at, path)) = self.deadlines.first() {
            if at > now {
                return;
            }
            self.change(path, out, |belief, chance| belief.on_deadline(now, chance));
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let first = self.deadlines.first().map(|(at, _)| *at);
        first.into_iter().chain(self.sides.deadline()).chain(self.load.deadline()).min()
    }

    /// How many calls those carry that have a limit: what is full is tried last, as what is down.
    #[must_use]
    pub const fn load(&self) -> &Load {
        &self.load
    }

    /// The same, to count.
    pub const fn load_mut(&mut self) -> &mut Load {
        &mut self.load
    }

    /// These paths are to be tried last, and no others, whatever is believed of them: their peers will not have our
    /// credentials.
    pub fn try_last(&mut self, paths: BTreeSet<Path>) {
        self.last = paths;
    }

    /// How the next call has to see a path. One that is not watched is [`Standing::Unknown`]; one on probation that
    /// already has its one call, one with a [`Side`] or one that is to be tried last is [`Standing::Down`] for the next.
    #[must_use]
    pub fn standing(&self, path: Path) -> Standing {
        if self.sides.of(path).is_some() { Standing::Down } else { self.standing_unless_full(path) }
    }

    /// [`standing`](Self::standing), were it not full: full is what it says of itself now, not how well it is.
    #[must_use]
    pub fn standing_unless_full(&self, path: Path) -> Standing {
        if self.sides.of(path).is_some_and(|side| side != Side::Full) || self.last.contains(&path) {
            return Standing::Down;
        }
        self.beliefs.get(&path).map_or(Standing::Unknown, Belief::standing_for_next_call)
    }

    /// Is a path DOWN for nothing but its own word: a 503 with Retry-After whose time is not over? That word keeps nobody
    /// out who is the last way to a destination.
    #[must_use]
    pub fn is_away(&self, path: Path) -> bool {
        self.sides.of(path).is_none() && self.beliefs.get(&path).is_some_and(Belief::is_away)
    }

    /// Is whoever these paths lead to down by all of them, by more than his own word? Who has none is not.
    #[must_use]
    pub fn is_down_by(&self, paths: &[Path]) -> bool {
        let is_down = |path: &Path| self.believed(*path) == Standing::Down && !self.is_away(*path);
        !paths.is_empty() && paths.iter().all(is_down)
    }

    /// Would a call find nobody by all of these paths: is each down, or out of selection for what its peer has said?
    #[must_use]
    pub fn is_lost_by(&self, paths: &[Path]) -> bool {
        let is_out = |path: &Path| self.side(*path).is_some_and(|side| side != Side::Full);
        let is_lost = |path: &Path| is_out(path) || self.is_down_by(&[*path]);
        !paths.is_empty() && paths.iter().all(is_lost)
    }

    /// Is he well by one of them?
    #[must_use]
    pub fn is_well_by(&self, paths: &[Path]) -> bool {
        paths.iter().any(|path| matches!(self.believed(*path), Standing::Up | Standing::Probation))
    }

    /// Since when a path is DOWN, if it is and that is known.
    #[must_use]
    pub fn down_since(&self, path: Path) -> Option<Time> {
        let belief = self.beliefs.get(&path)?;
        if belief.standing() == Standing::Down { belief.since() } else { None }
    }

    /// What is believed of a path, whatever calls are under way on it.
    #[must_use]
    pub fn believed(&self, path: Path) -> Standing {
        self.beliefs.get(&path).map_or(Standing::Unknown, Belief::standing)
    }

    /// First retransmission of a request on this path: 4 × the measured round trip, 50 to 500 ms; 500 ms while it is
    /// not known.
    #[must_use]
    pub fn t1(&self, path: Path) -> Duration {
        self.rtt(path).t1()
    }

    /// How long an INVITE may stay without any response: max(1 s, min(4 s, 4 × round trip + 1 s)); 2 s while the
    /// round trip is not known.
    #[must_use]
    pub fn first(&self, path: Path) -> Duration {
        self.rtt(path).first()
    }

    /// The smoothed round trip of a path; `None` while none was measured.
    #[must_use]
    pub fn round_trip(&self, path: Path) -> Option<Duration> {
        self.rtt(path).round_trip()
    }

    /// Share of requests that had to be sent again on this path, in percent, over about the last sixteen answers.
    /// Loss changes no standing.
    #[must_use]
    pub fn loss(&self, path: Path) -> u8 {
        self.rtt(path).loss()
    }

    /// Whether the silence of probes is disregarded on this path, because calls prove it: worth a word to the
    /// operator, who can switch its probes off.
    #[must_use]
    pub fn is_deaf_to_probes(&self, path: Path, now: Time) -> bool {
        self.beliefs.get(&path).is_some_and(|belief| belief.deafness().is_deaf(now))
    }

    /// Is it us who are cut off? Every path is DOWN by silence, and they lead to three networks that have answered probes before:
    /// so many do not die at once. What never answered a probe is no witness, but has to be DOWN too.
    #[must_use]
    pub fn hears_nobody(&self) -> bool {
        let mut witnesses = BTreeSet::new();
        let mut outside = self.beliefs.iter().filter(|(path, _)| !path.transport.is_inside());
        outside.all(|(path, belief)| {
            if belief.has_answered() {
                witnesses.insert(Network::of_carrier(path.remote.ip()));
            }
            belief.is_silent()
        }) && witnesses.len() >= WITNESSES_MIN
    }

    /// All paths with what is believed of them and why, in order of path.
    pub fn beliefs(&self) -> impl Iterator<Item = (Path, Standing, &[Evidence])> {
        self.beliefs.iter().map(|(path, belief)| (*path, belief.standing(), belief.evidence()))
    }

    /// Calls that are being tried by a path.
    #[must_use]
    pub fn calls(&self, path: Path) -> u32 {
        self.beliefs.get(&path).map_or(0, Belief::calls)
    }

    /// What stands beside the belief of a path.
    #[must_use]
    pub fn side(&self, path: Path) -> Option<Side> {
        self.sides.of(path)
    }

    /// All paths that something stands beside of, in order of path.
    pub fn sides(&self) -> impl Iterator<Item = (Path, Side)> {
        self.sides.all()
    }

    fn rtt(&self, path: Path) -> Rtt {
        self.beliefs.get(&path).map_or_else(Rtt::default, |belief| *belief.rtt())
    }

    /// Lets what stands beside beliefs act, and says what changed of one path.
    fn change_side<T>(&mut self, path: Path, out: &mut Vec<Output>, act: impl FnOnce(&mut Sides) -> T) -> T {
        let from = self.sides.of(path);
        let told = act(&mut self.sides);
        let to = self.sides.of(path);
        if from != to {
            out.push(Output::Side { path, from, to });
        }
        told
    }

    /// Lets one belief act, says what changed, and files its new deadline.
    fn change(
        &mut self,
        path: Path,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Belief, &mut Chance) -> bool,
    ) {
        let Some(belief) = self.beliefs.get_mut(&path) else { return };
        let (from, filed) = (belief.standing(), belief.deadline());
        let probe = act(belief, &mut self.chance);
        let (to, due) = (belief.standing(), belief.deadline());
        if from != to {
            belief.turn();
            out.push(Output::Changed { path, from, to, evidence: belief.evidence().to_vec() });
        }
        if probe {
            out.push(Output::Probe(path));
        }
        if filed != due {
            filed.map(|at| self.deadlines.remove(&(at, path)));
            due.map(|at| self.deadlines.insert((at, path)));
        }
    }
}

/// When the nth of so many new paths has its first probe.
fn wait_for_turn(nth: u32, of: usize, probe: Option<Probe>) -> Duration {
    match (probe, u32::try_from(of)) {
        (Some(probe), Ok(of)) if of > AT_ONCE_MAX => {
            let micros = probe.every.as_micros() * u128::from(nth) / u128::from(of);
            Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
        }
        _ => Duration::ZERO,
    }
}

/// Networks that fall silent together by their own fault are seldom more than two: a carrier and what depends on it.
pub const WITNESSES_MIN: usize = 3;

/// New paths that are probed in the same moment; more would be a burst that loses packets of its own making.
const AT_ONCE_MAX: u32 = 50;
