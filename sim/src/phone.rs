//! A phone, a PBX or a carrier: something with addresses that calls and is called. It has its own small
//! transactions, so that it does not share the faults of what it tests.

use crate::callee::Incoming;
use crate::caller::Outgoing;
use crate::chance::mix;
use crate::compose::{self, Dialog};
use crate::glance::{Glance, Packet, Verb};
use crate::guard::Guard;
use crate::manner::{Act, Manner};
use crate::refer::Joins;
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One address of a host, and how it behaves there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The address.
    pub address: SocketAddr,
    /// What stories call it.
    pub name: &'static str,
    /// How it behaves when it is rung; `None` for a trunk, where the number that is called decides.
    pub manner: Option<Manner>,
    /// What it asks for before it serves anybody; `None` for nothing.
    pub guard: Option<Guard>,
    /// What it answers to OPTIONS while it lives; `None` for nothing.
    pub options: Option<u16>,
    /// How long after it was answered the called side hangs up; `None` leaves that to the caller.
    pub hang_up: Option<Duration>,
}

impl Place {
    /// A place that answers OPTIONS with 200 and leaves it to the caller to hang up.
    #[must_use]
    pub const fn new(name: &'static str, address: SocketAddr, manner: Option<Manner>) -> Self {
        Self { address, name, manner, guard: None, options: Some(200), hang_up: None }
    }
}

/// How the numbers behave that trunks lead to: number, its name in stories, its manner. Others do not exist.
pub type People = Vec<(&'static str, &'static str, Manner)>;

/// What a host does later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Places one of its calls.
    Dial(u32),
    /// Gives one of its calls up.
    Cancel(u32),
    /// Changes one of its calls that is up.
    Reinvite(u32),
    /// Sends a request again that was not answered.
    Resend(u64, Verb, u8),
    /// The next response to an INVITE is due.
    Act(u64, u8),
    /// A final response was not acknowledged yet.
    Repeat(u64, u8, u8),
    /// Hangs up: Call-ID and own tag.
    HangUp(u64, u64),
    /// Presses 1: Call-ID and own tag.
    Press(u64, u64),
    /// Joins the first to the second, which ends: Call-ID and own tag of each.
    Join((u64, u64), (u64, u64)),
}

/// What a host asks of the world.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Send these bytes.
    Send {
        /// From which of its addresses.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Bytes,
    },
    /// Wake it.
    Wake {
        /// When.
        at: Time,
        /// What for.
        alarm: Alarm,
    },
}

/// A phone, a PBX, a carrier.
#[derive(Debug)]
pub struct Host {
    /// Its addresses. One host has one memory: an INVITE that comes by two of them is one call.
    pub places: Vec<Place>,
    /// Does it refuse with 482 what came already by another path, as a PBX does (RFC 3261 §8.2.2.2)? A carrier's
    /// proxy does not.
    pub merges: bool,
    /// Where the sound of those comes to that have some, by their numbers.
    pub sounds: BTreeMap<&'static str, SocketAddr>,
    /// What it does when it is asked to join two of its calls.
    pub joins: Joins,
    /// Calls that were taken over into others here: Call-ID and own tag.
    pub joined: BTreeSet<(u64, u64)>,
    /// Who presses 1 how long after he was answered, by their numbers.
    pub presses: BTreeMap<&'static str, Duration>,
    pub(crate) number: usize,
    pub(crate) outgoing: BTreeMap<u64, Outgoing>,
    pub(crate) calls: BTreeMap<u32, u64>,
    pub(crate) incoming: BTreeMap<u64, Incoming>,
    pub(crate) merged: BTreeMap<(u64, u64, u32), u64>,
    pub(crate) answers: BTreeMap<(u64, u64, u32), u64>,
    pub(crate) dialogs: BTreeMap<(u64, u64), Dialog>,
    pub(crate) returned: BTreeMap<u64, SocketAddr>,
    /// Which call was placed for which INVITE that is forwarded to another number.
    pub(crate) forwarded: BTreeMap<u32, u64>,
    requests: BTreeMap<(u64, Verb), Request>,
    served: BTreeMap<(u64, Verb), Bytes>,
    drawn: u32,
    tagged: u32,
}

#[derive(Debug)]
struct Request {
    bytes: Bytes,
    from: SocketAddr,
    to: SocketAddr,
}

/// First retransmission.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// Longest pause between retransmissions.
const T2: Duration = Duration::from_secs(4);
/// Retransmissions at 0.5, 1, 2, 4, 4 … seconds until 64 · T1 are over.
pub(crate) const REPEATS_MAX: u8 = 10;

/// The pause before the next retransmission.
pub(crate) fn pause(attempt: u8) -> Duration {
    (T1 * (1 << attempt.min(3))).min(T2)
}

impl Host {
    /// A host that nobody has called yet.
    #[must_use]
    pub fn new(number: usize, places: Vec<Place>) -> Self {
        Self {
            places,
            merges: true,
            sounds: BTreeMap::new(),
            joins: Joins::Refused(501),
            joined: BTreeSet::new(),
            presses: BTreeMap::new(),
            number,
            outgoing: BTreeMap::new(),
            calls: BTreeMap::new(),
            incoming: BTreeMap::new(),
            merged: BTreeMap::new(),
            answers: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            returned: BTreeMap::new(),
            forwarded: BTreeMap::new(),
            requests: BTreeMap::new(),
            served: BTreeMap::new(),
            drawn: 0,
            tagged: 0,
        }
    }

    /// Calls that ring here now.
    #[must_use]
    pub fn ringing(&self) -> usize {
        self.incoming.values().filter(|incoming| incoming.rings()).count()
    }

    /// Calls that are up here.
    #[must_use]
    pub fn up(&self) -> usize {
        self.dialogs.len()
    }

    /// Call-ID and own tag of each call that is up here.
    pub fn dialogs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.dialogs.keys().copied()
    }

    /// Takes a datagram that came to one of its addresses.
    pub fn receive(
        &mut self,
        (from, here): (SocketAddr, SocketAddr),
        packet: &Arc<Packet>,
        people: &People,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let Some(glance) = &packet.glance else { return };
        if !glance.is_request() {
            if self.passes(packet, glance, here, out) {
                return;
            }
            self.on_response(packet, glance, here, now, out);
            return;
        }
        let Some(place) = self.places.iter().position(|place| place.address == here) else { return };
        match glance.verb {
            Verb::Invite => self.on_invite(place, from, packet, glance, people, now, out),
            Verb::Ack => self.on_ack(glance, now, out),
            Verb::Cancel => self.on_cancel(place, from, packet, glance, now, out),
            Verb::Bye => {
                let known = self.dialogs.remove(&(glance.call, glance.to_tag)).is_some();
                self.serve(place, from, packet, glance, if known { 200 } else { 481 }, out);
            }
            Verb::Options => {
                if let Some(status) = self.places.get(place).and_then(|place| place.options)
                    && self.lives(place)
                {
                    self.serve_guarded(place, from, packet, (glance, status), now, out);
                }
            }
            Verb::Register => {
                let registrar = self.places.get(place).and_then(|place| place.guard?.grants);
                if self.lives(place) {
                    let status = if registrar.is_some() { 200 } else { 405 };
                    self.serve_guarded(place, from, packet, (glance, status), now, out);
                }
            }
            Verb::Other if packet.bytes.starts_with(b"REFER ") => {
                self.on_refer(place, from, packet, glance, now, out);
            }
            Verb::Subscribe | Verb::Notify | Verb::Other => self.serve(place, from, packet, glance, 501, out),
        }
    }

    fn lives(&self, place: usize) -> bool {
        self.places.get(place).and_then(|place| place.manner).is_none_or(Manner::lives)
    }

    /// Does what was to be done at this time.
    pub fn wake(&mut self, alarm: Alarm, people: &People, now: Time, out: &mut Vec<Ask>) {
        match alarm {
            Alarm::Dial(call) => self.dial(call, now, out),
            Alarm::Cancel(call) => self.give_up(call, now, out),
            Alarm::Reinvite(call) => self.reinvite(call, now, out),
            Alarm::Resend(branch, Verb::Invite, attempt) => self.redial(branch, attempt, now, out),
            Alarm::Resend(branch, verb, attempt) => self.resend(branch, verb, attempt, now, out),
            Alarm::Act(branch, step) => self.act(branch, step, people, now, out),
            Alarm::Repeat(branch, fork, attempt) => self.repeat(branch, fork, attempt, people, now, out),
            Alarm::HangUp(call, tag) => self.hang_up((call, tag), now, out),
            Alarm::Press(call, tag) => self.press((call, tag), now, out),
            Alarm::Join(asked, other) => self.join(asked, other, now, out),
        }
    }

    /// Ends a call that is up, if it still is.
    pub(crate) fn hang_up(&mut self, key: (u64, u64), now: Time, out: &mut Vec<Ask>) {
        if let Some(dialog) = self.dialogs.remove(&key) {
            self.say_bye(&dialog, now, out);
        }
    }

    /// Presses 1 in a call that is up, if it still is.
    fn press(&mut self, key: (u64, u64), now: Time, out: &mut Vec<Ask>) {
        let branch = self.branch();
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.cseq += 1;
        let (bytes, here) = (dialog.press(&branch), dialog.here);
        if let Some(to) = dialog.next_hop() {
            self.request((hash(&branch), Verb::Other), bytes, here, to, now, out);
        }
    }

    pub(crate) fn say_bye(&mut self, dialog: &Dialog, now: Time, out: &mut Vec<Ask>) {
        let Some(to) = dialog.next_hop() else { return };
        let branch = self.branch();
        let bytes = dialog.request(Verb::Bye, dialog.cseq + 1, &branch);
        self.request((hash(&branch), Verb::Bye), bytes, dialog.here, to, now, out);
    }

    /// Sends a request and keeps sending it until it is answered.
    pub(crate) fn request(
        &mut self,
        key: (u64, Verb),
        bytes: Bytes,
        from: SocketAddr,
        to: SocketAddr,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        out.push(Ask::Send { from, to, bytes: Arc::clone(&bytes) });
        out.push(Ask::Wake { at: now + pause(0), alarm: Alarm::Resend(key.0, key.1, 1) });
        self.requests.insert(key, Request { bytes, from, to });
    }

    /// A tag that no other call of this host has: memory that is lost in between does not make it come again.
    pub(crate) fn tag(&mut self) -> String {
        self.tagged += 1;
        format!("h{}n{}", self.number, self.tagged)
    }

    /// A branch that nobody used before.
    pub(crate) fn branch(&mut self) -> String {
        self.drawn += 1;
        format!("z9hG4bK{}p{}", self.number, self.drawn)
    }

    fn on_response(
        &mut self,
        packet: &Packet,
        glance: &Glance,
        here: SocketAddr,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        match glance.verb {
            Verb::Invite => self.on_invite_response(packet, glance, here, now, out),
            Verb::Ack
            | Verb::Bye
            | Verb::Cancel
            | Verb::Options
            | Verb::Register
            | Verb::Subscribe
            | Verb::Notify
            | Verb::Other => {
                if glance.status >= 200 {
                    self.requests.remove(&(glance.branch, glance.verb));
                }
            }
        }
    }

    fn resend(&mut self, branch: u64, verb: Verb, attempt: u8, now: Time, out: &mut Vec<Ask>) {
        let Some(request) = self.requests.get(&(branch, verb)) else { return };
        if attempt > REPEATS_MAX {
            self.requests.remove(&(branch, verb));
            return;
        }
        out.push(Ask::Send { from: request.from, to: request.to, bytes: Arc::clone(&request.bytes) });
        out.push(Ask::Wake { at: now + pause(attempt), alarm: Alarm::Resend(branch, verb, attempt + 1) });
    }

    /// Was this request answered before?
    pub(crate) fn has_served(&self, glance: &Glance) -> bool {
        self.served.contains_key(&(glance.branch, glance.verb))
    }

    /// Answers a request that is not an INVITE; a copy of it gets the same answer.
    pub(crate) fn serve(
        &mut self,
        place: usize,
        to: SocketAddr,
        packet: &Packet,
        glance: &Glance,
        status: u16,
        out: &mut Vec<Ask>,
    ) {
        self.serve_with(place, to, packet, (glance, status), "", out);
    }

    /// Serves a request of somebody who has said who he is, or asks for that.
    fn serve_guarded(
        &mut self,
        place: usize,
        to: SocketAddr,
        packet: &Packet,
        (glance, status): (&Glance, u16),
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let guard = self.places.get(place).and_then(|place| place.guard);
        let challenge = guard.and_then(|guard| Some((guard.status, guard.challenge(packet, glance, now)?)));
        let bound = guard.filter(|_| glance.verb == Verb::Register);
        let bound = || bound.and_then(|guard| guard.binding(packet, glance)).unwrap_or_default();
        let (status, lines) = challenge.unwrap_or_else(|| (status, bound()));
        self.serve_with(place, to, packet, (glance, status), &lines, out);
    }

    fn serve_with(
        &mut self,
        place: usize,
        to: SocketAddr,
        packet: &Packet,
        (glance, status): (&Glance, u16),
        lines: &str,
        out: &mut Vec<Ask>,
    ) {
        let Some(from) = self.places.get(place).map(|place| place.address) else { return };
        let key = (glance.branch, glance.verb);
        let bytes = self.served.entry(key).or_insert_with(|| {
            let act = Act { sdp: false, ..Act::say(Duration::ZERO, status) };
            compose::with_lines(&compose::response(packet, glance, act, "s", from), lines)
        });
        out.push(Ask::Send { from, to, bytes: Arc::clone(bytes) });
        if glance.verb == Verb::Options {
            self.served.remove(&key);
        }
    }
}

/// The hash of a branch or tag, as [`Glance`] has it.
pub(crate) fn hash(name: &str) -> u64 {
    mix(1, name.as_bytes())
}
