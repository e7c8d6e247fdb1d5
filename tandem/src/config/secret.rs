//! Secrets by reference: `env:NAME`, `file:PATH`, `credential:NAME`.

use crate::codes::Code;
use crate::config::reader::{Key, Problems, Value, shown, text};
use crate::diagnostic::Diagnostic;
use core::fmt;
use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A secret. [`Debug`](fmt::Debug) does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// Where a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference<'a> {
    /// `env:NAME`: a variable of the environment.
    Env(&'a str),
    /// `file:PATH`: a file; a path that begins nowhere begins at the plan file.
    File(&'a str),
    /// `credential:NAME`: what systemd's `LoadCredential=` hands over.
    Credential(&'a str),
}

/// Why a secret is not there.
#[derive(Debug)]
pub(super) enum Missing {
    Unset(String),
    NoCredentials,
    Unreadable(PathBuf, io::Error),
    Empty,
    TooLong,
}

impl Secret {
    /// Hides a secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(secret.into())
    }

    /// What it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_inner(self) -> Arc<str> {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

impl<'a> Reference<'a> {
    /// Reads a reference; `None` if it is none.
    pub(super) fn read(written: &'a str) -> Option<Self> {
        match written.split_once(':')? {
            ("env", name) => Some(Self::Env(name)),
            ("file", path) => Some(Self::File(path)),
            ("credential", name) => Some(Self::Credential(name)),
            _ => None,
        }
    }
}

/// The secret of a key itself, or what its reference leads to. `what`: what people call it; `lost`: what is lost without
/// it.
pub(super) fn referenced(
    key: &Key<'_>,
    value: &Value<'_>,
    what: &str,
    lost: &str,
    problems: &mut Problems<'_>,
) -> Option<Secret> {
    let wanted = "a reference such as \"env:TELNYX\", \"file:/etc/tandem/telnyx\" or \"credential:telnyx\"";
    let written = text(key.text, wanted, value, problems)?;
    let Some(reference) = Reference::read(written) else {
        let problem = Diagnostic::new(Code::L030, "a secret stands in the file").at(key.span.clone(), "");
        let help = format!(
            "whoever may read the file has it, and every copy and backup keeps it: \
             write `env:NAME`, `file:PATH` or `credential:NAME`, and change the {what}"
        );
        problems.add(problem.help(help));
        return Some(Secret::new(written));
    };
    match fetch(&reference, problems.source.path_of(key.span.start)) {
        Ok(secret) => Some(Secret::new(&secret)),
        Err(missing) => {
            problems.add(not_there(&reference, &missing, what, lost, value));
            None
        }
    }
}

fn not_there(
    reference: &Reference<'_>,
    missing: &Missing,
    what: &str,
    lost: &str,
    value: &Value<'_>,
) -> Diagnostic {
    let title = format!("the {what} cannot be read here: {missing}");
    let problem = Diagnostic::new(Code::L032, title).at(value.span(), "not here");
    problem.help(match reference {
        Reference::Env(name) => {
            format!("set `{}` for the process that runs `tandem run`; {lost}", shown(name))
        }
        Reference::File(_) => {
            format!("write the {what} into that file, and let the user that runs tandem read it; {lost}")
        }
        Reference::Credential(name) => {
            format!("write `LoadCredential={}:PATH` into the unit; {lost}", shown(name))
        }
    })
}

/// The secret. `plan` is the file that it is referred to in.
pub(super) fn fetch(reference: &Reference<'_>, plan: &str) -> Result<String, Missing> {
    let secret = match reference {
        Reference::Env(name) => {
            let sound = !name.is_empty() && !name.contains(['=', '\0']);
            let found = sound.then(|| env::var(name).ok()).flatten();
            found.ok_or_else(|| Missing::Unset((*name).to_owned()))?
        }
        Reference::File(path) => {
            let folder = Path::new(plan).parent().unwrap_or(Path::new(""));
            from_file(folder.join(path))?
        }
        Reference::Credential(name) => {
            let folder = env::var_os("CREDENTIALS_DIRECTORY").ok_or(Missing::NoCredentials)?;
            from_file(Path::new(&folder).join(name))?
        }
    };
    let secret = secret.strip_suffix('\n').unwrap_or(&secret);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    match secret.len() {
        0 => Err(Missing::Empty),
        1..=SECRET_MAX => Ok(secret.to_owned()),
        _ => Err(Missing::TooLong),
    }
}

fn from_file(path: PathBuf) -> Result<String, Missing> {
    let mut text = String::new();
    let most = u64::try_from(SECRET_MAX).unwrap_or(u64::MAX) + 2;
    let read = File::open(&path).and_then(|file| file.take(most).read_to_string(&mut text));
    read.map_err(|error| Missing::Unreadable(path, error))?;
    Ok(text)
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(out, "there is no variable {name:?} in the environment"),
            Self::NoCredentials => write!(out, "systemd has handed over no credentials"),
            Self::Unreadable(path, error) => write!(out, "{}: {error}", path.display()),
            Self::Empty => write!(out, "it is empty"),
            Self::TooLong => write!(out, "it is longer than {SECRET_MAX} bytes"),
        }
    }
}

const SECRET_MAX: usize = 1_024; // Passwords have some dozens; a key file was meant for something else.

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beside_the_plan_is_read_without_its_line_end() {
        let folder = env::temp_dir().join(format!("tandem-secret-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("good"), "hunter2\n").unwrap();
        std::fs::write(folder.join("empty"), "\n").unwrap();
        std::fs::write(folder.join("long"), "x".repeat(SECRET_MAX + 1)).unwrap();
        let plan = folder.join("tandem.toml").display().to_string();
        let said = |path| fetch(&Reference::File(path), &plan).map_err(|missing| missing.to_string());
        assert_eq!(said("good").as_deref(), Ok("hunter2"));
        assert_eq!(said("empty"), Err("it is empty".into()));
        assert_eq!(said("long"), Err("it is longer than 1024 bytes".into()));
        assert!(said("missing").unwrap_err().contains("missing: No such file"));
        assert_eq!(said(&folder.join("good").display().to_string()).as_deref(), Ok("hunter2"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_reference_says_where() {
        assert_eq!(Reference::read("env:A"), Some(Reference::Env("A")));
        assert_eq!(Reference::read("file:/a:b"), Some(Reference::File("/a:b")));
        assert_eq!(Reference::read("credential:a"), Some(Reference::Credential("a")));
        assert_eq!([Reference::read("hunter2"), Reference::read("a:b")], [None, None]);
        let nowhere = fetch(&Reference::Env("TANDEM_NO_SUCH_VARIABLE"), "");
        assert_eq!(
            nowhere.map_err(|missing| missing.to_string()),
            Err("there is no variable \"TANDEM_NO_SUCH_VARIABLE\" in the environment".into())
        );
        assert!(fetch(&Reference::Env("A=B"), "").is_err());
    }
}
