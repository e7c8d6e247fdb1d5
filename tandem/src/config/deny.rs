//! `deny = ["+1900"]`: beginnings of phone numbers that are not rung, since whoever gets one into the file could earn by
//! every call.

use crate::codes::Code;
use crate::config::draft::Draft;
use crate::config::reader::{Problems, Table, kind, shown};
use crate::config::settings::DENY_MAX;
use crate::diagnostic::{Diagnostic, Span};
use router::target::Reach;
use toml::de::DeValue;

/// What is denied: with the place, or by default.
pub(super) struct Denied {
    written: Option<Vec<(String, Span)>>,
}

/// Reads `deny`; an empty list denies nothing.
pub(super) fn read(top: &mut Table<'_>, problems: &mut Problems<'_>) -> Denied {
    let Some(value) = top.take("deny") else { return Denied { written: None } };
    let DeValue::Array(list) = value.get_ref() else {
        problems.kind("deny", WANTED, value);
        return Denied { written: None };
    };
    if let Some(over) = list.get(DENY_MAX) {
        problems.add(crate::config::reader::too_many("deny", DENY_MAX, over.span()));
    }
    let mut written = Vec::new();
    for value in list.iter().take(DENY_MAX) {
        match value.get_ref() {
            DeValue::String(text) if is_prefix(text) => written.push((text.to_string(), value.span())),
            DeValue::String(text) => {
                let title = format!("`{}` is no beginning of phone numbers", shown(text));
                let problem = Diagnostic::new(Code::E015, title).at(value.span(), "only a plus and digits");
                problems.add(problem.help("write a plus, the country code and what follows: `+1900`"));
            }
            other @ (DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_)) => {
                let title = format!("`deny` must be {WANTED}, not {}", kind(other));
                problems.add(Diagnostic::new(Code::E011, title).at(value.span(), ""));
            }
        }
    }
    Denied { written: Some(written) }
}

/// E114: a destination's number begins with what is denied.
pub(super) fn refuse(denied: &Denied, draft: &Draft, problems: &mut Problems<'_>) {
    for (target, (span, _)) in draft.plan.targets.iter().zip(&draft.targets) {
        let Reach::Number(number) = &target.reach else { continue };
        let Some((prefix, place)) = denied.hit(number) else { continue };
        let title =
            format!("`{}` has a number that is not rung: it begins with {prefix}", shown(&target.name));
        let problem = Diagnostic::new(Code::E114, title).at(span.clone(), "premium or satellite, perhaps");
        problems.add(match place {
            Some(place) => problem.at(place.clone(), "denied here"),
            None => problem.help(
                "if it is meant, write the beginnings that you do deny at the top of the file: `deny = [\"+1900\"]`",
            ),
        });
    }
}

impl Denied {
    fn hit(&self, number: &str) -> Option<(&str, Option<&Span>)> {
        match &self.written {
            Some(written) => {
                let found = written.iter().find(|(prefix, _)| number.starts_with(prefix.as_str()));
                found.map(|(prefix, span)| (prefix.as_str(), Some(span)))
            }
            None => DENIED.iter().find(|prefix| number.starts_with(**prefix)).map(|prefix| (*prefix, None)),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (1..=DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

const WANTED: &str = "a list of beginnings of phone numbers such as `[\"+1900\", \"+881\"]`";

/// The longest phone number (E.164 §6.2.1).
const DIGITS_MAX: usize = 15;

/// Numbers that cost the caller by the minute for what is said there, and satellite and international networks: nobody's
/// mobile. Countries as such are not denied; a business may have people anywhere.
const DENIED: [&str; 30] = [
    // Satellites, international networks, the international premium rate service (ITU-T E.164).
    "+870", "+878", "+881", "+882", "+883", "+979",
    // North America, United Kingdom, Germany, France, Italy, Spain.
    "+1900", "+449", "+49900", "+49137", "+3389", "+3989", "+34803", "+34806", "+34807", "+34905",
    // Netherlands, Belgium, Switzerland, Austria.
    "+31900", "+31906", "+31909", "+3290", "+41900", "+41901", "+41906", "+43900", "+43901", "+43930",
    "+43931", // Australia, New Zealand, Japan.
    "+61190", "+64900", "+81990",
];
