//! The record of a call, replayed by the plan that it had, is the call: for random plans, phones and callers, the same destinations by the
//! same ways, and the same end, at the same millisecond.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod drawn;

use core::net::SocketAddr;
use core::time::Duration;
use drawn::{MORTAL, plan};
use router::record::{Begun, CallRecord, End, Entry, LegRecord};
use router::replay::{Account, Believed};
use router::target::{Carrier, CarrierId, PeerId, PeerKind};
use router::verdict::Fix;
use router::way::Way;
use router::{Path, Plan, Transport};
use sim::caller::Script;
use sim::chance::Chance;
use sim::floor;
use sim::manner::Manner;
use sim::town::{self, ANA_TARGET, BEN_TARGET, NUMBER, TUESDAY_TEN, step};
use sip::Time;
use std::sync::Arc;

/// How somebody behaves, drawn.
fn manner(chance: &mut Chance) -> Manner {
    let mut seconds = |most: u64| Duration::from_millis(chance.below(most * 1_000));
    let (short, long) = (seconds(2), Duration::from_secs(2) + seconds(25));
    let status = *chance.pick(&[302, 404, 408, 480, 486, 487, 500, 503, 504, 600, 603, 606]).unwrap();
    match chance.below(14) {
        0..3 => Manner::Dead,
        3 => Manner::Icmp,
        4 => Manner::Gray,
        5 => Manner::Slow(long),
        6 => Manner::Sudden(long),
        7 => Manner::Trying,
        8 => Manner::Refuse { after: short, status, extra: "" },
        9 => Manner::Refuse { after: Duration::ZERO, status: 503, extra: "Retry-After: 20\r\n" },
        10 => Manner::RingRefuse { after: long, status },
        11 => Manner::Ring { after: short },
        12 => Manner::Answer { ring: short, answer: long },
        _ => Manner::Early { media: short, after: long, status },
    }
}

/// Some calls through a drawn plan, with all that was told of them.
fn lived(chance: &mut Chance) -> (Plan, Vec<Entry>) {
    let is_probed = chance.below(2) == 0;
    let plan = plan(chance, is_probed);
    let mut manners = vec![("ana", manner(chance)), ("ben", manner(chance))];
    for (name, _) in MORTAL {
        // A carrier that is well behaves as whoever is called there.
        if !name.starts_with("carrier") || chance.below(3) == 0 {
            manners.push((name, manner(chance)));
        }
    }
    let script = |chance: &mut Chance, at: u64| {
        let cancel = (chance.below(3) == 0).then(|| Duration::from_millis(chance.below(60_000)));
        // Nothing of another call happens in a moment in which one decides something.
        Script {
            at: Duration::from_millis(at * 1_000 + chance.below(1_000)),
            cancel,
            ..floor::caller(Some(Duration::from_secs(1)))
        }
    };
    let at = chance.below(100);
    let scripts = [script(chance, 0), script(chance, at), script(chance, 120)];
    let mut world = floor::stage(plan.clone(), &manners, &scripts);
    world.kept = Some(Vec::new());
    world.run(Time::ZERO + Duration::from_secs(500));
    (plan, world.kept.unwrap())
}

/// Each try, and the end. What is begun in one moment has no order: of two refusals that come together any may be the first.
fn recorded(call: &CallRecord) -> Vec<String> {
    let after = |at: Time| at.since(call.begun.began).as_millis();
    let legs = call.legs.iter().filter(|leg| leg.fix.is_none());
    let mut told: Vec<String> =
        legs.map(|leg| format!("{} {} by {}", after(leg.began), leg.target, leg.peer)).collect();
    let gone =
        call.legs.iter().filter(|leg| leg.outcome == "cancelled: caller hung up").find_map(|leg| leg.ended);
    told.sort();
    told.push(match &call.end {
        End::Answered { target } => format!("{} answered by {target}", after(call.ended)),
        End::Cancelled => format!("{} the caller hung up", after(gone.unwrap_or(call.ended))),
        End::Failed { .. } | End::Refused { .. } => format!("{} nobody", after(call.ended)),
    });
    told
}

/// The same, of a replay.
fn replayed(plan: &Plan, way: &Way) -> Vec<String> {
    let name = |id| &plan.target(id).unwrap().name;
    let mut told: Vec<String> = way
        .tries
        .iter()
        .map(|it| {
            format!("{} {} by {}", it.after.as_millis(), name(it.target), plan.peer(it.peer).unwrap().name)
        })
        .collect();
    told.sort();
    let end = way.end.as_millis();
    told.push(match way.answered {
        Some(target) => format!("{end} answered by {}", name(target)),
        None if way.gone => format!("{end} the caller hung up"),
        None => format!("{end} nobody"),
    });
    told
}

fn calls(entries: &[Entry]) -> impl Iterator<Item = &CallRecord> {
    entries.iter().filter_map(|entry| if let Entry::Call(call) = entry { Some(&**call) } else { None })
}

fn replay(plan: &Plan, call: &CallRecord, believed: &[Believed]) -> Way {
    let began = call.begun.began;
    let believed: Vec<Believed> = believed.iter().filter(|it| it.at <= call.ended).cloned().collect();
    let unix = (TUESDAY_TEN + i64::try_from(began.as_micros()).unwrap()) / 1_000_000;
    plan.replay(Account { call, unix, believed: &believed }).unwrap()
}

#[test]
fn what_was_recorded_is_lived_again() {
    let (mut told, mut rung) = (0, 0);
    for seed in 0..400 {
        let mut chance = Chance::new(seed);
        let (plan, entries) = lived(&mut chance);
        let believed: Vec<Believed> = entries.iter().flat_map(Believed::of).collect();
        for call in calls(&entries) {
            let way = replay(&plan, call, &believed);
            assert_eq!(replayed(&plan, &way), recorded(call), "seed {seed}: {call:#?} {:#?}", plan.courses);
            let unknown: Vec<_> = way.unknown().collect();
            assert!(unknown.is_empty(), "seed {seed}: what has happened is known: {unknown:?}");
            told += 1;
            rung += way.tries.len();
        }
    }
    assert!(told > 1_000 && rung > 3_000, "{told} {rung}");
}

/// A try of a call that came at `ZERO`: who by whom, from when, when it rang and was answered, until when, and how it ended; in milliseconds.
fn leg(
    (target, peer, remote): (&str, &str, SocketAddr),
    (began, rang, asked, ended): (u64, Option<u64>, Option<u64>, u64),
    (fix, outcome): (Option<Fix>, &str),
) -> LegRecord {
    let at = |millis: u64| Time::from_micros(millis * 1_000);
    let path = Path { transport: Transport::Udp, local: 0, remote };
    let (began, rang, asked, ended) = (at(began), rang.map(at), asked.map(at), Some(at(ended)));
    let (target, peer, outcome) = (target.into(), peer.into(), outcome.into());
    LegRecord { target, peer, path, file: None, line: 1, fix, began, rang, asked, ended, outcome }
}

/// What becomes of a call with these tries, the last of which ended it, by a plan.
fn again(plan: &Plan, legs: Vec<LegRecord>) -> Vec<String> {
    let last = legs.last().unwrap();
    let (ended, target) = (last.ended.unwrap(), Arc::clone(&last.target));
    let begun = Begun {
        id: 1,
        call_id: "call-0".into(),
        caller: "+15035550199".into(),
        number: NUMBER.into(),
        course: "main".into(),
        closed: false,
        confined: None,
        urgent: None,
        from: (town::PSTN, Some("pstn".into())),
        began: Time::ZERO,
    };
    let end = End::Answered { target };
    let call = CallRecord { begun: Arc::new(begun), rang: None, ended, end, legs, passed: Vec::new() };
    replayed(plan, &replay(plan, &call, &[]))
}

fn carrier_a(target: &str) -> (&str, &str, SocketAddr) {
    (target, "carrier-a", town::CARRIER_A)
}

fn carrier_b(target: &str) -> (&str, &str, SocketAddr) {
    (target, "carrier-b", town::CARRIER_B)
}

#[test]
fn who_has_answered_and_is_about_to_press_1_is_not_left() {
    let mut plan = floor::asking(town::ana_then_answering());
    plan.courses[0].live_within = Duration::from_secs(10);
    let legs = vec![leg(carrier_a("ana"), (0, Some(1_000), Some(8_000), 12_000), (None, "answered"))];
    assert_eq!(again(&plan, legs), ["0 ana by carrier-a", "12000 answered by ana"]);
}

#[test]
fn an_invite_that_was_sent_again_with_credentials_is_the_same_try_and_its_patience_begins_anew() {
    let legs = vec![
        leg(carrier_a("ana"), (0, None, None, 300), (None, "407")),
        leg(carrier_a("ana"), (300, None, None, 2_300), (Some(Fix::Credentials), "silent for 2 s")),
        leg(carrier_b("ana"), (2_300, Some(3_000), None, 5_000), (None, "answered")),
    ];
    let lived = again(&town::ana_then_answering(), legs);
    assert_eq!(lived, ["0 ana by carrier-a", "2300 ana by carrier-b", "5000 answered by ana"]);
}

#[test]
fn a_person_does_the_same_whichever_carrier_rings_him_and_a_silent_carrier_is_silent_for_all() {
    let legs = vec![
        leg(carrier_a("ana"), (0, None, None, 2_000), (None, "silent for 2 s")),
        leg(carrier_b("ana"), (2_000, Some(2_400), None, 6_000), (None, "answered")),
    ];
    let mut plan = town::town_with(vec![step(&[BEN_TARGET, ANA_TARGET], 1)]);
    let mut third = town::peer("carrier-c", PeerKind::Trunk(CarrierId(2)), town::NOBODY);
    third.probe = None;
    let id = PeerId(u32::try_from(plan.peers.len()).unwrap());
    plan.peers.push(third);
    plan.carriers.insert(1, Carrier { name: "carrier-c".into(), trunks: vec![id] });
    assert_eq!(
        again(&plan, legs),
        [
            "0 ana by carrier-a",
            "0 ben by carrier-a",
            "2000 ana by carrier-c",
            "2000 ben by carrier-c",
            "6000 answered by ana"
        ]
    );
}
