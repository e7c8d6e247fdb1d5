//! Who was passed over on the way from one move to the next, and why: told after the decision, for the record.

use crate::health::Health;
use crate::next::{Act, Ask, Move, STEPS_MAX};
use crate::plan::{Member, Plan};
use crate::position::{List, Pass, Position};
use crate::record::{PASSED_MAX, Passed, Why};
use crate::roads::Roads;
use sip::Time;
use std::sync::Arc;

impl Plan {
    /// Adds whoever was not rung, though it was their turn, between where a call stands and the move that
    /// [`next`](Self::next) has just given for there. Who was rung before says by his leg what became of it; and the second
    /// pass, in which all are rung, passes over nobody.
    pub(crate) fn passed(
        &self,
        at: &Position,
        to: &Move,
        health: &Health,
        now: Time,
        roads: &Roads,
        out: &mut Vec<Passed>,
    ) {
        let ask = Ask { plan: self, at, health, now, roads };
        let mut cursor = at.cursor.clone();
        for _ in 0..STEPS_MAX {
            let Some(step) = ask.settle(&mut cursor) else { return };
            // Before a machine of ours answers the second pass begins.
            let is_floor = cursor.frame.list != List::Full && self.is_floor(step);
            if cursor == to.cursor || cursor.pass == Pass::Second || is_floor {
                return;
            }
            for member in &step.members {
                if let Member::Target(id) = member
                    && at.party(*id).is_none()
                    && let Some(target) = self.target(*id)
                    && out.len() < PASSED_MAX
                {
                    let why = if to.act == Act::Leave { Why::Late } else { ask.choice().put_off(*id) };
                    let (file, line) = self.place(step.line);
                    let (name, file) = (Arc::clone(&target.name), file.cloned());
                    out.push(Passed { target: name, file, line, at: now, why });
                }
            }
            match to.act {
                Act::Leave => cursor.advance(),
                Act::Ring { .. } | Act::Wait(_) | Act::End => ask.leave(&mut cursor, step),
            }
        }
    }
}
