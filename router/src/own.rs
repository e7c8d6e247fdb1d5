//! Requests that the node makes of its own accord, outside of any call: how they are written, and what they answer to a
//! challenge.

use crate::fix;
use crate::logins::Logins;
use crate::path::Listener;
use crate::relay::push_via;
use crate::seal::{Branch, Kind, Seal};
use crate::slots::Slot;
use crate::target::Peer;
use core::fmt;
use sip::digest::Asked;
use sip::{Bytes, Message};

/// What a request of ours says, but for its header fields that only one method has.
#[derive(Clone, Debug)]
pub struct Own {
    /// What it is, and so how its responses are known.
    pub kind: Kind,
    /// Its method.
    pub method: &'static str,
    /// Its Request-URI.
    pub uri: String,
    /// Whom it is to.
    pub to: String,
    /// Who sends it; `None` for this node itself.
    pub from: Option<String>,
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of its From.
    pub tag: u64,
    /// How often it was written: its CSeq, and in its branch what tells one try from another.
    pub tries: u32,
    /// How often credentials were said since it was asked last to do without.
    pub said: u8,
}

/// What becomes of a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is met by this header line.
    Line(Vec<u8>),
    /// What it was met by before is not taken.
    Refused,
    /// It is not met: the plan has no credentials for it, or they have been refused too often.
    Unmet,
}

impl Own {
    /// Writes it once more: the same Call-ID and tag, another CSeq and another branch (RFC 3261 §8.1.3.5). `lines` are
    /// whole header lines.
    pub fn write(&mut self, slot: Slot, leaves: &Listener, seal: &Seal, lines: &[u8]) -> Bytes {
        self.tries = self.tries.wrapping_add(1);
        let Slot { place, generation } = slot;
        let branch = Branch {
            kind: self.kind,
            slot: place,
            generation,
            leg: self.tries,
            routing: 0,
            shift: 0,
            veiled: false,
            connection: 0,
        };
        let Self { method, uri, to, call_id, tag, tries, .. } = self;
        let mut text = format!("{method} {uri} SIP/2.0\r\n").into_bytes();
        push_via(&mut text, leaves, |text| seal.push_branch(text, branch, 0, call_id.as_bytes()));
        let own = format!("sip:tandem@{}", Home(leaves));
        let from = self.from.as_ref().unwrap_or(&own);
        let rest = format!(
            "Max-Forwards: 70\r\nFrom: <{from}>;tag={tag:x}\r\nTo: <{to}>\r\nCall-ID: {call_id}\r\n\
             CSeq: {tries} {method}\r\n"
        );
        text.extend_from_slice(rest.as_bytes());
        text.extend_from_slice(lines);
        text.extend_from_slice(b"User-Agent: Tandem\r\nContent-Length: 0\r\n\r\n");
        Bytes::from(text)
    }

    fn may_answer(&self, peer: &Peer, logins: &Logins) -> bool {
        match self.kind {
            Kind::Probe => logins.may_probe(peer),
            Kind::Registration | Kind::Leg | Kind::Passing => logins.may_answer(peer),
        }
    }

    /// What to answer to a refusal that asks for credentials: they are said once, and once more if only the nonce was too
    /// old. To be written with the line if there is one.
    pub fn answer(&mut self, refusal: &Message, peer: &Peer, logins: &mut Logins) -> Answer {
        let challenge = fix::challenge(refusal, peer);
        let may = match self.said {
            0 => challenge.is_some() && self.may_answer(peer, logins),
            1 => challenge.as_ref().is_some_and(|challenge| challenge.stale),
            _ => false,
        };
        match challenge.filter(|_| may) {
            Some(challenge) => {
                self.said += 1;
                let asked = Asked { method: self.method.as_bytes(), uri: self.uri.as_bytes(), body: b"" };
                Answer::Line(logins.answer_outside(peer, challenge, asked))
            }
            None if self.said > 0 => Answer::Refused,
            None => Answer::Unmet,
        }
    }
}

/// Where a listener of ours is reached, as in a URI.
#[derive(Debug)]
pub struct Home<'a>(pub &'a Listener);

impl fmt::Display for Home<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = &self.0.advertise;
        write!(out, "{}:{port}", crate::relay::Bracketed(host))
    }
}
