//! What a release cause of the telephone network says (ITU-T Q.850, carried by RFC 6432). It beats the status beside
//! it: a gateway has made that of this.

use sip::Cause;
use sip::reason::Location;

/// What a cause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The user is busy.
    Busy,
    /// The user does not answer, is away, or has hung up normally.
    NoAnswer,
    /// The user declined.
    Declined,
    /// The number is wrong, has changed or is not in use.
    Number,
    /// The network failed.
    Network,
    /// The network has no room for one more call.
    Capacity,
    /// The caller's number or right to call was not accepted.
    Identity,
    /// The kind of call was not accepted.
    Media,
    /// A timer of the network ran out.
    Timeout,
}

/// What a cause says; `None` if only the status beside it does (16 normal clearing, 111, 127 and all that are rarer).
/// Where it was said (RFC 8606) beats its usual reading: a network can be "busy" and a user out of circuits.
#[must_use]
pub const fn fault(cause: Cause) -> Option<Fault> {
    let usual = match cause.value {
        17 => Fault::Busy,
        18 | 19 | 20 | 31 => Fault::NoAnswer,
        21 => Fault::Declined,
        1 | 22 | 26 | 28 => Fault::Number,
        2 | 3 | 27 | 38 | 41 | 43 | 46 | 47 | 58 | 63 => Fault::Network,
        34 | 42 | 44 => Fault::Capacity,
        29 | 50 | 57 => Fault::Identity,
        65 | 79 | 88 => Fault::Media,
        102 => Fault::Timeout,
        _ => return None,
    };
    Some(match (side(cause.location), usual) {
        (Side::Network, Fault::Busy | Fault::NoAnswer | Fault::Declined) => Fault::Network,
        (Side::User, Fault::Network) => Fault::NoAnswer,
        (Side::User, Fault::Capacity) => Fault::Busy,
        (Side::User | Side::Network | Side::Unsaid, usual) => usual,
    })
}

enum Side {
    User,
    Network,
    Unsaid,
}

const fn side(location: Option<Location>) -> Side {
    match location {
        Some(Location::User | Location::RemoteLocal | Location::RemotePrivate) => Side::User,
        Some(Location::LocalPrivate | Location::Local | Location::Transit | Location::International) => {
            Side::Network
        }
        Some(Location::Beyond) | None => Side::Unsaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table_says_what_a_cause_is_about() {
        let rows: &[(&[u8], Option<Fault>)] = &[
            (&[17], Some(Fault::Busy)),
            (&[18, 19, 20, 31], Some(Fault::NoAnswer)),
            (&[21], Some(Fault::Declined)),
            (&[1, 22, 26, 28], Some(Fault::Number)),
            (&[2, 3, 27, 38, 41, 43, 46, 47, 58, 63], Some(Fault::Network)),
            (&[34, 42, 44], Some(Fault::Capacity)),
            (&[29, 50, 57], Some(Fault::Identity)),
            (&[65, 79, 88], Some(Fault::Media)),
            (&[102], Some(Fault::Timeout)),
        ];
        for value in 0..=u8::MAX {
            let row = rows.iter().find(|(values, _)| values.contains(&value));
            let expected = row.and_then(|(_, fault)| *fault);
            assert_eq!(fault(Cause { value, location: None }), expected, "{value}");
        }
    }

    #[test]
    fn where_it_was_said_beats_the_usual_reading() {
        let at = |value, location| fault(Cause { value, location: Some(location) });
        for user in [Location::User, Location::RemoteLocal, Location::RemotePrivate] {
            assert_eq!(at(17, user), Some(Fault::Busy));
            assert_eq!(at(27, user), Some(Fault::NoAnswer));
            assert_eq!(at(34, user), Some(Fault::Busy));
        }
        for network in [Location::Local, Location::Transit, Location::International, Location::LocalPrivate] {
            assert_eq!(at(17, network), Some(Fault::Network));
            assert_eq!(at(19, network), Some(Fault::Network));
            assert_eq!(at(21, network), Some(Fault::Network));
            assert_eq!(at(34, network), Some(Fault::Capacity));
            assert_eq!(at(1, network), Some(Fault::Number));
        }
        assert_eq!(at(17, Location::Beyond), Some(Fault::Busy));
        assert_eq!(at(16, Location::Local), None);
    }
}
