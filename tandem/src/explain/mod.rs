//! `tandem explain NUMBER --plan PLAN`: what would happen to a call, by the same function that routes it.

pub mod broken;
mod callers;
pub(crate) mod dns;
mod fates;
mod full;
mod nearest;
mod patience;
mod rows;
mod steps;

pub use crate::moment::At;
pub(crate) use rows::and;

use crate::cli::check::{Answer, print};
use crate::config::{Loaded, load, words};
use crate::control::state::{State, Switched};
use crate::orders;
use jiff::Timestamp;
use router::Plan;
use router::foretell::Fault;
use router::plan::CourseId;
use router::position::{Frame, List};
use router::target::{PeerId, TargetKind};
use router::way::Way;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use steps::Item;

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The number that is called, or another SIP user part.
    pub number: String,
    /// The plan file, or a folder with a `tandem.toml`.
    pub plan: PathBuf,
    /// When; `None` for now.
    pub at: Option<At>,
    /// The overrides that are in force.
    pub overrides: Vec<String>,
}

/// Explains a call; exit status 1 if the plan file has errors or does not know the number.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    print(&answer_with(options, Timestamp::now(), dns::words_for, standing))
}

/// What `tandem explain` says, but for what the DNS does.
#[must_use]
pub fn answer(number: &str, plan: &Path, at: Option<At>, now: Timestamp) -> Answer {
    let (number, plan, overrides) = (number.to_owned(), plan.to_owned(), Vec::new());
    answer_to(&Options { number, plan, at, overrides }, now)
}

/// The same, with all that a command line may say.
#[must_use]
pub fn answer_to(options: &Options, now: Timestamp) -> Answer {
    answer_with(options, now, |_, _| String::new(), |_| Vec::new())
}

/// What is switched by hand on the node that runs with this plan's data folder, if one does.
fn standing(loaded: &Loaded) -> Vec<Switched> {
    State::read(&loaded.node.data).unwrap_or_default().switched
}

fn answer_with(
    options: &Options,
    now: Timestamp,
    ask: impl FnOnce(&Loaded, &[PeerId]) -> String,
    standing: impl FnOnce(&Loaded) -> Vec<Switched>,
) -> Answer {
    let (mut loaded, at) = match load(&options.plan, now) {
        Ok(loaded) => (loaded, options.at),
        Err(refused) => {
            let text = format!("{refused}tandem explain: no call would be routed by this plan file.\n");
            return Answer { text, fine: false };
        }
    };
    // Nobody knows what will be switched at another time.
    let by_hand = if options.at.is_none() { standing(&loaded) } else { Vec::new() };
    let by_hand: Vec<Switched> = by_hand.into_iter().filter(|it| it.until > now.as_second()).collect();
    match orders::under(&loaded.plan, by_hand.iter().map(|it| &it.order), &options.overrides) {
        Ok(plan) => loaded.plan = plan,
        Err(unmeant) => return Answer { text: format!("tandem explain: {unmeant}\n"), fine: false },
    }
    let number: String = options.number.chars().filter(|letter| !letter.is_control()).collect();
    if let Some(number) = loaded.plan.emergency.number(number.as_bytes()) {
        return Answer { text: for_help(&loaded.plan, number), fine: true };
    }
    match loaded.plan.course_of(number.as_bytes()) {
        Some((course, listed)) => {
            let mut text = explain(&loaded, (&number, listed), course, at, now, ask);
            for Switched { order, who, why, .. } in &by_hand {
                text += &format!("  By hand: {order}, by {who}: \"{why}\".\n");
            }
            Answer { text, fine: true }
        }
        None => Answer { text: unknown(&loaded.plan, &number), fine: false },
    }
}

/// What becomes of a call for help.
fn for_help(plan: &Plan, number: &str) -> String {
    let carriers: Vec<&str> = plan.carriers.iter().map(|carrier| &*carrier.name).collect();
    let by = if carriers.is_empty() {
        "nowhere: there is no carrier".to_owned()
    } else {
        carriers.join(", then ")
    };
    format!(
        "{number} is an emergency number: a call of a site goes out at once, as it came, before every plan, schedule and limit.\n  \
         by {by}\n  Half an hour long all phones ring if the number is called that it showed. Calls of others are refused.\n"
    )
}

fn unknown(plan: &Plan, number: &str) -> String {
    let found = format!("tandem explain: the plan does not list {number}: its caller would hear 404.\n");
    match nearest::nearest(plan, number) {
        Some(near) => format!("{found}  did you mean {near}?\n"),
        None => {
            let some: Vec<&str> = plan.numbers.keys().take(SHOWN).map(|known| &**known).collect();
            format!(
                "{found}  listed are: {}{}\n",
                some.join(", "),
                if plan.numbers.len() > SHOWN { ", …" } else { "" }
            )
        }
    }
}

fn explain(
    loaded: &Loaded,
    (number, listed): (&str, bool),
    id: CourseId,
    at: Option<At>,
    now: Timestamp,
    ask: impl FnOnce(&Loaded, &[PeerId]) -> String,
) -> String {
    let plan = &*loaded.plan;
    let unix = at.unwrap_or(At::Exactly(now)).unix(plan.zone_of(id), now);
    let root = plan.entrance(id, unix);
    let way = plan.foretell(&crate::imagined::roads(plan), root, unix, &Fault::default());
    let items = steps::items(plan, root, unix);
    let name = plan.course(id).map_or("", |course| &*course.name);
    let unlisted = if listed { "" } else { ", as for all numbers that are not listed" };
    let mut text = format!("{number}: plan {name} in {}{unlisted}\n", loaded.source.path());
    text += &format!("  at           {}\n", clock(plan, root, at, unix));
    text += &switched(plan);
    text += &format!("  arrives by   {}\n\n", arrivals(plan));
    text += &rows::table(plan, &items, &way);
    text += &cut(&way);
    let walked = walked(&items);
    text += &busy(plan, &walked);
    text += &full::words_for(plan, &items, &walked);
    text += &full::cap(plan, id).unwrap_or_default();
    text += &redirected(plan, &items);
    text += &fates::shared(plan, &items);
    text += &patience::words_for(plan, &items);
    text += &callers::words_for(plan, &items, number);
    text += &ending(plan, &way);
    text += &ask(loaded, &patience::peers_and_followed(plan, &items));
    text
}

/// Which day and time, whether it is open then, and for how long.
fn clock(plan: &Plan, root: Frame, at: Option<At>, unix: i64) -> String {
    let zone = plan.zone_of(root.course);
    let name = if zone.name.is_empty() { "UTC" } else { &*zone.name };
    let when = format!("{} in {name}", At::words(at, zone, unix));
    let Some(hours) = plan.course(root.course).and_then(|course| course.hours.as_ref()) else {
        return when;
    };
    let state = if root.list == List::Closed { "closed" } else { "open" };
    let until = hours.next_change(zone, unix).map(|change| {
        let local = change.saturating_add(i64::from(zone.offset_at(change)));
        format!(" until {}", crate::moment::weekly(local))
    });
    format!("{when}: {state}{}", until.unwrap_or_default())
}

/// The overrides that are in force.
fn switched(plan: &Plan) -> String {
    let words: Vec<&str> = plan.orders.overrides.iter().map(|word| &**word).collect();
    if words.is_empty() { String::new() } else { format!("  override     {}\n", and(&words)) }
}

fn arrivals(plan: &Plan) -> String {
    let names: Vec<&str> = plan.carriers.iter().map(|carrier| &*carrier.name).collect();
    match names.as_slice() {
        [] => "whoever sends it here".into(),
        [one] => format!("{one} alone: while {one} is down no call arrives here, whatever the plan says"),
        [..] => names.join(" or "),
    }
}

/// What `live_within` does to this call.
fn cut(way: &Way) -> String {
    way.cut.map_or(String::new(), |at| {
        format!(
            "  After {} somebody whose job is to answer must ring (`live_within`): the walk jumps there.\n",
            words(at)
        )
    })
}

/// The courses whose steps are walked.
fn walked(items: &[Item<'_>]) -> Vec<CourseId> {
    let mut courses: Vec<CourseId> = Vec::new();
    for item in items {
        if let Item::Step { frames, .. } = item
            && let Some(inner) = frames.last()
            && !courses.contains(&inner.course)
        {
            courses.push(inner.course);
        }
    }
    courses
}

/// Where a call goes once somebody was busy.
fn busy(plan: &Plan, courses: &[CourseId]) -> String {
    let mut text = String::new();
    for course in courses.iter().filter_map(|id| plan.course(*id)) {
        let Some(list) = &course.busy else { continue };
        let steps: Vec<String> = list.iter().map(|step| rows::in_words(plan, step)).collect();
        text += &format!(
            "  Once somebody in plan {} was busy, it goes on with {}.\n",
            course.name,
            steps.join(", then ")
        );
    }
    text
}

/// Where redirections may lead, a line for each list.
fn redirected(plan: &Plan, items: &[Item<'_>]) -> String {
    let mut told: Vec<&[PeerId]> = Vec::new();
    let mut text = String::new();
    for peer in patience::peers(plan, items).into_iter().filter_map(|id| plan.peer(id)) {
        if peer.follow.is_empty() || told.contains(&peer.follow.as_slice()) {
            continue;
        }
        told.push(&peer.follow);
        let owner = fates::owner(plan, peer);
        let places: Vec<String> = peer.follow.iter().filter_map(|id| rows::address(plan, *id)).collect();
        text += &format!("  {owner} may send a call on to {}.\n", places.join(" or "));
    }
    text
}

/// How the plan ends, and whether it can end with nobody: only agents of this process always answer.
fn ending(plan: &Plan, way: &Way) -> String {
    let Some(last) = way.tries.last() else {
        return "  The plan ends with nobody: no way leads to anybody in it, the caller hears 480 at once.\n"
            .into();
    };
    let step = way.tries.iter().filter(|it| it.cursor == last.cursor);
    let names: Vec<&str> = step.filter_map(|it| plan.target(it.target)).map(|target| &*target.name).collect();
    if let Some(floor) = plan.target(last.target).filter(|target| target.kind == TargetKind::Agent) {
        return format!("  The plan ends with {}, which answers on this machine.\n", floor.name);
    }
    let fails = if names.len() == 1 { "does not answer either" } else { "do not answer either" };
    let end = words(way.end);
    format!("  The plan can end with nobody: if {} {fails}, the caller hears 480 after {end}.\n", and(&names))
}

/// Numbers that are named when none is near.
const SHOWN: usize = 5;
