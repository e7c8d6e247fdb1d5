//! The command line: one module a verb, each a plain function that makes the text to print.

pub mod ask;
pub mod calls;
pub mod check;
pub mod diff;
pub mod fmt;
pub mod folder;
pub mod forms;
pub mod help;
pub mod init;
pub mod layout;
pub mod messages;
pub mod replay;
pub mod schema;
mod told;
pub mod trace;
pub mod why;
