//! WAV files that the plan file names, read and coded for those who play them.

use crate::config::reader::Problems;
use agent::wav;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Reads the file that is named at this byte; it lies beside the file that names it, if it is no whole path.
///
/// # Errors
/// Where it was looked for, and why it cannot be played.
pub(super) fn read(
    written: &str,
    at: usize,
    problems: &Problems<'_>,
) -> Result<Arc<[u8]>, (PathBuf, String)> {
    let path = problems.source.beside(at, written);
    let mut file = Vec::new();
    let read = File::open(&path).and_then(|opened| opened.take(FILE_MAX).read_to_end(&mut file));
    let fault = match (read, wav::read(&file)) {
        (Ok(_), Ok(sound)) => return Ok(sound.into()),
        (Ok(_), Err(fault)) => format!("it {fault}"),
        (Err(error), _) => error.to_string(),
    };
    Err((path, fault))
}

/// Five minutes of stereo at 48 kHz, and more than anybody listens to.
const FILE_MAX: u64 = 64 << 20;
