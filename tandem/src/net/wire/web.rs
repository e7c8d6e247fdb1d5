//! A WebSocket of SIP messages (RFC 7118): a message a frame, opened by whoever calls or registers here.

use super::{
    IDLE_MAX, Known, LAST_WORDS, Order, Over, PARTIAL_MAX, PING, PING_EVERY, PONG, PONG_PATIENCE, Wire,
    is_silence,
};
use crate::net::connections::{End, News};
use crate::net::stream::{HANDSHAKE_PATIENCE, Stream, WRITE_PATIENCE};
use futures_util::{SinkExt as _, StreamExt as _};
use sip::{Bytes, Message, Time};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// Serves a stream that was accepted as a WebSocket, to its end.
pub(super) async fn serve(wire: Wire, stream: Stream) {
    let socket = match tokio::time::timeout(HANDSHAKE_PATIENCE, accept(stream)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            tracing::debug!(remote = %wire.flow.path.remote, "no WebSocket: {error}");
            return wire.end(End::Closed).await;
        }
        Err(_) => return wire.end(End::Closed).await,
    };
    let now = wire.clock.now();
    let known = Known::Stranger(now);
    let web =
        Web { wire, socket, known, active: now, ping_at: now + PING_EVERY, pong_by: None, pongs: false };
    web.serve().await;
}

/// A connection with its WebSocket.
struct Web {
    wire: Wire,
    socket: WebSocketStream<Stream>,
    known: Known,
    /// When something came or went last, keep-alives of ours apart.
    active: Time,
    ping_at: Time,
    pong_by: Option<Time>,
    /// It has answered a ping: if it stops to, it is dead.
    pongs: bool,
}

impl Web {
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
            let over = tokio::select! {
                next = self.wire.queue.recv() => match next {
                    Some(Order::Send(bytes)) => self.say(frame(&bytes)).await,
                    // It is its owner's to renew.
                    Some(Order::Retire) => None,
                    None => Some(Over::Closed),
                },
                heard = self.socket.next() => match heard {
                    Some(Ok(heard)) => self.on_heard(heard).await,
                    Some(Err(Error::Capacity(_))) => Some(self.refuse().await),
                    Some(Err(error)) => Some(over(&error)),
                    None => Some(Over::Closed),
                },
                () = self.wire.clock.until(Some(until)) => self.on_due().await,
            };
            if let Some(over) = over {
                return over;
            }
        }
    }

    fn deadline(&self) -> Time {
        [Some(self.ping_at), self.pong_by].into_iter().flatten().fold(self.idle_until(), Time::min)
    }

    fn idle_until(&self) -> Time {
        match self.known {
            Known::Peer => self.active + IDLE_MAX,
            Known::Stranger(since) => since + PARTIAL_MAX,
        }
    }

    /// A deadline has come.
    async fn on_due(&mut self) -> Option<Over> {
        let now = self.wire.clock.now();
        if self.pong_by.is_some_and(|by| by <= now) {
            return Some(Over::Silent);
        }
        if self.idle_until() <= now {
            return Some(Over::Closed);
        }
        if self.ping_at <= now {
            self.ping_at = now + PING_EVERY;
            self.pong_by = self.pongs.then_some(now + PONG_PATIENCE);
            return self.say(tungstenite::Message::Ping(tungstenite::Bytes::new())).await;
        }
        None
    }

    /// A frame has come; pings are answered by the library.
    async fn on_heard(&mut self, heard: tungstenite::Message) -> Option<Over> {
        self.pong_by = None;
        let bytes = match &heard {
            tungstenite::Message::Text(text) => text.as_bytes(),
            tungstenite::Message::Binary(bytes) => bytes,
            tungstenite::Message::Pong(_) => {
                self.pongs = true;
                return None;
            }
            tungstenite::Message::Ping(_)
            | tungstenite::Message::Close(_)
            | tungstenite::Message::Frame(_) => return None,
        };
        self.active = self.wire.clock.now();
        // Some keep alive as over a stream (RFC 5626 §4.4.1).
        if bytes == PING {
            return self.say(frame(PONG)).await;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        self.known = Known::Peer;
        let news = News::Message { flow: self.wire.flow, bytes: Bytes::from(bytes) };
        self.wire.news.send(news).await.is_err().then_some(Over::Closed)
    }

    async fn say(&mut self, message: tungstenite::Message) -> Option<Over> {
        let is_ping = message.is_ping();
        match tokio::time::timeout(WRITE_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => {
                if !is_ping {
                    self.active = self.wire.clock.now();
                }
                None
            }
            Ok(Err(error)) => Some(over(&error)),
            Err(_) => Some(Over::Silent),
        }
    }

    /// Says that a message was too long, and ends.
    async fn refuse(&mut self) -> Over {
        let reason = format!("a message has at most {} bytes", Message::BYTES_MAX);
        let farewell = CloseFrame { code: CloseCode::Size, reason: reason.into() };
        // It is closed after that in any case.
        let _ = tokio::time::timeout(LAST_WORDS, self.socket.close(Some(farewell))).await;
        Over::Closed
    }
}

async fn accept(stream: Stream) -> Result<WebSocketStream<Stream>, Error> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_MAX)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * Message::BYTES_MAX)
        .max_message_size(Some(Message::BYTES_MAX))
        .max_frame_size(Some(Message::BYTES_MAX));
    accept_hdr_async_with_config(stream, speaks_sip, Some(config)).await
}

/// Takes whoever offers the subprotocol `sip` (RFC 7118 §4).
#[expect(clippy::result_large_err, reason = "the library has it so, once a connection")]
fn speaks_sip(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get_all(PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|list| list.split(',')).any(|one| one.trim().eq_ignore_ascii_case("sip")) {
        let mut refusal = ErrorResponse::new(Some("this WebSocket speaks the subprotocol sip\n".to_owned()));
        *refusal.status_mut() = StatusCode::BAD_REQUEST;
        return Err(refusal);
    }
    response.headers_mut().insert(PROTOCOL, HeaderValue::from_static("sip"));
    Ok(response)
}

const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// A frame of this message: text where it is some, for browsers read that more easily (RFC 7118 §5.1).
fn frame(bytes: &[u8]) -> tungstenite::Message {
    match core::str::from_utf8(bytes) {
        Ok(text) => tungstenite::Message::text(text),
        Err(_) => tungstenite::Message::binary(bytes.to_vec()),
    }
}

fn over(error: &Error) -> Over {
    let silent = matches!(error, Error::Io(error) if is_silence(error));
    if silent { Over::Silent } else { Over::Closed }
}

const READ_MAX: usize = 4 * 1024; // Held by each connection, quiet or not.
