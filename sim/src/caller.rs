//! The side of a host that calls.

use crate::compose::{self, Dialog, Draft};
use crate::glance::{Glance, Head, Packet, Verb, uri_of, user_of};
use crate::phone::{Alarm, Ask, Host, hash, pause};
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a caller does. Spans count from the INVITE, or from the answer where that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// When the INVITE is sent.
    pub at: Duration,
    /// Which number is called.
    pub number: &'static str,
    /// Which node's address is called.
    pub to: SocketAddr,
    /// When the caller loses patience; `None` waits for ever.
    pub cancel: Option<Duration>,
    /// How long after the answer the caller hangs up; `None` leaves that to the called side.
    pub talk: Option<Duration>,
    /// How long after the answer the caller changes the call (re-INVITE).
    pub reinvite: Option<Duration>,
    /// How many copies of the INVITE are sent beyond the usual, 30 ms apart.
    pub haste: u8,
    /// Max-Forwards.
    pub hops: u8,
    /// More header lines of the INVITE, each ended by CRLF.
    pub extra: &'static str,
    /// The number that calls; `None` for one that no other call has.
    pub caller: Option<&'static str>,
}

impl Script {
    /// A patient caller who hangs up ten seconds after the answer.
    #[must_use]
    pub const fn patient(at: Duration, number: &'static str, to: SocketAddr) -> Self {
        let talk = Some(Duration::from_secs(10));
        Self {
            at,
            number,
            to,
            cancel: None,
            talk,
            reinvite: None,
            haste: 0,
            hops: 70,
            extra: "",
            caller: None,
        }
    }
}

/// What a caller saw of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// When the INVITE was sent.
    pub began: Time,
    /// When the first response of any kind came.
    pub heard: Option<Time>,
    /// When it first rang.
    pub rang: Option<Time>,
    /// When the first 2xx came.
    pub answered: Option<Time>,
    /// How many people answered.
    pub answers: u8,
    /// When it was refused, and how.
    pub refused: Option<(Time, u16)>,
    /// When CANCEL was sent.
    pub cancelled: Option<Time>,
    /// When the caller gave up because there was no response at all (timer B).
    pub silent: Option<Time>,
}

/// An INVITE that was sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    call: u32,
    script: Script,
    packet: Packet,
    here: SocketAddr,
    to: SocketAddr,
    seen: Seen,
    wants_cancel: bool,
    acks: Vec<(u64, Bytes, SocketAddr)>,
    again: bool,
}

/// Copies of an INVITE until timer B: at 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s; the seventh alarm is the end.
const DIALS_MAX: u8 = 7;

impl Host {
    /// Takes a call to place; the world wakes it with [`Alarm::Dial`] at its time.
    pub(crate) fn plan_call(&mut self, call: u32, place: usize, script: Script) {
        let Some(here) = self.places.get(place).map(|place| place.address) else { return };
        let own = || format!("+1555{:07}", 1_000 + call);
        let caller = script.caller.map_or_else(own, str::to_owned);
        let call_id = format!("call-{call}");
        self.prepare(call, here, script, (&caller, &call_id, script.extra));
    }

    /// Writes the INVITE of a call: who calls, its Call-ID, more lines.
    pub(crate) fn prepare(
        &mut self,
        call: u32,
        here: SocketAddr,
        script: Script,
        (caller, call_id, extra): (&str, &str, &str),
    ) {
        let branch = self.branch();
        let bytes = compose::invite(Draft {
            number: script.number,
            caller,
            call_id,
            tag: &format!("c{call}"),
            branch: &branch,
            here,
            to: script.to,
            hops: script.hops,
            extra,
        });
        self.calls.insert(call, hash(&branch));
        let outgoing = Outgoing {
            call,
            script,
            packet: Packet::new(bytes),
            here,
            to: script.to,
            seen: Seen::default(),
            wants_cancel: false,
            acks: Vec::new(),
            again: false,
        };
        self.outgoing.insert(hash(&branch), outgoing);
    }

    /// What was seen of a call that was placed here.
    #[must_use]
    pub fn seen(&self, call: u32) -> Option<Seen> {
        self.calls.get(&call).and_then(|branch| self.outgoing.get(branch)).map(|outgoing| outgoing.seen)
    }

    pub(crate) fn dial(&mut self, call: u32, now: Time, out: &mut Vec<Ask>) {
        let Some(&branch) = self.calls.get(&call) else { return };
        let Some(outgoing) = self.outgoing.get_mut(&branch) else { return };
        outgoing.seen.began = now;
        outgoing.give_sound(&self.sounds);
        outgoing.send(out);
        out.push(Ask::Wake { at: now + pause(0), alarm: Alarm::Resend(branch, Verb::Invite, 1) });
        for copy in 1..=outgoing.script.haste {
            let at = now + Duration::from_millis(30) * u32::from(copy);
            out.push(Ask::Wake { at, alarm: Alarm::Resend(branch, Verb::Invite, u8::MAX) });
        }
        if let Some(patience) = outgoing.script.cancel {
            out.push(Ask::Wake { at: now + patience, alarm: Alarm::Cancel(call) });
        }
    }

    /// Sends the INVITE again if nothing was heard; `u8::MAX` stands for a hasty copy.
    pub(crate) fn redial(&mut self, branch: u64, attempt: u8, now: Time, out: &mut Vec<Ask>) {
        let Some(outgoing) = self.outgoing.get_mut(&branch) else { return };
        if attempt == u8::MAX {
            outgoing.send(out);
            return;
        }
        if outgoing.seen.heard.is_some() {
            return;
        }
        if attempt >= DIALS_MAX {
            outgoing.seen.silent = Some(now);
            return;
        }
        outgoing.send(out);
        let wait = Duration::from_millis(500) * (1 << attempt.min(DIALS_MAX));
        let wait = if attempt + 1 == DIALS_MAX { Duration::from_millis(500) } else { wait };
        out.push(Ask::Wake { at: now + wait, alarm: Alarm::Resend(branch, Verb::Invite, attempt + 1) });
    }

    pub(crate) fn give_up(&mut self, call: u32, now: Time, out: &mut Vec<Ask>) {
        let Some(&branch) = self.calls.get(&call) else { return };
        let Some(outgoing) = self.outgoing.get_mut(&branch) else { return };
        outgoing.wants_cancel = true;
        self.cancel_if_due(branch, now, out);
    }

    /// CANCEL goes out once it is wanted and a provisional response has come (RFC 3261 §9.1).
    fn cancel_if_due(&mut self, branch: u64, now: Time, out: &mut Vec<Ask>) {
        let Some(outgoing) = self.outgoing.get_mut(&branch) else { return };
        let Some(glance) = &outgoing.packet.glance else { return };
        let seen = &mut outgoing.seen;
        let over = seen.answered.is_some() || seen.refused.is_some() || seen.silent.is_some();
        if !outgoing.wants_cancel || over || seen.cancelled.is_some() || seen.heard.is_none() {
            return;
        }
        seen.cancelled = Some(now);
        let to = glance.value(&outgoing.packet.bytes, Head::To);
        let bytes = compose::on_branch(&outgoing.packet, glance, Verb::Cancel, to);
        let (from, to) = (outgoing.here, outgoing.to);
        self.request((branch, Verb::Cancel), bytes, from, to, now, out);
    }

    pub(crate) fn on_invite_response(
        &mut self,
        packet: &Packet,
        glance: &Glance,
        here: SocketAddr,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let Some(outgoing) = self.outgoing.get_mut(&glance.branch) else { return };
        outgoing.seen.heard.get_or_insert(now);
        let call = outgoing.call;
        self.tell_back(call, glance.status, now, out);
        let Some(outgoing) = self.outgoing.get_mut(&glance.branch) else { return };
        match glance.status {
            200..=299 => self.on_answer(packet, glance, here, now, out),
            300.. => {
                let Some(invite) = &outgoing.packet.glance else { return };
                let to = glance.value(&packet.bytes, Head::To);
                let bytes = compose::on_branch(&outgoing.packet, invite, Verb::Ack, to);
                out.push(Ask::Send { from: outgoing.here, to: outgoing.to, bytes });
                if outgoing.seen.answered.is_none() && outgoing.seen.refused.is_none() {
                    outgoing.seen.refused = Some((now, glance.status));
                }
            }
            _ => {
                if glance.status > 100 {
                    outgoing.seen.rang.get_or_insert(now);
                }
                self.cancel_if_due(glance.branch, now, out);
            }
        }
    }

    fn on_answer(
        &mut self,
        packet: &Packet,
        glance: &Glance,
        here: SocketAddr,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let branch = self.branch();
        let Some(outgoing) = self.outgoing.get_mut(&glance.branch) else { return };
        if let Some((_, bytes, to)) = outgoing.acks.iter().find(|(tag, _, _)| *tag == glance.to_tag) {
            out.push(Ask::Send { from: here, to: *to, bytes: Arc::clone(bytes) });
            return;
        }
        let known = self.dialogs.get(&(glance.call, glance.from_tag)).filter(|_| outgoing.again);
        let dialog = known.cloned().unwrap_or_else(|| Dialog::of_caller(packet, glance, here));
        let Some(to) = dialog.next_hop() else { return };
        let bytes = dialog.request(Verb::Ack, glance.cseq, &branch);
        out.push(Ask::Send { from: here, to, bytes: Arc::clone(&bytes) });
        outgoing.acks.push((glance.to_tag, bytes, to));
        if outgoing.again {
            return;
        }
        let (seen, script, call) = (&mut outgoing.seen, outgoing.script, outgoing.call);
        seen.answers += 1;
        let first = seen.answered.is_none();
        let wanted = first && seen.refused.is_none() && seen.cancelled.is_none() && seen.silent.is_none();
        seen.answered.get_or_insert(now);
        if !wanted {
            self.say_bye(&dialog, now, out);
            return;
        }
        let key = (glance.call, glance.from_tag);
        self.dialogs.insert(key, dialog);
        if let Some(talk) = script.talk {
            out.push(Ask::Wake { at: now + talk, alarm: Alarm::HangUp(key.0, key.1) });
        }
        if let Some(pause) = script.reinvite {
            out.push(Ask::Wake { at: now + pause, alarm: Alarm::Reinvite(call) });
        }
    }

    pub(crate) fn reinvite(&mut self, call: u32, now: Time, out: &mut Vec<Ask>) {
        let first = self.calls.get(&call).and_then(|branch| self.outgoing.get(branch));
        let Some((script, Some(glance))) = first.map(|first| (first.script, first.packet.glance.clone()))
        else {
            return;
        };
        let branch = self.branch();
        let Some(dialog) = self.dialogs.get_mut(&(glance.call, glance.from_tag)) else { return };
        let Some(to) = dialog.next_hop() else { return };
        dialog.cseq += 1;
        let bytes = dialog.request(Verb::Invite, dialog.cseq, &branch);
        let outgoing = Outgoing {
            call,
            script,
            packet: Packet::new(bytes),
            here: dialog.here,
            to,
            seen: Seen { began: now, ..Seen::default() },
            wants_cancel: false,
            acks: Vec::new(),
            again: true,
        };
        outgoing.send(out);
        let branch = hash(&branch);
        self.outgoing.insert(branch, outgoing);
        out.push(Ask::Wake { at: now + pause(0), alarm: Alarm::Resend(branch, Verb::Invite, 1) });
    }
}

impl Outgoing {
    /// Its media is that of the caller's voice, if it has one.
    fn give_sound(&mut self, sounds: &BTreeMap<&'static str, SocketAddr>) {
        let from = self.packet.glance.as_ref().map(|glance| glance.value(&self.packet.bytes, Head::From));
        let user = from.and_then(|from| core::str::from_utf8(user_of(uri_of(from))).ok());
        if let Some(sound) = user.and_then(|user| sounds.get(user)) {
            self.packet = Packet::new(compose::with_sound(&self.packet.bytes, Some(sound)));
        }
    }

    fn send(&self, out: &mut Vec<Ask>) {
        out.push(Ask::Send { from: self.here, to: self.to, bytes: Arc::clone(&self.packet.bytes) });
    }
}
