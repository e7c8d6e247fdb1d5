//! A web server that answers each request as the test says and tells what came.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) line: String,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) body: String,
}

pub(crate) struct Web {
    pub(crate) port: u16,
    pub(crate) posted: Receiver<Posted>,
}

impl Web {
    /// Answers with these, then with 204. An empty answer closes the connection.
    pub(crate) fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let (sender, posted) = channel();
        std::thread::spawn(move || {
            let mut answers = answers.iter();
            for stream in listener.incoming().flatten() {
                let answer = answers.next().copied().unwrap_or("HTTP/1.1 204 No Content\r\n\r\n");
                if let Some(request) = serve(stream, answer) {
                    let _ = sender.send(request);
                }
            }
        });
        Self { port, posted }
    }

    pub(crate) fn next(&self) -> Posted {
        self.posted.recv_timeout(Duration::from_secs(30)).expect("a request comes")
    }
}

fn serve(mut stream: TcpStream, answer: &str) -> Option<Posted> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    lines.read_line(&mut line).ok()?;
    let mut fields = BTreeMap::new();
    loop {
        let mut field = String::new();
        lines.read_line(&mut field).ok()?;
        let Some((name, value)) = field.trim_end().split_once(": ") else { break };
        fields.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = fields.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    stream.write_all(answer.as_bytes()).ok()?;
    Some(Posted { line: line.trim_end().to_owned(), fields, body: String::from_utf8(body).ok()? })
}
