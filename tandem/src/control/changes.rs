//! Which plan is in force, and how another takes its place: read anew, confirmed, taken back. It works on files and on what was read, on a
//! thread where that may take its time; the loop lets what comes of it come into force between two events.

use super::revisions::Revisions;
use super::state::{State, Unconfirmed};
use super::status::{Standing, status};
use super::words::{self, Applied};
use super::{Answer, CONFIRM_WITHIN, Request, Verb};
use crate::clock::Clock;
use crate::config::{self, Loaded, NodeSettings, Source, TlsSettings};
use crate::media::agents::Said;
use crate::start::warn;
use crate::tls::Tls;
use crate::tls::held::Read;
use core::time::Duration;
use router::Plan;
use router::foretell::Fault;
use router::roads::Roads;
use router::target::PeerId;
use sip::Time;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// It.
#[derive(Debug)]
pub struct Changes {
    /// The plan file, as it was named at the start.
    file: PathBuf,
    settings: NodeSettings,
    clock: Clock,
    revisions: Revisions,
    state: State,
    /// When the revision in force has to be confirmed by: the clock on the wall may be set meanwhile.
    confirm_by: Option<Time>,
    ready: Ready,
    /// The revision before, so that going back needs no file.
    before: Option<(u64, Ready)>,
}

/// A plan that has been read.
#[derive(Clone, Debug)]
struct Ready {
    plan: Arc<Plan>,
    said: Said,
    source: Arc<Source>,
    tls: Arc<TlsSettings>,
}

/// How the node stands at the moment of a request.
#[derive(Clone, Debug)]
pub struct View {
    /// The plan that new calls get.
    pub plan: Arc<Plan>,
    /// The paths of its peers.
    pub roads: Arc<Roads>,
    /// Who would take no call now.
    pub fault: Fault,
    /// Who is down by all of its paths, and since when, in seconds since 1970.
    pub down: Vec<(PeerId, i64)>,
    /// Who has no path: his name is not known.
    pub lost: Vec<PeerId>,
    /// Calls that are being walked.
    pub calls: usize,
    /// What TLS is made of.
    pub tls: Arc<Tls>,
}

/// What somebody, or time, wants.
#[derive(Debug)]
pub enum Job {
    /// A request.
    Ask(Request),
    /// The files may have changed: a signal says so.
    Reread,
    /// The time of something is over.
    Expire,
}

/// What comes of a job.
#[derive(Debug)]
pub struct Made {
    /// What is to come into force.
    pub brought: Option<Brought>,
    /// What is said then.
    pub outcome: Outcome,
}

/// What comes into force.
#[derive(Debug)]
pub struct Brought {
    /// The plan, with what is switched by hand.
    pub plan: Arc<Plan>,
    /// What the agents are to know, and what TLS is made of; `None` if only something was switched.
    pub rest: Option<(Said, Read)>,
}

/// When there is something to do though nobody asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Somebody has to have confirmed by then.
    pub confirm: Option<Time>,
    /// What is switched by hand ends in this second since 1970.
    pub switched: Option<i64>,
}

/// What is said of a job.
#[derive(Debug)]
pub enum Outcome {
    /// A plan is in force.
    Applied(Applied),
    /// Anything else.
    Said(Answer),
}

impl Changes {
    /// What is in force at the start: the plan that was read from the file, but if that is the text of a revision that was taken back,
    /// and the one that was put in its place can still be read. The data folder is there by then.
    #[must_use]
    pub fn start(file: PathBuf, loaded: Loaded, clock: Clock) -> (Self, Loaded) {
        let data = loaded.node.data.clone();
        let revisions = Revisions::new(&data);
        let mut state = State::read(&data).unwrap_or_else(|error| {
            tracing::error!(
                "what is known of earlier plans cannot be read: {error}; it is put aside in {}",
                data.display()
            );
            State::set_aside(&data);
            State::default()
        });
        let unix = clock.today().as_second();
        let late = state.unconfirmed.filter(|unconfirmed| unconfirmed.until <= unix);
        if let Some(Unconfirmed { back_to, .. }) = late {
            tracing::warn!("nobody confirmed revision {}: back to {back_to}", state.in_force);
            state.go_to(back_to, unix, NOBODY);
        }
        let is = |number: &u64| revisions.is(*number, &loaded.source);
        let (loaded, is_known) = if is(&state.in_force) {
            (loaded, true)
        } else if let Some(taken) = state.taken_back.iter().find(|number| is(number)) {
            match again(&revisions, state.in_force, loaded.source.path(), clock) {
                Ok(kept) => {
                    tracing::error!(
                        "the plan file is revision {taken}, which was taken back: revision {} is in force. Mend the file, then `tandem apply`",
                        state.in_force
                    );
                    (kept, true)
                }
                Err(why) => {
                    tracing::error!(
                        "the plan file is revision {taken}, which was taken back; it is in force all the same: {why}"
                    );
                    (loaded, false)
                }
            }
        } else {
            (loaded, false)
        };
        let settings = loaded.node.clone();
        let ready = Ready::of(&loaded);
        let confirm_by = state.unconfirmed.map(|it| {
            clock.now() + Duration::from_secs(u64::try_from(it.until.saturating_sub(unix)).unwrap_or(0))
        });
        let mut changes = Self { file, settings, clock, revisions, state, confirm_by, ready, before: None };
        if !is_known {
            let kept = changes.keep(changes.next(), ("the start of this node", ""), None);
            kept.into_iter().for_each(|why| tracing::error!("{why}"));
        }
        (changes, loaded)
    }

    /// When there is something to do though nobody asks.
    #[must_use]
    pub fn due(&self) -> Due {
        let switched = self.state.switched.iter().map(|switched| switched.until).min();
        Due { confirm: self.confirm_by, switched }
    }

    /// The plan in force as it was read.
    pub(super) const fn read(&self) -> &Arc<Plan> {
        &self.ready.plan
    }

    /// What of it all is kept on the disk.
    pub(super) const fn state(&self) -> &State {
        &self.state
    }

    pub(super) const fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Seconds since 1970.
    pub(super) fn unix(&self) -> i64 {
        self.clock.today().as_second()
    }

    /// Does it.
    pub fn work(&mut self, job: Job, view: &View) -> Made {
        match job {
            Job::Reread => self.apply(&By { who: "SIGHUP", why: "" }, None, view),
            Job::Expire => self.expire(view),
            Job::Ask(Request { verb, who, why }) => {
                let by = By { who: &who, why: &why };
                match verb {
                    Verb::Status => Made::said(status(&self.standing(view))),
                    Verb::Apply { confirm_within } => {
                        self.apply(&by, confirm_within.map(Duration::from_secs), view)
                    }
                    Verb::Confirm { revision } => Made::said(self.confirm(&by, revision)),
                    Verb::Rollback { to } => self.roll_back(&by, to, view),
                    Verb::Order { order, lasts, even_so } => self.order(&by, (&order, &lasts), even_so, view),
                    Verb::Undo { id } => self.undo(&by, id, view),
                }
            }
        }
    }

    fn apply(&mut self, by: &By<'_>, within: Option<Duration>, view: &View) -> Made {
        if within.is_some_and(|within| !CONFIRM_WITHIN.contains(&within)) {
            return Made::said(Answer::refused(words::confirm_bounds()));
        }
        let began = self.clock.now();
        let loaded = match config::load(&self.file, self.clock.today()) {
            Ok(loaded) => loaded,
            Err(refused) => {
                tracing::warn!("{} has problems; the plan in force stays", self.file.display());
                refused.lines().for_each(|line| tracing::warn!("{line}"));
                return Made::said(words::refused(&refused, self.state.in_force));
            }
        };
        warn(&loaded);
        if loaded.node != self.settings {
            tracing::warn!("[node] has changed: that takes force at the next start");
        }
        let mut notes = words::warnings(&loaded, loaded.node != self.settings);
        let is_same = loaded.source.text() == self.ready.source.text();
        let before = (self.state.in_force, core::mem::replace(&mut self.ready, Ready::of(&loaded)));
        if !is_same {
            notes.extend(self.keep(self.next(), (by.who, by.why), within));
            self.before = Some(before.clone());
        } else if within.is_some() {
            notes.push("the plan file says what is in force already: nothing has to be confirmed".into());
        }
        let brought = self.brought(view);
        let applied = self.applied((began, before.0, &before.1.plan), view, by, notes);
        Made { brought: Some(brought), outcome: Outcome::Applied(applied) }
    }

    /// The number of a revision that is new.
    fn next(&self) -> u64 {
        self.revisions.numbers().last().copied().unwrap_or(0).max(self.state.in_force) + 1
    }

    /// What was read is in force under this number from now on; keeps that on the disk, and says what of that does not succeed.
    fn keep(&mut self, number: u64, by: (&str, &str), within: Option<Duration>) -> Option<String> {
        let unix = self.unix();
        let kept = self.revisions.keep(&self.ready.source, (number, unix), by.0, by.1);
        // Who goes on from an unconfirmed plan to another that has to be confirmed goes back to what was confirmed.
        let sure = self.state.unconfirmed.map_or(self.state.in_force, |unconfirmed| unconfirmed.back_to);
        self.state.go_to(number, unix, by);
        self.confirm_by = within.map(|within| self.clock.now() + within);
        self.state.unconfirmed = within.map(|within| Unconfirmed {
            back_to: sure,
            until: unix.saturating_add_unsigned(within.as_secs()),
        });
        kept.and_then(|()| self.write()).err().map(|error| words::not_kept(&error))
    }

    pub(super) fn write(&self) -> io::Result<()> {
        self.state.write(&self.settings.data)?;
        let before = self.state.unconfirmed.map(|unconfirmed| unconfirmed.back_to);
        let wanted: Vec<u64> = before.into_iter().chain([self.state.in_force]).collect();
        self.revisions.prune(&wanted);
        Ok(())
    }

    fn confirm(&mut self, by: &By<'_>, revision: Option<u64>) -> Answer {
        let in_force = self.state.in_force;
        if self.state.unconfirmed.is_none() {
            return Answer::refused(format!("revision {in_force} is in force: nothing has to be confirmed"));
        }
        if let Some(other) = revision.filter(|revision| *revision != in_force) {
            return Answer::refused(format!(
                "revision {in_force} is in force, not {other}: nothing is confirmed"
            ));
        }
        (self.state.unconfirmed, self.confirm_by) = (None, None);
        tracing::info!("revision {in_force} is confirmed{}", by.words());
        let not_kept = self.write().err().map(|error| words::not_kept(&error));
        words::confirmed(in_force, not_kept)
    }

    fn roll_back(&mut self, by: &By<'_>, to: Option<u64>, view: &View) -> Made {
        let began = self.clock.now();
        let in_force = self.state.in_force;
        let earlier = || {
            let taken = &self.state.taken_back;
            self.revisions.numbers().into_iter().rfind(|it| *it < in_force && !taken.contains(it))
        };
        let wanted = to.or(self.state.unconfirmed.map(|it| it.back_to)).or_else(earlier);
        let Some(wanted) = wanted else {
            return Made::said(Answer::refused(format!("there is no revision before {in_force}")));
        };
        if wanted == in_force {
            return Made::said(Answer::refused(format!("revision {in_force} is in force already")));
        }
        let ready = match self.before.take() {
            Some((number, ready)) if number == wanted => Ok(ready),
            before => {
                self.before = before;
                let path = self.ready.source.path();
                again(&self.revisions, wanted, path, self.clock).map(|loaded| Ready::of(&loaded))
            }
        };
        let ready = match ready {
            Ok(ready) => ready,
            Err(why) => return Made::said(Answer::refused(why)),
        };
        let before = core::mem::replace(&mut self.ready, ready);
        self.state.go_to(wanted, self.unix(), (by.who, by.why));
        self.confirm_by = None;
        let mut notes: Vec<String> =
            self.write().err().map(|error| words::not_kept(&error)).into_iter().collect();
        notes.push(words::file_is_another(self.ready.source.path(), &self.revisions.folder(wanted)));
        let applied = self.applied((began, in_force, &before.plan), view, by, notes);
        self.before = Some((in_force, before));
        Made { brought: Some(self.brought(view)), outcome: Outcome::Applied(applied) }
    }

    fn expire(&mut self, view: &View) -> Made {
        match self.state.unconfirmed {
            Some(Unconfirmed { back_to, .. }) if self.confirm_by.is_some_and(|by| by <= self.clock.now()) => {
                tracing::warn!("nobody confirmed revision {}: back to {back_to}", self.state.in_force);
                let made = self.roll_back(&By { who: NOBODY.0, why: NOBODY.1 }, Some(back_to), view);
                if let Outcome::Said(refused) = &made.outcome {
                    tracing::error!("revision {} stays: {}", self.state.in_force, refused.text.trim_end());
                    // It stays then; to try again each second would help nobody.
                    self.confirm_by = None;
                }
                made
            }
            Some(_) | None => match self.end_switched() {
                Some(brought) => Made { brought: Some(brought), outcome: Outcome::Said(words::over()) },
                None => Made::said(Answer::refused("it is not time yet")),
            },
        }
    }

    fn brought(&self, view: &View) -> Brought {
        let Ready { said, source, tls, .. } = self.ready.clone();
        let read = Read::files(source, tls, Some(&view.tls), self.clock);
        Brought { plan: self.plan(), rest: Some((said, read)) }
    }

    fn applied(
        &self,
        (began, before, old): (Time, u64, &Plan),
        view: &View,
        by: &By<'_>,
        mut notes: Vec<String>,
    ) -> Applied {
        notes.extend(self.meaningless().iter().map(|(switched, why)| words::meaningless(switched, why)));
        tracing::info!("revision {} is in force{}", self.state.in_force, by.words());
        Applied {
            began,
            revision: self.state.in_force,
            before,
            changes: words::changes(old, &self.ready.plan),
            unconfirmed: self.state.unconfirmed,
            calls: view.calls,
            zone: self.ready.plan.zone.clone(),
            notes,
        }
    }

    fn standing<'a>(&'a self, view: &'a View) -> Standing<'a> {
        Standing { view, state: &self.state, meaningless: self.meaningless(), unix: self.unix() }
    }
}

/// Who takes back what has not been confirmed.
const NOBODY: (&str, &str) = ("time", "nobody confirmed the other one");

/// Who, and why.
pub(super) struct By<'a> {
    pub(super) who: &'a str,
    pub(super) why: &'a str,
}

impl By<'_> {
    /// `, by ana: "new numbers"`.
    pub(super) fn words(&self) -> String {
        words::by(self.who, self.why)
    }
}

impl Ready {
    fn of(loaded: &Loaded) -> Self {
        Self {
            plan: Arc::clone(&loaded.plan),
            said: Said { guide: Arc::clone(&loaded.guide), mailboxes: Arc::clone(&loaded.mailboxes) },
            source: Arc::new(loaded.source.clone()),
            tls: Arc::new(loaded.tls.clone()),
        }
    }
}

impl Made {
    pub(super) fn said(answer: Answer) -> Self {
        Self { brought: None, outcome: Outcome::Said(answer) }
    }
}

/// Reads an earlier revision; why it cannot be, else.
fn again(revisions: &Revisions, number: u64, plan: &str, clock: Clock) -> Result<Loaded, String> {
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            format!("there is no revision {number}")
        } else {
            format!("revision {number} cannot be read: {error}")
        }
    };
    let source = revisions.source(number, plan).map_err(unreadable)?;
    config::read_again(source, clock.today())
        .map_err(|refused| format!("revision {number} cannot be in force today:\n{refused}"))
}
