//! The plan while it is being read: as [`Plan`], with the places in the file, and with steps that may still name
//! nobody.

use crate::config::drills::Drill;
use crate::config::expect::Expect;
use crate::config::hours::Clock;
use crate::config::mailboxes::{Customer, Mailboxes};
use crate::config::names::full;
use crate::config::source::Source;
use crate::config::tls::PeerTls;
use crate::diagnostic::Span;
use agent::guide::Guide;
use core::time::Duration;
use router::Plan;
use router::emergency::Emergency;
use router::networks::Network;
use router::plan::{Course, CourseId, Declined, Member, Step};
use router::presentation::Who;
use router::spent::Cap;
use router::target::TargetId;
use router::when::When;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The plan and where its parts stand.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What the agents of this process do.
    pub(super) guide: Guide,
    /// Peers, carriers, targets and numbers; courses come last, from `courses`.
    pub(super) plan: Plan,
    /// The shortest time after which a carrier takes a call away that nobody answers, and where that stands.
    pub(super) no_answer: Option<(Duration, Span)>,
    /// The carriers' keys.
    pub(super) carriers: Vec<Span>,
    /// The targets' keys, and the failure domains written on them.
    pub(super) targets: Vec<(Span, Vec<Arc<str>>)>,
    pub(super) courses: Vec<CourseDraft>,
    /// Emergency numbers.
    pub(super) emergency: BTreeSet<Arc<str>>,
    /// Where each network of the plan stands.
    pub(super) networks: BTreeMap<Network, Span>,
    /// What holds for each peer that is spoken to by TLS, by its name.
    pub(super) tls: BTreeMap<Arc<str>, PeerTls>,
    /// Who keeps messages.
    pub(super) mailboxes: Mailboxes,
    /// Whom calls have to reach.
    pub(super) expects: Vec<Expect>,
    /// What is to be tried on purpose.
    pub(super) drills: Vec<Drill>,
    /// Where templates say something, in order.
    pub(super) templates: Vec<Span>,
    /// The first mailbox that has an address.
    pub(super) mailed: Option<Span>,
    /// The customer whose part of the plan is read: its name stands before all that it names.
    pub(super) customer: Option<Arc<Customer>>,
}

/// One `[plans.*]`.
#[derive(Debug)]
pub(super) struct CourseDraft {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    pub(super) steps: ListDraft,
    pub(super) closed: Option<ListDraft>,
    pub(super) busy: Option<ListDraft>,
    pub(super) full: Option<ListDraft>,
    pub(super) hours: Option<Clock>,
    pub(super) live_within: Duration,
    pub(super) declined: Declined,
    /// Whether each of its lists has to end with what answers on this machine.
    pub(super) floor: bool,
    pub(super) cap: Cap,
}

/// One list of steps.
#[derive(Debug, Default)]
pub(super) struct ListDraft {
    pub(super) steps: Vec<StepDraft>,
    /// From bracket to bracket; a destination alone has none.
    pub(super) span: Span,
}

/// One step.
#[derive(Debug)]
pub(super) struct StepDraft {
    pub(super) members: Vec<(Rung, Span)>,
    pub(super) say: Option<Said>,
    pub(super) ring: Option<Duration>,
    pub(super) stagger: Duration,
    /// `None` for what the plan says.
    pub(super) declined: Option<Declined>,
    pub(super) from: Option<Who>,
    /// `None` for what each target says.
    pub(super) confirm: Option<bool>,
    /// What has to be so when its turn comes.
    pub(super) when: Option<When>,
    pub(super) span: Span,
    pub(super) line: u32,
}

/// What is said before a step.
#[derive(Debug)]
pub(super) struct Said {
    /// The name of the announcement.
    pub(super) name: Arc<str>,
    /// Who says it; known once all announcements are.
    pub(super) word: Option<TargetId>,
}

/// What a step names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rung {
    Target(TargetId),
    Course(CourseId),
    /// Something that this version does not have.
    Later,
    /// Nothing; the problem has been reported.
    Nobody,
}

impl Draft {
    /// A name of the part that is read, as logs and metrics have it.
    pub(super) fn full(&self, name: &str) -> Arc<str> {
        full(self.customer.as_ref().map(|customer| &*customer.key), name)
    }

    /// The finished plan. Only for a draft without problems: a member that is nobody is left out.
    pub(super) fn finish(mut self, source: &Source) -> Plan {
        self.plan.files = source.included().map(|(rows, path)| (rows, path.into())).collect();
        let caps = (0..).map(CourseId).zip(self.courses.iter().map(|course| course.cap));
        self.plan.caps = caps.filter(|(_, cap)| *cap != Cap::default()).collect();
        self.plan.courses = self.courses.into_iter().map(CourseDraft::finish).collect();
        self.plan.emergency = Emergency::of(&self.plan, self.emergency);
        self.plan
    }
}

impl CourseDraft {
    /// Its lists by name, in the order in which they may be walked.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'static str, &ListDraft)> {
        let steps = core::iter::once(("steps", &self.steps));
        let closed = self.closed.as_ref().map(|list| ("closed", list));
        let busy = self.busy.as_ref().map(|list| ("busy", list));
        let full = self.full.as_ref().map(|list| ("full", list));
        steps.chain(closed).chain(busy).chain(full)
    }

    /// Every override that a step of it asks for.
    pub(super) fn overrides(&self) -> impl Iterator<Item = &Arc<str>> {
        let steps = self.lists().flat_map(|(_, list)| &list.steps);
        steps.filter_map(|step| step.when.as_ref()).flat_map(When::overrides).flatten()
    }

    /// Its lists, to be completed.
    pub(super) fn lists_mut(&mut self) -> impl Iterator<Item = &mut ListDraft> {
        let others = [&mut self.closed, &mut self.busy, &mut self.full];
        core::iter::once(&mut self.steps).chain(others.into_iter().flatten())
    }

    fn finish(self) -> Course {
        let steps = |list: ListDraft| list.steps.into_iter().map(|step| step.finish(self.declined)).collect();
        Course {
            name: self.name,
            steps: steps(self.steps),
            hours: self.hours.filter(|_| self.closed.is_some()).map(|clock| clock.hours),
            closed: self.closed.map(steps),
            busy: self.busy.map(steps),
            full: self.full.map(steps),
            live_within: self.live_within,
        }
    }
}

impl StepDraft {
    /// The plan it goes into, if it is one; a plan stands alone.
    pub(super) fn course(&self) -> Option<(CourseId, Span)> {
        self.members.iter().find_map(|(rung, span)| match rung {
            Rung::Course(id) => Some((*id, span.clone())),
            Rung::Target(_) | Rung::Later | Rung::Nobody => None,
        })
    }

    /// The targets it rings.
    pub(super) fn targets(&self) -> impl Iterator<Item = (TargetId, &Span)> {
        self.members.iter().filter_map(|(rung, span)| match rung {
            Rung::Target(id) => Some((*id, span)),
            Rung::Course(_) | Rung::Later | Rung::Nobody => None,
        })
    }

    fn finish(self, declined: Declined) -> Step {
        let member = |(rung, _): &(Rung, Span)| match rung {
            Rung::Target(id) => Some(Member::Target(*id)),
            Rung::Course(id) => Some(Member::Course(*id)),
            Rung::Later | Rung::Nobody => None,
        };
        let members = self.members.iter().filter_map(member).collect();
        let declined = self.declined.unwrap_or(declined);
        Step {
            members,
            say: self.say.and_then(|said| said.word),
            ring: self.ring,
            stagger: self.stagger,
            declined,
            from: self.from,
            confirm: self.confirm,
            when: self.when,
            line: self.line,
        }
    }
}
