//! A node's mailboxes, without the node: spool, store and courier as they run in it.

use core::time::Duration;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use tandem::clock::Clock;
use tandem::config::{MailLines, MailLogin, MailSettings, MailTls, Mailbox, Mailboxes, Secret};
use tandem::delivery::pace::Pace;
use tandem::delivery::smtp::Patience;
use tandem::delivery::{Manner, Post};
use tandem::messages::id::MessageId;
use tandem::messages::manifest::{End, Law, Manifest, Why};
use tandem::messages::spool::Spool;
use tandem::store::outbox::{Letter, letters};
use tandem::store::{Run, Store, read};

/// A data folder that is gone with the test, and who works in it.
pub(crate) struct Office {
    pub(crate) data: PathBuf,
    post: Option<Post>,
}

/// Tries again after a second, gives up after a minute, waits a second for an answer.
pub(crate) const HASTY: Manner = Manner {
    pace: Pace { first: &[], later: Duration::from_secs(1), give_up: Duration::from_secs(60) },
    patience: Patience { answer: Duration::from_secs(1), whole: Duration::from_secs(4) },
};

impl Office {
    pub(crate) fn new(name: &str, mailboxes: Mailboxes, manner: Manner) -> Self {
        let data = std::env::temp_dir().join(format!("tandem-delivery-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir_all(&data).expect("a folder");
        let mut office = Self { data, post: None };
        office.open(mailboxes, manner);
        office
    }

    /// One whose data somebody else has left.
    pub(crate) fn closed(data: PathBuf) -> Self {
        Self { data, post: None }
    }

    pub(crate) fn spool(&self) -> &Spool {
        self.post.as_ref().expect("it is open").spool()
    }

    /// Begins to work.
    pub(crate) fn open(&mut self, mailboxes: Mailboxes, manner: Manner) {
        let clock = Clock::start();
        let run = Run { node: "pdx-1".into(), plan: "tandem.toml".into() };
        let store = Store::start(&self.data, run, clock).expect("a thread");
        let post = Post::start(&self.data, store, Arc::new(mailboxes), (clock, 7), manner).expect("threads");
        while post.spool().room("inbox").is_none() {
            std::thread::yield_now();
        }
        self.post = Some(post);
    }

    /// Ends in good order.
    pub(crate) fn close(&mut self) {
        self.post.take().expect("it is open").end();
    }

    pub(crate) fn renew(&self, mailboxes: Mailboxes) {
        self.post.as_ref().expect("it is open").renew(Arc::new(mailboxes));
    }

    /// Leaves a message with this sound.
    pub(crate) fn leave(&self, sound: &[u8]) -> Manifest {
        self.leave_as(Manifest { millis: sound.len() as u64 / 8, ..manifest() }, sound)
    }

    pub(crate) fn leave_as(&self, message: Manifest, sound: &[u8]) -> Manifest {
        let spool = self.spool();
        spool.begin(message.clone()).expect("it is taken");
        for (number, part) in sound.chunks(40_000).enumerate() {
            spool.segment(&message.id, number, part.to_vec()).expect("it is taken");
        }
        spool.finish(message.clone()).expect("it is taken");
        message
    }

    /// Waits until the letters are as wanted.
    pub(crate) fn wait(&self, wanted: impl Fn(&[Letter]) -> bool) -> Vec<Letter> {
        let clock = Clock::start();
        loop {
            let found = read(&self.data).ok().and_then(|db| letters(&db, None).ok()).unwrap_or_default();
            if wanted(&found) {
                return found;
            }
            assert!(clock.now().as_micros() < 30_000_000, "it stays {found:?}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(post) = self.post.take() {
            post.end();
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// A mailbox that mails to these, by a server on this port.
pub(crate) fn mailing(port: u16, to: &[&str]) -> Mailboxes {
    let emails = to.iter().map(|address| (*address).into()).collect();
    let mailbox = Mailbox { emails, ..Mailbox::default() };
    let login = MailLogin { user: "voicemail".into(), password: Secret::new("hunter2") };
    let mail = MailSettings {
        host: "127.0.0.1".into(),
        port,
        tls: MailTls::None,
        login: Some(login),
        from: "Nguyen Dental <voicemail@nguyen.example>".into(),
        lines: MailLines { smtp: 31, tls: 32, password: 33, from: 34 },
    };
    Mailboxes {
        by_name: [("inbox".into(), mailbox)].into(),
        mail: Some(mail),
        business: "Nguyen Dental".into(),
        file: "tandem.toml".into(),
        ..Mailboxes::default()
    }
}

pub(crate) fn manifest() -> Manifest {
    let at = Timestamp::now();
    Manifest {
        id: MessageId::fresh(at.as_second()).expect("chance"),
        mailbox: "inbox".into(),
        number: "+15035550100".into(),
        caller: "+15035550999".into(),
        name: "Lopez, María".into(),
        why: Why::NoAnswer,
        call_id: "abc@example".into(),
        node: "pdx-1".into(),
        at,
        law: Law::Mu,
        millis: 0,
        lost_percent: 0.0,
        jitter_millis: 0.0,
        source_changes: 0,
        end: End::HungUp,
        whole: true,
        urgent: false,
        sealed: false,
    }
}

/// Sound that is nowhere the same for long.
pub(crate) fn sound(seconds: usize) -> Vec<u8> {
    let mut word = 1_u32;
    let next = |_| {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // 0x7f is a second zero in µ-law.
        if word >> 24 == 0x7f { 0xff } else { (word >> 24) as u8 }
    };
    (0..seconds * 8_000).map(next).collect()
}
