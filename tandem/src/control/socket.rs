//! The socket: who connects says one request in one line and hears one answer in one line.

use super::desk::Asked;
use super::{Answer, REQUEST_MAX, Request, SOCKET};
use core::time::Duration;
use nix::unistd::geteuid;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// Listens, and removes what is left of the socket when it is dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
}

/// Binds the socket in the data folder, for its owner alone, and hands in what is asked for there. To be called inside the runtime.
///
/// # Errors
/// The folder takes no socket, or another node listens there.
pub fn listen(data: &Path) -> io::Result<(Socket, mpsc::Receiver<Asked>)> {
    let path = data.join(SOCKET);
    if std::os::unix::net::UnixStream::connect(&path).is_ok() {
        let why = "another node runs with this data folder";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    }
    // What a node left that was killed.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    let (sender, asks) = mpsc::channel(ASKS_MAX);
    tokio::spawn(accept(listener, sender));
    Ok((Socket { path }, asks))
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn accept(listener: UnixListener, sender: mpsc::Sender<Asked>) {
    let room = Arc::new(Semaphore::new(ASKS_MAX));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor is left: others need a moment to be done.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let sender = sender.clone();
        tokio::spawn(async move {
            // Who goes away in the middle is not told anything.
            let _ = serve(stream, sender).await;
            drop(place);
        });
    }
}

async fn serve(stream: UnixStream, sender: mpsc::Sender<Asked>) -> io::Result<()> {
    // Between binding the socket and closing it to others somebody may have come in.
    let uid = stream.peer_cred()?.uid();
    if uid != 0 && uid != geteuid().as_raw() {
        return Ok(());
    }
    let (input, mut output) = stream.into_split();
    let mut line = Vec::new();
    let most = u64::try_from(REQUEST_MAX).unwrap_or(u64::MAX);
    let mut input = BufReader::new(input.take(most));
    timeout(PATIENCE, input.read_until(b'\n', &mut line)).await??;
    let answer = match serde_json::from_slice::<Request>(&line) {
        Ok(mut request) => {
            if request.who.is_empty() {
                request.who = format!("user {uid}");
            }
            ask(request, &sender).await
        }
        Err(error) => Answer::refused(format!("this is no request: {error}")),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    timeout(PATIENCE, output.write_all(&text)).await??;
    output.shutdown().await
}

async fn ask(request: Request, sender: &mpsc::Sender<Asked>) -> Answer {
    let (answer, answered) = oneshot::channel();
    let ended = || Answer::refused("this node ends");
    if sender.send(Asked { request, answer }).await.is_err() {
        return ended();
    }
    answered.await.unwrap_or_else(|_| ended())
}

/// People who ask at once; more wait for these.
const ASKS_MAX: usize = 16;
/// For who says nothing, or does not listen.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
