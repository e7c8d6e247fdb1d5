//! What a seed draws of people who have to press 1.

use crate::caller::Script;
use crate::chance::Chance;
use crate::town::{ANA, BEN, CARRIER_A_HOST, CARRIER_B_HOST};
use crate::world::World;
use agent::guide::Guide;
use core::time::Duration;
use router::Plan;
use router::door::Identity;
use router::inside;
use router::target::TargetKind;
use std::sync::Arc;

/// Who is asked, and how quick he is; who is not among them never presses anything, as a mobile's voicemail.
#[derive(Clone, Debug)]
pub(crate) struct Asking(Vec<(&'static str, Duration)>);

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
    Some(Asking(presses))
}

impl Asking {
    /// A node that has agents.
    pub(crate) fn identity(mut identity: Identity) -> Identity {
        identity.listeners.push(inside::listener());
        identity
    }

    /// Puts the agents beside the nodes of a world, and tells its phones what to press.
    pub(crate) fn arrange(&self, world: &mut World) {
        (0..world.seats()).for_each(|seat| world.add_agents(seat, &Arc::new(Guide::default())));
        for host in [CARRIER_A_HOST, CARRIER_B_HOST] {
            if let Some(host) = world.hosts.get_mut(host) {
                host.presses.extend(self.0.iter().copied());
            }
        }
    }
}
