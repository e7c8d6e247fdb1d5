//! What leaves a node: nothing altered that is not ours, nothing to strangers.

use super::upstream::Name;
use super::{Oracle, Sent, Turn};
use crate::glance::{Glance, Head, Verb};

impl Oracle {
    /// Invariant 12: what a proxy has no business with leaves byte for byte as it came.
    pub(crate) fn inv_12_fidelity(&mut self, turn: &Turn<'_>) {
        let came = turn.came().map(|(_, _, came)| came);
        for (sent, glance) in turn.went() {
            let kept = match (glance.is_request(), glance.verb) {
                (true, Verb::Invite) if glance.to_tag == 0 => {
                    let context = self.contexts.get(&(turn.life, glance.second));
                    context.and_then(|context| context.invite.glance.as_ref()).map(|invite| invite.rest)
                }
                (true, Verb::Invite | Verb::Ack | Verb::Bye) => {
                    came.filter(|came| is_same(came, glance)).map(|came| came.rest)
                }
                (false, Verb::Invite) if (101..200).contains(&glance.status) => came
                    .filter(|came| came.status == glance.status && came.to_tag == glance.to_tag)
                    .map(|came| came.rest),
                (true, Verb::Cancel | Verb::Options | Verb::Other) | (false, _) => None,
            };
            if let Some(kept) = kept {
                self.looked(12);
                if kept != glance.rest {
                    self.broken(12, || format!("{}: {} was altered", Name(&sent.packet), what(glance)));
                }
            }
        }
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

    /// Invariant 18: whoever sheds load, calls that are up are never refused with 503.
    pub(crate) fn inv_18_calls_that_are_up_are_never_shed(&mut self, turn: &Turn<'_>) {
        let Some((_, packet, came)) = turn.came() else { return };
        if !came.is_request() || came.to_tag == 0 {
            return;
        }
        self.looked(18);
        if turn.went().any(|(_, glance)| glance.status == 503 && glance.branch == came.branch) {
            self.broken(18, || format!("{}: {} was refused with 503", Name(packet), came.verb.name()));
        }
    }

    /// Invariant 20: requests go to peers of a plan or along a token of ours; responses to where a request came from.
    pub(crate) fn inv_20_no_stray_output(&mut self, turn: &Turn<'_>) {
        for sent in turn.sent {
            let known = self.known.contains(&sent.to) || self.node_addresses.contains(&sent.to);
            let response = sent.packet.glance.as_ref().is_some_and(|glance| !glance.is_request());
            self.looked(20);
            let answered = response && self.sources.contains(&sent.to);
            if !known && !answered {
                self.broken(20, || format!("{}: sent to a stranger, {}", Name(&sent.packet), sent.to));
            }
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
        && first.rest == second.rest
        && first.branch == second.branch
        && routes
}

/// Is the one the other, passed on? A request inside of a call keeps Call-ID, CSeq, method and both tags.
fn is_same(came: &Glance, went: &Glance) -> bool {
    came.is_request()
        && (came.verb, came.cseq, came.call) == (went.verb, went.cseq, went.call)
        && (came.from_tag, came.to_tag) == (went.from_tag, went.to_tag)
}

fn what(glance: &Glance) -> String {
    if glance.is_request() { glance.verb.name().to_owned() } else { glance.status.to_string() }
}
