//! The thread that writes: orders in, transactions out; and what it does while there is no file to write.

use super::fault::{Fault, StoreError};
use super::file::{self, File};
use super::history::{self, Kept, Place};
use super::{Ask, Counts, Order, Run};
use crate::clock::Clock;
use core::sync::atomic::Ordering;
use core::time::Duration;
use sip::Time;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    run: Run,
    clock: Clock,
    counts: Arc<Counts>,
    state: State,
    /// What is to be written next, or once there is a file again.
    held: VecDeque<Kept>,
    /// Where the numbers of this run's calls stand among all.
    place: Place,
    seen_at: Time,
    clean_at: Time,
}

#[derive(Debug)]
enum State {
    /// The file is open.
    Open(File),
    /// It could not be opened or written; to be tried again then.
    Gone { why: StoreError, again: Time },
}

/// What became of what was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// There was nothing, or there is no file.
    Nothing,
    /// It is in the file.
    Some,
}

impl Writer {
    pub(super) fn new(path: PathBuf, run: Run, clock: Clock, counts: Arc<Counts>) -> Self {
        let state = State::Gone { why: StoreError::Behind, again: Time::ZERO };
        let (held, place) = (VecDeque::new(), Place::new(clock.unix()));
        Self { path, run, clock, counts, state, held, place, seen_at: Time::ZERO, clean_at: Time::ZERO }
    }

    /// Writes until nobody is left who could order something.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let turn = AssertUnwindSafe(|| self.turn(orders));
            match catch_unwind(turn) {
                Ok(true) => (),
                Ok(false) => return,
                // The hook has printed where. What it was about is dropped with the turn, or it would come again.
                Err(_) => {
                    self.lose(self.held.len());
                    self.held.clear();
                    self.on_fault(Fault::Gone(StoreError::Unusable("a bug in the store".into())));
                }
            }
        }
    }

    /// Waits for orders and carries them out; `false` if there will be no more.
    fn turn(&mut self, orders: &Receiver<Order>) -> bool {
        self.open_if_due();
        let first = orders.recv_timeout(self.deadline().since(self.clock.now()));
        let more = !matches!(first, Err(RecvTimeoutError::Disconnected));
        for order in first.into_iter().chain(orders.try_iter().take(BATCH_MAX)) {
            match order {
                Order::Keep(kept) => self.hold(kept),
                Order::Ask(ask) => self.answer(ask),
            }
        }
        if self.write() == Written::Some && more {
            // What comes meanwhile shares a transaction, and nobody has to be woken for it.
            std::thread::park_timeout(PAUSE);
        }
        self.tend();
        more
    }

    fn deadline(&self) -> Time {
        match &self.state {
            State::Open(_) => self.seen_at.min(self.clean_at),
            State::Gone { again, .. } => *again,
        }
    }

    fn hold(&mut self, kept: Kept) {
        if self.held.len() < HELD_MAX {
            self.held.push_back(kept);
        } else {
            self.lose(1);
        }
    }

    fn lose(&self, count: usize) {
        self.counts.lost.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// What was ordered before is written before.
    fn answer(&mut self, ask: Ask) {
        self.write();
        self.open_if_due();
        let done = match &mut self.state {
            State::Open(file) => ask(Ok(&mut file.db)),
            State::Gone { why, .. } => ask(Err(why)).or(Ok(())),
        };
        match done {
            // The asker knows, and it is his.
            Ok(()) | Err(Fault::Work(_)) => (),
            Err(fault @ (Fault::Corrupt(_) | Fault::Gone(_))) => self.on_fault(fault),
        }
    }

    /// Writes what is held, in one transaction.
    fn write(&mut self) -> Written {
        if self.held.is_empty() {
            return Written::Nothing;
        }
        self.look_after_file();
        let State::Open(file) = &mut self.state else { return Written::Nothing };
        let (held, place, plan) = (&self.held, self.place, &self.run.plan);
        let written = file::in_one(&mut file.db, |db| {
            let mut refused = 0;
            for kept in held {
                match history::keep(db, kept, place, plan) {
                    Ok(()) => (),
                    Err(error) => match Fault::of(&error) {
                        Fault::Work(why) => {
                            refused += 1;
                            tracing::error!("a bug: the store refuses a call: {why}");
                        }
                        Fault::Corrupt(_) | Fault::Gone(_) => return Err(error),
                    },
                }
            }
            Ok(refused)
        });
        match written {
            Ok(refused) => {
                self.held.clear();
                self.lose(refused);
                Written::Some
            }
            Err(error) => {
                self.on_fault(Fault::of(&error));
                Written::Nothing
            }
        }
    }

    /// A file that was deleted would take all that is written, and give it to nobody.
    fn look_after_file(&mut self) {
        if let State::Open(file) = &self.state
            && !file.is_there()
        {
            let why = format!("{} was taken away; a new one is begun", self.path.display());
            self.on_fault(Fault::Gone(StoreError::Unusable(why)));
            self.open();
        }
    }

    /// What is done from time to time, a piece at a time: orders come first.
    fn tend(&mut self) {
        let now = self.clock.now();
        if now >= self.seen_at {
            self.seen_at = now + SEEN_EVERY;
            self.look_after_file();
            let (place, unix) = (self.place, self.clock.unix());
            self.upkeep(|db| history::seen(db, place, unix));
        }
        if now >= self.clean_at {
            let before = self.clock.unix().saturating_sub(history::KEPT_MICROS);
            let cleaned = self.upkeep(|db| history::clean(db, before));
            self.clean_at = now + if cleaned == Some(true) { Duration::ZERO } else { CLEAN_EVERY };
        }
    }

    fn upkeep<T>(&mut self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Option<T> {
        let State::Open(file) = &mut self.state else { return None };
        match file::in_one(&mut file.db, work) {
            Ok(done) => Some(done),
            Err(error) => {
                self.on_fault(Fault::of(&error));
                None
            }
        }
    }

    fn open_if_due(&mut self) {
        if let State::Gone { again, .. } = &self.state
            && *again <= self.clock.now()
        {
            self.open();
        }
    }

    fn open(&mut self) {
        let opened = match File::open(&self.path) {
            Err(Fault::Corrupt(why)) => {
                self.set_aside(&why);
                // One that could not be moved is broken still, and tried again later.
                File::open(&self.path).map_err(|fault| Fault::Gone(fault.error().clone()))
            }
            opened => opened,
        };
        let begun = opened.and_then(|mut file| {
            let (place, unix) = (self.place, self.clock.unix());
            let place = file::in_one(&mut file.db, |db| history::begin_run(db, &self.run.node, place, unix));
            place.map(|place| (file, place)).map_err(|error| Fault::of(&error))
        });
        match begun {
            Ok((file, place)) => {
                self.place = place;
                self.counts.open.store(true, Ordering::Relaxed);
                if let State::Gone { why: StoreError::Unusable(_) | StoreError::Newer { .. }, .. } =
                    self.state
                {
                    tracing::info!(waiting = self.held.len(), "the store is there again");
                }
                self.state = State::Open(file);
            }
            Err(fault) => self.on_fault(fault),
        }
    }

    /// The store cannot be used for now: calls go on, and what they leave is held as far as there is room.
    fn on_fault(&mut self, fault: Fault) {
        let now = self.clock.now();
        let why = fault.error().clone();
        if !matches!(&self.state, State::Gone { why: before, .. } if *before == why) {
            tracing::error!("calls go on, but their history is not written for now: {why}");
        }
        let again = match fault {
            Fault::Corrupt(_) => {
                self.set_aside(&why);
                now
            }
            Fault::Gone(_) | Fault::Work(_) => now + RETRY,
        };
        self.state = State::Gone { why, again };
        self.counts.open.store(false, Ordering::Relaxed);
    }

    fn set_aside(&self, why: &StoreError) {
        let seconds = self.clock.today().as_second();
        match file::move_aside(&self.path, seconds) {
            Ok(aside) => tracing::error!(
                "{} is broken ({why}); it is {} now, and a new one is begun",
                self.path.display(),
                aside.display()
            ),
            Err(error) => tracing::error!("{} is broken, and cannot be moved: {error}", self.path.display()),
        }
    }
}

/// A transaction costs as much as some twenty calls in it. Whoever is told of something by an ask waits no longer than for the disk.
const PAUSE: Duration = Duration::from_millis(5);
const BATCH_MAX: usize = 512; // In one transaction: some milliseconds, then whoever asks is answered.
const HELD_MAX: usize = 4096; // Some megabytes: an hour of a busy business without its disk.
const RETRY: Duration = Duration::from_secs(5);
const SEEN_EVERY: Duration = Duration::from_secs(60);
const CLEAN_EVERY: Duration = Duration::from_secs(3_600);
