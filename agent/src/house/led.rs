//! Callers of a mailbox who are led to a person: the calls that look for one, of which the last may have the caller.

use crate::bridge::Side;
use crate::caller::{Call, untagged};
use crate::g711::Law;
use crate::line::Line;
use crate::sdp::Here;
use crate::talk::Desk;
use crate::transfer::{Output, Transfer};
use core::net::SocketAddr;
use router::chance::Chance;
use sip::{Message, Name, Time};

/// Those of one call. Each is given up before the next begins.
#[derive(Debug)]
pub(super) struct Led {
    transfers: Vec<Transfer>,
    chance: Chance,
    /// Is a port being opened for the next?
    pub(super) waits: bool,
}

impl Led {
    pub(super) const fn new(chance: Chance) -> Self {
        Self { transfers: Vec::new(), chance, waits: false }
    }

    /// Calls whoever the node says, for the caller of this INVITE, who has called this number. The Call-ID of that call; `None` if
    /// none can be made.
    pub(super) fn start(
        &mut self,
        (invite, number): (&Message, &str),
        desk: Desk,
        proxy: SocketAddr,
        sound: (Here, Law),
        now: Time,
        out: &mut Vec<Output>,
    ) -> Option<Vec<u8>> {
        let [tag, id, chance] = [self.chance.draw(), self.chance.draw(), self.chance.draw()];
        let call = call_of(invite, number, proxy, (tag, id))?;
        let call_id = call.call_id.clone();
        self.transfers.push(Transfer::start(call, desk, proxy, sound, chance, now, out)?);
        Some(call_id)
    }

    pub(super) fn owns(&self, message: &Message) -> bool {
        self.transfers.iter().any(|transfer| transfer.owns(message))
    }

    pub(super) fn is_done(&self) -> bool {
        self.transfers.iter().all(Transfer::is_done)
    }

    pub(super) fn is_joined(&self) -> bool {
        self.transfers.last().is_some_and(Transfer::is_joined)
    }

    pub(super) fn on_message(&mut self, message: Message, now: Time, out: &mut Vec<Output>) {
        let Some(transfer) = self.transfers.iter_mut().find(|transfer| transfer.owns(&message)) else {
            return;
        };
        if message.is_request() {
            transfer.on_request(message, now, out);
        } else {
            transfer.on_response(message, now, out);
        }
    }

    pub(super) fn relay(
        &mut self,
        side: Side,
        caller: &mut Line,
        from: SocketAddr,
        datagram: &mut Vec<u8>,
        now: Time,
    ) -> Option<SocketAddr> {
        self.transfers.last_mut()?.on_datagram(side, caller, from, datagram, now)
    }

    pub(super) fn on_report(&mut self, from: SocketAddr, datagram: &mut Vec<u8>, now: Time) {
        self.transfers.last_mut().into_iter().for_each(|transfer| transfer.on_report(from, datagram, now));
    }

    pub(super) fn hang_up(&mut self, now: Time, out: &mut Vec<Output>) {
        self.waits = false;
        self.transfers.iter_mut().for_each(|transfer| transfer.hang_up(now, out));
    }

    pub(super) fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        self.transfers.iter_mut().for_each(|transfer| transfer.on_deadline(now, out));
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.transfers.iter().filter_map(Transfer::deadline).min()
    }
}

/// The call to a person: from whoever has called us, to the number that he has called.
fn call_of(invite: &Message, number: &str, proxy: SocketAddr, (tag, id): (u64, u64)) -> Option<Call> {
    let uri = format!("sip:{}{}{proxy}", number, if number.is_empty() { "" } else { "@" });
    let mut lines = Vec::new();
    for field in invite.fields() {
        if field.name == Name::PAssertedIdentity || invite.is_named(field, b"Privacy") {
            lines.extend_from_slice(invite.at(field.line));
        }
    }
    Some(Call {
        from: untagged(&invite.from()?),
        tag: format!("{tag:016x}").into_bytes(),
        to: format!("<{uri}>").into_bytes(),
        uri: uri.into_bytes(),
        call_id: format!("{id:016x}").into_bytes(),
        number: 1,
        max_forwards: invite.max_forwards().unwrap_or(70).checked_sub(1)?,
        lines,
        sdp: Vec::new(),
    })
}
