//! One TCP connection and the task that owns it.

use super::tcp::News;
use crate::clock::Clock;
use core::net::SocketAddr;
use core::time::Duration;
use router::Flow;
use sip::frame::{Frame, Framer};
use sip::{Bytes, Message, Time};
use socket2::SockRef;
use std::io::{self, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// One connection, before it has its stream.
#[derive(Debug)]
pub struct Wire {
    flow: Flow,
    clock: Clock,
    news: mpsc::Sender<News>,
    queue: mpsc::Receiver<Bytes>,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The other side closed it, or we did after a long silence or a stream that makes no sense.
    Peace,
    /// Refused, reset, timed out.
    Broken,
}

impl Wire {
    /// A connection whose messages come from `queue`; what comes in is told to `news`.
    #[must_use]
    pub fn new(flow: Flow, clock: Clock, news: mpsc::Sender<News>, queue: mpsc::Receiver<Bytes>) -> Self {
        Self { flow, clock, news, queue }
    }

    /// Serves a connection that was accepted, to its end.
    pub async fn inbound(self, stream: TcpStream) {
        let known = Known::Stranger(self.clock.now());
        Talk::new(self, stream, known).serve().await;
    }

    /// Opens a connection and serves it to its end.
    pub async fn outbound(self, from: SocketAddr) {
        let opening = connect(from, self.flow.path.remote);
        match tokio::time::timeout(CONNECT_PATIENCE, opening).await {
            Ok(Ok(stream)) => Talk::new(self, stream, Known::Peer).serve().await,
            Ok(Err(_)) | Err(_) => {
                let connection = self.flow.connection;
                // The loop is gone only when the process ends.
                let _ = self.news.send(News::Closed { connection, lost: true }).await;
            }
        }
    }
}

/// Is this an error of the connection that was to be accepted, and of no other?
#[must_use]
pub fn is_peers_fault(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

async fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !from.ip().is_unspecified() && from.is_ipv4() == to.is_ipv4() {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    socket.connect(to).await
}

/// Has the other side shown that it speaks SIP?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// We called it, or a whole message came.
    Peer,
    /// Neither, since it came.
    Stranger(Time),
}

/// A connection with its stream.
struct Talk {
    wire: Wire,
    stream: TcpStream,
    framer: Framer,
    known: Known,
    /// When something came or went last.
    active: Time,
    /// Since when a part of a message is there.
    partial: Option<Time>,
    /// What is being written, how much of it is, and since when.
    writing: Option<(Bytes, usize, Time)>,
    /// A ping waits for its answer.
    pinged: bool,
}

impl Talk {
    fn new(wire: Wire, stream: TcpStream, known: Known) -> Self {
        let socket = SockRef::from(&stream);
        // Both only make waiting shorter: a connection without them works.
        let _ = socket.set_tcp_nodelay(true);
        let _ = socket.set_tcp_user_timeout(Some(WRITE_PATIENCE));
        let active = wire.clock.now();
        let framer = Framer::new();
        Self { wire, stream, framer, known, active, partial: None, writing: None, pinged: false }
    }

    async fn serve(mut self) {
        let over = self.talk().await;
        self.wire.queue.close();
        let unsent = self.writing.is_some() || self.wire.queue.try_recv().is_ok();
        let lost = over == Over::Broken || unsent;
        let news = News::Closed { connection: self.wire.flow.connection, lost };
        // The loop is gone only when the process ends.
        let _ = self.wire.news.send(news).await;
    }

    async fn talk(&mut self) -> Over {
        loop {
            let until = self.deadline();
            let quiet = self.writing.is_none();
            tokio::select! {
                next = self.wire.queue.recv(), if quiet => match next {
                    Some(bytes) => self.writing = Some((bytes, 0, self.wire.clock.now())),
                    None => return Over::Peace,
                },
                ready = self.stream.writable(), if !quiet => {
                    if ready.and_then(|()| self.write()).is_err() {
                        return Over::Broken;
                    }
                }
                ready = self.stream.readable() => {
                    if ready.is_err() {
                        return Over::Broken;
                    }
                    if let Some(over) = self.read().await {
                        return over;
                    }
                }
                () = self.wire.clock.until(Some(until)) => {
                    return if quiet { Over::Peace } else { Over::Broken };
                }
            }
        }
    }

    fn deadline(&self) -> Time {
        let idle = match self.known {
            Known::Peer => self.active + IDLE_MAX,
            Known::Stranger(since) => since + PARTIAL_MAX,
        };
        let partial = self.partial.map(|since| since + PARTIAL_MAX);
        let writing = self.writing.as_ref().map(|(_, _, since)| *since + WRITE_PATIENCE);
        [partial, writing].into_iter().flatten().fold(idle, Time::min)
    }

    /// Writes what the kernel takes now.
    fn write(&mut self) -> io::Result<()> {
        let Some((bytes, written, _)) = &mut self.writing else { return Ok(()) };
        match self.stream.try_write(bytes.get(*written..).unwrap_or_default()) {
            Ok(more) => *written += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        if *written >= bytes.len() {
            self.active = self.wire.clock.now();
            let pong = core::mem::take(&mut self.pinged).then(|| (Bytes::from(&b"\r\n"[..]), 0, self.active));
            self.writing = pong;
        }
        Ok(())
    }

    /// Reads what is there and tells of each whole message.
    async fn read(&mut self) -> Option<Over> {
        match self.fill() {
            Ok(0) => return Some(Over::Peace),
            Ok(_) => self.active = self.wire.clock.now(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(_) => return Some(Over::Broken),
        }
        loop {
            match self.framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    self.known = Known::Peer;
                    self.partial = None;
                    let news = News::Message { flow: self.wire.flow, bytes };
                    if self.wire.news.send(news).await.is_err() {
                        return Some(Over::Peace);
                    }
                }
                Ok(Some(Frame::Ping)) => self.pong(),
                Ok(Some(Frame::Pong)) => (),
                Ok(None) => break,
                Err(_) => {
                    self.refuse().await;
                    return Some(Over::Peace);
                }
            }
        }
        let since = self.partial.unwrap_or(self.active);
        self.partial = (!self.framer.rest().is_empty()).then_some(since);
        None
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0; CHUNK];
        let length = self.stream.try_read(&mut chunk)?;
        self.framer.push(chunk.get(..length).unwrap_or_default());
        Ok(length)
    }

    /// Answers a ping (RFC 5626 §4.4.1); pings that come while one waits share its answer.
    fn pong(&mut self) {
        match self.writing {
            Some(_) => self.pinged = true,
            None => self.writing = Some((Bytes::from(&b"\r\n"[..]), 0, self.active)),
        }
    }

    /// Answers a request of which only the headers make sense, and sees that answer off with those to the messages
    /// before it.
    async fn refuse(&mut self) {
        let refusal = self.refusal();
        if refusal.is_none() && matches!(self.known, Known::Stranger(_)) {
            return;
        }
        let rest = self.writing.take();
        let unsent = rest.as_ref().and_then(|(bytes, written, _)| bytes.get(*written..)).unwrap_or_default();
        let first = [unsent, refusal.as_deref().unwrap_or_default()].concat();
        // It is closed after that in any case.
        let _ = tokio::time::timeout(LAST_WORDS, self.speak(first)).await;
        let farewell = async {
            self.stream.shutdown().await?;
            // Closing with bytes unread would reset the connection, and the answers with it.
            while self.stream.read(&mut [0; DISCARD]).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(LAST_WORDS, farewell).await;
    }

    /// What is said to a request that cannot be framed; nothing to an ACK, a response or noise.
    fn refusal(&self) -> Option<Bytes> {
        let request = Message::parse(Bytes::from(self.framer.rest())).ok()?;
        let remote = self.wire.flow.path.remote;
        let extra = sip::build::Extra { to_tag: b"framing", lines: b"Connection: close\r\n" };
        let answered = request.is_request() && request.method() != sip::Method::Ack;
        answered.then(|| sip::build::response(&request, remote, 400, "Message Length Unclear", extra))
    }

    /// Writes this, and then what the queue brings. What comes in is thrown away: nobody knows where a message begins.
    async fn speak(&mut self, first: Vec<u8>) -> io::Result<()> {
        self.stream.write_all(&first).await?;
        loop {
            let mut discarded = [0; DISCARD];
            tokio::select! {
                next = self.wire.queue.recv() => match next {
                    Some(bytes) => self.stream.write_all(&bytes).await?,
                    None => return Ok(()),
                },
                length = self.stream.read(&mut discarded) => if length? == 0 {
                    return Ok(());
                },
            }
        }
    }
}

const CHUNK: usize = 8 * 1024; // Two or three messages.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4); // Three SYNs.
const WRITE_PATIENCE: Duration = Duration::from_secs(5); // By then a call has long moved on.
const PARTIAL_MAX: Duration = Duration::from_secs(30); // 64 KiB at the slowest modem's pace.
const IDLE_MAX: Duration = Duration::from_mins(15); // Keep-alives come every two minutes at the least (RFC 5626 §4.4.1).
const DISCARD: usize = 512; // Held by the task while it waits.
const LAST_WORDS: Duration = Duration::from_secs(1); // A refusal, a 100 and what else the node says at once.
