//! URIs as views over bytes.

use crate::param::Params;
use crate::scan::{HOST, SCHEME, URI, USER, is_all, number, run};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use memchr::{memchr, memchr_iter};

/// The host of a URI or of a Via's sent-by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// An address; IPv6 without its brackets.
    Ip(IpAddr),
    /// A name, as it was written.
    Name(&'a [u8]),
}

impl<'a> Host<'a> {
    /// Reads `[IPv6]`, `IPv4` or a name; `None` if it is none of them. Digits and dots that are no address are no
    /// name either.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if let Some(rest) = bytes.strip_prefix(b"[") {
            return ipv6(rest.strip_suffix(b"]")?).map(|ip| Self::Ip(IpAddr::V6(ip)));
        }
        if let Some(ip) = ipv4(bytes) {
            return Some(Self::Ip(IpAddr::V4(ip)));
        }
        let is_name = is_all(bytes, HOST) && !bytes.iter().all(|&byte| byte.is_ascii_digit() || byte == b'.');
        is_name.then_some(Self::Name(bytes))
    }

    /// Compares names in any case and addresses by value (RFC 5954 §4.2).
    #[must_use]
    pub fn same_as(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Ip(one), Host::Ip(two)) => one == two,
            (Self::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Self::Ip(_), Host::Name(_)) | (Self::Name(_), Host::Ip(_)) => false,
        }
    }
}

fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut rest = bytes;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        (*octet, rest) = octet_of(rest)?;
    }
    rest.is_empty().then_some(octets.into())
}

/// The number at the beginning, 0 to 255, and what follows. Zeros in front of it might mean an octal number to the next
/// reader; what follows such a zero is therefore no dot.
fn octet_of(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (first, mut rest) = bytes.split_first().filter(|(first, _)| first.is_ascii_digit())?;
    let mut octet = first - b'0';
    while let Some((digit, after)) = rest.split_first().filter(|(next, _)| octet > 0 && next.is_ascii_digit())
    {
        octet = octet.checked_mul(10)?.checked_add(digit - b'0')?;
        rest = after;
    }
    Some((octet, rest))
}

/// An IPv6 address without brackets. The third colon that the grammar of RFC 3261 asks for before an embedded IPv4
/// address is accepted (RFC 5118 §4.10).
pub(crate) fn ipv6(bytes: &[u8]) -> Option<Ipv6Addr> {
    let text = str::from_utf8(bytes).ok()?;
    text.parse().or_else(|_| text.replacen(":::", "::", 1).parse()).ok()
}

/// A `sip:` or `sips:` URI, taken apart but not decoded.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    /// `sips`?
    pub secure: bool,
    /// The user part as it was written, with its parameters (`+1503;npdi`), without the password.
    pub user: Option<&'a [u8]>,
    /// The password as it was written.
    pub password: Option<&'a [u8]>,
    /// Host.
    pub host: Host<'a>,
    /// Port, if one is written.
    pub port: Option<u16>,
    /// Parameters, as in `;transport=tcp;lr`.
    pub params: Params<'a>,
    /// What follows `?`, without it.
    pub headers: Option<&'a [u8]>,
}

impl<'a> Uri<'a> {
    /// Reads a whole `sip:` or `sips:` URI; `None` for other schemes and malformed ones.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let scheme = scheme(bytes)?;
        let secure = scheme.eq_ignore_ascii_case(b"sips");
        let rest = bytes.get(scheme.len() + 1..)?;
        if !(secure || scheme.eq_ignore_ascii_case(b"sip")) || !is_all(rest, URI) {
            return None;
        }
        let (user, password, rest) = split_userinfo(rest)?;
        let (host, port, rest) = split_host_port(rest)?;
        let (params, headers) = match memchr(b'?', rest) {
            Some(at) => (rest.get(..at)?, Some(rest.get(at + 1..)?)),
            None => (rest, None),
        };
        let is_whole = matches!(params.first(), None | Some(b';'));
        let params = Params { bytes: params };
        is_whole.then_some(Self { secure, user, password, host, port, params, headers })
    }

    /// The user part alone, of a URI that [`parse`](Self::parse) is known to accept: a third of its cost.
    #[must_use]
    pub fn user_of(bytes: &'a [u8]) -> Option<&'a [u8]> {
        split_userinfo(bytes.get(scheme(bytes)?.len() + 1..)?)?.0
    }

    /// Compares by the rules of RFC 3261 §19.1.4 and RFC 5954 §4.2.
    #[must_use]
    pub fn same_as(&self, other: &Uri<'_>) -> bool {
        self.secure == other.secure
            && same_option(self.user, other.user, same_escaped)
            && same_option(self.password, other.password, same_escaped)
            && self.host.same_as(&other.host)
            && self.port == other.port
            && params_match(self.params, other.params)
            && params_match(other.params, self.params)
            && headers_match(self.headers, other.headers)
    }
}

/// Are two user parts the same (RFC 3261 §19.1.4)? An escape stands for the byte that it names, but for reserved ones.
#[must_use]
pub fn same_user(one: &[u8], two: &[u8]) -> bool {
    same_escaped(one, two)
}

/// A name as it may stand as a user part: what is no letter, digit, or one of `-_.+` is escaped.
#[must_use]
pub fn user_part(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    let escaped = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(escaped).collect()
}

/// The scheme before the colon, as it was written; `None` if there is none.
#[must_use]
pub fn scheme(uri: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = uri.split_at(run(uri, SCHEME));
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic) && rest.first() == Some(&b':');
    is_scheme.then_some(scheme)
}

/// A user part with its `%xx` escapes undone (RFC 3261 §19.1.2). A `%` without two hex digits stays.
#[must_use]
pub fn unescape(user: &[u8]) -> Vec<u8> {
    Unescaped { bytes: user }.map(|(byte, _)| byte).collect()
}

/// `host`, `host:port`: the port is 1 to 65535. And what follows.
fn split_host_port(bytes: &[u8]) -> Option<(Host<'_>, Option<u16>, &[u8])> {
    let host_end = match bytes.first() {
        Some(b'[') => memchr(b']', bytes)? + 1,
        Some(_) | None => run(bytes, HOST),
    };
    let (host, rest) = bytes.split_at(host_end);
    if host.is_empty() {
        return None;
    }
    let host = Host::parse(host)?;
    let Some(rest) = rest.strip_prefix(b":") else { return Some((host, None, rest)) };
    let (digits, rest) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    Some((host, Some(port(digits)?), rest))
}

/// 1 to 65535.
pub(crate) fn port(digits: &[u8]) -> Option<u16> {
    u16::try_from(number(digits)?).ok().filter(|&port| port != 0)
}

type Userinfo<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, &'a [u8]);

/// User, password, and what follows the `@`. Two `@` leave it open where the host begins: malformed.
fn split_userinfo(bytes: &[u8]) -> Option<Userinfo<'_>> {
    let (plain, rest) = bytes.split_at(run(bytes, USER));
    if let Some(rest) = rest.strip_prefix(b"@") {
        let is_clear = !plain.is_empty() && memchr(b'@', rest).is_none();
        return is_clear.then_some((Some(plain), None, rest));
    }
    let Some(at) = memchr(b'@', bytes) else {
        return Some((None, None, bytes));
    };
    let (userinfo, rest) = (bytes.get(..at)?, bytes.get(at + 1..)?);
    let (user, password) = match memchr(b':', userinfo) {
        Some(colon) => (userinfo.get(..colon)?, Some(userinfo.get(colon + 1..)?)),
        None => (userinfo, None),
    };
    let is_clear = !user.is_empty() && memchr(b'@', rest).is_none() && escapes_are_whole(userinfo);
    is_clear.then_some((Some(user), password, rest))
}

fn escapes_are_whole(bytes: &[u8]) -> bool {
    memchr_iter(b'%', bytes).all(|at| escaped_byte(bytes.get(at..).unwrap_or_default()).is_some())
}

/// The byte that a leading `%xx` stands for.
fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let high = char::from(*high).to_digit(16)?;
    let low = char::from(*low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// The bytes of a text with its escapes undone, each with "was it escaped and has a meaning of its own?".
struct Unescaped<'a> {
    bytes: &'a [u8],
}

impl Iterator for Unescaped<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        let (&first, rest) = self.bytes.split_first()?;
        match escaped_byte(self.bytes) {
            Some(byte) => {
                self.bytes = self.bytes.get(3..).unwrap_or_default();
                Some((byte, is_reserved(byte)))
            }
            None => {
                self.bytes = rest;
                Some((first, false))
            }
        }
    }
}

/// RFC 3261 §25.1 `reserved`: escaped they do not equal themselves unescaped (§19.1.4).
const fn is_reserved(byte: u8) -> bool {
    matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',')
}

fn same_option(one: Option<&[u8]>, two: Option<&[u8]>, same: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_escaped(one: &[u8], two: &[u8]) -> bool {
    Unescaped { bytes: one }.eq(Unescaped { bytes: two })
}

fn same_escaped_any_case(one: &[u8], two: &[u8]) -> bool {
    let lower = |(byte, reserved): (u8, bool)| (byte.to_ascii_lowercase(), reserved);
    Unescaped { bytes: one }.map(lower).eq(Unescaped { bytes: two }.map(lower))
}

/// Parameters that never match their absence; RFC 3261 §19.1.4 names the first four, its examples the last.
const DECISIVE: [&[u8]; 5] = [b"user", b"ttl", b"method", b"maddr", b"transport"];

/// Parameters that are compared; more are taken as a difference, so that hostile lists stay cheap.
const COMPARED_MAX: usize = 32;

fn params_match(ours: Params<'_>, theirs: Params<'_>) -> bool {
    ours.iter().count() <= COMPARED_MAX
        && ours.iter().all(|(name, value)| {
            match theirs.iter().find(|(other, _)| same_escaped_any_case(name, other)) {
                Some((_, other)) => same_option(value, other, same_escaped_any_case),
                None => !DECISIVE.iter().any(|known| same_escaped_any_case(name, known)),
            }
        })
}

/// Headers are never ignored: the same set on both sides, in any order.
fn headers_match(ours: Option<&[u8]>, theirs: Option<&[u8]>) -> bool {
    let list = |headers: Option<&'_ [u8]>| headers.unwrap_or_default().split(|&byte| byte == b'&').count();
    let every = |ours: Option<&[u8]>, theirs: Option<&[u8]>| {
        ours.unwrap_or_default().split(|&byte| byte == b'&').all(|one| {
            theirs.unwrap_or_default().split(|&byte| byte == b'&').any(|two| same_header(one, two))
        })
    };
    list(ours) == list(theirs) && list(ours) <= COMPARED_MAX && every(ours, theirs) && every(theirs, ours)
}

fn same_header(one: &[u8], two: &[u8]) -> bool {
    let split = |header: &'_ [u8]| memchr(b'=', header).unwrap_or(header.len());
    let (one, one_value) = one.split_at(split(one));
    let (two, two_value) = two.split_at(split(two));
    same_escaped_any_case(one, two) && same_escaped(one_value, two_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_name_in_any_script_is_a_user_part_and_found_again() {
        assert_eq!(user_part("inbox-2.a_b"), "inbox-2.a_b");
        assert_eq!(user_part("büro 1"), "b%C3%BCro%201");
        assert!(same_user("büro".as_bytes(), b"b%c3%bcro") && same_user(b"inbox", b"%69nbox"));
        assert!(!same_user(b"inbox", b"Inbox") && !same_user(b"inbox", b"inbox2"));
    }

    type Parts<'a> = (Option<&'a str>, Option<&'a str>, String, Option<u16>, &'a str, Option<&'a str>);

    fn parts(text: &str) -> Parts<'_> {
        let uri = uri(text);
        let text = |bytes| str::from_utf8(bytes).unwrap();
        let host = match uri.host {
            Host::Ip(ip) => ip.to_string(),
            Host::Name(name) => format!("name {}", text(name)),
        };
        (
            uri.user.map(text),
            uri.password.map(text),
            host,
            uri.port,
            text(uri.params.bytes),
            uri.headers.map(text),
        )
    }

    #[test]
    fn a_uri_is_taken_apart() {
        let name = |text: &str| format!("name {text}");
        let cases: [(&str, Parts<'_>); 8] = [
            ("sip:example.com", (None, None, name("example.com"), None, "", None)),
            (
                "SIPS:a:pw@b_c:65535;lr?x=y&z",
                (Some("a"), Some("pw"), name("b_c"), Some(65535), ";lr", Some("x=y&z")),
            ),
            (
                "sip:+1503;npdi@192.0.2.1;user=phone",
                (Some("+1503;npdi"), None, "192.0.2.1".into(), None, ";user=phone", None),
            ),
            ("sip:[2001:db8::10]:5070", (None, None, "2001:db8::10".into(), Some(5070), "", None)),
            ("sip:[2001:db8::10:5070]", (None, None, "2001:db8::10:5070".into(), None, "", None)),
            ("sip:u@[2001:db8:::192.0.2.1]", (Some("u"), None, "2001:db8::c000:201".into(), None, "", None)),
            ("sip:a?/;,b@c;maddr=[::1]", (Some("a?/;,b"), None, name("c"), None, ";maddr=[::1]", None)),
            ("sip:h?x=y;z", (None, None, name("h"), None, "", Some("x=y;z"))),
        ];
        for (text, expected) in cases {
            assert_eq!(Uri::user_of(text.as_bytes()), expected.0.map(str::as_bytes), "{text}");
            assert_eq!(parts(text), expected, "{text}");
        }
        assert!(uri("sips:a").secure && !uri("sip:a").secure);
    }

    #[test]
    fn what_is_no_sip_uri_is_refused() {
        let cases = [
            "",
            "sip",
            "sip:",
            "sip:@",
            "sip:@h",
            "sip:u@",
            "sip::5060",
            "sip:h:",
            "sip:h:0",
            "sip:h:65536",
            "sip:h:5x",
            "sip:2001:db8::10",
            "sip:[::1",
            "sip:[::1]x",
            "sip:[x]",
            "sip:[]",
            "sip:192.0.2.300",
            "sip:1.2.3",
            "sip:a b@h",
            "sip:u@h; lr",
            "<sip:h>",
            "sip:u@v@h",
            "sip:u@h;x=y@v",
            "sip:%4@h",
            "sip:%zz@h",
            "sip:u@h/x",
            "sip:h\u{7f}",
            "tel:+1503",
            "xsip:h",
            "1sip:h",
        ];
        for text in cases {
            assert!(Uri::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn the_uris_that_rfc_3261_calls_equal_are_the_same() {
        let cases = [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:[2001:db8::9:1]", "sip:[2001:DB8:0:0:0:0:9:1]"),
        ];
        for (one, two) in cases {
            assert!(uri(one).same_as(&uri(two)) && uri(two).same_as(&uri(one)), "{one} {two}");
        }
    }

    #[test]
    fn the_uris_that_rfc_3261_tells_apart_are_not_the_same() {
        let cases = [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:a@h", "sips:a@h"),
            ("sip:a@h", "sip:a:pw@h"),
            ("sip:a@h", "sip:h"),
            ("sip:a%2Bb@h", "sip:a+b@h"),
            ("sip:a@h", "sip:a@h;%6Daddr=x"),
            ("sip:a@h?x=1&x=1", "sip:a@h?x=1"),
        ];
        for (one, two) in cases {
            assert!(!uri(one).same_as(&uri(two)) && !uri(two).same_as(&uri(one)), "{one} {two}");
        }
    }

    #[test]
    fn escapes_are_undone_and_what_is_none_stays() {
        assert_eq!(unescape(b"I%20have%00%7e%2B%"), b"I have\0~+%");
        assert_eq!(unescape(b"%4%zz%%41"), b"%4%zz%A");
    }

    #[test]
    fn a_scheme_ends_at_the_first_colon() {
        assert_eq!(scheme(b"soap.beep://x:1"), Some(&b"soap.beep"[..]));
        assert_eq!([scheme(b"bob"), scheme(b":x"), scheme(b"a b:x"), scheme(b"<sip:a>")], [None; 4]);
    }
}
