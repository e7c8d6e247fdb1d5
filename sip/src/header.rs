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
    CallInfo,
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
    MinSe,
    Priority,
    Diversion,
    HistoryInfo,
    Identity,
    PAssertedIdentity,
    SessionExpires,
    Timestamp,
    UserAgent,
    Server,
    RAck,
    Event,
    Other,
}

impl Name {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Other as usize + 1;

    /// Reads a field name in its long or compact form, in any case. White space around it is not allowed here.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let [first, .., last] = name else {
            return name.first().map_or(Self::Other, |letter| Self::of_letter(*letter));
        };
        // Makes a letter lower case; what else it changes is no name, as the comparison shows.
        let (long, known) = Self::candidate(name.len(), first | 0x20, last | 0x20);
        // Most are written as the RFCs write them, which is quicker to compare.
        if name == long || name.eq_ignore_ascii_case(long) { known } else { Self::Other }
    }

    fn of_letter(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b'v' => Self::Via,
            b'f' => Self::From,
            b't' => Self::To,
            b'i' => Self::CallId,
            b'm' => Self::Contact,
            b'l' => Self::ContentLength,
            b'c' => Self::ContentType,
            b'k' => Self::Supported,
            b'o' => Self::Event,
            b'x' => Self::SessionExpires,
            b'y' => Self::Identity,
            _ => Self::Other,
        }
    }

    /// The one known name with that length, first and last letter.
    fn candidate(len: usize, first: u8, last: u8) -> (&'static [u8], Self) {
        match (len, first, last) {
            (2, b't', b'o') => (b"To", Self::To),
            (3, b'v', b'a') => (b"Via", Self::Via),
            (4, b'f', b'm') => (b"From", Self::From),
            (4, b'c', b'q') => (b"CSeq", Self::CSeq),
            (4, b'r', b'k') => (b"RAck", Self::RAck),
            (4, b'd', b'e') => (b"Date", Self::Date),
            (5, b'r', b'e') => (b"Route", Self::Route),
            (5, b'a', b'w') => (b"Allow", Self::Allow),
            (5, b'e', b't') => (b"Event", Self::Event),
            (6, b'r', b'n') => (b"Reason", Self::Reason),
            (6, b's', b'r') => (b"Server", Self::Server),
            (6, b'm', b'e') => (b"Min-SE", Self::MinSe),
            (7, b'c', b'd') => (b"Call-ID", Self::CallId),
            (7, b'c', b't') => (b"Contact", Self::Contact),
            (7, b'r', b'e') => (b"Require", Self::Require),
            (7, b'e', b's') => (b"Expires", Self::Expires),
            (7, b'w', b'g') => (b"Warning", Self::Warning),
            (8, b'p', b'y') => (b"Priority", Self::Priority),
            (8, b'i', b'y') => (b"Identity", Self::Identity),
            (9, b'c', b'o') => (b"Call-Info", Self::CallInfo),
            (9, b's', b'd') => (b"Supported", Self::Supported),
            (9, b'd', b'n') => (b"Diversion", Self::Diversion),
            (9, b't', b'p') => (b"Timestamp", Self::Timestamp),
            (10, b'u', b't') => (b"User-Agent", Self::UserAgent),
            (11, b'u', b'd') => (b"Unsupported", Self::Unsupported),
            (11, b'r', b'r') => (b"Retry-After", Self::RetryAfter),
            (11, b'm', b'h') => (b"Max-Breadth", Self::MaxBreadth),
            (12, b'm', b's') => (b"Max-Forwards", Self::MaxForwards),
            (12, b'r', b'e') => (b"Record-Route", Self::RecordRoute),
            (12, b'c', b'e') => (b"Content-Type", Self::ContentType),
            (12, b'h', b'o') => (b"History-Info", Self::HistoryInfo),
            (13, b'p', b'e') => (b"Proxy-Require", Self::ProxyRequire),
            (13, b'a', b'n') => (b"Authorization", Self::Authorization),
            (14, b'c', b'h') => (b"Content-Length", Self::ContentLength),
            (15, b's', b's') => (b"Session-Expires", Self::SessionExpires),
            (16, b'w', b'e') => (b"WWW-Authenticate", Self::WwwAuthenticate),
            (18, b'p', b'e') => (b"Proxy-Authenticate", Self::ProxyAuthenticate),
            (19, b'p', b'n') => (b"Proxy-Authorization", Self::ProxyAuthorization),
            (19, b'p', b'y') => (b"P-Asserted-Identity", Self::PAssertedIdentity),
            _ => (b"", Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: [(&str, Name); 39] = [
        ("Via", Name::Via),
        ("From", Name::From),
        ("To", Name::To),
        ("Call-ID", Name::CallId),
        ("CSeq", Name::CSeq),
        ("Max-Forwards", Name::MaxForwards),
        ("Route", Name::Route),
        ("Record-Route", Name::RecordRoute),
        ("Contact", Name::Contact),
        ("Call-Info", Name::CallInfo),
        ("Content-Length", Name::ContentLength),
        ("Content-Type", Name::ContentType),
        ("Require", Name::Require),
        ("Proxy-Require", Name::ProxyRequire),
        ("Supported", Name::Supported),
        ("Unsupported", Name::Unsupported),
        ("Allow", Name::Allow),
        ("Reason", Name::Reason),
        ("Retry-After", Name::RetryAfter),
        ("Expires", Name::Expires),
        ("Date", Name::Date),
        ("Warning", Name::Warning),
        ("Authorization", Name::Authorization),
        ("Proxy-Authorization", Name::ProxyAuthorization),
        ("WWW-Authenticate", Name::WwwAuthenticate),
        ("Proxy-Authenticate", Name::ProxyAuthenticate),
        ("Max-Breadth", Name::MaxBreadth),
        ("Min-SE", Name::MinSe),
        ("Priority", Name::Priority),
        ("Diversion", Name::Diversion),
        ("History-Info", Name::HistoryInfo),
        ("Identity", Name::Identity),
        ("P-Asserted-Identity", Name::PAssertedIdentity),
        ("Session-Expires", Name::SessionExpires),
        ("Timestamp", Name::Timestamp),
        ("User-Agent", Name::UserAgent),
        ("Server", Name::Server),
        ("RAck", Name::RAck),
        ("Event", Name::Event),
    ];

    #[test]
    fn every_long_name_is_read_in_any_case() {
        for (text, name) in LONG {
            assert_eq!(Name::of(text.as_bytes()), name, "{text}");
            assert_eq!(Name::of(text.to_ascii_uppercase().as_bytes()), name, "{text}");
            assert_eq!(Name::of(text.to_ascii_lowercase().as_bytes()), name, "{text}");
        }
    }

    #[test]
    fn compact_forms_are_the_same_names() {
        let compact: Vec<(char, Name)> = ('a'..='z')
            .map(|letter| (letter, Name::of(&[letter as u8])))
            .filter(|found| found.1 != Name::Other)
            .collect();
        let expected = [
            ('c', Name::ContentType),
            ('f', Name::From),
            ('i', Name::CallId),
            ('k', Name::Supported),
            ('l', Name::ContentLength),
            ('m', Name::Contact),
            ('o', Name::Event),
            ('t', Name::To),
            ('v', Name::Via),
            ('x', Name::SessionExpires),
            ('y', Name::Identity),
        ];
        assert_eq!(compact, expected);
        assert_eq!(Name::of(b"V"), Name::Via);
    }

    #[test]
    fn a_near_miss_is_another_name() {
        for text in ["", "-", "Vix", "Vla", "Via ", "Tto", "C%6Fntact", "Content-Lengh", "Call_ID", "CSeqq"] {
            assert_eq!(Name::of(text.as_bytes()), Name::Other, "{text}");
        }
    }
}
