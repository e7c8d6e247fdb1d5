//! Opening hours: when is a business open, by its own clock on the wall.

/// The offsets of a time zone from UTC, as a list of changes: made by the edge from the zone database, since
/// nothing in here reads files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The IANA name, for people.
    pub name: String,
    /// From this second since 1970 (UTC) on, local time is UTC plus so many seconds. Sorted; the first entry also
    /// holds before it; empty means UTC.
    pub offsets: Vec<(i64, i32)>,
}

/// When a plan is open: weekly windows in the plan's zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// The windows; open is the union of them. None at all: never open.
    pub windows: Vec<Window>,
}

/// One weekly window. `from` is in, `to` is out; a window with `to` at or before `from` runs over midnight into the
/// next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days it begins on: bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// Minute of the day it begins at, 0 to 1439.
    pub from: u16,
    /// Minute of the day it ends at, 0 to 1440.
    pub to: u16,
}
