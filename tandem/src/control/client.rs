//! The other end of the socket: one request to the node that runs with a data folder.

use super::{Answer, Request, SOCKET};
use core::time::Duration;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Asks, and waits for the answer: as long as a plan of a million numbers takes.
///
/// # Errors
/// In words: nobody listens there, or this user may not ask, or what came is no answer.
pub fn ask(data: &Path, request: &Request) -> Result<Answer, String> {
    let path = data.join(SOCKET);
    let failed = |error: &io::Error| {
        if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) {
            format!("no node runs with the data folder {}", data.display())
        } else if error.kind() == ErrorKind::PermissionDenied {
            format!("only root and the user that runs the node may ask it: {} is not yours", path.display())
        } else {
            format!("the node does not answer: {error}")
        }
    };
    exchange(&path, request).map_err(|error| failed(&error))
}

fn exchange(path: &Path, request: &Request) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "it has closed the connection"));
    }
    Ok(serde_json::from_slice(&answer)?)
}

const PATIENCE: Duration = Duration::from_secs(120);
const ANSWER_MAX: u64 = 64 << 20;
