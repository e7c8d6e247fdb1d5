//! The seal key in the data directory, and chance from the operating system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The key of the cluster's seals, as it was found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub bytes: [u8; 16],
    /// Where it is kept: 32 hexadecimal digits and a line end, readable by its owner alone.
    pub file: PathBuf,
    /// May others than the owner read the file? Worth a warning: who has the key can forge seals.
    pub exposed: bool,
}

/// Why there is no key.
#[derive(Debug)]
pub enum KeyError {
    /// The directory or the file in it cannot be made, written or read.
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The file is there and holds something else. It is left alone: calls under way carry seals of the old key.
    Malformed {
        /// Which.
        path: PathBuf,
    },
}

impl core::fmt::Display for KeyError {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Io { path, error } => {
                write!(
                    out,
                    "cannot use {}: {error}; set `data` in [node] to a directory that this user may write",
                    path.display()
                )
            }
            Self::Malformed { path } => {
                write!(
                    out,
                    "{} is not a key of 32 hexadecimal digits; restore it, or delete it to get a new one (calls under way then lose their way)",
                    path.display()
                )
            }
        }
    }
}

/// Reads the key from the data directory, or makes directory and key at the first run.
///
/// # Errors
/// See [`KeyError`]: the node does not start.
pub fn load_or_make(data: &Path) -> Result<Key, KeyError> {
    let at = |path: &Path, error| KeyError::Io { path: path.to_path_buf(), error };
    fs::create_dir_all(data).map_err(|error| at(data, error))?;
    let file = data.join(FILE);
    match make(data, &file) {
        Ok(()) => (),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
        Err(error) => return Err(at(&file, error)),
    }
    load(&file)
}

/// Reads the key that is there, and makes nothing.
///
/// # Errors
/// See [`KeyError`]; of kind [`NotFound`](io::ErrorKind::NotFound) if there is none.
pub fn find(data: &Path) -> Result<Key, KeyError> {
    load(&data.join(FILE))
}

fn load(file: &Path) -> Result<Key, KeyError> {
    let at = |path: &Path, error| KeyError::Io { path: path.to_path_buf(), error };
    let file = file.to_path_buf();
    let text = fs::read_to_string(&file).map_err(|error| at(&file, error))?;
    let Some(bytes) = from_hex(text.trim()) else { return Err(KeyError::Malformed { path: file }) };
    let mode = fs::metadata(&file).map_err(|error| at(&file, error))?.permissions().mode();
    Ok(Key { bytes, file, exposed: mode & 0o077 != 0 })
}

/// Eight bytes of chance: the seed of one run.
///
/// # Errors
/// The operating system has no `/dev/urandom`; the node does not start.
pub fn seed() -> io::Result<u64> {
    chance().map(u64::from_ne_bytes)
}

const FILE: &str = "seal.key";

/// Writes a new key under another name first, so that a crash or a full disk leaves no half of a key.
fn make(data: &Path, file: &Path) -> io::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let draft = data.join(format!("{FILE}.{}", std::process::id()));
    let made = write_new(&draft).and_then(|()| fs::hard_link(&draft, file));
    let _ = fs::remove_file(&draft);
    made
}

fn write_new(path: &Path) -> io::Result<()> {
    let key = u128::from_be_bytes(chance()?);
    let mut draft = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    draft.write_all(format!("{key:032x}\n").as_bytes())?;
    draft.sync_all()
}

/// Bytes of chance from the operating system.
pub(crate) fn chance<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn from_hex(text: &str) -> Option<[u8; 16]> {
    let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = plain.then(|| u128::from_str_radix(text, 16).ok())?;
    number.map(u128::to_be_bytes)
}
