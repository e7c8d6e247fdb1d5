//! The embedded store: one SQLite file that one thread writes. No call waits for it, and calls go on without it.
//!
//! Whoever keeps something has a file beside [`history`] with its tables and its functions over a
//! [`Connection`], and hands those in by [`Store::ask`]. Readers open the file themselves, by [`read`].

pub mod account;
pub mod beliefs;
mod fault;
mod file;
pub mod history;
pub mod outbox;
pub mod past;
mod schema;
mod writer;

pub use fault::StoreError;
pub use file::{FILE, change, read};

use crate::clock::Clock;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use fault::Fault;
use history::Kept;
use rusqlite::Connection;
use sip::Time;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;
use writer::Writer;

/// The way to the thread that writes. Copies lead to the same.
#[derive(Clone, Debug)]
pub struct Store {
    orders: SyncSender<Order>,
    counts: Arc<Counts>,
    /// When losses were last spoken of, and how many there were.
    told: (Time, u64),
}

/// What runs a node, for the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The name of the node.
    pub node: String,
    /// Its plan file, as it was named at the start.
    pub plan: String,
}

/// What the thread is asked for.
enum Order {
    /// Keep this, at the next opportunity.
    Keep(Kept),
    /// Do this and answer; or say why not.
    Ask(Ask),
}

/// What is asked for, with the way back to the asker. Gives what kept it from being done.
type Ask = Box<dyn FnOnce(Result<&mut Connection, &StoreError>) -> Result<(), Fault> + Send>;

/// What the thread tells.
#[derive(Debug, Default)]
struct Counts {
    lost: AtomicU64,
    open: AtomicBool,
}

impl Store {
    /// Starts the thread, which opens `<data>/tandem.db` or makes it. That this fails is no reason not to take calls:
    /// it is tried again, and said in the log.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn start(data: &Path, run: Run, clock: Clock) -> io::Result<Self> {
        let (sender, orders) = sync_channel(ORDERS_MAX);
        let counts = Arc::new(Counts::default());
        let writer = Writer::new(data.join(FILE), run, clock, Arc::clone(&counts));
        std::thread::Builder::new().name("store".into()).spawn(move || writer.run(&orders))?;
        Ok(Self { orders: sender, counts, told: (Time::ZERO, 0) })
    }

    /// Keeps a piece of history, which may be lost: if the thread is behind by more than [`ORDERS_MAX`], it is counted.
    pub fn keep(&self, kept: Kept) {
        if self.orders.try_send(Order::Keep(kept)).is_err() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Does `work` in a transaction of its own, on the disk (synchronous FULL) before it is answered. Receive it by `await`
    /// or `blocking_recv`; an answer that is dropped means a panic in `work`. With the store gone or behind the answer
    /// comes at once.
    pub fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (sender, answer) = oneshot::channel();
        let ask: Ask = Box::new(move |db| {
            let done = match db {
                Ok(db) => file::durably(db, work).map_err(|error| Fault::of(&error)),
                Err(why) => Err(Fault::Gone(why.clone())),
            };
            let (answer, fault) = match done {
                Ok(value) => (Ok(value), Ok(())),
                Err(fault) => (Err(fault.error().clone()), Err(fault)),
            };
            // Who has gone away has nothing to hear.
            let _ = sender.send(answer);
            fault
        });
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) =
            self.orders.try_send(Order::Ask(ask))
            && let Order::Ask(ask) = order
        {
            // It says to the asker what it says to us.
            let _ = ask(Err(&StoreError::Behind));
        }
        answer
    }

    /// Waits until everything is written that was handed in before.
    pub async fn flush(&self) {
        // A store that is gone says so; there is nothing more to wait for.
        let _ = self.ask(|_| Ok(())).await;
    }

    /// Pieces of history that were lost since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Can it be written at this moment?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.counts.open.load(Ordering::Relaxed)
    }

    /// Speaks of new losses, once a minute at most.
    pub fn remind(&mut self, now: Time) {
        let (at, before) = self.told;
        let lost = self.lost();
        if lost > before && now >= at + TELL_EVERY {
            self.told = (now, lost);
            tracing::error!(
                lost = lost - before,
                "calls are missing from the history: the store is gone or too slow"
            );
        }
    }
}

impl core::fmt::Debug for Order {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Keep(kept) => out.debug_tuple("Keep").field(kept).finish(),
            Self::Ask(_) => out.write_str("Ask"),
        }
    }
}

/// What waits for the thread at once: some megabytes, while a disk stalls.
pub const ORDERS_MAX: usize = 4096;

const TELL_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
