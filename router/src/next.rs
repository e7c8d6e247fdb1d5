//! The one decision: what a call does next. Asked by the live router, the simulator and every explanation.

use crate::door::Path;
use crate::health::{Health, Standing};
use crate::plan::{Course, CourseId, Member, Plan, Step};
use crate::position::{Cursor, Frame, INVITES_MAX, List, Party, Pass, Position};
use crate::roads::Roads;
use crate::target::{PeerId, PeerKind, Reach, TargetId, TargetKind};
use crate::verdict::Meaning;
use core::time::Duration;
use sip::Time;

/// What a call does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The step this belongs to. Where it is not the position's, the legs that live are given up first.
    pub cursor: Cursor,
    /// What to do.
    pub act: Act,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ring this destination by this path now, then ask again.
    Ring {
        /// Who.
        target: TargetId,
        /// By which peer.
        peer: PeerId,
        /// By which path.
        path: Path,
        /// How long it may ring.
        ring: Duration,
        /// The line of the step in the plan file.
        line: u32,
    },
    /// Nothing to begin: ask again when a leg is over, or at this time.
    Wait(Option<Time>),
    /// Nobody is left.
    End,
}

/// How long a whole walk may take: under Timer C (RFC 3261 §16.6 step 11), which is a backstop and not a plan.
pub const WALK_MAX: Duration = Duration::from_secs(180);

/// Steps looked at in one decision, nested courses included: more than any plan has.
const STEPS_MAX: usize = 1_000;

/// Courses inside courses. The plan file's are checked for circles; this bounds what is left.
const DEPTH_MAX: usize = 16;

impl Plan {
    /// Says what a call at this position does next. Pure: the same position, beliefs and time give the same move,
    /// live, simulated, in a drill and in an explanation.
    #[must_use]
    pub fn next(&self, at: &Position, health: &Health, now: Time, roads: &Roads) -> Move {
        let ask = Ask { plan: self, at, health, now, roads };
        if now >= at.began + WALK_MAX || at.invites >= INVITES_MAX && at.live() == 0 {
            return Move { cursor: Cursor { frames: Vec::new(), pass: Pass::Second }, act: Act::End };
        }
        let mut cursor = ask.cut_short().unwrap_or_else(|| at.cursor.clone());
        for _ in 0..STEPS_MAX {
            let Some(step) = self.settle(&mut cursor, at) else {
                if cursor.pass == Pass::Second {
                    return Move { cursor, act: Act::End };
                }
                cursor = Cursor { frames: vec![at.root], pass: Pass::Second };
                continue;
            };
            match ask.begin(step, cursor.pass) {
                Some(act) => return Move { cursor, act },
                None => self.leave(&mut cursor, step, at),
            }
        }
        Move { cursor, act: Act::End }
    }

    /// The course that a call to this user part has: as it is written, without its parameters and visual
    /// separators, with and without the plus and the country code of North America; else the one of `"*"`.
    #[must_use]
    pub fn course_of(&self, user: &[u8]) -> Option<(CourseId, bool)> {
        let written = sip::uri::unescape(user);
        let written = String::from_utf8_lossy(&written);
        let bare = written.split(';').next().unwrap_or_default();
        let listed = |number: &str| self.numbers.get(number).copied();
        let digits: String = bare.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
        let plain = digits.strip_prefix('+').or(digits.strip_prefix("00")).unwrap_or(&digits);
        let found = listed(bare)
            .or_else(|| listed(&digits))
            .or_else(|| listed(&format!("+{plain}")))
            .or_else(|| listed(plain))
            .or_else(|| if plain.len() == 10 { listed(&format!("+1{plain}")) } else { None });
        found.map(|course| (course, true)).or(self.unlisted.map(|course| (course, false)))
    }

    /// Where a course is entered at this second since 1970: its first step, or the first of `closed`.
    #[must_use]
    pub fn entrance(&self, course: CourseId, unix: i64) -> Frame {
        let closed = self.course(course).is_some_and(|course| {
            course.closed.is_some()
                && course.hours.as_ref().is_some_and(|hours| !hours.open_at(&self.zone, unix))
        });
        Frame { course, list: if closed { List::Closed } else { List::Steps }, step: 0 }
    }

    /// The steps of one of a course's lists.
    #[must_use]
    pub fn list(&self, frame: Frame) -> &[Step] {
        let Some(course) = self.course(frame.course) else { return &[] };
        let list = match frame.list {
            List::Steps => Some(&course.steps),
            List::Closed => course.closed.as_ref(),
            List::Busy => course.busy.as_ref(),
        };
        list.map_or(&[], Vec::as_slice)
    }

    /// Goes into courses and out of finished ones until the cursor stands on a step that rings somebody; `None` at
    /// the end of the plan.
    fn settle(&self, cursor: &mut Cursor, at: &Position) -> Option<&Step> {
        for _ in 0..STEPS_MAX {
            let frame = *cursor.frames.last()?;
            let Some(step) = self.list(frame).get(frame.step) else {
                cursor.frames.pop();
                advance(cursor);
                continue;
            };
            let Some(Member::Course(inner)) = step.members.first() else { return Some(step) };
            if cursor.frames.len() >= DEPTH_MAX || cursor.frames.iter().any(|outer| outer.course == *inner) {
                advance(cursor);
            } else {
                cursor.frames.push(self.entrance(*inner, at.unix));
            }
        }
        None
    }

    /// The step is over: on to the next one, or to the `busy` list if somebody in it was busy.
    fn leave(&self, cursor: &mut Cursor, step: &Step, at: &Position) {
        let busy = step.members.iter().any(|member| match member {
            Member::Target(target) => at.party(*target).is_some_and(|party| party.done == Some(Meaning::Busy)),
            Member::Course(_) => false,
        });
        if let Some(frame) = cursor.frames.last_mut()
            && busy
            && frame.list != List::Busy
            && self.course(frame.course).is_some_and(|course| course.busy.is_some())
        {
            *frame = Frame { list: List::Busy, step: 0, ..*frame };
            return;
        }
        advance(cursor);
    }

    fn rings_a_service(&self, step: &Step) -> impl Iterator<Item = TargetId> {
        step.members.iter().filter_map(|member| match member {
            Member::Target(id) if self.target(*id).is_some_and(|t| t.kind == TargetKind::Service) => Some(*id),
            Member::Target(_) | Member::Course(_) => None,
        })
    }
}

fn advance(cursor: &mut Cursor) {
    if let Some(frame) = cursor.frames.last_mut() {
        frame.step += 1;
    }
}

/// One question to the plan.
struct Ask<'a> {
    plan: &'a Plan,
    at: &'a Position,
    health: &'a Health,
    now: Time,
    roads: &'a Roads,
}

impl Ask<'_> {
    /// What to do in this step; `None` if it is over.
    fn begin(&self, step: &Step, pass: Pass) -> Option<Act> {
        let targets = || {
            step.members.iter().filter_map(|member| match member {
                Member::Target(target) => Some(*target),
                Member::Course(_) => None,
            })
        };
        let live = targets().any(|target| self.at.party(target).is_some_and(|party| party.live));
        let room = self.at.live() < self.at.breadth && self.at.invites < INVITES_MAX;
        let mut turn = None;
        for target in targets() {
            let party = self.at.party(target);
            if !room || party.is_some_and(|party| party.live || party.done.is_some()) {
                continue;
            }
            let Some((peer, path)) = self.choose(target, party, pass) else { continue };
            let due = self.at.last_begun + step.stagger;
            if party.is_some() || !live || self.now >= due {
                let ring = step.ring.or(self.plan.target(target).map(|target| target.ring));
                let ring = ring.unwrap_or(WALK_MAX);
                return Some(Act::Ring { target, peer, path, ring, line: step.line });
            }
            turn = Some(due);
            break;
        }
        let live_by = self.live_by().filter(|by| *by > self.now);
        live.then(|| Act::Wait(earlier(turn, live_by)))
    }

    /// The best path to a destination that was not tried yet: by standing, then by the plan's order. What is down
    /// comes only in the second pass.
    fn choose(&self, target: TargetId, party: Option<&Party>, pass: Pass) -> Option<(PeerId, Path)> {
        let mut best: Option<(Standing, PeerId, Path)> = None;
        let mut weigh = |id: PeerId| {
            for path in self.roads.of(id) {
                if party.is_some_and(|party| party.tried.contains(path)) {
                    continue;
                }
                let standing = self.health.standing(*path);
                if (standing < Standing::Down || pass == Pass::Second)
                    && best.is_none_or(|(other, ..)| standing < other)
                {
                    best = Some((standing, id, *path));
                }
            }
        };
        let barred = |id: &PeerId| {
            let carrier = self.plan.peer(*id).and_then(|peer| match peer.kind {
                PeerKind::Trunk(carrier) => Some(carrier),
                PeerKind::Site | PeerKind::Service => None,
            });
            party.is_some_and(|party| {
                party.barred_peers.contains(id) || carrier.is_some_and(|c| party.barred_carriers.contains(&c))
            })
        };
        match &self.plan.target(target)?.reach {
            Reach::Sip(peers) => peers.iter().filter(|id| !barred(id)).for_each(|id| weigh(*id)),
            Reach::Number(_) => {
                let trunks = self.plan.carriers.iter().flat_map(|carrier| &carrier.trunks);
                trunks.filter(|id| !barred(id)).for_each(|id| weigh(*id));
            }
        }
        best.map(|(_, peer, path)| (peer, path))
    }

    /// `live_within` is over and nobody whose job is to answer is rung: the next step that rings one.
    fn cut_short(&self) -> Option<Cursor> {
        if self.at.cursor.pass == Pass::Second || self.live_by()? > self.now {
            return None;
        }
        let mut cursor = self.at.cursor.clone();
        let here = self.plan.settle(&mut cursor, self.at)?;
        if self.plan.rings_a_service(here).any(|target| self.may_ring(target)) {
            return None;
        }
        for _ in 0..STEPS_MAX {
            advance(&mut cursor);
            let step = self.plan.settle(&mut cursor, self.at)?;
            if self.plan.rings_a_service(step).any(|target| self.may_ring(target)) {
                return Some(cursor);
            }
        }
        None
    }

    fn may_ring(&self, target: TargetId) -> bool {
        let party = self.at.party(target);
        party.is_none_or(|party| party.done.is_none()) && self.choose(target, party, Pass::First).is_some()
    }

    /// When somebody whose job is to answer must be ringing; `None` if one is already.
    fn live_by(&self) -> Option<Time> {
        let is_service = |party: &Party| {
            self.plan.target(party.target).is_some_and(|target| target.kind == TargetKind::Service)
        };
        if self.at.parties.iter().any(|party| party.live && is_service(party)) {
            return None;
        }
        let course: &Course = self.plan.course(self.at.root.course)?;
        Some(self.at.began + course.live_within)
    }
}

/// The earlier of two times that lies ahead; a time that has passed asks for nothing.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (time, None) | (None, time) => time,
    }
}
