//! Reason (RFC 3326): why a request or response was sent, in the words of another protocol.

use crate::header::Name;
use crate::message::Message;
use crate::param::Params;
use crate::scan::trim;
use memchr::memchr;

/// One value of a Reason header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// In whose words: `SIP`, `Q.850`, as it was written.
    pub protocol: &'a [u8],
    /// The cause; `None` if there is none, or if it is no number up to 999.
    pub cause: Option<u16>,
    /// Where it was said (RFC 8606); `None` if it does not say so, or in a word that is not known.
    pub location: Option<Location>,
}

/// A release cause of the telephone network (ITU-T Q.850), as a response carries it (RFC 6432).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The value: 0 to 127.
    pub value: u8,
    /// Where it was said.
    pub location: Option<Location>,
}

/// Where in the telephone network a cause arose (RFC 8606 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// `U`: the user.
    User,
    /// `LPN`: the private network of the local user.
    LocalPrivate,
    /// `LN`: the public network of the local user.
    Local,
    /// `TN`: a network on the way.
    Transit,
    /// `RLN`: the public network of the remote user.
    RemoteLocal,
    /// `RPN`: the private network of the remote user.
    RemotePrivate,
    /// `INTL`: the international network.
    International,
    /// `BI`: a network beyond the point where two kinds of network meet.
    Beyond,
}

impl<'a> Reason<'a> {
    /// Reads one value: a protocol and its parameters.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Self {
        let (protocol, params) = value.split_at(memchr(b';', value).unwrap_or(value.len()));
        let params = Params { bytes: params };
        let cause = params.value("cause").and_then(cause);
        let location = params.value("location").and_then(Location::named);
        Self { protocol: trim(protocol), cause, location }
    }
}

impl Location {
    /// All of them, in the order of their names in this list.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::LocalPrivate,
        Self::Local,
        Self::Transit,
        Self::RemoteLocal,
        Self::RemotePrivate,
        Self::International,
        Self::Beyond,
    ];

    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "U",
            Self::LocalPrivate => "LPN",
            Self::Local => "LN",
            Self::Transit => "TN",
            Self::RemoteLocal => "RLN",
            Self::RemotePrivate => "RPN",
            Self::International => "INTL",
            Self::Beyond => "BI",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|one| name.eq_ignore_ascii_case(one.as_str().as_bytes()))
    }
}

/// The Q.850 causes of a message, in order: RFC 9366 allows several values of one protocol.
pub fn causes(message: &Message) -> impl Iterator<Item = Cause> {
    message.elements(Name::Reason).filter_map(|span| {
        let reason = Reason::parse(message.at(span));
        let value = reason.cause.and_then(|cause| u8::try_from(cause).ok()).filter(|value| *value < 128)?;
        let is_q850 = reason.protocol.eq_ignore_ascii_case(b"Q.850");
        is_q850.then_some(Cause { value, location: reason.location })
    })
}

fn cause(digits: &[u8]) -> Option<u16> {
    let plain = digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Vec<(u8, Option<Location>)> {
        let text = format!("SIP/2.0 486 Busy Here\r\n{lines}\r\n");
        let message = Message::parse(text.into_bytes().into()).unwrap();
        causes(&message).map(|cause| (cause.value, cause.location)).collect()
    }

    #[test]
    fn a_value_is_a_protocol_a_cause_and_a_location() {
        let reason = Reason::parse(b"Q.850 ;cause=16 ;text=\"a;cause=3\" ;location=RLN");
        assert_eq!((reason.protocol, reason.cause), (&b"Q.850"[..], Some(16)));
        assert_eq!(reason.location, Some(Location::RemoteLocal));
        let reason = Reason::parse(b"SIP");
        assert_eq!((reason.protocol, reason.cause, reason.location), (&b"SIP"[..], None, None));
    }

    #[test]
    fn every_location_is_read_in_any_case() {
        for location in Location::ALL {
            let lower = location.as_str().to_ascii_lowercase();
            assert_eq!(Location::named(location.as_str().as_bytes()), Some(location));
            assert_eq!(Location::named(lower.as_bytes()), Some(location));
        }
        assert_eq!(Location::named(b"X"), None);
    }

    #[test]
    fn of_several_values_and_lines_the_causes_of_the_telephone_network_come_in_order() {
        let lines =
            "Reason: SIP;cause=200;text=\"a, b\", q.850;cause=17\r\nReason: Q.850;cause=34;location=ln\r\n";
        assert_eq!(read(lines), [(17, None), (34, Some(Location::Local))]);
        assert_eq!(read("Subject: none\r\n"), []);
    }

    #[test]
    fn what_is_no_cause_is_none() {
        for bad in ["", "-1", "+7", "1 7", "0x11", "1234", "99999999999", "\"17\"", "128", "999"] {
            assert_eq!(read(&format!("Reason: Q.850;cause={bad}\r\n")), [], "{bad}");
        }
        assert_eq!(read("Reason: Q.850\r\nReason: Q.850;CAUSE=017\r\n"), [(17, None)]);
    }
}
