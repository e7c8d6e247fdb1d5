//! Digits that a person presses: RFC 4733 events in the RTP stream, sent and heard, and the bodies of SIP INFO.

use crate::rtp::Heard;
use core::time::Duration;
use sip::Time;

/// Digits heard on one stream, each once: its end is sent three times, and some trunks say the same digit in a second way too.
#[derive(Clone, Debug, Default)]
pub struct Ear {
    event: Option<(u32, u8)>,
    last: Option<(char, Time)>,
}

/// The same digit by another way within this is the same press. Nobody presses so fast, and an INFO passes more hosts than
/// the RTP.
pub const SAME: Duration = Duration::from_millis(40);

impl Ear {
    /// A packet of telephone events. `Some` at the first packet of a digit: whoever waits for its end loses those whose end is
    /// lost.
    pub fn hear(&mut self, packet: &Heard<'_>, now: Time) -> Option<char> {
        let [code, ..] = packet.payload.get(..4)? else { return None };
        let event = (packet.timestamp, *code);
        // A long press goes on under a new timestamp (RFC 4733 §2.5.1.3), without a marker; it is no second press.
        let goes_on =
            self.event.is_some_and(|(_, code)| code == event.1) && !packet.marker && self.is_recent(now);
        if self.event.replace(event) == Some(event) || goes_on {
            self.last = self.last.map(|(digit, _)| (digit, now));
            return None;
        }
        let digit = DIGITS.get(usize::from(*code)).copied().map(char::from)?;
        self.press(digit, now)
    }

    /// Is this packet one of the press that was heard last?
    #[must_use]
    pub fn knows(&self, packet: &Heard<'_>) -> bool {
        packet.payload.first().is_some_and(|code| self.event == Some((packet.timestamp, *code)))
    }

    /// A digit that came by another way: INFO, or its tones in the sound.
    pub fn press(&mut self, digit: char, now: Time) -> Option<char> {
        let same = self.last.is_some_and(|(last, at)| last == digit && now.since(at) < SAME);
        self.last = Some((digit, now));
        (!same).then_some(digit)
    }

    fn is_recent(&self, now: Time) -> bool {
        self.last.is_some_and(|(_, at)| now.since(at) < SEGMENT_GAP)
    }
}

/// Packets of one press come every 20 to 50 ms; three lost in a row are still within this.
const SEGMENT_GAP: Duration = Duration::from_millis(200);

/// Events 0 to 15 (RFC 4733 §3.2).
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// The digit in the body of an INFO: `application/dtmf-relay` (`Signal=5`) or `application/dtmf` (`5`); `None` if there is none.
#[must_use]
pub fn of_info(body: &[u8]) -> Option<char> {
    let text = core::str::from_utf8(body).ok()?;
    let signal = |line: &str| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_ascii_uppercase())
    };
    let said = text.lines().find_map(signal).unwrap_or_else(|| text.trim().to_ascii_uppercase());
    // Some say the number of the event.
    let number = || said.parse::<usize>().ok().and_then(|code| DIGITS.get(code)).copied();
    let only =
        || <[u8; 1]>::try_from(said.as_bytes()).ok().map(|[byte]| byte).filter(|byte| DIGITS.contains(byte));
    only().or_else(number).map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Time {
        Time::from_micros(milliseconds * 1_000)
    }

    /// Timestamp, marker, payload.
    type Event = (u32, bool, [u8; 4]);

    fn event(code: u8, timestamp: u32, marker: bool, end: bool) -> Event {
        (timestamp, marker, [code, u8::from(end) << 7 | 10, 0, 160])
    }

    fn hear(packets: &[(u64, Event)]) -> Vec<(u64, char)> {
        let mut ear = Ear::default();
        let mut heard = Vec::new();
        for (now, (timestamp, marker, payload)) in packets {
            let packet = Heard {
                payload_type: 101,
                marker: *marker,
                sequence: 0,
                timestamp: *timestamp,
                ssrc: 1,
                payload,
            };
            heard.extend(ear.hear(&packet, at(*now)).map(|digit| (*now, digit)));
        }
        heard
    }

    #[test]
    fn a_press_is_heard_once_however_many_packets_say_it() {
        let packets = [
            (0, event(1, 800, true, false)),
            (20, event(1, 800, false, false)),
            (40, event(1, 800, false, true)),
            (40, event(1, 800, false, true)),
            (60, event(1, 800, false, true)),
            (300, event(1, 3_200, true, false)),
            (320, event(11, 3_360, true, true)),
        ];
        assert_eq!(hear(&packets), [(0, '1'), (300, '1'), (320, '#')]);
    }

    #[test]
    fn a_press_whose_first_packets_are_lost_is_heard_by_any_of_the_others() {
        assert_eq!(hear(&[(40, event(5, 800, false, true))]), [(40, '5')]);
        assert_eq!(
            hear(&[(0, event(5, 800, true, false)), (400, event(5, 4_000, false, true))]),
            [(0, '5'), (400, '5')]
        );
    }

    #[test]
    fn a_press_of_eight_seconds_goes_on_under_a_second_timestamp() {
        let mut packets: Vec<_> = (0..400).map(|n| (n * 20, event(0, 800, n == 0, false))).collect();
        packets.extend((400..450).map(|n| (n * 20, event(0, 66_335, false, false))));
        assert_eq!(hear(&packets), [(0, '0')]);
    }

    #[test]
    fn what_is_no_digit_is_none() {
        assert_eq!(hear(&[(0, event(16, 800, true, true)), (9, event(255, 900, true, true))]), []);
        let short = Heard {
            payload_type: 101,
            marker: true,
            sequence: 0,
            timestamp: 0,
            ssrc: 1,
            payload: &[1, 2, 3],
        };
        assert_eq!(Ear::default().hear(&short, at(0)), None);
    }

    #[test]
    fn the_same_digit_by_two_ways_at_once_is_one() {
        let mut ear = Ear::default();
        let presses = [('1', 0), ('1', 39), ('1', 79), ('2', 80)];
        assert_eq!(
            presses.map(|(digit, now)| ear.press(digit, at(now))),
            [Some('1'), None, Some('1'), Some('2')]
        );
    }

    #[test]
    fn an_info_says_its_digit_in_two_forms() {
        for (body, digit) in [
            ("Signal=5\r\nDuration=160\r\n", Some('5')),
            ("signal= *\nDuration=250", Some('*')),
            ("Duration=1\r\nSignal=11\r\n", Some('#')),
            ("a\r\n", Some('A')),
            ("#", Some('#')),
            ("Signal=\r\n", None),
            ("16", None),
            ("12x", None),
            ("", None),
        ] {
            assert_eq!(of_info(body.as_bytes()), digit, "{body:?}");
        }
        assert_eq!(of_info(&[0xff]), None);
    }
}
