//! The folder of the plan file: gone with the demo, unless it is to be kept.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder for one run. What the node itself keeps is gone when this is dropped; the plan file stays if it was asked
/// for.
#[derive(Debug)]
pub(super) struct Folder {
    /// Deleted with all that is in it.
    fleeting: PathBuf,
    plan: PathBuf,
}

impl Folder {
    /// Makes a folder of our own under the system's for temporary files; the plan file goes there, or into `keep`.
    ///
    /// # Errors
    /// What went wrong, in a sentence with a way out.
    pub(super) fn make(keep: Option<&Path>) -> Result<Self, String> {
        let fleeting = fresh(&std::env::temp_dir())?;
        let folder = Self { plan: keep.unwrap_or(&fleeting).join("tandem.toml"), fleeting };
        if let Some(keep) = keep {
            fs::create_dir_all(keep).map_err(|error| {
                format!("cannot make the folder {}: {error}; give --keep another one", keep.display())
            })?;
        }
        if folder.plan.exists() {
            let plan = folder.plan.display();
            return Err(format!("{plan} is there already and is left alone; give --keep another folder"));
        }
        Ok(folder)
    }

    /// Where the plan file goes.
    pub(super) fn plan(&self) -> &Path {
        &self.plan
    }

    /// Where the node keeps its state.
    pub(super) fn data(&self) -> PathBuf {
        self.fleeting.join("data")
    }

    /// Writes the plan file.
    ///
    /// # Errors
    /// What went wrong, in a sentence with a way out.
    pub(super) fn write_plan(&self, text: &str) -> Result<(), String> {
        fs::write(&self.plan, text).map_err(|error| {
            format!(
                "cannot write {}: {error}; give --keep another folder, or set TMPDIR",
                self.plan.display()
            )
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whatever is left then is the system's to clear.
        let _ = fs::remove_dir_all(&self.fleeting);
    }
}

/// A folder that was not there before and that nobody else may look into.
fn fresh(parent: &Path) -> Result<PathBuf, String> {
    let process = std::process::id();
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        let path = parent.join(format!("tandem-demo-{process}-{attempt}"));
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = Some(error),
            Err(error) => {
                last = Some(error);
                break;
            }
        }
    }
    let error = last.map(|error| error.to_string()).unwrap_or_default();
    Err(format!("cannot make a folder in {}: {error}; set TMPDIR to one you may write", parent.display()))
}

const ATTEMPTS: u32 = 16; // Left behind by that many killed demos of the same process number.

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gone_with_its_owner_and_a_kept_plan_is_not() {
        let keep = std::env::temp_dir().join(format!("tandem-kept-{}", std::process::id()));
        let folder = Folder::make(Some(&keep)).unwrap();
        let fleeting = folder.fleeting.clone();
        folder.write_plan("a plan").unwrap();
        assert!(fleeting.is_dir() && keep.join("tandem.toml").is_file());
        assert!(Folder::make(Some(&keep)).unwrap_err().contains("is there already"));
        drop(folder);
        assert!(!fleeting.exists() && keep.join("tandem.toml").is_file());
        fs::remove_dir_all(keep).unwrap();
    }
}
