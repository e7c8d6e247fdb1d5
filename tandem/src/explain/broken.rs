//! `tandem break "site office" --plan PLAN`: what would change for callers if something failed.

use super::{At, and};
use crate::cli::check::{Answer, print};
use crate::config::load;
use crate::foretold::{Unfound, by_course, find, in_words, named};
use crate::imagined;
use crate::orders;
use jiff::Timestamp;
use router::Plan;
use router::foretell::Fault;
use router::outage::Thing;
use router::plan::CourseId;
use router::roads::Roads;
use router::target::PeerId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What fails, all together: `site office`, `carrier telnyx`, `service ava`, `domain grid`, or the name alone; and what is switched:
    /// `override storm`.
    pub things: Vec<String>,
    /// The plan file, or a folder with a `tandem.toml`.
    pub plan: PathBuf,
    /// When; `None` for now.
    pub at: Option<At>,
}

/// Says what would change; exit status 1 if somebody would reach nobody, or the plan file has errors, or nothing in it is called so.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    print(&answer(&options.things, &options.plan, options.at, Timestamp::now()))
}

/// What `tandem break` says.
#[must_use]
pub fn answer(names: &[String], plan: &Path, at: Option<At>, now: Timestamp) -> Answer {
    let loaded = match load(plan, now) {
        Ok(loaded) => loaded,
        Err(refused) => {
            return Answer {
                text: format!("{refused}tandem break: this plan file would not be used.\n"),
                fine: false,
            };
        }
    };
    let things = loaded.plan.things();
    let words: Vec<String> =
        names.iter().filter_map(|name| name.strip_prefix(OVERRIDE)).map(str::to_owned).collect();
    let after = match orders::under(&loaded.plan, core::iter::empty(), &words) {
        Ok(plan) => plan,
        Err(unmeant) => return Answer { text: format!("tandem break: {unmeant}\n"), fine: false },
    };
    let mut broken = Vec::new();
    for name in names.iter().filter(|name| !name.starts_with(OVERRIDE)) {
        match find(&things, name) {
            Ok(thing) => broken.push(thing),
            Err(unfound) => return Answer { text: unknown(&unfound, name), fine: false },
        }
    }
    said((&loaded.plan, &after), &broken, at, now)
}

fn unknown(unfound: &Unfound<'_>, written: &str) -> String {
    let written: String = written.chars().filter(|letter| !letter.is_control()).collect();
    let list = |things: &[&Thing], last: &str| {
        let shown: Vec<String> = things.iter().take(SHOWN).map(|thing| format!("`{thing}`")).collect();
        shown.join(last) + if things.len() > SHOWN { ", …" } else { "" }
    };
    match unfound {
        Unfound::Several(things) => {
            format!("tandem break: `{written}` may be {}\n", list(things, " or "))
        }
        Unfound::Nothing(things) => format!(
            "tandem break: nothing that can fail is called `{written}`\n  there is {}\n  \
             who is reached by phone number alone fails with the carriers\n",
            list(things, ", ")
        ),
    }
}

fn said((plan, after): (&Plan, &Plan), broken: &[&Thing], at: Option<At>, now: Timestamp) -> Answer {
    let moment = at.unwrap_or(At::Exactly(now));
    let roads = imagined::roads(plan);
    let down: BTreeSet<_> = broken.iter().flat_map(|thing| &thing.peers).copied().collect();
    let (mut text, mut changed, mut fine) = (String::new(), 0, true);
    for (course, numbers) in by_course(plan) {
        // A customer's numbers have a clock of their own.
        let unix = moment.unix(plan.zone_of(course), now);
        let Some(change) = change((plan, after), &roads, course, unix, &down) else { continue };
        changed += numbers.len();
        fine &= !change.loses;
        let name = plan.course(course).map_or("", |course| &*course.name);
        let Change { before, at_first, noticed, .. } = change;
        text += &format!("\n  {}  plan {name}\n    now           {before}\n", named(&numbers));
        if at_first == noticed {
            text += &format!("    then          {noticed}\n");
        } else {
            text += &format!("    at first      {at_first}\n    once noticed  {noticed}\n");
        }
    }
    let all = plan.numbers.len() + usize::from(plan.unlisted.is_some());
    let zone = if plan.zone.name.is_empty() { "UTC" } else { &*plan.zone.name };
    let clock = match moment {
        At::Weekly { .. } if !plan.zones.is_empty() => "by the clock of each number".to_owned(),
        At::Weekly { .. } | At::Exactly(_) => format!("in {zone}"),
    };
    let head = format!(
        "With {}, {} {clock}: {} for callers.\n",
        supposed(broken, after),
        At::words(at, &plan.zone, moment.unix(&plan.zone, now)),
        changes(changed, all - changed)
    );
    Answer { text: head + &text, fine }
}

/// What becomes of the calls of one plan of the file, in words.
pub(crate) struct Change {
    before: String,
    /// While nobody has noticed.
    pub(crate) at_first: String,
    /// From then on.
    pub(crate) noticed: String,
    /// May a call end with nobody, if nobody answers who is rung?
    loses: bool,
    /// May a call end without anybody being rung?
    pub(crate) rings_nobody: bool,
}

/// What changes for callers of one plan of the file while these are down, and it is switched as in the second; `None`: nothing does.
pub(crate) fn change(
    (plan, after): (&Plan, &Plan),
    roads: &Roads,
    course: CourseId,
    unix: i64,
    down: &BTreeSet<PeerId>,
) -> Option<Change> {
    let way = |plan: &Plan, down: &BTreeSet<PeerId>, known| {
        plan.foretell(roads, plan.entrance(course, unix), unix, &Fault { down: down.clone(), known })
    };
    let [before, at_first, noticed] =
        [way(plan, &BTreeSet::new(), false), way(after, down, false), way(after, down, true)];
    let loses = at_first.answered.is_none() || noticed.answered.is_none();
    let rings_nobody = at_first.rings_nobody() || noticed.rings_nobody();
    let [before, at_first, noticed] = [before, at_first, noticed].map(|way| in_words(plan, &way));
    let is_other = at_first != before || noticed != before;
    is_other.then_some(Change { before, at_first, noticed, loses, rings_nobody })
}

/// What has failed, and what is switched.
fn supposed(broken: &[&Thing], plan: &Plan) -> String {
    let names: Vec<String> = broken.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let words: Vec<String> = plan.orders.overrides.iter().map(|word| format!("override {word}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match (names.as_slice(), words.as_slice()) {
        (names, []) => format!("{} down", and(names)),
        ([], words) => format!("{} in force", and(words)),
        (names, words) => format!("{} down and {} in force", and(names), and(words)),
    }
}

fn changes(changed: usize, same: usize) -> String {
    match (changed, same) {
        (0, _) => "nothing changes".into(),
        (1, 0) => "the one number changes".into(),
        (1, same) => format!("1 number changes, {same} do not"),
        (changed, 0) => format!("all {changed} numbers change"),
        (changed, same) => format!("{changed} numbers change, {same} do not"),
    }
}

/// What stands before the name of what is switched.
const OVERRIDE: &str = "override ";

/// Things that are named when none is called so.
const SHOWN: usize = 8;
