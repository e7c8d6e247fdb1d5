//! What is worth keeping of what a node did: typed entries, printed by the edge.

use crate::alarm::Alarm;
use crate::emergency::Urgent;
use crate::health::{self, Evidence, Side, Standing};
use crate::load::Filled;
use crate::logins::Change;
use crate::name::NameState;
use crate::networks::Network;
use crate::path::{Flow, Path};
use crate::position::Confined;
use crate::presentation::Form;
use crate::proposals::Clue;
use crate::registration::Registered;
use crate::verdict::Fix;
use core::net::SocketAddr;
use sip::Time;
use std::sync::Arc;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A call has begun, and is not over yet: it will be, by a [`Call`](Self::Call), unless this node ends before. Comes with
    /// whatever happens first after the INVITE: five milliseconds later if that is nothing.
    Begun(Arc<Begun>),
    /// A call is over, or its walk is: exactly one for every INVITE that was admitted, and one for each that was refused, as far as
    /// it was to a number of the plan or from a peer; in a flood for some of them.
    Call(Box<CallRecord>),
    /// The BYE of a call has passed: whoever talked has hung up. It may be told again, and be of a call that an agent of ours had.
    HungUp {
        /// When.
        at: Time,
        /// The Call-ID, lossily as text.
        call_id: String,
    },
    /// A belief about a path has changed.
    Health {
        /// When.
        at: Time,
        /// The peers that use the path.
        peers: Vec<Arc<str>>,
        /// The path.
        path: Path,
        /// What was believed.
        from: Standing,
        /// What is believed now.
        to: Standing,
        /// Why, oldest first.
        evidence: Vec<Evidence>,
    },
    /// What stands beside the belief of a path has changed: OUT and REFUSED mean that somebody has to act.
    Side {
        /// When.
        at: Time,
        /// The peers that use the path.
        peers: Vec<Arc<str>>,
        /// The path.
        path: Path,
        /// What it was.
        from: Option<Side>,
        /// What it is now.
        to: Option<Side>,
    },
    /// Somebody should look at a peer.
    Alarm {
        /// When.
        at: Time,
        /// Which.
        peer: Arc<str>,
        /// By which path it said so.
        path: Path,
        /// The number that it was asked for.
        number: String,
        /// Why.
        alarm: Alarm,
    },
    /// A host name of the plan is known better or worse than before. Its last good addresses stay in use.
    Name {
        /// When.
        at: Time,
        /// The peers that have this name.
        peers: Vec<Arc<str>>,
        /// The name.
        host: Arc<str>,
        /// How well it was known.
        from: NameState,
        /// How well it is known now.
        to: NameState,
        /// Addresses in use.
        kept: usize,
    },
    /// Our credentials at a peer are broken, or hold again.
    Login {
        /// When.
        at: Time,
        /// What has changed.
        change: Change,
    },
    /// A registration of ours stands otherwise than before.
    Registration {
        /// When.
        at: Time,
        /// The peer.
        peer: Arc<str>,
        /// By which path, if by any.
        path: Option<Path>,
        /// How it stood.
        from: Registered,
        /// How it stands.
        to: Registered,
        /// Until when the peer sends us calls by what it has taken; `None` if it does not.
        until: Option<Time>,
    },
    /// A carrier, trunk, site or service has reached its limit.
    Full {
        /// When.
        at: Time,
        /// What, and how many calls it carries.
        filled: Filled,
    },
    /// A carrier accepts how a call is presented to it, after it has refused another way.
    Presented {
        /// When.
        at: Time,
        /// Which.
        carrier: Arc<str>,
        /// The country that was called, by its code; 0 for a number without one.
        country: u16,
        /// What it accepts.
        form: Form,
    },
    /// A site calls for help, or is called back.
    Urgent {
        /// When.
        at: Time,
        /// What it is.
        what: Urgent,
        /// The number that was called.
        number: String,
        /// Who sent the call; `None` for a stranger.
        sender: Option<Arc<str>>,
    },
    /// A call rings no phone numbers.
    Confined {
        /// When.
        at: Time,
        /// The number that was called.
        number: String,
        /// Where it came from.
        flow: Flow,
        /// Why.
        why: Confined,
    },
    /// This node hears nobody any more, or somebody again.
    CutOff {
        /// When.
        at: Time,
        /// Is it cut off?
        cut_off: bool,
    },
    /// Bytes were dropped without an answer.
    Dropped {
        /// Where from.
        flow: Flow,
        /// Why.
        why: &'static str,
    },
    /// A request was refused with a status, without a walk.
    Refused {
        /// Where from.
        flow: Flow,
        /// The status.
        status: u16,
        /// Why.
        why: &'static str,
    },
    /// A number that nobody listed was called: a porting accident, perhaps.
    Unlisted {
        /// The user part that was called.
        number: String,
        /// Where from.
        flow: Flow,
    },
    /// A number of ours was called from a network that belongs to no peer: a carrier's, perhaps, that nobody listed.
    Stranger {
        /// The network: a /24, or of IPv6 a /48.
        network: Network,
        /// Calls from there so far.
        calls: u64,
        /// Was this one taken?
        taken: bool,
        /// The carrier whose it may be, and why.
        guess: Option<(Arc<str>, Clue)>,
        /// Is it worth telling somebody? The first, the tenth, the hundredth.
        news: bool,
    },
}

impl Entry {
    /// What health has said; `users` are the peers that use a path. A probe is no news.
    pub fn of_health(said: health::Output, at: Time, users: impl Fn(Path) -> Vec<Arc<str>>) -> Option<Self> {
        match said {
            health::Output::Probe(_) => None,
            health::Output::Changed { path, from, to, evidence } => {
                Some(Self::Health { at, peers: users(path), path, from, to, evidence })
            }
            health::Output::Side { path, from, to } => {
                Some(Self::Side { at, peers: users(path), path, from, to })
            }
            health::Output::Filled(filled) => Some(Self::Full { at, filled }),
        }
    }
}

/// What is known of a call when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Unique on this node: counts up.
    pub id: u64,
    /// The Call-ID, lossily as text.
    pub call_id: String,
    /// The caller's user part, lossily as text.
    pub caller: String,
    /// The number that was called.
    pub number: String,
    /// The course it had.
    pub course: Arc<str>,
    /// Was the business closed?
    pub closed: bool,
    /// Why it rang no phone numbers, if it did not.
    pub confined: Option<Confined>,
    /// What was urgent about it, if anything was.
    pub urgent: Option<Urgent>,
    /// Where it came from, and by which peer if that is known.
    pub from: (SocketAddr, Option<Arc<str>>),
    /// When the INVITE came.
    pub began: Time,
}

/// One walk, from INVITE to its end, with every leg and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// How it began.
    pub begun: Arc<Begun>,
    /// When the caller was first told that it rings.
    pub rang: Option<Time>,
    /// When the final response was sent.
    pub ended: Time,
    /// How it ended.
    pub end: End,
    /// Every leg in the order it was begun.
    pub legs: Vec<LegRecord>,
    /// Who was passed over, in the order of the walk; at most [`PASSED_MAX`].
    pub passed: Vec<Passed>,
}

/// A destination whose turn it was, and that was not rung then. It may have been later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Who.
    pub target: Arc<str>,
    /// The file of the step, if that is not the plan file itself.
    pub file: Option<Arc<str>>,
    /// The line of the step in that file.
    pub line: u32,
    /// When.
    pub at: Time,
    /// Why.
    pub why: Why,
}

/// Why a destination was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody has taken it out by hand, or all that leads there.
    Drained,
    /// The best way there was down.
    Down {
        /// From when on, if that is known.
        since: Option<Time>,
    },
    /// The best way there shares a failure domain with what is down, and nobody in it is well.
    Doomed,
    /// It, or what leads there, was full.
    Full,
    /// The call rings no phone numbers.
    Confined,
    /// No way leads there: its name has no address, or all ways were tried.
    NoWay,
    /// The call rang in as many places as it may.
    NoRoom,
    /// It was time for somebody whose job is to answer.
    Late,
}

/// More in one record nobody reads.
pub const PASSED_MAX: usize = 50;

impl Why {
    /// All of them; what is down is so since then.
    #[must_use]
    pub const fn all(since: Option<Time>) -> [Self; 8] {
        let down = Self::Down { since };
        [Self::Drained, down, Self::Doomed, Self::Full, Self::Confined, Self::NoWay, Self::NoRoom, Self::Late]
    }

    /// In a word, for lists and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Down { .. } => "down",
            Self::Doomed => "in a failed domain",
            Self::Full => "full",
            Self::Confined => "no phone numbers",
            Self::NoWay => "no way",
            Self::NoRoom => "no room",
            Self::Late => "late",
        }
    }
}

/// How a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Somebody answered.
    Answered {
        /// Who.
        target: Arc<str>,
    },
    /// The caller gave up.
    Cancelled,
    /// Nobody answered: the status the caller was given.
    Failed {
        /// The status.
        status: u16,
    },
    /// It had no walk.
    Refused {
        /// The status that the caller was given.
        status: u16,
        /// Why.
        why: &'static str,
    },
}

/// One leg of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegRecord {
    /// Who was rung.
    pub target: Arc<str>,
    /// By which peer.
    pub peer: Arc<str>,
    /// By which path.
    pub path: Path,
    /// The file of its step, if that is not the plan file itself.
    pub file: Option<Arc<str>>,
    /// The line of its step in that file.
    pub line: u32,
    /// What was changed in it, if it is another try at the hop of the leg before.
    pub fix: Option<Fix>,
    /// When the INVITE left.
    pub began: Time,
    /// When it first rang.
    pub rang: Option<Time>,
    /// When somebody answered who had to press 1.
    pub asked: Option<Time>,
    /// When it was over for the walk.
    pub ended: Option<Time>,
    /// How it ended: `answered`, `503`, `no answer in 2s`, `cancelled: answered elsewhere` …
    pub outcome: String,
}
