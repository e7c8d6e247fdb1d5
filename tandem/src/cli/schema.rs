//! `tandem schema`: the plan file as a JSON Schema (2020-12), by which editors complete keys and show what they mean. It accepts
//! whatever the reader accepts; what needs more than one value to be seen is for `tandem check`.

use crate::cli::check::{Answer, print};
use crate::config::settings::{
    ADDRESSES_MAX, CALLS_MAX, CALLS_PER_DAY, CALLS_PER_HOUR, CHANNELS, CPS, Count, DISK_FLOOR, DOWN_AFTER,
    EVERY_SITE, EXPECTS_MAX, EXPIRES, FIRST, FOR, HOLD, KEEP, LIVE_WITHIN, LONGEST, MEMBERS_MAX, MESSAGES,
    MINUTES_PER_DAY, Most, NO_ANSWER, NODE_CPS, PROGRESS_SITE, RING, RTP_PORTS, STAGGER, STEPS_MAX, TIMEOUT,
    UP_AFTER, WITHIN, Wait,
};
use crate::config::{FRAMEWORKS, words};
use core::fmt::Display;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Prints the schema.
#[must_use]
pub fn run() -> ExitCode {
    print(&Answer { text: format!("{:#}\n", schema()), fine: true })
}

/// The schema of a plan file, and of one that it includes.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table(top());
    set(&mut schema, "$schema", json!("https://json-schema.org/draft/2020-12/schema"));
    set(&mut schema, "title", json!("the plan file of Tandem"));
    let step = any([members("who is rung"), table(step())]);
    let steps =
        json!({ "type": "array", "items": { "$ref": "#/$defs/step" }, "minItems": 1, "maxItems": STEPS_MAX });
    let steps = any([text("one destination or plan"), steps]);
    set(&mut schema, "$defs", json!({ "step": step, "steps": steps }));
    schema
}

/// Keys of a table, and what they may be.
type Keys = Vec<(&'static str, Value)>;

fn top() -> Keys {
    let mut keys = vec![
        ("business", text("who is called: people who are to press 1 hear it")),
        ("operator", text("who runs the node, where there are customers")),
        ("timezone", text("by which clock the hours are: \"America/Chicago\"")),
        ("holidays", holidays()),
        ("include", texts("the other files of the plan: \"customers/*.toml\"")),
        ("strict_6xx", flag("whether a 6xx of one destination ends the call for all")),
        (
            "deny",
            list(plain(), "beginnings of phone numbers that nobody is called by, in place of the usual ones"),
        ),
        ("emergency", list(plain(), "emergency numbers as they are dialled, in place of the usual ones")),
        ("node", table(node())),
        ("defaults", table(defaults())),
        ("hours", named(texts("when it is open: \"mon-fri 08:00-17:00\""))),
        ("carriers", named(any([texts("its SIP address"), table(carrier())]))),
        ("numbers", named(text("the plan of its calls"))),
        ("templates", named(table(template()))),
        ("customers", named(customer())),
        ("expect", expects()),
        ("drills", named(table(drill()))),
        ("mail", table(mail())),
    ];
    keys.extend(sections());
    keys
}

fn node() -> Keys {
    let levels = || choice(&["error", "warn", "info", "debug", "trace"], "from which level up");
    let log = vec![("level", levels()), ("format", choice(&["text", "json"], "how lines are written"))];
    let ports = format!("{}..{}: {}", RTP_PORTS.default.start(), RTP_PORTS.default.end(), RTP_PORTS.why);
    let floor = format!("{} MiB: {}", DISK_FLOOR.default, DISK_FLOOR.why);
    vec![
        ("name", text("what this node is called in logs and metrics")),
        ("listen", texts("where calls come to: \"udp:0.0.0.0:5060\"")),
        ("advertise", text("the host name or address that peers are told")),
        ("data", text("the folder of messages and of the history")),
        ("metrics", text("where metrics are given: \"127.0.0.1:9464\"")),
        ("strangers", choice(&["take", "refuse"], "calls to listed numbers from addresses of no peer")),
        ("dns", texts("servers in place of the system's")),
        ("calls_max", count(&CALLS_MAX)),
        ("cps", most(&NODE_CPS)),
        ("rtp_ports", text(&ports)),
        ("disk_floor", text(&floor)),
        ("log", any([levels(), table(log)])),
        ("certificate", text("a PEM file: who this node is in TLS")),
        ("key", text("a PEM file: the key of the certificate")),
        ("ca", text("a PEM file: who vouches for peers, in place of the system's")),
        ("client_ca", text("a PEM file: who vouches for those who connect to us")),
    ]
}

fn defaults() -> Keys {
    let mut keys = vec![
        ("ring", wait(&RING)),
        ("live_within", wait(&LIVE_WITHIN)),
        ("confirm", flag("whether people by phone number have to press 1")),
        ("floor", flag("whether a plan has to end in a mailbox or an announcement")),
    ];
    keys.extend(patience());
    keys
}

/// How long a peer is waited for, and how often it is asked whether it lives.
fn patience() -> Keys {
    let timers = || vec![("first", wait(&FIRST)), ("progress", wait(&PROGRESS_SITE))];
    let probe = vec![
        ("every", wait(&EVERY_SITE)),
        ("timeout", wait(&TIMEOUT)),
        ("hold", wait(&HOLD)),
        ("down_after", count(&DOWN_AFTER)),
        ("up_after", count(&UP_AFTER)),
    ];
    let mut keys =
        vec![("probe", any([text("\"off\", or as `every`"), table(probe)])), ("timers", table(timers()))];
    keys.extend(timers());
    keys
}

/// What is said of whatever is reached by SIP.
fn peer() -> Keys {
    let mut keys = patience();
    keys.extend(trunk());
    keys.retain(|(key, _)| *key != "name");
    keys.extend([
        ("codes", codes()),
        ("domains", texts("what it can die of, together with others")),
        ("networks", texts("where its calls come from, beside the addresses of its name: \"192.0.2.0/24\"")),
    ]);
    keys
}

fn carrier() -> Keys {
    let trunk = any([text("its SIP address"), table(trunk())]);
    let mut trunks = list(trunk, "its ways, the first one first; `sip` in place of it is one without a name");
    set(&mut trunks, "maxItems", json!(ADDRESSES_MAX));
    let mut keys = peer();
    keys.extend([
        ("trunks", trunks),
        ("srtp", flag("whether its phones are asked to press 1 by sealed sound")),
        ("no_answer", wait(&NO_ANSWER)),
        ("refer", flag("whether it joins two calls of its own when it is asked to")),
    ]);
    keys
}

fn trunk() -> Keys {
    let statuses = || list(json!({ "type": "integer", "minimum": 200, "maximum": 699 }), "statuses");
    let dialect = vec![
        ("like", text("the dialect that this one is made of")),
        ("codes", codes()),
        ("alive", statuses()),
        ("next", statuses()),
        ("stop", statuses()),
        ("ring_out", json!({ "enum": [480, 503] })),
    ];
    let tls = vec![
        ("verify", choice(&["sip", "dns", "pinned"], "how it proves who it is")),
        ("fingerprint", text("of its certificate: \"sha256:5F:0C:…\"")),
        ("ca", text("a PEM file: who vouches for it")),
        ("certificate", text("a PEM file: who we are to it")),
        ("key", text("a PEM file: the key of the certificate")),
    ];
    let diversion = ["diversion", "history-info", "both", "none"];
    vec![
        ("name", text("what the trunk is called")),
        ("sip", texts("its SIP address: \"sip.carrier.example;transport=tls\"")),
        ("user", text("our account there")),
        ("password", text("where its password stands: \"env:NAME\", \"file:PATH\" or \"credential:NAME\"")),
        ("realm", text("the realm that it names when it asks for the password")),
        (
            "register",
            any([flag("whether it is told where we are"), text("as which account: \"name@domain\"")]),
        ),
        ("expires", wait(&EXPIRES)),
        ("channels", most(&CHANNELS)),
        ("cps", most(&CPS)),
        ("from", from()),
        ("pai", flag("whether it is told who calls (P-Asserted-Identity)")),
        ("diversion", choice(&diversion, "how it is told that a call was forwarded")),
        ("dialect", any([text("how it uses SIP codes, by name"), table(dialect)])),
        ("tls", any([text("\"sip\", \"dns\" or a fingerprint"), table(tls)])),
    ]
}

fn codes() -> Value {
    let rules = ["next", "next trunk", "next carrier", "busy", "stop", "no channel", "too fast", "bad cli"];
    let mut codes = named(choice(&rules, "what the status means there"));
    set(&mut codes, "propertyNames", json!({ "pattern": "^[3-6][0-9][0-9]$" }));
    codes
}

fn from() -> Value {
    text("who seems to call: \"caller\", \"owned\" (the number that was called) or a number")
}

/// The sections that name destinations, at the top and in a customer.
fn sections() -> Keys {
    let site = || {
        let mut keys = peer();
        keys.extend([
            ("ring", wait(&RING)),
            ("confirm", flag("whether whoever answers there by phone number has to press 1")),
            ("follow", texts("where its redirections may lead")),
        ]);
        keys
    };
    let person = || {
        let mut keys = site();
        keys.push(("number", text("a phone number: \"+15035550111\"")));
        any([texts("a phone number or a SIP address"), table(keys)])
    };
    let plan = any([steps("who is rung, one after the other"), table(plan())]);
    let announcement = table(vec![("file", text("a WAV file"))]);
    vec![
        ("sites", named(any([texts("a SIP address"), table(site())]))),
        ("people", named(person())),
        ("services", named(person())),
        ("mailboxes", named(any([text("who gets the messages by mail"), table(mailbox())]))),
        ("announcements", named(any([text("a WAV file, \"closed\" or \"busy\""), announcement]))),
        ("plans", named(plan)),
        ("groups", named(texts("a destination; all of a list ring together"))),
    ]
}

fn mailbox() -> Keys {
    vec![
        ("email", texts("who gets the messages by mail")),
        ("webhook", text("which web address is told of them")),
        ("secret", text("where the secret stands that they are signed with: \"env:NAME\"")),
        ("attach", choice(&["attach", "link", "notice"], "what a mail has of a message")),
        ("encrypt_to", texts("public keys of age that messages are sealed for")),
        ("keep", wait(&KEEP)),
        ("longest", wait(&LONGEST)),
        ("messages", count(&MESSAGES)),
        ("hold", flag("whether nothing is deleted")),
        ("greeting", text("a WAV file")),
        ("pin", text("where the hash of the PIN stands: \"file:PATH\"")),
        ("operator", text("who is rung when a caller presses 0")),
        ("lamp", texts("the phones at a site that show what waits: \"100@office\"")),
    ]
}

fn lists() -> Keys {
    vec![
        ("steps", steps("who is rung, one after the other")),
        ("closed", steps("who is rung outside of the hours")),
        ("busy", steps("who is rung when all of it is busy")),
        ("full", steps("who is rung when all of it is full")),
        ("live_within", wait(&LIVE_WITHIN)),
        ("calls_per_hour", most(&CALLS_PER_HOUR)),
        ("calls_per_day", most(&CALLS_PER_DAY)),
        ("minutes_per_day", most(&MINUTES_PER_DAY)),
        ("declined", declined()),
        ("floor", flag("whether it has to end in a mailbox or an announcement")),
    ]
}

fn plan() -> Keys {
    let mut keys = lists();
    keys.push(("hours", text("the name of an entry under `[hours]`")));
    keys
}

fn step() -> Keys {
    vec![
        ("ring", members("who is rung")),
        ("for", wait(&FOR)),
        ("stagger", wait(&STAGGER)),
        ("declined", declined()),
        ("from", from()),
        ("confirm", flag("whether whoever answers by phone number has to press 1")),
        ("when", text("what has to be so: \"site office down and not closed\", \"override storm\"")),
        ("say", text("the announcement that the caller hears before")),
    ]
}

fn declined() -> Value {
    choice(&["next", "stop"], "what follows if somebody declines")
}

/// What a template and a customer may both say.
fn says() -> Keys {
    let hours = any([texts("when it is open"), named(texts("when it is open"))]);
    let mut keys = lists();
    keys.extend([
        ("use", text("the template that it is made of")),
        ("hours", hours),
        ("timezone", text("by which clock the hours are")),
        ("holidays", holidays()),
        ("drills", named(table(drill()))),
        ("confirm", flag("whether people by phone number have to press 1")),
    ]);
    keys
}

fn holidays() -> Value {
    let why = "days on which it is closed: a named set, a calendar (ICS) or a date";
    any([text(why), list(plain(), why)])
}

fn template() -> Keys {
    let kinds = ["site", "people", "person", "service", "mailbox", "announcement"];
    let mut keys = says();
    keys.push(("roles", named(choice(&kinds, "what each customer fills in here"))));
    keys
}

fn customer() -> Value {
    let mut keys = says();
    keys.extend(sections());
    keys.extend([
        ("business", text("who is called: people who are to press 1 hear it")),
        ("expect", expects()),
        ("numbers", any([texts("those whose plan is `main`"), named(text("the plan of its calls"))])),
    ]);
    let mut customer = table(keys);
    // The roles of its template are keys too.
    set(&mut customer, "additionalProperties", json!(true));
    customer
}

fn expects() -> Value {
    let mut expects = list(table(expect()), "what has to hold; asked each time that the plan is read");
    set(&mut expects, "maxItems", json!(EXPECTS_MAX));
    expects
}

fn drill() -> Keys {
    let frameworks = list(json!({ "enum": FRAMEWORKS }), "by whose rules the evidence is read");
    let evidence = vec![
        ("to", texts("who gets it by mail")),
        ("frameworks", any([choice(&FRAMEWORKS, "as in the list"), frameworks])),
    ];
    vec![
        ("every", text("how often: \"6 months\", \"quarter\"")),
        ("window", texts("when it may be: \"sun 02:00-04:00\"")),
        (
            "break",
            texts("what fails, one after the other; together with `+`: \"carrier first + site office\""),
        ),
        ("evidence", table(evidence)),
    ]
}

fn expect() -> Keys {
    vec![
        ("number", text("the number that is called")),
        ("reaches", text("who has to be rung")),
        ("down", texts("what has failed: \"site office\"")),
        ("override", texts("which overrides are in force: \"storm\"")),
        ("at", text("when: \"Tue 10:00\"")),
        ("within", wait(&WITHIN)),
    ]
}

fn mail() -> Keys {
    vec![
        ("smtp", text("by which server mail leaves: \"smtp.nguyen.example:587\"")),
        ("tls", choice(&["starttls", "tls", "none"], "how it is spoken to")),
        ("user", text("our account there")),
        ("password", text("where its password stands: \"env:NAME\", \"file:PATH\" or \"credential:NAME\"")),
        ("from", text("whom mails are from")),
    ]
}

fn table(keys: Keys) -> Value {
    let keys: Map<String, Value> = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    json!({ "type": "object", "properties": keys, "additionalProperties": false })
}

/// A table of names that people choose.
fn named(value: Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

fn any<const N: usize>(of: [Value; N]) -> Value {
    json!({ "anyOf": of.to_vec() })
}

fn list(of: Value, why: &str) -> Value {
    json!({ "type": "array", "items": of, "description": why })
}

fn plain() -> Value {
    json!({ "type": "string" })
}

fn text(why: &str) -> Value {
    json!({ "type": "string", "description": why })
}

/// One text, or several.
fn texts(why: &str) -> Value {
    let mut several = list(plain(), why);
    set(&mut several, "minItems", json!(1));
    any([text(why), several])
}

fn flag(why: &str) -> Value {
    json!({ "type": "boolean", "description": why })
}

fn choice(words: &[&str], why: &str) -> Value {
    json!({ "enum": words, "description": why })
}

fn members(why: &str) -> Value {
    let mut members = list(plain(), "who is rung together");
    set(&mut members, "maxItems", json!(MEMBERS_MAX));
    any([text(why), members])
}

fn steps(why: &str) -> Value {
    json!({ "$ref": "#/$defs/steps", "description": why })
}

fn wait(setting: &Wait) -> Value {
    let (default, min, max) = (words(setting.default), words(setting.min), words(setting.max));
    text(&format!("{default}; from {min} to {max}: {}", setting.why))
}

fn count<N: Display + serde::Serialize>(setting: &Count<N>) -> Value {
    let Count { default, min, max, why, .. } = setting;
    let why = format!("{default}; from {min} to {max}: {why}");
    json!({ "type": "integer", "minimum": min, "maximum": max, "description": why })
}

fn most(setting: &Most) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": setting.max, "description": setting.why })
}

fn set(value: &mut Value, key: &str, to: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), to);
    }
}
