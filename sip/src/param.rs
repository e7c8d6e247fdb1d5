//! `;name=value` lists as views over bytes.

use crate::scan::{TOKEN, VALUE, find_unquoted, is_all, is_token, quoted_end, run, trim};
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
        let is_there = |param: &Param<'_>| !param.name.is_empty() || param.value.is_some();
        self.all().filter(is_there).map(|param| (param.name, param.value))
    }

    /// What stands between the semicolons, empty ones too.
    pub(crate) fn all(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let rest = (!self.bytes.is_empty()).then(|| self.bytes.strip_prefix(b";").unwrap_or(self.bytes));
        Pieces { rest }
    }

    /// Is every parameter well formed?
    pub(crate) fn are_well_formed(&self) -> bool {
        self.all().all(|param| param.is_well_formed)
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
    /// A token, alone or with a token, host or quoted string as its value?
    pub(crate) is_well_formed: bool,
}

struct Pieces<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        let rest = self.rest?;
        let (param, len) = plain(rest).unwrap_or_else(|| any(rest));
        self.rest = rest.get(len + 1..);
        Some(param)
    }
}

/// The parameter at the beginning, with its length, if it is `token` or `token=value` without quotes and white space:
/// most are.
fn plain(bytes: &[u8]) -> Option<(Param<'_>, usize)> {
    let (name, rest) = bytes.split_at(run(bytes, TOKEN));
    let value = rest.strip_prefix(b"=").map(|rest| rest.split_at(run(rest, VALUE)).0);
    let len = name.len() + value.map_or(0, |value| 1 + value.len());
    let is_plain = !name.is_empty() && value != Some(b"") && matches!(bytes.get(len), None | Some(b';'));
    is_plain.then_some((Param { name, value, is_well_formed: true }, len))
}

/// The parameter at the beginning, whatever it is.
fn any(bytes: &[u8]) -> (Param<'_>, usize) {
    let len = find_unquoted(bytes, 0, b';');
    let piece = trim(bytes.get(..len).unwrap_or_default());
    let (name, value) = piece.split_at(memchr(b'=', piece).unwrap_or(piece.len()));
    let (name, value) = (trim(name), value.strip_prefix(b"=").map(trim));
    (Param { name, value, is_well_formed: is_token(name) && value.is_none_or(is_value) }, len)
}

/// Lenient on characters: only what could end the parameter or the header early is refused.
fn is_value(value: &[u8]) -> bool {
    if value.first() == Some(&b'"') {
        return quoted_end(value, 0) == Some(value.len());
    }
    !value.is_empty() && is_all(value, VALUE)
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
