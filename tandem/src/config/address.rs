//! SIP addresses: `pbx.nguyen.example`, `192.0.2.10:5070`, `[2001:db8::1]:5060`,
//! `sip:desk@10.0.0.5;transport=tcp`.

use crate::codes::Code;
use crate::config::reader::shown;
use crate::diagnostic::{Diagnostic, Span};
use core::net::{IpAddr, Ipv6Addr};
use router::Transport;
use router::target::PeerHost;
use std::sync::Arc;

/// Where SIP requests go, as the plan file says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) user: Option<Arc<str>>,
    pub(super) host: PeerHost,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<Transport>,
}

impl Address {
    /// Whether it says so, or leaves it to the DNS.
    pub(super) fn may_use_tls(&self) -> bool {
        self.transport.map_or(matches!(self.host, PeerHost::Name(_)), Transport::is_secure)
    }
}

/// Reads an address; `span` is the text with its quotes.
pub(super) fn address(written: &str, span: &Span) -> Result<Address, Diagnostic> {
    parse(written).map_err(|bad| bad.problem(written, span.clone()))
}

/// Whether a text is an address with a password in it, which nothing may print.
pub(super) fn carries_password(written: &str) -> bool {
    matches!(parse(written), Err(Bad::Password))
}

/// Reads a host with an optional port, as in `advertise`.
pub(super) fn host_port(written: &str) -> Option<(PeerHost, Option<u16>)> {
    split_host(written).ok()
}

/// Why a text is no SIP address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bad {
    Empty,
    WebSocket,
    Password,
    User,
    Param(String),
    Headers,
    Brackets,
    Port,
    Host,
    NotNumbers,
    Nowhere,
}

fn parse(written: &str) -> Result<Address, Bad> {
    let lower = written.to_ascii_lowercase();
    let secure = lower.starts_with("sips:");
    let scheme = if secure { 5 } else { 4 * usize::from(lower.starts_with("sip:")) };
    let rest = written.get(scheme..).unwrap_or("");
    if rest.contains('?') {
        return Err(Bad::Headers);
    }
    let (rest, params) = rest.split_once(';').map_or((rest, None), |(rest, params)| (rest, Some(params)));
    let transport = params.map(transport).transpose()?;
    let transport = if secure { Some(transport.unwrap_or(Transport::Tcp).secured()) } else { transport };
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(check_user(user)?), host),
        None => (None, rest),
    };
    let (host, port) = split_host(host)?;
    Ok(Address { user, host, port, transport })
}

fn transport(params: &str) -> Result<Transport, Bad> {
    let mut found = Transport::Udp;
    for param in params.split(';') {
        let lower = param.trim().to_ascii_lowercase();
        let named = lower.strip_prefix("transport=").and_then(|name| Transport::named(name.as_bytes()));
        found = match named {
            Some(Transport::Ws | Transport::Wss) => return Err(Bad::WebSocket),
            Some(one) if !one.is_inside() => one,
            Some(_) | None => return Err(Bad::Param(shown(param.trim()))),
        };
    }
    Ok(found)
}

fn check_user(user: &str) -> Result<Arc<str>, Bad> {
    if user.contains(':') {
        return Err(Bad::Password);
    }
    if is_user(user) { Ok(user.into()) } else { Err(Bad::User) }
}

/// Whether a text can be the user part of a SIP URI (RFC 3261 §25.1 `user`, without escapes).
pub(super) fn is_user(user: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
    !user.is_empty() && user.len() <= USER_MAX && user.bytes().all(allowed)
}

fn split_host(written: &str) -> Result<(PeerHost, Option<u16>), Bad> {
    if written.is_empty() {
        return Err(Bad::Empty);
    }
    if written.parse::<Ipv6Addr>().is_ok() {
        return Err(Bad::Brackets);
    }
    let (host, port) = match written.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or(Bad::Brackets)?;
            let host = IpAddr::V6(inside.parse().map_err(|_| Bad::NotNumbers)?);
            (PeerHost::Ip(host), Some(after).filter(|after| !after.is_empty()))
        }
        None => {
            let at = written.find(':').unwrap_or(written.len());
            let (host, port) = written.split_at(at);
            (plain_host(host)?, Some(port).filter(|port| !port.is_empty()))
        }
    };
    if matches!(host, PeerHost::Ip(ip) if ip.is_unspecified() || ip.is_multicast()) {
        return Err(Bad::Nowhere);
    }
    Ok((host, port.map(parse_port).transpose()?))
}

fn plain_host(host: &str) -> Result<PeerHost, Bad> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(PeerHost::Ip(ip));
    }
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    if host.len() > HOST_MAX || !host.split('.').all(label) {
        return Err(Bad::Host);
    }
    // No top-level domain is all digits: this was meant as an address (RFC 1123 §2.1).
    let last = host.rsplit('.').next().unwrap_or("");
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Bad::NotNumbers);
    }
    Ok(PeerHost::Name(host.into()))
}

fn parse_port(port: &str) -> Result<u16, Bad> {
    let digits = port.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|port| port.parse().ok()).filter(|port| *port > 0).ok_or(Bad::Port)
}

impl Bad {
    fn problem(&self, written: &str, span: Span) -> Diagnostic {
        let title = if *self == Self::Password {
            "an address with a password is no SIP address".into()
        } else {
            format!("`{}` is no SIP address", shown(written))
        };
        let diagnostic = Diagnostic::new(Code::E016, title).at(span.clone(), self.reason());
        if *self == Self::Brackets && written.parse::<Ipv6Addr>().is_ok() {
            return diagnostic.fix("write", span, format!("\"[{written}]\""));
        }
        diagnostic.help(
            "an address is `host`, `host:port`, `[IPv6]:port` or `sip:user@host`, each with `;transport=tcp` or `;transport=tls` if wanted",
        )
    }

    fn reason(&self) -> String {
        match self {
            Self::Empty => "nobody is named".into(),
            // RFC 7118 §5: a response goes back over its connection, and nobody listens for a new one.
            Self::WebSocket => "whoever speaks WebSocket connects here; nobody can be called by it".into(),
            Self::Password => "a password does not belong in an address".into(),
            Self::User => "the part before the `@` has a character that SIP does not allow".into(),
            Self::Param(param) => {
                format!("`{param}` means nothing here; only `transport=` with `udp`, `tcp` or `tls` does")
            }
            Self::Headers => "headers after a `?` are not carried".into(),
            Self::Brackets => "an IPv6 address stands in brackets".into(),
            Self::Port => "a port is a number from 1 to 65535".into(),
            Self::Host => "neither an address nor a host name".into(),
            Self::NotNumbers => "looks like an address, but is none".into(),
            Self::Nowhere => "an address of nobody in particular cannot be rung".into(),
        }
    }
}

/// The longest name that DNS carries (RFC 1035 §2.3.4).
const HOST_MAX: usize = 253;
/// User parts are numbers and short words.
const USER_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(written: &str) -> Result<String, Bad> {
        let found = parse(written)?;
        let host = match found.host {
            PeerHost::Ip(ip) => format!("ip {ip}"),
            PeerHost::Name(name) => format!("name {name}"),
        };
        Ok(format!("{:?} {host} {:?} {:?}", found.user.as_deref(), found.port, found.transport))
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        let read = |written| shape(written).unwrap();
        assert_eq!(read("pbx.nguyen.example"), "None name pbx.nguyen.example None None");
        assert_eq!(read("192.0.2.10:5070"), "None ip 192.0.2.10 Some(5070) None");
        assert_eq!(read("[2001:db8::1]:5060"), "None ip 2001:db8::1 Some(5060) None");
        assert_eq!(read("[2001:db8::1]"), "None ip 2001:db8::1 None None");
        assert_eq!(read("sip:desk@10.0.0.5;transport=tcp"), "Some(\"desk\") ip 10.0.0.5 None Some(Tcp)");
        assert_eq!(read("SIP:desk@pbx;transport=UDP"), "Some(\"desk\") name pbx None Some(Udp)");
        assert_eq!(read("agent.example;transport=tcp"), "None name agent.example None Some(Tcp)");
        assert_eq!(read("agent.example;transport=TLS"), "None name agent.example None Some(Tls)");
        assert_eq!(read("sips:desk@10.0.0.5:5071"), "Some(\"desk\") ip 10.0.0.5 Some(5071) Some(Tls)");
        assert_eq!(read("SIPS:pbx.example;transport=tcp"), "None name pbx.example None Some(Tls)");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        let refused = [
            ("", Bad::Empty),
            ("sip:", Bad::Empty),
            ("sip:desk:secret@pbx.example", Bad::Password),
            ("sip:de sk@pbx.example", Bad::User),
            ("pbx.example;lr", Bad::Param("lr".into())),
            ("pbx.example;transport=ws", Bad::WebSocket),
            ("pbx.example;transport=sctp", Bad::Param("transport=sctp".into())),
            ("pbx.example?Subject=x", Bad::Headers),
            ("2001:db8::1", Bad::Brackets),
            ("[2001:db8::1", Bad::Brackets),
            ("[192.0.2.1]", Bad::NotNumbers),
            ("pbx.example:0", Bad::Port),
            ("pbx.example:65536", Bad::Port),
            ("pbx.example:+5", Bad::Port),
            ("pbx example", Bad::Host),
            ("pbx..example", Bad::Host),
            ("-pbx.example", Bad::Host),
            ("büro.example", Bad::Host),
            ("192.0.2.300", Bad::NotNumbers),
            ("0.0.0.0", Bad::Nowhere),
            ("[::]:5060", Bad::Nowhere),
            ("224.0.1.75", Bad::Nowhere),
        ];
        for (written, bad) in refused {
            assert_eq!(shape(written), Err(bad), "{written}");
        }
    }
}
