//! The files that TLS is made of: certificates, keys, authorities. What cannot be used is said with its place.

use crate::codes::Code;
use crate::config::{Credentials, File};
use crate::diagnostic::{Diagnostic, Span};
use crate::tls::Dated;
use crate::tls::names::Names;
use crate::tls::verify::sha256;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys, RootCertStore};

/// What was read of the files.
#[derive(Clone, Debug, Default)]
pub struct Store {
    credentials: BTreeMap<(PathBuf, PathBuf), (Arc<CertifiedKey>, i64)>,
    roots: BTreeMap<PathBuf, Arc<RootCertStore>>,
    machine: Option<Arc<RootCertStore>>,
    stamps: BTreeMap<PathBuf, Stamp>,
}

/// When a file was written, and how long it is; `None` if it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Reading them.
#[derive(Debug)]
pub struct Found<'a> {
    before: Option<&'a Store>,
    provider: &'a CryptoProvider,
    unix: i64,
    store: Store,
    problems: Vec<Diagnostic>,
}

/// A certificate's time should not be nearer to its end than this: 30 days.
pub const RENEW_BEFORE: i64 = 30 * 24 * 3_600;

impl Store {
    /// Has any of the files changed on the disk?
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stamps.iter().any(|(file, seen)| stamp(file) != *seen)
    }

    /// A hash of all that was read.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut all = Vec::new();
        for ((file, _), (own, _)) in &self.credentials {
            all.extend_from_slice(file.as_os_str().as_encoded_bytes());
            own.cert.iter().for_each(|one| all.extend_from_slice(&sha256(one)));
        }
        for (file, roots) in &self.roots {
            all.extend_from_slice(file.as_os_str().as_encoded_bytes());
            for anchor in &roots.roots {
                all.extend_from_slice(&sha256(&anchor.subject_public_key_info));
            }
        }
        sha256(&all)
    }
}

impl<'a> Found<'a> {
    /// Nothing has been read yet. What cannot be used is taken from `before`.
    #[must_use]
    pub fn new(before: Option<&'a Store>, provider: &'a CryptoProvider, unix: i64) -> Self {
        Self { before, provider, unix, store: Store::default(), problems: Vec::new() }
    }

    /// A certificate with its key.
    pub fn credentials(&mut self, wanted: &Credentials) -> Option<Arc<CertifiedKey>> {
        let files = (wanted.certificate.path.clone(), wanted.key.path.clone());
        if let Some((own, _)) = self.store.credentials.get(&files) {
            return Some(Arc::clone(own));
        }
        self.stamp(&wanted.certificate);
        self.stamp(&wanted.key);
        let read = match self.read_credentials(wanted) {
            Ok(read) => Some(read),
            Err(problem) => {
                let kept = self.before.and_then(|before| before.credentials.get(&files)).cloned();
                self.complain(problem, kept.is_some());
                kept
            }
        };
        let (own, until) = read?;
        self.look_at_dates(wanted, until);
        self.store.credentials.insert(files, (Arc::clone(&own), until));
        Some(own)
    }

    /// The authorities in a file.
    pub fn roots(&mut self, file: &File) -> Arc<RootCertStore> {
        if let Some(roots) = self.store.roots.get(&file.path) {
            return Arc::clone(roots);
        }
        self.stamp(file);
        let roots = match read_roots(file) {
            Ok(roots) => Arc::new(roots),
            Err(problem) => {
                let kept = self.before.and_then(|before| before.roots.get(&file.path)).cloned();
                self.complain(problem, kept.is_some());
                kept.unwrap_or_else(|| Arc::new(RootCertStore::empty()))
            }
        };
        self.store.roots.insert(file.path.clone(), Arc::clone(&roots));
        roots
    }

    /// The authorities that this machine believes, which its own updates keep true.
    pub fn roots_of_the_machine(&mut self) -> Arc<RootCertStore> {
        if let Some(roots) = &self.store.machine {
            return Arc::clone(roots);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let problem = Diagnostic::new(
                Code::L040,
                "this machine believes no authority at all: no peer can prove who it is",
            );
            self.problems.push(problem.help(
                "install the package `ca-certificates`, or write `ca = \"/etc/tandem/ca.pem\"` in [node]",
            ));
        }
        let roots = Arc::new(roots);
        self.store.machine = Some(Arc::clone(&roots));
        roots
    }

    /// What was read, our certificates with their ends, and what is wrong.
    #[must_use]
    pub fn finish(self) -> (Store, Vec<Dated>, Vec<Diagnostic>) {
        let dated = |((file, _), (_, until)): (&(PathBuf, PathBuf), &(_, i64))| Dated {
            file: file.clone(),
            until: *until,
        };
        let certificates = self.store.credentials.iter().map(dated).collect();
        (self.store, certificates, self.problems)
    }

    fn stamp(&mut self, file: &File) {
        self.store.stamps.insert(file.path.clone(), stamp(&file.path));
    }

    fn read_credentials(&self, wanted: &Credentials) -> Result<(Arc<CertifiedKey>, i64), Diagnostic> {
        let (certificate, key) = (&wanted.certificate, &wanted.key);
        let chain = read_certificates(certificate)?;
        let names = chain.first().and_then(Names::read);
        let Some(names) = names else {
            return Err(unusable(certificate, "its first certificate cannot be understood", "write it anew"));
        };
        let private = PrivateKeyDer::from_pem_file(&key.path)
            .map_err(|error| unreadable(key, &error, "private key"))?;
        let own = CertifiedKey::from_der(chain, private, self.provider).map_err(|error| {
            if error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
                let title =
                    format!("{} is not the key of {}", key.path.display(), certificate.path.display());
                Diagnostic::new(Code::L040, title)
                    .at(key.span.clone(), "another key")
                    .at(certificate.span.clone(), "")
                    .help("put the key there with which the certificate was asked for")
            } else {
                unusable(key, &error.to_string(), "use an ECDSA (P-256), Ed25519 or RSA key in PKCS#8")
            }
        })?;
        Ok((Arc::new(own), names.valid.1))
    }

    fn look_at_dates(&mut self, wanted: &Credentials, until: i64) {
        let (file, left) = (&wanted.certificate, until - self.unix);
        let day = jiff::Timestamp::from_second(until).unwrap_or_default().strftime("%Y-%m-%d");
        if left <= 0 {
            let what = format!("its time was over on {day}");
            self.problems.push(unusable(file, &what, "renew it; the new one is taken within a minute"));
        } else if left < RENEW_BEFORE {
            let title = format!("{} ends on {day}, in {} days", file.path.display(), left / (24 * 3_600));
            let problem = Diagnostic::new(Code::L041, title).at(file.span.clone(), "");
            self.problems.push(problem.help("renew it; the new one is taken within a minute"));
        }
    }

    fn complain(&mut self, problem: Diagnostic, kept: bool) {
        let problem =
            if kept { problem.help("meanwhile what was read before stays in use") } else { problem };
        self.problems.push(problem);
    }
}

fn stamp(file: &Path) -> Stamp {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn read_certificates(file: &File) -> Result<Vec<CertificateDer<'static>>, Diagnostic> {
    let read = CertificateDer::pem_file_iter(&file.path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(unreadable(file, &pem::Error::NoItemsFound, "certificate")),
        Err(error) => Err(unreadable(file, &error, "certificate")),
    }
}

fn read_roots(file: &File) -> Result<RootCertStore, Diagnostic> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(file)? {
        roots.add(certificate).map_err(|error| {
            unusable(file, &format!("a certificate in it is no authority: {error}"), "take it out")
        })?;
    }
    Ok(roots)
}

fn unreadable(file: &File, error: &pem::Error, what: &str) -> Diagnostic {
    if let pem::Error::Io(error) = error {
        unusable(file, &error.to_string(), "put it there, or let the user that tandem runs as read it")
    } else if let pem::Error::NoItemsFound = error {
        let help = format!("a {what} in PEM begins with `-----BEGIN {}-----`", what.to_uppercase());
        unusable(file, &format!("no {what} is in it"), &help)
    } else {
        unusable(file, &format!("it is no PEM: {error:?}"), "write it anew")
    }
}

fn unusable(file: &File, why: &str, help: &str) -> Diagnostic {
    let title = format!("{} cannot be used: {why}", file.path.display());
    let span: Span = file.span.clone();
    Diagnostic::new(Code::L040, title).at(span, "").help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::made::{Made, NOW};
    use tokio_rustls::rustls::crypto::ring;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tandem-tls-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> File {
            std::fs::write(self.0.join(name), text).unwrap();
            self.file(name)
        }

        fn file(&self, name: &str) -> File {
            File { path: self.0.join(name), span: 0..1 }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// What is said of a certificate and a key: titles without the folder.
    fn said(folder: &Folder, certificate: File, key: File, before: Option<&Store>) -> (Store, Vec<String>) {
        let provider = ring::default_provider();
        let mut found = Found::new(before, &provider, i64::try_from(NOW).unwrap());
        found.credentials(&Credentials { certificate, key });
        let (store, _, problems) = found.finish();
        let folder = format!("{}/", folder.0.display());
        (store, problems.into_iter().map(|problem| problem.title.replace(&folder, "")).collect())
    }

    #[test]
    fn what_cannot_be_used_is_said_and_what_was_read_before_stays() {
        let folder = Folder::new("store");
        let (_, pem, key) = Made::new().dns("a.example").sign_itself();
        let (_, old, old_key) = Made::new().dns("a.example").expired().sign_itself();
        let (good, good_key) = (folder.write("good.pem", &pem), folder.write("good.key", &key));
        let (old, old_key) = (folder.write("old.pem", &old), folder.write("old.key", &old_key));
        let cases = [
            (good.clone(), good_key.clone(), ""),
            (
                folder.file("none.pem"),
                good_key.clone(),
                "none.pem cannot be used: No such file or directory (os error 2)",
            ),
            (
                folder.write("empty.pem", ""),
                good_key.clone(),
                "empty.pem cannot be used: no certificate is in it",
            ),
            (
                good.clone(),
                folder.write("wrong.key", &pem),
                "wrong.key cannot be used: no private key is in it",
            ),
            (good.clone(), old_key.clone(), "old.key is not the key of good.pem"),
            (old, old_key, "old.pem cannot be used: its time was over on 2026-05-01"),
        ];
        for (certificate, key, expected) in cases {
            let (_, titles) = said(&folder, certificate, key, None);
            assert_eq!(titles.join("; "), expected);
        }
        let (before, _) = said(&folder, good.clone(), good_key.clone(), None);
        assert!(!before.is_stale());
        folder.write("good.pem", "half a fi");
        assert!(before.is_stale());
        let (after, titles) = said(&folder, good, good_key, Some(&before));
        assert_eq!(titles, ["good.pem cannot be used: no certificate is in it"]);
        assert_eq!(after.digest(), before.digest(), "what was read before stays in use");
    }
}
