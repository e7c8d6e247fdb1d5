//! `tandem fmt PLAN`: the files of a plan in one form; what they say stays as it is.

use crate::cli::check::{Answer, count, print};
use crate::cli::layout::in_form;
use crate::codes::Code;
use crate::config::{Part, Source, read};
use crate::diagnostic::{Colour, Diagnostic, draw_all};
use jiff::Timestamp;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;
use std::process::ExitCode;

/// What becomes of a file that is not in its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is written.
    Write,
    /// It is named.
    Check,
}

/// Brings a plan into form; exit status 1 if a file has to be left as it is, or would change and is only checked.
#[must_use]
pub fn run(plan: &Path, mode: Mode) -> ExitCode {
    print(&answer(plan, mode, Timestamp::now()))
}

/// What `tandem fmt` does and says. `plan` is a plan file, or a folder with a `tandem.toml`.
#[must_use]
pub fn answer(plan: &Path, mode: Mode, now: Timestamp) -> Answer {
    let source = match Source::read(plan) {
        Ok(source) => source,
        Err(refused) => {
            let (source, problem) = *refused;
            let text = draw_all(&[problem], &source, Colour::Off);
            return Answer { text: format!("{text}tandem fmt: nothing was read.\n"), fine: false };
        }
    };
    // Of what is wrong with the plan only that is asked which keeps its files from being read.
    let read = read(source, now);
    let (source, problems) = match &read {
        Ok(loaded) => (&loaded.source, &[][..]),
        Err(refused) => (&refused.source, &*refused.problems),
    };
    let mut found = Found { mode, lines: String::new(), files: 0, changed: 0, left: Vec::new() };
    for part in source.parts().iter().filter(|part| !part.is_csv()) {
        found.file(part, source.slice(&part.span));
    }
    let is_left =
        |problem: &Diagnostic| source.part(problem.start()).is_some_and(|part| found.left.contains(&part));
    let keeps = |problem: &&Diagnostic| {
        problem.code == Code::E002 || matches!(problem.code, Code::E001 | Code::E102) && is_left(problem)
    };
    let problems: Vec<Diagnostic> = problems.iter().filter(keeps).cloned().collect();
    let fine = found.left.is_empty() && problems.is_empty() && (mode == Mode::Write || found.changed == 0);
    Answer { text: draw_all(&problems, source, Colour::Off) + &found.lines + &found.summary(), fine }
}

/// The files so far.
struct Found<'a> {
    mode: Mode,
    /// A line for each that is not in its form.
    lines: String,
    files: usize,
    changed: usize,
    /// Those that stay as they are although they are not in their form.
    left: Vec<&'a Part>,
}

impl<'a> Found<'a> {
    fn file(&mut self, part: &'a Part, text: &str) {
        self.files += 1;
        let path = &part.path;
        if part.is_json() {
            self.lines.push_str(&format!("{path}: JSON stays as it is\n"));
            return;
        }
        let line = match in_form(text) {
            None => {
                self.left.push(part);
                format!("{path}: this is not TOML\n")
            }
            Some(form) if form == text => return,
            Some(form) => match self.mode {
                Mode::Check => {
                    self.changed += 1;
                    let same = text.lines().zip(form.lines()).take_while(|(old, new)| old == new).count();
                    format!("{path}:{}: would change from here on\n", same + 1)
                }
                Mode::Write => match replace(Path::new(path), text, &form) {
                    Ok(()) => {
                        self.changed += 1;
                        format!("{path}: changed\n")
                    }
                    Err(error) => {
                        self.left.push(part);
                        format!("{path}: cannot be written: {error}\n")
                    }
                },
            },
        };
        self.lines.push_str(&line);
    }

    fn summary(&self) -> String {
        let changed = match (self.changed, self.mode) {
            (0, Mode::Write | Mode::Check) => "nothing to change".into(),
            (changed, Mode::Write) => format!("{changed} changed"),
            (changed, Mode::Check) => format!("{changed} would change"),
        };
        let left = match self.left.len() {
            0 => String::new(),
            left => format!(", {left} left as found"),
        };
        format!("tandem fmt: {}, {changed}{left}.\n", count(self.files, "file"))
    }
}

/// Puts another text in the place of a file's, so that whoever reads it meanwhile has all of the one or of the other. Who
/// may read it stays as it is; of a link that what it leads to is replaced.
fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    // Whoever may not write into it may not replace it either.
    let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
    let mut there = String::new();
    file.read_to_string(&mut there)?;
    let Some(mark) = there.strip_suffix(old).filter(|mark| ["", BYTE_ORDER_MARK].contains(mark)) else {
        return Err(io::Error::other("somebody else has just changed it"));
    };
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.draft", std::process::id()));
    let draft = path.with_file_name(name);
    let made = OpenOptions::new().write(true).create_new(true).mode(DRAFT_MODE).open(&draft)?;
    let written = fill(made, &file.metadata()?, &[mark, new]).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn fill(mut draft: File, like: &Metadata, texts: &[&str]) -> io::Result<()> {
    let own = draft.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(&draft, Some(like.uid()), Some(like.gid()))?;
    }
    draft.set_permissions(like.permissions())?;
    texts.iter().try_for_each(|text| draft.write_all(text.as_bytes()))?;
    draft.sync_all()
}

const BYTE_ORDER_MARK: &str = "\u{feff}";
const DRAFT_MODE: u32 = 0o600; // Until it is known who may read the file.
