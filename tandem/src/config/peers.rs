//! What carriers, sites and services by SIP have in common: how they are probed, their patience, what their codes
//! mean, how calls are presented to them, and what they can die of.

use crate::codes::Code;
use crate::config::address::{Address, address};
use crate::config::dialects;
use crate::config::draft::Draft;
use crate::config::duration::{count, duration};
use crate::config::login;
use crate::config::networks::{Networks, networks};
use crate::config::presentation;
use crate::config::reader::{Problems, Table, Value, entries, flag, shown, table, text, texts, too_many};
use crate::config::settings::{
    ADDRESSES_MAX, DOMAINS_MAX, DOWN_AFTER, EVERY_CARRIER, EVERY_SITE, FIRST, HOLD, PROGRESS_CARRIER,
    PROGRESS_SITE, RING, RING_PERSON, TIMEOUT, UP_AFTER, Wait,
};
use crate::config::tls::{self, PeerTls};
use crate::diagnostic::{Diagnostic, Span};
use core::time::Duration;
use router::dialect::Dialect;
use router::presentation::Presentation;
use router::spent::Cap;
use router::target::{Login, Peer, PeerId, PeerKind, Probe};
use router::verdict::CodeRule;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::DeValue;

/// `[defaults]`: what holds where nothing is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    ring: Option<Duration>,
    pub(super) live_within: Option<Duration>,
    /// Whether people reached by phone number have to press 1.
    pub(super) confirm: Option<bool>,
    /// Whether plans have to end with what answers on this machine.
    pub(super) floor: Option<bool>,
    /// What a plan may send out to phone numbers.
    pub(super) cap: Cap,
    probe: ProbeKeys,
    first: Option<Duration>,
    progress: Option<Duration>,
}

/// What was written of a probe.
#[derive(Clone, Copy, Debug, Default)]
struct ProbeKeys {
    off: bool,
    every: Option<Duration>,
    timeout: Option<Duration>,
    down_after: Option<u8>,
    up_after: Option<u8>,
    hold: Option<Duration>,
}

/// The manners of a peer, the same for all its addresses.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    probe: Option<Probe>,
    first: Option<Duration>,
    progress: Duration,
    codes: BTreeMap<u16, CodeRule>,
    dialect: Arc<Dialect>,
    pub(super) presentation: Option<Arc<Presentation>>,
    pub(super) domains: Vec<Arc<str>>,
    pub(super) networks: Networks,
    pub(super) login: Option<Login>,
    tls: Option<Box<(PeerTls, Span)>>,
    follow: Vec<Address>,
    /// Whether people are called there with sealed sound, and where that stands.
    pub(super) srtp: Option<Span>,
    /// Whether it joins two calls of its own when it is asked to.
    refer: bool,
}

impl Defaults {
    /// Reads `[defaults]`.
    pub(super) fn read(top: &mut Table<'_>, problems: &mut Problems<'_>) -> Self {
        let mut defaults = Self::default();
        let Some((key, value)) = top.take_entry("defaults") else { return defaults };
        let Some(mut keys) = table("`[defaults]`", key.span, "a table", value, problems) else {
            return defaults;
        };
        super::later::refuse(&mut keys, super::later::Place::Defaults, problems);
        let wait = |keys: &mut Table<'_>, key, setting, problems: &mut Problems<'_>| {
            keys.take(key).and_then(|value| duration(key, setting, value, problems))
        };
        defaults.ring = wait(&mut keys, "ring", &RING, problems);
        defaults.live_within = wait(&mut keys, "live_within", &super::settings::LIVE_WITHIN, problems);
        defaults.confirm = keys.take("confirm").and_then(|value| flag("confirm", value, problems));
        defaults.floor = keys.take("floor").and_then(|value| flag("floor", value, problems));
        defaults.probe = probe_keys(&mut keys, &EVERY_SITE, problems);
        (defaults.first, defaults.progress) = timers(&mut keys, &PROGRESS_SITE, problems);
        keys.finish(problems);
        defaults
    }

    /// How long a site or service rings.
    pub(super) fn ring(&self) -> Duration {
        self.ring.unwrap_or(RING.default)
    }

    /// How long a person's phone number rings.
    pub(super) fn ring_person(&self) -> Duration {
        self.ring.unwrap_or(RING_PERSON.default)
    }
}

impl Manners {
    /// What holds for a carrier that says nothing.
    pub(super) fn of_carrier(defaults: &Defaults) -> Self {
        Self::new(defaults, &EVERY_CARRIER, &PROGRESS_CARRIER, ProbeKeys::default())
    }

    /// What holds for a site or service that says nothing.
    pub(super) fn of_site(defaults: &Defaults) -> Self {
        Self::new(defaults, &EVERY_SITE, &PROGRESS_SITE, ProbeKeys::default())
    }

    /// Reads the keys of a carrier.
    pub(super) fn read_carrier(
        keys: &mut Table<'_>,
        defaults: &Defaults,
        problems: &mut Problems<'_>,
    ) -> Self {
        let mut manners = Self::read(keys, defaults, &EVERY_CARRIER, &PROGRESS_CARRIER, problems);
        let srtp = keys.take_entry("srtp");
        manners.srtp = srtp.and_then(|(key, value)| flag("srtp", value, problems)?.then_some(key.span));
        manners.refer =
            keys.take("refer").and_then(|value| flag("refer", value, problems)).unwrap_or_default();
        manners
    }

    /// Reads the keys of a site or service.
    pub(super) fn read_site(keys: &mut Table<'_>, defaults: &Defaults, problems: &mut Problems<'_>) -> Self {
        let mut manners = Self::read(keys, defaults, &EVERY_SITE, &PROGRESS_SITE, problems);
        manners.follow = follow(keys, problems);
        manners
    }

    fn read(
        keys: &mut Table<'_>,
        defaults: &Defaults,
        every: &Wait,
        progress: &Wait,
        problems: &mut Problems<'_>,
    ) -> Self {
        let written = probe_keys(keys, every, problems);
        let mut manners = Self::new(defaults, every, progress, written);
        let (first, waited) = timers(keys, progress, problems);
        manners.first = first.or(manners.first);
        manners.progress = waited.unwrap_or(manners.progress);
        manners.codes = codes(keys, problems);
        manners.dialect = dialects::read(keys, problems).unwrap_or_default();
        manners.presentation = presentation::read(keys, None, problems);
        manners.domains = domains(keys, problems);
        manners.networks = networks(keys, problems);
        manners.login = login::read(keys, problems);
        manners.tls = tls::read_peer(keys, problems).map(Box::new);
        manners
    }

    fn new(defaults: &Defaults, every: &Wait, progress: &Wait, written: ProbeKeys) -> Self {
        let base = defaults.probe;
        let any = written.every.is_some() || written.timeout.is_some() || written.hold.is_some();
        let off = written.off || (base.off && !any);
        let probe = Probe {
            every: written.every.or(base.every).unwrap_or(every.default),
            timeout: written.timeout.or(base.timeout).unwrap_or(TIMEOUT.default),
            down_after: written.down_after.or(base.down_after).unwrap_or(DOWN_AFTER.default),
            up_after: written.up_after.or(base.up_after).unwrap_or(UP_AFTER.default),
            hold: written.hold.or(base.hold).unwrap_or(HOLD.default),
        };
        Self {
            probe: (!off).then_some(probe),
            first: defaults.first,
            progress: defaults.progress.unwrap_or(progress.default),
            codes: BTreeMap::new(),
            dialect: Arc::default(),
            presentation: None,
            domains: Vec::new(),
            networks: Vec::new(),
            login: None,
            tls: None,
            follow: Vec::new(),
            srtp: None,
            refer: false,
        }
    }

    /// Adds peers with these manners to the draft.
    pub(super) fn add(
        &self,
        kind: PeerKind,
        addresses: Vec<(Arc<str>, Address)>,
        draft: &mut Draft,
        problems: &mut Problems<'_>,
    ) -> Vec<PeerId> {
        if let Some((_, span)) = self.tls.as_deref()
            && !addresses.iter().any(|(_, address)| address.may_use_tls())
        {
            tls::refuse_idle(span.clone(), problems);
        }
        if let Some(span) = self.srtp.clone()
            && let Some((name, _)) = addresses.iter().find(|(_, address)| !address.may_use_tls())
        {
            let title = format!("the keys of sealed sound go to `{}` in the clear", shown(name));
            let problem =
                Diagnostic::new(Code::L045, title).at(span, "who reads the INVITE can hear the call");
            problems.add(problem.help("reach it by TLS: put `;transport=tls` behind its address"));
        }
        let owner = addresses.first().map(|(name, _)| Arc::clone(name));
        let ids = self.push(kind, addresses, draft);
        if let Some(owner) = owner.filter(|_| !self.follow.is_empty()) {
            self.push_followed(&owner, kind, &ids, draft);
        }
        ids
    }

    fn push(&self, kind: PeerKind, addresses: Vec<(Arc<str>, Address)>, draft: &mut Draft) -> Vec<PeerId> {
        let mut ids = Vec::new();
        for (name, address) in addresses {
            ids.push(PeerId(u32::try_from(draft.plan.peers.len()).unwrap_or(u32::MAX)));
            if address.may_use_tls() {
                let tls = self.tls.as_deref().map(|(tls, _)| tls.clone()).unwrap_or_default();
                draft.tls.insert(name.clone(), tls);
            }
            draft.plan.peers.push(self.peer(name, kind, address));
        }
        ids
    }

    /// Adds the places that redirections of these peers may lead to: known by live calls alone, and told no credentials.
    fn push_followed(&self, owner: &str, kind: PeerKind, owners: &[PeerId], draft: &mut Draft) {
        let manners = Self { probe: None, login: None, ..self.clone() };
        let name = |n| format!("{owner}/follow/{n}").into();
        let named = (1..).map(name).zip(self.follow.iter().cloned()).collect();
        let followed = manners.push(kind, named, draft);
        for id in owners.iter().chain(&followed) {
            if let Some(peer) = draft.plan.peers.get_mut(id.0 as usize) {
                peer.follow.clone_from(&followed);
            }
        }
    }

    fn peer(&self, name: Arc<str>, kind: PeerKind, address: Address) -> Peer {
        Peer {
            name,
            kind,
            host: address.host,
            port: address.port,
            transport: address.transport,
            user: address.user,
            probe: self.probe,
            first: self.first,
            progress: self.progress,
            codes: self.codes.clone(),
            dialect: Arc::clone(&self.dialect),
            presentation: self.presentation.clone(),
            domains: self.domains.clone(),
            login: self.login.clone(),
            follow: Vec::new(),
            srtp: self.srtp.is_some(),
            refer: self.refer,
        }
    }
}

/// The addresses of a `sip` key, each with its place.
pub(super) fn addresses(value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<(Address, Span)> {
    addresses_of("sip", value, problems)
}

/// `follow`: where redirections may lead. Users are theirs to name.
fn follow(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Vec<Address> {
    let Some(value) = keys.take("follow") else { return Vec::new() };
    let mut found = Vec::new();
    for (address, span) in addresses_of("follow", value, problems) {
        if address.user.is_some() {
            let problem = Diagnostic::new(Code::E024, "a place to follow has no user").at(span, "");
            problems.add(
                problem.help("take out all up to the @: whoever redirects a call says whom to ring there"),
            );
        }
        found.push(address);
    }
    found
}

fn addresses_of(key: &str, value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<(Address, Span)> {
    let mut found = Vec::new();
    for (written, span) in texts(key, "a SIP address such as \"pbx.example\"", ADDRESSES_MAX, value, problems)
    {
        match address(written, &span) {
            Ok(address) => found.push((address, span)),
            Err(problem) => problems.add(problem),
        }
    }
    found
}

/// The names of a thing's peers: its own if it has one, numbered if it has several.
pub(super) fn peer_names(name: &str, count: usize) -> impl Iterator<Item = Arc<str>> {
    let numbered = move |n| if count == 1 { name.into() } else { format!("{name}/{n}").into() };
    (1..=count).map(numbered)
}

fn probe_keys(keys: &mut Table<'_>, every: &Wait, problems: &mut Problems<'_>) -> ProbeKeys {
    let mut found = ProbeKeys::default();
    let Some((key, value)) = keys.take_entry("probe") else { return found };
    match value.get_ref() {
        DeValue::String(text) if text.as_ref() == "off" => found.off = true,
        DeValue::String(_) | DeValue::Integer(_) => found.every = duration("probe", every, value, problems),
        DeValue::Table(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            let wanted =
                "\"off\", a duration, or a table with `every`, `timeout`, `down_after`, `up_after`, `hold`";
            let Some(mut probe) = table("`probe`", key.span, wanted, value, problems) else { return found };
            let mut wait = |key, setting| {
                let value = probe.take(key)?;
                duration(key, setting, value, problems)
            };
            found.every = wait("every", every);
            found.timeout = wait("timeout", &TIMEOUT);
            found.hold = wait("hold", &HOLD);
            let mut number = |key, setting| {
                let value = probe.take(key)?;
                count(key, setting, value, problems)
            };
            found.down_after = number("down_after", &DOWN_AFTER);
            found.up_after = number("up_after", &UP_AFTER);
            probe.finish(problems);
        }
    }
    found
}

/// `timers = { first, progress }`; both may also stand on the thing itself.
fn timers(
    keys: &mut Table<'_>,
    progress: &Wait,
    problems: &mut Problems<'_>,
) -> (Option<Duration>, Option<Duration>) {
    let mut found = own_timers(keys, progress, problems);
    if let Some((key, value)) = keys.take_entry("timers")
        && let Some(mut inner) =
            table("`timers`", key.span.clone(), "a table with `first`, `progress`", value, problems)
    {
        let inside = own_timers(&mut inner, progress, problems);
        inner.finish(problems);
        if (found.0.is_some() && inside.0.is_some()) || (found.1.is_some() && inside.1.is_some()) {
            let problem = Diagnostic::new(Code::E024, format!("{} has the same timer twice", keys.place));
            problems.add(problem.at(key.span, "here, and beside it").help("leave one of the two"));
        }
        found = (found.0.or(inside.0), found.1.or(inside.1));
    }
    found
}

fn own_timers(
    keys: &mut Table<'_>,
    progress: &Wait,
    problems: &mut Problems<'_>,
) -> (Option<Duration>, Option<Duration>) {
    let first = keys.take("first").and_then(|value| duration("first", &FIRST, value, problems));
    let waited = keys.take("progress").and_then(|value| duration("progress", progress, value, problems));
    (first, waited)
}

/// What statuses mean.
pub(super) fn codes(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> BTreeMap<u16, CodeRule> {
    let mut found = BTreeMap::new();
    let Some(value) = keys.take("codes") else { return found };
    let DeValue::Table(written) = value.get_ref() else {
        problems.kind("codes", "a table such as `{ 404 = \"next trunk\" }`", value);
        return found;
    };
    for (key, value) in entries(written) {
        let status = key.text.parse().ok().filter(|status| (300..=699).contains(status));
        if status.is_none() {
            let title = format!("`{}` is no final SIP status that can fail", shown(key.text));
            problems
                .add(Diagnostic::new(Code::E023, title).at(key.span, "").help("a status from 300 to 699"));
        }
        let Some(word) = text("codes", RULES, value, problems) else { continue };
        let rule = match word {
            "next" => CodeRule::Next,
            "next trunk" => CodeRule::NextTrunk,
            "next carrier" => CodeRule::NextCarrier,
            "busy" => CodeRule::Busy,
            "stop" => CodeRule::Stop,
            "no channel" => CodeRule::NoChannel,
            "too fast" => CodeRule::TooFast,
            "bad cli" => CodeRule::BadCli,
            _ => {
                let title = format!("a status cannot mean `{}`", shown(word));
                problems.add(
                    Diagnostic::new(Code::E023, title)
                        .at(value.span(), "")
                        .help(format!("it may be {RULES}")),
                );
                continue;
            }
        };
        found.extend(status.map(|status| (status, rule)));
    }
    found
}

/// What a thing can die of, together with others.
pub(super) fn domains(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Vec<Arc<str>> {
    let Some(value) = keys.take("domains") else { return Vec::new() };
    let wanted = "a name such as \"fibre-i5\"";
    let mut found: Vec<Arc<str>> = Vec::new();
    for (name, _) in texts("domains", wanted, DOMAINS_MAX, value, problems) {
        if !found.iter().any(|other| **other == *name) {
            found.push(name.into());
        }
    }
    found
}

/// Says that there are too many of something.
pub(super) fn bound<T>(
    what: &str,
    most: usize,
    entries: &[(super::reader::Key<'_>, T)],
    problems: &mut Problems<'_>,
) {
    if let Some((key, _)) = entries.get(most) {
        problems.add(too_many(what, most, key.span.clone()));
    }
}

const RULES: &str = "\"next\", \"next trunk\", \"next carrier\", \"busy\", \"stop\", \"no channel\", \"too fast\" or \"bad cli\"";
