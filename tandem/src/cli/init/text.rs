//! The text of a plan file, made of answers.

use super::answers::{Answers, Topic};
use crate::config::quoted;
use std::collections::BTreeSet;

/// The plan file that these answers amount to.
pub(super) fn plan(answers: &Answers) -> String {
    let cast = Cast::of(answers);
    let mut text = HEAD.to_owned();
    for (key, topic) in [("business", Topic::Business), ("timezone", Topic::Timezone)] {
        text.extend(answers.of(topic).first().map(|said| format!("{key} = {}\n", quoted(said))));
    }
    text += &section("carriers", CARRIERS, cast.carriers.iter().map(Named::line));
    text += &section("sites", SITES, cast.sites.iter().map(Named::line));
    text += &section("people", PEOPLE, cast.people.iter().map(Named::line));
    text += &section("services", SERVICES, cast.services.iter().map(Named::line));
    let floor = key(&cast.floor);
    let emails = answers.of(Topic::Emails);
    text += &match emails {
        [] => section("announcements", ANNOUNCEMENTS, [(floor, quoted("busy"))]),
        [one] => section("mailboxes", MAILBOXES, [(floor, quoted(one))]),
        several => {
            section("mailboxes", MAILBOXES, [(floor, format!("{{ email = {} }}", one_or_list(several)))])
        }
    };
    let hours = answers.of(Topic::Hours);
    if !hours.is_empty() {
        text += &section("hours", HOURS, [("open".to_owned(), one_or_list(hours))]);
    }
    let numbers = answers.of(Topic::Numbers).iter();
    text += &section("numbers", NUMBERS, numbers.map(|number| (key(number), quoted(&cast.plan))));
    let closed = (!hours.is_empty()).then(|| ("closed".to_owned(), list(cast.answering())));
    let steps = core::iter::once(("steps".to_owned(), list(cast.everybody())));
    text += &section(&format!("plans.{}", key(&cast.plan)), PLAN, steps.chain(closed));
    if !emails.is_empty() {
        let said = |key: &str, topic| (key.to_owned(), one_or_list(answers.of(topic)));
        text += &section("mail", MAIL, [said("smtp", Topic::Smtp), said("from", Topic::From)]);
    }
    text
}

/// Everybody with a name. Who was given none has one that is nobody else's.
struct Cast {
    carriers: Vec<Named>,
    sites: Vec<Named>,
    people: Vec<Named>,
    services: Vec<Named>,
    /// What answers if nobody else does.
    floor: String,
    plan: String,
}

/// A name, and the ways to it.
struct Named {
    name: String,
    ways: Vec<String>,
}

impl Cast {
    fn of(answers: &Answers) -> Self {
        let all = NAMED.iter().flat_map(|topic| answers.of(*topic));
        let mut taken: BTreeSet<String> =
            all.filter_map(|written| entry(written).0).map(str::to_owned).collect();
        let mut named = |topic, word: fn(&str) -> &str| named(answers.of(topic), word, &mut taken);
        let sites = named(Topic::Sites, |_| "office");
        let carriers = named(Topic::Carriers, carrier_of);
        let people = named(Topic::People, |_| "mobile");
        let services = named(Topic::Services, |_| "answering");
        let floor = free(if answers.has(Topic::Emails) { "inbox" } else { "sorry" }, &mut taken);
        let plan = free("main", &mut taken);
        Self { carriers, sites, people, services, floor, plan }
    }

    /// The steps of a call: each site, the people together, each service, and what always answers.
    fn everybody(&self) -> impl Iterator<Item = String> {
        let people: Vec<String> = self.people.iter().map(Named::quoted).collect();
        let together = match people.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(list(several.iter().cloned())),
        };
        self.sites.iter().map(Named::quoted).chain(together).chain(self.answering())
    }

    /// The steps when nobody is there.
    fn answering(&self) -> impl Iterator<Item = String> {
        self.services.iter().map(Named::quoted).chain([quoted(&self.floor)])
    }
}

impl Named {
    fn quoted(&self) -> String {
        quoted(&self.name)
    }

    fn line(&self) -> (String, String) {
        (key(&self.name), one_or_list(&self.ways))
    }
}

/// `office=pbx.example`: what is in front of the sign, if that can be a name and is no part of an address, and what is behind it.
fn entry(written: &str) -> (Option<&str>, &str) {
    match written.split_once('=') {
        Some((name, way)) if !name.contains([':', ';', '@', '?']) => (Some(name.trim()), way.trim()),
        Some(_) | None => (None, written.trim()),
    }
}

/// Who is named several times has several ways; who has no name gets one.
fn named(said: &[String], word: fn(&str) -> &str, taken: &mut BTreeSet<String>) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    for written in said {
        let (name, way) = entry(written);
        match found.iter_mut().find(|named| Some(named.name.as_str()) == name) {
            Some(known) => known.ways.push(way.to_owned()),
            None => {
                let name = name.map_or_else(|| free(word(way), taken), str::to_owned);
                found.push(Named { name, ways: vec![way.to_owned()] });
            }
        }
    }
    found
}

/// A name that nobody has: the word, or the word with a number.
fn free(word: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = word.to_owned();
    let mut n = 1_u32;
    while !taken.insert(name.clone()) {
        n += 1;
        name = format!("{word}-{n}");
    }
    name
}

/// What a carrier is called, by its address: `telnyx` of `sip.telnyx.example`.
fn carrier_of(address: &str) -> &str {
    let host = address.rsplit('@').next().unwrap_or(address);
    let host = ["sip:", "sips:"].iter().find_map(|scheme| host.strip_prefix(scheme)).unwrap_or(host);
    let host = host.split([':', ';', '?']).next().unwrap_or(host);
    let labels: Vec<&str> = host.split('.').collect();
    let [own @ .., _] = labels.as_slice() else { return "carrier" };
    let is_word = |label: &&&str| label.starts_with(|c: char| c.is_ascii_alphabetic()) && is_bare(label);
    own.iter().filter(is_word).max_by_key(|label| label.len()).copied().unwrap_or("carrier")
}

/// A table with a remark before it, the signs below each other; nothing, if nothing is in it.
fn section(name: &str, remark: &str, lines: impl IntoIterator<Item = (String, String)>) -> String {
    let lines: Vec<(String, String)> = lines.into_iter().collect();
    if lines.is_empty() {
        return String::new();
    }
    let wide = lines.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    let lines = lines.iter().map(|(key, value)| format!("{key:wide$} = {value}\n"));
    format!("\n{remark}[{name}]\n{}", lines.collect::<String>())
}

fn one_or_list(said: &[String]) -> String {
    match said {
        [one] => quoted(one),
        several => list(several.iter().map(|one| quoted(one))),
    }
}

fn list(members: impl Iterator<Item = String>) -> String {
    format!("[{}]", members.collect::<Vec<_>>().join(", "))
}

/// A key, in quotes if TOML needs them.
fn key(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { quoted(name) }
}

fn is_bare(name: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(bare)
}

/// Topics whose answers may have names.
const NAMED: [Topic; 4] = [Topic::Sites, Topic::Carriers, Topic::People, Topic::Services];

const HEAD: &str = "\
# Who gets a call. `tandem check` says what is wrong in here, and who would be reached in every outage.
";
const CARRIERS: &str = "\
# They bring calls, and take those to phone numbers out: the first one that is not in trouble. If one tells from which networks it
# calls, write them down: acme = { sip = \"sip.acme.example\", networks = [\"192.0.2.0/24\"] }
";
const SITES: &str = "\
# What answers today, by SIP. It is probed every 5 s, and passed by at once while it is down.
";
const PEOPLE: &str = "\
# Who answers a mobile presses 1 to take the call, so that the mobile's own voicemail never eats it.
";
const SERVICES: &str = "\
# Whose job it is to answer: a plain phone number is enough, or a SIP address.
";
const MAILBOXES: &str = "\
# Always answers, on this machine; what callers say goes by mail to this address, and is kept for 30 days.
";
const ANNOUNCEMENTS: &str = "\
# Always answers, on this machine: says that all lines are busy. A WAV file of your own may stand here.
";
const HOURS: &str = "\
# When somebody is there, by the clock of `timezone`. Several spans are a list: [\"mon-fri 08:00-17:00\", \"sat 09:00-12:00\"].
";
const NUMBERS: &str = "\
# The numbers that are called, each with its plan; \"+15035550100..0149\" is a block.
";
const PLAN: &str = "\
# One after the other, until somebody answers; [\"ana\", \"ben\"] ring together. `closed` holds outside of [hours].
";
const MAIL: &str = "\
# How mail leaves. If the server asks who you are: user = \"voicemail\", password = \"env:SMTP\" (read from the environment).
";
