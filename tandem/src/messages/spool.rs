//! The way to the thread that keeps messages: nobody who hears a caller waits for a disk.

use super::folder::Folder;
use super::id::MessageId;
use super::keeper::{Finished, Keep, Keeper};
use super::lanes::Segment;
use super::manifest::Manifest;
use super::room::{Figures, Used};
use super::sealing::Seal;
use crate::clock::Clock;
use crate::config::{Attach, Mailboxes};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use sip::Time;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};

/// The thread that keeps messages. What was handed in before this is dropped is still done.
#[derive(Debug)]
pub struct Spool {
    orders: SyncSender<Order>,
    waiting: Arc<AtomicUsize>,
    figures: watch::Receiver<Option<Arc<Figures>>>,
    thread: JoinHandle<()>,
}

/// More waits for the disk than may: this was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind;

#[derive(Debug)]
enum Order {
    Begin(Box<Manifest>),
    Segment(Segment),
    Finish(Box<Manifest>),
    Forget(MessageId),
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
        let (orders, received) = sync_channel(ORDERS_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
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
        let figures = self.figures.borrow().clone().filter(|_| self.depth() < BEGIN_MAX)?;
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
    /// It was not taken, and no segment of it will be.
    pub fn begin(&self, head: Manifest) -> Result<(), Behind> {
        self.order(Order::Begin(Box::new(head)), BEGIN_MAX)
    }

    /// Keeps a segment of its sound.
    ///
    /// # Errors
    /// It was not taken: the message is not whole.
    pub fn segment(&self, id: &MessageId, number: usize, sound: Vec<u8>) -> Result<(), Behind> {
        self.order(Order::Segment(Segment { id: id.clone(), number, sound }), SEGMENT_MAX)
    }

    /// Ends a message.
    ///
    /// # Errors
    /// It was not taken: the message will be ended in some minutes, as one that broke off.
    pub fn finish(&self, manifest: Manifest) -> Result<(), Behind> {
        self.order(Order::Finish(Box::new(manifest)), ORDERS_MAX)
    }

    /// What was begun is no message.
    ///
    /// # Errors
    /// It was not taken: what is kept of it will be told as a message that broke off.
    pub fn forget(&self, id: MessageId) -> Result<(), Behind> {
        self.order(Order::Forget(id), ORDERS_MAX)
    }

    /// Ends the thread when it has done what it was told, and waits for that.
    pub fn end(self) {
        drop(self.orders);
        // A thread that panicked has said so.
        let _ = self.thread.join();
    }

    fn depth(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn order(&self, order: Order, most: usize) -> Result<(), Behind> {
        if self.depth() >= most {
            return Err(Behind);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.orders.try_send(order).map_err(|_| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            Behind
        })
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
    waiting: Arc<AtomicUsize>,
}

impl Keeping {
    fn run(mut self, folder: Folder, orders: &Receiver<Order>) {
        let Some(mut keeper) = self.open(folder, orders) else { return };
        let mut next = Time::ZERO;
        loop {
            if self.clock.now() >= next {
                next = self.clock.now() + BEAT;
                self.untold.extend(keeper.finish_forgotten(self.clock.today()));
                self.count(&mut keeper);
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
                Ok(_) => _ = self.waiting.fetch_sub(1, Ordering::Relaxed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Obeys an order and those behind it, the segments among them together.
    fn obey_all(&mut self, keeper: &mut Keeper, first: Order, orders: &Receiver<Order>) {
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Segment(segment) => {
                    if batch.iter().any(|before: &Segment| before.is_same(&segment)) {
                        self.keep_all(keeper, &mut batch);
                    }
                    batch.push(segment);
                }
                other @ (Order::Begin(_) | Order::Finish(_) | Order::Forget(_)) => {
                    self.keep_all(keeper, &mut batch);
                    self.obey(keeper, other);
                }
            }
            next = if batch.len() < BATCH_MAX { orders.try_recv().ok() } else { None };
        }
        self.keep_all(keeper, &mut batch);
    }

    fn keep_all(&self, keeper: &mut Keeper, batch: &mut Vec<Segment>) {
        keeper.segments(batch, self.clock.today());
        self.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        batch.clear();
    }

    fn obey(&mut self, keeper: &mut Keeper, order: Order) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match order {
            Order::Begin(head) => {
                let keep = self.keep(&head);
                keeper.begin(*head, keep, self.clock.today());
                self.count(keeper);
            }
            Order::Segment(segment) => keeper.segments(&[segment], self.clock.today()),
            Order::Forget(id) => {
                keeper.forget(&id);
                self.count(keeper);
            }
            Order::Finish(manifest) => {
                self.untold.extend(keeper.finish(*manifest));
                self.count(keeper);
            }
        }
    }

    /// How the plan wants it to be kept.
    fn keep(&self, head: &Manifest) -> Keep {
        let mailboxes = self.told.mailboxes.borrow();
        let Some(mailbox) = mailboxes.by_name.get(head.mailbox.as_str()) else { return Keep::default() };
        // The keys were tried when the plan was read.
        let seal = Seal::of(&mailbox.encrypt_to).ok().flatten();
        Keep { seal, plain: mailbox.attach == Attach::Sound && !mailbox.emails.is_empty() }
    }

    fn count(&self, keeper: &mut Keeper) {
        let deleted = Arc::clone(&self.told.deleted.borrow());
        let figures = keeper.figures(|id| deleted.contains(id));
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

/// What may wait for the disk: parts of 40 kB, so some 80 MB. The last places are for ends alone, since who ends a message has
/// nothing to try again later; the first half is for beginnings, since who begins one promises the rest.
const ORDERS_MAX: usize = 2_048;
const SEGMENT_MAX: usize = 1_536;
const BEGIN_MAX: usize = 1_024;

const BATCH_MAX: usize = 64; // Segments that are kept together: some megabytes, in some tenths of a second.

const BEAT: Duration = Duration::from_secs(2); // How old the figures are that a call is taken by.
const SAY_EVERY: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::folder::Stored;
    use crate::messages::manifest::tests::manifest;
    use crate::messages::testing::Scratch;
    use agent::tape::SEGMENT;

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
        let used = Used { messages: 1, bytes: SEGMENT as u64 };
        figures
            .wait_for(|now| now.as_ref().is_some_and(|now| now.used.get("inbox") == Some(&used)))
            .await
            .unwrap();
        let last = manifest(3);
        spool.begin(last.clone()).unwrap();
        spool.finish(last.clone()).unwrap();
        spool.end();
        assert_eq!(folder.read(&last.id).unwrap(), Some(Stored::Finished(last)));
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
