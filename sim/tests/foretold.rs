//! What is foretold of a call is what the whole node does with it: for random plans and outages, known or not, the same destinations by the
//! same ways, and the same end, at the same millisecond.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

use core::time::Duration;
use router::Plan;
use router::foretell::Fault;
use router::names::Names;
use router::plan::{CourseId, Member, Step};
use router::proof::{Depth, Outages};
use router::roads::Roads;
use router::target::{PeerId, Probe, TargetId};
use router::when::When;
use sim::caller::Script;
use sim::chance::Chance;
use sim::floor::{self, CLOSED_TARGET, MAILBOX_TARGET};
use sim::manner::Manner;
use sim::town::{
    ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, OFFICE_TARGET, TUESDAY_TEN, course, identity, step,
};
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};

/// The peers that may die, with the place of each.
const MORTAL: [(&str, PeerId); 5] = [
    ("office", PeerId(0)),
    ("office-2", PeerId(1)),
    ("carrier-a", PeerId(2)),
    ("carrier-b", PeerId(3)),
    ("answering", PeerId(4)),
];

const TARGETS: [TargetId; 6] =
    [OFFICE_TARGET, ANA_TARGET, BEN_TARGET, ANSWERING_TARGET, MAILBOX_TARGET, CLOSED_TARGET];

/// When the call comes, where all that can be known is to be known.
const LATER: Duration = Duration::from_secs(60);

fn steps(chance: &mut Chance, inner: Option<CourseId>, line: u32) -> Vec<Step> {
    let count = 1 + u32::try_from(chance.below(5)).unwrap();
    let mut steps: Vec<Step> = (line..line + count)
        .map(|line| {
            if let Some(inner) = inner.filter(|_| chance.below(4) == 0) {
                return Step { members: vec![Member::Course(inner)], ..step(&[], line) };
            }
            let mut drawn: Vec<TargetId> = Vec::new();
            for _ in 0..=chance.below(3) {
                // A floor in the middle is rare.
                let people = TARGETS.get(..if chance.below(8) == 0 { 6 } else { 4 }).unwrap();
                let target = *chance.pick(people).unwrap();
                if !drawn.contains(&target) {
                    drawn.push(target);
                }
            }
            let ring = (chance.below(2) == 0).then(|| Duration::from_secs(3 + chance.below(25)));
            let stagger = Duration::from_secs(chance.below(3) * 4);
            Step { ring, stagger, when: when(chance), ..step(&drawn, line) }
        })
        .collect();
    if chance.below(4) > 0 {
        steps.push(step(&[*chance.pick(&[MAILBOX_TARGET, CLOSED_TARGET]).unwrap()], line + 9));
    }
    steps
}

/// Something that a step asks for, now and then.
fn when(chance: &mut Chance) -> Option<When> {
    if chance.below(5) > 0 {
        return None;
    }
    let mut drawn = || {
        let peers =
            (0..=chance.below(2)).filter_map(|_| chance.pick(&MORTAL).map(|(_, peer)| *peer)).collect();
        let fact = if chance.below(3) == 0 { When::Failed(peers) } else { When::Down(peers) };
        if chance.below(2) == 0 { When::Not(Box::new(fact)) } else { fact }
    };
    let (one, other) = (drawn(), drawn());
    Some(match chance.below(3) {
        0 => When::All(vec![one, other]),
        1 => When::Any(vec![one, other]),
        _ => one,
    })
}

fn plan(chance: &mut Chance, is_probed: bool) -> Plan {
    let mut plan = floor::floor(Vec::new());
    let live_within = Duration::from_secs(5 + chance.below(60));
    let inner = course("inner", steps(chance, None, 50));
    let main = course("main", steps(chance, Some(CourseId(1)), 1));
    plan.courses = vec![router::plan::Course { live_within, ..main }, inner];
    let probe = is_probed.then(|| Probe::every(Duration::from_secs(5)));
    for peer in plan.peers.iter_mut().take(6) {
        peer.probe = probe;
        for domain in ["grid", "fibre"] {
            if chance.below(3) == 0 {
                peer.domains.push(domain.into());
            }
        }
        peer.first = Some(Duration::from_secs(1 + chance.below(3)));
    }
    plan
}

/// Every INVITE of the node and how it told the caller that the call was over, as they are foretold.
fn foretold(plan: &Plan, fault: &Fault) -> Vec<String> {
    let mut identity = identity(1);
    identity.listeners.push(router::inside::listener());
    let roads = Roads::new(plan, &identity.listeners, &Names::new());
    let unix = TUESDAY_TEN / 1_000_000;
    let way = plan.foretell(&roads, plan.entrance(CourseId(0), unix), unix, fault);
    let mut told: Vec<String> = way
        .tries
        .iter()
        .map(|it| {
            let (target, peer) = (plan.target(it.target).unwrap(), plan.peer(it.peer).unwrap());
            let who = match target.reach {
                router::target::Reach::Number(_) => format!("{} by {}", target.name, peer.name),
                router::target::Reach::Sip(_) => peer.name.to_string(),
            };
            format!("{} {}", it.after.as_millis(), who.replace("closed", "announcement"))
        })
        .collect();
    let how = if way.answered.is_some() { "answered" } else { "refused" };
    told.push(format!("{} {how}", way.end.as_millis()));
    told
}

/// The same, as it happens.
fn lived(plan: &Plan, fault: &Fault) -> Vec<String> {
    let mut manners = vec![
        ("ana", Manner::Ring { after: Duration::ZERO }),
        ("ben", Manner::Ring { after: Duration::ZERO }),
    ];
    for (name, peer) in MORTAL {
        let is_carrier = name.starts_with("carrier");
        match fault.down.contains(&peer) {
            true => manners.push((name, Manner::Dead)),
            // A carrier behaves as whoever is called there.
            false if is_carrier => {}
            false => manners.push((name, Manner::Ring { after: Duration::ZERO })),
        }
    }
    let began = if fault.known { LATER } else { Duration::ZERO };
    let script = Script { at: began, ..floor::caller(Some(Duration::from_secs(1))) };
    let mut world = floor::stage(plan.clone(), &manners, &[script]);
    world.run(Time::ZERO + Duration::from_secs(400));
    let lines = world.diary.take().map(|diary| diary.lines).unwrap_or_default();
    let mut told = Vec::new();
    for line in &lines {
        let (time, rest) = line.split_once("s ").unwrap();
        let seconds: f64 = time.parse().unwrap();
        let after = Duration::from_secs_f64(seconds).saturating_sub(began).as_millis();
        let rest = rest.strip_prefix("call 1 ").unwrap_or(rest);
        if let Some(who) = rest.strip_prefix("INVITE -> ") {
            told.push(format!("{after} {who}"));
        } else if let Some(status) =
            rest.strip_suffix(" -> caller").and_then(|status| status.parse::<u16>().ok())
            && status >= 200
        {
            told.push(format!("{after} {}", if status < 300 { "answered" } else { "refused" }));
            break;
        }
    }
    told
}

fn compare(seeds: core::ops::Range<u64>) {
    for seed in seeds {
        let mut chance = Chance::new(seed);
        let known = chance.below(2) == 0;
        let plan = plan(&mut chance, known);
        let down: BTreeSet<PeerId> =
            MORTAL.iter().filter(|_| chance.below(3) == 0).map(|(_, peer)| *peer).collect();
        let fault = Fault { down, known };
        assert_eq!(
            foretold(&plan, &fault),
            lived(&plan, &fault),
            "seed {seed}: {fault:?} {:#?}",
            plan.courses
        );
    }
}

#[test]
fn what_is_foretold_comes_to_pass() {
    compare(0..400);
}

#[test]
fn only_whom_a_call_may_meet_changes_its_way() {
    let mut spared = 0;
    for seed in 0..400 {
        let mut chance = Chance::new(seed);
        let known = chance.below(2) == 0;
        let plan = plan(&mut chance, known);
        let met = plan.met(CourseId(0));
        let down: BTreeSet<PeerId> =
            MORTAL.iter().filter(|_| chance.below(3) == 0).map(|(_, peer)| *peer).collect();
        let concern: BTreeSet<PeerId> = down.intersection(&met).copied().collect();
        if concern.len() < down.len() {
            let [with, without] = [down, concern].map(|down| Fault { down, known });
            // The whole node says so too, whatever shares a failure domain with what.
            assert_eq!(lived(&plan, &with), lived(&plan, &without), "seed {seed}: {with:?}");
            spared += 1;
        }
    }
    assert!(spared > 20, "{spared}");
}

#[test]
fn every_pair_of_outages_is_told_by_those_that_concern_a_course() {
    let unix = TUESDAY_TEN / 1_000_000;
    let mut spared = 0;
    for seed in 0..300 {
        let plan = plan(&mut Chance::new(seed), true);
        let mut identity = identity(1);
        identity.listeners.push(router::inside::listener());
        let roads = Roads::new(&plan, &identity.listeners, &Names::new());
        let things = plan.things();
        let outages = Outages::new(&plan, &roads, &things);
        let concern = outages.concern(CourseId(0));
        let mut told = BTreeMap::new();
        outages.of_course(CourseId(0), unix, Depth::Pairs, |broken, known, way| {
            assert!(told.insert((broken.to_vec(), known), way.clone()).is_none(), "each is told once");
        });
        for one in 0..things.len() {
            for other in one..things.len() {
                let of = |place: usize| things.get(place).unwrap().peers.clone();
                let fault = Fault { down: &of(one) | &of(other), known: seed % 2 == 0 };
                let way = plan.foretell(&roads, plan.entrance(CourseId(0), unix), unix, &fault);
                let mut broken: Vec<usize> =
                    [one, other].into_iter().filter(|place| concern.contains(place)).collect();
                broken.dedup();
                spared += usize::from(broken.len() < 2 && one != other);
                let known = fault.known && !broken.is_empty();
                assert_eq!(told.get(&(broken, known)), Some(&way), "seed {seed}: {one} {other}");
            }
        }
    }
    assert!(spared > 500, "{spared}");
}

#[test]
fn by_live_within_somebody_rings_whose_job_it_is() {
    let unix = TUESDAY_TEN / 1_000_000;
    let (mut late, mut held) = (Vec::new(), 0);
    for seed in 0..3_000 {
        let mut chance = Chance::new(seed);
        let plan = plan(&mut chance, true);
        let mut identity = identity(1);
        identity.listeners.push(router::inside::listener());
        let roads = Roads::new(&plan, &identity.listeners, &Names::new());
        let down: BTreeSet<PeerId> =
            MORTAL.iter().filter(|_| chance.below(3) == 0).map(|(_, peer)| *peer).collect();
        // Of those who are known to be down one may be asked before a machine of ours answers, and that takes his `first`.
        let grace = if down.is_empty() { Duration::ZERO } else { Duration::from_secs(3) };
        let fault = Fault { down, known: true };
        let way = plan.foretell(&roads, plan.entrance(CourseId(0), unix), unix, &fault);
        let Some((_, after)) = way.live(&plan) else { continue };
        held += 1;
        let within = plan.courses.first().unwrap().live_within;
        if after > within + grace {
            late.push((seed, after, within));
        }
    }
    assert!(held > 1_000, "{held}");
    assert_eq!(late, []);
}
