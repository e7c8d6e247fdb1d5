//! Where a node registers, and as whom, as the plan file says it.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use tandem::config::{Loaded, Refused, Source, read};

const REST: &str = "business = \"a\"\n[numbers]\n\"+15035550100\" = \"main\"\nn = \"main\"\n[plans]\nmain = [\"desk\"]\n\
    [services]\ndesk = \"192.0.2.40\"\n";

fn load(text: &str) -> Result<Loaded, Refused> {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    read(Source::new("plan.toml", format!("{REST}{text}\n[defaults]\nfloor = false\n")), now)
}

fn said(text: &str) -> Vec<String> {
    match load(text) {
        Ok(loaded) => loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect(),
        Err(refused) => refused.lines().collect(),
    }
}

#[test]
fn an_account_is_the_user_at_the_host_of_sip_or_what_is_written() {
    let text = r#"
[carriers]
one = { sip = "sip.one.example", user = "n", password = "p", register = true }
two = { sip = "192.0.2.2", user = "n", password = "p", register = "two.example", expires = "2m" }
four = { user = "n", password = "p", register = true, trunks = [
  { name = "a", sip = "192.0.2.5" },
  { name = "b", sip = "192.0.2.6", user = "x", password = "p", register = "n@[2001:db8::1]" },
  { name = "c", sip = "192.0.2.7", user = "x", password = "p" },
] }
[sites]
hq = { sip = "192.0.2.10", user = "x y", password = "p", register = "n@hq.example" }
off = { sip = "192.0.2.11", user = "n", password = "p", register = false }
"#;
    let loaded = load(text).unwrap();
    let accounts: Vec<String> = loaded
        .plan
        .peers
        .iter()
        .map(|peer| match peer.login.as_ref().and_then(|login| login.register.as_ref()) {
            Some(terms) => {
                format!("{}: {}@{:?} {:?}", peer.name, terms.user, terms.domain.as_deref(), terms.expires)
            }
            None => format!("{}: no", peer.name),
        })
        .collect();
    assert_eq!(
        accounts,
        [
            "one: n@None 300s",
            "two: n@Some(\"two.example\") 120s",
            "four/a: n@None 300s",
            "four/b: n@Some(\"[2001:db8::1]\") 300s",
            "four/c: no",
            "hq: n@Some(\"hq.example\") 300s",
            "off: no",
            "desk: no",
        ]
    );
}

#[test]
fn what_cannot_be_registered_is_named_with_its_place_and_a_fix() {
    let text = "[carriers]\na = { sip = \"192.0.2.1\", register = true }\nb = { sip = \"192.0.2.2\", expires = \"5m\" }\n\
                c = { sip = \"192.0.2.3\", user = \"n\", password = \"env:X\", register = \"c.example:5070\" }\n\
                d = { sip = \"192.0.2.4\", user = \"n\", password = \"env:X\", register = 1, expires = \"5s\" }\n\
                e = { sip = \"192.0.2.5\", user = \"n n\", password = \"env:X\", register = true }\n\
                f = { sip = \"192.0.2.6\", user = \"n\", password = \"env:X\", register = true, registrar = \"f.example\" }\n\
                g = { sip = \"192.0.2.7\", user = \"n\", password = \"env:X\", register = \"n:p@g.example\" }\n\
                [people]\nana = { number = \"+15035550111\", register = true }\n";
    let said: Vec<_> = said(text).into_iter().filter(|line| line.contains(" error[")).collect();
    let short: Vec<_> = said.iter().filter_map(|line| line.split("; help").next()).collect();
    assert_eq!(
        short,
        [
            "plan.toml:10:26: error[E012]: [carriers.a] has `register` without `user` and `password`",
            "plan.toml:11:26: error[E012]: [carriers.b] has `expires` without `register`",
            "plan.toml:12:69: error[E031]: `c.example:5070` is no account",
            "plan.toml:13:69: error[E011]: `register` must be true, the domain of the account, or the account as \
             `\"name@domain\"`, not a bare number",
            "plan.toml:13:82: error[E013]: `expires` is 5 s: it may be 60 s to 3600 s",
            "plan.toml:14:60: error[E031]: `n n` cannot stand in the address of an account",
            "plan.toml:15:75: error[E206]: a registrar of its own is not in this version",
            "plan.toml:16:69: error[E016]: an address with a password is no SIP address",
            "plan.toml:18:34: error[E024]: `register` has no effect on `ana`",
        ]
    );
    assert!(said[2].contains("by the ways that `sip` leads to"), "{}", said[2]);
}

#[test]
fn an_account_that_is_no_number_of_the_plan_is_worth_a_word() {
    let warned = |user: &str, password: &str| {
        let login = format!("user = \"{user}\", password = \"{password}\", register = true");
        let said = said(&format!("[carriers]\none = {{ sip = \"192.0.2.1\", {login} }}\n"));
        said.into_iter().filter(|line| line.contains("L018")).collect::<Vec<_>>()
    };
    assert_eq!(
        warned("nguyen", "p"),
        [
            "plan.toml:10:1: warning[L018]: calls of `one` to the account `nguyen` are refused unless To names a number of the plan; \
             help: write it under `[numbers]`, as `nguyen = \"main\"`"
        ]
    );
    assert_eq!([warned("n", "p"), warned("15035550100", "p")], [vec![], Vec::<String>::new()]);
    assert_eq!(warned("nguyen", "file:none"), [""; 0], "without its password nothing is registered");
}

#[test]
fn the_example_needs_nothing_but_its_passwords() {
    let text = include_str!("../../examples/registered.toml");
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let loaded = read(Source::new("registered.toml", text.to_owned()), now).unwrap();
    let warned: Vec<_> = loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect();
    let short: Vec<_> = warned.iter().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(short, ["warning[L032]", "warning[L032]"], "{warned:?}");
    let with = text.replace("env:CASCADE", "c").replace("env:BACKUP", "b");
    let loaded = read(Source::new("registered.toml", with), now).unwrap();
    let warned: Vec<_> = loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect();
    assert!(warned.iter().all(|line| line.contains("warning[L030]")), "{warned:?}");
}
