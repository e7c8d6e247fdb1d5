//! How much a node holds, for those who watch that nothing is left behind.

/// How many of everything a node has in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Calls, lingering ones too.
    pub calls: usize,
    /// Probes of ours.
    pub probes: usize,
    /// Registrations of ours, those that are being given up too.
    pub registrations: usize,
    /// In-call requests that are sent again by us.
    pub transits: usize,
    /// INVITE transactions by which a call is found: one for each call.
    pub transactions: usize,
    /// Calls, probes and registrations that wait on a path, once for each path.
    pub waiting: usize,
    /// Deadlines: one for each call, probe, registration and transit, since whatever has none stays for ever.
    pub deadlines: usize,
    /// Legs and calls that count for a limit; calls that are up count though nothing else of them is kept.
    pub counted: usize,
    /// Callers whose call is out at a phone number.
    pub out: usize,
}
