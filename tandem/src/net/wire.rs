//! One connection of SIP messages, and the task that owns it.

mod web;

use super::connections::{End, News};
use super::stream::{Stream, WRITE_PATIENCE};
use crate::clock::Clock;
use crate::tls::Dialling;
use core::future::poll_fn;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use router::Flow;
use sip::frame::{Frame, Framer};
use sip::{Bytes, Message, Time, Via};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tokio::io::{AsyncRead as _, AsyncReadExt, AsyncWrite as _, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// What the loop asks of a connection.
#[derive(Clone, Debug)]
pub enum Order {
    /// Send this.
    Send(Bytes),
    /// Nothing new will be sent: end when it has been quiet for long.
    Retire,
}

/// One connection, before it has its stream.
#[derive(Debug)]
pub struct Wire {
    flow: Flow,
    clock: Clock,
    news: mpsc::Sender<News>,
    queue: mpsc::Receiver<Order>,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The other side closed or reset it, or we did after a long silence or a stream that makes no sense.
    Closed,
    /// The other side takes nothing, or does not answer.
    Silent,
}

impl Wire {
    /// A connection whose messages come from `queue`; what comes in is told to `news`.
    #[must_use]
    pub fn new(flow: Flow, clock: Clock, news: mpsc::Sender<News>, queue: mpsc::Receiver<Order>) -> Self {
        Self { flow, clock, news, queue }
    }

    /// Serves a connection that was accepted, to its end.
    pub async fn inbound(self, stream: TcpStream, with: Option<Arc<ServerConfig>>) {
        match Stream::accept(stream, with).await {
            Ok(stream) if self.flow.path.transport.is_web() => web::serve(self, stream).await,
            Ok(stream) => {
                let known = Known::Stranger(self.clock.now());
                Talk::new(self, stream, known, KeepAlive::Theirs).serve().await;
            }
            Err(error) => {
                tracing::debug!(remote = %self.flow.path.remote, "no handshake: {error}");
                self.end(End::Closed).await;
            }
        }
    }

    /// Opens a connection and serves it to its end. With `keep` it is kept alive.
    pub async fn outbound(self, from: SocketAddr, with: Option<Dialling>, keep: bool) {
        match Stream::connect(from, self.flow.path.remote, with).await {
            Ok(stream) => {
                self.tell(News::Opened { connection: self.flow.connection }).await;
                let keep_alive = if keep {
                    KeepAlive::Ours { ping_at: self.clock.now() + PING_EVERY, pong_by: None, pongs: false }
                } else {
                    KeepAlive::Theirs
                };
                Talk::new(self, stream, Known::Peer, keep_alive).serve().await;
            }
            Err(error) => self.end(End::NeverOpened(error.to_string())).await,
        }
    }

    async fn end(&self, end: End) {
        self.tell(News::Closed { connection: self.flow.connection, end }).await;
    }

    async fn tell(&self, news: News) {
        // The loop is gone only when the process ends.
        let _ = self.news.send(news).await;
    }
}

/// Has the other side shown that it speaks SIP?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// We called it, or a whole message came.
    Peer,
    /// Neither, since it came.
    Stranger(Time),
}

/// Who keeps the connection alive (RFC 5626 §4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeepAlive {
    /// The other side, if anybody: it opened it, or the plan has nobody there.
    Theirs,
    /// We do. Many peers answer no ping; one that has answered once is dead when it stops.
    Ours { ping_at: Time, pong_by: Option<Time>, pongs: bool },
}

/// A connection with its stream.
struct Talk {
    wire: Wire,
    stream: Stream,
    framer: Framer,
    known: Known,
    keep_alive: KeepAlive,
    /// The certificate of the other side, until its first message has been looked at.
    shown: Option<CertificateDer<'static>>,
    /// When something came or went last.
    active: Time,
    /// Since when a part of a message is there.
    partial: Option<Time>,
    /// What is being written.
    writing: Option<Writing>,
    /// A ping waits for its answer.
    pinged: bool,
}

/// What is being written, how much of it is, and since when. It is written when the kernel has all of it.
struct Writing {
    bytes: Bytes,
    written: usize,
    since: Time,
}

/// What happened to the stream.
enum Moved {
    /// All of `writing` is on its way.
    Written,
    /// So many bytes came; none is the end.
    Read(usize),
    Failed(io::Error),
}

impl Talk {
    fn new(wire: Wire, stream: Stream, known: Known, keep_alive: KeepAlive) -> Self {
        let (active, shown) = (wire.clock.now(), stream.certificate());
        let (framer, partial, writing) = (Framer::new(), None, None);
        Self { wire, stream, framer, known, keep_alive, shown, active, partial, writing, pinged: false }
    }

    async fn serve(mut self) {
        let over = self.talk().await;
        self.wire.queue.close();
        self.wire
            .end(match over {
                Over::Closed => End::Closed,
                Over::Silent => End::Silent,
            })
            .await;
    }

    async fn talk(&mut self) -> Over {
        loop {
            let until = self.deadline();
            tokio::select! {
                next = self.wire.queue.recv(), if self.writing.is_none() => match next {
                    Some(Order::Send(bytes)) => self.write(bytes),
                    Some(Order::Retire) => self.keep_alive = KeepAlive::Theirs,
                    None => return Over::Closed,
                },
                moved = poll_fn(|cx| moved(&mut self.stream, &mut self.writing, &mut self.framer, cx)) => {
                    match moved {
                        Moved::Written => self.on_written(),
                        Moved::Read(0) => return Over::Closed,
                        Moved::Read(_) => if let Some(over) = self.on_read().await {
                            return over;
                        },
                        Moved::Failed(error) if is_silence(&error) => return Over::Silent,
                        Moved::Failed(_) => return Over::Closed,
                    }
                }
                () = self.wire.clock.until(Some(until)) => if let Some(over) = self.on_due() {
                    return over;
                },
            }
        }
    }

    fn deadline(&self) -> Time {
        let partial = self.partial.map(|since| since + PARTIAL_MAX);
        let writing = self.writing.as_ref().map(|writing| writing.since + WRITE_PATIENCE);
        let (ping, pong) = match self.keep_alive {
            KeepAlive::Theirs => (None, None),
            KeepAlive::Ours { ping_at, pong_by, .. } => (Some(ping_at), pong_by),
        };
        [partial, writing, ping, pong].into_iter().flatten().fold(self.idle_until(), Time::min)
    }

    fn idle_until(&self) -> Time {
        match self.known {
            Known::Peer => self.active + IDLE_MAX,
            Known::Stranger(since) => since + PARTIAL_MAX,
        }
    }

    /// A deadline has come.
    fn on_due(&mut self) -> Option<Over> {
        let now = self.wire.clock.now();
        let over = |since: Option<Time>, patience| since.is_some_and(|since| since + patience <= now);
        if over(self.writing.as_ref().map(|writing| writing.since), WRITE_PATIENCE) {
            return Some(Over::Silent);
        }
        if over(self.partial, PARTIAL_MAX) || self.idle_until() <= now {
            return Some(if self.writing.is_none() { Over::Closed } else { Over::Silent });
        }
        let KeepAlive::Ours { ping_at, pong_by, pongs } = &mut self.keep_alive else { return None };
        if pong_by.is_some_and(|by| by <= now) {
            return Some(Over::Silent);
        }
        if *ping_at <= now {
            *ping_at = now + PING_EVERY;
            *pong_by = pongs.then_some(now + PONG_PATIENCE);
            if self.writing.is_none() {
                self.write(Bytes::from(PING));
            }
        }
        None
    }

    fn write(&mut self, bytes: Bytes) {
        self.writing = Some(Writing { bytes, written: 0, since: self.wire.clock.now() });
    }

    fn on_written(&mut self) {
        let was_ping = self.writing.take().is_some_and(|writing| *writing.bytes == *PING);
        if !was_ping {
            self.active = self.wire.clock.now();
        }
        if core::mem::take(&mut self.pinged) {
            self.write(Bytes::from(PONG));
        }
    }

    /// Tells of each whole message that has come.
    async fn on_read(&mut self) -> Option<Over> {
        self.active = self.wire.clock.now();
        if let KeepAlive::Ours { pong_by, .. } = &mut self.keep_alive {
            *pong_by = None;
        }
        loop {
            match self.framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    self.known = Known::Peer;
                    self.partial = None;
                    self.look_for_alias(&bytes).await;
                    let news = News::Message { flow: self.wire.flow, bytes };
                    if self.wire.news.send(news).await.is_err() {
                        return Some(Over::Closed);
                    }
                }
                Ok(Some(Frame::Ping)) => self.pong(),
                Ok(Some(Frame::Pong)) => {
                    if let KeepAlive::Ours { pongs, .. } = &mut self.keep_alive {
                        *pongs = true;
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    self.refuse().await;
                    return Some(Over::Closed);
                }
            }
        }
        if self.framer.rest().is_empty() {
            // A quiet connection keeps no memory for what may come.
            self.framer = Framer::new();
            self.partial = None;
        } else {
            self.partial.get_or_insert(self.active);
        }
        None
    }

    /// Whoever has shown a certificate may ask in its first request that ours come along its connection.
    async fn look_for_alias(&mut self, bytes: &Bytes) {
        let Some(certificate) = self.shown.take().filter(|_| matches!(self.keep_alive, KeepAlive::Theirs))
        else {
            return;
        };
        let asked = Message::parse(Arc::clone(bytes)).ok().filter(Message::is_request).and_then(|request| {
            let via = Via::parse(request.at(request.elements(sip::Name::Via).next()?))?;
            via.params.get("alias")?;
            Some(via.port.unwrap_or(self.wire.flow.path.transport.default_port()))
        });
        if let Some(port) = asked {
            let connection = self.wire.flow.connection;
            self.wire.tell(News::Alias { connection, port, certificate }).await;
        }
    }

    /// Answers a ping (RFC 5626 §4.4.1); pings that come while one waits share its answer.
    fn pong(&mut self) {
        match self.writing {
            Some(_) => self.pinged = true,
            None => self.write(Bytes::from(PONG)),
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
        let unsent = rest.as_ref().and_then(|rest| rest.bytes.get(rest.written..)).unwrap_or_default();
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
        self.stream.flush().await?;
        loop {
            let mut discarded = [0; DISCARD];
            tokio::select! {
                next = self.wire.queue.recv() => match next {
                    Some(Order::Send(bytes)) => {
                        self.stream.write_all(&bytes).await?;
                        self.stream.flush().await?;
                    }
                    Some(Order::Retire) => {}
                    None => return Ok(()),
                },
                length = self.stream.read(&mut discarded) => if length? == 0 {
                    return Ok(());
                },
            }
        }
    }
}

/// Writes what the kernel takes now, else reads what is there.
fn moved(
    stream: &mut Stream,
    writing: &mut Option<Writing>,
    framer: &mut Framer,
    cx: &mut Context<'_>,
) -> Poll<Moved> {
    if let Some(Writing { bytes, written, .. }) = writing {
        loop {
            let left = bytes.get(*written..).unwrap_or_default();
            let wrote = if left.is_empty() {
                Pin::new(&mut *stream).poll_flush(cx).map_ok(|()| 0)
            } else {
                Pin::new(&mut *stream).poll_write(cx, left)
            };
            match wrote {
                Poll::Ready(Ok(_)) if left.is_empty() => return Poll::Ready(Moved::Written),
                Poll::Ready(Ok(0)) => return Poll::Ready(Moved::Failed(ErrorKind::WriteZero.into())),
                Poll::Ready(Err(error)) => return Poll::Ready(Moved::Failed(error)),
                Poll::Ready(Ok(more)) => *written += more,
                Poll::Pending => break,
            }
        }
    }
    let mut chunk = [0; CHUNK];
    let mut chunk = ReadBuf::new(&mut chunk);
    Pin::new(stream).poll_read(cx, &mut chunk).map(|read| match read {
        Ok(()) => {
            framer.push(chunk.filled());
            Moved::Read(chunk.filled().len())
        }
        Err(error) => Moved::Failed(error),
    })
}

/// Does this error say that the other side no longer acknowledges, as opposed to that it closed?
fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)
}

const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";
const PING_EVERY: Duration = Duration::from_secs(30); // Home routers forget a quiet connection after some minutes.
const PONG_PATIENCE: Duration = Duration::from_secs(10); // RFC 5626 §4.4.1.
const CHUNK: usize = 8 * 1024; // Two or three messages.
const PARTIAL_MAX: Duration = Duration::from_secs(30); // 64 KiB at the slowest modem's pace.
const IDLE_MAX: Duration = Duration::from_mins(15); // Keep-alives come every two minutes at the least (RFC 5626 §4.4.1).
const DISCARD: usize = 512; // Held by the task while it waits.
const LAST_WORDS: Duration = Duration::from_secs(1); // A refusal, a 100 and what else the node says at once.
