//! The premises of invariant 4: when a call must be answered.

use super::legs::target_of;
use super::{Inbound, Oracle};
use crate::chance::mix;
use crate::draw::Drawn;
use router::Plan;
use router::plan::{Course, Declined, Member, Step};
use router::target::{PeerHost, Reach, TargetId, TargetKind};

impl Oracle {
    /// Do the premises hold for a call: one context in the life that ran from the healing to the end; the healed
    /// target lies on its way and was not tried before it was healed; nothing that ends a walk happened.
    pub(crate) fn could_reach(&self, call: u32, life: u32, drawn: &Drawn) -> bool {
        let hash = mix(1, format!("call-{call}").as_bytes());
        let mut contexts = self.contexts.values().filter(|context| context.call == hash);
        let (Some(context), None) = (contexts.next(), contexts.next()) else { return false };
        let untouched = context.life == life && context.copies == 0 && context.source == crate::town::PSTN;
        let ended_before = context.over().is_some_and(|over| over < drawn.heal_at);
        let Some(plan) = self.plan_of(context) else { return false };
        let state = self.lives.get(&life);
        let steady = state.is_some_and(|life| life.draining.is_none() && life.died.is_none());
        untouched
            && !context.confined
            && steady
            && !ended_before
            && self.names_were_known(plan, context, drawn.healed)
            && leads_to(plan, context, drawn.healed)
            && !self.was_tried_before(plan, context, drawn)
            && !self.left_the_way(plan, context)
    }

    /// Did every host name by which a target is reached have its addresses when a call came?
    fn names_were_known(&self, plan: &Plan, context: &Inbound, target: TargetId) -> bool {
        let open = plan.ways(target).filter(|way| !plan.orders.closed.contains(way));
        let mut hosts = open.filter_map(|id| plan.peer(id)).map(|peer| &peer.host);
        let is_known = |host: &PeerHost| match host {
            PeerHost::Name(host) => self.was_known(context.life, host, context.began),
            PeerHost::Ip(_) => true,
        };
        match plan.target(target).map(|target| &target.reach) {
            Some(Reach::Sip(_)) => hosts.all(is_known),
            // One carrier is enough.
            Some(Reach::Number(_)) => hosts.any(is_known),
            None => false,
        }
    }

    /// Was the healed target rung before it was healed, or in that very moment? Then its turn may have passed.
    fn was_tried_before(&self, plan: &Plan, context: &Inbound, drawn: &Drawn) -> bool {
        context.legs.iter().filter_map(|branch| self.legs.get(branch)).any(|leg| {
            let user =
                leg.packet.glance.as_ref().map(|glance| glance.user(&leg.packet.bytes)).unwrap_or_default();
            leg.began <= drawn.heal_at && target_of(plan, &self.homes, leg.to, user) == Some(drawn.healed)
        })
    }

    /// Did a leg end the walk (strict 6xx, a step that ends with whoever declines) or turn it into the busy route?
    fn left_the_way(&self, plan: &Plan, context: &Inbound) -> bool {
        let busy_route = course_of(plan, context).is_none_or(|course| course.busy.is_some());
        let mut steps = plan.courses.iter().flat_map(Course::every_step);
        let declining = plan.strict_6xx || steps.any(|step| step.declined == Declined::Stop);
        context.legs.iter().filter_map(|branch| self.legs.get(branch)).any(|leg| {
            let status = leg.last.map_or(0, |(_, status)| status);
            (declining && status >= 600) || (busy_route && leg.busy)
        })
    }
}

fn course_of<'a>(plan: &'a Plan, context: &Inbound) -> Option<&'a Course> {
    let number = core::str::from_utf8(Oracle::number_of(context)).ok()?;
    plan.course(*plan.numbers.get(number)?)
}

/// Is the target on the way of a call, and not behind something that may be jumped over?
fn leads_to(plan: &Plan, context: &Inbound, target: TargetId) -> bool {
    let Some(course) = course_of(plan, context) else { return false };
    if plan.orders.drained.contains(&target) || plan.ways(target).all(|way| plan.orders.closed.contains(&way))
    {
        return false;
    }
    let service = plan.target(target).is_some_and(|target| target.kind == TargetKind::Service);
    let unhurried = course.live_within.as_secs() >= 600 || service;
    unhurried && course.hours.is_none() && holds(plan, &course.steps, target, 0)
}

fn holds(plan: &Plan, steps: &[Step], target: TargetId, depth: u8) -> bool {
    // What a step asks for may not be so.
    steps.iter().filter(|step| step.when.is_none()).flat_map(|step| &step.members).any(
        |member| match member {
            Member::Target(id) => *id == target,
            Member::Course(id) if depth < 4 => plan.course(*id).is_some_and(|course| {
                course.hours.is_none() && holds(plan, &course.steps, target, depth + 1)
            }),
            Member::Course(_) => false,
        },
    )
}
