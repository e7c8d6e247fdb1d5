//! How a call of the history is told: its times and its end, in words.

use crate::cli::check::Answer;
use crate::store::past::{self, Call, End, Found, Leg};
use jiff::Timestamp;
use rusqlite::Connection;

/// `Tue 2026-11-24 14:06:31`, by the business's clock at that call.
pub(super) fn moment(call: &Call, form: &str, unix: i64) -> String {
    let local = unix.saturating_add(call.ahead.saturating_mul(1_000_000));
    Timestamp::from_microsecond(local).map(|at| at.strftime(form).to_string()).unwrap_or_default()
}

/// `5.9 s`, of microseconds.
pub(super) fn seconds(micros: i64) -> String {
    let tenths = micros / 100_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// `after 5.9 s`, or `at once`.
pub(super) fn after(micros: i64) -> String {
    if micros < 100_000 { "at once".into() } else { format!("after {}", seconds(micros)) }
}

/// Who is rung, and by which peer if that is somebody else.
pub(super) fn whom(target: &str, peer: &str) -> String {
    // A destination with several machines has peers of its own.
    let own = peer.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if own { peer.to_owned() } else { format!("{target} by {peer}") }
}

/// How a leg ended that did not get the call: `503`, `answered after 3.1 s, nobody pressed 1`.
pub(super) fn failure(leg: &Leg) -> String {
    let asked = leg.asked.map(|asked| format!("answered {}, ", after(asked))).unwrap_or_default();
    asked + &leg.outcome
}

/// How a call ended, as the end of a line.
pub(super) fn end(call: &Call, now: i64) -> String {
    let after = call.ended.map(|ended| format!(" {}", after(ended))).unwrap_or_default();
    match &call.end {
        End::Answered(target) => format!("answered by {target}{after}"),
        End::Cancelled => format!("the caller hung up{after}"),
        End::Failed(status) => format!("nobody answered: {status}{after}"),
        End::Refused(status, why) => format!("refused with {status}: {why}"),
        End::Unknown => "the node ended before the call did".into(),
        End::UnderWay if is_stale(call, now) => {
            let seen = moment(call, "%H:%M:%S", call.seen);
            format!("under way as far as is known: its node was last heard of at {seen}")
        }
        End::UnderWay => "under way".into(),
    }
}

/// Has its node not been heard of for so long that it is gone?
fn is_stale(call: &Call, now: i64) -> bool {
    now.saturating_sub(call.seen.max(call.began)) > STALE_MICROS
}

/// Answers a question about one call.
pub(super) fn about(
    db: &Connection,
    verb: &str,
    asked: &str,
    say: impl FnOnce(&Call) -> String,
) -> rusqlite::Result<Answer> {
    let asked: String = asked.chars().filter(|letter| !letter.is_control()).collect();
    let problem = |text: String| Answer { text: format!("tandem {verb}: {text}\n"), fine: false };
    Ok(match past::find(db, &asked)? {
        Found::One(call) => Answer { text: say(&call), fine: true },
        Found::Several(names) => problem(format!("several calls begin so: {}", names.join(", "))),
        Found::Nobody(names) if names.is_empty() => {
            problem(format!("no call is called {asked}; there is none yet"))
        }
        Found::Nobody(names) => {
            problem(format!("no call is called {asked}\n  did you mean {}?", names.join(", ")))
        }
    })
}

/// A node that runs says so every minute.
const STALE_MICROS: i64 = 150 * 1_000_000;

/// A call in which everything happens.
#[cfg(test)]
pub(super) fn eventful() -> Call {
    use crate::store::past::Passed;
    let leg =
        |target: &str, peer: &str, line, (began, rang, ended): (i64, Option<i64>, i64), outcome: &str| Leg {
            target: target.into(),
            peer: peer.into(),
            transport: "udp".into(),
            address: "192.0.2.2:5060".into(),
            file: None,
            line,
            fix: None,
            began,
            rang,
            asked: None,
            ended: Some(ended),
            outcome: outcome.into(),
        };
    let passed = |target: &str, line, at, why: &str, since| Passed {
        target: target.into(),
        file: None,
        line,
        at,
        why: why.into(),
        since,
    };
    let (second, ms) = (1_000_000, 1_000);
    let elsewhere = "cancelled: answered elsewhere";
    Call {
        id: 1,
        name: "c-4a7c15".into(),
        call_id: "abc@example".into(),
        caller: "+15035550999".into(),
        number: "+15035550100".into(),
        address: "192.0.2.1:5060".into(),
        peer: Some("telnyx".into()),
        file: "/etc/tandem/tandem.toml".into(),
        course: "main".into(),
        closed: true,
        confined: None,
        urgent: Some("callback".into()),
        began: 1_767_323_046_500_000,
        ahead: -28_800,
        rang: Some(2_300 * ms),
        ended: Some(5_910 * ms),
        hung_up: None,
        end: End::Answered("ivy".into()),
        seen: 0,
        legs: vec![
            leg("office", "office/1", 31, (0, None, 2 * second), "silent for 2 s"),
            leg("ana", "telnyx", 32, (2 * second, None, 2_010 * ms), "407"),
            Leg {
                fix: Some("with credentials".into()),
                ..leg("ana", "telnyx", 32, (2_010 * ms, Some(2_300 * ms), 5_910 * ms), elsewhere)
            },
            leg("ben", "bandwidth", 32, (2 * second, None, 2_020 * ms), "486 (cause 17)"),
            Leg {
                file: Some("/etc/tandem/customers/acme.toml".into()),
                asked: Some(4 * second),
                ..leg("eve", "telnyx", 33, (3 * second, None, 5_910 * ms), elsewhere)
            },
            Leg {
                asked: Some(3_500 * ms),
                ..leg("ivy", "telnyx", 33, (3 * second, Some(3_100 * ms), 5_910 * ms), "answered")
            },
        ],
        passed: vec![
            passed("branch", 30, 0, "down", Some(-600 * second)),
            passed("lab", 32, 2 * second, "full", None),
            passed("ivy", 32, 2 * second, "in a failed domain", None),
        ],
    }
}
