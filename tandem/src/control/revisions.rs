//! The plans that were in force, as the files that they were: `<data>/revisions/12/`, each file as it stood, and who brought it
//! and why. So an earlier plan can come into force again whatever has become of the file, and be copied from there.

use crate::config::Source;
use crate::whole::replace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Where they are.
#[derive(Clone, Debug)]
pub struct Revisions {
    folder: PathBuf,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// Its number: the first is 1.
    pub number: u64,
    /// When it first came into force, in seconds since 1970.
    pub since: i64,
    /// Who brought it.
    pub who: String,
    /// Why.
    pub why: String,
    /// The plan file and those that it includes, by their paths from the folder of the plan file; the plan file first.
    files: Vec<PathBuf>,
}

impl Revisions {
    /// Those in this data folder.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("revisions") }
    }

    /// Keeps the files of a plan, under its number.
    ///
    /// # Errors
    /// The disk does not take it; of it nothing is left then, or a folder without a word about it, which is none.
    pub fn keep(&self, source: &Source, revision: (u64, i64), who: &str, why: &str) -> io::Result<()> {
        let (number, since) = revision;
        let folder = self.folder(number);
        let _ = fs::remove_dir_all(&folder);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let home = Path::new(source.path()).parent().unwrap_or(Path::new(""));
        let mut files = Vec::new();
        for (nth, (path, text)) in source.files().enumerate() {
            let from_home = Path::new(path).strip_prefix(home).unwrap_or(Path::new(path)).to_owned();
            replace(&folder, &kept_as(nth, &from_home), text.as_bytes())?;
            files.push(from_home);
        }
        let revision = Revision { number, since, who: who.to_owned(), why: why.to_owned(), files };
        replace(&folder, WORD, &serde_json::to_vec_pretty(&revision)?)
    }

    /// What is known of a revision.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn get(&self, number: u64) -> io::Result<Revision> {
        Ok(serde_json::from_slice(&fs::read(self.folder(number).join(WORD))?)?)
    }

    /// The files of a revision as a source; `plan` is where its plan file would be.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn source(&self, number: u64, plan: &str) -> io::Result<Source> {
        let revision = self.get(number)?;
        let (folder, home) = (self.folder(number), Path::new(plan).parent().unwrap_or(Path::new("")));
        let mut texts = Vec::new();
        for (nth, path) in revision.files.iter().enumerate() {
            let shown = if nth == 0 { plan.to_owned() } else { home.join(path).display().to_string() };
            texts.push((shown, fs::read_to_string(folder.join(kept_as(nth, path)))?));
        }
        Ok(Source::of_files(texts))
    }

    /// Is a revision the same text as this?
    #[must_use]
    pub fn is(&self, number: u64, source: &Source) -> bool {
        self.source(number, source.path()).is_ok_and(|kept| kept.text() == source.text())
    }

    /// The numbers of all that are kept, the first one first.
    #[must_use]
    pub fn numbers(&self) -> BTreeSet<u64> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return BTreeSet::new() };
        let number = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.ok()?;
            let number: u64 = entry.file_name().to_str()?.parse().ok()?;
            entry.path().join(WORD).exists().then_some(number)
        };
        entries.filter_map(number).collect()
    }

    /// Where the files of one are.
    #[must_use]
    pub fn folder(&self, number: u64) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Removes the oldest until [`KEPT`] are left and they have no more than 256 MiB; never one of `wanted`.
    pub fn prune(&self, wanted: &[u64]) {
        let numbers = self.numbers();
        let (mut count, mut bytes) = (0, 0);
        for number in numbers.into_iter().rev() {
            count += 1;
            bytes += size(&self.folder(number));
            if (count > KEPT || bytes > BYTES) && !wanted.contains(&number) {
                // What cannot be removed now is tried again at the next.
                let _ = fs::remove_dir_all(self.folder(number));
            }
        }
    }
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

/// How a file is called there: two files of a plan may have the same name in different folders.
fn kept_as(nth: usize, path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    if nth == 0 { name.into_owned() } else { format!("{nth:04}-{name}") }
}

/// The file in each folder that says whose it is. No plan file is called so: it would have an extension.
const WORD: &str = ".revision";

/// Revisions that are kept: a hundred changes are months of them.
pub const KEPT: usize = 100;

/// And what they may take on the disk: the two that matter are kept however large.
const BYTES: u64 = 256 << 20;
