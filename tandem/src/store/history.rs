//! The history: every call with its legs, each with exactly one end.

use super::beliefs;
use router::emergency::Urgent;
use router::hours::Zone;
use router::position::Confined;
use router::record::{Begun, CallRecord, End, Entry, LegRecord, Passed, Why};
use router::replay::Believed;
use rusqlite::{Connection, OptionalExtension as _, params};
use sip::Time;
use std::sync::Arc;

/// A piece of history.
#[derive(Debug)]
pub enum Kept {
    /// A call that has begun.
    Begun(Arc<Begun>, When),
    /// A call that is over.
    Over(Box<CallRecord>, When),
    /// Whoever talked in a call has hung up: its Call-ID.
    HungUp(String, Time, When),
    /// Beliefs that have changed.
    Believed(Vec<Believed>, When),
}

/// What turns a node's times into those of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Microseconds since 1970 (UTC) at [`Time::ZERO`].
    pub epoch: i64,
    /// How far the business's clock is ahead of UTC, in seconds.
    pub offset: i32,
}

/// Where the calls of a run stand among all calls of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// When the run began, in microseconds since 1970: no other run of this file began then.
    began: i64,
    /// The number of the run.
    run: i64,
    /// The number of its first call.
    first: i64,
}

/// The tables. All times of a call and its legs but `began` of a call are microseconds after that.
pub(super) const TABLES: &str = "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    node TEXT NOT NULL,
    began INTEGER NOT NULL UNIQUE, -- microseconds since 1970 (UTC)
    seen INTEGER NOT NULL          -- it ran still
) STRICT;

CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,     -- what people call it: c-4f1d09
    run INTEGER NOT NULL REFERENCES runs (id),
    call_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    number TEXT NOT NULL,          -- that was called
    address TEXT NOT NULL,         -- where it came from
    peer TEXT,                     -- and by which peer, if that is known
    file TEXT NOT NULL,            -- the plan file
    course TEXT NOT NULL,          -- the plan in it
    closed INTEGER NOT NULL,
    confined TEXT,                 -- why it rang no phone numbers
    urgent TEXT,
    began INTEGER NOT NULL,        -- microseconds since 1970 (UTC)
    ahead INTEGER NOT NULL,        -- the business's clock, in seconds
    rang INTEGER,
    ended INTEGER,
    end TEXT CHECK (end IN ('answered', 'cancelled', 'failed', 'unknown')), -- none yet: it is under way
    answered_by TEXT,
    status INTEGER                 -- that the caller was given, of one that failed
) STRICT;

CREATE INDEX calls_began ON calls (began);

CREATE TABLE legs (
    call INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    nth INTEGER NOT NULL,
    target TEXT NOT NULL,
    peer TEXT NOT NULL,
    transport TEXT NOT NULL,
    address TEXT NOT NULL,
    line INTEGER NOT NULL,         -- of its step in the plan file
    fix TEXT,                      -- what was changed, if it is the same hop once more
    began INTEGER NOT NULL,
    rang INTEGER,
    ended INTEGER,
    outcome TEXT NOT NULL,
    PRIMARY KEY (call, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE passed ( -- whose turn it was, and who was not rung then
    call INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    nth INTEGER NOT NULL,
    target TEXT NOT NULL,
    line INTEGER NOT NULL,
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    since INTEGER,
    PRIMARY KEY (call, nth)
) STRICT, WITHOUT ROWID;
";

/// A leg to somebody who has to press 1 may be answered before it is over.
pub(super) const ASKED: &str =
    "ALTER TABLE legs ADD COLUMN asked INTEGER; -- when whoever has to press 1 answered";

/// A call may be refused before anybody is rung.
pub(super) const REFUSED: &str =
    "ALTER TABLE calls ADD COLUMN refused TEXT; -- why one that failed had no walk";

/// Until when it was talked in an answered call.
pub(super) const HUNG_UP: &str = "
ALTER TABLE calls ADD COLUMN hung_up INTEGER; -- when the BYE of one that was answered passed
CREATE INDEX calls_call_id ON calls (call_id);
";

/// A plan may have several files.
pub(super) const FILES: &str = "
ALTER TABLE legs ADD COLUMN file TEXT;   -- of its step, if that is not the plan file
ALTER TABLE passed ADD COLUMN file TEXT;
";

/// How long a call is kept: 400 days, so that a year can be compared with the one before.
pub(super) const KEPT_MICROS: i64 = 400 * 86_400 * 1_000_000;

impl Kept {
    /// What of an entry belongs to the history; its time is shown by the clock of this zone.
    #[must_use]
    pub fn of(entry: Entry, epoch: i64, zone: &Zone) -> Option<Self> {
        match entry {
            Entry::Begun(begun) => {
                let when = When::of(begun.began, epoch, zone);
                Some(Self::Begun(begun, when))
            }
            Entry::Call(call) => {
                let when = When::of(call.begun.began, epoch, zone);
                Some(Self::Over(call, when))
            }
            Entry::HungUp { at, call_id } => Some(Self::HungUp(call_id, at, When::of(at, epoch, zone))),
            Entry::Health { .. } | Entry::Side { .. } => {
                let believed = Believed::of(&entry);
                // All are of one moment.
                let at = believed.first()?.at;
                Some(Self::Believed(believed, When::of(at, epoch, zone)))
            }
            Entry::Alarm { .. }
            | Entry::Name { .. }
            | Entry::Login { .. }
            | Entry::Registration { .. }
            | Entry::Full { .. }
            | Entry::Presented { .. }
            | Entry::Urgent { .. }
            | Entry::Confined { .. }
            | Entry::CutOff { .. }
            | Entry::Dropped { .. }
            | Entry::Refused { .. }
            | Entry::Unlisted { .. }
            | Entry::Stranger { .. } => None,
        }
    }
}

impl Place {
    /// A run that begins at this moment and has no file yet.
    pub(super) const fn new(unix: i64) -> Self {
        Self { began: unix, run: 0, first: 1 }
    }

    /// The number of a call in the file; `nth` counts the calls of this run from 1.
    fn number(self, nth: u64) -> i64 {
        self.first.saturating_add_unsigned(nth.saturating_sub(1))
    }
}

/// What people call the call with this number: `c-` and six hexadecimal digits, a permutation of all numbers that have so
/// many, so that two have never the same name and neighbours differ in their first letters. From the sixteen-millionth
/// call on there are eight, then sixteen.
#[must_use]
pub fn name(number: i64) -> String {
    let number = number.unsigned_abs();
    let (digits, bits) = match number {
        0..0x0100_0000 => (6, 24),
        0x0100_0000..0x1_0000_0000 => (8, 32),
        0x1_0000_0000.. => (16, 64),
    };
    // An odd factor takes no two numbers below a power of two to the same.
    let mixed = number.wrapping_mul(MIX) & (u64::MAX >> (64 - bits));
    format!("c-{mixed:0digits$x}")
}

const MIX: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 over the golden ratio: neighbours come to lie far from each other.

/// Begins a run in this file, or finds it there. Calls that other runs have left open are over: their node has ended.
pub(super) fn begin_run(db: &Connection, node: &str, place: Place, unix: i64) -> rusqlite::Result<Place> {
    let known = db.query_row("SELECT id FROM runs WHERE began = ?1", [place.began], |row| row.get(0));
    if let Some(run) = known.optional()? {
        return Ok(Place { run, ..place });
    }
    let next: i64 = db.query_row("SELECT coalesce(max(id), 0) + 1 FROM calls", (), |row| row.get(0))?;
    let insert = "INSERT INTO runs (node, began, seen) VALUES (?1, ?2, ?3)";
    db.execute(insert, params![node, place.began, unix])?;
    let run = db.last_insert_rowid();
    db.execute("UPDATE calls SET end = 'unknown' WHERE end IS NULL", ())?;
    Ok(Place { run, first: next.max(place.first), ..place })
}

/// The run goes on.
pub(super) fn seen(db: &Connection, place: Place, unix: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE runs SET seen = ?1 WHERE id = ?2", [unix, place.run]).map(drop)
}

/// Takes out some of the calls that began before this moment, and says whether there may be more.
pub(super) fn clean(db: &Connection, before: i64) -> rusqlite::Result<bool> {
    let some =
        "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE began < ?1 ORDER BY began LIMIT ?2)";
    let gone = db.execute(some, [before, CLEAN_MAX])?;
    beliefs::clean(db, before)?;
    // A run's calls follow each other, so the oldest call tells which runs have none left.
    db.execute("DELETE FROM runs WHERE id < (SELECT run FROM calls ORDER BY id LIMIT 1)", ())?;
    Ok(i64::try_from(gone).is_ok_and(|gone| gone >= CLEAN_MAX))
}

const CLEAN_MAX: i64 = 200; // In one transaction: a few milliseconds.

/// Writes a piece of history.
pub(super) fn keep(db: &Connection, kept: &Kept, place: Place, file: &str) -> rusqlite::Result<()> {
    match kept {
        Kept::Begun(begun, when) => begin(db, begun, *when, place, file),
        Kept::Over(call, when) => {
            begin(db, &call.begun, *when, place, file)?;
            over(db, call, place.number(call.begun.id))
        }
        Kept::HungUp(call_id, at, when) => hung_up(db, call_id, when.unix(*at)),
        Kept::Believed(believed, when) => beliefs::keep(db, believed, *when, place.run),
    }
}

/// Writes until when a call was talked in, the first time that it is told; of one that this file does not have nothing.
fn hung_up(db: &Connection, call_id: &str, unix: i64) -> rusqlite::Result<()> {
    let mut update = db.prepare(
        "UPDATE calls SET hung_up = ?2 - began WHERE call_id = ?1 AND end = 'answered' AND hung_up IS NULL AND began > ?3",
    )?;
    // Nobody talks for longer, but a Call-ID may come again.
    let week = unix.saturating_sub(7 * 86_400 * 1_000_000);
    update.execute(params![call_id, unix, week]).map(drop)
}

/// Writes the beginning of a call, if it is not there yet.
fn begin(db: &Connection, begun: &Begun, when: When, place: Place, file: &str) -> rusqlite::Result<()> {
    let number = place.number(begun.id);
    let (address, peer) = &begun.from;
    let mut insert = db.prepare_cached(
        "INSERT INTO calls (id, name, run, call_id, caller, number, address, peer, file, course, closed, confined, urgent,
                            began, ahead)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO NOTHING",
    )?;
    let columns = params![
        number,
        name(number),
        place.run,
        begun.call_id,
        begun.caller,
        begun.number,
        address.to_string(),
        peer.as_deref(),
        file,
        &*begun.course,
        begun.closed,
        begun.confined.map(Confined::as_str),
        begun.urgent.map(Urgent::as_str),
        when.unix(begun.began),
        when.offset,
    ];
    insert.execute(columns).map(drop)
}

/// Writes the end of a call that is there.
fn over(db: &Connection, call: &CallRecord, number: i64) -> rusqlite::Result<()> {
    let began = call.begun.began;
    let after = |time: Time| micros(began, time);
    let (end, answered_by, status) = match &call.end {
        End::Answered { target } => ("answered", Some(&**target), None),
        End::Cancelled => ("cancelled", None, None),
        End::Failed { status } | End::Refused { status, .. } => ("failed", None, Some(*status)),
    };
    let refused = if let End::Refused { why, .. } = &call.end { Some(*why) } else { None };
    let mut update = db.prepare_cached(
        "UPDATE calls SET rang = ?2, ended = ?3, end = ?4, answered_by = ?5, status = ?6, refused = ?7 WHERE id = ?1",
    )?;
    update.execute(params![
        number,
        call.rang.map(after),
        after(call.ended),
        end,
        answered_by,
        status,
        refused
    ])?;
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO legs (call, nth, target, peer, transport, address, line, fix, began, rang, ended, outcome, asked, file)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    for (leg, nth) in call.legs.iter().zip(1_i64..) {
        let LegRecord { target, peer, path, file, line, fix, began, rang, asked, ended, outcome } = leg;
        insert.execute(params![
            number,
            nth,
            &**target,
            &**peer,
            path.transport.in_uri(),
            path.remote.to_string(),
            line,
            fix.map(|fix| fix.to_string()),
            after(*began),
            rang.map(after),
            ended.map(after),
            outcome,
            asked.map(after),
            file.as_deref(),
        ])?;
    }
    for (Passed { target, file, line, at, why }, nth) in call.passed.iter().zip(1_i64..) {
        let since = match why {
            Why::Down { since } => since.map(after),
            Why::Drained | Why::Doomed | Why::Full | Why::Confined | Why::NoWay | Why::NoRoom | Why::Late => {
                None
            }
        };
        db.execute(
            "INSERT OR REPLACE INTO passed (call, nth, target, line, at, why, since, file) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![number, nth, &**target, line, after(*at), why.as_str(), since, file.as_deref()],
        )?;
    }
    Ok(())
}

impl When {
    /// At this time, by the clock of this zone.
    #[must_use]
    pub fn of(time: Time, epoch: i64, zone: &Zone) -> Self {
        let unix = Self { epoch, offset: 0 }.unix(time);
        Self { epoch, offset: zone.offset_at(unix.div_euclid(1_000_000)) }
    }

    /// Microseconds since 1970.
    pub(super) fn unix(self, time: Time) -> i64 {
        self.epoch.saturating_add_unsigned(time.as_micros())
    }
}

/// From one time to another, which may be before.
fn micros(from: Time, to: Time) -> i64 {
    let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
    signed(to.as_micros()).saturating_sub(signed(from.as_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_calls_have_the_same_name_and_neighbours_are_told_apart_by_their_beginnings() {
        assert_eq!([name(1), name(2), name(3)], ["c-4a7c15", "c-94f82a", "c-df743f"]);
        assert_eq!(name(0x0100_0000), "c-15000000");
        assert_eq!(name(0x1_0000_0000).len(), 18);
        let many = 1..200_000;
        let names: BTreeSet<String> = many.clone().map(name).collect();
        assert_eq!(names.len(), many.count());
    }
}
