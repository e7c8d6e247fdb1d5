//! What an outcome means: how far to go next, how it ranks as an answer, what it says of the path's health, and what is
//! to be remembered of it. The table of TRIGGERS, sections 2 and 3, as one total function.
//!
//! A registered phone's column comes with a registrar: there is none here yet that could reach it.

use crate::health::{Mark, Sign};
use crate::inside::Unconfirmed;
use crate::outcome::{Outcome, Reached, Said};
use crate::plan::{Declined, Plan};
use crate::position::Position;
use crate::q850::{self, Fault};
use crate::target::Peer;
use core::fmt;
use core::time::Duration;

/// What the plan file or a dialect may say a status means at one peer (`codes = { 404 = "next trunk" }`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRule {
    /// `next`: this destination is done, the next one is rung.
    Next,
    /// `next trunk`: the path failed, the same destination is tried by another.
    NextTrunk,
    /// `next carrier`: the carrier failed, the same destination is tried by another.
    NextCarrier,
    /// `busy`: this destination is busy.
    Busy,
    /// `stop`: the walk ends.
    Stop,
    /// `no channel`: the peer has no room for one more call.
    NoChannel,
    /// `too fast`: the peer takes so many calls a second and no more.
    TooFast,
    /// `bad cli`: the peer does not accept the caller's number.
    BadCli,
}

/// What the plan says of a status at one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The operator's own word: beats everything.
    pub own: Option<CodeRule>,
    /// The dialect's: beats the table, not a cause that came with the status.
    pub dialect: Option<CodeRule>,
}

/// Who said it: the column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A carrier's trunk, on a leg to a phone number.
    Trunk,
    /// A site or service reached by SIP itself.
    Site,
}

/// What happened, to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// At whom.
    pub speaker: Speaker,
    /// How the leg ended.
    pub outcome: Outcome,
    /// How far it had come.
    pub reached: Reached,
    /// How long after its INVITE.
    pub took: Duration,
}

/// How far to go for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Go {
    /// The path failed: another address of the same peer, then another peer.
    NextAddress,
    /// The peer failed: another trunk of the same carrier, then another carrier.
    NextTrunk,
    /// The carrier failed: another carrier.
    NextCarrier,
    /// The number is at fault, or the carrier's idea of it: one other carrier, then the next destination.
    OtherCarrierOnce,
    /// The destination is done for this call.
    NextTarget,
    /// The walk ends.
    Stop,
}

/// What is changed in the request for another try at the same hop, before anybody else is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// The credentials that the peer asks for (401, 407): once, and once more if the nonce was stale.
    Credentials,
    /// A session timer as long as the peer asks for (422): once.
    SessionTimer,
    /// A stream instead of datagrams (513): once.
    Stream,
    /// The place that a redirection names (3xx), if the plan allows it: twice in a row.
    Follow,
    /// Nobody is asked to press 1: whoever would ask cannot.
    Unasked,
    /// Another way to present who calls (403, 428, 433, 436 to 438, causes that say so): each other form once.
    Presentation,
}

impl Fix {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Credentials,
        Self::SessionTimer,
        Self::Stream,
        Self::Follow,
        Self::Unasked,
        Self::Presentation,
    ];
}

/// How good an answer it is for the caller if nothing better comes (by meaning, not by number; TRIGGERS I8). Higher
/// is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Nothing but silence: a 408 made here ranks below any peer's answer.
    Silence,
    /// The way there failed.
    PathFailure,
    /// The number is not known there.
    NotFound,
    /// Nobody answered.
    NoAnswer,
    /// A person declined.
    Declined,
    /// A person or an office is busy.
    Busy,
}

/// What follows from an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far to go.
    pub go: Go,
    /// How it ranks as an answer.
    pub meaning: Meaning,
    /// What it says of the path.
    pub sign: Option<Sign>,
    /// What is to be remembered of it.
    pub mark: Option<Mark>,
    /// What to change for another try at the same hop; if that is not possible, or was done, `go` is what follows.
    pub fix: Option<Fix>,
}

/// A final response within this time and without ringing came from a machine: no phone was asked.
pub const FAST: Duration = Duration::from_millis(500);

/// Judges what happened. A rule of the plan overrides the table, never the rule that somebody who was rung is not rung
/// again by another path.
#[must_use]
pub fn verdict(case: Case, rules: Rules) -> Verdict {
    let Case { speaker, outcome, reached, .. } = case;
    let verdict = match outcome {
        Outcome::Silent(_) => row(Go::NextAddress, Meaning::Silence, Some(Sign::Miss)),
        Outcome::Unreachable | Outcome::Lost => {
            row(Go::NextAddress, Meaning::PathFailure, Some(Sign::Unreachable))
        }
        Outcome::Stalled(_) => row(by(speaker, Go::NextCarrier), Meaning::Silence, Some(Sign::Soft)),
        Outcome::RangOut(_) => row(Go::NextTarget, Meaning::NoAnswer, None),
        // Nobody was rung.
        Outcome::Spoken => row(Go::NextTarget, Meaning::Silence, None),
        // Our own word: what the plan says of the carrier's is not meant.
        Outcome::Unconfirmed(Unconfirmed::Declined) => alive(Go::NextTarget, Meaning::Declined),
        Outcome::Unconfirmed(
            Unconfirmed::Unpressed | Unconfirmed::HungUp | Unconfirmed::ToMessage | Unconfirmed::Mute,
        ) => alive(Go::NextTarget, Meaning::NoAnswer),
        Outcome::Unasked(_) => fixed(row(Go::NextTarget, Meaning::PathFailure, None), Fix::Unasked),
        Outcome::Broken => row(by(speaker, Go::NextTrunk), Meaning::PathFailure, Some(Sign::Soft)),
        Outcome::Refused(said) => refused(case, said, rules),
    };
    if may_go_on(outcome, reached) { verdict } else { leave(verdict) }
}

/// Judges how a leg to a peer ended, by what the plan says of it.
#[must_use]
pub fn judged(peer: &Peer, outcome: Outcome, reached: Reached, took: Duration) -> Verdict {
    let speaker = if peer.carrier().is_some() { Speaker::Trunk } else { Speaker::Site };
    let status = outcome.status();
    let own = status.and_then(|status| peer.codes.get(&status).copied());
    let dialect = status.and_then(|status| peer.dialect.codes.get(&status).copied());
    verdict(Case { speaker, outcome, reached, took }, Rules { own, dialect })
}

impl Verdict {
    /// Is the walk over by it, whoever else could be rung?
    #[must_use]
    pub fn ends(&self, plan: &Plan, at: &Position, declined: Declined, status: Option<u16>) -> bool {
        let strict = plan.strict_6xx && at.urgent.is_none() && status.is_some_and(|status| status >= 600);
        // 433 is a machine's: nobody has declined anything.
        let has_declined = self.meaning == Meaning::Declined && status.is_some_and(|status| status != 433);
        self.go == Go::Stop || strict || has_declined && declined == Declined::Stop
    }
}

/// May the same destination still be tried by another path? Not once a phone has rung, or the caller has been given
/// media. A 183 without media may be a gateway's: only a failure of the network goes on from there (TRIGGERS, section 1).
fn may_go_on(outcome: Outcome, reached: Reached) -> bool {
    let Outcome::Refused(Said { status, cause, .. }) = outcome else { return reached < Reached::Media };
    match reached {
        Reached::Nobody => !matches!(status, 607 | 608),
        Reached::Progress => match cause.and_then(q850::fault) {
            Some(fault) => matches!(fault, Fault::Network | Fault::Capacity | Fault::Timeout),
            None => matches!(status, 500..=599),
        },
        Reached::Media | Reached::Rang => false,
    }
}

const fn leave(verdict: Verdict) -> Verdict {
    match verdict.go {
        Go::Stop => verdict,
        Go::NextAddress | Go::NextTrunk | Go::NextCarrier | Go::OtherCarrierOnce | Go::NextTarget => {
            Verdict { go: Go::NextTarget, fix: None, ..verdict }
        }
    }
}

const fn row(go: Go, meaning: Meaning, sign: Option<Sign>) -> Verdict {
    Verdict { go, meaning, sign, mark: None, fix: None }
}

/// A row of an answer that proves the path to be well.
const fn alive(go: Go, meaning: Meaning) -> Verdict {
    row(go, meaning, Some(Sign::Alive { round_trip: None, resent: 0 }))
}

const fn fixed(verdict: Verdict, fix: Fix) -> Verdict {
    Verdict { fix: Some(fix), ..verdict }
}

const fn marked(verdict: Verdict, mark: Mark) -> Verdict {
    Verdict { mark: Some(mark), ..verdict }
}

/// A failure of the way at a trunk; at a site the destination itself is done.
const fn by(speaker: Speaker, trunk: Go) -> Go {
    match speaker {
        Speaker::Trunk => trunk,
        Speaker::Site => Go::NextTarget,
    }
}

/// The operator's word, else the cause's, else the dialect's, else the table's.
fn refused(case: Case, said: Said, rules: Rules) -> Verdict {
    let speaker = case.speaker;
    let table = || by_status(case, said);
    if let Some(rule) = rules.own {
        return ruled(speaker, rule, table());
    }
    if let Some(fault) = said.cause.and_then(q850::fault) {
        return by_cause(case, fault, said);
    }
    rules.dialect.map_or_else(table, |rule| ruled(speaker, rule, table()))
}

fn ruled(speaker: Speaker, rule: CodeRule, table: Verdict) -> Verdict {
    let (go, meaning) = match rule {
        // Whoever says so of a busy means that nobody is.
        CodeRule::Next if table.meaning == Meaning::Busy => (Go::NextTarget, Meaning::NoAnswer),
        CodeRule::Next => (Go::NextTarget, table.meaning),
        CodeRule::NextTrunk => (Go::NextTrunk, Meaning::PathFailure),
        CodeRule::NextCarrier => (Go::NextCarrier, Meaning::PathFailure),
        CodeRule::Busy => (Go::NextTarget, Meaning::Busy),
        CodeRule::Stop => (Go::Stop, table.meaning),
        CodeRule::NoChannel => return full(speaker, Go::NextTrunk, None),
        CodeRule::TooFast => return full(speaker, Go::NextTrunk, Some(1)),
        CodeRule::BadCli => return identity(speaker),
    };
    Verdict { go, meaning, fix: None, ..table }
}

fn by_cause(case: Case, fault: Fault, said: Said) -> Verdict {
    let Case { speaker, reached, took, .. } = case;
    match fault {
        Fault::Busy => alive(Go::NextTarget, Meaning::Busy),
        Fault::NoAnswer => alive(Go::NextTarget, Meaning::NoAnswer),
        // What declines at once is no person: it may be who calls that it does not like.
        Fault::Declined if took <= FAST && reached == Reached::Nobody => {
            fixed(alive(Go::NextTarget, Meaning::Declined), Fix::Presentation)
        }
        Fault::Declined => alive(Go::NextTarget, Meaning::Declined),
        Fault::Number => unknown(speaker),
        Fault::Network => row(by(speaker, Go::NextCarrier), Meaning::PathFailure, Some(Sign::Soft)),
        Fault::Capacity => full(speaker, Go::NextCarrier, said.retry_after),
        Fault::Identity => identity(speaker),
        Fault::Media => misfit(speaker),
        Fault::Timeout => timeout(speaker),
    }
}

fn by_status(case: Case, said: Said) -> Verdict {
    use Meaning::{Busy, Declined, NoAnswer, PathFailure};
    let Case { speaker, reached, took, .. } = case;
    let fast = took <= FAST && reached == Reached::Nobody && said.cause.is_none();
    let at_trunk = speaker == Speaker::Trunk;
    match said.status {
        300..=399 => {
            let row = marked(alive(by(speaker, Go::NextCarrier), PathFailure), Mark::Redirected);
            if at_trunk { row } else { fixed(row, Fix::Follow) }
        }
        401 | 407 => fixed(alive(by(speaker, Go::NextCarrier), PathFailure), Fix::Credentials),
        428 | 436..=438 => identity(speaker),
        402 => marked(alive(by(speaker, Go::NextCarrier), PathFailure), Mark::NoCredit),
        403 => marked(identity(speaker), Mark::Forbidden),
        404 | 410 | 484 | 485 | 604 => unknown(speaker),
        408 if reached >= Reached::Progress => alive(Go::NextTarget, NoAnswer),
        408 => row(by(speaker, Go::NextTrunk), PathFailure, Some(Sign::Miss)),
        430 | 481 => alive(by(speaker, Go::NextTrunk), PathFailure),
        422 => fixed(misfit(speaker), Fix::SessionTimer),
        433 => fixed(alive(Go::NextTarget, Declined), Fix::Presentation),
        // 487 without a CANCEL of ours: whatever ended it there, our caller is still waiting.
        480 | 487 => alive(Go::NextTarget, NoAnswer),
        // "Already there", or a loop: the same destination by another path would meet the same answer.
        482 | 483 => marked(alive(Go::NextTarget, PathFailure), Mark::Loop),
        // A machine's "busy" may be the trunk's: one other carrier is asked.
        486 | 600 if fast && at_trunk => marked(alive(Go::OtherCarrierOnce, Busy), Mark::InstantBusy),
        486 | 600 => alive(Go::NextTarget, Busy),
        // RFC 3263 §4.3 sends a 503 on to the next address, at a site with two addresses as well.
        503 => {
            let go = if at_trunk { Go::NextTrunk } else { Go::NextAddress };
            row(go, PathFailure, Some(Sign::Unavailable(said.retry_after)))
        }
        504 => timeout(speaker),
        505 | 606 => misfit(speaker),
        513 => fixed(misfit(speaker), Fix::Stream),
        500..=599 => row(by(speaker, Go::NextTrunk), PathFailure, Some(Sign::Soft)),
        603 if fast && at_trunk => marked(alive(Go::NextTarget, Declined), Mark::InstantBusy),
        600..=699 => alive(Go::NextTarget, Declined),
        // Every other 4xx as 400 (RFC 3261 §8.1.3.2): this carrier will not have it.
        _ => misfit(speaker),
    }
}

/// 404: the number is at fault, or the carrier's idea of it; at a site that number only, not the site.
fn unknown(speaker: Speaker) -> Verdict {
    marked(alive(by(speaker, Go::OtherCarrierOnce), Meaning::NotFound), Mark::Unknown)
}

/// 403: who calls is at fault.
fn identity(speaker: Speaker) -> Verdict {
    fixed(alive(by(speaker, Go::NextCarrier), Meaning::PathFailure), Fix::Presentation)
}

/// 400: what was asked is at fault.
fn misfit(speaker: Speaker) -> Verdict {
    marked(alive(by(speaker, Go::NextCarrier), Meaning::PathFailure), Mark::Misfit)
}

/// 504.
fn timeout(speaker: Speaker) -> Verdict {
    row(by(speaker, Go::NextCarrier), Meaning::PathFailure, Some(Sign::Miss))
}

/// No room for one more call: no word against the path. All lines of a site are engaged: it is busy.
fn full(speaker: Speaker, trunk: Go, seconds: Option<u32>) -> Verdict {
    let row = match speaker {
        Speaker::Trunk => alive(trunk, Meaning::PathFailure),
        Speaker::Site => alive(Go::NextTarget, Meaning::Busy),
    };
    marked(row, Mark::Full(seconds))
}

/// In words for records.
impl fmt::Display for Fix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials => write!(out, "with credentials"),
            Self::SessionTimer => write!(out, "with a longer session timer"),
            Self::Stream => write!(out, "over TCP"),
            Self::Follow => write!(out, "redirected"),
            Self::Presentation => write!(out, "with another caller"),
            Self::Unasked => write!(out, "without asking for 1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::Cause;

    /// Of which codes; how far to go at a trunk, at a site; the meaning; and what else follows.
    type Row<Code, Also> = (&'static [Code], Go, Go, Meaning, Option<Also>);

    const SLOW: Duration = Duration::from_secs(3);

    fn case(speaker: Speaker, said: Said, reached: Reached, took: Duration) -> Case {
        Case { speaker, outcome: Outcome::Refused(said), reached, took }
    }

    fn judged(speaker: Speaker, status: u16, reached: Reached) -> Verdict {
        verdict(case(speaker, Said::plain(status), reached, SLOW), Rules::default())
    }

    fn said(speaker: Speaker, status: u16, reached: Reached) -> (Go, Meaning) {
        let verdict = judged(speaker, status, reached);
        (verdict.go, verdict.meaning)
    }

    #[test]
    fn of_who_answered_and_did_not_press_1_nothing_is_said_that_stands_in_the_plan_for_his_carrier() {
        let rules = Rules { own: Some(CodeRule::Stop), dialect: Some(CodeRule::NextCarrier) };
        let judged = |why| {
            let outcome = Outcome::Unconfirmed(why);
            verdict(Case { speaker: Speaker::Trunk, outcome, reached: Reached::Rang, took: SLOW }, rules)
        };
        assert_eq!(judged(Unconfirmed::Declined), alive(Go::NextTarget, Meaning::Declined));
        for why in [Unconfirmed::Unpressed, Unconfirmed::HungUp, Unconfirmed::ToMessage, Unconfirmed::Mute] {
            assert_eq!(judged(why), alive(Go::NextTarget, Meaning::NoAnswer));
        }
    }

    #[test]
    fn each_row_of_the_table_says_how_far_to_go() {
        use Go::{NextAddress, NextCarrier, NextTarget, NextTrunk, OtherCarrierOnce};
        use Meaning::{Busy, Declined, NoAnswer, NotFound, PathFailure};
        #[rustfmt::skip]
        let rows: &[Row<u16, Mark>] = &[
            // statuses, at a trunk, at a site, meaning, what is remembered
            (&[300, 301, 302, 305, 380, 399], NextCarrier, NextTarget, PathFailure, Some(Mark::Redirected)),
            (&[400, 405, 406, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 469, 488, 493, 494, 499], NextCarrier, NextTarget, PathFailure, Some(Mark::Misfit)),
            (&[401, 407, 428, 436, 437, 438], NextCarrier, NextTarget, PathFailure, None),
            (&[402], NextCarrier, NextTarget, PathFailure, Some(Mark::NoCredit)),
            (&[403], NextCarrier, NextTarget, PathFailure, Some(Mark::Forbidden)),
            (&[404, 410, 484, 485, 604], OtherCarrierOnce, NextTarget, NotFound, Some(Mark::Unknown)),
            (&[408, 430, 481], NextTrunk, NextTarget, PathFailure, None),
            (&[433], NextTarget, NextTarget, Declined, None),
            (&[480, 487], NextTarget, NextTarget, NoAnswer, None),
            (&[482, 483], NextTarget, NextTarget, PathFailure, Some(Mark::Loop)),
            (&[486, 600], NextTarget, NextTarget, Busy, None),
            (&[500, 501, 502, 580, 599], NextTrunk, NextTarget, PathFailure, None),
            (&[503], NextTrunk, NextAddress, PathFailure, None),
            (&[504], NextCarrier, NextTarget, PathFailure, None),
            (&[505, 513, 606], NextCarrier, NextTarget, PathFailure, Some(Mark::Misfit)),
            (&[603, 607, 608, 699], NextTarget, NextTarget, Declined, None),
        ];
        for (statuses, trunk, site, meaning, mark) in rows {
            for &status in *statuses {
                assert_eq!(said(Speaker::Trunk, status, Reached::Nobody), (*trunk, *meaning), "{status}");
                assert_eq!(said(Speaker::Site, status, Reached::Nobody), (*site, *meaning), "{status}");
                assert_eq!(judged(Speaker::Site, status, Reached::Nobody).mark, *mark, "{status}");
            }
        }
    }

    #[test]
    fn a_cause_beats_the_status() {
        use Go::{NextCarrier, NextTarget, OtherCarrierOnce};
        use Meaning::{Busy, Declined, NoAnswer, NotFound, PathFailure};
        let alive = Some(Sign::Alive { round_trip: None, resent: 0 });
        #[rustfmt::skip]
        let rows: &[Row<u8, Sign>] = &[
            // causes, at a trunk, at a site, meaning, health
            (&[17], NextTarget, NextTarget, Busy, alive),
            (&[18, 19, 20, 31], NextTarget, NextTarget, NoAnswer, alive),
            (&[21], NextTarget, NextTarget, Declined, alive),
            (&[1, 22, 26, 28], OtherCarrierOnce, NextTarget, NotFound, alive),
            (&[2, 3, 27, 38, 41, 43, 46, 47, 58, 63], NextCarrier, NextTarget, PathFailure, Some(Sign::Soft)),
            (&[29, 50, 57, 65, 79, 88], NextCarrier, NextTarget, PathFailure, alive),
            (&[34, 42, 44], NextCarrier, NextTarget, PathFailure, alive),
            (&[102], NextCarrier, NextTarget, PathFailure, Some(Sign::Miss)),
        ];
        for (causes, trunk, site, meaning, sign) in rows {
            for &value in *causes {
                let said = Said { cause: Some(Cause { value, location: None }), ..Said::plain(480) };
                let judge = |speaker| verdict(case(speaker, said, Reached::Nobody, SLOW), Rules::default());
                let at_trunk = judge(Speaker::Trunk);
                assert_eq!(
                    (at_trunk.go, at_trunk.meaning, at_trunk.sign),
                    (*trunk, *meaning, *sign),
                    "{value}"
                );
                assert_eq!(judge(Speaker::Site).go, *site, "{value}");
            }
        }
        for value in [16, 111, 127] {
            let said = Said { cause: Some(Cause { value, location: None }), ..Said::plain(486) };
            let verdict = verdict(case(Speaker::Trunk, said, Reached::Nobody, FAST), Rules::default());
            assert_eq!((verdict.go, verdict.meaning), (NextTarget, Busy), "{value} says nothing itself");
        }
    }

    #[test]
    fn a_peer_without_room_is_full_and_not_ill() {
        let said = Said {
            retry_after: Some(7),
            cause: Some(Cause { value: 34, location: None }),
            ..Said::plain(503)
        };
        let judge = |speaker| verdict(case(speaker, said, Reached::Nobody, FAST), Rules::default());
        let alive = Some(Sign::Alive { round_trip: None, resent: 0 });
        assert_eq!(
            (judge(Speaker::Trunk).sign, judge(Speaker::Trunk).mark),
            (alive, Some(Mark::Full(Some(7))))
        );
        assert_eq!((judge(Speaker::Site).go, judge(Speaker::Site).meaning), (Go::NextTarget, Meaning::Busy));
    }

    #[test]
    fn a_machine_that_says_busy_at_once_is_asked_about_by_one_other_carrier() {
        let judge = |speaker, reached, took| {
            let verdict = verdict(case(speaker, Said::plain(486), reached, took), Rules::default());
            (verdict.go, verdict.meaning)
        };
        assert_eq!(judge(Speaker::Trunk, Reached::Nobody, FAST), (Go::OtherCarrierOnce, Meaning::Busy));
        assert_eq!(judge(Speaker::Trunk, Reached::Nobody, SLOW), (Go::NextTarget, Meaning::Busy));
        assert_eq!(judge(Speaker::Trunk, Reached::Rang, FAST), (Go::NextTarget, Meaning::Busy));
        assert_eq!(judge(Speaker::Site, Reached::Nobody, FAST), (Go::NextTarget, Meaning::Busy));
    }

    #[test]
    fn whoever_rang_is_not_rung_by_another_path() {
        for status in 300..700 {
            let after_ringing = said(Speaker::Trunk, status, Reached::Rang).0;
            assert_eq!(after_ringing, Go::NextTarget, "{status}");
        }
        // 183 alone may be a gateway's announcement: a 5xx may still go on by another path, unless media began.
        assert_eq!(said(Speaker::Trunk, 500, Reached::Progress).0, Go::NextTrunk);
        assert_eq!(said(Speaker::Trunk, 404, Reached::Progress).0, Go::NextTarget);
        assert_eq!(said(Speaker::Trunk, 500, Reached::Media).0, Go::NextTarget);
        let after_183 = |value| {
            let said = Said { cause: Some(Cause { value, location: None }), ..Said::plain(480) };
            verdict(case(Speaker::Trunk, said, Reached::Progress, SLOW), Rules::default()).go
        };
        assert_eq!(after_183(38), Go::NextCarrier);
        assert_eq!(after_183(1), Go::NextTarget);
    }

    #[test]
    fn a_refusal_that_can_be_met_is_met_before_anybody_rang() {
        let fix = |status, reached, own| {
            let rules = Rules { own, dialect: None };
            [Speaker::Trunk, Speaker::Site]
                .map(|speaker| verdict(case(speaker, Said::plain(status), reached, SLOW), rules).fix)
        };
        for status in 300..700 {
            let at_site = (300..400).contains(&status).then_some(Fix::Follow);
            let expected = match status {
                401 | 407 => Some(Fix::Credentials),
                422 => Some(Fix::SessionTimer),
                513 => Some(Fix::Stream),
                403 | 428 | 433 | 436..=438 => Some(Fix::Presentation),
                _ => None,
            };
            assert_eq!(fix(status, Reached::Nobody, None), [expected, expected.or(at_site)], "{status}");
        }
        assert_eq!(fix(407, Reached::Progress, None), [None; 2]);
        assert_eq!(fix(407, Reached::Nobody, Some(CodeRule::Next)), [None; 2]);
        assert_eq!(fix(480, Reached::Nobody, Some(CodeRule::BadCli)), [Some(Fix::Presentation); 2]);
        let declined = |took| {
            let said = Said { cause: Some(Cause { value: 21, location: None }), ..Said::plain(603) };
            verdict(case(Speaker::Trunk, said, Reached::Nobody, took), Rules::default()).fix
        };
        assert_eq!([declined(FAST), declined(SLOW)], [Some(Fix::Presentation), None]);
    }

    #[test]
    fn the_plan_file_overrides_the_table_and_the_cause_and_a_dialect_only_the_table() {
        let judge = |rules, said, reached| verdict(case(Speaker::Trunk, said, reached, SLOW), rules);
        let own = |rule| Rules { own: Some(rule), dialect: None };
        let dialect = |rule| Rules { own: None, dialect: Some(rule) };
        let plain = Said::plain(404);
        let busy = Said { cause: Some(Cause { value: 17, location: None }), ..plain };
        assert_eq!(judge(own(CodeRule::Busy), plain, Reached::Nobody).meaning, Meaning::Busy);
        assert_eq!(judge(own(CodeRule::NextTrunk), busy, Reached::Nobody).go, Go::NextTrunk);
        let next = judge(own(CodeRule::Next), Said::plain(486), Reached::Nobody);
        assert_eq!((next.go, next.meaning), (Go::NextTarget, Meaning::NoAnswer));
        assert_eq!(judge(own(CodeRule::Stop), plain, Reached::Rang).go, Go::Stop);
        assert_eq!(judge(own(CodeRule::NextTrunk), plain, Reached::Rang).go, Go::NextTarget);
        assert_eq!(judge(dialect(CodeRule::NextTrunk), plain, Reached::Nobody).go, Go::NextTrunk);
        assert_eq!(judge(dialect(CodeRule::NextTrunk), busy, Reached::Nobody).meaning, Meaning::Busy);
        assert_eq!(judge(dialect(CodeRule::NoChannel), plain, Reached::Nobody).mark, Some(Mark::Full(None)));
        assert_eq!(judge(dialect(CodeRule::TooFast), plain, Reached::Nobody).mark, Some(Mark::Full(Some(1))));
        assert_eq!(judge(dialect(CodeRule::BadCli), plain, Reached::Nobody).go, Go::NextCarrier);
    }

    #[test]
    fn what_nobody_wants_to_hear_again_is_tried_by_no_other_carrier() {
        for status in [607, 608] {
            let rules = Rules { own: Some(CodeRule::NextCarrier), dialect: None };
            let verdict = verdict(case(Speaker::Trunk, Said::plain(status), Reached::Nobody, FAST), rules);
            assert_eq!(verdict.go, Go::NextTarget, "{status}");
        }
    }

    #[test]
    fn health_hears_what_the_table_says() {
        let sign = |outcome| {
            let case = Case { speaker: Speaker::Trunk, outcome, reached: Reached::Nobody, took: SLOW };
            verdict(case, Rules::default()).sign
        };
        let refused =
            |status, retry_after| sign(Outcome::Refused(Said { retry_after, ..Said::plain(status) }));
        assert_eq!(sign(Outcome::Silent(Duration::from_secs(2))), Some(Sign::Miss));
        assert_eq!(sign(Outcome::Unreachable), Some(Sign::Unreachable));
        assert_eq!(sign(Outcome::Stalled(Duration::from_secs(8))), Some(Sign::Soft));
        assert_eq!(sign(Outcome::RangOut(Duration::from_secs(20))), None);
        assert_eq!(refused(503, Some(7)), Some(Sign::Unavailable(Some(7))));
        assert_eq!(refused(500, None), Some(Sign::Soft));
        assert_eq!(refused(504, None), Some(Sign::Miss));
        assert_eq!(refused(408, None), Some(Sign::Miss));
        assert_eq!(refused(486, None), Some(Sign::Alive { round_trip: None, resent: 0 }));
    }
}
