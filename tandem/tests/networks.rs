//! The networks that peers call from, and what becomes of calls from elsewhere, as the plan file says it.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use jiff::Timestamp;
use router::strangers::Welcome;
use tandem::config::{Loaded, Refused, Source, read};

const REST: &str = "business = \"a\"\n[numbers]\n\"+15035550100\" = \"main\"\n[plans]\nmain = [\"desk\", \"last\"]\n\
    [services]\ndesk = \"192.0.2.40\"\n";

fn load(text: &str) -> Result<Loaded, Refused> {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    read(Source::new("plan.toml", format!("{REST}{text}\n[announcements]\nlast = \"busy\"\n")), now)
}

fn said(text: &str) -> Vec<String> {
    match load(text) {
        Ok(loaded) => loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect(),
        Err(refused) => refused.lines().collect(),
    }
}

#[test]
fn networks_belong_to_the_first_address_of_their_owner() {
    let loaded = load(
        "[carriers.one]\ntrunks = [\"192.0.2.1\", \"192.0.2.2\"]\nnetworks = [\"198.51.100.0/24\", \"2001:db8::/32\"]\n\
         [carriers.two]\nsip = \"192.0.2.3\"\nnetworks = \"198.51.100.7\"\n\
         [sites.office]\nsip = [\"192.0.2.10\", \"192.0.2.11\"]\nnetworks = [\"[2001:db8:1::]/48\"]\n",
    )
    .unwrap();
    let plan = &loaded.plan;
    let owner = |id: router::target::PeerId| plan.peer(id).unwrap().name.to_string();
    let networks: Vec<String> =
        plan.networks.iter().map(|(network, peer)| format!("{network} {}", owner(*peer))).collect();
    assert_eq!(
        networks,
        ["198.51.100.0/24 one/1", "198.51.100.7/32 two", "2001:db8::/32 one/1", "2001:db8:1::/48 office/1"]
    );
    assert_eq!(plan.strangers, Welcome::Listed);
}

#[test]
fn what_is_no_network_is_refused_with_its_reason_and_a_fix() {
    let refused = [
        ("carrier.example", "no address"),
        ("192.0.2.0/33", "its length is a number from 8 to 32"),
        ("192.0.2.0/+4", "its length is a number from 8 to 32"),
        ("192.0.2.0/", "its length is a number from 8 to 32"),
        ("2001:db8::/129", "its length is a number from 19 to 128"),
        ("10.0.0.0/7", "too wide"),
        ("0.0.0.0/0", "too wide"),
        ("2000::/3", "too wide"),
        ("224.0.0.0/8", "nobody calls from there"),
        ("0.0.0.0", "nobody calls from there"),
        ("192.0.2.7/24", "begins at an address inside of it"),
    ];
    for (written, label) in refused {
        let text = format!("[carriers]\none = {{ sip = \"192.0.2.1\", networks = [\"{written}\"] }}\n");
        let problems = load(&text).unwrap_err();
        let found = problems.to_string();
        assert!(found.contains("error[E025]") && found.contains(label), "{written}: {found}");
    }
    let fix = said("[carriers]\none = { sip = \"192.0.2.1\", networks = \"192.0.2.7/24\" }\n");
    assert!(fix[0].ends_with("help: write \"192.0.2.0/24\""), "{fix:?}");
}

#[test]
fn a_network_has_one_owner_and_a_phone_number_none() {
    assert_eq!(
        said(
            "hale = { number = \"+15035550113\", networks = \"198.51.100.0/24\" }\n\
             [carriers]\none = { sip = \"192.0.2.1\", networks = [\"198.51.100.0/24\"] }\n\
             two = { sip = \"192.0.2.2\", networks = [\"198.51.100.0/24\"] }\n"
        ),
        [
            "plan.toml:8:35: error[E024]: `networks` has no effect on `hale`; help: a phone number is reached by the \
             carriers: set it there",
            "plan.toml:11:40: error[E102]: the network `198.51.100.0/24` is listed twice; help: calls from there are of \
             one carrier, site or service: leave it there",
        ]
    );
}

#[test]
fn strangers_are_taken_or_refused_and_who_refuses_them_is_warned_of_carriers_without_networks() {
    let carriers =
        "[carriers]\none = \"192.0.2.1\"\ntwo = { sip = \"192.0.2.2\", networks = \"198.51.100.0/24\" }\n";
    assert_eq!(said(&format!("{carriers}[node]\nstrangers = \"take\"\n")), [""; 0]);
    let strict = load(&format!("{carriers}[node]\nstrangers = \"refuse\"\n")).unwrap();
    assert_eq!(strict.plan.strangers, Welcome::Nobody);
    assert_eq!(
        strict.warnings.iter().map(|problem| problem.line(&strict.source)).collect::<Vec<_>>(),
        [
            "plan.toml:9:1: warning[L017]: calls of carrier `one` are refused if they come from elsewhere than its name \
          leads to; help: write the networks that the carrier says it calls from: `networks = [\"192.0.2.0/24\"]`, or \
          leave `strangers` out"
        ]
    );
    assert_eq!(
        said("[node]\nstrangers = \"maybe\"\n"),
        [
            "plan.toml:9:13: error[E011]: `strangers` cannot be `maybe`; help: it may be one of \"take\", \"refuse\""
        ]
    );
}
