//! Plans that lie in a folder of their own.

use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tandem::cli::check::answer;
use tandem::config::{Loaded, Refused, load};
use tandem::diagnostic::Colour;

/// A folder with these files, gone with its owner.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let nth = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tandem-includes-{}-{nth}", std::process::id()));
        let folder = Self(path);
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &[u8]) {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// What `tandem check` says of the folder.
    pub(crate) fn check(&self) -> String {
        answer(&self.0, now(), Colour::Off).text.replace(self.0.to_str().unwrap(), "DIR")
    }

    /// The problems, one a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let problems: Vec<String> = match self.load() {
            Ok(loaded) => loaded.warnings.iter().map(|warning| warning.line(&loaded.source)).collect(),
            Err(refused) => refused.lines().collect(),
        };
        problems.iter().map(|line| line.replace(self.0.to_str().unwrap(), "DIR")).collect()
    }

    pub(crate) fn load(&self) -> Result<Loaded, Refused> {
        load(&self.0, now())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}
