//! What calls live through.

/// One kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    /// INVITE, 180, 200, ACK, BYE, 200 through Record-Route.
    Relay,
    /// The first callee says 503, the second answers.
    Failover503,
    /// The first callee is silent, the second answers.
    DeadHop,
    /// Three ring, one answers, two are cancelled.
    Parallel3,
}

/// Where those who are called are.
pub(crate) const CALLEES: [&str; 3] = ["127.0.0.1:17001", "127.0.0.1:17002", "127.0.0.1:17003"];
/// Where who calls is.
pub(crate) const CALLER: &str = "127.0.0.1:17000";
/// Where whoever is measured listens.
pub(crate) const PROXY: &str = "127.0.0.1:15060";

impl Job {
    pub(crate) const ALL: [Self; 4] = [Self::Relay, Self::Failover503, Self::DeadHop, Self::Parallel3];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Failover503 => "failover503",
            Self::DeadHop => "deadhop",
            Self::Parallel3 => "parallel3",
        }
    }

    /// What each of the callees does.
    pub(crate) const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Relay => &["answers"],
            Self::Failover503 => &["refuses", "answers"],
            Self::DeadHop => &["silent", "answers"],
            Self::Parallel3 => &["rings", "rings", "answers"],
        }
    }

    /// Calls a second: who waits for the dead costs nothing, but a call that waits is a call more that is open.
    pub(crate) const fn rate(self, wanted: u64) -> u64 {
        match self {
            Self::Relay | Self::Failover503 | Self::Parallel3 => wanted,
            Self::DeadHop => 20,
        }
    }
}
