//! What a try to deliver has come to.

use core::fmt;

/// What has become of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The other side has it; its words.
    Sent(String),
    /// Not now: why, and which setting to look at if it stays so.
    Later(String, Option<Setting>),
    /// Never, says the other side; its words.
    Dead(String),
}

/// The setting of the plan file that a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `smtp` of `[mail]`: the server is not there.
    Smtp,
    /// `tls` of `[mail]`: the way to the server cannot be secured.
    Tls,
    /// `password` of `[mail]`: the server does not know us.
    Password,
    /// `from` of `[mail]`: the server does not take mail from there.
    From,
    /// `webhook` of a mailbox.
    Webhook,
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Smtp => "smtp",
            Self::Tls => "tls",
            Self::Password => "password",
            Self::From => "from",
            Self::Webhook => "webhook",
        })
    }
}
