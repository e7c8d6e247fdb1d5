//! What a call that was would live through by another plan, or by the same once more: whoever was rung in it does what he did then. Who was
//! not is taken to ring without an answer, and his try says so; so is what is longer than what was seen of it.

use crate::health::{Health, Recalled, Sign, Source, Standing};
use crate::locate::Spot;
use crate::outcome::{Outcome, Reached, Said};
use crate::path::{Listener, Path, Transport};
use crate::plan::{CourseId, Plan};
use crate::position::{LEGS_MAX, Position};
use crate::record::{CallRecord, End, Entry, LegRecord, Why};
use crate::roads::{self, Roads};
use crate::target::{Peer, PeerId, Reach, TargetId, TargetKind};
use crate::verdict::{Case, Go, Rules, Speaker, verdict};
use crate::way::{Begun, Ending, Fate, Walker, Way};
use crate::word::SPARE;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use sip::Time;
use std::sync::Arc;

/// All that was kept of a call.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its record.
    pub call: &'a CallRecord,
    /// When it came, in seconds since 1970.
    pub unix: i64,
    /// What was believed when it came, and what changed of that until it was over; oldest first.
    pub believed: &'a [Believed],
}

/// A belief that had changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    /// When.
    pub at: Time,
    /// A peer that used the path.
    pub peer: Arc<str>,
    /// The path; by which listener does not matter.
    pub path: Path,
    /// What was believed from then on.
    pub what: Recalled,
}

impl Believed {
    /// What an entry says of beliefs, of each peer that uses the path.
    #[must_use]
    pub fn of(entry: &Entry) -> Vec<Self> {
        let (at, peers, path, what) = match entry {
            Entry::Health { at, peers, path, to, evidence, .. } => {
                let last = evidence.last();
                let asked = matches!(last.map(|seen| seen.sign), Some(Sign::Unavailable(Some(_))));
                let by = last.map_or(Source::Probe, |seen| seen.source);
                (at, peers, path, Recalled::Standing { to: *to, by, away: *to == Standing::Down && asked })
            }
            Entry::Side { at, peers, path, to, .. } => (at, peers, path, Recalled::Side(*to)),
            Entry::Begun(_)
            | Entry::Call(_)
            | Entry::HungUp { .. }
            | Entry::Alarm { .. }
            | Entry::Name { .. }
            | Entry::Login { .. }
            | Entry::Registration { .. }
            | Entry::Full { .. }
            | Entry::Presented { .. }
            | Entry::Urgent { .. }
            | Entry::Confined { .. }
            | Entry::CutOff { .. }
            | Entry::Dropped { .. }
            | Entry::Refused { .. }
            | Entry::Unlisted { .. }
            | Entry::Stranger { .. } => return Vec::new(),
        };
        let one = |peer: &Arc<str>| Self { at: *at, peer: Arc::clone(peer), path: *path, what };
        peers.iter().map(one).collect()
    }
}

/// Why there is no way to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// The plan does not list the number.
    Unlisted,
    /// It was refused for a reason that no plan changes.
    Refused,
    /// It was a call for help, which goes by no plan.
    ForHelp,
}

/// What was seen of one try: all INVITEs to one hop.
struct Seen<'a> {
    leg: &'a LegRecord,
    fate: Fate,
    /// Did the way fail, and not who is at its end?
    way_failed: bool,
    used: bool,
}

impl Plan {
    /// Says what the call would live through by this plan. Pure, as [`foretell`](Self::foretell).
    ///
    /// # Errors
    /// It has no way by this plan.
    pub fn replay(&self, account: Account<'_>) -> Result<Way, Untold> {
        let call = account.call;
        let course = self.course_for(call)?;
        let began = call.begun.began;
        let plan = self.as_full_as(call);
        let listeners = Listener::everywhere();
        let roads = Roads::over(&plan, &listeners, |peer| plan.spots(peer, account));
        let entrance = plan.entrance_for(call.begun.urgent, course, account.unix);
        let mut position = Position::new(entrance, LEGS_MAX, began, account.unix);
        (position.confined, position.urgent) = (call.begun.confined, call.begun.urgent);
        let health = plan.recalled(&roads, account);
        let mut seen = seen(&plan, account);
        let mut changes =
            account.believed.iter().filter(|it| !is_before(it, began) && !is_own(it, call)).peekable();
        let fate = |it: Begun, health: &Health| plan.fate(it, health, &mut seen);
        let pass = |now: Time, health: &mut Health| {
            while let Some(change) = changes.next_if(|change| change.at <= now) {
                recall(health, &roads, &plan, change);
            }
        };
        Ok(Walker { plan: &plan, roads: &roads, health, position, gone: gone(call) }.walk(fate, pass))
    }

    /// The plan of the file that the number of this call has.
    fn course_for(&self, call: &CallRecord) -> Result<CourseId, Untold> {
        let (begun, (_, peer)) = (&call.begun, &call.begun.from);
        if begun.urgent == Some(crate::emergency::Urgent::Emergency) {
            return Err(Untold::ForHelp);
        }
        if matches!(call.end, End::Refused { status, .. } if status != UNLISTED) {
            return Err(Untold::Refused);
        }
        let ids = (0..).map(PeerId).zip(&self.peers);
        let agent =
            ids.filter(|(_, it)| peer.as_ref() == Some(&it.name)).find_map(|(id, _)| self.of_agents.get(&id));
        let listed = || {
            let (course, listed) = self.course_of(begun.number.as_bytes())?;
            // `"*"` is not for strangers.
            (listed || peer.is_some()).then_some(course)
        };
        agent.copied().or_else(listed).ok_or(Untold::Unlisted)
    }

    /// The plan, but whoever was passed over then as full is full, if he has a limit at all.
    fn as_full_as(&self, call: &CallRecord) -> Self {
        let mut plan = self.clone();
        for passed in call.passed.iter().filter(|passed| passed.why == Why::Full) {
            for limit in plan.limits.values_mut() {
                if matches!(&limit.of, crate::load::Counted::Target(name) if *name == passed.target) {
                    limit.channels = Some(0);
                }
            }
        }
        plan
    }

    /// Where a peer was then: its addresses that the call has tried, in that order, then all others that something was believed of. Of
    /// whom nobody knew any it has one that means nothing.
    fn spots(&self, peer: &Peer, account: Account<'_>) -> Vec<Spot> {
        let spot = |transport, address, priority| Spot { transport, address, priority, weight: 0, target: 0 };
        let Some(place) = roads::place(peer) else { return Vec::new() };
        let tried = account.call.legs.iter().filter(|leg| leg.peer == peer.name).map(|leg| leg.path);
        let known = account.believed.iter().filter(|it| it.peer == peer.name).map(|it| it.path);
        let mut found: Vec<(Transport, SocketAddr)> = Vec::new();
        for path in tried.chain(known) {
            if !found.contains(&(path.transport, path.remote)) {
                found.push((path.transport, path.remote));
            }
        }
        if found.is_empty() {
            let transport = peer.transport.unwrap_or(Transport::Udp);
            // Peers of one name are at one address.
            let hosts = self.peers.iter().filter_map(roads::place).map(|place| place.host);
            let nth = hosts.take_while(|host| *host != place.host).count();
            let ip = Ipv4Addr::from_bits(NOWHERE.saturating_add(u32::try_from(nth).unwrap_or(u32::MAX)));
            let port = peer.port.unwrap_or(transport.default_port());
            found.push((transport, SocketAddr::new(IpAddr::V4(ip), port)));
        }
        let found = found.into_iter().zip(0..);
        found.map(|((transport, address), priority)| spot(transport, address, priority)).collect()
    }

    /// What was believed when the call came. Of whom nothing was said he was well, if he is probed at all.
    fn recalled(&self, roads: &Roads, account: Account<'_>) -> Health {
        let (call, began) = (account.call, account.call.begun.began);
        let mut health = Health::new(0);
        let watched = roads.watched(self);
        health.watch(&watched, began);
        let well = Recalled::Standing { to: Standing::Up, by: Source::Probe, away: false };
        // What was told of it later was told first.
        let is_told = |path: Path| account.believed.iter().any(|it| is_same(it.path, path));
        for (path, probe) in &watched {
            if (probe.is_some() || path.transport.is_inside()) && !is_told(*path) {
                health.recall(*path, well, began);
            }
        }
        let down = Recalled::Standing { to: Standing::Down, by: Source::Probe, away: false };
        for (target, passed) in call.passed.iter().filter_map(|it| Some((self.named(&it.target)?, it))) {
            if let Why::Down { since } = passed.why {
                for path in self.ways(target).flat_map(|peer| roads.of(peer)) {
                    health.recall(*path, down, since.unwrap_or(began));
                }
            }
        }
        for change in account.believed.iter().filter(|change| is_before(change, began)) {
            recall(&mut health, roads, self, change);
        }
        health
    }

    /// What becomes of a try: what was seen of this destination by this way, else of either of them.
    fn fate(&self, it: Begun, health: &Health, seen: &mut [Seen<'_>]) -> Fate {
        let (Some(target), Some(peer)) = (self.target(it.target), self.peer(it.peer)) else {
            return Fate::SILENT;
        };
        let by_this_way = |seen: &Seen<'_>| is_same(seen.leg.path, it.path);
        let is_number = matches!(target.reach, Reach::Number(_));
        let is_he = |seen: &Seen<'_>| seen.leg.target == target.name;
        let place =
            |unused: bool| seen.iter().position(|it| is_he(it) && by_this_way(it) && !(unused && it.used));
        if let Some(found) = place(true).or_else(|| place(false)).and_then(|place| seen.get_mut(place)) {
            found.used = true;
            return found.fate.asking(it.confirm);
        }
        match target.kind {
            TargetKind::Word => return Fate::said(it.ring.saturating_sub(SPARE)),
            // It is this process.
            TargetKind::Agent => return Fate::ANSWERS,
            TargetKind::Site | TargetKind::Person | TargetKind::Service => {}
        }
        let mut by_way = seen.iter().filter(|it| by_this_way(it));
        let is_open = by_way.clone().any(|it| !it.way_failed);
        if let Some(failed) = by_way.find(|it| it.way_failed && !is_open) {
            return failed.fate;
        }
        let person = seen.iter().find(|it| is_number && is_he(it) && !it.way_failed);
        if let Some(person) = person {
            return person.fate.asking(it.confirm);
        }
        let unknown = Some(Duration::ZERO);
        if health.standing_unless_full(it.path) == Standing::Down && peer.probe.is_some() {
            return Fate { known: unknown, ..Fate::SILENT };
        }
        Fate { known: unknown, ..Fate::RINGS }
    }

    fn named(&self, name: &Arc<str>) -> Option<TargetId> {
        let ids = (0..).map(TargetId).zip(&self.targets);
        ids.filter(|(_, target)| target.name == *name).map(|(id, _)| id).next()
    }
}

impl Fate {
    /// The same, where whoever answers has to press 1, or does not have to.
    fn asking(self, confirm: bool) -> Self {
        match (self.asked, self.end) {
            (Some(asked), _) if !confirm => {
                Self { asked: None, end: Some((asked, Ending::Answered)), known: None, ..self }
            }
            // Nobody knows what his own voicemail would have pressed.
            (None, Some((at, Ending::Answered))) if confirm => {
                Self { asked: Some(at), end: None, known: Some(at), ..self }
            }
            (Some(_) | None, _) => self,
        }
    }
}

/// All tries of a call.
fn seen<'a>(plan: &Plan, account: Account<'a>) -> Vec<Seen<'a>> {
    let mut tries: Vec<(&LegRecord, Vec<&LegRecord>)> = Vec::new();
    for leg in &account.call.legs {
        let before =
            tries.iter_mut().rev().find(|(first, _)| leg.fix.is_some() && first.target == leg.target);
        match before {
            Some((_, again)) => again.push(leg),
            None => tries.push((leg, Vec::new())),
        }
    }
    let tries = tries.into_iter().map(|(leg, again)| {
        let last = again.last().copied().unwrap_or(leg);
        let mut fate = lived(plan, last, account);
        let later = last.began.since(leg.began);
        let shift = |at: Option<Duration>| at.map(|at| at + later);
        fate.again = (later, u32::try_from(again.len()).unwrap_or(u32::MAX));
        (fate.heard, fate.rang, fate.asked) = (shift(fate.heard), shift(fate.rang), shift(fate.asked));
        fate.end = fate.end.map(|(at, ending)| (at + later, ending));
        fate.known = shift(fate.known);
        Seen { leg, fate, way_failed: has_way_failed(&fate), used: false }
    });
    tries.collect()
}

/// What became of the INVITE of one leg.
fn lived(plan: &Plan, leg: &LegRecord, account: Account<'_>) -> Fate {
    let call = account.call;
    let after = |at: Time| at.since(leg.began);
    let over = after(leg.ended.unwrap_or(call.ended));
    // When a 100 came is not kept, but what lasted longer than silence is waited for has had one.
    let heard = Some(Duration::ZERO);
    let (rang, asked) = (leg.rang.map(after), leg.asked.map(after));
    let leaves = left_behind(leg, account);
    let fate = Fate { heard, rang, asked, leaves, known: Some(over), ..Fate::SILENT };
    let ended = |at, ending| Fate { end: Some((at, ending)), known: None, ..fate };
    let text = leg.outcome.as_str();
    if text == "answered" {
        // One that comes after its leg was given up ends the call all the same.
        let is_first = matches!(&call.end, End::Answered { target } if *target == leg.target);
        let at = if is_first { after(call.ended) } else { over };
        return Fate { heard: heard.filter(|_| at <= over), ..ended(at, Ending::Answered) };
    }
    // Of what was cancelled, or was said, more was not seen.
    let written = text.strip_prefix("not said: ").unwrap_or(text);
    let Some(outcome) = Outcome::read(written) else { return fate };
    let reached = if leg.rang.is_some() { Reached::Rang } else { Reached::Nobody };
    match outcome {
        Outcome::Silent(_) => Fate { first: Some(over), heard: None, known: None, ..fate },
        Outcome::Stalled(_) => {
            let peer = plan.peers.iter().find(|peer| peer.name == leg.peer);
            let heard = peer.map_or(Duration::ZERO, |peer| over.saturating_sub(peer.progress));
            Fate { heard: Some(heard), known: None, ..fate }
        }
        Outcome::RangOut(_) => fate,
        Outcome::Refused(said) if was_away(leg, account) => {
            let said = Said { retry_after: Some(AWAY), ..said };
            ended(over, Ending::Failed(Outcome::Refused(said), reached))
        }
        Outcome::Unreachable
        | Outcome::Lost
        | Outcome::Refused(_)
        | Outcome::Spoken
        | Outcome::Unconfirmed(_)
        | Outcome::Unasked(_)
        | Outcome::Broken => ended(over, Ending::Failed(outcome, reached)),
    }
}

/// What was believed of its path when a leg was over.
fn left_behind(leg: &LegRecord, account: Account<'_>) -> Option<Recalled> {
    let ended = leg.ended?;
    let by_then = |it: &&Believed| is_same(it.path, leg.path) && (it.at < ended || is_near(it.at, ended));
    let mut standings = account.believed.iter().filter(|it| matches!(it.what, Recalled::Standing { .. }));
    standings.rfind(by_then).map(|it| it.what)
}

/// Did the answer of a leg ask to be left alone?
fn was_away(leg: &LegRecord, account: Account<'_>) -> bool {
    let is_away = |it: &Believed| matches!(it.what, Recalled::Standing { away: true, .. });
    let at_its_end = |it: &Believed| leg.ended.is_some_and(|ended| is_near(it.at, ended));
    account.believed.iter().any(|it| is_same(it.path, leg.path) && is_away(it) && at_its_end(it))
}

fn has_way_failed(fate: &Fate) -> bool {
    match fate.end {
        Some((took, Ending::Failed(outcome, reached))) => {
            let case = Case { speaker: Speaker::Trunk, outcome, reached, took };
            verdict(case, Rules::default()).go <= Go::NextCarrier
        }
        Some((_, Ending::Answered)) => false,
        None => fate.rang.is_none() && fate.known.is_none(),
    }
}

/// When the caller hung up, if he did: he waits for the legs that rang before he is told.
fn gone(call: &CallRecord) -> Option<Time> {
    let hung_up = call.legs.iter().filter(|leg| leg.outcome == "cancelled: caller hung up");
    let first = hung_up.filter_map(|leg| leg.ended).min();
    (call.end == End::Cancelled).then(|| first.unwrap_or(call.ended))
}

/// Was it so when the call came? What calls say in that moment is its own.
fn is_before(change: &Believed, began: Time) -> bool {
    let by_probe = || matches!(change.what, Recalled::Standing { by: Source::Probe, .. });
    change.at < began || change.at == began && by_probe()
}

/// Was it this call that has changed this belief? Then it does so again, if it comes to that.
fn is_own(change: &Believed, call: &CallRecord) -> bool {
    let is_by_call = match change.what {
        Recalled::Standing { by, .. } => by == Source::Call,
        Recalled::Side(_) => true,
    };
    is_by_call
        && call.legs.iter().any(|leg| {
            let moments = [leg.rang, leg.asked, leg.ended, Some(call.ended)];
            is_same(leg.path, change.path) && moments.into_iter().flatten().any(|at| is_near(at, change.at))
        })
}

/// Takes a belief for all paths of the plan that lead there.
fn recall(health: &mut Health, roads: &Roads, plan: &Plan, change: &Believed) {
    let paths: Vec<Path> =
        roads.all(plan).map(|(_, path)| path).filter(|path| is_same(*path, change.path)).collect();
    for path in paths {
        health.recall(path, change.what, change.at);
    }
}

fn is_same(one: Path, other: Path) -> bool {
    (one.transport, one.remote) == (other.transport, other.remote)
}

fn is_near(one: Time, other: Time) -> bool {
    one.since(other).max(other.since(one)) <= NEAR
}

const UNLISTED: u16 = 404;
/// What one event did has one time, but for what was read in one batch with it.
const NEAR: Duration = Duration::from_millis(5);
const AWAY: u32 = 300; // The longest that is believed: longer than a call.
const NOWHERE: u32 = 0xf000_0001; // 240.0.0.1: reserved, so that no peer is there.
