//! Our own OPTIONS: sent when health asks for one, its outcome told to health.
//!
//! A peer that answers it with a challenge lives. It is told who we are if the plan says so, and then its next answer is
//! what counts: only that one says whether it would take a call. So a wrong password is found before a call meets it.

use crate::call::{Means, reliability};
use crate::chance::Chance;
use crate::dialect::Dialect;
use crate::door::Effect;
use crate::health::{Sign, Source};
use crate::logins::Word;
use crate::own::{Answer, Home, Own};
use crate::path::{Flow, Listener, Loss, Path};
use crate::plan::Plan;
use crate::roads::Roads;
use crate::said::retry_after;
use crate::seal::Kind;
use crate::slots::{Slot, Slots};
use crate::target::Peer;
use core::time::Duration;
use sip::txn::{ClientOutput, ClientRequest, Timers};
use sip::{Message, Time};
use std::sync::Arc;

/// The probes that wait for an answer.
#[derive(Debug)]
pub struct Probes {
    waiting: Slots<Probe>,
    chance: Chance,
}

#[derive(Debug)]
struct Probe {
    path: Path,
    own: Own,
    sent: Time,
    give_up_at: Time,
    answered: bool,
    dialect: Arc<Dialect>,
    transaction: ClientRequest,
}

/// Who is probed: the plan in force and its paths.
pub type There<'a> = (&'a Plan, &'a Roads);

/// How long a probe waits if its peer's plan does not say.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long the transaction of an answered probe absorbs copies of the answer. They would otherwise be dropped one
/// by one as strays; 10,000 targets a second leave no room for the five seconds of RFC 3261 §17.1.2.
const LINGER: Duration = Duration::from_millis(500);

impl Probes {
    /// None is out.
    #[must_use]
    pub const fn new(chance: Chance, generation: u32) -> Self {
        Self { waiting: Slots::new(generation), chance }
    }

    /// Sends an OPTIONS along a path; returns its slot and when it wants to be called.
    pub fn start(&mut self, path: Path, there: There<'_>, means: &mut Means<'_>) -> Option<Slot> {
        let leaves = means.identity.listeners.get(usize::from(path.local))?;
        let (slot, peer, now) = (self.waiting.next_slot(), peer_at(path, there), means.now);
        let uri = peer.map_or_else(|| format!("sip:{}", path.remote), |peer| lossy(&peer.uri(b"")));
        let host = crate::relay::Bracketed(&leaves.advertise.0);
        let mut own = Own {
            kind: Kind::Probe,
            method: "OPTIONS",
            to: uri.clone(),
            uri,
            from: None,
            call_id: format!("{:016x}@{host}", self.chance.draw()),
            tag: self.chance.draw(),
            tries: 0,
            said: 0,
        };
        let life = peer.and_then(|peer| peer.probe).map_or(TIMEOUT, |probe| probe.timeout);
        let transaction = send(&mut own, (slot, path, life), leaves, b"", means);
        let dialect = peer.map(|peer| Arc::clone(&peer.dialect)).unwrap_or_default();
        let give_up_at = now + life;
        let probe = Probe { path, own, sent: now, give_up_at, answered: false, dialect, transaction };
        Some(self.waiting.insert(probe))
    }

    /// Takes the answer to a probe, to its nth try. Only one from the path that was probed counts.
    pub fn on_response(
        &mut self,
        (slot, nth): (Slot, u32),
        from: Path,
        response: Message,
        there: There<'_>,
        means: &mut Means<'_>,
    ) {
        let Some(probe) = self.waiting.get_mut(slot) else { return };
        if probe.path != from || probe.own.tries != nth {
            return;
        }
        let mut heard = Vec::new();
        probe.transaction.on_response(response, means.now, &mut heard);
        self.heard(slot, heard, there, means);
    }

    /// The way there is lost.
    pub fn on_loss(&mut self, slot: Slot, loss: Loss, there: There<'_>, means: &mut Means<'_>) {
        let Some(probe) = self.waiting.get_mut(slot) else { return };
        let mut heard = Vec::new();
        match loss {
            Loss::Closed => probe.transaction.on_closed(&mut heard),
            Loss::Unreachable | Loss::Stalled => probe.transaction.on_unreachable(means.now, &mut heard),
        }
        self.heard(slot, heard, there, means);
    }

    /// Acts if a probe's deadline has come.
    pub fn on_deadline(&mut self, slot: Slot, there: There<'_>, means: &mut Means<'_>) {
        let Some(probe) = self.waiting.get_mut(slot) else { return };
        let mut heard = Vec::new();
        probe.transaction.on_deadline(means.now, &mut heard);
        self.heard(slot, heard, there, means);
    }

    /// The path of a probe that waits.
    #[must_use]
    pub fn path(&self, slot: Slot) -> Option<Path> {
        self.waiting.get(slot).map(|probe| probe.path)
    }

    /// When a probe wants to be called; `None` for not at all, or if it is over.
    #[must_use]
    pub fn deadline(&self, slot: Slot) -> Option<Time> {
        self.waiting.get(slot).and_then(|probe| probe.transaction.deadline())
    }

    /// Probes in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn heard(&mut self, slot: Slot, heard: Vec<ClientOutput>, there: There<'_>, means: &mut Means<'_>) {
        for output in heard {
            let Some(probe) = self.waiting.get_mut(slot) else { return };
            let (path, flow) = (probe.path, Flow { path: probe.path, connection: 0 });
            let sign = match output {
                ClientOutput::Send(bytes) => {
                    means.out.push(Effect::Send { flow, bytes });
                    continue;
                }
                ClientOutput::Done => {
                    self.waiting.remove(slot);
                    continue;
                }
                ClientOutput::Pass(response) => match response.status().unwrap_or_default() {
                    0..=199 => continue,
                    // What the transaction has said beyond that is about the try before.
                    401 | 407 if probe.says_who_we_are(slot, &response, there, means) => return,
                    503 => Sign::Unavailable(retry_after(&response)),
                    // 408, 504: somebody in between says that nobody answered it.
                    status if !probe.dialect.is_alive(status) => Sign::Miss,
                    status => {
                        probe.tell(status, there, means);
                        let resent = probe.transaction.resent();
                        let round_trip = (resent == 0).then(|| means.now.since(probe.sent));
                        Sign::Alive { round_trip, resent }
                    }
                },
                ClientOutput::TimedOut => Sign::Miss,
                ClientOutput::Unreachable => Sign::Unreachable,
            };
            if !core::mem::replace(&mut probe.answered, true) {
                means.health.on_sign(path, Source::Probe, sign, means.now, means.beliefs);
            }
        }
    }
}

impl Probe {
    /// Meets a challenge if the plan has credentials for it, within the patience of the same probe. False if not.
    fn says_who_we_are(
        &mut self,
        slot: Slot,
        refusal: &Message,
        there: There<'_>,
        means: &mut Means<'_>,
    ) -> bool {
        let (path, now) = (self.path, means.now);
        let leaves = means.identity.listeners.get(usize::from(path.local));
        let Some((peer, leaves)) = peer_at(path, there).zip(leaves) else { return false };
        let Answer::Line(line) = self.own.answer(refusal, peer, &mut means.learned.logins) else {
            return false;
        };
        self.sent = now;
        let life = self.give_up_at.since(now);
        self.transaction = send(&mut self.own, (slot, path, life), leaves, &line, means);
        true
    }

    /// What its peer says of our credentials, if they were said.
    fn tell(&self, status: u16, there: There<'_>, means: &mut Means<'_>) {
        let word = match status {
            200..=299 => Word::Through,
            401 | 407 => Word::Refused,
            _ => return,
        };
        if self.own.said == 0 {
            return;
        }
        if let Some(peer) = peer_at(self.path, there) {
            means.learned.logins.on_probe_word(peer, word, means.now);
        }
    }
}

/// Writes a probe and sends it for so long.
fn send(
    own: &mut Own,
    (slot, path, life): (Slot, Path, Duration),
    leaves: &Listener,
    line: &[u8],
    means: &mut Means<'_>,
) -> ClientRequest {
    let contact = format!("Contact: <sip:tandem@{}>\r\nAccept: application/sdp\r\n", Home(leaves));
    let bytes = own.write(slot, leaves, means.seal, &[line, contact.as_bytes()].concat());
    let timers = Timers { t1: means.health.t1(path), life, t4: LINGER, ..Timers::default() };
    let mut asked = Vec::new();
    let transaction = ClientRequest::start(bytes, reliability(path), timers, means.now, &mut asked);
    for output in asked {
        if let ClientOutput::Send(bytes) = output {
            means.out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
        }
    }
    transaction
}

fn peer_at<'a>(path: Path, (plan, roads): There<'a>) -> Option<&'a Peer> {
    roads.peer_at(path).and_then(|id| plan.peer(id))
}

fn lossy(uri: &[u8]) -> String {
    String::from_utf8_lossy(uri).into_owned()
}
