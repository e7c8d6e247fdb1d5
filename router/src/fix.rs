//! Another try at the same hop: what is changed in the INVITE, as the refusal of the last try asked.

use crate::chance::Chance;
use crate::forwarded::URI_MAX;
use crate::logins::Logins;
use crate::path::Transport;
use crate::presentation::{Accepted, Presentation};
use crate::streams::Streams;
use crate::target::{Peer, PeerKind};
use crate::verdict::Fix;
use sip::digest::{Asked, Challenge};
use sip::text::leading_decimal;
use sip::{Edits, Message, Name};

/// What peers have taught this node about the INVITEs that they accept.
#[derive(Debug)]
pub struct Learned {
    /// Who we are to those that ask.
    pub logins: Logins,
    /// How calls are presented to those that refused another form.
    pub accepted: Accepted,
    /// Who takes long requests over streams.
    pub streams: Streams,
}

impl Learned {
    /// Nothing yet.
    #[must_use]
    pub fn new(chance: Chance) -> Self {
        Self { logins: Logins::new(chance), accepted: Accepted::default(), streams: Streams::default() }
    }

    /// The plan has changed: what its peers ask for and accept may have changed with it.
    pub fn on_apply(&mut self) {
        self.logins.forgive();
        self.accepted.forget();
        self.streams.forget();
    }
}

/// The changes of a leg: each fix with the refusal that asked for it, in order.
pub type Fixes = [(Fix, Message)];

/// Whether this refusal can be met at this peer.
#[must_use]
pub fn can_be_met(fix: Fix, refusal: &Message, peer: &Peer) -> bool {
    match fix {
        Fix::Credentials => challenge(refusal, peer).is_some(),
        Fix::SessionTimer => min_se(refusal).is_some(),
        // What had come over a stream is too long for anything.
        Fix::Stream => {
            let via = refusal.top_via();
            may_stream(peer) && via.and_then(|via| Transport::named(via.transport)) == Some(Transport::Udp)
        }
        Fix::Follow => !peer.follow.is_empty(),
        Fix::Unasked => true,
        // Sites and services see who calls; only carriers have contracts about it.
        Fix::Presentation => {
            let caller = refusal.from().map_or(0, |from| from.uri.len());
            matches!(peer.kind, PeerKind::Trunk(_)) && caller <= URI_MAX
        }
    }
}

/// Was there more to say than "no" to a try that had this fix already? Then it may be tried once more.
#[must_use]
pub fn may_be_repeated(fix: Fix, refusal: &Message, peer: &Peer) -> bool {
    match fix {
        // The nonce was too old; the credentials were right (RFC 7616 §3.3).
        Fix::Credentials => challenge(refusal, peer).is_some_and(|challenge| challenge.stale),
        Fix::SessionTimer | Fix::Stream | Fix::Unasked => false,
        Fix::Follow => true,
        Fix::Presentation => peer.presentation.as_deref().unwrap_or(&Presentation::PLAIN).forms() > 2,
    }
}

/// May what is too long for a datagram go to this peer over a stream? Not if the plan asks for datagrams.
#[must_use]
pub fn may_stream(peer: &Peer) -> bool {
    peer.transport != Some(Transport::Udp)
}

/// What is changed in `request` on its way to `uri` at this peer.
pub fn apply(
    fixes: &Fixes,
    request: &Message,
    uri: &[u8],
    peer: &Peer,
    logins: &mut Logins,
    edits: &mut Edits,
) {
    for (place, (fix, refusal)) in fixes.iter().enumerate() {
        // A later answer to a challenge takes the place of an earlier one.
        if fixes.iter().skip(place + 1).any(|(later, _)| later == fix) {
            continue;
        }
        match fix {
            Fix::SessionTimer => lengthen(refusal, request, edits),
            // The whole leg is presented otherwise, or goes another way, whatever its other fixes.
            Fix::Presentation | Fix::Stream | Fix::Follow | Fix::Unasked => {}
            Fix::Credentials => {
                let asked = Asked { method: request.method_name(), uri, body: request.body() };
                if let Some((challenge, field)) = challenge(refusal, peer).zip(request.field(Name::CSeq)) {
                    edits.insert(field.line.start, logins.answer(peer, challenge, asked));
                }
            }
        }
    }
}

/// Asks for the shortest session timer that the refusal allows (RFC 4028 §7.4): Session-Expires keeps its parameters, and
/// Min-SE says the same.
fn lengthen(refusal: &Message, request: &Message, edits: &mut Edits) {
    let (Some(least), Some(field)) = (min_se(refusal), request.field(Name::SessionExpires)) else { return };
    let value = request.at(field.value);
    let params =
        value.iter().position(|byte| *byte == b';').and_then(|at| value.get(at..)).unwrap_or_default();
    edits.replace(field.value, [least.to_string().as_bytes(), params].concat());
    match request.field(Name::MinSe) {
        Some(field) => edits.replace(field.value, least.to_string()),
        None => edits.insert(field.line.start, format!("Min-SE: {least}\r\n")),
    }
}

/// The shortest session timer that a 422 allows, in seconds; `None` if it names none, or a longer one than a week.
fn min_se(refusal: &Message) -> Option<u32> {
    let seconds = u32::try_from(leading_decimal(refusal.value(Name::MinSe)?)?).ok()?;
    (seconds <= MIN_SE_MAX).then_some(seconds)
}

/// As long as a seal is good for: no call lasts longer.
const MIN_SE_MAX: u32 = 7 * 24 * 3600;

/// The challenge in a refusal that this peer gets an answer to.
#[must_use]
pub fn challenge(refusal: &Message, peer: &Peer) -> Option<Challenge> {
    Challenge::choose(refusal, peer.login.as_ref()?.realm.as_deref())
}
