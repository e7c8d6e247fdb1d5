//! The side of a host that is called.

use crate::compose::{self, Dialog};
use crate::glance::{Glance, Head, Packet, uri_of, user_of};
use crate::manner::{Act, Manner};
use crate::phone::{Alarm, Ask, Host, People, REPEATS_MAX, hash, pause};
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Time};
use std::sync::Arc;

/// An INVITE that came, and what was answered.
#[derive(Debug)]
pub(crate) struct Incoming {
    packet: Arc<Packet>,
    place: usize,
    here: SocketAddr,
    back: SocketAddr,
    manner: Option<Manner>,
    acts: Vec<Act>,
    began: Time,
    tag: String,
    /// The lines of its challenge, if who calls has to say so first.
    challenge: String,
    rang: bool,
    last: Option<Bytes>,
    finals: Vec<Final>,
}

#[derive(Debug)]
struct Final {
    fork: u8,
    status: u16,
    tag: u64,
    bytes: Bytes,
    acked: bool,
}

impl Incoming {
    /// The INVITE as it came, where it came, and where answers to it go.
    pub(crate) const fn came(&self) -> (&Arc<Packet>, SocketAddr, SocketAddr) {
        (&self.packet, self.here, self.back)
    }

    /// Has it been given a final response?
    pub(crate) fn is_over(&self) -> bool {
        !self.finals.is_empty()
    }

    /// Has it rung, and not ended yet?
    pub(crate) fn rings(&self) -> bool {
        self.rang && self.finals.is_empty()
    }
}

impl Host {
    #[expect(clippy::too_many_arguments, reason = "what came, where, when, and where the answer goes")]
    pub(crate) fn on_invite(
        &mut self,
        place: usize,
        back: SocketAddr,
        packet: &Arc<Packet>,
        glance: &Glance,
        people: &People,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let Some(seat) = self.places.get(place) else { return };
        let (here, fixed) = (seat.address, seat.manner);
        let in_dialog = glance.to_tag != 0;
        let manner =
            if in_dialog { None } else { Some(fixed.unwrap_or_else(|| manner_of(packet, glance, people))) };
        let caller = user_of(uri_of(glance.value(&packet.bytes, Head::From)));
        let manner = manner.map(|manner| manner.towards(caller));
        if fixed.is_some_and(|manner| !manner.lives()) || manner.is_some_and(|manner| !manner.lives()) {
            return;
        }
        if let Some(Manner::Return(user)) = manner {
            self.send_back(packet, glance, user, (here, back), out);
            return;
        }
        if let Some(incoming) = self.incoming.get(&glance.branch) {
            if let Some(bytes) = &incoming.last {
                out.push(Ask::Send { from: here, to: back, bytes: Arc::clone(bytes) });
            }
            return;
        }
        let key = (glance.call, glance.from_tag, glance.cseq);
        let mut acts = match manner {
            Some(manner) => manner.acts(),
            None if self.dialogs.contains_key(&(glance.call, glance.to_tag)) => {
                vec![Act::say(Duration::ZERO, 200)]
            }
            None => vec![Act::say(Duration::ZERO, 481)],
        };
        let guard = self.places.get(place).and_then(|place| place.guard).filter(|_| !in_dialog);
        let challenge = guard.and_then(|guard| guard.challenge(packet, glance, now)).unwrap_or_default();
        let guarded = guard.filter(|_| !challenge.is_empty() && !acts.is_empty());
        if let Some(guard) = guarded {
            acts = vec![Act::say(Duration::ZERO, guard.status)];
        } else if !in_dialog && self.merges && !acts.is_empty() && self.lives_already(key) {
            acts = vec![Act::say(Duration::ZERO, 482)];
        } else if !in_dialog {
            self.merged.insert(key, glance.branch);
        }
        let tag = self.tag();
        for (step, act) in (0..).zip(&acts) {
            if act.after > Duration::ZERO {
                out.push(Ask::Wake { at: now + act.after, alarm: Alarm::Act(glance.branch, step) });
            }
        }
        let (packet, began) = (Arc::clone(packet), now);
        let at_once = u8::try_from(acts.iter().filter(|act| act.after.is_zero()).count()).unwrap_or(0);
        let finals = Vec::new();
        let (rang, last) = (false, None);
        let incoming =
            Incoming { packet, place, here, back, manner, acts, began, tag, challenge, rang, last, finals };
        self.incoming.insert(glance.branch, incoming);
        for step in 0..at_once {
            self.act(glance.branch, step, people, now, out);
        }
        if let Some(Manner::Forwards { to, keeps }) = manner {
            self.forward(glance, (to, keeps), now, out);
        }
    }

    /// Does this request live here already, by another path?
    fn lives_already(&self, key: (u64, u64, u32)) -> bool {
        let Some(first) = self.merged.get(&key).and_then(|branch| self.incoming.get(branch)) else {
            return false;
        };
        first.finals.iter().all(|last| !last.acked)
    }

    /// The next response to an INVITE is due.
    pub(crate) fn act(&mut self, branch: u64, step: u8, people: &People, now: Time, out: &mut Vec<Ask>) {
        if self.forgets_if_dead(branch, people) {
            return;
        }
        let Some(incoming) = self.incoming.get(&branch) else { return };
        let Some(act) = incoming.acts.get(usize::from(step)).copied() else { return };
        let over = incoming.finals.iter().any(|last| last.status >= 300 || act.status < 200);
        if !over {
            self.respond(branch, act, now, out);
        }
    }

    pub(crate) fn respond(&mut self, branch: u64, act: Act, now: Time, out: &mut Vec<Ask>) {
        let Some(incoming) = self.incoming.get_mut(&branch) else { return };
        let Some(glance) = &incoming.packet.glance else { return };
        let tag = format!("{}f{}", incoming.tag, act.fork);
        let bytes = compose::response(&incoming.packet, glance, act, &tag, incoming.here);
        let bytes = compose::with_lines(&bytes, if act.status >= 400 { &incoming.challenge } else { "" });
        let user = core::str::from_utf8(glance.user(&incoming.packet.bytes)).unwrap_or_default();
        let bytes = compose::with_sound(&bytes, self.sounds.get(user));
        out.push(Ask::Send { from: incoming.here, to: incoming.back, bytes: Arc::clone(&bytes) });
        incoming.last = Some(Arc::clone(&bytes));
        incoming.rang |= act.status > 100 && act.status < 200;
        if act.status < 200 || incoming.finals.iter().any(|last| last.fork == act.fork) {
            return;
        }
        let tag_hash = if glance.to_tag == 0 { hash(&tag) } else { glance.to_tag };
        if act.status < 300 && glance.to_tag == 0 {
            let dialog = Dialog::of_callee(&incoming.packet, glance, &tag, incoming.here);
            self.dialogs.insert((glance.call, tag_hash), dialog);
        }
        self.answers.insert((glance.call, tag_hash, glance.cseq), branch);
        let last = Final { fork: act.fork, status: act.status, tag: tag_hash, bytes, acked: false };
        incoming.finals.push(last);
        out.push(Ask::Wake { at: now + pause(0), alarm: Alarm::Repeat(branch, act.fork, 1) });
    }

    /// A final response was not acknowledged yet: says it again, or gives up after 64 · T1 (RFC 3261 §13.3.1.4).
    pub(crate) fn repeat(
        &mut self,
        branch: u64,
        fork: u8,
        attempt: u8,
        people: &People,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        if self.forgets_if_dead(branch, people) {
            return;
        }
        let Some(incoming) = self.incoming.get_mut(&branch) else { return };
        let call = incoming.packet.glance.as_ref().map_or(0, |glance| glance.call);
        let (here, back) = (incoming.here, incoming.back);
        let Some(last) = incoming.finals.iter_mut().find(|last| last.fork == fork) else { return };
        if last.acked {
            return;
        }
        if attempt <= REPEATS_MAX {
            out.push(Ask::Send { from: here, to: back, bytes: Arc::clone(&last.bytes) });
            out.push(Ask::Wake { at: now + pause(attempt), alarm: Alarm::Repeat(branch, fork, attempt + 1) });
            return;
        }
        last.acked = true;
        let key = (call, last.tag);
        self.hang_up(key, now, out);
    }

    pub(crate) fn on_ack(&mut self, glance: &Glance, now: Time, out: &mut Vec<Ask>) {
        let refused = self.incoming.get_mut(&glance.branch).and_then(|incoming| incoming.finals.first_mut());
        if let Some(last) = refused
            && last.status >= 300
        {
            last.acked = true;
            return;
        }
        let branch = self.answers.get(&(glance.call, glance.to_tag, glance.cseq));
        let Some(incoming) = branch.and_then(|branch| self.incoming.get_mut(branch)) else { return };
        let Some(last) = incoming.finals.iter_mut().find(|last| last.tag == glance.to_tag) else { return };
        let first = !core::mem::replace(&mut last.acked, true);
        let user =
            incoming.packet.glance.as_ref().map_or(&[][..], |glance| glance.user(&incoming.packet.bytes));
        let presses = core::str::from_utf8(user).ok().and_then(|user| self.presses.get(user));
        if let Some(after) = presses.filter(|_| first) {
            out.push(Ask::Wake { at: now + *after, alarm: Alarm::Press(glance.call, glance.to_tag) });
        }
        if first && let Some(talk) = self.places.get(incoming.place).and_then(|place| place.hang_up) {
            out.push(Ask::Wake { at: now + talk, alarm: Alarm::HangUp(glance.call, glance.to_tag) });
        }
    }

    pub(crate) fn on_cancel(
        &mut self,
        place: usize,
        back: SocketAddr,
        packet: &Packet,
        glance: &Glance,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let Some(incoming) = self.incoming.get(&glance.branch) else {
            self.serve(place, back, packet, glance, 481, out);
            return;
        };
        if incoming.manner == Some(Manner::Deaf) || incoming.manner.is_some_and(|manner| !manner.lives()) {
            return;
        }
        let open = incoming.finals.is_empty();
        let crossing = incoming.manner == Some(Manner::Crossing);
        self.serve(place, back, packet, glance, 200, out);
        if open {
            let status = if crossing { 200 } else { 487 };
            self.respond(glance.branch, Act::say(Duration::ZERO, status), now, out);
            self.forward_no_more(glance.branch, now, out);
        }
    }

    /// A phone that has died since forgets what it did.
    fn forgets_if_dead(&mut self, branch: u64, people: &People) -> bool {
        let Some(incoming) = self.incoming.get(&branch) else { return true };
        let Some(glance) = &incoming.packet.glance else { return true };
        let fixed = self.places.get(incoming.place).and_then(|place| place.manner);
        let manner = fixed.unwrap_or_else(|| manner_of(&incoming.packet, glance, people));
        let dead = !manner.lives();
        if dead {
            for last in &incoming.finals {
                self.dialogs.remove(&(glance.call, last.tag));
            }
            self.incoming.remove(&branch);
        }
        dead
    }

    /// How long ago each INVITE came that still rings: for the end of a run.
    pub fn ringing_since(&self) -> impl Iterator<Item = (u64, Time)> + '_ {
        self.incoming
            .values()
            .filter(|incoming| incoming.rings())
            .map(|incoming| (incoming.packet.glance.as_ref().map_or(0, |glance| glance.call), incoming.began))
    }
}

fn manner_of(packet: &Packet, glance: &Glance, people: &People) -> Manner {
    let user = glance.user(&packet.bytes);
    let known = people.iter().find(|(number, _, _)| number.as_bytes() == user);
    known.map_or(Manner::refuses(404), |(_, _, manner)| *manner)
}
