//! One call: its walk, and the transactions that carry it. Translates between the two and decides nothing.

mod invite;
mod present;
mod record;

use crate::alarm::Alarm;
use crate::circles::Caller;
use crate::dialect::{Dialect, RING_OUT};
use crate::door::{Effect, Identity};
use crate::emergency::Urgent;
use crate::fix::Learned;
use crate::health::{self, Health};
use crate::logins::Word;
use crate::outcome::Outcome;
use crate::path::{Flow, Loss, Path};
use crate::plan::Plan;
use crate::position::Position;
use crate::record::{End, Entry};
use crate::relay::{self, Below};
use crate::roads::Roads;
use crate::seal::Seal;
use crate::slots::Slot;
use crate::tally;
use crate::target::{Peer, Reach, Target};
use crate::walk::{self, LegId, MOVED_ON, Walk};
use invite::Way;
use present::Offer;
use record::Record;
use sip::build::Extra;
use sip::text::push_hex;
use sip::txn::{ClientInvite, ClientOutput, ClientRequest, Reliability, ServerInvite, ServerOutput, Timers};
use sip::{Bytes, Edits, Message, Method, Name, Stamp, Time, Uri, build};
use std::sync::Arc;

/// One call.
#[derive(Debug)]
pub struct Call {
    slot: Slot,
    request: Message,
    came: Flow,
    reply: Flow,
    below: Below,
    /// What each leg's branch says of it: it is the same for all.
    routing: u32,
    tag: u64,
    unix: i64,
    server: Option<ServerInvite>,
    walk: Walk,
    clients: Vec<Client>,
    /// Its record, until that is given out.
    record: Option<Record>,
}

/// The transactions of one leg.
#[derive(Debug)]
struct Client {
    /// The path of the plan.
    path: Path,
    way: Way,
    /// Who calls, as the phone number sees it that is rung.
    caller: Option<Caller>,
    offer: Offer,
    sent: Time,
    heard: bool,
    invite: Option<ClientInvite>,
    cancel: Option<ClientRequest>,
}

/// What a call works with; lent by the node for one event.
#[derive(Debug)]
pub struct Means<'a> {
    /// Who we are.
    pub identity: &'a Identity,
    /// What we sign with.
    pub seal: &'a Seal,
    /// What is believed of paths.
    pub health: &'a mut Health,
    /// What peers have taught us about the INVITEs that they accept.
    pub learned: &'a mut Learned,
    /// Where the changes to a message are gathered.
    pub edits: &'a mut Edits,
    /// What health asked for meanwhile.
    pub beliefs: &'a mut Vec<health::Output>,
    /// What is to be done.
    pub out: &'a mut Vec<Effect>,
    /// The time.
    pub now: Time,
}

/// What a call begins with, beside its request.
#[derive(Debug)]
pub struct Opening {
    /// Where it will stand in the node's table.
    pub slot: Slot,
    /// The plan in force.
    pub plan: Arc<Plan>,
    /// Its paths.
    pub roads: Arc<Roads>,
    /// Where the walk begins.
    pub position: Position,
    /// The flow the INVITE came by.
    pub came: Flow,
    /// The tag of the answers that are made here, as a number.
    pub tag: u64,
    /// Its topmost Via.
    pub below: Below,
    /// The number of its record.
    pub record: u64,
}

impl Call {
    /// Takes an INVITE: answers 100 and begins the walk.
    pub fn start(request: Message, opening: Opening, means: &mut Means<'_>) -> Self {
        let Opening { slot, plan, roads, position, came, tag, below, record } = opening;
        let unix = position.unix;
        let trying = build::answer(&request, Some(&below.stamp), 100, "Trying", Extra::default());
        let reply = reply_flow(Some(&below.stamp), came);
        let timers = timers(means.health, came.path);
        let routing = means.seal.routing(&request);
        let mut sent = Vec::with_capacity(1);
        let server = ServerInvite::start(trying, reliability(came.path), timers, &mut sent);
        let mut asked = Vec::with_capacity(1);
        let walk = Walk::start(plan, roads, position, means.health, &mut asked);
        let (server, clients, record) = (Some(server), Vec::with_capacity(1), Some(Record::New(record)));
        let mut call =
            Self { slot, request, came, reply, below, routing, tag, unix, server, walk, clients, record };
        call.on_server(sent, means);
        call.carry_out(asked, means);
        call
    }

    /// The same INVITE came again.
    pub fn on_retransmission(&mut self, means: &mut Means<'_>) {
        let mut sent = Vec::new();
        if let Some(server) = &mut self.server {
            server.on_retransmission(&mut sent);
        }
        self.on_server(sent, means);
    }

    /// An ACK with our server transaction's branch came. `false` if it is not for a refusal of ours and belongs
    /// to whoever answered.
    pub fn on_ack(&mut self, means: &mut Means<'_>) -> bool {
        let Some(server) = &mut self.server else { return true };
        if server.answered().is_some_and(|status| status < 300) {
            return false;
        }
        let mut sent = Vec::new();
        server.on_ack(means.now, &mut sent);
        self.on_server(sent, means);
        true
    }

    /// The caller cancelled.
    pub fn on_cancel(&mut self, means: &mut Means<'_>) {
        let mut asked = Vec::new();
        self.walk.on_caller_gone(means.now, means.health, &mut asked);
        self.carry_out(asked, means);
    }

    /// A response to one of our legs came: to its INVITE or to its CANCEL. `intact` says whether the Via below ours
    /// is the one we received.
    pub fn on_response(&mut self, leg: LegId, response: Message, intact: bool, means: &mut Means<'_>) {
        let Some(client) = self.clients.get_mut(leg) else { return };
        // RFC 3261 §17.1.3: the CSeq must match too; the caller would not know this response again.
        let (number, said) = (self.request.cseq().map(|it| it.0), response.cseq().map(|it| it.0));
        let is_ours = matches!(response.method(), Method::Invite | Method::Cancel) && number == said;
        // A provisional that was tampered with proves nothing.
        if !is_ours || !intact && response.status().is_some_and(|status| status < 200) {
            return;
        }
        let mut heard = Vec::new();
        if response.method() == Method::Cancel {
            if let Some(cancel) = &mut client.cancel {
                cancel.on_response(response, means.now, &mut heard);
            }
            return self.on_cancel_client(leg, heard, means);
        }
        let Some(invite) = &mut client.invite else {
            // The transaction has let go, the call has not: a 2xx is passed on all the same.
            if intact && response.status().is_some_and(|status| (200..300).contains(&status)) {
                self.answered(leg, response, means);
            }
            return;
        };
        // An agent sends again what was lost on the way to the peer: how far it is, nobody here knows.
        if !core::mem::replace(&mut client.heard, true) && !matches!(client.way, Way::Asking { .. }) {
            let resent = invite.resent();
            let round_trip = (resent == 0).then(|| means.now.since(client.sent));
            match client.way.over() {
                None => means.health.on_heard(client.path, round_trip, resent),
                Some(stream) => means.learned.streams.on_taken(stream),
            }
        }
        invite.on_response(response, means.now, &mut heard);
        self.on_client(leg, heard, intact, means);
    }

    /// An answer to this INVITE came from a leg of a node that is gone.
    pub fn on_stray_answer(&mut self, response: Message, means: &mut Means<'_>) {
        let mut asked = Vec::new();
        self.walk.on_stray_answer(response, means.now, means.health, &mut asked);
        self.carry_out(asked, means);
        self.end(End::Answered { target: "a leg from before a restart".into() }, means);
    }

    /// The way along this path is lost.
    pub fn on_loss(&mut self, path: Path, loss: Loss, means: &mut Means<'_>) {
        for leg in 0..self.clients.len() {
            if self.falls_back(leg, path, loss) {
                self.fall_back(leg, means);
                continue;
            }
            let is_lost =
                |client: &&mut Client| client.goes_by() == path || client.asks() && client.path == path;
            let Some(client) = self.clients.get_mut(leg).filter(is_lost) else { continue };
            let asks = client.asks();
            let Some(invite) = &mut client.invite else { continue };
            let mut heard = Vec::new();
            match loss {
                // Only what is still wanted is asked for again.
                Loss::Closed if self.walk.wants(leg) && !asks => invite.on_closed(&mut heard),
                // It may come back and ring on: it is cancelled, as far as that goes.
                Loss::Stalled if invite.may_cancel() => {
                    let mut asked = Vec::new();
                    self.walk.on_lost(leg, means.now, means.health, &mut asked);
                    self.carry_out(asked, means);
                    continue;
                }
                Loss::Unreachable | Loss::Stalled => {
                    // Its agent would go on asking. While the INVITE is there: a CANCEL is made of it.
                    if asks && !invite.may_cancel() {
                        self.cancel(leg, MOVED_ON, means);
                    }
                    let invite = self.clients.get_mut(leg).and_then(|client| client.invite.as_mut());
                    invite.into_iter().for_each(|invite| invite.on_unreachable(means.now, &mut heard));
                }
                Loss::Closed => {}
            }
            self.on_client(leg, heard, true, means);
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, means: &mut Means<'_>) {
        for leg in 0..self.clients.len() {
            if self.falls_back_at(leg).is_some_and(|at| at <= means.now) {
                self.fall_back(leg, means);
            }
            let Some(client) = self.clients.get_mut(leg) else { continue };
            let (mut heard, mut cancelled) = (Vec::new(), Vec::new());
            if let Some(invite) = &mut client.invite {
                invite.on_deadline(means.now, &mut heard);
            }
            if let Some(cancel) = &mut client.cancel {
                cancel.on_deadline(means.now, &mut cancelled);
            }
            self.on_client(leg, heard, true, means);
            self.on_cancel_client(leg, cancelled, means);
        }
        let mut sent = Vec::new();
        if let Some(server) = &mut self.server {
            server.on_deadline(means.now, &mut sent);
        }
        self.on_server(sent, means);
        let mut asked = Vec::new();
        self.walk.on_deadline(means.now, means.health, &mut asked);
        self.carry_out(asked, means);
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        // Nothing else is due so soon; nor is it looked for while the INVITE has to leave.
        if let Some(at) = self.begins_at() {
            return Some(at);
        }
        let server = self.server.as_ref().and_then(ServerInvite::deadline);
        let clients = self.clients.iter().flat_map(|client| {
            let invite = client.invite.as_ref().and_then(ClientInvite::deadline);
            let cancel = client.cancel.as_ref().and_then(ClientRequest::deadline);
            invite.into_iter().chain(cancel)
        });
        let ways = (0..self.clients.len()).filter_map(|leg| self.falls_back_at(leg));
        clients.chain(ways).chain(server).chain(self.walk.deadline()).min()
    }

    /// Has everything that belongs to it come to its end?
    #[must_use]
    pub fn is_done(&self) -> bool {
        let open = |client: &Client| client.invite.is_some() || client.cancel.is_some();
        self.server.is_none() && !self.walk.is_open() && !self.clients.iter().any(open)
    }

    /// Has the caller no final response yet?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.walk.is_open()
    }

    /// Did the INVITE come from this address?
    #[must_use]
    pub fn came_from(&self, flow: Flow) -> bool {
        self.came.path.remote.ip() == flow.path.remote.ip()
    }

    /// The INVITE as it came.
    #[must_use]
    pub const fn request(&self) -> &Message {
        &self.request
    }

    /// Which caller the phone number of a leg sees, if it goes to one; `None` for no such leg.
    #[must_use]
    pub fn caller(&self, leg: LegId) -> Option<Option<Caller>> {
        self.clients.get(leg).map(|client| client.caller)
    }

    /// The paths of its legs.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.clients.iter().flat_map(|client| [Some(client.path), client.way.stream()]).flatten()
    }

    fn carry_out(&mut self, asked: Vec<walk::Output>, means: &mut Means<'_>) {
        for output in asked {
            match output {
                walk::Output::Ring { leg, path, .. } => self.ring(leg, path, means),
                walk::Output::Cancel { leg, reason } => self.cancel(leg, reason, means),
                walk::Output::Hush(leg) if self.clients.get(leg).is_some_and(Client::asks) => {
                    self.cancel(leg, MOVED_ON, means);
                }
                walk::Output::Hush(leg) => {
                    if let Some(invite) = self.clients.get_mut(leg).and_then(|client| client.invite.as_mut())
                    {
                        invite.hush();
                    }
                }
                walk::Output::Forget(leg) => {
                    if let Some(client) = self.clients.get_mut(leg) {
                        client.invite = None;
                    }
                }
                walk::Output::Forward(response) => {
                    let status = response.status().unwrap_or(500);
                    match self.word(status) {
                        word if word == status => {
                            self.respond(status, relay::pop_via(&response, means.edits), means);
                        }
                        word => self.answer(word, means),
                    }
                }
                walk::Output::Gone { leg, status } => self.tell_gone(leg, status, means),
                walk::Output::Answer(status) => self.answer(self.word(status), means),
                walk::Output::Unanswered(said) => match (self.ring_out(), said) {
                    (RING_OUT, Some(response)) => {
                        let status = response.status().unwrap_or(RING_OUT);
                        self.respond(status, relay::pop_via(&response, means.edits), means);
                    }
                    (status, _) => self.answer(status, means),
                },
                walk::Output::Login(leg, word) => self.on_login(leg, word, means),
                walk::Output::Believe(output) => means.beliefs.push(output),
                walk::Output::Alarm { leg, alarm } => self.alarm(leg, alarm, means),
            }
        }
    }

    /// Answers the caller with a status made here.
    fn answer(&mut self, status: u16, means: &mut Means<'_>) {
        let mut to_tag = Vec::with_capacity(16);
        push_hex(&mut to_tag, self.tag, 1);
        let extra = Extra { to_tag: &to_tag, lines: b"" };
        let stamp = Some(&self.below.stamp);
        let answer = build::answer(&self.request, stamp, status, build::phrase(status), extra);
        self.respond(status, answer, means);
    }

    /// Tells a caller who understands it that early dialogs of a leg are over (RFC 6228 §6): never reliably, so not to one
    /// who requires that.
    fn tell_gone(&mut self, leg: LegId, status: u16, means: &mut Means<'_>) {
        let names = |name, tag: &[u8]| self.request.elements(name).any(|span| self.request.at(span) == tag);
        if !names(Name::Supported, b"199") || names(Name::Require, b"100rel") {
            return;
        }
        let lines = format!("Reason: SIP;cause={status}\r\n");
        for to_tag in self.walk.early(leg).to_vec() {
            let extra = Extra { to_tag: &to_tag, lines: lines.as_bytes() };
            let stamp = Some(&self.below.stamp);
            let answer = build::answer(&self.request, stamp, 199, build::phrase(199), extra);
            self.respond(199, answer, means);
        }
    }

    /// What whoever sent the call is answered if nobody picks up: some go on elsewhere after a 503 alone.
    fn ring_out(&self) -> u16 {
        self.dialect().map_or(RING_OUT, |dialect| dialect.ring_out)
    }

    /// The status by which whoever sent the call understands this one.
    fn word(&self, status: u16) -> u16 {
        if status < 300 { status } else { self.dialect().map_or(status, |dialect| dialect.word(status)) }
    }

    fn dialect(&self) -> Option<&Dialect> {
        let sender = self.walk.roads().sender(self.came.path.remote)?;
        self.walk.plan().peer(sender).map(|peer| &*peer.dialect)
    }

    /// Writes down what somebody should look at.
    fn alarm(&self, leg: LegId, alarm: Alarm, means: &mut Means<'_>) {
        let plan = self.walk.plan();
        let Some((target, peer, path)) = self.walk.leg_way(leg) else { return };
        let Some(peer) = plan.peer(peer) else { return };
        let number = text(self.user_at(plan.target(target), peer));
        let (at, peer) = (means.now, Arc::clone(&peer.name));
        means.out.push(Effect::Record(Entry::Alarm { at, peer, path, number, alarm }));
    }

    fn is_for_help(&self) -> bool {
        self.walk.position().urgent == Some(Urgent::Emergency)
    }

    /// The user part that a peer is asked for: of somebody by number that number, else the one that its URI names or that
    /// was called.
    fn user_at<'a>(&'a self, target: Option<&'a Target>, peer: &'a Peer) -> &'a [u8] {
        match (target.map(|target| &target.reach), &peer.user) {
            (Some(Reach::Number(number)), _) => number.as_bytes(),
            (Some(Reach::Sip(_)), _) if self.is_for_help() => {
                let called = called(&self.request);
                self.walk.plan().emergency.number(called).map_or(called, |number| number.as_bytes())
            }
            (Some(Reach::Sip(_)) | None, Some(user)) => user.as_bytes(),
            (Some(Reach::Sip(_)) | None, None) => called(&self.request),
        }
    }

    fn on_client(&mut self, leg: LegId, heard: Vec<ClientOutput>, intact: bool, means: &mut Means<'_>) {
        for output in heard {
            let Some(client) = self.clients.get_mut(leg) else { return };
            match output {
                ClientOutput::Send(bytes) => send(client.goes_by(), bytes, means),
                ClientOutput::Pass(response) => self.on_leg_response(leg, response, intact, means),
                ClientOutput::TimedOut => {
                    let silent = Outcome::Silent(means.now.since(client.sent));
                    self.failed(leg, silent, None, means);
                }
                ClientOutput::Unreachable => self.failed(leg, Outcome::Unreachable, None, means),
                ClientOutput::Done => client.invite = None,
            }
        }
    }

    fn on_cancel_client(&mut self, leg: LegId, heard: Vec<ClientOutput>, means: &mut Means<'_>) {
        let Some(client) = self.clients.get_mut(leg) else { return };
        for output in heard {
            match output {
                ClientOutput::Send(bytes) => send(client.goes_by(), bytes, means),
                ClientOutput::Done => client.cancel = None,
                // What a CANCEL is answered says nothing: the INVITE's own final does.
                ClientOutput::Pass(_) | ClientOutput::TimedOut | ClientOutput::Unreachable => {}
            }
        }
    }

    fn on_leg_response(&mut self, leg: LegId, response: Message, intact: bool, means: &mut Means<'_>) {
        if response.status().is_some_and(|status| (101..300).contains(&status)) {
            self.on_accepted(leg, means);
        }
        let mut asked = Vec::new();
        // A 403 may be about the credentials or about the caller: it says nothing here.
        let through = response.status().is_some_and(|status| !matches!(status, 0..=100 | 401 | 403 | 407));
        if through && intact && !self.walk.is_unasked(leg, &response) {
            self.on_login(leg, Word::Through, means);
        }
        match response.status().unwrap_or_default() {
            _ if !intact => return self.failed(leg, Outcome::Broken, None, means),
            0..=199 => self.walk.on_provisional(leg, response, means.now, means.health, &mut asked),
            200..=299 => return self.answered(leg, response, means),
            status => {
                let path = self.clients.get(leg).map(|client| client.path);
                if status == 513 && path.and_then(|path| self.stream_to(leg, path, means)).is_none() {
                    self.walk.has_no_stream(leg);
                }
                let outcome = self.walk.refusal(leg, &response);
                return self.failed(leg, outcome, Some(response), means);
            }
        }
        self.carry_out(asked, means);
    }

    fn on_login(&mut self, leg: LegId, word: Word, means: &mut Means<'_>) {
        let needless = word == Word::Through && means.learned.logins.is_quiet();
        if let Some(peer) = self.walk.leg_peer(leg).filter(|_| !needless) {
            means.learned.logins.on_word(peer, word, means.now);
        }
    }

    fn answered(&mut self, leg: LegId, response: Message, means: &mut Means<'_>) {
        let open = self.walk.is_open();
        if let Some(ticket) = self.walk.take_ticket(leg) {
            tally::answered(means.health.load_mut(), ticket, means.seal, &response, means.now);
        }
        let mut asked = Vec::new();
        self.walk.on_answer(leg, response, means.now, means.health, &mut asked);
        self.carry_out(asked, means);
        if open {
            let plan = Arc::clone(self.walk.plan());
            let target = self.walk.leg_way(leg).and_then(|(target, ..)| plan.target(target));
            self.end(
                End::Answered { target: target.map(|t| Arc::clone(&t.name)).unwrap_or_default() },
                means,
            );
        }
    }

    fn failed(&mut self, leg: LegId, outcome: Outcome, response: Option<Message>, means: &mut Means<'_>) {
        let mut asked = Vec::new();
        self.walk.on_failure(leg, outcome, response, means.now, means.health, &mut asked);
        self.carry_out(asked, means);
    }

    /// Sends a response to the caller; a final one ends the record.
    fn respond(&mut self, status: u16, response: Bytes, means: &mut Means<'_>) {
        let mut sent = Vec::new();
        match &mut self.server {
            Some(server) => server.respond(status, response, means.now, &mut sent),
            // The server transaction is long over; a 2xx is still the caller's.
            None => sent.push(ServerOutput::Send(response)),
        }
        self.on_server(sent, means);
        match status {
            0..=299 => {}
            487 => self.end(End::Cancelled, means),
            _ => self.end(End::Failed { status }, means),
        }
    }

    fn on_server(&mut self, sent: Vec<ServerOutput>, means: &mut Means<'_>) {
        for output in sent {
            match output {
                ServerOutput::Send(bytes) => means.out.push(Effect::Send { flow: self.reply, bytes }),
                ServerOutput::Done => self.server = None,
                // Whether the caller has heard its refusal changes nothing any more.
                ServerOutput::Acked | ServerOutput::AckMissing => {}
            }
        }
    }
}

fn send(path: Path, bytes: Bytes, means: &mut Means<'_>) {
    means.out.push(Effect::Send { flow: Flow { path, connection: 0 }, bytes });
}

/// Where the caller's responses go by its topmost Via (RFC 3261 §18.2.2): over a stream along the same connection, or if
/// that is lost over a new one to the port of sent-by.
#[must_use]
pub fn reply_flow(stamp: Option<&Stamp>, came: Flow) -> Flow {
    let Some(stamp) = stamp else { return came };
    let remote = if came.path.transport.is_reliable() { stamp.reopen_at } else { stamp.reply_to };
    Flow { path: Path { remote, ..came.path }, ..came }
}

/// The user part that was called, as it was written.
#[must_use]
pub fn called(request: &Message) -> &[u8] {
    request.request_uri().and_then(|uri| Uri::user_of(request.at(uri))).unwrap_or_default()
}

/// Bytes as text for people.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    // Nearly all of it is ASCII, for which this is the quick way.
    core::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes).into_owned(), str::to_owned)
}

fn timers(health: &Health, path: Path) -> Timers {
    Timers { t1: health.t1(path), ..Timers::default() }
}

/// Does this path's transport send again what is lost?
#[must_use]
pub const fn reliability(path: Path) -> Reliability {
    if path.transport.is_reliable() { Reliability::Reliable } else { Reliability::Unreliable }
}
