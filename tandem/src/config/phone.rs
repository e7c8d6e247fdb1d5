//! Phone numbers: E.164 with the plus, nothing else; what people write instead gets a fix.

use crate::codes::Code;
use crate::config::reader::{quoted, shown};
use crate::diagnostic::{Diagnostic, Span};

/// Whether a text is meant as a phone number rather than an address.
pub(super) fn is_meant(written: &str) -> bool {
    let address = written.parse::<core::net::Ipv4Addr>().is_ok();
    let mark =
        |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}');
    !address && written.chars().any(|c| c.is_ascii_digit()) && written.chars().all(mark)
}

/// Whether a text is E.164 with the plus (ITU-T E.164 §6.1: at most 15 digits, a country code never begins with 0).
pub(super) fn is_e164(written: &str) -> bool {
    let Some(digits) = written.strip_prefix('+') else { return false };
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

/// What is wrong with a text that is not E.164, with a fix where only one number can be meant. `span` is the text
/// with its quotes, if it has some.
pub(super) fn problem(written: &str, span: Span) -> Diagnostic {
    let title = format!("`{}` is not a phone number with its country code", shown(written));
    let diagnostic = Diagnostic::new(Code::E015, title);
    match guess(written) {
        Some(number) => diagnostic.at(span.clone(), reason(written)).fix("write", span, quoted(&number)),
        None => diagnostic.at(span, reason(written)).help(
            "write a plus, the country code and the number, without spaces: `+15035550111`, `+442079460123`",
        ),
    }
}

fn reason(written: &str) -> &'static str {
    let digits = written.bytes().filter(u8::is_ascii_digit).count();
    if !is_meant(written) {
        "only a plus and digits"
    } else if digits > DIGITS_MAX {
        "more than 15 digits"
    } else if digits < DIGITS_MIN {
        "too short"
    } else if written.trim().starts_with('+') {
        "only a plus and digits, without spaces and marks"
    } else {
        "the plus is missing"
    }
}

/// The one number that can be meant. Ten digits alone could be of any country: no guess.
fn guess(written: &str) -> Option<String> {
    if !is_meant(written) {
        return None;
    }
    // "+44 (0)20 …": the zero in brackets is dialled only inside the country.
    let plain = written.replace("(0)", "");
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let international = if plain.trim().starts_with('+') {
        digits
    } else if let Some(rest) = digits.strip_prefix("011").filter(|rest| rest.len() > 9) {
        rest.to_owned()
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else if digits.len() >= 11 {
        digits
    } else {
        return None;
    };
    Some(format!("+{international}")).filter(|number| is_e164(number))
}

/// The shortest numbers of the world (Niue, Saint Helena) have 7 digits with their country code.
const DIGITS_MIN: usize = 7;
const DIGITS_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e164_is_a_plus_and_seven_to_fifteen_digits() {
        for good in ["+15035550111", "+442079460123", "+6834002", "+123456789012345"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in [
            "15035550111",
            "+1 503 555 0111",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+",
            "",
            "+1503555o111",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn a_number_is_guessed_only_if_one_country_can_be_meant() {
        assert_eq!(guess("15035550111").as_deref(), Some("+15035550111"));
        assert_eq!(guess("+1 (503) 555-0111").as_deref(), Some("+15035550111"));
        assert_eq!(guess("+44 (0)20 7946 0123").as_deref(), Some("+442079460123"));
        assert_eq!(guess("0044 20 7946 0123").as_deref(), Some("+442079460123"));
        assert_eq!(guess("011 44 20 7946 0123").as_deref(), Some("+442079460123"));
        assert_eq!(guess("5035550111"), None);
        assert_eq!(guess("020 7946 0123"), None);
        assert_eq!(guess("911"), None);
        assert_eq!(guess("office"), None);
    }
}
