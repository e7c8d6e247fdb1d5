//! Messages of our own making, one for each clause, and what they draw.

use crate::{Draws, Stream, both};

/// Lines that stand in for those of the same name in [`PLAIN`]; others are added.
type Changes = &'static [(&'static str, &'static str)];

/// A request that is fine.
const PLAIN: [(&str, &str); 9] = [
    ("start", "INVITE sip:desk@pbx.example SIP/2.0"),
    ("via", "Via: SIP/2.0/UDP edge.example;branch=z9hG4bKours{n}"),
    ("from", "From: <sip:door@gate.example>;tag=d1"),
    ("to", "To: <sip:desk@pbx.example>"),
    ("call-id", "Call-ID: ours{n}@gate.example"),
    ("cseq", "CSeq: 12 INVITE"),
    ("forwards", "Max-Forwards: 70"),
    ("contact", "Contact: <sip:door@gate.example>"),
    ("length", "Content-Length: 0"),
];

/// The message with these changes, as the `n`th.
pub(crate) fn bytes(n: usize, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (name, plain) in PLAIN {
        let line = changes.iter().find(|(changed, _)| *changed == name).map_or(plain, |(_, line)| line);
        if !line.is_empty() {
            text += line;
            text += "\r\n";
        }
    }
    for (_, line) in changes.iter().filter(|(name, _)| *name == "more") {
        text += line;
        text += "\r\n";
    }
    text += "\r\n";
    for (_, body) in changes.iter().filter(|(name, _)| *name == "body") {
        text += body;
    }
    text.replace("{n}", &n.to_string()).into_bytes()
}

const OPTIONS: (&str, &str) = ("start", "OPTIONS sip:desk@pbx.example SIP/2.0");
const ITS_CSEQ: (&str, &str) = ("cseq", "CSeq: 12 OPTIONS");
const OK: (&str, &str) = ("start", "SIP/2.0 200 OK");

#[rustfmt::skip]
pub(crate) const OURS: &[(&str, Draws, Changes)] = &[
    ("a call", both(&[486]), &[]),
    ("white space and folds everywhere, RFC 4475 §3.1.1.1", both(&[486]), &[
        ("via", "v :\r\n SIP /\r\n\t2.0/ UDP\r\n  edge.example ; branch\r\n = z9hG4bKours{n} ,SIP/2.0/TCP  b.example : 5070"),
        ("from", "fRoM\t: \"A \\\\ \\\"\"  <sip:door@gate.example>\r\n ;\r\n tag =\r\n d1"),
        ("to", "TO :\r\n sip:desk@pbx.example"),
        ("cseq", "cseq: 0012\r\n   INVITE"),
        ("forwards", "MAX-forwards:   0070"),
        ("more", "s :\r\nStrange: ;;,,;"),
        ("length", "l  : 0000"),
    ]),
    ("a method of odd characters, §3.1.1.2", both(&[405]), &[
        ("start", "A-z.!%*_+`'~9 sip:u;&=+$,?/-_.!~*'():p&=+$,@h SIP/2.0"), ("cseq", "CSeq: 12 A-z.!%*_+`'~9"),
    ]),
    ("a name of bytes that are no text, §3.1.1.2", both(&[486]), &[("to", "To: \"\\\u{7}\\\u{7f}\" <sip:u?/@h>")]),
    ("escapes where they may stand, §3.1.1.3", both(&[486]), &[
        ("start", "INVITE sip:sip%3Adesk%40x@pbx.example;%6C%72;a=%41 SIP/2.0"),
    ]),
    ("an escaped NUL, §3.1.1.4", both(&[486]), &[("start", "INVITE sip:%00@pbx.example SIP/2.0")]),
    ("a percent sign that is no escape, §3.1.1.5", both(&[486]), &[
        ("via", "Via: SIP/2.0/UDP edge.example;branch=z9hG4bK%zz{n}"),
    ]),
    ("no space before the bracket, §3.1.1.6", both(&[200]), &[
        OPTIONS, ITS_CSEQ, ("from", "From: door<sip:door@gate.example>;tag=d1"),
    ]),
    ("surplus bytes behind the body, §3.1.1.8", Draws { udp: &[486], tcp: Stream::Closed(&[486]) }, &[
        ("length", "l: 2"), ("body", "abcd\r\n\r\n"),
    ]),
    ("semicolons in the user part, §3.1.1.9", both(&[486]), &[("start", "INVITE sip:desk;a=b%40c@pbx.example SIP/2.0")]),
    ("transports that nobody speaks, §3.1.1.10", both(&[486]), &[
        ("via", "Via: SIP/2.0/UDP edge.example;branch=z9hG4bKours{n}\r\nv: SIP/2.0/SCTP b.example,SIP/2.0/PIGEON c.example"),
    ]),
    ("a body that is not text, §3.1.1.11", both(&[486]), &[("length", "l: 7"), ("body", "\0\r\n\r\n\u{1}\u{2}")]),
    ("a reason of other characters, §3.1.1.12", both(&[]), &[("start", "SIP/2.0 200 = 2 * \u{416}")]),
    ("no reason, §3.1.1.13", both(&[]), &[("start", "SIP/2.0 100 ")]),
    ("stray separators in Via, §3.1.2.1", both(&[400]), &[("via", "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKours{n};;,;,,")]),
    ("stray separators in Contact, §3.1.2.1", both(&[400]), &[("contact", "Contact: <sip:a@b.example>;;;;")]),
    ("a length beyond what came, §3.1.2.2", Draws { udp: &[400], tcp: Stream::Waits }, &[("length", "l: 9"), ("body", "ab")]),
    ("a negative length, §3.1.2.3", Draws { udp: &[400], tcp: Stream::Closed(&[400]) }, &[("length", "l: -9")]),
    ("no length", Draws { udp: &[486], tcp: Stream::Closed(&[400]) }, &[("length", "")]),
    ("a CSeq beyond 32 bits, §3.1.2.4", both(&[400]), &[("cseq", "CSeq: 4294967308 INVITE")]),
    ("Max-Forwards over 255, §3.1.2.4", both(&[400]), &[("forwards", "Max-Forwards: 300")]),
    ("a response's CSeq beyond 32 bits, §3.1.2.5", both(&[]), &[OK, ("cseq", "CSeq: 4294967308 INVITE")]),
    ("a quote that is not closed, §3.1.2.6", both(&[400]), &[("to", "To: \"Desk <sip:desk@pbx.example>")]),
    ("brackets around the Request-URI, §3.1.2.7", both(&[400]), &[("start", "INVITE <sip:desk@pbx.example> SIP/2.0")]),
    ("a space in the Request-URI, §3.1.2.8", both(&[400]), &[("start", "INVITE sip:desk@pbx.example; lr SIP/2.0")]),
    ("two spaces in the start line, §3.1.2.9", both(&[400]), &[("start", "INVITE  sip:desk@pbx.example  SIP/2.0")]),
    ("spaces after the version, §3.1.2.10", both(&[400]), &[("start", "INVITE sip:desk@pbx.example SIP/2.0  ")]),
    ("headers in the Request-URI, §3.1.2.11", both(&[400]), &[("start", "INVITE sip:desk@pbx.example?Route=%3Csip:c%3E SIP/2.0")]),
    ("a date of another zone, §3.1.2.12", both(&[400]), &[("more", "Date: Sat, 02 Jan 2021 03:04:05 CET")]),
    ("headers in a bare contact, §3.1.2.13", both(&[400]), &[("contact", "m: sip:a@b.example?Route=x")]),
    ("spaces within the brackets, §3.1.2.14", both(&[400]), &[("to", "To: < sip:desk@pbx.example >")]),
    ("a comma in a display name without quotes, §3.1.2.15", both(&[400]), &[("from", "From: Door, Front <sip:door@gate.example>;tag=d1")]),
    ("another version, §3.1.2.16", both(&[505]), &[("start", "INVITE sip:desk@pbx.example SIP/7.0"), ("via", "Via: SIP/7.0/UDP edge.example")]),
    ("a CSeq of another method, §3.1.2.17", both(&[400]), &[ITS_CSEQ]),
    ("the same with a method that nobody knows, §3.1.2.18", both(&[400]), &[("start", "ODDITY sip:desk@pbx.example SIP/2.0")]),
    ("a status beyond 699, §3.1.2.19", both(&[]), &[("start", "SIP/2.0 4294967496 OK")]),
    ("a branch of the magic alone, §3.2.1", both(&[486]), &[("via", "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK")]),
    ("no From, To and Call-ID, §3.3.1", both(&[400]), &[("from", ""), ("to", ""), ("call-id", "")]),
    ("a scheme that nobody knows, §3.3.2", both(&[416]), &[("start", "INVITE odd:thing SIP/2.0")]),
    ("a known scheme that is not ours, §3.3.3", both(&[416]), &[("start", "INVITE a.b://h:1 SIP/2.0")]),
    ("schemes of others in To and From, §3.3.4", both(&[486]), &[("from", "From: <http://gate.example>;tag=d1"), ("to", "To: isbn:123")]),
    ("an extension that a proxy must know, §3.3.5", both(&[420]), &[("more", "Require: a, b\r\nProxy-Require: c")]),
    ("the same of OPTIONS, §3.3.5", both(&[420]), &[OPTIONS, ITS_CSEQ, ("more", "Require: a, b\r\nProxy-Require: c")]),
    ("an extension that is for the callee, §3.3.5", both(&[486]), &[("more", "Require: a, b")]),
    ("a type of body that nobody knows, §3.3.6", both(&[486]), &[("more", "Content-Type: application/unknownformat"), ("length", "l: 3"), ("body", "<a>")]),
    ("credentials that nobody knows, §3.3.7", both(&[486]), &[("more", "Authorization: Odd a=b")]),
    ("single headers twice, §3.3.8", both(&[400]), &[("more", "Max-Forwards: 5\r\nCSeq: 8 INVITE")]),
    ("two lengths, §3.3.9", Draws { udp: &[400], tcp: Stream::Closed(&[400]) }, &[("length", "l: 1\r\nContent-Length: 2"), ("body", "ab")]),
    ("a 200 to be sent to everybody, §3.3.10", both(&[]), &[
        OK, ("via", "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKours{n}\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKb"),
    ]),
    ("no hops left, §3.3.11", both(&[483]), &[("forwards", "Max-Forwards: 0")]),
    ("a REGISTER whose contact has odd parameters, §3.3.12", both(&[405]), &[
        ("start", "REGISTER sip:pbx.example SIP/2.0"), ("cseq", "CSeq: 12 REGISTER"), ("contact", "m: <sip:a@b.example;odd>;odd"),
    ]),
    ("headers in a bracketed contact, §3.3.14", both(&[486]), &[("contact", "m: <sip:a@b.example?Route=%3Csip:c%3E>")]),
    ("no tag, no branch, no Max-Forwards, §3.4.1", both(&[486]), &[
        ("via", "Via: SIP/2.0/UDP edge.example"), ("from", "From: <sip:door@gate.example>"), ("forwards", ""),
    ]),
    ("IPv6 in every place, RFC 5118 §4.1, §4.4 to §4.9", both(&[486]), &[
        ("start", "INVITE sip:[2001:db8::7]:5070 SIP/2.0"),
        ("via", "Via: SIP/2.0/UDP [2001:db8::7];branch=z9hG4bKours{n};received=2001:db8::8, SIP/2.0/UDP [::ffff:192.0.2.7];received=[::1]"),
        ("to", "To: sip:desk@[2001:db8::7]"),
    ]),
    ("IPv6 without brackets, RFC 5118 §4.2", both(&[400]), &[("start", "INVITE sip:2001:db8::7 SIP/2.0")]),
    ("what looks like a port in the brackets, RFC 5118 §4.3", both(&[486]), &[("start", "INVITE sip:[2001:db8::7:5070] SIP/2.0")]),
    ("a third colon before an embedded address, RFC 5118 §4.10", both(&[200]), &[("start", "OPTIONS sip:a@[2001:db8:::192.0.2.7] SIP/2.0"), ITS_CSEQ]),
    ("an ACK of nothing", both(&[]), &[("start", "ACK sip:desk@pbx.example SIP/2.0"), ("cseq", "CSeq: 12 ACK")]),
    ("an ACK with a fault", both(&[]), &[("start", "ACK <sip:desk@pbx.example> SIP/2.0"), ("cseq", "CSeq: 12 ACK")]),
    ("a CANCEL of nothing", both(&[481]), &[("start", "CANCEL sip:desk@pbx.example SIP/2.0"), ("cseq", "CSeq: 12 CANCEL")]),
    ("a BYE of nothing", both(&[481]), &[("start", "BYE sip:desk@pbx.example SIP/2.0"), ("cseq", "CSeq: 12 BYE"), ("to", "To: <sip:desk@pbx.example>;tag=b2")]),
    ("a Route that leads elsewhere without our seal", both(&[481]), &[
        ("start", "BYE sip:desk@pbx.example SIP/2.0"), ("cseq", "CSeq: 12 BYE"), ("to", "To: <sip:desk@pbx.example>;tag=b2"),
        ("more", "Route: <sip:192.0.2.9;lr>"),
    ]),
    ("a response with a Via that looks like ours", both(&[]), &[
        OK, ("via", "Via: SIP/2.0/UDP edge.example;branch=z9hG4bKtl1.2.0.3.4.5\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKb"),
    ]),
];
