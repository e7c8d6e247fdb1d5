//! What the tables are, by number: each step brings a file from the one before to the next, and is never changed once it
//! was released.

use super::fault::{Fault, StoreError};
use super::{beliefs, history, outbox};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// The steps, first one first. A new one is added at the end, and what it makes belongs to a file of its own.
const STEPS: &[&str] = &[
    history::TABLES,
    outbox::TABLES,
    history::ASKED,
    history::REFUSED,
    beliefs::TABLES,
    history::HUNG_UP,
    history::FILES,
];

/// Brings a file up to date.
pub(super) fn migrate(db: &mut Connection, file: &Path) -> Result<(), Fault> {
    let found = version(db).map_err(|error| Fault::of(&error))?;
    let Some(missing) = STEPS.get(found..) else { return Err(Fault::Gone(newer(file, found))) };
    for (step, number) in missing.iter().zip(found + 1..) {
        advance(db, step, number).map_err(|error| Fault::of(&error))?;
    }
    Ok(())
}

/// Says why a file cannot be read as it is.
pub(super) fn check(db: &Connection, file: &Path) -> Result<(), StoreError> {
    let found = version(db).map_err(|error| StoreError::Unusable(error.to_string()))?;
    match found.cmp(&STEPS.len()) {
        core::cmp::Ordering::Less => Err(StoreError::Older { file: file.to_owned() }),
        core::cmp::Ordering::Equal => Ok(()),
        core::cmp::Ordering::Greater => Err(newer(file, found)),
    }
}

fn newer(file: &Path, found: usize) -> StoreError {
    StoreError::Newer { file: file.to_owned(), found, known: STEPS.len() }
}

fn version(db: &Connection) -> rusqlite::Result<usize> {
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Nobody writes a negative one; were it there, it would be nothing that we know.
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// All of a step or nothing.
fn advance(db: &mut Connection, step: &str, number: usize) -> rusqlite::Result<()> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(step)?;
    change.pragma_update(None, "user_version", number)?;
    change.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_gets_all_steps_and_a_second_time_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        let file = Path::new("tandem.db");
        assert_eq!(check(&db, file), Err(StoreError::Older { file: file.into() }));
        migrate(&mut db, file).unwrap();
        migrate(&mut db, file).unwrap();
        assert_eq!(version(&db).unwrap(), STEPS.len());
        assert_eq!(check(&db, file), Ok(()));
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let mut db = Connection::open_in_memory().unwrap();
        db.pragma_update(None, "user_version", 1_000).unwrap();
        let refused = migrate(&mut db, Path::new("tandem.db")).unwrap_err();
        let known = STEPS.len();
        assert_eq!(
            refused.error().to_string(),
            format!(
                "tandem.db was written by a newer version (schema 1000, this one knows {known}); use that version, or move the \
                 file away"
            )
        );
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        advance(&mut db, "CREATE TABLE a (b); CREATE TABLE a (b)", 1).unwrap_err();
        assert_eq!(version(&db).unwrap(), 0);
        advance(&mut db, "CREATE TABLE a (b)", 1).unwrap();
    }
}
