//! Lamps on phones that a message waits (RFC 3842): which phone may ask which mailbox.

use crate::call::called;
use crate::inside::AgentId;
use crate::plan::Plan;
use crate::relay::Refusal;
use crate::reply::not_taken;
use crate::target::{Peer, PeerHost, PeerKind};
use core::net::SocketAddr;
use sip::uri::same_user;
use sip::{Message, Name};

/// The agent of the mailbox that a SUBSCRIBE asks about, by the name in its Request-URI. Whether it is one, and of what else it can be
/// asked, it says itself.
///
/// # Errors
/// The refusal. How many messages wait is for an office and for who answers on its behalf; anybody else, and any other subscription, is
/// answered as if there were none.
pub fn mailbox(
    plan: &Plan,
    sender: Option<&Peer>,
    subscribe: &Message,
    draining: bool,
) -> Result<AgentId, Refusal> {
    let is_known = sender.is_some_and(|peer| match peer.kind {
        PeerKind::Site | PeerKind::Service => true,
        PeerKind::Trunk(_) | PeerKind::Agent => false,
    });
    let mut agents = plan.peers.iter().filter(|peer| peer.kind == PeerKind::Agent).peekable();
    if !is_known || agents.peek().is_none() {
        return Err(not_taken());
    }
    let name = called(subscribe);
    match agents.find(|peer| same_user(peer.name.as_bytes(), name)).and_then(agent) {
        // Whoever goes on after this node is asked again in a moment.
        Some(_) if draining => Err(Refusal::plain(503, "this node is draining")),
        Some(agent) => Ok(agent),
        None if is_summary(subscribe) => Err(Refusal::plain(404, "there is no mailbox of this name")),
        None => Err(not_taken()),
    }
}

fn agent(peer: &Peer) -> Option<AgentId> {
    match peer.host {
        PeerHost::Ip(ip) => AgentId::at(SocketAddr::new(ip, peer.port?)),
        PeerHost::Name(_) => None,
    }
}

fn is_summary(subscribe: &Message) -> bool {
    let package = subscribe.value(Name::Event).and_then(|event| event.split(|byte| *byte == b';').next());
    package.is_some_and(|package| package.trim_ascii().eq_ignore_ascii_case(b"message-summary"))
}
