//! A folder that is gone when its test is over.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::path::PathBuf;

/// An empty folder of its own; removed with everything in it when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let place = PLACES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tandem-e2e-{}-{place}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a new folder can be made");
        Self(path)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What a file in it says so far; nothing if it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.file(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is in the folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

static PLACES: AtomicUsize = AtomicUsize::new(0);
