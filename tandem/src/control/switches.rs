//! What is switched by hand: an override, a drain, each with who, why and until when. It is no part of a plan's file: it is laid over whichever
//! plan is in force, and over the next one.

use super::changes::{Brought, By, Changes, Made, Outcome, View};
use super::state::Switched;
use super::words;
use super::{Answer, Lasts, SWITCHED_MAX};
use crate::moment::At;
use crate::orders::{self, Order, Unmeant, with_orders};
use jiff::Timestamp;
use router::Plan;
use router::hours::Zone;
use std::sync::Arc;

impl Changes {
    /// The plan in force: what was read, and what is switched over it.
    #[must_use]
    pub fn plan(&self) -> Arc<Plan> {
        with_orders(self.read(), self.state().orders()).0
    }

    /// What of that which is switched means nothing in the plan in force, and why.
    pub(super) fn meaningless(&self) -> Vec<(&Switched, Unmeant)> {
        let switched = self.state().switched.iter();
        switched.filter_map(|it| Some((it, it.order.in_full(self.read()).err()?))).collect()
    }

    pub(super) fn order(
        &mut self,
        by: &By<'_>,
        (order, lasts): (&Order, &Lasts),
        even_so: bool,
        view: &View,
    ) -> Made {
        let refused = |why: String| Made::said(Answer::refused(why));
        if by.why.trim().is_empty() {
            return refused("whoever finds this switched will ask why: --why WORDS".into());
        }
        let unix = self.unix();
        let until = match until(lasts, &self.read().zone, unix) {
            Ok(until) => until,
            Err(why) => return refused(why),
        };
        let order = match order.in_full(self.read()) {
            Ok(order) => order,
            Err(why) => return refused(why.to_string()),
        };
        // Who orders the same again says until when anew.
        let others = self.state().switched.iter().filter(|it| !is_same(&it.order, &order));
        let others: Vec<Switched> = others.cloned().collect();
        if others.len() >= SWITCHED_COUNT_MAX {
            return refused(format!("{SWITCHED_COUNT_MAX} things are switched by hand: take some back"));
        }
        let orders = || others.iter().map(|it| &it.order).chain([&order]);
        let plan = with_orders(self.read(), orders()).0;
        let effect = orders::effect(&view.plan, &plan, &view.roads, &view.fault, unix..until);
        if !even_so && effect.losses().next().is_some() {
            return Made::said(words::would_lose(&order, &effect));
        }
        let id = self.state().orders + 1;
        let (who, why) = (by.who.to_owned(), by.why.to_owned());
        let switched = Switched { id, order, who, why, since: unix, until };
        tracing::info!("{} is in force{}", switched.order, by.words());
        let state = self.state_mut();
        (state.orders, state.switched) = (id, others);
        state.switched.push(switched.clone());
        let not_kept = self.write().err().map(|error| words::not_kept(&error));
        let answer = words::ordered(&switched, &effect, &plan.zone, not_kept);
        Made { brought: Some(Brought { plan, rest: None }), outcome: Outcome::Said(answer) }
    }

    pub(super) fn undo(&mut self, by: &By<'_>, id: u64, view: &View) -> Made {
        let Some(place) = self.state().switched.iter().position(|it| it.id == id) else {
            return Made::said(Answer::refused(format!(
                "nothing is switched under {id}: `tandem status` lists what is"
            )));
        };
        let switched = self.state_mut().switched.remove(place);
        tracing::info!("{} is over{}", switched.order, by.words());
        let not_kept = self.write().err().map(|error| words::not_kept(&error));
        let plan = self.plan();
        let unix = self.unix();
        let effect =
            orders::effect(&view.plan, &plan, &view.roads, &view.fault, unix..switched.until.max(unix + 1));
        let answer = words::undone(&switched, &effect, not_kept);
        Made { brought: Some(Brought { plan, rest: None }), outcome: Outcome::Said(answer) }
    }

    /// Ends what has had its time; `None` if nothing has.
    pub(super) fn end_switched(&mut self) -> Option<Brought> {
        let unix = self.unix();
        let (over, on): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.state_mut().switched).into_iter().partition(|it| it.until <= unix);
        self.state_mut().switched = on;
        if over.is_empty() {
            return None;
        }
        for Switched { order, who, .. } in &over {
            tracing::warn!("{order} is over: its time, which {who} gave it, has come");
        }
        if let Err(error) = self.write() {
            tracing::error!("{}", words::not_kept(&error));
        }
        Some(Brought { plan: self.plan(), rest: None })
    }
}

/// Would one of them say again, or otherwise, what the other says?
fn is_same(one: &Order, other: &Order) -> bool {
    (one.verb, &one.what) == (other.verb, &other.what)
}

/// The second in which it ends.
fn until(lasts: &Lasts, zone: &Zone, unix: i64) -> Result<i64, String> {
    let until = match lasts {
        Lasts::For(seconds) => unix.saturating_add_unsigned(*seconds),
        Lasts::Until(at) => moment(at, zone, unix)?,
    };
    if until <= unix {
        return Err("that is over already: say for how long from now on".into());
    }
    if until.abs_diff(unix) > SWITCHED_MAX.as_secs() {
        return Err("what is to last longer than a year is written into the plan file".into());
    }
    Ok(until)
}

fn moment(written: &str, zone: &Zone, unix: i64) -> Result<i64, String> {
    let now = Timestamp::from_second(unix).unwrap_or_default();
    if let Ok(at) = written.parse::<At>() {
        let next = at.unix(zone, now);
        // `Tue 17:00` on a Tuesday evening is a week from then.
        let is_weekly = matches!(at, At::Weekly { .. });
        return Ok(if is_weekly && next <= unix { next + 7 * DAY } else { next });
    }
    let days =
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(|day| format!("{day} {written}").parse::<At>());
    let next =
        days.into_iter().filter_map(Result::ok).map(|at| at.unix(zone, now)).filter(|at| *at > unix).min();
    next.ok_or_else(|| {
        format!("`{written}` is no time: write `17:00`, `Tue 17:00` or `2026-11-24T17:00:00-08:00`")
    })
}

const DAY: i64 = 86_400;

/// Things that are switched at once: nobody would know of more.
pub(super) const SWITCHED_COUNT_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sunday 2026-11-22, noon in Los Angeles.
    const NOON: i64 = 1_795_377_600;

    fn ends(lasts: &Lasts) -> Result<i64, String> {
        let zone = Zone { name: "America/Los_Angeles".into(), offsets: vec![(0, -8 * 3600)] };
        until(lasts, &zone, NOON).map(|until| (until - NOON) / 60)
    }

    #[test]
    fn it_ends_at_the_next_such_time_by_the_clock_of_the_business() {
        let at = |text: &str| ends(&Lasts::Until(text.into()));
        assert_eq!(ends(&Lasts::For(7_200)), Ok(120));
        assert_eq!(at("17:00"), Ok(5 * 60));
        assert_eq!(at("9:30"), Ok(21 * 60 + 30));
        assert_eq!(at("Mon 17:00"), Ok(29 * 60));
        assert_eq!(at("Sun 11:00"), Ok(7 * 24 * 60 - 60));
        assert_eq!(at("2026-11-22T21:00:00Z"), Ok(60));
        assert!(at("2026-11-22T19:00:00Z").is_err_and(|why| why.contains("over already")));
        assert!(at("2029-11-22T19:00:00Z").is_err_and(|why| why.contains("plan file")));
        assert!(at("tea").is_err_and(|why| why.contains("no time")));
        assert!(ends(&Lasts::For(0)).is_err());
        assert!(ends(&Lasts::For(u64::MAX)).is_err());
    }
}
