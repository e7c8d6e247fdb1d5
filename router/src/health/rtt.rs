//! What a path's answers tell of its length and its losses.

use core::time::Duration;

/// The smoothed round trip of a path, and the share of requests that it loses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtt {
    smoothed: Option<Duration>,
    loss: u32,
}

impl Rtt {
    /// Takes an answer: its round trip, if it is known, and how often the request had to be sent again. With neither it
    /// is not the first answer, and says nothing of the way.
    pub(super) fn on_answer(&mut self, round_trip: Option<Duration>, resent: u32) {
        if let Some(sample) = round_trip {
            let sample = sample.min(SAMPLE_MAX);
            // RFC 6298 §2: a new sample weighs 1/8.
            self.smoothed = Some(self.smoothed.map_or(sample, |old| (old * 7 + sample) / 8));
        }
        if round_trip.is_none() && resent == 0 {
            return;
        }
        let sends = resent.saturating_add(1);
        let share = u64::from(resent) * u64::from(WHOLE) / u64::from(sends);
        let share = u32::try_from(share).unwrap_or(WHOLE);
        self.loss = (self.loss * (LOSS_WEIGHT - 1) + share) / LOSS_WEIGHT;
    }

    /// The smoothed round trip; `None` while none was measured.
    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.smoothed
    }

    /// Share of requests that had to be sent again, in percent, over about the last sixteen answers.
    pub(super) fn loss(&self) -> u8 {
        u8::try_from((self.loss * 100 + WHOLE / 2) / WHOLE).unwrap_or(100)
    }

    /// First retransmission: four round trips, so that a short patience holds several of them.
    pub(super) fn t1(&self) -> Duration {
        self.smoothed.map_or(T1_MAX, |trip| (trip * 4).clamp(T1_MIN, T1_MAX))
    }

    /// How long an INVITE may stay without any response.
    pub(super) fn first(&self) -> Duration {
        self.smoothed
            .map_or(FIRST_UNKNOWN, |trip| (trip * 4 + Duration::from_secs(1)).clamp(FIRST_MIN, FIRST_MAX))
    }
}

/// A round trip above this says nothing about a path any more: RFC 3261 gives up at 32 s.
const SAMPLE_MAX: Duration = Duration::from_secs(32);

/// The unit of the loss estimate: parts of 2^16, so that small shares do not vanish in rounding.
const WHOLE: u32 = 1 << 16;

/// One answer weighs 1/16: a burst shows within seconds on a busy path, a single resend stays below 4 %.
const LOSS_WEIGHT: u32 = 16;

/// A shorter T1 would send again before an ordinary peer has answered.
const T1_MIN: Duration = Duration::from_millis(50);

/// RFC 3261 §17.1.1.1 gives 500 ms, and so does a path that was never measured.
const T1_MAX: Duration = Duration::from_millis(500);

/// Patience while the round trip is not known: three sends at T1 = 500 ms.
const FIRST_UNKNOWN: Duration = Duration::from_secs(2);

/// Below this a busy peer looks like a silent one.
const FIRST_MIN: Duration = Duration::from_secs(1);

/// Above this a caller notices.
const FIRST_MAX: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn after(samples: &[u64]) -> Rtt {
        let mut rtt = Rtt::default();
        for sample in samples {
            rtt.on_answer(Some(ms(*sample)), 0);
        }
        rtt
    }

    #[test]
    fn t1_is_four_round_trips_between_50_and_500_ms() {
        let seen: Vec<_> = [&[][..], &[1], &[20], &[300]].map(|samples| after(samples).t1()).into();
        assert_eq!(seen, [ms(500), ms(50), ms(80), ms(500)]);
    }

    #[test]
    fn patience_is_four_round_trips_and_a_second_between_1_and_4_s() {
        let seen: Vec<_> = [&[][..], &[0], &[100], &[5000]].map(|samples| after(samples).first()).into();
        assert_eq!(seen, [ms(2000), ms(1000), ms(1400), ms(4000)]);
    }

    #[test]
    fn one_late_answer_moves_the_round_trip_by_an_eighth() {
        assert_eq!(after(&[80, 160]).round_trip(), Some(ms(90)));
    }

    #[test]
    fn an_absurd_round_trip_is_bounded() {
        let mut rtt = Rtt::default();
        rtt.on_answer(Some(Duration::MAX), u32::MAX);
        rtt.on_answer(Some(Duration::MAX), u32::MAX);
        assert_eq!((rtt.round_trip(), rtt.t1()), (Some(SAMPLE_MAX), ms(500)));
    }

    #[test]
    fn loss_nears_the_share_of_resent_requests_and_fades() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.loss(), 0);
        rtt.on_answer(None, 1);
        assert_eq!(rtt.loss(), 3, "one resend");
        for _ in 0..200 {
            rtt.on_answer(None, 1);
        }
        assert_eq!(rtt.loss(), 50, "every request sent twice");
        for _ in 0..200 {
            rtt.on_answer(None, 0);
        }
        assert_eq!(rtt.loss(), 50, "later answers say nothing");
        for _ in 0..200 {
            rtt.on_answer(Some(ms(20)), 0);
        }
        assert_eq!(rtt.loss(), 0);
    }
}
