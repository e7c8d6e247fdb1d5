//! A mouth and an ear at an address: what somebody says into a call, and what he hears there. Its packets are written for themselves, so
//! that it does not share the faults of what it tests.

use crate::glance::{Head, Packet, uri_of, user_of};
use agent::line::Clip;
use agent::prompts;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sip::Time;
use std::sync::Arc;

/// The sound of whoever has this number.
#[derive(Clone, Debug)]
pub struct Voice {
    /// What stories call it.
    pub name: &'static str,
    /// Whose: the number that calls or is called.
    pub number: &'static str,
    /// Where its sound comes to.
    pub here: SocketAddr,
    /// What it says, one after the other, from [`Time::ZERO`] on; nothing leaves before it is known where to.
    pub says: Vec<(Says, Duration)>,
    /// How its speech sounds.
    pub speech: Clip,
    /// What came.
    pub heard: Heard,
    there: Option<SocketAddr>,
    sequence: u16,
    spoken: usize,
    /// Up to where in what the last packet was from.
    last: Option<(usize, Clip)>,
    /// Packets of silence since.
    pause: u32,
}

/// What is said for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// No packets.
    Nothing,
    /// Packets of silence.
    Silence,
    /// Speech.
    Speech,
    /// This digit is pressed (RFC 4733).
    Digit(char),
}

/// A packet that leaves, and where to.
type Leaves = (SocketAddr, Arc<[u8]>);

/// What came to an ear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Packets of sound.
    pub packets: u32,
    /// Packets that their numbers tell of, and that never came.
    pub missing: u32,
    /// Sources that they came from.
    pub sources: u32,
    /// Reports (RTCP).
    pub reports: u32,
    /// What the last of them says of what was said here.
    pub report: Option<Report>,
    /// Whether one of them said that it was the last.
    pub is_ended: bool,
    /// The source and number of the last.
    last: Option<(u32, u16)>,
    /// What is heard now.
    now: &'static str,
}

/// How somebody hears what is said here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packets that never came there.
    pub lost: u32,
    /// The number of the last one that did.
    pub newest: u32,
    /// The middle of our clock in the last report from here; 0 if none came there.
    pub clock: u32,
}

/// One packet every 20 ms, of so many samples.
const FRAME: usize = 160;
/// The time between two packets.
const FRAME_TIME: Duration = Duration::from_millis(20);
/// The payload type of digits in what [`sdp`] says.
const DIGITS: u8 = 101;
/// What is heard again after a second of silence is told again.
const PAUSE: u32 = 50;
/// µ-law for silence.
const SILENT: u8 = 0xff;

impl Voice {
    /// A voice that sounds like this prompt.
    #[must_use]
    pub fn new(
        name: &'static str,
        number: &'static str,
        here: SocketAddr,
        speech: &Clip,
        says: &[(Says, Duration)],
    ) -> Self {
        Self {
            name,
            number,
            here,
            says: says.to_vec(),
            speech: Clip::clone(speech),
            heard: Heard::default(),
            there: None,
            sequence: 0,
            spoken: 0,
            last: None,
            pause: 0,
        }
    }

    /// A message with media came to a phone: where to speak, if it is that of this voice.
    pub(crate) fn on_message(&mut self, packet: &Packet) {
        let Some(glance) = &packet.glance else { return };
        let bytes = &packet.bytes;
        let user = if glance.is_request() {
            glance.user(bytes)
        } else {
            user_of(uri_of(glance.value(bytes, Head::From)))
        };
        if user == self.number.as_bytes()
            && let Some(there) = address_in(bytes)
        {
            self.there = Some(there);
        }
    }

    /// What leaves at this time, and where to; `None` for nothing. Then when there is more to say; `None` for never.
    pub(crate) fn speak(&mut self, now: Time) -> (Option<Leaves>, Option<Time>) {
        let mut from = Time::ZERO;
        for (says, length) in self.says.clone() {
            let until = from + length;
            if now < until {
                let packet =
                    self.there.and_then(|there| Some((there, self.packet(says, from, length, now)?)));
                let next = if says == Says::Nothing { until } else { now + FRAME_TIME };
                return (packet, Some(next));
            }
            from = until;
        }
        (None, None)
    }

    fn packet(&mut self, says: Says, from: Time, length: Duration, now: Time) -> Option<Arc<[u8]>> {
        let (stamp, is_first) = (samples(now.since(Time::ZERO)), now.since(from) < FRAME_TIME);
        let (kind, stamp, payload) = match says {
            Says::Nothing => return None,
            Says::Silence => (0, stamp, vec![SILENT; FRAME]),
            Says::Speech => (0, stamp, self.words()),
            Says::Digit(digit) => {
                let code = "0123456789*#".find(digit).and_then(|code| u8::try_from(code).ok())?;
                let lasted = samples(now.since(from)) + FRAME as u32;
                let is_end = now + FRAME_TIME * 3 >= from + length;
                let [.., high, low] = lasted.to_be_bytes();
                (DIGITS, samples(from.since(Time::ZERO)), vec![code, u8::from(is_end) << 7 | 10, high, low])
            }
        };
        self.sequence = self.sequence.wrapping_add(1);
        let marker = u8::from(is_first) << 7;
        let mut packet = vec![0x80, marker | kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(stamp.to_be_bytes());
        packet.extend(u32::from(self.here.port()).to_be_bytes());
        packet.extend(payload);
        Some(packet.into())
    }

    /// The next words, over and over again.
    fn words(&mut self) -> Vec<u8> {
        let words = self.speech.iter().copied().cycle().skip(self.spoken).take(FRAME).collect();
        self.spoken = (self.spoken + FRAME) % self.speech.len().max(1);
        words
    }

    /// A packet came. `Some`: from now on this is heard.
    pub(crate) fn hear(&mut self, packet: &[u8], others: &[(&'static str, Clip)]) -> Option<&'static str> {
        let (header, payload) = packet.split_at_checked(12)?;
        let [_, kind, one, two, _, _, _, _, rest @ ..] = header else { return None };
        let source = rest.try_into().map(u32::from_be_bytes).ok()?;
        let number = u16::from_be_bytes([*one, *two]);
        let heard = &mut self.heard;
        heard.packets += 1;
        match heard.last {
            Some((last, before)) if last == source => {
                heard.missing += u32::from(number.wrapping_sub(before).saturating_sub(1));
            }
            Some(_) | None => heard.sources += 1,
        }
        heard.last = Some((source, number));
        let what = if kind & 0x7f == DIGITS { "a digit" } else { self.what(payload, others)? };
        (core::mem::replace(&mut self.heard.now, what) != what).then_some(what)
    }

    /// A report came (RFC 3550 §6.4): what is reported back.
    pub(crate) fn hear_report(&mut self, report: &[u8]) -> Option<Arc<[u8]>> {
        let (mut rest, heard) = (report, &mut self.heard);
        heard.reports += 1;
        heard.report = None;
        while let [count, kind, high, low, ..] = *rest {
            let (part, next) = rest.split_at_checked(4 + 4 * usize::from(u16::from_be_bytes([high, low])))?;
            rest = next;
            let block = match kind {
                200 => part.get(28..),
                201 => part.get(8..),
                _ => None,
            };
            let block = block.filter(|_| count & 0x1f > 0);
            let number = |at: usize| Some(u32::from_be_bytes(block?.get(at..at + 4)?.try_into().ok()?));
            if let (Some(lost), Some(newest), Some(clock)) = (number(4), number(8), number(16)) {
                heard.report = Some(Report { lost: lost & 0xff_ffff, newest, clock });
            }
            heard.is_ended |= kind == 203;
        }
        let own = [
            [0x80, 200, 0, 6],
            u32::from(self.here.port()).to_be_bytes(),
            [0, 0, 0x12, 0x34],
            [0x56, 0x78, 0, 0],
        ];
        Some([own.as_flattened(), &[0; 12]].concat().into())
    }

    /// Whose words these are; `None` for silence, and for the seam between two.
    fn what(&mut self, payload: &[u8], others: &[(&'static str, Clip)]) -> Option<&'static str> {
        if let Some((at, clip)) = &mut self.last
            && clip.get(*at..).is_some_and(|rest| rest.starts_with(payload))
        {
            *at += payload.len();
            self.pause = 0;
            return Some(self.heard.now);
        }
        self.last = None;
        if payload.iter().all(|byte| *byte == SILENT) {
            self.pause += 1;
            if self.pause == PAUSE {
                self.heard.now = "";
            }
            return None;
        }
        self.pause = 0;
        let known = others.iter().map(|(name, clip)| (*name, clip));
        let prompts = prompts::ALL.iter().map(|(name, clip)| (*name, &***clip));
        for (name, clip) in known.chain(prompts) {
            if let Some(at) = clip.windows(payload.len()).position(|words| words == payload) {
                self.last = Some((at + payload.len(), Clip::clone(clip)));
                return Some(name);
            }
        }
        None
    }
}

/// What a phone says of its sound: where it comes to, and that digits are events.
pub(crate) fn sdp(here: SocketAddr) -> String {
    let (ip, port) = (here.ip(), here.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 {DIGITS}\r\n\
         a=rtpmap:{DIGITS} telephone-event/8000\r\n"
    )
}

/// Where the media that a message tells of is to be sent.
fn address_in(bytes: &[u8]) -> Option<SocketAddr> {
    let text = core::str::from_utf8(bytes).ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    let ip: IpAddr = body.lines().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim().parse().ok()?;
    let port =
        body.lines().find_map(|line| line.strip_prefix("m=audio "))?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}

/// Samples in a time, as timestamps count them: they wrap.
fn samples(time: Duration) -> u32 {
    (time.as_micros() / 125) as u32
}
