//! `[mailboxes]`: who hears of the messages that callers leave, how long they are kept, and for whom they are sealed.

use crate::codes::Code;
use crate::config::draft::Draft;
use crate::config::duration::{count, duration};
use crate::config::mail::{self, MailSettings};
use crate::config::reader::{Key, Problems, Table, Value, flag, one_of, shown, table, text, texts};
use crate::config::secret::{Reference, Secret, referenced};
use crate::config::settings::{EMAILS_MAX, KEEP, LAMPS_MAX, LONGEST, MESSAGES, SEALED_FOR_MAX};
use crate::config::sound;
use crate::diagnostic::{Diagnostic, Span};
use core::time::Duration;
use hyper::Uri;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// `[mailboxes]` and `[mail]`: all that those need who keep messages and deliver them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailboxes {
    /// The mailboxes by name.
    pub by_name: BTreeMap<Arc<str>, Mailbox>,
    /// How mail leaves; there if a mailbox has an address.
    pub mail: Option<MailSettings>,
    /// What the business calls itself; may be empty.
    pub business: Arc<str>,
    /// By which clock it lives.
    pub zone: TimeZone,
    /// The plan file, for those who are told to look into it.
    pub file: Arc<str>,
}

/// One mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Where its messages go by mail.
    pub emails: Vec<Arc<str>>,
    /// Who is told of its messages by HTTP.
    pub webhook: Option<Webhook>,
    /// What a mail carries.
    pub attach: Attach,
    /// Whom its messages are sealed for on disk (age recipients); nobody: they are not.
    pub encrypt_to: Vec<Arc<str>>,
    /// How long a message is kept.
    pub keep: Duration,
    /// How long a message may be.
    pub longest: Duration,
    /// What callers hear before the tone, in µ-law; `None` for what comes with Tandem.
    pub greeting: Option<Arc<[u8]>>,
    /// The hash of its owner's PIN (argon2id, a PHC string).
    pub pin: Option<Secret>,
    /// To whom the key 0 leads, and where that stands: somebody, or a plan.
    pub operator: Option<(Arc<str>, Span)>,
    /// The phones that are told what waits in it without having asked, and where that stands: as they are written until the names of the
    /// plan are known, then their URIs.
    pub lamps: Vec<(Arc<str>, Span)>,
    /// How many messages it holds.
    pub messages: u32,
    /// Whether nothing of it may be deleted.
    pub hold: bool,
    /// The customer whose it is; `None` for the business itself.
    pub of: Option<Arc<Customer>>,
    /// The line that it begins in.
    pub line: u32,
}

/// A customer of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Its key in the plan file: stands before its names.
    pub key: Arc<str>,
    /// What it calls itself.
    pub business: Arc<str>,
    /// By which clock it lives.
    pub zone: TimeZone,
}

/// Who is told by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where: `https` or `http`, with a host.
    pub url: Arc<str>,
    /// What it is signed with.
    pub secret: Secret,
    /// Its line in the plan file.
    pub line: u32,
}

/// What a mail carries of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attach {
    /// Its sound as a WAV file.
    #[default]
    Sound,
    /// Where it is kept, and how to get it there.
    Link,
    /// That somebody called, and nothing else.
    Notice,
}

impl Default for Mailboxes {
    fn default() -> Self {
        let (by_name, mail) = (BTreeMap::new(), None);
        Self { by_name, mail, business: Arc::default(), zone: TimeZone::UTC, file: Arc::default() }
    }
}

impl Mailboxes {
    /// What the business calls itself whose mailbox it is; may be empty.
    #[must_use]
    pub fn business_of<'a>(&'a self, mailbox: &'a Mailbox) -> &'a str {
        mailbox.of.as_ref().map_or(&*self.business, |customer| &*customer.business)
    }
}

impl Mailbox {
    /// Everybody who is to hear of a message: `mailto:` addresses, and the URL of a webhook.
    pub fn recipients(&self) -> impl Iterator<Item = String> {
        let mail = self.emails.iter().map(|address| format!("mailto:{address}"));
        mail.chain(self.webhook.iter().map(|hook| hook.url.to_string()))
    }
}

/// Reads the mailboxes of one part of the plan.
pub(super) fn read(entries: &[(Key<'_>, &Value<'_>)], draft: &mut Draft, problems: &mut Problems<'_>) {
    for (key, value) in entries {
        if let Some(mut mailbox) = mailbox(key, value, problems) {
            if !mailbox.emails.is_empty() {
                draft.mailed.get_or_insert(key.span.clone());
            }
            mailbox.of.clone_from(&draft.customer);
            let name = draft.full(key.text);
            draft.mailboxes.by_name.insert(name, mailbox);
        }
    }
}

/// Reads what holds for all mailboxes, once all are known: how mail leaves, and by which clock the business lives.
pub(super) fn finish(
    root: &DeTable<'_>,
    top: &mut Table<'_>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    draft.mailboxes.file = problems.source.path().into();
    draft.mailboxes.business = Arc::clone(&draft.plan.business);
    draft.mailboxes.mail = mail::read(top, draft.mailed.take(), problems);
    // A time zone that is none is refused where the hours are read.
    if let Some(DeValue::String(zone)) = root.get("timezone").map(Value::get_ref) {
        draft.mailboxes.zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    }
}

fn mailbox(key: &Key<'_>, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Mailbox> {
    let line = line_of(&key.span, problems);
    if let DeValue::String(written) = value.get_ref() {
        let email = mail::address(written, &value.span(), problems)?;
        return Some(Mailbox { emails: vec![email], line, ..Mailbox::default() });
    }
    let wanted = "an address such as \"office@nguyen.example\", or a table with `email`";
    let place = format!("[mailboxes.{}]", shown(key.text));
    let mut keys = table(place, key.span.clone(), wanted, value, problems)?;
    let before = problems.found.len();
    let emails = keys.take("email").map(|value| emails(value, problems)).unwrap_or_default();
    let webhook = webhook(&mut keys, problems);
    if emails.is_empty() && webhook.is_none() && problems.found.len() == before {
        let title = format!("nobody would hear of the messages in {}", keys.place);
        let problem =
            Diagnostic::new(Code::E012, title).at(keys.span.clone(), "neither `email` nor `webhook`");
        problems.add(problem.help("write `email = \"office@nguyen.example\"`"));
    }
    let mut found = Mailbox { emails, webhook, line, ..Mailbox::default() };
    if let Some(value) = keys.take("attach") {
        found.attach = one_of("attach", &ATTACH, value, problems).unwrap_or_default();
    }
    if let Some(value) = keys.take("encrypt_to") {
        found.encrypt_to = sealed_for(value, problems);
    }
    if let Some(value) = keys.take("keep") {
        found.keep = duration("keep", &KEEP, value, problems).unwrap_or(found.keep);
    }
    if let Some(value) = keys.take("longest") {
        found.longest = duration("longest", &LONGEST, value, problems).unwrap_or(found.longest);
    }
    if let Some(value) = keys.take("messages") {
        found.messages = count("messages", &MESSAGES, value, problems).unwrap_or(found.messages);
    }
    if let Some(value) = keys.take("hold") {
        found.hold = flag("hold", value, problems).unwrap_or_default();
    }
    found.greeting = keys.take("greeting").and_then(|value| greeting(value, problems));
    found.pin = keys.take_entry("pin").and_then(|(key, value)| pin(&key, value, problems));
    if let Some(value) = keys.take("operator") {
        let name = text("operator", "the name of a destination or of a plan", value, problems);
        found.operator = name.map(|name| (name.into(), value.span()));
    }
    if let Some(value) = keys.take("lamp") {
        let wanted = "a site such as \"office\", or a user there such as \"100@office\"";
        let written = texts("lamp", wanted, LAMPS_MAX, value, problems).into_iter();
        found.lamps = written.map(|(text, span)| (text.into(), span)).collect();
    }
    keys.finish(problems);
    Some(found)
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            emails: Vec::new(),
            webhook: None,
            attach: Attach::default(),
            encrypt_to: Vec::new(),
            keep: KEEP.default,
            longest: LONGEST.default,
            greeting: None,
            pin: None,
            operator: None,
            lamps: Vec::new(),
            messages: MESSAGES.default,
            hold: false,
            of: None,
            line: 0,
        }
    }
}

fn emails(value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<Arc<str>> {
    let mut found: Vec<Arc<str>> = Vec::new();
    let wanted = "an address such as \"office@nguyen.example\"";
    for (written, span) in texts("email", wanted, EMAILS_MAX, value, problems) {
        let Some(address) = mail::address(written, &span, problems) else { continue };
        if found.iter().any(|before| before.eq_ignore_ascii_case(&address)) {
            let title = format!("`{}` would get every message twice", shown(written));
            problems.add(Diagnostic::new(Code::E102, title).at(span, "again").help("take one out"));
        } else {
            found.push(address);
        }
    }
    found
}

fn webhook(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Webhook> {
    let url = keys.take_entry("webhook");
    let secret = keys.take_entry("secret");
    match (url, secret) {
        (Some((key, value)), Some((secret_key, secret))) => {
            let line = line_of(&key.span, problems);
            let url = web_address(value, problems);
            let lost = "without it no message is told there";
            let secret = referenced(&secret_key, secret, "secret", lost, problems);
            Some(Webhook { url: url?, secret: secret?, line })
        }
        (Some((key, _)), None) => {
            let title = format!("{} has `webhook` without `secret`", keys.place);
            let problem = Diagnostic::new(Code::E012, title).at(key.span, "what would it be signed with?");
            problems.add(
                problem.help("write `secret = \"env:NAME\"`: who is told proves by it that we told him"),
            );
            None
        }
        (None, Some((key, _))) => {
            let title = format!("{} has `secret` without `webhook`", keys.place);
            let problem = Diagnostic::new(Code::E012, title).at(key.span, "nothing to sign");
            problems.add(problem.help("write `webhook = \"https://…\"` too, or take `secret` out"));
            None
        }
        (None, None) => None,
    }
}

fn web_address(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Arc<str>> {
    let written = text("webhook", "a web address such as \"https://crm.example/calls\"", value, problems)?;
    let fault = match written.parse::<Uri>() {
        Ok(uri) if !matches!(uri.scheme_str(), Some("https" | "http")) => "neither https nor http",
        Ok(uri) if uri.authority().is_some_and(|whole| whole.as_str().contains('@')) => {
            problems.secrets.push(value.span());
            "with a user or a password in it"
        }
        Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => {
            if uri.scheme_str() == Some("http") && !mail::is_here(uri.host().unwrap_or_default()) {
                let title = "messages are told in the clear";
                let problem = Diagnostic::new(Code::L044, title)
                    .at(value.span(), "anybody on the way reads who called");
                problems.add(problem.help("write `https://`, if it is answered there"));
            }
            return Some(written.into());
        }
        Ok(_) | Err(_) => "no web address",
    };
    let title = if fault.starts_with("with ") {
        "a web address with a password is none to write here".into()
    } else {
        format!("`{}` cannot be told", shown(written))
    };
    let problem = Diagnostic::new(Code::E033, title).at(value.span(), fault);
    problems.add(problem.help(
        "an address is `https://host/path`, perhaps with a port; what it is signed with stands in `secret`",
    ));
    None
}

fn sealed_for(value: &Value<'_>, problems: &mut Problems<'_>) -> Vec<Arc<str>> {
    let wanted = "a public key such as \"age1…\"";
    let mut found = Vec::new();
    for (written, span) in texts("encrypt_to", wanted, SEALED_FOR_MAX, value, problems) {
        if written.starts_with("AGE-SECRET-KEY-") {
            problems.secrets.push(span.clone());
            let problem =
                Diagnostic::new(Code::E034, "this is the private key").at(span, "never write it down here");
            problems.add(problem.help(
                "it has been seen by whoever may read this file: make another with `age-keygen`, and write its public key, \
                 `age1…`",
            ));
        } else if written.parse::<age::x25519::Recipient>().is_ok() {
            found.push(written.into());
        } else {
            let title = format!("nothing can be sealed for `{}`", shown(written));
            let problem = Diagnostic::new(Code::E034, title).at(span, "no public key of age");
            problems.add(problem.help("`age-keygen` makes a pair and prints the public key, `age1…`"));
        }
    }
    found
}

/// A greeting that cannot be played is a warning: a node that does not start loses more than a greeting.
fn greeting(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Arc<[u8]>> {
    let written = text("greeting", "a WAV file such as \"greeting.wav\"", value, problems)?;
    let (path, fault) = match sound::read(written, value.span().start, problems) {
        Ok(sound) => return Some(sound),
        Err(unplayable) => unplayable,
    };
    let title = format!("the greeting cannot be played: {fault}");
    let problem = Diagnostic::new(Code::L043, title).at(value.span(), path.display().to_string());
    problems.add(problem.help("callers hear the greeting that comes with Tandem until it can be"));
    None
}

fn pin(key: &Key<'_>, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Secret> {
    let wanted = "the hash of a PIN, or a reference to it such as \"file:/etc/tandem/inbox.pin\"";
    let written = text("pin", wanted, value, problems)?;
    let hash = if Reference::read(written).is_some() {
        referenced(key, value, "pin", "without it nobody can log in by phone", problems)?
    } else {
        problems.secrets.push(value.span());
        Secret::new(written)
    };
    if hash.as_str().starts_with("$argon2id$") {
        return Some(hash);
    }
    let problem =
        Diagnostic::new(Code::E035, "this is no hash of a PIN").at(value.span(), "no `$argon2id$…`");
    problems.add(problem.help(
        "a PIN has so few digits that only a slow hash keeps it: `printf 4711 | argon2 \"$(openssl rand -hex 8)\" -id -e`",
    ));
    None
}

/// The line of a place, counted from one.
pub(super) fn line_of(span: &Span, problems: &Problems<'_>) -> u32 {
    u32::try_from(problems.source.line(span.start)).unwrap_or(u32::MAX)
}

const ATTACH: [(&str, Attach); 3] =
    [("attach", Attach::Sound), ("link", Attach::Link), ("notice", Attach::Notice)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::config::mail::{MailLines, MailLogin, MailTls};
    use crate::config::reader::section;

    /// What a text means, and what is said of it, one problem a line.
    fn said(text: &str) -> (Mailboxes, Vec<String>) {
        let source = Source::new("/etc/tandem.toml", text.to_owned());
        let mut problems = Problems { source: &source, found: Vec::new(), secrets: Vec::new() };
        let (root, errors) = DeTable::parse_recoverable(source.text());
        assert_eq!(errors.len(), 0, "{errors:?}");
        let mut top = Table::new("the file", 0..0, root.get_ref());
        let mut draft = Draft::default();
        read(&section(&mut top, "mailboxes", &mut problems), &mut draft, &mut problems);
        finish(root.get_ref(), &mut top, &mut draft, &mut problems);
        let found = draft.mailboxes;
        let short = |problem: &Diagnostic| {
            let line = source.line(problem.start());
            format!("{line} {}: {}", problem.code, problem.title)
        };
        (found, problems.found.iter().map(short).collect())
    }

    const OWNER: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    #[test]
    fn an_address_alone_is_a_mailbox() {
        let text = "timezone = \"Europe/Berlin\"\n[mailboxes]\ninbox = \"office@nguyen.example\"\n\
            [mail]\nsmtp = \"smtp.nguyen.example\"\nfrom = \"Nguyen <vm@nguyen.example>\"\n";
        let (found, problems) = said(text);
        assert_eq!(problems, [""; 0]);
        let inbox = Mailbox { emails: vec!["office@nguyen.example".into()], line: 3, ..Mailbox::default() };
        let expected = Mailboxes {
            by_name: [("inbox".into(), inbox)].into(),
            mail: Some(MailSettings {
                host: "smtp.nguyen.example".into(),
                port: 587,
                tls: MailTls::StartTls,
                login: None,
                from: "Nguyen <vm@nguyen.example>".into(),
                lines: MailLines { smtp: 5, tls: 5, password: 5, from: 6 },
            }),
            business: "".into(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            file: "/etc/tandem.toml".into(),
        };
        assert_eq!(found, expected);
        let kept = &expected.by_name["inbox"];
        assert_eq!((kept.keep.as_secs() / 86_400, kept.longest.as_secs(), kept.messages), (30, 180, 100));
    }

    #[test]
    fn everything_about_a_mailbox_can_be_said() {
        let text = format!(
            "[mailboxes.inbox]\nemail = [\"a@b.example\", \"c@d.example\"]\nwebhook = \"https://crm.example/calls?k=v\"\n\
             secret = \"s3cret\"\nattach = \"link\"\nencrypt_to = \"{OWNER}\"\nkeep = \"90d\"\nlongest = \"5m\"\n\
             pin = \"$argon2id$v=19$m=16\"\nmessages = 20\nhold = true\n[mail]\nsmtp = \"10.0.0.5:465\"\nuser = \"u\"\n\
             password = \"p\"\nfrom = \"vm@b.example\"\n"
        );
        let (found, problems) = said(&text);
        let expected = ["4 L030: a secret stands in the file", "15 L030: a secret stands in the file"];
        assert_eq!(problems, expected);
        let inbox = Mailbox {
            emails: vec!["a@b.example".into(), "c@d.example".into()],
            webhook: Some(Webhook {
                url: "https://crm.example/calls?k=v".into(),
                secret: Secret::new("s3cret"),
                line: 3,
            }),
            attach: Attach::Link,
            encrypt_to: vec![OWNER.into()],
            keep: Duration::from_secs(90 * 86_400),
            longest: Duration::from_secs(300),
            greeting: None,
            operator: None,
            lamps: Vec::new(),
            pin: Some(Secret::new("$argon2id$v=19$m=16")),
            messages: 20,
            hold: true,
            of: None,
            line: 1,
        };
        assert_eq!(found.by_name["inbox"], inbox);
        let to: Vec<String> = inbox.recipients().collect();
        assert_eq!(to, ["mailto:a@b.example", "mailto:c@d.example", "https://crm.example/calls?k=v"]);
        let mail = found.mail.unwrap();
        let login = MailLogin { user: "u".into(), password: Secret::new("p") };
        assert_eq!((mail.port, mail.tls, mail.login), (465, MailTls::Tls, Some(login)));
        assert!(!format!("{inbox:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_missing_is_said_with_its_place() {
        let text = "[mailboxes]\none = { keep = \"7d\" }\ntwo = \"two@a.example\"\nthree = { webhook = \"https://a.example\" }\n\
            four = { email = [], secret = \"x\" }\nfive = 5\nsix = { email = \"six@a.example\", greting = \"a.wav\" }\n";
        let (found, problems) = said(text);
        let expected = [
            "2 E012: nobody would hear of the messages in [mailboxes.one]",
            "4 E012: [mailboxes.three] has `webhook` without `secret`",
            "5 E021: `email` is empty",
            "5 E012: [mailboxes.four] has `secret` without `webhook`",
            "6 E011: `mailboxes.five` must be an address such as \"office@nguyen.example\", or a table with `email`, not a bare \
             number",
            "7 E010: [mailboxes.six] has no key `greting`",
            "3 E012: mailboxes have addresses, and the file does not say how mail leaves",
        ];
        assert_eq!((problems, found.mail), (expected.map(str::to_owned).to_vec(), None));
        let text = "[mailboxes]\na = \"a@a.example\"\n[mail]\nuser = \"u\"\ntls = \"ssl\"\n";
        let (_, problems) = said(text);
        let expected = [
            "3 E012: [mail] has no `smtp`",
            "3 E012: [mail] has no `from`",
            "5 E011: `tls` cannot be `ssl`",
            "4 E012: [mail] has `user` without `password`",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn what_cannot_be_is_said_with_its_place() {
        let text = "[mailboxes.a]\nemail = [\"a@b.example\", \"nobody\", \"a@b\\r\\nBcc: c@d.example\", \"A@b.example\"]\n\
            webhook = \"ftp://a.example\"\nsecret = \"env:TANDEM_NO_SUCH_VARIABLE\"\nattach = \"mp3\"\n\
            encrypt_to = [\"age1nobody\", \"AGE-SECRET-KEY-1ABC\"]\nkeep = \"7\"\nlongest = \"1h\"\ngreeting = \"none.wav\"\n\
            pin = \"4711\"\nmessages = 0\nhold = \"yes\"\n\
            [mailboxes.b]\nwebhook = \"https://user:pass@b.example/\"\nsecret = \"x\"\n\
            [mail]\nsmtp = \"smtp://a.example\"\nfrom = \"nobody\"\n";
        let (_, problems) = said(text);
        let expected = [
            "2 E032: `nobody` is no address for mail",
            "2 E032: `a@b\u{fffd}\u{fffd}Bcc: c@d.example` is no address for mail",
            "2 E102: `A@b.example` would get every message twice",
            "3 E033: `ftp://a.example` cannot be told",
            "4 L032: the secret cannot be read here: there is no variable \"TANDEM_NO_SUCH_VARIABLE\" in the environment",
            "5 E011: `attach` cannot be `mp3`",
            "6 E034: nothing can be sealed for `age1nobody`",
            "6 E034: this is the private key",
            "7 E014: a duration needs a unit",
            "8 E013: `longest` is 3600 s: it may be 10 s to 600 s",
            "11 E013: `messages` is 0: it may be 1 to 100000",
            "12 E011: `hold` must be `true` or `false`, not a string",
            "9 L043: the greeting cannot be played: No such file or directory (os error 2)",
            "10 E035: this is no hash of a PIN",
            "14 E033: a web address with a password is none to write here",
            "15 L030: a secret stands in the file",
            "17 E032: mail cannot be given to `smtp://a.example`",
            "18 E032: `nobody` is no address for mail",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn what_leaves_in_the_clear_is_said_but_not_on_this_machine() {
        let text = |host: &str| {
            format!(
                "[mailboxes.a]\nemail = \"a@b.example\"\nwebhook = \"http://{host}/\"\nsecret = \"env:PATH\"\n[mail]\n\
                 smtp = \"{host}\"\ntls = \"none\"\nfrom = \"a@b.example\"\n"
            )
        };
        let clear = ["3 L044: messages are told in the clear", "7 L044: mail leaves in the clear"];
        assert_eq!(said(&text("192.0.2.1")).1, clear);
        for here in ["127.0.0.1", "localhost", "[::1]"] {
            assert_eq!(said(&text(here)).1, [""; 0], "{here}");
        }
    }
}
