//! What the RFCs say about SIP, as values: a message is an index over the bytes that arrived, a change is a
//! list of edits over them, a transaction is a state machine that is told the time.
//!
//! Nothing here performs I/O, reads a clock, draws random numbers or logs.

pub mod build;
pub mod check;
pub mod digest;
pub mod edit;
pub mod frame;
pub mod header;
pub mod message;
pub mod method;
pub mod name_addr;
pub mod param;
mod parse;
pub mod reason;
mod scan;
pub mod text;
pub mod time;
pub mod txn;
pub mod uri;
pub mod via;

pub use check::{Fault, check, inspect};
pub use edit::Edits;
pub use header::Name;
pub use message::{Bytes, Field, Message, ParseError, Span};
pub use method::Method;
pub use name_addr::NameAddr;
pub use param::Params;
pub use reason::Cause;
pub use scan::is_token;
pub use time::Time;
pub use uri::{Host, Uri};
pub use via::{Stamp, Via};
