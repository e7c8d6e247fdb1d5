//! A phone with a lamp: it asks to be told what waits in a mailbox (RFC 3842), and says what it is told.

use crate::compose::{self, Dialog};
use crate::glance::{Glance, Packet, Verb, tag};
use crate::manner::Act;
use crate::town::NODE;
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Time};

/// One phone, and what it does when.
#[derive(Clone, Debug)]
pub struct LampPhone {
    /// What stories call it.
    pub name: &'static str,
    /// Its address.
    pub here: SocketAddr,
    /// The mailbox that it asks about.
    pub mailbox: &'static str,
    /// What it asks to be told of.
    pub event: &'static str,
    does: Vec<(Time, Does)>,
    /// For how long it asks when it has to begin anew.
    seconds: u32,
    dialog: Option<Dialog>,
    asked: u32,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It asks for so many seconds, anew or once more.
    Ask(u32),
    /// It begins again and knows nothing of what it has asked for.
    Reboot,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Send(SocketAddr, Bytes),
    Line(String),
}

impl LampPhone {
    /// A phone that does this at these seconds.
    #[must_use]
    pub fn new(name: &'static str, here: SocketAddr, mailbox: &'static str, does: &[(u64, Does)]) -> Self {
        let does = does.iter().map(|(at, does)| (Time::ZERO + Duration::from_secs(*at), *does)).collect();
        Self { name, here, mailbox, event: "message-summary", does, seconds: 0, dialog: None, asked: 0 }
    }

    /// The same, asking to be told of something else.
    #[must_use]
    pub fn asking(self, event: &'static str) -> Self {
        Self { event, ..self }
    }

    /// When it does something.
    pub(crate) fn times(&self) -> impl Iterator<Item = Time> + use<> {
        self.does.iter().map(|(at, _)| *at).collect::<Vec<_>>().into_iter()
    }

    /// The time for something has come.
    pub(crate) fn on_time(&mut self, now: Time, said: &mut Vec<Said>) {
        let due: Vec<Does> = self.does.iter().filter(|(at, _)| *at == now).map(|(_, does)| *does).collect();
        for does in due {
            match does {
                Does::Ask(seconds) => {
                    self.seconds = seconds;
                    self.ask(said);
                }
                Does::Reboot => self.dialog = None,
            }
        }
    }

    /// A message comes.
    pub(crate) fn on_message(&mut self, from: SocketAddr, packet: &Packet, said: &mut Vec<Said>) {
        let Some(glance) = &packet.glance else { return };
        match (glance.status, glance.verb) {
            (0, Verb::Notify) => self.on_notify(from, packet, glance, said),
            (0, _) => self.answer(from, packet, glance, 405, said),
            (200..=299, Verb::Subscribe) => {
                // What is answered later is a refresh: the route stays.
                let is_new = self.dialog.as_ref().is_some_and(|dialog| dialog.routes.is_empty());
                if is_new {
                    self.dialog = Some(Dialog::of_caller(packet, glance, self.here));
                }
            }
            (481, Verb::Subscribe) => {
                said.push(Said::Line("has to ask anew".into()));
                self.dialog = None;
                self.ask(said);
            }
            (300.., Verb::Subscribe) => {
                let least = glance.named(&packet.bytes, "Min-Expires");
                let after = glance.named(&packet.bytes, "Retry-After");
                let more =
                    [("at least", least), ("again after", after)].into_iter().filter_map(|(word, value)| {
                        Some(format!(", {word} {} s", String::from_utf8_lossy(value?)))
                    });
                let more: String = more.collect();
                said.push(Said::Line(format!("is refused: {}{more}", glance.status)));
            }
            _ => {}
        }
    }

    fn on_notify(&mut self, from: SocketAddr, packet: &Packet, glance: &Glance, said: &mut Vec<Said>) {
        let bytes = &packet.bytes;
        let state = String::from_utf8_lossy(glance.named(bytes, "Subscription-State").unwrap_or_default());
        let is_ours = glance.to_tag != 0 && glance.to_tag == tag(&self.local());
        if !is_ours && glance.to_tag != 0 {
            return self.answer(from, packet, glance, 481, said);
        }
        let text = String::from_utf8_lossy(bytes);
        let line =
            |name: &str| text.split(name).nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let lamp = if line("Messages-Waiting: ") == "yes" { "on" } else { "off" };
        let account = line("Message-Account: sip:").split('@').next().unwrap_or_default();
        let counts = line("Voice-Message: ");
        let state = if state.is_empty() { String::new() } else { format!(", {state}") };
        said.push(Said::Line(format!("has its lamp {lamp}: {account} {counts}{state}")));
        if state.contains("terminated") {
            self.dialog = None;
        }
        self.answer(from, packet, glance, 200, said);
    }

    fn answer(&self, to: SocketAddr, packet: &Packet, glance: &Glance, status: u16, said: &mut Vec<Said>) {
        let act = Act { sdp: false, ..Act::say(Duration::ZERO, status) };
        said.push(Said::Send(to, compose::response(packet, glance, act, "p", self.here)));
    }

    fn ask(&mut self, said: &mut Vec<Said>) {
        self.asked += 1;
        let Self { here, event, seconds, asked, mailbox, name, .. } = self;
        let lines = format!(
            "Event: {event}\r\nExpires: {seconds}\r\nContact: <sip:{here}>\r\nAccept: application/simple-message-summary\r\n"
        );
        let branch = format!("z9hG4bK{name}{asked}");
        let new = Dialog {
            call_id: format!("lamp-{name}-{asked}").into(),
            local: Vec::new(),
            remote: format!("<sip:{mailbox}@{NODE}>").into(),
            routes: Vec::new(),
            target: format!("sip:{mailbox}@{NODE}").into(),
            cseq: 0,
            here: *here,
        };
        let local = self.local();
        let dialog = self.dialog.get_or_insert(Dialog { local, ..new });
        dialog.cseq += 1;
        let to = dialog.next_hop().unwrap_or(NODE);
        let bytes = dialog.request(Verb::Subscribe, dialog.cseq, &branch);
        said.push(Said::Send(to, compose::with_lines(&bytes, &lines)));
    }

    /// What it says in From: another tag each time that it has begun anew.
    fn local(&self) -> Vec<u8> {
        match &self.dialog {
            Some(dialog) => dialog.local.clone(),
            None => format!("<sip:100@{}>;tag={}{}", self.here, self.name, self.asked).into(),
        }
    }
}
