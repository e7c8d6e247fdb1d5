//! `tandem trace ID`: the ladder of a call, as far as it is kept.

use crate::cli::check::print;
use crate::cli::folder::{Folder, Trouble};
use crate::cli::told::{about, end, moment, whom};
use crate::ladder::{COLUMNS_MAX, Ladder};
use crate::store::past::{Call, End, Leg};
use core::time::Duration;
use jiff::Timestamp;
use std::process::ExitCode;

/// Draws a call; exit status 1 if there is none of this name, else see [`Trouble::tell`].
#[must_use]
pub fn run(id: &str, folder: &Folder, now: Timestamp) -> ExitCode {
    let drawn = folder.open(now).and_then(|db| {
        about(&db, "trace", id, |call| draw(call, now.as_microsecond())).map_err(Trouble::from)
    });
    drawn.map_or_else(|trouble| trouble.tell("trace"), |answer| print(&answer))
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// From the caller.
    Came(&'static str),
    /// From this column to Tandem.
    Back(usize, String),
    /// Why a leg was left.
    Left(String),
    /// Who was passed over.
    Passed(String),
    /// From Tandem to this column.
    Out(usize, String),
    /// From Tandem to the caller.
    Told(String),
    /// What else there is to say.
    Last(String),
}

impl What {
    /// Its place among what happened in the same moment: what comes in, what that means, what goes out.
    const fn rank(&self) -> u8 {
        match self {
            Self::Came(_) => 0,
            Self::Back(..) => 1,
            Self::Left(_) => 2,
            Self::Passed(_) => 3,
            Self::Out(..) => 4,
            Self::Told(_) => 5,
            Self::Last(_) => 6,
        }
    }
}

/// The head, and the rows.
fn draw(call: &Call, now: i64) -> String {
    let columns = columns(call);
    let ladder = Ladder { names: names(call, &columns) };
    let mut text = format!(
        "{}  {} → {}  {}  {}\n{}\n",
        call.name,
        shown(&call.caller),
        shown(&call.number),
        moment(call, "%a %Y-%m-%d %H:%M:%S", call.began),
        end(call, now),
        ladder.head()
    );
    let mut rows: Vec<Row> = Vec::new();
    for (at, what) in events(call, &columns) {
        // To the millisecond, as it is drawn.
        let at = u64::try_from(at).unwrap_or_default() / 1_000;
        let (hop, label) = match what {
            What::Came(label) => (Some((CALLER, TANDEM)), label.to_owned()),
            What::Out(column, label) => (Some((TANDEM, column)), label),
            What::Back(column, label) => (Some((column, TANDEM)), label),
            What::Told(label) => (Some((TANDEM, CALLER)), label),
            What::Left(label) | What::Passed(label) | What::Last(label) => (None, label),
        };
        // What is remarked between the coming and the going is why it goes there.
        let mut latest = rows.iter_mut().rev().take_while(|row| !row.hops.is_empty());
        let goes_on = latest.find(|row| hop.is_some_and(|hop| row.goes_on(at, hop, &label)));
        match goes_on {
            Some(row) => row.hops.extend(hop),
            None => rows.push(Row { at, hops: hop.into_iter().collect(), label }),
        }
    }
    for Row { at, hops, label } in rows {
        let after = Duration::from_millis(at);
        let is_remark = hops.is_empty();
        text += &if is_remark { ladder.remark(after, &label) } else { ladder.message(after, &hops, &label) };
        text.push('\n');
    }
    text
}

/// A message with its hops, or a remark, which has none.
struct Row {
    at: u64,
    hops: Vec<(usize, usize)>,
    label: String,
}

impl Row {
    /// Is this the same message on its way further?
    fn goes_on(&self, at: u64, (from, to): (usize, usize), label: &str) -> bool {
        let reached = self.hops.last();
        self.at == at
            && self.label == label
            && reached.is_some_and(|(before, reached)| *reached == from && (before < reached) == (from < to))
    }
}

/// Everything that is known to have happened, in order.
fn events(call: &Call, columns: &[String]) -> Vec<(i64, What)> {
    let mut events = vec![(0, What::Came("INVITE"))];
    if !matches!(call.end, End::Refused(..)) {
        events.push((0, What::Told("100".into())));
    }
    for passed in &call.passed {
        let why = format!(
            "– {} passed over: {} ({})",
            passed.target,
            passed.why,
            line_of(&passed.file, passed.line)
        );
        events.push((passed.at, What::Passed(why)));
    }
    for leg in &call.legs {
        of_leg(leg, columns, &mut events);
    }
    if let Some(rang) = call.rang {
        events.push((rang, What::Told("18x".into())));
    }
    match (&call.end, call.ended) {
        (End::Answered(_), Some(ended)) => events.push((ended, What::Told("200".into()))),
        (End::Cancelled, Some(ended)) => {
            let hung_up = call.legs.iter().filter(|leg| leg.outcome.ends_with(": caller hung up"));
            events.push((hung_up.filter_map(|leg| leg.ended).min().unwrap_or(ended), What::Came("CANCEL")));
            events.push((ended, What::Told("487".into())));
        }
        (End::Failed(status) | End::Refused(status, _), Some(ended)) => {
            events.push((ended, What::Told(status.to_string())))
        }
        (End::Unknown, _) => {
            events.push((0, What::Last("the node ended meanwhile: what came of it nobody knows".into())))
        }
        (End::UnderWay, _) => events.push((0, What::Last("its legs are known once it is over".into()))),
        // Nothing is over without its time.
        (End::Answered(_) | End::Cancelled | End::Failed(_) | End::Refused(..), None) => {}
    }
    // Of one kind, as they came.
    events.sort_by_key(|(at, what)| (*at, what.rank()));
    events
}

fn of_leg(leg: &Leg, columns: &[String], events: &mut Vec<(i64, What)>) {
    let name = whom(&leg.target, &leg.peer);
    let place = columns.iter().position(|column| *column == name);
    let column = place.map_or(COLUMNS_MAX - 1, |place| FIRST + place);
    // Where many share a column, each message says whose it is.
    let label = |word: &str| if place.is_some() { word.to_owned() } else { format!("{word} {}", leg.target) };
    events.push((leg.began, What::Out(column, label("INVITE"))));
    if let Some(fix) = &leg.fix {
        events.push((leg.began, What::Passed(format!("– {name} once more, {fix}"))));
    }
    if let Some(rang) = leg.rang {
        events.push((rang, What::Back(column, label("18x"))));
        // What is said before a step is heard by the caller.
        events.extend(leg.is_word().then(|| (rang, What::Told("18x".into()))));
    }
    if let Some(asked) = leg.asked {
        events.push((asked, What::Back(column, label("200"))));
    }
    let Some(ended) = leg.ended else { return };
    let status = leg.outcome.get(..3).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    if leg.outcome == "answered" && leg.asked.is_some() {
        events.push((ended, What::Left(format!("– {name}: pressed 1 ({})", line_of(&leg.file, leg.line)))));
    } else if leg.outcome == "answered" {
        events.push((ended, What::Back(column, label("200"))));
    } else if let Some(status) = status {
        events.push((ended, What::Back(column, label(status))));
        events.push((
            ended,
            What::Left(format!("✗ {name}: {} ({})", leg.outcome, line_of(&leg.file, leg.line))),
        ));
    } else {
        let said = format!("{name}: {} ({})", leg.outcome, line_of(&leg.file, leg.line));
        // Whoever is cancelled is so for what the caller has done, or heard.
        let what = match leg.outcome.starts_with("cancelled") || leg.is_word() {
            true => What::Last(format!("– {said}")),
            false => What::Left(format!("✗ {said}")),
        };
        events.push((ended, what));
    }
}

/// `:28`, or `acme.toml:28` in a file that the plan includes.
fn line_of(file: &Option<String>, line: i64) -> String {
    let name = file.as_deref().map(|file| file.rsplit('/').next().unwrap_or(file));
    format!("{}:{line}", shown(name.unwrap_or_default()))
}

/// Those who have a column of their own, in the order they were rung.
fn columns(call: &Call) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for leg in &call.legs {
        let name = whom(&leg.target, &leg.peer);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let most = COLUMNS_MAX - FIRST;
    if names.len() > most {
        // The last column is for all the others.
        names.truncate(most - 1);
    }
    names
}

fn names(call: &Call, columns: &[String]) -> Vec<String> {
    let all = |leg: &Leg| columns.contains(&whom(&leg.target, &leg.peer));
    let others = if call.legs.iter().all(all) { None } else { Some("others".to_owned()) };
    ["caller", "tandem"].map(str::to_owned).into_iter().chain(columns.iter().cloned()).chain(others).collect()
}

/// What somebody else has written, as one can print it.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

const CALLER: usize = 0;
const TANDEM: usize = 1;
const FIRST: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::told::eventful;

    #[test]
    fn the_reasons_stand_between_the_messages_and_whoever_has_no_room_shares_a_column() {
        let drawn = draw(&eventful(), 0);
        assert_eq!(
            drawn.lines().collect::<Vec<_>>(),
            [
                "c-4a7c15  +15035550999 → +15035550100  Thu 2026-01-01 19:04:06  answered by ivy after 5.9 s",
                "          caller         tandem        office/1    ana by telnyx  ben by bandwi…     others",
                "  0.000     │──INVITE─────▶│              │              │              │              │",
                "  0.000     │              │ – branch passed over: down (:30)           │              │",
                "  0.000     │              │──INVITE─────▶│              │              │              │",
                "  0.000     │◀─100─────────│              │              │              │              │",
                "  2.000     │              │ ✗ office/1: silent for 2 s (:31)           │              │",
                "  2.000     │              │ – lab passed over: full (:32)              │              │",
                "  2.000     │              │ – ivy passed over: in a failed domain (:32)               │",
                "  2.000     │              │──INVITE────────────────────▶│              │              │",
                "  2.000     │              │──INVITE───────────────────────────────────▶│              │",
                "  2.010     │              │◀─407────────────────────────│              │              │",
                "  2.010     │              │ ✗ ana by telnyx: 407 (:32)  │              │              │",
                "  2.010     │              │ – ana by telnyx once more, with credentials               │",
                "  2.010     │              │──INVITE────────────────────▶│              │              │",
                "  2.020     │              │◀─486───────────────────────────────────────│              │",
                "  2.020     │              │ ✗ ben by bandwidth: 486 (cause 17) (:32)   │              │",
                "  2.300     │◀─18x─────────│◀─18x────────────────────────│              │              │",
                "  3.000     │              │──INVITE eve──────────────────────────────────────────────▶│",
                "  3.000     │              │──INVITE ivy──────────────────────────────────────────────▶│",
                "  3.100     │              │◀─18x ivy──────────────────────────────────────────────────│",
                "  3.500     │              │◀─200 ivy──────────────────────────────────────────────────│",
                "  4.000     │              │◀─200 eve──────────────────────────────────────────────────│",
                "  5.910     │              │ – ivy by telnyx: pressed 1 (:33)           │              │",
                "  5.910     │◀─200─────────│              │              │              │              │",
                "  5.910     │              │ – ana by telnyx: cancelled: answered elsewhere (:32)      │",
                "  5.910     │              │ – eve by telnyx: cancelled: answered elsewhere (acme.toml:33)",
            ]
        );
        assert!(drawn.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn who_was_refused_at_once_was_told_nothing_before() {
        let end = End::Refused(503, "this node is being drained".into());
        let refused =
            Call { end, rang: None, ended: Some(0), legs: Vec::new(), passed: Vec::new(), ..eventful() };
        let drawn = draw(&refused, 0);
        assert_eq!(
            drawn.lines().collect::<Vec<_>>(),
            [
                "c-4a7c15  +15035550999 → +15035550100  Thu 2026-01-01 19:04:06  refused with 503: this node is being drained",
                "          caller         tandem",
                "  0.000     │──INVITE─────▶│",
                "  0.000     │◀─503─────────│",
            ]
        );
    }
}
