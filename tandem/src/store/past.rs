//! Reads the history: for people who ask what became of a call.

use super::history::name;
use rusqlite::types::ToSql;
use rusqlite::{Connection, Result, Row};

/// A call with everything that is kept of it. Times but `began` are microseconds after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number in the file.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// The Call-ID.
    pub call_id: String,
    /// The caller's user part.
    pub caller: String,
    /// The number that was called.
    pub number: String,
    /// Where it came from.
    pub address: String,
    /// By which peer, if that is known.
    pub peer: Option<String>,
    /// The plan file.
    pub file: String,
    /// The plan in it.
    pub course: String,
    /// Was the business closed?
    pub closed: bool,
    /// Why it rang no phone numbers.
    pub confined: Option<String>,
    /// What was urgent about it.
    pub urgent: Option<String>,
    /// Microseconds since 1970 (UTC).
    pub began: i64,
    /// How far the business's clock was ahead of UTC, in seconds.
    pub ahead: i64,
    /// When the caller was first told that it rings.
    pub rang: Option<i64>,
    /// When it was over.
    pub ended: Option<i64>,
    /// When whoever talked had hung up.
    pub hung_up: Option<i64>,
    /// How it ended.
    pub end: End,
    /// When its node was last known to run, in microseconds since 1970.
    pub seen: i64,
    /// All legs.
    pub legs: Vec<Leg>,
    /// Who was passed over.
    pub passed: Vec<Passed>,
}

/// The ledger: each call has exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Somebody answered.
    Answered(String),
    /// The caller gave up.
    Cancelled,
    /// Nobody answered; the caller got this status.
    Failed(u16),
    /// It had no walk: the status that the caller got, and why.
    Refused(u16, String),
    /// Its node ended before it did: nobody knows.
    Unknown,
    /// It has not ended yet; or its node has, and none has begun since.
    UnderWay,
}

/// One leg of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Who was rung.
    pub target: String,
    /// By which peer.
    pub peer: String,
    /// By which transport.
    pub transport: String,
    /// Where.
    pub address: String,
    /// The file of its step, if that is not the plan file itself.
    pub file: Option<String>,
    /// The line of its step in that file.
    pub line: i64,
    /// What was changed, if it is the same hop once more.
    pub fix: Option<String>,
    /// When its INVITE left.
    pub began: i64,
    /// When it first rang.
    pub rang: Option<i64>,
    /// When somebody answered who had to press 1.
    pub asked: Option<i64>,
    /// When it was over.
    pub ended: Option<i64>,
    /// How.
    pub outcome: String,
}

/// Somebody who was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Who.
    pub target: String,
    /// The file of the step, if that is not the plan file itself.
    pub file: Option<String>,
    /// The line of the step in that file.
    pub line: i64,
    /// When.
    pub at: i64,
    /// Why.
    pub why: String,
    /// Since when that was so; before the call for most.
    pub since: Option<i64>,
}

/// Which calls are asked for. All that is set has to be true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Began at this microsecond since 1970, or later.
    pub since: Option<i64>,
    /// The number that was called, or the plan, has this in it.
    pub to: Option<String>,
    /// The caller's number, or the peer it came by, has this in it.
    pub from: Option<String>,
    /// Ended so; see [`End::word`].
    pub end: Option<String>,
    /// So many tries: at least, at most.
    pub tries: Option<(i64, i64)>,
    /// No more than these, the last ones.
    pub limit: i64,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This call.
    One(Box<Call>),
    /// Several calls, by their names; the last ones.
    Several(Vec<String>),
    /// None. These are the nearest, else the last ones.
    Nobody(Vec<String>),
}

impl End {
    /// In a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Cancelled => "cancelled",
            Self::Failed(_) | Self::Refused(..) => "failed",
            Self::Unknown => "unknown",
            Self::UnderWay => "under way",
        }
    }
}

impl Call {
    /// How many were tried: another INVITE to the same hop is the same try.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.legs.iter().filter(|leg| leg.fix.is_none() && !leg.is_word()).count()
    }

    /// The first leg that failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Leg> {
        let failed = |leg: &&Leg| {
            let failed = leg.ended.is_some() && leg.outcome != "answered";
            failed && !leg.outcome.starts_with("cancelled") && !leg.is_word()
        };
        self.legs.iter().find(failed)
    }
}

impl Leg {
    /// Is it what the caller heard before a step, or was to hear? Nobody was tried by that.
    #[must_use]
    pub fn is_word(&self) -> bool {
        self.outcome.starts_with("said") || self.outcome.starts_with("not said")
    }
}

/// The calls that are asked for, the newest first.
///
/// # Errors
/// The file cannot be read.
pub fn calls(db: &Connection, which: &Which) -> Result<Vec<Call>> {
    let mut wanted = vec!["1"];
    let mut values: Vec<(&str, &dyn ToSql)> = vec![(":limit", &which.limit)];
    let (least, most) = which.tries.unwrap_or_default();
    if let Some(since) = &which.since {
        wanted.push("began >= :since");
        values.push((":since", since));
    }
    if let Some(to) = &which.to {
        wanted.push("(instr(number, :to) OR course = :to)");
        values.push((":to", to));
    }
    if let Some(from) = &which.from {
        wanted.push("(instr(caller, :from) OR peer = :from)");
        values.push((":from", from));
    }
    if let Some(end) = &which.end {
        wanted.push("coalesce(end, 'under way') = :end");
        values.push((":end", end));
    }
    if which.tries.is_some() {
        wanted.push(
            "(SELECT count(*) FROM legs WHERE call = calls.id AND fix IS NULL AND outcome NOT LIKE 'said%' \
             AND outcome NOT LIKE 'not said%') BETWEEN :least AND :most",
        );
        values.extend([(":least", &least as &dyn ToSql), (":most", &most)]);
    }
    let wanted = wanted.join(" AND ");
    let question = format!("{CALLS} WHERE {wanted} ORDER BY began DESC, calls.id DESC LIMIT :limit");
    whole(db, &question, &values[..])
}

/// The call of this name, or of the only one that begins so; `c-` may be left out. Or of this Call-ID.
///
/// # Errors
/// The file cannot be read.
pub fn find(db: &Connection, asked: &str) -> Result<Found> {
    let digits = asked.strip_prefix("c-").unwrap_or(asked).to_ascii_lowercase();
    let is_name = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let start = format!("c-{digits}");
    let end = format!("{start}g"); // Behind all hexadecimal digits.
    let exactly = whole(
        db,
        &format!("{CALLS} WHERE name = ?1 OR call_id = ?2 LIMIT 2"),
        [&start as &dyn ToSql, &asked],
    )?;
    let mut found = exactly;
    if found.is_empty() && is_name {
        let likely =
            format!("{CALLS} WHERE name >= ?1 AND name < ?2 ORDER BY calls.id DESC LIMIT {NEAR_MAX}");
        found = whole(db, &likely, [&start as &dyn ToSql, &end])?;
    }
    match <[Call; 1]>::try_from(found) {
        Ok([one]) => Ok(Found::One(Box::new(one))),
        Err(none) if none.is_empty() => near(db, &digits).map(Found::Nobody),
        Err(several) => Ok(Found::Several(several.into_iter().map(|call| call.name).collect())),
    }
}

/// The names that differ from this one in a digit or two, else those of the last calls.
fn near(db: &Connection, digits: &str) -> Result<Vec<String>> {
    let mut asked = db.prepare("SELECT id FROM calls ORDER BY id DESC LIMIT ?1")?;
    let names: Vec<String> =
        asked.query_map([LOOKED_THROUGH], |row| row.get(0).map(name))?.collect::<Result<_>>()?;
    let differs = |name: &String| {
        let own = name.trim_start_matches("c-");
        let places = own.bytes().zip(digits.bytes()).filter(|(one, other)| one != other).count();
        places + own.len().abs_diff(digits.len())
    };
    let mut likely: Vec<String> = names.iter().filter(|name| differs(name) <= SLIPS_MAX).cloned().collect();
    likely.sort_by_key(differs);
    let mut found = if likely.is_empty() { names } else { likely };
    found.truncate(NEAR_MAX);
    Ok(found)
}

fn whole<P: rusqlite::Params>(db: &Connection, question: &str, values: P) -> Result<Vec<Call>> {
    let mut asked = db.prepare(question)?;
    let mut found: Vec<Call> = asked.query_map(values, call)?.collect::<Result<_>>()?;
    let mut legs = db.prepare(
        "SELECT target, peer, transport, address, line, fix, began, rang, ended, outcome, asked, file FROM legs WHERE call = ?1 ORDER BY nth",
    )?;
    let mut passed =
        db.prepare("SELECT target, line, at, why, since, file FROM passed WHERE call = ?1 ORDER BY nth")?;
    for call in &mut found {
        call.legs = legs.query_map([call.id], leg)?.collect::<Result<_>>()?;
        call.passed = passed.query_map([call.id], passed_over)?.collect::<Result<_>>()?;
    }
    Ok(found)
}

fn call(row: &Row<'_>) -> Result<Call> {
    let end: Option<String> = row.get("end")?;
    let end = match end.as_deref() {
        Some("answered") => End::Answered(row.get::<_, Option<String>>("answered_by")?.unwrap_or_default()),
        Some("cancelled") => End::Cancelled,
        Some("failed") => {
            let status = row.get::<_, Option<u16>>("status")?.unwrap_or_default();
            let refused: Option<String> = row.get("refused")?;
            refused.map_or(End::Failed(status), |why| End::Refused(status, why))
        }
        // The table has no other words.
        Some(_) => End::Unknown,
        None => End::UnderWay,
    };
    Ok(Call {
        id: row.get("id")?,
        name: row.get("name")?,
        call_id: row.get("call_id")?,
        caller: row.get("caller")?,
        number: row.get("number")?,
        address: row.get("address")?,
        peer: row.get("peer")?,
        file: row.get("file")?,
        course: row.get("course")?,
        closed: row.get("closed")?,
        confined: row.get("confined")?,
        urgent: row.get("urgent")?,
        began: row.get("began")?,
        ahead: row.get("ahead")?,
        rang: row.get("rang")?,
        ended: row.get("ended")?,
        hung_up: row.get("hung_up")?,
        end,
        seen: row.get("seen")?,
        legs: Vec::new(),
        passed: Vec::new(),
    })
}

fn leg(row: &Row<'_>) -> Result<Leg> {
    Ok(Leg {
        target: row.get(0)?,
        peer: row.get(1)?,
        transport: row.get(2)?,
        address: row.get(3)?,
        line: row.get(4)?,
        fix: row.get(5)?,
        began: row.get(6)?,
        rang: row.get(7)?,
        ended: row.get(8)?,
        outcome: row.get(9)?,
        asked: row.get(10)?,
        file: row.get(11)?,
    })
}

fn passed_over(row: &Row<'_>) -> Result<Passed> {
    Ok(Passed {
        target: row.get(0)?,
        line: row.get(1)?,
        at: row.get(2)?,
        why: row.get(3)?,
        since: row.get(4)?,
        file: row.get(5)?,
    })
}

const CALLS: &str = "SELECT calls.*, (SELECT seen FROM runs WHERE runs.id = calls.run) AS seen FROM calls";
const NEAR_MAX: usize = 5; // As many as one reads.
const LOOKED_THROUGH: i64 = 10_000; // A name that somebody has just seen is that of a recent call.
const SLIPS_MAX: usize = 2;
