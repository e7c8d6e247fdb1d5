//! What a leg says of who calls and who forwarded the call: From, P-Asserted-Identity (RFC 3325), Diversion (RFC 5806)
//! and History-Info (RFC 7044, RFC 7544).

use crate::path::Listener;
use crate::presentation::{Diverts, Form, Reason, Who};
use crate::seal::Sender;
use sip::text::push_decimal;
use sip::{Edits, Field, Message, Name, NameAddr, Span, Uri};

/// How one leg presents its call.
#[derive(Clone, Debug)]
pub struct Guise<'a> {
    /// Who stands in From, and what says that the call was forwarded.
    pub form: Form,
    /// Is the peer trusted with the caller's number?
    pub trusted: bool,
    /// The number that was called: it forwards the call.
    pub called: &'a [u8],
    /// Why.
    pub reason: Reason,
    /// Our listener the leg leaves from: our numbers are at its name.
    pub leaves: &'a Listener,
    /// The new Request-URI.
    pub uri: &'a [u8],
    /// Which leg of the call it is.
    pub leg: u32,
}

/// The two URIs that a side of the call is known by: what stood in the caller's From, and what the called side was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// As the caller wrote it.
    pub caller: Vec<u8>,
    /// As the called side knows it.
    pub shown: Vec<u8>,
}

/// A From with a longer URI is passed on as it came: the called side carries it in every message of the call, and no
/// number is so long.
pub const URI_MAX: usize = 128;

impl Pair {
    /// As the bytes that are hidden in our Record-Route and Via.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // No longer than URI_MAX.
        let length = u8::try_from(self.caller.len()).unwrap_or(u8::MAX);
        [&[length][..], &self.caller, &self.shown].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, uris) = bytes.split_first()?;
        let (caller, shown) = uris.split_at_checked(usize::from(*length))?;
        Some(Self { caller: caller.to_vec(), shown: shown.to_vec() })
    }
}

impl Guise<'_> {
    /// The two URIs of the caller, if From changes.
    #[must_use]
    pub fn pair(&self, request: &Message) -> Option<Pair> {
        let number = match &self.form.who {
            Who::Caller => return None,
            Who::Called => self.called,
            Who::Number(number) => number.as_bytes(),
        };
        let caller = request.from()?.uri;
        let shown = own_uri(number, self.leaves);
        (caller.len() <= URI_MAX).then(|| Pair { caller: caller.to_vec(), shown })
    }

    /// Lists what changes in the INVITE, and pushes the header lines that come on top.
    pub fn edit(&self, request: &Message, pair: Option<&Pair>, edits: &mut Edits, lines: &mut Vec<u8>) {
        let asks = Privacy::of(request);
        if let Some((pair, span)) = pair.zip(request.from_uri()) {
            put_uri(edits, request, span, &pair.shown);
        }
        let hides = pair.is_some() || asks.id;
        let asserts = self.trusted && self.assert(request, pair, lines);
        if !self.trusted && hides {
            request.fields_of(Name::PAssertedIdentity).for_each(|field| edits.remove(field.line));
            request
                .fields()
                .iter()
                .filter(|field| names_caller(request, field))
                .for_each(|field| edits.remove(field.line));
        }
        // A PASSporT names the caller by From or P-Asserted-Identity (RFC 8224 §8.1): with neither of them it is broken, and
        // the carrier signs for our number itself.
        if pair.is_some() && !asserts {
            request.fields_of(Name::Identity).for_each(|field| edits.remove(field.line));
        }
        if matches!(self.form.diverts, Diverts::Diversion | Diverts::Both) {
            self.divert(request, edits, lines);
        }
        match self.form.diverts {
            _ if asks.history => {
                request.fields_of(Name::HistoryInfo).for_each(|field| edits.remove(field.line));
            }
            Diverts::HistoryInfo | Diverts::Both => self.tell_history(request, edits, lines),
            Diverts::Nothing | Diverts::Diversion => {}
        }
    }

    /// P-Asserted-Identity for a peer that is trusted; one that came stays as it is. `false` if nobody is asserted.
    fn assert(&self, request: &Message, pair: Option<&Pair>, lines: &mut Vec<u8>) -> bool {
        if request.has(Name::PAssertedIdentity) {
            return true;
        }
        let Some(pair) = pair.filter(|pair| is_assertable(&pair.caller)) else { return false };
        push_line(lines, &[b"P-Asserted-Identity: <", &pair.caller, b">"]);
        true
    }

    /// Diversion: the number that was called has forwarded the call. The last one stands first (RFC 5806).
    fn divert(&self, request: &Message, edits: &mut Edits, lines: &mut Vec<u8>) {
        let uri = own_uri(self.called, self.leaves);
        let reason = self.reason.in_diversion().as_bytes();
        let push = |lines: &mut Vec<u8>| {
            push_line(lines, &[b"Diversion: <", &uri, b">;reason=", reason, b";counter=1"]);
        };
        match request.field(Name::Diversion) {
            Some(first) => edits.write(Span { start: first.line.start, end: first.line.start }, push),
            None => push(lines),
        }
    }

    /// History-Info: goes on with the entries that came, or begins with who was called (RFC 7044 §9.2, §10.3); the new
    /// target was found by mapping that one (`mp`), for a cause (RFC 7544).
    fn tell_history(&self, request: &Message, edits: &mut Edits, lines: &mut Vec<u8>) {
        let called = request.request_uri().map(|span| request.at(span)).unwrap_or_default();
        let last =
            request.elements(Name::HistoryInfo).last().and_then(|span| NameAddr::parse(request.at(span)));
        let index = last.and_then(|last| last.params.value("index")).filter(|index| is_index(index));
        let (mut entries, base) = (b"History-Info: ".to_vec(), index.unwrap_or(b"1"));
        let base = match index {
            Some(_) if last.is_some_and(|last| is_same(last.uri, called)) => base.to_vec(),
            Some(_) => [base, b".1"].concat(),
            None => base.to_vec(),
        };
        if index != Some(base.as_slice()) {
            [b"<", called, b">;index=", &base, b", "].iter().for_each(|part| entries.extend_from_slice(part));
        }
        [b"<", self.uri, b";cause="].iter().for_each(|part| entries.extend_from_slice(part));
        push_decimal(&mut entries, u64::from(self.reason.cause()));
        [b">;index=", base.as_slice(), b"."].iter().for_each(|part| entries.extend_from_slice(part));
        push_decimal(&mut entries, u64::from(self.leg) + 1);
        [b";mp=", base.as_slice(), b"\r\n"].iter().for_each(|part| entries.extend_from_slice(part));
        match request.fields_of(Name::HistoryInfo).last() {
            Some(field) => edits.insert(field.line.end, entries),
            None => lines.extend_from_slice(&entries),
        }
    }
}

/// Gives a message of the call the URI that its receiver knows the caller by. The caller stands in From of what the
/// caller sent, and of the responses to it; in To of what the callee sent.
pub fn translate(message: &Message, sender: Sender, pair: &Pair, edits: &mut Edits) {
    let span = match sender {
        Sender::Caller => message.from_uri(),
        Sender::Callee => message.to_uri(),
    };
    let to_called = message.is_request() == (sender == Sender::Caller);
    if let Some(span) = span {
        put_uri(edits, message, span, if to_called { &pair.shown } else { &pair.caller });
    }
}

/// What the caller asks to be kept private (RFC 3323, RFC 3325 §9.3, RFC 7044 §10.1).
struct Privacy {
    id: bool,
    history: bool,
}

impl Privacy {
    fn of(request: &Message) -> Self {
        let mut asks = Self { id: false, history: false };
        let fields = request.fields().iter();
        for field in fields.filter(|field| field.name == Name::Other && request.is_named(field, b"Privacy")) {
            for word in
                request.at(field.value).split(|byte| matches!(byte, b';' | b',')).map(<[u8]>::trim_ascii)
            {
                asks.id |= word.eq_ignore_ascii_case(b"id");
                asks.history |=
                    [&b"history"[..], b"header"].iter().any(|known| word.eq_ignore_ascii_case(known));
            }
        }
        asks
    }
}

/// Older headers that say who calls.
fn names_caller(request: &Message, field: &Field) -> bool {
    field.name == Name::Other
        && [&b"Remote-Party-ID"[..], b"P-Preferred-Identity"].iter().any(|name| request.is_named(field, name))
}

/// Is this a URI that may stand in P-Asserted-Identity (RFC 3325 §9.1), and somebody?
fn is_assertable(uri: &[u8]) -> bool {
    let scheme = sip::uri::scheme(uri).unwrap_or_default();
    let known = [&b"sip"[..], b"sips", b"tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let anonymous = Uri::parse(uri).is_some_and(|uri| {
        let user = uri.user.unwrap_or_default();
        user.is_empty() || user.eq_ignore_ascii_case(b"anonymous")
    });
    known && !anonymous
}

/// Numbers with dots between (RFC 7044 §5).
fn is_index(index: &[u8]) -> bool {
    index.len() <= INDEX_MAX
        && index
            .split(|byte| *byte == b'.')
            .all(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// Longer than any history that is not a loop.
const INDEX_MAX: usize = 64;

/// The same target, whatever headers one of the URIs carries (`?Reason=…`).
fn is_same(entry: &[u8], called: &[u8]) -> bool {
    let bare = entry.split(|byte| *byte == b'?').next().unwrap_or_default();
    match (Uri::parse(bare), Uri::parse(called)) {
        (Some(one), Some(other)) => one.user == other.user && one.host.same_as(&other.host),
        _ => bare == called,
    }
}

/// One of our numbers at our own name, without a port (RFC 3261 §19.1.1).
fn own_uri(number: &[u8], leaves: &Listener) -> Vec<u8> {
    let host = leaves.advertise.0.as_str();
    let bare = host.contains(':') && !host.starts_with('[');
    let (open, close) = if bare { (&b"["[..], &b"]"[..]) } else { (&b""[..], &b""[..]) };
    [b"sip:", number, b"@", open, host.as_bytes(), close].concat()
}

/// Puts a URI in the place of another; in brackets where it would else lose its parameters to the header.
fn put_uri(edits: &mut Edits, message: &Message, span: Span, uri: &[u8]) {
    let before = Span { start: span.start.saturating_sub(1), end: span.start };
    let open = message.at(before) == b"<" || !uri.iter().any(|byte| matches!(byte, b';' | b'?' | b','));
    edits.write(span, |text| {
        text.extend_from_slice(if open { b"" } else { b"<" });
        text.extend_from_slice(uri);
        text.extend_from_slice(if open { b"" } else { b">" });
    });
}

fn push_line(lines: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| lines.extend_from_slice(part));
    lines.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Transport;

    const OURS: Form = Form { who: Who::Called, diverts: Diverts::Nothing };

    fn listener() -> Listener {
        let address = "192.0.2.1:5060".parse().expect("an address");
        Listener { transport: Transport::Udp, address, advertise: ("sip.ours.example".into(), 5060) }
    }

    fn invite(lines: &str) -> Message {
        let text = format!(
            "INVITE sip:+15035550100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n{lines}Call-ID: c\r\n\r\n"
        );
        Message::parse(text.as_bytes().into()).expect("an INVITE")
    }

    /// What a carrier gets beyond Via and Call-ID, our lines on top.
    fn told(request: &Message, form: &Form, trusted: bool, reason: Reason) -> Vec<String> {
        let (leaves, uri) = (listener(), b"sip:+15035550111@198.51.100.7");
        let guise = Guise {
            form: form.clone(),
            trusted,
            called: b"+15035550100",
            reason,
            leaves: &leaves,
            uri,
            leg: 2,
        };
        let (mut edits, mut lines) = (Edits::new(), Vec::new());
        let pair = guise.pair(request);
        guise.edit(request, pair.as_ref(), &mut edits, &mut lines);
        let via = request.field(Name::Via).map(|field| field.line).unwrap_or_default();
        edits.replace(via, lines);
        let bytes = edits.apply(request);
        let text = String::from_utf8_lossy(&bytes);
        text.lines().skip(1).take_while(|line| !line.starts_with("Call-ID")).map(str::to_owned).collect()
    }

    const CALLER: &str = "From: \"Caf\u{e9}\" <sip:+15035559999@203.0.113.5;user=phone>;tag=a;x=1\r\n";
    const SHOWN: &str = "From: \"Caf\u{e9}\" <sip:+15035550100@sip.ours.example>;tag=a;x=1";

    #[test]
    fn one_of_our_numbers_stands_in_from_and_all_else_of_it_stays() {
        let reason = Reason::NoAnswer;
        assert_eq!(told(&invite(CALLER), &OURS, false, reason), [SHOWN]);
        let number = Form { who: Who::Number("+15035550199".into()), diverts: Diverts::Nothing };
        assert_eq!(
            told(&invite("f: sip:+1503@203.0.113.5;tag=a\r\n"), &number, false, reason),
            ["f: sip:+15035550199@sip.ours.example;tag=a"]
        );
        let caller = Form { who: Who::Caller, diverts: Diverts::Nothing };
        assert_eq!(told(&invite(CALLER), &caller, false, reason), [CALLER.trim_end()]);
    }

    #[test]
    fn a_from_that_is_too_long_stays_as_it_came() {
        let from = |length| format!("From: <sip:{}@x>;tag=a\r\n", "9".repeat(length - "sip:@x".len()));
        let (most, more) = (from(URI_MAX), from(URI_MAX + 1));
        assert_ne!(told(&invite(&most), &OURS, false, Reason::NoAnswer), [most.trim_end()]);
        assert_eq!(told(&invite(&more), &OURS, false, Reason::NoAnswer), [more.trim_end()]);
    }

    #[test]
    fn a_trusted_carrier_is_told_the_caller_and_no_other() {
        let reason = Reason::NoAnswer;
        let asserted = "P-Asserted-Identity: <sip:+15035559999@203.0.113.5;user=phone>";
        assert_eq!(told(&invite(CALLER), &OURS, true, reason), [asserted, SHOWN]);
        let came = format!("{CALLER}P-Asserted-Identity: <tel:+1206>\r\nPrivacy: id\r\n");
        assert_eq!(
            told(&invite(&came), &OURS, true, reason),
            [SHOWN, "P-Asserted-Identity: <tel:+1206>", "Privacy: id"]
        );
        let all = format!(
            "{CALLER}P-Asserted-Identity: <tel:+1206>\r\nRemote-Party-ID: <sip:+1206@x>\r\nP-Preferred-Identity: <sip:+1206@x>\r\nX: y\r\n"
        );
        assert_eq!(told(&invite(&all), &OURS, false, reason), [SHOWN, "X: y"]);
        let anonymous = "From: <sip:anonymous@anonymous.invalid>;tag=a\r\n";
        let shown = "From: <sip:+15035550100@sip.ours.example>;tag=a";
        assert_eq!(told(&invite(anonymous), &OURS, true, reason), [shown]);
    }

    #[test]
    fn whoever_asks_for_privacy_is_asserted_to_the_trusted_alone() {
        let caller = Form { who: Who::Caller, diverts: Diverts::Nothing };
        let lines = |privacy| {
            format!("From: <sip:a@x>;tag=a\r\nP-Asserted-Identity: <tel:+1206>\r\nPrivacy: {privacy}\r\n")
        };
        let told =
            |privacy, trusted| told(&invite(&lines(privacy)), &caller, trusted, Reason::NoAnswer).len();
        assert_eq!(
            [told("id", true), told("id", false), told("user; ID", false), told("none", false)],
            [3, 2, 2, 3]
        );
    }

    #[test]
    fn a_passport_goes_only_where_its_caller_is_named() {
        let came =
            format!("{CALLER}y: eyJ.a;info=<https://x>\r\nIdentity: eyJ.b;info=<https://y>;ppt=div\r\n");
        let caller = Form { who: Who::Caller, diverts: Diverts::Diversion };
        let told = |form, trusted| told(&invite(&came), form, trusted, Reason::NoAnswer);
        let identities = |lines: Vec<String>| lines.iter().filter(|line| line.contains("eyJ")).count();
        assert_eq!(identities(told(&caller, false)), 2);
        assert_eq!(identities(told(&OURS, true)), 2);
        assert_eq!(identities(told(&OURS, false)), 0);
    }

    #[test]
    fn a_diversion_stands_above_those_that_came() {
        let form = Form { who: Who::Called, diverts: Diverts::Diversion };
        let ours =
            |reason| format!("Diversion: <sip:+15035550100@sip.ours.example>;reason={reason};counter=1");
        assert_eq!(
            told(&invite(CALLER), &form, false, Reason::UserBusy),
            [ours("user-busy").as_str(), SHOWN]
        );
        let came = format!("X: y\r\n{CALLER}Diversion: <sip:a@b>\r\nDiversion: <sip:c@d>;counter=2\r\n");
        assert_eq!(
            told(&invite(&came), &form, false, Reason::TimeOfDay),
            ["X: y", SHOWN, &ours("time-of-day"), "Diversion: <sip:a@b>", "Diversion: <sip:c@d>;counter=2"]
        );
    }

    #[test]
    fn history_begins_with_who_was_called() {
        let form = Form { who: Who::Called, diverts: Diverts::HistoryInfo };
        let entries = "History-Info: <sip:+15035550100@192.0.2.1>;index=1, \
                       <sip:+15035550111@198.51.100.7;cause=408>;index=1.3;mp=1";
        assert_eq!(told(&invite(CALLER), &form, false, Reason::NoAnswer), [entries, SHOWN]);
    }

    #[test]
    fn history_that_came_goes_on() {
        let form = Form { who: Who::Called, diverts: Diverts::HistoryInfo };
        let told = |line: &str| {
            told(&invite(&format!("{CALLER}{line}\r\nX: y\r\n")), &form, false, Reason::UserBusy)
        };
        let to_us = "History-Info: <sip:a@b>;index=1, <sip:+15035550100@192.0.2.1?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1";
        let next = "History-Info: <sip:+15035550111@198.51.100.7;cause=486>;index=1.1.3;mp=1.1";
        assert_eq!(told(to_us), [SHOWN, to_us, next, "X: y"]);
        let to_others = "History-Info: <sip:a@b>;index=1.2";
        let two = "History-Info: <sip:+15035550100@192.0.2.1>;index=1.2.1, \
                   <sip:+15035550111@198.51.100.7;cause=486>;index=1.2.1.3;mp=1.2.1";
        assert_eq!(told(to_others), [SHOWN, to_others, two, "X: y"]);
        assert_eq!(
            told("History-Info: <sip:a@b>;index=1..2\r\nPrivacy: history"),
            [SHOWN, "Privacy: history", "X: y"]
        );
    }

    #[test]
    fn each_side_is_given_the_uri_it_knows() {
        let pair = Pair { caller: b"sip:+1999@x;user=phone".to_vec(), shown: b"sip:+1503@y".to_vec() };
        assert_eq!(Pair::of_bytes(&pair.to_bytes()), Some(pair.clone()));
        let translated = |start: &str, side| {
            let text = format!("{start}\r\nFrom: <sip:f@f>;tag=1\r\nTo: sip:t@t;tag=2\r\n\r\n");
            let message = Message::parse(text.as_bytes().into()).expect("a message");
            let mut edits = Edits::new();
            translate(&message, side, &pair, &mut edits);
            let text = String::from_utf8(edits.apply(&message).to_vec()).expect("text");
            text.lines().skip(1).take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let (from, to) = ("From: <sip:f@f>;tag=1", "To: sip:t@t;tag=2");
        let (shown, bare) = ("From: <sip:+1503@y>;tag=1", "To: sip:+1503@y;tag=2");
        let (caller, wrapped) =
            ("From: <sip:+1999@x;user=phone>;tag=1", "To: <sip:+1999@x;user=phone>;tag=2");
        let (bye, ok) = ("BYE sip:a SIP/2.0", "SIP/2.0 200 OK");
        assert_eq!(translated(bye, Sender::Caller), [shown, to]);
        assert_eq!(translated(bye, Sender::Callee), [from, wrapped]);
        assert_eq!(translated(ok, Sender::Caller), [caller, to]);
        assert_eq!(translated(ok, Sender::Callee), [from, bare]);
    }
}
