//! A peer that asks who calls: challenges by nonce (RFC 7616), and registrations that it takes (RFC 3261 §10.3).

use crate::chance::{mix, mix_word};
use crate::glance::{Glance, Head, Packet, Verb};
use sip::digest::{Asked, Challenge, Credentials};
use sip::{Message, Time};

/// What a peer asks for before it serves a request outside of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Makes its nonces, which nobody can guess.
    pub seed: u64,
    /// The name of the account.
    pub user: &'static str,
    /// The right password.
    pub password: &'static str,
    /// What it asks for it: INVITE, OPTIONS, REGISTER.
    pub asks: &'static [Verb],
    /// 401 of a server or 407 of a proxy.
    pub status: u16,
    /// The algorithms that it offers, in its order.
    pub algorithms: &'static [&'static str],
    /// How many seconds a nonce is good for; an older one is stale.
    pub life: u32,
    /// How many seconds it grants a registration for at most; `None` if it is no registrar.
    pub grants: Option<u32>,
}

impl Guard {
    /// One that asks for everything by SHA-256 and MD5, and grants registrations for a minute.
    #[must_use]
    pub const fn new(user: &'static str, password: &'static str) -> Self {
        Self {
            seed: 1,
            user,
            password,
            asks: &[Verb::Invite, Verb::Options, Verb::Register],
            status: 407,
            algorithms: &["SHA-256", "MD5"],
            life: 3_600,
            grants: Some(60),
        }
    }

    /// The header lines of a challenge; `None` if the request is welcome.
    #[must_use]
    pub fn challenge(&self, packet: &Packet, glance: &Glance, now: Time) -> Option<String> {
        if !self.asks.contains(&glance.verb) {
            return None;
        }
        let (age, shown) = (self.age(now), glance.value(&packet.bytes, Head::Credentials));
        let shown = text(shown);
        let nonce = shown.split(" nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
        let of_age = nonce.split('.').next().and_then(|age| u64::from_str_radix(age, 16).ok());
        let ours = of_age.is_some_and(|age| self.nonce(age) == nonce);
        let right = ours && self.is_right(packet, glance, nonce);
        match (right, of_age == Some(age)) {
            (true, true) => None,
            (true, false) => Some(self.lines(&self.nonce(age), ", stale=true")),
            (false, _) => Some(self.lines(&self.nonce(age), "")),
        }
    }

    /// The lines of a response to a REGISTER that is welcome.
    #[must_use]
    pub fn binding(&self, packet: &Packet, glance: &Glance) -> Option<String> {
        let asked =
            glance.named(&packet.bytes, "Expires").map(text).and_then(|value| value.parse::<u32>().ok());
        let granted = asked.unwrap_or(3_600).min(self.grants?);
        let contact = text(glance.value(&packet.bytes, Head::Contact)).into_owned();
        Some(if granted > 0 { format!("Contact: {contact};expires={granted}\r\n") } else { String::new() })
    }

    fn age(&self, now: Time) -> u64 {
        now.as_micros() / 1_000_000 / u64::from(self.life.max(1))
    }

    fn nonce(&self, age: u64) -> String {
        format!("{age:x}.{:016x}", mix_word(mix(self.seed, b"nonce"), age))
    }

    fn lines(&self, nonce: &str, stale: &str) -> String {
        let name = if self.status == 401 { "WWW-Authenticate" } else { "Proxy-Authenticate" };
        let line = |algorithm: &&str| {
            format!(
                "{name}: Digest realm=\"town\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}\r\n"
            )
        };
        self.algorithms.iter().map(line).collect()
    }

    /// Is the answer the one that the right password gives, to the strongest of what was offered?
    fn is_right(&self, packet: &Packet, glance: &Glance, nonce: &str) -> bool {
        let challenge = format!("SIP/2.0 {} Asks\r\n{}\r\n", self.status, self.lines(nonce, ""));
        let Ok(challenge) = Message::parse(challenge.into_bytes().into()) else { return false };
        let Some(challenge) = Challenge::choose(&challenge, None) else { return false };
        let shown = text(glance.value(&packet.bytes, Head::Credentials)).into_owned();
        let hex = |name: &str, close: char| {
            let rest = shown.split(name).nth(1)?.split(close).next()?;
            u64::from_str_radix(rest, 16).ok()
        };
        let (Some(count), Some(chance)) = (hex("nc=", ','), hex("cnonce=\"", '"')) else { return false };
        let body = packet.bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| at + 4);
        let asked = Asked {
            method: glance.verb.name().as_bytes(),
            uri: glance.uri(&packet.bytes),
            body: packet.bytes.get(body..).unwrap_or_default(),
        };
        let who = Credentials { user: self.user, password: self.password };
        let mut line = Vec::new();
        challenge.push_answer(&mut line, &who, asked, (u32::try_from(count).unwrap_or(0), chance));
        text(&line).trim_end().ends_with(&*shown) && !shown.is_empty()
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
