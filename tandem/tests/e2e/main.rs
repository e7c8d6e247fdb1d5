//! End to end: the program between real SIP peers on loopback addresses. What a peer sees is compared whole; times
//! are taken at the peers and from the call list.

#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

mod along;
mod answered;
mod baresip;
mod browser;
mod callers;
mod carrier;
mod confirm;
mod control;
mod failover;
mod history;
mod joined;
mod lamp;
mod long;
mod mailbox;
mod names;
mod operation;
mod races;
mod say;
mod secure;
mod spiral;

mod folder;
mod line;
mod messages;
mod node;
mod patience;
mod phone;
mod sipp;
mod sound;
mod street;
mod tshark;

#[path = "../delivery/parts.rs"]
mod parts;
#[expect(dead_code, reason = "it can do more than is asked of it here")]
#[path = "../delivery/sink.rs"]
mod sink;
