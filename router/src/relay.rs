//! RFC 3261 §16 as functions on messages: what is changed on the way.

use crate::forwarded::{Pair, translate};
use crate::path::{Flow, Listener, Path, Transport, listener_for};
use crate::seal::{Branch, Seal, Sender};
use core::net::SocketAddr;
use sip::text::push_decimal;
use sip::{Bytes, Edits, Field, Message, Method, Name, Span, Stamp, Via};

/// A request's topmost Via as we treat it.
#[derive(Clone, Debug)]
pub struct Below {
    /// What we add to it, and where responses go.
    pub stamp: Stamp,
    /// Its hash in our branch above it.
    pub hash: u32,
    /// What the request's transaction is known by.
    pub key: u64,
    /// Do we stand in the request's Vias already, with the same routing? Then it is a loop; with another it is a spiral
    /// (RFC 3261 §16.3 step 4, RFC 5393 §4.2).
    pub is_loop: bool,
}

impl Below {
    /// Reads it off a request that came from `source`, with its Vias from the topmost on; `None` if it has none.
    #[must_use]
    pub fn new(request: &Message, vias: &[Via<'_>], source: SocketAddr, seal: &Seal) -> Option<Self> {
        let via = vias.first()?;
        let stamp = via.stamp(request.at(via.span), source);
        let hash = seal.below(via, &stamp);
        let key = seal.transaction(request, via);
        let mut before =
            vias.iter().filter_map(|via| seal.routing_of(via.branch(), request.call_id())).peekable();
        let is_loop = before.peek().is_some() && {
            let routing = seal.routing(request);
            before.any(|before| before == routing)
        };
        Some(Self { stamp, hash, key, is_loop })
    }
}

/// What the leg of an INVITE gets that the received one does not have.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    /// The new Request-URI.
    pub uri: &'a [u8],
    /// Our listener it leaves from.
    pub leaves: &'a Listener,
    /// Our listener the request came in by.
    pub came: &'a Listener,
    /// What our Via says.
    pub branch: Branch,
    /// The `t` parameter of our Record-Route.
    pub token: &'a [u8],
    /// How the caller's URI is changed, hidden for our Via, if it is.
    pub veil: Option<&'a [u8]>,
    /// Header lines that come on top.
    pub lines: &'a [u8],
    /// The Max-Breadth it may spread by (RFC 5393 §5.3.3).
    pub breadth: usize,
}

/// The INVITE as it goes to a leg (RFC 3261 §16.6): Request-URI, Max-Forwards, Record-Route, Via; no Route, since
/// only the plan routes a call. `edits` holds what else is changed in it.
#[must_use]
pub fn invite(request: &Message, below: &Below, leg: &Leg<'_>, seal: &Seal, edits: &mut Edits) -> Bytes {
    raise(request, leg.branch.shift, edits);
    if let Some(span) = request.request_uri() {
        edits.replace(span, leg.uri);
    }
    for route in request.fields_of(Name::Route) {
        edits.remove(route.line);
    }
    let record_route = |lines: &mut Vec<u8>| {
        // Who is inside is reached from any listener: nobody outside is told of one that he could not reach.
        let inside = |listener: &Listener| listener.transport.is_inside();
        if !inside(leg.leaves) || inside(leg.came) {
            push_record_route(lines, leg.leaves, leg.token);
        }
        if leg.leaves != leg.came && !inside(leg.came) {
            push_record_route(lines, leg.came, leg.token);
        }
    };
    let breadth = |lines: &mut Vec<u8>| {
        lines.extend_from_slice(b"Max-Breadth: ");
        push_decimal(lines, leg.breadth as u64);
        lines.extend_from_slice(b"\r\n");
    };
    put_on_top(request, below, edits, |lines| {
        push_via(lines, leg.leaves, |text| {
            seal.push_branch(text, leg.branch, below.hash, request.call_id());
            push_veil(text, leg.veil);
        });
        lines.extend_from_slice(leg.lines);
        if !request.has(Name::RecordRoute) {
            record_route(lines);
        }
        if !request.has(Name::MaxBreadth) {
            breadth(lines);
        }
    });
    if let Some(first) = request.field(Name::RecordRoute) {
        edits.write(Span { start: first.line.start, end: first.line.start }, record_route);
    }
    if let Some(field) = request.field(Name::MaxBreadth) {
        edits.write(field.line, breadth);
    }
    edits.apply(request)
}

/// Raises the CSeq of a request, and the one that a PRACK names in RAck (RFC 3262 §7.2): the callee counts the INVITE
/// that it was sent, which was not the first.
pub(crate) fn raise(request: &Message, by: u32, edits: &mut Edits) {
    if by == 0 {
        return;
    }
    let mut shift = |field: &Field, before: usize| {
        if let Some((number, digits)) = number_in(request.at(field.value), before) {
            let start = field.value.start + digits.start;
            let span = Span { start, end: field.value.start + digits.end };
            edits.write(span, |text| push_decimal(text, u64::from(number.wrapping_add(by))));
        }
    };
    request.fields_of(Name::CSeq).take(1).for_each(|field| shift(field, 0));
    request.fields_of(Name::RAck).take(1).for_each(|field| shift(field, 1));
}

/// A response with the CSeq that its request came with, before it was raised by so much.
#[must_use]
pub fn lower(response: Message, by: u32) -> Message {
    if by == 0 {
        return response;
    }
    let found = response.field(Name::CSeq).and_then(|field| {
        let (number, digits) = number_in(response.at(field.value), 0)?;
        let start = field.value.start;
        Some((number, Span { start: start + digits.start, end: start + digits.end }))
    });
    let Some((number, span)) = found else { return response };
    let mut edits = Edits::new();
    edits.write(span, |text| push_decimal(text, u64::from(number.wrapping_sub(by))));
    Message::parse(edits.apply(&response)).unwrap_or(response)
}

/// The number in a value, after so many others, and where its digits stand.
fn number_in(value: &[u8], before: usize) -> Option<(u32, core::ops::Range<u32>)> {
    let mut at = 0;
    for _ in 0..before {
        at += value.get(at..)?.iter().position(|byte| !byte.is_ascii_digit())?;
        at += value.get(at..)?.iter().position(u8::is_ascii_digit)?;
    }
    let rest = value.get(at..)?;
    let len = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let number = core::str::from_utf8(rest.get(..len)?).ok()?.parse().ok()?;
    Some((number, u32::try_from(at).ok()?..u32::try_from(at + len).ok()?))
}

/// A response with the URI of the caller that whoever asked knows it by, if our branch says that it was changed.
#[must_use]
pub fn unveiled(response: Message, branch: Branch, seal: &Seal) -> Message {
    let veil = response.top_via().filter(|_| branch.veiled).and_then(|via| via.params.value(VEIL));
    let Some((sender, pair)) = veil.and_then(|veil| pair_of(veil, &response, seal)) else { return response };
    let mut edits = Edits::new();
    translate(&response, sender, &pair, &mut edits);
    Message::parse(edits.apply(&response)).unwrap_or(response)
}

/// The two URIs of the caller that were hidden for this call, and who sent this request or was answered by this response:
/// the caller's tag is in From or in To.
pub(crate) fn pair_of(veil: &[u8], message: &Message, seal: &Seal) -> Option<(Sender, Pair)> {
    let read = |tag| seal.unveil(veil, message.call_id(), tag).and_then(|bytes| Pair::of_bytes(&bytes));
    let of_caller = read(message.from_tag()).map(|pair| (Sender::Caller, pair));
    of_caller.or_else(|| Some((Sender::Callee, read(message.to_tag())?)))
}

/// A response without our Via, as it goes on upstream (RFC 3261 §16.7 step 3).
#[must_use]
pub fn pop_via(response: &Message, edits: &mut Edits) -> Bytes {
    edits.clear();
    let mut vias = response.elements(Name::Via);
    let first = vias.next();
    let line = response.field(Name::Via).map(|field| field.line);
    if let (Some(first), Some(line)) = (first, line) {
        match vias.next() {
            Some(second) if second.start < line.end => {
                edits.remove(Span { start: first.start, end: second.start });
            }
            _ => edits.remove(line),
        }
    }
    edits.apply(response)
}

/// Where a response goes by the Via below ours (RFC 3261 §18.2.2), along the connection that its request came by; for
/// when no transaction knows better.
#[must_use]
pub fn back(response: &Message, connection: u64, listeners: &[Listener]) -> Option<Flow> {
    let via = response.second_via()?;
    let transport = Transport::named(via.transport).unwrap_or(Transport::Udp);
    let remote = if transport.is_reliable() { via.reopen_at()? } else { via.reply_to()? };
    let local = listener_for(listeners, transport, remote.ip())?;
    Some(Flow { path: Path { transport, local, remote }, connection })
}

/// Does this response answer an INVITE?
#[must_use]
pub fn is_answer(response: &Message) -> bool {
    response.method() == Method::Invite
        && response.status().is_some_and(|status| (200..300).contains(&status))
}

/// Puts our lines above the topmost Via, which is stamped with where the request really came from (RFC 3261
/// §18.2.1, RFC 3581), and counts the hop: one less, or 70 if there was no Max-Forwards (RFC 3261 §16.6 step 3).
pub(crate) fn put_on_top(
    request: &Message,
    below: &Below,
    edits: &mut Edits,
    ours: impl FnOnce(&mut Vec<u8>),
) {
    let hops = request.field(Name::MaxForwards).zip(request.max_forwards());
    if let Some((field, left)) = hops {
        edits.write(field.value, |text| push_decimal(text, u64::from(left.saturating_sub(1))));
    }
    if let Some(stamped) = &below.stamp.element {
        edits.replace(below.stamp.span, stamped);
    }
    if let Some(first) = request.field(Name::Via) {
        edits.write(Span { start: first.line.start, end: first.line.start }, |lines| {
            ours(lines);
            if hops.is_none() {
                lines.extend_from_slice(b"Max-Forwards: 70\r\n");
            }
        });
    }
}

/// Pushes our Via header line with the branch that `branch` pushes.
pub fn push_via(lines: &mut Vec<u8>, leaves: &Listener, branch: impl FnOnce(&mut Vec<u8>)) {
    lines.extend_from_slice(b"Via: SIP/2.0/");
    lines.extend_from_slice(leaves.transport.in_via().as_bytes());
    lines.push(b' ');
    push_advertised(lines, leaves);
    lines.extend_from_slice(b";rport;branch=");
    branch(lines);
    lines.extend_from_slice(b"\r\n");
}

/// The parameter of our Via that hides how the caller's URI was changed.
const VEIL: &str = "f";

pub(crate) fn push_veil(text: &mut Vec<u8>, veil: Option<&[u8]>) {
    if let Some(veil) = veil {
        [b";", VEIL.as_bytes(), b"=", veil].iter().for_each(|part| text.extend_from_slice(part));
    }
}

pub(crate) fn push_record_route(lines: &mut Vec<u8>, listener: &Listener, token: &[u8]) {
    lines.extend_from_slice(b"Record-Route: <sip:");
    push_advertised(lines, listener);
    lines.extend_from_slice(listener.transport.as_param().as_bytes());
    lines.extend_from_slice(b";lr;t=");
    lines.extend_from_slice(token);
    lines.extend_from_slice(b">\r\n");
}

fn push_advertised(lines: &mut Vec<u8>, listener: &Listener) {
    let (host, port) = &listener.advertise;
    let bare = host.contains(':') && !host.starts_with('[');
    lines.extend_from_slice(if bare { b"[" } else { b"" });
    lines.extend_from_slice(host.as_bytes());
    lines.extend_from_slice(if bare { b"]:" } else { b":" });
    push_decimal(lines, u64::from(*port));
}

/// A host as it stands in a URI: an IPv6 address in brackets.
#[derive(Debug)]
pub struct Bracketed<'a>(pub &'a str);

impl core::fmt::Display for Bracketed<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.0.contains(':') && !self.0.starts_with('[') {
            write!(out, "[{}]", self.0)
        } else {
            out.write_str(self.0)
        }
    }
}

/// The refusal a proxy owes a request before it looks at the plan (RFC 3261 §16.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// Why, for people.
    pub why: &'static str,
    /// Header lines that belong to it.
    pub lines: Vec<u8>,
}

impl Refusal {
    /// One without header lines of its own.
    #[must_use]
    pub const fn plain(status: u16, why: &'static str) -> Self {
        Self { status, why, lines: Vec::new() }
    }
}

/// Checks what every forwarded request must pass: Max-Forwards, loops, extensions a proxy must know, breadth. An ACK
/// is never answered; for it the refusal means that it is dropped.
///
/// # Errors
/// The refusal to answer with.
pub fn admit(request: &Message, below: &Below) -> Result<(), Refusal> {
    let refuse = |status, why| Err(Refusal::plain(status, why));
    if request.max_forwards() == Some(0) {
        return refuse(483, "too many hops");
    }
    if below.is_loop {
        return refuse(482, "a loop: the same request was here before");
    }
    if request.method() != Method::Cancel {
        supports(request, Name::ProxyRequire)?;
    }
    if breadth(request) == 0 {
        return refuse(440, "max-breadth is used up");
    }
    Ok(())
}

/// We know no extension: whatever this header names is too much (RFC 3261 §16.3 step 5, §8.2.2.3).
///
/// # Errors
/// 420 with the extensions in Unsupported.
pub fn supports(request: &Message, required: Name) -> Result<(), Refusal> {
    let unknown: Vec<&[u8]> = request.elements(required).map(|span| request.at(span)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let lines = [b"Unsupported: ", &unknown.join(&b", "[..])[..], b"\r\n"].concat();
    Err(Refusal { status: 420, why: "it requires an extension that is not known here", lines })
}

/// The request's Max-Breadth: into how many branches it may spread (RFC 5393 §5.3.3); 60 if it does not say.
#[must_use]
pub fn breadth(request: &Message) -> usize {
    let said =
        request.value(Name::MaxBreadth).and_then(|value| core::str::from_utf8(value).ok()?.parse().ok());
    said.unwrap_or(60)
}
