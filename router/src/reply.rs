//! Answers that keep no state: the same request gets the same answer again, from any node. A stranger gets few, and
//! none that is longer than what it sent.

use crate::call::reply_flow;
use crate::door::Effect;
use crate::path::Flow;
use crate::record::Entry;
use crate::relay::Refusal;
use crate::seal::Seal;
use crate::strangers::Strangers;
use sip::build::Extra;
use sip::{Message, Time, build};

/// The refusal of what is no call (RFC 3261 §21.4.6).
#[must_use]
pub fn not_taken() -> Refusal {
    let lines = b"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n".to_vec();
    Refusal { status: 405, why: "only calls are taken here", lines }
}

/// The way back to whoever sent a request.
#[derive(Debug)]
pub struct Reply<'a> {
    /// What we sign with.
    pub seal: &'a Seal,
    /// Who keeps count of what the sender is answered; `None` for a peer, and for what belongs to a call.
    pub strangers: Option<&'a mut Strangers>,
    /// Where the request came from.
    pub flow: Flow,
    /// The time.
    pub now: Time,
    /// What is to be done.
    pub out: &'a mut Vec<Effect>,
}

impl Reply<'_> {
    /// Answers a request, with whole header lines of its own. The To tag is a seal: the ACK of a refused INVITE is
    /// known by it.
    pub fn answer(mut self, request: &Message, status: u16, lines: &[u8]) {
        self.send(request, status, lines);
    }

    /// Answers a request that gets no walk, and says why in a record.
    pub fn refuse(mut self, request: &Message, refusal: &Refusal) {
        let Refusal { status, why, lines } = refusal;
        if self.send(request, *status, lines) {
            self.out.push(Effect::Record(Entry::Refused { flow: self.flow, status: *status, why }));
        }
    }

    /// False if it is answered by silence.
    fn send(&mut self, request: &Message, status: u16, lines: &[u8]) -> bool {
        let Self { seal, flow, now, .. } = *self;
        let mut drop = |why| {
            self.out.push(Effect::Record(Entry::Dropped { flow, why }));
            false
        };
        let is_stranger = self.strangers.is_some();
        if self.strangers.as_mut().is_some_and(|strangers| !strangers.may_hear(flow.path.remote.ip(), now)) {
            return drop("a stranger that asks too much");
        }
        let tag = seal.refusal_tag(request);
        let extra = Extra { to_tag: &tag, lines };
        let stamp = request.top_via().map(|via| via.stamp(request.at(via.span), flow.path.remote));
        let phrase = build::phrase(status);
        let bytes = if is_stranger && !flow.path.transport.is_reliable() {
            build::terse_answer(request, stamp.as_ref(), status, phrase, extra)
        } else {
            build::answer(request, stamp.as_ref(), status, phrase, extra)
        };
        if is_stranger && amplifies(flow, request, &bytes) {
            return drop("its answer would be longer than itself");
        }
        self.out.push(Effect::Send { flow: reply_flow(stamp.as_ref(), flow), bytes });
        true
    }
}

/// Whoever forges a sender's address gets no more bytes sent there than he sends, but for a tenth.
fn amplifies(flow: Flow, request: &Message, answer: &[u8]) -> bool {
    let came = request.bytes().len();
    // A stream's other end has shown that it is there.
    !flow.path.transport.is_reliable() && answer.len() > came + came / 10
}
