//! A network of its own for one test: the test runs again as a process in a new namespace, where it may do as it likes.

use crate::passed_over;
use std::process::{Command, Stdio};

/// Is this test in a network of its own? If not, it is run again in one, and when this returns it has passed there, or
/// was passed over because this machine does not allow it. `set_up` are lines of shell that make the network.
pub(crate) fn is_own(test: &str, set_up: &str) -> bool {
    if std::env::var_os(INSIDE).is_some_and(|name| name == test) {
        let made = Command::new("sh").args(["-ec", &format!("ip link set lo up\n{set_up}")]).status();
        assert!(made.is_ok_and(|status| status.success()), "the network cannot be made:\n{set_up}");
        return true;
    }
    let tools = "ip -V && nft --version && unshare -n sh -ec 'ip link set lo up; nft add table ip probe'";
    let tried = Command::new("sh").args(["-ec", tools]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if tried.is_ok_and(|status| status.success()) {
        let own = std::env::current_exe().expect("a test knows where it is");
        let passed = Command::new("unshare")
            .args(["-n", "--"])
            .arg(own)
            .args([test, "--exact", "--nocapture", "--quiet"])
            .env(INSIDE, test)
            .stdin(Stdio::null())
            .status();
        assert!(passed.is_ok_and(|status| status.success()), "{test} has failed in a network of its own");
    } else {
        passed_over("no network namespace of its own: that takes root, `unshare`, `ip` and `nft`");
    }
    false
}

const INSIDE: &str = "TANDEM_NETWORK";
