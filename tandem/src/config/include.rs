//! `include = ["customers/*.toml"]`: the files that belong to a plan beside its own. An included file includes nothing, so
//! there is no circle and no depth: all files of a plan stand in one list, that everybody finds.

use crate::codes::Code;
use crate::config::reader::{Problems, Value, shown, texts};
use crate::config::settings::{FILES_MAX, PATTERNS_MAX};
use crate::config::source::{LARGE, SIZE_MAX, Source, UTF8, Unreadable, text_of};
use crate::config::tree;
use crate::diagnostic::{Diagnostic, Span};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What became of the files that a plan includes.
pub(super) struct Gathered {
    /// What is wrong with them as files.
    pub(super) found: Vec<Diagnostic>,
    /// Is one of them not there?
    pub(super) lacks: bool,
}

/// Reads the files that the plan file includes, and adds them to the source.
pub(super) fn gather(source: &mut Source) -> Gathered {
    let mut problems = Problems { source, found: Vec::new(), secrets: Vec::new() };
    let patterns = patterns(source, &mut problems);
    let mut found = problems.found;
    let mut reading = Reading {
        seen: fs::canonicalize(source.path()).into_iter().collect(),
        left: TOTAL_MAX.saturating_sub(source.text().len() as u64),
        source,
        files: 0,
    };
    let mut lacks = false;
    for (written, span) in patterns {
        if let Err(problem) = reading.pattern(&written, &span, &mut found) {
            lacks |= problem.is_error();
            found.push(problem);
        }
    }
    lacks |= found.iter().any(Diagnostic::is_error);
    Gathered { found, lacks }
}

/// The texts of `include`, with their places.
fn patterns(source: &Source, problems: &mut Problems<'_>) -> Vec<(String, Span)> {
    // Most plans have none: they are parsed once.
    if !source.text().contains("include") {
        return Vec::new();
    }
    let root = tree::plan_file(source);
    let Some(value) = root.get("include") else { return Vec::new() };
    let value: &Value<'_> = value;
    let wanted = "a file or a pattern such as \"customers/*.toml\"";
    let found = texts("include", wanted, PATTERNS_MAX, value, problems);
    found.into_iter().take(PATTERNS_MAX).map(|(text, span)| (text.to_owned(), span)).collect()
}

/// The files so far.
struct Reading<'a> {
    source: &'a mut Source,
    /// Where they really are: each is read once.
    seen: BTreeSet<PathBuf>,
    /// How many bytes may follow.
    left: u64,
    files: usize,
}

impl Reading<'_> {
    /// All files that a pattern means, in the order of their names.
    fn pattern(&mut self, written: &str, span: &Span, found: &mut Vec<Diagnostic>) -> Result<(), Diagnostic> {
        let whole = self.source.beside(span.start, written);
        let refuse = |title: String, label: &str| Diagnostic::new(Code::E003, title).at(span.clone(), label);
        let (folder, name) = match (whole.parent(), whole.file_name()) {
            (Some(folder), Some(name)) if !written.ends_with('/') => (folder, name.to_string_lossy()),
            _ => {
                let problem = refuse(format!("`{}` names no file", shown(written)), "no name at its end");
                return Err(problem.help("write `customers/*.toml`"));
            }
        };
        if Path::new(written).parent().is_some_and(|folder| has_wildcard(&folder.to_string_lossy())) {
            let problem = refuse(format!("`{}` has a wildcard in a folder", shown(written)), "");
            return Err(
                problem.help("`*` and `?` stand in the name of the file; write a pattern for each folder")
            );
        }
        if !has_wildcard(&name) {
            return self.file(&whole, span, Named::ByName);
        }
        let names = matching(folder, &name).map_err(|error| {
            let title = format!("the folder `{}` cannot be read: {error}", folder.display());
            Diagnostic::new(Code::E002, title).at(span.clone(), "included here")
        })?;
        if names.is_empty() {
            let problem = Diagnostic::new(Code::L002, format!("no file is called `{}`", shown(written)));
            let problem = problem.at(span.clone(), "includes nothing");
            return Err(problem.help(format!("it is looked for in `{}`", shown(&place(folder)))));
        }
        for name in names {
            match self.file(&folder.join(name), span, Named::ByPattern) {
                Ok(()) => {}
                // More of these say nothing new.
                Err(problem) if problem.code == Code::E003 => return Err(problem),
                Err(problem) => found.push(problem),
            }
        }
        Ok(())
    }

    /// One file.
    fn file(&mut self, path: &Path, span: &Span, named: Named) -> Result<(), Diagnostic> {
        let shown = shown(&path.display().to_string());
        let at = |problem: Diagnostic| problem.at(span.clone(), "included here");
        let refuse = |title: String| at(Diagnostic::new(Code::E003, title));
        let unreadable =
            |why: String| at(Diagnostic::new(Code::E002, format!("`{shown}` cannot be read: {why}")));
        let by_system = |error: std::io::Error| {
            unreadable(error.to_string())
                .help("put it there for this user to read, or take it out of `include`")
        };
        let real = fs::canonicalize(path).map_err(by_system)?;
        if !self.seen.insert(real.clone()) {
            return match named {
                Named::ByName if self.files == 0 => Err(refuse(format!("`{shown}` includes itself"))),
                // Two patterns may mean the same file.
                Named::ByName | Named::ByPattern => Ok(()),
            };
        }
        if !EXTENSIONS.iter().any(|known| path.extension().is_some_and(|extension| extension == *known)) {
            let problem = refuse(format!("`{shown}` is no file of a plan"));
            return Err(
                problem.help("files of a plan end in `.toml` or `.json`, lists of customers in `.csv`")
            );
        }
        self.files += 1;
        if self.files > FILES_MAX {
            let problem = refuse(format!("the plan has more than {FILES_MAX} files"));
            return Err(problem.help("put several customers into one file"));
        }
        let most = SIZE_MAX.min(self.left);
        let text = text_of(&real, most).map_err(|fault| match fault {
            Unreadable::System(error) => by_system(error),
            Unreadable::NoFile => unreadable("it is no file".into())
                .help("a folder is included by a pattern: `customers/*.toml`"),
            Unreadable::TooLarge if most < SIZE_MAX => {
                refuse(format!("the files of the plan have more than {} MiB together", TOTAL_MAX >> 20))
                    .help(LARGE)
            }
            Unreadable::TooLarge => {
                unreadable(format!("it is larger than {} MiB", SIZE_MAX >> 20)).help(LARGE)
            }
            Unreadable::NotUtf8(place) => unreadable(place).help(UTF8),
        })?;
        self.left = self.left.saturating_sub(text.len() as u64);
        self.source.add(path.display().to_string(), &text);
        Ok(())
    }
}

/// How a file was meant.
#[derive(Clone, Copy)]
enum Named {
    ByName,
    ByPattern,
}

/// The names in a folder that fit a pattern, in order; hidden files only if it begins with a dot.
fn matching(folder: &Path, pattern: &str) -> std::io::Result<Vec<String>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        // A name that is not UTF-8 fits no pattern: it could not be shown either.
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if name.starts_with('.') == pattern.starts_with('.') && fits(&name, pattern) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn has_wildcard(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// `*` is any letters, `?` is one. In time that grows with both lengths multiplied, whatever stands in them.
fn fits(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // Which beginnings of the name fit the pattern so far.
    let mut fit = vec![false; name.len() + 1];
    fit[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        let mut any = false;
        for (at, before) in fit.iter().enumerate() {
            any |= before;
            if wanted == '*' {
                next[at] = any;
            } else if *before && name.get(at).is_some_and(|letter| wanted == '?' || wanted == *letter) {
                next[at + 1] = true;
            }
        }
        fit = next;
    }
    fit.last() == Some(&true)
}

fn place(folder: &Path) -> String {
    if folder.as_os_str().is_empty() { ".".into() } else { folder.display().to_string() }
}

/// What files of a plan end in.
const EXTENSIONS: [&str; 3] = ["toml", "json", "csv"];

/// All files together: a million numbers one by one fit. What is read of them takes twenty times as much memory.
const TOTAL_MAX: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_fits_as_in_a_shell() {
        for (name, pattern) in [
            ("acme.toml", "*.toml"),
            ("acme.toml", "a*e.toml"),
            ("acme.toml", "*"),
            ("acme.toml", "acme.toml*"),
            ("acme.toml", "????.toml"),
            ("", "*"),
            ("büro.toml", "b?ro.*"),
            ("aaaa", "a*a"),
        ] {
            assert!(fits(name, pattern), "{name} {pattern}");
        }
        for (name, pattern) in [
            ("acme.toml~", "*.toml"),
            ("acme.toml", "?.toml"),
            ("", "?"),
            ("a", ""),
            ("ab", "a"),
            ("a", "a?"),
        ] {
            assert!(!fits(name, pattern), "{name} {pattern}");
        }
        assert!(!fits(&"a".repeat(255), &"a*".repeat(127).replace("a*a", "a*b")));
    }
}
