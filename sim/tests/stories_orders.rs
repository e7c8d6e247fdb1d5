//! Stories: what people switch by hand while calls come in. The network takes no time here.

mod told;

use core::time::Duration;
use router::Plan;
use router::emergency::Emergency;
use router::load::{Counted, Limit};
use router::orders::Orders;
use router::plan::{Course, Limited, Member, Step};
use router::target::{CarrierId, PeerId, Probe, TargetId};
use router::when::When;
use sim::caller::Script;
use sim::floor::{self, MAILBOX_TARGET};
use sim::manner::Manner;
use sim::story::{alarming, caller, caller_at, stage, story, story_with, tell};
use sim::town::{
    self, ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, CARRIER_A_HOST, NODE, NUMBER, OFFICE_HOST, OFFICE_TARGET,
    ana_then_answering, office_then_answering, one_address_then_answering, step, town_with,
};
use sim::world::Move;
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use told::{ms, tells};

/// What is switched so long after the beginning, in a plan that is in force from the beginning.
fn switched(plan: &Plan, orders: &[(u64, Orders)]) -> Vec<(Duration, Move)> {
    let base = Arc::new(plan.clone());
    let first = (ms(0), Move::Apply(0, Arc::clone(&base)));
    let others = orders.iter().map(|(at, orders)| (ms(*at), Move::Apply(0, base.ordered(orders.clone()))));
    core::iter::once(first).chain(others).collect()
}

/// The plan with these orders in force.
fn with(plan: Plan, orders: Orders) -> Plan {
    Plan::clone(&Arc::new(plan).ordered(orders))
}

fn drained(plan: &Plan, targets: &[TargetId]) -> Orders {
    let mut orders = Orders::default();
    targets.iter().for_each(|target| orders.drain(plan, *target));
    orders
}

fn carrier_drained(plan: &Plan, carrier: u32) -> Orders {
    let mut orders = Orders::default();
    orders.drain_carrier(plan, CarrierId(carrier));
    orders
}

fn storm() -> Orders {
    Orders { overrides: BTreeSet::from(["storm".into()]), ..Orders::default() }
}

/// Who is rung in each call, one after the other, by whom.
fn rung(lines: &[String]) -> Vec<String> {
    let rings = |line: &String| {
        let (time, rest) = line.split_once(" call ")?;
        let (call, who) = rest.split_once(" INVITE -> ")?;
        Some(format!("{call} {time} {who}"))
    };
    lines.iter().filter_map(rings).collect()
}

#[test]
fn a_drained_office_is_passed_by_new_calls_and_goes_on_with_those_that_it_has() {
    let plan = office_then_answering();
    let manners = [("office", Manner::says(0, 5_000)), ("answering", Manner::says(0, 1_000))];
    let orders = [(2_000, drained(&plan, &[OFFICE_TARGET])), (20_000, Orders::default())];
    let moves = switched(&plan, &orders);
    tells(
        &story_with(plan, &manners, &[caller(), caller_at(ms(3_000)), caller_at(ms(21_000))], &moves),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 180 <- office",
            "0.000s call 1 180 -> caller",
            "3.000s call 2 INVITE <- caller",
            "3.000s call 2 INVITE -> answering",
            "3.000s call 2 180 <- answering",
            "3.000s call 2 180 -> caller",
            "4.000s call 2 200 <- answering",
            "4.000s call 2 200 -> caller",
            "4.000s call 2 ACK -> answering",
            "5.000s call 1 200 <- office",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 ACK -> office",
            "14.000s call 2 BYE <- caller",
            "14.000s call 2 BYE -> answering",
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> office",
            "21.000s call 3 INVITE <- caller",
            "21.000s call 3 INVITE -> office",
            "21.000s call 3 180 <- office",
            "21.000s call 3 180 -> caller",
            "26.000s call 3 200 <- office",
            "26.000s call 3 200 -> caller",
            "26.000s call 3 ACK -> office",
            "36.000s call 3 BYE <- caller",
            "36.000s call 3 BYE -> office",
        ],
    );
}

#[test]
fn who_is_drained_is_not_tried_last_either_as_who_is_down_is() {
    let manners = [("office", Manner::says(0, 1_000)), ("answering", Manner::refuses(486))];
    let plan = office_then_answering();
    let orders = drained(&plan, &[OFFICE_TARGET]);
    tells(
        &story(with(plan, orders), &manners, &[caller()]),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 486 <- answering",
            "0.000s call 1 486 -> caller",
        ],
    );
}

#[test]
fn an_override_changes_the_walk_of_new_calls_alone() {
    let asks = |when| Step { when: Some(when), ..step(&[OFFICE_TARGET], 1) };
    let fact = When::Override(vec!["acme/storm".into(), "storm".into()]);
    let plan = town_with(vec![asks(When::Not(Box::new(fact))), step(&[ANSWERING_TARGET], 2)]);
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 1_000))];
    let moves = switched(&plan, &[(1_000, storm()), (30_000, Orders::default())]);
    let lines = story_with(plan, &manners, &[caller(), caller_at(ms(2_000)), caller_at(ms(31_000))], &moves);
    assert_eq!(
        rung(&lines),
        [
            "1 0.000s office",
            "2 2.000s answering",
            "1 20.000s answering",
            "3 31.000s office",
            "3 51.000s answering"
        ]
    );
}

#[test]
fn a_diverted_number_rings_somebody_else_and_ends_in_the_floor_that_it_had() {
    let plan = floor::floor(vec![
        step(&[OFFICE_TARGET], 1),
        step(&[ANA_TARGET], 2),
        step(&[ANSWERING_TARGET, MAILBOX_TARGET], 3),
    ]);
    let diverted = BTreeMap::from([(NUMBER.into(), Member::Target(BEN_TARGET))]);
    let orders = Orders { diverted, ..Orders::default() };
    let manners = [("office", Manner::says(0, 1_000)), ("ben", Manner::Ring { after: ms(0) })];
    let world = floor::stage(with(plan, orders), &manners, &[floor::caller(Some(ms(1_000)))]);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ben by carrier-a",
            "0.000s call 1 180 <- ben by carrier-a",
            "0.000s call 1 180 -> caller",
            "20.000s call 1 CANCEL -> ben by carrier-a",
            "20.000s call 1 INVITE -> mailbox",
            "20.000s call 1 487 <- ben by carrier-a",
            "20.000s call 1 200 <- mailbox",
            "20.000s call 1 200 -> caller",
            "20.000s call 1 ACK -> mailbox",
            "21.000s call 1 BYE <- caller",
            "21.000s call 1 BYE -> mailbox",
            "21.000s front tells of a call: Missed, no-answer",
        ],
    );
}

/// What goes over the wire when these hosts call, with 911 in the plan.
fn helped(
    mut plan: Plan,
    orders: fn(&Plan) -> Orders,
    manners: &[(&str, Manner)],
    calls: &[(usize, Script)],
) -> Vec<String> {
    plan.emergency = Emergency::of(&plan, ["911"].map(Arc::from).into());
    let orders = orders(&plan);
    let mut world = stage(with(plan, orders), &[], &[]);
    world.people.push(("911", "help", Manner::says(0, 1_000)));
    for (name, manner) in manners {
        town::set_manner(&mut world, name, *manner);
    }
    for (host, script) in calls {
        world.add_call(*host, 0, *script);
    }
    world.diary = Some(sim::story::Diary::of(&world));
    world.run(Time::ZERO + Duration::from_secs(400));
    tell(world)
}

#[test]
fn a_call_for_help_goes_out_by_a_drained_carrier_last_and_others_do_not() {
    let help = Script { caller: Some(NUMBER), ..Script::patient(ms(0), "911", NODE) };
    let calls = [(OFFICE_HOST, help), (town::PSTN_HOST, Script::patient(ms(1), NUMBER, NODE))];
    let manners = [("carrier-b", Manner::refuses(503)), ("answering", Manner::says(0, 1_000))];
    let lines = helped(ana_then_answering(), |plan| carrier_drained(plan, 0), &manners, &calls);
    assert_eq!(
        rung(&lines),
        [
            "1 0.000s help by carrier-b",
            "1 0.000s help by carrier-a",
            "2 0.001s ana by carrier-b",
            "2 0.001s answering"
        ]
    );
}

#[test]
fn a_call_back_rings_who_is_drained_last() {
    let call = Script { extra: "Priority: psap-callback\r\n", ..Script::patient(ms(0), NUMBER, NODE) };
    let silent = Manner::Ring { after: ms(0) };
    let manners = [("office", silent), ("ana", silent), ("answering", silent)];
    let plan =
        || town_with(vec![step(&[OFFICE_TARGET], 1), step(&[ANA_TARGET], 2), step(&[ANSWERING_TARGET], 3)]);
    let calls = [(town::PSTN_HOST, call)];
    let lines = helped(plan(), |plan| drained(plan, &[OFFICE_TARGET]), &manners, &calls);
    assert_eq!(rung(&lines), ["1 0.000s ana by carrier-a", "1 60.000s answering", "1 80.000s office"]);
}

#[test]
fn what_comes_in_from_a_drained_carrier_is_taken() {
    let plan = office_then_answering();
    let orders = carrier_drained(&plan, 0);
    let mut world = stage(with(plan, orders), &[("office", Manner::says(0, 1_000))], &[]);
    world.add_call(CARRIER_A_HOST, 0, caller());
    world.run(Time::ZERO + Duration::from_secs(100));
    assert_eq!(rung(&tell(world)), ["1 0.000s office"]);
}

#[test]
fn with_all_carriers_drained_nobody_is_rung_by_number() {
    let plan = ana_then_answering();
    let mut orders = carrier_drained(&plan, 0);
    orders.drain_carrier(&plan, CarrierId(1));
    let lines = story(with(plan, orders), &[("answering", Manner::says(0, 1_000))], &[caller()]);
    assert_eq!(rung(&lines), ["1 0.000s answering"]);
}

#[test]
fn a_redirection_to_who_is_drained_is_not_followed() {
    // The answering service may send calls on to the first machine of the office.
    let mut plan = town_with(vec![step(&[ANSWERING_TARGET], 1), step(&[ANA_TARGET], 2)]);
    let there = PeerId(u32::try_from(plan.peers.len()).unwrap_or_default());
    let office = plan
        .peers
        .first()
        .cloned()
        .map(|office| router::target::Peer { name: "answering/follow/1".into(), ..office });
    plan.peers.extend(office);
    plan.peers
        .iter_mut()
        .filter(|peer| &*peer.name == "answering")
        .for_each(|peer| peer.follow = vec![there]);
    let moved = Manner::Refuse { after: ms(0), status: 302, extra: "Contact: <sip:desk@10.0.3.1:5060>\r\n" };
    let manners = [("answering", moved), ("office", Manner::says(0, 1_000)), ("ana", Manner::says(0, 1_000))];
    let rings = |taken: &[TargetId]| {
        let orders = drained(&plan, taken);
        rung(&story(with(plan.clone(), orders), &manners, &[caller()]))
    };
    assert_eq!(rings(&[]), ["1 0.000s answering", "1 0.000s office"]);
    assert_eq!(rings(&[OFFICE_TARGET]), ["1 0.000s answering", "1 0.000s ana by carrier-a"]);
    assert_eq!(rings(&[OFFICE_TARGET, ANA_TARGET]), ["1 0.000s answering"], "nor if nobody else is left");
}

#[test]
fn who_is_drained_is_as_if_he_were_not_in_a_step_that_is_full() {
    let mut plan = one_address_then_answering();
    plan.limits.insert(
        Limited::Target(OFFICE_TARGET),
        Limit { of: Counted::Target("office".into()), channels: Some(1), cps: None },
    );
    let steps = vec![step(&[OFFICE_TARGET, BEN_TARGET], 1), step(&[ANA_TARGET], 2)];
    let full = Some(vec![step(&[ANSWERING_TARGET], 3)]);
    plan.courses = vec![Course { full, ..town::course("main", steps) }];
    let manners = [
        ("office", Manner::says(0, 1_000)),
        ("ana", Manner::says(0, 1_000)),
        ("ben", Manner::Ring { after: ms(0) }),
        ("answering", Manner::says(0, 1_000)),
    ];
    let second = |orders: &[TargetId]| {
        let orders = drained(&plan, orders);
        let lines = story(with(plan.clone(), orders), &manners, &[caller(), caller_at(ms(2_000))]);
        rung(&lines).into_iter().filter(|line| line.starts_with("2 ")).collect::<Vec<_>>()
    };
    assert_eq!(second(&[BEN_TARGET]), ["2 2.000s answering"], "all who are left are full");
    // Nobody is full in a step in which nobody is left.
    assert_eq!(second(&[BEN_TARGET, OFFICE_TARGET]), ["2 2.000s ana by carrier-a"]);
}

#[test]
fn live_within_does_not_jump_to_who_is_drained() {
    let mut plan = floor::floor(vec![
        step(&[OFFICE_TARGET], 1),
        step(&[ANSWERING_TARGET], 2),
        step(&[MAILBOX_TARGET], 3),
    ]);
    plan.courses.iter_mut().for_each(|course| course.live_within = ms(7_000));
    let orders = drained(&plan, &[ANSWERING_TARGET]);
    let manners = [("office", Manner::Ring { after: ms(0) }), ("answering", Manner::says(0, 1_000))];
    let rings =
        |plan: Plan| rung(&floor::tell(floor::stage(plan, &manners, &[floor::caller(Some(ms(1_000)))])));
    assert_eq!(rings(plan.clone()), ["1 0.000s office", "1 7.000s answering"]);
    assert_eq!(rings(with(plan, orders)), ["1 0.000s office", "1 7.000s mailbox"]);
}

#[test]
fn orders_forgive_nobody_and_disturb_no_probe_and_a_new_plan_does() {
    let mut plan = ana_then_answering();
    for peer in plan.peers.iter_mut().filter(|peer| peer.carrier().is_some()) {
        peer.probe = Some(Probe::every(Duration::from_secs(10)));
    }
    let manners = [
        ("carrier-a", Manner::Refuse { after: ms(0), status: 402, extra: "" }),
        ("answering", Manner::says(0, 1_000)),
    ];
    let mut moves = switched(&plan, &[(2_000, storm()), (4_000, Orders::default())]);
    moves.push((ms(60_000), Move::Apply(0, Arc::new(plan.clone()))));
    let lines = alarming(plan, &manners, &[caller_at(ms(1_000))], &moves);
    let told: Vec<&String> = lines.iter().filter(|line| line.contains(" is ")).collect();
    assert_eq!(told, ["1.000s carrier-a is Out", "60.000s carrier-a is no longer Out"]);
}
