//! `tandem calls`: the calls of the history, as a table for people or for programs.

use crate::cli::check::{Answer, print};
use crate::cli::folder::{Folder, Trouble};
use crate::cli::told::{failure, moment, seconds, whom};
use crate::store::past::{self, Call, End, Leg, Which};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::process::ExitCode;

/// What the command line says.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Those of the last so many: 90s, 15m, 1h, 7d
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<i64>,
    /// Those that rang so many, one after the other or together: 2, '>1', '<3'
    #[arg(long, value_name = "COUNT", value_parser = tries)]
    tries: Option<(i64, i64)>,
    /// Those to numbers with this in it, or to this plan
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Those of callers with this in their number, or that came by this peer
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// Those that ended so
    #[arg(long, value_name = "END", value_parser = ["answered", "cancelled", "failed", "unknown"])]
    end: Option<String>,
    /// No more than so many
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// How they are printed
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: Form,
    #[command(flatten)]
    folder: Folder,
}

/// How calls are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Table,
    /// A JSON list with everything that is kept
    Json,
    /// The columns of the table, with a TAB between two
    Tsv,
}

/// Lists calls; exit status 0 even if there are none, else see [`Trouble::tell`].
#[must_use]
pub fn run(options: &Options, now: Timestamp) -> ExitCode {
    let listed = options.folder.open(now).and_then(|db| list(&db, options, now).map_err(Trouble::from));
    match listed {
        Ok(answer) => {
            if answer.text.is_empty() {
                eprintln!("tandem calls: no such call");
            }
            print(&answer)
        }
        Err(trouble) => trouble.tell("calls"),
    }
}

fn list(db: &Connection, options: &Options, now: Timestamp) -> rusqlite::Result<Answer> {
    let Options { since, tries, to, from, end, limit, .. } = options.clone();
    let since = since.map(|back| now.as_microsecond().saturating_sub(back));
    let calls = past::calls(db, &Which { since, to, from, end, tries, limit })?;
    let text = match options.output {
        Form::Json => format!("{:#}\n", calls.iter().map(value).collect::<Value>()),
        Form::Tsv => lines(&calls, now).iter().map(|row| row.join("\t") + "\n").collect(),
        Form::Table if calls.is_empty() => String::new(),
        Form::Table => columns(&lines(&calls, now), TRIES),
    };
    Ok(Answer { text, fine: true })
}

/// The head and a row for each call.
fn lines(calls: &[Call], now: Timestamp) -> Vec<[String; 7]> {
    let is_today = |call: &Call| moment(call, "%F", call.began) == moment(call, "%F", now.as_microsecond());
    let form = if calls.iter().all(is_today) { "%H:%M:%S" } else { "%F %H:%M:%S" };
    let head = ["TIME", "CALL", "TO", "TRIES", "ANSWERED BY", "AFTER", "FIRST FAILURE"].map(str::to_owned);
    let row = |call: &Call| {
        let by = match &call.end {
            End::Answered(target) => target.clone(),
            End::Failed(status) | End::Refused(status, _) => format!("({status})"),
            End::Cancelled | End::Unknown | End::UnderWay => format!("({})", call.end.word()),
        };
        let failed = |leg: &Leg| format!("{}: {}", whom(&leg.target, &leg.peer), failure(leg));
        [
            moment(call, form, call.began),
            call.name.clone(),
            printable(&call.number),
            call.tries().to_string(),
            by,
            call.ended.map_or("-".into(), seconds),
            match &call.end {
                End::Refused(_, why) => why.clone(),
                End::Answered(_) | End::Cancelled | End::Failed(_) | End::Unknown | End::UnderWay => {
                    call.first_failure().map_or("-".into(), failed)
                }
            },
        ]
    };
    core::iter::once(head).chain(calls.iter().map(row)).collect()
}

/// In columns.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    columns(rows, N)
}

/// In columns; the numbers of one stand to the right.
fn columns<const N: usize>(rows: &[[String; N]], right: usize) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells: Vec<String> = cells
            .map(
                |(nth, (cell, width))| {
                    if nth == right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                },
            )
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

const TRIES: usize = 3;

/// A call with everything that is kept of it. All `*_ms` count from the moment the call came.
fn value(call: &Call) -> Value {
    let ms = |micros: Option<i64>| micros.map(|micros| micros.div_euclid(1_000));
    let legs = call.legs.iter().map(|leg| {
        json!({
            "target": leg.target, "by": leg.peer, "address": leg.address, "transport": leg.transport,
            "file": leg.file.as_ref().unwrap_or(&call.file), "line": leg.line,
            "again": leg.fix, "after_ms": ms(Some(leg.began)), "rang_after_ms": ms(leg.rang),
            "asked_after_ms": ms(leg.asked), "ended_after_ms": ms(leg.ended), "outcome": leg.outcome,
        })
    });
    let passed = call.passed.iter().map(|one| {
        let file = one.file.as_ref().unwrap_or(&call.file);
        json!({ "target": one.target, "file": file, "line": one.line, "after_ms": ms(Some(one.at)), "why": one.why, "since_ms": ms(one.since) })
    });
    let (answered_by, status, refused) = match &call.end {
        End::Answered(target) => (Some(target), None, None),
        End::Failed(status) => (None, Some(*status), None),
        End::Refused(status, why) => (None, Some(*status), Some(why)),
        End::Cancelled | End::Unknown | End::UnderWay => (None, None, None),
    };
    json!({
        "id": call.name,
        "call_id": call.call_id,
        "at": Timestamp::from_microsecond(call.began).map(|at| format!("{at:.3}")).unwrap_or_default(),
        "local": moment(call, "%FT%T", call.began),
        "number": call.number,
        "caller": call.caller,
        "from": { "address": call.address, "peer": call.peer },
        "file": call.file,
        "plan": call.course,
        "closed": call.closed,
        "urgent": call.urgent,
        "no_phone_numbers": call.confined,
        "rang_after_ms": ms(call.rang),
        "ended_after_ms": ms(call.ended),
        "hung_up_after_ms": ms(call.hung_up),
        "end": call.end.word(),
        "answered_by": answered_by,
        "status": status,
        "refused": refused,
        "tries": call.tries(),
        "legs": legs.collect::<Vec<_>>(),
        "passed": passed.collect::<Vec<_>>(),
    })
}

fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Reads `90s`, `15m`, `1h`, `7d` as microseconds.
pub(crate) fn ago(text: &str) -> Result<i64, &'static str> {
    let unit = |letter| match letter {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    };
    let read = || {
        let seconds = unit(text.chars().next_back()?)?;
        let number = text.get(..text.len() - 1)?;
        let number: i64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
        number.checked_mul(seconds)?.checked_mul(1_000_000)
    };
    read().ok_or("write `90s`, `15m`, `1h` or `7d`")
}

/// Reads `2`, `>1`, `>=2`, `<3` or `<=2` as the least and the most.
fn tries(text: &str) -> Result<(i64, i64), &'static str> {
    let text = text.trim();
    let signs = [(">=", 0, i64::MAX), ("<=", i64::MIN, 0), (">", 1, i64::MAX), ("<", i64::MIN, -1)];
    let found = signs.into_iter().find_map(|(sign, up, down)| Some((text.strip_prefix(sign)?, up, down)));
    let (number, up, down) = found.unwrap_or((text, 0, 0));
    let number: i64 = number.trim().parse::<u32>().map_err(|_| "write `2`, `>1` or `<3`")?.into();
    Ok((number.saturating_add(up), number.saturating_add(down)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_tries_are_read_as_people_write_them() {
        assert_eq!(
            ["90s", "15m", "1h", "7d"].map(|text| ago(text).unwrap() / 1_000_000),
            [90, 900, 3_600, 604_800]
        );
        for text in ["", "h", "1", "-1h", "1w", "99999999999999999d", "1.5h", "é"] {
            assert!(ago(text).is_err(), "{text}");
        }
        let read = [">1", ">= 2", "2", "<3", "<=2"].map(|text| tries(text).unwrap());
        assert_eq!(
            read.map(|(least, most)| (0..5).filter(|n| (least..=most).contains(n)).collect::<Vec<i64>>()),
            [vec![2, 3, 4], vec![2, 3, 4], vec![2], vec![0, 1, 2], vec![0, 1, 2]]
        );
        assert!(["", ">", "two", "=1", ">-1"].iter().all(|text| tries(text).is_err()));
    }
}
