//! `tandem diff OLD NEW`: who would get a call that somebody else gets today, across all outages; nothing if nobody.

use crate::cli::check::{Answer, print};
use crate::config::{Loaded, load};
use crate::foretold::{Group, in_both, in_full, is_same, named};
use crate::imagined;
use crate::moment::weekly;
use jiff::Timestamp;
use router::Plan;
use router::foretell::Fault;
use router::outage::Thing;
use router::plan::CourseId;
use router::proof::{Depth, Outages};
use router::roads::Roads;
use router::target::PeerId;
use router::way::Way;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The plan file that is in force, or a folder with a `tandem.toml`.
    pub old: PathBuf,
    /// The plan file that might be.
    pub new: PathBuf,
    /// How many things fail together; `None` for as many as take a few seconds.
    pub outages: Option<Depth>,
}

/// Says what differs for callers; exit status 0 if nothing does, 1 if something does or a file has errors.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    print(&answer(options, Timestamp::now()))
}

/// What `tandem diff` says.
#[must_use]
pub fn answer(options: &Options, now: Timestamp) -> Answer {
    let read = |path: &Path| {
        load(path, now).map_err(|refused| Answer {
            text: format!("{refused}tandem diff: this plan file would not be used.\n"),
            fine: false,
        })
    };
    let (old, new) = match (read(&options.old), read(&options.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(refused), _) | (_, Err(refused)) => return refused,
    };
    let text = differences(&old, &new, options.outages, now.as_second());
    Answer { fine: text.is_empty(), text }
}

/// What callers notice of the step from one plan to the other; empty if they notice nothing.
#[must_use]
pub fn differences(old: &Loaded, new: &Loaded, depth: Option<Depth>, unix: i64) -> String {
    let things = Both { old: old.plan.things(), new: new.plan.things() };
    let roads = Both { old: imagined::roads(&old.plan), new: imagined::roads(&new.plan) };
    let words: BTreeSet<&Arc<str>> = &old.plan.words() | &new.plan.words();
    let words: Vec<Option<&Arc<str>>> = core::iter::once(None).chain(words.into_iter().map(Some)).collect();
    let under = |plan: &Arc<Plan>, word: Option<&Arc<str>>| {
        word.map_or_else(|| Arc::clone(plan), |word| plan.under(word))
    };
    let plans: Vec<Both<Arc<Plan>>> = words
        .iter()
        .map(|word| Both { old: under(&old.plan, *word), new: under(&new.plan, *word) })
        .collect();
    let cases: Vec<Case<'_>> = words
        .iter()
        .zip(&plans)
        .map(|(word, plans)| {
            let old = Side::new(&plans.old, &roads.old, &things.old);
            let new = Side::new(&plans.new, &roads.new, &things.new);
            Case { word: *word, sides: Both { old, new } }
        })
        .collect();
    let groups = in_both(&old.plan, &new.plan);
    let depth = depth.unwrap_or_else(|| {
        Depth::affordable(|depth| {
            let walks = |side: &Side<'_>, course: Option<CourseId>| {
                course.map_or(0, |course| side.outages.walks(course, depth))
            };
            let walked = |group: &Group<'_>| -> u64 {
                let both = |Both { old, new }: &Both<Side<'_>>| walks(old, group.old) + walks(new, group.new);
                cases.iter().filter(|case| case.concerns(group)).map(|case| both(&case.sides)).sum()
            };
            groups.iter().map(walked).sum()
        })
    });
    let (mut text, mut differ, mut same) = (String::new(), 0, 0);
    for group in &groups {
        let told = group.told(&cases, depth, unix);
        *if told.is_empty() { &mut same } else { &mut differ } += group.numbers.len();
        text += &told;
    }
    if text.is_empty() {
        return text;
    }
    let head = match (differ, same) {
        (1, 0) => "The one number differs".to_owned(),
        (differ, 0) => format!("All {differ} numbers differ"),
        (1, same) => format!("1 number differs, {same} do not"),
        (differ, same) => format!("{differ} numbers differ, {same} do not"),
    };
    format!("{head}.\n{text}")
}

/// Both plans under one override, or none.
struct Case<'a> {
    word: Option<&'a Arc<str>>,
    sides: Both<Side<'a>>,
}

impl Case<'_> {
    /// Does one of the plans of these numbers ask for it?
    fn concerns(&self, group: &Group<'_>) -> bool {
        let asks = |side: &Side<'_>, course: Option<CourseId>| {
            let asked = |word: &&Arc<str>| course.is_some_and(|id| side.plan.words_of(id).contains(word));
            self.word.as_ref().is_none_or(asked)
        };
        asks(&self.sides.old, group.old) || asks(&self.sides.new, group.new)
    }
}

/// Of the old plan and of the new one.
#[derive(Clone, Copy, Debug)]
struct Both<T> {
    old: T,
    new: T,
}

#[derive(Debug)]
struct Side<'a> {
    plan: &'a Plan,
    roads: &'a Roads,
    outages: Outages<'a>,
    things: &'a [Thing],
    /// Who answers nothing if that has failed, by its kind and name.
    peers: BTreeMap<String, &'a BTreeSet<PeerId>>,
}

impl<'a> Side<'a> {
    fn new(plan: &'a Plan, roads: &'a Roads, things: &'a [Thing]) -> Self {
        let outages = Outages::new(plan, roads, things);
        let peers = things.iter().map(|thing| (thing.to_string(), &thing.peers)).collect();
        Self { plan, roads, outages, things, peers }
    }

    fn way(&self, course: CourseId, unix: i64, broken: &[&str], known: bool) -> Way {
        let down = broken.iter().filter_map(|name| self.peers.get(*name)).flat_map(|peers| peers.iter());
        let down = down.copied().collect();
        self.plan.foretell(self.roads, self.plan.entrance(course, unix), unix, &Fault { down, known })
    }

    fn concern(&self, course: CourseId) -> impl Iterator<Item = String> {
        let places = self.outages.concern(course).into_iter();
        places.filter_map(|place| self.things.get(place)).map(ToString::to_string)
    }
}

/// One change for callers, and when they meet it.
struct Change {
    was: String,
    now: String,
    /// The first case in which it is met, in words.
    case: String,
    /// How many more.
    more: usize,
}

impl Group<'_> {
    fn told(&self, of: &[Case<'_>], depth: Depth, unix: i64) -> String {
        let Some(Case { sides, .. }) = of.first() else { return String::new() };
        let head = format!("\n  {}", named(&self.numbers));
        let (old, new) = match (self.old, self.new) {
            (Some(old), Some(new)) => (old, new),
            (Some(_), None) => return format!("{head}  is not listed any more: callers hear 404\n"),
            (None, Some(new)) => {
                let way = sides.new.way(new, unix, &[], false);
                return format!("{head}  is new: {}\n", in_full(sides.new.plan, &way));
            }
            (None, None) => return String::new(),
        };
        let mut changes: Vec<Change> = Vec::new();
        let moments: BTreeSet<i64> = {
            let old = sides.old.plan.moments(old, unix);
            let new = sides.new.plan.moments(new, unix);
            old.into_iter().chain(new).map(|moment| moment.unix).collect()
        };
        let cases = self.cases(sides, depth);
        let concern: Vec<&Case<'_>> = of.iter().filter(|case| case.concerns(self)).collect();
        let under = |unix| concern.iter().map(move |case| (unix, *case));
        for (unix, Case { word, sides }) in moments.into_iter().flat_map(under) {
            for (broken, known) in &cases {
                let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
                let before = sides.old.way(old, unix, &broken, *known);
                let after = sides.new.way(new, unix, &broken, *known);
                if !is_same((sides.old.plan, &before), (sides.new.plan, &after)) {
                    let zone = sides.new.plan.zone_of(new);
                    let local = unix.saturating_add(i64::from(zone.offset_at(unix)));
                    let word = word.map_or_else(String::new, |word| format!("override {word}, "));
                    let case = format!("{}, {word}{}", weekly(local), in_case(&broken, *known));
                    let was = in_full(sides.old.plan, &before);
                    add(&mut changes, was, in_full(sides.new.plan, &after), case);
                }
            }
        }
        if changes.is_empty() {
            return String::new();
        }
        let left = changes.len().saturating_sub(CHANGES_MAX);
        let mut text = format!("{head}\n");
        for change in changes.iter().take(CHANGES_MAX) {
            let more = match change.more {
                0 => String::new(),
                1 => "; and in 1 other case".to_owned(),
                more => format!("; and in {more} other cases"),
            };
            text +=
                &format!("    {}{more}\n      was  {}\n      now  {}\n", change.case, change.was, change.now);
        }
        if left > 0 {
            text += &format!("    … and {left} more changes, in other outages\n");
        }
        text
    }

    /// Every outage that one of the plans may notice, with nothing down first.
    fn cases(&self, sides: &Both<Side<'_>>, depth: Depth) -> Vec<(Vec<String>, bool)> {
        let concern: BTreeSet<String> = {
            let old = self.old.into_iter().flat_map(|course| sides.old.concern(course));
            old.chain(self.new.into_iter().flat_map(|course| sides.new.concern(course))).collect()
        };
        let concern: Vec<String> = concern.into_iter().collect();
        let mut cases = vec![(Vec::new(), false)];
        let mut both = |broken: &[&String]| {
            let broken: Vec<String> = broken.iter().map(|name| (*name).clone()).collect();
            cases.extend([false, true].map(|known| (broken.clone(), known)));
        };
        if depth != Depth::Nothing {
            concern.iter().for_each(|one| both(&[one]));
        }
        if depth == Depth::Pairs {
            for (nth, one) in concern.iter().enumerate() {
                concern.iter().skip(nth + 1).for_each(|other| both(&[one, other]));
            }
        }
        cases
    }
}

fn add(changes: &mut Vec<Change>, was: String, now: String, case: String) {
    match changes.iter_mut().find(|change| change.was == was && change.now == now) {
        Some(change) => change.more += 1,
        None => changes.push(Change { was, now, case, more: 0 }),
    }
}

fn in_case(broken: &[&str], known: bool) -> String {
    match (broken, known) {
        ([], _) => "nothing down".to_owned(),
        (broken, false) => format!("{} down, at first", crate::explain::and(broken)),
        (broken, true) => format!("{} down, once noticed", crate::explain::and(broken)),
    }
}

/// Changes of a number that are told; more are one change that shows in many outages.
const CHANGES_MAX: usize = 4;
