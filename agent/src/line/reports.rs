//! What a line reports of its sound, and what is reported to it (RFC 3550 §6.4).

use super::{Line, Output};
use crate::rtcp::{Control, is_report};
use core::net::SocketAddr;
use sip::Time;

impl Line {
    /// A report came to the port of reports, from anybody.
    pub fn on_report(&mut self, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        // Whoever is not where the sound comes from, or is to come from, is somebody else.
        let is_there = self.latch.remote().is_some_and(|there| there.ip() == from.ip());
        if is_there && is_report(datagram) && self.open_report(datagram).is_some() {
            self.reports.on_report(from, datagram, now);
        }
    }

    /// A report came to the port of sound.
    pub(super) fn hear_among(&mut self, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        let is_among = self.agreed.is_some_and(|agreed| agreed.control == Control::Among);
        if is_among && self.open_report(datagram).is_some() && self.latch.takes(from, now) {
            self.reports.hear(datagram, now);
        }
    }

    pub(super) fn send_report(&mut self, mut bytes: Vec<u8>, out: &mut Vec<Output>) {
        let tag = self.seals.as_mut().and_then(|seals| seals.ours.seal_report(&mut bytes));
        tag.into_iter().for_each(|tag| bytes.extend_from_slice(&tag));
        match self.agreed.map(|agreed| agreed.control) {
            Some(Control::Among) => out.extend(self.latch.remote().map(|to| Output::Rtp { to, bytes })),
            Some(Control::Beside(_)) => {
                out.extend(self.reports.remote().map(|to| Output::Report { to, bytes }))
            }
            None => {}
        }
    }

    fn open_report(&mut self, datagram: &mut Vec<u8>) -> Option<()> {
        self.seals.as_mut().map_or(Some(()), |seals| seals.theirs.open_report(datagram))
    }
}
