//! Answers that keep no state: the same request gets the same answer again, from any node.

use crate::call::reply_flow;
use crate::door::Effect;
use crate::path::Flow;
use crate::record::Entry;
use crate::relay::Refusal;
use crate::seal::Seal;
use sip::build::Extra;
use sip::{Message, build};

/// The refusal of what is no call (RFC 3261 §21.4.6).
#[must_use]
pub fn not_taken() -> Refusal {
    let lines = b"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n".to_vec();
    Refusal { status: 405, why: "only calls are taken here", lines }
}

/// Answers a request, with whole header lines of its own. The To tag is a seal: the ACK of a refused INVITE is
/// known by it.
pub fn answer(seal: &Seal, request: &Message, flow: Flow, status: u16, lines: &[u8], out: &mut Vec<Effect>) {
    let tag = seal.refusal_tag(request);
    let extra = Extra { to_tag: &tag, lines };
    let stamp = request.top_via().map(|via| via.stamp(request.at(via.span), flow.path.remote));
    let bytes = build::answer(request, stamp.as_ref(), status, build::phrase(status), extra);
    out.push(Effect::Send { flow: reply_flow(stamp.as_ref(), flow), bytes });
}

/// Answers a request that gets no walk, and says why in a record.
pub fn refuse(seal: &Seal, request: &Message, flow: Flow, refusal: &Refusal, out: &mut Vec<Effect>) {
    let Refusal { status, why, lines } = refusal;
    answer(seal, request, flow, *status, lines, out);
    out.push(Effect::Record(Entry::Refused { flow, status: *status, why }));
}
