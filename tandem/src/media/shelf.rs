//! Where messages go: from the agents, who know a call, to the spool, which knows a message.

use super::Shelf;
use crate::clock::Clock;
use crate::delivery::Post;
use crate::messages::id::MessageId;
use crate::messages::manifest::{End, Manifest, Why};
use agent::guide::{Guide, Room};
use agent::house::{About, CallKey, Output, Take};
use agent::line::Clip;
use agent::recording::{self, Message};
use agent::voicemail::Notice;
use std::collections::BTreeMap;
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
    /// The PINs of the plan in force.
    guide: Arc<Guide>,
    checking: Sender<(CallKey, bool)>,
    checked: Receiver<(CallKey, bool)>,
}

/// What owners of mailboxes have recorded as their greetings.
struct Greetings {
    folder: PathBuf,
    read: BTreeMap<String, Option<Clip>>,
}

impl Shelves {
    /// One that keeps under this folder of state.
    #[must_use]
    pub fn new(post: Arc<Post>, guide: Arc<Guide>, (clock, node): (Clock, String), data: &Path) -> Self {
        let greetings = Greetings { folder: data.join("greetings"), read: BTreeMap::new() };
        let (checking, checked) = channel();
        Self { post, clock, node, takes: BTreeMap::new(), greetings, guide, checking, checked }
    }

    fn manifest(&self, about: &About) -> Option<Manifest> {
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
            law: about.law.into(),
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

    fn begin(&mut self, take: Take, about: &About) {
        let Some(head) = self.manifest(about) else { return };
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
        let Some(head) = self.manifest(about) else { return };
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

    /// A PIN is checked beside the sound: that takes longer than a packet may wait.
    fn check(&self, call: CallKey, mailbox: &str, pin: String) {
        let hash = self.guide.mailboxes.get(mailbox).and_then(|mailbox| mailbox.pin.clone());
        let sender = self.checking.clone();
        let work = move || {
            let is_right = hash.is_some_and(|hash| is_pin(&hash, &pin));
            // A call that is over waits for nothing.
            let _ = sender.send((call, is_right));
        };
        if let Err(error) = std::thread::Builder::new().name("pin".into()).spawn(work) {
            tracing::error!("a PIN cannot be checked: {error}");
            let _ = self.checking.send((call, false));
        }
    }
}

impl Shelf for Shelves {
    fn take(&mut self, output: Output) {
        match output {
            Output::Begin(take, about) => self.begin(take, &about),
            Output::Keep(take, segment) => self.keep(take, segment),
            Output::Finish(take, _, message) => self.finish(take, &message),
            Output::Forget(take) => {
                if let Some(manifest) = self.takes.remove(&take)
                    && self.post.spool().forget(manifest.id.clone()).is_err()
                {
                    tracing::warn!("what is no message stays as {}: the disk is too slow", manifest.id);
                }
            }
            Output::Notice(about, notice) => self.notice(&about, notice),
            Output::Check(call, mailbox, pin) => self.check(call, &mailbox, pin.as_str().to_owned()),
            Output::Greeting(mailbox, clip) => self.greetings.keep(&mailbox, clip),
            Output::Sip { .. } | Output::Open(_) | Output::Close(_) | Output::Rtp { .. } => {}
        }
    }

    fn room(&mut self, mailbox: &str) -> Option<Room> {
        let (used, disk_free) = self.post.spool().room(mailbox)?;
        let greeting = self.greetings.of(mailbox);
        Some(Room { messages: used.messages, bytes: used.bytes, disk_free, greeting })
    }

    fn checked(&mut self) -> Vec<(CallKey, bool)> {
        self.checked.try_iter().collect()
    }

    fn apply(&mut self, guide: Arc<Guide>) {
        self.guide = guide;
    }
}

impl Greetings {
    fn of(&mut self, mailbox: &str) -> Option<Clip> {
        let file = self.file(mailbox);
        let read = || std::fs::read(file).ok().map(Clip::from);
        self.read.entry(mailbox.to_owned()).or_insert_with(read).clone()
    }

    fn keep(&mut self, mailbox: &str, clip: Clip) {
        let file = self.file(mailbox);
        let partly = file.with_extension("new");
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::write(&partly, &*clip))
            .and_then(|()| std::fs::rename(&partly, &file));
        if let Err(error) = written {
            tracing::error!(
                "the greeting of {mailbox} holds until this node ends: {}: {error}",
                file.display()
            );
        }
        self.read.insert(mailbox.to_owned(), Some(clip));
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
