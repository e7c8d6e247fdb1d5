//! The floor of a plan: what always answers, in this process. Every call that nobody else answers ends there, whatever was spent on
//! its way.

use crate::next::{Act, Ask, Move, STEPS_MAX};
use crate::plan::{Member, Plan, Step};
use crate::position::{Cursor, Pass};
use crate::target::{TargetId, TargetKind};

impl Plan {
    /// Is there nobody in this step but agents of ours?
    #[must_use]
    pub fn is_floor(&self, step: &Step) -> bool {
        !step.members.is_empty() && step.members.iter().all(|member| self.agent(member).is_some())
    }

    pub(crate) fn agent(&self, member: &Member) -> Option<TargetId> {
        match member {
            Member::Target(id) => {
                self.target(*id).is_some_and(|it| it.kind == TargetKind::Agent).then_some(*id)
            }
            Member::Course(_) => None,
        }
    }
}

impl Ask<'_> {
    /// Nothing but the floor may be tried any more: its step, if an agent in it has not refused yet.
    pub(crate) fn at_last(&self) -> Move {
        let waits = |cursor: Cursor| Move { cursor, act: Act::Wait(None) };
        let is_agent = |id: TargetId| self.plan.target(id).is_some_and(|it| it.kind == TargetKind::Agent);
        if self.at.parties.iter().any(|party| party.live && is_agent(party.target)) {
            return waits(self.at.cursor.clone());
        }
        let from_here = Cursor { pass: Pass::Second, ..self.at.cursor.clone() };
        let found =
            self.floor_from(from_here).or_else(|| self.floor_from(Cursor::new(self.at.root, Pass::Second)));
        match found {
            Some(Move { cursor, .. }) if self.at.live() > 0 => Move { cursor, act: Act::Leave },
            Some(found) => found,
            None => Move { cursor: Cursor::end(self.at.root), act: Act::End },
        }
    }

    fn floor_from(&self, mut cursor: Cursor) -> Option<Move> {
        for _ in 0..STEPS_MAX {
            let step = self.settle(&mut cursor)?;
            for target in step.members.iter().filter_map(|member| self.plan.agent(member)) {
                let done = self.at.party(target).is_some_and(|party| party.done.is_some());
                if let Some(way) = self.choice().best(target, Pass::Second).filter(|_| !done) {
                    let act = self.ring(step, target, way);
                    return Some(Move { cursor, act });
                }
            }
            cursor.advance();
        }
        None
    }
}
