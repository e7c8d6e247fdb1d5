//! What a peer has sent and received, for comparing with the whole list of what should have happened.

use core::time::Duration;

/// One message at one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Sent by this peer, or received.
    pub(crate) sent: bool,
    /// When; only the difference between two of one peer means something.
    pub(crate) at: Duration,
    /// The whole message.
    pub(crate) text: String,
}

impl Message {
    /// In short: `> INVITE`, `< 180 INVITE`.
    pub(crate) fn short(&self) -> String {
        let arrow = if self.sent { '>' } else { '<' };
        let mut words = self.text.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        if first == "SIP/2.0" {
            let status = words.next().unwrap_or_default();
            let method = header(&self.text, "CSeq").split_ascii_whitespace().nth(1).unwrap_or_default();
            format!("{arrow} {status} {method}")
        } else {
            format!("{arrow} {first}")
        }
    }
}

/// All messages of one peer, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Messages(pub(crate) Vec<Message>);

impl Messages {
    /// All of them in short. What was sent or received again unchanged is left out: on a busy machine anything may be
    /// sent again.
    pub(crate) fn short(&self) -> Vec<String> {
        let again = |n: usize, message: &Message| self.0[..n].iter().any(|other| other.text == message.text);
        let first = self.0.iter().enumerate().filter(|(n, message)| !again(*n, message));
        first.map(|(_, message)| message.short()).collect()
    }

    /// The first that is this in short.
    pub(crate) fn first(&self, short: &str) -> &Message {
        let found = self.0.iter().find(|message| message.short() == short);
        found.unwrap_or_else(|| unreachable!("no `{short}` in {:?}", self.short()))
    }

    /// The time between two of them.
    pub(crate) fn between(&self, first: &str, then: &str) -> Duration {
        self.first(then).at.saturating_sub(self.first(first).at)
    }
}

/// The value of the first header with this name, in its long form.
pub(crate) fn header<'a>(text: &'a str, name: &str) -> &'a str {
    headers(text, name).next().unwrap_or_default()
}

/// The values of all headers with this name, in their long form.
pub(crate) fn headers<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().filter_map(move |line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
