//! Telling another system of a message: a POST of JSON, signed with a secret that both know.

use super::verdict::{Setting, Verdict};
use crate::messages::manifest::Manifest;
use core::time::Duration;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use ring::hmac;
use serde_json::json;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// What is told, as the bytes that are signed.
#[must_use]
pub fn body(manifest: &Manifest, business: &str) -> Vec<u8> {
    let Manifest { id, mailbox, number, caller, name, node, call_id, .. } = manifest;
    let told = json!({
        "event": "message",
        "id": id,
        "business": business,
        "mailbox": mailbox,
        "number": number,
        "caller": caller,
        "name": name,
        "why": manifest.why,
        "sentence": manifest.why.sentence(),
        "at": manifest.at.to_string(),
        "seconds": manifest.millis.div_ceil(1_000),
        "urgent": manifest.urgent,
        "whole": manifest.whole,
        "end": manifest.end,
        "sealed": manifest.sealed,
        "call_id": call_id,
        "node": node,
    });
    told.to_string().into_bytes()
}

/// `t=…,v1=…`: the time in seconds since 1970, and the HMAC-SHA256 of that time, a full stop and the body, in hexadecimal digits.
#[must_use]
pub fn signature(secret: &str, unix: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut signed = hmac::Context::with_key(&key);
    signed.update(format!("{unix}.").as_bytes());
    signed.update(body);
    let digits: String = signed.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={unix},v1={digits}")
}

/// What one POST needs.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where.
    pub url: Arc<str>,
    /// What makes two tries one: the name of the message.
    pub key: String,
    /// The signature of the body.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Tells it. Who answers with 410 wants no more; whatever else is no success is tried again, since a system that is being mended
/// says all kinds of things. No redirection is followed: the plan says where messages go.
pub async fn post(post: Post, tls: Arc<ClientConfig>, patience: Duration) -> Verdict {
    let later = |why: String| Verdict::Later(super::words::clean(&why), Some(Setting::Webhook));
    match timeout(patience, exchange(post, tls)).await {
        Ok(Ok((status, words))) => {
            let answer = super::words::clean(&format!("{status} {words}"));
            match status {
                _ if status.is_success() => Verdict::Sent(answer),
                StatusCode::GONE => Verdict::Dead(answer),
                _ => later(answer),
            }
        }
        Ok(Err(error)) => later(error.to_string()),
        Err(_) => later(format!("no answer in {} s", patience.as_secs())),
    }
}

type Fault = Box<dyn core::error::Error + Send + Sync>;

async fn exchange(post: Post, tls: Arc<ClientConfig>) -> Result<(StatusCode, String), Fault> {
    let uri: Uri = post.url.parse()?;
    let (stream, bare, secure) = connect(&uri).await?;
    let host = uri.host().unwrap_or_default().to_owned();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(HOST, uri.authority().map_or(host.as_str(), |authority| authority.as_str()))
        .header(USER_AGENT, concat!("tandem/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("idempotency-key", post.key)
        .header("tandem-signature", post.signature)
        .body(Full::new(Bytes::from(post.body)))?;
    if secure {
        let name = ServerName::try_from(bare)?;
        speak(TlsConnector::from(tls).connect(name, stream).await?, request).await
    } else {
        speak(stream, request).await
    }
}

/// A connection to the host of a URL, its name, and whether it is to be secured.
async fn connect(uri: &Uri) -> Result<(TcpStream, String, bool), Fault> {
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let bare = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((bare.as_str(), port)).await?;
    Ok((stream, bare, secure))
}

/// Goes as far as a POST would before anything is said: the connection, and TLS.
///
/// # Errors
/// Why it got no further.
pub async fn reach(url: &str, tls: Arc<ClientConfig>, patience: Duration) -> Result<(), String> {
    let going = async {
        let (stream, bare, secure) = connect(&url.parse()?).await?;
        if secure {
            TlsConnector::from(tls).connect(ServerName::try_from(bare)?, stream).await?;
        }
        Ok::<(), Fault>(())
    };
    match timeout(patience, going).await {
        Ok(gone) => gone.map_err(|error| super::words::clean(&error.to_string())),
        Err(_) => Err(format!("no answer in {} s", patience.as_secs())),
    }
}

async fn speak<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(StatusCode, String), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let told = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        // Some words of an answer help whoever looks; that they are many, or broken off, changes nothing.
        let words = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        let words =
            words.map(|all| String::from_utf8_lossy(&all.to_bytes()).into_owned()).unwrap_or_default();
        Ok((status, words))
    };
    tokio::pin!(told);
    tokio::select! {
        answer = &mut told => answer,
        ended = connection => {
            ended?;
            told.await
        }
    }
}

const ANSWER_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::manifest::tests::manifest;

    #[test]
    fn the_signature_is_what_others_compute_from_the_body_and_the_time() {
        // printf '1795762860.{"event":"message"}' | openssl dgst -sha256 -hmac whsec
        let signed = signature("whsec", 1_795_762_860, b"{\"event\":\"message\"}");
        assert_eq!(
            signed,
            "t=1795762860,v1=fa8586677368289758c8caa5a5f31a928bef5dcf2f34a0b365f64586aaabc6b1"
        );
        assert_ne!(signed, signature("other", 1_795_762_860, b"{\"event\":\"message\"}"));
    }

    #[test]
    fn what_is_told_is_what_a_mail_says() {
        let told: serde_json::Value = serde_json::from_slice(&body(&manifest(1), "Nguyen Dental")).unwrap();
        let expected = json!({
            "event": "message", "id": "1ngjanc0w3ge1r70w3ge1r7", "business": "Nguyen Dental", "mailbox": "inbox",
            "number": "+15035550100", "caller": "+15035550999", "name": "Lopez, Maria", "why": "no-answer",
            "sentence": "Nobody answered the call.", "at": "2026-11-27T07:01:00Z", "seconds": 12, "urgent": false,
            "whole": true, "end": "hung-up", "sealed": false, "call_id": "abc@example", "node": "pdx-1",
        });
        assert_eq!(told, expected);
    }
}
