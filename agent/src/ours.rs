//! A request of ours inside of a call, until it is answered.

use crate::talk::Desk;
use sip::txn::{ClientInvite, ClientOutput, ClientRequest};
use sip::{Bytes, Message, Time};

/// One request that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    what: What,
    branch: String,
    client: Client,
    is_done: bool,
}

/// What it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// BYE: the call is over, whatever is said to it.
    Bye,
    /// PRACK: a provisional answer was heard.
    Prack,
    /// The call is to go on (RFC 4028 §10).
    Refresh,
    /// REFER: the other side is to join two calls.
    Refer,
}

#[derive(Clone, Debug)]
enum Client {
    Request(ClientRequest),
    Invite(ClientInvite),
}

/// What comes of it.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    /// Send this.
    Send(Bytes),
    /// An answer.
    Answer(What, Message),
    /// None.
    Nothing(What),
}

impl Ours {
    /// Sends it.
    pub(crate) fn start(
        what: What,
        branch: String,
        request: Bytes,
        desk: &Desk,
        now: Time,
        out: &mut Vec<Came>,
    ) -> Self {
        let (reliability, timers, mut said) = (desk.reliability, desk.timers, Vec::new());
        let client = if request.starts_with(b"INVITE ") {
            Client::Invite(ClientInvite::start(request, reliability, timers, now, &mut said))
        } else {
            Client::Request(ClientRequest::start(request, reliability, timers, now, &mut said))
        };
        let mut ours = Self { what, branch, client, is_done: false };
        ours.tell(said, out);
        ours
    }

    pub(crate) const fn what(&self) -> What {
        self.what
    }

    /// Does this response answer it?
    pub(crate) fn has(&self, response: &Message) -> bool {
        response.branch() == self.branch.as_bytes()
    }

    /// May it be forgotten?
    pub(crate) const fn is_done(&self) -> bool {
        self.is_done
    }

    pub(crate) fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Came>) {
        let mut said = Vec::new();
        match &mut self.client {
            Client::Request(request) => request.on_response(response, now, &mut said),
            Client::Invite(invite) => invite.on_response(response, now, &mut said),
        }
        self.tell(said, out);
    }

    pub(crate) fn on_deadline(&mut self, now: Time, out: &mut Vec<Came>) {
        let mut said = Vec::new();
        match &mut self.client {
            Client::Request(request) => request.on_deadline(now, &mut said),
            Client::Invite(invite) => invite.on_deadline(now, &mut said),
        }
        self.tell(said, out);
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match &self.client {
            Client::Request(request) => request.deadline(),
            Client::Invite(invite) => invite.deadline(),
        }
    }

    fn tell(&mut self, said: Vec<ClientOutput>, out: &mut Vec<Came>) {
        for output in said {
            match output {
                ClientOutput::Send(bytes) => out.push(Came::Send(bytes)),
                ClientOutput::Pass(answer) => out.push(Came::Answer(self.what, answer)),
                ClientOutput::TimedOut | ClientOutput::Unreachable => out.push(Came::Nothing(self.what)),
                ClientOutput::Done => self.is_done = true,
            }
        }
    }
}
