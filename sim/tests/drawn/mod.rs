//! Plans drawn by chance over the town with agents.

use core::time::Duration;
use router::Plan;
use router::plan::{CourseId, Member, Step};
use router::target::{PeerId, Probe, TargetId};
use router::when::When;
use sim::chance::Chance;
use sim::floor::{self, CLOSED_TARGET, MAILBOX_TARGET};
use sim::town::{ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, OFFICE_TARGET, course, step};

/// The peers that may die, with the place of each.
pub(crate) const MORTAL: [(&str, PeerId); 5] = [
    ("office", PeerId(0)),
    ("office-2", PeerId(1)),
    ("carrier-a", PeerId(2)),
    ("carrier-b", PeerId(3)),
    ("answering", PeerId(4)),
];

/// Those whom steps ring; the first four are outside.
pub(crate) const TARGETS: [TargetId; 6] =
    [OFFICE_TARGET, ANA_TARGET, BEN_TARGET, ANSWERING_TARGET, MAILBOX_TARGET, CLOSED_TARGET];

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

/// A plan of two courses, one of which may lead into the other.
pub(crate) fn plan(chance: &mut Chance, is_probed: bool) -> Plan {
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
