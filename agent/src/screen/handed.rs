//! What is handed from one side of a screen to the other: of an INVITE all that the carrier is to know, of a refusal all that says
//! how to ask again.

use crate::caller::{Call, untagged};
use router::inside::{HOP, JOINS, SEALED};
use sip::{Message, Name};

/// Where the person is called: a value of Route. The node writes it above what others may have written.
pub(super) fn hop(invite: &Message) -> Option<&[u8]> {
    let value = written(invite)?;
    let end = value.iter().rposition(|byte| *byte == b'>');
    end.map_or(Some(value), |end| value.get(..=end))
}

/// Does who is called there want his sound sealed?
pub(super) fn is_sealed(invite: &Message) -> bool {
    is_said(invite, SEALED)
}

/// Are both sides calls of one peer that joins them by itself when it is asked to?
pub(super) fn is_at_one_peer(invite: &Message) -> bool {
    is_said(invite, JOINS)
}

/// Does this stand behind the hop?
fn is_said(invite: &Message, what: &str) -> bool {
    let behind = hop(invite).zip(written(invite)).and_then(|(hop, value)| value.get(hop.len()..));
    behind.is_some_and(|behind| behind.split(|byte| *byte == b';').any(|said| said == what.as_bytes()))
}

fn written(invite: &Message) -> Option<&[u8]> {
    let field = invite.fields().iter().find(|field| invite.is_named(field, HOP.as_bytes()))?;
    Some(invite.at(field.value))
}

/// What of an INVITE goes on to the person.
const ASKED: [Name; 9] = [
    Name::Diversion,
    Name::HistoryInfo,
    Name::PAssertedIdentity,
    Name::Identity,
    Name::Date,
    Name::Authorization,
    Name::ProxyAuthorization,
    Name::Priority,
    Name::CallInfo,
];
const ASKED_TOO: [&[u8]; 4] = [b"Privacy", b"Alert-Info", b"Subject", b"X-Tandem-Walk"];

/// What of a refusal goes back: all that says whether, when and how to ask again.
const SAID: [Name; 8] = [
    Name::Reason,
    Name::RetryAfter,
    Name::WwwAuthenticate,
    Name::ProxyAuthenticate,
    Name::MinSe,
    Name::Unsupported,
    Name::Warning,
    Name::CallInfo,
];
const SAID_TOO: [&[u8]; 1] = [b"Error-Info"];

/// What a refusal says to the caller's side.
pub(super) fn refusal_lines(refusal: &Message) -> Vec<u8> {
    passed(refusal, &SAID, &SAID_TOO)
}

/// The header lines of these names, as they came.
fn passed(message: &Message, names: &[Name], others: &[&[u8]]) -> Vec<u8> {
    let mut lines = Vec::new();
    for field in message.fields() {
        let is_other = || others.iter().any(|name| message.is_named(field, name));
        let is_redirection =
            field.name == Name::Contact && message.status().is_some_and(|status| status / 100 == 3);
        if names.contains(&field.name) || is_redirection || is_other() {
            let line = message.at(field.line);
            lines.extend_from_slice(line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line));
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}

/// The call to a person, with a name of its own: nothing in it names the caller's call. `before` is the INVITE of the try before it.
pub(super) fn call_of(invite: &Message, before: Option<&Message>, chance: u64) -> Result<Call, u16> {
    // Only the node sends people here.
    let hop = hop(invite).ok_or(403_u16)?;
    let max_forwards = invite.max_forwards().unwrap_or(70).checked_sub(1).ok_or(483_u16)?;
    let (from, to, uri) = (invite.from().ok_or(400_u16)?, invite.value(Name::To), invite.request_uri());
    let mut lines = [b"Route: ", hop, b"\r\n"].concat();
    lines.extend(passed(invite, &ASKED, &ASKED_TOO));
    Ok(Call {
        uri: uri.map(|uri| invite.at(uri).to_vec()).ok_or(400_u16)?,
        from: untagged(&from),
        tag: before.map_or_else(|| hex(chance.rotate_left(41)), |before| before.from_tag().to_vec()),
        to: to.ok_or(400_u16)?.to_vec(),
        call_id: before.map_or_else(|| hex(chance.rotate_left(17)), |before| before.call_id().to_vec()),
        // RFC 3261 §22.2: who asks once more for the same says so.
        number: before.and_then(Message::cseq).map_or(1, |(number, _)| number + 1),
        max_forwards,
        lines,
        sdp: Vec::new(),
    })
}

fn hex(number: u64) -> Vec<u8> {
    format!("{number:016x}").into_bytes()
}
