//! How a phone behaves when it is rung: a manner, and the acts it comes down to.

use core::time::Duration;

/// How a phone, a PBX or the far end of a trunk behaves. Spans count from the moment the INVITE came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Takes everything and says nothing: a dead process on a live host, or a dead host.
    Dead,
    /// Nothing listens: the network says so.
    Icmp,
    /// Answers OPTIONS and nothing else.
    Gray,
    /// Nothing for so long, then it rings, then it answers a second later.
    Slow(Duration),
    /// Nothing for so long, then it answers.
    Sudden(Duration),
    /// Says 100 and no more.
    Trying,
    /// Refuses.
    Refuse {
        /// When.
        after: Duration,
        /// With which status.
        status: u16,
        /// With which header lines beyond the usual, each ended by CRLF.
        extra: &'static str,
    },
    /// Rings, then refuses.
    RingRefuse {
        /// When it refuses; it rings at once.
        after: Duration,
        /// With which status.
        status: u16,
    },
    /// Rings for ever.
    Ring {
        /// From when on.
        after: Duration,
    },
    /// Rings for ever and does not hear CANCEL.
    Deaf,
    /// Rings, then answers.
    Answer {
        /// When it rings.
        ring: Duration,
        /// When it answers.
        answer: Duration,
    },
    /// Early media, then a final response.
    Early {
        /// When the early media begins.
        media: Duration,
        /// When the final response comes.
        after: Duration,
        /// Which: 200 or a refusal.
        status: u16,
    },
    /// Rings; answers the INVITE in the very moment it is cancelled.
    Crossing,
    /// Two phones behind a proxy of theirs: both answer, with tags of their own.
    Twins {
        /// When the first answers; the second does 20 ms later.
        answer: Duration,
    },
    /// Answers, and says so three times although it was heard.
    Loud {
        /// When it answers.
        answer: Duration,
    },
    /// Answers with a response that has lost all Via lines but the top one.
    LostVia {
        /// When it answers.
        answer: Duration,
    },
    /// Answers calls from this number after a second, and refuses all others at once.
    Picky {
        /// The user part that must stand in From.
        from: &'static str,
        /// With which status it refuses.
        status: u16,
    },
    /// Is a proxy that sends the call back to where it came from, for this user.
    Return(&'static str),
    /// Is a number that forwards its calls to another one: the carrier places a call of its own for it.
    Forwards {
        /// Which number.
        to: &'static str,
        /// Does the carrier leave in that call what it does not know of this one?
        keeps: bool,
    },
    /// Answers with another CSeq than was asked.
    WrongCSeq {
        /// When it answers.
        answer: Duration,
    },
}

/// What is wrong on purpose with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Nothing.
    None,
    /// Only the top Via is copied.
    LostVia,
    /// The CSeq number is another.
    WrongCSeq,
}

/// One response to an INVITE, to be sent at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// How long after the INVITE came.
    pub after: Duration,
    /// The status.
    pub status: u16,
    /// Which of the phones behind this one says it: each has a tag of its own.
    pub fork: u8,
    /// With a body?
    pub sdp: bool,
    /// More header lines.
    pub extra: &'static str,
    /// What is wrong with it.
    pub twist: Twist,
}

impl Act {
    /// A plain response.
    #[must_use]
    pub const fn say(after: Duration, status: u16) -> Self {
        Self { after, status, fork: 0, sdp: status >= 200 && status < 300, extra: "", twist: Twist::None }
    }
}

impl Manner {
    /// Rings and answers after so many milliseconds.
    #[must_use]
    pub const fn says(ring: u64, answer: u64) -> Self {
        Self::Answer { ring: Duration::from_millis(ring), answer: Duration::from_millis(answer) }
    }

    /// Refuses at once.
    #[must_use]
    pub const fn refuses(status: u16) -> Self {
        Self::Refuse { after: Duration::ZERO, status, extra: "" }
    }

    /// How it takes a call from this user.
    #[must_use]
    pub fn towards(self, caller: &[u8]) -> Self {
        let Self::Picky { from, status } = self else { return self };
        if from.as_bytes() == caller { Self::says(0, 1000) } else { Self::refuses(status) }
    }

    /// What it does when an INVITE comes, in order of time.
    #[must_use]
    pub fn acts(self) -> Vec<Act> {
        let trying = Act::say(Duration::ZERO, 100);
        let ringing = Act::say(Duration::ZERO, 180);
        let say = Act::say;
        match self {
            Self::Dead | Self::Icmp | Self::Gray | Self::Return(_) => Vec::new(),
            Self::Forwards { .. } => vec![trying],
            Self::Picky { status, .. } => vec![say(Duration::ZERO, status)],
            Self::Sudden(by) => vec![say(by, 200)],
            Self::Slow(by) => vec![say(by, 180), say(by + Duration::from_secs(1), 200)],
            Self::Trying => vec![trying],
            Self::Refuse { after, status, extra } => match after {
                Duration::ZERO => vec![Act { extra, ..say(after, status) }],
                _ => vec![trying, Act { extra, ..say(after, status) }],
            },
            Self::RingRefuse { after, status } => vec![ringing, say(after, status)],
            Self::Ring { after } => vec![trying, say(after, 180)],
            Self::Deaf | Self::Crossing => vec![ringing],
            Self::Answer { ring, answer } => vec![trying, say(ring, 180), say(answer, 200)],
            Self::Early { media, after, status } => {
                vec![trying, Act { sdp: true, ..say(media, 183) }, say(after, status)]
            }
            Self::Twins { answer } => {
                let second = Act { fork: 1, ..say(answer + Duration::from_millis(20), 200) };
                vec![ringing, say(answer, 200), second]
            }
            Self::Loud { answer } => {
                let again = |ms| say(answer + Duration::from_millis(ms), 200);
                vec![ringing, again(0), again(10), again(25)]
            }
            Self::LostVia { answer } => vec![ringing, Act { twist: Twist::LostVia, ..say(answer, 200) }],
            Self::WrongCSeq { answer } => vec![ringing, Act { twist: Twist::WrongCSeq, ..say(answer, 200) }],
        }
    }

    /// Does it hear anything at all?
    #[must_use]
    pub const fn lives(self) -> bool {
        !matches!(self, Self::Dead | Self::Icmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_come_in_order_of_time() {
        let second = Duration::from_secs(1);
        let all = [
            Manner::Slow(second),
            Manner::says(100, 2000),
            Manner::Twins { answer: second },
            Manner::Loud { answer: second },
            Manner::Early { media: Duration::ZERO, after: second, status: 200 },
        ];
        assert!(all.iter().all(|manner| manner.acts().is_sorted_by_key(|act| act.after)));
    }

    #[test]
    fn the_dead_say_nothing() {
        assert!(Manner::Dead.acts().is_empty() && Manner::Icmp.acts().is_empty());
        assert!(!Manner::Dead.lives() && Manner::Gray.lives());
    }
}
