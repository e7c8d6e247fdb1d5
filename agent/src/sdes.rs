//! Keys in a description (RFC 4568): `a=crypto`, which of them we understand, and what we say ourselves.

use crate::srtp::{KEY_LENGTH, Key, Seal, Suite};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sdp_types::{Attribute, Media};

/// What both sides have agreed on to seal their packets with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// How.
    pub suite: Suite,
    /// What the other side seals its packets with.
    pub theirs: Key,
    /// The number of the line that says so.
    pub tag: u32,
}

/// What seals our packets of one call, and opens those of the other side.
#[derive(Clone, Debug)]
pub struct Seals {
    /// What holds.
    agreed: Sealed,
    /// Ours.
    pub ours: Seal,
    /// Theirs.
    pub theirs: Seal,
}

/// The number of the one line that we offer.
const TAG: u32 = 1;

const LONG: &str = "AES_CM_128_HMAC_SHA1_80";
const SHORT: &str = "AES_CM_128_HMAC_SHA1_32";

/// The first key of a stream that we understand, in one of these suites.
pub(crate) fn read(media: &Media, suites: &[Suite]) -> Option<Sealed> {
    media
        .get_attribute_values("crypto")
        .flatten()
        .find_map(one)
        .filter(|sealed| suites.contains(&sealed.suite))
}

/// `<tag> <suite> inline:<key>[|<lifetime>]`; what else may stand there changes how packets look, and we would not open them.
fn one(line: &str) -> Option<Sealed> {
    let mut words = line.split_ascii_whitespace();
    let (tag, suite, keys) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
    let suite = match suite {
        LONG => Suite::Long,
        SHORT => Suite::Short,
        _ => return None,
    };
    let (method, key) = keys.split_once(':')?;
    let mut parts = key.split('|');
    let key = parts.next()?;
    // A number of a master key has a colon; a lifetime is longer than any call.
    let is_plain = method.eq_ignore_ascii_case("inline") && parts.all(|part| !part.contains(':'));
    // How long a window of their own is, is theirs to know.
    let is_known = words.all(|word| word.starts_with("WSH="));
    let bytes = STANDARD.decode(key).ok().filter(|_| is_plain && is_known)?;
    Some(Sealed { suite, theirs: Key::new(<[u8; KEY_LENGTH]>::try_from(bytes).ok()?), tag })
}

/// What an answer says: in the suite that was taken, with our key.
pub(crate) fn answer(taken: &Sealed, ours: &Key) -> Attribute {
    line(taken.tag, taken.suite, ours)
}

/// What an offer says.
pub(crate) fn offer(suite: Suite, ours: &Key) -> Attribute {
    line(TAG, suite, ours)
}

/// Is this the line of ours that was taken?
pub(crate) const fn takes_offer(sealed: &Sealed) -> bool {
    sealed.tag == TAG
}

fn line(tag: u32, suite: Suite, ours: &Key) -> Attribute {
    let name = match suite {
        Suite::Long => LONG,
        Suite::Short => SHORT,
    };
    Attribute::with_value("crypto", format!("{tag} {name} inline:{}", STANDARD.encode(ours.bytes())))
}

impl Seals {
    /// From the first packet on.
    #[must_use]
    pub fn new(agreed: Sealed, ours: &Key) -> Self {
        let theirs = Seal::new(&agreed.theirs, agreed.suite);
        Self { agreed, ours: Seal::new(ours, agreed.suite), theirs }
    }

    /// The other side has described itself once more: another key begins anew, the same one goes on.
    pub fn agree(&mut self, agreed: Sealed) {
        if agreed.theirs != self.agreed.theirs {
            self.theirs = Seal::new(&agreed.theirs, agreed.suite);
        }
        self.agreed = agreed;
    }

    /// How packets are sealed. It stays so: packets under one key that differ in this would repeat its key stream.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.agreed.suite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn a_line_is_understood_if_nothing_in_it_changes_how_packets_look() {
        for (line, suite) in [
            (format!("1 {LONG} inline:{KEY}"), Some((1, Suite::Long))),
            (format!("2 {SHORT} inline:{KEY}|2^31"), Some((2, Suite::Short))),
            (format!("3 {LONG} inline:{KEY}|2^20 WSH=128"), Some((3, Suite::Long))),
            // A number of a master key, which would stand in every packet.
            (format!("1 {LONG} inline:{KEY}|2^20|1:4"), None),
            (format!("1 {LONG} inline:{KEY}|1:4"), None),
            (format!("1 {LONG} inline:{KEY} UNENCRYPTED_SRTP"), None),
            (format!("1 {LONG} inline:{KEY} KDR=5"), None),
            (format!("1 {LONG} inline:{KEY};inline:{KEY}"), None),
            (format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"), None),
            (format!("1 {LONG} inline:{}", &KEY[4..]), None),
            (format!("1 {LONG} inline:!!!!"), None),
            (format!("1 {LONG}"), None),
            (String::new(), None),
        ] {
            let read = one(&line);
            assert_eq!(read.map(|sealed| (sealed.tag, sealed.suite)), suite, "{line}");
        }
    }

    #[test]
    fn what_we_say_is_understood_by_ourselves() {
        let ours = Key::new([7; KEY_LENGTH]);
        let said = offer(Suite::Long, &ours).value.unwrap();
        let read = one(&said).unwrap();
        assert_eq!((read.theirs, takes_offer(&read)), (ours, true));
        let answer = answer(&Sealed { tag: 4, suite: Suite::Short, ..read }, &ours).value.unwrap();
        assert_eq!(answer, format!("4 {SHORT} inline:{}", STANDARD.encode([7; KEY_LENGTH])));
    }

    #[test]
    fn another_key_begins_anew_and_the_same_one_goes_on() {
        let key = |byte| Key::new([byte; KEY_LENGTH]);
        let sealed = |byte| Sealed { suite: Suite::Long, theirs: key(byte), tag: 1 };
        let mut seals = Seals::new(sealed(1), &key(9));
        let packet = |byte| {
            let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 5];
            let tag = Seal::new(&key(byte), Suite::Long).seal(&mut packet).unwrap();
            packet.extend_from_slice(&tag);
            packet
        };
        assert_eq!(seals.theirs.open(&mut packet(1)), Some(()));
        seals.agree(Sealed { tag: 2, ..sealed(1) });
        assert_eq!(seals.theirs.open(&mut packet(1)), None, "it came before");
        seals.agree(sealed(2));
        assert_eq!(seals.theirs.open(&mut packet(2)), Some(()));
    }
}
