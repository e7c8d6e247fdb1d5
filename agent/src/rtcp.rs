//! RTCP (RFC 3550 §6): how a stream comes, told to who sends it, and what was sent, told to who hears it. Each line reports for itself:
//! what goes from one line to another is a stream of ours there, with numbers of its own.

use crate::g711::{RATE, samples};
use crate::rtp::{Heard, Latch};
use core::net::SocketAddr;
use core::time::Duration;
use rtcp_types::{
    Bye, Compound, CompoundBuilder, Packet, ReceiverReport, ReceiverReportBuilder, ReportBlock,
    ReportBlockBuilder, RtcpPacketWriterExt as _, Sdes, SdesChunk, SdesItem, SenderReport,
    SenderReportBuilder,
};
use sip::Time;

/// Where reports go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// To the port of the sound, among its packets (RFC 5761).
    Among,
    /// To a port of their own; `None` if the other side names no address.
    Beside(Option<SocketAddr>),
}

/// What was said by us so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Our source.
    pub(crate) ssrc: u32,
    /// Packets of it.
    pub(crate) packets: u32,
    /// Bytes that they carried.
    pub(crate) octets: u32,
    /// The timestamp of what would be said now.
    pub(crate) timestamp: u32,
}

/// What one line reports, and what was reported to it.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    /// What we are called (RFC 7022): it says nothing of anybody.
    name: u64,
    source: Option<Source>,
    /// The middle of the other side's clock when it reported last, and when that was.
    told: Option<(u32, Time)>,
    /// When to report next; `None` before the call is up, and when it is over.
    due: Option<Time>,
    /// What we had sent by the last report, and by the one before.
    sent: [u32; 2],
    latch: Latch,
}

/// Whom we hear (RFC 3550 appendix A).
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// Sequence numbers in full: how often they have gone round stands in the upper half.
    first: u32,
    newest: u32,
    came: u32,
    /// Interarrival jitter in samples, sixteenfold.
    jitter: u32,
    /// How far the clock of the last packet of sound was from ours.
    transit: Option<u32>,
    /// What was expected and what had come by the last report.
    before: [u32; 2],
}

/// Between two reports (RFC 3550 §6.2): some let calls go of which they hear none.
const EVERY: Duration = Duration::from_secs(5);

/// A number further ahead than this is that of a stream that begins anew (RFC 3550 §A.1).
const DROPOUT: i16 = 3_000;

/// Is this a report, where it could be a packet of sound (RFC 5761 §4)?
pub(crate) fn is_report(datagram: &[u8]) -> bool {
    matches!(datagram, [_, 192..=223, ..])
}

impl Reports {
    pub(crate) const fn new(chance: u64) -> Self {
        Self { name: chance, source: None, told: None, due: None, sent: [0; 2], latch: Latch::new(None) }
    }

    /// The call is up. The first report comes sooner (RFC 3550 §6.2).
    pub(crate) fn begin(&mut self, now: Time) {
        self.due = self.due.or(Some(now + EVERY / 2));
    }

    /// The other side says where reports are to go.
    pub(crate) const fn agree(&mut self, control: Control) {
        self.latch = Latch::new(match control {
            Control::Among => None,
            Control::Beside(there) => there,
        });
    }

    /// Where reports go that have a port of their own.
    pub(crate) fn remote(&self) -> Option<SocketAddr> {
        self.latch.remote()
    }

    /// When the next report is due.
    pub(crate) const fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// A packet came of whom we hear. The timestamps of digits stand still.
    pub(crate) fn on_packet(&mut self, packet: &Heard<'_>, is_sound: bool, now: Time) {
        let known = self.source.as_mut().filter(|source| source.ssrc == packet.ssrc);
        let is_taken = known.is_some_and(|source| source.take(packet, is_sound, now));
        if !is_taken {
            self.source = Some(Source::new(packet));
        }
    }

    /// A datagram came from there to the port of reports.
    pub(crate) fn on_report(&mut self, from: SocketAddr, datagram: &[u8], now: Time) {
        if self.latch.takes(from, now) {
            self.hear(datagram, now);
        }
    }

    /// A report of whom we hear came.
    pub(crate) fn hear(&mut self, datagram: &[u8], now: Time) {
        let Ok(mut packets) = Compound::parse(datagram) else { return };
        if let Some(Ok(Packet::Sr(report))) = packets.next() {
            // The middle of 64 bits.
            self.told = Some(((report.ntp_timestamp() >> 16) as u32, now));
        }
    }

    /// The report that is due; `None` if none is.
    pub(crate) fn on_deadline(&mut self, said: Said, now: Time) -> Option<Vec<u8>> {
        let due = self.due.filter(|due| *due <= now)?;
        // Who stood still does not make up for it.
        self.due = Some(if due + EVERY > now { due + EVERY } else { now + EVERY });
        Some(written(&self.report(said, now)))
    }

    /// The last report, which says that nothing more comes; `None` if the call was never up.
    pub(crate) fn end(&mut self, said: Said, now: Time) -> Option<Vec<u8>> {
        self.due.take()?;
        Some(written(&self.report(said, now).add_packet(Bye::builder().add_source(said.ssrc))))
    }

    fn report(&mut self, said: Said, now: Time) -> CompoundBuilder<'static> {
        let block = self.source.as_mut().map(|source| source.report(self.told, now));
        // RFC 3550 §6.4: who has sent nothing since the report before the last is a receiver.
        let [last, before] = self.sent;
        self.sent = [said.packets, last];
        let report = if said.packets == before {
            let own = ReceiverReport::builder(said.ssrc);
            Compound::builder()
                .add_packet(block.into_iter().fold(own, ReceiverReportBuilder::add_report_block))
        } else {
            let own = SenderReport::builder(said.ssrc)
                .ntp_timestamp(ntp(now))
                .rtp_timestamp(said.timestamp)
                .packet_count(said.packets)
                .octet_count(said.octets);
            Compound::builder().add_packet(block.into_iter().fold(own, SenderReportBuilder::add_report_block))
        };
        let name = format!("{:016x}", self.name);
        let chunk = SdesChunk::builder(said.ssrc).add_item_owned(SdesItem::builder(SdesItem::CNAME, &name));
        report.add_packet(Sdes::builder().add_chunk(chunk))
    }
}

fn written(report: &CompoundBuilder<'_>) -> Vec<u8> {
    let mut bytes = vec![0; LENGTH_MAX];
    // All that could be refused is bounded: losses to 24 bits, the name to 255 bytes.
    let length = report.write_into(&mut bytes).unwrap_or_default();
    bytes.truncate(length);
    bytes
}

impl Source {
    fn new(packet: &Heard<'_>) -> Self {
        let first = u32::from(packet.sequence);
        Self { ssrc: packet.ssrc, first, newest: first, came: 1, jitter: 0, transit: None, before: [0; 2] }
    }

    /// `false` if the stream has begun anew.
    fn take(&mut self, packet: &Heard<'_>, is_sound: bool, now: Time) -> bool {
        // Sequence numbers wrap.
        let ahead = packet.sequence.wrapping_sub(self.newest as u16) as i16;
        if ahead.unsigned_abs() > DROPOUT.unsigned_abs() {
            return false;
        }
        self.came = self.came.wrapping_add(1);
        if ahead <= 0 {
            return true;
        }
        self.newest = self.newest.wrapping_add(u32::from(ahead.unsigned_abs()));
        if is_sound {
            // So do timestamps, and our clock in samples.
            let transit = (samples(now.since(Time::ZERO)) as u32).wrapping_sub(packet.timestamp);
            let uneven = self.transit.map(|last| (transit.wrapping_sub(last) as i32).unsigned_abs());
            // Somebody who sets his clock anew says nothing of jitter.
            if let Some(uneven) = uneven.filter(|uneven| *uneven < RATE) {
                self.jitter = self.jitter + uneven - ((self.jitter + 8) >> 4);
            }
            self.transit = Some(transit);
        }
        true
    }

    fn report(&mut self, told: Option<(u32, Time)>, now: Time) -> ReportBlockBuilder {
        let expected = self.newest.wrapping_sub(self.first).wrapping_add(1);
        let [expected_before, came_before] = self.before;
        let (since, came) = (expected.wrapping_sub(expected_before), self.came.wrapping_sub(came_before));
        self.before = [expected, self.came];
        let fraction = u64::from(since.saturating_sub(came)) * 256 / u64::from(since.max(1));
        let (last, delay) = told.map_or((0, 0), |(middle, at)| (middle, middle_of(now.since(at))));
        ReportBlock::builder(self.ssrc)
            .fraction_lost(u8::try_from(fraction).unwrap_or(u8::MAX))
            .cumulative_lost(expected.saturating_sub(self.came).min(LOST_MAX))
            .extended_sequence_number(self.newest)
            .interarrival_jitter(self.jitter >> 4)
            .last_sender_report_timestamp(last)
            .delay_since_last_sender_report_timestamp(delay)
    }
}

/// The time since the start, as seconds and their fractions of 32 bits each: nobody compares it with a clock on a wall (RFC 3550 §4).
fn ntp(now: Time) -> u64 {
    let micros = now.since(Time::ZERO).as_micros();
    ((micros << 32) / 1_000_000) as u64
}

/// A time in seconds, with 16 bits behind the point.
fn middle_of(time: Duration) -> u32 {
    ((time.as_micros() << 16) / 1_000_000) as u32
}

/// A report on one source, with a name and a farewell, has some hundred bytes.
const LENGTH_MAX: usize = 256;

/// Losses have 24 bits and a sign.
const LOST_MAX: u32 = 0x7f_ffff;

#[cfg(test)]
mod tests;
