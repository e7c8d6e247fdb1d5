//! Where a call is in its plan: what was tried, what is rung, what is done.

use crate::emergency::Urgent;
use crate::path::Path;
use crate::plan::CourseId;
use crate::presentation::Reason;
use crate::target::{CarrierId, PeerId, TargetId};
use crate::verdict::{Go, Meaning};
use sip::Time;

/// Where one call stands. A value: [`Plan::next`](crate::Plan::next) reads it and nothing else of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// When the INVITE came.
    pub began: Time,
    /// When that was by the clock on the wall: seconds since 1970. Hours are judged by it once per call.
    pub unix: i64,
    /// The step that is being rung.
    pub cursor: Cursor,
    /// Everybody who was tried so far, in order.
    pub parties: Vec<Party>,
    /// Has somebody said that nobody else is to be rung, but what always answers?
    pub to_floor: bool,
    /// What was said to the caller.
    pub said: Vec<TargetId>,
    /// Peers that let an INVITE of this call go by in silence: what shares a failure domain with them is tried later.
    pub silent: Vec<PeerId>,
    /// INVITEs sent so far.
    pub invites: u32,
    /// When the last member of the current step was begun.
    pub last_begun: Time,
    /// How many legs may live at once: the request's Max-Breadth (RFC 5393 §5.3), at most [`LEGS_MAX`].
    pub breadth: usize,
    /// The course, closed or not, that the walk began with.
    pub root: Frame,
    /// What this call draws among SRV targets of one priority (RFC 2782).
    pub draw: u64,
    /// Why it rings no phone numbers, if it does not.
    pub confined: Option<Confined>,
    /// What is urgent about it, if anything is.
    pub urgent: Option<Urgent>,
}

/// Why a call rings no phone numbers: only who is reached by SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confined {
    /// Its caller's call is being sent out to a phone number at this moment: it is that call, forwarded to a number of ours.
    CameBack,
    /// It was forwarded too often before it came.
    ForwardedOften,
    /// Its course has sent out all that it may.
    Spent,
}

impl Confined {
    /// What the caller gets if nobody else could be rung.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::CameBack | Self::ForwardedOften => 482,
            // The carrier may have a way of its own.
            Self::Spent => 503,
        }
    }

    /// In a word, for lists and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CameBack => "came back",
            Self::ForwardedOften => "forwarded too often",
            Self::Spent => "cap reached",
        }
    }
}

/// INVITEs of one call. A plan that needs more is a fault; TRIGGERS I9.
pub const INVITES_MAX: u32 = 20;

/// Legs that live at once. A larger group is a PBX's to hunt; TRIGGERS I9.
pub const LEGS_MAX: usize = 10;

/// Which step, of which course, inside which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The steps that the courses around this one stand on, outermost first; empty in most plans.
    pub outer: Vec<Frame>,
    /// The step that is rung; past its list's end when the plan is at its end.
    pub frame: Frame,
    /// First or second time through.
    pub pass: Pass,
}

/// A step of one course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The course.
    pub course: CourseId,
    /// Which of its lists.
    pub list: List,
    /// The step, from 0.
    pub step: usize,
}

/// The lists of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `steps`.
    Steps,
    /// `closed`.
    Closed,
    /// `busy`.
    Busy,
    /// `full`.
    Full,
    /// All phones of the course, for a call back from those who were asked for help.
    Callback,
}

/// What is down is skipped the first time and tried the second: "all down" never means "reject everything".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// What is believed to be down is skipped.
    First,
    /// Everything that is left is tried.
    Second,
}

/// One destination of this call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub target: TargetId,
    /// Is a leg to it alive?
    pub live: bool,
    /// Has somebody answered there who is being asked to press 1?
    pub hears: bool,
    /// It is done for this call, and how; `None` while another path may be tried.
    pub done: Option<Meaning>,
    /// The paths that were tried.
    pub tried: Vec<Path>,
    /// Peers that failed it.
    pub barred_peers: Vec<PeerId>,
    /// Carriers that failed it.
    pub barred_carriers: Vec<CarrierId>,
    /// What carriers said of it that one other carrier may know better; the best of it.
    pub word: Option<Meaning>,
    /// How many have said so.
    pub doubts: u32,
}

impl Cursor {
    /// At a step of the outermost course.
    #[must_use]
    pub const fn new(frame: Frame, pass: Pass) -> Self {
        Self { outer: Vec::new(), frame, pass }
    }

    /// At the end of the plan.
    #[must_use]
    pub const fn end(root: Frame) -> Self {
        Self::new(Frame { step: usize::MAX, ..root }, Pass::Second)
    }

    /// The courses entered and not left yet, outermost first.
    pub fn frames(&self) -> impl Iterator<Item = Frame> {
        self.outer.iter().copied().chain([self.frame])
    }

    /// To the next step of its list.
    pub const fn advance(&mut self) {
        self.frame.step = self.frame.step.saturating_add(1);
    }

    /// Into a course inside.
    pub fn enter(&mut self, inner: Frame) {
        self.outer.push(core::mem::replace(&mut self.frame, inner));
    }

    /// Out into the course around; `None` if there is none.
    pub fn go_out(&mut self) -> Option<()> {
        self.frame = self.outer.pop()?;
        Some(())
    }
}

impl Position {
    /// At the first step of a course.
    #[must_use]
    pub fn new(root: Frame, breadth: usize, now: Time, unix: i64) -> Self {
        let cursor = Cursor::new(root, Pass::First);
        let breadth = breadth.min(LEGS_MAX);
        Self {
            began: now,
            unix,
            cursor,
            parties: Vec::with_capacity(1),
            to_floor: false,
            said: Vec::new(),
            silent: Vec::new(),
            invites: 0,
            last_begun: now,
            breadth,
            root,
            draw: 0,
            confined: None,
            urgent: None,
        }
    }

    /// What is known of a destination in this call.
    #[must_use]
    pub fn party(&self, target: TargetId) -> Option<&Party> {
        self.parties.iter().find(|party| party.target == target)
    }

    /// Legs that are alive.
    #[must_use]
    pub fn live(&self) -> usize {
        self.parties.iter().filter(|party| party.live).count()
    }

    /// Why the call goes to this destination: how the one before it came to its end.
    #[must_use]
    pub fn reason(&self, target: TargetId) -> Reason {
        let others = self.parties.iter().rev().filter(|party| party.target != target && !party.live);
        let before = others.map(|party| party.done.unwrap_or(Meaning::PathFailure)).next();
        let is_first = self.cursor.frames().all(|frame| frame.step == 0);
        match before {
            Some(Meaning::Busy | Meaning::Declined) => Reason::UserBusy,
            Some(Meaning::NoAnswer) => Reason::NoAnswer,
            Some(Meaning::Silence | Meaning::PathFailure | Meaning::NotFound) => Reason::Unavailable,
            None if self.root.list == List::Closed => Reason::TimeOfDay,
            None if is_first => Reason::Unconditional,
            // The steps before were passed over: all in them are down.
            None => Reason::Unavailable,
        }
    }

    /// A leg was begun.
    pub fn on_begun(&mut self, target: TargetId, path: Path, now: Time) {
        self.invites += 1;
        self.last_begun = now;
        if let Some(party) = self.party_mut(target) {
            (party.live, party.hears) = (true, false);
            party.tried.push(path);
        }
    }

    /// Somebody has answered there, and is being asked to press 1.
    pub fn on_hears(&mut self, target: TargetId) {
        self.parties.iter_mut().filter(|party| party.target == target).for_each(|party| party.hears = true);
    }

    fn party_mut(&mut self, target: TargetId) -> Option<&mut Party> {
        let place = self.parties.iter().position(|party| party.target == target).unwrap_or_else(|| {
            self.parties.push(Party::new(target));
            self.parties.len() - 1
        });
        self.parties.get_mut(place)
    }

    /// The INVITE of a leg was sent once more, changed: it counts as one more, and the destination is rung as before.
    pub fn on_again(&mut self) {
        self.invites += 1;
    }

    /// As if this destination were done, to see what would follow.
    pub fn pass_by(&mut self, target: TargetId) {
        if let Some(party) = self.party_mut(target) {
            (party.live, party.done) = (false, Some(Meaning::PathFailure));
        }
    }

    /// The leg to this destination is over: `go` says what may still be tried for it.
    pub fn on_over(
        &mut self,
        target: TargetId,
        peer: PeerId,
        carrier: Option<CarrierId>,
        go: Go,
        meaning: Meaning,
    ) {
        let Some(party) = self.parties.iter_mut().find(|party| party.target == target) else { return };
        party.live = false;
        // A destination that is given up says nothing of the way to it.
        let is_path = !matches!(go, Go::NextTarget | Go::Stop);
        if is_path && meaning == Meaning::Silence && !self.silent.contains(&peer) {
            self.silent.push(peer);
        }
        match go {
            Go::NextAddress => {}
            Go::NextTrunk => party.barred_peers.push(peer),
            Go::NextCarrier => party.bar(peer, carrier),
            Go::OtherCarrierOnce => {
                party.doubts += 1;
                party.word = party.word.max(Some(meaning));
                party.bar(peer, carrier);
                if party.doubts > 1 {
                    party.done = party.word;
                }
            }
            Go::NextTarget | Go::Stop => party.done = Some(meaning),
        }
    }
}

impl Party {
    /// What it comes down to, if no other way is left.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        self.done.or(self.word)
    }

    const fn new(target: TargetId) -> Self {
        Self {
            target,
            live: false,
            hears: false,
            done: None,
            tried: Vec::new(),
            barred_peers: Vec::new(),
            barred_carriers: Vec::new(),
            word: None,
            doubts: 0,
        }
    }

    fn bar(&mut self, peer: PeerId, carrier: Option<CarrierId>) {
        match carrier {
            Some(carrier) => self.barred_carriers.push(carrier),
            None => self.barred_peers.push(peer),
        }
    }
}
