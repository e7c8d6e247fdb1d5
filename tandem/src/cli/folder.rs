//! Where the data folder is, and what becomes of a question that cannot be asked.

use crate::cli::check::{Answer, print};
use crate::config::{self, Loaded};
use crate::store::{self, StoreError};
use clap::Args;
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line says of it.
#[derive(Clone, Debug, Args)]
pub struct Folder {
    /// The plan file, or a folder with a `tandem.toml`; the one here, if not given
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// The data folder of the node, if not the one that the plan file names
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Trouble {
    /// The plan file has errors.
    Plan(Box<config::Refused>),
    /// The store cannot be read.
    Store(StoreError),
}

impl Folder {
    /// Opens the store in it. If nothing is said, it is the folder of the `tandem.toml` here; without one that of `[node]`
    /// if nothing is written there.
    ///
    /// # Errors
    /// The plan file has errors, or there is no store.
    pub fn open(&self, now: Timestamp) -> Result<Connection, Trouble> {
        store::read(&self.path(now)?).map_err(Trouble::Store)
    }

    /// The plan file that is meant.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.plan.clone().unwrap_or_else(|| "tandem.toml".into())
    }

    /// Has a verb read the plan file and the store beside it, and prints what it says of them; exit status 1 if the plan file has errors,
    /// else see [`Trouble::tell`].
    pub(crate) fn ask(
        &self,
        verb: &str,
        now: Timestamp,
        answer: impl FnOnce(&Connection, &Loaded) -> rusqlite::Result<Answer>,
    ) -> ExitCode {
        let loaded = match config::load(&self.file(), now) {
            Ok(loaded) => loaded,
            Err(refused) => {
                let text = format!("{refused}tandem {verb}: this plan file would not be used.\n");
                return print(&Answer { text, fine: false });
            }
        };
        let data = self.data.as_ref().unwrap_or(&loaded.node.data);
        let told = store::read(data).map_err(Trouble::Store);
        let told = told.and_then(|db| answer(&db, &loaded).map_err(Trouble::from));
        told.map_or_else(|trouble| trouble.tell(verb), |answer| print(&answer))
    }

    /// Where the data folder is. A plan file that has errors says that all the same, if it can be read so far: whoever wants to take it
    /// back needs the node.
    ///
    /// # Errors
    /// In words: the plan file does not say.
    pub fn data(&self, now: Timestamp) -> Result<PathBuf, String> {
        match self.path(now) {
            Ok(path) => Ok(path),
            Err(Trouble::Plan(refused)) => config::data_of(&refused.source).ok_or_else(|| {
                format!("{refused}\nwhere the data folder is stands in the plan file; or say --data")
            }),
            Err(Trouble::Store(error)) => Err(error.to_string()),
        }
    }

    fn path(&self, now: Timestamp) -> Result<PathBuf, Trouble> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let here = Path::new("tandem.toml");
        let plan = match &self.plan {
            Some(plan) => plan,
            None if here.exists() => here,
            None => return Ok(config::NodeSettings::default().data),
        };
        let loaded = config::load(plan, now).map_err(|refused| Trouble::Plan(Box::new(refused)))?;
        Ok(loaded.node.data)
    }
}

impl Trouble {
    /// Says so on standard error; exit status 2 for a plan file with errors, 3 for a store that cannot be read.
    #[must_use]
    pub fn tell(&self, verb: &str) -> ExitCode {
        match self {
            Self::Plan(refused) => {
                eprintln!(
                    "{refused}tandem {verb}: where the data folder is stands in the plan file; or say --data"
                );
                ExitCode::from(2)
            }
            Self::Store(error) => {
                eprintln!("tandem {verb}: {error}");
                ExitCode::from(3)
            }
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(StoreError::Unusable(format!("the store cannot be read: {error}")))
    }
}
