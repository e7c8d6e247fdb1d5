//! Both sides of a bridge are calls of one peer: it is asked to join them by itself (RFC 3515, RFC 3891, RFC 5589), and their sound need
//! not come here any more. Until it has, and if it never does, they hear each other by us: to ask costs nobody his call.

use core::time::Duration;
use sip::Time;

/// One peer that may be asked once.
#[derive(Clone, Copy, Debug)]
pub struct Joining {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It is asked once the caller has acknowledged our answer: before, it may not know his call yet.
    Waiting,
    /// It was asked, and says nothing or that it tries.
    Asked { until: Time },
    /// It says that it has joined them: it ends the person's call, or leaves both to us.
    Joined { until: Time },
    /// Nobody is asked, or not any more.
    Not,
}

/// What is to be done once a peer has had its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// All goes on as it does.
    GoOn,
    /// Both sides are ended: they hear each other elsewhere.
    Part,
}

/// So long somebody who was asked is expected to say how it went: 64 · T1.
const ASKED: Duration = Duration::from_secs(32);

/// So long after he says that he has joined them he may end what is over for him himself.
const GRACE: Duration = Duration::from_secs(5);

/// Sound that still comes so shortly before tells that he has not, whatever he says.
const HEARD: Duration = Duration::from_secs(2);

/// So long a side is kept whose other one was ended while somebody is asked to join them: he may not have taken it over yet. If the other
/// one has hung up instead, this one hears nothing for so long.
pub const KEPT: Duration = Duration::from_secs(3);

impl Joining {
    /// Of calls whose peer is marked as able, or not.
    #[must_use]
    pub const fn new(is_able: bool) -> Self {
        Self { state: if is_able { State::Waiting } else { State::Not } }
    }

    /// Both sides are up: is it to be asked now?
    pub fn is_due(&mut self, now: Time) -> bool {
        let is_due = matches!(self.state, State::Waiting);
        if is_due {
            self.state = State::Asked { until: now + ASKED };
        }
        is_due
    }

    /// It says how it goes: a status, as it would be that of the INVITE that joins them. After a refusal it may still say otherwise; who
    /// asks twice is told twice.
    pub fn on_said(&mut self, status: u16, now: Time) {
        match (&self.state, status) {
            (State::Waiting, _) | (_, 0..=199) => {}
            (State::Asked { .. } | State::Joined { .. } | State::Not, 200..=299) => {
                self.state = State::Joined { until: now + GRACE };
            }
            (State::Asked { .. } | State::Joined { .. } | State::Not, 300..) => self.state = State::Not,
        }
    }

    /// May it still need the other side, if it has ended one?
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        match self.state {
            State::Asked { .. } => true,
            State::Waiting | State::Joined { .. } | State::Not => false,
        }
    }

    /// Acts if a deadline has come: sound was last heard then.
    pub fn on_deadline(&mut self, heard: Time, now: Time) -> Next {
        match self.state {
            State::Asked { until } if until <= now => self.state = State::Not,
            State::Joined { until } if until <= now => {
                self.state = State::Not;
                if now.since(heard) >= HEARD {
                    return Next::Part;
                }
            }
            State::Waiting | State::Asked { .. } | State::Joined { .. } | State::Not => {}
        }
        Next::GoOn
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub const fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Asked { until } | State::Joined { until } => Some(until),
            State::Waiting | State::Not => None,
        }
    }
}

/// What the message of a NOTIFY says of how it goes (RFC 3515 §2.4.5, RFC 3420): the status in its first line. Who ends it without a word
/// has not done it.
#[must_use]
pub fn told(fragment: &[u8], is_last: bool) -> u16 {
    let digits = fragment.trim_ascii_start().strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3));
    let status = digits.and_then(|digits| core::str::from_utf8(digits).ok()?.parse().ok());
    match status.filter(|status| (100..700).contains(status)) {
        Some(status) if status >= 200 || !is_last => status,
        Some(_) | None if is_last => 408,
        Some(_) | None => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn asked() -> Joining {
        let mut joining = Joining::new(true);
        assert!(joining.is_due(at(0)) && !joining.is_due(at(1)), "once");
        joining
    }

    #[test]
    fn who_is_not_able_is_never_asked() {
        let mut joining = Joining::new(false);
        assert!(!joining.is_due(at(0)) && joining.deadline().is_none() && !joining.is_under_way());
    }

    #[test]
    fn what_was_joined_elsewhere_is_parted_here_unless_it_is_still_heard() {
        for (heard, next) in [(3, Next::Part), (5, Next::GoOn)] {
            let mut joining = asked();
            joining.on_said(100, at(0));
            joining.on_said(200, at(1));
            // The answer to the question comes after what became of it.
            joining.on_said(100, at(1));
            assert_eq!(joining.on_deadline(at(5), at(5)), Next::GoOn);
            assert_eq!(joining.deadline(), Some(at(6)));
            assert_eq!(joining.on_deadline(at(heard), at(6)), next);
            assert_eq!(joining.deadline(), None);
        }
    }

    #[test]
    fn a_refusal_and_silence_leave_all_as_it_is_and_a_late_word_still_counts() {
        let mut joining = asked();
        assert!(joining.is_under_way());
        joining.on_said(603, at(1));
        assert!(!joining.is_under_way() && joining.deadline().is_none());
        let mut joining = asked();
        assert_eq!(joining.deadline(), Some(at(32)));
        assert_eq!(joining.on_deadline(at(0), at(32)), Next::GoOn);
        assert!(!joining.is_under_way());
        joining.on_said(200, at(61));
        assert_eq!(joining.on_deadline(at(0), at(66)), Next::Part);
    }

    #[test]
    fn a_fragment_says_its_status_and_the_last_one_that_says_none_is_a_refusal() {
        let cases: [(&[u8], bool, u16); 8] = [
            (b"SIP/2.0 100 Trying\r\n", false, 100),
            (b"SIP/2.0 180 Ringing", false, 180),
            (b"SIP/2.0 200 OK\r\nTo: <sip:a>\r\n", true, 200),
            (b"SIP/2.0 603 Decline", false, 603),
            (b"SIP/2.0 100 Trying", true, 408),
            (b"", true, 408),
            (b"", false, 100),
            (b"SIP/2.0 999 Odd", false, 100),
        ];
        for (fragment, is_last, status) in cases {
            assert_eq!(told(fragment, is_last), status, "{}", String::from_utf8_lossy(fragment));
        }
    }
}
