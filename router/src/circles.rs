//! Calls that come back: what we send out to a phone number may be forwarded to a number of ours.

use crate::position::Confined;
use crate::relay::Refusal;
use crate::seal::Seal;
use crate::slots::Slot;
use core::time::Duration;
use sip::{Field, Message, Name, NameAddr, Time, Uri, uri};
use std::collections::BTreeMap;

/// Who is calling out there by way of us, by what is shown of the caller. Bounded by the calls of a node: each leaves it with
/// its walk.
#[derive(Debug, Default)]
pub struct Circles {
    out: BTreeMap<(Caller, Slot), Time>,
}

/// A phone number by its last digits: the same with and without plus, country code, and what a country puts before
/// numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller(u32);

/// The header field of a call that leaves for a phone number. What forwards it as another call drops most of what we wrote,
/// but often leaves what it does not know.
pub const WALK: &[u8] = b"X-Tandem-Walk";

/// A call by the same caller that comes so soon after one was sent out is that one.
pub const SOON: Duration = Duration::from_secs(20);

/// Digits that are compared: a local number, without what is written before it in one country and not in the next.
const DIGITS: usize = 8;

/// Forwarded so often before it came, a call is going round (RFC 5806 §3; TRIGGERS, section 6).
const DIVERSIONS_MAX: u32 = 5;

impl Circles {
    /// A leg leaves for a phone number that will see this caller.
    pub fn on_out(&mut self, caller: Caller, slot: Slot, now: Time) {
        self.out.insert((caller, slot), now + SOON);
    }

    /// The walk of that call is over.
    pub fn on_over(&mut self, caller: Caller, slot: Slot) {
        self.out.remove(&(caller, slot));
    }

    /// The calls under way that a new one by this caller may be.
    pub fn of(&self, caller: Caller, now: Time) -> impl Iterator<Item = Slot> {
        let all = [0, u32::MAX].map(|end| (caller, Slot { place: end, generation: end }));
        let [first, last] = all;
        self.out.range(first..=last).filter(move |(_, until)| **until > now).map(|((_, slot), _)| *slot)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }
}

impl Caller {
    /// Of a `sip`, `sips` or `tel` URI; `None` for whoever has no phone number.
    #[must_use]
    pub fn of_uri(uri: &[u8]) -> Option<Self> {
        let scheme = uri::scheme(uri)?;
        let dialled = scheme.eq_ignore_ascii_case(b"tel").then(|| uri.get(scheme.len() + 1..)).flatten();
        Self::of_number(dialled.or_else(|| Uri::user_of(uri))?)
    }

    /// Of a number as it is written, with parameters or without.
    #[must_use]
    pub fn of_number(number: &[u8]) -> Option<Self> {
        let number = number.split(|byte| *byte == b';').next()?;
        let (mut digits, mut last) = (0, 0);
        for byte in number.iter().rev().filter(|byte| !matches!(byte, b'-' | b'.' | b'(' | b')' | b' ')) {
            match byte {
                b'0'..=b'9' if digits < DIGITS => {
                    last += u32::from(byte - b'0') * 10_u32.pow(u32::try_from(digits).unwrap_or_default());
                    digits += 1;
                }
                b'0'..=b'9' | b'+' if digits > 0 => {}
                _ => return None,
            }
        }
        (digits == DIGITS).then_some(Self(last))
    }
}

/// Whether a call is known to have left here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It bears no mark of ours.
    None,
    /// It left here for another number than the one it comes to: whoever forwarded it had a reason, and will not do so for ever.
    Elsewhere,
    /// It left here for this very number.
    Here,
}

impl Mark {
    /// Reads it off a new call; `number` tells which of our numbers was called.
    #[must_use]
    pub fn of<'a>(request: &Message, unix: i64, seal: &Seal, number: impl Fn() -> &'a [u8]) -> Self {
        let is_mark = |field: &&Field| field.name == Name::Other && request.is_named(field, WALK);
        let mut found = Self::None;
        for field in request.fields().iter().filter(is_mark) {
            match seal.read_walk(request.at(field.value), number(), unix) {
                Some(true) => return Self::Here,
                Some(false) => found = Self::Elsewhere,
                None => {}
            }
        }
        found
    }

    /// What has gone once round goes no further.
    ///
    /// # Errors
    /// The refusal that it gets.
    pub const fn admit(self) -> Result<(), Refusal> {
        match self {
            Self::Here => Err(Refusal::plain(482, "a loop: it left here for the same number")),
            Self::None | Self::Elsewhere => Ok(()),
        }
    }
}

/// Has a call been forwarded so often that it is going round?
#[must_use]
pub fn forwarded_too_often(request: &Message) -> Option<Confined> {
    let said = request.has(Name::Diversion) || request.has(Name::Identity);
    (said && Forwards::of(request).are_a_loop()).then_some(Confined::ForwardedOften)
}

/// How often a call has been forwarded before it came, and how often that was signed. Whoever forwards on does not ask who
/// has done so: five times are a loop (RFC 5806; TRIGGERS, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Forwards {
    /// The sum of the counters of all Diversions.
    diversions: u32,
    /// PASSporTs that sign a diversion (RFC 8946).
    signed: u32,
}

impl Forwards {
    /// Counts them. A Diversion without a counter stands for one.
    fn of(request: &Message) -> Self {
        let params = |span| NameAddr::parse(request.at(span)).map(|address| address.params);
        let counter = |span| {
            let counter = params(span).and_then(|params| params.value("counter"));
            counter.and_then(|digits| core::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(1_u32)
        };
        let sum = |sum: u32, more| sum.saturating_add(more);
        let is_div = |field: &&Field| {
            let text = request.at(field.value);
            let params = text.split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii);
            params.into_iter().any(|param| {
                param.eq_ignore_ascii_case(b"ppt=div") || param.eq_ignore_ascii_case(b"ppt=\"div\"")
            })
        };
        let signed = request.fields_of(Name::Identity).filter(is_div).count();
        Self {
            diversions: request.elements(Name::Diversion).map(counter).fold(0, sum),
            signed: u32::try_from(signed).unwrap_or(u32::MAX),
        }
    }

    /// Is that too often to forward it on?
    const fn are_a_loop(self) -> bool {
        self.diversions >= DIVERSIONS_MAX || self.signed > DIVERSIONS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(lines: &str) -> Message {
        let text = format!("INVITE sip:+15035550100@192.0.2.1 SIP/2.0\r\n{lines}Call-ID: c\r\n\r\n");
        Message::parse(text.as_bytes().into()).expect("an INVITE")
    }

    #[test]
    fn a_caller_is_the_same_however_the_number_is_written() {
        let of = |uri: &str| Caller::of_uri(uri.as_bytes());
        let ana = of("sip:+15035550111@a.example");
        assert!(ana.is_some());
        for uri in [
            "sip:5035550111@b",
            "tel:+1-503-555-0111",
            "sips:(503)555.0111;phone-context=x@c",
            "TEL:0015035550111",
        ] {
            assert_eq!(of(uri), ana, "{uri}");
        }
        assert_eq!(of("sip:02079460018@a"), of("tel:+442079460018"));
        for uri in [
            "sip:anonymous@anonymous.invalid",
            "sip:a.example",
            "sip:5550111@a",
            "sip:ana5035550111x@a",
            "mailto:1234567890",
        ] {
            assert_eq!(of(uri), None, "{uri}");
        }
        assert_ne!(of("sip:+15035550112@a"), ana);
    }

    #[test]
    fn a_call_is_out_for_twenty_seconds_or_until_its_walk_is_over() {
        let (mut circles, at) = (Circles::default(), |seconds| Time::ZERO + Duration::from_secs(seconds));
        let ana = Caller::of_uri(b"tel:+15035550111").unwrap();
        let slots = [(0, 1), (7, 2), (u32::MAX, 3)].map(|(place, generation)| Slot { place, generation });
        slots.iter().for_each(|slot| circles.on_out(ana, *slot, at(0)));
        let of = |circles: &Circles, now| circles.of(ana, now).collect::<Vec<_>>();
        assert_eq!(of(&circles, at(19)), slots);
        circles.on_out(ana, slots[1], at(10));
        assert_eq!(of(&circles, at(20)), [slots[1]]);
        circles.on_over(ana, slots[1]);
        assert_eq!((of(&circles, at(20)), circles.len()), (vec![], 2));
    }

    #[test]
    fn a_mark_is_of_its_number_for_the_length_of_a_walk() {
        let seal = Seal::new(*b"sixteen byte key");
        let of = |mark: &[u8], unix| {
            let line = format!("x-tandem-walk: {}\r\n", String::from_utf8_lossy(mark));
            Mark::of(&invite(&line), unix, &seal, || b"+15035550100")
        };
        let (here, there) = (seal.walk(b"+15035550100", 1_000), seal.walk(b"+15035550199", 1_000));
        assert_eq!([of(&here, 1_180), of(&there, 1_180)], [Mark::Here, Mark::Elsewhere]);
        assert_eq!([of(&here, 1_181), of(b"forged", 1_000), of(b"", 0)], [Mark::None; 3]);
        let mut forged = here.clone();
        forged[0] = b'f';
        assert_eq!(of(&forged, 1_000), Mark::None);
    }

    #[test]
    fn five_diversions_or_six_signed_ones_are_a_loop() {
        let of = |lines: &str| {
            let forwards = Forwards::of(&invite(lines));
            (forwards.diversions, forwards.signed, forwards.are_a_loop())
        };
        assert_eq!(of(""), (0, 0, false));
        assert_eq!(
            of("Diversion: <sip:a@b>, <sip:c@d>;counter=2\r\nDiversion: <sip:e@f>;counter=x\r\n"),
            (4, 0, false)
        );
        assert_eq!(of("Diversion: <sip:a@b>;counter=5\r\n"), (5, 0, true));
        let div = "Identity: eyJ;info=<https://x>;alg=ES256;ppt=\"div\"\r\n";
        let plain = "y: eyJ;info=<https://x;ppt>;ppt=shaken\r\n";
        assert_eq!(of(&[plain, &div.repeat(5)].concat()), (0, 5, false));
        assert_eq!(of(&[plain, &div.repeat(6)].concat()), (0, 6, true));
        assert_eq!(of(&"Diversion: <sip:a@b>;counter=4294967295\r\n".repeat(2)).0, u32::MAX);
    }
}
