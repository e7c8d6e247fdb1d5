//! The file: how it is opened, and what becomes of one that is broken.

use super::fault::{Fault, StoreError};
use super::schema;
use core::time::Duration;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Its name in the data folder.
pub const FILE: &str = "tandem.db";

/// A file that is open for writing.
#[derive(Debug)]
pub(super) struct File {
    pub(super) db: Connection,
    path: PathBuf,
    /// Device and number: another file of this name is another file.
    place: (u64, u64),
}

impl File {
    /// Opens the file, makes it if it is not there, brings it up to date.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let unusable = |error: io::Error| {
            Fault::Gone(StoreError::Unusable(format!("cannot use {}: {error}", path.display())))
        };
        // SQLite would make it for all to read; its journals take over the mode.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(path)
            .map_err(unusable)?;
        let mut db = connect(path).map_err(|error| Fault::of(&error))?;
        schema::migrate(&mut db, path)?;
        let place = place(path).map_err(unusable)?;
        Ok(Self { db, path: path.to_owned(), place })
    }

    /// Is the file that was opened still the one of this name?
    pub(super) fn is_there(&self) -> bool {
        place(&self.path).is_ok_and(|place| place == self.place)
    }
}

/// Moves a broken file out of the way, with its journals, and says where it is now.
pub(super) fn move_aside(path: &Path, unix: i64) -> io::Result<PathBuf> {
    let aside = |suffix: &str| PathBuf::from(format!("{}.corrupt-{unix}{suffix}", path.display()));
    for suffix in ["-wal", "-shm"] {
        let journal = PathBuf::from(format!("{}{suffix}", path.display()));
        match fs::rename(journal, aside(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => (),
        }
    }
    fs::rename(path, aside(""))?;
    Ok(aside(""))
}

/// Opens the file of a data folder for reading, beside the node that writes it.
///
/// # Errors
/// It is not there, of another version, or cannot be read.
pub fn read(data: &Path) -> Result<Connection, StoreError> {
    let file = data.join(FILE);
    if !file.exists() {
        return Err(StoreError::Missing { file });
    }
    let unusable =
        |error: rusqlite::Error| StoreError::Unusable(format!("cannot read {}: {error}", file.display()));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&file, flags).map_err(unusable)?;
    db.busy_timeout(READER_PATIENCE).map_err(unusable)?;
    schema::check(&db, &file).map(|()| db)
}

/// Changes the file of a data folder by hand, beside the node that writes it: all of `work` or nothing, on the disk.
///
/// # Errors
/// As [`read`], and if the node does not let go of the file for seconds.
pub fn change<T>(
    data: &Path,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    drop(read(data)?);
    let file = data.join(FILE);
    let unusable =
        |error: rusqlite::Error| StoreError::Unusable(format!("cannot change {}: {error}", file.display()));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(&file, flags).map_err(unusable)?;
    db.busy_timeout(READER_PATIENCE).map_err(unusable)?;
    durably(&mut db, work).map_err(unusable)
}

/// Does `work` in one transaction that is on the disk when this returns.
pub(super) fn durably<T>(
    db: &mut Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.pragma_update(None, "synchronous", "FULL")?;
    let done = in_one(db, work);
    db.pragma_update(None, "synchronous", "NORMAL")?;
    done
}

/// Does `work` in one transaction: all of it or nothing.
pub(super) fn in_one<T>(
    db: &mut Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&change)?;
    change.commit()?;
    Ok(done)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(WRITER_PATIENCE)?;
    // Readers do not hold up the writer, nor it them. On a file system that cannot, the journal stays another.
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update_and_check(None, "journal_size_limit", JOURNAL_MAX, |_| Ok(()))?;
    Ok(db)
}

fn place(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

const MODE: u32 = 0o600; // It holds numbers of people.
const JOURNAL_MAX: i64 = 16 << 20; // What is left of the journal once it was written back, in bytes.
const WRITER_PATIENCE: Duration = Duration::from_millis(500); // Who asks for a message to be kept waits meanwhile.
const READER_PATIENCE: Duration = Duration::from_secs(5);
