//! How a call is presented to a carrier: who stands in From, which header says that it was forwarded, and what each
//! carrier has accepted.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a peer wants calls to be presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// What it gets first.
    pub form: Form,
    /// Is it trusted with the caller's number (RFC 3325)? Then P-Asserted-Identity names the caller; else one that came
    /// is taken out wherever it would say more than From.
    pub trusted: bool,
}

/// One way to present a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Who stands in From.
    pub who: Who,
    /// What says that the call was forwarded.
    pub diverts: Diverts,
}

/// Who stands in From.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The caller, as it came.
    Caller,
    /// The number that was called: one of ours.
    Called,
    /// Always this number.
    Number(Arc<str>),
}

/// What says that a call was forwarded, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diverts {
    /// Nothing.
    Nothing,
    /// Diversion (RFC 5806).
    Diversion,
    /// History-Info (RFC 7044).
    HistoryInfo,
    /// Both of them.
    Both,
}

/// Why a call was forwarded, as both headers can say it (RFC 5806, RFC 7544 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody was tried before: the plan sends it there.
    Unconditional,
    /// The business is closed.
    TimeOfDay,
    /// Nobody answered.
    NoAnswer,
    /// Somebody was busy or declined.
    UserBusy,
    /// Whoever was tried could not be reached, or was known to be down.
    Unavailable,
}

impl Reason {
    /// The `reason` of a Diversion.
    #[must_use]
    pub const fn in_diversion(self) -> &'static str {
        match self {
            Self::Unconditional => "unconditional",
            Self::TimeOfDay => "time-of-day",
            Self::NoAnswer => "no-answer",
            Self::UserBusy => "user-busy",
            Self::Unavailable => "unavailable",
        }
    }

    /// The `cause` of the URI in a History-Info entry (RFC 4458, by the table of RFC 7544).
    #[must_use]
    pub const fn cause(self) -> u16 {
        match self {
            Self::Unconditional => 302,
            Self::TimeOfDay => 404,
            Self::NoAnswer => 408,
            Self::UserBusy => 486,
            Self::Unavailable => 503,
        }
    }
}

impl Presentation {
    /// What a carrier gets that the plan says nothing of: the caller in From, and nothing about forwarding.
    pub const PLAIN: Self =
        Self { form: Form { who: Who::Caller, diverts: Diverts::Nothing }, trusted: false };

    /// The same for calls of a step that says who stands in From: whoever sees one of our numbers is told that the call was
    /// forwarded, unless the plan has it otherwise for this peer.
    #[must_use]
    pub fn with(&self, who: &Who) -> Self {
        let diverts = match (who, self.form.diverts) {
            (Who::Called | Who::Number(_), Diverts::Nothing) if self.form.who == Who::Caller => {
                Diverts::Diversion
            }
            (Who::Caller | Who::Called | Who::Number(_), diverts) => diverts,
        };
        Self { form: Form { who: who.clone(), diverts }, trusted: self.trusted }
    }

    /// The forms that a carrier which refuses one is offered in turn: its own, one of our numbers with Diversion, one of our
    /// numbers with History-Info; and from the beginning again.
    #[must_use]
    pub fn form(&self, step: u8) -> Form {
        let who = if self.form.who == Who::Caller { Who::Called } else { self.form.who.clone() };
        let with = |diverts| Form { who: who.clone(), diverts };
        match (step % self.forms(), self.form == with(Diverts::Diversion)) {
            (0, _) => self.form.clone(),
            (1, false) => with(Diverts::Diversion),
            _ => with(Diverts::HistoryInfo),
        }
    }

    /// How many forms there are.
    #[must_use]
    pub fn forms(&self) -> u8 {
        let is_one_of_them = self.form.who != Who::Caller
            && matches!(self.form.diverts, Diverts::Diversion | Diverts::HistoryInfo);
        if is_one_of_them { 2 } else { 3 }
    }
}

/// What a carrier is offered, in words for people.
impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::Caller => out.write_str("the caller in From")?,
            Who::Called => out.write_str("the number called in From")?,
            Who::Number(number) => write!(out, "{number} in From")?,
        }
        out.write_str(match self.diverts {
            Diverts::Nothing => "",
            Diverts::Diversion => ", with Diversion",
            Diverts::HistoryInfo => ", with History-Info",
            Diverts::Both => ", with Diversion and History-Info",
        })
    }
}

/// Which form each carrier has accepted after it had refused another, by the country that was called. Learned from calls,
/// forgotten with the plan.
#[derive(Debug, Default)]
pub struct Accepted {
    steps: BTreeMap<(Arc<str>, u16), u8>,
}

/// What is remembered at once; beyond it carriers are offered their own form first. There are about 200 countries.
const ACCEPTED_MAX: usize = 2_000;

impl Accepted {
    /// Which form a carrier is offered first for a call to this number.
    #[must_use]
    pub fn first(&self, carrier: &Arc<str>, number: &str) -> u8 {
        self.steps.get(&(Arc::clone(carrier), country(number))).copied().unwrap_or(0)
    }

    /// A carrier accepted this form after it had refused another. True if that is news.
    pub fn on_accepted(&mut self, carrier: &Arc<str>, number: &str, step: u8) -> bool {
        let key = (Arc::clone(carrier), country(number));
        let known = self.steps.get(&key).copied();
        if known.unwrap_or(0) == step || known.is_none() && self.steps.len() >= ACCEPTED_MAX {
            return false;
        }
        if step == 0 {
            self.steps.remove(&key);
        } else {
            self.steps.insert(key, step);
        }
        true
    }

    /// The plan has changed, and perhaps the contract with the carrier.
    pub fn forget(&mut self) {
        self.steps.clear();
    }

    /// Nothing to remember?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// The country code of a number (ITU-T E.164 §6.2); 0 for what is no E.164 number.
#[must_use]
pub fn country(number: &str) -> u16 {
    let Some(digits) = number.strip_prefix('+') else { return 0 };
    let code = |digits: &str| digits.parse().unwrap_or(0);
    let of = |length| digits.get(..length).map_or(0, code);
    match of(2) {
        _ if matches!(of(1), 1 | 7) => of(1),
        20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => {
            of(2)
        }
        _ => of(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(presentation: &Presentation) -> Vec<String> {
        let forms = presentation.forms();
        assert_eq!(presentation.form(forms), presentation.form(0));
        (0..forms).map(|step| presentation.form(step).to_string()).collect()
    }

    #[test]
    fn a_carrier_that_refuses_is_offered_one_of_our_numbers() {
        let of = |who, diverts| said(&Presentation { form: Form { who, diverts }, trusted: false });
        let ours =
            ["the number called in From, with Diversion", "the number called in From, with History-Info"];
        assert_eq!(said(&Presentation::PLAIN), [&["the caller in From"][..], &ours].concat());
        let told = of(Who::Caller, Diverts::Diversion);
        assert_eq!(told, [&["the caller in From, with Diversion"][..], &ours].concat());
        assert_eq!(of(Who::Called, Diverts::Diversion), ours);
        assert_eq!(of(Who::Called, Diverts::HistoryInfo), [ours[1], ours[0]]);
        let both = of(Who::Number("+1503".into()), Diverts::Both);
        let number = ["+1503 in From, with Diversion and History-Info", "+1503 in From, with Diversion"];
        assert_eq!(both, [&number[..], &["+1503 in From, with History-Info"]].concat());
    }

    #[test]
    fn what_was_accepted_is_remembered_for_the_country() {
        let (acme, other): (Arc<str>, Arc<str>) = ("acme".into(), "other".into());
        let mut accepted = Accepted::default();
        assert!(!accepted.on_accepted(&acme, "+15035550111", 0), "its own form is no news");
        assert!(accepted.on_accepted(&acme, "+15035550111", 1));
        assert!(!accepted.on_accepted(&acme, "+12065550111", 1), "known already");
        assert_eq!(accepted.first(&acme, "+13605550111"), 1);
        assert_eq!((accepted.first(&acme, "+44207"), accepted.first(&other, "+1503")), (0, 0));
        assert!(accepted.on_accepted(&acme, "+15035550111", 0), "its own form again");
        assert_eq!(accepted.first(&acme, "+15035550111"), 0);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut accepted = Accepted::default();
        for carrier in 0..ACCEPTED_MAX {
            assert!(accepted.on_accepted(&carrier.to_string().into(), "+1503", 1));
        }
        assert!(!accepted.on_accepted(&"one more".into(), "+1503", 1));
        assert!(accepted.on_accepted(&"7".into(), "+1503", 2), "what is known may change");
        accepted.forget();
        assert!(accepted.is_empty());
    }

    #[test]
    fn a_country_code_has_one_two_or_three_digits() {
        let codes =
            ["+15035550111", "+79161234567", "+442079460123", "+353861234567", "+6834002"].map(country);
        assert_eq!(codes, [1, 7, 44, 353, 683]);
        assert_eq!(["911", "", "+", "+4", "reception", "+é1234"].map(country), [0, 0, 0, 0, 0, 0]);
    }
}
