//! Many calls by another plan: those that would go otherwise, and what that comes to.

use super::Replayed;
use super::words::{ended, ends};
use super::worth::{Worth, first_unknown};
use crate::cli::calls::{Form, table};
use crate::cli::check::{Answer, count};
use crate::cli::told::moment;
use crate::store::past::End;
use jiff::Timestamp;
use router::Plan;
use serde_json::Value;

/// The table, and the sum.
pub(super) fn told(
    all: &[Replayed],
    plan: &Plan,
    file: &str,
    form: Form,
    today: Timestamp,
) -> rusqlite::Result<Answer> {
    let over = || all.iter().filter(|one| one.way.is_some());
    let differ: Vec<&Replayed> = over().filter(|one| one.worth(plan) != Worth::Same).collect();
    let fine = !differ.iter().any(|one| one.worth(plan) == Worth::Worse);
    let text = match form {
        Form::Json => format!("{:#}\n", over().map(|one| one.value(plan)).collect::<Value>()),
        Form::Tsv => lines(&differ, plan, file, today).iter().map(|row| row.join("\t") + "\n").collect(),
        Form::Table => {
            let rows = if differ.is_empty() {
                String::new()
            } else {
                table(&lines(&differ, plan, file, today)) + "\n"
            };
            rows + &sum(&over().collect::<Vec<_>>(), differ.len(), plan, file)
        }
    };
    Ok(Answer { text, fine })
}

/// The head and a row for each call.
pub(super) fn lines(calls: &[&Replayed], plan: &Plan, file: &str, today: Timestamp) -> Vec<[String; 6]> {
    let is_today = |one: &&&Replayed| {
        moment(&one.call, "%F", one.call.began) == moment(&one.call, "%F", today.as_microsecond())
    };
    let form = if calls.iter().filter(is_today).count() == calls.len() { "%H:%M:%S" } else { "%F %H:%M:%S" };
    let by = format!("BY {file}");
    let head = ["TIME", "CALL", "TO", "", "THEN", &by].map(str::to_owned);
    let row = |one: &&Replayed| {
        let worth = match one.worth(plan) {
            Worth::Same => "same",
            Worth::Other => "other",
            Worth::Better => "better",
            Worth::PerhapsBetter => "better?",
            Worth::PerhapsWorse => "worse?",
            Worth::Worse => "WORSE",
        };
        let number = one.call.number.chars().map(|it| if it.is_control() { '?' } else { it }).collect();
        let began = moment(&one.call, form, one.call.began);
        [began, one.call.name.clone(), number, worth.into(), ended(&one.call), ends(one, plan)]
    };
    core::iter::once(head).chain(calls.iter().map(row)).collect()
}

/// `Of 41 calls 3 reached nobody; by new.toml 1 of them is answered, and somebody would have rung for 2 more.`
fn sum(all: &[&Replayed], differ: usize, plan: &Plan, file: &str) -> String {
    let way = |one: &&&Replayed| one.way.as_ref().and_then(|way| way.as_ref().ok().cloned());
    let lost: Vec<&&Replayed> = all.iter().filter(|one| !matches!(one.call.end, End::Answered(_))).collect();
    let answered = |one: &&&Replayed| way(one).is_some_and(|way| way.answered.is_some());
    let rung = |one: &&&Replayed| {
        way(one).is_some_and(|way| way.answered.is_none() && first_unknown(plan, &way).is_some())
    };
    let (saved, perhaps) = (
        lost.iter().copied().filter(|one| answered(one)).count(),
        lost.iter().copied().filter(|one| rung(one)).count(),
    );
    let mut text = format!("Of {} {} reached nobody", count(all.len(), "call"), lost.len());
    text += &match (lost.len(), saved, perhaps) {
        (0, ..) => ".".to_owned(),
        (1, 0, 0) => format!("; by {file} neither does it reach anybody."),
        (_, 0, 0) => format!("; by {file} neither do they reach anybody."),
        (1, 1, 0) => format!("; by {file} it would be answered."),
        (1, 0, 1) => format!("; by {file} somebody would have rung."),
        (lost, saved, 0) if lost == saved => format!("; by {file} all of them would be answered."),
        (lost, 0, rung) if lost == rung => format!("; by {file} somebody would have rung for all of them."),
        (_, saved, 0) => format!("; by {file} {saved} of them would be answered."),
        (_, 0, rung) => format!("; by {file} somebody would have rung for {rung} of them."),
        (_, saved, rung) => {
            format!(
                "; by {file} {saved} of them would be answered, and somebody would have rung for {rung} more."
            )
        }
    };
    let worse = all.iter().filter(|one| one.worth(plan) == Worth::Worse).count();
    text += &match (differ, worse) {
        (0, _) => " None would go otherwise.".to_owned(),
        (differ, 0) => format!(" {differ} would go otherwise, none of them worse."),
        (differ, worse) => format!(" {differ} would go otherwise, {worse} of them worse."),
    };
    text + "\n"
}
