//! The same hop once more with a changed INVITE, where a refusal asks for a change.

use super::{LegId, Output, Walk};
use crate::fix;
use crate::health::Health;
use crate::leg::Leg;
use crate::logins::Word;
use crate::position::INVITES_MAX;
use crate::verdict::Fix;
use sip::{Message, Time};

impl Walk {
    /// May the hop of a leg that was refused be tried once more with this change?
    pub(super) fn may_fix(&self, id: LegId, fix: Fix, refusal: &Message) -> bool {
        let (Some(leg), Some(peer)) = (self.legs.get(id), self.leg_peer(id)) else { return false };
        let done = leg.fixes.iter().filter(|(done, _)| *done == fix).count();
        let once = done == 0 || done == 1 && fix::may_be_repeated(fix, refusal, peer);
        let possible = fix != Fix::Stream || self.roads.have_streams();
        once && possible && self.position.invites < INVITES_MAX && fix::can_be_met(fix, refusal, peer)
    }

    /// What a challenge that gets no further answer says of our credentials.
    pub(super) fn word(&self, id: LegId, fix: Option<Fix>) -> Option<Word> {
        let said = |(fix, _): &(Fix, Message)| *fix == Fix::Credentials;
        match fix? {
            Fix::Credentials if self.fixes(id).iter().any(said) => Some(Word::Refused),
            Fix::Credentials if self.position.invites < INVITES_MAX => Some(Word::Unmet),
            // There was no room to say them; or it is not about them.
            Fix::Credentials | Fix::SessionTimer | Fix::Stream | Fix::Presentation => None,
        }
    }

    /// Tries it: a leg of its own, with the patience of any other.
    pub(super) fn again(
        &mut self,
        id: LegId,
        change: (Fix, Message),
        now: Time,
        health: &mut Health,
        out: &mut Vec<Output>,
    ) {
        let Some(before) = self.legs.get(id) else { return };
        let (target, peer, path) = (before.target, before.peer, before.path);
        let leg = self.legs.len();
        let next = before.again(change, now, self.first(peer, path, health));
        let ticket = self.count(target, peer, now, health, out);
        self.legs.push(Leg { ticket, ..next });
        self.position.on_again();
        health.on_call_begun(path);
        out.push(Output::Ring { leg, target, peer, path });
    }
}
