//! The edge of Tandem: sockets, clock, plan file and command line around the pure core of `sip` and `router`.

pub mod calls;
pub mod cli;
pub mod clock;
pub mod codes;
pub mod config;
pub mod control;
pub mod delivery;
pub mod demo;
pub mod diagnostic;
pub mod explain;
mod foretold;
mod imagined;
pub mod key;
mod ladder;
pub mod log;
pub mod media;
pub mod messages;
pub mod metrics;
mod moment;
pub mod names;
pub mod net;
pub mod orders;
mod proven;
pub mod run;
pub mod start;
pub mod store;
pub mod tls;
