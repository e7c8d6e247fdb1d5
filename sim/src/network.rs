//! The network between nodes and phones: latency, loss, copies, late datagrams, cuts and holes, in virtual time.

use crate::chance::Chance;
use core::net::SocketAddr;
use core::time::Duration;
use sip::Time;

/// How datagrams fare. Rates are in a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Every datagram takes at least so long.
    pub latency: Duration,
    /// And up to so much longer: datagrams overtake each other within it.
    pub jitter: Duration,
    /// How many are lost.
    pub loss: u16,
    /// How many arrive twice.
    pub twice: u16,
    /// How many are very late.
    pub late: u16,
    /// How late, at most.
    pub late_by: Duration,
}

/// The network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// How datagrams fare.
    pub weather: Weather,
    /// Between two of these addresses the weather is calm: the latency alone, and nothing is cut.
    pub calm: Vec<SocketAddr>,
    /// Nothing gets from the first to the second.
    pub cuts: Vec<(SocketAddr, SocketAddr)>,
    /// These addresses swallow everything.
    pub holes: Vec<SocketAddr>,
}

impl Network {
    /// When a datagram that is sent now arrives: never, once, or twice.
    pub fn carry(
        &self,
        from: SocketAddr,
        to: SocketAddr,
        now: Time,
        chance: &mut Chance,
    ) -> [Option<Time>; 2] {
        let weather = &self.weather;
        if self.is_calm(from, to) {
            return [Some(now + weather.latency), None];
        }
        if self.holes.contains(&to) || self.cuts.contains(&(from, to)) || chance.permille(weather.loss) {
            return [None, None];
        }
        let second = chance.permille(weather.twice).then(|| self.arrival(now, chance));
        [Some(self.arrival(now, chance)), second]
    }

    /// Is the way between two addresses calm?
    #[must_use]
    pub fn is_calm(&self, from: SocketAddr, to: SocketAddr) -> bool {
        self.calm.contains(&from) && self.calm.contains(&to)
    }

    fn arrival(&self, now: Time, chance: &mut Chance) -> Time {
        let weather = &self.weather;
        let jitter = if weather.jitter.is_zero() {
            Duration::ZERO
        } else {
            chance.span(Duration::ZERO, weather.jitter)
        };
        let late = if chance.permille(weather.late) {
            chance.span(Duration::ZERO, weather.late_by)
        } else {
            Duration::ZERO
        };
        now + weather.latency + jitter + late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_cut_holds_in_one_direction_only() {
        let (a, b) = (at("10.0.0.1:1"), at("10.0.0.2:1"));
        let network = Network { cuts: vec![(a, b)], ..Network::default() };
        let mut chance = Chance::new(1);
        assert_eq!(network.carry(a, b, Time::ZERO, &mut chance), [None, None]);
        assert_eq!(network.carry(b, a, Time::ZERO, &mut chance), [Some(Time::ZERO), None]);
    }

    #[test]
    fn calm_beats_everything() {
        let (a, b) = (at("10.0.0.1:1"), at("10.0.0.2:1"));
        let weather = Weather { loss: 1000, ..Weather::default() };
        let network = Network { weather, calm: vec![a, b], cuts: vec![(a, b)], holes: vec![b] };
        assert_eq!(network.carry(a, b, Time::ZERO, &mut Chance::new(1)), [Some(Time::ZERO), None]);
    }

    #[test]
    fn every_datagram_is_copied_if_the_rate_says_so() {
        let weather = Weather { twice: 1000, jitter: Duration::from_millis(5), ..Weather::default() };
        let network = Network { weather, ..Network::default() };
        let arrivals = network.carry(at("10.0.0.1:1"), at("10.0.0.2:1"), Time::ZERO, &mut Chance::new(1));
        assert!(arrivals.iter().all(Option::is_some));
    }
}
