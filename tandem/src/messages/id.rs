//! The name of a message.

use core::fmt;
use serde::{Deserialize, Serialize};
use std::io;

/// Names one message: a file name without surprises that sorts by time and that nobody guesses.
///
/// 23 letters and digits in Crockford's base 32: seconds since 1970, then 80 bits of chance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(String);

/// A text that names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoId;

impl MessageId {
    /// A new one, from the operating system's chance. `unix`: the time in seconds since 1970.
    ///
    /// # Errors
    /// The operating system has no `/dev/urandom`.
    pub fn fresh(unix: i64) -> io::Result<Self> {
        crate::key::chance().map(|chance| Self::of(unix, chance))
    }

    /// The one for this second and this chance.
    #[must_use]
    pub fn of(unix: i64, chance: [u8; 10]) -> Self {
        let seconds = u64::try_from(unix).unwrap_or(0);
        let chance = chance.iter().fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        let mut name = digits(u128::from(seconds), SECONDS);
        name.push_str(&digits(chance, CHANCE));
        Self(name)
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MessageId {
    type Error = NoId;

    fn try_from(text: String) -> Result<Self, NoId> {
        let is_plain = text.len() == SECONDS + CHANCE && text.bytes().all(|byte| ALPHABET.contains(&byte));
        if is_plain { Ok(Self(text)) } else { Err(NoId) }
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for NoId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a message is named by {} letters and digits", SECONDS + CHANCE)
    }
}

fn digits(number: u128, count: usize) -> String {
    let digit = |place: usize| usize::try_from(number >> (5 * place) & 31).unwrap_or(0);
    (0..count).rev().filter_map(|place| ALPHABET.get(digit(place))).map(|byte| char::from(*byte)).collect()
}

/// Without the letters that are taken for digits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SECONDS: usize = 7; // Until the year 3058.
const CHANCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_lead_nowhere_else() {
        let early = MessageId::of(1_795_762_860, [0xff; 10]);
        let late = MessageId::of(1_795_762_861, [0; 10]);
        assert_eq!(early.as_str(), "1ngjanczzzzzzzzzzzzzzzz");
        assert_eq!(late.as_str(), "1ngjand0000000000000000");
        assert!(early < late);
        assert_ne!(MessageId::fresh(0).ok(), MessageId::fresh(0).ok());
        for bad in ["", "..", "../../etc/passwd", "1NGJAND0000000000000000", "1ngjand/00000000000000.."] {
            assert_eq!(MessageId::try_from(bad.to_owned()), Err(NoId), "{bad}");
        }
        assert_eq!(MessageId::try_from(late.to_string()), Ok(late));
    }
}
