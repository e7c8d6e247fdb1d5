//! What a seed draws of orders: overrides, who is drained, numbers that ring elsewhere, switched while calls come in.

use crate::chance::Chance;
use crate::draw::Drawn;
use crate::town::NUMBER;
use crate::world::Move;
use core::time::Duration;
use router::Plan;
use router::orders::Orders;
use router::plan::{CourseId, Member};
use router::target::{CarrierId, TargetId, TargetKind};
use router::when::When;
use sip::Time;
use std::sync::Arc;

/// In two runs of five somebody switches something, up to four times; in half of these all is as before in the end.
pub(crate) fn draw_orders(seed: u64, mut plan: Plan, drawn: &mut Drawn, storm: Duration) -> Arc<Plan> {
    let mut chance = Chance::new(seed ^ 0x0bde);
    if chance.permille(600) {
        return Arc::new(plan);
    }
    for step in plan.courses.iter_mut().flat_map(|course| &mut course.steps) {
        let storm = When::Override(vec!["town/storm".into(), "storm".into()]);
        if chance.permille(150) {
            step.when = Some(if chance.permille(500) { storm } else { When::Not(Box::new(storm)) });
        }
    }
    let plan = Arc::new(plan);
    for _ in 0..=chance.below(4) {
        let at = Time::ZERO + chance.span(Duration::ZERO, storm);
        let orders = draw_order(&mut chance, &plan);
        drawn.moves.push((at, Move::Apply(0, plan.ordered(orders))));
    }
    if chance.permille(500) {
        drawn.moves.push((drawn.heal_at, Move::Apply(0, Arc::clone(&plan))));
    }
    plan
}

fn draw_order(chance: &mut Chance, plan: &Plan) -> Orders {
    let mut orders = Orders::default();
    if chance.permille(400) {
        orders.overrides.insert("storm".into());
    }
    let is_outside = |kind| matches!(kind, TargetKind::Site | TargetKind::Person | TargetKind::Service);
    let targets = (0..).map(TargetId).zip(&plan.targets);
    for (id, _) in targets.clone().filter(|(_, target)| is_outside(target.kind)) {
        if chance.permille(200) {
            orders.drain(plan, id);
        }
    }
    for (carrier, _) in (0..).zip(&plan.carriers) {
        if chance.permille(200) {
            orders.drain_carrier(plan, CarrierId(carrier));
        }
    }
    let rung: Vec<TargetId> =
        targets.filter(|(_, target)| target.kind != TargetKind::Word).map(|(id, _)| id).collect();
    if let Some(target) = chance.pick(&rung).copied()
        && chance.permille(300)
    {
        let last = u32::try_from(plan.courses.len()).unwrap_or(1).saturating_sub(1);
        let course = Member::Course(CourseId(last));
        let to = if chance.permille(250) { course } else { Member::Target(target) };
        orders.diverted.insert(NUMBER.into(), to);
    }
    orders
}
