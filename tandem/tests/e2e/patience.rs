//! Waiting for what must come: by looking again and again, never longer than a bound.

use core::time::Duration;
use tandem::clock::Clock;

/// What comes at all comes within this, on a machine that is busy with other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Looks until there is something, at most for [`PATIENCE`]; then the test fails with `what` and what `why_not` says.
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>, why_not: impl FnOnce() -> String) -> T {
    within(PATIENCE, what, look, why_not)
}

/// As [`until`], for what takes longer by design.
#[expect(clippy::panic, reason = "a wait that is over fails the test")]
pub(crate) fn within<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    why_not: impl FnOnce() -> String,
) -> T {
    let clock = Clock::start();
    let give_up_at = clock.now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        if clock.now() >= give_up_at {
            panic!("{what}: not within {patience:?}\n{}", why_not());
        }
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks at what other processes have done")]
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}
