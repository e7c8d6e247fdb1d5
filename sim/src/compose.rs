//! The messages that phones send. Written for itself, so that the peers do not share the faults of what they test.

use crate::glance::{Glance, Head, Packet, Verb, address_of, elements, uri_of};
use crate::manner::{Act, Twist};
use crate::voice;
use core::net::SocketAddr;
use sip::Bytes;
use std::io::Write as _;

/// Numbers of a call's first INVITE.
pub(crate) const CSEQ_FIRST: u32 = 101;

const SDP: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n";

/// What a phone knows of a call that is up.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    /// Call-ID.
    pub(crate) call_id: Vec<u8>,
    /// Our From value.
    pub(crate) local: Vec<u8>,
    /// Our To value.
    pub(crate) remote: Vec<u8>,
    /// The routes, nearest first.
    pub(crate) routes: Vec<Vec<u8>>,
    /// The other side's Contact.
    pub(crate) target: Vec<u8>,
    /// The CSeq we used last.
    pub(crate) cseq: u32,
    /// Our address.
    pub(crate) here: SocketAddr,
}

impl Dialog {
    /// Of the side that called, from the answer.
    pub(crate) fn of_caller(answer: &Packet, glance: &Glance, here: SocketAddr) -> Self {
        let bytes = &answer.bytes;
        let mut routes: Vec<Vec<u8>> = owned(elements(glance.values(bytes, Head::RecordRoute)));
        routes.reverse();
        Self {
            call_id: glance.value(bytes, Head::CallId).to_vec(),
            local: glance.value(bytes, Head::From).to_vec(),
            remote: glance.value(bytes, Head::To).to_vec(),
            routes,
            target: uri_of(glance.value(bytes, Head::Contact)).to_vec(),
            cseq: glance.cseq,
            here,
        }
    }

    /// Of the side that was called, from the INVITE.
    pub(crate) fn of_callee(invite: &Packet, glance: &Glance, tag: &str, here: SocketAddr) -> Self {
        let bytes = &invite.bytes;
        let mut local = glance.value(bytes, Head::To).to_vec();
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(tag.as_bytes());
        Self {
            call_id: glance.value(bytes, Head::CallId).to_vec(),
            local,
            remote: glance.value(bytes, Head::From).to_vec(),
            routes: owned(elements(glance.values(bytes, Head::RecordRoute))),
            target: uri_of(glance.value(bytes, Head::Contact)).to_vec(),
            cseq: 1,
            here,
        }
    }

    /// Where a request of this dialog goes.
    pub(crate) fn next_hop(&self) -> Option<SocketAddr> {
        match self.routes.first() {
            Some(route) => address_of(uri_of(route)),
            None => address_of(&self.target),
        }
    }

    /// An INFO that says that 1 was pressed, with the last CSeq.
    pub(crate) fn press(&self, branch: &str) -> Bytes {
        self.say("INFO", branch, "Content-Type: application/dtmf-relay\r\n", "Signal=1")
    }

    /// A request of this method with these lines and this body, with the last CSeq.
    pub(crate) fn say(&self, method: &str, branch: &str, lines: &str, body: &str) -> Bytes {
        let bare = self.request(Verb::Other, self.cseq, branch);
        let text = String::from_utf8_lossy(&bare).replace("other", method);
        let rest = format!("{lines}Content-Length: {}\r\n\r\n{body}", body.len());
        text.replace("Content-Length: 0\r\n\r\n", &rest).into_bytes().into()
    }

    /// A request inside of the dialog.
    pub(crate) fn request(&self, verb: Verb, cseq: u32, branch: &str) -> Bytes {
        let mut out = Vec::with_capacity(640);
        put(&mut out, &[verb.name().as_bytes(), b" ", &self.target, b" SIP/2.0\r\n"]);
        via(&mut out, self.here, branch);
        put(&mut out, &[b"Max-Forwards: 70\r\n"]);
        for route in &self.routes {
            put(&mut out, &[b"Route: ", route, b"\r\n"]);
        }
        put(
            &mut out,
            &[b"From: ", &self.local, b"\r\nTo: ", &self.remote, b"\r\nCall-ID: ", &self.call_id, b"\r\n"],
        );
        let _ = write!(out, "CSeq: {cseq} {}\r\n", verb.name());
        if verb == Verb::Invite {
            let _ = write!(out, "Contact: <sip:{}>\r\n", self.here);
        }
        body(&mut out, verb == Verb::Invite);
        out.into()
    }
}

/// What a caller's first INVITE needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) number: &'a str,
    pub(crate) caller: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) tag: &'a str,
    pub(crate) branch: &'a str,
    pub(crate) here: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) hops: u8,
    pub(crate) extra: &'a str,
}

/// A caller's first INVITE, with a few header fields that a proxy must leave as they are.
pub(crate) fn invite(draft: Draft<'_>) -> Bytes {
    let Draft { number, caller, call_id, tag, branch, here, to, hops, extra } = draft;
    let mut out = Vec::with_capacity(900);
    let _ = write!(out, "INVITE sip:{number}@{to} SIP/2.0\r\n");
    via(&mut out, here, branch);
    let _ = write!(
        out,
        "Max-Forwards: {hops}\r\nFrom: \"Caf\u{e9}\" <sip:{caller}@{here}>;tag={tag}\r\nTo: <sip:{number}@{to}>\r\n\
         Call-ID: {call_id}\r\nCSeq: {CSEQ_FIRST} INVITE\r\nContact: <sip:{caller}@{here}>\r\nX-Carrier :  a,\t b\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n{extra}"
    );
    body(&mut out, true);
    out.into()
}

/// A response to a request. The tag is added to a To that has none.
pub(crate) fn response(packet: &Packet, glance: &Glance, act: Act, tag: &str, here: SocketAddr) -> Bytes {
    let bytes = &packet.bytes;
    let mut out = Vec::with_capacity(800);
    let _ = write!(out, "SIP/2.0 {} {}\r\n", act.status, phrase(act.status));
    for (place, value) in glance.values(bytes, Head::Via).enumerate() {
        if place == 0 || act.twist != Twist::LostVia {
            put(&mut out, &[b"Via: ", value, b"\r\n"]);
        }
    }
    if (101..300).contains(&act.status) {
        for value in glance.values(bytes, Head::RecordRoute) {
            put(&mut out, &[b"Record-Route: ", value, b"\r\n"]);
        }
    }
    put(&mut out, &[b"From: ", glance.value(bytes, Head::From), b"\r\nTo: ", glance.value(bytes, Head::To)]);
    if glance.to_tag == 0 && act.status > 100 {
        put(&mut out, &[b";tag=", tag.as_bytes()]);
    }
    put(&mut out, &[b"\r\nCall-ID: ", glance.value(bytes, Head::CallId), b"\r\nCSeq: "]);
    let wrong = u32::from(act.twist == Twist::WrongCSeq);
    let number = glance.value(bytes, Head::CSeq);
    let method = number.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let _ = write!(out, "{} ", glance.cseq + wrong);
    put(&mut out, &[method, b"\r\n"]);
    if glance.verb == Verb::Invite && (101..300).contains(&act.status) {
        let _ = write!(out, "Contact: <sip:{here}>\r\n");
    }
    put(&mut out, &[act.extra.as_bytes()]);
    body(&mut out, act.sdp);
    out.into()
}

/// A message with more header lines, behind its first.
pub(crate) fn with_lines(bytes: &Bytes, lines: &str) -> Bytes {
    let first = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (start, rest) = bytes.split_at(first);
    [start, lines.as_bytes(), rest].concat().into()
}

/// A message whose media, if it has some, is that of this voice.
pub(crate) fn with_sound(bytes: &Bytes, sound: Option<&SocketAddr>) -> Bytes {
    let (Some(sound), Some(rest)) = (sound, bytes.strip_suffix(SDP)) else { return Bytes::clone(bytes) };
    let length = format!("Content-Length: {}\r\n\r\n", SDP.len());
    let rest = rest.strip_suffix(length.as_bytes()).unwrap_or(rest);
    let body = voice::sdp(*sound);
    let length = format!("Content-Length: {}\r\n\r\n", body.len());
    [rest, length.as_bytes(), body.as_bytes()].concat().into()
}

/// ACK for a refusal, or CANCEL: what an INVITE's sender sends on the INVITE's own branch.
pub(crate) fn on_branch(invite: &Packet, glance: &Glance, verb: Verb, to: &[u8]) -> Bytes {
    let bytes = &invite.bytes;
    let mut out = Vec::with_capacity(400);
    put(&mut out, &[verb.name().as_bytes(), b" ", glance.uri(bytes), b" SIP/2.0\r\nVia: "]);
    put(&mut out, &[glance.value(bytes, Head::Via), b"\r\nMax-Forwards: 70\r\n"]);
    for route in glance.values(bytes, Head::Route) {
        put(&mut out, &[b"Route: ", route, b"\r\n"]);
    }
    put(&mut out, &[b"From: ", glance.value(bytes, Head::From), b"\r\nTo: ", to]);
    put(&mut out, &[b"\r\nCall-ID: ", glance.value(bytes, Head::CallId)]);
    let _ = write!(out, "\r\nCSeq: {} {}\r\n", glance.cseq, verb.name());
    body(&mut out, false);
    out.into()
}

/// What stands in a URI, with its escapes undone.
pub(crate) fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        out.push(u8::from_str_radix(code, 16).map_or('?', char::from));
        out.push_str(rest);
    }
    out
}

fn via(out: &mut Vec<u8>, here: SocketAddr, branch: &str) {
    let _ = write!(out, "Via: SIP/2.0/UDP {here};rport;branch={branch}\r\n");
}

fn body(out: &mut Vec<u8>, sdp: bool) {
    if sdp {
        let _ = write!(out, "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n", SDP.len());
        out.extend_from_slice(SDP);
    } else {
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    }
}

fn put(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

fn owned(list: Vec<&[u8]>) -> Vec<Vec<u8>> {
    list.into_iter().map(<[u8]>::to_vec).collect()
}

const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        200 => "OK",
        486 => "Busy Here",
        503 => "Service Unavailable",
        _ => "As Scripted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(bytes: Bytes) -> (Packet, Glance) {
        let packet = Packet::new(bytes);
        let glance = packet.glance.clone().unwrap();
        (packet, glance)
    }

    fn draft() -> Draft<'static> {
        Draft {
            number: "+1503",
            caller: "+1999",
            call_id: "c1",
            tag: "t1",
            branch: "z9hG4bK1",
            here: "10.0.1.1:5060".parse().unwrap(),
            to: "10.0.0.1:5060".parse().unwrap(),
            hops: 70,
            extra: "",
        }
    }

    #[test]
    fn an_answer_makes_a_dialog_whose_requests_follow_the_record() {
        let (invite, glance) = packet(invite(draft()));
        let callee: SocketAddr = "10.0.3.1:5060".parse().unwrap();
        let says = Act::say(core::time::Duration::ZERO, 200);
        let text = String::from_utf8(response(&invite, &glance, says, "u1", callee).to_vec()).unwrap();
        let routed =
            text.replacen("From:", "Record-Route: <sip:10.0.0.1:5060;lr>, <sip:10.0.0.9;lr>\r\nFrom:", 1);
        let (answer, read) = packet(routed.into_bytes().into());
        let dialog = Dialog::of_caller(&answer, &read, draft().here);
        assert_eq!(dialog.next_hop(), "10.0.0.9:5060".parse().ok());
        let (bye, read) = packet(dialog.request(Verb::Bye, 102, "z9hG4bK2"));
        assert_eq!(read.uri(&bye.bytes), b"sip:10.0.3.1:5060");
        assert_eq!(
            (read.verb, read.cseq, read.call, read.from_tag),
            (Verb::Bye, 102, glance.call, glance.from_tag)
        );
        assert_eq!(read.values(&bye.bytes, Head::Route).count(), 2);
        assert_ne!(read.to_tag, 0);
    }

    #[test]
    fn cancel_is_on_the_branch_of_its_invite() {
        let (invite, glance) = packet(invite(draft()));
        let to = glance.value(&invite.bytes, Head::To);
        let (_, read) = packet(on_branch(&invite, &glance, Verb::Cancel, to));
        assert_eq!((read.verb, read.branch, read.cseq), (Verb::Cancel, glance.branch, glance.cseq));
    }
}
