//! Bytes to index, leniently.

use crate::message::{Bytes, Message, ParseError};

pub(crate) fn message(bytes: Bytes) -> Result<Message, ParseError> {
    todo!("{bytes:?}")
}
