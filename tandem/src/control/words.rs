//! What is said of changes, in words and as values.

use super::state::{Switched, Unconfirmed};
use super::{Answer, CONFIRM_WITHIN, End};
use crate::config::{Loaded, Refused, words as length};
use crate::moment::weekly;
use crate::orders::{Effect, Order, Unmeant};
use core::time::Duration;
use router::Plan;
use router::hours::Zone;
use serde_json::{Value, json};
use sip::Time;
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

/// Something was switched.
pub(super) fn ordered(it: &Switched, effect: &Effect, zone: &Zone, not_kept: Option<String>) -> Answer {
    let mut text = format!("{} until {}.\n{}", it.order, clock(zone, it.until), effect);
    text.extend(not_kept.iter().map(|why| format!("{why}\n")));
    text += &format!("To undo it: tandem undo {}\n", it.id);
    let values = json!({ "switched": it, "changes": values(effect), "notes": not_kept });
    Answer { end: End::Done, text, values }
}

/// Something is not switched: somebody would be lost by it.
pub(super) fn would_lose(order: &Order, effect: &Effect) -> Answer {
    let text = format!("{order} is refused.\n{}Say --even-so if that is meant.\n", effect);
    let values = json!({ "refused": order, "changes": values(effect) });
    Answer { end: End::Refused, text, values }
}

/// What was switched is so no longer.
pub(super) fn undone(it: &Switched, effect: &Effect, not_kept: Option<String>) -> Answer {
    let mut text = format!("{} is over.\n{}", it.order, effect);
    text.extend(not_kept.iter().map(|why| format!("{why}\n")));
    let values = json!({ "over": it, "changes": values(effect), "notes": not_kept });
    Answer { end: End::Done, text, values }
}

/// Its time has come; nobody hears it.
pub(super) fn over() -> Answer {
    Answer { end: End::Done, text: String::new(), values: json!({}) }
}

/// What is switched and says nothing to this plan.
pub(super) fn meaningless(it: &Switched, why: &Unmeant) -> String {
    format!(
        "{}, switched by {}, means nothing in this plan: {why}. To end it: tandem undo {}",
        it.order, it.who, it.id
    )
}

/// What changes for callers.
fn values(effect: &Effect) -> Value {
    let changes = effect.changes.iter().map(|it| {
        json!({ "numbers": it.numbers, "unix": it.unix, "was": it.was, "now": it.now, "loses_its_last_human": it.loses })
    });
    changes.collect()
}
