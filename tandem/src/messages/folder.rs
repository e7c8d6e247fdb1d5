//! Messages on disk: each file is written under another name, flushed, then renamed into place, so that whatever stands there
//! is whole.

use super::heard::Heard;
use super::id::MessageId;
use super::manifest::{Law, Manifest};
use crate::whole::{DRAFT, flush, json_of, replace};
use agent::tape::SEGMENT;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The folder of all messages of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// How far a message has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// It is complete, as this says.
    Finished(Manifest),
    /// Whoever recorded it has not come to its end: this was known when it began.
    Begun(Manifest),
}

impl Folder {
    /// The folder below a node's data; it need not be there.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { path: data.join("messages") }
    }

    /// Where a message is kept.
    #[must_use]
    pub fn place(&self, id: &MessageId) -> PathBuf {
        self.path.join(id.as_str())
    }

    /// Makes the folder if it is not there, for its owner alone.
    ///
    /// # Errors
    /// The operating system does not allow it.
    pub fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.path)
    }

    /// Begins a message with what is known of it.
    ///
    /// # Errors
    /// Nothing of it is kept then.
    pub fn begin(&self, head: &Manifest) -> io::Result<()> {
        let place = self.place(&head.id);
        DirBuilder::new().mode(FOLDER_MODE).create(&place)?;
        replace(&place, HEAD, &json(head)?)?;
        flush(&self.path)
    }

    /// Keeps a part of its sound.
    ///
    /// # Errors
    /// The part is lost; the parts before it are not.
    pub fn segment(&self, id: &MessageId, name: &str, bytes: &[u8]) -> io::Result<()> {
        replace(&self.place(id), name, bytes)
    }

    /// Ends a message.
    ///
    /// # Errors
    /// It stays as one that has begun.
    pub fn finish(&self, manifest: &Manifest) -> io::Result<()> {
        replace(&self.place(&manifest.id), MANIFEST, &json(manifest)?)
    }

    /// Marks that a recipient has a message, so that no loss of the store sends it again.
    ///
    /// # Errors
    /// It is not marked.
    pub fn mark_sent(&self, id: &MessageId, recipient: &str) -> io::Result<()> {
        let mut sent = self.sent(id)?;
        if !sent.iter().any(|before| before == recipient) {
            sent.push(recipient.to_owned());
            replace(&self.place(id), SENT, &serde_json::to_vec(&sent)?)?;
        }
        Ok(())
    }

    /// Who has a message, as far as it was marked.
    ///
    /// # Errors
    /// The mark cannot be read.
    pub fn sent(&self, id: &MessageId) -> io::Result<Vec<String>> {
        json_of(&self.place(id).join(SENT), MANIFEST_MAX).map(Option::unwrap_or_default)
    }

    /// Marks who has heard a message; `None`: nobody has.
    ///
    /// # Errors
    /// It stays as it was.
    pub fn mark_heard(&self, id: &MessageId, heard: Option<&Heard>) -> io::Result<()> {
        let place = self.place(id);
        match heard {
            Some(heard) => replace(&place, HEARD, &serde_json::to_vec(heard)?),
            None => match fs::remove_file(place.join(HEARD)) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                done => done.and_then(|()| flush(&place)),
            },
        }
    }

    /// Who has heard a message; `None` if nobody has.
    ///
    /// # Errors
    /// The mark cannot be read.
    pub fn heard(&self, id: &MessageId) -> io::Result<Option<Heard>> {
        json_of(&self.place(id).join(HEARD), MANIFEST_MAX)
    }

    /// Whether somebody has heard a message.
    #[must_use]
    pub fn is_heard(&self, id: &MessageId) -> bool {
        self.place(id).join(HEARD).exists()
    }

    /// What is known of a message; `None` if there is none of this name.
    ///
    /// # Errors
    /// It is there and cannot be read, or is no manifest.
    pub fn read(&self, id: &MessageId) -> io::Result<Option<Stored>> {
        let place = self.place(id);
        if let Some(manifest) = json_of(&place.join(MANIFEST), MANIFEST_MAX)? {
            return Ok(Some(Stored::Finished(manifest)));
        }
        Ok(json_of(&place.join(HEAD), MANIFEST_MAX)?.map(Stored::Begun))
    }

    /// The sound of a message, its segments one after the other; silence stands for those that are missing.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn sound(&self, id: &MessageId, law: Law) -> io::Result<Vec<u8>> {
        let mut sound = Vec::new();
        for (number, file) in self.segments(id)? {
            let Some(name) = file.strip_suffix(law.extension()).and_then(|name| name.strip_suffix('.'))
            else {
                let title = format!("{file} is sealed: this node cannot read it");
                return Err(io::Error::new(ErrorKind::PermissionDenied, title));
            };
            debug_assert!(name.parse() == Ok(number));
            sound.resize((number * SEGMENT).max(sound.len()), law.g711().silence());
            File::open(self.place(id).join(&file))?.take(SEGMENT_MAX).read_to_end(&mut sound)?;
        }
        Ok(sound)
    }

    /// The segments of a message with their numbers, in their order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn segments(&self, id: &MessageId) -> io::Result<Vec<(usize, String)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.place(id))? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            // What bears another name is a draft, or none of ours.
            let number = name.split_once('.').filter(|_| !name.ends_with(DRAFT));
            if let Some(Ok(number)) = number.map(|(number, _)| number.parse::<usize>())
                && number < SEGMENTS_MAX
            {
                found.push((number, name));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Bytes of the segments of a message.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn size(&self, id: &MessageId) -> io::Result<u64> {
        let place = self.place(id);
        let names = self.segments(id)?;
        names.iter().map(|(_, name)| Ok(fs::metadata(place.join(name))?.len())).sum()
    }

    /// All messages, oldest first; none if the folder is not there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<MessageId>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name().into_string().unwrap_or_default();
            found.extend(MessageId::try_from(name));
        }
        found.sort();
        Ok(found)
    }

    /// Deletes a message for good. One that is not there is deleted.
    ///
    /// # Errors
    /// The operating system does not allow it.
    pub fn remove(&self, id: &MessageId) -> io::Result<()> {
        match fs::remove_dir_all(self.place(id)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done.and_then(|()| flush(&self.path)),
        }
    }

    /// Bytes that are free on its disk.
    ///
    /// # Errors
    /// The operating system does not know.
    pub fn free(&self) -> io::Result<u64> {
        free_at(&self.path)
    }
}

/// Bytes that are free on the disk of a folder.
///
/// # Errors
/// The operating system does not know.
pub fn free_at(path: &Path) -> io::Result<u64> {
    let found = nix::sys::statvfs::statvfs(path)?;
    Ok(found.blocks_available().saturating_mul(found.fragment_size()))
}

/// How the file of a segment is called.
#[must_use]
pub fn segment_name(number: usize, law: Law) -> String {
    format!("{number:03}.{}", law.extension())
}

/// Segments of a message: an hour and more.
pub const SEGMENTS_MAX: usize = 1_000;

fn json(manifest: &Manifest) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    Ok(text)
}

const HEAD: &str = "head.json";
const MANIFEST: &str = "message.json";
const SENT: &str = "sent.json";
const HEARD: &str = "heard.json";
const FOLDER_MODE: u32 = 0o700; // What callers say is for those who are to hear it.
const MANIFEST_MAX: u64 = 1 << 20; // They have some hundred bytes; what comes over SIP has 64 KiB at most.
const SEGMENT_MAX: u64 = 1 << 20; // They have 40 kB; another file was put there by somebody else.

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::manifest::tests::manifest;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_kept_is_whole_and_its_owners_alone() {
        let data = crate::messages::testing::Scratch::new("folder");
        let folder = Folder::of(&data.path);
        folder.make().unwrap();
        let manifest = manifest(1);
        folder.begin(&manifest).unwrap();
        assert_eq!(folder.read(&manifest.id).unwrap(), Some(Stored::Begun(manifest.clone())));
        folder.segment(&manifest.id, "000.ul", &[1; SEGMENT]).unwrap();
        folder.segment(&manifest.id, "002.ul", &[3; 100]).unwrap();
        // Cut off while it was being written: it never was.
        fs::write(folder.place(&manifest.id).join("003.ul.draft"), [9; 100]).unwrap();
        folder.finish(&manifest).unwrap();
        assert_eq!(folder.read(&manifest.id).unwrap(), Some(Stored::Finished(manifest.clone())));
        for to in ["mailto:a@b", "https://c", "mailto:a@b"] {
            folder.mark_sent(&manifest.id, to).unwrap();
        }
        assert_eq!(folder.sent(&manifest.id).unwrap(), ["mailto:a@b", "https://c"]);
        assert_eq!(folder.size(&manifest.id).unwrap(), SEGMENT as u64 + 100);
        let sound = folder.sound(&manifest.id, Law::Mu).unwrap();
        let runs: Vec<_> = sound.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs, [(1, SEGMENT), (0xff, SEGMENT), (3, 100)]);

        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let place = folder.place(&manifest.id);
        assert_eq!([mode(data.path.join("messages")), mode(place.clone())], [0o700, 0o700]);
        assert_eq!([mode(place.join("000.ul")), mode(place.join("message.json"))], [0o600, 0o600]);

        assert_eq!(folder.list().unwrap(), std::slice::from_ref(&manifest.id));
        folder.remove(&manifest.id).unwrap();
        folder.remove(&manifest.id).unwrap();
        assert_eq!((folder.list().unwrap(), folder.read(&manifest.id).unwrap()), (vec![], None));
    }

    #[test]
    fn a_manifest_that_is_none_is_an_error_and_no_folder_is_no_messages() {
        let data = crate::messages::testing::Scratch::new("no-folder");
        let folder = Folder::of(&data.path);
        assert_eq!(folder.list().unwrap(), []);
        folder.make().unwrap();
        let manifest = manifest(1);
        folder.begin(&manifest).unwrap();
        fs::write(folder.place(&manifest.id).join("message.json"), "{}").unwrap();
        assert_eq!(folder.read(&manifest.id).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
