//! Who we are to a peer that asks for it: `user`, `password`, `realm`; and whether we are registered there.

use crate::codes::Code;
use crate::config::reader::{Key, Problems, Table, Value, shown, text};
use crate::config::register;
use crate::config::secret;
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
    let lost = "without it every challenge there is refused";
    let secret = secret::referenced(&password.0, password.1, "password", lost, problems);
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
    Some(Login { user: name?.into(), password: secret?.into_inner(), realm, register, line })
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
    problems.add(problem.help(format!(
        "1 to {NAME_MAX} bytes, without quotes, backslashes and control characters: `nguyen`"
    )));
    None
}

fn alone(place: &str, key: &Key<'_>, missing: &str) -> Diagnostic {
    let title = format!("{place} has `{}` without {missing}", key.text);
    let problem = Diagnostic::new(Code::E012, title).at(key.span.clone(), "not enough to log in with");
    problem.help("write both, as in `user = \"nguyen\", password = \"env:TELNYX\"`, or neither")
}

/// Bytes of a user name or realm.
const NAME_MAX: usize = 128;
