//! What must hold for any bytes at all: one function per target, each of which panics if it does not.
//!
//! libFuzzer feeds them bytes that it thinks up (`fuzz/run`), the tests those it has kept (`fuzz/corpus`).

pub mod digest;
mod draw;
pub mod framing;
pub mod house;
pub mod message;
pub mod node;
pub mod values;
