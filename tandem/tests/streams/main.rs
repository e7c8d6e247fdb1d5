//! Connections between two edges on this machine: TLS, who is believed, what is reused, what is dead.

#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

mod alive;
mod pair;
mod papers;
mod reuse;
mod trust;
