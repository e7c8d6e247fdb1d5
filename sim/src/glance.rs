//! What the phones and the oracle read of a message. Written for itself, so that what is tested is not judged by
//! its own parser.

use crate::chance::{mix, mix_word};
use core::net::SocketAddr;
use router::inside::WHY;
use sip::Bytes;

/// The methods that occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the method of that name")]
pub enum Verb {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Subscribe,
    Notify,
    Other,
}

impl Verb {
    fn of(name: &[u8]) -> Self {
        match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"OPTIONS" => Self::Options,
            b"REGISTER" => Self::Register,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            _ => Self::Other,
        }
    }

    /// The name as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Other => "other",
        }
    }
}

/// The header fields that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the header field of that name")]
pub enum Head {
    Via,
    From,
    To,
    CallId,
    CSeq,
    MaxForwards,
    MaxBreadth,
    Route,
    RecordRoute,
    Contact,
    /// P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID, Diversion, History-Info or Identity: with From and To it
    /// says who calls whom, and by way of whom.
    Presented,
    /// Authorization or Proxy-Authorization: who sends it says so to the next hop alone.
    Credentials,
    /// What a node marks a call with that it sends to a phone number.
    Mark,
    /// What a node tells an agent of its own, and nobody else.
    ForAgent,
    Other,
}

impl Head {
    /// Does it say who calls whom?
    const fn says_who(self) -> bool {
        matches!(self, Self::From | Self::To | Self::Presented)
    }
}

#[derive(Clone, Copy, Debug)]
struct Line {
    head: Head,
    start: u32,
    value: u32,
    end: u32,
}

/// A message on the wire with what was read of it, once, when it was sent.
#[derive(Debug)]
pub struct Packet {
    /// The bytes.
    pub bytes: Bytes,
    /// What was read; `None` for junk.
    pub glance: Option<Glance>,
}

impl Packet {
    /// Reads the bytes.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        let glance = Glance::read(&bytes);
        Self { bytes, glance }
    }
}

/// What was read of a message. Names are hashes: 0 stands for "none".
#[derive(Clone, Debug)]
pub struct Glance {
    /// The status; 0 for a request.
    pub status: u16,
    /// The method: of the request, or of a response's CSeq.
    pub verb: Verb,
    /// The CSeq number.
    pub cseq: u32,
    /// The Call-ID.
    pub call: u64,
    /// The branch of the top Via.
    pub branch: u64,
    /// The branch of the second Via.
    pub second: u64,
    /// How many Via lines there are.
    pub vias: u8,
    /// The tag of From.
    pub from_tag: u64,
    /// The tag of To.
    pub to_tag: u64,
    /// Everything a proxy leaves alone: all lines other than Via, Max-Forwards, Max-Breadth, Route and Record-Route, in order,
    /// and the body. [`who`](Self::who), [`cseq`](Self::cseq) and [`Head::Mark`] and [`Head::ForAgent`] are beside it.
    pub rest: u64,
    start: (u32, u32),
    lines: Vec<Line>,
}

impl Glance {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut at = 0;
        let first = line_at(bytes, &mut at)?;
        let (status, verb, uri) = start_line(bytes.get(first.0..first.1)?)?;
        let start = (offset(first.0 + uri.0), offset(first.0 + uri.1));
        let mut glance = Self {
            status,
            verb,
            cseq: 0,
            call: 0,
            branch: 0,
            second: 0,
            vias: 0,
            from_tag: 0,
            to_tag: 0,
            rest: 0,
            start,
            lines: Vec::with_capacity(16),
        };
        while let Some((from, to)) = line_at(bytes, &mut at) {
            if from == to {
                break;
            }
            glance.take(bytes, from, to)?;
        }
        glance.rest = mix(glance.rest, bytes.get(at..)?);
        (glance.vias > 0 && glance.call != 0).then_some(glance)
    }

    fn take(&mut self, bytes: &[u8], from: usize, to: usize) -> Option<()> {
        let line = bytes.get(from..to)?;
        let colon = line.iter().position(|byte| *byte == b':')?;
        let head = head_of(line.get(..colon)?.trim_ascii());
        let raw = line.get(colon + 1..)?;
        let value = raw.trim_ascii();
        let skipped = raw.len() - raw.trim_ascii_start().len();
        match head {
            Head::Via => {
                self.vias = self.vias.saturating_add(1);
                let branch = param(value, b";branch=").map_or(0, |branch| mix(1, branch));
                match self.vias {
                    1 => self.branch = branch,
                    2 => self.second = branch,
                    _ => (),
                }
            }
            Head::From => self.from_tag = tag(value),
            Head::To => self.to_tag = tag(value),
            Head::CallId => self.call = mix(1, value),
            Head::CSeq => {
                let mut words = value.splitn(2, u8::is_ascii_whitespace);
                self.cseq = number(words.next()?)?;
                let verb = Verb::of(words.next()?.trim_ascii());
                if self.status > 0 {
                    self.verb = verb;
                }
            }
            Head::MaxForwards
            | Head::MaxBreadth
            | Head::Route
            | Head::RecordRoute
            | Head::Contact
            | Head::Presented
            | Head::Credentials
            | Head::Mark
            | Head::ForAgent
            | Head::Other => (),
        }
        let passing = matches!(
            head,
            Head::Via
                | Head::MaxForwards
                | Head::MaxBreadth
                | Head::Route
                | Head::RecordRoute
                | Head::Credentials
                | Head::Mark
                | Head::ForAgent
        );
        if !passing && !head.says_who() && head != Head::CSeq {
            self.rest = mix_word(mix(self.rest, line), 1);
        }
        let value = offset(from + colon + 1 + skipped);
        self.lines.push(Line { head, start: offset(from), value, end: offset(to) });
        Some(())
    }

    /// Is it a request?
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.status == 0
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start.0 as usize..self.start.1 as usize).unwrap_or_default()
    }

    /// The user part of the Request-URI.
    #[must_use]
    pub fn user<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        user_of(self.uri(bytes))
    }

    /// The values of one header field, in order.
    pub fn values<'a>(&self, bytes: &'a [u8], head: Head) -> impl Iterator<Item = &'a [u8]> {
        self.lines
            .iter()
            .filter(move |line| line.head == head)
            .map(|line| bytes.get(line.value as usize..line.end as usize).unwrap_or_default())
    }

    /// The lines that say who calls whom, and by way of whom, in order.
    pub fn who<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.lines.iter().filter(|line| line.head.says_who());
        lines.map(|line| bytes.get(line.start as usize..line.end as usize).unwrap_or_default())
    }

    /// The first value of one header field; empty if there is none.
    #[must_use]
    pub fn value<'a>(&self, bytes: &'a [u8], head: Head) -> &'a [u8] {
        self.values(bytes, head).next().unwrap_or_default()
    }

    /// The value of the first line of any name, in any case; `None` if there is none.
    #[must_use]
    pub fn named<'a>(&self, bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
        self.lines.iter().find_map(|line| {
            let whole = bytes.get(line.start as usize..line.end as usize)?;
            let colon = whole.iter().position(|byte| *byte == b':')?;
            let found = whole.get(..colon)?.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
            found.then(|| bytes.get(line.value as usize..line.end as usize).unwrap_or_default())
        })
    }
}

/// Every element of the values of a header, cut at commas outside of angle brackets.
pub fn elements<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut list = Vec::new();
    for value in values {
        let (mut from, mut depth) = (0, 0_i32);
        for (at, byte) in value.iter().enumerate() {
            match byte {
                b'<' => depth += 1,
                b'>' => depth -= 1,
                b',' if depth == 0 => {
                    list.push(value.get(from..at).unwrap_or_default().trim_ascii());
                    from = at + 1;
                }
                _ => (),
            }
        }
        list.push(value.get(from..).unwrap_or_default().trim_ascii());
    }
    list
}

/// The URI inside of a name-addr.
#[must_use]
pub fn uri_of(value: &[u8]) -> &[u8] {
    let Some(from) = value.iter().position(|byte| *byte == b'<') else {
        return value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    };
    let inner = value.get(from + 1..).unwrap_or_default();
    inner.split(|byte| *byte == b'>').next().unwrap_or_default()
}

/// The user part of a URI; empty if there is none.
#[must_use]
pub fn user_of(uri: &[u8]) -> &[u8] {
    let rest = uri.strip_prefix(b"sip:").unwrap_or(uri);
    rest.iter().position(|byte| *byte == b'@').and_then(|at| rest.get(..at)).unwrap_or_default()
}

/// The address that a URI with a literal address names; port 5060 if none is written.
#[must_use]
pub fn address_of(uri: &[u8]) -> Option<SocketAddr> {
    let rest = uri.strip_prefix(b"sip:")?;
    let rest = rest.iter().position(|byte| *byte == b'@').and_then(|at| rest.get(at + 1..)).unwrap_or(rest);
    let host = rest.split(|byte| matches!(byte, b';' | b'?' | b'>')).next()?;
    let text = core::str::from_utf8(host).ok()?;
    text.parse().ok().or_else(|| text.parse().ok().map(|ip| SocketAddr::new(ip, 5060)))
}

/// The hash of the tag of a From or To value; 0 for none.
#[must_use]
pub fn tag(value: &[u8]) -> u64 {
    param(value, b";tag=").map_or(0, |tag| mix(1, tag))
}

fn param<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = value.windows(name.len()).position(|window| window == name)?;
    let rest = value.get(at + name.len()..)?;
    let end = rest.iter().position(|byte| matches!(byte, b';' | b',' | b'>' | b' ')).unwrap_or(rest.len());
    rest.get(..end)
}

fn head_of(name: &[u8]) -> Head {
    let is = |long: &[u8]| name.eq_ignore_ascii_case(long);
    match name.len() {
        1 => match name.first().map(u8::to_ascii_lowercase) {
            Some(b'y') => Head::Presented,
            Some(b'v') => Head::Via,
            Some(b'f') => Head::From,
            Some(b't') => Head::To,
            Some(b'i') => Head::CallId,
            Some(b'm') => Head::Contact,
            _ => Head::Other,
        },
        2 if is(b"To") => Head::To,
        3 if is(b"Via") => Head::Via,
        4 if is(b"From") => Head::From,
        4 if is(b"CSeq") => Head::CSeq,
        5 if is(b"Route") => Head::Route,
        7 if is(b"Call-ID") => Head::CallId,
        7 if is(b"Contact") => Head::Contact,
        8 if is(b"Identity") => Head::Presented,
        9 if is(b"Diversion") => Head::Presented,
        11 if is(b"Max-Breadth") => Head::MaxBreadth,
        12 if is(b"Max-Forwards") => Head::MaxForwards,
        12 if is(b"Record-Route") => Head::RecordRoute,
        12 if is(WHY.as_bytes()) => Head::ForAgent,
        12 if is(b"History-Info") => Head::Presented,
        13 if is(b"X-Tandem-Walk") => Head::Mark,
        13 if is(b"Authorization") => Head::Credentials,
        15 if is(b"Remote-Party-ID") => Head::Presented,
        19 if is(b"P-Asserted-Identity") => Head::Presented,
        19 if is(b"Proxy-Authorization") => Head::Credentials,
        20 if is(b"P-Preferred-Identity") => Head::Presented,
        _ => Head::Other,
    }
}

fn start_line(line: &[u8]) -> Option<(u16, Verb, (usize, usize))> {
    if let Some(rest) = line.strip_prefix(b"SIP/2.0 ") {
        let status = u16::try_from(number(rest.get(..3)?)?).ok()?;
        return Some((status, Verb::Other, (0, 0)));
    }
    let gap = line.iter().position(|byte| *byte == b' ')?;
    let end = line.len().checked_sub(b" SIP/2.0".len())?;
    let fits = end > gap && line.get(end..)? == b" SIP/2.0";
    fits.then(|| line.get(..gap).map(|name| (0, Verb::of(name), (gap + 1, end))))?
}

fn number(digits: &[u8]) -> Option<u32> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn line_at(bytes: &[u8], at: &mut usize) -> Option<(usize, usize)> {
    let rest = bytes.get(*at..)?;
    let length = rest.iter().position(|byte| *byte == b'\n')?;
    let from = *at;
    *at = from + length + 1;
    let to =
        if length > 0 && rest.get(length - 1) == Some(&b'\r') { from + length - 1 } else { from + length };
    Some((from, to))
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] = b"INVITE sip:+1503@10.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:5060;rport;branch=z9hG4bKa\r\n\
        v: SIP/2.0/UDP 10.0.1.2;branch=z9hG4bKb\r\nMax-Forwards: 70\r\nf: <sip:x@y>;tag=1\r\nTo: <sip:+1503@z>\r\n\
        Call-ID: c\r\nCSeq: 7 INVITE\r\nX-Odd : kept\r\n\r\nbody";

    fn glance(bytes: &[u8]) -> Glance {
        Glance::read(bytes).unwrap()
    }

    #[test]
    fn an_invite_is_read() {
        let read = glance(INVITE);
        assert_eq!((read.status, read.verb, read.cseq, read.vias), (0, Verb::Invite, 7, 2));
        assert_eq!((read.branch, read.second), (mix(1, b"z9hG4bKa"), mix(1, b"z9hG4bKb")));
        assert_eq!((read.from_tag, read.to_tag), (mix(1, b"1"), 0));
        assert_eq!(read.user(INVITE), b"+1503");
        assert_eq!(read.named(INVITE, "x-odd"), Some(&b"kept"[..]));
    }

    #[test]
    fn the_rest_changes_with_every_byte_that_a_proxy_leaves_alone() {
        let text = String::from_utf8(INVITE.to_vec()).unwrap();
        let rest = |from: &str, to: &str| glance(text.replace(from, to).as_bytes()).rest;
        let same = glance(INVITE).rest;
        assert_eq!(rest("Max-Forwards: 70", "Max-Forwards: 69"), same);
        assert_ne!(rest("kept", "keqt"), same);
        assert_ne!(rest("body", "bodz"), same);
        assert_eq!(rest("x@y", "x@z"), same);
        let who: Vec<&[u8]> = glance(INVITE).who(INVITE).collect();
        assert_eq!(who, [&b"f: <sip:x@y>;tag=1"[..], b"To: <sip:+1503@z>"]);
    }

    #[test]
    fn junk_is_no_message() {
        for junk in [&b""[..], b"\r\n\r\n", b"hello", b"INVITE\r\n\r\n", b"SIP/2.0 2\r\n\r\n"] {
            assert!(Glance::read(junk).is_none());
        }
    }

    #[test]
    fn addresses_are_read_from_uris() {
        let at = |uri: &[u8]| address_of(uri).map(|address| address.to_string());
        assert_eq!(at(b"sip:10.0.0.1;lr;x=1").as_deref(), Some("10.0.0.1:5060"));
        assert_eq!(at(b"sip:a@10.0.0.1:5070").as_deref(), Some("10.0.0.1:5070"));
        assert_eq!(at(b"sip:a@host"), None);
        assert_eq!(elements([&b"<sip:a;lr>, <sip:b,c>"[..]].into_iter()), [&b"<sip:a;lr>"[..], b"<sip:b,c>"]);
    }
}
