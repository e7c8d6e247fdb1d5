//! The command line: one module a verb, each a plain function that makes the text to print.

pub mod check;
pub mod help;
pub mod messages;
