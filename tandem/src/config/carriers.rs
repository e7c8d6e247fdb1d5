//! `[carriers]`: a string, or a table with `sip` or `trunks`.

use crate::codes::Code;
use crate::config::address::Address;
use crate::config::dialects;
use crate::config::draft::Draft;
use crate::config::duration::duration;
use crate::config::later::{Place, refuse};
use crate::config::limits::Limits;
use crate::config::login;
use crate::config::networks::give;
use crate::config::peers::{Defaults, Manners, addresses, bound, peer_names};
use crate::config::presentation;
use crate::config::reader::{Key, Problems, Table, Value, empty, shown, table, text, too_many};
use crate::config::settings::{ADDRESSES_MAX, CARRIERS_MAX, NO_ANSWER};
use crate::config::tls::{self, PeerTls};
use crate::diagnostic::{Diagnostic, Span};
use router::dialect::Dialect;
use router::load::Counted;
use router::plan::Limited;
use router::presentation::Presentation;
use router::target::{Carrier, CarrierId, Login, PeerKind};
use std::sync::Arc;
use toml::de::DeValue;

/// Reads all carriers into the draft, in the order of the file: that is their order for the way out.
pub(super) fn read<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    bound("carriers", CARRIERS_MAX, &entries, problems);
    for (key, value) in entries {
        let (manners, limits, trunks) = carrier(&key, value, defaults, draft, problems);
        let id = CarrierId(u32::try_from(draft.plan.carriers.len()).unwrap_or(u32::MAX));
        limits.put(Limited::Carrier(id), Counted::Carrier(key.text.into()), &mut draft.plan);
        let named = |trunk: Trunk| ((trunk.name, trunk.address), trunk.own);
        let (trunks, own): (Vec<_>, Vec<_>) = trunks.into_iter().map(named).unzip();
        let ids = manners.add(PeerKind::Trunk(id), trunks, draft, problems);
        for (id, Own { login, limits, presentation, dialect, tls }) in ids.iter().zip(own) {
            let Some(peer) = draft.plan.peers.get_mut(id.0 as usize) else { continue };
            peer.login = login.or_else(|| peer.login.take());
            peer.presentation = presentation.or_else(|| peer.presentation.take());
            peer.dialect = dialect.unwrap_or_else(|| Arc::clone(&peer.dialect));
            let name = Arc::clone(&peer.name);
            if let Some(tls) = tls {
                draft.tls.insert(Arc::clone(&name), tls);
            }
            limits.put(Limited::Peer(*id), Counted::Peer(name), &mut draft.plan);
        }
        give(&manners.networks, ids.first().copied(), draft, problems);
        draft.plan.carriers.push(Carrier { name: key.text.into(), trunks: ids });
        draft.carriers.push(key.span);
    }
}

/// A trunk with what it has of its own.
struct Trunk {
    name: Arc<str>,
    address: Address,
    own: Own,
}

/// What stands on a trunk, and not on its carrier.
#[derive(Default)]
struct Own {
    login: Option<Login>,
    limits: Limits,
    presentation: Option<Arc<Presentation>>,
    dialect: Option<Arc<Dialect>>,
    tls: Option<PeerTls>,
}

impl Trunk {
    /// One that has nothing of its own.
    fn plain(name: Arc<str>, address: Address) -> Self {
        Self { name, address, own: Own::default() }
    }
}

fn carrier(
    key: &Key<'_>,
    value: &Value<'_>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) -> (Manners, Limits, Vec<Trunk>) {
    if matches!(value.get_ref(), DeValue::String(_) | DeValue::Array(_)) {
        let none = Limits::default();
        return (Manners::of_carrier(defaults), none, numbered(key.text, addresses(value, problems)));
    }
    let place = format!("[carriers.{}]", shown(key.text));
    let wanted = "a SIP address such as \"sip.carrier.example\", or a table";
    let Some(mut keys) = table(place, key.span.clone(), wanted, value, problems) else {
        return (Manners::of_carrier(defaults), Limits::default(), Vec::new());
    };
    let sip = keys.take_entry("sip");
    let trunks = keys.take_entry("trunks");
    let manners = Manners::read_carrier(&mut keys, defaults, problems);
    let limits = Limits::read(&mut keys, problems);
    if let Some((key, value)) = keys.take_entry("no_answer") {
        let found = duration("no_answer", &NO_ANSWER, value, problems).map(|found| (found, key.span));
        draft.no_answer = found.into_iter().chain(draft.no_answer.take()).min_by_key(|(time, _)| *time);
    }
    refuse(&mut keys, Place::Carrier, problems);
    keys.finish(problems);
    let trunks = match (sip, trunks) {
        (Some((_, value)), None) => numbered(key.text, addresses(value, problems)),
        (None, Some((_, value))) => list(key, value, &manners, problems),
        (Some((sip, _)), Some((trunks, value))) => {
            let title = format!("carrier `{}` has both `sip` and `trunks`", shown(key.text));
            let problem = Diagnostic::new(Code::E024, title)
                .at(sip.span, "one trunk here")
                .at(trunks.span, "more here");
            problems.add(problem.help("put the address of `sip` into `trunks`, with a name"));
            list(key, value, &manners, problems)
        }
        (None, None) => {
            let title = format!("carrier `{}` has no address", shown(key.text));
            let problem = Diagnostic::new(Code::E012, title).at(key.span.clone(), "no `sip` and no `trunks`");
            problems.add(problem.help("write `sip = \"sip.carrier.example\"`"));
            Vec::new()
        }
    };
    (manners, limits, trunks)
}

fn numbered(name: &str, addresses: Vec<(Address, Span)>) -> Vec<Trunk> {
    let names = peer_names(name, addresses.len());
    names.zip(addresses).map(|(name, (address, _))| Trunk::plain(name, address)).collect()
}

fn list(carrier: &Key<'_>, value: &Value<'_>, manners: &Manners, problems: &mut Problems<'_>) -> Vec<Trunk> {
    let DeValue::Array(list) = value.get_ref() else {
        problems.kind(
            "trunks",
            "a list of tables: `[{ name = \"east\", sip = \"sbc.east.example\" }]`",
            value,
        );
        return Vec::new();
    };
    if list.is_empty() {
        problems.add(empty("trunks", value.span()));
    }
    if let Some(over) = list.get(ADDRESSES_MAX) {
        problems.add(too_many("trunks", ADDRESSES_MAX, over.span()));
    }
    let mut found: Vec<Trunk> = Vec::new();
    for (n, value) in list.iter().take(ADDRESSES_MAX).enumerate() {
        let Some(trunk) = trunk(carrier.text, n + 1, value, manners, problems) else { continue };
        if found.iter().any(|other| other.name == trunk.name) {
            let (carrier, name) = (shown(carrier.text), shown(&trunk.name));
            let title = format!("carrier `{carrier}` has two trunks called `{name}`");
            problems.add(Diagnostic::new(Code::E102, title).at(value.span(), "the second one"));
        }
        found.push(trunk);
    }
    found
}

fn trunk(
    carrier: &str,
    n: usize,
    value: &Value<'_>,
    manners: &Manners,
    problems: &mut Problems<'_>,
) -> Option<Trunk> {
    if matches!(value.get_ref(), DeValue::String(_)) {
        let (address, _) = addresses(value, problems).pop()?;
        return Some(Trunk::plain(format!("{carrier}/{n}").into(), address));
    }
    let wanted = "a table such as `{ name = \"east\", sip = \"sbc.east.example\" }`";
    let mut keys: Table<'_> = table("trunks", value.span(), wanted, value, problems)?;
    keys.place = format!("a trunk of carrier `{}`", shown(carrier));
    let name = keys.take("name").and_then(|value| text("name", "a name such as \"east\"", value, problems));
    let sip = keys.take("sip");
    let login = login::read(&mut keys, problems);
    let limits = Limits::read(&mut keys, problems);
    let presentation = presentation::read(&mut keys, manners.presentation.as_ref(), problems);
    let dialect = dialects::read(&mut keys, problems);
    let tls = tls::read_peer(&mut keys, problems);
    refuse(&mut keys, Place::Trunk, problems);
    keys.finish(problems);
    let Some(sip) = sip else {
        let title = format!("a trunk of carrier `{}` has no address", shown(carrier));
        problems.add(Diagnostic::new(Code::E012, title).at(value.span(), "no `sip`"));
        return None;
    };
    text("sip", "a SIP address such as \"sbc.east.example\"", sip, problems)?;
    let (address, _) = addresses(sip, problems).pop()?;
    let name = name.map_or_else(|| n.to_string(), shown);
    if let Some((_, span)) = tls.as_ref().filter(|_| !address.may_use_tls()) {
        tls::refuse_idle(span.clone(), problems);
    }
    let tls = tls.map(|(tls, _)| tls);
    let own = Own { login, limits, presentation, dialect, tls };
    Some(Trunk { name: format!("{carrier}/{name}").into(), address, own })
}
