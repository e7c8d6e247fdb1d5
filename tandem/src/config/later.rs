//! What the plan language will have and this version has not: refused with a word on what to do meanwhile, so that
//! nobody believes in a protection that is not there.

use crate::codes::Code;
use crate::config::address::carries_password;
use crate::config::names::{Kind, Names};
use crate::config::reader::{Key, Problems, Table, Value, entries, shown};
use crate::config::secret::Reference;
use crate::diagnostic::{Diagnostic, Span};
use toml::de::{DeTable, DeValue};

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    Node,
    Defaults,
    Carrier,
    Trunk,
    Target,
    Plan,
    Step,
}

/// Refuses the keys of a table that belong to a later version; one problem for each kind of them.
pub(super) fn refuse(table: &mut Table<'_>, place: Place, problems: &mut Problems<'_>) {
    let known =
        |key: &str| LATER.iter().find(|later| later.places.contains(&place) && later.keys.contains(&key));
    let taken = table.take_all(|key| known(key).is_some());
    for later in &LATER {
        let mut spans = taken.iter().filter(|(key, _)| known(key.text) == Some(later)).peekable();
        if spans.peek().is_none() {
            continue;
        }
        let mut problem = Diagnostic::new(later.code, format!("{} not in this version", later.title));
        for (n, (key, _)) in spans.enumerate() {
            problem = problem.at(key.span.clone(), if n == 0 { "comes later" } else { "" });
        }
        problems.add(problem.help(later.meanwhile));
    }
}

/// Finds the passwords that stand in the file itself, wherever that is: nothing may print them.
pub(super) fn find_secrets(table: &DeTable<'_>, secrets: &mut Vec<Span>) {
    for (key, value) in entries(table) {
        if is_secret(&key, value) {
            secrets.push(value.span());
        }
        find_secrets_in(value, secrets);
    }
}

fn find_secrets_in(value: &Value<'_>, secrets: &mut Vec<Span>) {
    match value.get_ref() {
        DeValue::Table(inner) => find_secrets(inner, secrets),
        DeValue::Array(list) => list.iter().for_each(|value| find_secrets_in(value, secrets)),
        DeValue::String(text) if carries_password(text) => secrets.push(value.span()),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

fn is_secret(key: &Key<'_>, value: &Value<'_>) -> bool {
    let secret = ["password", "secret", "token", "pin"].contains(&key.text);
    let reference = |text: &str| Reference::read(text).is_some();
    secret && !matches!(value.get_ref(), DeValue::String(text) if reference(text))
}

/// Takes the sections of destinations that this version does not have, and gives them names: steps may name them.
pub(super) fn define<'a>(top: &mut Table<'a>, names: &mut Names<'a>, problems: &mut Problems<'_>) {
    for (section, kind, _, _) in &DESTINATIONS {
        for (_, value) in top.take_all(|key| key == *section) {
            let DeValue::Table(found) = value.get_ref() else {
                problems.kind(section, "a table of names", value);
                continue;
            };
            names.define(Kind::Later(kind), entries(found), problems);
        }
    }
}

/// Refuses each destination that this version does not have, with the steps that name it.
pub(super) fn refuse_destinations(names: &Names<'_>, problems: &mut Problems<'_>) {
    let refused: Vec<_> =
        names.all().filter(|(_, named)| matches!(named.kind, Kind::Later(_))).map(destination).collect();
    problems.found.extend(refused);
}

fn destination((name, named): (&str, &super::names::Named)) -> Diagnostic {
    let word = named.kind.word();
    let found = DESTINATIONS.iter().find(|(_, kind, _, _)| *kind == word);
    let (code, what) = found.map_or((Code::E203, "this"), |(_, _, code, what)| (*code, what));
    let name = shown(name);
    let noun = named.kind.noun();
    let title = format!("{what} not in this version: the {noun} `{name}` cannot be rung");
    let mut problem = Diagnostic::new(code, title).at(named.span.clone(), "defined here");
    for span in named.used.iter().take(USES_SHOWN) {
        problem = problem.at(span.clone(), "rung here");
    }
    match named.used.len() {
        0 => problem.help(format!("no step names it: take `{name}` out of the file")),
        1..=USES_SHOWN => problem.help(take_out(&name)),
        more => problem.help(format!("{} ({} more steps name it)", take_out(&name), more - USES_SHOWN)),
    }
}

fn take_out(name: &str) -> String {
    format!("take `{name}` out of the file and of its steps; calls then end with the last step before it")
}

/// Steps that a problem points at; the help counts the rest.
const USES_SHOWN: usize = 4;

/// The sections of destinations that come later.
const DESTINATIONS: [(&str, &str, Code, &str); 1] =
    [("receptionists", "a receptionist", Code::E203, "receptionists are")];

/// Keys that come later.
#[derive(PartialEq, Eq)]
struct Later {
    places: &'static [Place],
    keys: &'static [&'static str],
    code: Code,
    title: &'static str,
    meanwhile: &'static str,
}

use Place::{Carrier, Defaults, Node, Plan, Step, Target, Top, Trunk};

const LATER: [Later; 10] = [
    Later {
        places: &[Carrier, Trunk, Target],
        keys: &["registrar"],
        code: Code::E206,
        title: "a registrar of its own is",
        meanwhile: "leave it out: a registration takes the ways of `sip`; another domain is written `register = \"carrier.example\"`",
    },
    Later {
        places: &[Top],
        keys: &["cluster"],
        code: Code::E207,
        title: "a cluster is",
        meanwhile: "run two nodes with the same file, each by itself, and let the carrier try one after the other",
    },
    Later {
        places: &[Target, Defaults],
        keys: &["say"],
        code: Code::E209,
        title: "`say` outside of a step is",
        meanwhile: "write it in the steps: `{ ring = \"office\", say = \"notice\" }`",
    },
    Later {
        places: &[Step, Defaults],
        keys: &["pai", "diversion"],
        code: Code::E216,
        title: "`pai` and `diversion` on a step or for all are",
        meanwhile: "write them on the carriers, and on sites and services that are reached by SIP",
    },
    Later {
        places: &[Defaults],
        keys: &["from"],
        code: Code::E216,
        title: "`from` for all is",
        meanwhile: "write it on the carriers, on sites and services that are reached by SIP, or on steps",
    },
    Later {
        places: &[Step, Defaults, Target],
        keys: &["full"],
        code: Code::E210,
        title: "`full` outside of a plan is",
        meanwhile: "write `full = [\"answering\"]` in the plan whose steps may be full",
    },
    Later {
        places: &[Target],
        keys: &["survive"],
        code: Code::E215,
        title: "taking over a branch by a node in it is",
        meanwhile: "write the branch's other ways in as more steps",
    },
    Later {
        places: &[Carrier, Trunk],
        keys: &["weight", "region"],
        code: Code::E216,
        title: "`weight` and `region` of a carrier are",
        meanwhile: "take them out: trunks are tried in the order of the file",
    },
    Later {
        places: &[Plan, Defaults],
        keys: &["holidays"],
        code: Code::E216,
        title: "holidays of one plan are",
        meanwhile: "write `holidays` at the top of the file or in a customer: they hold for all hours there",
    },
    Later {
        places: &[Top, Node],
        keys: &["console"],
        code: Code::E216,
        title: "the console is",
        meanwhile: "take it out; `metrics` gives numbers to a monitoring system",
    },
];
