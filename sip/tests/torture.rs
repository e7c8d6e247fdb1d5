//! RFC 4475 and RFC 5118, section by section: over the RFCs' own messages where they are at hand, and over messages
//! of our own making for every clause.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sip::{Message, build};
use std::collections::BTreeSet;
use std::path::Path;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Relayed or delivered.
    Fine,
    /// A request that is answered with this status.
    Answered(u16),
    /// A response that is dropped.
    Dropped,
    /// No SIP at all: nothing can be answered.
    Unread,
}
use Verdict::{Answered, Dropped, Fine, Unread};

fn judge(bytes: &[u8]) -> Verdict {
    let Ok(message) = Message::parse(bytes.into()) else { return Unread };
    match sip::check(&message) {
        Ok(()) => Fine,
        Err(fault) if message.is_request() => Answered(fault.status),
        Err(_) => Dropped,
    }
}

/// File, section, verdict. Where the RFC leaves a choice, the choice is said.
const RFC_4475: [(&str, &str, Verdict); 49] = [
    ("wsinv", "3.1.1.1", Fine),
    ("intmeth", "3.1.1.2", Fine),
    ("esc01", "3.1.1.3", Fine),
    ("escnull", "3.1.1.4", Fine),
    ("esc02", "3.1.1.5", Fine),
    ("lwsdisp", "3.1.1.6", Fine),
    ("longreq", "3.1.1.7", Fine),
    ("dblreq", "3.1.1.8", Fine),
    ("semiuri", "3.1.1.9", Fine),
    ("transports", "3.1.1.10", Fine),
    ("mpart01", "3.1.1.11", Fine),
    ("unreason", "3.1.1.12", Fine),
    ("noreason", "3.1.1.13", Fine),
    ("badinv01", "3.1.2.1", Answered(400)),
    ("clerr", "3.1.2.2", Answered(400)),
    ("ncl", "3.1.2.3", Answered(400)),
    ("scalar02", "3.1.2.4", Answered(400)),
    ("scalarlg", "3.1.2.5", Dropped),
    ("quotbal", "3.1.2.6", Answered(400)),
    ("ltgtruri", "3.1.2.7", Answered(400)),
    ("lwsruri", "3.1.2.8", Answered(400)),
    ("lwsstart", "3.1.2.9", Answered(400)),
    ("trws", "3.1.2.10", Answered(400)),
    ("escruri", "3.1.2.11", Answered(400)),
    // The zone may also be ignored; what carries a Date is often signed over it, so it is refused.
    ("baddate", "3.1.2.12", Answered(400)),
    ("regbadct", "3.1.2.13", Answered(400)),
    // The spaces in the brackets and the comma in the display name may also be read kindly.
    ("badaspec", "3.1.2.14", Answered(400)),
    ("baddn", "3.1.2.15", Answered(400)),
    ("badvers", "3.1.2.16", Answered(505)),
    ("mismatch01", "3.1.2.17", Answered(400)),
    // 501 is also allowed; a proxy has no reason to refuse the method.
    ("mismatch02", "3.1.2.18", Answered(400)),
    ("bigcode", "3.1.2.19", Dropped),
    // 400 is also allowed; whoever matches transactions falls back to RFC 2543.
    ("badbranch", "3.2.1", Fine),
    ("insuf", "3.3.1", Answered(400)),
    ("unkscm", "3.3.2", Answered(416)),
    ("novelsc", "3.3.3", Answered(416)),
    // Only the registrar looks at the schemes of To and Contact.
    ("unksm2", "3.3.4", Fine),
    // 420 is the relay's to give, not the gate's.
    ("bext01", "3.3.5", Fine),
    ("invut", "3.3.6", Fine),
    ("regaut01", "3.3.7", Fine),
    ("multi01", "3.3.8", Answered(400)),
    ("mcl01", "3.3.9", Answered(400)),
    // Well-formed; where it would be sent is the relay's to refuse.
    ("bcast", "3.3.10", Fine),
    // 483 is the relay's to give.
    ("zeromf", "3.3.11", Fine),
    ("cparam01", "3.3.12", Fine),
    ("cparam02", "3.3.13", Fine),
    ("regescrt", "3.3.14", Fine),
    ("sdp01", "3.3.15", Fine),
    ("inv2543", "3.4.1", Fine),
];

const RFC_5118: [(&str, &str, Verdict); 12] = [
    ("ipv6-good", "4.1", Fine),
    ("ipv6-bad", "4.2", Answered(400)),
    ("port-ambiguous", "4.3", Fine),
    ("port-unambiguous", "4.4", Fine),
    ("via-received-param-with-delim", "4.5", Fine),
    ("via-received-param-no-delim", "4.5", Fine),
    ("ipv6-in-sdp", "4.6", Fine),
    ("mult-ip-in-header", "4.7", Fine),
    ("mult-ip-in-sdp", "4.8", Fine),
    ("ipv4-mapped-ipv6", "4.9", Fine),
    // The third colon follows from RFC 3261's grammar and is accepted.
    ("ipv6-bug-abnf-3-colons", "4.10", Fine),
    ("ipv6-correct-abnf-2-colons", "4.10", Fine),
];

#[test]
fn the_rfcs_own_messages_are_judged_by_their_sections() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !corpus.is_dir() {
        println!("passed over: no {}", corpus.display());
        return;
    }
    for (folder, table) in [("rfc4475", &RFC_4475[..]), ("rfc5118", &RFC_5118)] {
        let folder = corpus.join(folder);
        let file_name = |name: &str| format!("{name}.dat");
        let listed: BTreeSet<String> = table.iter().map(|(name, ..)| file_name(name)).collect();
        let present =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(present.collect::<BTreeSet<String>>(), listed, "every file is in the table");
        for (name, section, expected) in table {
            let bytes = std::fs::read(folder.join(file_name(name))).unwrap();
            assert_eq!(judge(&bytes), *expected, "{name}, section {section}");
            assert_answerable(&bytes, name);
        }
    }
}

/// Whatever is wrong with it: a request can be answered, and the answer is a message.
fn assert_answerable(bytes: &[u8], name: &str) {
    let message = Message::parse(bytes.into()).unwrap();
    let source = "198.51.100.7:5060".parse().unwrap();
    let extra = build::Extra { to_tag: b"ours", lines: b"" };
    let answer = Message::parse(build::response(&message, source, 400, "Bad Request", extra)).unwrap();
    assert_eq!(answer.status(), Some(400), "{name}");
    assert_eq!(answer.call_id(), message.call_id(), "{name}");
    assert_eq!(answer.fields_of(sip::Name::Via).count(), message.fields_of(sip::Name::Via).count(), "{name}");
    assert!(answer.top_via().is_some(), "{name}");
}

/// A request that is fine, in lines that a claim can replace.
struct Lines {
    start: &'static str,
    via: &'static str,
    from: &'static str,
    to: &'static str,
    call_id: &'static str,
    cseq: &'static str,
    more: &'static str,
    body: &'static str,
}

const PLAIN: Lines = Lines {
    start: "OPTIONS sip:desk@pbx.example SIP/2.0",
    via: "Via: SIP/2.0/UDP edge.example;branch=z9hG4bKq1",
    from: "From: <sip:door@gate.example>;tag=d1",
    to: "To: <sip:desk@pbx.example>",
    call_id: "Call-ID: c1@gate.example",
    cseq: "CSeq: 12 OPTIONS",
    more: "Max-Forwards: 70",
    body: "",
};

const ANSWER: Lines = Lines { start: "SIP/2.0 200 OK", more: "Supported: path", ..PLAIN };

impl Lines {
    fn bytes(&self) -> Vec<u8> {
        let lines =
            [self.start, self.via, self.from, self.to, self.call_id, self.cseq, self.more, "", self.body];
        let kept = lines.iter().enumerate().filter(|(at, line)| *at >= 7 || !line.is_empty());
        kept.map(|(_, line)| *line).collect::<Vec<_>>().join("\r\n").into_bytes()
    }
}

const ODD: &[(&str, Lines)] = &[
    (
        "white space and folds everywhere, §3.1.1.1",
        Lines {
            via: "v :\r\n SIP /\r\n\t2.0/ UDP\r\n  edge.example ; branch\r\n = 1a ,SIP/2.0/TCP  b.example : 5070",
            from: "fRoM\t: \"A \\\\ \\\"\"  <sip:door@gate.example>\r\n ;\r\n tag =\r\n d1",
            to: "TO :\r\n sip:desk@pbx.example ; tag = x",
            cseq: "cseq: 0012\r\n   OPTIONS",
            more: "s :\r\nMAX-forwards:   0070\r\nStrange: ;;,,;\r\nl  : 0000",
            ..PLAIN
        },
    ),
    (
        "every character a token may have, §3.1.1.2",
        Lines {
            start: "A-z.!%*_+`'~9 sip:u;&=+$,?/-_.!~*'():p&=+$,@h SIP/2.0",
            cseq: "CSeq: 12 A-z.!%*_+`'~9",
            from: "From: a.b ~' <sip:door@gate.example>;p-.!%*_+`'~=\"\u{44f}\";tag=-.!%*_+`'~",
            to: "To: \"\\\u{7}\\\0\\\u{7f}\" <sip:u?/@h>",
            call_id: "Call-ID: w%!*_+'`~)(><:\\/\"][?}{@x",
            more: "x-.!%*_+`'~: \u{5bff}",
            ..PLAIN
        },
    ),
    (
        "escapes stand where they may, §3.1.1.3",
        Lines { start: "OPTIONS sip:sip%3Adesk%40x@pbx.example;%6C%72;a=%41 SIP/2.0", ..PLAIN },
    ),
    ("an escaped NUL, §3.1.1.4", Lines { start: "OPTIONS sip:%00@pbx.example SIP/2.0", ..PLAIN }),
    (
        "a percent sign that is no escape, §3.1.1.5",
        Lines {
            start: "OPT%49ONS sip:pbx.example SIP/2.0",
            via: "Via: SIP/2.0/UDP edge.example;branch=z9hG4bK%zz",
            cseq: "CSeq: 12 OPT%49ONS",
            more: "C%6Fntact: <",
            ..PLAIN
        },
    ),
    (
        "no space before the bracket, §3.1.1.6",
        Lines { from: "From: door<sip:door@gate.example>;tag=d1", ..PLAIN },
    ),
    ("surplus bytes after the body, §3.1.1.8", Lines { more: "l: 2", body: "ab\r\n\r\nBYE sip:x", ..PLAIN }),
    (
        "semicolons in the user part, §3.1.1.9",
        Lines { start: "OPTIONS sip:desk;a=b%40c@pbx.example SIP/2.0", ..PLAIN },
    ),
    (
        "transports we do not speak, §3.1.1.10",
        Lines {
            via: "Via: SIP/2.0/UDP a.example\r\nv: SIP/2.0/SCTP b.example,SIP/2.0/PIGEON c.example",
            ..PLAIN
        },
    ),
    (
        "a body that is not text, §3.1.1.11",
        Lines { more: "Content-Length: 6", body: "\0\r\n\r\n\u{1}", ..PLAIN },
    ),
    ("a reason of other characters, §3.1.1.12", Lines { start: "SIP/2.0 200 = 2 * \u{416}", ..ANSWER }),
    ("no reason, §3.1.1.13", Lines { start: "SIP/2.0 100 ", ..ANSWER }),
    (
        "a branch of the magic alone, §3.2.1",
        Lines { via: "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK", ..PLAIN },
    ),
    (
        "schemes of others in To and From, §3.3.4",
        Lines { from: "From: <http://gate.example>;tag=d1", to: "To: isbn:123", ..PLAIN },
    ),
    ("extensions nobody knows, §3.3.5", Lines { more: "Require: a, b\r\nProxy-Require: c", ..PLAIN }),
    ("credentials nobody knows, §3.3.7", Lines { more: "Authorization: Odd a=b", ..PLAIN }),
    (
        "a Via of everybody, §3.3.10",
        Lines {
            via: "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKb",
            ..ANSWER
        },
    ),
    ("no hops left, §3.3.11", Lines { more: "Max-Forwards: 0", ..PLAIN }),
    (
        "a parameter of the contact or of its URI, §3.3.12",
        Lines { more: "Contact: sip:a@b.example;odd, <sip:a@b.example;odd>;odd", ..PLAIN },
    ),
    (
        "headers in a bracketed contact, §3.3.14",
        Lines { more: "m: <sip:a@b.example?Route=%3Csip:c%3E>", ..PLAIN },
    ),
    (
        "no tag, no branch, no Max-Forwards, no length, §3.4.1",
        Lines {
            via: "Via: SIP/2.0/UDP edge.example",
            from: "From: <sip:door@gate.example>",
            more: "Record-Route: <sip:a@b.example;maddr=c.example>",
            body: "v=0",
            ..PLAIN
        },
    ),
    (
        "IPv6 in every place, RFC 5118 §4.1, §4.4 to §4.9",
        Lines {
            start: "OPTIONS sip:[2001:db8::7]:5070 SIP/2.0",
            via: "Via: SIP/2.0/UDP [2001:db8::7]:5070;received=2001:db8::8, SIP/2.0/UDP [::ffff:192.0.2.7];received=[::1]",
            to: "To: sip:desk@[2001:db8::7]",
            ..PLAIN
        },
    ),
    (
        "what looks like a port in the brackets, RFC 5118 §4.3",
        Lines { start: "OPTIONS sip:[2001:db8::7:5070] SIP/2.0", ..PLAIN },
    ),
    (
        "a third colon before an embedded address, RFC 5118 §4.10",
        Lines { start: "OPTIONS sip:a@[2001:db8:::192.0.2.7] SIP/2.0", ..PLAIN },
    ),
];

#[test]
fn what_is_odd_but_valid_passes() {
    for (claim, lines) in ODD {
        assert_eq!(judge(&lines.bytes()), Fine, "{claim}");
    }
}

const WRONG: &[(&str, Verdict, Lines)] = &[
    (
        "stray separators in Via and Contact, §3.1.2.1",
        Answered(400),
        Lines { via: "Via: SIP/2.0/UDP 192.0.2.7;;,;,,", more: "Contact: <sip:a@b.example>;;;;", ..PLAIN },
    ),
    (
        "only the Contact of them, §3.1.2.1",
        Answered(400),
        Lines { more: "Contact: <sip:a@b.example>;;;;", ..PLAIN },
    ),
    ("a length beyond the datagram, §3.1.2.2", Answered(400), Lines { more: "l: 9", body: "ab", ..PLAIN }),
    ("a negative length, §3.1.2.3", Answered(400), Lines { more: "l: -9", body: "ab", ..PLAIN }),
    ("a CSeq beyond 32 bits, §3.1.2.4", Answered(400), Lines { cseq: "CSeq: 4294967308 OPTIONS", ..PLAIN }),
    ("Max-Forwards over 255, §3.1.2.4", Answered(400), Lines { more: "Max-Forwards: 300", ..PLAIN }),
    (
        "a response's CSeq beyond 32 bits, §3.1.2.5",
        Dropped,
        Lines { cseq: "CSeq: 4294967308 OPTIONS", ..ANSWER },
    ),
    (
        "a quote that is not closed, §3.1.2.6",
        Answered(400),
        Lines { to: "To: \"Desk <sip:desk@pbx.example>", ..PLAIN },
    ),
    (
        "brackets around the Request-URI, §3.1.2.7",
        Answered(400),
        Lines { start: "OPTIONS <sip:desk@pbx.example> SIP/2.0", ..PLAIN },
    ),
    (
        "a space in the Request-URI, §3.1.2.8",
        Answered(400),
        Lines { start: "OPTIONS sip:desk@pbx.example; lr SIP/2.0", ..PLAIN },
    ),
    (
        "two spaces in the start line, §3.1.2.9",
        Answered(400),
        Lines { start: "OPTIONS  sip:desk@pbx.example  SIP/2.0", ..PLAIN },
    ),
    (
        "spaces after the version, §3.1.2.10",
        Answered(400),
        Lines { start: "OPTIONS sip:desk@pbx.example SIP/2.0  ", ..PLAIN },
    ),
    (
        "headers in the Request-URI, §3.1.2.11",
        Answered(400),
        Lines { start: "OPTIONS sip:desk@pbx.example?Route=%3Csip:c%3E SIP/2.0", ..PLAIN },
    ),
    (
        "a date of another zone, §3.1.2.12",
        Answered(400),
        Lines { more: "Date: Sat, 02 Jan 2021 03:04:05 CET", ..PLAIN },
    ),
    (
        "headers in a bare contact, §3.1.2.13",
        Answered(400),
        Lines { more: "m: sip:a@b.example?Route=x", ..PLAIN },
    ),
    (
        "spaces within the brackets, §3.1.2.14",
        Answered(400),
        Lines { to: "To: < sip:desk@pbx.example >", ..PLAIN },
    ),
    (
        "a comma in a display name without quotes, §3.1.2.15",
        Answered(400),
        Lines { from: "From: Door, Front <sip:door@gate.example>;tag=d1", ..PLAIN },
    ),
    (
        "another version, §3.1.2.16",
        Answered(505),
        Lines {
            start: "OPTIONS sip:desk@pbx.example SIP/7.0",
            via: "Via: SIP/7.0/UDP edge.example",
            ..PLAIN
        },
    ),
    ("a CSeq of another method, §3.1.2.17", Answered(400), Lines { cseq: "CSeq: 12 INVITE", ..PLAIN }),
    (
        "the same with a method nobody knows, §3.1.2.18",
        Answered(400),
        Lines { start: "ODDITY sip:desk@pbx.example SIP/2.0", ..PLAIN },
    ),
    ("a status beyond 699, §3.1.2.19", Dropped, Lines { start: "SIP/2.0 4294967496 OK", ..ANSWER }),
    ("no From, To and Call-ID, §3.3.1", Answered(400), Lines { from: "", to: "", call_id: "", ..PLAIN }),
    ("a scheme nobody knows, §3.3.2", Answered(416), Lines { start: "OPTIONS odd:thing SIP/2.0", ..PLAIN }),
    (
        "a known scheme that is not ours, §3.3.3",
        Answered(416),
        Lines { start: "OPTIONS a.b://h:1 SIP/2.0", ..PLAIN },
    ),
    (
        "single headers twice, §3.3.8",
        Answered(400),
        Lines { more: "Max-Forwards: 5\r\nMax-Forwards: 70", ..PLAIN },
    ),
    ("two lengths, §3.3.9", Answered(400), Lines { more: "l: 1\r\nContent-Length: 2", body: "ab", ..PLAIN }),
    (
        "IPv6 without brackets, RFC 5118 §4.2",
        Answered(400),
        Lines { start: "OPTIONS sip:2001:db8::7 SIP/2.0", ..PLAIN },
    ),
];

#[test]
fn what_is_wrong_is_answered_or_dropped() {
    for (claim, expected, lines) in WRONG {
        assert_eq!(judge(&lines.bytes()), *expected, "{claim}");
        assert_answerable(&lines.bytes(), claim);
    }
}

#[test]
fn a_long_message_passes() {
    let vias: String = (0..40).map(|hop| format!("vIa : SIP/2.0/TCP hop{hop}.example\r\n")).collect();
    let long = "extreme".repeat(500);
    let text = format!(
        "OPTIONS sip:{long}@pbx.example SIP/2.0\r\n{vias}F: \"{long}\"<sip:{long}@gate.example>;tag={long}\r\n\
        t: sip:pbx.example\r\ni: {long}\r\nCSeq: 1 OPTIONS\r\n{long}: {long}\r\n\r\n"
    );
    assert_eq!(judge(text.as_bytes()), Fine, "RFC 4475 §3.1.1.7");
}
