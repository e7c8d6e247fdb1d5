//! What leaves a node: nothing altered that is not ours, nothing to strangers.

use super::upstream::Name;
use super::{Life, Oracle, Sent, Turn};
use crate::glance::{Glance, Head, Packet, Verb};
use router::Plan;
use router::health::Standing;
use router::record::Entry;
use router::target::Reach;
use std::sync::Arc;

impl Oracle {
    /// Invariant 12: what a proxy has no business with leaves byte for byte as it came, one hop older.
    pub(crate) fn inv_12_fidelity(&mut self, turn: &Turn<'_>) {
        let came = turn.came().map(|(_, packet, came)| (packet, came));
        for (sent, glance) in turn.went() {
            let context = self.contexts.get(&(turn.life, glance.second));
            let origin = match (glance.is_request(), glance.verb) {
                (true, Verb::Invite) if glance.to_tag == 0 => context
                    .map(|context| &*context.invite)
                    .and_then(|invite| Some((invite, invite.glance.as_ref()?))),
                (true, Verb::Invite | Verb::Ack | Verb::Bye | Verb::Subscribe | Verb::Notify) => {
                    came.filter(|(_, came)| is_same(came, glance))
                }
                (true, Verb::Cancel | Verb::Options | Verb::Register | Verb::Other) => None,
                (false, _) => came.filter(|(_, came)| is_same_response(came, glance)),
            };
            let hops = origin.filter(|_| glance.is_request()).map(|(packet, came)| hops_of(packet, came));
            let stale = hops.is_some_and(|hops| hops_of(&sent.packet, glance) + 1 != hops);
            let kept = origin.map(|(_, came)| came.rest).or_else(|| self.refusal_of(turn, glance));
            let fault = self.fault_of_who(turn, sent, glance, origin);
            let fault = fault.or_else(|| self.fault_of_marks(turn, sent, glance, origin?));
            if let Some(kept) = kept {
                self.looked(12);
                if kept != glance.rest {
                    self.broken(12, || format!("{}: {} was altered", Name(&sent.packet), what(glance)));
                }
            }
            if let Some(fault) = fault {
                self.broken(12, || format!("{}: {} {fault}", Name(&sent.packet), what(glance)));
            }
            if stale {
                self.broken(12, || format!("{}: {} did not lose a hop", Name(&sent.packet), what(glance)));
            }
        }
    }

    /// What is wrong with the marks of what left here for a phone number: a leg to one bears one more than came, and nothing
    /// else any other than came.
    fn fault_of_marks(
        &self,
        turn: &Turn<'_>,
        sent: &Sent,
        went: &Glance,
        (packet, came): (&Packet, &Glance),
    ) -> Option<String> {
        let context = self.contexts.get(&(turn.life, went.second));
        let plan = context.filter(|_| went.is_request() && went.to_tag == 0).and_then(|it| self.plan_of(it));
        let user = went.user(&sent.packet.bytes);
        let is_it = |reach: &Reach| matches!(reach, Reach::Number(number) if number.as_bytes() == user);
        let outward = plan.is_some_and(|plan| plan.targets.iter().any(|target| is_it(&target.reach)));
        let more = usize::from(outward);
        let old = went.values(&sent.packet.bytes, Head::Mark).skip(more);
        let new = went.values(&sent.packet.bytes, Head::Mark).count();
        let before = came.values(&packet.bytes, Head::Mark);
        let fits = came.values(&packet.bytes, Head::Mark).count() + more == new && old.eq(before);
        (!fits).then(|| format!("has {new} marks"))
    }

    /// What is wrong with who calls whom in a message that left, made of `origin` if of any.
    fn fault_of_who(
        &self,
        turn: &Turn<'_>,
        sent: &Sent,
        glance: &Glance,
        origin: Option<(&Packet, &Glance)>,
    ) -> Option<String> {
        let answers = !glance.is_request() && glance.verb == Verb::Invite;
        let asked = self.contexts.get(&(turn.life, glance.branch)).filter(|_| answers);
        let asked = asked.and_then(|context| Some((&context.invite, context.invite.glance.as_ref()?)));
        let from = |packet: &Packet, glance: &Glance| glance.value(&packet.bytes, Head::From).to_vec();
        if asked.is_some_and(|(invite, came)| from(invite, came) != from(&sent.packet, glance)) {
            return Some("goes up with another From than came down".to_owned());
        }
        match self.contexts.get(&(turn.life, glance.second)) {
            Some(context) if glance.is_request() && glance.verb == Verb::Invite && glance.to_tag == 0 => {
                self.fault_of_leg_caller(turn, context, sent, glance)
            }
            _ => self.fault_of_caller(origin?, (&sent.packet, glance)),
        }
    }

    /// What came from the leg whose refusal this is, if it is one of a leg.
    fn refusal_of(&self, turn: &Turn<'_>, went: &Glance) -> Option<u64> {
        let context = self.contexts.get(&(turn.life, went.branch)).filter(|_| went.status >= 300)?;
        let legs = context.legs.iter().filter_map(|branch| self.legs.get(branch));
        let mut refusals = legs.filter_map(|leg| leg.refusal);
        refusals.find(|(tag, _)| *tag == went.to_tag).map(|(_, rest)| rest)
    }

    /// Invariant 13: what a node passed on inside of a call or by its seal alone, another node with the same key and
    /// nothing else passes on in the same way. `twin` is what the other did with the same event.
    pub(crate) fn inv_13_any_node(&mut self, turn: &Turn<'_>, twin: &[Sent]) {
        let ours: Vec<_> = turn.sent.iter().filter(|sent| passes_on(turn, sent)).collect();
        if ours.is_empty() {
            return;
        }
        self.looked(13);
        let theirs: Vec<_> = twin.iter().filter(|sent| passes_on(turn, sent)).collect();
        let same =
            ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(one, other)| is_twin(one, other));
        if !same {
            let sent = turn.sent.first().map(|sent| &sent.packet);
            let name = sent.map(|packet| Name(packet).to_string()).unwrap_or_default();
            self.broken(13, || format!("{name}: another node passed it on otherwise"));
        }
    }

    /// Invariant 18: a node that takes no new calls says so to whoever asks, and keeps nothing of those it refuses;
    /// calls that are up are never refused with 503.
    pub(crate) fn inv_18_shedding(&mut self, turn: &Turn<'_>) {
        let Some(life) = self.lives.get_mut(&turn.life) else { return };
        let before = core::mem::replace(&mut life.lingering, turn.node.lingering());
        let grown = turn.node.lingering() > before;
        let for_help = turn.came().is_some_and(|(_, packet, came)| calls_for_help(life, packet, came));
        let draining = life.draining.is_some() && !for_help;
        let Some((_, packet, came)) = turn.came().filter(|(_, _, came)| came.is_request()) else { return };
        let (name, verb) = (Name(packet), came.verb.name());
        let shed = turn.went().any(|(_, glance)| glance.status == 503 && glance.branch == came.branch);
        self.looked(18);
        if came.to_tag != 0 && shed {
            self.broken(18, || format!("{name}: {verb} was refused with 503"));
        }
        // A request of a call that is up may have to be sent again for a while.
        if draining && grown && came.to_tag == 0 {
            self.broken(18, || format!("{name}: {verb} is kept by a node that is draining"));
        }
        if draining && came.verb == Verb::Options && came.to_tag == 0 && !shed {
            self.broken(18, || format!("{name}: OPTIONS does not say that the node is draining"));
        }
    }

    /// Invariant 18: a node says that it is cut off only while it believes that everybody is down.
    pub(crate) fn inv_18_cut_off(&mut self, turn: &Turn<'_>) {
        let says = |entry: &Entry| matches!(entry, Entry::Refused { why, .. } if why.contains("cut off"));
        if turn.records.iter().any(says) {
            self.looked(18);
            if turn.node.beliefs().any(|(_, standing, _)| standing != Standing::Down) {
                self.broken(18, || "a call was refused as if nobody were heard".to_owned());
            }
        }
    }

    /// Invariant 20: requests go to peers of a plan or along a token of ours; responses to where their request came from.
    pub(crate) fn inv_20_no_stray_output(&mut self, turn: &Turn<'_>) {
        for sent in turn.sent {
            let known = self.known.contains(&sent.to) || self.node_addresses.contains(&sent.to);
            let response = sent.packet.glance.as_ref().filter(|glance| !glance.is_request());
            self.looked(20);
            match response.map(|glance| self.askers.get(&(glance.branch, glance.verb))) {
                None if !known => {
                    self.broken(20, || format!("{}: sent to a stranger, {}", Name(&sent.packet), sent.to));
                }
                Some(asker) if asker != Some(&sent.to) => {
                    let (name, to) = (Name(&sent.packet).to_string(), sent.to);
                    let asker = asker.copied();
                    self.broken(20, || {
                        format!("{name}: a response goes to {to}, its request came from {asker:?}")
                    });
                }
                None | Some(_) => (),
            }
        }
        self.inv_20_strangers_get_no_more_than_they_send(turn);
    }

    /// Of invariant 20: whoever is nobody's peer and in no call gets no more bytes than it sent, but for a tenth; its
    /// address may be forged.
    fn inv_20_strangers_get_no_more_than_they_send(&mut self, turn: &Turn<'_>) {
        let Some((from, packet, came)) = turn.came() else { return };
        let is_call = self.contexts.contains_key(&(turn.life, came.branch))
            || turn.went().any(|(sent, _)| passes_on(turn, sent));
        if is_call || self.known.contains(&from) || self.node_addresses.contains(&from) {
            return;
        }
        self.looked(20);
        let back: usize = turn.sent.iter().map(|sent| sent.packet.bytes.len()).sum();
        let sent = packet.bytes.len();
        if back * 10 > sent * 11 {
            self.broken(20, || format!("{}: a stranger gets {back} bytes for {sent}", Name(packet)));
        }
    }
}

/// Was it passed on: the request that came, inside of its call?
fn passes_on(turn: &Turn<'_>, sent: &Sent) -> bool {
    let came = turn.came().map(|(_, _, came)| came);
    let went = sent.packet.glance.as_ref();
    came.zip(went).is_some_and(|(came, went)| came.to_tag != 0 && went.is_request() && is_same(came, went))
}

fn is_twin(one: &Sent, other: &Sent) -> bool {
    let (Some(first), Some(second)) = (&one.packet.glance, &other.packet.glance) else { return false };
    let routes =
        first.values(&one.packet.bytes, Head::Route).eq(second.values(&other.packet.bytes, Head::Route));
    one.to == other.to
        && first.uri(&one.packet.bytes) == second.uri(&other.packet.bytes)
        && (first.rest, first.cseq) == (second.rest, second.cseq)
        && first.who(&one.packet.bytes).eq(second.who(&other.packet.bytes))
        && first.branch == second.branch
        && routes
}

/// Is the one the other, passed on? A request inside of a call keeps Call-ID, method and both tags.
fn is_same(came: &Glance, went: &Glance) -> bool {
    came.is_request()
        && (came.verb, came.call) == (went.verb, went.call)
        && (came.from_tag, came.to_tag) == (went.from_tag, went.to_tag)
}

/// Is the one the other, passed on upstream?
fn is_same_response(came: &Glance, went: &Glance) -> bool {
    !came.is_request()
        && (came.status, came.verb, came.call) == (went.status, went.verb, went.call)
        && came.to_tag == went.to_tag
}

/// Its Max-Forwards; 70 if it does not say (RFC 3261 §16.6 step 3).
fn hops_of(packet: &Packet, glance: &Glance) -> u32 {
    let value = core::str::from_utf8(glance.value(&packet.bytes, Head::MaxForwards)).ok();
    value.and_then(|value| value.parse().ok()).unwrap_or(71)
}

/// Is it a call to an emergency number? A node takes it even while it drains.
pub(super) fn calls_for_help(life: &Life, packet: &Packet, came: &Glance) -> bool {
    let is_help = |plan: &Arc<Plan>| plan.emergency.number(came.user(&packet.bytes)).is_some();
    came.verb == Verb::Invite && life.plans.last().is_some_and(is_help)
}

fn what(glance: &Glance) -> String {
    if glance.is_request() { glance.verb.name().to_owned() } else { glance.status.to_string() }
}
