//! What the demo prints: titles, ladders, verdicts, and the table at the end.

use super::story::Played;
use crate::diagnostic::Colour;
use std::io::{self, Write};

/// Where the demo is shown.
#[derive(Debug)]
pub(super) struct Stage {
    out: io::Stdout,
    colour: Colour,
}

impl Stage {
    /// Standard output.
    pub(super) fn new(colour: Colour) -> Self {
        Self { out: io::stdout(), colour }
    }

    /// A plain line.
    pub(super) fn say(&mut self, text: &str) {
        // A reader who has gone away is no problem: the exit status tells the rest.
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }

    /// The head of a call.
    pub(super) fn title(&mut self, text: &str) {
        let title = self.paint(BOLD, text);
        self.say(&format!("\n{title}"));
    }

    /// A line of a ladder.
    pub(super) fn draw(&mut self, line: &str) {
        let line = if line.contains('✗') { self.paint(RED, line) } else { line.to_owned() };
        self.say(&line);
    }

    /// How a call went.
    pub(super) fn verdict(&mut self, fine: bool, text: &str) {
        let mark = self.mark(fine);
        self.say(&format!("{mark} {}", text.trim_end()));
    }

    /// The table of all calls, and what it comes to.
    pub(super) fn summary(&mut self, played: &[Played]) {
        self.title("   What was broken                      answered by              as the plan says");
        for (nth, call) in played.iter().enumerate() {
            let mark = self.mark(call.fine);
            self.say(&format!(
                "{}  {:<37}{:<25}{:<34}{mark}",
                nth + 1,
                call.broken,
                call.answer,
                call.wanted
            ));
        }
        let wrong: Vec<String> =
            (1..).zip(played).filter(|(_, call)| !call.fine).map(|(nth, _)| nth.to_string()).collect();
        let right = played.len() - wrong.len();
        self.say(&format!("{right} of {} calls were answered where the plan says, in time.", played.len()));
        if !wrong.is_empty() {
            self.say(&format!("Not so: call {}.", wrong.join(", ")));
        }
    }

    fn mark(&self, fine: bool) -> String {
        if fine { self.paint(GREEN, "✓") } else { self.paint(RED, "✗") }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        match self.colour {
            Colour::On => format!("\x1b[{style}m{text}\x1b[0m"),
            Colour::Off => text.to_owned(),
        }
    }
}

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
