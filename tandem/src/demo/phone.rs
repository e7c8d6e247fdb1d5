//! A phone, a PBX or an answering service: it rings, and answers, or does not.

use super::wire::{Line, Who, dialog_lines, response, with_sdp};
use core::net::SocketAddr;
use core::time::Duration;
use sip::{Bytes, Message, Method, Time};
use tokio::sync::watch;

/// What it does with calls from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Rings at once and answers after so long.
    Answers(Duration),
    /// Rings, and nobody comes.
    Rings,
    /// Has no power: what arrives at its socket is not answered, and nothing says so.
    Silent,
}

/// One phone with the calls it knows.
#[derive(Debug)]
pub(super) struct Phone {
    line: Line,
    manner: watch::Receiver<Manner>,
    calls: Vec<Call>,
}

/// An INVITE and the last answer to it.
#[derive(Debug)]
struct Call {
    invite: Message,
    from: SocketAddr,
    said: Bytes,
    /// When it will be answered; `None` if it was, or never will be.
    answer_at: Option<Time>,
    open: bool,
}

impl Phone {
    /// A phone that has not rung yet.
    pub(super) fn new(line: Line, manner: watch::Receiver<Manner>) -> Self {
        Self { line, manner, calls: Vec::new() }
    }

    /// Takes calls until nobody gives orders any more.
    pub(super) async fn live(mut self) {
        let clock = self.line.tap.clock;
        loop {
            let due = self.calls.iter().filter_map(|call| call.answer_at).min();
            tokio::select! {
                (message, from) = self.line.receive() => self.on_message(message, from).await,
                () = clock.until(due) => self.pick_up(clock.now()).await,
                order = self.manner.changed() => if order.is_err() { return },
            }
        }
    }

    async fn on_message(&mut self, message: Message, from: SocketAddr) {
        let manner = *self.manner.borrow();
        if manner == Manner::Silent || !message.is_request() {
            return;
        }
        match message.method() {
            Method::Invite => self.on_invite(message, from, manner).await,
            Method::Cancel => self.on_cancel(&message, from).await,
            Method::Ack => {}
            Method::Bye => {
                self.calls.retain(|call| call.invite.call_id() != message.call_id());
                self.say(&message, from, 200).await;
            }
            Method::Options => self.say(&message, from, 200).await,
            Method::Register
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Subscribe
            | Method::Notify
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other => self.say(&message, from, 405).await,
        }
    }

    async fn on_invite(&mut self, invite: Message, from: SocketAddr, manner: Manner) {
        if let Some(known) = self.calls.iter().find(|call| call.invite.branch() == invite.branch()) {
            self.line.answer(&known.said, &invite, from).await;
            return;
        }
        let ringing = response(&invite, from, 180, self.tag(), &self.dialog_lines(&invite));
        self.line.answer(&ringing, &invite, from).await;
        let answer_at = match manner {
            Manner::Answers(after) => Some(self.line.tap.clock.now() + after),
            Manner::Rings | Manner::Silent => None,
        };
        self.calls.push(Call { invite, from, said: ringing, answer_at, open: true });
    }

    async fn on_cancel(&mut self, cancel: &Message, from: SocketAddr) {
        let tag = self.tag();
        let Some(call) = self.calls.iter_mut().find(|call| call.invite.branch() == cancel.branch()) else {
            return self.say(cancel, from, 481).await;
        };
        let refused = core::mem::take(&mut call.open);
        if refused {
            call.answer_at = None;
            call.said = response(&call.invite, call.from, 487, tag, b"");
        }
        let (said, invite, caller) = (call.said.clone(), call.invite.clone(), call.from);
        self.say(cancel, from, 200).await;
        if refused {
            self.line.answer(&said, &invite, caller).await;
        }
    }

    async fn pick_up(&mut self, now: Time) {
        let due = |call: &Call| call.answer_at.is_some_and(|at| at <= now);
        let Some(place) = self.calls.iter().position(due) else { return };
        let Some(call) = self.calls.get(place) else { return };
        let (invite, from) = (call.invite.clone(), call.from);
        let answer = response(&invite, from, 200, self.tag(), &self.dialog_lines(&invite));
        let answer = with_sdp(&answer, self.line.address);
        let silent = *self.manner.borrow() == Manner::Silent;
        if let Some(call) = self.calls.get_mut(place) {
            (call.answer_at, call.open, call.said) = (None, false, answer.clone());
        }
        if !silent {
            self.line.answer(&answer, &invite, from).await;
        }
    }

    async fn say(&self, request: &Message, from: SocketAddr, status: u16) {
        self.line.answer(&response(request, from, status, self.tag(), b""), request, from).await;
    }

    fn dialog_lines(&self, request: &Message) -> Vec<u8> {
        dialog_lines(request, self.line.who, self.line.address)
    }

    /// Every phone has one tag: its calls differ by their Call-ID.
    fn tag(&self) -> &'static str {
        match self.line.who {
            Who::Office => "o1",
            Who::Ana => "a1",
            Who::Ben => "b1",
            Who::Answering => "s1",
            Who::Caller | Who::Tandem | Who::North | Who::South => "x1",
        }
    }
}
