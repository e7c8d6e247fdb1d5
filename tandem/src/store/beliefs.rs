//! What was believed of each path, and when that changed: without it nobody could say of a call why it took the way that it took.

use super::history::When;
use super::past;
use core::net::SocketAddr;
use router::health::{Recalled, Side, Source, Standing};
use router::replay::Believed;
use router::{Path, Transport};
use rusqlite::{Connection, Result, Row, params};
use sip::Time;

/// The table. A run begins with nothing known.
pub(super) const TABLES: &str = "
CREATE TABLE beliefs ( -- what was believed of a path from a moment on
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,           -- microseconds since 1970 (UTC)
    peer TEXT NOT NULL,            -- one that used it
    transport TEXT NOT NULL,
    address TEXT NOT NULL,
    what TEXT NOT NULL,            -- how well it was; or what stood beside that
    by TEXT                        -- whose sign has changed how well it was: probe, call
) STRICT;

CREATE INDEX beliefs_path ON beliefs (run, peer, transport, address, at);
";

/// Writes what is believed from now on.
pub(super) fn keep(db: &Connection, believed: &[Believed], when: When, run: i64) -> Result<()> {
    let mut insert = db.prepare(
        "INSERT INTO beliefs (run, at, peer, transport, address, what, by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for Believed { at, peer, path, what } in believed {
        let (what, by) = written(*what);
        let address = path.remote.to_string();
        insert.execute(params![run, when.unix(*at), &**peer, path.transport.in_uri(), address, what, by])?;
    }
    Ok(())
}

/// Takes out what is older than the calls, and more than anybody would read.
pub(super) fn clean(db: &Connection, before: i64) -> Result<()> {
    let old = "DELETE FROM beliefs WHERE id IN (SELECT id FROM beliefs WHERE at < ?1 ORDER BY id LIMIT ?2)";
    db.execute(old, [before, CLEAN_MAX])?;
    let many = "DELETE FROM beliefs WHERE id <= (SELECT max(id) - ?1 FROM beliefs) AND id < (SELECT min(id) + ?2 FROM beliefs)";
    db.execute(many, [KEPT_MAX, CLEAN_MAX]).map(drop)
}

/// What was believed when a call came, and what changed of that until it was over, oldest first; times are the call's, from `zero` on.
///
/// # Errors
/// The file cannot be read.
pub fn of(db: &Connection, call: &past::Call, zero: Time) -> Result<Vec<Believed>> {
    let ended = call.began.saturating_add(call.ended.unwrap_or(0));
    let mut then = db.prepare(
        "SELECT max(id), at, peer, transport, address, what, by FROM beliefs
         WHERE run = (SELECT run FROM calls WHERE id = ?1) AND at <= ?2 GROUP BY peer, transport, address, by IS NULL ORDER BY at, id",
    )?;
    let mut later = db.prepare(
        "SELECT id, at, peer, transport, address, what, by FROM beliefs
         WHERE run = (SELECT run FROM calls WHERE id = ?1) AND at > ?2 AND at <= ?3 ORDER BY at, id",
    )?;
    let read = |row: &Row<'_>| believed(row, call.began, zero);
    let mut found: Vec<Option<Believed>> =
        then.query_map([call.id, call.began], read)?.collect::<Result<_>>()?;
    found.extend(later.query_map([call.id, call.began, ended], read)?.collect::<Result<Vec<_>>>()?);
    Ok(found.into_iter().flatten().collect())
}

/// A row; `None` for one that a later version has written.
fn believed(row: &Row<'_>, began: i64, zero: Time) -> Result<Option<Believed>> {
    let text = |nth: usize| row.get::<_, String>(nth);
    let (transport, address, what) = (text(3)?, text(4)?, text(5)?);
    let by: Option<String> = row.get(6)?;
    let after = row.get::<_, i64>(1)?.saturating_sub(began);
    let peer: String = text(2)?;
    Ok(path(&transport, &address).zip(read(&what, by.as_deref())).map(|(path, what)| Believed {
        at: moment(zero, after),
        peer: peer.into(),
        path,
        what,
    }))
}

/// The path of a row; by which listener is not kept.
pub(super) fn path(transport: &str, address: &str) -> Option<Path> {
    let remote: SocketAddr = address.parse().ok()?;
    Some(Path { transport: Transport::named(transport.as_bytes())?, local: 0, remote })
}

/// So many microseconds after, or before.
pub(super) fn moment(zero: Time, after: i64) -> Time {
    let zero = i64::try_from(zero.as_micros()).unwrap_or(i64::MAX);
    Time::from_micros(u64::try_from(zero.saturating_add(after)).unwrap_or(0))
}

/// As it stands in a row.
const fn written(what: Recalled) -> (&'static str, Option<&'static str>) {
    match what {
        Recalled::Standing { to, by, away } => {
            let to = match to {
                Standing::Down if away => "away",
                Standing::Up => "up",
                Standing::Probation => "probation",
                Standing::Unknown => "unknown",
                Standing::Suspect => "suspect",
                Standing::Down => "down",
            };
            let by = match by {
                Source::Probe => "probe",
                Source::Call => "call",
            };
            (to, Some(by))
        }
        Recalled::Side(Some(Side::Full)) => ("full", None),
        Recalled::Side(Some(Side::Refused)) => ("refused", None),
        Recalled::Side(Some(Side::Out)) => ("out", None),
        Recalled::Side(None) => ("nothing", None),
    }
}

fn read(what: &str, by: Option<&str>) -> Option<Recalled> {
    use Standing::{Down, Probation, Suspect, Unknown, Up};
    let standings =
        [(Up, false), (Probation, false), (Unknown, false), (Suspect, false), (Down, false), (Down, true)];
    let by_whom = [Source::Probe, Source::Call];
    let standings =
        standings.into_iter().flat_map(|(to, away)| by_whom.map(|by| Recalled::Standing { to, by, away }));
    let sides = [None, Some(Side::Full), Some(Side::Refused), Some(Side::Out)].map(Recalled::Side);
    standings.chain(sides).find(|it| written(*it) == (what, by))
}

const CLEAN_MAX: i64 = 10_000; // In one transaction: some milliseconds.
const KEPT_MAX: i64 = 500_000; // Some fifty megabytes: years of a business, weeks of a path that flaps all day.

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_what_nobody_knows_is_passed_by() {
        let words = ["up", "probation", "unknown", "suspect", "down", "away"];
        let rows = words.iter().flat_map(|what| ["probe", "call"].map(|by| (*what, Some(by))));
        for (what, by) in rows.chain(["full", "refused", "out", "nothing"].map(|what| (what, None))) {
            assert_eq!(written(read(what, by).unwrap()), (what, by));
        }
        assert_eq!([read("up", None), read("full", Some("call")), read("wobbly", Some("probe"))], [None; 3]);
    }
}
