//! The record of a call, replayed by the plan that it had, is the call: for random plans, phones and callers, the same destinations by the
//! same ways, and the same end, at the same millisecond.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it may fail by")]

mod drawn;

use core::time::Duration;
use drawn::{MORTAL, plan};
use router::Plan;
use router::record::{CallRecord, End, Entry};
use router::replay::{Account, Believed};
use router::way::Way;
use sim::caller::Script;
use sim::chance::Chance;
use sim::floor;
use sim::manner::Manner;
use sim::town::TUESDAY_TEN;
use sip::Time;

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
