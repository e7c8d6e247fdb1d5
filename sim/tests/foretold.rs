//! What is foretold of a call is what the whole node does with it: for random plans, orders and outages, known or not, the same
//! destinations by the same ways, and the same end, at the same millisecond.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod drawn;

use core::time::Duration;
use drawn::{MORTAL, TARGETS};
use router::Plan;
use router::foretell::Fault;
use router::names::Names;
use router::orders::Orders;
use router::plan::{CourseId, Member};
use router::proof::{Depth, Outages};
use router::roads::Roads;
use router::target::{CarrierId, PeerId};
use router::when::When;
use sim::caller::Script;
use sim::chance::Chance;
use sim::floor;
use sim::manner::Manner;
use sim::town::{NUMBER, TUESDAY_TEN, identity};
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When the call comes, where all that can be known is to be known.
const LATER: Duration = Duration::from_secs(60);

/// A plan that asks for an override now and then, and in every second one what people have switched.
fn plan(chance: &mut Chance, is_probed: bool) -> Plan {
    let mut plan = drawn::plan(chance, is_probed);
    for step in plan.courses.iter_mut().flat_map(|course| &mut course.steps) {
        let storm = When::Override(vec!["town/storm".into(), "storm".into()]);
        step.when = match chance.below(10) {
            0 => Some(storm),
            1 => Some(When::Not(Box::new(storm))),
            2 => step.when.take().map(|when| When::All(vec![when, storm])),
            _ => step.when.take(),
        };
    }
    let orders = if chance.below(2) == 0 { orders(chance, &plan) } else { Orders::default() };
    Plan::clone(&Arc::new(plan).ordered(orders))
}

fn orders(chance: &mut Chance, plan: &Plan) -> Orders {
    let mut orders = Orders::default();
    if chance.below(2) == 0 {
        let name = *chance.pick(&["storm", "town/storm", "quiet"]).unwrap();
        orders.overrides.insert(name.into());
    }
    for target in TARGETS.into_iter().take(4) {
        if chance.below(5) == 0 {
            orders.drain(plan, target);
        }
    }
    for carrier in 0..2 {
        if chance.below(5) == 0 {
            orders.drain_carrier(plan, CarrierId(carrier));
        }
    }
    if chance.below(3) == 0 {
        let target = chance.pick(&TARGETS).map(|target| Member::Target(*target)).unwrap();
        let to = if chance.below(3) == 0 { Member::Course(CourseId(1)) } else { target };
        orders.diverted.insert(NUMBER.into(), to);
    }
    orders
}

/// The course that calls to the number have.
fn root(plan: &Plan) -> CourseId {
    plan.numbers.get(NUMBER).copied().unwrap()
}

/// Every INVITE of the node and how it told the caller that the call was over, as they are foretold.
fn foretold(plan: &Plan, fault: &Fault) -> Vec<String> {
    let mut identity = identity(1);
    identity.listeners.push(router::inside::listener());
    let roads = Roads::new(plan, &identity.listeners, &Names::new());
    let unix = TUESDAY_TEN / 1_000_000;
    let way = plan.foretell(&roads, plan.entrance(root(plan), unix), unix, fault);
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
        let met = plan.met(root(&plan));
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
        let concern = outages.concern(root(&plan));
        let mut told = BTreeMap::new();
        outages.of_course(root(&plan), unix, Depth::Pairs, |broken, known, way| {
            assert!(told.insert((broken.to_vec(), known), way.clone()).is_none(), "each is told once");
        });
        for one in 0..things.len() {
            for other in one..things.len() {
                let of = |place: usize| things.get(place).unwrap().peers.clone();
                let fault = Fault { down: &of(one) | &of(other), known: seed % 2 == 0 };
                let way = plan.foretell(&roads, plan.entrance(root(&plan), unix), unix, &fault);
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
        let way = plan.foretell(&roads, plan.entrance(root(&plan), unix), unix, &fault);
        let Some((_, after)) = way.live(&plan) else { continue };
        held += 1;
        let within = plan.course(root(&plan)).unwrap().live_within;
        if after > within + grace {
            late.push((seed, after, within));
        }
    }
    assert!(held > 1_000, "{held}");
    assert_eq!(late, []);
}
