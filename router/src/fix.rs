//! Another try at the same hop: what is changed in the INVITE, as the refusal of the last try asked.

use crate::logins::Logins;
use crate::target::Peer;
use crate::verdict::Fix;
use sip::digest::{Asked, Challenge};
use sip::{Edits, Message, Name};

/// The changes of a leg: each fix with the refusal that asked for it, in order.
pub type Fixes = [(Fix, Message)];

/// Whether this refusal can be met at this peer.
#[must_use]
pub fn can_be_met(fix: Fix, refusal: &Message, peer: &Peer) -> bool {
    match fix {
        Fix::Credentials => challenge(refusal, peer).is_some(),
    }
}

/// Was there more to say than "no" to a try that had this fix already? Then it may be tried once more.
#[must_use]
pub fn may_be_repeated(fix: Fix, refusal: &Message, peer: &Peer) -> bool {
    match fix {
        // The nonce was too old; the credentials were right (RFC 7616 §3.3).
        Fix::Credentials => challenge(refusal, peer).is_some_and(|challenge| challenge.stale),
    }
}

/// What is changed in `request` on its way to `uri` at this peer.
pub fn edits(fixes: &Fixes, request: &Message, uri: &[u8], peer: &Peer, logins: &mut Logins) -> Edits {
    let mut edits = Edits::new();
    for (place, (fix, refusal)) in fixes.iter().enumerate() {
        // A later answer to a challenge takes the place of an earlier one.
        if fixes.iter().skip(place + 1).any(|(later, _)| later == fix) {
            continue;
        }
        match fix {
            Fix::Credentials => {
                let asked = Asked { method: request.method_name(), uri, body: request.body() };
                if let Some((challenge, field)) = challenge(refusal, peer).zip(request.field(Name::CSeq)) {
                    edits.insert(field.line.start, logins.answer(peer, challenge, asked));
                }
            }
        }
    }
    edits
}

/// The challenge in a refusal that this peer gets an answer to.
fn challenge(refusal: &Message, peer: &Peer) -> Option<Challenge> {
    Challenge::choose(refusal, peer.login.as_ref()?.realm.as_deref())
}
