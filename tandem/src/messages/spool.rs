//! The way to the thread that keeps messages: nobody who hears a caller waits for a disk.

use super::folder::Folder;
use super::heard::{Heard, Standing};
use super::id::MessageId;
use super::keeper::{Finished, Keep, Keeper};
use super::lanes::Segment;
use super::manifest::Manifest;
use super::room::{Figures, Used};
use super::sealing::Seal;
use crate::clock::Clock;
use crate::config::{Attach, Mailboxes};
use agent::tape::SEGMENT;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use sip::Time;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};

/// The thread that keeps messages. What was handed in before this is dropped is still done.
///
/// In memory waits for the disk at most 64 MiB, and 120 kB for each message that has begun, of which there are
/// 4,096 at once: its end comes with its last two parts, and all callers may hang up in one moment.
#[derive(Debug)]
pub struct Spool {
    orders: Sender<Order>,
    waiting: Arc<Waiting>,
    figures: watch::Receiver<Option<Arc<Figures>>>,
    thread: JoinHandle<()>,
}

/// More waits for the disk than may, or nobody keeps messages any more: this was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind;

#[derive(Debug)]
enum Order {
    Begin(Box<Manifest>),
    Segment(Segment),
    Finish(Box<Manifest>),
    Forget(MessageId),
    Heard(MessageId, Option<Heard>),
    Deleted(MessageId),
    List(Arc<str>, Listed),
}

/// Takes what there is to be heard in a mailbox.
struct Listed(Box<dyn FnOnce(Found) + Send>);

/// Messages, and what they are to those who are to hear them.
pub type Found = Vec<(MessageId, Standing)>;

/// What waits for the disk.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// Messages that have begun, up to what their end has to wait for.
    open: AtomicUsize,
}

/// What the thread is told by others.
#[derive(Clone, Debug)]
pub struct Told {
    /// The mailboxes of the plan in force.
    pub mailboxes: watch::Receiver<Arc<Mailboxes>>,
    /// Messages that were deleted by hand, and count no more.
    pub deleted: watch::Receiver<Arc<BTreeSet<MessageId>>>,
}

impl Spool {
    /// Starts the thread, which first finishes what was left unfinished. Each message that is complete is told to
    /// `finished`, those that were found at the start first.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn start(
        folder: Folder,
        told: Told,
        finished: mpsc::Sender<Finished>,
        clock: Clock,
    ) -> io::Result<Self> {
        let (orders, received) = channel();
        let waiting = Arc::new(Waiting::default());
        let (sender, figures) = watch::channel(None);
        let keeping = Keeping {
            clock,
            told,
            finished,
            untold: Vec::new(),
            figures: sender,
            waiting: Arc::clone(&waiting),
        };
        let thread =
            std::thread::Builder::new().name("spool".into()).spawn(move || keeping.run(folder, &received))?;
        Ok(Self { orders, waiting, figures, thread })
    }

    /// What a mailbox holds, and the bytes that are free on the disk. `None`: nothing that is said now can be promised to be kept,
    /// since the disk is too slow, or has not been read yet.
    #[must_use]
    pub fn room(&self, mailbox: &str) -> Option<(Used, u64)> {
        let figures = self.figures.borrow().clone().filter(|_| self.waiting.has_room())?;
        Some((figures.used.get(mailbox).copied().unwrap_or_default(), figures.free))
    }

    /// Waits until it is known what the disk holds, at most so long.
    pub async fn ready(&self, patience: Duration) {
        let mut figures = self.figures.clone();
        let known = figures.wait_for(Option::is_some);
        // A mailbox of which nothing is known says so to who calls.
        let _ = tokio::time::timeout(patience, known).await;
    }

    /// Begins a message.
    ///
    /// # Errors
    /// It was not taken, and nothing more of it may be handed in.
    pub fn begin(&self, head: Manifest) -> Result<(), Behind> {
        if !self.waiting.has_room() {
            return Err(Behind);
        }
        self.waiting.open.fetch_add(1, Ordering::Relaxed);
        self.order(Order::Begin(Box::new(head)))
    }

    /// Keeps a segment of the sound of a message that has begun.
    ///
    /// # Errors
    /// It was not taken: the message is not whole.
    pub fn segment(&self, id: &MessageId, number: usize, sound: Vec<u8>) -> Result<(), Behind> {
        if !self.waiting.has_place_for(sound.len()) {
            return Err(Behind);
        }
        self.order(Order::Segment(Segment { id: id.clone(), number, sound }))
    }

    /// Ends a message that has begun. What promised to keep it has a place for its end.
    ///
    /// # Errors
    /// Nobody keeps messages any more: it will be ended as one that broke off, when the node starts again.
    pub fn finish(&self, manifest: Manifest) -> Result<(), Behind> {
        self.order(Order::Finish(Box::new(manifest)))
    }

    /// What has begun is no message.
    ///
    /// # Errors
    /// Nobody keeps messages any more: what is kept of it will be told as a message that broke off.
    pub fn forget(&self, id: MessageId) -> Result<(), Behind> {
        self.order(Order::Forget(id))
    }

    /// Marks who has heard a message that is complete; `None`: nobody has.
    ///
    /// # Errors
    /// Nobody keeps messages any more: it stays as it was.
    pub fn mark_heard(&self, id: MessageId, heard: Option<Heard>) -> Result<(), Behind> {
        self.order(Order::Heard(id, heard))
    }

    /// A message was deleted by hand: it counts no more.
    ///
    /// # Errors
    /// Nobody keeps messages any more.
    pub fn deleted(&self, id: MessageId) -> Result<(), Behind> {
        self.order(Order::Deleted(id))
    }

    /// Tells what there is to be heard in a mailbox, the newest first; the hundred newest of those that are new, and of those
    /// that were heard.
    ///
    /// # Errors
    /// Nobody keeps messages any more.
    pub fn list(&self, mailbox: Arc<str>, then: impl FnOnce(Found) + Send + 'static) -> Result<(), Behind> {
        self.order(Order::List(mailbox, Listed(Box::new(then))))
    }

    /// Ends the thread when it has done what it was told, and waits for that.
    pub fn end(self) {
        drop(self.orders);
        // A thread that panicked has said so.
        let _ = self.thread.join();
    }

    fn order(&self, order: Order) -> Result<(), Behind> {
        self.waiting.bytes.fetch_add(order.bytes(), Ordering::Relaxed);
        self.orders.send(order).map_err(|_| Behind)
    }
}

impl core::fmt::Debug for Listed {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Listed")
    }
}

impl Order {
    fn bytes(&self) -> usize {
        match self {
            Self::Begin(manifest) | Self::Finish(manifest) => manifest.bytes(),
            Self::Segment(segment) => segment.sound.len(),
            Self::Forget(_) | Self::Heard(..) | Self::Deleted(_) | Self::List(..) => 0,
        }
    }
}

impl Waiting {
    /// May a message begin?
    fn has_room(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) < BEGIN_MAX && self.open.load(Ordering::Relaxed) < OPEN_MAX
    }

    /// May a part of one that has begun come, of so many bytes?
    fn has_place_for(&self, bytes: usize) -> bool {
        let most = BACKLOG_MAX + self.open.load(Ordering::Relaxed) * END_MAX;
        self.bytes.load(Ordering::Relaxed) + bytes <= most
    }

    /// An order waits no more.
    fn on_taken(&self, order: &Order) {
        self.bytes.fetch_sub(order.bytes(), Ordering::Relaxed);
        match order {
            Order::Finish(_) | Order::Forget(_) => _ = self.open.fetch_sub(1, Ordering::Relaxed),
            Order::Begin(_) | Order::Segment(_) | Order::Heard(..) | Order::Deleted(_) | Order::List(..) => {}
        }
    }
}

/// What the thread has.
struct Keeping {
    clock: Clock,
    told: Told,
    finished: mpsc::Sender<Finished>,
    /// Complete, and not told yet.
    untold: Vec<Finished>,
    figures: watch::Sender<Option<Arc<Figures>>>,
    waiting: Arc<Waiting>,
}

impl Keeping {
    fn run(mut self, folder: Folder, orders: &Receiver<Order>) {
        let Some(mut keeper) = self.open(folder, orders) else { return };
        let mut next = Time::ZERO;
        loop {
            if self.clock.now() >= next {
                next = self.clock.now() + BEAT;
                self.untold.extend(keeper.finish_forgotten(self.clock.today()));
                self.look(&mut keeper);
            }
            self.tell();
            match orders.recv_timeout(BEAT) {
                Ok(order) => self.obey_all(&mut keeper, order, orders),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.tell(),
            }
        }
    }

    /// Opens the folder, again and again if that fails: a mailbox without a disk answers no call.
    fn open(&mut self, folder: Folder, orders: &Receiver<Order>) -> Option<Keeper> {
        let mut said = None;
        loop {
            match Keeper::open(folder.clone()) {
                Ok((keeper, complete)) => {
                    let as_found = |manifest| Finished { manifest, plain: None };
                    self.untold = complete.into_iter().map(as_found).collect();
                    return Some(keeper);
                }
                Err(error) => {
                    let now = self.clock.now();
                    if said.is_none_or(|at: Time| now >= at + SAY_EVERY) {
                        said = Some(now);
                        tracing::error!("no message can be kept, and mailboxes take no calls: {error}");
                    }
                }
            }
            match orders.recv_timeout(BEAT) {
                Ok(order) => self.waiting.on_taken(&order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Obeys an order and those behind it together, as far as their order does not matter.
    fn obey_all(&mut self, keeper: &mut Keeper, first: Order, orders: &Receiver<Order>) {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(order) = next {
            self.waiting.on_taken(&order);
            match order {
                Order::Begin(head) => {
                    let keep = self.keep(&head);
                    batch.begins.push((*head, keep));
                }
                Order::Segment(segment) => batch.put(segment),
                Order::Finish(manifest) => batch.ends.push(*manifest),
                Order::Forget(id) => {
                    self.work_off(keeper, core::mem::take(&mut batch));
                    keeper.forget(&id);
                }
                Order::Heard(id, heard) => {
                    self.work_off(keeper, core::mem::take(&mut batch));
                    keeper.mark_heard(&id, heard.as_ref());
                }
                Order::Deleted(id) => keeper.discount(&id),
                Order::List(mailbox, then) => {
                    self.work_off(keeper, core::mem::take(&mut batch));
                    then.0(keeper.list(&mailbox));
                }
            }
            next = if batch.len() < BATCH_MAX { orders.try_recv().ok() } else { None };
        }
        self.work_off(keeper, batch);
        self.publish(keeper.figures());
    }

    fn work_off(&mut self, keeper: &mut Keeper, Batch { begins, segments, ends }: Batch) {
        let now = self.clock.today();
        keeper.begin(begins, now);
        keeper.segments(&segments, now);
        self.untold.extend(keeper.finish(ends));
    }

    /// How the plan wants it to be kept.
    fn keep(&self, head: &Manifest) -> Keep {
        let mailboxes = self.told.mailboxes.borrow();
        let Some(mailbox) = mailboxes.by_name.get(head.mailbox.as_str()) else { return Keep::default() };
        // The keys were tried when the plan was read.
        let seal = Seal::of(&mailbox.encrypt_to).ok().flatten();
        Keep { seal, plain: mailbox.attach == Attach::Sound && !mailbox.emails.is_empty() }
    }

    /// Looks at what is on disk: others delete there.
    fn look(&self, keeper: &mut Keeper) {
        let deleted = Arc::clone(&self.told.deleted.borrow());
        let looked = keeper.look(|id| deleted.contains(id));
        self.publish(looked.and_then(|()| keeper.figures()));
    }

    fn publish(&self, figures: io::Result<Figures>) {
        let figures = figures.map_err(|error| tracing::error!("the disk of the messages is gone: {error}"));
        self.figures.send_replace(figures.ok().map(Arc::new));
    }

    fn tell(&mut self) {
        let mut left = core::mem::take(&mut self.untold).into_iter();
        for manifest in left.by_ref() {
            if let Err(refused) = self.finished.try_send(manifest) {
                // In a moment, then.
                self.untold.push(refused.into_inner());
                break;
            }
        }
        self.untold.extend(left);
    }
}

/// Orders that are obeyed together: those of one message come in their order, and none of its sound after its end.
#[derive(Debug, Default)]
struct Batch {
    begins: Vec<(Manifest, Keep)>,
    segments: Vec<Segment>,
    ends: Vec<Manifest>,
}

impl Batch {
    /// Of a segment that comes again the last word holds.
    fn put(&mut self, segment: Segment) {
        match self.segments.iter_mut().find(|before| before.is_same(&segment)) {
            Some(before) => *before = segment,
            None => self.segments.push(segment),
        }
    }

    const fn len(&self) -> usize {
        self.begins.len() + self.segments.len() + self.ends.len()
    }
}

/// Bytes that wait for the disk whoever they are of: the sound of a thousand callers for eight seconds.
const BACKLOG_MAX: usize = 64 << 20;

/// Bytes that wait while a further message may begin: who begins one promises the rest.
const BEGIN_MAX: usize = BACKLOG_MAX / 2;

/// Messages that are being left at once: more than one thread can listen to.
const OPEN_MAX: usize = 4_096;

/// Bytes of the end of a message: its last two parts and what is known of it.
const END_MAX: usize = 3 * SEGMENT;

const BATCH_MAX: usize = 64; // What is kept together: some megabytes, in some tenths of a second.

const BEAT: Duration = Duration::from_secs(1); // How old the figures are that a call is taken by, and lamps are lit.
const SAY_EVERY: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::folder::Stored;
    use crate::messages::manifest::tests::manifest;
    use crate::messages::testing::Scratch;

    type Deleted = watch::Sender<Arc<BTreeSet<MessageId>>>;

    fn start(folder: &Folder, finished: mpsc::Sender<Finished>) -> (Spool, Deleted) {
        let (_, mailboxes) = watch::channel(Arc::default());
        let (sender, deleted) = watch::channel(Arc::default());
        let told = Told { mailboxes, deleted };
        (Spool::start(folder.clone(), told, finished, Clock::start()).unwrap(), sender)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_handed_in_is_kept_counted_and_told() {
        let data = Scratch::new("spool");
        let folder = Folder::of(&data.path);
        let (sender, mut finished) = mpsc::channel(1);
        let (spool, deleted) = start(&folder, sender);
        let mut figures = spool.figures.clone();
        figures.wait_for(Option::is_some).await.unwrap();
        assert_eq!(spool.room("inbox").map(|(used, _)| used), Some(Used::default()));
        let (one, two) = (manifest(1), manifest(2));
        for message in [&one, &two] {
            spool.begin(message.clone()).unwrap();
            spool.segment(&message.id, 0, vec![5; SEGMENT]).unwrap();
            spool.finish(message.clone()).unwrap();
        }
        for message in [&one, &two] {
            let told = finished.recv().await.unwrap();
            assert_eq!((&told.manifest, told.plain), (message, None));
        }
        assert_eq!(folder.read(&two.id).unwrap(), Some(Stored::Finished(two.clone())));
        deleted.send_replace(Arc::new(BTreeSet::from([one.id.clone()])));
        let used = Used { messages: 1, bytes: SEGMENT as u64, new: 1, heard: 0 };
        figures
            .wait_for(|now| now.as_ref().is_some_and(|now| now.used.get("inbox") == Some(&used)))
            .await
            .unwrap();
        let heard = Heard { by: "the phone".into(), at: two.at };
        spool.mark_heard(two.id.clone(), Some(heard.clone())).unwrap();
        let used = Used { new: 0, heard: 1, ..used };
        figures
            .wait_for(|now| now.as_ref().is_some_and(|now| now.used.get("inbox") == Some(&used)))
            .await
            .unwrap();
        assert_eq!(folder.heard(&two.id).unwrap(), Some(heard));
        let last = manifest(3);
        spool.begin(last.clone()).unwrap();
        spool.finish(last.clone()).unwrap();
        spool.end();
        assert_eq!(folder.read(&last.id).unwrap(), Some(Stored::Finished(last)));
    }

    #[test]
    fn a_thousand_callers_who_hang_up_in_one_moment_lose_nothing() {
        let data = Scratch::new("burst");
        let folder = Folder::of(&data.path);
        let (sender, _finished) = mpsc::channel(1);
        let (spool, _deleted) = start(&folder, sender);
        let all: Vec<Manifest> = (0..1_000).map(manifest).collect();
        for message in &all {
            assert_eq!(spool.begin(message.clone()), Ok(()));
        }
        // The last two parts of each, one of them cut to what was said, and its end.
        for message in &all {
            for (number, length) in [(0, SEGMENT), (1, SEGMENT), (1, 80)] {
                assert_eq!(spool.segment(&message.id, number, vec![5; length]), Ok(()));
            }
            assert_eq!(spool.finish(message.clone()), Ok(()));
        }
        spool.end();
        for message in all {
            let size = folder.size(&message.id).unwrap();
            assert_eq!(size, SEGMENT as u64 + 80);
            assert_eq!(folder.read(&message.id).unwrap(), Some(Stored::Finished(message)));
        }
    }

    #[test]
    fn who_may_begin_has_a_place_for_his_end_and_no_more_waits_than_that() {
        let waiting = |bytes: usize, open: usize| Waiting { bytes: bytes.into(), open: open.into() };
        assert!(waiting(BEGIN_MAX - 1, OPEN_MAX - 1).has_room());
        assert!(!waiting(BEGIN_MAX, 0).has_room());
        assert!(!waiting(0, OPEN_MAX).has_room());
        let full = waiting(BACKLOG_MAX, 2);
        assert_eq!([2 * END_MAX, 2 * END_MAX + 1].map(|bytes| full.has_place_for(bytes)), [true, false]);
        let end = Order::Finish(Box::new(manifest(1)));
        full.on_taken(&end);
        assert_eq!([2 * END_MAX, END_MAX].map(|bytes| full.has_place_for(bytes)), [false, true]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_folder_that_cannot_be_made_takes_no_calls() {
        let data = Scratch::new("no-disk");
        std::fs::write(data.path.join("messages"), "in the way").unwrap();
        let (sender, _finished) = mpsc::channel(1);
        let (spool, _deleted) = start(&Folder::of(&data.path), sender);
        spool.begin(manifest(1)).unwrap();
        assert_eq!(spool.room("inbox"), None);
        spool.end();
    }
}
