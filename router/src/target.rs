//! What can be rung, and by which ways.

use crate::dialect::Dialect;
use crate::path::Transport;
use crate::presentation::Presentation;
use crate::verdict::CodeRule;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use sip::text::{push_decimal, push_ip};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names a [`Peer`] by its place in [`Plan::peers`](crate::Plan::peers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// Names a [`Carrier`] by its place in [`Plan::carriers`](crate::Plan::carriers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CarrierId(pub u32);

/// Names a [`Target`] by its place in [`Plan::targets`](crate::Plan::targets).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub u32);

/// What a SIP peer is to the business: the code table (TRIGGERS, "by who said it") has a column for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// A trunk of a carrier: reaches phone numbers.
    Trunk(CarrierId),
    /// A PBX or phone of an office.
    Site,
    /// An answering service or another machine that answers, by SIP.
    Service,
    /// An agent of this process: a mailbox, an announcement.
    Agent,
}

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerHost {
    /// An address.
    Ip(IpAddr),
    /// A name, resolved in the background.
    Name(Arc<str>),
}

/// One SIP peer that requests can be sent to. Each of its addresses is a path with health of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What people call it: the key in the plan file (`telnyx`, `office`), with the trunk's name if it has one.
    pub name: Arc<str>,
    /// What it is.
    pub kind: PeerKind,
    /// Where it is.
    pub host: PeerHost,
    /// Its port; `None` for that of its SRV records, or its transport's own.
    pub port: Option<u16>,
    /// How it is spoken to; `None` leaves it to the DNS (RFC 3263 §4.1), and is UDP for an address.
    pub transport: Option<Transport>,
    /// The user part its URI names; `None` keeps the number that was called.
    pub user: Option<Arc<str>>,
    /// How it is probed; `None` for passive-only.
    pub probe: Option<Probe>,
    /// How long an INVITE may stay without any response; `None` derives it from the measured round trip.
    pub first: Option<Duration>,
    /// How long after 100 a leg may stay without ringing.
    pub progress: Duration,
    /// What a status means there by the plan's own word: beats everything.
    pub codes: BTreeMap<u16, CodeRule>,
    /// How it uses SIP codes.
    pub dialect: Arc<Dialect>,
    /// How calls are presented to it; `None` leaves all that says so as it came.
    pub presentation: Option<Arc<Presentation>>,
    /// What it can die of, together with others.
    pub domains: Vec<Arc<str>>,
    /// Who we are to it when it asks; `None` answers no challenge.
    pub login: Option<Login>,
    /// Where its redirections may lead; anywhere else they are refused.
    pub follow: Vec<PeerId>,
    /// Does it take sound that is sealed (RFC 3711), and no other? Only calls that an agent of ours makes there ask for it.
    pub srtp: bool,
    /// Does it join two calls of its own when it is asked to (RFC 3515, RFC 3891)? Only an agent of ours that stands between them asks.
    pub refer: bool,
}

/// Who we are to a peer that asks for credentials (RFC 3261 §22). [`Debug`](fmt::Debug) shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name; without quotes and backslashes.
    pub user: Arc<str>,
    /// The password.
    pub password: Arc<str>,
    /// The one realm whose challenges are answered; `None` for any, as long as it is this peer that asks.
    pub realm: Option<Arc<str>>,
    /// The account that we register there; `None` if calls come without that.
    pub register: Option<Register>,
    /// The line of the password in the plan file.
    pub line: u32,
}

/// The account by which a peer is told where we are (RFC 3261 §10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The user part of its URI, and of the one at which we are called; as it may stand there.
    pub user: Arc<str>,
    /// Its domain; `None` for the peer's host.
    pub domain: Option<Arc<str>>,
    /// For how long a registration is asked for. 60 s to an hour; a registrar may want longer.
    pub expires: Duration,
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Login")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .field("register", &self.register)
            .finish_non_exhaustive()
    }
}

impl Peer {
    /// The carrier whose trunk it is; `None` for a site or a service.
    #[must_use]
    pub const fn carrier(&self) -> Option<CarrierId> {
        match self.kind {
            PeerKind::Trunk(carrier) => Some(carrier),
            PeerKind::Site | PeerKind::Service | PeerKind::Agent => None,
        }
    }

    /// The account that we register there; `None` if calls come without that.
    #[must_use]
    pub fn register(&self) -> Option<&Register> {
        self.login.as_ref()?.register.as_ref()
    }

    /// The URI of a user there.
    #[must_use]
    pub fn uri(&self, user: &[u8]) -> Vec<u8> {
        let mut uri = Vec::with_capacity(96);
        uri.extend_from_slice(b"sip:");
        if !user.is_empty() {
            uri.extend_from_slice(user);
            uri.push(b'@');
        }
        match &self.host {
            PeerHost::Ip(IpAddr::V6(ip)) => {
                uri.push(b'[');
                push_ip(&mut uri, IpAddr::V6(*ip));
                uri.push(b']');
            }
            PeerHost::Ip(ip) => push_ip(&mut uri, *ip),
            PeerHost::Name(name) => uri.extend_from_slice(name.as_bytes()),
        }
        if let Some(port) = self.port {
            uri.push(b':');
            push_decimal(&mut uri, u64::from(port));
        }
        uri.extend_from_slice(self.transport.map_or("", Transport::as_param).as_bytes());
        uri
    }
}

/// How a peer is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Pause between probes, ±20 % drawn at random. 1 s to 300 s; 500 ms at the least.
    pub every: Duration,
    /// How long a probe waits for an answer. 0.5 s to 10 s.
    pub timeout: Duration,
    /// Misses in a row until DOWN.
    pub down_after: u8,
    /// Answers in a row until PROBATION.
    pub up_after: u8,
    /// How long it must have been well before calls return; doubles with every flap, up to 10 minutes.
    pub hold: Duration,
}

impl Probe {
    /// The default for sites and services: 5 s; for carriers: 10 s. Worst case to DOWN: 13 s and 18 s.
    #[must_use]
    pub const fn every(every: Duration) -> Self {
        Self {
            every,
            timeout: Duration::from_secs(2),
            down_after: 3,
            up_after: 3,
            hold: Duration::from_secs(30),
        }
    }
}

/// A carrier: one or more trunks that reach phone numbers and die together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// The key in the plan file.
    pub name: Arc<str>,
    /// Its trunks, in order of preference.
    pub trunks: Vec<PeerId>,
}

/// Something that can be rung and whose acceptance ends the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The key in the plan file.
    pub name: Arc<str>,
    /// What it is.
    pub kind: TargetKind,
    /// How it is reached.
    pub reach: Reach,
    /// How long it may ring if its step does not say.
    pub ring: Duration,
    /// Does whoever answers there have to press 1 to get the call? For phone numbers alone, so that no mobile's own
    /// voicemail takes it.
    pub confirm: bool,
}

/// What a target is to the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// An office.
    Site,
    /// Somebody's own phone.
    Person,
    /// Somebody whose job is to answer: counts for `live_within`.
    Service,
    /// What always answers, in this process: a mailbox, an announcement. A plan ends with one; it counts for
    /// `live_within`.
    Agent,
    /// What is said to the caller before a step, in this process. It is not somebody: it answers nothing.
    Word,
}

impl Target {
    /// Does whoever answers there have to press 1, if its step says this of it?
    #[must_use]
    pub fn is_confirmed(&self, step: Option<bool>) -> bool {
        matches!(self.reach, Reach::Number(_)) && step.unwrap_or(self.confirm)
    }
}

impl TargetKind {
    /// Is it its job to answer?
    #[must_use]
    pub const fn answers(self) -> bool {
        match self {
            Self::Service | Self::Agent => true,
            Self::Site | Self::Person | Self::Word => false,
        }
    }
}

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By these peers themselves, in order.
    Sip(Vec<PeerId>),
    /// A phone number (E.164 with the plus, or a short code), through the plan's carriers in order.
    Number(Arc<str>),
}

/// Peers for the tests of other files.
#[cfg(test)]
pub(crate) mod made {
    use super::*;

    /// One at this host, of which nothing else is said.
    pub(crate) fn peer(name: &str, kind: PeerKind, host: IpAddr) -> Peer {
        Peer {
            name: name.into(),
            kind,
            host: PeerHost::Ip(host),
            port: None,
            transport: None,
            user: None,
            probe: None,
            first: None,
            progress: Duration::from_secs(5),
            codes: BTreeMap::new(),
            dialect: Arc::default(),
            presentation: None,
            domains: Vec::new(),
            login: None,
            follow: Vec::new(),
            srtp: false,
            refer: false,
        }
    }
}
