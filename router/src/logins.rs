//! What is known of the peers that ask for credentials: their last challenge, and whether ours still hold.
//!
//! | from | heard | to |
//! |---|---|---|
//! | good | three refusals in a row, or one challenge that cannot be met | broken, for 30 s |
//! | broken | its time is over | on trial: whatever comes next is decisive |
//! | on trial | a refusal | broken, for twice as long as before, at most 10 min |
//! | broken, on trial | something got through | good |
//!
//! What a call or a registration has proven no probe disproves: a peer may serve our account and refuse its OPTIONS all the
//! same. Three such refusals, and probes say who we are no more.
//!
//! While broken the peer is tried last, and our own requests answer it no more: credentials that were revoked are not
//! said for ever, and a carrier that is lost to us attracts no calls. A new plan forgets it all: somebody has looked.

use crate::chance::Chance;
use crate::target::Peer;
use core::time::Duration;
use sip::Time;
use sip::digest::{Asked, Challenge, Credentials};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All peers that have asked.
#[derive(Debug)]
pub struct Logins {
    chance: Chance,
    by_peer: BTreeMap<Arc<str>, Known>,
    waiting: BTreeSet<(Time, Arc<str>)>,
    changes: Vec<Change>,
    stirred: bool,
    /// Has a challenge to a call been answered?
    in_calls: bool,
}

#[derive(Debug, Default)]
struct Known {
    /// The last challenge to a call that was answered, and how often its nonce was.
    answered: Option<(Challenge, u32)>,
    /// The same for requests outside of calls: a registrar asks as a server does what a proxy asks for calls.
    outside: Option<(Challenge, u32)>,
    state: State,
    /// Has a call or a registration got through last?
    proven: bool,
    /// Probes that were refused since one got through.
    refused_probes: u8,
    /// When it refused, the last times, oldest first.
    refusals: Vec<Time>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing speaks against our credentials but so many refusals in a row.
    Good { refused: u8 },
    /// They were refused too often. It is on trial again at `until`.
    Broken { until: Time, back_off: Duration },
    /// The back-off is over.
    OnTrial { back_off: Duration },
}

/// What a peer said to our credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It took them, or did not ask.
    Through,
    /// It asked again.
    Refused,
    /// It asked for what we do not have: the plan has no credentials for it, or none of that realm, or nothing that it
    /// asks for is known here.
    Unmet,
}

/// Our credentials at a peer are broken, or hold again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The peer.
    pub peer: Arc<str>,
    /// The line of the password in the plan file, if there is one.
    pub line: Option<u32>,
    /// What it said last; [`Word::Through`] if they hold again.
    pub word: Word,
    /// When it refused before, oldest first, at most five.
    pub refusals: Vec<Time>,
}

/// Refusals in a row that break it. One may be a nonce that a proxy of theirs has lost.
const REFUSED_MAX: u8 = 3;

/// The first pause, and the longest; each is twice the one before.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

/// Refusals that a change shows.
const REFUSALS_MAX: usize = 5;

impl Logins {
    /// Nobody has asked yet. The chance draws the client's nonces.
    #[must_use]
    pub const fn new(chance: Chance) -> Self {
        Self {
            chance,
            by_peer: BTreeMap::new(),
            waiting: BTreeSet::new(),
            changes: Vec::new(),
            stirred: false,
            in_calls: false,
        }
    }

    /// The header line that answers a challenge of this peer; empty if the plan has no credentials for it. A nonce that
    /// is answered again is counted (RFC 7616 §3.4, `nc`).
    pub fn answer(&mut self, peer: &Peer, challenge: Challenge, asked: Asked<'_>) -> Vec<u8> {
        let known = self.by_peer.entry(Arc::clone(&peer.name)).or_default();
        let count = known.count(&challenge);
        let line = push(peer, &challenge, asked, (count, self.chance.draw()));
        known.answered = Some((challenge, count));
        self.in_calls = true;
        line
    }

    /// The same for a request that belongs to no call.
    pub fn answer_outside(&mut self, peer: &Peer, challenge: Challenge, asked: Asked<'_>) -> Vec<u8> {
        let known = self.by_peer.entry(Arc::clone(&peer.name)).or_default();
        let count = known.count(&challenge);
        let line = push(peer, &challenge, asked, (count, self.chance.draw()));
        known.outside = Some((challenge, count));
        line
    }

    /// The header line for a request that this peer would otherwise ask for: its last nonce once more; `None` if it has
    /// not asked yet.
    pub fn answer_ahead(&mut self, peer: &Peer, asked: Asked<'_>) -> Option<Vec<u8>> {
        let known = self.by_peer.get_mut(&peer.name)?;
        let (challenge, _) = known.answered.as_ref()?;
        let count = known.count(challenge);
        let line = push(peer, challenge, asked, (count, self.chance.draw()));
        if let Some((_, answered)) = &mut known.answered {
            *answered = count;
        }
        Some(line)
    }

    /// Has nobody ever asked? Then there is nothing to tell.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.by_peer.is_empty()
    }

    /// Has nobody ever asked for them in a call? Then there is nothing to [say ahead](Self::answer_ahead).
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.in_calls
    }

    /// May our own requests answer this peer? Not while it is broken.
    #[must_use]
    pub fn may_answer(&self, peer: &Peer) -> bool {
        let state = self.by_peer.get(&peer.name).map(|known| known.state);
        !matches!(state, Some(State::Broken { .. }))
    }

    /// May a probe answer this peer? Not if all that it would get is one more refusal.
    #[must_use]
    pub fn may_probe(&self, peer: &Peer) -> bool {
        let known = self.by_peer.get(&peer.name);
        let idle = known.is_some_and(|known| known.proven && known.refused_probes >= REFUSED_MAX);
        self.may_answer(peer) && !idle
    }

    /// Until when our own requests do not answer this peer; `None` while they may.
    #[must_use]
    pub fn pause(&self, peer: &Peer) -> Option<Time> {
        match self.by_peer.get(&peer.name)?.state {
            State::Broken { until, .. } => Some(until),
            State::Good { .. } | State::OnTrial { .. } => None,
        }
    }

    /// Takes what a peer said to the credentials of a probe.
    pub fn on_probe_word(&mut self, peer: &Peer, word: Word, now: Time) {
        let known = self.by_peer.entry(Arc::clone(&peer.name)).or_default();
        known.refused_probes = if word == Word::Through { 0 } else { known.refused_probes.saturating_add(1) };
        if !known.proven {
            self.hear(peer, word, now);
        }
    }

    /// Takes what a peer said to our credentials in a call or a registration, or to one without them.
    pub fn on_word(&mut self, peer: &Peer, word: Word, now: Time) {
        self.hear(peer, word, now);
        if let Some(known) = self.by_peer.get_mut(&peer.name) {
            known.proven = word == Word::Through;
        }
    }

    fn hear(&mut self, peer: &Peer, word: Word, now: Time) {
        let known = match (word, self.by_peer.get_mut(&peer.name)) {
            (_, Some(known)) => known,
            // Who never asked has nothing to forgive.
            (Word::Through, None) => return,
            (Word::Refused | Word::Unmet, None) => self.by_peer.entry(Arc::clone(&peer.name)).or_default(),
        };
        let before = known.state;
        if word != Word::Through {
            if known.refusals.len() >= REFUSALS_MAX {
                known.refusals.remove(0);
            }
            known.refusals.push(now);
        }
        known.state = before.after(word, now);
        let (was, is) = (before.is_broken(), known.state.is_broken());
        if was != is {
            let line = peer.login.as_ref().map(|login| login.line);
            let (peer, refusals) = (Arc::clone(&peer.name), known.refusals.clone());
            self.changes.push(Change { peer, line, word, refusals });
        }
        if word == Word::Through {
            known.refusals.clear();
        }
        let after = known.state;
        self.file(&peer.name, before, after);
    }

    /// Acts if a deadline has come; true if some peer is on trial now.
    pub fn on_deadline(&mut self, now: Time) -> bool {
        let mut tried = false;
        while self.deadline().is_some_and(|at| at <= now) {
            let Some((_, peer)) = self.waiting.pop_first() else { break };
            if let Some(Known { state, .. }) = self.by_peer.get_mut(&peer)
                && let State::Broken { back_off, .. } = *state
            {
                *state = State::OnTrial { back_off };
                tried = true;
            }
        }
        tried
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// The peers that are to be tried last.
    pub fn broken(&self) -> impl Iterator<Item = &Arc<str>> {
        self.waiting.iter().map(|(_, peer)| peer)
    }

    /// Is there something to [take](Self::take_changes), or are others [broken](Self::broken) than were?
    #[must_use]
    pub const fn has_changed(&self) -> bool {
        self.stirred
    }

    /// What has changed since it was asked last.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.stirred = false;
        core::mem::take(&mut self.changes)
    }

    /// A new plan is in force: credentials may be others now.
    pub fn forgive(&mut self) {
        self.by_peer.clear();
        self.waiting.clear();
        self.in_calls = false;
    }

    fn file(&mut self, peer: &Arc<str>, before: State, after: State) {
        self.stirred |= before.is_broken() || after.is_broken();
        if let State::Broken { until, .. } = before {
            self.waiting.remove(&(until, Arc::clone(peer)));
        }
        if let State::Broken { until, .. } = after {
            self.waiting.insert((until, Arc::clone(peer)));
        }
    }
}

impl Known {
    /// How often the nonce of this challenge will have been answered with the next answer.
    fn count(&self, challenge: &Challenge) -> u32 {
        let same = [&self.answered, &self.outside].into_iter().flatten();
        let counts = same.filter(|(known, _)| known.is_of(challenge)).map(|(_, count)| *count);
        counts.max().unwrap_or(0).saturating_add(1)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::Good { refused: 0 }
    }
}

impl State {
    const fn is_broken(self) -> bool {
        match self {
            Self::Good { .. } => false,
            // On trial it has not held yet.
            Self::Broken { .. } | Self::OnTrial { .. } => true,
        }
    }

    fn after(self, word: Word, now: Time) -> Self {
        let broken = |back_off| Self::Broken { until: now + back_off, back_off };
        match (self, word) {
            (_, Word::Through) => Self::default(),
            (Self::Good { refused }, Word::Refused) if refused + 1 < REFUSED_MAX => {
                Self::Good { refused: refused + 1 }
            }
            (Self::Good { .. }, Word::Refused | Word::Unmet) => broken(BACK_OFF.0),
            (Self::OnTrial { back_off }, Word::Refused | Word::Unmet) => {
                broken((back_off * 2).min(BACK_OFF.1))
            }
            // A call that had nowhere else to go has tried it meanwhile.
            (Self::Broken { .. }, Word::Refused | Word::Unmet) => self,
        }
    }
}

fn push(peer: &Peer, challenge: &Challenge, asked: Asked<'_>, numbers: (u32, u64)) -> Vec<u8> {
    let mut line = Vec::with_capacity(LINE_USUAL);
    if let Some(login) = &peer.login {
        let who = Credentials { user: &login.user, password: &login.password };
        challenge.push_answer(&mut line, &who, asked, numbers);
    }
    line
}

/// Most answers fit.
const LINE_USUAL: usize = 384;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Login, PeerKind, made};

    fn peer() -> Peer {
        let login = Login { user: "n".into(), password: "p".into(), realm: None, register: None, line: 5 };
        Peer { login: Some(login), ..made::peer("telnyx", PeerKind::Site, [192, 0, 2, 1].into()) }
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn words(logins: &mut Logins) -> Vec<Word> {
        logins.take_changes().into_iter().map(|change| change.word).collect()
    }

    #[test]
    fn three_refusals_in_a_row_break_it_and_something_that_gets_through_mends_it() {
        let (mut logins, peer) = (Logins::new(Chance::new(1)), peer());
        for (second, word) in [(1, Word::Refused), (2, Word::Refused), (3, Word::Through), (4, Word::Refused)]
        {
            logins.on_word(&peer, word, at(second));
        }
        logins.on_word(&peer, Word::Refused, at(5));
        assert_eq!((words(&mut logins), logins.may_answer(&peer)), (vec![], true));
        logins.on_word(&peer, Word::Refused, at(6));
        let refusals = vec![at(4), at(5), at(6)];
        let (name, line, word) = (Arc::clone(&peer.name), Some(5), Word::Refused);
        assert_eq!(logins.take_changes(), [Change { peer: name, line, word, refusals }]);
        assert_eq!((logins.may_answer(&peer), logins.broken().count()), (false, 1));
        logins.on_word(&peer, Word::Through, at(7));
        assert_eq!((words(&mut logins), logins.deadline()), (vec![Word::Through], None));
    }

    #[test]
    fn the_trial_comes_ever_later_up_to_ten_minutes() {
        let (mut logins, peer) = (Logins::new(Chance::new(1)), peer());
        let (mut now, mut pauses) = (at(0), Vec::new());
        logins.on_word(&peer, Word::Unmet, now);
        assert_eq!(words(&mut logins), [Word::Unmet]);
        for _ in 0..7 {
            let until = logins.deadline().unwrap();
            pauses.push(until.since(now).as_secs());
            assert!(logins.on_deadline(until));
            assert!(logins.may_answer(&peer) && logins.deadline().is_none());
            now = until + Duration::from_secs(1);
            logins.on_word(&peer, Word::Refused, now);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(words(&mut logins), [], "it was broken all the time");
    }

    #[test]
    fn what_a_call_has_proven_no_probe_disproves_and_after_three_refusals_none_asks_again() {
        let (mut logins, peer) = (Logins::new(Chance::new(1)), peer());
        logins.on_probe_word(&peer, Word::Refused, at(1));
        logins.on_probe_word(&peer, Word::Refused, at(2));
        logins.on_word(&peer, Word::Through, at(3));
        assert!(logins.may_probe(&peer));
        for second in 4..9 {
            logins.on_probe_word(&peer, Word::Refused, at(second));
        }
        assert_eq!((words(&mut logins), logins.may_answer(&peer)), (vec![], true));
        assert!(!logins.may_probe(&peer), "it would be the ninth time in vain");
        // The password is revoked: calls find out, and the trial is everybody's.
        (10..13).for_each(|second| logins.on_word(&peer, Word::Refused, at(second)));
        assert_eq!((words(&mut logins), logins.may_probe(&peer)), (vec![Word::Refused], false));
        assert!(logins.on_deadline(at(42)) && logins.may_probe(&peer));
        logins.on_probe_word(&peer, Word::Through, at(43));
        assert_eq!(words(&mut logins), [Word::Through]);
    }

    #[test]
    fn who_never_asked_is_not_remembered_and_a_new_plan_forgets() {
        let (mut logins, peer) = (Logins::new(Chance::new(1)), peer());
        logins.on_word(&peer, Word::Through, at(1));
        assert!(logins.is_quiet());
        logins.on_word(&peer, Word::Unmet, at(1));
        logins.forgive();
        assert!(logins.is_quiet() && logins.deadline().is_none());
    }
}
