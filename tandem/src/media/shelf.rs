//! Where messages go: from the agents, who know a call, to the spool, which knows a message.

use super::Shelf;
use crate::clock::Clock;
use crate::delivery::Post;
use crate::messages::folder::{Folder, Stored};
use crate::messages::heard::{Heard, Standing};
use crate::messages::id::MessageId;
use crate::messages::manifest::{End, Manifest, Why};
use crate::messages::room::Used;
use crate::store::{Store, outbox};
use agent::g711::Law;
use agent::guide::Room;
use agent::house::{About, CallKey, Output, Take};
use agent::line::Clip;
use agent::recording::{self, Message};
use agent::voicemail::{Entry, Fetched, Notice, Pin, Told, Wish, mu_law};
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
    answers: Sender<(CallKey, Told)>,
    told: Receiver<(CallKey, Told)>,
}

/// What is done beside the sound, one after the other.
enum Slow {
    /// Whether a PIN has this hash.
    Check { call: CallKey, hash: Arc<str>, pin: Pin },
    /// A greeting goes to disk.
    Write { mailbox: Arc<str>, file: PathBuf, clip: Clip },
    /// The sound of a message is read.
    Fetch { call: CallKey, id: MessageId },
    /// A message is deleted, as by hand.
    Delete { id: MessageId, unix: i64 },
}

/// What that needs.
struct Desk {
    folder: Folder,
    store: Store,
    answers: Sender<(CallKey, Told)>,
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
    pub fn new(
        post: Arc<Post>,
        (clock, node): (Clock, String),
        (data, store): (&Path, Store),
    ) -> io::Result<Self> {
        let greetings = Greetings { folder: data.join("greetings"), read: BTreeMap::new() };
        let (slow, works) = channel();
        let (answers, told) = channel();
        let desk = Desk { folder: Folder::of(data), store, answers: answers.clone() };
        let work = move || works.into_iter().for_each(|slow: Slow| slow.work(&desk));
        std::thread::Builder::new().name("shelf".into()).spawn(work)?;
        Ok(Self { post, clock, node, takes: BTreeMap::new(), greetings, slow, answers, told })
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
            why: why(about),
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
            let end = match notice {
                Notice::Missed => End::HungUp,
                Notice::Full => End::Full,
                Notice::Fax => End::Fax,
            };
            self.tell(Manifest { end, ..head });
        }
    }

    fn tell(&self, manifest: Manifest) {
        let id = manifest.id.clone();
        if self.post.spool().finish(manifest).is_err() {
            tracing::error!("message {id} is told late: the disk is too slow");
        }
    }

    fn wish(&self, call: CallKey, mailbox: Arc<str>, wish: Wish) {
        let id = |name: &str| MessageId::try_from(name.to_owned());
        let (spool, answers) = (self.post.spool(), self.answers.clone());
        let done = match wish {
            Wish::List => spool.list(mailbox, move |found| {
                let entry = |(id, standing): (MessageId, Standing)| Entry {
                    name: id.as_str().into(),
                    is_new: standing == Standing::New,
                };
                // A call that is over waits for nothing.
                let _ = answers.send((call, Told::Listed(found.into_iter().map(entry).collect())));
            }),
            Wish::Fetch(name) => {
                if let Ok(id) = id(&name) {
                    self.later(Slow::Fetch { call, id });
                }
                Ok(())
            }
            Wish::Heard(name) => {
                let heard = Heard { by: BY_PHONE.into(), at: self.clock.today() };
                id(&name).map_or(Ok(()), |id| spool.mark_heard(id, Some(heard)))
            }
            Wish::Stays(name) => id(&name).map_or(Ok(()), |id| spool.mark_heard(id, None)),
            Wish::Delete(name) => id(&name).map_or(Ok(()), |id| {
                self.later(Slow::Delete { id: id.clone(), unix: self.clock.today().as_second() });
                spool.deleted(id)
            }),
        };
        if done.is_err() {
            tracing::error!("nobody keeps messages any more: an owner who calls is not obeyed");
        }
    }

    fn later(&self, slow: Slow) {
        if self.slow.send(slow).is_err() {
            tracing::error!("no PIN is checked and no greeting kept any more: that thread is gone");
        }
    }
}

impl Slow {
    fn work(self, desk: &Desk) {
        match self {
            // A call that is over waits for nothing.
            Self::Check { call, hash, pin } => {
                _ = desk.answers.send((call, Told::Checked(is_pin(&hash, pin.as_str()))));
            }
            Self::Fetch { call, id } => {
                _ = desk.answers.send((call, Told::Fetched(fetched(&desk.folder, &id))))
            }
            Self::Delete { id, unix } => {
                let message = id.to_string();
                let delete = move |db: &_| outbox::delete(db, &message, Some((BY_PHONE, unix)));
                if !matches!(desk.store.ask(delete).blocking_recv(), Ok(Ok(()))) {
                    tracing::error!(
                        "message {id} was deleted by phone, and is there again after the next start"
                    );
                }
            }
            Self::Write { mailbox, file, clip } => {
                if let Err(error) = write(&file, &clip) {
                    let file = file.display();
                    tracing::error!("the greeting of {mailbox} holds until this node ends: {file}: {error}");
                }
            }
        }
    }
}

/// A message as it is heard by phone.
fn fetched(folder: &Folder, id: &MessageId) -> Fetched {
    let read = || {
        let Some(Stored::Finished(manifest)) = folder.read(id)? else { return Ok(Fetched::Gone) };
        let caller = manifest.caller;
        if manifest.sealed {
            return Ok(Fetched::Sealed { caller });
        }
        let clip = mu_law(folder.sound(id, manifest.law)?, manifest.law.g711());
        Ok(Fetched::Sound { caller, clip })
    };
    read().unwrap_or_else(|error: io::Error| {
        tracing::error!("message {id} cannot be played by phone: {error}");
        Fetched::Gone
    })
}

/// Who hears and deletes by phone, for those who ask later.
const BY_PHONE: &str = "phone";

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
            Output::Wish(call, mailbox, wish) => self.wish(call, mailbox, wish),
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

    fn told(&mut self) -> Vec<(CallKey, Told)> {
        self.told.try_iter().collect()
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

fn why(about: &About) -> Why {
    match about.why.as_str() {
        "time-of-day" => Why::Closed,
        "no-answer" => Why::NoAnswer,
        "user-busy" => Why::Busy,
        "unavailable" => Why::Unreachable,
        _ if about.is_forwarded => Why::Forwarded,
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
