//! The text of a plan: of its file and of those that it includes, one after the other, and places in it by file, line and
//! column.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Span};
use core::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// A plan as text. A place in it is a byte, counted through all of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    text: String,
    /// The text with secrets blanked, byte for byte as long; `None` if there is none.
    drawn: Option<String>,
    /// The byte each row begins at; rows are lines, counted through all files.
    starts: Vec<usize>,
    /// Its files: the plan file, then those that it includes.
    parts: Vec<Part>,
}

/// One file of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What problems call it.
    pub(crate) path: String,
    /// The bytes of its text.
    pub(crate) span: Span,
    /// How many rows are before its first line.
    rows: usize,
}

/// Whole lines of a source.
pub(crate) struct Window<'a> {
    /// The lines.
    pub(crate) text: &'a str,
    /// The number of the first one.
    pub(crate) line: usize,
    offset: usize,
}

impl Source {
    /// A file that is already in memory. `path` is what problems call it; a byte order mark is taken off.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of_files([(path.into(), text.into())])
    }

    /// Files that are in memory, the plan file first, each with what problems call it.
    #[must_use]
    pub fn of_files(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut source = Self { text: String::new(), drawn: None, starts: Vec::new(), parts: Vec::new() };
        files.into_iter().for_each(|(path, text)| source.add(path, &text));
        source
    }

    /// The plan file in a folder: `tandem.toml`, or `tandem.json` where that is not there.
    fn of_folder(folder: &Path) -> PathBuf {
        let (toml, json) = (folder.join("tandem.toml"), folder.join("tandem.json"));
        if !toml.exists() && json.exists() { json } else { toml }
    }

    /// Reads a plan file; of a folder the `tandem.toml` or `tandem.json` in it.
    ///
    /// # Errors
    /// The file is missing, unreadable, over [`SIZE_MAX`] bytes or no UTF-8. The source then has only a path.
    pub fn read(path: &Path) -> Result<Self, Box<(Self, Diagnostic)>> {
        let inside = match path.is_dir() {
            true => Self::of_folder(path),
            false => path.to_owned(),
        };
        let shown = inside.display().to_string();
        match text_of(&inside, SIZE_MAX) {
            Ok(text) => Ok(Self::new(shown, text)),
            Err(unreadable) => {
                let problem = unreadable.of_the_plan(path.is_dir());
                Err(Box::new((Self::new(shown, ""), problem)))
            }
        }
    }

    /// Adds a file, behind those that are there.
    pub(crate) fn add(&mut self, path: String, text: &str) {
        if !self.parts.is_empty() {
            // Between files, so that the end of one is not the beginning of the next.
            self.text.push('\n');
        }
        let (start, rows) = (self.text.len(), self.starts.len());
        self.text.push_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        let added = self.text.get(start..).unwrap_or_default();
        let starts = added.match_indices('\n').map(|(at, _)| start + at + 1);
        self.starts.extend(core::iter::once(start).chain(starts));
        self.parts.push(Part { path, span: start..self.text.len(), rows });
    }

    /// What problems call the plan file.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts.first().map_or("", |part| &part.path)
    }

    /// The text of all files, each without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files with their texts, the plan file first.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|part| (&*part.path, self.slice(&part.span)))
    }

    /// The files, the plan file first.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The files behind the first one: how many rows are before each, and what problems call it.
    pub(crate) fn included(&self) -> impl Iterator<Item = (u32, &str)> {
        let included = self.parts.iter().skip(1);
        included.map(|part| (u32::try_from(part.rows).unwrap_or(u32::MAX), &*part.path))
    }

    /// The file that a byte is in.
    pub(crate) fn part(&self, at: usize) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.span.start <= at);
        self.parts.get(after.saturating_sub(1))
    }

    /// What problems call the file that a byte is in.
    pub(crate) fn path_of(&self, at: usize) -> &str {
        self.part(at).map_or("", |part| &part.path)
    }

    /// A path that is written at a byte: one that begins nowhere begins beside the file that it is written in.
    pub(crate) fn beside(&self, at: usize, written: &str) -> PathBuf {
        Path::new(self.path_of(at)).parent().unwrap_or(Path::new("")).join(written)
    }

    /// Line and column of a byte in its file, both from 1; a column is a character.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let start = self.starts.get(self.row(at) - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or("");
        (self.line(at), before.chars().count() + 1)
    }

    /// The line of a byte in its file, from 1. Cheap, unlike the column of a byte in a very long line.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.row(at).saturating_sub(self.part(at).map_or(0, |part| part.rows)).max(1)
    }

    /// The row of a byte, from 1: its line, counted through all files.
    pub(crate) fn row(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    /// The text of a span.
    pub(crate) fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The whole lines that a span in one file touches, with secrets blanked.
    pub(crate) fn lines(&self, span: Span) -> Window<'_> {
        let text = self.drawn.as_deref().unwrap_or(&self.text);
        let (row, last) = (self.row(span.start), self.row(span.end));
        let offset = self.starts.get(row - 1).copied().unwrap_or(0);
        let part_end = self.part(span.start).map_or(text.len(), |part| part.span.end);
        let end = self.starts.get(last).map_or(text.len(), |next| (*next).min(part_end.max(offset)));
        Window { text: text.get(offset..end).unwrap_or(""), line: self.line(span.start), offset }
    }

    /// Blanks these spans wherever the text is drawn; byte for byte, so that places stay the same.
    pub(crate) fn blank(&mut self, secrets: &[Span]) {
        let mut sorted = secrets.to_vec();
        sorted.sort_by_key(|span| span.start);
        let mut drawn = String::with_capacity(self.text.len());
        for span in &sorted {
            let from = drawn.len();
            let Some(secret) = self.text.get(from.max(span.start)..span.end) else { continue };
            drawn.push_str(self.text.get(from..span.start).unwrap_or(""));
            let hidden = |byte| if byte == b'\n' { '\n' } else { '*' };
            drawn.extend(secret.bytes().map(hidden));
        }
        if !drawn.is_empty() {
            drawn.push_str(self.text.get(drawn.len()..).unwrap_or(""));
            self.drawn = Some(drawn);
        }
    }
}

impl Part {
    /// Is it a file with a customer in each row? The plan file is none, whatever it is called.
    pub(crate) fn is_csv(&self) -> bool {
        self.span.start > 0 && self.path.ends_with(".csv")
    }

    /// Is it written in JSON?
    pub(crate) fn is_json(&self) -> bool {
        self.path.ends_with(".json")
    }
}

impl Window<'_> {
    /// A span of the source as a span of these lines; never outside of them.
    pub(crate) fn within(&self, span: &Span) -> Span {
        let at = |byte: usize| byte.saturating_sub(self.offset).min(self.text.len());
        at(span.start)..at(span.end)
    }
}

/// Why a file gives no text.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The system refuses.
    System(std::io::Error),
    /// It is a folder, a pipe, a socket or a device.
    NoFile,
    /// It has more bytes than it may.
    TooLarge,
    /// It is not UTF-8: where, and what stands there.
    NotUtf8(String),
}

/// The text of a file with at most so many bytes.
///
/// # Errors
/// There is none.
pub(crate) fn text_of(path: &Path, most: u64) -> Result<String, Unreadable> {
    // To open a pipe would wait for whoever writes into it, and a device may never end.
    if !std::fs::metadata(path).map_err(Unreadable::System)?.is_file() {
        return Err(Unreadable::NoFile);
    }
    let file = File::open(path).map_err(Unreadable::System)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(Unreadable::System)?;
    if bytes.len() as u64 > most {
        return Err(Unreadable::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn not_utf8(bytes: &[u8], at: usize) -> Unreadable {
    let before = bytes.get(..at).unwrap_or(&[]);
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or(&[])).chars().count() + 1;
    let mut found = String::new();
    for byte in bytes.get(at..).unwrap_or(&[]).iter().take(4) {
        let _ = write!(found, " {byte:02x}");
    }
    Unreadable::NotUtf8(format!("line {line}, column {column} is not UTF-8: bytes{found}"))
}

impl Unreadable {
    /// What is to be said if it is the plan file.
    fn of_the_plan(&self, in_folder: bool) -> Diagnostic {
        match self {
            Self::System(error) if in_folder && error.kind() == ErrorKind::NotFound => {
                Diagnostic::new(Code::E002, "this folder has no `tandem.toml`").help(
                    "name the plan file itself; the others of the folder belong to it by `include = [\"*.toml\"]` in it",
                )
            }
            Self::System(error) => {
                let problem = Diagnostic::new(Code::E002, format!("the plan file cannot be read: {error}"));
                problem.help("name a plan file, or a folder with a `tandem.toml`; `tandem init` writes a first one")
            }
            Self::NoFile => {
                let title = "the plan file cannot be read: it is no file";
                Diagnostic::new(Code::E002, title).help("write what comes by a pipe into a file first")
            }
            Self::TooLarge => {
                let title = format!("the plan file is larger than {} MiB", SIZE_MAX >> 20);
                Diagnostic::new(Code::E002, title).help(LARGE)
            }
            Self::NotUtf8(place) => Diagnostic::new(Code::E002, place.clone()).help(UTF8),
        }
    }
}

/// Larger files are a mistake (a log, a disk image); half a million numbers fit.
pub const SIZE_MAX: u64 = 16 << 20;

pub(crate) const LARGE: &str =
    "is this the right file? A block of numbers takes one line: `\"+13125550100..9999\" = \"main\"`";
pub(crate) const UTF8: &str =
    "save the file as UTF-8 in your editor; an `ü` typed under another encoding does this";
