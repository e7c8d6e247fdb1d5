//! Networks: addresses that begin alike.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that share their first bits with this one: `192.0.2.0/24`, `2001:db8::/48`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of this first address; `None` if it is not the first of so large a network, or the prefix is longer
    /// than an address.
    #[must_use]
    pub fn new(first: IpAddr, prefix: u8) -> Option<Self> {
        let network = Self { first, prefix };
        (prefix <= width(first) && Self::around(first, prefix) == network).then_some(network)
    }

    /// The network of so many bits that an address is in; more bits than it has mean the address alone.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(width(address));
        let rest = u32::from(width(address) - prefix);
        let first = match address {
            IpAddr::V4(ip) => {
                IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & u32::MAX.checked_shl(rest).unwrap_or(0)))
            }
            IpAddr::V6(ip) => {
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)))
            }
        };
        Self { first, prefix }
    }

    /// What one sender holds: an address, or of IPv6 the /64 in which every machine picks as many as it likes.
    #[must_use]
    pub fn of_sender(address: IpAddr) -> Self {
        Self::around(address, if address.is_ipv4() { 32 } else { 64 })
    }

    /// What a carrier announces at least: a /24, or of IPv6 a /48.
    #[must_use]
    pub fn of_carrier(address: IpAddr) -> Self {
        Self::around(address, if address.is_ipv4() { 24 } else { 48 })
    }

    /// Its lowest address.
    #[must_use]
    pub const fn first(self) -> IpAddr {
        self.first
    }

    /// How many bits its addresses share.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Is the address in it?
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && Self::around(address, self.prefix) == self
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.prefix)
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_begins_at_its_first_address() {
        assert_eq!(Network::new(ip("192.0.2.0"), 24).unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(Network::new(ip("0.0.0.0"), 0).unwrap().to_string(), "0.0.0.0/0");
        assert_eq!(Network::new(ip("192.0.2.7"), 32).unwrap().to_string(), "192.0.2.7/32");
        assert_eq!(Network::new(ip("2001:db8::"), 48).unwrap().to_string(), "2001:db8::/48");
        assert_eq!(Network::new(ip("192.0.2.1"), 24), None);
        assert_eq!(Network::new(ip("192.0.2.0"), 33), None);
        assert_eq!(Network::new(ip("2001:db8::1"), 64), None);
    }

    #[test]
    fn a_network_contains_what_begins_like_it_and_nothing_of_the_other_family() {
        let network = Network::of_carrier(ip("198.51.100.77"));
        assert_eq!(network.to_string(), "198.51.100.0/24");
        let inside = |address| network.contains(ip(address));
        assert!(inside("198.51.100.0") && inside("198.51.100.255"));
        assert!(!inside("198.51.101.0") && !inside("198.51.99.255") && !inside("::198.51.100.0"));
        assert!(Network::around(ip("::1"), 0).contains(ip("2001:db8::1")));
        assert!(!Network::around(ip("::1"), 0).contains(ip("192.0.2.1")));
    }

    #[test]
    fn an_ipv6_sender_is_its_64() {
        assert_eq!(Network::of_sender(ip("192.0.2.7")).to_string(), "192.0.2.7/32");
        assert_eq!(Network::of_sender(ip("2001:db8:1:2:3:4:5:6")).to_string(), "2001:db8:1:2::/64");
        assert_eq!(Network::of_carrier(ip("2001:db8:1:2:3:4:5:6")).to_string(), "2001:db8:1::/48");
    }
}
