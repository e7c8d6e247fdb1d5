//! Via elements.

use crate::message::Span;
use crate::param::Params;
use crate::scan::{HOST, Scanner, find_unquoted, quotes_are_closed, trim};
use crate::text::{push_decimal, push_ip};
use crate::uri::{Host, ipv6, port};
use core::net::{IpAddr, SocketAddr};
use memchr::memchr;

/// One Via element, `SIP/2.0/UDP host:port;params`.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// Where the element stands in its message, trimmed; all zero if it was parsed by itself.
    pub span: Span,
    /// `UDP`, `TCP`, `TLS` …, as it was written.
    pub transport: &'a [u8],
    /// The sent-by host.
    pub host: Host<'a>,
    /// The sent-by port, if one is written.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Params<'a>,
    branch: Option<&'a [u8]>,
    received: Option<&'a [u8]>,
    rport: Option<&'a [u8]>,
    is_well_formed: bool,
}

/// What a receiver adds to a request's topmost Via, and where the responses go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Where the element stands in its message.
    pub span: Span,
    /// The element as it is to stand there; `None` if it may stay as it is.
    pub element: Option<Vec<u8>>,
    /// What `received` says then.
    pub received: Option<IpAddr>,
    /// What `rport` says then.
    pub rport: Option<u16>,
    /// Where responses go: to the address the request came from, to the port it came from if `rport` was asked for,
    /// else to the port of sent-by.
    pub reply_to: SocketAddr,
    /// Where they go over a stream when the one that the request came by is lost: the port of sent-by (RFC 3261 §18.2.2).
    pub reopen_at: SocketAddr,
}

impl<'a> Via<'a> {
    /// The beginning of every branch of RFC 3261.
    pub const MAGIC: &'static [u8] = b"z9hG4bK";

    /// Reads one element; white space around the slashes and the colon is allowed (RFC 3261 §25.1). The version and
    /// malformed parameters are `check`'s to judge, so that such a request can still be answered.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut scanner = Scanner::new(bytes);
        let (is_version_2, transport) = protocol(&mut scanner)?;
        let before = scanner.rest().len();
        scanner.skip_space();
        let was_apart = scanner.rest().len() < before;
        let host = sent_by_host(&mut scanner)?;
        scanner.skip_space();
        let port = sent_by_port(&mut scanner)?;
        scanner.skip_space();
        let rest = scanner.rest();
        if !was_apart || !matches!(rest.first(), None | Some(b';')) {
            return None;
        }
        let params = Params { bytes: trim(rest) };
        let (span, is_well_formed) = (Span::default(), is_version_2);
        let (branch, received, rport) = (None, None, None);
        let via = Self { span, transport, host, port, params, branch, received, rport, is_well_formed };
        via.with_params(rest)
    }

    /// Takes note of the parameters that are asked for, each of them the first of its name.
    fn with_params(mut self, rest: &[u8]) -> Option<Self> {
        let mut are_well_formed = true;
        for param in self.params.all() {
            are_well_formed &= param.is_well_formed;
            let place = match param.name.len() {
                5 if param.name.eq_ignore_ascii_case(b"rport") => &mut self.rport,
                6 if param.name.eq_ignore_ascii_case(b"branch") => &mut self.branch,
                8 if param.name.eq_ignore_ascii_case(b"received") => &mut self.received,
                _ => continue,
            };
            place.get_or_insert(param.value.unwrap_or_default());
        }
        self.is_well_formed &= are_well_formed;
        (are_well_formed || is_closed(rest)).then_some(self)
    }

    /// The `branch` parameter; empty if there is none.
    #[must_use]
    pub fn branch(&self) -> &'a [u8] {
        self.branch.unwrap_or_default()
    }

    /// What was stamped on it, as far as it can be read: `received` and `rport`.
    #[must_use]
    pub fn stamps(&self) -> (Option<IpAddr>, Option<u16>) {
        (self.received.and_then(address), self.rport.and_then(port))
    }

    /// Is its version 2.0, and is every parameter a token, alone or with a value?
    pub(crate) fn is_well_formed(&self) -> bool {
        self.is_well_formed
    }

    /// What a receiver adds to this element (RFC 3261 §18.2.1, RFC 3581 §4), and where responses go by it. `element`
    /// is the whole element as it stands.
    #[must_use]
    pub fn stamp(&self, element: &[u8], source: SocketAddr) -> Stamp {
        let (asked, claimed) = (self.rport.is_some(), self.received.is_some());
        let ip = source.ip().to_canonical();
        let differs = !matches!(self.host, Host::Ip(host) if host.to_canonical() == ip);
        let received = (asked || differs).then_some(ip);
        let rport = asked.then_some(source.port());
        let port = rport.or(self.port).unwrap_or_else(|| self.usual_port());
        let mut stamp = Stamp {
            span: self.span,
            element: None,
            received,
            rport,
            reply_to: SocketAddr::new(source.ip(), port),
            reopen_at: SocketAddr::new(source.ip(), self.port.unwrap_or_else(|| self.usual_port())),
        };
        if asked || differs || claimed {
            let mut out = Vec::with_capacity(element.len() + STAMP_LEN);
            push_without_stamp(&mut out, element);
            if let Some(port) = rport {
                out.extend_from_slice(b";rport=");
                push_decimal(&mut out, u64::from(port));
            }
            if let Some(ip) = received {
                out.extend_from_slice(b";received=");
                push_ip(&mut out, ip);
            }
            stamp.element = Some(out);
        }
        stamp
    }

    /// The element with its [`stamp`](Self::stamp); `None` if nothing has to change. A `received` or a filled `rport`
    /// that the sender wrote itself is replaced, never believed.
    #[must_use]
    pub fn stamped(&self, element: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
        self.stamp(element, source).element
    }

    /// Where a response goes, RFC 3261 §18.2.2 and RFC 3581 §4: `maddr` (ignored), `received` or sent-by address,
    /// `rport`, sent-by port, or the transport's own (5060, 5061 for TLS, RFC 6455's for WebSocket). `None` if the sent-by is a name and nothing was received.
    #[must_use]
    pub fn reply_to(&self) -> Option<SocketAddr> {
        let (_, rport) = self.stamps();
        let to = self.reopen_at()?;
        Some(SocketAddr::new(to.ip(), rport.unwrap_or(to.port())))
    }

    /// Where a response goes over a stream if the one that its request came by is lost (RFC 3261 §18.2.2): as
    /// [`reply_to`](Self::reply_to), but to the port of sent-by, where somebody listens.
    #[must_use]
    pub fn reopen_at(&self) -> Option<SocketAddr> {
        let (received, _) = self.stamps();
        let ip = match (received, self.host) {
            (Some(ip), _) | (None, Host::Ip(ip)) => ip,
            (None, Host::Name(_)) => return None,
        };
        Some(SocketAddr::new(ip, self.port.unwrap_or_else(|| self.usual_port())))
    }

    fn usual_port(&self) -> u16 {
        let is = |name: &[u8]| self.transport.eq_ignore_ascii_case(name);
        match self.transport.len() {
            3 if is(b"TLS") => 5061,
            2 if is(b"WS") => 80,
            3 if is(b"WSS") => 443,
            _ => 5060,
        }
    }
}

/// Room for `;rport=65535;received=` and an IPv6 address.
const STAMP_LEN: usize = 70;

/// `SIP / 2.0 / UDP`: is the version 2.0, and the transport.
fn protocol<'a>(scanner: &mut Scanner<'a>) -> Option<(bool, &'a [u8])> {
    // As nearly everybody writes it.
    if let Some(rest) = scanner.rest().strip_prefix(b"SIP/2.0/") {
        *scanner = Scanner::new(rest);
        scanner.skip_space();
        return Some((true, scanner.token()?));
    }
    scanner.skip_space();
    let mut before_slash = || {
        let token = scanner.token()?;
        scanner.skip_space();
        scanner.expect(b'/')?;
        scanner.skip_space();
        Some(token)
    };
    let (name, version) = (before_slash()?, before_slash()?);
    Some((name.eq_ignore_ascii_case(b"SIP") && version == b"2.0", scanner.token()?))
}

fn sent_by_host<'a>(scanner: &mut Scanner<'a>) -> Option<Host<'a>> {
    let rest = scanner.rest();
    if rest.first() == Some(&b'[') {
        let (host, rest) = rest.split_at(memchr(b']', rest)? + 1);
        *scanner = Scanner::new(rest);
        return Host::parse(host);
    }
    Some(scanner.take(HOST)).filter(|host| !host.is_empty()).and_then(Host::parse)
}

/// An open quote or bracket would swallow what `stamped` puts behind it.
fn is_closed(params: &[u8]) -> bool {
    quotes_are_closed(params) && find_unquoted(params, 0, b'<') == params.len()
}

/// The outer `None` is malformed.
#[expect(clippy::option_option, reason = "malformed and missing are two things")]
fn sent_by_port(scanner: &mut Scanner<'_>) -> Option<Option<u16>> {
    if scanner.expect(b':').is_none() {
        return Some(None);
    }
    scanner.skip_space();
    port(scanner.digits()).map(Some)
}

/// `received` as an address; with brackets too, as some send it (RFC 5118 §4.5).
fn address(value: &[u8]) -> Option<IpAddr> {
    match Host::parse(value) {
        Some(Host::Ip(ip)) => Some(ip),
        Some(Host::Name(_)) | None => ipv6(value).map(IpAddr::V6),
    }
}

/// Copies an element up to the end of its parameters, leaving out `received` and `rport`.
fn push_without_stamp(out: &mut Vec<u8>, element: &[u8]) {
    let mut at = 0;
    while at < element.len() {
        let next = find_unquoted(element, at + 1, b';');
        let piece = element.get(at..next).unwrap_or_default();
        let name = piece.split(|&byte| byte == b'=').next().unwrap_or_default();
        let name = trim(name.strip_prefix(b";").unwrap_or_default());
        if !(name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport")) {
            out.extend_from_slice(piece);
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(text: &str) -> Via<'_> {
        Via::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn white_space_may_stand_around_every_separator() {
        for protocol in ["SIP  /   2.0\r\n /UDP", "SIP/2.0/ UDP", "sip/2.0/\r\n UDP"] {
            let text = format!("{protocol}\r\n    192.0.2.2 : 5070 ; branch =\r\n z9hG4bKx;rport");
            let via = via(&text);
            assert_eq!(via.transport, b"UDP");
            assert_eq!(via.host, Host::Ip([192, 0, 2, 2].into()));
            assert_eq!(via.port, Some(5070));
            assert_eq!(via.branch(), b"z9hG4bKx");
            assert_eq!(via.params.get("RPORT"), Some(None));
        }
    }

    #[test]
    fn what_names_no_sender_is_refused() {
        let cases = [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 UDP h",
            "SIP/2.0/UDP;branch=x",
            "SIP/2.0/UDP h:",
            "SIP/2.0/UDP h:0",
            "SIP/2.0/UDP h:65536",
            "SIP/2.0/UDP h i",
            "SIP/2.0/UDP 2001:db8::1",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP[::1]",
            "SIP/2.0/UDP <h>",
            "SIP/2.0/UDP h;branch=\"x",
            "SIP/2.0/UDP h;branch=<x",
            "SIP/2.0/UDP 1.2.3.400",
        ];
        for text in cases {
            assert!(Via::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn the_source_is_written_where_the_sender_is_not_what_it_says() {
        // Element, source, what it becomes; empty where nothing changes.
        let cases = [
            ("SIP/2.0/UDP 192.0.2.1;branch=a", "192.0.2.1:9", ""),
            ("SIP/2.0/UDP [2001:db8::1];branch=a", "[2001:db8::1]:9", ""),
            ("SIP/2.0/UDP 192.0.2.1", "[::ffff:192.0.2.1]:9", ""),
            (
                "SIP/2.0/UDP 192.0.2.1;branch=a",
                "192.0.2.2:9",
                "SIP/2.0/UDP 192.0.2.1;branch=a;received=192.0.2.2",
            ),
            ("SIP/2.0/UDP a.b;branch=a", "192.0.2.2:9", "SIP/2.0/UDP a.b;branch=a;received=192.0.2.2"),
            ("SIP/2.0/TCP a.b", "[2001:db8::1]:9", "SIP/2.0/TCP a.b;received=2001:db8::1"),
            (
                "SIP/2.0/UDP 192.0.2.1;rport;branch=a",
                "192.0.2.1:9",
                "SIP/2.0/UDP 192.0.2.1;branch=a;rport=9;received=192.0.2.1",
            ),
            (
                "SIP/2.0/UDP a ; Received = 10.9.8.7 ;x=\";rport\"; RPORT=1 ;branch=a",
                "192.0.2.2:65535",
                "SIP/2.0/UDP a ;x=\";rport\";branch=a;rport=65535;received=192.0.2.2",
            ),
            ("SIP/2.0/UDP 192.0.2.1;received=10.9.8.7", "192.0.2.1:9", "SIP/2.0/UDP 192.0.2.1"),
        ];
        for (element, source, expected) in cases {
            let stamped = via(element).stamped(element.as_bytes(), source.parse().unwrap());
            assert_eq!(String::from_utf8(stamped.unwrap_or_default()).unwrap(), expected, "{element}");
        }
    }

    #[test]
    fn a_response_goes_to_where_the_request_came_from() {
        let cases = [
            ("SIP/2.0/UDP 192.0.2.1", Some("192.0.2.1:5060")),
            ("SIP/2.0/TLS 192.0.2.1", Some("192.0.2.1:5061")),
            ("SIP/2.0/ws 192.0.2.1", Some("192.0.2.1:80")),
            ("SIP/2.0/WSS 192.0.2.1", Some("192.0.2.1:443")),
            ("SIP/2.0/UDP 192.0.2.1:5070;maddr=192.0.2.9", Some("192.0.2.1:5070")),
            ("SIP/2.0/UDP a.b:5070;received=192.0.2.7;rport=1024", Some("192.0.2.7:1024")),
            ("SIP/2.0/UDP a.b:5070;received=192.0.2.7;rport", Some("192.0.2.7:5070")),
            ("SIP/2.0/UDP a.b;received=2001:db8::9:255", Some("[2001:db8::9:255]:5060")),
            ("SIP/2.0/UDP a.b;received=[2001:db8::9:255]", Some("[2001:db8::9:255]:5060")),
            ("SIP/2.0/UDP a.b:5070;rport=1024", None),
            ("SIP/2.0/UDP a.b;received=c.d", None),
        ];
        for (element, expected) in cases {
            assert_eq!(via(element).reply_to(), expected.map(|to| to.parse().unwrap()), "{element}");
        }
    }
}
