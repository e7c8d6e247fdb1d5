//! `tandem init`: a few questions, and a commented plan file that `tandem check` finds nothing wrong with.

mod answers;
mod ask;
mod text;

use crate::cli::check::{answer, colour};
use crate::diagnostic::Colour;
use answers::{Answers, Topic};
use ask::{Asked, ask};
use clap::Args;
use core::fmt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line says. What is not said here is asked, if there is a terminal.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// What the business calls itself
    #[arg(long, value_name = "NAME")]
    pub business: Option<String>,
    /// What answers calls today, by its SIP address; several times for several, in the order in which they ring; none, if mobiles alone do
    #[arg(long, value_name = "NAME=ADDRESS")]
    pub site: Vec<String>,
    /// Who brings the calls; several times for several, or with the same name for another address
    #[arg(long, value_name = "NAME=ADDRESS")]
    pub carrier: Vec<String>,
    /// A number that is called, or a block of them (+15035550110..0119)
    #[arg(long)]
    pub number: Vec<String>,
    /// When somebody is there: `mon-fri 08:00-17:00`; always, if not given
    #[arg(long)]
    pub hours: Vec<String>,
    /// By which clock; that of this machine, if not given
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Whose mobile rings when nobody answers there, or if nothing is there
    #[arg(long, value_name = "NAME=NUMBER")]
    pub person: Vec<String>,
    /// An answering service that comes after them
    #[arg(long, value_name = "NAME=NUMBER")]
    pub service: Vec<String>,
    /// Who gets voicemail by mail; without it callers hear at the end that all lines are busy
    #[arg(long, value_name = "EMAIL")]
    pub mailbox: Vec<String>,
    /// By which server mail leaves
    #[arg(long, value_name = "HOST:PORT")]
    pub smtp: Option<String>,
    /// In whose name; `voicemail@` the domain of the mailbox, if not given
    #[arg(long, value_name = "EMAIL")]
    pub mail_from: Option<String>,
    /// The plan file to write, or a folder to write a `tandem.toml` into
    #[arg(short, long, value_name = "FILE", default_value = "tandem.toml")]
    pub output: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    pub force: bool,
}

/// What this machine says of itself.
#[derive(Clone, Debug)]
pub struct Here {
    /// Its time zone, if it has one with a name.
    pub zone: Option<String>,
    /// What time it is.
    pub now: Timestamp,
    /// How what is said afterwards is drawn.
    pub colour: Colour,
}

/// Why no file was written.
#[derive(Debug)]
pub enum Stop {
    /// Nobody is there to ask for what these flags say.
    Missing(Vec<&'static str>),
    /// What this flag says cannot be.
    Wrong(&'static str, String),
    /// What this flag says has no effect.
    Idle(&'static str),
    /// What this flag says was asked for, and no answer could be.
    Refused(&'static str),
    /// There are no more answers.
    Ended,
    /// There is a file already.
    Exists(PathBuf),
    /// The system does not write it.
    Unwritable(PathBuf, io::Error),
}

/// Asks, writes, and says what next; exit status 2 if there are not enough answers or the file is there, 1 if it cannot be written.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let zone = TimeZone::system();
    let zone = zone.iana_name().filter(|_| !zone.is_unknown()).map(str::to_owned);
    let here = Here { zone, now: Timestamp::now(), colour: colour() };
    let is_terminal = io::stdin().is_terminal();
    let mut lines = io::stdin().lock();
    let input: Option<&mut dyn BufRead> = if is_terminal { Some(&mut lines) } else { None };
    match init(options, &here, input, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("tandem init: {stop}");
            ExitCode::from(stop.status())
        }
    }
}

/// The whole conversation; `input` is `None` if nobody is there to answer.
///
/// # Errors
/// Nothing was written.
pub fn init(
    options: &Options,
    here: &Here,
    input: Option<&mut dyn BufRead>,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let path = options.path()?;
    let asked = Asked { input, out: &mut *out, zone: here.zone.as_deref(), now: here.now };
    let answers = ask(&options.given(), asked)?;
    let text = text::plan(&answers);
    write(&path, &text, options.force)?;
    let (file, lines) = (path.display(), text.lines().count());
    let wrote = format!("Wrote {file} ({lines} lines, commented). Nothing is running yet.\n\n");
    let said = wrote + &answer(&path, here.now, here.colour).text + &next(&path, &answers);
    // The file is there, also for who has gone away.
    let _ = out.write_all(said.as_bytes()).and_then(|()| out.flush());
    Ok(())
}

impl Options {
    /// Where the file goes; refused before anything is asked, if it cannot be there.
    fn path(&self) -> Result<PathBuf, Stop> {
        let path = if self.output.is_dir() { self.output.join("tandem.toml") } else { self.output.clone() };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(Err(error)) = folder.map(fs::metadata) {
            return Err(Stop::Unwritable(path, error));
        }
        // A link that leads nowhere is something too.
        if !self.force && path.symlink_metadata().is_ok() { Err(Stop::Exists(path)) } else { Ok(path) }
    }

    fn given(&self) -> Answers {
        let one = |said: &Option<String>| said.iter().cloned().collect::<Vec<_>>();
        let said = [
            (Topic::Business, one(&self.business)),
            (Topic::Sites, self.site.clone()),
            (Topic::Carriers, self.carrier.clone()),
            (Topic::Numbers, self.number.clone()),
            (Topic::Hours, self.hours.clone()),
            (Topic::Timezone, one(&self.timezone)),
            (Topic::People, self.person.clone()),
            (Topic::Services, self.service.clone()),
            (Topic::Emails, self.mailbox.clone()),
            (Topic::Smtp, one(&self.smtp)),
            (Topic::From, one(&self.mail_from)),
        ];
        said.into_iter().collect()
    }
}

/// Writes a file as a whole: whoever reads it meanwhile has the old one or the new one.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Stop> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let placed = fill(&draft, text).and_then(|()| place(&draft, path, force));
    placed.map_err(|error| {
        // It may not have come to be.
        let _ = fs::remove_file(&draft);
        if error.kind() == io::ErrorKind::AlreadyExists {
            Stop::Exists(path.to_owned())
        } else {
            Stop::Unwritable(path.to_owned(), error)
        }
    })
}

fn fill(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Gives the draft its name; without `force` only if nobody has it meanwhile.
fn place(draft: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(draft, path);
    }
    OpenOptions::new().write(true).create_new(true).open(path)?;
    fs::rename(draft, path).inspect_err(|_| {
        // It is ours, and empty.
        let _ = fs::remove_file(path);
    })
}

/// What to do with the file.
fn next(path: &Path, answers: &Answers) -> String {
    let file = word(&path.to_string_lossy());
    let mut numbers = answers.of(Topic::Numbers).iter().map(|said| said.split("..").next().unwrap_or(said));
    let number = numbers.find(|number| *number != "*").map_or_else(|| "NUMBER".to_owned(), word);
    let plan = if file == "tandem.toml" { String::new() } else { format!(" --plan {file}") };
    format!(
        "\n  see it     tandem explain {number}{plan}\n  break it   tandem check {file}\n  start it   tandem run {file}\n"
    )
}

/// A word as a shell reads it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '_' | '.' | '/');
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

impl Stop {
    /// The exit status that says so.
    const fn status(&self) -> u8 {
        match self {
            Self::Missing(_)
            | Self::Wrong(..)
            | Self::Idle(_)
            | Self::Refused(_)
            | Self::Ended
            | Self::Exists(_) => 2,
            Self::Unwritable(..) => 1,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(flags) => {
                write!(f, "nobody is here to be asked, and these are missing: {}", flags.join(", "))
            }
            Self::Wrong(flag, why) => write!(f, "{flag}: {why}"),
            Self::Idle(flag) => write!(f, "{flag} is of no use without --mailbox EMAIL"),
            Self::Refused(flag) => {
                write!(f, "nothing was written; once you know the answer, {flag} says it too")
            }
            Self::Ended => f.write_str("nothing was written: there are no more answers"),
            Self::Exists(path) => {
                write!(f, "{} is there already; --force overwrites it", path.display())
            }
            Self::Unwritable(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
        }
    }
}

impl core::error::Error for Stop {}
