//! Our own OPTIONS: sent when health asks for one, its outcome told to health.

use crate::call::reliability;
use crate::chance::Chance;
use crate::dialect::Dialect;
use crate::door::{Effect, Identity};
use crate::health::{self, Health, Sign, Source};
use crate::path::{Flow, Loss, Path};
use crate::plan::Plan;
use crate::relay::{Bracketed, push_via};
use crate::roads::Roads;
use crate::said::retry_after;
use crate::seal::{Branch, Kind, Seal};
use crate::slots::{Slot, Slots};
use core::time::Duration;
use sip::txn::{ClientOutput, ClientRequest, Timers};
use sip::{Bytes, Message, Time};
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
    sent: Time,
    answered: bool,
    dialect: Arc<Dialect>,
    transaction: ClientRequest,
}

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
    pub fn start(
        &mut self,
        path: Path,
        here: (&Identity, &Seal),
        there: (&Plan, &Roads),
        health: &Health,
        now: Time,
        out: &mut Vec<Effect>,
    ) -> Slot {
        let slot = self.waiting.next_slot();
        let (plan, roads) = there;
        let peer =
            (0u32..).zip(&plan.peers).find(|(id, _)| roads.of(crate::target::PeerId(*id)).contains(&path));
        let uri = peer.map_or_else(|| format!("sip:{}", path.remote), |(_, peer)| lossy(&peer.uri(b"")));
        let life = peer.and_then(|(_, peer)| peer.probe).map_or(TIMEOUT, |probe| probe.timeout);
        let bytes = self.options(slot, path, &uri, here);
        let timers = Timers { t1: health.t1(path), life, t4: LINGER, ..Timers::default() };
        let mut asked = Vec::new();
        let transaction = ClientRequest::start(bytes, reliability(path), timers, now, &mut asked);
        let dialect = peer.map(|(_, peer)| Arc::clone(&peer.dialect)).unwrap_or_default();
        let slot = self.waiting.insert(Probe { path, sent: now, answered: false, dialect, transaction });
        for output in asked {
            if let ClientOutput::Send(bytes) = output {
                out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
            }
        }
        slot
    }

    /// Takes the answer to a probe. Only one from the path that was probed counts.
    pub fn on_response(
        &mut self,
        slot: Slot,
        from: Path,
        response: Message,
        now: Time,
        (health, beliefs): (&mut Health, &mut Vec<health::Output>),
        out: &mut Vec<Effect>,
    ) {
        let Some(probe) = self.waiting.get_mut(slot).filter(|probe| probe.path == from) else { return };
        let mut heard = Vec::new();
        probe.transaction.on_response(response, now, &mut heard);
        self.heard(slot, heard, now, (health, beliefs), out);
    }

    /// The way there is lost.
    pub fn on_loss(
        &mut self,
        slot: Slot,
        loss: Loss,
        now: Time,
        (health, beliefs): (&mut Health, &mut Vec<health::Output>),
        out: &mut Vec<Effect>,
    ) {
        let Some(probe) = self.waiting.get_mut(slot) else { return };
        let mut heard = Vec::new();
        match loss {
            Loss::Closed => probe.transaction.on_closed(&mut heard),
            Loss::Unreachable | Loss::Stalled => probe.transaction.on_unreachable(now, &mut heard),
        }
        self.heard(slot, heard, now, (health, beliefs), out);
    }

    /// Acts if a probe's deadline has come.
    pub fn on_deadline(
        &mut self,
        slot: Slot,
        now: Time,
        (health, beliefs): (&mut Health, &mut Vec<health::Output>),
        out: &mut Vec<Effect>,
    ) {
        let Some(probe) = self.waiting.get_mut(slot) else { return };
        let mut heard = Vec::new();
        probe.transaction.on_deadline(now, &mut heard);
        self.heard(slot, heard, now, (health, beliefs), out);
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

    fn heard(
        &mut self,
        slot: Slot,
        heard: Vec<ClientOutput>,
        now: Time,
        (health, beliefs): (&mut Health, &mut Vec<health::Output>),
        out: &mut Vec<Effect>,
    ) {
        for output in heard {
            let Some(probe) = self.waiting.get_mut(slot) else { return };
            let path = probe.path;
            let sign = match output {
                ClientOutput::Send(bytes) => {
                    out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
                    continue;
                }
                ClientOutput::Done => {
                    self.waiting.remove(slot);
                    continue;
                }
                ClientOutput::Pass(response) => match response.status().unwrap_or_default() {
                    0..=199 => continue,
                    503 => Sign::Unavailable(retry_after(&response)),
                    // 408, 504: somebody in between says that nobody answered it.
                    status if !probe.dialect.is_alive(status) => Sign::Miss,
                    _ => {
                        let resent = probe.transaction.resent();
                        let round_trip = (resent == 0).then(|| now.since(probe.sent));
                        Sign::Alive { round_trip, resent }
                    }
                },
                ClientOutput::TimedOut => Sign::Miss,
                ClientOutput::Unreachable => Sign::Unreachable,
            };
            if !core::mem::replace(&mut probe.answered, true) {
                health.on_sign(path, Source::Probe, sign, now, beliefs);
            }
        }
    }

    fn options(&mut self, slot: Slot, path: Path, uri: &str, (identity, seal): (&Identity, &Seal)) -> Bytes {
        let Some(leaves) = identity.listeners.get(usize::from(path.local)) else { return Bytes::from([]) };
        let (host, port) = &leaves.advertise;
        let host = Bracketed(host).to_string();
        let call_id = format!("{:016x}@{host}", self.chance.draw());
        let tag = self.chance.draw();
        let Slot { place, generation } = slot;
        let branch = Branch {
            kind: Kind::Probe,
            slot: place,
            generation,
            leg: 0,
            routing: 0,
            shift: 0,
            veiled: false,
        };
        let mut text = format!("OPTIONS {uri} SIP/2.0\r\n").into_bytes();
        push_via(&mut text, leaves, |text| seal.push_branch(text, branch, 0, call_id.as_bytes()));
        let rest = format!(
            "Max-Forwards: 70\r\nFrom: <sip:tandem@{host}:{port}>;tag={tag:x}\r\n\
             To: <{uri}>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:tandem@{host}:{port}>\r\n\
             Accept: application/sdp\r\nUser-Agent: Tandem\r\nContent-Length: 0\r\n\r\n"
        );
        text.extend_from_slice(rest.as_bytes());
        Bytes::from(text)
    }
}

fn lossy(uri: &[u8]) -> String {
    String::from_utf8_lossy(uri).into_owned()
}
