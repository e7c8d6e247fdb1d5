//! Who carries messages to people: takes what is complete into the outbox, tries what is due, and says what stays behind.

use super::letter::{Try, deliver};
use super::pace::Pace;
use super::smtp::Patience;
use super::verdict::{Setting, Verdict};
use crate::clock::Clock;
use crate::config::Mailboxes;
use crate::messages::folder::Folder;
use crate::messages::id::MessageId;
use crate::messages::keeper::{Finished, PLAIN_MAX};
use crate::messages::retention;
use crate::store::outbox::{self, Letter, State, Tally, Way};
use crate::store::{Store, StoreError};
use core::pin::Pin;
use core::time::Duration;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use router::chance::Chance;
use rusqlite::Connection;
use sip::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_rustls::rustls::ClientConfig;

/// What a courier is given.
#[derive(Debug)]
pub struct Bag {
    /// The time.
    pub clock: Clock,
    /// The outbox.
    pub store: Store,
    /// The messages.
    pub folder: Folder,
    /// The mailboxes of the plan in force.
    pub mailboxes: watch::Receiver<Arc<Mailboxes>>,
    /// What is complete.
    pub finished: mpsc::Receiver<Finished>,
    /// Where it says what was deleted by hand.
    pub deleted: watch::Sender<Arc<BTreeSet<MessageId>>>,
    /// Where it says what is left to do.
    pub tally: watch::Sender<Tally>,
    /// With whom webhooks may be spoken to.
    pub tls: Arc<ClientConfig>,
    /// How often a letter is tried.
    pub pace: Pace,
    /// How long is waited in a try.
    pub patience: Patience,
    /// What jitter is drawn from.
    pub seed: u64,
}

/// A courier at work.
pub struct Courier {
    bag: Bag,
    chance: Chance,
    /// Complete, and not in the outbox yet.
    waiting: VecDeque<Finished>,
    /// Sound in the clear of messages that are sealed on disk, and how many mails it is still for.
    plain: VecDeque<(String, Arc<[u8]>, usize)>,
    flights: FuturesUnordered<Flight>,
    /// Which letters these are, by message and recipient, and how they travel.
    flying: BTreeMap<(String, String), Way>,
    /// When a setting was last complained of.
    complaints: BTreeMap<(Setting, String), Time>,
    next_look: Time,
    next_glance: Time,
    /// What the store looked like to others then.
    version: Option<i64>,
    next_sweep: Time,
    next_alarm: Time,
    store_said: Option<Time>,
}

type Flight = Pin<Box<dyn Future<Output = (Letter, Verdict)> + Send>>;

impl Courier {
    /// One that has not begun.
    #[must_use]
    pub fn new(bag: Bag) -> Self {
        let chance = Chance::new(bag.seed);
        let now = bag.clock.now();
        Self {
            bag,
            chance,
            waiting: VecDeque::new(),
            plain: VecDeque::new(),
            flights: FuturesUnordered::new(),
            flying: BTreeMap::new(),
            complaints: BTreeMap::new(),
            next_look: now,
            next_glance: now,
            version: None,
            next_sweep: now + SWEEP_FIRST,
            next_alarm: now,
            store_said: None,
        }
    }

    /// Works until nobody has messages to tell any more; what is under way then gets a moment.
    pub async fn work(mut self) {
        let mut over = None;
        loop {
            let now = self.bag.clock.now();
            self.take_in().await;
            if over.is_none() && now >= self.next_glance {
                self.next_glance = now + GLANCE_EVERY;
                self.glance().await;
            }
            if over.is_none() && now >= self.next_look {
                self.next_look = now + LOOK_EVERY;
                self.launch(Way::Mail).await;
                self.launch(Way::Webhook).await;
                self.look().await;
            }
            if over.is_none() && now >= self.next_sweep {
                self.next_sweep = now + SWEEP_EVERY;
                self.sweep().await;
            }
            if over.is_some_and(|until| now >= until || self.flights.is_empty()) {
                return;
            }
            tokio::select! {
                found = self.bag.finished.recv(), if over.is_none() => match found {
                    Some(found) => {
                        self.waiting.push_back(found);
                        self.next_look = Time::ZERO;
                    }
                    None => over = Some(self.bag.clock.now() + LAST),
                },
                Some((letter, verdict)) = self.flights.next() => self.land(letter, verdict).await,
                () = self.bag.clock.until(Some(over.unwrap_or(self.next_look.min(self.next_glance)))) => {}
            }
        }
    }

    /// Puts what is complete into the outbox, for all whom the plan names. What the store does not take waits here, and on disk.
    async fn take_in(&mut self) {
        let mailboxes = Arc::clone(&self.bag.mailboxes.borrow());
        let mut batch = Vec::new();
        for Finished { manifest, .. } in &self.waiting {
            match mailboxes.by_name.get(manifest.mailbox.as_str()) {
                Some(mailbox) => {
                    // A store that was lost must not send everything again.
                    let sent = self.bag.folder.sent(&manifest.id).unwrap_or_default();
                    let to: Vec<String> = mailbox.recipients().filter(|to| !sent.contains(to)).collect();
                    batch.push((manifest.id.to_string(), manifest.mailbox.clone(), to));
                }
                None => tracing::warn!(
                    "message {} goes to nobody: the plan does not have its mailbox {} any more",
                    manifest.id,
                    manifest.mailbox
                ),
            }
        }
        batch.retain(|(_, _, to)| !to.is_empty());
        let now = self.unix();
        let enqueue = move |db: &Connection| {
            batch.iter().try_for_each(|(message, name, to)| outbox::enqueue(db, message, name, to, now))
        };
        if self.waiting.is_empty() || self.ask(enqueue).await.is_none() {
            return;
        }
        for Finished { manifest, plain } in self.waiting.drain(..) {
            let mails =
                mailboxes.by_name.get(manifest.mailbox.as_str()).map_or(0, |mailbox| mailbox.emails.len());
            self.plain.extend(plain.map(|plain| (manifest.id.to_string(), plain, mails)));
        }
        while self.plain.len() > PLAIN_MAX {
            self.plain.pop_front();
        }
    }

    /// Begins to try what is due.
    async fn launch(&mut self, by: Way) {
        let now = self.unix();
        let Some(due) = self.ask(move |db| outbox::due(db, by, now, DUE_MAX)).await else { return };
        for letter in due {
            let name = (letter.message.clone(), letter.recipient.clone());
            if self.flying.values().filter(|way| **way == by).count() >= FLIGHTS_MAX {
                return;
            }
            if self.flying.contains_key(&name) || self.is_readdressed(&letter).await {
                continue;
            }
            if self.has_arrived(&letter) {
                self.land(letter, Verdict::Sent("it was taken before, as is marked beside it".into())).await;
                continue;
            }
            let plain = self.plain.iter().find(|(message, ..)| *message == letter.message);
            let with = Try {
                mailboxes: Arc::clone(&self.bag.mailboxes.borrow()),
                folder: self.bag.folder.clone(),
                plain: plain.map(|(_, plain, _)| Arc::clone(plain)),
                tls: Arc::clone(&self.bag.tls),
                patience: self.bag.patience,
                unix: now,
            };
            self.flying.insert(name, by);
            self.flights.push(Box::pin(deliver(letter, with)));
        }
    }

    /// Whether a letter was sent by who did not come to write that into the store.
    fn has_arrived(&self, letter: &Letter) -> bool {
        let sent = MessageId::try_from(letter.message.clone()).map(|id| self.bag.folder.sent(&id));
        sent.is_ok_and(|sent| sent.is_ok_and(|sent| sent.contains(&letter.recipient)))
    }

    /// A letter to whom the plan does not name any more goes to whom it names now: a slip in an address was mended.
    async fn is_readdressed(&mut self, letter: &Letter) -> bool {
        let mailboxes = Arc::clone(&self.bag.mailboxes.borrow());
        let Some(mailbox) = mailboxes.by_name.get(letter.mailbox.as_str()) else { return false };
        let now_to: Vec<String> = mailbox.recipients().collect();
        if now_to.contains(&letter.recipient) {
            return false;
        }
        let (Letter { message, mailbox, recipient, .. }, now) = (letter.clone(), self.unix());
        let done = self.ask(move |db| {
            outbox::withdraw(db, &message, &recipient)?;
            outbox::enqueue(db, &message, &mailbox, &now_to, now)
        });
        done.await.is_some()
    }

    /// Keeps what has become of a try.
    async fn land(&mut self, letter: Letter, verdict: Verdict) {
        let Letter { message, mailbox, recipient, tries, since, .. } = letter;
        self.flying.remove(&(message.clone(), recipient.clone()));
        let now = self.unix();
        let (state, due, answer) = match verdict {
            Verdict::Sent(answer) => {
                tracing::debug!("message {message} of mailbox {mailbox} has arrived: {answer}");
                if let Ok(id) = MessageId::try_from(message.clone())
                    && let Err(error) = self.bag.folder.mark_sent(&id, &recipient)
                {
                    tracing::warn!("message {message} cannot be marked as sent: {error}");
                }
                (State::Sent, now, answer)
            }
            Verdict::Later(answer, setting) => {
                let age = Duration::from_secs(u64::try_from(now - since).unwrap_or(0));
                match self.bag.pace.wait(tries + 1, age, &mut self.chance) {
                    Some(wait) => {
                        self.complain(setting, &mailbox, &answer);
                        // Whole seconds, and never none of them.
                        (State::Due, now + i64::try_from(wait.as_secs() + 1).unwrap_or(0), answer)
                    }
                    None => (State::Dead, now, answer),
                }
            }
            Verdict::Dead(answer) => (State::Dead, now, answer),
        };
        if state != State::Due && recipient.starts_with("mailto:") {
            let of_it = self.plain.iter_mut().filter(|(of, ..)| *of == message);
            of_it.for_each(|(.., mails)| *mails = mails.saturating_sub(1));
            self.plain.retain(|(.., mails)| *mails > 0);
        }
        if state == State::Dead {
            tracing::error!(
                "message {message} of mailbox {mailbox} could not be delivered, and will not be tried again: {answer}; \
                 it is kept: tandem messages retry {message}"
            );
            self.next_alarm = self.bag.clock.now() + ALARM_EVERY;
        }
        let kept = self.ask(move |db| outbox::tried(db, &message, &recipient, state, due, &answer)).await;
        if kept.is_some() {
            self.next_look = Time::ZERO;
        }
    }

    /// Says which line of the plan a failure leads to, once an hour for each.
    fn complain(&mut self, setting: Option<Setting>, mailbox: &str, answer: &str) {
        let Some(setting) = setting else {
            tracing::info!("a message of mailbox {mailbox} waits: {answer}");
            return;
        };
        let now = self.bag.clock.now();
        let subject = if setting == Setting::Webhook { mailbox } else { "" };
        let said = self.complaints.entry((setting, subject.to_owned())).or_insert(Time::ZERO);
        if *said != Time::ZERO && now < *said + ALARM_EVERY {
            return;
        }
        *said = now + Duration::from_micros(1);
        let mailboxes = self.bag.mailboxes.borrow();
        let line = line_of(&mailboxes, setting, mailbox);
        let file = &mailboxes.file;
        tracing::warn!("{file}:{line}: messages of mailbox {mailbox} wait, see `{setting}`: {answer}");
    }

    /// Looks whether somebody else has written into the store: who deletes a message puts out its lamp.
    async fn glance(&mut self) {
        let version = self.ask(outbox::version).await;
        if version.is_some() && version != self.version {
            (self.version, self.next_look) = (version, Time::ZERO);
        }
    }

    /// Looks at what is left to do, and at what was deleted by hand.
    async fn look(&mut self) {
        let Some(deleted) = self.ask(outbox::deleted).await else { return };
        let deleted: BTreeSet<MessageId> =
            deleted.into_iter().filter_map(|(message, _)| MessageId::try_from(message).ok()).collect();
        self.bag.deleted.send_if_modified(|before| {
            let changed = **before != deleted;
            if changed {
                *before = Arc::new(deleted);
            }
            changed
        });
        let unix = self.unix();
        let left = self.ask(move |db| Ok((outbox::tally(db)?, outbox::next_due(db, unix)?))).await;
        let Some((tally, next)) = left else { return };
        self.bag.tally.send_replace(tally);
        let now = self.bag.clock.now();
        if let Some(wait) = next.and_then(|due| u64::try_from(due - unix).ok()) {
            self.next_look = self.next_look.min(now + Duration::from_secs(wait));
        }
        if tally.dead > 0 && now >= self.next_alarm {
            self.next_alarm = now + ALARM_EVERY;
            tracing::error!(
                letters = tally.dead,
                "messages could not be delivered, and nobody has looked: tandem messages --undelivered"
            );
        }
    }

    /// Deletes what its mailbox does not keep any more.
    async fn sweep(&mut self) {
        let Some(kept) = self.ask(|db| Ok((outbox::undelivered(db)?, outbox::deleted(db)?))).await else {
            return;
        };
        let (mailboxes, folder, now) =
            (Arc::clone(&self.bag.mailboxes.borrow()), self.bag.folder.clone(), self.bag.clock.today());
        let found = tokio::task::spawn_blocking(move || retention::expired(&folder, &mailboxes, &kept, now));
        for (id, why) in found.await.unwrap_or_default() {
            let (message, now) = (id.to_string(), self.unix());
            // First it is written down, then it is done: what is gone has a reason.
            if self.ask(move |db| outbox::gone(db, &message, why, now)).await.is_none() {
                return;
            }
            match self.bag.folder.remove(&id) {
                Ok(()) => tracing::info!("message {id} is deleted: {why}"),
                Err(error) => tracing::error!("message {id} cannot be deleted: {error}"),
            }
        }
    }

    /// Asks the store; says once an hour that it is gone.
    async fn ask<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Option<T> {
        let why = match self.bag.store.ask(work).await {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(why)) => why,
            Err(_) => StoreError::Unusable("it has given up".into()),
        };
        let now = self.bag.clock.now();
        if self.store_said.is_none_or(|at| now >= at + ALARM_EVERY) {
            self.store_said = Some(now);
            tracing::error!("messages wait on disk, none is delivered: {why}");
        }
        None
    }

    fn unix(&self) -> i64 {
        self.bag.clock.today().as_second()
    }
}

fn line_of(mailboxes: &Mailboxes, setting: Setting, mailbox: &str) -> u32 {
    let lines = mailboxes.mail.as_ref().map(|mail| mail.lines).unwrap_or_default();
    match setting {
        Setting::Smtp => lines.smtp,
        Setting::Tls => lines.tls,
        Setting::Password => lines.password,
        Setting::From => lines.from,
        Setting::Webhook => {
            let found = mailboxes.by_name.get(mailbox).and_then(|mailbox| mailbox.webhook.as_ref());
            found.map_or(0, |hook| hook.line)
        }
    }
}

const FLIGHTS_MAX: usize = 8; // By each way; a mail server that hangs holds up no webhook.
const DUE_MAX: usize = 64; // More than fly at once, since some of them fly already.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const GLANCE_EVERY: Duration = Duration::from_secs(1); // How soon what others write into the store is seen.
const SWEEP_FIRST: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
const ALARM_EVERY: Duration = Duration::from_secs(3_600);
const LAST: Duration = Duration::from_secs(10); // What is not done by then is done after the next start.
