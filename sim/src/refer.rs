//! A carrier that is asked to join two calls of its own (RFC 3515, RFC 3891), and what it makes of that.

use crate::compose;
use crate::glance::{Glance, Packet, Verb};
use crate::phone::{Alarm, Ask, Host, hash};
use core::net::SocketAddr;
use core::time::Duration;
use sip::Time;

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joins {
    /// It is refused.
    Refused(u16),
    /// Nothing at all.
    Silent,
    /// It is taken on, and nothing is heard of it again.
    Untold,
    /// They are joined so much later, if both are still up: the call that is taken over ends first.
    After(Duration),
    /// The same, but whoever was asked hangs up at once.
    Hasty(Duration),
    /// It is said to be done so much later, and is not.
    Said(Duration),
}

/// A call: its Call-ID and the tag on this side.
type Key = (u64, u64);

impl Host {
    /// Is asked to join the call in which that is said and another one.
    pub(crate) fn on_refer(
        &mut self,
        place: usize,
        to: SocketAddr,
        packet: &Packet,
        glance: &Glance,
        now: Time,
        out: &mut Vec<Ask>,
    ) {
        let asked = (glance.call, glance.to_tag);
        let is_known = self.dialogs.contains_key(&asked);
        let is_copy = self.has_served(glance);
        let (status, later) = match self.joins {
            Joins::Refused(status) => (status, None),
            Joins::Silent => return,
            Joins::Untold => (202, None),
            Joins::After(later) | Joins::Hasty(later) | Joins::Said(later) => (202, Some(later)),
        };
        self.serve(place, to, packet, glance, if is_known || is_copy { status } else { 481 }, out);
        let Some(later) = later.filter(|_| is_known && !is_copy) else { return };
        self.notify(asked, 100, now, out);
        if let Joins::Hasty(_) = self.joins {
            self.hang_up(asked, now, out);
        }
        let other = replaced(&packet.bytes).unwrap_or_default();
        out.push(Ask::Wake { at: now + later, alarm: Alarm::Join(asked, other) });
    }

    /// Joins these two, if it can.
    pub(crate) fn join(&mut self, asked: Key, other: Key, now: Time, out: &mut Vec<Ask>) {
        let says_so = matches!(self.joins, Joins::Said(_));
        let taken = if says_so { None } else { self.dialogs.remove(&other) };
        if let Some(dialog) = &taken {
            self.joined.insert(other);
            self.say_bye(dialog, now, out);
        }
        self.notify(asked, if taken.is_some() || says_so { 200 } else { 481 }, now, out);
    }

    fn notify(&mut self, key: Key, status: u16, now: Time, out: &mut Vec<Ask>) {
        let branch = self.branch();
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.cseq += 1;
        let state = if status < 200 { "active" } else { "terminated;reason=noresource" };
        let lines = format!(
            "Event: refer\r\nSubscription-State: {state}\r\nContact: <sip:{}>\r\nContent-Type: message/sipfrag\r\n",
            dialog.here
        );
        let bytes = dialog.say("NOTIFY", &branch, &lines, &format!("SIP/2.0 {status} So\r\n"));
        let (here, to) = (dialog.here, dialog.next_hop());
        if let Some(to) = to {
            self.request((hash(&branch), Verb::Notify), bytes, here, to, now, out);
        }
    }
}

/// The call that is to be taken over, by what a Refer-To says of it.
fn replaced(refer: &[u8]) -> Option<Key> {
    let text = String::from_utf8_lossy(refer);
    let (_, replaces) = text.split_once("?Replaces=")?;
    let (replaces, rest) = replaces.split_once('&')?;
    assert!(rest.starts_with("Require=replaces>"), "who cannot replace a call begins another: {text}");
    let replaces = compose::unescaped(replaces);
    let mut parts = replaces.split(';');
    let call_id = parts.next()?;
    let to_tag = parts.find_map(|part| part.strip_prefix("to-tag="))?;
    Some((hash(call_id), hash(to_tag)))
}
