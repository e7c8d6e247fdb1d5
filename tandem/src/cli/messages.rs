//! `tandem messages`: what callers left, who has it, and what could not be delivered. It reads spool and store beside the node, or
//! without one.

use crate::cli::check::{Answer, print};
use crate::config;
use crate::delivery::words::clean;
use crate::messages::folder::{Folder, Stored};
use crate::messages::heard::Heard;
use crate::messages::id::MessageId;
use crate::messages::manifest::Manifest;
use crate::messages::retention::REGRET;
use crate::store::outbox::{self, Handled, Letter, State};
use crate::store::{self, StoreError};
use agent::wav;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line says.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The plan file, or a folder with a `tandem.toml`: it says where messages are
    #[arg(long, value_name = "PLAN", default_value = "tandem.toml", global = true)]
    plan: PathBuf,
    /// The data folder, instead of what the plan file says
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Of this mailbox alone
    #[arg(long, value_name = "NAME")]
    mailbox: Option<String>,
    /// Those that somebody has not got who should have
    #[arg(long)]
    undelivered: bool,
    /// Those that were deleted by hand too
    #[arg(long)]
    all: bool,
    /// As JSON, one message a line
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    act: Option<Act>,
}

/// What is done with one message. An id may be cut short, as long as it is the only one that begins so.
#[derive(Clone, Debug, Subcommand)]
pub enum Act {
    /// Write the sound of a message to a WAV file
    Play {
        /// Which
        id: String,
        /// Where to; nothing that is there is overwritten
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Say who takes care of a message
    Claim {
        /// Which
        id: String,
        /// Who
        #[arg(long, value_name = "NAME")]
        by: String,
    },
    /// Delete a message; for seven days it can be brought back
    Delete {
        /// Which
        id: String,
        /// Who deletes it
        #[arg(long, value_name = "NAME", default_value = "the command line")]
        by: String,
        /// At once and for ever
        #[arg(long)]
        yes: bool,
    },
    /// Bring a deleted message back
    Restore {
        /// Which
        id: String,
    },
    /// Try once more to deliver what was given up
    Retry {
        /// Which
        id: String,
    },
}

/// Does it and prints what came of it; exit status 0 if it was done.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    print(&answer(options, Timestamp::now()))
}

/// What `tandem messages` says.
#[must_use]
pub fn answer(options: &Options, now: Timestamp) -> Answer {
    match done(options, now) {
        Ok(text) => Answer { text, fine: true },
        Err(why) => Answer { text: format!("tandem messages: {why}\n"), fine: false },
    }
}

/// Where things are, and by which clock.
struct Place {
    data: PathBuf,
    folder: Folder,
    zone: TimeZone,
    /// Mailboxes of which nothing may be deleted.
    held: Vec<String>,
}

fn done(options: &Options, now: Timestamp) -> Result<String, String> {
    let place = Place::of(options, now)?;
    let unix = now.as_second();
    match &options.act {
        None => list(options, &place),
        Some(Act::Play { id, to }) => play(&place, &place.find(id)?, to, now),
        Some(Act::Claim { id, by }) => {
            let id = place.find(id)?;
            let who = clean(by);
            if who.is_empty() {
                return Err("nobody has no name: --by NAME".into());
            }
            place.change(|db| outbox::claim(db, id.as_str(), &who, unix))?;
            // Whoever has it in hand knows of it: for nobody else it is new.
            place.mark_heard(&id, &who, now)?;
            Ok(format!("{who} takes care of {id}.\n"))
        }
        Some(Act::Delete { id, by, yes }) => delete(&place, &place.find(id)?, &clean(by), *yes, unix),
        Some(Act::Restore { id }) => {
            let id = place.find(id)?;
            place.change(|db| outbox::delete(db, id.as_str(), None))?;
            Ok(format!("{id} is back.\n"))
        }
        Some(Act::Retry { id }) => {
            let id = place.find(id)?;
            match place.change(|db| outbox::retry(db, id.as_str(), unix))? {
                0 => Err(format!("nothing of {id} was given up; `tandem messages` says how far it has come")),
                1 => Ok("1 letter will be tried again, within seconds if a node runs.\n".into()),
                more => Ok(format!("{more} letters will be tried again, within seconds if a node runs.\n")),
            }
        }
    }
}

impl Place {
    fn of(options: &Options, now: Timestamp) -> Result<Self, String> {
        let loaded = config::load(&options.plan, now);
        let (zone, held) = match &loaded {
            Ok(loaded) => {
                let held = loaded.mailboxes.by_name.iter().filter(|(_, mailbox)| mailbox.hold);
                (loaded.mailboxes.zone.clone(), held.map(|(name, _)| name.to_string()).collect())
            }
            Err(_) => (TimeZone::UTC, Vec::new()),
        };
        let data = match (&options.data, loaded) {
            (Some(data), _) => data.clone(),
            (None, Ok(loaded)) => loaded.node.data,
            (None, Err(_)) => {
                let file = options.plan.display();
                return Err(format!(
                    "{file} cannot be used (`tandem check {file}` says why): name another with --plan, or the data folder \
                     with --data"
                ));
            }
        };
        Ok(Self { folder: Folder::of(&data), data, zone, held })
    }

    /// The one message whose name begins so.
    fn find(&self, beginning: &str) -> Result<MessageId, String> {
        let all = self.folder.list().map_err(|error| self.unreadable(&error))?;
        let lower = beginning.to_ascii_lowercase();
        let mut found = all.into_iter().filter(|id| id.as_str().starts_with(&lower) && !lower.is_empty());
        match (found.next(), found.next()) {
            (Some(id), None) => Ok(id),
            (Some(_), Some(_)) => Err(format!("more than one message begins with {}", clean(beginning))),
            (None, _) => Err(format!("there is no message {} in {}", clean(beginning), self.data.display())),
        }
    }

    fn manifest(&self, id: &MessageId) -> Result<Manifest, String> {
        match self.folder.read(id).map_err(|error| self.unreadable(&error))? {
            Some(Stored::Finished(manifest)) => Ok(manifest),
            Some(Stored::Begun(_)) => Err(format!("{id} is being left at this moment")),
            None => Err(format!("{id} is gone")),
        }
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Result<T, String> {
        store::change(&self.data, work).map_err(|error| error.to_string())
    }

    /// Marks who has heard a message; whoever has before stays.
    fn mark_heard(&self, id: &MessageId, by: &str, now: Timestamp) -> Result<(), String> {
        if self.folder.is_heard(id) {
            return Ok(());
        }
        let heard = Heard { by: by.to_owned(), at: now };
        self.folder.mark_heard(id, Some(&heard)).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.data.join("messages").display())
    }
}

fn play(place: &Place, id: &MessageId, to: &Path, now: Timestamp) -> Result<String, String> {
    let manifest = place.manifest(id)?;
    if manifest.sealed {
        let files = place.folder.place(id);
        return Err(format!(
            "{id} is sealed: its owner opens it with `age --decrypt -i KEY` from the files in {}, and joins them",
            files.display()
        ));
    }
    let sound = place.folder.sound(id, manifest.law).map_err(|error| place.unreadable(&error))?;
    let file = wav::write(&sound, manifest.law.g711());
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| format!("{}: {error}", to.display()))?;
    out.write_all(&file).map_err(|error| format!("{}: {error}", to.display()))?;
    place.mark_heard(id, "the command line", now)?;
    Ok(format!("{}: {} s from {}\n", to.display(), manifest.millis.div_ceil(1_000), caller(&manifest)))
}

fn delete(place: &Place, id: &MessageId, by: &str, at_once: bool, unix: i64) -> Result<String, String> {
    let manifest = place.manifest(id)?;
    if place.held.contains(&manifest.mailbox) {
        return Err(format!("{id} may not be deleted: mailbox {} has `hold = true`", manifest.mailbox));
    }
    place.change(|db| {
        outbox::delete(db, id.as_str(), Some((by, unix)))?;
        if at_once { outbox::gone(db, id.as_str(), "deleted by hand", unix) } else { Ok(()) }
    })?;
    if at_once {
        place.folder.remove(id).map_err(|error| place.unreadable(&error))?;
        return Ok(format!("{id} is deleted for ever.\n"));
    }
    let days = REGRET.as_secs() / 86_400;
    Ok(format!("{id} is deleted. For {days} days: tandem messages restore {id}\n"))
}

/// One message with all that is known of it.
struct Line {
    manifest: Manifest,
    handled: Handled,
    heard: Option<Heard>,
    letters: Vec<Letter>,
}

fn list(options: &Options, place: &Place) -> Result<String, String> {
    let (db, mut text) = match store::read(&place.data) {
        Ok(db) => (Some(db), String::new()),
        Err(StoreError::Missing { .. }) => (None, String::new()),
        Err(error) if options.json => return Err(error.to_string()),
        Err(error) => (None, format!("what became of them is not known: {error}\n")),
    };
    let broken = |error: rusqlite::Error| error.to_string();
    let mut letters: BTreeMap<String, Vec<Letter>> = BTreeMap::new();
    if let Some(db) = &db {
        for letter in outbox::letters(db, None).map_err(broken)? {
            letters.entry(letter.message.clone()).or_default().push(letter);
        }
    }
    let mut lines = Vec::new();
    for id in place.folder.list().map_err(|error| place.unreadable(&error))? {
        let manifest = match place.folder.read(&id) {
            Ok(Some(Stored::Finished(manifest))) => manifest,
            Ok(Some(Stored::Begun(_)) | None) => continue,
            Err(error) => {
                text.push_str(&format!("{id} cannot be read: {error}\n"));
                continue;
            }
        };
        let handled = db.as_ref().map(|db| outbox::handled(db, id.as_str())).transpose().map_err(broken)?;
        let letters = letters.remove(id.as_str()).unwrap_or_default();
        let heard = place.folder.heard(&id).unwrap_or_default();
        lines.push(Line { manifest, handled: handled.unwrap_or_default(), heard, letters });
    }
    lines.retain(|line| {
        let mailbox = options.mailbox.as_ref().is_none_or(|wanted| *wanted == line.manifest.mailbox);
        let undelivered = line.letters.iter().any(|letter| letter.state != State::Sent);
        mailbox && (undelivered || !options.undelivered) && (options.all || line.handled.deleted.is_none())
    });
    if options.json {
        return Ok(lines.iter().map(|line| format!("{}\n", line.json())).collect());
    }
    text.push_str(&table(&lines, &place.zone));
    Ok(text)
}

fn table(lines: &[Line], zone: &TimeZone) -> String {
    if lines.is_empty() {
        return "No messages.\n".into();
    }
    let mut rows = vec![["MESSAGE", "LEFT", "MAILBOX", "FROM", "LENGTH", "STATE"].map(str::to_owned)];
    rows.extend(lines.iter().map(|line| line.row(zone)));
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

impl Line {
    fn row(&self, zone: &TimeZone) -> [String; 6] {
        let Manifest { id, mailbox, at, millis, urgent, .. } = &self.manifest;
        let left = at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let seconds = millis.div_ceil(1_000);
        let urgent = if *urgent { "urgent, " } else { "" };
        [
            id.to_string(),
            left,
            clean(mailbox),
            caller(&self.manifest),
            format!("{}:{:02}", seconds / 60, seconds % 60),
            format!("{urgent}{}", self.state()),
        ]
    }

    fn state(&self) -> String {
        if let Some((by, _)) = &self.handled.deleted {
            return format!("deleted by {}", clean(by));
        }
        let given_up = self.letters.iter().find(|letter| letter.state == State::Dead);
        let waits = self.letters.iter().find(|letter| letter.state == State::Due);
        let delivery = match (given_up, waits) {
            (Some(letter), _) => format!("NOT DELIVERED to {}: {}", whom(letter), clean(&letter.answer)),
            (None, Some(letter)) if letter.tries > 0 => {
                format!("waits after {} tries: {}", letter.tries, clean(&letter.answer))
            }
            (None, Some(_)) => "on its way".into(),
            (None, None) if self.letters.is_empty() => "kept".into(),
            (None, None) => "delivered".into(),
        };
        match (&self.handled.claimed, &self.heard) {
            (Some((by, _)), _) => format!("{delivery}; {} takes care of it", clean(by)),
            (None, Some(heard)) => format!("{delivery}; heard by {}", clean(&heard.by)),
            (None, None) => delivery,
        }
    }

    fn json(&self) -> Value {
        let by = |pair: &Option<(String, i64)>| {
            pair.as_ref().map(|(by, at)| json!({ "by": by, "at": moment(*at) }))
        };
        let letter = |letter: &Letter| {
            json!({
                "to": letter.recipient, "state": letter.state.as_str(), "tries": letter.tries,
                "next": (letter.state == State::Due).then(|| moment(letter.due)), "answer": letter.answer,
            })
        };
        let mut whole = json!(self.manifest);
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("claimed".into(), json!(by(&self.handled.claimed)));
            fields.insert("heard".into(), json!(self.heard));
            fields.insert("deleted".into(), json!(by(&self.handled.deleted)));
            fields.insert("letters".into(), self.letters.iter().map(letter).collect());
        }
        whole
    }
}

fn caller(manifest: &Manifest) -> String {
    let caller = clean(&manifest.caller);
    if caller.is_empty() { "a hidden number".into() } else { caller }
}

fn whom(letter: &Letter) -> &str {
    letter.recipient.strip_prefix("mailto:").unwrap_or(&letter.recipient)
}

fn moment(unix: i64) -> String {
    Timestamp::from_second(unix).map(|at| at.to_string()).unwrap_or_default()
}
