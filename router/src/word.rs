//! What is said to the caller before a step: an announcement that answers nobody's call. It is worth no call: what cannot be said at
//! once is passed by.

use crate::next::{Act, Ask};
use crate::plan::Step;
use crate::position::{Pass, Position};
use crate::target::TargetId;
use core::time::Duration;

/// How much longer than it lasts something that is said is waited for: an agent that hangs costs no call more.
pub const SPARE: Duration = Duration::from_secs(2);

impl Ask<'_> {
    /// What comes before this move of a step: what is to be said, if it has not been said in this call. Only a step that rings
    /// somebody says anything: who is passed over is passed over without a word.
    pub(crate) fn after_word(&self, step: &Step, act: Option<Act>) -> Option<Act> {
        let (Some(word), Some(Act::Ring { target, .. })) = (step.say, act) else { return act };
        match self.at.party(word) {
            Some(party) if party.live => return Some(Act::Wait(self.live_by().filter(|by| *by > self.now))),
            Some(_) => return act,
            None => {}
        }
        // In the midst of a step nobody is interrupted by it.
        let rings = |id: TargetId| id != target && self.at.party(id).is_some_and(|party| party.live);
        let is_heard = self.at.said.contains(&word) || step.rings().any(rings);
        let way = self.choice().best(word, Pass::First).filter(|_| !is_heard);
        let ring = self.plan.target(word).map_or(Duration::ZERO, |word| word.ring);
        way.map_or(act, |(peer, path)| {
            let (declined, line) = (step.declined, step.line);
            Some(Act::Ring { target: word, peer, path, ring, declined, line })
        })
    }
}

impl Position {
    /// This was said, or cannot be: nobody was rung by it.
    pub fn on_said(&mut self, word: TargetId) {
        self.parties.retain(|party| party.target != word);
        self.said.push(word);
    }
}
