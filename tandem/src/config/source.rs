//! The text of a plan file: read with bounds, and places in it by line and column.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Span};
use core::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// A plan file as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
    /// The text with secrets blanked, byte for byte as long; `None` if there is none.
    drawn: Option<String>,
    /// The byte each line begins at.
    starts: Vec<usize>,
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
        let mut text: String = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let starts = core::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { path: path.into(), text, drawn: None, starts }
    }

    /// Reads a plan file; of a folder the `tandem.toml` in it.
    ///
    /// # Errors
    /// The file is missing, unreadable, over [`SIZE_MAX`] bytes or no UTF-8. The source then has only a path.
    pub fn read(path: &Path) -> Result<Self, Box<(Self, Diagnostic)>> {
        let inside = if path.is_dir() { path.join("tandem.toml") } else { path.to_owned() };
        let shown = inside.display().to_string();
        let refuse = |problem| Err(Box::new((Self::new(shown.clone(), ""), problem)));
        let bytes = match bytes(&inside, path.is_dir()) {
            Ok(bytes) => bytes,
            Err(problem) => return refuse(problem),
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(shown, text)),
            Err(error) => refuse(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to())),
        }
    }

    /// What problems call the file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1; a column is a character.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// The line of a byte, from 1. Cheap, unlike the column of a byte in a very long line.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    /// The text of a span.
    pub(crate) fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The whole lines that a span touches, with secrets blanked.
    pub(crate) fn lines(&self, span: Span) -> Window<'_> {
        let text = self.drawn.as_deref().unwrap_or(&self.text);
        let (line, last) = (self.line(span.start), self.line(span.end));
        let offset = self.starts.get(line - 1).copied().unwrap_or(0);
        let end = self.starts.get(last).copied().unwrap_or(text.len());
        Window { text: text.get(offset..end).unwrap_or(""), line, offset }
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

impl Window<'_> {
    /// A span of the source as a span of these lines; never outside of them.
    pub(crate) fn within(&self, span: &Span) -> Span {
        let at = |byte: usize| byte.saturating_sub(self.offset).min(self.text.len());
        at(span.start)..at(span.end)
    }
}

fn bytes(path: &Path, in_folder: bool) -> Result<Vec<u8>, Diagnostic> {
    let unreadable = |error: &std::io::Error| {
        if in_folder && error.kind() == ErrorKind::NotFound {
            Diagnostic::new(Code::E002, "this folder has no `tandem.toml`").help("name the plan file itself")
        } else {
            Diagnostic::new(Code::E002, format!("the plan file cannot be read: {error}"))
        }
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > SIZE_MAX {
        let title = format!("the plan file is larger than {} MiB", SIZE_MAX >> 20);
        return Err(Diagnostic::new(Code::E002, title).help(
            "is this the right file? A block of numbers takes one line: `\"+13125550100..9999\" = \"main\"`",
        ));
    }
    Ok(bytes)
}

/// Larger files are a mistake (a log, a disk image); half a million numbers fit.
pub const SIZE_MAX: u64 = 16 << 20;

fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    let before = bytes.get(..at).unwrap_or(&[]);
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or(&[])).chars().count() + 1;
    let mut found = String::new();
    for byte in bytes.get(at..).unwrap_or(&[]).iter().take(4) {
        let _ = write!(found, " {byte:02x}");
    }
    Diagnostic::new(Code::E002, format!("line {line}, column {column} is not UTF-8: bytes{found}"))
        .help("save the file as UTF-8 in your editor; an `ü` typed under another encoding does this")
}
