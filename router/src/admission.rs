//! Which new calls get a walk, and along which course.

use crate::call::{called, text};
use crate::door::Effect;
use crate::emergency::{self, COURSE, Urgent};
use crate::networks::Network;
use crate::pace::Pace;
use crate::path::Flow;
use crate::plan::{CourseId, Plan};
use crate::proposals::{self, Clue, Proposals};
use crate::record::Entry;
use crate::relay::{Refusal, supports};
use crate::roads::Roads;
use crate::strangers::{Strangers, Welcome};
use crate::target::{PeerId, PeerKind};
use sip::{Message, Name, Time};

/// A call that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The course it walks.
    pub course: CourseId,
    /// Whose call it is; `None` for a stranger's, which is to be given back by [`Strangers::call_over`].
    pub sender: Option<PeerId>,
    /// What is urgent about it, if anything is.
    pub urgent: Option<Urgent>,
}

/// Whether this node takes calls at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It does.
    Left,
    /// It does not, since it is draining.
    Draining,
    /// It does not but for sites, since it hears nobody any more: it is cut off.
    CutOff,
    /// It does not, since it holds too many.
    None,
}

impl Room {
    /// By whether the node is draining, whether it is cut off, by the calls that it holds and by how many it may hold.
    #[must_use]
    pub const fn of(draining: bool, cut_off: bool, calls: usize, most: usize) -> Self {
        match (draining, cut_off) {
            (true, _) => Self::Draining,
            (false, _) if calls >= most => Self::None,
            (false, true) => Self::CutOff,
            (false, false) => Self::Left,
        }
    }

    /// That there is room.
    ///
    /// # Errors
    /// The refusal with which carriers go elsewhere at once.
    pub const fn left(self) -> Result<(), Refusal> {
        match self {
            Self::Left => Ok(()),
            Self::Draining => Err(Refusal::plain(503, "this node is draining")),
            Self::CutOff => Err(Refusal::plain(503, "this node is cut off: it hears nobody")),
            Self::None => Err(Refusal::plain(503, "too many calls")),
        }
    }
}

/// Judges an OPTIONS to ourselves: whoever asks would send us a call.
///
/// # Errors
/// The refusal that a call would get too.
pub fn options(request: &Message, room: Room) -> Result<(), Refusal> {
    supports(request, Name::ProxyRequire)?;
    supports(request, Name::Require)?;
    room.left()
}

/// What is asked about a new call.
#[derive(Debug)]
pub struct Admission<'a> {
    /// The plan in force.
    pub plan: &'a Plan,
    /// Its paths.
    pub roads: &'a Roads,
    /// What is remembered of strangers.
    pub strangers: &'a mut Strangers,
    /// Which networks of strangers have called.
    pub proposals: &'a mut Proposals,
    /// Is there room?
    pub room: Room,
    /// How fast calls have come.
    pub pace: &'a mut Pace,
    /// How fast they may come.
    pub cps: Option<u32>,
    /// Where the call came from.
    pub flow: Flow,
    /// The time.
    pub now: Time,
    /// What is to be recorded.
    pub out: &'a mut Vec<Effect>,
}

impl Admission<'_> {
    /// Takes a call or refuses it.
    ///
    /// # Errors
    /// The refusal to answer with. All that strangers get is the same, whatever number they call.
    pub fn decide(self, request: &Message) -> Result<Admitted, Refusal> {
        let sender = self.roads.sender_by(self.flow.path);
        let user = called(request);
        if let Some(sender) = sender.filter(|sender| self.is_for_help(*sender, user)) {
            return Ok(Admitted { course: COURSE, sender: Some(sender), urgent: Some(Urgent::Emergency) });
        }
        let is_local =
            || sender.and_then(|id| self.plan.peer(id)).is_some_and(|peer| peer.kind == PeerKind::Site);
        if self.room != Room::CutOff || !is_local() {
            self.room.left()?;
        }
        if self.pace.is_spent(self.cps, self.now) {
            return Err(Refusal::plain(503, "more new calls a second than this node takes"));
        }
        let kind = sender.and_then(|id| self.plan.peer(id)).map(|peer| peer.kind);
        let found = match kind {
            Some(PeerKind::Agent) => {
                let led = sender.and_then(|id| self.plan.of_agents.get(&id));
                led.map(|course| (*course, true))
            }
            Some(PeerKind::Trunk(_) | PeerKind::Site | PeerKind::Service) | None => self.plan.course_of(user),
        };
        match sender {
            Some(sender) => self.of_peer(sender, (request, user), found),
            None => self.of_stranger(request, found),
        }
    }

    /// Is it a site's call to an emergency number? It is taken even while the node drains.
    fn is_for_help(&self, sender: PeerId, user: &[u8]) -> bool {
        self.room != Room::None
            && self.plan.peer(sender).is_some_and(|peer| peer.kind == PeerKind::Site)
            && self.plan.emergency.number(user).is_some()
    }

    fn of_peer(
        self,
        sender: PeerId,
        (request, user): (&Message, &[u8]),
        found: Option<(CourseId, bool)>,
    ) -> Result<Admitted, Refusal> {
        if !found.is_some_and(|(_, listed)| listed) {
            self.out.push(Effect::Record(Entry::Unlisted { number: text(user), flow: self.flow }));
        }
        let (course, _) = found.ok_or(Refusal::plain(404, "nobody listed this number"))?;
        self.pace.take(self.cps, self.now);
        let urgent = emergency::says_callback(request).then_some(Urgent::Callback);
        Ok(Admitted { course, sender: Some(sender), urgent })
    }

    /// A 503 lets a carrier that was taken for a stranger go on to its next way; a scanner learns nothing by it.
    fn of_stranger(self, request: &Message, found: Option<(CourseId, bool)>) -> Result<Admitted, Refusal> {
        let from = self.flow.path.remote.ip();
        let listed = found.filter(|(_, listed)| *listed).map(|(course, _)| course);
        let decided = match (listed, self.plan.strangers) {
            (None, _) => Err("a stranger's call to a number that nobody listed"),
            (Some(_), Welcome::Nobody) => Err("a stranger's call"),
            (Some(_), Welcome::Listed) if !self.strangers.may_call(from, self.now) => {
                Err("more calls of strangers than are taken")
            }
            (Some(course), Welcome::Listed) => {
                self.pace.take(self.cps, self.now);
                Ok(Admitted { course, sender: None, urgent: None })
            }
        };
        let guess = proposals::guess(self.plan, self.roads, request, from);
        // A scanner's call to some number says nothing; but `"*"` may have been meant for it.
        let is_ours =
            listed.is_some() || found.is_some() && matches!(guess, Some((_, Clue::Domain | Clue::Near)));
        if is_ours {
            let (network, taken) = (Network::of_carrier(from), decided.is_ok());
            let (calls, news) = self.proposals.on_call(from, self.now);
            self.out.push(Effect::Record(Entry::Stranger { network, calls, taken, guess, news }));
        }
        decided.map_err(|why| Refusal::plain(503, why))
    }
}
