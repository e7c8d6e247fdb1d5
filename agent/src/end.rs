//! One end of a call, whoever began it.

use crate::callee::Callee;
use crate::caller::Caller;
use crate::talk::Output;
use sip::{Message, Time};

#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It was called.
    Called(Box<Callee>),
    /// It has called.
    Calling(Box<Caller>),
}

impl End {
    pub(crate) fn invite(&self) -> &Message {
        match self {
            Self::Called(callee) => callee.invite(),
            Self::Calling(caller) => caller.invite(),
        }
    }

    /// Who was called; `None` where the call is ours.
    pub(crate) fn called(&mut self) -> Option<&mut Callee> {
        match self {
            Self::Called(callee) => Some(callee),
            Self::Calling(_) => None,
        }
    }

    pub(crate) fn has(&self, message: &Message) -> bool {
        match self {
            Self::Called(callee) => callee.has(message),
            Self::Calling(caller) => caller.has(message),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        match self {
            Self::Called(callee) => callee.is_done(),
            Self::Calling(caller) => caller.is_done(),
        }
    }

    pub(crate) fn hang_up(&mut self, reason: Option<&str>, now: Time, out: &mut Vec<Output>) {
        match self {
            // To a caller a refusal says it.
            Self::Called(callee) => callee.hang_up(now, out),
            Self::Calling(caller) => caller.hang_up(reason, now, out),
        }
    }

    /// Asks the other side to call there, in place of another call of ours with it.
    pub(crate) fn refer(&mut self, to: &[u8], now: Time, out: &mut Vec<Output>) {
        match self {
            Self::Called(callee) => callee.refer(to, now, out),
            // Only who has called is asked: who was called is there.
            Self::Calling(_) => {}
        }
    }

    /// Who is called to take this call over from us: a value of Refer-To.
    pub(crate) fn replaced(&self) -> Option<Vec<u8>> {
        match self {
            Self::Called(_) => None,
            Self::Calling(caller) => caller.replaced(),
        }
    }

    pub(crate) fn agree(&mut self, sdp: &[u8], now: Time, out: &mut Vec<Output>) {
        match self {
            Self::Called(callee) => callee.agree(sdp, now, out),
            Self::Calling(caller) => caller.agree(sdp, now, out),
        }
    }

    pub(crate) fn disagree(&mut self, status: u16, now: Time, out: &mut Vec<Output>) {
        match self {
            Self::Called(callee) => callee.disagree(status, now, out),
            Self::Calling(caller) => caller.disagree(status, now, out),
        }
    }

    pub(crate) fn on_request(&mut self, request: Message, now: Time, out: &mut Vec<Output>) {
        match self {
            Self::Called(callee) => callee.on_request(request, now, out),
            Self::Calling(caller) => caller.on_request(request, now, out),
        }
    }

    pub(crate) fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<Output>) {
        match self {
            Self::Called(callee) => callee.on_response(response, now, out),
            Self::Calling(caller) => caller.on_response(response, now, out),
        }
    }

    pub(crate) fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        match self {
            Self::Called(callee) => callee.on_deadline(now, out),
            Self::Calling(caller) => caller.on_deadline(now, out),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Called(callee) => callee.deadline(),
            Self::Calling(caller) => caller.deadline(),
        }
    }
}
