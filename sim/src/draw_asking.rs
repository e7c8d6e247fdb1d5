//! What a seed draws of people who have to press 1, and of what their callers hear before.

use crate::caller::Script;
use crate::chance::Chance;
use crate::floor::{self, WORD};
use crate::refer::Joins;
use crate::town::{ANA, BEN, CARRIER_A_HOST, CARRIER_B_HOST, PSTN_HOST};
use crate::world::World;
use agent::guide::{Guide, Role};
use core::time::Duration;
use router::Plan;
use router::door::Identity;
use router::inside;
use router::target::TargetKind;
use std::sync::Arc;

/// Who is asked, and how quick he is; who is not among them never presses anything, as a mobile's voicemail.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    presses: Vec<(&'static str, Duration)>,
    /// What the carrier by which everybody calls makes of being asked to join two calls.
    joins: Option<Joins>,
    /// Is something said before steps?
    says: bool,
}

/// In one run of six people have to press 1: some do at once, some late, some never.
pub(crate) fn draw_asking(seed: u64, plan: &mut Plan, scripts: &mut [Script]) -> Option<Asking> {
    let mut chance = Chance::new(seed ^ 0x0001);
    if !chance.permille(160) {
        return None;
    }
    for target in &mut plan.targets {
        target.confirm = target.kind == TargetKind::Person;
    }
    // Who never hangs up shows nothing of whoever is to be hung up on.
    for script in scripts {
        script.talk.get_or_insert(Duration::from_secs(10));
    }
    let mut presses = Vec::new();
    for number in [ANA, BEN] {
        if chance.permille(750) {
            // The last ones come when nobody waits for them any more.
            presses.push((number, chance.span(Duration::ZERO, Duration::from_secs(11))));
        }
    }
    let joins = chance.permille(800).then(|| draw_joins(&mut chance));
    for peer in plan.peers.iter_mut().filter(|_| joins.is_some()) {
        peer.refer = true;
    }
    let says = chance.permille(500);
    if says {
        draw_words(&mut chance, plan);
    }
    Some(Asking { presses, joins, says })
}

/// Before every other step the caller hears something.
fn draw_words(chance: &mut Chance, plan: &mut Plan) {
    let word = floor::add_agent(plan, "word", TargetKind::Word, WORD);
    let steps = plan.courses.iter_mut().flat_map(|course| {
        let lists = [&mut course.closed, &mut course.busy, &mut course.full].into_iter().flatten().flatten();
        course.steps.iter_mut().chain(lists)
    });
    for step in steps {
        step.say = chance.permille(500).then_some(word);
    }
}

/// Mostly it is able; and quick, or slower than anybody waits for.
fn draw_joins(chance: &mut Chance) -> Joins {
    let later = chance.span(Duration::ZERO, Duration::from_secs(3));
    let all = [
        Joins::After(later),
        Joins::After(later),
        Joins::After(later),
        Joins::After(later),
        Joins::After(later * 30),
        Joins::Hasty(later),
        Joins::Said(later),
        Joins::Refused(603),
        Joins::Silent,
        Joins::Untold,
    ];
    chance.pick(&all).copied().unwrap_or(Joins::Silent)
}

/// Samples of what is said: two seconds, in which a caller may hang up.
const SAID: usize = 16_000;

impl Asking {
    /// A node that has agents.
    pub(crate) fn identity(mut identity: Identity) -> Identity {
        identity.listeners.push(inside::listener());
        identity
    }

    /// The host by which everybody calls.
    pub(crate) const fn calls_by(&self) -> usize {
        if self.joins.is_some() { CARRIER_A_HOST } else { PSTN_HOST }
    }

    /// Puts the agents beside the nodes of a world, and tells its phones what to press.
    pub(crate) fn arrange(&self, world: &mut World) {
        let mut guide = Guide::default();
        if self.says {
            guide.announcements.insert("word".into(), vec![0x55; SAID].into());
            guide.agents.insert(WORD, Role::Word("word".into()));
        }
        let guide = Arc::new(guide);
        (0..world.seats()).for_each(|seat| world.add_agents(seat, &guide));
        for host in [CARRIER_A_HOST, CARRIER_B_HOST] {
            if let Some(host) = world.hosts.get_mut(host) {
                host.presses.extend(self.presses.iter().copied());
                host.joins = self.joins.unwrap_or(host.joins);
            }
        }
    }
}
