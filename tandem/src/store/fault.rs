//! What keeps a store from being used, and whose fault it is.

use core::fmt;
use rusqlite::{Error, ErrorCode};
use std::path::PathBuf;

/// Why the store does not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The file is not there: no node has run here yet.
    Missing {
        /// Which.
        file: PathBuf,
    },
    /// A newer version has written it. It is left alone.
    Newer {
        /// Which.
        file: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest that this version knows.
        known: usize,
    },
    /// An older version has written it, and no node of this one has opened it yet.
    Older {
        /// Which.
        file: PathBuf,
    },
    /// It cannot be opened, read or written; in the words of SQLite or the operating system.
    Unusable(String),
    /// More waits for the thread than it may.
    Behind,
}

/// Whom a failure is to be told to.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The file holds something else than it should.
    Corrupt(StoreError),
    /// The store cannot be used for now: a full disk, a lock, a folder that is gone.
    Gone(StoreError),
    /// The store is well; what was asked for is not.
    Work(StoreError),
}

impl Fault {
    pub(super) fn of(error: &Error) -> Self {
        let why = StoreError::Unusable(error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(why),
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory,
            ) => Self::Gone(why),
            // A constraint, a type, a statement that is none.
            Some(_) | None => Self::Work(why),
        }
    }

    pub(super) const fn error(&self) -> &StoreError {
        match self {
            Self::Corrupt(why) | Self::Gone(why) | Self::Work(why) => why,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { file } => {
                write!(out, "there is no {}: no node has run with this folder", file.display())
            }
            Self::Newer { file, found, known } => write!(
                out,
                "{} was written by a newer version (schema {found}, this one knows {known}); use that version, or move the file away",
                file.display()
            ),
            Self::Older { file } => write!(
                out,
                "{} was written by an older version; start a node of this one to bring it up to date",
                file.display()
            ),
            Self::Unusable(why) => out.write_str(why),
            Self::Behind => out.write_str("the store is behind"),
        }
    }
}
