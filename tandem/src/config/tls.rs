//! `certificate`, `key`, `ca` and `tls`: who we are to those who speak TLS with us, and how they prove who they are.

use crate::codes::Code;
use crate::config::reader::{Problems, Table, Value, quoted, shown, table, text};
use crate::diagnostic::{Diagnostic, Span};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use toml::de::DeValue;

/// What the plan file says about TLS. The files that it names have not been read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// What we show to whoever connects here, and to peers that ask for a certificate.
    pub own: Option<Credentials>,
    /// Whose certificates of peers are believed; `None` for those that this machine believes.
    pub ca: Option<File>,
    /// Whoever connects here by TLS needs a certificate by one of these; `None` asks for none.
    pub client_ca: Option<File>,
    /// What holds for each peer that is spoken to by TLS, by its name.
    pub peers: BTreeMap<Arc<str>, PeerTls>,
}

/// What holds for one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerTls {
    /// How it proves who it is.
    pub verify: Verify,
    /// Whose certificates are believed there; `None` for those of the node.
    pub ca: Option<File>,
    /// What we show there; `None` for what the node shows.
    pub own: Option<Credentials>,
}

/// How a peer proves who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Its certificate names the host of the plan as RFC 5922 §7 says: by a `sip:` URI, or by its exact DNS name if it
    /// has no such URI. The default.
    #[default]
    Sip,
    /// Its certificate names the host as web servers do: a DNS name, perhaps with a wildcard (RFC 6125 §6.4.3).
    Dns,
    /// It shows the very certificate with this SHA-256. Nothing else of it counts, its dates neither.
    Pinned([u8; 32]),
}

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// PEM: ours first, then those that lead to a root.
    pub certificate: File,
    /// PEM.
    pub key: File,
}

/// A file that the plan file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path; one that was written without a leading slash begins at the plan file's folder.
    pub path: PathBuf,
    /// Where the plan file names it.
    pub span: Span,
}

/// Reads the keys of `[node]`.
pub(super) fn read_node(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> TlsSettings {
    TlsSettings {
        own: credentials(keys, problems),
        ca: file("ca", keys, problems),
        client_ca: file("client_ca", keys, problems),
        peers: BTreeMap::new(),
    }
}

/// Reads `tls` of a carrier, site or service, and gives its place too.
pub(super) fn read_peer(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<(PeerTls, Span)> {
    let (key, value) = keys.take_entry("tls")?;
    let span = key.span.clone();
    if matches!(value.get_ref(), DeValue::String(_)) {
        let verify = shorthand(value, problems).unwrap_or_default();
        return Some((PeerTls { verify, ..PeerTls::default() }, span));
    }
    let wanted = "\"sip\", \"dns\", a fingerprint, or a table with `verify`, `fingerprint`, `ca`, `certificate`, `key`";
    let mut keys = table("`tls`", key.span, wanted, value, problems)?;
    let verify = verify(&mut keys, problems).unwrap_or_default();
    let found =
        PeerTls { verify, ca: file("ca", &mut keys, problems), own: credentials(&mut keys, problems) };
    keys.finish(problems);
    Some((found, span))
}

/// `tls` stands where nothing is spoken to by TLS.
pub(super) fn refuse_idle(span: Span, problems: &mut Problems<'_>) {
    let problem = Diagnostic::new(Code::E024, "`tls` has no effect here: no address of it uses TLS");
    problems.add(problem.at(span, "").help("write `;transport=tls` behind the address, or take `tls` out"));
}

fn shorthand(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Verify> {
    let written = text("tls", "a word", value, problems)?;
    match written {
        "sip" => Some(Verify::Sip),
        "dns" => Some(Verify::Dns),
        _ => pinned(written, value, problems),
    }
}

fn verify(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Verify> {
    let how = keys.take_entry("verify");
    let print = keys.take("fingerprint");
    let word = match &how {
        Some((_, value)) => Some(text("verify", WAYS, value, problems)?),
        None => None,
    };
    match (word, print, how) {
        (None | Some("pinned"), Some(value), _) => {
            pinned(text("fingerprint", FINGERPRINT, value, problems)?, value, problems)
        }
        (Some("sip" | "dns"), Some(value), _) => {
            let problem =
                Diagnostic::new(Code::E024, "a certificate that is pinned is verified in no other way");
            problems.add(
                problem.at(value.span(), "").help("write `verify = \"pinned\"`, or take `fingerprint` out"),
            );
            None
        }
        (None | Some("sip"), None, _) => Some(Verify::Sip),
        (Some("dns"), None, _) => Some(Verify::Dns),
        (Some("pinned"), None, how) => {
            let span = how.map_or(0..0, |(key, _)| key.span);
            let problem = Diagnostic::new(Code::E012, "a pinned certificate needs its fingerprint");
            problems.add(problem.at(span, "no `fingerprint`").help(HOW_TO_PRINT));
            None
        }
        (Some(word), _, how) => {
            let span = how.map_or(0..0, |(_, value)| value.span());
            let title = format!("a peer cannot be verified by `{}`", shown(word));
            problems.add(Diagnostic::new(Code::E011, title).at(span, "").help(format!("it may be {WAYS}")));
            None
        }
    }
}

fn pinned(written: &str, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Verify> {
    let found = fingerprint(written);
    if found.is_none() {
        let title = format!("`{}` is no fingerprint of a certificate", shown(written));
        let problem = Diagnostic::new(Code::E026, title).at(value.span(), "64 hex digits behind `sha256:`");
        problems.add(problem.help(HOW_TO_PRINT));
    }
    found.map(Verify::Pinned)
}

/// `sha256:` and 64 hex digits, with colons between them or not.
fn fingerprint(written: &str) -> Option<[u8; 32]> {
    let (name, digits) = written.split_once(':')?;
    let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b':').collect();
    if !name.eq_ignore_ascii_case("sha256") || digits.len() != 64 {
        return None;
    }
    let mut found = [0; 32];
    for (byte, pair) in found.iter_mut().zip(digits.chunks(2)) {
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(found)
}

fn credentials(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Credentials> {
    match (file("certificate", keys, problems), file("key", keys, problems)) {
        (Some(certificate), Some(key)) => Some(Credentials { certificate, key }),
        (None, None) => None,
        (Some(certificate), None) => {
            problems.add(alone("a certificate is of no use without its key", "key", certificate.span));
            None
        }
        (None, Some(key)) => {
            problems.add(alone("a key is of no use without its certificate", "certificate", key.span));
            None
        }
    }
}

fn alone(title: &str, missing: &str, span: Span) -> Diagnostic {
    let problem = Diagnostic::new(Code::E012, title).at(span, format!("no `{missing}` beside it"));
    problem.help(format!("write {missing} = {}", quoted(&format!("/etc/tandem/{missing}.pem"))))
}

fn file(key: &'static str, keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<File> {
    let value = keys.take(key)?;
    let written = text(key, "a file such as \"/etc/tandem/certificate.pem\"", value, problems)?;
    if written.is_empty() || written.contains('\0') {
        problems.add(Diagnostic::new(Code::E019, format!("`{key}` names no file")).at(value.span(), ""));
        return None;
    }
    Some(File { path: problems.source.beside(value.span().start, written), span: value.span() })
}

const WAYS: &str = "\"sip\", \"dns\" or \"pinned\"";
const FINGERPRINT: &str = "a fingerprint such as \"sha256:5F:0C:…\"";
const HOW_TO_PRINT: &str = "`openssl x509 -in certificate.pem -noout -fingerprint -sha256` prints it; write `sha256:` before the digits";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_writes_it() {
        let plain = "5f0c".repeat(16);
        let pairs: Vec<&str> = (0..32).filter_map(|n| plain.get(2 * n..2 * n + 2)).collect();
        let wanted: Vec<u8> = [0x5f, 0x0c].repeat(16);
        for written in [format!("sha256:{plain}"), format!("SHA256:{}", pairs.join(":").to_uppercase())] {
            assert_eq!(fingerprint(&written).map(Vec::from), Some(wanted.clone()), "{written}");
        }
        for bad in
            ["sha256:", "sha1:5f0c", "5f0c", &format!("sha256:{plain}0"), &format!("sha256:+{}", &plain[1..])]
        {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }
}
