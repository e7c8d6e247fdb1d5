//! Erlang's loss formula: how many callers find every channel taken.

/// The share of calls that are blocked if so much traffic, in erlangs, is offered to so many channels, and who is blocked does not wait: by
/// B(0) = 1, B(n) = A·B(n−1) / (n + A·B(n−1)), which loses no digits.
#[must_use]
pub fn blocked(traffic: f64, channels: u32) -> f64 {
    let traffic = traffic.max(0.0);
    (1..=channels).fold(1.0, |before, nth| {
        let offered = traffic * before;
        offered / (f64::from(nth) + offered)
    })
}

/// The channels that are needed so that no more than this share of calls is blocked; `None` for more than [`CHANNELS_MAX`].
#[must_use]
pub fn needed(traffic: f64, share: f64) -> Option<u32> {
    let traffic = traffic.max(0.0);
    let mut before = 1.0;
    for nth in 0..=CHANNELS_MAX {
        if nth > 0 {
            let offered = traffic * before;
            before = offered / (f64::from(nth) + offered);
        }
        if before <= share || traffic <= 0.0 {
            return Some(nth);
        }
    }
    None
}

/// More than any trunk has.
pub const CHANNELS_MAX: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Traffic, channels and the share that is blocked, as published tables have them.
    #[test]
    fn it_is_what_tables_say() {
        let rows = [
            (1.0, 1, 0.5),
            (2.0, 5, 0.036_697),
            (5.0, 10, 0.018_385),
            (10.0, 15, 0.036_497),
            (8.0, 10, 0.121_661),
            (10.0, 12, 0.119_739),
            (12.5, 15, 0.100_489),
            (15.0, 18, 0.086_169),
            (18.0, 22, 0.065_451),
        ];
        for (traffic, channels, share) in rows {
            let found = blocked(traffic, channels);
            assert!((found - share).abs() < 0.000_002, "{traffic} E at {channels}: {found}");
        }
    }

    /// The most that so many channels take at one in a hundred.
    #[test]
    fn what_is_needed_is_what_tables_say() {
        let one_in_a_hundred = [(5, 1.361), (10, 4.461), (15, 8.108), (20, 12.03), (30, 20.34), (100, 84.06)];
        for (channels, most) in one_in_a_hundred {
            assert!((blocked(most, channels) - 0.01).abs() < 0.000_05, "{channels}");
            assert_eq!(needed(most - 0.01, 0.01), Some(channels));
            assert_eq!(needed(most + 0.01, 0.01), Some(channels + 1));
        }
        assert_eq!(needed(0.0, 0.01), Some(0));
        assert_eq!(needed(200_000.0, 0.01), None);
    }

    #[test]
    fn without_traffic_nobody_is_blocked_and_without_channels_everybody() {
        assert!(blocked(0.0, 1) <= 0.0 && blocked(-1.0, 1) <= 0.0);
        assert!(blocked(5.0, 0) >= 1.0);
        let many = blocked(90_000.0, 100_000);
        assert!((0.0..1e-9).contains(&many), "{many}");
    }
}
