//! What TLS is made of now, a look at the files from time to time, and a word before a certificate's time is over.

use crate::clock::Clock;
use crate::config::{Source, TlsSettings};
use crate::tls::{Dated, Tls};
use core::time::Duration;
use sip::Time;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What the plan file in force says about TLS, and what was read for it.
#[derive(Clone, Debug)]
pub struct Read {
    /// The plan file, for places in it.
    pub source: Arc<Source>,
    /// What it says.
    pub settings: Arc<TlsSettings>,
    /// What the files held.
    pub tls: Arc<Tls>,
}

/// Keeps it true.
#[derive(Debug)]
pub struct Held {
    clock: Clock,
    read: Read,
    look_at: Time,
    looking: Option<JoinHandle<Option<Read>>>,
    /// How near to its end each certificate was said to be.
    said: BTreeMap<PathBuf, Nearness>,
}

/// How near a certificate's time is to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Month,
    Fortnight,
    Days,
    Over,
}

impl Read {
    /// Reads the files that a plan file names; what is wrong with them is logged. What cannot be used stays as it was
    /// `before`.
    #[must_use]
    pub fn files(
        source: Arc<Source>,
        settings: Arc<TlsSettings>,
        before: Option<&Tls>,
        clock: Clock,
    ) -> Self {
        let (tls, problems) = Tls::read(&settings, before, clock.today().as_second());
        for problem in problems {
            tracing::warn!("{}", problem.line(&source));
        }
        Self { source, settings, tls: Arc::new(tls) }
    }
}

impl Held {
    /// Holds what was read.
    #[must_use]
    pub fn new(read: Read, clock: Clock) -> Self {
        Self { clock, read, look_at: clock.now() + LOOK_EVERY, looking: None, said: BTreeMap::new() }
    }

    /// What holds now.
    #[must_use]
    pub fn tls(&self) -> &Arc<Tls> {
        &self.read.tls
    }

    /// This holds from now on.
    pub fn replace(&mut self, read: Read) {
        self.read = read;
        // What a look that is under way finds belongs to what was held before.
        self.looking = None;
        self.look_at = self.clock.now() + LOOK_EVERY;
    }

    /// Waits until one of the files has changed, and gives what is in them then. May be cancelled.
    pub async fn next(&mut self) -> Read {
        loop {
            let looking = match &mut self.looking {
                Some(looking) => looking,
                None => {
                    self.clock.until(Some(self.look_at)).await;
                    let (Read { source, settings, tls }, clock) = (self.read.clone(), self.clock);
                    let look =
                        move || tls.is_stale().then(|| Read::files(source, settings, Some(&tls), clock));
                    self.looking.insert(tokio::task::spawn_blocking(look))
                }
            };
            // A look that panicked has found nothing; the hook has printed where.
            let found = looking.await.unwrap_or_default();
            self.looking = None;
            self.look_at = self.clock.now() + LOOK_EVERY;
            if let Some(read) = found {
                return read;
            }
        }
    }

    /// Says once in the log that a certificate's time is over in 30, 14 and 3 days, and that it is. `unix` is the time
    /// in seconds since 1970.
    pub fn remind(&mut self, unix: i64) {
        let Self { read, said, .. } = self;
        said.retain(|file, _| read.tls.certificates().iter().any(|one| one.file == *file));
        for Dated { file, until } in read.tls.certificates() {
            let nearness = Nearness::of(until - unix);
            if nearness > said.get(file).copied() {
                let days = (until - unix).max(0) / DAY;
                let file = file.display();
                match nearness {
                    Some(Nearness::Over) => {
                        tracing::error!("the time of {file} is over: TLS peers will refuse us")
                    }
                    Some(Nearness::Days) => {
                        tracing::error!(days, "the time of {file} is nearly over: renew it")
                    }
                    Some(Nearness::Month | Nearness::Fortnight) => {
                        tracing::warn!(days, "the time of {file} will be over: renew it");
                    }
                    None => {}
                }
            }
            match nearness {
                Some(nearness) => said.insert(file.clone(), nearness),
                None => said.remove(file),
            };
        }
    }
}

impl Nearness {
    fn of(left: i64) -> Option<Self> {
        let steps =
            [(0, Self::Over), (THREE_DAYS, Self::Days), (FORTNIGHT, Self::Fortnight), (MONTH, Self::Month)];
        steps.into_iter().find(|(bound, _)| left <= *bound).map(|(_, nearness)| nearness)
    }
}

const LOOK_EVERY: Duration = Duration::from_mins(1); // Renewals happen days before they have to.
const DAY: i64 = 24 * 3_600;
const THREE_DAYS: i64 = 3 * DAY;
const FORTNIGHT: i64 = 14 * DAY;
const MONTH: i64 = 30 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_grows_as_the_end_comes() {
        let nearness = [31 * DAY, MONTH, 14 * DAY, 3 * DAY, 1, 0, -DAY].map(Nearness::of);
        let (month, fortnight, days, over) =
            (Some(Nearness::Month), Some(Nearness::Fortnight), Some(Nearness::Days), Some(Nearness::Over));
        assert_eq!(nearness, [None, month, fortnight, days, days, over, over]);
        assert!(nearness.is_sorted());
    }
}
