//! What Tandem counts, for Prometheus.

mod sockets;

use crate::log::side;
use crate::net::Counts;
use crate::store::outbox::{self, Tally};
use crate::tls::Dated;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use core::net::SocketAddr;
use core::sync::atomic::AtomicU64;
use core::time::Duration;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use router::health::{Side, Standing};
use router::load::Load;
use router::locate::Place;
use router::logins::Word;
use router::name::NameState;
use router::record::{CallRecord, End, Entry, LegRecord};
use router::registration::Registered;
use router::{Path, Plan, roads};
use sip::Time;
use sockets::Sockets;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;

type Labels<const N: usize> = [(&'static str, String); N];

/// All counts. Their names and labels are stable.
#[derive(Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    calls: Family<Labels<2>, Counter>,
    legs: Family<Labels<1>, Counter>,
    answer: Histogram,
    failover: Histogram,
    standing: Family<Labels<4>, Gauge>,
    sides: Family<Labels<5>, Gauge>,
    logins: Family<Labels<1>, Gauge>,
    registered: Family<Labels<1>, Gauge>,
    alarms: Family<Labels<2>, Counter>,
    presented: Family<Labels<3>, Counter>,
    paths: BTreeMap<Path, Vec<Arc<str>>>,
    names: Family<Labels<2>, Gauge>,
    full: Family<Labels<1>, Counter>,
    carried: Family<Labels<1>, Gauge>,
    dropped: Family<Labels<1>, Counter>,
    refused: Family<Labels<2>, Counter>,
    unlisted: Counter,
    strangers: Family<Labels<2>, Counter>,
    confined: Family<Labels<1>, Counter>,
    urgent: Family<Labels<1>, Counter>,
    cut_off: Gauge,
    sockets: Sockets,
    calls_now: Gauge,
    lingering: Gauge,
    calls_unwritten: Gauge,
    store_open: Gauge,
    history_lost: Counter,
    letters: Family<Labels<1>, Gauge>,
    panics: Counter,
    pause: Gauge<f64, AtomicU64>,
    plan: Family<Labels<1>, Gauge>,
    certificates: Family<Labels<1>, Gauge>,
}

/// What is measured rather than counted, about once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// Of the sockets.
    pub counts: Counts,
    /// Connections.
    pub connections: usize,
    /// Calls that are being walked.
    pub calls: usize,
    /// Transactions and walks in memory.
    pub lingering: usize,
    /// Lines of the call list that were lost since the start.
    pub calls_unwritten: u64,
    /// Whether the store can be written, and calls that are missing in it since the start.
    pub history: (bool, u64),
    /// The longest that the loop was busy without looking at its sockets, lately.
    pub pause: Duration,
}

impl Metrics {
    /// Everything at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tandem");
        let mut metrics = Self {
            registry: Arc::default(),
            calls: Family::default(),
            legs: Family::default(),
            answer: Histogram::new(ANSWER_SECONDS),
            failover: Histogram::new(FAILOVER_SECONDS),
            standing: Family::default(),
            sides: Family::default(),
            logins: Family::default(),
            registered: Family::default(),
            alarms: Family::default(),
            presented: Family::default(),
            paths: BTreeMap::new(),
            names: Family::default(),
            dropped: Family::default(),
            refused: Family::default(),
            unlisted: Counter::default(),
            strangers: Family::default(),
            confined: Family::default(),
            urgent: Family::default(),
            cut_off: Gauge::default(),
            full: Family::default(),
            carried: Family::default(),
            sockets: Sockets::default(),
            calls_now: Gauge::default(),
            lingering: Gauge::default(),
            calls_unwritten: Gauge::default(),
            store_open: Gauge::default(),
            history_lost: Counter::default(),
            letters: Family::default(),
            panics: Counter::default(),
            pause: Gauge::default(),
            plan: Family::default(),
            certificates: Family::default(),
        };
        metrics.register(&mut registry);
        metrics.sockets.register(&mut registry);
        metrics.registry = Arc::new(registry);
        metrics
    }

    fn register(&self, to: &mut Registry) {
        to.register("calls", "Calls that are over, by end and status", self.calls.clone());
        to.register("legs", "Legs that are over, by class of outcome", self.legs.clone());
        to.register("answer_seconds", "From INVITE to answer, of answered calls", self.answer.clone());
        to.register(
            "first_failover_seconds",
            "From the start of the first leg to the start of the one that took its place",
            self.failover.clone(),
        );
        to.register(
            "path_standing",
            "What is believed of a path: 4 up, 3 on probation, 2 unknown, 1 suspect, 0 down",
            self.standing.clone(),
        );
        to.register(
            "path_side",
            "What keeps a path out of selection beside its standing: out, refused, full; 1 while it does",
            self.sides.clone(),
        );
        self.register_accounts(to);
        to.register("alarms", "What somebody should look at, by peer and kind", self.alarms.clone());
        to.register(
            "name_state",
            "What is known of a peer's host name: 2 resolved, 1 the DNS does not answer, 0 it does not exist; the \
             last good addresses stay in use",
            self.names.clone(),
        );
        to.register(
            "full",
            "Times a carrier, trunk, site or service was at its limit, once a minute at most",
            self.full.clone(),
        );
        to.register(
            "carried",
            "Calls that a carrier, trunk, site or service with a limit carries, as far as is known",
            self.carried.clone(),
        );
        self.register_doors(to);
    }

    fn register_doors(&self, to: &mut Registry) {
        let about = "Times a carrier was found to accept this way to present calls and to refuse another";
        to.register("presented", about, self.presented.clone());
        to.register("dropped", "Messages dropped without an answer, by reason", self.dropped.clone());
        to.register("refused", "Requests refused without a walk, by status and reason", self.refused.clone());
        to.register("unlisted", "Calls to numbers that the plan does not list", self.unlisted.clone());
        to.register(
            "stranger_calls",
            "Calls to numbers of the plan from networks that it does not know, by whether they were taken and the \
             carrier that they may be of",
            self.strangers.clone(),
        );
        let about = "Calls that rang no phone numbers, by why: they came back, were forwarded too often, or their plan has reached its cap";
        to.register("cut_off", "1 while this node hears nobody and refuses calls", self.cut_off.clone());
        to.register("urgent_calls", "Calls for help, and calls back, by which", self.urgent.clone());
        to.register("no_phone_numbers", about, self.confined.clone());
        to.register("calls_now", "Calls being walked now", self.calls_now.clone());
        to.register("lingering", "Transactions and walks in memory", self.lingering.clone());
        to.register(
            "calls_unwritten",
            "Lines of the call list lost to a slow disk",
            self.calls_unwritten.clone(),
        );
        to.register("store_open", "1 while the store can be written", self.store_open.clone());
        to.register(
            "history_lost",
            "Calls missing in the history: the store is gone or too slow",
            self.history_lost.clone(),
        );
        let about = "Messages that somebody has not got who should: they will be tried again, or somebody has to look";
        to.register("letters", about, self.letters.clone());
        to.register("panics", "Bugs survived; every one is worth a report", self.panics.clone());
        to.register(
            "loop_pause_seconds",
            "Longest pause of the event loop in the last minute",
            self.pause.clone(),
        );
        to.register("plan", "The plan in force, by its fingerprint; always 1", self.plan.clone());
        to.register(
            "certificate_expiry_seconds",
            "Until the time of a certificate of ours is over, by its file",
            self.certificates.clone(),
        );
    }

    fn register_accounts(&self, to: &mut Registry) {
        to.register(
            "credentials_broken",
            "Peers that will not have our credentials, and so are tried last; 1 while they will not",
            self.logins.clone(),
        );
        to.register(
            "registered",
            "Peers that we are to be registered at; 1 while it is held there, and they send us calls",
            self.registered.clone(),
        );
    }

    /// Counts an entry.
    pub fn add(&mut self, entry: &Entry) {
        match entry {
            // Those that are being walked are read every second.
            Entry::Begun(_) => {}
            Entry::Call(call) => self.add_call(call),
            Entry::Health { peers, path, to, .. } => {
                self.paths.insert(*path, peers.clone());
                for peer in peers {
                    self.standing.get_or_create(&path_labels(peer, *path)).set(rank(*to));
                }
            }
            Entry::Side { peers, path, from, to, .. } => {
                self.paths.insert(*path, peers.clone());
                for peer in peers {
                    if let Some(side) = from {
                        self.sides.remove(&side_labels(peer, *path, *side));
                    }
                    if let Some(side) = to {
                        self.sides.get_or_create(&side_labels(peer, *path, *side)).set(1);
                    }
                }
            }
            Entry::Login { change, .. } => {
                let labels = [("peer", change.peer.to_string())];
                match change.word {
                    Word::Through => drop(self.logins.remove(&labels)),
                    Word::Refused | Word::Unmet => drop(self.logins.get_or_create(&labels).set(1)),
                }
            }
            // It also ends when nobody says so, and is read every second.
            Entry::Registration { .. } => {}
            Entry::Alarm { peer, alarm, .. } => {
                let labels = [("peer", peer.to_string()), ("kind", alarm.kind().to_owned())];
                self.alarms.get_or_create(&labels).inc();
            }
            Entry::Name { peers, host, to, .. } => {
                peers.iter().for_each(|peer| self.set_name(peer, host, *to));
            }
            Entry::Full { filled, .. } => {
                self.full.get_or_create(&[("of", filled.of.to_string())]).inc();
            }
            Entry::Presented { carrier, country, form, .. } => {
                let form = ("form", form.to_string());
                let labels = [("carrier", carrier.to_string()), ("country", country.to_string()), form];
                self.presented.get_or_create(&labels).inc();
            }
            Entry::Dropped { why, .. } => {
                self.dropped.get_or_create(&[("why", (*why).to_owned())]).inc();
            }
            Entry::Refused { status, why, .. } => {
                let labels = [("status", status.to_string()), ("why", (*why).to_owned())];
                self.refused.get_or_create(&labels).inc();
            }
            Entry::HungUp { .. } => {}
            Entry::Unlisted { .. } => {
                self.unlisted.inc();
            }
            Entry::CutOff { cut_off, .. } => _ = self.cut_off.set(i64::from(*cut_off)),
            Entry::Urgent { what, .. } => {
                self.urgent.get_or_create(&[("what", what.as_str().to_owned())]).inc();
            }
            Entry::Confined { why, .. } => {
                self.confined.get_or_create(&[("why", why.as_str().to_owned())]).inc();
            }
            Entry::Stranger { taken, guess, .. } => {
                let carrier = guess.as_ref().map(|(carrier, _)| carrier.to_string()).unwrap_or_default();
                self.strangers.get_or_create(&[("taken", taken.to_string()), ("carrier", carrier)]).inc();
            }
        }
    }

    /// Counts a bug that was survived.
    pub fn add_panic(&self) {
        self.panics.inc();
    }

    /// Takes what was measured.
    pub fn read(&mut self, now: Readings) {
        self.sockets.read(now.counts, now.connections);
        self.calls_now.set(gauge(now.calls));
        self.lingering.set(gauge(now.lingering));
        self.calls_unwritten.set(i64::try_from(now.calls_unwritten).unwrap_or(i64::MAX));
        let (open, lost) = now.history;
        self.store_open.set(i64::from(open));
        self.history_lost.inc_by(lost.saturating_sub(self.history_lost.get()));
        self.pause.set(now.pause.as_secs_f64());
    }

    /// Takes how long our certificates are good for; `unix` is the time in seconds since 1970.
    pub fn read_certificates(&self, certificates: &[Dated], unix: i64) {
        self.certificates.clear();
        for Dated { file, until } in certificates {
            self.certificates.get_or_create(&[("file", file.display().to_string())]).set(until - unix);
        }
    }

    /// Takes what those carry that have a limit.
    pub fn read_load(&self, load: &Load) {
        self.carried.clear();
        for (of, calls) in load.counts() {
            self.carried.get_or_create(&[("of", of.to_string())]).set(i64::from(calls));
        }
    }

    /// Takes how many messages have not arrived.
    pub fn read_letters(&self, left: Tally) {
        for (state, letters) in [(outbox::State::Due, left.due), (outbox::State::Dead, left.dead)] {
            let of = self.letters.get_or_create(&[("state", state.as_str().to_owned())]);
            of.set(i64::try_from(letters).unwrap_or(i64::MAX));
        }
    }

    /// Takes where we are registered.
    pub fn read_registrations<'a>(
        &self,
        states: impl Iterator<Item = (&'a Arc<str>, Registered, Option<Time>)>,
    ) {
        self.registered.clear();
        for (peer, _, until) in states {
            self.registered.get_or_create(&[("peer", peer.to_string())]).set(i64::from(until.is_some()));
        }
    }

    /// A plan has taken force; of its paths, `watched` are left.
    pub fn on_plan(&mut self, plan: &Plan, watched: impl Iterator<Item = Path>) {
        self.plan.clear();
        // A new plan is a new trial.
        self.logins.clear();
        self.plan.get_or_create(&[("fingerprint", fingerprint(plan))]).set(1);
        let watched: BTreeSet<Path> = watched.collect();
        let gone: Vec<Path> = self.paths.keys().filter(|path| !watched.contains(path)).copied().collect();
        for path in gone {
            for peer in self.paths.remove(&path).unwrap_or_default() {
                self.standing.remove(&path_labels(&peer, path));
                for side in [Side::Full, Side::Refused, Side::Out] {
                    self.sides.remove(&side_labels(&peer, path, side));
                }
            }
        }
    }

    /// What is known of the host names of a plan that has taken force.
    pub fn on_names<'a>(&mut self, plan: &Plan, names: impl Iterator<Item = (&'a Place, NameState, usize)>) {
        self.names.clear();
        let states: BTreeMap<&Place, NameState> = names.map(|(place, state, _)| (place, state)).collect();
        for peer in &plan.peers {
            let place = roads::place(peer);
            if let Some((place, state)) = place.as_ref().and_then(|place| states.get_key_value(place)) {
                self.set_name(&peer.name, &place.host, *state);
            }
        }
    }

    fn set_name(&self, peer: &str, host: &str, state: NameState) {
        let labels = [("peer", peer.to_owned()), ("host", host.to_owned())];
        if let Some(rank) = name_rank(state) {
            self.names.get_or_create(&labels).set(rank);
        }
    }

    /// So many addresses of `listen` could not be had.
    pub fn set_not_listening(&self, count: usize) {
        self.sockets.not_listening.set(gauge(count));
    }

    /// Serves `GET /metrics` for ever. To be called inside the runtime.
    ///
    /// # Errors
    /// The address is taken, not ours or not allowed.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let pages = axum::Router::new().route("/metrics", get(page)).with_state(self.registry.clone());
        // Ends with the runtime only.
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Ok(bound)
    }

    /// All counts in the text form of OpenMetrics.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.registry)
    }

    fn add_call(&self, call: &CallRecord) {
        let (end, status) = match &call.end {
            End::Answered { .. } => ("answered", 200),
            End::Cancelled => ("cancelled", 487),
            End::Failed { status } => ("failed", *status),
            // All refusals are counted already, also those that nobody is told of.
            End::Refused { .. } => return,
        };
        self.calls.get_or_create(&[("end", end.to_owned()), ("status", status.to_string())]).inc();
        if end == "answered" {
            self.answer.observe(call.ended.since(call.begun.began).as_secs_f64());
        }
        for leg in &call.legs {
            self.legs.get_or_create(&[("outcome", class(&leg.outcome).to_owned())]).inc();
        }
        if let Some(delay) = first_failover(&call.legs) {
            self.failover.observe(delay.as_secs_f64());
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest pause of the last one to two minutes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pause {
    this_minute: Duration,
    last_minute: Duration,
    since: Time,
}

impl Pause {
    /// Takes one pause that ends now.
    pub fn add(&mut self, pause: Duration, now: Time) {
        if now.since(self.since) >= Duration::from_mins(1) {
            *self = Self { this_minute: Duration::ZERO, last_minute: self.this_minute, since: now };
        }
        self.this_minute = self.this_minute.max(pause);
    }

    /// The longest.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.this_minute.max(self.last_minute)
    }
}

/// Tells two plans apart: equal plans have equal fingerprints.
#[must_use]
pub fn fingerprint(plan: &Plan) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{plan:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

const ANSWER_SECONDS: [f64; 12] = [0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 20.0, 30.0, 45.0, 60.0, 120.0];
const FAILOVER_SECONDS: [f64; 11] = [0.001, 0.005, 0.02, 0.05, 0.5, 1.0, 2.0, 4.0, 8.0, 20.0, 40.0];

async fn page(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, form)], text(&registry))
}

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, registry);
    text
}

/// Legs that ring together with the first do not take its place.
fn first_failover(legs: &[LegRecord]) -> Option<Duration> {
    let mut legs = legs.iter().filter(|leg| class(&leg.outcome) != "said");
    let first = legs.next()?;
    let over = first.ended?;
    let others: Vec<_> = legs.collect();
    let next = others.iter().find(|leg| leg.began >= over)?;
    Some(next.began.since(first.began))
}

/// Few enough classes for a label; the words are those of `router::verdict::Outcome`.
fn class(outcome: &str) -> &'static str {
    match outcome.as_bytes() {
        [b'3', _, _, ..] => "3xx",
        [b'4', _, _, ..] => "4xx",
        [b'5', _, _, ..] => "5xx",
        [b'6', _, _, ..] => "6xx",
        [b'a', b'n', b's', ..] => "answered",
        [b'c', b'a', b'n', ..] => "cancelled",
        [b's', b'i', b'l', ..] => "silent",
        [b's', b'a', b'i', b'd', ..] | [b'n', b'o', b't', b' ', b's', ..] => "said",
        [b'n', b'o', b' ', b'r', ..] => "stalled",
        [b'i', b't', b's', b' ', b'c', ..] => "lost",
        [b'n', b'o', b'b', ..] => "unreachable",
        [b'r', b'a', b'n', b'g', ..] => "no answer",
        _ => "other",
    }
}

fn path_labels(peer: &str, path: Path) -> Labels<4> {
    [
        ("peer", peer.to_owned()),
        ("address", path.remote.to_string()),
        ("transport", path.transport.in_uri().to_owned()),
        ("listener", path.local.to_string()),
    ]
}

fn side_labels(peer: &str, path: Path, beside: Side) -> Labels<5> {
    let [peer, address, transport, listener] = path_labels(peer, path);
    [peer, address, transport, listener, ("side", side(beside).to_owned())]
}

fn rank(standing: Standing) -> i64 {
    match standing {
        Standing::Up => 4,
        Standing::Probation => 3,
        Standing::Unknown => 2,
        Standing::Suspect => 1,
        Standing::Down => 0,
    }
}

fn name_rank(state: NameState) -> Option<i64> {
    match state {
        NameState::Resolved => Some(2),
        NameState::Silent => Some(1),
        NameState::Missing => Some(0),
        NameState::Asking => None,
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use router::Transport;
    use router::registration::Failure;

    fn path(last: u8) -> Path {
        Path { transport: Transport::Udp, local: 0, remote: SocketAddr::from(([192, 0, 2, last], 5060)) }
    }

    fn health(last: u8, to: Standing) -> Entry {
        let (at, from) = (Time::ZERO, Standing::Unknown);
        Entry::Health { at, peers: vec!["office".into()], path: path(last), from, to, evidence: vec![] }
    }

    fn lines(metrics: &Metrics, name: &str) -> Vec<String> {
        let text = metrics.text();
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }

    #[test]
    fn a_path_has_its_standing_until_a_plan_no_longer_has_it() {
        let mut metrics = Metrics::new();
        metrics.add(&health(1, Standing::Down));
        metrics.add(&health(1, Standing::Up));
        let line = |value| {
            format!(
                "tandem_path_standing{{peer=\"office\",address=\"192.0.2.1:5060\",transport=\"udp\",\
                 listener=\"0\"}} {value}"
            )
        };
        assert_eq!(lines(&metrics, "tandem_path_standing"), [line(4)]);
        metrics.on_plan(&Plan::default(), [path(1)].into_iter());
        assert_eq!(lines(&metrics, "tandem_path_standing"), [line(4)]);
        metrics.on_plan(&Plan::default(), [path(2)].into_iter());
        assert!(lines(&metrics, "tandem_path_standing").is_empty());
    }

    #[test]
    fn a_path_has_its_side_until_it_has_another_or_none() {
        let mut metrics = Metrics::new();
        let side =
            |from, to| Entry::Side { at: Time::ZERO, peers: vec!["telnyx".into()], path: path(1), from, to };
        metrics.add(&side(None, Some(Side::Full)));
        metrics.add(&side(Some(Side::Full), Some(Side::Out)));
        let line = "tandem_path_side{peer=\"telnyx\",address=\"192.0.2.1:5060\",transport=\"udp\",listener=\"0\",side=\"out\"} 1";
        assert_eq!(lines(&metrics, "tandem_path_side"), [line]);
        metrics.add(&side(Some(Side::Out), None));
        assert!(lines(&metrics, "tandem_path_side").is_empty());
    }

    #[test]
    fn broken_credentials_are_one_until_they_hold_or_a_plan_is_loaded() {
        let mut metrics = Metrics::new();
        let said = |word| {
            let change =
                router::logins::Change { peer: "telnyx".into(), line: Some(5), word, refusals: vec![] };
            Entry::Login { at: Time::ZERO, change }
        };
        let line = "tandem_credentials_broken{peer=\"telnyx\"} 1";
        metrics.add(&said(Word::Refused));
        assert_eq!(lines(&metrics, "tandem_credentials_broken"), [line]);
        metrics.add(&said(Word::Through));
        assert!(lines(&metrics, "tandem_credentials_broken").is_empty());
        metrics.add(&said(Word::Unmet));
        assert_eq!(lines(&metrics, "tandem_credentials_broken"), [line]);
        metrics.on_plan(&Plan::default(), core::iter::empty());
        assert!(lines(&metrics, "tandem_credentials_broken").is_empty());
    }

    #[test]
    fn alarms_are_counted_by_peer_and_kind() {
        let mut metrics = Metrics::new();
        for status in [400, 488] {
            let alarm = router::alarm::Alarm::Misfit { status };
            let (at, peer, number) = (Time::ZERO, "telnyx".into(), "+15035550111".into());
            metrics.add(&Entry::Alarm { at, peer, path: path(1), number, alarm });
        }
        let line = "tandem_alarms_total{peer=\"telnyx\",kind=\"misfit\"} 2";
        assert_eq!(lines(&metrics, "tandem_alarms_total"), [line]);
    }

    #[test]
    fn a_name_has_its_state_until_a_plan_no_longer_has_it() {
        let mut metrics = Metrics::new();
        let peers = vec!["telnyx".into()];
        let (at, from, to) = (Time::ZERO, NameState::Resolved, NameState::Silent);
        metrics.add(&Entry::Name { at, peers, host: "sip.telnyx.example".into(), from, to, kept: 2 });
        assert_eq!(
            lines(&metrics, "tandem_name_state"),
            ["tandem_name_state{peer=\"telnyx\",host=\"sip.telnyx.example\"} 1"]
        );
        metrics.on_names(&Plan::default(), core::iter::empty());
        assert!(lines(&metrics, "tandem_name_state").is_empty());
    }

    #[test]
    fn every_outcome_of_a_leg_has_a_class() {
        let classes = [
            ("answered", "answered"),
            ("503", "5xx"),
            ("486", "4xx"),
            ("486 (cause 34 at LN)", "4xx"),
            ("603", "6xx"),
            ("silent for 2 s", "silent"),
            ("nobody listens there", "unreachable"),
            ("no ringing in 8 s", "stalled"),
            ("rang for 20 s without an answer", "no answer"),
            ("cancelled: answered elsewhere", "cancelled"),
            ("its answer came with a wrong Via", "other"),
            ("", "other"),
        ];
        for (outcome, expected) in classes {
            assert_eq!(class(outcome), expected, "{outcome}");
        }
    }

    #[test]
    fn counts_of_sockets_go_on_from_the_last_reading() {
        let mut metrics = Metrics::new();
        let reading = |received| Readings {
            counts: Counts { received, ..Counts::default() },
            connections: 0,
            calls: 0,
            lingering: 0,
            calls_unwritten: 0,
            history: (true, 0),
            pause: Duration::from_millis(250),
        };
        metrics.read(reading(5));
        metrics.read(reading(12));
        assert_eq!(lines(&metrics, "tandem_received_total"), ["tandem_received_total 12"]);
        assert_eq!(lines(&metrics, "tandem_loop_pause_seconds"), ["tandem_loop_pause_seconds 0.25"]);
    }

    #[test]
    fn messages_that_have_not_arrived_are_told_by_what_is_to_be_done() {
        let metrics = Metrics::new();
        metrics.read_letters(Tally { due: 3, dead: 1 });
        metrics.read_letters(Tally { due: 2, dead: 1 });
        let text = metrics.text();
        for line in ["tandem_letters{state=\"due\"} 2\n", "tandem_letters{state=\"dead\"} 1\n"] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_registration_counts_while_it_is_held() {
        let metrics = Metrics::new();
        let (held, lost): (Arc<str>, Arc<str>) = ("telnyx".into(), "sinch".into());
        let until = Some(Time::ZERO);
        let states = [(&held, Registered::Held, until), (&lost, Registered::Failing(Failure::Silent), None)];
        metrics.read_registrations(states.into_iter());
        let mut found = lines(&metrics, "tandem_registered");
        found.sort();
        assert_eq!(found, ["tandem_registered{peer=\"sinch\"} 0", "tandem_registered{peer=\"telnyx\"} 1"]);
        metrics.read_registrations(core::iter::empty());
        assert_eq!(lines(&metrics, "tandem_registered"), [""; 0]);
    }

    #[test]
    fn the_longest_pause_is_forgotten_after_two_minutes() {
        let mut pause = Pause::default();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        pause.add(Duration::from_millis(80), at(1));
        pause.add(Duration::from_millis(5), at(61));
        assert_eq!(pause.longest(), Duration::from_millis(80));
        pause.add(Duration::from_millis(7), at(122));
        assert_eq!(pause.longest(), Duration::from_millis(7));
    }
}
