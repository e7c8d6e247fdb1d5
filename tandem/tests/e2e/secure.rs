//! TLS in the hands of whoever runs a node: certificates that are renewed, and one that cannot be used.

use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street, TANDEM};
use core::net::SocketAddr;
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

/// A certificate and its key, in files of their own.
pub(crate) struct Paper {
    pub(crate) certificate: PathBuf,
    key: PathBuf,
}

impl Paper {
    pub(crate) fn new(street: &Street) -> Self {
        let file =
            |kind| std::env::temp_dir().join(format!("tandem-{}-{kind}.pem", street.house(TANDEM).ip()));
        Self { certificate: file("certificate"), key: file("key") }
    }

    /// Writes a new one; the text of the certificate.
    pub(crate) fn renew(&self) -> String {
        let made = rcgen::generate_simple_self_signed(["sip.example".to_owned()]).expect("chance");
        std::fs::write(&self.key, made.signing_key.serialize_pem()).expect("a folder for temporary files");
        std::fs::write(&self.certificate, made.cert.pem()).expect("a folder for temporary files");
        bare(&made.cert.pem())
    }

    pub(crate) fn lines(&self) -> String {
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        format!("certificate = {}\nkey = {}\n", quoted(&self.certificate), quoted(&self.key))
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        // What is left in a folder for temporary files is in nobody's way.
        let _ = std::fs::remove_file(&self.certificate);
        let _ = std::fs::remove_file(&self.key);
    }
}

/// The first certificate of a text, without line breaks.
fn bare(text: &str) -> String {
    let begun = text.split("-----BEGIN CERTIFICATE-----").nth(1).unwrap_or_default();
    let inside = begun.split("-----END").next().unwrap_or_default();
    inside.chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// The certificate that is shown there.
fn shown(at: SocketAddr) -> String {
    let said = Command::new("openssl")
        .args(["s_client", "-connect", &at.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("openssl is here: ./test installs it");
    bare(&String::from_utf8_lossy(&said.stdout))
}

fn plan(street: &Street) -> String {
    let office = street.house(OFFICE);
    format!(
        "[sites]\noffice = {{ sip = \"{office}\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n"
    )
}

#[test]
fn a_renewed_certificate_is_shown_after_a_reload_and_a_call_in_progress_hears_nothing_of_it() {
    let street = Street::new();
    let paper = Paper::new(&street);
    let first = paper.renew();
    let node = Tandem::start_with(&street, &plan(&street), &paper.lines());
    let secure = SocketAddr::new(street.house(TANDEM).ip(), street.house(TANDEM).port() + 1);
    let (mut caller, mut office) = (Phone::new(&street, CALLER), Phone::new(&street, OFFICE));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    office.replies(&rung, "180 Ringing", "one");
    caller.hears("< 180 INVITE");
    assert_eq!(shown(secure), first);

    let second = paper.renew();
    node.signal(Signal::SIGHUP);
    let renewed = || (shown(secure) == second).then_some(());
    until("the new certificate", renewed, || node.log());

    office.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");
    assert_eq!(node.call().end(), "answered by office");
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_with_its_place_and_calls_go_on() {
    let street = Street::new();
    let paper = Paper::new(&street);
    let node = Tandem::start_with(&street, &plan(&street), &paper.lines());
    let line = node.logs("cannot be used");
    assert!(line.contains("L040") && line.contains("plan.toml:") && line.contains("No such file"), "{line}");
    let (mut caller, mut office) = (Phone::new(&street, CALLER), Phone::new(&street, OFFICE));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    office.replies(&rung, "200 OK", "one");
    caller.hears("< 200 INVITE");
    assert_eq!(node.call().end(), "answered by office");

    let secure = SocketAddr::new(street.house(TANDEM).ip(), street.house(TANDEM).port() + 1);
    assert_eq!(shown(secure), "");
    let made = paper.renew();
    node.signal(Signal::SIGHUP);
    until("the certificate", || (shown(secure) == made).then_some(()), || node.log());
}
