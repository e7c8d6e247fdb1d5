//! Plan files, each with the plan it means or with everything that is said of it.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use core::time::Duration;
use jiff::Timestamp;
use router::Transport;
use router::load::{Counted, Limit};
use router::plan::{Course, CourseId, Declined, Limited, Member, Step};
use router::target::{
    Carrier, CarrierId, Peer, PeerHost, PeerId, PeerKind, Probe, Reach, Target, TargetId, TargetKind,
};
use router::verdict::CodeRule;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tandem::cli::check::say;
use tandem::config::{Loaded, LogFormat, LogLevel, NodeSettings, Refused, Source, Verify, read};
use tandem::diagnostic::Colour;

#[test]
fn a_small_business_compiles_to_its_plan() {
    let loaded = example("nguyen-dental.toml").unwrap();
    assert_eq!(
        said(&Ok(loaded.clone())).lines().last().unwrap(),
        "tandem check: nguyen-dental.toml is fine: 1 number, 1 plan, 5 destinations, 2 carriers."
    );
    let plan = &loaded.plan;
    assert_eq!(
        (&*plan.business, &*plan.zone.name, plan.strict_6xx),
        ("Nguyen Dental", "America/Los_Angeles", false)
    );
    let trunk = |name: &str, host: &str, id| Peer {
        kind: PeerKind::Trunk(CarrierId(id)),
        progress: secs(8),
        probe: Some(Probe::every(secs(10))),
        ..peer(name, host)
    };
    let office = peer("office", "pbx.nguyen.example");
    let (north, south) = ("sip.telnyx.example", "nguyen.bandwidth.example");
    assert_eq!(
        plan.peers,
        [trunk("telnyx", north, 0), trunk("bandwidth", south, 1), office, agent_peer("inbox")]
    );
    let carrier = |name: &str, id| Carrier { name: name.into(), trunks: vec![PeerId(id)] };
    assert_eq!(plan.carriers, [carrier("telnyx", 0), carrier("bandwidth", 1)]);
    let by_number = |name: &str, kind, number: &str, ring| Target {
        name: name.into(),
        kind,
        reach: Reach::Number(number.into()),
        ring: secs(ring),
        confirm: kind == TargetKind::Person,
    };
    let office = Target {
        name: "office".into(),
        kind: TargetKind::Site,
        reach: Reach::Sip(vec![PeerId(2)]),
        ring: secs(20),
        confirm: false,
    };
    let ana = by_number("ana", TargetKind::Person, "+15035550111", 18);
    let ben = by_number("ben", TargetKind::Person, "+15035550112", 18);
    let answering = by_number("answering", TargetKind::Service, "+18005550199", 20);
    let inbox = Target {
        name: "inbox".into(),
        kind: TargetKind::Agent,
        reach: Reach::Sip(vec![PeerId(3)]),
        ring: secs(10),
        confirm: false,
    };
    assert_eq!(plan.targets, [office, ana, ben, answering, inbox]);
    let main = Course {
        name: "main".into(),
        steps: vec![step(&[0], 29), step(&[1, 2], 29), step(&[3], 29), step(&[4], 29)],
        closed: Some(vec![step(&[3], 30), step(&[4], 30)]),
        busy: None,
        full: None,
        hours: Some(router::hours::Hours {
            windows: vec![router::hours::Window { days: 0b001_1111, from: 480, to: 1020 }],
            ..router::hours::Hours::default()
        }),
        live_within: secs(40),
    };
    assert_eq!(plan.courses, [main]);
    assert_eq!(plan.numbers, BTreeMap::from([("+15035550100".into(), CourseId(0))]));
    assert_eq!(plan.unlisted, None);
    assert_eq!(loaded.node, NodeSettings::default());
}

#[test]
fn trunks_and_offices_compile_with_all_their_options() {
    let loaded = example("two-trunks.toml").unwrap();
    assert_eq!(loaded.warnings, []);
    let lumen = |name: &str, host: [u8; 4], port, transport| Peer {
        kind: PeerKind::Trunk(CarrierId(0)),
        host: PeerHost::Ip(host.into()),
        port,
        transport,
        probe: Some(Probe { down_after: 2, ..Probe::every(secs(20)) }),
        progress: secs(6),
        codes: BTreeMap::from([(404, CodeRule::NextTrunk)]),
        dialect: Arc::default(),
        domains: vec!["lumen".into(), "as3356".into()],
        ..peer(name, "")
    };
    let sinch = Peer {
        kind: PeerKind::Trunk(CarrierId(1)),
        probe: Some(Probe::every(secs(10))),
        progress: secs(6),
        domains: vec!["sinch".into(), "as11164".into()],
        ..peer("sinch", "sbc.iad.sinch.example")
    };
    let hq = |name: &str, host: [u8; 4]| Peer {
        host: PeerHost::Ip(host.into()),
        progress: secs(6),
        domains: vec!["chi-grid".into()],
        ..peer(name, "")
    };
    let branch = Peer {
        host: PeerHost::Ip([10, 12, 0, 5].into()),
        port: Some(5070),
        user: Some("reception".into()),
        probe: None,
        progress: secs(6),
        domains: vec!["dal-grid".into()],
        ..peer("branch", "")
    };
    let ava = Peer {
        kind: PeerKind::Service,
        transport: Some(Transport::Tcp),
        first: Some(secs(5)),
        progress: secs(6),
        ..peer("ava", "agent.example")
    };
    let plan = &loaded.plan;
    assert_eq!(
        plan.peers,
        [
            lumen("lumen/ord", [198, 51, 100, 10], None, Some(Transport::Tcp)),
            lumen("lumen/pdx", [198, 51, 100, 20], Some(5070), None),
            sinch,
            hq("hq/1", [192, 0, 2, 10]),
            hq("hq/2", [192, 0, 2, 11]),
            branch,
            ava,
            Peer { progress: secs(6), ..agent_peer("sorry") },
        ]
    );
    assert_eq!(plan.carriers[0].trunks, [PeerId(0), PeerId(1)]);
}

#[test]
fn steps_busy_closed_and_numbers_compile_with_all_their_options() {
    let loaded = example("two-trunks.toml").unwrap();
    let plan = &loaded.plan;
    assert_eq!(plan.targets[0].reach, Reach::Sip(vec![PeerId(3), PeerId(4)]));
    assert_eq!(
        plan.targets.iter().map(|target| target.ring.as_secs()).collect::<Vec<_>>(),
        [20, 15, 30, 20, 10]
    );
    let hours = router::hours::Hours {
        windows: vec![
            router::hours::Window { days: 0b001_1111, from: 450, to: 1080 },
            router::hours::Window { days: 0b010_0000, from: 540, to: 750 },
        ],
        ..router::hours::Hours::default()
    };
    let desk = Step { members: vec![Member::Course(CourseId(1))], ..step(&[], 51) };
    let main = Course {
        name: "main".into(),
        steps: vec![
            Step { ring: Some(secs(10)), ..step(&[0], 50) },
            step(&[1], 50),
            step(&[2], 50),
            step(&[4], 50),
        ],
        closed: Some(vec![desk]),
        busy: Some(vec![step(&[1], 52), step(&[2], 52), step(&[4], 52)]),
        full: None,
        hours: Some(hours),
        live_within: secs(45),
    };
    let desk = Course {
        name: "desk".into(),
        steps: vec![Step { stagger: secs(5), ..step(&[1, 0], 55) }, step(&[3], 55), step(&[4], 55)],
        closed: None,
        busy: None,
        full: None,
        hours: None,
        live_within: secs(30),
    };
    assert_eq!(plan.courses, [main, desk]);
    let numbers: Vec<(&str, u32)> = plan.numbers.iter().map(|(number, id)| (&**number, id.0)).collect();
    assert_eq!(
        numbers,
        [
            ("+13125550100", 0),
            ("+13125550101", 1),
            ("+13125550102", 1),
            ("+13125550103", 1),
            ("reception", 1)
        ]
    );
    assert_eq!(plan.unlisted, Some(CourseId(0)));
}

#[test]
fn limits_and_the_full_list_compile() {
    let text = r#"
[carriers.lumen]
channels = 480
trunks = [{ name = "pdx", sip = "192.0.2.1", cps = 20 }, { name = "ord", sip = "192.0.2.2" }]
[sites]
hq = { sip = ["192.0.2.10", "192.0.2.11"], channels = 46 }
[services]
desk = { number = "+18005550177", channels = 4, cps = 1 }
[numbers]
"+15035550100" = "main"
[plans.main]
steps = ["hq", "desk"]
full = ["desk"]
floor = false
"#;
    let plan = load(text).unwrap().plan;
    let limit = |of, channels, cps| Limit { of, channels, cps };
    assert_eq!(
        plan.limits.iter().map(|(limited, limit)| (*limited, limit.clone())).collect::<Vec<_>>(),
        [
            (Limited::Carrier(CarrierId(0)), limit(Counted::Carrier("lumen".into()), Some(480), None)),
            (Limited::Peer(PeerId(0)), limit(Counted::Peer("lumen/pdx".into()), None, Some(20))),
            (Limited::Target(TargetId(0)), limit(Counted::Target("hq".into()), Some(46), None)),
            (Limited::Target(TargetId(1)), limit(Counted::Target("desk".into()), Some(4), Some(1))),
        ]
    );
    assert_eq!(plan.courses[0].full, Some(vec![step(&[1], 13)]));
    let wrong = text.replace("channels = 480", "channels = 0").replace("cps = 20", "cps = \"fast\"");
    assert_eq!(
        lines(&wrong)[..2],
        [
            "plan.toml:3:12: error[E013]: `channels` is 0: it may be 1 to 100000; help: not written, it is no limit: \
             a carrier, trunk, site or service that carries as many is passed by, and tried last",
            "plan.toml:4:52: error[E011]: `cps` must be a number from 1 to 10000, not a string",
        ]
    );
}

#[test]
fn a_node_is_what_its_section_says() {
    let node = example("two-trunks.toml").unwrap().node;
    let listen: Vec<String> =
        node.listen.iter().map(|l| format!("{:?} {} {}", l.transport, l.address, l.required)).collect();
    assert_eq!(listen, ["Udp 192.0.2.5:5060 true", "Tcp 192.0.2.5:5060 true", "Udp [2001:db8::5]:5060 true"]);
    assert_eq!(
        node.advertise.as_ref().map(|a| (a.host.as_str(), a.port)),
        Some(("sip.lakeside.example", None))
    );
    assert_eq!((node.name.as_str(), node.metrics), ("chi-1", Some(([127, 0, 0, 1], 9464).into())));
    assert_eq!((node.log.level, node.log.format), (LogLevel::Info, LogFormat::Json));
}

#[test]
fn a_node_without_settings_listens_on_both_families_and_needs_only_the_first() {
    let listen: Vec<String> = NodeSettings::default()
        .listen
        .iter()
        .map(|l| format!("{:?} {} {}", l.transport, l.address, l.required))
        .collect();
    assert_eq!(
        listen,
        ["Udp 0.0.0.0:5060 true", "Tcp 0.0.0.0:5060 true", "Udp [::]:5060 false", "Tcp [::]:5060 false"]
    );
}

#[test]
fn what_comes_later_is_refused_once_each_and_says_what_to_do_meanwhile() {
    assert_eq!(said(&example("nguyen-dental-full.toml")), FULL);
}

#[test]
fn a_peer_that_asks_is_told_who_we_are_to_it() {
    let text = r#"
[carriers]
one = { sip = "192.0.2.1", user = "n", password = "hunter2", realm = "one.example" }
two = { user = "n", password = "all", trunks = [
  { name = "a", sip = "192.0.2.2" },
  { name = "b", sip = "192.0.2.3", user = "b", password = "its own" },
] }
[sites]
hq = { sip = ["192.0.2.10", "192.0.2.11"], user = "tandem", password = "q" }
[services]
ava = { sip = "192.0.2.12" }
[numbers]
"*" = "main"
[plans.main]
steps = ["hq", "ava"]
floor = false
"#;
    let loaded = load(text).unwrap();
    let logins: Vec<_> = loaded
        .plan
        .peers
        .iter()
        .map(|peer| {
            let login = peer.login.as_ref();
            (&*peer.name, login.map(|it| (&*it.user, &*it.password, it.realm.as_deref(), it.line)))
        })
        .collect();
    assert_eq!(
        logins,
        [
            ("one", Some(("n", "hunter2", Some("one.example"), 3))),
            ("two/a", Some(("n", "all", None, 4))),
            ("two/b", Some(("b", "its own", None, 6))),
            ("hq/1", Some(("tandem", "q", None, 9))),
            ("hq/2", Some(("tandem", "q", None, 9))),
            ("ava", None),
        ]
    );
    assert!(!format!("{:?}", loaded.plan).contains("hunter2"));
}

#[test]
fn a_trunk_may_have_a_dialect_and_a_way_to_prove_itself_of_its_own() {
    let loaded = load(
        r#"
[carriers.one]
dialect = "telnyx"
trunks  = [
  { name = "a", sip = "a.example;transport=tls", tls = "dns" },
  { name = "b", sip = "b.example;transport=tls", dialect = "twilio" },
]
[sites]
hq = "192.0.2.10"
[numbers]
"*" = "main"
[plans.main]
steps = ["hq"]
floor = false
"#,
    )
    .unwrap();
    let dialects: Vec<&str> = loaded.plan.peers.iter().map(|peer| &*peer.dialect.name).collect();
    assert_eq!(dialects, ["telnyx", "twilio", ""]);
    let verify = |name: &str| loaded.tls.peers[name].verify;
    assert_eq!((verify("one/a"), verify("one/b")), (Verify::Dns, Verify::Sip));
    let idle = "[carriers]\none = { trunks = [{ name = \"a\", sip = \"192.0.2.1\", tls = \"dns\" }] }\n";
    assert!(said(&load(idle)).contains("error[E024]: `tls` has no effect here"), "{}", said(&load(idle)));
}

#[test]
fn the_places_that_redirections_may_lead_to_are_peers_that_are_not_probed_and_told_no_password() {
    let site = |follow: &str| {
        format!(
            "[sites]\nhq = {{ sip = [\"192.0.2.10\", \"192.0.2.11\"], follow = {follow}, user = \"n\", password = \"p\" }}\n\
            [numbers]\n\"*\" = \"main\"\n[plans.main]\nsteps = [\"hq\"]\nfloor = false\n"
        )
    };
    let plan = load(&site("[\"pbx2.example\", \"192.0.2.20:5070\"]")).unwrap().plan;
    let told: Vec<_> = plan
        .peers
        .iter()
        .map(|peer| (&*peer.name, peer.probe.is_some(), peer.login.is_some(), peer.follow.as_slice()))
        .collect();
    let both = &[PeerId(2), PeerId(3)][..];
    assert_eq!(
        told,
        [
            ("hq/1", true, true, both),
            ("hq/2", true, true, both),
            ("hq/1/follow/1", false, false, both),
            ("hq/1/follow/2", false, false, both),
        ]
    );
    assert_eq!(plan.targets[0].reach, Reach::Sip(vec![PeerId(0), PeerId(1)]));
    let wrong = said(&load(&site("\"ana@192.0.2.20\"")));
    assert!(wrong.contains("error[E024]: a place to follow has no user"), "{wrong}");
}

#[test]
fn a_carrier_joins_calls_of_its_own_if_the_plan_says_so() {
    let plan = |refer: &str| {
        format!(
            "[carriers]\na = {{ sip = \"sip.example\"{refer} }}\n[sites]\no = \"pbx.example\"\n\
            [plans.main]\nsteps = [\"o\"]\nfloor = false\n[numbers]\n\"+15035550100\" = \"main\"\n"
        )
    };
    for (refer, is_able) in [("", false), (", refer = false", false), (", refer = true", true)] {
        assert_eq!(load(&plan(refer)).unwrap().plan.peers.first().unwrap().refer, is_able);
    }
    let wrong = said(&load(&plan(", refer = \"yes\"")));
    assert!(wrong.contains("plan.toml:2:"), "{wrong}");
}

#[test]
fn a_carrier_whose_keys_would_go_in_the_clear_is_named() {
    let plan = |address: &str| {
        format!(
            "[carriers]\na = {{ sip = \"{address}\", srtp = true }}\n[sites]\no = \"pbx.example\"\n\
            [plans.main]\nsteps = [\"o\"]\nfloor = false\n[numbers]\n\"+15035550100\" = \"main\"\n"
        )
    };
    for (address, is_warned) in [
        ("sip.example;transport=tls", false),
        // The DNS may offer it.
        ("sip.example", false),
        ("sip.example;transport=udp", true),
        ("192.0.2.1", true),
    ] {
        assert!(load(&plan(address)).unwrap().plan.peers.first().unwrap().srtp);
        let warned = format!(
            "plan.toml:2:{}: warning[L045]: the keys of sealed sound go to `a` in the clear; help: reach it by TLS: \
             put `;transport=tls` behind its address",
            17 + address.len()
        );
        let found: Vec<String> =
            lines(&plan(address)).into_iter().filter(|line| line.contains("L045")).collect();
        assert_eq!(found, if is_warned { vec![warned] } else { vec![] });
    }
}

#[test]
fn half_a_login_is_a_problem() {
    let text = "[carriers]\na = { sip = \"192.0.2.1\", user = \"n\" }\nb = { sip = \"192.0.2.2\", password = \"env:X\" }\n\
                c = { sip = \"192.0.2.3\", realm = \"r\" }\nd = { sip = \"192.0.2.4\", user = \"a\\\"b\", password = \"env:TANDEM_NOT_SET\" }\n\
                [people]\nana = { number = \"+15035550111\", user = \"n\" }\n";
    let said: Vec<_> = lines(text).into_iter().filter(|line| !line.contains("[numbers]")).collect();
    let short: Vec<_> = said.iter().filter_map(|line| line.split("; help").next()).collect();
    assert_eq!(
        short[..6],
        [
            "plan.toml:2:26: error[E012]: [carriers.a] has `user` without `password`",
            "plan.toml:3:26: error[E012]: [carriers.b] has `password` without `user`",
            "plan.toml:4:26: error[E012]: [carriers.c] has `realm` without `user` and `password`",
            "plan.toml:5:33: error[E030]: `a\"b` cannot be a `user`",
            "plan.toml:7:34: error[E024]: `user` has no effect on `ana`",
            "plan.toml:5:52: warning[L032]: the password cannot be read here: there is no variable \"TANDEM_NOT_SET\" in the environment",
        ]
    );
}

#[test]
fn the_mistakes_of_three_in_the_morning_are_named_with_place_and_fix() {
    assert_eq!(check(NIGHT), NIGHT_SAID);
}

#[test]
fn a_file_that_is_no_toml_says_so_in_its_users_words() {
    let text = "business = Nguyen Dental\n[sites]\noffice = \"pbx.example\nhq = \"192.0.2.1\"\nlive = \"x.y\"\n\
                [numbers]\n+15035550100 = \"main\"\nopen = 08:00\n[plans.main]\nsteps = [\"office\", \"hq\"\nlive_within = \"40\"\n";
    assert_eq!(
        lines(text),
        [
            "plan.toml:1:12: error[E001]: text needs quotes; help: write \"Nguyen Dental\"",
            "plan.toml:3:22: error[E001]: this is not TOML: invalid basic string; help: the quote at the end is missing",
            "plan.toml:7:1: error[E001]: this key needs quotes; help: write \"+15035550100\"",
            "plan.toml:8:8: error[E011]: `open` must be the name of a plan, not a bare date or time",
            "plan.toml:11:1: error[E001]: this is not TOML: a list before this is not closed; help: what stands after \
             this place is not checked before the bracket is closed",
        ]
    );
}

#[test]
fn each_kind_of_value_is_checked_in_the_same_run() {
    let text = r#"
business = 5
timezone = "Mars/Olympus"
color = "red"
[node]
listen = ["0.0.0.0:5060", "udp:example.com:5060", "tls:0.0.0.0:5061", "tcp:192.0.2.1:0"]
advertise = "sip example"
metrics = "9464"
log = "loud"
[defaults]
ring = "2s"
probe = { every = "10s", down_after = 0, retries = 3 }
[carriers]
one = { sip = "192.0.2.1", trunks = [{ name = "a", sip = "192.0.2.2" }] }
two = { domains = ["x"] }
three = { sip = "192.0.2.3", codes = { 200 = "next", 404 = "again" } }
[sites]
a = { sip = "pbx.example:99999" }
b = []
"c d" = "192.0.2.9"
[people]
ana = { number = "+15035550111", sip = "192.0.2.4" }
ben = "503 555 0112"
[services]
desk = { number = "+15035550113", probe = "off" }
[hours]
open = ["mon-fri 8-17", "sat"]
[numbers]
"+15035550100" = "a"
"+13125550149..0101" = "main"
"front desk" = "main"
[plans.main]
steps = ["desk", [], { for = "10s" }, { ring = "ana", stagger = "5s" }, 7, "20s", "+15035550119"]
hours = "opne"
live_within = "10 minutes"
"#;
    assert_eq!(lines(text), VALUES);
}

#[test]
fn a_dialect_is_a_name_or_a_table_over_one_and_declined_stands_on_a_plan_or_a_step() {
    let text = r#"
[carriers]
telnyx = { sip = "192.0.2.1", dialect = "telnyx" }
other = { sip = "192.0.2.2", codes = { 480 = "next carrier" }, dialect = { like = "twilio", codes = { 503 = "no channel" }, alive = [200, 404], ring_out = 480 } }
[sites]
office = { sip = "192.0.2.10", dialect = "jambonz" }
[people]
ana = "+15035550111"
[services]
answering = "+18005550199"
[numbers]
"+15035550100" = "main"
[plans.main]
steps = ["office", { ring = "ana", declined = "next" }, "answering"]
declined = "stop"
floor = false
"#;
    let plan = read(Source::new("plan.toml", text), now()).unwrap().plan;
    let named = |name: &str| plan.peers.iter().find(|peer| *peer.name == *name).unwrap();
    let telnyx = &named("telnyx").dialect;
    assert_eq!(
        (&*telnyx.name, telnyx.goes_on(503), telnyx.goes_on(603)),
        ("telnyx", Some(true), Some(false))
    );
    let other = named("other");
    assert_eq!(other.codes, BTreeMap::from([(480, CodeRule::NextCarrier)]));
    let rules = BTreeMap::from([(403, CodeRule::BadCli), (503, CodeRule::NoChannel)]);
    assert_eq!((&other.dialect.codes, other.dialect.ring_out), (&rules, 480));
    assert_eq!(
        (other.dialect.alive.as_slice(), other.dialect.next.as_slice()),
        (&[200, 404][..], &[503][..])
    );
    assert!(!named("office").dialect.is_alive(404));
    let declined: Vec<Declined> = plan.courses[0].steps.iter().map(|step| step.declined).collect();
    assert_eq!(declined, [Declined::Stop, Declined::Next, Declined::Stop]);
}

#[test]
fn a_dialect_that_is_none_is_named_with_the_nearest_or_with_all() {
    let text = r#"
[carriers]
one = { sip = "192.0.2.1", dialect = "telnix" }
two = { sip = "192.0.2.2", dialect = "cascadia" }
three = { sip = "192.0.2.3", dialect = { like = "twillio" } }
four = { sip = "192.0.2.4", dialect = { alive = [99, "200"], ring_out = 486, codes = { 480 = "again" }, odd = 1 } }
five = { sip = "192.0.2.5", dialect = 5 }
[services]
answering = "+18005550199"
[numbers]
"+15035550100" = "main"
[plans.main]
steps = ["answering"]
declined = "again"
"#;
    let table = "the name of a dialect, or a table with `like`, `codes`, `alive`, `next`, `stop`, `ring_out`";
    assert_eq!(
        lines(text),
        [
            r#"plan.toml:3:38: error[E107]: there is no dialect called `telnix`; help: did you mean `telnyx`? "telnyx""#
                .to_owned(),
            "plan.toml:4:38: error[E107]: there is no dialect called `cascadia`; help: there are: 3cx, freeswitch, \
             ivozprovider, jambonz, livekit, surecall, teams, telnyx, twilio; another one is a table: \
             `dialect = { codes = { 480 = \"next trunk\" } }`"
                .to_owned(),
            r#"plan.toml:5:49: error[E107]: there is no dialect called `twillio`; help: did you mean `twilio`? "twilio""#
                .to_owned(),
            "plan.toml:6:50: error[E023]: alive lists statuses from 200 to 699".to_owned(),
            "plan.toml:6:54: error[E023]: alive lists statuses from 200 to 699".to_owned(),
            "plan.toml:6:73: error[E023]: a ring-out is answered with 480 or 503; help: 480: the call has ended; 503: go on elsewhere"
                .to_owned(),
            r#"plan.toml:6:94: error[E023]: a status cannot mean `again`; help: it may be "next", "next trunk", "next carrier", "busy", "stop", "no channel", "too fast" or "bad cli""#
                .to_owned(),
            "plan.toml:6:105: error[E010]: `dialect` has no key `odd`; help: it may have: alive, codes, like, next, ring_out, stop"
                .to_owned(),
            format!("plan.toml:7:39: error[E011]: `dialect` must be {table}, not a bare number"),
            open_end("13:9", "steps"),
            r#"plan.toml:14:12: error[E011]: `declined` cannot be `again`; help: it may be "next" (the next one is rung) or "stop" (the call ends)"#
                .to_owned(),
        ]
    );
}

#[test]
fn plans_that_are_right_as_a_file_and_wrong_at_night_are_warned_of() {
    let text = r#"timezone = "UTC"
[carriers]
one = { sip = "192.0.2.1", domains = ["fibre-i5"] }
two = { sip = "192.0.2.2", domains = ["fibre-i5"] }
[sites]
hq = { sip = "192.0.2.10", domains = ["grid"] }
dr = { sip = "192.0.2.11", domains = ["grid"] }
[people]
ana = { number = "+15035550111", confirm = false }
[services]
answer = "+18005550199"
[hours]
day = "mon-fri 08:00-17:00"
[numbers]
"*" = "main"
[plans.main]
steps = [{ ring = "hq", for = "30s" }, "dr", "ana", "answer"]
hours = "day"
busy = ["spare"]
floor = false
[plans.spare]
steps = ["hq", "ana"]
"#;
    let short = |text: &str| -> Vec<String> {
        lines(text)
            .iter()
            .map(|line| line.split("; help").next().unwrap().replace("plan.toml:", ""))
            .collect()
    };
    assert_eq!(
        short(text),
        [
            "4:1: warning[L007]: carriers `one` and `two` die together: both are in `fibre-i5`",
            "6:1: warning[L021]: a call for help of site `hq` has no way out when all carriers go down together: both are in \
             `fibre-i5`",
            "9:1: warning[L016]: a mobile's own voicemail may answer, and the call ends there",
            "17:9: warning[L003]: `steps` of plan `main` may end with nobody: the carrier has the last word",
            "17:40: warning[L007]: this step dies with the one that it backs up: both are in `grid`",
            "17:40: warning[L009]: plan `main` rings 68 s before somebody whose job is to answer, but `live_within` is 40 s",
            "18:1: warning[L004]: [plans.main] has `hours`, but no `closed`: it walks its steps at any time",
            "19:8: warning[L003]: `busy` of plan `main` may end with nobody: the carrier has the last word",
        ]
    );
    let allowed = text
        .replace("two =", "# tandem: allow(L007) until 2027-01-01, the second line is being dug\ntwo =")
        .replace("ana = {", "# tandem: allow(L016), his is switched off\n# and that was tried\nana = {")
        .replace("hours = \"day\"", "hours = \"day\" # tandem: allow(L004), for later")
        .replace("busy =", "# tandem: allow(L009)\n# tandem: allow(E101), x\n# tandem: allow(L777), x\n# tandem: allow\n# tandem: allow(L003) until 2026-01-01, new service comes\nbusy =");
    assert_eq!(
        short(&allowed),
        [
            "7:1: warning[L021]: a call for help of site `hq` has no way out when all carriers go down together: both are in \
             `fibre-i5`",
            "20:9: warning[L003]: `steps` of plan `main` may end with nobody: the carrier has the last word",
            "20:40: warning[L007]: this step dies with the one that it backs up: both are in `grid`",
            "20:40: warning[L009]: plan `main` rings 68 s before somebody whose job is to answer, but `live_within` is 40 s",
            "22:1: warning[L090]: a warning is allowed only with a reason",
            "23:1: warning[L090]: E101 is an error and cannot be allowed",
            "24:1: warning[L090]: there is no code `L777`",
            "25:1: warning[L090]: this comment allows nothing",
            "26:1: warning[L091]: this was allowed until 2026-01-01",
            "27:8: warning[L003]: `busy` of plan `main` may end with nobody: the carrier has the last word",
        ]
    );
}

#[test]
fn people_rung_by_phone_number_press_1_unless_the_plan_says_no() {
    let asked = |defaults: &str, ana: &str, step: &str| -> Vec<(bool, Option<bool>)> {
        let text = format!(
            "{defaults}[carriers]\nacme = \"192.0.2.1\"\n[people]\nana = {ana}\n[services]\n\
             desk = {{ number = \"+18005550199\", confirm = true }}\nanswering = \"+18005550198\"\n\
             [numbers]\n\"*\" = \"main\"\n[plans]\nmain = [{step}, \"desk\", \"answering\", \"sorry\"]\n\
             [announcements]\nsorry = \"busy\"\n"
        );
        let plan = load(&text).unwrap().plan;
        plan.targets
            .iter()
            .zip(&plan.courses[0].steps)
            .take(3)
            .map(|(target, step)| (target.confirm, step.confirm))
            .collect()
    };
    let (plain, step) = ("\"+15035550111\"", "\"ana\"");
    let rest = [(true, None), (false, None)];
    let with = |first| [&[first], rest.as_slice()].concat();
    assert_eq!(asked("", plain, step), with((true, None)));
    assert_eq!(asked("[defaults]\nconfirm = false\n", plain, step), with((false, None)));
    let own = "{ number = \"+15035550111\", confirm = false }";
    assert_eq!(asked("", own, step), with((false, None)));
    let own = "{ number = \"+15035550111\", confirm = true }";
    assert_eq!(asked("[defaults]\nconfirm = false\n", own, step), with((true, None)));
    let step = "{ ring = \"ana\", confirm = false }";
    assert_eq!(asked("", plain, step), with((true, Some(false))));
}

#[test]
fn who_is_not_asked_to_press_1_is_named_once_and_by_sip_nobody_can_be() {
    let text = r#"
[carriers]
acme = "192.0.2.1"
zenith = "192.0.2.2"
[sites]
office = { sip = "192.0.2.10", confirm = true }
[people]
ana = { number = "+15035550111", confirm = "no" }
ben = { sip = "192.0.2.11", confirm = false }
eve = "+15035550112"
[services]
answering = "+18005550199"
[numbers]
"*" = "main"
[plans.main]
steps = [{ ring = ["office", "ben"], confirm = true }, { ring = ["office", "eve"], confirm = false }, "answering"]
closed = [{ ring = "later", confirm = false }]
hours = "day"
[plans]
later = ["answering"]
[hours]
day = "mon 09:00-10:00"
"#;
    assert_eq!(
        lines(&format!("timezone = \"UTC\"{text}")),
        [
            "plan.toml:6:32: error[E024]: `confirm` has no effect on `office`; help: take it out: people press 1 where a \
             phone number is rung, since a mobile's own voicemail may answer there",
            "plan.toml:8:44: error[E011]: `confirm` must be `true` or `false`, not a string",
            "plan.toml:9:29: error[E024]: `confirm` has no effect on `ben`; help: take it out: people press 1 where a \
             phone number is rung, since a mobile's own voicemail may answer there",
            &open_end("16:9", "steps"),
            "plan.toml:16:38: error[E024]: `confirm` has no effect on a step that rings no phone number; help: take it out: \
             people press 1 where a phone number is rung, since a mobile's own voicemail may answer there",
            &open_end("17:10", "closed"),
            "plan.toml:17:20: error[E024]: `confirm` has no effect on a plan; help: set `confirm` on the steps of that plan",
            "plan.toml:16:76: warning[L016]: a mobile's own voicemail may answer, and the call ends there; help: ask them to \
             press 1 (take `confirm = false` out)",
        ]
    );
}

#[test]
fn one_carrier_alone_is_warned_of_and_none_at_all_is_an_error_for_phone_numbers() {
    let text =
        "[services]\nanswer = \"+18005550199\"\n[numbers]\n\"*\" = \"main\"\n[plans]\nmain = [\"answer\"]\n";
    assert_eq!(
        lines(text),
        [
            "plan.toml:2:1: error[E105]: `answer` is reached by phone number, but there is no carrier; help: write \
          `[carriers]` and `acme = \"sip.acme.example\"`, or give a `sip` address instead of the number",
            &open_end("6:8", "steps"),
        ]
    );
    let text = format!("[carriers]\nacme = \"sip.acme.example\"\n{text}");
    assert_eq!(
        lines(&text),
        [
            &open_end("8:8", "steps"),
            "plan.toml:2:1: warning[L001]: all numbers arrive by one carrier: when `acme` is down, no call gets here; help: \
          nothing on this machine can see a call that never arrives: add a second carrier (`second = \"sbc.second.example\"` \
          under `[carriers]`), and have the numbers fail over to it at the first one",
        ]
    );
}

fn open_end(place: &str, list: &str) -> String {
    format!(
        "plan.toml:{place}: error[E116]: `{list}` of plan `main` can end with nobody: it has no floor; help: define `inbox = \
         \"office@nguyen.example\"` under `[mailboxes]`, or `sorry = \"busy\"` under `[announcements]`, and end it with that: \
         it answers on this machine"
    )
}

fn load(text: &str) -> Result<Loaded, Refused> {
    read(Source::new("plan.toml", text), now())
}

fn example(name: &str) -> Result<Loaded, Refused> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    read(Source::new(name, std::fs::read_to_string(path).unwrap()), now())
}

fn said(found: &Result<Loaded, Refused>) -> String {
    say(found, Colour::Off).text
}

fn check(text: &str) -> String {
    said(&load(text))
}

fn lines(text: &str) -> Vec<String> {
    match load(text) {
        Ok(loaded) => loaded.warnings.iter().map(|problem| problem.line(&loaded.source)).collect(),
        Err(refused) => refused.lines().collect(),
    }
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn peer(name: &str, host: &str) -> Peer {
    Peer {
        name: name.into(),
        kind: PeerKind::Site,
        host: PeerHost::Name(host.into()),
        port: None,
        transport: None,
        user: None,
        probe: Some(Probe::every(secs(5))),
        first: None,
        progress: secs(5),
        codes: BTreeMap::new(),
        dialect: Arc::default(),
        presentation: None,
        domains: Vec::new(),
        login: None,
        follow: Vec::new(),
        srtp: false,
        refer: false,
    }
}

/// The first agent of a file.
fn agent_peer(name: &str) -> Peer {
    Peer {
        kind: PeerKind::Agent,
        host: PeerHost::Ip("100::2".parse().unwrap()),
        port: Some(5060),
        transport: Some(Transport::Inside),
        user: Some("agent-2".into()),
        ..peer(name, "")
    }
}

fn step(targets: &[u32], line: u32) -> Step {
    let members = targets.iter().map(|id| Member::Target(TargetId(*id))).collect();
    Step {
        say: None,
        members,
        ring: None,
        stagger: Duration::ZERO,
        declined: Declined::Next,
        from: None,
        confirm: None,
        when: None,
        line,
    }
}

const VALUES: &[&str] = &[
    r#"plan.toml:2:12: error[E011]: `business` must be the name of the business, not a bare number"#,
    r#"plan.toml:3:12: error[E018]: there is no time zone `Mars/Olympus`; help: a zone is written as `Area/City`: `America/Los_Angeles`, `Europe/Berlin`, `UTC`"#,
    r#"plan.toml:4:1: error[E010]: the file has no key `color`; help: it may have: announcements, business, carriers, customers, defaults, deny, drills, emergency, expect, groups, holidays, hours, include, mail, mailboxes, node, numbers, operator, people, plans, services, sites, strict_6xx, templates, timezone"#,
    r#"plan.toml:6:11: error[E019]: `0.0.0.0:5060` does not say how to listen; help: write "udp:0.0.0.0:5060""#,
    r#"plan.toml:6:27: error[E019]: `udp:example.com:5060` cannot be listened on; help: write `udp:0.0.0.0:5060` or `tls:[::]:5061`; an address, not a name"#,
    r#"plan.toml:6:51: error[E012]: who listens by TLS needs a certificate; help: write `certificate = "/etc/tandem/certificate.pem"` and `key = "/etc/tandem/key.pem"` in [node]"#,
    r#"plan.toml:6:71: error[E019]: `tcp:192.0.2.1:0` cannot be listened on; help: write `udp:0.0.0.0:5060` or `tls:[::]:5061`; an address, not a name"#,
    r#"plan.toml:7:13: error[E019]: peers cannot be told `sip example`; help: write `sip.example.com`, `192.0.2.1:5060` or `[2001:db8::1]:5060`"#,
    r#"plan.toml:8:11: error[E019]: metrics cannot be given at `9464`; help: write `127.0.0.1:9464`"#,
    r#"plan.toml:9:7: error[E011]: `log` cannot be `loud`; help: it may be one of "error", "warn", "info", "debug", "trace""#,
    r#"plan.toml:11:8: error[E013]: `ring` is 2 s: it may be 5 s to 120 s; help: the default is 20 s: four or five rings: most people who will answer have done so"#,
    r#"plan.toml:12:39: error[E013]: `down_after` is 0: it may be 1 to 10; help: the default is 3: one lost packet is no outage; three in a row are"#,
    r#"plan.toml:12:42: error[E010]: `probe` has no key `retries`; help: it may have: down_after, every, hold, timeout, up_after"#,
    r#"plan.toml:14:9: error[E024]: carrier `one` has both `sip` and `trunks`; help: put the address of `sip` into `trunks`, with a name"#,
    r#"plan.toml:15:1: error[E012]: carrier `two` has no address; help: write `sip = "sip.carrier.example"`"#,
    r#"plan.toml:16:40: error[E023]: `200` is no final SIP status that can fail; help: a status from 300 to 699"#,
    r#"plan.toml:16:60: error[E023]: a status cannot mean `again`; help: it may be "next", "next trunk", "next carrier", "busy", "stop", "no channel", "too fast" or "bad cli""#,
    r#"plan.toml:18:13: error[E016]: `pbx.example:99999` is no SIP address; help: an address is `host`, `host:port`, `[IPv6]:port` or `sip:user@host`, each with `;transport=tcp` or `;transport=tls` if wanted"#,
    r#"plan.toml:19:5: error[E021]: `sip` is empty; help: write what belongs in it, or take it out"#,
    r#"plan.toml:20:1: error[E022]: `c d` cannot be a name; help: a name is 1 to 64 letters, digits, `-`, `_` or `.`"#,
    r#"plan.toml:22:9: error[E024]: `ana` has both a `number` and a `sip` address; help: make two destinations of it and put both into the steps"#,
    r#"plan.toml:23:7: error[E015]: `503 555 0112` is not a phone number with its country code; help: write a plus, the country code and the number, without spaces: `+15035550111`, `+442079460123`"#,
    r#"plan.toml:25:35: error[E024]: `probe` has no effect on `desk`; help: a phone number is reached by the carriers: set it there"#,
    r#"plan.toml:27:9: error[E017]: `mon-fri 8-17` are no opening hours; help: write days and times: "mon-fri 08:00-17:00", "mon,wed 22:00-06:00", "sat"; several of them as a list"#,
    r#"plan.toml:29:18: error[E106]: number +15035550100 is given to `a`, which is a site; help: write a plan of one step: `[plans]` and `main = ["a"]`"#,
    r#"plan.toml:30:1: error[E020]: `+13125550149..0101` is no range of numbers; help: write `"+13125550101..0149"`: the last digits count up"#,
    r#"plan.toml:31:1: error[E020]: `front desk` cannot be called; help: write a number as `"+15035550100"`, a user part as `reception`, all others as `"*"`"#,
    r#"plan.toml:33:18: error[E021]: a step is empty; help: write what belongs in it, or take it out"#,
    r#"plan.toml:33:22: error[E012]: a step rings nobody; help: write `{ ring = "office", for = "15s" }`"#,
    r#"plan.toml:33:55: error[E024]: `stagger` has no effect on one destination alone; help: take it out, or ring others too: `ring = ["ana", "ben"]`"#,
    r#"plan.toml:33:73: error[E011]: a step must be the name of a destination, a list of these, or a table with `ring`, not a bare number"#,
    r#"plan.toml:33:76: error[E101]: plan `main` rings `20s`, which is not defined; help: in a step `ring` says who, and `for` says how long"#,
    r#"plan.toml:33:83: error[E101]: plan `main` rings `+15035550119`, which is not defined; help: a step names somebody: put the number under `[people]` or `[services]` with a name"#,
    r#"plan.toml:34:9: error[E101]: there are no hours called `opne`; help: did you mean `open`? "open""#,
    r#"plan.toml:35:15: error[E014]: `minutes` is no unit of time; help: write "10m""#,
];

/// A plan that names nothing, twice, in a circle, without a unit, with a key that does not exist.
const NIGHT: &str = r#"[carriers]
acme = "sip.acme.example"

[sites]
office = "pbx.example"
office = "pbx2.example"
branch = { sip = "192.0.2.20", rings = "20s" }

[numbers]
"+15035550100" = "mian"

[plans.main]
steps = ["ofice", ["branch", "branch"], { ring = "branch", for = "40" }, "night"]

[plans.night]
steps = ["office", "main"]
"#;

const NIGHT_SAID: &str = r##"error[E102]: `office` is defined twice
 --> plan.toml:6:1
  |
5 | office = "pbx.example"
  | ------ the first time
6 | office = "pbx2.example"
  | ^^^^^^ the second time
  |
  = help: take one of the two out, or give it another name

error[E010]: [sites.branch] has no key `rings`
 --> plan.toml:7:32
  |
7 | branch = { sip = "192.0.2.20", rings = "20s" }
  |                                ^^^^^ unknown key
  |
help: did you mean `ring`?
  |
7 - branch = { sip = "192.0.2.20", rings = "20s" }
7 + branch = { sip = "192.0.2.20", ring = "20s" }
  |

error[E101]: number +15035550100 has no plan: calls to it would get 404
  --> plan.toml:10:18
   |
10 | "+15035550100" = "mian"
   |                  ^^^^^^ no plan is called `mian`
11 |
12 | [plans.main]
   |        ---- `main` is defined here
   |
help: did you mean `main`?
   |
10 - "+15035550100" = "mian"
10 + "+15035550100" = "main"
   |

error[E101]: plan `main` rings `ofice`, which is not defined
  --> plan.toml:13:10
   |
 5 | office = "pbx.example"
   | ------ `office` is defined here, a site
...
13 | steps = ["ofice", ["branch", "branch"], { ring = "branch", for = "40" }, "night"]
   |          ^^^^^^^ nobody is called so
   |
help: did you mean `office`?
   |
13 | steps = ["office", ["branch", "branch"], { ring = "branch", for = "40" }, "night"]
   |             +

error[E111]: `branch` is twice in one step
  --> plan.toml:13:30
   |
13 | steps = ["ofice", ["branch", "branch"], { ring = "branch", for = "40" }, "night"]
   |                    --------  ^^^^^^^^ again
   |                    |
   |                    rings already
   |
   = help: take one out: a phone rings once at a time

error[E014]: a duration needs a unit
  --> plan.toml:13:66
   |
13 | steps = ["ofice", ["branch", "branch"], { ring = "branch", for = "40" }, "night"]
   |                                                                  ^^^^ seconds? minutes?
   |
help: write
   |
13 | steps = ["ofice", ["branch", "branch"], { ring = "branch", for = "40s" }, "night"]
   |                                                                     +

error[E110]: plans go round in a circle: main → night → main
  --> plan.toml:16:20
   |
13 | steps = ["ofice", ["branch", "branch"], { ring = "branch", for = "40" }, "night"]
   |                                                                          ------- `main` goes to `night`
...
16 | steps = ["office", "main"]
   |                    ^^^^^^ goes back to `main`
   |
   = help: a call would go round for ever: take one of these steps out

warning[L001]: all numbers arrive by one carrier: when `acme` is down, no call gets here
 --> plan.toml:2:1
  |
2 | acme = "sip.acme.example"
  | ^^^^ the only carrier
  |
  = help: nothing on this machine can see a call that never arrives: add a second carrier (`second = "sbc.second.example"` under `[carriers]`), and have the numbers fail over to it at the first one

warning[L021]: a call for help of site `office` has no way out when `acme` is down
 --> plan.toml:5:1
  |
5 | office = "pbx.example"
  | ^^^^^^ the first site
  |
  = help: add a carrier that shares nothing with the others (`second = "sbc.second.example"`), or let the PBX send such calls by lines of its own

tandem check: 7 errors, 2 warnings in plan.toml. `tandem help E102` explains a code.
"##;

const FULL: &str = r##"warning[L032]: the password cannot be read here: there is no variable "TELNYX" in the environment
 --> nguyen-dental-full.toml:5:71
  |
5 | telnyx    = { sip = "sip.telnyx.example", user = "nguyen", password = "env:TELNYX" }
  |                                                                       ^^^^^^^^^^^^ not here
  |
  = help: set `TELNYX` for the process that runs `tandem run`; without it every challenge there is refused

warning[L032]: the password cannot be read here: there is no variable "SMTP" in the environment
  --> nguyen-dental-full.toml:34:12
   |
34 | password = "env:SMTP"
   |            ^^^^^^^^^^ not here
   |
   = help: set `SMTP` for the process that runs `tandem run`; without it no mail leaves

tandem check: nguyen-dental-full.toml is fine: 1 number, 1 plan, 5 destinations, 2 carriers. 2 warnings. `tandem help L032` explains a code.
"##;

#[test]
fn who_is_to_answer_rings_before_a_carrier_takes_the_call_away() {
    let plan = |no_answer: &str, within: &str| {
        format!(
            "[carriers]\na = {{ sip = \"192.0.2.1\", no_answer = \"{no_answer}\" }}\nb = {{ sip = \"192.0.2.2\", no_answer = \"90s\" }}\n\
             [sites]\noffice = \"192.0.2.3\"\nbranch = \"192.0.2.4\"\n[services]\ndesk = \"+18005550199\"\n\
             [announcements]\nsorry = \"busy\"\n[numbers]\n\"+15035550100\" = \"main\"\n\
             [plans.main]\nsteps = [\"office\", {{ ring = \"branch\", for = \"15s\" }}, \"desk\", \"sorry\"]\nlive_within = \"{within}\"\n"
        )
    };
    assert_eq!(
        lines(&plan("30s", "40s")),
        [
            "plan.toml:14:54: warning[L009]: plan `main` rings 35 s before somebody whose job is to answer, but a carrier takes the call \
             away after 30 s; help: shorten the steps before with `for`, or write `live_within = \"25s\"`"
        ]
    );
    assert_eq!(lines(&plan("30s", "25s")).len(), 1, "cut by `live_within`, which says so");
    assert!(!lines(&plan("30s", "25s"))[0].contains("takes the call away"));
    assert_eq!(lines(&plan("36s", "40s")), [""; 0]);
    assert!(
        lines(&plan("3s", "40s"))[0].contains("error[E013]: `no_answer` is 3 s: it may be 10 s to 300 s")
    );
}
