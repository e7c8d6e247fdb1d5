//! A mail server that keeps what it gets and does to each connection what the test says.

use core::time::Duration;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// What the server does with one connection; after the last of them it takes everything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    /// Takes the mail.
    Take,
    /// Answers so at this command, and goes on.
    Say(At, &'static str),
    /// Answers nothing more from this command on.
    Hang(At),
    /// Closes the connection at this command.
    Drop(At),
    /// Takes the mail and closes the connection before it says so.
    TakeAndDrop,
}

/// Where in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Greeting,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
}

/// One mail that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) to: String,
    pub(crate) text: String,
}

/// A server on a port of its own.
pub(crate) struct Sink {
    pub(crate) port: u16,
    pub(crate) kept: Receiver<Kept>,
    /// Every line that was said to it, but for the mails.
    pub(crate) heard: Receiver<String>,
}

impl Sink {
    pub(crate) fn start(script: &[Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::on(listener, script)
    }

    pub(crate) fn on(listener: TcpListener, script: &[Does]) -> Self {
        let port = listener.local_addr().expect("it is bound").port();
        let (sender, kept) = channel();
        let (said, heard) = channel();
        let mut script: VecDeque<Does> = script.iter().copied().collect();
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming().flatten() {
                let does = script.pop_front().unwrap_or(Does::Take);
                let copy = stream.try_clone().expect("a copy");
                let mut talk = Talk { stream, does };
                if let Some(mail) = talk.go(|line| _ = said.send(line)) {
                    let _ = sender.send(mail);
                }
                if matches!(does, Does::Hang(_)) {
                    hanging.push(copy);
                }
            }
        });
        Self { port, kept, heard }
    }

    /// The next mail.
    pub(crate) fn mail(&self) -> Kept {
        self.kept.recv_timeout(Duration::from_secs(30)).expect("a mail comes")
    }

    /// Whether no mail comes for a moment.
    pub(crate) fn is_quiet(&self) -> bool {
        self.kept.recv_timeout(Duration::from_millis(1_500)).is_err()
    }

    /// What was said to it so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.heard.try_iter().collect()
    }
}

struct Talk {
    stream: TcpStream,
    does: Does,
}

impl Talk {
    fn go(&mut self, mut hear: impl FnMut(String)) -> Option<Kept> {
        self.stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let mut lines = BufReader::new(self.stream.try_clone().expect("a copy"));
        let mut to = String::new();
        self.say(At::Greeting, "220 sink.example ESMTP")?;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            hear(line.clone());
            match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => self.write("250-sink.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME")?,
                "AUTH" => self.say(At::Auth, "235 known")?,
                "MAIL" => self.say(At::Mail, "250 fine")?,
                "RCPT" => {
                    to = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                    self.say(At::Rcpt, "250 fine")?;
                }
                "DATA" => {
                    self.say(At::Data, "354 go on")?;
                    let text = body(&mut lines)?;
                    let kept = Kept { to: to.clone(), text };
                    match self.does {
                        Does::TakeAndDrop => return Some(kept),
                        Does::Say(At::Body, _) => self.say(At::Body, "")?,
                        Does::Take | Does::Say(..) | Does::Hang(_) | Does::Drop(_) => {
                            self.say(At::Body, "250 2.0.0 queued as 4711")?;
                            return Some(kept);
                        }
                    }
                }
                "QUIT" => {
                    self.write("221 bye");
                    return None;
                }
                _ => self.write("502 what?")?,
            }
        }
    }

    /// Answers as the script has it; `None` ends the conversation.
    fn say(&mut self, at: At, usual: &str) -> Option<()> {
        match self.does {
            Does::Say(when, words) if when == at => self.write(words),
            Does::Hang(when) | Does::Drop(when) if when == at => None,
            Does::Take | Does::Say(..) | Does::Hang(_) | Does::Drop(_) | Does::TakeAndDrop => {
                self.write(usual)
            }
        }
    }

    fn write(&mut self, line: &str) -> Option<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).ok()
    }
}

fn body(lines: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
