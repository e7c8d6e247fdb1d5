//! RTP (RFC 3550): what we send as one stream, and what we believe of the packets that come.

use core::net::SocketAddr;
use core::time::Duration;
use rtp_types::{RtpPacket, RtpPacketBuilder};
use sip::Time;

/// Samples in one packet of ours: 20 ms.
pub const FRAME: usize = 160;

/// A packet that came: one that is RTP, from whom we listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The marker: the first packet of speech, or of a digit.
    pub marker: bool,
    /// The sequence number.
    pub sequence: u16,
    /// When it was sampled, in samples.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
    /// What it carries.
    pub payload: &'a [u8],
}

/// Longer packets are no telephone's: 200 ms of G.711 are 1,600 bytes.
pub const PACKET_MAX: usize = 2_048;

/// Bytes of a header without contributing sources.
pub const HEADER: usize = 12;

/// Reads a datagram as RTP; `None` if it is none.
#[must_use]
pub fn read(datagram: &[u8]) -> Option<Heard<'_>> {
    let packet = RtpPacket::parse(datagram).ok().filter(|_| datagram.len() <= PACKET_MAX)?;
    // RTCP that came to the wrong port has payload types of 72 to 76 here (RFC 5761 §4).
    (!(72..=76).contains(&packet.payload_type())).then(|| Heard {
        payload_type: packet.payload_type(),
        marker: packet.marker_bit(),
        sequence: packet.sequence_number(),
        timestamp: packet.timestamp(),
        ssrc: packet.ssrc(),
        payload: datagram
            .get(packet.payload_offset()..)
            .and_then(|rest| rest.get(..packet.payload_len()))
            .unwrap_or_default(),
    })
}

/// Makes a packet that was read one of another stream, in its place. Its payload stays as it is.
pub fn rewrite(
    datagram: &mut [u8],
    payload_type: u8,
    marker: bool,
    (sequence, timestamp): (u16, u32),
    ssrc: u32,
) {
    // What was read has a whole header.
    let Some([_, kind, rest @ ..]) = datagram.first_chunk_mut::<HEADER>() else { return };
    *kind = payload_type & 0x7f | u8::from(marker) << 7;
    let ([one, two], [a, b, c, d], [e, f, g, h]) =
        (sequence.to_be_bytes(), timestamp.to_be_bytes(), ssrc.to_be_bytes());
    *rest = [one, two, a, b, c, d, e, f, g, h];
}

/// What we send: one source, numbered without gaps.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    fresh: bool,
    packets: u32,
    octets: u32,
}

impl Sender {
    /// A stream that begins where chance says (RFC 3550 §5.1): the source in the upper half, the first sequence number and
    /// timestamp out of the lower.
    #[must_use]
    pub const fn new(chance: u64) -> Self {
        // Each takes its part of the bits.
        Self {
            ssrc: (chance >> 32) as u32,
            sequence: (chance >> 17) as u16 >> 1,
            timestamp: chance as u32,
            fresh: true,
            packets: 0,
            octets: 0,
        }
    }

    /// One packet of sound; its samples come right after those of the last.
    pub fn sound(&mut self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let packet = self.packet(payload_type, self.fresh, self.timestamp, payload);
        self.fresh = false;
        self.count(payload.len());
        self.skip(payload.len());
        packet
    }

    /// Somebody else has sent a packet of this stream that carries so many bytes.
    pub const fn count(&mut self, octets: usize) {
        // As RTCP counts (RFC 3550 §6.4.1): these wrap.
        (self.packets, self.octets) = (self.packets.wrapping_add(1), self.octets.wrapping_add(octets as u32));
    }

    /// Packets that were sent, and the bytes that they carried.
    #[must_use]
    pub const fn counts(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// The source.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The sequence number and timestamp of the next packet.
    #[must_use]
    pub const fn next(&self) -> (u16, u32) {
        (self.sequence, self.timestamp)
    }

    /// Somebody else has sent a packet of this stream with these numbers and as many samples: the next one comes after it.
    pub fn follow(&mut self, (sequence, timestamp): (u16, u32), samples: usize) {
        (self.sequence, self.timestamp, self.fresh) = (sequence.wrapping_add(1), timestamp, false);
        self.skip(samples);
    }

    /// Time passes in which nothing is sent.
    pub fn skip(&mut self, samples: usize) {
        // Timestamps wrap, and a packet has at most a few thousand samples.
        self.timestamp = self.timestamp.wrapping_add(samples as u32);
    }

    /// Speech begins anew: the next packet bears the marker (RFC 3551 §4.1).
    pub const fn begin(&mut self) {
        self.fresh = true;
    }

    fn packet(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let packet = RtpPacketBuilder::<_, &[u8]>::new()
            .payload_type(payload_type & 0x7f)
            .marker_bit(marker)
            .sequence_number(self.sequence)
            .timestamp(timestamp)
            .ssrc(self.ssrc)
            .payload(payload);
        self.sequence = self.sequence.wrapping_add(1);
        // Neither padding, nor an extension, nor a payload type over 127: there is nothing that could be refused.
        packet.write_vec().unwrap_or_default()
    }
}

/// To whom we listen on one port, and where we send: the first who sends, whatever the SDP says, since many sit behind an
/// address translator; then nobody else, since anybody can send to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latch {
    said: Option<SocketAddr>,
    heard: Option<(SocketAddr, Time)>,
}

/// So long may the first who sent still be replaced by whom the SDP names: somebody else may have been quicker.
pub const LATCH: Duration = Duration::from_secs(2);

impl Latch {
    /// Nobody was heard yet; the SDP says where the other side is, or nothing.
    #[must_use]
    pub const fn new(said: Option<SocketAddr>) -> Self {
        Self { said, heard: None }
    }

    /// Is a packet from there one of the other side?
    pub fn takes(&mut self, from: SocketAddr, now: Time) -> bool {
        let (first, since) = *self.heard.get_or_insert((from, now));
        if self.said == Some(from) && first != from && now < since + LATCH {
            self.heard = Some((from, since));
        }
        self.remote() == Some(from)
    }

    /// Where we send to; `None` if nobody knows.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.heard.map(|(from, _)| from).or(self.said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Time {
        Time::from_micros(milliseconds * 1_000)
    }

    fn place(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_stream_is_numbered_without_gaps_and_counts_samples() {
        let mut sender = Sender::new(0x0000_0007_fffd_fff0);
        let packets: Vec<Vec<u8>> = (0..3).map(|_| sender.sound(0, &[0xff; FRAME])).collect();
        sender.skip(1_000);
        sender.begin();
        let last = sender.sound(8, &[0xd5; 80]);
        let told: Vec<(u8, bool, u16, u32, usize)> = packets
            .iter()
            .chain([&last])
            .map(|packet| read(packet).unwrap())
            .map(|it| (it.payload_type, it.marker, it.sequence, it.timestamp, it.payload.len()))
            .collect();
        assert_eq!(
            told,
            [
                (0, true, 32_767, 0xfffd_fff0, 160),
                (0, false, 32_768, 0xfffe_0090, 160),
                (0, false, 32_769, 0xfffe_0130, 160),
                (8, true, 32_770, 0xfffe_05b8, 80),
            ]
        );
        assert!(packets.iter().all(|packet| read(packet).unwrap().ssrc == 7));
    }

    #[test]
    fn what_is_no_rtp_is_nothing() {
        let good = Sender::new(1).sound(0, &[1; 20]);
        let mut rtcp = good.clone();
        rtcp[1] = 200;
        let long = Sender::new(1).sound(0, &[1; PACKET_MAX]);
        let cut = good.get(..11).unwrap();
        for (datagram, is_rtp) in [
            (&good[..], true),
            (&rtcp, false),
            (&long, false),
            (cut, false),
            (b"", false),
            (b"OPTIONS sip:a SIP/2.0", false),
        ] {
            assert_eq!(read(datagram).is_some(), is_rtp, "{datagram:?}");
        }
    }

    #[test]
    fn the_first_who_sends_is_listened_to_and_nobody_else() {
        let [said, nat, other] = ["10.0.0.1:4000", "192.0.2.9:61000", "198.51.100.1:4000"].map(place);
        let mut latch = Latch::new(Some(said));
        assert_eq!(latch.remote(), Some(said));
        let taken = [(nat, 0), (other, 10), (nat, 3_000), (said, 3_000)];
        assert_eq!(taken.map(|(from, now)| latch.takes(from, at(now))), [true, false, true, false]);
        assert_eq!(latch.remote(), Some(nat));
    }

    #[test]
    fn whoever_is_quicker_than_the_one_named_loses_to_him() {
        let [said, other] = ["10.0.0.1:4000", "198.51.100.1:4000"].map(place);
        let mut latch = Latch::new(Some(said));
        let taken = [(other, 0), (said, 1_999), (other, 2_000), (said, 2_020)];
        assert_eq!(taken.map(|(from, now)| latch.takes(from, at(now))), [true, true, false, true]);
        let mut unknown = Latch::new(None);
        assert_eq!(
            (unknown.remote(), unknown.takes(other, at(0)), unknown.remote()),
            (None, true, Some(other))
        );
    }
}
