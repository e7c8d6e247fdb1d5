//! Who we are to a peer that asks for it: `user`, `password`, `realm`; and whether we are registered there.

use crate::codes::Code;
use crate::config::reader::{Key, Problems, Table, Value, shown, text};
use crate::config::register;
use crate::config::secret::{self, Missing, Reference};
use crate::diagnostic::Diagnostic;
use router::target::Login;

/// The keys that are read here.
pub(super) const KEYS: [&str; 5] = ["user", "password", "realm", "register", "expires"];

/// Reads the keys of a carrier, trunk, site or service; `None` if they are not there or not enough.
pub(super) fn read(keys: &mut Table<'_>, problems: &mut Problems<'_>) -> Option<Login> {
    let user = keys.take_entry("user");
    let password = keys.take_entry("password");
    let realm = keys.take_entry("realm");
    let register = register::read(keys, problems);
    let place = keys.place.clone();
    let (user, password) = match (user, password) {
        (Some(user), Some(password)) => (user, password),
        (None, None) => {
            for key in realm.map(|(key, _)| key).into_iter().chain(register.map(|written| written.key)) {
                problems.add(alone(&place, &key, "`user` and `password`"));
            }
            return None;
        }
        (Some((key, _)), None) => {
            problems.add(alone(&place, &key, "`password`"));
            return None;
        }
        (None, Some((key, _))) => {
            problems.add(alone(&place, &key, "`user`"));
            return None;
        }
    };
    let realm =
        realm.map(|(_, value)| named("realm", "the realm that it names when it asks", value, problems));
    let name = named("user", "the name of the account there", user.1, problems);
    let line = problems.source.line(password.0.span.start);
    let secret = password_of(&password, problems);
    let realm = match realm {
        Some(None) => return None,
        Some(Some(realm)) => Some(realm.into()),
        None => None,
    };
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    let register = match register {
        Some(written) => Some(written.of(name?, problems)?),
        None => None,
    };
    Some(Login { user: name?.into(), password: secret?.into(), realm, register, line })
}

/// The password itself, or what its reference leads to.
fn password_of((key, value): &(Key<'_>, &Value<'_>), problems: &mut Problems<'_>) -> Option<String> {
    let wanted = "a reference such as \"env:TELNYX\", \"file:/etc/tandem/telnyx\" or \"credential:telnyx\"";
    let written = text("password", wanted, value, problems)?;
    let Some(reference) = Reference::read(written) else {
        let problem = Diagnostic::new(Code::L030, "a secret stands in the file").at(key.span.clone(), "");
        let help = "whoever may read the file has it, and every copy and backup keeps it: \
                    write `env:NAME`, `file:PATH` or `credential:NAME`, and change the password";
        problems.add(problem.help(help));
        return Some(written.to_owned());
    };
    match secret::fetch(&reference, problems.source.path()) {
        Ok(secret) => Some(secret),
        Err(missing) => {
            problems.add(not_there(&reference, &missing, value));
            None
        }
    }
}

fn not_there(reference: &Reference<'_>, missing: &Missing, value: &Value<'_>) -> Diagnostic {
    let title = format!("the password cannot be read here: {missing}");
    let problem = Diagnostic::new(Code::L032, title).at(value.span(), "not here");
    problem.help(match reference {
        Reference::Env(name) => format!(
            "set `{}` for the process that runs `tandem run`; without it every challenge there is refused",
            shown(name)
        ),
        Reference::File(_) => {
            "write the password into that file, and let the user that runs tandem read it; \
                               without it every challenge there is refused"
                .into()
        }
        Reference::Credential(name) => format!(
            "write `LoadCredential={}:PATH` into the unit; without it every challenge there is refused",
            shown(name)
        ),
    })
}

/// A text that will stand between quotes in a header field.
fn named<'a>(
    key: &'static str,
    wanted: &str,
    value: &'a Value<'a>,
    problems: &mut Problems<'_>,
) -> Option<&'a str> {
    let written = text(key, wanted, value, problems)?;
    let bad = |c: char| c.is_control() || c == '"' || c == '\\';
    if !written.is_empty() && written.len() <= NAME_MAX && !written.contains(bad) {
        return Some(written);
    }
    let title = format!("`{}` cannot be a `{key}`", shown(written));
    let problem = Diagnostic::new(Code::E030, title).at(value.span(), "");
    problems.add(
        problem.help(format!("1 to {NAME_MAX} bytes, without quotes, backslashes and control characters")),
    );
    None
}

fn alone(place: &str, key: &Key<'_>, missing: &str) -> Diagnostic {
    let title = format!("{place} has `{}` without {missing}", key.text);
    let problem = Diagnostic::new(Code::E012, title).at(key.span.clone(), "not enough to log in with");
    problem.help("write both, as in `user = \"nguyen\", password = \"env:TELNYX\"`, or neither")
}

/// Bytes of a user name or realm.
const NAME_MAX: usize = 128;
