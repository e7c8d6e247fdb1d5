//! A host that is a proxy: it sends a call back to where it came from, and the responses where they belong.

use crate::glance::{Glance, Head, Packet};
use crate::phone::{Ask, Host, hash};
use core::net::SocketAddr;
use sip::Bytes;

impl Host {
    /// Sends an INVITE back for another user, with a Via on top, as a stateless proxy does.
    pub(crate) fn send_back(
        &mut self,
        packet: &Packet,
        glance: &Glance,
        user: &str,
        (here, back): (SocketAddr, SocketAddr),
        out: &mut Vec<Ask>,
    ) {
        let branch = format!("z9hG4bKback{:x}", glance.branch);
        let uri = format!("sip:{user}@{back}");
        let via = format!("Via: SIP/2.0/UDP {here};branch={branch}\r\n");
        let text = packet.bytes.as_ref();
        let old = glance.uri(text);
        let Some(line_end) = text.iter().position(|byte| *byte == b'\n') else { return };
        let Some(uri_at) = text.windows(old.len().max(1)).position(|window| window == old) else { return };
        let after_uri = uri_at + old.len();
        let pieces =
            [text.get(..uri_at), Some(uri.as_bytes()), text.get(after_uri..=line_end), Some(via.as_bytes())];
        let mut bytes: Vec<u8> = pieces.into_iter().flatten().flatten().copied().collect();
        bytes.extend_from_slice(text.get(line_end + 1..).unwrap_or_default());
        self.returned.insert(hash(&branch), back);
        out.push(Ask::Send { from: here, to: back, bytes: bytes.into() });
    }

    /// A response to what was sent back: without its top Via it goes on. False if it is for somebody else.
    pub(crate) fn passes(
        &self,
        packet: &Packet,
        glance: &Glance,
        here: SocketAddr,
        out: &mut Vec<Ask>,
    ) -> bool {
        let Some(to) = self.returned.get(&glance.branch) else { return false };
        if let Some(bytes) = without_top_via(packet, glance) {
            out.push(Ask::Send { from: here, to: *to, bytes });
        }
        true
    }
}

fn without_top_via(packet: &Packet, glance: &Glance) -> Option<Bytes> {
    let text = packet.bytes.as_ref();
    let value = glance.value(text, Head::Via);
    let at = text.windows(value.len().max(1)).position(|window| window == value)?;
    let from = text.get(..at)?.iter().rposition(|byte| *byte == b'\n')? + 1;
    let to = at + text.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
    Some([text.get(..from)?, text.get(to..)?].concat().into())
}
