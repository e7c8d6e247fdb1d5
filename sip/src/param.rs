//! `;name=value` lists as views over bytes.

use crate::scan::{find_unquoted, is_token, is_uri_byte, quoted_end, trim};
use memchr::memchr;

/// A list of parameters, from its first semicolon to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<'a> {
    /// The list as it was written.
    pub bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// The value of the parameter of that name (any case): `Some(None)` for one without a value, quotes kept. The
    /// first counts if there are several.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The value of the parameter of that name; `None` if it is missing or has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.get(name).flatten()
    }

    /// All parameters in order: name, value. Empty ones (`;;`) are passed over.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        Pieces::of(self.bytes).map(split).filter(|(name, value)| !name.is_empty() || value.is_some())
    }

    /// Is every parameter a token, alone or with a token, host or quoted string as its value?
    pub(crate) fn are_well_formed(&self) -> bool {
        Pieces::of(self.bytes).map(split).all(|(name, value)| is_token(name) && value.is_none_or(is_value))
    }
}

/// The trimmed bytes between semicolons.
struct Pieces<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Pieces<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: usize::from(bytes.first() == Some(&b';')) }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let is_over = self.at > self.bytes.len() || self.bytes.is_empty();
        if is_over {
            return None;
        }
        let end = find_unquoted(self.bytes, self.at, b';');
        let piece = self.bytes.get(self.at..end).unwrap_or_default();
        self.at = end + 1;
        Some(trim(piece))
    }
}

fn split(piece: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b'=', piece) {
        Some(at) => {
            let (name, value) = piece.split_at(at);
            (trim(name), Some(trim(value.get(1..).unwrap_or_default())))
        }
        None => (piece, None),
    }
}

/// Lenient on characters: only what could end the parameter or the header early is refused.
fn is_value(value: &[u8]) -> bool {
    if value.first() == Some(&b'"') {
        return quoted_end(value, 0) == Some(value.len());
    }
    !value.is_empty() && value.iter().all(|&byte| is_uri_byte(byte) && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(&[u8], Option<&[u8]>)> {
        Params { bytes }.iter().collect()
    }

    #[test]
    fn names_and_values_come_in_order_without_white_space() {
        assert_eq!(
            read(b";a=1 ;\r\n B = \"x;y\\\";\" ; lr"),
            [(&b"a"[..], Some(&b"1"[..])), (b"B", Some(b"\"x;y\\\";\"")), (b"lr", None)]
        );
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let params = Params { bytes: b";LR;Tag=7;tag=8;empty=" };
        assert_eq!(params.get("lr"), Some(None));
        assert_eq!(params.value("lr"), None);
        assert_eq!(params.value("tag"), Some(&b"7"[..]));
        assert_eq!(params.value("empty"), Some(&b""[..]));
        assert_eq!(params.get("ta"), None);
    }

    #[test]
    fn nothing_between_semicolons_is_passed_over_but_not_well_formed() {
        assert_eq!(read(b";;a;;"), [(&b"a"[..], None)]);
        assert_eq!(read(b""), []);
        assert!(Params { bytes: b"" }.are_well_formed());
        assert!(Params { bytes: br#"; a = "b;" ;c=[::1];d"# }.are_well_formed());
        for bad in [&b";"[..], b";;a", b";a;", b";a=", b";=b", b";a b", b";a=b c", br#";a="b"#, br#";a="b"c"#]
        {
            assert!(!Params { bytes: bad }.are_well_formed(), "{}", bad.escape_ascii());
        }
    }
}
