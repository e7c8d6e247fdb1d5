//! The agents of this process as the node sees them: mailboxes, announcements, whoever asks people to press 1. Each has an address that
//! no network carries (RFC 6666), and speaks SIP like anybody else.

use crate::path::{Listener, Path, Transport};
use core::fmt;
use core::net::{Ipv6Addr, SocketAddr};
use sip::{Message, Name};

/// Names an agent by its place: 1 is the one who asks people to press 1, those of the plan follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u32);

/// Who asks people to press 1.
pub const SCREEN: AgentId = AgentId(1);

/// The header field that tells the screen where the leg would have gone: a route.
pub const HOP: &str = "X-Tandem-Hop";

/// What stands behind it, after a semicolon, if whoever is called there takes sound that is sealed (RFC 3711), and no other.
pub const SEALED: &str = "srtp";

/// What stands behind it, after a semicolon, if the call came from there, too, and who is there joins two calls of his when he is asked to
/// (RFC 3891).
pub const JOINS: &str = "joins";

/// The header field that tells an agent why a call comes to it: the reason of a Diversion (RFC 5806), `;number=` with the number
/// that was called, and `;last` if nobody is left after it.
pub const WHY: &str = "X-Tandem-Why";

/// The header field by which the screen says that nobody can be asked in this call, whatever his carrier would have said.
pub const UNASKED: &str = "X-Tandem-Unasked";

/// Why somebody who has answered does not have the call: what the screen refuses it for, once it has said 182.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfirmed {
    /// His time to press 1 is over.
    Unpressed,
    /// He has hung up.
    HungUp,
    /// He has pressed 2.
    Declined,
    /// He has pressed 3: the caller is to leave a message, and nobody else is to be rung.
    ToMessage,
    /// He speaks nothing that is spoken here.
    Mute,
}

/// The Reason of whoever has said what was to be said before a step: the call goes on.
pub const SPOKEN: &str = "SIP;cause=480;text=\"said\"";

/// What the user part of an agent's Contact begins with: its number follows.
const CONTACT: &[u8] = b"agent-";

impl AgentId {
    /// Its address.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        let Self(number) = self;
        SocketAddr::new(Ipv6Addr::from_bits((0x0100 << 112) | u128::from(number)).into(), PORT)
    }

    /// The agent at this address; `None` if it is no agent's.
    #[must_use]
    pub fn at(address: SocketAddr) -> Option<Self> {
        let SocketAddr::V6(v6) = address else { return None };
        let number = u32::try_from(v6.ip().to_bits() ^ (0x0100 << 112)).ok()?;
        (v6.port() == PORT).then_some(Self(number))
    }

    /// The user part of its Contact.
    #[must_use]
    pub fn contact(self) -> String {
        format!("agent-{}", self.0)
    }

    /// The agent whose Contact has this user part.
    #[must_use]
    pub fn of_contact(user: &[u8]) -> Option<Self> {
        let digits = user.strip_prefix(CONTACT)?;
        core::str::from_utf8(digits).ok()?.parse().ok().map(Self)
    }

    /// The way to it; `None` if this node has no agents.
    #[must_use]
    pub fn path(self, listeners: &[Listener]) -> Option<Path> {
        let local = listeners.iter().position(|listener| listener.transport.is_inside())?;
        Some(Path { transport: Transport::Inside, local: u8::try_from(local).ok()?, remote: self.address() })
    }
}

impl Unconfirmed {
    pub(crate) const ALL: [Self; 5] =
        [Self::Unpressed, Self::HungUp, Self::Declined, Self::ToMessage, Self::Mute];

    /// The Reason of the refusal (RFC 3326), which the caller's side may see.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unpressed => "SIP;cause=480;text=\"nobody pressed 1\"",
            Self::HungUp => "SIP;cause=480;text=\"hung up without pressing 1\"",
            Self::Declined => "SIP;cause=603;text=\"declined\"",
            Self::ToMessage => "SIP;cause=480;text=\"sent to leave a message\"",
            Self::Mute => "SIP;cause=488;text=\"no sound in common\"",
        }
    }

    /// Reads what was written of one in words.
    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.to_string() == text)
    }

    /// The status that it has.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            // Nobody asks him by another way.
            Self::Declined => 603,
            Self::Unpressed | Self::HungUp | Self::ToMessage | Self::Mute => 480,
        }
    }

    /// What a refusal of the screen says; `None` for any other.
    #[must_use]
    pub fn of(refusal: &Message) -> Option<Self> {
        let reason = refusal.value(Name::Reason)?;
        Self::ALL.into_iter().find(|why| why.reason().as_bytes() == reason)
    }
}

/// In words for records.
impl fmt::Display for Unconfirmed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unpressed => "nobody pressed 1",
            Self::HungUp => "hung up without pressing 1",
            Self::Declined => "declined",
            Self::ToMessage => "sent the caller to leave a message",
            Self::Mute => "speaks nothing that is spoken here",
        })
    }
}

/// The listener by which a node speaks with its agents.
#[must_use]
pub fn listener() -> Listener {
    let address = AgentId(0).address();
    Listener { transport: Transport::Inside, address, advertise: (address.ip().to_string(), PORT) }
}

const PORT: u16 = 5060;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_its_address_and_by_its_contact() {
        let agent = AgentId(70_000);
        assert_eq!(agent.address().to_string(), "[100::1:1170]:5060");
        assert_eq!(AgentId::at(agent.address()), Some(agent));
        assert_eq!(AgentId::of_contact(agent.contact().as_bytes()), Some(agent));
        let others = ["192.0.2.1:5060", "[100::1]:5061", "[101::1]:5060", "[100::1:0:0]:5060"];
        assert!(others.iter().all(|other| AgentId::at(other.parse().unwrap()).is_none()));
        assert!(
            [&b"agent-"[..], b"agent-x", b"ana", b"agent-99999999999"]
                .iter()
                .all(|it| AgentId::of_contact(it).is_none())
        );
    }

    #[test]
    fn why_somebody_who_answered_does_not_have_the_call_is_known_by_its_reason_alone() {
        let refusal = |reason: &str| {
            let text = format!("SIP/2.0 480 No\r\nReason: {reason}\r\n\r\n");
            Unconfirmed::of(&Message::parse(text.into_bytes().into()).unwrap())
        };
        for why in Unconfirmed::ALL {
            assert_eq!(refusal(why.reason()), Some(why));
        }
        assert_eq!(refusal("SIP;cause=480"), None);
        assert_eq!(refusal("SIP;cause=200;text=\"Call completed elsewhere\""), None);
    }

    #[test]
    fn the_way_to_an_agent_leaves_by_the_listener_for_agents() {
        let outside = Listener { transport: Transport::Udp, ..listener() };
        assert_eq!(AgentId(7).path(core::slice::from_ref(&outside)), None);
        let path = AgentId(7).path(&[outside, listener()]).unwrap();
        assert_eq!((path.local, path.remote), (1, AgentId(7).address()));
    }
}
