//! Where a request inside of a call goes: by Route and our seal alone, on any node, without state.

use crate::fix::may_stream;
use crate::forwarded::translate;
use crate::health::Health;
use crate::inside::AgentId;
use crate::locate::{Place, Spot};
use crate::names::Names;
use crate::path::{Flow, Listener, Path, Transport, listener_for, stream_beside};
use crate::plan::Plan;
use crate::relay::{Below, pair_of, push_record_route, push_veil, push_via, put_on_top, raise};
use crate::roads::Roads;
use crate::seal::{Branch, Carried, Kind, Seal, Sender};
use crate::streams::{DATAGRAM_MAX, Streams};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use sip::{Bytes, Edits, Host, Message, Method, Name, NameAddr, Time, Uri};

/// A request that belongs to a call is passed on by what is written in it.
#[derive(Clone, Debug)]
pub enum Passed {
    /// Send it there.
    To {
        /// Where to.
        to: Flow,
        /// What our branch names it by.
        key: (u32, u32),
        /// The request as it goes on.
        bytes: Bytes,
        /// The name that was looked up for it, if its next hop is no address.
        by: Option<Place>,
    },
    /// It bears no valid seal of ours for this call.
    Unsealed,
    /// Its next hop has a name whose addresses are not known here.
    Unknown(Place),
    /// Its next hop is none that we can send to.
    Nowhere,
}

/// What passing on needs to know of this node.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// Our listeners.
    pub listeners: &'a [Listener],
    /// The names we know.
    pub names: &'a Names,
    /// What is believed of paths.
    pub health: &'a Health,
    /// Who takes streams.
    pub streams: &'a Streams,
    /// What we sign with.
    pub seal: &'a Seal,
    /// Whom we know, and by which paths.
    pub plan: &'a Plan,
    /// The same.
    pub roads: &'a Roads,
    /// Seconds since 1970.
    pub unix: i64,
    /// The time.
    pub now: Time,
}

/// Passes on a request of a call that is up: by Route or Request-URI alone, on the strength of our seal in Route, without
/// any state (RFC 3261 §16.4 to §16.6).
#[must_use]
pub fn in_dialog(request: &Message, below: &Below, came: Flow, here: Here<'_>, edits: &mut Edits) -> Passed {
    let outward = came.path.transport.is_inside().then(|| Way::outward(request, here)).flatten();
    let way = outward.or_else(|| Way::of(request, here).filter(|_| is_inside(request, came)));
    let Some(way) = way else { return Passed::Unsealed };
    let by_address = way.path(here);
    let (mut to, by) = match (way.along(here.listeners), by_address) {
        // If that connection is lost, its address may still lead there.
        (Some(along), Some((path, by))) if along.path.local == path.local => (Flow { path, ..along }, by),
        (Some(along), _) => (along, None),
        (None, Some((path, by))) => (Flow { path, connection: 0 }, by),
        (None, None) => {
            return match way.next().uri.as_ref().and_then(place_of) {
                Some(place) if here.names.spots(&place).is_empty() => Passed::Unknown(place),
                Some(_) | None => Passed::Nowhere,
            };
        }
    };
    let Some(mut bytes) = way.write(request, below, came, to.path, here, edits) else {
        return Passed::Nowhere;
    };
    let [slot, generation] = halves(below.key);
    let is_long = bytes.len() > DATAGRAM_MAX;
    let takes = |stream: &Path| match way.hop {
        Some(_) => here.takes_agents(request, (slot, generation), (*stream, to.path), is_long),
        // RFC 3261 §18.1.1: where somebody is known to take it, for nobody here would notice if not.
        None => is_long && here.streams.is_taken(*stream),
    };
    if (is_long || way.hop.is_some())
        && let Some(path) = stream_beside(to.path, here.listeners).filter(takes)
        && let Some(over_stream) = way.write(request, below, came, path, here, edits)
    {
        (to.path, bytes) = (path, over_stream);
    }
    Passed::To { to, key: (slot, generation), bytes, by }
}

impl Here<'_> {
    /// Does what an agent of ours begins a call with go over this stream beside its path? The agent sends its INVITE again: a copy that
    /// nobody has answered there goes as a datagram, and ACK and CANCEL go where their INVITE went (RFC 3261 §9.1, §17.1.1.3).
    fn takes_agents(
        self,
        request: &Message,
        key: (u32, u32),
        (stream, path): (Path, Path),
        is_long: bool,
    ) -> bool {
        let (is_invite, is_taken) = (request.method() == Method::Invite, self.streams.is_taken(stream));
        if let Some(its) = self.streams.of_agent(key) {
            return its == stream && (is_taken || !is_invite);
        }
        let peer = || self.plan.peer(self.roads.peer_at(path)?);
        let may = || self.streams.is_worth_trying(stream, self.now) && peer().is_some_and(may_stream);
        is_invite && is_long && (is_taken || may())
    }
}

/// Is a request inside of a call? Without a To tag it may begin one, whatever it bears: a seal is no way out. Who was called and gave
/// none is spoken to without (RFC 3261 §12.1.2): ACK and BYE begin nothing, and our agents nothing that the node has not chosen.
fn is_inside(request: &Message, came: Flow) -> bool {
    let begins_nothing = matches!(request.method(), Method::Ack | Method::Bye);
    !request.to_tag().is_empty() || begins_nothing || came.path.transport.is_inside()
}

/// The way that a request is on.
struct Way<'a> {
    /// What its Request-URI will be.
    target: Hop<'a>,
    /// What is left of Route.
    routes: Vec<Hop<'a>>,
    /// What goes to the end of Route, since the next hop is a strict router.
    last: Option<Hop<'a>>,
    /// Our listener that it leaves by if that fits.
    leaves: Option<u8>,
    carried: Carried<'a>,
    sender: Sender,
    /// The hop that an agent of ours has named for a call of its own.
    hop: Option<Hop<'a>>,
}

impl<'a> Way<'a> {
    /// Of a request with which an agent of ours begins a call, or gives it up: by the hop in Route, which was the node's own
    /// choice. `None` for any other.
    fn outward(request: &'a Message, here: Here<'_>) -> Option<Self> {
        let target = Hop::of_uri(request.at(request.request_uri()?));
        let hop = Hop::of_route(request.at(request.elements(Name::Route).next()?));
        let (routes, last, leaves) = (Vec::new(), None, None);
        let (carried, sender) = (Carried { shift: 0, veil: None, connection: 0 }, Sender::Caller);
        let is_ours = hop.ours(here.listeners).is_some();
        (!is_ours).then_some(Self { target, routes, last, leaves, carried, sender, hop: Some(hop) })
    }

    /// Reads it off a request; `None` if it bears no valid seal of ours for its call.
    fn of(request: &'a Message, here: Here<'_>) -> Option<Self> {
        let mut target = Hop::of_uri(request.at(request.request_uri()?));
        let mut routes: Vec<Hop<'_>> =
            request.elements(Name::Route).map(|span| Hop::of_route(request.at(span))).collect();
        let (mut token, mut leaves) = (None, None);
        // A strict router before us has put our own Record-Route into the Request-URI (RFC 3261 §16.4).
        if let Some(last) = routes.last().copied()
            && let Some((own, Some(seal))) = target.ours(here.listeners)
        {
            (token, leaves, target) = (Some(seal), Some(own), last);
            routes.pop();
            target.uri?;
        }
        let mut ours = 0;
        while let Some((own, seal)) = routes.get(ours).and_then(|hop| hop.ours(here.listeners)) {
            (token, leaves, ours) = (seal.or(token), Some(own), ours + 1);
        }
        routes.drain(..ours);
        let (carried, sender) = here.seal.read_route(token?, request, here.unix)?;
        // A next hop that is a strict router wants itself in the Request-URI, and what stood there at the end of Route
        // (RFC 3261 §16.6 step 6).
        let mut last = None;
        if routes.first().is_some_and(|first| !first.is_loose()) {
            (last, target) = (Some(target), routes.remove(0));
        }
        Some(Self { target, routes, last, leaves, carried, sender, hop: None })
    }

    fn next(&self) -> &Hop<'a> {
        if let Some(hop) = &self.hop {
            hop
        } else if self.last.is_some() {
            &self.target
        } else {
            self.routes.first().unwrap_or(&self.target)
        }
    }

    /// The path to its next hop, and the name that was looked up for it.
    fn path(&self, here: Here<'_>) -> Option<(Path, Option<Place>)> {
        if let Some(path) = self.next().agent(here.listeners).and_then(|agent| agent.path(here.listeners)) {
            return Some((path, None));
        }
        let uri = self.next().uri?;
        let by = place_of(&uri);
        next_hop(&uri, by.as_ref(), self.leaves, here).map(|path| (path, by))
    }

    /// The connection that the caller came by, if the callee sends: by it the caller is reached even if nothing leads to
    /// his address (RFC 5626 §5.3). The path leads nowhere else.
    fn along(&self, listeners: &[Listener]) -> Option<Flow> {
        let connection = self.carried.connection;
        let local = self.leaves.filter(|_| self.sender == Sender::Callee && connection > 0)?;
        let listener = listeners.get(usize::from(local))?;
        let nowhere: IpAddr = match listener.address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let path = Path { transport: listener.transport, local, remote: SocketAddr::new(nowhere, 0) };
        Some(Flow { path, connection })
    }

    /// The request as it leaves by this path; `None` if that begins at no listener of ours.
    fn write(
        &self,
        request: &Message,
        below: &Below,
        came: Flow,
        path: Path,
        here: Here<'_>,
        edits: &mut Edits,
    ) -> Option<Bytes> {
        let out = here.listeners.get(usize::from(path.local))?;
        let Carried { shift, veil, .. } = self.carried;
        edits.clear();
        if let Some(uri) = request.request_uri() {
            edits.replace(uri, self.target.text);
        }
        request.fields_of(Name::Route).for_each(|field| edits.remove(field.line));
        if let Some((sender, pair)) = veil.and_then(|veil| pair_of(veil, request, here.seal)) {
            translate(request, sender, &pair, edits);
        }
        let [slot, generation] = halves(below.key);
        let routing = here.seal.routing(request);
        let shift = if self.sender == Sender::Caller { shift } else { 0 };
        raise(request, shift, edits);
        let (veiled, connection) = (veil.is_some(), came.connection);
        let kind = Kind::Passing;
        let branch = Branch { kind, slot, generation, leg: 0, routing, shift, veiled, connection };
        put_on_top(request, below, edits, |lines| {
            push_via(lines, out, |text| {
                here.seal.push_branch(text, branch, below.hash, request.call_id());
                push_veil(text, veil);
            });
            push_route(lines, &self.routes, self.last);
            if self.hop.is_some() && request.method() == Method::Invite {
                let (call_id, tag) = (request.call_id(), request.from_tag());
                push_record_route(lines, out, &here.seal.route(call_id, tag, here.unix, self.carried));
            }
        });
        Some(edits.apply(request))
    }
}

/// A request of a peer that begins a dialog with an agent of ours, and is no call (RFC 6665 §4.4.1), as it goes inside: what comes later
/// in that dialog comes along our Record-Route, in both directions. `None` if it came by no listener of ours.
#[must_use]
pub fn inward(
    request: &Message,
    below: &Below,
    came: Flow,
    to: Path,
    (listeners, seal, unix): (&[Listener], &Seal, i64),
    edits: &mut Edits,
) -> Option<Bytes> {
    let came_by = listeners.get(usize::from(came.path.local))?;
    let along = if leads_elsewhere(request, came.path) { 0 } else { came.connection };
    let carried = Carried { connection: along, ..Carried::default() };
    let token = seal.route(request.call_id(), request.from_tag(), unix, carried);
    edits.clear();
    request.fields_of(Name::Route).for_each(|field| edits.remove(field.line));
    alone(request, below, came, to, (listeners, seal), edits, |lines| {
        push_record_route(lines, came_by, &token)
    })
}

/// A request of an agent of ours that begins nothing, as it leaves for a phone of the plan with this URI. `None` if it leaves by no
/// listener of ours.
#[must_use]
pub fn outward(
    request: &Message,
    below: &Below,
    came: Flow,
    (to, uri): (Path, &[u8]),
    (listeners, seal): (&[Listener], &Seal),
    edits: &mut Edits,
) -> Option<Bytes> {
    edits.clear();
    edits.replace(request.request_uri()?, uri);
    alone(request, below, came, to, (listeners, seal), edits, |_| ())
}

/// A request that belongs to no call, with our Via and these lines behind it.
fn alone(
    request: &Message,
    below: &Below,
    came: Flow,
    to: Path,
    (listeners, seal): (&[Listener], &Seal),
    edits: &mut Edits,
    more: impl FnOnce(&mut Vec<u8>),
) -> Option<Bytes> {
    let out = listeners.get(usize::from(to.local))?;
    let [slot, generation] = halves(below.key);
    let (routing, connection, kind) = (seal.routing(request), came.connection, Kind::Passing);
    let branch = Branch { kind, slot, generation, leg: 0, routing, shift: 0, veiled: false, connection };
    put_on_top(request, below, edits, |lines| {
        push_via(lines, out, |text| seal.push_branch(text, branch, below.hash, request.call_id()));
        more(lines);
    });
    Some(edits.apply(request))
}

/// Does what stands next to us in a request's Record-Route, or else its Contact, lead to another machine than the one that it
/// came from, and one that can be reached? An address behind NAT cannot, nor can a browser's (RFC 7118 §5.2.1).
#[must_use]
pub fn leads_elsewhere(request: &Message, came: Path) -> bool {
    let next = request.elements(Name::RecordRoute).chain(request.elements(Name::Contact)).next();
    let Some(uri) = next.and_then(|span| Hop::of_route(request.at(span)).uri) else { return false };
    let is_private = |ip: IpAddr| matches!(ip, IpAddr::V4(ip) if ip.is_private());
    let source = came.remote.ip();
    match uri.host {
        Host::Ip(ip) => ip != source && (is_private(source) || !is_private(ip)),
        Host::Name(_) => place_of(&uri).is_some(),
    }
}

/// One URI that a request is to go by.
#[derive(Clone, Copy)]
struct Hop<'a> {
    /// The element of Route as it was written.
    element: &'a [u8],
    /// The URI in it.
    text: &'a [u8],
    /// `None` if it is no SIP URI.
    uri: Option<Uri<'a>>,
}

impl<'a> Hop<'a> {
    fn of_uri(text: &'a [u8]) -> Self {
        Self { element: text, text, uri: Uri::parse(text) }
    }

    fn of_route(element: &'a [u8]) -> Self {
        let text = NameAddr::parse(element).map_or(element, |route| route.uri);
        Self { element, ..Self::of_uri(text) }
    }

    fn is_loose(&self) -> bool {
        self.uri.is_some_and(|uri| uri.params.get("lr").is_some())
    }

    /// The agent of ours that it names.
    fn agent(&self, listeners: &[Listener]) -> Option<AgentId> {
        let agent = AgentId::of_contact(self.uri?.user?)?;
        self.ours(listeners).map(|_| agent)
    }

    /// The listener it names, if it is one of ours by host, port and transport, and the seal in its `t` parameter.
    fn ours(&self, listeners: &[Listener]) -> Option<(u8, Option<&'a [u8]>)> {
        let uri = self.uri?;
        let transport = transport_of(&uri);
        let port = uri.port.unwrap_or(transport.default_port());
        let place = listeners.iter().position(|listener| {
            let (host, advertised) = &listener.advertise;
            let named = match uri.host {
                Host::Ip(ip) => {
                    listener.address == SocketAddr::new(ip, port)
                        || port == *advertised && host.trim_matches(['[', ']']).parse() == Ok(ip)
                }
                Host::Name(name) => name.eq_ignore_ascii_case(host.as_bytes()) && port == *advertised,
            };
            named && listener.transport == transport
        })?;
        Some((u8::try_from(place).ok()?, uri.params.value("t")))
    }
}

/// Pushes the Route line of what is left of the way, if anything is.
fn push_route(lines: &mut Vec<u8>, routes: &[Hop<'_>], last: Option<Hop<'_>>) {
    if routes.is_empty() && last.is_none() {
        return;
    }
    lines.extend_from_slice(b"Route: ");
    for route in routes {
        lines.extend_from_slice(route.element);
        lines.extend_from_slice(b", ");
    }
    match last {
        Some(last) => [b"<", last.text, b">"].iter().for_each(|part| lines.extend_from_slice(part)),
        None => lines.truncate(lines.len() - 2),
    }
    lines.extend_from_slice(b"\r\n");
}

fn transport_of(uri: &Uri<'_>) -> Transport {
    let written = uri.params.value("transport").and_then(Transport::named).unwrap_or(Transport::Udp);
    if uri.secure { written.secured() } else { written }
}

/// The name in a URI that has to be located before anything can be sent there; `None` if it has an address.
fn place_of(uri: &Uri<'_>) -> Option<Place> {
    let Host::Name(name) = uri.host else { return None };
    let host = core::str::from_utf8(name).ok()?.trim_end_matches('.').to_ascii_lowercase().into();
    let written = uri.params.value("transport").and_then(Transport::named);
    let transport =
        if uri.secure { Some(written.map_or(Transport::Tls, Transport::secured)) } else { written };
    // Whoever came by a WebSocket is reached by that alone, and names a host that is none (RFC 7118 §5.2.1).
    if transport.is_some_and(Transport::is_web) {
        return None;
    }
    Some(Place { host, port: uri.port, transport })
}

/// The path to a URI. Of the addresses of a name the one that is best believed of, the first by the DNS among equals:
/// no draw, so that a request that is sent again goes the same way.
fn next_hop(uri: &Uri<'_>, by: Option<&Place>, leaves: Option<u8>, here: Here<'_>) -> Option<Path> {
    match (uri.host, by) {
        (Host::Ip(ip), _) => {
            let transport = transport_of(uri);
            let remote = SocketAddr::new(ip, uri.port.unwrap_or(transport.default_port()));
            path_to(transport, remote, leaves, here.listeners)
        }
        (Host::Name(_), Some(place)) => {
            let spots = here.names.spots(place).iter();
            let path = |spot: &Spot| path_to(spot.transport, spot.address, leaves, here.listeners);
            spots.filter_map(path).min_by_key(|path| here.health.standing(*path))
        }
        (Host::Name(_), None) => None,
    }
}

fn path_to(
    transport: Transport,
    remote: SocketAddr,
    leaves: Option<u8>,
    listeners: &[Listener],
) -> Option<Path> {
    let fits = |local: &u8| {
        listeners.get(usize::from(*local)).is_some_and(|listener| {
            listener.transport == transport && listener.address.is_ipv4() == remote.is_ipv4()
        })
    };
    let local = leaves.filter(fits).or_else(|| listener_for(listeners, transport, remote.ip()))?;
    Some(Path { transport, local, remote })
}

/// The names that requests of a call will have to be sent to once this answer to its INVITE has passed: of what stands
/// next to us in Record-Route, on both sides, or else in Contact (RFC 3261 §12.1).
#[must_use]
pub fn names_ahead(invite: Option<&Message>, answer: &Message, listeners: &[Listener]) -> Vec<Place> {
    let routes: Vec<Hop<'_>> =
        answer.elements(Name::RecordRoute).map(|span| Hop::of_route(answer.at(span))).collect();
    let is_ours = |hop: &Hop<'_>| hop.ours(listeners).is_some();
    let (Some(first), Some(last)) = (routes.iter().position(is_ours), routes.iter().rposition(is_ours))
    else {
        return Vec::new();
    };
    let contact = |message: Option<&Message>| {
        let message = message?;
        let span = message.elements(Name::Contact).next()?;
        let hop = Hop::of_route(message.at(span));
        place_of(&hop.uri?).filter(|_| hop.agent(listeners).is_none())
    };
    let place = |hop: &Hop<'_>| hop.uri.as_ref().and_then(place_of);
    let called = match first.checked_sub(1).and_then(|before| routes.get(before)) {
        Some(hop) => place(hop),
        None => contact(Some(answer)),
    };
    let calling = match routes.get(last + 1) {
        Some(hop) => place(hop),
        None => contact(invite),
    };
    called.into_iter().chain(calling).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "two halves of one number")]
const fn halves(number: u64) -> [u32; 2] {
    [(number >> 32) as u32, number as u32]
}
