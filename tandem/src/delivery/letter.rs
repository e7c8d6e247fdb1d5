//! One letter: what is needed for one try, and the try.

use super::mail::{WAV_MAX, compose};
use super::smtp::{self, Patience};
use super::verdict::{Setting, Verdict};
use super::webhook::{self, Post};
use super::words::{Sound, Words};
use crate::config::{Attach, Mailbox, Mailboxes};
use crate::messages::folder::{Folder, Stored};
use crate::messages::id::MessageId;
use crate::messages::manifest::Manifest;
use crate::store::outbox::Letter;
use agent::wav;
use lettre::Address;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::ClientConfig;

/// What a try needs beside the letter.
#[derive(Clone, Debug)]
pub struct Try {
    /// The mailboxes of the plan in force.
    pub mailboxes: Arc<Mailboxes>,
    /// Where messages are.
    pub folder: Folder,
    /// Sound in the clear of a message that is sealed on disk.
    pub plain: Option<Arc<[u8]>>,
    /// With whom webhooks may be spoken to.
    pub tls: Arc<ClientConfig>,
    /// How long is waited for.
    pub patience: Patience,
    /// The time in seconds since 1970.
    pub unix: i64,
}

/// Tries to deliver a letter.
pub async fn deliver(letter: Letter, with: Try) -> (Letter, Verdict) {
    let verdict = match letter.recipient.strip_prefix("mailto:") {
        Some(address) => by_mail(&letter, address.to_owned(), with).await,
        None => by_webhook(&letter, with).await,
    };
    (letter, verdict)
}

async fn by_mail(letter: &Letter, address: String, with: Try) -> Verdict {
    let Some(server) = with.mailboxes.mail.clone() else {
        return Verdict::Later("the plan does not say how mail leaves".into(), Some(Setting::Smtp));
    };
    let Ok(to) = address.parse::<Address>() else { return Verdict::Dead("this is no address".into()) };
    let Some(from) = server.from.parse::<lettre::message::Mailbox>().ok().map(|from| from.email) else {
        return Verdict::Later("`from` is no address".into(), Some(Setting::From));
    };
    let (message, patience) = (letter.message.clone(), with.patience);
    let (written, recipient) = (server.from.clone(), to.clone());
    let mail = spawn_blocking(move || {
        let manifest = manifest(&with.folder, &message)?;
        let nobody = Mailbox::default();
        let mailbox = with.mailboxes.by_name.get(manifest.mailbox.as_str()).unwrap_or(&nobody);
        let (sound, file) = sound(&manifest, mailbox, &with)?;
        let words = Words { manifest: &manifest, mailbox, all: &with.mailboxes, sound };
        compose(&words, &written, &recipient, file).map_err(|why| Verdict::Later(why, Some(Setting::From)))
    });
    let name = from.domain().to_owned();
    match finished(mail.await) {
        Ok(mail) => smtp::send(&server, &name, from, to, &mail, patience).await,
        Err(verdict) => verdict,
    }
}

async fn by_webhook(letter: &Letter, with: Try) -> Verdict {
    let mailbox = with.mailboxes.by_name.get(letter.mailbox.as_str());
    let hook = mailbox.and_then(|mailbox| mailbox.webhook.clone());
    let business = mailbox.map_or("", |mailbox| with.mailboxes.business_of(mailbox)).to_owned();
    let Some(hook) = hook.filter(|hook| *hook.url == *letter.recipient) else {
        return Verdict::Dead("the plan does not have this webhook any more".into());
    };
    let (message, folder) = (letter.message.clone(), with.folder);
    let body = spawn_blocking(move || Ok(webhook::body(&manifest(&folder, &message)?, &business)));
    match finished(body.await) {
        Ok(body) => {
            let signature = webhook::signature(hook.secret.as_str(), with.unix, &body);
            let post = Post { url: hook.url, key: letter.message.clone(), signature, body };
            webhook::post(post, with.tls, with.patience.answer).await
        }
        Err(verdict) => verdict,
    }
}

fn finished<T>(done: Result<Result<T, Verdict>, tokio::task::JoinError>) -> Result<T, Verdict> {
    // A bug in what is written of one message must not keep the others; the hook has printed where it was.
    done.unwrap_or_else(|error| Err(Verdict::Later(error.to_string(), None)))
}

fn manifest(folder: &Folder, message: &str) -> Result<Manifest, Verdict> {
    let gone = || Verdict::Dead("the message is not on the disk any more".into());
    let id = MessageId::try_from(message.to_owned()).map_err(|_| gone())?;
    match folder.read(&id) {
        Ok(Some(Stored::Finished(manifest))) => Ok(manifest),
        Ok(Some(Stored::Begun(_)) | None) => Err(gone()),
        Err(error) => Err(Verdict::Later(error.to_string(), None)),
    }
}

/// What becomes of the sound, and the file to attach.
fn sound(manifest: &Manifest, mailbox: &Mailbox, with: &Try) -> Result<(Sound, Option<Vec<u8>>), Verdict> {
    if manifest.millis == 0 {
        return Ok((Sound::Nothing, None));
    }
    match mailbox.attach {
        Attach::Sound => {}
        elsewhere @ (Attach::Link | Attach::Notice) => return Ok((Sound::Elsewhere(elsewhere), None)),
    }
    let heard = match (&with.plain, manifest.sealed) {
        (Some(plain), _) => plain.to_vec(),
        (None, true) => return Ok((Sound::Sealed, None)),
        (None, false) => with
            .folder
            .sound(&manifest.id, manifest.law)
            .map_err(|error| Verdict::Later(error.to_string(), None))?,
    };
    let file = wav::write(&heard, manifest.law.g711());
    Ok(if file.len() > WAV_MAX { (Sound::TooLong, None) } else { (Sound::Attached, Some(file)) })
}
