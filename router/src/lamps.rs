//! Lamps on phones that a message waits (RFC 3842): which phone may ask which mailbox, and which is told without asking.

use crate::call::called;
use crate::health::{Health, Standing};
use crate::inside::AgentId;
use crate::path::Path;
use crate::plan::Plan;
use crate::relay::Refusal;
use crate::reply::not_taken;
use crate::roads::Roads;
use crate::target::{Peer, PeerHost, PeerId, Reach, Target, TargetKind};
use core::net::SocketAddr;
use sip::uri::same_user;
use sip::{Message, Name};

/// The agent of the mailbox that a SUBSCRIBE asks about, by the name in its Request-URI. Whether it is one, and of what else it can be
/// asked, it says itself.
///
/// # Errors
/// The refusal. How many messages wait is for an office and for who answers on its behalf, and of a customer for his own; anybody else,
/// and any other subscription, is answered as if there were no mailboxes.
pub fn mailbox(
    plan: &Plan,
    sender: Option<PeerId>,
    subscribe: &Message,
    draining: bool,
) -> Result<AgentId, Refusal> {
    let sender = sender.and_then(|sender| plan.targets.iter().find(|target| is_of(target, sender)));
    let mut agents = plan.targets.iter().filter(|target| target.kind == TargetKind::Agent).peekable();
    let Some(sender) = sender.filter(|_| agents.peek().is_some()) else { return Err(not_taken()) };
    let asked = called(subscribe);
    let is_it = |target: &&Target| {
        let (whose, name) = whose(target);
        whose == self::whose(sender).0 && same_user(name.as_bytes(), asked)
    };
    match agents.find(is_it).and_then(|target| agent(plan, target)) {
        // Whoever goes on after this node is asked again in a moment.
        Some(_) if draining => Err(Refusal::plain(503, "this node is draining")),
        Some(agent) => Ok(agent),
        None if is_summary(subscribe) => Err(Refusal::plain(404, "there is no mailbox of this name")),
        None => Err(not_taken()),
    }
}

/// The way to the phone that an agent tells something, and what it is called by that way: the one that stands best.
///
/// # Errors
/// The refusal: the plan in force does not have it, or nothing leads there now.
pub fn way(
    plan: &Plan,
    roads: &Roads,
    health: &Health,
    notify: &Message,
) -> Result<(Path, Vec<u8>), Refusal> {
    let uri = notify.request_uri().map(|span| notify.at(span)).unwrap_or_default();
    let peers = core::str::from_utf8(uri).ok().and_then(|uri| plan.lamps.get(uri));
    let peers = peers.ok_or(Refusal::plain(404, "the plan has no such lamp"))?;
    let ways = peers.iter().flat_map(|peer| roads.of(*peer).iter().map(|path| (*peer, *path)));
    let best = ways.min_by_key(|(_, path)| health.standing_unless_full(*path));
    let (peer, path) = best
        .filter(|(_, path)| health.standing_unless_full(*path) != Standing::Down)
        .ok_or(Refusal::plain(503, "nothing leads to this lamp now"))?;
    let user = called(notify);
    Ok((path, plan.peer(peer).map_or_else(|| uri.to_vec(), |peer| peer.uri(user))))
}

/// Is it an office or a service that this peer is the way to?
fn is_of(target: &Target, peer: PeerId) -> bool {
    let kind = matches!(target.kind, TargetKind::Site | TargetKind::Service);
    kind && matches!(&target.reach, Reach::Sip(peers) if peers.contains(&peer))
}

/// The customer whose name stands before that of a target, if one's does, and the name behind it.
fn whose(target: &Target) -> (Option<&str>, &str) {
    match target.name.split_once('/') {
        Some((customer, name)) => (Some(customer), name),
        None => (None, &target.name),
    }
}

fn agent(plan: &Plan, target: &Target) -> Option<AgentId> {
    let Reach::Sip(peers) = &target.reach else { return None };
    let Peer { host: PeerHost::Ip(ip), port: Some(port), .. } = plan.peer(*peers.first()?)? else {
        return None;
    };
    AgentId::at(SocketAddr::new(*ip, *port))
}

fn is_summary(subscribe: &Message) -> bool {
    let package = subscribe.value(Name::Event).and_then(|event| event.split(|byte| *byte == b';').next());
    package.is_some_and(|package| package.trim_ascii().eq_ignore_ascii_case(b"message-summary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{CarrierId, PeerKind, made};
    use core::time::Duration;

    fn peer(kind: PeerKind, address: &str) -> Peer {
        let address: SocketAddr = address.parse().unwrap();
        Peer { port: Some(address.port()), ..made::peer("peer", kind, address.ip()) }
    }

    /// One target for each peer, but for the trunk, which is nobody's.
    fn plan() -> Plan {
        let agent = |number| peer(PeerKind::Agent, &AgentId(number).address().to_string());
        let site = |host| peer(PeerKind::Site, &format!("192.0.2.{host}:5060"));
        let target = |name: &str, kind, peer| Target {
            name: name.into(),
            kind,
            reach: Reach::Sip(vec![PeerId(peer)]),
            ring: Duration::ZERO,
            confirm: false,
        };
        Plan {
            peers: vec![
                site(1),
                site(2),
                peer(PeerKind::Trunk(CarrierId(0)), "192.0.2.3:5060"),
                agent(2),
                agent(3),
                agent(4),
            ],
            targets: vec![
                target("office", TargetKind::Site, 0),
                target("acme/hq", TargetKind::Site, 1),
                target("inbox", TargetKind::Agent, 3),
                target("acme/inbox", TargetKind::Agent, 4),
                target("acme/b\u{fc}ro", TargetKind::Agent, 5),
            ],
            ..Plan::default()
        }
    }

    fn asks(sender: u32, name: &str, event: &str) -> Result<u32, u16> {
        let text = format!("SUBSCRIBE sip:{name}@tandem SIP/2.0\r\nEvent: {event}\r\n\r\n");
        let subscribe = Message::parse(text.into_bytes().into()).unwrap();
        let agent = mailbox(&plan(), Some(PeerId(sender)), &subscribe, false);
        agent.map(|agent| agent.0).map_err(|refusal| refusal.status)
    }

    const SUMMARY: &str = "message-summary";

    #[test]
    fn an_office_asks_its_own_mailboxes_and_a_customer_no_others() {
        assert_eq!([asks(0, "inbox", SUMMARY), asks(1, "inbox", SUMMARY)], [Ok(2), Ok(3)]);
        assert_eq!([asks(1, "b%C3%BCro", SUMMARY), asks(0, "b%C3%BCro", SUMMARY)], [Ok(4), Err(404)]);
        assert_eq!([asks(0, "acme/inbox", SUMMARY), asks(1, "acme/inbox", SUMMARY)], [Err(404), Err(404)]);
        assert_eq!([asks(2, "inbox", SUMMARY), asks(9, "inbox", SUMMARY)], [Err(405), Err(405)]);
    }

    #[test]
    fn what_else_a_mailbox_can_be_asked_it_says_itself() {
        assert_eq!([asks(0, "inbox", "presence"), asks(0, "nobody", "presence")], [Ok(2), Err(405)]);
        assert_eq!(asks(0, "nobody", "Message-Summary ;id=1"), Err(404));
    }
}
