//! Stories for the machines' tests: a script of timed events in, everything that happened out.
//!
//! A script line is a time and an event: `"0.300s 486 b"`. Events of every machine: `look` (adds what the machine says
//! of itself) and `wake`. Deadlines are met in time, except those that fall before a `wake`: their owner slept, and
//! calls once, then. After the last line the deadlines go on until there is none.

use super::{ClientOutput, ServerOutput};
use crate::message::{Bytes, Message};
use crate::time::Time;

/// A transaction machine as stories see it.
pub(super) trait Machine {
    type Output: Told;
    /// Feeds the event that a script line names.
    fn hear(&mut self, event: &str, now: Time, out: &mut Vec<Self::Output>);
    fn wake(&mut self, now: Time, out: &mut Vec<Self::Output>);
    fn next(&self) -> Option<Time>;
    /// What its accessors say.
    fn look(&self) -> String {
        "has none".to_owned()
    }
}

/// An output as stories tell it.
pub(super) trait Told {
    fn told(&self) -> String;
}

/// Plays a script to the machine that `start` makes at 0.000s.
pub(super) fn story<M: Machine>(
    start: impl FnOnce(&mut Vec<M::Output>) -> M,
    script: &[&str],
) -> Vec<String> {
    let mut out = Vec::new();
    let mut play = Play { machine: start(&mut out), lines: Vec::new() };
    play.tell(Time::ZERO, &out);
    for line in script {
        let (time, event) = line.split_once("s ").expect("a script line is a time and an event");
        play.event(seconds(time), event);
    }
    play.deadlines(Time::from_micros(u64::MAX));
    play.lines
}

struct Play<M> {
    machine: M,
    lines: Vec<String>,
}

impl<M: Machine> Play<M> {
    fn event(&mut self, now: Time, event: &str) {
        if event == "wake" {
            return self.wake(now);
        }
        self.deadlines(now);
        if event == "look" {
            return self.lines.push(format!("{now} {}", self.machine.look()));
        }
        let mut out = Vec::new();
        self.machine.hear(event, now, &mut out);
        self.tell(now, &out);
    }

    /// Meets every deadline up to `end`, and makes sure that a call before it does nothing.
    fn deadlines(&mut self, end: Time) {
        while let Some(at) = self.machine.next().filter(|at| *at <= end) {
            let mut early = Vec::new();
            self.machine.wake(Time::from_micros(at.as_micros() - 1), &mut early);
            assert!(early.is_empty() && self.machine.next() == Some(at), "acts before {at}");
            self.wake(at);
            assert!(self.machine.next() != Some(at), "does not get past {at}");
        }
    }

    fn wake(&mut self, now: Time) {
        let mut out = Vec::new();
        self.machine.wake(now, &mut out);
        self.tell(now, &out);
    }

    fn tell(&mut self, now: Time, out: &[M::Output]) {
        for output in out {
            assert!(!self.lines.iter().any(|line| line.ends_with("s done")), "goes on after done");
            self.lines.push(format!("{now} {}", output.told()));
        }
    }
}

impl Told for ClientOutput {
    fn told(&self) -> String {
        match self {
            Self::Send(bytes) => format!("send {}", sent(bytes)),
            Self::Pass(response) => {
                let (status, tag) = (response.status().unwrap(), text(response.to_tag()));
                format!("pass {status} {tag}").trim_end().to_owned()
            }
            Self::TimedOut => "timed out".to_owned(),
            Self::Unreachable => "unreachable".to_owned(),
            Self::Done => "done".to_owned(),
        }
    }
}

impl Told for ServerOutput {
    fn told(&self) -> String {
        match self {
            Self::Send(bytes) => format!("send {}", text(bytes)),
            Self::Acked => "acked".to_owned(),
            Self::AckMissing => "ack missing".to_owned(),
            Self::Done => "done".to_owned(),
        }
    }
}

/// The response that a client's script names by status and To tag, as in `180` or `486 b`.
pub(super) fn response(event: &str, method: &str) -> Message {
    let (status, tag) = event.split_once(' ').unwrap_or((event, ""));
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    message(&format!("SIP/2.0 {status} Said\r\nServer: a"), &tag, method)
}

/// A request of that method.
pub(super) fn request(method: &str) -> Bytes {
    let start =
        format!("{method} sip:bob@192.0.2.2 SIP/2.0\r\nMax-Forwards: 70\r\nRoute: <sip:192.0.2.3;lr>");
    message(&start, "", method).bytes().clone()
}

/// `start` is the start line and the fields that only this message has.
fn message(start: &str, to_params: &str, method: &str) -> Message {
    let text = format!(
        "{start}\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
         From: <sip:alice@example.org>;tag=a\r\n\
         To: <sip:bob@example.org>{to_params}\r\n\
         Call-ID: 1@192.0.2.1\r\n\
         CSeq: 7 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    Message::parse(text.as_bytes().into()).expect("a message")
}

/// A request by its method; an ACK also by what it takes from the INVITE and from the response.
fn sent(bytes: &Bytes) -> String {
    let request = Message::parse(bytes.clone()).expect("a message");
    let method = text(request.method_name());
    if method != "ACK" {
        return method.to_owned();
    }
    let (number, name) = request.cseq().expect("a CSeq");
    assert_eq!((number, text(name)), (7, "ACK"));
    assert_eq!(text(request.at(request.request_uri().unwrap())), "sip:bob@192.0.2.2");
    assert_eq!(text(request.value(crate::Name::Route).unwrap()), "<sip:192.0.2.3;lr>");
    format!("ACK {}", text(request.to_tag()))
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).expect("text")
}

/// `"1.5"` as a time.
fn seconds(text: &str) -> Time {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{rest:0<6}");
    Time::from_micros(digits.parse().expect("a time"))
}
