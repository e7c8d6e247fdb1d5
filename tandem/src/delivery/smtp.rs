//! Handing a mail to a server (RFC 5321), step by step: at which one it fails is what decides whether to try again.

use super::verdict::{Setting, Verdict};
use crate::config::{MailSettings, MailTls};
use core::time::Duration;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

/// How long is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For each answer.
    pub answer: Duration,
    /// For all of it: who sends a byte a minute is not waited for.
    pub whole: Duration,
}

/// RFC 5321 §4.5.3.2 has five minutes for an answer; who needs more than one is tried again, and has the mail once only.
pub const PATIENCE: Patience = Patience { answer: Duration::from_secs(60), whole: Duration::from_secs(600) };

/// Hands over a mail for one recipient.
pub async fn send(
    server: &MailSettings,
    name: &str,
    from: Address,
    to: Address,
    mail: &[u8],
    patience: Patience,
) -> Verdict {
    match timeout(patience.whole, hand_over(server, name, from, to, mail, patience.answer)).await {
        Ok(Ok(answer)) => Verdict::Sent(answer),
        Ok(Err(verdict)) => verdict,
        Err(_) => Verdict::Later(format!("{} s were not enough", patience.whole.as_secs()), None),
    }
}

/// Goes as far as a mail would before anybody is named: the connection, STARTTLS, the password.
///
/// # Errors
/// Why it got no further, and which setting to look at.
pub async fn greet(server: &MailSettings, name: &str, patience: Duration) -> Result<(), (String, Setting)> {
    let opened = timeout(patience, open(server, name, patience)).await;
    let silent = || (format!("no answer in {} s", patience.as_secs()), Setting::Smtp);
    match opened.map_err(|_| silent())? {
        Ok(mut line) => {
            // Whether it hears the farewell makes no difference.
            let _ = timeout(patience, line.quit()).await;
            Ok(())
        }
        Err(Verdict::Later(why, setting)) => Err((why, setting.unwrap_or(Setting::Smtp))),
        Err(Verdict::Sent(why) | Verdict::Dead(why)) => Err((why, Setting::Smtp)),
    }
}

async fn hand_over(
    server: &MailSettings,
    name: &str,
    from: Address,
    to: Address,
    mail: &[u8],
    patience: Duration,
) -> Result<String, Verdict> {
    let mut line = open(server, name, patience).await?;
    let greeted = step(patience, line.command(Mail::new(Some(from), Vec::new())), "MAIL").await?;
    greeted.map_err(|error| later(&error, Setting::From))?;
    let asked = step(patience, line.command(Rcpt::new(to, Vec::new())), "RCPT").await?;
    asked.map_err(|error| refused(&error))?;
    step(patience, line.command(Data), "DATA").await?.map_err(|error| refused(&error))?;
    // The answer may take as long as the mail takes to get there.
    let taken = line.message(mail).await.map_err(|error| refused(&error))?;
    let words: Vec<&str> = taken.message().collect();
    let answer = format!("{} {}", taken.code(), words.join(" "));
    // It has the mail; whether it hears the farewell makes no difference.
    let _ = timeout(patience, line.quit()).await;
    Ok(answer)
}

/// A connection that is secured as the plan has it, to a server that knows us.
async fn open(server: &MailSettings, name: &str, patience: Duration) -> Result<AsyncSmtpConnection, Verdict> {
    let hello = ClientId::Domain(name.to_owned());
    let tls = || TlsParameters::new(server.host.to_string()).map_err(|error| later(&error, Setting::Tls));
    let at_once = if server.tls == MailTls::Tls { Some(tls()?) } else { None };
    let place = (&*server.host, server.port);
    let opening = AsyncSmtpConnection::connect_tokio1(place, Some(patience), &hello, at_once, None);
    let mut line = step(patience, opening, "an answer to the connection")
        .await?
        .map_err(|error| later(&error, if error.is_tls() { Setting::Tls } else { Setting::Smtp }))?;
    if server.tls == MailTls::StartTls {
        let secured = step(patience, line.starttls(tls()?, &hello), "STARTTLS").await?;
        secured.map_err(|error| later(&error, Setting::Tls))?;
    }
    if let Some(login) = &server.login {
        let known = Credentials::new(login.user.to_string(), login.password.as_str().to_owned());
        let taken = step(patience, line.auth(&MECHANISMS, &known), "the password").await?;
        taken.map_err(|error| later(&error, Setting::Password))?;
    }
    Ok(line)
}

async fn step<T>(patience: Duration, work: impl Future<Output = T>, what: &str) -> Result<T, Verdict> {
    let silent =
        |_| Verdict::Later(format!("no answer to {what} in {} s", patience.as_secs()), Some(Setting::Smtp));
    timeout(patience, work).await.map_err(silent)
}

/// Until the server has taken whom mail is from, whatever it says is about us, and may be mended.
fn later(error: &Error, setting: Setting) -> Verdict {
    Verdict::Later(said(error), Some(setting))
}

/// From then on it is about this recipient and this mail.
fn refused(error: &Error) -> Verdict {
    if error.is_permanent() { Verdict::Dead(said(error)) } else { Verdict::Later(said(error), None) }
}

/// What the server said, word for word, or what went wrong.
fn said(error: &Error) -> String {
    let mut text = String::new();
    match error.status() {
        Some(code) => text.push_str(&code.to_string()),
        None => text.push_str(&error.to_string()),
    }
    let mut source = core::error::Error::source(error);
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text.push_str(if error.status().is_some() { " " } else { ": " });
            text.push_str(&words);
        }
        source = inner.source();
    }
    super::words::clean(&text)
}

const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
