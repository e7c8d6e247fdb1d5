//! `[sites]`, `[people]` and `[services]`: what can be rung.

use crate::codes::Code;
use crate::config::draft::Draft;
use crate::config::duration::duration;
use crate::config::later::{Place, refuse};
use crate::config::limits::Limits;
use crate::config::login;
use crate::config::networks::give;
use crate::config::peers::{Defaults, Manners, addresses, bound, domains, peer_names};
use crate::config::phone;
use crate::config::reader::{
    Key, Problems, Table, Value, empty, flag, kind, quoted, shown, table, text, too_many,
};
use crate::config::settings::{MEMBERS_MAX, RING, RING_PERSON, TARGETS_MAX};
use crate::diagnostic::Diagnostic;
use core::time::Duration;
use router::load::Counted;
use router::plan::Limited;
use router::target::{PeerId, PeerKind, Reach, Target, TargetId, TargetKind};
use std::sync::Arc;
use toml::de::DeValue;

/// Reads one section into the draft: every entry becomes a target, also a wrong one, so that ids stay in step with
/// the names.
pub(super) fn read<'a>(
    target: TargetKind,
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    bound(section(target), TARGETS_MAX, &entries, problems);
    for (key, value) in entries {
        let name = draft.full(key.text);
        one(target, name, &key, value, defaults, draft, problems);
    }
}

/// Reads people who have one name together: each is called by it and a number.
pub(super) fn read_several<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    for (key, value) in entries {
        if let DeValue::Array(list) = value.get_ref() {
            if list.is_empty() {
                problems.add(empty(key.text, value.span()));
            }
            if let Some(over) = list.get(MEMBERS_MAX) {
                problems.add(too_many(key.text, MEMBERS_MAX, over.span()));
            }
        }
        let of_all = draft.full(key.text);
        let names = peer_names(&of_all, each(value).count());
        for (name, value) in names.zip(each(value)) {
            one(TargetKind::Person, name, &key, value, defaults, draft, problems);
        }
    }
}

/// The people of a list, or the one who is written without one.
pub(super) fn each<'a>(value: &'a Value<'a>) -> impl Iterator<Item = &'a Value<'a>> {
    let list = match value.get_ref() {
        DeValue::Array(list) => list.iter().as_slice(),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => core::slice::from_ref(value),
    };
    list.iter().take(MEMBERS_MAX)
}

/// Reads one destination.
fn one(
    target: TargetKind,
    name: Arc<str>,
    key: &Key<'_>,
    value: &Value<'_>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    let found = destination(target, key, value, defaults, problems);
    let reach = match found.way {
        Way::Sip(manners, addresses) => {
            let peers = push_peers(target, &name, &manners, addresses, draft, problems);
            give(&manners.networks, peers.first().copied(), draft, problems);
            Reach::Sip(peers)
        }
        Way::Number(number) => Reach::Number(number),
    };
    let id = TargetId(u32::try_from(draft.plan.targets.len()).unwrap_or(u32::MAX));
    found.limits.put(Limited::Target(id), Counted::Target(Arc::clone(&name)), &mut draft.plan);
    draft.plan.targets.push(Target { name, kind: target, reach, ring: found.ring, confirm: found.confirm });
    draft.targets.push((key.span.clone(), found.domains));
}

/// A destination as it is written.
struct Found {
    way: Way,
    ring: Duration,
    confirm: bool,
    domains: Vec<Arc<str>>,
    limits: Limits,
}

enum Way {
    Sip(Box<Manners>, Vec<super::address::Address>),
    Number(Arc<str>),
}

fn push_peers(
    target: TargetKind,
    name: &str,
    manners: &Manners,
    addresses: Vec<super::address::Address>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) -> Vec<PeerId> {
    let kind = match target {
        TargetKind::Site | TargetKind::Person => PeerKind::Site,
        TargetKind::Service => PeerKind::Service,
        TargetKind::Agent | TargetKind::Word => PeerKind::Agent,
    };
    let named = peer_names(name, addresses.len()).zip(addresses).collect();
    manners.add(kind, named, draft, problems)
}

fn destination(
    target: TargetKind,
    key: &Key<'_>,
    value: &Value<'_>,
    defaults: &Defaults,
    problems: &mut Problems<'_>,
) -> Found {
    let plain = |way| {
        let ring = ring(target, &way, None, defaults);
        let confirm = confirm(target, defaults);
        Found { way, ring, confirm, domains: Vec::new(), limits: Limits::default() }
    };
    match value.get_ref() {
        DeValue::String(written) if target != TargetKind::Site && phone::is_meant(written) => {
            plain(Way::Number(number(written, value, problems)))
        }
        DeValue::String(_) | DeValue::Array(_) => plain(by_sip(Manners::of_site(defaults), value, problems)),
        DeValue::Integer(_) if target != TargetKind::Site => {
            problems.add(bare_number(key, value, problems));
            plain(Way::Number("".into()))
        }
        DeValue::Table(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {
            let place = format!("[{}.{}]", section(target), shown(key.text));
            match table(place, key.span.clone(), wanted(target), value, problems) {
                Some(keys) => by_table(target, key, keys, defaults, problems),
                None => plain(Way::Number("".into())),
            }
        }
    }
}

fn by_table(
    target: TargetKind,
    key: &Key<'_>,
    mut keys: Table<'_>,
    defaults: &Defaults,
    problems: &mut Problems<'_>,
) -> Found {
    let sip = keys.take_entry("sip");
    let dialled = if target == TargetKind::Site { None } else { keys.take_entry("number") };
    let rings = keys.take("ring");
    let asks = keys.take_entry("confirm");
    let limits = Limits::read(&mut keys, problems);
    refuse(&mut keys, Place::Target, problems);
    let (way, domains) = match (sip, dialled) {
        (None, Some((_, value))) => {
            let number = text("number", "a phone number such as \"+15035550111\"", value, problems);
            let found = number.map_or_else(|| "".into(), |written| self::number(written, value, problems));
            let domains = domains(&mut keys, problems);
            refuse_peer_keys(&mut keys, key, problems);
            (Way::Number(found), domains)
        }
        (Some((sip, value)), dialled) => {
            if let Some((number, _)) = dialled {
                let title = format!("`{}` has both a `number` and a `sip` address", shown(key.text));
                let problem =
                    Diagnostic::new(Code::E024, title).at(number.span, "one way").at(sip.span, "another");
                problems.add(problem.help("make two destinations of it and put both into the steps"));
            }
            let manners = Manners::read_site(&mut keys, defaults, problems);
            let domains = manners.domains.clone();
            (by_sip(manners, value, problems), domains)
        }
        (None, None) => {
            // Read them all the same: what is wrong in them is to be said in this run.
            let manners = Manners::read_site(&mut keys, defaults, problems);
            problems.add(nowhere(target, key));
            (Way::Sip(Box::new(manners), Vec::new()), Vec::new())
        }
    };
    let own = asks.and_then(|(asks, value)| own_confirm(key, &way, &asks, value, problems));
    let confirm = own.unwrap_or(confirm(target, defaults));
    keys.finish(problems);
    let own = rings.and_then(|value| duration("ring", setting(target, &way), value, problems));
    Found { ring: ring(target, &way, own, defaults), way, confirm, domains, limits }
}

fn by_sip(manners: Manners, value: &Value<'_>, problems: &mut Problems<'_>) -> Way {
    Way::Sip(Box::new(manners), addresses(value, problems).into_iter().map(|(address, _)| address).collect())
}

fn number(written: &str, value: &Value<'_>, problems: &mut Problems<'_>) -> Arc<str> {
    if !phone::is_e164(written) {
        problems.add(phone::problem(written, value.span()));
    }
    written.into()
}

fn bare_number(key: &Key<'_>, value: &Value<'_>, problems: &Problems<'_>) -> Diagnostic {
    let written = problems.source.slice(&value.span());
    let title = format!("the phone number of `{}` needs quotes", shown(key.text));
    let problem = Diagnostic::new(Code::E011, title).at(value.span(), kind(value.get_ref()));
    problem.fix("write", value.span(), quoted(written))
}

fn refuse_peer_keys(keys: &mut Table<'_>, key: &Key<'_>, problems: &mut Problems<'_>) {
    let taken = keys.take_all(|key| PEER_KEYS.contains(&key) || login::KEYS.contains(&key));
    for (found, _) in taken {
        let title = format!("`{}` has no effect on `{}`", found.text, shown(key.text));
        let problem = Diagnostic::new(Code::E024, title).at(found.span, "is for an address");
        problems.add(problem.help("a phone number is reached by the carriers: set it there"));
    }
}

/// What is said of an address.
const PEER_KEYS: [&str; 12] = [
    "probe",
    "timers",
    "codes",
    "dialect",
    "first",
    "progress",
    "networks",
    "tls",
    "from",
    "pai",
    "diversion",
    "follow",
];

fn nowhere(target: TargetKind, key: &Key<'_>) -> Diagnostic {
    let missing = if target == TargetKind::Site { "no `sip`" } else { "no `number` and no `sip`" };
    let title = format!("`{}` cannot be reached", shown(key.text));
    Diagnostic::new(Code::E012, title)
        .at(key.span.clone(), missing)
        .help(format!("it must be {}", wanted(target)))
}

/// `confirm`: whether whoever answers there has to press 1; nobody by SIP has.
fn own_confirm(
    key: &Key<'_>,
    way: &Way,
    asks: &Key<'_>,
    value: &Value<'_>,
    problems: &mut Problems<'_>,
) -> Option<bool> {
    match way {
        Way::Number(_) => flag("confirm", value, problems),
        // What is wrong there has been said.
        Way::Sip(_, nowhere) if nowhere.is_empty() => None,
        Way::Sip(..) => {
            let title = format!("`confirm` has no effect on `{}`", shown(key.text));
            let problem = Diagnostic::new(Code::E024, title).at(asks.span.clone(), "is for a phone number");
            problems.add(problem.help(
                "take it out: people press 1 where a phone number is rung, since a mobile's own voicemail may answer there",
            ));
            None
        }
    }
}

/// Whether whoever answers by phone number has to press 1, if nothing is written there.
fn confirm(target: TargetKind, defaults: &Defaults) -> bool {
    match target {
        TargetKind::Person => defaults.confirm.unwrap_or(true),
        TargetKind::Site | TargetKind::Service | TargetKind::Agent | TargetKind::Word => false,
    }
}

fn ring(target: TargetKind, way: &Way, own: Option<Duration>, defaults: &Defaults) -> Duration {
    own.unwrap_or_else(|| match (target, way) {
        (TargetKind::Person, Way::Number(_)) => defaults.ring_person(),
        (
            TargetKind::Site
            | TargetKind::Person
            | TargetKind::Service
            | TargetKind::Agent
            | TargetKind::Word,
            Way::Number(_) | Way::Sip(..),
        ) => defaults.ring(),
    })
}

const fn setting(target: TargetKind, way: &Way) -> &'static super::settings::Wait {
    match (target, way) {
        (TargetKind::Person, Way::Number(_)) => &RING_PERSON,
        (
            TargetKind::Site
            | TargetKind::Person
            | TargetKind::Service
            | TargetKind::Agent
            | TargetKind::Word,
            Way::Number(_) | Way::Sip(..),
        ) => &RING,
    }
}

const fn section(target: TargetKind) -> &'static str {
    match target {
        TargetKind::Site => "sites",
        TargetKind::Person => "people",
        TargetKind::Service => "services",
        TargetKind::Agent => "mailboxes",
        TargetKind::Word => "announcements",
    }
}

const fn wanted(target: TargetKind) -> &'static str {
    match target {
        TargetKind::Site => "a SIP address such as \"pbx.example\", a list of these, or a table with `sip`",
        TargetKind::Person | TargetKind::Service | TargetKind::Agent | TargetKind::Word => {
            "a phone number such as \"+15035550111\", a SIP address, or a table with `number` or `sip`"
        }
    }
}
