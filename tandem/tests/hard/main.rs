//! The hard part: the node killed, starved, flooded, stood still, and behind a network that loses datagrams. Times are
//! taken at the peers. With `TANDEM_LONG=1` the long forms run; with `--nocapture` the figures are shown.

#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]
#![expect(clippy::print_stdout, reason = "the figures are what one wants to see of these tests")]

mod descriptors;
mod detection;
mod flood;
mod hole;
mod kill;
mod loss;
mod pause;
mod scanner;

mod crowd;
mod desk;
mod hostile;
mod network;
mod node;
mod pbx;

#[path = "../e2e/folder.rs"]
mod folder;
#[expect(dead_code, reason = "here no list of messages is compared")]
#[path = "../e2e/messages.rs"]
mod messages;
#[path = "../e2e/patience.rs"]
mod patience;
#[expect(dead_code, reason = "here nothing is passed on or changed on the way")]
#[path = "../e2e/phone.rs"]
mod phone;
#[expect(dead_code, reason = "IPv6 is for the other tests")]
#[path = "../e2e/street.rs"]
mod street;

use core::time::Duration;

/// Do the long forms run?
fn long() -> bool {
    std::env::var_os("TANDEM_LONG").is_some_and(|value| value == "1")
}

/// A tool that a test cannot do without is not here, or not allowed: the test passes over, unless the environment says
/// `TANDEM_PEERS=required`.
fn passed_over(why: &str) {
    let required = std::env::var_os("TANDEM_PEERS").is_some_and(|value| value == "required");
    assert!(!required, "{why}, and TANDEM_PEERS=required");
    eprintln!("passed over: {why}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes are given time, and nothing can be waited for"
)]
fn pass(time: Duration) {
    std::thread::sleep(time);
}
