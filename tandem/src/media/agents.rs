//! The agents of a node with all that stands behind them: their thread, and those who keep and deliver messages.

use super::shelf::Shelves;
use super::{Means, Media};
use crate::clock::Clock;
use crate::config::Mailboxes;
use crate::delivery::{MANNER, Post};
use crate::key;
use crate::net::Net;
use crate::store::Store;
use crate::store::outbox::Tally;
use agent::guide::Guide;
use agent::srtp::Key;
use core::net::{IpAddr, Ipv4Addr};
use core::ops::RangeInclusive;
use core::time::Duration;
use router::door::Identity;
use router::path::{Listener, Transport};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What stands behind the agents.
#[derive(Debug)]
pub struct Agents {
    post: Arc<Post>,
}

/// What the plan says for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who answers, and how.
    pub guide: Arc<Guide>,
    /// Who hears of messages.
    pub mailboxes: Arc<Mailboxes>,
}

impl Agents {
    /// Starts them, and has the sockets speak with them.
    ///
    /// # Errors
    /// The operating system has no threads to give.
    pub fn start(
        net: &mut Net,
        identity: &Identity,
        said: Said,
        (data, store): (&Path, Store),
        ports: RangeInclusive<u16>,
        clock: Clock,
    ) -> io::Result<Self> {
        let Said { guide, mailboxes } = said;
        let post = Arc::new(Post::start(data, store.clone(), mailboxes, (clock, identity.seed), MANNER)?);
        let shelf = Shelves::new(Arc::clone(&post), (clock, identity.name.clone()), (data, store))?;
        let is_inside = |listener: &Listener| listener.transport == Transport::Inside;
        let Some(local) = identity.listeners.iter().position(is_inside) else { return Ok(Self { post }) };
        let (bind, told) = addresses(&identity.listeners);
        let means = Means {
            clock,
            guide,
            public: public(&identity.listeners),
            bind,
            told,
            ports,
            // Tags and branches of theirs are none of the node's.
            chance: (!identity.seed, Key::new(key::chance()?)),
            shelf: Box::new(shelf),
            say: Box::new(net.listen_inside()),
            local: u8::try_from(local).unwrap_or(u8::MAX),
        };
        net.speak_inside(Media::start(means)?);
        Ok(Self { post })
    }

    /// Waits until mailboxes know what they hold, at most so long: before the first call.
    pub async fn ready(&self, net: &Net, patience: Duration) {
        self.post.spool().ready(patience).await;
        net.media().into_iter().for_each(Media::look);
    }

    /// Another plan is in force.
    pub fn apply(&self, said: Said, net: &Net) {
        self.post.renew(said.mailboxes);
        net.media().into_iter().for_each(|media| media.apply(Arc::clone(&said.guide)));
    }

    /// Letters that have not arrived, as of a moment ago.
    #[must_use]
    pub fn letters(&self) -> Tally {
        self.post.tally()
    }

    /// Ends them: what callers have said is kept.
    pub fn end(self, net: &mut Net) {
        net.take_media().into_iter().for_each(Media::end);
        if let Some(post) = Arc::into_inner(self.post) {
            post.end();
        }
    }
}

/// Where sound comes to, as it is bound and as others are told. An address that others are told by name is looked for.
fn addresses(listeners: &[Listener]) -> (IpAddr, IpAddr) {
    let outside = listeners.iter().filter(|listener| !listener.transport.is_inside());
    let first =
        outside.clone().find(|listener| listener.address.is_ipv4()).or_else(|| outside.clone().next());
    let Some(first) = first else { return (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()) };
    let bind = first.address.ip();
    let found = || if bind.is_unspecified() { crate::net::outgoing_address(bind).ok() } else { Some(bind) };
    let told = first.advertise.0.parse().ok().or_else(found).unwrap_or(Ipv4Addr::LOCALHOST.into());
    (bind, told)
}

/// What a Contact says behind the user part: a listener that others are told.
fn public(listeners: &[Listener]) -> String {
    let outside = |listener: &&Listener| !listener.transport.is_inside();
    let Some(Listener { transport, advertise: (host, port), .. }) = listeners.iter().find(outside) else {
        return "localhost".to_owned();
    };
    let host = router::relay::Bracketed(host);
    format!("{host}:{port}{}", transport.as_param())
}
