//! Reads out of a refusal what the code table asks for.

use crate::outcome::Said;
use crate::q850;
use sip::text::leading_decimal;
use sip::{Message, Name, reason};

/// What a refusal says.
#[must_use]
pub fn said(response: &Message) -> Said {
    Said {
        status: response.status().unwrap_or(500),
        retry_after: retry_after(response),
        cause: cause(response),
    }
}

/// Reads Retry-After in seconds; its comment and parameters are left out.
#[must_use]
pub fn retry_after(response: &Message) -> Option<u32> {
    u32::try_from(leading_decimal(response.value(Name::RetryAfter)?)?).ok()
}

/// Where whoever was rejected by an analysis of calls (608, RFC 8688 §3.3) is told that he may complain, in words for records.
#[must_use]
pub fn rejected_because(response: &Message) -> Option<String> {
    let value = response.value(Name::CallInfo).filter(|_| response.status() == Some(608))?;
    let shown = value.get(..value.len().min(CALL_INFO_MAX))?;
    Some(format!(", see {}", String::from_utf8_lossy(shown)))
}

/// Bytes of a Call-Info that a record keeps: an address fits.
const CALL_INFO_MAX: usize = 256;

/// Of several causes (RFC 9366) the first that says more than the status does; else the first.
fn cause(response: &Message) -> Option<sip::Cause> {
    let mut causes = reason::causes(response);
    let first = causes.next()?;
    Some(core::iter::once(first).chain(causes).find(|cause| q850::fault(*cause).is_some()).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Said {
        let text = format!("SIP/2.0 503 Service Unavailable\r\n{lines}\r\n");
        said(&Message::parse(text.into_bytes().into()).unwrap())
    }

    #[test]
    fn retry_after_is_read_without_its_comment_and_parameters() {
        let seconds = |value: &str| read(&format!("Retry-After: {value}\r\n")).retry_after;
        assert_eq!(seconds("18000;duration=3600"), Some(18_000));
        assert_eq!(seconds("120 (I'm in a meeting)"), Some(120));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("99999999999"), None);
        assert_eq!(read("").retry_after, None);
    }

    #[test]
    fn only_a_608_says_where_to_complain() {
        let because = |status: &str| {
            let text = format!(
                "SIP/2.0 {status} Rejected\r\nCall-Info: <https://a.example/x>;purpose=jwscard\r\n\r\n"
            );
            rejected_because(&Message::parse(text.into_bytes().into()).unwrap())
        };
        assert_eq!(because("608").as_deref(), Some(", see <https://a.example/x>;purpose=jwscard"));
        assert_eq!(because("603"), None);
    }

    #[test]
    fn of_several_causes_the_first_that_says_something_counts() {
        let value = |lines| read(lines).cause.map(|cause| cause.value);
        assert_eq!(value("Reason: Q.850;cause=16, Q.850;cause=34\r\nReason: Q.850;cause=17\r\n"), Some(34));
        assert_eq!(value("Reason: SIP;cause=486, Q.850;cause=16\r\n"), Some(16));
        assert_eq!(value("Reason: SIP;cause=486\r\n"), None);
    }
}
