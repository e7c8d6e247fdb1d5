//! How a family of peers uses SIP codes, in both directions.

use crate::verdict::CodeRule;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One dialect. The default speaks as the table of TRIGGERS does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What people call it; empty for none.
    pub name: Arc<str>,
    /// What its statuses mean to us, where that differs from the table.
    pub codes: BTreeMap<u16, CodeRule>,
    /// Which answers to OPTIONS mean that it is alive; empty for every one. 401 and 407 always do, 408, 503 and
    /// 504 never.
    pub alive: Vec<u16>,
    /// After which of our answers to its calls it goes on to somebody else.
    pub next: Vec<u16>,
    /// Which of our answers it takes for the end of the call.
    pub stop: Vec<u16>,
    /// What it is answered if everybody rang and nobody answered: 480 ends the call, 503 sends it on to its own next step.
    pub ring_out: u16,
}

impl Default for Dialect {
    fn default() -> Self {
        let (codes, name) = (BTreeMap::new(), "".into());
        Self { name, codes, alive: Vec::new(), next: Vec::new(), stop: Vec::new(), ring_out: RING_OUT }
    }
}

impl Dialect {
    /// Does this answer to OPTIONS say that it is alive?
    #[must_use]
    pub fn is_alive(&self, status: u16) -> bool {
        // Whoever asks for credentials takes calls, from those who have them.
        matches!(status, 401 | 407)
            || !matches!(status, 408 | 503 | 504) && (self.alive.is_empty() || self.alive.contains(&status))
    }

    /// The status that says there what we mean by this one: that its sender goes on to another of its ways, since ours
    /// have failed; or that the call is over, since somebody has decided so.
    #[must_use]
    pub fn word(&self, status: u16) -> u16 {
        let does = |status: &u16| self.goes_on(*status);
        match (status, does(&status)) {
            (408 | 500..=599, Some(false) | None) if does(&503) == Some(true) => 503,
            (404 | 480 | 486 | 600..=699, Some(true)) => {
                let ends = |status: &&u16| does(status) == Some(false);
                let known = OVER.iter().find(ends);
                known.or_else(|| OVER.iter().find(|status| does(status).is_none())).copied().unwrap_or(status)
            }
            (_, _) => status,
        }
    }

    /// What it does with a call that we answer so; `None` if that is not known.
    #[must_use]
    pub fn goes_on(&self, status: u16) -> Option<bool> {
        if self.next.contains(&status) {
            return Some(true);
        }
        self.stop.contains(&status).then_some(false)
    }
}

/// Ways to say that a call is over: the kindest first.
const OVER: [u16; 4] = [486, 480, 603, 404];

/// Nobody answered, and there is no more to try (RFC 3261 §21.4.18).
pub const RING_OUT: u16 = 480;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_every_answer_is_life_but_those_that_say_that_nobody_was_asked() {
        let plain = Dialect::default();
        assert!([200, 404, 405, 480, 500].into_iter().all(|status| plain.is_alive(status)));
        assert!(![408, 503, 504].into_iter().any(|status| plain.is_alive(status)));
        assert_eq!((plain.ring_out, plain.goes_on(503)), (480, None));
    }

    #[test]
    fn with_a_list_nothing_else_is_life_and_503_never() {
        let picky = Dialect { alive: vec![200, 503], ..Dialect::default() };
        assert_eq!([200, 404, 503].map(|status| picky.is_alive(status)), [true, false, false]);
        assert_eq!([401, 407].map(|status| picky.is_alive(status)), [true, true], "a challenge is life");
    }

    #[test]
    fn it_is_answered_by_what_means_the_same_there() {
        let plain = Dialect::default();
        assert!([404, 408, 480, 486, 500, 503, 603].into_iter().all(|status| plain.word(status) == status));
        // Goes on after 503 alone, and after a "declined" of all things.
        let odd = Dialect { next: vec![503, 603, 404], stop: vec![480], ..Dialect::default() };
        let said = [500, 408, 503, 603, 404, 486, 480].map(|status| odd.word(status));
        assert_eq!(said, [503, 503, 503, 480, 480, 486, 480]);
        let eager = Dialect { next: vec![603], ..Dialect::default() };
        assert_eq!([eager.word(603), eager.word(500)], [486, 500]);
    }

    #[test]
    fn what_it_does_with_our_answers_is_known_or_not() {
        let telnyx = Dialect { next: vec![503], stop: vec![603], ..Dialect::default() };
        assert_eq!([503, 603, 488].map(|status| telnyx.goes_on(status)), [Some(true), Some(false), None]);
    }
}
