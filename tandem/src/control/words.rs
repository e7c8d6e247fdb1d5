//! What is said of changes and of how a node stands, in words and as values.

use super::changes::View;
use super::state::{State, Unconfirmed};
use super::{Answer, CONFIRM_WITHIN, End};
use crate::config::{Loaded, Refused, words as length};
use crate::explain::and;
use crate::foretold::by_course;
use crate::moment::weekly;
use core::time::Duration;
use router::Plan;
use router::foretell::Fault;
use router::hours::Zone;
use router::outage::{Kind, Thing};
use router::target::{PeerId, TargetId, TargetKind};
use router::way::{Try, Way};
use serde_json::json;
use sip::Time;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// A plan that is in force.
#[derive(Debug)]
pub struct Applied {
    /// When it was begun with.
    pub began: Time,
    /// Which it is.
    pub revision: u64,
    /// Which was in force before.
    pub before: u64,
    /// What there is more or less of: `numbers 14 → 15`.
    pub changes: Vec<String>,
    /// Whether it has to be confirmed.
    pub unconfirmed: Option<Unconfirmed>,
    /// Calls that are being walked: they end on the plan that they began with.
    pub calls: usize,
    /// The clock of the business.
    pub zone: Zone,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// How a node stands.
pub(super) struct Standing<'a> {
    /// What the node itself knows.
    pub(super) view: &'a View,
    /// Which plan is in force.
    pub(super) state: &'a State,
    /// Now, in seconds since 1970.
    pub(super) unix: i64,
}

/// What of two plans differs in number.
pub(crate) fn changes(old: &Plan, new: &Plan) -> Vec<String> {
    let counts = |plan: &Plan| {
        let Plan { numbers, courses, targets, peers, .. } = plan;
        [
            ("numbers", numbers.len()),
            ("plans", courses.len()),
            ("destinations", targets.len()),
            ("peers", peers.len()),
        ]
    };
    let both = counts(old).into_iter().zip(counts(new)).filter(|(old, new)| old != new);
    both.map(|((what, old), (_, new))| format!("{what} {old} → {new}")).collect()
}

pub(super) fn applied(applied: &Applied, took: Duration) -> Answer {
    let Applied { revision, before, calls, zone, .. } = applied;
    let millis = took.as_micros().div_ceil(1000);
    let mut text = if revision == before {
        format!("The plan file says what revision {revision} says, which stays in force.\n")
    } else {
        let changes: String = applied.changes.iter().map(|change| format!("; {change}")).collect();
        format!("Revision {revision} is in force, after {millis} ms{changes}.\n")
    };
    if *calls > 0 {
        text += &format!(
            "{} as they began.\n",
            if *calls == 1 { "1 call goes on".into() } else { format!("{calls} calls go on") }
        );
    }
    for note in &applied.notes {
        text += &format!("{note}\n");
    }
    if let Some(Unconfirmed { back_to, until }) = applied.unconfirmed {
        let until = clock(zone, until);
        text += &format!("It goes back to {back_to} at {until} unless you run: tandem confirm {revision}\n");
    } else if revision != before {
        text += &format!("To undo it: tandem rollback {before}\n");
    }
    let values = json!({
        "revision": revision,
        "before": before,
        "micros": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "unconfirmed": applied.unconfirmed,
        "calls": calls,
        "changes": applied.changes,
        "notes": applied.notes,
    });
    Answer { end: End::Done, text, values }
}

pub(super) fn confirmed(revision: u64, not_kept: Option<String>) -> Answer {
    let mut text = format!("Revision {revision} stays in force.\n");
    text.extend(not_kept.iter().map(|why| format!("{why}\n")));
    Answer { end: End::Done, text, values: json!({ "revision": revision, "notes": not_kept }) }
}

/// A plan file with errors does not come into force.
pub(super) fn refused(refused: &Refused, in_force: u64) -> Answer {
    let lines: Vec<String> = refused.lines().collect();
    let text = format!("{refused}Revision {in_force} stays in force: nothing has changed.\n");
    Answer { end: End::Refused, text, values: json!({ "revision": in_force, "refused": lines }) }
}

/// What somebody should look at, though the plan is good.
pub(super) fn warnings(loaded: &Loaded, other_node: bool) -> Vec<String> {
    let mut found: Vec<String> = match loaded.warnings.len() {
        0 => Vec::new(),
        1 => vec!["1 warning: `tandem check` shows it.".into()],
        more => vec![format!("{more} warnings: `tandem check` shows them.")],
    };
    if other_node {
        found.push("[node] has changed: that takes force at the next start.".into());
    }
    found
}

pub(super) fn not_kept(error: &io::Error) -> String {
    format!(
        "It cannot be kept on the disk ({error}): a start of this node will read the plan file as it stands then."
    )
}

/// After a step back the file says something else than what is in force.
pub(super) fn file_is_another(file: &str, kept: &Path) -> String {
    format!(
        "{file} still says something else: mend it before the next apply; what is in force is kept in {}.",
        kept.display()
    )
}

pub(super) fn confirm_bounds() -> String {
    let (least, most) = (length(*CONFIRM_WITHIN.start()), length(*CONFIRM_WITHIN.end()));
    format!("a plan may have to be confirmed within {least} to {most}")
}

/// `, by ana: "new numbers"`.
pub(super) fn by(who: &str, why: &str) -> String {
    match why {
        "" => format!(", by {who}"),
        why => format!(", by {who}: \"{why}\""),
    }
}

/// `14:11:40`, by the clock of the business, with the day of the week if that is not clear by itself.
pub(super) fn clock(zone: &Zone, unix: i64) -> String {
    let local = unix.saturating_add(i64::from(zone.offset_at(unix)));
    let second = local.rem_euclid(60);
    format!("{}:{second:02}", weekly(local))
}

/// How a node stands: who is reached, who is down, what is in force.
pub(super) fn status(standing: &Standing<'_>) -> Answer {
    let Standing { view, state, unix } = standing;
    let plan = &*view.plan;
    let reached = Reached::of(view, *unix);
    let mut text = reached.words();
    let mut down = Vec::new();
    for thing in plan.things().iter().filter(|thing| thing.kind != Kind::Domain) {
        let Some(since) = since(thing, view) else { continue };
        let lasts = Duration::from_secs(u64::try_from(unix.saturating_sub(since)).unwrap_or(0));
        text += &format!("  ■ {thing}  down for {}\n", length(lasts));
        down.push(json!({ "thing": thing.to_string(), "since": since }));
    }
    let who = by(&state.who, &state.why);
    text +=
        &format!("  revision {}  in force since {}{who}\n", state.in_force, clock(&plan.zone, state.since));
    if let Some(Unconfirmed { back_to, until }) = state.unconfirmed {
        let (until, revision) = (clock(&plan.zone, until), state.in_force);
        text +=
            &format!("  it goes back to {back_to} at {until} unless you run: tandem confirm {revision}\n");
    }
    text += &match view.calls {
        0 => "  no call is being put through\n".to_owned(),
        1 => "  1 call is being put through\n".to_owned(),
        calls => format!("  {calls} calls are being put through\n"),
    };
    let values = json!({
        "numbers": reached.numbers,
        "reach_nobody": reached.lost,
        "on_a_backup": reached.on_backup,
        "down": down,
        "revision": state.in_force,
        "since": state.since,
        "who": state.who,
        "why": state.why,
        "unconfirmed": state.unconfirmed,
        "calls": view.calls,
    });
    Answer { end: if reached.lost.is_empty() { End::Done } else { End::Found }, text, values }
}

/// Since when all of a thing is down; `None` if it is not.
fn since(thing: &Thing, view: &View) -> Option<i64> {
    let of = |peer: &PeerId| view.down.iter().find(|(down, _)| down == peer).map(|(_, since)| *since);
    let all: Option<Vec<i64>> = thing.peers.iter().map(of).collect();
    all?.into_iter().max()
}

/// What calls to each number would meet now.
struct Reached {
    numbers: usize,
    /// Who would ring nobody.
    lost: Vec<String>,
    /// Who would ring another first than if all were well.
    on_backup: Vec<String>,
}

impl Reached {
    fn of(view: &View, unix: i64) -> Self {
        let (plan, roads) = (&*view.plan, &*view.roads);
        let down: BTreeSet<PeerId> = view.down.iter().map(|(peer, _)| *peer).collect();
        let (well, ill) = (Fault::default(), Fault { down, known: true });
        let mut found = Self { numbers: 0, lost: Vec::new(), on_backup: Vec::new() };
        for (course, numbers) in by_course(plan) {
            found.numbers += numbers.len();
            let way = |fault: &Fault| plan.foretell(roads, plan.entrance(course, unix), unix, fault);
            let (as_planned, now) = (way(&well), way(&ill));
            let names = || numbers.iter().map(|number| (*number).to_owned());
            if !rings_somebody(plan, &now) {
                found.lost.extend(names());
            } else if first(&as_planned) != first(&now) {
                found.on_backup.extend(names());
            }
        }
        found
    }

    fn words(&self) -> String {
        let all = self.numbers;
        let of = |some: &[String], one: &str, more: &str| {
            let verb = if some.len() == 1 { one } else { more };
            let shown: Vec<&str> = some.iter().take(SHOWN).map(|number| &**number).collect();
            let rest = some.len().saturating_sub(SHOWN);
            let names = if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { and(&shown) };
            format!("{} of {all} {verb}: {names}.", some.len())
        };
        let mut text = match (self.lost.is_empty(), all) {
            (true, 1) => "The number reaches somebody.".to_owned(),
            (true, _) => "Every number reaches somebody.".to_owned(),
            (false, _) => of(&self.lost, "number reaches NOBODY", "numbers reach NOBODY"),
        };
        if !self.on_backup.is_empty() {
            text += &format!(" {}", of(&self.on_backup, "is on a backup", "are on a backup"));
        }
        text + "\n"
    }
}

/// Does anybody ring on the way, or answer at its end?
fn rings_somebody(plan: &Plan, way: &Way) -> bool {
    let is_machine = |it: &Try| plan.target(it.target).is_none_or(|target| target.kind == TargetKind::Word);
    way.answered.is_some() || way.tries.iter().any(|it| it.rings && !is_machine(it))
}

/// Who rings first.
fn first(way: &Way) -> Option<TargetId> {
    way.tries.iter().find(|it| it.rings).map(|it| it.target)
}

/// Numbers that are named; of more, these.
const SHOWN: usize = 3;
