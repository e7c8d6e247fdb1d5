//! Small files that are replaced as a whole: whoever reads one finds the old text or the new one, also after the power was cut.

use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes a file of a folder, for its owner alone; it is on the disk when this returns.
///
/// # Errors
/// The disk does not take it; what was there before still is.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}{DRAFT}"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(name))?;
    flush(folder)
}

/// A name is on disk when its folder is.
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What a file of at most so many bytes says; `None` if it is not there.
///
/// # Errors
/// It cannot be read, or says something else.
pub(crate) fn json_of<T: DeserializeOwned>(path: &Path, most: u64) -> io::Result<Option<T>> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(most).read_to_end(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(serde_json::from_slice(&text)?))
}

/// What the name of a file ends in that was begun and is not whole.
pub(crate) const DRAFT: &str = ".draft";
const FILE_MODE: u32 = 0o600;
