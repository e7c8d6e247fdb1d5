//! Sound that goes from one line to another as it came: nothing is decoded, nothing is kept.

use crate::g711::samples;
use crate::line::{Kind, Line};
use core::net::SocketAddr;
use core::time::Duration;
use sip::Time;

/// The two sides of a call that is led on; each has a port of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who calls.
    Caller,
    /// Whom it is led to.
    Person,
}

impl Side {
    /// The one on the other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Person,
            Self::Person => Self::Caller,
        }
    }
}

/// Two lines that hear each other, in one law.
#[derive(Clone, Copy, Debug)]
pub struct Bridge {
    to_caller: Way,
    to_person: Way,
    /// When anybody was heard last.
    heard: Time,
}

/// So long both may say nothing. Without a session timer nobody else says that a call is over whose two ends are gone; who is on hold
/// may hear nothing for long.
const SILENCE_MAX: Duration = Duration::from_mins(30);

impl Bridge {
    /// From now on.
    #[must_use]
    pub fn new(now: Time) -> Self {
        Self { to_caller: Way::default(), to_person: Way::default(), heard: now }
    }

    /// Takes a datagram that came from there to the port of this side, as [`Way::relay`] does.
    pub fn relay(
        &mut self,
        side: Side,
        (caller, person): (&mut Line, &mut Line),
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
    ) -> Option<SocketAddr> {
        let to = match side {
            Side::Caller => self.to_person.relay(caller, from, person, datagram, now),
            Side::Person => self.to_caller.relay(person, from, caller, datagram, now),
        }?;
        self.heard = now;
        Some(to)
    }

    /// When anybody was heard last.
    #[must_use]
    pub const fn heard(&self) -> Time {
        self.heard
    }

    /// When it ends if nobody is heard until then.
    #[must_use]
    pub fn ends(&self) -> Time {
        self.heard + SILENCE_MAX
    }
}

/// One way of a conversation: what is heard on one line is said on another, which speaks the same law.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    source: Option<Source>,
}

/// Whose packets go over, and how they are numbered there: what was lost on the way here stays lost, and in its place.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// What is added to a sequence number.
    sequence: u16,
    /// What is added to a timestamp.
    timestamp: u32,
    /// The number of the newest packet, as it came.
    newest: u16,
    /// The timestamp of the newest sound, as it came, and when.
    sound: (u32, Time),
}

/// A number further from the last than this is that of another stream: after 20 s without one we are told otherwise.
const ASTRAY: u16 = 1_000;

/// A timestamp that lies further from when its packet came than this, after the last, means nothing.
const ASTRAY_TIME: Duration = Duration::from_secs(2);

impl Way {
    /// Takes a datagram that came to the port of one line from there, and makes it one of the other line. `Some` says where the
    /// other line sends it from its port, as it reads now; `None` that it goes nowhere.
    pub fn relay(
        &mut self,
        from: &mut Line,
        there: SocketAddr,
        to: &mut Line,
        datagram: &mut Vec<u8>,
        now: Time,
    ) -> Option<SocketAddr> {
        let (kind, heard) = from.overhear(there, datagram, now)?;
        let (ssrc, number, stamp, length) =
            (heard.ssrc, heard.sequence, heard.timestamp, heard.payload.len());
        let Some((payload_type, remote)) = kind.and_then(|kind| to.says(kind)) else {
            self.leave_out(ssrc, number);
            return None;
        };
        let is_sound = kind == Some(Kind::Sound);
        let known = self.source.filter(|source| source.is_of(ssrc, number, is_sound.then_some(stamp), now));
        let marker = heard.marker || known.is_none();
        let source = self.source.insert(known.unwrap_or_else(|| {
            let (next, next_stamp) = to.resume(now);
            let (sequence, timestamp) = (next.wrapping_sub(number), next_stamp.wrapping_sub(stamp));
            Source { ssrc, sequence, timestamp, newest: number.wrapping_sub(1), sound: (stamp, now) }
        }));
        let is_newer = ahead(number, source.newest) > 0;
        if is_newer {
            source.newest = number;
        }
        if is_newer && is_sound {
            source.sound = (stamp, now);
        }
        let numbers = (number.wrapping_add(source.sequence), stamp.wrapping_add(source.timestamp));
        let newest = is_newer.then_some(if is_sound { length } else { 0 });
        to.pass(datagram, (payload_type, marker), numbers, newest, now);
        Some(remote)
    }

    /// What does not go over leaves no gap behind that would count as a loss.
    fn leave_out(&mut self, ssrc: u32, number: u16) {
        if let Some(source) = self.source.as_mut().filter(|source| source.ssrc == ssrc)
            && ahead(number, source.newest) > 0
        {
            source.newest = number;
            source.sequence = source.sequence.wrapping_sub(1);
        }
    }
}

impl Source {
    /// Does a packet go on with this stream? Its timestamp is given if it is of sound: a digit keeps that of its beginning.
    fn is_of(&self, ssrc: u32, number: u16, stamp: Option<u32>, now: Time) -> bool {
        let is_astray = |stamp: u32| {
            let (last, at) = self.sound;
            // Timestamps wrap, and so does what has passed meanwhile.
            let passed = samples(now.since(at)) as u32;
            let beside = stamp.wrapping_sub(last).wrapping_sub(passed) as i32;
            u64::from(beside.unsigned_abs()) > samples(ASTRAY_TIME)
        };
        self.ssrc == ssrc
            && ahead(number, self.newest).unsigned_abs() < ASTRAY
            && !stamp.is_some_and(is_astray)
    }
}

/// How far a sequence number is ahead of another one: they wrap.
const fn ahead(number: u16, other: u16) -> i16 {
    number.wrapping_sub(other) as i16
}

#[cfg(test)]
mod tests;
