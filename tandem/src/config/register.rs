//! Where we register, and as whom: `register` and `expires`.

use crate::codes::Code;
use crate::config::address::{self, is_user};
use crate::config::duration::duration;
use crate::config::reader::{Key, Problems, Table, Value, shown};
use crate::config::settings::EXPIRES;
use crate::diagnostic::Diagnostic;
use router::target::{PeerHost, Register};
use std::sync::Arc;
use toml::de::DeValue;

/// What was written, before it is known whether there are credentials for it.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) key: Key<'a>,
    account: Account,
    expires: Option<core::time::Duration>,
}

/// Whose URI is registered, as far as it is written.
#[derive(Debug)]
struct Account {
    user: Option<Arc<str>>,
    domain: Option<Arc<str>>,
}

/// Reads the keys; `None` if no registration is asked for, or if it cannot be.
pub(super) fn read<'a>(keys: &mut Table<'a>, problems: &mut Problems<'_>) -> Option<Written<'a>> {
    let register = keys.take_entry("register");
    let expires = keys.take_entry("expires");
    let wanted = register.filter(|(_, value)| !matches!(value.get_ref(), DeValue::Boolean(false)));
    let Some((key, value)) = wanted else {
        if let Some((key, _)) = expires {
            let title = format!("{} has `expires` without `register`", keys.place);
            let problem = Diagnostic::new(Code::E012, title).at(key.span, "nothing is registered");
            problems.add(problem.help("write `register = true` too, or take `expires` out"));
        }
        return None;
    };
    let expires = expires.map(|(_, value)| duration("expires", &EXPIRES, value, problems));
    let account = account(value, problems)?;
    Some(Written { key, account, expires: expires.flatten() })
}

impl Written<'_> {
    /// As what the account with this user name is registered.
    pub(super) fn of(self, name: &str, problems: &mut Problems<'_>) -> Option<Register> {
        let Account { user, domain } = self.account;
        let user = match user {
            Some(user) => user,
            None if is_user(name) => name.into(),
            None => {
                let title = format!("`{}` cannot stand in the address of an account", shown(name));
                let problem =
                    Diagnostic::new(Code::E031, title).at(self.key.span, "registered as whom is not known");
                problems.add(problem.help("write the account: `register = \"name@domain\"`"));
                return None;
            }
        };
        Some(Register { user, domain, expires: self.expires.unwrap_or(EXPIRES.default) })
    }
}

/// `true`, a domain, or `name@domain`.
fn account(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Account> {
    let wanted = "true, the domain of the account, or the account as `\"name@domain\"`";
    match value.get_ref() {
        DeValue::Boolean(_) => Some(Account { user: None, domain: None }),
        DeValue::String(written) => match address::address(written, &value.span()) {
            Ok(found) if found.port.is_none() && found.transport.is_none() => {
                let domain = match found.host {
                    PeerHost::Name(name) => name,
                    PeerHost::Ip(core::net::IpAddr::V6(ip)) => format!("[{ip}]").into(),
                    PeerHost::Ip(ip) => ip.to_string().into(),
                };
                Some(Account { user: found.user, domain: Some(domain) })
            }
            Ok(_) => {
                let title = format!("`{}` is no account", shown(written));
                let problem =
                    Diagnostic::new(Code::E031, title).at(value.span(), "with a port or a transport");
                problems.add(problem.help(
                    "an account is `name@domain`; it is registered by the ways that `sip` leads to, which is where port and \
                     transport belong",
                ));
                None
            }
            Err(problem) => {
                problems.add(problem);
                None
            }
        },
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => {
            problems.kind("register", wanted, value);
            None
        }
    }
}
