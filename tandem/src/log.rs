//! The log: what a node records, as lines on standard error.
//!
//! A level says who must wake: error, calls are lost; warn, someone should look today; info, a belief or a plan has
//! changed; debug, one call. Numbers and addresses of people only at debug.

use crate::config::{LogFormat, LogLevel};
use core::fmt::Write;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use router::alarm::Alarm;
use router::emergency::Urgent;
use router::health::{Evidence, Side, Sign, Source, Standing};
use router::logins::{Change, Word};
use router::name::NameState;
use router::networks::Network;
use router::position::Confined;
use router::proposals::Clue;
use router::record::{CallRecord, End, Entry};
use router::registration::Registered;
use router::{Flow, Path};
use sip::Time;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;

/// What keeps a flood of like lines down.
#[derive(Debug, Default)]
pub struct Log {
    repeats: BTreeMap<Repeat, Repeats>,
}

/// Lines that differ only in whom they are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Repeat {
    Dropped(&'static str),
    Refused(u16, &'static str),
    Unlisted,
    Confined(Confined),
    /// Of this kind; by whom is said in the first line.
    Alarm(&'static str),
}

#[derive(Debug)]
struct Repeats {
    since: Time,
    count: u64,
}

/// Prints from now on what is logged at this level or above, and where a bug was survived. To be called once.
pub fn start(form: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    // What the libraries have to say is for those who build them.
    let ours = EnvFilter::new(format!("off,tandem={level}"));
    let builder = SubscriberBuilder::default().with_env_filter(ours).with_writer(std::io::stderr);
    let builder = builder.with_ansi(false).with_target(false);
    // A second start changes nothing: the first one's lines go on.
    let _ = match form {
        LogFormat::Text => tracing::subscriber::set_global_default(builder.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().finish()),
    };
    std::panic::set_hook(Box::new(|panic| {
        if PANICS.fetch_add(1, Ordering::Relaxed) < PANICS_PRINTED {
            tracing::error!("a bug: {panic}");
        }
    }));
}

impl Log {
    /// Prints an entry, or counts it if one like it was printed a moment ago.
    pub fn add(&mut self, entry: &Entry, now: Time) {
        match entry {
            // Its end says all of it.
            Entry::Begun(_) => {}
            Entry::Call(call) => call_line(call),
            Entry::Health { peers, path, from, to, evidence, .. } => {
                health_line(peers, *path, *from, *to, evidence);
            }
            Entry::Side { peers, path, from, to, .. } => side_line(peers, *path, *from, *to),
            Entry::Login { change, .. } => login_line(change),
            Entry::Registration { at, peer, to, until, .. } => registration_line(peer, *to, *until, *at),
            Entry::Alarm { peer, path, number, alarm, .. } => self.alarm(peer, *path, number, *alarm, now),
            Entry::Name { peers, host, from, to, kept, .. } => name_line(peers, host, *from, *to, *kept),
            Entry::Full { filled, .. } => {
                tracing::warn!(calls = filled.calls, "{} is full: further calls pass it by", filled.of);
            }
            Entry::Presented { carrier, country, form, .. } => {
                let to = if *country == 0 { String::new() } else { format!(" to +{country}") };
                tracing::info!("carrier {carrier} accepts calls{to} with {form}; it has refused others");
            }
            Entry::Dropped { flow, why } => {
                tracing::debug!(from = from(flow), "dropped: {why}");
                self.repeat(Repeat::Dropped(why), now);
            }
            Entry::Refused { flow, status, why } => {
                tracing::debug!(from = from(flow), status, "refused: {why}");
                self.repeat(Repeat::Refused(*status, why), now);
            }
            // Of a call its record is told.
            Entry::HungUp { .. } => {}
            Entry::Unlisted { number, flow } => {
                tracing::debug!(from = from(flow), ?number, "this number is not in the plan");
                self.repeat(Repeat::Unlisted, now);
            }
            Entry::CutOff { cut_off: true, .. } => tracing::error!(
                "nobody is heard any more, by any path: it is this node that is cut off; calls get 503 until somebody is heard"
            ),
            Entry::CutOff { cut_off: false, .. } => {
                tracing::warn!("somebody is heard again: calls are taken")
            }
            Entry::Urgent { what, number, sender, .. } => {
                let sender = sender.as_deref().unwrap_or("a stranger");
                match what {
                    Urgent::Emergency => tracing::warn!(number, "{sender} calls for help"),
                    Urgent::Callback => {
                        tracing::warn!(sender, "a call back from those who help: all phones ring")
                    }
                }
            }
            Entry::Confined { number, flow, why, .. } => {
                tracing::debug!(from = from(flow), ?number, "rings no phone numbers: {}", why.as_str());
                self.repeat(Repeat::Confined(*why), now);
            }
            Entry::Stranger { network, calls, taken, guess, news } => {
                let end = if *taken { "taken" } else { "refused" };
                if *news {
                    tracing::warn!(
                        calls,
                        "calls to our numbers come from {network}, which is nobody's in the plan \
                        ({end}): {}",
                        proposal(*network, guess.as_ref())
                    );
                } else {
                    tracing::debug!(calls, "a stranger's call from {network}: {end}");
                }
            }
        }
    }

    /// Prints the counts whose time has come. To be called about every second.
    pub fn on_beat(&mut self, now: Time) {
        let over: Vec<Repeat> = self
            .repeats
            .iter()
            .filter(|(_, seen)| now.since(seen.since) >= PAUSE)
            .map(|(&kind, _)| kind)
            .collect();
        for kind in over {
            match self.repeats.remove(&kind) {
                Some(Repeats { count: 0, .. }) | None => (),
                Some(Repeats { count, .. }) => {
                    kind.print(&format!("{count} more in {} s", PAUSE.as_secs()));
                    self.repeats.insert(kind, Repeats { since: now, count: 0 });
                }
            }
        }
    }

    /// A peer may say the same to every call: the first is printed, the others are counted.
    fn alarm(&mut self, peer: &str, path: Path, number: &str, alarm: Alarm, now: Time) {
        tracing::debug!(peer, ?number, "{peer} {alarm}");
        let kind = Repeat::Alarm(alarm.kind());
        if !self.repeats.contains_key(&kind) {
            tracing::warn!(path = at(path), "{peer} {alarm}");
        }
        self.repeat(kind, now);
    }

    fn repeat(&mut self, kind: Repeat, now: Time) {
        if let Some(seen) = self.repeats.get_mut(&kind) {
            seen.count += 1;
        } else if self.repeats.len() < KINDS_MAX {
            kind.print("the first, like ones are counted");
            self.repeats.insert(kind, Repeats { since: now, count: 0 });
        }
    }
}

impl Repeat {
    fn print(self, note: &str) {
        match self {
            Self::Dropped(why) => tracing::info!(why, "dropped without an answer ({note})"),
            Self::Refused(status, why) => tracing::info!(status, why, "refused ({note})"),
            Self::Unlisted => {
                tracing::warn!(
                    "a number was called that the plan does not list ({note}); numbers: level debug"
                );
            }
            Self::Confined(why) => tracing::warn!("{} ({note}); which: level debug", confined(why)),
            Self::Alarm(kind) => tracing::warn!(kind, "an alarm ({note}); by whom: level debug"),
        }
    }
}

const PAUSE: Duration = Duration::from_secs(10);
const KINDS_MAX: usize = 256; // Reasons are written in the code: there are some dozens.

static PANICS: AtomicU64 = AtomicU64::new(0);
const PANICS_PRINTED: u64 = 100; // Who finds a bug that he can trigger fills no disk with it; all are counted.

fn call_line(call: &CallRecord) {
    let end = match &call.end {
        End::Answered { target } => format!("answered by {target}"),
        End::Cancelled => "the caller gave up".to_owned(),
        End::Failed { status } => format!("failed with {status}"),
        End::Refused { status, why } => format!("refused with {status}: {why}"),
    };
    let begun = &call.begun;
    let took = call.ended.since(begun.began);
    let mut legs = String::new();
    for leg in &call.legs {
        // Writing to a string cannot fail.
        let _ = write!(legs, "{}{}: {}", if legs.is_empty() { "" } else { "; " }, leg.target, leg.outcome);
    }
    tracing::debug!(id = begun.id, caller = ?begun.caller, number = ?begun.number, ?took, legs, "call: {end}");
}

fn health_line(peers: &[Arc<str>], path: Path, from: Standing, to: Standing, evidence: &[Evidence]) {
    let peers = peers.join(", ");
    let path = at(path);
    let why = evidence.last().map(because).unwrap_or_default();
    let (was, is) = (standing(from), standing(to));
    match to {
        Standing::Down | Standing::Suspect => tracing::warn!(path, why, "{peers} is {is}, was {was}"),
        Standing::Up | Standing::Probation | Standing::Unknown => {
            tracing::info!(path, why, "{peers} is {is}, was {was}");
        }
    }
}

fn side_line(peers: &[Arc<str>], path: Path, from: Option<Side>, to: Option<Side>) {
    let (peers, path) = (peers.join(", "), at(path));
    match (to, from) {
        (Some(Side::Out), _) => tracing::error!(
            path,
            "{peers} says that the account has no credit: tried last until the plan is loaded again"
        ),
        (Some(Side::Refused), _) => tracing::error!(
            path,
            "{peers} has refused five calls in a row with 403: tried last until one gets through"
        ),
        (Some(Side::Full), _) => {
            tracing::warn!(path, "{peers} has no room for more calls: tried last for a moment")
        }
        (None, Some(Side::Full)) => tracing::info!(path, "{peers} may have room for calls again"),
        (None, Some(Side::Out | Side::Refused) | None) => {
            tracing::info!(path, "{peers} is tried as before again")
        }
    }
}

fn login_line(Change { peer, line, word, refusals }: &Change) {
    let times = refusals.len();
    match (word, line) {
        (Word::Through, _) => tracing::info!("{peer} takes our credentials again"),
        (Word::Refused, Some(line)) => tracing::error!(
            times,
            "{peer} refuses our credentials: tried last; correct user and password in line {line} of the plan file, then reload"
        ),
        (Word::Unmet, Some(line)) => tracing::error!(
            "{peer} asks for other credentials than we have: tried last; correct the realm in line {line} of the plan file, then \
             reload"
        ),
        (Word::Refused | Word::Unmet, None) => tracing::error!(
            "{peer} asks for credentials and the plan file has none for it: tried last; write `user` and `password`, then reload"
        ),
    }
}

fn registration_line(peer: &str, to: Registered, until: Option<Time>, now: Time) {
    let left = until.map(|until| until.since(now).as_secs());
    match (to, left) {
        (Registered::Held, _) => tracing::info!(seconds = left, "{peer} sends us calls: registered there"),
        (Registered::Failing(why), Some(seconds)) => {
            tracing::warn!(
                seconds,
                "{peer} does not renew our registration: {why}; it ends in so many seconds"
            );
        }
        (Registered::Failing(why), None) => {
            tracing::error!(
                "not registered at {peer}, so it sends us no calls: {why}; it is asked again, for ever"
            );
        }
        (Registered::Left, _) => tracing::info!("no longer registered at {peer}: given up"),
        // Nothing goes back to that but a registration that moves to another address.
        (Registered::Asked, _) => {}
    }
}

/// The word for what stands beside a belief.
#[must_use]
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Full => "full",
        Side::Refused => "refused",
        Side::Out => "out",
    }
}

fn name_line(peers: &[Arc<str>], host: &str, from: NameState, to: NameState, kept: usize) {
    let peers = peers.join(", ");
    match to {
        NameState::Missing => {
            tracing::warn!(
                host,
                kept,
                "the DNS knows no address for the name of {peers}; the last ones stay in use"
            );
        }
        NameState::Silent => {
            tracing::warn!(
                host,
                kept,
                "no DNS server answers for the name of {peers}; the last addresses stay in use"
            );
        }
        NameState::Resolved if from == NameState::Asking => {
            tracing::debug!(host, kept, "the name of {peers} is resolved");
        }
        NameState::Resolved => tracing::info!(host, kept, "the name of {peers} is resolved again"),
        // Nothing goes back to that.
        NameState::Asking => {}
    }
}

/// Why a call rings no phone numbers, and what to do.
const fn confined(why: Confined) -> &'static str {
    match why {
        Confined::CameBack => {
            "a call came back that was sent out to a phone number: it rings no phone numbers again; somebody's phone is \
             forwarded to a number of the plan"
        }
        Confined::Spent => {
            "a plan has sent out as much as it may: its calls ring no phone numbers until some time has passed; if it was \
             not an attack, raise its `calls_per_hour`, `calls_per_day` or `minutes_per_day`"
        }
        Confined::ForwardedOften => {
            "a call was forwarded five times before it came: it rings no phone numbers; it may be going round"
        }
    }
}

/// The word for what is believed.
#[must_use]
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Up => "up",
        Standing::Probation => "on probation",
        Standing::Unknown => "unknown",
        Standing::Suspect => "suspect",
        Standing::Down => "down",
    }
}

fn because(evidence: &Evidence) -> String {
    let source = match evidence.source {
        Source::Probe => "probe",
        Source::Call => "call",
    };
    match evidence.sign {
        Sign::Alive { round_trip: Some(round_trip), .. } => format!("{source}: answered in {round_trip:?}"),
        Sign::Alive { round_trip: None, .. } => format!("{source}: answered"),
        Sign::Miss => format!("{source}: no answer"),
        Sign::Soft => format!("{source}: an error"),
        Sign::Unreachable => format!("{source}: nobody listens there"),
        Sign::Unavailable(Some(seconds)) => format!("{source}: 503, retry after {seconds} s"),
        Sign::Unavailable(None) => format!("{source}: 503"),
    }
}

fn proposal(network: Network, guess: Option<&(Arc<str>, Clue)>) -> String {
    let add = format!("add `networks = [\"{network}\"]`");
    let Some((carrier, clue)) = guess else { return format!("if it is a carrier's, {add} to that one") };
    let why = match clue {
        Clue::Domain => "the call names its domain",
        Clue::Near => "an address of its own is near",
        Clue::OnlyOne => "there is no other",
    };
    format!("perhaps {carrier}'s, a guess since {why}; if it is, {add} there")
}

fn from(flow: &Flow) -> String {
    at(flow.path)
}

fn at(path: Path) -> String {
    format!("{}:{}", path.transport.in_uri(), path.remote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_lines_are_counted_for_ten_seconds_and_forgotten_after_ten_quiet_ones() {
        let mut log = Log::default();
        let flow = Flow {
            path: Path {
                transport: router::Transport::Udp,
                local: 0,
                remote: core::net::SocketAddr::from(([192, 0, 2, 1], 5060)),
            },
            connection: 0,
        };
        let counts = |log: &Log| log.repeats.values().map(|seen| seen.count).collect::<Vec<_>>();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        for second in 0..3 {
            log.add(&Entry::Dropped { flow, why: "junk" }, at(second));
        }
        log.add(&Entry::Dropped { flow, why: "no route" }, at(3));
        assert_eq!(counts(&log), [2, 0]);
        log.on_beat(at(9));
        assert_eq!(counts(&log), [2, 0]);
        log.on_beat(at(10));
        assert_eq!(counts(&log), [0, 0], "the two were printed");
        log.on_beat(at(13));
        assert_eq!(counts(&log), [0], "nothing more of `no route` came");
        log.on_beat(at(20));
        assert!(counts(&log).is_empty());
    }
}
