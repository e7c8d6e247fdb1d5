//! The rules, judged by what goes in and what comes out alone.

use super::plans;
use core::net::IpAddr;
use router::Node;
use router::door::{Effect, Event};
use router::path::Flow;
use router::record::{End, Entry};
use sip::{Bytes, Field, Message, Method, Name, NameAddr, Span, Time, Uri, Via, check};
use std::collections::{BTreeMap, BTreeSet};

/// What has gone in and out so far.
#[derive(Default)]
pub struct Watch {
    /// Addresses that requests came from.
    sources: BTreeSet<IpAddr>,
    /// The message that has just come.
    came: Option<(Flow, Message)>,
    /// What our Record-Routes said, and of which Call-ID.
    tokens: BTreeMap<(u32, u64), Vec<u8>>,
    legs: BTreeMap<Vec<u8>, Leg>,
    calls: BTreeMap<Caller, Verdict>,
    /// Requests within calls that the node has passed on.
    passed: BTreeSet<Bytes>,
    records: usize,
    admitted: usize,
}

/// An INVITE that the node sent, by its branch.
struct Leg {
    bytes: Bytes,
    provisional: bool,
    ended: bool,
    cancel: Option<Bytes>,
}

/// What a caller knows its INVITE by: branch, sent-by and Call-ID.
type Caller = (Vec<u8>, String, Vec<u8>);

/// What a caller was told.
#[derive(Default)]
struct Verdict {
    refusal: Option<Bytes>,
    answered: bool,
    /// Another INVITE has the same name: what belongs to which is not to be told.
    shared: bool,
}

impl Watch {
    /// Something is about to happen.
    pub fn before(&mut self, event: &Event) {
        self.came = None;
        let Event::Received { flow, bytes } = event else { return };
        let Ok(message) = Message::parse(bytes.clone()) else { return };
        if message.is_request() {
            self.sources.insert(flow.path.remote.ip());
        } else if let Some(leg) = self.leg_of(&message) {
            leg.provisional |= message.status().is_some_and(|status| status < 200);
        }
        self.came = Some((*flow, message));
    }

    /// It has happened, and this came of it.
    pub fn after(&mut self, node: &Node, now: Time, out: &[Effect]) {
        assert!(
            node.deadline().is_none_or(|at| at > now),
            "what is due at {now} is done: {:?}",
            node.deadline()
        );
        // Who is refused has had no walk.
        let is_walk = |effect: &&Effect| match effect {
            Effect::Record(Entry::Call(call)) => !matches!(call.end, End::Refused { .. }),
            Effect::Send { .. } | Effect::Resolve { .. } | Effect::Record(_) => false,
        };
        let records = out.iter().filter(is_walk).count();
        self.records += records;
        let admitted = self.records + node.calls();
        assert!(admitted >= self.admitted && admitted <= self.admitted + 1, "one record for every call");
        if admitted > self.admitted {
            self.admits(out);
        }
        self.admitted = admitted;
        for (place, effect) in out.iter().enumerate() {
            let Effect::Send { flow, bytes } = effect else { continue };
            let Ok(message) = Message::parse(bytes.clone()) else { broken("what is sent is a message") };
            let refused = matches!(out.get(place + 1), Some(Effect::Record(Entry::Refused { .. })));
            if message.is_request() {
                self.sends_request(*flow, &message);
            } else {
                self.sends_response(*flow, &message, refused);
            }
        }
        let (kept, most) = (node.lingering(), self.admitted + self.passed.len());
        assert!(kept <= most, "nothing is kept but calls and what was passed on: {kept} of {most}");
        // A final that has just come ends its leg; a CANCEL for it may not follow.
        if let Some((flow, message)) = self.came.take() {
            if message.status().is_some_and(|status| status >= 200)
                && let Some(leg) = self.leg_of(&message)
            {
                leg.ended = true;
            }
            self.came = Some((flow, message));
        }
    }

    /// The leg whose INVITE a response answers (RFC 3261 §17.1.3).
    fn leg_of(&mut self, response: &Message) -> Option<&mut Leg> {
        let leg = self.legs.get_mut(&branch(response))?;
        let invite = Message::parse(leg.bytes.clone()).ok()?;
        let is_its = response.call_id() == invite.call_id() && response.cseq() == invite.cseq();
        (is_its && check(response).is_ok()).then_some(leg)
    }

    /// Nothing more will come.
    pub fn at_the_end(&self) {
        assert_eq!(self.records, self.admitted, "one record for every call");
        for (caller, verdict) in self.calls.iter().filter(|(_, verdict)| !verdict.shared) {
            assert!(verdict.answered || verdict.refusal.is_some(), "a final for every call: {caller:?}");
        }
    }

    /// A call was taken: it hears a 100, and its first leg is what came but for what a proxy changes.
    fn admits(&mut self, out: &[Effect]) {
        let Some((flow, invite)) = &self.came else { broken("a call begins with an INVITE") };
        assert!(
            invite.is_request() && invite.method() == Method::Invite && check(invite).is_ok(),
            "a good INVITE"
        );
        let mut sent = out.iter().filter_map(|effect| match effect {
            Effect::Send { flow, bytes } => Some((*flow, Message::parse(bytes.clone()).ok()?)),
            Effect::Resolve { .. } | Effect::Record(_) => None,
        });
        let Some((to, trying)) = sent.next() else { broken("a 100 goes out at once") };
        assert_eq!(trying.status(), Some(100), "a 100 goes out at once");
        assert_eq!(to.path.remote.ip(), flow.path.remote.ip(), "to where it came from");
        let verdict = Verdict { shared: self.calls.contains_key(&caller(&trying)), ..Verdict::default() };
        self.calls.insert(caller(&trying), verdict);
        let leg = sent.find(|(_, message)| message.is_request() && message.method() == Method::Invite);
        if let Some((_, leg)) = leg {
            // Who is hidden from a carrier, and that the call was forwarded, is told in these.
            let told: &[Name] =
                if is_veiled(&leg) { &[Name::From, Name::Diversion, Name::HistoryInfo] } else { &[] };
            assert_eq!(beside(&leg, told), beside(invite, told), "what is not ours to change is not changed");
            assert_eq!(leg.body(), invite.body(), "the body is not changed");
        }
    }

    fn sends_request(&mut self, flow: Flow, request: &Message) {
        // The To of an ACK is that of the response, however odd (RFC 3261 §17.1.1.3).
        // A strict router's last Route becomes the Request-URI, which is for the next hop to judge.
        let uri = |message: &Message| message.request_uri().map(|span| message.at(span).to_vec());
        let is_strict = self.came.as_ref().is_some_and(|(_, came)| uri(came) != uri(request))
            && branch(request).get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"z9hG4bKts"));
        let is_good = is_strict || request.method() == Method::Ack || check(request).is_ok();
        assert!(is_good, "a good request: {}", request.bytes().escape_ascii());
        let name = branch(request);
        // A capital says that the caller's URI is hidden beside the branch.
        let kind = name.strip_prefix(b"z9hG4bKt").and_then(|rest| rest.first()).map(u8::to_ascii_lowercase);
        match kind {
            Some(b'l') => self.sends_leg(flow, request),
            Some(b'p') => {
                assert!(plans::paths().contains(&flow.path), "probes go to the plan's peers");
                assert_eq!(request.method(), Method::Options, "a probe is an OPTIONS");
            }
            Some(b's') => self.passes_on(request),
            _ => broken("a request bears our branch"),
        }
    }

    fn sends_leg(&mut self, flow: Flow, request: &Message) {
        assert!(plans::paths().contains(&flow.path), "calls go to the plan's peers");
        let name = branch(request);
        if request.method() == Method::Invite {
            self.note_token(request);
            let bytes = request.bytes().clone();
            let new = Leg { bytes, provisional: false, ended: false, cancel: None };
            let leg = self.legs.entry(name).or_insert(new);
            assert_eq!(&leg.bytes, request.bytes(), "sent again as it was");
            assert!(!leg.ended, "no INVITE after its final");
        } else if request.method() == Method::Cancel {
            let Some(leg) = self.legs.get_mut(&name) else { broken("a CANCEL has an INVITE") };
            if leg.cancel.is_none() {
                assert!(leg.provisional, "a CANCEL comes after a 1xx");
                assert!(!leg.ended, "a CANCEL comes before the final");
            }
            let first = leg.cancel.get_or_insert_with(|| request.bytes().clone());
            assert_eq!(first, request.bytes(), "sent again as it was");
        } else {
            assert_eq!(request.method(), Method::Ack, "a leg has INVITE, CANCEL and ACK");
            let Some((_, response)) = &self.came else { broken("an ACK answers something") };
            assert!(response.status().is_some_and(|status| status >= 300), "we ACK refusals alone");
            assert_eq!(branch(response), name, "on its branch");
        }
    }

    /// No open relay: what is passed on bears what we wrote for this very call.
    fn passes_on(&mut self, request: &Message) {
        if self.passed.contains(request.bytes()) {
            return;
        }
        let Some((_, came)) = &self.came else { broken("what is passed on has come") };
        if came.status().is_some_and(|status| status >= 300) {
            assert_eq!(request.method(), Method::Ack, "we ACK refusals alone");
            return;
        }
        let is_ours = |token: (u32, u64)| self.tokens.get(&token).is_some_and(|of| of == came.call_id());
        let routes = came.elements(Name::Route).filter_map(|span| token(came, span));
        let strict = came.request_uri().and_then(|span| token_of(came.at(span)));
        assert!(routes.chain(strict).any(is_ours), "passed on by our seal alone");
        // Where the callee has another caller before it, or a higher CSeq, each side is told what it knows.
        let told: &[Name] =
            if is_veiled(request) { &[Name::From, Name::To, Name::CSeq] } else { &[Name::CSeq] };
        assert_eq!(beside(request, told), beside(came, told), "what is not ours to change is not changed");
        let whose = |message: &Message| [message.from_tag().to_vec(), message.to_tag().to_vec()];
        assert_eq!(whose(request), whose(came), "nor the tags");
        assert_eq!(request.body(), came.body(), "the body is not changed");
        self.passed.insert(request.bytes().clone());
        if let (Method::Invite, Some(call)) = (request.method(), self.calls.get_mut(&caller(came))) {
            call.shared = true;
        }
    }

    fn sends_response(&mut self, flow: Flow, response: &Message, refused: bool) {
        assert!(self.sources.contains(&flow.path.remote.ip()), "responses go where requests came from");
        if refused || response.method() == Method::Cancel {
            return;
        }
        assert_eq!(check(response), Ok(()), "a good response: {}", response.bytes().escape_ascii());
        let Some(verdict) = self.calls.get_mut(&caller(response)).filter(|verdict| !verdict.shared) else {
            return;
        };
        match response.status().unwrap_or_default() {
            0..=199 => {
                assert!(!verdict.answered && verdict.refusal.is_none(), "no provisional after a final")
            }
            200..=299 => verdict.answered = true,
            300.. => {
                assert!(!verdict.answered, "no refusal after an answer");
                let first = verdict.refusal.get_or_insert_with(|| response.bytes().clone());
                assert_eq!(first, response.bytes(), "one refusal");
            }
        }
    }

    fn note_token(&mut self, invite: &Message) {
        if let Some(token) = invite.elements(Name::RecordRoute).next().and_then(|span| token(invite, span)) {
            self.tokens.insert(token, invite.call_id().to_vec());
        }
    }
}

/// The branch of the top Via; of ours, with its seal as we write it, whatever the case it comes back in.
fn branch(message: &Message) -> Vec<u8> {
    let written = message.top_via().map_or(&b""[..], |via| via.branch());
    let sealed = core::str::from_utf8(written).ok().and_then(|text| text.rsplit_once('.'));
    match sealed.map(|(signed, seal)| (signed, u64::from_str_radix(seal, 16))) {
        Some((signed, Ok(seal))) if signed.starts_with("z9hG4bKt") => {
            format!("{signed}.{seal:016x}").into_bytes()
        }
        _ => written.to_vec(),
    }
}

fn caller(message: &Message) -> Caller {
    let via = message.top_via();
    let sent_by =
        via.as_ref().map(|via: &Via<'_>| format!("{:?} {:?}", via.host, via.port)).unwrap_or_default();
    (branch(message), sent_by, message.call_id().to_vec())
}

/// Is a caller's URI hidden beside our branch?
fn is_veiled(message: &Message) -> bool {
    branch(message).get(8).is_some_and(u8::is_ascii_uppercase)
}

/// The lines that a proxy leaves as they are, but for those of these names.
fn beside<'a>(message: &'a Message, names: &[Name]) -> Vec<&'a [u8]> {
    let ours = [Name::Via, Name::MaxForwards, Name::Route, Name::RecordRoute, Name::MaxBreadth];
    let is_mark = |field: &Field| field.name == Name::Other && message.is_named(field, router::circles::WALK);
    let kept = message
        .fields()
        .iter()
        .filter(|field| !ours.contains(&field.name) && !names.contains(&field.name) && !is_mark(field));
    kept.map(|field| message.at(field.line)).collect()
}

fn token(message: &Message, span: Span) -> Option<(u32, u64)> {
    token_of(NameAddr::parse(message.at(span))?.uri)
}

/// What our `t` parameter says, however it is written.
fn token_of(uri: &[u8]) -> Option<(u32, u64)> {
    let text = core::str::from_utf8(Uri::parse(uri)?.params.value("t")?).ok()?;
    let (until, rest) = text.split_once('.')?;
    let mac = rest.rsplit('.').next()?;
    Some((u32::from_str_radix(until, 16).ok()?, u64::from_str_radix(mac, 16).ok()?))
}

#[expect(clippy::panic, reason = "this is what a broken rule does here")]
fn broken(rule: &str) -> ! {
    panic!("{rule}")
}
