//! `[mail]`: how mail leaves this node.

use crate::codes::Code;
use crate::config::address::host_port;
use crate::config::mailboxes::line_of;
use crate::config::reader::{Problems, Table, Value, one_of, shown, table, text};
use crate::config::secret::{Secret, referenced};
use crate::diagnostic::{Diagnostic, Span};
use router::target::PeerHost;
use std::sync::Arc;

/// The server that takes our mail, and as whom we send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// Its host name or address.
    pub host: Arc<str>,
    /// Its port.
    pub port: u16,
    /// How the way there is secured.
    pub tls: MailTls,
    /// Who we are there; `None` if it does not ask.
    pub login: Option<MailLogin>,
    /// Whom mail is from: an address, perhaps with a name before it.
    pub from: Arc<str>,
    /// Where in the plan file these stand.
    pub lines: MailLines,
}

/// Who we are to a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailLogin {
    /// The user name.
    pub user: Arc<str>,
    /// The password.
    pub password: Secret,
}

/// How the way to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte on (RFC 8314).
    Tls,
    /// By STARTTLS (RFC 3207); a server without it gets nothing.
    StartTls,
    /// Not at all.
    None,
}

/// Lines of the plan file, for those who have to look there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailLines {
    /// Of `smtp`.
    pub smtp: u32,
    /// Of `tls`, or of `smtp` if that is not written.
    pub tls: u32,
    /// Of `password`, or of `smtp` if that is not written.
    pub password: u32,
    /// Of `from`.
    pub from: u32,
}

/// Reads `[mail]`. `mailed` is the first mailbox that has an address.
pub(super) fn read(
    top: &mut Table<'_>,
    mailed: Option<Span>,
    problems: &mut Problems<'_>,
) -> Option<MailSettings> {
    let Some((key, value)) = top.take_entry("mail") else {
        if let Some(span) = mailed {
            let title = "mailboxes have addresses, and the file does not say how mail leaves";
            let problem = Diagnostic::new(Code::E012, title).at(span, "by which server?");
            problems.add(problem.help(
                "write `[mail]` with `smtp = \"smtp.nguyen.example:587\"` and `from = \"voicemail@nguyen.example\"`",
            ));
        }
        return None;
    };
    let mut keys = table("[mail]", key.span, "a table", value, problems)?;
    let server = keys.take_entry("smtp");
    let tls = keys.take_entry("tls");
    let (user, password) = (keys.take_entry("user"), keys.take_entry("password"));
    let from = keys.take_entry("from");
    let place = keys.span.clone();
    keys.finish(problems);

    let smtp_line = server.as_ref().map_or(0, |(key, _)| line_of(&key.span, problems));
    let line = |entry: &Option<(super::reader::Key<'_>, &Value<'_>)>| {
        entry.as_ref().map_or(smtp_line, |(key, _)| line_of(&key.span, problems))
    };
    let lines = MailLines { smtp: smtp_line, tls: line(&tls), password: line(&password), from: line(&from) };
    for (missing, key, example) in [
        (server.is_none(), "smtp", "smtp.nguyen.example:587"),
        (from.is_none(), "from", "voicemail@nguyen.example"),
    ] {
        if missing {
            let title = format!("[mail] has no `{key}`");
            let problem = Diagnostic::new(Code::E012, title).at(place.clone(), "");
            problems.add(problem.help(format!("write `{key} = \"{example}\"`")));
        }
    }
    let written = tls.and_then(|(_, value)| Some((one_of("tls", &TLS, value, problems)?, value.span())));
    let server = server.and_then(|(_, value)| server_of(value, problems));
    let tls = match (&written, &server) {
        (Some((tls, _)), _) => *tls,
        (None, Some((_, Some(SMTPS)))) => MailTls::Tls,
        (None, Some(_) | None) => MailTls::StartTls,
    };
    let has_login = user.is_some() || password.is_some();
    let login = login(user, password, problems);
    let from = from.and_then(|(_, value)| from_of(value, problems));
    let (host, port) = server?;
    if let Some((MailTls::None, span)) = written
        && !is_here(&host)
    {
        let what = if login.is_some() { "the password and every message" } else { "every message" };
        let problem = Diagnostic::new(Code::L044, "mail leaves in the clear")
            .at(span, format!("anybody on the way reads {what}"));
        problems.add(problem.help("write `tls = \"starttls\"`, or `\"tls\"` for port 465"));
    }
    if has_login && login.is_none() {
        return None;
    }
    Some(MailSettings { host, port: port.unwrap_or(tls.port()), tls, login, from: from?, lines })
}

impl MailTls {
    const fn port(self) -> u16 {
        match self {
            Self::Tls => SMTPS,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// Whether a host is this machine, so that nobody is on the way.
pub(super) fn is_here(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost" || bare.parse().is_ok_and(|ip: core::net::IpAddr| ip.is_loopback())
}

/// An address that mail goes to.
pub(super) fn address(written: &str, span: &Span, problems: &mut Problems<'_>) -> Option<Arc<str>> {
    if written.is_ascii() && written.parse::<lettre::Address>().is_ok() {
        return Some(written.into());
    }
    problems.add(no_address(written, span).help("an address is `name@domain`, alone, in ASCII"));
    None
}

fn no_address(written: &str, span: &Span) -> Diagnostic {
    let title = format!("`{}` is no address for mail", shown(written));
    Diagnostic::new(Code::E032, title).at(span.clone(), "")
}

fn server_of(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<(Arc<str>, Option<u16>)> {
    let written = text("smtp", "a server such as \"smtp.nguyen.example:587\"", value, problems)?;
    match host_port(written) {
        Some((host, port)) => {
            let host = match host {
                PeerHost::Ip(ip) => ip.to_string().into(),
                PeerHost::Name(name) => name,
            };
            Some((host, port))
        }
        None => {
            let title = format!("mail cannot be given to `{}`", shown(written));
            let problem = Diagnostic::new(Code::E032, title).at(value.span(), "no host");
            problems.add(problem.help("write `smtp.nguyen.example` or `192.0.2.25:587`, without `smtp://`"));
            None
        }
    }
}

fn from_of(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Arc<str>> {
    let written = text("from", "an address such as \"voicemail@nguyen.example\"", value, problems)?;
    let sound = written.parse::<lettre::message::Mailbox>().is_ok_and(|found| {
        let address: &str = found.email.as_ref();
        address.is_ascii()
    });
    if sound && !written.chars().any(char::is_control) {
        return Some(written.into());
    }
    let help = "write `voicemail@nguyen.example` or `Nguyen Dental <voicemail@nguyen.example>`";
    problems.add(no_address(written, &value.span()).help(help));
    None
}

fn login(
    user: Option<(super::reader::Key<'_>, &Value<'_>)>,
    password: Option<(super::reader::Key<'_>, &Value<'_>)>,
    problems: &mut Problems<'_>,
) -> Option<MailLogin> {
    let (there, missing) = match (user, password) {
        (Some((_, user)), Some((key, password))) => {
            let user = text("user", "the name of the account there", user, problems);
            let lost = "without it no mail leaves";
            let password = referenced(&key, password, "password", lost, problems);
            return Some(MailLogin { user: user?.into(), password: password? });
        }
        (Some((key, _)), None) => (key, "password"),
        (None, Some((key, _))) => (key, "user"),
        (None, None) => return None,
    };
    let title = format!("[mail] has `{}` without `{missing}`", there.text);
    let problem = Diagnostic::new(Code::E012, title).at(there.span, "not enough to log in with");
    problems
        .add(problem.help("write both, as in `user = \"voicemail\", password = \"env:SMTP\"`, or neither"));
    None
}

const TLS: [(&str, MailTls); 3] =
    [("starttls", MailTls::StartTls), ("tls", MailTls::Tls), ("none", MailTls::None)];

const SMTPS: u16 = 465;
