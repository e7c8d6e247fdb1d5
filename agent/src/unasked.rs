//! A phone that is told what waits in a mailbox without having asked: many never subscribe, and light their lamp by any NOTIFY that comes
//! from where their calls come from.

use crate::lamp::{PACKAGE, SUMMARY, Waiting, summary};
use crate::talk::Desk;
use core::time::Duration;
use sip::txn::{ClientOutput, ClientRequest};
use sip::{Bytes, Message, Time};
use std::sync::Arc;

/// One such phone.
#[derive(Clone, Debug)]
pub struct Unasked {
    mailbox: Arc<str>,
    /// The phone's URI, for which the node knows a way.
    uri: Arc<str>,
    /// What the mailbox is called by outside.
    account: String,
    desk: Desk,
    /// Its Call-ID and the tag of its From are made of this.
    chance: u64,
    /// NOTIFYs so far: their number, and what tells their branches apart.
    sent: u32,
    /// The one that is under way, by its branch.
    asked: Option<(String, ClientRequest)>,
    waiting: Option<Waiting>,
    told: Option<Waiting>,
    /// No change is told before then.
    quiet_until: Time,
    /// It is told then whatever has changed.
    again_at: Time,
}

/// RFC 3842 §3.11.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a phone is told that has been told: it may have been switched off meanwhile.
const EVERY: Duration = Duration::from_secs(1_800);

/// When it is told again if there is no way to it now: it may be back.
const SOON: Duration = Duration::from_secs(60);

/// When it is told again if it was silent.
const LATER: Duration = Duration::from_secs(300);

impl Unasked {
    /// The phone at this URI, which is told of this mailbox as soon as it is known what waits there.
    #[must_use]
    pub fn new(
        (mailbox, account): (Arc<str>, String),
        uri: Arc<str>,
        desk: Desk,
        chance: u64,
        now: Time,
    ) -> Self {
        Self {
            mailbox,
            uri,
            account,
            desk,
            chance,
            sent: 0,
            asked: None,
            waiting: None,
            told: None,
            quiet_until: now,
            again_at: now,
        }
    }

    /// The mailbox whose messages it is about.
    #[must_use]
    pub const fn mailbox(&self) -> &Arc<str> {
        &self.mailbox
    }

    /// The phone's URI.
    #[must_use]
    pub const fn uri(&self) -> &Arc<str> {
        &self.uri
    }

    /// The Call-ID of its NOTIFYs.
    #[must_use]
    pub fn call_id(&self) -> String {
        format!("lamp-{:x}", self.chance)
    }

    /// So many messages wait now.
    pub fn on_waiting(&mut self, waiting: Waiting, now: Time, out: &mut Vec<Bytes>) {
        self.waiting = Some(waiting);
        self.tell(now, out);
    }

    /// A response to a NOTIFY came.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Bytes>) {
        let mut said = Vec::new();
        if let Some((branch, notify)) = &mut self.asked
            && response.top_via().is_some_and(|via| via.branch() == branch.as_bytes())
        {
            notify.on_response(response, now, &mut said);
        }
        self.hear(said, now, out);
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Bytes>) {
        let mut said = Vec::new();
        if let Some((_, notify)) = &mut self.asked {
            notify.on_deadline(now, &mut said);
        }
        self.hear(said, now, out);
        self.tell(now, out);
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match (&self.asked, self.waiting) {
            (Some((_, notify)), _) => notify.deadline(),
            (None, Some(waiting)) if self.told != Some(waiting) => Some(self.quiet_until.min(self.again_at)),
            (None, Some(_)) => Some(self.again_at),
            (None, None) => None,
        }
    }

    /// Tells the phone what it has to be told now, if anything. One NOTIFY is under way at a time.
    fn tell(&mut self, now: Time, out: &mut Vec<Bytes>) {
        let Some(waiting) = self.waiting.filter(|_| self.asked.is_none()) else { return };
        let has_changed = self.told != Some(waiting) && self.quiet_until <= now;
        if !has_changed && now < self.again_at {
            return;
        }
        (self.told, self.quiet_until, self.again_at) = (Some(waiting), now + PAUSE, now + EVERY);
        self.sent = self.sent.wrapping_add(1);
        let branch = format!("z9hG4bK{:x}u{:x}", self.chance, self.sent);
        let (mut said, request) = (Vec::new(), self.write(waiting, &branch));
        let client = ClientRequest::start(request, self.desk.reliability, self.desk.timers, now, &mut said);
        self.asked = Some((branch, client));
        self.hear(said, now, out);
    }

    fn write(&self, waiting: Waiting, branch: &str) -> Bytes {
        let Self { uri, account, desk, chance, sent, .. } = self;
        let (via, contact, body) = (&desk.via, &desk.contact, summary(waiting, account));
        // It is of no subscription.
        format!(
            "NOTIFY {uri} SIP/2.0\r\nVia: {via};branch={branch}\r\nMax-Forwards: 70\r\nFrom: <{account}>;tag={chance:x}\r\n\
             To: <{uri}>\r\nCall-ID: {}\r\nCSeq: {sent} NOTIFY\r\nContact: {contact}\r\nEvent: {PACKAGE}\r\n\
             Subscription-State: terminated\r\nContent-Type: {SUMMARY}\r\nContent-Length: {}\r\n\r\n{body}",
            self.call_id(),
            body.len()
        )
        .into_bytes()
        .into()
    }

    fn hear(&mut self, said: Vec<ClientOutput>, now: Time, out: &mut Vec<Bytes>) {
        for output in said {
            match output {
                ClientOutput::Send(bytes) => out.push(bytes),
                ClientOutput::Pass(answer) => {
                    if let Some(status) = answer.status().filter(|status| *status >= 200) {
                        self.asked = None;
                        if (500..600).contains(&status) {
                            self.again_at = now + SOON;
                        }
                        self.tell(now, out);
                    }
                }
                ClientOutput::TimedOut | ClientOutput::Unreachable => {
                    (self.asked, self.again_at) = (None, now + LATER);
                }
                // Only what was given up is done here.
                ClientOutput::Done => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::build::{Extra, phrase, response};
    use sip::txn::{Reliability, Timers};

    const NONE: Waiting = Waiting { new: 0, old: 0 };
    const ONE: Waiting = Waiting { new: 1, old: 0 };

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn phone() -> Unasked {
        let desk = Desk {
            contact: "<sip:agent-2@192.0.2.1:5060>".into(),
            via: "SIP/2.0/INSIDE [100::2]:5060".into(),
            reliability: Reliability::Unreliable,
            timers: Timers::default(),
        };
        let account = "sip:inbox@192.0.2.1:5060".to_owned();
        Unasked::new(("inbox".into(), account), "sip:100@10.0.0.1".into(), desk, 0xabc, at(0))
    }

    /// What the phone is told until then, a line each; it answers with this, or is silent.
    fn told(phone: &mut Unasked, until: u64, answer: Option<u16>) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let Some(now) = phone.deadline().filter(|due| *due <= at(until)) else { return lines };
            let mut out = Vec::new();
            phone.on_deadline(now, &mut out);
            answers(phone, out, now, answer, &mut lines);
        }
    }

    fn answers(
        phone: &mut Unasked,
        out: Vec<Bytes>,
        now: Time,
        answer: Option<u16>,
        lines: &mut Vec<String>,
    ) {
        for bytes in out {
            let notify = Message::parse(bytes).unwrap();
            sip::check(&notify).unwrap();
            let text = String::from_utf8_lossy(notify.body()).into_owned();
            let counts = text.split("Voice-Message: ").nth(1).unwrap_or_default().trim_end().to_owned();
            lines.push(format!("{} {} {counts}", now.since(Time::ZERO).as_secs(), notify.cseq().unwrap().0));
            let Some(status) = answer else { continue };
            let source = "[100::]:5060".parse().unwrap();
            let answer = response(&notify, source, status, phrase(status), Extra::default());
            let mut more = Vec::new();
            phone.on_response(Message::parse(answer).unwrap(), now, &mut more);
            answers(phone, more, now, Some(status), lines);
        }
    }

    fn holds(phone: &mut Unasked, waiting: Waiting, seconds: u64) -> Vec<String> {
        let (mut out, mut lines) = (Vec::new(), Vec::new());
        phone.on_waiting(waiting, at(seconds), &mut out);
        answers(phone, out, at(seconds), Some(200), &mut lines);
        lines
    }

    #[test]
    fn what_it_is_told_is_whole() {
        let mut phone = phone();
        assert_eq!(phone.deadline(), None, "nothing is known yet");
        let mut out = Vec::new();
        phone.on_waiting(Waiting { new: 2, old: 8 }, at(0), &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out[0]),
            "NOTIFY sip:100@10.0.0.1 SIP/2.0\r\n\
            Via: SIP/2.0/INSIDE [100::2]:5060;branch=z9hG4bKabcu1\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:inbox@192.0.2.1:5060>;tag=abc\r\n\
            To: <sip:100@10.0.0.1>\r\n\
            Call-ID: lamp-abc\r\n\
            CSeq: 1 NOTIFY\r\n\
            Contact: <sip:agent-2@192.0.2.1:5060>\r\n\
            Event: message-summary\r\n\
            Subscription-State: terminated\r\n\
            Content-Type: application/simple-message-summary\r\n\
            Content-Length: 92\r\n\r\n\
            Messages-Waiting: yes\r\n\
            Message-Account: sip:inbox@192.0.2.1:5060\r\n\
            Voice-Message: 2/8 (0/0)\r\n"
        );
    }

    #[test]
    fn it_is_told_at_every_change_and_every_half_hour() {
        let mut phone = phone();
        assert_eq!(holds(&mut phone, NONE, 0), ["0 1 0/0 (0/0)"]);
        assert_eq!(holds(&mut phone, NONE, 9), Vec::<String>::new());
        assert_eq!(holds(&mut phone, ONE, 10), ["10 2 1/0 (0/0)"]);
        assert_eq!(told(&mut phone, 4_000, Some(200)), ["1810 3 1/0 (0/0)", "3610 4 1/0 (0/0)"]);
    }

    #[test]
    fn who_does_not_want_it_is_told_as_seldom_and_who_is_away_once_he_is_back() {
        for (status, again) in [(489, 1_800), (405, 1_800), (503, 60)] {
            let mut phone = phone();
            phone.on_waiting(ONE, at(0), &mut Vec::new());
            let first = phone.asked.as_ref().map(|(branch, _)| branch.clone()).unwrap();
            let text =
                format!("SIP/2.0 {status} No\r\nVia: SIP/2.0/UDP a;branch={first}\r\nCSeq: 1 NOTIFY\r\n\r\n");
            phone.on_response(Message::parse(text.into_bytes().into()).unwrap(), at(0), &mut Vec::new());
            assert_eq!(told(&mut phone, 1_800, Some(200))[0], format!("{again} 2 1/0 (0/0)"));
        }
    }

    #[test]
    fn who_is_silent_is_told_again_five_minutes_later() {
        let mut phone = phone();
        phone.on_waiting(ONE, at(0), &mut Vec::new());
        let lines = told(&mut phone, 32, None);
        assert!(lines.len() == 10 && lines.iter().all(|line| line.ends_with(" 1 1/0 (0/0)")), "{lines:?}");
        assert_eq!(told(&mut phone, 400, Some(200)), ["332 2 1/0 (0/0)"]);
    }
}
