//! A ladder: who stands where, and what went between them, for a terminal of 100 columns.

use core::time::Duration;

/// The columns; at most [`COLUMNS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ladder {
    /// Who stands there, the caller first and Tandem second.
    pub(crate) names: Vec<String>,
}

impl Ladder {
    /// The line of the names.
    pub(crate) fn head(&self) -> String {
        let mut line = blank();
        for (place, name) in self.names.iter().enumerate() {
            let name = cut(name, PITCH - 1);
            put(&mut line, (x(place) + 1).saturating_sub(name.chars().count().div_ceil(2)), &name);
        }
        finish(&line)
    }

    /// One message, and everybody who passed it on at once.
    pub(crate) fn message(&self, after: Duration, hops: &[(usize, usize)], label: &str) -> String {
        let mut line = self.rungs(after);
        let label = cut(label, PITCH - 4);
        for (from, to) in hops {
            let (left, right) = (x(*from.min(to)), x(*from.max(to)));
            put(&mut line, left + 1, &"─".repeat(right.saturating_sub(left + 1)));
            if from < to {
                put(&mut line, left + 3, &label);
                put(&mut line, right.saturating_sub(1), "▶");
            } else {
                put(&mut line, left + 1, &format!("◀─{label}"));
            }
        }
        finish(&line)
    }

    /// What happened without a message.
    pub(crate) fn remark(&self, after: Duration, text: &str) -> String {
        let mut line = self.rungs(after);
        put(&mut line, x(1) + 2, &format!("{text} "));
        finish(&line)
    }

    fn rungs(&self, after: Duration) -> Vec<char> {
        let mut line = blank();
        (0..self.names.len()).for_each(|place| put(&mut line, x(place), "│"));
        put(&mut line, 0, &format!("{:>3}.{:03}", after.as_secs(), after.subsec_millis()));
        line
    }
}

fn blank() -> Vec<char> {
    vec![' '; WIDTH]
}

/// Where the nth column stands.
const fn x(place: usize) -> usize {
    MARGIN + place * PITCH
}

/// Writes over what is there; what does not fit is cut off.
fn put(line: &mut [char], at: usize, text: &str) {
    for (cell, letter) in line.iter_mut().skip(at).zip(text.chars()) {
        *cell = letter;
    }
}

/// At most so many letters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn finish(line: &[char]) -> String {
    line.iter().collect::<String>().trim_end().to_owned()
}

const WIDTH: usize = 98;
const MARGIN: usize = 12;
const PITCH: usize = 15;

/// As many as a terminal holds.
pub(crate) const COLUMNS_MAX: usize = (WIDTH - MARGIN) / PITCH + 1;
