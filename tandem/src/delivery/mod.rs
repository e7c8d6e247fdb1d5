//! Messages on their way to people: by mail and by webhook, from an outbox that outlives this process.

pub mod courier;
pub mod letter;
pub mod mail;
pub mod pace;
pub mod smtp;
pub mod verdict;
pub mod webhook;
pub mod words;

use crate::clock::Clock;
use crate::config::Mailboxes;
use crate::messages::folder::Folder;
use crate::messages::spool::{Spool, Told};
use crate::store::Store;
use crate::store::outbox::Tally;
use courier::{Bag, Courier};
use pace::{PACE, Pace};
use smtp::{PATIENCE, Patience};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore};

/// All that is done with messages, from their first moment until everybody has them: two threads, one that waits for the disk and
/// one that waits for other people's servers.
#[derive(Debug)]
pub struct Post {
    spool: Spool,
    mailboxes: watch::Sender<Arc<Mailboxes>>,
    tally: watch::Receiver<Tally>,
    thread: JoinHandle<()>,
}

/// How patient delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How often a letter is tried.
    pub pace: Pace,
    /// How long is waited in a try.
    pub patience: Patience,
}

/// What suits the servers of the world.
pub const MANNER: Manner = Manner { pace: PACE, patience: PATIENCE };

impl Post {
    /// Starts the threads. Messages that were complete or broke off before are delivered first.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn start(
        data: &Path,
        store: Store,
        mailboxes: Arc<Mailboxes>,
        (clock, seed): (Clock, u64),
        manner: Manner,
    ) -> io::Result<Self> {
        let folder = Folder::of(data);
        let (sender, finished) = mpsc::channel(FINISHED_MAX);
        let (mailboxes, watched) = watch::channel(mailboxes);
        let (deleted, told) = watch::channel(Arc::default());
        let (said, tally) = watch::channel(Tally::default());
        let told = Told { mailboxes: watched.clone(), deleted: told };
        let spool = Spool::start(folder.clone(), told, sender, clock)?;
        let tls = Arc::new(believed().map_err(io::Error::other)?);
        let Manner { pace, patience } = manner;
        let bag = Bag {
            clock,
            store,
            folder,
            mailboxes: watched,
            finished,
            deleted,
            tally: said,
            tls,
            pace,
            patience,
            seed,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || runtime.block_on(Courier::new(bag).work());
        let thread = std::thread::Builder::new().name("courier".into()).spawn(work)?;
        Ok(Self { spool, mailboxes, tally, thread })
    }

    /// Where messages are left.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Goes on by another plan.
    pub fn renew(&self, mailboxes: Arc<Mailboxes>) {
        self.mailboxes.send_replace(mailboxes);
    }

    /// Letters that have not arrived, as of a moment ago.
    #[must_use]
    pub fn tally(&self) -> Tally {
        *self.tally.borrow()
    }

    /// Ends both threads: what was handed in is kept, what is under way has some seconds to arrive.
    pub fn end(self) {
        self.spool.end();
        // A thread that panicked has said so.
        let _ = self.thread.join();
    }
}

/// Believes whom the machine believes.
///
/// # Errors
/// The ciphers are not there.
pub fn believed() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

const FINISHED_MAX: usize = 256; // What does not fit waits where it is.
