//! What all stories share.

use core::time::Duration;

/// Milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A story must tell these lines and no others.
#[track_caller]
pub(crate) fn tells(lines: &[String], expected: &[&str]) {
    assert_eq!(lines, expected, "\nTOLD\n{}\nEND", lines.join("\n"));
}
