//! Each code has a plan that gets it here, and its problem ends in what to write instead.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

#[expect(dead_code, reason = "only the files of the folder are needed here")]
mod folder;

use folder::Folder;
use jiff::Timestamp;
use std::collections::BTreeMap;
use tandem::codes::Code;
use tandem::config::{Loaded, load};
use tandem::diagnostic::Diagnostic;
use tandem::tls::Tls;

const PLAN: &str = r#"timezone = "UTC"
[node]
name = "a"
[carriers]
a = "192.0.2.1"
b = "192.0.2.2"
[sites]
office = "192.0.2.3"
[people]
ana = "+15035550111"
[services]
desk = "+18005550199"
[mailboxes]
inbox = "a@b.example"
[announcements]
sorry = "busy"
[mail]
smtp = "smtp.b.example"
from = "v@b.example"
[hours]
open = "mon-fri 08:00-17:00"
[numbers]
"+15035550100" = "main"
[plans.main]
steps = ["office", "ana", "desk", "inbox"]
closed = ["inbox"]
"#;

/// What is written instead of a piece of the plan, so that it gets the code.
const CHANGES: &[(Code, &str, &str)] = &[
    (Code::E001, "\"192.0.2.3\"", "192.0.2.3"),
    (Code::E002, "timezone", "include = [\"none.toml\"]\ntimezone"),
    (Code::E003, "timezone", "include = [\"customers/\"]\ntimezone"),
    (Code::E010, "timezone", "bussiness = \"a\"\ntimezone"),
    (Code::E011, "\"+15035550111\"", "+15035550111"),
    (Code::E012, "timezone = \"UTC\"\n", ""),
    (Code::E013, "closed", "live_within = \"1h\"\nclosed"),
    (Code::E014, "closed", "live_within = \"40\"\nclosed"),
    (Code::E015, "+15035550111", "503 555 0111"),
    (Code::E016, "192.0.2.3", "192.0.2.3:99999"),
    (Code::E017, "mon-fri 08:00-17:00", "mon-fri 8-17"),
    (Code::E018, "UTC", "America/Los_Angelos"),
    (Code::E019, "name = \"a\"", "listen = [\"0.0.0.0:5060\"]"),
    (Code::E020, "+15035550100", "front desk"),
    (Code::E021, "\"ana\"", "[]"),
    (Code::E022, "office = ", "\"of fice\" = "),
    (Code::E023, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", codes = { 404 = \"again\" } }"),
    (Code::E024, "\"ana\"", "{ ring = \"ana\", stagger = \"5s\" }"),
    (Code::E025, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", networks = [\"192.0.2.1/24\"] }"),
    (Code::E026, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1;transport=tls\", tls = \"sha256:zz\" }"),
    (Code::E027, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", from = \"mine\" }"),
    (Code::E028, "\"ana\"", "{ ring = \"ana\", when = \"at night\" }"),
    (Code::E029, "timezone", "holidays = \"us-fedral\"\ntimezone"),
    (
        Code::E030,
        "a = \"192.0.2.1\"",
        "a = { sip = \"192.0.2.1\", user = \"a\\\"b\", password = \"env:PATH\" }",
    ),
    (
        Code::E031,
        "a = \"192.0.2.1\"",
        "a = { sip = \"192.0.2.1\", user = \"a\", password = \"env:PATH\", register = \"me@b.example:5060\" }",
    ),
    (Code::E032, "a@b.example", "a at b"),
    (Code::E033, "\"a@b.example\"", "{ webhook = \"ftp://b.example\", secret = \"env:PATH\" }"),
    (Code::E034, "\"a@b.example\"", "{ email = \"a@b.example\", encrypt_to = \"age1\" }"),
    (Code::E035, "\"a@b.example\"", "{ email = \"a@b.example\", pin = \"4711\" }"),
    (Code::E036, "\"busy\"", "\"none.wav\""),
    (Code::E037, "[hours]", "[drills.a]\nevery = \"montly\"\nbreak = \"office\"\n[hours]"),
    (Code::E101, "\"ana\"", "\"anna\""),
    (Code::E102, "ana = ", "office = \"+15035550112\"\nana = "),
    (
        Code::E103,
        "\"+15035550100\"",
        "\"+15035550100..0101\" = \"main\"\n\"+15035550101..0102\" = \"main\"\n\"+15035550109\"",
    ),
    (Code::E104, "\"ana\"", "\"a\""),
    (Code::E105, "a = \"192.0.2.1\"\nb = \"192.0.2.2\"\n", ""),
    (Code::E106, "\"main\"", "\"office\""),
    (Code::E107, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", dialect = \"telnix\" }"),
    (Code::E110, "\"ana\"", "\"main\""),
    (Code::E111, "\"ana\"", "[\"ana\", \"ana\"]"),
    (
        Code::E112,
        "[plans.main]",
        "[plans]\nother = [\"inbox\"]\n[plans.main]\nbusy = [[\"other\", \"ana\"], \"inbox\"]",
    ),
    (
        Code::E113,
        "[plans.main]",
        "[plans]\np1 = [\"p2\"]\np2 = [\"p3\"]\np3 = [\"p4\"]\np4 = [\"p5\"]\np5 = [\"p6\"]\np6 = [\"p7\"]\np7 = [\"p8\"]\n\
         p8 = [\"inbox\"]\n[plans.main]\nbusy = [\"p1\"]",
    ),
    (Code::E114, "+15035550111", "+19005550111"),
    (Code::E115, "\"+15035550100\"", "\"911\""),
    (Code::E116, ", \"inbox\"]\nclosed", "]\nclosed"),
    (
        Code::E117,
        "[hours]",
        "[[expect]]\nnumber = \"+15035550100\"\nat = \"Sun 10:00\"\nreaches = \"ana\"\n[hours]",
    ),
    (Code::E118, "\"a@b.example\"", "{ email = \"a@b.example\", operator = \"sorry\" }"),
    (Code::E119, "\"a@b.example\"", "{ email = \"a@b.example\", lamp = \"ana\" }"),
    (
        Code::E120,
        "[numbers]",
        "[customers.c]\nuse = \"t\"\nnumbers = [\"+15035550109\"]\n[templates.t]\nroles = { shop = \"site\" }\nsteps = [\"shop\", \"sorry\"]\n[numbers]",
    ),
    (Code::E121, "[numbers]", "[templates.t]\nuse = \"t\"\nsteps = [\"sorry\"]\n[numbers]"),
    (Code::E122, "[numbers]", "[templates.t]\nroles = { hours = \"site\" }\nsteps = [\"sorry\"]\n[numbers]"),
    (Code::E203, "[hours]", "[receptionists]\nava = \"agent.example\"\n[hours]"),
    (Code::E206, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", registrar = \"192.0.2.9\" }"),
    (Code::E207, "[hours]", "[cluster]\nregion = \"west\"\n[hours]"),
    (Code::E209, "[hours]", "[defaults]\nsay = \"sorry\"\n[hours]"),
    (Code::E210, "[hours]", "[defaults]\nfull = [\"sorry\"]\n[hours]"),
    (Code::E215, "office = \"192.0.2.3\"", "office = { sip = \"192.0.2.3\", survive = \"node-2\" }"),
    (Code::E216, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", weight = 3 }"),
    (Code::L001, "b = \"192.0.2.2\"\n", ""),
    (Code::L002, "timezone", "include = [\"none*.toml\"]\ntimezone"),
    (Code::L003, ", \"inbox\"]\nclosed = [\"inbox\"]", "]\nfloor = false"),
    (Code::L004, "closed = [\"inbox\"]", "hours = \"open\""),
    (Code::L005, "[numbers]", "[templates.t]\nsteps = [\"sorry\"]\n[numbers]"),
    (Code::L007, "b = \"192.0.2.2\"", "b = \"192.0.2.1\""),
    (Code::L009, "\"ana\"", "{ ring = \"ana\", for = \"60s\" }"),
    (Code::L014, "\"mon-fri 08:00-17:00\"", "[\"mon-fri 08:00-11:59\", \"mon-fri 12:00-17:00\"]"),
    (Code::L016, "\"ana\"", "{ ring = \"ana\", confirm = false }"),
    (Code::L017, "name = \"a\"", "strangers = \"refuse\""),
    (
        Code::L018,
        "a = \"192.0.2.1\"",
        "a = { sip = \"192.0.2.1\", user = \"me\", password = \"env:PATH\", register = true }",
    ),
    (Code::L021, "b = \"192.0.2.2\"\n", ""),
    (
        Code::L022,
        ", \"ana\", \"desk\", \"inbox\"]",
        "]\nfloor = false\n[drills.a]\nevery = \"year\"\nbreak = \"office\"\n[plans.other]\nsteps = [\"inbox\"]",
    ),
    (Code::L030, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", user = \"me\", password = \"hunter2\" }"),
    (
        Code::L032,
        "a = \"192.0.2.1\"",
        "a = { sip = \"192.0.2.1\", user = \"me\", password = \"env:TANDEM_NONE\" }",
    ),
    (Code::L040, "name = \"a\"", "certificate = \"none.pem\"\nkey = \"none.pem\""),
    (Code::L043, "\"a@b.example\"", "{ email = \"a@b.example\", greeting = \"none.wav\" }"),
    (Code::L044, "from = ", "tls = \"none\"\nfrom = "),
    (Code::L045, "a = \"192.0.2.1\"", "a = { sip = \"192.0.2.1\", srtp = true }"),
    (Code::L090, "timezone", "# tandem: allow(L007)\ntimezone"),
    (Code::L091, "timezone", "# tandem: allow(L007) until 2020-01-01, it was being mended\ntimezone"),
];

/// Those that need other files: what the plan includes or names.
const WITH_FILES: [(Code, &str, &str, &str); 3] = [
    (Code::E004, "include = [\"more.toml\"]\n", "more.toml", "deny = [\"+1900\"]\n"),
    (Code::E005, "include = [\"more.csv\"]\n", "more.csv", "name,numbers\nacme\n"),
    (
        Code::L015,
        "holidays = \"some.ics\"\n",
        "some.ics",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260301T100000Z\r\nDTEND:20260301T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ),
];

/// Those that no file can have by itself.
const ELSEWHERE: [(Code, &str); 2] = [
    (Code::L041, "a certificate has to be about to end: tests of `tls` make one"),
    (Code::L042, "a port has to be taken when the node starts: tests of the running node take it"),
];

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// All problems of a plan, with those of its certificates.
fn problems(files: &[(&str, &[u8])]) -> Vec<Diagnostic> {
    let folder = Folder::with(files);
    match load(&folder.0, now()) {
        Ok(Loaded { tls, mut warnings, .. }) => {
            warnings.extend(Tls::read(&tls, None, now().as_second()).1);
            warnings
        }
        Err(refused) => refused.problems,
    }
}

#[test]
fn every_code_ends_in_what_to_write() {
    assert_eq!(problems(&[("tandem.toml", PLAN.as_bytes())]), [], "the plan itself is good");
    let mut found: BTreeMap<Code, Option<Diagnostic>> = BTreeMap::new();
    for (code, from, to) in CHANGES {
        let text = PLAN.replacen(from, to, 1);
        assert_ne!(text, PLAN, "{code}");
        let problem = problems(&[("tandem.toml", text.as_bytes())]).into_iter().find(|it| it.code == *code);
        found.insert(*code, problem);
    }
    for (code, key, name, text) in WITH_FILES {
        let plan = format!("{key}{PLAN}");
        let files = [("tandem.toml", plan.as_bytes()), (name, text.as_bytes())];
        found.insert(code, problems(&files).into_iter().find(|problem| problem.code == code));
    }
    let never: Vec<Code> =
        found.iter().filter(|(_, problem)| problem.is_none()).map(|(code, _)| *code).collect();
    assert_eq!(never, [], "these plans do not get their code");
    let known = |code: &Code| found.contains_key(code) || ELSEWHERE.iter().any(|(other, _)| other == code);
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !known(code)).collect();
    assert!(missing.is_empty(), "no plan here gets {missing:?}");
    let found: Vec<Diagnostic> = found.into_values().flatten().collect();
    let silent: Vec<Code> = found.iter().filter(|it| it.helps.is_empty()).map(|it| it.code).collect();
    // By a change to the file, or by what stands between ticks.
    let is_told = |it: &&Diagnostic| {
        it.helps.iter().any(|help| help.fix.is_some() || help.text.contains('`') || help.text.contains('"'))
    };
    let vague: Vec<Code> = found.iter().filter(|it| !is_told(it)).map(|it| it.code).collect();
    println!("{} codes; without a help: {silent:?}; without words to write: {vague:?}", found.len());
    assert_eq!(silent, [], "what is to be done is not said");
    assert!(vague.len() * 5 <= found.len(), "{vague:?}");
}
