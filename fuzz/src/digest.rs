//! Any challenge at all: the answer to it is one header line and nothing else.

use sip::digest::{Asked, Asker, Challenge, Credentials};
use sip::{Message, Name};

/// Reads the bytes as the value of a challenge, by a server and by a proxy, and answers it.
pub fn run(bytes: &[u8]) {
    for name in ["WWW-Authenticate", "Proxy-Authenticate"] {
        let response = [b"SIP/2.0 401 Asks\r\n", name.as_bytes(), b": ", bytes, b"\r\n\r\n"].concat();
        let Ok(response) = Message::parse(response.into()) else { continue };
        if let Some(challenge) = Challenge::choose(&response, None) {
            // A challenge that guesses the password gets to read it in its own words.
            let guesses = bytes.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
            answer(&challenge, guesses);
            let realm = challenge.realm();
            let again = Challenge::choose(&response, Some(&realm));
            assert!(again.is_none_or(|again| again.is_of(&challenge)), "another realm was chosen");
        }
    }
}

const PASSWORD: &str = "word";

fn answer(challenge: &Challenge, guesses: bool) {
    let asked = Asked { method: b"INVITE", uri: b"sip:a@b", body: b"v=0\r\n" };
    let mut line = Vec::new();
    challenge.push_answer(&mut line, &Credentials { user: "user", password: PASSWORD }, asked, (1, 7));
    let text = line.strip_suffix(b"\r\n").unwrap_or_default();
    assert!(!text.is_empty(), "a line without an end");
    assert!(!text.iter().any(u8::is_ascii_control), "a line within the line");
    let request = [b"INVITE sip:a@b SIP/2.0\r\n", &line[..], b"X: y\r\n\r\n"].concat();
    let Ok(request) = Message::parse(request.into()) else { unreachable!("no request with one more line") };
    let name = match challenge.by {
        Asker::Server => Name::Authorization,
        Asker::Proxy => Name::ProxyAuthorization,
    };
    assert_eq!(request.fields().len(), 2, "another header line");
    assert!(request.has(name), "not the header that answers it");
    let value = request.value(name).unwrap_or_default();
    let quotes = |value: &[u8]| value.iter().filter(|byte| **byte == b'"').count();
    assert!(quotes(value) >= 10, "quotes are missing");
    let says = value.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
    assert!(guesses || !says, "the password is said aloud");
}
