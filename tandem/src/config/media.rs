//! What mailboxes, announcements and calls that people press 1 for take of the machine: ports, and how much of the disk they leave.

use crate::codes::Code;
use crate::config::reader::{Problems, Value, quoted, shown, text};
use crate::config::settings::{DISK_FLOOR, RTP_PORTS};
use crate::diagnostic::Diagnostic;
use core::ops::RangeInclusive;

/// `rtp_ports = "16384..32767"`.
pub(super) fn ports(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<RangeInclusive<u16>> {
    let written = text("rtp_ports", "a range such as \"16384..32767\"", value, problems)?;
    let two = |between: &str| {
        let (first, last) = written.split_once(between)?;
        Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
    };
    let Some((first, last)) = two("..") else {
        let title = format!("`{}` is no range of ports", shown(written));
        let problem =
            Diagnostic::new(Code::E019, title).at(value.span(), "two numbers with `..` between them");
        problems.add(match two("-").or_else(|| two(":")) {
            Some((first, last)) => problem.fix("write", value.span(), quoted(&format!("{first}..{last}"))),
            None => problem.help("write `16384..32767`"),
        });
        return None;
    };
    let (min, least) = (RTP_PORTS.min, RTP_PORTS.least);
    // Each side of a call has an even port and the next one.
    if first >= min && u32::from(last) + 1 >= u32::from(first).next_multiple_of(2) + u32::from(least) {
        return Some(first..=last);
    }
    let title =
        format!("`rtp_ports` is {first} to {last}: it may begin at {min}, and has {least} ports at least");
    let problem = Diagnostic::new(Code::E013, title).at(value.span(), "");
    let default = &RTP_PORTS.default;
    let help = format!("the default is {}..{}: {}", default.start(), default.end(), RTP_PORTS.why);
    problems.add(problem.help(help));
    None
}

/// `disk_floor = "256 MiB"`, in bytes.
pub(super) fn floor(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<u64> {
    let written = text("disk_floor", "a size such as \"256 MiB\"", value, problems)?;
    let digits = written.len() - written.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = written.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| unit.trim().eq_ignore_ascii_case(name)).map(|(_, bytes)| bytes);
    let (Some(unit), Ok(number)) = (unit, number.parse::<u64>()) else {
        let title = format!("`{}` is no size", shown(written));
        let problem = Diagnostic::new(Code::E019, title).at(value.span(), "a number with its unit");
        problems.add(problem.help("write `256 MiB` or `2 GiB`"));
        return None;
    };
    let (min, max) = (DISK_FLOOR.min, DISK_FLOOR.max);
    let bytes = number.checked_mul(*unit).filter(|bytes| (min << 20..=max << 20).contains(bytes));
    if bytes.is_none() {
        let title = format!("`disk_floor` is {}: it may be {min} MiB to {max} MiB", shown(written));
        let problem = Diagnostic::new(Code::E013, title).at(value.span(), "");
        problems.add(problem.help(format!("the default is {} MiB: {}", DISK_FLOOR.default, DISK_FLOOR.why)));
    }
    bytes
}

/// Sizes as they are written, in bytes.
const UNITS: [(&str, u64); 4] =
    [("MiB", 1 << 20), ("GiB", 1 << 30), ("MB", 1_000_000), ("GB", 1_000_000_000)];
