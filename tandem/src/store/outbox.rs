//! What is on its way to people: one row for each message and recipient, kept until the message is gone.
//!
//! A row is worked on by one thread. What stands in it was so when it was written: a letter that left a moment before the node
//! died is due once more, and bears the same name then.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeSet;

/// One recipient of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The message.
    pub message: String,
    /// The mailbox that it is in.
    pub mailbox: String,
    /// `mailto:name@domain`, or the URL of a webhook.
    pub recipient: String,
    /// How far it has come.
    pub state: State,
    /// How often it was tried.
    pub tries: u32,
    /// When it is to be tried next, in seconds since 1970.
    pub due: i64,
    /// Since when it is on its way.
    pub since: i64,
    /// What was said to the last try, word for word; empty before the first.
    pub answer: String,
}

/// How far a letter has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It will be tried, again perhaps.
    Due,
    /// The other side has it.
    Sent,
    /// It was refused for good, or for days: somebody has to look.
    Dead,
}

/// How letters travel: who is slow by one way holds up nobody by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By mail.
    Mail,
    /// By HTTP.
    Webhook,
}

/// Letters that have not arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// That are due.
    pub due: u64,
    /// That are dead.
    pub dead: u64,
}

/// What people did with a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// Who has it in hand, and since when.
    pub claimed: Option<(String, i64)>,
    /// Who has deleted it, and when: it can be brought back while it is on disk.
    pub deleted: Option<(String, i64)>,
    /// When it went off the disk, and why.
    pub gone: Option<(String, i64)>,
}

/// Gives a message to its recipients. Who is known already is left as he is.
///
/// # Errors
/// Those of SQLite, here and below.
pub fn enqueue(
    db: &Connection,
    message: &str,
    mailbox: &str,
    recipients: &[String],
    now: i64,
) -> rusqlite::Result<()> {
    let mut add = db.prepare(
        "INSERT OR IGNORE INTO outbox (message, recipient, mailbox, state, tries, due, since, answer) \
         VALUES (?1, ?2, ?3, 'due', 0, ?4, ?4, '')",
    )?;
    for recipient in recipients {
        add.execute(params![message, recipient, mailbox, now])?;
    }
    Ok(())
}

/// Letters that are due by one way, longest first.
///
/// # Errors
/// As [`enqueue`].
pub fn due(db: &Connection, by: Way, now: i64, most: usize) -> rusqlite::Result<Vec<Letter>> {
    let mut find = db.prepare(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state = 'due' AND due <= ?1 AND (recipient LIKE 'mailto:%') = ?3 AND {WANTED} \
         ORDER BY due, message LIMIT ?2"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    find.query_map(params![now, most, by == Way::Mail], letter)?.collect()
}

/// When the next letter comes due after this time.
///
/// # Errors
/// As [`enqueue`].
pub fn next_due(db: &Connection, now: i64) -> rusqlite::Result<Option<i64>> {
    db.query_row("SELECT min(due) FROM outbox WHERE state = 'due' AND due > ?1", [now], |row| row.get(0))
}

/// Says what became of a try.
///
/// # Errors
/// As [`enqueue`].
pub fn tried(
    db: &Connection,
    message: &str,
    recipient: &str,
    state: State,
    due: i64,
    answer: &str,
) -> rusqlite::Result<()> {
    db.prepare(
        "UPDATE outbox SET state = ?3, tries = tries + 1, due = ?4, answer = ?5 WHERE message = ?1 AND recipient = ?2",
    )?
    .execute(params![message, recipient, state.as_str(), due, answer])
    .map(drop)
}

/// Takes a recipient off a message.
///
/// # Errors
/// As [`enqueue`].
pub fn withdraw(db: &Connection, message: &str, recipient: &str) -> rusqlite::Result<()> {
    db.execute("DELETE FROM outbox WHERE message = ?1 AND recipient = ?2", (message, recipient)).map(drop)
}

/// Makes the dead letters of a message due, and begins their time anew; gives how many they were.
///
/// # Errors
/// As [`enqueue`].
pub fn retry(db: &Connection, message: &str, now: i64) -> rusqlite::Result<usize> {
    db.execute(
        "UPDATE outbox SET state = 'due', tries = 0, due = ?2, since = ?2 WHERE message = ?1 AND state = 'dead'",
        (message, now),
    )
}

/// How many letters have not arrived.
///
/// # Errors
/// As [`enqueue`].
pub fn tally(db: &Connection) -> rusqlite::Result<Tally> {
    let count = |state: State| -> rusqlite::Result<u64> {
        let count = format!("SELECT count(*) FROM outbox WHERE state = ?1 AND {WANTED}");
        let found: i64 = db.query_row(&count, [state.as_str()], |row| row.get(0))?;
        Ok(u64::try_from(found).unwrap_or(0))
    };
    Ok(Tally { due: count(State::Due)?, dead: count(State::Dead)? })
}

/// All letters of a message, or of all messages.
///
/// # Errors
/// As [`enqueue`].
pub fn letters(db: &Connection, message: Option<&str>) -> rusqlite::Result<Vec<Letter>> {
    let mut find = db.prepare(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE ?1 IS NULL OR message = ?1 ORDER BY message, recipient"
    ))?;
    find.query_map([message], letter)?.collect()
}

/// Messages that somebody has not got who should have.
///
/// # Errors
/// As [`enqueue`].
pub fn undelivered(db: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut find = db.prepare("SELECT DISTINCT message FROM outbox WHERE state <> 'sent'")?;
    find.query_map((), |row| row.get(0))?.collect()
}

/// A number that is another one once somebody else has written into the store (`PRAGMA data_version`).
///
/// # Errors
/// As [`enqueue`].
pub fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Messages that were deleted by hand, with the time of that; they may be on disk.
///
/// # Errors
/// As [`enqueue`].
pub fn deleted(db: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut find = db.prepare(
        "SELECT message, deleted_at FROM handled WHERE deleted_at IS NOT NULL AND gone_at IS NULL",
    )?;
    find.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// What people did with a message.
///
/// # Errors
/// As [`enqueue`].
pub fn handled(db: &Connection, message: &str) -> rusqlite::Result<Handled> {
    let pair = |who: Option<String>, when: Option<i64>| who.zip(when);
    let find = db.query_row(
        "SELECT claimed_by, claimed_at, deleted_by, deleted_at, gone_why, gone_at FROM handled WHERE message = ?1",
        [message],
        |row| {
            Ok(Handled {
                claimed: pair(row.get(0)?, row.get(1)?),
                deleted: pair(row.get(2)?, row.get(3)?),
                gone: pair(row.get(4)?, row.get(5)?),
            })
        },
    );
    find.optional().map(Option::unwrap_or_default)
}

/// Says who has a message in hand. Who had it before has not any more.
///
/// # Errors
/// As [`enqueue`].
pub fn claim(db: &Connection, message: &str, by: &str, now: i64) -> rusqlite::Result<()> {
    handle(db, message)?;
    db.execute("UPDATE handled SET claimed_by = ?2, claimed_at = ?3 WHERE message = ?1", (message, by, now))
        .map(drop)
}

/// Deletes a message, or brings it back.
///
/// # Errors
/// As [`enqueue`].
pub fn delete(db: &Connection, message: &str, by: Option<(&str, i64)>) -> rusqlite::Result<()> {
    handle(db, message)?;
    let (who, when) = by.unzip();
    db.execute("UPDATE handled SET deleted_by = ?2, deleted_at = ?3 WHERE message = ?1", (message, who, when))
        .map(drop)
}

/// Says that a message goes off the disk, and why; nobody gets it any more. That it was here is kept.
///
/// # Errors
/// As [`enqueue`].
pub fn gone(db: &Connection, message: &str, why: &str, now: i64) -> rusqlite::Result<()> {
    handle(db, message)?;
    db.execute("UPDATE handled SET gone_why = ?2, gone_at = ?3 WHERE message = ?1", (message, why, now))?;
    db.execute("DELETE FROM outbox WHERE message = ?1", [message]).map(drop)
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// What these functions need.
pub(crate) const TABLES: &str = "
CREATE TABLE outbox (
    message   TEXT NOT NULL,
    recipient TEXT NOT NULL,
    mailbox   TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('due', 'sent', 'dead')),
    tries     INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    answer    TEXT NOT NULL,
    PRIMARY KEY (message, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due) WHERE state = 'due';
CREATE TABLE handled (
    message    TEXT NOT NULL PRIMARY KEY,
    claimed_by TEXT,
    claimed_at INTEGER,
    deleted_by TEXT,
    deleted_at INTEGER,
    gone_why   TEXT,
    gone_at    INTEGER
) STRICT, WITHOUT ROWID;
";

/// What was deleted by hand goes to nobody.
const WANTED: &str =
    "NOT EXISTS (SELECT 1 FROM handled WHERE handled.message = outbox.message AND deleted_at IS NOT NULL)";

const COLUMNS: &str = "message, mailbox, recipient, state, tries, due, since, answer";

fn handle(db: &Connection, message: &str) -> rusqlite::Result<()> {
    db.execute("INSERT OR IGNORE INTO handled (message) VALUES (?1)", [message]).map(drop)
}

fn letter(row: &Row<'_>) -> rusqlite::Result<Letter> {
    let state: String = row.get(3)?;
    let state = match state.as_str() {
        "sent" => State::Sent,
        "dead" => State::Dead,
        // The table allows nothing else.
        _ => State::Due,
    };
    Ok(Letter {
        message: row.get(0)?,
        mailbox: row.get(1)?,
        recipient: row.get(2)?,
        state,
        tries: row.get(4)?,
        due: row.get(5)?,
        since: row.get(6)?,
        answer: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn db() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLES).unwrap();
        db
    }

    fn to(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| format!("mailto:{name}")).collect()
    }

    /// Each letter as a line: message, recipient, state, tries, due, answer.
    fn lines(db: &Connection) -> Vec<String> {
        let line = |letter: Letter| {
            let Letter { message, recipient, state, tries, due, answer, .. } = letter;
            format!("{message} {recipient} {} {tries} {due} {answer}", state.as_str()).trim().to_owned()
        };
        letters(db, None).unwrap().into_iter().map(line).collect()
    }

    #[test]
    fn a_letter_is_due_until_it_is_sent_and_a_dead_one_until_somebody_has_looked() {
        let db = db();
        enqueue(&db, "a", "inbox", &to(&["ana", "ben"]), 100).unwrap();
        enqueue(&db, "b", "inbox", &to(&["ana"]), 50).unwrap();
        let found = |now| {
            due(&db, Way::Mail, now, 2).unwrap().into_iter().map(|letter| letter.message).collect::<Vec<_>>()
        };
        assert_eq!(
            [found(49), found(50), found(100)],
            [vec![], vec!["b".to_owned()], vec!["b".into(), "a".into()]]
        );
        enqueue(&db, "c", "inbox", &["https://crm".to_owned()], 0).unwrap();
        assert_eq!(due(&db, Way::Webhook, 100, 9).unwrap()[0].message, "c");
        withdraw(&db, "c", "https://crm").unwrap();
        assert_eq!(due(&db, Way::Webhook, 100, 9).unwrap(), []);
        tried(&db, "b", "mailto:ana", State::Due, 60, "450 busy").unwrap();
        tried(&db, "a", "mailto:ana", State::Sent, 100, "250 ok").unwrap();
        tried(&db, "a", "mailto:ben", State::Dead, 100, "550 nobody here").unwrap();
        let kept = [
            "a mailto:ana sent 1 100 250 ok",
            "a mailto:ben dead 1 100 550 nobody here",
            "b mailto:ana due 1 60 450 busy",
        ];
        assert_eq!(lines(&db), kept);
        // Who has it does not get it again.
        enqueue(&db, "a", "inbox", &to(&["ana", "ben"]), 200).unwrap();
        assert_eq!(lines(&db), kept);
        assert_eq!(tally(&db).unwrap(), Tally { due: 1, dead: 1 });
        assert_eq!([next_due(&db, 59).unwrap(), next_due(&db, 60).unwrap()], [Some(60), None]);
        assert_eq!(undelivered(&db).unwrap(), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!((retry(&db, "a", 300).unwrap(), retry(&db, "b", 300).unwrap()), (1, 0));
        assert_eq!(lines(&db)[1], "a mailto:ben due 0 300 550 nobody here");
    }

    #[test]
    fn what_people_did_is_kept_when_the_message_is_gone() {
        let db = db();
        enqueue(&db, "a", "inbox", &to(&["ana"]), 1).unwrap();
        assert_eq!(handled(&db, "a").unwrap(), Handled::default());
        claim(&db, "a", "ben", 2).unwrap();
        claim(&db, "a", "ana", 3).unwrap();
        assert_eq!(due(&db, Way::Mail, 9, 9).unwrap().len(), 1);
        delete(&db, "a", Some(("ana", 4))).unwrap();
        assert_eq!((due(&db, Way::Mail, 9, 9).unwrap(), tally(&db).unwrap()), (vec![], Tally::default()));
        assert_eq!(deleted(&db).unwrap(), [("a".to_owned(), 4)]);
        delete(&db, "a", None).unwrap();
        assert_eq!(deleted(&db).unwrap(), []);
        delete(&db, "a", Some(("ana", 5))).unwrap();
        gone(&db, "a", "deleted", 6).unwrap();
        let expected = Handled {
            claimed: Some(("ana".into(), 3)),
            deleted: Some(("ana".into(), 5)),
            gone: Some(("deleted".into(), 6)),
        };
        assert_eq!(handled(&db, "a").unwrap(), expected);
        assert_eq!((lines(&db), deleted(&db).unwrap()), (vec![], vec![]));
    }
}
