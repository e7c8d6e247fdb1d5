//! An office with one socket that takes many calls, or refuses them, as RFC 3261 wants it: it sends its finals again
//! until they are acknowledged.

use crate::messages::{Message, header, headers};
use crate::node::since;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread::JoinHandle;
use tandem::clock::Clock;

/// What an office does with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Refuses with this line.
    Refuses(&'static str),
    /// Rings for so long and answers.
    Answers(Duration),
}

/// An office at work. Its thread ends with it.
#[derive(Debug)]
pub(crate) struct Desk {
    open: Arc<AtomicBool>,
    work: Option<JoinHandle<Vec<Taken>>>,
}

/// A call that came to an office.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// Its Call-ID.
    pub(crate) id: String,
    /// The ACK of its final came.
    pub(crate) acknowledged: bool,
    /// It was hung up.
    pub(crate) hung_up: bool,
    /// It was cancelled before it was answered.
    pub(crate) cancelled: bool,
    invite: String,
    from: SocketAddr,
    tag: String,
    /// What a copy of the INVITE gets.
    last: String,
    /// When it is answered.
    answer_at: Option<Duration>,
    /// The final that waits for its ACK: when it is sent again, after how long then, and until when.
    resend: Option<(Duration, Duration, Duration)>,
}

impl Desk {
    /// Opens an office at this address.
    pub(crate) fn open(at: SocketAddr, manner: Manner) -> Self {
        let socket = UdpSocket::bind(at).expect("the house is ours");
        // It reads as fast as it can; a burst must wait somewhere.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        let open = Arc::new(AtomicBool::new(true));
        let still = Arc::clone(&open);
        let work = std::thread::spawn(move || {
            Work { socket, at, manner, clock: Clock::start(), calls: BTreeMap::new() }.go(&still)
        });
        Self { open, work: Some(work) }
    }

    /// Closes it; the calls that came.
    pub(crate) fn close(mut self) -> Vec<Taken> {
        self.open.store(false, Ordering::Relaxed);
        let work = self.work.take().expect("it is closed once");
        work.join().expect("an office has no bugs")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.open.store(false, Ordering::Relaxed);
        // Joined already if it was closed.
        let _ = self.work.take().map(JoinHandle::join);
    }
}

struct Work {
    socket: UdpSocket,
    at: SocketAddr,
    manner: Manner,
    clock: Clock,
    /// By the branch of the INVITE.
    calls: BTreeMap<String, Taken>,
}

impl Work {
    fn go(mut self, open: &AtomicBool) -> Vec<Taken> {
        let mut buffer = vec![0; 65_536];
        self.socket.set_read_timeout(Some(LOOK)).expect("a timeout can be set");
        while open.load(Ordering::Relaxed) {
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                self.on_message(&text, from);
            }
            self.on_time();
        }
        self.calls.into_values().collect()
    }

    fn on_message(&mut self, text: &str, from: SocketAddr) {
        let id = header(text, "Call-ID");
        match text.split_ascii_whitespace().next().unwrap_or_default() {
            "INVITE" => self.on_invite(text, from),
            "ACK" => {
                for call in self.calls.values_mut().filter(|call| call.id == id) {
                    call.acknowledged = true;
                    call.resend = None;
                }
            }
            "CANCEL" => {
                self.say(&response(text, self.at, "200 OK", ""), from);
                let now = since(self.clock);
                if let Some(call) = self.calls.get_mut(branch(text))
                    && call.answer_at.take().is_some()
                {
                    call.cancelled = true;
                    call.last = response(&call.invite, self.at, "487 Request Terminated", &call.tag);
                    call.resend = Some((now, T1, now + PATIENCE));
                }
            }
            "BYE" => {
                self.say(&response(text, self.at, "200 OK", ""), from);
                for call in self.calls.values_mut().filter(|call| call.id == id) {
                    call.hung_up = true;
                    call.resend = None;
                }
            }
            "OPTIONS" => self.say(&response(text, self.at, "200 OK", "alive"), from),
            // Responses: it asks for nothing.
            _ => (),
        }
    }

    fn on_invite(&mut self, text: &str, from: SocketAddr) {
        let (now, key) = (since(self.clock), branch(text).to_owned());
        if let Some(call) = self.calls.get(&key) {
            return self.say(&call.last, from);
        }
        let tag = format!("d{}", self.calls.len());
        let (status, answer_at, resend) = match self.manner {
            Manner::Refuses(status) => (status, None, Some((now + T1, T1 * 2, now + PATIENCE))),
            Manner::Answers(ring) => ("180 Ringing", Some(now + ring), None),
        };
        let last = response(text, self.at, status, &tag);
        self.say(&last, from);
        let taken = Taken {
            id: header(text, "Call-ID").to_owned(),
            acknowledged: false,
            hung_up: false,
            cancelled: false,
            invite: text.to_owned(),
            from,
            tag,
            last,
            answer_at,
            resend,
        };
        self.calls.insert(key, taken);
    }

    fn on_time(&mut self) {
        let (now, at) = (since(self.clock), self.at);
        for call in self.calls.values_mut() {
            if call.answer_at.is_some_and(|due| due <= now) {
                call.answer_at = None;
                call.last = response(&call.invite, at, "200 OK", &call.tag);
                call.resend = Some((now, T1, now + PATIENCE));
            }
            match call.resend {
                Some((_, _, until)) if until <= now => call.resend = None,
                Some((due, pause, until)) if due <= now => {
                    // As on any network: lost if the kernel has no room.
                    let _ = self.socket.send_to(call.last.as_bytes(), call.from);
                    call.resend = Some((due + pause, (pause * 2).min(T2), until));
                }
                Some(_) | None => (),
            }
        }
    }

    fn say(&self, text: &str, to: SocketAddr) {
        // As on any network: lost if the kernel has no room.
        let _ = self.socket.send_to(text.as_bytes(), to);
    }
}

/// RFC 3261 §17.1.1.1.
pub(crate) const T1: Duration = Duration::from_millis(500);

/// RFC 3261 §17.1.2.1.
pub(crate) const T2: Duration = Duration::from_secs(4);

/// 64 × T1: after that a peer gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(32);

const LOOK: Duration = Duration::from_millis(2);

/// The branch of the top Via.
pub(crate) fn branch(text: &str) -> &str {
    let via = header(text, "Via");
    via.split(';').find_map(|part| part.trim().strip_prefix("branch=")).unwrap_or_default()
}

/// Status and method of a response; `None` for a request.
pub(crate) fn status(text: &str) -> Option<(u16, String)> {
    let short = Message { sent: false, at: Duration::ZERO, text: text.to_owned() }.short();
    let (status, method) = short.strip_prefix("< ")?.split_once(' ')?;
    Some((status.parse().ok()?, method.to_owned()))
}

fn response(request: &str, at: SocketAddr, status: &str, tag: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
        for value in headers(request, name) {
            text = format!("{text}{name}: {value}");
            if name == "To" && !tag.is_empty() && !value.contains(";tag=") {
                text = format!("{text};tag={tag}");
            }
            text.push_str("\r\n");
        }
    }
    format!("{text}Contact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n")
}
