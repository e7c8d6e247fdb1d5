//! `tandem explain ID`: why a call went where it went, in sentences with the lines of the plan file.

use crate::cli::check::print;
use crate::cli::folder::{Folder, Trouble};
use crate::cli::told::{about, after, end, moment, seconds, whom};
use crate::store::past::{Call, End, Leg, Passed};
use jiff::Timestamp;
use std::path::Path;
use std::process::ExitCode;

/// Explains a call; exit status 1 if there is none of this name, else see [`Trouble::tell`].
#[must_use]
pub fn run(id: &str, folder: &Folder, now: Timestamp) -> ExitCode {
    let told = folder.open(now).and_then(|db| {
        about(&db, "explain", id, |call| explain(call, now.as_microsecond())).map_err(Trouble::from)
    });
    told.map_or_else(|trouble| trouble.tell("explain"), |answer| print(&answer))
}

/// Is this the name of a call, and no number?
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.strip_prefix("c-").is_some_and(|digits| {
        !digits.is_empty() && digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn explain(call: &Call, now: i64) -> String {
    let when = moment(call, "%a %Y-%m-%d, %H:%M:%S", call.began);
    let mut text =
        format!("{}: {} called {} on {when}\n", call.name, shown(&call.caller), shown(&call.number));
    let by = call.peer.as_ref().map_or_else(|| "nobody of the plan".to_owned(), Clone::clone);
    let open = if call.closed { ", which was closed" } else { "" };
    let (address, course, file) = (&call.address, &call.course, &call.file);
    text += &if matches!(call.end, End::Refused(..)) {
        format!("  It came from {by} ({address}), and got no plan of {file}.\n")
    } else {
        format!("  It came from {by} ({address}), and has plan {course} of {file}{open}.\n")
    };
    text += match call.urgent.as_deref() {
        Some("emergency") => "  It was a call for help.\n",
        Some(_) => "  It was a call back from those who had been asked for help: all phones ring.\n",
        None => "",
    };
    text += &call
        .confined
        .as_ref()
        .map(|why| format!("  It rang no phone numbers: {why}.\n"))
        .unwrap_or_default();
    let place = |own: &Option<String>, line: i64| {
        // No line of a plan says so.
        if line == 0 {
            return if call.urgent.is_some() { "before every plan" } else { "switched by hand" }.to_owned();
        }
        let file = own.as_deref().unwrap_or(file);
        let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
        format!("{name}:{line}")
    };
    let mut steps: Vec<(i64, bool, String)> = Vec::new();
    steps.extend(
        call.passed.iter().map(|one| (one.at, false, passed(call, one, &place(&one.file, one.line)))),
    );
    steps.extend(call.legs.iter().map(|leg| (leg.began, true, rung(call, leg, &place(&leg.file, leg.line)))));
    // In one moment who was passed over comes before who was rung instead.
    steps.sort_by_key(|(at, is_leg, _)| (*at, *is_leg));
    for ((_, _, step), nth) in steps.iter().zip(1..) {
        text += &format!("  {nth}  {step}\n");
    }
    text += &format!("  {}\n", last(call, now));
    text
}

fn rung(call: &Call, leg: &Leg, place: &str) -> String {
    if leg.is_word() {
        return said(leg, place);
    }
    let (who, again) = (whom(&leg.target, &leg.peer), leg.fix.as_deref());
    let begun = again.map_or("was rung".into(), |fix| format!("was rung once more, {fix},"));
    let is_late = call.passed.iter().any(|one| one.target == leg.target && one.at <= leg.began);
    let late = if is_late && again.is_none() { ", though passed over before" } else { "" };
    let mut text = format!("{who} {begun} {} ({place}){late}", after(leg.began));
    if let Some(rang) = leg.rang {
        text += &format!("; rang {}", after(rang));
    }
    if let Some(asked) = leg.asked {
        text += &format!("; answered {}", after(asked));
    }
    match leg.ended {
        Some(ended) if leg.outcome == "answered" => {
            let word = if leg.asked.is_some() { "pressed 1" } else { "answered" };
            text + &format!("; {word} {}", after(ended))
        }
        Some(ended) => match leg.outcome.strip_prefix("cancelled: ") {
            Some(why) => text + &format!("; cancelled {}: {why}", after(ended)),
            None => text + &format!("; left {}: {}", after(ended), leg.outcome),
        },
        None => text,
    }
}

/// What was said before a step: nobody was rung by that.
fn said(leg: &Leg, place: &str) -> String {
    let (name, over) = (&leg.target, leg.ended.map(|ended| format!(", until {}", seconds(ended))));
    let heard =
        || format!("the caller heard {name} {} ({place}){}", after(leg.began), over.unwrap_or_default());
    if let Some(why) = leg.outcome.strip_prefix("not said: ") {
        return format!("{name} could not be said {} ({place}): {why}", after(leg.began));
    }
    match leg.outcome.strip_prefix("said in part: ") {
        Some(why) => format!("{}: {why}", heard()),
        None => heard(),
    }
}

fn passed(call: &Call, one: &Passed, place: &str) -> String {
    let why = match one.why.as_str() {
        "down" => match one.since {
            Some(since) => {
                format!("down since {}", moment(call, "%H:%M:%S", call.began.saturating_add(since)))
            }
            None => "down".into(),
        },
        "drained" => "somebody has drained it".into(),
        "in a failed domain" => "it shares a failure domain with what is down".into(),
        "no phone numbers" => "this call rings no phone numbers".into(),
        "no way" => "no way leads there".into(),
        "no room" => "the call rang in as many places as it may".into(),
        "late" => "it was time for somebody whose job is to answer".into(),
        other => other.to_owned(),
    };
    format!("{} was passed over {} ({place}): {why}", one.target, after(one.at))
}

fn last(call: &Call, now: i64) -> String {
    let heard = match (call.rang, call.ended) {
        (Some(rang), Some(ended)) if rang < ended => format!("; the caller heard ringing {}", after(rang)),
        (Some(_) | None, _) => String::new(),
    };
    match &call.end {
        End::Answered(target) => {
            format!("{target} answered {}{heard}.", call.ended.map(after).unwrap_or_default())
        }
        End::Cancelled | End::Failed(_) | End::Refused(..) => format!("{}{heard}.", capital(&end(call, now))),
        End::Unknown => format!(
            "The node ended while this call was under way, at {} or later: what came of it nobody knows.",
            moment(call, "%H:%M:%S", call.seen.max(call.began))
        ),
        End::UnderWay => format!("It is {}; its legs are known once it is over.", end(call, now)),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What somebody else has written, as one can print it.
fn shown(text: &str) -> String {
    let clean: String = text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    if clean.is_empty() { "somebody without a number".into() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::told::eventful;

    #[test]
    fn every_step_is_a_sentence_with_its_line() {
        assert_eq!(
            explain(&eventful(), 0).lines().collect::<Vec<_>>(),
            [
                "c-4a7c15: +15035550999 called +15035550100 on Thu 2026-01-01, 19:04:06",
                "  It came from telnyx (192.0.2.1:5060), and has plan main of /etc/tandem/tandem.toml, which was closed.",
                "  It was a call back from those who had been asked for help: all phones ring.",
                "  1  branch was passed over at once (tandem.toml:30): down since 18:54:06",
                "  2  office/1 was rung at once (tandem.toml:31); left after 2.0 s: silent for 2 s",
                "  3  lab was passed over after 2.0 s (tandem.toml:32): full",
                "  4  ivy was passed over after 2.0 s (tandem.toml:32): it shares a failure domain with what is down",
                "  5  ana by telnyx was rung after 2.0 s (tandem.toml:32); left after 2.0 s: 407",
                "  6  ben by bandwidth was rung after 2.0 s (tandem.toml:32); left after 2.0 s: 486 (cause 17)",
                "  7  ana by telnyx was rung once more, with credentials, after 2.0 s (tandem.toml:32); rang after 2.3 s; cancelled \
                 after 5.9 s: answered elsewhere",
                "  8  eve by telnyx was rung after 3.0 s (acme.toml:33); answered after 4.0 s; cancelled after 5.9 s: answered \
                 elsewhere",
                "  9  ivy by telnyx was rung after 3.0 s (tandem.toml:33), though passed over before; rang after 3.1 s; answered \
                 after 3.5 s; pressed 1 after 5.9 s",
                "  ivy answered after 5.9 s; the caller heard ringing after 2.3 s.",
            ]
        );
        let ended = |end, ended| Call { end, ended, legs: Vec::new(), passed: Vec::new(), ..eventful() };
        let last = |call: &Call| last(call, call.began);
        assert_eq!(last(&ended(End::Failed(480), Some(50_000))), "Nobody answered: 480 at once.");
        assert_eq!(
            last(&ended(End::Refused(503, "this node is being drained".into()), Some(0))),
            "Refused with 503: this node is being drained."
        );
        let refused = Call {
            closed: false,
            urgent: None,
            rang: None,
            ..ended(End::Refused(503, "this node is being drained".into()), Some(0))
        };
        assert_eq!(
            explain(&refused, 0).lines().skip(1).collect::<Vec<_>>(),
            [
                "  It came from telnyx (192.0.2.1:5060), and got no plan of /etc/tandem/tandem.toml.",
                "  Refused with 503: this node is being drained.",
            ]
        );
        assert_eq!(last(&ended(End::UnderWay, None)), "It is under way; its legs are known once it is over.");
        let stale = Call { seen: 1_767_323_106_000_000, ..ended(End::UnderWay, None) };
        assert_eq!(
            super::last(&stale, stale.seen + 151_000_000),
            "It is under way as far as is known: its node was last heard of at 19:05:06; its legs are known once it is over."
        );
    }

    #[test]
    fn what_somebody_has_switched_by_hand_stands_in_no_line() {
        let mut call = Call { closed: false, urgent: None, ..eventful() };
        call.passed.truncate(1);
        call.passed.iter_mut().for_each(|one| (one.why, one.since) = ("drained".into(), None));
        call.legs.truncate(1);
        call.legs.iter_mut().for_each(|leg| leg.line = 0);
        let steps =
            |call: &Call| explain(call, 0).lines().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            steps(&call),
            [
                "  1  branch was passed over at once (tandem.toml:30): somebody has drained it",
                "  2  office/1 was rung at once (switched by hand); left after 2.0 s: silent for 2 s",
            ]
        );
        let urgent = Call { urgent: Some("emergency".into()), passed: Vec::new(), ..call };
        assert_eq!(
            steps(&urgent),
            [
                "  It was a call for help.",
                "  1  office/1 was rung at once (before every plan); left after 2.0 s: silent for 2 s"
            ]
        );
    }

    #[test]
    fn only_what_cannot_be_a_number_is_the_name_of_a_call() {
        assert!(["c-4f1d09", "c-4", "c-4F1D09"].iter().all(|name| is_name(name)));
        assert!(
            !["c-", "4f1d09", "c-xyz", "+15035550100", "c-4f1d094f1d094f1d0"]
                .iter()
                .any(|name| is_name(name))
        );
    }
}
