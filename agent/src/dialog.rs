//! A dialog as one of its ends sees it (RFC 3261 §12).

use sip::build::push_body;
use sip::text::push_decimal;
use sip::{Bytes, Message, Name, NameAddr, Uri, is_token};

/// What all messages of one call have in common. Our agents stand behind our own proxy, which routes loosely: the first of the
/// routes is its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    call_id: Vec<u8>,
    /// What our requests say in From, and theirs in To; with our tag.
    local: Vec<u8>,
    local_tag: Vec<u8>,
    /// What our requests say in To.
    remote: Vec<u8>,
    remote_tag: Vec<u8>,
    /// The URI in their Contact.
    target: Vec<u8>,
    /// What our requests say in Route, in order.
    routes: Vec<Vec<u8>>,
    /// The number of our last request.
    sent: u32,
    /// The number of their last request; `None` if none came yet.
    taken: Option<u32>,
}

/// A body and its type.
pub type Body<'a> = (&'a str, &'a [u8]);

/// Routes that are kept: a call passes a handful of proxies.
const ROUTES_MAX: usize = 32;

impl Dialog {
    /// Of whom an INVITE called and who answers with this tag; `None` if the INVITE has no Contact that can be called.
    #[must_use]
    pub fn of_called(invite: &Message, tag: &[u8]) -> Option<Self> {
        let mut local = invite.value(Name::To)?.to_vec();
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(tag);
        Some(Self {
            call_id: invite.call_id().to_vec(),
            local,
            local_tag: tag.to_vec(),
            remote: invite.value(Name::From)?.to_vec(),
            remote_tag: invite.from_tag().to_vec(),
            target: contact(invite)?.to_vec(),
            routes: routes(invite).collect(),
            sent: 0,
            taken: Some(invite.cseq()?.0),
        })
    }

    /// Of whom has called with this INVITE and was answered; `None` if the answer has no Contact, or none that can be called.
    #[must_use]
    pub fn of_caller(invite: &Message, answer: &Message) -> Option<Self> {
        let mut routes: Vec<Vec<u8>> = routes(answer).collect();
        // RFC 3261 §12.1.2: the route set is the Record-Route of the answer, turned round.
        routes.reverse();
        let (tag, mut remote) = (answer.to_tag(), invite.value(Name::To)?.to_vec());
        // RFC 3261 §12.1.2: whoever gives none is spoken to without.
        if !tag.is_empty() {
            // Ours would be no requests with one that is no token.
            is_token(tag).then_some(())?;
            // Of theirs only the tag is new.
            remote.extend_from_slice(&[b";tag=", tag].concat());
        }
        Some(Self {
            call_id: invite.call_id().to_vec(),
            local: invite.value(Name::From)?.to_vec(),
            local_tag: invite.from_tag().to_vec(),
            remote,
            remote_tag: tag.to_vec(),
            target: contact(answer)?.to_vec(),
            routes,
            sent: invite.cseq()?.0,
            taken: None,
        })
    }

    /// Takes the route and the place that the answer to our INVITE names, whatever an earlier one has named (RFC 3261
    /// §13.2.2.4).
    pub fn renew(&mut self, answer: &Message) {
        if let Some(target) = contact(answer) {
            self.target = target.to_vec();
        }
        self.routes = routes(answer).collect();
        self.routes.reverse();
    }

    /// Its Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &[u8] {
        &self.call_id
    }

    /// Our tag.
    #[must_use]
    pub fn tag(&self) -> &[u8] {
        &self.local_tag
    }

    /// Who is called to take this call over from us, as the value of a Refer-To (RFC 3891 §3): the tags as they see them.
    #[must_use]
    pub fn replaced(&self) -> Vec<u8> {
        // RFC 3891 §3: 0 stands for none.
        let tag = |tag: &[u8]| escaped(if tag.is_empty() { b"0" } else { tag });
        let (to, from) = (tag(&self.remote_tag), tag(&self.local_tag));
        let replaces = format!("{}%3Bto-tag%3D{to}%3Bfrom-tag%3D{from}", escaped(&self.call_id));
        // RFC 5589 §7.3: who cannot replace a call is not to begin another.
        [b"<", &*self.target, b"?Replaces=", replaces.as_bytes(), b"&Require=replaces>"].concat()
    }

    /// Is this request one of theirs, inside of this call?
    #[must_use]
    pub fn has(&self, request: &Message) -> bool {
        request.call_id() == self.call_id
            && request.to_tag() == self.local_tag
            && request.from_tag() == self.remote_tag
    }

    /// Takes a request of theirs in its order (RFC 3261 §12.2.2), and where they are from now on, if it says so.
    ///
    /// # Errors
    /// The status that refuses it: one that came out of order.
    pub fn take(&mut self, request: &Message) -> Result<(), u16> {
        let number = request.cseq().map(|(number, _)| number).ok_or(400_u16)?;
        if self.taken.is_some_and(|taken| number < taken) {
            return Err(500);
        }
        self.taken = Some(number);
        if let Some(target) = contact(request) {
            self.target = target.to_vec();
        }
        Ok(())
    }

    /// The next request of ours, with these header lines and this body. `via` is the whole Via value.
    pub fn request(&mut self, method: &str, via: &[u8], lines: &[u8], body: Body<'_>) -> Bytes {
        self.sent += 1;
        self.write(method, via, lines, body)
    }

    /// The ACK of the answer to the INVITE with this number (RFC 3261 §13.2.2.4).
    #[must_use]
    pub fn ack(&self, number: u32, via: &[u8]) -> Bytes {
        let ack = Self { sent: number, ..self.clone() };
        ack.write("ACK", via, b"", ("", b""))
    }

    fn write(&self, method: &str, via: &[u8], lines: &[u8], body: Body<'_>) -> Bytes {
        let mut out = Vec::with_capacity(512);
        let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
        put(&[method.as_bytes(), b" ", &self.target, b" SIP/2.0\r\nVia: ", via, b"\r\n"]);
        self.routes.iter().for_each(|route| put(&[b"Route: ", route, b"\r\n"]));
        put(&[b"From: ", &self.local, b"\r\nTo: ", &self.remote, b"\r\nCall-ID: ", &self.call_id]);
        put(&[b"\r\nMax-Forwards: 70\r\nCSeq: "]);
        push_decimal(&mut out, u64::from(self.sent));
        out.push(b' ');
        out.extend_from_slice(method.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(lines);
        push_body(&mut out, body.0, body.1);
        out.into()
    }
}

/// Where their requests are to go, as it may stand in a Request-URI (RFC 3261 §19.1.1).
fn contact(message: &Message) -> Option<&[u8]> {
    let span = message.elements(Name::Contact).next()?;
    let uri = NameAddr::parse(message.at(span))?.uri;
    let headers = Uri::parse(uri)?.headers.map_or(0, |headers| headers.len() + 1);
    uri.get(..uri.len().checked_sub(headers)?)
}

/// As it may stand in a header of a URI (RFC 3261 §25.1).
fn escaped(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                out.push(char::from(*byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn routes(message: &Message) -> impl Iterator<Item = Vec<u8>> {
    message.elements(Name::RecordRoute).take(ROUTES_MAX).map(|span| message.at(span).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:box@192.0.2.1 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa\r\n\
        Record-Route: <sip:192.0.2.9;lr;t=1>, <sip:203.0.113.5;lr>\r\n\
        From: \"Ana\" <sip:ana@a.example>;tag=1\r\n\
        To: <sip:box@192.0.2.1>\r\n\
        Call-ID: c\r\n\
        CSeq: 7 INVITE\r\n\
        Contact: \"Ana\" <sip:ana@10.0.0.1;x=y>;+p=q\r\n\r\n";

    fn message(text: &str) -> Message {
        Message::parse(text.as_bytes().into()).unwrap()
    }

    fn text(bytes: &Bytes) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn whoever_was_called_sends_along_the_recorded_routes() {
        let mut dialog = Dialog::of_called(&message(INVITE), b"9").unwrap();
        let bye = dialog.request(
            "BYE",
            b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKb",
            b"Reason: SIP;cause=200\r\n",
            ("", b""),
        );
        assert_eq!(
            text(&bye),
            "BYE sip:ana@10.0.0.1;x=y SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKb\r\n\
            Route: <sip:192.0.2.9;lr;t=1>\r\n\
            Route: <sip:203.0.113.5;lr>\r\n\
            From: <sip:box@192.0.2.1>;tag=9\r\n\
            To: \"Ana\" <sip:ana@a.example>;tag=1\r\n\
            Call-ID: c\r\n\
            Max-Forwards: 70\r\n\
            CSeq: 1 BYE\r\n\
            Reason: SIP;cause=200\r\n\
            Content-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn whoever_called_sends_along_them_turned_round_and_acknowledges_by_the_same_number() {
        let answer = INVITE
            .replace("INVITE sip:box@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK")
            .replace("192.0.2.1>\r\n", "192.0.2.1>;tag=9\r\n");
        let mut dialog = Dialog::of_caller(&message(INVITE), &message(&answer)).unwrap();
        let ack = text(&dialog.ack(7, b"SIP/2.0/UDP h;branch=z9hG4bKc"));
        assert!(ack.starts_with("ACK sip:ana@10.0.0.1;x=y SIP/2.0\r\n"), "{ack}");
        assert!(ack.contains("Route: <sip:203.0.113.5;lr>\r\nRoute: <sip:192.0.2.9;lr;t=1>\r\n"), "{ack}");
        assert!(
            ack.contains("To: <sip:box@192.0.2.1>;tag=9\r\n") && ack.contains("CSeq: 7 ACK\r\n"),
            "{ack}"
        );
        assert!(text(&dialog.request("BYE", b"v", b"", ("", b""))).contains("CSeq: 8 BYE\r\n"));
    }

    #[test]
    fn a_call_is_taken_over_by_its_tags_as_the_other_side_sees_them() {
        let answer = INVITE
            .replace("INVITE sip:box@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK")
            .replace("Call-ID: c", "Call-ID: a;b@c");
        let invite = message(&INVITE.replace("Call-ID: c", "Call-ID: a;b@c"));
        let replaced = |answer: &str| {
            let dialog = Dialog::of_caller(&invite, &message(answer)).unwrap();
            String::from_utf8(dialog.replaced()).unwrap()
        };
        assert_eq!(
            replaced(&answer.replace("192.0.2.1>\r\n", "192.0.2.1>;tag=9!*\r\n")),
            "<sip:ana@10.0.0.1;x=y?Replaces=a%3Bb%40c%3Bto-tag%3D9%21%2A%3Bfrom-tag%3D1&Require=replaces>"
        );
        assert!(replaced(&answer).contains("%3Bto-tag%3D0%3Bfrom-tag%3D1&"), "{}", replaced(&answer));
    }

    #[test]
    fn requests_are_taken_in_their_order_and_say_where_they_come_from() {
        let mut dialog = Dialog::of_called(&message(INVITE), b"9").unwrap();
        let of = |number: u32, contact: &str| {
            message(&format!(
                "UPDATE sip:x SIP/2.0\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>;tag=9\r\nCall-ID: c\r\nCSeq: {number} UPDATE\r\n{contact}\r\n"
            ))
        };
        let moved = of(9, "Contact: <sip:ana@10.0.0.2>\r\n");
        assert!(dialog.has(&moved) && !dialog.has(&message(INVITE)));
        assert_eq!(
            [dialog.take(&moved), dialog.take(&of(8, "")), dialog.take(&of(9, ""))],
            [Ok(()), Err(500), Ok(())]
        );
        assert!(
            text(&dialog.request("BYE", b"v", b"", ("", b"")))
                .starts_with("BYE sip:ana@10.0.0.2 SIP/2.0\r\n")
        );
    }

    #[test]
    fn without_a_contact_there_is_nobody_to_talk_to() {
        let without = INVITE.replace("Contact", "X-Contact");
        assert_eq!(Dialog::of_called(&message(&without), b"9"), None);
        assert_eq!(Dialog::of_caller(&message(INVITE), &message(&without)), None);
        let nowhere = INVITE.replace("@10.0.0.1;x=y", "@10.0.0.");
        assert_eq!(Dialog::of_called(&message(&nowhere), b"9"), None);
    }

    #[test]
    fn the_headers_of_a_contact_stay_out_of_a_request_uri() {
        let with = INVITE.replace(";x=y>", ";x=y?Subject=a&Priority=b>");
        let mut dialog = Dialog::of_called(&message(&with), b"9").unwrap();
        let bye = text(&dialog.request("BYE", b"v", b"", ("", b"")));
        assert!(bye.starts_with("BYE sip:ana@10.0.0.1;x=y SIP/2.0\r\n"), "{bye}");
    }
}
