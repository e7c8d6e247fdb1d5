//! Header field names.

/// A header field name that something here needs to find; any other is [`Other`](Self::Other), its name stays in
/// the message's bytes. Long and compact forms (RFC 3261 §7.3.3) are one name; case does not matter; white space
/// between name and colon does not matter (CVE-2020-28361).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the header field of that name")]
pub enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    MaxForwards,
    Route,
    RecordRoute,
    Contact,
    ContentLength,
    ContentType,
    Require,
    ProxyRequire,
    Supported,
    Unsupported,
    Allow,
    Reason,
    RetryAfter,
    Expires,
    Date,
    Warning,
    Authorization,
    ProxyAuthorization,
    WwwAuthenticate,
    ProxyAuthenticate,
    MaxBreadth,
    Priority,
    Diversion,
    HistoryInfo,
    Identity,
    PAssertedIdentity,
    SessionExpires,
    Timestamp,
    UserAgent,
    Server,
    Other,
}

impl Name {
    /// Reads a field name in its long or compact form, in any case.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        todo!("{name:?}")
    }
}
