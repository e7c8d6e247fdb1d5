//! Messages on their way: what is left in the spool arrives in real sockets as mail and webhooks, whatever the other side does.

#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

mod failing;
mod hooks;
mod killed;
mod mails;
mod sealed;
mod secure;

mod http;
mod office;
mod parts;
mod sink;
