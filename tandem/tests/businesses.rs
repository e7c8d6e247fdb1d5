//! The plan of each kind of business in `examples/` does what its first lines say: for each moment there, a call to its simulated node rings
//! these, in this order, while nobody answers.
#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use jiff::Timestamp;
use router::target::{PeerHost, PeerId, PeerKind, Reach};
use router::{Plan, Transport, inside};
use sim::caller::Script;
use sim::manner::Manner;
use sim::network::Network;
use sim::phone::Place;
use sim::story::Diary;
use sim::town::{self, NODE, PSTN};
use sim::world::World;
use sip::Time;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tandem::cli::check::answer;
use tandem::config::{Loaded, load};
use tandem::diagnostic::Colour;
use tandem::explain::At;

/// Those whose lines stand elsewhere in their text.
const OTHERS: [(&str, &str, &str); 4] = [
    ("nguyen-dental.toml", "+15035550100", "Tue 10:00  office, then ana and ben, then answering, then inbox"),
    ("nguyen-dental.toml", "+15035550100", "Sun 10:00  answering, then inbox"),
    (
        "northwest-it",
        "+15035550100",
        "Tue 10:00  nguyen-dental/office, then nguyen-dental/staff/1 and nguyen-dental/staff/2, then night-desk, then ava, \
         then nguyen-dental/voicemail",
    ),
    (
        "cascadia",
        "+13125550100",
        "Tue 10:00  acme-bank/hq, then acme-bank/dr-site, then acme-bank/answer-co, then acme-bank/desk-vm",
    ),
];

#[test]
fn a_call_to_each_business_rings_those_whom_its_plan_names_at_the_top() {
    let mut files = 0;
    for file in fs::read_dir(examples()).expect("it is there").flatten().map(|entry| entry.path()) {
        if file.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&file).expect("it is there");
        let told: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
        if told.is_empty() {
            continue;
        }
        files += 1;
        assert!(text.lines().count() <= 40, "{} fits on no screen", file.display());
        let said = answer(&file, now(), Colour::Off);
        let clean = said.fine && !said.text.contains("warning[");
        assert!(clean && said.text.contains("is fine"), "{}", said.text);
        let loaded = load(&file, now()).expect("it is fine");
        let number = loaded.plan.numbers.keys().next().expect("it has a number").to_string();
        for line in told {
            assert_eq!(rung(&loaded, &number, line), plain(line), "{}", file.display());
        }
    }
    assert_eq!(files, 6);
}

#[test]
fn a_call_to_the_plans_of_the_design_rings_whom_it_should() {
    for (file, number, line) in OTHERS {
        let loaded = load(&examples().join(file), now()).expect("it is fine");
        assert_eq!(rung(&loaded, number, line), plain(line), "{file}");
    }
}

#[test]
fn readme_names_every_example() {
    let readme = fs::read_to_string(examples().join("../README.md")).expect("it is there");
    for entry in fs::read_dir(examples()).expect("it is there").flatten() {
        let name = entry.file_name().into_string().expect("a plain name");
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// What a call to this number does at the moment that a line begins with, told as the line does.
fn rung(loaded: &Loaded, number: &str, line: &str) -> String {
    let (moment, _) = line.split_once("  ").expect("a moment, and who is rung then");
    let course = loaded.plan.course_of(number.as_bytes()).expect("it is listed").0;
    let at: At = moment.trim().parse().expect("it is a moment");
    let tries = played(loaded, number, at.unix(loaded.plan.zone_of(course), now()));
    let mut text = String::new();
    let mut before = None;
    for (time, name) in tries {
        let word = match before.replace(time.clone()) {
            None => "",
            Some(before) if before == time => " and ",
            Some(_) => ", then ",
        };
        text.extend([word, &name]);
    }
    format!("{moment} {text}")
}

/// A line with one blank wherever it has several.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Calls the simulated node while nobody answers but the agents beside it: who is rung, and when.
fn played(loaded: &Loaded, number: &str, unix: i64) -> Vec<(String, String)> {
    let plan = located(&loaded.plan);
    let mut world = World::new(1, Network::default());
    world.add_host(vec![Place::new("caller", PSTN, Some(Manner::refuses(404)))]);
    let mut names = BTreeMap::new();
    for peer in &plan.peers {
        let PeerHost::Ip(ip) = peer.host else { continue };
        let address = SocketAddr::new(ip, peer.port.unwrap_or(5060));
        let manner = match peer.kind {
            PeerKind::Trunk(_) => None,
            PeerKind::Site | PeerKind::Service | PeerKind::Agent => {
                Some(Manner::Ring { after: Duration::ZERO })
            }
        };
        names.insert(address, kept(&peer.name));
        if peer.kind != PeerKind::Agent {
            world.add_host(vec![Place::new(kept(&peer.name), address, manner)]);
        }
    }
    for target in &plan.targets {
        if let Reach::Number(number) = &target.reach {
            world.people.push((kept(number), kept(&target.name), Manner::Ring { after: Duration::ZERO }));
        }
    }
    let mut diary = Diary::of(&world);
    names.into_iter().for_each(|(address, name)| diary.name(address, name));
    world.diary = Some(diary);
    let mut identity = town::identity(1);
    identity.epoch = unix * 1_000_000;
    identity.listeners.push(inside::listener());
    world.add_node(identity, &Arc::new(plan));
    world.add_agents(0, &loaded.guide);
    let call =
        Script { talk: Some(Duration::from_secs(5)), ..Script::patient(Duration::ZERO, kept(number), NODE) };
    world.add_call(town::PSTN_HOST, 0, call);
    world.run(Time::ZERO + Duration::from_secs(300));
    let lines = world.diary.take().map(|diary| diary.lines).unwrap_or_default();
    let invited = lines.iter().filter_map(|line| {
        let (time, rest) = line.split_once(' ')?;
        let (_, who) = rest.split_once("INVITE -> ")?;
        let who = who.split(" over ").next()?;
        Some((time.to_owned(), who.split(" by ").next()?.to_owned()))
    });
    let mut found: Vec<(String, String)> = Vec::new();
    for (time, who) in invited {
        // A peer is called as its destination is, and by its number if it is one of several.
        let who =
            who.strip_suffix("/1").filter(|name| plan_has(&loaded.plan, name)).unwrap_or(&who).to_owned();
        if found.last().is_none_or(|(_, before)| *before != who) {
            found.push((time, who));
        }
    }
    found
}

fn plan_has(plan: &Plan, name: &str) -> bool {
    plan.targets.iter().any(|target| &*target.name == name)
}

/// The plan with an address for each name, all of them spoken to by datagrams.
fn located(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for (peer, PeerId(id)) in plan.peers.iter_mut().zip((0..).map(PeerId)) {
        if peer.kind != PeerKind::Agent {
            (peer.transport, peer.port) = (Some(Transport::Udp), None);
        }
        if matches!(peer.host, PeerHost::Name(_)) {
            peer.host = PeerHost::Ip(IpAddr::V4(Ipv4Addr::from_bits(0x0a01_0001 + id)));
        }
    }
    plan
}

/// What the world keeps as long as the test lasts.
fn kept(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn now() -> Timestamp {
    "2026-11-16T12:00:00Z".parse().expect("it is a moment")
}
