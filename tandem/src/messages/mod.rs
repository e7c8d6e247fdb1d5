//! Messages that callers left: what is kept of them on disk, and for how long.
//!
//! `<data>/messages/<id>/` holds one message: `head.json` from its first moment on, `000.ul`, `001.ul` … as they were heard, five
//! seconds each, `message.json` once it is over, and `heard.json` once somebody has heard it. Whoever dies in between loses the
//! five seconds that were not yet written.

pub mod folder;
pub mod heard;
pub mod id;
pub mod keeper;
pub mod lanes;
pub mod manifest;
pub mod retention;
pub mod room;
pub mod sealing;
pub mod spool;
#[cfg(test)]
pub(crate) mod testing;
