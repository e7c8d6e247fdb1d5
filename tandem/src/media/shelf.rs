//! Where messages go: from the agents, who know a call, to the spool, which knows a message.

use super::Shelf;
use crate::clock::Clock;
use crate::delivery::Post;
use crate::messages::id::MessageId;
use crate::messages::manifest::{End, Manifest, Why};
use crate::messages::room::Used;
use agent::g711::Law;
use agent::guide::Room;
use agent::house::{About, CallKey, Output, Take};
use agent::line::Clip;
use agent::recording::{self, Message};
use agent::voicemail::{Notice, Pin};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The shelf of one node.
pub struct Shelves {
    post: Arc<Post>,
    clock: Clock,
    node: String,
    takes: BTreeMap<Take, Manifest>,
    greetings: Greetings,
    /// What takes longer than a packet may wait.
    slow: Sender<Slow>,
    checked: Receiver<(CallKey, bool)>,
}

/// What is done beside the sound, one after the other.
enum Slow {
    /// Whether a PIN has this hash.
    Check { call: CallKey, hash: Arc<str>, pin: Pin },
    /// A greeting goes to disk.
    Write { mailbox: Arc<str>, file: PathBuf, clip: Clip },
}

/// What owners of mailboxes have recorded as their greetings.
struct Greetings {
    folder: PathBuf,
    read: BTreeMap<String, Option<Clip>>,
}

impl Shelves {
    /// One that keeps under this folder of state.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn new(post: Arc<Post>, (clock, node): (Clock, String), data: &Path) -> io::Result<Self> {
        let greetings = Greetings { folder: data.join("greetings"), read: BTreeMap::new() };
        let (slow, works) = channel();
        let (checking, checked) = channel();
        let work = move || works.into_iter().for_each(|slow: Slow| slow.work(&checking));
        std::thread::Builder::new().name("shelf".into()).spawn(work)?;
        Ok(Self { post, clock, node, takes: BTreeMap::new(), greetings, slow, checked })
    }

    fn manifest(&self, about: &About, law: Law) -> Option<Manifest> {
        let at = self.clock.today();
        let id = MessageId::fresh(at.as_second())
            .map_err(|error| tracing::error!("a message cannot be kept: {error}"))
            .ok()?;
        Some(Manifest {
            id,
            mailbox: about.mailbox.to_string(),
            number: about.number.clone(),
            caller: about.caller.clone(),
            name: about.name.clone(),
            why: why(&about.why),
            call_id: about.call_id.clone(),
            node: self.node.clone(),
            at,
            law: law.into(),
            millis: 0,
            lost_percent: 0.0,
            jitter_millis: 0.0,
            source_changes: 0,
            end: End::Unfinished,
            whole: true,
            urgent: false,
            sealed: false,
        })
    }

    fn begin(&mut self, take: Take, about: &About, law: Law) {
        let Some(head) = self.manifest(about, law) else { return };
        if self.post.spool().begin(head.clone()).is_err() {
            return tracing::error!("a message to {} is lost: the disk is too slow", about.mailbox);
        }
        self.takes.insert(take, head);
    }

    fn keep(&mut self, take: Take, segment: recording::Segment) {
        let Some(manifest) = self.takes.get_mut(&take) else { return };
        if self.post.spool().segment(&manifest.id, segment.number, segment.bytes).is_err() {
            manifest.whole = false;
            tracing::error!("five seconds of message {} are lost: the disk is too slow", manifest.id);
        }
    }

    fn finish(&mut self, take: Take, message: &Message) {
        let Some(manifest) = self.takes.remove(&take) else { return };
        let millis = |time: core::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let finished = Manifest {
            law: message.law.into(),
            millis: millis(message.length),
            lost_percent: f64::from(message.lost_permille) / 10.0,
            jitter_millis: message.jitter.as_secs_f64() * 1_000.0,
            source_changes: message.source_changes,
            end: end(message.end),
            ..manifest
        };
        self.tell(finished);
    }

    /// There is no message, but people are to know of the call.
    fn notice(&mut self, about: &About, notice: Notice) {
        tracing::info!("a call to mailbox {} left no message: {notice:?}", about.mailbox);
        let Some(head) = self.manifest(about, Law::Mu) else { return };
        if self.post.spool().begin(head.clone()).is_ok() {
            self.tell(Manifest { end: End::HungUp, ..head });
        }
    }

    fn tell(&self, manifest: Manifest) {
        let id = manifest.id.clone();
        if self.post.spool().finish(manifest).is_err() {
            tracing::error!("message {id} is told late: the disk is too slow");
        }
    }

    fn later(&self, slow: Slow) {
        if self.slow.send(slow).is_err() {
            tracing::error!("no PIN is checked and no greeting kept any more: that thread is gone");
        }
    }
}

impl Slow {
    fn work(self, checking: &Sender<(CallKey, bool)>) {
        match self {
            // A call that is over waits for nothing.
            Self::Check { call, hash, pin } => _ = checking.send((call, is_pin(&hash, pin.as_str()))),
            Self::Write { mailbox, file, clip } => {
                if let Err(error) = write(&file, &clip) {
                    let file = file.display();
                    tracing::error!("the greeting of {mailbox} holds until this node ends: {file}: {error}");
                }
            }
        }
    }
}

fn write(file: &Path, clip: &[u8]) -> io::Result<()> {
    let partly = file.with_extension("new");
    file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(&partly, clip)?;
    std::fs::rename(&partly, file)
}

impl Shelf for Shelves {
    fn take(&mut self, output: Output) {
        match output {
            Output::Begin(take, about, law) => self.begin(take, &about, law),
            Output::Keep(take, segment) => self.keep(take, segment),
            Output::Finish(take, message) => self.finish(take, &message),
            Output::Forget(take) => {
                if let Some(manifest) = self.takes.remove(&take)
                    && self.post.spool().forget(manifest.id.clone()).is_err()
                {
                    tracing::warn!("what is no message stays as {}: the disk is too slow", manifest.id);
                }
            }
            Output::Notice(about, notice) => self.notice(&about, notice),
            Output::Check(call, hash, pin) => self.later(Slow::Check { call, hash, pin }),
            Output::Greeting(mailbox, clip) => {
                let file = self.greetings.keep(&mailbox, clip.clone());
                self.later(Slow::Write { mailbox, file, clip });
            }
            Output::Sip { .. }
            | Output::Open(_)
            | Output::Close(_)
            | Output::Rtp { .. }
            | Output::Report { .. } => {}
        }
    }

    fn room(&mut self, mailbox: &str) -> Option<Room> {
        let (used, disk_free) = self.post.spool().room(mailbox)?;
        let greeting = self.greetings.of(mailbox);
        let Used { messages, bytes, new, heard } = used;
        Some(Room { messages, bytes, new, heard, disk_free, greeting })
    }

    fn checked(&mut self) -> Vec<(CallKey, bool)> {
        self.checked.try_iter().collect()
    }
}

impl Greetings {
    fn of(&mut self, mailbox: &str) -> Option<Clip> {
        let file = self.file(mailbox);
        let read = || std::fs::read(file).ok().map(Clip::from);
        self.read.entry(mailbox.to_owned()).or_insert_with(read).clone()
    }

    /// Holds from now on; says where it is to be kept.
    fn keep(&mut self, mailbox: &str, clip: Clip) -> PathBuf {
        self.read.insert(mailbox.to_owned(), Some(clip));
        self.file(mailbox)
    }

    /// A name in the plan may be no name for a file.
    fn file(&self, mailbox: &str) -> PathBuf {
        let plain = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            _ => format!("_{byte:02x}"),
        };
        self.folder.join(mailbox.bytes().map(plain).collect::<String>() + ".ul")
    }
}

fn is_pin(hash: &str, pin: &str) -> bool {
    use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(pin.as_bytes(), &hash).is_ok())
}

fn why(reason: &str) -> Why {
    match reason {
        "time-of-day" => Why::Closed,
        "no-answer" => Why::NoAnswer,
        "user-busy" => Why::Busy,
        "unavailable" => Why::Unreachable,
        _ => Why::Plan,
    }
}

const fn end(end: recording::End) -> End {
    match end {
        recording::End::HungUp => End::HungUp,
        recording::End::Key => End::Key,
        recording::End::Silence => End::Silence,
        recording::End::Longest => End::Longest,
        recording::End::NoSound => End::NoSound,
    }
}
