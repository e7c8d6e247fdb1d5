//! One registration of ours at a peer (RFC 3261 §10.2): it is asked for, kept alive, and asked for again for ever if it is
//! lost. It goes by the same paths as calls and probes, the best first, so that nobody is registered at an address that
//! is known to be dead.

use crate::call::{Means, reliability};
use crate::chance::Chance;
use crate::door::Effect;
use crate::logins::Word;
use crate::own::{Answer, Home, Own};
use crate::path::{Flow, Listener, Loss, Path};
use crate::probes::There;
use crate::record::Entry;
use crate::said::retry_after;
use crate::seal::Kind;
use crate::slots::Slot;
use crate::target::{Login, Peer, PeerId, Register};
use core::fmt;
use core::time::Duration;
use sip::txn::{ClientOutput, ClientRequest, Timers};
use sip::{Message, Name, NameAddr, Time};
use std::sync::Arc;

/// One registration.
#[derive(Debug)]
pub struct Registration {
    peer: Peer,
    own: Own,
    state: State,
    /// Where and until when the peer sends us calls by it.
    bound: Option<Bound>,
    /// For how long it is asked for: as the plan says, or longer if the peer wants that.
    expires: Duration,
    /// Was it told so since it was asked last?
    lengthened: bool,
    /// Where it was tried in vain since the last pause.
    tried: Vec<Path>,
    /// Pauses since it held last.
    failures: u32,
    standing: Registered,
    /// Was it said with the standing that the peer sends us calls?
    told_bound: bool,
    chance: Chance,
}

#[derive(Debug)]
enum State {
    /// It is asked for then.
    Waiting { until: Time },
    /// It is being asked for.
    Asking { path: Path, transaction: ClientRequest, sent: Time },
    /// It is to be given up then, at this address.
    Parting { until: Time, path: Path },
    /// It is being given up.
    Leaving { path: Path, transaction: ClientRequest },
    /// It is no more.
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    until: Time,
    path: Path,
}

/// How a registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Nobody has answered yet.
    Asked,
    /// The peer sends us calls.
    Held,
    /// The last try was in vain; it is tried again. Until it runs out a registration from before still holds.
    Failing(Failure),
    /// We gave it up.
    Left,
}

/// Why a registration was not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No path leads there: its name is not resolved.
    Nowhere,
    /// Nobody answered in time, by any path.
    Silent,
    /// Nobody listens there.
    Unreachable,
    /// It was refused.
    Refused(u16),
}

/// How long one address has to answer. A registrar that needs longer than this is in trouble.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first pause after a failure and the longest, each twice the one before; of the drawn one at least four fifths.
/// Ten minutes of a carrier's outage are met by nine tries, and its return is heard of within five minutes, or at once if
/// its probes are answered again.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Whatever a registrar says, it is not asked more often than this.
const REFRESH_MIN: Duration = Duration::from_secs(5);

/// A registrar may ask for longer registrations, up to a week.
const EXPIRES_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// All of a peer's customers learn in the same moment that it is back; they do not all come in that moment.
const SOON: Duration = Duration::from_secs(2);

impl Registration {
    /// One that is asked for at this time.
    #[must_use]
    pub fn new(peer: &Peer, at: Time, mut chance: Chance) -> Option<Self> {
        let terms = peer.register()?;
        let account = format!("sip:{}@{}", terms.user, domain(peer, terms));
        let own = Own {
            kind: Kind::Registration,
            method: "REGISTER",
            uri: format!("sip:{}", domain(peer, terms)),
            to: account.clone(),
            from: Some(account),
            call_id: format!("{:016x}{:016x}", chance.draw(), chance.draw()),
            tag: chance.draw(),
            tries: 0,
            said: 0,
        };
        Some(Self {
            expires: terms.expires,
            peer: peer.clone(),
            own,
            state: State::Waiting { until: at },
            bound: None,
            lengthened: false,
            tried: Vec::new(),
            failures: 0,
            standing: Registered::Asked,
            told_bound: false,
            chance,
        })
    }

    /// The peer as the plan has it, or had it when it was left.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How it stands.
    #[must_use]
    pub const fn standing(&self) -> Registered {
        self.standing
    }

    /// Until when the peer sends us calls by it; `None` if it does not.
    #[must_use]
    pub fn until(&self, now: Time) -> Option<Time> {
        self.bound.map(|bound| bound.until).filter(|until| *until > now)
    }

    /// Is it, or is it about to be, given up?
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        match self.state {
            State::Parting { .. } | State::Leaving { .. } | State::Gone => true,
            State::Waiting { .. } | State::Asking { .. } => false,
        }
    }

    /// Is it no more?
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    /// The path on which an answer is waited for.
    #[must_use]
    pub const fn path(&self) -> Option<Path> {
        match &self.state {
            State::Asking { path, .. } | State::Leaving { path, .. } => Some(*path),
            State::Waiting { .. } | State::Parting { .. } | State::Gone => None,
        }
    }

    /// When it wants to be called; `None` once it is no more.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Waiting { until } | State::Parting { until, .. } => Some(*until),
            State::Asking { transaction, .. } | State::Leaving { transaction, .. } => transaction.deadline(),
            State::Gone => None,
        }
    }

    /// Is it, at this peer of another plan, still the same: the same account at the same place?
    #[must_use]
    pub fn is_of(&self, peer: &Peer) -> bool {
        let same = |one: &Register, other: &Register| {
            one.user == other.user && domain(&self.peer, one) == domain(peer, other)
        };
        let place = (&self.peer.host, self.peer.port, self.peer.transport);
        !self.is_leaving()
            && place == (&peer.host, peer.port, peer.transport)
            && self.peer.register().zip(peer.register()).is_some_and(|(one, other)| same(one, other))
    }

    /// A new plan has it too: if it failed, or if the plan says something new about it, it is asked for at once.
    pub fn on_plan(&mut self, peer: &Peer, now: Time) {
        let said = |login: &Login| {
            let Login { user, password, realm, register, line: _ } = login.clone();
            (user, password, realm, register)
        };
        let changed = self.peer.login.as_ref().map(said) != peer.login.as_ref().map(said);
        if changed && let Some(terms) = peer.register() {
            self.expires = terms.expires;
        }
        self.peer = peer.clone();
        if changed || self.is_failing() {
            self.failures = 0;
            self.hasten(now);
        }
    }

    /// Its peer is well again by some path, or is dead by the one it is registered on: it is asked for within two
    /// seconds.
    pub fn hurry(&mut self, now: Time) {
        let micros = self.chance.draw() % u64::try_from(SOON.as_micros()).unwrap_or(1);
        self.hasten(now + Duration::from_micros(micros));
    }

    /// Was the last try in vain?
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        matches!(self.standing, Registered::Failing(_))
    }

    /// The path it was last registered on.
    #[must_use]
    pub fn held_on(&self) -> Option<Path> {
        self.bound.map(|bound| bound.path)
    }

    /// Gives it up, if it may be held.
    pub fn leave(&mut self, now: Time) {
        let held = self.bound.filter(|bound| bound.until > now).map(|bound| bound.path);
        match (&self.state, held) {
            // A registrar that is slow may take it yet.
            (State::Asking { path, .. }, _) => self.state = State::Parting { until: now, path: *path },
            (State::Waiting { .. }, Some(path)) => self.state = State::Parting { until: now, path },
            (State::Waiting { .. }, None) => self.state = State::Gone,
            (State::Parting { .. } | State::Leaving { .. } | State::Gone, _) => (),
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, slot: Slot, there: There<'_>, means: &mut Means<'_>) {
        let now = means.now;
        let mut heard = Vec::new();
        match &mut self.state {
            State::Waiting { until } if *until <= now => return self.ask(slot, there, means),
            State::Parting { until, path } if *until <= now => {
                let path = *path;
                return self.part(slot, path, b"", means);
            }
            State::Asking { transaction, .. } | State::Leaving { transaction, .. } => {
                transaction.on_deadline(now, &mut heard);
            }
            // Not yet, or never.
            State::Waiting { .. } | State::Parting { .. } | State::Gone => return,
        }
        self.heard(slot, heard, there, means);
    }

    /// Takes the answer to its nth try. Only one from the path that was asked counts.
    pub fn on_response(
        &mut self,
        (slot, nth): (Slot, u32),
        from: Path,
        response: Message,
        there: There<'_>,
        means: &mut Means<'_>,
    ) {
        if self.path() != Some(from) || self.own.tries != nth {
            return;
        }
        let Some(transaction) = self.transaction() else { return };
        let mut heard = Vec::new();
        transaction.on_response(response, means.now, &mut heard);
        self.heard(slot, heard, there, means);
    }

    /// The way there is lost.
    pub fn on_loss(&mut self, slot: Slot, loss: Loss, there: There<'_>, means: &mut Means<'_>) {
        let Some(transaction) = self.transaction() else { return };
        let mut heard = Vec::new();
        match loss {
            Loss::Closed => transaction.on_closed(&mut heard),
            Loss::Unreachable | Loss::Stalled => transaction.on_unreachable(means.now, &mut heard),
        }
        self.heard(slot, heard, there, means);
    }

    fn transaction(&mut self) -> Option<&mut ClientRequest> {
        match &mut self.state {
            State::Asking { transaction, .. } | State::Leaving { transaction, .. } => Some(transaction),
            State::Waiting { .. } | State::Parting { .. } | State::Gone => None,
        }
    }

    fn heard(&mut self, slot: Slot, heard: Vec<ClientOutput>, there: There<'_>, means: &mut Means<'_>) {
        for output in heard {
            let Some(path) = self.path() else { return };
            match output {
                ClientOutput::Send(bytes) => {
                    means.out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
                }
                ClientOutput::Pass(response) => match response.status().unwrap_or_default() {
                    0..=199 => (),
                    // What else the transaction has said is of no interest any more.
                    status => return self.on_final(slot, (path, status), &response, there, means),
                },
                ClientOutput::TimedOut => return self.next(slot, (path, Failure::Silent), there, means),
                ClientOutput::Unreachable => {
                    return self.next(slot, (path, Failure::Unreachable), there, means);
                }
                ClientOutput::Done => (),
            }
        }
    }

    fn on_final(
        &mut self,
        slot: Slot,
        (path, status): (Path, u16),
        response: &Message,
        there: There<'_>,
        means: &mut Means<'_>,
    ) {
        let refused = Failure::Refused(status);
        match (status, self.is_leaving()) {
            (401 | 407, _) => match self.own.answer(response, &self.peer, &mut means.learned.logins) {
                Answer::Line(line) if self.is_leaving() => self.part(slot, path, &line, means),
                Answer::Line(line) => self.send(slot, path, &line, means),
                Answer::Refused => self.on_word(Word::Refused, refused, means),
                Answer::Unmet => self.on_word(Word::Unmet, refused, means),
            },
            (_, true) => self.state = State::Gone,
            (200..=299, false) => self.hold(path, response, means),
            // RFC 3261 §21.4.4: the same credentials would not help.
            (403, false) if self.own.said > 0 => self.on_word(Word::Refused, refused, means),
            (423, false) => match min_expires(response).filter(|_| !self.lengthened) {
                Some(least) => {
                    (self.expires, self.lengthened) = (least, true);
                    self.own.said = 0;
                    self.send(slot, path, b"", means);
                }
                None => self.fail(refused, None, means),
            },
            (503, false) => {
                let retry = retry_after(response).map(|seconds| Duration::from_secs(seconds.into()));
                self.tried.push(path);
                match self.way(there, means) {
                    Some(path) => self.begin(slot, path, means),
                    None => self.fail(refused, retry, means),
                }
            }
            (408 | 500..=599, false) => self.next(slot, (path, refused), there, means),
            (_, false) => self.fail(refused, None, means),
        }
    }

    /// Asks for it, by the best path.
    fn ask(&mut self, slot: Slot, there: There<'_>, means: &mut Means<'_>) {
        // Nobody says again and again what was refused; who else speaks to this peer may find out meanwhile.
        if let Some(until) = means.learned.logins.pause(&self.peer) {
            self.state = State::Waiting { until: until.max(means.now + REFRESH_MIN) };
            return;
        }
        match self.way(there, means) {
            Some(path) => self.begin(slot, path, means),
            None => self.fail(Failure::Nowhere, None, means),
        }
    }

    fn begin(&mut self, slot: Slot, path: Path, means: &mut Means<'_>) {
        self.own.said = 0;
        self.send(slot, path, b"", means);
    }

    /// The path to try next: as good as any other, then the one it is registered on, then as the peer's records have it.
    fn way(&self, (plan, roads): There<'_>, means: &Means<'_>) -> Option<Path> {
        let id = plan.peers.iter().position(|peer| peer.name == self.peer.name)?;
        let paths = roads.of(PeerId(u32::try_from(id).ok()?)).iter().copied();
        let left = paths.filter(|path| !self.tried.contains(path));
        let held = self.held_on();
        left.min_by_key(|path| (means.health.standing(*path), held != Some(*path)))
    }

    fn send(&mut self, slot: Slot, path: Path, line: &[u8], means: &mut Means<'_>) {
        let asks = self.expires;
        if let Some(transaction) = self.write(slot, path, (line, asks), means) {
            self.state = State::Asking { path, transaction, sent: means.now };
        }
    }

    /// RFC 3261 §10.2.2: a registration that ends now.
    fn part(&mut self, slot: Slot, path: Path, line: &[u8], means: &mut Means<'_>) {
        if line.is_empty() {
            self.bound = None;
            self.own.said = 0;
            self.tell(Registered::Left, means);
        }
        self.state = match self.write(slot, path, (line, Duration::ZERO), means) {
            Some(transaction) => State::Leaving { path, transaction },
            None => State::Gone,
        };
    }

    fn write(
        &mut self,
        slot: Slot,
        path: Path,
        (line, expires): (&[u8], Duration),
        means: &mut Means<'_>,
    ) -> Option<ClientRequest> {
        let leaves = means.identity.listeners.get(usize::from(path.local))?;
        let more = format!("Contact: <{}>\r\nExpires: {}\r\n", self.contact(leaves), expires.as_secs());
        let bytes = self.own.write(slot, leaves, means.seal, &[line, more.as_bytes()].concat());
        let timers = Timers { t1: means.health.t1(path), life: PATIENCE, ..Timers::default() };
        let mut asked = Vec::new();
        let transaction = ClientRequest::start(bytes, reliability(path), timers, means.now, &mut asked);
        for output in asked {
            if let ClientOutput::Send(bytes) = output {
                means.out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
            }
        }
        Some(transaction)
    }

    fn contact(&self, leaves: &Listener) -> String {
        let user = self.peer.register().map(|terms| &*terms.user);
        format!("sip:{}@{}{}", user.unwrap_or_default(), Home(leaves), leaves.transport.as_param())
    }

    fn hold(&mut self, path: Path, response: &Message, means: &mut Means<'_>) {
        let now = means.now;
        let leaves = means.identity.listeners.get(usize::from(path.local));
        let contact = leaves.map(|leaves| self.contact(leaves)).unwrap_or_default();
        let granted = granted(response, contact.as_bytes()).unwrap_or(self.expires);
        if granted.is_zero() {
            return self.fail(Failure::Refused(200), None, means);
        }
        if let State::Asking { transaction, sent, .. } = &self.state {
            let resent = transaction.resent();
            means.health.on_heard(path, (resent == 0).then(|| now.since(*sent)), resent);
        }
        if self.own.said > 0 {
            means.learned.logins.on_word(&self.peer, Word::Through, now);
        }
        let moved = self.bound.is_some_and(|before| before.path != path);
        self.bound = Some(Bound { until: now + granted, path });
        (self.failures, self.lengthened) = (0, false);
        self.tried.clear();
        // What is left of it is enough for several addresses and pauses.
        let refresh = self.chance.pause(granted * 3 / 4).max(REFRESH_MIN);
        self.state = State::Waiting { until: now + refresh };
        if moved {
            self.standing = Registered::Asked;
        }
        self.tell(Registered::Held, means);
    }

    /// This path was in vain: tries the next one, or waits.
    fn next(
        &mut self,
        slot: Slot,
        (path, failure): (Path, Failure),
        there: There<'_>,
        means: &mut Means<'_>,
    ) {
        if self.is_leaving() {
            self.state = State::Gone;
            return;
        }
        self.tried.push(path);
        match self.way(there, means) {
            Some(path) => self.begin(slot, path, means),
            None => self.fail(failure, None, means),
        }
    }

    /// What the peer says of our credentials.
    fn on_word(&mut self, word: Word, failure: Failure, means: &mut Means<'_>) {
        if self.is_leaving() {
            self.state = State::Gone;
            return;
        }
        means.learned.logins.on_word(&self.peer, word, means.now);
        self.fail(failure, None, means);
    }

    /// It is not to be had now. It never is for good: it is asked for again after a pause, ever longer, for ever.
    fn fail(&mut self, failure: Failure, least: Option<Duration>, means: &mut Means<'_>) {
        let doubled = BACK_OFF.0.saturating_mul(1 << self.failures.min(16)).min(BACK_OFF.1);
        let pause = self.chance.pause(doubled).max(least.unwrap_or_default().min(BACK_OFF.1));
        self.failures = self.failures.saturating_add(1);
        self.lengthened = false;
        self.tried.clear();
        self.state = State::Waiting { until: means.now + pause };
        self.tell(Registered::Failing(failure), means);
    }

    /// Brings the next try forward.
    fn hasten(&mut self, at: Time) {
        if let State::Waiting { until } = &mut self.state {
            *until = (*until).min(at);
        }
    }

    fn tell(&mut self, to: Registered, means: &mut Means<'_>) {
        let (at, until) = (means.now, self.until(means.now));
        let from = core::mem::replace(&mut self.standing, to);
        let was_bound = core::mem::replace(&mut self.told_bound, until.is_some());
        if from != to || was_bound != until.is_some() {
            let peer = Arc::clone(&self.peer.name);
            let path = self.path().or(self.held_on());
            means.out.push(Effect::Record(Entry::Registration { at, peer, path, from, to, until }));
        }
    }
}

/// In words for logs.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => write!(out, "no address of it is known"),
            Self::Silent => write!(out, "nobody answers"),
            Self::Unreachable => write!(out, "nobody listens there"),
            Self::Refused(200) => write!(out, "it was granted for no time at all"),
            Self::Refused(status) => write!(out, "it was refused with {status}"),
        }
    }
}

/// The domain of the account: what its URI has behind the `@`.
fn domain(peer: &Peer, terms: &Register) -> String {
    let host = Peer { port: None, transport: None, ..peer.clone() }.uri(b"");
    let host = String::from_utf8_lossy(&host).into_owned();
    terms.domain.as_ref().map_or_else(|| host.trim_start_matches("sip:").to_owned(), ToString::to_string)
}

/// For how long it was granted: by the parameter of our Contact, or by the header field (RFC 3261 §10.2.4).
fn granted(response: &Message, contact: &[u8]) -> Option<Duration> {
    let ours = sip::Uri::parse(contact)?;
    let mut elements = response.elements(Name::Contact).filter_map(|span| NameAddr::parse(response.at(span)));
    let mine = elements.find(|element| {
        element.sip_uri().is_some_and(|uri| {
            uri.host.same_as(&ours.host) && uri.port.unwrap_or(5060) == ours.port.unwrap_or(5060)
        })
    });
    let said = mine.and_then(|mine| mine.params.value("expires"));
    seconds(said.or_else(|| response.value(Name::Expires))?)
}

/// The shortest registration that a 423 allows (RFC 3261 §20.23).
fn min_expires(response: &Message) -> Option<Duration> {
    let field = response.fields().iter().find(|field| response.is_named(field, b"Min-Expires"))?;
    seconds(response.at(field.value)).filter(|least| *least <= EXPIRES_MAX)
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let seconds: u32 = core::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.into()).min(EXPIRES_MAX))
}
