//! A host that forwards: as a proxy it sends a call back to where it came from, and the responses where they belong; as a
//! carrier it places a call of its own for a number that is forwarded.

use crate::caller::Script;
use crate::glance::{Glance, Head, Packet, uri_of, user_of};
use crate::manner::Act;
use crate::phone::{Ask, Host, hash};
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Time};

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

    /// Places a call to another number for an INVITE that came, by the same caller.
    pub(crate) fn forward(
        &mut self,
        glance: &Glance,
        (to, keeps): (&'static str, bool),
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let Some((packet, here, back)) = self.incoming.get(&glance.branch).map(|incoming| incoming.came())
        else {
            return;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let caller = text(user_of(uri_of(glance.value(&packet.bytes, Head::From))));
        let marks = glance.values(&packet.bytes, Head::Mark).filter(|_| keeps);
        let extra: String = marks.map(|mark| format!("X-Tandem-Walk: {}\r\n", text(mark))).collect();
        // Calls that are placed by the world count from 0 up.
        let nth = u32::try_from(self.forwarded.len()).unwrap_or_default();
        let call = u32::MAX - nth;
        let call_id = format!("back-{}-{nth}", self.number);
        self.prepare(call, here, Script::patient(Duration::ZERO, to, back), (&caller, &call_id, &extra));
        self.forwarded.insert(call, glance.branch);
        self.dial(call, now, out);
    }

    /// What a call says that was placed for another goes back to that one.
    pub(crate) fn tell_back(&mut self, call: u32, status: u16, now: Time, out: &mut Vec<Ask>) {
        let Some(branch) = self.forwarded.get(&call).copied() else { return };
        if status > 100 && self.incoming.get(&branch).is_some_and(|incoming| !incoming.is_over()) {
            self.respond(branch, Act::say(Duration::ZERO, status), now, out);
        }
    }

    /// The INVITE is over for which a call was placed.
    pub(crate) fn forward_no_more(&mut self, branch: u64, now: Time, out: &mut Vec<Ask>) {
        let placed = self.forwarded.iter().find(|(_, of)| **of == branch).map(|(call, _)| *call);
        if let Some(call) = placed {
            self.give_up(call, now, out);
        }
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
