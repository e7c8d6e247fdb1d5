//! Who is no peer of the plan: how often that one is answered, and how many calls of that one are held.

use crate::networks::Network;
use core::net::IpAddr;
use core::time::Duration;
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of new calls that come from no peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Welcome {
    /// Calls to numbers that the plan lists are taken, a few at once: carriers call from addresses that their names do
    /// not lead to, and a call that is refused is lost.
    #[default]
    Listed,
    /// None is taken: every carrier's networks stand in the plan.
    Nobody,
}

/// What is remembered of strangers: of each sender how much it has been answered, and what it holds.
#[derive(Debug, Default)]
pub struct Strangers {
    senders: BTreeMap<Network, Account>,
    /// The same senders by when they will be as good as new.
    forgiven: BTreeSet<(Time, Network)>,
    calls: usize,
}

/// One sender's.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Each answer moves it on by [`PAUSE`]; until then some of its [`BURST`] is spent.
    spent_until: Time,
    silent_until: Time,
    calls: usize,
}

/// Senders that are remembered at once, some 400 KiB. At the bound the one is forgotten that would be forgiven first:
/// a flood of forged addresses, each good for one answer, cannot wash out who is silenced or who holds calls.
pub const SENDERS_MAX: usize = 4_096;

/// Answers one sender gets in a row. A person who tries out a trunk needs a few.
pub const BURST: u32 = 20;

/// After so long one answer more is allowed: a peer that nobody listed may still ask every second whether we live.
pub const PAUSE: Duration = Duration::from_secs(1);

/// For so long a sender that has spent its answers gets none: scanners ask for hours, a slip is over soon.
pub const SILENCE: Duration = Duration::from_secs(60);

/// Calls that one sender may have in memory, lingering ones too. A call rings for some seconds and lingers for half a
/// minute: this is two a second, more than a business whose carrier nobody listed has seen go well.
pub const CALLS_OF_ONE: usize = 100;

/// Calls of all strangers in memory, one in a hundred of what a node can hold: they take no peer's place.
pub const CALLS_OF_ALL: usize = 2_000;

/// Accounts that are closed by the way each time one is opened: more than are opened, so that none stays for long.
const CLOSED_AT_ONCE: usize = 2;

/// Later than any time that comes.
const NEVER: Time = Time::from_micros(u64::MAX);

impl Strangers {
    /// Spends one answer of this sender's; false if it has none left and is to be met with silence.
    pub fn may_hear(&mut self, from: IpAddr, now: Time) -> bool {
        let mut heard = false;
        self.change(from, now, |account| {
            if account.silent_until > now {
                return;
            }
            let spent = account.spent_until.max(now) + PAUSE;
            heard = spent <= now + PAUSE * BURST;
            if heard {
                account.spent_until = spent;
            } else {
                account.silent_until = now + SILENCE;
            }
        });
        heard
    }

    /// Makes room for a call of this sender's; false if there is none. Each that was taken is given back by
    /// [`call_over`](Self::call_over).
    pub fn may_call(&mut self, from: IpAddr, now: Time) -> bool {
        if self.calls >= CALLS_OF_ALL {
            return false;
        }
        let mut taken = false;
        self.change(from, now, |account| {
            taken = account.calls < CALLS_OF_ONE;
            account.calls += usize::from(taken);
        });
        self.calls += usize::from(taken);
        taken
    }

    /// A call that was taken has left the memory.
    pub fn call_over(&mut self, from: IpAddr, now: Time) {
        self.calls = self.calls.saturating_sub(1);
        self.change(from, now, |account| account.calls = account.calls.saturating_sub(1));
    }

    /// How many senders are remembered; never more than [`SENDERS_MAX`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.senders.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.senders.is_empty()
    }

    fn change(&mut self, from: IpAddr, now: Time, change: impl FnOnce(&mut Account)) {
        let sender = Network::of_sender(from);
        for _ in 0..CLOSED_AT_ONCE {
            self.forget_first(|until| until <= now);
        }
        let mut account = match self.senders.remove(&sender) {
            Some(account) => {
                self.forgiven.remove(&(account.forgiven_at(), sender));
                account
            }
            None => Account::default(),
        };
        change(&mut account);
        if account.forgiven_at() <= now {
            return;
        }
        if self.senders.len() >= SENDERS_MAX {
            self.forget_first(|_| true);
        }
        self.forgiven.insert((account.forgiven_at(), sender));
        self.senders.insert(sender, account);
    }

    fn forget_first(&mut self, if_forgiven_at: impl FnOnce(Time) -> bool) {
        if let Some(&(until, sender)) = self.forgiven.first()
            && if_forgiven_at(until)
        {
            self.forgiven.pop_first();
            self.senders.remove(&sender);
        }
    }
}

impl Account {
    /// When nothing will tell it from one that was never opened; not while it holds a call.
    fn forgiven_at(&self) -> Time {
        if self.calls > 0 { NEVER } else { self.spent_until.max(self.silent_until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    /// The `n`th of many addresses.
    fn forged(n: u32) -> IpAddr {
        IpAddr::V4(core::net::Ipv4Addr::from_bits(0x0a00_0000 + n))
    }

    fn heard(strangers: &mut Strangers, from: &str, now: Time, times: usize) -> usize {
        (0..times).filter(|_| strangers.may_hear(ip(from), now)).count()
    }

    #[test]
    fn a_sender_gets_a_burst_then_silence_for_a_minute_and_then_a_burst_again() {
        let mut strangers = Strangers::default();
        assert_eq!(heard(&mut strangers, "192.0.2.1", at(0), 1000), 20);
        assert_eq!(heard(&mut strangers, "192.0.2.1", at(59_999), 1000), 0, "it went on: no longer for that");
        assert_eq!(heard(&mut strangers, "192.0.2.2", at(59_999), 1), 1, "another sender");
        assert_eq!(heard(&mut strangers, "192.0.2.1", at(60_000), 1000), 20);
    }

    #[test]
    fn who_asks_once_a_second_is_always_answered_and_nothing_of_it_is_kept() {
        let mut strangers = Strangers::default();
        for second in 0..1000 {
            assert!(strangers.may_hear(ip("192.0.2.1"), at(1000 * second)));
        }
        assert_eq!(strangers.len(), 1);
        assert!(strangers.may_hear(ip("192.0.2.9"), at(2_000_000)));
        assert_eq!(strangers.len(), 1, "the first is forgiven");
    }

    #[test]
    fn one_that_asks_twice_a_second_is_silenced_in_the_end() {
        let mut strangers = Strangers::default();
        let times = (0..1000).take_while(|n| strangers.may_hear(ip("192.0.2.1"), at(500 * n))).count();
        assert_eq!(times, 39, "one of two is paid for");
    }

    #[test]
    fn a_64_is_one_sender() {
        let mut strangers = Strangers::default();
        assert_eq!(heard(&mut strangers, "2001:db8::1", at(0), 20), 20);
        assert_eq!(heard(&mut strangers, "2001:db8::2", at(0), 20), 0);
        assert_eq!(heard(&mut strangers, "2001:db8:0:1::2", at(0), 20), 20);
    }

    #[test]
    fn forged_addresses_fill_the_table_to_its_bound_and_wash_out_nobody_that_matters() {
        let mut strangers = Strangers::default();
        assert_eq!(heard(&mut strangers, "192.0.2.1", at(0), 21), 20);
        assert!(strangers.may_call(ip("192.0.2.2"), at(0)));
        for n in 0..100_000 {
            strangers.may_hear(forged(n), at(0));
            assert!(strangers.len() <= SENDERS_MAX && strangers.forgiven.len() == strangers.len());
        }
        assert_eq!(strangers.len(), SENDERS_MAX);
        assert_eq!(heard(&mut strangers, "192.0.2.1", at(0), 1), 0, "still silenced");
        let calls = (0..200).filter(|_| strangers.may_call(ip("192.0.2.2"), at(0))).count();
        assert_eq!(calls, CALLS_OF_ONE - 1, "its call still counts");
    }

    #[test]
    fn one_sender_holds_so_many_calls_all_together_so_many_and_each_comes_back() {
        let mut strangers = Strangers::default();
        let taken =
            |strangers: &mut Strangers, from| (0..200).filter(|_| strangers.may_call(from, at(0))).count();
        assert_eq!(taken(&mut strangers, forged(0)), CALLS_OF_ONE);
        strangers.call_over(forged(0), at(0));
        assert_eq!(taken(&mut strangers, forged(0)), 1);
        let all: usize = (1..1000).map(|n| taken(&mut strangers, forged(n))).sum();
        assert_eq!(all, CALLS_OF_ALL - CALLS_OF_ONE);
        for n in 0..1000 {
            (0..CALLS_OF_ONE).for_each(|_| strangers.call_over(forged(n), at(0)));
        }
        assert_eq!((strangers.calls, strangers.len()), (0, 0), "who owes nothing is not remembered");
    }
}
