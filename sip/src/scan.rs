//! Lexing that several headers share: white space, tokens, quotes, comma lists.

use crate::message::Span;
use memchr::{memchr, memchr2, memchr3};

/// White space inside a header value, folding included (RFC 3261 §25.1 LWS).
pub(crate) const fn is_space(byte: u8) -> bool {
    CLASS[byte as usize] & SPACE != 0
}

/// White space and line ends.
pub(crate) const SPACE: u8 = 1;
/// A byte of a token (RFC 3261 §25.1).
pub(crate) const TOKEN: u8 = 2;
/// A byte that may stand in a URI. Lenient: only what would end the URI early for the next reader is left out.
pub(crate) const URI: u8 = 4;
/// A byte of a URI's user that means nothing but itself.
pub(crate) const USER: u8 = 8;
/// A byte of a parameter's value outside quotes; as lenient as that of a URI.
pub(crate) const VALUE: u8 = 16;
/// A byte of a host name. The underscore is no part of RFC 3261's hostname, but of many real ones.
pub(crate) const HOST: u8 = 32;
/// A byte of a URI's scheme after its first letter.
pub(crate) const SCHEME: u8 = 64;

/// What each byte may be part of.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    loop {
        let alphanumeric = byte.is_ascii_alphanumeric();
        let is_token = alphanumeric
            || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        let is_uri = byte > b' ' && !matches!(byte, b'"' | b'<' | b'>' | 0x7f);
        class[byte as usize] = (matches!(byte, b' ' | b'\t' | b'\r' | b'\n') as u8 * SPACE)
            | (is_token as u8 * TOKEN)
            | (is_uri as u8 * URI)
            | ((is_uri && !matches!(byte, b':' | b'@' | b'%')) as u8 * USER)
            | ((is_uri && !matches!(byte, b',' | b';')) as u8 * VALUE)
            | ((alphanumeric || matches!(byte, b'-' | b'.' | b'_')) as u8 * HOST)
            | ((alphanumeric || matches!(byte, b'-' | b'.' | b'+')) as u8 * SCHEME);
        if byte == u8::MAX {
            break class;
        }
        byte += 1;
    }
};

/// Where the first CR or LF stands.
pub(crate) fn find_line_end(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<16>();
    let mut at = 0;
    for block in blocks.get(..LINE_USUAL / 16).unwrap_or(blocks) {
        // Without an early end the block is one comparison.
        if block.iter().fold(false, |any, &byte| any | (byte < CONTROL)) {
            at += first_control(u128::from_le_bytes(*block));
            // What else is below is rare: tabs, and control characters that nobody sends.
            if matches!(bytes.get(at), Some(b'\r' | b'\n')) {
                return Some(at);
            }
            break;
        }
        at += 16;
    }
    memchr2(b'\r', b'\n', bytes.get(at..)?).map(|offset| at + offset)
}

/// Where the name of a header field ends with which `bytes` begin: its colon or, if it has none, no later than its line.
pub(crate) fn find_name_end(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let marked = zeros(word ^ (EACH * b':' as u64)) | controls(word);
        if marked != 0 {
            return at + first(marked);
        }
        at += 8;
    }
    at
}

/// Most lines are not longer. Up to there blocks cost less than the call of a vectorised search.
const LINE_USUAL: usize = 64;

/// Line ends are below this, and of what stands in headers only the tab besides.
const CONTROL: u8 = 16;

/// One in each byte.
const EACH: u64 = u64::from_le_bytes([1; 8]);

/// Marks the lowest byte that is zero at its highest bit, and perhaps others above it.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & (EACH << 7)
}

/// Marks the lowest byte that is below [`CONTROL`] at its highest bit, and perhaps others above it.
const fn controls(word: u64) -> u64 {
    word.wrapping_sub(EACH * CONTROL as u64) & !word & (EACH << 7)
}

/// The place of the first byte of a block that is below [`CONTROL`].
const fn first_control(block: u128) -> usize {
    // By halves.
    match controls(block as u64) {
        0 => 8 + first(controls((block >> 64) as u64)),
        low => first(low),
    }
}

/// The place of the lowest marked byte.
const fn first(marked: u64) -> usize {
    marked.trailing_zeros() as usize / 8
}

/// How many bytes at the beginning are of a class. What is read so is short: a vectorised search costs more.
pub(crate) fn run(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|&byte| CLASS[byte as usize] & class == 0).unwrap_or(bytes.len())
}

/// Are all bytes of a class? Nearly always they are, so that a loop without an early end is the quickest.
pub(crate) fn is_all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().fold(class, |all, &byte| all & CLASS[byte as usize]) == class
}

/// Is this a token (RFC 3261 §25.1)? Nothing at all is none.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && is_all(bytes, TOKEN)
}

/// Without white space and folding at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let (start, end) = trim_range(bytes, 0, bytes.len());
    bytes.get(start..end).unwrap_or_default()
}

/// Without white space and folding at the end.
pub(crate) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

/// Narrows `start..end` until no white space stands at its ends.
pub(crate) fn trim_range(bytes: &[u8], mut start: usize, end: usize) -> (usize, usize) {
    let mut inner = bytes.get(start..end).unwrap_or_default();
    while let [first, rest @ ..] = inner
        && is_space(*first)
    {
        (start, inner) = (start + 1, rest);
    }
    (start, start + trim_end(inner).len())
}

/// Offsets in a message as a span: both are at most [`Message::BYTES_MAX`](crate::Message::BYTES_MAX).
pub(crate) fn span((start, end): (usize, usize)) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// Where a part of a message's bytes stands in them.
pub(crate) fn span_of(bytes: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
    span((start, start.wrapping_add(part.len())))
}

/// Decimal digits and nothing else; saturates at `u64::MAX`.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

/// Where the quoted string ends that begins with the quote at `open`: one past the closing quote.
pub(crate) fn quoted_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let rest = bytes.get(at..)?;
        let found = at + memchr2(b'"', b'\\', rest)?;
        if bytes.get(found) == Some(&b'"') {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// Is every quoted string closed?
pub(crate) fn quotes_are_closed(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(open) = bytes.get(at..).and_then(|rest| memchr(b'"', rest)) {
        match quoted_end(bytes, at + open) {
            Some(end) => at = end,
            None => return false,
        }
    }
    true
}

/// Where the first `wanted` byte outside quotes stands, from `at` on; the end if there is none. A quote that is
/// never closed runs to the end.
pub(crate) fn find_unquoted(bytes: &[u8], mut at: usize, wanted: u8) -> usize {
    while let Some(offset) = bytes.get(at..).and_then(|rest| memchr2(wanted, b'"', rest)) {
        let found = at + offset;
        if bytes.get(found) == Some(&wanted) {
            return found;
        }
        match quoted_end(bytes, found) {
            Some(end) => at = end,
            None => break,
        }
    }
    bytes.len()
}

/// Where the first comma outside quotes and angle brackets stands, from `at` on; the end if there is none.
pub(crate) fn find_comma(bytes: &[u8], mut at: usize) -> usize {
    // Most values have none at all.
    if bytes.get(at..).and_then(|rest| memchr(b',', rest)).is_none() {
        return bytes.len();
    }
    while let Some(offset) = bytes.get(at..).and_then(|rest| memchr3(b',', b'"', b'<', rest)) {
        let found = at + offset;
        let next = match bytes.get(found) {
            Some(b'"') => quoted_end(bytes, found),
            Some(b'<') => bytes.get(found..).and_then(|rest| memchr(b'>', rest)).map(|len| found + len + 1),
            Some(_) | None => return found,
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    bytes.len()
}

/// The elements of one comma-separated value as `start..end` offsets, trimmed; empty ones are passed over.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for Elements<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        while self.at < self.bytes.len() {
            let comma = find_comma(self.bytes, self.at);
            let (start, end) = trim_range(self.bytes, self.at, comma);
            self.at = comma + 1;
            if start < end {
                return Some((start, end));
            }
        }
        None
    }
}

/// Reads a value from left to right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn skip_space(&mut self) {
        self.take(SPACE);
    }

    /// Passes over `byte`, which must come next.
    pub(crate) fn expect(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    /// Reads the bytes of a class that come next.
    pub(crate) fn take(&mut self, class: u8) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(run(self.rest, class));
        self.rest = rest;
        taken
    }

    pub(crate) fn digits(&mut self) -> &'a [u8] {
        let len = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    pub(crate) fn token(&mut self) -> Option<&'a [u8]> {
        Some(self.take(TOKEN)).filter(|token| !token.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: &[u8]) -> Vec<&[u8]> {
        Elements::of(bytes).map(|(start, end)| &bytes[start..end]).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        assert_eq!(
            split(br#" "a,\"b" <sip:x,y@h> , ,<sip:c>;q="1,2",d"#),
            [&br#""a,\"b" <sip:x,y@h>"#[..], br#"<sip:c>;q="1,2""#, b"d"]
        );
    }

    #[test]
    fn what_is_never_closed_runs_to_the_end() {
        assert_eq!(split(br#"a,"b,c"#), [&b"a"[..], br#""b,c"#]);
        assert_eq!(split(b"a,<b,c"), [&b"a"[..], b"<b,c"]);
        assert_eq!(split(br#""b\"#), [&br#""b\"#[..]]);
    }

    #[test]
    fn a_number_is_digits_only_and_saturates() {
        assert_eq!(number(b"0068"), Some(68));
        assert_eq!(number(b"36893488147419103232"), Some(u64::MAX));
        assert_eq!([number(b""), number(b"-1"), number(b"+1"), number(b"1 ")], [None; 4]);
    }
}
