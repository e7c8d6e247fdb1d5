//! Digest access authentication, the side that is asked: RFC 7616 with the algorithms of RFC 8760, and for old peers
//! without `qop` the form of RFC 2069.

use crate::header::Name;
use crate::message::Message;
use crate::scan::{Elements, TOKEN, quoted_end, run, trim};
use crate::text::push_hex;
use core::fmt;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// Who we are to whoever asks. [`Debug`](fmt::Debug) shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The user name. Quotes and backslashes in it have to be escaped already (RFC 3261 §25.1 `quoted-string`).
    pub user: &'a str,
    /// The password, as it is.
    pub password: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credentials of {}", self.user)
    }
}

/// What a peer asked for: one challenge that can be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// By whom: a proxy on the way (407) or the server itself (401).
    pub by: Asker,
    /// Was only the nonce of the last try too old? Then its credentials were right (RFC 7616 §3.3).
    pub stale: bool,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    opaque: Option<Vec<u8>>,
    algorithm: Algorithm,
    /// A challenge without `algorithm` means MD5 and gets an answer without it: what asks so may be older than the word.
    named: bool,
    /// `-sess`: the nonces go into the hash of the password too.
    session: bool,
    protection: Protection,
}

/// Who asked, and so in which header field the answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// `WWW-Authenticate`, answered in `Authorization`.
    Server,
    /// `Proxy-Authenticate`, answered in `Proxy-Authorization`.
    Proxy,
}

/// From weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512_256,
}

/// What the answer protects (`qop`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    /// The challenge has no `qop`: RFC 2069.
    Plain,
    /// The request's method and URI.
    Auth,
    /// Its body too.
    AuthInt,
}

/// The request that an answer is for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a [u8],
    /// Its Request-URI.
    pub uri: &'a [u8],
    /// Its body.
    pub body: &'a [u8],
}

/// Challenges of one response that are looked at; a forked request may bring several (RFC 3261 §22.3).
const CHALLENGES_MAX: usize = 16;

/// Bytes of a realm, nonce or opaque that are sent back: four times what the longest seen in the wild has.
const VALUE_MAX: usize = 1_024;

impl Challenge {
    /// The challenge of a response that is to be met: the strongest known algorithm wins, then the first. `realm`, if
    /// given, is the only one that is answered. `None` if there is none that can be met.
    #[must_use]
    pub fn choose(response: &Message, realm: Option<&str>) -> Option<Self> {
        let mut best: Option<Self> = None;
        for (by, name) in [(Asker::Proxy, Name::ProxyAuthenticate), (Asker::Server, Name::WwwAuthenticate)] {
            for field in response.fields_of(name) {
                for parts in split(response.at(field.value)).take(CHALLENGES_MAX) {
                    let Some(found) = Self::read(by, &parts) else { continue };
                    let fits = realm.is_none_or(|realm| realm.as_bytes() == found.realm);
                    if fits && best.as_ref().is_none_or(|best| best.algorithm < found.algorithm) {
                        best = Some(found);
                    }
                }
            }
        }
        best
    }

    /// Pushes the header line that answers this challenge, CRLF at its end. `count` is how often this nonce was
    /// answered, this time included; `chance` is the client's nonce.
    pub fn push_answer(
        &self,
        lines: &mut Vec<u8>,
        who: &Credentials<'_>,
        asked: Asked<'_>,
        (count, chance): (u32, u64),
    ) {
        let (mut cnonce, mut nc) = (Vec::with_capacity(16), Vec::with_capacity(8));
        push_hex(&mut cnonce, chance, 16);
        push_hex(&mut nc, u64::from(count), 8);
        let response = self.response(who, asked, &nc, &cnonce);
        lines.extend_from_slice(match self.by {
            Asker::Server => b"Authorization: Digest ".as_slice(),
            Asker::Proxy => b"Proxy-Authorization: Digest ",
        });
        push_quoted(lines, "username", who.user.as_bytes());
        push_quoted(lines, ", realm", &self.realm);
        push_quoted(lines, ", nonce", &self.nonce);
        push_quoted(lines, ", uri", asked.uri);
        push_quoted(lines, ", response", &response);
        if self.named {
            lines.extend_from_slice(b", algorithm=");
            lines.extend_from_slice(self.algorithm.name());
            lines.extend_from_slice(if self.session { b"-sess" } else { b"" });
        }
        if let Some(qop) = self.protection.name() {
            for part in [b", qop=".as_slice(), qop, b", nc=", &nc] {
                lines.extend_from_slice(part);
            }
        }
        if self.protection.name().is_some() || self.session {
            push_quoted(lines, ", cnonce", &cnonce);
        }
        if let Some(opaque) = &self.opaque {
            push_quoted(lines, ", opaque", opaque);
        }
        lines.extend_from_slice(b"\r\n");
    }

    /// Does it have the same nonce of the same realm? Then its answers are counted together.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        self.realm == other.realm && self.nonce == other.nonce
    }

    /// The name of the realm, lossily as text for people.
    #[must_use]
    pub fn realm(&self) -> String {
        String::from_utf8_lossy(&self.realm).into_owned()
    }

    /// RFC 7616 §3.4.1.
    fn response(&self, who: &Credentials<'_>, asked: Asked<'_>, nc: &[u8], cnonce: &[u8]) -> Vec<u8> {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let mut secret = hash(&[who.user.as_bytes(), &self.realm, who.password.as_bytes()]);
        if self.session {
            secret = hash(&[&secret, &self.nonce, cnonce]);
        }
        let request = match self.protection {
            Protection::Plain | Protection::Auth => hash(&[asked.method, asked.uri]),
            Protection::AuthInt => hash(&[asked.method, asked.uri, &hash(&[asked.body])]),
        };
        match self.protection.name() {
            Some(qop) => hash(&[&secret, &self.nonce, nc, cnonce, qop, &request]),
            None => hash(&[&secret, &self.nonce, &request]),
        }
    }

    /// One challenge as its scheme and parameters; `None` if it cannot be met.
    fn read(by: Asker, (scheme, params): &Parts<'_>) -> Option<Self> {
        let value = |name: &str| {
            let found = params.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
            found.map(|(_, value)| *value)
        };
        let (algorithm, session) = value("algorithm").map_or(Some((Algorithm::Md5, false)), Algorithm::of)?;
        let protection = value("qop").map_or(Some(Protection::Plain), Protection::of)?;
        let (realm, nonce, opaque) = (value("realm")?, value("nonce")?, value("opaque"));
        // What is sent back must not begin a header line of its own.
        let fits = |value: &&[u8]| value.len() <= VALUE_MAX && !value.iter().any(u8::is_ascii_control);
        let sound = scheme.eq_ignore_ascii_case(b"digest") && [realm, nonce].iter().chain(&opaque).all(fits);
        sound.then(|| Self {
            by,
            stale: value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case(b"true")),
            realm: realm.to_vec(),
            nonce: nonce.to_vec(),
            opaque: opaque.map(<[u8]>::to_vec),
            algorithm,
            named: value("algorithm").is_some(),
            session,
            protection,
        })
    }
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    const fn name(self) -> &'static [u8] {
        match self {
            Self::Md5 => b"MD5",
            Self::Sha256 => b"SHA-256",
            Self::Sha512_256 => b"SHA-512-256",
        }
    }

    /// The algorithm of that name, and whether it is the `-sess` variant.
    fn of(name: &[u8]) -> Option<(Self, bool)> {
        let (bare, end) = name.split_at(name.len().saturating_sub(SESS.len()));
        let session = end.eq_ignore_ascii_case(SESS);
        let bare = if session { bare } else { name };
        let found = Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(bare))?;
        Some((found, session))
    }

    /// The hash of parts with colons in between, in lower-case hexadecimal.
    fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => hashed::<Md5>(parts),
            Self::Sha256 => hashed::<Sha256>(parts),
            Self::Sha512_256 => hashed::<Sha512_256>(parts),
        }
    }
}

const SESS: &[u8] = b"-sess";

fn hashed<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    let mut hex = Vec::with_capacity(64);
    hash.finalize().iter().for_each(|byte| push_hex(&mut hex, u64::from(*byte), 2));
    hex
}

impl Protection {
    const fn name(self) -> Option<&'static [u8]> {
        match self {
            Self::Plain => None,
            Self::Auth => Some(b"auth"),
            Self::AuthInt => Some(b"auth-int"),
        }
    }

    /// The first that is known of those offered, `auth` before `auth-int`: a body may be changed on its way.
    fn of(offered: &[u8]) -> Option<Self> {
        let mut offered = offered.split(|byte| *byte == b',').map(trim);
        let named = |one: Self| one.name();
        let has = |one: Self| {
            offered.clone().any(|word| named(one).is_some_and(|name| word.eq_ignore_ascii_case(name)))
        };
        if has(Self::Auth) {
            return Some(Self::Auth);
        }
        if has(Self::AuthInt) {
            return Some(Self::AuthInt);
        }
        // An empty list offers nothing and so asks for nothing.
        offered.all(<[u8]>::is_empty).then_some(Self::Plain)
    }
}

/// A scheme and its parameters, quotes taken off their values.
type Parts<'a> = (&'a [u8], Vec<(&'a [u8], &'a [u8])>);

/// The challenges in one header field: a comma separates parameters and challenges alike, and a scheme is a token with
/// white space and no `=` behind it (RFC 9110 §11.6.1).
fn split(value: &[u8]) -> impl Iterator<Item = Parts<'_>> {
    let mut elements = Elements::of(value).map(|(start, end)| value.get(start..end).unwrap_or_default());
    let mut next = elements.next();
    core::iter::from_fn(move || {
        let (scheme, rest) = scheme(next?)?;
        let mut params: Vec<_> = param(rest).into_iter().collect();
        loop {
            next = elements.next();
            let Some(more) = next.filter(|element| self::scheme(element).is_none()) else { break };
            if params.len() < PARAMS_MAX {
                params.extend(param(more));
            }
        }
        Some((scheme, params))
    })
}

/// Parameters of one challenge that are looked at: RFC 7616 has eight.
const PARAMS_MAX: usize = 16;

fn scheme(element: &[u8]) -> Option<(&[u8], &[u8])> {
    let (token, behind) = element.split_at(run(element, TOKEN));
    let rest = trim(behind);
    let is_scheme = !token.is_empty() && rest.len() < behind.len() && rest.first() != Some(&b'=');
    is_scheme.then_some((token, rest))
}

fn param(element: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = element.split_at(run(element, TOKEN));
    let value = trim(trim(rest).strip_prefix(b"=")?);
    let value = match quoted_end(value, 0).filter(|_| value.first() == Some(&b'"')) {
        Some(end) if end == value.len() => value.get(1..end - 1)?,
        Some(_) => return None,
        // In the quotes that our answer puts around it such a value would end early.
        None if value.iter().any(|byte| matches!(byte, b'"' | b'\\')) => return None,
        None => value,
    };
    (!name.is_empty()).then_some((name, value))
}

fn push_quoted(lines: &mut Vec<u8>, name: &str, value: &[u8]) {
    lines.extend_from_slice(name.as_bytes());
    lines.extend_from_slice(b"=\"");
    lines.extend_from_slice(value);
    lines.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(lines: &str) -> Message {
        Message::parse(format!("SIP/2.0 407 Asks\r\n{lines}\r\n").into_bytes().into()).unwrap()
    }

    fn chosen(lines: &str) -> Option<Challenge> {
        Challenge::choose(&refusal(lines), None)
    }

    /// What is answered to the challenge of an RFC's example.
    fn response(challenge: &str, who: (&str, &str), asked: (&str, &str, &str), cnonce: &str) -> String {
        let challenge = chosen(&format!("WWW-Authenticate: Digest {challenge}\r\n")).unwrap();
        let (user, password) = who;
        let (method, uri, body) = asked;
        let asked = Asked { method: method.as_bytes(), uri: uri.as_bytes(), body: body.as_bytes() };
        let who = Credentials { user, password };
        String::from_utf8(challenge.response(&who, asked, b"00000001", cnonce.as_bytes())).unwrap()
    }

    #[test]
    fn the_examples_of_rfc_7616_come_out() {
        let challenge = |algorithm: &str| {
            format!(
                "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let said = |algorithm| {
            let who = ("Mufasa", "Circle of Life");
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            response(&challenge(algorithm), who, ("GET", "/dir/index.html", ""), cnonce)
        };
        assert_eq!(said("MD5"), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(said("SHA-256"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
        // The third as erratum 4897 has it: the printed one is SHA-512 cut short.
        let third = "realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
            nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", charset=UTF-8, userhash=true";
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
        let who = ("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
        assert_eq!(
            response(third, who, ("GET", "/doe.json", ""), cnonce),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
        );
    }

    #[test]
    fn the_examples_of_older_rfcs_come_out() {
        let page = ("GET", "/dir/index.html", "");
        let nonce = "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        let with_qop = format!("realm=\"testrealm@host.com\", qop=\"auth,auth-int\", {nonce}");
        let who = ("Mufasa", "Circle Of Life");
        assert_eq!(response(&with_qop, who, page, "0a4f113b"), "6629fae49393a05397450978507c4ef1");
        let without = format!("realm=\"testrealm@host.com\", {nonce}");
        let who = ("Mufasa", "CircleOfLife");
        assert_eq!(response(&without, who, page, ""), "1949323746fe6a43ef61f9606e7febea");
    }

    #[test]
    fn each_way_to_ask_for_an_invite_has_its_answer() {
        let said = |more: &str| {
            let nonce = "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
            let challenge = format!("realm=\"biloxi.com\", {nonce}{more}");
            let invite = ("INVITE", "sip:bob@biloxi.com", "v=0\r\n");
            response(&challenge, ("bob", "zanzibar"), invite, "0a4f113b")
        };
        assert_eq!(said(""), "bf57e4e0d0bffc0fbaedce64d59add5e");
        assert_eq!(said(", qop=\"\""), "bf57e4e0d0bffc0fbaedce64d59add5e");
        assert_eq!(said(", qop=auth"), "89eb0059246c02b2f6ee02c7961d5ea3");
        assert_eq!(said(", algorithm=md5-sess, qop=auth"), "e4e4ea61d186d07a92c9e1f6919902e9");
        assert_eq!(said(", qop=\"auth-int\""), "77226bb823dc077c1ad3537415667bae");
    }

    #[test]
    fn the_answer_says_what_was_asked_and_no_more() {
        let who = Credentials { user: "nguyen", password: "secret" };
        let asked = Asked { method: b"INVITE", uri: b"sip:1@h", body: b"" };
        let said = |lines: &str| {
            let mut line = Vec::new();
            chosen(lines).unwrap().push_answer(&mut line, &who, asked, (2, 0xab));
            String::from_utf8(line).unwrap()
        };
        assert_eq!(
            said(
                "Proxy-Authenticate: Digest realm=\"r\",nonce=\"n\",opaque=\"\",qop=\"auth\",algorithm=SHA-256\r\n"
            ),
            "Proxy-Authorization: Digest username=\"nguyen\", realm=\"r\", nonce=\"n\", uri=\"sip:1@h\", \
            response=\"2fc5fb98acb308d26ad1e1efa3a26a5c2d4a655dac61c82ed403f0a5df48fecd\", algorithm=SHA-256, qop=auth, nc=00000002, cnonce=\"00000000000000ab\", \
            opaque=\"\"\r\n"
        );
        assert_eq!(
            said("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"),
            "Authorization: Digest username=\"nguyen\", realm=\"r\", nonce=\"n\", uri=\"sip:1@h\", \
            response=\"1cf3252e120e7105a433f5cddb60fdb3\"\r\n"
        );
    }

    #[test]
    fn the_strongest_known_algorithm_wins_wherever_it_stands() {
        let line = |more: &str| format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"{more}\r\n");
        let algorithm = |lines: String| chosen(&lines).map(|found| found.algorithm);
        let (md5, sha, sha512) = (line(""), line(",algorithm=SHA-256"), line(",algorithm=SHA-512-256"));
        assert_eq!(algorithm(md5.clone() + &sha + &sha512), Some(Algorithm::Sha512_256));
        assert_eq!(algorithm(sha512 + &md5 + &sha), Some(Algorithm::Sha512_256));
        assert_eq!(algorithm(md5.clone() + &line(",algorithm=SHA-3")), Some(Algorithm::Md5));
        assert_eq!(algorithm(sha + &md5), Some(Algorithm::Sha256));
        // All in one header field, with another scheme between them.
        let mixed = "WWW-Authenticate: Digest realm=\"a, b\", nonce=n, Basic realm=\"r\", \r\n \
            DIGEST algorithm=sha-256 , NONCE = \"m\", realm=\"c\", Negotiate\r\n";
        let found = chosen(mixed).unwrap();
        assert_eq!((found.realm().as_str(), found.algorithm), ("c", Algorithm::Sha256));
    }

    #[test]
    fn a_realm_that_is_not_ours_is_not_answered() {
        let both = refusal(
            "Proxy-Authenticate: Digest realm=\"evil\", nonce=\"1\", algorithm=SHA-256\r\n\
            Proxy-Authenticate: Digest realm=\"ours\", nonce=\"2\"\r\n",
        );
        let realm = |wanted| Challenge::choose(&both, Some(wanted)).map(|found| found.realm());
        assert_eq!(realm("ours").as_deref(), Some("ours"));
        assert_eq!(realm("Ours"), None);
    }

    #[test]
    fn what_cannot_be_met_is_no_challenge() {
        let long = "n".repeat(VALUE_MAX + 1);
        for bad in [
            "Basic realm=\"r\", nonce=\"n\"",
            "Digest",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-3",
            "Digest realm=\"r\", nonce=\"n\", algorithm=-sess",
            "Digest realm=\"r\", nonce=\"n\", qop=\"token\"",
            "Digest realm=\"r\", nonce=\"n\"x",
            "Digest realm=\"r\", nonce=\"n",
            "Digest realm=\"r\", nonce=n\"n",
            "Digest realm=\"r\r\n Evil: 1\", nonce=\"n\"",
            "realm=\"r\", nonce=\"n\"",
            &format!("Digest realm=\"r\", nonce={long}"),
        ] {
            assert_eq!(chosen(&format!("WWW-Authenticate: {bad}\r\n")), None, "{bad}");
        }
        assert_eq!(chosen(""), None);
    }

    #[test]
    fn stale_is_read_in_any_case_and_the_password_is_not_shown() {
        let stale = |value: &str| {
            chosen(&format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale={value}\r\n"))
                .unwrap()
                .stale
        };
        assert_eq!([stale("TRUE"), stale("\"true\""), stale("false")], [true, true, false]);
        let who = Credentials { user: "nguyen", password: "secret" };
        assert_eq!(format!("{who:?}"), "Credentials of nguyen");
    }
}
