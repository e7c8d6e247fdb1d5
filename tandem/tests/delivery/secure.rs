//! TLS on the way to a mail server, and what a server gets that cannot prove who it is.

use crate::office::{HASTY, Office, mailing, sound};
use crate::sink::Sink;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::process::Command;
use std::sync::Arc;
use tandem::config::{MailTls, Mailboxes};
use tandem::store::outbox::State;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

fn by(port: u16, tls: MailTls) -> Mailboxes {
    let mut plan = mailing(port, &["office@nguyen.example"]);
    if let Some(mail) = &mut plan.mail {
        mail.tls = tls;
    }
    plan
}

#[test]
fn a_server_without_starttls_gets_neither_password_nor_mail() {
    let sink = Sink::start(&[]);
    let office = Office::new("plain", by(sink.port, MailTls::StartTls), HASTY);
    office.leave(&sound(1));
    let waits = office.wait(|letters| letters.iter().any(|letter| letter.tries > 0));
    assert!(waits[0].answer.contains("STARTTLS is not supported"), "{}", waits[0].answer);
    let said = sink.lines();
    assert!(said.iter().all(|line| line.starts_with("EHLO ") || line == "QUIT"), "{said:?}");
    assert!(sink.is_quiet());
}

#[test]
fn a_server_that_speaks_no_tls_where_tls_is_wanted_gets_nothing() {
    let sink = Sink::start(&[]);
    let office = Office::new("no-tls", by(sink.port, MailTls::Tls), HASTY);
    office.leave(&sound(1));
    office.wait(|letters| letters.iter().any(|letter| letter.tries > 0));
    assert!(sink.is_quiet());
}

/// A certificate for this machine, as PEM, and what a server shows it by.
fn papers() -> (String, Arc<ServerConfig>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("they fit");
    (cert.pem(), Arc::new(config))
}

/// Speaks TLS before a sink that does not; gives its port.
fn before(sink: u16, tls: MailTls, config: Arc<ServerConfig>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    listener.set_nonblocking(true).expect("it can");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("it is bound");
            loop {
                let (stream, _) = listener.accept().await.expect("somebody comes");
                tokio::spawn(pass(stream, sink, tls, TlsAcceptor::from(Arc::clone(&config))));
            }
        });
    });
    port
}

async fn pass(stream: TcpStream, sink: u16, tls: MailTls, acceptor: TlsAcceptor) -> Option<()> {
    let mut behind = BufReader::new(TcpStream::connect(("127.0.0.1", sink)).await.ok()?);
    let mut stream = BufReader::new(stream);
    if tls == MailTls::StartTls {
        behind.read_line(&mut String::new()).await.ok()?;
        for answer in ["220 front\r\n", "250-front\r\n250 STARTTLS\r\n", "220 go on\r\n"] {
            stream.write_all(answer.as_bytes()).await.ok()?;
            if !answer.ends_with("go on\r\n") {
                stream.read_line(&mut String::new()).await.ok()?;
            }
        }
    }
    let mut secured = acceptor.accept(stream).await.ok()?;
    copy_bidirectional(&mut secured, &mut behind).await.ok().map(drop)
}

#[test]
fn a_server_that_nobody_vouches_for_gets_nothing() {
    let sink = Sink::start(&[]);
    let (_, config) = papers();
    for tls in [MailTls::Tls, MailTls::StartTls] {
        let office = Office::new("stranger", by(before(sink.port, tls, Arc::clone(&config)), tls), HASTY);
        office.leave(&sound(1));
        let waits = office.wait(|letters| letters.iter().any(|letter| letter.tries > 0));
        assert!(waits[0].answer.contains("certificate"), "{}", waits[0].answer);
    }
    assert!(sink.is_quiet() && sink.lines().is_empty());
}

/// Whom a machine believes stands in its environment, so this is another process.
#[test]
fn a_server_that_proves_who_it_is_gets_password_and_mail() {
    let (certificate, config) = papers();
    for (word, tls) in [("tls", MailTls::Tls), ("starttls", MailTls::StartTls)] {
        let sink = Sink::start(&[]);
        let port = before(sink.port, tls, Arc::clone(&config));
        let file = std::env::temp_dir().join(format!("tandem-delivery-{word}-{}.pem", std::process::id()));
        std::fs::write(&file, &certificate).expect("it is written");
        let mut child = Command::new(std::env::current_exe().expect("it runs"));
        child.args(["--exact", "secure::sends_one_mail_if_it_is_told_to", "--nocapture"]);
        child.env("SSL_CERT_FILE", &file).env("TANDEM_SECURE_MAIL", format!("{word} {port}"));
        let done = child.output().expect("it runs");
        let _ = std::fs::remove_file(&file);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(sink.mail().to, "office@nguyen.example");
        assert!(sink.lines().iter().any(|line| line.starts_with("AUTH PLAIN ")));
    }
}

#[test]
fn sends_one_mail_if_it_is_told_to() {
    let Ok(told) = std::env::var("TANDEM_SECURE_MAIL") else { return };
    let (word, port) = told.split_once(' ').expect("both");
    let tls = if word == "tls" { MailTls::Tls } else { MailTls::StartTls };
    let office = Office::new(word, by(port.parse().expect("a port"), tls), HASTY);
    office.leave(&sound(1));
    office.wait(|letters| !letters.is_empty() && letters.iter().all(|letter| letter.state == State::Sent));
}
